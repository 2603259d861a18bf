/* The crypto port of OpenSSL: known answers of others, what it refuses, threads. */
#include "vch_test.h"

#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

static void pub_of(const char *x, const char *y, struct vch_pubkey *ret)
{
    struct vch_bytes b;

    *ret = (struct vch_pubkey){.curve = y == NULL ? VCH_CURVE_ED25519 : VCH_CURVE_P256};
    assert_vch_ok(vch_hex_decode(vch_text(x), VCH_SPAN_OF(ret->x), &b));
    if (y != NULL) {
        assert_vch_ok(vch_hex_decode(vch_text(y), VCH_SPAN_OF(ret->y), &b));
    }
}

/* RFC 6979 A.2.5, signatures with SHA-256. */
#define UX "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
#define UY "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"
#define SAMPLE                                                                                     \
    "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"                             \
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
#define TEST                                                                                       \
    "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"                             \
    "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
/* NIST CAVP SigVer P-256, SHA-256, a message of 128 bytes. */
#define CAVP_MSG                                                                                   \
    "e1130af6a38ccb412a9c8d13e15dbfc9e69a16385af3c3f1e5da954fd5e7c45f"                             \
    "d75e2b8c36699228e92840c0562fbf3772f07e17f1add56588dd45f7450e1217"                             \
    "ad239922dd9c32695dc71ff2424ca0dec1321aa47064a044b7fe3c2b97d03ce4"                             \
    "70a592304c5ef21eed9f93da56bb232d1eeb0035f9bf0dfafdcc4606272b20a3"

static vch_err verify_hex(const struct vch_pubkey *key, enum vch_alg alg, struct vch_bytes msg,
                          const char *sig_hex)
{
    struct vch_bytes sig = t_hex(sig_hex);
    vch_err e = vch_ossl_crypto()->verify(alg, key, &msg, 1, sig);

    free((void *)(uintptr_t)sig.p);
    return e;
}

static void test_verify__es256_known_answers(void **state)
{
    struct vch_bytes msg = t_hex(CAVP_MSG);
    struct vch_pubkey key;

    (void)state;
    pub_of(UX, UY, &key);
    assert_vch_ok(verify_hex(&key, VCH_ALG_ES256, vch_text("sample"), SAMPLE));
    assert_vch_ok(verify_hex(&key, VCH_ALG_ESP256, vch_text("test"), TEST));
    assert_vch_err(verify_hex(&key, VCH_ALG_ES256, vch_text("sample"), TEST), SIGNATURE);
    pub_of("e424dc61d4bb3cb7ef4344a7f8957a0c5134e16f7a67c074f82e6e12f49abf3c",
           "970eed7aa2bc48651545949de1dddaf0127e5965ac85d1243d6f60e7dfaee927", &key);
    assert_vch_ok(verify_hex(&key, VCH_ALG_ES256, msg,
                             "bf96b99aa49c705c910be33142017c642ff540c76349b9dab72f981fd9347f4f"
                             "17c55095819089c2e03b9cd415abdf12444e323075d98f31920b9e0f57ec871c"));
    free((void *)(uintptr_t)msg.p);
}

static void test_verify__high_s_is_refused_by_the_form_check_only(void **state)
{
    struct vch_bytes high = t_hex(SAMPLE), low = t_hex(TEST);
    struct vch_bytes msg = vch_text("sample");
    uint8_t sig[VCH_SIG_LEN];
    struct vch_pubkey key;

    (void)state;
    pub_of(UX, UY, &key);
    assert_vch_err(vch_es256_form_check(high), SIGNATURE_FORM);
    assert_vch_ok(vch_es256_form_check(low));
    memcpy(sig, high.p, sizeof(sig));
    vch_es256_normalise(sig);
    assert_memory_not_equal(sig, high.p, sizeof(sig));
    assert_vch_ok(vch_es256_form_check(VCH_BYTES_OF(sig)));
    assert_vch_ok(vch_ossl_crypto()->verify(VCH_ALG_ES256, &key, &msg, 1, VCH_BYTES_OF(sig)));
    free((void *)(uintptr_t)high.p);
    free((void *)(uintptr_t)low.p);
}

/* RFC 8032 7.1, tests 1 and 3. */
static void test_verify__ed25519_known_answers(void **state)
{
    struct vch_bytes msg = t_hex("af82");
    struct vch_bytes split[2] = {vch_bytes_slice(msg, 0, 1), vch_bytes_slice(msg, 1, 1)};
    struct vch_pubkey key;
    struct vch_bytes sig;

    (void)state;
    pub_of("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", NULL, &key);
    assert_vch_ok(vch_ossl_crypto()->pubkey_check(&key));
    assert_vch_ok(verify_hex(&key, VCH_ALG_EDDSA, vch_text(""),
                             "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                             "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"));
    pub_of("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", NULL, &key);
    sig = t_hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
    assert_vch_ok(vch_ossl_crypto()->verify(VCH_ALG_ED25519, &key, &msg, 1, sig));
    assert_vch_ok(vch_ossl_crypto()->verify(VCH_ALG_ED25519, &key, split, 2, sig));
    assert_vch_err(vch_ossl_crypto()->verify(VCH_ALG_ED25519, &key, split, 1, sig), SIGNATURE);
    free((void *)(uintptr_t)msg.p);
    free((void *)(uintptr_t)sig.p);
}

static void test_verify__refuses_every_flipped_bit(void **state)
{
    static const enum vch_alg algs[] = {VCH_ALG_ES256, VCH_ALG_ED25519};
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_bytes msg = vch_text("21.5 C");

    (void)state;
    for (size_t a = 0; a < VCH_ARRAY_LEN(algs); a++) {
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
        const struct vch_signer *s;
        uint8_t sig[VCH_SIG_LEN];
        uint8_t text[6];

        assert_vch_ok(vch_ossl_key_generate(algs[a], &key));
        s = vch_ossl_key_signer(key);
        assert_vch_ok(s->sign(s, &msg, 1, sig));
        assert_vch_ok(cr->verify(s->alg, &s->pub, &msg, 1, VCH_BYTES_OF(sig)));
        for (size_t bit = 0; bit < 8 * sizeof(sig); bit++) {
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_vch_err(cr->verify(s->alg, &s->pub, &msg, 1, VCH_BYTES_OF(sig)), SIGNATURE);
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        memcpy(text, msg.p, sizeof(text));
        for (size_t bit = 0; bit < 8 * sizeof(text); bit++) {
            struct vch_bytes changed = VCH_BYTES_OF(text);

            text[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_vch_err(cr->verify(s->alg, &s->pub, &changed, 1, VCH_BYTES_OF(sig)), SIGNATURE);
            text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t n = 0; n < sizeof(sig); n++) {
            assert_vch_err(cr->verify(s->alg, &s->pub, &msg, 1, vch_bytes(sig, n)), SIGNATURE_FORM);
        }
    }
}

static void test_verify__refuses_wrong_key_and_wrong_algorithm(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *a = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *b = NULL;
    const struct vch_signer *sa, *sb;
    struct vch_bytes msg = vch_text("x");
    uint8_t sig[VCH_SIG_LEN];
    uint8_t zero[VCH_SIG_LEN] = {0};
    struct vch_pubkey off;

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &a));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &b));
    sa = vch_ossl_key_signer(a);
    sb = vch_ossl_key_signer(b);
    assert_vch_ok(sa->sign(sa, &msg, 1, sig));
    /* In turns, so that the thread's object changes its key each time. */
    for (int i = 0; i < 4; i++) {
        assert_vch_ok(cr->verify(sa->alg, &sa->pub, &msg, 1, VCH_BYTES_OF(sig)));
        assert_vch_err(cr->verify(sb->alg, &sb->pub, &msg, 1, VCH_BYTES_OF(sig)), SIGNATURE);
    }
    assert_vch_err(cr->verify(VCH_ALG_EDDSA, &sa->pub, &msg, 1, VCH_BYTES_OF(sig)), ALG);
    assert_vch_err(cr->verify(VCH_ALG_NONE, &sa->pub, &msg, 1, VCH_BYTES_OF(sig)), ALG);
    assert_vch_err(cr->verify(sa->alg, &sa->pub, &msg, 1, VCH_BYTES_OF(zero)), SIGNATURE);
    off = sa->pub;
    off.y[31] ^= 1;
    assert_vch_err(cr->verify(sa->alg, &off, &msg, 1, VCH_BYTES_OF(sig)), KEY);
    assert_vch_ok(cr->verify(sa->alg, &sa->pub, &msg, 1, VCH_BYTES_OF(sig)));
}

/* req-test: Y.2247-7.1-3 (an off-curve, small-order or otherwise invalid key is refused) */
static void test_pubkey_check__refuses_what_is_no_key(void **state)
{
    static const char *const bad_ed[] = {
        /* orders 1, 2, 4, 8, 8; the neutral element with its sign bit set */
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fdd7792ac07a",
        "0100000000000000000000000000000000000000000000000000000000000080",
        /* a good point plus one of order 8, 4, 2 */
        "1dd960b291c53514fece1341fc0dcd8a648b3934c2c533666f737a654ff1e1bf",
        "0a4684505500762a255bdc1628716af9c8e2bf0fbb487cac2512fe0cf1c19781",
        "d600527f9723f2166ca2c99c90c52e4a21921cbec4edc771bac4fa0d5b3e2c24",
        /* not on the curve; y = 3 written as p + 3; all ones */
        "0200000000000000000000000000000000000000000000000000000000000000",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_pubkey key;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad_ed); i++) {
        pub_of(bad_ed[i], NULL, &key);
        assert_vch_err(cr->pubkey_check(&key), KEY);
    }
    pub_of("17ffad8068dc0de9935d36636f3ad1b5de6de3413b12388e453b05f2a4c1d3db", NULL, &key);
    assert_vch_ok(cr->pubkey_check(&key));
    key.y[0] = 1;
    assert_vch_err(cr->pubkey_check(&key), KEY);

    pub_of(UX, UY, &key);
    assert_vch_ok(cr->pubkey_check(&key));
    key.y[0] ^= 0x80;
    assert_vch_err(cr->pubkey_check(&key), KEY);
    memset(key.x, 0, 32);
    memset(key.y, 0, 32);
    assert_vch_err(cr->pubkey_check(&key), KEY);
    /* x = 5 is on the curve; the same point with x = p + 5 is not canonical */
    memset(key.x, 0, 32);
    key.x[31] = 5;
    assert_vch_ok(cr->pubkey_expand(key.x, true, &key));
    assert_vch_ok(cr->pubkey_check(&key));
    pub_of("ffffffff00000001000000000000000000000001000000000000000000000004",
           "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299", &key);
    assert_vch_err(cr->pubkey_check(&key), KEY);
    key.curve = VCH_CURVE_NONE;
    assert_vch_err(cr->pubkey_check(&key), ALG);
}

static void test_pubkey_check__accepts_every_generated_key(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
        enum vch_alg alg = i % 2 == 0 ? VCH_ALG_ES256 : VCH_ALG_ED25519;

        assert_vch_ok(vch_ossl_key_generate(alg, &key));
        assert_vch_ok(vch_ossl_crypto()->pubkey_check(&vch_ossl_key_signer(key)->pub));
    }
}

static void test_pubkey_expand__finds_y_again(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_pubkey key, again = {0};
    uint8_t x[32] = {0};

    (void)state;
    pub_of(UX, UY, &key);
    assert_vch_ok(cr->pubkey_expand(key.x, true, &again));
    assert_true(vch_pubkey_equal(&key, &again));
    assert_vch_ok(cr->pubkey_expand(key.x, false, &again));
    assert_false(vch_pubkey_equal(&key, &again));
    assert_vch_ok(cr->pubkey_check(&again));
    x[31] = 1; /* no point has this x */
    assert_vch_err(cr->pubkey_expand(x, true, &again), KEY);
    memset(x, 0xff, sizeof(x));
    assert_vch_err(cr->pubkey_expand(x, true, &again), KEY);
}

static void test_sign__results_have_low_s_and_differ(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    const struct vch_signer *s;
    struct vch_bytes parts[3] = {vch_text("a"), vch_text(""), vch_text("bc")};
    struct vch_bytes whole = vch_text("abc");
    uint8_t sig[VCH_SIG_LEN], first[VCH_SIG_LEN];

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ESP256, &key));
    s = vch_ossl_key_signer(key);
    assert_int_equal(s->alg, VCH_ALG_ESP256);
    assert_int_equal(s->custody, VCH_CUSTODY_FILE);
    assert_vch_ok(s->sign(s, parts, 3, first));
    for (int i = 0; i < 50; i++) { /* without normalising, each has an even chance to fail */
        assert_vch_ok(s->sign(s, parts, 3, sig));
        assert_vch_ok(vch_es256_form_check(VCH_BYTES_OF(sig)));
        assert_vch_ok(vch_ossl_crypto()->verify(s->alg, &s->pub, &whole, 1, VCH_BYTES_OF(sig)));
        assert_memory_not_equal(sig, first, sizeof(sig));
    }
}

static void test_import__gives_the_known_public_key(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *ec = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *ed = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *none = NULL;
    struct vch_bytes d = t_hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    struct vch_bytes seed =
        t_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    uint8_t scalar[32] = {0};
    struct vch_pubkey key;

    (void)state;
    assert_vch_ok(vch_ossl_key_import(VCH_ALG_ES256, d, &ec));
    pub_of(UX, UY, &key);
    assert_true(vch_pubkey_equal(&key, &vch_ossl_key_signer(ec)->pub));
    assert_vch_ok(vch_ossl_key_import(VCH_ALG_EDDSA, seed, &ed));
    pub_of("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", NULL, &key);
    assert_true(vch_pubkey_equal(&key, &vch_ossl_key_signer(ed)->pub));
    assert_vch_err(vch_ossl_key_import(VCH_ALG_ES256, VCH_BYTES_OF(scalar), &none), KEY);
    memset(scalar, 0xff, sizeof(scalar));
    assert_vch_err(vch_ossl_key_import(VCH_ALG_ES256, VCH_BYTES_OF(scalar), &none), KEY);
    assert_vch_err(vch_ossl_key_import(VCH_ALG_SHA256, d, &none), ALG);
    free((void *)(uintptr_t)d.p);
    free((void *)(uintptr_t)seed.p);
}

static void test_sha256__known_answers_and_forks(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_sha256 a, b;
    struct vch_hash h, k;
    char hex[65];

    (void)state;
    vch_sha256_of(cr, vch_text("abc"), &h);
    assert_string_equal(vch_hex_encode(vch_hash_bytes(&h), VCH_SPAN_OF(hex)),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr->sha256_init(&a);
    cr->sha256_update(&a, vch_text("ab"));
    b = a;
    cr->sha256_update(&a, vch_text("c"));
    cr->sha256_update(&b, vch_text("c"));
    cr->sha256_final(&a, &k);
    assert_true(vch_hash_equal(&h, &k));
    cr->sha256_final(&b, &k);
    assert_true(vch_hash_equal(&h, &k));
    /* RFC 4231 test 2 */
    vch_hmac_sha256(cr, vch_text("Jefe"),
                    (struct vch_bytes[]){vch_text("what do ya want "), vch_text("for nothing?")}, 2,
                    &h);
    assert_string_equal(vch_hex_encode(vch_hash_bytes(&h), VCH_SPAN_OF(hex)),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_random__fills_all_and_differs(void **state)
{
    uint8_t a[70] = {0}, b[70] = {0};

    (void)state;
    assert_vch_ok(vch_ossl_random(NULL, vch_span(a, 64)));
    assert_vch_ok(vch_ossl_random(NULL, vch_span(b, 64)));
    assert_memory_not_equal(a, b, 64);
    assert_memory_equal(a + 64, "\0\0\0\0\0\0", 6);
    assert_vch_ok(vch_ossl_random(NULL, vch_span(NULL, 0)));
}

static void test_secret__is_zeroed_and_bounded(void **state)
{
    static const uint8_t zero[64];
    void *p;

    (void)state;
    assert_vch_ok(vch_ossl_secret_alloc(64, &p));
    assert_memory_equal(p, zero, 64);
    memset(p, 7, 64);
    vch_ossl_secret_free(p, 64);
    vch_ossl_secret_free(NULL, 0);
    assert_vch_err(vch_ossl_secret_alloc(1 << 20, &p), LIMIT);
}

static void test_sig_der__round_trip_and_strict(void **state)
{
    struct vch_bytes raw = t_hex(SAMPLE);
    uint8_t der[VCH_OSSL_SIG_DER_MAX], again[VCH_SIG_LEN], bad[VCH_OSSL_SIG_DER_MAX + 1];
    struct vch_bytes d;

    (void)state;
    assert_vch_ok(vch_ossl_sig_der_encode(raw.p, VCH_SPAN_OF(der), &d));
    assert_vch_ok(vch_ossl_sig_der_decode(d, again));
    assert_memory_equal(again, raw.p, VCH_SIG_LEN);
    assert_vch_err(vch_ossl_sig_der_encode(raw.p, vch_span(bad, 10), &d), NO_ROOM);
    for (size_t n = 0; n < d.n; n++) {
        assert_vch_err(vch_ossl_sig_der_decode(vch_bytes(der, n), again), SIGNATURE_FORM);
    }
    memcpy(bad, der, d.n);
    bad[d.n] = 0;
    assert_vch_err(vch_ossl_sig_der_decode(vch_bytes(bad, d.n + 1), again), SIGNATURE_FORM);
    free((void *)(uintptr_t)raw.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify__es256_known_answers),
        cmocka_unit_test(test_verify__high_s_is_refused_by_the_form_check_only),
        cmocka_unit_test(test_verify__ed25519_known_answers),
        cmocka_unit_test(test_verify__refuses_every_flipped_bit),
        cmocka_unit_test(test_verify__refuses_wrong_key_and_wrong_algorithm),
        cmocka_unit_test(test_pubkey_check__refuses_what_is_no_key),
        cmocka_unit_test(test_pubkey_check__accepts_every_generated_key),
        cmocka_unit_test(test_pubkey_expand__finds_y_again),
        cmocka_unit_test(test_sign__results_have_low_s_and_differ),
        cmocka_unit_test(test_import__gives_the_known_public_key),
        cmocka_unit_test(test_sha256__known_answers_and_forks),
        cmocka_unit_test(test_random__fills_all_and_differs),
        cmocka_unit_test(test_secret__is_zeroed_and_bounded),
        cmocka_unit_test(test_sig_der__round_trip_and_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
