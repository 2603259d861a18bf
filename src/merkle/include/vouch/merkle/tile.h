/* vouch/merkle/tile.h - where the hashes of a tree lie in C2SP tlog-tiles (v0.1.0), and their
 * paths. Layer 2, pure, heap-free, thread-safe: no shared state.
 *
 * A tile of level L holds up to 256 hashes: the complete nodes (8 L, 256 N) to (8 L, 256 N + 255)
 * of the tree. A full tile is 8192 bytes and never changes; the last of a level may be partial. */
#ifndef VOUCH_MERKLE_TILE_H
#define VOUCH_MERKLE_TILE_H

#include <vouch/merkle/tree.h>

#define VCH_TILE_HASHES    256
#define VCH_TILE_HEIGHT    8
#define VCH_TILE_LEVELS    8    /* levels 0 to 7 hold trees of VCH_MERKLE_SIZE_MAX leaves */
#define VCH_TILE_PATH_ROOM 64   /* of a path with its NUL */
#define VCH_TILE_ENTRIES   (-1) /* level of an entry bundle: tile/entries/<N> */

struct vch_tile {
    int level;      /* 0 to 63, or VCH_TILE_ENTRIES */
    uint64_t index; /* N */
    uint16_t width; /* hashes: 1 to 256 */
};

/* Hashes in the level-LEVEL tiles of a tree of SIZE leaves: size / 256^level. */
uint64_t vch_tile_hashes(int level, uint64_t size);
/* The tile that holds node (level, index) of a tree of SIZE leaves or, for levels that are no
 * multiple of 8, the nodes it is computed from; *ret_first is the offset of the first of them in
 * the tile, *ret_count their number. Errors: MERKLE_RANGE unless the tree completes that node. */
VCH_CHECKED vch_err vch_tile_locate(unsigned level, uint64_t index, uint64_t size,
                                    struct vch_tile *ret, unsigned *ret_first, unsigned *ret_count);
/* Root of N = 2^k hashes of a tile. Errors: MERKLE_RANGE unless N is a power of two up to 256. */
VCH_CHECKED vch_err vch_tile_node(const struct vch_crypto *cr, const struct vch_hash *hash,
                                  unsigned n, struct vch_hash *ret);

/* "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]", N in groups of three digits
 * (1234067 is x001/x234/067), NUL-terminated. Errors: MERKLE_RANGE; NO_ROOM. */
VCH_CHECKED vch_err vch_tile_path_encode(const struct vch_tile *t, struct vch_span out,
                                         struct vch_bytes *ret);
/* Only the canonical form, nothing before or after. Errors: TILE_PATH. */
VCH_CHECKED vch_err vch_tile_path_decode(struct vch_bytes path, struct vch_tile *ret);
/* Errors: MERKLE_RANGE if a tree of SIZE leaves has no such tile of that width or more. */
VCH_CHECKED vch_err vch_tile_check(const struct vch_tile *t, uint64_t size);

#endif
