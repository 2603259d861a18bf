/* What the AS concludes from an account. */
#include <vouch/as/standing.h>

#include "vch_test.h"

#define NOW INT64_C(1700000000000)

static const struct vch_as_policy strict = {.sim_swap_suspends = true};
static const struct vch_as_policy lenient = {.sim_swap_suspends = false};

static struct vch_edi_status account(void)
{
    struct vch_edi_status a;

    memset(&a, 0, sizeof a);
    a.status = VCH_EDI_ACTIVE;
    a.last_checked_ms = NOW - 10;
    a.start = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 1000000};
    a.end = (struct vch_edi_when){VCH_EDI_NULL, 0};
    a.terminated_at = (struct vch_edi_when){VCH_EDI_NULL, 0};
    a.status_since = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 1000000};
    (void)strcpy(a.ids.imei, "490154203237518");
    (void)strcpy(a.ids.iccid, "89999000000000000017");
    (void)strcpy(a.ids.msisdn, "+99912345678");
    (void)strcpy(a.owner_ref, "owner-1");
    return a;
}

static struct vch_as_verdict judge(const struct vch_as_policy *policy, enum vch_standing standing,
                                   bool broken, const struct vch_edi_status *was,
                                   const struct vch_edi_status *is)
{
    struct vch_as_known known = {
        .standing = standing, .broken = broken, .ids = account().ids, .account = was};
    struct vch_as_seen seen = {
        .account = is, .mismatched = vch_as_ids_differ(&known.ids, is), .now_ms = NOW};
    struct vch_as_verdict v;

    vch_as_judge(policy, &known, &seen, &v);
    return v;
}

static void expect(struct vch_as_verdict v, enum vch_standing standing, enum vch_action action,
                   const char *reason)
{
    assert_true(v.changed);
    assert_int_equal(v.standing, standing);
    assert_int_equal(v.action, action);
    assert_string_equal(v.reason, reason);
}

static void test_unchanged(void **state)
{
    struct vch_edi_status was = account(), is = account();

    (void)state;
    is.last_checked_ms = NOW;
    is.history_from = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 5};
    assert_false(judge(&strict, VCH_STANDING_GOOD, false, &was, &is).changed);
}

/* req-test: Y.2247-7.2.2-12 */
static void test_termination(void **state)
{
    struct vch_edi_status was = account(), is = account();
    struct vch_as_verdict v;

    (void)state;
    is.status = VCH_EDI_TERMINATED;
    is.terminated_at = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 500};
    v = judge(&strict, VCH_STANDING_GOOD, false, &was, &is);
    expect(v, VCH_STANDING_ENDED, VCH_ACTION_RETIRE, "contract-terminated");
    assert_int_equal(v.effective_ms, NOW - 500);
    is.status = VCH_EDI_CANCELLED;
    expect(judge(&strict, VCH_STANDING_SUSPENDED, true, &was, &is), VCH_STANDING_ENDED,
           VCH_ACTION_RETIRE, "contract-terminated");
}

/* A termination announced for later invalidates nothing before it, and is looked at again then. */
static void test_scheduled_termination(void **state)
{
    struct vch_edi_status was = account(), is = account();
    struct vch_as_verdict v;

    (void)state;
    is.status = VCH_EDI_PENDING_TERMINATE;
    is.terminated_at = (struct vch_edi_when){VCH_EDI_GIVEN, NOW + 60000};
    v = judge(&strict, VCH_STANDING_GOOD, false, &was, &is);
    expect(v, VCH_STANDING_GOOD, VCH_ACTION_UPDATE, "termination-scheduled");
    assert_int_equal(v.effective_ms, NOW + 60000);
    assert_int_equal(vch_as_account_turn(&is, NOW), NOW + 60000);
    assert_int_equal(vch_as_account_turn(&is, NOW + 60000), 0);
    assert_false(judge(&strict, VCH_STANDING_GOOD, false, &is, &is).changed);
}

/* req-test: Y.2247-7.2.2-14 */
static void test_suspend_and_resume(void **state)
{
    struct vch_edi_status was = account(), is = account();
    struct vch_as_verdict v;

    (void)state;
    is.status = VCH_EDI_SUSPENDED;
    is.status_since = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 77};
    v = judge(&strict, VCH_STANDING_GOOD, false, &was, &is);
    expect(v, VCH_STANDING_SUSPENDED, VCH_ACTION_UPDATE, "contract-suspended");
    assert_int_equal(v.effective_ms, NOW - 77);
    was = is;
    is = account();
    is.status_since = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 7};
    v = judge(&strict, VCH_STANDING_SUSPENDED, false, &was, &is);
    expect(v, VCH_STANDING_GOOD, VCH_ACTION_UPDATE, "contract-resumed");
    assert_int_equal(v.effective_ms, NOW - 7);
}

static void test_renewal_and_area(void **state)
{
    struct vch_edi_status was = account(), is = account();

    (void)state;
    is.end = (struct vch_edi_when){VCH_EDI_GIVEN, NOW + 1000000};
    expect(judge(&strict, VCH_STANDING_GOOD, false, &was, &is), VCH_STANDING_GOOD,
           VCH_ACTION_UPDATE, "contract-renewed");
    is = account();
    is.area_p = VCH_EDI_GIVEN;
    (void)strcpy(is.area, "{\"areaType\":\"CIRCLE\"}");
    expect(judge(&strict, VCH_STANDING_GOOD, false, &was, &is), VCH_STANDING_GOOD,
           VCH_ACTION_UPDATE, "area-changed");
}

/* req-test: Y.2247-7.2.2-13 (a key held in the old device does not stay good, nor comes back by
 * itself) */
static void test_broken_bindings(void **state)
{
    struct vch_edi_status was = account(), is = account();
    struct vch_as_verdict v;

    (void)state;
    (void)strcpy(is.ids.imei, "356938035643809");
    is.bound_since = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 3};
    v = judge(&strict, VCH_STANDING_GOOD, false, &was, &is);
    expect(v, VCH_STANDING_SUSPENDED, VCH_ACTION_UPDATE, "imei-changed");
    assert_true(v.broken);
    assert_int_equal(v.effective_ms, NOW - 3);

    v = judge(&strict, VCH_STANDING_SUSPENDED, true, &is, &was); /* the old device is back */
    assert_true(v.changed);
    assert_int_equal(v.standing, VCH_STANDING_SUSPENDED);
    assert_true(v.broken);

    is = account();
    (void)strcpy(is.ids.msisdn, "+99900000000");
    expect(judge(&strict, VCH_STANDING_GOOD, false, &was, &is), VCH_STANDING_SUSPENDED,
           VCH_ACTION_UPDATE, "number-changed");
    is = account();
    (void)strcpy(is.owner_ref, "owner-2");
    is.owner_since = (struct vch_edi_when){VCH_EDI_GIVEN, NOW - 2};
    v = judge(&strict, VCH_STANDING_GOOD, false, &was, &is);
    expect(v, VCH_STANDING_SUSPENDED, VCH_ACTION_UPDATE, "owner-changed");
    assert_int_equal(v.effective_ms, NOW - 2);
}

static void test_sim_swap_is_policy(void **state)
{
    struct vch_edi_status was = account(), is = account();

    (void)state;
    (void)strcpy(is.ids.iccid, "89999000000000000025");
    expect(judge(&strict, VCH_STANDING_GOOD, false, &was, &is), VCH_STANDING_SUSPENDED,
           VCH_ACTION_UPDATE, "sim-changed");
    expect(judge(&lenient, VCH_STANDING_GOOD, false, &was, &is), VCH_STANDING_GOOD,
           VCH_ACTION_UPDATE, "sim-changed");
}

/* What the operator withholds is no contradiction, what it lacks is one. */
static void test_withheld(void **state)
{
    struct vch_edi_status is = account();
    struct vch_edi_ids ids = account().ids;

    (void)state;
    is.ids.imei[0] = '\0';
    assert_int_equal(vch_as_ids_differ(&ids, &is), VCH_EDI_IMEI);
    is.withheld.ids = VCH_EDI_IMEI;
    assert_int_equal(vch_as_ids_differ(&ids, &is), 0);
    assert_int_equal(vch_as_ids_withheld(&ids, &is), VCH_EDI_IMEI);
}

static void refuse(const struct vch_edi_status *a, unsigned mismatched, const char *why)
{
    struct vch_as_seen seen = {.account = a, .mismatched = mismatched, .now_ms = NOW};
    const char *got = "";

    assert_vch_err(vch_as_account_admit(&seen, &got), AS_IDENTITY);
    assert_string_equal(got, why);
}

/* req-test: Y.2247-7.2.2-4 (each cause of a refusal is told apart inside) */
static void test_admission(void **state)
{
    struct vch_edi_status a = account();
    struct vch_as_seen seen = {.account = &a, .now_ms = NOW};
    const char *why;

    (void)state;
    assert_vch_ok(vch_as_account_admit(&seen, &why));
    refuse(&a, VCH_EDI_IMEI, "imei-mismatch");
    refuse(&a, VCH_EDI_ICCID, "identifier-mismatch");
    a.status = VCH_EDI_SUSPENDED;
    refuse(&a, 0, "account-suspended");
    a.status = VCH_EDI_TERMINATED;
    refuse(&a, 0, "account-terminated");
    a.status = VCH_EDI_PENDING_ACTIVE;
    refuse(&a, 0, "account-not-started");
    a.status = VCH_EDI_STATUS_ABSENT;
    refuse(&a, 0, "account-not-started");
    a = account();
    a.start.ms = NOW + 1;
    refuse(&a, 0, "contract-not-started");
    a = account();
    a.end = (struct vch_edi_when){VCH_EDI_GIVEN, NOW};
    refuse(&a, 0, "contract-expired");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unchanged),
        cmocka_unit_test(test_termination),
        cmocka_unit_test(test_scheduled_termination),
        cmocka_unit_test(test_suspend_and_resume),
        cmocka_unit_test(test_renewal_and_area),
        cmocka_unit_test(test_broken_bindings),
        cmocka_unit_test(test_sim_swap_is_policy),
        cmocka_unit_test(test_withheld),
        cmocka_unit_test(test_admission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
