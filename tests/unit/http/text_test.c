/* The parts without sockets: targets, patterns, media types, event streams, token buckets. */
#include <vch_test.h>
#include <vouch/http/client.h>
#include <vouch/http/rate.h>

#include "../../../src/http/authority.h"
#include "../../../src/http/media.h"
#include "../../../src/http/uri.h"

static vch_err parse(const char *raw, char *room, size_t cap, struct vch_http_target *t)
{
    return vch_http_target_parse(raw, vch_span(room, cap), t);
}

static void targets_are_taken_apart_before_they_are_decoded(void **state)
{
    static const char *const bad[] = {"",     "x",        "*",       "/%",      "/%4",   "/%4g",
                                      "/%00", "/%0a",     "/%7F",    "/%c0%af", "/../a", "/a/%2e.",
                                      "/./a", "/a?x=%zz", "/a?x=\t", "/\xff"};
    struct vch_http_target t;
    char room[256];

    (void)state;
    assert_vch_ok(parse("/a%2fb//c%C3%A9+?x=1&&y=+%2B&z&=v&q=a=b", room, sizeof(room), &t));
    assert_int_equal(t.segment_count, 3);
    assert_string_equal(t.segments[0], "a/b");
    assert_true(t.slash[0]);
    assert_string_equal(t.segments[1], "");
    assert_string_equal(t.segments[2], "c\xc3\xa9+");
    assert_int_equal(t.query_count, 5);
    assert_string_equal(t.query[1].value, " +");
    assert_string_equal(t.query[2].name, "z");
    assert_string_equal(t.query[2].value, "");
    assert_string_equal(t.query[3].name, "");
    assert_string_equal(t.query[3].value, "v");
    assert_string_equal(t.query[4].value, "a=b");
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        assert_vch_err(parse(bad[i], room, sizeof(room), &t), HTTP_URI);
    }
    assert_vch_err(
        parse("/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5", room, sizeof(room), &t),
        HTTP_URI);
}

static bool matches(const char *pattern, const char *raw, char *out, size_t cap)
{
    struct vch_http_pattern p;
    struct vch_http_target t;
    struct vch_http_pair pairs[VCH_HTTP_PARAMS_MAX];
    char room[256], rest[256];
    size_t n = 0, at = 0;
    bool yes;

    assert_vch_ok(vch_http_pattern_compile(pattern, &p));
    assert_vch_ok(parse(raw, room, sizeof(room), &t));
    yes = vch_http_pattern_match(&p, &t, vch_span(rest, sizeof(rest)), pairs, &n);
    out[0] = 0;
    for (size_t i = 0; yes && i < n; i++) {
        at += (size_t)snprintf(out + at, cap - at, "%s=%s;", pairs[i].name, pairs[i].value);
    }
    vch_http_pattern_fini(&p);
    return yes;
}

static void patterns_match(void **state)
{
    static const char *const bad[] = {"a",
                                      "/{",
                                      "/{}",
                                      "/{*}",
                                      "/a{b}",
                                      "/{a*}/b",
                                      "/a%20b",
                                      "/a?b",
                                      "/{a}x",
                                      "/a*",
                                      "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"};
    struct vch_http_pattern p, q;
    char out[256];

    (void)state;
    assert_true(matches("/", "/", out, sizeof(out)));
    assert_false(matches("/a", "/a/", out, sizeof(out)));
    assert_true(matches("/a/", "/a/", out, sizeof(out)));
    assert_true(matches("/a/{b}/c/{d}", "/a/x%20y/c/z", out, sizeof(out)));
    assert_string_equal(out, "b=x y;d=z;");
    assert_false(matches("/a/{b}", "/a/", out, sizeof(out))); /* a parameter is never empty */
    assert_true(matches("/a/{b*}", "/a/", out, sizeof(out)));
    assert_string_equal(out, "b=;");
    assert_true(matches("/a/{b*}", "/a/x/y/", out, sizeof(out)));
    assert_string_equal(out, "b=x/y/;");
    assert_false(matches("/a/{b*}", "/a", out, sizeof(out)));
    assert_false(matches("/a/{b*}", "/a/x%2Fy", out, sizeof(out)));
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        assert_vch_err(vch_http_pattern_compile(bad[i], &p), HTTP_OPTIONS);
    }
    assert_vch_ok(vch_http_pattern_compile("/a/{b}", &p));
    assert_vch_ok(vch_http_pattern_compile("/a/all", &q));
    assert_true(vch_http_pattern_cmp(&q, &p) < 0 && vch_http_pattern_cmp(&p, &q) > 0);
    vch_http_pattern_fini(&p);
    vch_http_pattern_fini(&q);
}

static void media_types_are_negotiated(void **state)
{
    static const char *const offered[] = {"application/json", "application/cbor", "text/html"};
    static const struct {
        const char *accept;
        int want; /* -1: none */
    } cases[] = {
        {NULL, 0},
        {"", 0},
        {"*/*", 0},
        {"application/cbor", 1},
        {"APPLICATION/CBOR", 1},
        {"application/*", 0},
        {"text/*, application/json;q=0.9", 2},
        {"application/json;q=0, */*", 1},
        {"application/json;q=0.1, application/cbor;q=0.2", 1},
        {"application/json;v=2;q=0.1, application/cbor;q=0.15", 1},
        {"text/html;q=0.5,*/*;q=0.1", 2},
        {"image/png", -1},
        {"application/json;q=0", -1},
        {"application/json;q=2", -1},
        {"application/json;q=x", -1},
        {"application/jso", -1},
        {",, ;q=1,", -1},
    };
    char media[VCH_HTTP_MEDIA_MAX];

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        size_t got = 99;
        vch_err e = vch_http_media_pick(cases[i].accept, offered, 3, &got);

        if (cases[i].want < 0 ? !vch_err_is(e, VCH_E(HTTP_NOT_ACCEPTABLE))
                              : got != (size_t)cases[i].want) {
            fail_msg("%s: %s %zu", cases[i].accept, vch_err_info(e)->slug, got);
        }
    }
    vch_http_media_of(" Application/CBOR ; a=b", media);
    assert_string_equal(media, "application/cbor");
    vch_http_media_of("nonsense", media);
    assert_string_equal(media, "");
    vch_http_media_of("a/b\"c", media);
    assert_string_equal(media, "");
    vch_http_media_of(NULL, media);
    assert_string_equal(media, "");
    assert_true(vch_http_media_listed("a/b, application/cbor", "application/cbor"));
    assert_false(vch_http_media_listed("a/b, application/cbor", "application/cb"));
    assert_false(vch_http_media_listed("a/b", ""));
}

/* ---- events */

struct seen {
    char text[512];
    size_t n;
    unsigned left; /* events until the callback fails */
};

static vch_err on_event(void *self, const struct vch_http_event *ev)
{
    struct seen *s = self;

    if (s->left-- == 0) {
        return VCH_E(HTTP_BUSY);
    }
    s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n, "[%.*s|%.*s|%.*s]",
                             (int)ev->id.n, (const char *)ev->id.p, (int)ev->event.n,
                             (const char *)ev->event.p, (int)ev->data.n, (const char *)ev->data.p);
    return VCH_OK;
}

static void events_are_the_same_however_they_are_cut(void **state)
{
    static const char stream[] =
        "\xef\xbb\xbf: comment\r\n\r\ndata: one\n\nid: 7\nevent: add\r\ndata:two\rdata\rdata:  "
        "x\r\r"
        "data: three\nid\n\nunknown: y\nretry: 1500\nretry: 9x\n\ndata: never ended\n";
    static const char want[] = "[|message|one][7|add|two\n\n x][|message|three]";

    (void)state;
    for (size_t cut = 1; cut < sizeof(stream); cut++) {
        struct seen s = {.left = 100};
        struct vch_http_events p;

        vch_http_events_init(&p, 64, on_event, &s);
        for (size_t i = 0; i < sizeof(stream) - 1; i += cut) {
            assert_vch_ok(vch_http_events_push(
                &p, vch_bytes_slice(vch_bytes(stream, sizeof(stream) - 1), i, cut)));
        }
        assert_string_equal(s.text, want);
        assert_int_equal(p.retry_ms, 1500);
        vch_http_events_fini(&p);
    }
}

static void events_are_bounded(void **state)
{
    struct seen s = {.left = 1};
    struct vch_http_events p;

    (void)state;
    vch_http_events_init(&p, 8, on_event, &s);
    assert_vch_ok(vch_http_events_push(&p, vch_text("data: 12345678\n\n")));
    assert_string_equal(s.text, "[|message|12345678]");
    assert_vch_err(vch_http_events_push(&p, vch_text("data: x\n\n")), HTTP_BUSY);
    vch_http_events_fini(&p);
    vch_http_events_init(&p, 8, on_event, &s);
    assert_vch_err(vch_http_events_push(&p, vch_text("data: 1234\ndata: 5678\n")), LIMIT);
    vch_http_events_fini(&p);
    vch_http_events_init(&p, 8, on_event, &s);
    assert_vch_err(vch_http_events_push(&p, vch_text("data: 123456789012345678901234567890")),
                   LIMIT);
    vch_http_events_fini(&p);
    vch_http_events_init(&p, 8, on_event, &s);
    assert_vch_err(vch_http_events_push(&p, vch_text("data: \xff\n")), TEXT);
    vch_http_events_fini(&p);
}

/* ---- buckets */

static void buckets_fill_with_time(void **state)
{
    struct vch_rate *r = vch_rate_open(2, 3, 100);
    struct vch_bytes a = vch_text("a"), b = vch_text("b");
    int64_t wait_ms = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_vch_ok(vch_rate_take(r, a, 1, 1000, &wait_ms));
    }
    assert_vch_err(vch_rate_take(r, a, 1, 1000, &wait_ms), HTTP_RATE);
    assert_in_range(wait_ms, 500, 501);
    assert_vch_ok(vch_rate_take(r, b, 3, 1000, &wait_ms)); /* another key */
    assert_vch_err(vch_rate_take(r, a, 1, 1499, &wait_ms), HTTP_RATE);
    assert_vch_ok(vch_rate_take(r, a, 1, 1500, &wait_ms));
    assert_vch_err(vch_rate_take(r, a, 1, 900, &wait_ms), HTTP_RATE); /* a clock going back */
    assert_vch_ok(vch_rate_take(r, a, 3, 1000000, &wait_ms));
    assert_vch_err(vch_rate_take(r, a, 1, 1000000, &wait_ms), HTTP_RATE); /* no more than burst */
    vch_rate_close(r);
}

/* A flood of keys takes no memory, and hardly helps against a key that is in use. */
static void buckets_are_bounded(void **state)
{
    struct vch_rate *r = vch_rate_open(0.001, 1, 16);
    unsigned passed = 0;
    int64_t wait_ms;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "%u", i);
        assert_vch_ok(vch_rate_take(r, vch_text(key), 1, i, &wait_ms));
        passed += vch_ok(vch_rate_take(r, vch_text("mine"), 1, i, &wait_ms));
    }
    assert_int_equal(passed, 1);
    vch_rate_close(r);
}

static void authorities(void **state)
{
    struct vch_http_authority a, b;

    (void)state;
    assert_vch_ok(vch_http_authority_parse("https://Example.ORG/x?y", &a));
    assert_vch_ok(vch_http_authority_parse("https://example.org:443", &b));
    assert_true(vch_http_authority_equal(&a, &b));
    assert_vch_ok(vch_http_authority_parse("https://example.org:444", &b));
    assert_false(vch_http_authority_equal(&a, &b));
    assert_vch_ok(vch_http_authority_parse("http://example.org:443", &b));
    assert_false(vch_http_authority_equal(&a, &b));
    assert_false(vch_http_authority_local(&b));
    assert_vch_ok(vch_http_authority_parse("http://[::1]:80", &b));
    assert_true(vch_http_authority_local(&b));
    assert_vch_ok(vch_http_authority_parse("http://127.9.9.9", &b));
    assert_true(vch_http_authority_local(&b));
    assert_vch_ok(vch_http_authority_parse("http://127.0.0.1.example.org", &b));
    assert_false(vch_http_authority_local(&b));
    assert_vch_err(vch_http_authority_parse("https://a@b/", &b), HTTP_OPTIONS);
    assert_vch_err(vch_http_authority_parse("nonsense", &b), HTTP_OPTIONS);
    assert_vch_err(vch_http_authority_parse("https://a/#f", &b), HTTP_OPTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_taken_apart_before_they_are_decoded),
        cmocka_unit_test(patterns_match),
        cmocka_unit_test(media_types_are_negotiated),
        cmocka_unit_test(events_are_the_same_however_they_are_cut),
        cmocka_unit_test(events_are_bounded),
        cmocka_unit_test(buckets_fill_with_time),
        cmocka_unit_test(buckets_are_bounded),
        cmocka_unit_test(authorities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
