/* What the files of this module share about keys. */
#ifndef VCH_OSSL_KEY_INT_H
#define VCH_OSSL_KEY_INT_H

#include <openssl/evp.h>

#include <vouch/ossl/key.h>

#include "p256.h"

struct vch_ossl_key {
    EVP_PKEY *pkey;            /* for encoding and certificates, and Ed25519 signatures */
    struct vch_p256_key *p256; /* for ES256 signatures; NULL with Ed25519 */
    struct vch_signer signer;
};

/* Takes PKEY over, also on failure. Errors: KEY (another type); CRYPTO. */
VCH_CHECKED vch_err vch_ossl_key_adopt(EVP_PKEY *pkey, struct vch_ossl_key **ret);
/* Errors: KEY; ALG; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_pkey_of(const struct vch_pubkey *key, EVP_PKEY **ret);
/* Errors: KEY (another type or not a valid point). */
VCH_CHECKED vch_err vch_ossl_pkey_pub(EVP_PKEY *pkey, struct vch_pubkey *ret);

/* Clears OpenSSL's error queue and returns the error: what the queue says never leaves here, it may
 * quote input. */
vch_err vch_ossl_fail(vch_err e);

#endif
