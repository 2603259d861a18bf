#include <vouch/stmt/endorsement.h>

#include "stmt_int.h"

/* The values beside the registration and the digests, the same rules both ways. */
static vch_err fields_check(const struct vch_stmt_endorsement *e)
{
    VCH_CHECK(e->action >= VCH_ACTION_REGISTER && e->action <= VCH_ACTION_RETIRE, STMT_FIELD);
    VCH_CHECK((e->action == VCH_ACTION_REGISTER) == (e->seq == 0), STMT_CHAIN);
    VCH_CHECK(e->prev.n == (e->seq == 0 ? 0 : VCH_HASH_LEN), STMT_CHAIN);
    VCH_CHECK(e->assurance >= VCH_ASSURANCE_SELF && e->assurance <= VCH_ASSURANCE_ATTESTED,
              STMT_FIELD);
    VCH_CHECK(e->evidence.n == VCH_HASH_LEN, STMT_FIELD);
    VCH_CHECK(vch_stmt_name_ok(e->operator_id), STMT_FIELD);
    VCH_CHECK(e->effective_at_ms >= 0 && e->checked_at_ms >= 0, STMT_FIELD);
    VCH_CHECK(!e->has_notified_at || e->notified_at_ms >= 0, STMT_FIELD);
    return VCH_OK;
}

/* A first endorsement answers a registration made for this AS; an update may come from another one
 * that the ledger has authorised since. */
static vch_err audience_check(const struct vch_stmt_endorsement *e, struct vch_bytes as_id)
{
    VCH_CHECK(e->action != VCH_ACTION_REGISTER || vch_bytes_equal(e->reg.audience, as_id),
              STMT_AUDIENCE);
    return VCH_OK;
}

static void put_payload(struct vch_writer *w, const struct vch_stmt_endorsement *e,
                        const struct vch_hash *digests, size_t digest_count)
{
    vch_cbor_put_map(w, 9 + (e->prev.n != 0) + e->has_notified_at);
    vch_cbor_put_uint(w, 1);
    vch_cbor_put_uint(w, e->action);
    vch_cbor_put_uint(w, 2);
    vch_cbor_put_uint(w, e->seq);
    if (e->prev.n != 0) {
        vch_cbor_put_uint(w, 3);
        vch_cbor_put_bstr(w, e->prev);
    }
    vch_cbor_put_uint(w, 4);
    vch_cbor_put_bstr(w, e->registration);
    vch_cbor_put_uint(w, 5);
    vch_stmt_digests_put(w, digests, digest_count);
    vch_cbor_put_uint(w, 6);
    vch_cbor_put_uint(w, e->assurance);
    vch_cbor_put_uint(w, 7);
    vch_cbor_put_bstr(w, e->evidence);
    vch_cbor_put_uint(w, 8);
    vch_cbor_put_int(w, e->effective_at_ms);
    if (e->has_notified_at) {
        vch_cbor_put_uint(w, 9);
        vch_cbor_put_int(w, e->notified_at_ms);
    }
    vch_cbor_put_uint(w, 10);
    vch_cbor_put_int(w, e->checked_at_ms);
    vch_cbor_put_uint(w, 11);
    vch_cbor_put_tstr(w, e->operator_id);
}

vch_err vch_stmt_endorsement_encode(const struct vch_crypto *cr, const struct vch_signer *signer,
                                    const struct vch_stmt_endorsement *e, struct vch_bytes as_id,
                                    const struct vch_hash *cert_hash,
                                    const struct vch_hash *digests, size_t digest_count,
                                    int64_t iat_s, struct vch_span out, struct vch_bytes *ret)
{
    uint8_t room[VCH_STATEMENT_MAX];
    uint8_t sub[VCH_SUBJECT_TEXT_ROOM];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_stmt_endorsement own = *e;
    struct vch_bytes payload;

    VCH_TRY(fields_check(e));
    VCH_TRY(vch_stmt_registration_decode(cr, e->registration, &own.reg));
    VCH_TRY(audience_check(&own, as_id));
    put_payload(&w, e, digests, digest_count);
    VCH_TRY(vch_writer_finish(&w, &payload));
    return vch_stmt_make(cr, signer, as_id,
                         vch_text(vch_stmt_subject_text(e->subject, VCH_SPAN_OF(sub))), iat_s,
                         VCH_TYP_ENDORSEMENT, cert_hash, payload, out, ret);
}

static vch_err read_field(const struct vch_crypto *cr, struct vch_cbor *c, int64_t label,
                          struct vch_stmt_endorsement *e)
{
    int small;

    switch (label) {
    case 1:
        VCH_TRY(vch_stmt_small(c, &small));
        e->action = (enum vch_action)small;
        return VCH_OK;
    case 2:
        return vch_cbor_uint(c, &e->seq);
    case 3:
        VCH_TRY(vch_cbor_bstr(c, &e->prev));
        VCH_CHECK(e->prev.n == VCH_HASH_LEN, STMT_FIELD);
        return VCH_OK;
    case 4:
        VCH_TRY(vch_cbor_bstr(c, &e->registration));
        return vch_stmt_registration_decode(cr, e->registration, &e->reg);
    case 5:
        return vch_stmt_digests_decode(c, &e->account);
    case 6:
        VCH_TRY(vch_stmt_small(c, &small));
        e->assurance = (enum vch_assurance)small;
        return VCH_OK;
    case 7:
        return vch_cbor_bstr(c, &e->evidence);
    case 8:
        return vch_cbor_int(c, &e->effective_at_ms);
    case 9:
        e->has_notified_at = true;
        return vch_cbor_int(c, &e->notified_at_ms);
    case 10:
        return vch_cbor_int(c, &e->checked_at_ms);
    case 11:
        return vch_cbor_tstr(c, &e->operator_id);
    default:
        return VCH_E(CBOR_LABEL);
    }
}

vch_err vch_stmt_endorsement_decode(const struct vch_crypto *cr, struct vch_bytes in,
                                    struct vch_stmt_endorsement *ret)
{
    enum { REQUIRED = 0xffe & ~(1U << 3 | 1U << 9) };
    struct vch_stmt_endorsement e = {.seq = 0};
    struct vch_cbor_map m;
    struct vch_cbor c;
    unsigned seen = 0;
    int64_t label;
    bool more;

    VCH_TRY(vch_stmt_open(in, VCH_STMT_ENDORSEMENT, &e.st));
    c = vch_cbor(e.st.payload, VCH_CBOR_STRICT);
    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        VCH_TRY(read_field(cr, &c, label, &e));
        seen |= 1U << label;
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK((seen & REQUIRED) == REQUIRED, CBOR_FIELD);
    VCH_TRY(fields_check(&e));
    VCH_TRY(vch_stmt_subject_parse(e.st.sub, e.subject));
    VCH_TRY(audience_check(&e, e.st.iss));
    *ret = e;
    return VCH_OK;
}

vch_err vch_stmt_endorsement_verify(const struct vch_crypto *cr,
                                    const struct vch_stmt_endorsement *e,
                                    const struct vch_pubkey *as_key)
{
    VCH_TRY(vch_stmt_verify(cr, &e->st, as_key));
    VCH_CHECK(vch_ok(vch_stmt_registration_verify(cr, &e->reg)), POSSESSION);
    return VCH_OK;
}

void vch_stmt_endorsement_content_key(const struct vch_crypto *cr,
                                      const struct vch_stmt_endorsement *e, struct vch_hash *ret)
{
    vch_sign1_content_id(cr, e->action == VCH_ACTION_REGISTER ? &e->reg.st : &e->st, ret);
}

vch_err vch_stmt_endorsement_follows(const struct vch_stmt_endorsement *prev,
                                     const struct vch_hash *prev_txid,
                                     const struct vch_stmt_endorsement *next)
{
    VCH_CHECK(memcmp(prev->subject, next->subject, VCH_SUBJECT_LEN) == 0, STMT_CHAIN);
    VCH_CHECK(prev->seq != UINT64_MAX && next->seq == prev->seq + 1, STMT_CHAIN);
    VCH_CHECK(vch_bytes_equal(next->prev, vch_hash_bytes(prev_txid)), STMT_CHAIN);
    VCH_CHECK(vch_bytes_equal(next->registration, prev->registration), STMT_CHAIN);
    VCH_CHECK(prev->action != VCH_ACTION_RETIRE, STMT_CHAIN);
    return VCH_OK;
}
