#include <vouch/contract/endorse.h>

enum { ABSENT = 0, LIVE = 1, RETIRED = 2, STATES = 3 }; /* LIVE and RETIRED as enum vch_life */

struct step {
    uint32_t refusal; /* error code, 0: allowed */
    enum vch_life next;
};

/* The whole life of a lineage; actions from 1. */
static const struct step table[STATES][4] = {
    [ABSENT] = {[VCH_ACTION_REGISTER] = {0, VCH_LIFE_LIVE},
                [VCH_ACTION_UPDATE] = {VCH_E_SUBJECT_UNKNOWN_CODE, 0},
                [VCH_ACTION_RETIRE] = {VCH_E_SUBJECT_UNKNOWN_CODE, 0}},
    [LIVE] = {[VCH_ACTION_REGISTER] = {VCH_E_SUBJECT_USED_CODE, 0},
              [VCH_ACTION_UPDATE] = {0, VCH_LIFE_LIVE},
              [VCH_ACTION_RETIRE] = {0, VCH_LIFE_RETIRED}},
    [RETIRED] = {[VCH_ACTION_REGISTER] = {VCH_E_SUBJECT_USED_CODE, 0},
                 [VCH_ACTION_UPDATE] = {VCH_E_SUBJECT_RETIRED_CODE, 0},
                 [VCH_ACTION_RETIRE] = {VCH_E_SUBJECT_RETIRED_CODE, 0}},
};

static vch_err follows(const struct vch_contract_lineage *l,
                       const struct vch_contract_endorsement *e)
{
    VCH_CHECK(vch_bytes_equal(l->as_name, e->as_name), AS_FOREIGN);
    VCH_CHECK(e->seq > l->now.seq, SEQ_CONFLICT);
    VCH_CHECK(e->seq - 1 == l->now.seq, SEQ_GAP);
    VCH_CHECK(e->has_prev && vch_hash_equal(&e->prev, &l->now.latest), PREV_STALE);
    VCH_CHECK(vch_hash_equal(&e->registration, &l->now.registration), REGISTRATION_CHANGED);
    return VCH_OK;
}

vch_err vch_contract_endorse(const struct vch_contract_lineage *l,
                             const struct vch_contract_endorsement *e, enum vch_life *ret_life)
{
    size_t state = l->exists ? (size_t)l->now.life : ABSENT;
    const struct step *s;

    VCH_ASSERT(state < STATES && e->action >= VCH_ACTION_REGISTER &&
               e->action <= VCH_ACTION_RETIRE);
    s = &table[state][e->action];
    if (s->refusal != 0) {
        return (vch_err){s->refusal};
    }
    if (l->exists) {
        VCH_TRY(follows(l, e));
    } else {
        VCH_CHECK(!l->device_key_known, DEVICE_KEY_USED);
        VCH_CHECK(e->seq == 0, SEQ_GAP);
        VCH_CHECK(!e->has_prev, PREV_STALE);
    }
    *ret_life = s->next;
    return VCH_OK;
}

vch_err vch_contract_authority(const struct vch_state_authority *a, enum vch_role role,
                               struct vch_bytes iss, const struct vch_hash *cert)
{
    VCH_CHECK(a->role == role, AUTHORITY_ROLE);
    VCH_CHECK(vch_bytes_equal(a->name, iss), AUTHORITY_NAME);
    VCH_CHECK(cert == NULL || (a->has_cert && vch_hash_equal(&a->cert, cert)), AUTHORITY_CERT);
    return VCH_OK;
}

vch_err vch_contract_anchor(const struct vch_subject *subject, const struct vch_subject *claimed,
                            const struct vch_state_subject *now)
{
    VCH_CHECK(vch_bytes_equal(vch_subject_bytes(subject), vch_subject_bytes(claimed)),
              DEVICE_SUBJECT);
    VCH_CHECK(now->life == VCH_LIFE_LIVE, SUBJECT_RETIRED);
    return VCH_OK;
}
