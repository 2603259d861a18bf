/* PEM text: blocks, anchors, plain private keys. */
#include <vouch/ossl/x509.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 20);
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *trust = NULL;
    struct vch_bytes left = vch_bytes(data, size);
    char label[VCH_OSSL_PEM_LABEL_MAX];
    struct vch_pubkey pub;

    while (vch_ok(vch_ossl_pem_next(&left, label, &der))) {
        VCH_ASSERT(left.n <= size && der.n <= size);
    }
    vch_ignore(vch_ossl_pubkey_pem_decode(vch_bytes(data, size), &pub));
    vch_ignore(vch_cert_trust_open(vch_bytes(data, size), vch_bytes(NULL, 0), false, &trust));
    /* No passphrase: an encrypted key ends before the costly derivation. */
    vch_ignore(
        vch_ossl_key_decode(vch_bytes(data, size), vch_bytes(NULL, 0), VCH_OSSL_KEY_PLAIN, &key));
    return 0;
}
