/* transparency-dev/merkle: every inclusion and consistency proof gets the verdict it wants. */
#include "vch_vectors.h"

#include <vouch/merkle/tree.h>
#include <vouch/ossl/crypto.h>

/* A hash of base64 text. Where only equality matters the vectors have a short text instead, which
 * is padded; false for a hash of a proof that has not 32 bytes. */
static bool hash_of(const json_t *v, struct vch_hash *ret)
{
    uint8_t room[128];
    struct vch_bytes b;

    assert_vch_ok(
        vch_b64_decode(VCH_B64_STD, vch_text(json_string_value(v)), VCH_SPAN_OF(room), &b));
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->b, b.p, b.n < VCH_HASH_LEN ? b.n : VCH_HASH_LEN);
    return b.n == VCH_HASH_LEN;
}

/* Some of these vectors have roots that are no hashes and only need to be equal or not: they are
 * hashed to the length that ours have. */
static void root_of(const json_t *v, struct vch_hash *ret)
{
    if (!hash_of(v, ret)) {
        vch_sha256_of(vch_ossl_crypto(), vch_text(json_string_value(v)), ret);
    }
}

static bool path_of(const json_t *v, struct vch_hash *path, size_t max, size_t *ret_count)
{
    *ret_count = json_array_size(v);
    assert_true(*ret_count <= max);
    for (size_t i = 0; i < *ret_count; i++) {
        if (!hash_of(json_array_get(v, i), &path[i])) {
            return false;
        }
    }
    return true;
}

static uint64_t number_of(const json_t *doc, const char *name)
{
    double v = json_real_value(json_object_get(doc, name));

    return v >= 9e18 ? UINT64_MAX : (uint64_t)v;
}

static void inclusion(const char *name, json_t *doc)
{
    bool want_err = json_is_true(json_object_get(doc, "wantErr"));
    struct vch_hash leaf, root, path[128];
    size_t count;
    bool ok;

    /* a hash that is not of 32 bytes cannot even be passed: refused */
    ok = hash_of(json_object_get(doc, "leafHash"), &leaf) &&
         hash_of(json_object_get(doc, "root"), &root) &&
         path_of(json_object_get(doc, "proof"), path, VCH_ARRAY_LEN(path), &count) &&
         vch_ok(vch_merkle_inclusion_verify(vch_ossl_crypto(), &leaf, number_of(doc, "leafIdx"),
                                            number_of(doc, "treeSize"), path, count, &root));
    if (ok == want_err) {
        fail_msg("%s: %s", name, ok ? "accepted" : "refused");
    }
}

static void consistency(const char *name, json_t *doc)
{
    bool want_err = json_is_true(json_object_get(doc, "wantErr"));
    struct vch_hash root1, root2, path[128];
    uint64_t size1 = number_of(doc, "size1");
    size_t count;
    bool ok;

    root_of(json_object_get(doc, "root1"), &root1);
    root_of(json_object_get(doc, "root2"), &root2);
    ok = path_of(json_object_get(doc, "proof"), path, VCH_ARRAY_LEN(path), &count) &&
         vch_ok(vch_merkle_consistency_verify(vch_ossl_crypto(), size1, &root1,
                                              number_of(doc, "size2"), &root2, path, count));
    /* consistency with the empty tree shows nothing: always refused here */
    if (ok == (want_err || size1 == 0)) {
        fail_msg("%s: %s", name, ok ? "accepted" : "refused");
    }
}

static void test_merkle__inclusion_vectors(void **state)
{
    const char *dir = t_vectors_dir("merkle/inclusion");

    (void)state;
    t_vectors_need(dir);
    assert_true(t_vectors_walk(dir, inclusion) >= 90);
}

static void test_merkle__consistency_vectors(void **state)
{
    const char *dir = t_vectors_dir("merkle/consistency");

    (void)state;
    t_vectors_need(dir);
    assert_true(t_vectors_walk(dir, consistency) >= 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merkle__inclusion_vectors),
        cmocka_unit_test(test_merkle__consistency_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
