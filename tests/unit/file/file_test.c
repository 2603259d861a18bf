/* Small files: whole or untouched, also when the writer is killed or the disk is full. */
#include "vch_test.h"
#include "vch_tmp.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <vouch/file/file.h>

static void assert_contents(const char *path, struct vch_bytes want)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 20);

    assert_vch_ok(vch_file_read(path, 0, &b));
    assert_bytes_equal(vch_buf_get(&b), want);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_write__is_read_back_and_replaced(void **state)
{
    const char *path = t_tmp_path("a");

    (void)state;
    assert_vch_ok(vch_file_write_atomic(path, vch_text("one"), 0));
    assert_contents(path, vch_text("one"));
    assert_int_equal(mode_of(path), 0640);
    assert_vch_ok(vch_file_write_atomic(path, vch_text(""), VCH_FILE_SECRET));
    assert_contents(path, vch_text(""));
    assert_int_equal(mode_of(path), 0600);
    assert_vch_err(vch_file_write_atomic(path, vch_text("x"), VCH_FILE_NEW), FILE_EXISTS);
    assert_contents(path, vch_text(""));
    assert_int_equal(access(t_tmp_path("a.tmp"), F_OK), -1);
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("b"), vch_text("x"), VCH_FILE_NEW));
    assert_contents(t_tmp_path("b"), vch_text("x"));
    assert_int_equal(access(t_tmp_path("b.tmp"), F_OK), -1);
    assert_vch_err(vch_file_write_atomic(t_tmp_path("no/such"), vch_text("x"), 0), FILE_MISSING);
}

static void test_read__refuses_what_is_no_small_file(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(4);

    (void)state;
    assert_vch_err(vch_file_read(t_tmp_path("none"), 0, &b), FILE_MISSING);
    assert_vch_err(vch_file_read(t_tmp_dir, 0, &b), FILE_IO);
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("long"), vch_text("12345"), 0));
    assert_vch_err(vch_file_read(t_tmp_path("long"), 0, &b), LIMIT);
    assert_int_equal(b.n, 0);
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("long"), vch_text("1234"), 0));
    assert_vch_ok(vch_file_read(t_tmp_path("long"), 0, &b));
    assert_int_equal(b.n, 4);
    assert_int_equal(mkfifo(t_tmp_path("fifo"), 0600), 0); /* nobody writes: must not hang */
    assert_vch_err(vch_file_read(t_tmp_path("fifo"), 0, &b), FILE_IO);
}

static void test_read__secret_refuses_wide_permissions(void **state)
{
    static const mode_t wide[] = {0640, 0604, 0620, 0602, 0610, 0601, 0666};
    const char *path = t_tmp_path("secret");
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(100);

    (void)state;
    assert_vch_ok(vch_file_write_atomic(path, vch_text("s"), VCH_FILE_SECRET));
    assert_vch_ok(vch_file_read(path, VCH_FILE_SECRET, &b));
    for (size_t i = 0; i < VCH_ARRAY_LEN(wide); i++) {
        assert_int_equal(chmod(path, wide[i]), 0);
        assert_vch_err(vch_file_read(path, VCH_FILE_SECRET, &b), FILE_MODE);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_vch_ok(vch_file_read(path, VCH_FILE_SECRET, &b));
    assert_bytes_equal(vch_buf_get(&b), vch_text("ss"));
}

#define BODY (64 * 1024)

/* Writes the same byte BODY times, another byte each time, until it is killed. */
static void write_for_ever(const char *path, int ready)
{
    static uint8_t body[BODY];

    for (uint8_t v = 0;; v++) {
        memset(body, v, sizeof(body));
        if (!vch_ok(vch_file_write_atomic(path, VCH_BYTES_OF(body), 0))) {
            _exit(1);
        }
        if (v == 0 && write(ready, "r", 1) != 1) {
            _exit(1);
        }
    }
}

/* A writer is killed at 20 different moments; what is there is always one whole version. */
static void test_write__killed_writer_leaves_a_whole_file(void **state)
{
    const char *path = t_tmp_path("killed");

    (void)state;
    for (int i = 0; i < 20; i++) {
        VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 20);
        int ready[2], status;
        char c;
        pid_t pid;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            write_for_ever(path, ready[1]);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        usleep((useconds_t)(t_random() % 5000)); /* the moment; no result depends on it */
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        close(ready[0]);
        close(ready[1]);
        assert_vch_ok(vch_file_read(path, 0, &b));
        assert_int_equal(b.n, BODY);
        for (size_t k = 1; k < b.n; k++) {
            assert_int_equal(b.p[k], b.p[0]);
        }
    }
    /* What the last one left does not hinder the next. */
    assert_vch_ok(vch_file_write_atomic(path, vch_text("after"), 0));
    assert_contents(path, vch_text("after"));
    assert_int_equal(access(t_tmp_path("killed.tmp"), F_OK), -1);
}

/* The file size limit of the process stands for a full disk: write() fails half-way. */
static void test_write__full_disk_leaves_the_old_file(void **state)
{
    const char *path = t_tmp_path("full");
    static uint8_t body[BODY];
    struct rlimit old, small;

    (void)state;
    assert_vch_ok(vch_file_write_atomic(path, vch_text("old"), 0));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){BODY / 2, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_vch_err(vch_file_write_atomic(path, VCH_BYTES_OF(body), 0), STORE_FULL);
    assert_vch_err(vch_file_write_atomic(t_tmp_path("full2"), VCH_BYTES_OF(body), VCH_FILE_NEW),
                   STORE_FULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_contents(path, vch_text("old"));
    assert_int_equal(access(t_tmp_path("full.tmp"), F_OK), -1);
    assert_int_equal(access(t_tmp_path("full2"), F_OK), -1);
    assert_vch_ok(vch_file_write_atomic(path, VCH_BYTES_OF(body), 0));
}

static void *write_often(void *arg)
{
    char path[PATH_MAX + 16];
    static _Thread_local uint8_t body[BODY];
    uintptr_t bad = 0;

    memset(body, (int)(uintptr_t)arg, sizeof(body));
    snprintf(path, sizeof(path), "%s/shared", t_tmp_dir);
    for (int i = 0; i < 30; i++) {
        bad += !vch_ok(vch_file_write_atomic(path, VCH_BYTES_OF(body), 0));
    }
    return (void *)bad;
}

static void test_write__two_writers_wait_for_each_other(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 20);
    pthread_t other;
    void *bad;

    (void)state;
    assert_int_equal(pthread_create(&other, NULL, write_often, (void *)(uintptr_t)2), 0);
    assert_null(write_often((void *)(uintptr_t)1));
    assert_int_equal(pthread_join(other, &bad), 0);
    assert_null(bad);
    assert_vch_ok(vch_file_read(t_tmp_path("shared"), 0, &b));
    assert_int_equal(b.n, BODY);
    for (size_t k = 1; k < b.n; k++) {
        assert_int_equal(b.p[k], b.p[0]);
    }
}

static void test_lock__is_held_by_one_and_dropped_with_the_process(void **state)
{
    const char *path = t_tmp_path("lock");
    struct vch_file_lock a = {0}, b = {0};
    int ready[2], status;
    char c;
    pid_t pid;

    (void)state;
    vch_file_unlock(&a); /* not held: nothing happens, descriptor 0 stays open */
    assert_true(fcntl(0, F_GETFD) >= 0);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        c = vch_ok(vch_file_lock(path, &a)) ? 'y' : 'n';
        if (write(ready[1], &c, 1) == 1) {
            pause();
        }
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    assert_vch_err(vch_file_lock(path, &b), FILE_LOCKED);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_vch_ok(vch_file_lock(path, &b));
    assert_vch_err(vch_file_lock(path, &a), FILE_LOCKED);
    vch_file_unlock(&b);
    assert_vch_ok(vch_file_lock(path, &a));
    vch_file_unlock(&a);
    vch_file_unlock(&a);
    close(ready[0]);
    close(ready[1]);
}

static void test_dir__is_made_once(void **state)
{
    (void)state;
    assert_vch_ok(vch_dir_make(t_tmp_path("d"), VCH_FILE_SECRET));
    assert_int_equal(mode_of(t_tmp_path("d")), 0700);
    assert_vch_ok(vch_dir_make(t_tmp_path("d"), VCH_FILE_SECRET));
    assert_vch_ok(vch_dir_sync(t_tmp_path("d")));
    assert_vch_err(vch_dir_make(t_tmp_path("x/y"), 0), FILE_MISSING);
    assert_vch_err(vch_dir_sync(t_tmp_path("x")), FILE_MISSING);
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("f"), vch_text(""), 0));
    assert_vch_err(vch_dir_make(t_tmp_path("f"), 0), FILE_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write__is_read_back_and_replaced),
        cmocka_unit_test(test_read__refuses_what_is_no_small_file),
        cmocka_unit_test(test_read__secret_refuses_wide_permissions),
        cmocka_unit_test(test_write__killed_writer_leaves_a_whole_file),
        cmocka_unit_test(test_write__full_disk_leaves_the_old_file),
        cmocka_unit_test(test_write__two_writers_wait_for_each_other),
        cmocka_unit_test(test_lock__is_held_by_one_and_dropped_with_the_process),
        cmocka_unit_test(test_dir__is_made_once),
    };

    umask(027);
    return cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
}
