/* Changes in the USM: a history row and, for a watched account, an event, in one transaction. */
#include "cef_int.h"

static void put_time(struct vch_netsim_q *q, int64_t ms)
{
    if (ms == VCH_NETSIM_NEVER) {
        vch_netsim_q_null(q);
    } else {
        vch_netsim_q_int(q, ms);
    }
}

static vch_err put_contract(struct vch_netsim_db *db, const struct vch_netsim_account *a,
                            const char *reason, int64_t effective_ms, int64_t now_ms)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "INSERT INTO contract(account, status, type, start_ms, end_ms, terminated_ms,"
            " data_service, reason, since_ms, effective_ms, recorded_ms)"
            " VALUES(?,?,?,?,?,?,?,?,?,?,?)");

    vch_netsim_q_int(&q, a->id);
    vch_netsim_q_text(&q, a->status);
    vch_netsim_q_text(&q, a->type);
    vch_netsim_q_int(&q, a->start_ms);
    put_time(&q, a->end_ms);
    put_time(&q, a->terminated_ms);
    vch_netsim_q_text(&q, a->data_service);
    vch_netsim_q_text(&q, reason);
    vch_netsim_q_int(&q, a->since_ms);
    vch_netsim_q_int(&q, effective_ms);
    vch_netsim_q_int(&q, now_ms);
    return vch_netsim_q_run(&q);
}

static vch_err put_binding(struct vch_netsim_db *db, const struct vch_netsim_account *a,
                           int64_t effective_ms, int64_t now_ms)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "INSERT INTO binding(account, msisdn, iccid, imei, status, effective_ms, recorded_ms)"
            " VALUES(?,?,?,?,?,?,?)");

    vch_netsim_q_int(&q, a->id);
    vch_netsim_q_text(&q, a->ids.msisdn);
    vch_netsim_q_text(&q, a->ids.iccid);
    vch_netsim_q_text(&q, a->ids.imei);
    vch_netsim_q_text(&q, a->bind_status);
    vch_netsim_q_int(&q, effective_ms);
    vch_netsim_q_int(&q, now_ms);
    return vch_netsim_q_run(&q);
}

static vch_err put_sim(struct vch_netsim_db *db, const struct vch_netsim_ids *ids)
{
    struct vch_netsim_q q = vch_netsim_q(db, "INSERT INTO sim(iccid, eid, imsi) VALUES(?,?,?)");

    vch_netsim_q_text(&q, ids->iccid);
    vch_netsim_q_text(&q, ids->eid);
    vch_netsim_q_text(&q, ids->imsi);
    return vch_netsim_q_run(&q);
}

static vch_err put_equipment(struct vch_netsim_db *db, const char *imei, int64_t now_ms)
{
    struct vch_netsim_q q = vch_netsim_q(db, "INSERT INTO equipment(imei, first_ms) VALUES(?,?)"
                                             " ON CONFLICT(imei) DO NOTHING");

    vch_netsim_q_text(&q, imei);
    vch_netsim_q_int(&q, now_ms);
    return vch_netsim_q_run(&q);
}

static vch_err put_owner(struct vch_netsim_db *db, int64_t account, int64_t effective_ms,
                         int64_t now_ms)
{
    struct vch_netsim_q c =
        vch_netsim_q(db, "INSERT INTO customer(kind, created_ms) VALUES('Business', ?)");
    struct vch_netsim_q o =
        vch_netsim_q(db, "INSERT INTO ownership(account, customer, effective_ms, recorded_ms)"
                         " VALUES(?,?,?,?)");

    vch_netsim_q_int(&c, now_ms);
    VCH_TRY(vch_netsim_q_run(&c));
    vch_netsim_q_int(&o, account);
    vch_netsim_q_int(&o, vch_netsim_db_last_id(db));
    vch_netsim_q_int(&o, effective_ms);
    vch_netsim_q_int(&o, now_ms);
    return vch_netsim_q_run(&o);
}

/* No live account may have it. */
static vch_err free_check(struct vch_netsim_db *db, enum vch_netsim_kind kind, const char *text,
                          int64_t now_ms)
{
    struct vch_netsim_usm usm = vch_netsim_usm(db);
    struct vch_netsim_account a;
    int64_t id = 0;
    vch_err e = usm.find(usm.self, kind, text, now_ms, &id);

    if (vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
        return VCH_OK;
    }
    VCH_TRY(e);
    VCH_TRY(usm.read(usm.self, id, now_ms, &a));
    VCH_CHECK(strcmp(a.status, "terminated") == 0, NETSIM_EXISTS);
    return VCH_OK;
}

/* req: Y.2247-9.1-2 (an event a change, and none for accounts that nobody watches) */
static vch_err record(struct vch_netsim_db *db, const struct vch_netsim_change *c, unsigned kind,
                      json_t *detail, int64_t now_ms)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "INSERT INTO usm_event(account, kind, client, detail, effective_ms, recorded_ms)"
            " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS"
            " (SELECT 1 FROM usm_watch WHERE account = ?1)");
    char *text;

    VCH_ASSERT(detail != NULL);
    if (c->reason != NULL) {
        json_object_set_new(detail, "reason", json_string(c->reason));
    }
    text = vch_netsim_dump(detail);
    json_decref(detail);
    VCH_CHECK(text != NULL && strlen(text) < sizeof((struct vch_netsim_usm_event *)0)->detail,
              NETSIM_ARGUMENT);
    vch_netsim_q_int(&q, c->account);
    vch_netsim_q_int(&q, kind);
    vch_netsim_q_text(&q, c->op == VCH_NETSIM_REVOKE_CONSENT ? c->text : NULL);
    vch_netsim_q_text(&q, text);
    vch_netsim_q_int(&q, c->effective_ms);
    vch_netsim_q_int(&q, now_ms);
    vch_mem_free(text);
    return vch_netsim_q_run(&q);
}

/* When the newest change of a sort takes effect; SQL asks for it by account. */
static vch_err latest(struct vch_netsim_db *db, const char *sql, int64_t account, int64_t *ret_ms)
{
    struct vch_netsim_q q = vch_netsim_q(db, sql);
    int64_t ms = INT64_MIN;

    vch_netsim_q_int(&q, account);
    if (vch_netsim_q_row(&q) && !vch_netsim_q_is_null(&q, 0)) {
        ms = vch_netsim_q_get_int(&q, 0);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    *ret_ms = ms;
    return VCH_OK;
}

static const char latest_contract[] = "SELECT MAX(effective_ms) FROM contract WHERE account = ?";
static const char latest_binding[] = "SELECT MAX(effective_ms) FROM binding WHERE account = ?";
static const char latest_owner[] = "SELECT MAX(effective_ms) FROM ownership WHERE account = ?";
static const char latest_area[] = "SELECT MAX(effective_ms) FROM area WHERE account = ?";

/* History is append-only: no change takes effect before the newest of its sort. */
static vch_err order_check(struct vch_netsim_db *db, const char *sql,
                           const struct vch_netsim_change *c)
{
    int64_t ms = 0;

    VCH_TRY(latest(db, sql, c->account, &ms));
    VCH_CHECK(c->effective_ms >= ms, NETSIM_STATE);
    return VCH_OK;
}

static vch_err unbind(struct vch_netsim_db *db, struct vch_netsim_account *a, int64_t effective_ms,
                      int64_t now_ms)
{
    int64_t ms = 0;

    VCH_TRY(latest(db, latest_binding, a->id, &ms));
    (void)memcpy(a->bind_status, "UNBOUND", sizeof "UNBOUND");
    return put_binding(db, a, effective_ms > ms ? effective_ms : ms, now_ms);
}

static vch_err change_contract(struct vch_netsim_db *db, int64_t now_ms,
                               const struct vch_netsim_change *c, struct vch_netsim_account *a)
{
    bool active = strcmp(a->status, "active") == 0, suspended = strcmp(a->status, "suspended") == 0;
    bool ends = c->op == VCH_NETSIM_TERMINATE || c->op == VCH_NETSIM_EXPIRE;
    const char *from = active ? "active" : "suspended", *to = from, *service = a->data_service;
    char from_text[17];

    VCH_TRY(order_check(db, latest_contract, c));
    VCH_CHECK(active || suspended, NETSIM_STATE);
    memcpy(from_text, a->status, sizeof from_text);
    if (c->op == VCH_NETSIM_SUSPEND || c->op == VCH_NETSIM_RESUME) {
        VCH_CHECK(active == (c->op == VCH_NETSIM_SUSPEND), NETSIM_STATE);
        to = active ? "suspended" : "active";
        service = to;
    } else if (c->op == VCH_NETSIM_RENEW) {
        VCH_CHECK(c->time_ms == VCH_NETSIM_NEVER || c->time_ms > a->start_ms, NETSIM_ARGUMENT);
        a->end_ms = c->time_ms;
    } else {
        to = "terminated";
        service = "suspended";
        a->terminated_ms = c->effective_ms;
    }
    if (strcmp(from_text, to) != 0) {
        vch_netsim_set(a->status, sizeof a->status, to);
        vch_netsim_set(a->data_service, sizeof a->data_service, service);
        a->since_ms = c->effective_ms;
    }
    VCH_TRY(put_contract(db, a, c->reason, c->effective_ms, now_ms));
    if (ends) {
        VCH_TRY(unbind(db, a, c->effective_ms, now_ms));
    }
    return c->op == VCH_NETSIM_TERMINATE
               ? record(db, c, VCH_NETSIM_EV_TERMINATED,
                        json_pack("{s:o}", "terminatedAt", vch_netsim_time_json(a->terminated_ms)),
                        now_ms)
               : record(db, c, VCH_NETSIM_EV_STATUS,
                        json_pack("{s:s, s:s, s:o}", "from", from_text, "to", to, "endDate",
                                  vch_netsim_time_json(a->end_ms)),
                        now_ms);
}

static vch_err change_binding(struct vch_netsim_db *db, int64_t now_ms,
                              const struct vch_netsim_change *c, struct vch_netsim_account *a)
{
    struct vch_netsim_ids old = a->ids;

    VCH_TRY(order_check(db, latest_binding, c));
    VCH_CHECK(strcmp(a->status, "terminated") != 0, NETSIM_STATE);
    VCH_CHECK(c->effective_ms <= now_ms, NETSIM_ARGUMENT);
    if (c->op == VCH_NETSIM_SWAP_DEVICE) {
        VCH_TRY(free_check(db, VCH_NETSIM_IMEI, c->ids.imei, now_ms));
        VCH_TRY(put_equipment(db, c->ids.imei, now_ms));
        memcpy(a->ids.imei, c->ids.imei, sizeof a->ids.imei);
        VCH_TRY(put_binding(db, a, c->effective_ms, now_ms));
        return record(db, c, VCH_NETSIM_EV_IMEI,
                      json_pack("{s:s, s:s}", "imei", a->ids.imei, "oldImei", old.imei), now_ms);
    }
    if (c->op == VCH_NETSIM_CHANGE_NUMBER) {
        VCH_TRY(free_check(db, VCH_NETSIM_MSISDN, c->ids.msisdn, now_ms));
        memcpy(a->ids.msisdn, c->ids.msisdn, sizeof a->ids.msisdn);
        VCH_TRY(put_binding(db, a, c->effective_ms, now_ms));
        return record(db, c, VCH_NETSIM_EV_SIM,
                      json_pack("{s:s, s:s}", "change", "number", "phoneNumber", a->ids.msisdn),
                      now_ms);
    }
    VCH_TRY(put_sim(db, &c->ids));
    memcpy(a->ids.iccid, c->ids.iccid, sizeof a->ids.iccid);
    VCH_TRY(put_binding(db, a, c->effective_ms, now_ms));
    return record(db, c, VCH_NETSIM_EV_SIM,
                  json_pack("{s:s, s:s}", "change", "sim", "iccid", a->ids.iccid), now_ms);
}

static vch_err change_area(struct vch_netsim_db *db, int64_t now_ms,
                           const struct vch_netsim_change *c)
{
    struct vch_netsim_q q;
    json_t *area = NULL;
    char *text = NULL;

    VCH_TRY(order_check(db, latest_area, c));
    if (c->text != NULL && c->text[0] != '\0') {
        area = json_loads(c->text, JSON_REJECT_DUPLICATES, NULL);
        text = json_is_object(area) ? vch_netsim_dump(area) : NULL;
        if (text == NULL || strlen(text) > VCH_NETSIM_AREA_MAX) {
            json_decref(area);
            vch_mem_free(text);
            return VCH_E(NETSIM_ARGUMENT);
        }
    }
    q = vch_netsim_q(db,
                     "INSERT INTO area(account, json, effective_ms, recorded_ms) VALUES(?,?,?,?)");
    vch_netsim_q_int(&q, c->account);
    vch_netsim_q_text(&q, text);
    vch_netsim_q_int(&q, c->effective_ms);
    vch_netsim_q_int(&q, now_ms);
    vch_mem_free(text);
    json_decref(area);
    VCH_TRY(vch_netsim_q_run(&q));
    return record(db, c, VCH_NETSIM_EV_AREA, json_object(), now_ms);
}

static vch_err change_consent(struct vch_netsim_db *db, int64_t now_ms,
                              const struct vch_netsim_change *c)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "INSERT INTO consent(account, client, granted_ms, revoked_ms)"
            " SELECT ?1, id, ?3, ?3 FROM client WHERE id = ?2"
            " ON CONFLICT(account, client) DO UPDATE SET revoked_ms = excluded.revoked_ms");

    vch_netsim_q_int(&q, c->account);
    vch_netsim_q_text(&q, c->text);
    vch_netsim_q_int(&q, now_ms);
    VCH_TRY(vch_netsim_q_run(&q));
    VCH_CHECK(vch_netsim_db_changes(db) == 1, NETSIM_ARGUMENT);
    return record(db, c, VCH_NETSIM_EV_CONSENT, json_object(), now_ms);
}

vch_err vch_netsim_usm_change(struct vch_netsim_db *db, int64_t now_ms,
                              const struct vch_netsim_change *c)
{
    struct vch_netsim_usm usm = vch_netsim_usm(db);
    struct vch_netsim_account a;

    VCH_CHECK(c->reason == NULL || (strlen(c->reason) <= VCH_NETSIM_REASON_MAX &&
                                    vch_utf8_check(vch_text(c->reason))),
              NETSIM_ARGUMENT);
    VCH_TRY(usm.read(usm.self, c->account, now_ms, &a));
    switch (c->op) {
    case VCH_NETSIM_TERMINATE:
    case VCH_NETSIM_SUSPEND:
    case VCH_NETSIM_RESUME:
    case VCH_NETSIM_RENEW:
    case VCH_NETSIM_EXPIRE:
        return change_contract(db, now_ms, c, &a);
    case VCH_NETSIM_SWAP_SIM:
    case VCH_NETSIM_SWAP_DEVICE:
    case VCH_NETSIM_CHANGE_NUMBER:
        return change_binding(db, now_ms, c, &a);
    case VCH_NETSIM_CHANGE_OWNER:
        VCH_TRY(order_check(db, latest_owner, c));
        VCH_TRY(put_owner(db, c->account, c->effective_ms, now_ms));
        return record(db, c, VCH_NETSIM_EV_OWNER, json_object(), now_ms);
    case VCH_NETSIM_RESTRICT_AREA:
        return change_area(db, now_ms, c);
    case VCH_NETSIM_REVOKE_CONSENT:
        return change_consent(db, now_ms, c);
    }
    return VCH_E(BUG);
}

vch_err vch_netsim_usm_add(struct vch_netsim_db *db, int64_t now_ms,
                           const struct vch_netsim_subscriber *s, int64_t *ret_account)
{
    struct vch_netsim_q q;
    struct vch_netsim_account a = {.ids = s->ids,
                                   .bind_status = "BOUND",
                                   .status = "active",
                                   .data_service = "active",
                                   .start_ms = s->start_ms,
                                   .end_ms = s->end_ms,
                                   .terminated_ms = VCH_NETSIM_NEVER,
                                   .since_ms = s->start_ms};

    VCH_CHECK(strlen(s->type) < sizeof a.type && strlen(s->segment) < sizeof a.segment &&
                  (s->end_ms == VCH_NETSIM_NEVER || s->end_ms > s->start_ms) &&
                  s->start_ms <= now_ms,
              NETSIM_ARGUMENT);
    vch_netsim_set(a.type, sizeof a.type, s->type);
    VCH_TRY(free_check(db, VCH_NETSIM_MSISDN, s->ids.msisdn, now_ms));
    VCH_TRY(free_check(db, VCH_NETSIM_IMEI, s->ids.imei, now_ms));
    q = vch_netsim_q(db, "INSERT INTO account(segment, created_ms) VALUES(?, ?)");
    vch_netsim_q_text(&q, s->segment);
    vch_netsim_q_int(&q, s->start_ms);
    VCH_TRY(vch_netsim_q_run(&q));
    a.id = vch_netsim_db_last_id(db);
    VCH_TRY(put_sim(db, &s->ids));
    VCH_TRY(put_equipment(db, s->ids.imei, now_ms));
    VCH_TRY(put_binding(db, &a, s->start_ms, now_ms));
    VCH_TRY(put_contract(db, &a, NULL, s->start_ms, now_ms));
    VCH_TRY(put_owner(db, a.id, s->start_ms, now_ms));
    *ret_account = a.id;
    return VCH_OK;
}

vch_err vch_netsim_usm_expire(struct vch_netsim_db *db, int64_t now_ms, size_t limit, size_t *ret_n)
{
    size_t n = 0;

    for (; n < limit; n++) {
        struct vch_netsim_q q = vch_netsim_q(
            db,
            "SELECT c.account, MAX(c.end_ms, c.effective_ms) FROM contract c WHERE c.end_ms <= ?1"
            " AND c.status <> 'terminated' AND c.id = (SELECT id FROM contract"
            " WHERE account = c.account ORDER BY effective_ms DESC, id DESC LIMIT 1) LIMIT 1");
        struct vch_netsim_change c = {.op = VCH_NETSIM_EXPIRE, .reason = "expired"};
        bool found;

        vch_netsim_q_int(&q, now_ms);
        found = vch_netsim_q_row(&q);
        if (found) {
            c.account = vch_netsim_q_get_int(&q, 0);
            c.effective_ms = vch_netsim_q_get_int(&q, 1);
        }
        VCH_TRY(vch_netsim_q_end(&q));
        if (!found) {
            break;
        }
        VCH_TRY(vch_netsim_usm_change(db, now_ms, &c));
    }
    *ret_n = n;
    return VCH_OK;
}
