#include "ed25519.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "concat.h"

/* Encodings (little-endian y, sign bit cleared) of the points whose order divides 8. */
static const uint8_t small_order[][32] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0xd7, 0x79, 0x2a, 0xc0, 0x7a},
};

static bool below_p(const uint8_t y[32])
{
    for (size_t i = 31; i >= 1; i--) {
        if (y[i] != (i == 31 ? 0x7f : 0xff)) {
            return true;
        }
    }
    return y[0] < 0xed;
}

vch_err vch_ed25519_form_check(const struct vch_pubkey *key)
{
    static const uint8_t zero[32];
    uint8_t y[32];

    VCH_CHECK(memcmp(key->y, zero, 32) == 0, KEY);
    memcpy(y, key->x, 32);
    y[31] &= 0x7f;
    VCH_CHECK(below_p(y), KEY);
    for (size_t i = 0; i < VCH_ARRAY_LEN(small_order); i++) {
        VCH_CHECK(memcmp(y, small_order[i], 32) != 0, KEY);
    }
    return VCH_OK;
}

/* ---- the full check: u = (1 + y) / (1 - y) on the birationally equivalent Montgomery curve, and
 * the x-only ladder of RFC 7748 with the subgroup's order as scalar. Everything here is public, so
 * time may depend on it. */
#define P_HEX "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"
#define D_HEX "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3"
#define L_HEX "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed"

struct field {
    BN_CTX *ctx;
    BN_MONT_CTX *mont;
    BIGNUM *p, *d, *l, *a24, *y;
    BIGNUM *x1, *x2, *z2, *x3, *z3, *t[4];
    bool ok; /* sticky: false once a call has failed */
};

static void mul(struct field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b)
{
    f->ok = f->ok && BN_mod_mul_montgomery(r, a, b, f->mont, f->ctx) == 1;
}

static void add(struct field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b)
{
    f->ok = f->ok && BN_mod_add_quick(r, a, b, f->p) == 1;
}

static void sub(struct field *f, BIGNUM *r, const BIGNUM *a, const BIGNUM *b)
{
    f->ok = f->ok && BN_mod_sub_quick(r, a, b, f->p) == 1;
}

/* One step: (x2, z2) doubled, (x3, z3) the sum of both, their difference being x1. */
static void ladder_step(struct field *f)
{
    BIGNUM **t = f->t;

    add(f, t[0], f->x2, f->z2); /* A */
    sub(f, t[1], f->x2, f->z2); /* B */
    add(f, t[2], f->x3, f->z3); /* C */
    sub(f, t[3], f->x3, f->z3); /* D */
    mul(f, t[3], t[3], t[0]);   /* DA */
    mul(f, t[2], t[2], t[1]);   /* CB */
    add(f, f->x3, t[3], t[2]);  /* DA + CB */
    sub(f, f->z3, t[3], t[2]);  /* DA - CB */
    mul(f, f->x3, f->x3, f->x3);
    mul(f, f->z3, f->z3, f->z3);
    mul(f, f->z3, f->z3, f->x1);
    mul(f, t[0], t[0], t[0]); /* AA */
    mul(f, t[1], t[1], t[1]); /* BB */
    mul(f, f->x2, t[0], t[1]);
    sub(f, t[1], t[0], t[1]); /* E */
    mul(f, t[2], t[1], f->a24);
    add(f, t[2], t[2], t[0]);
    mul(f, f->z2, t[1], t[2]);
}

static void swap(BIGNUM **a, BIGNUM **b)
{
    BIGNUM *t = *a;

    *a = *b;
    *b = t;
}

/* Is L times the point with Montgomery coordinate X1 the neutral element? */
static bool order_is_l(struct field *f)
{
    f->ok = f->ok && BN_one(f->x2) == 1 && BN_to_montgomery(f->x2, f->x2, f->mont, f->ctx) == 1 &&
            BN_copy(f->z3, f->x2) != NULL && BN_copy(f->x3, f->x1) != NULL;
    BN_zero(f->z2);
    for (int i = BN_num_bits(f->l) - 1; i >= 0; i--) {
        bool bit = BN_is_bit_set(f->l, i) != 0;

        if (bit) {
            swap(&f->x2, &f->x3);
            swap(&f->z2, &f->z3);
        }
        ladder_step(f);
        if (bit) {
            swap(&f->x2, &f->x3);
            swap(&f->z2, &f->z3);
        }
    }
    return BN_is_zero(f->z2) != 0;
}

/* Does an x exist, that is: is (y^2 - 1) / (d y^2 + 1) a square? */
static bool on_curve(struct field *f)
{
    BIGNUM *yy = f->t[0], *v = f->t[1];

    f->ok = f->ok && BN_mod_sqr(yy, f->y, f->p, f->ctx) == 1 &&
            BN_mod_mul(v, f->d, yy, f->p, f->ctx) == 1 && BN_add_word(v, 1) == 1 &&
            BN_sub_word(yy, 1) == 1 && BN_mod_mul(v, v, yy, f->p, f->ctx) == 1;
    return f->ok && BN_kronecker(v, f->p, f->ctx) == 1;
}

/* x1 = (1 + y) / (1 - y) in Montgomery form; y is not 1. */
static void to_montgomery(struct field *f)
{
    BIGNUM *num = f->t[0], *den = f->t[1];

    f->ok = f->ok && BN_copy(num, f->y) != NULL && BN_add_word(num, 1) == 1 && BN_one(den) == 1 &&
            BN_mod_sub(den, den, f->y, f->p, f->ctx) == 1 &&
            BN_mod_inverse(den, den, f->p, f->ctx) != NULL &&
            BN_mod_mul(f->x1, num, den, f->p, f->ctx) == 1 &&
            BN_to_montgomery(f->x1, f->x1, f->mont, f->ctx) == 1 &&
            BN_to_montgomery(f->a24, f->a24, f->mont, f->ctx) == 1;
}

static bool field_fill(struct field *f, const uint8_t y[32])
{
    BIGNUM **all[] = {&f->p,  &f->d,  &f->l,  &f->a24,  &f->y,    &f->x1,   &f->x2,
                      &f->z2, &f->x3, &f->z3, &f->t[0], &f->t[1], &f->t[2], &f->t[3]};

    for (size_t i = 0; i < VCH_ARRAY_LEN(all); i++) {
        *all[i] = BN_CTX_get(f->ctx);
    }
    /* Once a get fails, all later ones do. */
    return f->t[3] != NULL && BN_hex2bn(&f->p, P_HEX) > 0 && BN_hex2bn(&f->d, D_HEX) > 0 &&
           BN_hex2bn(&f->l, L_HEX) > 0 && BN_set_word(f->a24, 121665) == 1 &&
           BN_lebin2bn(y, 32, f->y) != NULL && BN_MONT_CTX_set(f->mont, f->p, f->ctx) == 1;
}

vch_err vch_ed25519_check(const struct vch_pubkey *key)
{
    struct field f = {.ctx = BN_CTX_new(), .mont = BN_MONT_CTX_new(), .ok = true};
    vch_err e = vch_ed25519_form_check(key);
    uint8_t y[32];
    bool good = false;

    memcpy(y, key->x, 32);
    y[31] &= 0x7f;
    if (f.ctx != NULL) {
        BN_CTX_start(f.ctx);
    }
    f.ok = f.ctx != NULL && f.mont != NULL && field_fill(&f, y);
    if (vch_ok(e) && f.ok && on_curve(&f)) {
        to_montgomery(&f);
        good = order_is_l(&f);
    }
    if (f.ctx != NULL) {
        BN_CTX_end(f.ctx);
    }
    BN_MONT_CTX_free(f.mont);
    BN_CTX_free(f.ctx);
    VCH_TRY(e);
    if (!f.ok) {
        ERR_clear_error();
        return VCH_E(CRYPTO);
    }
    VCH_CHECK(good, KEY);
    return VCH_OK;
}

vch_err vch_ed25519_verify(const struct vch_pubkey *key, const struct vch_bytes *parts, size_t n,
                           const uint8_t sig[VCH_SIG_LEN])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf joined = vch_buf_init(SIZE_MAX);
    struct vch_bytes msg;
    EVP_PKEY *pkey;
    EVP_MD_CTX *md;
    int rc = -1;

    VCH_TRY(vch_ed25519_form_check(key));
    VCH_TRY(vch_ossl_concat(parts, n, &joined, &msg));
    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->x, 32);
    md = EVP_MD_CTX_new();
    if (pkey != NULL && md != NULL && EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey) == 1) {
        rc = EVP_DigestVerify(md, sig, VCH_SIG_LEN, msg.p, msg.n);
    }
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(pkey);
    if (rc == 1) {
        return VCH_OK;
    }
    ERR_clear_error();
    return rc == 0 ? VCH_E(SIGNATURE) : VCH_E(CRYPTO);
}
