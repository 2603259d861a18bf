/* The exposure function without a network: a USM that fails, the outbox, tokens at their time. */
#include <jansson.h>

#include <vouch/netsim/cef.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

#include "vch_test.h"

#define NOW 1800000000000LL

static const struct vch_netsim_numbering numbering = {"999", "01", "+99901", "8999901", "0010010"};

/* A USM that can be told to fail, and counts. */
struct frail {
    struct vch_netsim_usm inner;
    bool down;
    unsigned finds, reads;
};

struct rig {
    struct vch_netsim_db *db;
    struct vch_netsim_tx tx;
    struct vch_ossl_key *key;
    struct vch_netsim_cef cef;
    struct frail frail;
    struct vch_netsim_ids ids;
    int64_t account;
};

static vch_err frail_find(void *self, enum vch_netsim_kind kind, const char *text, int64_t now_ms,
                          int64_t *ret)
{
    struct frail *f = self;

    f->finds++;
    return f->down ? VCH_E(NETSIM_USM) : f->inner.find(f->inner.self, kind, text, now_ms, ret);
}

static vch_err frail_read(void *self, int64_t account, int64_t now_ms,
                          struct vch_netsim_account *ret)
{
    struct frail *f = self;

    f->reads++;
    return f->down ? VCH_E(NETSIM_USM) : f->inner.read(f->inner.self, account, now_ms, ret);
}

static vch_err frail_consent(void *self, int64_t account, const char *client, bool *ret)
{
    struct frail *f = self;

    return f->inner.consent(f->inner.self, account, client, ret);
}

static vch_err frail_watch(void *self, int64_t account, int64_t now_ms)
{
    struct frail *f = self;

    return f->inner.watch(f->inner.self, account, now_ms);
}

static vch_err frail_unwatch(void *self, int64_t account)
{
    struct frail *f = self;

    return f->inner.unwatch(f->inner.self, account);
}

static vch_err frail_next(void *self, int64_t after, struct vch_netsim_usm_event *ret)
{
    struct frail *f = self;

    return f->down ? VCH_E(NETSIM_USM) : f->inner.next(f->inner.self, after, ret);
}

static void sql(struct rig *r, const char *text)
{
    struct vch_netsim_q q = vch_netsim_q(r->db, text);

    assert_vch_ok(vch_netsim_q_run(&q));
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct vch_netsim_subscriber s = {
        .segment = "meters", .type = "PAYM", .start_ms = NOW - 1000, .end_ms = VCH_NETSIM_NEVER};

    assert_non_null(r);
    assert_vch_ok(vch_netsim_db_create(":memory:", &r->db));
    assert_vch_ok(vch_netsim_tx_begin(&r->tx, r->db));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &r->key));
    r->frail.inner = vch_netsim_usm(r->db);
    r->cef = (struct vch_netsim_cef){.operator_id = "op1.example",
                                     .db = r->db,
                                     .usm = {&r->frail, frail_find, frail_read, frail_consent,
                                             frail_watch, frail_unwatch, frail_next},
                                     .crypto = vch_ossl_crypto(),
                                     .signer = vch_ossl_key_signer(r->key),
                                     .random = vch_ossl_random,
                                     .groups = VCH_NETSIM_G_ALL,
                                     .batch_max = 4};
    vch_netsim_line(&numbering, 1, 0, &s.ids);
    r->ids = s.ids;
    assert_vch_ok(vch_netsim_usm_add(r->db, NOW, &s, &r->account));
    sql(r, "INSERT INTO client(id, scopes, active) VALUES('as1', '', 1)");
    sql(r, "INSERT INTO client_segment(client, segment) VALUES('as1', '*')");
    sql(r, "INSERT INTO client_sink(client, prefix) VALUES('as1', 'https://as1.example/')");
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    vch_netsim_tx_end(&r->tx);
    vch_netsim_db_close(r->db);
    vch_ossl_key_close(r->key);
    free(r);
    return 0;
}

static vch_err retrieve(struct rig *r, json_t **ret, struct vch_netsim_fault *f)
{
    json_t *rq = json_pack("{s:{s:s}}", "device", "phoneNumber", r->ids.msisdn);
    vch_err e = vch_netsim_cef_retrieve(&r->cef, "as1", NOW, rq, ret, f);

    json_decref(rq);
    return e;
}

static vch_err subscribe(struct rig *r, json_t **ret, struct vch_netsim_fault *f)
{
    json_t *rq =
        json_pack("{s:s, s:s, s:[s,s], s:{s:{s:{s:s}}}}", "protocol", "HTTP", "sink",
                  "https://as1.example/n", "types", "int.divs.account-status.v0.owner-changed",
                  "int.divs.account-status.v0.contract-terminated", "config", "subscriptionDetail",
                  "device", "phoneNumber", r->ids.msisdn);
    vch_err e = vch_netsim_cef_subscribe(&r->cef, "as1", NOW, rq, ret, f);

    json_decref(rq);
    return e;
}

/* req-test: Y.2247-9.1-1 (one look-up; a USM that fails means an error and no partial data) */
static void one_look_up_and_no_partial_answer(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_fault f;
    json_t *o = NULL, *rq;

    assert_vch_ok(retrieve(r, &o, &f));
    assert_int_equal(r->frail.finds, 1);
    assert_int_equal(r->frail.reads, 1);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(o, "contract"), "status")), "active");
    json_decref(o);
    r->frail.down = true;
    o = NULL;
    assert_vch_err(retrieve(r, &o, &f), NETSIM_USM);
    assert_null(o);
    assert_int_equal(f.status, 504);
    assert_vch_err(subscribe(r, &o, &f), NETSIM_USM);
    assert_null(o);
    rq = json_pack("{s:[{s:{s:s}}]}", "requests", "device", "phoneNumber", r->ids.msisdn);
    assert_vch_err(vch_netsim_cef_batch(&r->cef, "as1", NOW, rq, &o, &f), NETSIM_USM);
    assert_null(o);
    json_decref(rq);
}

static void batches_have_a_limit(void **state)
{
    struct rig *r = *state;
    json_t *rq = json_pack("{s:[{},{},{},{},{}]}", "requests"), *o = NULL;
    struct vch_netsim_fault f;

    assert_vch_err(vch_netsim_cef_batch(&r->cef, "as1", NOW, rq, &o, &f), LIMIT);
    assert_string_equal(f.code, "OUT_OF_RANGE");
    json_decref(rq);
}

static void lease_keeps_the_order_of_a_subscription(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_change c = {
        .op = VCH_NETSIM_CHANGE_OWNER, .account = r->account, .effective_ms = NOW};
    struct vch_netsim_delivery d, twice;
    struct vch_netsim_fault f;
    json_t *o = NULL;
    int64_t next = 0;
    size_t n = 0;

    assert_vch_ok(subscribe(r, &o, &f));
    json_decref(o);
    assert_vch_ok(vch_netsim_outbox_next(r->db, &next));
    assert_true(next == VCH_NETSIM_NEVER);
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    assert_vch_ok(vch_netsim_cef_fan_out(&r->cef, NOW, 1, &n));
    assert_int_equal(n, 1);
    assert_vch_ok(vch_netsim_cef_fan_out(&r->cef, NOW, 10, &n));
    assert_int_equal(n, 1);
    assert_vch_ok(vch_netsim_outbox_take(r->db, NOW, 1000, &d));
    assert_vch_err(vch_netsim_outbox_take(r->db, NOW + 999, 1000, &twice), NETSIM_UNKNOWN);
    assert_vch_ok(vch_netsim_outbox_failed(r->db, NOW + 50, &d));
    vch_mem_free(d.jws);
    assert_vch_ok(vch_netsim_outbox_next(r->db, &next));
    assert_true(next == NOW + 50);
    assert_vch_err(vch_netsim_outbox_take(r->db, NOW + 49, 1000, &twice), NETSIM_UNKNOWN);
    assert_vch_ok(vch_netsim_outbox_take(r->db, NOW + 50, 1000, &twice));
    assert_int_equal(twice.event, d.event); /* the same again, never the second before it */
    assert_int_equal(twice.attempts, 1);
    assert_vch_ok(vch_netsim_outbox_done(r->db, NOW + 60, &twice));
    vch_mem_free(twice.jws);
    assert_vch_ok(vch_netsim_outbox_take(r->db, NOW + 60, 1000, &twice));
    assert_true(twice.event > d.event);
    assert_int_equal(twice.attempts, 0);
    assert_vch_ok(vch_netsim_outbox_done(r->db, NOW + 70, &twice));
    vch_mem_free(twice.jws);
    assert_vch_ok(vch_netsim_outbox_next(r->db, &next));
    assert_true(next == VCH_NETSIM_NEVER);
}

/* An event of a USM that is down is not lost. */
static void events_wait_for_the_usm(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_change c = {
        .op = VCH_NETSIM_TERMINATE, .account = r->account, .effective_ms = NOW};
    struct vch_netsim_delivery d;
    struct vch_netsim_fault f;
    json_t *o = NULL;
    size_t n = 7;

    assert_vch_ok(subscribe(r, &o, &f));
    json_decref(o);
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    r->frail.down = true;
    assert_vch_err(vch_netsim_cef_fan_out(&r->cef, NOW, 10, &n), NETSIM_USM);
    r->frail.down = false;
    assert_vch_ok(vch_netsim_cef_fan_out(&r->cef, NOW, 10, &n));
    assert_int_equal(n, 1);
    assert_vch_ok(vch_netsim_outbox_take(r->db, NOW, 1000, &d));
    vch_mem_free(d.jws);
}

static void longer_lives_are_cut(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_fault f;
    const char *until;
    json_t *o = NULL;

    r->cef.subscription_max_ms = 60000;
    assert_vch_ok(subscribe(r, &o, &f));
    until = json_string_value(json_object_get(o, "expiresAt"));
    assert_non_null(until);
    assert_string_equal(until, "2027-01-15T08:01:00.000Z");
    json_decref(o);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(one_look_up_and_no_partial_answer),
                                       T(batches_have_a_limit),
                                       T(lease_keeps_the_order_of_a_subscription),
                                       T(events_wait_for_the_usm), T(longer_lives_are_cut)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
