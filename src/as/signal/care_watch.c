/* Event subscriptions at operators: made, renewed, cancelled. */
#include "care.h"

#define RENEW_BEFORE_MS ((int64_t)3600 * 1000) /* or half of the life, if that is less */
#define LIST_PAGE       32

static vch_err next_watch(struct vch_as *as, const uint8_t subject[16], int64_t at_ms)
{
    struct vch_as_due due = {.kind = VCH_AS_DUE_WATCH, .at_ms = at_ms};

    memcpy(due.subject, subject, sizeof due.subject);
    return vch_as_vault_due_set(as->o.vault, &due);
}

static int64_t renew_at(const struct vch_as *as, const struct vch_edi_sub *sub)
{
    int64_t now_ms = vch_as_now_ms(as), left_ms;

    if (sub->expires.p != VCH_EDI_GIVEN) {
        return 0;
    }
    left_ms = sub->expires.ms - now_ms;
    return now_ms + (left_ms / 2 > RENEW_BEFORE_MS ? left_ms - RENEW_BEFORE_MS : left_ms / 2) + 1;
}

/* Events between our reading of the account and the beginning of the subscription reach nobody: if
 * there were any, the account is read again. */
static vch_err catch_up(struct vch_as *as, const struct operator_of *op, const uint8_t subject[16],
                        const struct vch_as_state *st, const struct vch_edi_sub *sub)
{
    struct vch_edi_event ev;
    size_t n = 0;
    bool more, missed = true;
    vch_err e;

    VCH_TRY(vch_as_vault_seq_raise(as->o.vault, subject, sub->last_seq));
    if (sub->last_seq == 0) {
        return VCH_OK;
    }
    memset(&ev, 0, sizeof ev);
    e = op->op.cef->events_after(op->op.self, st->account.account_ref, sub->last_seq - 1, &ev, 1,
                                 &n, &more);
    if (vch_ok(e) && n == 1) {
        missed = ev.notified_at_ms >= st->account.last_checked_ms;
        vch_edi_event_fini(&ev);
    }
    return missed ? vch_as_care_read(as, subject, NULL) : VCH_OK;
}

static void audit_watch(struct vch_as *as, const char *event, const struct operator_of *op,
                        const uint8_t subject[16])
{
    struct vch_field f[] = {VCH_F_HEX("subject", vch_bytes(subject, 16)),
                            VCH_F_STR("operator", op->op.id)};

    vch_as_audit(as, event, f, VCH_ARRAY_LEN(f));
}

static vch_err keep(struct vch_as *as, const struct operator_of *op, const uint8_t subject[16],
                    const struct vch_as_state *st, const struct vch_edi_sub *sub)
{
    int64_t expires_ms = sub->expires.p == VCH_EDI_GIVEN ? sub->expires.ms : 0;

    VCH_TRY(vch_as_data_sub_set(as->data, subject, sub->id, expires_ms));
    audit_watch(as, "subscribed", op, subject);
    VCH_TRY(catch_up(as, op, subject, st, sub));
    return next_watch(as, subject, renew_at(as, sub));
}

/* An earlier lineage of the account, or an answer that got lost, left a subscription: it is taken
 * over. */
static vch_err adopt(struct vch_as *as, const struct operator_of *op, const uint8_t subject[16],
                     const struct vch_as_state *st, const char *sink)
{
    struct vch_edi_sub *page = vch_mem_alloc(LIST_PAGE * sizeof *page), sub;
    struct vch_edi_sub_change ch = {
        .types = VCH_EDI_EV_ALL,
        .sink = sink,
        .expires = {VCH_EDI_GIVEN, vch_as_now_ms(as) + (int64_t)as->o.sub_life_s * 1000}};
    char after[VCH_EDI_REF_MAX + 1] = "";
    bool more = true, found = false;
    vch_err e = VCH_OK;
    size_t n;

    while (vch_ok(e) && more && !found) {
        n = 0;
        e = op->op.cef->list(op->op.self, after, page, LIST_PAGE, &n, &more);
        for (size_t i = 0; vch_ok(e) && i < n && !found; i++) {
            (void)memcpy(after, page[i].id, sizeof after);
            found = strcmp(page[i].account_ref, st->account.account_ref) == 0;
            sub = page[i];
        }
        more = more && n != 0;
    }
    vch_mem_free(page);
    VCH_TRY(e);
    VCH_CHECK(found, EDI_ANSWER);
    VCH_TRY(op->op.cef->modify(op->op.self, sub.id, sub.version, &ch, &sub));
    return keep(as, op, subject, st, &sub);
}

static vch_err subscribe(struct vch_as *as, const struct operator_of *op, const uint8_t subject[16],
                         const struct vch_as_state *st)
{
    char sink[VCH_EDI_URL_MAX + 1];
    struct vch_edi_sub_request rq = {
        .account = vch_as_selector(VCH_EDI_ACCOUNT, st->account.account_ref),
        .types = VCH_EDI_EV_ALL,
        .sink = sink,
        .expires_ms = vch_as_now_ms(as) + (int64_t)as->o.sub_life_s * 1000};
    struct vch_edi_sub sub;
    vch_err e;

    VCH_TRY(vch_as_sink_url(as, (size_t)(op - as->operators), VCH_SPAN_OF(sink)));
    e = op->op.cef->subscribe(op->op.self, &rq, &sub);
    if (vch_err_is(e, VCH_E(EDI_DUPLICATE))) {
        return adopt(as, op, subject, st, sink);
    }
    VCH_TRY(e);
    return keep(as, op, subject, st, &sub);
}

static vch_err renew(struct vch_as *as, const struct operator_of *op, const uint8_t subject[16],
                     const struct vch_as_state *st)
{
    struct vch_edi_sub_change ch = {
        .expires = {VCH_EDI_GIVEN, vch_as_now_ms(as) + (int64_t)as->o.sub_life_s * 1000}};
    struct vch_edi_sub sub;
    vch_err e = op->op.cef->sub_get(op->op.self, st->sub_id, &sub);

    if (vch_ok(e) && sub.state == VCH_EDI_SUB_ACTIVE) {
        e = op->op.cef->modify(op->op.self, st->sub_id, sub.version, &ch, &sub);
    } else if (vch_ok(e)) {
        e = VCH_E(EDI_SUBSCRIPTION);
    }
    if (vch_err_is(e, VCH_E(EDI_SUBSCRIPTION))) {
        VCH_TRY(vch_as_data_sub_set(as->data, subject, "", 0));
        return subscribe(as, op, subject, st);
    }
    VCH_TRY(e);
    VCH_TRY(vch_as_data_sub_set(as->data, subject, sub.id,
                                sub.expires.p == VCH_EDI_GIVEN ? sub.expires.ms : 0));
    return next_watch(as, subject, renew_at(as, &sub));
}

static vch_err cancel(struct vch_as *as, const struct operator_of *op, const uint8_t subject[16],
                      const struct vch_as_state *st)
{
    vch_err e = st->sub_id[0] == '\0' ? VCH_OK : op->op.cef->cancel(op->op.self, st->sub_id);

    VCH_TRY(vch_err_is(e, VCH_E(EDI_SUBSCRIPTION)) ? VCH_OK : e);
    VCH_TRY(vch_as_data_sub_set(as->data, subject, "", 0));
    audit_watch(as, "unsubscribed", op, subject);
    return next_watch(as, subject, 0);
}

static vch_err watch(struct vch_as *as, const struct vch_as_row *row, const struct vch_as_state *st)
{
    const struct operator_of *op = vch_as_operator_by_id(as, st->operator_id);
    vch_err e;

    if (op == NULL) {
        vch_as_alarm(as, "operator-not-configured", row->subject, VCH_E(AS_OPTIONS));
        return next_watch(as, row->subject, 0);
    }
    if (row->life == VCH_AS_RETIRED) {
        e = cancel(as, op, row->subject, st);
    } else if (st->sub_id[0] == '\0') {
        e = subscribe(as, op, row->subject, st);
    } else {
        e = renew(as, op, row->subject, st);
    }
    if (vch_err_is(e, VCH_E(EDI_UNKNOWN))) {
        vch_as_alarm(as, "account-not-watchable", row->subject, e);
        return next_watch(as, row->subject, vch_as_now_ms(as) + 3600 * 1000);
    }
    return e;
}

vch_err vch_as_care_watch(struct vch_as *as, const uint8_t subject[16])
{
    struct vch_as_state st;
    struct vch_as_row row;
    vch_err e = vch_as_vault_state(as->o.vault, subject, &row, &st);

    if (vch_err_kind(e) == VCH_KIND_MISSING) {
        return next_watch(as, subject, 0);
    }
    VCH_TRY(e);
    e = row.life == VCH_AS_PENDING ? VCH_E(AS_PENDING) : watch(as, &row, &st);
    vch_wipe(&st, sizeof st);
    return e;
}
