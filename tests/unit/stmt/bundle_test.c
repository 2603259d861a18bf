/* Disclosures and bundles: written, read as a stream, and every alteration noticed. */
#include "vch_world.h"

#include <vouch/base/buf.h>

static const struct vch_crypto *cr;

static int setup(void **state)
{
    (void)state;
    cr = vch_ossl_crypto();
    return 0;
}

/* req-test: Y.2247-7.2.3-12 */
static void test_disclosure__opens_only_its_own_digest(void **state)
{
    static const uint8_t salt[VCH_SALT_LEN] = {1};
    struct vch_disclosure d = {.salt = VCH_BYTES_OF(salt), .key = VCH_DISC_END}, got;
    uint8_t room[3][128], list_room[128];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(list_room));
    struct vch_stmt_digests list;
    struct vch_bytes c[3], encoded;
    struct vch_hash digests[2];
    struct vch_cbor r;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        d.value = vch_stmt_disc_int((int64_t)i - 1);
        assert_vch_ok(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room[i]), &c[i]));
    }
    vch_stmt_disclosure_digest(cr, c[0], &digests[0]);
    vch_stmt_disclosure_digest(cr, c[1], &digests[1]);
    vch_stmt_digests_sort(digests, 2);
    vch_stmt_digests_put(&w, digests, 2);
    assert_vch_ok(vch_writer_finish(&w, &encoded));
    r = vch_cbor(encoded, VCH_CBOR_STRICT);
    assert_vch_ok(vch_stmt_digests_decode(&r, &list));
    assert_vch_ok(vch_stmt_disclosure_open(cr, &list, c[0], &got));
    assert_int_equal(got.value.num, -1);
    assert_vch_ok(vch_stmt_disclosure_open(cr, &list, c[1], &got));
    assert_vch_err(vch_stmt_disclosure_open(cr, &list, c[2], &got), DISCLOSURE_FOREIGN);
}

static void test_disclosure__value_must_fit_its_key(void **state)
{
    static const uint8_t salt[VCH_SALT_LEN] = {1};
    uint8_t room[128];
    struct vch_bytes out;
    struct vch_disclosure d = {.salt = VCH_BYTES_OF(salt), .key = VCH_DISC_END};

    (void)state;
    d.value = vch_stmt_disc_text(vch_text("tomorrow"));
    assert_vch_err(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out), DISCLOSURE);
    d.value = vch_stmt_disc_null();
    assert_vch_ok(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out));
    d.key = VCH_DISC_START;
    assert_vch_err(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out), DISCLOSURE);
    d.key = VCH_DISC_STANDING;
    d.value = vch_stmt_disc_int(4);
    assert_vch_err(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out), DISCLOSURE);
    d.key = VCH_DISC_IMEI;
    d.value = vch_stmt_disc_text(vch_text("352099001761482"));
    assert_vch_err(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out), IDENT_IMEI);
    d.salt.n = 15;
    assert_vch_err(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out), DISCLOSURE);
    for (size_t key = 1; key < 40; key++) {
        const char *name = vch_stmt_disc_name(key);

        if (strcmp(name, "unknown") != 0) {
            assert_int_equal(vch_stmt_disc_key_of(vch_text(name)), key);
        }
    }
}

static void test_digests__only_ascending_lists_are_taken(void **state)
{
    struct vch_hash h[2];
    uint8_t room[128];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_stmt_digests list;
    struct vch_bytes out;
    struct vch_cbor c;

    (void)state;
    memset(&h[0], 2, sizeof(h[0]));
    memset(&h[1], 1, sizeof(h[1]));
    vch_stmt_digests_put(&w, h, 2);
    assert_vch_err(vch_writer_finish(&w, &out), DIGESTS);
    w = vch_writer(VCH_SPAN_OF(room));
    vch_cbor_put_array(&w, 2);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&h[0]));
    vch_cbor_put_bstr(&w, vch_hash_bytes(&h[1]));
    assert_vch_ok(vch_writer_finish(&w, &out));
    c = vch_cbor(out, VCH_CBOR_STRICT);
    assert_vch_err(vch_stmt_digests_decode(&c, &list), DIGESTS);
    vch_stmt_digests_sort(h, 2);
    w = vch_writer(VCH_SPAN_OF(room));
    vch_stmt_digests_put(&w, h, 2);
    assert_vch_ok(vch_writer_finish(&w, &out));
    c = vch_cbor(out, VCH_CBOR_STRICT);
    assert_vch_ok(vch_stmt_digests_decode(&c, &list));
    assert_true(vch_stmt_digests_has(&list, &h[0]) && vch_stmt_digests_has(&list, &h[1]));
}

struct made {
    struct vch_buf b;
    struct vch_stmt_bundle_sum sum;
    uint8_t room[4096];
    struct vch_writer w;
};

static void begin(struct made *m)
{
    m->w = vch_writer(VCH_SPAN_OF(m->room));
}

static void add(struct made *m)
{
    struct vch_bytes rec;

    assert_vch_ok(vch_writer_finish(&m->w, &rec));
    vch_stmt_bundle_sum_add(&m->sum, rec);
    assert_vch_ok(vch_buf_append(&m->b, rec));
}

#define PUT(m, call)                                                                               \
    do {                                                                                           \
        begin(m);                                                                                  \
        call;                                                                                      \
        add(m);                                                                                    \
    } while (0)

/* A bundle with a record of every type. */
static void make(struct made *m, bool ended)
{
    static const uint8_t salt[VCH_SALT_LEN] = {3}, seed[VCH_SEED_LEN] = {4};
    struct vch_bytes list[2] = {vch_text("one"), vch_text("two")}, end;
    struct vch_hash h[2];

    memset(h, 0x33, sizeof(h));
    m->b = vch_buf_init(1 << 20);
    vch_stmt_bundle_sum_init(&m->sum, cr);
    PUT(m, vch_stmt_bundle_put_head(&m->w));
    PUT(m, vch_stmt_bundle_put_statement(&m->w, vch_text("statement"), list, 2));
    PUT(m, vch_stmt_bundle_put_disclosures(&m->w, &h[0], list, 2));
    PUT(m, vch_stmt_bundle_put_certificate(&m->w, vch_text("certificate")));
    PUT(m, vch_stmt_bundle_put_state_proof(&m->w, vch_text("proof")));
    PUT(m, vch_stmt_bundle_put_genesis(&m->w, vch_text("genesis"), vch_text("receipt")));
    PUT(m, vch_stmt_bundle_put_item(&m->w, vch_text("item")));
    PUT(m, vch_stmt_bundle_put_rows(&m->w, 0, VCH_BYTES_OF(seed), 0, list, 2));
    PUT(m, vch_stmt_bundle_put_row(&m->w, 0, 1, VCH_BYTES_OF(salt), vch_text("raw"), h, 2));
    PUT(m, vch_stmt_bundle_put_row(&m->w, 0, 2, vch_bytes(NULL, 0), vch_hash_bytes(&h[0]), h, 1));
    PUT(m, vch_stmt_bundle_put_anchor(&m->w, 0, &h[0], 0, NULL, 0));
    PUT(m, vch_stmt_bundle_put_file(&m->w, 0, VCH_BYTES_OF(salt), 1u << 30, vch_text("video.mp4")));
    if (ended) {
        begin(m);
        vch_stmt_bundle_put_end(&m->w, &m->sum);
        assert_vch_ok(vch_writer_finish(&m->w, &end));
        assert_vch_ok(vch_buf_append(&m->b, end));
    }
}

/* Reads all of IN through windows that grow byte by byte; gives the error, and what was read. */
static vch_err read_all(struct vch_bytes in, bool fragment, unsigned *ret_types, bool *ret_ended)
{
    struct vch_stmt_bundle_reader r;
    struct vch_stmt_bundle_rec rec;
    enum vch_stmt_bundle_step step;
    size_t from = 0, window = 0;
    unsigned types = 0;

    vch_stmt_bundle_reader_init(&r, cr, fragment);
    for (;;) {
        bool last = from + window == in.n;

        VCH_TRY(vch_stmt_bundle_next(&r, vch_bytes(in.p + from, window), last, &step, &rec));
        if (step == VCH_BUNDLE_END) {
            break;
        }
        if (step == VCH_BUNDLE_MORE) {
            assert_false(last);
            window++;
            continue;
        }
        types |= 1U << rec.type;
        from += rec.whole.n;
        window = 0;
    }
    *ret_types = types;
    *ret_ended = r.ended;
    return VCH_OK;
}

static void test_bundle__is_read_in_windows_of_any_size(void **state)
{
    struct made m;
    unsigned types;
    bool ended;

    (void)state;
    make(&m, true);
    assert_vch_ok(read_all(vch_buf_get(&m.b), false, &types, &ended));
    assert_int_equal(types, 0x93ff);
    assert_true(ended);
    vch_buf_fini(&m.b);
    make(&m, false);
    assert_vch_ok(read_all(vch_buf_get(&m.b), false, &types, &ended));
    assert_false(ended);
    vch_buf_fini(&m.b);
}

static void test_bundle__every_cut_and_every_flip_is_noticed(void **state)
{
    struct made m;
    unsigned types;
    bool ended;

    (void)state;
    make(&m, true);
    for (size_t n = 0; n < m.b.n; n++) {
        struct vch_bytes cut = t_copy(vch_bytes(m.b.p, n));
        vch_err e = read_all(cut, false, &types, &ended);

        assert_true(!vch_ok(e) || !ended); /* at the end of a record it is an open stream */
        free((void *)(uintptr_t)cut.p);
    }
    for (size_t i = 0; i < m.b.n; i++) {
        uint8_t was = m.b.p[i];

        m.b.p[i] ^= (uint8_t)(1U << (t_random() % 8));
        assert_false(vch_ok(read_all(vch_buf_get(&m.b), false, &types, &ended)));
        m.b.p[i] = was;
    }
    assert_vch_ok(vch_buf_append(&m.b, vch_text("\x82")));
    assert_vch_err(read_all(vch_buf_get(&m.b), false, &types, &ended), BUNDLE_END);
    vch_buf_fini(&m.b);
}

static void test_bundle__misplaced_records_are_refused(void **state)
{
    static const uint8_t seed[VCH_SEED_LEN] = {4};
    struct vch_bytes row = vch_text("row");
    struct made m;
    unsigned types;
    bool ended;

    (void)state;
    m.b = vch_buf_init(1 << 16);
    vch_stmt_bundle_sum_init(&m.sum, cr);
    PUT(&m, vch_stmt_bundle_put_item(&m.w, vch_text("item")));
    assert_vch_err(read_all(vch_buf_get(&m.b), false, &types, &ended), BUNDLE_HEAD);
    assert_vch_ok(read_all(vch_buf_get(&m.b), true, &types, &ended));
    PUT(&m, vch_stmt_bundle_put_rows(&m.w, 1, VCH_BYTES_OF(seed), 0, &row, 1));
    assert_vch_err(read_all(vch_buf_get(&m.b), true, &types, &ended), BUNDLE_ITEM);
    vch_buf_reset(&m.b);
    PUT(&m, vch_stmt_bundle_put_head(&m.w));
    PUT(&m, vch_stmt_bundle_put_head(&m.w));
    assert_vch_err(read_all(vch_buf_get(&m.b), false, &types, &ended), BUNDLE_HEAD);
    assert_vch_err(read_all(vch_text("{\"json\": true}"), false, &types, &ended), BUNDLE_HEAD);
    assert_vch_err(read_all(vch_bytes(NULL, 0), false, &types, &ended), BUNDLE_HEAD);
    vch_buf_fini(&m.b);
}

static void test_bundle__file_name_never_names_a_folder(void **state)
{
    static const char *const names[] = {"../secret", "/etc/passwd", ".hidden", "a\\b"};
    static const uint8_t salt[VCH_SALT_LEN] = {4};
    unsigned types;
    bool ended;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        struct made m;

        m.b = vch_buf_init(1 << 16);
        vch_stmt_bundle_sum_init(&m.sum, cr);
        PUT(&m, vch_stmt_bundle_put_item(&m.w, vch_text("item")));
        PUT(&m, vch_stmt_bundle_put_file(&m.w, 0, VCH_BYTES_OF(salt), 5, vch_text(names[i])));
        assert_vch_err(read_all(vch_buf_get(&m.b), true, &types, &ended), BUNDLE_RECORD);
        vch_buf_fini(&m.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disclosure__opens_only_its_own_digest),
        cmocka_unit_test(test_disclosure__value_must_fit_its_key),
        cmocka_unit_test(test_digests__only_ascending_lists_are_taken),
        cmocka_unit_test(test_bundle__is_read_in_windows_of_any_size),
        cmocka_unit_test(test_bundle__every_cut_and_every_flip_is_noticed),
        cmocka_unit_test(test_bundle__misplaced_records_are_refused),
        cmocka_unit_test(test_bundle__file_name_never_names_a_folder),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
