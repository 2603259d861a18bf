/* vouch/stmt/endorsement.h - an AS vouches for a device's key under its network account.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md section 2.3. */
#ifndef VOUCH_STMT_ENDORSEMENT_H
#define VOUCH_STMT_ENDORSEMENT_H

#include <vouch/stmt/registration.h>

struct vch_stmt_endorsement {
    struct vch_sign1 st;              /* decoded only; iss = AS id, x5t = its certificate */
    uint8_t subject[VCH_SUBJECT_LEN]; /* decoded from `sub` */
    enum vch_action action;
    uint64_t seq;
    struct vch_bytes prev;            /* 32 bytes, empty iff seq is 0 */
    struct vch_bytes registration;    /* the whole registration statement */
    struct vch_stmt_registration reg; /* decoded only */
    struct vch_stmt_digests account;  /* decoded only */
    enum vch_assurance assurance;
    struct vch_bytes evidence; /* 32 bytes: SHA-256 of the network evidence */
    int64_t effective_at_ms;
    bool has_notified_at;
    int64_t notified_at_ms;
    int64_t checked_at_ms;
    struct vch_bytes operator_id;
};

/* Signs an endorsement of AS_ID by the AS's key. Of E the fields marked "decoded only" are ignored;
 * DIGESTS of the account disclosures are ascending.
 * Errors: STMT_FIELD; STMT_CHAIN (action, seq and prev contradict); DIGESTS; those of
 * vch_stmt_registration_decode for the registration; STMT_AUDIENCE (a registration for another
 * AS); NO_ROOM; LIMIT; those of the signer. req: Y.2247-7.2.2-5 */
VCH_CHECKED vch_err vch_stmt_endorsement_encode(
    const struct vch_crypto *cr, const struct vch_signer *signer,
    const struct vch_stmt_endorsement *e, struct vch_bytes as_id, const struct vch_hash *cert_hash,
    const struct vch_hash *digests, size_t digest_count, int64_t iat_s, struct vch_span out,
    struct vch_bytes *ret);

/* Errors: those of vch_sign1_decode and vch_stmt_registration_decode; STMT_TYPE; STMT_FIELD;
 * STMT_CHAIN; STMT_AUDIENCE (a `register` of a registration made for another AS); DIGESTS. */
VCH_CHECKED vch_err vch_stmt_endorsement_decode(const struct vch_crypto *cr, struct vch_bytes in,
                                                struct vch_stmt_endorsement *ret);

/* The AS's signature by AS_KEY, then the device's signature inside.
 * Errors: those of vch_stmt_verify for the AS; POSSESSION (the device's signature does not verify
 * by the key that it registers). req: Y.2247-7.1-5 */
VCH_CHECKED vch_err vch_stmt_endorsement_verify(const struct vch_crypto *cr,
                                                const struct vch_stmt_endorsement *e,
                                                const struct vch_pubkey *as_key);

/* Content key for idempotency: of the registration for `register`, otherwise its own content ID. */
void vch_stmt_endorsement_content_key(const struct vch_crypto *cr,
                                      const struct vch_stmt_endorsement *e, struct vch_hash *ret);

/* Does NEXT follow PREV (same subject and registration bytes, seq + 1, prev = PREV_TXID)?
 * Errors: STMT_CHAIN. req: Y.2247-7.2.2-16 */
VCH_CHECKED vch_err vch_stmt_endorsement_follows(const struct vch_stmt_endorsement *prev,
                                                 const struct vch_hash *prev_txid,
                                                 const struct vch_stmt_endorsement *next);

#endif
