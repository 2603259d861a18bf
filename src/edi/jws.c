/* The operator's signatures: compact JWS (RFC 7515), ES256 only, keys only from the pinned set. */
#include "edi_int.h"

#define HEADER_MAX  2048
#define PAYLOAD_MAX 65536

void vch_edi_json_drop(json_t **o)
{
    json_decref(*o);
}

vch_err vch_edi_keys_read(struct vch_edi *e, struct vch_bytes text)
{
    VCH_AUTO(vch_edi_json_drop)
    json_t *o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    struct vch_jwk *one;

    if (json_object_get(o, "keys") != NULL) {
        VCH_CHECK(vch_ok(vch_jwks_decode(e->crypto, text, &e->keys)), EDI_OPTIONS);
    } else {
        one = vch_mem_alloc(sizeof *one);
        if (!vch_ok(vch_jwk_decode(e->crypto, text, one))) {
            vch_mem_free(one);
            return VCH_E(EDI_OPTIONS);
        }
        e->keys = (struct vch_jwks){one, 1};
    }
    for (size_t i = 0; i < e->keys.n; i++) {
        if (e->keys.keys[i].pub.curve == VCH_CURVE_P256 && e->keys.keys[i].kid[0] != '\0') {
            return VCH_OK;
        }
    }
    return VCH_E(EDI_OPTIONS);
}

vch_err vch_edi_jws_open(const struct vch_edi *e, const char *typ, struct vch_bytes jws,
                         json_t **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(PAYLOAD_MAX);
    const struct vch_jwk *key;
    struct vch_bytes payload;
    json_t *o;

    VCH_CHECK(jws.n < PAYLOAD_MAX &&
                  vch_ok(vch_jws_verify(e->crypto, &e->keys, typ, jws, &b, &key)),
              EDI_EVIDENCE);
    payload = vch_buf_get(&b);
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
    struct vch_span room;
    const char *dots;

    VCH_CHECK(x_jws != NULL && strlen(x_jws) < HEADER_MAX && body.n < PAYLOAD_MAX / 2,
              EDI_EVIDENCE);
    dots = strstr(x_jws, "..");
    VCH_CHECK(dots != NULL, EDI_EVIDENCE);
    VCH_TRY(vch_buf_append(out, vch_bytes(x_jws, (size_t)(dots - x_jws) + 1)));
    VCH_TRY(vch_buf_room(out, VCH_B64_ROOM(body.n), &room));
    vch_buf_added(out, strlen(vch_b64_encode(VCH_B64_URL, body, room)));
    return vch_buf_text(out, dots + 1);
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
