/* From the USM's events to signed events of each client, in the order of the account's feed. */
#include <stdlib.h>

#include "cef_int.h"

#define TYPE_PREFIX "int.divs.account-status.v0."
#define TYP_EVENT   "divs-event+jws"

static vch_err next_seq(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                        char ret_ref[33], int64_t *ret_seq)
{
    struct vch_netsim_q q;

    VCH_TRY(vch_netsim_account_ref(cef, s->client, s->account, ret_ref));
    q = vch_netsim_q(cef->db, "UPDATE account_ref SET last_seq = last_seq + 1 WHERE client = ?"
                              " AND account = ? RETURNING last_seq");
    vch_netsim_q_text(&q, s->client);
    vch_netsim_q_int(&q, s->account);
    if (vch_netsim_q_row(&q)) {
        *ret_seq = vch_netsim_q_get_int(&q, 0);
        /* the statement is complete only after its last row */
        (void)vch_netsim_q_row(&q);
    }
    return vch_netsim_q_end(&q);
}

static vch_err event_store(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                           int64_t seq, const char *jws, int64_t now_ms)
{
    struct vch_netsim_q q =
        vch_netsim_q(cef->db, "INSERT INTO event(client, account, seq, subscription, jws, made_ms)"
                              " VALUES(?,?,?,?,?,?)");

    vch_netsim_q_text(&q, s->client);
    vch_netsim_q_int(&q, s->account);
    vch_netsim_q_int(&q, seq);
    vch_netsim_q_text(&q, s->id);
    vch_netsim_q_text(&q, jws);
    vch_netsim_q_int(&q, now_ms);
    VCH_TRY(vch_netsim_q_run(&q));
    q = vch_netsim_q(cef->db, "INSERT INTO outbox(event, subscription) VALUES(?, ?)");
    vch_netsim_q_int(&q, vch_netsim_db_last_id(cef->db));
    vch_netsim_q_text(&q, s->id);
    VCH_TRY(vch_netsim_q_run(&q));
    q = vch_netsim_q(cef->db,
                     "UPDATE subscription SET next_ms = COALESCE(next_ms, 0) WHERE id = ?");
    vch_netsim_q_text(&q, s->id);
    return vch_netsim_q_run(&q);
}

vch_err vch_netsim_event_make(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                              unsigned kind, int64_t effective_ms, int64_t now_ms, json_t *data)
{
    json_t *body = json_object(), *selector = json_loads(s->selector, 0, NULL);
    char ref[33], id[33], text[96];
    char *jws = NULL;
    int64_t seq = 0;
    vch_err e = next_seq(cef, s, ref, &seq);

    if (vch_ok(e)) {
        e = vch_netsim_random_id(cef, id);
    }
    if (vch_ok(e)) {
        (void)snprintf(text, sizeof text, "%s%s", TYPE_PREFIX, vch_netsim_event_name(kind));
        json_object_set_new(body, "specversion", json_string("1.0"));
        json_object_set_new(body, "id", json_string(id));
        json_object_set_new(body, "type", json_string(text));
        json_object_set_new(body, "source", json_sprintf("urn:divs:operator:%s", cef->operator_id));
        json_object_set_new(body, "time", vch_netsim_time_json(now_ms));
        json_object_set_new(body, "datacontenttype", json_string("application/json"));
        json_object_update(data, selector);
        json_object_set_new(data, "subscriptionId", json_string(s->id));
        json_object_set_new(data, "accountRef", json_string(ref));
        json_object_set_new(data, "seq", json_integer(seq));
        json_object_set_new(data, "effectiveAt", vch_netsim_time_json(effective_ms));
        json_object_set_new(data, "notifiedAt", vch_netsim_time_json(now_ms));
        json_object_set(body, "data", data);
        e = vch_netsim_sign(cef, TYP_EVENT, body, &jws);
    }
    if (vch_ok(e)) {
        e = event_store(cef, s, seq, jws, now_ms);
    }
    vch_mem_free(jws);
    json_decref(selector);
    json_decref(body);
    return e;
}

/* req: Y.2247-9.1-3 (the watch at the USM lives as long as somebody needs it) */
vch_err vch_netsim_unwatch_unneeded(const struct vch_netsim_cef *cef, int64_t account)
{
    struct vch_netsim_q q = vch_netsim_q(
        cef->db, "SELECT 1 FROM subscription WHERE account = ? AND status = 'ACTIVE' LIMIT 1");
    bool needed;

    vch_netsim_q_int(&q, account);
    needed = vch_netsim_q_row(&q);
    VCH_TRY(vch_netsim_q_end(&q));
    return needed ? VCH_OK : cef->usm.unwatch(cef->usm.self, account);
}

vch_err vch_netsim_sub_end(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                           const char *status, const char *reason, int64_t now_ms)
{
    struct vch_netsim_q q = vch_netsim_q(
        cef->db, "UPDATE subscription SET status = ?, version = version + 1 WHERE id = ?");
    json_t *data;
    vch_err e;

    vch_netsim_q_text(&q, status);
    vch_netsim_q_text(&q, s->id);
    VCH_TRY(vch_netsim_q_run(&q));
    data = json_pack("{s:s}", "terminationReason", reason);
    e = vch_netsim_event_make(cef, s, VCH_NETSIM_EV_ENDED, now_ms, now_ms, data);
    json_decref(data);
    VCH_TRY(e);
    return vch_netsim_unwatch_unneeded(cef, s->account);
}

/* A digest of the old IMEI that only who knows the account's reference and the IMEI can compare. */
static void old_imei(const struct vch_netsim_cef *cef, json_t *data, const char *ref)
{
    const char *imei = json_string_value(json_object_get(data, "oldImei"));
    struct vch_bytes parts[2];
    struct vch_hash h;
    char hex[2 * VCH_HASH_LEN + 1];

    if (imei != NULL) {
        parts[0] = vch_text(ref);
        parts[1] = vch_text(imei);
        vch_sha256_parts(cef->crypto, parts, 2, &h);
        json_object_set_new(data, "oldImeiHash",
                            json_string(vch_hex_encode(vch_hash_bytes(&h), VCH_SPAN_OF(hex))));
    }
    json_object_del(data, "oldImei");
}

/* What this client is told of the event beside the common members. */
static vch_err event_data(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                          const struct vch_netsim_usm_event *ev,
                          const struct vch_netsim_account *acc, json_t **ret)
{
    json_t *data = json_loads(ev->detail, 0, NULL);
    char ref[33];
    vch_err e = vch_netsim_account_ref(cef, s->client, s->account, ref);

    VCH_ASSERT(data != NULL);
    if ((cef->match_only & VCH_NETSIM_IMEI) != 0 || (cef->groups & VCH_NETSIM_G_BINDING) == 0) {
        json_object_del(data, "imei");
        json_object_del(data, "oldImei");
    }
    if ((cef->match_only & VCH_NETSIM_ICCID) != 0 || (cef->groups & VCH_NETSIM_G_BINDING) == 0) {
        json_object_del(data, "iccid");
    }
    if ((cef->match_only & VCH_NETSIM_MSISDN) != 0 || (cef->groups & VCH_NETSIM_G_BINDING) == 0) {
        json_object_del(data, "phoneNumber");
    }
    if (vch_ok(e)) {
        old_imei(cef, data, ref);
    }
    if (vch_ok(e) && ev->kind == VCH_NETSIM_EV_OWNER && (cef->groups & VCH_NETSIM_G_OWNER) != 0) {
        e = vch_netsim_owner_ref(cef, s->client, acc->customer, ref);
        json_object_set_new(data, "ownerRef", json_string(vch_ok(e) ? ref : ""));
    }
    if (ev->kind == VCH_NETSIM_EV_AREA && (cef->groups & VCH_NETSIM_G_AREA) != 0) {
        json_object_set_new(data, "area",
                            acc->area[0] == '\0' ? json_null() : json_loads(acc->area, 0, NULL));
    }
    if (!vch_ok(e)) {
        json_decref(data);
        return e;
    }
    *ret = data;
    return VCH_OK;
}

/* Counts the event against the subscription's limit. */
static vch_err use_up(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                      int64_t now_ms)
{
    struct vch_netsim_q q;

    if (s->events_max == 0) {
        return VCH_OK;
    }
    q = vch_netsim_q(cef->db, "UPDATE subscription SET events_left = events_left - 1 WHERE id = ?");
    vch_netsim_q_text(&q, s->id);
    VCH_TRY(vch_netsim_q_run(&q));
    return s->events_left > 1 ? VCH_OK
                              : vch_netsim_sub_end(cef, s, "EXPIRED", "MAX_EVENTS_REACHED", now_ms);
}

static vch_err tell(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                    const struct vch_netsim_usm_event *ev, int64_t now_ms)
{
    struct vch_netsim_account acc;
    json_t *data = NULL;
    vch_err e;

    if (ev->kind == VCH_NETSIM_EV_CONSENT) {
        return strcmp(ev->client, s->client) == 0
                   ? vch_netsim_sub_end(cef, s, "INACTIVE", "CONSENT_REVOKED", now_ms)
                   : VCH_OK;
    }
    VCH_TRY(cef->usm.read(cef->usm.self, s->account,
                          ev->effective_ms > now_ms ? ev->effective_ms : now_ms, &acc));
    e = vch_netsim_entitled(cef, s->client, &acc);
    if (vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
        return vch_netsim_sub_end(cef, s, "INACTIVE", "NETWORK_TERMINATED", now_ms);
    }
    VCH_TRY(e);
    VCH_TRY(event_data(cef, s, ev, &acc, &data));
    e = vch_netsim_event_make(cef, s, ev->kind, ev->effective_ms, now_ms, data);
    json_decref(data);
    VCH_TRY(e);
    return use_up(cef, s, now_ms);
}

/* req: Y.2247-9.1-3 (one watch, every client that subscribed) */
static vch_err fan_out_one(const struct vch_netsim_cef *cef, const struct vch_netsim_usm_event *ev,
                           int64_t now_ms)
{
    unsigned types = ev->kind == VCH_NETSIM_EV_CONSENT ? VCH_NETSIM_EV_ALL : ev->kind;
    char id[33] = "";

    for (;;) {
        struct vch_netsim_q q = vch_netsim_q(
            cef->db, "SELECT id FROM subscription WHERE account = ? AND status = 'ACTIVE'"
                     " AND (types & ?) <> 0 AND id > COALESCE(?, '') ORDER BY id LIMIT 1");
        struct vch_netsim_sub s;
        bool found;

        vch_netsim_q_int(&q, ev->account);
        vch_netsim_q_int(&q, types);
        vch_netsim_q_text(&q, id);
        found = vch_netsim_q_row(&q);
        if (found) {
            vch_netsim_q_copy(&q, 0, id, sizeof id);
        }
        VCH_TRY(vch_netsim_q_end(&q));
        if (!found) {
            return VCH_OK;
        }
        VCH_TRY(vch_netsim_sub_load(cef->db, id, &s));
        VCH_TRY(tell(cef, &s, ev, now_ms));
    }
}

vch_err vch_netsim_cef_fan_out(const struct vch_netsim_cef *cef, int64_t now_ms, size_t limit,
                               size_t *ret_n)
{
    char text[24];
    uint64_t read = 0;
    int64_t cursor;
    size_t n = 0;

    VCH_TRY(vch_netsim_meta_get(cef->db, "usm_cursor", text, sizeof text));
    if (text[0] != '\0') {
        VCH_TRY(vch_u64_parse(vch_text(text), INT64_MAX, &read));
    }
    cursor = (int64_t)read;
    for (; n < limit; n++) {
        struct vch_netsim_usm_event ev;
        vch_err e = cef->usm.next(cef->usm.self, cursor, &ev);
        json_t *number;

        if (vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
            break;
        }
        VCH_TRY(e);
        VCH_TRY(fan_out_one(cef, &ev, now_ms));
        cursor = ev.id;
        number = json_sprintf("%lld", (long long)cursor);
        e = vch_netsim_meta_set(cef->db, "usm_cursor", json_string_value(number));
        json_decref(number);
        VCH_TRY(e);
    }
    *ret_n = n;
    return VCH_OK;
}

vch_err vch_netsim_cef_expire(const struct vch_netsim_cef *cef, int64_t now_ms, size_t limit,
                              size_t *ret_n)
{
    size_t n = 0;

    for (; n < limit; n++) {
        struct vch_netsim_q q =
            vch_netsim_q(cef->db, "SELECT id FROM subscription WHERE status = 'ACTIVE'"
                                  " AND expires_ms <= ? LIMIT 1");
        struct vch_netsim_sub s;
        char id[33];
        bool found;

        vch_netsim_q_int(&q, now_ms);
        found = vch_netsim_q_row(&q);
        if (found) {
            vch_netsim_q_copy(&q, 0, id, sizeof id);
        }
        VCH_TRY(vch_netsim_q_end(&q));
        if (!found) {
            break;
        }
        VCH_TRY(vch_netsim_sub_load(cef->db, id, &s));
        VCH_TRY(vch_netsim_sub_end(cef, &s, "EXPIRED", "SUBSCRIPTION_EXPIRED", now_ms));
    }
    *ret_n = n;
    return VCH_OK;
}

vch_err vch_netsim_cef_events(const struct vch_netsim_cef *cef, const char *client, const char *ref,
                              uint64_t after_seq, unsigned limit, json_t **ret,
                              struct vch_netsim_fault *reterr)
{
    struct vch_netsim_q q = vch_netsim_q(
        cef->db, "SELECT account, last_seq FROM account_ref WHERE ref = ? AND client = ?");
    int64_t account = 0, last = 0;
    unsigned n = 0;
    json_t *list;
    bool more = false;
    vch_err e;

    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    vch_netsim_q_text(&q, ref);
    vch_netsim_q_text(&q, client);
    if (vch_netsim_q_row(&q)) {
        account = vch_netsim_q_get_int(&q, 0);
        last = vch_netsim_q_get_int(&q, 1);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    if (account == 0) {
        *reterr = vch_netsim_fault_of(VCH_E(NETSIM_UNKNOWN));
        return VCH_E(NETSIM_UNKNOWN);
    }
    q = vch_netsim_q(cef->db, "SELECT jws FROM event WHERE client = ? AND account = ? AND seq > ?"
                              " ORDER BY seq LIMIT ?");
    vch_netsim_q_text(&q, client);
    vch_netsim_q_int(&q, account);
    vch_netsim_q_int(&q, (int64_t)after_seq);
    vch_netsim_q_int(&q, (int64_t)limit + 1);
    list = json_array();
    while (vch_netsim_q_row(&q)) {
        more = n == limit;
        if (!more) {
            json_array_append_new(list, json_string(vch_netsim_q_get_text(&q, 0)));
            n++;
        }
    }
    e = vch_netsim_q_end(&q);
    if (!vch_ok(e)) {
        json_decref(list);
        return e;
    }
    *ret = json_pack("{s:s, s:o, s:I, s:b}", "accountRef", ref, "events", list, "lastSeq",
                     (json_int_t)last, "more", (int)more);
    return VCH_OK;
}
