/* Acknowledgements and requests that are taken are written the same again. */
#include <vouch/stmt/ack.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[1 << 17];
    struct vch_bytes in = vch_bytes(data, size), again;
    struct vch_stmt_request q;
    struct vch_stmt_ack a;

    if (vch_ok(vch_stmt_ack_decode(in, &a))) {
        VCH_ASSERT(vch_ok(vch_stmt_ack_encode(&a, VCH_SPAN_OF(room), &again)));
        VCH_ASSERT(vch_bytes_equal(in, again));
    }
    if (vch_ok(vch_stmt_request_decode(in, &q))) {
        VCH_ASSERT(vch_ok(vch_stmt_request_encode(&q, VCH_SPAN_OF(room), &again)));
        VCH_ASSERT(vch_bytes_equal(in, again));
    }
    return 0;
}
