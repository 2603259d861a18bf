#include <vouch/ledger/wire.h>

void vch_ledger_wire_entry_put(const struct vch_ledger_wire_entry *e, struct vch_writer *w)
{
    vch_cbor_put_array(w, 4);
    vch_cbor_put_uint(w, e->index);
    vch_cbor_put_uint(w, e->batch);
    vch_cbor_put_bstr(w, e->bytes);
    vch_cbor_put_bstr(w, e->receipt);
}

vch_err vch_ledger_wire_entry_get(struct vch_cbor *c, struct vch_ledger_wire_entry *ret)
{
    struct vch_ledger_wire_entry e;

    VCH_TRY(vch_cbor_array_of(c, 4));
    VCH_TRY(vch_cbor_uint(c, &e.index));
    VCH_TRY(vch_cbor_uint(c, &e.batch));
    VCH_TRY(vch_cbor_bstr(c, &e.bytes));
    VCH_TRY(vch_cbor_bstr(c, &e.receipt));
    *ret = e;
    return VCH_OK;
}

void vch_ledger_wire_head_put(const struct vch_ledger_wire_head *h, struct vch_writer *w)
{
    vch_cbor_put_array(w, 3);
    vch_cbor_put_bstr(w, h->root_entry);
    vch_cbor_put_bstr(w, h->receipt);
    vch_cbor_put_bstr(w, h->checkpoint);
}

vch_err vch_ledger_wire_head_get(struct vch_bytes in, struct vch_ledger_wire_head *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_ledger_wire_head h;

    VCH_TRY(vch_cbor_array_of(&c, 3));
    VCH_TRY(vch_cbor_bstr(&c, &h.root_entry));
    VCH_TRY(vch_cbor_bstr(&c, &h.receipt));
    VCH_TRY(vch_cbor_bstr(&c, &h.checkpoint));
    VCH_TRY(vch_cbor_end(&c));
    *ret = h;
    return VCH_OK;
}

void vch_ledger_wire_path_put(struct vch_bytes path, struct vch_writer *w)
{
    vch_cbor_put_array(w, path.n / VCH_HASH_LEN);
    for (size_t i = 0; i < path.n / VCH_HASH_LEN; i++) {
        vch_cbor_put_bstr(w, vch_bytes_slice(path, i * VCH_HASH_LEN, VCH_HASH_LEN));
    }
}

vch_err vch_ledger_wire_path_get(struct vch_bytes in, struct vch_buf *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    size_t n;

    vch_buf_reset(ret);
    VCH_TRY(vch_cbor_array(&c, &n));
    VCH_CHECK(n <= VCH_LEDGER_PATH_MAX, LIMIT);
    for (size_t i = 0; i < n; i++) {
        uint8_t hash[VCH_HASH_LEN];

        VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(hash)));
        VCH_TRY(vch_buf_append(ret, VCH_BYTES_OF(hash)));
    }
    return vch_cbor_end(&c);
}
