/* The state map: its root depends on the set only, and a proof shows exactly one thing. */
#include "vch_test.h"

#include <vouch/merkle/map.h>
#include <vouch/ossl/crypto.h>

#define PAIRS 60
static struct vch_map_pair pair[PAIRS];
static struct vch_map_proof proof; /* large */

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, VCH_HASH_LEN);
}

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PAIRS; i++) {
        vch_map_key(vch_ossl_crypto(), 1, vch_bytes(&i, sizeof(i)), &pair[i].k);
        vch_map_value(vch_ossl_crypto(), vch_bytes(&i, sizeof(i)), &pair[i].v);
    }
    /* two pairs that part in their last bit: the longest proof there is */
    pair[1].k = pair[0].k;
    pair[1].k.b[31] ^= 1;
    qsort(pair, PAIRS, sizeof(pair[0]), by_key);
    return 0;
}

/* The definition, bit by bit, over an unordered set. */
static struct vch_hash defined_root(const struct vch_map_pair *set, size_t n, unsigned bit)
{
    struct vch_map_pair *half[2] = {calloc(n + 1, sizeof(*set)), calloc(n + 1, sizeof(*set))};
    size_t count[2] = {0, 0};
    uint8_t block[65] = {0x03};
    struct vch_hash h = {0};

    assert_true(half[0] != NULL && half[1] != NULL);
    for (size_t i = 0; n > 1 && i < n; i++) {
        unsigned b = set[i].k.b[bit / 8] >> (7 - bit % 8) & 1U;

        half[b][count[b]++] = set[i];
    }
    if (n == 1) {
        block[0] = 0x02;
        memcpy(block + 1, set[0].k.b, 32);
        memcpy(block + 33, set[0].v.b, 32);
        vch_sha256_of(vch_ossl_crypto(), VCH_BYTES_OF(block), &h);
    } else if (n > 1) {
        struct vch_hash l = defined_root(half[0], count[0], bit + 1);
        struct vch_hash r = defined_root(half[1], count[1], bit + 1);

        memcpy(block + 1, l.b, 32);
        memcpy(block + 33, r.b, 32);
        vch_sha256_of(vch_ossl_crypto(), VCH_BYTES_OF(block), &h);
    }
    free(half[0]);
    free(half[1]);
    return h;
}

static void test_map__root_is_the_defined_one(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_hash want, got;

    (void)state;
    for (size_t n = 0; n <= PAIRS; n++) {
        want = defined_root(pair, n, 0);
        assert_vch_ok(vch_map_root(cr, pair, n, &got));
        assert_true(vch_hash_equal(&want, &got));
    }
}

static void test_map__unordered_pairs_are_refused(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_map_pair two[2] = {pair[1], pair[0]};
    struct vch_map_node node;
    struct vch_hash h;

    (void)state;
    assert_vch_err(vch_map_root(cr, two, 2, &h), MAP_ORDER);
    two[0] = two[1];
    assert_vch_err(vch_map_root(cr, two, 2, &h), MAP_ORDER);
    assert_vch_err(vch_map_subtree(cr, pair, PAIRS, 9, &node), MAP_ORDER);
}

/* Encodes, decodes, and returns whether it verifies. */
static vch_err judge(const struct vch_hash *root, const struct vch_hash *k,
                     const struct vch_hash *v)
{
    static uint8_t room[VCH_MAP_PROOF_SIZE_MAX];
    static struct vch_map_proof back;
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes encoded;

    vch_map_proof_encode(&proof, &w);
    assert_vch_ok(vch_writer_finish(&w, &encoded));
    assert_vch_ok(vch_map_proof_decode(encoded, &back));
    return vch_map_proof_verify(vch_ossl_crypto(), &back, root, k, v);
}

static void test_map__proof_shows_presence(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_hash root, other;

    (void)state;
    assert_vch_ok(vch_map_root(cr, pair, PAIRS, &root));
    for (size_t i = 0; i < PAIRS; i++) {
        assert_vch_ok(vch_map_prove(cr, pair, PAIRS, &pair[i].k, &proof));
        assert_int_equal(proof.terminal, VCH_MAP_HERE);
        assert_vch_ok(judge(&root, &pair[i].k, &pair[i].v));
        assert_vch_err(judge(&root, &pair[i].k, NULL), MAP_PROOF);
        assert_vch_err(judge(&root, &pair[i].k, &pair[(i + 1) % PAIRS].v), MAP_ROOT);
        other = pair[i].k;
        other.b[0] ^= 0x80;
        assert_vch_err(judge(&root, &other, &pair[i].v), MAP_ROOT);
        other = root;
        other.b[5] ^= 1;
        assert_vch_err(judge(&other, &pair[i].k, &pair[i].v), MAP_ROOT);
    }
}

static void test_map__proof_shows_absence(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    size_t nothing = 0, another = 0;
    struct vch_hash root, k;

    (void)state;
    for (size_t n = 0; n <= PAIRS; n += 5) {
        assert_vch_ok(vch_map_root(cr, pair, n, &root));
        for (uint32_t i = 1000; i < 1050; i++) {
            vch_map_key(cr, 2, vch_bytes(&i, sizeof(i)), &k);
            assert_vch_ok(vch_map_prove(cr, pair, n, &k, &proof));
            nothing += proof.terminal == VCH_MAP_NOTHING;
            another += proof.terminal == VCH_MAP_OTHER;
            assert_vch_ok(judge(&root, &k, NULL));
            assert_vch_err(judge(&root, &k, &root), MAP_PROOF);
            if (n == 0) {
                continue;
            }
            /* the same proof does not show that a present key is absent */
            assert_false(vch_ok(judge(&root, &pair[i % n].k, NULL)));
        }
    }
    assert_true(nothing > 0 && another > 0);
}

static void test_map__forms_that_no_map_gives_are_refused(void **state)
{
    static const char *const bad[] = {
        "8280f4",     /* terminal false */
        "828140f600", /* trailing */
        "8281410af6", /* sibling of one byte */
        /* zeros for empty */
        ("82815820"
         "0000000000000000000000000000000000000000000000000000000000000000f6"),
    };
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_hash root, h;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        struct vch_bytes in = t_hex(bad[i]);

        assert_false(vch_ok(vch_map_proof_decode(in, &proof)));
        free((void *)(uintptr_t)in.p);
    }
    /* a single pair below a halving with nothing on the other side */
    assert_vch_ok(vch_map_root(cr, pair, 1, &root));
    memset(&proof, 0, sizeof(proof));
    proof.depth = 1;
    assert_vch_err(vch_map_proof_verify(cr, &proof, &root, &pair[0].k, &pair[0].v), MAP_PROOF);
    proof.depth = VCH_MAP_DEPTH_MAX + 1;
    assert_vch_err(vch_map_proof_verify(cr, &proof, &root, &pair[0].k, &pair[0].v), MAP_PROOF);
    /* the "other" pair must not be the key itself */
    proof = (struct vch_map_proof){.terminal = VCH_MAP_OTHER, .other = pair[0]};
    assert_vch_err(vch_map_proof_verify(cr, &proof, &root, &pair[0].k, NULL), MAP_PROOF);
    assert_vch_ok(vch_map_proof_verify(cr, &proof, &root, &pair[5].k, NULL));
    /* nor may it stand elsewhere */
    h = pair[0].k;
    h.b[0] ^= 0x80;
    proof.depth = 1;
    proof.sibling[0] = root;
    assert_vch_err(vch_map_proof_verify(cr, &proof, &root, &h, NULL), MAP_PROOF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__root_is_the_defined_one),
        cmocka_unit_test(test_map__unordered_pairs_are_refused),
        cmocka_unit_test(test_map__proof_shows_presence),
        cmocka_unit_test(test_map__proof_shows_absence),
        cmocka_unit_test(test_map__forms_that_no_map_gives_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
