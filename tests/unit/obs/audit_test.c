/* The audit log: its chain, what breaks it, and what a crash leaves. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vch_test.h>
#include <vouch/obs/audit.h>
#include <vouch/ossl/crypto.h>

#define FILE_CAP 65536

static char path[64];

static int64_t clock_ms(void *user)
{
    (void)user;
    return 1700000000000;
}

static struct vch_audit *open_log(enum vch_audit_sync sync)
{
    struct vch_audit_options o = {
        .path = path, .crypto = vch_ossl_crypto(), .sync = sync, .now_ms = clock_ms};
    struct vch_audit *a;

    assert_vch_ok(vch_audit_open(&o, &a));
    return a;
}

/* A log of five lines; returns its head. */
static struct vch_audit_head make(void)
{
    struct vch_audit *a;
    struct vch_audit_head head;

    (void)unlink(path);
    a = open_log(VCH_AUDIT_SYNC_EACH);
    for (int i = 0; i < 5; i++) {
        struct vch_field f[] = {VCH_F_INT("number", i), VCH_F_STR("who", "somebody\n")};

        assert_vch_ok(vch_audit_append(a, "grant", f, 2, &head));
        assert_int_equal(head.count, i + 1);
    }
    vch_audit_close(a);
    return head;
}

static size_t load(char out[FILE_CAP])
{
    int fd = open(path, O_RDONLY);
    ssize_t n;

    assert_true(fd >= 0);
    n = read(fd, out, FILE_CAP - 1);
    assert_true(n >= 0);
    out[n] = 0;
    close(fd);
    return (size_t)n;
}

static void save(const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static void assert_broken(uint64_t line)
{
    struct vch_audit_head head;
    struct vch_audit_options o = {.path = path, .crypto = vch_ossl_crypto()};
    struct vch_audit *a;
    uint64_t at = 0;

    assert_vch_err(vch_audit_verify(path, vch_ossl_crypto(), NULL, &head, &at), AUDIT_CHAIN);
    assert_int_equal(at, line);
    assert_vch_err(vch_audit_open(&o, &a), AUDIT_CHAIN); /* and nothing goes on after it */
}

static void the_chain_goes_on_after_reopening(void **state)
{
    struct vch_audit_head first = make(), head, expect;
    struct vch_audit *a = open_log(VCH_AUDIT_SYNC_LATER);
    char text[FILE_CAP];
    struct stat st;
    uint64_t line;

    (void)state;
    assert_vch_ok(vch_audit_append(a, "more", NULL, 0, &head));
    assert_int_equal(head.count, 6);
    assert_vch_ok(vch_audit_sync(a, &expect));
    assert_true(vch_hash_equal(&head.hash, &expect.hash));
    vch_audit_close(a);
    assert_vch_ok(vch_audit_verify(path, vch_ossl_crypto(), &first, &head, &line));
    assert_int_equal(head.count, 6);
    assert_true(vch_hash_equal(&head.hash, &expect.hash));
    (void)load(text);
    assert_non_null(strstr(text,
                           "{\"seq\":1,\"prev\":\"00000000000000000000000000000000000000000000"
                           "00000000000000000000\",\"time\":\"2023-11-14T22:13:20.000Z\","
                           "\"event\":\"grant\",\"number\":0,\"who\":\"somebody\\u000a\"}\n"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void every_changed_byte_shows(void **state)
{
    struct vch_audit_head want = make(), head;
    char text[FILE_CAP];
    size_t n = load(text);
    uint64_t line;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        vch_err e;

        text[i] ^= 1;
        save(text, n);
        e = vch_audit_verify(path, vch_ossl_crypto(), &want, &head, &line);
        if (!vch_err_is(e, VCH_E(AUDIT_CHAIN)) && !vch_err_is(e, VCH_E(AUDIT_SHORT))) {
            fail_msg("byte %zu: %s", i, vch_err_info(e)->slug);
        }
        text[i] ^= 1;
    }
}

static void removed_moved_and_added_lines_show(void **state)
{
    char text[FILE_CAP], changed[FILE_CAP];
    char *at[6];
    size_t n;

    (void)state;
    (void)make();
    n = load(text);
    at[0] = text;
    for (int i = 1; i <= 5; i++) {
        at[i] = strchr(at[i - 1], '\n') + 1;
    }
    assert_ptr_equal(at[5], text + n);
    /* without line 3 */
    memcpy(changed, text, (size_t)(at[2] - text));
    memcpy(changed + (at[2] - text), at[3], (size_t)(at[5] - at[3]));
    save(changed, n - (size_t)(at[3] - at[2]));
    assert_broken(3);
    /* lines 2 and 3 exchanged (of equal length) */
    memcpy(changed, text, n);
    memcpy(changed + (at[1] - text), at[2], (size_t)(at[3] - at[2]));
    memcpy(changed + (at[1] - text) + (at[3] - at[2]), at[1], (size_t)(at[2] - at[1]));
    save(changed, n);
    assert_broken(2);
    /* line 5 twice */
    memcpy(changed, text, n);
    memcpy(changed + n, at[4], (size_t)(at[5] - at[4]));
    save(changed, n + (size_t)(at[5] - at[4]));
    assert_broken(6);
    /* a value of line 4 changed: it shows in the link of line 5 */
    memcpy(changed, text, n);
    *strstr(changed + (at[3] - text), "\"number\":3") = '"';
    strstr(changed + (at[3] - text), "\"number\":3")[9] = '8';
    save(changed, n);
    assert_broken(5);
}

static void a_cut_end_shows_against_a_kept_head(void **state)
{
    struct vch_audit_head kept = make(), head;
    char text[FILE_CAP];
    size_t n = load(text);
    uint64_t line = 0;

    (void)state;
    n = (size_t)(strstr(text, "{\"seq\":5,") - text);
    save(text, n);
    assert_vch_ok(vch_audit_verify(path, vch_ossl_crypto(), NULL, &head, &line));
    assert_int_equal(head.count, 4);
    assert_vch_err(vch_audit_verify(path, vch_ossl_crypto(), &kept, &head, &line), AUDIT_SHORT);
    assert_int_equal(line, 5);
    kept.count = 4; /* the last line changed, nothing after it */
    assert_vch_err(vch_audit_verify(path, vch_ossl_crypto(), &kept, &head, &line), AUDIT_CHAIN);
    assert_int_equal(line, 4);
}

static void a_torn_line_is_cut_off_and_recorded(void **state)
{
    char text[FILE_CAP];
    struct vch_audit_head head;
    size_t n;
    uint64_t line;

    (void)state;
    (void)make();
    n = load(text);
    for (size_t keep = n - 1; text[keep - 1] != '\n'; keep--) { /* every crash within line 5 */
        char after[FILE_CAP];

        save(text, keep);
        assert_vch_err(vch_audit_verify(path, vch_ossl_crypto(), NULL, &head, &line), AUDIT_CHAIN);
        vch_audit_close(open_log(VCH_AUDIT_SYNC_EACH));
        assert_vch_ok(vch_audit_verify(path, vch_ossl_crypto(), NULL, &head, &line));
        assert_int_equal(head.count, 5);
        (void)load(after);
        assert_non_null(strstr(after, "\"event\":\"audit-recovered\",\"bytes\":"));
    }
}

static void one_process_holds_it(void **state)
{
    struct vch_audit_options o = {.path = path, .crypto = vch_ossl_crypto()};
    struct vch_audit *a, *b;

    (void)state;
    (void)make();
    a = open_log(VCH_AUDIT_SYNC_EACH);
    assert_vch_err(vch_audit_open(&o, &b), FILE_LOCKED);
    vch_audit_close(a);
    b = open_log(VCH_AUDIT_SYNC_EACH);
    vch_audit_close(b);
}

static void a_record_is_whole_or_refused(void **state)
{
    static char big[70000];
    struct vch_field f = VCH_F_TEXT("big", vch_bytes(big, sizeof(big)));
    struct vch_audit_head head;
    struct vch_audit *a;
    uint64_t line;

    (void)state;
    (void)make();
    memset(big, 'x', sizeof(big));
    a = open_log(VCH_AUDIT_SYNC_EACH);
    assert_vch_err(vch_audit_append(a, "big", &f, 1, &head), LIMIT);
    assert_vch_ok(vch_audit_append(a, "small", NULL, 0, &head));
    vch_audit_close(a);
    assert_vch_ok(vch_audit_verify(path, vch_ossl_crypto(), NULL, &head, &line));
    assert_int_equal(head.count, 6);
}

#define THREADS 4
#define LINES   100

static void *append_many(void *arg)
{
    for (int i = 0; i < LINES; i++) {
        struct vch_field f = VCH_F_INT("i", i);
        struct vch_audit_head head;

        assert_vch_ok(vch_audit_append(arg, "many", &f, 1, &head));
    }
    return NULL;
}

static void threads_make_one_chain(void **state)
{
    struct vch_audit *a;
    struct vch_audit_head head;
    pthread_t t[THREADS];
    uint64_t line;

    (void)state;
    (void)unlink(path);
    a = open_log(VCH_AUDIT_SYNC_EACH);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, append_many, a), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
    }
    vch_audit_close(a);
    assert_vch_ok(vch_audit_verify(path, vch_ossl_crypto(), NULL, &head, &line));
    assert_int_equal(head.count, THREADS * LINES);
}

static int setup(void **state)
{
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/vouch-audit-test-XXXXXX");
    fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_goes_on_after_reopening),
        cmocka_unit_test(every_changed_byte_shows),
        cmocka_unit_test(removed_moved_and_added_lines_show),
        cmocka_unit_test(a_cut_end_shows_against_a_kept_head),
        cmocka_unit_test(a_torn_line_is_cut_off_and_recorded),
        cmocka_unit_test(one_process_holds_it),
        cmocka_unit_test(a_record_is_whole_or_refused),
        cmocka_unit_test(threads_make_one_chain),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
