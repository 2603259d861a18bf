/* What the strict form accepts, the generic one accepts as the same key, and it encodes to the same
 * bytes. */
#include <vouch/cose/key.h>
#include <vouch/ossl/crypto.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_cbor strict = vch_cbor(vch_bytes(data, size), VCH_CBOR_STRICT);
    struct vch_cbor generic = vch_cbor(vch_bytes(data, size), VCH_CBOR_GENERIC);
    uint8_t room[VCH_COSE_KEY_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_pubkey a, b;
    struct vch_bytes again;
    vch_err e = vch_cose_key_decode(cr, &generic, &b);

    if (vch_ok(vch_cose_key_decode(cr, &strict, &a))) {
        VCH_ASSERT(vch_ok(e) && vch_pubkey_equal(&a, &b));
        vch_cose_key_encode(&a, &w);
        VCH_ASSERT(vch_ok(vch_writer_finish(&w, &again)));
        VCH_ASSERT(vch_bytes_equal(again, vch_bytes(data, strict.r.pos)));
    }
    return 0;
}
