/* vouch/crypto/port.h - the door to cryptography: what layers 2 to 7 and the device library call.
 * Layer 1, pure, heap-free. The tables are filled by src/ossl (OpenSSL) on hosts and by the maker
 * of a device elsewhere. Algorithms are named by their COSE identifiers (IANA "COSE Algorithms").
 *
 * One registry of algorithms: ES256 is mandatory, Ed25519 stands beside it. */
#ifndef VOUCH_CRYPTO_PORT_H
#define VOUCH_CRYPTO_PORT_H

#include <vouch/base/bytes.h>

#define VCH_HASH_LEN 32 /* SHA-256 */
#define VCH_SIG_LEN  64 /* ES256: r || s, big-endian; Ed25519: R || S */

/* A SHA-256 value; compares with vch_hash_equal. */
struct vch_hash {
    uint8_t b[VCH_HASH_LEN];
};

static inline struct vch_bytes vch_hash_bytes(const struct vch_hash *h)
{
    return vch_bytes(h->b, VCH_HASH_LEN);
}

static inline bool vch_hash_equal(const struct vch_hash *a, const struct vch_hash *b)
{
    return memcmp(a->b, b->b, VCH_HASH_LEN) == 0;
}

/* Running SHA-256; no interior pointer, so a copy forks the computation. */
struct vch_sha256 {
    uint64_t opaque[16];
};

enum vch_alg {
    VCH_ALG_NONE = 0,
    VCH_ALG_ES256 = -7,    /* ECDSA P-256 SHA-256 */
    VCH_ALG_EDDSA = -8,    /* Ed25519 under its polymorphic identifier */
    VCH_ALG_ESP256 = -9,   /* ES256 under its fully-specified identifier, RFC 9864 */
    VCH_ALG_ED25519 = -19, /* Ed25519 likewise */
    VCH_ALG_SHA256 = -16   /* as a hash algorithm */
};

enum vch_curve {
    VCH_CURVE_NONE = 0,
    VCH_CURVE_P256 = 1, /* COSE elliptic curve identifiers */
    VCH_CURVE_ED25519 = 6
};

struct vch_pubkey {
    enum vch_curve curve;
    uint8_t x[32];
    uint8_t y[32]; /* zero for Ed25519 */
};

bool vch_pubkey_equal(const struct vch_pubkey *a, const struct vch_pubkey *b);

/* The pure table: deterministic, no key of ours, no randomness. All entries are thread-safe. */
struct vch_crypto {
    const char *name;
    void (*sha256_init)(struct vch_sha256 *ctx);
    void (*sha256_update)(struct vch_sha256 *ctx, struct vch_bytes b);
    void (*sha256_final)(struct vch_sha256 *ctx, struct vch_hash *ret);
    /* Is KEY a point of its curve, in canonical form, of full order? Errors: KEY; ALG (curve). */
    vch_err (*pubkey_check)(const struct vch_pubkey *key);
    /* P-256 point from x and the parity of y. Errors: KEY. */
    vch_err (*pubkey_expand)(const uint8_t x[32], bool y_odd, struct vch_pubkey *ret);
    /* Does SIG sign the concatenation of the N PARTS? The caller has checked that ALG fits the key
     * (vch_alg_curve). Errors: SIGNATURE; SIGNATURE_FORM (length); KEY; ALG; CRYPTO. */
    vch_err (*verify)(enum vch_alg alg, const struct vch_pubkey *key, const struct vch_bytes *parts,
                      size_t n, struct vch_bytes sig);
};

/* Where a private key is held; recorded in registrations. Numbers are of the wire format. */
enum vch_custody {
    VCH_CUSTODY_FILE = 1,   /* encrypted file: no trusted environment */
    VCH_CUSTODY_PKCS11 = 2, /* token or secure element behind PKCS#11 */
    VCH_CUSTODY_TPM = 3,
    VCH_CUSTODY_SIM = 4 /* applet of a SIM, IoT SAFE */
};

/* A private key behind a table: only data enters and only a signature leaves. */
struct vch_signer {
    enum vch_alg alg;
    enum vch_custody custody;
    struct vch_pubkey pub;
    /* Signs the concatenation of PARTS; ES256 results have low S. Thread-safe.
     * Errors: CRYPTO and those of the key store. */
    vch_err (*sign)(const struct vch_signer *s, const struct vch_bytes *parts, size_t n,
                    uint8_t ret_sig[VCH_SIG_LEN]);
    void *self; /* of the implementation */
};

/* Fills OUT with random bytes. Errors: CRYPTO (then nothing may be made of OUT). */
typedef vch_err (*vch_random_fn)(void *self, struct vch_span out);

/* The curve that ALG signs with, VCH_CURVE_NONE for an unknown one. */
enum vch_curve vch_alg_curve(enum vch_alg alg);
/* The number of a COSE algorithm identifier as our enumeration, NONE if unsupported. */
enum vch_alg vch_alg_of(int64_t cose_id);
/* "ES256", "Ed25519"...; "unsupported" otherwise. Static. */
const char *vch_alg_name(enum vch_alg alg);
const char *vch_custody_name(enum vch_custody c);

/* SHA-256 of the concatenation of N parts. */
void vch_sha256_parts(const struct vch_crypto *cr, const struct vch_bytes *parts, size_t n,
                      struct vch_hash *ret);
void vch_sha256_of(const struct vch_crypto *cr, struct vch_bytes b, struct vch_hash *ret);
/* HMAC-SHA-256 (RFC 2104). */
void vch_hmac_sha256(const struct vch_crypto *cr, struct vch_bytes key,
                     const struct vch_bytes *parts, size_t n, struct vch_hash *ret);

/* ES256 signatures: is S at most half the order and neither value zero or too large?
 * Errors: SIGNATURE_FORM. */
VCH_CHECKED vch_err vch_es256_form_check(struct vch_bytes sig);
/* Replaces S by n - S where that is lower. */
void vch_es256_normalise(uint8_t sig[VCH_SIG_LEN]);

#endif
