/* cose-wg/Examples: sign1-tests, ecdsa-examples, eddsa-examples. What is of a supported algorithm
 * gets the verdict it wants, the rest is refused as unsupported; and every vector at every
 * truncation and with every byte flipped. */
#include "vch_vectors.h"

#include <vouch/cose/generic.h>
#include <vouch/ossl/crypto.h>

static size_t accepted, unsupported, not_sign1;

/* Text NAME of the key, or NAME_hex. Returns false if it is in neither. */
static bool coordinate(const json_t *key, const char *name, uint8_t ret[32])
{
    const char *b64 = json_string_value(json_object_get(key, name));
    uint8_t room[128];
    struct vch_bytes b;
    char hex_name[16];

    if (b64 != NULL) {
        assert_vch_ok(vch_b64_decode(VCH_B64_URL, vch_text(b64), VCH_SPAN_OF(room), &b));
    } else {
        const char *hex;

        snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
        hex = json_string_value(json_object_get(key, hex_name));
        if (hex == NULL) {
            return false;
        }
        assert_vch_ok(vch_hex_decode(vch_text(hex), VCH_SPAN_OF(room), &b));
    }
    if (b.n == 32) {
        memcpy(ret, b.p, 32);
    }
    return b.n == 32;
}

/* False if the key is not of a curve that we support. */
static bool key_of(const json_t *doc, struct vch_pubkey *ret)
{
    const json_t *key = json_object_get(doc, "key");
    const char *crv = json_string_value(json_object_get(key, "crv"));

    memset(ret, 0, sizeof(*ret));
    if (strcmp(crv, "P-256") == 0) {
        ret->curve = VCH_CURVE_P256;
        return coordinate(key, "x", ret->x) && coordinate(key, "y", ret->y);
    }
    ret->curve = VCH_CURVE_ED25519;
    return strcmp(crv, "Ed25519") == 0 && coordinate(key, "x", ret->x);
}

static vch_err judge(struct vch_bytes in, const struct vch_pubkey *key, struct vch_bytes aad,
                     struct vch_cose *ret)
{
    VCH_TRY(vch_cose_decode(in, ret));
    return vch_cose_verify(vch_ossl_crypto(), ret, key, aad, vch_bytes(NULL, 0));
}

/* A change may only be overlooked where nothing is signed: in the unprotected header. */
static void damage(const char *name, struct vch_bytes in, const struct vch_pubkey *key,
                   struct vch_bytes aad)
{
    struct vch_cose whole, m;

    assert_vch_ok(vch_cose_decode(in, &whole));
    for (size_t i = 0; i < in.n; i++) {
        struct vch_bytes cut = t_copy(vch_bytes_slice(in, 0, i)), flip;
        uint8_t *p;

        assert_false(vch_ok(judge(cut, key, aad, &m)));
        free((void *)(uintptr_t)cut.p);
        flip = t_copy(in);
        p = (uint8_t *)(uintptr_t)flip.p;
        p[i] ^= 0xff;
        for (int bit = 0; bit < 2; bit++) {
            if (vch_ok(judge(flip, key, aad, &m)) &&
                !(vch_bytes_equal(m.protected_raw, whole.protected_raw) &&
                  vch_bytes_equal(m.payload, whole.payload) &&
                  vch_bytes_equal(m.signature, whole.signature))) {
                fail_msg("%s: accepted with byte %zu changed", name, i);
            }
            p[i] ^= 0xfe;
        }
        free(p);
    }
}

static void vector(const char *name, json_t *doc)
{
    const json_t *input = json_object_get(doc, "input");
    const json_t *sign = json_object_get(input, "sign0");
    const char *external = json_string_value(json_object_get(sign, "external"));
    bool want_fail = json_is_true(json_object_get(input, "fail")) || strstr(name, "-fail-") != NULL;
    struct vch_bytes in =
        t_hex(json_string_value(json_object_get(json_object_get(doc, "output"), "cbor")));
    struct vch_bytes aad = t_hex(external != NULL ? external : "");
    struct vch_pubkey key;
    struct vch_cose m;

    if (sign == NULL) {
        /* COSE_Sign with several signers is not what we read */
        assert_vch_err(vch_cose_decode(in, &m), COSE_TAG);
        not_sign1++;
    } else if (!key_of(sign, &key)) {
        assert_vch_ok(vch_cose_decode(in, &m));
        key.curve = VCH_CURVE_P256;
        assert_vch_err(vch_cose_verify(vch_ossl_crypto(), &m, &key, aad, vch_bytes(NULL, 0)), ALG);
        unsupported++;
    } else {
        vch_err e = judge(in, &key, aad, &m);

        if (vch_err_is(e, VCH_E(ALG)) && !want_fail) {
            unsupported++; /* such as ES512 by a P-256 key */
        } else if (vch_ok(e) == want_fail) {
            fail_msg("%s: %s", name, vch_err_info(e)->slug);
        } else if (!want_fail) {
            accepted++;
            damage(name, in, &key, aad);
        }
    }
    free((void *)(uintptr_t)in.p);
    free((void *)(uintptr_t)aad.p);
}

static void test_cose__examples_get_the_verdict_they_want(void **state)
{
    const char *dir = t_vectors_dir("cose-wg");

    (void)state;
    t_vectors_need(dir);
    assert_int_equal(t_vectors_walk(dir, vector), 21);
    /* sign-pass-01 to -03, ecdsa-sig-01, eddsa-sig-01 */
    assert_int_equal(accepted, 5);
    assert_int_equal(unsupported, 4);
    assert_int_equal(not_sign1, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cose__examples_get_the_verdict_they_want),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
