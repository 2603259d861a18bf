#include <vouch/cbor/cbor.h>

static void put_text(struct vch_writer *w, const char *s)
{
    vch_writer_bytes(w, vch_text(s));
}

static void put_decimal(struct vch_writer *w, uint64_t v)
{
    uint8_t digits[20];
    size_t n = sizeof(digits);

    do {
        digits[--n] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    vch_writer_bytes(w, vch_bytes(digits + n, sizeof(digits) - n));
}

static void put_hex(struct vch_writer *w, struct vch_bytes b)
{
    static const char digits[] = "0123456789abcdef";

    put_text(w, "h'");
    for (size_t i = 0; i < b.n; i++) {
        vch_writer_u8(w, (uint8_t)digits[b.p[i] >> 4]);
        vch_writer_u8(w, (uint8_t)digits[b.p[i] & 15]);
    }
    put_text(w, "'");
}

static void put_escape(struct vch_writer *w, unsigned u)
{
    static const char digits[] = "0123456789abcdef";

    put_text(w, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
        vch_writer_u8(w, (uint8_t)digits[u >> shift & 15]);
    }
}

/* Does U act on a terminal instead of being shown: controls, separators of lines, turns of the
 * direction of writing? */
static bool acts(unsigned u)
{
    return u < 0x20 || (u >= 0x7f && u < 0xa0) || u == 0x061c || (u >= 0x200e && u <= 0x200f) ||
           (u >= 0x2028 && u <= 0x202e) || (u >= 0x2066 && u <= 0x2069);
}

/* JSON's escapes: what acts on a terminal never reaches it. B is UTF-8, checked by the reader. */
static void put_quoted(struct vch_writer *w, struct vch_bytes b)
{
    put_text(w, "\"");
    for (size_t i = 0, n; i < b.n; i += n) {
        uint8_t c = b.p[i];
        unsigned u = c;

        n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        u = n == 2 ? (c & 31U) << 6 : n == 3 ? (c & 15U) << 12 | (b.p[i + 1] & 63U) << 6 : u;
        u |= n == 2 || n == 3 ? b.p[i + n - 1] & 63U : 0;
        if (n < 4 && acts(u)) {
            put_escape(w, u);
            continue;
        }
        put_text(w, c == '"' || c == '\\' ? "\\" : "");
        vch_writer_bytes(w, vch_bytes_slice(b, i, n));
    }
    put_text(w, "\"");
}

static void put_line(struct vch_writer *w, unsigned depth)
{
    vch_writer_u8(w, '\n');
    for (unsigned i = 0; i < depth; i++) {
        put_text(w, "  ");
    }
}

static vch_err diag(struct vch_cbor *c, struct vch_writer *w, unsigned depth);

static vch_err diag_array(struct vch_cbor *c, struct vch_writer *w, unsigned depth)
{
    size_t n;

    VCH_TRY(vch_cbor_array(c, &n));
    put_text(w, "[");
    for (size_t i = 0; i < n; i++) {
        put_line(w, depth + 1);
        VCH_TRY(diag(c, w, depth + 1));
        put_text(w, i + 1 < n ? "," : "");
    }
    if (n != 0) {
        put_line(w, depth);
    }
    put_text(w, "]");
    return VCH_OK;
}

static vch_err diag_map(struct vch_cbor *c, struct vch_writer *w, unsigned depth)
{
    struct vch_cbor_map m;
    struct vch_bytes key;
    bool more;
    bool first = true;

    VCH_TRY(vch_cbor_map(c, &m));
    put_text(w, "{");
    for (;; first = false) {
        struct vch_cbor key_reader;

        VCH_TRY(vch_cbor_map_key(c, &m, &key, &more));
        if (!more) {
            break;
        }
        put_text(w, first ? "" : ",");
        put_line(w, depth + 1);
        key_reader = vch_cbor(key, c->mode);
        VCH_TRY(diag(&key_reader, w, depth + 1));
        put_text(w, ": ");
        VCH_TRY(diag(c, w, depth + 1));
    }
    if (!first) {
        put_line(w, depth);
    }
    put_text(w, "}");
    return VCH_OK;
}

static vch_err diag_simple(struct vch_cbor *c, struct vch_writer *w)
{
    struct vch_bytes raw;
    uint8_t b;

    VCH_TRY(vch_cbor_item(c, &raw));
    b = raw.p[0] & 31;
    if (b >= 25) {
        put_text(w, "float"); /* no format of ours has them: the bytes are shown as they are */
        put_hex(w, vch_bytes_slice(raw, 1, raw.n));
    } else if (b >= 20 && b <= 23) {
        put_text(w, b == 20 ? "false" : b == 21 ? "true" : b == 22 ? "null" : "undefined");
    } else {
        put_text(w, "simple(");
        put_decimal(w, b == 24 ? raw.p[1] : b);
        put_text(w, ")");
    }
    return VCH_OK;
}

static vch_err diag_tag(struct vch_cbor *c, struct vch_writer *w, unsigned depth)
{
    uint64_t tag;

    VCH_TRY(vch_cbor_tag(c, &tag));
    put_decimal(w, tag);
    put_text(w, "(");
    VCH_TRY(diag(c, w, depth));
    put_text(w, ")");
    return VCH_OK;
}

/* -1 - ARG, which need not fit an int64_t. */
static void put_negative(struct vch_writer *w, struct vch_bytes raw)
{
    uint64_t arg = raw.p[0] & 31;

    if (raw.n > 1) {
        arg = 0;
        for (size_t i = 1; i < raw.n; i++) {
            arg = arg << 8 | raw.p[i];
        }
    }
    put_text(w, "-");
    if (arg == UINT64_MAX) {
        put_text(w, "18446744073709551616");
    } else {
        put_decimal(w, arg + 1);
    }
}

static vch_err diag(struct vch_cbor *c, struct vch_writer *w, unsigned depth)
{
    struct vch_bytes b;
    uint64_t v;

    VCH_CHECK(depth < VCH_CBOR_DEPTH_MAX, CBOR_DEPTH);
    switch (vch_cbor_peek(c)) {
    case VCH_CBOR_UINT:
        VCH_TRY(vch_cbor_uint(c, &v));
        put_decimal(w, v);
        return VCH_OK;
    case VCH_CBOR_NINT:
        VCH_TRY(vch_cbor_item(c, &b));
        put_negative(w, b);
        return VCH_OK;
    case VCH_CBOR_BSTR:
        VCH_TRY(vch_cbor_bstr(c, &b));
        put_hex(w, b);
        return VCH_OK;
    case VCH_CBOR_TSTR:
        VCH_TRY(vch_cbor_tstr(c, &b));
        put_quoted(w, b);
        return VCH_OK;
    case VCH_CBOR_ARRAY:
        return diag_array(c, w, depth);
    case VCH_CBOR_MAP:
        return diag_map(c, w, depth);
    case VCH_CBOR_TAG:
        return diag_tag(c, w, depth + 1);
    case VCH_CBOR_SIMPLE:
        return diag_simple(c, w);
    case VCH_CBOR_NONE:
        break;
    }
    return VCH_E(TRUNCATED);
}

vch_err vch_cbor_diag(struct vch_bytes item, struct vch_writer *w)
{
    struct vch_cbor c = vch_cbor(item, VCH_CBOR_GENERIC);
    struct vch_bytes whole;

    VCH_TRY(vch_cbor_item(&c, &whole)); /* all is checked before anything is written */
    VCH_TRY(vch_cbor_end(&c));
    c = vch_cbor(whole, VCH_CBOR_GENERIC);
    return diag(&c, w, 0);
}
