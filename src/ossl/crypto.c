#include <vouch/ossl/crypto.h>

#include <limits.h>
#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "ed25519.h"
#include "p256.h"
#include "secret.h"

static vch_err pubkey_check(const struct vch_pubkey *key)
{
    switch (key->curve) {
    case VCH_CURVE_P256:
        return vch_p256_check(key);
    case VCH_CURVE_ED25519:
        return vch_ed25519_check(key);
    case VCH_CURVE_NONE:
        break;
    }
    return VCH_E(ALG);
}

static vch_err verify(enum vch_alg alg, const struct vch_pubkey *key, const struct vch_bytes *parts,
                      size_t n, struct vch_bytes sig)
{
    struct vch_sha256 ctx;
    struct vch_hash digest;

    VCH_CHECK(vch_alg_curve(alg) != VCH_CURVE_NONE && vch_alg_curve(alg) == key->curve, ALG);
    VCH_CHECK(sig.n == VCH_SIG_LEN, SIGNATURE_FORM);
    if (key->curve == VCH_CURVE_ED25519) {
        return vch_ed25519_verify(key, parts, n, sig.p);
    }
    vch_p256_sha256_init(&ctx);
    for (size_t i = 0; i < n; i++) {
        vch_p256_sha256_update(&ctx, parts[i]);
    }
    vch_p256_sha256_final(&ctx, &digest);
    return vch_p256_verify(key, &digest, sig.p);
}

static const struct vch_crypto table = {
    .name = "OpenSSL",
    .sha256_init = vch_p256_sha256_init,
    .sha256_update = vch_p256_sha256_update,
    .sha256_final = vch_p256_sha256_final,
    .pubkey_check = pubkey_check,
    .pubkey_expand = vch_p256_expand,
    .verify = verify,
};

const struct vch_crypto *vch_ossl_crypto(void)
{
    return &table;
}

vch_err vch_ossl_random(void *self, struct vch_span out)
{
    (void)self;
    while (out.cap > 0) {
        int n = out.cap > INT_MAX ? INT_MAX : (int)out.cap;

        if (RAND_priv_bytes(out.p, n) != 1) {
            ERR_clear_error();
            return VCH_E(CRYPTO);
        }
        out = vch_span(out.p + n, out.cap - (size_t)n);
    }
    return VCH_OK;
}

/* ---- locked memory: OpenSSL's secure heap, which then also holds the private keys themselves */
#define SECRET_HEAP (256 * 1024)
#define SECRET_MAX  4096

static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void secret_heap_make(void)
{
    /* Where the limit on locked memory is lower, the heap works unlocked (result 2); where it
     * cannot be made at all, allocations come from the common heap and are still wiped. */
    if (CRYPTO_secure_malloc_initialized() == 0) {
        (void)CRYPTO_secure_malloc_init(SECRET_HEAP, 32);
    }
}

void vch_ossl_secret_heap(void)
{
    (void)pthread_once(&secret_once, secret_heap_make);
}

vch_err vch_ossl_secret_alloc(size_t n, void **ret)
{
    void *p;

    VCH_CHECK(n <= SECRET_MAX, LIMIT);
    vch_ossl_secret_heap();
    p = OPENSSL_secure_zalloc(n == 0 ? 1 : n);
    VCH_CHECK(p != NULL, CRYPTO);
    *ret = p;
    return VCH_OK;
}

void vch_ossl_secret_free(void *p, size_t n)
{
    OPENSSL_secure_clear_free(p, n);
}
