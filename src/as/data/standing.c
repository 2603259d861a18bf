#include <vouch/as/standing.h>

struct id_view {
    enum vch_edi_kind kind;
    const char *text;
};

static void ids_list(const struct vch_edi_ids *ids, struct id_view ret[4])
{
    ret[0] = (struct id_view){VCH_EDI_MSISDN, ids->msisdn};
    ret[1] = (struct id_view){VCH_EDI_ICCID, ids->iccid};
    ret[2] = (struct id_view){VCH_EDI_EID, ids->eid};
    ret[3] = (struct id_view){VCH_EDI_IMEI, ids->imei};
}

unsigned vch_as_ids_differ(const struct vch_edi_ids *registered,
                           const struct vch_edi_status *account)
{
    struct id_view a[4], b[4];
    unsigned differ = 0;

    ids_list(registered, a);
    ids_list(&account->ids, b);
    for (size_t i = 0; i < 4; i++) {
        bool withheld = (account->withheld.ids & a[i].kind) != 0;

        if (a[i].text[0] != '\0' && !withheld && strcmp(a[i].text, b[i].text) != 0) {
            differ |= a[i].kind;
        }
    }
    return differ;
}

unsigned vch_as_ids_withheld(const struct vch_edi_ids *registered,
                             const struct vch_edi_status *account)
{
    struct id_view a[4];
    unsigned withheld = 0;

    ids_list(registered, a);
    for (size_t i = 0; i < 4; i++) {
        if (a[i].text[0] != '\0') {
            withheld |= account->withheld.ids & a[i].kind;
        }
    }
    return withheld;
}

static bool when_same(const struct vch_edi_when *a, const struct vch_edi_when *b)
{
    return a->p == b->p && (a->p != VCH_EDI_GIVEN || a->ms == b->ms);
}

static bool ids_same(const struct vch_edi_ids *a, const struct vch_edi_ids *b)
{
    return strcmp(a->msisdn, b->msisdn) == 0 && strcmp(a->iccid, b->iccid) == 0 &&
           strcmp(a->eid, b->eid) == 0 && strcmp(a->imei, b->imei) == 0;
}

static bool contract_same(const struct vch_edi_status *a, const struct vch_edi_status *b)
{
    return a->status == b->status && when_same(&a->start, &b->start) &&
           when_same(&a->end, &b->end) && when_same(&a->terminated_at, &b->terminated_at) &&
           when_same(&a->status_since, &b->status_since) &&
           strcmp(a->contract_type, b->contract_type) == 0;
}

static bool area_same(const struct vch_edi_status *a, const struct vch_edi_status *b)
{
    return a->area_p == b->area_p && strcmp(a->area, b->area) == 0;
}

bool vch_as_account_same(const struct vch_edi_status *a, const struct vch_edi_status *b)
{
    return contract_same(a, b) && area_same(a, b) && ids_same(&a->ids, &b->ids) &&
           strcmp(a->bind_status, b->bind_status) == 0 &&
           when_same(&a->bound_since, &b->bound_since) && strcmp(a->owner_ref, b->owner_ref) == 0 &&
           when_same(&a->owner_since, &b->owner_since) &&
           strcmp(a->data_service, b->data_service) == 0;
}

static bool is_over(enum vch_edi_contract_status s)
{
    return s == VCH_EDI_TERMINATED || s == VCH_EDI_CANCELLED || s == VCH_EDI_ABORTED;
}

static bool is_live(enum vch_edi_contract_status s)
{
    return s == VCH_EDI_ACTIVE || s == VCH_EDI_PENDING_TERMINATE;
}

/* req: Y.2247-7.2.2-4 */
vch_err vch_as_account_admit(const struct vch_as_seen *seen, const char **reterr_why)
{
    const struct vch_edi_status *a = seen->account;
    const char *why = NULL;

    if (seen->mismatched != 0) {
        why = (seen->mismatched & VCH_EDI_IMEI) != 0 ? "imei-mismatch" : "identifier-mismatch";
    } else if (a->status == VCH_EDI_SUSPENDED) {
        why = "account-suspended";
    } else if (is_over(a->status)) {
        why = "account-terminated";
    } else if (!is_live(a->status)) {
        why = "account-not-started";
    } else if (a->start.p == VCH_EDI_GIVEN && a->start.ms > seen->now_ms) {
        why = "contract-not-started";
    } else if (a->end.p == VCH_EDI_GIVEN && a->end.ms <= seen->now_ms) {
        why = "contract-expired";
    } else if (a->terminated_at.p == VCH_EDI_GIVEN && a->terminated_at.ms <= seen->now_ms) {
        why = "account-terminated";
    }
    if (why != NULL) {
        *reterr_why = why;
        return VCH_E(AS_IDENTITY);
    }
    return VCH_OK;
}

/* The moment that the operator gives for the change, otherwise the event's, otherwise now. */
static int64_t moment(const struct vch_as_seen *seen, const struct vch_edi_when *when)
{
    if (when != NULL && when->p == VCH_EDI_GIVEN) {
        return when->ms;
    }
    return seen->hinted ? seen->hint_effective_ms : seen->account->last_checked_ms;
}

/* A binding that broke: which part, the strongest reason first; NULL if none did. */
static const char *broken_by(const struct vch_as_policy *policy, const struct vch_as_known *known,
                             const struct vch_as_seen *seen, const struct vch_edi_when **ret_since)
{
    const struct vch_edi_status *was = known->account, *is = seen->account;

    *ret_since = &is->bound_since;
    if (strcmp(was->owner_ref, is->owner_ref) != 0 && was->owner_ref[0] != '\0' &&
        is->owner_ref[0] != '\0') {
        *ret_since = &is->owner_since;
        return "owner-changed";
    }
    if ((seen->mismatched & VCH_EDI_IMEI) != 0) {
        return "imei-changed";
    }
    if ((seen->mismatched & VCH_EDI_MSISDN) != 0) {
        return "number-changed";
    }
    if ((seen->mismatched & (VCH_EDI_ICCID | VCH_EDI_EID)) != 0 && policy->sim_swap_suspends) {
        return "sim-changed";
    }
    return NULL;
}

/* Why a change that keeps the key in good standing is endorsed. */
static const char *plain_reason(const struct vch_as_known *known, const struct vch_as_seen *seen,
                                const struct vch_edi_when **ret_since)
{
    const struct vch_edi_status *was = known->account, *is = seen->account;

    *ret_since = NULL;
    if (is->status != was->status) {
        *ret_since = &is->status_since;
        return was->status == VCH_EDI_SUSPENDED ? "contract-resumed" : "contract-status-changed";
    }
    if (!when_same(&is->end, &was->end)) {
        return "contract-renewed";
    }
    if (seen->mismatched != 0 && !ids_same(&is->ids, &was->ids)) {
        *ret_since = &is->bound_since;
        return "sim-changed";
    }
    return area_same(is, was) ? "account-changed" : "area-changed";
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t vch_as_account_turn(const struct vch_edi_status *a, int64_t now_ms)
{
    const struct vch_edi_when *const when[] = {&a->end, &a->terminated_at, &a->start};
    int64_t at = 0;

    for (size_t i = 0; i < VCH_ARRAY_LEN(when); i++) {
        if (when[i]->p == VCH_EDI_GIVEN && when[i]->ms > now_ms) {
            at = sooner(at, when[i]->ms);
        }
    }
    return at;
}

/* A termination that was announced since the last endorsement, and still lies ahead. */
static bool newly_scheduled(const struct vch_as_known *known, const struct vch_as_seen *seen)
{
    const struct vch_edi_when *at = &seen->account->terminated_at;

    return at->p == VCH_EDI_GIVEN && at->ms > seen->now_ms &&
           !when_same(at, &known->account->terminated_at);
}

/* The account itself forbids: over, or not in force. True if so. */
static bool judge_contract(const struct vch_as_seen *seen, struct vch_as_verdict *v)
{
    const struct vch_edi_status *is = seen->account;
    bool later = is->terminated_at.p == VCH_EDI_GIVEN && is->terminated_at.ms > seen->now_ms;

    if (is_over(is->status) && !later) {
        v->action = VCH_ACTION_RETIRE;
        v->standing = VCH_STANDING_ENDED;
        v->reason = "contract-terminated";
        v->effective_ms = moment(seen, is->terminated_at.p == VCH_EDI_GIVEN ? &is->terminated_at
                                                                            : &is->status_since);
        return true;
    }
    if (!is_live(is->status) && !is_over(is->status)) {
        v->standing = VCH_STANDING_SUSPENDED;
        v->reason = is->status == VCH_EDI_SUSPENDED ? "contract-suspended" : "contract-not-active";
        v->effective_ms = moment(seen, &is->status_since);
        return true;
    }
    return false;
}

void vch_as_judge(const struct vch_as_policy *policy, const struct vch_as_known *known,
                  const struct vch_as_seen *seen, struct vch_as_verdict *ret)
{
    const struct vch_edi_when *since;
    const char *broke = broken_by(policy, known, seen, &since);
    bool breaks = broke != NULL && !known->broken;
    struct vch_as_verdict v = {.action = VCH_ACTION_UPDATE,
                               .broken = known->broken || broke != NULL};
    bool over = judge_contract(seen, &v);

    if (!over) {
        v.standing = v.broken ? VCH_STANDING_SUSPENDED : VCH_STANDING_GOOD;
    }
    if (breaks && v.action == VCH_ACTION_UPDATE) {
        v.reason = broke;
        v.effective_ms = moment(seen, since);
    } else if (!over && newly_scheduled(known, seen)) {
        v.reason = "termination-scheduled";
        v.effective_ms = seen->account->terminated_at.ms;
    } else if (!over) {
        v.reason = plain_reason(known, seen, &since);
        v.effective_ms = moment(seen, since);
    }
    v.changed = v.standing != known->standing || v.broken != known->broken ||
                !vch_as_account_same(known->account, seen->account);
    *ret = v;
}
