/* The threads that follow up on accounts. One takes from the vault what is to be done
 * (notifications first, then the agenda) and hands it to a few that do it. A subject is in one pair
 * of hands at a time. What fails stays in the vault and is tried again, later each time, up to a
 * minute. */
#include "care.h"

#include <stdio.h>
#include <time.h>

#define JOBS_MAX      256  /* taken from the vault but not done */
#define RESTING_MAX   4096 /* failed, waiting for another try */
#define REST_FIRST_MS 1000
#define REST_MOST_MS  60000
#define AUDIT_SYNC_MS 1000

struct resting {
    uint8_t subject[16];
    int64_t until_ms; /* monotonic clock */
    unsigned tries;
};

struct care {
    struct vch_as *as;
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the hands: a job is there */
    pthread_cond_t look; /* for the eye: look at the vault again */
    pthread_t eye, *hands;
    size_t hand_count;
    struct job *queue; /* ring of JOBS_MAX */
    size_t head, queued;
    uint8_t (*busy)[16]; /* subjects of jobs queued or being done */
    size_t busy_count;
    struct resting *rest;
    size_t rest_count;
    bool looked; /* all that was pending at the start was tried once */
    bool again;  /* something came while the eye was looking */
    bool stop;
};

/* ---- with the lock held */
static bool is_busy(const struct care *c, const uint8_t subject[16])
{
    for (size_t i = 0; i < c->busy_count; i++) {
        if (memcmp(c->busy[i], subject, 16) == 0) {
            return true;
        }
    }
    return false;
}

static struct resting *rest_of(struct care *c, const uint8_t subject[16])
{
    for (size_t i = 0; i < c->rest_count; i++) {
        if (memcmp(c->rest[i].subject, subject, 16) == 0) {
            return &c->rest[i];
        }
    }
    return NULL;
}

static bool may_take(struct care *c, const uint8_t subject[16])
{
    const struct resting *r = rest_of(c, subject);

    return c->queued < JOBS_MAX && c->busy_count < JOBS_MAX * CARE_BATCH && !is_busy(c, subject) &&
           (r == NULL || r->until_ms <= vch_as_mono_ms());
}

static void enqueue(struct care *c, const struct job *j)
{
    c->queue[(c->head + c->queued++) % JOBS_MAX] = *j;
    for (size_t i = 0; i < j->count; i++) {
        memcpy(c->busy[c->busy_count++], j->subjects[i], 16);
    }
    pthread_cond_signal(&c->work);
}

static void done(struct care *c, const uint8_t subject[16], bool well)
{
    struct resting *r = rest_of(c, subject);
    int64_t rest_ms;

    for (size_t i = 0; i < c->busy_count; i++) {
        if (memcmp(c->busy[i], subject, 16) == 0) {
            memcpy(c->busy[i], c->busy[--c->busy_count], 16);
            break;
        }
    }
    if (well && r != NULL) {
        *r = c->rest[--c->rest_count];
    }
    if (well || (r == NULL && c->rest_count == RESTING_MAX)) {
        return;
    }
    if (r == NULL) {
        r = &c->rest[c->rest_count++];
        *r = (struct resting){.tries = 0};
        memcpy(r->subject, subject, 16);
    }
    rest_ms = REST_FIRST_MS << (r->tries < 6 ? r->tries : 6);
    r->until_ms = vch_as_mono_ms() + (rest_ms < REST_MOST_MS ? rest_ms : REST_MOST_MS);
    r->tries++;
}

/* ---- the eye */
static void take_hints(struct care *c)
{
    struct vch_as_hint *hints = vch_mem_alloc(JOBS_MAX * sizeof *hints);
    struct job j = {.kind = JOB_HINT, .count = 1};
    size_t n = 0;
    vch_err e = vch_as_vault_hint_list(c->as->o.vault, hints, JOBS_MAX, &n);

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        if (!may_take(c, hints[i].subject)) {
            continue;
        }
        j.hint = hints[i];
        for (size_t k = i + 1; k < n; k++) { /* the newest says when it took effect */
            if (memcmp(hints[k].subject, hints[i].subject, 16) == 0) {
                j.hint = hints[k];
                j.hint.from_seq = hints[i].from_seq;
            }
        }
        memcpy(j.subjects[0], hints[i].subject, 16);
        enqueue(c, &j);
    }
    pthread_mutex_unlock(&c->lock);
    vch_mem_free(hints);
}

static void take_due(struct care *c)
{
    static const enum job_kind kinds[] = {[VCH_AS_DUE_WATCH] = JOB_WATCH,
                                          [VCH_AS_DUE_CHECK] = JOB_CHECK,
                                          [VCH_AS_DUE_SETTLE] = JOB_SETTLE};
    struct vch_as_due *due = vch_mem_alloc(JOBS_MAX * sizeof *due);
    struct job checks = {.kind = JOB_CHECK, .count = 0};
    size_t n = 0;
    vch_err e = vch_as_vault_due_list(c->as->o.vault, vch_as_now_ms(c->as), due, JOBS_MAX, &n);

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        struct job j = {.kind = kinds[due[i].kind], .count = 1};

        if (!may_take(c, due[i].subject)) {
            continue;
        }
        memcpy(j.subjects[0], due[i].subject, 16);
        if (j.kind != JOB_CHECK) {
            enqueue(c, &j);
            continue;
        }
        memcpy(checks.subjects[checks.count++], due[i].subject, 16);
        if (checks.count == CARE_BATCH) {
            enqueue(c, &checks);
            checks.count = 0;
        }
    }
    if (checks.count != 0 && c->queued < JOBS_MAX) {
        enqueue(c, &checks);
    }
    pthread_mutex_unlock(&c->lock);
    vch_mem_free(due);
}

static void wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += ms / 1000;
    ts.tv_nsec += (ms % 1000) * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(cond, lock, &ts);
}

static void *see(void *arg)
{
    struct care *c = arg;

    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        c->again = false;
        pthread_mutex_unlock(&c->lock);
        take_hints(c);
        take_due(c);
        if (c->as->o.audit != NULL) {
            vch_ignore(vch_audit_sync(c->as->o.audit, NULL));
        }
        pthread_mutex_lock(&c->lock);
        c->looked = true;
        if (!c->again && !c->stop) {
            wait_ms(&c->look, &c->lock, AUDIT_SYNC_MS / 4);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- the hands */
static vch_err work(struct vch_as *as, const struct job *j)
{
    switch (j->kind) {
    case JOB_HINT:
        return vch_as_care_hint(as, j);
    case JOB_CHECK:
        return vch_as_care_check(as, j);
    case JOB_WATCH:
        return vch_as_care_watch(as, j->subjects[0]);
    case JOB_SETTLE:
        return vch_as_data_settle(as->data, j->subjects[0]);
    }
    return VCH_E(BUG);
}

static void *toil(void *arg)
{
    struct care *c = arg;
    struct job *j = vch_mem_alloc(sizeof *j);
    vch_err e;

    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        if (c->queued == 0) {
            pthread_cond_wait(&c->work, &c->lock);
            continue;
        }
        *j = c->queue[c->head];
        c->head = (c->head + 1) % JOBS_MAX;
        c->queued--;
        pthread_mutex_unlock(&c->lock);
        e = work(c->as, j);
        if (!vch_ok(e)) {
            vch_log(c->as->o.log, VCH_LOG_WARN, "follow-up-failed", VCH_F_ERR("code", e),
                    VCH_F_UINT("kind", j->kind),
                    VCH_F_HEX("subject", vch_bytes(j->subjects[0], 16)));
        }
        pthread_mutex_lock(&c->lock);
        for (size_t i = 0; i < j->count; i++) {
            done(c, j->subjects[i], vch_ok(e));
        }
        c->again = true;
        pthread_cond_signal(&c->look);
    }
    pthread_mutex_unlock(&c->lock);
    vch_mem_free(j);
    return NULL;
}

/* ---- */
void vch_as_care_wake(struct care *c)
{
    if (c == NULL) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->again = true;
    pthread_cond_signal(&c->look);
    pthread_mutex_unlock(&c->lock);
}

/* Settled is: every endorsement that waited at the start was submitted again. */
bool vch_as_care_settled(struct care *c)
{
    uint8_t one[1][VCH_AS_SUBJECT_LEN];
    bool looked;
    size_t n = 0;

    pthread_mutex_lock(&c->lock);
    looked = c->looked;
    pthread_mutex_unlock(&c->lock);
    return looked ||
           (vch_ok(vch_as_vault_list_pending(c->as->o.vault, NULL, one, 1, &n)) && n == 0);
}

size_t vch_as_care_waiting(struct care *c)
{
    size_t n;

    pthread_mutex_lock(&c->lock);
    n = c->busy_count + c->rest_count;
    pthread_mutex_unlock(&c->lock);
    return n;
}

vch_err vch_as_care_open(struct vch_as *as, struct care **ret)
{
    struct care *c = vch_mem_alloc(sizeof *c);
    pthread_condattr_t attr;

    c->as = as;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->work, &attr);
    pthread_cond_init(&c->look, &attr);
    pthread_condattr_destroy(&attr);
    c->queue = vch_mem_alloc(JOBS_MAX * sizeof *c->queue);
    c->busy = vch_mem_alloc(JOBS_MAX * (CARE_BATCH + 1) * sizeof *c->busy);
    c->rest = vch_mem_alloc(RESTING_MAX * sizeof *c->rest);
    c->hand_count = as->o.workers;
    c->hands = vch_mem_alloc(c->hand_count * sizeof *c->hands);
    *ret = c; /* the threads reach it through AS */
    VCH_ASSERT(pthread_create(&c->eye, NULL, see, c) == 0);
    for (size_t i = 0; i < c->hand_count; i++) {
        VCH_ASSERT(pthread_create(&c->hands[i], NULL, toil, c) == 0);
    }
    return VCH_OK;
}

void vch_as_care_close(struct care *c)
{
    if (c == NULL) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->work);
    pthread_cond_broadcast(&c->look);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->eye, NULL);
    for (size_t i = 0; i < c->hand_count; i++) {
        pthread_join(c->hands[i], NULL);
    }
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->look);
    pthread_mutex_destroy(&c->lock);
    vch_mem_free(c->queue);
    vch_mem_free(c->busy);
    vch_mem_free(c->rest);
    vch_mem_free(c->hands);
    vch_mem_free(c);
}
