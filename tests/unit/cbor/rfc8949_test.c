/* The examples of RFC 8949 appendix A, and what the deterministic encoding refuses. */
#include "vch_test.h"

#include <vouch/cbor/cbor.h>

static const char *const deterministic[] = {
    "00",
    "01",
    "0a",
    "17",
    "1818",
    "1819",
    "1864",
    "1903e8",
    "1a000f4240",
    "1b000000e8d4a51000",
    "1bffffffffffffffff",
    "3bffffffffffffffff",
    "20",
    "29",
    "3863",
    "3903e7",
    "f4",
    "f5",
    "f6",
    "c074323031332d30332d32315432303a30343a30305a",
    "c11a514b67b0",
    "d74401020304",
    "40",
    "4401020304",
    "60",
    "6161",
    "6449455446",
    "62c3bc",
    "63e6b0b4",
    "80",
    "83010203",
    "8301820203820405",
    "a0",
    "a201020304",
    "a26161016162820203",
    "826161a161626163",
};

static void test_cbor__deterministic_example_is_one_strict_item(void **state)
{
    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(deterministic); i++) {
        struct vch_bytes in = t_hex(deterministic[i]);
        struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
        struct vch_bytes item;

        assert_vch_ok(vch_cbor_item(&c, &item));
        assert_vch_ok(vch_cbor_end(&c));
        assert_bytes_equal(item, in);
        for (size_t n = 0; n < in.n; n++) {
            struct vch_bytes cut = t_copy(vch_bytes_slice(in, 0, n));
            struct vch_cbor cc = vch_cbor(cut, VCH_CBOR_STRICT);

            assert_false(vch_ok(vch_cbor_item(&cc, &item)));
            assert_int_equal(cc.r.pos, 0);
            free((void *)(uintptr_t)cut.p);
        }
        free((void *)(uintptr_t)in.p);
    }
}

static void expect_refusal(const char *hex, enum vch_cbor_mode mode, vch_err want)
{
    struct vch_bytes in = t_hex(hex);
    struct vch_cbor c = vch_cbor(in, mode);
    struct vch_bytes item;
    vch_err got = vch_cbor_item(&c, &item);

    if (!vch_err_is(got, want)) {
        fail_msg("%s: %s instead of %s", hex, vch_err_info(got)->slug, vch_err_info(want)->slug);
    }
    free((void *)(uintptr_t)in.p);
}

static void test_cbor__non_deterministic_is_refused_strictly(void **state)
{
    (void)state;
    expect_refusal("1817", VCH_CBOR_STRICT, VCH_E(CBOR_CANON));
    expect_refusal("1900ff", VCH_CBOR_STRICT, VCH_E(CBOR_CANON));
    expect_refusal("1a0000ffff", VCH_CBOR_STRICT, VCH_E(CBOR_CANON));
    expect_refusal("1b00000000ffffffff", VCH_CBOR_STRICT, VCH_E(CBOR_CANON));
    expect_refusal("5801aa", VCH_CBOR_STRICT, VCH_E(CBOR_CANON));
    expect_refusal("a202000100", VCH_CBOR_STRICT, VCH_E(CBOR_CANON));
    expect_refusal("a201000100", VCH_CBOR_STRICT, VCH_E(CBOR_DUP));
    expect_refusal("a3010002000100", VCH_CBOR_GENERIC, VCH_E(CBOR_DUP));
    expect_refusal("9fff", VCH_CBOR_GENERIC, VCH_E(CBOR_CANON));
    expect_refusal("f90000", VCH_CBOR_STRICT, VCH_E(CBOR_TYPE));
    expect_refusal("f7", VCH_CBOR_STRICT, VCH_E(CBOR_TYPE));
    expect_refusal("f810", VCH_CBOR_GENERIC, VCH_E(CBOR));
    expect_refusal("1c", VCH_CBOR_GENERIC, VCH_E(CBOR));
    expect_refusal("62c328", VCH_CBOR_GENERIC, VCH_E(TEXT));
    expect_refusal("9bffffffffffffffff", VCH_CBOR_GENERIC, VCH_E(TRUNCATED));
    expect_refusal("5bffffffffffffffff00", VCH_CBOR_GENERIC, VCH_E(TRUNCATED));
    expect_refusal("818181818181818181818181818181818100", VCH_CBOR_GENERIC, VCH_E(CBOR_DEPTH));
}

static void test_cbor__generic_takes_what_strict_refuses(void **state)
{
    static const char *const loose[] = {"1817", "a202000100", "fb3ff199999999999a", "f7", "f8ff"};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(loose); i++) {
        struct vch_bytes in = t_hex(loose[i]);
        struct vch_cbor c = vch_cbor(in, VCH_CBOR_GENERIC);
        struct vch_bytes item;

        assert_vch_ok(vch_cbor_item(&c, &item));
        free((void *)(uintptr_t)in.p);
    }
}

static void test_cbor__integers_round_trip_at_their_bounds(void **state)
{
    static const int64_t v[] = {0,      23,        24,        255,        256,        65535,
                                65536,  -1,        -24,       -25,        -256,       -257,
                                -65536, INT64_MAX, INT64_MIN, 4294967295, 4294967296, -4294967297};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(v); i++) {
        uint8_t room[9];
        struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
        struct vch_writer size = vch_writer((struct vch_span){NULL, 0});
        struct vch_bytes out, n;
        struct vch_cbor c;
        int64_t back;

        vch_cbor_put_int(&w, v[i]);
        vch_cbor_put_int(&size, v[i]);
        assert_vch_ok(vch_writer_finish(&w, &out));
        assert_vch_ok(vch_writer_finish(&size, &n));
        assert_int_equal(out.n, n.n);
        c = vch_cbor(out, VCH_CBOR_STRICT);
        assert_vch_ok(vch_cbor_int(&c, &back));
        assert_true(back == v[i]);
    }
}

static void test_cbor_diag__shows_every_type_and_escapes_text(void **state)
{
    struct vch_bytes in = t_hex("a4018320f53bffffffffffffffff0242dead0361220461");
    struct vch_bytes ok = t_hex("a30183203bfffffffffffffffff60242dead036222"
                                "1b");
    uint8_t room[256];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes out;

    (void)state;
    assert_vch_err(vch_cbor_diag(in, &w), TRUNCATED);
    assert_vch_ok(vch_cbor_diag(ok, &w));
    assert_vch_ok(vch_writer_finish(&w, &out));
    assert_bytes_equal(out,
                       vch_text("{\n  1: [\n    -1,\n    -18446744073709551616,\n    null\n  ],\n"
                                "  2: h'dead',\n  3: \"\\\"\\u001b\"\n}"));
    free((void *)(uintptr_t)in.p);
    free((void *)(uintptr_t)ok.p);
}

static void expect_diag(const char *hex, const char *want)
{
    struct vch_bytes in = t_hex(hex);
    uint8_t room[256];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes out;

    assert_vch_ok(vch_cbor_diag(in, &w));
    assert_vch_ok(vch_writer_finish(&w, &out));
    assert_bytes_equal(out, vch_text(want));
    free((void *)(uintptr_t)in.p);
}

static void test_cbor_diag__examples_of_the_rfc(void **state)
{
    (void)state;
    expect_diag("00", "0");
    expect_diag("1bffffffffffffffff", "18446744073709551615");
    expect_diag("20", "-1");
    expect_diag("3903e7", "-1000");
    expect_diag("80", "[]");
    expect_diag("a0", "{}");
    expect_diag("40", "h''");
    expect_diag("60", "\"\"");
    expect_diag("f4", "false");
    expect_diag("f5", "true");
    expect_diag("f6", "null");
    expect_diag("f7", "undefined");
    expect_diag("f0", "simple(16)");
    expect_diag("f8ff", "simple(255)");
    expect_diag("c11a514b67b0", "1(1363896240)");
    expect_diag("d818456449455446", "24(h'6449455446')");
    expect_diag("fb3ff199999999999a", "floath'3ff199999999999a'");
    expect_diag("a1820102f6", "{\n  [\n    1,\n    2\n  ]: null\n}");
    expect_diag("624041", "\"@A\"");
    expect_diag("65c29b41c3bc", "\"\\u009bA\xc3\xbc\""); /* CSI */
    expect_diag("67e280aee6b0b441", "\"\\u202e\xe6\xb0\xb4"
                                    "A\""); /* right to left */
    expect_diag("64f09f9880", "\"\xf0\x9f\x98\x80\"");
    expect_diag("627f5c", "\"\\u007f\\\\\"");
}

static void test_cbor_diag__room_and_damage(void **state)
{
    static const char *const bad[] = {"",     "61",   "8101ff", "0000", "c1",
                                      "f818", "a101", "fb00",   "1c"};
    struct vch_bytes ok = t_hex("83010203");
    uint8_t room[8];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes out;

    (void)state;
    assert_vch_ok(vch_cbor_diag(ok, &w));
    assert_vch_err(vch_writer_finish(&w, &out), NO_ROOM);
    free((void *)(uintptr_t)ok.p);
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        struct vch_bytes in = t_hex(bad[i]);
        struct vch_writer count = vch_writer((struct vch_span){NULL, 0});

        assert_false(vch_ok(vch_cbor_diag(in, &count)));
        free((void *)(uintptr_t)in.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cbor__deterministic_example_is_one_strict_item),
        cmocka_unit_test(test_cbor__non_deterministic_is_refused_strictly),
        cmocka_unit_test(test_cbor__generic_takes_what_strict_refuses),
        cmocka_unit_test(test_cbor__integers_round_trip_at_their_bounds),
        cmocka_unit_test(test_cbor_diag__shows_every_type_and_escapes_text),
        cmocka_unit_test(test_cbor_diag__examples_of_the_rfc),
        cmocka_unit_test(test_cbor_diag__room_and_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
