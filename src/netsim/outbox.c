/* The outbox: what waits to be delivered, in order within each subscription. */
#include "cef_int.h"

vch_err vch_netsim_outbox_take(struct vch_netsim_db *db, int64_t now_ms, int64_t lease_ms,
                               struct vch_netsim_delivery *ret)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "SELECT o.event, s.id, s.sink, s.sink_token, s.attempts, e.jws FROM subscription s"
            " JOIN outbox o ON o.event = (SELECT MIN(event) FROM outbox WHERE subscription = s.id)"
            " JOIN event e ON e.id = o.event WHERE s.next_ms <= ? ORDER BY s.next_ms LIMIT 1");
    struct vch_netsim_delivery d = {0};
    bool found;
    vch_err e;

    vch_netsim_q_int(&q, now_ms);
    found = vch_netsim_q_row(&q);
    if (found) {
        d.event = vch_netsim_q_get_int(&q, 0);
        vch_netsim_q_copy(&q, 1, d.subscription, sizeof d.subscription);
        vch_netsim_q_copy(&q, 2, d.sink, sizeof d.sink);
        vch_netsim_q_copy(&q, 3, d.token, sizeof d.token);
        d.attempts = (unsigned)vch_netsim_q_get_int(&q, 4);
        d.jws = vch_mem_text(vch_text(vch_netsim_q_get_text(&q, 5)));
    }
    e = vch_netsim_q_end(&q);
    if (vch_ok(e) && !found) {
        e = VCH_E(NETSIM_UNKNOWN);
    }
    if (vch_ok(e)) {
        q = vch_netsim_q(db, "UPDATE subscription SET next_ms = ? WHERE id = ?");
        vch_netsim_q_int(&q, now_ms + lease_ms);
        vch_netsim_q_text(&q, d.subscription);
        e = vch_netsim_q_run(&q);
    }
    if (!vch_ok(e)) {
        vch_mem_free(d.jws);
        return e;
    }
    *ret = d;
    return VCH_OK;
}

static vch_err next_due(struct vch_netsim_db *db, const char *subscription, int64_t next_ms,
                        unsigned attempts)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "UPDATE subscription SET attempts = ?3, next_ms = CASE WHEN EXISTS"
            " (SELECT 1 FROM outbox WHERE subscription = ?1) THEN ?2 END WHERE id = ?1");

    vch_netsim_q_text(&q, subscription);
    vch_netsim_q_int(&q, next_ms);
    vch_netsim_q_int(&q, attempts);
    return vch_netsim_q_run(&q);
}

vch_err vch_netsim_outbox_done(struct vch_netsim_db *db, int64_t now_ms,
                               const struct vch_netsim_delivery *d)
{
    struct vch_netsim_q q = vch_netsim_q(db, "DELETE FROM outbox WHERE event = ?");

    vch_netsim_q_int(&q, d->event);
    VCH_TRY(vch_netsim_q_run(&q));
    return next_due(db, d->subscription, now_ms, 0);
}

vch_err vch_netsim_outbox_failed(struct vch_netsim_db *db, int64_t next_ms,
                                 const struct vch_netsim_delivery *d)
{
    return next_due(db, d->subscription, next_ms, d->attempts + 1);
}

vch_err vch_netsim_outbox_gone(const struct vch_netsim_cef *cef,
                               const struct vch_netsim_delivery *d)
{
    struct vch_netsim_sub s;
    struct vch_netsim_q q = vch_netsim_q(cef->db, "DELETE FROM outbox WHERE subscription = ?");
    vch_err e;

    vch_netsim_q_text(&q, d->subscription);
    VCH_TRY(vch_netsim_q_run(&q));
    e = vch_netsim_sub_load(cef->db, d->subscription, &s);
    if (vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
        return VCH_OK; /* cancelled meanwhile */
    }
    VCH_TRY(e);
    q = vch_netsim_q(cef->db, "UPDATE subscription SET status = CASE status WHEN 'ACTIVE' THEN"
                              " 'INACTIVE' ELSE status END, next_ms = NULL, version = version + 1"
                              " WHERE id = ?");
    vch_netsim_q_text(&q, d->subscription);
    VCH_TRY(vch_netsim_q_run(&q));
    return vch_netsim_unwatch_unneeded(cef, s.account);
}

vch_err vch_netsim_outbox_next(struct vch_netsim_db *db, int64_t *ret_ms)
{
    struct vch_netsim_q q =
        vch_netsim_q(db, "SELECT MIN(next_ms) FROM subscription WHERE next_ms IS NOT NULL");
    int64_t ms = VCH_NETSIM_NEVER;

    if (vch_netsim_q_row(&q) && !vch_netsim_q_is_null(&q, 0)) {
        ms = vch_netsim_q_get_int(&q, 0);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    *ret_ms = ms;
    return VCH_OK;
}
