/* COSE_Key: RFC 9679 example, both reading modes, what is refused. */
#include "vch_test.h"

#include <vouch/cose/key.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

/* The key of RFC 9679 section 5.6 and its thumbprint. */
#define X      "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
#define Y      "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"
#define STRICT "a401022001215820" X "225820" Y
#define THUMB  "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"
#define EDKEY  "a301012006215820d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static vch_err decode(const char *hex, enum vch_cbor_mode mode, struct vch_pubkey *ret)
{
    struct vch_bytes in = t_hex(hex);
    struct vch_cbor c = vch_cbor(in, mode);
    vch_err e = vch_cose_key_decode(vch_ossl_crypto(), &c, ret);

    if (vch_ok(e)) {
        assert_vch_ok(vch_cbor_end(&c));
    } else {
        assert_int_equal(c.r.pos, 0);
    }
    free((void *)(uintptr_t)in.p);
    return e;
}

static void test_key__thumbprint_is_that_of_rfc_9679(void **state)
{
    char hex[65], uri[VCH_KEY_URI_ROOM];
    struct vch_hash h, back;
    struct vch_pubkey key;
    struct vch_bytes text;

    (void)state;
    assert_vch_ok(decode(STRICT, VCH_CBOR_STRICT, &key));
    vch_cose_key_thumbprint(vch_ossl_crypto(), &key, &h);
    assert_string_equal(vch_hex_encode(vch_hash_bytes(&h), VCH_SPAN_OF(hex)), THUMB);
    text = vch_key_uri_encode(&h, VCH_SPAN_OF(uri));
    assert_string_equal(uri, "urn:ietf:params:oauth:ckt:sha-256:"
                             "SWvYr63zB-WwjGSwQhv53AFSijRKQ72oj63RZp2iU-w");
    assert_int_equal(text.n, strlen(uri));
    assert_vch_ok(vch_key_uri_decode(text, &back));
    assert_true(vch_hash_equal(&h, &back));
    assert_vch_err(vch_key_uri_decode(vch_bytes_slice(text, 0, text.n - 1), &back), KEY_URI);
    uri[0] = 'U';
    assert_vch_err(vch_key_uri_decode(text, &back), KEY_URI);
}

static void test_key__encoding_round_trips(void **state)
{
    static const char *const keys[] = {STRICT, EDKEY};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(keys); i++) {
        struct vch_bytes in = t_hex(keys[i]), out;
        uint8_t room[VCH_COSE_KEY_MAX];
        struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
        struct vch_pubkey key;

        assert_vch_ok(decode(keys[i], VCH_CBOR_STRICT, &key));
        vch_cose_key_encode(&key, &w);
        assert_vch_ok(vch_writer_finish(&w, &out));
        assert_bytes_equal(in, out);
        free((void *)(uintptr_t)in.p);
    }
}

/* req-test: Y.2247-7.1-3 */
static void test_key__strict_refuses_what_is_not_exactly_the_key(void **state)
{
    struct vch_pubkey key;

    (void)state;
    assert_vch_err(decode("a501020241112001215820" X "225820" Y, VCH_CBOR_STRICT, &key),
                   CBOR_LABEL);
    assert_vch_err(decode("a401022001215820" X "22f5", VCH_CBOR_STRICT, &key), CBOR_TYPE);
    assert_vch_err(decode("a301022001215820" X, VCH_CBOR_STRICT, &key), CBOR_FIELD);
    assert_vch_err(decode("a401022001225820" Y "215820" X, VCH_CBOR_STRICT, &key), CBOR_CANON);
    assert_vch_err(decode("a401022002215820" X "225820" Y, VCH_CBOR_STRICT, &key), ALG);
    assert_vch_err(decode("a401012006215820" X "225820" Y, VCH_CBOR_STRICT, &key), CBOR_LABEL);
    /* a point that is not on the curve: X twice; an Ed25519 point of small order: 1 */
    assert_vch_err(decode("a401022001215820" X "225820" X, VCH_CBOR_STRICT, &key), KEY);
    assert_vch_err(decode("a301012006215820"
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          VCH_CBOR_STRICT, &key),
                   KEY);
}

static void test_key__generic_takes_optional_parameters(void **state)
{
    struct vch_pubkey plain, key;

    (void)state;
    assert_vch_ok(decode(STRICT, VCH_CBOR_STRICT, &plain));
    /* kid, alg, key_ops [verify], unordered; y by its parity */
    assert_vch_ok(
        decode("a7024111225820" Y "01020326048102215820" X "2001", VCH_CBOR_GENERIC, &key));
    assert_true(vch_pubkey_equal(&plain, &key));
    assert_vch_ok(decode("a401022001215820" X "22f4", VCH_CBOR_GENERIC, &key));
    assert_true(vch_pubkey_equal(&plain, &key));
    /* for encryption only; an algorithm of another curve; an unknown parameter */
    assert_vch_err(decode("a50102048103"
                          "2001215820" X "225820" Y,
                          VCH_CBOR_GENERIC, &key),
                   ALG);
    assert_vch_err(decode("a501020327"
                          "2001215820" X "225820" Y,
                          VCH_CBOR_GENERIC, &key),
                   ALG);
    assert_vch_err(decode("a501020700"
                          "2001215820" X "225820" Y,
                          VCH_CBOR_GENERIC, &key),
                   CBOR_LABEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key__thumbprint_is_that_of_rfc_9679),
        cmocka_unit_test(test_key__encoding_round_trips),
        cmocka_unit_test(test_key__strict_refuses_what_is_not_exactly_the_key),
        cmocka_unit_test(test_key__generic_takes_optional_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
