/* The northbound API: HTTP in front of the exposure function. */
#include <stdlib.h>
#include <string.h>

#include "cef_int.h"
#include "oauth.h"
#include "operator.h"

#define API    "/divs-account-status/v0"
#define SUBS   "/divs-account-status-subscriptions/v0/subscriptions"
#define EVENTS "/divs-account-status-subscriptions/v0/events"
#define JSON   "application/json"

/* One request in work. */
struct work {
    struct vch_netsim_operator *op;
    struct vch_http_request *rq;
    struct vch_http_response *rs;
    const char *client;
    int64_t now_ms;
    json_t *body; /* NULL without one */
};

/* RET NULL with success: 204. */
typedef vch_err (*work_fn)(const struct work *w, json_t **ret, struct vch_netsim_fault *f);

static vch_err do_retrieve(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    return vch_netsim_cef_retrieve(&w->op->cef, w->client, w->now_ms, w->body, ret, f);
}

static vch_err do_match(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    return vch_netsim_cef_match(&w->op->cef, w->client, w->now_ms, w->body, ret, f);
}

static vch_err do_batch(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    return vch_netsim_cef_batch(&w->op->cef, w->client, w->now_ms, w->body, ret, f);
}

static vch_err do_subscribe(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    return vch_netsim_cef_subscribe(&w->op->cef, w->client, w->now_ms, w->body, ret, f);
}

static vch_err do_patch(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    return vch_netsim_cef_patch(&w->op->cef, w->client, w->now_ms, vch_http_param(w->rq, "id"),
                                vch_http_header(w->rq, "If-Match"), w->body, ret, f);
}

static vch_err do_cancel(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    *ret = NULL;
    return vch_netsim_cef_cancel(&w->op->cef, w->client, vch_http_param(w->rq, "id"), f);
}

static vch_err do_get(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    return vch_netsim_cef_get(&w->op->cef, w->client, vch_http_param(w->rq, "id"), ret, f);
}

/* A number of the query within bounds; DEF if absent. */
static vch_err query_number(const struct work *w, const char *name, uint64_t def, uint64_t max,
                            uint64_t *ret, struct vch_netsim_fault *f)
{
    const char *text = vch_http_query(w->rq, name);

    *ret = def;
    if (text != NULL && !vch_ok(vch_u64_parse(vch_text(text), max, ret))) {
        return vch_netsim_fail(f, 400, "OUT_OF_RANGE", "a number of the query is out of its range",
                               VCH_E(NETSIM_ARGUMENT));
    }
    return VCH_OK;
}

static vch_err do_list(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    uint64_t limit;

    VCH_TRY(query_number(w, "limit", 100, 200, &limit, f));
    return vch_netsim_cef_list(&w->op->cef, w->client, vch_http_query(w->rq, "after"),
                               (unsigned)limit, ret, f);
}

static vch_err do_events(const struct work *w, json_t **ret, struct vch_netsim_fault *f)
{
    const char *ref = vch_http_query(w->rq, "accountRef");
    uint64_t after, limit;

    if (ref == NULL) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "accountRef is needed",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(query_number(w, "afterSeq", 0, INT64_MAX, &after, f));
    VCH_TRY(query_number(w, "limit", 100, 100, &limit, f));
    return vch_netsim_cef_events(&w->op->cef, w->client, ref, after, (unsigned)limit, ret, f);
}

static const struct {
    enum vch_http_method method;
    const char *pattern;
    const char *media; /* of the body; NULL: none is taken */
    const char *scope;
    work_fn fn;
    unsigned status;
} table[] = {
    {VCH_HTTP_POST, API "/retrieve", JSON, "divs-account-status:retrieve", do_retrieve, 200},
    {VCH_HTTP_POST, API "/match", JSON, "divs-account-status:match", do_match, 200},
    {VCH_HTTP_POST, API "/retrieve-batch", JSON, "divs-account-status:retrieve", do_batch, 200},
    {VCH_HTTP_POST, SUBS, JSON, "divs-account-status-subscriptions:create", do_subscribe, 201},
    {VCH_HTTP_GET, SUBS, NULL, "divs-account-status-subscriptions:read", do_list, 200},
    {VCH_HTTP_GET, SUBS "/{id}", NULL, "divs-account-status-subscriptions:read", do_get, 200},
    {VCH_HTTP_PATCH, SUBS "/{id}", "application/merge-patch+json," JSON,
     "divs-account-status-subscriptions:update", do_patch, 200},
    {VCH_HTTP_DELETE, SUBS "/{id}", NULL, "divs-account-status-subscriptions:delete", do_cancel,
     204},
    {VCH_HTTP_GET, EVENTS, NULL, "divs-account-status-subscriptions:read", do_events, 200}};

const char vch_netsim_all_scopes[] =
    "divs-account-status:retrieve divs-account-status:match"
    " divs-account-status-subscriptions:create divs-account-status-subscriptions:read"
    " divs-account-status-subscriptions:update divs-account-status-subscriptions:delete";

static void reply_json(struct vch_http_response *rs, unsigned status, const json_t *o)
{
    char *text = vch_netsim_dump(o);

    VCH_ASSERT(text != NULL);
    vch_http_reply(rs, status, JSON, vch_text(text));
    vch_http_reply_header(rs, "Cache-Control", "no-store");
    vch_mem_free(text);
}

static void reply_fault(struct vch_http_response *rs, const struct vch_netsim_fault *f)
{
    json_t *o = json_pack("{s:i, s:s, s:s}", "status", (int)f->status, "code", f->code, "message",
                          f->message);

    reply_json(rs, f->status, o);
    json_decref(o);
    if (f->status == 401) {
        vch_http_reply_header(rs, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    } else if (f->status == 503) {
        vch_http_reply_header(rs, "Retry-After", "1");
    }
}

/* Echoes the correlator; one of the wrong form is refused. */
static bool correlate(const struct work *w)
{
    const char *c = vch_http_header(w->rq, "x-correlator");

    if (c == NULL) {
        return true;
    }
    if (strlen(c) > 256 ||
        c[strspn(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:;./<>{}")] !=
            '\0') {
        return false;
    }
    vch_http_reply_header(w->rs, "x-correlator", c);
    return true;
}

/* The client of the token, if that is good for SCOPE on this connection, and still registered. */
static vch_err authenticate(const struct work *w, const char *scope, struct vch_netsim_token *ret,
                            struct vch_netsim_fault *f)
{
    const char *auth = vch_http_header(w->rq, "Authorization");
    struct vch_netsim_token now_allowed;
    char hex[2 * VCH_HASH_LEN + 1];
    vch_err e = VCH_E(NETSIM_TOKEN);

    if (auth != NULL && strncmp(auth, "Bearer ", 7) == 0) {
        e = vch_netsim_token_check(&w->op->cef, auth + 7, &w->rq->cert->sha256, w->now_ms, ret);
    }
    if (vch_ok(e)) {
        (void)vch_hex_encode(vch_hash_bytes(&w->rq->cert->sha256), VCH_SPAN_OF(hex));
        e = vch_netsim_client_find(w->op->cef.db, ret->client, hex, &now_allowed);
    }
    if (vch_ok(e) && (!vch_netsim_scopes_within(scope, ret->scopes) ||
                      !vch_netsim_scopes_within(scope, now_allowed.scopes))) {
        e = VCH_E(NETSIM_SCOPE);
    }
    *f = vch_netsim_fault_of(e);
    return e;
}

static vch_err body_read(struct work *w, bool wanted, struct vch_netsim_fault *f)
{
    if (!wanted) {
        return VCH_OK;
    }
    w->body = json_loadb((const char *)w->rq->body.p, w->rq->body.n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(w->body)) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "the body is no JSON object",
                               VCH_E(NETSIM_ARGUMENT));
    }
    return VCH_OK;
}

static vch_err work_run(struct work *w, size_t index, json_t **ret, struct vch_netsim_fault *f)
{
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    struct vch_netsim_token token;
    vch_err e;

    if (!correlate(w)) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "x-correlator is malformed",
                               VCH_E(NETSIM_ARGUMENT));
    }
    *f = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    VCH_TRY(vch_netsim_tx_begin(&tx, w->op->cef.db));
    VCH_TRY(authenticate(w, table[index].scope, &token, f));
    VCH_TRY(body_read(w, table[index].media != NULL, f));
    w->client = token.client;
    VCH_TRY(table[index].fn(w, ret, f));
    e = vch_netsim_tx_commit(&tx);
    if (!vch_ok(e)) {
        *f = vch_netsim_fault_of(e);
        json_decref(*ret);
        *ret = NULL;
    }
    return e;
}

/* Headers of a subscription: its place and its version. */
static void sub_headers(struct vch_http_response *rs, unsigned status, const json_t *o)
{
    const char *id = json_string_value(json_object_get(o, "id"));
    const json_t *version = json_object_get(o, "version");
    char text[160];

    if (id == NULL || version == NULL) {
        return;
    }
    (void)snprintf(text, sizeof text, "\"%lld\"", (long long)json_integer_value(version));
    vch_http_reply_header(rs, "ETag", text);
    if (status == 201) {
        (void)snprintf(text, sizeof text, SUBS "/%s", id);
        vch_http_reply_header(rs, "Location", text);
    }
}

static vch_err serve(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_netsim_route *r = user;
    struct work w = {.op = r->op, .rq = rq, .rs = rs, .now_ms = vch_netsim_operator_ms(r->op)};
    struct vch_netsim_fault f = {500, "INTERNAL", "the server failed"};
    json_t *o = NULL;
    vch_err e = work_run(&w, r->index, &o, &f);

    json_decref(w.body);
    if (!vch_ok(e)) {
        reply_fault(rs, &f);
        return VCH_OK;
    }
    if (o == NULL) {
        vch_http_reply_status(rs, table[r->index].status);
    } else {
        reply_json(rs, table[r->index].status, o);
        sub_headers(rs, table[r->index].status, o);
        json_decref(o);
    }
    if (rq->method != VCH_HTTP_GET) {
        vch_netsim_delivery_post(r->op); /* an initial event may wait */
    }
    return VCH_OK;
}

/* ---- OAuth 2 */

static vch_err token_error(struct vch_http_response *rs, unsigned status, const char *error)
{
    json_t *o = json_pack("{s:s}", "error", error); /* RFC 6749, section 5.2 */

    reply_json(rs, status, o);
    json_decref(o);
    return VCH_OK;
}

/* Value of NAME in a form body; false if absent, double or too long. Escapes are not needed in any
 * value that is taken here, except for the space and the colon of scopes. */
static bool form_value(struct vch_bytes form, const char *name, char *room, size_t cap)
{
    size_t pos = 0, n = strlen(name);
    bool found = false;

    while (pos < form.n) {
        size_t end = pos, len = 0;

        while (end < form.n && form.p[end] != '&') {
            end++;
        }
        if (end - pos > n && memcmp(form.p + pos, name, n) == 0 && form.p[pos + n] == '=') {
            if (found) {
                return false;
            }
            for (size_t i = pos + n + 1; i < end; i++) {
                char c = (char)form.p[i];

                if (c == '%' && end - i > 2 && memcmp(form.p + i, "%20", 3) == 0) {
                    c = ' ';
                    i += 2;
                } else if (c == '%' && end - i > 2 &&
                           (memcmp(form.p + i, "%3A", 3) == 0 ||
                            memcmp(form.p + i, "%3a", 3) == 0)) {
                    c = ':';
                    i += 2;
                } else if (c == '+') {
                    c = ' ';
                }
                if (len + 1 >= cap || c < ' ' || c > '~') {
                    return false;
                }
                room[len++] = c;
            }
            room[len] = '\0';
            found = true;
        }
        pos = end + 1;
    }
    return found;
}

static vch_err token_answer(struct vch_netsim_operator *op, const struct vch_netsim_token *t,
                            const struct vch_hash *cert, struct vch_http_response *rs)
{
    char *jwt = NULL;
    json_t *o;

    VCH_TRY(vch_netsim_token_make(&op->cef, t, cert, vch_netsim_operator_ms(op), op->token_life_s,
                                  &jwt));
    o = json_pack("{s:s, s:s, s:i, s:s}", "access_token", jwt, "token_type", "Bearer", "expires_in",
                  (int)op->token_life_s, "scope", t->scopes);
    vch_mem_free(jwt);
    reply_json(rs, 200, o);
    json_decref(o);
    return VCH_OK;
}

/* POST /oauth2/token: client credentials, the client known by its certificate (RFC 8705). */
static vch_err serve_token(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_netsim_operator *op = ((struct vch_netsim_route *)user)->op;
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    char grant[64], client[65], scope[257] = "", hex[2 * VCH_HASH_LEN + 1];
    struct vch_netsim_token t = {0};
    vch_err e;

    if (!form_value(rq->body, "grant_type", grant, sizeof grant) ||
        !form_value(rq->body, "client_id", client, sizeof client)) {
        return token_error(rs, 400, "invalid_request");
    }
    if (strcmp(grant, "client_credentials") != 0) {
        return token_error(rs, 400, "unsupported_grant_type");
    }
    (void)vch_hex_encode(vch_hash_bytes(&rq->cert->sha256), VCH_SPAN_OF(hex));
    e = vch_netsim_tx_begin(&tx, op->cef.db);
    if (vch_ok(e)) {
        e = vch_netsim_client_find(op->cef.db, client, hex, &t);
    }
    if (vch_err_is(e, VCH_E(NETSIM_TOKEN))) {
        return token_error(rs, 401, "invalid_client");
    }
    VCH_TRY(e);
    if (form_value(rq->body, "scope", scope, sizeof scope)) {
        if (!vch_netsim_scopes_within(scope, t.scopes)) {
            return token_error(rs, 400, "invalid_scope");
        }
        vch_netsim_set(t.scopes, sizeof t.scopes, scope);
    }
    return token_answer(op, &t, &rq->cert->sha256, rs);
}

static vch_err serve_jwks(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_netsim_operator *op = ((struct vch_netsim_route *)user)->op;
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(4096);

    (void)rq;
    VCH_TRY(vch_netsim_jwks(&op->cef, &b));
    vch_http_reply(rs, 200, "application/jwk-set+json", vch_buf_get(&b));
    return VCH_OK;
}

static vch_err serve_metrics(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_netsim_operator *op = ((struct vch_netsim_route *)user)->op;
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1U << 20);

    (void)rq;
    VCH_TRY(vch_metrics_text(op->metrics, &b));
    vch_http_reply(rs, 200, VCH_METRICS_MEDIA, vch_buf_get(&b));
    return VCH_OK;
}

size_t vch_netsim_routes(struct vch_netsim_operator *op, struct vch_http_route *ret)
{
    static const struct vch_http_route others[] = {
        {.method = VCH_HTTP_POST,
         .pattern = "/oauth2/token",
         .handler = serve_token,
         .media = "application/x-www-form-urlencoded",
         .flags = VCH_HTTP_NEEDS_CERT},
        {.method = VCH_HTTP_GET, .pattern = "/oauth2/jwks", .handler = serve_jwks},
        {.method = VCH_HTTP_GET,
         .pattern = "/metrics",
         .handler = serve_metrics,
         .flags = VCH_HTTP_NEEDS_CERT}};
    size_t n = 0;

    for (; n < VCH_ARRAY_LEN(table); n++) {
        op->routes[n] = (struct vch_netsim_route){op, n};
        ret[n] = (struct vch_http_route){.method = table[n].method,
                                         .pattern = table[n].pattern,
                                         .handler = serve,
                                         .user = &op->routes[n],
                                         .media = table[n].media,
                                         .flags = VCH_HTTP_NEEDS_CERT};
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(others); i++) {
        ret[n] = others[i];
        ret[n++].user = &op->routes[0];
    }
    return n;
}
