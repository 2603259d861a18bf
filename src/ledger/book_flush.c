/* Bringing the view up to the log, and marking how far the log was seen. */
#include <vouch/cbor/cbor.h>

#include "book_int.h"
#include "crc.h"

/* ---- the mark of the newest head */

#define SEEN_MAX 128

static vch_err seen_write(const struct vch_ledger_book *b, const struct vch_ledger_head *h)
{
    uint8_t room[SEEN_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));

    vch_cbor_put_array(&w, 4);
    vch_cbor_put_uint(&w, h->batch);
    vch_cbor_put_int(&w, h->time.ms);
    vch_cbor_put_uint(&w, h->size);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&h->root));
    vch_writer_u32(&w, vch_ledger_crc32c(0, vch_bytes(room, w.len)));
    return vch_file_write_atomic(b->seen_file, vch_bytes(room, w.len), 0);
}

static vch_err seen_decode(struct vch_bytes in, struct vch_ledger_head *ret)
{
    struct vch_reader crc;
    struct vch_cbor c;
    uint32_t want;

    VCH_CHECK(in.n > 4, LEDGER_DAMAGED);
    crc = vch_reader(vch_bytes(in.p + in.n - 4, 4));
    VCH_TRY(vch_reader_u32(&crc, &want));
    in.n -= 4;
    VCH_CHECK(vch_ledger_crc32c(0, in) == want, LEDGER_DAMAGED);
    c = vch_cbor(in, VCH_CBOR_STRICT);
    VCH_TRY(vch_cbor_array_of(&c, 4));
    VCH_TRY(vch_cbor_uint(&c, &ret->batch));
    VCH_TRY(vch_cbor_int(&c, &ret->time.ms));
    VCH_TRY(vch_cbor_uint(&c, &ret->size));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(ret->root.b)));
    return vch_cbor_end(&c);
}

vch_err vch_ledger_book_seen_load(struct vch_ledger_book *b, struct vch_ledger_fault *reterr)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf buf = vch_buf_init(SEEN_MAX);
    vch_err e = vch_file_read(b->seen_file, 0, &buf);

    if (vch_err_is(e, VCH_E(FILE_MISSING))) {
        return VCH_OK; /* a ledger before its first flush */
    }
    vch_ledger_fault_set(reterr, "seen", "the mark of the newest head is damaged");
    VCH_CHECK(!vch_err_is(e, VCH_E(LIMIT)), LEDGER_DAMAGED);
    VCH_TRY(e);
    VCH_CHECK(vch_ok(seen_decode(vch_buf_get(&buf), &b->seen)), LEDGER_DAMAGED);
    b->has_seen = true;
    return VCH_OK;
}

/* req: Y.2247-7.1-7 (a log that was rolled back is not served) */
vch_err vch_ledger_book_seen_check(struct vch_ledger_book *b, struct vch_ledger_fault *reterr)
{
    struct vch_merkle_source src = vch_ledger_book_source(b);
    struct vch_hash root;

    if (!b->has_seen) {
        return VCH_OK;
    }
    if (b->seen.size > b->head.head.size) {
        vch_ledger_fault_set(reterr, "log", "batches are missing that were recorded before");
        return VCH_E(LEDGER_ROLLED_BACK);
    }
    VCH_TRY(vch_merkle_root(b->cr, &src, b->seen.size, &root));
    if (!vch_hash_equal(&root, &b->seen.root)) {
        vch_ledger_fault_set(reterr, "log", "another history than the one recorded before");
        return VCH_E(LEDGER_ROLLED_BACK);
    }
    return VCH_OK;
}

/* ---- flushing */

size_t vch_ledger_book_unflushed(struct vch_ledger_book *b)
{
    size_t n;

    (void)pthread_rwlock_rdlock(&b->lock);
    n = b->view.active.held + b->view.flushing.held;
    (void)pthread_rwlock_unlock(&b->lock);
    return n;
}

static void copies_fini(struct vch_buf *copies)
{
    for (size_t i = 0; i < BOOK_FLATS; i++) {
        vch_buf_fini(&copies[i]);
    }
}

/* Writes the layer that lies aside for flushing, and what the tree has in memory up to it. */
static vch_err flush_layer(struct vch_ledger_book *b, struct vch_buf *copies)
{
    vch_err e = VCH_OK;

    (void)pthread_rwlock_rdlock(&b->lock);
    for (size_t i = 0; i < BOOK_FLATS && vch_ok(e); i++) {
        copies[i] = vch_buf_init(SIZE_MAX / 2);
        e = vch_ledger_flat_tail(vch_ledger_book_flat(b, i), &copies[i]);
    }
    (void)pthread_rwlock_unlock(&b->lock);
    VCH_TRY(e);
    VCH_TRY(vch_ledger_book_tree_flush(b, copies, BOOK_FLATS));
    VCH_TRY(vch_ledger_view_flush_write(&b->view, &b->flush_tag));
    (void)pthread_rwlock_wrlock(&b->lock);
    for (size_t i = 0; i < BOOK_FLATS; i++) {
        vch_ledger_flat_flushed(vch_ledger_book_flat(b, i), copies[i].n);
    }
    vch_ledger_view_flush_end(&b->view);
    b->flushed_batch = b->flush_tag.head.batch;
    (void)pthread_rwlock_unlock(&b->lock);
    return seen_write(b, &b->flush_tag.head);
}

vch_err vch_ledger_book_flush(struct vch_ledger_book *b)
{
    struct vch_buf copies[BOOK_FLATS] = {{NULL, 0, 0, 0}};
    bool work;
    vch_err e;

    VCH_CHECK(!b->read_only, LEDGER_READ_ONLY);
    (void)pthread_rwlock_wrlock(&b->lock);
    work = b->view.flushing.count > 0; /* left by a flush that failed */
    if (!work && vch_ledger_view_flush_begin(&b->view)) {
        work = true;
        b->flush_tag = (struct vch_ledger_tag){true, b->head.head, b->head.commit_pos, b->end_pos};
    }
    (void)pthread_rwlock_unlock(&b->lock);
    if (!work) {
        return VCH_OK;
    }
    e = flush_layer(b, copies);
    copies_fini(copies);
    return e;
}

void vch_ledger_book_stats(struct vch_ledger_book *b, struct vch_ledger_book_stats *ret)
{
    (void)pthread_rwlock_rdlock(&b->lock);
    *ret = (struct vch_ledger_book_stats){
        .head = b->head.head,
        .log_bytes = b->end_pos,
        .segments = (b->end_pos + b->log.seg_size - 1) / b->log.seg_size,
        .replayed = b->replayed,
        .torn_bytes = b->torn,
        .flushed_batch = b->flushed_batch,
        .unflushed_bytes = b->view.active.held + b->view.flushing.held,
    };
    (void)pthread_rwlock_unlock(&b->lock);
}
