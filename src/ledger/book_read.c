/* Reading a book. Nothing that lies on the disk is handed out unless it leads to the present head.
 */
#include <vouch/contract/proof.h>

#include "book_int.h"

/* N items of a flat file. What is in the file never changes, so it is read without the lock. */
static vch_err flat_read(struct vch_ledger_book *b, const struct vch_ledger_flat *f, uint64_t idx,
                         size_t n, uint8_t *ret)
{
    bool in_file;
    vch_err e = VCH_OK;

    (void)pthread_rwlock_rdlock(&b->lock);
    in_file = idx < f->flushed && n <= f->flushed - idx;
    if (!in_file) {
        e = vch_ledger_flat_range(f, idx, n, ret);
    }
    (void)pthread_rwlock_unlock(&b->lock);
    return in_file ? vch_ledger_flat_file(f, idx, n, ret) : e;
}

static vch_err node(void *self, unsigned level, uint64_t index, struct vch_hash *ret)
{
    struct vch_ledger_book *b = self;

    VCH_CHECK(level < VCH_MERKLE_LEVELS, LEDGER_DAMAGED);
    return flat_read(b, &b->level[level], index, 1, ret->b);
}

struct vch_merkle_source vch_ledger_book_source(struct vch_ledger_book *b)
{
    return (struct vch_merkle_source){node, b};
}

static uint64_t u64_at(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* ---- buckets of the map */

static vch_err bucket_get(void *self, struct vch_bytes key, struct vch_buf *out)
{
    struct vch_ledger_book *b = self;
    uint8_t room[VCH_LEDGER_KEY_MAX];
    vch_err e = vch_ledger_view_get(&b->view, vch_ledger_view_key(0, key, room), out);

    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_E(LEDGER_DAMAGED) : e;
}

static vch_err bucket_get_locking(void *self, struct vch_bytes key, struct vch_buf *out)
{
    struct vch_ledger_book *b = self;
    vch_err e;

    (void)pthread_rwlock_rdlock(&b->lock);
    e = bucket_get(self, key, out);
    (void)pthread_rwlock_unlock(&b->lock);
    return e;
}

static void bucket_put(void *self, struct vch_bytes key, struct vch_bytes value)
{
    struct vch_ledger_book *b = self;
    uint8_t room[VCH_LEDGER_KEY_MAX];

    vch_ledger_table_put(&b->view.batch, vch_ledger_view_key(0, key, room), value);
}

struct vch_ledger_buckets vch_ledger_book_buckets(struct vch_ledger_book *b)
{
    return (struct vch_ledger_buckets){bucket_get_locking, bucket_put, b, &b->verified};
}

static struct vch_ledger_buckets buckets_locked(struct vch_ledger_book *b,
                                                struct vch_ledger_table *cache)
{
    return (struct vch_ledger_buckets){bucket_get, NULL, b, cache};
}

/* ---- state */

/* req: Y.2247-7.2.3-11 (what comes out of an index is checked against the ledger) */
vch_err vch_ledger_book_state_locked(struct vch_ledger_book *b, struct vch_ledger_table *cache,
                                     enum vch_state_kind kind, struct vch_bytes id,
                                     struct vch_buf *ret)
{
    struct vch_ledger_buckets buckets = buckets_locked(b, cache);
    uint8_t room[VCH_LEDGER_KEY_MAX];
    struct vch_hash k, want, have;
    vch_err e;

    vch_state_key(b->cr, kind, id, &k);
    VCH_TRY(vch_ledger_map_get(&b->map, &buckets, &k, ret, &want));
    e = vch_ledger_view_get(&b->view, vch_ledger_view_key((uint8_t)kind, id, room), ret);
    VCH_CHECK(!vch_err_is(e, VCH_E(NOT_FOUND)), LEDGER_DAMAGED);
    VCH_TRY(e);
    vch_sha256_of(b->cr, vch_buf_get(ret), &have);
    VCH_CHECK(vch_hash_equal(&have, &want), LEDGER_DAMAGED);
    return VCH_OK;
}

vch_err vch_ledger_book_state(struct vch_ledger_book *b, enum vch_state_kind kind,
                              struct vch_bytes id, struct vch_buf *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(1u << 16);
    vch_err e;

    VCH_CHECK(vch_state_id_check((uint64_t)kind, id), USAGE);
    (void)pthread_rwlock_rdlock(&b->lock);
    e = vch_ledger_book_state_locked(b, NULL, kind, id, &v);
    (void)pthread_rwlock_unlock(&b->lock);
    VCH_TRY(e);
    vch_buf_reset(ret);
    return vch_buf_append(ret, vch_buf_get(&v));
}

/* ---- heads and receipts */

static void head_copy(struct vch_ledger_book *b, struct signed_head *ret)
{
    (void)pthread_rwlock_rdlock(&b->lock);
    *ret = b->head;
    (void)pthread_rwlock_unlock(&b->lock);
}

void vch_ledger_book_head(struct vch_ledger_book *b, struct vch_ledger_head *ret)
{
    struct signed_head h;

    head_copy(b, &h);
    *ret = h.head;
}

vch_err vch_ledger_book_signed(struct vch_ledger_book *b, uint64_t batch, struct signed_head *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf buf = vch_buf_init(VCH_LEDGER_RECORD_MAX + 64);
    struct vch_ledger_record r;
    struct vch_ledger_commit c;
    uint8_t item[16];

    head_copy(b, ret);
    if (ret->head.batch == batch) {
        return VCH_OK;
    }
    VCH_TRY(flat_read(b, &b->batches, batch, 1, item));
    VCH_CHECK(vch_ok(vch_ledger_log_read(&b->log, u64_at(item), &buf, &r)), LEDGER_DAMAGED);
    VCH_CHECK(r.kind == VCH_LEDGER_COMMIT && vch_ok(vch_ledger_commit_decode(r.bytes, &c)),
              LEDGER_DAMAGED);
    VCH_CHECK(c.batch == batch && c.size == u64_at(item + 8) &&
                  c.protected_header.n <= sizeof(ret->protected_header) &&
                  c.sig.n == sizeof(ret->sig),
              LEDGER_DAMAGED);
    *ret = (struct signed_head){
        .head = {.batch = batch, .time = {c.time_ms}, .size = c.size, .root = c.root},
        .commit_pos = u64_at(item),
        .protected_n = c.protected_header.n};
    memcpy(ret->protected_header, c.protected_header.p, c.protected_header.n);
    memcpy(ret->sig, c.sig.p, c.sig.n);
    return VCH_OK;
}

/* Number of the batch that holds entry INDEX: the first whose size is above it. */
static vch_err batch_of(struct vch_ledger_book *b, uint64_t index, const struct signed_head *head,
                        uint64_t *ret)
{
    uint64_t low = 0, high = head->head.batch;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        uint8_t item[16];

        VCH_TRY(flat_read(b, &b->batches, mid, 1, item));
        if (u64_at(item + 8) > index) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    *ret = low;
    return VCH_OK;
}

static vch_err receipt_make(struct vch_ledger_book *b, const struct signed_head *h, uint64_t index,
                            const struct vch_hash *entry_hash, struct vch_buf *ret)
{
    struct vch_merkle_source src = vch_ledger_book_source(b);
    struct vch_merkle_path path;
    struct vch_hash leaf;
    struct vch_span room;
    struct vch_writer w;
    struct vch_bytes out;

    VCH_TRY(vch_merkle_inclusion(b->cr, &src, index, h->head.size, &path));
    vch_merkle_leaf_entry(b->cr, entry_hash, &leaf);
    VCH_CHECK(vch_ok(vch_merkle_inclusion_verify(b->cr, &leaf, index, h->head.size, path.h,
                                                 path.count, &h->head.root)),
              LEDGER_DAMAGED);
    vch_buf_reset(ret);
    VCH_TRY(vch_buf_room(ret, VCH_LEDGER_RECEIPT_MAX, &room));
    w = vch_writer(room);
    vch_receipt_encode(vch_bytes(h->protected_header, h->protected_n), h->sig, h->head.size, index,
                       &path, &w);
    VCH_TRY(vch_writer_finish(&w, &out));
    vch_buf_added(ret, out.n);
    return VCH_OK;
}

vch_err vch_ledger_book_receipt(struct vch_ledger_book *b, const struct vch_ledger_entry *entry,
                                struct vch_buf *ret)
{
    struct signed_head h;

    VCH_TRY(vch_ledger_book_signed(b, entry->batch, &h));
    VCH_CHECK(entry->index < h.head.size, USAGE);
    return receipt_make(b, &h, entry->index, &entry->txid, ret);
}

vch_err vch_ledger_book_head_receipt(struct vch_ledger_book *b, struct vch_ledger_head *ret_head,
                                     struct vch_buf *ret_receipt)
{
    struct signed_head h;
    struct vch_state_root root;
    uint8_t room[VCH_STATE_ROOT_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_hash entry_hash;
    struct vch_bytes entry;

    head_copy(b, &h);
    root = (struct vch_state_root){h.head.batch, h.head.time, h.head.count, h.head.map_root};
    vch_state_root_encode(&root, &w);
    VCH_TRY(vch_writer_finish(&w, &entry));
    vch_sha256_of(b->cr, entry, &entry_hash);
    VCH_TRY(receipt_make(b, &h, h.head.size - 1, &entry_hash, ret_receipt));
    *ret_head = h.head;
    return VCH_OK;
}

/* ---- entries */

/* Does the entry stand at INDEX of the present tree? */
static vch_err entry_check(struct vch_ledger_book *b, const struct signed_head *head,
                           uint64_t index, const struct vch_hash *entry_hash)
{
    struct vch_merkle_source src = vch_ledger_book_source(b);
    struct vch_merkle_path path;
    struct vch_hash leaf;

    VCH_TRY(vch_merkle_inclusion(b->cr, &src, index, head->head.size, &path));
    vch_merkle_leaf_entry(b->cr, entry_hash, &leaf);
    VCH_CHECK(vch_ok(vch_merkle_inclusion_verify(b->cr, &leaf, index, head->head.size, path.h,
                                                 path.count, &head->head.root)),
              LEDGER_DAMAGED);
    return VCH_OK;
}

/* req: Y.2247-7.1-7 (a damaged or replaced record is not handed out) */
vch_err vch_ledger_book_entry_at(struct vch_ledger_book *b, uint64_t index,
                                 struct vch_ledger_entry *ret, struct vch_buf *ret_bytes,
                                 struct vch_buf *ret_receipt)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf buf = vch_buf_init(VCH_LEDGER_RECORD_MAX + 64);
    struct signed_head head, own;
    struct vch_ledger_entry entry = {.index = index};
    struct vch_ledger_record r;
    uint8_t item[8];

    head_copy(b, &head);
    VCH_CHECK(index < head.head.size, LEDGER_NO_ENTRY);
    VCH_TRY(flat_read(b, &b->positions, index, 1, item));
    VCH_CHECK(vch_ok(vch_ledger_log_read(&b->log, u64_at(item), &buf, &r)), LEDGER_DAMAGED);
    VCH_CHECK(r.kind != VCH_LEDGER_COMMIT, LEDGER_DAMAGED);
    vch_sha256_of(b->cr, r.bytes, &entry.txid);
    VCH_TRY(entry_check(b, &head, index, &entry.txid));
    VCH_TRY(batch_of(b, index, &head, &entry.batch));
    VCH_TRY(vch_ledger_book_signed(b, entry.batch, &own));
    entry.time = own.head.time;
    entry.is_system = r.kind == VCH_LEDGER_SYSTEM;
    if (ret_receipt != NULL) {
        VCH_TRY(receipt_make(b, &own, index, &entry.txid, ret_receipt));
    }
    if (ret_bytes != NULL) {
        vch_buf_reset(ret_bytes);
        VCH_TRY(vch_buf_append(ret_bytes, r.bytes));
    }
    *ret = entry;
    return VCH_OK;
}

static vch_err index_of(struct vch_ledger_book *b, const struct vch_hash *txid,
                        struct vch_state_transaction *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_STATE_VALUE_MAX);
    vch_err e = vch_ledger_book_state(b, VCH_STATE_TRANSACTION, vch_hash_bytes(txid), &v);

    VCH_CHECK(!vch_err_is(e, VCH_E(NOT_FOUND)), LEDGER_NO_ENTRY);
    VCH_TRY(e);
    VCH_CHECK(vch_ok(vch_state_transaction_decode(vch_buf_get(&v), ret)), LEDGER_DAMAGED);
    return VCH_OK;
}

vch_err vch_ledger_book_find(struct vch_ledger_book *b, const struct vch_hash *txid,
                             struct vch_ledger_entry *ret)
{
    struct vch_ledger_entry entry = {.txid = *txid};
    struct vch_state_transaction t;
    struct signed_head head;

    VCH_TRY(index_of(b, txid, &t));
    head_copy(b, &head);
    VCH_TRY(batch_of(b, t.index, &head, &entry.batch));
    entry.index = t.index;
    entry.time.ms = t.time_ms;
    *ret = entry;
    return VCH_OK;
}

vch_err vch_ledger_book_get(struct vch_ledger_book *b, const struct vch_hash *txid,
                            struct vch_ledger_entry *ret, struct vch_buf *ret_statement,
                            struct vch_buf *ret_receipt)
{
    struct vch_state_transaction t;
    struct vch_ledger_entry entry;

    VCH_TRY(index_of(b, txid, &t));
    VCH_TRY(vch_ledger_book_entry_at(b, t.index, &entry, ret_statement, ret_receipt));
    VCH_CHECK(vch_hash_equal(&entry.txid, txid) && entry.time.ms == t.time_ms, LEDGER_DAMAGED);
    *ret = entry;
    return VCH_OK;
}

/* ---- proofs */

/* Head, value and map proof of one moment. */
static vch_err state_snapshot(struct vch_ledger_book *b, enum vch_state_kind kind,
                              struct vch_bytes id, struct signed_head *ret_head,
                              struct vch_buf *ret_value, struct vch_map_proof *ret_proof,
                              bool *ret_present)
{
    struct vch_ledger_buckets buckets = buckets_locked(b, NULL);
    struct vch_hash k;
    vch_err e;

    vch_state_key(b->cr, kind, id, &k);
    *ret_head = b->head;
    e = vch_ledger_map_prove(&b->map, &buckets, &k, ret_value, ret_proof);
    VCH_TRY(e);
    e = vch_ledger_book_state_locked(b, NULL, kind, id, ret_value);
    *ret_present = vch_ok(e);
    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

static vch_err proof_write(const struct signed_head *h, struct vch_bytes receipt,
                           enum vch_state_kind kind, struct vch_bytes id,
                           const struct vch_bytes *value, const struct vch_map_proof *proof,
                           struct vch_buf *ret)
{
    struct vch_state_root root = {h->head.batch, h->head.time, h->head.count, h->head.map_root};
    uint8_t entry[VCH_STATE_ROOT_MAX];
    struct vch_writer we = vch_writer(VCH_SPAN_OF(entry)), w;
    struct vch_span room;
    struct vch_bytes root_entry, out;

    vch_state_root_encode(&root, &we);
    VCH_TRY(vch_writer_finish(&we, &root_entry));
    vch_buf_reset(ret);
    VCH_TRY(vch_buf_room(ret, VCH_LEDGER_PROOF_MAX, &room));
    w = vch_writer(room);
    vch_state_proof_encode(root_entry, receipt, kind, id, value, proof, &w);
    VCH_TRY(vch_writer_finish(&w, &out));
    vch_buf_added(ret, out.n);
    return VCH_OK;
}

vch_err vch_ledger_book_state_proof(struct vch_ledger_book *b, enum vch_state_kind kind,
                                    struct vch_bytes id, struct vch_buf *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf value = vch_buf_init(1u << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct vch_map_proof *proof;
    struct signed_head h;
    struct vch_ledger_head head;
    struct vch_bytes v;
    bool present;
    vch_err e;

    VCH_CHECK(vch_state_id_check((uint64_t)kind, id), USAGE);
    proof = vch_mem_alloc(sizeof(*proof));
    do { /* until no batch came between the snapshot and its receipt */
        (void)pthread_rwlock_rdlock(&b->lock);
        e = state_snapshot(b, kind, id, &h, &value, proof, &present);
        (void)pthread_rwlock_unlock(&b->lock);
        if (vch_ok(e)) {
            e = vch_ledger_book_head_receipt(b, &head, &receipt);
        }
    } while (vch_ok(e) && head.batch != h.head.batch);
    v = vch_buf_get(&value);
    if (vch_ok(e)) {
        e = proof_write(&h, vch_buf_get(&receipt), kind, id, present ? &v : NULL, proof, ret);
    }
    vch_mem_free(proof);
    return e;
}

static vch_err path_out(const struct vch_merkle_path *path, struct vch_buf *ret)
{
    vch_buf_reset(ret);
    return vch_buf_append(ret, vch_bytes(path->h, path->count * VCH_HASH_LEN));
}

vch_err vch_ledger_book_inclusion(struct vch_ledger_book *b, uint64_t index, uint64_t size,
                                  struct vch_buf *ret)
{
    struct vch_merkle_source src = vch_ledger_book_source(b);
    struct vch_merkle_path path;
    struct signed_head head;

    head_copy(b, &head);
    VCH_CHECK(index < size && size <= head.head.size, USAGE);
    VCH_TRY(vch_merkle_inclusion(b->cr, &src, index, size, &path));
    return path_out(&path, ret);
}

vch_err vch_ledger_book_consistency(struct vch_ledger_book *b, uint64_t size1, uint64_t size2,
                                    struct vch_buf *ret)
{
    struct vch_merkle_source src = vch_ledger_book_source(b);
    struct vch_merkle_path path;
    struct signed_head head;

    head_copy(b, &head);
    VCH_CHECK(size1 > 0 && size1 <= size2 && size2 <= head.head.size, USAGE);
    VCH_TRY(vch_merkle_consistency(b->cr, &src, size1, size2, &path));
    return path_out(&path, ret);
}

vch_err vch_ledger_book_tile(struct vch_ledger_book *b, int level, uint64_t index, unsigned width,
                             struct vch_buf *ret)
{
    unsigned row = level < 0 ? 0 : (unsigned)level * 8;
    struct vch_hash hash[256];
    struct signed_head head;

    head_copy(b, &head);
    VCH_CHECK(width >= 1 && width <= 256 && row < VCH_MERKLE_LEVELS &&
                  index <= UINT64_MAX / 256 - 1,
              LEDGER_NO_ENTRY);
    VCH_CHECK(index * 256 + width <= head.head.size >> row, LEDGER_NO_ENTRY);
    vch_buf_reset(ret);
    if (level >= 0) {
        VCH_TRY(flat_read(b, &b->level[row], index * 256, width, hash[0].b));
        return vch_buf_append(ret, vch_bytes(hash, width * sizeof(hash[0])));
    }
    for (unsigned i = 0; i < width; i++) { /* an entry, to this reader, is the entry's hash */
        static const uint8_t length[2] = {0, VCH_HASH_LEN};
        struct vch_ledger_entry entry;

        VCH_TRY(vch_ledger_book_entry_at(b, index * 256 + i, &entry, NULL, NULL));
        VCH_TRY(vch_buf_append(ret, VCH_BYTES_OF(length)));
        VCH_TRY(vch_buf_append(ret, vch_hash_bytes(&entry.txid)));
    }
    return VCH_OK;
}
