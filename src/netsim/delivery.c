/* Notifications: a pump takes the USM's events to the outbox, couriers carry them to the sinks. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "operator.h"

#include <vouch/base/text.h>

#define PUMP_MS  1000 /* looks at the clock for expiries, and after events of a lost wake-up */
#define BATCH    256
#define LEASE_MS 120000

int64_t vch_netsim_machine_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t vch_netsim_operator_ms(const struct vch_netsim_operator *op)
{
    return vch_netsim_machine_ms() + op->clock_offset_ms;
}

char *vch_netsim_wake_path(const char *database)
{
    size_t n = strlen(database) + sizeof ".wake";
    char *path = vch_mem_alloc(n);

    (void)snprintf(path, n, "%s.wake", database);
    return path;
}

static bool address_of(const char *path, struct sockaddr_un *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof ret->sun_path) {
        return false;
    }
    vch_netsim_set(ret->sun_path, sizeof ret->sun_path, path);
    return true;
}

void vch_netsim_wake(const char *database)
{
    VCH_AUTO(vch_mem_autofree) char *path = vch_netsim_wake_path(database);
    struct sockaddr_un to;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && address_of(path, &to)) {
        /* Nobody there, or woken already: both are fine. */
        (void)!sendto(fd, "", 1, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

void vch_netsim_delivery_post(struct vch_netsim_operator *op)
{
    pthread_mutex_lock(&op->lock);
    op->posted++;
    pthread_cond_broadcast(&op->due);
    pthread_mutex_unlock(&op->lock);
}

/* One transaction of the pump; true if there may be more. */
static vch_err pump_once(struct vch_netsim_operator *op, bool *ret_more)
{
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    int64_t now = vch_netsim_operator_ms(op);
    size_t contracts = 0, events = 0, ended = 0;

    VCH_TRY(vch_netsim_tx_begin(&tx, op->cef.db));
    VCH_TRY(vch_netsim_usm_expire(op->cef.db, now, BATCH, &contracts));
    VCH_TRY(vch_netsim_cef_fan_out(&op->cef, now, BATCH, &events));
    VCH_TRY(vch_netsim_cef_expire(&op->cef, now, BATCH, &ended));
    VCH_TRY(vch_netsim_tx_commit(&tx));
    *ret_more = contracts == BATCH || events == BATCH || ended == BATCH;
    if (events > 0 || ended > 0) {
        vch_log(op->log, VCH_LOG_INFO, "events-recorded", VCH_F_STR("operator", op->id),
                VCH_F_UINT("changes", events), VCH_F_UINT("ended", ended));
        vch_netsim_delivery_post(op);
    }
    return VCH_OK;
}

static void *pump(void *arg)
{
    struct vch_netsim_operator *op = arg;

    while (!atomic_load(&op->stop)) {
        struct pollfd fds[2] = {{.fd = op->stop_fd, .events = POLLIN},
                                {.fd = op->wake_fd, .events = POLLIN}};
        bool more = false;
        uint64_t word;
        char byte[8];
        vch_err e = pump_once(op, &more);

        if (!vch_ok(e)) {
            vch_log(op->log, VCH_LOG_WARN, "events-not-recorded", VCH_F_STR("operator", op->id),
                    VCH_F_ERR("error", e));
        }
        if (more) {
            continue;
        }
        if (poll(fds, op->wake_fd < 0 ? 1 : 2, PUMP_MS) > 0) {
            (void)!read(op->stop_fd, &word, sizeof word);
            while (op->wake_fd >= 0 && recv(op->wake_fd, byte, sizeof byte, MSG_DONTWAIT) > 0) {
            }
        }
    }
    return NULL;
}

/* The connection pool of the authority of URL; RET_PATH is what follows it. */
static vch_err client_of(struct vch_netsim_operator *op, const char *url, const char **ret_path,
                         struct vch_http_client **ret)
{
    size_t n = 8 + strcspn(url + 8, "/?");
    struct vch_http_client_options o = {.url = NULL,
                                        .ca_file = op->ca_file,
                                        .cert_file = op->cert_file,
                                        .key_file = op->key_file,
                                        .timeout_ms = op->timeout_ms,
                                        .answer_max = 65536,
                                        .user_agent = "vouch-netsim"};
    struct vch_netsim_sink *s = NULL;
    vch_err e = VCH_OK;

    pthread_mutex_lock(&op->lock);
    for (size_t i = 0; i < op->sink_count && s == NULL; i++) {
        if (strlen(op->sinks[i].origin) == n && strncmp(op->sinks[i].origin, url, n) == 0) {
            s = &op->sinks[i];
        }
    }
    if (s == NULL && op->sink_count == VCH_NETSIM_SINKS) {
        e = VCH_E(LIMIT);
    } else if (s == NULL) {
        s = &op->sinks[op->sink_count];
        memcpy(s->origin, url, n);
        s->origin[n] = '\0';
        o.url = s->origin;
        e = vch_http_client_open(&o, &s->client);
        op->sink_count += vch_ok(e) ? 1 : 0;
    }
    pthread_mutex_unlock(&op->lock);
    VCH_TRY(e);
    *ret_path = url[n] == '/' ? url + n : "/";
    *ret = s->client;
    return VCH_OK;
}

/* Splits the stored JWS into the CloudEvent and the detached signature. */
static vch_err unpack(const char *jws, struct vch_buf *body, struct vch_buf *x_jws)
{
    const char *dot1 = strchr(jws, '.'), *dot2 = strrchr(jws, '.');
    struct vch_span room;
    struct vch_bytes got;

    VCH_CHECK(dot1 != NULL && dot2 != dot1, NETSIM_DB);
    VCH_TRY(vch_buf_room(body, (size_t)(dot2 - dot1), &room));
    VCH_TRY(
        vch_b64_decode(VCH_B64_URL, vch_bytes(dot1 + 1, (size_t)(dot2 - dot1 - 1)), room, &got));
    vch_buf_added(body, got.n);
    return vch_buf_printf(x_jws, "%.*s..%s", (int)(dot1 - jws), jws, dot2 + 1);
}

/* One attempt; RET_STATUS 0 if there was no answer. */
static vch_err carry(struct vch_netsim_operator *op, const struct vch_netsim_delivery *d,
                     unsigned *ret_status)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(65536);
    VCH_AUTO(vch_buf_fini) struct vch_buf x_jws = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf auth = vch_buf_init(1024);
    struct vch_http_field fields[2] = {{"x-jws", NULL}, {"Authorization", NULL}};
    struct vch_http_call call = {.method = "POST",
                                 .media = "application/cloudevents+json",
                                 .headers = fields,
                                 .header_count = d->token[0] == '\0' ? 1 : 2};
    struct vch_http_client *client = NULL;

    VCH_TRY(client_of(op, d->sink, &call.path, &client));
    VCH_TRY(unpack(d->jws, &body, &x_jws));
    VCH_TRY(vch_buf_printf(&auth, "Bearer %s", d->token));
    VCH_TRY(vch_buf_cstr(&x_jws, &fields[0].value));
    VCH_TRY(vch_buf_cstr(&auth, &fields[1].value));
    call.body = vch_buf_get(&body);
    VCH_TRY(vch_http_call(client, &call, &a));
    *ret_status = a.status;
    return VCH_OK;
}

static int64_t backoff(const struct vch_netsim_operator *op, unsigned attempts)
{
    int64_t wait = op->backoff_min_ms << (attempts > 20 ? 20 : attempts);
    uint16_t word = 0;

    wait = wait > op->backoff_max_ms ? op->backoff_max_ms : wait;
    if (!vch_ok(op->cef.random(op->cef.random_self, vch_span(&word, sizeof word)))) {
        word = 0x8000;
    }
    /* between half and one and a half, so that sinks that failed together do not stay together */
    return wait / 2 + wait * word / 0xffff;
}

static vch_err settle(struct vch_netsim_operator *op, const struct vch_netsim_delivery *d,
                      unsigned status)
{
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    int64_t now = vch_netsim_machine_ms();

    VCH_TRY(vch_netsim_tx_begin(&tx, op->cef.db));
    if (status >= 200 && status <= 299) {
        VCH_TRY(vch_netsim_outbox_done(op->cef.db, now, d));
    } else if (status == 410) {
        VCH_TRY(vch_netsim_outbox_gone(&op->cef, d));
    } else {
        VCH_TRY(vch_netsim_outbox_failed(op->cef.db, now + backoff(op, d->attempts), d));
    }
    return vch_netsim_tx_commit(&tx);
}

/* Takes and carries one delivery. Errors: NETSIM_UNKNOWN (nothing is due; RET_WAIT_MS). */
static vch_err courier_once(struct vch_netsim_operator *op, int64_t *reterr_wait_ms)
{
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    struct vch_netsim_delivery d = {0};
    int64_t now = vch_netsim_machine_ms(), next = VCH_NETSIM_NEVER;
    unsigned status = 0;
    vch_err e;

    VCH_TRY(vch_netsim_tx_begin(&tx, op->cef.db));
    e = vch_netsim_outbox_take(op->cef.db, now, LEASE_MS, &d);
    if (vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
        VCH_TRY(vch_netsim_outbox_next(op->cef.db, &next));
        *reterr_wait_ms = next == VCH_NETSIM_NEVER || next - now > PUMP_MS ? PUMP_MS
                          : next > now                                     ? next - now
                                                                           : 1;
        return e;
    }
    VCH_TRY(e);
    VCH_TRY(vch_netsim_tx_commit(&tx));
    e = carry(op, &d, &status);
    vch_log(op->log, status >= 200 && status <= 299 ? VCH_LOG_INFO : VCH_LOG_WARN,
            "notification-sent", VCH_F_STR("operator", op->id),
            VCH_F_STR("subscription", d.subscription), VCH_F_UINT("status", status),
            VCH_F_UINT("attempt", d.attempts + 1), VCH_F_ERR("result", e));
    e = settle(op, &d, status);
    vch_mem_free(d.jws);
    return e;
}

static void *courier(void *arg)
{
    struct vch_netsim_operator *op = arg;
    unsigned long seen = 0;

    while (!atomic_load(&op->stop)) {
        int64_t wait = PUMP_MS;
        struct timespec until;
        vch_err e;

        pthread_mutex_lock(&op->lock);
        seen = op->posted;
        pthread_mutex_unlock(&op->lock);
        e = courier_once(op, &wait);
        if (vch_ok(e)) {
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)(wait / 1000);
        until.tv_nsec += (long)(wait % 1000) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&op->lock);
        while (!atomic_load(&op->stop) && op->posted == seen &&
               pthread_cond_timedwait(&op->due, &op->lock, &until) != ETIMEDOUT) {
        }
        pthread_mutex_unlock(&op->lock);
    }
    return NULL;
}

static int wake_socket(const char *path)
{
    struct sockaddr_un at;
    int fd;

    if (!address_of(path, &at)) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)unlink(path);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

vch_err vch_netsim_delivery_start(struct vch_netsim_operator *op, size_t couriers)
{
    op->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    VCH_CHECK(op->stop_fd >= 0, MEMORY);
    op->wake_fd = wake_socket(op->wake_path); /* without it events wait for the next round */
    VCH_CHECK(pthread_create(&op->pump, NULL, pump, op) == 0, MEMORY);
    op->pumping = true;
    for (size_t i = 0; i < couriers; i++) {
        VCH_CHECK(pthread_create(&op->couriers[i], NULL, courier, op) == 0, MEMORY);
        op->courier_count++;
    }
    return VCH_OK;
}

void vch_netsim_delivery_stop(struct vch_netsim_operator *op)
{
    uint64_t one = 1;

    atomic_store(&op->stop, true);
    if (op->stop_fd >= 0) {
        (void)!write(op->stop_fd, &one, sizeof one);
    }
    vch_netsim_delivery_post(op);
    if (op->pumping) {
        pthread_join(op->pump, NULL);
    }
    for (size_t i = 0; i < op->courier_count; i++) {
        pthread_join(op->couriers[i], NULL);
    }
    for (size_t i = 0; i < op->sink_count; i++) {
        vch_http_client_close(op->sinks[i].client);
    }
    if (op->wake_fd >= 0) {
        (void)close(op->wake_fd);
        (void)unlink(op->wake_path);
    }
    if (op->stop_fd >= 0) {
        (void)close(op->stop_fd);
    }
}
