/* vouch/ledger/book.h - one ledger on the local disk: the log, and all that is derived from it
 * (tree, state map, indexes). An engine decides what goes into which batch, the book records it.
 * Layer 9.
 *
 * The log files are the truth: a batch is durable when its commit record is, and only then visible.
 * The view (database, tree files) follows by vch_ledger_book_flush and is caught up or made anew
 * from the log at the next start. Directory: lock            held by the one process that writes
 *     log/            segments, see vouch/ledger/record.h
 *     tree/           level-00...: complete nodes of the tree; positions, batches: where entries
 * lie view/           state values and buckets of the state map seen            the newest head the
 * book was seen at: an older log is a roll-back checkpoint      C2SP checkpoint of a recent head,
 * if the ledger has a checkpoint key
 *
 * Threads: one thread writes (begin, add, seal, commit, abort), one flushes, any number read.
 *
 * req: Y.2247-7.1-7 (manipulation of stored data is evident) */
#ifndef VOUCH_LEDGER_BOOK_H
#define VOUCH_LEDGER_BOOK_H

#include <vouch/core/core.h>
#include <vouch/ledger/ledger.h>
#include <vouch/ledger/record.h>

struct vch_ledger_book;

struct vch_ledger_book_options {
    const struct vch_crypto *cr;
    const char *dir;
    const char *seen_file; /* another place for it, best on another disk; NULL: in DIR */
    const char *ledger_id; /* refuse another ledger; NULL: take what is there */
    size_t view_bytes;     /* most that the view may take; 0: 64 GiB */
    bool read_only;        /* beside a running writer, or where nothing may change */
    bool rebuild;          /* drop the view and make it again from the log */
};

/* Makes a new ledger in DIR (made if missing): genesis and its state root, signed by SIGNER, which
 * is an authority of role ledger. Segment size 0: 64 MiB; at least 64 KiB, a multiple of 8. Errors:
 * LEDGER_EXISTS; LEDGER_KEY; GENESIS; LEDGER_DISK_FULL; those of the signer and of files. */
VCH_CHECKED vch_err vch_ledger_book_create(const struct vch_ledger_book_options *o,
                                           const char *ledger_id, struct vch_time time,
                                           const struct vch_genesis_authority *a, size_t n,
                                           uint64_t segment_bytes, const struct vch_signer *signer);

/* Opens a ledger: checks the log's newest part against the view, replays what the view lacks, cuts
 * an unfinished batch off the end (not when read-only), checks the newest head's signature. Errors:
 * LEDGER_ABSENT; LEDGER_LOCKED; LEDGER_ID; LEDGER_DAMAGED and LEDGER_ROLLED_BACK, with the place in
 * reterr (may be NULL); LEDGER_VERSION; those of the store and of files. */
VCH_CHECKED vch_err vch_ledger_book_open(const struct vch_ledger_book_options *o,
                                         struct vch_ledger_book **ret,
                                         struct vch_ledger_fault *reterr);
/* Flushes, unless read-only or failed. NULL is allowed. */
void vch_ledger_book_close(struct vch_ledger_book *b);

/* ---- writing a batch */
/* Errors: LEDGER_FAILED; LEDGER_READ_ONLY. TIME is above that of the batch before. */
VCH_CHECKED vch_err vch_ledger_book_begin(struct vch_ledger_book *b, struct vch_time time);
/* Adds a statement that vch_core_check passed; its bytes must stay until commit. A refused or known
 * one changes nothing. Errors: those of vch_core_apply; LEDGER_DAMAGED; LIMIT (the batch is full).
 */
VCH_CHECKED vch_err vch_ledger_book_add(struct vch_ledger_book *b, struct vch_bytes statement,
                                        const struct vch_core_facts *facts,
                                        struct vch_core_effects *ret);
/* Number of entries added so far. */
size_t vch_ledger_book_added(const struct vch_ledger_book *b);
/* Closes the batch with its state root. Errors: LEDGER_DAMAGED; LIMIT. */
VCH_CHECKED vch_err vch_ledger_book_seal(struct vch_ledger_book *b, struct vch_ledger_head *ret);
/* Signs the head, makes the batch durable, and shows it. After any error the batch is dropped.
 * Errors: those of the signer; LEDGER_DISK_FULL; LEDGER_FAILED (for good: the book refuses all
 * further writing). */
VCH_CHECKED vch_err vch_ledger_book_commit(struct vch_ledger_book *b,
                                           const struct vch_signer *signer);
void vch_ledger_book_abort(struct vch_ledger_book *b);

/* Brings the view up to what was committed, and moves the mark of the newest head. At most one
 * thread. Errors: those of the store and of files. */
VCH_CHECKED vch_err vch_ledger_book_flush(struct vch_ledger_book *b);
/* Bytes that wait in memory for the next flush. */
size_t vch_ledger_book_unflushed(struct vch_ledger_book *b);

/* ---- reading; the functions of vouch/ledger/ledger.h with the same errors */
const char *vch_ledger_book_id(const struct vch_ledger_book *b);
/* Key view for vch_core_check over the published state. */
struct vch_core_keys vch_ledger_book_keys(struct vch_ledger_book *b);
/* Was this very transaction recorded? */
VCH_CHECKED vch_err vch_ledger_book_find(struct vch_ledger_book *b, const struct vch_hash *txid,
                                         struct vch_ledger_entry *ret);
VCH_CHECKED vch_err vch_ledger_book_get(struct vch_ledger_book *b, const struct vch_hash *txid,
                                        struct vch_ledger_entry *ret, struct vch_buf *ret_statement,
                                        struct vch_buf *ret_receipt);
VCH_CHECKED vch_err vch_ledger_book_entry_at(struct vch_ledger_book *b, uint64_t index,
                                             struct vch_ledger_entry *ret,
                                             struct vch_buf *ret_bytes,
                                             struct vch_buf *ret_receipt);
/* The receipt of an entry that was acknowledged. */
VCH_CHECKED vch_err vch_ledger_book_receipt(struct vch_ledger_book *b,
                                            const struct vch_ledger_entry *entry,
                                            struct vch_buf *ret);
VCH_CHECKED vch_err vch_ledger_book_latest(struct vch_ledger_book *b,
                                           const struct vch_subject *subject,
                                           struct vch_state_subject *ret);
/* The value of the state map, checked. Errors: NOT_FOUND. */
VCH_CHECKED vch_err vch_ledger_book_state(struct vch_ledger_book *b, enum vch_state_kind kind,
                                          struct vch_bytes id, struct vch_buf *ret);
VCH_CHECKED vch_err vch_ledger_book_state_proof(struct vch_ledger_book *b, enum vch_state_kind kind,
                                                struct vch_bytes id, struct vch_buf *ret);
void vch_ledger_book_head(struct vch_ledger_book *b, struct vch_ledger_head *ret);
VCH_CHECKED vch_err vch_ledger_book_head_receipt(struct vch_ledger_book *b,
                                                 struct vch_ledger_head *ret_head,
                                                 struct vch_buf *ret_receipt);
VCH_CHECKED vch_err vch_ledger_book_inclusion(struct vch_ledger_book *b, uint64_t index,
                                              uint64_t size, struct vch_buf *ret);
VCH_CHECKED vch_err vch_ledger_book_consistency(struct vch_ledger_book *b, uint64_t size1,
                                                uint64_t size2, struct vch_buf *ret);
VCH_CHECKED vch_err vch_ledger_book_authorities(struct vch_ledger_book *b,
                                                vch_ledger_authority_fn fn, void *arg);
VCH_CHECKED vch_err vch_ledger_book_follow(struct vch_ledger_book *b, uint64_t from,
                                           uint32_t wait_ms, vch_ledger_entry_fn fn, void *arg,
                                           uint64_t *ret_next);
/* Wakes all who wait in follow, for good: they return at once. */
void vch_ledger_book_wake(struct vch_ledger_book *b);
/* The hashes of a tile (level * 8, index * 256, WIDTH of them) or, with level -1, an entry bundle.
 * Errors: LEDGER_NO_ENTRY. */
VCH_CHECKED vch_err vch_ledger_book_tile(struct vch_ledger_book *b, int level, uint64_t index,
                                         unsigned width, struct vch_buf *ret);
/* Checkpoint of head HEAD signed by SIGNER (Ed25519): a signed note. */
VCH_CHECKED vch_err vch_ledger_book_checkpoint(struct vch_ledger_book *b,
                                               const struct vch_ledger_head *head,
                                               const struct vch_signer *signer,
                                               struct vch_buf *ret);

struct vch_ledger_book_stats {
    struct vch_ledger_head head;
    uint64_t log_bytes; /* written, without the room prepared for more */
    uint64_t segments;
    uint64_t replayed;      /* batches replayed at open */
    uint64_t torn_bytes;    /* of an unfinished batch found at open */
    uint64_t flushed_batch; /* newest batch in the view; UINT64_MAX: none */
    size_t unflushed_bytes;
};
void vch_ledger_book_stats(struct vch_ledger_book *b, struct vch_ledger_book_stats *ret);

/* The table of vouch/ledger/ledger.h over a book opened for reading; closing it closes the book. */
void vch_ledger_book_table(struct vch_ledger_book *b, struct vch_ledger *ret);

#endif
