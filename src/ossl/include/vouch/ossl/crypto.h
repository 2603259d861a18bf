/* vouch/ossl/crypto.h - the crypto port of hosts, filled by OpenSSL 3.
 * Layer 7, impure (randomness, per-thread memory). Thread-safe. Only this module includes
 * OpenSSL's headers. */
#ifndef VOUCH_OSSL_CRYPTO_H
#define VOUCH_OSSL_CRYPTO_H

#include <vouch/crypto/port.h>

/* The table of vouch/crypto/port.h; static. ES256 verification keeps one key object per thread and
 * frees it when the thread ends. Ed25519 verification is that of RFC 8032 without the cofactor and
 * refuses keys that are not canonical or of small order; pubkey_check also refuses a key outside
 * the subgroup of prime order, about which verifiers could disagree.
 *
 * req: Y.2247-7.1-3 (a key that is no key is refused) */
const struct vch_crypto *vch_ossl_crypto(void);

/* A vch_random_fn; SELF is not used. Random bytes from OpenSSL's private generator.
 * Errors: CRYPTO. */
VCH_CHECKED vch_err vch_ossl_random(void *self, struct vch_span out);

/* Memory for secrets: zeroed, locked against swapping where the limits of the process allow it,
 * wiped when freed. NULL is accepted by the free. Small sizes only (at most 4096 bytes), because
 * locked memory is scarce. Errors: LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_secret_alloc(size_t n, void **ret);
void vch_ossl_secret_free(void *p, size_t n);

/* The DER form of a raw ES256 signature, and back (certificate requests and tools want it). DER has
 * at most VCH_OSSL_SIG_DER_MAX bytes. Errors: SIGNATURE_FORM; NO_ROOM; CRYPTO. */
#define VCH_OSSL_SIG_DER_MAX 72
VCH_CHECKED vch_err vch_ossl_sig_der_encode(const uint8_t sig[VCH_SIG_LEN], struct vch_span out,
                                            struct vch_bytes *ret);
VCH_CHECKED vch_err vch_ossl_sig_der_decode(struct vch_bytes der, uint8_t ret_sig[VCH_SIG_LEN]);

#endif
