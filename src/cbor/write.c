#include <vouch/cbor/cbor.h>

static void put_head(struct vch_writer *w, enum vch_cbor_type type, uint64_t arg)
{
    uint8_t major = (uint8_t)(type << 5);

    if (arg < 24) {
        vch_writer_u8(w, (uint8_t)(major | arg));
    } else if (arg <= 0xff) {
        vch_writer_u8(w, major | 24);
        vch_writer_u8(w, (uint8_t)arg);
    } else if (arg <= 0xffff) {
        vch_writer_u8(w, major | 25);
        vch_writer_u16(w, (uint16_t)arg);
    } else if (arg <= 0xffffffff) {
        vch_writer_u8(w, major | 26);
        vch_writer_u32(w, (uint32_t)arg);
    } else {
        vch_writer_u8(w, major | 27);
        vch_writer_u64(w, arg);
    }
}

void vch_cbor_put_uint(struct vch_writer *w, uint64_t v)
{
    put_head(w, VCH_CBOR_UINT, v);
}

void vch_cbor_put_int(struct vch_writer *w, int64_t v)
{
    put_head(w, v < 0 ? VCH_CBOR_NINT : VCH_CBOR_UINT, v < 0 ? (uint64_t)(-1 - v) : (uint64_t)v);
}

void vch_cbor_put_bstr_head(struct vch_writer *w, uint64_t n)
{
    put_head(w, VCH_CBOR_BSTR, n);
}

void vch_cbor_put_bstr(struct vch_writer *w, struct vch_bytes b)
{
    put_head(w, VCH_CBOR_BSTR, b.n);
    vch_writer_bytes(w, b);
}

void vch_cbor_put_tstr(struct vch_writer *w, struct vch_bytes b)
{
    put_head(w, VCH_CBOR_TSTR, b.n);
    vch_writer_bytes(w, b);
}

void vch_cbor_put_text(struct vch_writer *w, const char *s)
{
    vch_cbor_put_tstr(w, vch_text(s));
}

void vch_cbor_put_bool(struct vch_writer *w, bool v)
{
    vch_writer_u8(w, v ? 0xf5 : 0xf4);
}

void vch_cbor_put_null(struct vch_writer *w)
{
    vch_writer_u8(w, 0xf6);
}

void vch_cbor_put_array(struct vch_writer *w, size_t count)
{
    put_head(w, VCH_CBOR_ARRAY, count);
}

void vch_cbor_put_map(struct vch_writer *w, size_t pairs)
{
    put_head(w, VCH_CBOR_MAP, pairs);
}

void vch_cbor_put_tag(struct vch_writer *w, uint64_t tag)
{
    put_head(w, VCH_CBOR_TAG, tag);
}
