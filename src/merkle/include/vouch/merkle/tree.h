/* vouch/merkle/tree.h - the Merkle tree of RFC 9162 section 2.1 over SHA-256.
 * Layer 2, pure, heap-free, thread-safe: no shared state.
 *
 * A tree of SIZE leaves has nodes (level, index): level 0 are the leaves, node (l, i) is the root
 * of the 2^l leaves from i * 2^l on. Only such complete nodes never change as the tree grows; they
 * are what a log stores and what a proof is made from. The empty tree's root is SHA-256 of nothing.
 */
#ifndef VOUCH_MERKLE_TREE_H
#define VOUCH_MERKLE_TREE_H

#include <vouch/crypto/port.h>

#define VCH_MERKLE_LEVELS   62 /* trees have at most 2^62 - 1 leaves */
#define VCH_MERKLE_SIZE_MAX (((uint64_t)1 << VCH_MERKLE_LEVELS) - 1)
#define VCH_MERKLE_PATH_MAX 64

/* SHA-256(0x00 || data): a leaf over the concatenation of N parts. */
void vch_merkle_leaf(const struct vch_crypto *cr, const struct vch_bytes *parts, size_t n,
                     struct vch_hash *ret);
/* The log leaf of an entry whose SHA-256 is ENTRY_HASH: SHA-256(0x00 || ENTRY_HASH)
 * (docs/formats.md 4). */
void vch_merkle_leaf_entry(const struct vch_crypto *cr, const struct vch_hash *entry_hash,
                           struct vch_hash *ret);
/* SHA-256(0x01 || left || right). RET may be one of the inputs. */
void vch_merkle_node(const struct vch_crypto *cr, const struct vch_hash *left,
                     const struct vch_hash *right, struct vch_hash *ret);

/* ---- frontier: the complete subtrees of a growing tree, 2 KB whatever its size.
 * {0} is the empty tree. h[l] holds a hash iff bit l of COUNT is set. No interior pointer: a copy
 * is a snapshot. */
struct vch_merkle_frontier {
    uint64_t count; /* leaves */
    struct vch_hash h[VCH_MERKLE_LEVELS];
};
/* Appends a leaf hash. Errors: LIMIT at VCH_MERKLE_SIZE_MAX leaves. */
VCH_CHECKED vch_err vch_merkle_frontier_append(const struct vch_crypto *cr,
                                               struct vch_merkle_frontier *f,
                                               const struct vch_hash *leaf);
/* Called for each complete node that an append brings about, the leaf (level 0) first. */
typedef void (*vch_merkle_emit_fn)(void *self, unsigned level, uint64_t index,
                                   const struct vch_hash *hash);
/* Append that tells EMIT of every new complete node, for those who store them. Errors: LIMIT. */
VCH_CHECKED vch_err vch_merkle_frontier_append_emit(const struct vch_crypto *cr,
                                                    struct vch_merkle_frontier *f,
                                                    const struct vch_hash *leaf,
                                                    vch_merkle_emit_fn emit, void *self);
void vch_merkle_frontier_root(const struct vch_crypto *cr, const struct vch_merkle_frontier *f,
                              struct vch_hash *ret);

/* ---- proofs */

/* Where complete nodes come from. NODE gives node (level, index); it is only asked for nodes that
 * the tree of the size in question completes. Its errors are passed on. */
struct vch_merkle_source {
    vch_err (*node)(void *self, unsigned level, uint64_t index, struct vch_hash *ret);
    void *self;
};
/* A source over an array of leaf hashes: computes nodes when asked, 2^level hashes each. */
struct vch_merkle_leaves {
    const struct vch_crypto *cr;
    const struct vch_hash *leaf;
    uint64_t count;
};
/* L must live as long as the source. Its node errors: MERKLE_RANGE. */
struct vch_merkle_source vch_merkle_leaves_source(struct vch_merkle_leaves *l);

/* Hashes of a proof, in the order of RFC 9162. */
struct vch_merkle_path {
    size_t count;
    struct vch_hash h[VCH_MERKLE_PATH_MAX];
};

/* Frontier of the first SIZE leaves, to go on appending. Errors: MERKLE_RANGE; the source's. */
VCH_CHECKED vch_err vch_merkle_frontier_load(const struct vch_merkle_source *src, uint64_t size,
                                             struct vch_merkle_frontier *ret);
/* Root of the first SIZE leaves. Errors: MERKLE_RANGE; the source's. */
VCH_CHECKED vch_err vch_merkle_root(const struct vch_crypto *cr,
                                    const struct vch_merkle_source *src, uint64_t size,
                                    struct vch_hash *ret);
/* PATH(index, D[size]) of section 2.1.3.1. Errors: MERKLE_RANGE unless index < size; the source's.
 */
VCH_CHECKED vch_err vch_merkle_inclusion(const struct vch_crypto *cr,
                                         const struct vch_merkle_source *src, uint64_t index,
                                         uint64_t size, struct vch_merkle_path *ret);
/* PROOF(size1, D[size2]) of section 2.1.4.1; empty if the sizes are equal.
 * Errors: MERKLE_RANGE unless 1 <= size1 <= size2; the source's. */
VCH_CHECKED vch_err vch_merkle_consistency(const struct vch_crypto *cr,
                                           const struct vch_merkle_source *src, uint64_t size1,
                                           uint64_t size2, struct vch_merkle_path *ret);

/* The root that the COUNT hashes of PATH lead to from LEAF. It proves something only when compared
 * with a root from elsewhere. Errors: MERKLE_RANGE (index not below size, size too large),
 * MERKLE_PATH (too many or too few hashes). */
VCH_CHECKED vch_err vch_merkle_inclusion_root(const struct vch_crypto *cr,
                                              const struct vch_hash *leaf, uint64_t index,
                                              uint64_t size, const struct vch_hash *path,
                                              size_t count, struct vch_hash *ret);
/* Errors: also MERKLE_ROOT if it leads elsewhere. */
VCH_CHECKED vch_err vch_merkle_inclusion_verify(const struct vch_crypto *cr,
                                                const struct vch_hash *leaf, uint64_t index,
                                                uint64_t size, const struct vch_hash *path,
                                                size_t count, const struct vch_hash *root);
/* Is the tree (size1, root1) a beginning of (size2, root2)? Section 2.1.4.2; size 0 is refused, as
 * every tree is consistent with the empty one and nothing is shown.
 * Errors: MERKLE_RANGE, MERKLE_PATH, MERKLE_ROOT. */
VCH_CHECKED vch_err vch_merkle_consistency_verify(const struct vch_crypto *cr, uint64_t size1,
                                                  const struct vch_hash *root1, uint64_t size2,
                                                  const struct vch_hash *root2,
                                                  const struct vch_hash *path, size_t count);

#endif
