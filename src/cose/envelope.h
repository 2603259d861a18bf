/* The strict outer form that statements, items and receipts share; of this module only. */
#ifndef VCH_COSE_ENVELOPE_H
#define VCH_COSE_ENVELOPE_H

#include <vouch/cose/sign1.h>

/* Reads tag 18, the array and the protected byte string; C then stands at the unprotected map. */
static inline vch_err envelope_open(struct vch_cbor *c, struct vch_bytes *ret_protected)
{
    struct vch_bytes raw;
    uint64_t tag;

    VCH_CHECK(vch_cbor_peek(c) == VCH_CBOR_TAG || vch_cbor_peek(c) == VCH_CBOR_NONE, COSE_TAG);
    VCH_TRY(vch_cbor_tag(c, &tag));
    VCH_CHECK(tag == 18, COSE_TAG);
    VCH_TRY(vch_cbor_array_of(c, 4));
    VCH_TRY(vch_cbor_bstr(c, &raw));
    VCH_CHECK(raw.n != 0, COSE_PROFILE);
    *ret_protected = raw;
    return VCH_OK;
}

static inline vch_err envelope_alg(struct vch_cbor *c, enum vch_alg *ret)
{
    int64_t id;

    VCH_TRY(vch_cbor_int(c, &id));
    VCH_CHECK(vch_alg_of(id) != VCH_ALG_NONE, ALG);
    *ret = vch_alg_of(id);
    return VCH_OK;
}

/* Reads the signature and the end. */
static inline vch_err envelope_close(struct vch_cbor *c, enum vch_alg alg, struct vch_bytes *ret)
{
    struct vch_bytes sig;

    VCH_TRY(vch_cbor_bstr(c, &sig));
    VCH_TRY(vch_cbor_end(c));
    VCH_CHECK(sig.n == VCH_SIG_LEN, SIGNATURE_FORM);
    if (vch_alg_curve(alg) == VCH_CURVE_P256) {
        VCH_TRY(vch_es256_form_check(sig));
    }
    *ret = sig;
    return VCH_OK;
}

#endif
