#include <vouch/verify/record.h>

#include <vouch/cose/receipt.h>
#include <vouch/verify/evidence.h>

#include "step.h"

/* One receipt by any key of the ledger that it names. */
static vch_err receipt_one(const struct vch_verify *v, const struct vch_verify_as *as,
                           const struct vch_hash *entry, struct vch_bytes in,
                           struct vch_receipt *ret, size_t *ret_ledger)
{
    const struct vch_verify_ledger *l;
    size_t at;
    vch_err e = VCH_E(RECEIPT_KEY);

    VCH_TRY(vch_receipt_decode(in, ret));
    at = vch_verify_ledger_find(v->trust, ret->head.ledger);
    VCH_CHECK(at != VCH_VERIFY_NONE, LEDGER_UNTRUSTED);
    VCH_CHECK(as == NULL || vch_verify_as_on_ledger(as, ret->head.ledger), RECEIPT_LEDGER);
    l = &v->trust->ledgers[at];
    for (size_t k = 0; k < l->key_count; k++) {
        if (vch_hash_equal(&l->keys[k].thumbprint, &ret->head.thumbprint)) {
            e = vch_receipt_verify(v->cr, ret, l->id, &l->keys[k].pub, entry);
        }
    }
    VCH_TRY(e);
    *ret_ledger = at;
    return VCH_OK;
}

void vch_verify_receipts(const struct vch_verify *v, const struct vch_verify_as *as,
                         const struct vch_hash *entry, const struct vch_bytes *receipts,
                         size_t count, struct vch_verify_step *ret, size_t *ret_ledger,
                         uint64_t *ret_index, int64_t *ret_time_ms)
{
    struct vch_verify_step worst = step_unknown(VCH_E(RECEIPT_MISSING));
    struct vch_receipt r;

    for (size_t i = 0; i < count; i++) {
        vch_err e = receipt_one(v, as, entry, receipts[i], &r, ret_ledger);

        if (vch_ok(e)) {
            *ret = step_pass();
            *ret_index = r.index;
            *ret_time_ms = r.head.time_ms;
            return;
        }
        if (worst.state != VCH_STEP_FAIL) {
            worst = step_of(e);
        }
    }
    *ret = worst;
}

/* The key of the AS that signed E: one known by itself, or that of the certificate it names. */
static vch_err as_key(const struct vch_verify *v, const struct vch_verify_record_in *in,
                      const struct vch_verify_record *r, int64_t at_ms, struct vch_pubkey *ret,
                      bool *ret_pinned)
{
    const struct vch_verify_as *as = &v->trust->as[r->as];

    for (size_t i = 0; i < as->key_count; i++) {
        if (vch_bytes_equal(vch_hash_bytes(&as->keys[i].thumbprint), r->e.st.kid)) {
            *ret = as->keys[i].pub;
            *ret_pinned = true;
            return VCH_OK;
        }
    }
    VCH_CHECK(as->has_ca && v->trust->certificate != NULL, AS_KEY_UNKNOWN);
    for (size_t i = 0; i < in->cert_count; i++) {
        if (vch_bytes_equal(vch_hash_bytes(&in->cert_hashes[i]), r->e.st.x5t)) {
            *ret_pinned = false;
            return v->trust->certificate(v->trust->self, r->as, in->certs[i], in->certs,
                                         in->cert_count, at_ms, ret);
        }
    }
    return VCH_E(AS_KEY_UNKNOWN);
}

static void check_signatures(const struct vch_verify *v, const struct vch_verify_record_in *in,
                             struct vch_verify_record *r)
{
    /* Without a good receipt the record cannot be believed anyway; its own claim of the time then
     * only serves to say more about what is wrong. */
    int64_t at_ms =
        r->step[VCH_STEP_RECEIPT].state == VCH_STEP_PASS ? r->time_ms : r->e.st.iat_s * 1000;
    struct vch_pubkey key;
    vch_err e;

    e = as_key(v, in, r, at_ms, &key, &r->pinned);
    r->step[VCH_STEP_CERTIFICATE] = step_of(e);
    if (!vch_ok(e)) {
        return;
    }
    if (vch_verify_alg_end(v->trust, r->e.st.alg) <= at_ms) {
        r->step[VCH_STEP_ENDORSEMENT] = step_fail(VCH_E(ALG_RETIRED));
        return;
    }
    e = vch_stmt_endorsement_verify(v->cr, &r->e, &key);
    if (vch_err_is(e, VCH_E(POSSESSION))) {
        r->step[VCH_STEP_ENDORSEMENT] = step_pass();
        r->step[VCH_STEP_POSSESSION] = step_fail(e);
        return;
    }
    r->step[VCH_STEP_ENDORSEMENT] = step_of(e);
    if (vch_ok(e)) {
        r->step[VCH_STEP_POSSESSION] = step_pass();
    }
}

/* Takes one opened disclosure into the term. False: its key was there before with another value. */
static bool take(struct vch_verify_term *t, const struct vch_disclosure *d, unsigned *seen)
{
    int64_t value = d->value.type == VCH_DISC_NULL ? INT64_MAX : d->value.num;
    int64_t *to;

    switch (d->key) {
    case VCH_DISC_START:
        to = &t->start_ms;
        break;
    case VCH_DISC_END:
        to = &t->end_ms;
        break;
    case VCH_DISC_TERMINATED_AT:
        to = &t->terminated_ms;
        break;
    case VCH_DISC_STANDING:
        if ((*seen >> VCH_DISC_STANDING & 1) != 0 && (int64_t)t->standing != value) {
            return false;
        }
        t->standing = (enum vch_standing)value;
        *seen |= 1U << VCH_DISC_STANDING;
        return true;
    default:
        return true;
    }
    if ((*seen >> d->key & 1) != 0 && *to != value) {
        return false;
    }
    *to = value;
    *seen |= 1U << d->key;
    return true;
}

/* Which of the digests of LIST (at most 64) CONTENTS opens. */
static uint64_t bit_of(const struct vch_crypto *cr, const struct vch_stmt_digests *list,
                       struct vch_bytes contents)
{
    struct vch_hash digest;

    vch_stmt_disclosure_digest(cr, contents, &digest);
    for (size_t i = 0; i < list->count; i++) {
        if (vch_bytes_equal(vch_stmt_digests_get(list, i), vch_hash_bytes(&digest))) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

/* Foreign disclosures are set aside: what they say counts for nothing, and they veto nothing. */
static void read_term(const struct vch_verify *v, const struct vch_verify_record_in *in,
                      struct vch_verify_record *r)
{
    const unsigned needed = 1U << VCH_DISC_START | 1U << VCH_DISC_END |
                            1U << VCH_DISC_TERMINATED_AT | 1U << VCH_DISC_STANDING;
    struct vch_verify_term t = {.why = VCH_E(TERM_UNDISCLOSED),
                                .start_ms = INT64_MIN,
                                .end_ms = INT64_MAX,
                                .terminated_ms = INT64_MAX};
    unsigned seen = 0, necessary = needed;
    struct vch_disclosure d;
    bool contradict = false;
    uint64_t opened = 0; /* of the digests, one bit each */

    for (size_t i = 0; i < in->content_count; i++) {
        vch_err e = vch_stmt_disclosure_open(v->cr, &r->e.account, in->contents[i], &d);

        if (vch_ok(e)) {
            opened |= bit_of(v->cr, &r->e.account, in->contents[i]);
        }
        /* Openings of the identifiers belong to the registration inside: these are the device's
         * words, of which none is about its contract. */
        if (vch_err_is(e, VCH_E(DISCLOSURE_FOREIGN)) &&
            vch_ok(vch_stmt_disclosure_open(v->cr, &r->e.reg.identifiers, in->contents[i], &d))) {
            continue;
        }
        if (!vch_ok(e)) {
            t.why = VCH_E(DISCLOSURE_FOREIGN);
        } else if (!take(&t, &d, &seen)) {
            contradict = true;
        }
    }
    /* Where everything is opened, what is not there was not withheld: the AS never stated it. */
    if (r->e.account.count == 64 ? opened == UINT64_MAX
                                 : opened == (UINT64_C(1) << r->e.account.count) - 1) {
        necessary = 1U << VCH_DISC_STANDING;
    }
    t.complete = (seen & necessary) == necessary && !contradict;
    if (t.complete) {
        t.why = VCH_OK;
    }
    r->term = t;
}

vch_err vch_verify_record_check(const struct vch_verify *v, const struct vch_verify_record_in *in,
                                struct vch_verify_record *ret)
{
    struct vch_verify_record r = {.as = VCH_VERIFY_NONE, .ledger = VCH_VERIFY_NONE};
    const struct vch_verify_as *as;

    VCH_TRY(vch_stmt_endorsement_decode(v->cr, in->statement, &r.e));
    vch_sign1_txid(v->cr, &r.e.st, &r.txid);
    r.as = vch_verify_as_find(v->trust, r.e.st.iss);
    as = r.as == VCH_VERIFY_NONE ? NULL : &v->trust->as[r.as];
    vch_verify_receipts(v, as, &r.txid, in->receipts, in->receipt_count, &r.step[VCH_STEP_RECEIPT],
                        &r.ledger, &r.index, &r.time_ms);
    if (as == NULL) {
        r.step[VCH_STEP_CERTIFICATE] = step_unknown(VCH_E(AS_UNTRUSTED));
    } else {
        check_signatures(v, in, &r);
    }
    r.good = r.step[VCH_STEP_RECEIPT].state == VCH_STEP_PASS &&
             r.step[VCH_STEP_CERTIFICATE].state == VCH_STEP_PASS &&
             r.step[VCH_STEP_ENDORSEMENT].state == VCH_STEP_PASS &&
             r.step[VCH_STEP_POSSESSION].state == VCH_STEP_PASS;
    if (r.good) {
        vch_cose_key_thumbprint(v->cr, &r.e.reg.key, &r.device);
        read_term(v, in, &r);
    }
    *ret = r;
    return VCH_OK;
}
