/* vouch/cose/generic.h - COSE_Sign1 of RFC 9052 as others make it: tagged or not, any well-formed
 * definite-length CBOR, unprotected headers, detached payload, external data, high or low S.
 * Layer 3, pure, heap-free, thread-safe: no shared state. Views lie in the input. */
#ifndef VOUCH_COSE_GENERIC_H
#define VOUCH_COSE_GENERIC_H

#include <vouch/cbor/cbor.h>
#include <vouch/crypto/port.h>

struct vch_cose {
    bool tagged;
    struct vch_bytes protected_raw; /* contents of the byte string; nothing for an empty map */
    struct vch_bytes unprotected;   /* encoded map */
    bool detached;                  /* payload is nil */
    struct vch_bytes payload;
    struct vch_bytes signature;
    enum vch_alg alg;     /* NONE if it is absent or not supported */
    bool alg_protected;   /* it stands in the protected header, where RFC 9052 wants it */
    struct vch_bytes kid; /* from either header, nothing if absent */
};

/* Reads a whole message. The headers are checked: no label twice or in both, alg and kid of their
 * types, crit not empty, in the protected header only, and naming only labels that stand there and
 * that this library knows.
 * Errors: those of vch_cbor reads, TRAILING; COSE_TAG (another tag); COSE_HEADER; COSE_CRIT. */
VCH_CHECKED vch_err vch_cose_decode(struct vch_bytes in, struct vch_cose *ret);

/* The encoded value of LABEL in an encoded header map (or nothing at all, an empty one).
 * Errors: COSE_ABSENT; those of vch_cbor reads. */
VCH_CHECKED vch_err vch_cose_header(struct vch_bytes map, int64_t label, struct vch_bytes *ret);

/* Does KEY sign M? DETACHED is the payload of a message that has none (and is not looked at
 * otherwise), AAD the external additional data, both possibly empty. ES256 takes high and low S.
 * Errors: ALG (not supported, not for this key), SIGNATURE, SIGNATURE_FORM, KEY, CRYPTO. */
VCH_CHECKED vch_err vch_cose_verify(const struct vch_crypto *cr, const struct vch_cose *m,
                                    const struct vch_pubkey *key, struct vch_bytes aad,
                                    struct vch_bytes detached);

/* The Sig_structure of section 4.4 as parts of one message, for hashing and signing without
 * copying. It points into itself and into its inputs: do not copy it. */
struct vch_cose_tbs {
    uint8_t head[32];
    uint8_t aad_head[9];
    uint8_t payload_head[9];
    struct vch_bytes part[6];
};
#define VCH_COSE_TBS_PARTS 6
/* An empty protected map is signed as an empty string (section 3): give nothing for it. */
void vch_cose_tbs(struct vch_cose_tbs *t, struct vch_bytes protected_raw, struct vch_bytes aad,
                  struct vch_bytes payload);

#endif
