/* Connections and the receiving of requests: the callbacks of libmicrohttpd. */
#include "internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#include <vouch/base/text.h>

static struct conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}

static void peer_text(struct conn *c, const struct sockaddr *sa)
{
    const void *ip = NULL;

    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

        ip = &in->sin_addr;
        c->port = ntohs(in->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

        ip = &in6->sin6_addr;
        c->port = ntohs(in6->sin6_port);
    }
    if (ip == NULL || inet_ntop(sa->sa_family, ip, c->addr, sizeof(c->addr)) == NULL) {
        c->addr[0] = 0;
    }
}

static struct conn *conn_open(struct listener *l, struct MHD_Connection *mhd)
{
    struct vch_http_server *s = l->server;
    struct conn *c = vch_mem_alloc(sizeof(*c));
    const union MHD_ConnectionInfo *info;

    c->server = s;
    c->listener = l;
    c->fd = -1;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL) {
        c->fd = info->connect_fd;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL && info->client_addr != NULL) {
        peer_text(c, info->client_addr);
    }
    atomic_store(&c->deadline_ms, vch_http_now_ms() + (int64_t)s->o.request_timeout_s * 1000);
    pthread_mutex_lock(&s->lock);
    c->next = s->conns;
    c->prev = &s->conns;
    if (c->next != NULL) {
        c->next->prev = &c->next;
    }
    s->conns = c;
    pthread_mutex_unlock(&s->lock);
    return c;
}

static void conn_close(struct conn *c)
{
    struct vch_http_server *s = c->server;

    pthread_mutex_lock(&s->lock);
    *c->prev = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    pthread_mutex_unlock(&s->lock);
    vch_http_cert_fini(c);
    vch_mem_free(c);
}

void vch_http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = conn_open(cls, mhd);
    } else if (*socket_context != NULL) {
        conn_close(*socket_context);
        *socket_context = NULL;
    }
}

void *vch_http_on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct listener *l = cls;
    struct exchange *ex = vch_mem_alloc(sizeof(*ex));
    size_t n = strlen(uri);

    ex->server = l->server;
    ex->conn = conn_of(mhd);
    ex->mhd = mhd;
    ex->raw = vch_mem_text(vch_bytes(uri, n));
    ex->decoded = vch_mem_alloc(n + 2);
    ex->rest = vch_mem_alloc(n + 2);
    ex->rq.route = "";
    ex->rq.media = ex->media;
    vch_http_response_init(&ex->rs, ex);
    pthread_mutex_lock(&l->server->lock);
    l->server->in_flight++;
    pthread_mutex_unlock(&l->server->lock);
    return ex;
}

static void refuse(struct exchange *ex, vch_err e)
{
    if (vch_ok(ex->refusal)) {
        ex->refusal = e;
    }
}

/* What the headers say about the body, and whether they are proper. */
struct heads {
    bool bad;
    bool chunked;
    unsigned lengths;
    uint64_t length;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_n, const char *value, size_t value_n)
{
    struct heads *h = cls;

    (void)kind;
    if (value == NULL) {
        value = "";
        value_n = 0;
    }
    for (size_t i = 0; i < value_n; i++) {
        h->bad |= ((uint8_t)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f;
    }
    if (name_n == 14 && strncasecmp(name, "Content-Length", 14) == 0) {
        h->lengths++;
        h->bad |= !vch_ok(vch_u64_parse(vch_bytes(value, value_n), INT64_MAX, &h->length));
    } else if (name_n == 17 && strncasecmp(name, "Transfer-Encoding", 17) == 0) {
        h->bad |= h->chunked || value_n != 7 || strncasecmp(value, "chunked", 7) != 0;
        h->chunked = true;
    }
    return MHD_YES;
}

/* Two ways to tell the length of a body would let two programs see two requests: refused. */
static void check_headers(struct exchange *ex, struct heads *h)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(ex->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    (void)MHD_get_connection_values_n(ex->mhd, MHD_HEADER_KIND, on_header, h);
    if (h->bad || h->lengths > 1 || (h->lengths > 0 && h->chunked)) {
        refuse(ex, VCH_E(HTTP_REQUEST));
        ex->rs.close = true;
    }
    if (strlen(ex->raw) > ex->server->o.header_max / 2) {
        refuse(ex, VCH_E(HTTP_URI_LONG));
    }
    if (info != NULL && info->header_size > ex->server->o.header_max) {
        refuse(ex, VCH_E(HTTP_HEADERS));
    }
}

static bool method_parse(const char *text, enum vch_http_method *ret)
{
    for (unsigned m = 0; m < VCH_HTTP_METHOD_COUNT; m++) {
        if (strcmp(text, vch_http_method_name(m)) == 0) {
            *ret = m;
            return true;
        }
    }
    return false;
}

static void put_allow(struct exchange *ex, unsigned methods)
{
    char text[96] = "";
    size_t at = 0;

    methods |= methods & 1u << VCH_HTTP_GET ? 1u << VCH_HTTP_HEAD : 0;
    methods |= 1u << VCH_HTTP_OPTIONS;
    for (unsigned m = 0; m < VCH_HTTP_METHOD_COUNT; m++) {
        if (methods & 1u << m) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at == 0 ? "" : ", ",
                                   vch_http_method_name(m));
        }
    }
    vch_http_reply_header(&ex->rs, "Allow", text);
}

static void find_route(struct exchange *ex, bool method_known)
{
    struct vch_http_server *s = ex->server;
    enum vch_http_method wanted = ex->rq.method == VCH_HTTP_HEAD ? VCH_HTTP_GET : ex->rq.method;
    struct vch_span rest = vch_span(ex->rest, strlen(ex->raw) + 2);
    unsigned methods = 0;

    for (size_t i = 0; i < s->route_count; i++) {
        const struct route *r = &s->routes[i];

        if (!vch_http_pattern_match(&r->pattern, &ex->target, rest, ex->params, &ex->param_count)) {
            continue;
        }
        methods |= 1u << r->r.method;
        if (method_known && r->r.method == wanted) {
            ex->route = r;
            ex->rq.route = r->text;
            return;
        }
    }
    ex->param_count = 0;
    if (methods == 0) {
        refuse(ex, VCH_E(HTTP_NOT_FOUND));
        return;
    }
    put_allow(ex, methods);
    /* For OPTIONS the error stands for "answer 204 with Allow"; see answer_refusal. */
    refuse(ex, VCH_E(HTTP_METHOD));
}

static void check_client(struct exchange *ex)
{
    const struct vch_http_server *s = ex->server;
    struct conn *c = ex->conn;
    bool needed = s->o.mtls == VCH_HTTP_MTLS_REQUIRED;

    if (s->o.mtls == VCH_HTTP_MTLS_NONE) {
        return;
    }
    vch_http_cert_check(c, ex->mhd);
    if (!vch_ok(c->cert_err) || (needed && !c->cert_given)) {
        refuse(ex, VCH_E(HTTP_CLIENT_CERT));
    } else if (c->cert_given) {
        ex->rq.cert = &c->cert;
    }
}

/* Every request counts, also one that is refused for another reason. */
static void check_rate(struct exchange *ex)
{
    struct vch_bytes key =
        ex->rq.cert != NULL ? vch_hash_bytes(&ex->rq.cert->sha256) : vch_text(ex->conn->addr);
    vch_err e;

    if (ex->server->rate == NULL) {
        return;
    }
    e = vch_rate_take(ex->server->rate, key, 1, vch_http_now_ms(), &ex->retry_ms);
    if (!vch_ok(e)) {
        refuse(ex, e);
    }
}

static void check_body(struct exchange *ex, const struct heads *h)
{
    const struct route *r = ex->route;
    bool body = h->chunked || h->length > 0;

    if (r == NULL) {
        return;
    }
    if ((r->r.flags & VCH_HTTP_NEEDS_CERT) != 0 && ex->rq.cert == NULL) {
        refuse(ex, VCH_E(HTTP_CLIENT_CERT));
    }
    if (body && r->media != NULL && !vch_http_media_listed(r->media, ex->media)) {
        refuse(ex, VCH_E(HTTP_MEDIA));
    }
    ex->body = vch_buf_init(r->r.body_max);
    if (h->length > r->r.body_max) {
        refuse(ex, VCH_E(HTTP_BODY));
    } else if (h->length > 0) {
        struct vch_span room;

        /* room at once for what is small: a claimed length costs the client nothing */
        vch_ignore(vch_buf_room(&ex->body, h->length < 65536 ? h->length : 65536, &room));
    }
}

static void set_deadline(struct exchange *ex)
{
    int64_t s = ex->server->o.request_timeout_s + (int64_t)(ex->body.max / 16384);

    atomic_store(&ex->conn->deadline_ms, vch_http_now_ms() + s * 1000);
}

static void answer_refusal(struct exchange *ex);

/* The request's headers are there. */
static enum MHD_Result begin(struct exchange *ex, const char *method)
{
    struct heads h = {0};
    const char *expect = MHD_lookup_connection_value(ex->mhd, MHD_HEADER_KIND, "Expect");
    bool known = method_parse(method, &ex->rq.method);
    char *query;

    ex->rq.path = ex->raw;
    ex->rq.tls = ex->server->tls;
    ex->rq.peer_addr = ex->conn->addr;
    ex->rq.peer_port = ex->conn->port;
    vch_http_media_of(MHD_lookup_connection_value(ex->mhd, MHD_HEADER_KIND, "Content-Type"),
                      ex->media);
    check_headers(ex, &h);
    check_client(ex);
    check_rate(ex);
    if (vch_ok(ex->refusal)) {
        vch_err e =
            vch_http_target_parse(ex->raw, vch_span(ex->decoded, strlen(ex->raw) + 2), &ex->target);

        if (vch_ok(e)) {
            find_route(ex, known);
        } else {
            refuse(ex, e);
        }
    }
    query = strchr(ex->raw, '?');
    if (query != NULL) {
        *query = 0;
    }
    check_body(ex, &h);
    set_deadline(ex);
    if (!vch_ok(ex->refusal) && (h.length > DISCARD_MAX || (expect != NULL && h.length > 0))) {
        /* Answered before the body comes; the library then closes the connection. */
        answer_refusal(ex);
        return vch_http_response_send(ex);
    }
    return MHD_YES;
}

static enum MHD_Result collect(struct exchange *ex, const char *p, size_t n)
{
    struct vch_http_server *s = ex->server;

    if (vch_ok(ex->refusal)) {
        if (atomic_fetch_add(&s->buffered, n) + n > s->o.buffered_max) {
            atomic_fetch_sub(&s->buffered, n);
            refuse(ex, VCH_E(HTTP_BUSY));
        } else if (!vch_ok(vch_buf_append(&ex->body, vch_bytes(p, n)))) {
            atomic_fetch_sub(&s->buffered, n);
            refuse(ex, VCH_E(HTTP_BODY));
        } else {
            return MHD_YES;
        }
    }
    ex->dropped += n;
    return ex->dropped > DISCARD_MAX ? MHD_NO : MHD_YES;
}

static void put_retry(struct exchange *ex)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld",
                   (long long)(ex->retry_ms <= 1000 ? 1 : (ex->retry_ms + 999) / 1000));
    vch_http_reply_header(&ex->rs, "Retry-After", text);
}

static void answer_refusal(struct exchange *ex)
{
    if (vch_err_is(ex->refusal, VCH_E(HTTP_METHOD)) && ex->rq.method == VCH_HTTP_OPTIONS) {
        vch_http_reply_status(&ex->rs, 204);
        return;
    }
    vch_http_problem(&ex->rs, ex->refusal, NULL);
    if (vch_err_kind(ex->refusal) == VCH_KIND_BUSY) {
        put_retry(ex);
    }
}

/* The whole request is there: on to the handler. True if the answer is complete already. */
static bool dispatch(struct exchange *ex)
{
    struct vch_http_server *s = ex->server;

    if (!vch_http_suspend_reserve(s)) {
        refuse(ex, VCH_E(HTTP_BUSY)); /* stopping */
        answer_refusal(ex);
        ex->rs.close = true;
        return true;
    }
    if ((ex->route->r.flags & VCH_HTTP_INLINE) != 0) {
        if (vch_http_run(ex)) {
            vch_http_suspend_release(s);
            return true;
        }
        MHD_suspend_connection(ex->mhd);
        if (vch_http_share_end(ex)) {
            vch_http_resume(ex);
        }
        return false;
    }
    /* Suspended first: a worker may be done before this function is. */
    ex->phase = QUEUED;
    MHD_suspend_connection(ex->mhd);
    if (!vch_ok(vch_http_pool_put(s, ex))) {
        refuse(ex, VCH_E(HTTP_BUSY));
        answer_refusal(ex);
        vch_http_resume(ex);
    }
    return false;
}

static enum MHD_Result end(struct exchange *ex)
{
    ex->rq.body = vch_buf_get(&ex->body);
    ex->queued_us = ex->started_us = ex->done_us = vch_http_now_us();
    ex->rq.received_ms = ex->queued_us / 1000;
    atomic_store(&ex->conn->deadline_ms, 0);
    if (!vch_ok(ex->refusal)) {
        answer_refusal(ex);
    } else if (!dispatch(ex)) {
        return MHD_YES;
    }
    return vch_http_response_send(ex);
}

enum MHD_Result vch_http_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **con_cls)
{
    struct exchange *ex = *con_cls;

    (void)cls;
    (void)mhd;
    (void)url;
    (void)version;
    if (ex == NULL || ex->conn == NULL) {
        return MHD_NO;
    }
    if (!ex->seen) {
        ex->seen = true;
        return begin(ex, method);
    }
    if (*upload_size > 0) {
        enum MHD_Result r = collect(ex, upload, *upload_size);

        *upload_size = 0;
        return r;
    }
    if (ex->phase == RECEIVING) {
        return end(ex);
    }
    return ex->phase == READY ? vch_http_response_send(ex) : MHD_NO;
}

static void report(const struct exchange *ex, enum MHD_RequestTerminationCode code)
{
    const struct vch_http_server_options *o = &ex->server->o;
    struct vch_http_done done = {.method = vch_http_method_name(ex->rq.method),
                                 .route = ex->rq.route,
                                 .status = ex->rs.status,
                                 .completed = code == MHD_REQUEST_TERMINATED_COMPLETED_OK,
                                 .received_bytes = ex->body.n + ex->dropped,
                                 .sent_bytes = ex->rs.sent_bytes,
                                 .queued_us = ex->started_us - ex->queued_us,
                                 .handled_us = ex->done_us - ex->started_us,
                                 .peer_addr = ex->conn->addr,
                                 .cert = ex->rq.cert};

    if (o->on_done != NULL && ex->seen) {
        o->on_done(o->on_done_user, &done);
    }
}

void vch_http_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                           enum MHD_RequestTerminationCode code)
{
    struct exchange *ex = *con_cls;
    struct vch_http_server *s;

    (void)cls;
    (void)mhd;
    if (ex == NULL) {
        return;
    }
    *con_cls = NULL;
    s = ex->server;
    if (ex->conn != NULL) {
        report(ex, code);
        atomic_store(&ex->conn->deadline_ms,
                     vch_http_now_ms() +
                         (int64_t)(s->o.idle_timeout_s + s->o.request_timeout_s) * 1000);
    }
    atomic_fetch_sub(&s->buffered, ex->body.n);
    vch_http_response_fini(&ex->rs);
    vch_buf_fini(&ex->body);
    vch_mem_free(ex->raw);
    vch_mem_free(ex->decoded);
    vch_mem_free(ex->rest);
    vch_mem_free(ex);
    pthread_mutex_lock(&s->lock);
    s->in_flight--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}
