/* Making a new ledger: an empty log, then genesis as its first batch. */
#include "book_int.h"

static vch_err genesis_commit(struct vch_ledger_book *b, const struct vch_bytes genesis,
                              struct vch_time time, const struct vch_signer *signer)
{
    struct vch_ledger_head head;

    VCH_TRY(vch_ledger_book_begin(b, time));
    VCH_TRY(vch_ledger_book_stage_genesis(b, genesis));
    VCH_TRY(vch_ledger_book_seal(b, &head));
    VCH_TRY(vch_ledger_book_commit(b, signer));
    return vch_ledger_book_flush(b);
}

static vch_err genesis_make(const struct vch_crypto *cr, const char *ledger_id,
                            struct vch_time time, const struct vch_genesis_authority *a, size_t n,
                            const struct vch_signer *signer, struct vch_buf *ret)
{
    bool named = false;
    struct vch_span room;
    struct vch_writer w;
    struct vch_bytes out;

    for (size_t i = 0; i < n; i++) {
        named =
            named || (a[i].role == VCH_ROLE_LEDGER && vch_pubkey_equal(&a[i].key, &signer->pub));
    }
    VCH_CHECK(named, LEDGER_KEY);
    VCH_TRY(vch_buf_room(ret, VCH_GENESIS_MAX, &room));
    w = vch_writer(room);
    VCH_TRY(vch_genesis_encode(cr, vch_text(ledger_id), time, a, n, &w));
    VCH_TRY(vch_writer_finish(&w, &out));
    vch_buf_added(ret, out.n);
    return VCH_OK;
}

static vch_err create_in(struct vch_ledger_book *b, const struct vch_ledger_book_options *o,
                         const char *ledger_id, struct vch_bytes genesis, struct vch_time time,
                         uint64_t segment_bytes, const struct vch_signer *signer)
{
    struct vch_hash id;
    vch_err e;

    vch_sha256_of(o->cr, vch_text(ledger_id), &id);
    e = vch_ledger_log_create(o->dir, segment_bytes != 0 ? segment_bytes : VCH_LEDGER_SEGMENT_SIZE,
                              id.b);
    if (vch_err_is(e, VCH_E(LEDGER_EXISTS))) {
        /* A creation that broke off before the first batch is gone on with. */
        struct vch_ledger_walk w;
        bool begun;

        VCH_TRY(vch_ledger_log_open(o->dir, true, &b->log, NULL));
        vch_ledger_walk_init(&w, &b->log, 0);
        begun = !vch_err_is(vch_ledger_walk_next(&w, NULL), VCH_E(LEDGER_NO_ENTRY)) ||
                memcmp(b->log.id, id.b, sizeof(b->log.id)) != 0;
        vch_ledger_walk_fini(&w);
        vch_ledger_log_close(&b->log);
        VCH_CHECK(!begun, LEDGER_EXISTS);
        e = VCH_OK;
    }
    VCH_TRY(e);
    VCH_TRY(vch_ledger_book_lock_dir(b));
    VCH_TRY(vch_ledger_log_open(o->dir, false, &b->log, NULL));
    VCH_TRY(vch_ledger_book_view_open(b, o, NULL));
    VCH_TRY(vch_ledger_book_catch_up(b, NULL));
    VCH_CHECK(b->empty, LEDGER_EXISTS);
    return genesis_commit(b, genesis, time, signer);
}

vch_err vch_ledger_book_create(const struct vch_ledger_book_options *o, const char *ledger_id,
                               struct vch_time time, const struct vch_genesis_authority *a,
                               size_t n, uint64_t segment_bytes, const struct vch_signer *signer)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf genesis = vch_buf_init(VCH_GENESIS_MAX);
    struct vch_ledger_book *b;
    vch_err e;

    VCH_CHECK(strlen(o->dir) < BOOK_PATH - 64 && !o->read_only, USAGE);
    VCH_TRY(genesis_make(o->cr, ledger_id, time, a, n, signer, &genesis));
    VCH_TRY(vch_dir_make(o->dir, 0));
    b = vch_ledger_book_new(o);
    e = create_in(b, o, ledger_id, vch_buf_get(&genesis), time, segment_bytes, signer);
    vch_ledger_book_free(b);
    return e;
}
