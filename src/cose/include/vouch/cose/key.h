/* vouch/cose/key.h - public keys as COSE_Key (RFC 9052 section 7, RFC 9053 section 7), thumbprints
 * (RFC 9679) and key URIs.
 * Layer 3, pure, heap-free, thread-safe: no shared state. */
#ifndef VOUCH_COSE_KEY_H
#define VOUCH_COSE_KEY_H

#include <vouch/cbor/cbor.h>
#include <vouch/crypto/port.h>

#define VCH_COSE_KEY_MAX   80 /* bytes of an encoded key */
#define VCH_KEY_URI_PREFIX "urn:ietf:params:oauth:ckt:sha-256:"
#define VCH_KEY_URI_ROOM   80 /* with the NUL */

/* The required parameters, deterministic. W fails with KEY for an unknown curve. */
void vch_cose_key_encode(const struct vch_pubkey *key, struct vch_writer *w);

/* Reads one COSE_Key from C. In strict mode exactly the required parameters stand there; in generic
 * mode also kid, alg, key_ops (which must allow verify), base IV, a private part (not kept) and a
 * compressed y. Every point is checked.
 * Errors: those of vch_cbor reads; CBOR_LABEL, CBOR_FIELD; ALG (key type or curve not supported, or
 * its alg is for another curve); KEY (a point that is none). */
VCH_CHECKED vch_err vch_cose_key_decode(const struct vch_crypto *cr, struct vch_cbor *c,
                                        struct vch_pubkey *ret);

/* RFC 9679: SHA-256 of the encoding above. KEY is of a known curve. */
void vch_cose_key_thumbprint(const struct vch_crypto *cr, const struct vch_pubkey *key,
                             struct vch_hash *ret);

/* "urn:ietf:params:oauth:ckt:sha-256:" and the thumbprint in base64url, NUL-terminated; OUT has
 * VCH_KEY_URI_ROOM bytes or more. Returns the text without its NUL. */
struct vch_bytes vch_key_uri_encode(const struct vch_hash *thumbprint, struct vch_span out);
/* Only the canonical form. Errors: KEY_URI. */
VCH_CHECKED vch_err vch_key_uri_decode(struct vch_bytes uri, struct vch_hash *ret_thumbprint);

#endif
