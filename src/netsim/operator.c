/* Start and stop of the operators. */
#include <stdio.h>
#include <string.h>

#include <vouch/base/text.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

#include "oauth.h"
#include "operator.h"

#define CERT_FILE_MAX 65536

struct vch_netsim {
    struct vch_netsim_operator *op;
    size_t n;
};

/* ---- the USM as the CEF reaches it: every look-up is timed */

static double seconds_since(const struct timespec *from)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) * 1e-9;
}

static vch_err timed_find(void *self, enum vch_netsim_kind kind, const char *text, int64_t now_ms,
                          int64_t *ret_account)
{
    struct vch_netsim_operator *op = self;
    struct timespec from;
    vch_err e;

    clock_gettime(CLOCK_MONOTONIC, &from);
    e = op->inner.find(op->inner.self, kind, text, now_ms, ret_account);
    vch_histogram_observe(op->lookups, seconds_since(&from));
    return e;
}

static vch_err timed_read(void *self, int64_t account, int64_t now_ms,
                          struct vch_netsim_account *ret)
{
    struct vch_netsim_operator *op = self;

    return op->inner.read(op->inner.self, account, now_ms, ret);
}

static vch_err timed_consent(void *self, int64_t account, const char *client, bool *ret)
{
    struct vch_netsim_operator *op = self;

    return op->inner.consent(op->inner.self, account, client, ret);
}

static vch_err timed_watch(void *self, int64_t account, int64_t now_ms)
{
    struct vch_netsim_operator *op = self;

    return op->inner.watch(op->inner.self, account, now_ms);
}

static vch_err timed_unwatch(void *self, int64_t account)
{
    struct vch_netsim_operator *op = self;

    return op->inner.unwatch(op->inner.self, account);
}

static vch_err timed_next(void *self, int64_t after, struct vch_netsim_usm_event *ret)
{
    struct vch_netsim_operator *op = self;

    return op->inner.next(op->inner.self, after, ret);
}

/* ---- clients */

/* The file NAME as seen from the folder of the configuration file. */
static vch_err beside_config(const struct vch_conf_node *c, const char *name, struct vch_buf *out)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf where = vch_buf_init(4096);
    const char *file, *slash;

    VCH_TRY(vch_conf_where(c, "certs", &where));
    VCH_TRY(vch_buf_cstr(&where, &file));
    slash = strrchr(file, '/');
    if (name[0] != '/' && slash != NULL) {
        VCH_TRY(vch_buf_append(out, vch_bytes(file, (size_t)(slash - file) + 1)));
    }
    return vch_buf_text(out, name);
}

/* SHA-256 of a certificate file, or the hexadecimal text itself. */
static vch_err cert_hash(const struct vch_conf_node *c, const char *text, char ret[65])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(8192);
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(CERT_FILE_MAX);
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *cert = NULL;
    struct vch_hash h;
    struct vch_bytes got;
    struct vch_span room;
    FILE *f;

    if (vch_ok(vch_hex_decode(vch_text(text), VCH_SPAN_OF(h.b), &got)) && got.n == VCH_HASH_LEN) {
        (void)vch_hex_encode(got, vch_span(ret, 65));
        return VCH_OK;
    }
    VCH_TRY(beside_config(c, text, &path));
    VCH_TRY(vch_buf_cstr(&path, &text));
    f = fopen(text, "rb");
    VCH_CHECK(f != NULL, NETSIM_CONFIG);
    VCH_ASSERT(vch_ok(vch_buf_room(&b, CERT_FILE_MAX, &room)));
    vch_buf_added(&b, fread(room.p, 1, CERT_FILE_MAX, f));
    (void)fclose(f);
    VCH_TRY(vch_cert_open(vch_buf_get(&b), &cert));
    (void)vch_hex_encode(vch_hash_bytes(&vch_cert_info(cert)->sha256), vch_span(ret, 65));
    return VCH_OK;
}

static vch_err put_pair(struct vch_netsim_db *db, const char *sql, const char *a, const char *b)
{
    struct vch_netsim_q q = vch_netsim_q(db, sql);

    vch_netsim_q_text(&q, a);
    vch_netsim_q_text(&q, b);
    return vch_netsim_q_run(&q);
}

static vch_err run(struct vch_netsim_db *db, const char *sql)
{
    struct vch_netsim_q q = vch_netsim_q(db, sql);

    return vch_netsim_q_run(&q);
}

static vch_err client_put(struct vch_netsim_db *db, const struct vch_conf_node *c)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf scopes = vch_buf_init(256);
    const char *id = vch_conf_text(c, "id"), *text;
    char hash[65];

    VCH_CHECK(strlen(id) > 0 && strlen(id) <= 64, NETSIM_CONFIG);
    for (size_t i = 0; i < vch_conf_count(c, "scopes"); i++) {
        const char *scope = vch_conf_text_at(c, "scopes", i);

        VCH_CHECK(vch_netsim_scopes_within(scope, vch_netsim_all_scopes), NETSIM_CONFIG);
        VCH_TRY(vch_buf_printf(&scopes, "%s%s", i == 0 ? "" : " ", scope));
    }
    VCH_TRY(vch_buf_cstr(&scopes, &text));
    VCH_TRY(put_pair(db,
                     "INSERT INTO client(id, scopes, active) VALUES(?, ?, 1) ON CONFLICT(id)"
                     " DO UPDATE SET scopes = excluded.scopes, active = 1",
                     id, text[0] == '\0' ? vch_netsim_all_scopes : text));
    for (size_t i = 0; i < vch_conf_count(c, "certs"); i++) {
        VCH_TRY(cert_hash(c, vch_conf_text_at(c, "certs", i), hash));
        VCH_TRY(put_pair(db, "INSERT INTO client_cert(client, sha256) VALUES(?, ?)", id, hash));
    }
    for (size_t i = 0; i < vch_conf_count(c, "sinks"); i++) {
        text = vch_conf_text_at(c, "sinks", i);
        VCH_CHECK(strncmp(text, "https://", 8) == 0 && strchr(text + 8, '/') != NULL,
                  NETSIM_CONFIG);
        VCH_TRY(put_pair(db, "INSERT INTO client_sink(client, prefix) VALUES(?, ?)", id, text));
    }
    for (size_t i = 0; i < vch_conf_count(c, "segments"); i++) {
        VCH_TRY(put_pair(db, "INSERT INTO client_segment(client, segment) VALUES(?, ?)", id,
                         vch_conf_text_at(c, "segments", i)));
    }
    return VCH_OK;
}

vch_err vch_netsim_clients_sync(struct vch_netsim_db *db, const struct vch_conf_node *op)
{
    VCH_TRY(run(db, "UPDATE client SET active = 0"));
    VCH_TRY(run(db, "DELETE FROM client_cert"));
    VCH_TRY(run(db, "DELETE FROM client_sink"));
    VCH_TRY(run(db, "DELETE FROM client_segment"));
    for (size_t i = 0; i < vch_conf_count(op, "clients"); i++) {
        VCH_TRY(client_put(db, vch_conf_at(op, "clients", i)));
    }
    return VCH_OK;
}

/* ---- one operator */

static void on_done(void *user, const struct vch_http_done *done)
{
    struct vch_netsim_operator *op = user;

    vch_log(op->log, VCH_LOG_INFO, "served", VCH_F_STR("operator", op->id),
            VCH_F_STR("method", done->method), VCH_F_STR("route", done->route),
            VCH_F_UINT("status", done->status), VCH_F_INT("handled_us", done->handled_us));
}

static vch_err database_open(struct vch_netsim_operator *op, const struct vch_conf_node *c)
{
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    char id[129];

    VCH_TRY(vch_netsim_db_open(vch_conf_text(c, "database"), &op->cef.db));
    VCH_TRY(vch_netsim_tx_begin(&tx, op->cef.db));
    VCH_TRY(vch_netsim_meta_get(op->cef.db, "operator", id, sizeof id));
    VCH_CHECK(strcmp(id, op->id) == 0, NETSIM_CONFIG);
    VCH_TRY(vch_netsim_clients_sync(op->cef.db, c));
    /* Deliveries that a former run had taken are due again. */
    VCH_TRY(run(op->cef.db, "UPDATE subscription SET next_ms = 0 WHERE next_ms IS NOT NULL"));
    return vch_netsim_tx_commit(&tx);
}

static void settings(struct vch_netsim_operator *op, const struct vch_conf_node *c)
{
    const char *ca = vch_conf_text(c, "delivery.ca");

    op->clock_offset_ms = vch_conf_int(c, "clock-offset-ms");
    op->token_life_s = (unsigned)(vch_conf_int(c, "token-life") / 1000);
    op->ca_file = vch_mem_text(vch_text(ca != NULL ? ca : vch_conf_text(c, "tls.client-ca")));
    op->cert_file = vch_mem_text(vch_text(vch_conf_text(c, "tls.cert")));
    op->key_file = vch_mem_text(vch_text(vch_conf_text(c, "tls.key")));
    op->timeout_ms = (unsigned)vch_conf_int(c, "delivery.timeout");
    op->backoff_min_ms = vch_conf_int(c, "delivery.backoff-min");
    op->backoff_max_ms = vch_conf_int(c, "delivery.backoff-max");
    op->wake_path = vch_netsim_wake_path(vch_conf_text(c, "database"));
}

static vch_err server_open(struct vch_netsim_operator *op, const struct vch_conf_node *c)
{
    struct vch_http_route routes[VCH_NETSIM_ROUTES];
    struct vch_http_server_options o = {.address = vch_conf_text(c, "listen"),
                                        .key_file = vch_conf_text(c, "tls.key"),
                                        .cert_file = vch_conf_text(c, "tls.cert"),
                                        .mtls = VCH_HTTP_MTLS_OPTIONAL,
                                        .client_ca_file = vch_conf_text(c, "tls.client-ca"),
                                        .routes = routes,
                                        .body_max = 256 * 1024,
                                        .workers = 8,
                                        .rate_per_s = (double)vch_conf_int(c, "rate-per-s"),
                                        .on_done = on_done,
                                        .on_done_user = op};

    o.route_count = vch_netsim_routes(op, routes);
    return vch_http_server_open(&o, &op->server);
}

static void operator_init(struct vch_netsim_operator *op, struct vch_log *log)
{
    pthread_condattr_t attr;

    op->log = log;
    op->stop_fd = op->wake_fd = -1;
    pthread_mutex_init(&op->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&op->due, &attr);
    pthread_condattr_destroy(&attr);
    op->metrics = vch_metrics_open();
    op->lookups = vch_metrics_histogram(op->metrics, "netsim_usm_lookup_seconds",
                                        "Look-ups of the exposure function at the subscription "
                                        "management.",
                                        NULL, 0, NULL, 0);
}

static vch_err operator_open(struct vch_netsim_operator *op, const struct vch_conf_node *c)
{
    const char *id = vch_conf_text(c, "id");

    VCH_CHECK(id[0] != '\0' && strlen(id) < sizeof op->id, NETSIM_CONFIG);
    vch_netsim_set(op->id, sizeof op->id, id);
    settings(op, c);
    VCH_TRY(vch_netsim_policy_read(c, &op->cef));
    VCH_TRY(vch_ossl_key_load(vch_conf_text(c, "signing-key"), vch_bytes(NULL, 0),
                              VCH_OSSL_KEY_PLAIN, &op->key));
    op->cef.signer = vch_ossl_key_signer(op->key);
    VCH_CHECK(op->cef.signer->alg == VCH_ALG_ES256, NETSIM_CONFIG);
    op->cef.operator_id = op->id;
    op->cef.crypto = vch_ossl_crypto();
    op->cef.random = vch_ossl_random;
    VCH_TRY(database_open(op, c));
    op->inner = vch_netsim_usm(op->cef.db);
    op->cef.usm = (struct vch_netsim_usm){op,          timed_find,    timed_read, timed_consent,
                                          timed_watch, timed_unwatch, timed_next};
    VCH_TRY(server_open(op, c));
    return vch_netsim_delivery_start(op, (size_t)vch_conf_int(c, "delivery.workers"));
}

static void operator_close(struct vch_netsim_operator *op)
{
    vch_http_server_close(op->server, 5000);
    vch_netsim_delivery_stop(op);
    vch_netsim_db_close(op->cef.db);
    vch_ossl_key_close(op->key);
    vch_metrics_close(op->metrics);
    vch_mem_free(op->ca_file);
    vch_mem_free(op->cert_file);
    vch_mem_free(op->key_file);
    vch_mem_free(op->wake_path);
    pthread_cond_destroy(&op->due);
    pthread_mutex_destroy(&op->lock);
}

vch_err vch_netsim_open(const struct vch_conf *c, struct vch_log *log, char reterr_who[64],
                        struct vch_netsim **ret)
{
    const struct vch_conf_node *root = vch_conf_root(c);
    size_t count = vch_conf_count(root, "operators");
    struct vch_netsim *n = vch_mem_alloc(sizeof *n);

    n->op = vch_mem_alloc(count * sizeof *n->op);
    for (; n->n < count; n->n++) {
        const struct vch_conf_node *section = vch_conf_at(root, "operators", n->n);
        vch_err e;

        operator_init(&n->op[n->n], log);
        e = operator_open(&n->op[n->n], section);
        if (!vch_ok(e)) {
            (void)snprintf(reterr_who, 64, "%.63s", vch_conf_text(section, "id"));
            n->n++;
            vch_netsim_close(n);
            return e;
        }
        vch_log(log, VCH_LOG_INFO, "operator-listens", VCH_F_STR("operator", n->op[n->n].id),
                VCH_F_UINT("port", vch_http_server_port(n->op[n->n].server)));
    }
    *ret = n;
    return VCH_OK;
}

void vch_netsim_close(struct vch_netsim *n)
{
    if (n == NULL) {
        return;
    }
    for (size_t i = 0; i < n->n; i++) {
        operator_close(&n->op[i]);
    }
    vch_mem_free(n->op);
    vch_mem_free(n);
}

uint16_t vch_netsim_port(const struct vch_netsim *n, const char *operator_id)
{
    for (size_t i = 0; i < n->n; i++) {
        if (strcmp(n->op[i].id, operator_id) == 0) {
            return vch_http_server_port(n->op[i].server);
        }
    }
    return 0;
}
