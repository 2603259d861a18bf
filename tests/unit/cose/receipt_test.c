/* Receipts: every leaf of small trees, damage, and what the signature binds. */
#include "vch_test.h"

#include <vouch/cose/key.h>
#include <vouch/cose/receipt.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

#define LEAVES 9
#define LEDGER "ledger.op1.example/divs"
#define TIME   1800000000123

static struct vch_ossl_key *key, *other_key;
static struct vch_hash entry[LEAVES], leaf[LEAVES];

static int setup(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < LEAVES; i++) {
        vch_sha256_of(vch_ossl_crypto(), vch_bytes(&i, 1), &entry[i]);
        vch_merkle_leaf_entry(vch_ossl_crypto(), &entry[i], &leaf[i]);
    }
    return !vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key)) ||
           !vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &other_key));
}

static int teardown(void **state)
{
    (void)state;
    vch_ossl_key_close(key);
    vch_ossl_key_close(other_key);
    return 0;
}

struct batch {
    uint8_t room[VCH_RECEIPT_PROTECTED_MAX];
    struct vch_bytes protected_raw;
    uint8_t sig[VCH_SIG_LEN];
    uint64_t size;
};

/* One signature over the first SIZE leaves. */
static void sign_batch(uint64_t size, struct batch *ret)
{
    const struct vch_signer *s = vch_ossl_key_signer(key);
    struct vch_receipt_head head = {.ledger = vch_text(LEDGER), .size = size, .time_ms = TIME};
    struct vch_merkle_leaves l = {vch_ossl_crypto(), leaf, LEAVES};
    struct vch_merkle_source src = vch_merkle_leaves_source(&l);
    struct vch_writer w = vch_writer(VCH_SPAN_OF(ret->room));
    struct vch_hash root;

    vch_cose_key_thumbprint(vch_ossl_crypto(), &s->pub, &head.thumbprint);
    vch_receipt_protected_encode(s->alg, &head, &w);
    assert_vch_ok(vch_writer_finish(&w, &ret->protected_raw));
    assert_vch_ok(vch_merkle_root(vch_ossl_crypto(), &src, size, &root));
    assert_vch_ok(vch_receipt_sign(s, ret->protected_raw, &root, ret->sig));
    ret->size = size;
}

static struct vch_bytes receipt_of(const struct batch *b, uint64_t index, struct vch_span room)
{
    struct vch_merkle_leaves l = {vch_ossl_crypto(), leaf, LEAVES};
    struct vch_merkle_source src = vch_merkle_leaves_source(&l);
    struct vch_writer w = vch_writer(room);
    struct vch_merkle_path path;
    struct vch_bytes out;

    assert_vch_ok(vch_merkle_inclusion(vch_ossl_crypto(), &src, index, b->size, &path));
    vch_receipt_encode(b->protected_raw, b->sig, b->size, index, &path, &w);
    assert_vch_ok(vch_writer_finish(&w, &out));
    return out;
}

static vch_err judge(struct vch_bytes in, const struct vch_hash *e)
{
    struct vch_receipt r;

    VCH_TRY(vch_receipt_decode(in, &r));
    return vch_receipt_verify(vch_ossl_crypto(), &r, vch_text(LEDGER),
                              &vch_ossl_key_signer(key)->pub, e);
}

static void test_receipt__one_signature_serves_the_whole_batch(void **state)
{
    uint8_t room[VCH_RECEIPT_MAX];
    struct vch_receipt r;
    struct batch b;

    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        sign_batch(size, &b);
        for (uint64_t i = 0; i < size; i++) {
            struct vch_bytes in = receipt_of(&b, i, VCH_SPAN_OF(room));

            assert_vch_ok(judge(in, &entry[i]));
            assert_vch_ok(vch_receipt_decode(in, &r));
            assert_int_equal(r.index, i);
            assert_int_equal(r.head.size, size);
            assert_int_equal(r.head.time_ms, TIME);
            assert_bytes_equal(r.head.ledger, vch_text(LEDGER));
            if (size > 1) {
                assert_vch_err(judge(in, &entry[(i + 1) % size]), SIGNATURE);
            }
        }
    }
}

static void test_receipt__ledger_and_key_must_be_the_expected_ones(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    const struct vch_pubkey *pub = &vch_ossl_key_signer(key)->pub;
    uint8_t room[VCH_RECEIPT_MAX];
    struct vch_receipt r;
    struct batch b;

    (void)state;
    sign_batch(5, &b);
    assert_vch_ok(vch_receipt_decode(receipt_of(&b, 3, VCH_SPAN_OF(room)), &r));
    assert_vch_err(vch_receipt_verify(cr, &r, vch_text("ledger.op2.example/divs"), pub, &entry[3]),
                   RECEIPT_LEDGER);
    assert_vch_err(vch_receipt_verify(cr, &r, vch_text(LEDGER),
                                      &vch_ossl_key_signer(other_key)->pub, &entry[3]),
                   RECEIPT_KEY);
}

/* RFC 9942 alone lets a leaf of 8 pass as one of 7: the size in the signed header does not. */
static void test_receipt__unsigned_proof_cannot_claim_another_size(void **state)
{
    uint8_t room[VCH_RECEIPT_MAX];
    struct vch_merkle_path path = {0};
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes in;
    struct batch b;

    (void)state;
    sign_batch(8, &b);
    vch_receipt_encode(b.protected_raw, b.sig, 7, 5, &path, &w);
    assert_vch_ok(vch_writer_finish(&w, &in));
    assert_vch_err(judge(in, &entry[5]), RECEIPT);
    w = vch_writer(VCH_SPAN_OF(room));
    vch_receipt_encode(b.protected_raw, b.sig, 8, 8, &path, &w);
    assert_vch_ok(vch_writer_finish(&w, &in));
    assert_vch_err(judge(in, &entry[5]), RECEIPT);
    w = vch_writer(VCH_SPAN_OF(room));
    vch_receipt_encode(b.protected_raw, b.sig, 8, 5, &path, &w);
    assert_vch_ok(vch_writer_finish(&w, &in));
    assert_vch_err(judge(in, &entry[5]), MERKLE_PATH);
}

static void test_receipt__any_damage_is_seen(void **state)
{
    uint8_t room[VCH_RECEIPT_MAX];
    struct vch_bytes whole;
    struct batch b;

    (void)state;
    sign_batch(7, &b);
    whole = receipt_of(&b, 4, VCH_SPAN_OF(room));
    for (size_t i = 0; i < whole.n; i++) {
        struct vch_bytes cut = t_copy(vch_bytes_slice(whole, 0, i));

        assert_false(vch_ok(judge(cut, &entry[4])));
        free((void *)(uintptr_t)cut.p);
        for (unsigned bit = 0; bit < 8; bit++) {
            struct vch_bytes flip = t_copy(whole);

            ((uint8_t *)(uintptr_t)flip.p)[i] ^= (uint8_t)(1U << bit);
            assert_false(vch_ok(judge(flip, &entry[4])));
            free((void *)(uintptr_t)flip.p);
        }
    }
}

static void test_receipt__ours_is_an_rfc_9942_receipt_to_others(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    const struct vch_pubkey *pub = &vch_ossl_key_signer(key)->pub;
    struct vch_receipt_foreign r;
    uint8_t room[VCH_RECEIPT_MAX];
    struct vch_bytes in;
    struct batch b;

    (void)state;
    sign_batch(6, &b);
    in = receipt_of(&b, 2, VCH_SPAN_OF(room));
    assert_vch_ok(vch_receipt_foreign_decode(in, 0, &r));
    assert_int_equal(r.size, 6);
    assert_int_equal(r.proofs, 1);
    assert_vch_ok(vch_receipt_foreign_verify(cr, &r, pub, &leaf[2]));
    assert_vch_err(vch_receipt_foreign_verify(cr, &r, pub, &leaf[3]), SIGNATURE);
    assert_vch_err(vch_receipt_foreign_decode(in, 1, &r), RECEIPT);
}

/* The example of the receipts draft's repository has the same shape: vds 1, no claims of ours. */
static void test_receipt__foreign_without_our_claims(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    const struct vch_signer *s = vch_ossl_key_signer(key);
    static const uint8_t header[] = {0xa2, 0x01, 0x26, 0x19,
                                     0x01, 0x8b, 0x01}; /* {1: -7, 395: 1} */
    struct vch_receipt_foreign r;
    struct vch_merkle_path path = {0};
    uint8_t room[512], sig[VCH_SIG_LEN];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_receipt ours;
    struct vch_bytes in;

    (void)state;
    assert_vch_ok(vch_receipt_sign(s, VCH_BYTES_OF(header), &leaf[0], sig));
    vch_receipt_encode(VCH_BYTES_OF(header), sig, 1, 0, &path, &w);
    assert_vch_ok(vch_writer_finish(&w, &in));
    assert_vch_ok(vch_receipt_foreign_decode(in, 0, &r));
    assert_vch_ok(vch_receipt_foreign_verify(cr, &r, &s->pub, &leaf[0]));
    assert_vch_err(vch_receipt_decode(in, &ours), CBOR_FIELD);
    room[9] = 0x02; /* vds 2 */
    assert_vch_err(vch_receipt_foreign_decode(in, 0, &r), RECEIPT_VDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipt__one_signature_serves_the_whole_batch),
        cmocka_unit_test(test_receipt__ledger_and_key_must_be_the_expected_ones),
        cmocka_unit_test(test_receipt__unsigned_proof_cannot_claim_another_size),
        cmocka_unit_test(test_receipt__any_damage_is_seen),
        cmocka_unit_test(test_receipt__ours_is_an_rfc_9942_receipt_to_others),
        cmocka_unit_test(test_receipt__foreign_without_our_claims),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
