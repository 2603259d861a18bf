/* A batch on its way: on trial until its records are durable, then shown in one step. */
#include <vouch/contract/system.h>

#include "book_int.h"

/* Room that the state root and the commit record of a batch take at most. */
#define BATCH_SLACK (VCH_STATE_ROOT_MAX + VCH_LEDGER_COMMIT_MAX + 64)

static uint64_t base_size(const struct vch_ledger_book *b)
{
    return b->empty ? 0 : b->head.head.size;
}

static bool is_failed(struct vch_ledger_book *b)
{
    bool failed;

    (void)pthread_rwlock_rdlock(&b->lock);
    failed = b->failed;
    (void)pthread_rwlock_unlock(&b->lock);
    return failed;
}

void vch_ledger_book_stage_reset(struct vch_ledger_book *b)
{
    vch_ledger_table_reset(&b->view.batch);
    vch_ledger_table_reset(&b->verified);
    vch_ledger_map_unstage(&b->map);
    vch_ledger_book_tree_unstage(b);
    b->st.n = 0;
    b->st.bytes = 0;
    b->st.open = b->st.sealed = false;
}

void vch_ledger_book_abort(struct vch_ledger_book *b)
{
    vch_ledger_book_stage_reset(b);
}

vch_err vch_ledger_book_begin(struct vch_ledger_book *b, struct vch_time time)
{
    VCH_CHECK(!is_failed(b), LEDGER_FAILED);
    VCH_CHECK(b->empty || time.ms > b->head.head.time.ms, LEDGER_CLOCK);
    vch_ledger_book_stage_reset(b);
    b->st.open = true;
    b->st.time = time;
    b->st.frontier = b->frontier;
    return VCH_OK;
}

size_t vch_ledger_book_added(const struct vch_ledger_book *b)
{
    return b->st.n;
}

static void rec_push(struct vch_ledger_book *b, enum vch_ledger_kind kind, struct vch_bytes bytes)
{
    struct staged *st = &b->st;

    if (st->n + 2 > st->cap) { /* always one more for the commit record */
        st->cap = st->cap == 0 ? 256 : st->cap * 2;
        st->recs = vch_mem_realloc(st->recs, st->cap * sizeof(*st->recs));
    }
    st->recs[st->n++] = (struct vch_ledger_record){.kind = kind, .bytes = bytes};
    st->bytes += vch_ledger_record_room(bytes.n);
}

/* The state with the effects of this batch, for apply. */
static vch_err staged_get(void *self, enum vch_state_kind kind, struct vch_bytes id,
                          struct vch_span out, struct vch_bytes *ret, bool *ret_found)
{
    struct vch_ledger_book *b = self;
    uint8_t room[VCH_LEDGER_KEY_MAX];
    struct vch_bytes value;
    vch_err e = VCH_OK;

    if (!vch_ledger_table_get(&b->view.batch, vch_ledger_view_key((uint8_t)kind, id, room),
                              &value)) {
        (void)pthread_rwlock_rdlock(&b->lock);
        e = vch_ledger_book_state_locked(b, &b->verified, kind, id, &b->scratch);
        (void)pthread_rwlock_unlock(&b->lock);
        value = vch_buf_get(&b->scratch);
    }
    if (vch_err_is(e, VCH_E(NOT_FOUND))) {
        *ret_found = false;
        return VCH_OK;
    }
    VCH_TRY(e);
    VCH_CHECK(value.n <= out.cap, LEDGER_DAMAGED);
    vch_bytes_copy(out.p, value);
    *ret = vch_bytes(out.p, value.n);
    *ret_found = true;
    return VCH_OK;
}

vch_err vch_ledger_book_add(struct vch_ledger_book *b, struct vch_bytes statement,
                            const struct vch_core_facts *facts, struct vch_core_effects *ret)
{
    struct vch_core_state state = {staged_get, b};
    struct vch_core_effects e;

    VCH_ASSERT(b->st.open && !b->st.sealed);
    VCH_CHECK(b->st.bytes + vch_ledger_record_room(statement.n) + BATCH_SLACK <=
                  b->log.seg_size - VCH_LEDGER_SEGMENT_HEAD,
              LIMIT);
    VCH_TRY(vch_core_apply(&state, facts, base_size(b) + b->st.n, b->st.time, &e));
    for (size_t i = 0; i < e.count; i++) {
        uint8_t room[VCH_LEDGER_KEY_MAX];

        vch_ledger_table_put(
            &b->view.batch,
            vch_ledger_view_key((uint8_t)e.put[i].kind, vch_core_put_id(&e.put[i]), room),
            vch_core_put_value(&e.put[i]));
    }
    if (!e.known) {
        rec_push(b, VCH_LEDGER_STATEMENT, statement);
    }
    *ret = e;
    return VCH_OK;
}

vch_err vch_ledger_book_stage_genesis(struct vch_ledger_book *b, struct vch_bytes entry)
{
    struct vch_genesis_authority a;
    struct vch_genesis g;
    vch_err e;

    VCH_TRY(vch_genesis_decode(b->cr, entry, &g));
    VCH_CHECK(b->st.bytes + vch_ledger_record_room(entry.n) + BATCH_SLACK <=
                  b->log.seg_size - VCH_LEDGER_SEGMENT_HEAD,
              LIMIT);
    while (vch_ok(e = vch_genesis_next(b->cr, &g, &a))) {
        struct vch_core_genesis_put put;
        uint8_t room[VCH_LEDGER_KEY_MAX];

        VCH_TRY(vch_core_genesis_apply(b->cr, &a, &put));
        vch_ledger_table_put(
            &b->view.batch,
            vch_ledger_view_key(VCH_STATE_AUTHORITY, vch_hash_bytes(&put.thumbprint), room),
            vch_bytes(put.value, put.value_n));
    }
    VCH_CHECK(vch_err_is(e, VCH_E(NOT_FOUND)), GENESIS);
    memcpy(b->id, g.ledger_id.p, g.ledger_id.n);
    b->id[g.ledger_id.n] = 0;
    rec_push(b, VCH_LEDGER_SYSTEM, entry);
    return VCH_OK;
}

static int pair_cmp(const void *x, const void *y)
{
    return memcmp(((const struct vch_map_pair *)x)->k.b, ((const struct vch_map_pair *)y)->k.b,
                  VCH_HASH_LEN);
}

/* The map with the state that this batch puts. */
static vch_err seal_map(struct vch_ledger_book *b, struct vch_ledger_head *head)
{
    struct vch_ledger_buckets buckets = vch_ledger_book_buckets(b);
    const struct vch_ledger_table *t = &b->view.batch;
    struct vch_map_pair *pairs = vch_mem_alloc(t->count * sizeof(*pairs));
    size_t n = 0;
    vch_err e;

    for (size_t i = 0; i < t->width; i++) {
        for (const struct vch_ledger_slot *s = t->heads[i]; s != NULL; s = s->next) {
            vch_sha256_of(b->cr, vch_bytes(s->key, s->key_n), &pairs[n].k); /* kind || id */
            vch_sha256_of(b->cr, vch_bytes(s->value, s->n), &pairs[n].v);
            n++;
        }
    }
    if (n > 0) {
        qsort(pairs, n, sizeof(*pairs), pair_cmp);
    }
    e = vch_ledger_map_stage(&b->map, &buckets, pairs, n, &head->map_root, &head->count);
    vch_mem_free(pairs);
    return e;
}

vch_err vch_ledger_book_seal(struct vch_ledger_book *b, struct vch_ledger_head *ret)
{
    struct vch_ledger_head *h = &b->st.head;
    struct vch_state_root root;
    struct vch_writer w = vch_writer(VCH_SPAN_OF(b->st.state_root));
    struct vch_bytes entry;

    VCH_ASSERT(b->st.open && !b->st.sealed);
    h->batch = b->empty ? 0 : b->head.head.batch + 1;
    h->time = b->st.time;
    VCH_TRY(seal_map(b, h));
    root = (struct vch_state_root){h->batch, h->time, h->count, h->map_root};
    vch_state_root_encode(&root, &w);
    VCH_TRY(vch_writer_finish(&w, &entry));
    rec_push(b, VCH_LEDGER_SYSTEM, entry);
    for (size_t i = 0; i < b->st.n; i++) {
        struct vch_hash entry_hash;

        vch_sha256_of(b->cr, b->st.recs[i].bytes, &entry_hash);
        VCH_TRY(vch_ledger_book_tree_stage(b, &entry_hash));
    }
    h->size = b->st.frontier.count;
    vch_merkle_frontier_root(b->cr, &b->st.frontier, &h->root);
    b->st.sealed = true;
    *ret = *h;
    return VCH_OK;
}

static void stage_places(struct vch_ledger_book *b, const struct signed_head *h)
{
    uint8_t room[16];
    struct vch_writer w;

    for (size_t i = 0; i < b->st.n; i++) {
        w = vch_writer(VCH_SPAN_OF(room));
        vch_writer_u64(&w, b->st.recs[i].pos);
        vch_ledger_flat_stage(&b->positions, vch_bytes(room, 8));
    }
    w = vch_writer(VCH_SPAN_OF(room));
    vch_writer_u64(&w, h->commit_pos);
    vch_writer_u64(&w, h->head.size);
    vch_ledger_flat_stage(&b->batches, vch_bytes(room, 16));
}

void vch_ledger_book_show(struct vch_ledger_book *b, const struct signed_head *h)
{
    stage_places(b, h);
    (void)pthread_rwlock_wrlock(&b->lock);
    vch_ledger_table_merge(&b->view.active, &b->view.batch);
    vch_ledger_map_publish(&b->map);
    vch_ledger_book_tree_publish(b);
    b->head = *h;
    b->end_pos = b->log.end;
    b->empty = false;
    (void)pthread_rwlock_unlock(&b->lock);
    b->frontier = b->st.frontier;
    vch_ledger_book_stage_reset(b);
    (void)pthread_mutex_lock(&b->tick_lock);
    b->tick_size = h->head.size;
    (void)pthread_cond_broadcast(&b->tick);
    (void)pthread_mutex_unlock(&b->tick_lock);
}

static vch_err sign(struct vch_ledger_book *b, const struct vch_signer *signer,
                    struct signed_head *h)
{
    struct vch_receipt_head rh = {
        .ledger = vch_text(b->id), .size = h->head.size, .time_ms = h->head.time.ms};
    struct vch_writer w = vch_writer(VCH_SPAN_OF(h->protected_header));
    struct vch_bytes protected_raw;

    vch_cose_key_thumbprint(b->cr, &signer->pub, &rh.thumbprint);
    vch_receipt_protected_encode(signer->alg, &rh, &w);
    VCH_TRY(vch_writer_finish(&w, &protected_raw));
    h->protected_n = protected_raw.n;
    return vch_receipt_sign(signer, protected_raw, &h->head.root, h->sig);
}

static vch_err write_batch(struct vch_ledger_book *b, struct signed_head *h)
{
    struct vch_ledger_commit c = {h->head.batch,
                                  h->head.time.ms,
                                  h->head.size,
                                  h->head.root,
                                  vch_bytes(h->protected_header, h->protected_n),
                                  VCH_BYTES_OF(h->sig)};
    uint8_t room[VCH_LEDGER_COMMIT_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_ledger_record *commit = &b->st.recs[b->st.n];

    *commit = (struct vch_ledger_record){.kind = VCH_LEDGER_COMMIT};
    vch_ledger_commit_encode(&c, &w);
    VCH_TRY(vch_writer_finish(&w, &commit->bytes));
    VCH_TRY(vch_ledger_log_append(&b->log, b->st.recs, b->st.n + 1, h->head.batch, base_size(b)));
    h->commit_pos = commit->pos;
    return VCH_OK;
}

vch_err vch_ledger_book_commit(struct vch_ledger_book *b, const struct vch_signer *signer)
{
    struct signed_head h = {.head = b->st.head};
    vch_err e;

    VCH_ASSERT(b->st.sealed);
    e = sign(b, signer, &h);
    if (vch_ok(e)) {
        e = write_batch(b, &h);
    }
    if (!vch_ok(e)) {
        vch_ledger_book_stage_reset(b);
        if (vch_err_is(e, VCH_E(LEDGER_FAILED))) {
            (void)pthread_rwlock_wrlock(&b->lock);
            b->failed = true;
            (void)pthread_rwlock_unlock(&b->lock);
        }
        return e;
    }
    vch_ledger_book_show(b, &h);
    return VCH_OK;
}

static vch_err replay_entries(struct vch_ledger_book *b, const struct vch_ledger_walk *w,
                              size_t *ret_at)
{
    size_t last = w->n - 2; /* the state root; then the commit record */

    for (size_t i = 0; i < last; i++) {
        struct vch_core_effects effects;
        struct vch_core_facts facts;

        *ret_at = i;
        if (w->recs[i].kind == VCH_LEDGER_SYSTEM) {
            VCH_CHECK(b->empty && i == 0, LEDGER_DAMAGED);
            VCH_TRY(vch_ledger_book_stage_genesis(b, w->recs[i].bytes));
            continue;
        }
        VCH_TRY(vch_core_read(b->cr, w->recs[i].bytes, &facts));
        VCH_TRY(vch_ledger_book_add(b, w->recs[i].bytes, &facts, &effects));
        VCH_CHECK(!effects.known, LEDGER_DAMAGED);
    }
    *ret_at = last;
    return VCH_OK;
}

static vch_err replay(struct vch_ledger_book *b, const struct vch_ledger_walk *w, size_t *ret_at)
{
    const struct vch_ledger_commit *c = &w->commit;
    struct signed_head h = {.commit_pos = w->recs[w->n - 1].pos};

    *ret_at = w->n - 1;
    VCH_CHECK(w->n >= 2 && c->protected_header.n <= sizeof(h.protected_header) &&
                  c->sig.n == sizeof(h.sig),
              LEDGER_DAMAGED);
    VCH_TRY(vch_ledger_book_begin(b, (struct vch_time){c->time_ms}));
    VCH_TRY(replay_entries(b, w, ret_at));
    VCH_TRY(vch_ledger_book_seal(b, &h.head));
    VCH_CHECK(vch_bytes_equal(b->st.recs[b->st.n - 1].bytes, w->recs[w->n - 2].bytes),
              LEDGER_DAMAGED);
    *ret_at = w->n - 1;
    VCH_CHECK(c->batch == h.head.batch && c->size == h.head.size &&
                  vch_hash_equal(&c->root, &h.head.root),
              LEDGER_DAMAGED);
    for (size_t i = 0; i < b->st.n; i++) {
        b->st.recs[i].pos = w->recs[i].pos;
    }
    h.protected_n = c->protected_header.n;
    memcpy(h.protected_header, c->protected_header.p, h.protected_n);
    memcpy(h.sig, c->sig.p, sizeof(h.sig));
    b->log.end = w->pos;
    vch_ledger_book_show(b, &h);
    b->replayed++;
    return VCH_OK;
}

vch_err vch_ledger_book_replay(struct vch_ledger_book *b, const struct vch_ledger_walk *w,
                               struct vch_ledger_fault *reterr)
{
    uint64_t first = base_size(b);
    size_t at = 0;
    vch_err e = replay(b, w, &at);

    if (!vch_ok(e)) {
        vch_ledger_book_stage_reset(b);
        vch_ledger_log_fault(&b->log, w->recs[at].pos,
                             at + 1 < w->n ? "an entry that the contracts or the tree contradict"
                                           : "a signed head that its entries contradict",
                             reterr);
        if (reterr != NULL) {
            reterr->index = first + at;
        }
        return VCH_E(LEDGER_DAMAGED);
    }
    return VCH_OK;
}
