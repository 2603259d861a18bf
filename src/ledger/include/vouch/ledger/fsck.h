/* vouch/ledger/fsck.h - checks a whole ledger on the local disk, and exports it for other tools.
 * Layer 9.
 *
 * The check believes nothing but the log, and of the log nothing but its signatures: it recomputes
 * every CRC, entry, leaf, tree node, state value, map root, batch and signature from the first
 * batch on, and compares the view, the tree files and the mark of the newest head with the result.
 *
 * req: Y.2247-7.1-7 */
#ifndef VOUCH_LEDGER_FSCK_H
#define VOUCH_LEDGER_FSCK_H

#include <vouch/ledger/book.h>

struct vch_ledger_fsck_options {
    const struct vch_crypto *cr;
    const char *dir;
    const char *seen_file;        /* see vch_ledger_book_options */
    const struct vch_pubkey *key; /* the ledger's receipt key as known from elsewhere: genesis must
                                   * name it. NULL: genesis is taken as it is */
    /* Called after each batch; NULL: none. */
    void (*progress)(void *arg, uint64_t batch, uint64_t entries);
    void *arg;
};

struct vch_ledger_fsck_report {
    struct vch_ledger_head head;
    char id[129];
    uint64_t statements;
    uint64_t signatures; /* verified: statements, registrations in them, heads */
    uint64_t torn_bytes; /* of an unfinished batch at the end, which the next start cuts off */
    bool view_checked;   /* false: there is no view; the next start makes it */
    uint64_t view_batch; /* what it has */
};

/* Needs memory for the whole state, about 1 KiB for each device. May run beside the writer.
 * Errors: LEDGER_DAMAGED, LEDGER_ROLLED_BACK with the first damaged place in reterr; LEDGER_KEY
 * (genesis does not name KEY); LEDGER_ABSENT; LEDGER_VERSION. */
VCH_CHECKED vch_err vch_ledger_fsck(const struct vch_ledger_fsck_options *o,
                                    struct vch_ledger_fsck_report *ret,
                                    struct vch_ledger_fault *reterr);

/* Writes the log as a C2SP tlog-tiles directory into TO (made if missing): checkpoint,
 * tile/<L>/<N>, tile/entries/<N>. An entry of the bundles is the 32-byte SHA-256 of the ledger's
 * entry, so a public reader computes our leaves. The checkpoint is made by SIGNER (an authority of
 * role checkpoint) for the head of B; without one (NULL) the file `checkpoint` of the ledger's
 * directory is taken, and the export ends at its size. Run again, it goes on where it ended.
 * Errors: LEDGER_NO_ENTRY (neither signer nor file); LEDGER_DAMAGED; those of files. */
VCH_CHECKED vch_err vch_ledger_export(struct vch_ledger_book *b, const char *to,
                                      const struct vch_signer *signer,
                                      void (*progress)(void *arg, uint64_t done, uint64_t total),
                                      void *arg, uint64_t *ret_size);
/* The verifier key text of the ledger's checkpoint key, NUL-terminated, for `tlog` tools.
 * Errors: NOT_FOUND (genesis names no checkpoint key); NO_ROOM. */
VCH_CHECKED vch_err vch_ledger_vkey(struct vch_ledger_book *b, struct vch_span out);

#endif
