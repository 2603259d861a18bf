#include "world.h"

#include <limits.h>
#include <time.h>
#include <unistd.h>

#include <vouch/cose/key.h>
#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>
#include <vouch/stmt/ack.h>
#include <vouch/stmt/registration.h>

#define LONG_S 60

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the operator's double */
static struct account *find(struct operator_double *op, enum vch_edi_kind kind, const char *text)
{
    for (size_t i = 0; i < op->n; i++) {
        const struct vch_edi_status *s = &op->accounts[i].status;
        const char *have = kind == VCH_EDI_MSISDN  ? s->ids.msisdn
                           : kind == VCH_EDI_ICCID ? s->ids.iccid
                           : kind == VCH_EDI_EID   ? s->ids.eid
                           : kind == VCH_EDI_IMEI  ? s->ids.imei
                                                   : s->account_ref;

        if (text[0] != '\0' && strcmp(have, text) == 0) {
            return &op->accounts[i];
        }
    }
    return NULL;
}

static vch_err retrieve(void *self, const struct vch_edi_selector *sel, unsigned fields,
                        struct vch_edi_status *ret)
{
    struct operator_double *op = self;
    struct account *a;
    vch_err e;

    (void)fields;
    pthread_mutex_lock(&op->lock);
    op->retrieved++;
    a = find(op, sel->kind, sel->text);
    e = !vch_ok(op->fail) ? op->fail : a == NULL ? VCH_E(EDI_UNKNOWN) : VCH_OK;
    if (vch_ok(e)) {
        *ret = a->status;
        ret->last_checked_ms = now_ms();
    }
    pthread_mutex_unlock(&op->lock);
    return e;
}

static vch_err retrieve_batch(void *self, const struct vch_edi_selector *sels, size_t n,
                              unsigned fields, vch_err *ret_errs, struct vch_edi_status *ret)
{
    struct operator_double *op = self;

    pthread_mutex_lock(&op->lock);
    op->batches++;
    pthread_mutex_unlock(&op->lock);
    for (size_t i = 0; i < n; i++) {
        ret_errs[i] = retrieve(self, &sels[i], fields, &ret[i]);
    }
    return VCH_OK;
}

static vch_err match(void *self, const struct vch_edi_ids *ids, struct vch_edi_match *ret)
{
    struct operator_double *op = self;

    (void)ids;
    (void)ret;
    op->matched++;
    return VCH_E(EDI_UNREACHABLE);
}

static vch_err subscribe(void *self, const struct vch_edi_sub_request *rq, struct vch_edi_sub *ret)
{
    struct operator_double *op = self;
    struct account *a;
    vch_err e;

    pthread_mutex_lock(&op->lock);
    a = find(op, rq->account.kind, rq->account.text);
    e = !vch_ok(op->fail) ? op->fail : a == NULL ? VCH_E(EDI_UNKNOWN) : VCH_OK;
    if (vch_ok(e) && op->duplicate) {
        op->duplicate = false;
        a->subscribed = true;
        e = VCH_E(EDI_DUPLICATE);
    } else if (vch_ok(e)) {
        op->subscribed++;
        a->subscribed = true;
        a->sub.expires = (struct vch_edi_when){VCH_EDI_GIVEN, rq->expires_ms};
        a->sub.last_seq = a->feed_n;
        *ret = a->sub;
    }
    pthread_mutex_unlock(&op->lock);
    return e;
}

static struct account *by_sub(struct operator_double *op, const char *id)
{
    for (size_t i = 0; i < op->n; i++) {
        if (op->accounts[i].subscribed && strcmp(op->accounts[i].sub.id, id) == 0) {
            return &op->accounts[i];
        }
    }
    return NULL;
}

static vch_err modify(void *self, const char *id, const char *version,
                      const struct vch_edi_sub_change *change, struct vch_edi_sub *ret)
{
    struct operator_double *op = self;
    struct account *a;

    (void)version;
    pthread_mutex_lock(&op->lock);
    a = by_sub(op, id);
    if (a != NULL) {
        op->modified++;
        a->sub.expires = change->expires;
        *ret = a->sub;
    }
    pthread_mutex_unlock(&op->lock);
    return a == NULL ? VCH_E(EDI_SUBSCRIPTION) : VCH_OK;
}

static vch_err cancel(void *self, const char *id)
{
    struct operator_double *op = self;
    struct account *a;

    pthread_mutex_lock(&op->lock);
    a = by_sub(op, id);
    if (a != NULL) {
        op->cancelled++;
        a->subscribed = false;
    }
    pthread_mutex_unlock(&op->lock);
    return a == NULL ? VCH_E(EDI_SUBSCRIPTION) : VCH_OK;
}

static vch_err sub_get(void *self, const char *id, struct vch_edi_sub *ret)
{
    struct operator_double *op = self;
    struct account *a;

    pthread_mutex_lock(&op->lock);
    a = by_sub(op, id);
    if (a != NULL) {
        *ret = a->sub;
    }
    pthread_mutex_unlock(&op->lock);
    return a == NULL ? VCH_E(EDI_SUBSCRIPTION) : VCH_OK;
}

static vch_err list(void *self, const char *after, struct vch_edi_sub *ret, size_t cap,
                    size_t *ret_n, bool *ret_more)
{
    struct operator_double *op = self;
    size_t n = 0;

    pthread_mutex_lock(&op->lock);
    for (size_t i = 0; i < op->n && n < cap; i++) {
        if (op->accounts[i].subscribed && strcmp(op->accounts[i].sub.id, after) > 0) {
            ret[n++] = op->accounts[i].sub;
        }
    }
    pthread_mutex_unlock(&op->lock);
    *ret_n = n;
    *ret_more = false;
    return VCH_OK;
}

/* A notification of the double is the text "subscription seq type msisdn iccid imei". */
static vch_err event_verify(void *self, struct vch_bytes body, const char *x_jws,
                            vch_edi_find_fn fn, void *user, struct vch_edi_event *ret,
                            bool *ret_gap)
{
    char text[512], sub[80], msisdn[17], iccid[21], imei[16];
    struct vch_edi_known known;
    unsigned long long seq;
    unsigned type;

    (void)self;
    VCH_CHECK(strcmp(x_jws, "good") == 0, EDI_EVIDENCE);
    VCH_CHECK(body.n < sizeof text, EDI_EVENT);
    memcpy(text, body.p, body.n);
    text[body.n] = '\0';
    VCH_CHECK(sscanf(text, "%79s %llu %u %16s %20s %15s", sub, &seq, &type, msisdn, iccid, imei) ==
                  6,
              EDI_EVENT);
    type = vch_edi_event_name(type)[0] == '\0' ? 0 : type; /* as edi gives what it does not know */
    VCH_TRY(fn(user, sub, &known));
    VCH_CHECK(seq > known.last_seq, EDI_EVENT_REPLAY);
    memset(ret, 0, sizeof *ret);
    ret->type = type;
    ret->seq = seq;
    ret->effective_at_ms = now_ms() - 5;
    ret->notified_at_ms = now_ms();
    (void)snprintf(ret->ids.msisdn, sizeof ret->ids.msisdn, "%s",
                   strcmp(msisdn, "-") ? msisdn : "");
    (void)snprintf(ret->ids.iccid, sizeof ret->ids.iccid, "%s", strcmp(iccid, "-") ? iccid : "");
    (void)snprintf(ret->ids.imei, sizeof ret->ids.imei, "%s", strcmp(imei, "-") ? imei : "");
    *ret_gap = seq > known.last_seq + 1;
    return VCH_OK;
}

static vch_err events_after(void *self, const char *account_ref, uint64_t after_seq,
                            struct vch_edi_event *ret, size_t cap, size_t *ret_n, bool *ret_more)
{
    struct operator_double *op = self;
    struct account *a;
    size_t n = 0;

    pthread_mutex_lock(&op->lock);
    op->pulled++;
    op->pulled_after = (unsigned)after_seq;
    a = find(op, VCH_EDI_ACCOUNT, account_ref);
    for (uint64_t s = after_seq; a != NULL && s < a->feed_n && n < cap; s++) {
        ret[n++] = a->feed[s];
    }
    *ret_more = a != NULL && after_seq + n < a->feed_n;
    pthread_mutex_unlock(&op->lock);
    *ret_n = n;
    return a == NULL ? VCH_E(EDI_UNKNOWN) : VCH_OK;
}

static const struct vch_as_cef table = {
    .retrieve = retrieve,
    .retrieve_batch = retrieve_batch,
    .match = match,
    .subscribe = subscribe,
    .modify = modify,
    .cancel = cancel,
    .sub_get = sub_get,
    .list = list,
    .event_verify = event_verify,
    .events_after = events_after,
};

struct account *w_account(struct world *w, unsigned idx)
{
    static const char *const imeis[] = {"001010000000016", "001010000000024", "001010000000032",
                                        "001010000000040"};
    static const char *const iccids[] = {"8999901000000000013", "8999901000000000021",
                                         "8999901000000000039", "8999901000000000047"};
    struct account *a = &w->op.accounts[w->op.n];

    assert_true(idx < VCH_ARRAY_LEN(imeis));
    pthread_mutex_lock(&w->op.lock);
    memset(a, 0, sizeof *a);
    (void)snprintf(a->status.account_ref, sizeof a->status.account_ref, "account-%u", idx);
    a->status.status = VCH_EDI_ACTIVE;
    a->status.start = (struct vch_edi_when){VCH_EDI_GIVEN, now_ms() - 86400000};
    a->status.end = (struct vch_edi_when){VCH_EDI_NULL, 0};
    a->status.terminated_at = (struct vch_edi_when){VCH_EDI_NULL, 0};
    (void)strcpy(a->status.ids.imei, imeis[idx]);
    (void)strcpy(a->status.ids.iccid, iccids[idx]);
    (void)snprintf(a->status.ids.msisdn, sizeof a->status.ids.msisdn, "+99901000000%u", idx);
    (void)strcpy(a->status.owner_ref, "owner");
    a->status.history_from = a->status.start;
    memset(a->status.evidence_hash.b, (int)idx + 1, 32);
    (void)snprintf(a->sub.id, sizeof a->sub.id, "sub-%u", idx);
    (void)strcpy(a->sub.version, "1");
    (void)strcpy(a->sub.account_ref, a->status.account_ref);
    a->sub.state = VCH_EDI_SUB_ACTIVE;
    w->op.n++;
    pthread_mutex_unlock(&w->op.lock);
    return a;
}

struct vch_edi_event *w_event(struct account *a, unsigned type)
{
    struct vch_edi_event *ev = &a->feed[a->feed_n++];

    ev->seq = a->feed_n;
    ev->type = type;
    ev->effective_at_ms = now_ms();
    ev->notified_at_ms = now_ms();
    return ev;
}

/* ---- the AS */
static void keys_make(struct world *w, struct vch_buf *cert)
{
    struct vch_san san = {VCH_SAN_DNS, vch_text(W_AS)};
    struct vch_cert_spec spec = {.common_name = W_AS,
                                 .sans = &san,
                                 .sans_n = 1,
                                 .use = VCH_CERT_SIGNING,
                                 .not_before = {now_ms() - 1000000},
                                 .not_after = {now_ms() + 86400000}};

    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w->ledger_key));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w->as_key));
    assert_vch_ok(vch_cert_self_sign(w->as_key, &spec, cert));
}

static void ledger_open(struct world *w, const char *dir, struct vch_bytes cert)
{
    struct vch_genesis_authority a[] = {
        {VCH_ROLE_LEDGER, vch_text(W_LEDGER), vch_ossl_key_signer(w->ledger_key)->pub, {NULL, 0}},
        {VCH_ROLE_AS, vch_text(W_AS), vch_ossl_key_signer(w->as_key)->pub, cert}};
    struct vch_engine_options o = {
        .cr = w->cr, .dir = dir, .signer = vch_ossl_key_signer(w->ledger_key), .verify_threads = 1};
    struct vch_ledger_fault fault;

    assert_vch_ok(vch_engine_create(&o, W_LEDGER, a, VCH_ARRAY_LEN(a), 65536));
    assert_vch_ok(vch_engine_open(&o, &w->engine, &fault));
    vch_engine_ledger(w->engine, true, &w->ledger);
}

static void serve(struct world *w)
{
    struct vch_http_route routes[VCH_AS_ROUTES_MAX];
    struct vch_http_server_options so = {
        .address = "127.0.0.1:0", .allow_plain = true, .routes = routes, .workers = 4};
    struct vch_http_client_options co = {.allow_plain = true};
    char url[64], sink[256];

    assert_vch_ok(vch_as_routes(w->as, VCH_AS_POINT_UD | VCH_AS_POINT_EDI | VCH_AS_POINT_ADMIN,
                                routes, VCH_AS_ROUTES_MAX, &so.route_count));
    assert_vch_ok(vch_http_server_open(&so, &w->server));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", vch_http_server_port(w->server));
    co.url = url;
    assert_vch_ok(vch_http_client_open(&co, &w->client));
    assert_vch_ok(vch_as_sink_url(w->as, 0, VCH_SPAN_OF(sink)));
    (void)snprintf(w->sink, sizeof w->sink, "/rp-edi/v1/notifications/%s", strrchr(sink, '/') + 1);
}

static void vault_open(struct world *w, const char *dir)
{
    static const uint8_t master[32] = {7};
    char vault[PATH_MAX + 16], keys[PATH_MAX + 16];
    struct vch_as_vault_options o = {.dir = vault,
                                     .keys_path = keys,
                                     .master = master,
                                     .crypto = w->cr,
                                     .random = vch_ossl_random,
                                     .map_bytes = 64 << 20,
                                     .create = true};
    struct vch_audit_options ao = {
        .path = w->audit_path, .crypto = w->cr, .sync = VCH_AUDIT_SYNC_LATER};

    (void)snprintf(vault, sizeof vault, "%s/vault", dir);
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    (void)snprintf(w->audit_path, sizeof w->audit_path, "%.4000s/audit", dir);
    assert_vch_ok(vch_as_vault_open(&o, &w->vault));
    assert_vch_ok(vch_audit_open(&ao, &w->audit));
}

void w_open(struct world *w, const char *folder, void (*change)(struct vch_as_options *o))
{
    static struct vch_as_operator op;
    static int number;
    struct vch_buf cert = vch_buf_init(65536), report = vch_buf_init(65536);
    char name[32], dir[PATH_MAX], ledger[PATH_MAX + 16];

    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->op.lock, NULL);
    w->cr = vch_ossl_crypto();
    (void)snprintf(name, sizeof name, "world%d", ++number);
    (void)snprintf(dir, sizeof dir, "%.4000s/%s", folder, name);
    assert_vch_ok(vch_dir_make(dir, VCH_FILE_SECRET));
    (void)snprintf(ledger, sizeof ledger, "%s/ledger", dir);
    keys_make(w, &cert);
    ledger_open(w, ledger, vch_buf_get(&cert));
    vault_open(w, dir);
    w->metrics = vch_metrics_open();
    op = (struct vch_as_operator){.id = W_OPERATOR, .cef = &table, .self = &w->op};
    w->options = (struct vch_as_options){.as_id = W_AS,
                                         .url = "https://as1.test.example",
                                         .vault = w->vault,
                                         .ledger = &w->ledger,
                                         .audit = w->audit,
                                         .metrics = w->metrics,
                                         .crypto = w->cr,
                                         .random = vch_ossl_random,
                                         .operators = &op,
                                         .operator_count = 1,
                                         .policy = {.sim_swap_suspends = true},
                                         .check_every_s = UINT32_MAX};
    if (change != NULL) {
        change(&w->options);
    }
    assert_vch_ok(vch_as_open(&w->options, &report, &w->as));
    assert_vch_ok(
        vch_as_key_set(w->as, vch_ossl_key_signer(w->as_key), vch_buf_get(&cert), NULL, NULL));
    serve(w);
    vch_buf_fini(&cert);
    vch_buf_fini(&report);
}

void w_close(struct world *w)
{
    vch_http_client_close(w->client);
    vch_http_server_close(w->server, 1000);
    vch_as_close(w->as);
    vch_audit_close(w->audit);
    vch_as_vault_close(w->vault);
    vch_metrics_close(w->metrics);
    vch_ledger_close(&w->ledger);
    vch_engine_close(w->engine);
    vch_ossl_key_close(w->ledger_key);
    vch_ossl_key_close(w->as_key);
    pthread_mutex_destroy(&w->op.lock);
}

/* ---- a device */
static unsigned post(struct world *w, const char *path, const char *media, struct vch_bytes body,
                     const char *jws, struct vch_buf *ret)
{
    struct vch_http_field field = {"x-jws", jws};
    struct vch_http_call call = {.method = "POST",
                                 .path = path,
                                 .media = media,
                                 .body = body,
                                 .headers = &field,
                                 .header_count = jws == NULL ? 0 : 1};
    struct vch_http_answer a;
    unsigned status;

    memset(&a, 0, sizeof a);
    assert_vch_ok(vch_http_call(w->client, &call, &a));
    status = a.status;
    if (ret != NULL) {
        assert_vch_ok(vch_buf_append(ret, vch_buf_get(&a.body)));
    }
    vch_http_answer_fini(&a);
    return status;
}

unsigned w_notify_as(struct world *w, const char *sub_id, uint64_t seq, unsigned type,
                     const struct vch_edi_ids *ids)
{
    char text[512];

    (void)snprintf(text, sizeof text, "%s %llu %u %s %s %s", sub_id, (unsigned long long)seq, type,
                   ids->msisdn[0] ? ids->msisdn : "-", ids->iccid[0] ? ids->iccid : "-",
                   ids->imei[0] ? ids->imei : "-");
    return post(w, w->sink, "application/json", vch_text(text), "good", NULL);
}

unsigned w_notify(struct world *w, const struct account *a, uint64_t seq)
{
    struct vch_edi_ids none;

    memset(&none, 0, sizeof none);
    return w_notify_as(w, a->sub.id, seq, a->feed[seq - 1].type, &none);
}

void w_register(struct world *w, const struct account *a, uint8_t ret_subject[16])
{
    struct vch_as_value values[] = {
        {VCH_DISC_IMEI, vch_stmt_disc_text(vch_text(a->status.ids.imei))},
        {VCH_DISC_ICCID, vch_stmt_disc_text(vch_text(a->status.ids.iccid))},
        {VCH_DISC_MSISDN, vch_stmt_disc_text(vch_text(a->status.ids.msisdn))}};
    struct vch_buf nonce = vch_buf_init(256), answer = vch_buf_init(65536);
    uint8_t room[8192], registration[4096];
    struct vch_as_openings openings;
    struct vch_ossl_key *key;
    struct vch_stmt_endorsement e;
    struct vch_stmt_request rq;
    struct vch_stmt_ack ack;
    struct vch_bytes b;
    struct vch_stmt_registration r = {.algs = {VCH_ALG_ES256},
                                      .alg_count = 1,
                                      .hashes = {VCH_ALG_SHA256},
                                      .hash_count = 1,
                                      .audience = vch_text(W_AS),
                                      .device_class = VCH_CLASS_CONSTRAINED,
                                      .custody = VCH_CUSTODY_FILE};

    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    assert_int_equal(post(w, "/rp-ud/v1/nonces", NULL, vch_bytes(NULL, 0), NULL, &nonce), 200);
    r.nonce = vch_bytes(nonce.p + 2, nonce.n - 2);
    assert_vch_ok(vch_as_openings_make(w->cr, vch_ossl_random, NULL, values, 3, &openings));
    assert_vch_ok(vch_stmt_registration_encode(w->cr, vch_ossl_key_signer(key), &r,
                                               openings.digests, 3, now_ms() / 1000,
                                               VCH_SPAN_OF(registration), &rq.registration));
    for (size_t i = 0; i < 3; i++) {
        rq.disclosures[i] = vch_buf_get(&openings.contents[i]);
    }
    rq.disclosure_count = 3;
    assert_vch_ok(vch_stmt_request_encode(&rq, VCH_SPAN_OF(room), &b));
    assert_int_equal(post(w, "/rp-ud/v1/registrations",
                          "application/vouch-registration-request+cbor", b, NULL, &answer),
                     201);
    assert_vch_ok(vch_stmt_ack_decode(vch_buf_get(&answer), &ack));
    assert_vch_ok(vch_stmt_endorsement_decode(w->cr, ack.endorsement, &e));
    memcpy(ret_subject, e.subject, 16);
    vch_as_openings_fini(&openings);
    vch_buf_fini(&nonce);
    vch_buf_fini(&answer);
    vch_ossl_key_close(key);
}

/* ---- waiting */
void w_pause(void)
{
    struct timespec ts = {0, 5000000};

    (void)nanosleep(&ts, NULL);
}

uint64_t w_seq(struct world *w, const uint8_t subject[16])
{
    struct vch_state_subject st;
    struct vch_subject s;

    memcpy(s.b, subject, 16);
    assert_vch_ok(vch_ledger_latest(&w->ledger, &s, &st));
    return st.seq;
}

#define UNTIL(cond)                                                                                \
    do {                                                                                           \
        time_t end_ = time(NULL) + LONG_S;                                                         \
        while (!(cond)) {                                                                          \
            if (time(NULL) > end_) {                                                               \
                fail_msg("never: %s", #cond);                                                      \
            }                                                                                      \
            w_pause();                                                                             \
        }                                                                                          \
    } while (0)

void w_until_seq(struct world *w, const uint8_t subject[16], uint64_t seq)
{
    UNTIL(w_seq(w, subject) >= seq);
    assert_int_equal(w_seq(w, subject), seq);
}

static bool idle(struct world *w)
{
    struct vch_as_due due[4];
    struct vch_as_hint hints[4];
    size_t d, h;

    assert_vch_ok(vch_as_vault_due_list(w->vault, now_ms(), due, 4, &d));
    assert_vch_ok(vch_as_vault_hint_list(w->vault, hints, 4, &h));
    return d == 0 && h == 0;
}

void w_settled(struct world *w)
{
    UNTIL(idle(w));
}

size_t w_audit(struct world *w, const char *event)
{
    struct vch_buf b = vch_buf_init(1 << 24);
    char needle[96];
    const char *text;
    size_t n = 0;

    (void)snprintf(needle, sizeof needle, "\"event\":\"%s\"", event);
    assert_vch_ok(vch_file_read(w->audit_path, 0, &b));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    for (const char *at = strstr(text, needle); at != NULL; at = strstr(at + 1, needle)) {
        n++;
    }
    vch_buf_fini(&b);
    return n;
}

void w_until_audit(struct world *w, const char *event, size_t n)
{
    UNTIL(w_audit(w, event) >= n);
}
