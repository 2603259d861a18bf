/* Terms of contracts over time, sequence numbers, verdicts.
 * req-test: Y.2247-7.2.3-9 */
#include "vch_test.h"

#include <vouch/verify/item.h>
#include <vouch/verify/term.h>

static struct vch_verify_record line[4];
static const uint8_t registration[] = {1, 2, 3};

static void record(size_t seq, int64_t effective, int64_t start, int64_t end, int64_t terminated,
                   enum vch_standing standing)
{
    line[seq] = (struct vch_verify_record){.good = true};
    line[seq].e.seq = seq;
    line[seq].e.action = seq == 0 ? VCH_ACTION_REGISTER : VCH_ACTION_UPDATE;
    line[seq].e.effective_at_ms = effective;
    line[seq].e.registration = VCH_BYTES_OF(registration);
    line[seq].term = (struct vch_verify_term){true, VCH_OK, start, end, terminated, standing};
}

static struct vch_verify_chain chain(size_t cited, size_t count)
{
    return (struct vch_verify_chain){&line[cited], line, count};
}

static void expect_at(const struct vch_verify_chain *c, int64_t t, uint32_t code)
{
    vch_err e = vch_verify_term_at(c, t);

    if (e.code != code) {
        fail_msg("at %lld: %s", (long long)t, vch_err_info(e)->slug);
    }
}

static void test_term__holds_its_start_and_not_its_end(void **state)
{
    struct vch_verify_chain c = chain(0, 1);

    (void)state;
    record(0, 100, 50, 200, INT64_MAX, VCH_STANDING_GOOD);
    expect_at(&c, 49, VCH_E_OUTSIDE_TERM_CODE);
    expect_at(&c, 50, 0);
    expect_at(&c, 199, 0);
    expect_at(&c, 200, VCH_E_OUTSIDE_TERM_CODE);
    assert_int_equal(vch_verify_term_over(&c, 100, 199), VCH_TERM_ALL);
    assert_int_equal(vch_verify_term_over(&c, 100, 200), VCH_TERM_PART);
    assert_int_equal(vch_verify_term_over(&c, 0, 60), VCH_TERM_PART);
    assert_int_equal(vch_verify_term_over(&c, 200, 900), VCH_TERM_NOWHERE);
    record(0, 100, 50, 200, 150, VCH_STANDING_GOOD);
    expect_at(&c, 149, 0);
    expect_at(&c, 150, VCH_E_OUTSIDE_TERM_CODE);
}

static void test_term__later_record_governs_from_its_effect(void **state)
{
    struct vch_verify_chain c = chain(0, 3);

    (void)state;
    record(0, 100, 0, INT64_MAX, INT64_MAX, VCH_STANDING_GOOD);
    record(1, 200, 0, INT64_MAX, INT64_MAX, VCH_STANDING_SUSPENDED);
    record(2, 300, 0, INT64_MAX, INT64_MAX, VCH_STANDING_GOOD);
    expect_at(&c, 199, 0);
    expect_at(&c, 200, VCH_E_SUSPENDED_CODE);
    expect_at(&c, 299, VCH_E_SUSPENDED_CODE);
    expect_at(&c, 300, 0);
    assert_int_equal(vch_verify_term_over(&c, 100, 400), VCH_TERM_PART);
    assert_int_equal(vch_verify_term_over(&c, 300, 400), VCH_TERM_ALL);
    assert_int_equal(vch_verify_term_over(&c, 210, 220), VCH_TERM_NOWHERE);
}

static void test_term__end_told_late_counts_from_when_it_came(void **state)
{
    struct vch_verify_chain c = chain(0, 2);

    (void)state;
    record(0, 100, 0, 1000, INT64_MAX, VCH_STANDING_GOOD);
    record(1, 500, 0, 1000, 300, VCH_STANDING_ENDED);
    expect_at(&c, 299, 0);
    expect_at(&c, 300, VCH_E_OUTSIDE_TERM_CODE);
    expect_at(&c, 499, VCH_E_OUTSIDE_TERM_CODE);
    expect_at(&c, 500, VCH_E_OUTSIDE_TERM_CODE);
}

/* A renewed contract does not reach back into the gap before it. */
static void test_term__renewal_after_a_gap(void **state)
{
    struct vch_verify_chain c = chain(0, 2);

    (void)state;
    record(0, 0, 0, 100, INT64_MAX, VCH_STANDING_GOOD);
    record(1, 150, 150, 300, INT64_MAX, VCH_STANDING_GOOD);
    expect_at(&c, 99, 0);
    expect_at(&c, 120, VCH_E_OUTSIDE_TERM_CODE);
    expect_at(&c, 150, 0);
    expect_at(&c, 300, VCH_E_OUTSIDE_TERM_CODE);
}

static void test_term__retirement_and_what_does_not_count(void **state)
{
    struct vch_verify_chain c = chain(1, 3);

    (void)state;
    record(0, 0, 0, 50, INT64_MAX, VCH_STANDING_GOOD); /* earlier than the cited one */
    record(1, 100, 0, INT64_MAX, INT64_MAX, VCH_STANDING_GOOD);
    record(2, 200, 0, INT64_MAX, INT64_MAX, VCH_STANDING_GOOD);
    line[2].e.action = VCH_ACTION_RETIRE;
    expect_at(&c, 150, 0);
    expect_at(&c, 200, VCH_E_OUTSIDE_TERM_CODE);
    line[2].good = false; /* an unproven record vetoes nothing */
    expect_at(&c, 200, 0);
    line[2].good = true;
    line[2].ledger = 7; /* nor does one of another ledger */
    expect_at(&c, 200, 0);
}

/* Over any span the answer is what asking every moment gives. */
static void test_term__span_agrees_with_every_moment(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        size_t n = 1 + t_random() % 4;
        struct vch_verify_chain c = chain(0, n);
        int64_t lo = (int64_t)(t_random() % 40), hi = lo + (int64_t)(t_random() % 20);
        size_t in = 0, out = 0;
        enum vch_term_over over;

        for (size_t i = 0; i < n; i++) {
            int64_t start = (int64_t)(t_random() % 30), end = start + (int64_t)(t_random() % 40);

            record(i, (int64_t)(t_random() % 50), start, t_random() % 2 ? end : INT64_MAX,
                   t_random() % 3 ? INT64_MAX : (int64_t)(t_random() % 50),
                   t_random() % 4 ? VCH_STANDING_GOOD : VCH_STANDING_SUSPENDED);
        }
        for (int64_t t = lo; t <= hi; t++) {
            bool good = vch_ok(vch_verify_term_at(&c, t));

            in += good;
            out += !good;
        }
        over = out == 0 ? VCH_TERM_ALL : in == 0 ? VCH_TERM_NOWHERE : VCH_TERM_PART;
        assert_int_equal(vch_verify_term_over(&c, lo, hi), over);
    }
}

/* req-test: Y.2247-10.1-3, Y.2247-10.1-8 */
static void test_sequence__gaps_duplicates_and_replays(void **state)
{
    struct vch_verify_seq s[7];
    struct vch_verify_gaps gaps;
    size_t failed = 0, duplicates = 0;

    (void)state;
    memset(s, 0, sizeof(s));
    for (uint32_t i = 0; i < 7; i++) {
        s[i].position = i;
        s[i].seq = i;
        s[i].item.b[0] = (uint8_t)(i + 1);
    }
    s[2].seq = 9; /* 2 is missing, 7 and 8 are */
    s[4] = s[3];  /* the same item again */
    s[4].position = 4;
    s[6].seq = 5; /* another item under 5 */
    vch_verify_sequence(s, 7, &gaps);
    for (size_t i = 0; i < 7; i++) {
        failed += s[i].step.state == VCH_STEP_FAIL;
        duplicates += s[i].duplicate;
        if (s[i].step.state == VCH_STEP_FAIL) {
            assert_int_equal(s[i].seq, 5);
        }
    }
    assert_int_equal(failed, 2);
    assert_int_equal(duplicates, 1);
    assert_int_equal(gaps.devices, 1);
    assert_int_equal(gaps.missing, 1 + 1 + 3); /* 2, 4, and 6 to 8 */
}

static void test_verdict__failure_then_ignorance_then_validity(void **state)
{
    struct vch_verify_report r;
    enum vch_step step;

    (void)state;
    memset(&r, 0, sizeof(r));
    assert_int_equal(vch_verify_verdict(&r, &step), VCH_VERDICT_UNKNOWN);
    for (unsigned i = 0; i < VCH_STEPS; i++) {
        r.step[i].state = VCH_STEP_PASS;
    }
    assert_int_equal(vch_verify_verdict(&r, &step), VCH_VERDICT_VALID);
    assert_int_equal(step, VCH_STEPS);
    /* Every necessary step is one: left out, nothing is valid. */
    for (unsigned i = 0; i < VCH_STEPS; i++) {
        bool optional = i == VCH_STEP_DATA || i == VCH_STEP_SEQUENCE;

        r.step[i].state = VCH_STEP_NOT_CHECKED;
        assert_int_equal(vch_verify_verdict(&r, &step),
                         optional ? VCH_VERDICT_VALID : VCH_VERDICT_UNKNOWN);
        r.step[i].state = VCH_STEP_UNKNOWN;
        assert_int_equal(vch_verify_verdict(&r, &step), VCH_VERDICT_UNKNOWN);
        r.step[i].state = VCH_STEP_FAIL;
        assert_int_equal(vch_verify_verdict(&r, &step), VCH_VERDICT_INVALID);
        assert_int_equal(step, i);
        r.step[i].state = VCH_STEP_PASS;
    }
    assert_int_equal(vch_verify_worse(VCH_VERDICT_VALID, VCH_VERDICT_UNKNOWN), VCH_VERDICT_UNKNOWN);
    assert_int_equal(vch_verify_worse(VCH_VERDICT_UNKNOWN, VCH_VERDICT_INVALID),
                     VCH_VERDICT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_term__holds_its_start_and_not_its_end),
        cmocka_unit_test(test_term__later_record_governs_from_its_effect),
        cmocka_unit_test(test_term__end_told_late_counts_from_when_it_came),
        cmocka_unit_test(test_term__renewal_after_a_gap),
        cmocka_unit_test(test_term__retirement_and_what_does_not_count),
        cmocka_unit_test(test_term__span_agrees_with_every_moment),
        cmocka_unit_test(test_sequence__gaps_duplicates_and_replays),
        cmocka_unit_test(test_verdict__failure_then_ignorance_then_validity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
