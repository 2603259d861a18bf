#include <vouch/stmt/anchor.h>

#include <vouch/merkle/tree.h>

#include "stmt_int.h"

vch_err vch_stmt_anchor_encode(const struct vch_crypto *cr, const struct vch_signer *signer,
                               const struct vch_stmt_anchor *a, struct vch_bytes iss,
                               struct vch_bytes sub, int64_t iat_s, struct vch_span out,
                               struct vch_bytes *ret)
{
    uint8_t room[64];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes payload;

    VCH_CHECK(a->root.n == VCH_HASH_LEN && a->count >= 1, STMT_FIELD);
    VCH_CHECK(iss.n != 0 && sub.n != 0, STMT_FIELD);
    vch_cbor_put_map(&w, 2);
    vch_cbor_put_uint(&w, 1);
    vch_cbor_put_bstr(&w, a->root);
    vch_cbor_put_uint(&w, 2);
    vch_cbor_put_uint(&w, a->count);
    VCH_TRY(vch_writer_finish(&w, &payload));
    return vch_stmt_make(cr, signer, iss, sub, iat_s, VCH_TYP_ANCHOR, NULL, payload, out, ret);
}

static vch_err read_payload(struct vch_bytes payload, struct vch_stmt_anchor *a)
{
    struct vch_cbor c = vch_cbor(payload, VCH_CBOR_STRICT);
    struct vch_cbor_map m;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        if (label == 1) {
            VCH_TRY(vch_cbor_bstr(&c, &a->root));
            VCH_CHECK(a->root.n == VCH_HASH_LEN, STMT_FIELD);
        } else if (label == 2) {
            VCH_TRY(vch_cbor_uint(&c, &a->count));
            VCH_CHECK(a->count >= 1 && a->count <= VCH_MERKLE_SIZE_MAX, STMT_FIELD);
        } else {
            return VCH_E(CBOR_LABEL);
        }
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(a->root.n != 0 && a->count != 0, CBOR_FIELD);
    return VCH_OK;
}

vch_err vch_stmt_anchor_decode(struct vch_bytes in, struct vch_stmt_anchor *ret)
{
    static const char uri[] = VCH_KEY_URI_PREFIX;
    struct vch_stmt_anchor a = {.count = 0};

    VCH_TRY(vch_stmt_open(in, VCH_STMT_ANCHOR, &a.st));
    VCH_TRY(read_payload(a.st.payload, &a));
    a.by_device = a.st.iss.n >= sizeof(uri) - 1 && memcmp(a.st.iss.p, uri, sizeof(uri) - 1) == 0;
    if (a.by_device) {
        VCH_TRY(vch_stmt_key_uri_check(a.st.iss, a.st.kid));
        VCH_TRY(vch_stmt_subject_parse(a.st.sub, a.subject));
    } else {
        VCH_CHECK(vch_bytes_equal(a.st.sub, vch_text(VCH_ANCHOR_SUB)), STMT_NAMES);
    }
    *ret = a;
    return VCH_OK;
}

void vch_stmt_anchor_leaf(const struct vch_crypto *cr, struct vch_bytes item, struct vch_hash *ret)
{
    struct vch_hash h;

    vch_sha256_of(cr, item, &h);
    vch_merkle_leaf_entry(cr, &h, ret);
}
