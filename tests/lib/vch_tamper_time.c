/* Times, terms, anchors and state proofs. */
#include "vch_tamper_int.h"

/* ---- time and term */
static void ends_at(struct t_case *c, int64_t end_ms, int64_t anchor_ms)
{
    struct t_terms t = {T_EPOCH - T_DAY, end_ms, T_NULL, VCH_STANDING_GOOD};

    t_make_valid(c, &t);
    if (anchor_ms != 0) {
        t_anchor_both(c, anchor_ms);
    }
}

static void claimed_after_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT - 1, 0);
}

static void claimed_at_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT, 0);
}

static void claimed_just_before_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT + HOUR, SIGNED_AT + HOUR - 2000);
}

static void anchored_at_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT + HOUR, SIGNED_AT + HOUR);
}

static void time_unproven(struct t_case *c)
{
    ends_at(c, SIGNED_AT + T_DAY, 0);
}

static void time_accepted(struct t_case *c)
{
    time_unproven(c);
    c->accept_claimed = true;
}

static void back_dated(struct t_case *c)
{
    ends_at(c, SIGNED_AT + T_DAY, SIGNED_AT + 3 * T_DAY);
}

static void before_start(struct t_case *c)
{
    struct t_terms t = {SIGNED_AT + T_DAY, T_NULL, T_NULL, VCH_STANDING_GOOD};

    t_make_valid(c, &t);
}

static void still_in_force(struct t_case *c)
{
    ends_at(c, T_NULL, 0);
}

static void single_at(struct t_case *c, int64_t time_ms)
{
    uint8_t salt[VCH_SALT_LEN];

    t_whole(c);
    c->b.item[1] = t_single(&c->w, 0, c->r0, 2, time_ms, c->raw, salt);
    c->b.anchoreds = 1;
}

static void before_endorsement(struct t_case *c)
{
    single_at(c, T_EPOCH - 10 * HOUR);
}

static void in_the_future(struct t_case *c)
{
    single_at(c, T_EPOCH + 50 * T_DAY);
}

static void later_than_anchor(struct t_case *c)
{
    single_at(c, SIGNED_AT + 5 * T_DAY);
    t_put_anchor(c, 1, c->b.item[1], SIGNED_AT + 4 * T_DAY);
}

static void updated(struct t_case *c, enum vch_action action, const struct t_terms *t,
                    int64_t effective_ms, int64_t batch_ms, bool with_record)
{
    struct t_record *r;

    t_make_valid(c, &t_normal);
    r = t_endorse(&c->w, 0, action, t, effective_ms, batch_ms);
    if (with_record) {
        t_put_record(c, r);
    }
    t_prove_state(c, T_EPOCH + 9 * T_DAY);
}

static const struct t_terms ended_early = {T_EPOCH - T_DAY, T_EPOCH + T_DAY / 2, T_NULL,
                                           VCH_STANDING_GOOD};
static const struct t_terms terminated_early = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY,
                                                T_EPOCH + T_DAY / 2, VCH_STANDING_ENDED};
static const struct t_terms suspended = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_NULL,
                                         VCH_STANDING_SUSPENDED};

static void retired(struct t_case *c)
{
    updated(c, VCH_ACTION_RETIRE, &t_normal, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

static void terminated_and_told_late(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &terminated_early, T_EPOCH + 5 * T_DAY, T_EPOCH + 5 * T_DAY,
            true);
}

static void shortened(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &ended_early, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

static void while_suspended(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &suspended, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

static void superseded_but_good(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &t_normal, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

/* Ended on day 3; signed on day 1, anchored on day 1: good for ever. */
static void ended_after_anchor(struct t_case *c)
{
    struct t_terms t = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_EPOCH + 3 * T_DAY,
                        VCH_STANDING_ENDED};

    t_make_valid(c, &t_normal);
    t_anchor_both(c, SIGNED_AT + HOUR);
    t_put_record(
        c, t_endorse(&c->w, 0, VCH_ACTION_UPDATE, &t, T_EPOCH + 3 * T_DAY, T_EPOCH + 3 * T_DAY));
    t_prove_state(c, T_EPOCH + 9 * T_DAY);
}

static void update_hidden(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &terminated_early, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2,
            false);
}

static void update_undisclosed(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &terminated_early, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2,
            true);
    c->b.discloseds = 1;
}

/* ---- anchors and proofs */
static void anchor_foreign(struct t_case *c)
{
    ends_at(c, SIGNED_AT + T_DAY, 0);
    t_put_anchor(c, 0, vch_text("another item"), SIGNED_AT + HOUR);
    t_put_anchor(c, 1, vch_text("a third item"), SIGNED_AT + 2 * HOUR);
}

static void anchor_by_stranger(struct t_case *c)
{
    struct vch_bytes statement;
    uint64_t index;

    ends_at(c, SIGNED_AT + T_DAY, 0);
    c->b.items = 1;
    c->b.row_sets = 1;
    index = t_anchor(&c->w, 0, c->b.item[0], true, SIGNED_AT + HOUR, &statement);
    t_put_statement(c, statement, t_receipt(&c->w, 0, index));
    c->b.anchored[0].txid = c->w.ledger[0].txid[index];
    c->b.anchoreds = 1;
}

/* The same by an aggregator that the ledger lists. */
static void anchor_by_aggregator(struct t_case *c)
{
    const struct vch_pubkey *key = &vch_ossl_key_signer(c->w.aggregator_key)->pub;
    uint8_t room[256], key_room[VCH_COSE_KEY_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room)), kw = vch_writer(VCH_SPAN_OF(key_room));
    struct vch_bytes value, encoded;
    struct vch_hash thumbprint;

    anchor_by_stranger(c);
    vch_cose_key_encode(key, &kw);
    assert_vch_ok(vch_writer_finish(&kw, &encoded));
    vch_cose_key_thumbprint(c->w.cr, key, &thumbprint);
    vch_cbor_put_array(&w, 4);
    vch_cbor_put_uint(&w, 3);
    vch_cbor_put_text(&w, "agg1.example");
    vch_writer_bytes(&w, encoded);
    vch_cbor_put_null(&w);
    assert_vch_ok(vch_writer_finish(&w, &value));
    t_state_put(&c->w, 0, 5, vch_hash_bytes(&thumbprint), value);
    t_ledger_tick(&c->w, 0, SIGNED_AT + 2 * HOUR);
    c->b.proof[c->b.proofs++] = t_state_proof(&c->w, 0, 5, vch_hash_bytes(&thumbprint));
}

static void anchor_bad_beside(struct t_case *c)
{
    t_whole(c);
    t_put_anchor(c, 0, vch_text("another item"), SIGNED_AT + 2 * HOUR);
}

/* The proof of a device's state with the receipt of another head: it counts for nothing. */
static void proof_other_head(struct t_case *c)
{
    struct vch_bytes p;

    t_whole(c);
    p = c->b.proof[0];
    c->b.proof[0] = t_changed(c, p, p.n / 2, 1);
}

const struct t_tamper t_tampers_time[] = {
    {"valid-bad-anchor-beside", V(), anchor_bad_beside, NULL},
    {"valid-bad-state-proof", V(), proof_other_head, NULL},
    {"valid-still-in-force", V(), still_in_force, NULL},
    {"valid-just-before-end", V(), claimed_just_before_end, NULL},
    {"valid-claimed-time-accepted", V(), time_accepted, NULL},
    {"valid-superseded", V(), superseded_but_good, NULL},
    {"valid-ended-after-anchor", V(), ended_after_anchor, NULL},
    {"valid-anchored-by-aggregator", V(), anchor_by_aggregator, NULL},
    {"claimed-after-end", BAD(OUTSIDE_TERM), claimed_after_end, NULL},
    {"claimed-at-end", BAD(OUTSIDE_TERM), claimed_at_end, NULL},
    {"anchored-at-end", UNKNOWN(TIME_UNPROVEN), anchored_at_end, NULL},
    {"time-unproven", UNKNOWN(TIME_UNPROVEN), time_unproven, NULL},
    {"back-dated", UNKNOWN(TIME_UNPROVEN), back_dated, NULL},
    {"before-start", BAD(OUTSIDE_TERM), before_start, NULL},
    {"before-endorsement", BAD(BEFORE_ENDORSEMENT), before_endorsement, NULL},
    {"in-the-future", BAD(TIME_CONTRADICTED), in_the_future, NULL},
    {"later-than-anchor", BAD(TIME_CONTRADICTED), later_than_anchor, NULL},
    {"device-retired", BAD(OUTSIDE_TERM), retired, NULL},
    {"terminated-told-late", BAD(OUTSIDE_TERM), terminated_and_told_late, NULL},
    {"term-shortened", BAD(OUTSIDE_TERM), shortened, NULL},
    {"while-suspended", BAD(SUSPENDED), while_suspended, NULL},
    {"update-hidden", UNKNOWN(LATER_RECORD_MISSING), update_hidden, NULL},
    {"update-undisclosed", UNKNOWN(TERM_UNDISCLOSED), update_undisclosed, NULL},
    {"anchor-foreign", UNKNOWN(ANCHOR_PATH), anchor_foreign, NULL},
    {"anchor-by-stranger", UNKNOWN(ANCHOR_SIGNER), anchor_by_stranger, NULL},
};
const size_t t_tampers_time_count = VCH_ARRAY_LEN(t_tampers_time);
