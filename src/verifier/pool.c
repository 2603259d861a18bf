#include "verifier_int.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS_MAX 64

struct pool {
    struct vch_verifier *v;
    job_fn fn;
    size_t count;
    pthread_mutex_t lock;
    size_t next; /* under LOCK */
    bool tick;
};

/* Jobs are taken a few at a time: one may be a signature only, another a gigabyte. */
static bool take_job(struct pool *p, size_t *ret_from, size_t *ret_to)
{
    size_t left, n;

    pthread_mutex_lock(&p->lock);
    left = p->count - p->next;
    n = left > 1024 ? 16 : left > 0 ? 1 : 0;
    *ret_from = p->next;
    p->next += n;
    *ret_to = p->next;
    pthread_mutex_unlock(&p->lock);
    return n > 0;
}

static void work(struct pool *p, bool own)
{
    struct vch_buf room = vch_buf_init(VCH_REC_MAX);
    size_t from, to;

    while (take_job(p, &from, &to)) {
        for (size_t i = from; i < to; i++) {
            p->fn(p->v, i, &room);
        }
        if (own && p->tick && p->v->o.tick != NULL) {
            p->v->o.tick(p->v->o.self, to);
        }
    }
    vch_buf_fini(&room);
}

static void *thread_main(void *arg)
{
    work(arg, false);
    return NULL;
}

void vch_verifier_run_parallel(struct vch_verifier *v, size_t count, job_fn fn, bool tick)
{
    struct pool p = {.v = v, .fn = fn, .count = count, .tick = tick};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = v->o.threads != 0 ? v->o.threads : processors > 0 ? (size_t)processors : 1;
    pthread_t threads[THREADS_MAX];
    size_t started = 0;

    n = n > THREADS_MAX ? THREADS_MAX : n;
    n = n > count ? count : n;
    pthread_mutex_init(&p.lock, NULL);
    while (started + 1 < n && pthread_create(&threads[started], NULL, thread_main, &p) == 0) {
        started++;
    }
    work(&p, true);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&p.lock);
}
