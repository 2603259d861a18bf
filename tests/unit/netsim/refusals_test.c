/* Malformed requests over real sockets: each gets the status and the code that it should. */
#include "netsim_rig.h"

static struct rig *rig;

static int setup(void **state)
{
    (void)state;
    rig = rig_open("");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(rig);
    return 0;
}

/* Each malformed request and the status and code that it gets. */
static const struct {
    const char *path;
    const char *body;
    unsigned status;
    const char *code;
} cases[] = {
    {"retrieve", "", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{", 400, "INVALID_ARGUMENT"},
    {"retrieve", "[]", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":1}", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{},\"device\":{}}", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{}", 422, "MISSING_IDENTIFIER"},
    {"retrieve", "{\"device\":{}}", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{\"phoneNumber\":\"\"}}", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{\"phoneNumber\":\"*\"}}", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{\"phoneNumber\":\"+9990100*\"}}", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{\"phoneNumber\":\"+99901\\u0000\"}}", 400, "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{\"networkAccessIdentifier\":\"a@b\"}}", 422,
     "UNSUPPORTED_IDENTIFIER"},
    {"retrieve", "{\"equipment\":{\"imei\":\"490154203237519\"}}", 400, "INVALID_ARGUMENT"},
    {"retrieve",
     "{\"equipment\":{\"imei\":\"490154203237518\"},\"device\":{\"phoneNumber\":\"+99901\"}}", 422,
     "UNNECESSARY_IDENTIFIER"},
    {"retrieve", "{\"device\":{\"phoneNumber\":\"+999010000\"},\"all\":true}", 400,
     "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{\"phoneNumber\":\"+999010000\"},\"fields\":[\"imsi\"]}", 400,
     "INVALID_ARGUMENT"},
    {"retrieve", "{\"device\":{\"phoneNumber\":\"+999010000\"},\"fields\":[]}", 400,
     "INVALID_ARGUMENT"},
    {"match", "{}", 422, "MISSING_IDENTIFIER"},
    {"retrieve-batch", "{\"requests\":[]}", 400, "INVALID_ARGUMENT"},
    {"retrieve-batch", "{\"requests\":{}}", 400, "INVALID_ARGUMENT"},
};

static void malformed_requests_are_refused(void **state)
{
    const char *token = rig_token(rig, "as1");

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        char path[64], answer[4096];
        struct rig_call c = {
            .cert = "as1", .method = "POST", .path = path, .token = token, .body = cases[i].body};
        unsigned status;

        snprintf(path, sizeof path, "/divs-account-status/v0/%s", cases[i].path);
        status = rig_raw(rig, &c, answer, sizeof answer);
        if (status != cases[i].status || strstr(answer, cases[i].code) == NULL) {
            fail_msg("%s: %u %s", cases[i].body, status, answer);
        }
        assert_null(strstr(answer, "99901")); /* no identifier comes back in an error */
    }
}

static void media_and_correlator_are_checked(void **state)
{
    char answer[4096];
    struct rig_call c = {.cert = "as1",
                         .path = "/divs-account-status/v0/retrieve",
                         .token = rig_token(rig, "as1"),
                         .body = "{}",
                         .correlator = "a b"};

    (void)state;
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 400);
    c.correlator = NULL;
    c.media = "text/plain";
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 415);
}

/* req-test: Y.2247-9.1-3 (no wildcard, no empty identity) */
static void malformed_subscriptions_are_refused(void **state)
{
    static const char *const details[] = {"{}",
                                          "{\"device\":{}}",
                                          "{\"device\":{\"phoneNumber\":\"*\"}}",
                                          "{\"device\":{\"phoneNumber\":\"\"}}",
                                          "{\"device\":{\"phoneNumber\":null}}",
                                          "{\"group\":\"all\"}",
                                          "\"all\"",
                                          "null"};
    char body[1024], answer[4096];
    struct rig_call c = {.cert = "as1",
                         .path = "/divs-account-status-subscriptions/v0/subscriptions",
                         .token = rig_token(rig, "as1"),
                         .body = body};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(details); i++) {
        unsigned status;

        snprintf(body, sizeof body,
                 "{\"protocol\":\"HTTP\",\"sink\":\"%s\",\"types\":[\"int.divs.account-status.v0."
                 "imei-changed\"],\"config\":{\"subscriptionDetail\":%s}}",
                 rig_sink(rig, "as1"), details[i]);
        status = rig_raw(rig, &c, answer, sizeof answer);
        if (status != 400 && status != 422) {
            fail_msg("%s: %u %s", details[i], status, answer);
        }
    }
    snprintf(body, sizeof body, "{\"protocol\":\"MQTT5\"}");
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 400);
    assert_non_null(strstr(answer, "INVALID_PROTOCOL"));
    c.method = "GET";
    c.body = NULL;
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 200);
    assert_string_equal(answer, "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(media_and_correlator_are_checked),
        cmocka_unit_test(malformed_subscriptions_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
