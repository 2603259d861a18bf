/* Access control: the matrix, the user table, who a caller is. */
#include <vouch/as/access.h>

#include <sys/stat.h>
#include <unistd.h>

#include "vch_test.h"
#include "vch_tmp.h"

static struct vch_http_san san_buyer[] = {{VCH_HTTP_SAN_DNS, "buyer.example"}};

static struct vch_http_cert cert_of(const char *cn, const struct vch_http_san *san, size_t n)
{
    struct vch_http_cert c = {.cn = cn, .subject = cn, .san = san, .san_count = n};

    memset(c.sha256.b, cn[0], sizeof c.sha256.b);
    return c;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static const char table[] = "users:\n"
                            "  - name: buyer\n"
                            "    role: service-user\n"
                            "    san: buyer.example\n"
                            "    operations: [records, latest]\n"
                            "    fields: [status, end]\n"
                            "    subjects: ['00000000000000000000000000000001']\n"
                            "    rate-per-second: 1\n"
                            "    rate-burst: 2\n"
                            "  - name: boss\n"
                            "    role: admin\n"
                            "    common-name: boss\n"
                            "  - name: barred\n"
                            "    role: service-user\n"
                            "    common-name: barred\n"
                            "    suspended: true\n";

static struct vch_as_users *users_of(const char *path)
{
    struct vch_buf report = vch_buf_init(4096);
    struct vch_as_users *u = NULL;
    vch_err e = vch_as_users_open(path, &report, &u);

    if (!vch_ok(e)) {
        fail_msg("%s: %.*s", vch_err_info(e)->slug, (int)report.n, (const char *)report.p);
    }
    vch_buf_fini(&report);
    return u;
}

/* req-test: Y.2247-7.2-1 (devices do not query, recipients do not register) */
static void test_matrix(void **state)
{
    (void)state;
    assert_true(vch_as_matrix_allows(VCH_AS_ANONYMOUS, VCH_AS_OP_REGISTER));
    assert_false(vch_as_matrix_allows(VCH_AS_USER, VCH_AS_OP_REGISTER));
    assert_false(vch_as_matrix_allows(VCH_AS_DEVICE, VCH_AS_OP_RECORDS));
    assert_false(vch_as_matrix_allows(VCH_AS_ANONYMOUS, VCH_AS_OP_RECORDS));
    assert_false(vch_as_matrix_allows(VCH_AS_USER, VCH_AS_OP_ERASE));
    assert_false(vch_as_matrix_allows(VCH_AS_ADMIN, VCH_AS_OP_RECORDS));
    assert_false(vch_as_matrix_allows(VCH_AS_OPERATOR, VCH_AS_OP_REGISTER));
    assert_false(vch_as_matrix_allows(VCH_AS_ROLE_COUNT, VCH_AS_OP_KEYS));
}

/* The documentation shows the matrix that the code holds. */
static void test_matrix_documented(void **state)
{
    struct vch_buf text = vch_buf_init(16384), doc = vch_buf_init(65536);
    FILE *f = fopen(VCH_SOURCE_DIR "/docs/access.md", "r");
    struct vch_span room;
    const char *d, *t;

    (void)state;
    assert_non_null(f);
    assert_vch_ok(vch_buf_room(&doc, 60000, &room));
    vch_buf_added(&doc, fread(room.p, 1, room.cap < 60000 ? room.cap : 60000, f));
    (void)fclose(f);
    assert_vch_ok(vch_as_matrix_text(&text));
    assert_vch_ok(vch_buf_cstr(&text, &t));
    assert_vch_ok(vch_buf_cstr(&doc, &d));
    assert_non_null(strstr(d, t));
    vch_buf_fini(&text);
    vch_buf_fini(&doc);
}

/* req-test: Y.2247-8.1.2-1 */
static void test_callers(void **state)
{
    const char *path = t_tmp_path("users.yaml");
    struct vch_http_cert buyer = cert_of("x", san_buyer, 1), boss = cert_of("boss", NULL, 0),
                         barred = cert_of("barred", NULL, 0), meter = cert_of("meter", NULL, 0);
    struct vch_as_users *u;
    struct vch_as_caller c;

    (void)state;
    write_file(path, table);
    u = users_of(path);

    vch_as_caller_init(u, &buyer, &c);
    assert_string_equal(c.user.name, "buyer");
    assert_vch_ok(vch_as_caller_check(&c, VCH_AS_OP_RECORDS));
    assert_vch_err(vch_as_caller_check(&c, VCH_AS_OP_LOOKUP), AS_DENIED);
    assert_vch_err(vch_as_caller_check(&c, VCH_AS_OP_REGISTER), AS_DENIED);
    assert_true((c.user.fields & (UINT64_C(1) << 18)) != 0);
    assert_false((c.user.fields & (UINT64_C(1) << 1)) != 0);
    vch_as_caller_fini(&c);

    vch_as_caller_init(u, &boss, &c);
    assert_vch_ok(vch_as_caller_check(&c, VCH_AS_OP_ERASE));
    assert_vch_err(vch_as_caller_check(&c, VCH_AS_OP_RECORDS), AS_DENIED);
    vch_as_caller_fini(&c);

    vch_as_caller_init(u, &barred, &c);
    assert_vch_err(vch_as_caller_check(&c, VCH_AS_OP_RECORDS), AS_DENIED);
    vch_as_caller_fini(&c);

    vch_as_caller_init(u, &meter, &c);
    assert_int_equal(c.role, VCH_AS_DEVICE);
    assert_vch_ok(vch_as_caller_check(&c, VCH_AS_OP_REGISTER));
    assert_vch_err(vch_as_caller_check(&c, VCH_AS_OP_RECORDS), AS_DENIED);
    vch_as_caller_fini(&c);

    vch_as_caller_init(u, NULL, &c);
    assert_vch_ok(vch_as_caller_check(&c, VCH_AS_OP_NONCE));
    assert_vch_err(vch_as_caller_check(&c, VCH_AS_OP_RECORDS), AS_CALLER);
    vch_as_caller_fini(&c);
    vch_as_users_close(u);
}

/* req-test: Y.2247-8.1.2-2 (scope and rate are each user's own) */
static void test_scope_and_rate(void **state)
{
    static const uint8_t mine[16] = {[15] = 1}, other[16] = {[15] = 2};
    const char *path = t_tmp_path("users.yaml");
    struct vch_http_cert buyer = cert_of("x", san_buyer, 1);
    struct vch_as_users *u;
    struct vch_as_caller c;
    int64_t wait_ms;

    (void)state;
    write_file(path, table);
    u = users_of(path);
    vch_as_caller_init(u, &buyer, &c);
    assert_true(vch_as_caller_sees(&c, mine));
    assert_false(vch_as_caller_sees(&c, other));
    assert_vch_ok(vch_as_caller_take(&c, 2, 1000, &wait_ms));
    assert_vch_err(vch_as_caller_take(&c, 1, 1000, &wait_ms), HTTP_RATE);
    assert_true(wait_ms > 0 && wait_ms <= 1001);
    assert_vch_ok(vch_as_caller_take(&c, 1, 1000 + wait_ms, &wait_ms));
    vch_as_caller_fini(&c);
    vch_as_users_close(u);
}

/* A change of the file counts without a restart; a bad file, or one that others may write, does
 * not. */
static void test_reload(void **state)
{
    const char *path = t_tmp_path("users.yaml");
    struct vch_http_cert buyer = cert_of("x", san_buyer, 1);
    struct vch_buf report = vch_buf_init(4096);
    struct vch_as_caller before, c;
    struct vch_as_users *u;
    bool did;

    (void)state;
    write_file(path, table);
    u = users_of(path);
    vch_as_caller_init(u, &buyer, &before);

    write_file(path, "users: []\n");
    assert_vch_ok(vch_as_users_refresh(u, 10000, &report, &did));
    assert_true(did);
    vch_as_caller_init(u, &buyer, &c);
    assert_vch_err(vch_as_caller_check(&c, VCH_AS_OP_RECORDS), AS_DENIED);
    vch_as_caller_fini(&c);
    assert_vch_ok(vch_as_caller_check(&before, VCH_AS_OP_RECORDS)); /* being served */
    assert_string_equal(before.user.name, "buyer");

    write_file(path, "users:\n  - name: x\n    role: king\n");
    assert_vch_err(vch_as_users_refresh(u, 20000, &report, &did), AS_USERS);
    assert_true(report.n > 0);
    write_file(path, table);
    assert_int_equal(chmod(path, 0666), 0);
    assert_vch_err(vch_as_users_refresh(u, 30000, &report, &did), AS_USERS);
    vch_as_caller_init(u, &buyer, &c);
    assert_int_equal(c.role, VCH_AS_DEVICE);
    vch_as_caller_fini(&c);
    vch_as_caller_fini(&before);
    vch_as_users_close(u);
    vch_buf_fini(&report);
}

static void test_bad_tables(void **state)
{
    static const char *const bad[] = {
        "users:\n  - {name: a, role: service-user}\n",
        "users:\n  - {name: a, role: service-user, common-name: a, operations: [erase]}\n",
        "users:\n  - {name: a, role: service-user, common-name: a, operations: [fly]}\n",
        "users:\n  - {name: a, role: service-user, common-name: a, fields: [colour]}\n",
        "users:\n  - {name: a, role: service-user, common-name: a, subjects: [xyz]}\n",
        "users:\n  - {name: a, role: service-user, certificate-sha256: 'ab'}\n",
        "users:\n  - {name: a, role: admin, anonymous: true}\n",
        "people: []\n",
    };
    const char *path = t_tmp_path("users.yaml");

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        struct vch_buf report = vch_buf_init(4096);
        struct vch_as_users *u;

        write_file(path, bad[i]);
        assert_vch_err(vch_as_users_open(path, &report, &u), AS_USERS);
        assert_true(report.n > 0);
        vch_buf_fini(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),  cmocka_unit_test(test_matrix_documented),
        cmocka_unit_test(test_callers), cmocka_unit_test(test_scope_and_rate),
        cmocka_unit_test(test_reload),  cmocka_unit_test(test_bad_tables),
    };
    return cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
}
