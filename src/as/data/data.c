/* Opening, locks, reading. */
#include "data_int.h"

#include <time.h>

static int64_t system_now_ms(void *user)
{
    struct timespec ts;

    (void)user;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

vch_err vch_as_data_open(const struct vch_as_data_options *o, struct vch_as_data **ret)
{
    struct vch_as_data *d;

    VCH_CHECK(strlen(o->as_id) != 0 && strlen(o->as_id) <= VCH_NAME_MAX, AS_OPTIONS);
    d = vch_mem_alloc(sizeof *d);
    d->o = *o;
    (void)memcpy(d->as_id, o->as_id, strlen(o->as_id) + 1);
    d->o.as_id = d->as_id;
    if (o->now_ms == NULL) {
        d->o.now_ms = system_now_ms;
    }
    d->chain = (struct vch_as_chain){o->ledger, o->crypto, o->ledger_wait_ms};
    for (size_t i = 0; i < LOCK_COUNT; i++) {
        pthread_mutex_init(&d->locks[i], NULL);
    }
    pthread_rwlock_init(&d->key_lock, NULL);
    *ret = d;
    return VCH_OK;
}

void vch_as_data_close(struct vch_as_data *d)
{
    if (d == NULL) {
        return;
    }
    if (d->key_close != NULL) {
        d->key_close(d->key_close_arg);
    }
    vch_buf_fini(&d->cert);
    pthread_rwlock_destroy(&d->key_lock);
    for (size_t i = 0; i < LOCK_COUNT; i++) {
        pthread_mutex_destroy(&d->locks[i]);
    }
    vch_mem_free(d);
}

int64_t vch_as_data_now_ms(const struct vch_as_data *d)
{
    return d->o.now_ms(d->o.now_user);
}

const char *vch_as_data_id(const struct vch_as_data *d)
{
    return d->as_id;
}

const char *vch_as_data_ledger_id(const struct vch_as_data *d)
{
    return d->o.ledger->id;
}

void vch_as_data_lock(struct vch_as_data *d, const uint8_t subject[16])
{
    pthread_mutex_lock(&d->locks[subject[0] % LOCK_COUNT]);
}

void vch_as_data_unlock(struct vch_as_data *d, const uint8_t subject[16])
{
    pthread_mutex_unlock(&d->locks[subject[0] % LOCK_COUNT]);
}

vch_err vch_as_data_due(struct vch_as_data *d, const uint8_t subject[16], enum vch_as_due_kind kind,
                        int64_t delay_ms)
{
    struct vch_as_due due = {.at_ms = vch_as_data_now_ms(d) + delay_ms, .kind = kind};

    memcpy(due.subject, subject, sizeof due.subject);
    VCH_TRY(vch_as_vault_due_set(d->o.vault, &due));
    if (d->o.on_due != NULL) {
        d->o.on_due(d->o.on_user);
    }
    return VCH_OK;
}

size_t vch_as_data_agenda(const struct vch_as_data *d, enum vch_action action,
                          const struct vch_edi_status *account,
                          struct vch_as_due ret[VCH_AS_DUE_KINDS])
{
    int64_t now_ms = vch_as_data_now_ms(d), turn_ms = vch_as_account_turn(account, now_ms);
    int64_t check_ms = d->o.check_every_s == 0 ? 0 : now_ms + (int64_t)d->o.check_every_s * 1000;
    size_t n = 0;

    if (turn_ms != 0 && (check_ms == 0 || turn_ms < check_ms)) {
        check_ms = turn_ms + 1;
    }
    if (action == VCH_ACTION_RETIRE) {
        check_ms = 0;
    }
    ret[n++] = (struct vch_as_due){.at_ms = check_ms, .kind = VCH_AS_DUE_CHECK};
    if (action != VCH_ACTION_UPDATE) {
        ret[n++] = (struct vch_as_due){.at_ms = now_ms, .kind = VCH_AS_DUE_WATCH};
    }
    return n;
}

vch_err vch_as_data_key_free(struct vch_as_data *d, const struct vch_hash *thumbprint)
{
    uint8_t subject[16];
    vch_err e = vch_as_vault_by_key(d->o.vault, thumbprint, subject);

    VCH_CHECK(!vch_ok(e), AS_KEY_USED);
    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

/* req: Y.2247-7.2.3-11 (what is answered is read from the ledger, whatever the vault says) */
vch_err vch_as_data_record(struct vch_as_data *d, const struct vch_hash *txid,
                           struct vch_as_record *ret, struct vch_stmt_endorsement *ret_e)
{
    vch_err e = vch_as_chain_endorsement(&d->chain, txid, ret, ret_e);

    return vch_err_is(e, VCH_E(LEDGER_NO_ENTRY)) ? VCH_E(AS_RECORD) : e;
}

vch_err vch_as_data_lineage(struct vch_as_data *d, const uint8_t subject[16], int64_t after_seq,
                            struct vch_hash *ret, size_t cap, size_t *ret_n)
{
    struct vch_hash swap;
    size_t n;
    vch_err e = vch_as_chain_lineage(&d->chain, subject, after_seq, ret, cap, &n);

    VCH_TRY(vch_err_is(e, VCH_E(LEDGER_NO_ENTRY)) ? VCH_E(AS_RECORD) : e);
    for (size_t i = 0; i < n / 2; i++) {
        swap = ret[i];
        ret[i] = ret[n - 1 - i];
        ret[n - 1 - i] = swap;
    }
    *ret_n = n;
    return VCH_OK;
}

vch_err vch_as_data_proof(struct vch_as_data *d, const uint8_t subject[16], struct vch_buf *ret)
{
    return vch_as_chain_proof(&d->chain, subject, ret);
}

vch_err vch_as_data_trust(struct vch_as_data *d, const char *url, struct vch_buf *out)
{
    struct vch_as_trust t = {
        .ledger = d->o.ledger, .crypto = d->o.crypto, .as_id = d->as_id, .as_url = url};

    return vch_as_trust_json(&t, out);
}

vch_err vch_as_data_cert(struct vch_as_data *d, const struct vch_hash *hash, struct vch_buf *ret)
{
    return vch_as_vault_cert_get(d->o.vault, hash, ret);
}

vch_err vch_as_data_anchor(struct vch_as_data *d, const struct vch_stmt_anchor *a,
                           struct vch_as_record *ret)
{
    return vch_as_chain_write(&d->chain, a->st.whole, ret);
}

vch_err vch_as_data_device_key(struct vch_as_data *d, struct vch_bytes thumbprint,
                               uint8_t ret_subject[16], struct vch_pubkey *ret_key)
{
    static const struct vch_hash none;
    struct vch_stmt_endorsement e;
    struct vch_as_record r;
    struct vch_as_row row;
    uint8_t subject[16];
    struct vch_hash h;
    vch_err err;

    VCH_CHECK(thumbprint.n == sizeof h.b, NOT_FOUND);
    memcpy(h.b, thumbprint.p, sizeof h.b);
    VCH_TRY(vch_as_vault_by_key(d->o.vault, &h, subject));
    VCH_TRY(vch_as_vault_row(d->o.vault, subject, &row));
    VCH_CHECK(!vch_hash_equal(&row.latest, &none), AS_PENDING);
    vch_as_record_init(&r);
    err = vch_as_chain_endorsement(&d->chain, &row.latest, &r, &e);
    if (vch_ok(err)) {
        memcpy(ret_subject, subject, sizeof subject);
        *ret_key = e.reg.key;
    }
    vch_as_record_fini(&r);
    return vch_err_is(err, VCH_E(LEDGER_NO_ENTRY)) ? VCH_E(AS_LEDGER_MISMATCH) : err;
}

struct openings_arg {
    struct vch_as_data *d;
    const struct vch_stmt_endorsement *e;
    uint64_t fields;
    vch_err (*fn)(void *arg, const struct vch_disclosure *disc);
    void *arg;
};

/* An opening that the record does not commit to is never handed out. */
static vch_err opening_pass(void *arg, struct vch_bytes contents)
{
    struct openings_arg *a = arg;
    struct vch_disclosure disc;
    vch_err e = vch_stmt_disclosure_open(a->d->o.crypto, &a->e->account, contents, &disc);

    if (!vch_ok(e)) {
        e = vch_stmt_disclosure_open(a->d->o.crypto, &a->e->reg.identifiers, contents, &disc);
    }
    VCH_CHECK(vch_ok(e), AS_VAULT_DAMAGED);
    if (disc.key > 63 || (a->fields & (UINT64_C(1) << disc.key)) == 0) {
        return VCH_OK;
    }
    return a->fn(a->arg, &disc);
}

vch_err vch_as_data_openings(struct vch_as_data *d, const struct vch_stmt_endorsement *e,
                             const struct vch_hash *txid, uint64_t fields,
                             vch_err (*fn)(void *arg, const struct vch_disclosure *disc), void *arg)
{
    struct openings_arg a = {d, e, fields, fn, arg};

    return vch_as_vault_openings(d->o.vault, e->subject, txid, opening_pass, &a);
}

vch_err vch_as_data_sub_set(struct vch_as_data *d, const uint8_t subject[16], const char *sub_id,
                            int64_t expires_ms)
{
    struct vch_as_state st;
    struct vch_as_row row;
    vch_err e;

    VCH_CHECK(strlen(sub_id) < sizeof st.sub_id, LIMIT);
    vch_as_data_lock(d, subject);
    e = vch_as_vault_state(d->o.vault, subject, &row, &st);
    if (vch_ok(e)) {
        (void)memcpy(st.sub_id, sub_id, strlen(sub_id) + 1);
        st.sub_expires_ms = expires_ms;
        e = vch_as_vault_touch(d->o.vault, subject, &st);
    }
    vch_as_data_unlock(d, subject);
    vch_wipe(&st, sizeof st);
    return e;
}
