/* Whatever is taken as a registration says what its bytes say: its fields lie within their ranges.
 */
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/registration.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_stmt_registration r;

    if (vch_ok(vch_stmt_registration_decode(vch_ossl_crypto(), vch_bytes(data, size), &r))) {
        VCH_ASSERT(r.alg_count >= 1 && r.alg_count <= VCH_ALG_LIST_COUNT);
        VCH_ASSERT(vch_stmt_registration_lists(&r, r.st.alg));
        VCH_ASSERT(r.nonce.n >= VCH_NONCE_MIN && r.nonce.n <= VCH_NONCE_MAX);
        for (size_t i = 0; i < r.identifiers.count; i++) {
            VCH_ASSERT(vch_stmt_digests_get(&r.identifiers, i).n == VCH_HASH_LEN);
        }
        vch_ignore(vch_stmt_registration_verify(vch_ossl_crypto(), &r));
    }
    return 0;
}
