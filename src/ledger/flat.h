/* A growing array of items of one size: a file, and in memory what the file does not have yet.
 * Private to the module. It holds only what the log gives again: nodes of the tree, positions.
 *
 * One thread stages and publishes, one flushes, any number read. The owner's lock is held for
 * writing around publish and flushed, for reading around get and tail. */
#ifndef VOUCH_LEDGER_SRC_FLAT_H
#define VOUCH_LEDGER_SRC_FLAT_H

#include <vouch/base/buf.h>

struct vch_ledger_flat {
    int fd; /* -1: no file yet */
    size_t item;
    uint64_t flushed;      /* items in the file */
    uint64_t count;        /* items published */
    struct vch_buf tail;   /* items flushed..count */
    struct vch_buf staged; /* items of the batch under way */
};

/* Opens PATH, of which the first COUNT items count; NULL: there is no file yet.
 * Errors: LEDGER_DAMAGED (no such file, or shorter). */
VCH_CHECKED vch_err vch_ledger_flat_open(const char *path, size_t item, uint64_t count,
                                         bool read_only, struct vch_ledger_flat *ret);
/* Makes the file of a flat that has none. Errors: LEDGER_FAILED. */
VCH_CHECKED vch_err vch_ledger_flat_make(const char *path, struct vch_ledger_flat *f);
void vch_ledger_flat_close(struct vch_ledger_flat *f);

void vch_ledger_flat_stage(struct vch_ledger_flat *f, struct vch_bytes item);
void vch_ledger_flat_unstage(struct vch_ledger_flat *f);
void vch_ledger_flat_publish(struct vch_ledger_flat *f);

/* Item IDX, published. Errors: LEDGER_DAMAGED (beyond the end, or unreadable). */
VCH_CHECKED vch_err vch_ledger_flat_get(const struct vch_ledger_flat *f, uint64_t idx,
                                        uint8_t *ret);
/* N items from IDX on. */
VCH_CHECKED vch_err vch_ledger_flat_range(const struct vch_ledger_flat *f, uint64_t idx, size_t n,
                                          uint8_t *ret);

/* N items from IDX on that are known to lie in the file: needs no lock. Errors: LEDGER_DAMAGED. */
VCH_CHECKED vch_err vch_ledger_flat_file(const struct vch_ledger_flat *f, uint64_t idx, size_t n,
                                         uint8_t *ret);

/* Flushing: copy the tail into OUT, then (without the lock) write it, then drop it from memory. */
VCH_CHECKED vch_err vch_ledger_flat_tail(const struct vch_ledger_flat *f, struct vch_buf *out);
VCH_CHECKED vch_err vch_ledger_flat_write(const struct vch_ledger_flat *f, struct vch_bytes items);
void vch_ledger_flat_flushed(struct vch_ledger_flat *f, size_t bytes);

#endif
