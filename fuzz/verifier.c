/* Without trust, nothing is ever valid, whatever the file. */
#include <vouch/ossl/crypto.h>
#include <vouch/verifier/verifier.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vch_verify_trust none;
    struct vch_verifier_options o = {
        .cr = vch_ossl_crypto(), .trust = &none, .judge = {1800000000000, 0, true}, .threads = 1};
    struct vch_verifier *v;

    vch_verifier_open(&o, &v);
    vch_ignore(vch_verifier_add_bytes(v, "input", vch_bytes(data, size)));
    vch_ignore(vch_verifier_add_fragment(v, vch_bytes(data, size)));
    vch_verifier_run(v);
    VCH_ASSERT(vch_verifier_summary(v).verdict != VCH_VERDICT_VALID);
    vch_verifier_close(v);
    return 0;
}
