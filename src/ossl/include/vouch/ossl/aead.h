/* vouch/ossl/aead.h - authenticated encryption, key wrapping, key derivation.
 * Layer 7, impure (randomness). Thread-safe. */
#ifndef VOUCH_OSSL_AEAD_H
#define VOUCH_OSSL_AEAD_H

#include <vouch/base/bytes.h>

#define VCH_AEAD_KEY_LEN   32 /* AES-256-GCM */
#define VCH_AEAD_NONCE_LEN 12
#define VCH_AEAD_TAG_LEN   16
/* What wrapping adds: nonce and tag. */
#define VCH_WRAP_OVERHEAD (VCH_AEAD_NONCE_LEN + VCH_AEAD_TAG_LEN)

/* AES-256-GCM. RET is ciphertext || tag, plain.n + 16 bytes, in OUT, which may start at plain.p
 * (then the work is in place) but must not overlap otherwise. A nonce must never serve twice under
 * one key. Errors: NO_ROOM; LIMIT (2 GiB or more); CRYPTO. */
VCH_CHECKED vch_err vch_ossl_aead_seal(const uint8_t key[VCH_AEAD_KEY_LEN],
                                       const uint8_t nonce[VCH_AEAD_NONCE_LEN],
                                       struct vch_bytes aad, struct vch_bytes plain,
                                       struct vch_span out, struct vch_bytes *ret);
/* The reverse; RET is the plaintext in OUT (sealed.n - 16 bytes). On failure what was written to
 * OUT is wiped. Errors: DECRYPT; NO_ROOM; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_aead_open(const uint8_t key[VCH_AEAD_KEY_LEN],
                                       const uint8_t nonce[VCH_AEAD_NONCE_LEN],
                                       struct vch_bytes aad, struct vch_bytes sealed,
                                       struct vch_span out, struct vch_bytes *ret);

/* Wraps a key or another short secret under KEK: nonce || ciphertext || tag with a random nonce,
 * bound to AAD (what the key is for). One KEK wraps at most 2^32 secrets.
 * Errors: NO_ROOM; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_wrap(const uint8_t kek[VCH_AEAD_KEY_LEN], struct vch_bytes aad,
                                  struct vch_bytes secret, struct vch_span out,
                                  struct vch_bytes *ret);
/* Errors: DECRYPT; NO_ROOM; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_unwrap(const uint8_t kek[VCH_AEAD_KEY_LEN], struct vch_bytes aad,
                                    struct vch_bytes wrapped, struct vch_span out,
                                    struct vch_bytes *ret);

/* HKDF with SHA-256 (RFC 5869), fills OUT (1 to 8160 bytes). Errors: LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_hkdf(struct vch_bytes secret, struct vch_bytes salt,
                                  struct vch_bytes info, struct vch_span out);

/* scrypt (RFC 7914) with N = 2^LOG2_N (10 to 20), r = 8 and P (1 to 16), fills OUT. For passphrases
 * use VCH_SCRYPT_LOG2_N and VCH_SCRYPT_P. Errors: USAGE; CRYPTO. */
#define VCH_SCRYPT_LOG2_N 14
#define VCH_SCRYPT_P      5
VCH_CHECKED vch_err vch_ossl_scrypt(struct vch_bytes passphrase, struct vch_bytes salt,
                                    unsigned log2_n, unsigned p, struct vch_span out);

#endif
