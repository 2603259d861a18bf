#include <vouch/cbor/cbor.h>
#include <vouch/merkle/map.h>

static const struct vch_hash empty;

void vch_map_proof_encode(const struct vch_map_proof *p, struct vch_writer *w)
{
    vch_cbor_put_array(w, 2);
    vch_cbor_put_array(w, p->depth);
    for (unsigned d = 0; d < p->depth; d++) {
        bool none = vch_hash_equal(&p->sibling[d], &empty);

        vch_cbor_put_bstr(w, none ? vch_bytes(NULL, 0) : vch_hash_bytes(&p->sibling[d]));
    }
    switch (p->terminal) {
    case VCH_MAP_HERE:
        vch_cbor_put_bool(w, true);
        break;
    case VCH_MAP_NOTHING:
        vch_cbor_put_null(w);
        break;
    case VCH_MAP_OTHER:
        vch_cbor_put_array(w, 2);
        vch_cbor_put_bstr(w, vch_hash_bytes(&p->other.k));
        vch_cbor_put_bstr(w, vch_hash_bytes(&p->other.v));
        break;
    }
}

static vch_err read_sibling(struct vch_cbor *c, struct vch_hash *ret)
{
    struct vch_bytes b;

    VCH_TRY(vch_cbor_bstr(c, &b));
    if (b.n == 0) {
        *ret = empty;
        return VCH_OK;
    }
    VCH_CHECK(b.n == VCH_HASH_LEN, MAP_PROOF);
    memcpy(ret->b, b.p, VCH_HASH_LEN);
    VCH_CHECK(!vch_hash_equal(ret, &empty), MAP_PROOF); /* emptiness has one form only */
    return VCH_OK;
}

static vch_err read_terminal(struct vch_cbor *c, struct vch_map_proof *p)
{
    bool here;

    if (vch_cbor_is_null(c)) {
        p->terminal = VCH_MAP_NOTHING;
        return vch_cbor_null(c);
    }
    if (vch_cbor_peek(c) == VCH_CBOR_ARRAY) {
        p->terminal = VCH_MAP_OTHER;
        VCH_TRY(vch_cbor_array_of(c, 2));
        VCH_TRY(vch_cbor_bstr_fixed(c, VCH_SPAN_OF(p->other.k.b)));
        return vch_cbor_bstr_fixed(c, VCH_SPAN_OF(p->other.v.b));
    }
    VCH_TRY(vch_cbor_bool(c, &here));
    VCH_CHECK(here, MAP_PROOF);
    p->terminal = VCH_MAP_HERE;
    return VCH_OK;
}

vch_err vch_map_proof_decode(struct vch_bytes in, struct vch_map_proof *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_map_proof p;
    size_t depth;

    VCH_TRY(vch_cbor_array_of(&c, 2));
    VCH_TRY(vch_cbor_array(&c, &depth));
    VCH_CHECK(depth <= VCH_MAP_DEPTH_MAX, MAP_PROOF);
    memset(&p, 0, sizeof(p));
    p.depth = (unsigned)depth;
    for (unsigned d = 0; d < p.depth; d++) {
        VCH_TRY(read_sibling(&c, &p.sibling[d]));
    }
    VCH_TRY(read_terminal(&c, &p));
    VCH_TRY(vch_cbor_end(&c));
    *ret = p;
    return VCH_OK;
}
