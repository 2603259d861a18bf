/* RP-edi: notifications of operators (Y.2247 clauses 7.2.2 and 8.4). A notification is a hint:
 * checked, written down, acknowledged; what it is about is then read from the operator. req:
 * Y.2247-7.2.2-15 */
#include "as_int.h"

struct finding {
    struct vch_as *as;
    const struct operator_of *op;
    uint8_t subject[16];
    bool found;
};

/* The lineage of a subscription. */
static vch_err find(void *user, const char *subscription_id, struct vch_edi_known *ret)
{
    struct finding *f = user;
    struct vch_as_state st;
    struct vch_as_row row;
    vch_err e = vch_as_vault_by_sub(f->as->o.vault, f->op->op.id, subscription_id, f->subject);

    if (vch_ok(e)) {
        e = vch_as_vault_state(f->as->o.vault, f->subject, &row, &st);
    }
    if (vch_err_kind(e) == VCH_KIND_MISSING) {
        return VCH_E(EDI_EVENT_UNKNOWN);
    }
    VCH_TRY(e);
    f->found = true;
    memset(ret, 0, sizeof *ret);
    (void)memcpy(ret->account_ref, st.account.account_ref, sizeof ret->account_ref);
    ret->types = VCH_EDI_EV_ALL;
    vch_wipe(&st, sizeof st);
    VCH_CHECK(row.life == VCH_AS_LIVE, EDI_EVENT_UNKNOWN);
    return vch_as_vault_seq_get(f->as->o.vault, f->subject, &ret->last_seq);
}

/* Does the identity in the event lead to this lineage and to no other that is in force? */
static vch_err identity_leads(struct vch_as *as, const struct finding *f, enum vch_disc_key kind,
                              const char *text, bool *ret_clear)
{
    uint8_t found[16][16];
    struct vch_as_row row;
    size_t n = 0;

    if (text[0] == '\0') {
        return VCH_OK;
    }
    VCH_TRY(vch_as_vault_by_identity(as->o.vault, kind, vch_text(text), found, 16, &n));
    for (size_t i = 0; i < n; i++) {
        VCH_TRY(vch_as_vault_row(as->o.vault, found[i], &row));
        if (row.life == VCH_AS_LIVE && memcmp(found[i], f->subject, 16) != 0) {
            *ret_clear = false;
        }
    }
    return VCH_OK;
}

static vch_err identity_clear(struct vch_as *as, const struct finding *f,
                              const struct vch_edi_event *ev, bool *ret)
{
    bool clear = true;

    VCH_TRY(identity_leads(as, f, VCH_DISC_MSISDN, ev->ids.msisdn, &clear));
    VCH_TRY(identity_leads(as, f, VCH_DISC_ICCID, ev->ids.iccid, &clear));
    VCH_TRY(identity_leads(as, f, VCH_DISC_EID, ev->ids.eid, &clear));
    VCH_TRY(identity_leads(as, f, VCH_DISC_IMEI, ev->ids.imei, &clear));
    *ret = clear;
    return VCH_OK;
}

static void audit_event(struct call *c, const char *event, const struct vch_edi_event *ev)
{
    struct vch_field f[] = {VCH_F_HEX("subject", VCH_BYTES_OF(c->subject)),
                            VCH_F_STR("type", vch_edi_event_name(ev->type)),
                            VCH_F_UINT("seq", ev->seq), VCH_F_STR("event_id", ev->id)};

    vch_as_audit(c->as, event, f, VCH_ARRAY_LEN(f));
}

static vch_err ended(struct call *c, const struct finding *f, const struct vch_edi_event *ev)
{
    vch_err e = vch_as_data_sub_set(c->as->data, f->subject, "", 0);
    struct vch_as_due due = {.at_ms = c->now_ms, .kind = VCH_AS_DUE_WATCH};

    audit_event(c, "subscription-ended", ev);
    VCH_TRY(e);
    memcpy(due.subject, f->subject, sizeof due.subject);
    VCH_TRY(vch_as_vault_due_set(c->as->o.vault, &due));
    due.kind = VCH_AS_DUE_CHECK; /* what was it ended for? */
    return vch_as_vault_due_set(c->as->o.vault, &due);
}

/* Durable before it is acknowledged. */
static vch_err accept(struct call *c, const struct finding *f, const struct vch_edi_event *ev)
{
    struct vch_as_hint h = {
        .seq = ev->seq, .effective_ms = ev->effective_at_ms, .notified_ms = ev->notified_at_ms};
    bool clear;
    vch_err e;

    VCH_TRY(identity_clear(c->as, f, ev, &clear));
    if (!clear) {
        vch_as_alarm(c->as, "notification-ambiguous", f->subject, VCH_E(EDI_IDENTITY));
        return vch_as_vault_seq_raise(c->as->o.vault, f->subject, ev->seq);
    }
    if (ev->type == VCH_EDI_EV_SUBSCRIPTION_ENDED) {
        return ended(c, f, ev);
    }
    if (ev->type == 0) {
        /* req: Y.2247-7.2.2-14 (an unknown kind of change is put to people, not dropped) */
        vch_as_alarm(c->as, "notification-unknown-type", f->subject, VCH_E(EDI_EVENT_TYPE));
    }
    memcpy(h.subject, f->subject, sizeof h.subject);
    e = vch_as_vault_hint_add(c->as->o.vault, &h);
    if (vch_err_is(e, VCH_E(EXISTS))) {
        return VCH_E(EDI_EVENT_REPLAY);
    }
    VCH_TRY(e);
    audit_event(c, "notified", ev);
    vch_counter_add(c->as->notified, 1);
    return VCH_OK;
}

static const struct operator_of *by_token(struct vch_as *as, const char *token)
{
    const struct operator_of *found = NULL;

    for (size_t i = 0; i < as->o.operator_count; i++) {
        if (vch_equal_ct(vch_text(token), vch_text(as->operators[i].sink_token))) {
            found = &as->operators[i];
        }
    }
    return found;
}

/* POST /rp-edi/v1/notifications/{token} */
static vch_err notifications(struct call *c)
{
    const char *jws = vch_http_header(c->rq, "x-jws");
    struct finding f = {.as = c->as, .op = by_token(c->as, vch_http_param(c->rq, "token"))};
    struct vch_edi_event ev;
    bool gap = false;
    vch_err e;

    VCH_CHECK(f.op != NULL, HTTP_NOT_FOUND);
    memset(&ev, 0, sizeof ev);
    e = f.op->op.cef->event_verify(f.op->op.self, c->rq->body, jws == NULL ? "" : jws, find, &f,
                                   &ev, &gap);
    if (f.found) {
        vch_as_call_subject(c, f.subject);
    }
    if (vch_ok(e)) {
        e = accept(c, &f, &ev);
    }
    vch_edi_event_fini(&ev);
    if (vch_err_is(e, VCH_E(EDI_EVENT_REPLAY))) {
        struct vch_field field = VCH_F_HEX("subject", VCH_BYTES_OF(c->subject));

        vch_as_audit(c->as, "notification-repeated", &field, 1);
        e = VCH_OK;
    }
    VCH_TRY(e);
    vch_as_care_wake(c->as->care);
    vch_http_reply_status(c->rs, 204);
    return VCH_OK;
}

const struct route vch_as_routes_edi[] = {
    {VCH_HTTP_POST, "/rp-edi/v1/notifications/{token}",
     "application/cloudevents+json, application/json", 65536, VCH_AS_POINT_EDI, VCH_AS_OP_NOTIFY,
     notifications},
};
const size_t vch_as_routes_edi_n = VCH_ARRAY_LEN(vch_as_routes_edi);
