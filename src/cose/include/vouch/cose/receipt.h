/* vouch/cose/receipt.h - inclusion receipts (RFC 9942, verifiable data structure 1: RFC 9162 with
 * SHA-256) in the form of docs/formats.md 4, and the reading of those that others make.
 * Layer 3, pure, heap-free, thread-safe: no shared state. Views lie in the input.
 *
 * RFC 9942 signs only (protected header, root): neither log, nor size, nor time. Ours stand in the
 * protected header, so one signature of a batch serves all its receipts and yet binds all three. */
#ifndef VOUCH_COSE_RECEIPT_H
#define VOUCH_COSE_RECEIPT_H

#include <vouch/cose/sign1.h>
#include <vouch/merkle/tree.h>

#define VCH_RECEIPT_MAX           8192
#define VCH_RECEIPT_PROTECTED_MAX 320
#define VCH_RECEIPT_SUB           "urn:vouch:receipt"

enum { VCH_CLAIM_SIZE = -70101, VCH_CLAIM_BATCH_TIME = -70102 };

/* What the signature of a batch covers beside the root. */
struct vch_receipt_head {
    struct vch_hash thumbprint; /* of the ledger key */
    struct vch_bytes ledger;    /* ledger id */
    uint64_t size;              /* leaves in the tree; 1 or more */
    int64_t time_ms;            /* batch time; iat is this in seconds, rounded down */
};

/* The contents of the protected header onto W (at most VCH_RECEIPT_PROTECTED_MAX bytes). */
void vch_receipt_protected_encode(enum vch_alg alg, const struct vch_receipt_head *head,
                                  struct vch_writer *w);
/* Signs a batch: (protected, root). Errors: the signer's. */
VCH_CHECKED vch_err vch_receipt_sign(const struct vch_signer *signer,
                                     struct vch_bytes protected_raw, const struct vch_hash *root,
                                     uint8_t ret_sig[VCH_SIG_LEN]);
/* The receipt of leaf INDEX, complete, onto W. SIZE is that of the header. */
void vch_receipt_encode(struct vch_bytes protected_raw, const uint8_t sig[VCH_SIG_LEN],
                        uint64_t size, uint64_t index, const struct vch_merkle_path *path,
                        struct vch_writer *w);

struct vch_receipt {
    struct vch_bytes protected_raw;
    enum vch_alg alg;
    struct vch_receipt_head head;
    uint64_t index;
    struct vch_merkle_path path;
    struct vch_bytes signature;
};

/* Reads one of ours: strict, tag 18, the protected size equal to the size of the proof, index below
 * it. Errors: those of vch_cbor reads, TRAILING; LIMIT; COSE_TAG; COSE_PROFILE; CBOR_LABEL,
 * CBOR_FIELD; ALG; SIGNATURE_FORM; RECEIPT_VDS; RECEIPT (sizes differ, index out of range, times
 * that contradict, a path of the wrong length). */
VCH_CHECKED vch_err vch_receipt_decode(struct vch_bytes in, struct vch_receipt *ret);
/* The root that the receipt leads to from the entry whose SHA-256 is ENTRY_HASH. For an entry that
 * is a statement that is its transaction ID. Errors: MERKLE_RANGE, MERKLE_PATH. */
VCH_CHECKED vch_err vch_receipt_root(const struct vch_crypto *cr, const struct vch_receipt *r,
                                     const struct vch_hash *entry_hash, struct vch_hash *ret);
/* Does the ledger LEDGER with KEY confirm that the entry is in its log?
 * Errors: RECEIPT_LEDGER (another ledger), RECEIPT_KEY (its thumbprint is not KEY's), ALG,
 * SIGNATURE (another entry, index, size, time or path: the root and so the signature differ),
 * MERKLE_PATH, MERKLE_RANGE, KEY, CRYPTO. */
VCH_CHECKED vch_err vch_receipt_verify(const struct vch_crypto *cr, const struct vch_receipt *r,
                                       struct vch_bytes ledger, const struct vch_pubkey *key,
                                       const struct vch_hash *entry_hash);

/* ---- receipts of others: any RFC 9942 receipt of vds 1, one inclusion proof of those it has.
 * Their signature does not cover log, size or index: only "this entry stands in a tree that KEY
 * signed" is shown. */
struct vch_receipt_foreign {
    struct vch_cose cose;
    uint64_t size;
    uint64_t index;
    struct vch_merkle_path path;
    size_t proofs; /* inclusion proofs in the message */
};
/* Reads inclusion proof number WHICH. Errors: those of vch_cose_decode; COSE_TAG; RECEIPT_VDS;
 * RECEIPT (no such proof, or malformed). */
VCH_CHECKED vch_err vch_receipt_foreign_decode(struct vch_bytes in, size_t which,
                                               struct vch_receipt_foreign *ret);
/* LEAF is the leaf hash: what an entry is differs among logs (vch_merkle_leaf_entry is the usual).
 * Errors: as vch_cose_verify, MERKLE_RANGE, MERKLE_PATH, MERKLE_ROOT (an attached root that the
 * proof does not lead to). */
VCH_CHECKED vch_err vch_receipt_foreign_verify(const struct vch_crypto *cr,
                                               const struct vch_receipt_foreign *r,
                                               const struct vch_pubkey *key,
                                               const struct vch_hash *leaf);

#endif
