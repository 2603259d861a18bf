/* vouch/contract/system.h - the entries that only the core makes (docs/formats.md 4): genesis,
 * which names the ledger and its authorities, and the state root at the end of each batch. Layer 6,
 * pure, heap-free, thread-safe: no shared state. */
#ifndef VOUCH_CONTRACT_SYSTEM_H
#define VOUCH_CONTRACT_SYSTEM_H

#include <vouch/contract/state.h>

#define VCH_GENESIS_AUTHORITIES 256        /* at most in genesis */
#define VCH_GENESIS_MAX         (1u << 20) /* bytes of the entry */
#define VCH_STATE_ROOT_MAX      80         /* bytes of the entry */

/* An authority as genesis names it. */
struct vch_genesis_authority {
    enum vch_role role;
    struct vch_bytes name; /* 1 to 128 bytes of UTF-8 */
    struct vch_pubkey key;
    struct vch_bytes cert; /* DER; empty: none. An AS must have one. */
};

/* The entry `[0, 1, ledger id, time, [+ authority]]` onto W.
 * Errors: GENESIS (no ledger key, a key twice, a name or certificate too long, an AS without a
 * certificate, a checkpoint key that is not Ed25519; the ledger's key under another name than the
 * ledger id); those of W. */
VCH_CHECKED vch_err vch_genesis_encode(const struct vch_crypto *cr, struct vch_bytes ledger_id,
                                       struct vch_time time, const struct vch_genesis_authority *a,
                                       size_t n, struct vch_writer *w);

/* A decoded genesis; views lie in the entry. */
struct vch_genesis {
    struct vch_bytes ledger_id;
    struct vch_time time;
    size_t count;          /* authorities */
    struct vch_bytes list; /* of vch_genesis_next */
};
/* Checks all of the entry, authorities included. Errors: those of the strict CBOR reader; GENESIS;
 * KEY, ALG. */
VCH_CHECKED vch_err vch_genesis_decode(const struct vch_crypto *cr, struct vch_bytes entry,
                                       struct vch_genesis *ret);
/* Takes the next authority off G->list. Errors: NOT_FOUND when all were taken; as above. */
VCH_CHECKED vch_err vch_genesis_next(const struct vch_crypto *cr, struct vch_genesis *g,
                                     struct vch_genesis_authority *ret);

/* `[1, batch number, batch time, count, map root]` */
struct vch_state_root {
    uint64_t batch;
    struct vch_time time;
    uint64_t count; /* entries in the map */
    struct vch_hash map_root;
};
void vch_state_root_encode(const struct vch_state_root *r, struct vch_writer *w);
/* Errors: those of the strict CBOR reader. */
VCH_CHECKED vch_err vch_state_root_decode(struct vch_bytes entry, struct vch_state_root *ret);

/* Is the entry one of these by its first byte? A statement begins with a tag. */
static inline bool vch_entry_is_system(struct vch_bytes entry)
{
    return entry.n > 0 && entry.p[0] >> 5 == 4;
}

#endif
