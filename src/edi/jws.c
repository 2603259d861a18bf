/* The operator's signatures: compact JWS (RFC 7515), ES256 only, keys only from the pinned set. */
#include "edi_int.h"

#define HEADER_MAX  1024
#define PAYLOAD_MAX 65536

void vch_edi_json_drop(json_t **o)
{
    json_decref(*o);
}

static vch_err coordinate(const json_t *jwk, const char *name, uint8_t ret[32])
{
    const char *text = json_string_value(json_object_get(jwk, name));
    struct vch_bytes got;

    VCH_CHECK(text != NULL, EDI_OPTIONS);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_URL, vch_text(text), vch_span(ret, 32), &got)) &&
                  got.n == 32,
              EDI_OPTIONS);
    return VCH_OK;
}

static vch_err key_read(struct vch_edi *e, const json_t *jwk)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *crv = json_string_value(json_object_get(jwk, "crv"));
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    struct vch_edi_key k = {.pub = {.curve = VCH_CURVE_P256}};

    if (kty == NULL || crv == NULL || strcmp(kty, "EC") != 0 || strcmp(crv, "P-256") != 0) {
        return VCH_OK; /* for other uses */
    }
    /* A private key in a file of pins is a mistake that must not go unseen. */
    VCH_CHECK(json_object_get(jwk, "d") == NULL, EDI_OPTIONS);
    VCH_CHECK(kid == NULL || strlen(kid) < sizeof k.kid, EDI_OPTIONS);
    VCH_CHECK(e->key_count < EDI_KEYS_MAX, EDI_OPTIONS);
    if (kid != NULL) {
        (void)strcpy(k.kid, kid);
    }
    VCH_TRY(coordinate(jwk, "x", k.pub.x));
    VCH_TRY(coordinate(jwk, "y", k.pub.y));
    VCH_CHECK(vch_ok(e->crypto->pubkey_check(&k.pub)), EDI_OPTIONS);
    e->keys[e->key_count++] = k;
    return VCH_OK;
}

vch_err vch_edi_keys_read(struct vch_edi *e, struct vch_bytes text)
{
    VCH_AUTO(vch_edi_json_drop)
    json_t *o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *keys = json_object_get(o, "keys"), *jwk;
    size_t i;

    VCH_CHECK(json_is_object(o), EDI_OPTIONS);
    if (keys == NULL) {
        VCH_TRY(key_read(e, o));
    } else {
        VCH_CHECK(json_is_array(keys), EDI_OPTIONS);
        json_array_foreach(keys, i, jwk)
        {
            VCH_TRY(key_read(e, jwk));
        }
    }
    VCH_CHECK(e->key_count > 0, EDI_OPTIONS);
    return VCH_OK;
}

/* Splits at the two dots. */
static bool parts(struct vch_bytes jws, struct vch_bytes ret[3])
{
    size_t from = 0, n = 0;

    for (size_t i = 0; i <= jws.n; i++) {
        if (i == jws.n || jws.p[i] == '.') {
            if (n == 3) {
                return false;
            }
            ret[n++] = vch_bytes(jws.p + from, i - from);
            from = i + 1;
        }
    }
    return n == 3;
}

/* The pinned key that the header names; a header that names none fits a single pinned key. */
static const struct vch_edi_key *key_of(const struct vch_edi *e, const char *typ,
                                        struct vch_bytes text)
{
    VCH_AUTO(vch_edi_json_drop)
    json_t *h = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const char *alg = json_string_value(json_object_get(h, "alg"));
    const char *kid = json_string_value(json_object_get(h, "kid"));
    const char *got = json_string_value(json_object_get(h, "typ"));

    if (alg == NULL || strcmp(alg, "ES256") != 0 || got == NULL || strcmp(got, typ) != 0 ||
        json_object_get(h, "crit") != NULL || json_object_get(h, "b64") != NULL) {
        return NULL;
    }
    if (kid == NULL) {
        return e->key_count == 1 ? &e->keys[0] : NULL;
    }
    for (size_t i = 0; i < e->key_count; i++) {
        if (strcmp(e->keys[i].kid, kid) == 0) {
            return &e->keys[i];
        }
    }
    return e->key_count == 1 && e->keys[0].kid[0] == '\0' ? &e->keys[0] : NULL;
}

vch_err vch_edi_jws_open(const struct vch_edi *e, const char *typ, struct vch_bytes jws,
                         json_t **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(PAYLOAD_MAX);
    struct vch_bytes p[3], header, payload, sig, signed_part;
    uint8_t header_room[HEADER_MAX], sig_room[VCH_SIG_LEN];
    const struct vch_edi_key *key;
    struct vch_span room;
    json_t *o;

    VCH_CHECK(jws.n < PAYLOAD_MAX && parts(jws, p), EDI_EVIDENCE);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_URL, p[0], VCH_SPAN_OF(header_room), &header)) &&
                  vch_ok(vch_b64_decode(VCH_B64_URL, p[2], VCH_SPAN_OF(sig_room), &sig)),
              EDI_EVIDENCE);
    key = key_of(e, typ, header);
    VCH_CHECK(key != NULL, EDI_EVIDENCE);
    signed_part = vch_bytes(jws.p, p[0].n + 1 + p[1].n);
    VCH_CHECK(vch_ok(e->crypto->verify(VCH_ALG_ES256, &key->pub, &signed_part, 1, sig)),
              EDI_EVIDENCE);
    VCH_TRY(vch_buf_room(&b, p[1].n, &room));
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_URL, p[1], room, &payload)), EDI_EVIDENCE);
    o = json_loadb((const char *)payload.p, payload.n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return VCH_E(EDI_EVIDENCE);
    }
    *ret = o;
    return VCH_OK;
}

vch_err vch_edi_jws_attach(const char *x_jws, struct vch_bytes body, struct vch_buf *out)
{
    struct vch_bytes p[3];
    struct vch_span room;

    VCH_CHECK(x_jws != NULL && strlen(x_jws) < HEADER_MAX * 2 && parts(vch_text(x_jws), p) &&
                  p[1].n == 0 && body.n < PAYLOAD_MAX / 2,
              EDI_EVIDENCE);
    VCH_TRY(vch_buf_append(out, p[0]));
    VCH_TRY(vch_buf_text(out, "."));
    VCH_TRY(vch_buf_room(out, VCH_B64_ROOM(body.n), &room));
    vch_buf_added(out, strlen(vch_b64_encode(VCH_B64_URL, body, room)));
    VCH_TRY(vch_buf_text(out, "."));
    return vch_buf_append(out, p[2]);
}

vch_err vch_edi_evidence_keep(const struct vch_edi *e, struct vch_bytes text, struct vch_buf *ret,
                              struct vch_hash *ret_hash)
{
    struct vch_buf b = vch_buf_init(PAYLOAD_MAX);

    VCH_TRY(vch_buf_append(&b, text));
    vch_sha256_of(e->crypto, text, ret_hash);
    *ret = b;
    return VCH_OK;
}
