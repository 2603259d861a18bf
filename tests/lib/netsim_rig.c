#include "netsim_rig.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include <vouch/jose/jwk.h>

#define DAY_MS 86400000LL

const char *rig_path(const struct rig *r, const char *name)
{
    static char room[4][160];
    static unsigned turn;
    char *p = room[turn++ % 4];

    snprintf(p, sizeof room[0], "%s/%s", r->dir, name);
    return p;
}

static void write_file(const struct rig *r, const char *name, struct vch_bytes text)
{
    FILE *f = fopen(rig_path(r, name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void save_pem(const struct rig *r, const char *name, const char *label, struct vch_bytes der)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(65536);

    assert_vch_ok(vch_ossl_pem_encode(label, der, &pem));
    write_file(r, name, vch_buf_get(&pem));
}

/* NAME.pem and NAME.key, for server and client. */
static void make_cert(struct rig *r, const char *name, const struct vch_ossl_key *ca_key,
                      const struct vch_cert *ca)
{
    const struct vch_san sans[] = {{VCH_SAN_DNS, vch_text("localhost")},
                                   {VCH_SAN_IP, vch_text("127.0.0.1")},
                                   {VCH_SAN_DNS, vch_text(name)}};
    const struct vch_cert_spec spec = {.common_name = name,
                                       .sans = sans,
                                       .sans_n = 3,
                                       .use = VCH_CERT_PEER,
                                       .not_before = {now_ms() - DAY_MS},
                                       .not_after = {now_ms() + 30 * DAY_MS}};
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(65536);
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    char file[64];

    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    assert_vch_ok(vch_cert_issue(ca_key, ca, &vch_ossl_key_signer(key)->pub, &spec, &der));
    snprintf(file, sizeof file, "%s.pem", name);
    save_pem(r, file, "CERTIFICATE", vch_buf_get(&der));
    snprintf(file, sizeof file, "%s.key", name);
    assert_vch_ok(
        vch_ossl_key_save(key, rig_path(r, file), vch_bytes(NULL, 0), VCH_OSSL_KEY_PLAIN));
}

static struct vch_cert *make_ca(struct rig *r, const char *name, struct vch_ossl_key **ret_key)
{
    const struct vch_cert_spec spec = {.common_name = name,
                                       .use = VCH_CERT_CA,
                                       .not_before = {now_ms() - 2 * DAY_MS},
                                       .not_after = {now_ms() + 60 * DAY_MS}};
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(65536);
    struct vch_cert *ca = NULL;
    char file[64];

    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, ret_key));
    assert_vch_ok(vch_cert_self_sign(*ret_key, &spec, &der));
    snprintf(file, sizeof file, "%s.pem", name);
    save_pem(r, file, "CERTIFICATE", vch_buf_get(&der));
    assert_vch_ok(vch_cert_open(vch_buf_get(&der), &ca));
    return ca;
}

/* The signing key of an operator and its public part as a JWK set. */
static void make_signing_key(struct rig *r, const char *op)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf set = vch_buf_init(65536);
    struct vch_jwk jwk = {0};
    struct vch_hash h;
    char file[64];

    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    snprintf(file, sizeof file, "%s-sign.key", op);
    assert_vch_ok(
        vch_ossl_key_save(key, rig_path(r, file), vch_bytes(NULL, 0), VCH_OSSL_KEY_PLAIN));
    jwk.pub = vch_ossl_key_signer(key)->pub;
    assert_vch_ok(vch_jwk_thumbprint(vch_ossl_crypto(), &jwk.pub, &h));
    vch_b64_encode(VCH_B64_URL, vch_hash_bytes(&h), VCH_SPAN_OF(jwk.kid));
    assert_vch_ok(vch_jwks_encode(&jwk, 1, &set));
    snprintf(file, sizeof file, "%s-keys.json", op);
    write_file(r, file, vch_buf_get(&set));
}

/* ---- the sink */

static vch_err on_note(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct rig *r = user;
    const char *x_jws = vch_http_header(rq, "x-jws");
    const char *auth = vch_http_header(rq, "Authorization");

    pthread_mutex_lock(&r->lock);
    if (r->answer / 100 == 2 && r->note_count < RIG_NOTES) {
        struct rig_note *n = &r->notes[r->note_count++];

        n->body = vch_mem_text(rq->body);
        n->x_jws = vch_mem_text(vch_text(x_jws == NULL ? "" : x_jws));
        n->authorization = vch_mem_text(vch_text(auth == NULL ? "" : auth));
    } else {
        r->refused++;
    }
    vch_http_reply_status(rs, r->answer);
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return VCH_OK;
}

static void sink_open(struct rig *r)
{
    const struct vch_http_route routes[] = {{.method = VCH_HTTP_POST,
                                             .pattern = "/{client}/n",
                                             .handler = on_note,
                                             .user = r,
                                             .media = "application/cloudevents+json"}};
    char cert[160], key[160], ca[160];
    struct vch_http_server_options o = {.address = "127.0.0.1:0",
                                        .key_file = key,
                                        .cert_file = cert,
                                        .mtls = VCH_HTTP_MTLS_REQUIRED,
                                        .client_ca_file = ca,
                                        .routes = routes,
                                        .route_count = 1,
                                        .workers = 4};

    snprintf(cert, sizeof cert, "%s", rig_path(r, "as1.pem"));
    snprintf(key, sizeof key, "%s", rig_path(r, "as1.key"));
    snprintf(ca, sizeof ca, "%s", rig_path(r, "ca.pem"));
    r->answer = 204;
    assert_vch_ok(vch_http_server_open(&o, &r->sink));
    r->sink_port = vch_http_server_port(r->sink);
}

/* ---- the operators */

static void put_client(struct vch_buf *b, const struct rig *r, const char *id, const char *segments)
{
    char cert[16];

    snprintf(cert, sizeof cert, "%s.pem", id);
    assert_vch_ok(vch_buf_printf(b,
                                 "      - id: %s\n"
                                 "        certs: [\"%s\"]\n"
                                 "        sinks: [\"https://localhost:%u/%s/\"]\n"
                                 "        segments: [%s]\n",
                                 id, rig_path(r, cert), r->sink_port, id, segments));
}

static void put_operator(struct vch_buf *b, struct rig *r, const char *op, uint16_t port,
                         const char *more)
{
    assert_vch_ok(vch_buf_printf(b,
                                 "  - id: %s\n"
                                 "    listen: 127.0.0.1:%u\n"
                                 "    database: %s.db\n"
                                 "    signing-key: %s-sign.key\n"
                                 "    tls: {cert: %s.pem, key: %s.key, client-ca: ca.pem}\n"
                                 "    subscribers: 20\n"
                                 "    segments: [meters, trackers]\n"
                                 "    delivery: {backoff-min: 10ms, backoff-max: 40ms}\n"
                                 "%s"
                                 "    clients:\n",
                                 op, port, op, op, op, op, more));
    put_client(b, r, "as1", "meters, trackers");
    if (strcmp(op, "op1.example") == 0) {
        put_client(b, r, "as2", "meters");
    }
}

static void conf_read(struct rig *r, const char *policy)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(65536);
    VCH_AUTO(vch_buf_fini) struct vch_buf report = vch_buf_init(65536);
    const char *text = "";
    vch_err e;

    assert_vch_ok(vch_buf_text(&b, "operators:\n"));
    put_operator(&b, r, "op1.example", r->port1, policy);
    put_operator(&b, r, "op2.example", r->port2,
                 "    seed: 2\n"
                 "    clock-offset-ms: 90000\n"
                 "    numbering: {mnc: \"02\", msisdn-prefix: \"+99902\"}\n"
                 "    policy: {match-only: [imei, msisdn], withhold: [owner]}\n");
    write_file(r, "netsim.yaml", vch_buf_get(&b));
    vch_conf_close(r->conf);
    e = vch_conf_read(rig_path(r, "netsim.yaml"), vch_netsim_options(), &report, &r->conf);
    if (!vch_ok(e)) {
        vch_ignore(vch_buf_cstr(&report, &text));
        fail_msg("%s", text);
    }
}

static void start(struct rig *r)
{
    char who[64] = "";
    vch_err e = vch_netsim_open(r->conf, r->log, who, &r->sim);

    if (!vch_ok(e)) {
        fail_msg("%s: %s", who, vch_err_info(e)->slug);
    }
    r->port1 = vch_netsim_port(r->sim, "op1.example");
    r->port2 = vch_netsim_port(r->sim, "op2.example");
}

struct rig *rig_open(const char *policy)
{
    struct rig *r = calloc(1, sizeof *r);
    struct vch_log_options log = {.level = VCH_LOG_DEBUG, .form = VCH_LOG_KEYVALUE};
    struct vch_ossl_key *other_key = NULL;
    struct vch_cert *other;

    assert_non_null(r);
    snprintf(r->dir, sizeof r->dir, "/tmp/netsim-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->ca = make_ca(r, "ca", &r->ca_key);
    make_cert(r, "op1.example", r->ca_key, r->ca);
    make_cert(r, "op2.example", r->ca_key, r->ca);
    make_cert(r, "as1", r->ca_key, r->ca);
    make_cert(r, "as2", r->ca_key, r->ca);
    make_cert(r, "stranger", r->ca_key, r->ca); /* of the CA, but not registered */
    other = make_ca(r, "other-ca", &other_key);
    make_cert(r, "foreign", other_key, other);
    vch_cert_close(other);
    vch_ossl_key_close(other_key);
    make_signing_key(r, "op1.example");
    make_signing_key(r, "op2.example");
    sink_open(r);
    conf_read(r, policy);
    log.path = rig_path(r, "log");
    assert_vch_ok(vch_log_open(&log, &r->log));
    assert_vch_ok(vch_netsim_init(rig_op(r, "op1.example")));
    assert_vch_ok(vch_netsim_init(rig_op(r, "op2.example")));
    start(r);
    conf_read(r, policy); /* now with the ports that were free */
    return r;
}

void rig_restart(struct rig *r)
{
    vch_netsim_close(r->sim);
    r->sim = NULL;
    start(r);
}

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

void rig_close(struct rig *r)
{
    if (r == NULL) {
        return;
    }
    vch_netsim_close(r->sim);
    vch_http_server_close(r->sink, 1000);
    vch_conf_close(r->conf);
    vch_log_close(r->log);
    vch_cert_close(r->ca);
    vch_ossl_key_close(r->ca_key);
    for (size_t i = 0; i < r->note_count; i++) {
        vch_mem_free(r->notes[i].body);
        vch_mem_free(r->notes[i].x_jws);
        vch_mem_free(r->notes[i].authorization);
    }
    remove_dir(r->dir);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

struct vch_edi *rig_edi(struct rig *r, const char *operator_id, const char *client)
{
    char url[64], cert[160], key[160], keys[160], ca[160];
    const struct vch_edi_options o = {.operator_id = operator_id,
                                      .client_id = client,
                                      .url = url,
                                      .ca_file = ca,
                                      .cert_file = cert,
                                      .key_file = key,
                                      .keys_file = keys,
                                      .crypto = vch_ossl_crypto(),
                                      .max_age_s = 120,
                                      .skew_s = 120};
    struct vch_edi *e = NULL;

    snprintf(url, sizeof url, "https://localhost:%u",
             strcmp(operator_id, "op1.example") == 0 ? r->port1 : r->port2);
    snprintf(cert, sizeof cert, "%s/%s.pem", r->dir, client);
    snprintf(key, sizeof key, "%s/%s.key", r->dir, client);
    snprintf(keys, sizeof keys, "%s/%s-keys.json", r->dir, operator_id);
    snprintf(ca, sizeof ca, "%s/ca.pem", r->dir);
    assert_vch_ok(vch_edi_open(&o, &e));
    return e;
}

const struct vch_conf_node *rig_op(struct rig *r, const char *operator_id)
{
    const struct vch_conf_node *op = NULL;

    assert_vch_ok(vch_netsim_operator_conf(r->conf, operator_id, &op));
    return op;
}

struct vch_edi_ids rig_ids(struct rig *r, const char *operator_id, size_t index)
{
    struct vch_edi_ids ids;
    json_t *list = NULL, *one;

    assert_vch_ok(vch_netsim_ctl_list(rig_op(r, operator_id), (int64_t)index, 1, &list));
    one = json_array_get(list, 0);
    assert_non_null(one);
    snprintf(ids.msisdn, sizeof ids.msisdn, "%s",
             json_string_value(json_object_get(one, "msisdn")));
    snprintf(ids.iccid, sizeof ids.iccid, "%s", json_string_value(json_object_get(one, "iccid")));
    snprintf(ids.eid, sizeof ids.eid, "%s", json_string_value(json_object_get(one, "eid")));
    snprintf(ids.imei, sizeof ids.imei, "%s", json_string_value(json_object_get(one, "imei")));
    json_decref(list);
    return ids;
}

const char *rig_sink(const struct rig *r, const char *client)
{
    static char room[4][64];
    static unsigned turn;
    char *p = room[turn++ % 4];

    snprintf(p, sizeof room[0], "https://localhost:%u/%s/n", r->sink_port, client);
    return p;
}

void rig_change(struct rig *r, enum vch_netsim_op op, const struct vch_edi_ids *ids,
                const char *value)
{
    const struct vch_netsim_order o = {.op = op,
                                       .kind = VCH_NETSIM_MSISDN,
                                       .text = ids->msisdn,
                                       .effective_ms = VCH_NETSIM_NEVER,
                                       .time_ms = VCH_NETSIM_NEVER,
                                       .value = value,
                                       .reason = "test"};

    assert_vch_ok(vch_netsim_ctl_change(
        rig_op(r, strncmp(ids->msisdn, "+99901", 6) == 0 ? "op1.example" : "op2.example"), &o));
}

void rig_sink_answers(struct rig *r, unsigned status)
{
    pthread_mutex_lock(&r->lock);
    r->answer = status;
    pthread_mutex_unlock(&r->lock);
}

static void wait_for(struct rig *r, size_t notes, unsigned refused)
{
    struct timespec until;
    bool there;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    pthread_mutex_lock(&r->lock);
    while ((r->note_count < notes || r->refused < refused) &&
           pthread_cond_timedwait(&r->changed, &r->lock, &until) == 0) {
    }
    there = r->note_count >= notes && r->refused >= refused;
    pthread_mutex_unlock(&r->lock);
    if (!there) {
        fail_msg("%zu of %zu notifications, %u of %u refused", r->note_count, notes, r->refused,
                 refused);
    }
}

void rig_wait_notes(struct rig *r, size_t count)
{
    wait_for(r, count, 0);
}

void rig_wait_refused(struct rig *r, unsigned count)
{
    wait_for(r, 0, count);
}

unsigned rig_raw(struct rig *r, const struct rig_call *c, char *ret, size_t cap)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    char url[64], ca[160], cert[160], key[160], auth[4096];
    struct vch_http_client_options o = {.url = url, .ca_file = ca};
    struct vch_http_field fields[3];
    struct vch_http_call call = {.method = c->method,
                                 .path = c->path,
                                 .media = c->media == NULL ? "application/json" : c->media,
                                 .headers = fields};
    struct vch_http_client *client = NULL;
    vch_err e;

    snprintf(url, sizeof url, "https://localhost:%u", c->port == 0 ? r->port1 : c->port);
    snprintf(ca, sizeof ca, "%s/ca.pem", r->dir);
    if (c->cert != NULL) {
        snprintf(cert, sizeof cert, "%s/%s.pem", r->dir, c->cert);
        snprintf(key, sizeof key, "%s/%s.key", r->dir, c->cert);
        o.cert_file = cert;
        o.key_file = key;
    }
    if (c->token != NULL) {
        snprintf(auth, sizeof auth, "Bearer %s", c->token);
        fields[call.header_count++] = (struct vch_http_field){"Authorization", auth};
    }
    if (c->if_match != NULL) {
        fields[call.header_count++] = (struct vch_http_field){"If-Match", c->if_match};
    }
    if (c->correlator != NULL) {
        fields[call.header_count++] = (struct vch_http_field){"x-correlator", c->correlator};
    }
    call.body = c->body == NULL ? vch_bytes(NULL, 0) : vch_text(c->body);
    assert_vch_ok(vch_http_client_open(&o, &client));
    e = vch_http_call(client, &call, &a);
    vch_http_client_close(client);
    ret[0] = '\0';
    if (!vch_ok(e)) {
        return 0;
    }
    snprintf(ret, cap, "%.*s", (int)a.body.n, (const char *)a.body.p);
    return a.status;
}

const char *rig_token(struct rig *r, const char *client)
{
    static char token[4096];
    char body[128], answer[8192];
    struct rig_call c = {.cert = client,
                         .method = "POST",
                         .path = "/oauth2/token",
                         .body = body,
                         .media = "application/x-www-form-urlencoded"};
    json_t *o;

    snprintf(body, sizeof body, "grant_type=client_credentials&client_id=%s", client);
    assert_int_equal(rig_raw(r, &c, answer, sizeof answer), 200);
    o = json_loads(answer, 0, NULL);
    assert_non_null(o);
    snprintf(token, sizeof token, "%s", json_string_value(json_object_get(o, "access_token")));
    json_decref(o);
    return token;
}
