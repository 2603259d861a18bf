/* Whatever strict mode accepts, generic mode accepts with the same length; whatever generic mode
 * accepts can be shown, and what is shown has no control character but line ends. */
#include <vouch/base/text.h>
#include <vouch/cbor/cbor.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_cbor strict = vch_cbor(vch_bytes(data, size), VCH_CBOR_STRICT);
    struct vch_cbor generic = vch_cbor(vch_bytes(data, size), VCH_CBOR_GENERIC);
    uint8_t room[4096];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes a, b;

    if (vch_ok(vch_cbor_diag(vch_bytes(data, size), &w)) && vch_ok(vch_writer_finish(&w, &a))) {
        VCH_ASSERT(vch_utf8_check(a));
        for (size_t i = 0; i < a.n; i++) {
            VCH_ASSERT((a.p[i] >= 0x20 && a.p[i] != 0x7f) || a.p[i] == '\n');
        }
    }
    if (vch_ok(vch_cbor_item(&strict, &a))) {
        vch_err e = vch_cbor_item(&generic, &b);

        VCH_ASSERT(vch_err_is(e, VCH_E(LIMIT)) || (vch_ok(e) && a.n == b.n));
    }
    return 0;
}
