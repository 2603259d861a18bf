/* Client and operators over real sockets: who may ask, and what is told and believed. */
#include "netsim_rig.h"

static struct rig *rig;
static struct vch_edi *as1, *as1_op2, *as2;

static int setup(void **state)
{
    (void)state;
    rig = rig_open("    token-life: 2s\n");
    as1 = rig_edi(rig, "op1.example", "as1");
    as1_op2 = rig_edi(rig, "op2.example", "as1");
    as2 = rig_edi(rig, "op1.example", "as2");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vch_edi_close(as1);
    vch_edi_close(as1_op2);
    vch_edi_close(as2);
    rig_close(rig);
    return 0;
}

static struct vch_edi_selector by(enum vch_edi_kind kind, const char *text)
{
    struct vch_edi_selector s = {.kind = kind};

    snprintf(s.text, sizeof s.text, "%s", text);
    return s;
}

/* req-test: Y.2247-8.4-1, Y.2247-9.1-1 */
static void status_by_each_identifier(void **state)
{
    const struct vch_edi_ids ids = rig_ids(rig, "op1.example", 0);
    const struct vch_edi_selector sels[] = {by(VCH_EDI_MSISDN, ids.msisdn),
                                            by(VCH_EDI_ICCID, ids.iccid), by(VCH_EDI_EID, ids.eid),
                                            by(VCH_EDI_IMEI, ids.imei)};
    char ref[VCH_EDI_REF_MAX + 1] = "";

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(sels); i++) {
        VCH_AUTO(vch_edi_status_fini) struct vch_edi_status s;

        assert_vch_ok(vch_edi_retrieve(as1, &sels[i], VCH_EDI_F_ALL, &s));
        assert_int_equal(s.status, VCH_EDI_ACTIVE);
        assert_string_equal(s.ids.msisdn, ids.msisdn);
        assert_string_equal(s.ids.iccid, ids.iccid);
        assert_string_equal(s.ids.eid, ids.eid);
        assert_string_equal(s.ids.imei, ids.imei);
        assert_string_equal(s.bind_status, "BOUND");
        assert_string_equal(s.contract_type, "Business");
        assert_string_equal(s.data_service, "active");
        assert_int_equal(s.start.p, VCH_EDI_GIVEN);
        assert_int_equal(s.end.p, VCH_EDI_GIVEN);
        assert_true(s.end.ms > s.start.ms);
        assert_int_equal(s.terminated_at.p, VCH_EDI_NULL);
        assert_int_equal(s.area_p, VCH_EDI_NULL);
        assert_int_equal(s.history_from.p, VCH_EDI_GIVEN);
        assert_true(strlen(s.owner_ref) > 0);
        assert_int_equal(s.withheld.ids, 0);
        assert_true(s.evidence.n > 100);
        assert_true(i == 0 || strcmp(ref, s.account_ref) == 0);
        snprintf(ref, sizeof ref, "%s", s.account_ref);
    }
    /* and by the reference that the first answers gave */
    struct vch_edi_selector again = by(VCH_EDI_ACCOUNT, ref);
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status s;
    assert_vch_ok(vch_edi_retrieve(as1, &again, VCH_EDI_F_CONTRACT, &s));
    assert_int_equal(s.status, VCH_EDI_ACTIVE);
    assert_string_equal(s.ids.msisdn, "");
}

static void references_are_pairwise_and_imsi_stays(void **state)
{
    const struct vch_edi_ids ids = rig_ids(rig, "op1.example", 0);
    const struct vch_edi_selector sel = by(VCH_EDI_MSISDN, ids.msisdn);
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status a;
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status b;
    struct vch_edi_selector foreign;
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status c;
    char body[160], answer[8192];
    struct rig_call raw = {.cert = "as1", .path = "/divs-account-status/v0/retrieve", .body = body};

    (void)state;
    memset(&c, 0, sizeof c);
    assert_vch_ok(vch_edi_retrieve(as1, &sel, VCH_EDI_F_ALL, &a));
    assert_vch_ok(vch_edi_retrieve(as2, &sel, VCH_EDI_F_ALL, &b));
    assert_string_not_equal(a.account_ref, b.account_ref);
    assert_string_not_equal(a.owner_ref, b.owner_ref);
    foreign = by(VCH_EDI_ACCOUNT, a.account_ref);
    assert_vch_err(vch_edi_retrieve(as2, &foreign, VCH_EDI_F_ALL, &c), EDI_UNKNOWN);
    raw.token = rig_token(rig, "as1");
    snprintf(body, sizeof body, "{\"device\":{\"phoneNumber\":\"%s\"}}", ids.msisdn);
    assert_int_equal(rig_raw(rig, &raw, answer, sizeof answer), 200);
    assert_null(strstr(answer, "imsi"));
    /* the IMSI of this line: MCC, MNC and the serial number of its other identifiers */
    snprintf(body, sizeof body, "99901000%s", ids.msisdn + 6);
    assert_null(strstr(answer, body));
}

static void one_operator_matches_but_does_not_tell(void **state)
{
    const struct vch_edi_ids ids = rig_ids(rig, "op2.example", 3);
    const struct vch_edi_selector sel = by(VCH_EDI_ICCID, ids.iccid);
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status s;
    VCH_AUTO(vch_edi_match_fini) struct vch_edi_match m;
    VCH_AUTO(vch_edi_match_fini) struct vch_edi_match wrong;
    struct vch_edi_ids mixed = ids;

    (void)state;
    assert_vch_ok(vch_edi_retrieve(as1_op2, &sel, VCH_EDI_F_ALL, &s));
    assert_string_equal(s.ids.imei, "");
    assert_string_equal(s.ids.msisdn, "");
    assert_string_equal(s.ids.iccid, ids.iccid);
    assert_string_equal(s.owner_ref, "");
    assert_int_equal(s.withheld.ids, VCH_EDI_IMEI | VCH_EDI_MSISDN);
    assert_int_equal(s.withheld.groups, VCH_EDI_F_OWNER);
    assert_vch_ok(vch_edi_match(as1_op2, &ids, &m));
    assert_int_equal(m.asked, 15);
    assert_int_equal(m.matched, 15);
    mixed = rig_ids(rig, "op2.example", 4);
    snprintf(mixed.msisdn, sizeof mixed.msisdn, "%s", ids.msisdn);
    assert_vch_ok(vch_edi_match(as1_op2, &mixed, &wrong));
    assert_int_equal(wrong.matched, VCH_EDI_MSISDN);
    assert_string_equal(wrong.account_ref, s.account_ref);
}

/* req-test: Y.2247-7.2.2-2 (an identity that does not exist and one not ours look the same) */
static void unknown_and_not_entitled_look_the_same(void **state)
{
    const struct vch_edi_ids tracker = rig_ids(rig, "op1.example", 1); /* not for as2 */
    char body[160], a[4096], b[4096];
    struct rig_call raw = {.cert = "as2", .path = "/divs-account-status/v0/retrieve", .body = body};
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status s;
    const struct vch_edi_selector sel = by(VCH_EDI_MSISDN, tracker.msisdn);

    (void)state;
    raw.token = rig_token(rig, "as2");
    snprintf(body, sizeof body, "{\"device\":{\"phoneNumber\":\"%s\"}}", tracker.msisdn);
    assert_int_equal(rig_raw(rig, &raw, a, sizeof a), 404);
    snprintf(body, sizeof body, "{\"device\":{\"phoneNumber\":\"+9990155500000\"}}");
    assert_int_equal(rig_raw(rig, &raw, b, sizeof b), 404);
    assert_string_equal(a, b);
    assert_non_null(strstr(a, "IDENTIFIER_NOT_FOUND"));
    memset(&s, 0, sizeof s);
    assert_vch_err(vch_edi_retrieve(as2, &sel, VCH_EDI_F_ALL, &s), EDI_UNKNOWN);
}

static void batch_answers_one_by_one(void **state)
{
    const struct vch_edi_ids a = rig_ids(rig, "op1.example", 0), b = rig_ids(rig, "op1.example", 2);
    const struct vch_edi_selector sels[] = {by(VCH_EDI_MSISDN, a.msisdn),
                                            by(VCH_EDI_MSISDN, "+9990155500000"),
                                            by(VCH_EDI_IMEI, b.imei)};
    struct vch_edi_status s[3];
    vch_err errs[3];

    (void)state;
    assert_vch_ok(vch_edi_retrieve_batch(as1, sels, 3, VCH_EDI_F_BINDING, errs, s));
    assert_vch_ok(errs[0]);
    assert_vch_err(errs[1], EDI_UNKNOWN);
    assert_vch_ok(errs[2]);
    assert_string_equal(s[0].ids.imei, a.imei);
    assert_string_equal(s[2].ids.msisdn, b.msisdn);
    vch_edi_status_fini(&s[0]);
    vch_edi_status_fini(&s[2]);
    assert_vch_err(vch_edi_retrieve_batch(as1, sels, 0, VCH_EDI_F_ALL, errs, s), LIMIT);
}

/* req-test: Y.2247-8.4-1 (an AS that is not authorised gets nothing) */
static void certificates_and_tokens_belong_together(void **state)
{
    const struct vch_edi_ids ids = rig_ids(rig, "op1.example", 0);
    char body[160], answer[8192], token[4096], altered[4096];
    struct rig_call c = {.cert = "as1", .path = "/divs-account-status/v0/retrieve", .body = body};
    struct rig_call t = {.path = "/oauth2/token",
                         .media = "application/x-www-form-urlencoded",
                         .body = "grant_type=client_credentials&client_id=as1"};

    (void)state;
    snprintf(body, sizeof body, "{\"device\":{\"phoneNumber\":\"%s\"}}", ids.msisdn);
    snprintf(token, sizeof token, "%s", rig_token(rig, "as1"));
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 401); /* no token */
    c.token = token;
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 200);
    c.cert = "as2"; /* stolen: over another connection it is worth nothing */
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 401);
    c.cert = "stranger";
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 401);
    c.cert = NULL;
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 403);
    c.cert = "foreign"; /* of another CA: the connection itself fails, or is refused */
    assert_true(rig_raw(rig, &c, answer, sizeof answer) != 200);
    c.cert = "as1";
    snprintf(altered, sizeof altered, "%s", token);
    altered[strlen(altered) - 5] = altered[strlen(altered) - 5] == 'A' ? 'B' : 'A';
    c.token = altered;
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 401);
    c.token = token;
    c.port = rig->port2; /* another operator's token */
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 401);
    t.cert = "as2"; /* as1 is not as2 */
    assert_int_equal(rig_raw(rig, &t, answer, sizeof answer), 401);
    t.cert = "stranger";
    assert_int_equal(rig_raw(rig, &t, answer, sizeof answer), 401);
    t.cert = "as1";
    t.body = "grant_type=password&client_id=as1";
    assert_int_equal(rig_raw(rig, &t, answer, sizeof answer), 400);
    t.body = "grant_type=client_credentials&client_id=as1&scope=admin";
    assert_int_equal(rig_raw(rig, &t, answer, sizeof answer), 400);
    t.body = "grant_type=client_credentials&client_id=as1"
             "&scope=divs-account-status%3Amatch+divs-account-status:match";
    assert_int_equal(rig_raw(rig, &t, answer, sizeof answer), 200);
    {
        json_t *o = json_loads(answer, 0, NULL);

        snprintf(altered, sizeof altered, "%s",
                 json_string_value(json_object_get(o, "access_token")));
        json_decref(o);
    }
    c.port = 0;
    c.token = altered; /* a token for less */
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 403);
    c.path = "/divs-account-status/v0/match";
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 200);
}

static void tokens_end_and_the_client_gets_new_ones(void **state)
{
    const struct vch_edi_ids ids = rig_ids(rig, "op1.example", 0);
    const struct vch_edi_selector sel = by(VCH_EDI_MSISDN, ids.msisdn);
    char answer[8192], token[4096];
    struct rig_call c = {
        .cert = "as1", .path = "/divs-account-status/v0/match", .body = "{}", .token = token};
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status s;

    (void)state;
    snprintf(token, sizeof token, "%s", rig_token(rig, "as1"));
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 422);
    assert_int_equal(nanosleep(&(struct timespec){3, 0}, NULL), 0); /* tokens live 2 s here */
    assert_int_equal(rig_raw(rig, &c, answer, sizeof answer), 401);
    assert_vch_ok(vch_edi_retrieve(as1, &sel, VCH_EDI_F_CONTRACT, &s));
}

static void client_refuses_what_is_no_identifier(void **state)
{
    struct vch_edi_selector sel = by(VCH_EDI_MSISDN, "*");
    const struct vch_edi_ids none = {0};
    struct vch_edi_status s;
    struct vch_edi_match m;

    (void)state;
    memset(&s, 0, sizeof s);
    memset(&m, 0, sizeof m);
    assert_vch_err(vch_edi_retrieve(as1, &sel, VCH_EDI_F_ALL, &s), EDI_IDENTIFIER);
    sel.text[0] = '\0';
    assert_vch_err(vch_edi_retrieve(as1, &sel, VCH_EDI_F_ALL, &s), EDI_IDENTIFIER);
    sel.kind = VCH_EDI_ACCOUNT;
    assert_vch_err(vch_edi_retrieve(as1, &sel, VCH_EDI_F_ALL, &s), EDI_IDENTIFIER);
    assert_vch_err(vch_edi_match(as1, &none, &m), EDI_IDENTIFIER);
}

static void wrong_peer_is_unreachable(void **state)
{
    const struct vch_edi_ids ids = rig_ids(rig, "op1.example", 0);
    const struct vch_edi_selector sel = by(VCH_EDI_MSISDN, ids.msisdn);
    char url[64], cert[160], key[160], keys[160], ca[160];
    struct vch_edi_options o = {.operator_id = "op1.example",
                                .client_id = "as1",
                                .url = url,
                                .ca_file = ca,
                                .cert_file = cert,
                                .key_file = key,
                                .keys_file = keys,
                                .crypto = vch_ossl_crypto()};
    struct vch_edi *e = NULL;
    struct vch_edi_status s;

    (void)state;
    snprintf(url, sizeof url, "https://localhost:%u", rig->port1);
    snprintf(cert, sizeof cert, "%s/as1.pem", rig->dir);
    snprintf(key, sizeof key, "%s/as1.key", rig->dir);
    snprintf(keys, sizeof keys, "%s/op1.example-keys.json", rig->dir);
    snprintf(ca, sizeof ca, "%s/other-ca.pem", rig->dir);
    assert_vch_ok(vch_edi_open(&o, &e));
    assert_vch_err(vch_edi_retrieve(e, &sel, VCH_EDI_F_ALL, &s), EDI_UNREACHABLE);
    vch_edi_close(e);
    snprintf(ca, sizeof ca, "%s/ca.pem", rig->dir);
    snprintf(url, sizeof url, "https://localhost:1");
    assert_vch_ok(vch_edi_open(&o, &e));
    assert_vch_err(vch_edi_retrieve(e, &sel, VCH_EDI_F_ALL, &s), EDI_UNREACHABLE);
    assert_int_equal(vch_err_info(VCH_E(EDI_UNREACHABLE))->exit, 2);
    vch_edi_close(e);
    /* another operator's keys */
    snprintf(url, sizeof url, "https://localhost:%u", rig->port1);
    snprintf(keys, sizeof keys, "%s/op2.example-keys.json", rig->dir);
    assert_vch_ok(vch_edi_open(&o, &e));
    assert_vch_err(vch_edi_retrieve(e, &sel, VCH_EDI_F_ALL, &s), EDI_EVIDENCE);
    vch_edi_close(e);
    /* another operator behind the address */
    snprintf(url, sizeof url, "https://localhost:%u", rig->port2);
    assert_vch_ok(vch_edi_open(&o, &e));
    assert_vch_err(vch_edi_retrieve(e, &sel, VCH_EDI_F_ALL, &s), EDI_UNKNOWN);
    vch_edi_close(e);
    /* a certificate that the operator has not registered */
    snprintf(url, sizeof url, "https://localhost:%u", rig->port1);
    snprintf(cert, sizeof cert, "%s/stranger.pem", rig->dir);
    snprintf(key, sizeof key, "%s/stranger.key", rig->dir);
    assert_vch_ok(vch_edi_open(&o, &e));
    assert_vch_err(vch_edi_retrieve(e, &sel, VCH_EDI_F_ALL, &s), EDI_REFUSED);
    vch_edi_close(e);
    o.keys_file = ca;
    assert_vch_err(vch_edi_open(&o, &e), EDI_OPTIONS);
}

static void restrictions_come_as_told(void **state)
{
    const struct vch_edi_ids ids = rig_ids(rig, "op1.example", 6);
    const struct vch_edi_selector sel = by(VCH_EDI_ICCID, ids.iccid);
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status s;
    struct vch_edi_status bad;

    (void)state;
    rig_change(rig, VCH_NETSIM_RESTRICT_AREA, &ids,
               "{\"countries\":[\"CH\",\"LI\"], \"areaType\":\"COUNTRIES\"}");
    assert_vch_ok(vch_edi_retrieve(as1, &sel, VCH_EDI_F_AREA, &s));
    assert_int_equal(s.area_p, VCH_EDI_GIVEN);
    assert_string_equal(s.area, "{\"areaType\":\"COUNTRIES\",\"countries\":[\"CH\",\"LI\"]}");
    assert_int_equal(s.status, VCH_EDI_STATUS_ABSENT);
    rig_change(rig, VCH_NETSIM_RESTRICT_AREA, &ids,
               "{\"countries\":[\"Atlantis\"], \"areaType\":\"COUNTRIES\"}");
    memset(&bad, 0, sizeof bad);
    assert_vch_err(vch_edi_retrieve(as1, &sel, VCH_EDI_F_ALL, &bad), EDI_CONTRADICTION);
    rig_change(rig, VCH_NETSIM_RESTRICT_AREA, &ids, NULL);
    vch_edi_status_fini(&s);
    assert_vch_ok(vch_edi_retrieve(as1, &sel, VCH_EDI_F_ALL, &s));
    assert_int_equal(s.area_p, VCH_EDI_NULL);
}

static void log_holds_no_identifier(void **state)
{
    char text[65536];
    FILE *f = fopen(rig_path(rig, "log"), "rb");
    size_t n;

    (void)state;
    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    assert_non_null(strstr(text, "served"));
    for (size_t i = 0; i < 20; i++) {
        const struct vch_edi_ids ids = rig_ids(rig, "op1.example", i);

        assert_null(strstr(text, ids.msisdn + 1));
        assert_null(strstr(text, ids.iccid));
        assert_null(strstr(text, ids.imei));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_by_each_identifier),
        cmocka_unit_test(references_are_pairwise_and_imsi_stays),
        cmocka_unit_test(one_operator_matches_but_does_not_tell),
        cmocka_unit_test(unknown_and_not_entitled_look_the_same),
        cmocka_unit_test(batch_answers_one_by_one),
        cmocka_unit_test(certificates_and_tokens_belong_together),
        cmocka_unit_test(tokens_end_and_the_client_gets_new_ones),
        cmocka_unit_test(client_refuses_what_is_no_identifier),
        cmocka_unit_test(wrong_peer_is_unreachable),
        cmocka_unit_test(restrictions_come_as_told),
        cmocka_unit_test(log_holds_no_identifier),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
