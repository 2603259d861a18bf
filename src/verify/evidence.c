#include <vouch/verify/evidence.h>

#include "step.h"

/* The key of ledger L that a receipt names, or NULL. */
static const struct vch_pubkey *ledger_key(const struct vch_verify_ledger *l,
                                           const struct vch_hash *thumbprint)
{
    for (size_t i = 0; i < l->key_count; i++) {
        if (vch_hash_equal(&l->keys[i].thumbprint, thumbprint)) {
            return &l->keys[i].pub;
        }
    }
    return NULL;
}

static vch_err state_check(const struct vch_verify *v, struct vch_bytes in,
                           struct vch_state_proof *p, struct vch_verify_state *s)
{
    const struct vch_pubkey *key;
    struct vch_bytes id;

    VCH_TRY(vch_state_proof_decode(in, p));
    id = p->receipt.head.ledger;
    s->ledger = vch_verify_ledger_find(v->trust, id);
    VCH_CHECK(s->ledger != VCH_VERIFY_NONE, LEDGER_UNTRUSTED);
    key = ledger_key(&v->trust->ledgers[s->ledger], &p->receipt.head.thumbprint);
    VCH_CHECK(key != NULL, RECEIPT_KEY);
    VCH_TRY(vch_state_proof_verify(v->cr, p, id, key));
    s->size = p->receipt.head.size;
    s->time_ms = p->receipt.head.time_ms;
    s->kind = p->kind;
    s->id = p->id;
    s->present = p->present;
    s->value = p->value;
    return VCH_OK;
}

void vch_verify_state_check(const struct vch_verify *v, struct vch_bytes proof,
                            struct vch_state_proof *scratch, struct vch_verify_state *ret)
{
    struct vch_verify_state s = {.ledger = VCH_VERIFY_NONE};

    s.why = state_check(v, proof, scratch, &s);
    s.good = vch_ok(s.why);
    *ret = s;
}

static vch_err genesis_check(const struct vch_verify *v, struct vch_bytes entry,
                             struct vch_bytes receipt, struct vch_verify_genesis *g)
{
    struct vch_verify_step step;
    struct vch_hash hash;
    int64_t time_ms;
    uint64_t index;

    VCH_TRY(vch_genesis_decode(v->cr, entry, &g->genesis));
    vch_sha256_of(v->cr, entry, &hash);
    vch_verify_receipts(v, NULL, &hash, &receipt, 1, &step, &g->ledger, &index, &time_ms);
    VCH_TRY(step.why);
    VCH_CHECK(index == 0, GENESIS);
    VCH_CHECK(vch_bytes_equal(g->genesis.ledger_id, v->trust->ledgers[g->ledger].id), GENESIS);
    return VCH_OK;
}

void vch_verify_genesis_check(const struct vch_verify *v, struct vch_bytes entry,
                              struct vch_bytes receipt, struct vch_verify_genesis *ret)
{
    struct vch_verify_genesis g = {.ledger = VCH_VERIFY_NONE};

    g.why = genesis_check(v, entry, receipt, &g);
    g.good = vch_ok(g.why);
    *ret = g;
}

/* The key of the device that signed an anchor, from a good record of the subject it names. */
static vch_err device_key(const struct vch_verify_book *book, const struct vch_verify_anchor *a,
                          struct vch_pubkey *ret)
{
    for (size_t i = 0; i < book->count; i++) {
        const struct vch_verify_record *r = &book->records[i];

        if (r->good && memcmp(r->e.subject, a->a.subject, VCH_SUBJECT_LEN) == 0 &&
            vch_bytes_equal(vch_hash_bytes(&r->device), a->a.st.kid)) {
            *ret = r->e.reg.key;
            return VCH_OK;
        }
    }
    return VCH_E(ANCHOR_SIGNER);
}

static vch_err state_authority(const struct vch_verify *v, const struct vch_verify_state *s,
                               const struct vch_verify_anchor *a, struct vch_pubkey *ret)
{
    struct vch_state_authority au;
    struct vch_cbor c;

    VCH_CHECK(s->good && s->present && s->kind == VCH_STATE_AUTHORITY && s->ledger == a->ledger &&
                  vch_bytes_equal(s->id, a->a.st.kid),
              ANCHOR_SIGNER);
    VCH_TRY(vch_state_authority_decode(s->value, &au));
    VCH_CHECK(au.role == VCH_ROLE_AGGREGATOR && vch_bytes_equal(au.name, a->a.st.iss),
              ANCHOR_SIGNER);
    c = vch_cbor(au.key, VCH_CBOR_STRICT);
    VCH_TRY(vch_cose_key_decode(v->cr, &c, ret));
    return vch_cbor_end(&c);
}

static vch_err genesis_authority(const struct vch_verify *v, const struct vch_verify_genesis *from,
                                 const struct vch_verify_anchor *a, struct vch_pubkey *ret)
{
    struct vch_genesis g = from->genesis;
    struct vch_genesis_authority au;
    struct vch_hash thumbprint;

    VCH_CHECK(from->good && from->ledger == a->ledger, ANCHOR_SIGNER);
    for (;;) {
        VCH_CHECK(vch_ok(vch_genesis_next(v->cr, &g, &au)), ANCHOR_SIGNER);
        vch_cose_key_thumbprint(v->cr, &au.key, &thumbprint);
        if (au.role == VCH_ROLE_AGGREGATOR && vch_bytes_equal(au.name, a->a.st.iss) &&
            vch_bytes_equal(vch_hash_bytes(&thumbprint), a->a.st.kid)) {
            *ret = au.key;
            return VCH_OK;
        }
    }
}

vch_err vch_verify_anchor_check(const struct vch_verify *v, struct vch_bytes statement,
                                const struct vch_bytes *receipts, size_t count,
                                const struct vch_verify_book *book,
                                const struct vch_verify_state *states, size_t state_n,
                                const struct vch_verify_genesis *genesis, size_t genesis_n,
                                struct vch_verify_anchor *ret)
{
    struct vch_verify_anchor a = {.ledger = VCH_VERIFY_NONE};
    vch_err found = VCH_E(ANCHOR_SIGNER);
    struct vch_verify_step step;
    struct vch_pubkey key;
    uint64_t index;

    VCH_TRY(vch_stmt_anchor_decode(statement, &a.a));
    vch_sign1_txid(v->cr, &a.a.st, &a.txid);
    vch_verify_receipts(v, NULL, &a.txid, receipts, count, &step, &a.ledger, &index, &a.time_ms);
    a.why = step.why;
    if (step.state == VCH_STEP_PASS) {
        if (a.a.by_device) {
            found = device_key(book, &a, &key);
        }
        for (size_t i = 0; i < state_n && !a.a.by_device && !vch_ok(found); i++) {
            found = state_authority(v, &states[i], &a, &key);
        }
        for (size_t i = 0; i < genesis_n && !a.a.by_device && !vch_ok(found); i++) {
            found = genesis_authority(v, &genesis[i], &a, &key);
        }
        a.why = vch_ok(found) ? vch_stmt_verify(v->cr, &a.a.st, &key) : VCH_E(ANCHOR_SIGNER);
        if (vch_ok(a.why) && vch_verify_alg_end(v->trust, a.a.st.alg) <= a.time_ms) {
            a.why = VCH_E(ALG_RETIRED);
        }
    }
    a.good = vch_ok(a.why);
    *ret = a;
    return VCH_OK;
}

vch_err vch_verify_anchor_covers(const struct vch_crypto *cr, const struct vch_verify_anchor *a,
                                 struct vch_bytes item, uint64_t index, const struct vch_hash *path,
                                 size_t count)
{
    struct vch_hash leaf, root;

    vch_stmt_anchor_leaf(cr, item, &leaf);
    VCH_CHECK(vch_ok(vch_merkle_inclusion_root(cr, &leaf, index, a->a.count, path, count, &root)),
              ANCHOR_PATH);
    VCH_CHECK(vch_bytes_equal(vch_hash_bytes(&root), a->a.root), ANCHOR_PATH);
    return VCH_OK;
}
