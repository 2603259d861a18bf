#include <vouch/jose/jwk.h>

#include <vouch/base/text.h>

#include "json.h"

/* The names of a curve in JOSE. */
struct curve {
    enum vch_curve curve;
    const char *kty, *crv;
    bool has_y;
    const char *alg[2]; /* the first is written, each is accepted */
};

static const struct curve curves[] = {
    {VCH_CURVE_P256, "EC", "P-256", true, {"ES256", "ESP256"}},
    {VCH_CURVE_ED25519, "OKP", "Ed25519", false, {"EdDSA", "Ed25519"}},
};

static const struct curve *curve_of(enum vch_curve curve)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(curves); i++) {
        if (curves[i].curve == curve) {
            return &curves[i];
        }
    }
    return NULL;
}

/* ---- writing */
struct coords {
    char x[VCH_B64_ROOM(32)], y[VCH_B64_ROOM(32)];
};

static void coords_of(const struct vch_pubkey *key, struct coords *ret)
{
    vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(key->x), VCH_SPAN_OF(ret->x));
    vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(key->y), VCH_SPAN_OF(ret->y));
}

vch_err vch_jwk_thumbprint(const struct vch_crypto *cr, const struct vch_pubkey *key,
                           struct vch_hash *ret)
{
    const struct curve *c = curve_of(key->curve);
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(512);
    struct coords at;

    VCH_CHECK(c != NULL, KEY);
    coords_of(key, &at);
    /* The required members only, in the order of their names, without spaces. */
    VCH_TRY(
        vch_buf_printf(&text, "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%s\"", c->crv, c->kty, at.x));
    if (c->has_y) {
        VCH_TRY(vch_buf_printf(&text, ",\"y\":\"%s\"", at.y));
    }
    VCH_TRY(vch_buf_text(&text, "}"));
    vch_sha256_of(cr, vch_buf_get(&text), ret);
    return VCH_OK;
}

static json_t *jwk_json(const struct vch_jwk *jwk, const struct curve *c)
{
    struct coords at;
    json_t *j;

    coords_of(&jwk->pub, &at);
    j = json_pack("{s:s, s:s, s:s, s:s*, s:s, s:s, s:s*}", "kty", c->kty, "crv", c->crv, "x", at.x,
                  "y", c->has_y ? at.y : NULL, "use", "sig", "alg", c->alg[0], "kid",
                  jwk->kid[0] != 0 ? jwk->kid : NULL);
    return j;
}

static vch_err jwk_pack(const struct vch_jwk *jwk, json_t **ret)
{
    const struct curve *c = curve_of(jwk->pub.curve);

    VCH_CHECK(c != NULL, KEY);
    VCH_CHECK(memchr(jwk->kid, 0, sizeof(jwk->kid)) != NULL, JWK);
    VCH_CHECK(vch_utf8_check(vch_text(jwk->kid)), JWK);
    *ret = jwk_json(jwk, c);
    VCH_CHECK(*ret != NULL, MEMORY);
    return VCH_OK;
}

vch_err vch_jwk_encode(const struct vch_jwk *jwk, struct vch_buf *out)
{
    VCH_AUTO(vch_jose_decref) json_t *j = NULL;

    VCH_TRY(jwk_pack(jwk, &j));
    return vch_jose_dump(j, out);
}

vch_err vch_jwks_encode(const struct vch_jwk *keys, size_t n, struct vch_buf *out)
{
    VCH_AUTO(vch_jose_decref) json_t *set = json_pack("{s:[]}", "keys");

    VCH_CHECK(set != NULL, MEMORY);
    for (size_t i = 0; i < n; i++) {
        json_t *j = NULL;

        VCH_TRY(jwk_pack(&keys[i], &j));
        VCH_CHECK(json_array_append_new(json_object_get(set, "keys"), j) == 0, MEMORY);
    }
    return vch_jose_dump(set, out);
}

/* ---- reading */
/* The text of a member; NULL if it is absent. Errors: JWK (another type). */
static vch_err member(const json_t *j, const char *name, const char **ret)
{
    const json_t *m = json_object_get(j, name);

    VCH_CHECK(m == NULL || json_is_string(m), JWK);
    *ret = m == NULL ? NULL : json_string_value(m);
    return VCH_OK;
}

static vch_err coord(const json_t *j, const char *name, uint8_t ret[32])
{
    uint8_t room[32];
    struct vch_bytes b;
    const char *text;

    VCH_TRY(member(j, name, &text));
    VCH_CHECK(text != NULL, JWK);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_URL, vch_text(text), VCH_SPAN_OF(room), &b)), JWK);
    VCH_CHECK(b.n == sizeof(room), JWK);
    memcpy(ret, room, sizeof(room));
    return VCH_OK;
}

/* Which of our curves is it on? Errors: JWK; ALG. */
static vch_err curve_read(const json_t *j, const struct curve **ret)
{
    const char *kty, *crv;

    VCH_TRY(member(j, "kty", &kty));
    VCH_TRY(member(j, "crv", &crv));
    VCH_CHECK(kty != NULL, JWK);
    for (size_t i = 0; i < VCH_ARRAY_LEN(curves); i++) {
        if (crv != NULL && strcmp(kty, curves[i].kty) == 0 && strcmp(crv, curves[i].crv) == 0) {
            *ret = &curves[i];
            return VCH_OK;
        }
    }
    return VCH_E(ALG);
}

static bool ops_verify(const json_t *ops)
{
    size_t i;
    json_t *op;

    json_array_foreach(ops, i, op)
    {
        if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0) {
            return true;
        }
    }
    return false;
}

/* Is the key meant to verify signatures with an algorithm of ours? *RET_OTHER tells a key for
 * another purpose from a malformed one. */
static vch_err purpose_check(const json_t *j, const struct curve *c, bool *ret_other)
{
    const json_t *ops = json_object_get(j, "key_ops");
    const char *use, *alg;

    *ret_other = false;
    VCH_TRY(member(j, "use", &use));
    VCH_TRY(member(j, "alg", &alg));
    VCH_CHECK(ops == NULL || json_is_array(ops), JWK);
    *ret_other = true;
    VCH_CHECK(use == NULL || strcmp(use, "sig") == 0, JWK);
    VCH_CHECK(ops == NULL || ops_verify(ops), JWK);
    VCH_CHECK(alg == NULL || strcmp(alg, c->alg[0]) == 0 || strcmp(alg, c->alg[1]) == 0, ALG);
    *ret_other = false;
    return VCH_OK;
}

static vch_err jwk_read(const struct vch_crypto *cr, const json_t *j, struct vch_jwk *ret,
                        bool *ret_other)
{
    struct vch_jwk jwk = {.pub = {.curve = VCH_CURVE_NONE}};
    const struct curve *c;
    const char *kid;
    vch_err e;

    *ret_other = false;
    VCH_CHECK(json_is_object(j), JWK);
    /* Who sends a private key has lost it; taking it silently would hide that. */
    VCH_CHECK(json_object_get(j, "d") == NULL && json_object_get(j, "k") == NULL, JWK);
    e = curve_read(j, &c);
    *ret_other = vch_err_is(e, VCH_E(ALG));
    VCH_TRY(e);
    VCH_TRY(purpose_check(j, c, ret_other));
    VCH_TRY(member(j, "kid", &kid));
    if (kid != NULL) {
        VCH_CHECK(strlen(kid) <= VCH_JWK_KID_MAX, LIMIT);
        memcpy(jwk.kid, kid, strlen(kid));
    }
    jwk.pub.curve = c->curve;
    VCH_TRY(coord(j, "x", jwk.pub.x));
    if (c->has_y) {
        VCH_TRY(coord(j, "y", jwk.pub.y));
    }
    VCH_TRY(cr->pubkey_check(&jwk.pub));
    *ret = jwk;
    return VCH_OK;
}

vch_err vch_jwk_decode(const struct vch_crypto *cr, struct vch_bytes text, struct vch_jwk *ret)
{
    VCH_AUTO(vch_jose_decref) json_t *j = NULL;
    bool other;

    VCH_CHECK(text.n <= VCH_JWK_TEXT_MAX, LIMIT);
    VCH_TRY(vch_jose_json(text, &j));
    return jwk_read(cr, j, ret, &other);
}

static vch_err set_read(const struct vch_crypto *cr, const json_t *list, struct vch_jwks *set)
{
    size_t i;
    json_t *j;

    json_array_foreach(list, i, j)
    {
        struct vch_jwk *k = &set->keys[set->n];
        bool other;
        vch_err e = jwk_read(cr, j, k, &other);

        if (other) {
            continue;
        }
        VCH_TRY(e);
        VCH_CHECK(vch_jwks_find(set, vch_text(k->kid)) == NULL, JWK);
        set->n++;
    }
    return VCH_OK;
}

vch_err vch_jwks_decode(const struct vch_crypto *cr, struct vch_bytes text, struct vch_jwks *ret)
{
    VCH_AUTO(vch_jose_decref) json_t *j = NULL;
    VCH_AUTO(vch_jwks_fini) struct vch_jwks set = {0};
    const json_t *list;

    VCH_CHECK(text.n <= VCH_JWK_TEXT_MAX, LIMIT);
    VCH_TRY(vch_jose_json(text, &j));
    list = json_object_get(j, "keys");
    VCH_CHECK(json_is_array(list), JWK);
    VCH_CHECK(json_array_size(list) <= VCH_JWKS_MAX, LIMIT);
    set.keys = vch_mem_alloc(json_array_size(list) * sizeof(*set.keys));
    VCH_TRY(set_read(cr, list, &set));
    *ret = set;
    set = (struct vch_jwks){0};
    return VCH_OK;
}

void vch_jwks_fini(struct vch_jwks *set)
{
    vch_mem_free(set->keys);
    *set = (struct vch_jwks){0};
}

const struct vch_jwk *vch_jwks_find(const struct vch_jwks *set, struct vch_bytes kid)
{
    for (size_t i = 0; kid.n > 0 && i < set->n; i++) {
        if (vch_bytes_equal(vch_text(set->keys[i].kid), kid)) {
            return &set->keys[i];
        }
    }
    return NULL;
}
