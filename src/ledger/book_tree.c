/* The flat files of a book: complete nodes of the tree by level, positions of entries and commit
 * records. */
#include <stdio.h>

#include "book_int.h"

#define POSITION_ITEM 8
#define BATCH_ITEM    16

struct vch_ledger_flat *vch_ledger_book_flat(struct vch_ledger_book *b, size_t i)
{
    if (i < VCH_MERKLE_LEVELS) {
        return &b->level[i];
    }
    return i == VCH_MERKLE_LEVELS ? &b->positions : &b->batches;
}

void vch_ledger_book_flat_path(const struct vch_ledger_book *b, size_t i, char ret[BOOK_PATH])
{
    if (i < VCH_MERKLE_LEVELS) {
        (void)snprintf(ret, BOOK_PATH, "%s/tree/level-%02zu", b->dir, i);
    } else {
        (void)snprintf(ret, BOOK_PATH, "%s/tree/%s", b->dir,
                       i == VCH_MERKLE_LEVELS ? "positions" : "batches");
    }
}

static size_t flat_item(size_t i)
{
    if (i < VCH_MERKLE_LEVELS) {
        return VCH_HASH_LEN;
    }
    return i == VCH_MERKLE_LEVELS ? POSITION_ITEM : BATCH_ITEM;
}

static uint64_t flat_count(size_t i, const struct vch_ledger_tag *tag)
{
    if (!tag->present) {
        return 0;
    }
    if (i < VCH_MERKLE_LEVELS) {
        return tag->head.size >> i;
    }
    return i == VCH_MERKLE_LEVELS ? tag->head.size : tag->head.batch + 1;
}

vch_err vch_ledger_book_tree_open(struct vch_ledger_book *b, const struct vch_ledger_tag *tag)
{
    char path[BOOK_PATH];

    if (!b->read_only) {
        (void)snprintf(path, sizeof(path), "%s/tree", b->dir);
        VCH_TRY(vch_dir_make(path, 0));
    }
    for (size_t i = 0; i < BOOK_FLATS; i++) {
        struct vch_ledger_flat *f = vch_ledger_book_flat(b, i);
        uint64_t count = flat_count(i, tag);

        vch_ledger_book_flat_path(b, i, path);
        VCH_TRY(
            vch_ledger_flat_open(count > 0 ? path : NULL, flat_item(i), count, b->read_only, f));
    }
    return VCH_OK;
}

void vch_ledger_book_tree_close(struct vch_ledger_book *b)
{
    for (size_t i = 0; i < BOOK_FLATS; i++) {
        vch_ledger_flat_close(vch_ledger_book_flat(b, i));
    }
}

static void emit(void *self, unsigned level, uint64_t index, const struct vch_hash *hash)
{
    struct vch_ledger_book *b = self;

    (void)index; /* each level's nodes come about in order */
    vch_ledger_flat_stage(&b->level[level], vch_hash_bytes(hash));
}

vch_err vch_ledger_book_tree_stage(struct vch_ledger_book *b, const struct vch_hash *entry_hash)
{
    struct vch_hash leaf;

    vch_merkle_leaf_entry(b->cr, entry_hash, &leaf);
    return vch_merkle_frontier_append_emit(b->cr, &b->st.frontier, &leaf, emit, b);
}

void vch_ledger_book_tree_unstage(struct vch_ledger_book *b)
{
    for (size_t i = 0; i < BOOK_FLATS; i++) {
        vch_ledger_flat_unstage(vch_ledger_book_flat(b, i));
    }
}

void vch_ledger_book_tree_publish(struct vch_ledger_book *b)
{
    for (size_t i = 0; i < BOOK_FLATS; i++) {
        struct vch_ledger_flat *f = vch_ledger_book_flat(b, i);

        if (f->staged.n > 0) {
            vch_ledger_flat_publish(f);
        }
    }
}

vch_err vch_ledger_book_tree_flush(struct vch_ledger_book *b, struct vch_buf *copies, size_t n)
{
    char path[BOOK_PATH];
    bool made = false;

    for (size_t i = 0; i < n; i++) {
        struct vch_ledger_flat *f = vch_ledger_book_flat(b, i);

        if (copies[i].n == 0) {
            continue;
        }
        if (f->fd < 0) {
            vch_ledger_book_flat_path(b, i, path);
            VCH_TRY(vch_ledger_flat_make(path, f));
            made = true;
        }
        VCH_TRY(vch_ledger_flat_write(f, vch_buf_get(&copies[i])));
    }
    if (made) {
        (void)snprintf(path, sizeof(path), "%s/tree", b->dir);
        return vch_dir_sync(path);
    }
    return VCH_OK;
}
