/* Hexadecimal, base64, UTF-8, numbers and times. */
#include "vch_test.h"

static void test_hex__round_trip_and_refusals(void **state)
{
    uint8_t out[4];
    char text[9];
    struct vch_bytes b;

    (void)state;
    assert_vch_ok(vch_hex_decode(vch_text("00fFa9"), VCH_SPAN_OF(out), &b));
    assert_int_equal(b.n, 3);
    assert_string_equal(vch_hex_encode(b, VCH_SPAN_OF(text)), "00ffa9");
    assert_vch_err(vch_hex_decode(vch_text("0"), VCH_SPAN_OF(out), &b), TEXT);
    assert_vch_err(vch_hex_decode(vch_text("0g"), VCH_SPAN_OF(out), &b), TEXT);
    assert_vch_err(vch_hex_decode(vch_text("0011223344"), VCH_SPAN_OF(out), &b), NO_ROOM);
}

static void test_base64__rfc4648_vectors_both_ways(void **state)
{
    static const char *const v[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"\xfb\xff", "+/8=", "-_8"},
    };

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(v); i++) {
        for (int kind = VCH_B64_STD; kind <= VCH_B64_URL; kind++) {
            uint8_t raw[16];
            char text[16];
            struct vch_bytes b;

            assert_string_equal(
                vch_b64_encode((enum vch_b64)kind, vch_text(v[i][0]), VCH_SPAN_OF(text)),
                v[i][1 + kind]);
            assert_vch_ok(
                vch_b64_decode((enum vch_b64)kind, vch_text(v[i][1 + kind]), VCH_SPAN_OF(raw), &b));
            assert_bytes_equal(b, vch_text(v[i][0]));
        }
    }
}

static void test_base64__only_the_canonical_form(void **state)
{
    static const char *const std[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "Zg==Zg==", "Z_8=", "Zm 9v"};
    static const char *const url[] = {"Zg==", "Z", "Zh", "Zm9", "Z/8", "Zm9v\n"};
    uint8_t raw[16];
    struct vch_bytes b;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(std); i++) {
        assert_vch_err(vch_b64_decode(VCH_B64_STD, vch_text(std[i]), VCH_SPAN_OF(raw), &b), TEXT);
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(url); i++) {
        assert_vch_err(vch_b64_decode(VCH_B64_URL, vch_text(url[i]), VCH_SPAN_OF(raw), &b), TEXT);
    }
}

static void test_utf8__surrogates_overlong_and_cut_sequences_are_refused(void **state)
{
    static const char *const bad[] = {"\xc0\x80",         "\xe0\x80\x80", "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80", "\x80",         "\xc3",
                                      "\xf0\x9f\x98",     "\xff"};

    (void)state;
    assert_true(vch_utf8_check(vch_text("a\xc3\xbc\xe6\xb0\xb4\xf0\x9f\x98\x80")));
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        assert_false(vch_utf8_check(vch_text(bad[i])));
    }
}

static void test_number__bounds(void **state)
{
    uint64_t v;

    (void)state;
    assert_vch_ok(vch_u64_parse(vch_text("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_vch_err(vch_u64_parse(vch_text("18446744073709551616"), UINT64_MAX, &v), TEXT);
    assert_vch_ok(vch_u64_parse(vch_text("100"), 100, &v));
    assert_vch_err(vch_u64_parse(vch_text("101"), 100, &v), TEXT);
    assert_vch_err(vch_u64_parse(vch_text("9"), 5, &v), TEXT);
    assert_vch_err(vch_u64_parse(vch_text(""), 5, &v), TEXT);
    assert_vch_err(vch_u64_parse(vch_text("+1"), 5, &v), TEXT);
    assert_vch_err(vch_u64_parse(vch_text("70000x"), 99999, &v), TEXT);
}

static void test_time__known_moments(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } v[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"2026-11-21T08:40:35.123Z", 1795250435123},
        {"2026-11-21T09:40:35.123+01:00", 1795250435123},
        {"2026-11-21t03:10:35.123456789-05:30", 1795250435123},
        {"2000-02-29T23:59:60Z", 951868800000},
        {"0000-01-01T00:00:00Z", -62167219200000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"1969-12-31T23:59:59.999Z", -1},
    };
    struct vch_time t;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(v); i++) {
        assert_vch_ok(vch_time_parse(vch_text(v[i].text), &t));
        assert_true(t.ms == v[i].ms);
    }
}

static void test_time__malformed_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-11-21T10:00:00",
        "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00:00.1234567890Z",
        "2026-11-21T10:00:00+24:00",
        "2026-11-21T10:00:00Zx",
        "26-11-21T10:00:00Z",
    };
    struct vch_time t;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        assert_vch_err(vch_time_parse(vch_text(bad[i]), &t), TEXT);
    }
}

static void test_time__text_round_trips_over_all_years(void **state)
{
    char text[VCH_TIME_TEXT_MAX];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct vch_time t = {-62167219200000 + (int64_t)(t_random() % 315569520000000)};
        struct vch_time back;

        assert_vch_ok(vch_time_parse(vch_text(vch_time_text(t, VCH_SPAN_OF(text))), &back));
        assert_true(back.ms == t.ms);
    }
    assert_string_equal(vch_time_text((struct vch_time){INT64_MAX}, VCH_SPAN_OF(text)),
                        "out of range");
    assert_string_equal(vch_time_text((struct vch_time){INT64_MIN}, VCH_SPAN_OF(text)),
                        "out of range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex__round_trip_and_refusals),
        cmocka_unit_test(test_base64__rfc4648_vectors_both_ways),
        cmocka_unit_test(test_base64__only_the_canonical_form),
        cmocka_unit_test(test_utf8__surrogates_overlong_and_cut_sequences_are_refused),
        cmocka_unit_test(test_number__bounds),
        cmocka_unit_test(test_time__known_moments),
        cmocka_unit_test(test_time__malformed_is_refused),
        cmocka_unit_test(test_time__text_round_trips_over_all_years),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
