#include <vouch/ledger/remote.h>

#include <pthread.h>
#include <stdio.h>

#include <vouch/contract/proof.h>
#include <vouch/cose/key.h>
#include <vouch/ledger/wire.h>

#define PATH_ROOM  256
#define ANSWER_MAX ((size_t)8 << 20)
#define WAIT_MS    10000
#define SLACK_MS   5000 /* beyond the wait that the server is asked for */

struct remote {
    const struct vch_crypto *cr;
    struct vch_http_client *http;
    char id[VCH_NAME_MAX + 1];
    struct vch_pubkey key[VCH_LEDGER_REMOTE_KEYS];
    struct vch_hash thumbprint[VCH_LEDGER_REMOTE_KEYS];
    size_t keys;
    char *authorization;  /* header value, or NULL */
    pthread_mutex_t lock; /* guards seen */
    struct vch_ledger_head seen;
};

/* ---- calls */

/* A 2xx answer, or the error that the problem document names. */
static vch_err call(struct remote *r, const char *path, const char *accept, struct vch_bytes body,
                    unsigned timeout_ms, struct vch_http_answer *ret)
{
    struct vch_http_field field = {"Authorization", r->authorization};
    struct vch_http_call c = {.path = path,
                              .accept = accept,
                              .media = body.n > 0 ? "application/cose" : NULL,
                              .body = body,
                              .headers = &field,
                              .header_count = r->authorization != NULL ? 1 : 0,
                              .timeout_ms = timeout_ms,
                              .answer_max = ANSWER_MAX};
    vch_err e;

    VCH_TRY(vch_http_call(r->http, &c, ret));
    e = vch_http_answer_check(ret, vch_span(NULL, 0));
    if (!vch_ok(e)) {
        vch_http_answer_fini(ret);
    }
    return e;
}

static vch_err get_cbor(struct remote *r, const char *path, unsigned timeout_ms,
                        struct vch_http_answer *ret)
{
    return call(r, path, "application/cbor", vch_bytes(NULL, 0), timeout_ms, ret);
}

/* Whatever is wrong with an answer's form or proof is the far ledger's fault. */
static vch_err answer_err(vch_err e)
{
    return vch_ok(e) || vch_err_is(e, VCH_E(LEDGER_FORK)) ? e : VCH_E(LEDGER_ANSWER);
}

/* ---- checks */

static vch_err receipt_check(const struct remote *r, struct vch_bytes raw,
                             const struct vch_hash *entry_hash, struct vch_receipt *ret)
{
    VCH_TRY(vch_receipt_decode(raw, ret));
    for (size_t i = 0; i < r->keys; i++) {
        if (vch_hash_equal(&r->thumbprint[i], &ret->head.thumbprint)) {
            return vch_receipt_verify(r->cr, ret, vch_text(r->id), &r->key[i], entry_hash);
        }
    }
    return VCH_E(RECEIPT_KEY);
}

static vch_err entry_check(const struct remote *r, const struct vch_ledger_wire_entry *w,
                           struct vch_ledger_entry *ret)
{
    struct vch_ledger_entry entry = {.batch = w->batch};
    struct vch_receipt receipt;

    vch_sha256_of(r->cr, w->bytes, &entry.txid);
    VCH_TRY(receipt_check(r, w->receipt, &entry.txid, &receipt));
    VCH_CHECK(receipt.index == w->index, LEDGER_ANSWER);
    entry.index = receipt.index;
    entry.time.ms = receipt.head.time_ms;
    entry.is_system = vch_entry_is_system(w->bytes);
    *ret = entry;
    return VCH_OK;
}

static vch_err out(struct vch_buf *ret, struct vch_bytes b)
{
    if (ret == NULL) {
        return VCH_OK;
    }
    vch_buf_reset(ret);
    return vch_buf_append(ret, b);
}

/* One checked entry out of an answer. */
static vch_err entry_take(struct remote *r, const char *path, struct vch_ledger_entry *ret,
                          struct vch_buf *ret_bytes, struct vch_buf *ret_receipt)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    struct vch_ledger_wire_entry w;
    struct vch_ledger_entry entry;
    struct vch_cbor c;

    VCH_TRY(get_cbor(r, path, 0, &a));
    c = vch_cbor(vch_buf_get(&a.body), VCH_CBOR_STRICT);
    VCH_TRY(answer_err(vch_ledger_wire_entry_get(&c, &w)));
    VCH_TRY(answer_err(vch_cbor_end(&c)));
    VCH_TRY(answer_err(entry_check(r, &w, &entry)));
    VCH_TRY(out(ret_bytes, w.bytes));
    VCH_TRY(out(ret_receipt, w.receipt));
    *ret = entry;
    return VCH_OK;
}

static vch_err t_get(void *self, const struct vch_hash *txid, struct vch_ledger_entry *ret,
                     struct vch_buf *ret_statement, struct vch_buf *ret_receipt)
{
    char path[PATH_ROOM], hex[2 * VCH_HASH_LEN + 1];
    struct vch_ledger_entry entry;

    (void)snprintf(path, sizeof(path), "/ledger/v1/entries/%s",
                   vch_hex_encode(vch_hash_bytes(txid), VCH_SPAN_OF(hex)));
    VCH_TRY(entry_take(self, path, &entry, ret_statement, ret_receipt));
    VCH_CHECK(vch_hash_equal(&entry.txid, txid), LEDGER_ANSWER);
    *ret = entry;
    return VCH_OK;
}

static vch_err t_entry_at(void *self, uint64_t index, struct vch_ledger_entry *ret,
                          struct vch_buf *ret_bytes, struct vch_buf *ret_receipt)
{
    char path[PATH_ROOM];
    struct vch_ledger_entry entry;

    (void)snprintf(path, sizeof(path), "/ledger/v1/log/%llu", (unsigned long long)index);
    VCH_TRY(entry_take(self, path, &entry, ret_bytes, ret_receipt));
    VCH_CHECK(entry.index == index, LEDGER_ANSWER);
    *ret = entry;
    return VCH_OK;
}

static vch_err number(struct vch_bytes text, uint64_t *ret)
{
    return vch_u64_parse(text, UINT64_MAX, ret);
}

/* The Location names the transaction; the receipt proves it. */
static vch_err submit_take(struct remote *r, const struct vch_http_answer *a,
                           struct vch_ledger_ack *ret)
{
    static const char prefix[] = "/ledger/v1/entries/";
    struct vch_bytes location = vch_http_answer_header(a, "Location"), hex;
    struct vch_ledger_ack ack = {.known = a->status == 200};
    struct vch_receipt receipt;

    VCH_CHECK(location.n >= 2 * VCH_HASH_LEN + sizeof(prefix) - 1, LEDGER_ANSWER);
    hex = vch_bytes_slice(location, location.n - 2 * VCH_HASH_LEN, 2 * VCH_HASH_LEN);
    VCH_TRY(vch_hex_decode(hex, VCH_SPAN_OF(ack.entry.txid.b), &hex));
    VCH_TRY(receipt_check(r, vch_buf_get(&a->body), &ack.entry.txid, &receipt));
    ack.entry.index = receipt.index;
    ack.entry.time.ms = receipt.head.time_ms;
    VCH_TRY(number(vch_http_answer_header(a, "Vouch-Batch"), &ack.entry.batch));
    *ret = ack;
    return VCH_OK;
}

static vch_err t_submit(void *self, struct vch_bytes statement, uint32_t wait_ms,
                        struct vch_ledger_ack *ret, struct vch_buf *ret_receipt)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    struct remote *r = self;
    struct vch_ledger_ack ack;
    struct vch_hash own;
    char path[PATH_ROOM];

    wait_ms = wait_ms != 0 ? wait_ms : WAIT_MS;
    VCH_CHECK(statement.n > 0, TRUNCATED);
    VCH_CHECK(statement.n <= VCH_LEDGER_STATEMENT_MAX, LIMIT);
    (void)snprintf(path, sizeof(path), "/ledger/v1/entries?wait_ms=%u", wait_ms);
    VCH_TRY(call(r, path, "application/cose", statement, wait_ms + SLACK_MS, &a));
    VCH_TRY(answer_err(submit_take(r, &a, &ack)));
    vch_sha256_of(r->cr, statement, &own);
    VCH_CHECK(ack.known || vch_hash_equal(&own, &ack.entry.txid), LEDGER_ANSWER);
    VCH_TRY(out(ret_receipt, vch_buf_get(&a.body)));
    *ret = ack;
    return VCH_OK;
}

/* ---- state */

static vch_err state_fetch(struct remote *r, enum vch_state_kind kind, struct vch_bytes id,
                           struct vch_buf *ret_raw, struct vch_state_proof *ret)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    char path[PATH_ROOM], hex[2 * VCH_HASH_LEN + 1];
    struct vch_receipt receipt;
    struct vch_hash entry;
    vch_err e;

    VCH_CHECK(vch_state_id_check((uint64_t)kind, id), USAGE);
    (void)snprintf(path, sizeof(path), "/ledger/v1/state/%u/%s", (unsigned)kind,
                   vch_hex_encode(id, VCH_SPAN_OF(hex)));
    VCH_TRY(get_cbor(r, path, 0, &a));
    VCH_TRY(out(ret_raw, vch_buf_get(&a.body)));
    VCH_TRY(answer_err(vch_state_proof_decode(vch_buf_get(ret_raw), ret)));
    VCH_CHECK(ret->kind == kind && vch_bytes_equal(ret->id, id), LEDGER_ANSWER);
    vch_sha256_of(r->cr, ret->root_entry, &entry);
    VCH_TRY(answer_err(receipt_check(r, ret->receipt_raw, &entry, &receipt)));
    for (size_t i = 0; i < r->keys; i++) {
        if (vch_hash_equal(&r->thumbprint[i], &receipt.head.thumbprint)) {
            e = vch_state_proof_verify(r->cr, ret, vch_text(r->id), &r->key[i]);
            return answer_err(e);
        }
    }
    return VCH_E(LEDGER_ANSWER);
}

static vch_err t_state_proof(void *self, enum vch_state_kind kind, struct vch_bytes id,
                             struct vch_buf *ret)
{
    struct vch_state_proof *p = vch_mem_alloc(sizeof(*p));
    vch_err e = state_fetch(self, kind, id, ret, p);

    vch_mem_free(p);
    return e;
}

static vch_err t_latest(void *self, const struct vch_subject *subject,
                        struct vch_state_subject *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(VCH_LEDGER_PROOF_MAX);
    struct vch_state_proof *p = vch_mem_alloc(sizeof(*p));
    vch_err e = state_fetch(self, VCH_STATE_SUBJECT, vch_subject_bytes(subject), &raw, p);

    if (vch_ok(e)) {
        e = p->present ? answer_err(vch_state_subject_decode(p->value, ret))
                       : VCH_E(LEDGER_NO_ENTRY);
    }
    vch_mem_free(p);
    return e;
}

/* ---- heads */

static vch_err path_fetch(struct remote *r, const char *path, struct vch_buf *ret)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};

    VCH_TRY(get_cbor(r, path, 0, &a));
    return answer_err(vch_ledger_wire_path_get(vch_buf_get(&a.body), ret));
}

static vch_err t_inclusion(void *self, uint64_t index, uint64_t size, struct vch_buf *ret)
{
    char path[PATH_ROOM];

    (void)snprintf(path, sizeof(path), "/ledger/v1/proof/inclusion?index=%llu&size=%llu",
                   (unsigned long long)index, (unsigned long long)size);
    return path_fetch(self, path, ret);
}

static vch_err t_consistency(void *self, uint64_t size1, uint64_t size2, struct vch_buf *ret)
{
    char path[PATH_ROOM];

    (void)snprintf(path, sizeof(path), "/ledger/v1/proof/consistency?from=%llu&to=%llu",
                   (unsigned long long)size1, (unsigned long long)size2);
    return path_fetch(self, path, ret);
}

/* Heads may arrive out of order when several threads ask; all must lie in one history.
 * req: Y.2247-7.1-7 (an earlier head in the reader's hand shows a roll-back) */
static vch_err history_check(struct remote *r, const struct vch_ledger_head *head)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(VCH_LEDGER_PATH_MAX * VCH_HASH_LEN);
    const struct vch_ledger_head *low, *high;
    struct vch_ledger_head seen;
    vch_err e;

    (void)pthread_mutex_lock(&r->lock);
    seen = r->seen;
    (void)pthread_mutex_unlock(&r->lock);
    if (seen.size == 0) {
        return VCH_OK;
    }
    low = seen.size < head->size ? &seen : head;
    high = low == &seen ? head : &seen;
    if (low->size == high->size) {
        VCH_CHECK(vch_hash_equal(&low->root, &high->root), LEDGER_FORK);
        return VCH_OK;
    }
    e = t_consistency(r, low->size, high->size, &path);
    VCH_CHECK(!vch_err_is(e, VCH_E(USAGE)), LEDGER_FORK); /* it no longer knows the larger size */
    VCH_TRY(e);
    VCH_CHECK(vch_ok(vch_merkle_consistency_verify(
                  r->cr, low->size, &low->root, high->size, &high->root,
                  (const struct vch_hash *)(const void *)path.p, path.n / VCH_HASH_LEN)),
              LEDGER_FORK);
    return VCH_OK;
}

static vch_err head_check(struct remote *r, const struct vch_ledger_wire_head *w,
                          struct vch_ledger_head *ret)
{
    struct vch_state_root root;
    struct vch_receipt receipt;
    struct vch_hash entry;

    VCH_TRY(vch_state_root_decode(w->root_entry, &root));
    vch_sha256_of(r->cr, w->root_entry, &entry);
    VCH_TRY(receipt_check(r, w->receipt, &entry, &receipt));
    VCH_CHECK(receipt.index + 1 == receipt.head.size && receipt.head.time_ms == root.time.ms,
              LEDGER_ANSWER);
    *ret = (struct vch_ledger_head){.batch = root.batch,
                                    .time = root.time,
                                    .size = receipt.head.size,
                                    .count = root.count,
                                    .map_root = root.map_root};
    return vch_receipt_root(r->cr, &receipt, &entry, &ret->root);
}

static vch_err t_head(void *self, struct vch_ledger_head *ret, struct vch_buf *ret_checkpoint,
                      struct vch_buf *ret_receipt)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    struct remote *r = self;
    struct vch_ledger_wire_head w;
    struct vch_ledger_head head;

    VCH_TRY(get_cbor(r, "/ledger/v1/head", 0, &a));
    VCH_TRY(answer_err(vch_ledger_wire_head_get(vch_buf_get(&a.body), &w)));
    VCH_TRY(answer_err(head_check(r, &w, &head)));
    VCH_TRY(history_check(r, &head));
    (void)pthread_mutex_lock(&r->lock);
    if (head.size > r->seen.size) {
        r->seen = head;
    }
    (void)pthread_mutex_unlock(&r->lock);
    VCH_TRY(out(ret_checkpoint, w.checkpoint));
    VCH_TRY(out(ret_receipt, w.receipt));
    *ret = head;
    return VCH_OK;
}

/* ---- lists */

static vch_err t_authorities(void *self, vch_ledger_authority_fn fn, void *arg)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_LEDGER_WIRE_ENTRY_MAX);
    struct remote *r = self;
    struct vch_genesis_authority ga;
    struct vch_ledger_entry entry;
    struct vch_genesis g;

    VCH_TRY(t_entry_at(self, 0, &entry, &v, NULL));
    VCH_TRY(answer_err(vch_genesis_decode(r->cr, vch_buf_get(&v), &g)));
    VCH_CHECK(vch_bytes_equal(g.ledger_id, vch_text(r->id)), LEDGER_ANSWER);
    for (size_t i = 0; i < g.count; i++) {
        struct vch_ledger_authority a;

        VCH_TRY(vch_genesis_next(r->cr, &g, &ga));
        a = (struct vch_ledger_authority){
            .role = ga.role, .name = ga.name, .key = ga.key, .cert = ga.cert};
        vch_cose_key_thumbprint(r->cr, &ga.key, &a.thumbprint);
        VCH_TRY(fn(arg, &a));
    }
    return VCH_OK;
}

static vch_err t_follow(void *self, uint64_t from, uint32_t wait_ms, vch_ledger_entry_fn fn,
                        void *arg, uint64_t *ret_next)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    struct remote *r = self;
    char path[PATH_ROOM];
    struct vch_cbor c;
    size_t n;

    *ret_next = from;
    (void)snprintf(path, sizeof(path), "/ledger/v1/log?from=%llu&wait_ms=%u",
                   (unsigned long long)from, wait_ms);
    VCH_TRY(get_cbor(r, path, wait_ms + SLACK_MS, &a));
    c = vch_cbor(vch_buf_get(&a.body), VCH_CBOR_STRICT);
    VCH_TRY(answer_err(vch_cbor_array(&c, &n)));
    for (size_t i = 0; i < n; i++) {
        struct vch_ledger_wire_entry w;
        struct vch_ledger_entry entry;

        VCH_TRY(answer_err(vch_ledger_wire_entry_get(&c, &w)));
        VCH_TRY(answer_err(entry_check(r, &w, &entry)));
        VCH_CHECK(entry.index == from + i, LEDGER_ANSWER);
        VCH_TRY(fn(arg, &entry, w.bytes));
        *ret_next = from + i + 1;
    }
    return answer_err(vch_cbor_end(&c));
}

/* ---- opening */

static void t_close(void *self)
{
    struct remote *r = self;

    vch_http_client_close(r->http);
    if (r->authorization != NULL) {
        vch_wipe(r->authorization, strlen(r->authorization));
        vch_mem_free(r->authorization);
    }
    (void)pthread_mutex_destroy(&r->lock);
    vch_mem_free(r);
}

static const struct vch_ledger_ops ops = {
    .name = "remote",
    .submit = t_submit,
    .get = t_get,
    .entry_at = t_entry_at,
    .latest = t_latest,
    .state_proof = t_state_proof,
    .head = t_head,
    .inclusion = t_inclusion,
    .consistency = t_consistency,
    .authorities = t_authorities,
    .follow = t_follow,
    .close = t_close,
};

vch_err vch_ledger_remote_open(const struct vch_ledger_remote_options *o, struct vch_ledger *ret)
{
    struct vch_ledger l = {.ops = &ops};
    struct remote *r;
    vch_err e;

    VCH_CHECK(strlen(o->ledger_id) <= VCH_NAME_MAX, LEDGER_ID);
    VCH_CHECK(o->key_count >= 1 && o->key_count <= VCH_LEDGER_REMOTE_KEYS, USAGE);
    r = vch_mem_alloc(sizeof(*r));
    r->cr = o->cr;
    r->keys = o->key_count;
    memcpy(r->id, o->ledger_id, strlen(o->ledger_id) + 1);
    for (size_t i = 0; i < o->key_count; i++) {
        r->key[i] = o->keys[i];
        vch_cose_key_thumbprint(o->cr, &o->keys[i], &r->thumbprint[i]);
    }
    e = vch_http_client_open(&o->http, &r->http);
    if (!vch_ok(e)) {
        vch_mem_free(r);
        return e;
    }
    if (o->token != NULL) {
        size_t n = strlen(o->token) + sizeof("Bearer ");

        r->authorization = vch_mem_alloc(n);
        (void)snprintf(r->authorization, n, "Bearer %s", o->token);
    }
    (void)pthread_mutex_init(&r->lock, NULL);
    l.self = r;
    memcpy(l.id, r->id, sizeof(l.id));
    *ret = l;
    return VCH_OK;
}
