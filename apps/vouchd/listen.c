#include "listen.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <vouch/cli/cli.h>

#include "config.h"

#define LEDGER_ROUTES_MAX 32
#define ROUTES_MAX        (VCH_AS_ROUTES_MAX + LEDGER_ROUTES_MAX + 4)
#define STATUS_CLASSES    6

struct listener {
    const char *name;
    struct vch_http_server *server;
};

struct listeners {
    struct parts *p;
    atomic_bool ending;
    struct vch_counter *by_class[STATUS_CLASSES];
    struct vch_histogram *seconds;
    size_t count;
    struct listener list[];
};

/* ---- health */
static vch_err health(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    (void)rq;
    vch_http_reply_header(rs, "Cache-Control", "no-store");
    vch_http_reply(rs, 200, "application/json", vch_text("{\"status\":\"pass\"}\n"));
    return VCH_OK;
}

static vch_err ready_check(struct listeners *l)
{
    struct vch_engine_stats s;

    VCH_CHECK(!atomic_load(&l->ending), AS_BUSY);
    if (l->p->engine != NULL) {
        vch_engine_stats(l->p->engine, &s);
        VCH_TRY(s.fatal);
    }
    return l->p->as == NULL ? VCH_OK : vch_as_ready(l->p->as);
}

static vch_err ready(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    vch_err e = ready_check(user);

    (void)rq;
    vch_http_reply_header(rs, "Cache-Control", "no-store");
    if (vch_ok(e)) {
        vch_http_reply(rs, 200, "application/json", vch_text("{\"status\":\"ready\"}\n"));
    } else {
        vch_http_problem_status(rs, 503, e, NULL);
    }
    return VCH_OK;
}

static vch_err metrics(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct listeners *l = user;
    struct vch_buf out = vch_buf_init(4 << 20);
    vch_err e = vch_metrics_text(l->p->metrics, &out);

    (void)rq;
    if (vch_ok(e)) {
        vch_http_reply_take(rs, 200, VCH_METRICS_MEDIA, &out);
    }
    vch_buf_fini(&out);
    return e;
}

static void on_done(void *user, const struct vch_http_done *done)
{
    struct listeners *l = user;
    unsigned c = done->status / 100;

    vch_counter_add(l->by_class[c < STATUS_CLASSES ? c : 0], 1);
    vch_histogram_observe(l->seconds, (double)(done->queued_us + done->handled_us) / 1e6);
    vch_log(l->p->log, VCH_LOG_DEBUG, "request", VCH_F_STR("method", done->method),
            VCH_F_STR("route", done->route), VCH_F_UINT("status", done->status),
            VCH_F_INT("us", done->handled_us));
}

static void metrics_open(struct listeners *l)
{
    static const char *const names[STATUS_CLASSES] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};

    for (size_t i = 0; i < STATUS_CLASSES; i++) {
        struct vch_label label = {"status", names[i]};

        l->by_class[i] = vch_metrics_counter(l->p->metrics, "vouch_http_requests_total",
                                             "Requests by class of status.", &label, 1);
    }
    l->seconds =
        vch_metrics_histogram(l->p->metrics, "vouch_http_seconds",
                              "Time from the whole request to its answer.", NULL, 0, NULL, 0);
}

/* ---- who may use the ledger over HTTPS */
static bool named(const struct vch_conf_node *root, const char *key,
                  const struct vch_http_cert *cert)
{
    for (size_t i = 0; i < vch_conf_count(root, key); i++) {
        const char *name = vch_conf_text_at(root, key, i);

        if (cert != NULL && strcmp(name, cert->cn) == 0) {
            return true;
        }
        for (size_t s = 0; cert != NULL && s < cert->san_count; s++) {
            if (strcmp(name, cert->san[s].text) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool everybody(const struct vch_conf_node *root, const char *key)
{
    for (size_t i = 0; i < vch_conf_count(root, key); i++) {
        if (strcmp(vch_conf_text_at(root, key, i), "*") == 0) {
            return true;
        }
    }
    return false;
}

static vch_err ledger_authorise(void *user, const struct vch_http_request *rq,
                                enum vch_svc_ledger_right right)
{
    const struct parts *p = user;
    bool may = false;

    switch (right) {
    case VCH_SVC_LEDGER_TILES:
        may = vch_conf_bool(p->root, "ledger.public-tiles") ||
              everybody(p->root, "ledger.readers") || named(p->root, "ledger.readers", rq->cert);
        break;
    case VCH_SVC_LEDGER_READ:
        may = everybody(p->root, "ledger.readers") || named(p->root, "ledger.readers", rq->cert) ||
              named(p->root, "ledger.submitters", rq->cert);
        break;
    case VCH_SVC_LEDGER_SUBMIT:
        may = named(p->root, "ledger.submitters", rq->cert);
        break;
    }
    VCH_CHECK(may || rq->cert != NULL, AS_CALLER);
    VCH_CHECK(may, AS_DENIED);
    return VCH_OK;
}

static vch_err svc_open(struct parts *p)
{
    struct vch_svc_ledger_options o = {
        .ledger = &p->ledger, .engine = p->engine, .authorise = ledger_authorise, .user = p};

    return p->svc_ledger == NULL ? vch_svc_ledger_open(&o, &p->svc_ledger) : VCH_OK;
}

/* ---- the routes of one listener */
struct routes {
    struct vch_http_route list[ROUTES_MAX];
    size_t n;
};

static bool serves(const struct vch_conf_node *n, const char *what)
{
    for (size_t i = 0; i < vch_conf_count(n, "serve"); i++) {
        if (strcmp(vch_conf_text_at(n, "serve", i), what) == 0) {
            return true;
        }
    }
    return false;
}

static vch_err as_routes(struct listeners *l, const struct vch_conf_node *n, struct routes *r)
{
    static const struct {
        const char *name;
        unsigned point;
    } points[] = {{"rp-ud", VCH_AS_POINT_UD},
                  {"rp-ds", VCH_AS_POINT_DS},
                  {"rp-edi", VCH_AS_POINT_EDI},
                  {"admin", VCH_AS_POINT_ADMIN},
                  {"keys", VCH_AS_POINT_PUBLIC}};
    unsigned wanted = 0;
    size_t got = 0;

    for (size_t i = 0; i < VCH_ARRAY_LEN(points); i++) {
        wanted |= serves(n, points[i].name) ? points[i].point : 0;
    }
    if (wanted == 0) {
        return VCH_OK;
    }
    VCH_CHECK(l->p->as != NULL, VOUCHD_CONFIG);
    VCH_TRY(vch_as_routes(l->p->as, wanted, r->list + r->n, ROUTES_MAX - r->n, &got));
    r->n += got;
    return VCH_OK;
}

static vch_err ledger_routes(struct listeners *l, const struct vch_conf_node *n, struct routes *r)
{
    const struct vch_http_route *list;
    size_t got;

    if (!serves(n, "ledger")) {
        return VCH_OK;
    }
    VCH_TRY(svc_open(l->p));
    got = vch_svc_ledger_routes(l->p->svc_ledger, &list);
    VCH_CHECK(got <= LEDGER_ROUTES_MAX, NO_ROOM);
    memcpy(r->list + r->n, list, got * sizeof *list);
    r->n += got;
    return VCH_OK;
}

static vch_err routes_of(struct listeners *l, const struct vch_conf_node *n, struct routes *r)
{
    r->list[r->n++] = (struct vch_http_route){
        .method = VCH_HTTP_GET, .pattern = "/health", .handler = health, .flags = VCH_HTTP_INLINE};
    r->list[r->n++] = (struct vch_http_route){
        .method = VCH_HTTP_GET, .pattern = "/ready", .handler = ready, .user = l};
    if (serves(n, "metrics")) {
        r->list[r->n++] = (struct vch_http_route){
            .method = VCH_HTTP_GET, .pattern = "/metrics", .handler = metrics, .user = l};
    }
    VCH_TRY(as_routes(l, n, r));
    return ledger_routes(l, n, r);
}

static vch_err open_one(struct listeners *l, const struct vch_conf_node *n, struct listener *x)
{
    struct routes *r = vch_mem_alloc(sizeof *r);
    struct vch_http_server_options o = {.address = vch_conf_text(n, "address"),
                                        .routes = r->list,
                                        .connections_max =
                                            (unsigned)vch_conf_int(n, "connections-max"),
                                        .workers = (unsigned)vch_conf_int(n, "workers"),
                                        .rate_per_s = (double)vch_conf_int(n, "rate-per-second"),
                                        .on_done = on_done,
                                        .on_done_user = l};
    vch_err e = routes_of(l, n, r);

    if (vch_conf_section(n, "tls") == NULL) {
        o.allow_plain = true;
    } else {
        o.cert_file = vch_conf_text(n, "tls.cert");
        o.key_file = vch_conf_text(n, "tls.key");
        o.client_ca_file = vch_conf_text(n, "tls.client-ca");
        o.mtls = o.client_ca_file == NULL
                     ? VCH_HTTP_MTLS_NONE
                     : (enum vch_http_mtls)vch_conf_choice(n, "tls.client-auth");
    }
    o.route_count = r->n;
    x->name = vch_conf_text(n, "name");
    if (vch_ok(e)) {
        e = vch_http_server_open(&o, &x->server);
    }
    vch_mem_free(r);
    return e;
}

vch_err listeners_open(struct parts *p, struct listeners **ret)
{
    size_t count = vch_conf_count(p->root, "listeners");
    struct listeners *l = vch_mem_alloc(sizeof *l + count * sizeof l->list[0]);
    vch_err e = VCH_OK;

    l->p = p;
    atomic_init(&l->ending, false);
    metrics_open(l);
    p->what = "opening the listeners";
    for (size_t i = 0; vch_ok(e) && i < count; i++) {
        const struct vch_conf_node *n = vch_conf_at(p->root, "listeners", i);

        e = open_one(l, n, &l->list[i]);
        if (vch_ok(e)) {
            l->count++;
            vch_log(p->log, VCH_LOG_INFO, "listening", VCH_F_STR("name", l->list[i].name),
                    VCH_F_UINT("port", vch_http_server_port(l->list[i].server)));
        } else {
            (void)snprintf(p->detail, sizeof p->detail, "listener %s at %s",
                           vch_conf_text(n, "name"), vch_conf_text(n, "address"));
        }
    }
    if (!vch_ok(e)) {
        listeners_close(l, 0);
        return e;
    }
    *ret = l;
    return VCH_OK;
}

vch_err listeners_reload(struct listeners *l)
{
    vch_err first = VCH_OK;

    for (size_t i = 0; i < l->count; i++) {
        vch_err e = vch_conf_section(vch_conf_at(l->p->root, "listeners", i), "tls") == NULL
                        ? VCH_OK
                        : vch_http_server_reload(l->list[i].server);

        first = vch_ok(first) ? e : first;
    }
    return first;
}

void listeners_close(struct listeners *l, unsigned drain_ms)
{
    if (l == NULL) {
        return;
    }
    atomic_store(&l->ending, true);
    if (l->p->svc_ledger != NULL) {
        vch_svc_ledger_stop(l->p->svc_ledger);
    }
    for (size_t i = 0; i < l->count; i++) {
        vch_http_server_close(l->list[i].server, drain_ms);
    }
    vch_mem_free(l);
}

vch_err listeners_json(const struct listeners *l, struct vch_buf *out)
{
    VCH_TRY(vch_buf_printf(out, "{\"pid\":%ld,\"listeners\":[", (long)getpid()));
    for (size_t i = 0; i < l->count; i++) {
        VCH_TRY(vch_buf_printf(out, "%s{\"name\":", i == 0 ? "" : ","));
        VCH_TRY(vch_cli_json_string(out, vch_text(l->list[i].name)));
        VCH_TRY(vch_buf_printf(out, ",\"port\":%u}", vch_http_server_port(l->list[i].server)));
    }
    return vch_buf_text(out, "]}\n");
}
