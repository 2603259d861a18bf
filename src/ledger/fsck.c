/* The check of a whole ledger: a second book is made in memory from the log alone, with every
 * signature verified, and what lies on the disk is compared with it. */
#include <stdio.h>
#include <unistd.h>

#include <vouch/ledger/fsck.h>
#include <vouch/merkle/checkpoint.h>

#include "book_int.h"

#define COMPARE_ITEMS 4096

struct fsck {
    const struct vch_ledger_fsck_options *o;
    struct vch_ledger_book *b; /* in memory */
    struct vch_ledger_view stored;
    struct vch_ledger_tag tag; /* of the stored view */
    bool has_view;
    uint64_t stored_count;
    struct vch_buf note; /* the checkpoint file */
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault *fault;
};

/* ---- signatures */

static vch_err entry_verify(struct fsck *f, const struct vch_ledger_record *r, uint64_t index)
{
    struct vch_core_keys keys = vch_ledger_book_keys(f->b);
    struct vch_core_facts facts;
    vch_err e;

    if (r->kind != VCH_LEDGER_STATEMENT) {
        return VCH_OK;
    }
    e = vch_core_check(f->b->cr, r->bytes, &keys, &facts);
    if (!vch_ok(e)) {
        char what[sizeof(f->fault->what)];

        (void)snprintf(what, sizeof(what), "a statement that must not be there: %s",
                       vch_err_info(e)->slug);
        vch_ledger_log_fault(&f->b->log, r->pos, what, f->fault);
        if (f->fault != NULL) {
            f->fault->index = index;
        }
        return VCH_E(LEDGER_DAMAGED);
    }
    f->report.statements++;
    f->report.signatures += facts.type == VCH_STMT_ENDORSEMENT ? 2 : 1;
    return VCH_OK;
}

static vch_err key_named(void *arg, const struct vch_ledger_authority *a)
{
    const struct vch_pubkey *key = arg;

    return a->role == VCH_ROLE_LEDGER && vch_pubkey_equal(&a->key, key) ? VCH_E(EXISTS) : VCH_OK;
}

static vch_err genesis_check(struct fsck *f)
{
    struct vch_pubkey key;
    struct vch_hash id;
    vch_err e;

    vch_sha256_of(f->b->cr, vch_text(f->b->id), &id);
    if (memcmp(id.b, f->b->log.id, sizeof(f->b->log.id)) != 0) {
        vch_ledger_log_fault(&f->b->log, 0, "the segments are of another ledger than genesis",
                             f->fault);
        return VCH_E(LEDGER_DAMAGED);
    }
    if (f->o->key == NULL) {
        return VCH_OK;
    }
    key = *f->o->key;
    e = vch_ledger_book_authorities(f->b, key_named, &key);
    VCH_CHECK(!vch_ok(e), LEDGER_KEY);
    return vch_err_is(e, VCH_E(EXISTS)) ? VCH_OK : e;
}

/* ---- the stored view and tree against the recomputed ones, at the moment of the view's batch */

static vch_err stored_one(void *arg, struct vch_bytes key, struct vch_bytes value)
{
    struct fsck *f = arg;
    struct vch_bytes want;

    if (!vch_ledger_table_get(&f->b->view.active, key, &want) || !vch_bytes_equal(want, value)) {
        char what[sizeof(f->fault->what)];

        (void)snprintf(what, sizeof(what),
                       key.p[0] == 0 ? "a bucket of the state map is not what the log gives"
                                     : "a state value of kind %u is not what the log gives",
                       key.p[0]);
        vch_ledger_fault_set(f->fault, "view/data.mdb", what);
        return VCH_E(LEDGER_DAMAGED);
    }
    f->stored_count++;
    return VCH_OK;
}

static vch_err view_compare(struct fsck *f)
{
    const struct vch_ledger_table *t = &f->b->view.active;
    uint64_t want = 0;

    f->stored_count = 0;
    vch_ledger_fault_set(f->fault, "view/data.mdb", "the view cannot be read");
    VCH_TRY(vch_ledger_view_each(&f->stored, stored_one, f));
    for (size_t i = 0; i < t->width; i++) {
        for (const struct vch_ledger_slot *s = t->heads[i]; s != NULL; s = s->next) {
            want += s->n > 0 ? 1 : 0;
        }
    }
    if (want != f->stored_count) {
        vch_ledger_fault_set(f->fault, "view/data.mdb", "values are missing that the log gives");
        return VCH_E(LEDGER_DAMAGED);
    }
    return VCH_OK;
}

static vch_err flat_compare(struct fsck *f, size_t i)
{
    struct vch_ledger_flat *have = vch_ledger_book_flat(f->b, i), stored = {.fd = -1};
    struct vch_buf a = vch_buf_init(SIZE_MAX / 2);
    char path[BOOK_PATH];
    uint64_t bad = UINT64_MAX;
    vch_err e;

    if (have->count == 0) {
        return VCH_OK;
    }
    vch_ledger_book_flat_path(f->b, i, path);
    vch_ledger_fault_set(f->fault, path + strlen(f->b->dir) + 1,
                         "the file is missing, or shorter than the log");
    VCH_TRY(vch_ledger_flat_open(path, have->item, have->count, true, &stored));
    for (uint64_t at = 0; at < have->count && bad == UINT64_MAX; at += COMPARE_ITEMS) {
        size_t n = have->count - at < COMPARE_ITEMS ? (size_t)(have->count - at) : COMPARE_ITEMS;
        const uint8_t *want = have->tail.p + at * have->item;
        struct vch_span room;

        vch_buf_reset(&a);
        e = vch_buf_room(&a, n * have->item, &room);
        if (vch_ok(e)) {
            e = vch_ledger_flat_range(&stored, at, n, room.p);
        }
        if (!vch_ok(e)) {
            bad = at * have->item;
        }
        for (size_t j = 0; j < n * have->item && bad == UINT64_MAX; j++) {
            bad = room.p[j] != want[j] ? at * have->item + j : UINT64_MAX;
        }
    }
    vch_buf_fini(&a);
    vch_ledger_flat_close(&stored);
    if (bad != UINT64_MAX && f->fault != NULL) {
        (void)snprintf(f->fault->what, sizeof(f->fault->what), "not what the log gives");
        f->fault->offset = bad;
    }
    VCH_CHECK(bad == UINT64_MAX, LEDGER_DAMAGED);
    return VCH_OK;
}

static vch_err stored_compare(struct fsck *f)
{
    const struct vch_ledger_head *have = &f->b->head.head, *want = &f->tag.head;

    if (have->size != want->size || have->count != want->count || have->time.ms != want->time.ms ||
        !vch_hash_equal(&have->root, &want->root) ||
        !vch_hash_equal(&have->map_root, &want->map_root) ||
        f->b->head.commit_pos != f->tag.commit_pos || f->b->end_pos != f->tag.end_pos) {
        vch_ledger_fault_set(f->fault, "view/data.mdb", "the view's tag is not what the log gives");
        return VCH_E(LEDGER_DAMAGED);
    }
    VCH_TRY(view_compare(f));
    for (size_t i = 0; i < BOOK_FLATS; i++) {
        VCH_TRY(flat_compare(f, i));
    }
    f->report.view_checked = true;
    f->report.view_batch = f->tag.head.batch;
    return VCH_OK;
}

/* ---- the walk */

static vch_err batch_check(struct fsck *f, const struct vch_ledger_walk *w)
{
    uint64_t first = f->b->empty ? 0 : f->b->head.head.size;

    for (size_t i = 0; i + 1 < w->n; i++) {
        VCH_TRY(entry_verify(f, &w->recs[i], first + i));
    }
    VCH_TRY(vch_ledger_book_replay(f->b, w, f->fault));
    if (f->b->head.head.batch == 0) {
        VCH_TRY(genesis_check(f));
    }
    VCH_TRY(vch_ledger_book_head_verify(f->b, f->fault));
    f->report.signatures++;
    if (f->has_view && f->tag.present && f->tag.head.batch == f->b->head.head.batch) {
        VCH_TRY(stored_compare(f));
    }
    if (f->o->progress != NULL) {
        f->o->progress(f->o->arg, f->b->head.head.batch, f->b->head.head.size);
    }
    return VCH_OK;
}

static vch_err log_check(struct fsck *f)
{
    struct vch_ledger_walk w;
    vch_err e;

    vch_ledger_walk_init(&w, &f->b->log, 0);
    while (vch_ok(e = vch_ledger_walk_next(&w, f->fault))) {
        e = batch_check(f, &w);
        if (!vch_ok(e)) {
            break;
        }
    }
    f->report.torn_bytes = w.torn;
    vch_ledger_walk_fini(&w);
    return vch_err_is(e, VCH_E(LEDGER_NO_ENTRY)) ? VCH_OK : e;
}

/* ---- the small files */

static vch_err checkpoint_key(void *arg, const struct vch_ledger_authority *a)
{
    if (a->role == VCH_ROLE_CHECKPOINT) {
        *(struct vch_pubkey *)arg = a->key;
        return VCH_E(EXISTS);
    }
    return VCH_OK;
}

static vch_err checkpoint_verify(struct fsck *f, struct vch_bytes note)
{
    struct vch_merkle_source src = vch_ledger_book_source(f->b);
    struct vch_checkpoint cp;
    struct vch_pubkey key;
    struct vch_hash root;
    struct vch_note n;
    uint64_t time_s;

    VCH_CHECK(vch_err_is(vch_ledger_book_authorities(f->b, checkpoint_key, &key), VCH_E(EXISTS)),
              LEDGER_DAMAGED);
    VCH_TRY(vch_note_decode(note, &n));
    VCH_TRY(vch_note_verify(f->b->cr, &n, vch_text(f->b->id), VCH_NOTE_ED25519, &key, &time_s));
    VCH_TRY(vch_checkpoint_decode(n.text, &cp));
    VCH_CHECK(vch_bytes_equal(cp.origin, vch_text(f->b->id)), LEDGER_DAMAGED);
    VCH_TRY(vch_merkle_root(f->b->cr, &src, cp.size, &root));
    VCH_CHECK(vch_hash_equal(&root, &cp.root), LEDGER_DAMAGED);
    return VCH_OK;
}

static vch_err checkpoint_load(struct fsck *f)
{
    char path[BOOK_PATH];
    vch_err e;

    (void)snprintf(path, sizeof(path), "%s/checkpoint", f->b->dir);
    e = vch_file_read(path, 0, &f->note);
    vch_ledger_fault_set(f->fault, "checkpoint", "not a checkpoint of this log");
    VCH_CHECK(!vch_err_is(e, VCH_E(LIMIT)), LEDGER_DAMAGED);
    return vch_err_is(e, VCH_E(FILE_MISSING)) ? VCH_OK : e;
}

static vch_err checkpoint_check(struct fsck *f)
{
    vch_ledger_fault_set(f->fault, "checkpoint", "not a checkpoint of this log");
    VCH_CHECK(f->note.n == 0 || vch_ok(checkpoint_verify(f, vch_buf_get(&f->note))),
              LEDGER_DAMAGED);
    return VCH_OK;
}

/* ---- all of it */

static vch_err stored_open(struct fsck *f)
{
    char path[BOOK_PATH];

    (void)snprintf(path, sizeof(path), "%s/view/data.mdb", f->b->dir);
    if (access(path, F_OK) != 0) {
        return VCH_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/view", f->b->dir);
    vch_ledger_fault_set(f->fault, "view/data.mdb", "the view cannot be read");
    VCH_CHECK(vch_ok(vch_ledger_view_open(path, (size_t)64 << 30, true, &f->stored, &f->tag)),
              LEDGER_DAMAGED);
    f->has_view = true;
    return VCH_OK;
}

static vch_err fsck(struct fsck *f)
{
    struct vch_ledger_tag none = {.present = false};

    /* What the log is compared with is read before it, as a writer may be at work. */
    VCH_TRY(vch_ledger_book_seen_load(f->b, f->fault));
    VCH_TRY(checkpoint_load(f));
    VCH_TRY(stored_open(f));
    VCH_TRY(vch_ledger_log_open(f->o->dir, true, &f->b->log, f->fault));
    VCH_TRY(vch_ledger_book_tree_open(f->b, &none));
    vch_ledger_map_loaded(&f->b->map);
    VCH_TRY(log_check(f));
    VCH_CHECK(!f->b->empty, LEDGER_ABSENT);
    if (f->has_view && f->tag.present && !f->report.view_checked) {
        vch_ledger_log_fault(&f->b->log, f->tag.commit_pos,
                             "batches are missing that the view has seen", f->fault);
        return VCH_E(LEDGER_ROLLED_BACK);
    }
    VCH_TRY(vch_ledger_book_seen_check(f->b, f->fault));
    VCH_TRY(checkpoint_check(f));
    f->report.head = f->b->head.head;
    memcpy(f->report.id, f->b->id, sizeof(f->report.id));
    return VCH_OK;
}

vch_err vch_ledger_fsck(const struct vch_ledger_fsck_options *o, struct vch_ledger_fsck_report *ret,
                        struct vch_ledger_fault *reterr)
{
    struct vch_ledger_book_options bo = {
        .cr = o->cr, .dir = o->dir, .seen_file = o->seen_file, .read_only = true};
    struct fsck f = {.o = o, .fault = reterr, .note = vch_buf_init(VCH_NOTE_MAX)};
    vch_err e;

    VCH_CHECK(strlen(o->dir) < BOOK_PATH - 64, USAGE);
    f.b = vch_ledger_book_new(&bo);
    e = fsck(&f);
    vch_ledger_view_close(&f.stored);
    vch_ledger_book_free(f.b);
    vch_buf_fini(&f.note);
    if (vch_ok(e)) {
        *ret = f.report;
    }
    return e;
}
