/* The function table over the engine: submit, and all reading from the book. */
#include <errno.h>
#include <time.h>

#include "engine_int.h"

#define WAIT_MS 10000

/* A caller that waits; it and the engine each hold a reference, because the caller may give up. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int refs;
    bool done;
    vch_err err;
    struct vch_ledger_ack ack;
};

static void waiter_release(struct waiter *w)
{
    bool last;

    (void)pthread_mutex_lock(&w->lock);
    last = --w->refs == 0;
    (void)pthread_mutex_unlock(&w->lock);
    if (last) {
        (void)pthread_mutex_destroy(&w->lock);
        (void)pthread_cond_destroy(&w->cond);
        vch_mem_free(w);
    }
}

static struct waiter *waiter_new(void)
{
    struct waiter *w = vch_mem_alloc(sizeof(*w));
    pthread_condattr_t a;

    w->refs = 2;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&a);
    (void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->cond, &a);
    (void)pthread_condattr_destroy(&a);
    return w;
}

static void waiter_done(void *arg, vch_err err, const struct vch_ledger_ack *ack)
{
    struct waiter *w = arg;

    (void)pthread_mutex_lock(&w->lock);
    w->done = true;
    w->err = err;
    if (vch_ok(err)) {
        w->ack = *ack;
    }
    (void)pthread_cond_signal(&w->cond);
    (void)pthread_mutex_unlock(&w->lock);
    waiter_release(w);
}

static vch_err waiter_wait(struct waiter *w, uint32_t wait_ms, struct vch_ledger_ack *ret)
{
    struct timespec until;
    vch_err err = VCH_E(LEDGER_PENDING);
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&w->lock);
    while (!w->done && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&w->cond, &w->lock, &until);
    }
    if (w->done) {
        err = w->err;
        *ret = w->ack;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return err;
}

vch_err vch_engine_receipt(struct vch_engine *e, const struct vch_ledger_entry *entry,
                           struct vch_buf *ret)
{
    return vch_ledger_book_receipt(e->book, entry, ret);
}

/* req: Y.2247-8.1.3-3 (an ID is handed out only for what is recorded) */
static vch_err t_submit(void *self, struct vch_bytes statement, uint32_t wait_ms,
                        struct vch_ledger_ack *ret, struct vch_buf *ret_receipt)
{
    struct vch_engine *e = self;
    struct waiter *w = waiter_new();
    struct vch_ledger_ack ack;
    vch_err err;

    vch_engine_submit(e, statement, waiter_done, w);
    err = waiter_wait(w, wait_ms != 0 ? wait_ms : WAIT_MS, &ack);
    waiter_release(w);
    VCH_TRY(err);
    if (ret_receipt != NULL) {
        VCH_TRY(vch_ledger_book_receipt(e->book, &ack.entry, ret_receipt));
    }
    *ret = ack;
    return VCH_OK;
}

static vch_err t_get(void *self, const struct vch_hash *txid, struct vch_ledger_entry *ret,
                     struct vch_buf *ret_statement, struct vch_buf *ret_receipt)
{
    struct vch_engine *e = self;

    return vch_ledger_book_get(e->book, txid, ret, ret_statement, ret_receipt);
}

static vch_err t_entry_at(void *self, uint64_t index, struct vch_ledger_entry *ret,
                          struct vch_buf *ret_bytes, struct vch_buf *ret_receipt)
{
    struct vch_engine *e = self;

    return vch_ledger_book_entry_at(e->book, index, ret, ret_bytes, ret_receipt);
}

static vch_err t_latest(void *self, const struct vch_subject *subject,
                        struct vch_state_subject *ret)
{
    struct vch_engine *e = self;

    return vch_ledger_book_latest(e->book, subject, ret);
}

static vch_err t_state_proof(void *self, enum vch_state_kind kind, struct vch_bytes id,
                             struct vch_buf *ret)
{
    struct vch_engine *e = self;

    return vch_ledger_book_state_proof(e->book, kind, id, ret);
}

/* The note is signed once per head, when it is asked for. */
static vch_err note_get(struct vch_engine *e, const struct vch_ledger_head *head,
                        struct vch_buf *ret)
{
    vch_err err = VCH_OK;

    vch_buf_reset(ret);
    if (e->checkpoint_signer == NULL) {
        return VCH_OK;
    }
    (void)pthread_mutex_lock(&e->note_lock);
    if (e->note_size != head->size) {
        e->note_size = 0;
        err = vch_ledger_book_checkpoint(e->book, head, e->checkpoint_signer, &e->note);
        e->note_size = vch_ok(err) ? head->size : 0;
    }
    if (vch_ok(err)) {
        err = vch_buf_append(ret, vch_buf_get(&e->note));
    }
    (void)pthread_mutex_unlock(&e->note_lock);
    return err;
}

static vch_err t_head(void *self, struct vch_ledger_head *ret, struct vch_buf *ret_checkpoint,
                      struct vch_buf *ret_receipt)
{
    struct vch_engine *e = self;
    struct vch_ledger_head head;

    if (ret_receipt != NULL) {
        VCH_TRY(vch_ledger_book_head_receipt(e->book, &head, ret_receipt));
    } else {
        vch_ledger_book_head(e->book, &head);
    }
    if (ret_checkpoint != NULL) {
        VCH_TRY(note_get(e, &head, ret_checkpoint));
    }
    *ret = head;
    return VCH_OK;
}

static vch_err t_inclusion(void *self, uint64_t index, uint64_t size, struct vch_buf *ret)
{
    struct vch_engine *e = self;

    return vch_ledger_book_inclusion(e->book, index, size, ret);
}

static vch_err t_consistency(void *self, uint64_t size1, uint64_t size2, struct vch_buf *ret)
{
    struct vch_engine *e = self;

    return vch_ledger_book_consistency(e->book, size1, size2, ret);
}

static vch_err t_authorities(void *self, vch_ledger_authority_fn fn, void *arg)
{
    struct vch_engine *e = self;

    return vch_ledger_book_authorities(e->book, fn, arg);
}

static vch_err t_follow(void *self, uint64_t from, uint32_t wait_ms, vch_ledger_entry_fn fn,
                        void *arg, uint64_t *ret_next)
{
    struct vch_engine *e = self;

    return vch_ledger_book_follow(e->book, from, wait_ms, fn, arg, ret_next);
}

static void t_close(void *self)
{
    vch_engine_close(self);
}

static void t_close_shared(void *self)
{
    (void)self; /* somebody else's */
}

#define OPS(close_fn)                                                                              \
    {                                                                                              \
        .name = "embedded", .submit = t_submit, .get = t_get, .entry_at = t_entry_at,              \
        .latest = t_latest, .state_proof = t_state_proof, .head = t_head,                          \
        .inclusion = t_inclusion, .consistency = t_consistency, .authorities = t_authorities,      \
        .follow = t_follow, .close = (close_fn)                                                    \
    }
static const struct vch_ledger_ops ops = OPS(t_close);
static const struct vch_ledger_ops ops_shared = OPS(t_close_shared);

void vch_engine_ledger(struct vch_engine *e, bool shared, struct vch_ledger *ret)
{
    struct vch_ledger l = {.ops = shared ? &ops_shared : &ops, .self = e};
    const char *id = vch_ledger_book_id(e->book);

    memcpy(l.id, id, strlen(id) + 1);
    *ret = l;
}
