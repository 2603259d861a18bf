#include <vouch/core/core.h>

#include <vouch/cose/key.h>

/* Room for the value of one kind, decoded from a callback's answer. */
struct looked {
    bool found;
    struct vch_bytes value;
    uint8_t room[VCH_STATE_VALUE_MAX];
};

static vch_err look(const struct vch_core_state *s, enum vch_state_kind kind, struct vch_bytes id,
                    struct looked *ret)
{
    return s->get(s->self, kind, id, VCH_SPAN_OF(ret->room), &ret->value, &ret->found);
}

static struct vch_writer put_begin(struct vch_core_effects *e, enum vch_state_kind kind,
                                   struct vch_bytes id)
{
    struct vch_core_put *p = &e->put[e->count];

    VCH_ASSERT(e->count < VCH_CORE_PUTS && id.n <= sizeof(p->id));
    p->kind = kind;
    p->id_n = (uint8_t)id.n;
    memcpy(p->id, id.p, id.n);
    return vch_writer(VCH_SPAN_OF(p->value));
}

static void put_end(struct vch_core_effects *e, const struct vch_writer *w)
{
    VCH_ASSERT(vch_ok(w->err) && w->len <= VCH_CORE_VALUE_MAX);
    e->put[e->count++].value_n = (uint8_t)w->len;
}

static vch_err known_as(const struct vch_core_state *s, struct vch_bytes txid,
                        struct vch_core_effects *ret)
{
    struct vch_state_transaction t;
    struct looked l;

    VCH_TRY(look(s, VCH_STATE_TRANSACTION, txid, &l));
    if (!l.found) {
        return VCH_OK;
    }
    VCH_TRY(vch_state_transaction_decode(l.value, &t));
    memcpy(ret->txid.b, txid.p, VCH_HASH_LEN);
    ret->known = true;
    ret->index = t.index;
    ret->time.ms = t.time_ms;
    return VCH_OK;
}

/* Idempotency: the same bytes, or the same content under another signature. */
static vch_err known_before(const struct vch_core_state *s, const struct vch_core_facts *f,
                            struct vch_core_effects *ret)
{
    struct vch_hash first;
    struct looked l;

    VCH_TRY(known_as(s, vch_hash_bytes(&f->txid), ret));
    if (ret->known) {
        return VCH_OK;
    }
    VCH_TRY(look(s, VCH_STATE_CONTENT, vch_hash_bytes(&f->content), &l));
    if (!l.found) {
        return VCH_OK;
    }
    VCH_TRY(vch_state_ref_decode(l.value, VCH_SPAN_OF(first.b)));
    VCH_TRY(known_as(s, vch_hash_bytes(&first), ret));
    VCH_CHECK(ret->known, BUG);
    return VCH_OK;
}

static vch_err authority_holds(const struct vch_core_state *s, const struct vch_core_facts *f)
{
    bool endorses = f->type == VCH_STMT_ENDORSEMENT;
    struct vch_state_authority a;
    struct looked l;

    VCH_TRY(look(s, VCH_STATE_AUTHORITY, vch_hash_bytes(&f->signer), &l));
    VCH_CHECK(l.found, AUTHORITY_UNKNOWN);
    VCH_TRY(vch_state_authority_decode(l.value, &a));
    return vch_contract_authority(&a, endorses ? VCH_ROLE_AS : VCH_ROLE_AGGREGATOR,
                                  vch_bytes(f->iss, f->iss_n), endorses ? &f->cert : NULL);
}

static vch_err lineage_get(const struct vch_core_state *s, const struct vch_subject *subject,
                           bool *ret_found, struct vch_state_subject *ret)
{
    struct looked l;

    VCH_TRY(look(s, VCH_STATE_SUBJECT, vch_subject_bytes(subject), &l));
    if (l.found) {
        VCH_TRY(vch_state_subject_decode(l.value, ret));
    }
    *ret_found = l.found;
    return VCH_OK;
}

static vch_err anchor(const struct vch_core_state *s, const struct vch_core_facts *f)
{
    struct vch_state_subject now;
    struct vch_subject subject;
    struct looked l;
    bool found;

    if (!f->by_device) {
        return authority_holds(s, f);
    }
    VCH_TRY(look(s, VCH_STATE_DEVICE_KEY, vch_hash_bytes(&f->signer), &l));
    VCH_CHECK(l.found, DEVICE_UNKNOWN);
    VCH_TRY(vch_state_ref_decode(l.value, VCH_SPAN_OF(subject.b)));
    VCH_TRY(lineage_get(s, &subject, &found, &now));
    VCH_CHECK(found, BUG);
    return vch_contract_anchor(&subject, &f->subject, &now);
}

/* Puts what an endorsement changes beside the record of the transaction itself. */
static vch_err endorse(const struct vch_core_state *s, const struct vch_core_facts *f,
                       uint64_t index, struct vch_core_effects *ret)
{
    struct vch_contract_endorsement e = {.action = f->action,
                                         .seq = f->seq,
                                         .has_prev = f->has_prev,
                                         .prev = f->prev,
                                         .registration = f->registration,
                                         .as_name = vch_bytes(f->iss, f->iss_n)};
    struct vch_contract_lineage lin = {.exists = false};
    struct vch_state_subject next;
    struct vch_state_authority as;
    struct looked latest_as, key;
    struct vch_writer w;

    VCH_TRY(authority_holds(s, f));
    VCH_TRY(lineage_get(s, &f->subject, &lin.exists, &lin.now));
    if (lin.exists) {
        VCH_TRY(look(s, VCH_STATE_AUTHORITY, vch_hash_bytes(&lin.now.as), &latest_as));
        VCH_CHECK(latest_as.found, BUG);
        VCH_TRY(vch_state_authority_decode(latest_as.value, &as));
        lin.as_name = as.name;
    }
    VCH_TRY(look(s, VCH_STATE_DEVICE_KEY, vch_hash_bytes(&f->device), &key));
    lin.device_key_known = key.found;
    next = (struct vch_state_subject){f->txid, f->seq, index, 0, f->registration, f->signer};
    VCH_TRY(vch_contract_endorse(&lin, &e, &next.life));
    w = put_begin(ret, VCH_STATE_SUBJECT, vch_subject_bytes(&f->subject));
    vch_state_subject_encode(&next, &w);
    put_end(ret, &w);
    if (!lin.exists) {
        w = put_begin(ret, VCH_STATE_DEVICE_KEY, vch_hash_bytes(&f->device));
        vch_state_ref_encode(vch_subject_bytes(&f->subject), &w);
        put_end(ret, &w);
    }
    return VCH_OK;
}

vch_err vch_core_apply(const struct vch_core_state *state, const struct vch_core_facts *f,
                       uint64_t index, struct vch_time time, struct vch_core_effects *ret)
{
    struct vch_state_transaction t = {index, time.ms};
    struct vch_core_effects e = {.known = false};
    struct vch_writer w;

    VCH_TRY(known_before(state, f, &e));
    if (!e.known) {
        e.txid = f->txid;
        e.index = index;
        e.time = time;
        VCH_TRY(f->type == VCH_STMT_ENDORSEMENT ? endorse(state, f, index, &e) : anchor(state, f));
        w = put_begin(&e, VCH_STATE_TRANSACTION, vch_hash_bytes(&f->txid));
        vch_state_transaction_encode(&t, &w);
        put_end(&e, &w);
        w = put_begin(&e, VCH_STATE_CONTENT, vch_hash_bytes(&f->content));
        vch_state_ref_encode(vch_hash_bytes(&f->txid), &w);
        put_end(&e, &w);
    }
    *ret = e;
    return VCH_OK;
}

vch_err vch_core_genesis_apply(const struct vch_crypto *cr, const struct vch_genesis_authority *a,
                               struct vch_core_genesis_put *ret)
{
    uint8_t key[VCH_COSE_KEY_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(key));
    struct vch_state_authority v = {.role = a->role, .name = a->name, .has_cert = a->cert.n > 0};
    struct vch_bytes value;

    vch_cose_key_encode(&a->key, &w);
    VCH_TRY(vch_writer_finish(&w, &v.key));
    vch_cose_key_thumbprint(cr, &a->key, &ret->thumbprint);
    if (v.has_cert) {
        vch_sha256_of(cr, a->cert, &v.cert);
    }
    w = vch_writer(VCH_SPAN_OF(ret->value));
    vch_state_authority_encode(&v, &w);
    VCH_TRY(vch_writer_finish(&w, &value));
    ret->value_n = value.n;
    return VCH_OK;
}
