#include <vouch/merkle/tree.h>

void vch_merkle_leaf(const struct vch_crypto *cr, const struct vch_bytes *parts, size_t n,
                     struct vch_hash *ret)
{
    static const uint8_t prefix = 0x00;
    struct vch_sha256 ctx;

    cr->sha256_init(&ctx);
    cr->sha256_update(&ctx, vch_bytes(&prefix, 1));
    for (size_t i = 0; i < n; i++) {
        cr->sha256_update(&ctx, parts[i]);
    }
    cr->sha256_final(&ctx, ret);
}

void vch_merkle_leaf_entry(const struct vch_crypto *cr, const struct vch_hash *entry_hash,
                           struct vch_hash *ret)
{
    struct vch_bytes part = vch_hash_bytes(entry_hash);

    vch_merkle_leaf(cr, &part, 1, ret);
}

void vch_merkle_node(const struct vch_crypto *cr, const struct vch_hash *left,
                     const struct vch_hash *right, struct vch_hash *ret)
{
    uint8_t block[1 + 2 * VCH_HASH_LEN];

    block[0] = 0x01;
    memcpy(block + 1, left->b, VCH_HASH_LEN);
    memcpy(block + 1 + VCH_HASH_LEN, right->b, VCH_HASH_LEN);
    vch_sha256_of(cr, VCH_BYTES_OF(block), ret);
}

static void emit_nothing(void *self, unsigned level, uint64_t index, const struct vch_hash *hash)
{
    (void)self;
    (void)level;
    (void)index;
    (void)hash;
}

vch_err vch_merkle_frontier_append_emit(const struct vch_crypto *cr, struct vch_merkle_frontier *f,
                                        const struct vch_hash *leaf, vch_merkle_emit_fn emit,
                                        void *self)
{
    struct vch_hash h = *leaf;
    unsigned level = 0;

    VCH_CHECK(f->count < VCH_MERKLE_SIZE_MAX, LIMIT);
    emit(self, 0, f->count, &h);
    for (; (f->count >> level & 1) != 0; level++) {
        vch_merkle_node(cr, &f->h[level], &h, &h);
        emit(self, level + 1, f->count >> (level + 1), &h);
    }
    f->h[level] = h;
    f->count++;
    return VCH_OK;
}

vch_err vch_merkle_frontier_append(const struct vch_crypto *cr, struct vch_merkle_frontier *f,
                                   const struct vch_hash *leaf)
{
    return vch_merkle_frontier_append_emit(cr, f, leaf, emit_nothing, NULL);
}

void vch_merkle_frontier_root(const struct vch_crypto *cr, const struct vch_merkle_frontier *f,
                              struct vch_hash *ret)
{
    struct vch_hash acc;
    bool any = false;

    for (unsigned level = 0; level < VCH_MERKLE_LEVELS; level++) {
        if ((f->count >> level & 1) == 0) {
            continue;
        }
        if (any) {
            vch_merkle_node(cr, &f->h[level], &acc, &acc);
        } else {
            acc = f->h[level];
            any = true;
        }
    }
    if (!any) {
        vch_sha256_of(cr, vch_bytes(NULL, 0), &acc);
    }
    *ret = acc;
}

static vch_err leaves_node(void *self, unsigned level, uint64_t index, struct vch_hash *ret)
{
    const struct vch_merkle_leaves *l = self;
    struct vch_merkle_frontier f = {0};
    uint64_t n, from;

    VCH_CHECK(level < VCH_MERKLE_LEVELS && index <= VCH_MERKLE_SIZE_MAX >> level, MERKLE_RANGE);
    n = (uint64_t)1 << level;
    from = index << level;
    VCH_CHECK(from < l->count && n <= l->count - from, MERKLE_RANGE);
    for (uint64_t i = from; i < from + n; i++) {
        VCH_TRY(vch_merkle_frontier_append(l->cr, &f, &l->leaf[i]));
    }
    vch_merkle_frontier_root(l->cr, &f, ret);
    return VCH_OK;
}

struct vch_merkle_source vch_merkle_leaves_source(struct vch_merkle_leaves *l)
{
    return (struct vch_merkle_source){leaves_node, l};
}
