/* The error table, views, reader, writer and growable buffer. */
#include "vch_test.h"

#include <vouch/base/buf.h>

static void test_err__every_row_is_found_by_code_and_slug(void **state)
{
    const struct vch_err_info *i;
    size_t n = 0;

    (void)state;
    while ((i = vch_err_at(n)) != NULL) {
        assert_ptr_equal(vch_err_info((vch_err){i->code}), i);
        assert_ptr_equal(vch_err_find(i->slug), i);
        assert_true(i->exit == 1 || i->exit == 2 || i->exit == 64 || i->exit == 70);
        assert_true(i->http >= 400 && i->http < 600);
        n++;
    }
    assert_true(n > 20);
    assert_string_equal(vch_err_info(VCH_OK)->slug, "ok");
    assert_string_equal(vch_err_info((vch_err){0xdead})->slug, "unknown");
    assert_null(vch_err_find("no-such-slug"));
    assert_ptr_equal(vch_err_find("SIGNATURE"), vch_err_info(VCH_E(SIGNATURE)));
    assert_int_equal(vch_err_kind(VCH_E(SIGNATURE)), VCH_KIND_DENIED);
}

static void test_reader__truncated_read_consumes_nothing(void **state)
{
    static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct vch_reader r = vch_reader(VCH_BYTES_OF(in));
    struct vch_bytes b;
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;
    uint8_t v8;

    (void)state;
    assert_vch_ok(vch_reader_u8(&r, &v8));
    assert_vch_ok(vch_reader_u16(&r, &v16));
    assert_vch_ok(vch_reader_u32(&r, &v32));
    assert_int_equal(v8, 1);
    assert_int_equal(v16, 0x0203);
    assert_int_equal(v32, 0x04050607);
    assert_vch_err(vch_reader_u64(&r, &v64), TRUNCATED);
    assert_vch_err(vch_reader_end(&r), TRAILING);
    assert_int_equal(vch_reader_left(&r), 2);
    assert_vch_err(vch_reader_bytes(&r, SIZE_MAX, &b), TRUNCATED);
    assert_vch_ok(vch_reader_bytes(&r, 2, &b));
    assert_int_equal(b.p[1], 9);
    assert_vch_ok(vch_reader_end(&r));
}

static void test_writer__failure_sticks_and_size_pass_counts(void **state)
{
    uint8_t room[7];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_writer size = vch_writer((struct vch_span){NULL, 0});
    struct vch_bytes out;

    (void)state;
    vch_writer_u32(&w, 0x01020304);
    vch_writer_u32(&w, 5); /* one byte too many */
    vch_writer_u8(&w, 6);  /* would fit, but the failure sticks */
    assert_vch_err(vch_writer_finish(&w, &out), NO_ROOM);
    vch_writer_u32(&size, 1);
    vch_writer_u64(&size, 1);
    vch_writer_u16(&size, 1);
    assert_vch_ok(vch_writer_finish(&size, &out));
    assert_int_equal(out.n, 14);
    assert_null(out.p);
    vch_writer_fail(&size, VCH_E(LIMIT));
    vch_writer_fail(&size, VCH_E(TEXT));
    assert_vch_err(vch_writer_finish(&size, &out), LIMIT);
}

static void test_bytes__order_slice_and_constant_time_equality(void **state)
{
    (void)state;
    assert_true(vch_bytes_cmp(vch_text("a"), vch_text("b")) < 0);
    assert_true(vch_bytes_cmp(vch_text("a"), vch_text("aa")) < 0);
    assert_true(vch_bytes_cmp(vch_text("b"), vch_text("aa")) > 0);
    assert_int_equal(vch_bytes_cmp(vch_text("aa"), vch_text("aa")), 0);
    assert_bytes_equal(vch_bytes_slice(vch_text("hello"), 1, 3), vch_text("ell"));
    assert_int_equal(vch_bytes_slice(vch_text("hello"), 9, 3).n, 0);
    assert_int_equal(vch_bytes_slice(vch_text("hello"), 3, 99).n, 2);
    assert_true(vch_equal_ct(vch_text("same"), vch_text("same")));
    assert_false(vch_equal_ct(vch_text("same"), vch_text("sane")));
    assert_false(vch_equal_ct(vch_text("same"), vch_text("sam")));
}

static void test_buf__maximum_is_a_limit_not_a_crash(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(100);
    const char *text;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_vch_ok(vch_buf_text(&b, "12345"));
    }
    assert_vch_err(vch_buf_text(&b, "6"), LIMIT);
    assert_vch_err(vch_buf_cstr(&b, &text), LIMIT);
    vch_buf_reset(&b);
    assert_vch_ok(vch_buf_printf(&b, "%d-%s", 42, "x"));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    assert_string_equal(text, "42-x");
    vch_buf_fini(&b);
    vch_buf_fini(&b);
}

static void test_wipe__leaves_zeros(void **state)
{
    uint8_t secret[32];

    (void)state;
    memset(secret, 0xaa, sizeof(secret));
    vch_wipe(secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++) {
        assert_int_equal(secret[i], 0);
    }
    vch_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__every_row_is_found_by_code_and_slug),
        cmocka_unit_test(test_reader__truncated_read_consumes_nothing),
        cmocka_unit_test(test_writer__failure_sticks_and_size_pass_counts),
        cmocka_unit_test(test_bytes__order_slice_and_constant_time_equality),
        cmocka_unit_test(test_buf__maximum_is_a_limit_not_a_crash),
        cmocka_unit_test(test_wipe__leaves_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
