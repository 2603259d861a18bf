#include <vouch/verify/report.h>

static const struct {
    const char *name;
    const char *text;
    bool necessary; /* a verdict without it is none */
} steps[VCH_STEPS] = {
    [VCH_STEP_POINTER] = {"pointer", "the record that the item cites is at hand", true},
    [VCH_STEP_RECEIPT] = {"receipt", "a trusted ledger holds the record", true},
    [VCH_STEP_CERTIFICATE] = {"as-certificate",
                              "the key of the AS was trusted when it was recorded", true},
    [VCH_STEP_ENDORSEMENT] = {"endorsement-signature", "the AS endorsed the device's key", true},
    [VCH_STEP_POSSESSION] = {"registration-possession",
                             "the device proved possession of the key when it registered", true},
    [VCH_STEP_ORIGIN] = {"origin-signature", "the device signed the item", true},
    [VCH_STEP_DATA] = {"data-digest", "the data is what the device signed", false},
    [VCH_STEP_SEQUENCE] = {"sequence", "its number is used once by this device", false},
    [VCH_STEP_FRESHNESS] = {"freshness", "later records of the device are taken into account",
                            true},
    [VCH_STEP_TIME] = {"time-evidence", "the time of signing is bounded", true},
    [VCH_STEP_TERM] = {"contract-term", "the key was entitled to sign at that time", true},
    [VCH_STEP_ASSURANCE] = {"assurance", "the identity's assurance level is recorded", true},
};

static const struct {
    enum vch_note note;
    const char *name;
    const char *text;
} notes[] = {
    {VCH_NOTE_SUPERSEDED, "superseded",
     "a later record of this device existed when it was signed; its term was applied"},
    {VCH_NOTE_IN_FORCE, "still-in-force",
     "no evidence bounds the signing time from above, but no end of the entitlement is known"},
    {VCH_NOTE_FRESHNESS, "freshness-bound",
     "the status of the device is known only up to the time named"},
    {VCH_NOTE_CLAIMED_TIME, "claimed-time-accepted",
     "the time of signing is the device's own claim, accepted on request"},
    {VCH_NOTE_NO_DATA, "no-data",
     "only digests are at hand: origin and time are verified, not data"},
    {VCH_NOTE_PARTIAL_DATA, "partial-data", "only some rows of the batch are at hand"},
    {VCH_NOTE_DUPLICATE, "duplicate", "the same item occurs more than once"},
    {VCH_NOTE_EARLY_ROWS, "early-rows", "the first row claims a time before the endorsement"},
    {VCH_NOTE_UNTRUSTED_PLACE, "no-trusted-environment",
     "the device's key lies in a file, not in a trusted environment"},
};

enum vch_verdict vch_verify_verdict(const struct vch_verify_report *r, enum vch_step *ret_step)
{
    for (unsigned s = 0; s < VCH_STEPS; s++) {
        if (r->step[s].state == VCH_STEP_FAIL) {
            *ret_step = (enum vch_step)s;
            return VCH_VERDICT_INVALID;
        }
    }
    for (unsigned s = 0; s < VCH_STEPS; s++) {
        if (r->step[s].state == VCH_STEP_UNKNOWN) {
            *ret_step = (enum vch_step)s;
            return VCH_VERDICT_UNKNOWN;
        }
    }
    for (unsigned s = 0; s < VCH_STEPS; s++) {
        if (r->step[s].state == VCH_STEP_NOT_CHECKED && steps[s].necessary) {
            *ret_step = (enum vch_step)s;
            return VCH_VERDICT_UNKNOWN;
        }
    }
    *ret_step = VCH_STEPS;
    return VCH_VERDICT_VALID;
}

enum vch_verdict vch_verify_worse(enum vch_verdict a, enum vch_verdict b)
{
    if (a == VCH_VERDICT_INVALID || b == VCH_VERDICT_INVALID) {
        return VCH_VERDICT_INVALID;
    }
    return a == VCH_VERDICT_VALID && b == VCH_VERDICT_VALID ? VCH_VERDICT_VALID
                                                            : VCH_VERDICT_UNKNOWN;
}

const char *vch_verdict_name(enum vch_verdict v)
{
    switch (v) {
    case VCH_VERDICT_VALID:
        return "valid";
    case VCH_VERDICT_INVALID:
        return "invalid";
    default:
        return "cannot evaluate";
    }
}

const char *vch_step_name(enum vch_step s)
{
    return s < VCH_STEPS ? steps[s].name : "none";
}

const char *vch_step_text(enum vch_step s)
{
    return s < VCH_STEPS ? steps[s].text : "";
}

const char *vch_step_state_name(enum vch_step_state s)
{
    switch (s) {
    case VCH_STEP_PASS:
        return "pass";
    case VCH_STEP_FAIL:
        return "fail";
    case VCH_STEP_UNKNOWN:
        return "unknown";
    default:
        return "not-checked";
    }
}

const char *vch_note_name(enum vch_note n)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(notes); i++) {
        if (notes[i].note == n) {
            return notes[i].name;
        }
    }
    return "unknown";
}

const char *vch_note_text(enum vch_note n)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(notes); i++) {
        if (notes[i].note == n) {
            return notes[i].text;
        }
    }
    return "";
}

const char *vch_assurance_name(enum vch_assurance a)
{
    switch (a) {
    case VCH_ASSURANCE_SELF:
        return "self-asserted";
    case VCH_ASSURANCE_MATCHED:
        return "matched by the network";
    case VCH_ASSURANCE_SIM:
        return "SIM-proven";
    case VCH_ASSURANCE_ATTESTED:
        return "attested";
    }
    return "unknown";
}
