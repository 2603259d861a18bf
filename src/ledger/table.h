/* A table of byte keys and values in memory: what the log has and the view on disk has not yet.
 * Private to the module; the owner locks. Entries live until the whole table is emptied. */
#ifndef VOUCH_LEDGER_SRC_TABLE_H
#define VOUCH_LEDGER_SRC_TABLE_H

#include <vouch/base/buf.h>

struct vch_ledger_slot {
    struct vch_ledger_slot *next;
    uint8_t *value;
    uint32_t n, cap;
    uint8_t key_n;
    uint8_t key[];
};

struct vch_ledger_chunk;

struct vch_ledger_table {
    struct vch_ledger_slot **heads;
    size_t width; /* a power of two, or 0 */
    size_t count;
    size_t held; /* bytes of memory for keys and values */
    struct vch_ledger_chunk *chunks;
};

/* {0} is empty. */
void vch_ledger_table_fini(struct vch_ledger_table *t);
/* Empties the table and gives its memory back. */
void vch_ledger_table_reset(struct vch_ledger_table *t);
void vch_ledger_table_put(struct vch_ledger_table *t, struct vch_bytes key, struct vch_bytes value);
/* The value as a view until the next change, or false. */
bool vch_ledger_table_get(const struct vch_ledger_table *t, struct vch_bytes key,
                          struct vch_bytes *ret);
/* Moves all of FROM, whose values win, into INTO; FROM is left empty. */
void vch_ledger_table_merge(struct vch_ledger_table *into, struct vch_ledger_table *from);
/* The entries in ascending order of their keys; vch_mem_free the array. */
struct vch_ledger_slot **vch_ledger_table_sorted(const struct vch_ledger_table *t);

#endif
