/* Event streams of devices: each new acknowledgement is pushed as it is recorded.
 *
 * A notification only names the subject; one thread reads the ledger and fills the streams, so that
 * neither those who record nor the server's I/O threads ever wait for each other. A stream that its
 * device does not empty is ended: the next poll finds what is missing.
 *
 * req: Y.2247-7.2.2-18 */
#include "as_int.h"

#include <stdio.h>

#define BUFFER_MAX  ((size_t)512 << 10)
#define NOTIFY_MAX  65536
#define PER_SUBJECT 4

struct watcher {
    struct hub *hub;
    struct watcher *next;
    struct vch_http_stream *stream;
    uint8_t subject[16];
    pthread_mutex_t lock; /* what follows */
    struct vch_buf out;
    size_t sent;
    int64_t seq;
    bool ended; /* no more will come */
    unsigned refs;
};

struct hub {
    struct vch_as *as;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct watcher *watchers;
    size_t watcher_count;
    uint8_t (*queue)[16];
    size_t queued;
    bool overflow; /* more was recorded than the queue holds: look at all */
    bool stop;
};

/* ---- one watcher */
static void unref(struct watcher *w)
{
    bool last;

    pthread_mutex_lock(&w->lock);
    last = --w->refs == 0;
    pthread_mutex_unlock(&w->lock);
    if (last) {
        vch_http_stream_release(w->stream);
        vch_buf_fini(&w->out);
        pthread_mutex_destroy(&w->lock);
        vch_mem_free(w);
    }
}

static vch_err pull(void *self, struct vch_span room, size_t *ret_n, bool *ret_end)
{
    struct watcher *w = self;
    size_t n;

    pthread_mutex_lock(&w->lock);
    n = w->out.n - w->sent;
    n = n < room.cap ? n : room.cap;
    if (n > 0) {
        memcpy(room.p, w->out.p + w->sent, n);
    }
    w->sent += n;
    if (w->sent == w->out.n) {
        vch_buf_reset(&w->out);
        w->sent = 0;
    }
    *ret_n = n;
    *ret_end = w->ended && w->out.n == 0;
    pthread_mutex_unlock(&w->lock);
    return VCH_OK;
}

static void gone(void *self)
{
    struct watcher *w = self;
    struct hub *h = w->hub;

    pthread_mutex_lock(&h->lock);
    for (struct watcher **p = &h->watchers; *p != NULL; p = &(*p)->next) {
        if (*p == w) {
            *p = w->next;
            h->watcher_count--;
            break;
        }
    }
    pthread_mutex_unlock(&h->lock);
    unref(w);
}

/* One acknowledgement as an event: its number is the seq of the endorsement. */
static vch_err event_append(struct watcher *w, const struct vch_hash *txid)
{
    struct vch_as *as = w->hub->as;
    struct vch_buf ack = vch_buf_init(ACK_MAX);
    struct vch_stmt_endorsement e;
    struct vch_as_record r;
    struct vch_span room;
    vch_err err;

    vch_as_record_init(&r);
    err = vch_as_data_record(as->data, txid, &r, &e);
    if (vch_ok(err)) {
        err = vch_as_ack_encode(as, &r, NULL, &ack);
    }
    pthread_mutex_lock(&w->lock);
    if (vch_ok(err) && (int64_t)e.seq > w->seq) {
        err = vch_buf_printf(&w->out,
                             "id: %llu\nevent: acknowledgement\ndata: ", (unsigned long long)e.seq);
        if (vch_ok(err)) {
            err = vch_buf_room(&w->out, VCH_B64_ROOM(ack.n), &room);
        }
        if (vch_ok(err)) {
            (void)vch_b64_encode(VCH_B64_STD, vch_buf_get(&ack), room);
            vch_buf_added(&w->out, strlen((const char *)room.p));
            err = vch_buf_text(&w->out, "\n\n");
        }
        if (vch_ok(err)) {
            w->seq = (int64_t)e.seq;
        }
    }
    pthread_mutex_unlock(&w->lock);
    vch_as_record_fini(&r);
    vch_buf_fini(&ack);
    return err;
}

/* Brings the stream up to what the ledger has. */
static void fill(struct watcher *w)
{
    struct vch_hash txids[LINEAGE_MAX];
    int64_t seq;
    size_t n = 0;
    vch_err e;

    pthread_mutex_lock(&w->lock);
    seq = w->seq;
    pthread_mutex_unlock(&w->lock);
    e = vch_as_data_lineage(w->hub->as->data, w->subject, seq, txids, LINEAGE_MAX, &n);
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        e = event_append(w, &txids[i]);
    }
    if (!vch_ok(e)) {
        pthread_mutex_lock(&w->lock);
        w->ended = true; /* the device polls again */
        pthread_mutex_unlock(&w->lock);
    }
}

/* ---- the pushing thread */
static bool wanted(const struct hub *h, const struct watcher *w, uint8_t (*subjects)[16], size_t n,
                   bool all)
{
    (void)h;
    for (size_t i = 0; !all && i < n; i++) {
        if (memcmp(subjects[i], w->subject, 16) == 0) {
            return true;
        }
    }
    return all;
}

static void push(struct hub *h, uint8_t (*subjects)[16], size_t n, bool all)
{
    struct watcher **list = NULL;
    size_t count = 0;

    pthread_mutex_lock(&h->lock);
    list = vch_mem_alloc((h->watcher_count + 1) * sizeof(struct watcher *));
    for (struct watcher *w = h->watchers; w != NULL; w = w->next) {
        if (wanted(h, w, subjects, n, all)) {
            pthread_mutex_lock(&w->lock);
            w->refs++;
            pthread_mutex_unlock(&w->lock);
            list[count++] = w;
        }
    }
    pthread_mutex_unlock(&h->lock);
    for (size_t i = 0; i < count; i++) {
        fill(list[i]);
        vch_http_stream_wake(list[i]->stream);
        unref(list[i]);
    }
    vch_mem_free(list);
}

static void *run(void *arg)
{
    struct hub *h = arg;
    uint8_t(*batch)[16] = vch_mem_alloc(NOTIFY_MAX * sizeof *batch);
    size_t n;
    bool all;

    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        if (h->queued == 0 && !h->overflow) {
            pthread_cond_wait(&h->wake, &h->lock);
            continue;
        }
        n = h->queued;
        all = h->overflow;
        memcpy(batch, h->queue, n * sizeof *batch);
        h->queued = 0;
        h->overflow = false;
        pthread_mutex_unlock(&h->lock);
        push(h, batch, n, all);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    vch_mem_free(batch);
    return NULL;
}

struct hub *vch_as_hub_open(struct vch_as *as)
{
    struct hub *h = vch_mem_alloc(sizeof *h);

    h->as = as;
    h->queue = vch_mem_alloc(NOTIFY_MAX * sizeof *h->queue);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    VCH_ASSERT(pthread_create(&h->thread, NULL, run, h) == 0);
    return h;
}

void vch_as_hub_close(struct hub *h)
{
    if (h == NULL) {
        return;
    }
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    vch_mem_free(h->queue);
    vch_mem_free(h);
}

void vch_as_hub_notify(struct hub *h, const uint8_t subject[16])
{
    if (h == NULL) {
        return;
    }
    pthread_mutex_lock(&h->lock);
    if (h->watchers != NULL) {
        if (h->queued < NOTIFY_MAX) {
            memcpy(h->queue[h->queued++], subject, 16);
        } else {
            h->overflow = true;
        }
        pthread_cond_signal(&h->wake);
    }
    pthread_mutex_unlock(&h->lock);
}

size_t vch_as_hub_count(struct hub *h)
{
    size_t n;

    pthread_mutex_lock(&h->lock);
    n = h->watcher_count;
    pthread_mutex_unlock(&h->lock);
    return n;
}

static vch_err enlist(struct hub *h, struct watcher *w)
{
    size_t same = 0;

    for (const struct watcher *x = h->watchers; x != NULL; x = x->next) {
        same += memcmp(x->subject, w->subject, 16) == 0 ? 1 : 0;
    }
    VCH_CHECK(h->watcher_count < h->as->o.watchers_max && same < PER_SUBJECT, AS_BUSY);
    w->next = h->watchers;
    h->watchers = w;
    h->watcher_count++;
    return VCH_OK;
}

/* Enlisted before the first look at the ledger: what is recorded in between is not missed. */
vch_err vch_as_hub_stream(struct call *c, const uint8_t subject[16], int64_t after_seq)
{
    struct watcher *w = vch_mem_alloc(sizeof *w);
    struct vch_http_source source = {pull, gone, w};
    vch_err e;

    w->hub = c->as->hub;
    memcpy(w->subject, subject, 16);
    pthread_mutex_init(&w->lock, NULL);
    w->out = vch_buf_init(BUFFER_MAX);
    w->seq = after_seq;
    w->refs = 1;
    vch_http_reply_stream(c->rs, 200, "text/event-stream", &source, &w->stream);
    pthread_mutex_lock(&w->hub->lock);
    e = enlist(w->hub, w);
    pthread_mutex_unlock(&w->hub->lock);
    if (!vch_ok(e)) {
        pthread_mutex_lock(&w->lock);
        w->ended = true; /* the answer becomes a problem; the source is closed by the server */
        pthread_mutex_unlock(&w->lock);
        return e;
    }
    fill(w);
    return VCH_OK;
}
