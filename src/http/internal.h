/* What the files of the server share. Life of a request:
 *
 *   RECEIVING  I/O thread: headers checked, body collected (or dropped, if already refused)
 *   QUEUED     connection suspended, waiting for a worker
 *   HANDLING   a worker runs the handler, or it has deferred
 *   READY      the answer is complete, the connection resumed
 *   SENT       the I/O thread has the response under way
 *
 * A request belongs to the I/O thread of its connection in the first and the last two of these,
 * to the queue, the worker or the deferrer between them; handing over goes through the queue's lock
 * or the library's own (suspend, resume). */
#ifndef VCH_HTTP_INTERNAL_H
#define VCH_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include <vouch/base/buf.h>
#include <vouch/http/rate.h>
#include <vouch/http/server.h>

#include "media.h"
#include "uri.h"

#define HEADERS_MAX 24
/* A refused body up to this size is read and dropped, so that the connection lives on and the
 * client sees the answer; beyond it the connection is closed. */
#define DISCARD_MAX (256 * 1024)

enum phase { RECEIVING, QUEUED, HANDLING, READY, SENT };

struct vch_http_response {
    unsigned status;
    char media[VCH_HTTP_MEDIA_MAX];
    struct vch_buf body;
    int fd; /* -1: none */
    uint64_t fd_from, fd_size;
    struct vch_http_stream *stream; /* NULL: none */
    struct {
        char *name;
        char *value;
    } headers[HEADERS_MAX];
    size_t header_count;
    bool broken; /* a header was refused: answer 500 */
    bool close;  /* the connection after it */
    uint64_t sent_bytes;
    const struct exchange *ex;
};

struct route {
    struct vch_http_route r;
    struct vch_http_pattern pattern;
    char *text;
    char *media;
};

/* A connection. The list and the descriptor are under the server's lock. */
struct conn {
    struct conn *next, **prev;
    struct vch_http_server *server;
    struct listener *listener;
    int fd;
    _Atomic int64_t deadline_ms; /* monotonic; 0: none */
    char addr[64];
    uint16_t port;
    bool cert_checked;
    vch_err cert_err; /* OK with cert_given false: none was presented */
    bool cert_given;
    struct vch_http_cert cert;
    char *cert_texts;
};

struct exchange {
    struct vch_http_request rq; /* first: the public request is the exchange */
    struct vch_http_response rs;
    struct vch_http_server *server;
    struct conn *conn;
    struct MHD_Connection *mhd;
    struct exchange *next; /* queue */
    const struct route *route;
    enum phase phase;
    bool seen; /* the handler's first call is over */
    bool deferred;
    atomic_int pending; /* parties that must be done before the answer is complete */
    vch_err refusal;    /* why the request is not handled */
    int64_t retry_ms;   /* with refusal: when to try again, 0 unknown */
    struct vch_buf body;
    uint64_t dropped; /* bytes of a refused body */
    char *raw;        /* target as sent */
    char *decoded;    /* texts of target */
    char *rest;       /* rest parameter */
    struct vch_http_target target;
    struct vch_http_pair params[VCH_HTTP_PARAMS_MAX];
    size_t param_count;
    char media[VCH_HTTP_MEDIA_MAX];
    int64_t queued_us, started_us, done_us;
};

/* One libmicrohttpd daemon with its credentials; a reload retires it and starts another on the same
 * socket. */
struct listener {
    struct listener *next;
    struct vch_http_server *server;
    struct MHD_Daemon *daemon;
    int fd;                /* its copy of the listening socket */
    char *key, *cert, *ca; /* PEM */
    atomic_bool retired;
    int64_t retired_ms;
};

struct vch_http_stream {
    pthread_mutex_t lock;
    atomic_int refs;
    struct vch_http_server *server;
    struct MHD_Connection *mhd;
    const struct listener *listener;
    struct vch_http_source source;
    struct vch_http_stream *next, **prev; /* in the server's list, under its lock */
    bool events;                          /* server-sent events: heartbeat */
    bool ended;                           /* the source has no more; I/O thread only */
    bool suspended, woken, closed;        /* under lock */
    _Atomic int64_t sent_ms;
    atomic_bool beat;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct exchange *head, **tail;
    unsigned count, max;
    bool stop;
    pthread_t *threads;
    unsigned thread_count;
};

struct vch_http_server {
    struct vch_http_server_options o; /* texts NULL: see below */
    char *key_file, *cert_file, *ca_file;
    struct route *routes; /* most specific first */
    size_t route_count;
    int listen_fd;
    uint16_t port;
    bool tls;
    struct vch_rate *rate;
    struct pool pool;
    pthread_mutex_t lock;       /* conns, streams, listeners, stopping */
    pthread_cond_t changed;     /* in_flight, suspended */
    pthread_cond_t reaper_wake; /* reaper_stop */
    struct conn *conns;
    struct vch_http_stream *streams;
    struct listener *listener; /* the present one first */
    unsigned in_flight;        /* exchanges begun and not completed */
    unsigned suspended;        /* connections suspended for a handler */
    bool stopping;
    bool reaper_stop;
    pthread_t reaper;
    _Atomic uint64_t buffered;
};

int64_t vch_http_now_us(void);
static inline int64_t vch_http_now_ms(void)
{
    return vch_http_now_us() / 1000;
}

/* conn.c: the library's callbacks for connections and requests */
void vch_http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                            enum MHD_ConnectionNotificationCode code);
void *vch_http_on_target(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result vch_http_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **con_cls);
void vch_http_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                           enum MHD_RequestTerminationCode code);

/* tls.c */
VCH_CHECKED vch_err vch_http_credentials_read(const struct vch_http_server *s, struct listener *l);
void vch_http_cert_check(struct conn *c, struct MHD_Connection *mhd);
void vch_http_cert_fini(struct conn *c);

/* response.c */
void vch_http_response_init(struct vch_http_response *rs, const struct exchange *ex);
void vch_http_response_fini(struct vch_http_response *rs);
/* Sends it; MHD_NO breaks the connection off. */
enum MHD_Result vch_http_response_send(struct exchange *ex);

/* pool.c */
VCH_CHECKED vch_err vch_http_pool_start(struct vch_http_server *s);
/* Ends the threads after the queue is empty. */
void vch_http_pool_stop(struct vch_http_server *s);
/* Errors: HTTP_BUSY (full). */
VCH_CHECKED vch_err vch_http_pool_put(struct vch_http_server *s, struct exchange *ex);
/* Answers every waiting request with 503. */
void vch_http_pool_flush(struct vch_http_server *s);
/* Runs the handler; false if it has deferred, and then the exchange is no longer the caller's
 * unless it still has its share of `pending`. */
bool vch_http_run(struct exchange *ex);
/* Gives up a share of a deferred exchange; true if it was the last, so that the answer is complete.
 */
bool vch_http_share_end(struct exchange *ex);
/* Marks the answer complete and hands the suspended connection back to its I/O thread. */
void vch_http_resume(struct exchange *ex);
/* Counts a connection as suspended; false if the server is stopping. */
bool vch_http_suspend_reserve(struct vch_http_server *s);
void vch_http_suspend_release(struct vch_http_server *s);

/* stream.c */
struct MHD_Response *vch_http_stream_response(struct vch_http_stream *s, struct exchange *ex);
void vch_http_stream_drop(struct vch_http_stream *s); /* one that was never sent */
/* Wakes all: with the server stopping they end, otherwise those that are due send a heartbeat. */
void vch_http_streams_tick(struct vch_http_server *s, int64_t now_ms, bool all);

#endif
