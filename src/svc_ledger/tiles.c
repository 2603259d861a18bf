#include <stdio.h>

#include <vouch/merkle/tile.h>

#include "svc_int.h"

/* ---- authorities, for people */

static vch_err json_text(struct vch_buf *b, struct vch_bytes text)
{
    VCH_TRY(vch_buf_text(b, "\""));
    for (size_t i = 0; i < text.n; i++) {
        char c = (char)text.p[i];

        if (c == '"' || c == '\\') {
            VCH_TRY(vch_buf_printf(b, "\\%c", c));
        } else if ((unsigned char)c < 0x20) {
            VCH_TRY(vch_buf_printf(b, "\\u%04x", (unsigned)c));
        } else {
            VCH_TRY(vch_buf_append(b, vch_bytes(&c, 1)));
        }
    }
    return vch_buf_text(b, "\"");
}

static vch_err authority_json(void *arg, const struct vch_ledger_authority *a)
{
    static const char *const roles[] = {"", "ledger", "as", "aggregator", "checkpoint"};
    struct vch_buf *b = arg;
    char thumbprint[2 * VCH_HASH_LEN + 1], x[VCH_B64_ROOM(32)], y[VCH_B64_ROOM(32)];
    bool p256 = a->key.curve == VCH_CURVE_P256;

    VCH_TRY(vch_buf_printf(b, "%s{\"role\":\"%s\",\"name\":", b->p[b->n - 1] == '[' ? "" : ",",
                           roles[a->role]));
    VCH_TRY(json_text(b, a->name));
    VCH_TRY(vch_buf_printf(
        b, ",\"thumbprint\":\"%s\",\"key\":{\"kty\":\"%s\",\"crv\":\"%s\",\"x\":\"%s\"",
        vch_hex_encode(vch_hash_bytes(&a->thumbprint), VCH_SPAN_OF(thumbprint)),
        p256 ? "EC" : "OKP", p256 ? "P-256" : "Ed25519",
        vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(a->key.x), VCH_SPAN_OF(x))));
    if (p256) {
        VCH_TRY(
            vch_buf_printf(b, ",\"y\":\"%s\"",
                           vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(a->key.y), VCH_SPAN_OF(y))));
    }
    return vch_buf_printf(b, "},\"certificate\":%s}", a->cert.n > 0 ? "true" : "false");
}

vch_err vch_svc_ledger_authorities(void *user, struct vch_http_request *rq,
                                   struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(1u << 20);
    struct vch_svc_ledger *s = user;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    VCH_TRY(vch_buf_text(&body, "["));
    VCH_TRY(vch_ledger_authorities(s->ledger, authority_json, &body));
    VCH_TRY(vch_buf_text(&body, "]\n"));
    vch_http_reply_take(rs, 200, SVC_JSON, &body);
    return VCH_OK;
}

/* ---- C2SP tlog-tiles */

vch_err vch_svc_ledger_checkpoint(void *user, struct vch_http_request *rq,
                                  struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf note = vch_buf_init(4096);
    struct vch_svc_ledger *s = user;
    struct vch_ledger_head head;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_TILES));
    VCH_TRY(vch_ledger_head(s->ledger, &head, &note, NULL));
    VCH_CHECK(note.n > 0, HTTP_NOT_FOUND); /* a ledger without a checkpoint key */
    vch_http_reply_take(rs, 200, "text/plain; charset=utf-8", &note);
    vch_http_reply_header(rs, "Cache-Control", "no-cache");
    return VCH_OK;
}

vch_err vch_svc_ledger_tile(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(16384);
    struct vch_svc_ledger *s = user;
    struct vch_tile t;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_TILES));
    VCH_CHECK(s->engine != NULL, HTTP_NOT_FOUND);
    VCH_CHECK(vch_ok(vch_tile_path_decode(vch_text(rq->path + 1), &t)), HTTP_NOT_FOUND);
    VCH_TRY(vch_ledger_book_tile(vch_engine_book(s->engine), t.level, t.index, t.width, &out));
    vch_http_reply_take(rs, 200, "application/octet-stream", &out);
    vch_http_reply_header(rs, "Cache-Control", "max-age=31536000, immutable");
    return VCH_OK;
}
