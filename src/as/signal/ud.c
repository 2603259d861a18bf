/* RP-ud: nonces, acknowledgements, anchors, and the table of its routes.
 * req: Y.2247-8.4-6, Y.2247-8.4-7 */
#include "as_int.h"

#include <stdio.h>

#include <jansson.h>

#include "ud.h"
#include <vouch/cose/key.h>
#include <vouch/stmt/anchor.h>

vch_err vch_as_nonce(struct vch_as *as, uint8_t ret[VCH_AS_NONCE_LEN])
{
    return vch_as_nonce_make(as->nonces, vch_as_now_ms(as) / 1000, ret);
}

void vch_as_nonce_header(struct call *c)
{
    uint8_t nonce[VCH_AS_NONCE_LEN];
    char text[VCH_B64_ROOM(VCH_AS_NONCE_LEN)];

    if (vch_ok(vch_as_nonce(c->as, nonce))) {
        vch_http_reply_header(c->rs, "Vouch-Nonce",
                              vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(nonce), VCH_SPAN_OF(text)));
    }
}

vch_err vch_as_ack_encode(struct vch_as *as, const struct vch_as_record *r, const uint8_t *nonce,
                          struct vch_buf *out)
{
    struct vch_stmt_ack a = {.endorsement = vch_buf_get(&r->statement),
                             .receipt = vch_buf_get(&r->receipt),
                             .address = {vch_text(as->o.ledger->id), vch_text(as->url)},
                             .nonce = vch_bytes(nonce, nonce == NULL ? 0 : VCH_AS_NONCE_LEN)};
    struct vch_span room;
    struct vch_bytes b;

    VCH_TRY(vch_buf_room(out, ACK_MAX, &room));
    VCH_TRY(vch_stmt_ack_encode(&a, room, &b));
    vch_buf_added(out, b.n);
    return VCH_OK;
}

/* POST /rp-ud/v1/nonces */
static vch_err nonces(struct call *c)
{
    static const char *const offered[] = {"application/cbor", MEDIA_JSON};
    uint8_t nonce[VCH_AS_NONCE_LEN], room[VCH_AS_NONCE_LEN + 8];
    char text[VCH_B64_ROOM(VCH_AS_NONCE_LEN)], json[160];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes b;
    size_t form;

    VCH_TRY(vch_http_accept(c->rq, offered, 2, &form));
    VCH_TRY(vch_as_nonce(c->as, nonce));
    if (form == 0) {
        vch_cbor_put_bstr(&w, VCH_BYTES_OF(nonce));
        VCH_TRY(vch_writer_finish(&w, &b));
    } else {
        (void)snprintf(json, sizeof json, "{\"nonce\":\"%s\",\"life_s\":%u}\n",
                       vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(nonce), VCH_SPAN_OF(text)),
                       c->as->o.nonce_life_s);
        b = vch_text(json);
    }
    vch_http_reply_header(c->rs, "Cache-Control", "no-store");
    vch_http_reply(c->rs, 200, offered[form], b);
    return VCH_OK;
}

/* POST /rp-ud/v1/anchors: the ledger judges the signature and the right of the signer. */
static vch_err anchors(struct call *c)
{
    struct vch_stmt_anchor a;
    struct vch_as_record r;
    char text[65];
    vch_err e;

    VCH_TRY(vch_stmt_anchor_decode(c->rq->body, &a));
    if (a.by_device) {
        vch_as_call_subject(c, a.subject);
    }
    vch_as_record_init(&r);
    e = vch_as_data_anchor(c->as->data, &a, &r);
    if (vch_ok(e)) {
        vch_as_call_txid(c, &r.entry.txid);
        vch_http_reply_header(c->rs, "Vouch-Transaction",
                              vch_hex_encode(vch_hash_bytes(&r.entry.txid), VCH_SPAN_OF(text)));
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)r.entry.index);
        vch_http_reply_header(c->rs, "Vouch-Index", text);
        vch_http_reply(c->rs, 201, MEDIA_RECEIPT, vch_buf_get(&r.receipt));
    }
    vch_as_record_fini(&r);
    return e;
}

const struct route vch_as_routes_ud[] = {
    {VCH_HTTP_POST, "/rp-ud/v1/nonces", NULL, 1024, VCH_AS_POINT_UD, VCH_AS_OP_NONCE, nonces},
    {VCH_HTTP_POST, "/rp-ud/v1/registrations", "application/vouch-registration-request+cbor", 16384,
     VCH_AS_POINT_UD, VCH_AS_OP_REGISTER, vch_as_ud_register},
    {VCH_HTTP_POST, "/rp-ud/v1/updates", VCH_TYP_POLL, 4096, VCH_AS_POINT_UD, VCH_AS_OP_UPDATES,
     vch_as_ud_updates},
    {VCH_HTTP_POST, "/rp-ud/v1/anchors", VCH_TYP_ANCHOR, 4096, VCH_AS_POINT_UD, VCH_AS_OP_ANCHOR,
     anchors},
};
const size_t vch_as_routes_ud_n = VCH_ARRAY_LEN(vch_as_routes_ud);
