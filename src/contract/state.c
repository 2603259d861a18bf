#include <vouch/contract/state.h>

#include <vouch/cbor/cbor.h>

#define NAME_MAX_LEN 128

void vch_state_key(const struct vch_crypto *cr, enum vch_state_kind kind, struct vch_bytes id,
                   struct vch_hash *ret)
{
    uint8_t k = (uint8_t)kind;
    struct vch_bytes parts[] = {vch_bytes(&k, 1), id};

    vch_sha256_parts(cr, parts, VCH_ARRAY_LEN(parts), ret);
}

bool vch_state_id_check(uint64_t kind, struct vch_bytes id)
{
    switch (kind) {
    case VCH_STATE_SUBJECT:
        return id.n == VCH_SUBJECT_LEN;
    case VCH_STATE_TRANSACTION:
    case VCH_STATE_CONTENT:
    case VCH_STATE_DEVICE_KEY:
    case VCH_STATE_AUTHORITY:
        return id.n == VCH_HASH_LEN;
    default:
        return false;
    }
}

void vch_state_transaction_encode(const struct vch_state_transaction *v, struct vch_writer *w)
{
    vch_cbor_put_array(w, 2);
    vch_cbor_put_uint(w, v->index);
    vch_cbor_put_int(w, v->time_ms);
}

void vch_state_subject_encode(const struct vch_state_subject *v, struct vch_writer *w)
{
    vch_cbor_put_array(w, 6);
    vch_cbor_put_bstr(w, vch_hash_bytes(&v->latest));
    vch_cbor_put_uint(w, v->seq);
    vch_cbor_put_uint(w, v->index);
    vch_cbor_put_uint(w, (uint64_t)v->life);
    vch_cbor_put_bstr(w, vch_hash_bytes(&v->registration));
    vch_cbor_put_bstr(w, vch_hash_bytes(&v->as));
}

void vch_state_ref_encode(struct vch_bytes ref, struct vch_writer *w)
{
    vch_cbor_put_array(w, 1);
    vch_cbor_put_bstr(w, ref);
}

void vch_state_authority_encode(const struct vch_state_authority *v, struct vch_writer *w)
{
    vch_cbor_put_array(w, 4);
    vch_cbor_put_uint(w, (uint64_t)v->role);
    vch_cbor_put_tstr(w, v->name);
    vch_writer_bytes(w, v->key);
    if (v->has_cert) {
        vch_cbor_put_bstr(w, vch_hash_bytes(&v->cert));
    } else {
        vch_cbor_put_null(w);
    }
}

vch_err vch_state_transaction_decode(struct vch_bytes value, struct vch_state_transaction *ret)
{
    struct vch_cbor c = vch_cbor(value, VCH_CBOR_STRICT);
    struct vch_state_transaction v;

    VCH_TRY(vch_cbor_array_of(&c, 2));
    VCH_TRY(vch_cbor_uint(&c, &v.index));
    VCH_TRY(vch_cbor_int(&c, &v.time_ms));
    VCH_TRY(vch_cbor_end(&c));
    *ret = v;
    return VCH_OK;
}

vch_err vch_state_subject_decode(struct vch_bytes value, struct vch_state_subject *ret)
{
    struct vch_cbor c = vch_cbor(value, VCH_CBOR_STRICT);
    struct vch_state_subject v;
    uint64_t life;

    VCH_TRY(vch_cbor_array_of(&c, 6));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(v.latest.b)));
    VCH_TRY(vch_cbor_uint(&c, &v.seq));
    VCH_TRY(vch_cbor_uint(&c, &v.index));
    VCH_TRY(vch_cbor_uint(&c, &life));
    VCH_CHECK(life == VCH_LIFE_LIVE || life == VCH_LIFE_RETIRED, CBOR_TYPE);
    v.life = (enum vch_life)life;
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(v.registration.b)));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(v.as.b)));
    VCH_TRY(vch_cbor_end(&c));
    *ret = v;
    return VCH_OK;
}

vch_err vch_state_ref_decode(struct vch_bytes value, struct vch_span ret)
{
    struct vch_cbor c = vch_cbor(value, VCH_CBOR_STRICT);
    struct vch_bytes ref;

    VCH_TRY(vch_cbor_array_of(&c, 1));
    VCH_TRY(vch_cbor_bstr(&c, &ref));
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(ref.n == ret.cap, CBOR_TYPE);
    memcpy(ret.p, ref.p, ref.n);
    return VCH_OK;
}

vch_err vch_state_authority_decode(struct vch_bytes value, struct vch_state_authority *ret)
{
    struct vch_cbor c = vch_cbor(value, VCH_CBOR_STRICT);
    struct vch_state_authority v = {.has_cert = false};
    uint64_t role;

    VCH_TRY(vch_cbor_array_of(&c, 4));
    VCH_TRY(vch_cbor_uint(&c, &role));
    VCH_CHECK(role >= VCH_ROLE_LEDGER && role <= VCH_ROLE_CHECKPOINT, CBOR_TYPE);
    v.role = (enum vch_role)role;
    VCH_TRY(vch_cbor_tstr(&c, &v.name));
    VCH_CHECK(v.name.n >= 1 && v.name.n <= NAME_MAX_LEN, CBOR_TYPE);
    VCH_CHECK(vch_cbor_peek(&c) == VCH_CBOR_MAP, CBOR_TYPE);
    VCH_TRY(vch_cbor_item(&c, &v.key));
    if (vch_cbor_is_null(&c)) {
        VCH_TRY(vch_cbor_null(&c));
    } else {
        VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(v.cert.b)));
        v.has_cert = true;
    }
    VCH_TRY(vch_cbor_end(&c));
    *ret = v;
    return VCH_OK;
}
