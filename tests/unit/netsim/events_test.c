/* Subscriptions and notifications over real sockets: nothing lost, nothing doubled, in order. */
#include "netsim_rig.h"

struct state {
    struct rig *rig;
    struct vch_edi *as1, *as2;
};

static int setup(void **state)
{
    struct state *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->rig = rig_open("");
    s->as1 = rig_edi(s->rig, "op1.example", "as1");
    s->as2 = rig_edi(s->rig, "op1.example", "as2");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct state *s = *state;

    vch_edi_close(s->as1);
    vch_edi_close(s->as2);
    rig_close(s->rig);
    free(s);
    return 0;
}

static struct vch_edi_sub_request ask(const struct state *s, const char *client,
                                      const struct vch_edi_ids *ids, unsigned types)
{
    struct vch_edi_sub_request rq = {
        .account = {.kind = VCH_EDI_MSISDN}, .types = types, .sink = rig_sink(s->rig, client)};

    snprintf(rq.account.text, sizeof rq.account.text, "%s", ids->msisdn);
    return rq;
}

static struct vch_edi_sub subscribe(const struct state *s, const char *client,
                                    const struct vch_edi_ids *ids, unsigned types)
{
    const struct vch_edi_sub_request rq = ask(s, client, ids, types);
    struct vch_edi_sub sub;

    assert_vch_ok(vch_edi_subscribe(strcmp(client, "as1") == 0 ? s->as1 : s->as2, &rq, &sub));
    return sub;
}

/* What the AS would know of a subscription. */
struct book {
    const struct vch_edi_sub *sub;
    uint64_t last_seq;
};

static vch_err find(void *user, const char *id, struct vch_edi_known *ret)
{
    const struct book *b = user;

    if (b->sub == NULL || strcmp(b->sub->id, id) != 0) {
        return VCH_E(EDI_EVENT_UNKNOWN);
    }
    memset(ret, 0, sizeof *ret);
    snprintf(ret->account_ref, sizeof ret->account_ref, "%s", b->sub->account_ref);
    ret->last_seq = b->last_seq;
    ret->types = b->sub->types;
    return VCH_OK;
}

static struct vch_edi_event verify(const struct state *s, struct vch_edi *as, size_t note,
                                   struct book *b, bool *ret_gap)
{
    const struct rig_note *n = &s->rig->notes[note];
    struct vch_edi_event ev;

    assert_vch_ok(vch_edi_event_verify(as, vch_text(n->body), n->x_jws, find, b, &ev, ret_gap));
    b->last_seq = ev.seq;
    return ev;
}

static vch_err judge(const struct state *s, const char *body, const char *x_jws,
                     const struct vch_edi_sub *sub, uint64_t last_seq)
{
    struct book b = {sub, last_seq};
    struct vch_edi_event ev;
    bool gap = false;
    vch_err e = vch_edi_event_verify(s->as1, vch_text(body), x_jws, find, &b, &ev, &gap);

    if (vch_ok(e)) {
        vch_edi_event_fini(&ev);
    }
    return e;
}

/* req-test: Y.2247-8.4-2, Y.2247-8.4-5, Y.2247-9.1-2 */
static void each_change_arrives_once_and_in_order(void **state)
{
    static const struct {
        enum vch_netsim_op op;
        const char *value;
        unsigned type;
        enum vch_edi_contract_status from, to;
    } changes[] = {{VCH_NETSIM_SUSPEND, NULL, VCH_EDI_EV_CONTRACT_STATUS_CHANGED, VCH_EDI_ACTIVE,
                    VCH_EDI_SUSPENDED},
                   {VCH_NETSIM_RESUME, NULL, VCH_EDI_EV_CONTRACT_STATUS_CHANGED, VCH_EDI_SUSPENDED,
                    VCH_EDI_ACTIVE},
                   {VCH_NETSIM_RENEW, NULL, VCH_EDI_EV_CONTRACT_STATUS_CHANGED, VCH_EDI_ACTIVE,
                    VCH_EDI_ACTIVE},
                   {VCH_NETSIM_SWAP_DEVICE, NULL, VCH_EDI_EV_IMEI_CHANGED, 0, 0},
                   {VCH_NETSIM_SWAP_SIM, NULL, VCH_EDI_EV_SIM_CHANGED, 0, 0},
                   {VCH_NETSIM_CHANGE_OWNER, NULL, VCH_EDI_EV_OWNER_CHANGED, 0, 0},
                   {VCH_NETSIM_RESTRICT_AREA,
                    "{\"areaType\":\"CIRCLE\",\"center\":{\"latitude\":47.1,\"longitude\":8.5},"
                    "\"radius\":50000}",
                    VCH_EDI_EV_AREA_CHANGED, 0, 0},
                   {VCH_NETSIM_TERMINATE, NULL, VCH_EDI_EV_CONTRACT_TERMINATED, 0, 0}};
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_sub sub = subscribe(s, "as1", &ids, VCH_EDI_EV_ALL);
    struct book b = {&sub, 0};

    assert_int_equal(sub.state, VCH_EDI_SUB_ACTIVE);
    assert_int_equal(sub.types, VCH_EDI_EV_ALL);
    for (size_t i = 0; i < VCH_ARRAY_LEN(changes); i++) {
        rig_change(s->rig, changes[i].op, &ids, changes[i].value);
        rig_wait_notes(s->rig, i + 1);
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(changes); i++) {
        bool gap = true;
        struct vch_edi_event ev = verify(s, s->as1, i, &b, &gap);

        assert_int_equal(ev.type, changes[i].type);
        assert_int_equal(ev.seq, i + 1);
        assert_false(gap);
        assert_false(ev.unasked);
        assert_string_equal(ev.subscription_id, sub.id);
        assert_string_equal(ev.account_ref, sub.account_ref);
        assert_string_equal(ev.ids.msisdn, ids.msisdn);
        assert_string_equal(ev.reason, "test");
        assert_int_equal(ev.from, changes[i].from);
        assert_int_equal(ev.to, changes[i].to);
        assert_true(ev.effective_at_ms <= ev.notified_at_ms);
        vch_edi_event_fini(&ev);
    }
}

/* req-test: Y.2247-8.4-5 (forged, foreign, unknown, replayed) */
static void only_true_and_new_notifications_count(void **state)
{
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_sub sub = subscribe(s, "as1", &ids, VCH_EDI_EV_ALL);
    struct vch_edi_sub other = sub;
    struct vch_edi *op2 = rig_edi(s->rig, "op2.example", "as1");
    struct vch_edi_event ev;
    struct book b = {&sub, 0};
    char body[4096], x_jws[1024];
    const struct rig_note *n;
    bool gap = false;

    rig_change(s->rig, VCH_NETSIM_SUSPEND, &ids, NULL);
    rig_change(s->rig, VCH_NETSIM_RESUME, &ids, NULL);
    rig_wait_notes(s->rig, 2);
    n = &s->rig->notes[1];
    assert_vch_ok(judge(s, n->body, n->x_jws, &sub, 1));
    assert_vch_err(judge(s, n->body, n->x_jws, &sub, 2), EDI_EVENT_REPLAY);
    assert_vch_err(judge(s, n->body, n->x_jws, NULL, 0), EDI_EVENT_UNKNOWN);
    snprintf(other.account_ref, sizeof other.account_ref, "%s", "another");
    assert_vch_err(judge(s, n->body, n->x_jws, &other, 0), EDI_IDENTITY);
    assert_vch_err(judge(s, n->body, NULL, &sub, 0), EDI_EVIDENCE);
    assert_vch_err(judge(s, n->body, "", &sub, 0), EDI_EVIDENCE);
    assert_vch_err(judge(s, n->body, "e30..", &sub, 0), EDI_EVIDENCE);
    assert_vch_err(judge(s, n->body, s->rig->notes[0].x_jws, &sub, 0), EDI_EVIDENCE);
    for (size_t i = 0; i < strlen(n->body); i += 7) {
        snprintf(body, sizeof body, "%s", n->body);
        body[i] ^= 1;
        assert_vch_err(judge(s, body, n->x_jws, &sub, 0), EDI_EVIDENCE);
    }
    snprintf(x_jws, sizeof x_jws, "%s", n->x_jws);
    x_jws[strlen(x_jws) - 3] ^= 1;
    assert_vch_err(judge(s, n->body, x_jws, &sub, 0), EDI_EVIDENCE);
    assert_vch_err(vch_edi_event_verify(op2, vch_text(n->body), n->x_jws, find, &b, &ev, &gap),
                   EDI_EVIDENCE);
    ev = verify(s, s->as1, 1, &b, &gap); /* the first is missing */
    assert_true(gap);
    vch_edi_event_fini(&ev);
    vch_edi_close(op2);
}

/* req-test: Y.2247-8.4-5 (the sink is away for a while: nothing lost, order kept) */
static void outage_of_the_sink_loses_nothing(void **state)
{
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_sub sub = subscribe(s, "as1", &ids, VCH_EDI_EV_ALL);
    struct book b = {&sub, 0};
    enum { CHANGES = 40 };
    struct vch_edi_event ev[CHANGES];
    size_t n = 0;
    bool gap, more = true;

    rig_sink_answers(s->rig, 503);
    for (size_t i = 0; i < CHANGES; i++) {
        rig_change(s->rig, i % 2 == 0 ? VCH_NETSIM_SUSPEND : VCH_NETSIM_RESUME, &ids, NULL);
    }
    rig_wait_refused(s->rig, 3);
    rig_restart(s->rig); /* the operator too goes down in between */
    rig_wait_refused(s->rig, 5);
    /* what waits can be pulled meanwhile */
    assert_vch_ok(vch_edi_events_after(s->as1, sub.account_ref, 0, ev, CHANGES, &n, &more));
    assert_int_equal(n, CHANGES);
    assert_false(more);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ev[i].seq, i + 1);
        vch_edi_event_fini(&ev[i]);
    }
    rig_sink_answers(s->rig, 204);
    rig_wait_notes(s->rig, CHANGES);
    for (size_t i = 0; i < CHANGES; i++) {
        ev[0] = verify(s, s->as1, i, &b, &gap);
        assert_false(gap);
        assert_int_equal(ev[0].to, i % 2 == 0 ? VCH_EDI_SUSPENDED : VCH_EDI_ACTIVE);
        vch_edi_event_fini(&ev[0]);
    }
    assert_int_equal(s->rig->note_count, CHANGES);
}

static void feed_is_read_in_pages(void **state)
{
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_sub sub = subscribe(s, "as1", &ids, VCH_EDI_EV_OWNER_CHANGED);
    struct vch_edi_event ev[3];
    size_t n = 0;
    bool more = false;

    for (size_t i = 0; i < 5; i++) {
        rig_change(s->rig, VCH_NETSIM_CHANGE_OWNER, &ids, NULL);
    }
    rig_wait_notes(s->rig, 5);
    assert_vch_ok(vch_edi_events_after(s->as1, sub.account_ref, 1, ev, 3, &n, &more));
    assert_int_equal(n, 3);
    assert_true(more);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ev[i].seq, i + 2);
        vch_edi_event_fini(&ev[i]);
    }
    assert_vch_ok(vch_edi_events_after(s->as1, sub.account_ref, 5, ev, 3, &n, &more));
    assert_int_equal(n, 0);
    assert_false(more);
    assert_vch_err(vch_edi_events_after(s->as2, sub.account_ref, 0, ev, 3, &n, &more), EDI_UNKNOWN);
    assert_vch_err(vch_edi_events_after(s->as1, "0123", 0, ev, 3, &n, &more), EDI_UNKNOWN);
}

/* req-test: Y.2247-8.4-2 (what is refused) */
static void subscriptions_that_are_refused(void **state)
{
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_ids tracker = rig_ids(s->rig, "op1.example", 1);
    struct vch_edi_sub_request rq = ask(s, "as1", &ids, VCH_EDI_EV_ALL);
    struct vch_edi_sub sub;

    assert_vch_ok(vch_edi_subscribe(s->as1, &rq, &sub));
    assert_vch_err(vch_edi_subscribe(s->as1, &rq, &sub), EDI_DUPLICATE);
    rq.account.kind = VCH_EDI_IMEI; /* the same account by another name */
    snprintf(rq.account.text, sizeof rq.account.text, "%s", ids.imei);
    rq.types = VCH_EDI_EV_IMEI_CHANGED;
    assert_vch_err(vch_edi_subscribe(s->as1, &rq, &sub), EDI_DUPLICATE);
    rq = ask(s, "as2", &tracker, VCH_EDI_EV_ALL); /* a device that as2 does not serve */
    assert_vch_err(vch_edi_subscribe(s->as2, &rq, &sub), EDI_UNKNOWN);
    rq = ask(s, "as1", &ids, VCH_EDI_EV_ALL); /* the sink of somebody else */
    assert_vch_err(vch_edi_subscribe(s->as2, &rq, &sub), EDI_REQUEST);
    for (size_t i = 0; i < 4; i++) {
        static const char *const sinks[] = {"http://localhost/as2/n", "https://evil.example/as2/n",
                                            "https://localhost:1/as2/n", "ftp://x"};

        rq = ask(s, "as2", &ids, VCH_EDI_EV_ALL);
        rq.sink = sinks[i];
        assert_vch_err(vch_edi_subscribe(s->as2, &rq, &sub), EDI_REQUEST);
    }
    {
        char sink[128];

        snprintf(sink, sizeof sink, "%s/../../as1/n", rig_sink(s->rig, "as2"));
        rq.sink = sink;
        assert_vch_err(vch_edi_subscribe(s->as2, &rq, &sub), EDI_REQUEST);
    }
    rq = ask(s, "as2", &ids, VCH_EDI_EV_ALL);
    snprintf(rq.account.text, sizeof rq.account.text, "*");
    assert_vch_err(vch_edi_subscribe(s->as2, &rq, &sub), EDI_IDENTIFIER);
    rq = ask(s, "as2", &ids, VCH_EDI_EV_ALL);
    rq.expires_ms = 1000;
    assert_vch_err(vch_edi_subscribe(s->as2, &rq, &sub), EDI_REQUEST);
}

/* req-test: Y.2247-8.4-3 */
static void modified_subscriptions_follow_the_new_setting(void **state)
{
    struct state *s = *state;
    struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_ids other = rig_ids(s->rig, "op1.example", 2);
    struct vch_edi_sub sub = subscribe(s, "as1", &ids, VCH_EDI_EV_OWNER_CHANGED), changed, got;
    struct vch_edi_sub_change c = {.types = VCH_EDI_EV_SIM_CHANGED};
    struct book b = {&changed, 0};
    struct vch_edi_event ev;
    bool gap;

    rig_change(s->rig, VCH_NETSIM_CHANGE_OWNER, &ids, NULL);
    rig_wait_notes(s->rig, 1);
    assert_vch_ok(vch_edi_modify(s->as1, sub.id, sub.version, &c, &changed));
    assert_string_not_equal(changed.version, sub.version);
    assert_int_equal(changed.types, VCH_EDI_EV_SIM_CHANGED);
    assert_vch_err(vch_edi_modify(s->as1, sub.id, sub.version, &c, &got), EDI_VERSION);
    assert_vch_err(vch_edi_modify(s->as2, sub.id, changed.version, &c, &got), EDI_SUBSCRIPTION);
    assert_vch_err(vch_edi_modify(s->as1, "0123", changed.version, &c, &got), EDI_SUBSCRIPTION);
    rig_change(s->rig, VCH_NETSIM_CHANGE_OWNER, &ids, NULL); /* no longer of interest */
    rig_change(s->rig, VCH_NETSIM_CHANGE_NUMBER, &ids, NULL);
    rig_wait_notes(s->rig, 2);
    ev = verify(s, s->as1, 0, &b, &gap);
    assert_true(ev.unasked);
    vch_edi_event_fini(&ev);
    ev = verify(s, s->as1, 1, &b, &gap);
    assert_int_equal(ev.type, VCH_EDI_EV_SIM_CHANGED);
    assert_false(gap);
    vch_edi_event_fini(&ev);
    /* after the change of number the subscription gets its new name */
    ids = rig_ids(s->rig, "op1.example", 0);
    c = (struct vch_edi_sub_change){.sink = rig_sink(s->rig, "as1"),
                                    .sink_token = "t0ken",
                                    .selector = {.kind = VCH_EDI_MSISDN}};
    snprintf(c.selector.text, sizeof c.selector.text, "%s", other.msisdn);
    assert_vch_err(vch_edi_modify(s->as1, sub.id, changed.version, &c, &got), EDI_IDENTITY);
    snprintf(c.selector.text, sizeof c.selector.text, "%s", ids.msisdn);
    sub = changed;
    assert_vch_ok(vch_edi_modify(s->as1, sub.id, sub.version, &c, &changed));
    rig_change(s->rig, VCH_NETSIM_SWAP_SIM, &ids, NULL);
    rig_wait_notes(s->rig, 3);
    ev = verify(s, s->as1, 2, &b, &gap);
    assert_string_equal(ev.ids.msisdn, ids.msisdn);
    vch_edi_event_fini(&ev);
    assert_string_equal(s->rig->notes[2].authorization, "Bearer t0ken");
    assert_vch_ok(vch_edi_sub_get(s->as1, sub.id, &got));
    assert_string_equal(got.version, changed.version);
    assert_int_equal(got.last_seq, 3);
}

static int64_t count(const struct state *s, const char *sql)
{
    struct vch_netsim_db *db = NULL;
    struct vch_netsim_q q;
    int64_t n;

    assert_vch_ok(vch_netsim_db_open(rig_path(s->rig, "op1.example.db"), &db));
    q = vch_netsim_q(db, sql);
    assert_true(vch_netsim_q_row(&q));
    n = vch_netsim_q_get_int(&q, 0);
    assert_vch_ok(vch_netsim_q_end(&q));
    vch_netsim_db_close(db);
    return n;
}

/* req-test: Y.2247-8.4-4, Y.2247-9.1-3 (one watch for two, and nobody stops the other) */
static void two_servers_share_a_watch_and_cancel_alone(void **state)
{
    static const char watches[] = "SELECT COUNT(*) FROM usm_watch";
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_sub one = subscribe(s, "as1", &ids, VCH_EDI_EV_ALL);
    const struct vch_edi_sub two = subscribe(s, "as2", &ids, VCH_EDI_EV_ALL);
    struct book b1 = {&one, 0}, b2 = {&two, 0};
    struct vch_edi_event ev;
    struct vch_edi_sub got;
    bool gap, first;

    assert_string_not_equal(one.account_ref, two.account_ref);
    assert_int_equal(count(s, watches), 1);
    rig_change(s->rig, VCH_NETSIM_SUSPEND, &ids, NULL);
    rig_wait_notes(s->rig, 2);
    first = strstr(s->rig->notes[0].body, one.id) != NULL; /* couriers may overtake one another */
    ev = verify(s, s->as1, first ? 0 : 1, &b1, &gap);
    vch_edi_event_fini(&ev);
    ev = verify(s, s->as2, first ? 1 : 0, &b2, &gap);
    vch_edi_event_fini(&ev);
    assert_vch_err(vch_edi_cancel(s->as2, one.id), EDI_SUBSCRIPTION);
    assert_vch_ok(vch_edi_cancel(s->as1, one.id));
    assert_vch_err(vch_edi_cancel(s->as1, one.id), EDI_SUBSCRIPTION);
    assert_vch_err(vch_edi_sub_get(s->as1, one.id, &got), EDI_SUBSCRIPTION);
    assert_int_equal(count(s, watches), 1);
    rig_change(s->rig, VCH_NETSIM_RESUME, &ids, NULL);
    rig_wait_notes(s->rig, 3);
    ev = verify(s, s->as2, 2, &b2, &gap);
    assert_int_equal(ev.seq, 2);
    vch_edi_event_fini(&ev);
    assert_vch_ok(vch_edi_cancel(s->as2, two.id));
    assert_int_equal(count(s, watches), 0);
    assert_int_equal(count(s, "SELECT COUNT(*) FROM subscription"), 0);
    rig_change(s->rig, VCH_NETSIM_SUSPEND, &ids, NULL);
    assert_int_equal(count(s, "SELECT COUNT(*) FROM usm_event"), 2);
    assert_int_equal(s->rig->note_count, 3);
}

static void sink_that_is_gone_ends_the_subscription(void **state)
{
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_sub sub = subscribe(s, "as1", &ids, VCH_EDI_EV_ALL);
    struct vch_edi_sub got = sub;

    rig_sink_answers(s->rig, 410);
    rig_change(s->rig, VCH_NETSIM_SUSPEND, &ids, NULL);
    rig_wait_refused(s->rig, 1);
    for (size_t i = 0; i < 6000 && got.state == VCH_EDI_SUB_ACTIVE; i++) {
        assert_int_equal(nanosleep(&(struct timespec){0, 10000000}, NULL), 0);
        assert_vch_ok(vch_edi_sub_get(s->as1, sub.id, &got));
    }
    assert_int_equal(got.state, VCH_EDI_SUB_INACTIVE);
    rig_sink_answers(s->rig, 204);
    rig_change(s->rig, VCH_NETSIM_RESUME, &ids, NULL);
    assert_int_equal(count(s, "SELECT COUNT(*) FROM usm_watch"), 0);
    assert_int_equal(count(s, "SELECT COUNT(*) FROM outbox"), 0);
}

static void subscriptions_end_by_number_time_and_consent(void **state)
{
    struct state *s = *state;
    const struct vch_edi_ids a = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_ids b = rig_ids(s->rig, "op1.example", 2);
    const struct vch_edi_ids c = rig_ids(s->rig, "op1.example", 4);
    struct vch_edi_sub_request rq = ask(s, "as1", &a, VCH_EDI_EV_ALL);
    struct vch_edi_selector sel = {.kind = VCH_EDI_MSISDN};
    struct vch_edi_sub sub;
    struct vch_edi_event ev;
    struct vch_edi_status st;
    struct book book = {&sub, 0};
    struct timespec now;
    bool gap;

    rq.events_max = 1;
    rq.initial_event = true;
    assert_vch_ok(vch_edi_subscribe(s->as1, &rq, &sub));
    rig_wait_notes(s->rig, 1);
    ev = verify(s, s->as1, 0, &book, &gap);
    assert_true(ev.initial);
    assert_int_equal(ev.type, VCH_EDI_EV_CONTRACT_TERMINATED); /* the first type that was asked */
    vch_edi_event_fini(&ev);
    rig_change(s->rig, VCH_NETSIM_SUSPEND, &a, NULL);
    rig_change(s->rig, VCH_NETSIM_RESUME, &a, NULL); /* one too many */
    rig_wait_notes(s->rig, 3);
    ev = verify(s, s->as1, 1, &book, &gap);
    vch_edi_event_fini(&ev);
    ev = verify(s, s->as1, 2, &book, &gap);
    assert_int_equal(ev.type, VCH_EDI_EV_SUBSCRIPTION_ENDED);
    assert_string_equal(ev.reason, "MAX_EVENTS_REACHED");
    vch_edi_event_fini(&ev);

    sub = subscribe(s, "as1", &b, VCH_EDI_EV_ALL);
    book.last_seq = 0;
    rig_change(s->rig, VCH_NETSIM_REVOKE_CONSENT, &b, "as1");
    rig_wait_notes(s->rig, 4);
    ev = verify(s, s->as1, 3, &book, &gap);
    assert_string_equal(ev.reason, "CONSENT_REVOKED");
    vch_edi_event_fini(&ev);
    snprintf(sel.text, sizeof sel.text, "%s", b.msisdn);
    assert_vch_err(vch_edi_retrieve(s->as1, &sel, VCH_EDI_F_ALL, &st), EDI_UNKNOWN);
    assert_vch_ok(vch_edi_retrieve(s->as2, &sel, VCH_EDI_F_ALL, &st)); /* its consent stays */
    vch_edi_status_fini(&st);

    clock_gettime(CLOCK_REALTIME, &now);
    rq = ask(s, "as1", &c, VCH_EDI_EV_ALL);
    rq.expires_ms = (int64_t)now.tv_sec * 1000 + 1500;
    assert_vch_ok(vch_edi_subscribe(s->as1, &rq, &sub));
    assert_int_equal(sub.expires.p, VCH_EDI_GIVEN);
    book.last_seq = 0;
    rig_wait_notes(s->rig, 5);
    ev = verify(s, s->as1, 4, &book, &gap);
    assert_string_equal(ev.reason, "SUBSCRIPTION_EXPIRED");
    vch_edi_event_fini(&ev);
    assert_int_equal(count(s, "SELECT COUNT(*) FROM usm_watch"), 0);
}

static void own_subscriptions_are_listed_in_pages(void **state)
{
    struct state *s = *state;
    struct vch_edi_sub list[4];
    char seen[VCH_EDI_REF_MAX + 1] = "";
    size_t n = 0, all = 0;
    bool more = true;

    for (size_t i = 0; i < 7; i++) {
        const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 2 * i);

        (void)subscribe(s, "as1", &ids, VCH_EDI_EV_ALL);
        if (i < 2) {
            (void)subscribe(s, "as2", &ids, VCH_EDI_EV_ALL);
        }
    }
    while (more) {
        assert_vch_ok(vch_edi_list(s->as1, seen, list, 4, &n, &more));
        assert_true(n > 0);
        for (size_t i = 0; i < n; i++) {
            assert_true(strcmp(seen, list[i].id) < 0);
            memcpy(seen, list[i].id, sizeof seen);
        }
        all += n;
    }
    assert_int_equal(all, 7);
    assert_vch_ok(vch_edi_list(s->as2, NULL, list, 4, &n, &more));
    assert_int_equal(n, 2);
    assert_false(more);
}

/* A termination that lies ahead is told at once and takes effect later. */
static void termination_ahead_is_told_at_once(void **state)
{
    struct state *s = *state;
    const struct vch_edi_ids ids = rig_ids(s->rig, "op1.example", 0);
    const struct vch_edi_sub sub = subscribe(s, "as1", &ids, VCH_EDI_EV_CONTRACT_TERMINATED);
    struct vch_edi_selector sel = {.kind = VCH_EDI_MSISDN};
    struct vch_netsim_order o = {.op = VCH_NETSIM_TERMINATE,
                                 .kind = VCH_NETSIM_MSISDN,
                                 .text = ids.msisdn,
                                 .reason = "moved"};
    struct book b = {&sub, 0};
    struct vch_edi_event ev;
    struct vch_edi_status st;
    struct timespec now;
    bool gap;

    clock_gettime(CLOCK_REALTIME, &now);
    o.effective_ms = (int64_t)now.tv_sec * 1000 + 86400000;
    assert_vch_ok(vch_netsim_ctl_change(rig_op(s->rig, "op1.example"), &o));
    rig_wait_notes(s->rig, 1);
    ev = verify(s, s->as1, 0, &b, &gap);
    assert_true(ev.effective_at_ms == o.effective_ms);
    assert_string_equal(ev.reason, "moved");
    vch_edi_event_fini(&ev);
    snprintf(sel.text, sizeof sel.text, "%s", ids.msisdn);
    assert_vch_ok(vch_edi_retrieve(s->as1, &sel, VCH_EDI_F_ALL, &st));
    assert_int_equal(st.status, VCH_EDI_PENDING_TERMINATE);
    assert_true(st.terminated_at.p == VCH_EDI_GIVEN && st.terminated_at.ms == o.effective_ms);
    vch_edi_status_fini(&st);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_change_arrives_once_and_in_order),
        T(only_true_and_new_notifications_count),
        T(outage_of_the_sink_loses_nothing),
        T(feed_is_read_in_pages),
        T(subscriptions_that_are_refused),
        T(modified_subscriptions_follow_the_new_setting),
        T(two_servers_share_a_watch_and_cancel_alone),
        T(sink_that_is_gone_ends_the_subscription),
        T(subscriptions_end_by_number_time_and_consent),
        T(own_subscriptions_are_listed_in_pages),
        T(termination_ahead_is_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
