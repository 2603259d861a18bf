#include <vouch/merkle/tree.h>

/* The largest power of two below N, which is 2 or more. */
static uint64_t split(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* Root of the leaves from BEGIN to END, a range that the tree's recursion meets: BEGIN is a
 * multiple of the range's largest complete subtree, so every piece is a complete node. */
static vch_err range_root(const struct vch_crypto *cr, const struct vch_merkle_source *src,
                          uint64_t begin, uint64_t end, struct vch_hash *ret)
{
    uint64_t n = end - begin;
    struct vch_hash acc, h;
    bool any = false;

    for (unsigned level = 0; level < VCH_MERKLE_LEVELS; level++) {
        if ((n >> level & 1) == 0) {
            continue;
        }
        VCH_TRY(src->node(src->self, level, (begin + (n >> level >> 1 << level << 1)) >> level,
                          any ? &h : &acc));
        if (any) {
            vch_merkle_node(cr, &h, &acc, &acc);
        }
        any = true;
    }
    if (!any) {
        vch_sha256_of(cr, vch_bytes(NULL, 0), &acc);
    }
    *ret = acc;
    return VCH_OK;
}

vch_err vch_merkle_frontier_load(const struct vch_merkle_source *src, uint64_t size,
                                 struct vch_merkle_frontier *ret)
{
    struct vch_merkle_frontier f = {0};

    VCH_CHECK(size <= VCH_MERKLE_SIZE_MAX, MERKLE_RANGE);
    for (unsigned level = 0; level < VCH_MERKLE_LEVELS; level++) {
        if ((size >> level & 1) != 0) {
            VCH_TRY(src->node(src->self, level, size >> level >> 1 << 1, &f.h[level]));
        }
    }
    f.count = size;
    *ret = f;
    return VCH_OK;
}

vch_err vch_merkle_root(const struct vch_crypto *cr, const struct vch_merkle_source *src,
                        uint64_t size, struct vch_hash *ret)
{
    VCH_CHECK(size <= VCH_MERKLE_SIZE_MAX, MERKLE_RANGE);
    return range_root(cr, src, 0, size, ret);
}

/* Paths are found from the root down and written from the leaf up. */
static void reverse(struct vch_merkle_path *path)
{
    for (size_t i = 0, j = path->count; i + 1 < j; i++) {
        struct vch_hash h = path->h[i];

        path->h[i] = path->h[--j];
        path->h[j] = h;
    }
}

vch_err vch_merkle_inclusion(const struct vch_crypto *cr, const struct vch_merkle_source *src,
                             uint64_t index, uint64_t size, struct vch_merkle_path *ret)
{
    uint64_t begin = 0, end = size;
    struct vch_merkle_path path;

    VCH_CHECK(size <= VCH_MERKLE_SIZE_MAX && index < size, MERKLE_RANGE);
    path.count = 0;
    while (end - begin > 1) {
        uint64_t mid = begin + split(end - begin);

        if (index < mid) {
            VCH_TRY(range_root(cr, src, mid, end, &path.h[path.count++]));
            end = mid;
        } else {
            VCH_TRY(range_root(cr, src, begin, mid, &path.h[path.count++]));
            begin = mid;
        }
    }
    reverse(&path);
    ret->count = path.count;
    memcpy(ret->h, path.h, path.count * sizeof(path.h[0]));
    return VCH_OK;
}

vch_err vch_merkle_consistency(const struct vch_crypto *cr, const struct vch_merkle_source *src,
                               uint64_t size1, uint64_t size2, struct vch_merkle_path *ret)
{
    uint64_t begin = 0, end = size2;
    struct vch_merkle_path path;

    VCH_CHECK(size1 != 0 && size1 <= size2 && size2 <= VCH_MERKLE_SIZE_MAX, MERKLE_RANGE);
    path.count = 0;
    while (end != size1) {
        uint64_t mid = begin + split(end - begin);

        if (size1 <= mid) {
            VCH_TRY(range_root(cr, src, mid, end, &path.h[path.count++]));
            end = mid;
        } else {
            VCH_TRY(range_root(cr, src, begin, mid, &path.h[path.count++]));
            begin = mid;
        }
    }
    if (begin != 0) { /* the first tree is not itself a node of the second */
        VCH_TRY(range_root(cr, src, begin, end, &path.h[path.count++]));
    }
    reverse(&path);
    ret->count = path.count;
    memcpy(ret->h, path.h, path.count * sizeof(path.h[0]));
    return VCH_OK;
}

vch_err vch_merkle_inclusion_root(const struct vch_crypto *cr, const struct vch_hash *leaf,
                                  uint64_t index, uint64_t size, const struct vch_hash *path,
                                  size_t count, struct vch_hash *ret)
{
    struct vch_hash r = *leaf;
    uint64_t fn = index, sn;

    VCH_CHECK(size <= VCH_MERKLE_SIZE_MAX && index < size, MERKLE_RANGE);
    sn = size - 1;
    for (size_t i = 0; i < count; i++) {
        VCH_CHECK(sn != 0, MERKLE_PATH);
        if ((fn & 1) != 0 || fn == sn) {
            vch_merkle_node(cr, &path[i], &r, &r);
            while (fn != 0 && (fn & 1) == 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            vch_merkle_node(cr, &r, &path[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    VCH_CHECK(sn == 0, MERKLE_PATH);
    *ret = r;
    return VCH_OK;
}

vch_err vch_merkle_inclusion_verify(const struct vch_crypto *cr, const struct vch_hash *leaf,
                                    uint64_t index, uint64_t size, const struct vch_hash *path,
                                    size_t count, const struct vch_hash *root)
{
    struct vch_hash r;

    VCH_TRY(vch_merkle_inclusion_root(cr, leaf, index, size, path, count, &r));
    VCH_CHECK(vch_hash_equal(&r, root), MERKLE_ROOT);
    return VCH_OK;
}

vch_err vch_merkle_consistency_verify(const struct vch_crypto *cr, uint64_t size1,
                                      const struct vch_hash *root1, uint64_t size2,
                                      const struct vch_hash *root2, const struct vch_hash *path,
                                      size_t count)
{
    uint64_t fn, sn;
    struct vch_hash fr, sr;
    size_t i = 0;

    VCH_CHECK(size1 != 0 && size1 <= size2 && size2 <= VCH_MERKLE_SIZE_MAX, MERKLE_RANGE);
    if (size1 == size2) {
        VCH_CHECK(count == 0, MERKLE_PATH);
        VCH_CHECK(vch_hash_equal(root1, root2), MERKLE_ROOT);
        return VCH_OK;
    }
    VCH_CHECK(count != 0, MERKLE_PATH);
    fr = (size1 & (size1 - 1)) == 0 ? *root1 : path[i++];
    sr = fr;
    fn = size1 - 1;
    sn = size2 - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    for (; i < count; i++) {
        VCH_CHECK(sn != 0, MERKLE_PATH);
        if ((fn & 1) != 0 || fn == sn) {
            vch_merkle_node(cr, &path[i], &fr, &fr);
            vch_merkle_node(cr, &path[i], &sr, &sr);
            while (fn != 0 && (fn & 1) == 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            vch_merkle_node(cr, &sr, &path[i], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    VCH_CHECK(sn == 0, MERKLE_PATH);
    VCH_CHECK(vch_hash_equal(&fr, root1) && vch_hash_equal(&sr, root2), MERKLE_ROOT);
    return VCH_OK;
}
