#include <vouch/cose/sign1.h>

void vch_sign1_protected_encode(enum vch_alg alg, const struct vch_sign1_head *head,
                                struct vch_writer *w)
{
    vch_cbor_put_map(w, head->x5t != NULL ? 5 : 4);
    vch_cbor_put_int(w, VCH_LABEL_ALG);
    vch_cbor_put_int(w, alg);
    vch_cbor_put_int(w, VCH_LABEL_KID);
    vch_cbor_put_bstr(w, head->kid);
    vch_cbor_put_int(w, VCH_LABEL_CLAIMS);
    vch_cbor_put_map(w, 3);
    vch_cbor_put_int(w, 1);
    vch_cbor_put_tstr(w, head->iss);
    vch_cbor_put_int(w, 2);
    vch_cbor_put_tstr(w, head->sub);
    vch_cbor_put_int(w, 6);
    vch_cbor_put_int(w, head->iat_s);
    vch_cbor_put_int(w, VCH_LABEL_TYP);
    vch_cbor_put_text(w, head->typ);
    if (head->x5t != NULL) {
        vch_cbor_put_int(w, VCH_LABEL_X5T);
        vch_cbor_put_array(w, 2);
        vch_cbor_put_int(w, VCH_ALG_SHA256);
        vch_cbor_put_bstr(w, vch_hash_bytes(head->x5t));
    }
}

vch_err vch_sign1_sign(const struct vch_signer *signer, struct vch_bytes protected_raw,
                       struct vch_bytes payload, struct vch_span out, struct vch_bytes *ret)
{
    struct vch_writer w = vch_writer(out);
    struct vch_cose_tbs t;
    uint8_t sig[VCH_SIG_LEN];

    vch_cose_tbs(&t, protected_raw, vch_bytes(NULL, 0), payload);
    VCH_TRY(signer->sign(signer, t.part, VCH_COSE_TBS_PARTS, sig));
    vch_cbor_put_tag(&w, 18);
    vch_cbor_put_array(&w, 4);
    vch_cbor_put_bstr(&w, protected_raw);
    vch_cbor_put_map(&w, 0);
    vch_cbor_put_bstr(&w, payload);
    vch_cbor_put_bstr(&w, VCH_BYTES_OF(sig));
    return vch_writer_finish(&w, ret);
}

vch_err vch_sign1_make(const struct vch_signer *signer, const struct vch_sign1_head *head,
                       struct vch_bytes payload, struct vch_span out, struct vch_bytes *ret)
{
    uint8_t room[1024];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes protected_raw;

    vch_sign1_protected_encode(signer->alg, head, &w);
    VCH_TRY(vch_writer_finish(&w, &protected_raw));
    return vch_sign1_sign(signer, protected_raw, payload, out, ret);
}
