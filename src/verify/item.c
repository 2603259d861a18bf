#include <vouch/verify/item.h>

#include <vouch/verify/term.h>

#include "step.h"

static bool passed(const struct vch_verify_report *r, enum vch_step s)
{
    return r->step[s].state == VCH_STEP_PASS;
}

/* The record that the item cites, and whether it may be believed. */
static bool take_record(const struct vch_verify *v, const struct vch_verify_book *book,
                        struct vch_verify_report *r)
{
    const struct vch_verify_record *rec =
        vch_verify_book_find(book, r->item.has_pointer ? r->item.pointer_txid : r->item.kid);

    if (rec == NULL) {
        r->step[VCH_STEP_POINTER] = step_unknown(VCH_E(RECORD_MISSING));
        return false;
    }
    r->record = rec;
    r->step[VCH_STEP_POINTER] = step_pass();
    for (unsigned s = VCH_STEP_RECEIPT; s <= VCH_STEP_POSSESSION; s++) {
        r->step[s] = rec->step[s];
    }
    if (rec->good && r->item.has_pointer &&
        !vch_bytes_equal(r->item.pointer_address.ledger, v->trust->ledgers[rec->ledger].id)) {
        /* req: Y.2247-7.2.2-19 (a pair that names two ledgers is refused) */
        r->step[VCH_STEP_POINTER] = step_fail(VCH_E(POINTER_LEDGER));
        return false;
    }
    return rec->good;
}

/* req: Y.2247-6.1-1 (the origin is the collecting device's signature, whoever forwarded it) */
static void check_origin(const struct vch_verify *v, struct vch_verify_report *r)
{
    const struct vch_stmt_registration *reg = &r->record->e.reg;

    if (!vch_stmt_registration_lists(reg, r->item.st.alg)) {
        r->step[VCH_STEP_ORIGIN] = step_fail(VCH_E(ALG_UNLISTED));
        return;
    }
    r->step[VCH_STEP_ORIGIN] = step_of(vch_stmt_item_verify(v->cr, &r->item, &reg->key));
}

static size_t copy_path(struct vch_stmt_bundle_list list, struct vch_hash path[VCH_PATH_COUNT])
{
    struct vch_bytes one;
    size_t n = 0;

    while (n < VCH_PATH_COUNT && vch_stmt_bundle_list_next(&list, &one)) {
        memcpy(path[n++].b, one.p, VCH_HASH_LEN);
    }
    return n;
}

/* The earliest good anchor bounds the signing time. A bad one proves nothing and vetoes nothing;
 * what is said of it stands in *RET_WHY in case no other does. */
static void take_anchors(const struct vch_verify *v, struct vch_bytes item,
                         const struct vch_verify_anchoring *anchorings, size_t count,
                         struct vch_verify_report *r, vch_err *ret_why)
{
    struct vch_hash path[VCH_PATH_COUNT];

    for (size_t i = 0; i < count; i++) {
        const struct vch_verify_anchor *a = anchorings[i].anchor;
        vch_err e = a->why;

        if (vch_ok(e)) {
            e = vch_verify_anchor_covers(v->cr, a, item, anchorings[i].index, path,
                                         copy_path(anchorings[i].path, path));
        }
        if (!vch_ok(e)) {
            *ret_why = e;
        } else if (a->time_ms < r->upper_ms) {
            r->upper_ms = a->time_ms;
            r->anchored = true;
        } else {
            r->anchored = true;
        }
    }
}

/* An algorithm that no longer counts: only what provably existed before its end is good. */
static void check_algorithm(const struct vch_verify *v, struct vch_verify_report *r)
{
    int64_t end = vch_verify_alg_end(v->trust, r->item.st.alg);

    if (end > r->upper_ms) {
        return;
    }
    r->step[VCH_STEP_ORIGIN] = r->anchored || r->lower_ms >= end ? step_fail(VCH_E(ALG_RETIRED))
                                                                 : step_unknown(VCH_E(ALG_RETIRED));
}

/* Later records of the device, and how far its status is known. */
static void check_freshness(const struct vch_verify *v, const struct vch_verify_chain *c,
                            struct vch_verify_report *r)
{
    const struct vch_verify_record *last = c->cited;
    const struct vch_verify_state *fresh = c->cited->fresh;
    struct vch_state_subject now;

    r->step[VCH_STEP_FRESHNESS] = step_pass();
    for (size_t i = 0; i < c->count; i++) {
        const struct vch_verify_record *next = &c->lineage[i];

        if (!vch_verify_chain_has(c, next) || next == last) {
            continue;
        }
        if (next->e.seq == last->e.seq ||
            (next->e.seq == last->e.seq + 1 &&
             !vch_ok(vch_stmt_endorsement_follows(&last->e, &last->txid, &next->e)))) {
            r->step[VCH_STEP_FRESHNESS] = step_fail(VCH_E(LEDGER_CONTRADICTS));
            return;
        }
        last = next;
        if (next->time_ms <= r->item.time_ms) {
            r->notes |= VCH_NOTE_SUPERSEDED;
        }
    }
    r->latest = last;
    r->fresh_ms = last->time_ms;
    if (fresh != NULL && fresh->size > last->index) {
        if (!fresh->present || !vch_ok(vch_state_subject_decode(fresh->value, &now)) ||
            now.seq < last->e.seq ||
            (now.seq == last->e.seq && !vch_hash_equal(&now.latest, &last->txid))) {
            r->step[VCH_STEP_FRESHNESS] = step_fail(VCH_E(LEDGER_CONTRADICTS));
            return;
        }
        if (now.seq > last->e.seq) {
            r->step[VCH_STEP_FRESHNESS] = step_unknown(VCH_E(LATER_RECORD_MISSING));
            r->notes |= VCH_NOTE_SUPERSEDED;
            return;
        }
        r->fresh_ms = fresh->time_ms > r->fresh_ms ? fresh->time_ms : r->fresh_ms;
    }
    if (r->upper_ms > r->fresh_ms && r->upper_ms - r->fresh_ms > v->options.skew_ms) {
        r->notes |= VCH_NOTE_FRESHNESS;
    }
}

/* Does what the device claims fit the evidence? Errors: BEFORE_ENDORSEMENT; TIME_CONTRADICTED. */
static vch_err check_claim(const struct vch_verify *v, const struct vch_verify_report *r)
{
    int64_t skew = v->options.skew_ms, claimed = r->item.time_ms;

    VCH_CHECK(claimed >= r->lower_ms - skew, BEFORE_ENDORSEMENT);
    VCH_CHECK(r->upper_ms >= r->lower_ms - skew, TIME_CONTRADICTED);
    VCH_CHECK(claimed <= r->upper_ms || claimed - r->upper_ms <= skew, TIME_CONTRADICTED);
    return VCH_OK;
}

/* The law of the verdict. req: Y.2247-7.1-2 (judged at the time of signing, whatever ended since)
 */
static void check_time(const struct vch_verify *v, const struct vch_verify_chain *c,
                       struct vch_verify_report *r)
{
    int64_t claimed = r->item.time_ms < r->lower_ms ? r->lower_ms : r->item.time_ms;
    int64_t upper = r->upper_ms < r->lower_ms ? r->lower_ms : r->upper_ms;
    vch_err e = check_claim(v, r);

    if (!vch_ok(e)) {
        r->step[VCH_STEP_TIME] = step_fail(e);
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (vch_verify_chain_has(c, &c->lineage[i]) && !c->lineage[i].term.complete) {
            r->step[VCH_STEP_TERM] = vch_err_is(c->lineage[i].term.why, VCH_E(DISCLOSURE_FOREIGN))
                                         ? step_fail(c->lineage[i].term.why)
                                         : step_unknown(VCH_E(TERM_UNDISCLOSED));
            return;
        }
    }
    r->step[VCH_STEP_TERM] = step_of(vch_verify_term_at(c, claimed));
    if (!passed(r, VCH_STEP_TERM)) {
        return;
    }
    switch (vch_verify_term_over(c, r->lower_ms, upper)) {
    case VCH_TERM_ALL:
        r->step[VCH_STEP_TIME] = step_pass();
        r->notes |= r->anchored ? 0 : VCH_NOTE_IN_FORCE;
        break;
    case VCH_TERM_NOWHERE:
        r->step[VCH_STEP_TERM] = step_fail(VCH_E(OUTSIDE_TERM));
        break;
    case VCH_TERM_PART:
        if (v->options.accept_claimed_time) {
            r->step[VCH_STEP_TIME] = step_pass();
            r->notes |= VCH_NOTE_CLAIMED_TIME;
        } else {
            r->step[VCH_STEP_TIME] = step_unknown(VCH_E(TIME_UNPROVEN));
        }
        break;
    }
}

void vch_verify_item_check(const struct vch_verify *v, struct vch_bytes item,
                           const struct vch_verify_book *book,
                           const struct vch_verify_anchoring *anchorings, size_t count,
                           struct vch_verify_report *ret)
{
    struct vch_verify_report r = {.upper_ms = v->options.at_ms};
    struct vch_verify_chain chain;
    vch_err e, anchor_why = VCH_OK;

    vch_sha256_of(v->cr, item, &r.item_hash);
    e = vch_stmt_item_decode(item, &r.item);
    if (!vch_ok(e)) {
        r.step[vch_err_is(e, VCH_E(ITEM_POINTER)) ? VCH_STEP_POINTER : VCH_STEP_ORIGIN] =
            step_fail(e);
        *ret = r;
        return;
    }
    vch_sign1_content_id(v->cr, &r.item.st, &r.content);
    if (!take_record(v, book, &r)) {
        *ret = r;
        return;
    }
    r.device = r.record->device;
    r.lower_ms = r.record->time_ms;
    check_origin(v, &r);
    if (passed(&r, VCH_STEP_ORIGIN)) {
        chain.cited = r.record;
        chain.lineage = vch_verify_book_lineage(book, r.record, &chain.count);
        take_anchors(v, item, anchorings, count, &r, &anchor_why);
        check_algorithm(v, &r);
        check_freshness(v, &chain, &r);
        check_time(v, &chain, &r);
        if (r.step[VCH_STEP_TIME].state == VCH_STEP_UNKNOWN && !vch_ok(anchor_why)) {
            r.step[VCH_STEP_TIME].why = anchor_why;
        }
        r.step[VCH_STEP_ASSURANCE] = step_pass();
        r.notes |= r.record->e.reg.custody == VCH_CUSTODY_FILE ? VCH_NOTE_UNTRUSTED_PLACE : 0;
        r.notes |= r.item.first_time_ms < r.lower_ms - v->options.skew_ms ? VCH_NOTE_EARLY_ROWS : 0;
    }
    *ret = r;
}
