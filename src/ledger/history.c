#include <vouch/ledger/ledger.h>

#include <vouch/stmt/endorsement.h>

/* Does the endorsement in BYTES stand in its lineage where its successor says? */
static vch_err link_check(const struct vch_crypto *cr, struct vch_bytes bytes,
                          const struct vch_subject *subject, uint64_t seq,
                          struct vch_hash *ret_prev)
{
    struct vch_stmt_endorsement *e = vch_mem_alloc(sizeof(*e));
    vch_err err = vch_stmt_endorsement_decode(cr, bytes, e);

    if (vch_ok(err) && (e->seq != seq || memcmp(e->subject, subject->b, VCH_SUBJECT_LEN) != 0)) {
        err = VCH_E(LEDGER_DAMAGED);
    }
    if (vch_ok(err) && seq > 0) {
        memcpy(ret_prev->b, e->prev.p, VCH_HASH_LEN);
    }
    vch_mem_free(e);
    return err;
}

vch_err vch_ledger_history(const struct vch_crypto *cr, const struct vch_ledger *l,
                           const struct vch_subject *subject, vch_ledger_entry_fn fn, void *arg)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_LEDGER_STATEMENT_MAX);
    struct vch_state_subject state;
    struct vch_hash txid;

    VCH_TRY(vch_ledger_latest(l, subject, &state));
    txid = state.latest;
    for (uint64_t seq = state.seq;; seq--) {
        struct vch_ledger_entry entry;
        struct vch_hash prev;
        vch_err e = vch_ledger_get(l, &txid, &entry, &v, NULL);

        VCH_CHECK(!vch_err_is(e, VCH_E(LEDGER_NO_ENTRY)), LEDGER_DAMAGED);
        VCH_TRY(e);
        VCH_TRY(link_check(cr, vch_buf_get(&v), subject, seq, &prev));
        VCH_TRY(fn(arg, &entry, vch_buf_get(&v)));
        if (seq == 0) {
            return VCH_OK;
        }
        txid = prev;
    }
}
