/* vouch/contract/proof.h - the state proof (docs/formats.md 4): what the state map holds under a
 * key at a signed head, or that it holds nothing there. Layer 6, pure, heap-free, thread-safe: no
 * shared state. */
#ifndef VOUCH_CONTRACT_PROOF_H
#define VOUCH_CONTRACT_PROOF_H

#include <vouch/contract/system.h>
#include <vouch/cose/receipt.h>
#include <vouch/merkle/map.h>

/* A decoded proof; views lie in the input. 8 KB and more: not for small stacks. */
struct vch_state_proof {
    struct vch_bytes root_entry;
    struct vch_bytes receipt_raw;
    struct vch_state_root root;
    struct vch_receipt receipt;
    enum vch_state_kind kind;
    struct vch_bytes id;
    bool present;
    struct vch_bytes value; /* if present */
    struct vch_map_proof map;
};

/* `[state-root entry, receipt, kind, id, value / null, bstr .cbor map-proof]` onto W; VALUE is NULL
 * for an absent key. */
void vch_state_proof_encode(struct vch_bytes root_entry, struct vch_bytes receipt,
                            enum vch_state_kind kind, struct vch_bytes id,
                            const struct vch_bytes *value, const struct vch_map_proof *map,
                            struct vch_writer *w);
/* Errors: those of the strict CBOR reader, of vch_receipt_decode and vch_map_proof_decode; LIMIT.
 */
VCH_CHECKED vch_err vch_state_proof_decode(struct vch_bytes in, struct vch_state_proof *ret);

/* Does the ledger LEDGER, by KEY, say so at the head of size PROOF->receipt.head.size? The state
 * root counts only as the last entry of that head. Errors: those of vch_receipt_verify and
 * vch_map_proof_verify; STATE_PROOF (the state root is not the last entry, or its time is not the
 * receipt's). */
VCH_CHECKED vch_err vch_state_proof_verify(const struct vch_crypto *cr,
                                           const struct vch_state_proof *proof,
                                           struct vch_bytes ledger, const struct vch_pubkey *key);

#endif
