/* Whatever is taken as an endorsement keeps its chain rule and embeds a registration. */
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/endorsement.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_stmt_endorsement e;
    struct vch_hash key;

    if (vch_ok(vch_stmt_endorsement_decode(cr, vch_bytes(data, size), &e))) {
        VCH_ASSERT((e.seq == 0) == (e.prev.n == 0));
        VCH_ASSERT((e.seq == 0) == (e.action == VCH_ACTION_REGISTER));
        VCH_ASSERT(vch_bytes_equal(e.registration, e.reg.st.whole));
        VCH_ASSERT(e.account.count >= 1 && e.account.count <= VCH_DISCLOSURES_COUNT);
        vch_stmt_endorsement_content_key(cr, &e, &key);
        vch_ignore(vch_stmt_endorsement_verify(cr, &e, &e.reg.key));
    }
    return 0;
}
