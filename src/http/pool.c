/* The worker pool, and how an exchange comes back from it. */
#include "internal.h"

#include <signal.h>

bool vch_http_suspend_reserve(struct vch_http_server *s)
{
    bool ok;

    pthread_mutex_lock(&s->lock);
    ok = !s->stopping;
    s->suspended += ok;
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void vch_http_suspend_release(struct vch_http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->suspended--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void vch_http_resume(struct exchange *ex)
{
    struct vch_http_server *s = ex->server;

    ex->done_us = vch_http_now_us();
    ex->phase = READY;
    MHD_resume_connection(ex->mhd); /* from here on the exchange is the I/O thread's */
    vch_http_suspend_release(s);
}

bool vch_http_share_end(struct exchange *ex)
{
    return atomic_fetch_sub(&ex->pending, 1) == 1;
}

bool vch_http_run(struct exchange *ex)
{
    vch_err e;

    ex->phase = HANDLING;
    ex->started_us = vch_http_now_us();
    atomic_store(&ex->pending, 1);
    e = ex->route->r.handler(ex->route->r.user, &ex->rq, &ex->rs);
    if (ex->deferred) {
        VCH_ASSERT(vch_ok(e));
        return false;
    }
    if (!vch_ok(e)) {
        vch_http_problem(&ex->rs, e, NULL);
    }
    ex->done_us = vch_http_now_us();
    return true;
}

void vch_http_defer(struct vch_http_request *rq)
{
    struct exchange *ex = (struct exchange *)rq;

    VCH_ASSERT(!ex->deferred);
    ex->deferred = true;
    atomic_store(&ex->pending, 2);
}

void vch_http_finish(struct vch_http_request *rq)
{
    struct exchange *ex = (struct exchange *)rq;

    if (vch_http_share_end(ex)) {
        vch_http_resume(ex);
    }
}

static struct exchange *take(struct pool *p)
{
    struct exchange *ex;

    pthread_mutex_lock(&p->lock);
    while (p->head == NULL && !p->stop) {
        pthread_cond_wait(&p->more, &p->lock);
    }
    ex = p->head;
    if (ex != NULL) {
        p->head = ex->next;
        p->tail = p->head == NULL ? &p->head : p->tail;
        p->count--;
    }
    pthread_mutex_unlock(&p->lock);
    return ex;
}

static void *work(void *arg)
{
    struct pool *p = arg;
    struct exchange *ex;

    while ((ex = take(p)) != NULL) {
        if (vch_http_run(ex) || vch_http_share_end(ex)) {
            vch_http_resume(ex);
        }
    }
    return NULL;
}

vch_err vch_http_pool_put(struct vch_http_server *s, struct exchange *ex)
{
    struct pool *p = &s->pool;
    bool full;

    pthread_mutex_lock(&p->lock);
    full = p->count >= p->max;
    if (!full) {
        ex->next = NULL;
        *p->tail = ex;
        p->tail = &ex->next;
        p->count++;
        pthread_cond_signal(&p->more);
    }
    pthread_mutex_unlock(&p->lock);
    return full ? VCH_E(HTTP_BUSY) : VCH_OK;
}

void vch_http_pool_flush(struct vch_http_server *s)
{
    struct pool *p = &s->pool;
    struct exchange *list;

    pthread_mutex_lock(&p->lock);
    list = p->head;
    p->head = NULL;
    p->tail = &p->head;
    p->count = 0;
    pthread_mutex_unlock(&p->lock);
    while (list != NULL) {
        struct exchange *ex = list;

        list = ex->next;
        vch_http_problem(&ex->rs, VCH_E(HTTP_BUSY), NULL);
        vch_http_reply_header(&ex->rs, "Retry-After", "1");
        vch_http_resume(ex);
    }
}

vch_err vch_http_pool_start(struct vch_http_server *s)
{
    struct pool *p = &s->pool;

    p->threads = vch_mem_alloc(s->o.workers * sizeof(*p->threads));
    p->tail = &p->head;
    p->max = s->o.queue_max;
    VCH_ASSERT(pthread_mutex_init(&p->lock, NULL) == 0);
    VCH_ASSERT(pthread_cond_init(&p->more, NULL) == 0);
    for (unsigned i = 0; i < s->o.workers; i++) {
        if (pthread_create(&p->threads[i], NULL, work, p) != 0) {
            return VCH_E(MEMORY);
        }
        p->thread_count++;
    }
    return VCH_OK;
}

void vch_http_pool_stop(struct vch_http_server *s)
{
    struct pool *p = &s->pool;

    if (p->threads == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->thread_count; i++) {
        pthread_join(p->threads[i], NULL);
    }
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
    vch_mem_free(p->threads);
    p->threads = NULL;
}
