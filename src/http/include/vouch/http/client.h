/* vouch/http/client.h - calls to other services over HTTPS.
 * Layer 8, on libcurl (OpenSSL flavour).
 *
 * A client object is tied to one authority (scheme, host, port) and one set of trust anchors; it
 * keeps connections alive and may be used by many threads at once. Environment variables such as
 * https_proxy are ignored. Redirects are not followed unless the call asks, and then only within
 * the same authority.
 *
 * Errors are about the transport: HTTP_UNREACHABLE (name, connection), HTTP_TIMEOUT, HTTP_TLS (the
 * server's certificate, ours refused), HTTP_PROTOCOL (no proper HTTP), HTTP_ANSWER_TOO_LARGE,
 * HTTP_REDIRECT (to elsewhere, or too many), HTTP_CANCELLED. An answer with any status is a success
 * of the call; vch_http_answer_check judges it. */
#ifndef VOUCH_HTTP_CLIENT_H
#define VOUCH_HTTP_CLIENT_H

#include <vouch/base/buf.h>

struct vch_http_client;

/* Zero in a number means the default beside it. Texts are copied. */
struct vch_http_client_options {
    const char *url;       /* "https://host:port" or with a path prefix; no query */
    bool allow_plain;      /* take http:// on loopback addresses and "localhost" */
    const char *ca_file;   /* PEM; the only trust anchors. NULL: those of the system */
    const char *ca_pem;    /* the same as PEM text instead of a file */
    const char *cert_file; /* client certificate (PEM), NULL: none */
    const char *key_file;
    const char *resolve_addr; /* connect to this address whatever the name says, NULL: look it up */
    unsigned connect_timeout_ms; /* 5000 */
    unsigned timeout_ms;         /* 30000: the whole call, streams excepted */
    size_t answer_max;           /* 4 MiB */
    unsigned idle_handles_max;   /* 64 connections kept for later */
    const char *user_agent;      /* "vouch" */
};

/* Errors: HTTP_OPTIONS (URL, plain not allowed); HTTP_CREDENTIALS (a file is not readable). */
VCH_CHECKED vch_err vch_http_client_open(const struct vch_http_client_options *o,
                                         struct vch_http_client **ret);
/* No call may be running. NULL is allowed. */
void vch_http_client_close(struct vch_http_client *c);

struct vch_http_field {
    const char *name;
    const char *value;
};

/* Lets another thread end a running call; one call at a time. */
struct vch_http_cancel;
struct vch_http_cancel *vch_http_cancel_open(void);
void vch_http_cancel_close(struct vch_http_cancel *c); /* NULL is allowed */
/* The running call ends with HTTP_CANCELLED at once, and so does every later one with this object.
 */
void vch_http_cancel_fire(struct vch_http_cancel *c);

struct vch_http_call {
    const char *method; /* "GET", "POST"...; NULL: POST with a body, otherwise GET */
    const char *path;   /* with query, begins with '/', already percent-encoded; appended to url */
    const char *accept; /* NULL: any */
    const char *media;  /* type of the body, NULL: application/octet-stream */
    struct vch_bytes body;
    const struct vch_http_field *headers;
    size_t header_count;
    unsigned timeout_ms;    /* 0: the client's */
    size_t answer_max;      /* 0: the client's */
    unsigned redirects_max; /* 0: a redirect is an answer like others; only GET and HEAD follow */
    struct vch_http_cancel *cancel; /* NULL: none */
};

struct vch_http_answer {
    unsigned status;
    char media[96]; /* lower case without parameters, "" if none */
    struct vch_buf body;
    struct vch_buf head; /* header block; see vch_http_answer_header */
};

/* One request and its answer. RET is to be finished by vch_http_answer_fini. */
VCH_CHECKED vch_err vch_http_call(struct vch_http_client *c, const struct vch_http_call *call,
                                  struct vch_http_answer *ret);
void vch_http_answer_fini(struct vch_http_answer *a);
/* Value of header NAME (any case) as a view into the answer; {NULL, 0} if absent. */
struct vch_bytes vch_http_answer_header(const struct vch_http_answer *a, const char *name);
/* VCH_OK for 2xx; otherwise the error that a problem answer names, if our table has it; otherwise
 * HTTP_STATUS. DETAIL (cap may be 0) gets the problem's detail or "status 502", NUL-terminated and
 * cut to the room, with control characters replaced. */
VCH_CHECKED vch_err vch_http_answer_check(const struct vch_http_answer *a,
                                          struct vch_span reterr_detail);

/* One request whose 2xx body goes to SINK piece by piece, without limit or whole-call timeout (only
 * idle_timeout_ms, 0: none); other answers are collected in RET as above, and RET's body is empty
 * for a streamed one. A failure of SINK ends the call with that error. */
typedef vch_err (*vch_http_sink_fn)(void *self, struct vch_bytes piece);
VCH_CHECKED vch_err vch_http_call_stream(struct vch_http_client *c,
                                         const struct vch_http_call *call, unsigned idle_timeout_ms,
                                         vch_http_sink_fn sink, void *self,
                                         struct vch_http_answer *ret);

/* ---- server-sent events (WHATWG HTML, section 9.2) */
struct vch_http_event {
    struct vch_bytes id;    /* last id seen, {NULL, 0} before the first */
    struct vch_bytes event; /* "message" unless named */
    struct vch_bytes data;  /* lines joined by LF */
};
typedef vch_err (*vch_http_event_fn)(void *self, const struct vch_http_event *ev);

/* Parser of an event stream; push takes pieces cut anywhere. */
struct vch_http_events {
    struct vch_buf line, data, event, id;
    vch_http_event_fn fn;
    void *self;
    unsigned retry_ms; /* last retry: field, 0 if none */
    bool cr, started;
};
/* Events whose data exceed DATA_MAX end in LIMIT. */
void vch_http_events_init(struct vch_http_events *p, size_t data_max, vch_http_event_fn fn,
                          void *self);
void vch_http_events_fini(struct vch_http_events *p);
/* Errors: LIMIT; TEXT (not UTF-8); those of fn. Has the shape of vch_http_sink_fn. */
VCH_CHECKED vch_err vch_http_events_push(void *parser, struct vch_bytes piece);

#endif
