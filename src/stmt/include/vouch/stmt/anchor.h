/* vouch/stmt/anchor.h - a digest of items, recorded on the ledger: they existed by then.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md section 2.4. */
#ifndef VOUCH_STMT_ANCHOR_H
#define VOUCH_STMT_ANCHOR_H

#include <vouch/stmt/statement.h>

struct vch_stmt_anchor {
    struct vch_sign1 st;   /* decoded only */
    struct vch_bytes root; /* 32 bytes */
    uint64_t count;        /* leaves */
    bool by_device;        /* decoded only: iss is a key URI; otherwise an enrolled aggregator */
    uint8_t subject[VCH_SUBJECT_LEN]; /* decoded only, of a device's anchor */
};

/* ISS and SUB: of a device its key URI and its subject in text, of an aggregator its name and
 * "anchor". Errors: STMT_FIELD; NO_ROOM; those of the signer. */
VCH_CHECKED vch_err vch_stmt_anchor_encode(const struct vch_crypto *cr,
                                           const struct vch_signer *signer,
                                           const struct vch_stmt_anchor *a, struct vch_bytes iss,
                                           struct vch_bytes sub, int64_t iat_s, struct vch_span out,
                                           struct vch_bytes *ret);
/* Errors: those of vch_sign1_decode; STMT_TYPE; STMT_FIELD; STMT_NAMES. */
VCH_CHECKED vch_err vch_stmt_anchor_decode(struct vch_bytes in, struct vch_stmt_anchor *ret);

/* Leaf of an anchor's tree: SHA-256(0x00 || SHA-256(item)). */
void vch_stmt_anchor_leaf(const struct vch_crypto *cr, struct vch_bytes item, struct vch_hash *ret);

#endif
