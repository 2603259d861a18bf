/* vouch/engine/engine.h - the embedded engine: one node that orders statements by itself.
 * Layer 10.
 *
 * Statements are verified by a pool of threads; one sequencer thread takes what waits, applies it
 * in order, signs one head for all of it, and makes it durable with one sync: batches grow with the
 * load, and no timer delays a lone statement. A background thread brings the view up to date.
 *
 * A single node cannot give continuous availability, nor protection against its own operator beyond
 * what witnesses of its heads give.
 *
 * req: Y.2247-7.2.2-8 (records stay: there is no call that deletes or changes one) */
#ifndef VOUCH_ENGINE_ENGINE_H
#define VOUCH_ENGINE_ENGINE_H

#include <vouch/ledger/book.h>

struct vch_engine;

/* Milliseconds since 1970 of the engine's clock. */
typedef int64_t (*vch_engine_clock_fn)(void *arg);

/* Zero in a number means the default beside it. Signers must live as long as the engine. */
struct vch_engine_options {
    const struct vch_crypto *cr;
    const char *dir;
    const char *ledger_id;           /* refuse another ledger; NULL: take what is there */
    const char *seen_file;           /* see vch_ledger_book_options */
    const struct vch_signer *signer; /* an authority of role ledger */
    const struct vch_signer *checkpoint_signer; /* one of role checkpoint (Ed25519); NULL: none */
    unsigned verify_threads;                    /* as many as processors */
    unsigned queue_max;        /* 4096 statements under way; beyond it LEDGER_BUSY */
    unsigned batch_max;        /* 1024 statements */
    unsigned flush_ms;         /* 1000 between flushes of the view */
    bool rebuild;              /* make the view again from the log */
    vch_engine_clock_fn clock; /* NULL: the system's */
    void *clock_arg;
    /* Called once, on a thread of the engine, when a write failed and no more can be recorded; a
     * service should end itself loudly. NULL: none. */
    void (*on_fatal)(void *user, vch_err e);
    void *user;
};

/* A new ledger in O->dir; only cr, dir, signer and the clock of O count. Segment size 0: 64 MiB.
 * Errors: those of vch_ledger_book_create. */
VCH_CHECKED vch_err vch_engine_create(const struct vch_engine_options *o, const char *ledger_id,
                                      const struct vch_genesis_authority *a, size_t n,
                                      uint64_t segment_bytes);

/* Opens the ledger and starts. Errors: those of vch_ledger_book_open; LEDGER_KEY (a signer is not
 * the authority that it should be). */
VCH_CHECKED vch_err vch_engine_open(const struct vch_engine_options *o, struct vch_engine **ret,
                                    struct vch_ledger_fault *reterr);
/* Finishes what was accepted, flushes, and ends. No call may be running. NULL is allowed. */
void vch_engine_close(struct vch_engine *e);

/* The function table over the engine. Closing it closes the engine, unless SHARED. */
void vch_engine_ledger(struct vch_engine *e, bool shared, struct vch_ledger *ret);
/* The book, for reading more of it than the table offers. */
struct vch_ledger_book *vch_engine_book(struct vch_engine *e);

/* The outcome of a submission; ACK is valid if ERR is VCH_OK. Called once, from a thread of the
 * engine or from within submit; it must not block. */
typedef void (*vch_engine_done_fn)(void *arg, vch_err err, const struct vch_ledger_ack *ack);
/* Submits without waiting; the statement is copied. Whatever happens DONE is called, with the
 * errors of vch_ledger_submit except LEDGER_PENDING. */
void vch_engine_submit(struct vch_engine *e, struct vch_bytes statement, vch_engine_done_fn done,
                       void *arg);
/* The receipt of an acknowledged entry. */
VCH_CHECKED vch_err vch_engine_receipt(struct vch_engine *e, const struct vch_ledger_entry *entry,
                                       struct vch_buf *ret);

struct vch_engine_stats {
    struct vch_ledger_book_stats book;
    uint64_t submitted, refused, recorded, known; /* statements since the start */
    uint64_t batches;
    unsigned under_way;
    vch_err fatal;       /* VCH_OK while it works */
    vch_err flush_error; /* of the newest flush */
};
void vch_engine_stats(struct vch_engine *e, struct vch_engine_stats *ret);

#endif
