#include <vouch/cose/receipt.h>

static vch_err vds_check(const struct vch_cose *m)
{
    struct vch_bytes item;
    struct vch_cbor c;
    int64_t vds;

    /* only the protected header counts: the other can be exchanged by anybody */
    VCH_CHECK(vch_ok(vch_cose_header(m->protected_raw, VCH_LABEL_VDS, &item)), RECEIPT_VDS);
    c = vch_cbor(item, VCH_CBOR_GENERIC);
    VCH_CHECK(vch_ok(vch_cbor_int(&c, &vds)) && vds == 1, RECEIPT_VDS);
    return VCH_OK;
}

static vch_err read_proof(struct vch_bytes proof, struct vch_receipt_foreign *r)
{
    struct vch_cbor c = vch_cbor(proof, VCH_CBOR_GENERIC);

    VCH_TRY(vch_cbor_array_of(&c, 3));
    VCH_TRY(vch_cbor_uint(&c, &r->size));
    VCH_TRY(vch_cbor_uint(&c, &r->index));
    VCH_TRY(vch_cbor_array(&c, &r->path.count));
    VCH_CHECK(r->path.count <= VCH_MERKLE_PATH_MAX, RECEIPT);
    for (size_t i = 0; i < r->path.count; i++) {
        VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(r->path.h[i].b)));
    }
    return vch_cbor_end(&c);
}

static vch_err pick_proof(const struct vch_cose *m, size_t which, size_t *ret_count,
                          struct vch_bytes *ret)
{
    struct vch_bytes vdp, list, proof = {NULL, 0};
    struct vch_cbor c;
    size_t count;

    VCH_TRY(vch_cose_header(m->unprotected, VCH_LABEL_VDP, &vdp));
    VCH_TRY(vch_cose_header(vdp, -1, &list));
    c = vch_cbor(list, VCH_CBOR_GENERIC);
    VCH_TRY(vch_cbor_array(&c, &count));
    VCH_CHECK(which < count, RECEIPT);
    for (size_t i = 0; i <= which; i++) {
        VCH_TRY(vch_cbor_bstr(&c, &proof));
    }
    *ret_count = count;
    *ret = proof;
    return VCH_OK;
}

vch_err vch_receipt_foreign_decode(struct vch_bytes in, size_t which,
                                   struct vch_receipt_foreign *ret)
{
    struct vch_receipt_foreign r = {0};
    struct vch_bytes proof;

    VCH_TRY(vch_cose_decode(in, &r.cose));
    VCH_CHECK(r.cose.tagged, COSE_TAG);
    VCH_TRY(vds_check(&r.cose));
    VCH_CHECK(vch_ok(pick_proof(&r.cose, which, &r.proofs, &proof)), RECEIPT);
    VCH_CHECK(vch_ok(read_proof(proof, &r)), RECEIPT);
    *ret = r;
    return VCH_OK;
}

vch_err vch_receipt_foreign_verify(const struct vch_crypto *cr, const struct vch_receipt_foreign *r,
                                   const struct vch_pubkey *key, const struct vch_hash *leaf)
{
    struct vch_hash root;

    VCH_TRY(
        vch_merkle_inclusion_root(cr, leaf, r->index, r->size, r->path.h, r->path.count, &root));
    VCH_CHECK(r->cose.detached || vch_bytes_equal(r->cose.payload, vch_hash_bytes(&root)),
              MERKLE_ROOT);
    return vch_cose_verify(cr, &r->cose, key, vch_bytes(NULL, 0), vch_hash_bytes(&root));
}
