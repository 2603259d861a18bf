/* Following up on accounts: notifications lost, repeated, out of order, ambiguous, unknown;
 * operators that are away; subscriptions. */
#include "world.h"

#include "vch_tmp.h"

static void watched(struct world *w, size_t n)
{
    w_until_audit(w, "subscribed", n);
    w_settled(w);
}

/* A counter of the double, which others may be moving. */
static unsigned count(struct world *w, const unsigned *counter)
{
    unsigned n;

    pthread_mutex_lock(&w->op.lock);
    n = *counter;
    pthread_mutex_unlock(&w->op.lock);
    return n;
}

static void set_status(struct world *w, struct account *a, enum vch_edi_contract_status s)
{
    pthread_mutex_lock(&w->op.lock);
    a->status.status = s;
    a->status.status_since.p = VCH_EDI_GIVEN;
    a->status.status_since.ms++;
    pthread_mutex_unlock(&w->op.lock);
}

/* The double is of use only if the plain way works with it. */
static void test_plain(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    assert_int_equal(count(&w, &w.op.retrieved), 1);
    watched(&w, 1);
    set_status(&w, a, VCH_EDI_SUSPENDED);
    w_event(a, VCH_EDI_EV_CONTRACT_STATUS_CHANGED);
    assert_int_equal(w_notify(&w, a, 1), 204);
    w_until_seq(&w, subject, 1);
    w_close(&w);
}

/* req-test: Y.2247-7.2.2-15 (duplicates give one entry; what comes late brings nothing old back) */
static void test_repeated_and_late(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    watched(&w, 1);
    set_status(&w, a, VCH_EDI_SUSPENDED);
    w_event(a, VCH_EDI_EV_CONTRACT_STATUS_CHANGED);
    assert_int_equal(w_notify(&w, a, 1), 204);
    w_until_seq(&w, subject, 1);
    set_status(&w, a, VCH_EDI_ACTIVE);
    w_event(a, VCH_EDI_EV_CONTRACT_STATUS_CHANGED);
    assert_int_equal(w_notify(&w, a, 2), 204);
    w_until_seq(&w, subject, 2);
    w_settled(&w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w_notify(&w, a, 2), 204);
        assert_int_equal(w_notify(&w, a, 1), 204);
    }
    w_settled(&w);
    assert_int_equal(w_seq(&w, subject), 2);
    assert_int_equal(w_audit(&w, "notification-repeated"), 6);
    w_close(&w);
}

/* Events that never arrived are pulled from the operator's feed. */
static void test_gap(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    watched(&w, 1);
    set_status(&w, a, VCH_EDI_SUSPENDED);
    for (int i = 0; i < 4; i++) {
        w_event(a, VCH_EDI_EV_CONTRACT_STATUS_CHANGED);
    }
    assert_int_equal(w_notify(&w, a, 4), 204);
    w_until_seq(&w, subject, 1);
    w_settled(&w);
    assert_int_equal(count(&w, &w.op.pulled), 1);
    assert_int_equal(count(&w, &w.op.pulled_after), 0);
    assert_int_equal(w_audit(&w, "events-pulled"), 1);
    assert_int_equal(w_notify(&w, a, 3), 204); /* it arrives after all */
    w_settled(&w);
    assert_int_equal(w_seq(&w, subject), 1);
    w_close(&w);
}

/* req-test: Y.2247-7.2.2-15 (by number, SIM or device: the same, newest record) */
static void test_each_kind_of_identity(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    watched(&w, 1);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        struct vch_edi_ids ids;

        memset(&ids, 0, sizeof ids);
        if (seq == 1) {
            (void)strcpy(ids.msisdn, a->status.ids.msisdn);
        } else if (seq == 2) {
            (void)strcpy(ids.iccid, a->status.ids.iccid);
        } else {
            (void)strcpy(ids.imei, a->status.ids.imei);
        }
        set_status(&w, a, seq % 2 == 1 ? VCH_EDI_SUSPENDED : VCH_EDI_ACTIVE);
        w_event(a, VCH_EDI_EV_CONTRACT_STATUS_CHANGED);
        assert_int_equal(w_notify_as(&w, a->sub.id, seq, VCH_EDI_EV_CONTRACT_STATUS_CHANGED, &ids),
                         204);
        w_until_seq(&w, subject, seq);
        w_settled(&w);
    }
    w_close(&w);
}

/* req-test: Y.2247-7.2.2-15 (a number that was given to somebody else changes nobody's record) */
static void test_recycled_number(void **state)
{
    struct world w;
    struct account *a, *b;
    uint8_t sa[16], sb[16];
    struct vch_edi_ids ids;

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    b = w_account(&w, 1);
    w_register(&w, a, sa);
    w_register(&w, b, sb);
    watched(&w, 2);
    set_status(&w, a, VCH_EDI_SUSPENDED);
    memset(&ids, 0, sizeof ids);
    (void)strcpy(ids.msisdn, b->status.ids.msisdn);
    w_event(a, VCH_EDI_EV_CONTRACT_STATUS_CHANGED);
    assert_int_equal(w_notify_as(&w, a->sub.id, 1, VCH_EDI_EV_CONTRACT_STATUS_CHANGED, &ids), 204);
    w_settled(&w);
    assert_int_equal(w_seq(&w, sa), 0);
    assert_int_equal(w_seq(&w, sb), 0);
    assert_int_equal(w_audit(&w, "notification-ambiguous"), 1);
    w_close(&w);
}

/* req-test: Y.2247-7.2.2-14 (an unknown kind of change is put to people) */
static void test_unknown_notifications(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];
    struct vch_edi_ids none;

    (void)state;
    memset(&none, 0, sizeof none);
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    watched(&w, 1);
    assert_int_equal(w_notify_as(&w, "nobody", 1, VCH_EDI_EV_CONTRACT_TERMINATED, &none), 410);
    assert_int_equal(w_audit(&w, "refused"), 1);
    assert_int_equal(w_notify_as(&w, a->sub.id, 1, 1u << 20, &none), 204);
    w_settled(&w);
    assert_int_equal(w_audit(&w, "notification-unknown-type"), 1);
    assert_int_equal(w_seq(&w, subject), 0);
    w_close(&w);
}

/* The operator is away when it counts: the notification waits, and is acted upon later. */
static void test_operator_away(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    watched(&w, 1);
    set_status(&w, a, VCH_EDI_TERMINATED);
    w_event(a, VCH_EDI_EV_CONTRACT_TERMINATED);
    pthread_mutex_lock(&w.op.lock);
    w.op.fail = VCH_E(EDI_UNREACHABLE);
    pthread_mutex_unlock(&w.op.lock);
    assert_int_equal(w_notify(&w, a, 1), 204);
    while (count(&w, &w.op.retrieved) < 2) {
        assert_int_equal(w_seq(&w, subject), 0);
        w_pause();
    }
    pthread_mutex_lock(&w.op.lock);
    w.op.fail = VCH_OK;
    pthread_mutex_unlock(&w.op.lock);
    w_until_seq(&w, subject, 1);
    w_until_audit(&w, "unsubscribed", 1);
    assert_int_equal(count(&w, &w.op.cancelled), 1);
    w_close(&w);
}

/* Nothing is endorsed on data that contradict themselves; people are told. */
static void test_contradiction(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    watched(&w, 1);
    w_event(a, VCH_EDI_EV_AREA_CHANGED);
    pthread_mutex_lock(&w.op.lock);
    w.op.fail = VCH_E(EDI_CONTRADICTION);
    pthread_mutex_unlock(&w.op.lock);
    assert_int_equal(w_notify(&w, a, 1), 204);
    w_until_audit(&w, "account-not-readable", 1);
    assert_int_equal(w_seq(&w, subject), 0);
    w_close(&w);
}

/* A subscription of before is found and taken over, not made twice. */
static void test_adopts_subscription(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    (void)w_account(&w, 1);
    a = w_account(&w, 0);
    w.op.duplicate = true;
    w_register(&w, a, subject);
    watched(&w, 1);
    assert_int_equal(count(&w, &w.op.subscribed), 0);
    assert_int_equal(count(&w, &w.op.modified), 1);
    set_status(&w, a, VCH_EDI_SUSPENDED);
    w_event(a, VCH_EDI_EV_CONTRACT_STATUS_CHANGED);
    assert_int_equal(w_notify(&w, a, 1), 204);
    w_until_seq(&w, subject, 1);
    w_close(&w);
}

static void short_life(struct vch_as_options *o)
{
    o->sub_life_s = 2;
}

static void test_renews_in_time(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, short_life);
    a = w_account(&w, 0);
    w_register(&w, a, subject);
    w_until_audit(&w, "subscribed", 1);
    for (;;) {
        if (count(&w, &w.op.modified) >= 2) {
            break;
        }
        w_pause();
    }
    assert_int_equal(count(&w, &w.op.subscribed), 1);
    w_close(&w);
}

static void often(struct vch_as_options *o)
{
    o->check_every_s = 1;
}

/* Changes of which nobody ever tells are found, many accounts in one question. */
static void test_sweep(void **state)
{
    struct world w;
    struct account *a[3];
    uint8_t subject[3][16];

    (void)state;
    w_open(&w, t_tmp_dir, often);
    for (unsigned i = 0; i < 3; i++) {
        a[i] = w_account(&w, i);
        w_register(&w, a[i], subject[i]);
    }
    w_until_audit(&w, "subscribed", 3);
    set_status(&w, a[0], VCH_EDI_SUSPENDED);
    set_status(&w, a[2], VCH_EDI_TERMINATED);
    w_until_seq(&w, subject[0], 1);
    w_until_seq(&w, subject[2], 1);
    assert_int_equal(w_seq(&w, subject[1]), 0);
    assert_true(count(&w, &w.op.batches) > 0);
    w_close(&w);
}

/* What happened between reading the account and subscribing is not missed. */
static void test_between_reading_and_subscribing(void **state)
{
    struct world w;
    struct account *a;
    uint8_t subject[16];

    (void)state;
    w_open(&w, t_tmp_dir, NULL);
    a = w_account(&w, 0);
    pthread_mutex_lock(&w.op.lock);
    w_event(a, VCH_EDI_EV_OWNER_CHANGED)->notified_at_ms += 1000000; /* later than any reading */
    pthread_mutex_unlock(&w.op.lock);
    w_register(&w, a, subject);
    w_until_audit(&w, "subscribed", 1);
    w_settled(&w);
    assert_true(count(&w, &w.op.retrieved) >= 2);
    w_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_repeated_and_late),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_each_kind_of_identity),
        cmocka_unit_test(test_recycled_number),
        cmocka_unit_test(test_unknown_notifications),
        cmocka_unit_test(test_operator_away),
        cmocka_unit_test(test_contradiction),
        cmocka_unit_test(test_adopts_subscription),
        cmocka_unit_test(test_renews_in_time),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_between_reading_and_subscribing),
    };
    return cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
}
