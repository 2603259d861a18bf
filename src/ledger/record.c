#include <vouch/ledger/record.h>

#include <vouch/cbor/cbor.h>

#include "crc.h"

static const uint8_t magic[8] = {'V', 'O', 'U', 'C', 'H', 'L', 'O', 'G'};
static const uint8_t zeros[8];

static uint32_t record_crc(uint64_t pos, uint32_t n, uint8_t kind, struct vch_bytes contents)
{
    uint8_t head[16];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(head));

    vch_writer_u64(&w, pos);
    vch_writer_u32(&w, n);
    vch_writer_u32(&w, (uint32_t)kind << 24);
    return vch_ledger_crc32c(vch_ledger_crc32c(0, VCH_BYTES_OF(head)), contents);
}

size_t vch_ledger_record_room(size_t n)
{
    return (VCH_LEDGER_RECORD_HEAD + n + 7) & ~(size_t)7;
}

void vch_ledger_record_encode(enum vch_ledger_kind kind, struct vch_bytes contents, uint64_t pos,
                              struct vch_writer *w)
{
    uint32_t n = (uint32_t)contents.n;

    if (contents.n == 0 || contents.n > VCH_LEDGER_RECORD_MAX) {
        vch_writer_fail(w, VCH_E(LIMIT));
        return;
    }
    vch_writer_u32(w, n);
    vch_writer_u32(w, record_crc(pos, n, (uint8_t)kind, contents));
    vch_writer_u32(w, (uint32_t)kind << 24);
    vch_writer_bytes(w, contents);
    vch_writer_bytes(
        w, vch_bytes(zeros, vch_ledger_record_room(contents.n) - VCH_LEDGER_RECORD_HEAD - n));
}

vch_err vch_ledger_record_decode(struct vch_bytes in, uint64_t pos, struct vch_ledger_record *ret)
{
    struct vch_reader r = vch_reader(in);
    struct vch_bytes contents, fill;
    uint32_t n, crc, kind;

    VCH_TRY(vch_reader_u32(&r, &n));
    VCH_CHECK(n != 0, LEDGER_NO_ENTRY);
    VCH_CHECK(n <= VCH_LEDGER_RECORD_MAX, LEDGER_RECORD);
    VCH_TRY(vch_reader_u32(&r, &crc));
    VCH_TRY(vch_reader_u32(&r, &kind));
    VCH_CHECK((kind & 0xffffff) == 0, LEDGER_RECORD);
    kind >>= 24;
    VCH_CHECK(kind >= VCH_LEDGER_STATEMENT && kind <= VCH_LEDGER_COMMIT, LEDGER_RECORD);
    VCH_TRY(vch_reader_bytes(&r, n, &contents));
    VCH_TRY(vch_reader_bytes(&r, vch_ledger_record_room(n) - VCH_LEDGER_RECORD_HEAD - n, &fill));
    VCH_CHECK(record_crc(pos, n, (uint8_t)kind, contents) == crc, LEDGER_RECORD);
    VCH_CHECK(vch_bytes_equal(fill, vch_bytes(zeros, fill.n)), LEDGER_RECORD);
    *ret = (struct vch_ledger_record){(enum vch_ledger_kind)kind, contents, pos, r.pos};
    return VCH_OK;
}

void vch_ledger_commit_encode(const struct vch_ledger_commit *c, struct vch_writer *w)
{
    vch_cbor_put_array(w, 6);
    vch_cbor_put_uint(w, c->batch);
    vch_cbor_put_int(w, c->time_ms);
    vch_cbor_put_uint(w, c->size);
    vch_cbor_put_bstr(w, vch_hash_bytes(&c->root));
    vch_cbor_put_bstr(w, c->protected_header);
    vch_cbor_put_bstr(w, c->sig);
}

static vch_err commit_decode(struct vch_bytes in, struct vch_ledger_commit *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);

    VCH_TRY(vch_cbor_array_of(&c, 6));
    VCH_TRY(vch_cbor_uint(&c, &ret->batch));
    VCH_TRY(vch_cbor_int(&c, &ret->time_ms));
    VCH_TRY(vch_cbor_uint(&c, &ret->size));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(ret->root.b)));
    VCH_TRY(vch_cbor_bstr(&c, &ret->protected_header));
    VCH_TRY(vch_cbor_bstr(&c, &ret->sig));
    return vch_cbor_end(&c);
}

vch_err vch_ledger_commit_decode(struct vch_bytes in, struct vch_ledger_commit *ret)
{
    struct vch_ledger_commit c;

    VCH_CHECK(in.n <= VCH_LEDGER_COMMIT_MAX, LEDGER_RECORD);
    VCH_CHECK(vch_ok(commit_decode(in, &c)), LEDGER_RECORD);
    *ret = c;
    return VCH_OK;
}

static uint32_t segment_crc(const uint8_t head[VCH_LEDGER_SEGMENT_HEAD])
{
    return vch_ledger_crc32c(vch_ledger_crc32c(0, vch_bytes(head, 12)),
                             vch_bytes(head + 16, VCH_LEDGER_SEGMENT_HEAD - 16));
}

void vch_ledger_segment_encode(const struct vch_ledger_segment *s,
                               uint8_t ret[VCH_LEDGER_SEGMENT_HEAD])
{
    struct vch_writer w = vch_writer(vch_span(ret, VCH_LEDGER_SEGMENT_HEAD));

    for (int pass = 0; pass < 2; pass++) { /* the second with the CRC */
        uint32_t crc = pass == 0 ? 0 : segment_crc(ret);

        w = vch_writer(vch_span(ret, VCH_LEDGER_SEGMENT_HEAD));
        vch_writer_bytes(&w, VCH_BYTES_OF(magic));
        vch_writer_u32(&w, 1);
        vch_writer_u32(&w, crc);
        vch_writer_u64(&w, s->number);
        vch_writer_u64(&w, s->size);
        vch_writer_u64(&w, s->first_batch);
        vch_writer_u64(&w, s->first_index);
        vch_writer_bytes(&w, VCH_BYTES_OF(s->id));
    }
    VCH_ASSERT(w.len == VCH_LEDGER_SEGMENT_HEAD);
}

vch_err vch_ledger_segment_decode(const uint8_t in[VCH_LEDGER_SEGMENT_HEAD],
                                  struct vch_ledger_segment *ret)
{
    struct vch_reader r = vch_reader(vch_bytes(in, VCH_LEDGER_SEGMENT_HEAD));
    struct vch_ledger_segment s;
    struct vch_bytes m, id;
    uint32_t version, crc;

    VCH_TRY(vch_reader_bytes(&r, sizeof(magic), &m));
    VCH_CHECK(vch_bytes_equal(m, VCH_BYTES_OF(magic)), LEDGER_RECORD);
    VCH_TRY(vch_reader_u32(&r, &version));
    VCH_TRY(vch_reader_u32(&r, &crc));
    VCH_CHECK(crc == segment_crc(in), LEDGER_RECORD);
    VCH_CHECK(version == 1, LEDGER_VERSION);
    VCH_TRY(vch_reader_u64(&r, &s.number));
    VCH_TRY(vch_reader_u64(&r, &s.size));
    VCH_TRY(vch_reader_u64(&r, &s.first_batch));
    VCH_TRY(vch_reader_u64(&r, &s.first_index));
    VCH_TRY(vch_reader_bytes(&r, sizeof(s.id), &id));
    memcpy(s.id, id.p, sizeof(s.id));
    *ret = s;
    return VCH_OK;
}
