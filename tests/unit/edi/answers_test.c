/* What the client makes of an operator that fails, errs or lies: a scripted one on a real socket,
 * with the right certificate and the right signing key. */
#include <time.h>
#include <vouch/jose/jws.h>

#include "netsim_rig.h"

#define MSISDN "+999011234567"

static struct rig *rig;
static struct vch_http_server *server;
static struct vch_ossl_key *key, *other_key;
static struct vch_edi *edi;

/* What the next answer is. */
static struct {
    unsigned status;
    const char *media, *body;  /* body NULL: the true answer, changed as follows */
    void (*before)(json_t *o); /* before signing */
    void (*after)(json_t *o);  /* after it */
    bool wrong_key, swapped;
    const char *typ;
    unsigned delay_ms;
    unsigned token_status;
    const char *token_body;
    unsigned tokens, calls;
} script;

static json_t *time_of(int64_t shift_ms)
{
    char text[VCH_TIME_TEXT_MAX];
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return json_string(
        vch_time_text((struct vch_time){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + shift_ms},
                      VCH_SPAN_OF(text)));
}

#define DAY 86400000LL

static json_t *true_answer(const json_t *request)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:O, s:s, s:o, s:{s:s, s:s, s:o, s:n, s:n, s:o}, s:{s:s}, s:{s:s, s:s, s:o},"
        " s:{s:s, s:o}, s:{s:s}, s:o}",
        "issuer", "op1.example", "audience", "as1", "request", request, "accountRef", "ref1",
        "lastChecked", time_of(0), "contract", "status", "active", "type", "Business", "startDate",
        time_of(-100 * DAY), "endDate", "terminatedAt", "statusSince", time_of(-100 * DAY),
        "services", "data", "active", "binding", "msisdn", MSISDN, "bindStatus", "BOUND", "since",
        time_of(-100 * DAY), "owner", "ownerRef", "own1", "since", time_of(-100 * DAY), "area",
        "areaLimitStatus", "UNRESTRICTED", "historyAvailableFrom", time_of(-100 * DAY));

    assert_non_null(o);
    return o;
}

static void sign(json_t *o, const char *typ)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf jws = vch_buf_init(65536);
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    const struct vch_signer *signer = vch_ossl_key_signer(script.wrong_key ? other_key : key);
    struct vch_hash h;
    char kid[VCH_B64_ROOM(32)];

    assert_non_null(text);
    vch_ignore(vch_jwk_thumbprint(vch_ossl_crypto(), &vch_ossl_key_signer(key)->pub, &h));
    vch_b64_encode(VCH_B64_URL, vch_hash_bytes(&h), VCH_SPAN_OF(kid));
    assert_vch_ok(vch_jws_sign(signer, kid, typ, vch_text(text), &jws));
    free(text);
    json_object_set_new(o, "evidence", json_stringn((const char *)jws.p, jws.n));
}

static void respond(struct vch_http_response *rs, json_t *o)
{
    char *text = json_dumps(o, 0);

    vch_http_reply(rs, 200, "application/json", vch_text(text));
    free(text);
}

static vch_err scripted(struct vch_http_response *rs)
{
    vch_http_reply(rs, script.status, script.media == NULL ? "application/json" : script.media,
                   vch_text(script.body == NULL ? "" : script.body));
    return VCH_OK;
}

static json_t *make_one(json_t *request, bool match)
{
    json_t *o;

    json_object_del(request, "fields");
    o = true_answer(request);
    if (match) {
        json_object_set_new(o, "match", json_pack("{s:b}", "msisdn", 1));
    }
    if (script.before != NULL) {
        script.before(o);
    }
    sign(o, script.typ != NULL ? script.typ : match ? "divs-match+jws" : "divs-status+jws");
    if (script.after != NULL) {
        script.after(o);
    }
    return o;
}

static vch_err on_ask(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    json_t *request, *o;
    bool batch = strstr(rq->path, "batch") != NULL;

    (void)user;
    script.calls++;
    if (script.delay_ms != 0) {
        nanosleep(&(struct timespec){0, (long)script.delay_ms * 1000000L}, NULL);
    }
    if (script.status != 200 || script.body != NULL) {
        return scripted(rs);
    }
    request = json_loadb((const char *)rq->body.p, rq->body.n, 0, NULL);
    if (batch) {
        json_t *list = json_array(), *item;
        size_t i;

        json_array_foreach(json_object_get(request, "requests"), i, item)
        {
            json_array_insert_new(list, script.swapped ? 0 : i, make_one(item, false));
        }
        o = json_pack("{s:o}", "results", list);
    } else {
        o = make_one(request, strstr(rq->path, "match") != NULL);
    }
    respond(rs, o);
    json_decref(o);
    json_decref(request);
    return VCH_OK;
}

static vch_err on_other(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    (void)rq;
    return scripted(rs);
}

static vch_err on_token(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    (void)rq;
    script.tokens++;
    vch_http_reply(rs, script.token_status, "application/json", vch_text(script.token_body));
    return VCH_OK;
}

static void reset(void)
{
    memset(&script, 0, sizeof script);
    script.status = script.token_status = 200;
    script.token_body = "{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":300}";
}

static struct vch_edi *client_open(void)
{
    char url[64], cert[160], k[160], keys[160], ca[160];
    const struct vch_edi_options o = {.operator_id = "op1.example",
                                      .client_id = "as1",
                                      .url = url,
                                      .ca_file = ca,
                                      .cert_file = cert,
                                      .key_file = k,
                                      .keys_file = keys,
                                      .crypto = vch_ossl_crypto(),
                                      .timeout_ms = 2000};
    struct vch_edi *e = NULL;

    snprintf(url, sizeof url, "https://localhost:%u", vch_http_server_port(server));
    snprintf(cert, sizeof cert, "%s/as1.pem", rig->dir);
    snprintf(k, sizeof k, "%s/as1.key", rig->dir);
    snprintf(keys, sizeof keys, "%s/op1.example-keys.json", rig->dir);
    snprintf(ca, sizeof ca, "%s/ca.pem", rig->dir);
    assert_vch_ok(vch_edi_open(&o, &e));
    return e;
}

static int setup(void **state)
{
    static const struct vch_http_route routes[] = {
        {.method = VCH_HTTP_POST, .pattern = "/oauth2/token", .handler = on_token},
        {.method = VCH_HTTP_POST, .pattern = "/divs-account-status/v0/{op}", .handler = on_ask},
        {.method = VCH_HTTP_POST,
         .pattern = "/divs-account-status-subscriptions/v0/subscriptions",
         .handler = on_other},
        {.method = VCH_HTTP_GET,
         .pattern = "/divs-account-status-subscriptions/v0/{what}",
         .handler = on_other}};
    char cert[160], k[160], ca[160];
    struct vch_http_server_options o = {.address = "127.0.0.1:0",
                                        .key_file = k,
                                        .cert_file = cert,
                                        .mtls = VCH_HTTP_MTLS_REQUIRED,
                                        .client_ca_file = ca,
                                        .routes = routes,
                                        .route_count = VCH_ARRAY_LEN(routes),
                                        .workers = 2};

    (void)state;
    rig = rig_open("");
    snprintf(cert, sizeof cert, "%s/op1.example.pem", rig->dir);
    snprintf(k, sizeof k, "%s/op1.example.key", rig->dir);
    snprintf(ca, sizeof ca, "%s/ca.pem", rig->dir);
    assert_vch_ok(vch_http_server_open(&o, &server));
    assert_vch_ok(vch_ossl_key_load(rig_path(rig, "op1.example-sign.key"), vch_bytes(NULL, 0),
                                    VCH_OSSL_KEY_PLAIN, &key));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &other_key));
    reset();
    edi = client_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vch_edi_close(edi);
    vch_http_server_close(server, 5000);
    vch_ossl_key_close(key);
    vch_ossl_key_close(other_key);
    rig_close(rig);
    return 0;
}

static vch_err ask(struct vch_edi *e, struct vch_edi_status *ret)
{
    const struct vch_edi_selector sel = {.kind = VCH_EDI_MSISDN, .text = MSISDN};

    return vch_edi_retrieve(e, &sel, VCH_EDI_F_ALL, ret);
}

static vch_err asked(void)
{
    struct vch_edi_status s;
    vch_err e = ask(edi, &s);

    if (vch_ok(e)) {
        vch_edi_status_fini(&s);
    }
    return e;
}

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

        reset();
        script.status = cases[i].status;
        script.media = cases[i].media;
        script.body = cases[i].body;
        e = asked();
        if (e.code != cases[i].code) {
            fail_msg("%u %s: %s", cases[i].status, cases[i].body, vch_err_info(e)->slug);
        }
    }
    reset();
    assert_vch_ok(asked());
}

static void slow_operator_is_unreachable(void **state)
{
    (void)state;
    reset();
    script.delay_ms = 900;
    {
        struct vch_edi *fast;
        char url[64], cert[160], k[160], keys[160], ca[160];
        const struct vch_edi_options o = {.operator_id = "op1.example",
                                          .client_id = "as1",
                                          .url = url,
                                          .ca_file = ca,
                                          .cert_file = cert,
                                          .key_file = k,
                                          .keys_file = keys,
                                          .crypto = vch_ossl_crypto(),
                                          .timeout_ms = 300};
        struct vch_edi_status s;

        snprintf(url, sizeof url, "https://localhost:%u", vch_http_server_port(server));
        snprintf(cert, sizeof cert, "%s/as1.pem", rig->dir);
        snprintf(k, sizeof k, "%s/as1.key", rig->dir);
        snprintf(keys, sizeof keys, "%s/op1.example-keys.json", rig->dir);
        snprintf(ca, sizeof ca, "%s/ca.pem", rig->dir);
        assert_vch_ok(vch_edi_open(&o, &fast));
        assert_vch_err(ask(fast, &s), EDI_UNREACHABLE);
        vch_edi_close(fast);
    }
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
    reset();
    e = client_open();
    assert_vch_ok(ask(e, &s));
    vch_edi_status_fini(&s);
    assert_vch_ok(ask(e, &s));
    vch_edi_status_fini(&s);
    assert_int_equal(script.tokens, 1);
    script.status = 401; /* once more with a new token, and no oftener */
    script.calls = 0;
    assert_vch_err(ask(e, &s), EDI_REFUSED);
    assert_int_equal(script.tokens, 2);
    assert_int_equal(script.calls, 2);
    vch_edi_close(e);
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        reset();
        script.token_body = bad[i];
        e = client_open();
        assert_vch_err(ask(e, &s), EDI_ANSWER);
        assert_int_equal(script.calls, 0);
        vch_edi_close(e);
    }
    reset();
    e = client_open();
    script.token_status = 500;
    assert_vch_err(ask(e, &s), EDI_UNREACHABLE);
    script.token_status = 429;
    assert_vch_err(ask(e, &s), EDI_BUSY);
    script.token_status = 401;
    assert_vch_err(ask(e, &s), EDI_REFUSED);
    vch_edi_close(e);
    reset();
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
    json_object_set_new(o, "lastChecked", time_of(-400000));
}

static void future(json_t *o)
{
    json_object_set_new(o, "lastChecked", time_of(100000));
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

        reset();
        script.before = cases[i].before;
        script.after = cases[i].after;
        e = asked();
        if (e.code != cases[i].code) {
            fail_msg("case %zu: %s", i, vch_err_info(e)->slug);
        }
    }
    reset();
    script.wrong_key = true;
    assert_vch_err(asked(), EDI_EVIDENCE);
    reset();
    script.typ = "divs-match+jws"; /* signed for something else */
    assert_vch_err(asked(), EDI_EVIDENCE);
    reset();
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
        json_object_set_new(group, patch_name, time_of(strtoll(patch_text + 1, NULL, 10) * 1000));
    } else {
        json_object_set_new(group, patch_name, json_loads(patch_text, JSON_DECODE_ANY, NULL));
    }
}

static vch_err patched(const char *group, const char *name, const char *text,
                       struct vch_edi_status *ret)
{
    reset();
    script.before = patch;
    patch_group = group;
    patch_name = name;
    patch_text = text;
    return ask(edi, ret);
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
    reset();
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

        reset();
        script.before = area_patch;
        patch_text = cases[i].text;
        e = ask(edi, &s);
        if (vch_ok(e) != cases[i].ok ||
            (!cases[i].ok && !vch_err_is(e, VCH_E(EDI_CONTRADICTION)))) {
            fail_msg("%s: %s", cases[i].text, vch_err_info(e)->slug);
        }
        if (vch_ok(e)) {
            assert_int_equal(s.area_p, VCH_EDI_GIVEN);
            vch_edi_status_fini(&s);
        }
    }
    reset();
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
    reset();
}

static void half_a_match_is_none(void **state)
{
    struct vch_edi_ids ids = {.msisdn = MSISDN};
    struct vch_edi_match m;

    (void)state;
    reset();
    assert_vch_ok(vch_edi_match(edi, &ids, &m));
    assert_int_equal(m.asked, VCH_EDI_MSISDN);
    assert_int_equal(m.matched, VCH_EDI_MSISDN);
    vch_edi_match_fini(&m);
    snprintf(ids.imei, sizeof ids.imei, "490154203237518");
    assert_vch_err(vch_edi_match(edi, &ids, &m), EDI_ANSWER); /* asked two, answered one */
    ids.imei[0] = '\0';
    script.before = patch;
    patch_group = "match";
    patch_name = "imei";
    patch_text = "true";
    assert_vch_err(vch_edi_match(edi, &ids, &m), EDI_ANSWER); /* more than asked */
    patch_name = "msisdn";
    patch_text = "1";
    assert_vch_err(vch_edi_match(edi, &ids, &m), EDI_ANSWER);
    patch_text = "false"; /* then it would not have found the account */
    assert_vch_err(vch_edi_match(edi, &ids, &m), EDI_ANSWER);
    reset();
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
        reset();
        script.body = feeds[i];
        assert_vch_err(vch_edi_events_after(edi, "ref1", 0, ev, 2, &n, &more), EDI_ANSWER);
    }
    script.body = "{\"events\":[\"a.b.c\"],\"more\":false}";
    assert_vch_err(vch_edi_events_after(edi, "ref1", 0, ev, 2, &n, &more), EDI_EVIDENCE);
    for (size_t i = 0; i < VCH_ARRAY_LEN(subs); i++) {
        reset();
        script.body = subs[i];
        assert_vch_err(vch_edi_list(edi, NULL, sub, 2, &n, &more), EDI_ANSWER);
    }
    assert_vch_err(vch_edi_cancel(edi, "../x"), EDI_SUBSCRIPTION);
    assert_vch_err(vch_edi_cancel(edi, ""), EDI_SUBSCRIPTION);
    assert_vch_err(vch_edi_events_after(edi, "a&b=c", 0, ev, 2, &n, &more), USAGE);
    reset();
}

static void batch_must_answer_in_its_order(void **state)
{
    const struct vch_edi_selector sels[] = {{.kind = VCH_EDI_MSISDN, .text = MSISDN},
                                            {.kind = VCH_EDI_ACCOUNT, .text = "ref1"}};
    struct vch_edi_status s[2];
    vch_err errs[2];

    (void)state;
    reset();
    assert_vch_ok(vch_edi_retrieve_batch(edi, sels, 2, VCH_EDI_F_ALL, errs, s));
    assert_vch_ok(errs[0]);
    assert_vch_ok(errs[1]);
    vch_edi_status_fini(&s[0]);
    vch_edi_status_fini(&s[1]);
    script.swapped = true;
    assert_vch_ok(vch_edi_retrieve_batch(edi, sels, 2, VCH_EDI_F_ALL, errs, s));
    assert_vch_err(errs[0], EDI_IDENTITY);
    assert_vch_err(errs[1], EDI_IDENTITY);
    script.body = "{\"results\":[]}";
    assert_vch_err(vch_edi_retrieve_batch(edi, sels, 2, VCH_EDI_F_ALL, errs, s), EDI_ANSWER);
    script.body = "{\"results\":[{\"status\":404,\"code\":\"IDENTIFIER_NOT_FOUND\"},{}]}";
    assert_vch_ok(vch_edi_retrieve_batch(edi, sels, 2, VCH_EDI_F_ALL, errs, s));
    assert_vch_err(errs[0], EDI_UNKNOWN);
    assert_vch_err(errs[1], EDI_ANSWER);
    reset();
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
        cmocka_unit_test(batch_must_answer_in_its_order),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
