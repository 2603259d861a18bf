#include <vouch/merkle/map.h>

void vch_map_key(const struct vch_crypto *cr, uint8_t kind, struct vch_bytes id,
                 struct vch_hash *ret)
{
    struct vch_bytes parts[] = {vch_bytes(&kind, 1), id};

    vch_sha256_parts(cr, parts, VCH_ARRAY_LEN(parts), ret);
}

void vch_map_value(const struct vch_crypto *cr, struct vch_bytes value, struct vch_hash *ret)
{
    vch_sha256_of(cr, value, ret);
}

static void hash_two(const struct vch_crypto *cr, uint8_t prefix, const struct vch_hash *a,
                     const struct vch_hash *b, struct vch_hash *ret)
{
    uint8_t block[1 + 2 * VCH_HASH_LEN];

    block[0] = prefix;
    memcpy(block + 1, a->b, VCH_HASH_LEN);
    memcpy(block + 1 + VCH_HASH_LEN, b->b, VCH_HASH_LEN);
    vch_sha256_of(cr, VCH_BYTES_OF(block), ret);
}

void vch_map_node_single(const struct vch_crypto *cr, const struct vch_hash *k,
                         const struct vch_hash *v, struct vch_map_node *ret)
{
    hash_two(cr, 0x02, k, v, &ret->hash);
    ret->kind = VCH_MAP_SINGLE;
}

void vch_map_node_combine(const struct vch_crypto *cr, const struct vch_map_node *left,
                          const struct vch_map_node *right, struct vch_map_node *ret)
{
    if (left->kind == VCH_MAP_EMPTY && right->kind != VCH_MAP_MULTI) {
        *ret = *right;
    } else if (right->kind == VCH_MAP_EMPTY && left->kind != VCH_MAP_MULTI) {
        *ret = *left;
    } else {
        hash_two(cr, 0x03, &left->hash, &right->hash, &ret->hash);
        ret->kind = VCH_MAP_MULTI;
    }
}

static bool agree(const struct vch_hash *a, const struct vch_hash *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;

    return memcmp(a->b, b->b, bytes) == 0 &&
           (rest == 0 || (a->b[bytes] ^ b->b[bytes]) >> (8 - rest) == 0);
}

static vch_err order_check(const struct vch_map_pair *pairs, size_t count, unsigned depth)
{
    for (size_t i = 1; i < count; i++) {
        VCH_CHECK(memcmp(pairs[i - 1].k.b, pairs[i].k.b, VCH_HASH_LEN) < 0, MAP_ORDER);
    }
    VCH_CHECK(depth <= VCH_MAP_DEPTH_MAX, MAP_ORDER);
    VCH_CHECK(count < 2 || agree(&pairs[0].k, &pairs[count - 1].k, depth), MAP_ORDER);
    return VCH_OK;
}

/* How many of the pairs, which agree before bit BIT, have it zero. */
static size_t zeros(const struct vch_map_pair *pairs, size_t count, unsigned bit)
{
    size_t lo = 0, hi = count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (vch_map_bit(&pairs[mid].k, bit) == 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* Recurses once a bit: at most 256 deep, and two different keys part before that. */
static void subtree(const struct vch_crypto *cr, const struct vch_map_pair *pairs, size_t count,
                    unsigned depth, struct vch_map_node *ret)
{
    struct vch_map_node right;
    size_t split;

    if (count == 0) {
        *ret = (struct vch_map_node){0};
    } else if (count == 1) {
        vch_map_node_single(cr, &pairs[0].k, &pairs[0].v, ret);
    } else {
        split = zeros(pairs, count, depth);
        subtree(cr, pairs, split, depth + 1, ret);
        subtree(cr, pairs + split, count - split, depth + 1, &right);
        vch_map_node_combine(cr, ret, &right, ret);
    }
}

vch_err vch_map_subtree(const struct vch_crypto *cr, const struct vch_map_pair *pairs, size_t count,
                        unsigned depth, struct vch_map_node *ret)
{
    VCH_TRY(order_check(pairs, count, depth));
    subtree(cr, pairs, count, depth, ret);
    return VCH_OK;
}

vch_err vch_map_root(const struct vch_crypto *cr, const struct vch_map_pair *pairs, size_t count,
                     struct vch_hash *ret)
{
    struct vch_map_node n;

    VCH_TRY(vch_map_subtree(cr, pairs, count, 0, &n));
    *ret = n.hash;
    return VCH_OK;
}

vch_err vch_map_prove(const struct vch_crypto *cr, const struct vch_map_pair *pairs, size_t count,
                      const struct vch_hash *k, struct vch_map_proof *ret)
{
    struct vch_map_node n;

    VCH_TRY(order_check(pairs, count, 0));
    ret->depth = 0;
    while (count > 1) {
        size_t split = zeros(pairs, count, ret->depth);

        if (vch_map_bit(k, ret->depth) == 0) {
            subtree(cr, pairs + split, count - split, ret->depth + 1, &n);
            count = split;
        } else {
            subtree(cr, pairs, split, ret->depth + 1, &n);
            pairs += split;
            count -= split;
        }
        ret->sibling[ret->depth++] = n.hash;
    }
    if (count == 0) {
        ret->terminal = VCH_MAP_NOTHING;
    } else if (vch_hash_equal(&pairs[0].k, k)) {
        ret->terminal = VCH_MAP_HERE;
    } else {
        ret->terminal = VCH_MAP_OTHER;
        ret->other = pairs[0];
    }
    return VCH_OK;
}

/* The root of the subtree in which the proof ends. */
static vch_err terminal_hash(const struct vch_crypto *cr, const struct vch_map_proof *p,
                             const struct vch_hash *k, const struct vch_hash *v,
                             struct vch_hash *ret)
{
    VCH_CHECK((v != NULL) == (p->terminal == VCH_MAP_HERE), MAP_PROOF);
    switch (p->terminal) {
    case VCH_MAP_HERE:
        hash_two(cr, 0x02, k, v, ret);
        return VCH_OK;
    case VCH_MAP_NOTHING:
        memset(ret, 0, sizeof(*ret));
        return VCH_OK;
    case VCH_MAP_OTHER:
        /* it must stand where K would, and not be K */
        VCH_CHECK(agree(&p->other.k, k, p->depth) && !vch_hash_equal(&p->other.k, k), MAP_PROOF);
        hash_two(cr, 0x02, &p->other.k, &p->other.v, ret);
        return VCH_OK;
    }
    return VCH_E(MAP_PROOF);
}

vch_err vch_map_proof_verify(const struct vch_crypto *cr, const struct vch_map_proof *p,
                             const struct vch_hash *root, const struct vch_hash *k,
                             const struct vch_hash *v)
{
    static const struct vch_hash empty;
    struct vch_hash h;

    VCH_CHECK(p->depth <= VCH_MAP_DEPTH_MAX, MAP_PROOF);
    VCH_TRY(terminal_hash(cr, p, k, v, &h));
    /* a subtree of one pair or none is never split, so the last halving had something on the other
     * side too */
    VCH_CHECK(p->depth == 0 || !vch_hash_equal(&p->sibling[p->depth - 1], &empty), MAP_PROOF);
    for (unsigned d = p->depth; d-- > 0;) {
        if (vch_map_bit(k, d) == 0) {
            hash_two(cr, 0x03, &h, &p->sibling[d], &h);
        } else {
            hash_two(cr, 0x03, &p->sibling[d], &h, &h);
        }
    }
    VCH_CHECK(vch_hash_equal(&h, root), MAP_ROOT);
    return VCH_OK;
}
