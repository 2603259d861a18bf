/* From a signed endorsement in the vault to a record on the ledger, whatever happens in between.
 * req: Y.2247-8.1.3-3 */
#include "data_int.h"

static enum vch_as_life life_of(enum vch_action action)
{
    return action == VCH_ACTION_RETIRE ? VCH_AS_RETIRED : VCH_AS_LIVE;
}

/* What the ledger gave back for the pending bytes is what the vault waits for: then it is
 * confirmed. */
static vch_err confirm(struct vch_as_data *d, const uint8_t subject[16],
                       const struct vch_hash *txid, const struct vch_as_record *r)
{
    struct vch_stmt_endorsement e;

    VCH_CHECK(vch_hash_equal(&r->entry.txid, txid), AS_LEDGER_MISMATCH);
    VCH_TRY(vch_stmt_endorsement_decode(d->o.crypto, vch_buf_get(&r->statement), &e));
    VCH_TRY(vch_as_vault_confirm(d->o.vault, subject, e.seq, life_of(e.action)));
    if (d->o.on_record != NULL) {
        d->o.on_record(d->o.on_user, subject);
    }
    if (d->o.on_due != NULL) {
        d->o.on_due(d->o.on_user);
    }
    return VCH_OK;
}

/* Does the ledger say that it has no such record? A refusal alone may be about this repetition
 * only. */
static bool absent(struct vch_as_data *d, const struct vch_hash *txid)
{
    struct vch_as_record r;
    vch_err e;

    vch_as_record_init(&r);
    e = vch_as_chain_read(&d->chain, txid, &r);
    vch_as_record_fini(&r);
    return vch_err_is(e, VCH_E(LEDGER_NO_ENTRY));
}

vch_err vch_as_data_settle_locked(struct vch_as_data *d, const uint8_t subject[16],
                                  struct vch_as_record *ret)
{
    struct vch_buf statement = vch_buf_init(VCH_LEDGER_STATEMENT_MAX);
    struct vch_as_record own, *r = ret;
    struct vch_hash txid;
    vch_err e = vch_as_vault_pending(d->o.vault, subject, &statement, &txid);

    if (!vch_ok(e)) {
        vch_buf_fini(&statement);
        return e;
    }
    if (r == NULL) {
        vch_as_record_init(&own);
        r = &own;
    }
    e = vch_as_chain_write(&d->chain, vch_buf_get(&statement), r);
    if (vch_ok(e)) {
        e = confirm(d, subject, &txid, r);
    } else if (!vch_as_chain_may_retry(e) && absent(d, &txid)) {
        vch_err drop = vch_as_vault_drop(d->o.vault, subject);

        e = vch_ok(drop) ? e : drop;
    } else {
        vch_ignore(vch_as_data_due(d, subject, VCH_AS_DUE_SETTLE, 1000));
    }
    if (ret == NULL) {
        vch_as_record_fini(&own);
    }
    vch_buf_fini(&statement);
    return e;
}

vch_err vch_as_data_settle(struct vch_as_data *d, const uint8_t subject[16])
{
    struct vch_as_due done = {.at_ms = 0, .kind = VCH_AS_DUE_SETTLE};
    vch_err e;

    memcpy(done.subject, subject, sizeof done.subject);
    vch_as_data_lock(d, subject);
    e = vch_as_data_settle_locked(d, subject, NULL);
    if (vch_ok(e) || vch_err_is(e, VCH_E(NOT_FOUND)) || !vch_as_chain_may_retry(e)) {
        vch_err clear = vch_as_vault_due_set(d->o.vault, &done);

        e = vch_err_is(e, VCH_E(NOT_FOUND)) ? clear : e;
    }
    vch_as_data_unlock(d, subject);
    return e;
}

vch_err vch_as_data_recover(struct vch_as_data *d, size_t *ret_pending)
{
    uint8_t list[64][VCH_AS_SUBJECT_LEN], after[VCH_AS_SUBJECT_LEN];
    const uint8_t *from = NULL;
    size_t n, total = 0;

    do {
        VCH_TRY(vch_as_vault_list_pending(d->o.vault, from, list, VCH_ARRAY_LEN(list), &n));
        for (size_t i = 0; i < n; i++) {
            VCH_TRY(vch_as_data_due(d, list[i], VCH_AS_DUE_SETTLE, 0));
        }
        if (n != 0) {
            memcpy(after, list[n - 1], sizeof after);
            from = after;
        }
        total += n;
    } while (n == VCH_ARRAY_LEN(list));
    *ret_pending = total;
    return VCH_OK;
}
