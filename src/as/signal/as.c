/* Opening and closing; the frame in which every request is served. */
#include "as_int.h"

#include <stdio.h>
#include <time.h>

#include <vouch/stmt/entry_address.h>

int64_t vch_as_now_ms(const struct vch_as *as)
{
    return vch_as_data_now_ms(as->data);
}

int64_t vch_as_mono_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void vch_as_audit(struct vch_as *as, const char *event, const struct vch_field *fields, size_t n)
{
    if (as->o.audit != NULL && !vch_ok(vch_audit_append(as->o.audit, event, fields, n, NULL))) {
        vch_log(as->o.log, VCH_LOG_ERROR, "audit-lost", VCH_F_STR("event", event));
    }
}

void vch_as_alarm(struct vch_as *as, const char *event, const uint8_t *subject, vch_err e)
{
    struct vch_field f[] = {VCH_F_BOOL("alarm", true), VCH_F_ERR("code", e),
                            VCH_F_HEX("subject", vch_bytes(subject, subject == NULL ? 0 : 16))};
    size_t n = subject == NULL ? 2 : 3;

    vch_counter_add(as->alarms, 1);
    vch_as_audit(as, event, f, n);
    vch_log_write(as->o.log, VCH_LOG_WARN, event, f, n);
}

void vch_as_call_subject(struct call *c, const uint8_t subject[16])
{
    memcpy(c->subject, subject, sizeof c->subject);
    c->has_subject = true;
}

void vch_as_call_txid(struct call *c, const struct vch_hash *txid)
{
    c->txid = *txid;
    c->has_txid = true;
}

/* ---- one request */
static void call_audit(struct call *c, vch_err e)
{
    bool bad = !vch_ok(e);
    struct vch_field f[8];
    size_t n = 0;

    if (!bad && c->event == NULL) {
        return;
    }
    f[n++] = VCH_F_STR("op", vch_as_op_name(c->route->op));
    f[n++] = VCH_F_STR("role", vch_as_role_name(c->caller.role));
    f[n++] = VCH_F_STR("caller", c->caller.user.name[0] != '\0' ? c->caller.user.name
                                 : c->rq->cert != NULL          ? c->rq->cert->cn
                                                                : "");
    f[n++] = VCH_F_STR("peer", c->rq->peer_addr);
    if (bad) {
        f[n++] = VCH_F_ERR("code", e);
        f[n++] = VCH_F_STR("why", c->why != NULL ? c->why : "");
    }
    if (c->has_subject) {
        f[n++] = VCH_F_HEX("subject", VCH_BYTES_OF(c->subject));
    }
    if (c->has_txid) {
        f[n++] = VCH_F_HEX("txid", vch_hash_bytes(&c->txid));
    }
    vch_as_audit(c->as, bad ? "refused" : c->event, f, n);
}

static void retry_after(struct call *c, vch_err e)
{
    char text[24];
    int64_t s = c->wait_ms > 0 ? (c->wait_ms + 999) / 1000 : 1;

    if (vch_err_kind(e) == VCH_KIND_BUSY || vch_err_kind(e) == VCH_KIND_REMOTE) {
        (void)snprintf(text, sizeof text, "%lld", (long long)s);
        vch_http_reply_header(c->rs, "Retry-After", text);
    }
}

static void users_refresh(struct vch_as *as)
{
    struct vch_buf report = vch_buf_init(16384);
    bool did = false;
    vch_err e = vch_as_users_refresh(as->users, vch_as_mono_ms(), &report, &did);

    if (!vch_ok(e)) {
        vch_as_alarm(as, "user-table-refused", NULL, e);
    } else if (did) {
        vch_as_audit(as, "user-table-read", NULL, 0);
    }
    vch_buf_fini(&report);
}

/* req: Y.2247-8.1.1-1 (each reference point has its own messages), Y.2247-8.1.2-1 */
static vch_err serve(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct bound *b = user;
    struct call c = {.as = b->as, .route = b->route, .rq = rq, .rs = rs};
    vch_err e;

    users_refresh(b->as);
    c.now_ms = vch_as_now_ms(b->as);
    vch_as_caller_init(b->as->users, rq->cert, &c.caller);
    e = vch_as_caller_check(&c.caller, b->route->op);
    if (vch_ok(e)) {
        e = vch_as_caller_take(&c.caller, 1, vch_as_mono_ms(), &c.wait_ms);
    }
    if (vch_ok(e)) {
        e = b->route->run(&c);
    }
    call_audit(&c, e);
    vch_as_caller_fini(&c.caller);
    if (!vch_ok(e)) {
        if (b->route->point == VCH_AS_POINT_UD) {
            vch_as_nonce_header(&c);
        }
        retry_after(&c, e);
        vch_http_problem(rs, e, NULL);
        vch_counter_add(vch_err_info(e)->http >= 500 ? b->failed : b->refused, 1);
    } else {
        vch_counter_add(b->ok, 1);
    }
    return VCH_OK;
}

/* ---- routes */
static const struct {
    const struct route *rows;
    const size_t *n;
} all_routes[] = {{vch_as_routes_ud, &vch_as_routes_ud_n},
                  {vch_as_routes_ds, &vch_as_routes_ds_n},
                  {vch_as_routes_edi, &vch_as_routes_edi_n},
                  {vch_as_routes_admin, &vch_as_routes_admin_n}};

static void bind_one(struct vch_as *as, struct bound *b, const struct route *r)
{
    struct vch_label l[] = {{"operation", vch_as_op_name(r->op)}, {"result", "ok"}};
    const char *help = "Requests by operation and result.";

    b->as = as;
    b->route = r;
    b->ok = vch_metrics_counter(as->o.metrics, "vouch_as_requests_total", help, l, 2);
    l[1].value = "refused";
    b->refused = vch_metrics_counter(as->o.metrics, "vouch_as_requests_total", help, l, 2);
    l[1].value = "failed";
    b->failed = vch_metrics_counter(as->o.metrics, "vouch_as_requests_total", help, l, 2);
}

static void bind_all(struct vch_as *as)
{
    size_t n = 0;

    as->bound = vch_mem_alloc(VCH_AS_ROUTES_MAX * sizeof *as->bound);
    for (size_t t = 0; t < VCH_ARRAY_LEN(all_routes); t++) {
        for (size_t i = 0; i < *all_routes[t].n; i++) {
            VCH_ASSERT(n < VCH_AS_ROUTES_MAX);
            bind_one(as, &as->bound[n++], &all_routes[t].rows[i]);
        }
    }
}

vch_err vch_as_routes(struct vch_as *as, unsigned points, struct vch_http_route *ret, size_t cap,
                      size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < VCH_AS_ROUTES_MAX && as->bound[i].route != NULL; i++) {
        const struct route *r = as->bound[i].route;

        if ((r->point & points) == 0) {
            continue;
        }
        VCH_CHECK(n < cap, NO_ROOM);
        ret[n++] = (struct vch_http_route){.method = r->method,
                                           .pattern = r->pattern,
                                           .handler = serve,
                                           .user = &as->bound[i],
                                           .body_max = r->body_max,
                                           .media = r->media};
    }
    *ret_n = n;
    return VCH_OK;
}

/* ---- operators */
static void sink_token(const struct vch_crypto *cr, const uint8_t key[32], const char *operator_id,
                       char ret[SINK_TOKEN_ROOM])
{
    struct vch_bytes part = vch_text(operator_id);
    struct vch_hash h;

    vch_hmac_sha256(cr, vch_bytes(key, 32), &part, 1, &h);
    (void)vch_hex_encode(vch_bytes(h.b, 24), vch_span(ret, SINK_TOKEN_ROOM));
}

static vch_err sink_url(const char *as_url, const char *token, struct vch_span out)
{
    int n = snprintf((char *)out.p, out.cap, "%s/rp-edi/v1/notifications/%s", as_url, token);

    VCH_CHECK(n > 0 && (size_t)n < out.cap, NO_ROOM);
    return VCH_OK;
}

vch_err vch_as_sink_url_of(const uint8_t master[32], const struct vch_crypto *cr,
                           const char *as_url, const char *operator_id, struct vch_span out)
{
    char token[SINK_TOKEN_ROOM];
    uint8_t key[32];

    VCH_TRY(vch_as_master_derive(master, "sink", key));
    sink_token(cr, key, operator_id, token);
    vch_wipe(key, sizeof key);
    return sink_url(as_url, token, out);
}

vch_err vch_as_sink_url(struct vch_as *as, size_t idx, struct vch_span out)
{
    VCH_CHECK(idx < as->o.operator_count, NO_ROOM);
    return sink_url(as->url, as->operators[idx].sink_token, out);
}

static vch_err operators_open(struct vch_as *as)
{
    uint8_t key[32];

    VCH_TRY(vch_as_vault_derive(as->o.vault, "sink", key));
    as->operators = vch_mem_alloc((as->o.operator_count + 1) * sizeof *as->operators);
    for (size_t i = 0; i < as->o.operator_count; i++) {
        struct operator_of *op = &as->operators[i];
        struct vch_label l = {"operator", as->o.operators[i].id};

        op->op = as->o.operators[i];
        sink_token(as->o.crypto, key, op->op.id, op->sink_token);
        op->asked = vch_metrics_counter(as->o.metrics, "vouch_as_operator_calls_total",
                                        "Accounts asked for at operators.", &l, 1);
        op->unreachable =
            vch_metrics_counter(as->o.metrics, "vouch_as_operator_failures_total",
                                "Calls to operators that gave no usable answer.", &l, 1);
    }
    vch_wipe(key, sizeof key);
    return VCH_OK;
}

/* ---- opening */
static void defaults(struct vch_as_options *o)
{
    const uint64_t ids = UINT64_C(1) << VCH_DISC_IMEI | UINT64_C(1) << VCH_DISC_ICCID;

    o->ids_required = o->ids_required == 0 ? ids : o->ids_required;
    o->classes = o->classes == 0 ? UINT32_MAX : o->classes;
    o->custodies = o->custodies == 0 ? UINT32_MAX : o->custodies;
    o->nonce_life_s = o->nonce_life_s == 0 ? 86400 : o->nonce_life_s;
    o->nonce_used_max = o->nonce_used_max == 0 ? 262144 : o->nonce_used_max;
    o->register_per_s = o->register_per_s > 0 ? o->register_per_s : 10;
    o->register_burst = o->register_burst == 0 ? 100 : o->register_burst;
    o->ledger_wait_ms = o->ledger_wait_ms == 0 ? 10000 : o->ledger_wait_ms;
    o->check_every_s = o->check_every_s == 0 ? 3600 : o->check_every_s;
    o->sub_life_s = o->sub_life_s == 0 ? 30 * 86400 : o->sub_life_s;
    o->watchers_max = o->watchers_max == 0 ? 10000 : o->watchers_max;
    o->workers = o->workers == 0 ? 4 : o->workers;
}

static void on_record(void *user, const uint8_t subject[16])
{
    struct vch_as *as = user;

    vch_counter_add(as->endorsed, 1);
    vch_as_hub_notify(as->hub, subject);
}

static void on_due(void *user)
{
    struct vch_as *as = user;

    vch_as_care_wake(as->care);
}

static vch_err data_open(struct vch_as *as)
{
    struct vch_as_data_options d = {.as_id = as->o.as_id,
                                    .ledger = as->o.ledger,
                                    .ledger_wait_ms = as->o.ledger_wait_ms,
                                    .vault = as->o.vault,
                                    .crypto = as->o.crypto,
                                    .random = as->o.random,
                                    .random_self = as->o.random_self,
                                    .policy = as->o.policy,
                                    .replace = as->o.replace,
                                    .check_every_s =
                                        as->o.check_every_s == UINT32_MAX ? 0 : as->o.check_every_s,
                                    .now_ms = as->o.now_ms,
                                    .now_user = as->o.now_user,
                                    .on_record = on_record,
                                    .on_due = on_due,
                                    .on_user = as};

    return vch_as_data_open(&d, &as->data);
}

static double key_days_left(void *user)
{
    struct vch_as *as = user;

    return (double)vch_as_data_key_left_s(as->data) / 86400.0;
}

static double hints_waiting(void *user)
{
    struct vch_as *as = user;

    return (double)vch_as_care_waiting(as->care);
}

static double watchers(void *user)
{
    struct vch_as *as = user;

    return (double)vch_as_hub_count(as->hub);
}

static void metrics_open(struct vch_as *as)
{
    struct vch_metrics *m = as->o.metrics;

    as->alarms = vch_metrics_counter(m, "vouch_as_alarms_total",
                                     "Events that an operator has to look at.", NULL, 0);
    as->endorsed = vch_metrics_counter(m, "vouch_as_endorsements_total",
                                       "Endorsements recorded on the ledger.", NULL, 0);
    as->notified = vch_metrics_counter(m, "vouch_as_notifications_total",
                                       "Notifications of operators that were taken.", NULL, 0);
    as->erased = vch_metrics_counter(m, "vouch_as_erasures_total", "Devices erased.", NULL, 0);
    /* the age of the key is visible before it is too late (clause 8.1.3) */
    vch_metrics_gauge_fn(m, "vouch_as_certificate_days_left",
                         "Days until the certificate of the signing key expires.", key_days_left,
                         as);
    vch_metrics_gauge_fn(m, "vouch_as_work_waiting", "Accounts to be followed up.", hints_waiting,
                         as);
    vch_metrics_gauge_fn(m, "vouch_as_watchers", "Event streams of devices.", watchers, as);
}

static vch_err open_parts(struct vch_as *as, struct vch_buf *report)
{
    struct vch_stmt_address a = {vch_text(as->o.ledger->id), vch_text(as->url)};
    size_t pending;

    VCH_CHECK(vch_ok(vch_stmt_address_check(&a)), AS_OPTIONS);
    VCH_TRY(vch_as_users_open(as->o.users_path, report, &as->users));
    VCH_TRY(vch_as_nonces_open(as->o.crypto, as->o.random, as->o.random_self, as->o.nonce_life_s,
                               as->o.nonce_used_max, &as->nonces));
    as->register_rate = vch_rate_open(as->o.register_per_s, as->o.register_burst, 65536);
    VCH_TRY(operators_open(as));
    VCH_TRY(data_open(as));
    as->hub = vch_as_hub_open(as);
    bind_all(as);
    VCH_TRY(vch_as_care_open(as, &as->care));
    metrics_open(as);
    VCH_TRY(vch_as_data_recover(as->data, &pending));
    if (pending != 0) {
        vch_log(as->o.log, VCH_LOG_INFO, "recovering", VCH_F_UINT("pending", pending));
    }
    return VCH_OK;
}

vch_err vch_as_open(const struct vch_as_options *o, struct vch_buf *reterr_report,
                    struct vch_as **ret)
{
    struct vch_as *as;
    vch_err e;

    VCH_CHECK(strlen(o->url) <= VCH_URL_MAX && o->metrics != NULL, AS_OPTIONS);
    as = vch_mem_alloc(sizeof *as);
    as->o = *o;
    defaults(&as->o);
    (void)memcpy(as->url, o->url, strlen(o->url) + 1);
    e = open_parts(as, reterr_report);
    if (!vch_ok(e)) {
        vch_as_close(as);
        return e;
    }
    *ret = as;
    return VCH_OK;
}

void vch_as_close(struct vch_as *as)
{
    if (as == NULL) {
        return;
    }
    vch_as_care_close(as->care);
    as->care = NULL;
    vch_as_hub_close(as->hub);
    vch_as_data_close(as->data);
    vch_as_nonces_close(as->nonces);
    vch_as_users_close(as->users);
    vch_rate_close(as->register_rate);
    vch_mem_free(as->operators);
    vch_mem_free(as->bound);
    vch_mem_free(as);
}

vch_err vch_as_key_set(struct vch_as *as, const struct vch_signer *signer, struct vch_bytes cert,
                       void (*close)(void *arg), void *close_arg)
{
    vch_err e = vch_as_data_key_set(as->data, signer, cert, close, close_arg);
    struct vch_field f = VCH_F_ERR("code", e);

    vch_as_audit(as, vch_ok(e) ? "signing-key-set" : "signing-key-refused", &f, vch_ok(e) ? 0 : 1);
    return e;
}

vch_err vch_as_ready(struct vch_as *as)
{
    VCH_CHECK(vch_as_care_settled(as->care), AS_PENDING);
    return vch_as_data_key_check(as->data);
}
