/* The log as a C2SP tlog-tiles directory. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/ledger/fsck.h>
#include <vouch/merkle/checkpoint.h>
#include <vouch/merkle/tile.h>

#include "book_int.h"

struct export
{
    struct vch_ledger_book *b;
    const char *to;
    uint64_t size;
    uint64_t done, total; /* tiles */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
};

static vch_err key_find(void *arg, const struct vch_ledger_authority *a)
{
    if (a->role == VCH_ROLE_CHECKPOINT) {
        *(struct vch_pubkey *)arg = a->key;
        return VCH_E(EXISTS);
    }
    return VCH_OK;
}

vch_err vch_ledger_vkey(struct vch_ledger_book *b, struct vch_span out)
{
    struct vch_writer w = vch_writer(out);
    struct vch_pubkey key;
    struct vch_bytes text;
    vch_err e = vch_ledger_book_authorities(b, key_find, &key);

    VCH_CHECK(!vch_ok(e), NOT_FOUND);
    VCH_CHECK(vch_err_is(e, VCH_E(EXISTS)), LEDGER_DAMAGED);
    vch_note_vkey_encode(b->cr, vch_text(b->id), VCH_NOTE_ED25519, &key, &w);
    vch_writer_u8(&w, 0);
    return vch_writer_finish(&w, &text);
}

/* Makes the directories above the file PATH. */
static vch_err parents(char *path, size_t from)
{
    for (char *p = path + from; (p = strchr(p, '/')) != NULL; p++) {
        vch_err e;

        *p = 0;
        e = access(path, F_OK) == 0 ? VCH_OK : vch_dir_make(path, 0);
        *p = '/';
        VCH_TRY(e);
    }
    return VCH_OK;
}

static vch_err tile_write(struct export *x, const struct vch_tile *t)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf data = vch_buf_init(16384);
    char name[VCH_TILE_PATH_ROOM], path[BOOK_PATH];
    struct vch_bytes text;

    VCH_TRY(vch_tile_path_encode(t, VCH_SPAN_OF(name), &text));
    (void)snprintf(path, sizeof(path), "%s/%s", x->to, name);
    x->done++;
    if (x->progress != NULL) {
        x->progress(x->arg, x->done, x->total);
    }
    if (access(path, F_OK) == 0) {
        return VCH_OK; /* tiles never change */
    }
    VCH_TRY(vch_ledger_book_tile(x->b, t->level, t->index, t->width, &data));
    VCH_TRY(parents(path, strlen(x->to) + 1));
    return vch_file_write_atomic(path, vch_buf_get(&data), 0);
}

static uint64_t tiles_of(int level, uint64_t size)
{
    return (vch_tile_hashes(level, size) + VCH_TILE_HASHES - 1) / VCH_TILE_HASHES;
}

static vch_err level_write(struct export *x, int level)
{
    uint64_t hashes = vch_tile_hashes(level, x->size);

    for (uint64_t i = 0; i < tiles_of(level, x->size); i++) {
        uint64_t left = hashes - i * VCH_TILE_HASHES;
        struct vch_tile t = {level, i, left < VCH_TILE_HASHES ? (uint16_t)left : VCH_TILE_HASHES};

        VCH_TRY(tile_write(x, &t));
    }
    return VCH_OK;
}

/* The note that the export is for, and its size. */
static vch_err note_take(struct export *x, const struct vch_signer *signer, struct vch_buf *ret)
{
    struct vch_ledger_head head;
    struct vch_checkpoint cp;
    struct vch_note note;
    char path[BOOK_PATH];
    vch_err e;

    vch_ledger_book_head(x->b, &head);
    if (signer != NULL) {
        x->size = head.size;
        return vch_ledger_book_checkpoint(x->b, &head, signer, ret);
    }
    (void)snprintf(path, sizeof(path), "%s/checkpoint", x->b->dir);
    e = vch_file_read(path, 0, ret);
    VCH_CHECK(!vch_err_is(e, VCH_E(FILE_MISSING)), LEDGER_NO_ENTRY);
    VCH_TRY(e);
    VCH_TRY(vch_note_decode(vch_buf_get(ret), &note));
    VCH_TRY(vch_checkpoint_decode(note.text, &cp));
    VCH_CHECK(cp.size <= head.size, LEDGER_ROLLED_BACK);
    x->size = cp.size;
    return VCH_OK;
}

vch_err vch_ledger_export(struct vch_ledger_book *b, const char *to,
                          const struct vch_signer *signer,
                          void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                          uint64_t *ret_size)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf note = vch_buf_init(VCH_NOTE_MAX);
    struct export x = {.b = b, .to = to, .progress = progress, .arg = arg};
    char path[BOOK_PATH];

    VCH_CHECK(strlen(to) + VCH_TILE_PATH_ROOM + 2 < sizeof(path), USAGE);
    VCH_TRY(note_take(&x, signer, &note));
    VCH_TRY(vch_dir_make(to, 0));
    x.total = tiles_of(VCH_TILE_ENTRIES, x.size);
    for (int level = 0; level < VCH_TILE_LEVELS; level++) {
        x.total += tiles_of(level, x.size);
    }
    VCH_TRY(level_write(&x, VCH_TILE_ENTRIES));
    for (int level = 0; level < VCH_TILE_LEVELS && vch_tile_hashes(level, x.size) > 0; level++) {
        VCH_TRY(level_write(&x, level));
    }
    (void)snprintf(path, sizeof(path), "%s/checkpoint", to);
    VCH_TRY(vch_file_write_atomic(path, vch_buf_get(&note), 0)); /* last: it names the tiles */
    *ret_size = x.size;
    return VCH_OK;
}
