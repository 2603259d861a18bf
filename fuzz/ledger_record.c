/* Whatever a log file holds, decoding it gives a record that encodes to the same bytes, or an
 * error. */
#include <vouch/ledger/record.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void record(struct vch_bytes in)
{
    static uint8_t room[VCH_LEDGER_RECORD_MAX + 64];
    struct vch_ledger_record r;
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes again;

    if (vch_ok(vch_ledger_record_decode(in, 64, &r))) {
        vch_ledger_record_encode(r.kind, r.bytes, 64, &w);
        VCH_ASSERT(vch_ok(vch_writer_finish(&w, &again)) && again.n == r.room && again.n <= in.n &&
                   memcmp(again.p, in.p, again.n) == 0);
    }
}

static void commit(struct vch_bytes in)
{
    uint8_t room[VCH_LEDGER_COMMIT_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_ledger_commit c;
    struct vch_bytes again;

    if (vch_ok(vch_ledger_commit_decode(in, &c))) {
        vch_ledger_commit_encode(&c, &w);
        VCH_ASSERT(vch_ok(vch_writer_finish(&w, &again)) && vch_bytes_equal(again, in));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_ledger_segment s;

    record(vch_bytes(data, size));
    commit(vch_bytes(data, size));
    if (size >
        VCH_LEDGER_RECORD_HEAD) { /* behind a record's head, where the CRC does not shield it */
        commit(vch_bytes(data + VCH_LEDGER_RECORD_HEAD, size - VCH_LEDGER_RECORD_HEAD));
    }
    if (size >= VCH_LEDGER_SEGMENT_HEAD && vch_ok(vch_ledger_segment_decode(data, &s))) {
        uint8_t again[VCH_LEDGER_SEGMENT_HEAD];

        vch_ledger_segment_encode(&s, again);
        VCH_ASSERT(memcmp(again, data, sizeof(again)) == 0);
    }
    return 0;
}
