/* A trust file is read or refused with a place; what is read names keys for every ledger. */
#include <vouch/ossl/crypto.h>
#include <vouch/verifier/trust_file.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char detail[VCH_TRUST_DETAIL_MAX];
    struct vch_trust_file *t;

    if (vch_ok(vch_trust_file_decode(vch_ossl_crypto(), vch_bytes(data, size), &t, detail))) {
        const struct vch_verify_trust *v = vch_trust_file_get(t);

        for (size_t i = 0; i < v->ledger_count; i++) {
            VCH_ASSERT(v->ledgers[i].key_count > 0);
        }
        for (size_t i = 0; i < v->as_count; i++) {
            VCH_ASSERT(v->as[i].key_count > 0 || v->as[i].has_ca);
        }
        vch_trust_file_close(t);
    }
    return 0;
}
