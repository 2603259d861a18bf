/* vouch/stmt/registration.h - a device presents its key and salted digests of its identifiers, and
 * proves possession of the key by signing them.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md section 2.2. */
#ifndef VOUCH_STMT_REGISTRATION_H
#define VOUCH_STMT_REGISTRATION_H

#include <vouch/stmt/disclosure.h>
#include <vouch/stmt/statement.h>

struct vch_stmt_registration {
    struct vch_sign1 st; /* decoded only */
    struct vch_pubkey key;
    enum vch_alg algs[VCH_ALG_LIST_COUNT]; /* signature algorithms of this key */
    size_t alg_count;
    enum vch_alg hashes[VCH_ALG_LIST_COUNT];
    size_t hash_count;
    struct vch_bytes audience; /* the AS id */
    struct vch_bytes nonce;
    struct vch_stmt_digests identifiers; /* decoded only */
    enum vch_device_class device_class;
    enum vch_custody custody;
    struct vch_bytes custody_evidence; /* 32 bytes, or empty */
};

/* Signs a registration. Of R the fields marked "decoded only" are ignored, `key` is taken from the
 * signer; DIGESTS are ascending (vch_stmt_digests_sort).
 * Errors: STMT_FIELD (a value out of its range, an algorithm list that does not fit); DIGESTS;
 * NO_ROOM; LIMIT (over 4 KiB); those of the signer. */
VCH_CHECKED vch_err vch_stmt_registration_encode(const struct vch_crypto *cr,
                                                 const struct vch_signer *signer,
                                                 const struct vch_stmt_registration *r,
                                                 const struct vch_hash *digests,
                                                 size_t digest_count, int64_t iat_s,
                                                 struct vch_span out, struct vch_bytes *ret);

/* Errors: those of vch_sign1_decode and vch_cose_key_decode; STMT_TYPE (another typ); STMT_FIELD;
 * STMT_NAMES (iss, sub and kid contradict); ALG (not supported, or not fitting the key, or the
 * signing algorithm not in the list); DIGESTS; LIMIT. req: Y.2247-7.2.1-2 */
VCH_CHECKED vch_err vch_stmt_registration_decode(const struct vch_crypto *cr, struct vch_bytes in,
                                                 struct vch_stmt_registration *ret);

/* Possession: the signature verifies by the key inside, and kid is its thumbprint.
 * Errors: those of vch_stmt_verify; KEY (not a good point). req: Y.2247-7.2.2-1 */
VCH_CHECKED vch_err vch_stmt_registration_verify(const struct vch_crypto *cr,
                                                 const struct vch_stmt_registration *r);

/* Is ALG among the signature algorithms listed? */
bool vch_stmt_registration_lists(const struct vch_stmt_registration *r, enum vch_alg alg);

#endif
