/* The walk over the batches and the judgement of what follows the last whole one. A crash in the
 * middle of a write leaves part of one batch without its commit record, and nothing behind it,
 * because the next batch is written only when this one is durable. Whatever else does not decode
 * is damage, and is never cut off. */
#include <errno.h>
#include <unistd.h>

#include "log.h"

#define LOOKS 3

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

void vch_ledger_walk_init(struct vch_ledger_walk *w, struct vch_ledger_log *log, uint64_t pos)
{
    *w = (struct vch_ledger_walk){.log = log, .pos = pos};
    if (pos == 0) {
        w->pos = VCH_LEDGER_SEGMENT_HEAD;
    }
    w->seg = vch_buf_init(SIZE_MAX / 2);
}

void vch_ledger_walk_fini(struct vch_ledger_walk *w)
{
    vch_buf_fini(&w->seg);
    vch_mem_free(w->recs);
    w->recs = NULL;
}

static vch_err load(struct vch_ledger_walk *w, uint64_t number)
{
    struct vch_span room;
    size_t done = 0;

    if (w->loaded == number + 1) {
        return VCH_OK;
    }
    vch_buf_reset(&w->seg);
    VCH_TRY(vch_buf_room(&w->seg, w->log->seg_size, &room));
    while (done < room.cap) {
        ssize_t n = pread(w->log->fds[number], room.p + done, room.cap - done, (off_t)done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(n > 0, LEDGER_DAMAGED);
        done += (size_t)n;
    }
    vch_buf_added(&w->seg, done);
    w->loaded = number + 1;
    return VCH_OK;
}

static void push(struct vch_ledger_walk *w, const struct vch_ledger_record *r)
{
    if (w->n == w->cap) {
        w->cap = w->cap == 0 ? 256 : w->cap * 2;
        w->recs = vch_mem_realloc(w->recs, w->cap * sizeof(*w->recs));
    }
    w->recs[w->n++] = *r;
}

/* Is there a valid commit record behind FROM in the loaded segment? */
static bool commit_follows(const struct vch_ledger_walk *w, size_t from)
{
    uint64_t base = (w->loaded - 1) * w->log->seg_size;

    for (size_t off = from; off + VCH_LEDGER_RECORD_HEAD < w->seg.n; off += 8) {
        struct vch_bytes in = vch_bytes(w->seg.p + off, w->seg.n - off);
        struct vch_ledger_record r;

        if (in.p[8] == VCH_LEDGER_COMMIT && vch_ok(vch_ledger_record_decode(in, base + off, &r))) {
            return true;
        }
    }
    return false;
}

/* No batch decodes at OFF of the loaded segment; the first fault is at BAD. */
static vch_err judge(struct vch_ledger_walk *w, size_t off, size_t bad,
                     struct vch_ledger_fault *reterr)
{
    uint64_t base = (w->loaded - 1) * w->log->seg_size;
    size_t last = w->seg.n;

    if (w->loaded < w->log->count) {
        vch_ledger_log_fault(w->log, base + bad, "damaged, and more batches follow", reterr);
        return VCH_E(LEDGER_DAMAGED);
    }
    if (commit_follows(w, off)) {
        vch_ledger_log_fault(w->log, base + bad, "damaged within a batch that was committed",
                             reterr);
        return VCH_E(LEDGER_DAMAGED);
    }
    while (last > off && w->seg.p[last - 1] == 0) {
        last--;
    }
    w->torn = last - off;
    return VCH_E(LEDGER_NO_ENTRY);
}

/* Reads records from OFF up to a commit record. */
static vch_err batch_read(struct vch_ledger_walk *w, size_t off, size_t *ret_bad, size_t *ret_end)
{
    uint64_t base = (w->loaded - 1) * w->log->seg_size;

    w->n = 0;
    for (;;) {
        struct vch_ledger_record r;

        *ret_bad = off;
        VCH_TRY(
            vch_ledger_record_decode(vch_bytes(w->seg.p + off, w->seg.n - off), base + off, &r));
        off += r.room;
        push(w, &r);
        if (r.kind == VCH_LEDGER_COMMIT) {
            VCH_TRY(vch_ledger_commit_decode(r.bytes, &w->commit));
            *ret_end = off;
            return VCH_OK;
        }
    }
}

/* The batch at w->pos, or the judgement of what is there. */
static vch_err next(struct vch_ledger_walk *w, struct vch_ledger_fault *reterr)
{
    for (;;) {
        uint64_t number = w->pos / w->log->seg_size;
        size_t off = w->pos % w->log->seg_size, bad = off, end;

        if (off == 0) { /* the batch before filled its segment to the last byte */
            VCH_CHECK(number < w->log->count, LEDGER_NO_ENTRY);
            off = VCH_LEDGER_SEGMENT_HEAD;
            w->pos += off;
        }
        VCH_CHECK(number < w->log->count, LEDGER_DAMAGED);
        VCH_TRY(load(w, number));
        if (vch_ok(batch_read(w, off, &bad, &end))) {
            w->pos = number * w->log->seg_size + end;
            return VCH_OK;
        }
        if (bad != off || !all_zero(w->seg.p + off, w->seg.n - off)) {
            return judge(w, off, bad, reterr);
        }
        w->torn = 0;
        VCH_CHECK(number + 1 < w->log->count, LEDGER_NO_ENTRY);
        w->pos = (number + 1) * w->log->seg_size;
    }
}

vch_err vch_ledger_walk_next(struct vch_ledger_walk *w, struct vch_ledger_fault *reterr)
{
    vch_err e = next(w, reterr);

    /* A reader beside the writer may have read a batch while it was written: it looks again. */
    for (int i = 0; i < LOOKS && w->log->read_only && vch_err_is(e, VCH_E(LEDGER_DAMAGED)); i++) {
        w->loaded = 0;
        e = next(w, reterr);
    }
    return e;
}

vch_err vch_ledger_walk_cut(struct vch_ledger_walk *w)
{
    uint64_t number = w->pos / w->log->seg_size;
    size_t done = 0;
    uint8_t *zero;

    if (w->torn == 0) {
        return VCH_OK;
    }
    zero = vch_mem_alloc(w->torn);
    while (done < w->torn) {
        ssize_t n = pwrite(w->log->fds[number], zero + done, w->torn - done,
                           (off_t)(w->pos % w->log->seg_size + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    vch_mem_free(zero);
    VCH_CHECK(done == w->torn && fdatasync(w->log->fds[number]) == 0, LEDGER_FAILED);
    w->torn = 0;
    return VCH_OK;
}
