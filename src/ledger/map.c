#include "map.h"

#define CHUNK_NODES  65536u
#define BUCKET_MAX   12 /* pairs before a bucket is split */
#define BUCKET_HEAD  33 /* depth u8, root */
#define PAIR         64
#define DEPTH_MAX    56 /* the bucket's key has 64 bits */
#define BUCKET_PAIRS 64 /* on the stack; only ground keys would come near */

struct bucket {
    unsigned depth;
    size_t n;
    struct vch_map_pair pair[BUCKET_PAIRS];
};

static struct vch_ledger_node *node_at(const struct vch_ledger_map *m, uint32_t idx)
{
    return &m->chunk[idx / CHUNK_NODES][idx % CHUNK_NODES];
}

static vch_err node_new(struct vch_ledger_map *m, uint32_t *ret)
{
    uint32_t idx = m->nodes_staged, c = idx / CHUNK_NODES;

    VCH_CHECK(c < VCH_LEDGER_NODE_CHUNKS, LIMIT);
    if (m->chunk[c] == NULL) {
        m->chunk[c] = vch_mem_alloc(CHUNK_NODES * sizeof(struct vch_ledger_node));
    }
    *node_at(m, idx) = (struct vch_ledger_node){.left = 0};
    m->nodes_staged++;
    *ret = idx;
    return VCH_OK;
}

static bool is_bucket(const struct vch_ledger_node *n)
{
    return n->left == 0;
}

static bool hash_zero(const struct vch_hash *h)
{
    static const struct vch_hash zero;

    return vch_hash_equal(h, &zero);
}

void vch_ledger_map_init(struct vch_ledger_map *m, const struct vch_crypto *cr)
{
    uint32_t root;

    *m = (struct vch_ledger_map){.cr = cr, .bucket = vch_buf_init(1u << 20)};
    VCH_ASSERT(vch_ok(node_new(m, &root)) && root == 0);
    m->nodes = 1;
}

void vch_ledger_map_fini(struct vch_ledger_map *m)
{
    for (size_t i = 0; i < VCH_LEDGER_NODE_CHUNKS; i++) {
        vch_mem_free(m->chunk[i]);
        m->chunk[i] = NULL;
    }
    vch_mem_free(m->patch);
    m->patch = NULL;
    vch_buf_fini(&m->bucket);
}

/* ---- buckets */

static void bucket_key(const struct vch_hash *k, unsigned depth, uint8_t ret[VCH_LEDGER_BUCKET_KEY])
{
    memset(ret, 0, VCH_LEDGER_BUCKET_KEY);
    for (unsigned i = 0; i < depth / 8; i++) {
        ret[i] = k->b[i];
    }
    if (depth % 8 != 0) {
        ret[depth / 8] = (uint8_t)(k->b[depth / 8] & (0xff00 >> depth % 8));
    }
}

static vch_err bucket_decode(struct vch_bytes value, struct bucket *ret, struct vch_hash *ret_root)
{
    size_t n = value.n < BUCKET_HEAD ? 0 : (value.n - BUCKET_HEAD) / PAIR;

    VCH_CHECK(n >= 1 && n <= BUCKET_PAIRS && value.n == BUCKET_HEAD + n * PAIR &&
                  value.p[0] <= DEPTH_MAX,
              LEDGER_DAMAGED);
    ret->depth = value.p[0];
    ret->n = n;
    memcpy(ret_root->b, value.p + 1, VCH_HASH_LEN);
    memcpy(ret->pair, value.p + BUCKET_HEAD, n * PAIR);
    return VCH_OK;
}

/* Reads the bucket at NODE, at DEPTH on the way to K, and checks that it is the one meant. */
static vch_err bucket_get(const struct vch_ledger_map *m, const struct vch_ledger_buckets *b,
                          const struct vch_ledger_node *node, unsigned depth,
                          const struct vch_hash *k, struct vch_buf *scratch, struct bucket *ret)
{
    uint8_t key[VCH_LEDGER_BUCKET_KEY];
    struct vch_bytes known;
    struct vch_map_node sub;
    struct vch_hash root;

    ret->depth = depth;
    ret->n = 0;
    if (hash_zero(&node->hash)) {
        return VCH_OK;
    }
    bucket_key(k, depth, key);
    if (b->cache != NULL && vch_ledger_table_get(b->cache, VCH_BYTES_OF(key), &known)) {
        return bucket_decode(known, ret, &root);
    }
    VCH_TRY(b->get(b->self, VCH_BYTES_OF(key), scratch));
    VCH_TRY(bucket_decode(vch_buf_get(scratch), ret, &root));
    VCH_CHECK(ret->depth == depth, LEDGER_DAMAGED);
    VCH_CHECK(vch_ok(vch_map_subtree(m->cr, ret->pair, ret->n, depth, &sub)), LEDGER_DAMAGED);
    VCH_CHECK(vch_hash_equal(&sub.hash, &node->hash), LEDGER_DAMAGED);
    if (b->cache != NULL) {
        vch_ledger_table_put(b->cache, VCH_BYTES_OF(key), vch_buf_get(scratch));
    }
    return VCH_OK;
}

static vch_err bucket_put(struct vch_ledger_map *m, const struct vch_ledger_buckets *b,
                          const struct vch_map_pair *pair, size_t n, unsigned depth,
                          struct vch_hash *ret_root)
{
    uint8_t key[VCH_LEDGER_BUCKET_KEY];
    uint8_t value[BUCKET_HEAD + BUCKET_PAIRS * PAIR];
    struct vch_map_node sub;

    VCH_CHECK(n <= BUCKET_PAIRS, LIMIT);
    VCH_TRY(vch_map_subtree(m->cr, pair, n, depth, &sub));
    *ret_root = sub.hash;
    if (n == 0) {
        return VCH_OK;
    }
    bucket_key(&pair[0].k, depth, key);
    value[0] = (uint8_t)depth;
    memcpy(value + 1, sub.hash.b, VCH_HASH_LEN);
    memcpy(value + BUCKET_HEAD, pair, n * PAIR);
    b->put(b->self, VCH_BYTES_OF(key), vch_bytes(value, BUCKET_HEAD + n * PAIR));
    return VCH_OK;
}

/* ---- loading */

vch_err vch_ledger_map_load(struct vch_ledger_map *m, struct vch_bytes key, struct vch_bytes value)
{
    struct bucket b;
    struct vch_hash root;
    uint32_t at = 0;

    VCH_CHECK(key.n == VCH_LEDGER_BUCKET_KEY, LEDGER_DAMAGED);
    VCH_TRY(bucket_decode(value, &b, &root));
    VCH_CHECK(!hash_zero(&root), LEDGER_DAMAGED);
    for (unsigned d = 0; d < b.depth; d++) {
        struct vch_ledger_node *n = node_at(m, at);
        uint32_t left, right;

        if (is_bucket(n)) {
            VCH_CHECK(hash_zero(&n->hash), LEDGER_DAMAGED);
            VCH_TRY(node_new(m, &left));
            VCH_TRY(node_new(m, &right));
            n->left = left;
            n->right = right;
        }
        at = vch_map_bit(&b.pair[0].k, d) != 0 ? n->right : n->left;
    }
    VCH_CHECK(is_bucket(node_at(m, at)) && hash_zero(&node_at(m, at)->hash), LEDGER_DAMAGED);
    node_at(m, at)->hash = root;
    m->count += b.n;
    return VCH_OK;
}

static void node_hash(const struct vch_ledger_map *m, const struct vch_hash *left,
                      const struct vch_hash *right, struct vch_hash *ret)
{
    /* An inner node of the upper tree always stands over two pairs or more. */
    struct vch_map_node l = {*left, VCH_MAP_MULTI}, r = {*right, VCH_MAP_MULTI};

    vch_map_node_combine(m->cr, &l, &r, &l);
    *ret = l.hash;
}

static void load_hash(struct vch_ledger_map *m, uint32_t at)
{
    struct vch_ledger_node *n = node_at(m, at);

    if (!is_bucket(n)) {
        load_hash(m, n->left);
        load_hash(m, n->right);
        node_hash(m, &node_at(m, n->left)->hash, &node_at(m, n->right)->hash, &n->hash);
    }
}

void vch_ledger_map_loaded(struct vch_ledger_map *m)
{
    load_hash(m, 0);
    m->nodes = m->nodes_staged;
    m->count_staged = m->count;
}

/* ---- reading */

void vch_ledger_map_root(const struct vch_ledger_map *m, struct vch_hash *ret)
{
    *ret = node_at(m, 0)->hash;
}

vch_err vch_ledger_map_get(const struct vch_ledger_map *m, const struct vch_ledger_buckets *b,
                           const struct vch_hash *k, struct vch_buf *scratch, struct vch_hash *ret)
{
    const struct vch_ledger_node *n = node_at(m, 0);
    struct bucket bk;
    unsigned depth = 0;

    while (!is_bucket(n)) {
        n = node_at(m, vch_map_bit(k, depth++) != 0 ? n->right : n->left);
    }
    VCH_TRY(bucket_get(m, b, n, depth, k, scratch, &bk));
    for (size_t i = 0; i < bk.n; i++) {
        if (vch_hash_equal(&bk.pair[i].k, k)) {
            *ret = bk.pair[i].v;
            return VCH_OK;
        }
    }
    return VCH_E(NOT_FOUND);
}

vch_err vch_ledger_map_prove(const struct vch_ledger_map *m, const struct vch_ledger_buckets *b,
                             const struct vch_hash *k, struct vch_buf *scratch,
                             struct vch_map_proof *ret)
{
    const struct vch_ledger_node *n = node_at(m, 0);
    struct vch_hash sibling[DEPTH_MAX];
    struct bucket bk;
    unsigned depth = 0;

    while (!is_bucket(n)) {
        bool right = vch_map_bit(k, depth) != 0;

        sibling[depth++] = node_at(m, right ? n->left : n->right)->hash;
        n = node_at(m, right ? n->right : n->left);
    }
    VCH_TRY(bucket_get(m, b, n, depth, k, scratch, &bk));
    /* Within the bucket the pairs and K agree in the first DEPTH bits, so the proof there begins
     * with empty halves: the upper tree knows what they are. */
    VCH_TRY(vch_map_prove(m->cr, bk.pair, bk.n, k, ret));
    if (ret->depth < depth) {
        VCH_ASSERT(bk.n <= 1);
        ret->depth = depth;
    }
    memcpy(ret->sibling, sibling, depth * sizeof(sibling[0]));
    return VCH_OK;
}

/* ---- changing, on trial */

static void patch(struct vch_ledger_map *m, uint32_t at, const struct vch_ledger_node *node)
{
    if (m->patches == m->patch_cap) {
        m->patch_cap = m->patch_cap == 0 ? 1024 : m->patch_cap * 2;
        m->patch = vch_mem_realloc(m->patch, m->patch_cap * sizeof(*m->patch));
    }
    m->patch[m->patches++] = (struct vch_ledger_patch){at, *node};
}

static size_t split_at(const struct vch_map_pair *pair, size_t n, unsigned depth)
{
    size_t i = 0;

    while (i < n && vch_map_bit(&pair[i].k, depth) == 0) {
        i++;
    }
    return i;
}

/* Makes the subtree of PAIR at DEPTH: one bucket, or inner nodes over several. */
static vch_err plant(struct vch_ledger_map *m, const struct vch_ledger_buckets *b,
                     const struct vch_map_pair *pair, size_t n, unsigned depth,
                     struct vch_ledger_node *ret)
{
    uint32_t left, right;
    size_t mid;

    ret->left = ret->right = 0;
    if (n <= BUCKET_MAX || depth == DEPTH_MAX) {
        return bucket_put(m, b, pair, n, depth, &ret->hash);
    }
    mid = split_at(pair, n, depth);
    if (mid == 0) { /* the left half has this bucket's key, and is empty */
        uint8_t key[VCH_LEDGER_BUCKET_KEY];

        bucket_key(&pair[0].k, depth, key);
        b->put(b->self, VCH_BYTES_OF(key), vch_bytes(NULL, 0));
    }
    VCH_TRY(node_new(m, &left));
    VCH_TRY(node_new(m, &right));
    VCH_TRY(plant(m, b, pair, mid, depth + 1, node_at(m, left)));
    VCH_TRY(plant(m, b, pair + mid, n - mid, depth + 1, node_at(m, right)));
    node_hash(m, &node_at(m, left)->hash, &node_at(m, right)->hash, &ret->hash);
    ret->left = left;
    ret->right = right;
    return VCH_OK;
}

/* OLD and NEW, both ascending, into OUT; a new value replaces the old one. */
static size_t merge(const struct vch_map_pair *old, size_t old_n, const struct vch_map_pair *new,
                    size_t new_n, struct vch_map_pair *out)
{
    size_t i = 0, j = 0, n = 0;

    while (i < old_n || j < new_n) {
        int c = i == old_n ? 1 : j == new_n ? -1 : memcmp(old[i].k.b, new[j].k.b, VCH_HASH_LEN);

        if (c < 0) {
            out[n++] = old[i++];
        } else {
            out[n++] = new[j++];
            i += c == 0 ? 1 : 0;
        }
    }
    return n;
}

static vch_err change_bucket(struct vch_ledger_map *m, const struct vch_ledger_buckets *b,
                             uint32_t at, const struct vch_map_pair *pair, size_t n, unsigned depth,
                             struct vch_hash *ret)
{
    struct vch_map_pair *all;
    struct vch_ledger_node node;
    struct bucket bk;
    size_t total;
    vch_err e;

    VCH_TRY(bucket_get(m, b, node_at(m, at), depth, &pair[0].k, &m->bucket, &bk));
    all = vch_mem_alloc((bk.n + n) * sizeof(*all));
    total = merge(bk.pair, bk.n, pair, n, all);
    m->count_staged += total - bk.n;
    e = plant(m, b, all, total, depth, &node);
    vch_mem_free(all);
    VCH_TRY(e);
    patch(m, at, &node);
    *ret = node.hash;
    return VCH_OK;
}

static vch_err change(struct vch_ledger_map *m, const struct vch_ledger_buckets *b, uint32_t at,
                      const struct vch_map_pair *pair, size_t n, unsigned depth,
                      struct vch_hash *ret)
{
    struct vch_ledger_node node = *node_at(m, at);
    struct vch_hash left, right;
    size_t mid;

    if (n == 0) {
        *ret = node.hash;
        return VCH_OK;
    }
    if (is_bucket(&node)) {
        return change_bucket(m, b, at, pair, n, depth, ret);
    }
    mid = split_at(pair, n, depth);
    VCH_TRY(change(m, b, node.left, pair, mid, depth + 1, &left));
    VCH_TRY(change(m, b, node.right, pair + mid, n - mid, depth + 1, &right));
    node_hash(m, &left, &right, &node.hash);
    patch(m, at, &node);
    *ret = node.hash;
    return VCH_OK;
}

vch_err vch_ledger_map_stage(struct vch_ledger_map *m, const struct vch_ledger_buckets *b,
                             const struct vch_map_pair *pairs, size_t n, struct vch_hash *ret_root,
                             uint64_t *ret_count)
{
    vch_ledger_map_unstage(m);
    VCH_TRY(change(m, b, 0, pairs, n, 0, ret_root));
    *ret_count = m->count_staged;
    return VCH_OK;
}

void vch_ledger_map_unstage(struct vch_ledger_map *m)
{
    m->patches = 0;
    m->nodes_staged = m->nodes;
    m->count_staged = m->count;
}

void vch_ledger_map_publish(struct vch_ledger_map *m)
{
    for (size_t i = 0; i < m->patches; i++) {
        *node_at(m, m->patch[i].at) = m->patch[i].node;
    }
    m->patches = 0;
    m->nodes = m->nodes_staged;
    m->count = m->count_staged;
}
