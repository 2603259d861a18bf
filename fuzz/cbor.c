/* Whatever strict mode accepts, generic mode accepts with the same length. */
#include <vouch/cbor/cbor.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_cbor strict = vch_cbor(vch_bytes(data, size), VCH_CBOR_STRICT);
    struct vch_cbor generic = vch_cbor(vch_bytes(data, size), VCH_CBOR_GENERIC);
    struct vch_bytes a, b;

    if (vch_ok(vch_cbor_item(&strict, &a))) {
        vch_err e = vch_cbor_item(&generic, &b);

        VCH_ASSERT(vch_err_is(e, VCH_E(LIMIT)) || (vch_ok(e) && a.n == b.n));
    }
    return 0;
}
