#include <vouch/merkle/tile.h>

#include "decimal.h"

uint64_t vch_tile_hashes(int level, uint64_t size)
{
    if (level == VCH_TILE_ENTRIES) {
        return size;
    }
    return level < 0 || level >= VCH_TILE_LEVELS ? 0 : size >> (VCH_TILE_HEIGHT * level);
}

vch_err vch_tile_locate(unsigned level, uint64_t index, uint64_t size, struct vch_tile *ret,
                        unsigned *ret_first, unsigned *ret_count)
{
    unsigned sub = level % VCH_TILE_HEIGHT;
    struct vch_tile t;
    uint64_t at, rest;

    VCH_CHECK(level < VCH_MERKLE_LEVELS && size <= VCH_MERKLE_SIZE_MAX, MERKLE_RANGE);
    VCH_CHECK(index < size >> level, MERKLE_RANGE);
    at = index << sub;
    t.level = (int)(level / VCH_TILE_HEIGHT);
    t.index = at / VCH_TILE_HASHES;
    rest = vch_tile_hashes(t.level, size) - t.index * VCH_TILE_HASHES;
    t.width = (uint16_t)(rest < VCH_TILE_HASHES ? rest : VCH_TILE_HASHES);
    *ret = t;
    *ret_first = (unsigned)(at % VCH_TILE_HASHES);
    *ret_count = 1U << sub;
    return VCH_OK;
}

vch_err vch_tile_node(const struct vch_crypto *cr, const struct vch_hash *hash, unsigned n,
                      struct vch_hash *ret)
{
    struct vch_merkle_frontier f = {0};

    VCH_CHECK(n != 0 && n <= VCH_TILE_HASHES && (n & (n - 1)) == 0, MERKLE_RANGE);
    /* above level 0 the nodes are combined exactly as leaf hashes are */
    for (unsigned i = 0; i < n; i++) {
        VCH_TRY(vch_merkle_frontier_append(cr, &f, &hash[i]));
    }
    vch_merkle_frontier_root(cr, &f, ret);
    return VCH_OK;
}

static void put_group(struct vch_writer *w, bool more, unsigned v)
{
    if (more) {
        vch_writer_u8(w, 'x');
    }
    vch_writer_u8(w, (uint8_t)('0' + v / 100));
    vch_writer_u8(w, (uint8_t)('0' + v / 10 % 10));
    vch_writer_u8(w, (uint8_t)('0' + v % 10));
}

vch_err vch_tile_path_encode(const struct vch_tile *t, struct vch_span out, struct vch_bytes *ret)
{
    struct vch_writer w = vch_writer(out);
    struct vch_bytes path;
    uint64_t scale = 1;

    VCH_CHECK(t->level >= VCH_TILE_ENTRIES && t->level <= 63, MERKLE_RANGE);
    VCH_CHECK(t->width >= 1 && t->width <= VCH_TILE_HASHES, MERKLE_RANGE);
    vch_writer_bytes(&w, vch_text("tile/"));
    if (t->level == VCH_TILE_ENTRIES) {
        vch_writer_bytes(&w, vch_text("entries"));
    } else {
        put_decimal(&w, (uint64_t)t->level);
    }
    while (t->index / scale >= 1000) {
        scale *= 1000;
    }
    for (; scale != 0; scale /= 1000) {
        vch_writer_u8(&w, '/');
        put_group(&w, scale != 1, (unsigned)(t->index / scale % 1000));
    }
    if (t->width != VCH_TILE_HASHES) {
        vch_writer_bytes(&w, vch_text(".p/"));
        put_decimal(&w, t->width);
    }
    vch_writer_u8(&w, 0);
    VCH_TRY(vch_writer_finish(&w, &path));
    *ret = vch_bytes(path.p, path.n - 1);
    return VCH_OK;
}

static bool starts(struct vch_bytes *rest, const char *text)
{
    struct vch_bytes t = vch_text(text);

    if (!vch_bytes_equal(vch_bytes_slice(*rest, 0, t.n), t)) {
        return false;
    }
    *rest = vch_bytes_slice(*rest, t.n, SIZE_MAX);
    return true;
}

static vch_err read_level(struct vch_bytes *rest, int *ret)
{
    uint64_t v;
    size_t n = 0;

    if (starts(rest, "entries/")) {
        *ret = VCH_TILE_ENTRIES;
        return VCH_OK;
    }
    while (n < rest->n && rest->p[n] != '/') {
        n++;
    }
    VCH_CHECK(n != 0 && n < rest->n, TILE_PATH);
    VCH_CHECK(read_decimal(vch_bytes_slice(*rest, 0, n), 63, &v), TILE_PATH);
    *rest = vch_bytes_slice(*rest, n + 1, SIZE_MAX);
    *ret = (int)v;
    return VCH_OK;
}

static vch_err read_index(struct vch_bytes *rest, uint64_t *ret)
{
    uint64_t n = 0, v;
    bool first = true, more;

    do {
        more = starts(rest, "x");
        VCH_CHECK(rest->n >= 3 && vch_ok(vch_u64_parse(vch_bytes_slice(*rest, 0, 3), 999, &v)),
                  TILE_PATH);
        VCH_CHECK(!first || !more || v != 0, TILE_PATH); /* no leading group of zeros */
        VCH_CHECK(n <= (VCH_MERKLE_SIZE_MAX - v) / 1000, TILE_PATH);
        n = n * 1000 + v;
        *rest = vch_bytes_slice(*rest, 3, SIZE_MAX);
        VCH_CHECK(!more || starts(rest, "/"), TILE_PATH);
        first = false;
    } while (more);
    *ret = n;
    return VCH_OK;
}

vch_err vch_tile_path_decode(struct vch_bytes path, struct vch_tile *ret)
{
    struct vch_bytes rest = path;
    struct vch_tile t = {0, 0, VCH_TILE_HASHES};
    uint64_t width;

    VCH_CHECK(starts(&rest, "tile/"), TILE_PATH);
    VCH_TRY(read_level(&rest, &t.level));
    VCH_TRY(read_index(&rest, &t.index));
    if (rest.n != 0) {
        VCH_CHECK(starts(&rest, ".p/") && read_decimal(rest, 255, &width) && width != 0, TILE_PATH);
        t.width = (uint16_t)width;
    }
    *ret = t;
    return VCH_OK;
}

vch_err vch_tile_check(const struct vch_tile *t, uint64_t size)
{
    uint64_t hashes = vch_tile_hashes(t->level, size);

    VCH_CHECK(t->index < hashes / VCH_TILE_HASHES ||
                  (t->index == hashes / VCH_TILE_HASHES && t->width <= hashes % VCH_TILE_HASHES),
              MERKLE_RANGE);
    return VCH_OK;
}
