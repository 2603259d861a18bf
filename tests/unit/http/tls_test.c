/* TLS both ways: client certificates, reload, and our client's judgement of servers. */
#include "http_test.h"

#include <ctype.h>
#include <sys/stat.h>

static char *dir;

/* "FILE" in the test's folder; valid until the eighth call after it. */
static const char *in_dir(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *p = paths[next++ % 8];

    (void)snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
    return p;
}

/* The path NAME.SUFFIX in the test's folder; valid until the eighth call after it. */
static const char *file_of(const char *name, const char *suffix)
{
    char file[96];

    (void)snprintf(file, sizeof(file), "%s.%s", name, suffix);
    return in_dir(file);
}

#define EC "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"

/* NAME.key and NAME.pem, issued by CA.pem for DAYS, with the extension lines EXT. */
static void issue(const char *name, const char *ca, const char *days, const char *ext)
{
    FILE *f = fopen(file_of(name, "ext"), "we");
    char subject[96];

    assert_non_null(f);
    assert_true(fputs(ext, f) >= 0);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(subject, sizeof(subject), "/O=Test/CN=%s", name);
    assert_int_equal(T_RUN(dir, "openssl", "req", "-newkey", EC, "-keyout", file_of(name, "key"),
                           "-out", file_of(name, "csr"), "-subj", subject),
                     0);
    assert_int_equal(T_RUN(dir, "openssl", "x509", "-req", "-in", file_of(name, "csr"), "-CA",
                           file_of(ca, "pem"), "-CAkey", file_of(ca, "key"), "-CAcreateserial",
                           "-days", days, "-extfile", file_of(name, "ext"), "-out",
                           file_of(name, "pem")),
                     0);
    assert_int_equal(chmod(file_of(name, "key"), 0600), 0);
}

static void make_ca(const char *name)
{
    char subject[96];

    (void)snprintf(subject, sizeof(subject), "/CN=%s", name);
    assert_int_equal(T_RUN(dir, "openssl", "req", "-x509", "-newkey", EC, "-keyout",
                           file_of(name, "key"), "-out", file_of(name, "pem"), "-days", "2",
                           "-subj", subject),
                     0);
}

static void copy_over(const char *from, const char *to)
{
    assert_int_equal(T_RUN(dir, "cp", from, to), 0);
}

#define SERVER_EXT "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth"
#define CLIENT_EXT                                                                                 \
    "subjectAltName=URI:urn:test:as,DNS:as.example,email:as@example.org,IP:192.0.2.7\n"            \
    "extendedKeyUsage=clientAuth"

static int setup(void **state)
{
    (void)state;
    dir = t_folder_open();
    make_ca("ca");
    make_ca("other");
    issue("server", "ca", "2", SERVER_EXT);
    issue("good", "ca", "2", CLIENT_EXT);
    issue("expired", "ca", "-1", CLIENT_EXT);
    issue("foreign", "other", "2", CLIENT_EXT);
    issue("purpose", "ca", "2", SERVER_EXT);
    issue("misnamed", "ca", "2", "subjectAltName=DNS:elsewhere.example");
    issue("stale", "ca", "-1", SERVER_EXT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    t_folder_close(dir);
    return 0;
}

static vch_err who(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_buf b = vch_buf_init(4096);
    char hex[2 * VCH_HASH_LEN + 1];

    (void)user;
    assert_true(rq->tls);
    if (rq->cert == NULL) {
        vch_http_reply(rs, 200, "text/plain", vch_text("nobody"));
        return VCH_OK;
    }
    assert_vch_ok(vch_buf_printf(
        &b, "cn=%s subject=%s sha256=%s", rq->cert->cn, rq->cert->subject,
        vch_hex_encode(vch_hash_bytes(&rq->cert->sha256), vch_span(hex, sizeof(hex)))));
    for (size_t i = 0; i < rq->cert->san_count; i++) {
        assert_vch_ok(
            vch_buf_printf(&b, " %d:%s", (int)rq->cert->san[i].kind, rq->cert->san[i].text));
    }
    vch_http_reply_take(rs, 200, "text/plain", &b);
    return VCH_OK;
}

static vch_err move(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    vch_http_reply_header(rs, "Location", vch_http_query(rq, "to"));
    vch_http_reply_status(rs, 307);
    return VCH_OK;
}

static vch_err large(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    struct vch_buf b = vch_buf_init(200000);
    struct vch_span room;

    (void)user;
    (void)rq;
    VCH_TRY(vch_buf_room(&b, 200000, &room));
    memset(room.p, 'l', room.cap);
    vch_buf_added(&b, room.cap);
    vch_http_reply_take(rs, 200, "text/plain", &b);
    return VCH_OK;
}

static struct t_count hold = T_COUNT_INIT;

static vch_err wait_here(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    (void)rq;
    (void)rs;
    t_count_wait(&hold, 1);
    return VCH_OK;
}

static vch_err nothing_yet(void *self, struct vch_span room, size_t *ret_n, bool *ret_end)
{
    (void)self;
    (void)room;
    (void)ret_n;
    (void)ret_end;
    return VCH_OK;
}

static struct t_count listening = T_COUNT_INIT;

static vch_err listen_on(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    static const struct vch_http_source source = {nothing_yet, NULL, NULL};

    (void)user;
    (void)rq;
    vch_http_reply_stream(rs, 200, "text/event-stream", &source, NULL);
    t_count_add(&listening);
    return VCH_OK;
}

static vch_err duplicate(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    (void)user;
    (void)rq;
    vch_http_problem(rs, VCH_E(CBOR_DUP), "label 3");
    return VCH_OK;
}

static const struct vch_http_route routes[] = {
    {VCH_HTTP_GET, "/who", who, NULL, 0, NULL, 0},
    {VCH_HTTP_POST, "/who", who, NULL, 0, NULL, 0},
    {VCH_HTTP_GET, "/named", who, NULL, 0, NULL, VCH_HTTP_NEEDS_CERT},
    {VCH_HTTP_GET, "/move", move, NULL, 0, NULL, 0},
    {VCH_HTTP_GET, "/large", large, NULL, 0, NULL, 0},
    {VCH_HTTP_GET, "/wait", wait_here, NULL, 0, NULL, 0},
    {VCH_HTTP_GET, "/listen", listen_on, NULL, 0, NULL, 0},
    {VCH_HTTP_GET, "/fail", duplicate, NULL, 0, NULL, 0},
};

static struct vch_http_server *serve(const char *cert, enum vch_http_mtls mtls, char url[64])
{
    struct vch_http_server_options o = {.address = "127.0.0.1:0",
                                        .mtls = mtls,
                                        .client_ca_file = in_dir("ca.pem"),
                                        .routes = routes,
                                        .route_count = VCH_ARRAY_LEN(routes),
                                        .workers = 4};
    struct vch_http_server *s;
    char name[64];

    (void)snprintf(name, sizeof(name), "%s.key", cert);
    o.key_file = in_dir(name);
    (void)snprintf(name, sizeof(name), "%s.pem", cert);
    o.cert_file = in_dir(name);
    assert_vch_ok(vch_http_server_open(&o, &s));
    (void)snprintf(url, 64, "https://127.0.0.1:%u", vch_http_server_port(s));
    return s;
}

/* A client that presents CERT (NULL: none) and trusts CA. */
static struct vch_http_client *dial(const char *url, const char *ca, const char *cert)
{
    struct vch_http_client_options o = {.url = url, .ca_file = in_dir(ca)};
    struct vch_http_client *c;
    char name[64];

    if (cert != NULL) {
        (void)snprintf(name, sizeof(name), "%s.pem", cert);
        o.cert_file = in_dir(name);
        (void)snprintf(name, sizeof(name), "%s.key", cert);
        o.key_file = in_dir(name);
    }
    assert_vch_ok(vch_http_client_open(&o, &c));
    return c;
}

/* Status of a GET, with the body's text in BODY. */
static unsigned get(const char *url, const char *cert, const char *path, char body[1024])
{
    struct vch_http_client *c = dial(url, "ca.pem", cert);
    struct vch_http_call call = {.path = path};
    struct vch_http_answer a;
    unsigned status;

    assert_vch_ok(vch_http_call(c, &call, &a));
    (void)snprintf(body, 1024, "%.*s", (int)a.body.n, (const char *)a.body.p);
    status = a.status;
    vch_http_answer_fini(&a);
    vch_http_client_close(c);
    return status;
}

static void required_certificates(void **state)
{
    char url[64], body[1024], line[200], hex[65];
    size_t n = 0;
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_REQUIRED, url);
    static const char *const bad[] = {NULL, "expired", "foreign", "purpose"};
    FILE *f;

    (void)state;
    assert_int_equal(get(url, "good", "/who", body), 200);
    assert_non_null(strstr(body, "cn=good subject="));
    assert_non_null(strstr(body, " 1:urn:test:as 0:as.example 2:as@example.org 3:192.0.2.7"));
    assert_int_equal(
        T_RUN(dir, "openssl", "x509", "-in", "good.pem", "-noout", "-fingerprint", "-sha256"), 0);
    f = fopen(in_dir("out.txt"), "re"); /* "...=AB:CD:..." */
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    assert_int_equal(fclose(f), 0);
    for (const char *c = strchr(line, '='); *c != 0; c++) {
        if (isxdigit((unsigned char)*c) && n < 64) {
            hex[n++] = (char)tolower((unsigned char)*c);
        }
    }
    hex[n] = 0;
    assert_int_equal(n, 64);
    assert_non_null(strstr(body, hex)); /* an independent fingerprint */
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        assert_int_equal(get(url, bad[i], "/who", body), 403);
        assert_non_null(strstr(body, "http-client-certificate"));
        assert_int_equal(get(url, bad[i], "/nothing", body), 403); /* nor what exists */
    }
    vch_http_server_close(s, 1000);
}

static void optional_certificates(void **state)
{
    char url[64], body[1024];
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_OPTIONAL, url);

    (void)state;
    assert_int_equal(get(url, NULL, "/who", body), 200);
    assert_string_equal(body, "nobody");
    assert_int_equal(get(url, NULL, "/named", body), 403);
    assert_int_equal(get(url, "good", "/named", body), 200);
    assert_int_equal(get(url, "foreign", "/who", body), 403); /* bad is not the same as none */
    vch_http_server_close(s, 1000);

    s = serve("server", VCH_HTTP_MTLS_NONE, url);
    assert_int_equal(get(url, "good", "/who", body), 200);
    assert_string_equal(body, "nobody");
    vch_http_server_close(s, 1000);
}

static vch_err call_err(const char *url, const char *ca, const char *path)
{
    struct vch_http_client *c = dial(url, ca, NULL);
    struct vch_http_call call = {.path = path};
    struct vch_http_answer a;
    vch_err e = vch_http_call(c, &call, &a);

    if (vch_ok(e)) {
        vch_http_answer_fini(&a);
    }
    vch_http_client_close(c);
    return e;
}

static void the_client_judges_the_server(void **state)
{
    char url[64];
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_NONE, url);

    (void)state;
    assert_vch_ok(call_err(url, "ca.pem", "/who"));
    assert_vch_err(call_err(url, "other.pem", "/who"), HTTP_TLS);
    vch_http_server_close(s, 1000);
    assert_vch_err(call_err(url, "ca.pem", "/who"), HTTP_UNREACHABLE);
    s = serve("misnamed", VCH_HTTP_MTLS_NONE, url);
    assert_vch_err(call_err(url, "ca.pem", "/who"), HTTP_TLS);
    vch_http_server_close(s, 1000);
    s = serve("stale", VCH_HTTP_MTLS_NONE, url);
    assert_vch_err(call_err(url, "ca.pem", "/who"), HTTP_TLS);
    vch_http_server_close(s, 1000);
    assert_vch_err(call_err("https://127.0.0.1:1", "ca.pem", "/"), HTTP_UNREACHABLE);
}

static void old_protocols_are_refused(void **state)
{
    static const char *const versions[] = {"-tls1", "-tls1_1", "-tls1_2", "-tls1_3"};
    char url[64], to[32];
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_NONE, url);

    (void)state;
    (void)snprintf(to, sizeof(to), "127.0.0.1:%u", vch_http_server_port(s));
    for (size_t i = 0; i < VCH_ARRAY_LEN(versions); i++) {
        int status = T_RUN(dir, "openssl", "s_client", "-connect", to, "-CAfile", "ca.pem",
                           versions[i], "-cipher", "ALL@SECLEVEL=0");

        assert_int_equal(status == 0, i >= 2);
    }
    vch_http_server_close(s, 1000);
}

static void answers_are_judged(void **state)
{
    char url[64], detail[64];
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_NONE, url);
    struct vch_http_client *c = dial(url, "ca.pem", NULL);
    struct vch_http_call call = {.path = "/fail"};
    struct vch_http_answer a;

    (void)state;
    for (int cbor = 0; cbor < 2; cbor++) {
        call.accept = cbor ? "application/concise-problem-details+cbor" : NULL;
        assert_vch_ok(vch_http_call(c, &call, &a));
        assert_int_equal(a.status, 400);
        assert_vch_err(vch_http_answer_check(&a, vch_span(detail, sizeof(detail))), CBOR_DUP);
        assert_string_equal(detail, "label 3");
        vch_http_answer_fini(&a);
    }
    call.path = "/large";
    call.answer_max = 199999;
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_ANSWER_TOO_LARGE);
    call.answer_max = 200000;
    assert_vch_ok(vch_http_call(c, &call, &a));
    assert_int_equal(a.body.n, 200000);
    assert_vch_ok(vch_http_answer_check(&a, vch_span(NULL, 0)));
    assert_string_equal(a.media, "text/plain");
    assert_bytes_equal(vch_http_answer_header(&a, "content-length"), vch_text("200000"));
    assert_null(vch_http_answer_header(&a, "content-lengt").p);
    vch_http_answer_fini(&a);
    vch_http_client_close(c);
    vch_http_server_close(s, 1000);
}

static void redirects_stay_in_the_authority(void **state)
{
    char url[64];
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_NONE, url);
    struct vch_http_client *c = dial(url, "ca.pem", NULL);
    struct vch_http_call call = {.path = "/move?to=/who"};
    struct vch_http_answer a;

    (void)state;
    assert_vch_ok(vch_http_call(c, &call, &a)); /* not followed unless asked */
    assert_int_equal(a.status, 307);
    vch_http_answer_fini(&a);
    call.redirects_max = 1;
    assert_vch_ok(vch_http_call(c, &call, &a));
    assert_int_equal(a.status, 200);
    assert_bytes_equal(vch_buf_get(&a.body), vch_text("nobody"));
    vch_http_answer_fini(&a);
    call.path = "/move?to=/move%3Fto=/who";
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_REDIRECT); /* too many */
    call.redirects_max = 5;
    assert_vch_ok(vch_http_call(c, &call, &a));
    assert_int_equal(a.status, 200);
    vch_http_answer_fini(&a);
    call.path = "/move?to=https://localhost/who";
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_REDIRECT);
    call.path = "/move?to=http://127.0.0.1/who";
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_REDIRECT);
    call.path = "/move?to=file:///etc/passwd";
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_REDIRECT);
    vch_http_client_close(c);
    vch_http_server_close(s, 1000);
}

static void *fire(void *arg)
{
    vch_http_cancel_fire(arg);
    return NULL;
}

static void calls_time_out_and_are_cancelled(void **state)
{
    char url[64];
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_NONE, url);
    struct vch_http_client *c = dial(url, "ca.pem", NULL);
    struct vch_http_call call = {.path = "/wait", .timeout_ms = 100};
    struct vch_http_answer a;
    pthread_t t;

    (void)state;
    hold.n = 0;
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_TIMEOUT);
    call.timeout_ms = 0;
    call.cancel = vch_http_cancel_open();
    assert_int_equal(pthread_create(&t, NULL, fire, call.cancel), 0);
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_CANCELLED);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_CANCELLED); /* and stays so */
    vch_http_cancel_close(call.cancel);
    t_count_add(&hold);
    call = (struct vch_http_call){.path = "/who"};
    assert_vch_ok(vch_http_call(c, &call, &a)); /* the client is well */
    vch_http_answer_fini(&a);
    vch_http_client_close(c);
    vch_http_server_close(s, 1000);
}

static void bad_calls_are_refused(void **state)
{
    static const struct vch_http_field evil[] = {{"X", "a\r\nY: b"}};
    struct vch_http_client_options o = {.url = "https://127.0.0.1:1"};
    struct vch_http_call call = {.path = "/a b"};
    struct vch_http_client *c;
    struct vch_http_answer a;

    (void)state;
    assert_vch_ok(vch_http_client_open(&o, &c));
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_OPTIONS);
    call.path = "relative";
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_OPTIONS);
    call = (struct vch_http_call){.path = "/", .headers = evil, .header_count = 1};
    assert_vch_err(vch_http_call(c, &call, &a), HTTP_OPTIONS);
    vch_http_client_close(c);
    o.url = "http://127.0.0.1:1";
    assert_vch_err(vch_http_client_open(&o, &c), HTTP_OPTIONS); /* plain, not allowed */
    o.allow_plain = true;
    assert_vch_ok(vch_http_client_open(&o, &c));
    vch_http_client_close(c);
    o.url = "http://192.0.2.1:1"; /* plain, not loopback */
    assert_vch_err(vch_http_client_open(&o, &c), HTTP_OPTIONS);
    o.url = "https://user:pass@host/";
    assert_vch_err(vch_http_client_open(&o, &c), HTTP_OPTIONS);
    o.url = "ftp://127.0.0.1/";
    assert_vch_err(vch_http_client_open(&o, &c), HTTP_OPTIONS);
    o.url = "https://127.0.0.1";
    o.ca_file = "/nonexistent";
    assert_vch_err(vch_http_client_open(&o, &c), HTTP_CREDENTIALS);
}

static void credentials_are_checked_and_reloaded(void **state)
{
    char url[64];
    struct vch_http_server_options o = {.address = "127.0.0.1:0"};
    struct vch_http_client *c;
    struct vch_http_call call = {.path = "/who"};
    struct vch_http_answer a;
    struct vch_http_server *s;

    (void)state;
    o.key_file = in_dir("good.key"); /* does not fit */
    o.cert_file = in_dir("server.pem");
    assert_vch_err(vch_http_server_open(&o, &s), HTTP_CREDENTIALS);
    assert_int_equal(chmod(in_dir("server.key"), 0644), 0);
    o.key_file = in_dir("server.key");
    assert_vch_err(vch_http_server_open(&o, &s), FILE_MODE);
    assert_int_equal(chmod(in_dir("server.key"), 0600), 0);

    copy_over("stale.key", "live.key");
    copy_over("stale.pem", "live.pem");
    s = serve("live", VCH_HTTP_MTLS_NONE, url);
    assert_vch_err(call_err(url, "ca.pem", "/who"), HTTP_TLS);
    copy_over("server.key", "live.key");
    assert_vch_err(vch_http_server_reload(s), HTTP_CREDENTIALS); /* key without its certificate */
    copy_over("server.pem", "live.pem");
    assert_vch_ok(vch_http_server_reload(s));
    assert_vch_ok(call_err(url, "ca.pem", "/who"));

    /* a connection from before a reload is answered once more, and a new one takes over */
    c = dial(url, "ca.pem", NULL);
    for (int i = 0; i < 4; i++) {
        assert_vch_ok(vch_http_call(c, &call, &a));
        assert_int_equal(a.status, 200);
        assert_int_equal(
            vch_bytes_equal(vch_http_answer_header(&a, "Connection"), vch_text("close")), i == 2);
        vch_http_answer_fini(&a);
        if (i == 1) {
            assert_vch_ok(vch_http_server_reload(s));
        }
    }
    vch_http_client_close(c);
    vch_http_server_close(s, 1000);
}

static vch_err ignore_piece(void *self, struct vch_bytes piece)
{
    (void)self;
    (void)piece;
    return VCH_OK;
}

static void *follow(void *client)
{
    struct vch_http_call call = {.path = "/listen"};
    struct vch_http_answer a;

    assert_vch_ok(vch_http_call_stream(client, &call, 0, ignore_piece, NULL, &a));
    vch_http_answer_fini(&a);
    return NULL;
}

/* Streams could last for years: a reload ends them, properly, and clients come back. */
static void a_reload_ends_streams(void **state)
{
    char url[64];
    struct vch_http_server *s = serve("server", VCH_HTTP_MTLS_NONE, url);
    struct vch_http_client *c = dial(url, "ca.pem", NULL);
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, follow, c), 0);
    t_count_wait(&listening, 1);
    assert_vch_ok(vch_http_server_reload(s));
    assert_int_equal(pthread_join(t, NULL), 0);
    vch_http_client_close(c);
    vch_http_server_close(s, 1000);
}

static void unfinished_handshakes_are_cut_off(void **state)
{
    struct vch_http_server_options o = {.address = "127.0.0.1:0",
                                        .key_file = in_dir("server.key"),
                                        .cert_file = in_dir("server.pem"),
                                        .request_timeout_s = 1};
    struct vch_http_server *s;
    int silent, plain;
    uint8_t c;

    (void)state;
    assert_vch_ok(vch_http_server_open(&o, &s));
    silent = t_connect(vch_http_server_port(s));
    plain = t_connect(vch_http_server_port(s));
    t_send_text(plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while (t_byte(plain, &c)) { /* at most a TLS alert */
        assert_int_not_equal(c, 'H');
    }
    assert_true(t_closed(silent));
    close(silent);
    close(plain);
    vch_http_server_close(s, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required_certificates),
        cmocka_unit_test(optional_certificates),
        cmocka_unit_test(the_client_judges_the_server),
        cmocka_unit_test(old_protocols_are_refused),
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(redirects_stay_in_the_authority),
        cmocka_unit_test(calls_time_out_and_are_cancelled),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(credentials_are_checked_and_reloaded),
        cmocka_unit_test(a_reload_ends_streams),
        cmocka_unit_test(unfinished_handshakes_are_cut_off),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
