#include <stdio.h>
#include <unistd.h>

#include "schema.h"
#include <vouch/netsim/db.h>

void vch_netsim_set(char *room, size_t cap, const char *text)
{
    size_t n = strlen(text);

    VCH_ASSERT(n < cap);
    memcpy(room, text, n + 1);
}

static vch_err db_exec(struct vch_netsim_db *db, const char *sql)
{
    return sqlite3_exec(db->h, sql, NULL, NULL, NULL) == SQLITE_OK ? VCH_OK : VCH_E(NETSIM_DB);
}

static vch_err db_connect(const char *path, int flags, struct vch_netsim_db **ret)
{
    struct vch_netsim_db *db = vch_mem_alloc(sizeof *db);
    vch_err e = VCH_E(NETSIM_DB);

    pthread_mutex_init(&db->lock, NULL);
    if (sqlite3_open_v2(path, &db->h, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db->h, 10000);
        e = db_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                        "PRAGMA trusted_schema=OFF;");
    }
    if (!vch_ok(e)) {
        vch_netsim_db_close(db);
        return e;
    }
    *ret = db;
    return VCH_OK;
}

vch_err vch_netsim_db_create(const char *path, struct vch_netsim_db **ret)
{
    struct vch_netsim_db *db = NULL;
    vch_err e;

    VCH_CHECK(access(path, F_OK) != 0, NETSIM_EXISTS);
    VCH_TRY(db_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db));
    e = db_exec(db, "BEGIN IMMEDIATE");
    if (vch_ok(e)) {
        e = db_exec(db, vch_netsim_schema);
    }
    if (vch_ok(e)) {
        e = vch_netsim_meta_set(db, "schema", VCH_NETSIM_SCHEMA_VERSION);
    }
    if (vch_ok(e)) {
        e = db_exec(db, "COMMIT");
    }
    if (!vch_ok(e)) {
        vch_netsim_db_close(db);
        (void)unlink(path);
        return e;
    }
    *ret = db;
    return VCH_OK;
}

vch_err vch_netsim_db_open(const char *path, struct vch_netsim_db **ret)
{
    struct vch_netsim_db *db = NULL;
    char version[16];
    vch_err e;

    VCH_TRY(db_connect(path, SQLITE_OPEN_READWRITE, &db));
    e = vch_netsim_meta_get(db, "schema", version, sizeof version);
    if (vch_ok(e) && strcmp(version, VCH_NETSIM_SCHEMA_VERSION) != 0) {
        e = VCH_E(NETSIM_DB);
    }
    if (!vch_ok(e)) {
        vch_netsim_db_close(db);
        return e;
    }
    *ret = db;
    return VCH_OK;
}

void vch_netsim_db_close(struct vch_netsim_db *db)
{
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < db->n; i++) {
        sqlite3_finalize(db->cache[i].st);
    }
    sqlite3_close(db->h);
    pthread_mutex_destroy(&db->lock);
    vch_mem_free(db);
}

vch_err vch_netsim_tx_begin(struct vch_netsim_tx *tx, struct vch_netsim_db *db)
{
    vch_err e;

    pthread_mutex_lock(&db->lock);
    /* IMMEDIATE also for readers: a transaction that turns into a writer later could fail as busy
     * without a way to repeat its reads. */
    e = db_exec(db, "BEGIN IMMEDIATE");
    if (!vch_ok(e)) {
        pthread_mutex_unlock(&db->lock);
        return e;
    }
    tx->db = db;
    return VCH_OK;
}

vch_err vch_netsim_tx_commit(struct vch_netsim_tx *tx)
{
    vch_err e = db_exec(tx->db, "COMMIT");

    if (vch_ok(e)) {
        pthread_mutex_unlock(&tx->db->lock);
        tx->db = NULL;
    }
    return e;
}

void vch_netsim_tx_end(struct vch_netsim_tx *tx)
{
    if (tx->db != NULL) {
        vch_ignore(db_exec(tx->db, "ROLLBACK"));
        pthread_mutex_unlock(&tx->db->lock);
        tx->db = NULL;
    }
}

struct vch_netsim_q vch_netsim_q(struct vch_netsim_db *db, const char *sql)
{
    struct vch_netsim_q q = {db, NULL, VCH_OK, 0};

    for (size_t i = 0; i < db->n; i++) {
        if (db->cache[i].sql == sql) {
            q.st = db->cache[i].st;
            return q;
        }
    }
    VCH_ASSERT(db->n < VCH_NETSIM_STMTS);
    if (sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &q.st, NULL) != SQLITE_OK) {
        q.err = VCH_E(NETSIM_DB);
        return q;
    }
    db->cache[db->n].sql = sql;
    db->cache[db->n].st = q.st;
    db->n++;
    return q;
}

static void q_bound(struct vch_netsim_q *q, int rc)
{
    if (rc != SQLITE_OK) {
        q->err = VCH_E(NETSIM_DB);
    }
}

void vch_netsim_q_int(struct vch_netsim_q *q, int64_t v)
{
    if (vch_ok(q->err)) {
        q_bound(q, sqlite3_bind_int64(q->st, ++q->bound, v));
    }
}

void vch_netsim_q_null(struct vch_netsim_q *q)
{
    if (vch_ok(q->err)) {
        q_bound(q, sqlite3_bind_null(q->st, ++q->bound));
    }
}

void vch_netsim_q_text(struct vch_netsim_q *q, const char *s)
{
    if (s == NULL || s[0] == '\0') {
        vch_netsim_q_null(q);
    } else if (vch_ok(q->err)) {
        q_bound(q, sqlite3_bind_text(q->st, ++q->bound, s, -1, SQLITE_TRANSIENT));
    }
}

bool vch_netsim_q_row(struct vch_netsim_q *q)
{
    int rc;

    if (!vch_ok(q->err)) {
        return false;
    }
    rc = sqlite3_step(q->st);
    if (rc == SQLITE_ROW) {
        return true;
    }
    if (rc == SQLITE_CONSTRAINT) {
        q->err = VCH_E(NETSIM_EXISTS);
    } else if (rc != SQLITE_DONE) {
        q->err = VCH_E(NETSIM_DB);
    }
    return false;
}

int64_t vch_netsim_q_get_int(struct vch_netsim_q *q, int col)
{
    return sqlite3_column_int64(q->st, col);
}

bool vch_netsim_q_is_null(struct vch_netsim_q *q, int col)
{
    return sqlite3_column_type(q->st, col) == SQLITE_NULL;
}

const char *vch_netsim_q_get_text(struct vch_netsim_q *q, int col)
{
    const unsigned char *t = sqlite3_column_text(q->st, col);

    return t == NULL ? "" : (const char *)t;
}

void vch_netsim_q_copy(struct vch_netsim_q *q, int col, char *room, size_t cap)
{
    const char *t = vch_netsim_q_get_text(q, col);
    size_t n = strlen(t);

    if (n >= cap) {
        q->err = VCH_E(NETSIM_DB);
        room[0] = '\0';
        return;
    }
    memcpy(room, t, n + 1);
}

vch_err vch_netsim_q_end(struct vch_netsim_q *q)
{
    if (q->st != NULL) {
        sqlite3_reset(q->st);
        sqlite3_clear_bindings(q->st);
        q->st = NULL;
    }
    return q->err;
}

vch_err vch_netsim_q_run(struct vch_netsim_q *q)
{
    while (vch_netsim_q_row(q)) {
    }
    return vch_netsim_q_end(q);
}

int64_t vch_netsim_db_last_id(struct vch_netsim_db *db)
{
    return sqlite3_last_insert_rowid(db->h);
}

int64_t vch_netsim_db_changes(struct vch_netsim_db *db)
{
    return sqlite3_changes64(db->h);
}

vch_err vch_netsim_meta_get(struct vch_netsim_db *db, const char *key, char *room, size_t cap)
{
    struct vch_netsim_q q = vch_netsim_q(db, "SELECT value FROM meta WHERE key = ?");

    room[0] = '\0';
    vch_netsim_q_text(&q, key);
    if (vch_netsim_q_row(&q)) {
        vch_netsim_q_copy(&q, 0, room, cap);
    }
    return vch_netsim_q_end(&q);
}

vch_err vch_netsim_meta_set(struct vch_netsim_db *db, const char *key, const char *value)
{
    struct vch_netsim_q q =
        vch_netsim_q(db, "INSERT INTO meta(key, value) VALUES(?, ?)"
                         " ON CONFLICT(key) DO UPDATE SET value = excluded.value");

    vch_netsim_q_text(&q, key);
    vch_netsim_q_text(&q, value);
    return vch_netsim_q_run(&q);
}
