/* A disclosure that is taken is written the same again. */
#include <vouch/stmt/disclosure.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_bytes in = vch_bytes(data, size), again;
    uint8_t room[VCH_DISCLOSURE_MAX];
    struct vch_disclosure d;

    if (vch_ok(vch_stmt_disclosure_decode(in, &d))) {
        VCH_ASSERT(vch_ok(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &again)));
        VCH_ASSERT(vch_bytes_equal(in, again));
    }
    return 0;
}
