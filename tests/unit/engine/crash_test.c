/* A process killed under load, a disk without room, a disk that fails: nothing acknowledged is
 * lost, nothing is acknowledged that was not recorded.
 *
 * req-test: Y.2247-8.1.3-3 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "vch_ledger_kit.h"
#include "vch_tmp.h"

#include <vouch/cose/receipt.h>
#include <vouch/engine/engine.h>
#include <vouch/ledger/fsck.h>

enum { ROUNDS = 6, CLIENTS = 3, SEGMENT = 65536 };

/* ROUNDS in `make test`; `make soak ROUNDS=n` asks for more. */
static unsigned rounds(void)
{
    const char *env = getenv("VCH_SOAK_ROUNDS");
    uint64_t n = ROUNDS;

    if (env != NULL) {
        assert_vch_ok(vch_u64_parse(vch_text(env), 1000, &n));
    }
    return (unsigned)n;
}

static struct k_kit kit;

static void on_fatal(void *user, vch_err e)
{
    (void)e;
    __atomic_fetch_add((int *)user, 1, __ATOMIC_SEQ_CST);
}

static struct vch_engine_options options(const char *dir)
{
    return (struct vch_engine_options){.cr = kit.cr,
                                       .dir = dir,
                                       .signer = k_signer(&kit, K_LEDGER),
                                       .checkpoint_signer = k_signer(&kit, K_CHECKPOINT),
                                       .verify_threads = 2,
                                       .flush_ms = 30};
}

/* ---- kill -9 */

/* What a client tells through the pipe of each acknowledged statement. */
struct told {
    struct vch_hash txid;
    uint64_t index;
};

struct client {
    struct vch_ledger l;
    uint64_t first;
    int pipe;
};

static void *client_main(void *arg)
{
    struct client *c = arg;

    for (uint64_t i = c->first;; i++) {
        struct vch_ledger_ack ack;
        struct k_statement s;
        struct told t;

        k_register(&kit, i, &s);
        if (!vch_ok(vch_ledger_submit(&c->l, k_bytes(&s), 0, &ack, NULL))) {
            _exit(3);
        }
        t = (struct told){ack.entry.txid, ack.entry.index};
        if (write(c->pipe, &t, sizeof(t)) != sizeof(t)) { /* atomic: shorter than PIPE_BUF */
            _exit(4);
        }
    }
    return NULL;
}

static void child_main(const char *dir, unsigned round, int pipe)
{
    struct vch_engine_options o = options(dir);
    struct client c[CLIENTS];
    pthread_t thread;
    struct vch_engine *e;

    if (!vch_ok(vch_engine_open(&o, &e, NULL))) {
        _exit(2);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        c[i].first = 1000000 * (round + 1) + 10000 * i;
        c[i].pipe = pipe;
        vch_engine_ledger(e, true, &c[i].l);
        if (pthread_create(&thread, NULL, client_main, &c[i]) != 0) {
            _exit(5);
        }
    }
    for (;;) {
        pause();
    }
}

/* Reads what the clients tell until WANTED were told, kills, and reads the rest. */
static size_t kill_after(pid_t pid, int fd, size_t wanted, struct told *told, size_t max)
{
    size_t n = 0;
    int status;

    while (n < wanted) {
        assert_int_equal(read(fd, &told[n], sizeof(told[n])), sizeof(told[n]));
        n++;
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (n < max && read(fd, &told[n], sizeof(told[n])) == sizeof(told[n])) {
        n++;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return n;
}

static void clean(const char *dir)
{
    struct vch_ledger_fsck_options o = {
        .cr = kit.cr, .dir = dir, .key = &k_signer(&kit, K_LEDGER)->pub};
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault = {.what = ""};
    vch_err e = vch_ledger_fsck(&o, &report, &fault);

    if (!vch_ok(e)) {
        fail_msg("%s: %s in %s at %llu", vch_err_info(e)->slug, fault.what, fault.file,
                 (unsigned long long)fault.offset);
    }
}

static void all_there(const char *dir, const struct told *told, size_t n)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct vch_engine_options o = options(dir);
    struct vch_ledger_fault fault = {.what = ""};
    struct vch_engine *e;
    struct vch_ledger l;
    vch_err err = vch_engine_open(&o, &e, &fault);

    if (!vch_ok(err)) {
        fail_msg("%s: %s in %s at %llu", vch_err_info(err)->slug, fault.what, fault.file,
                 (unsigned long long)fault.offset);
    }
    vch_engine_ledger(e, false, &l);
    for (size_t i = 0; i < n; i++) {
        struct vch_ledger_entry entry;
        struct vch_receipt r;

        assert_vch_ok(vch_ledger_get(&l, &told[i].txid, &entry, NULL, &receipt));
        assert_int_equal(entry.index, told[i].index);
        assert_vch_ok(vch_receipt_decode(vch_buf_get(&receipt), &r));
        assert_vch_ok(vch_receipt_verify(kit.cr, &r, vch_text(K_LEDGER_ID),
                                         &k_signer(&kit, K_LEDGER)->pub, &told[i].txid));
    }
    vch_ledger_close(&l);
}

static void a_killed_process_loses_nothing(void **state)
{
    static struct told told[200000];
    char dir[PATH_MAX + 64];
    struct vch_engine_options o;
    size_t n = 0;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", t_tmp_path("killed"));
    o = options(dir);
    assert_vch_ok(vch_engine_create(&o, K_LEDGER_ID, kit.authority, K_KEYS, SEGMENT));
    for (unsigned round = 0; round < rounds(); round++) {
        size_t wanted = 1 + t_random() % 150;
        int fds[2];
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(fds[0]);
            child_main(dir, round, fds[1]);
            _exit(1);
        }
        close(fds[1]);
        n += kill_after(pid, fds[0], wanted, told + n, VCH_ARRAY_LEN(told) - n);
        close(fds[0]);
        clean(dir); /* before anything is mended, the check is content as well */
        all_there(dir, told, n);
    }
    clean(dir);
    assert_true(n >= rounds());
    print_message("%u rounds of kill -9, %zu acknowledged records, all present and provable\n",
                  rounds(), n);
}

/* ---- a disk without room, a disk that fails: in a child, because both spoil the process */

static int in_child(void (*fn)(const char *dir), const char *dir)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fn(dir);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

/* Ends the child with the line that does not hold. */
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "line %d: %s\n", __LINE__, #cond);                                     \
            _exit(9);                                                                              \
        }                                                                                          \
    } while (0)

static void disk_full(const char *dir)
{
    struct vch_engine_options o = options(dir);
    struct rlimit limit = {SEGMENT - 8, RLIM_INFINITY};
    int fatal = 0;
    struct vch_ledger_ack ack;
    struct vch_ledger_head before, after;
    struct vch_engine *e;
    struct vch_ledger l;
    struct k_statement s;
    vch_err err = VCH_OK;
    uint64_t i;

    o.flush_ms = 100000;
    o.on_fatal = on_fatal;
    o.user = &fatal;
    MUST(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    MUST(vch_ok(vch_engine_open(&o, &e, NULL)));
    vch_engine_ledger(e, false, &l);
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    for (i = 0; i < 200 && vch_ok(err); i++) { /* until the next segment cannot be made */
        MUST(vch_ok(vch_ledger_head(&l, &before, NULL, NULL)));
        k_register(&kit, i, &s);
        err = vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL);
    }
    MUST(vch_err_is(err, VCH_E(LEDGER_DISK_FULL)));
    MUST(vch_ok(vch_ledger_head(&l, &after, NULL, NULL)));
    MUST(after.size == before.size);
    MUST(i > 10);
    k_register(&kit, 0, &s);
    for (unsigned k = 0; k < 3; k++) { /* still refused, still answering */
        k_register(&kit, 500 + k, &s);
        MUST(
            vch_err_is(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL), VCH_E(LEDGER_DISK_FULL)));
    }
    limit.rlim_cur = RLIM_INFINITY;
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    MUST(vch_ok(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL))); /* room again */
    MUST(!ack.known);
    vch_ledger_close(&l);
    MUST(fatal == 0);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    char dir[PATH_MAX + 64];
    struct vch_engine_options o;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", t_tmp_path("full"));
    o = options(dir);
    assert_vch_ok(vch_engine_create(&o, K_LEDGER_ID, kit.authority, K_KEYS, SEGMENT));
    assert_int_equal(in_child(disk_full, dir), 0);
    clean(dir);
}

/* From now on fdatasync fails for this process, as on a dying disk. */
static void break_sync(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {VCH_ARRAY_LEN(code), code};

    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) == 0);
}

static void sync_fails(const char *dir)
{
    struct vch_engine_options o = options(dir);
    int fatal = 0;
    struct vch_engine_stats stats;
    struct vch_ledger_entry entry;
    struct vch_ledger_ack ack;
    struct k_statement first, s;
    struct vch_engine *e;
    struct vch_ledger l;

    o.flush_ms = 100000;
    o.on_fatal = on_fatal;
    o.user = &fatal;
    MUST(vch_ok(vch_engine_open(&o, &e, NULL)));
    vch_engine_ledger(e, true, &l);
    k_register(&kit, 1, &first);
    MUST(vch_ok(vch_ledger_submit(&l, k_bytes(&first), 0, &ack, NULL)));
    break_sync();
    k_register(&kit, 2, &s);
    MUST(vch_err_is(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL), VCH_E(LEDGER_FAILED)));
    MUST(vch_err_is(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL), VCH_E(LEDGER_FAILED)));
    k_register(&kit, 3, &s);
    MUST(vch_err_is(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL), VCH_E(LEDGER_FAILED)));
    MUST(vch_ok(vch_ledger_get(&l, &first.txid, &entry, NULL, NULL))); /* reading goes on */
    MUST(vch_ok(vch_ledger_submit(&l, k_bytes(&first), 0, &ack, NULL)) && ack.known);
    vch_engine_stats(e, &stats);
    MUST(vch_err_is(stats.fatal, VCH_E(LEDGER_FAILED)));
    MUST(__atomic_load_n(&fatal, __ATOMIC_SEQ_CST) == 1);
    vch_engine_close(e);
}

static void a_failed_sync_stops_the_ledger(void **state)
{
    char dir[PATH_MAX + 64];
    struct vch_engine_options o;

    (void)state;
#ifndef __x86_64__
    skip();
#endif
    snprintf(dir, sizeof(dir), "%s", t_tmp_path("sync"));
    o = options(dir);
    assert_vch_ok(vch_engine_create(&o, K_LEDGER_ID, kit.authority, K_KEYS, SEGMENT));
    assert_int_equal(in_child(sync_fails, dir), 0);
    clean(dir);
    all_there(dir, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_loses_nothing),
        cmocka_unit_test(a_full_disk_refuses_and_recovers),
        cmocka_unit_test(a_failed_sync_stops_the_ledger),
    };
    int rc;

    k_open(&kit);
    rc = cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
    k_close(&kit);
    return rc;
}
