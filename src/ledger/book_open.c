/* Opening a book: what the view claims is held against the log, what it lacks is replayed, and the
 * result against the newest head that was ever seen. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <vouch/cbor/cbor.h>

#include "book_int.h"
#include "crc.h"

#define VIEW_BYTES  ((size_t)64 << 30)
#define REPLAY_HELD ((size_t)64 << 20) /* flush when a long replay holds as much in memory */
#define READ_TRIES  4

void vch_ledger_fault_set(struct vch_ledger_fault *f, const char *file, const char *what)
{
    if (f != NULL) {
        *f = (struct vch_ledger_fault){.index = UINT64_MAX};
        (void)snprintf(f->file, sizeof(f->file), "%s", file);
        (void)snprintf(f->what, sizeof(f->what), "%s", what);
    }
}

struct vch_ledger_book *vch_ledger_book_new(const struct vch_ledger_book_options *o)
{
    struct vch_ledger_book *b = vch_mem_alloc(sizeof(*b));
    pthread_rwlockattr_t attr;
    pthread_condattr_t cond;

    b->cr = o->cr;
    b->dir = vch_mem_text(vch_text(o->dir));
    if (o->seen_file != NULL) {
        b->seen_file = vch_mem_text(vch_text(o->seen_file));
    } else {
        b->seen_file = vch_mem_alloc(strlen(o->dir) + 8);
        (void)snprintf(b->seen_file, strlen(o->dir) + 8, "%s/seen", o->dir);
    }
    b->read_only = o->read_only;
    b->empty = true;
    b->flushed_batch = UINT64_MAX;
    b->scratch = vch_buf_init(1u << 20);
    (void)pthread_rwlockattr_init(&attr);
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&b->lock, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    (void)pthread_condattr_init(&cond);
    (void)pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&b->tick, &cond);
    (void)pthread_condattr_destroy(&cond);
    (void)pthread_mutex_init(&b->tick_lock, NULL);
    vch_ledger_map_init(&b->map, o->cr);
    return b;
}

void vch_ledger_book_free(struct vch_ledger_book *b)
{
    vch_ledger_book_tree_close(b);
    vch_ledger_map_fini(&b->map);
    vch_ledger_view_close(&b->view);
    vch_ledger_log_close(&b->log);
    vch_file_unlock(&b->file_lock);
    (void)pthread_rwlock_destroy(&b->lock);
    (void)pthread_cond_destroy(&b->tick);
    (void)pthread_mutex_destroy(&b->tick_lock);
    vch_buf_fini(&b->scratch);
    vch_ledger_table_fini(&b->verified);
    vch_mem_free(b->st.recs);
    vch_mem_free(b->seen_file);
    vch_mem_free(b->dir);
    vch_mem_free(b);
}

/* ---- the view */

static vch_err bucket_load(void *arg, struct vch_bytes key, struct vch_bytes value)
{
    struct vch_ledger_book *b = arg;

    return vch_ledger_map_load(&b->map, key, value);
}

static vch_err map_load(struct vch_ledger_book *b, const struct vch_ledger_tag *tag)
{
    struct vch_hash root;

    VCH_TRY(vch_ledger_view_buckets(&b->view, bucket_load, b));
    vch_ledger_map_loaded(&b->map);
    vch_ledger_map_root(&b->map, &root);
    VCH_CHECK(!tag->present ||
                  (vch_hash_equal(&root, &tag->head.map_root) && b->map.count == tag->head.count),
              LEDGER_DAMAGED);
    return VCH_OK;
}

/* The commit record that the view's tag names must stand in the log. */
static vch_err tag_check(struct vch_ledger_book *b, const struct vch_ledger_tag *tag,
                         struct vch_ledger_fault *reterr)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf buf = vch_buf_init(VCH_LEDGER_RECORD_MAX + 64);
    struct vch_ledger_record r;
    struct vch_ledger_commit c;
    bool beyond = tag->commit_pos >= b->log.count * b->log.seg_size;

    if (beyond || !vch_ok(vch_ledger_log_read(&b->log, tag->commit_pos, &buf, &r)) ||
        r.kind != VCH_LEDGER_COMMIT || !vch_ok(vch_ledger_commit_decode(r.bytes, &c)) ||
        c.protected_header.n > sizeof(b->head.protected_header) || c.sig.n != sizeof(b->head.sig)) {
        bool gone = beyond || (buf.n >= 4 && memcmp(buf.p, "\0\0\0", 4) == 0);

        vch_ledger_log_fault(&b->log, tag->commit_pos,
                             gone ? "a signed head is gone that was recorded before"
                                  : "a signed head is damaged",
                             reterr);
        return gone ? VCH_E(LEDGER_ROLLED_BACK) : VCH_E(LEDGER_DAMAGED);
    }
    if (c.batch != tag->head.batch || c.size != tag->head.size ||
        !vch_hash_equal(&c.root, &tag->head.root)) {
        vch_ledger_log_fault(&b->log, tag->commit_pos,
                             "another history than the one recorded before", reterr);
        return VCH_E(LEDGER_ROLLED_BACK);
    }
    b->head = (struct signed_head){
        .head = tag->head, .commit_pos = tag->commit_pos, .protected_n = c.protected_header.n};
    memcpy(b->head.protected_header, c.protected_header.p, c.protected_header.n);
    memcpy(b->head.sig, c.sig.p, c.sig.n);
    b->end_pos = b->log.end = tag->end_pos;
    b->flushed_batch = tag->head.batch;
    b->empty = false;
    return VCH_OK;
}

static vch_err frontier_load(struct vch_ledger_book *b)
{
    struct vch_merkle_source src = vch_ledger_book_source(b);
    struct vch_hash root;

    VCH_TRY(vch_merkle_frontier_load(&src, b->head.head.size, &b->frontier));
    vch_merkle_frontier_root(b->cr, &b->frontier, &root);
    VCH_CHECK(vch_hash_equal(&root, &b->head.head.root), LEDGER_DAMAGED);
    return VCH_OK;
}

vch_err vch_ledger_book_view_open(struct vch_ledger_book *b,
                                  const struct vch_ledger_book_options *o,
                                  struct vch_ledger_fault *reterr)
{
    struct vch_ledger_tag tag = {.present = false};
    char path[BOOK_PATH];
    vch_err e;

    (void)snprintf(path, sizeof(path), "%s/view/data.mdb", o->dir);
    if (o->rebuild && !o->read_only) {
        (void)unlink(path);
        (void)snprintf(path, sizeof(path), "%s/view/lock.mdb", o->dir);
        (void)unlink(path);
    }
    if (!o->read_only || (!o->rebuild && access(path, F_OK) == 0)) {
        (void)snprintf(path, sizeof(path), "%s/view", o->dir);
        vch_ledger_fault_set(reterr, "view",
                             "the view is damaged; it can be made again from the log");
        VCH_TRY(vch_ledger_view_open(path, o->view_bytes != 0 ? o->view_bytes : VIEW_BYTES,
                                     o->read_only, &b->view, &tag));
    }
    if (tag.present) {
        VCH_TRY(tag_check(b, &tag, reterr));
    }
    e = vch_ledger_book_tree_open(b, &tag);
    if (vch_ok(e) && tag.present) {
        e = frontier_load(b);
    }
    if (!vch_ok(e)) {
        vch_ledger_fault_set(reterr, "tree",
                             "a file of the tree is damaged; it can be made again from the log");
        return e;
    }
    e = map_load(b, &tag);
    if (!vch_ok(e)) {
        vch_ledger_fault_set(reterr, "view",
                             "the view is damaged; it can be made again from the log");
    }
    return e;
}

/* ---- the log */

static vch_err id_load(struct vch_ledger_book *b, struct vch_ledger_fault *reterr)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf buf = vch_buf_init(VCH_LEDGER_RECORD_MAX + 64);
    struct vch_ledger_record r;
    struct vch_genesis g;
    struct vch_hash h;

    if (!vch_ok(vch_ledger_log_read(&b->log, VCH_LEDGER_SEGMENT_HEAD, &buf, &r)) ||
        !vch_ok(vch_genesis_decode(b->cr, r.bytes, &g))) {
        vch_ledger_log_fault(&b->log, VCH_LEDGER_SEGMENT_HEAD, "the genesis entry is damaged",
                             reterr);
        return VCH_E(LEDGER_DAMAGED);
    }
    memcpy(b->id, g.ledger_id.p, g.ledger_id.n);
    b->id[g.ledger_id.n] = 0;
    vch_sha256_of(b->cr, g.ledger_id, &h);
    VCH_CHECK(memcmp(h.b, b->log.id, sizeof(b->log.id)) == 0, LEDGER_ID);
    return VCH_OK;
}

vch_err vch_ledger_book_catch_up(struct vch_ledger_book *b, struct vch_ledger_fault *reterr)
{
    struct vch_ledger_walk w;
    vch_err e;

    vch_ledger_walk_init(&w, &b->log, b->empty ? 0 : b->end_pos);
    while (vch_ok(e = vch_ledger_walk_next(&w, reterr))) {
        e = vch_ledger_book_replay(b, &w, reterr);
        if (vch_ok(e) && !b->read_only && vch_ledger_book_unflushed(b) > REPLAY_HELD) {
            e = vch_ledger_book_flush(b);
        }
        if (!vch_ok(e)) {
            break;
        }
    }
    if (vch_err_is(e, VCH_E(LEDGER_NO_ENTRY))) {
        b->torn = w.torn;
        e = b->read_only ? VCH_OK : vch_ledger_walk_cut(&w);
        b->end_pos = b->log.end = w.pos;
    }
    vch_ledger_walk_fini(&w);
    return e;
}

/* The signature of the newest head; all older ones lead to it. */
vch_err vch_ledger_book_head_verify(struct vch_ledger_book *b, struct vch_ledger_fault *reterr)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf v = vch_buf_init(VCH_LEDGER_RECORD_MAX);
    struct vch_ledger_entry last;
    struct vch_state_authority a;
    struct vch_receipt r;
    struct vch_pubkey key;
    struct vch_cbor c;
    vch_err e;

    vch_ledger_fault_set(reterr, "log", "the signature of the newest head is wrong");
    VCH_TRY(vch_ledger_book_entry_at(b, b->head.head.size - 1, &last, NULL, &raw));
    VCH_TRY(vch_receipt_decode(vch_buf_get(&raw), &r));
    e = vch_ledger_book_state(b, VCH_STATE_AUTHORITY, vch_hash_bytes(&r.head.thumbprint), &v);
    VCH_CHECK(vch_ok(e), LEDGER_DAMAGED);
    VCH_TRY(vch_state_authority_decode(vch_buf_get(&v), &a));
    VCH_CHECK(a.role == VCH_ROLE_LEDGER, LEDGER_DAMAGED);
    c = vch_cbor(a.key, VCH_CBOR_STRICT);
    VCH_TRY(vch_cose_key_decode(b->cr, &c, &key));
    VCH_CHECK(vch_ok(vch_receipt_verify(b->cr, &r, vch_text(b->id), &key, &last.txid)),
              LEDGER_DAMAGED);
    return VCH_OK;
}

static vch_err book_load(struct vch_ledger_book *b, const struct vch_ledger_book_options *o,
                         struct vch_ledger_fault *reterr)
{
    VCH_TRY(vch_ledger_book_seen_load(b, reterr));
    VCH_TRY(vch_ledger_log_open(o->dir, o->read_only, &b->log, reterr));
    VCH_TRY(vch_ledger_book_view_open(b, o, reterr));
    VCH_TRY(vch_ledger_book_catch_up(b, reterr));
    VCH_CHECK(!b->empty, LEDGER_ABSENT);
    VCH_TRY(id_load(b, reterr));
    VCH_CHECK(o->ledger_id == NULL || strcmp(o->ledger_id, b->id) == 0, LEDGER_ID);
    VCH_TRY(vch_ledger_book_seen_check(b, reterr));
    VCH_TRY(vch_ledger_book_head_verify(b, reterr));
    b->tick_size = b->head.head.size;
    return VCH_OK;
}

vch_err vch_ledger_book_lock_dir(struct vch_ledger_book *b)
{
    char path[BOOK_PATH];
    vch_err e;

    if (b->read_only) {
        return VCH_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/log", b->dir);
    VCH_CHECK(access(path, F_OK) == 0, LEDGER_ABSENT);
    (void)snprintf(path, sizeof(path), "%s/lock", b->dir);
    e = vch_file_lock(path, &b->file_lock);
    VCH_CHECK(!vch_err_is(e, VCH_E(FILE_LOCKED)), LEDGER_LOCKED);
    return vch_err_is(e, VCH_E(FILE_MISSING)) ? VCH_E(LEDGER_ABSENT) : e;
}

vch_err vch_ledger_book_open(const struct vch_ledger_book_options *o, struct vch_ledger_book **ret,
                             struct vch_ledger_fault *reterr)
{
    vch_err e = VCH_E(BUG);

    VCH_CHECK(strlen(o->dir) < BOOK_PATH - 64, USAGE);
    /* A reader beside the writer may see a batch half-written: it looks again. */
    for (int tries = 0; tries < (o->read_only ? READ_TRIES : 1); tries++) {
        struct vch_ledger_book *b = vch_ledger_book_new(o);

        e = vch_ledger_book_lock_dir(b);
        if (vch_ok(e)) {
            e = book_load(b, o, reterr);
        }
        if (vch_ok(e)) {
            *ret = b;
            return VCH_OK;
        }
        vch_ledger_book_free(b);
        if (!vch_err_is(e, VCH_E(LEDGER_DAMAGED)) && !vch_err_is(e, VCH_E(LEDGER_ROLLED_BACK))) {
            break;
        }
    }
    return e;
}

void vch_ledger_book_close(struct vch_ledger_book *b)
{
    if (b == NULL) {
        return;
    }
    if (!b->read_only && !b->failed) {
        vch_ignore(vch_ledger_book_flush(b)); /* the next start replays what it lacks */
    }
    vch_ledger_book_free(b);
}
