/* vouch/netsim/db.h - SQLite for one operator: schema, transactions, queries with a sticky error.
 *
 * Layer 11. One connection a process, used by one thread at a time: whoever holds a transaction
 * holds the lock. Other processes (ctl) come in between by SQLite's own locking. */
#ifndef VOUCH_NETSIM_DB_H
#define VOUCH_NETSIM_DB_H

#include <pthread.h>
#include <sqlite3.h>

#include <vouch/base/buf.h>

#define VCH_NETSIM_STMTS 96

struct vch_netsim_db {
    sqlite3 *h;
    pthread_mutex_t lock;
    struct {
        const char *sql;
        sqlite3_stmt *st;
    } cache[VCH_NETSIM_STMTS]; /* by address of the text: queries are constants */
    size_t n;
};

/* Errors of all: NETSIM_DB. Create fails with NETSIM_EXISTS if PATH is there. */
VCH_CHECKED vch_err vch_netsim_db_create(const char *path, struct vch_netsim_db **ret);
VCH_CHECKED vch_err vch_netsim_db_open(const char *path, struct vch_netsim_db **ret);
void vch_netsim_db_close(struct vch_netsim_db *db); /* NULL is allowed */

/* Copies TEXT with its NUL; one that does not fit is a defect. */
void vch_netsim_set(char *room, size_t cap, const char *text);

/* A transaction; ends by rollback unless committed.
 *     VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
 *     VCH_TRY(vch_netsim_tx_begin(&tx, db)); ... return vch_netsim_tx_commit(&tx); */
struct vch_netsim_tx {
    struct vch_netsim_db *db;
};
VCH_CHECKED vch_err vch_netsim_tx_begin(struct vch_netsim_tx *tx, struct vch_netsim_db *db);
VCH_CHECKED vch_err vch_netsim_tx_commit(struct vch_netsim_tx *tx);
void vch_netsim_tx_end(struct vch_netsim_tx *tx);

/* One query: bind in order, then step through rows. Sticky: the first failure counts. */
struct vch_netsim_q {
    struct vch_netsim_db *db;
    sqlite3_stmt *st;
    vch_err err;
    int bound;
};
/* Takes the query at the fixed address SQL; finish with vch_netsim_q_end. */
struct vch_netsim_q vch_netsim_q(struct vch_netsim_db *db, const char *sql);
void vch_netsim_q_int(struct vch_netsim_q *q, int64_t v);
void vch_netsim_q_text(struct vch_netsim_q *q, const char *s); /* NULL or "": SQL null */
void vch_netsim_q_null(struct vch_netsim_q *q);
/* The next row; false at the end or after a failure. */
bool vch_netsim_q_row(struct vch_netsim_q *q);
int64_t vch_netsim_q_get_int(struct vch_netsim_q *q, int col); /* 0 for null */
bool vch_netsim_q_is_null(struct vch_netsim_q *q, int col);
const char *vch_netsim_q_get_text(struct vch_netsim_q *q, int col); /* "" for null; until next */
/* Copies a text with its NUL, cut never: a longer one fails the query. */
void vch_netsim_q_copy(struct vch_netsim_q *q, int col, char *room, size_t cap);
/* Gives the query back. */
VCH_CHECKED vch_err vch_netsim_q_end(struct vch_netsim_q *q);
/* Runs to the end without looking at rows, and gives it back; a violated uniqueness is
 * NETSIM_EXISTS. */
VCH_CHECKED vch_err vch_netsim_q_run(struct vch_netsim_q *q);
int64_t vch_netsim_db_last_id(struct vch_netsim_db *db);
int64_t vch_netsim_db_changes(struct vch_netsim_db *db);

/* Entries of the table meta; GET gives "" for a missing one. */
VCH_CHECKED vch_err vch_netsim_meta_get(struct vch_netsim_db *db, const char *key, char *room,
                                        size_t cap);
VCH_CHECKED vch_err vch_netsim_meta_set(struct vch_netsim_db *db, const char *key,
                                        const char *value);

#endif
