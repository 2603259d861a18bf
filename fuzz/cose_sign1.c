/* What the strict profile accepts, the generic reader accepts with the same parts. */
#include <vouch/cose/sign1.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void both(struct vch_bytes in, enum vch_sign1_profile profile)
{
    struct vch_sign1 s;
    struct vch_cose m;

    if (vch_ok(vch_sign1_decode(in, profile, &s))) {
        vch_err e = vch_cose_decode(in, &m);

        if (vch_err_is(e, VCH_E(LIMIT))) {
            return; /* a map of over 64 pairs within an item label */
        }
        VCH_ASSERT(vch_ok(e));
        VCH_ASSERT(m.tagged && !m.detached && m.alg == s.alg && m.alg_protected);
        VCH_ASSERT(vch_bytes_equal(m.protected_raw, s.protected_raw));
        VCH_ASSERT(vch_bytes_equal(m.payload, s.payload));
        VCH_ASSERT(vch_bytes_equal(m.signature, s.signature));
        VCH_ASSERT(vch_bytes_equal(m.kid, s.kid));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_bytes in = vch_bytes(data, size);
    struct vch_cose m;

    both(in, VCH_SIGN1_STATEMENT);
    both(in, VCH_SIGN1_ITEM);
    vch_ignore(vch_cose_decode(in, &m));
    return 0;
}
