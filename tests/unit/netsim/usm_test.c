/* The subscription management: identifiers, look-ups, history, events of watched accounts. */
#include <unistd.h>

#include <vouch/netsim/usm.h>

#include "vch_test.h"

#define NOW 1800000000000LL
#define DAY 86400000LL

static const struct vch_netsim_numbering numbering = {"999", "01", "+99901", "8999901", "0010010"};

struct rig {
    char path[64];
    struct vch_netsim_db *db;
    struct vch_netsim_usm usm;
    struct vch_netsim_tx tx;
    int64_t account;
    struct vch_netsim_ids ids;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct vch_netsim_subscriber s = {.segment = "meters",
                                      .type = "Business",
                                      .start_ms = NOW - 100 * DAY,
                                      .end_ms = NOW + 100 * DAY};
    int fd;

    assert_non_null(r);
    vch_netsim_set(r->path, sizeof r->path, "/tmp/netsim-usm-XXXXXX");
    fd = mkstemp(r->path);
    assert_true(fd >= 0);
    close(fd);
    assert_vch_err(vch_netsim_db_create(r->path, &r->db), NETSIM_EXISTS);
    unlink(r->path);
    assert_vch_ok(vch_netsim_db_create(r->path, &r->db));
    r->usm = vch_netsim_usm(r->db);
    assert_vch_ok(vch_netsim_tx_begin(&r->tx, r->db));
    vch_netsim_line(&numbering, 1, 0, &s.ids);
    r->ids = s.ids;
    assert_vch_ok(vch_netsim_usm_add(r->db, NOW, &s, &r->account));
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    char path[80];

    vch_netsim_tx_end(&r->tx);
    vch_netsim_db_close(r->db);
    unlink(r->path);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s%s", r->path, i == 0 ? "-wal" : "-shm");
        unlink(path);
    }
    free(r);
    return 0;
}

static struct vch_netsim_account read_at(struct rig *r, int64_t now)
{
    struct vch_netsim_account a;

    assert_vch_ok(r->usm.read(r->usm.self, r->account, now, &a));
    return a;
}

static struct vch_netsim_change change(struct rig *r, enum vch_netsim_op op, int64_t effective)
{
    return (struct vch_netsim_change){.op = op, .account = r->account, .effective_ms = effective};
}

static void identifiers_are_well_formed(void **state)
{
    char text[64];

    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        struct vch_netsim_ids a, b;

        vch_netsim_line(&numbering, t_random(), i, &a);
        assert_vch_ok(vch_netsim_canon(VCH_NETSIM_MSISDN, a.msisdn, text, sizeof text));
        assert_string_equal(text, a.msisdn);
        assert_vch_ok(vch_netsim_canon(VCH_NETSIM_ICCID, a.iccid, text, sizeof text));
        assert_string_equal(text, a.iccid);
        assert_vch_ok(vch_netsim_canon(VCH_NETSIM_EID, a.eid, text, sizeof text));
        assert_string_equal(text, a.eid);
        assert_vch_ok(vch_netsim_canon(VCH_NETSIM_IMEI, a.imei, text, sizeof text));
        assert_string_equal(text, a.imei);
        assert_int_equal(strlen(a.imsi), 15);
        vch_netsim_line(&numbering, 7, i, &a);
        vch_netsim_line(&numbering, 7, i + 1, &b);
        assert_string_not_equal(a.imei, b.imei);
    }
    assert_vch_err(vch_netsim_canon(VCH_NETSIM_MSISDN, "*", text, sizeof text), NETSIM_ARGUMENT);
    assert_vch_err(vch_netsim_canon(VCH_NETSIM_IMEI, "", text, sizeof text), NETSIM_ARGUMENT);
}

static void every_identifier_finds_the_account(void **state)
{
    struct rig *r = *state;
    const struct {
        enum vch_netsim_kind kind;
        const char *text;
    } names[] = {{VCH_NETSIM_MSISDN, r->ids.msisdn},
                 {VCH_NETSIM_ICCID, r->ids.iccid},
                 {VCH_NETSIM_EID, r->ids.eid},
                 {VCH_NETSIM_IMEI, r->ids.imei}};
    int64_t id;

    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        id = 0;
        assert_vch_ok(r->usm.find(r->usm.self, names[i].kind, names[i].text, NOW, &id));
        assert_int_equal(id, r->account);
    }
    assert_vch_err(r->usm.find(r->usm.self, VCH_NETSIM_MSISDN, "+999015550000", NOW, &id),
                   NETSIM_UNKNOWN);
    assert_vch_err(r->usm.find(r->usm.self, VCH_NETSIM_MSISDN, r->ids.imei, NOW, &id),
                   NETSIM_UNKNOWN);
}

static void contract_goes_through_its_states(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_change c = change(r, VCH_NETSIM_RESUME, NOW);
    struct vch_netsim_account a;

    assert_vch_err(vch_netsim_usm_change(r->db, NOW, &c), NETSIM_STATE);
    c.op = VCH_NETSIM_SUSPEND;
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    assert_vch_err(vch_netsim_usm_change(r->db, NOW, &c), NETSIM_STATE);
    a = read_at(r, NOW);
    assert_string_equal(a.status, "suspended");
    assert_string_equal(a.data_service, "suspended");
    assert_true(a.since_ms == NOW);
    a = read_at(r, NOW - 1); /* history stays */
    assert_string_equal(a.status, "active");
    c.op = VCH_NETSIM_RESUME;
    c.effective_ms = NOW - 1;
    assert_vch_err(vch_netsim_usm_change(r->db, NOW, &c), NETSIM_STATE);
    c.effective_ms = NOW + 5;
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW + 5, &c));
    c.op = VCH_NETSIM_RENEW;
    c.time_ms = NOW + 900 * DAY;
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW + 6, &c));
    a = read_at(r, NOW + 6);
    assert_string_equal(a.status, "active");
    assert_true(a.end_ms == NOW + 900 * DAY && a.since_ms == NOW + 5);
    assert_true(a.terminated_ms == VCH_NETSIM_NEVER);
}

static void termination_ahead_is_pending_until_its_time(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_change c = change(r, VCH_NETSIM_TERMINATE, NOW + DAY);
    struct vch_netsim_account a;

    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    a = read_at(r, NOW);
    assert_string_equal(a.status, "pendingTerminate");
    assert_string_equal(a.bind_status, "BOUND");
    assert_true(a.terminated_ms == NOW + DAY);
    a = read_at(r, NOW + DAY);
    assert_string_equal(a.status, "terminated");
    assert_string_equal(a.bind_status, "UNBOUND");
    c = change(r, VCH_NETSIM_SWAP_DEVICE, NOW + 2 * DAY);
    vch_netsim_line(&numbering, 1, 1, &c.ids);
    assert_vch_err(vch_netsim_usm_change(r->db, NOW + 2 * DAY, &c), NETSIM_STATE);
}

static void old_identifiers_lead_nowhere_and_numbers_are_recycled(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_change c = change(r, VCH_NETSIM_SWAP_SIM, NOW);
    struct vch_netsim_subscriber s = {
        .segment = "meters", .type = "PAYM", .start_ms = NOW, .end_ms = VCH_NETSIM_NEVER};
    int64_t id = 0, second = 0;

    vch_netsim_line(&numbering, 1, 1, &c.ids);
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    assert_vch_err(r->usm.find(r->usm.self, VCH_NETSIM_ICCID, r->ids.iccid, NOW, &id),
                   NETSIM_UNKNOWN);
    assert_vch_ok(r->usm.find(r->usm.self, VCH_NETSIM_ICCID, c.ids.iccid, NOW, &id));
    /* another SIM with identifiers in use is refused; after the end the number goes to somebody */
    vch_netsim_line(&numbering, 1, 2, &s.ids);
    vch_netsim_set(s.ids.msisdn, sizeof s.ids.msisdn, r->ids.msisdn);
    assert_vch_err(vch_netsim_usm_add(r->db, NOW, &s, &second), NETSIM_EXISTS);
    c = change(r, VCH_NETSIM_TERMINATE, NOW);
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    assert_vch_ok(r->usm.find(r->usm.self, VCH_NETSIM_MSISDN, r->ids.msisdn, NOW, &id));
    assert_int_equal(id, r->account);
    assert_vch_ok(vch_netsim_usm_add(r->db, NOW, &s, &second));
    assert_vch_ok(r->usm.find(r->usm.self, VCH_NETSIM_MSISDN, r->ids.msisdn, NOW, &id));
    assert_int_equal(id, second);
}

/* req-test: Y.2247-9.1-2 */
static void each_change_of_a_watched_account_is_one_event(void **state)
{
    static const struct {
        enum vch_netsim_op op;
        unsigned kind;
    } ops[] = {{VCH_NETSIM_SWAP_DEVICE, VCH_NETSIM_EV_IMEI},
               {VCH_NETSIM_SWAP_SIM, VCH_NETSIM_EV_SIM},
               {VCH_NETSIM_CHANGE_NUMBER, VCH_NETSIM_EV_SIM},
               {VCH_NETSIM_CHANGE_OWNER, VCH_NETSIM_EV_OWNER},
               {VCH_NETSIM_RESTRICT_AREA, VCH_NETSIM_EV_AREA},
               {VCH_NETSIM_SUSPEND, VCH_NETSIM_EV_STATUS},
               {VCH_NETSIM_TERMINATE, VCH_NETSIM_EV_TERMINATED}};
    struct rig *r = *state;
    struct vch_netsim_usm_event ev;
    int64_t after = 0;

    struct vch_netsim_change c = change(r, VCH_NETSIM_CHANGE_OWNER, NOW);
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c)); /* not watched: nothing is told */
    assert_vch_err(r->usm.next(r->usm.self, 0, &ev), NETSIM_UNKNOWN);
    assert_vch_ok(r->usm.watch(r->usm.self, r->account, NOW));
    assert_vch_ok(r->usm.watch(r->usm.self, r->account, NOW));
    for (size_t i = 0; i < VCH_ARRAY_LEN(ops); i++) {
        c = change(r, ops[i].op, NOW + (int64_t)i);
        vch_netsim_line(&numbering, 1, 10 + i, &c.ids);
        c.text = "{\"areaType\":\"CIRCLE\"}";
        c.reason = "test";
        assert_vch_ok(vch_netsim_usm_change(r->db, NOW + (int64_t)i, &c));
        assert_vch_ok(r->usm.next(r->usm.self, after, &ev));
        assert_int_equal(ev.kind, ops[i].kind);
        assert_int_equal(ev.account, r->account);
        assert_true(ev.effective_ms == NOW + (int64_t)i && ev.id > after);
        assert_non_null(strstr(ev.detail, "\"reason\":\"test\""));
        after = ev.id;
        assert_vch_err(r->usm.next(r->usm.self, after, &ev), NETSIM_UNKNOWN);
    }
    assert_vch_ok(r->usm.unwatch(r->usm.self, r->account));
    c = change(r, VCH_NETSIM_CHANGE_OWNER, NOW + DAY);
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW + DAY, &c));
    assert_vch_err(r->usm.next(r->usm.self, after, &ev), NETSIM_UNKNOWN);
}

static void contracts_expire_once(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_account a;
    struct vch_netsim_usm_event ev;
    size_t n = 9;

    assert_vch_ok(r->usm.watch(r->usm.self, r->account, NOW));
    assert_vch_ok(vch_netsim_usm_expire(r->db, NOW, 10, &n));
    assert_int_equal(n, 0);
    assert_vch_ok(vch_netsim_usm_expire(r->db, NOW + 101 * DAY, 10, &n));
    assert_int_equal(n, 1);
    assert_vch_ok(vch_netsim_usm_expire(r->db, NOW + 101 * DAY, 10, &n));
    assert_int_equal(n, 0);
    a = read_at(r, NOW + 101 * DAY);
    assert_string_equal(a.status, "terminated");
    assert_true(a.terminated_ms == NOW + 100 * DAY);
    assert_vch_ok(r->usm.next(r->usm.self, 0, &ev));
    assert_int_equal(ev.kind, VCH_NETSIM_EV_STATUS);
    assert_non_null(strstr(ev.detail, "expired"));
}

static void consent_is_known_by_client(void **state)
{
    struct rig *r = *state;
    struct vch_netsim_change c = change(r, VCH_NETSIM_REVOKE_CONSENT, NOW);
    struct vch_netsim_q q = vch_netsim_q(
        r->db, "INSERT INTO client(id, scopes, active) VALUES('as1', '', 1), ('as2', '', 1)");
    bool yes = false;

    assert_vch_ok(vch_netsim_q_run(&q));
    c.text = "nobody";
    assert_vch_err(vch_netsim_usm_change(r->db, NOW, &c), NETSIM_ARGUMENT);
    c.text = "as1";
    assert_vch_ok(vch_netsim_usm_change(r->db, NOW, &c));
    assert_vch_ok(r->usm.consent(r->usm.self, r->account, "as1", &yes));
    assert_false(yes);
    assert_vch_ok(r->usm.consent(r->usm.self, r->account, "as2", &yes));
    assert_true(yes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_are_well_formed),
        cmocka_unit_test_setup_teardown(every_identifier_finds_the_account, setup, teardown),
        cmocka_unit_test_setup_teardown(contract_goes_through_its_states, setup, teardown),
        cmocka_unit_test_setup_teardown(termination_ahead_is_pending_until_its_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(old_identifiers_lead_nowhere_and_numbers_are_recycled,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(each_change_of_a_watched_account_is_one_event, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(contracts_expire_once, setup, teardown),
        cmocka_unit_test_setup_teardown(consent_is_known_by_client, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
