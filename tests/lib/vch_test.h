/* vch_test.h - what every unit test includes: cmocka, hexadecimal, guarded copies, seeded numbers.
 */
#ifndef VCH_TEST_H
#define VCH_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <vouch/base/bytes.h>
#include <vouch/base/text.h>

/* Fails with the error's slug unless EXPR succeeds. */
#define assert_vch_ok(expr)                                                                        \
    do {                                                                                           \
        vch_err t_e_ = (expr);                                                                     \
        if (!vch_ok(t_e_)) {                                                                       \
            fail_msg("%s: %s", #expr, vch_err_info(t_e_)->slug);                                   \
        }                                                                                          \
    } while (0)

/* Fails unless EXPR fails with the error NAME of errors.def. */
#define assert_vch_err(expr, name)                                                                 \
    do {                                                                                           \
        vch_err t_e_ = (expr);                                                                     \
        if (!vch_err_is(t_e_, VCH_E(name))) {                                                      \
            fail_msg("%s: %s instead of %s", #expr, vch_err_info(t_e_)->slug,                      \
                     vch_err_info(VCH_E(name))->slug);                                             \
        }                                                                                          \
    } while (0)

#define assert_bytes_equal(a, b)                                                                   \
    do {                                                                                           \
        struct vch_bytes t_a_ = (a), t_b_ = (b);                                                   \
        assert_int_equal(t_a_.n, t_b_.n);                                                          \
        if (t_a_.n != 0) {                                                                         \
            assert_memory_equal(t_a_.p, t_b_.p, t_a_.n);                                           \
        }                                                                                          \
    } while (0)

/* Heap copy of exactly its size, so that AddressSanitizer sees any over-read; free() its p. */
static inline struct vch_bytes t_copy(struct vch_bytes b)
{
    uint8_t *p = malloc(b.n == 0 ? 1 : b.n);

    assert_non_null(p);
    if (b.n != 0) {
        memcpy(p, b.p, b.n);
    }
    return vch_bytes(p, b.n);
}

/* Heap bytes of hexadecimal text; free() its p. */
static inline struct vch_bytes t_hex(const char *hex)
{
    size_t n = strlen(hex) / 2;
    uint8_t *p = malloc(n == 0 ? 1 : n);
    struct vch_bytes b;

    assert_non_null(p);
    assert_vch_ok(vch_hex_decode(vch_text(hex), vch_span(p, n), &b));
    return vch_bytes(p, n);
}

/* Seeded numbers (xorshift64*): the seed is fixed, or VCH_TEST_SEED; it is printed on first use. */
static inline uint64_t t_random(void)
{
    static uint64_t state;

    if (state == 0) {
        const char *env = getenv("VCH_TEST_SEED");

        state = env != NULL ? strtoull(env, NULL, 0) : 0x5eed5eed5eedULL;
        state = state == 0 ? 1 : state;
        print_message("seed %#llx (VCH_TEST_SEED sets it)\n", (unsigned long long)state);
    }
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dULL;
}

#endif
