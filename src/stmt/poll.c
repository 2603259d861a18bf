#include <vouch/stmt/poll.h>

#include "stmt_int.h"

vch_err vch_stmt_poll_encode(const struct vch_crypto *cr, const struct vch_signer *signer,
                             const struct vch_stmt_poll *p, int64_t iat_s, struct vch_span out,
                             struct vch_bytes *ret)
{
    static const struct vch_bytes own_uri = {NULL, 0};
    uint8_t sub[VCH_SUBJECT_TEXT_ROOM];
    uint8_t room[VCH_NONCE_MAX + 16];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes payload;

    VCH_CHECK(p->nonce.n >= VCH_NONCE_MIN && p->nonce.n <= VCH_NONCE_MAX, STMT_FIELD);
    vch_cbor_put_map(&w, 2);
    vch_cbor_put_uint(&w, 1);
    vch_cbor_put_bstr(&w, p->nonce);
    vch_cbor_put_uint(&w, 2);
    vch_cbor_put_uint(&w, p->seq);
    VCH_TRY(vch_writer_finish(&w, &payload));
    return vch_stmt_make(cr, signer, own_uri,
                         vch_text(vch_stmt_subject_text(p->subject, VCH_SPAN_OF(sub))), iat_s,
                         VCH_TYP_POLL, NULL, payload, out, ret);
}

vch_err vch_stmt_poll_decode(struct vch_bytes in, struct vch_stmt_poll *ret)
{
    struct vch_stmt_poll p = {.seq = 0};
    struct vch_cbor_map m;
    struct vch_cbor c;
    bool more, seen_seq = false;
    int64_t label;

    VCH_TRY(vch_stmt_open(in, VCH_STMT_POLL, &p.st));
    c = vch_cbor(p.st.payload, VCH_CBOR_STRICT);
    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        if (label == 1) {
            VCH_TRY(vch_cbor_bstr(&c, &p.nonce));
            VCH_CHECK(p.nonce.n >= VCH_NONCE_MIN && p.nonce.n <= VCH_NONCE_MAX, STMT_FIELD);
        } else if (label == 2) {
            VCH_TRY(vch_cbor_uint(&c, &p.seq));
            seen_seq = true;
        } else {
            return VCH_E(CBOR_LABEL);
        }
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(p.nonce.n != 0 && seen_seq, CBOR_FIELD);
    VCH_TRY(vch_stmt_key_uri_check(p.st.iss, p.st.kid));
    VCH_TRY(vch_stmt_subject_parse(p.st.sub, p.subject));
    *ret = p;
    return VCH_OK;
}
