/* The USM's look-ups and events: the table that the CEF sees. */
#include <vouch/netsim/usm.h>

/* In all queries: in force is the latest row of the account that has taken effect. */
static const char *const find_sql[] = {
    "SELECT DISTINCT account FROM binding WHERE msisdn = ? ORDER BY account DESC",
    "SELECT DISTINCT account FROM binding WHERE iccid = ? ORDER BY account DESC",
    ("SELECT DISTINCT account FROM binding WHERE iccid IN (SELECT iccid FROM sim WHERE eid = ?)"
     " ORDER BY account DESC"),
    "SELECT DISTINCT account FROM binding WHERE imei = ? ORDER BY account DESC"};

static vch_err read_binding(struct vch_netsim_db *db, int64_t account, int64_t now_ms,
                            struct vch_netsim_account *ret)
{
    struct vch_netsim_q q =
        vch_netsim_q(db, "SELECT b.msisdn, b.iccid, b.imei, b.status, b.effective_ms, s.eid, s.imsi"
                         " FROM binding b JOIN sim s ON s.iccid = b.iccid WHERE b.account = ? AND"
                         " b.effective_ms <= ? ORDER BY b.effective_ms DESC, b.id DESC LIMIT 1");
    bool found;

    vch_netsim_q_int(&q, account);
    vch_netsim_q_int(&q, now_ms);
    found = vch_netsim_q_row(&q);
    if (found) {
        vch_netsim_q_copy(&q, 0, ret->ids.msisdn, sizeof ret->ids.msisdn);
        vch_netsim_q_copy(&q, 1, ret->ids.iccid, sizeof ret->ids.iccid);
        vch_netsim_q_copy(&q, 2, ret->ids.imei, sizeof ret->ids.imei);
        vch_netsim_q_copy(&q, 3, ret->bind_status, sizeof ret->bind_status);
        ret->bound_ms = vch_netsim_q_get_int(&q, 4);
        vch_netsim_q_copy(&q, 5, ret->ids.eid, sizeof ret->ids.eid);
        vch_netsim_q_copy(&q, 6, ret->ids.imsi, sizeof ret->ids.imsi);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    return found ? VCH_OK : VCH_E(NETSIM_UNKNOWN);
}

static int64_t time_or_never(struct vch_netsim_q *q, int col)
{
    return vch_netsim_q_is_null(q, col) ? VCH_NETSIM_NEVER : vch_netsim_q_get_int(q, col);
}

static vch_err read_contract(struct vch_netsim_db *db, int64_t account, int64_t now_ms,
                             struct vch_netsim_account *ret)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "SELECT status, type, start_ms, end_ms, terminated_ms, since_ms, data_service"
            " FROM contract WHERE account = ? AND effective_ms <= ?"
            " ORDER BY effective_ms DESC, id DESC LIMIT 1");
    bool found;

    vch_netsim_q_int(&q, account);
    vch_netsim_q_int(&q, now_ms);
    found = vch_netsim_q_row(&q);
    if (found) {
        vch_netsim_q_copy(&q, 0, ret->status, sizeof ret->status);
        vch_netsim_q_copy(&q, 1, ret->type, sizeof ret->type);
        ret->start_ms = vch_netsim_q_get_int(&q, 2);
        ret->end_ms = time_or_never(&q, 3);
        ret->terminated_ms = time_or_never(&q, 4);
        ret->since_ms = vch_netsim_q_get_int(&q, 5);
        vch_netsim_q_copy(&q, 6, ret->data_service, sizeof ret->data_service);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    return found ? VCH_OK : VCH_E(NETSIM_UNKNOWN);
}

/* A termination that is recorded but has not taken effect shows as pendingTerminate. */
static vch_err read_pending(struct vch_netsim_db *db, int64_t account, int64_t now_ms,
                            struct vch_netsim_account *ret)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "SELECT terminated_ms, recorded_ms FROM contract WHERE account = ?"
            " AND effective_ms > ? AND status = 'terminated' ORDER BY id DESC LIMIT 1");

    vch_netsim_q_int(&q, account);
    vch_netsim_q_int(&q, now_ms);
    if (vch_netsim_q_row(&q)) {
        (void)memcpy(ret->status, "pendingTerminate", sizeof "pendingTerminate");
        ret->terminated_ms = vch_netsim_q_get_int(&q, 0);
        ret->since_ms = vch_netsim_q_get_int(&q, 1);
    }
    return vch_netsim_q_end(&q);
}

static vch_err read_owner_and_area(struct vch_netsim_db *db, int64_t account, int64_t now_ms,
                                   struct vch_netsim_account *ret)
{
    struct vch_netsim_q q =
        vch_netsim_q(db, "SELECT customer, effective_ms FROM ownership WHERE account = ?"
                         " AND effective_ms <= ? ORDER BY effective_ms DESC, id DESC LIMIT 1");
    struct vch_netsim_q a =
        vch_netsim_q(db, "SELECT json FROM area WHERE account = ? AND effective_ms <= ?"
                         " ORDER BY effective_ms DESC, id DESC LIMIT 1");

    vch_netsim_q_int(&q, account);
    vch_netsim_q_int(&q, now_ms);
    if (vch_netsim_q_row(&q)) {
        ret->customer = vch_netsim_q_get_int(&q, 0);
        ret->owner_ms = vch_netsim_q_get_int(&q, 1);
    }
    vch_netsim_q_int(&a, account);
    vch_netsim_q_int(&a, now_ms);
    ret->area[0] = '\0';
    if (vch_netsim_q_row(&a)) {
        vch_netsim_q_copy(&a, 0, ret->area, sizeof ret->area);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    return vch_netsim_q_end(&a);
}

static vch_err usm_read(void *self, int64_t account, int64_t now_ms, struct vch_netsim_account *ret)
{
    struct vch_netsim_db *db = self;
    struct vch_netsim_account a = {.id = account};
    struct vch_netsim_q q =
        vch_netsim_q(db, "SELECT segment, created_ms FROM account WHERE id = ?");
    bool found;

    vch_netsim_q_int(&q, account);
    found = vch_netsim_q_row(&q);
    if (found) {
        vch_netsim_q_copy(&q, 0, a.segment, sizeof a.segment);
        a.history_ms = vch_netsim_q_get_int(&q, 1);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    VCH_CHECK(found, NETSIM_UNKNOWN);
    VCH_TRY(read_binding(db, account, now_ms, &a));
    VCH_TRY(read_contract(db, account, now_ms, &a));
    if (strcmp(a.status, "terminated") != 0) {
        VCH_TRY(read_pending(db, account, now_ms, &a));
    }
    VCH_TRY(read_owner_and_area(db, account, now_ms, &a));
    *ret = a;
    return VCH_OK;
}

static bool has_id(const struct vch_netsim_account *a, enum vch_netsim_kind kind, const char *text)
{
    switch (kind) {
    case VCH_NETSIM_MSISDN:
        return strcmp(a->ids.msisdn, text) == 0;
    case VCH_NETSIM_ICCID:
        return strcmp(a->ids.iccid, text) == 0;
    case VCH_NETSIM_EID:
        return strcmp(a->ids.eid, text) == 0;
    case VCH_NETSIM_IMEI:
        return strcmp(a->ids.imei, text) == 0;
    default:
        return false;
    }
}

static vch_err usm_find(void *self, enum vch_netsim_kind kind, const char *text, int64_t now_ms,
                        int64_t *ret_account)
{
    struct vch_netsim_db *db = self;
    size_t which = kind == VCH_NETSIM_MSISDN  ? 0
                   : kind == VCH_NETSIM_ICCID ? 1
                   : kind == VCH_NETSIM_EID   ? 2
                                              : 3;
    struct vch_netsim_q q = vch_netsim_q(db, find_sql[which]);
    int64_t best = 0;
    bool live = false;

    vch_netsim_q_text(&q, text);
    while (!live && vch_netsim_q_row(&q)) {
        struct vch_netsim_account a;
        int64_t id = vch_netsim_q_get_int(&q, 0);
        vch_err e = usm_read(db, id, now_ms, &a);

        if (vch_ok(e) && has_id(&a, kind, text)) {
            live = strcmp(a.status, "terminated") != 0;
            best = live || best == 0 ? id : best;
        } else if (!vch_ok(e) && !vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
            q.err = e;
        }
    }
    VCH_TRY(vch_netsim_q_end(&q));
    VCH_CHECK(best != 0, NETSIM_UNKNOWN);
    *ret_account = best;
    return VCH_OK;
}

static vch_err usm_consent(void *self, int64_t account, const char *client, bool *ret)
{
    struct vch_netsim_q q = vch_netsim_q(self, "SELECT 1 FROM consent WHERE account = ?"
                                               " AND client = ? AND revoked_ms IS NOT NULL");

    vch_netsim_q_int(&q, account);
    vch_netsim_q_text(&q, client);
    *ret = !vch_netsim_q_row(&q);
    return vch_netsim_q_end(&q);
}

static vch_err usm_watch(void *self, int64_t account, int64_t now_ms)
{
    struct vch_netsim_q q =
        vch_netsim_q(self, "INSERT INTO usm_watch(account, since_ms) VALUES(?, ?)"
                           " ON CONFLICT(account) DO NOTHING");

    vch_netsim_q_int(&q, account);
    vch_netsim_q_int(&q, now_ms);
    return vch_netsim_q_run(&q);
}

static vch_err usm_unwatch(void *self, int64_t account)
{
    struct vch_netsim_q q = vch_netsim_q(self, "DELETE FROM usm_watch WHERE account = ?");

    vch_netsim_q_int(&q, account);
    return vch_netsim_q_run(&q);
}

static vch_err usm_next(void *self, int64_t after, struct vch_netsim_usm_event *ret)
{
    struct vch_netsim_q q =
        vch_netsim_q(self, "SELECT id, account, kind, client, detail, effective_ms, recorded_ms"
                           " FROM usm_event WHERE id > ? ORDER BY id LIMIT 1");
    bool found;

    vch_netsim_q_int(&q, after);
    found = vch_netsim_q_row(&q);
    if (found) {
        ret->id = vch_netsim_q_get_int(&q, 0);
        ret->account = vch_netsim_q_get_int(&q, 1);
        ret->kind = (unsigned)vch_netsim_q_get_int(&q, 2);
        vch_netsim_q_copy(&q, 3, ret->client, sizeof ret->client);
        vch_netsim_q_copy(&q, 4, ret->detail, sizeof ret->detail);
        ret->effective_ms = vch_netsim_q_get_int(&q, 5);
        ret->recorded_ms = vch_netsim_q_get_int(&q, 6);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    return found ? VCH_OK : VCH_E(NETSIM_UNKNOWN);
}

struct vch_netsim_usm vch_netsim_usm(struct vch_netsim_db *db)
{
    return (struct vch_netsim_usm){db,        usm_find,    usm_read, usm_consent,
                                   usm_watch, usm_unwatch, usm_next};
}

const char *vch_netsim_event_name(unsigned kind)
{
    static const char *const names[] = {"contract-terminated", "contract-status-changed",
                                        "imei-changed",        "sim-changed",
                                        "owner-changed",       "area-changed",
                                        "subscription-ended"};

    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        if (kind == 1U << i) {
            return names[i];
        }
    }
    return "";
}
