/* Opening, reloading, watching over and closing a server. */
#include <vouch/http/server.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define TICK_MS 200
/* How long a retired listener stays at least: a connection accepted last is seen by then. */
#define RETIRE_MS 1000

int64_t vch_http_now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- options */

static void set_defaults(struct vch_http_server_options *o)
{
    const struct vch_http_server_options d = {.body_max = 1024 * 1024,
                                              .header_max = 16 * 1024,
                                              .buffered_max = 256 * 1024 * 1024,
                                              .connections_max = 1024,
                                              .idle_timeout_s = 60,
                                              .request_timeout_s = 30,
                                              .heartbeat_s = 15,
                                              .io_threads = 2,
                                              .workers = 32,
                                              .queue_max = 1024};

    o->body_max = o->body_max != 0 ? o->body_max : d.body_max;
    o->header_max = o->header_max != 0 ? o->header_max : d.header_max;
    o->buffered_max = o->buffered_max != 0 ? o->buffered_max : d.buffered_max;
    o->connections_max = o->connections_max != 0 ? o->connections_max : d.connections_max;
    o->idle_timeout_s = o->idle_timeout_s != 0 ? o->idle_timeout_s : d.idle_timeout_s;
    o->request_timeout_s = o->request_timeout_s != 0 ? o->request_timeout_s : d.request_timeout_s;
    o->heartbeat_s = o->heartbeat_s != 0 ? o->heartbeat_s : d.heartbeat_s;
    o->io_threads = o->io_threads != 0 ? o->io_threads : d.io_threads;
    o->workers = o->workers != 0 ? o->workers : d.workers;
    o->queue_max = o->queue_max != 0 ? o->queue_max : d.queue_max;
}

static vch_err check_options(const struct vch_http_server_options *o)
{
    bool tls = o->key_file != NULL;

    VCH_CHECK(o->address != NULL && (o->routes != NULL || o->route_count == 0), HTTP_OPTIONS);
    VCH_CHECK(tls == (o->cert_file != NULL), HTTP_OPTIONS);
    VCH_CHECK(tls || o->allow_plain, HTTP_OPTIONS);
    VCH_CHECK(o->mtls == VCH_HTTP_MTLS_NONE || (tls && o->client_ca_file != NULL), HTTP_OPTIONS);
    VCH_CHECK(o->io_threads <= 64 && o->workers <= 1024 && o->connections_max >= o->io_threads,
              HTTP_OPTIONS);
    VCH_CHECK(o->header_max >= 1024 && o->header_max <= 1024 * 1024, HTTP_OPTIONS);
    VCH_CHECK(o->rate_per_s >= 0 && o->rate_per_s <= 1e9, HTTP_OPTIONS);
    return VCH_OK;
}

static int route_cmp(const void *a, const void *b)
{
    const struct route *x = a, *y = b;

    return vch_http_pattern_cmp(&x->pattern, &y->pattern);
}

static vch_err copy_routes(struct vch_http_server *s)
{
    s->routes = vch_mem_alloc(s->o.route_count * sizeof(*s->routes));
    for (size_t i = 0; i < s->o.route_count; i++) {
        struct route *r = &s->routes[i];

        r->r = s->o.routes[i];
        VCH_CHECK(r->r.handler != NULL && r->r.method != VCH_HTTP_HEAD &&
                      (unsigned)r->r.method < VCH_HTTP_OPTIONS,
                  HTTP_OPTIONS);
        VCH_TRY(vch_http_pattern_compile(r->r.pattern, &r->pattern));
        s->route_count++;
        r->text = vch_mem_text(vch_text(r->r.pattern));
        r->media = r->r.media == NULL ? NULL : vch_mem_text(vch_text(r->r.media));
        r->r.body_max = r->r.body_max != 0 ? r->r.body_max : s->o.body_max;
    }
    qsort(s->routes, s->route_count, sizeof(*s->routes), route_cmp);
    return VCH_OK;
}

/* ---- listening */

static bool is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    return sa->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
}

/* "host:port" or "[host]:port" into two NUL-terminated texts. */
static vch_err split_address(const char *address, char host[64], char port[8])
{
    const char *colon = strrchr(address, ':');
    const char *start = address;
    size_t n;

    VCH_CHECK(colon != NULL, HTTP_OPTIONS);
    n = (size_t)(colon - address);
    if (address[0] == '[') {
        VCH_CHECK(n >= 3 && colon[-1] == ']', HTTP_OPTIONS);
        start++;
        n -= 2;
    }
    VCH_CHECK(n > 0 && n < 64 && strlen(colon + 1) > 0 && strlen(colon + 1) < 6, HTTP_OPTIONS);
    memcpy(host, start, n);
    host[n] = 0;
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return VCH_OK;
}

static vch_err listen_on(struct vch_http_server *s, const struct addrinfo *ai)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } bound = {.in6 = {0}};
    socklen_t n = sizeof(bound);
    int one = 1;

    VCH_CHECK(s->tls || is_loopback(ai->ai_addr), HTTP_OPTIONS);
    s->listen_fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    VCH_CHECK(s->listen_fd >= 0, HTTP_LISTEN);
    VCH_CHECK(setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0,
              HTTP_LISTEN);
    VCH_CHECK(bind(s->listen_fd, ai->ai_addr, ai->ai_addrlen) == 0, HTTP_LISTEN);
    VCH_CHECK(listen(s->listen_fd, 1024) == 0, HTTP_LISTEN);
    VCH_CHECK(getsockname(s->listen_fd, &bound.any, &n) == 0, HTTP_LISTEN);
    s->port = ntohs(ai->ai_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
    return VCH_OK;
}

static vch_err listen_open(struct vch_http_server *s, const char *address)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    char host[64], port[8];
    struct addrinfo *ai;
    vch_err e;

    VCH_TRY(split_address(address, host, port));
    VCH_CHECK(getaddrinfo(host, port, &hints, &ai) == 0, HTTP_OPTIONS);
    e = listen_on(s, ai);
    freeaddrinfo(ai);
    return e;
}

/* ---- the library's daemon */

/* The library undoes percent encoding before it shows a target; we do it after taking it apart. */
static size_t keep_encoding(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static void drop_message(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    (void)fmt;
    (void)ap;
}

/* Poll, not epoll: in 0.9.75 a worker in epoll mode that gets 128 events at once waits for ever. */
#define FLAGS                                                                                      \
    (MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC)

#define PRIORITIES                                                                                 \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"      \
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

static union {
    const char *c;
    void *v;
} const priorities = {PRIORITIES};

static vch_err daemon_start(struct listener *l)
{
    struct vch_http_server *s = l->server;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, l->key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, l->cert},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities.v},
        {l->ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, l->ca},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    /* A copy: the library closes it, even when it fails to start. */
    l->fd = fcntl(s->listen_fd, F_DUPFD_CLOEXEC, 3);
    VCH_CHECK(l->fd >= 0, HTTP_LISTEN);
    l->daemon = MHD_start_daemon(
        FLAGS | (s->tls ? MHD_USE_TLS : 0u), 0, NULL, NULL, vch_http_on_request, l,
        MHD_OPTION_EXTERNAL_LOGGER, drop_message, NULL, MHD_OPTION_LISTEN_SOCKET, l->fd,
        MHD_OPTION_CONNECTION_LIMIT, s->o.connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        s->o.connections_per_addr, MHD_OPTION_CONNECTION_TIMEOUT, s->o.idle_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, 2 * s->o.header_max + 16384,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)8192, MHD_OPTION_THREAD_POOL_SIZE,
        s->o.io_threads > 1 ? s->o.io_threads : 0u, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, vch_http_on_connection, l, MHD_OPTION_NOTIFY_COMPLETED,
        vch_http_on_completed, l, MHD_OPTION_URI_LOG_CALLBACK, vch_http_on_target, l,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_encoding, NULL, MHD_OPTION_ARRAY, s->tls ? tls : none,
        MHD_OPTION_END);
    return l->daemon != NULL ? VCH_OK : VCH_E(HTTP_LISTEN);
}

/* Ends a listener that has been told to accept no more. */
static void listener_free(struct listener *l)
{
    if (l->daemon != NULL) {
        MHD_stop_daemon(l->daemon);
        (void)close(l->fd);
    }
    if (l->key != NULL) {
        vch_wipe(l->key, strlen(l->key));
    }
    vch_mem_free(l->key);
    vch_mem_free(l->cert);
    vch_mem_free(l->ca);
    vch_mem_free(l);
}

static vch_err listener_new(struct vch_http_server *s, struct listener **ret)
{
    struct listener *l = vch_mem_alloc(sizeof(*l));
    vch_err e = VCH_OK;

    l->server = s;
    if (s->tls) {
        e = vch_http_credentials_read(s, l);
    }
    if (!vch_ok(e)) {
        listener_free(l);
        return e;
    }
    *ret = l;
    return VCH_OK;
}

/* Our threads take no signals: they are the program's own. */
static void signals_block(sigset_t *ret_before)
{
    sigset_t all;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, ret_before);
}

static void signals_restore(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* ---- the reaper: overdue connections, heartbeats, retired listeners */

static void cut_overdue(struct vch_http_server *s, int64_t now_ms)
{
    pthread_mutex_lock(&s->lock);
    for (struct conn *c = s->conns; c != NULL; c = c->next) {
        int64_t deadline = atomic_load(&c->deadline_ms);

        if (deadline != 0 && now_ms > deadline && c->fd >= 0) {
            /* The I/O thread sees the end of the connection and does the rest. */
            (void)shutdown(c->fd, SHUT_RDWR);
            atomic_store(&c->deadline_ms, 0);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

/* A retired listener without connections, taken out of the list; NULL if there is none. */
static struct listener *take_retired(struct vch_http_server *s)
{
    struct listener *found = NULL;

    pthread_mutex_lock(&s->lock);
    for (struct listener **p = &s->listener; *p != NULL && found == NULL;) {
        const struct conn *c = s->conns;

        while (c != NULL && c->listener != *p) {
            c = c->next;
        }
        if (c == NULL && atomic_load(&(*p)->retired) &&
            vch_http_now_ms() - (*p)->retired_ms > RETIRE_MS) {
            found = *p;
            *p = found->next;
        } else {
            p = &(*p)->next;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* Waits on COND for MS milliseconds at most; the server's lock is held. */
static void wait_ms(struct vch_http_server *s, pthread_cond_t *cond, unsigned ms)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += (long)ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(cond, &s->lock, &t);
}

/* Until the next tick; true if the reaper shall end. */
static bool nap(struct vch_http_server *s)
{
    bool stop;

    pthread_mutex_lock(&s->lock);
    if (!s->reaper_stop) {
        wait_ms(s, &s->reaper_wake, TICK_MS);
    }
    stop = s->reaper_stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static void *reap(void *arg)
{
    struct vch_http_server *s = arg;
    bool stop = false;

    while (!stop) {
        struct listener *l;
        int64_t now_ms = vch_http_now_ms();

        cut_overdue(s, now_ms);
        vch_http_streams_tick(s, now_ms, false);
        l = take_retired(s);
        if (l != NULL) {
            listener_free(l);
        }
        stop = nap(s);
    }
    return NULL;
}

/* ---- open, reload, close */

static void server_free(struct vch_http_server *s)
{
    for (size_t i = 0; i < s->route_count; i++) {
        vch_http_pattern_fini(&s->routes[i].pattern);
        vch_mem_free(s->routes[i].text);
        vch_mem_free(s->routes[i].media);
    }
    if (s->listen_fd >= 0) {
        (void)close(s->listen_fd);
    }
    vch_rate_close(s->rate);
    vch_mem_free(s->routes);
    vch_mem_free(s->key_file);
    vch_mem_free(s->cert_file);
    vch_mem_free(s->ca_file);
    pthread_cond_destroy(&s->changed);
    pthread_cond_destroy(&s->reaper_wake);
    pthread_mutex_destroy(&s->lock);
    vch_mem_free(s);
}

static vch_err start(struct vch_http_server *s)
{
    sigset_t before;
    vch_err e;

    if (s->o.rate_per_s > 0) {
        unsigned burst = s->o.rate_burst != 0 ? s->o.rate_burst : (unsigned)(s->o.rate_per_s * 2);

        s->rate = vch_rate_open(s->o.rate_per_s, burst == 0 ? 1 : burst, 65536);
    }
    signals_block(&before);
    e = vch_http_pool_start(s);
    if (vch_ok(e)) {
        e = daemon_start(s->listener);
    }
    if (vch_ok(e) && pthread_create(&s->reaper, NULL, reap, s) != 0) {
        (void)MHD_quiesce_daemon(s->listener->daemon);
        e = VCH_E(MEMORY);
    }
    signals_restore(&before);
    return e;
}

static vch_err prepare(struct vch_http_server *s, const char *address)
{
    VCH_TRY(copy_routes(s));
    VCH_TRY(listener_new(s, &s->listener));
    return listen_open(s, address);
}

vch_err vch_http_server_open(const struct vch_http_server_options *o, struct vch_http_server **ret)
{
    struct vch_http_server_options opts = *o;
    struct vch_http_server *s;
    vch_err e;

    set_defaults(&opts);
    VCH_TRY(check_options(&opts));
    s = vch_mem_alloc(sizeof(*s));
    VCH_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
    VCH_ASSERT(pthread_cond_init(&s->changed, NULL) == 0);
    VCH_ASSERT(pthread_cond_init(&s->reaper_wake, NULL) == 0);
    s->o = opts;
    s->listen_fd = -1;
    s->tls = o->key_file != NULL;
    if (s->tls) {
        s->key_file = vch_mem_text(vch_text(o->key_file));
        s->cert_file = vch_mem_text(vch_text(o->cert_file));
        s->ca_file =
            o->mtls == VCH_HTTP_MTLS_NONE ? NULL : vch_mem_text(vch_text(o->client_ca_file));
    }
    e = prepare(s, o->address);
    if (vch_ok(e)) {
        e = start(s);
    }
    if (!vch_ok(e)) {
        if (s->listener != NULL) {
            listener_free(s->listener);
        }
        vch_http_pool_stop(s);
        server_free(s);
        return e;
    }
    *ret = s;
    return VCH_OK;
}

uint16_t vch_http_server_port(const struct vch_http_server *s)
{
    return s->port;
}

vch_err vch_http_server_reload(struct vch_http_server *s)
{
    struct listener *fresh, *old;
    sigset_t before;
    vch_err e;

    if (!s->tls) {
        return VCH_OK;
    }
    VCH_TRY(listener_new(s, &fresh));
    signals_block(&before);
    e = daemon_start(fresh);
    signals_restore(&before);
    if (!vch_ok(e)) {
        listener_free(fresh);
        return e;
    }
    pthread_mutex_lock(&s->lock);
    old = s->listener;
    fresh->next = old;
    s->listener = fresh;
    pthread_mutex_unlock(&s->lock);
    /* Both listen on the same socket for a moment; the old one stops accepting, its connections
     * end with their next answer. Only then may it be taken for empty. */
    (void)MHD_quiesce_daemon(old->daemon);
    pthread_mutex_lock(&s->lock);
    old->retired_ms = vch_http_now_ms();
    pthread_mutex_unlock(&s->lock);
    atomic_store(&old->retired, true);
    vch_http_streams_tick(s, vch_http_now_ms(), true);
    return VCH_OK;
}

/* Waits until COUNT is zero or UNTIL_MS has passed (0: without limit). */
static void wait_zero(struct vch_http_server *s, const unsigned *count, int64_t until_ms)
{
    pthread_mutex_lock(&s->lock);
    while (*count > 0 && (until_ms == 0 || vch_http_now_ms() < until_ms)) {
        wait_ms(s, &s->changed, 50);
    }
    pthread_mutex_unlock(&s->lock);
}

void vch_http_server_close(struct vch_http_server *s, unsigned drain_ms)
{
    int64_t until_ms;

    if (s == NULL) {
        return;
    }
    until_ms = vch_http_now_ms() + drain_ms;
    pthread_mutex_lock(&s->lock);
    s->reaper_stop = true;
    pthread_cond_signal(&s->reaper_wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->reaper, NULL);
    for (struct listener *l = s->listener; l != NULL; l = l->next) {
        (void)MHD_quiesce_daemon(l->daemon);
    }
    /* From here on nothing is suspended any more: a suspended connection at the library's stop ends
     * the process. */
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    vch_http_streams_tick(s, vch_http_now_ms(), true);
    wait_zero(s, &s->suspended, until_ms);
    vch_http_pool_flush(s);
    wait_zero(s, &s->suspended, 0);
    wait_zero(s, &s->in_flight, until_ms);
    vch_http_streams_tick(s, vch_http_now_ms(), true);
    for (struct listener *l = s->listener, *next; l != NULL; l = next) {
        next = l->next;
        listener_free(l);
    }
    vch_http_pool_stop(s);
    server_free(s);
}
