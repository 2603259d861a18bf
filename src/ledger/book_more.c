/* Reading a book: keys for the core, authorities, following, checkpoints, the table of the ledger.
 */
#include <errno.h>
#include <time.h>

#include <vouch/merkle/checkpoint.h>
#include <vouch/stmt/endorsement.h>

#include "book_int.h"

const char *vch_ledger_book_id(const struct vch_ledger_book *b)
{
    return b->id;
}

/* ---- keys for the core */

static vch_err key_authority(void *self, const struct vch_hash *thumbprint, struct vch_span out,
                             struct vch_bytes *ret_value, bool *ret_found)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_STATE_VALUE_MAX);
    vch_err e = vch_ledger_book_state(self, VCH_STATE_AUTHORITY, vch_hash_bytes(thumbprint), &v);

    if (vch_err_is(e, VCH_E(NOT_FOUND))) {
        *ret_found = false;
        return VCH_OK;
    }
    VCH_TRY(e);
    VCH_CHECK(v.n <= out.cap, LEDGER_DAMAGED);
    memcpy(out.p, v.p, v.n);
    *ret_value = vch_bytes(out.p, v.n);
    *ret_found = true;
    return VCH_OK;
}

/* From a key to its subject, to the latest endorsement, to the registration in it. */
static vch_err device_key(struct vch_ledger_book *b, const struct vch_hash *thumbprint,
                          struct vch_pubkey *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_LEDGER_RECORD_MAX);
    struct vch_state_subject state;
    struct vch_ledger_entry entry;
    struct vch_stmt_endorsement *e;
    struct vch_subject subject;
    vch_err err;

    VCH_TRY(vch_ledger_book_state(b, VCH_STATE_DEVICE_KEY, vch_hash_bytes(thumbprint), &v));
    VCH_TRY(vch_state_ref_decode(vch_buf_get(&v), VCH_SPAN_OF(subject.b)));
    VCH_TRY(vch_ledger_book_state(b, VCH_STATE_SUBJECT, vch_subject_bytes(&subject), &v));
    VCH_TRY(vch_state_subject_decode(vch_buf_get(&v), &state));
    VCH_TRY(vch_ledger_book_entry_at(b, state.index, &entry, &v, NULL));
    e = vch_mem_alloc(sizeof(*e));
    err = vch_stmt_endorsement_decode(b->cr, vch_buf_get(&v), e);
    if (vch_ok(err)) {
        *ret = e->reg.key;
    }
    vch_mem_free(e);
    return err;
}

static vch_err key_device(void *self, const struct vch_hash *thumbprint, struct vch_pubkey *ret,
                          bool *ret_found)
{
    vch_err e = device_key(self, thumbprint, ret);

    *ret_found = vch_ok(e);
    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

struct vch_core_keys vch_ledger_book_keys(struct vch_ledger_book *b)
{
    return (struct vch_core_keys){key_authority, key_device, b};
}

vch_err vch_ledger_book_authorities(struct vch_ledger_book *b, vch_ledger_authority_fn fn,
                                    void *arg)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_LEDGER_RECORD_MAX);
    struct vch_genesis_authority ga;
    struct vch_ledger_entry entry;
    struct vch_genesis g;

    VCH_TRY(vch_ledger_book_entry_at(b, 0, &entry, &v, NULL));
    VCH_TRY(vch_genesis_decode(b->cr, vch_buf_get(&v), &g));
    for (size_t i = 0; i < g.count; i++) {
        struct vch_ledger_authority a;

        VCH_TRY(vch_genesis_next(b->cr, &g, &ga));
        a = (struct vch_ledger_authority){
            .role = ga.role, .name = ga.name, .key = ga.key, .cert = ga.cert};
        vch_cose_key_thumbprint(b->cr, &ga.key, &a.thumbprint);
        VCH_TRY(fn(arg, &a));
    }
    return VCH_OK;
}

vch_err vch_ledger_book_latest(struct vch_ledger_book *b, const struct vch_subject *subject,
                               struct vch_state_subject *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_STATE_VALUE_MAX);
    vch_err e = vch_ledger_book_state(b, VCH_STATE_SUBJECT, vch_subject_bytes(subject), &v);

    VCH_CHECK(!vch_err_is(e, VCH_E(NOT_FOUND)), LEDGER_NO_ENTRY);
    VCH_TRY(e);
    return vch_state_subject_decode(vch_buf_get(&v), ret);
}

/* ---- following */

static void wait_for(struct vch_ledger_book *b, uint64_t from, uint32_t wait_ms)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&b->tick_lock);
    while (b->tick_size <= from && !b->woken && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&b->tick, &b->tick_lock, &until);
    }
    (void)pthread_mutex_unlock(&b->tick_lock);
}

vch_err vch_ledger_book_follow(struct vch_ledger_book *b, uint64_t from, uint32_t wait_ms,
                               vch_ledger_entry_fn fn, void *arg, uint64_t *ret_next)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_LEDGER_RECORD_MAX);
    struct vch_ledger_head head;

    wait_for(b, from, wait_ms);
    vch_ledger_book_head(b, &head);
    *ret_next = from;
    for (uint64_t i = from; i < head.size; i++) {
        struct vch_ledger_entry entry;

        VCH_TRY(vch_ledger_book_entry_at(b, i, &entry, &v, NULL));
        VCH_TRY(fn(arg, &entry, vch_buf_get(&v)));
        *ret_next = i + 1;
    }
    return VCH_OK;
}

void vch_ledger_book_wake(struct vch_ledger_book *b)
{
    (void)pthread_mutex_lock(&b->tick_lock);
    b->woken = true;
    (void)pthread_cond_broadcast(&b->tick);
    (void)pthread_mutex_unlock(&b->tick_lock);
}

/* ---- checkpoints */

vch_err vch_ledger_book_checkpoint(struct vch_ledger_book *b, const struct vch_ledger_head *head,
                                   const struct vch_signer *signer, struct vch_buf *ret)
{
    struct vch_checkpoint c = {.origin = vch_text(b->id), .size = head->size, .root = head->root};
    uint8_t body[512];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(body)), ws;
    struct vch_bytes text, out;
    struct vch_span room;

    vch_checkpoint_encode(&c, &w);
    VCH_TRY(vch_writer_finish(&w, &text));
    vch_buf_reset(ret);
    VCH_TRY(vch_buf_append(ret, text));
    VCH_TRY(vch_buf_text(ret, "\n"));
    VCH_TRY(vch_buf_room(ret, VCH_NOTE_LINE_ROOM, &room));
    ws = vch_writer(room);
    VCH_TRY(vch_note_sign(b->cr, signer, vch_text(b->id), VCH_NOTE_ED25519, text, 0, &ws));
    VCH_TRY(vch_writer_finish(&ws, &out));
    vch_buf_added(ret, out.n);
    return VCH_OK;
}

/* ---- the table over a book opened for reading */

static vch_err t_submit(void *self, struct vch_bytes statement, uint32_t wait_ms,
                        struct vch_ledger_ack *ret, struct vch_buf *ret_receipt)
{
    (void)self, (void)statement, (void)wait_ms, (void)ret, (void)ret_receipt;
    return VCH_E(LEDGER_READ_ONLY);
}

static vch_err t_get(void *self, const struct vch_hash *txid, struct vch_ledger_entry *ret,
                     struct vch_buf *ret_statement, struct vch_buf *ret_receipt)
{
    return vch_ledger_book_get(self, txid, ret, ret_statement, ret_receipt);
}

static vch_err t_entry_at(void *self, uint64_t index, struct vch_ledger_entry *ret,
                          struct vch_buf *ret_bytes, struct vch_buf *ret_receipt)
{
    return vch_ledger_book_entry_at(self, index, ret, ret_bytes, ret_receipt);
}

static vch_err t_latest(void *self, const struct vch_subject *subject,
                        struct vch_state_subject *ret)
{
    return vch_ledger_book_latest(self, subject, ret);
}

static vch_err t_state_proof(void *self, enum vch_state_kind kind, struct vch_bytes id,
                             struct vch_buf *ret)
{
    return vch_ledger_book_state_proof(self, kind, id, ret);
}

static vch_err t_head(void *self, struct vch_ledger_head *ret, struct vch_buf *ret_checkpoint,
                      struct vch_buf *ret_receipt)
{
    struct vch_ledger_book *b = self;
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);

    if (ret_checkpoint != NULL) {
        vch_buf_reset(ret_checkpoint); /* only a key could sign one for this head */
    }
    return vch_ledger_book_head_receipt(b, ret, ret_receipt != NULL ? ret_receipt : &receipt);
}

static vch_err t_inclusion(void *self, uint64_t index, uint64_t size, struct vch_buf *ret)
{
    return vch_ledger_book_inclusion(self, index, size, ret);
}

static vch_err t_consistency(void *self, uint64_t size1, uint64_t size2, struct vch_buf *ret)
{
    return vch_ledger_book_consistency(self, size1, size2, ret);
}

static vch_err t_authorities(void *self, vch_ledger_authority_fn fn, void *arg)
{
    return vch_ledger_book_authorities(self, fn, arg);
}

static vch_err t_follow(void *self, uint64_t from, uint32_t wait_ms, vch_ledger_entry_fn fn,
                        void *arg, uint64_t *ret_next)
{
    return vch_ledger_book_follow(self, from, wait_ms, fn, arg, ret_next);
}

static void t_close(void *self)
{
    vch_ledger_book_close(self);
}

static const struct vch_ledger_ops ops = {
    .name = "directory",
    .submit = t_submit,
    .get = t_get,
    .entry_at = t_entry_at,
    .latest = t_latest,
    .state_proof = t_state_proof,
    .head = t_head,
    .inclusion = t_inclusion,
    .consistency = t_consistency,
    .authorities = t_authorities,
    .follow = t_follow,
    .close = t_close,
};

void vch_ledger_book_table(struct vch_ledger_book *b, struct vch_ledger *ret)
{
    struct vch_ledger l = {.ops = &ops, .self = b};

    memcpy(l.id, b->id, sizeof(l.id));
    *ret = l;
}
