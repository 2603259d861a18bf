/* Making steps; for the files of this module only. */
#ifndef VCH_VERIFY_STEP_H
#define VCH_VERIFY_STEP_H

#include <vouch/verify/report.h>

static inline struct vch_verify_step step_pass(void)
{
    return (struct vch_verify_step){VCH_STEP_PASS, VCH_OK};
}

static inline struct vch_verify_step step_fail(vch_err why)
{
    return (struct vch_verify_step){VCH_STEP_FAIL, why};
}

static inline struct vch_verify_step step_unknown(vch_err why)
{
    return (struct vch_verify_step){VCH_STEP_UNKNOWN, why};
}

/* PASS for success; UNKNOWN for what our own machine could not do; otherwise FAIL. */
static inline struct vch_verify_step step_of(vch_err e)
{
    if (vch_ok(e)) {
        return step_pass();
    }
    return vch_err_kind(e) == VCH_KIND_CRYPTO || vch_err_kind(e) == VCH_KIND_IO ||
                   vch_err_kind(e) == VCH_KIND_EVIDENCE
               ? step_unknown(e)
               : step_fail(e);
}

#endif
