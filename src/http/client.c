#include <vouch/http/client.h>

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "authority.h"
#include "media.h"

#define HEAD_MAX 65536

/* A transfer with a connection cache of its own; one thread at a time. */
struct handle {
    struct handle *next;
    CURLM *multi;
    CURL *easy;
};

struct vch_http_client {
    pthread_mutex_t lock;
    struct handle *idle;
    unsigned idle_count;
    struct vch_http_client_options o; /* numbers only; the texts are below */
    char *url;                        /* without a slash at its end */
    char *ca_file, *ca_pem, *cert_file, *key_file, *user_agent;
    struct curl_slist *connect_to;
    struct vch_http_authority authority;
};

struct vch_http_cancel {
    pthread_mutex_t lock;
    bool fired;
    CURLM *running; /* NULL: no call */
};

/* One call while it runs. */
struct transfer {
    const struct vch_http_call *call;
    struct vch_http_answer *answer;
    struct handle *h;
    vch_http_sink_fn sink;
    void *sink_self;
    unsigned idle_timeout_ms;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    vch_err stopped; /* why a callback ended it */
};

static void global_init(void)
{
    VCH_ASSERT(curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK);
}

/* ---- cancelling */

struct vch_http_cancel *vch_http_cancel_open(void)
{
    struct vch_http_cancel *c = vch_mem_alloc(sizeof(*c));

    VCH_ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
    return c;
}

void vch_http_cancel_close(struct vch_http_cancel *c)
{
    if (c != NULL) {
        pthread_mutex_destroy(&c->lock);
        vch_mem_free(c);
    }
}

void vch_http_cancel_fire(struct vch_http_cancel *c)
{
    pthread_mutex_lock(&c->lock);
    c->fired = true;
    if (c->running != NULL) {
        (void)curl_multi_wakeup(c->running);
    }
    pthread_mutex_unlock(&c->lock);
}

/* Sets or looks at what runs; true if the call shall end. */
static bool cancel_note(struct vch_http_cancel *c, CURLM *running)
{
    bool fired;

    if (c == NULL) {
        return false;
    }
    pthread_mutex_lock(&c->lock);
    c->running = running;
    fired = c->fired;
    pthread_mutex_unlock(&c->lock);
    return fired;
}

/* ---- opening and closing */

static vch_err readable(const char *path)
{
    return path == NULL || access(path, R_OK) == 0 ? VCH_OK : VCH_E(HTTP_CREDENTIALS);
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : vch_mem_text(vch_text(text));
}

vch_err vch_http_client_open(const struct vch_http_client_options *o, struct vch_http_client **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct vch_http_authority authority;
    struct vch_http_client *c;
    size_t n;

    (void)pthread_once(&once, global_init);
    VCH_CHECK(o->url != NULL && (o->cert_file == NULL) == (o->key_file == NULL), HTTP_OPTIONS);
    VCH_TRY(vch_http_authority_parse(o->url, &authority));
    VCH_CHECK(authority.https || (o->allow_plain && vch_http_authority_local(&authority)),
              HTTP_OPTIONS);
    VCH_CHECK(o->ca_file == NULL || o->ca_pem == NULL, HTTP_OPTIONS);
    VCH_TRY(readable(o->ca_file));
    VCH_TRY(readable(o->cert_file));
    VCH_TRY(readable(o->key_file));
    c = vch_mem_alloc(sizeof(*c));
    VCH_ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
    c->o = *o;
    c->o.connect_timeout_ms = o->connect_timeout_ms != 0 ? o->connect_timeout_ms : 5000;
    c->o.timeout_ms = o->timeout_ms != 0 ? o->timeout_ms : 30000;
    c->o.answer_max = o->answer_max != 0 ? o->answer_max : 4 * 1024 * 1024;
    c->o.idle_handles_max = o->idle_handles_max != 0 ? o->idle_handles_max : 64;
    c->authority = authority;
    c->url = copy(o->url);
    n = strlen(c->url);
    while (n > 0 && c->url[n - 1] == '/') {
        c->url[--n] = 0;
    }
    c->ca_file = copy(o->ca_file);
    c->ca_pem = copy(o->ca_pem);
    c->cert_file = copy(o->cert_file);
    c->key_file = copy(o->key_file);
    c->user_agent = copy(o->user_agent != NULL ? o->user_agent : "vouch");
    if (o->resolve_addr != NULL) {
        char to[96];

        (void)snprintf(to, sizeof(to),
                       strchr(o->resolve_addr, ':') != NULL ? "::[%s]:" : "::%s:", o->resolve_addr);
        c->connect_to = curl_slist_append(NULL, to);
    }
    *ret = c;
    return VCH_OK;
}

static void handle_close(struct handle *h)
{
    curl_easy_cleanup(h->easy);
    (void)curl_multi_cleanup(h->multi);
    vch_mem_free(h);
}

void vch_http_client_close(struct vch_http_client *c)
{
    if (c == NULL) {
        return;
    }
    while (c->idle != NULL) {
        struct handle *h = c->idle;

        c->idle = h->next;
        handle_close(h);
    }
    curl_slist_free_all(c->connect_to);
    pthread_mutex_destroy(&c->lock);
    vch_mem_free(c->url);
    vch_mem_free(c->ca_file);
    vch_mem_free(c->ca_pem);
    vch_mem_free(c->cert_file);
    vch_mem_free(c->key_file);
    vch_mem_free(c->user_agent);
    vch_mem_free(c);
}

/* The handle used last, whose connection is the likeliest to be alive, or a new one. */
static vch_err handle_take(struct vch_http_client *c, struct handle **ret)
{
    struct handle *h;

    pthread_mutex_lock(&c->lock);
    h = c->idle;
    if (h != NULL) {
        c->idle = h->next;
        c->idle_count--;
    }
    pthread_mutex_unlock(&c->lock);
    if (h == NULL) {
        h = vch_mem_alloc(sizeof(*h));
        h->multi = curl_multi_init();
        h->easy = curl_easy_init();
        if (h->multi == NULL || h->easy == NULL) {
            handle_close(h);
            return VCH_E(MEMORY);
        }
    }
    *ret = h;
    return VCH_OK;
}

static void handle_put(struct vch_http_client *c, struct handle *h)
{
    bool keep;

    curl_easy_reset(h->easy);
    pthread_mutex_lock(&c->lock);
    keep = c->idle_count < c->o.idle_handles_max;
    if (keep) {
        h->next = c->idle;
        c->idle = h;
        c->idle_count++;
    }
    pthread_mutex_unlock(&c->lock);
    if (!keep) {
        handle_close(h);
    }
}

/* ---- callbacks */

static size_t on_head(char *p, size_t size, size_t n, void *self)
{
    struct transfer *t = self;

    (void)size;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        vch_buf_reset(&t->answer->head); /* after 100 Continue comes another head */
    }
    if (!vch_ok(vch_buf_append(&t->answer->head, vch_bytes(p, n)))) {
        t->stopped = VCH_E(HTTP_ANSWER_TOO_LARGE);
        return 0;
    }
    return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *self)
{
    struct transfer *t = self;
    long status = 0;
    vch_err e;

    (void)size;
    (void)curl_easy_getinfo(t->h->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->sink != NULL && status >= 200 && status <= 299) {
        e = t->sink(t->sink_self, vch_bytes(p, n));
    } else {
        e = vch_buf_append(&t->answer->body, vch_bytes(p, n));
        e = vch_ok(e) ? e : VCH_E(HTTP_ANSWER_TOO_LARGE);
    }
    if (!vch_ok(e)) {
        t->stopped = e;
        return 0;
    }
    return n;
}

/* ---- one transfer */

/* Options are typed by the library's macro; a refusal is a defect of ours (or a library without
 * TLS). */
#define SET(opt, value) ok = ok && curl_easy_setopt(easy, (opt), (value)) == CURLE_OK

static bool set_connection(const struct vch_http_client *c, CURL *easy)
{
    bool ok = true;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_PROTOCOLS_STR, c->authority.https ? "https" : "http");
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (c->ca_file != NULL) {
        SET(CURLOPT_CAINFO, c->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (c->ca_pem != NULL) {
        struct curl_blob blob = {c->ca_pem, strlen(c->ca_pem), CURL_BLOB_NOCOPY};

        SET(CURLOPT_CAINFO_BLOB, &blob);
        SET(CURLOPT_CAINFO, NULL);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (c->cert_file != NULL) {
        SET(CURLOPT_SSLCERT, c->cert_file);
        SET(CURLOPT_SSLKEY, c->key_file);
    }
    if (c->connect_to != NULL) {
        SET(CURLOPT_CONNECT_TO, c->connect_to);
    }
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->o.connect_timeout_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, 50L); /* below the idle limit of our servers */
    SET(CURLOPT_USERAGENT, c->user_agent);
    return ok;
}

static bool set_method(const struct vch_http_call *call, CURL *easy)
{
    const char *m = call->method != NULL ? call->method : call->body.n > 0 ? "POST" : "GET";
    bool get = strcmp(m, "GET") == 0;
    bool head = strcmp(m, "HEAD") == 0;
    bool ok = true;

    if (head) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (get && call->body.n == 0) {
        SET(CURLOPT_HTTPGET, 1L);
    } else {
        if (call->body.n > 0 || strcmp(m, "POST") == 0 || strcmp(m, "PUT") == 0) {
            SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
            SET(CURLOPT_POSTFIELDS, call->body.n > 0 ? (const char *)call->body.p : "");
        }
        SET(CURLOPT_CUSTOMREQUEST, m);
    }
    return ok;
}

static bool set_transfer(const struct vch_http_client *c, struct transfer *t, const char *url)
{
    CURL *easy = t->h->easy;
    bool ok = true;

    SET(CURLOPT_URL, url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_ERRORBUFFER, t->error);
    if (t->sink == NULL) {
        SET(CURLOPT_TIMEOUT_MS,
            (long)(t->call->timeout_ms != 0 ? t->call->timeout_ms : c->o.timeout_ms));
    } else if (t->idle_timeout_ms != 0) {
        SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
        SET(CURLOPT_LOW_SPEED_TIME, (long)((t->idle_timeout_ms + 999) / 1000));
    }
    return ok;
}

static vch_err map_error(const struct transfer *t, CURLcode rc)
{
    switch (rc) {
    case CURLE_OK:
        return VCH_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return VCH_E(HTTP_TIMEOUT);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        /* A server that refuses our certificate says so after our first bytes. */
        return strstr(t->error, "alert") != NULL ? VCH_E(HTTP_TLS) : VCH_E(HTTP_UNREACHABLE);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return VCH_E(HTTP_TLS);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return VCH_E(HTTP_CREDENTIALS);
    case CURLE_OUT_OF_MEMORY:
        return VCH_E(MEMORY);
    default:
        return VCH_E(HTTP_PROTOCOL);
    }
}

/* Runs the transfer to its end, its failure or its cancelling. */
static vch_err run(struct transfer *t)
{
    CURLM *multi = t->h->multi;
    CURLcode rc = CURLE_OK;
    bool cancelled = cancel_note(t->call->cancel, multi);
    int running = 1;

    VCH_CHECK(curl_multi_add_handle(multi, t->h->easy) == CURLM_OK, MEMORY);
    while (!cancelled && running > 0) {
        if (curl_multi_perform(multi, &running) != CURLM_OK ||
            (running > 0 && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)) {
            rc = CURLE_FAILED_INIT;
            break;
        }
        cancelled = running > 0 && cancel_note(t->call->cancel, multi);
    }
    for (int left = 1; left > 0;) {
        const CURLMsg *m = curl_multi_info_read(multi, &left);

        if (m == NULL) {
            break;
        }
        rc = m->msg == CURLMSG_DONE ? m->data.result : rc;
    }
    (void)cancel_note(t->call->cancel, NULL);
    (void)curl_multi_remove_handle(multi, t->h->easy);
    if (cancelled) {
        return VCH_E(HTTP_CANCELLED);
    }
    return vch_ok(t->stopped) ? map_error(t, rc) : t->stopped;
}

/* ---- building the request */

/* No control characters, and in targets no blanks: nobody adds a header or a request in between. */
static bool clean(const char *s, bool blanks)
{
    for (; *s != 0; s++) {
        if ((uint8_t)*s < 0x20 || *s == 0x7f || (*s == ' ' && !blanks)) {
            return false;
        }
    }
    return true;
}

static vch_err add_header(struct curl_slist **list, const char *name, const char *value)
{
    struct vch_buf line = vch_buf_init(HEAD_MAX);
    struct curl_slist *more;
    const char *text;
    vch_err e;

    VCH_CHECK(clean(name, false) && clean(value, true) && name[0] != 0, HTTP_OPTIONS);
    /* "name;" is the library's spelling of a header without a value */
    e = vch_buf_printf(&line, value[0] != 0 ? "%s: %s" : "%s;", name, value);
    if (vch_ok(e)) {
        e = vch_buf_cstr(&line, &text);
    }
    if (vch_ok(e)) {
        more = curl_slist_append(*list, text);
        *list = more != NULL ? more : *list;
        e = more != NULL ? VCH_OK : VCH_E(MEMORY);
    }
    vch_buf_fini(&line);
    return e;
}

static vch_err build_headers(const struct vch_http_call *call, struct curl_slist **list)
{
    if (call->accept != NULL) {
        VCH_TRY(add_header(list, "Accept", call->accept));
    }
    if (call->body.n > 0 || call->media != NULL) {
        VCH_TRY(add_header(list, "Content-Type",
                           call->media != NULL ? call->media : "application/octet-stream"));
    }
    for (size_t i = 0; i < call->header_count; i++) {
        VCH_TRY(add_header(list, call->headers[i].name, call->headers[i].value));
    }
    return VCH_OK;
}

static void note_answer(struct transfer *t)
{
    struct vch_bytes type = vch_http_answer_header(t->answer, "Content-Type");
    char *text = vch_mem_text(type);
    long status = 0;

    (void)curl_easy_getinfo(t->h->easy, CURLINFO_RESPONSE_CODE, &status);
    t->answer->status = (unsigned)status;
    vch_http_media_of(text, t->answer->media);
    vch_mem_free(text);
}

/* Where a redirect leads, to be freed; NULL if the answer is none to follow. */
static char *redirect_of(struct transfer *t)
{
    const char *m = t->call->method;
    const char *to = NULL;
    unsigned s = t->answer->status;

    if (t->call->redirects_max == 0 || t->call->body.n > 0 ||
        (m != NULL && strcmp(m, "GET") != 0 && strcmp(m, "HEAD") != 0) ||
        (s != 301 && s != 302 && s != 303 && s != 307 && s != 308) ||
        curl_easy_getinfo(t->h->easy, CURLINFO_REDIRECT_URL, &to) != CURLE_OK || to == NULL) {
        return NULL;
    }
    return copy(to);
}

/* Follows redirects within the client's authority. Takes URL over. */
static vch_err run_all(const struct vch_http_client *c, struct transfer *t, char *url)
{
    unsigned followed = 0;
    vch_err e;

    for (;;) {
        struct vch_http_authority to;

        vch_buf_reset(&t->answer->head);
        vch_buf_reset(&t->answer->body);
        curl_easy_reset(t->h->easy);
        e = set_connection(c, t->h->easy) && set_method(t->call, t->h->easy) &&
                    set_transfer(c, t, url)
                ? run(t)
                : VCH_E(BUG);
        vch_mem_free(url);
        if (!vch_ok(e)) {
            return e;
        }
        note_answer(t);
        url = redirect_of(t);
        if (url == NULL) {
            return VCH_OK;
        }
        if (followed++ == t->call->redirects_max || !vch_ok(vch_http_authority_parse(url, &to)) ||
            !vch_http_authority_equal(&to, &c->authority)) {
            vch_mem_free(url);
            return VCH_E(HTTP_REDIRECT);
        }
    }
}

static vch_err call_any(struct vch_http_client *c, struct transfer *t)
{
    struct vch_buf url = vch_buf_init(HEAD_MAX);
    struct vch_http_answer *a = t->answer;
    vch_err e;

    VCH_CHECK(t->call->path != NULL && t->call->path[0] == '/' && clean(t->call->path, false),
              HTTP_OPTIONS);
    VCH_CHECK(t->call->method == NULL || clean(t->call->method, false), HTTP_OPTIONS);
    VCH_TRY(vch_buf_printf(&url, "%s%s", c->url, t->call->path));
    e = build_headers(t->call, &t->headers);
    if (vch_ok(e)) {
        e = handle_take(c, &t->h);
    }
    if (vch_ok(e)) {
        *a = (struct vch_http_answer){0};
        a->body = vch_buf_init(t->call->answer_max != 0 ? t->call->answer_max : c->o.answer_max);
        a->head = vch_buf_init(HEAD_MAX);
        e = run_all(c, t, vch_mem_text(vch_buf_get(&url)));
        handle_put(c, t->h);
        if (!vch_ok(e)) {
            vch_http_answer_fini(a);
        }
    }
    curl_slist_free_all(t->headers);
    vch_buf_fini(&url);
    return e;
}

vch_err vch_http_call(struct vch_http_client *c, const struct vch_http_call *call,
                      struct vch_http_answer *ret)
{
    struct vch_http_answer a = {0};
    struct transfer t = {.call = call, .answer = &a};

    VCH_TRY(call_any(c, &t));
    *ret = a;
    return VCH_OK;
}

vch_err vch_http_call_stream(struct vch_http_client *c, const struct vch_http_call *call,
                             unsigned idle_timeout_ms, vch_http_sink_fn sink, void *self,
                             struct vch_http_answer *ret)
{
    struct vch_http_answer a = {0};
    struct transfer t = {.call = call,
                         .answer = &a,
                         .sink = sink,
                         .sink_self = self,
                         .idle_timeout_ms = idle_timeout_ms};

    VCH_TRY(call_any(c, &t));
    *ret = a;
    return VCH_OK;
}
