/* The view of the log on disk (an ordered database), with what it has not yet in memory above it.
 * Private to the module. It holds state values and buckets of the map; both can be made again from
 * the log, and neither is believed without the map's hashes.
 *
 * Layers, the upper ones winning: the batch under way (its thread only), published batches, those
 * that are being flushed, the database. The owner's lock is held for writing around publish,
 * flush_begin and flush_end, for reading around get. */
#ifndef VOUCH_LEDGER_SRC_VIEW_H
#define VOUCH_LEDGER_SRC_VIEW_H

#include <pthread.h>

#include <vouch/ledger/ledger.h>
#include <vouch/store/kv.h>

#include "table.h"

/* Up to where the view has the log. */
struct vch_ledger_tag {
    bool present; /* false: the view is empty */
    struct vch_ledger_head head;
    uint64_t commit_pos; /* of the batch's commit record */
    uint64_t end_pos;    /* of the batch after it */
};

struct vch_ledger_view {
    struct vch_kv *kv; /* NULL: in memory only (reading a ledger whose view is missing) */
    struct vch_kv_db db;
    /* Reading only: one transaction for life, because the writer's process goes on committing. */
    struct vch_kv_txn *pinned;
    pthread_mutex_t *pin_lock;
    struct vch_ledger_table batch, active, flushing;
};

/* Opens PATH, made if missing unless read-only. Errors: those of the store. */
VCH_CHECKED vch_err vch_ledger_view_open(const char *path, size_t map_bytes, bool read_only,
                                         struct vch_ledger_view *ret,
                                         struct vch_ledger_tag *ret_tag);
void vch_ledger_view_close(struct vch_ledger_view *v);

/* A published value; replaces OUT. Errors: NOT_FOUND; those of the store. */
VCH_CHECKED vch_err vch_ledger_view_get(struct vch_ledger_view *v, struct vch_bytes key,
                                        struct vch_buf *out);
/* Every bucket in the database, by ascending key; called before anything is staged. */
typedef vch_err (*vch_ledger_bucket_fn)(void *arg, struct vch_bytes key, struct vch_bytes value);
VCH_CHECKED vch_err vch_ledger_view_buckets(struct vch_ledger_view *v, vch_ledger_bucket_fn fn,
                                            void *arg);

/* Every record in the database but the tag, with its whole key. */
VCH_CHECKED vch_err vch_ledger_view_each(struct vch_ledger_view *v, vch_ledger_bucket_fn fn,
                                         void *arg);

/* Moves the published layer aside for flushing; false if there is nothing to flush. */
bool vch_ledger_view_flush_begin(struct vch_ledger_view *v);
/* Writes it as one durable transaction with its tag; without the owner's lock. */
VCH_CHECKED vch_err vch_ledger_view_flush_write(struct vch_ledger_view *v,
                                                const struct vch_ledger_tag *tag);
void vch_ledger_view_flush_end(struct vch_ledger_view *v);

/* Keys of the view: 0 and a bucket's key; 1 to 5 and an id: kinds of state; 255: the tag. */
#define VCH_LEDGER_KEY_MAX 40
struct vch_bytes vch_ledger_view_key(uint8_t kind, struct vch_bytes id,
                                     uint8_t room[VCH_LEDGER_KEY_MAX]);

#endif
