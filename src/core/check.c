#include <vouch/core/core.h>

#include <vouch/cose/key.h>
#include <vouch/stmt/anchor.h>
#include <vouch/stmt/endorsement.h>

/* A statement decoded once for reading the facts and verifying. */
struct opened {
    struct vch_sign1 st;
    struct vch_stmt_endorsement e;
    struct vch_stmt_anchor a;
};

static void hash_copy(struct vch_bytes from, struct vch_hash *ret)
{
    VCH_ASSERT(from.n == VCH_HASH_LEN);
    memcpy(ret->b, from.p, VCH_HASH_LEN);
}

static void common(const struct vch_crypto *cr, const struct vch_sign1 *st,
                   struct vch_core_facts *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->type = vch_stmt_type_of(st);
    vch_sign1_txid(cr, st, &ret->txid);
    hash_copy(st->kid, &ret->signer);
    VCH_ASSERT(st->iss.n <= sizeof(ret->iss));
    ret->iss_n = (uint8_t)st->iss.n;
    vch_bytes_copy(ret->iss, st->iss);
}

static vch_err open_endorsement(const struct vch_crypto *cr, struct vch_bytes in, struct opened *o,
                                struct vch_core_facts *ret)
{
    struct vch_core_facts f;

    VCH_TRY(vch_stmt_endorsement_decode(cr, in, &o->e));
    common(cr, &o->e.st, &f);
    vch_stmt_endorsement_content_key(cr, &o->e, &f.content);
    memcpy(f.subject.b, o->e.subject, VCH_SUBJECT_LEN);
    f.action = o->e.action;
    f.seq = o->e.seq;
    f.has_prev = o->e.prev.n > 0;
    if (f.has_prev) {
        hash_copy(o->e.prev, &f.prev);
    }
    hash_copy(o->e.st.x5t, &f.cert);
    vch_sha256_of(cr, o->e.registration, &f.registration);
    vch_cose_key_thumbprint(cr, &o->e.reg.key, &f.device);
    *ret = f;
    return VCH_OK;
}

static vch_err open_anchor(const struct vch_crypto *cr, struct vch_bytes in, struct opened *o,
                           struct vch_core_facts *ret)
{
    struct vch_core_facts f;

    VCH_TRY(vch_stmt_anchor_decode(in, &o->a));
    common(cr, &o->a.st, &f);
    vch_sign1_content_id(cr, &o->a.st, &f.content);
    f.by_device = o->a.by_device;
    if (f.by_device) {
        memcpy(f.subject.b, o->a.subject, VCH_SUBJECT_LEN);
    }
    *ret = f;
    return VCH_OK;
}

static vch_err open_any(const struct vch_crypto *cr, struct vch_bytes in, struct opened *o,
                        struct vch_core_facts *ret)
{
    VCH_CHECK(!vch_entry_is_system(in), SYSTEM_ENTRY);
    VCH_TRY(vch_sign1_decode(in, VCH_SIGN1_STATEMENT, &o->st));
    switch (vch_stmt_type_of(&o->st)) {
    case VCH_STMT_ENDORSEMENT:
        return open_endorsement(cr, in, o, ret);
    case VCH_STMT_ANCHOR:
        return open_anchor(cr, in, o, ret);
    case VCH_STMT_OTHER:
    case VCH_STMT_REGISTRATION:
    case VCH_STMT_POLL:
        break;
    }
    return VCH_E(TYPE_REFUSED);
}

vch_err vch_core_read(const struct vch_crypto *cr, struct vch_bytes statement,
                      struct vch_core_facts *ret)
{
    struct opened o;

    return open_any(cr, statement, &o, ret);
}

/* The public key of an enrolled authority, whose role, name and certificate fit the facts. */
static vch_err authority_key(const struct vch_crypto *cr, const struct vch_core_keys *keys,
                             const struct vch_core_facts *f, struct vch_pubkey *ret)
{
    bool endorses = f->type == VCH_STMT_ENDORSEMENT;
    uint8_t room[VCH_STATE_VALUE_MAX];
    struct vch_state_authority a;
    struct vch_bytes value;
    struct vch_cbor c;
    bool found;

    VCH_TRY(keys->authority(keys->self, &f->signer, VCH_SPAN_OF(room), &value, &found));
    VCH_CHECK(found, AUTHORITY_UNKNOWN);
    VCH_TRY(vch_state_authority_decode(value, &a));
    VCH_TRY(vch_contract_authority(&a, endorses ? VCH_ROLE_AS : VCH_ROLE_AGGREGATOR,
                                   vch_bytes(f->iss, f->iss_n), endorses ? &f->cert : NULL));
    c = vch_cbor(a.key, VCH_CBOR_STRICT);
    return vch_cose_key_decode(cr, &c, ret);
}

vch_err vch_core_check(const struct vch_crypto *cr, struct vch_bytes statement,
                       const struct vch_core_keys *keys, struct vch_core_facts *ret)
{
    struct vch_core_facts f;
    struct vch_pubkey key;
    struct opened o;
    bool found;

    VCH_TRY(open_any(cr, statement, &o, &f));
    if (f.by_device) {
        VCH_TRY(keys->device(keys->self, &f.signer, &key, &found));
        VCH_CHECK(found, DEVICE_UNKNOWN);
    } else {
        VCH_TRY(authority_key(cr, keys, &f, &key));
    }
    /* Both verify functions refuse a key whose thumbprint is not the kid. */
    if (f.type == VCH_STMT_ENDORSEMENT) {
        VCH_TRY(vch_stmt_endorsement_verify(cr, &o.e, &key));
    } else {
        VCH_TRY(vch_stmt_verify(cr, &o.a.st, &key));
    }
    *ret = f;
    return VCH_OK;
}
