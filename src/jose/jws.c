#include <vouch/jose/jws.h>

#include <strings.h>

#include "json.h"

/* ---- base64url into and out of buffers */
static vch_err b64_append(struct vch_bytes in, struct vch_buf *out)
{
    struct vch_span room;

    VCH_CHECK(in.n <= VCH_JWS_MAX, LIMIT);
    VCH_TRY(vch_buf_room(out, VCH_B64_ROOM(in.n), &room));
    vch_b64_encode(VCH_B64_URL, in, room);
    vch_buf_added(out, strlen((const char *)room.p));
    return VCH_OK;
}

static vch_err b64_take(struct vch_bytes text, struct vch_buf *out)
{
    struct vch_span room;
    struct vch_bytes b;

    VCH_TRY(vch_buf_room(out, text.n / 4 * 3 + 2, &room));
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_URL, text, room, &b)), JWS);
    vch_buf_added(out, b.n);
    return VCH_OK;
}

/* ---- signing */
vch_err vch_jws_sign(const struct vch_signer *signer, const char *kid, const char *typ,
                     struct vch_bytes payload, struct vch_buf *out)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf head = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(2 * VCH_JWS_MAX);
    VCH_AUTO(vch_jose_decref) json_t *j = NULL;
    uint8_t sig[VCH_SIG_LEN];
    struct vch_bytes input;

    VCH_CHECK(signer->pub.curve == VCH_CURVE_P256, ALG);
    VCH_CHECK(kid[0] != 0, JWS);
    j = json_pack("{s:s, s:s*, s:s}", "alg", "ES256", "typ", typ, "kid", kid);
    VCH_CHECK(j != NULL, JWS);
    VCH_TRY(vch_jose_dump(j, &head));
    VCH_TRY(b64_append(vch_buf_get(&head), &text));
    VCH_TRY(vch_buf_text(&text, "."));
    VCH_TRY(b64_append(payload, &text));
    input = vch_buf_get(&text);
    VCH_TRY(signer->sign(signer, &input, 1, sig));
    VCH_TRY(vch_buf_text(&text, "."));
    VCH_TRY(b64_append(VCH_BYTES_OF(sig), &text));
    VCH_CHECK(text.n <= VCH_JWS_MAX, LIMIT);
    return vch_buf_append(out, vch_buf_get(&text));
}

/* ---- verifying */
struct parts {
    struct vch_bytes head, payload, sig;
    struct vch_bytes input; /* head.payload, what is signed */
};

static vch_err split(struct vch_bytes text, struct parts *ret)
{
    const uint8_t *a = text.n == 0 ? NULL : memchr(text.p, '.', text.n);
    const uint8_t *b, *end = text.p + text.n;

    VCH_CHECK(a != NULL, JWS);
    b = memchr(a + 1, '.', (size_t)(end - a - 1));
    VCH_CHECK(b != NULL && memchr(b + 1, '.', (size_t)(end - b - 1)) == NULL, JWS);
    ret->head = vch_bytes(text.p, (size_t)(a - text.p));
    ret->payload = vch_bytes(a + 1, (size_t)(b - a - 1));
    ret->sig = vch_bytes(b + 1, (size_t)(end - b - 1));
    ret->input = vch_bytes(text.p, (size_t)(b - text.p));
    return VCH_OK;
}

static bool typ_fits(const json_t *j, const char *want)
{
    static const char prefix[] = "application/";
    const char *typ = json_string_value(json_object_get(j, "typ"));

    if (want == NULL) {
        return true;
    }
    if (typ != NULL && strncasecmp(typ, prefix, sizeof(prefix) - 1) == 0) {
        typ += sizeof(prefix) - 1;
    }
    return typ != NULL && strcasecmp(typ, want) == 0;
}

/* The key that the header names. */
static vch_err head_key(struct vch_bytes head, const struct vch_jwks *set, const char *typ,
                        const struct vch_jwk **ret)
{
    /* What changes the meaning of the token, or brings a key along. */
    static const char *const refused[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c"};
    VCH_AUTO(vch_jose_decref) json_t *j = NULL;
    const char *alg, *kid;

    VCH_CHECK(vch_ok(vch_jose_json(head, &j)), JWS);
    for (size_t i = 0; i < VCH_ARRAY_LEN(refused); i++) {
        VCH_CHECK(json_object_get(j, refused[i]) == NULL, JWS);
    }
    alg = json_string_value(json_object_get(j, "alg"));
    VCH_CHECK(alg != NULL, JWS);
    VCH_CHECK(strcmp(alg, "ES256") == 0, ALG);
    VCH_CHECK(typ_fits(j, typ), JWS);
    kid = json_string_value(json_object_get(j, "kid"));
    *ret = vch_jwks_find(set, vch_text(kid != NULL ? kid : ""));
    VCH_CHECK(*ret != NULL, JWS_KEY);
    VCH_CHECK((*ret)->pub.curve == VCH_CURVE_P256, ALG);
    return VCH_OK;
}

vch_err vch_jws_verify(const struct vch_crypto *cr, const struct vch_jwks *set, const char *typ,
                       struct vch_bytes text, struct vch_buf *out, const struct vch_jwk **ret_key)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf head = vch_buf_init(VCH_JWS_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf payload = vch_buf_init(VCH_JWS_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf sig = vch_buf_init(VCH_JWS_MAX);
    const struct vch_jwk *key;
    struct parts p;
    vch_err e;

    VCH_CHECK(text.n <= VCH_JWS_MAX, LIMIT);
    VCH_TRY(split(text, &p));
    VCH_TRY(b64_take(p.head, &head));
    VCH_TRY(b64_take(p.payload, &payload));
    VCH_TRY(b64_take(p.sig, &sig));
    VCH_TRY(head_key(vch_buf_get(&head), set, typ, &key));
    e = cr->verify(VCH_ALG_ES256, &key->pub, &p.input, 1, vch_buf_get(&sig));
    VCH_CHECK(!vch_err_is(e, VCH_E(SIGNATURE_FORM)), SIGNATURE);
    VCH_TRY(e);
    VCH_TRY(vch_buf_append(out, vch_buf_get(&payload)));
    if (ret_key != NULL) {
        *ret_key = key;
    }
    return VCH_OK;
}
