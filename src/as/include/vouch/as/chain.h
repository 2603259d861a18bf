/* vouch/as/chain.h - the AS's access to its ledger: writing endorsements, reading records.
 * Layer 11, part "ledger access" (Y.2247 clause 8.1.4). Thread-safe.
 *
 * req: Y.2247-8.1.3-1 (append, read by ID, read the latest, history, proof; no update, no delete)
 */
#ifndef VOUCH_AS_CHAIN_H
#define VOUCH_AS_CHAIN_H

#include <vouch/ledger/ledger.h>
#include <vouch/stmt/endorsement.h>

struct vch_as_chain {
    const struct vch_ledger *ledger;
    const struct vch_crypto *crypto;
    uint32_t wait_ms; /* for a submission to become provable */
};

/* A statement as it stands on the ledger. */
struct vch_as_record {
    struct vch_ledger_entry entry;
    struct vch_buf statement;
    struct vch_buf receipt;
};
void vch_as_record_init(struct vch_as_record *r);
void vch_as_record_fini(struct vch_as_record *r); /* idempotent */

/* Submits STATEMENT and returns when it is durable and provable; RET is what the ledger holds for
 * it, which for a repetition is the first of the same content. Errors: those of vch_ledger_submit.
 */
VCH_CHECKED vch_err vch_as_chain_write(const struct vch_as_chain *c, struct vch_bytes statement,
                                       struct vch_as_record *ret);
/* Is E an answer after which the same bytes may still be recorded, now or later? */
bool vch_as_chain_may_retry(vch_err e);
/* The statement TXID. What comes back hashes to TXID.
 * Errors: LEDGER_NO_ENTRY; AS_LEDGER_MISMATCH; those of vch_ledger_get. req: Y.2247-7.2.3-11 */
VCH_CHECKED vch_err vch_as_chain_read(const struct vch_as_chain *c, const struct vch_hash *txid,
                                      struct vch_as_record *ret);
/* The same, which must be an endorsement; the views of RET_E lie in RET.
 * Errors: also AS_NOT_ENDORSEMENT. */
VCH_CHECKED vch_err vch_as_chain_endorsement(const struct vch_as_chain *c,
                                             const struct vch_hash *txid, struct vch_as_record *ret,
                                             struct vch_stmt_endorsement *ret_e);
/* The newest endorsement of SUBJECT. Errors: LEDGER_NO_ENTRY; AS_LEDGER_MISMATCH. */
VCH_CHECKED vch_err vch_as_chain_latest(const struct vch_as_chain *c, const uint8_t subject[16],
                                        struct vch_state_subject *ret_state,
                                        struct vch_as_record *ret,
                                        struct vch_stmt_endorsement *ret_e);
/* Proof of the newest endorsement of SUBJECT (docs/formats.md 4), appended to RET. */
VCH_CHECKED vch_err vch_as_chain_proof(const struct vch_as_chain *c, const uint8_t subject[16],
                                       struct vch_buf *ret);
/* The transaction IDs of SUBJECT from the newest back to the one after AFTER_SEQ (-1: to the
 * first), at most CAP of them. Errors: LEDGER_NO_ENTRY; AS_LEDGER_MISMATCH. */
VCH_CHECKED vch_err vch_as_chain_lineage(const struct vch_as_chain *c, const uint8_t subject[16],
                                         int64_t after_seq, struct vch_hash *ret, size_t cap,
                                         size_t *ret_n);
/* Does the ledger take endorsements of the AS named ID, signed by this key, with this certificate?
 * Errors: AS_KEY_UNFIT (it does not); those of vch_ledger_authorities. */
VCH_CHECKED vch_err vch_as_chain_enrolled(const struct vch_as_chain *c,
                                          const struct vch_hash *thumbprint, const char *id,
                                          const struct vch_hash *cert);

/* The trust file of an AS and its ledger (docs/formats.md 6), appended to OUT as JSON: keys are
 * those of the ledger's table, the answer of /.well-known/vouch-keys and of `vouchd export-trust`.
 * Errors: those of vch_ledger_authorities; LIMIT; MEMORY. */
struct vch_as_trust {
    const struct vch_ledger *ledger;
    const struct vch_crypto *crypto;
    const char *as_id, *as_url;
    const char *tls_ca_pem; /* NULL: none */
};
VCH_CHECKED vch_err vch_as_trust_json(const struct vch_as_trust *t, struct vch_buf *out);

#endif
