/* vouch/ledger/wire.h - what a ledger answers over HTTPS, as strict CBOR; the same on both sides.
 * Layer 9; the functions here are pure and heap-free. Media type application/cbor.
 *
 *     entry   = [index, batch, bstr entry, bstr receipt]
 *     entries = [* entry]
 *     head    = [bstr state-root entry, bstr receipt of it, bstr checkpoint]
 *     path    = [* bstr32]
 *
 * Index, time and size stand in the receipt too, where they are signed; the batch number is proven
 * for a head only. */
#ifndef VOUCH_LEDGER_WIRE_H
#define VOUCH_LEDGER_WIRE_H

#include <vouch/cbor/cbor.h>
#include <vouch/ledger/ledger.h>

#define VCH_LEDGER_WIRE_ENTRY_MAX (1100u * 1024) /* genesis may be as long */
#define VCH_LEDGER_WIRE_HEAD_MAX  (16u * 1024)
#define VCH_LEDGER_WIRE_LIST      64 /* entries of one answer at most */

struct vch_ledger_wire_entry {
    uint64_t index;
    uint64_t batch;
    struct vch_bytes bytes;
    struct vch_bytes receipt;
};
void vch_ledger_wire_entry_put(const struct vch_ledger_wire_entry *e, struct vch_writer *w);
/* One entry from C, which goes on behind it. Errors: those of the strict CBOR reader. */
VCH_CHECKED vch_err vch_ledger_wire_entry_get(struct vch_cbor *c,
                                              struct vch_ledger_wire_entry *ret);

struct vch_ledger_wire_head {
    struct vch_bytes root_entry;
    struct vch_bytes receipt;
    struct vch_bytes checkpoint; /* empty: the ledger has no checkpoint key */
};
void vch_ledger_wire_head_put(const struct vch_ledger_wire_head *h, struct vch_writer *w);
VCH_CHECKED vch_err vch_ledger_wire_head_get(struct vch_bytes in, struct vch_ledger_wire_head *ret);

/* PATH: hashes one after the other. Errors of get: also LIMIT (over VCH_LEDGER_PATH_MAX hashes). */
void vch_ledger_wire_path_put(struct vch_bytes path, struct vch_writer *w);
VCH_CHECKED vch_err vch_ledger_wire_path_get(struct vch_bytes in, struct vch_buf *ret);

#endif
