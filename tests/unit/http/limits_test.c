/* The server's limits: sizes, times, numbers, rates. Plain loopback sockets. */
#include "http_test.h"

static struct t_count handled = T_COUNT_INIT;
static struct t_count release = T_COUNT_INIT;

static vch_err echo(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    vch_http_reply(rs, 200, rq->media[0] != 0 ? rq->media : "application/octet-stream", rq->body);
    return VCH_OK;
}

/* Waits for the test's sign; then answers. */
static vch_err block(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    t_count_add(&handled);
    t_count_wait(&release, 1);
    return echo(user, rq, rs);
}

static vch_err pick(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    static const char *const offered[] = {"application/json", "application/cbor"};
    size_t i;

    (void)user;
    VCH_TRY(vch_http_accept(rq, offered, 2, &i));
    vch_http_reply(rs, 200, offered[i], vch_text("x"));
    return VCH_OK;
}

static const struct vch_http_route routes[] = {
    {VCH_HTTP_POST, "/echo", echo, NULL, 4096, NULL, 0},
    {VCH_HTTP_POST, "/inline", echo, NULL, 0, NULL, VCH_HTTP_INLINE},
    {VCH_HTTP_POST, "/cose", echo, NULL, 0, "application/cose, application/cbor", 0},
    {VCH_HTTP_GET, "/pick", pick, NULL, 0, NULL, VCH_HTTP_INLINE},
    {VCH_HTTP_POST, "/block", block, NULL, 0, NULL, 0},
};

static struct vch_http_server_options options(void)
{
    return (struct vch_http_server_options){.address = "127.0.0.1:0",
                                            .allow_plain = true,
                                            .routes = routes,
                                            .route_count = VCH_ARRAY_LEN(routes),
                                            .workers = 4};
}

static struct fixture start(struct vch_http_server_options o)
{
    struct fixture f;

    handled.n = release.n = 0;
    assert_vch_ok(vch_http_server_open(&o, &f.server));
    f.port = vch_http_server_port(f.server);
    assert_true(f.port != 0);
    return f;
}

static char *request_with_body(const char *path, size_t n)
{
    char *text = vch_mem_alloc(n + 256);
    int at = snprintf(text, 256, "POST %s HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n", path, n);

    memset(text + at, 'x', n);
    return text;
}

static void sizes_are_bounded(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;
    struct t_answer a;
    char *big;
    int fd;

    (void)state;
    o.header_max = 2048;
    f = start(o);
    /* just above the route's limit: refused, and the connection lives on */
    big = request_with_body("/echo", 4097);
    fd = t_connect(f.port);
    for (int i = 0; i < 2; i++) {
        t_send_text(fd, big);
        a = t_receive(fd, false);
        assert_int_equal(a.status, 413);
        assert_true(t_contains(&a.body, "http-body-too-large"));
        t_answer_fini(&a);
    }
    vch_mem_free(big);
    big = request_with_body("/echo", 4096);
    t_send_text(fd, big);
    a = t_receive(fd, false);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.n, 4096);
    t_answer_fini(&a);
    vch_mem_free(big);
    close(fd);

    /* far above: answered before the body is sent, then closed */
    fd = t_connect(f.port);
    t_send_text(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 99999999999\r\n\r\n");
    a = t_receive(fd, false);
    assert_int_equal(a.status, 413);
    assert_true(t_closed(fd));
    t_answer_fini(&a);
    close(fd);

    vch_http_server_close(f.server, 1000);
}

static void bodies_are_refused_by_length_seen_and_type(void **state)
{
    struct fixture f = start(options());
    struct t_answer a;
    char *big;
    int fd;

    (void)state;
    /* chunked, without a length to refuse by */
    fd = t_connect(f.port);
    t_send_text(fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1388\r\n");
    big = vch_mem_alloc(5001);
    memset(big, 'y', 5000);
    t_send_text(fd, big);
    t_send_text(fd, "\r\n0\r\n\r\n");
    a = t_receive(fd, false);
    assert_int_equal(a.status, 413);
    t_answer_fini(&a);
    vch_mem_free(big);
    close(fd);

    expect(f.port,
           "POST /cose HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx",
           415, "http-media");
    expect(f.port,
           "POST /cose HTTP/1.1\r\n" H
           "Content-Type: Application/COSE; x=y\r\nContent-Length: 1\r\n\r\nx",
           200, "x");
    vch_http_server_close(f.server, 1000);
}

static void long_headers_are_refused(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;
    struct vch_buf b = vch_buf_init(1 << 20);
    const char *text;

    (void)state;
    o.header_max = 2048;
    f = start(o);
    assert_vch_ok(vch_buf_text(&b, "GET /pick HTTP/1.1\r\n" H "X: "));
    for (int i = 0; i < 2100; i++) {
        assert_vch_ok(vch_buf_text(&b, "h"));
    }
    assert_vch_ok(vch_buf_text(&b, "\r\n\r\n"));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    expect(f.port, text, 431, "http-headers-too-large");

    vch_buf_reset(&b);
    assert_vch_ok(vch_buf_text(&b, "GET /pick?"));
    for (int i = 0; i < 1100; i++) {
        assert_vch_ok(vch_buf_text(&b, "q"));
    }
    assert_vch_ok(vch_buf_text(&b, " HTTP/1.1\r\n" H "\r\n"));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    expect(f.port, text, 414, "http-uri-too-long");

    /* beyond what the library itself holds */
    vch_buf_reset(&b);
    assert_vch_ok(vch_buf_text(&b, "GET /pick HTTP/1.1\r\n" H "X: "));
    for (int i = 0; i < 60000; i++) {
        assert_vch_ok(vch_buf_text(&b, "h"));
    }
    assert_vch_ok(vch_buf_text(&b, "\r\n\r\n"));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    expect(f.port, text, 431, NULL);
    vch_buf_fini(&b);
    vch_http_server_close(f.server, 1000);
}

/* Half a request and silence, or a byte now and then, must not hold a connection for ever. */
static void slow_clients_are_cut_off(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;
    struct t_answer a;
    int half, head, drip;

    (void)state;
    o.idle_timeout_s = 1;
    o.request_timeout_s = 1;
    o.body_max = 1024;
    f = start(o);
    half = t_connect(f.port);
    head = t_connect(f.port);
    drip = t_connect(f.port);
    t_send_text(half, "POST /echo HTTP/1.1\r\n" H "Content-Length: 100\r\n\r\nonly this");
    t_send_text(head, "GET /pi");
    t_send_text(drip, "POST /inline HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
    for (;;) { /* ends because the server ends the connection */
        struct pollfd p = {drip, POLLIN, 0};

        if (send(drip, "x", 1, MSG_NOSIGNAL) != 1 || poll(&p, 1, 200) > 0) {
            break;
        }
    }
    assert_true(t_closed(half));
    assert_true(t_closed(head));
    close(half);
    close(head);
    close(drip);
    a = t_ask(f.port, "GET /pick HTTP/1.1\r\n" H "\r\n"); /* and the server is well */
    assert_int_equal(a.status, 200);
    t_answer_fini(&a);
    vch_http_server_close(f.server, 1000);
}

static void a_full_queue_is_said(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;
    struct t_answer a;
    struct pollfd p[4];
    unsigned refused = 0;

    (void)state;
    o.workers = 1;
    o.queue_max = 2;
    f = start(o);
    for (int i = 0; i < 4; i++) { /* one handled, two waiting, one refused */
        p[i] = (struct pollfd){t_connect(f.port), POLLIN, 0};
        t_send_text(p[i].fd, "POST /block HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
        t_count_wait(&handled, 1);
    }
    assert_int_equal(poll(p, 4, 20000), 1);
    for (int i = 0; i < 4; i++) {
        if (p[i].revents != 0) {
            a = t_receive(p[i].fd, false);
            assert_int_equal(a.status, 503);
            assert_string_equal(t_header(&a, "Retry-After"), "1");
            assert_true(t_contains(&a.body, "http-busy"));
            t_answer_fini(&a);
            refused++;
        }
    }
    assert_int_equal(refused, 1);
    t_count_add(&release);
    for (int i = 0; i < 4; i++) {
        if (p[i].revents == 0) {
            a = t_receive(p[i].fd, false);
            assert_int_equal(a.status, 200);
            t_answer_fini(&a);
        }
        close(p[i].fd);
    }
    vch_http_server_close(f.server, 1000);
}

/* Bodies held at one time are bounded over all connections. */
static void bodies_in_memory_are_bounded(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;
    struct t_answer a;
    int held;

    (void)state;
    o.buffered_max = 3000;
    f = start(o);
    held = t_connect(f.port);
    t_send_text(held, "POST /block HTTP/1.1\r\n" H "Content-Length: 2000\r\n\r\n");
    for (int i = 0; i < 200; i++) {
        t_send_text(held, "0123456789");
    }
    t_count_wait(&handled, 1);
    {
        char *big = request_with_body("/echo", 2000);

        a = t_ask(f.port, big);
        assert_int_equal(a.status, 503);
        assert_string_equal(t_header(&a, "Retry-After"), "1");
        t_answer_fini(&a);
        t_count_add(&release);
        a = t_receive(held, false);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.body.n, 2000);
        t_answer_fini(&a);
        close(held);
        do { /* given back when the answer is through */
            a = t_ask(f.port, big);
            t_answer_fini(&a);
        } while (a.status == 503);
        assert_int_equal(a.status, 200);
        vch_mem_free(big);
    }
    vch_http_server_close(f.server, 1000);
}

static void connections_of_one_address_are_bounded(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;
    struct t_answer a;
    int fd[3];

    (void)state;
    o.connections_per_addr = 2;
    f = start(o);
    for (int i = 0; i < 2; i++) {
        fd[i] = t_connect(f.port);
        t_send_text(fd[i], "GET /pick HTTP/1.1\r\n" H "\r\n");
        a = t_receive(fd[i], false);
        assert_int_equal(a.status, 200);
        t_answer_fini(&a);
    }
    fd[2] = t_connect(f.port);
    assert_true(t_closed(fd[2]));
    for (int i = 0; i < 3; i++) {
        close(fd[i]);
    }
    vch_http_server_close(f.server, 1000);
}

/* A client that asks first is told before it sends. */
static void expectations_are_answered(void **state)
{
    struct fixture f = start(options());
    struct t_answer a;
    int fd = t_connect(f.port);

    (void)state;
    t_send_text(fd,
                "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
    a = t_receive(fd, false);
    assert_int_equal(a.status, 413);
    t_answer_fini(&a);
    close(fd);
    fd = t_connect(f.port);
    t_send_text(fd,
                "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    a = t_receive(fd, false);
    assert_int_equal(a.status, 100);
    t_answer_fini(&a);
    t_send_text(fd, "ok");
    a = t_receive(fd, false);
    assert_int_equal(a.status, 200);
    assert_bytes_equal(vch_buf_get(&a.body), vch_text("ok"));
    t_answer_fini(&a);
    close(fd);
    vch_http_server_close(f.server, 1000);
}

static void rates_are_limited(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;
    struct t_answer a;

    (void)state;
    o.rate_per_s = 0.001;
    o.rate_burst = 3;
    f = start(o);
    for (int i = 0; i < 2; i++) {
        expect(f.port, "GET /pick HTTP/1.1\r\n" H "\r\n", 200, NULL);
    }
    expect(f.port, "GET /nothing HTTP/1.1\r\n" H "\r\n", 404, NULL); /* counts too */
    a = t_ask(f.port, "GET /pick HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(a.status, 429);
    assert_true(strtoul(t_header(&a, "Retry-After"), NULL, 10) >= 900);
    assert_true(t_contains(&a.body, "http-rate"));
    t_answer_fini(&a);
    vch_http_server_close(f.server, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(bodies_are_refused_by_length_seen_and_type),
        cmocka_unit_test(long_headers_are_refused),
        cmocka_unit_test(slow_clients_are_cut_off),
        cmocka_unit_test(a_full_queue_is_said),
        cmocka_unit_test(bodies_in_memory_are_bounded),
        cmocka_unit_test(connections_of_one_address_are_bounded),
        cmocka_unit_test(expectations_are_answered),
        cmocka_unit_test(rates_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
