#include <vouch/as/chain.h>

void vch_as_record_init(struct vch_as_record *r)
{
    *r = (struct vch_as_record){.statement = vch_buf_init(VCH_LEDGER_STATEMENT_MAX),
                                .receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX)};
}

void vch_as_record_fini(struct vch_as_record *r)
{
    vch_buf_fini(&r->statement);
    vch_buf_fini(&r->receipt);
}

static struct vch_subject subject_of(const uint8_t subject[16])
{
    struct vch_subject s = {{0}};

    memcpy(s.b, subject, sizeof s.b);
    return s;
}

vch_err vch_as_chain_write(const struct vch_as_chain *c, struct vch_bytes statement,
                           struct vch_as_record *ret)
{
    struct vch_ledger_ack ack;
    struct vch_hash txid;

    VCH_TRY(vch_ledger_submit(c->ledger, statement, c->wait_ms, &ack, &ret->receipt));
    vch_sha256_of(c->crypto, statement, &txid);
    if (!vch_hash_equal(&txid, &ack.entry.txid)) {
        return vch_as_chain_read(c, &ack.entry.txid, ret);
    }
    ret->entry = ack.entry;
    vch_buf_reset(&ret->statement);
    return vch_buf_append(&ret->statement, statement);
}

/* Refusals of the contracts are final; whatever says "not now" or "not from here" is not. */
bool vch_as_chain_may_retry(vch_err e)
{
    switch (vch_err_kind(e)) {
    case VCH_KIND_INPUT:
    case VCH_KIND_DENIED:
    case VCH_KIND_CONFLICT:
    case VCH_KIND_MISSING:
    case VCH_KIND_LIMIT:
        return false;
    case VCH_KIND_STATE:
        return !vch_err_is(e, VCH_E(SUBJECT_RETIRED));
    default:
        return true;
    }
}

vch_err vch_as_chain_read(const struct vch_as_chain *c, const struct vch_hash *txid,
                          struct vch_as_record *ret)
{
    struct vch_hash h;

    VCH_TRY(vch_ledger_get(c->ledger, txid, &ret->entry, &ret->statement, &ret->receipt));
    vch_sha256_of(c->crypto, vch_buf_get(&ret->statement), &h);
    VCH_CHECK(vch_hash_equal(&h, txid), AS_LEDGER_MISMATCH);
    return VCH_OK;
}

vch_err vch_as_chain_endorsement(const struct vch_as_chain *c, const struct vch_hash *txid,
                                 struct vch_as_record *ret, struct vch_stmt_endorsement *ret_e)
{
    VCH_TRY(vch_as_chain_read(c, txid, ret));
    VCH_CHECK(!ret->entry.is_system, AS_NOT_ENDORSEMENT);
    VCH_CHECK(vch_ok(vch_stmt_endorsement_decode(c->crypto, vch_buf_get(&ret->statement), ret_e)),
              AS_NOT_ENDORSEMENT);
    return VCH_OK;
}

vch_err vch_as_chain_latest(const struct vch_as_chain *c, const uint8_t subject[16],
                            struct vch_state_subject *ret_state, struct vch_as_record *ret,
                            struct vch_stmt_endorsement *ret_e)
{
    struct vch_subject s = subject_of(subject);

    VCH_TRY(vch_ledger_latest(c->ledger, &s, ret_state));
    VCH_TRY(vch_as_chain_endorsement(c, &ret_state->latest, ret, ret_e));
    VCH_CHECK(memcmp(ret_e->subject, subject, 16) == 0 && ret_e->seq == ret_state->seq,
              AS_LEDGER_MISMATCH);
    return VCH_OK;
}

vch_err vch_as_chain_proof(const struct vch_as_chain *c, const uint8_t subject[16],
                           struct vch_buf *ret)
{
    return vch_ledger_state_proof(c->ledger, VCH_STATE_SUBJECT, vch_bytes(subject, 16), ret);
}

vch_err vch_as_chain_lineage(const struct vch_as_chain *c, const uint8_t subject[16],
                             int64_t after_seq, struct vch_hash *ret, size_t cap, size_t *ret_n)
{
    struct vch_subject s = subject_of(subject);
    struct vch_state_subject state;
    struct vch_stmt_endorsement e;
    struct vch_as_record r;
    struct vch_hash txid;
    size_t n = 0;
    vch_err err;

    VCH_TRY(vch_ledger_latest(c->ledger, &s, &state));
    txid = state.latest;
    vch_as_record_init(&r);
    for (;;) {
        err = vch_as_chain_endorsement(c, &txid, &r, &e);
        if (vch_ok(err) && memcmp(e.subject, subject, 16) != 0) {
            err = VCH_E(AS_LEDGER_MISMATCH);
        }
        if (!vch_ok(err) || (int64_t)e.seq <= after_seq || n == cap) {
            break;
        }
        ret[n++] = txid;
        if (e.seq == 0) {
            break;
        }
        memcpy(txid.b, e.prev.p, sizeof txid.b);
    }
    vch_as_record_fini(&r);
    VCH_TRY(err);
    *ret_n = n;
    return VCH_OK;
}

struct enrolled {
    const struct vch_hash *thumbprint, *cert;
    const struct vch_crypto *crypto;
    const char *id;
    bool yes;
};

static vch_err enrolled_look(void *arg, const struct vch_ledger_authority *a)
{
    struct enrolled *x = arg;
    struct vch_hash h;

    if (a->role == VCH_ROLE_AS && vch_hash_equal(&a->thumbprint, x->thumbprint) &&
        vch_bytes_equal(a->name, vch_text(x->id))) {
        vch_sha256_of(x->crypto, a->cert, &h);
        x->yes = vch_hash_equal(&h, x->cert);
    }
    return VCH_OK;
}

vch_err vch_as_chain_enrolled(const struct vch_as_chain *c, const struct vch_hash *thumbprint,
                              const char *id, const struct vch_hash *cert)
{
    struct enrolled x = {thumbprint, cert, c->crypto, id, false};

    VCH_TRY(vch_ledger_authorities(c->ledger, enrolled_look, &x));
    VCH_CHECK(x.yes, AS_KEY_UNFIT);
    return VCH_OK;
}
