#define OPENSSL_SUPPRESS_DEPRECATED
#include "p256.h"

#include <pthread.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#include <vouch/base/buf.h>

/* ---- SHA-256: the library's context lies inside ours */
_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct vch_sha256), "SHA256_CTX fits");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct vch_sha256), "SHA256_CTX is aligned");

static SHA256_CTX *sha(struct vch_sha256 *ctx)
{
    return (SHA256_CTX *)(void *)ctx->opaque;
}

void vch_p256_sha256_init(struct vch_sha256 *ctx)
{
    VCH_ASSERT(SHA256_Init(sha(ctx)) == 1);
}

void vch_p256_sha256_update(struct vch_sha256 *ctx, struct vch_bytes b)
{
    VCH_ASSERT(b.n == 0 || SHA256_Update(sha(ctx), b.p, b.n) == 1);
}

void vch_p256_sha256_final(struct vch_sha256 *ctx, struct vch_hash *ret)
{
    VCH_ASSERT(SHA256_Final(ret->b, sha(ctx)) == 1);
}

/* ---- one key object per thread, filled anew for each public key */
#define OCT_LEN 65

struct scratch {
    EC_KEY *key;
    BN_CTX *bn;
    uint8_t oct[OCT_LEN]; /* the point that KEY holds; oct[0] is 0 while it holds none */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool at_thread_end_made;
static _Thread_local struct scratch *mine;

static void scratch_free(void *p)
{
    struct scratch *s = p;

    mine = NULL;
    if (s != NULL) {
        EC_KEY_free(s->key);
        BN_CTX_free(s->bn);
        vch_mem_free(s);
    }
}

static void at_thread_end_make(void)
{
    at_thread_end_made = pthread_key_create(&at_thread_end, scratch_free) == 0;
}

static vch_err scratch_get(struct scratch **ret)
{
    struct scratch *s;

    if (mine == NULL) {
        (void)pthread_once(&once, at_thread_end_make);
        VCH_CHECK(at_thread_end_made, CRYPTO);
        s = vch_mem_alloc(sizeof(*s));
        s->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
        s->bn = BN_CTX_new();
        if (s->key == NULL || s->bn == NULL || pthread_setspecific(at_thread_end, s) != 0) {
            scratch_free(s);
            ERR_clear_error();
            return VCH_E(CRYPTO);
        }
        mine = s;
    }
    *ret = mine;
    return VCH_OK;
}

/* Puts KEY into the thread's object; OpenSSL checks the range of both coordinates and the curve's
 * equation. The cofactor is 1, so a point of the curve has full order. */
static vch_err scratch_load(const struct vch_pubkey *key, struct scratch **ret)
{
    uint8_t oct[OCT_LEN];
    struct scratch *s;

    VCH_TRY(scratch_get(&s));
    oct[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(oct + 1, key->x, 32);
    memcpy(oct + 33, key->y, 32);
    if (memcmp(s->oct, oct, sizeof(oct)) != 0) {
        s->oct[0] = 0;
        if (EC_KEY_oct2key(s->key, oct, sizeof(oct), s->bn) != 1) {
            ERR_clear_error();
            return VCH_E(KEY);
        }
        memcpy(s->oct, oct, sizeof(oct));
    }
    *ret = s;
    return VCH_OK;
}

vch_err vch_p256_check(const struct vch_pubkey *key)
{
    struct scratch *s;

    return scratch_load(key, &s);
}

vch_err vch_p256_expand(const uint8_t x[32], bool y_odd, struct vch_pubkey *ret)
{
    struct scratch *s;
    uint8_t oct[OCT_LEN];
    const EC_GROUP *group;
    EC_POINT *point;
    bool ok;

    VCH_TRY(scratch_get(&s));
    group = EC_KEY_get0_group(s->key);
    point = EC_POINT_new(group);
    VCH_CHECK(point != NULL, CRYPTO);
    oct[0] = y_odd ? 3 : 2;
    memcpy(oct + 1, x, 32);
    ok = EC_POINT_oct2point(group, point, oct, 33, s->bn) == 1 &&
         EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, oct, sizeof(oct), s->bn) ==
             sizeof(oct);
    EC_POINT_free(point);
    if (!ok) {
        ERR_clear_error();
        return VCH_E(KEY);
    }
    ret->curve = VCH_CURVE_P256;
    memcpy(ret->x, oct + 1, 32);
    memcpy(ret->y, oct + 33, 32);
    return VCH_OK;
}

static ECDSA_SIG *sig_of(const uint8_t sig[VCH_SIG_LEN])
{
    ECDSA_SIG *o = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(sig, 32, NULL);
    BIGNUM *s = BN_bin2bn(sig + 32, 32, NULL);

    if (o == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(o, r, s) != 1) {
        ECDSA_SIG_free(o);
        BN_free(r);
        BN_free(s);
        ERR_clear_error();
        return NULL;
    }
    return o;
}

static vch_err sig_raw(const ECDSA_SIG *o, uint8_t ret_sig[VCH_SIG_LEN])
{
    uint8_t raw[VCH_SIG_LEN];

    VCH_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(o), raw, 32) == 32, SIGNATURE_FORM);
    VCH_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(o), raw + 32, 32) == 32, SIGNATURE_FORM);
    memcpy(ret_sig, raw, sizeof(raw));
    return VCH_OK;
}

vch_err vch_p256_verify(const struct vch_pubkey *key, const struct vch_hash *digest,
                        const uint8_t sig[VCH_SIG_LEN])
{
    struct scratch *s;
    ECDSA_SIG *o;
    int rc;

    VCH_TRY(scratch_load(key, &s));
    o = sig_of(sig);
    VCH_CHECK(o != NULL, CRYPTO);
    rc = ECDSA_do_verify(digest->b, sizeof(digest->b), o, s->key);
    ECDSA_SIG_free(o);
    if (rc == 1) {
        return VCH_OK;
    }
    ERR_clear_error();
    return rc == 0 ? VCH_E(SIGNATURE) : VCH_E(CRYPTO);
}

/* ---- signing. A vch_p256_key is an EC_KEY; the name only keeps the library's type in this file.
 */
static EC_KEY *ec(const struct vch_p256_key *key)
{
    return (EC_KEY *)(uintptr_t)key;
}

static vch_err key_fill(EC_KEY *key, const uint8_t scalar[32])
{
    const EC_GROUP *group = EC_KEY_get0_group(key);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *d = BN_secure_new();
    vch_err e = VCH_E(CRYPTO);

    if (point != NULL && d != NULL && BN_bin2bn(scalar, 32, d) != NULL) {
        BN_set_flags(d, BN_FLG_CONSTTIME);
        if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0) {
            e = VCH_E(KEY);
        } else if (EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1 &&
                   EC_KEY_set_private_key(key, d) == 1 && EC_KEY_set_public_key(key, point) == 1) {
            e = VCH_OK;
        }
    }
    BN_clear_free(d);
    EC_POINT_free(point);
    return e;
}

vch_err vch_p256_key_open(const uint8_t scalar[32], struct vch_p256_key **ret)
{
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    vch_err e = key == NULL ? VCH_E(CRYPTO) : key_fill(key, scalar);

    if (!vch_ok(e)) {
        EC_KEY_free(key);
        ERR_clear_error();
        return e;
    }
    *ret = (struct vch_p256_key *)key;
    return VCH_OK;
}

void vch_p256_key_close(struct vch_p256_key *key)
{
    EC_KEY_free(ec(key)); /* wipes the scalar */
}

vch_err vch_p256_key_pub(const struct vch_p256_key *key, struct vch_pubkey *ret)
{
    uint8_t oct[OCT_LEN];

    if (EC_POINT_point2oct(EC_KEY_get0_group(ec(key)), EC_KEY_get0_public_key(ec(key)),
                           POINT_CONVERSION_UNCOMPRESSED, oct, sizeof(oct), NULL) != sizeof(oct)) {
        ERR_clear_error();
        return VCH_E(CRYPTO);
    }
    ret->curve = VCH_CURVE_P256;
    memcpy(ret->x, oct + 1, 32);
    memcpy(ret->y, oct + 33, 32);
    return VCH_OK;
}

vch_err vch_p256_sign(const struct vch_p256_key *key, const struct vch_hash *digest,
                      uint8_t ret_sig[VCH_SIG_LEN])
{
    /* The nonce is made of the private key, the digest and fresh randomness. */
    ECDSA_SIG *o = ECDSA_do_sign(digest->b, sizeof(digest->b), ec(key));
    uint8_t raw[VCH_SIG_LEN];
    vch_err e;

    if (o == NULL) {
        ERR_clear_error();
        return VCH_E(CRYPTO);
    }
    e = sig_raw(o, raw);
    ECDSA_SIG_free(o);
    VCH_CHECK(vch_ok(e), CRYPTO);
    vch_es256_normalise(raw);
    memcpy(ret_sig, raw, sizeof(raw));
    return VCH_OK;
}

/* ---- DER */
vch_err vch_ossl_sig_der_encode(const uint8_t sig[VCH_SIG_LEN], struct vch_span out,
                                struct vch_bytes *ret)
{
    ECDSA_SIG *o = sig_of(sig);
    uint8_t *der = NULL;
    int n;

    VCH_CHECK(o != NULL, CRYPTO);
    n = i2d_ECDSA_SIG(o, &der);
    ECDSA_SIG_free(o);
    VCH_CHECK(n > 0, CRYPTO);
    if ((size_t)n > out.cap) {
        OPENSSL_free(der);
        return VCH_E(NO_ROOM);
    }
    memcpy(out.p, der, (size_t)n);
    OPENSSL_free(der);
    *ret = vch_bytes(out.p, (size_t)n);
    return VCH_OK;
}

vch_err vch_ossl_sig_der_decode(struct vch_bytes der, uint8_t ret_sig[VCH_SIG_LEN])
{
    uint8_t again[VCH_OSSL_SIG_DER_MAX];
    const uint8_t *p = der.p;
    struct vch_bytes canon;
    ECDSA_SIG *o;
    uint8_t raw[VCH_SIG_LEN];
    vch_err e;

    VCH_CHECK(der.n > 0 && der.n <= VCH_OSSL_SIG_DER_MAX, SIGNATURE_FORM);
    o = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
    if (o == NULL) {
        ERR_clear_error();
        return VCH_E(SIGNATURE_FORM);
    }
    e = BN_is_negative(ECDSA_SIG_get0_r(o)) || BN_is_negative(ECDSA_SIG_get0_s(o))
            ? VCH_E(SIGNATURE_FORM)
            : sig_raw(o, raw);
    ECDSA_SIG_free(o);
    VCH_TRY(e);
    VCH_TRY(vch_ossl_sig_der_encode(raw, VCH_SPAN_OF(again), &canon));
    VCH_CHECK(vch_bytes_equal(canon, der), SIGNATURE_FORM); /* DER has one form */
    memcpy(ret_sig, raw, sizeof(raw));
    return VCH_OK;
}
