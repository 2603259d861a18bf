/* The server over plain loopback sockets: routes, refusals, limits, odd clients. */
#include "http_test.h"

#include <fcntl.h>

#define FILE_SIZE (4 * 1024 * 1024)

static struct t_count handled = T_COUNT_INIT;
static struct t_count release = T_COUNT_INIT;

static vch_err echo(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    vch_http_reply(rs, 200, rq->media[0] != 0 ? rq->media : "application/octet-stream", rq->body);
    return VCH_OK;
}

static vch_err entry(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_buf b = vch_buf_init(4096);
    const char *name, *value;

    assert_vch_ok(vch_buf_printf(&b, "%s id=%s", (const char *)user, vch_http_param(rq, "id")));
    for (size_t i = 0; vch_http_query_at(rq, i, &name, &value); i++) {
        assert_vch_ok(vch_buf_printf(&b, " %s=%s", name, value));
    }
    vch_http_reply_take(rs, 200, "text/plain", &b);
    return VCH_OK;
}

static vch_err refuse(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    if (vch_http_query(rq, "detail") != NULL) {
        vch_http_problem(rs, VCH_E(SIGNATURE), vch_http_query(rq, "detail"));
        return VCH_OK;
    }
    return VCH_E(SIGNATURE);
}

static vch_err inject(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    (void)rq;
    vch_http_reply_header(rs, "X-Evil", "a\r\nSet-Cookie: b=c");
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

/* The file of the test, from the fifth byte on. */
static vch_err file(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    int fd = open(user, O_RDONLY | O_CLOEXEC);

    (void)rq;
    VCH_CHECK(fd >= 0, FILE_MISSING);
    vch_http_reply_file(rs, 200, "application/octet-stream", fd, 5, FILE_SIZE - 5);
    vch_http_reply_header(rs, "ETag", "\"x\"");
    return VCH_OK;
}

static char t_all[] = "all", t_one[] = "one", t_rest[] = "rest";
static char file_path[64];

static const struct vch_http_route routes[] = {
    {VCH_HTTP_POST, "/echo", echo, NULL, 4096, NULL, 0},
    {VCH_HTTP_PUT, "/inline", echo, NULL, 0, NULL, VCH_HTTP_INLINE},
    {VCH_HTTP_POST, "/cose", echo, NULL, 0, "application/cose, application/cbor", 0},
    {VCH_HTTP_GET, "/files/{id*}", entry, t_rest, 0, NULL, 0},
    {VCH_HTTP_GET, "/entries/{id}", entry, t_one, 0, NULL, 0},
    {VCH_HTTP_GET, "/entries/all", entry, t_all, 0, NULL, 0},
    {VCH_HTTP_DELETE, "/entries/{id}", entry, t_one, 0, NULL, 0},
    {VCH_HTTP_GET, "/refuse", refuse, NULL, 0, NULL, 0},
    {VCH_HTTP_GET, "/inject", inject, NULL, 0, NULL, 0},
    {VCH_HTTP_GET, "/pick", pick, NULL, 0, NULL, VCH_HTTP_INLINE},
    {VCH_HTTP_GET, "/file", file, file_path, 0, NULL, 0},
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

static void routes_are_found(void **state)
{
    struct fixture f = start(options());
    struct t_answer a;

    (void)state;
    expect(f.port, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 200, "hello");
    expect(f.port, "PUT /inline HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 200, "hello");
    expect(f.port,
           "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0"
           "\r\n\r\n",
           200, "abcde");
    expect(f.port, "GET /entries/a%2Fb%20c?x=1&y=%41+b&z HTTP/1.1\r\n" H "\r\n", 200,
           "one id=a/b c x=1 y=A b z=");
    expect(f.port, "GET /entries/all HTTP/1.1\r\n" H "\r\n", 200, "all id=(null)");
    expect(f.port, "GET /files/a/b%20/c HTTP/1.1\r\n" H "\r\n", 200, "rest id=a/b /c");
    expect(f.port, "GET /files/a%2fb HTTP/1.1\r\n" H "\r\n", 404, "http-not-found");
    expect(f.port, "GET /entries/ HTTP/1.1\r\n" H "\r\n", 404, "http-not-found");
    expect(f.port, "GET /nothing HTTP/1.1\r\n" H "\r\n", 404, "urn:vouch:error:http-not-found");
    expect(f.port, "GET /entries/%zz HTTP/1.1\r\n" H "\r\n", 400, "http-uri");
    expect(f.port, "GET /entries/%00 HTTP/1.1\r\n" H "\r\n", 400, "http-uri");
    expect(f.port, "GET /entries/%ff HTTP/1.1\r\n" H "\r\n", 400, "http-uri");
    expect(f.port, "GET /files/%2e%2e/x HTTP/1.1\r\n" H "\r\n", 400, "http-uri");

    a = t_ask(f.port, "POST /entries/1 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
    assert_int_equal(a.status, 405);
    assert_string_equal(t_header(&a, "Allow"), "GET, HEAD, DELETE, OPTIONS");
    t_answer_fini(&a);
    a = t_ask(f.port, "OPTIONS /echo HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(a.status, 204);
    assert_string_equal(t_header(&a, "Allow"), "POST, OPTIONS");
    t_answer_fini(&a);
    a = t_ask(f.port, "BREW /echo HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(a.status, 405);
    t_answer_fini(&a);
    a = t_ask(f.port, "HEAD /entries/7 HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(a.status, 200);
    assert_string_equal(t_header(&a, "Content-Length"), "8");
    t_answer_fini(&a);
    vch_http_server_close(f.server, 1000);
}

static void problems_have_the_form_asked_for(void **state)
{
    struct fixture f = start(options());
    struct t_answer a;

    (void)state;
    a = t_ask(f.port, "GET /refuse HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(a.status, 403);
    assert_string_equal(t_header(&a, "Content-Type"), "application/problem+json");
    assert_true(t_contains(&a.body, "\"code\":\"signature-invalid\""));
    assert_true(t_contains(&a.body, "\"status\":403"));
    assert_true(t_contains(&a.body, "\"remedy\":"));
    assert_false(t_contains(&a.body, "\"detail\""));
    t_answer_fini(&a);
    a = t_ask(f.port, "GET /refuse?detail=in%20%22it%22 HTTP/1.1\r\n" H "\r\n");
    assert_true(t_contains(&a.body, "\"detail\":\"in \\\"it\\\"\""));
    t_answer_fini(&a);
    a = t_ask(f.port, "GET /refuse?detail=why HTTP/1.1\r\n" H "Accept: application/cbor\r\n\r\n");
    assert_int_equal(a.status, 403);
    assert_string_equal(t_header(&a, "Content-Type"), "application/concise-problem-details+cbor");
    assert_true(t_contains(&a.body, "signature-invalid"));
    {
        struct vch_http_answer view = {.status = a.status, .body = a.body};
        char detail[64];

        memcpy(view.media, "application/concise-problem-details+cbor", 41);
        assert_vch_err(vch_http_answer_check(&view, vch_span(detail, sizeof(detail))), SIGNATURE);
        assert_string_equal(detail, "why");
    }
    t_answer_fini(&a);
    expect(f.port, "GET /inject HTTP/1.1\r\n" H "\r\n", 500, "internal-bug");
    expect(f.port, "GET /pick HTTP/1.1\r\n" H "Accept: application/cbor\r\n\r\n", 200, NULL);
    expect(f.port, "GET /pick HTTP/1.1\r\n" H "Accept: image/png\r\n\r\n", 406, NULL);
    vch_http_server_close(f.server, 1000);
}

/* One request must be one request for everybody on its way. */
static void smuggling_is_refused(void **state)
{
    struct fixture f = start(options());
    struct t_answer a;
    int fd;

    (void)state;
    fd = t_connect(f.port);
    t_send_text(fd,
                "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
                "\r\n0\r\n\r\nGET /pick HTTP/1.1\r\n" H "\r\n");
    a = t_receive(fd, false);
    assert_int_equal(a.status, 400);
    assert_true(t_contains(&a.body, "http-request"));
    assert_true(t_closed(fd));
    t_answer_fini(&a);
    close(fd);
    expect(f.port, "POST /echo HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
           400, NULL);
    expect(f.port, "GET /pick HTTP/1.1\r\n\r\n", 400, NULL); /* no Host */
    vch_http_server_close(f.server, 1000);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct fixture f = start(options());
    struct vch_buf b = vch_buf_init(65536);
    const char *text;
    int fd = t_connect(f.port);

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_vch_ok(
            vch_buf_printf(&b, "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n%03d", i));
    }
    assert_vch_ok(vch_buf_cstr(&b, &text));
    t_send_text(fd, text);
    for (int i = 0; i < 50; i++) {
        struct t_answer a = t_receive(fd, false);
        char want[8];

        (void)snprintf(want, sizeof(want), "%03d", i);
        assert_int_equal(a.status, 200);
        assert_bytes_equal(vch_buf_get(&a.body), vch_text(want));
        t_answer_fini(&a);
    }
    close(fd);
    vch_buf_fini(&b);
    vch_http_server_close(f.server, 1000);
}

static void a_client_may_leave_while_its_request_is_handled(void **state)
{
    struct vch_http_server_options o = options();
    struct fixture f;

    (void)state;
    f = start(o);
    for (unsigned i = 0; i < 4; i++) {
        int fd = t_connect(f.port);
        struct linger hard = {1, 0};

        t_send_text(fd, "POST /block HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
        t_count_wait(&handled, i + 1);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
        close(fd); /* a reset */
    }
    expect(f.port, "GET /pick HTTP/1.1\r\n" H "\r\n", 200, NULL);
    t_count_add(&release);
    expect(f.port, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nok", 200, "ok");
    vch_http_server_close(f.server, 1000);
}

static void files_are_sent_and_clients_may_leave_meanwhile(void **state)
{
    struct fixture f = start(options());
    struct linger hard = {1, 0};
    struct t_answer a;
    char c = 0;
    int fd;

    (void)state;
    (void)snprintf(file_path, sizeof(file_path), "/tmp/vouch-http-file-XXXXXX");
    fd = mkstemp(file_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "01234567", 8), 8);
    assert_int_equal(pwrite(fd, "z", 1, FILE_SIZE - 1), 1);
    close(fd);
    a = t_ask(f.port, "GET /file HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.n, FILE_SIZE - 5);
    assert_memory_equal(a.body.p, "567", 3);
    assert_int_equal(a.body.p[a.body.n - 1], 'z');
    assert_string_equal(t_header(&a, "ETag"), "\"x\"");
    t_answer_fini(&a);
    for (int i = 0; i < 5; i++) { /* a signal for the broken pipe would end this process */
        fd = t_connect(f.port);
        t_send_text(fd, "GET /file HTTP/1.1\r\n" H "\r\n");
        assert_int_equal(recv(fd, &c, 1, 0), 1);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
        close(fd);
    }
    expect(f.port, "GET /pick HTTP/1.1\r\n" H "\r\n", 200, NULL);
    assert_int_equal(unlink(file_path), 0);
    expect(f.port, "GET /file HTTP/1.1\r\n" H "\r\n", 500, "file-missing");
    vch_http_server_close(f.server, 1000);
}

static void options_are_checked(void **state)
{
    static const struct vch_http_route bad[] = {{VCH_HTTP_GET, "/a/{", echo, NULL, 0, NULL, 0}};
    struct vch_http_server_options o = options();
    struct vch_http_server *s;
    struct fixture f;
    char address[32];

    (void)state;
    o.allow_plain = false;
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_OPTIONS);
    o = options();
    o.address = "0.0.0.0:0"; /* plain, and not loopback */
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_OPTIONS);
    o.address = "nonsense";
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_OPTIONS);
    o = options();
    o.routes = bad;
    o.route_count = 1;
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_OPTIONS);
    o = options();
    o.mtls = VCH_HTTP_MTLS_REQUIRED;
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_OPTIONS);
    o = options();
    o.key_file = o.cert_file = "/nonexistent.pem";
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_CREDENTIALS);
    f = start(options());
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", f.port);
    o = options();
    o.address = address;
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_LISTEN);
    vch_http_server_close(f.server, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_found),
        cmocka_unit_test(problems_have_the_form_asked_for),
        cmocka_unit_test(smuggling_is_refused),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_client_may_leave_while_its_request_is_handled),
        cmocka_unit_test(files_are_sent_and_clients_may_leave_meanwhile),
        cmocka_unit_test(options_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
