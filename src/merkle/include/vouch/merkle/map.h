/* vouch/merkle/map.h - the authenticated state map (docs/formats.md 4): a binary tree over 256-bit
 * keys whose root depends only on the set of pairs.
 * Layer 2, pure, heap-free, thread-safe: no shared state.
 *
 *   root({})       = 32 zero bytes
 *   root({k: v})   = SHA-256(0x02 || k || v)                     wherever it stands
 *   root otherwise = SHA-256(0x03 || root(bit 0) || root(bit 1)) by the bits of k, highest first */
#ifndef VOUCH_MERKLE_MAP_H
#define VOUCH_MERKLE_MAP_H

#include <vouch/crypto/port.h>

#define VCH_MAP_DEPTH_MAX      256
#define VCH_MAP_PROOF_SIZE_MAX (VCH_MAP_DEPTH_MAX * 34 + 80) /* of an encoded proof */

struct vch_map_pair {
    struct vch_hash k;
    struct vch_hash v;
};

/* k = SHA-256(kind || id) */
void vch_map_key(const struct vch_crypto *cr, uint8_t kind, struct vch_bytes id,
                 struct vch_hash *ret);
/* v = SHA-256(value) */
void vch_map_value(const struct vch_crypto *cr, struct vch_bytes value, struct vch_hash *ret);

enum vch_map_node_kind { VCH_MAP_EMPTY = 0, VCH_MAP_SINGLE = 1, VCH_MAP_MULTI = 2 };

/* A subtree: how many pairs (none, one, more) and its root. {0} is the empty one. */
struct vch_map_node {
    struct vch_hash hash;
    enum vch_map_node_kind kind;
};
void vch_map_node_single(const struct vch_crypto *cr, const struct vch_hash *k,
                         const struct vch_hash *v, struct vch_map_node *ret);
/* The subtree of which LEFT (bit 0) and RIGHT (bit 1) are the halves: an empty half leaves a single
 * pair as it is, two halves with two pairs or more in all are hashed. RET may be an input. */
void vch_map_node_combine(const struct vch_crypto *cr, const struct vch_map_node *left,
                          const struct vch_map_node *right, struct vch_map_node *ret);

/* Bit number BIT of K, 0 the most significant. */
static inline unsigned vch_map_bit(const struct vch_hash *k, unsigned bit)
{
    return (k->b[bit / 8] >> (7 - bit % 8)) & 1U;
}

/* The subtree of COUNT pairs that agree in their first DEPTH bits, ascending by k without
 * duplicates. DEPTH 0: the whole map. Errors: MAP_ORDER. */
VCH_CHECKED vch_err vch_map_subtree(const struct vch_crypto *cr, const struct vch_map_pair *pairs,
                                    size_t count, unsigned depth, struct vch_map_node *ret);
/* The root of COUNT pairs, ascending by k. Errors: MAP_ORDER. */
VCH_CHECKED vch_err vch_map_root(const struct vch_crypto *cr, const struct vch_map_pair *pairs,
                                 size_t count, struct vch_hash *ret);

enum vch_map_terminal {
    VCH_MAP_HERE = 0,    /* the key itself is the leaf */
    VCH_MAP_NOTHING = 1, /* an empty subtree */
    VCH_MAP_OTHER = 2    /* another single pair stands where the key would */
};

/* 8 KB. Filled by vch_map_prove, by vch_map_proof_decode, or by a store that walks its own nodes:
 * sibling[d] is the other half below depth d, all zero if empty. */
struct vch_map_proof {
    unsigned depth; /* siblings, from the root down */
    enum vch_map_terminal terminal;
    struct vch_map_pair other; /* for VCH_MAP_OTHER */
    struct vch_hash sibling[VCH_MAP_DEPTH_MAX];
};

/* Proof of presence or absence of K from COUNT ascending pairs. Errors: MAP_ORDER. */
VCH_CHECKED vch_err vch_map_prove(const struct vch_crypto *cr, const struct vch_map_pair *pairs,
                                  size_t count, const struct vch_hash *k,
                                  struct vch_map_proof *ret);
/* `[[* sibling], terminal]` onto W. */
void vch_map_proof_encode(const struct vch_map_proof *p, struct vch_writer *w);
/* Strict, the whole input. Errors: those of vch_cbor reads, TRAILING, MAP_PROOF. */
VCH_CHECKED vch_err vch_map_proof_decode(struct vch_bytes in, struct vch_map_proof *ret);
/* Does P show that the map with ROOT holds V under K or, with V NULL, that it holds nothing there?
 * Errors: MAP_PROOF (a form that no map gives, or presence shown where absence is asked or the
 * other way round), MAP_ROOT (it leads to another root). */
VCH_CHECKED vch_err vch_map_proof_verify(const struct vch_crypto *cr, const struct vch_map_proof *p,
                                         const struct vch_hash *root, const struct vch_hash *k,
                                         const struct vch_hash *v);

#endif
