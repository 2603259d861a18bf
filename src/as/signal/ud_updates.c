/* RP-ud: a device fetches its newer endorsements, at once or as they come. */
#include "ud.h"

#include <vouch/cose/key.h>
#include <vouch/stmt/poll.h>

/* The device must be the one whose key signed, and may ask for itself only.
 * req: Y.2247-8.1.2-4 */
static vch_err authenticate(struct call *c, const struct vch_stmt_poll *p)
{
    struct vch_pubkey key;
    uint8_t subject[16];
    vch_err e = vch_as_data_device_key(c->as->data, p->st.kid, subject, &key);

    if (vch_err_is(e, VCH_E(NOT_FOUND)) || vch_err_is(e, VCH_E(AS_NO_SUBJECT))) {
        c->why = "key-unknown";
        return VCH_E(AS_DENIED);
    }
    VCH_TRY(e);
    VCH_TRY(vch_stmt_verify(c->as->o.crypto, &p->st, &key));
    vch_as_call_subject(c, subject);
    if (memcmp(subject, p->subject, sizeof subject) != 0) {
        c->why = "other-subject";
        return VCH_E(AS_DENIED);
    }
    return VCH_OK;
}

static vch_err append_ack(struct vch_as *as, const struct vch_hash *txid, const uint8_t *nonce,
                          struct vch_buf *out)
{
    struct vch_stmt_endorsement en;
    struct vch_as_record r;
    vch_err e;

    vch_as_record_init(&r);
    e = vch_as_data_record(as->data, txid, &r, &en);
    if (vch_ok(e)) {
        e = vch_as_ack_encode(as, &r, nonce, out);
    }
    vch_as_record_fini(&r);
    return e;
}

/* req: Y.2247-7.2.2-18 (whatever was missed is there at the next contact) */
static vch_err answer_list(struct call *c, int64_t after_seq)
{
    struct vch_buf out = vch_buf_init((size_t)LINEAGE_MAX * ACK_MAX + 16);
    struct vch_hash txids[LINEAGE_MAX];
    uint8_t nonce[VCH_AS_NONCE_LEN], head[9];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(head));
    struct vch_bytes b;
    size_t n = 0;
    vch_err e = vch_as_data_lineage(c->as->data, c->subject, after_seq, txids, LINEAGE_MAX, &n);

    if (vch_ok(e)) {
        vch_cbor_put_array(&w, n);
        e = vch_writer_finish(&w, &b);
    }
    if (vch_ok(e)) {
        e = vch_buf_append(&out, b);
    }
    if (vch_ok(e)) {
        e = vch_as_nonce(c->as, nonce);
    }
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        e = append_ack(c->as, &txids[i], i + 1 == n ? nonce : NULL, &out);
    }
    if (vch_ok(e)) {
        vch_as_nonce_header(c);
        vch_http_reply_take(c->rs, 200, MEDIA_ACKS, &out);
    }
    vch_buf_fini(&out);
    return e;
}

/* POST /rp-ud/v1/updates */
vch_err vch_as_ud_updates(struct call *c)
{
    static const char *const offered[] = {MEDIA_ACKS, "text/event-stream"};
    struct vch_stmt_poll p;
    struct vch_hash content;
    int64_t after;
    size_t form;

    VCH_TRY(vch_http_accept(c->rq, offered, 2, &form));
    VCH_TRY(vch_stmt_poll_decode(c->rq->body, &p));
    VCH_TRY(authenticate(c, &p));
    vch_sign1_content_id(c->as->o.crypto, &p.st, &content);
    VCH_TRY(vch_as_nonce_use(c->as->nonces, p.nonce, &content, false, c->now_ms / 1000));
    after = p.seq > INT64_MAX ? INT64_MAX : (int64_t)p.seq;
    return form == 0 ? answer_list(c, after) : vch_as_hub_stream(c, c->subject, after);
}
