/* vouch/verify/item.h - one item of a device against all evidence: origin, time, entitlement, data.
 * Layer 7, pure, heap-free, thread-safe. */
#ifndef VOUCH_VERIFY_ITEM_H
#define VOUCH_VERIFY_ITEM_H

#include <vouch/merkle/tree.h>
#include <vouch/stmt/bundle.h>
#include <vouch/verify/evidence.h>

/* ITEM stands in ANCHOR as leaf INDEX. */
struct vch_verify_anchoring {
    const struct vch_verify_anchor *anchor;
    uint64_t index;
    struct vch_stmt_bundle_list path;
};

/* Takes every step but data and sequence. The rules of time are those of docs/verification.md: the
 * signing time lies between the recording of the cited endorsement and the earliest good anchor (or
 * the moment of the verdict); a moment equal to the end of a term is outside.
 *
 * req: Y.2247-7.2.3-7, Y.2247-7.2.3-8, Y.2247-7.2.3-9 */
void vch_verify_item_check(const struct vch_verify *v, struct vch_bytes item,
                           const struct vch_verify_book *book,
                           const struct vch_verify_anchoring *anchorings, size_t count,
                           struct vch_verify_report *ret);

/* ---- data */
/* All rows of a batch, given in order. */
struct vch_verify_rows {
    struct vch_merkle_frontier frontier;
    uint8_t seed[VCH_SEED_LEN];
    struct vch_verify_data data;
};
void vch_verify_rows_init(struct vch_verify_rows *r);
/* More rows: FIRST must be the number of those before. Errors: ITEM_DATA; ITEM_FORM (salt of the
 * wrong kind). */
VCH_CHECKED vch_err vch_verify_rows_add(const struct vch_crypto *cr, struct vch_verify_rows *r,
                                        const struct vch_stmt_item *it, struct vch_bytes seed,
                                        uint64_t first, struct vch_stmt_bundle_list rows);
/* Are they all, and what was signed? Errors: ITEM_DATA. */
VCH_CHECKED vch_err vch_verify_rows_end(const struct vch_crypto *cr,
                                        const struct vch_verify_rows *r,
                                        const struct vch_stmt_item *it);

/* One row (record type 7). Errors: ITEM_DATA; ITEM_FORM. Counts it in *DATA. */
VCH_CHECKED vch_err vch_verify_row(const struct vch_crypto *cr, const struct vch_stmt_item *it,
                                   const struct vch_stmt_bundle_rec *rec,
                                   struct vch_verify_data *data);

/* Is row IDX of IT a header line ("text/csv; header=present": its first one)? */
bool vch_verify_row_is_header(const struct vch_stmt_item *it, uint64_t idx);

/* Enters the outcome of the data: E is success or why it failed; COMPLETE says whether all rows
 * were there. DATA NULL: there was none. */
void vch_verify_report_data(struct vch_verify_report *r, vch_err e,
                            const struct vch_verify_data *data, bool complete);

/* ---- sequence numbers over all items */
struct vch_verify_seq {
    struct vch_hash device; /* thumbprint of the key */
    struct vch_hash item;   /* its content ID */
    uint64_t seq;
    uint32_t position; /* the caller's number of the item */
    struct vch_verify_step step;
    bool duplicate; /* the same item stands further up */
};

struct vch_verify_gaps {
    uint64_t devices;
    uint64_t
        missing; /* numbers between the lowest and the highest of each device that do not occur */
};

/* Sorts LIST by device and seq and sets each step: FAIL (SEQ_REPLAYED) where a device signed
 * different items under one number. Only items whose origin passed belong into the list.
 * req: Y.2247-10.1-3, Y.2247-10.1-8 */
void vch_verify_sequence(struct vch_verify_seq *list, size_t count, struct vch_verify_gaps *ret);

#endif
