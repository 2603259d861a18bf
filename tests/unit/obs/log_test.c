/* Logs: forms, escaping, personal fields, threads. */
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <unistd.h>

#include <vch_test.h>
#include <vouch/obs/log.h>
#include <vouch/ossl/crypto.h>

struct fixture {
    char path[64];
    struct vch_log *log;
};

static const uint8_t key[16] = {1, 2, 3};

static struct vch_log_options options(struct fixture *f)
{
    int fd;

    (void)snprintf(f->path, sizeof(f->path), "/tmp/vouch-log-test-XXXXXX");
    fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    return (struct vch_log_options){.path = f->path,
                                    .level = VCH_LOG_INFO,
                                    .program = "test",
                                    .crypto = vch_ossl_crypto(),
                                    .pii_key = VCH_BYTES_OF(key)};
}

/* Everything in the file, to be freed. */
static char *contents(const char *path)
{
    struct vch_buf b = vch_buf_init(64 * 1024 * 1024);
    int fd = open(path, O_RDONLY);
    char *text;

    assert_true(fd >= 0);
    for (;;) {
        struct vch_span room;
        ssize_t n;

        assert_vch_ok(vch_buf_room(&b, 65536, &room));
        n = read(fd, room.p, room.cap);
        assert_true(n >= 0);
        if (n == 0) {
            break;
        }
        vch_buf_added(&b, (size_t)n);
    }
    close(fd);
    text = vch_mem_text(vch_buf_get(&b));
    vch_buf_fini(&b);
    return text;
}

static void finish(struct fixture *f)
{
    vch_log_close(f->log);
    assert_int_equal(unlink(f->path), 0);
}

static void json_lines_hold_every_type(void **state)
{
    struct fixture f;
    struct vch_log_options o = options(&f);
    struct vch_time t = {0};
    json_t *j;
    char *text;

    (void)state;
    assert_vch_ok(vch_log_open(&o, &f.log));
    vch_log(f.log, VCH_LOG_WARN, "all", VCH_F_STR("s", "x"), VCH_F_INT("i", -5),
            VCH_F_UINT("u", INT64_MAX), VCH_F_DOUBLE("d", 0.25), VCH_F_BOOL("b", true),
            VCH_F_HEX("h", vch_text("\x01\xff")), VCH_F_TIME("t", t),
            VCH_F_ERR("e", VCH_E(SIGNATURE)));
    vch_log(f.log, VCH_LOG_DEBUG, "unwanted");
    vch_log(f.log, VCH_LOG_ERROR, "bare");
    text = contents(f.path);
    j = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(j);
    assert_string_equal(json_string_value(json_object_get(j, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(j, "program")), "test");
    assert_string_equal(json_string_value(json_object_get(j, "event")), "all");
    assert_string_equal(json_string_value(json_object_get(j, "s")), "x");
    assert_int_equal(json_integer_value(json_object_get(j, "i")), -5);
    assert_true(json_real_value(json_object_get(j, "d")) == 0.25);
    assert_true(json_is_true(json_object_get(j, "b")));
    assert_string_equal(json_string_value(json_object_get(j, "h")), "01ff");
    assert_string_equal(json_string_value(json_object_get(j, "t")), "1970-01-01T00:00:00.000Z");
    assert_string_equal(json_string_value(json_object_get(j, "e")), "signature-invalid");
    assert_non_null(strstr(text, "\"u\":9223372036854775807"));
    assert_null(strstr(text, "unwanted"));
    assert_non_null(strstr(text, "\"event\":\"bare\"}\n"));
    json_decref(j);
    vch_mem_free(text);
    assert_false(vch_log_enabled(f.log, VCH_LOG_DEBUG));
    vch_log_level_set(f.log, VCH_LOG_DEBUG);
    assert_true(vch_log_enabled(f.log, VCH_LOG_DEBUG));
    assert_false(vch_log_enabled(NULL, VCH_LOG_ERROR));
    finish(&f);
}

/* No value can begin a line, a field, or steer a terminal. */
static void values_are_escaped(void **state)
{
    static const char evil[] = "a\"b\\\n{\"level\":\"error\"}\x1b[31m\x7f \xc2\x9b \xe2\x80\xae "
                               "\xff\xc0\xaf \xe2\x82\xac";
    struct fixture f;
    struct vch_log_options o = options(&f);
    char *text;

    (void)state;
    for (int form = 0; form < 2; form++) {
        o.form = form == 0 ? VCH_LOG_JSON : VCH_LOG_KEYVALUE;
        assert_vch_ok(vch_log_open(&o, &f.log));
        vch_log(f.log, VCH_LOG_INFO, "evil", VCH_F_STR("v", evil));
        vch_log_close(f.log);
    }
    text = contents(f.path);
    assert_non_null(strstr(text,
                           "\"v\":\"a\\\"b\\\\\\u000a{\\\"level\\\":\\\"error\\\"}\\u001b[31m"
                           "\\u007f \\u009b \\u202e \\ufffd\\ufffd\\ufffd \xe2\x82\xac\"}\n"));
    assert_non_null(strstr(text, " event=\"evil\" v=\"a\\\"b\\\\\\u000a{"));
    /* two events, two line feeds, no escape character */
    assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + strlen(text) - 1);
    assert_null(strchr(text, 0x1b));
    vch_mem_free(text);
    assert_int_equal(unlink(f.path), 0);
}

static void personal_values_come_out_as_tags(void **state)
{
    static const char imei[] = "990000862471854", other[] = "990000862471853";
    struct fixture f;
    struct vch_log_options o = options(&f);
    char tag[24], tag2[24];
    char *text;

    (void)state;
    assert_vch_ok(vch_log_open(&o, &f.log));
    vch_log(f.log, VCH_LOG_INFO, "seen", VCH_F_PII("imei", vch_pii(vch_text(imei))));
    (void)vch_log_pii_tag(f.log, vch_pii(vch_text(imei)), vch_span(tag, sizeof(tag)));
    (void)vch_log_pii_tag(f.log, vch_pii(vch_text(other)), vch_span(tag2, sizeof(tag2)));
    assert_int_equal(strlen(tag), 20);
    assert_string_not_equal(tag, tag2);
    vch_log_close(f.log);
    o.pii_key = vch_bytes(NULL, 0); /* without a key nothing can be told */
    assert_vch_ok(vch_log_open(&o, &f.log));
    vch_log(f.log, VCH_LOG_INFO, "seen", VCH_F_PII("imei", vch_pii(vch_text(imei))));
    text = contents(f.path);
    assert_null(strstr(text, imei));
    assert_non_null(strstr(text, tag));
    assert_non_null(strstr(text, "\"imei\":\"pii:hidden\""));
    vch_mem_free(text);
    finish(&f);
    o.pii_key = vch_text("short");
    assert_vch_err(vch_log_open(&o, &f.log), OBS_KEY);
}

static void long_lines_leave_out_fields(void **state)
{
    struct fixture f;
    struct vch_log_options o = options(&f);
    static char big[20000];
    char *text;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    assert_vch_ok(vch_log_open(&o, &f.log));
    vch_log(f.log, VCH_LOG_INFO, "big", VCH_F_STR("huge", big), VCH_F_INT("small", 7));
    text = contents(f.path);
    assert_true(strlen(text) < 16384);
    assert_null(strstr(text, "huge"));
    assert_non_null(strstr(text, "\"small\":7,\"cut\":true}\n"));
    vch_mem_free(text);
    finish(&f);
}

static void failures_are_counted(void **state)
{
    struct vch_log_options o = {.path = "/dev/full"};
    struct vch_log *log;

    (void)state;
    assert_vch_ok(vch_log_open(&o, &log));
    vch_log(log, VCH_LOG_ERROR, "nowhere");
    assert_int_equal(vch_log_lost(log), 1);
    vch_log_close(log);
    o.path = "/nonexistent/x";
    assert_vch_err(vch_log_open(&o, &log), OBS_FILE);
}

#define THREADS 4
#define LINES   500

static void *write_many(void *arg)
{
    for (int i = 0; i < LINES; i++) {
        vch_log(arg, VCH_LOG_INFO, "line", VCH_F_INT("i", i), VCH_F_STR("pad", "0123456789"));
    }
    return NULL;
}

static void threads_do_not_mix_lines_even_when_the_file_is_rotated(void **state)
{
    struct fixture f;
    struct vch_log_options o = options(&f);
    pthread_t t[THREADS];
    char moved[80], *old, *new;
    size_t count = 0;

    (void)state;
    assert_vch_ok(vch_log_open(&o, &f.log));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, write_many, f.log), 0);
    }
    (void)snprintf(moved, sizeof(moved), "%s.1", f.path);
    assert_int_equal(rename(f.path, moved), 0);
    assert_vch_ok(vch_log_reopen(f.log));
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
    }
    old = contents(moved);
    new = contents(f.path);
    for (int k = 0; k < 2; k++) {
        for (char *save, *line = strtok_r(k == 0 ? old : new, "\n", &save); line != NULL;
             line = strtok_r(NULL, "\n", &save)) {
            json_t *j = json_loads(line, 0, NULL);

            assert_non_null(j);
            json_decref(j);
            count++;
        }
    }
    assert_int_equal(count, THREADS * LINES);
    vch_mem_free(old);
    vch_mem_free(new);
    assert_int_equal(unlink(moved), 0);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines_hold_every_type),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(personal_values_come_out_as_tags),
        cmocka_unit_test(long_lines_leave_out_fields),
        cmocka_unit_test(failures_are_counted),
        cmocka_unit_test(threads_do_not_mix_lines_even_when_the_file_is_rotated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
