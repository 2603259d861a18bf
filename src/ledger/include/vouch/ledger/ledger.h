/* vouch/ledger/ledger.h - the ledger as other parts see it: one function table, in-process or over
 * HTTPS, so that a role works the same beside its ledger and far from it.
 * Layer 9. Every function may be called by several threads at once, except vch_ledger_close.
 *
 * req: Y.2247-8.1.3-1 (read and write interface towards the ledger module)
 *
 * There is no call that changes or deletes an entry. Results go into buffers of the caller, whose
 * maximum bounds them; a buffer is emptied first, and may be NULL when the result is not wanted.
 * What comes back was checked against the ledger's signed head: an entry by its proof up to that
 * head, a value of the state map likewise; a far ledger's answers are checked the same way against
 * the receipt keys configured for it.
 *
 * Errors common to all functions: LEDGER_DAMAGED (stored data contradicts the signed head),
 * LEDGER_FAILED (the ledger stopped after a failed write), MEMORY, LIMIT (a buffer's maximum), IO
 * of the file system; a far ledger adds those of the HTTP client, LEDGER_ANSWER (its answer is
 * malformed or not proven) and whatever code its problem document names. */
#ifndef VOUCH_LEDGER_LEDGER_H
#define VOUCH_LEDGER_LEDGER_H

#include <vouch/base/buf.h>
#include <vouch/base/text.h>
#include <vouch/contract/state.h>

#define VCH_LEDGER_STATEMENT_MAX (16 * 1024)
#define VCH_LEDGER_RECEIPT_MAX   (8 * 1024)
#define VCH_LEDGER_PROOF_MAX     (24 * 1024) /* encoded state proof */
#define VCH_LEDGER_PATH_MAX      64          /* hashes of an inclusion or consistency proof */

/* Where an entry lies. */
struct vch_ledger_entry {
    struct vch_hash txid; /* SHA-256 of the entry's bytes */
    uint64_t index;       /* serial number in the log */
    uint64_t batch;
    struct vch_time time; /* of the batch: the recordedAt of the entry */
    bool is_system;       /* genesis or state root, not a statement */
};

/* The answer to a submission. */
struct vch_ledger_ack {
    struct vch_ledger_entry entry;
    bool known; /* the same content was recorded before: ENTRY is that first transaction, and its
                 * txid may differ from the submitted statement's */
};

struct vch_ledger_head {
    uint64_t batch;
    struct vch_time time;
    uint64_t size; /* leaves of the log */
    struct vch_hash root;
    uint64_t count; /* entries of the state map */
    struct vch_hash map_root;
};

/* A view of one authority for vch_ledger_authorities. */
struct vch_ledger_authority {
    enum vch_role role;
    struct vch_bytes name;
    struct vch_pubkey key;
    struct vch_hash thumbprint;
    struct vch_bytes cert; /* DER, empty if none was given */
};

/* Called for each entry in the order of the log, without a gap. ENTRY_BYTES is valid during the
 * call. An error ends the walk and is what the walk returns. The function may call the ledger. */
typedef vch_err (*vch_ledger_entry_fn)(void *arg, const struct vch_ledger_entry *entry,
                                       struct vch_bytes entry_bytes);
typedef vch_err (*vch_ledger_authority_fn)(void *arg, const struct vch_ledger_authority *a);

struct vch_ledger_ops {
    const char *name; /* "embedded", "remote", ... */
    vch_err (*submit)(void *self, struct vch_bytes statement, uint32_t wait_ms,
                      struct vch_ledger_ack *ret, struct vch_buf *ret_receipt);
    vch_err (*get)(void *self, const struct vch_hash *txid, struct vch_ledger_entry *ret,
                   struct vch_buf *ret_statement, struct vch_buf *ret_receipt);
    vch_err (*entry_at)(void *self, uint64_t index, struct vch_ledger_entry *ret,
                        struct vch_buf *ret_bytes, struct vch_buf *ret_receipt);
    vch_err (*latest)(void *self, const struct vch_subject *subject, struct vch_state_subject *ret);
    vch_err (*state_proof)(void *self, enum vch_state_kind kind, struct vch_bytes id,
                           struct vch_buf *ret_proof);
    vch_err (*head)(void *self, struct vch_ledger_head *ret, struct vch_buf *ret_checkpoint,
                    struct vch_buf *ret_receipt);
    vch_err (*inclusion)(void *self, uint64_t index, uint64_t size, struct vch_buf *ret_path);
    vch_err (*consistency)(void *self, uint64_t size1, uint64_t size2, struct vch_buf *ret_path);
    vch_err (*authorities)(void *self, vch_ledger_authority_fn fn, void *arg);
    vch_err (*follow)(void *self, uint64_t from, uint32_t wait_ms, vch_ledger_entry_fn fn,
                      void *arg, uint64_t *ret_next);
    void (*close)(void *self);
};

/* One ledger; copy it freely, close it once. */
struct vch_ledger {
    const struct vch_ledger_ops *ops;
    void *self;
    char id[129]; /* ledger id, NUL-terminated */
};

/* Submits one statement (its tagged COSE_Sign1, up to VCH_LEDGER_STATEMENT_MAX bytes) and waits
 * until it is durable and provable, at most WAIT_MS (0: a default of 10 s). The receipt is the
 * RFC 9942 one of its batch. A timeout is no failure: send the same bytes again, they are recorded
 * once.
 * Errors: those of the statement decoder and of the contracts (signature, form,
 * authority, conflict...); LEDGER_PENDING (not provable in time); LEDGER_BUSY (queue full);
 * LEDGER_CLOCK (the clock is behind the log); LEDGER_DISK_FULL; LEDGER_READ_ONLY. */
VCH_CHECKED static inline vch_err vch_ledger_submit(const struct vch_ledger *l,
                                                    struct vch_bytes statement, uint32_t wait_ms,
                                                    struct vch_ledger_ack *ret,
                                                    struct vch_buf *ret_receipt)
{
    return l->ops->submit(l->self, statement, wait_ms, ret, ret_receipt);
}

/* The statement of that transaction ID with its receipt. Errors: LEDGER_NO_ENTRY.
 * req: Y.2247-7.2.3-11 */
VCH_CHECKED static inline vch_err vch_ledger_get(const struct vch_ledger *l,
                                                 const struct vch_hash *txid,
                                                 struct vch_ledger_entry *ret,
                                                 struct vch_buf *ret_statement,
                                                 struct vch_buf *ret_receipt)
{
    return l->ops->get(l->self, txid, ret, ret_statement, ret_receipt);
}

/* The entry, statement or system entry, at a place of the log. Errors: LEDGER_NO_ENTRY. */
VCH_CHECKED static inline vch_err vch_ledger_entry_at(const struct vch_ledger *l, uint64_t index,
                                                      struct vch_ledger_entry *ret,
                                                      struct vch_buf *ret_bytes,
                                                      struct vch_buf *ret_receipt)
{
    return l->ops->entry_at(l->self, index, ret, ret_bytes, ret_receipt);
}

/* The latest endorsement of a lineage. Errors: LEDGER_NO_ENTRY. */
VCH_CHECKED static inline vch_err vch_ledger_latest(const struct vch_ledger *l,
                                                    const struct vch_subject *subject,
                                                    struct vch_state_subject *ret)
{
    return l->ops->latest(l->self, subject, ret);
}

/* The encoded state proof of docs/formats.md 4: the value of (kind, id), or that there is none.
 * Errors: USAGE (id of a wrong length for its kind). */
VCH_CHECKED static inline vch_err vch_ledger_state_proof(const struct vch_ledger *l,
                                                         enum vch_state_kind kind,
                                                         struct vch_bytes id,
                                                         struct vch_buf *ret_proof)
{
    return l->ops->state_proof(l->self, kind, id, ret_proof);
}

/* The newest head; the C2SP checkpoint of it signed by the checkpoint key (empty if the ledger has
 * none); the receipt of its state-root entry, whose index is size - 1. */
VCH_CHECKED static inline vch_err vch_ledger_head(const struct vch_ledger *l,
                                                  struct vch_ledger_head *ret,
                                                  struct vch_buf *ret_checkpoint,
                                                  struct vch_buf *ret_receipt)
{
    return l->ops->head(l->self, ret, ret_checkpoint, ret_receipt);
}

/* RFC 9162 inclusion proof: the path, hashes of 32 bytes one after the other, leaf's sibling first.
 * Errors: USAGE unless index < size <= the present size. */
VCH_CHECKED static inline vch_err vch_ledger_inclusion(const struct vch_ledger *l, uint64_t index,
                                                       uint64_t size, struct vch_buf *ret_path)
{
    return l->ops->inclusion(l->self, index, size, ret_path);
}

/* RFC 9162 consistency proof. Errors: USAGE unless 0 < size1 <= size2 <= the present size. */
VCH_CHECKED static inline vch_err vch_ledger_consistency(const struct vch_ledger *l, uint64_t size1,
                                                         uint64_t size2, struct vch_buf *ret_path)
{
    return l->ops->consistency(l->self, size1, size2, ret_path);
}

/* Every key in force, in the order of genesis. */
VCH_CHECKED static inline vch_err vch_ledger_authorities(const struct vch_ledger *l,
                                                         vch_ledger_authority_fn fn, void *arg)
{
    return l->ops->authorities(l->self, fn, arg);
}

/* Hands over the entries from index FROM on, in order and without a gap: waits up to WAIT_MS for
 * the first, then returns when all that are provable by now were handed over (or, from afar, when
 * one answer's worth was). *RET_NEXT is the index to go on from; store it after the work is done
 * and each entry is seen at least once. No new entry in time is no error. When FN fails its error
 * is returned and *RET_NEXT, set all the same, is the index of the entry it failed on. */
VCH_CHECKED static inline vch_err vch_ledger_follow(const struct vch_ledger *l, uint64_t from,
                                                    uint32_t wait_ms, vch_ledger_entry_fn fn,
                                                    void *arg, uint64_t *ret_next)
{
    return l->ops->follow(l->self, from, wait_ms, fn, arg, ret_next);
}

/* Releases everything; an embedded ledger finishes the batch under way first. Accepts a zeroed
 * table, and zeroes it. */
static inline void vch_ledger_close(struct vch_ledger *l)
{
    if (l->ops != NULL) {
        l->ops->close(l->self);
        l->ops = NULL;
        l->self = NULL;
    }
}

/* Walks the lineage of SUBJECT from its latest endorsement back to its registration, over prev.
 * Errors: LEDGER_NO_ENTRY; LEDGER_DAMAGED (a link does not hold). */
VCH_CHECKED vch_err vch_ledger_history(const struct vch_crypto *cr, const struct vch_ledger *l,
                                       const struct vch_subject *subject, vch_ledger_entry_fn fn,
                                       void *arg);

#endif
