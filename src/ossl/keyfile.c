/* Private keys as PKCS#8, encrypted or plain, in memory and in files. */
#include <limits.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <vouch/file/file.h>
#include <vouch/ossl/aead.h>

#include "key.h"
#include "pem.h"
#include "secret.h"

#define KEY_FILE_MAX   (64 * 1024)
#define PASSPHRASE_MAX 4096
#define SALT_LEN       16

static void secret_buf_fini(struct vch_buf *b)
{
    vch_wipe(b->p, b->cap);
    vch_buf_fini(b);
}

/* ---- writing */
static bool write_encrypted(BIO *bio, PKCS8_PRIV_KEY_INFO *info, struct vch_bytes passphrase)
{
    X509_ALGOR *pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, SALT_LEN, NULL,
                                            (uint64_t)1 << VCH_SCRYPT_LOG2_N, 8, VCH_SCRYPT_P);
    X509_SIG *sealed;
    bool ok;

    if (pbe == NULL) {
        return false;
    }
    sealed = PKCS8_set0_pbe((const char *)passphrase.p, (int)passphrase.n, info, pbe);
    if (sealed == NULL) {
        X509_ALGOR_free(pbe);
        return false;
    }
    ok = PEM_write_bio_PKCS8(bio, sealed) == 1;
    X509_SIG_free(sealed); /* and PBE */
    return ok;
}

vch_err vch_ossl_key_encode(const struct vch_ossl_key *key, struct vch_bytes passphrase,
                            unsigned flags, struct vch_buf *out)
{
    PKCS8_PRIV_KEY_INFO *info;
    BIO *bio;
    vch_err e = VCH_E(CRYPTO);
    bool ok;

    VCH_CHECK(passphrase.n > 0 || (flags & VCH_OSSL_KEY_PLAIN) != 0, PASSPHRASE);
    VCH_CHECK(passphrase.n <= PASSPHRASE_MAX, LIMIT);
    info = EVP_PKEY2PKCS8(key->pkey);
    bio = BIO_new(BIO_s_secmem());
    ok = info != NULL && bio != NULL &&
         (passphrase.n > 0 ? write_encrypted(bio, info, passphrase)
                           : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1);
    if (ok) {
        e = vch_ossl_bio_take(bio, out);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    BIO_free_all(bio);
    return vch_ok(e) ? e : vch_ossl_fail(e);
}

vch_err vch_ossl_key_save(const struct vch_ossl_key *key, const char *path,
                          struct vch_bytes passphrase, unsigned flags)
{
    VCH_AUTO(secret_buf_fini) struct vch_buf pem = vch_buf_init(KEY_FILE_MAX);
    struct vch_span room;

    VCH_TRY(vch_buf_room(&pem, 4096, &room)); /* once: growing would leave copies */
    VCH_TRY(vch_ossl_key_encode(key, passphrase, flags, &pem));
    return vch_file_write_atomic(path, vch_buf_get(&pem),
                                 VCH_FILE_SECRET |
                                     ((flags & VCH_OSSL_KEY_REPLACE) != 0 ? 0 : VCH_FILE_NEW));
}

/* ---- reading */
static vch_err info_decrypt(struct vch_bytes der, struct vch_bytes passphrase,
                            PKCS8_PRIV_KEY_INFO **ret)
{
    const unsigned char *p = der.p;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &p, (long)der.n);
    PKCS8_PRIV_KEY_INFO *info = NULL;
    vch_err e;

    if (sealed == NULL || p != der.p + der.n) {
        e = VCH_E(KEY_FILE);
    } else if (passphrase.n == 0) {
        e = VCH_E(PASSPHRASE);
    } else {
        info = PKCS8_decrypt(sealed, (const char *)passphrase.p, (int)passphrase.n);
        e = info == NULL ? VCH_E(DECRYPT) : VCH_OK;
    }
    X509_SIG_free(sealed);
    VCH_TRY(vch_ok(e) ? e : vch_ossl_fail(e));
    *ret = info;
    return VCH_OK;
}

static vch_err info_plain(struct vch_bytes der, PKCS8_PRIV_KEY_INFO **ret)
{
    const unsigned char *p = der.p;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);

    if (info == NULL || p != der.p + der.n) {
        PKCS8_PRIV_KEY_INFO_free(info);
        return vch_ossl_fail(VCH_E(KEY_FILE));
    }
    *ret = info;
    return VCH_OK;
}

vch_err vch_ossl_key_decode(struct vch_bytes pem, struct vch_bytes passphrase, unsigned flags,
                            struct vch_ossl_key **ret)
{
    VCH_AUTO(secret_buf_fini) struct vch_buf der = vch_buf_init(KEY_FILE_MAX);
    char label[VCH_OSSL_PEM_LABEL_MAX];
    PKCS8_PRIV_KEY_INFO *info = NULL;
    EVP_PKEY *pkey;
    vch_err e;

    vch_ossl_secret_heap();
    VCH_CHECK(passphrase.n <= PASSPHRASE_MAX, LIMIT);
    VCH_CHECK(vch_ok(vch_ossl_pem_next(&pem, label, &der)), KEY_FILE);
    if (strcmp(label, "ENCRYPTED PRIVATE KEY") == 0) {
        VCH_TRY(info_decrypt(vch_buf_get(&der), passphrase, &info));
    } else {
        VCH_CHECK(strcmp(label, "PRIVATE KEY") == 0, KEY_FILE);
        VCH_CHECK((flags & VCH_OSSL_KEY_PLAIN) != 0, KEY_PLAIN);
        VCH_TRY(info_plain(vch_buf_get(&der), &info));
    }
    pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (pkey == NULL) {
        return vch_ossl_fail(VCH_E(KEY_FILE));
    }
    e = vch_ossl_key_adopt(pkey, ret);
    return vch_err_is(e, VCH_E(KEY)) ? VCH_E(KEY_FILE) : e;
}

vch_err vch_ossl_key_load(const char *path, struct vch_bytes passphrase, unsigned flags,
                          struct vch_ossl_key **ret)
{
    VCH_AUTO(secret_buf_fini) struct vch_buf pem = vch_buf_init(KEY_FILE_MAX);
    vch_err e = vch_file_read(path, VCH_FILE_SECRET, &pem);

    VCH_CHECK(!vch_err_is(e, VCH_E(LIMIT)), KEY_FILE);
    VCH_TRY(e);
    return vch_ossl_key_decode(vch_buf_get(&pem), passphrase, flags, ret);
}
