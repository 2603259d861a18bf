/* What the client makes of an operator that fails, errs or lies. */
#include "scripted.h"

/* req-test: Y.2247-7.2.2-2 (a CEF that fails leads to "try later", never to a status) */
static void failures_mean_try_later(void **state)
{
    static const struct {
        unsigned status;
        const char *media, *body;
        uint32_t code;
    } cases[] = {{500, NULL, "{}", VCH_E_EDI_UNREACHABLE_CODE},
                 {502, "text/html", "<html>", VCH_E_EDI_UNREACHABLE_CODE},
                 {504, NULL, "", VCH_E_EDI_UNREACHABLE_CODE},
                 {503, NULL, "{}", VCH_E_EDI_BUSY_CODE},
                 {429, NULL, "{}", VCH_E_EDI_BUSY_CODE},
                 {401, NULL, "{}", VCH_E_EDI_REFUSED_CODE},
                 {403, NULL, "{}", VCH_E_EDI_REFUSED_CODE},
                 {400, NULL, "{}", VCH_E_EDI_REQUEST_CODE},
                 {422, NULL, "{}", VCH_E_EDI_REQUEST_CODE},
                 {404, NULL, "{}", VCH_E_EDI_ANSWER_CODE},
                 {404, NULL, "{\"code\":\"IDENTIFIER_NOT_FOUND\"}", VCH_E_EDI_UNKNOWN_CODE},
                 {302, NULL, "{}", VCH_E_EDI_ANSWER_CODE},
                 {200, NULL, "", VCH_E_EDI_ANSWER_CODE},
                 {200, NULL, "{", VCH_E_EDI_ANSWER_CODE},
                 {200, NULL, "[]", VCH_E_EDI_ANSWER_CODE},
                 {200, NULL, "{\"a\":1,\"a\":2}", VCH_E_EDI_ANSWER_CODE},
                 {200, "text/html", "{}", VCH_E_EDI_ANSWER_CODE},
                 {200, NULL, "{}", VCH_E_EDI_EVIDENCE_CODE},
                 {204, NULL, "", VCH_E_EDI_ANSWER_CODE}};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        vch_err e;

        script_reset();
        script.status = cases[i].status;
        script.media = cases[i].media;
        script.body = cases[i].body;
        e = scripted_asked();
        if (e.code != cases[i].code) {
            fail_msg("%u %s: %s", cases[i].status, cases[i].body, vch_err_info(e)->slug);
        }
    }
    script_reset();
    assert_vch_ok(scripted_asked());
}

static void slow_operator_is_unreachable(void **state)
{
    struct vch_edi *fast = scripted_client(300);
    struct vch_edi_status s;

    (void)state;
    script_reset();
    script.delay_ms = 900;
    assert_vch_err(scripted_ask(fast, &s), EDI_UNREACHABLE);
    vch_edi_close(fast);
}

static void tokens_are_cached_and_checked(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"access_token\":\"a b\",\"token_type\":\"Bearer\",\"expires_in\":300}",
        "{\"access_token\":\"abc\",\"token_type\":\"mac\",\"expires_in\":300}",
        "{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":0}",
        "{\"access_token\":\"abc\",\"token_type\":\"Bearer\"}"};
    struct vch_edi *e;
    struct vch_edi_status s;

    (void)state;
    script_reset();
    e = scripted_client(2000);
    assert_vch_ok(scripted_ask(e, &s));
    vch_edi_status_fini(&s);
    assert_vch_ok(scripted_ask(e, &s));
    vch_edi_status_fini(&s);
    assert_int_equal(script.tokens, 1);
    script.status = 401; /* once more with a new token, and no oftener */
    script.calls = 0;
    assert_vch_err(scripted_ask(e, &s), EDI_REFUSED);
    assert_int_equal(script.tokens, 2);
    assert_int_equal(script.calls, 2);
    vch_edi_close(e);
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        script_reset();
        script.token_body = bad[i];
        e = scripted_client(2000);
        assert_vch_err(scripted_ask(e, &s), EDI_ANSWER);
        assert_int_equal(script.calls, 0);
        vch_edi_close(e);
    }
    script_reset();
    e = scripted_client(2000);
    script.token_status = 500;
    assert_vch_err(scripted_ask(e, &s), EDI_UNREACHABLE);
    script.token_status = 429;
    assert_vch_err(scripted_ask(e, &s), EDI_BUSY);
    script.token_status = 401;
    assert_vch_err(scripted_ask(e, &s), EDI_REFUSED);
    vch_edi_close(e);
    script_reset();
}

static void drop_evidence(json_t *o)
{
    json_object_del(o, "evidence");
}

static void change_outside(json_t *o)
{
    json_object_set_new(json_object_get(o, "contract"), "status", json_string("suspended"));
}

static void add_outside(json_t *o)
{
    json_object_set_new(o, "assurance", json_pack("{s:s}", "method", "AKMA"));
}

static void other_issuer(json_t *o)
{
    json_object_set_new(o, "issuer", json_string("op2.example"));
}

static void other_audience(json_t *o)
{
    json_object_set_new(o, "audience", json_string("as2"));
}

static void other_request(json_t *o)
{
    json_object_set_new(o, "request",
                        json_pack("{s:{s:s}}", "device", "phoneNumber", "+999011234568"));
}

static void other_number(json_t *o)
{
    json_object_set_new(json_object_get(o, "binding"), "msisdn", json_string("+999011234568"));
}

static void old(json_t *o)
{
    json_object_set_new(o, "lastChecked", scripted_time(-400000));
}

static void future(json_t *o)
{
    json_object_set_new(o, "lastChecked", scripted_time(100000));
}

static void no_time(json_t *o)
{
    json_object_del(o, "lastChecked");
}

static void no_ref(json_t *o)
{
    json_object_del(o, "accountRef");
}

/* req-test: Y.2247-8.4-1 (answers for another identity, stale, unsigned or signed by another) */
static void only_proven_answers_are_believed(void **state)
{
    static const struct {
        void (*before)(json_t *o);
        void (*after)(json_t *o);
        uint32_t code;
    } cases[] = {{NULL, drop_evidence, VCH_E_EDI_EVIDENCE_CODE},
                 {NULL, change_outside, VCH_E_EDI_EVIDENCE_CODE},
                 {NULL, add_outside, VCH_E_EDI_EVIDENCE_CODE},
                 {other_issuer, NULL, VCH_E_EDI_EVIDENCE_CODE},
                 {other_audience, NULL, VCH_E_EDI_EVIDENCE_CODE},
                 {other_request, NULL, VCH_E_EDI_IDENTITY_CODE},
                 {other_number, NULL, VCH_E_EDI_IDENTITY_CODE},
                 {old, NULL, VCH_E_EDI_STALE_CODE},
                 {future, NULL, VCH_E_EDI_STALE_CODE},
                 {no_time, NULL, VCH_E_EDI_ANSWER_CODE},
                 {no_ref, NULL, VCH_E_EDI_ANSWER_CODE}};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        vch_err e;

        script_reset();
        script.before = cases[i].before;
        script.after = cases[i].after;
        e = scripted_asked();
        if (e.code != cases[i].code) {
            fail_msg("case %zu: %s", i, vch_err_info(e)->slug);
        }
    }
    script_reset();
    script.wrong_key = true;
    assert_vch_err(scripted_asked(), EDI_EVIDENCE);
    script_reset();
    script.typ = "divs-match+jws"; /* signed for something else */
    assert_vch_err(scripted_asked(), EDI_EVIDENCE);
    script_reset();
}

/* Sets a member given as "group", "name" and JSON text; NULL text removes it. */
static const char *patch_group, *patch_name, *patch_text;

static void patch(json_t *o)
{
    json_t *group = patch_group == NULL ? o : json_object_get(o, patch_group);

    if (patch_name == NULL) {
        json_object_del(o, patch_group);
    } else if (patch_text == NULL) {
        json_object_del(group, patch_name);
    } else if (patch_text[0] == '@') {
        json_object_set_new(group, patch_name,
                            scripted_time(strtoll(patch_text + 1, NULL, 10) * 1000));
    } else {
        json_object_set_new(group, patch_name, json_loads(patch_text, JSON_DECODE_ANY, NULL));
    }
}

static vch_err patched(const char *group, const char *name, const char *text,
                       struct vch_edi_status *ret)
{
    script_reset();
    script.before = patch;
    patch_group = group;
    patch_name = name;
    patch_text = text;
    return scripted_ask(scripted_edi, ret);
}

/* req-test: Y.2247-7.2.2-3 (contradictory data is refused) */
static void contradictions_are_refused(void **state)
{
    static const struct {
        const char *group, *name, *text;
        uint32_t code;
    } cases[] = {
        {"contract", "endDate", "@-9000000", VCH_E_EDI_CONTRADICTION_CODE}, /* before the start */
        {"contract", "terminatedAt", "@-9000000", VCH_E_EDI_CONTRADICTION_CODE},
        {"contract", "terminatedAt", "@-100", VCH_E_EDI_CONTRADICTION_CODE}, /* but active */
        {"contract", "status", "\"terminated\"", VCH_E_EDI_CONTRADICTION_CODE},
        {"contract", "status", "\"pendingTerminate\"", VCH_E_EDI_CONTRADICTION_CODE},
        {"contract", "startDate", "@90000", VCH_E_EDI_CONTRADICTION_CODE},
        {"contract", "statusSince", "@90000", VCH_E_EDI_CONTRADICTION_CODE},
        {"binding", "since", "@90000", VCH_E_EDI_CONTRADICTION_CODE},
        {"area", "areaLimitStatus", "\"RESTRICTED\"", VCH_E_EDI_CONTRADICTION_CODE},
        {"area", "limitArea", "{}", VCH_E_EDI_CONTRADICTION_CODE},
        {"contract", "status", "\"asleep\"", VCH_E_EDI_ANSWER_CODE},
        {"contract", "status", "7", VCH_E_EDI_ANSWER_CODE},
        {"contract", "startDate", "null", VCH_E_EDI_ANSWER_CODE},
        {"contract", "startDate", "\"yesterday\"", VCH_E_EDI_ANSWER_CODE},
        {"contract", "endDate", "1", VCH_E_EDI_ANSWER_CODE},
        {"contract", "type", "\"0123456789abcdef\"", VCH_E_EDI_ANSWER_CODE},
        {NULL, "contract", "[]", VCH_E_EDI_ANSWER_CODE},
        {NULL, "binding", "1", VCH_E_EDI_ANSWER_CODE},
        {NULL, "area", "true", VCH_E_EDI_ANSWER_CODE},
        {"binding", "bindStatus", "\"LOOSE\"", VCH_E_EDI_ANSWER_CODE},
        {"binding", "imei", "\"490154203237519\"", VCH_E_EDI_ANSWER_CODE}, /* check digit */
        {"services", "data", "\"fast\"", VCH_E_EDI_ANSWER_CODE},
        {"area", "areaLimitStatus", "\"MAYBE\"", VCH_E_EDI_ANSWER_CODE},
        {NULL, "withheld", "{}", VCH_E_EDI_ANSWER_CODE}};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        struct vch_edi_status s;
        vch_err e = patched(cases[i].group, cases[i].name, cases[i].text, &s);

        if (e.code != cases[i].code) {
            fail_msg("%s: %s", cases[i].name, vch_err_info(e)->slug);
        }
    }
    script_reset();
}

static void area_patch(json_t *o)
{
    json_object_set_new(json_object_get(o, "area"), "areaLimitStatus", json_string("RESTRICTED"));
    json_object_set_new(json_object_get(o, "area"), "limitArea",
                        json_loads(patch_text, JSON_DECODE_ANY, NULL));
}

static void areas_are_ones_that_can_be_evaluated(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"{\"areaType\":\"CIRCLE\",\"center\":{\"latitude\":1,\"longitude\":2.5},\"radius\":9}",
         true},
        {"{\"areaType\":\"CIRCLE\",\"center\":{\"latitude\":91,\"longitude\":2},\"radius\":9}",
         false},
        {"{\"areaType\":\"CIRCLE\",\"center\":{\"latitude\":1},\"radius\":9}", false},
        {"{\"areaType\":\"CIRCLE\",\"center\":{\"latitude\":1,\"longitude\":2},\"radius\":0}",
         false},
        {"{\"areaType\":\"POLYGON\",\"boundary\":[{\"latitude\":1,\"longitude\":2},"
         "{\"latitude\":1,\"longitude\":3},{\"latitude\":2,\"longitude\":2}]}",
         true},
        {"{\"areaType\":\"POLYGON\",\"boundary\":[{\"latitude\":1,\"longitude\":2}]}", false},
        {"[{\"areaType\":\"COUNTRIES\",\"countries\":[\"CH\"]},"
         "{\"areaType\":\"COUNTRIES\",\"countries\":[\"LI\"]}]",
         true},
        {"{\"areaType\":\"COUNTRIES\",\"countries\":[\"CHE\"]}", false},
        {"{\"areaType\":\"COUNTRIES\",\"countries\":[]}", false},
        {"{\"areaType\":\"SEA\"}", false},
        {"[]", false},
        {"\"CH\"", false}};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        struct vch_edi_status s;
        vch_err e;

        script_reset();
        script.before = area_patch;
        patch_text = cases[i].text;
        e = scripted_ask(scripted_edi, &s);
        if (vch_ok(e) != cases[i].ok ||
            (!cases[i].ok && !vch_err_is(e, VCH_E(EDI_CONTRADICTION)))) {
            fail_msg("%s: %s", cases[i].text, vch_err_info(e)->slug);
        }
        if (vch_ok(e)) {
            assert_int_equal(s.area_p, VCH_EDI_GIVEN);
            vch_edi_status_fini(&s);
        }
    }
    script_reset();
}

/* req-test: Y.2247-7.2.2-3 (members present or absent, in every combination of groups) */
static void absent_members_stay_absent(void **state)
{
    static const char *const names[] = {"contract", "services", "binding",
                                        "owner",    "area",     "historyAvailableFrom"};
    VCH_AUTO(vch_edi_status_fini) struct vch_edi_status s;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        assert_vch_ok(patched(names[i], NULL, NULL, &s));
        assert_int_equal(s.status, i == 0 ? VCH_EDI_STATUS_ABSENT : VCH_EDI_ACTIVE);
        assert_int_equal(s.start.p, i == 0 ? VCH_EDI_ABSENT : VCH_EDI_GIVEN);
        assert_int_equal(s.end.p, i == 0 ? VCH_EDI_ABSENT : VCH_EDI_NULL);
        assert_string_equal(s.data_service, i == 1 ? "" : "active");
        assert_string_equal(s.bind_status, i == 2 ? "" : "BOUND");
        assert_string_equal(s.owner_ref, i == 3 ? "" : "own1");
        assert_int_equal(s.area_p, i == 4 ? VCH_EDI_ABSENT : VCH_EDI_NULL);
        assert_int_equal(s.history_from.p, i == 5 ? VCH_EDI_ABSENT : VCH_EDI_GIVEN);
        vch_edi_status_fini(&s);
    }
    assert_vch_ok(patched("contract", "colour", "\"blue\"", &s)); /* unknown ones are dropped */
    vch_edi_status_fini(&s);
    assert_vch_ok(patched("contract", "status", "\"aborted \"", &s));
    assert_int_equal(s.status, VCH_EDI_ABORTED);
    script_reset();
}

static void half_a_match_is_none(void **state)
{
    struct vch_edi_ids ids = {.msisdn = SCRIPTED_MSISDN};
    struct vch_edi_match m;

    (void)state;
    script_reset();
    assert_vch_ok(vch_edi_match(scripted_edi, &ids, &m));
    assert_int_equal(m.asked, VCH_EDI_MSISDN);
    assert_int_equal(m.matched, VCH_EDI_MSISDN);
    vch_edi_match_fini(&m);
    snprintf(ids.imei, sizeof ids.imei, "490154203237518");
    assert_vch_err(vch_edi_match(scripted_edi, &ids, &m), EDI_ANSWER); /* asked two, answered one */
    ids.imei[0] = '\0';
    script.before = patch;
    patch_group = "match";
    patch_name = "imei";
    patch_text = "true";
    assert_vch_err(vch_edi_match(scripted_edi, &ids, &m), EDI_ANSWER); /* more than asked */
    patch_name = "msisdn";
    patch_text = "1";
    assert_vch_err(vch_edi_match(scripted_edi, &ids, &m), EDI_ANSWER);
    patch_text = "false"; /* then it would not have found the account */
    assert_vch_err(vch_edi_match(scripted_edi, &ids, &m), EDI_ANSWER);
    script_reset();
}

static void lists_of_the_wrong_form_are_refused(void **state)
{
    static const char *const feeds[] = {"{}", "{\"events\":{},\"more\":false}",
                                        "{\"events\":[1],\"more\":false}", "{\"events\":[]}",
                                        "{\"events\":[\"a\",\"b\",\"c\"],\"more\":false}"};
    static const char *const subs[] = {"{}", "[{}]", "[1]", "[{},{},{},{}]",
                                       "[{\"id\":\"x\",\"types\":[],\"version\":1}]"};
    struct vch_edi_event ev[2];
    struct vch_edi_sub sub[2];
    size_t n;
    bool more;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(feeds); i++) {
        script_reset();
        script.body = feeds[i];
        assert_vch_err(vch_edi_events_after(scripted_edi, "ref1", 0, ev, 2, &n, &more), EDI_ANSWER);
    }
    script.body = "{\"events\":[\"a.b.c\"],\"more\":false}";
    assert_vch_err(vch_edi_events_after(scripted_edi, "ref1", 0, ev, 2, &n, &more), EDI_EVIDENCE);
    for (size_t i = 0; i < VCH_ARRAY_LEN(subs); i++) {
        script_reset();
        script.body = subs[i];
        assert_vch_err(vch_edi_list(scripted_edi, NULL, sub, 2, &n, &more), EDI_ANSWER);
    }
    assert_vch_err(vch_edi_cancel(scripted_edi, "../x"), EDI_SUBSCRIPTION);
    assert_vch_err(vch_edi_cancel(scripted_edi, ""), EDI_SUBSCRIPTION);
    assert_vch_err(vch_edi_events_after(scripted_edi, "a&b=c", 0, ev, 2, &n, &more), USAGE);
    script_reset();
}

static vch_err feed(const char *type, json_t *a, json_t *b, struct vch_edi_event ev[2])
{
    json_t *data[] = {a, b};
    bool more;
    size_t n = 0;
    vch_err e;

    script_reset();
    scripted_feed(type, data, b == NULL ? 1 : 2);
    e = vch_edi_events_after(scripted_edi, "ref1", 0, ev, 2, &n, &more);
    json_decref(a);
    json_decref(b);
    script_reset();
    assert_true(!vch_ok(e) || n > 0);
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        vch_edi_event_fini(&ev[i]);
    }
    return e;
}

#define STATUS_CHANGED "int.divs.account-status.v0.contract-status-changed"

static void events_are_hints_in_a_strict_frame(void **state)
{
    struct vch_edi_event ev[2];
    char reason[80];

    (void)state;
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    assert_vch_ok(feed(STATUS_CHANGED,
                       json_pack("{s:s, s:s, s:s, s:i}", "reason", reason, "to", "suspended",
                                 "from", "asleep", "colour", 3),
                       json_object(), ev));
    assert_int_equal(strlen(ev[0].reason), sizeof ev[0].reason - 1);
    assert_int_equal(ev[0].to, VCH_EDI_SUSPENDED);
    assert_int_equal(ev[0].from, VCH_EDI_STATUS_ABSENT);
    /* an unknown type is passed on, with its number */
    assert_vch_ok(feed("int.divs.account-status.v0.painted-blue", json_pack("{s:[]}", "device"),
                       json_object(), ev));
    assert_int_equal(ev[1].type, 0);
    assert_int_equal(ev[1].seq, 2);
    assert_string_equal(ev[1].type_name, "int.divs.account-status.v0.painted-blue");
    /* the frame is not negotiable */
    assert_vch_err(feed(STATUS_CHANGED, json_object(), json_pack("{s:i}", "seq", 3), ev),
                   EDI_ANSWER);
    assert_vch_err(feed(STATUS_CHANGED, json_object(), json_pack("{s:i}", "seq", 1), ev),
                   EDI_ANSWER);
    assert_vch_err(feed(STATUS_CHANGED, json_pack("{s:i}", "seq", -1), NULL, ev), EDI_ANSWER);
    assert_vch_err(feed(STATUS_CHANGED, json_pack("{s:s}", "accountRef", "ref2"), NULL, ev),
                   EDI_IDENTITY);
    assert_vch_err(feed(STATUS_CHANGED, json_pack("{s:n}", "effectiveAt"), NULL, ev), EDI_ANSWER);
    assert_vch_err(feed(STATUS_CHANGED, json_pack("{s:s}", "notifiedAt", "now"), NULL, ev),
                   EDI_ANSWER);
    assert_vch_err(feed(STATUS_CHANGED, json_pack("{s:[]}", "device"), NULL, ev), EDI_ANSWER);
    assert_vch_err(feed("", json_object(), NULL, ev), EDI_ANSWER);
}

static void batch_must_answer_in_its_order(void **state)
{
    const struct vch_edi_selector sels[] = {{.kind = VCH_EDI_MSISDN, .text = SCRIPTED_MSISDN},
                                            {.kind = VCH_EDI_ACCOUNT, .text = "ref1"}};
    struct vch_edi_status s[2];
    vch_err errs[2];

    (void)state;
    script_reset();
    assert_vch_ok(vch_edi_retrieve_batch(scripted_edi, sels, 2, VCH_EDI_F_ALL, errs, s));
    assert_vch_ok(errs[0]);
    assert_vch_ok(errs[1]);
    vch_edi_status_fini(&s[0]);
    vch_edi_status_fini(&s[1]);
    script.swapped = true;
    assert_vch_ok(vch_edi_retrieve_batch(scripted_edi, sels, 2, VCH_EDI_F_ALL, errs, s));
    assert_vch_err(errs[0], EDI_IDENTITY);
    assert_vch_err(errs[1], EDI_IDENTITY);
    script.body = "{\"results\":[]}";
    assert_vch_err(vch_edi_retrieve_batch(scripted_edi, sels, 2, VCH_EDI_F_ALL, errs, s),
                   EDI_ANSWER);
    script.body = "{\"results\":[{\"status\":404,\"code\":\"IDENTIFIER_NOT_FOUND\"},{}]}";
    assert_vch_ok(vch_edi_retrieve_batch(scripted_edi, sels, 2, VCH_EDI_F_ALL, errs, s));
    assert_vch_err(errs[0], EDI_UNKNOWN);
    assert_vch_err(errs[1], EDI_ANSWER);
    script_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_mean_try_later),
        cmocka_unit_test(slow_operator_is_unreachable),
        cmocka_unit_test(tokens_are_cached_and_checked),
        cmocka_unit_test(only_proven_answers_are_believed),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(areas_are_ones_that_can_be_evaluated),
        cmocka_unit_test(absent_members_stay_absent),
        cmocka_unit_test(half_a_match_is_none),
        cmocka_unit_test(lists_of_the_wrong_form_are_refused),
        cmocka_unit_test(events_are_hints_in_a_strict_frame),
        cmocka_unit_test(batch_must_answer_in_its_order),
    };

    return cmocka_run_group_tests(tests, scripted_setup, scripted_teardown);
}
