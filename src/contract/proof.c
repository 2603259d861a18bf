#include <vouch/contract/proof.h>

#include <vouch/cbor/cbor.h>

#define STATE_PROOF_MAX 24576

void vch_state_proof_encode(struct vch_bytes root_entry, struct vch_bytes receipt,
                            enum vch_state_kind kind, struct vch_bytes id,
                            const struct vch_bytes *value, const struct vch_map_proof *map,
                            struct vch_writer *w)
{
    struct vch_writer size = vch_writer(vch_span(NULL, 0));

    vch_map_proof_encode(map, &size);
    vch_cbor_put_array(w, 6);
    vch_cbor_put_bstr(w, root_entry);
    vch_cbor_put_bstr(w, receipt);
    vch_cbor_put_uint(w, (uint64_t)kind);
    vch_cbor_put_bstr(w, id);
    if (value != NULL) {
        vch_cbor_put_bstr(w, *value);
    } else {
        vch_cbor_put_null(w);
    }
    vch_cbor_put_bstr_head(w, size.len);
    vch_map_proof_encode(map, w);
}

vch_err vch_state_proof_decode(struct vch_bytes in, struct vch_state_proof *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_bytes map;
    uint64_t kind;

    VCH_CHECK(in.n <= STATE_PROOF_MAX, LIMIT);
    VCH_TRY(vch_cbor_array_of(&c, 6));
    VCH_TRY(vch_cbor_bstr(&c, &ret->root_entry));
    VCH_TRY(vch_state_root_decode(ret->root_entry, &ret->root));
    VCH_TRY(vch_cbor_bstr(&c, &ret->receipt_raw));
    VCH_TRY(vch_receipt_decode(ret->receipt_raw, &ret->receipt));
    VCH_TRY(vch_cbor_uint(&c, &kind));
    VCH_TRY(vch_cbor_bstr(&c, &ret->id));
    VCH_CHECK(vch_state_id_check(kind, ret->id), CBOR_TYPE);
    ret->kind = (enum vch_state_kind)kind;
    ret->present = !vch_cbor_is_null(&c);
    ret->value = vch_bytes(NULL, 0);
    if (ret->present) {
        VCH_TRY(vch_cbor_bstr(&c, &ret->value));
    } else {
        VCH_TRY(vch_cbor_null(&c));
    }
    VCH_TRY(vch_cbor_bstr(&c, &map));
    VCH_TRY(vch_map_proof_decode(map, &ret->map));
    return vch_cbor_end(&c);
}

vch_err vch_state_proof_verify(const struct vch_crypto *cr, const struct vch_state_proof *p,
                               struct vch_bytes ledger, const struct vch_pubkey *key)
{
    struct vch_hash entry, k, v;

    VCH_CHECK(p->receipt.index + 1 == p->receipt.head.size, STATE_PROOF);
    VCH_CHECK(p->receipt.head.time_ms == p->root.time.ms, STATE_PROOF);
    vch_sha256_of(cr, p->root_entry, &entry);
    VCH_TRY(vch_receipt_verify(cr, &p->receipt, ledger, key, &entry));
    vch_state_key(cr, p->kind, p->id, &k);
    vch_sha256_of(cr, p->value, &v);
    return vch_map_proof_verify(cr, &p->map, &p->root.map_root, &k, p->present ? &v : NULL);
}
