/* Reading accounts again, and endorsing what changed.
 * req: Y.2247-7.2.2-12, Y.2247-7.2.2-13, Y.2247-7.2.2-14 */
#include "care.h"

#define RETRY_MS 30000

static void audit_change(struct vch_as *as, const uint8_t subject[16],
                         const struct vch_as_verdict *v)
{
    struct vch_field f[] = {VCH_F_HEX("subject", vch_bytes(subject, 16)),
                            VCH_F_STR("reason", v->reason), VCH_F_INT("standing", v->standing),
                            VCH_F_BOOL("retired", v->action == VCH_ACTION_RETIRE),
                            VCH_F_TIME("effective_at", ((struct vch_time){v->effective_ms}))};

    vch_as_audit(as, v->changed ? "account-changed" : "account-unchanged", f,
                 v->changed ? VCH_ARRAY_LEN(f) : 1);
}

vch_err vch_as_care_apply(struct vch_as *as, const uint8_t subject[16],
                          const struct operator_of *op, const struct vch_edi_ids *ids,
                          const struct vch_edi_status *status, const struct vch_as_hint *hint)
{
    struct vch_as_network net = {
        .operator_id = op->op.id, .account = status, .evidence = status->evidence_hash};
    struct vch_as_verdict v;

    VCH_TRY(vch_as_network_compare(op, ids, status, &net.mismatched));
    if (hint != NULL) {
        net.hinted = true;
        net.hint_effective_ms = hint->effective_ms;
        net.hint_notified_ms = hint->notified_ms;
    }
    VCH_TRY(vch_as_data_apply(as->data, subject, &net, &v));
    if (v.changed || hint != NULL) {
        audit_change(as, subject, &v);
    }
    return VCH_OK;
}

/* An answer that no endorsement may rest on, but that people have to see: once, not in a loop. */
static bool is_for_people(vch_err e)
{
    return vch_err_is(e, VCH_E(EDI_UNKNOWN)) || vch_err_is(e, VCH_E(EDI_CONTRADICTION)) ||
           vch_err_is(e, VCH_E(EDI_IDENTITY)) || vch_err_is(e, VCH_E(EDI_EVIDENCE));
}

static vch_err read_live(struct vch_as *as, const uint8_t subject[16],
                         const struct vch_as_state *st, const struct vch_as_hint *hint)
{
    const struct operator_of *op = vch_as_operator_by_id(as, st->operator_id);
    struct vch_edi_selector sel = vch_as_selector(VCH_EDI_ACCOUNT, st->account.account_ref);
    struct vch_edi_status status;
    vch_err e;

    if (op == NULL) {
        vch_as_alarm(as, "operator-not-configured", subject, VCH_E(AS_OPTIONS));
        return VCH_OK;
    }
    memset(&status, 0, sizeof status);
    vch_counter_add(op->asked, 1);
    e = op->op.cef->retrieve(op->op.self, &sel, VCH_EDI_F_ALL, &status);
    if (vch_ok(e)) {
        e = vch_as_care_apply(as, subject, op, &st->ids, &status, hint);
    }
    vch_edi_status_fini(&status);
    vch_wipe(&status, sizeof status);
    if (is_for_people(e)) {
        vch_as_alarm(as, "account-not-readable", subject, e);
        return VCH_OK;
    }
    return e;
}

vch_err vch_as_care_read(struct vch_as *as, const uint8_t subject[16],
                         const struct vch_as_hint *hint)
{
    struct vch_as_state st;
    struct vch_as_row row;
    vch_err e = vch_as_vault_state(as->o.vault, subject, &row, &st);

    if (vch_err_kind(e) == VCH_KIND_MISSING || (vch_ok(e) && row.life == VCH_AS_RETIRED)) {
        vch_wipe(&st, sizeof st);
        return VCH_OK; /* erased or ended meanwhile */
    }
    VCH_TRY(e);
    e = read_live(as, subject, &st, hint);
    vch_wipe(&st, sizeof st);
    return e;
}

/* Events that never arrived are fetched: what they were counts for the audit log, and their kinds
 * must be known; what they say is read from the account. */
static vch_err pull_missed(struct vch_as *as, const struct job *j)
{
    const struct operator_of *op;
    struct vch_edi_event *ev;
    struct vch_as_state st;
    struct vch_as_row row;
    size_t n = 0;
    bool more;
    vch_err e;

    VCH_TRY(vch_as_vault_state(as->o.vault, j->subjects[0], &row, &st));
    op = vch_as_operator_by_id(as, st.operator_id);
    if (op == NULL) {
        return VCH_OK;
    }
    ev = vch_mem_alloc(VCH_EDI_EVENTS_MAX * sizeof *ev);
    e = op->op.cef->events_after(op->op.self, st.account.account_ref, j->hint.from_seq, ev,
                                 VCH_EDI_EVENTS_MAX, &n, &more);
    if (vch_ok(e)) {
        struct vch_field f[] = {VCH_F_HEX("subject", vch_bytes(j->subjects[0], 16)),
                                VCH_F_UINT("from", j->hint.from_seq), VCH_F_UINT("events", n)};

        vch_as_audit(as, "events-pulled", f, VCH_ARRAY_LEN(f));
        for (size_t i = 0; i < n; i++) {
            if (ev[i].type == 0) {
                vch_as_alarm(as, "notification-unknown-type", j->subjects[0],
                             VCH_E(EDI_EVENT_TYPE));
            }
            vch_edi_event_fini(&ev[i]);
        }
    }
    vch_mem_free(ev);
    vch_wipe(&st, sizeof st);
    return e;
}

vch_err vch_as_care_hint(struct vch_as *as, const struct job *j)
{
    if (j->hint.seq > j->hint.from_seq + 1) {
        vch_err e = pull_missed(as, j);

        if (!vch_ok(e) && !is_for_people(e) && vch_err_kind(e) != VCH_KIND_MISSING) {
            return e;
        }
    }
    VCH_TRY(vch_as_care_read(as, j->subjects[0], &j->hint));
    return vch_as_vault_hint_done(as->o.vault, j->subjects[0], j->hint.number);
}

/* ---- the sweep: many accounts in one call */
struct sweep {
    struct vch_as_state *states; /* of those still to be read */
    uint8_t (*subjects)[16];
    size_t n;
};

static void later(struct vch_as *as, const uint8_t subject[16], int64_t delay_ms)
{
    struct vch_as_due due = {.kind = VCH_AS_DUE_CHECK,
                             .at_ms = delay_ms == 0 ? 0 : vch_as_now_ms(as) + delay_ms};

    memcpy(due.subject, subject, sizeof due.subject);
    vch_ignore(vch_as_vault_due_set(as->o.vault, &due));
}

static int64_t sweep_ms(const struct vch_as *as)
{
    return as->o.check_every_s == UINT32_MAX ? 0 : (int64_t)as->o.check_every_s * 1000;
}

/* Those of one operator. Where its answer cannot be used, the account is read again later. */
static void sweep_operator(struct vch_as *as, const struct operator_of *op, struct sweep *s,
                           const size_t *who, size_t n)
{
    struct vch_edi_selector *sels = vch_mem_alloc(n * sizeof *sels);
    struct vch_edi_status *status = vch_mem_alloc(n * sizeof *status);
    vch_err *errs = vch_mem_alloc(n * sizeof *errs);
    vch_err all;

    for (size_t i = 0; i < n; i++) {
        sels[i] = vch_as_selector(VCH_EDI_ACCOUNT, s->states[who[i]].account.account_ref);
    }
    vch_counter_add(op->asked, n);
    all = op->op.cef->retrieve_batch(op->op.self, sels, n, VCH_EDI_F_ALL, errs, status);
    if (!vch_ok(all)) {
        vch_counter_add(op->unreachable, 1);
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *subject = s->subjects[who[i]];
        vch_err e = vch_ok(all) ? errs[i] : all;

        if (vch_ok(e)) {
            e = vch_as_care_apply(as, subject, op, &s->states[who[i]].ids, &status[i], NULL);
            vch_edi_status_fini(&status[i]);
        }
        if (is_for_people(e)) {
            vch_as_alarm(as, "account-not-readable", subject, e);
            later(as, subject, sweep_ms(as));
        } else if (!vch_ok(e)) {
            later(as, subject, RETRY_MS);
        }
    }
    vch_mem_free(sels);
    vch_mem_free(status);
    vch_mem_free(errs);
}

static void sweep_groups(struct vch_as *as, struct sweep *s)
{
    size_t who[CARE_BATCH];

    for (size_t o = 0; o < as->o.operator_count; o++) {
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++) {
            if (strcmp(s->states[i].operator_id, as->operators[o].op.id) == 0) {
                who[n++] = i;
            }
        }
        if (n != 0) {
            sweep_operator(as, &as->operators[o], s, who, n);
        }
    }
}

/* The agenda entry goes away or moves on for every subject, whatever becomes of it. */
vch_err vch_as_care_check(struct vch_as *as, const struct job *j)
{
    struct sweep s = {.states = vch_mem_alloc(j->count * sizeof *s.states),
                      .subjects = vch_mem_alloc(j->count * sizeof *s.subjects)};
    struct vch_as_row row;

    for (size_t i = 0; i < j->count; i++) {
        vch_err e = vch_as_vault_state(as->o.vault, j->subjects[i], &row, &s.states[s.n]);

        if (vch_ok(e) && row.life == VCH_AS_LIVE &&
            vch_as_operator_by_id(as, s.states[s.n].operator_id) != NULL) {
            memcpy(s.subjects[s.n++], j->subjects[i], 16);
            later(as, j->subjects[i], sweep_ms(as) != 0 ? sweep_ms(as) : RETRY_MS * 1000);
        } else {
            later(as, j->subjects[i], vch_ok(e) && row.life == VCH_AS_PENDING ? RETRY_MS : 0);
        }
    }
    sweep_groups(as, &s);
    vch_wipe(s.states, j->count * sizeof *s.states);
    vch_mem_free(s.states);
    vch_mem_free(s.subjects);
    return VCH_OK;
}
