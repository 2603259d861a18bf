/* The sequencer's work on one batch. */
#include "engine_int.h"

#define CLOCK_BEHIND_MS 1000

static void answer_all(struct vch_engine *e, struct vch_engine_job *list, vch_err err)
{
    while (list != NULL) {
        struct vch_engine_job *next = list->next;

        vch_engine_job_done(e, list, err, NULL);
        list = next;
    }
}

/* Answers each job by what apply said of it; those of this batch, from index BASE on, by ERR. */
static void answer(struct vch_engine *e, struct vch_engine_job *list, uint64_t base, vch_err err)
{
    struct vch_ledger_head head;

    vch_ledger_book_head(e->book, &head);
    while (list != NULL) {
        struct vch_engine_job *next = list->next;
        bool fresh = list->effects.index >= base;
        struct vch_ledger_ack ack = {.entry = {.txid = list->effects.txid,
                                               .index = list->effects.index,
                                               .batch = head.batch,
                                               .time = list->effects.time},
                                     .known = list->effects.known};

        if (!vch_ok(list->err)) {
            vch_engine_job_done(e, list, list->err, NULL);
        } else if (fresh) {
            vch_engine_job_done(e, list, err, &ack);
        } else { /* known from an earlier batch, whatever became of this one */
            vch_err found = vch_ledger_book_find(e->book, &list->effects.txid, &ack.entry);

            vch_engine_job_done(e, list, found, &ack);
        }
        list = next;
    }
}

static void fatal(struct vch_engine *e, vch_err err)
{
    bool first;

    (void)pthread_mutex_lock(&e->lock);
    first = vch_ok(e->fatal);
    e->fatal = err;
    (void)pthread_mutex_unlock(&e->lock);
    if (first && e->on_fatal != NULL) {
        e->on_fatal(e->user, err);
    }
}

/* Batch time: the clock's, but always above the last one's.
 * Errors: LEDGER_CLOCK when the clock is too far behind to be believed. */
static vch_err batch_time(struct vch_engine *e, const struct vch_ledger_head *head,
                          struct vch_time *ret)
{
    int64_t now = vch_engine_now_ms(e);

    VCH_CHECK(now >= head->time.ms - CLOCK_BEHIND_MS, LEDGER_CLOCK);
    ret->ms = now > head->time.ms ? now : head->time.ms + 1;
    return VCH_OK;
}

/* Seals, signs and writes. A damaged or failed book ends the engine. */
static vch_err record(struct vch_engine *e)
{
    struct vch_ledger_head head;
    vch_err err = vch_ledger_book_seal(e->book, &head);

    if (vch_ok(err)) {
        err = vch_ledger_book_commit(e->book, e->signer);
    }
    if (vch_ok(err)) {
        (void)pthread_mutex_lock(&e->lock);
        e->batches++;
        (void)pthread_mutex_unlock(&e->lock);
        return VCH_OK;
    }
    vch_ledger_book_abort(e->book);
    if (vch_err_is(err, VCH_E(LEDGER_FAILED)) || vch_err_is(err, VCH_E(LEDGER_DAMAGED))) {
        fatal(e, err);
    }
    return err;
}

void vch_engine_batch(struct vch_engine *e, struct vch_engine_job *list)
{
    struct vch_ledger_head head;
    struct vch_time time;
    vch_err err;

    vch_ledger_book_head(e->book, &head);
    err = batch_time(e, &head, &time);
    if (vch_ok(err)) {
        err = vch_ledger_book_begin(e->book, time);
    }
    if (!vch_ok(err)) {
        answer_all(e, list, err);
        return;
    }
    for (struct vch_engine_job **p = &list; *p != NULL; p = &(*p)->next) {
        struct vch_engine_job *j = *p;

        j->effects.index = UINT64_MAX;
        j->err =
            vch_ledger_book_add(e->book, vch_bytes(j->statement, j->n), &j->facts, &j->effects);
        if (vch_err_is(j->err, VCH_E(LIMIT)) && vch_ledger_book_added(e->book) > 0) {
            vch_engine_put_back(e, j);
            *p = NULL;
            break;
        }
        if (vch_err_is(j->err, VCH_E(LEDGER_DAMAGED))) {
            err = j->err;
            vch_ledger_book_abort(e->book);
            fatal(e, err);
            answer_all(e, list, err);
            return;
        }
    }
    if (vch_ledger_book_added(e->book) == 0) {
        vch_ledger_book_abort(e->book); /* a batch that records nothing appends nothing */
    } else {
        err = record(e);
    }
    answer(e, list, head.size, err);
}
