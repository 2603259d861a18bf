#include <vouch/cose/receipt.h>

#include <vouch/cose/key.h>

#include "envelope.h"

enum {
    HAS_ISS = 1,
    HAS_SUB = 2,
    HAS_IAT = 4,
    HAS_SIZE = 8,
    HAS_TIME = 16,
    CLAIMS_ALL = 31,
    HAS_ALG = 1,
    HAS_KID = 2,
    HAS_CLAIMS = 4,
    HAS_VDS = 8,
    HEADER_ALL = 15
};

void vch_receipt_protected_encode(enum vch_alg alg, const struct vch_receipt_head *head,
                                  struct vch_writer *w)
{
    if (head->size == 0 || head->time_ms < 0 || head->ledger.n == 0 ||
        head->ledger.n > VCH_NAME_MAX) {
        vch_writer_fail(w, VCH_E(RECEIPT));
    }
    vch_cbor_put_map(w, 4);
    vch_cbor_put_int(w, VCH_LABEL_ALG);
    vch_cbor_put_int(w, alg);
    vch_cbor_put_int(w, VCH_LABEL_KID);
    vch_cbor_put_bstr(w, vch_hash_bytes(&head->thumbprint));
    vch_cbor_put_int(w, VCH_LABEL_CLAIMS);
    vch_cbor_put_map(w, 5);
    vch_cbor_put_int(w, 1);
    vch_cbor_put_tstr(w, head->ledger);
    vch_cbor_put_int(w, 2);
    vch_cbor_put_text(w, VCH_RECEIPT_SUB);
    vch_cbor_put_int(w, 6);
    vch_cbor_put_int(w, head->time_ms / 1000);
    vch_cbor_put_int(w, VCH_CLAIM_SIZE);
    vch_cbor_put_uint(w, head->size);
    vch_cbor_put_int(w, VCH_CLAIM_BATCH_TIME);
    vch_cbor_put_int(w, head->time_ms);
    vch_cbor_put_int(w, VCH_LABEL_VDS);
    vch_cbor_put_int(w, 1);
}

vch_err vch_receipt_sign(const struct vch_signer *signer, struct vch_bytes protected_raw,
                         const struct vch_hash *root, uint8_t ret_sig[VCH_SIG_LEN])
{
    struct vch_cose_tbs t;

    vch_cose_tbs(&t, protected_raw, vch_bytes(NULL, 0), vch_hash_bytes(root));
    return signer->sign(signer, t.part, VCH_COSE_TBS_PARTS, ret_sig);
}

static void put_proof(struct vch_writer *w, uint64_t size, uint64_t index,
                      const struct vch_merkle_path *path)
{
    vch_cbor_put_array(w, 3);
    vch_cbor_put_uint(w, size);
    vch_cbor_put_uint(w, index);
    vch_cbor_put_array(w, path->count);
    for (size_t i = 0; i < path->count; i++) {
        vch_cbor_put_bstr(w, vch_hash_bytes(&path->h[i]));
    }
}

void vch_receipt_encode(struct vch_bytes protected_raw, const uint8_t sig[VCH_SIG_LEN],
                        uint64_t size, uint64_t index, const struct vch_merkle_path *path,
                        struct vch_writer *w)
{
    struct vch_writer length = vch_writer(vch_span(NULL, 0));

    put_proof(&length, size, index, path);
    vch_cbor_put_tag(w, 18);
    vch_cbor_put_array(w, 4);
    vch_cbor_put_bstr(w, protected_raw);
    vch_cbor_put_map(w, 1);
    vch_cbor_put_int(w, VCH_LABEL_VDP);
    vch_cbor_put_map(w, 1);
    vch_cbor_put_int(w, -1);
    vch_cbor_put_array(w, 1);
    vch_cbor_put_bstr_head(w, length.len);
    put_proof(w, size, index, path);
    vch_cbor_put_null(w);
    vch_cbor_put_bstr(w, vch_bytes(sig, VCH_SIG_LEN));
}

static vch_err read_claim(struct vch_cbor *c, int64_t label, struct vch_receipt_head *head,
                          int64_t *iat_s, unsigned *has)
{
    struct vch_bytes sub;

    switch (label) {
    case 1:
        *has |= HAS_ISS;
        VCH_TRY(vch_cbor_tstr(c, &head->ledger));
        VCH_CHECK(head->ledger.n != 0 && head->ledger.n <= VCH_NAME_MAX, COSE_HEADER);
        return VCH_OK;
    case 2:
        *has |= HAS_SUB;
        VCH_TRY(vch_cbor_tstr(c, &sub));
        VCH_CHECK(vch_bytes_equal(sub, vch_text(VCH_RECEIPT_SUB)), COSE_HEADER);
        return VCH_OK;
    case 6:
        *has |= HAS_IAT;
        return vch_cbor_int(c, iat_s);
    case VCH_CLAIM_SIZE:
        *has |= HAS_SIZE;
        return vch_cbor_uint(c, &head->size);
    case VCH_CLAIM_BATCH_TIME:
        *has |= HAS_TIME;
        return vch_cbor_int(c, &head->time_ms);
    default:
        return VCH_E(CBOR_LABEL);
    }
}

static vch_err read_claims(struct vch_cbor *c, struct vch_receipt_head *head)
{
    struct vch_cbor_map m;
    int64_t label, iat_s = 0;
    unsigned has = 0;
    bool more;

    VCH_TRY(vch_cbor_map(c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(c, &m, &label, &more));
        if (!more) {
            break;
        }
        VCH_TRY(read_claim(c, label, head, &iat_s, &has));
    }
    VCH_CHECK(has == CLAIMS_ALL, CBOR_FIELD);
    VCH_CHECK(head->time_ms >= 0 && head->time_ms / 1000 == iat_s, RECEIPT);
    return VCH_OK;
}

static vch_err read_vds(struct vch_cbor *c)
{
    int64_t vds;

    VCH_TRY(vch_cbor_int(c, &vds));
    VCH_CHECK(vds == 1, RECEIPT_VDS);
    return VCH_OK;
}

static vch_err read_header(struct vch_receipt *r)
{
    struct vch_cbor c = vch_cbor(r->protected_raw, VCH_CBOR_STRICT);
    struct vch_cbor_map m;
    unsigned has = 0;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        switch (label) {
        case VCH_LABEL_ALG:
            has |= HAS_ALG;
            VCH_TRY(envelope_alg(&c, &r->alg));
            break;
        case VCH_LABEL_KID:
            has |= HAS_KID;
            VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(r->head.thumbprint.b)));
            break;
        case VCH_LABEL_CLAIMS:
            has |= HAS_CLAIMS;
            VCH_TRY(read_claims(&c, &r->head));
            break;
        case VCH_LABEL_VDS:
            has |= HAS_VDS;
            VCH_TRY(read_vds(&c));
            break;
        default:
            return VCH_E(CBOR_LABEL);
        }
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(has == HEADER_ALL, CBOR_FIELD);
    return VCH_OK;
}

static vch_err map_of_one(struct vch_cbor *c, int64_t want)
{
    struct vch_cbor_map m;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(c, &m));
    VCH_CHECK(m.left == 1, COSE_PROFILE);
    VCH_TRY(vch_cbor_map_label(c, &m, &label, &more));
    VCH_CHECK(label == want, CBOR_LABEL);
    return VCH_OK;
}

static vch_err read_proof(struct vch_bytes proof, struct vch_receipt *r)
{
    struct vch_cbor c = vch_cbor(proof, VCH_CBOR_STRICT);
    uint64_t size;

    VCH_TRY(vch_cbor_array_of(&c, 3));
    VCH_TRY(vch_cbor_uint(&c, &size));
    VCH_TRY(vch_cbor_uint(&c, &r->index));
    VCH_TRY(vch_cbor_array(&c, &r->path.count));
    VCH_CHECK(r->path.count <= VCH_MERKLE_PATH_MAX, RECEIPT);
    for (size_t i = 0; i < r->path.count; i++) {
        VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(r->path.h[i].b)));
    }
    VCH_TRY(vch_cbor_end(&c));
    /* the proof is not signed, the size in the header is */
    VCH_CHECK(size == r->head.size && size <= VCH_MERKLE_SIZE_MAX && r->index < size, RECEIPT);
    return VCH_OK;
}

vch_err vch_receipt_decode(struct vch_bytes in, struct vch_receipt *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_bytes proof;
    struct vch_receipt r = {0};

    VCH_CHECK(in.n <= VCH_RECEIPT_MAX, LIMIT);
    VCH_TRY(envelope_open(&c, &r.protected_raw));
    VCH_TRY(map_of_one(&c, VCH_LABEL_VDP));
    VCH_TRY(map_of_one(&c, -1));
    VCH_TRY(vch_cbor_array_of(&c, 1));
    VCH_TRY(vch_cbor_bstr(&c, &proof));
    VCH_CHECK(vch_cbor_is_null(&c), COSE_PROFILE);
    VCH_TRY(vch_cbor_null(&c));
    VCH_TRY(read_header(&r));
    VCH_TRY(read_proof(proof, &r));
    VCH_TRY(envelope_close(&c, r.alg, &r.signature));
    *ret = r;
    return VCH_OK;
}

vch_err vch_receipt_root(const struct vch_crypto *cr, const struct vch_receipt *r,
                         const struct vch_hash *entry_hash, struct vch_hash *ret)
{
    struct vch_hash leaf;

    vch_merkle_leaf_entry(cr, entry_hash, &leaf);
    return vch_merkle_inclusion_root(cr, &leaf, r->index, r->head.size, r->path.h, r->path.count,
                                     ret);
}

vch_err vch_receipt_verify(const struct vch_crypto *cr, const struct vch_receipt *r,
                           struct vch_bytes ledger, const struct vch_pubkey *key,
                           const struct vch_hash *entry_hash)
{
    struct vch_cose_tbs t;
    struct vch_hash thumbprint, root;

    VCH_CHECK(vch_bytes_equal(r->head.ledger, ledger), RECEIPT_LEDGER);
    VCH_CHECK(vch_alg_curve(r->alg) == key->curve, RECEIPT_KEY);
    vch_cose_key_thumbprint(cr, key, &thumbprint);
    VCH_CHECK(vch_hash_equal(&thumbprint, &r->head.thumbprint), RECEIPT_KEY);
    VCH_TRY(vch_receipt_root(cr, r, entry_hash, &root));
    vch_cose_tbs(&t, r->protected_raw, vch_bytes(NULL, 0), vch_hash_bytes(&root));
    return cr->verify(r->alg, key, t.part, VCH_COSE_TBS_PARTS, r->signature);
}
