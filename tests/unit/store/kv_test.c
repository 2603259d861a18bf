/* Key-value databases: order, transactions, cursors, full storage, a killed writer. */
#include "vch_test.h"
#include "vch_tmp.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <vouch/store/file.h>
#include <vouch/store/kv.h>

static struct vch_bytes be32(uint32_t v, uint8_t room[4])
{
    struct vch_writer w = vch_writer(vch_span(room, 4));

    vch_writer_u32(&w, v);
    return vch_bytes(room, 4);
}

static struct vch_kv *open_at(const char *name, size_t map_bytes, unsigned flags)
{
    struct vch_kv_options o = {.map_bytes = map_bytes, .flags = flags};
    struct vch_kv *kv = NULL;

    assert_vch_ok(vch_kv_open(t_tmp_path(name), &o, &kv));
    return kv;
}

static struct vch_kv_db db_at(struct vch_kv *kv, const char *name)
{
    struct vch_kv_txn *t;
    struct vch_kv_db db;

    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_db_open(t, name, &db));
    assert_vch_ok(vch_kv_commit(t));
    return db;
}

static void test_kv__commit_lasts_and_abort_does_not(void **state)
{
    struct vch_kv *kv = open_at("basic", 0, 0);
    struct vch_kv_db db = db_at(kv, "a");
    struct vch_kv_txn *t, *r;
    struct vch_bytes v;

    (void)state;
    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_put(t, db, vch_text("k"), vch_text("v"), 0));
    assert_vch_ok(vch_kv_read(kv, &r)); /* sees the state before */
    assert_vch_err(vch_kv_get(r, db, vch_text("k"), &v), NOT_FOUND);
    assert_vch_ok(vch_kv_commit(t));
    assert_vch_err(vch_kv_get(r, db, vch_text("k"), &v), NOT_FOUND);
    vch_kv_abort(r);
    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_put(t, db, vch_text("k"), vch_text("w"), 0));
    assert_vch_err(vch_kv_put(t, db, vch_text("k"), vch_text("x"), VCH_KV_NEW), EXISTS);
    assert_vch_ok(vch_kv_put(t, db, vch_text("l"), vch_text(""), VCH_KV_NEW));
    vch_kv_abort(t);
    vch_kv_close(kv);

    kv = open_at("basic", 0, VCH_KV_RDONLY);
    assert_vch_err(vch_kv_write(kv, &t), USAGE);
    assert_vch_ok(vch_kv_read(kv, &r));
    assert_vch_err(vch_kv_db_open(r, "none", &db), NOT_FOUND);
    assert_vch_ok(vch_kv_db_open(r, "a", &db));
    assert_vch_ok(vch_kv_get(r, db, vch_text("k"), &v));
    assert_bytes_equal(v, vch_text("v"));
    assert_vch_err(vch_kv_get(r, db, vch_text("l"), &v), NOT_FOUND);
    assert_vch_err(vch_kv_put(r, db, vch_text("k"), vch_text("x"), 0), USAGE);
    assert_vch_err(vch_kv_del(r, db, vch_text("k")), USAGE);
    vch_kv_abort(r);
    vch_kv_close(kv);
}

static void test_kv__keys_and_values_have_bounds(void **state)
{
    struct vch_kv *kv = open_at("bounds", 0, VCH_KV_NOSYNC);
    struct vch_kv_db db = db_at(kv, "a");
    uint8_t key[VCH_KV_KEY_MAX + 1] = {1};
    struct vch_kv_txn *t;
    struct vch_bytes v;

    (void)state;
    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_err(vch_kv_put(t, db, vch_text(""), vch_text("v"), 0), LIMIT);
    assert_vch_err(vch_kv_put(t, db, VCH_BYTES_OF(key), vch_text("v"), 0), LIMIT);
    assert_vch_ok(vch_kv_put(t, db, vch_bytes(key, VCH_KV_KEY_MAX), vch_text("v"), 0));
    assert_vch_ok(vch_kv_get(t, db, vch_bytes(key, VCH_KV_KEY_MAX), &v));
    assert_vch_err(vch_kv_get(t, db, vch_text(""), &v), LIMIT);
    assert_vch_err(vch_kv_del(t, db, vch_text("none")), NOT_FOUND);
    assert_vch_ok(vch_kv_del(t, db, vch_bytes(key, VCH_KV_KEY_MAX)));
    assert_vch_ok(vch_kv_commit(t)); /* a refused call does not spoil the transaction */
    vch_kv_close(kv);
}

static void test_kv__cursor_walks_in_order(void **state)
{
    struct vch_kv *kv = open_at("cursor", 0, VCH_KV_NOSYNC);
    struct vch_kv_db db = db_at(kv, "a");
    struct vch_kv_cursor *c;
    struct vch_kv_txn *t;
    struct vch_bytes k, v;
    uint8_t room[4];
    uint64_t count;

    (void)state;
    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_cursor_open(t, db, &c));
    assert_vch_err(vch_kv_cursor_seek(c, vch_text(""), &k, &v), NOT_FOUND);
    assert_vch_err(vch_kv_cursor_last(c, &k, &v), NOT_FOUND);
    vch_kv_cursor_close(c);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_vch_ok(vch_kv_put(t, db, be32(i * 2, room), vch_text("v"), VCH_KV_APPEND));
    }
    assert_vch_err(vch_kv_put(t, db, be32(7, room), vch_text("v"), VCH_KV_APPEND), EXISTS);
    assert_vch_ok(vch_kv_commit(t));

    assert_vch_ok(vch_kv_read(kv, &t));
    assert_vch_ok(vch_kv_db_count(t, db, &count));
    assert_int_equal(count, 1000);
    assert_vch_ok(vch_kv_cursor_open(t, db, &c));
    assert_vch_ok(vch_kv_cursor_seek(c, be32(7, room), &k, &v));
    assert_bytes_equal(k, be32(8, room));
    assert_vch_ok(vch_kv_cursor_prev(c, &k, &v));
    assert_bytes_equal(k, be32(6, room));
    assert_vch_err(vch_kv_cursor_seek(c, be32(1999, room), &k, &v), NOT_FOUND);
    assert_vch_ok(vch_kv_cursor_last(c, &k, &v));
    assert_bytes_equal(k, be32(1998, room));
    assert_vch_err(vch_kv_cursor_next(c, &k, &v), NOT_FOUND);
    assert_vch_ok(vch_kv_cursor_seek(c, vch_text(""), &k, &v));
    for (uint32_t i = 1; i < 1000; i++) {
        assert_vch_ok(vch_kv_cursor_next(c, &k, &v));
        assert_bytes_equal(k, be32(i * 2, room));
    }
    vch_kv_cursor_close(c);
    vch_kv_abort(t);

    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_db_clear(t, db));
    assert_vch_ok(vch_kv_db_count(t, db, &count));
    assert_int_equal(count, 0);
    vch_kv_abort(t);
    vch_kv_close(kv);
}

/* Fills until the error WANT comes; the transaction is lost, what was committed before is not. */
static void fill_until(struct vch_kv *kv, struct vch_kv_db db, vch_err want)
{
    static uint8_t value[3000];
    uint8_t room[4];
    struct vch_kv_txn *t;
    struct vch_bytes v;
    vch_err e = VCH_OK;

    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_put(t, db, vch_text("kept"), vch_text("yes"), 0));
    assert_vch_ok(vch_kv_commit(t));
    assert_vch_ok(vch_kv_write(kv, &t));
    for (uint32_t i = 0; vch_ok(e) && i < 1000; i++) {
        e = vch_kv_put(t, db, be32(i, room), VCH_BYTES_OF(value), 0);
    }
    if (!vch_ok(e)) {
        assert_true(vch_err_is(e, want));
        assert_true(vch_err_is(vch_kv_put(t, db, vch_text("more"), vch_text("x"), 0), want));
    }
    assert_true(vch_err_is(vch_kv_commit(t), want));
    assert_vch_ok(vch_kv_read(kv, &t));
    assert_vch_ok(vch_kv_get(t, db, vch_text("kept"), &v));
    assert_bytes_equal(v, vch_text("yes"));
    assert_vch_err(vch_kv_get(t, db, be32(0, room), &v), NOT_FOUND);
    vch_kv_abort(t);
    /* Small changes still work. */
    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_put(t, db, vch_text("kept"), vch_text("still"), 0));
    assert_vch_ok(vch_kv_commit(t));
}

static void test_kv__full_map_loses_only_the_transaction(void **state)
{
    struct vch_kv *kv = open_at("map-full", 128 * 1024, 0);
    struct vch_kv_usage u;

    (void)state;
    fill_until(kv, db_at(kv, "a"), VCH_E(STORE_MAP_FULL));
    vch_kv_usage_get(kv, &u);
    assert_int_equal(u.map_bytes, 128 * 1024);
    assert_true(u.used_bytes > 0 && u.used_bytes <= u.map_bytes);
    vch_kv_close(kv);
}

static void test_kv__full_disk_loses_only_the_transaction(void **state)
{
    struct vch_kv *kv = open_at("disk-full", 0, 0);
    struct vch_kv_db db = db_at(kv, "a");
    struct rlimit old, small;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){256 * 1024, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fill_until(kv, db, VCH_E(STORE_FULL));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    vch_kv_close(kv);
}

static void test_kv__opening_a_foreign_file_fails(void **state)
{
    static uint8_t junk[16384];
    struct vch_kv_options o = {0};
    struct vch_kv *kv = NULL;

    (void)state;
    memset(junk, 0x5a, sizeof(junk));
    assert_vch_ok(vch_dir_make(t_tmp_path("junk"), 0));
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("junk/data.mdb"), VCH_BYTES_OF(junk), 0));
    assert_vch_err(vch_kv_open(t_tmp_path("junk"), &o, &kv), STORE_CORRUPT);
    assert_vch_err(vch_kv_open(t_tmp_path("no/such"), &o, &kv), FILE_MISSING);
    o.flags = VCH_KV_RDONLY;
    assert_vch_err(vch_kv_open(t_tmp_path("missing"), &o, &kv), FILE_MISSING);
    assert_null(kv);
}

static void test_kv__copy_is_complete_and_taken_once(void **state)
{
    struct vch_kv *kv = open_at("origin", 0, VCH_KV_NOSYNC);
    struct vch_kv_db db = db_at(kv, "a");
    struct vch_kv_txn *t;
    struct vch_bytes v;

    (void)state;
    assert_vch_ok(vch_kv_write(kv, &t));
    assert_vch_ok(vch_kv_put(t, db, vch_text("k"), vch_text("v"), 0));
    assert_vch_ok(vch_kv_commit(t));
    assert_vch_ok(vch_kv_sync(kv));
    assert_vch_ok(vch_kv_copy(kv, t_tmp_path("copy")));
    assert_vch_err(vch_kv_copy(kv, t_tmp_path("copy")), FILE_EXISTS);
    vch_kv_close(kv);
    kv = open_at("copy", 0, VCH_KV_RDONLY);
    assert_vch_ok(vch_kv_read(kv, &t));
    assert_vch_ok(vch_kv_db_open(t, "a", &db));
    assert_vch_ok(vch_kv_get(t, db, vch_text("k"), &v));
    assert_bytes_equal(v, vch_text("v"));
    vch_kv_abort(t);
    vch_kv_close(kv);
}

/* Commits i under two keys at once, for ever; says when the first is there. */
static void commit_for_ever(const char *name, int ready)
{
    struct vch_kv *kv = open_at(name, 0, 0);
    struct vch_kv_db db = db_at(kv, "a");
    uint8_t room[4];

    for (uint32_t i = 0;; i++) {
        struct vch_kv_txn *t;

        if (!vch_ok(vch_kv_write(kv, &t)) ||
            !vch_ok(vch_kv_put(t, db, vch_text("x"), be32(i, room), 0)) ||
            !vch_ok(vch_kv_put(t, db, vch_text("y"), be32(i, room), 0)) ||
            !vch_ok(vch_kv_commit(t)) || write(ready, room, sizeof(room)) != sizeof(room)) {
            _exit(1);
        }
    }
}

static void test_kv__killed_writer_leaves_whole_transactions(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct vch_kv *kv;
        struct vch_kv_db db;
        struct vch_kv_txn *t;
        struct vch_bytes x, y;
        uint8_t told[4] = {0};
        int ready[2], status;
        pid_t pid;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ready[0]);
            commit_for_ever("killed", ready[1]);
        }
        close(ready[1]);
        for (int k = 0; k < 30 + i; k++) {
            assert_int_equal(read(ready[0], told, sizeof(told)), sizeof(told));
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        while (read(ready[0], told, sizeof(told)) == sizeof(told)) {
            /* what it acknowledged before it died */
        }
        close(ready[0]);
        kv = open_at("killed", 0, 0);
        assert_vch_ok(vch_kv_read(kv, &t));
        assert_vch_ok(vch_kv_db_open(t, "a", &db));
        assert_vch_ok(vch_kv_get(t, db, vch_text("x"), &x));
        assert_vch_ok(vch_kv_get(t, db, vch_text("y"), &y));
        assert_bytes_equal(x, y);
        assert_true(vch_bytes_cmp(x, VCH_BYTES_OF(told)) >= 0);
        vch_kv_abort(t);
        vch_kv_close(kv);
    }
}

struct reader {
    struct vch_kv *kv;
    struct vch_kv_db db;
};

/* Both keys must agree in every snapshot. */
static void *read_pairs(void *arg)
{
    const struct reader *r = arg;
    uintptr_t bad = 0;

    for (int i = 0; i < 300; i++) {
        struct vch_kv_txn *t;
        struct vch_bytes x, y;

        if (!vch_ok(vch_kv_read(r->kv, &t))) {
            return (void *)(uintptr_t)1;
        }
        if (vch_ok(vch_kv_get(t, r->db, vch_text("x"), &x))) {
            bad += !vch_ok(vch_kv_get(t, r->db, vch_text("y"), &y)) || !vch_bytes_equal(x, y);
        }
        vch_kv_abort(t);
    }
    return (void *)bad;
}

static void test_kv__readers_see_whole_transactions(void **state)
{
    struct vch_kv *kv = open_at("threads", 0, VCH_KV_NOSYNC);
    struct reader r = {kv, db_at(kv, "a")};
    pthread_t other;
    void *bad;

    (void)state;
    assert_int_equal(pthread_create(&other, NULL, read_pairs, &r), 0);
    for (uint32_t i = 0; i < 300; i++) {
        struct vch_kv_txn *t;
        uint8_t room[4];

        assert_vch_ok(vch_kv_write(kv, &t));
        assert_vch_ok(vch_kv_put(t, r.db, vch_text("x"), be32(i, room), 0));
        assert_vch_ok(vch_kv_put(t, r.db, vch_text("y"), be32(i, room), 0));
        assert_vch_ok(vch_kv_commit(t));
    }
    assert_int_equal(pthread_join(other, &bad), 0);
    assert_null(bad);
    vch_kv_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kv__commit_lasts_and_abort_does_not),
        cmocka_unit_test(test_kv__keys_and_values_have_bounds),
        cmocka_unit_test(test_kv__cursor_walks_in_order),
        cmocka_unit_test(test_kv__full_map_loses_only_the_transaction),
        cmocka_unit_test(test_kv__full_disk_loses_only_the_transaction),
        cmocka_unit_test(test_kv__opening_a_foreign_file_fails),
        cmocka_unit_test(test_kv__copy_is_complete_and_taken_once),
        cmocka_unit_test(test_kv__killed_writer_leaves_whole_transactions),
        cmocka_unit_test(test_kv__readers_see_whole_transactions),
    };

    return cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
}
