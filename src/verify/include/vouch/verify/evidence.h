/* vouch/verify/evidence.h - proofs about the ledger's state, anchors, and authorities of genesis.
 * Layer 7, pure, heap-free, thread-safe. */
#ifndef VOUCH_VERIFY_EVIDENCE_H
#define VOUCH_VERIFY_EVIDENCE_H

#include <vouch/contract/proof.h>
#include <vouch/stmt/anchor.h>
#include <vouch/verify/record.h>

/* A checked state proof; views lie in the input. */
struct vch_verify_state {
    bool good;
    vch_err why; /* if not: LEDGER_UNTRUSTED, or those of vch_state_proof_decode and _verify */
    size_t ledger;
    uint64_t size; /* of the head that proves it */
    int64_t time_ms;
    enum vch_state_kind kind;
    struct vch_bytes id;
    bool present;
    struct vch_bytes value;
};

/* SCRATCH is room of the caller (more than 8 KB). */
void vch_verify_state_check(const struct vch_verify *v, struct vch_bytes proof,
                            struct vch_state_proof *scratch, struct vch_verify_state *ret);

/* A genesis entry that a trusted ledger confirms: its authorities are those that began it. */
struct vch_verify_genesis {
    bool good;
    vch_err why;
    size_t ledger;
    struct vch_genesis genesis;
};
void vch_verify_genesis_check(const struct vch_verify *v, struct vch_bytes entry,
                              struct vch_bytes receipt, struct vch_verify_genesis *ret);

/* An anchor: whoever it names existed when the ledger recorded it. */
struct vch_verify_anchor {
    bool good;
    vch_err why;
    struct vch_stmt_anchor a;
    struct vch_hash txid;
    size_t ledger;
    int64_t time_ms; /* batch time */
};

/* The signer must be an endorsed device of the subject it names (a good record of BOOK), or an
 * aggregator that the same ledger lists as such (a good state proof of its authority, or genesis).
 * Errors: those of vch_stmt_anchor_decode; all else in ret->why. */
VCH_CHECKED vch_err vch_verify_anchor_check(const struct vch_verify *v, struct vch_bytes statement,
                                            const struct vch_bytes *receipts, size_t count,
                                            const struct vch_verify_book *book,
                                            const struct vch_verify_state *states, size_t state_n,
                                            const struct vch_verify_genesis *genesis,
                                            size_t genesis_n, struct vch_verify_anchor *ret);

/* Does ITEM stand in A as leaf INDEX? Errors: ANCHOR_PATH. */
VCH_CHECKED vch_err vch_verify_anchor_covers(const struct vch_crypto *cr,
                                             const struct vch_verify_anchor *a,
                                             struct vch_bytes item, uint64_t index,
                                             const struct vch_hash *path, size_t count);

#endif
