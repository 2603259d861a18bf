/* vouch/ossl/key.h - private keys in memory and in files, public keys as PEM.
 * Layer 7, impure (randomness, files). A key is immutable once made: signing with one key from
 * several threads is safe.
 *
 * req: Y.2247-7.1-3 (the owner of a key makes it, no other party does) */
#ifndef VOUCH_OSSL_KEY_H
#define VOUCH_OSSL_KEY_H

#include <vouch/base/buf.h>
#include <vouch/crypto/port.h>

struct vch_ossl_key; /* a private key; opaque, closed by vch_ossl_key_close */

/* A new key for ALG (ES256, ESP256, EDDSA or ED25519). Errors: ALG; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_key_generate(enum vch_alg alg, struct vch_ossl_key **ret);

/* The key whose secret is SECRET: the P-256 scalar, big-endian, or the Ed25519 seed, 32 bytes.
 * Errors: ALG; KEY (scalar zero or not below the order); CRYPTO. */
VCH_CHECKED vch_err vch_ossl_key_import(enum vch_alg alg, struct vch_bytes secret,
                                        struct vch_ossl_key **ret);

/* Wipes and frees; NULL is accepted. */
void vch_ossl_key_close(struct vch_ossl_key *key);
/* Finisher for VCH_AUTO on a pointer variable. */
void vch_ossl_key_autoclose(struct vch_ossl_key **key);

/* Custody FILE; valid until the key is closed. */
const struct vch_signer *vch_ossl_key_signer(const struct vch_ossl_key *key);
/* Sets the identifier under which the key signs, e.g. ESP256 instead of ES256, before the signer is
 * shared between threads. Errors: ALG unless it is one of the key's curve. */
VCH_CHECKED vch_err vch_ossl_key_alg_set(struct vch_ossl_key *key, enum vch_alg alg);

enum vch_ossl_key_flag {
    VCH_OSSL_KEY_PLAIN = 1,  /* an unencrypted key is acceptable */
    VCH_OSSL_KEY_REPLACE = 2 /* saving may replace a file */
};

/* PKCS#8 PEM appended to OUT: encrypted with AES-256-CBC under a key that scrypt (N 16384, r 8,
 * p 5) makes of PASSPHRASE; in the clear only if PASSPHRASE is empty and FLAGS has PLAIN.
 * OUT then holds a secret in the plain case: wipe it. Errors: PASSPHRASE; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_key_encode(const struct vch_ossl_key *key, struct vch_bytes passphrase,
                                        unsigned flags, struct vch_buf *out);

/* Reads PKCS#8 PEM, either form. The algorithm of the signer is ES256 or EDDSA.
 * Errors: KEY_FILE; KEY_PLAIN (unencrypted without the flag PLAIN); PASSPHRASE (none given, but
 * encrypted); DECRYPT (wrong passphrase); CRYPTO. */
VCH_CHECKED vch_err vch_ossl_key_decode(struct vch_bytes pem, struct vch_bytes passphrase,
                                        unsigned flags, struct vch_ossl_key **ret);

/* The same to and from a file. Saved with mode 0600, durable and whole when the call returns, never
 * half-written. Loading refuses a file that its group or others may read or write, or that belongs
 * to neither this user nor root.
 * Errors: as above, and FILE_EXISTS (without the flag REPLACE); FILE_MISSING; FILE_MODE; FILE_IO;
 * STORE_FULL. */
VCH_CHECKED vch_err vch_ossl_key_save(const struct vch_ossl_key *key, const char *path,
                                      struct vch_bytes passphrase, unsigned flags);
VCH_CHECKED vch_err vch_ossl_key_load(const char *path, struct vch_bytes passphrase, unsigned flags,
                                      struct vch_ossl_key **ret);

/* Public keys as "-----BEGIN PUBLIC KEY-----" (RFC 8410, RFC 5480), appended to OUT.
 * Errors: KEY; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_pubkey_pem_encode(const struct vch_pubkey *key, struct vch_buf *out);
/* Errors: PEM; KEY (another type, or not a valid point). */
VCH_CHECKED vch_err vch_ossl_pubkey_pem_decode(struct vch_bytes pem, struct vch_pubkey *ret);
/* The same as DER, SubjectPublicKeyInfo. Errors: KEY; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_ossl_pubkey_der_encode(const struct vch_pubkey *key, struct vch_buf *out);
VCH_CHECKED vch_err vch_ossl_pubkey_der_decode(struct vch_bytes der, struct vch_pubkey *ret);

/* ---- PEM armour
 * Appends DER in the armour of LABEL ("CERTIFICATE"). Errors: LIMIT. */
VCH_CHECKED vch_err vch_ossl_pem_encode(const char *label, struct vch_bytes der,
                                        struct vch_buf *out);
/* Takes the next block off the front of *TEXT; text around blocks is skipped. The label goes,
 * NUL-terminated, into LABEL, the contents replace those of OUT. Headers inside a block are refused
 * (the old encrypted form). Errors: PEM; LIMIT; NOT_FOUND (no block is left). */
#define VCH_OSSL_PEM_LABEL_MAX 64
VCH_CHECKED vch_err vch_ossl_pem_next(struct vch_bytes *text, char label[VCH_OSSL_PEM_LABEL_MAX],
                                      struct vch_buf *out);

#endif
