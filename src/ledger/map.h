/* The state map in two parts: the upper tree in memory, and buckets of pairs in the view. A bucket
 * that grows too large is split where it stands, so the depth adapts by itself; the root depends on
 * the set of pairs alone. Private to the module.
 *
 * No bucket is believed: it must hash to what the upper tree says, whose root is signed.
 * req: Y.2247-7.1-7
 *
 * One thread stages and publishes, others look up; the owner's lock is held for writing around
 * publish, for reading around all else. */
#ifndef VOUCH_LEDGER_SRC_MAP_H
#define VOUCH_LEDGER_SRC_MAP_H

#include <vouch/base/buf.h>
#include <vouch/merkle/map.h>

#include "table.h"

#define VCH_LEDGER_BUCKET_KEY 8 /* the leading bits of its pairs' keys, big-endian, zero-filled */

struct vch_ledger_node {
    struct vch_hash hash;
    uint32_t left, right; /* 0 and 0: a bucket, empty if the hash is zero */
};

#define VCH_LEDGER_NODE_CHUNKS 4096

struct vch_ledger_patch {
    uint32_t at;
    struct vch_ledger_node node;
};

/* Where the buckets are; KEY has VCH_LEDGER_BUCKET_KEY bytes. */
struct vch_ledger_buckets {
    /* Replaces OUT. Errors: LEDGER_DAMAGED (missing), others of the store. */
    vch_err (*get)(void *self, struct vch_bytes key, struct vch_buf *out);
    /* An empty value removes the bucket, if there is one. */
    void (*put)(void *self, struct vch_bytes key, struct vch_bytes value);
    void *self;
    /* Buckets that were checked once in this batch; NULL: none are kept. */
    struct vch_ledger_table *cache;
};

struct vch_ledger_map {
    const struct vch_crypto *cr;
    struct vch_ledger_node *chunk[VCH_LEDGER_NODE_CHUNKS];
    uint32_t nodes;        /* published */
    uint32_t nodes_staged; /* with those of the batch under way */
    uint64_t count;        /* pairs, published */
    uint64_t count_staged;
    struct vch_ledger_patch *patch;
    size_t patches, patch_cap;
    struct vch_buf bucket; /* of the stager */
};

void vch_ledger_map_init(struct vch_ledger_map *m, const struct vch_crypto *cr);
void vch_ledger_map_fini(struct vch_ledger_map *m);

/* Building from stored buckets, in any order; then close computes the upper hashes.
 * Errors: LEDGER_DAMAGED. */
VCH_CHECKED vch_err vch_ledger_map_load(struct vch_ledger_map *m, struct vch_bytes key,
                                        struct vch_bytes value);
void vch_ledger_map_loaded(struct vch_ledger_map *m);

void vch_ledger_map_root(const struct vch_ledger_map *m, struct vch_hash *ret);

/* The value hash under K. Errors: NOT_FOUND; LEDGER_DAMAGED. */
VCH_CHECKED vch_err vch_ledger_map_get(const struct vch_ledger_map *m,
                                       const struct vch_ledger_buckets *b, const struct vch_hash *k,
                                       struct vch_buf *scratch, struct vch_hash *ret);
/* Proof of presence or absence. Errors: LEDGER_DAMAGED. */
VCH_CHECKED vch_err vch_ledger_map_prove(const struct vch_ledger_map *m,
                                         const struct vch_ledger_buckets *b,
                                         const struct vch_hash *k, struct vch_buf *scratch,
                                         struct vch_map_proof *ret);

/* Applies N pairs, ascending by key without duplicates, on trial: buckets are put, the root and the
 * count after it returned. Then publish, or unstage. Errors: LEDGER_DAMAGED; LIMIT. */
VCH_CHECKED vch_err vch_ledger_map_stage(struct vch_ledger_map *m,
                                         const struct vch_ledger_buckets *b,
                                         const struct vch_map_pair *pairs, size_t n,
                                         struct vch_hash *ret_root, uint64_t *ret_count);
void vch_ledger_map_publish(struct vch_ledger_map *m);
void vch_ledger_map_unstage(struct vch_ledger_map *m);

#endif
