/* Trees against the recursive definitions of RFC 9162 section 2.1, for every size up to 40. */
#include "vch_test.h"

#include <vouch/merkle/tile.h>
#include <vouch/merkle/tree.h>
#include <vouch/ossl/crypto.h>

#define LEAVES 40
static struct vch_hash leaf[LEAVES];

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LEAVES; i++) {
        struct vch_bytes part = vch_bytes(&i, sizeof(i));

        vch_merkle_leaf(vch_ossl_crypto(), &part, 1, &leaf[i]);
    }
    return 0;
}

static size_t split_of(size_t n)
{
    size_t k = 1;

    while (k * 2 < n) {
        k *= 2;
    }
    return k;
}

/* MTH(D[n]) as the RFC writes it. */
static struct vch_hash mth(const struct vch_hash *d, size_t n)
{
    struct vch_hash l, r, h;

    if (n == 0) {
        vch_sha256_of(vch_ossl_crypto(), vch_bytes(NULL, 0), &h);
        return h;
    }
    if (n == 1) {
        return d[0];
    }
    l = mth(d, split_of(n));
    r = mth(d + split_of(n), n - split_of(n));
    vch_merkle_node(vch_ossl_crypto(), &l, &r, &h);
    return h;
}

static void put(struct vch_merkle_path *p, struct vch_hash h)
{
    p->h[p->count++] = h;
}

/* PATH(m, D[n]) */
static void path_of(const struct vch_hash *d, size_t m, size_t n, struct vch_merkle_path *p)
{
    size_t k = split_of(n);

    if (n == 1) {
        return;
    }
    if (m < k) {
        path_of(d, m, k, p);
        put(p, mth(d + k, n - k));
    } else {
        path_of(d + k, m - k, n - k, p);
        put(p, mth(d, k));
    }
}

/* SUBPROOF(m, D[n], b) */
static void subproof(const struct vch_hash *d, size_t m, size_t n, bool b,
                     struct vch_merkle_path *p)
{
    size_t k = split_of(n);

    if (m == n) {
        if (!b) {
            put(p, mth(d, n));
        }
    } else if (m <= k) {
        subproof(d, m, k, b, p);
        put(p, mth(d + k, n - k));
    } else {
        subproof(d + k, m - k, n - k, false, p);
        put(p, mth(d, k));
    }
}

static void assert_same_path(const struct vch_merkle_path *a, const struct vch_merkle_path *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->h, b->h, a->count * sizeof(a->h[0]));
}

static void test_tree__root_and_frontier_follow_the_definition(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_merkle_leaves l = {cr, leaf, LEAVES};
    struct vch_merkle_source src = vch_merkle_leaves_source(&l);
    struct vch_merkle_frontier f = {0}, loaded;
    struct vch_hash want, got;

    (void)state;
    for (size_t n = 0; n <= LEAVES; n++) {
        want = mth(leaf, n);
        vch_merkle_frontier_root(cr, &f, &got);
        assert_true(vch_hash_equal(&want, &got));
        assert_vch_ok(vch_merkle_root(cr, &src, n, &got));
        assert_true(vch_hash_equal(&want, &got));
        assert_vch_ok(vch_merkle_frontier_load(&src, n, &loaded));
        vch_merkle_frontier_root(cr, &loaded, &got);
        assert_true(vch_hash_equal(&want, &got));
        if (n < LEAVES) {
            assert_vch_ok(vch_merkle_frontier_append(cr, &f, &leaf[n]));
        }
    }
    f.count = VCH_MERKLE_SIZE_MAX;
    assert_vch_err(vch_merkle_frontier_append(cr, &f, &leaf[0]), LIMIT);
}

static void test_tree__inclusion_is_the_defined_path_and_no_other_verifies(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_merkle_leaves l = {cr, leaf, LEAVES};
    struct vch_merkle_source src = vch_merkle_leaves_source(&l);
    struct vch_merkle_path want, got;
    struct vch_hash root;

    (void)state;
    for (size_t n = 1; n <= LEAVES; n++) {
        root = mth(leaf, n);
        for (size_t i = 0; i < n; i++) {
            want.count = 0;
            path_of(leaf, i, n, &want);
            assert_vch_ok(vch_merkle_inclusion(cr, &src, i, n, &got));
            assert_same_path(&want, &got);
            assert_vch_ok(vch_merkle_inclusion_verify(cr, &leaf[i], i, n, got.h, got.count, &root));
            if (n == 1) {
                continue;
            }
            assert_vch_err(
                vch_merkle_inclusion_verify(cr, &leaf[i], i, n, got.h, got.count - 1, &root),
                MERKLE_PATH);
            got.h[got.count] = root;
            assert_vch_err(
                vch_merkle_inclusion_verify(cr, &leaf[i], i, n, got.h, got.count + 1, &root),
                MERKLE_PATH);
            got.h[i % got.count].b[i % 32] ^= 1;
            assert_vch_err(vch_merkle_inclusion_verify(cr, &leaf[i], i, n, got.h, got.count, &root),
                           MERKLE_ROOT);
            assert_false(vch_ok(vch_merkle_inclusion_verify(cr, &leaf[i], (i + 1) % n, n, want.h,
                                                            want.count, &root)));
        }
        assert_vch_err(vch_merkle_inclusion(cr, &src, n, n, &got), MERKLE_RANGE);
    }
    assert_vch_err(vch_merkle_inclusion(cr, &src, 0, 0, &got), MERKLE_RANGE);
    assert_vch_err(vch_merkle_inclusion(cr, &src, 0, LEAVES + 1, &got), MERKLE_RANGE);
}

static void test_tree__consistency_is_the_defined_proof(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_merkle_leaves l = {cr, leaf, LEAVES};
    struct vch_merkle_source src = vch_merkle_leaves_source(&l);
    struct vch_merkle_path want, got;
    struct vch_hash root1, root2;

    (void)state;
    for (size_t n = 1; n <= LEAVES; n++) {
        root2 = mth(leaf, n);
        for (size_t m = 1; m <= n; m++) {
            root1 = mth(leaf, m);
            want.count = 0;
            subproof(leaf, m, n, true, &want);
            assert_vch_ok(vch_merkle_consistency(cr, &src, m, n, &got));
            assert_same_path(&want, &got);
            assert_vch_ok(
                vch_merkle_consistency_verify(cr, m, &root1, n, &root2, got.h, got.count));
            root1.b[0] ^= 1;
            assert_vch_err(
                vch_merkle_consistency_verify(cr, m, &root1, n, &root2, got.h, got.count),
                MERKLE_ROOT);
        }
    }
    assert_vch_err(vch_merkle_consistency(cr, &src, 0, 1, &got), MERKLE_RANGE);
    assert_vch_err(vch_merkle_consistency(cr, &src, 2, 1, &got), MERKLE_RANGE);
}

/* Every node that append reports, and that tiles hold, is the node the array computes. */
struct nodes {
    struct vch_merkle_source src;
    size_t seen;
};

static void check_node(void *self, unsigned level, uint64_t index, const struct vch_hash *hash)
{
    struct nodes *n = self;
    struct vch_hash want;

    assert_vch_ok(n->src.node(n->src.self, level, index, &want));
    assert_true(vch_hash_equal(&want, hash));
    n->seen++;
}

static void test_tree__append_reports_every_complete_node(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_merkle_leaves l = {cr, leaf, LEAVES};
    struct nodes n = {vch_merkle_leaves_source(&l), 0};
    struct vch_merkle_frontier f = {0};

    (void)state;
    for (size_t i = 0; i < LEAVES; i++) {
        assert_vch_ok(vch_merkle_frontier_append_emit(cr, &f, &leaf[i], check_node, &n));
    }
    assert_int_equal(n.seen, 40 + 20 + 10 + 5 + 2 + 1);
}

static void tile_path_is(int level, uint64_t index, uint16_t width, const char *want)
{
    struct vch_tile t = {level, index, width}, back;
    char room[VCH_TILE_PATH_ROOM];
    struct vch_bytes path;

    assert_vch_ok(vch_tile_path_encode(&t, VCH_SPAN_OF(room), &path));
    assert_string_equal(room, want);
    assert_vch_ok(vch_tile_path_decode(path, &back));
    assert_int_equal(back.level, level);
    assert_int_equal(back.index, index);
    assert_int_equal(back.width, width);
}

static void test_tile__paths_are_those_of_the_specification(void **state)
{
    static const char *const bad[] = {
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/1",
        "tile/00/001",
        "tile/64/001",
        "tile/0/x001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/0001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "/tile/0/001",
        "tile/0/001 ",
        "tile/-1/001",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    };
    struct vch_tile t;

    (void)state;
    tile_path_is(0, 0, 256, "tile/0/000");
    tile_path_is(0, 273, 112, "tile/0/273.p/112");
    tile_path_is(3, 1234067, 256, "tile/3/x001/x234/067");
    tile_path_is(VCH_TILE_ENTRIES, 1000, 1, "tile/entries/x001/000.p/1");
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        assert_vch_err(vch_tile_path_decode(vch_text(bad[i]), &t), TILE_PATH);
    }
}

static void test_tile__seventy_thousand_leaves_as_in_the_specification(void **state)
{
    struct vch_tile t;
    unsigned first, count;

    (void)state;
    assert_vch_ok(vch_tile_locate(0, 69999, 70000, &t, &first, &count));
    assert_int_equal(t.index, 273);
    assert_int_equal(t.width, 112);
    assert_int_equal(first, 111);
    assert_int_equal(count, 1);
    assert_vch_ok(vch_tile_locate(9, 100, 70000, &t, &first, &count));
    assert_int_equal(t.level, 1);
    assert_int_equal(t.index, 0);
    assert_int_equal(t.width, 256);
    assert_int_equal(first, 200);
    assert_int_equal(count, 2);
    assert_vch_err(vch_tile_locate(16, 1, 70000, &t, &first, &count), MERKLE_RANGE);
    t = (struct vch_tile){2, 0, 1};
    assert_vch_ok(vch_tile_check(&t, 70000));
    t.width = 2;
    assert_vch_err(vch_tile_check(&t, 70000), MERKLE_RANGE);
}

static void test_tile__node_of_a_tile_is_the_tree_s_node(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_hash got, want = mth(leaf, 32);

    (void)state;
    assert_vch_ok(vch_tile_node(cr, leaf, 32, &got));
    assert_true(vch_hash_equal(&got, &want));
    assert_vch_err(vch_tile_node(cr, leaf, 3, &got), MERKLE_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree__root_and_frontier_follow_the_definition),
        cmocka_unit_test(test_tree__inclusion_is_the_defined_path_and_no_other_verifies),
        cmocka_unit_test(test_tree__consistency_is_the_defined_proof),
        cmocka_unit_test(test_tree__append_reports_every_complete_node),
        cmocka_unit_test(test_tile__paths_are_those_of_the_specification),
        cmocka_unit_test(test_tile__seventy_thousand_leaves_as_in_the_specification),
        cmocka_unit_test(test_tile__node_of_a_tile_is_the_tree_s_node),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
