/* The inside of the embedded engine. Private to the module. */
#ifndef VOUCH_ENGINE_SRC_ENGINE_INT_H
#define VOUCH_ENGINE_SRC_ENGINE_INT_H

#include <pthread.h>

#include <vouch/engine/engine.h>

/* One statement on its way. */
struct vch_engine_job {
    struct vch_engine_job *next;
    uint8_t *statement;
    size_t n;
    struct vch_core_facts facts;
    vch_err err; /* what apply said */
    struct vch_core_effects effects;
    vch_engine_done_fn done;
    void *arg;
};

struct vch_engine_queue {
    struct vch_engine_job *first, *last;
};

struct vch_engine {
    const struct vch_crypto *cr;
    char *dir;
    struct vch_ledger_book *book;
    const struct vch_signer *signer, *checkpoint_signer;
    vch_engine_clock_fn clock;
    void *clock_arg;
    void (*on_fatal)(void *user, vch_err e);
    void *user;
    unsigned threads, queue_max, batch_max, flush_ms;

    pthread_mutex_t lock; /* guards all down to the threads */
    pthread_cond_t verify_cond, order_cond, flush_cond;
    struct vch_engine_queue verify, ordered;
    unsigned verifying, under_way;
    uint64_t submitted, refused, recorded, known, batches;
    bool closing, flush_end, flush_now, stuck;
    vch_err fatal, flush_error;

    pthread_t *verifiers, orderer, flusher;
    unsigned verifiers_run;
    bool orderer_runs, flusher_runs;

    uint64_t checkpoint_size; /* of the checkpoint file; the flusher's */
    pthread_mutex_t note_lock;
    struct vch_buf note; /* checkpoint of the head of that size */
    uint64_t note_size;
};

int64_t vch_engine_now_ms(struct vch_engine *e);
void vch_engine_job_done(struct vch_engine *e, struct vch_engine_job *j, vch_err err,
                         const struct vch_ledger_ack *ack);
/* Records a list of verified jobs as one batch, and answers them. */
void vch_engine_batch(struct vch_engine *e, struct vch_engine_job *list);
/* Jobs that did not fit go first next time. */
void vch_engine_put_back(struct vch_engine *e, struct vch_engine_job *list);

#endif
