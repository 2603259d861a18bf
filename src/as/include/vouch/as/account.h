/* vouch/as/account.h - the network account as the AS keeps and discloses it.
 * Layer 11, part "data management". No state; thread-safe. */
#ifndef VOUCH_AS_ACCOUNT_H
#define VOUCH_AS_ACCOUNT_H

#include <vouch/edi/edi.h>
#include <vouch/stmt/disclosure.h>

/* Writes A, without the evidence, as a strict CBOR map. */
void vch_as_account_encode(const struct vch_edi_status *a, struct vch_writer *w);
/* The inverse; RET has no evidence. Errors: those of vch_cbor_*; AS_VAULT_DAMAGED (a text longer
 * than its room, a number out of range). */
VCH_CHECKED vch_err vch_as_account_decode(struct vch_bytes in, struct vch_edi_status *ret);

#define VCH_AS_ACCOUNT_VALUES 16

/* What an endorsement discloses of the account, by disclosure key, ascending. Views lie in A and in
 * REASON. Returns the number of values.
 * req: Y.2247-7.1-6 (contract period and status stand in every record) */
struct vch_as_value {
    uint64_t key;
    struct vch_disc_value value;
};
size_t vch_as_account_values(const struct vch_edi_status *a, enum vch_standing standing,
                             const char *reason, struct vch_as_value ret[VCH_AS_ACCOUNT_VALUES]);

/* A set of disclosures with their digests. */
struct vch_as_openings {
    struct vch_buf contents[VCH_DISCLOSURES_COUNT];
    struct vch_hash digests[VCH_DISCLOSURES_COUNT]; /* ascending; not in the order of contents */
    size_t count;
};
/* Salts and encodes N values (at most VCH_DISCLOSURES_COUNT).
 * Errors: CRYPTO (no randomness); those of vch_stmt_disclosure_encode. */
VCH_CHECKED vch_err vch_as_openings_make(const struct vch_crypto *cr, vch_random_fn random,
                                         void *random_self, const struct vch_as_value *values,
                                         size_t n, struct vch_as_openings *ret);
void vch_as_openings_fini(struct vch_as_openings *o); /* wipes and frees; idempotent */

/* Identifiers of disclosures 1 to 4 into IDS; others are left alone. */
VCH_CHECKED vch_err vch_as_ids_add(struct vch_edi_ids *ids, const struct vch_disclosure *d);

#endif
