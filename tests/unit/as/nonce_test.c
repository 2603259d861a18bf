/* Nonces: fresh, ours, and good for one use. */
#include <vouch/as/nonce.h>
#include <vouch/ossl/crypto.h>

#include "vch_test.h"

#define NOW INT64_C(1700000000)

static struct vch_as_nonces *open_with(size_t used_max)
{
    struct vch_as_nonces *n;

    assert_vch_ok(vch_as_nonces_open(vch_ossl_crypto(), vch_ossl_random, NULL, 60, used_max, &n));
    return n;
}

static struct vch_hash content(uint8_t c)
{
    struct vch_hash h;

    memset(h.b, c, sizeof h.b);
    return h;
}

static void test_life(void **state)
{
    struct vch_as_nonces *n = open_with(100);
    uint8_t a[VCH_AS_NONCE_LEN];

    (void)state;
    assert_vch_ok(vch_as_nonce_make(n, NOW, a));
    assert_vch_ok(vch_as_nonce_check(n, VCH_BYTES_OF(a), NOW));
    assert_vch_ok(vch_as_nonce_check(n, VCH_BYTES_OF(a), NOW + 59));
    assert_vch_err(vch_as_nonce_check(n, VCH_BYTES_OF(a), NOW + 60), AS_NONCE);
    vch_as_nonces_close(n);
}

/* A nonce changed anywhere, cut, or of another process is none of ours. */
static void test_foreign(void **state)
{
    struct vch_as_nonces *n = open_with(100), *other = open_with(100);
    uint8_t a[VCH_AS_NONCE_LEN];

    (void)state;
    assert_vch_ok(vch_as_nonce_make(n, NOW, a));
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] ^= 1;
        assert_vch_err(vch_as_nonce_check(n, VCH_BYTES_OF(a), NOW), AS_NONCE);
        a[i] ^= 1;
        assert_vch_err(vch_as_nonce_check(n, vch_bytes(a, i), NOW), AS_NONCE);
    }
    assert_vch_err(vch_as_nonce_check(other, VCH_BYTES_OF(a), NOW), AS_NONCE);
    vch_as_nonces_close(other);
    vch_as_nonces_close(n);
}

/* req-test: Y.2247-8.1.2-3 (replayed requests fail; the same request sent again does not) */
static void test_single_use(void **state)
{
    struct vch_as_nonces *n = open_with(100);
    struct vch_hash c1 = content(1), c2 = content(2);
    uint8_t a[VCH_AS_NONCE_LEN], b[VCH_AS_NONCE_LEN];

    (void)state;
    assert_vch_ok(vch_as_nonce_make(n, NOW, a));
    assert_vch_ok(vch_as_nonce_make(n, NOW, b));
    assert_vch_ok(vch_as_nonce_use(n, VCH_BYTES_OF(a), &c1, true, NOW));
    assert_vch_ok(vch_as_nonce_use(n, VCH_BYTES_OF(a), &c1, true, NOW));
    assert_vch_err(vch_as_nonce_use(n, VCH_BYTES_OF(a), &c2, true, NOW), AS_NONCE_USED);
    assert_vch_ok(vch_as_nonce_use(n, VCH_BYTES_OF(b), &c1, false, NOW));
    assert_vch_err(vch_as_nonce_use(n, VCH_BYTES_OF(b), &c1, false, NOW), AS_NONCE_USED);
    vch_as_nonces_close(n);
}

/* Memory is bounded, and what has expired makes room. */
static void test_bounded(void **state)
{
    struct vch_as_nonces *n = open_with(8);
    struct vch_hash c = content(1);
    uint8_t a[VCH_AS_NONCE_LEN], first[VCH_AS_NONCE_LEN];

    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_vch_ok(vch_as_nonce_make(n, NOW + i, a));
        if (i == 0) {
            memcpy(first, a, sizeof a);
        }
        assert_vch_ok(vch_as_nonce_use(n, VCH_BYTES_OF(a), &c, false, NOW + i));
    }
    assert_vch_ok(vch_as_nonce_make(n, NOW + 8, a));
    assert_vch_err(vch_as_nonce_use(n, VCH_BYTES_OF(a), &c, false, NOW + 8), AS_BUSY);
    assert_vch_err(vch_as_nonce_use(n, VCH_BYTES_OF(first), &c, false, NOW + 8), AS_NONCE_USED);
    assert_vch_ok(vch_as_nonce_use(n, VCH_BYTES_OF(a), &c, false, NOW + 61));
    vch_as_nonces_close(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_single_use),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
