#include <vouch/ossl/aead.h>

#include <limits.h>
#include <pthread.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <vouch/ossl/crypto.h>

#include "key.h"

/* Fetched once: a fetch for each message costs more than a short message itself. */
static struct {
    EVP_CIPHER *gcm;
    EVP_KDF *hkdf, *scrypt;
} alg;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    alg.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    alg.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    alg.scrypt = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
}

static vch_err fetched(void)
{
    (void)pthread_once(&once, fetch_all);
    if (alg.gcm == NULL || alg.hkdf == NULL || alg.scrypt == NULL) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    return VCH_OK;
}

/* OpenSSL wants a non-NULL pointer even for nothing. */
static const uint8_t *ptr(struct vch_bytes b)
{
    static const uint8_t none[1];

    return b.n == 0 ? none : b.p;
}

static bool seal(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce,
                 struct vch_bytes aad, struct vch_bytes plain, uint8_t *out)
{
    int n = 0;

    return EVP_EncryptInit_ex2(ctx, alg.gcm, key, nonce, NULL) == 1 &&
           (aad.n == 0 || EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
           (plain.n == 0 || EVP_EncryptUpdate(ctx, out, &n, plain.p, (int)plain.n) == 1) &&
           EVP_EncryptFinal_ex(ctx, out + plain.n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, VCH_AEAD_TAG_LEN, out + plain.n) == 1;
}

vch_err vch_ossl_aead_seal(const uint8_t key[VCH_AEAD_KEY_LEN],
                           const uint8_t nonce[VCH_AEAD_NONCE_LEN], struct vch_bytes aad,
                           struct vch_bytes plain, struct vch_span out, struct vch_bytes *ret)
{
    EVP_CIPHER_CTX *ctx;
    bool ok;

    VCH_CHECK(aad.n <= INT_MAX && plain.n <= INT_MAX - VCH_AEAD_TAG_LEN, LIMIT);
    VCH_CHECK(out.cap >= plain.n + VCH_AEAD_TAG_LEN, NO_ROOM);
    VCH_TRY(fetched());
    ctx = EVP_CIPHER_CTX_new();
    ok = ctx != NULL && seal(ctx, key, nonce, aad, plain, out.p);
    EVP_CIPHER_CTX_free(ctx);
    if (!ok) {
        vch_wipe(out.p, plain.n + VCH_AEAD_TAG_LEN);
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    *ret = vch_bytes(out.p, plain.n + VCH_AEAD_TAG_LEN);
    return VCH_OK;
}

/* False only on failures of the library; RET_GOOD says whether the tag fits. */
static bool open_sealed(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce,
                        struct vch_bytes aad, struct vch_bytes body, const uint8_t *tag,
                        uint8_t *out, bool *ret_good)
{
    uint8_t want[VCH_AEAD_TAG_LEN], none[1];
    int n = 0;

    memcpy(want, tag, sizeof(want));
    if (EVP_DecryptInit_ex2(ctx, alg.gcm, key, nonce, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, VCH_AEAD_TAG_LEN, want) != 1 ||
        (aad.n != 0 && EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) != 1) ||
        (body.n != 0 && EVP_DecryptUpdate(ctx, out, &n, body.p, (int)body.n) != 1)) {
        return false;
    }
    *ret_good = EVP_DecryptFinal_ex(ctx, none, &n) == 1;
    return true;
}

vch_err vch_ossl_aead_open(const uint8_t key[VCH_AEAD_KEY_LEN],
                           const uint8_t nonce[VCH_AEAD_NONCE_LEN], struct vch_bytes aad,
                           struct vch_bytes sealed, struct vch_span out, struct vch_bytes *ret)
{
    struct vch_bytes body;
    EVP_CIPHER_CTX *ctx;
    bool done, good = false;

    VCH_CHECK(aad.n <= INT_MAX && sealed.n <= INT_MAX, LIMIT);
    VCH_CHECK(sealed.n >= VCH_AEAD_TAG_LEN, DECRYPT);
    body = vch_bytes_slice(sealed, 0, sealed.n - VCH_AEAD_TAG_LEN);
    VCH_CHECK(out.cap >= body.n, NO_ROOM);
    VCH_TRY(fetched());
    ctx = EVP_CIPHER_CTX_new();
    done = ctx != NULL && open_sealed(ctx, key, nonce, aad, body, sealed.p + body.n, out.p, &good);
    EVP_CIPHER_CTX_free(ctx);
    if (!good) {
        vch_wipe(out.p, body.n);
        return vch_ossl_fail(done ? VCH_E(DECRYPT) : VCH_E(CRYPTO));
    }
    *ret = vch_bytes(out.p, body.n);
    return VCH_OK;
}

vch_err vch_ossl_wrap(const uint8_t kek[VCH_AEAD_KEY_LEN], struct vch_bytes aad,
                      struct vch_bytes secret, struct vch_span out, struct vch_bytes *ret)
{
    uint8_t nonce[VCH_AEAD_NONCE_LEN];
    struct vch_bytes sealed;

    VCH_CHECK(secret.n <= INT_MAX - VCH_WRAP_OVERHEAD, LIMIT);
    VCH_CHECK(out.cap >= secret.n + VCH_WRAP_OVERHEAD, NO_ROOM);
    VCH_TRY(vch_ossl_random(NULL, VCH_SPAN_OF(nonce)));
    VCH_TRY(vch_ossl_aead_seal(kek, nonce, aad, secret,
                               vch_span(out.p + sizeof(nonce), out.cap - sizeof(nonce)), &sealed));
    memcpy(out.p, nonce, sizeof(nonce));
    *ret = vch_bytes(out.p, secret.n + VCH_WRAP_OVERHEAD);
    return VCH_OK;
}

vch_err vch_ossl_unwrap(const uint8_t kek[VCH_AEAD_KEY_LEN], struct vch_bytes aad,
                        struct vch_bytes wrapped, struct vch_span out, struct vch_bytes *ret)
{
    VCH_CHECK(wrapped.n >= VCH_WRAP_OVERHEAD, DECRYPT);
    return vch_ossl_aead_open(kek, wrapped.p, aad,
                              vch_bytes_slice(wrapped, VCH_AEAD_NONCE_LEN, wrapped.n), out, ret);
}

/* ---- derivation */
static vch_err derive(EVP_KDF *kdf, const OSSL_PARAM *params, struct vch_span out)
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, out.p, out.cap, params) == 1;

    EVP_KDF_CTX_free(ctx);
    if (!ok) {
        vch_wipe(out.p, out.cap);
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    return VCH_OK;
}

/* OSSL_PARAM takes pointers to non-const and only reads through these. */
static OSSL_PARAM octets(const char *name, struct vch_bytes b)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)ptr(b), b.n);
}

vch_err vch_ossl_hkdf(struct vch_bytes secret, struct vch_bytes salt, struct vch_bytes info,
                      struct vch_span out)
{
    static char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, secret),
        octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info),
        OSSL_PARAM_construct_end(),
    };

    VCH_CHECK(out.cap >= 1 && out.cap <= 255 * VCH_HASH_LEN, LIMIT);
    VCH_TRY(fetched());
    return derive(alg.hkdf, params, out);
}

vch_err vch_ossl_scrypt(struct vch_bytes passphrase, struct vch_bytes salt, unsigned log2_n,
                        unsigned p, struct vch_span out)
{
    uint64_t n, r = 8, pp = p, max;
    OSSL_PARAM params[] = {
        octets(OSSL_KDF_PARAM_PASSWORD, passphrase),
        octets(OSSL_KDF_PARAM_SALT, salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &pp),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max),
        OSSL_PARAM_construct_end(),
    };

    VCH_CHECK(log2_n >= 10 && log2_n <= 20 && p >= 1 && p <= 16 && out.cap >= 1, USAGE);
    VCH_TRY(fetched());
    n = (uint64_t)1 << log2_n;
    max = 128 * r * (n + pp + 2) + 65536;
    return derive(alg.scrypt, params, out);
}
