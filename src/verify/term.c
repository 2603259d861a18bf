#include <vouch/verify/term.h>

bool vch_verify_chain_has(const struct vch_verify_chain *c, const struct vch_verify_record *r)
{
    return r->good && r->e.seq >= c->cited->e.seq && r->ledger == c->cited->ledger &&
           vch_bytes_equal(r->e.registration, c->cited->e.registration);
}

/* The record that governs T: the last one in effect; NULL before the cited one is. */
static const struct vch_verify_record *governing(const struct vch_verify_chain *c, int64_t t_ms)
{
    const struct vch_verify_record *g = NULL;

    for (size_t i = 0; i < c->count; i++) {
        if (vch_verify_chain_has(c, &c->lineage[i]) && c->lineage[i].e.effective_at_ms <= t_ms) {
            g = &c->lineage[i];
        }
    }
    return g;
}

static int64_t end_of(const struct vch_verify_term *t)
{
    return t->end_ms < t->terminated_ms ? t->end_ms : t->terminated_ms;
}

vch_err vch_verify_term_at(const struct vch_verify_chain *c, int64_t t_ms)
{
    const struct vch_verify_record *g = governing(c, t_ms);
    uint64_t from_seq = g != NULL ? g->e.seq : c->cited->e.seq;
    const struct vch_verify_term *start = g != NULL ? &g->term : &c->cited->term;

    if (g != NULL) {
        VCH_CHECK(g->e.action != VCH_ACTION_RETIRE && g->term.standing != VCH_STANDING_ENDED,
                  OUTSIDE_TERM);
        VCH_CHECK(g->term.standing == VCH_STANDING_GOOD, SUSPENDED);
    }
    VCH_CHECK(t_ms >= start->start_ms, OUTSIDE_TERM);
    /* A later record may know of an end that came before it took effect. */
    for (size_t i = 0; i < c->count; i++) {
        if (vch_verify_chain_has(c, &c->lineage[i]) && c->lineage[i].e.seq >= from_seq) {
            VCH_CHECK(t_ms < end_of(&c->lineage[i].term), OUTSIDE_TERM);
        }
    }
    return VCH_OK;
}

/* Counts T if it lies in the span; the entitlement changes at such moments only. */
static void count_at(const struct vch_verify_chain *c, int64_t t_ms, int64_t lo_ms, int64_t hi_ms,
                     size_t *in, size_t *out)
{
    if (t_ms < lo_ms || t_ms > hi_ms) {
        return;
    }
    if (vch_ok(vch_verify_term_at(c, t_ms))) {
        ++*in;
    } else {
        ++*out;
    }
}

enum vch_term_over vch_verify_term_over(const struct vch_verify_chain *c, int64_t lo_ms,
                                        int64_t hi_ms)
{
    size_t in = 0, out = 0;

    count_at(c, lo_ms, lo_ms, hi_ms, &in, &out);
    for (size_t i = 0; i < c->count; i++) {
        const struct vch_verify_record *r = &c->lineage[i];

        if (vch_verify_chain_has(c, r)) {
            count_at(c, r->e.effective_at_ms, lo_ms, hi_ms, &in, &out);
            count_at(c, r->term.start_ms, lo_ms, hi_ms, &in, &out);
            count_at(c, r->term.end_ms, lo_ms, hi_ms, &in, &out);
            count_at(c, r->term.terminated_ms, lo_ms, hi_ms, &in, &out);
        }
    }
    if (out == 0) {
        return VCH_TERM_ALL;
    }
    return in == 0 ? VCH_TERM_NOWHERE : VCH_TERM_PART;
}
