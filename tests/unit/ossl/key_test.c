/* Private keys in files, checked against the openssl command too. */
#include "vch_run.h"
#include "vch_test.h"
#include "vch_tmp.h"

#include <sys/stat.h>

#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

#define PASS vch_text("correct-horse")

static void read_into(const char *path, struct vch_buf *b)
{
    vch_buf_reset(b);
    assert_vch_ok(vch_file_read(path, 0, b));
}

static void assert_same_key(const struct vch_ossl_key *a, const struct vch_ossl_key *b)
{
    const struct vch_signer *sa = vch_ossl_key_signer(a), *sb = vch_ossl_key_signer(b);
    struct vch_bytes msg = vch_text("m");
    uint8_t sig[VCH_SIG_LEN];

    assert_true(vch_pubkey_equal(&sa->pub, &sb->pub));
    assert_vch_ok(sb->sign(sb, &msg, 1, sig));
    assert_vch_ok(vch_ossl_crypto()->verify(sa->alg, &sa->pub, &msg, 1, VCH_BYTES_OF(sig)));
}

static void test_file__round_trip_is_encrypted_and_private(void **state)
{
    static const enum vch_alg algs[] = {VCH_ALG_ES256, VCH_ALG_EDDSA};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(algs); i++) {
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *again = NULL;
        VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(1 << 16);
        const char *path = t_tmp_path("rt.pem");
        struct stat st;

        assert_vch_ok(vch_ossl_key_generate(algs[i], &key));
        assert_vch_ok(vch_ossl_key_save(key, path, PASS, VCH_OSSL_KEY_REPLACE));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_vch_ok(vch_ossl_key_load(path, PASS, 0, &again));
        assert_int_equal(vch_ossl_key_signer(again)->alg, algs[i]);
        assert_same_key(key, again);
        read_into(path, &text);
        assert_memory_equal(text.p, "-----BEGIN ENCRYPTED PRIVATE KEY-----", 37);
        assert_vch_err(vch_ossl_key_save(key, path, PASS, 0), FILE_EXISTS);
    }
}

static void test_file__wrong_passphrase_or_none_is_refused(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    struct vch_ossl_key *none = NULL;
    const char *path = t_tmp_path("wrong.pem");

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    assert_vch_err(vch_ossl_key_save(key, path, vch_text(""), 0), PASSPHRASE);
    assert_int_equal(access(path, F_OK), -1);
    assert_vch_ok(vch_ossl_key_save(key, path, PASS, 0));
    assert_vch_err(vch_ossl_key_load(path, vch_text("correct-hors"), 0, &none), DECRYPT);
    assert_vch_err(vch_ossl_key_load(path, vch_text("correct-horse "), 0, &none), DECRYPT);
    assert_vch_err(vch_ossl_key_load(path, vch_text(""), VCH_OSSL_KEY_PLAIN, &none), PASSPHRASE);
    assert_null(none);
}

static void test_file__plain_key_needs_the_flag(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *again = NULL;
    struct vch_ossl_key *none = NULL;
    const char *path = t_tmp_path("plain.pem");

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    assert_vch_ok(vch_ossl_key_save(key, path, vch_text(""), VCH_OSSL_KEY_PLAIN));
    assert_vch_err(vch_ossl_key_load(path, vch_text(""), 0, &none), KEY_PLAIN);
    assert_vch_err(vch_ossl_key_load(path, PASS, 0, &none), KEY_PLAIN);
    assert_vch_ok(vch_ossl_key_load(path, vch_text(""), VCH_OSSL_KEY_PLAIN, &again));
    assert_same_key(key, again);
}

static void test_file__wide_mode_or_missing_is_refused(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    struct vch_ossl_key *none = NULL;
    const char *path = t_tmp_path("mode.pem");

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    assert_vch_ok(vch_ossl_key_save(key, path, PASS, 0));
    assert_int_equal(chmod(path, 0640), 0);
    assert_vch_err(vch_ossl_key_load(path, PASS, 0, &none), FILE_MODE);
    assert_int_equal(chmod(path, 0604), 0);
    assert_vch_err(vch_ossl_key_load(path, PASS, 0, &none), FILE_MODE);
    assert_vch_err(vch_ossl_key_load(t_tmp_path("none.pem"), PASS, 0, &none), FILE_MISSING);
}

static void test_decode__damaged_text_is_refused(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf big = vch_buf_init(1 << 20);
    struct vch_ossl_key *none = NULL;
    size_t end;

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    assert_vch_ok(vch_ossl_key_encode(key, vch_text(""), VCH_OSSL_KEY_PLAIN, &pem));
    end = (size_t)((uint8_t *)memmem(pem.p, pem.n, "-----END", 8) - pem.p);
    for (size_t n = 0; n < pem.n - 1; n++) { /* the last newline may be missing */
        struct vch_bytes cut = t_copy(vch_bytes(pem.p, n));

        assert_vch_err(vch_ossl_key_decode(cut, vch_text(""), VCH_OSSL_KEY_PLAIN, &none), KEY_FILE);
        free((void *)(uintptr_t)cut.p);
    }
    /* Each single character of the base64 text changed: the scalar no longer fits the point, or the
     * structure breaks. Nothing that is accepted may have another public key. */
    for (size_t i = 28; i < end; i++) {
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *got = NULL;
        uint8_t old = pem.p[i];

        pem.p[i] = old == 'A' ? 'B' : 'A';
        if (vch_ok(
                vch_ossl_key_decode(vch_buf_get(&pem), vch_text(""), VCH_OSSL_KEY_PLAIN, &got))) {
            assert_same_key(key, got);
        }
        pem.p[i] = old;
    }
    vch_buf_reset(&pem);
    assert_vch_ok(vch_ossl_key_encode(key, PASS, 0, &pem));
    assert_vch_err(vch_ossl_key_decode(vch_bytes(pem.p, pem.n / 2), PASS, 0, &none), KEY_FILE);
    for (int i = 0; i < 3000; i++) {
        assert_vch_ok(vch_buf_text(&big, "0123456789012345678901234567890\n"));
    }
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("big.pem"), vch_buf_get(&big), VCH_FILE_SECRET));
    assert_vch_err(vch_ossl_key_load(t_tmp_path("big.pem"), PASS, 0, &none), KEY_FILE);
    assert_null(none);
}

static void test_openssl__reads_our_keys_and_we_read_its(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf a = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    static const char *const good[] = {
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "genpkey -algorithm ED25519",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass pass:pw",
        "genpkey -algorithm ED25519 -aes-256-cbc -pass pass:pw",
    };
    static const char *const bad[] = {
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
        "genpkey -algorithm X25519",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "ecparam -name prime256v1 -genkey", /* the old form */
    };

    (void)state;
    if (t_run("openssl version") != 0) {
        skip();
    }
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    assert_vch_ok(vch_ossl_key_save(key, t_tmp_path("ours.pem"), PASS, 0));
    assert_int_equal(t_run("openssl pkey -in %s -passin pass:correct-horse -pubout -out %s",
                           t_tmp_path("ours.pem"), t_tmp_path("ours.pub")),
                     0);
    read_into(t_tmp_path("ours.pub"), &a);
    assert_vch_ok(vch_ossl_pubkey_pem_encode(&vch_ossl_key_signer(key)->pub, &b));
    assert_bytes_equal(vch_buf_get(&a), vch_buf_get(&b));
    for (size_t i = 0; i < VCH_ARRAY_LEN(good); i++) {
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *its = NULL;
        struct vch_pubkey pub;

        assert_int_equal(t_run("openssl %s -out %s", good[i], t_tmp_path("its.pem")), 0);
        assert_vch_ok(vch_ossl_key_load(t_tmp_path("its.pem"), vch_text(i < 2 ? "" : "pw"),
                                        i < 2 ? VCH_OSSL_KEY_PLAIN : 0, &its));
        assert_int_equal(t_run("openssl pkey -in %s -passin pass:pw -pubout -out %s",
                               t_tmp_path("its.pem"), t_tmp_path("its.pub")),
                         0);
        read_into(t_tmp_path("its.pub"), &a);
        assert_vch_ok(vch_ossl_pubkey_pem_decode(vch_buf_get(&a), &pub));
        assert_true(vch_pubkey_equal(&pub, &vch_ossl_key_signer(its)->pub));
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        struct vch_ossl_key *none = NULL;

        assert_int_equal(t_run("openssl %s -out %s", bad[i], t_tmp_path("bad.pem")), 0);
        assert_vch_err(
            vch_ossl_key_load(t_tmp_path("bad.pem"), vch_text(""), VCH_OSSL_KEY_PLAIN, &none),
            KEY_FILE);
    }
}

static void test_openssl__verifies_our_signatures_and_we_verify_its(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    const struct vch_signer *s;
    struct vch_bytes msg = vch_text("2012-06-30 23:30,0.25"), der;
    uint8_t sig[VCH_SIG_LEN], room[VCH_OSSL_SIG_DER_MAX];

    (void)state;
    if (t_run("openssl version") != 0) {
        skip();
    }
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    s = vch_ossl_key_signer(key);
    assert_vch_ok(vch_ossl_key_save(key, t_tmp_path("s.pem"), vch_text(""), VCH_OSSL_KEY_PLAIN));
    assert_vch_ok(vch_ossl_pubkey_pem_encode(&s->pub, &b));
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("s.pub"), vch_buf_get(&b), 0));
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("s.msg"), msg, 0));
    assert_vch_ok(s->sign(s, &msg, 1, sig));
    assert_vch_ok(vch_ossl_sig_der_encode(sig, VCH_SPAN_OF(room), &der));
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("s.sig"), der, 0));
    assert_int_equal(t_run("openssl dgst -sha256 -verify %s -signature %s %s", t_tmp_path("s.pub"),
                           t_tmp_path("s.sig"), t_tmp_path("s.msg")),
                     0);
    assert_int_equal(t_run("openssl dgst -sha256 -verify %s -signature %s %s", t_tmp_path("s.pub"),
                           t_tmp_path("s.sig"), t_tmp_path("s.pub")),
                     1);
    assert_int_equal(t_run("openssl dgst -sha256 -sign %s -out %s %s", t_tmp_path("s.pem"),
                           t_tmp_path("t.sig"), t_tmp_path("s.msg")),
                     0);
    read_into(t_tmp_path("t.sig"), &b);
    assert_vch_ok(vch_ossl_sig_der_decode(vch_buf_get(&b), sig));
    assert_vch_ok(vch_ossl_crypto()->verify(s->alg, &s->pub, &msg, 1, VCH_BYTES_OF(sig)));
}

static void test_pem__blocks_one_after_the_other(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);
    char label[VCH_OSSL_PEM_LABEL_MAX];
    struct vch_bytes left;

    (void)state;
    assert_vch_ok(vch_buf_text(&text, "some words before\n"));
    assert_vch_ok(vch_ossl_pem_encode("ONE", vch_text("first"), &text));
    assert_vch_ok(vch_buf_text(&text, "between\n"));
    assert_vch_ok(vch_ossl_pem_encode("TWO", vch_text("second"), &text));
    left = vch_buf_get(&text);
    assert_vch_ok(vch_ossl_pem_next(&left, label, &der));
    assert_string_equal(label, "ONE");
    assert_bytes_equal(vch_buf_get(&der), vch_text("first"));
    assert_vch_ok(vch_ossl_pem_next(&left, label, &der));
    assert_string_equal(label, "TWO");
    assert_bytes_equal(vch_buf_get(&der), vch_text("second"));
    assert_vch_err(vch_ossl_pem_next(&left, label, &der), NOT_FOUND);
    left = vch_text("-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END X-----\n");
    assert_vch_err(vch_ossl_pem_next(&left, label, &der), PEM);
    left = vch_text("-----BEGIN X-----\nAAAA\n");
    assert_vch_err(vch_ossl_pem_next(&left, label, &der), PEM);
    left = vch_text("");
    assert_vch_err(vch_ossl_pem_next(&left, label, &der), NOT_FOUND);
}

static void test_pubkey_der__strict(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);
    struct vch_pubkey pub, want;

    (void)state;
    for (int i = 0; i < 2; i++) {
        vch_ossl_key_autoclose(&key);
        vch_buf_reset(&der);
        assert_vch_ok(vch_ossl_key_generate(i == 0 ? VCH_ALG_ES256 : VCH_ALG_EDDSA, &key));
        want = vch_ossl_key_signer(key)->pub;
        assert_vch_ok(vch_ossl_pubkey_der_encode(&want, &der));
        assert_vch_ok(vch_ossl_pubkey_der_decode(vch_buf_get(&der), &pub));
        assert_true(vch_pubkey_equal(&pub, &want));
        for (size_t n = 0; n < der.n; n++) {
            assert_vch_err(vch_ossl_pubkey_der_decode(vch_bytes(der.p, n), &pub), KEY);
        }
        assert_vch_ok(vch_buf_append(&der, vch_text("x")));
        assert_vch_err(vch_ossl_pubkey_der_decode(vch_buf_get(&der), &pub), KEY);
    }
    want.x[0] ^= 1; /* not to be encoded unless it happens to be a key */
    if (!vch_ok(vch_ossl_crypto()->pubkey_check(&want))) {
        assert_vch_err(vch_ossl_pubkey_der_encode(&want, &der), KEY);
    }
}

static void test_alg_set__only_of_the_same_curve(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ED25519, &key));
    assert_vch_err(vch_ossl_key_alg_set(key, VCH_ALG_ES256), ALG);
    assert_int_equal(vch_ossl_key_signer(key)->alg, VCH_ALG_ED25519);
    assert_vch_ok(vch_ossl_key_alg_set(key, VCH_ALG_EDDSA));
    assert_int_equal(vch_ossl_key_signer(key)->alg, VCH_ALG_EDDSA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__round_trip_is_encrypted_and_private),
        cmocka_unit_test(test_file__wrong_passphrase_or_none_is_refused),
        cmocka_unit_test(test_file__plain_key_needs_the_flag),
        cmocka_unit_test(test_file__wide_mode_or_missing_is_refused),
        cmocka_unit_test(test_decode__damaged_text_is_refused),
        cmocka_unit_test(test_openssl__reads_our_keys_and_we_read_its),
        cmocka_unit_test(test_openssl__verifies_our_signatures_and_we_verify_its),
        cmocka_unit_test(test_pem__blocks_one_after_the_other),
        cmocka_unit_test(test_pubkey_der__strict),
        cmocka_unit_test(test_alg_set__only_of_the_same_curve),
    };

    return cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
}
