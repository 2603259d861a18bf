/* vouch/contract/endorse.h - the contract of endorsements: which statement may follow which in the
 * lineage of a device, and who may say so. And the contract of anchors.
 * Layer 6, pure, heap-free, thread-safe: no shared state. No signature is looked at here.
 *
 * req: Y.2247-7.1-8 (changes only by appending to the latest entry of the lineage)
 * req: Y.2247-7.2.2-16 (an update carries the registered parameters unchanged) */
#ifndef VOUCH_CONTRACT_ENDORSE_H
#define VOUCH_CONTRACT_ENDORSE_H

#include <vouch/contract/state.h>
#include <vouch/stmt/labels.h>

/* What the state map knows of the lineage, and what a statement asks for. */
struct vch_contract_lineage {
    bool exists;
    struct vch_state_subject now; /* if it exists */
    struct vch_bytes as_name;     /* of the authority that signed the latest, if it exists */
    bool device_key_known;        /* the key of the registration belongs to some subject */
};

struct vch_contract_endorsement {
    enum vch_action action;
    uint64_t seq;
    bool has_prev;
    struct vch_hash prev;
    struct vch_hash registration; /* SHA-256 of its bytes */
    struct vch_bytes as_name;     /* issuer */
};

/* May the statement be recorded, and the lineage's life after it?
 * Errors: SUBJECT_USED, DEVICE_KEY_USED; SUBJECT_UNKNOWN, SUBJECT_RETIRED, AS_FOREIGN,
 * SEQ_CONFLICT, SEQ_GAP, PREV_STALE, REGISTRATION_CHANGED. */
VCH_CHECKED vch_err vch_contract_endorse(const struct vch_contract_lineage *l,
                                         const struct vch_contract_endorsement *e,
                                         enum vch_life *ret_life);

/* May the authority A sign as ISS in ROLE, under the certificate with that hash (NULL: the
 * statement names none)? Errors: AUTHORITY_ROLE, AUTHORITY_NAME, AUTHORITY_CERT. */
VCH_CHECKED vch_err vch_contract_authority(const struct vch_state_authority *a, enum vch_role role,
                                           struct vch_bytes iss, const struct vch_hash *cert);

/* May a device whose key belongs to SUBJECT anchor as CLAIMED, its lineage being at NOW?
 * Errors: DEVICE_SUBJECT, SUBJECT_RETIRED. */
VCH_CHECKED vch_err vch_contract_anchor(const struct vch_subject *subject,
                                        const struct vch_subject *claimed,
                                        const struct vch_state_subject *now);

#endif
