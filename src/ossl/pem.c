/* PEM armour and public keys as SubjectPublicKeyInfo. */
#include <limits.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "key.h"
#include "pem.h"

static void bio_free(BIO **b)
{
    BIO_free_all(*b);
    *b = NULL;
}

vch_err vch_ossl_bio_take(BIO *bio, struct vch_buf *out)
{
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);

    VCH_CHECK(n > 0 && p != NULL, CRYPTO);
    return vch_buf_append(out, vch_bytes(p, (size_t)n));
}

vch_err vch_ossl_pem_encode(const char *label, struct vch_bytes der, struct vch_buf *out)
{
    VCH_AUTO(bio_free) BIO *bio = BIO_new(BIO_s_mem());

    VCH_CHECK(der.n <= LONG_MAX, LIMIT);
    if (bio == NULL || PEM_write_bio(bio, label, "", der.p, (long)der.n) <= 0) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    return vch_ossl_bio_take(bio, out);
}

/* What a block read by the library is allocated with; wiped, as it may be a key. */
struct block {
    char *name, *header;
    unsigned char *data;
    long n;
};

static void block_fini(struct block *b)
{
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
    OPENSSL_clear_free(b->data, b->n > 0 ? (size_t)b->n : 0);
}

vch_err vch_ossl_pem_next(struct vch_bytes *text, char label[VCH_OSSL_PEM_LABEL_MAX],
                          struct vch_buf *out)
{
    VCH_AUTO(block_fini) struct block b = {0};
    VCH_AUTO(bio_free) BIO *bio = NULL;
    size_t left;

    VCH_CHECK(text->n <= INT_MAX, LIMIT);
    bio = BIO_new_mem_buf(text->n == 0 ? "" : (const void *)text->p, (int)text->n);
    VCH_CHECK(bio != NULL, CRYPTO);
    if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.n) != 1) {
        bool none = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

        return vch_ossl_fail(none ? VCH_E(NOT_FOUND) : VCH_E(PEM));
    }
    VCH_CHECK(b.header[0] == 0 && strlen(b.name) < VCH_OSSL_PEM_LABEL_MAX, PEM);
    vch_wipe(out->p, out->n);
    vch_buf_reset(out);
    VCH_TRY(vch_buf_append(out, vch_bytes(b.data, (size_t)b.n)));
    left = BIO_ctrl_pending(bio);
    *text = vch_bytes_slice(*text, text->n - left, left);
    memcpy(label, b.name, strlen(b.name) + 1);
    return VCH_OK;
}

/* ---- public keys */
vch_err vch_ossl_pubkey_der_encode(const struct vch_pubkey *key, struct vch_buf *out)
{
    unsigned char *der = NULL;
    EVP_PKEY *pkey;
    vch_err e;
    int n;

    VCH_TRY(vch_ossl_pkey_of(key, &pkey));
    n = i2d_PUBKEY(pkey, &der);
    EVP_PKEY_free(pkey);
    if (n <= 0) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    e = vch_buf_append(out, vch_bytes(der, (size_t)n));
    OPENSSL_free(der);
    return e;
}

vch_err vch_ossl_pubkey_der_decode(struct vch_bytes der, struct vch_pubkey *ret)
{
    const unsigned char *p = der.p;
    EVP_PKEY *pkey;
    vch_err e;

    VCH_CHECK(der.n > 0 && der.n <= 1024, KEY);
    pkey = d2i_PUBKEY(NULL, &p, (long)der.n);
    if (pkey == NULL) {
        return vch_ossl_fail(VCH_E(KEY));
    }
    e = p == der.p + der.n ? vch_ossl_pkey_pub(pkey, ret) : VCH_E(KEY);
    EVP_PKEY_free(pkey);
    return e;
}

vch_err vch_ossl_pubkey_pem_encode(const struct vch_pubkey *key, struct vch_buf *out)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1024);

    VCH_TRY(vch_ossl_pubkey_der_encode(key, &der));
    return vch_ossl_pem_encode("PUBLIC KEY", vch_buf_get(&der), out);
}

vch_err vch_ossl_pubkey_pem_decode(struct vch_bytes pem, struct vch_pubkey *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1024);
    char label[VCH_OSSL_PEM_LABEL_MAX];

    VCH_CHECK(vch_ok(vch_ossl_pem_next(&pem, label, &der)), PEM);
    VCH_CHECK(strcmp(label, "PUBLIC KEY") == 0, PEM);
    return vch_ossl_pubkey_der_decode(vch_buf_get(&der), ret);
}
