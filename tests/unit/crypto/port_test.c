/* HMAC-SHA-256 (RFC 4231), the form of ES256 signatures, names of algorithms. */
#include "vch_test.h"

#include <vouch/ossl/crypto.h>

static void test_hmac__rfc4231_cases(void **state)
{
    static const struct {
        const char *key, *data, *mac;
    } v[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    };

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(v); i++) {
        struct vch_bytes key = t_hex(v[i].key), data = t_hex(v[i].data), want = t_hex(v[i].mac);
        struct vch_bytes parts[2] = {vch_bytes_slice(data, 0, 3), vch_bytes_slice(data, 3, 99)};
        struct vch_hash mac;

        vch_hmac_sha256(vch_ossl_crypto(), key, parts, 2, &mac);
        assert_bytes_equal(vch_hash_bytes(&mac), want);
        free((void *)(uintptr_t)key.p);
        free((void *)(uintptr_t)data.p);
        free((void *)(uintptr_t)want.p);
    }
}

static void test_hmac__long_key_is_hashed_first(void **state)
{
    uint8_t key[131];
    struct vch_bytes text = vch_text("Test Using Larger Than Block-Size Key - Hash Key First");
    struct vch_bytes want =
        t_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    struct vch_hash mac;

    (void)state;
    memset(key, 0xaa, sizeof(key));
    vch_hmac_sha256(vch_ossl_crypto(), VCH_BYTES_OF(key), &text, 1, &mac);
    assert_bytes_equal(vch_hash_bytes(&mac), want);
    free((void *)(uintptr_t)want.p);
}

static const char half[] = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8";
static const char above[] = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a9";
static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";

static vch_err form_of(const char *r, const char *s)
{
    uint8_t sig[VCH_SIG_LEN];
    struct vch_bytes b;

    assert_vch_ok(vch_hex_decode(vch_text(r), vch_span(sig, 32), &b));
    assert_vch_ok(vch_hex_decode(vch_text(s), vch_span(sig + 32, 32), &b));
    return vch_es256_form_check(VCH_BYTES_OF(sig));
}

static void test_es256_form__bounds_of_r_and_s(void **state)
{
    (void)state;
    assert_vch_ok(form_of(half, half));
    assert_vch_err(form_of(half, above), SIGNATURE_FORM);
    assert_vch_err(form_of(half, zero), SIGNATURE_FORM);
    assert_vch_err(form_of(zero, half), SIGNATURE_FORM);
    assert_vch_err(form_of(order, half), SIGNATURE_FORM);
    assert_vch_err(vch_es256_form_check(vch_text("short")), SIGNATURE_FORM);
}

static void test_es256_normalise__lowers_s_and_leaves_low_s(void **state)
{
    uint8_t sig[VCH_SIG_LEN];
    uint8_t want[VCH_SIG_LEN];
    struct vch_bytes b;

    (void)state;
    assert_vch_ok(vch_hex_decode(vch_text(half), vch_span(sig, 32), &b));
    assert_vch_ok(vch_hex_decode(vch_text(above), vch_span(sig + 32, 32), &b));
    memcpy(want, sig, 32);
    assert_vch_ok(vch_hex_decode(vch_text(half), vch_span(want + 32, 32), &b));
    vch_es256_normalise(sig); /* n - (n/2 + 1) = n/2 for odd n */
    assert_memory_equal(sig, want, sizeof(sig));
    vch_es256_normalise(sig);
    assert_memory_equal(sig, want, sizeof(sig));
}

static void test_algorithms__names_and_curves(void **state)
{
    (void)state;
    assert_int_equal(vch_alg_of(-7), VCH_ALG_ES256);
    assert_int_equal(vch_alg_of(-35), VCH_ALG_NONE);
    assert_int_equal(vch_alg_of(0), VCH_ALG_NONE);
    assert_int_equal(vch_alg_curve(VCH_ALG_ED25519), VCH_CURVE_ED25519);
    assert_int_equal(vch_alg_curve(VCH_ALG_SHA256), VCH_CURVE_NONE);
    assert_string_equal(vch_alg_name(VCH_ALG_ESP256), "ESP256");
    assert_string_equal(vch_alg_name(VCH_ALG_NONE), "unsupported");
    assert_string_equal(vch_custody_name(VCH_CUSTODY_TPM), "TPM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac__rfc4231_cases),
        cmocka_unit_test(test_hmac__long_key_is_hashed_first),
        cmocka_unit_test(test_es256_form__bounds_of_r_and_s),
        cmocka_unit_test(test_es256_normalise__lowers_s_and_leaves_low_s),
        cmocka_unit_test(test_algorithms__names_and_curves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
