#include <vouch/stmt/registration.h>

#include "stmt_int.h"

bool vch_stmt_registration_lists(const struct vch_stmt_registration *r, enum vch_alg alg)
{
    for (size_t i = 0; i < r->alg_count; i++) {
        if (r->algs[i] == alg) {
            return true;
        }
    }
    return false;
}

/* The values beside the digests, the same rules both ways. */
static vch_err fields_check(const struct vch_stmt_registration *r)
{
    VCH_CHECK(r->alg_count >= 1 && r->alg_count <= VCH_ALG_LIST_COUNT, STMT_FIELD);
    for (size_t i = 0; i < r->alg_count; i++) {
        VCH_CHECK(r->algs[i] != VCH_ALG_NONE && vch_alg_curve(r->algs[i]) == r->key.curve, ALG);
        for (size_t k = 0; k < i; k++) {
            VCH_CHECK(r->algs[k] != r->algs[i], STMT_FIELD);
        }
    }
    /* One hash algorithm is registered so far; a list of more would name one twice. */
    VCH_CHECK(r->hash_count == 1, STMT_FIELD);
    VCH_CHECK(r->hashes[0] == VCH_ALG_SHA256, ALG);
    VCH_CHECK(vch_stmt_name_ok(r->audience), STMT_FIELD);
    VCH_CHECK(r->nonce.n >= VCH_NONCE_MIN && r->nonce.n <= VCH_NONCE_MAX, STMT_FIELD);
    VCH_CHECK(r->device_class >= VCH_CLASS_CONSTRAINED && r->device_class <= VCH_CLASS_OTHER,
              STMT_FIELD);
    VCH_CHECK(r->custody >= VCH_CUSTODY_FILE && r->custody <= VCH_CUSTODY_SIM, STMT_FIELD);
    VCH_CHECK(r->custody_evidence.n == 0 || r->custody_evidence.n == VCH_HASH_LEN, STMT_FIELD);
    return VCH_OK;
}

static void put_ints(struct vch_writer *w, const enum vch_alg *algs, size_t count)
{
    vch_cbor_put_array(w, count);
    for (size_t i = 0; i < count; i++) {
        vch_cbor_put_int(w, algs[i]);
    }
}

static void put_payload(struct vch_writer *w, const struct vch_stmt_registration *r,
                        const struct vch_hash *digests, size_t digest_count)
{
    vch_cbor_put_map(w, r->custody_evidence.n != 0 ? 9 : 8);
    vch_cbor_put_uint(w, 1);
    vch_cose_key_encode(&r->key, w);
    vch_cbor_put_uint(w, 2);
    put_ints(w, r->algs, r->alg_count);
    vch_cbor_put_uint(w, 3);
    put_ints(w, r->hashes, r->hash_count);
    vch_cbor_put_uint(w, 4);
    vch_cbor_put_tstr(w, r->audience);
    vch_cbor_put_uint(w, 5);
    vch_cbor_put_bstr(w, r->nonce);
    vch_cbor_put_uint(w, 6);
    vch_stmt_digests_put(w, digests, digest_count);
    vch_cbor_put_uint(w, 7);
    vch_cbor_put_uint(w, r->device_class);
    vch_cbor_put_uint(w, 8);
    vch_cbor_put_uint(w, r->custody);
    if (r->custody_evidence.n != 0) {
        vch_cbor_put_uint(w, 9);
        vch_cbor_put_bstr(w, r->custody_evidence);
    }
}

vch_err vch_stmt_registration_encode(const struct vch_crypto *cr, const struct vch_signer *signer,
                                     const struct vch_stmt_registration *r,
                                     const struct vch_hash *digests, size_t digest_count,
                                     int64_t iat_s, struct vch_span out, struct vch_bytes *ret)
{
    static const struct vch_bytes none = {NULL, 0};
    uint8_t room[VCH_REGISTRATION_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_stmt_registration own = *r;
    struct vch_bytes payload, made;

    own.key = signer->pub;
    VCH_TRY(fields_check(&own));
    VCH_CHECK(vch_stmt_registration_lists(&own, signer->alg), ALG);
    put_payload(&w, &own, digests, digest_count);
    VCH_TRY(vch_writer_finish(&w, &payload));
    VCH_TRY(vch_stmt_make(cr, signer, none, none, iat_s, VCH_TYP_REGISTRATION, NULL, payload, out,
                          &made));
    VCH_CHECK(made.n <= VCH_REGISTRATION_MAX, LIMIT);
    *ret = made;
    return VCH_OK;
}

static vch_err read_algs(struct vch_cbor *c, bool hash, enum vch_alg *algs, size_t *ret_count)
{
    size_t count;
    int64_t id;

    VCH_TRY(vch_cbor_array(c, &count));
    VCH_CHECK(count >= 1 && count <= VCH_ALG_LIST_COUNT, STMT_FIELD);
    for (size_t i = 0; i < count; i++) {
        VCH_TRY(vch_cbor_int(c, &id));
        if (hash) {
            VCH_CHECK(id == VCH_ALG_SHA256, ALG);
            algs[i] = VCH_ALG_SHA256;
        } else {
            algs[i] = vch_alg_of(id);
        }
    }
    *ret_count = count;
    return VCH_OK;
}

static vch_err read_field(const struct vch_crypto *cr, struct vch_cbor *c, int64_t label,
                          struct vch_stmt_registration *r)
{
    int small;

    switch (label) {
    case 1:
        return vch_cose_key_decode(cr, c, &r->key);
    case 2:
        return read_algs(c, false, r->algs, &r->alg_count);
    case 3:
        return read_algs(c, true, r->hashes, &r->hash_count);
    case 4:
        return vch_cbor_tstr(c, &r->audience);
    case 5:
        return vch_cbor_bstr(c, &r->nonce);
    case 6:
        return vch_stmt_digests_decode(c, &r->identifiers);
    case 7:
        VCH_TRY(vch_stmt_small(c, &small));
        r->device_class = (enum vch_device_class)small;
        return VCH_OK;
    case 8:
        VCH_TRY(vch_stmt_small(c, &small));
        r->custody = (enum vch_custody)small;
        return VCH_OK;
    case 9:
        VCH_TRY(vch_cbor_bstr(c, &r->custody_evidence));
        VCH_CHECK(r->custody_evidence.n == VCH_HASH_LEN, STMT_FIELD);
        return VCH_OK;
    default:
        return VCH_E(CBOR_LABEL);
    }
}

vch_err vch_stmt_registration_decode(const struct vch_crypto *cr, struct vch_bytes in,
                                     struct vch_stmt_registration *ret)
{
    struct vch_stmt_registration r = {.alg_count = 0};
    struct vch_cbor_map m;
    struct vch_cbor c;
    unsigned seen = 0;
    int64_t label;
    bool more;

    VCH_CHECK(in.n <= VCH_REGISTRATION_MAX, LIMIT);
    VCH_TRY(vch_stmt_open(in, VCH_STMT_REGISTRATION, &r.st));
    c = vch_cbor(r.st.payload, VCH_CBOR_STRICT);
    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        VCH_TRY(read_field(cr, &c, label, &r));
        seen |= 1U << label;
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK((seen & 0x1fe) == 0x1fe, CBOR_FIELD);
    VCH_TRY(fields_check(&r));
    VCH_CHECK(vch_stmt_registration_lists(&r, r.st.alg), ALG);
    VCH_TRY(vch_stmt_key_uri_check(r.st.iss, r.st.kid));
    VCH_CHECK(vch_bytes_equal(r.st.iss, r.st.sub), STMT_NAMES);
    *ret = r;
    return VCH_OK;
}

vch_err vch_stmt_registration_verify(const struct vch_crypto *cr,
                                     const struct vch_stmt_registration *r)
{
    return vch_stmt_verify(cr, &r->st, &r->key);
}
