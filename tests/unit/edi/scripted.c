/* The scripted operator. */
#include "scripted.h"

#include <time.h>

#include <vouch/jose/jws.h>

static struct rig *rig;
static struct vch_http_server *server;
static struct vch_ossl_key *key, *other_key;
struct vch_edi *scripted_edi;
struct script script;

json_t *scripted_time(int64_t shift_ms)
{
    char text[VCH_TIME_TEXT_MAX];
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return json_string(
        vch_time_text((struct vch_time){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + shift_ms},
                      VCH_SPAN_OF(text)));
}

static json_t *true_answer(const json_t *request)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:O, s:s, s:o, s:{s:s, s:s, s:o, s:n, s:n, s:o}, s:{s:s}, s:{s:s, s:s, s:o},"
        " s:{s:s, s:o}, s:{s:s}, s:o}",
        "issuer", "op1.example", "audience", "as1", "request", request, "accountRef", "ref1",
        "lastChecked", scripted_time(0), "contract", "status", "active", "type", "Business",
        "startDate", scripted_time(-100 * SCRIPTED_DAY), "endDate", "terminatedAt", "statusSince",
        scripted_time(-100 * SCRIPTED_DAY), "services", "data", "active", "binding", "msisdn",
        SCRIPTED_MSISDN, "bindStatus", "BOUND", "since", scripted_time(-100 * SCRIPTED_DAY),
        "owner", "ownerRef", "own1", "since", scripted_time(-100 * SCRIPTED_DAY), "area",
        "areaLimitStatus", "UNRESTRICTED", "historyAvailableFrom",
        scripted_time(-100 * SCRIPTED_DAY));

    assert_non_null(o);
    return o;
}

static json_t *jws_of(const json_t *o, const char *typ)
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
    return json_stringn((const char *)jws.p, jws.n);
}

void scripted_feed(const char *type, json_t *const *data, size_t n)
{
    static char room[65536];
    json_t *feed = json_pack("{s:[], s:b}", "events", "more", 0);
    size_t len;

    for (size_t i = 0; i < n; i++) {
        json_t *o =
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:O}", "specversion", "1.0", "id", "e1",
                      "source", "urn:divs:operator:op1.example", "type", type, "datacontenttype",
                      "application/json", "time", scripted_time(0), "data", data[i]);
        json_t *common = json_pack("{s:s, s:s, s:I, s:o, s:o}", "subscriptionId", "s1",
                                   "accountRef", "ref1", "seq", (json_int_t)(i + 1), "effectiveAt",
                                   scripted_time(0), "notifiedAt", scripted_time(0));

        json_object_update_missing(data[i], common);
        json_array_append_new(json_object_get(feed, "events"), jws_of(o, "divs-event+jws"));
        json_decref(common);
        json_decref(o);
    }
    len = json_dumpb(feed, room, sizeof room - 1, 0);
    assert_in_range(len, 1, sizeof room - 1);
    room[len] = '\0';
    json_decref(feed);
    script.body = room;
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
    json_object_set_new(o, "evidence",
                        jws_of(o, script.typ != NULL ? script.typ
                                  : match            ? "divs-match+jws"
                                                     : "divs-status+jws"));
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

void script_reset(void)
{
    memset(&script, 0, sizeof script);
    script.status = script.token_status = 200;
    script.token_body = "{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":300}";
}

struct vch_edi *scripted_client(unsigned timeout_ms)
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
                                      .timeout_ms = timeout_ms};
    struct vch_edi *e = NULL;

    snprintf(url, sizeof url, "https://localhost:%u", vch_http_server_port(server));
    snprintf(cert, sizeof cert, "%s/as1.pem", rig->dir);
    snprintf(k, sizeof k, "%s/as1.key", rig->dir);
    snprintf(keys, sizeof keys, "%s/op1.example-keys.json", rig->dir);
    snprintf(ca, sizeof ca, "%s/ca.pem", rig->dir);
    assert_vch_ok(vch_edi_open(&o, &e));
    return e;
}

int scripted_setup(void **state)
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
    script_reset();
    scripted_edi = scripted_client(2000);
    return 0;
}

int scripted_teardown(void **state)
{
    (void)state;
    vch_edi_close(scripted_edi);
    vch_http_server_close(server, 5000);
    vch_ossl_key_close(key);
    vch_ossl_key_close(other_key);
    rig_close(rig);
    return 0;
}

vch_err scripted_ask(struct vch_edi *e, struct vch_edi_status *ret)
{
    const struct vch_edi_selector sel = {.kind = VCH_EDI_MSISDN, .text = SCRIPTED_MSISDN};

    return vch_edi_retrieve(e, &sel, VCH_EDI_F_ALL, ret);
}

vch_err scripted_asked(void)
{
    struct vch_edi_status s;
    vch_err e = scripted_ask(scripted_edi, &s);

    if (vch_ok(e)) {
        vch_edi_status_fini(&s);
    }
    return e;
}
