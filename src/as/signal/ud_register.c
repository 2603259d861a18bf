/* RP-ud: a device registers its verification parameters (Y.2247 clauses 7.2.1 and 7.2.2). */
#include "ud.h"

#include <vouch/cose/key.h>

struct registering {
    struct vch_stmt_request rq;
    struct vch_stmt_registration reg;
    struct vch_as_candidate cand;
};

/* Each disclosure opens a digest that was signed, every digest is opened, no kind twice.
 * req: Y.2247-7.1-1 (nothing but identifiers is taken) */
static vch_err open_ids(struct call *c, struct registering *r)
{
    const struct vch_crypto *cr = c->as->o.crypto;
    struct vch_disclosure d;
    uint64_t seen = 0;

    VCH_CHECK(r->rq.disclosure_count == r->reg.identifiers.count, AS_OPENING);
    for (size_t i = 0; i < r->rq.disclosure_count; i++) {
        vch_err e = vch_stmt_disclosure_open(cr, &r->reg.identifiers, r->rq.disclosures[i], &d);

        VCH_CHECK(!vch_err_is(e, VCH_E(DISCLOSURE_FOREIGN)), AS_OPENING);
        VCH_TRY(e);
        VCH_TRY(vch_as_ids_add(&r->cand.ids, &d));
        seen |= UINT64_C(1) << d.key;
    }
    VCH_CHECK((seen & c->as->o.ids_required) == c->as->o.ids_required, AS_OPENING);
    return VCH_OK;
}

static vch_err class_admitted(struct call *c, const struct vch_stmt_registration *reg)
{
    VCH_CHECK((c->as->o.classes & (1u << reg->device_class)) != 0 &&
                  (c->as->o.custodies & (1u << reg->custody)) != 0,
              AS_CLASS);
    return VCH_OK;
}

static vch_err quota(struct call *c)
{
    struct vch_bytes key =
        c->rq->cert != NULL ? vch_hash_bytes(&c->rq->cert->sha256) : vch_text(c->rq->peer_addr);
    vch_err e = vch_rate_take(c->as->register_rate, key, 1, vch_as_mono_ms(), &c->wait_ms);

    return vch_err_is(e, VCH_E(HTTP_RATE)) ? VCH_E(AS_QUOTA) : e;
}

static struct vch_edi_selector select_account(const struct vch_edi_ids *ids)
{
    if (ids->msisdn[0] != '\0') {
        return vch_as_selector(VCH_EDI_MSISDN, ids->msisdn);
    }
    if (ids->iccid[0] != '\0') {
        return vch_as_selector(VCH_EDI_ICCID, ids->iccid);
    }
    if (ids->eid[0] != '\0') {
        return vch_as_selector(VCH_EDI_EID, ids->eid);
    }
    return vch_as_selector(VCH_EDI_IMEI, ids->imei);
}

/* What the operator's answer means for one who asks to be registered: every fault of the identity
 * looks the same from outside. */
static vch_err hide(struct call *c, vch_err e)
{
    switch (vch_err_kind(e)) {
    case VCH_KIND_MISSING:
    case VCH_KIND_CONFLICT:
        c->why = vch_err_info(e)->slug;
        return VCH_E(AS_IDENTITY);
    case VCH_KIND_DENIED:
        c->why = vch_err_info(e)->slug;
        return vch_err_is(e, VCH_E(EDI_CONTRADICTION)) ? VCH_E(AS_IDENTITY) : VCH_E(EDI_ANSWER);
    default:
        return e;
    }
}

/* req: Y.2247-7.2.2-2 (the operator is asked last, and only about what was signed) */
static vch_err endorse(struct call *c, struct registering *r, struct vch_as_record *rec)
{
    const struct operator_of *op = vch_as_operator_for(c->as, &r->cand.ids);
    struct vch_edi_selector sel = select_account(&r->cand.ids);
    struct vch_as_network net = {.hinted = false};
    struct vch_edi_status status;
    vch_err e;

    if (op == NULL) {
        c->why = "no-operator";
        return VCH_E(AS_IDENTITY);
    }
    e = vch_as_network_ask(op, &sel, &r->cand.ids, &status, &net.mismatched);
    if (!vch_ok(e)) {
        return hide(c, e);
    }
    net.operator_id = op->op.id;
    net.account = &status;
    net.evidence = status.evidence_hash;
    e = vch_as_data_register(c->as->data, &r->cand, &net, rec, &c->why);
    vch_edi_status_fini(&status);
    vch_wipe(&status, sizeof status);
    return e;
}

static vch_err answer(struct call *c, unsigned status, const struct vch_as_record *rec)
{
    struct vch_buf ack = vch_buf_init(ACK_MAX);
    uint8_t nonce[VCH_AS_NONCE_LEN];
    vch_err e = vch_as_nonce(c->as, nonce);

    vch_as_call_txid(c, &rec->entry.txid);
    if (vch_ok(e)) {
        e = vch_as_ack_encode(c->as, rec, nonce, &ack);
    }
    if (vch_ok(e)) {
        vch_http_reply_take(c->rs, status, MEDIA_ACK, &ack);
    }
    vch_buf_fini(&ack);
    return e;
}

/* Everything between a good signature and the record. */
static vch_err register_new(struct call *c, struct registering *r, struct vch_as_record *rec)
{
    struct vch_hash thumbprint;

    VCH_TRY(
        vch_as_nonce_use(c->as->nonces, r->reg.nonce, &r->cand.content, true, c->now_ms / 1000));
    VCH_CHECK(vch_bytes_equal(r->reg.audience, vch_text(c->as->o.as_id)), AS_AUDIENCE);
    VCH_TRY(class_admitted(c, &r->reg));
    VCH_TRY(open_ids(c, r));
    vch_cose_key_thumbprint(c->as->o.crypto, &r->reg.key, &thumbprint);
    VCH_TRY(vch_as_data_key_free(c->as->data, &thumbprint));
    VCH_TRY(quota(c));
    r->cand.reg = &r->reg;
    r->cand.openings = r->rq.disclosures;
    r->cand.opening_count = r->rq.disclosure_count;
    r->cand.assurance = VCH_ASSURANCE_MATCHED;
    return endorse(c, r, rec);
}

/* POST /rp-ud/v1/registrations. The order is the Recommendation's: form, signature, and only then
 * anything that costs or tells something.
 * req: Y.2247-7.2.2-1, Y.2247-7.2.1-5, Y.2247-8.1.2-3 */
vch_err vch_as_ud_register(struct call *c)
{
    struct registering r;
    struct vch_as_record rec;
    unsigned status = 200;
    vch_err e;

    memset(&r, 0, sizeof r);
    VCH_TRY(vch_stmt_request_decode(c->rq->body, &r.rq));
    VCH_TRY(vch_stmt_registration_decode(c->as->o.crypto, r.rq.registration, &r.reg));
    VCH_TRY(vch_stmt_registration_verify(c->as->o.crypto, &r.reg));
    vch_sign1_content_id(c->as->o.crypto, &r.reg.st, &r.cand.content);
    vch_as_record_init(&rec);
    e = vch_as_data_resend(c->as->data, &r.cand.content, &rec);
    if (vch_err_is(e, VCH_E(NOT_FOUND))) {
        status = 201;
        e = register_new(c, &r, &rec);
    }
    if (vch_ok(e)) {
        c->event = status == 201 ? "registered" : "registered-before";
        e = answer(c, status, &rec);
    }
    vch_as_record_fini(&rec);
    vch_wipe(&r.cand.ids, sizeof r.cand.ids);
    return e;
}
