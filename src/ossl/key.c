#include "key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "concat.h"
#include "secret.h"

vch_err vch_ossl_fail(vch_err e)
{
    ERR_clear_error();
    return e;
}

/* ---- public keys as the library's objects */
vch_err vch_ossl_pkey_pub(EVP_PKEY *pkey, struct vch_pubkey *ret)
{
    struct vch_pubkey key = {.curve = VCH_CURVE_NONE};
    uint8_t oct[65];
    char group[32];
    size_t n = 0;

    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        n = sizeof(key.x);
        if (EVP_PKEY_get_raw_public_key(pkey, key.x, &n) != 1 || n != sizeof(key.x)) {
            return vch_ossl_fail(VCH_E(KEY));
        }
        key.curve = VCH_CURVE_ED25519;
    } else if (EVP_PKEY_is_a(pkey, "EC")) {
        if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) != 1 ||
            strcmp(group, "prime256v1") != 0 ||
            EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, oct,
                                            sizeof(oct), &n) != 1 ||
            n < 33) {
            return vch_ossl_fail(VCH_E(KEY));
        }
        if (n == 33) {
            VCH_TRY(vch_p256_expand(oct + 1, oct[0] == 3, &key));
        } else {
            key.curve = VCH_CURVE_P256;
            memcpy(key.x, oct + 1, 32);
            memcpy(key.y, oct + 33, 32);
        }
    } else {
        return VCH_E(KEY);
    }
    VCH_TRY(vch_ossl_crypto()->pubkey_check(&key));
    *ret = key;
    return VCH_OK;
}

/* An EC key from octets; SCALAR may be NULL. */
static EVP_PKEY *ec_pkey(const uint8_t oct[65], const uint8_t *scalar)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *d = scalar == NULL ? NULL : BN_secure_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;

    if (ctx != NULL && bld != NULL &&
        (scalar == NULL || (d != NULL && BN_bin2bn(scalar, 32, d) != NULL)) &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, oct, 65) == 1 &&
        (d == NULL || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1) &&
        (params = OSSL_PARAM_BLD_to_param(bld)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1) {
        (void)EVP_PKEY_fromdata(ctx, &pkey, d == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                                params);
    }
    OSSL_PARAM_free(params); /* wipes what lies in secure memory */
    OSSL_PARAM_BLD_free(bld);
    BN_clear_free(d);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static void oct_of(const struct vch_pubkey *key, uint8_t oct[65])
{
    oct[0] = 4;
    memcpy(oct + 1, key->x, 32);
    memcpy(oct + 33, key->y, 32);
}

vch_err vch_ossl_pkey_of(const struct vch_pubkey *key, EVP_PKEY **ret)
{
    EVP_PKEY *pkey;
    uint8_t oct[65];

    VCH_TRY(vch_ossl_crypto()->pubkey_check(key));
    if (key->curve == VCH_CURVE_ED25519) {
        pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->x, 32);
    } else {
        oct_of(key, oct);
        pkey = ec_pkey(oct, NULL);
    }
    if (pkey == NULL) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    *ret = pkey;
    return VCH_OK;
}

/* ---- signing */
static vch_err sign_es256(const struct vch_signer *s, const struct vch_bytes *parts, size_t n,
                          uint8_t ret_sig[VCH_SIG_LEN])
{
    const struct vch_ossl_key *key = s->self;
    struct vch_hash digest;

    vch_sha256_parts(vch_ossl_crypto(), parts, n, &digest);
    return vch_p256_sign(key->p256, &digest, ret_sig);
}

static vch_err sign_ed25519(const struct vch_signer *s, const struct vch_bytes *parts, size_t n,
                            uint8_t ret_sig[VCH_SIG_LEN])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf joined = vch_buf_init(SIZE_MAX);
    const struct vch_ossl_key *key = s->self;
    uint8_t sig[VCH_SIG_LEN];
    size_t sig_n = sizeof(sig);
    struct vch_bytes msg;
    EVP_MD_CTX *md;
    bool ok;

    VCH_TRY(vch_ossl_concat(parts, n, &joined, &msg));
    md = EVP_MD_CTX_new();
    ok = md != NULL && EVP_DigestSignInit(md, NULL, NULL, NULL, key->pkey) == 1 &&
         EVP_DigestSign(md, sig, &sig_n, msg.p, msg.n) == 1 && sig_n == sizeof(sig);
    EVP_MD_CTX_free(md);
    if (!ok) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    memcpy(ret_sig, sig, sizeof(sig));
    return VCH_OK;
}

/* ---- keys */
/* Takes the scalar out of PKEY into the object that signs with it. */
static vch_err p256_of(EVP_PKEY *pkey, const struct vch_pubkey *pub, struct vch_p256_key **ret)
{
    struct vch_p256_key *key = NULL;
    struct vch_pubkey derived;
    BIGNUM *d = BN_secure_new();
    uint8_t scalar[32];
    vch_err e = VCH_E(CRYPTO);

    if (d != NULL && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
        BN_bn2binpad(d, scalar, sizeof(scalar)) == sizeof(scalar)) {
        e = vch_p256_key_open(scalar, &key);
    }
    vch_wipe(scalar, sizeof(scalar));
    BN_clear_free(d);
    VCH_TRY(e);
    e = vch_p256_key_pub(key, &derived);
    if (vch_ok(e) && !vch_pubkey_equal(&derived, pub)) {
        e = VCH_E(KEY); /* a file whose halves do not belong together */
    }
    if (!vch_ok(e)) {
        vch_p256_key_close(key);
        return e;
    }
    *ret = key;
    return VCH_OK;
}

vch_err vch_ossl_key_adopt(EVP_PKEY *pkey, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = vch_mem_alloc(sizeof(*key));
    struct vch_signer *s = &key->signer;

    key->pkey = pkey;
    VCH_TRY(vch_ossl_pkey_pub(pkey, &s->pub));
    s->custody = VCH_CUSTODY_FILE;
    s->self = key;
    if (s->pub.curve == VCH_CURVE_P256) {
        VCH_TRY(p256_of(pkey, &s->pub, &key->p256));
        s->alg = VCH_ALG_ES256;
        s->sign = sign_es256;
    } else {
        s->alg = VCH_ALG_EDDSA;
        s->sign = sign_ed25519;
    }
    *ret = key;
    key = NULL;
    return VCH_OK;
}

vch_err vch_ossl_key_generate(enum vch_alg alg, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    EVP_PKEY *pkey;

    vch_ossl_secret_heap();
    switch (vch_alg_curve(alg)) {
    case VCH_CURVE_P256:
        pkey = EVP_EC_gen("P-256");
        break;
    case VCH_CURVE_ED25519:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    default:
        return VCH_E(ALG);
    }
    if (pkey == NULL) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    VCH_TRY(vch_ossl_key_adopt(pkey, &key));
    key->signer.alg = alg;
    *ret = key;
    key = NULL;
    return VCH_OK;
}

static vch_err p256_import(const uint8_t scalar[32], EVP_PKEY **ret)
{
    struct vch_p256_key *key;
    struct vch_pubkey pub;
    uint8_t oct[65];
    vch_err e;

    VCH_TRY(vch_p256_key_open(scalar, &key));
    e = vch_p256_key_pub(key, &pub);
    vch_p256_key_close(key);
    VCH_TRY(e);
    oct_of(&pub, oct);
    *ret = ec_pkey(oct, scalar);
    return VCH_OK;
}

vch_err vch_ossl_key_import(enum vch_alg alg, struct vch_bytes secret, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    EVP_PKEY *pkey = NULL;

    vch_ossl_secret_heap();
    VCH_CHECK(vch_alg_curve(alg) != VCH_CURVE_NONE, ALG);
    VCH_CHECK(secret.n == 32, KEY);
    if (vch_alg_curve(alg) == VCH_CURVE_P256) {
        VCH_TRY(p256_import(secret.p, &pkey));
    } else {
        pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret.p, 32);
    }
    if (pkey == NULL) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    VCH_TRY(vch_ossl_key_adopt(pkey, &key));
    key->signer.alg = alg;
    *ret = key;
    key = NULL;
    return VCH_OK;
}

void vch_ossl_key_close(struct vch_ossl_key *key)
{
    if (key != NULL) {
        vch_p256_key_close(key->p256);
        EVP_PKEY_free(key->pkey);
        vch_mem_free(key);
    }
}

void vch_ossl_key_autoclose(struct vch_ossl_key **key)
{
    vch_ossl_key_close(*key);
    *key = NULL;
}

const struct vch_signer *vch_ossl_key_signer(const struct vch_ossl_key *key)
{
    return &key->signer;
}

vch_err vch_ossl_key_alg_set(struct vch_ossl_key *key, enum vch_alg alg)
{
    VCH_CHECK(vch_alg_curve(alg) == key->signer.pub.curve, ALG);
    key->signer.alg = alg;
    return VCH_OK;
}
