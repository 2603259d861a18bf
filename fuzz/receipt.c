/* A receipt of ours is a receipt to the tolerant reader, with the same proof; and encodes to the
 * same bytes. */
#include <vouch/cose/receipt.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[VCH_RECEIPT_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes in = vch_bytes(data, size), again;
    struct vch_receipt_foreign f;
    struct vch_receipt r;
    vch_err e = vch_receipt_foreign_decode(in, 0, &f);

    if (vch_ok(vch_receipt_decode(in, &r))) {
        VCH_ASSERT(vch_ok(e) && f.size == r.head.size && f.index == r.index);
        vch_receipt_encode(r.protected_raw, r.signature.p, r.head.size, r.index, &r.path, &w);
        VCH_ASSERT(vch_ok(vch_writer_finish(&w, &again)) && vch_bytes_equal(in, again));
    }
    return 0;
}
