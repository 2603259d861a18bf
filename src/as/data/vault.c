/* Opening, keys, and the shared commit. */
#include "vault_int.h"

#include <vouch/ossl/aead.h>

vch_err vch_as_master_derive(const uint8_t master[32], const char *purpose, uint8_t ret[32])
{
    return vch_ossl_hkdf(vch_bytes(master, 32), vch_text("vouch as"), vch_text(purpose),
                         vch_span(ret, 32));
}

vch_err vch_as_vault_derive(const struct vch_as_vault *v, const char *purpose, uint8_t ret[32])
{
    return vch_as_master_derive(v->master, purpose, ret);
}

static vch_err open_dbs(struct vch_as_vault *v, struct vch_kv_txn *t)
{
    struct {
        const char *name;
        struct vch_kv_db *db;
    } const all[] = {{"meta", &v->meta},       {"subject", &v->subject}, {"ids", &v->ids},
                     {"index", &v->index},     {"opening", &v->opening}, {"pending", &v->pending},
                     {"content", &v->content}, {"key", &v->key},         {"sub", &v->sub},
                     {"hint", &v->hint},       {"seq", &v->seq},         {"due", &v->due},
                     {"due-of", &v->due_of},   {"cert", &v->cert}};

    for (size_t i = 0; i < VCH_ARRAY_LEN(all); i++) {
        VCH_TRY(vch_kv_db_open(t, all[i].name, all[i].db));
    }
    return VCH_OK;
}

/* The vault id, made at the first opening. */
static vch_err load_id(struct vch_as_vault *v, struct vch_kv_txn *t, bool create)
{
    struct vch_bytes value;
    vch_err e = vch_kv_get(t, v->meta, vch_text("id"), &value);

    if (vch_err_is(e, VCH_E(NOT_FOUND)) && create) {
        VCH_TRY(v->random(v->random_self, VCH_SPAN_OF(v->id)));
        return vch_kv_put(t, v->meta, vch_text("id"), VCH_BYTES_OF(v->id), VCH_KV_NEW);
    }
    VCH_CHECK(!vch_err_is(e, VCH_E(NOT_FOUND)), AS_VAULT_DAMAGED);
    VCH_TRY(e);
    VCH_CHECK(value.n == sizeof v->id, AS_VAULT_DAMAGED);
    memcpy(v->id, value.p, value.n);
    return VCH_OK;
}

static vch_err is_empty(struct vch_as_vault *v, struct vch_kv_txn *t, bool *ret)
{
    uint64_t count;

    VCH_TRY(vch_kv_db_count(t, v->subject, &count));
    *ret = count == 0;
    return VCH_OK;
}

/* RET_NEW: nobody is in it, so that its key file may be made too. */
static vch_err open_kv(struct vch_as_vault *v, const struct vch_as_vault_options *o, bool *ret_new)
{
    struct vch_kv_options ko = {.map_bytes = o->map_bytes != 0 ? o->map_bytes : (size_t)16 << 30,
                                .dbs_max = 20,
                                .readers_max = 512};
    struct vch_kv_txn *t;
    vch_err e;

    VCH_TRY(vch_kv_open(o->dir, &ko, &v->kv));
    VCH_TRY(vch_kv_write(v->kv, &t));
    e = open_dbs(v, t);
    if (vch_ok(e)) {
        e = load_id(v, t, o->create);
    }
    if (vch_ok(e)) {
        e = is_empty(v, t, ret_new);
    }
    if (!vch_ok(e)) {
        vch_kv_abort(t);
        return e;
    }
    return vch_kv_commit(t);
}

/* Tells the key file which slots are in use, and finishes erasures that a crash cut short. */
static vch_err settle(struct vch_as_vault *v)
{
    struct vch_as_row rows[64];
    uint8_t after[VCH_AS_SUBJECT_LEN];
    const uint8_t *from = NULL;
    size_t n, freed;

    do {
        VCH_TRY(vch_as_vault_list(v, from, rows, VCH_ARRAY_LEN(rows), &n));
        for (size_t i = 0; i < n; i++) {
            VCH_TRY(vch_as_slots_mark(v->slots, rows[i].slot));
            if (rows[i].life == VCH_AS_ERASED) {
                VCH_TRY(vch_as_slots_erase(v->slots, rows[i].slot));
            }
            memcpy(after, rows[i].subject, sizeof after);
            from = after;
        }
    } while (n == VCH_ARRAY_LEN(rows));
    return vch_as_slots_settle(v->slots, &freed);
}

vch_err vch_as_vault_open(const struct vch_as_vault_options *o, struct vch_as_vault **ret)
{
    struct vch_as_vault *v = vch_mem_alloc(sizeof *v);
    uint8_t kek[32];
    bool empty = false;
    vch_err e;

    v->cr = o->crypto;
    v->random = o->random;
    v->random_self = o->random_self;
    memcpy(v->master, o->master, sizeof v->master);
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    e = vch_as_vault_derive(v, "index", v->index_key);
    if (vch_ok(e)) {
        e = vch_as_vault_derive(v, "slots", kek);
    }
    if (vch_ok(e)) {
        e = open_kv(v, o, &empty);
    }
    if (vch_ok(e)) {
        e = vch_as_slots_open(o->keys_path, kek, v->id, o->create && empty, o->random,
                              o->random_self, &v->slots);
    }
    vch_wipe(kek, sizeof kek);
    if (vch_ok(e)) {
        e = settle(v);
    }
    if (!vch_ok(e)) {
        vch_as_vault_close(v);
        return e;
    }
    *ret = v;
    return VCH_OK;
}

void vch_as_vault_close(struct vch_as_vault *v)
{
    if (v == NULL) {
        return;
    }
    vch_as_slots_close(v->slots);
    vch_kv_close(v->kv);
    pthread_cond_destroy(&v->changed);
    pthread_mutex_destroy(&v->lock);
    vch_wipe(v, sizeof *v);
    vch_mem_free(v);
}

/* Applies a run of changes in one transaction. */
static void commit_run(struct vch_as_vault *v, struct vault_op *run)
{
    struct vch_kv_txn *t = NULL;
    bool sync_slots = false;
    vch_err e = vch_kv_write(v->kv, &t);

    if (vch_ok(e)) {
        for (struct vault_op *op = run; op != NULL; op = op->next) {
            op->result = op->apply(v, t, op->arg);
            sync_slots = sync_slots || op->sync_slots;
        }
        if (sync_slots) {
            e = vch_as_slots_sync(v->slots);
        }
        if (vch_ok(e)) {
            e = vch_kv_commit(t);
        } else {
            vch_kv_abort(t);
        }
    }
    for (struct vault_op *op = run; op != NULL; op = op->next) {
        op->result = vch_ok(e) ? op->result : e;
    }
}

vch_err vch_as_vault_run(struct vch_as_vault *v, struct vault_op *op)
{
    struct vault_op *run;

    op->done = false;
    op->next = NULL;
    pthread_mutex_lock(&v->lock);
    if (v->tail == NULL) {
        v->head = op;
    } else {
        v->tail->next = op;
    }
    v->tail = op;
    while (!op->done && v->leading) {
        pthread_cond_wait(&v->changed, &v->lock);
    }
    if (!op->done) {
        /* nobody commits: this thread does, for all that wait, itself among them */
        v->leading = true;
        run = v->head;
        v->head = v->tail = NULL;
        pthread_mutex_unlock(&v->lock);
        commit_run(v, run);
        pthread_mutex_lock(&v->lock);
        v->leading = false;
        while (run != NULL) {
            struct vault_op *next = run->next;

            run->done = true; /* its owner may be gone after this */
            run = next;
        }
        pthread_cond_broadcast(&v->changed);
    }
    pthread_mutex_unlock(&v->lock);
    return op->result;
}
