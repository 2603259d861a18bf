/* A new lineage: the first endorsement of a device's key. */
#include "data_int.h"

#include <vouch/cose/key.h>

/* The record of a lineage's first endorsement, which for one content never changes. */
static vch_err first_record(struct vch_as_data *d, const uint8_t subject[16],
                            const struct vch_hash *txid, struct vch_as_record *ret)
{
    vch_err e;

    vch_as_data_lock(d, subject);
    e = vch_as_data_settle_locked(d, subject, NULL);
    vch_as_data_unlock(d, subject);
    VCH_TRY(vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e);
    e = vch_as_chain_read(&d->chain, txid, ret);
    return vch_err_is(e, VCH_E(LEDGER_NO_ENTRY)) ? VCH_E(AS_LEDGER_MISMATCH) : e;
}

vch_err vch_as_data_resend(struct vch_as_data *d, const struct vch_hash *content,
                           struct vch_as_record *ret)
{
    uint8_t subject[16];
    struct vch_hash txid;

    VCH_TRY(vch_as_vault_by_content(d->o.vault, content, subject, &txid));
    return first_record(d, subject, &txid, ret);
}

/* What will be known of the device once it is registered. */
static vch_err state_make(const struct vch_as_candidate *c, const struct vch_as_network *net,
                          struct vch_as_state *ret)
{
    memset(ret, 0, sizeof *ret);
    VCH_CHECK(strlen(net->operator_id) <= VCH_NAME_MAX, AS_OPTIONS);
    ret->ids = c->ids;
    (void)memcpy(ret->operator_id, net->operator_id, strlen(net->operator_id) + 1);
    ret->assurance = c->assurance;
    ret->standing = VCH_STANDING_GOOD;
    ret->account = *net->account;
    memset(&ret->account.evidence, 0, sizeof ret->account.evidence);
    return VCH_OK;
}

static vch_err add(struct vch_as_data *d, const struct vch_as_candidate *c,
                   const struct vch_as_network *net, const struct vch_as_row *row,
                   uint8_t holder[16])
{
    struct vch_buf statement = vch_buf_init(VCH_LEDGER_STATEMENT_MAX);
    struct vch_as_openings openings = {.count = 0};
    struct vch_as_state after;
    struct draft dr = {.subject = row->subject,
                       .action = VCH_ACTION_REGISTER,
                       .registration = c->reg->st.whole,
                       .account = net->account,
                       .standing = VCH_STANDING_GOOD,
                       .reason = "registered",
                       .assurance = c->assurance,
                       .evidence = net->evidence,
                       .effective_ms = net->account->last_checked_ms,
                       .operator_id = net->operator_id};
    struct vch_as_due due[VCH_AS_DUE_KINDS];
    struct vch_as_entry entry = {.account = &openings, .after = &after, .due = due};
    vch_err e = state_make(c, net, &after);

    entry.due_n = vch_as_data_agenda(d, VCH_ACTION_REGISTER, net->account, due);
    if (vch_ok(e)) {
        e = vch_as_data_endorse(d, &dr, &statement, &openings, &entry.txid);
    }
    if (vch_ok(e)) {
        entry.endorsement = vch_buf_get(&statement);
        e = vch_as_vault_add(d->o.vault, row, &c->content, c->openings, c->opening_count, &entry,
                             holder);
    }
    vch_wipe(&after, sizeof after);
    vch_as_openings_fini(&openings);
    vch_buf_fini(&statement);
    return e;
}

/* Another lineage has the identity: may it be taken over? Then that one is ended first. */
static vch_err take_over(struct vch_as_data *d, const uint8_t holder[16])
{
    struct vch_as_state st;
    struct vch_as_row row;
    bool may = d->o.replace == VCH_AS_REPLACE_ALWAYS;
    vch_err e;

    VCH_TRY(vch_as_vault_state(d->o.vault, holder, &row, &st));
    if (d->o.replace == VCH_AS_REPLACE_NOT_GOOD) {
        may = st.standing != VCH_STANDING_GOOD;
    }
    vch_wipe(&st, sizeof st);
    VCH_CHECK(may && row.life == VCH_AS_LIVE, AS_IDENTITY_HELD);
    vch_as_data_lock(d, holder);
    e = vch_as_data_retire_locked(d, holder, "registered-anew", vch_as_data_now_ms(d));
    vch_as_data_unlock(d, holder);
    return e;
}

/* With the new subject locked: from nothing to a record. */
static vch_err begin(struct vch_as_data *d, const struct vch_as_candidate *c,
                     const struct vch_as_network *net, const struct vch_as_row *row,
                     struct vch_as_record *ret, uint8_t holder[16])
{
    vch_err e;

    vch_as_data_lock(d, row->subject);
    e = add(d, c, net, row, holder);
    if (vch_ok(e)) {
        e = vch_as_data_settle_locked(d, row->subject, ret);
    }
    vch_as_data_unlock(d, row->subject);
    return e;
}

vch_err vch_as_data_register(struct vch_as_data *d, const struct vch_as_candidate *c,
                             const struct vch_as_network *net, struct vch_as_record *ret,
                             const char **reterr_why)
{
    struct vch_as_seen seen = {
        .account = net->account, .mismatched = net->mismatched, .now_ms = vch_as_data_now_ms(d)};
    struct vch_as_row row = {.made_ms = seen.now_ms};
    uint8_t holder[16];
    vch_err e;

    VCH_TRY(vch_as_account_admit(&seen, reterr_why));
    VCH_TRY(d->o.random(d->o.random_self, VCH_SPAN_OF(row.subject)));
    vch_cose_key_thumbprint(d->o.crypto, &c->reg->key, &row.key);
    e = begin(d, c, net, &row, ret, holder);
    if (vch_err_is(e, VCH_E(AS_IDENTITY_HELD))) {
        e = take_over(d, holder);
        e = vch_ok(e) ? begin(d, c, net, &row, ret, holder) : e;
    }
    if (vch_err_is(e, VCH_E(EXISTS))) {
        return vch_as_data_resend(d, &c->content, ret); /* the same request came twice at once */
    }
    if (vch_err_is(e, VCH_E(AS_IDENTITY_HELD))) {
        *reterr_why = "identity-held";
        return VCH_E(AS_IDENTITY);
    }
    return e;
}
