#include <vouch/engine/engine.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <vouch/cose/key.h>
#include <vouch/file/file.h>

#include "engine_int.h"

#define QUEUE_MAX     4096
#define BATCH_MAX     1024
#define FLUSH_MS      1000
#define THREADS_MAX   64
#define UNFLUSHED_MAX ((size_t)512 << 20) /* beyond it the disk is too slow for the load */
#define FLUSH_EARLY   ((size_t)32 << 20)

int64_t vch_engine_now_ms(struct vch_engine *e)
{
    struct timespec t;

    if (e->clock != NULL) {
        return e->clock(e->clock_arg);
    }
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- jobs */

void vch_engine_job_done(struct vch_engine *e, struct vch_engine_job *j, vch_err err,
                         const struct vch_ledger_ack *ack)
{
    (void)pthread_mutex_lock(&e->lock);
    e->under_way--;
    if (!vch_ok(err)) {
        e->refused++;
    } else if (ack->known) {
        e->known++;
    } else {
        e->recorded++;
    }
    (void)pthread_mutex_unlock(&e->lock);
    j->done(j->arg, err, ack);
    vch_mem_free(j->statement);
    vch_mem_free(j);
}

static void queue_push(struct vch_engine_queue *q, struct vch_engine_job *j)
{
    j->next = NULL;
    if (q->last != NULL) {
        q->last->next = j;
    } else {
        q->first = j;
    }
    q->last = j;
}

static struct vch_engine_job *queue_pop(struct vch_engine_queue *q)
{
    struct vch_engine_job *j = q->first;

    if (j != NULL) {
        q->first = j->next;
        if (q->first == NULL) {
            q->last = NULL;
        }
    }
    return j;
}

/* May a statement be taken in now? The lock is held. */
static vch_err admit(const struct vch_engine *e)
{
    if (!vch_ok(e->fatal)) {
        return e->fatal;
    }
    VCH_CHECK(!e->closing && e->under_way < e->queue_max && !e->stuck, LEDGER_BUSY);
    return VCH_OK;
}

void vch_engine_submit(struct vch_engine *e, struct vch_bytes statement, vch_engine_done_fn done,
                       void *arg)
{
    struct vch_ledger_ack ack = {.known = true};
    struct vch_engine_job *j;
    struct vch_hash txid;
    vch_err err;

    if (statement.n == 0 || statement.n > VCH_LEDGER_STATEMENT_MAX) {
        done(arg, statement.n == 0 ? VCH_E(TRUNCATED) : VCH_E(LIMIT), NULL);
        return;
    }
    vch_sha256_of(e->cr, statement, &txid);
    if (vch_ok(vch_ledger_book_find(e->book, &txid, &ack.entry))) {
        done(arg, VCH_OK, &ack);
        return;
    }
    j = vch_mem_alloc(sizeof(*j));
    j->statement = vch_mem_alloc(statement.n);
    memcpy(j->statement, statement.p, statement.n);
    j->n = statement.n;
    j->done = done;
    j->arg = arg;
    (void)pthread_mutex_lock(&e->lock);
    err = admit(e);
    if (vch_ok(err)) {
        e->under_way++;
        e->submitted++;
        queue_push(&e->verify, j);
        (void)pthread_cond_signal(&e->verify_cond);
    }
    (void)pthread_mutex_unlock(&e->lock);
    if (!vch_ok(err)) {
        vch_mem_free(j->statement);
        vch_mem_free(j);
        done(arg, err, NULL);
    }
}

static void *verify_main(void *arg)
{
    struct vch_engine *e = arg;
    struct vch_core_keys keys = vch_ledger_book_keys(e->book);

    (void)pthread_mutex_lock(&e->lock);
    for (;;) {
        struct vch_engine_job *j = queue_pop(&e->verify);
        vch_err err;

        if (j == NULL) {
            if (e->closing) {
                break;
            }
            (void)pthread_cond_wait(&e->verify_cond, &e->lock);
            continue;
        }
        e->verifying++;
        (void)pthread_mutex_unlock(&e->lock);
        err = vch_core_check(e->cr, vch_bytes(j->statement, j->n), &keys, &j->facts);
        if (!vch_ok(err)) {
            vch_engine_job_done(e, j, err, NULL);
        }
        (void)pthread_mutex_lock(&e->lock);
        e->verifying--;
        if (vch_ok(err)) {
            queue_push(&e->ordered, j);
        }
        (void)pthread_cond_signal(&e->order_cond);
    }
    (void)pthread_cond_signal(&e->order_cond);
    (void)pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* Takes up to batch_max jobs; NULL when the engine closes and nothing is left. */
static struct vch_engine_job *take(struct vch_engine *e)
{
    struct vch_engine_queue q = {NULL, NULL};

    (void)pthread_mutex_lock(&e->lock);
    while (e->ordered.first == NULL &&
           !(e->closing && e->verify.first == NULL && e->verifying == 0)) {
        (void)pthread_cond_wait(&e->order_cond, &e->lock);
    }
    for (unsigned n = 0; n < e->batch_max && e->ordered.first != NULL; n++) {
        queue_push(&q, queue_pop(&e->ordered));
    }
    (void)pthread_mutex_unlock(&e->lock);
    return q.first;
}

void vch_engine_put_back(struct vch_engine *e, struct vch_engine_job *list)
{
    struct vch_engine_job *last = list;

    while (last->next != NULL) {
        last = last->next;
    }
    (void)pthread_mutex_lock(&e->lock);
    last->next = e->ordered.first;
    e->ordered.first = list;
    if (e->ordered.last == NULL) {
        e->ordered.last = last;
    }
    (void)pthread_mutex_unlock(&e->lock);
}

static void *order_main(void *arg)
{
    struct vch_engine *e = arg;
    struct vch_engine_job *list;

    while ((list = take(e)) != NULL) {
        vch_engine_batch(e, list);
        if (vch_ledger_book_unflushed(e->book) > FLUSH_EARLY) {
            (void)pthread_mutex_lock(&e->lock);
            e->flush_now = true;
            (void)pthread_cond_signal(&e->flush_cond);
            (void)pthread_mutex_unlock(&e->lock);
        }
    }
    return NULL;
}

/* ---- the view, and the checkpoint file for those who copy the directory */

static void checkpoint_write(struct vch_engine *e)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf note = vch_buf_init(4096);
    struct vch_ledger_head head;
    char path[4096];

    if (e->checkpoint_signer == NULL) {
        return;
    }
    vch_ledger_book_head(e->book, &head);
    if (head.size == e->checkpoint_size) {
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/checkpoint", e->dir);
    if (vch_ok(vch_ledger_book_checkpoint(e->book, &head, e->checkpoint_signer, &note)) &&
        vch_ok(vch_file_write_atomic(path, vch_buf_get(&note), 0))) {
        e->checkpoint_size = head.size;
    }
}

static void flush(struct vch_engine *e)
{
    vch_err err = vch_ledger_book_flush(e->book);

    checkpoint_write(e);
    (void)pthread_mutex_lock(&e->lock);
    e->flush_error = err;
    e->stuck = vch_ledger_book_unflushed(e->book) > UNFLUSHED_MAX;
    (void)pthread_mutex_unlock(&e->lock);
}

static void *flush_main(void *arg)
{
    struct vch_engine *e = arg;

    (void)pthread_mutex_lock(&e->lock);
    while (!e->flush_end) {
        struct timespec until;
        int rc = 0;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += e->flush_ms / 1000;
        until.tv_nsec += (long)(e->flush_ms % 1000) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (!e->flush_end && !e->flush_now && rc != ETIMEDOUT) {
            rc = pthread_cond_timedwait(&e->flush_cond, &e->lock, &until);
        }
        e->flush_now = false;
        (void)pthread_mutex_unlock(&e->lock);
        flush(e);
        (void)pthread_mutex_lock(&e->lock);
    }
    (void)pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* ---- opening and closing */

static void cond_init(pthread_cond_t *c)
{
    pthread_condattr_t a;

    (void)pthread_condattr_init(&a);
    (void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    (void)pthread_cond_init(c, &a);
    (void)pthread_condattr_destroy(&a);
}

static struct vch_engine *engine_new(const struct vch_engine_options *o)
{
    struct vch_engine *e = vch_mem_alloc(sizeof(*e));
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    e->cr = o->cr;
    e->dir = vch_mem_text(vch_text(o->dir));
    e->signer = o->signer;
    e->checkpoint_signer = o->checkpoint_signer;
    e->clock = o->clock;
    e->clock_arg = o->clock_arg;
    e->on_fatal = o->on_fatal;
    e->user = o->user;
    e->queue_max = o->queue_max != 0 ? o->queue_max : QUEUE_MAX;
    e->batch_max = o->batch_max != 0 ? o->batch_max : BATCH_MAX;
    e->flush_ms = o->flush_ms != 0 ? o->flush_ms : FLUSH_MS;
    e->threads = o->verify_threads != 0 ? o->verify_threads : (unsigned)(cpus > 0 ? cpus : 1);
    e->threads = e->threads > THREADS_MAX ? THREADS_MAX : e->threads;
    e->checkpoint_size = UINT64_MAX;
    e->note = vch_buf_init(4096);
    (void)pthread_mutex_init(&e->lock, NULL);
    (void)pthread_mutex_init(&e->note_lock, NULL);
    cond_init(&e->verify_cond);
    cond_init(&e->order_cond);
    cond_init(&e->flush_cond);
    return e;
}

static void engine_free(struct vch_engine *e)
{
    vch_ledger_book_close(e->book);
    (void)pthread_mutex_destroy(&e->lock);
    (void)pthread_mutex_destroy(&e->note_lock);
    (void)pthread_cond_destroy(&e->verify_cond);
    (void)pthread_cond_destroy(&e->order_cond);
    (void)pthread_cond_destroy(&e->flush_cond);
    vch_buf_fini(&e->note);
    vch_mem_free(e->dir);
    vch_mem_free(e);
}

static vch_err signer_check(struct vch_engine *e, const struct vch_signer *signer,
                            enum vch_role role)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_STATE_VALUE_MAX);
    struct vch_state_authority a;
    struct vch_hash thumbprint;
    vch_err err;

    vch_cose_key_thumbprint(e->cr, &signer->pub, &thumbprint);
    err = vch_ledger_book_state(e->book, VCH_STATE_AUTHORITY, vch_hash_bytes(&thumbprint), &v);
    VCH_CHECK(!vch_err_is(err, VCH_E(NOT_FOUND)), LEDGER_KEY);
    VCH_TRY(err);
    VCH_TRY(vch_state_authority_decode(vch_buf_get(&v), &a));
    VCH_CHECK(a.role == role, LEDGER_KEY);
    return VCH_OK;
}

static vch_err book_open(struct vch_engine *e, const struct vch_engine_options *o,
                         struct vch_ledger_fault *reterr)
{
    struct vch_ledger_book_options b = {.cr = o->cr,
                                        .dir = o->dir,
                                        .seen_file = o->seen_file,
                                        .ledger_id = o->ledger_id,
                                        .rebuild = o->rebuild};

    VCH_TRY(vch_ledger_book_open(&b, &e->book, reterr));
    VCH_TRY(signer_check(e, o->signer, VCH_ROLE_LEDGER));
    if (o->checkpoint_signer != NULL) {
        VCH_TRY(signer_check(e, o->checkpoint_signer, VCH_ROLE_CHECKPOINT));
    }
    return VCH_OK;
}

/* Starts the threads; those that ran before a failure are ended again by close. */
static vch_err start(struct vch_engine *e)
{
    VCH_CHECK(pthread_create(&e->flusher, NULL, flush_main, e) == 0, MEMORY);
    e->flusher_runs = true;
    VCH_CHECK(pthread_create(&e->orderer, NULL, order_main, e) == 0, MEMORY);
    e->orderer_runs = true;
    e->verifiers = vch_mem_alloc(e->threads * sizeof(*e->verifiers));
    for (unsigned i = 0; i < e->threads; i++) {
        VCH_CHECK(pthread_create(&e->verifiers[i], NULL, verify_main, e) == 0, MEMORY);
        e->verifiers_run++;
    }
    return VCH_OK;
}

vch_err vch_engine_open(const struct vch_engine_options *o, struct vch_engine **ret,
                        struct vch_ledger_fault *reterr)
{
    struct vch_engine *e = engine_new(o);
    vch_err err = book_open(e, o, reterr);

    if (!vch_ok(err)) {
        engine_free(e);
        return err;
    }
    err = start(e);
    if (!vch_ok(err)) {
        vch_engine_close(e);
        return err;
    }
    *ret = e;
    return VCH_OK;
}

void vch_engine_close(struct vch_engine *e)
{
    if (e == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&e->lock);
    e->closing = true;
    (void)pthread_cond_broadcast(&e->verify_cond);
    (void)pthread_cond_broadcast(&e->order_cond);
    (void)pthread_mutex_unlock(&e->lock);
    vch_ledger_book_wake(e->book);
    for (unsigned i = 0; i < e->verifiers_run; i++) {
        (void)pthread_join(e->verifiers[i], NULL);
    }
    vch_mem_free(e->verifiers);
    if (e->orderer_runs) {
        (void)pthread_join(e->orderer, NULL);
    }
    (void)pthread_mutex_lock(&e->lock);
    e->flush_end = true;
    (void)pthread_cond_signal(&e->flush_cond);
    (void)pthread_mutex_unlock(&e->lock);
    if (e->flusher_runs) {
        (void)pthread_join(e->flusher, NULL);
    }
    engine_free(e);
}

vch_err vch_engine_create(const struct vch_engine_options *o, const char *ledger_id,
                          const struct vch_genesis_authority *a, size_t n, uint64_t segment_bytes)
{
    struct vch_ledger_book_options b = {.cr = o->cr, .dir = o->dir, .seen_file = o->seen_file};
    struct vch_engine clock = {.clock = o->clock, .clock_arg = o->clock_arg};

    return vch_ledger_book_create(&b, ledger_id, (struct vch_time){vch_engine_now_ms(&clock)}, a, n,
                                  segment_bytes, o->signer);
}

struct vch_ledger_book *vch_engine_book(struct vch_engine *e)
{
    return e->book;
}

void vch_engine_stats(struct vch_engine *e, struct vch_engine_stats *ret)
{
    (void)pthread_mutex_lock(&e->lock);
    *ret = (struct vch_engine_stats){
        .submitted = e->submitted,
        .refused = e->refused,
        .recorded = e->recorded,
        .known = e->known,
        .batches = e->batches,
        .under_way = e->under_way,
        .fatal = e->fatal,
        .flush_error = e->flush_error,
    };
    (void)pthread_mutex_unlock(&e->lock);
    vch_ledger_book_stats(e->book, &ret->book);
}
