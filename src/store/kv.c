#include <vouch/store/kv.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <lmdb.h>

#include <vouch/file/file.h>

#define DISK_FULL_BYTES (64 * 1024)

struct vch_kv {
    MDB_env *env;
    bool rdonly;
};

struct vch_kv_txn {
    MDB_txn *txn;
    MDB_env *env;
    vch_err failed; /* the first change that failed: the commit must not succeed */
    bool write;
};

/* The one place where LMDB's results become ours. */
static vch_err err_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return VCH_OK;
    case MDB_NOTFOUND:
        return VCH_E(NOT_FOUND);
    case MDB_KEYEXIST:
        return VCH_E(EXISTS);
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return VCH_E(STORE_MAP_FULL);
    case MDB_DBS_FULL:
    case MDB_BAD_VALSIZE:
        return VCH_E(LIMIT);
    case MDB_READERS_FULL:
        return VCH_E(STORE_BUSY);
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_PANIC:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
        return VCH_E(STORE_CORRUPT);
    case MDB_BAD_TXN:
    case MDB_BAD_RSLOT:
    case MDB_BAD_DBI:
        return VCH_E(BUG);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return VCH_E(STORE_FULL);
    case ENOMEM:
        return VCH_E(MEMORY);
    case ENOENT:
        return VCH_E(FILE_MISSING);
    case EEXIST:
        return VCH_E(FILE_EXISTS);
    case EACCES:
    case EIO:
    default:
        return VCH_E(STORE_IO);
    }
}

static struct vch_bytes bytes_of(const MDB_val *v)
{
    return vch_bytes(v->mv_data, v->mv_size);
}

/* LMDB takes its input through pointers to non-const, and only reads it. */
static MDB_val val_of(struct vch_bytes b)
{
    return (MDB_val){b.n, (void *)(uintptr_t)b.p};
}

/* ---- environments */
vch_err vch_kv_open(const char *dir, const struct vch_kv_options *options, struct vch_kv **ret)
{
    VCH_AUTO(vch_kv_autoclose) struct vch_kv *kv = vch_mem_alloc(sizeof(*kv));
    size_t map = options->map_bytes != 0 ? options->map_bytes : (size_t)1 << 30;
    /* Readers are bound to their transaction, not to the thread: work moves between threads. */
    unsigned flags = MDB_NOTLS;

    kv->rdonly = (options->flags & VCH_KV_RDONLY) != 0;
    flags |= kv->rdonly ? (unsigned)MDB_RDONLY : 0;
    flags |= (options->flags & VCH_KV_NOSYNC) != 0 ? (unsigned)MDB_NOSYNC : 0;
    if (!kv->rdonly) {
        VCH_TRY(vch_dir_make(dir, 0));
    }
    VCH_TRY(err_of(mdb_env_create(&kv->env)));
    VCH_TRY(err_of(mdb_env_set_mapsize(kv->env, map)));
    VCH_TRY(err_of(mdb_env_set_maxdbs(kv->env, options->dbs_max != 0 ? options->dbs_max : 32)));
    VCH_TRY(err_of(
        mdb_env_set_maxreaders(kv->env, options->readers_max != 0 ? options->readers_max : 126)));
    VCH_TRY(err_of(mdb_env_open(kv->env, dir, flags, 0640)));
    if (!kv->rdonly) {
        int dead = 0;

        VCH_TRY(err_of(mdb_reader_check(kv->env, &dead))); /* slots of processes that were killed */
        VCH_TRY(vch_dir_sync(dir));
    }
    *ret = kv;
    kv = NULL;
    return VCH_OK;
}

void vch_kv_close(struct vch_kv *kv)
{
    if (kv != NULL) {
        mdb_env_close(kv->env);
        vch_mem_free(kv);
    }
}

void vch_kv_autoclose(struct vch_kv **kv)
{
    vch_kv_close(*kv);
    *kv = NULL;
}

vch_err vch_kv_sync(struct vch_kv *kv)
{
    return err_of(mdb_env_sync(kv->env, 1));
}

void vch_kv_usage_get(struct vch_kv *kv, struct vch_kv_usage *ret)
{
    MDB_envinfo info;
    MDB_stat stat;

    VCH_ASSERT(mdb_env_info(kv->env, &info) == 0 && mdb_env_stat(kv->env, &stat) == 0);
    ret->used_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    ret->map_bytes = info.me_mapsize;
    ret->readers_count = info.me_numreaders;
}

/* LMDB does not sync what it copies. */
static vch_err data_sync(const char *dir)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(PATH_MAX);
    const char *name;
    vch_err e = VCH_OK;
    int fd;

    VCH_TRY(vch_buf_printf(&path, "%s/data.mdb", dir));
    VCH_TRY(vch_buf_cstr(&path, &name));
    fd = open(name, O_RDONLY | O_CLOEXEC);
    VCH_CHECK(fd >= 0, STORE_IO);
    if (fsync(fd) != 0) {
        e = err_of(errno);
    }
    close(fd);
    return e;
}

vch_err vch_kv_copy(struct vch_kv *kv, const char *dir)
{
    VCH_TRY(vch_dir_make(dir, 0));
    VCH_TRY(err_of(mdb_env_copy2(kv->env, dir, MDB_CP_COMPACT)));
    VCH_TRY(data_sync(dir));
    return vch_dir_sync(dir);
}

/* ---- transactions */
static vch_err begin(struct vch_kv *kv, bool write, struct vch_kv_txn **ret)
{
    struct vch_kv_txn *t = vch_mem_alloc(sizeof(*t));
    int rc = mdb_txn_begin(kv->env, NULL, write ? 0 : (unsigned)MDB_RDONLY, &t->txn);

    if (rc != 0) {
        vch_mem_free(t);
        return err_of(rc);
    }
    t->env = kv->env;
    t->write = write;
    *ret = t;
    return VCH_OK;
}

vch_err vch_kv_read(struct vch_kv *kv, struct vch_kv_txn **ret)
{
    return begin(kv, false, ret);
}

vch_err vch_kv_write(struct vch_kv *kv, struct vch_kv_txn **ret)
{
    VCH_CHECK(!kv->rdonly, USAGE);
    return begin(kv, true, ret);
}

/* LMDB reports a write that was cut short as EIO; nearly always no room was left, and the operator
 * should be told so. */
static bool disk_full(MDB_env *env)
{
    struct rlimit limit;
    struct statvfs fs;
    struct stat st;
    mdb_filehandle_t fd;

    if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) != 0 || fstatvfs(fd, &fs) != 0 ||
        getrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return false;
    }
    return (uint64_t)fs.f_bavail * fs.f_frsize < DISK_FULL_BYTES ||
           (limit.rlim_cur != RLIM_INFINITY && (uint64_t)st.st_size >= limit.rlim_cur);
}

vch_err vch_kv_commit(struct vch_kv_txn *t)
{
    vch_err e = t->failed;
    MDB_env *env = t->env;
    int rc;

    if (!vch_ok(e)) {
        vch_kv_abort(t);
        return e;
    }
    rc = mdb_txn_commit(t->txn); /* ends it in any case */
    vch_mem_free(t);
    return rc == EIO && disk_full(env) ? VCH_E(STORE_FULL) : err_of(rc);
}

void vch_kv_abort(struct vch_kv_txn *t)
{
    if (t != NULL) {
        mdb_txn_abort(t->txn);
        vch_mem_free(t);
    }
}

void vch_kv_autoabort(struct vch_kv_txn **t)
{
    vch_kv_abort(*t);
    *t = NULL;
}

/* Remembers what makes the transaction unusable. */
static vch_err change(struct vch_kv_txn *t, int rc)
{
    vch_err e = err_of(rc);

    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND && rc != MDB_KEYEXIST && vch_ok(t->failed)) {
        t->failed = e;
    }
    return vch_ok(t->failed) ? e : t->failed;
}

/* ---- databases */
vch_err vch_kv_db_open(struct vch_kv_txn *t, const char *name, struct vch_kv_db *ret)
{
    MDB_dbi dbi;

    VCH_TRY(change(t, mdb_dbi_open(t->txn, name, t->write ? (unsigned)MDB_CREATE : 0, &dbi)));
    ret->id = dbi;
    return VCH_OK;
}

vch_err vch_kv_db_clear(struct vch_kv_txn *t, struct vch_kv_db db)
{
    VCH_CHECK(t->write, USAGE);
    return change(t, mdb_drop(t->txn, db.id, 0));
}

vch_err vch_kv_db_count(struct vch_kv_txn *t, struct vch_kv_db db, uint64_t *ret)
{
    MDB_stat stat;

    VCH_TRY(err_of(mdb_stat(t->txn, db.id, &stat)));
    *ret = stat.ms_entries;
    return VCH_OK;
}

/* ---- records */
static bool key_fits(struct vch_bytes key)
{
    return key.n > 0 && key.n <= VCH_KV_KEY_MAX;
}

vch_err vch_kv_get(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key,
                   struct vch_bytes *ret)
{
    MDB_val k = val_of(key), v;

    VCH_CHECK(key_fits(key), LIMIT);
    VCH_TRY(err_of(mdb_get(t->txn, db.id, &k, &v)));
    *ret = bytes_of(&v);
    return VCH_OK;
}

vch_err vch_kv_put(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key,
                   struct vch_bytes value, unsigned flags)
{
    MDB_val k = val_of(key), v = val_of(value);
    unsigned f = 0;

    VCH_CHECK(t->write, USAGE);
    VCH_CHECK(key_fits(key) && value.n <= INT_MAX, LIMIT);
    f |= (flags & VCH_KV_NEW) != 0 ? (unsigned)MDB_NOOVERWRITE : 0;
    f |= (flags & VCH_KV_APPEND) != 0 ? (unsigned)MDB_APPEND : 0;
    return change(t, mdb_put(t->txn, db.id, &k, &v, f));
}

vch_err vch_kv_del(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key)
{
    MDB_val k = val_of(key);

    VCH_CHECK(t->write, USAGE);
    VCH_CHECK(key_fits(key), LIMIT);
    return change(t, mdb_del(t->txn, db.id, &k, NULL));
}

/* ---- cursors: ours is LMDB's under another name */
static MDB_cursor *cur(struct vch_kv_cursor *c)
{
    return (MDB_cursor *)c;
}

vch_err vch_kv_cursor_open(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_kv_cursor **ret)
{
    MDB_cursor *c;

    VCH_TRY(err_of(mdb_cursor_open(t->txn, db.id, &c)));
    *ret = (struct vch_kv_cursor *)c;
    return VCH_OK;
}

void vch_kv_cursor_close(struct vch_kv_cursor *c)
{
    mdb_cursor_close(cur(c));
}

void vch_kv_cursor_autoclose(struct vch_kv_cursor **c)
{
    vch_kv_cursor_close(*c);
    *c = NULL;
}

static vch_err move(struct vch_kv_cursor *c, struct vch_bytes key, MDB_cursor_op op,
                    struct vch_bytes *ret_key, struct vch_bytes *ret_value)
{
    MDB_val k = val_of(key), v;

    VCH_TRY(err_of(mdb_cursor_get(cur(c), &k, &v, op)));
    *ret_key = bytes_of(&k);
    *ret_value = bytes_of(&v);
    return VCH_OK;
}

vch_err vch_kv_cursor_seek(struct vch_kv_cursor *c, struct vch_bytes key, struct vch_bytes *ret_key,
                           struct vch_bytes *ret_value)
{
    VCH_CHECK(key.n <= VCH_KV_KEY_MAX, LIMIT);
    return move(c, key, key.n == 0 ? MDB_FIRST : MDB_SET_RANGE, ret_key, ret_value);
}

vch_err vch_kv_cursor_last(struct vch_kv_cursor *c, struct vch_bytes *ret_key,
                           struct vch_bytes *ret_value)
{
    return move(c, vch_bytes(NULL, 0), MDB_LAST, ret_key, ret_value);
}

vch_err vch_kv_cursor_next(struct vch_kv_cursor *c, struct vch_bytes *ret_key,
                           struct vch_bytes *ret_value)
{
    return move(c, vch_bytes(NULL, 0), MDB_NEXT, ret_key, ret_value);
}

vch_err vch_kv_cursor_prev(struct vch_kv_cursor *c, struct vch_bytes *ret_key,
                           struct vch_bytes *ret_value)
{
    return move(c, vch_bytes(NULL, 0), MDB_PREV, ret_key, ret_value);
}
