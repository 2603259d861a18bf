#include <vouch/stmt/ack.h>

static vch_err read_contents(struct vch_cbor *c, struct vch_stmt_request *r)
{
    size_t count;

    VCH_TRY(vch_cbor_array(c, &count));
    VCH_CHECK(count >= 1, CBOR_FIELD);
    VCH_CHECK(count <= VCH_DISCLOSURES_COUNT, LIMIT);
    for (size_t i = 0; i < count; i++) {
        VCH_TRY(vch_cbor_bstr(c, &r->disclosures[i]));
        VCH_CHECK(r->disclosures[i].n <= VCH_DISCLOSURE_MAX, LIMIT);
    }
    r->disclosure_count = count;
    return VCH_OK;
}

vch_err vch_stmt_request_decode(struct vch_bytes in, struct vch_stmt_request *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_stmt_request r = {.disclosure_count = 0};
    struct vch_cbor_map m;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        switch (label) {
        case 1:
            VCH_TRY(vch_cbor_bstr(&c, &r.registration));
            VCH_CHECK(r.registration.n <= VCH_REGISTRATION_MAX, LIMIT);
            break;
        case 2:
            VCH_TRY(read_contents(&c, &r));
            break;
        default:
            return VCH_E(CBOR_LABEL);
        }
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(r.registration.n != 0 && r.disclosure_count != 0, CBOR_FIELD);
    *ret = r;
    return VCH_OK;
}

vch_err vch_stmt_request_encode(const struct vch_stmt_request *r, struct vch_span out,
                                struct vch_bytes *ret)
{
    struct vch_writer w = vch_writer(out);

    VCH_CHECK(r->registration.n != 0 && r->disclosure_count != 0, CBOR_FIELD);
    VCH_CHECK(r->registration.n <= VCH_REGISTRATION_MAX, LIMIT);
    VCH_CHECK(r->disclosure_count <= VCH_DISCLOSURES_COUNT, LIMIT);
    vch_cbor_put_map(&w, 2);
    vch_cbor_put_uint(&w, 1);
    vch_cbor_put_bstr(&w, r->registration);
    vch_cbor_put_uint(&w, 2);
    vch_cbor_put_array(&w, r->disclosure_count);
    for (size_t i = 0; i < r->disclosure_count; i++) {
        VCH_CHECK(r->disclosures[i].n <= VCH_DISCLOSURE_MAX, LIMIT);
        vch_cbor_put_bstr(&w, r->disclosures[i]);
    }
    return vch_writer_finish(&w, ret);
}

vch_err vch_stmt_ack_decode(struct vch_bytes in, struct vch_stmt_ack *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_stmt_ack a = {.nonce = {NULL, 0}};
    struct vch_cbor_map m;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        switch (label) {
        case 1:
            VCH_TRY(vch_cbor_bstr(&c, &a.endorsement));
            VCH_CHECK(a.endorsement.n <= VCH_STATEMENT_MAX, LIMIT);
            break;
        case 2:
            VCH_TRY(vch_cbor_bstr(&c, &a.receipt));
            VCH_CHECK(a.receipt.n <= VCH_RECEIPT_MAX, LIMIT);
            break;
        case 3:
            VCH_TRY(vch_stmt_address_decode(&c, &a.address));
            break;
        case 4:
            VCH_TRY(vch_cbor_bstr(&c, &a.nonce));
            VCH_CHECK(a.nonce.n >= VCH_NONCE_MIN && a.nonce.n <= VCH_NONCE_MAX, LIMIT);
            break;
        default:
            return VCH_E(CBOR_LABEL);
        }
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(a.endorsement.n != 0 && a.receipt.n != 0 && a.address.url.n != 0, CBOR_FIELD);
    *ret = a;
    return VCH_OK;
}

vch_err vch_stmt_ack_encode(const struct vch_stmt_ack *a, struct vch_span out,
                            struct vch_bytes *ret)
{
    struct vch_writer w = vch_writer(out);

    VCH_CHECK(a->endorsement.n != 0 && a->receipt.n != 0, CBOR_FIELD);
    VCH_CHECK(a->endorsement.n <= VCH_STATEMENT_MAX && a->receipt.n <= VCH_RECEIPT_MAX, LIMIT);
    VCH_CHECK(a->nonce.n == 0 || (a->nonce.n >= VCH_NONCE_MIN && a->nonce.n <= VCH_NONCE_MAX),
              LIMIT);
    vch_cbor_put_map(&w, a->nonce.n != 0 ? 4 : 3);
    vch_cbor_put_uint(&w, 1);
    vch_cbor_put_bstr(&w, a->endorsement);
    vch_cbor_put_uint(&w, 2);
    vch_cbor_put_bstr(&w, a->receipt);
    vch_cbor_put_uint(&w, 3);
    vch_stmt_address_put(&w, &a->address);
    if (a->nonce.n != 0) {
        vch_cbor_put_uint(&w, 4);
        vch_cbor_put_bstr(&w, a->nonce);
    }
    return vch_writer_finish(&w, ret);
}
