/* vouch/jose/jwk.h - public keys as JSON web keys (RFC 7517, 7518, 8037): P-256 and Ed25519.
 * Layer 8. Thread-safe: no shared state. */
#ifndef VOUCH_JOSE_JWK_H
#define VOUCH_JOSE_JWK_H

#include <vouch/base/buf.h>
#include <vouch/crypto/port.h>

#define VCH_JWK_KID_MAX  255
#define VCH_JWKS_MAX     256               /* keys in one set */
#define VCH_JWK_TEXT_MAX ((size_t)1 << 20) /* of a key or a set */

struct vch_jwk {
    struct vch_pubkey pub;
    char kid[VCH_JWK_KID_MAX + 1]; /* "" if it has none */
};

/* A set of keys; finished by vch_jwks_fini. */
struct vch_jwks {
    struct vch_jwk *keys;
    size_t n;
};

/* RFC 7638, SHA-256. Errors: KEY (unknown curve). */
VCH_CHECKED vch_err vch_jwk_thumbprint(const struct vch_crypto *cr, const struct vch_pubkey *key,
                                       struct vch_hash *ret);

/* Appends {"kty", "crv", "x", "y", "use": "sig", "alg", "kid"}, kid unless empty.
 * Errors: KEY (unknown curve); JWK (kid not UTF-8); LIMIT. */
VCH_CHECKED vch_err vch_jwk_encode(const struct vch_jwk *jwk, struct vch_buf *out);
/* Appends {"keys": [...]}. Errors: as above. */
VCH_CHECKED vch_err vch_jwks_encode(const struct vch_jwk *keys, size_t n, struct vch_buf *out);

/* Reads one public signature key; members that it does not know are ignored.
 * Errors: JSON_SYNTAX; JWK (a missing or wrong member, a private key, not for signatures); ALG
 * (another key type, curve or algorithm); KEY (not a valid point); LIMIT (text or kid too long). */
VCH_CHECKED vch_err vch_jwk_decode(const struct vch_crypto *cr, struct vch_bytes text,
                                   struct vch_jwk *ret);
/* Reads a set. Keys of other types, and keys not for signatures, are left out, as RFC 7517 section
 * 5 asks for; one that is of ours and wrong, or a kid given twice, refuses the set.
 * Errors: JSON_SYNTAX; JWK; KEY; LIMIT. */
VCH_CHECKED vch_err vch_jwks_decode(const struct vch_crypto *cr, struct vch_bytes text,
                                    struct vch_jwks *ret);
void vch_jwks_fini(struct vch_jwks *set); /* idempotent */

/* The key named KID, or NULL; an empty KID names none. Valid until the set is finished. */
const struct vch_jwk *vch_jwks_find(const struct vch_jwks *set, struct vch_bytes kid);

#endif
