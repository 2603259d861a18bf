/* The signing key of the AS, and what it signs. */
#include "data_int.h"

#include <vouch/cose/key.h>
#include <vouch/ossl/x509.h>

static vch_err cert_fits(struct vch_as_data *d, const struct vch_signer *signer,
                         const struct vch_cert *cert)
{
    const struct vch_cert_info *i = vch_cert_info(cert);
    int64_t now_ms = vch_as_data_now_ms(d);

    VCH_CHECK(vch_pubkey_equal(&i->pub, &signer->pub), AS_KEY_UNFIT);
    VCH_CHECK(vch_cert_has_san(cert, VCH_SAN_DNS, vch_text(d->as_id)) ||
                  vch_cert_has_san(cert, VCH_SAN_URI, vch_text(d->as_id)),
              AS_KEY_UNFIT);
    VCH_CHECK(i->not_before.ms <= now_ms && now_ms < i->not_after.ms, AS_KEY_UNFIT);
    return VCH_OK;
}

static void key_drop(struct vch_as_data *d)
{
    if (d->key_close != NULL) {
        d->key_close(d->key_close_arg);
    }
    d->signer = NULL;
    d->key_close = NULL;
    vch_buf_fini(&d->cert);
}

vch_err vch_as_data_key_set(struct vch_as_data *d, const struct vch_signer *signer,
                            struct vch_bytes cert, void (*close)(void *arg), void *close_arg)
{
    struct vch_buf copy = vch_buf_init(VCH_CERTIFICATE_MAX);
    struct vch_cert *x = NULL;
    vch_err e = vch_cert_open(cert, &x);

    if (vch_ok(e)) {
        e = cert_fits(d, signer, x);
    }
    if (vch_ok(e)) {
        e = vch_buf_append(&copy, vch_cert_info(x)->der);
    }
    if (vch_ok(e)) {
        e = vch_as_vault_cert_put(d->o.vault, vch_buf_get(&copy));
    }
    if (!vch_ok(e)) {
        vch_cert_close(x);
        vch_buf_fini(&copy);
        if (close != NULL) {
            close(close_arg);
        }
        return vch_err_is(e, VCH_E(CERT_FORM)) ? VCH_E(AS_KEY_UNFIT) : e;
    }
    pthread_rwlock_wrlock(&d->key_lock);
    key_drop(d);
    d->signer = signer;
    d->cert = copy;
    d->cert_hash = vch_cert_info(x)->sha256;
    d->cert_from_ms = vch_cert_info(x)->not_before.ms;
    d->cert_until_ms = vch_cert_info(x)->not_after.ms;
    vch_cose_key_thumbprint(d->o.crypto, &signer->pub, &d->thumbprint);
    d->key_close = close;
    d->key_close_arg = close_arg;
    pthread_rwlock_unlock(&d->key_lock);
    vch_cert_close(x);
    return VCH_OK;
}

vch_err vch_as_data_key_check(struct vch_as_data *d)
{
    struct vch_hash thumbprint, cert;
    bool none;

    pthread_rwlock_rdlock(&d->key_lock);
    none = d->signer == NULL;
    thumbprint = d->thumbprint;
    cert = d->cert_hash;
    pthread_rwlock_unlock(&d->key_lock);
    VCH_CHECK(!none, AS_KEY_UNFIT);
    return vch_as_chain_enrolled(&d->chain, &thumbprint, d->as_id, &cert);
}

int64_t vch_as_data_key_left_s(struct vch_as_data *d)
{
    int64_t until_ms;

    pthread_rwlock_rdlock(&d->key_lock);
    until_ms = d->cert_until_ms;
    pthread_rwlock_unlock(&d->key_lock);
    return (until_ms - vch_as_data_now_ms(d)) / 1000;
}

vch_err vch_as_data_key_get(struct vch_as_data *d, struct vch_pubkey *ret_key,
                            struct vch_buf *ret_cert)
{
    vch_err e;

    pthread_rwlock_rdlock(&d->key_lock);
    e = d->signer == NULL ? VCH_E(AS_KEY_UNFIT) : vch_buf_append(ret_cert, vch_buf_get(&d->cert));
    if (vch_ok(e)) {
        *ret_key = d->signer->pub;
    }
    pthread_rwlock_unlock(&d->key_lock);
    return e;
}

static vch_err sign_locked(struct vch_as_data *d, const struct vch_stmt_endorsement *e,
                           const struct vch_as_openings *openings, int64_t now_ms,
                           struct vch_buf *statement)
{
    struct vch_span room;
    struct vch_bytes b;

    VCH_CHECK(d->signer != NULL && d->cert_from_ms <= now_ms && now_ms < d->cert_until_ms,
              AS_KEY_UNFIT);
    VCH_TRY(vch_buf_room(statement, VCH_LEDGER_STATEMENT_MAX, &room));
    room.cap = VCH_LEDGER_STATEMENT_MAX;
    VCH_TRY(vch_stmt_endorsement_encode(d->o.crypto, d->signer, e, vch_text(d->as_id),
                                        &d->cert_hash, openings->digests, openings->count,
                                        now_ms / 1000, room, &b));
    vch_buf_added(statement, b.n);
    return VCH_OK;
}

/* req: Y.2247-7.1-5, Y.2247-7.2.2-6 (the algorithm is within the signed header) */
vch_err vch_as_data_endorse(struct vch_as_data *d, const struct draft *dr,
                            struct vch_buf *statement, struct vch_as_openings *openings,
                            struct vch_hash *ret_txid)
{
    struct vch_stmt_endorsement e = {
        .action = dr->action,
        .seq = dr->seq,
        .registration = dr->registration,
        .assurance = dr->assurance,
        .evidence = vch_hash_bytes(&dr->evidence),
        .effective_at_ms = dr->effective_ms,
        .has_notified_at = dr->has_notified,
        .notified_at_ms = dr->notified_ms,
        .checked_at_ms = dr->account->last_checked_ms,
        .operator_id = vch_text(dr->operator_id),
    };
    struct vch_as_value values[VCH_AS_ACCOUNT_VALUES];
    size_t n = vch_as_account_values(dr->account, dr->standing, dr->reason, values);
    vch_err err;

    memcpy(e.subject, dr->subject, sizeof e.subject);
    if (dr->prev != NULL) {
        e.prev = vch_hash_bytes(dr->prev);
    }
    VCH_TRY(vch_as_openings_make(d->o.crypto, d->o.random, d->o.random_self, values, n, openings));
    pthread_rwlock_rdlock(&d->key_lock);
    err = sign_locked(d, &e, openings, vch_as_data_now_ms(d), statement);
    pthread_rwlock_unlock(&d->key_lock);
    VCH_TRY(err);
    vch_sha256_of(d->o.crypto, vch_buf_get(statement), ret_txid);
    return VCH_OK;
}
