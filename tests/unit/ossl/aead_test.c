/* Authenticated encryption, wrapping and derivation: known answers and refusals. */
#include "vch_test.h"

#include <vouch/ossl/aead.h>

static void free_bytes(struct vch_bytes *b)
{
    free((void *)(uintptr_t)b->p);
}

/* Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega). */
#define KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define PLAIN                                                                                      \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define SEALED                                                                                     \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"                             \
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"                                     \
    "76fc6ece0f4e1768cddf8853bb2d551b"

static void test_aead__known_answer_also_in_place(void **state)
{
    VCH_AUTO(free_bytes) struct vch_bytes key = t_hex(KEY);
    VCH_AUTO(free_bytes) struct vch_bytes nonce = t_hex("cafebabefacedbaddecaf888");
    VCH_AUTO(free_bytes) struct vch_bytes plain = t_hex(PLAIN);
    VCH_AUTO(free_bytes) struct vch_bytes aad = t_hex(AAD);
    VCH_AUTO(free_bytes) struct vch_bytes sealed = t_hex(SEALED);
    uint8_t room[100];
    struct vch_bytes got;

    (void)state;
    assert_vch_ok(vch_ossl_aead_seal(key.p, nonce.p, aad, plain, VCH_SPAN_OF(room), &got));
    assert_bytes_equal(got, sealed);
    assert_vch_ok(vch_ossl_aead_open(key.p, nonce.p, aad, sealed, VCH_SPAN_OF(room), &got));
    assert_bytes_equal(got, plain);
    memcpy(room, plain.p, plain.n);
    assert_vch_ok(
        vch_ossl_aead_seal(key.p, nonce.p, aad, vch_bytes(room, plain.n), VCH_SPAN_OF(room), &got));
    assert_bytes_equal(got, sealed);
    assert_vch_ok(vch_ossl_aead_open(key.p, nonce.p, aad, got, VCH_SPAN_OF(room), &got));
    assert_bytes_equal(got, plain);
    assert_vch_err(
        vch_ossl_aead_seal(key.p, nonce.p, aad, plain, vch_span(room, plain.n + 15), &got),
        NO_ROOM);
    assert_vch_err(
        vch_ossl_aead_open(key.p, nonce.p, aad, sealed, vch_span(room, plain.n - 1), &got),
        NO_ROOM);
    /* Nothing sealed under nothing: only the tag (test case 13). */
    assert_vch_ok(vch_ossl_aead_seal((uint8_t[32]){0}, (uint8_t[12]){0}, vch_text(""), vch_text(""),
                                     VCH_SPAN_OF(room), &got));
    assert_int_equal(got.n, 16);
    assert_memory_equal(got.p, "\x53\x0f\x8a\xfb\xc7\x45\x36\xb9\xa9\x63\xb4\xf1\xc4\xcb\x73\x8b",
                        16);
    assert_vch_ok(vch_ossl_aead_open((uint8_t[32]){0}, (uint8_t[12]){0}, vch_text(""), got,
                                     VCH_SPAN_OF(room), &got));
    assert_int_equal(got.n, 0);
}

static void test_aead__every_change_is_refused_and_nothing_is_left(void **state)
{
    static const uint8_t zero[64];
    VCH_AUTO(free_bytes) struct vch_bytes sealed = t_hex(SEALED);
    VCH_AUTO(free_bytes) struct vch_bytes aad = t_hex(AAD);
    VCH_AUTO(free_bytes) struct vch_bytes key = t_hex(KEY);
    VCH_AUTO(free_bytes) struct vch_bytes nonce = t_hex("cafebabefacedbaddecaf888");
    uint8_t *s = (uint8_t *)(uintptr_t)sealed.p, *a = (uint8_t *)(uintptr_t)aad.p;
    uint8_t *k = (uint8_t *)(uintptr_t)key.p, *v = (uint8_t *)(uintptr_t)nonce.p;
    struct {
        uint8_t *p;
        size_t n;
    } all[] = {{s, sealed.n}, {a, aad.n}, {k, key.n}, {v, nonce.n}};
    uint8_t room[64];
    struct vch_bytes got;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(all); i++) {
        for (size_t bit = 0; bit < 8 * all[i].n; bit++) {
            all[i].p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            memset(room, 0xee, sizeof(room));
            assert_vch_err(vch_ossl_aead_open(k, v, aad, sealed, VCH_SPAN_OF(room), &got), DECRYPT);
            assert_memory_equal(room, zero, sealed.n - VCH_AEAD_TAG_LEN);
            all[i].p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    for (size_t n = 0; n < sealed.n; n++) {
        assert_vch_err(vch_ossl_aead_open(k, v, aad, vch_bytes(s, n), VCH_SPAN_OF(room), &got),
                       DECRYPT);
    }
    assert_vch_ok(vch_ossl_aead_open(k, v, aad, sealed, VCH_SPAN_OF(room), &got));
}

static void test_wrap__is_bound_to_its_purpose(void **state)
{
    static const uint8_t kek[32] = {1}, other[32] = {2};
    uint8_t secret[32], a[32 + VCH_WRAP_OVERHEAD], b[32 + VCH_WRAP_OVERHEAD], room[32];
    struct vch_bytes wa, wb, got;

    (void)state;
    memset(secret, 9, sizeof(secret));
    assert_vch_ok(vch_ossl_wrap(kek, vch_text("vault"), VCH_BYTES_OF(secret), VCH_SPAN_OF(a), &wa));
    assert_vch_ok(vch_ossl_wrap(kek, vch_text("vault"), VCH_BYTES_OF(secret), VCH_SPAN_OF(b), &wb));
    assert_int_equal(wa.n, sizeof(a));
    assert_memory_not_equal(a, b, sizeof(a)); /* another nonce */
    assert_vch_ok(vch_ossl_unwrap(kek, vch_text("vault"), wa, VCH_SPAN_OF(room), &got));
    assert_bytes_equal(got, VCH_BYTES_OF(secret));
    assert_vch_err(vch_ossl_unwrap(kek, vch_text("store"), wa, VCH_SPAN_OF(room), &got), DECRYPT);
    assert_vch_err(vch_ossl_unwrap(other, vch_text("vault"), wa, VCH_SPAN_OF(room), &got), DECRYPT);
    for (size_t n = 0; n < wa.n; n++) {
        assert_vch_err(
            vch_ossl_unwrap(kek, vch_text("vault"), vch_bytes(a, n), VCH_SPAN_OF(room), &got),
            DECRYPT);
    }
    assert_vch_err(vch_ossl_wrap(kek, vch_text(""), VCH_BYTES_OF(secret), VCH_SPAN_OF(room), &got),
                   NO_ROOM);
    assert_vch_err(vch_ossl_unwrap(kek, vch_text("vault"), wa, vch_span(room, 31), &got), NO_ROOM);
}

/* RFC 5869 A.1 and A.3 */
static void test_hkdf__known_answers(void **state)
{
    VCH_AUTO(free_bytes)
    struct vch_bytes ikm = t_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    VCH_AUTO(free_bytes) struct vch_bytes salt = t_hex("000102030405060708090a0b0c");
    VCH_AUTO(free_bytes) struct vch_bytes info = t_hex("f0f1f2f3f4f5f6f7f8f9");
    uint8_t out[42];
    char hex[85];

    (void)state;
    assert_vch_ok(vch_ossl_hkdf(ikm, salt, info, VCH_SPAN_OF(out)));
    assert_string_equal(vch_hex_encode(VCH_BYTES_OF(out), VCH_SPAN_OF(hex)),
                        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                        "34007208d5b887185865");
    assert_vch_ok(vch_ossl_hkdf(ikm, vch_text(""), vch_text(""), VCH_SPAN_OF(out)));
    assert_string_equal(vch_hex_encode(VCH_BYTES_OF(out), VCH_SPAN_OF(hex)),
                        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                        "9d201395faa4b61a96c8");
    assert_vch_err(vch_ossl_hkdf(ikm, salt, info, vch_span(out, 0)), LIMIT);
}

/* RFC 7914, 12 */
static void test_scrypt__known_answer(void **state)
{
    uint8_t out[64];
    char hex[129];

    (void)state;
    assert_vch_ok(
        vch_ossl_scrypt(vch_text("password"), vch_text("NaCl"), 10, 16, VCH_SPAN_OF(out)));
    assert_string_equal(vch_hex_encode(VCH_BYTES_OF(out), VCH_SPAN_OF(hex)),
                        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
    assert_vch_ok(vch_ossl_scrypt(vch_text("password"), vch_text("NaCl"), 15, 1, VCH_SPAN_OF(out)));
    assert_vch_err(vch_ossl_scrypt(vch_text("p"), vch_text("s"), 9, 1, VCH_SPAN_OF(out)), USAGE);
    assert_vch_err(vch_ossl_scrypt(vch_text("p"), vch_text("s"), 21, 1, VCH_SPAN_OF(out)), USAGE);
    assert_vch_err(vch_ossl_scrypt(vch_text("p"), vch_text("s"), 10, 0, VCH_SPAN_OF(out)), USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aead__known_answer_also_in_place),
        cmocka_unit_test(test_aead__every_change_is_refused_and_nothing_is_left),
        cmocka_unit_test(test_wrap__is_bound_to_its_purpose),
        cmocka_unit_test(test_hkdf__known_answers),
        cmocka_unit_test(test_scrypt__known_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
