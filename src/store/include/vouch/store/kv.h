/* vouch/store/kv.h - ordered key-value databases in one directory, with transactions (LMDB).
 * Layer 8, impure (files). Only this module includes LMDB's header.
 *
 * Threads: an environment is shared by all threads and opened once per process. One write
 * transaction exists at a time, a second waits for it; it stays with the thread that began it. Read
 * transactions see the state at their beginning, never wait and never make anybody wait; each is
 * used by one thread at a time, any thread. A process that forks must not use the environment in
 * the child.
 *
 * Keys are 1 to VCH_KV_KEY_MAX bytes, ordered as bytes, a prefix first. Views of keys and values
 * live until the transaction ends or, in a write transaction, until its next change.
 *
 * With NOSYNC a power failure may lose commits or damage the database: only for what can be rebuilt
 * from a log. */
#ifndef VOUCH_STORE_KV_H
#define VOUCH_STORE_KV_H

#include <vouch/base/bytes.h>

#define VCH_KV_KEY_MAX 511

struct vch_kv;        /* an environment; closed by vch_kv_close */
struct vch_kv_txn;    /* a transaction; ended by vch_kv_commit or vch_kv_abort */
struct vch_kv_cursor; /* a position; closed by vch_kv_cursor_close before its transaction ends */

/* A named database of an environment; a plain value, good while the environment is open. */
struct vch_kv_db {
    unsigned id;
};

enum vch_kv_open_flag {
    VCH_KV_NOSYNC = 1, /* commits do not wait for the disk; vch_kv_sync does */
    VCH_KV_RDONLY = 2
};

struct vch_kv_options {
    size_t map_bytes;     /* the most that the database may take; 0: 1 GiB */
    unsigned dbs_max;     /* named databases; 0: 32 */
    unsigned readers_max; /* read transactions at once; 0: 126 */
    unsigned flags;       /* enum vch_kv_open_flag */
};

/* Opens the environment in the directory DIR, made if missing (not with RDONLY).
 * Errors: FILE_MISSING; STORE_CORRUPT; STORE_IO; STORE_FULL; MEMORY. */
VCH_CHECKED vch_err vch_kv_open(const char *dir, const struct vch_kv_options *options,
                                struct vch_kv **ret);
/* All transactions must have ended. NULL is accepted. */
void vch_kv_close(struct vch_kv *kv);
void vch_kv_autoclose(struct vch_kv **kv);

/* Waits until all commits are on the disk. Errors: STORE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_kv_sync(struct vch_kv *kv);

struct vch_kv_usage {
    uint64_t used_bytes; /* of the map, free pages inside included */
    uint64_t map_bytes;
    unsigned readers_count;
};
void vch_kv_usage_get(struct vch_kv *kv, struct vch_kv_usage *ret);

/* A consistent copy, compacted, into the empty or missing directory DIR; writers go on.
 * Errors: FILE_EXISTS (a copy is there); FILE_MISSING; STORE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_kv_copy(struct vch_kv *kv, const char *dir);

/* ---- transactions */
/* Errors: STORE_BUSY (all reader slots taken); STORE_CORRUPT; STORE_IO. */
VCH_CHECKED vch_err vch_kv_read(struct vch_kv *kv, struct vch_kv_txn **ret);
/* Waits for the present writer. Errors: STORE_CORRUPT; STORE_IO; USAGE (opened with RDONLY). */
VCH_CHECKED vch_err vch_kv_write(struct vch_kv *kv, struct vch_kv_txn **ret);
/* Ends the transaction, whatever is returned. If any change in it failed (other than NOT_FOUND and
 * EXISTS), nothing is written and that error is returned again; likewise if the commit itself
 * fails. Errors: those of the changes; STORE_FULL; STORE_IO. */
VCH_CHECKED vch_err vch_kv_commit(struct vch_kv_txn *t);
/* Ends it without effect. NULL is accepted. */
void vch_kv_abort(struct vch_kv_txn *t);
void vch_kv_autoabort(struct vch_kv_txn **t);

/* ---- databases
 * Opens the database NAME; in a write transaction it is made if missing, and exists for others once
 * that is committed. Do this at the start, in one thread.
 * Errors: NOT_FOUND; LIMIT (too many databases); STORE_MAP_FULL; STORE_CORRUPT; STORE_IO. */
VCH_CHECKED vch_err vch_kv_db_open(struct vch_kv_txn *t, const char *name, struct vch_kv_db *ret);
/* Removes all its records. Errors: STORE_MAP_FULL; STORE_CORRUPT; STORE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_kv_db_clear(struct vch_kv_txn *t, struct vch_kv_db db);
/* Errors: STORE_CORRUPT; STORE_IO. */
VCH_CHECKED vch_err vch_kv_db_count(struct vch_kv_txn *t, struct vch_kv_db db, uint64_t *ret);

/* ---- records */
/* Errors: NOT_FOUND; LIMIT (key length); STORE_CORRUPT; STORE_IO. */
VCH_CHECKED vch_err vch_kv_get(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key,
                               struct vch_bytes *ret);

enum vch_kv_put_flag {
    VCH_KV_NEW = 1,   /* EXISTS if the key is there, and nothing changes */
    VCH_KV_APPEND = 2 /* the key is the greatest so far; faster, and pages are filled whole */
};
/* Errors: EXISTS (with NEW; with APPEND also a key that is not the greatest); LIMIT (key length,
 * value of 2 GiB or more); STORE_MAP_FULL; STORE_CORRUPT; STORE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_kv_put(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key,
                               struct vch_bytes value, unsigned flags);
/* Errors: NOT_FOUND; LIMIT; STORE_MAP_FULL; STORE_CORRUPT; STORE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_kv_del(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key);

/* ---- cursors: each move gives the record reached. Errors: NOT_FOUND (past either end); LIMIT;
 * STORE_CORRUPT; STORE_IO. */
VCH_CHECKED vch_err vch_kv_cursor_open(struct vch_kv_txn *t, struct vch_kv_db db,
                                       struct vch_kv_cursor **ret);
void vch_kv_cursor_close(struct vch_kv_cursor *c); /* NULL is accepted */
void vch_kv_cursor_autoclose(struct vch_kv_cursor **c);
/* To the first record whose key is KEY or greater; an empty key means the first of all. */
VCH_CHECKED vch_err vch_kv_cursor_seek(struct vch_kv_cursor *c, struct vch_bytes key,
                                       struct vch_bytes *ret_key, struct vch_bytes *ret_value);
VCH_CHECKED vch_err vch_kv_cursor_last(struct vch_kv_cursor *c, struct vch_bytes *ret_key,
                                       struct vch_bytes *ret_value);
/* After opening: the first, or the last record. */
VCH_CHECKED vch_err vch_kv_cursor_next(struct vch_kv_cursor *c, struct vch_bytes *ret_key,
                                       struct vch_bytes *ret_value);
VCH_CHECKED vch_err vch_kv_cursor_prev(struct vch_kv_cursor *c, struct vch_bytes *ret_key,
                                       struct vch_bytes *ret_value);

#endif
