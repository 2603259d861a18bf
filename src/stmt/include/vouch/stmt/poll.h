/* vouch/stmt/poll.h - a device asks whether there is a newer endorsement.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md section 2.5. */
#ifndef VOUCH_STMT_POLL_H
#define VOUCH_STMT_POLL_H

#include <vouch/stmt/statement.h>

struct vch_stmt_poll {
    struct vch_sign1 st;              /* decoded only */
    uint8_t subject[VCH_SUBJECT_LEN]; /* from `sub` */
    struct vch_bytes nonce;
    uint64_t seq; /* the highest endorsement the device holds */
};

/* Signs a poll of P's subject, nonce and seq; iss is the signer's key URI.
 * Errors: STMT_FIELD; NO_ROOM; those of the signer. */
VCH_CHECKED vch_err vch_stmt_poll_encode(const struct vch_crypto *cr,
                                         const struct vch_signer *signer,
                                         const struct vch_stmt_poll *p, int64_t iat_s,
                                         struct vch_span out, struct vch_bytes *ret);
/* Errors: those of vch_sign1_decode; STMT_TYPE; STMT_FIELD; STMT_NAMES. */
VCH_CHECKED vch_err vch_stmt_poll_decode(struct vch_bytes in, struct vch_stmt_poll *ret);

#endif
