#include <stdio.h>

#include <vouch/cose/receipt.h>
#include <vouch/ledger/wire.h>

#include "svc_int.h"

#define WAIT_MS_MAX 30000
#define LIST_MAX    ((size_t)2 << 20)
#define LIST_SOFT   ((size_t)1 << 20) /* stop adding entries beyond it */
#define POLL_MS     500               /* between looks whether the service stops */

static const char *const forms[] = {SVC_CBOR, SVC_JSON};
enum { CBOR = 0, JSON = 1 };

/* The writer's result as the answer. */
static vch_err reply(struct vch_http_response *rs, const char *media, struct vch_buf *body)
{
    vch_http_reply_take(rs, 200, media, body);
    return VCH_OK;
}

static vch_err entry_json(const struct vch_ledger_entry *e, struct vch_bytes bytes,
                          struct vch_bytes receipt, struct vch_buf *body)
{
    char txid[2 * VCH_HASH_LEN + 1], time[VCH_TIME_TEXT_MAX];
    char *b64 = vch_mem_alloc(VCH_B64_ROOM(bytes.n)), *r64 = vch_mem_alloc(VCH_B64_ROOM(receipt.n));
    vch_err err = vch_buf_printf(
        body,
        "{\"txid\":\"%s\",\"index\":%llu,\"batch\":%llu,\"time\":\"%s\",\"time_ms\":%lld,"
        "\"system\":%s,\"entry\":\"%s\",\"receipt\":\"%s\"}\n",
        vch_hex_encode(vch_hash_bytes(&e->txid), VCH_SPAN_OF(txid)), (unsigned long long)e->index,
        (unsigned long long)e->batch, vch_time_text(e->time, VCH_SPAN_OF(time)),
        (long long)e->time.ms, e->is_system ? "true" : "false",
        vch_b64_encode(VCH_B64_STD, bytes, vch_span(b64, VCH_B64_ROOM(bytes.n))),
        vch_b64_encode(VCH_B64_STD, receipt, vch_span(r64, VCH_B64_ROOM(receipt.n))));

    vch_mem_free(b64);
    vch_mem_free(r64);
    return err;
}

static vch_err entry_cbor(const struct vch_ledger_entry *e, struct vch_bytes bytes,
                          struct vch_bytes receipt, struct vch_buf *body)
{
    struct vch_ledger_wire_entry w = {e->index, e->batch, bytes, receipt};
    size_t need = bytes.n + receipt.n + 64;
    struct vch_span room;
    struct vch_writer wr;
    struct vch_bytes done;

    VCH_TRY(vch_buf_room(body, need, &room));
    wr = vch_writer(room);
    vch_ledger_wire_entry_put(&w, &wr);
    VCH_TRY(vch_writer_finish(&wr, &done));
    vch_buf_added(body, done.n);
    return VCH_OK;
}

static vch_err entry_reply(const struct vch_http_request *rq, struct vch_http_response *rs,
                           const struct vch_ledger_entry *e, struct vch_bytes bytes,
                           struct vch_bytes receipt)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(4 * VCH_LEDGER_WIRE_ENTRY_MAX);
    size_t form;

    VCH_TRY(vch_http_accept(rq, forms, VCH_ARRAY_LEN(forms), &form));
    VCH_TRY(form == JSON ? entry_json(e, bytes, receipt, &body)
                         : entry_cbor(e, bytes, receipt, &body));
    return reply(rs, forms[form], &body);
}

static vch_err txid_param(const struct vch_http_request *rq, struct vch_hash *ret)
{
    struct vch_bytes id;

    VCH_TRY(vch_hex_decode(vch_text(vch_http_param(rq, "txid")), VCH_SPAN_OF(ret->b), &id));
    VCH_CHECK(id.n == VCH_HASH_LEN, TEXT);
    return VCH_OK;
}

vch_err vch_svc_ledger_entry(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf bytes = vch_buf_init(VCH_LEDGER_WIRE_ENTRY_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct vch_svc_ledger *s = user;
    struct vch_ledger_entry e;
    struct vch_hash txid;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    VCH_TRY(txid_param(rq, &txid));
    VCH_TRY(vch_ledger_get(s->ledger, &txid, &e, &bytes, &receipt));
    return entry_reply(rq, rs, &e, vch_buf_get(&bytes), vch_buf_get(&receipt));
}

vch_err vch_svc_ledger_entry_part(void *user, struct vch_http_request *rq,
                                  struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(VCH_LEDGER_WIRE_ENTRY_MAX);
    struct vch_svc_ledger *s = user;
    const char *part = vch_http_param(rq, "part");
    bool receipt = strcmp(part, "receipt") == 0;
    struct vch_ledger_entry e;
    struct vch_hash txid;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    VCH_CHECK(receipt || strcmp(part, "statement") == 0, HTTP_NOT_FOUND);
    VCH_TRY(txid_param(rq, &txid));
    VCH_TRY(vch_ledger_get(s->ledger, &txid, &e, receipt ? NULL : &out, receipt ? &out : NULL));
    return reply(rs, SVC_COSE, &out);
}

vch_err vch_svc_ledger_log_at(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf bytes = vch_buf_init(VCH_LEDGER_WIRE_ENTRY_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct vch_svc_ledger *s = user;
    struct vch_ledger_entry e;
    uint64_t index;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    VCH_TRY(vch_u64_parse(vch_text(vch_http_param(rq, "index")), UINT64_MAX, &index));
    VCH_TRY(vch_ledger_entry_at(s->ledger, index, &e, &bytes, &receipt));
    return entry_reply(rq, rs, &e, vch_buf_get(&bytes), vch_buf_get(&receipt));
}

/* ---- following */

/* Full: the answer is sent, and the reader asks on from there. */
struct list {
    struct vch_svc_ledger *svc;
    struct vch_buf body;
    size_t n;
    bool full;
};

static vch_err list_one(void *arg, const struct vch_ledger_entry *e, struct vch_bytes bytes)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct list *l = arg;
    struct vch_ledger_entry again;

    if (l->n == VCH_LEDGER_WIRE_LIST || l->body.n > LIST_SOFT) {
        l->full = true;
        return VCH_E(LIMIT);
    }
    VCH_TRY(vch_ledger_entry_at(l->svc->ledger, e->index, &again, NULL, &receipt));
    VCH_TRY(entry_cbor(e, bytes, vch_buf_get(&receipt), &l->body));
    l->n++;
    return VCH_OK;
}

static bool stopping(struct vch_svc_ledger *s)
{
    bool yes;

    (void)pthread_mutex_lock(&s->lock);
    yes = s->stopping;
    (void)pthread_mutex_unlock(&s->lock);
    return yes;
}

vch_err vch_svc_ledger_log(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_svc_ledger *s = user;
    struct list l = {.svc = s, .body = vch_buf_init(LIST_MAX)};
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(LIST_MAX + 16);
    uint64_t from, wait_ms, next;
    uint8_t head[9];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(head));
    vch_err e;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    VCH_TRY(vch_svc_ledger_number(rq, "from", UINT64_MAX, UINT64_MAX, &from));
    VCH_TRY(vch_svc_ledger_number(rq, "wait_ms", WAIT_MS_MAX, 0, &wait_ms));
    do {
        uint32_t step = wait_ms < POLL_MS ? (uint32_t)wait_ms : POLL_MS;

        e = vch_ledger_follow(s->ledger, from, step, list_one, &l, &next);
        wait_ms -= step;
    } while (vch_ok(e) && l.n == 0 && wait_ms > 0 && !stopping(s));
    if (!vch_ok(e) && !l.full) {
        vch_buf_fini(&l.body);
        return e;
    }
    vch_cbor_put_array(&w, l.n);
    e = vch_buf_append(&body, vch_bytes(head, w.len));
    if (vch_ok(e)) {
        e = vch_buf_append(&body, vch_buf_get(&l.body));
    }
    vch_buf_fini(&l.body);
    VCH_TRY(e);
    return reply(rs, SVC_CBOR, &body);
}

/* ---- heads and proofs */

static vch_err head_json(const struct vch_ledger *l, const struct vch_ledger_head *h,
                         struct vch_buf *body)
{
    char root[2 * VCH_HASH_LEN + 1], map[2 * VCH_HASH_LEN + 1], time[VCH_TIME_TEXT_MAX];

    return vch_buf_printf(
        body,
        "{\"ledger\":\"%s\",\"size\":%llu,\"root\":\"%s\",\"batch\":%llu,\"time\":\"%s\","
        "\"time_ms\":%lld,\"state_count\":%llu,\"state_root\":\"%s\"}\n",
        l->id, (unsigned long long)h->size,
        vch_hex_encode(vch_hash_bytes(&h->root), VCH_SPAN_OF(root)), (unsigned long long)h->batch,
        vch_time_text(h->time, VCH_SPAN_OF(time)), (long long)h->time.ms,
        (unsigned long long)h->count,
        vch_hex_encode(vch_hash_bytes(&h->map_root), VCH_SPAN_OF(map)));
}

static vch_err head_cbor(const struct vch_ledger_head *h, struct vch_bytes receipt,
                         struct vch_bytes checkpoint, struct vch_buf *body)
{
    struct vch_state_root root = {h->batch, h->time, h->count, h->map_root};
    struct vch_ledger_wire_head wire = {.receipt = receipt, .checkpoint = checkpoint};
    uint8_t entry[VCH_STATE_ROOT_MAX];
    struct vch_writer we = vch_writer(VCH_SPAN_OF(entry)), w;
    struct vch_span room;
    struct vch_bytes done;

    vch_state_root_encode(&root, &we);
    VCH_TRY(vch_writer_finish(&we, &wire.root_entry));
    VCH_TRY(vch_buf_room(body, VCH_LEDGER_WIRE_HEAD_MAX, &room));
    w = vch_writer(room);
    vch_ledger_wire_head_put(&wire, &w);
    VCH_TRY(vch_writer_finish(&w, &done));
    vch_buf_added(body, done.n);
    return VCH_OK;
}

vch_err vch_svc_ledger_head(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(2 * VCH_LEDGER_WIRE_HEAD_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf note = vch_buf_init(4096);
    struct vch_svc_ledger *s = user;
    struct vch_ledger_head h;
    size_t form;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    VCH_TRY(vch_http_accept(rq, forms, VCH_ARRAY_LEN(forms), &form));
    VCH_TRY(vch_ledger_head(s->ledger, &h, form == CBOR ? &note : NULL, &receipt));
    VCH_TRY(form == JSON ? head_json(s->ledger, &h, &body)
                         : head_cbor(&h, vch_buf_get(&receipt), vch_buf_get(&note), &body));
    return reply(rs, forms[form], &body);
}

static vch_err path_reply(const struct vch_http_request *rq, struct vch_http_response *rs,
                          struct vch_bytes path)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(16384);
    struct vch_span room;
    struct vch_writer w;
    struct vch_bytes done;
    size_t form;

    VCH_TRY(vch_http_accept(rq, forms, VCH_ARRAY_LEN(forms), &form));
    if (form == CBOR) {
        VCH_TRY(vch_buf_room(&body, path.n * 2 + 16, &room));
        w = vch_writer(room);
        vch_ledger_wire_path_put(path, &w);
        VCH_TRY(vch_writer_finish(&w, &done));
        vch_buf_added(&body, done.n);
        return reply(rs, SVC_CBOR, &body);
    }
    VCH_TRY(vch_buf_text(&body, "{\"path\":["));
    for (size_t i = 0; i < path.n; i += VCH_HASH_LEN) {
        char hex[2 * VCH_HASH_LEN + 1];

        VCH_TRY(
            vch_buf_printf(&body, "%s\"%s\"", i == 0 ? "" : ",",
                           vch_hex_encode(vch_bytes(path.p + i, VCH_HASH_LEN), VCH_SPAN_OF(hex))));
    }
    VCH_TRY(vch_buf_text(&body, "]}\n"));
    return reply(rs, SVC_JSON, &body);
}

vch_err vch_svc_ledger_proof(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(VCH_LEDGER_PATH_MAX * VCH_HASH_LEN);
    struct vch_svc_ledger *s = user;
    const char *what = vch_http_param(rq, "what");
    uint64_t a, b;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    if (strcmp(what, "inclusion") == 0) {
        VCH_TRY(vch_svc_ledger_number(rq, "index", UINT64_MAX - 1, UINT64_MAX, &a));
        VCH_TRY(vch_svc_ledger_number(rq, "size", UINT64_MAX - 1, UINT64_MAX, &b));
        VCH_TRY(vch_ledger_inclusion(s->ledger, a, b, &path));
    } else {
        VCH_CHECK(strcmp(what, "consistency") == 0, HTTP_NOT_FOUND);
        VCH_TRY(vch_svc_ledger_number(rq, "from", UINT64_MAX - 1, UINT64_MAX, &a));
        VCH_TRY(vch_svc_ledger_number(rq, "to", UINT64_MAX - 1, UINT64_MAX, &b));
        VCH_TRY(vch_ledger_consistency(s->ledger, a, b, &path));
    }
    return path_reply(rq, rs, vch_buf_get(&path));
}

vch_err vch_svc_ledger_state(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf proof = vch_buf_init(VCH_LEDGER_PROOF_MAX);
    struct vch_svc_ledger *s = user;
    uint8_t room[VCH_STATE_ID_MAX];
    struct vch_bytes id;
    uint64_t kind;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_READ));
    VCH_TRY(vch_u64_parse(vch_text(vch_http_param(rq, "kind")), 255, &kind));
    VCH_TRY(vch_hex_decode(vch_text(vch_http_param(rq, "id")), VCH_SPAN_OF(room), &id));
    VCH_CHECK(vch_state_id_check(kind, id), USAGE);
    VCH_TRY(vch_ledger_state_proof(s->ledger, (enum vch_state_kind)kind, id, &proof));
    return reply(rs, SVC_CBOR, &proof);
}
