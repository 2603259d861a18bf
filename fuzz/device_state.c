/* A device's state behind a right tag: whatever loads, is saved as the same bytes. */
#include <vouch/device/device.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vch_bytes expected;

static vch_err compare(void *self, struct vch_bytes state)
{
    (void)self;
    VCH_ASSERT(vch_bytes_equal(state, expected));
    return VCH_OK;
}

/* The key of the seed in the corpus. */
static const struct vch_signer *signer(void)
{
    static struct vch_ossl_key *key;
    static const uint8_t scalar[32] = {[31] = 1};

    if (key == NULL) {
        VCH_ASSERT(vch_ok(vch_ossl_key_import(VCH_ALG_ES256, VCH_BYTES_OF(scalar), &key)));
    }
    return vch_ossl_key_signer(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[VCH_DEVICE_STATE_MAX];
    static struct vch_device d;
    struct vch_device_host host = {.crypto = vch_ossl_crypto(),
                                   .signer = signer(),
                                   .random = vch_ossl_random,
                                   .persist = compare};
    struct vch_bytes parts[] = {vch_text("vouch device state"), vch_bytes(data, size)};
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_hash tag;

    vch_hmac_sha256(host.crypto, VCH_BYTES_OF(host.mac_key), parts, 2, &tag);
    vch_cbor_put_array(&w, 2);
    vch_cbor_put_bstr(&w, parts[1]);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&tag));
    if (vch_ok(vch_writer_finish(&w, &expected)) && vch_ok(vch_device_load(&d, &host, expected))) {
        VCH_ASSERT(vch_ok(vch_device_save(&d)));
    }
    return 0;
}
