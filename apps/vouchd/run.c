/* vouchd run: opens everything from the bottom up, serves, and closes it the other way round. */
#include "vouchd.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vouch/http/server.h>
#include <vouch/svc_ledger/svc_ledger.h>

#define OPERATORS_MAX 16
#define LISTENERS_MAX 16
#define PREFIXES_MAX  64
#define POINT_LEDGER  (1u << 16) /* beside those of the AS */
#define ROUTES_MAX    64

/* Everything that runs; zeroed is closed. */
struct daemon {
    struct site site;
    struct vch_log *log;
    struct vch_audit *audit;
    struct vch_metrics *metrics;
    struct vch_ossl_key *ledger_key, *checkpoint_key;
    struct vch_engine *engine;
    struct vch_ledger ledger;
    struct vch_as_vault *vault;
    struct vch_edi *edi[OPERATORS_MAX];
    const char *prefixes[OPERATORS_MAX][PREFIXES_MAX];
    struct vch_as_operator operators[OPERATORS_MAX];
    size_t operator_count;
    struct vch_as *as;
    struct vch_svc_ledger *face;
    struct vch_http_server *servers[LISTENERS_MAX];
    struct vch_http_route routes[LISTENERS_MAX][ROUTES_MAX];
    size_t server_count;
    volatile bool ready;
};

static void on_fatal(void *user, vch_err e)
{
    struct daemon *d = user;

    vch_log(d->log, VCH_LOG_ERROR, "ledger-failed", VCH_F_ERR("error", e));
    fprintf(stderr, "vouchd: the ledger cannot write any more (%s); stopping\n",
            vch_err_info(e)->slug);
    kill(getpid(), SIGTERM);
}

/* The key for tags of personal data in logs, derived so that it survives restarts. */
static vch_err open_logs(struct daemon *d)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    const struct vch_conf_node *root = d->site.root;
    uint8_t key[32];
    bool keyed = d->vault != NULL;
    struct vch_log_options lo = {.path = vch_conf_text(root, "log.file"),
                                 .level = (enum vch_log_level)vch_conf_choice(root, "log.level"),
                                 .form = (enum vch_log_form)vch_conf_choice(root, "log.form"),
                                 .program = "vouchd",
                                 .crypto = vch_ossl_crypto()};
    struct vch_audit_options ao = {.crypto = vch_ossl_crypto(), .sync = VCH_AUDIT_SYNC_LATER};
    vch_err e;

    if (keyed) {
        VCH_TRY(vch_as_vault_derive(d->vault, "log tags", key));
        lo.pii_key = VCH_BYTES_OF(key);
        ao.pii_key = VCH_BYTES_OF(key);
    }
    VCH_TRY(site_path(&d->site, "audit.log", &path, &ao.path));
    e = vch_log_open(&lo, &d->log);
    if (vch_ok(e)) {
        e = vch_audit_open(&ao, &d->audit);
    }
    vch_wipe(key, sizeof(key));
    return e;
}

static vch_err open_ledger(struct daemon *d)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    const struct vch_conf_node *root = d->site.root;
    struct vch_ledger_fault fault = {0};
    struct vch_engine_options o = {.cr = vch_ossl_crypto(),
                                   .dir = vch_conf_text(root, "ledger.dir"),
                                   .ledger_id = vch_conf_text(root, "ledger.id"),
                                   .seen_file = vch_conf_text(root, "ledger.seen_file"),
                                   .verify_threads =
                                       (unsigned)vch_conf_int(root, "ledger.verify_threads"),
                                   .on_fatal = on_fatal,
                                   .user = d};
    vch_err e;

    if (o.dir == NULL) {
        VCH_TRY(site_path(&d->site, "ledger", &path, &o.dir));
    }
    VCH_TRY(site_key(&d->site, "ledger", &d->ledger_key));
    VCH_TRY(site_key(&d->site, "checkpoint", &d->checkpoint_key));
    o.signer = vch_ossl_key_signer(d->ledger_key);
    o.checkpoint_signer = vch_ossl_key_signer(d->checkpoint_key);
    e = vch_engine_open(&o, &d->engine, &fault);
    if (!vch_ok(e)) {
        if (fault.what[0] != 0) {
            fprintf(stderr, "vouchd: ledger: %s in %s at %llu\n", fault.what, fault.file,
                    (unsigned long long)fault.offset);
        }
        return e;
    }
    vch_engine_ledger(d->engine, true, &d->ledger);
    return VCH_OK;
}

static vch_err open_operator(struct daemon *d, size_t i)
{
    const struct vch_conf_node *n = vch_conf_at(d->site.root, "as.operators", i);
    struct vch_edi_options o = {.operator_id = vch_conf_text(n, "id"),
                                .client_id = vch_conf_text(n, "client_id"),
                                .url = vch_conf_text(n, "url"),
                                .ca_file = vch_conf_text(n, "ca"),
                                .cert_file = vch_conf_text(n, "cert"),
                                .key_file = vch_conf_text(n, "key"),
                                .keys_file = vch_conf_text(n, "keys"),
                                .resolve_addr = vch_conf_text(n, "resolve"),
                                .timeout_ms = (unsigned)vch_conf_int(n, "timeout"),
                                .crypto = vch_ossl_crypto()};
    size_t count = vch_conf_count(n, "prefixes");

    VCH_TRY(vch_edi_open(&o, &d->edi[i]));
    for (size_t k = 0; k < count; k++) {
        d->prefixes[i][k] = vch_conf_text_at(n, "prefixes", k);
    }
    d->operators[i] =
        (struct vch_as_operator){o.operator_id, &vch_as_cef_edi, d->edi[i], d->prefixes[i], count};
    return VCH_OK;
}

static vch_err open_vault(struct daemon *d)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf dir = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf keys = vch_buf_init(4096);
    struct vch_as_vault_options o = {.crypto = vch_ossl_crypto(), .random = vch_ossl_random};
    uint8_t master[32];
    vch_err e;

    VCH_TRY(site_path(&d->site, "vault", &dir, &o.dir));
    VCH_TRY(site_path(&d->site, "keys/subjects", &keys, &o.keys_path));
    VCH_TRY(site_master_load(&d->site, master));
    o.master = master;
    e = vch_as_vault_open(&o, &d->vault);
    vch_wipe(master, sizeof(master));
    return e;
}

static void close_key(void *arg)
{
    vch_ossl_key_close(arg);
}

static vch_err open_as(struct daemon *d)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf report = vch_buf_init(65536);
    VCH_AUTO(vch_buf_fini) struct vch_buf cert = vch_buf_init(65536);
    const struct vch_conf_node *n = vch_conf_section(d->site.root, "as");
    struct vch_as_options o = {.as_id = vch_conf_text(n, "id"),
                               .url = vch_conf_text(n, "url"),
                               .vault = d->vault,
                               .ledger = &d->ledger,
                               .log = d->log,
                               .audit = d->audit,
                               .metrics = d->metrics,
                               .crypto = vch_ossl_crypto(),
                               .random = vch_ossl_random,
                               .operators = d->operators,
                               .users_path = vch_conf_text(n, "users"),
                               .policy = {vch_conf_bool(n, "sim_swap_suspends")},
                               .replace = (enum vch_as_replace)vch_conf_choice(n, "replace"),
                               .nonce_life_s = (unsigned)(vch_conf_int(n, "nonce_life") / 1000),
                               .register_per_s = (double)vch_conf_int(n, "register_rate"),
                               .register_burst = (unsigned)vch_conf_int(n, "register_burst"),
                               .check_every_s = (unsigned)(vch_conf_int(n, "check_every") / 1000),
                               .sub_life_s =
                                   (unsigned)(vch_conf_int(n, "subscription_life") / 1000)};
    struct vch_ossl_key *key = NULL;
    const char *text = "";
    vch_err e;

    for (d->operator_count = 0; d->operator_count < vch_conf_count(n, "operators");
         d->operator_count++) {
        VCH_TRY(open_operator(d, d->operator_count));
    }
    o.operator_count = d->operator_count;
    e = vch_as_open(&o, &report, &d->as);
    if (!vch_ok(e)) {
        vch_ignore(vch_buf_cstr(&report, &text));
        fputs(text, stderr);
        return e;
    }
    VCH_TRY(site_cert(vch_conf_text(n, "certificate"), &cert));
    VCH_TRY(site_key(&d->site, "as", &key));
    return vch_as_key_set(d->as, vch_ossl_key_signer(key), vch_buf_get(&cert), close_key, key);
}

/* ---- health */
static vch_err get_health(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    (void)rq;
    vch_http_reply(rs, 200, "application/json", vch_text("{\"status\":\"up\"}\n"));
    return VCH_OK;
}

static vch_err get_ready(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct daemon *d = user;

    (void)rq;
    VCH_CHECK(d->ready, NOT_READY);
    if (d->as != NULL) {
        VCH_TRY(vch_as_ready(d->as));
    }
    vch_http_reply(rs, 200, "application/json", vch_text("{\"status\":\"ready\"}\n"));
    return VCH_OK;
}

static vch_err get_metrics(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct daemon *d = user;
    struct vch_buf out = vch_buf_init(4u << 20);
    vch_err e = vch_metrics_text(d->metrics, &out);

    (void)rq;
    if (vch_ok(e)) {
        vch_http_reply_take(rs, 200, VCH_METRICS_MEDIA, &out);
    }
    vch_buf_fini(&out);
    return e;
}

static size_t common_routes(struct daemon *d, bool admin, struct vch_http_route *r)
{
    size_t n = 0;

    r[n++] =
        (struct vch_http_route){VCH_HTTP_GET, "/health", get_health, d, 0, NULL, VCH_HTTP_INLINE};
    r[n++] = (struct vch_http_route){VCH_HTTP_GET, "/ready", get_ready, d, 0, NULL, 0};
    if (admin) {
        r[n++] = (struct vch_http_route){VCH_HTTP_GET, "/metrics", get_metrics, d, 0, NULL, 0};
    }
    return n;
}

/* ---- listeners */
static const struct {
    const char *name;
    unsigned bit;
} points[] = {{"devices", VCH_AS_POINT_UD},    {"recipients", VCH_AS_POINT_DS},
              {"operators", VCH_AS_POINT_EDI}, {"admin", VCH_AS_POINT_ADMIN},
              {"public", VCH_AS_POINT_PUBLIC}, {"ledger", POINT_LEDGER}};

static vch_err points_of(const struct vch_conf_node *n, unsigned *ret)
{
    unsigned bits = 0;

    for (size_t i = 0; i < vch_conf_count(n, "points"); i++) {
        const char *name = vch_conf_text_at(n, "points", i);
        unsigned bit = 0;

        for (size_t k = 0; k < VCH_ARRAY_LEN(points); k++) {
            if (strcmp(points[k].name, name) == 0) {
                bit = points[k].bit;
            }
        }
        if (bit == 0) {
            fprintf(stderr, "vouchd: '%s' is no point to serve\n", name);
            return VCH_E(USAGE);
        }
        bits |= bit;
    }
    *ret = bits;
    return VCH_OK;
}

static void on_done(void *user, const struct vch_http_done *done)
{
    struct daemon *d = user;
    char status[8];
    const struct vch_label labels[] = {{"route", done->route}, {"status", status}};

    snprintf(status, sizeof(status), "%u", done->status);
    vch_counter_add(vch_metrics_counter(d->metrics, "vouch_http_requests_total",
                                        "Requests answered.", labels, 2),
                    1);
    vch_log(d->log, VCH_LOG_DEBUG, "request", VCH_F_STR("method", done->method),
            VCH_F_STR("route", done->route), VCH_F_UINT("status", done->status),
            VCH_F_INT("us", done->handled_us));
}

static vch_err open_listener(struct daemon *d, size_t i)
{
    const struct vch_conf_node *n = vch_conf_at(d->site.root, "listen", i);
    struct vch_http_route *routes = d->routes[i];
    struct vch_http_server_options o = {
        .address = vch_conf_text(n, "address"),
        .cert_file = vch_conf_text(n, "cert"),
        .key_file = vch_conf_text(n, "key"),
        .allow_plain = vch_conf_text(n, "cert") == NULL,
        .mtls = (enum vch_http_mtls)vch_conf_choice(n, "client_certificates"),
        .client_ca_file = vch_conf_text(n, "client_ca"),
        .connections_max = (unsigned)vch_conf_int(n, "connections"),
        .workers = (unsigned)vch_conf_int(n, "workers"),
        .rate_per_s = (double)vch_conf_int(n, "rate"),
        .routes = routes,
        .on_done = on_done,
        .on_done_user = d};
    unsigned bits;
    size_t more = 0;

    VCH_TRY(points_of(n, &bits));
    o.route_count = common_routes(d, (bits & VCH_AS_POINT_ADMIN) != 0, routes);
    if (d->as != NULL) {
        VCH_TRY(
            vch_as_routes(d->as, bits & 0xffff, routes + o.route_count, VCH_AS_ROUTES_MAX, &more));
        o.route_count += more;
    }
    if ((bits & POINT_LEDGER) != 0) {
        const struct vch_http_route *face;

        more = vch_svc_ledger_routes(d->face, &face);
        VCH_ASSERT(o.route_count + more <= ROUTES_MAX);
        memcpy(routes + o.route_count, face, more * sizeof(*face));
        o.route_count += more;
    }
    VCH_TRY(vch_http_server_open(&o, &d->servers[i]));
    d->server_count = i + 1;
    return VCH_OK;
}

/* Tiles and checkpoint are hashes and for everybody; entries are for those whom the listener's client
 * authority certifies. What is submitted is checked by the core, whoever sends it. */
static vch_err authorise(void *user, const struct vch_http_request *rq,
                         enum vch_svc_ledger_right right)
{
    (void)user;
    VCH_CHECK(right == VCH_SVC_LEDGER_TILES || rq->cert != NULL, AS_CALLER);
    return VCH_OK;
}

static vch_err open_face(struct daemon *d)
{
    const struct vch_svc_ledger_options o = {
        .ledger = &d->ledger, .engine = d->engine, .authorise = authorise};

    return vch_svc_ledger_open(&o, &d->face);
}

static vch_err open_all(struct daemon *d)
{
    d->metrics = vch_metrics_open();
    if (site_has_role(&d->site, "as")) {
        VCH_TRY(open_vault(d));
    }
    VCH_TRY(open_logs(d));
    VCH_TRY(open_ledger(d));
    if (d->vault != NULL) {
        VCH_TRY(open_as(d));
    }
    VCH_TRY(open_face(d));
    for (size_t i = 0; i < vch_conf_count(d->site.root, "listen"); i++) {
        VCH_TRY(open_listener(d, i));
    }
    d->ready = true;
    return VCH_OK;
}

static void close_all(struct daemon *d)
{
    d->ready = false;
    if (d->face != NULL) {
        vch_svc_ledger_stop(d->face);
    }
    for (size_t i = 0; i < d->server_count; i++) {
        vch_http_server_close(d->servers[i], 5000);
    }
    vch_as_close(d->as);
    vch_svc_ledger_close(d->face);
    for (size_t i = 0; i < OPERATORS_MAX; i++) {
        vch_edi_close(d->edi[i]);
    }
    vch_as_vault_close(d->vault);
    vch_ledger_close(&d->ledger);
    vch_engine_close(d->engine);
    vch_ossl_key_close(d->ledger_key);
    vch_ossl_key_close(d->checkpoint_key);
    vch_audit_close(d->audit);
    vch_log(d->log, VCH_LOG_INFO, "stopped");
    vch_log_close(d->log);
    vch_metrics_close(d->metrics);
    site_fini(&d->site);
}

/* {"ports":[...]} for those that start the daemon with port 0. */
static vch_err write_ports(const struct daemon *d, const char *path)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(4096);

    VCH_TRY(vch_buf_text(&b, "{\"ports\":["));
    for (size_t i = 0; i < d->server_count; i++) {
        VCH_TRY(vch_buf_printf(&b, "%s%u", i == 0 ? "" : ",", vch_http_server_port(d->servers[i])));
    }
    VCH_TRY(vch_buf_text(&b, "]}\n"));
    return vch_file_write_atomic(path, vch_buf_get(&b), 0);
}

static void serve(struct daemon *d, const sigset_t *signals)
{
    int sig = 0;

    vch_log(d->log, VCH_LOG_INFO, "ready", VCH_F_STR("ledger", d->ledger.id));
    while (sigwait(signals, &sig) == 0 && sig == SIGHUP) {
        for (size_t i = 0; i < d->server_count; i++) {
            vch_err e = vch_http_server_reload(d->servers[i]);

            vch_log(d->log, VCH_LOG_INFO, "reloaded", VCH_F_ERR("result", e));
        }
        vch_ignore(vch_log_reopen(d->log));
    }
}

int cmd_run(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    static struct daemon d;
    const char *config = NULL;
    const char *ports = NULL;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &config, "FILE", "configuration file"},
        {"ports-file", 0, VCH_CLI_TEXT, &ports, "FILE",
         "write the ports taken, as JSON, when ready"},
    };
    struct rlimit no_core = {0, 0};
    sigset_t signals;
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (config == NULL || n != 0) {
        return vch_cli_usage("--config FILE is needed");
    }
    setrlimit(RLIMIT_CORE, &no_core); /* secrets in memory end up in no core dump */
    prctl(PR_SET_DUMPABLE, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    e = site_open(config, true, &d.site);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "run", config);
    }
    e = open_all(&d);
    if (vch_ok(e) && ports != NULL) {
        e = write_ports(&d, ports);
    }
    if (vch_ok(e)) {
        serve(&d, &signals);
    }
    close_all(&d);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "run", config);
}
