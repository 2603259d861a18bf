/* P-256 and SHA-256 through OpenSSL's low-level calls; the only file that uses what OpenSSL 3 calls
 * deprecated, because it is what costs half (a new EVP object per message) otherwise. */
#ifndef VCH_OSSL_P256_H
#define VCH_OSSL_P256_H

#include <vouch/ossl/crypto.h>

void vch_p256_sha256_init(struct vch_sha256 *ctx);
void vch_p256_sha256_update(struct vch_sha256 *ctx, struct vch_bytes b);
void vch_p256_sha256_final(struct vch_sha256 *ctx, struct vch_hash *ret);

/* Errors: KEY; CRYPTO. */
VCH_CHECKED vch_err vch_p256_check(const struct vch_pubkey *key);
VCH_CHECKED vch_err vch_p256_expand(const uint8_t x[32], bool y_odd, struct vch_pubkey *ret);
/* Errors: SIGNATURE; KEY; CRYPTO. */
VCH_CHECKED vch_err vch_p256_verify(const struct vch_pubkey *key, const struct vch_hash *digest,
                                    const uint8_t sig[VCH_SIG_LEN]);

/* A private scalar with its public point. */
struct vch_p256_key;
/* Derives the point. Errors: KEY; CRYPTO. */
VCH_CHECKED vch_err vch_p256_key_open(const uint8_t scalar[32], struct vch_p256_key **ret);
void vch_p256_key_close(struct vch_p256_key *key);
VCH_CHECKED vch_err vch_p256_key_pub(const struct vch_p256_key *key, struct vch_pubkey *ret);
/* Low S. Errors: CRYPTO. */
VCH_CHECKED vch_err vch_p256_sign(const struct vch_p256_key *key, const struct vch_hash *digest,
                                  uint8_t ret_sig[VCH_SIG_LEN]);

#endif
