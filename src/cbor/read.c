#include <vouch/cbor/cbor.h>

#include <vouch/base/text.h>

/* Generic mode without the duplicate check: for bytes that were checked before. Without it the
 * check of a map nested in a map would run again for every later key of the outer one. */
#define MODE_WALK ((enum vch_cbor_mode)(VCH_CBOR_GENERIC + 1))

struct head {
    enum vch_cbor_type type;
    uint8_t info; /* the low five bits */
    uint64_t arg;
};

static vch_err read_head(struct vch_cbor *c, struct head *ret)
{
    struct vch_reader r = c->r;
    struct head h;
    uint8_t b;

    VCH_TRY(vch_reader_u8(&r, &b));
    h.type = (enum vch_cbor_type)(b >> 5);
    h.info = b & 31;
    h.arg = h.info;
    VCH_CHECK(h.info < 28 || h.info == 31, CBOR);
    VCH_CHECK(h.info != 31, CBOR_CANON);
    if (h.info >= 24) {
        static const uint64_t least[] = {24, 0x100, 0x10000, 0x100000000};
        size_t width = (size_t)1 << (h.info - 24);

        h.arg = 0;
        for (size_t i = 0; i < width; i++) {
            VCH_TRY(vch_reader_u8(&r, &b));
            h.arg = h.arg << 8 | b;
        }
        if (h.type == VCH_CBOR_SIMPLE) {
            VCH_CHECK(h.info != 24 || h.arg >= 32, CBOR);
        } else {
            VCH_CHECK(c->mode != VCH_CBOR_STRICT || h.arg >= least[h.info - 24], CBOR_CANON);
        }
    }
    if (h.type == VCH_CBOR_SIMPLE && c->mode == VCH_CBOR_STRICT) {
        VCH_CHECK(h.info >= 20 && h.info <= 22, CBOR_TYPE);
    }
    c->r = r;
    *ret = h;
    return VCH_OK;
}

/* Reads a head of TYPE; C is left alone on failure. */
static vch_err expect(struct vch_cbor *c, enum vch_cbor_type type, uint64_t *ret_arg)
{
    struct vch_cbor probe = *c;
    struct head h;

    VCH_TRY(read_head(&probe, &h));
    VCH_CHECK(h.type == type, CBOR_TYPE);
    *c = probe;
    *ret_arg = h.arg;
    return VCH_OK;
}

enum vch_cbor_type vch_cbor_peek(const struct vch_cbor *c)
{
    if (vch_reader_left(&c->r) == 0) {
        return VCH_CBOR_NONE;
    }
    return (enum vch_cbor_type)(c->r.in.p[c->r.pos] >> 5);
}

bool vch_cbor_is_null(const struct vch_cbor *c)
{
    return vch_reader_left(&c->r) != 0 && c->r.in.p[c->r.pos] == 0xf6;
}

vch_err vch_cbor_uint(struct vch_cbor *c, uint64_t *ret)
{
    return expect(c, VCH_CBOR_UINT, ret);
}

vch_err vch_cbor_int(struct vch_cbor *c, int64_t *ret)
{
    struct vch_cbor probe = *c;
    struct head h;

    VCH_TRY(read_head(&probe, &h));
    VCH_CHECK(h.type == VCH_CBOR_UINT || h.type == VCH_CBOR_NINT, CBOR_TYPE);
    VCH_CHECK(h.arg <= INT64_MAX, CBOR_TYPE);
    *ret = h.type == VCH_CBOR_UINT ? (int64_t)h.arg : -1 - (int64_t)h.arg;
    *c = probe;
    return VCH_OK;
}

static vch_err string_of(struct vch_cbor *c, enum vch_cbor_type type, struct vch_bytes *ret)
{
    struct vch_cbor probe = *c;
    struct vch_bytes b;
    uint64_t n;

    VCH_TRY(expect(&probe, type, &n));
    VCH_CHECK(n <= vch_reader_left(&probe.r), TRUNCATED);
    VCH_TRY(vch_reader_bytes(&probe.r, (size_t)n, &b));
    VCH_CHECK(type != VCH_CBOR_TSTR || vch_utf8_check(b), TEXT);
    *ret = b;
    *c = probe;
    return VCH_OK;
}

vch_err vch_cbor_bstr(struct vch_cbor *c, struct vch_bytes *ret)
{
    return string_of(c, VCH_CBOR_BSTR, ret);
}

vch_err vch_cbor_tstr(struct vch_cbor *c, struct vch_bytes *ret)
{
    return string_of(c, VCH_CBOR_TSTR, ret);
}

vch_err vch_cbor_bstr_fixed(struct vch_cbor *c, struct vch_span ret)
{
    struct vch_cbor probe = *c;
    struct vch_bytes b;

    VCH_TRY(vch_cbor_bstr(&probe, &b));
    VCH_CHECK(b.n == ret.cap, CBOR_TYPE);
    if (b.n != 0) {
        memcpy(ret.p, b.p, b.n);
    }
    *c = probe;
    return VCH_OK;
}

vch_err vch_cbor_bool(struct vch_cbor *c, bool *ret)
{
    struct vch_cbor probe = *c;
    struct head h;

    VCH_TRY(read_head(&probe, &h));
    VCH_CHECK(h.type == VCH_CBOR_SIMPLE && (h.info == 20 || h.info == 21), CBOR_TYPE);
    *ret = h.info == 21;
    *c = probe;
    return VCH_OK;
}

vch_err vch_cbor_null(struct vch_cbor *c)
{
    struct vch_cbor probe = *c;
    struct head h;

    VCH_TRY(read_head(&probe, &h));
    VCH_CHECK(h.type == VCH_CBOR_SIMPLE && h.info == 22, CBOR_TYPE);
    *c = probe;
    return VCH_OK;
}

vch_err vch_cbor_tag(struct vch_cbor *c, uint64_t *ret)
{
    return expect(c, VCH_CBOR_TAG, ret);
}

vch_err vch_cbor_array(struct vch_cbor *c, size_t *ret_count)
{
    struct vch_cbor probe = *c;
    uint64_t n;

    VCH_TRY(expect(&probe, VCH_CBOR_ARRAY, &n));
    VCH_CHECK(n <= vch_reader_left(&probe.r), TRUNCATED);
    *c = probe;
    *ret_count = (size_t)n;
    return VCH_OK;
}

vch_err vch_cbor_array_of(struct vch_cbor *c, size_t count)
{
    struct vch_cbor probe = *c;
    size_t n;

    VCH_TRY(vch_cbor_array(&probe, &n));
    VCH_CHECK(n == count, CBOR_TYPE);
    *c = probe;
    return VCH_OK;
}

vch_err vch_cbor_end(const struct vch_cbor *c)
{
    return vch_reader_end(&c->r);
}

static vch_err skip(struct vch_cbor *c, unsigned depth);

static vch_err map_open(struct vch_cbor *c, struct vch_cbor_map *ret)
{
    struct vch_cbor probe = *c;
    uint64_t n;

    VCH_TRY(expect(&probe, VCH_CBOR_MAP, &n));
    VCH_CHECK(n <= vch_reader_left(&probe.r) / 2, TRUNCATED);
    VCH_CHECK(probe.mode == VCH_CBOR_STRICT || n <= VCH_CBOR_GENERIC_PAIRS, LIMIT);
    *ret = (struct vch_cbor_map){(size_t)n, probe.r.pos, {NULL, 0}};
    *c = probe;
    return VCH_OK;
}

/* In generic mode: does KEY, which begins at offset END, stand among the keys before it? */
static vch_err seen_before(const struct vch_cbor *c, const struct vch_cbor_map *m, size_t end,
                           struct vch_bytes key, unsigned depth)
{
    struct vch_cbor walk = *c;

    walk.mode = MODE_WALK;
    walk.r.pos = m->start;
    while (walk.r.pos < end) {
        size_t from = walk.r.pos;

        VCH_TRY(skip(&walk, depth + 1));
        VCH_CHECK(!vch_bytes_equal(vch_bytes(c->r.in.p + from, walk.r.pos - from), key), CBOR_DUP);
        VCH_TRY(skip(&walk, depth + 1));
    }
    return VCH_OK;
}

static vch_err map_next(struct vch_cbor *c, struct vch_cbor_map *m, struct vch_bytes *ret_key,
                        bool *ret_more, unsigned depth)
{
    struct vch_cbor probe = *c;
    struct vch_bytes key;
    size_t from = probe.r.pos;

    if (m->left == 0) {
        *ret_more = false;
        return VCH_OK;
    }
    VCH_TRY(skip(&probe, depth + 1));
    key = vch_bytes(probe.r.in.p + from, probe.r.pos - from);
    if (probe.mode == VCH_CBOR_GENERIC) {
        VCH_TRY(seen_before(c, m, from, key, depth));
    } else if (probe.mode == VCH_CBOR_STRICT && m->prev.n != 0) {
        int order = vch_bytes_cmp(m->prev, key);

        VCH_CHECK(order != 0, CBOR_DUP);
        VCH_CHECK(order < 0, CBOR_CANON);
    }
    m->prev = key;
    m->left--;
    *c = probe;
    *ret_key = key;
    *ret_more = true;
    return VCH_OK;
}

vch_err vch_cbor_map(struct vch_cbor *c, struct vch_cbor_map *ret)
{
    return map_open(c, ret);
}

vch_err vch_cbor_map_key(struct vch_cbor *c, struct vch_cbor_map *m, struct vch_bytes *ret_key,
                         bool *ret_more)
{
    return map_next(c, m, ret_key, ret_more, 0);
}

vch_err vch_cbor_map_label(struct vch_cbor *c, struct vch_cbor_map *m, int64_t *ret_label,
                           bool *ret_more)
{
    struct vch_cbor probe = *c;
    struct vch_cbor_map mp = *m;
    struct vch_cbor key_reader;
    struct vch_bytes key;
    int64_t label = 0;
    bool more;

    VCH_TRY(map_next(&probe, &mp, &key, &more, 0));
    if (more) {
        key_reader = vch_cbor(key, c->mode);
        VCH_TRY(vch_cbor_int(&key_reader, &label));
    }
    *c = probe;
    *m = mp;
    *ret_label = label;
    *ret_more = more;
    return VCH_OK;
}

static vch_err skip_children(struct vch_cbor *c, enum vch_cbor_type type, unsigned depth)
{
    struct vch_cbor_map m;
    struct vch_bytes key;
    uint64_t tag;
    size_t n;
    bool more;

    switch (type) {
    case VCH_CBOR_ARRAY:
        VCH_TRY(vch_cbor_array(c, &n));
        while (n-- > 0) {
            VCH_TRY(skip(c, depth + 1));
        }
        return VCH_OK;
    case VCH_CBOR_MAP:
        VCH_TRY(map_open(c, &m));
        for (;;) {
            VCH_TRY(map_next(c, &m, &key, &more, depth));
            if (!more) {
                return VCH_OK;
            }
            VCH_TRY(skip(c, depth + 1));
        }
    case VCH_CBOR_TAG:
        VCH_TRY(vch_cbor_tag(c, &tag));
        return skip(c, depth + 1);
    default:
        return VCH_E(BUG);
    }
}

static vch_err skip(struct vch_cbor *c, unsigned depth)
{
    struct vch_cbor probe = *c;
    struct vch_bytes b;
    struct head h;

    VCH_CHECK(depth < VCH_CBOR_DEPTH_MAX, CBOR_DEPTH);
    switch (vch_cbor_peek(c)) {
    case VCH_CBOR_BSTR:
        VCH_TRY(vch_cbor_bstr(&probe, &b));
        break;
    case VCH_CBOR_TSTR:
        VCH_TRY(vch_cbor_tstr(&probe, &b));
        break;
    case VCH_CBOR_ARRAY:
    case VCH_CBOR_MAP:
    case VCH_CBOR_TAG:
        VCH_TRY(skip_children(&probe, vch_cbor_peek(c), depth));
        break;
    case VCH_CBOR_NONE:
        return VCH_E(TRUNCATED);
    default:
        VCH_TRY(read_head(&probe, &h));
        break;
    }
    *c = probe;
    return VCH_OK;
}

vch_err vch_cbor_item(struct vch_cbor *c, struct vch_bytes *ret)
{
    size_t from = c->r.pos;

    VCH_TRY(skip(c, 0));
    *ret = vch_bytes(c->r.in.p + from, c->r.pos - from);
    return VCH_OK;
}
