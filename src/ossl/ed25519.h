/* The public-key checks of Ed25519 that OpenSSL does not make. */
#ifndef VCH_OSSL_ED25519_H
#define VCH_OSSL_ED25519_H

#include <vouch/ossl/crypto.h>

/* Is KEY->x canonical, and not one of the points of small order? Cheap; the curve's equation is not
 * looked at. Errors: KEY. */
VCH_CHECKED vch_err vch_ed25519_form_check(const struct vch_pubkey *key);
/* Also: is it a point of the curve, and of prime order? Errors: KEY; CRYPTO. */
VCH_CHECKED vch_err vch_ed25519_check(const struct vch_pubkey *key);
/* Errors: SIGNATURE; KEY; CRYPTO. */
VCH_CHECKED vch_err vch_ed25519_verify(const struct vch_pubkey *key, const struct vch_bytes *parts,
                                       size_t n, const uint8_t sig[VCH_SIG_LEN]);

#endif
