/* care.h - following up on accounts: the jobs and what they do. */
#ifndef VOUCH_AS_CARE_H
#define VOUCH_AS_CARE_H

#include "as_int.h"

#define CARE_BATCH VCH_EDI_BATCH_MAX

enum job_kind {
    JOB_HINT,  /* an operator notified a change */
    JOB_CHECK, /* read accounts again: one or many */
    JOB_WATCH, /* event subscription */
    JOB_SETTLE /* pending endorsement */
};

struct job {
    enum job_kind kind;
    struct vch_as_hint hint; /* JOB_HINT */
    uint8_t subjects[CARE_BATCH][16];
    size_t count; /* 1 but for JOB_CHECK */
};

/* Does the job; a failure is tried again later. */
vch_err vch_as_care_hint(struct vch_as *as, const struct job *j);
vch_err vch_as_care_check(struct vch_as *as, const struct job *j);
vch_err vch_as_care_watch(struct vch_as *as, const uint8_t subject[16]);

/* Reads what the operator says of SUBJECT and endorses what is new. HINT may be NULL. */
vch_err vch_as_care_read(struct vch_as *as, const uint8_t subject[16],
                         const struct vch_as_hint *hint);
/* Applies what was read; writes audit and alarms. */
vch_err vch_as_care_apply(struct vch_as *as, const uint8_t subject[16],
                          const struct operator_of *op, const struct vch_edi_ids *ids,
                          const struct vch_edi_status *status, const struct vch_as_hint *hint);

#endif
