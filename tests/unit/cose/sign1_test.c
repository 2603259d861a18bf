/* The strict profile: round trip, what it refuses that the generic reader takes, damage. */
#include "vch_test.h"

#include <vouch/cose/key.h>
#include <vouch/cose/sign1.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

#define TYP "application/vouch-anchor+cose"

static struct vch_ossl_key *keys[2];
static const uint8_t payload[] = {0xa1, 0x01, 0x02}; /* {1: 2} */

static int setup(void **state)
{
    (void)state;
    return !vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &keys[0])) ||
           !vch_ok(vch_ossl_key_generate(VCH_ALG_ED25519, &keys[1]));
}

static int teardown(void **state)
{
    (void)state;
    vch_ossl_key_close(keys[0]);
    vch_ossl_key_close(keys[1]);
    return 0;
}

static struct vch_bytes make(const struct vch_signer *s, const struct vch_hash *x5t,
                             struct vch_bytes body, struct vch_span room)
{
    struct vch_hash thumb;
    struct vch_sign1_head head = {vch_hash_bytes(&thumb),
                                  vch_text("as1.op1.example"),
                                  vch_text("00112233445566778899aabbccddeeff"),
                                  1800000000,
                                  TYP,
                                  x5t};
    struct vch_bytes out;

    vch_cose_key_thumbprint(vch_ossl_crypto(), &s->pub, &thumb);
    assert_vch_ok(vch_sign1_make(s, &head, body, room, &out));
    return out;
}

static void test_sign1__what_is_signed_verifies_in_both_readers(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(keys); i++) {
        const struct vch_signer *s = vch_ossl_key_signer(keys[i]);
        const struct vch_signer *other = vch_ossl_key_signer(keys[1 - i]);
        struct vch_hash x5t = {{7}}, id, want;
        struct vch_bytes whole;
        struct vch_sign1 d;
        struct vch_cose m;
        uint8_t room[1024];

        whole = make(s, i == 0 ? &x5t : NULL, VCH_BYTES_OF(payload), VCH_SPAN_OF(room));
        assert_vch_ok(vch_sign1_decode(whole, VCH_SIGN1_STATEMENT, &d));
        assert_vch_ok(vch_sign1_verify(cr, &d, &s->pub));
        assert_vch_err(vch_sign1_verify(cr, &d, &other->pub), ALG);
        assert_bytes_equal(d.iss, vch_text("as1.op1.example"));
        assert_bytes_equal(d.sub, vch_text("00112233445566778899aabbccddeeff"));
        assert_int_equal(d.iat_s, 1800000000);
        assert_int_equal(d.x5t.n, i == 0 ? 32 : 0);
        assert_vch_ok(vch_sign1_typ_check(&d, TYP));
        assert_vch_err(vch_sign1_typ_check(&d, "application/vouch-poll+cose"), COSE_TYP);
        vch_sign1_txid(cr, &d, &id);
        vch_sha256_of(cr, whole, &want);
        assert_true(vch_hash_equal(&id, &want));
        assert_vch_ok(vch_cose_decode(whole, &m));
        assert_vch_ok(vch_cose_verify(cr, &m, &s->pub, vch_bytes(NULL, 0), vch_bytes(NULL, 0)));
        assert_true(m.alg_protected);
        assert_bytes_equal(m.kid, d.kid);
    }
}

static void test_sign1__content_id_is_the_same_for_every_signature(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    const struct vch_signer *s = vch_ossl_key_signer(keys[0]);
    uint8_t room[2][1024];
    struct vch_hash id[2], txid[2];
    struct vch_sign1 d;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct vch_bytes whole = make(s, NULL, VCH_BYTES_OF(payload), VCH_SPAN_OF(room[i]));

        assert_vch_ok(vch_sign1_decode(whole, VCH_SIGN1_STATEMENT, &d));
        vch_sign1_content_id(cr, &d, &id[i]);
        vch_sign1_txid(cr, &d, &txid[i]);
    }
    assert_true(vch_hash_equal(&id[0], &id[1]));
    assert_false(vch_hash_equal(&txid[0], &txid[1])); /* ES256 signatures are random */
}

/* req-test: Y.2247-8.2-1 */
static void test_sign1__any_damage_is_seen(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    const struct vch_signer *s = vch_ossl_key_signer(keys[0]);
    uint8_t room[1024];
    struct vch_bytes whole = make(s, NULL, VCH_BYTES_OF(payload), VCH_SPAN_OF(room));
    struct vch_sign1 d;

    (void)state;
    for (size_t i = 0; i < whole.n; i++) {
        struct vch_bytes cut = t_copy(vch_bytes_slice(whole, 0, i));

        assert_false(vch_ok(vch_sign1_decode(cut, VCH_SIGN1_STATEMENT, &d)));
        free((void *)(uintptr_t)cut.p);
        for (unsigned bit = 0; bit < 8; bit++) {
            struct vch_bytes flip = t_copy(whole);

            ((uint8_t *)(uintptr_t)flip.p)[i] ^= (uint8_t)(1U << bit);
            assert_false(vch_ok(vch_sign1_decode(flip, VCH_SIGN1_STATEMENT, &d)) &&
                         vch_ok(vch_sign1_verify(cr, &d, &s->pub)));
            free((void *)(uintptr_t)flip.p);
        }
    }
}

#define R      "0000000000000000000000000000000000000000000000000000000000000001"
#define SIG    "5840" R R /* a signature in form only */
#define KID    "045820" R
#define KID16  "045000000000000000000000000000000001"
#define CLAIMS "0fa30161610261620601" /* 15: {1: "a", 2: "b", 6: 1} */
#define TYP_T  "106174"               /* 16: "t" */
#define HEADER "a40126" KID CLAIMS TYP_T
#define DIGEST "5820" R
#define ITEM   "3a0001117083010500" /* -70001: [1, 5, 0] */

/* Decodes PREFIX, the byte string of HEADER unless that is NULL, and REST; all hexadecimal. */
static vch_err read_parts(const char *prefix, const char *header, const char *rest,
                          enum vch_sign1_profile profile)
{
    char hex[2048];
    struct vch_bytes in;
    struct vch_sign1 d;
    vch_err e;

    if (header == NULL) {
        snprintf(hex, sizeof(hex), "%s%s", prefix, rest);
    } else {
        snprintf(hex, sizeof(hex), "%s58%02zx%s%s", prefix, strlen(header) / 2, header, rest);
    }
    in = t_hex(hex);
    e = vch_sign1_decode(in, profile, &d);
    free((void *)(uintptr_t)in.p);
    return e;
}

static void test_sign1__profile_refuses_what_is_valid_cose(void **state)
{
    static const struct {
        const char *prefix, *header, *rest;
        uint32_t want;
    } cases[] = {
        {"d284", HEADER, "a041a0" SIG, VCH_E_OK_CODE},
        {"84", HEADER, "a041a0" SIG, VCH_E_COSE_TAG_CODE},
        {"d83d84", HEADER, "a041a0" SIG, VCH_E_COSE_TAG_CODE},
        {"d284", HEADER, "a1030041a0" SIG, VCH_E_COSE_PROFILE_CODE},
        {"d284", HEADER, "a0f6" SIG, VCH_E_COSE_PROFILE_CODE},
        {"d284", NULL, "40a041a0" SIG, VCH_E_COSE_PROFILE_CODE},
        {"d284", HEADER, "a041a0" SIG "00", VCH_E_TRAILING_CODE},
        {"d284", HEADER, "a041a05800", VCH_E_CBOR_CANON_CODE},
        {"d284", HEADER, "a041a040", VCH_E_SIGNATURE_FORM_CODE},
        /* s above half the order */
        {"d284", HEADER,
         "a041a05840" R "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
         VCH_E_SIGNATURE_FORM_CODE},
        /* a payload that is no deterministic CBOR item, and one that is two */
        {"d284", HEADER, "a0421817" SIG, VCH_E_CBOR_CANON_CODE},
        {"d284", HEADER, "a0420000" SIG, VCH_E_TRAILING_CODE},
        /* an unknown label, a missing one, one out of order, an unsupported algorithm */
        {"d284", "a501260300" KID CLAIMS TYP_T, "a041a0" SIG, VCH_E_CBOR_LABEL_CODE},
        {"d284", "a30126" KID CLAIMS, "a041a0" SIG, VCH_E_CBOR_FIELD_CODE},
        {"d284", "a4" KID "0126" CLAIMS TYP_T, "a041a0" SIG, VCH_E_CBOR_CANON_CODE},
        {"d284", "a4013822" KID CLAIMS TYP_T, "a041a0" SIG, VCH_E_ALG_CODE},
        /* a claim too many, one missing, an empty name */
        {"d284", "a40126" KID "0fa401616102616206010700" TYP_T, "a041a0" SIG,
         VCH_E_CBOR_LABEL_CODE},
        {"d284", "a40126" KID "0fa2016161026162" TYP_T, "a041a0" SIG, VCH_E_CBOR_FIELD_CODE},
        {"d284", "a40126" KID "0fa301600261620601" TYP_T, "a041a0" SIG, VCH_E_COSE_HEADER_CODE},
    };

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        vch_err e =
            read_parts(cases[i].prefix, cases[i].header, cases[i].rest, VCH_SIGN1_STATEMENT);

        if (e.code != cases[i].want) {
            fail_msg("case %zu: %s instead of %s", i, vch_err_info(e)->slug,
                     vch_err_info((vch_err){cases[i].want})->slug);
        }
    }
}

static void test_sign1__item_profile(void **state)
{
    static const char item[] = "a40126" KID16 "1901022f" ITEM;

    (void)state;
    assert_vch_ok(read_parts("d284", item, "a0" DIGEST SIG, VCH_SIGN1_ITEM));
    assert_vch_err(read_parts("d284", item, "a041a0" SIG, VCH_SIGN1_ITEM), COSE_PROFILE);
    assert_vch_err(read_parts("d284", "a30126" KID16 "1901022f", "a0" DIGEST SIG, VCH_SIGN1_ITEM),
                   CBOR_FIELD);
    assert_vch_err(
        read_parts("d284", "a40126" KID16 "190102382b" ITEM, "a0" DIGEST SIG, VCH_SIGN1_ITEM),
        ALG); /* hashed by SHA-512 */
    assert_vch_err(read_parts("d284", HEADER, "a0" DIGEST SIG, VCH_SIGN1_ITEM), COSE_HEADER);
    assert_vch_err(read_parts("d284", item, "a0" DIGEST SIG, VCH_SIGN1_STATEMENT), COSE_HEADER);
}

static vch_err generic_hex(const char *hex)
{
    struct vch_bytes in = t_hex(hex);
    struct vch_cose m;
    vch_err e = vch_cose_decode(in, &m);

    free((void *)(uintptr_t)in.p);
    return e;
}

static void test_generic__headers_are_checked(void **state)
{
    (void)state;
    assert_vch_ok(generic_hex("d28443a10126a0f640"));
    assert_vch_ok(generic_hex("8440a1012640"
                              "40"));
    /* crit naming an unknown label */
    assert_vch_err(generic_hex("d2844aa3012602811863186300a0f640"), COSE_CRIT);
    assert_vch_ok(generic_hex("d28446a2012602810"
                              "1a0f640"));
    assert_vch_err(generic_hex("d28446a20126028104a0f640"), COSE_CRIT); /* names an absent label */
    assert_vch_err(generic_hex("d28445a201260280a0f640"), COSE_CRIT);   /* names none */
    assert_vch_err(generic_hex("d28443a10126a1028101f640"), COSE_CRIT); /* not protected */
    assert_vch_err(generic_hex("d28443a10126a10126f640"), COSE_HEADER); /* in both */
    assert_vch_err(generic_hex("d28446a20126180127a0f640"), CBOR_DUP);  /* one number, two forms */
    assert_vch_err(generic_hex("d28443a10126a10401f640"), COSE_HEADER); /* kid of another type */
    assert_vch_err(generic_hex("d28444a1014126a0f640"), COSE_HEADER);
    assert_vch_err(generic_hex("d8628443a10126a0f680"), COSE_TAG);
    assert_vch_err(generic_hex("d2d28443a10126a0f640"), CBOR_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign1__what_is_signed_verifies_in_both_readers),
        cmocka_unit_test(test_sign1__content_id_is_the_same_for_every_signature),
        cmocka_unit_test(test_sign1__any_damage_is_seen),
        cmocka_unit_test(test_sign1__profile_refuses_what_is_valid_cose),
        cmocka_unit_test(test_sign1__item_profile),
        cmocka_unit_test(test_generic__headers_are_checked),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
