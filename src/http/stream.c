/* Streams: answers whose end is not known. A stream with nothing to send is a suspended connection:
 * it costs no thread and is in no poll set.
 *
 * Locks: server, then stream, then the library's own. The source's functions run under none of
 * ours. */
#include "internal.h"

static void unref(struct vch_http_stream *s)
{
    if (atomic_fetch_sub(&s->refs, 1) == 1) {
        pthread_mutex_destroy(&s->lock);
        vch_mem_free(s);
    }
}

void vch_http_reply_stream(struct vch_http_response *rs, unsigned status, const char *media,
                           const struct vch_http_source *source, struct vch_http_stream **ret)
{
    struct vch_http_stream *s = vch_mem_alloc(sizeof(*s));

    VCH_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
    s->source = *source;
    s->server = rs->ex->server;
    s->events = strcmp(media, "text/event-stream") == 0;
    atomic_store(&s->refs, ret != NULL ? 2 : 1);
    vch_http_reply_status(rs, status);
    VCH_ASSERT(strlen(media) < sizeof(rs->media));
    memcpy(rs->media, media, strlen(media) + 1);
    rs->stream = s;
    if (ret != NULL) {
        *ret = s;
    }
}

static void stream_close(struct vch_http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->closed = true;
    pthread_mutex_unlock(&s->lock);
    if (s->source.close != NULL) {
        s->source.close(s->source.self);
    }
    unref(s);
}

void vch_http_stream_drop(struct vch_http_stream *s)
{
    stream_close(s);
}

/* The library gives up the response: the stream has ended or its client has gone. */
static void on_release(void *cls)
{
    struct vch_http_stream *s = cls;

    pthread_mutex_lock(&s->server->lock);
    *s->prev = s->next;
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    pthread_mutex_unlock(&s->server->lock);
    stream_close(s);
}

static bool stopping(struct vch_http_server *server)
{
    bool yes;

    pthread_mutex_lock(&server->lock);
    yes = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return yes;
}

/* Suspends the connection unless somebody woke the stream meanwhile. */
static bool sleep_now(struct vch_http_stream *s)
{
    bool slept = false;

    pthread_mutex_lock(&s->lock);
    if (!s->woken) {
        s->suspended = slept = true;
        MHD_suspend_connection(s->mhd);
    }
    pthread_mutex_unlock(&s->lock);
    return slept;
}

static ssize_t on_pull(void *cls, uint64_t pos, char *room, size_t cap)
{
    static const char comment[] = {':', '\n', '\n'};
    struct vch_http_stream *s = cls;

    (void)pos;
    do {
        size_t n = 0;

        pthread_mutex_lock(&s->lock);
        s->woken = false;
        pthread_mutex_unlock(&s->lock);
        if (s->ended || atomic_load(&s->listener->retired) || stopping(s->server)) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        if (!vch_ok(s->source.pull(s->source.self, vch_span(room, cap), &n, &s->ended))) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        VCH_ASSERT(n <= cap);
        if (n == 0 && atomic_exchange(&s->beat, false)) {
            memcpy(room, comment, sizeof(comment));
            n = sizeof(comment);
        }
        if (n > 0) {
            atomic_store(&s->sent_ms, vch_http_now_ms());
            return (ssize_t)n;
        }
        if (s->ended) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
    } while (!sleep_now(s));
    return 0;
}

struct MHD_Response *vch_http_stream_response(struct vch_http_stream *s, struct exchange *ex)
{
    struct vch_http_server *server = ex->server;
    struct MHD_Response *r;

    s->mhd = ex->mhd;
    s->listener = ex->conn->listener;
    atomic_store(&s->sent_ms, vch_http_now_ms());
    r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, on_pull, s, on_release);
    if (r == NULL) {
        stream_close(s);
        return NULL;
    }
    pthread_mutex_lock(&server->lock);
    s->next = server->streams;
    s->prev = &server->streams;
    if (s->next != NULL) {
        s->next->prev = &s->next;
    }
    server->streams = s;
    pthread_mutex_unlock(&server->lock);
    return r;
}

void vch_http_stream_wake(struct vch_http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    if (!s->closed && s->suspended) {
        s->suspended = false;
        MHD_resume_connection(s->mhd);
    } else {
        s->woken = true;
    }
    pthread_mutex_unlock(&s->lock);
}

void vch_http_stream_release(struct vch_http_stream *s)
{
    if (s != NULL) {
        unref(s);
    }
}

void vch_http_streams_tick(struct vch_http_server *server, int64_t now_ms, bool all)
{
    int64_t beat_ms = (int64_t)server->o.heartbeat_s * 1000;

    pthread_mutex_lock(&server->lock);
    for (struct vch_http_stream *s = server->streams; s != NULL; s = s->next) {
        if (s->events && now_ms - atomic_load(&s->sent_ms) >= beat_ms) {
            atomic_store(&s->beat, true);
            vch_http_stream_wake(s);
        } else if (all) {
            vch_http_stream_wake(s);
        }
    }
    pthread_mutex_unlock(&server->lock);
}
