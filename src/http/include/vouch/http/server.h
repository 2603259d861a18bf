/* vouch/http/server.h - the HTTP(S) server of the services.
 * Layer 8. The only module that sees libmicrohttpd, GnuTLS and libcurl.
 *
 * A request is collected whole, within limits, by an I/O thread; its connection is then suspended
 * and the handler runs in a pool of worker threads, where it may block (a group commit, a look-up
 * elsewhere). Idle connections and idle event streams hold no worker.
 *
 * Limits, TLS, client certificates, 404, 405 with Allow, 406, 413, 414, 415, 429, 431 and 503 are
 * the server's business; a handler sees only requests that passed. Problem answers are
 * application/problem+json (RFC 9457) or application/concise-problem-details+cbor (RFC 9290),
 * whichever the client accepts, with our stable error codes.
 *
 * Threads: a handler may run on many threads at once. One request belongs to the thread that
 * handles it. vch_http_stream_wake and vch_http_finish may be called from any thread. */
#ifndef VOUCH_HTTP_SERVER_H
#define VOUCH_HTTP_SERVER_H

#include <vouch/base/buf.h>
#include <vouch/crypto/port.h>

enum vch_http_method {
    VCH_HTTP_GET,
    VCH_HTTP_HEAD, /* answered by the GET route, without the body */
    VCH_HTTP_POST,
    VCH_HTTP_PUT,
    VCH_HTTP_PATCH,
    VCH_HTTP_DELETE,
    VCH_HTTP_OPTIONS, /* answered by the server: 204 with Allow */
    VCH_HTTP_METHOD_COUNT
};
/* "GET"...; static. */
const char *vch_http_method_name(enum vch_http_method m);

enum vch_http_san_kind { VCH_HTTP_SAN_DNS, VCH_HTTP_SAN_URI, VCH_HTTP_SAN_EMAIL, VCH_HTTP_SAN_IP };
struct vch_http_san {
    enum vch_http_san_kind kind;
    const char *text;
};

/* The client certificate of a connection, verified against the configured CA, for the purpose of
 * client authentication, and within its term at this request. */
struct vch_http_cert {
    struct vch_bytes der;
    struct vch_hash sha256; /* of der */
    const char *cn;         /* common name of the subject, "" without one */
    const char *subject;    /* whole subject, RFC 4514 */
    const struct vch_http_san *san;
    size_t san_count;
    int64_t not_after_s; /* Unix time */
};

/* One request; every view and text is valid until the handler's answer was sent. Texts are UTF-8
 * without control characters (headers: visible ASCII, space and bytes from 0x80). */
struct vch_http_request {
    enum vch_http_method method;
    const char *path;  /* as sent, still percent-encoded, without the query */
    const char *route; /* pattern of the route, for metrics and logs */
    struct vch_bytes body;
    const char *media;     /* media type of the body, lower case without parameters, "" if none */
    const char *peer_addr; /* "192.0.2.1", "2001:db8::1" */
    uint16_t peer_port;
    bool tls;
    const struct vch_http_cert *cert; /* NULL: none presented */
    int64_t received_ms;              /* monotonic clock, when the whole request was there */
};

/* Percent-decoded path parameter NAME of the route's pattern; NULL if the pattern lacks it. */
const char *vch_http_param(const struct vch_http_request *rq, const char *name);
/* Decoded value of the query parameter NAME (the first, if repeated), NULL if absent. */
const char *vch_http_query(const struct vch_http_request *rq, const char *name);
/* Number IDX of the query parameters in the order sent; false past the end. */
bool vch_http_query_at(const struct vch_http_request *rq, size_t idx, const char **ret_name,
                       const char **ret_value);
/* Value of header NAME (any case; the first, if repeated), NULL if absent. */
const char *vch_http_header(const struct vch_http_request *rq, const char *name);
/* Which of the N media types OFFERED (the preferred first) the client's Accept header likes best;
 * without an Accept header the first. Parameters other than q are ignored.
 * Errors: HTTP_NOT_ACCEPTABLE. */
VCH_CHECKED vch_err vch_http_accept(const struct vch_http_request *rq, const char *const *offered,
                                    size_t n, size_t *ret_index);

/* The answer. Starts as 204 without body; opaque but for the calls below. Texts given are copied
 * unless said otherwise. */
struct vch_http_response;

/* Status 100..599 and a body of type MEDIA; the body is copied. */
void vch_http_reply(struct vch_http_response *rs, unsigned status, const char *media,
                    struct vch_bytes body);
/* The same, taking over the memory of BODY (left empty). */
void vch_http_reply_take(struct vch_http_response *rs, unsigned status, const char *media,
                         struct vch_buf *body);
/* The same with N bytes from offset FROM of the open file FD, which the server closes. */
void vch_http_reply_file(struct vch_http_response *rs, unsigned status, const char *media, int fd,
                         uint64_t from, uint64_t n);
/* Status without a body. */
void vch_http_reply_status(struct vch_http_response *rs, unsigned status);
/* Adds a header; a value with control characters is left out and the answer becomes a 500: header
 * injection is a defect of the caller. */
void vch_http_reply_header(struct vch_http_response *rs, const char *name, const char *value);
/* A problem answer for error E: type urn:vouch:error:<slug>, title, status, code, remedy, and
 * DETAIL (NULL: none), a text for the client that must hold no secret and no identifier. Replaces
 * what was set before, headers excepted. A handler may as well return E. */
void vch_http_problem(struct vch_http_response *rs, vch_err e, const char *detail);
/* The same under another status than the error's own. */
void vch_http_problem_status(struct vch_http_response *rs, unsigned status, vch_err e,
                             const char *detail);
/* Present status of the answer. */
unsigned vch_http_response_status(const struct vch_http_response *rs);

/* ---- streams: server-sent events and other answers without a known end */
struct vch_http_stream; /* handle with one reference of its opener */

/* PULL runs on an I/O thread and must not block: it writes up to room.cap bytes and gives their
 * number; zero means nothing at present, and PULL is called again after vch_http_stream_wake. True
 * in RET_END ends the answer after these bytes. A failure breaks the connection off. CLOSE runs
 * once, when the last byte was given or the client has gone. */
struct vch_http_source {
    vch_err (*pull)(void *self, struct vch_span room, size_t *ret_n, bool *ret_end);
    void (*close)(void *self);
    void *self;
};
/* Answers with a stream. For "text/event-stream" the server adds Cache-Control: no-store and sends
 * a comment line when nothing was sent for the heartbeat time, which also finds clients that have
 * gone. RET (NULL allowed) gets a handle for waking. */
void vch_http_reply_stream(struct vch_http_response *rs, unsigned status, const char *media,
                           const struct vch_http_source *source, struct vch_http_stream **ret);
/* There is something to pull. From any thread; without effect after the stream's end. Never call it
 * from PULL, nor while holding a lock that PULL or CLOSE takes. */
void vch_http_stream_wake(struct vch_http_stream *s);
/* Gives the handle back; NULL is allowed. */
void vch_http_stream_release(struct vch_http_stream *s);

/* ---- handlers and routes */

/* Fills RS; a failure returned becomes a problem answer without detail. */
typedef vch_err (*vch_http_handler_fn)(void *user, struct vch_http_request *rq,
                                       struct vch_http_response *rs);

/* Called in a handler: the answer will be complete only at vch_http_finish(rq), from any thread,
 * once; RQ and RS stay valid until then. The handler's own result must be VCH_OK. Makes a
 * connection wait for a batch without holding a worker. */
void vch_http_defer(struct vch_http_request *rq);
void vch_http_finish(struct vch_http_request *rq);

enum {
    VCH_HTTP_INLINE = 1,    /* the handler never blocks: it runs on the I/O thread */
    VCH_HTTP_NEEDS_CERT = 2 /* 403 without a verified client certificate, where mTLS is optional */
};

struct vch_http_route {
    enum vch_http_method method; /* not HEAD, not OPTIONS */
    const char *pattern; /* "/v1/entries/{id}"; a parameter is a whole segment; "{rest*}" as the
                          * last one takes all remaining segments; literals win over parameters */
    vch_http_handler_fn handler;
    void *user;
    size_t body_max;   /* 0: the server's */
    const char *media; /* body types taken, comma-separated, NULL: any; otherwise 415 */
    unsigned flags;
};

enum vch_http_mtls {
    VCH_HTTP_MTLS_NONE,     /* no client certificate is asked for */
    VCH_HTTP_MTLS_OPTIONAL, /* asked for; a bad one is refused, an absent one is told the handler */
    VCH_HTTP_MTLS_REQUIRED  /* every request without a good one is refused */
};

/* What the server did with one request, for logs and metrics. */
struct vch_http_done {
    const char *method;
    const char *route; /* pattern, "" where none matched */
    unsigned status;
    bool completed; /* false: the client went away or the answer was broken off */
    uint64_t received_bytes, sent_bytes; /* bodies; a stream's bytes are not counted */
    int64_t queued_us, handled_us;       /* waiting for a worker, in the handler and deferred */
    const char *peer_addr;
    const struct vch_http_cert *cert;
};

/* Zero in a number means the default written beside it. Texts are read during open only. */
struct vch_http_server_options {
    const char *address;              /* "127.0.0.1:8443", "[::]:8443"; port 0: a free one */
    bool allow_plain;                 /* plain HTTP, refused on addresses other than loopback */
    const char *key_file, *cert_file; /* PEM; the certificate with its chain; both NULL: plain */
    enum vch_http_mtls mtls;
    const char *client_ca_file;          /* PEM, needed unless mtls is NONE */
    const struct vch_http_route *routes; /* copied, patterns and types too */
    size_t route_count;
    size_t body_max;               /* 1 MiB */
    size_t header_max;             /* 16 KiB: request line and headers */
    size_t buffered_max;           /* 256 MiB: bodies held at one time, beyond it 503 */
    unsigned connections_max;      /* 1024 */
    unsigned connections_per_addr; /* 0: no limit */
    unsigned idle_timeout_s;       /* 60: no byte either way */
    unsigned request_timeout_s; /* 30: from the first byte of a request to its last, plus a second
                                 * for every 16 KiB allowed */
    unsigned heartbeat_s;       /* 15: event streams */
    unsigned io_threads;        /* 2 */
    unsigned workers;           /* 32 */
    unsigned queue_max;         /* 1024 requests waiting for a worker, beyond it 503 */
    double rate_per_s;          /* requests by client (certificate or address), 0: no limit */
    unsigned rate_burst;        /* at once, at least 1; 0: twice the rate */
    void (*on_done)(void *user, const struct vch_http_done *done); /* NULL: none; any thread */
    void *on_done_user;
};

struct vch_http_server;

/* Listens and serves. Errors: HTTP_LISTEN (address, port in use); HTTP_OPTIONS (contradictory, or
 * plain on a public address, or a bad route pattern); HTTP_CREDENTIALS (key, certificate or CA file
 * unreadable, or they do not fit); FILE_MODE (the key file is open to others). */
VCH_CHECKED vch_err vch_http_server_open(const struct vch_http_server_options *o,
                                         struct vch_http_server **ret);
/* The port it listens on. */
uint16_t vch_http_server_port(const struct vch_http_server *s);
/* Reads key, certificate and client CA files again; new connections use them.
 * Errors: HTTP_CREDENTIALS, FILE_MODE, and then the old ones stay. */
VCH_CHECKED vch_err vch_http_server_reload(struct vch_http_server *s);
/* Graceful stop: accepts nothing new, answers requests already received, ends streams, and closes.
 * Handlers still running after DRAIN_MS are waited for all the same (they use the server), but
 * waiting requests are answered with 503. Deferred requests must be finished by their owner. NULL
 * is allowed. */
void vch_http_server_close(struct vch_http_server *s, unsigned drain_ms);

#endif
