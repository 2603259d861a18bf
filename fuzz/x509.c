/* Certificates, requests and public keys: no input crashes, and what opens is consistent. */
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *cert = NULL;
    struct vch_bytes in = vch_bytes(data, size);
    struct vch_pubkey key;
    char name[65];

    if (vch_ok(vch_cert_open(in, &cert))) {
        const struct vch_cert_info *i = vch_cert_info(cert);

        VCH_ASSERT(i->der.n <= size && vch_utf8_check(i->subject));
        for (size_t k = 0; k < i->sans_n; k++) {
            VCH_ASSERT(vch_cert_has_san(cert, i->sans[k].kind, i->sans[k].text));
        }
        if (i->pub.curve != VCH_CURVE_NONE) {
            VCH_ASSERT(vch_ok(vch_ossl_crypto()->pubkey_check(&i->pub)));
        }
    }
    if (vch_ok(vch_csr_open(in, &key, name))) {
        VCH_ASSERT(vch_ok(vch_ossl_crypto()->pubkey_check(&key)));
    }
    if (vch_ok(vch_ossl_pubkey_der_decode(in, &key))) {
        VCH_ASSERT(vch_ok(vch_ossl_crypto()->pubkey_check(&key)));
    }
    return 0;
}
