#include <vouch/stmt/ack.h>
#include <vouch/stmt/endorsement.h>

#include "device_int.h"

/* What an acknowledgement says, decoded and on the way to being believed. */
struct offer {
    struct vch_stmt_ack ack;
    struct vch_stmt_endorsement e;
    struct vch_hash txid;
    size_t ledger;
};

static vch_err ledger_of(const struct vch_device *d, struct vch_bytes id, size_t *ret)
{
    for (size_t i = 0; i < d->setup.ledger_count; i++) {
        if (vch_bytes_equal(id, vch_text(d->setup.ledgers[i].id))) {
            *ret = i;
            return VCH_OK;
        }
    }
    return VCH_E(DEVICE_LEDGER);
}

static vch_err as_key(const struct vch_device *d, struct vch_bytes kid,
                      const struct vch_pubkey **ret)
{
    for (size_t i = 0; i < d->setup.as_key_count; i++) {
        struct vch_hash h;

        vch_cose_key_thumbprint(d->host.crypto, &d->setup.as_keys[i], &h);
        if (vch_bytes_equal(kid, vch_hash_bytes(&h))) {
            *ret = &d->setup.as_keys[i];
            return VCH_OK;
        }
    }
    return VCH_E(DEVICE_AS);
}

/* Is it from our AS and about our registration? Then everything in it that the AS signs is true as
 * far as the device can know. */
static vch_err authentic(const struct vch_device *d, const struct offer *o)
{
    const struct vch_pubkey *key;
    struct vch_hash registration;

    vch_sha256_of(d->host.crypto, o->e.registration, &registration);
    VCH_CHECK(vch_hash_equal(&registration, &d->registration), DEVICE_OTHER);
    VCH_CHECK(vch_bytes_equal(o->e.st.iss, vch_text(d->setup.as_id)), DEVICE_AS);
    VCH_TRY(as_key(d, o->e.st.kid, &key));
    return vch_stmt_endorsement_verify(d->host.crypto, &o->e, key);
}

/* Where it is recorded: the address itself is not signed, so it must be one that was provisioned,
 * and the ledger's receipt must agree. */
static vch_err recorded(const struct vch_device *d, struct offer *o)
{
    bool verified;

    VCH_TRY(ledger_of(d, o->ack.address.ledger, &o->ledger));
    VCH_CHECK(vch_bytes_equal(o->ack.address.url, entry_url(&d->setup)), DEVICE_ADDRESS);
    VCH_CHECK(d->phase < VCH_DEVICE_ENDORSED || o->ledger == d->ledger, DEVICE_LEDGER);
    return vch_device_entry_receipt_check(d, o->ledger, &o->txid, o->ack.receipt, &verified);
}

/* Does it stand in line with what the device holds?
 * req: Y.2247-8.2-3 (the latest stays, whatever order the others come in) */
static vch_err in_line(const struct vch_device *d, const struct offer *o, enum vch_device_news *ret)
{
    if (d->phase < VCH_DEVICE_ENDORSED) {
        *ret = VCH_DEVICE_FIRST;
        return VCH_OK;
    }
    VCH_CHECK(memcmp(o->e.subject, d->subject, sizeof(d->subject)) == 0, DEVICE_LINEAGE);
    VCH_CHECK(o->e.seq >= d->seq, DEVICE_ROLLBACK);
    if (o->e.seq == d->seq) {
        VCH_CHECK(vch_hash_equal(&o->txid, &d->txid), DEVICE_FORK);
        *ret = VCH_DEVICE_SAME;
        return VCH_OK;
    }
    VCH_CHECK(o->e.seq != d->seq + 1 || vch_bytes_equal(o->e.prev, vch_hash_bytes(&d->txid)),
              DEVICE_FORK);
    *ret = VCH_DEVICE_NEWER;
    return VCH_OK;
}

static void take(struct vch_device *d, const struct offer *o)
{
    memcpy(d->subject, o->e.subject, sizeof(d->subject));
    d->txid = o->txid;
    d->seq = o->e.seq;
    d->ledger = o->ledger;
    d->phase = o->e.action == VCH_ACTION_RETIRE ? VCH_DEVICE_RETIRED : VCH_DEVICE_ENDORSED;
    d->pointed = false;
}

vch_err vch_device_accept(struct vch_device *d, struct vch_bytes ack, enum vch_device_news *ret)
{
    struct vch_device before = *d;
    enum vch_device_news news;
    struct offer o;
    vch_err e;

    VCH_CHECK(d->phase >= VCH_DEVICE_REQUESTED, DEVICE_UNREGISTERED);
    VCH_TRY(vch_stmt_ack_decode(ack, &o.ack));
    VCH_TRY(vch_stmt_endorsement_decode(d->host.crypto, o.ack.endorsement, &o.e));
    vch_sha256_of(d->host.crypto, o.ack.endorsement, &o.txid);
    VCH_TRY(authentic(d, &o));
    VCH_TRY(recorded(d, &o));
    VCH_TRY(in_line(d, &o, &news));
    if (news != VCH_DEVICE_SAME) {
        take(d, &o);
    }
    if (o.ack.nonce.n != 0 && o.ack.nonce.n <= sizeof(d->nonce)) {
        memcpy(d->nonce, o.ack.nonce.p, o.ack.nonce.n);
        d->nonce_n = o.ack.nonce.n;
    }
    e = vch_device_save(d);
    if (!vch_ok(e)) {
        *d = before;
        return e;
    }
    *ret = news;
    return VCH_OK;
}

vch_err vch_device_entry_receipt_check(const struct vch_device *d, size_t ledger,
                                       const struct vch_hash *entry_hash, struct vch_bytes receipt,
                                       bool *ret_verified)
{
    const struct vch_device_ledger *l = &d->setup.ledgers[ledger];
    const struct vch_crypto *cr = d->host.crypto;
    struct vch_receipt r;
    struct vch_hash root;

    VCH_TRY(vch_receipt_decode(receipt, &r));
    VCH_CHECK(vch_bytes_equal(r.head.ledger, vch_text(l->id)), RECEIPT_LEDGER);
    for (size_t i = 0; i < l->key_count; i++) {
        struct vch_hash h;

        vch_cose_key_thumbprint(cr, &l->keys[i], &h);
        if (vch_hash_equal(&h, &r.head.thumbprint)) {
            VCH_TRY(vch_receipt_verify(cr, &r, vch_text(l->id), &l->keys[i], entry_hash));
            *ret_verified = true;
            return VCH_OK;
        }
    }
    VCH_CHECK(l->key_count == 0, RECEIPT_KEY);
    VCH_TRY(vch_receipt_root(cr, &r, entry_hash, &root));
    *ret_verified = false;
    return VCH_OK;
}

vch_err vch_device_receipt_check(const struct vch_device *d, struct vch_bytes statement,
                                 struct vch_bytes receipt, bool *ret_verified)
{
    struct vch_hash h;

    VCH_CHECK(d->phase >= VCH_DEVICE_ENDORSED, DEVICE_UNREGISTERED);
    vch_sha256_of(d->host.crypto, statement, &h);
    return vch_device_entry_receipt_check(d, d->ledger, &h, receipt, ret_verified);
}
