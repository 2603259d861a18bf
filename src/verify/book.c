#include <vouch/verify/evidence.h>

#include "sort.h"

/* Good records come before others of the same subject and seq, so that a lineage reads well. */
static int record_cmp(const struct vch_verify_record *a, const struct vch_verify_record *b)
{
    int c = memcmp(a->e.subject, b->e.subject, VCH_SUBJECT_LEN);

    if (c == 0 && a->e.seq != b->e.seq) {
        c = a->e.seq < b->e.seq ? -1 : 1;
    }
    if (c == 0 && a->good != b->good) {
        c = a->good ? -1 : 1;
    }
    return c != 0 ? c : memcmp(a->txid.b, b->txid.b, VCH_HASH_LEN);
}

static int record_less(const void *self, size_t a, size_t b)
{
    const struct vch_verify_book *book = self;

    return record_cmp(&book->records[a], &book->records[b]) < 0;
}

static void record_swap(const void *self, size_t a, size_t b)
{
    const struct vch_verify_book *book = self;
    struct vch_verify_record t = book->records[a];

    book->records[a] = book->records[b];
    book->records[b] = t;
}

static int txid_less(const void *self, size_t a, size_t b)
{
    const struct vch_verify_book *book = self;

    return memcmp(book->records[book->by_txid[a]].txid.b, book->records[book->by_txid[b]].txid.b,
                  VCH_HASH_LEN) < 0;
}

static void txid_swap(const void *self, size_t a, size_t b)
{
    const struct vch_verify_book *book = self;
    uint32_t t = book->by_txid[a];

    book->by_txid[a] = book->by_txid[b];
    book->by_txid[b] = t;
}

/* The newest good proof about the subject of R from the ledger that holds R. */
static const struct vch_verify_state *newest_state(const struct vch_verify_record *r,
                                                   const struct vch_verify_state *states, size_t n)
{
    const struct vch_verify_state *best = NULL;

    for (size_t i = 0; i < n; i++) {
        const struct vch_verify_state *s = &states[i];

        if (s->good && s->kind == VCH_STATE_SUBJECT && s->ledger == r->ledger &&
            vch_bytes_equal(s->id, VCH_BYTES_OF(r->e.subject)) &&
            (best == NULL || s->size > best->size)) {
            best = s;
        }
    }
    return best;
}

void vch_verify_book_sort(struct vch_verify_book *b, const struct vch_verify_state *states,
                          size_t n)
{
    struct sorter by_subject = {record_less, record_swap, b};
    struct sorter by_txid = {txid_less, txid_swap, b};

    vch_verify_sort_heap(&by_subject, b->count);
    for (size_t i = 0; i < b->count; i++) {
        b->by_txid[i] = (uint32_t)i;
        b->records[i].fresh = newest_state(&b->records[i], states, n);
    }
    vch_verify_sort_heap(&by_txid, b->count);
}

const struct vch_verify_record *vch_verify_book_find(const struct vch_verify_book *b,
                                                     struct vch_bytes prefix)
{
    size_t lo = 0, hi = b->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct vch_verify_record *r = &b->records[b->by_txid[mid]];
        int c = memcmp(r->txid.b, prefix.p, prefix.n < VCH_HASH_LEN ? prefix.n : VCH_HASH_LEN);

        if (c == 0) {
            return r;
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

const struct vch_verify_record *vch_verify_book_lineage(const struct vch_verify_book *b,
                                                        const struct vch_verify_record *r,
                                                        size_t *ret_count)
{
    const struct vch_verify_record *first = r, *end = b->records + b->count, *last = r + 1;

    while (first > b->records && memcmp(first[-1].e.subject, r->e.subject, VCH_SUBJECT_LEN) == 0) {
        first--;
    }
    while (last < end && memcmp(last->e.subject, r->e.subject, VCH_SUBJECT_LEN) == 0) {
        last++;
    }
    *ret_count = (size_t)(last - first);
    return first;
}
