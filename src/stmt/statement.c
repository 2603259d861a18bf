#include <vouch/stmt/statement.h>

#include <vouch/base/text.h>

#include "stmt_int.h"

enum vch_stmt_type vch_stmt_type_of(const struct vch_sign1 *s)
{
    static const struct {
        const char *typ;
        enum vch_stmt_type type;
    } types[] = {{VCH_TYP_REGISTRATION, VCH_STMT_REGISTRATION},
                 {VCH_TYP_ENDORSEMENT, VCH_STMT_ENDORSEMENT},
                 {VCH_TYP_ANCHOR, VCH_STMT_ANCHOR},
                 {VCH_TYP_POLL, VCH_STMT_POLL}};

    for (size_t i = 0; i < VCH_ARRAY_LEN(types); i++) {
        if (vch_bytes_equal(s->typ, vch_text(types[i].typ))) {
            return types[i].type;
        }
    }
    return VCH_STMT_OTHER;
}

vch_err vch_stmt_verify(const struct vch_crypto *cr, const struct vch_sign1 *s,
                        const struct vch_pubkey *key)
{
    struct vch_hash thumbprint;

    vch_cose_key_thumbprint(cr, key, &thumbprint);
    VCH_CHECK(vch_bytes_equal(s->kid, vch_hash_bytes(&thumbprint)), STMT_KEY);
    return vch_sign1_verify(cr, s, key);
}

char *vch_stmt_subject_text(const uint8_t subject[VCH_SUBJECT_LEN], struct vch_span out)
{
    return vch_hex_encode(vch_bytes(subject, VCH_SUBJECT_LEN), out);
}

vch_err vch_stmt_subject_parse(struct vch_bytes text, uint8_t ret_subject[VCH_SUBJECT_LEN])
{
    uint8_t subject[VCH_SUBJECT_LEN];
    struct vch_bytes got;

    VCH_CHECK(text.n == (size_t)2 * VCH_SUBJECT_LEN, STMT_NAMES);
    for (size_t i = 0; i < text.n; i++) {
        VCH_CHECK(text.p[i] < 'A' || text.p[i] > 'F', STMT_NAMES);
    }
    VCH_CHECK(vch_ok(vch_hex_decode(text, VCH_SPAN_OF(subject), &got)), STMT_NAMES);
    memcpy(ret_subject, subject, VCH_SUBJECT_LEN);
    return VCH_OK;
}

bool vch_stmt_name_ok(struct vch_bytes name)
{
    if (name.n < 1 || name.n > VCH_NAME_MAX || !vch_utf8_check(name)) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] < 0x20 || name.p[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

vch_err vch_stmt_small(struct vch_cbor *c, int *ret)
{
    uint64_t v;

    VCH_TRY(vch_cbor_uint(c, &v));
    VCH_CHECK(v <= 255, STMT_FIELD);
    *ret = (int)v;
    return VCH_OK;
}

vch_err vch_stmt_open(struct vch_bytes in, enum vch_stmt_type type, struct vch_sign1 *ret)
{
    struct vch_sign1 s;

    VCH_TRY(vch_sign1_decode(in, VCH_SIGN1_STATEMENT, &s));
    VCH_CHECK(vch_stmt_type_of(&s) == type, STMT_TYPE);
    VCH_CHECK((s.x5t.n != 0) == (type == VCH_STMT_ENDORSEMENT), STMT_FIELD);
    VCH_CHECK(vch_stmt_name_ok(s.iss) && vch_stmt_name_ok(s.sub), STMT_FIELD);
    *ret = s;
    return VCH_OK;
}

vch_err vch_stmt_key_uri_check(struct vch_bytes iss, struct vch_bytes kid)
{
    struct vch_hash named;

    VCH_CHECK(vch_ok(vch_key_uri_decode(iss, &named)), STMT_NAMES);
    VCH_CHECK(vch_bytes_equal(vch_hash_bytes(&named), kid), STMT_NAMES);
    return VCH_OK;
}

vch_err vch_stmt_make(const struct vch_crypto *cr, const struct vch_signer *signer,
                      struct vch_bytes iss, struct vch_bytes sub, int64_t iat_s, const char *typ,
                      const struct vch_hash *x5t, struct vch_bytes payload, struct vch_span out,
                      struct vch_bytes *ret)
{
    uint8_t uri[VCH_KEY_URI_ROOM];
    struct vch_hash thumbprint;
    struct vch_sign1_head head = {.iss = iss, .sub = sub, .iat_s = iat_s, .typ = typ, .x5t = x5t};
    struct vch_bytes made;

    VCH_CHECK(iat_s >= 0, STMT_FIELD);
    vch_cose_key_thumbprint(cr, &signer->pub, &thumbprint);
    head.kid = vch_hash_bytes(&thumbprint);
    if (iss.n == 0) {
        head.iss = vch_key_uri_encode(&thumbprint, VCH_SPAN_OF(uri));
    }
    if (sub.n == 0) {
        head.sub = head.iss;
    }
    VCH_CHECK(vch_stmt_name_ok(head.iss) && vch_stmt_name_ok(head.sub), STMT_FIELD);
    VCH_TRY(vch_sign1_make(signer, &head, payload, out, &made));
    VCH_CHECK(made.n <= VCH_STATEMENT_MAX, LIMIT);
    *ret = made;
    return VCH_OK;
}
