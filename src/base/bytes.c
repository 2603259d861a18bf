#include <vouch/base/bytes.h>

int vch_bytes_cmp(struct vch_bytes a, struct vch_bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (c != 0) {
        return c;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

struct vch_bytes vch_bytes_slice(struct vch_bytes b, size_t from, size_t n)
{
    if (from >= b.n) {
        return vch_bytes(NULL, 0);
    }
    return vch_bytes(b.p + from, n < b.n - from ? n : b.n - from);
}

bool vch_equal_ct(struct vch_bytes a, struct vch_bytes b)
{
    volatile uint8_t diff = 0;

    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        diff = (uint8_t)(diff | (a.p[i] ^ b.p[i]));
    }
    return diff == 0;
}

void vch_wipe(void *p, size_t n)
{
    if (n != 0) {
        memset(p, 0, n);
        __asm__ __volatile__("" : : "r"(p) : "memory");
    }
}

vch_err vch_reader_bytes(struct vch_reader *r, size_t n, struct vch_bytes *ret)
{
    VCH_CHECK(n <= vch_reader_left(r), TRUNCATED);
    *ret = n == 0 ? vch_bytes(NULL, 0) : vch_bytes(r->in.p + r->pos, n);
    r->pos += n;
    return VCH_OK;
}

static vch_err read_be(struct vch_reader *r, size_t n, uint64_t *ret)
{
    struct vch_bytes b;
    uint64_t v = 0;

    VCH_TRY(vch_reader_bytes(r, n, &b));
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | b.p[i];
    }
    *ret = v;
    return VCH_OK;
}

vch_err vch_reader_u8(struct vch_reader *r, uint8_t *ret)
{
    uint64_t v;

    VCH_TRY(read_be(r, 1, &v));
    *ret = (uint8_t)v;
    return VCH_OK;
}

vch_err vch_reader_u16(struct vch_reader *r, uint16_t *ret)
{
    uint64_t v;

    VCH_TRY(read_be(r, 2, &v));
    *ret = (uint16_t)v;
    return VCH_OK;
}

vch_err vch_reader_u32(struct vch_reader *r, uint32_t *ret)
{
    uint64_t v;

    VCH_TRY(read_be(r, 4, &v));
    *ret = (uint32_t)v;
    return VCH_OK;
}

vch_err vch_reader_u64(struct vch_reader *r, uint64_t *ret)
{
    return read_be(r, 8, ret);
}

vch_err vch_reader_end(const struct vch_reader *r)
{
    VCH_CHECK(vch_reader_left(r) == 0, TRAILING);
    return VCH_OK;
}

struct vch_writer vch_writer(struct vch_span out)
{
    return (struct vch_writer){out, 0, VCH_OK, out.p == NULL};
}

void vch_writer_fail(struct vch_writer *w, vch_err e)
{
    if (vch_ok(w->err)) {
        w->err = e;
    }
}

void vch_writer_bytes(struct vch_writer *w, struct vch_bytes b)
{
    if (b.n == 0 || !vch_ok(w->err)) {
        return;
    }
    if (b.n > SIZE_MAX - w->len) {
        vch_writer_fail(w, VCH_E(NO_ROOM));
        return;
    }
    if (!w->size_pass) {
        if (b.n > w->out.cap - w->len) {
            vch_writer_fail(w, VCH_E(NO_ROOM));
            return;
        }
        memcpy(w->out.p + w->len, b.p, b.n);
    }
    w->len += b.n;
}

static void write_be(struct vch_writer *w, uint64_t v, size_t n)
{
    uint8_t b[8];

    for (size_t i = 0; i < n; i++) {
        b[n - 1 - i] = (uint8_t)(v >> (8 * i));
    }
    vch_writer_bytes(w, vch_bytes(b, n));
}

void vch_writer_u8(struct vch_writer *w, uint8_t v)
{
    write_be(w, v, 1);
}

void vch_writer_u16(struct vch_writer *w, uint16_t v)
{
    write_be(w, v, 2);
}

void vch_writer_u32(struct vch_writer *w, uint32_t v)
{
    write_be(w, v, 4);
}

void vch_writer_u64(struct vch_writer *w, uint64_t v)
{
    write_be(w, v, 8);
}

vch_err vch_writer_finish(const struct vch_writer *w, struct vch_bytes *ret)
{
    VCH_TRY(w->err);
    *ret = vch_bytes(w->size_pass ? NULL : w->out.p, w->len);
    return VCH_OK;
}
