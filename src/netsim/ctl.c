/* What the operator's staff do: make a database, change and show accounts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vouch/base/text.h>

#include "cef_int.h"
#include "operator.h"

#define DAY_MS 86400000LL

static vch_err number_set(struct vch_netsim_db *db, const char *key, uint64_t v)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    return vch_netsim_meta_set(db, key, text);
}

/* The next line of invented identifiers, never given before. */
static vch_err next_line(struct vch_netsim_db *db, const struct vch_conf_node *op,
                         struct vch_netsim_ids *ret)
{
    struct vch_netsim_numbering n;
    char text[24];
    uint64_t index = 0;

    VCH_TRY(vch_netsim_numbering_read(op, &n));
    VCH_TRY(vch_netsim_meta_get(db, "next_line", text, sizeof text));
    if (text[0] != '\0') {
        VCH_TRY(vch_u64_parse(vch_text(text), UINT64_MAX - 1, &index));
    }
    vch_netsim_line(&n, (uint64_t)vch_conf_int(op, "seed"), index, ret);
    return number_set(db, "next_line", index + 1);
}

static const char *segment_of(const struct vch_conf_node *op, size_t i)
{
    size_t n = vch_conf_count(op, "segments");

    return n == 0 ? "default" : vch_conf_text_at(op, "segments", i % n);
}

static vch_err fill(struct vch_netsim_db *db, const struct vch_conf_node *op)
{
    static const char *const types[] = {"Business", "PAYM", "PAYG"};
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    int64_t now = vch_netsim_machine_ms() + vch_conf_int(op, "clock-offset-ms");

    VCH_TRY(vch_netsim_tx_begin(&tx, db));
    VCH_TRY(vch_netsim_meta_set(db, "operator", vch_conf_text(op, "id")));
    for (size_t i = 0; i < (size_t)vch_conf_int(op, "subscribers"); i++) {
        /* contracts of up to four years that began within the last two, some of them open-ended */
        int64_t start = (now / DAY_MS - (int64_t)(i * 37 % 700) - 1) * DAY_MS;
        struct vch_netsim_subscriber s = {.segment = segment_of(op, i),
                                          .type = types[i % VCH_ARRAY_LEN(types)],
                                          .start_ms = start,
                                          .end_ms = i % 5 == 4 ? VCH_NETSIM_NEVER
                                                               : start + 1461 * DAY_MS};
        int64_t account;

        VCH_TRY(next_line(db, op, &s.ids));
        VCH_TRY(vch_netsim_usm_add(db, now, &s, &account));
    }
    return vch_netsim_tx_commit(&tx);
}

vch_err vch_netsim_init(const struct vch_conf_node *op)
{
    const char *path = vch_conf_text(op, "database");
    struct vch_netsim_db *db = NULL;
    vch_err e;

    VCH_TRY(vch_netsim_db_create(path, &db));
    e = fill(db, op);
    vch_netsim_db_close(db);
    if (!vch_ok(e)) {
        (void)unlink(path);
    }
    return e;
}

/* Database and account of an order, in a transaction. */
struct desk {
    const struct vch_conf_node *op;
    struct vch_netsim_db *db;
    struct vch_netsim_usm usm;
    int64_t now_ms;
};

static vch_err desk_open(const struct vch_conf_node *op, struct desk *ret)
{
    struct desk d = {.op = op,
                     .now_ms = vch_netsim_machine_ms() + vch_conf_int(op, "clock-offset-ms")};

    VCH_TRY(vch_netsim_db_open(vch_conf_text(op, "database"), &d.db));
    d.usm = vch_netsim_usm(d.db);
    *ret = d;
    return VCH_OK;
}

static void desk_close(struct desk *d)
{
    vch_netsim_db_close(d->db);
}

static vch_err account_of(const struct desk *d, enum vch_netsim_kind kind, const char *text,
                          int64_t *ret)
{
    char canonical[40];

    VCH_TRY(vch_netsim_canon(kind, text, canonical, sizeof canonical));
    return d->usm.find(d->usm.self, kind, canonical, d->now_ms, ret);
}

/* The new identifiers of a swap: those given, the others invented. */
static vch_err new_ids(const struct desk *d, const struct vch_netsim_order *o,
                       struct vch_netsim_change *c)
{
    if (o->op != VCH_NETSIM_SWAP_SIM && o->op != VCH_NETSIM_SWAP_DEVICE &&
        o->op != VCH_NETSIM_CHANGE_NUMBER) {
        return VCH_OK;
    }
    VCH_TRY(next_line(d->db, d->op, &c->ids));
    if (o->value == NULL) {
        return VCH_OK;
    }
    if (o->op == VCH_NETSIM_SWAP_SIM) {
        return vch_netsim_canon(VCH_NETSIM_ICCID, o->value, c->ids.iccid, sizeof c->ids.iccid);
    }
    return o->op == VCH_NETSIM_SWAP_DEVICE
               ? vch_netsim_canon(VCH_NETSIM_IMEI, o->value, c->ids.imei, sizeof c->ids.imei)
               : vch_netsim_canon(VCH_NETSIM_MSISDN, o->value, c->ids.msisdn, sizeof c->ids.msisdn);
}

vch_err vch_netsim_ctl_change(const struct vch_conf_node *op, const struct vch_netsim_order *o)
{
    VCH_AUTO(desk_close) struct desk d = {0};
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    struct vch_netsim_change c = {
        .op = o->op, .time_ms = o->time_ms, .text = o->value, .reason = o->reason};

    VCH_TRY(desk_open(op, &d));
    VCH_TRY(vch_netsim_tx_begin(&tx, d.db));
    VCH_TRY(account_of(&d, o->kind, o->text, &c.account));
    c.effective_ms = o->effective_ms == VCH_NETSIM_NEVER ? d.now_ms : o->effective_ms;
    VCH_TRY(new_ids(&d, o, &c));
    VCH_TRY(vch_netsim_usm_change(d.db, d.now_ms, &c));
    VCH_TRY(vch_netsim_tx_commit(&tx));
    vch_netsim_wake(vch_conf_text(op, "database"));
    return VCH_OK;
}

static json_t *show(const struct vch_netsim_account *a)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s}",
                     "account", (json_int_t)a->id, "segment", a->segment, "msisdn", a->ids.msisdn,
                     "iccid", a->ids.iccid, "eid", a->ids.eid, "imei", a->ids.imei, "status",
                     a->status, "type", a->type, "bindStatus", a->bind_status, "start",
                     vch_netsim_time_json(a->start_ms), "end", vch_netsim_time_json(a->end_ms),
                     "terminatedAt", vch_netsim_time_json(a->terminated_ms), "statusSince",
                     vch_netsim_time_json(a->since_ms), "area", a->area);
}

vch_err vch_netsim_ctl_add(const struct vch_conf_node *op, const char *segment, json_t **ret)
{
    VCH_AUTO(desk_close) struct desk d = {0};
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    struct vch_netsim_subscriber s = {.type = "Business", .end_ms = VCH_NETSIM_NEVER};
    struct vch_netsim_account a;
    int64_t account = 0;

    VCH_TRY(desk_open(op, &d));
    VCH_TRY(vch_netsim_tx_begin(&tx, d.db));
    VCH_TRY(next_line(d.db, op, &s.ids));
    s.segment = segment != NULL ? segment : segment_of(op, 0);
    s.start_ms = d.now_ms;
    VCH_TRY(vch_netsim_usm_add(d.db, d.now_ms, &s, &account));
    VCH_TRY(d.usm.read(d.usm.self, account, d.now_ms, &a));
    VCH_TRY(vch_netsim_tx_commit(&tx));
    *ret = show(&a);
    return VCH_OK;
}

vch_err vch_netsim_ctl_show(const struct vch_conf_node *op, enum vch_netsim_kind kind,
                            const char *text, json_t **ret)
{
    VCH_AUTO(desk_close) struct desk d = {0};
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    struct vch_netsim_account a;
    int64_t account = 0;

    VCH_TRY(desk_open(op, &d));
    VCH_TRY(vch_netsim_tx_begin(&tx, d.db));
    VCH_TRY(account_of(&d, kind, text, &account));
    VCH_TRY(d.usm.read(d.usm.self, account, d.now_ms, &a));
    *ret = show(&a);
    return VCH_OK;
}

vch_err vch_netsim_ctl_list(const struct vch_conf_node *op, int64_t after, unsigned limit,
                            json_t **ret)
{
    VCH_AUTO(desk_close) struct desk d = {0};
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    json_t *list = json_array();
    struct vch_netsim_q q;
    vch_err e = desk_open(op, &d);

    if (vch_ok(e)) {
        e = vch_netsim_tx_begin(&tx, d.db);
    }
    if (vch_ok(e)) {
        q = vch_netsim_q(d.db, "SELECT id FROM account WHERE id > ? ORDER BY id LIMIT ?");
        vch_netsim_q_int(&q, after);
        vch_netsim_q_int(&q, limit);
        while (vch_ok(e) && vch_netsim_q_row(&q)) {
            struct vch_netsim_account a;

            e = d.usm.read(d.usm.self, vch_netsim_q_get_int(&q, 0), d.now_ms, &a);
            if (vch_ok(e)) {
                json_array_append_new(list, show(&a));
            }
        }
        e = vch_ok(e) ? vch_netsim_q_end(&q) : e;
    }
    if (!vch_ok(e)) {
        json_decref(list);
        return e;
    }
    *ret = list;
    return VCH_OK;
}
