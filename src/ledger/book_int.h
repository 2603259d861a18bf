/* The inside of a book. Private to the module. */
#ifndef VOUCH_LEDGER_SRC_BOOK_INT_H
#define VOUCH_LEDGER_SRC_BOOK_INT_H

#include <vouch/cose/receipt.h>
#include <vouch/file/file.h>
#include <vouch/ledger/book.h>
#include <vouch/merkle/tree.h>

#include "flat.h"
#include "log.h"
#include "map.h"
#include "view.h"

#define BOOK_PATH 4096

/* A head with its signature: what all receipts of its batch are made of. */
struct signed_head {
    struct vch_ledger_head head;
    uint64_t commit_pos;
    size_t protected_n;
    uint8_t protected_header[VCH_RECEIPT_PROTECTED_MAX];
    uint8_t sig[VCH_SIG_LEN];
};

/* The batch under way; only its thread looks here. */
struct staged {
    bool open, sealed;
    struct vch_time time;
    struct vch_ledger_record *recs; /* entries, then room for the commit record */
    size_t n, cap;
    size_t bytes;
    struct vch_merkle_frontier frontier;
    struct vch_ledger_head head;
    uint8_t state_root[VCH_STATE_ROOT_MAX];
};

struct vch_ledger_book {
    const struct vch_crypto *cr;
    char *dir;
    char *seen_file;
    char id[VCH_NAME_MAX + 1];
    bool read_only;
    bool failed; /* under lock */
    struct vch_file_lock file_lock;
    struct vch_ledger_log log;

    /* Held for writing only while a batch is shown or flushed data is dropped from memory. */
    pthread_rwlock_t lock;
    struct vch_ledger_view view;
    struct vch_ledger_map map;
    struct vch_ledger_flat level[VCH_MERKLE_LEVELS];
    struct vch_ledger_flat positions; /* u64 by entry */
    struct vch_ledger_flat batches;   /* u64 position of the commit record, u64 size, by batch */
    struct signed_head head;
    uint64_t end_pos;
    bool empty; /* no batch yet: being created or replayed */

    struct vch_merkle_frontier frontier; /* of the head; the writer's */
    struct staged st;
    struct vch_buf scratch;           /* the writer's */
    struct vch_ledger_table verified; /* buckets of the map seen in this batch; the writer's */
    struct vch_ledger_tag flush_tag;  /* the flusher's */
    uint64_t flushed_batch;           /* under lock; UINT64_MAX: none */
    uint64_t replayed, torn;
    bool has_seen;
    struct vch_ledger_head seen; /* the mark as it was when the book was opened */

    pthread_mutex_t tick_lock; /* who waits for a new head */
    pthread_cond_t tick;
    uint64_t tick_size;
    bool woken;
};

/* ---- book_open.c */
void vch_ledger_fault_set(struct vch_ledger_fault *f, const char *file, const char *what);
struct vch_ledger_book *vch_ledger_book_new(const struct vch_ledger_book_options *o);
void vch_ledger_book_free(struct vch_ledger_book *b);
vch_err vch_ledger_book_lock_dir(struct vch_ledger_book *b);
/* The view, and what it says of the log. */
vch_err vch_ledger_book_view_open(struct vch_ledger_book *b,
                                  const struct vch_ledger_book_options *o,
                                  struct vch_ledger_fault *reterr);
/* Replays what the view lacks. */
vch_err vch_ledger_book_catch_up(struct vch_ledger_book *b, struct vch_ledger_fault *reterr);
/* The signature of the newest head; all older ones lead to it. */
vch_err vch_ledger_book_head_verify(struct vch_ledger_book *b, struct vch_ledger_fault *reterr);

/* ---- book_flush.c */
/* Reads the mark; before the log, which a writer beside us may move on. */
vch_err vch_ledger_book_seen_load(struct vch_ledger_book *b, struct vch_ledger_fault *reterr);
/* Is the log at least as new as the mark, and of one history with it? */
vch_err vch_ledger_book_seen_check(struct vch_ledger_book *b, struct vch_ledger_fault *reterr);

/* ---- book_stage.c */
void vch_ledger_book_stage_reset(struct vch_ledger_book *b);
/* Adds the genesis entry, whose bytes must stay, with its state. */
vch_err vch_ledger_book_stage_genesis(struct vch_ledger_book *b, struct vch_bytes entry);
/* Shows the sealed batch, whose records lie at their positions. */
void vch_ledger_book_show(struct vch_ledger_book *b, const struct signed_head *h);
/* Replays one batch of a walk. */
vch_err vch_ledger_book_replay(struct vch_ledger_book *b, const struct vch_ledger_walk *w,
                               struct vch_ledger_fault *reterr);

/* ---- book_read.c */
struct vch_merkle_source vch_ledger_book_source(struct vch_ledger_book *b);
struct vch_ledger_buckets vch_ledger_book_buckets(struct vch_ledger_book *b);
/* The signed head of batch number BATCH (its count and map root are not filled in). */
vch_err vch_ledger_book_signed(struct vch_ledger_book *b, uint64_t batch, struct signed_head *ret);
/* Checked value of the state, the lock being held; CACHE is the writer's, or NULL. Errors:
 * NOT_FOUND; LEDGER_DAMAGED. */
vch_err vch_ledger_book_state_locked(struct vch_ledger_book *b, struct vch_ledger_table *cache,
                                     enum vch_state_kind kind, struct vch_bytes id,
                                     struct vch_buf *ret);

/* ---- book_tree.c */
vch_err vch_ledger_book_tree_open(struct vch_ledger_book *b, const struct vch_ledger_tag *tag);
void vch_ledger_book_tree_close(struct vch_ledger_book *b);
/* Stages an entry's leaf and the nodes it completes. */
vch_err vch_ledger_book_tree_stage(struct vch_ledger_book *b, const struct vch_hash *entry_hash);
void vch_ledger_book_tree_unstage(struct vch_ledger_book *b);
void vch_ledger_book_tree_publish(struct vch_ledger_book *b);
/* Writes what is only in memory up to the copies taken under the lock. */
vch_err vch_ledger_book_tree_flush(struct vch_ledger_book *b, struct vch_buf *copies, size_t n);
#define BOOK_FLATS (VCH_MERKLE_LEVELS + 2)
struct vch_ledger_flat *vch_ledger_book_flat(struct vch_ledger_book *b, size_t i);
void vch_ledger_book_flat_path(const struct vch_ledger_book *b, size_t i, char ret[BOOK_PATH]);

#endif
