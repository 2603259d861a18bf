/* The further life of a lineage: what the account or an administrator makes of it. */
#include "data_int.h"

/* The newest endorsement, which must be the one that the vault believes to be. */
static vch_err latest(struct vch_as_data *d, const struct vch_as_row *row,
                      struct vch_as_record *ret, struct vch_stmt_endorsement *ret_e)
{
    struct vch_state_subject st;
    vch_err e = vch_as_chain_latest(&d->chain, row->subject, &st, ret, ret_e);

    VCH_CHECK(!vch_err_is(e, VCH_E(LEDGER_NO_ENTRY)), AS_LEDGER_MISMATCH);
    VCH_TRY(e);
    VCH_CHECK(vch_hash_equal(&st.latest, &row->latest), AS_LEDGER_MISMATCH);
    return VCH_OK;
}

struct change {
    const struct vch_as_row *row;
    const struct vch_as_state *was;
    const struct vch_as_verdict *verdict;
    const struct vch_as_network *net; /* NULL: on the word of an administrator */
};

static vch_err stage(struct vch_as_data *d, const struct change *ch, const struct vch_as_record *r,
                     const struct vch_stmt_endorsement *prev)
{
    struct vch_buf statement = vch_buf_init(VCH_LEDGER_STATEMENT_MAX);
    struct vch_as_openings openings = {.count = 0};
    struct vch_as_state after = *ch->was;
    struct draft dr = {.subject = ch->row->subject,
                       .action = ch->verdict->action,
                       .seq = prev->seq + 1,
                       .prev = &r->entry.txid,
                       .registration = prev->registration,
                       .account = ch->net != NULL ? ch->net->account : &ch->was->account,
                       .standing = ch->verdict->standing,
                       .reason = ch->verdict->reason,
                       .assurance = ch->was->assurance,
                       .effective_ms = ch->verdict->effective_ms,
                       .operator_id = ch->was->operator_id};
    struct vch_as_due due[VCH_AS_DUE_KINDS];
    struct vch_as_entry entry = {.account = &openings, .after = &after, .due = due};
    vch_err e;

    entry.due_n = vch_as_data_agenda(d, dr.action, dr.account, due);
    memcpy(dr.evidence.b, prev->evidence.p, sizeof dr.evidence.b);
    if (ch->net != NULL) {
        dr.evidence = ch->net->evidence;
        dr.has_notified = ch->net->hinted;
        dr.notified_ms = ch->net->hint_notified_ms;
        after.account = *ch->net->account;
        memset(&after.account.evidence, 0, sizeof after.account.evidence);
    }
    after.standing = ch->verdict->standing;
    after.broken = ch->verdict->broken;
    e = vch_as_data_endorse(d, &dr, &statement, &openings, &entry.txid);
    if (vch_ok(e)) {
        entry.endorsement = vch_buf_get(&statement);
        e = vch_as_vault_stage(d->o.vault, ch->row->subject, &entry);
    }
    vch_wipe(&after, sizeof after);
    vch_as_openings_fini(&openings);
    vch_buf_fini(&statement);
    return e;
}

/* req: Y.2247-7.2.2-16 (key, algorithms and identity are those of the entry before, bit for bit) */
static vch_err endorse_change(struct vch_as_data *d, const struct change *ch)
{
    struct vch_stmt_endorsement prev;
    struct vch_as_record r;
    vch_err e;

    vch_as_record_init(&r);
    e = latest(d, ch->row, &r, &prev);
    if (vch_ok(e)) {
        e = stage(d, ch, &r, &prev);
    }
    vch_as_record_fini(&r);
    VCH_TRY(e);
    return vch_as_data_settle_locked(d, ch->row->subject, NULL);
}

static vch_err ready(struct vch_as_data *d, const uint8_t subject[16], struct vch_as_row *row,
                     struct vch_as_state *st)
{
    vch_err e = vch_as_data_settle_locked(d, subject, NULL);

    VCH_TRY(vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e);
    return vch_as_vault_state(d->o.vault, subject, row, st);
}

/* Nothing to endorse: only the next look moves on. */
static vch_err look_again(struct vch_as_data *d, const uint8_t subject[16],
                          const struct vch_edi_status *account)
{
    struct vch_as_due due[VCH_AS_DUE_KINDS];
    size_t n = vch_as_data_agenda(d, VCH_ACTION_UPDATE, account, due);

    for (size_t i = 0; i < n; i++) {
        memcpy(due[i].subject, subject, sizeof due[i].subject);
        VCH_TRY(vch_as_vault_due_set(d->o.vault, &due[i]));
    }
    return VCH_OK;
}

static vch_err apply_locked(struct vch_as_data *d, const uint8_t subject[16],
                            const struct vch_as_network *net, struct vch_as_verdict *v)
{
    struct vch_as_row row;
    struct vch_as_state st;
    struct change ch = {&row, &st, v, net};
    struct vch_as_known known = {.account = &st.account};
    struct vch_as_seen seen = {.account = net->account,
                               .mismatched = net->mismatched,
                               .now_ms = vch_as_data_now_ms(d),
                               .hinted = net->hinted,
                               .hint_effective_ms = net->hint_effective_ms};
    vch_err e = ready(d, subject, &row, &st);

    if (vch_ok(e) && row.life != VCH_AS_LIVE) {
        *v = (struct vch_as_verdict){.changed = false, .standing = st.standing, .reason = ""};
        vch_wipe(&st, sizeof st);
        return VCH_OK;
    }
    if (vch_ok(e)) {
        known.standing = st.standing;
        known.broken = st.broken;
        known.ids = st.ids;
        vch_as_judge(&d->o.policy, &known, &seen, v);
        /* what was read before the last endorsement says nothing new */
        v->changed = v->changed && net->account->last_checked_ms >= st.account.last_checked_ms;
        e = v->changed ? endorse_change(d, &ch) : VCH_OK;
    }
    vch_wipe(&st, sizeof st);
    vch_wipe(&known, sizeof known);
    return vch_ok(e) && !v->changed ? look_again(d, subject, net->account) : e;
}

vch_err vch_as_data_apply(struct vch_as_data *d, const uint8_t subject[16],
                          const struct vch_as_network *net, struct vch_as_verdict *ret_verdict)
{
    struct vch_as_verdict v = {.action = VCH_ACTION_UPDATE};
    vch_err e;

    vch_as_data_lock(d, subject);
    e = apply_locked(d, subject, net, &v);
    vch_as_data_unlock(d, subject);
    VCH_TRY(e);
    *ret_verdict = v;
    return VCH_OK;
}

vch_err vch_as_data_retire_locked(struct vch_as_data *d, const uint8_t subject[16],
                                  const char *reason, int64_t effective_ms)
{
    struct vch_as_row row;
    struct vch_as_state st;
    struct vch_as_verdict v = {.changed = true,
                               .action = VCH_ACTION_RETIRE,
                               .standing = VCH_STANDING_ENDED,
                               .broken = true,
                               .reason = reason,
                               .effective_ms = effective_ms};
    struct change ch = {&row, &st, &v, NULL};
    vch_err e;

    VCH_TRY(ready(d, subject, &row, &st));
    e = row.life == VCH_AS_LIVE ? endorse_change(d, &ch) : VCH_OK;
    vch_wipe(&st, sizeof st);
    return e;
}

vch_err vch_as_data_retire(struct vch_as_data *d, const uint8_t subject[16], const char *reason,
                           int64_t effective_ms)
{
    vch_err e;

    vch_as_data_lock(d, subject);
    e = vch_as_data_retire_locked(d, subject, reason, effective_ms);
    vch_as_data_unlock(d, subject);
    return e;
}

vch_err vch_as_data_erase(struct vch_as_data *d, const uint8_t subject[16])
{
    vch_err e;

    vch_as_data_lock(d, subject);
    e = vch_as_data_retire_locked(d, subject, "erased", vch_as_data_now_ms(d));
    if (vch_ok(e) || vch_err_is(e, VCH_E(AS_ERASED))) {
        e = vch_as_vault_erase(d->o.vault, subject);
    }
    vch_as_data_unlock(d, subject);
    return e;
}
