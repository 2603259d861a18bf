/* vouch/as/standing.h - what the AS concludes for a device's key from the network account, and when
 * something has to be endorsed anew (Y.2247 clause 7.2.2).
 * Layer 11, part "data management". Pure: no heap, clock or state.
 *
 * The account is always the one just read from the operator; a notification only says when to read.
 *
 * | the account says | standing | action |
 * |---|---|---|
 * | terminated, cancelled, aborted | 3 ended | retire |
 * | a termination in the future | as before | update, reason termination-scheduled |
 * | suspended, created, pendingActive | 2 suspended | update |
 * | another IMEI, number or owner than registered | 2 suspended, until the device registers anew |
 * update | | another SIM or eSIM than registered | the same, if the policy says so, otherwise 1 |
 * update | | active, pendingTerminate, with the registered identifiers | 1 good | update if
 * anything changed |
 */
#ifndef VOUCH_AS_STANDING_H
#define VOUCH_AS_STANDING_H

#include <vouch/edi/edi.h>
#include <vouch/stmt/labels.h>

struct vch_as_policy {
    bool sim_swap_suspends; /* a new ICCID or EID suspends the key */
};

/* What is known of a lineage so far. */
struct vch_as_known {
    enum vch_standing standing; /* as last endorsed */
    bool broken;            /* the binding was once found changed: good only after registration */
    struct vch_edi_ids ids; /* as registered; "" for those not registered */
    const struct vch_edi_status *account; /* as last endorsed */
};

/* What the operator says now. */
struct vch_as_seen {
    const struct vch_edi_status *account;
    unsigned
        mismatched; /* bits of enum vch_edi_kind: registered identifiers that the account lacks */
    int64_t now_ms;
    bool hinted; /* an event led here: its times */
    int64_t hint_effective_ms;
};

struct vch_as_verdict {
    bool changed; /* something is to be endorsed */
    enum vch_action action;
    enum vch_standing standing;
    bool broken;
    const char *reason; /* static; disclosure 30 */
    int64_t effective_ms;
};

/* The next moment after NOW_MS at which the account changes without an event (it begins, ends, or
 * an announced termination takes effect); 0 if it knows of none. */
int64_t vch_as_account_turn(const struct vch_edi_status *account, int64_t now_ms);

/* Registered identifiers that ACCOUNT contradicts: it tells another value, or none although it
 * withholds none. Those it withholds are not among them; ask the operator by vch_edi_match. */
unsigned vch_as_ids_differ(const struct vch_edi_ids *registered,
                           const struct vch_edi_status *account);
/* Registered identifiers about which ACCOUNT says nothing because the operator withholds them. */
unsigned vch_as_ids_withheld(const struct vch_edi_ids *registered,
                             const struct vch_edi_status *account);

/* May a key be endorsed at all on this account? At registration only.
 * Errors: AS_IDENTITY, and RETERR_WHY says which rule in a word for the audit log. */
VCH_CHECKED vch_err vch_as_account_admit(const struct vch_as_seen *seen, const char **reterr_why);

/* req: Y.2247-7.2.2-12, Y.2247-7.2.2-13, Y.2247-7.2.2-14 */
void vch_as_judge(const struct vch_as_policy *policy, const struct vch_as_known *known,
                  const struct vch_as_seen *seen, struct vch_as_verdict *ret);

/* Do both say the same of the account, but for when it was read and how far back the operator's
 * history goes (a window that moves by itself)? */
bool vch_as_account_same(const struct vch_edi_status *a, const struct vch_edi_status *b);

#endif
