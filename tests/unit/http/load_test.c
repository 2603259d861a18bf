/* Many connections, batches, streams, and stopping in the middle of it. */
#include "http_test.h"

#include <stdatomic.h>

/* ---- a group commit: answers are given in batches, from a thread of their own */

#define BATCH 200

struct batch {
    pthread_mutex_t lock;
    struct vch_http_request *waiting[BATCH];
    struct vch_http_response *answers[BATCH];
    unsigned n, size;
};

static vch_err join_batch(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct batch *b = user;
    struct vch_http_request *ready[BATCH];
    unsigned n = 0;

    vch_http_defer(rq);
    pthread_mutex_lock(&b->lock);
    vch_http_reply(rs, 200, "text/plain", rq->body);
    b->waiting[b->n] = rq;
    b->answers[b->n++] = rs;
    if (b->n == b->size) {
        n = b->n;
        memcpy(ready, b->waiting, sizeof(ready));
        b->n = 0;
    }
    pthread_mutex_unlock(&b->lock);
    for (unsigned i = 0; i < n; i++) {
        vch_http_finish(ready[i]); /* among them our own, before we return */
    }
    return VCH_OK;
}

static vch_err answer(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    vch_http_reply(rs, 200, "text/plain", rq->body);
    return VCH_OK;
}

static struct batch batch = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct vch_http_route batch_routes[] = {
    {VCH_HTTP_POST, "/batch", join_batch, &batch, 0, NULL, 0},
    {VCH_HTTP_POST, "/inline", join_batch, &batch, 0, NULL, VCH_HTTP_INLINE},
    {VCH_HTTP_POST, "/answer", answer, NULL, 0, NULL, 0},
};

/* COUNT connections on IO_THREADS threads, ROUNDS times a request on all of them at once. */
static void many(unsigned count, unsigned io_threads, const char *path, unsigned rounds)
{
    struct vch_http_server_options o = {.address = "127.0.0.1:0",
                                        .allow_plain = true,
                                        .routes = batch_routes,
                                        .route_count = VCH_ARRAY_LEN(batch_routes),
                                        .workers = 4,
                                        .io_threads = io_threads,
                                        .connections_max = count};
    struct vch_http_server *s;
    int *fd = vch_mem_alloc(count * sizeof(*fd));
    char text[128];

    batch.size = count;
    assert_vch_ok(vch_http_server_open(&o, &s));
    for (unsigned i = 0; i < count; i++) {
        fd[i] = t_connect(vch_http_server_port(s));
    }
    for (unsigned r = 0; r < rounds; r++) {
        for (unsigned i = 0; i < count; i++) {
            (void)snprintf(text, sizeof(text),
                           "POST %s HTTP/1.1\r\n" H "Content-Length: 8\r\n\r\n%04u%04u", path, r,
                           i);
            t_send_text(fd[i], text);
        }
        for (unsigned i = 0; i < count; i++) {
            struct t_answer a = t_receive(fd[i], false);

            (void)snprintf(text, sizeof(text), "%04u%04u", r, i);
            assert_int_equal(a.status, 200);
            assert_bytes_equal(vch_buf_get(&a.body), vch_text(text));
            t_answer_fini(&a);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        close(fd[i]);
    }
    vch_mem_free(fd);
    vch_http_server_close(s, 1000);
}

/* More than 128 events at once, which the epoll mode of the library does not survive. */
static void two_hundred_connections_on_one_thread(void **state)
{
    (void)state;
    many(200, 1, "/answer", 5);
}

/* No answer comes before all two hundred requests are there: four workers hold none of them. */
static void a_batch_of_two_hundred_needs_no_two_hundred_threads(void **state)
{
    (void)state;
    many(200, 1, "/batch", 5);
    many(200, 3, "/batch", 3);
}

static void inline_handlers_may_defer_too(void **state)
{
    (void)state;
    many(200, 2, "/inline", 5);
}

/* ---- streams */

#define STREAMS 100

struct source {
    pthread_mutex_t lock;
    struct vch_http_stream *stream;
    unsigned to_send, sent;
    bool end;
};

static struct source sources[STREAMS];
static struct t_count opened = T_COUNT_INIT, closed = T_COUNT_INIT;

static vch_err pull(void *self, struct vch_span room, size_t *ret_n, bool *ret_end)
{
    struct source *s = self;

    pthread_mutex_lock(&s->lock);
    if (s->sent < s->to_send) {
        *ret_n = (size_t)snprintf((char *)room.p, room.cap, "id: %u\ndata: event %u\n\n", s->sent,
                                  s->sent);
        s->sent++;
    } else {
        *ret_end = s->end;
    }
    pthread_mutex_unlock(&s->lock);
    return VCH_OK;
}

static void on_close(void *self)
{
    struct source *s = self;
    struct vch_http_stream *stream;

    pthread_mutex_lock(&s->lock);
    stream = s->stream;
    s->stream = NULL;
    pthread_mutex_unlock(&s->lock);
    vch_http_stream_release(stream);
    t_count_add(&closed);
}

static vch_err subscribe(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_http_source source = {pull, on_close, NULL};
    struct source *s = &sources[strtoul(vch_http_param(rq, "n"), NULL, 10)];

    (void)user;
    source.self = s;
    pthread_mutex_lock(&s->lock);
    vch_http_reply_stream(rs, 200, "text/event-stream", &source, &s->stream);
    pthread_mutex_unlock(&s->lock);
    t_count_add(&opened);
    return VCH_OK;
}

static const struct vch_http_route stream_routes[] = {
    {VCH_HTTP_GET, "/events/{n}", subscribe, NULL, 0, NULL, 0},
    {VCH_HTTP_POST, "/answer", answer, NULL, 0, NULL, 0},
};

static struct vch_http_server *serve_streams(unsigned heartbeat_s)
{
    struct vch_http_server_options o = {.address = "127.0.0.1:0",
                                        .allow_plain = true,
                                        .routes = stream_routes,
                                        .route_count = VCH_ARRAY_LEN(stream_routes),
                                        .workers = 2,
                                        .heartbeat_s = heartbeat_s,
                                        .idle_timeout_s = 2};
    struct vch_http_server *s;

    opened.n = closed.n = 0;
    for (unsigned i = 0; i < STREAMS; i++) {
        sources[i] = (struct source){.lock = PTHREAD_MUTEX_INITIALIZER};
    }
    assert_vch_ok(vch_http_server_open(&o, &s));
    return s;
}

static void wake(unsigned i, unsigned events, bool end)
{
    struct source *s = &sources[i];

    pthread_mutex_lock(&s->lock);
    s->to_send += events;
    s->end = end;
    if (s->stream != NULL) {
        vch_http_stream_wake(s->stream);
    }
    pthread_mutex_unlock(&s->lock);
}

static int open_stream(uint16_t port, unsigned i)
{
    char text[128];
    int fd = t_connect(port);
    struct t_answer a;

    (void)snprintf(text, sizeof(text), "GET /events/%u HTTP/1.1\r\n" H "\r\n", i);
    t_send_text(fd, text);
    a = t_receive(fd, false); /* the head: streams have no length */
    assert_int_equal(a.status, 200);
    assert_string_equal(t_header(&a, "Content-Type"), "text/event-stream");
    assert_string_equal(t_header(&a, "Cache-Control"), "no-store");
    t_answer_fini(&a);
    return fd;
}

/* Reads until the text WANT has come. */
static void read_until(int fd, const char *want)
{
    struct vch_buf b = vch_buf_init(65536);
    uint8_t c;

    while (!t_contains(&b, want)) {
        assert_true(t_byte(fd, &c));
        assert_vch_ok(vch_buf_append(&b, vch_bytes(&c, 1)));
    }
    vch_buf_fini(&b);
}

static void idle_streams_hold_no_worker(void **state)
{
    struct vch_http_server *s = serve_streams(600);
    uint16_t port = vch_http_server_port(s);
    int fd[STREAMS];

    (void)state;
    for (unsigned i = 0; i < STREAMS; i++) {
        fd[i] = open_stream(port, i);
    }
    for (int k = 0; k < 20; k++) { /* two workers, a hundred streams */
        struct t_answer a =
            t_ask(port, "POST /answer HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nok");

        assert_int_equal(a.status, 200);
        t_answer_fini(&a);
    }
    for (unsigned r = 0; r < 3; r++) {
        char want[64];

        for (unsigned i = 0; i < STREAMS; i++) {
            wake(i, 1, false);
        }
        (void)snprintf(want, sizeof(want), "data: event %u\n\n", r);
        for (unsigned i = 0; i < STREAMS; i++) {
            read_until(fd[i], want);
        }
    }
    for (unsigned i = 0; i < STREAMS / 2; i++) { /* ended by the source */
        wake(i, 0, true);
        read_until(fd[i], "\r\n0\r\n\r\n");
        close(fd[i]);
    }
    t_count_wait(&closed, STREAMS / 2);
    vch_http_server_close(s, 5000); /* ends the others */
    assert_int_equal(closed.n, STREAMS);
    for (unsigned i = STREAMS / 2; i < STREAMS; i++) {
        read_until(fd[i], "0\r\n\r\n");
        close(fd[i]);
    }
}

/* Idle for longer than the idle timeout, kept alive by comments; and a client that has gone is
 * found by them. */
static void heartbeats_go_out(void **state)
{
    struct vch_http_server *s = serve_streams(1);
    uint16_t port = vch_http_server_port(s);
    int stays = open_stream(port, 0), goes = open_stream(port, 1);

    (void)state;
    read_until(goes, ":\n\n");
    close(goes);
    t_count_wait(&closed, 1);
    assert_null(sources[1].stream);
    read_until(stays, ":\n\n");
    read_until(stays, ":\n\n");
    wake(0, 1, false);
    read_until(stays, "data: event 0\n\n");
    close(stays);
    vch_http_server_close(s, 5000);
    assert_int_equal(closed.n, 2);
}

struct reader {
    unsigned n, stop_at;
    struct vch_http_cancel *cancel;
};

static vch_err on_event(void *self, const struct vch_http_event *ev)
{
    struct reader *r = self;
    char want[32];

    (void)snprintf(want, sizeof(want), "event %u", r->n);
    assert_bytes_equal(ev->data, vch_text(want));
    (void)snprintf(want, sizeof(want), "%u", r->n);
    assert_bytes_equal(ev->id, vch_text(want));
    r->n++;
    if (r->n == r->stop_at) {
        vch_http_cancel_fire(r->cancel);
    }
    return VCH_OK;
}

static void the_client_reads_event_streams(void **state)
{
    struct vch_http_server *s = serve_streams(600);
    char url[64];
    struct vch_http_client_options o = {.url = url, .allow_plain = true};
    struct vch_http_call call = {.path = "/events/0", .accept = "text/event-stream"};
    struct reader r = {.stop_at = 50};
    struct vch_http_events events;
    struct vch_http_client *c;
    struct vch_http_answer a;

    (void)state;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", vch_http_server_port(s));
    assert_vch_ok(vch_http_client_open(&o, &c));
    /* cancelled after 50 of 51 events: the stream itself never ends */
    r.cancel = call.cancel = vch_http_cancel_open();
    vch_http_events_init(&events, 4096, on_event, &r);
    wake(0, 50, false);
    assert_vch_err(vch_http_call_stream(c, &call, 0, vch_http_events_push, &events, &a),
                   HTTP_CANCELLED);
    assert_int_equal(r.n, 50);
    vch_http_cancel_close(call.cancel);
    vch_http_events_fini(&events);
    /* ended by the server */
    call = (struct vch_http_call){.path = "/events/1"};
    r = (struct reader){0};
    vch_http_events_init(&events, 4096, on_event, &r);
    wake(1, 7, true);
    assert_vch_ok(vch_http_call_stream(c, &call, 5000, vch_http_events_push, &events, &a));
    assert_int_equal(r.n, 7);
    assert_int_equal(a.status, 200);
    vch_http_answer_fini(&a);
    vch_http_events_fini(&events);
    /* an error answer is collected instead */
    call.path = "/nothing";
    vch_http_events_init(&events, 4096, on_event, &r);
    assert_vch_ok(vch_http_call_stream(c, &call, 0, vch_http_events_push, &events, &a));
    assert_vch_err(vch_http_answer_check(&a, vch_span(NULL, 0)), HTTP_NOT_FOUND);
    vch_http_answer_fini(&a);
    vch_http_events_fini(&events);
    vch_http_client_close(c);
    vch_http_server_close(s, 5000);
}

/* ---- stopping under load */

#define CALLERS 8

struct load {
    struct vch_http_client *client;
    atomic_uint good, busy, gone;
    atomic_bool stop;
};

static void *call_on(void *arg)
{
    struct load *l = arg;
    struct vch_http_call call = {.path = "/answer", .body = vch_text("0123456789")};

    while (!atomic_load(&l->stop)) {
        struct vch_http_answer a;

        if (!vch_ok(vch_http_call(l->client, &call, &a))) {
            atomic_fetch_add(&l->gone, 1);
            continue;
        }
        assert_true(a.status == 200 || a.status == 503);
        assert_true(a.status != 200 || vch_bytes_equal(vch_buf_get(&a.body), call.body));
        atomic_fetch_add(a.status == 200 ? &l->good : &l->busy, 1);
        vch_http_answer_fini(&a);
    }
    return NULL;
}

static void on_done(void *user, const struct vch_http_done *done)
{
    if (done->status == 200) {
        t_count_add(user);
    }
}

/* Whatever was answered was answered wholly, and whatever the server handled was counted. */
static void stopping_under_load_is_orderly(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct t_count done = T_COUNT_INIT;
        struct vch_http_server_options o = {.address = "127.0.0.1:0",
                                            .allow_plain = true,
                                            .routes = batch_routes,
                                            .route_count = VCH_ARRAY_LEN(batch_routes),
                                            .workers = 4,
                                            .on_done = on_done,
                                            .on_done_user = &done};
        char url[64];
        struct vch_http_client_options co = {.url = url, .allow_plain = true, .timeout_ms = 10000};
        struct load l = {0};
        pthread_t t[CALLERS];
        struct vch_http_server *s;

        assert_vch_ok(vch_http_server_open(&o, &s));
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", vch_http_server_port(s));
        assert_vch_ok(vch_http_client_open(&co, &l.client));
        for (int i = 0; i < CALLERS; i++) {
            assert_int_equal(pthread_create(&t[i], NULL, call_on, &l), 0);
        }
        t_count_wait(&done, 200);
        vch_http_server_close(s, round == 0 ? 0 : 5000);
        atomic_store(&l.stop, true);
        for (int i = 0; i < CALLERS; i++) {
            assert_int_equal(pthread_join(t[i], NULL), 0);
        }
        assert_true(atomic_load(&l.good) > 0);
        assert_true(atomic_load(&l.good) <= done.n);
        vch_http_client_close(l.client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_connections_on_one_thread),
        cmocka_unit_test(a_batch_of_two_hundred_needs_no_two_hundred_threads),
        cmocka_unit_test(inline_handlers_may_defer_too),
        cmocka_unit_test(idle_streams_hold_no_worker),
        cmocka_unit_test(heartbeats_go_out),
        cmocka_unit_test(the_client_reads_event_streams),
        cmocka_unit_test(stopping_under_load_is_orderly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
