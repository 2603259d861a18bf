/* Looking things up in the vault. */
#include "vault_int.h"

vch_err vch_as_vault_row(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                         struct vch_as_row *ret)
{
    struct vch_bytes sealed;
    struct vch_kv_txn *t;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = vch_as_vault_row_get(v, t, subject, ret, &sealed);
    vch_kv_abort(t);
    return e;
}

vch_err vch_as_vault_state(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                           struct vch_as_row *ret_row, struct vch_as_state *ret_state)
{
    struct vch_bytes sealed;
    struct vch_kv_txn *t;
    struct vch_as_row row;
    uint8_t key[VCH_AS_KEY_LEN];
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = vch_as_vault_row_get(v, t, subject, &row, &sealed);
    if (vch_ok(e)) {
        e = row.life == VCH_AS_ERASED ? VCH_E(AS_ERASED)
                                      : vch_as_slots_get(v->slots, row.slot, subject, key);
    }
    if (vch_ok(e)) {
        e = vch_as_vault_state_unseal(key, subject, sealed, ret_state);
        vch_wipe(key, sizeof key);
    }
    vch_kv_abort(t);
    if (vch_ok(e)) {
        *ret_row = row;
    }
    return e;
}

static vch_err place_read(struct vch_bytes record, uint8_t subject[VCH_AS_SUBJECT_LEN],
                          struct vch_hash *txid)
{
    struct vch_cbor c = vch_cbor(record, VCH_CBOR_STRICT);

    VCH_TRY(vch_cbor_array_of(&c, 2));
    VCH_TRY(vch_cbor_bstr_fixed(&c, vch_span(subject, VCH_AS_SUBJECT_LEN)));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(txid->b)));
    return vch_cbor_end(&c);
}

vch_err vch_as_vault_by_content(struct vch_as_vault *v, const struct vch_hash *content,
                                uint8_t ret_subject[VCH_AS_SUBJECT_LEN], struct vch_hash *ret_txid)
{
    struct vch_bytes record;
    struct vch_kv_txn *t;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = vch_kv_get(t, v->content, vch_hash_bytes(content), &record);
    if (vch_ok(e) && !vch_ok(place_read(record, ret_subject, ret_txid))) {
        e = VCH_E(AS_VAULT_DAMAGED);
    }
    vch_kv_abort(t);
    return e;
}

static vch_err subject_at(struct vch_as_vault *v, struct vch_kv_db db, const struct vch_hash *key,
                          uint8_t ret_subject[VCH_AS_SUBJECT_LEN])
{
    struct vch_bytes record;
    struct vch_kv_txn *t;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = vch_kv_get(t, db, vch_hash_bytes(key), &record);
    if (vch_ok(e) && record.n != VCH_AS_SUBJECT_LEN) {
        e = VCH_E(AS_VAULT_DAMAGED);
    }
    if (vch_ok(e)) {
        memcpy(ret_subject, record.p, VCH_AS_SUBJECT_LEN);
    }
    vch_kv_abort(t);
    return e;
}

vch_err vch_as_vault_by_key(struct vch_as_vault *v, const struct vch_hash *thumbprint,
                            uint8_t ret_subject[VCH_AS_SUBJECT_LEN])
{
    return subject_at(v, v->key, thumbprint, ret_subject);
}

vch_err vch_as_vault_by_sub(struct vch_as_vault *v, const char *operator_id, const char *sub_id,
                            uint8_t ret_subject[VCH_AS_SUBJECT_LEN])
{
    struct vch_hash key;

    vch_as_vault_sub_key(v, operator_id, sub_id, &key);
    return subject_at(v, v->sub, &key, ret_subject);
}

vch_err vch_as_vault_by_identity(struct vch_as_vault *v, enum vch_disc_key kind,
                                 struct vch_bytes identity, uint8_t (*ret)[VCH_AS_SUBJECT_LEN],
                                 size_t cap, size_t *ret_n)
{
    uint8_t key[VCH_HASH_LEN + VCH_AS_SUBJECT_LEN];
    struct vch_bytes k, value;
    struct vch_kv_cursor *c;
    struct vch_kv_txn *t;
    size_t n = 0;
    vch_err e;

    vch_as_vault_index_key(v, kind, identity, NULL, key);
    VCH_TRY(vch_kv_read(v->kv, &t));
    e = vch_kv_cursor_open(t, v->index, &c);
    if (!vch_ok(e)) {
        vch_kv_abort(t);
        return e;
    }
    e = vch_kv_cursor_seek(c, vch_bytes(key, VCH_HASH_LEN), &k, &value);
    while (vch_ok(e) && n < cap && k.n == sizeof key && memcmp(k.p, key, VCH_HASH_LEN) == 0) {
        memcpy(ret[n++], k.p + VCH_HASH_LEN, VCH_AS_SUBJECT_LEN);
        e = vch_kv_cursor_next(c, &k, &value);
    }
    vch_kv_cursor_close(c);
    vch_kv_abort(t);
    VCH_TRY(vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e);
    *ret_n = n;
    return VCH_OK;
}

/* Opens a sealed list and hands its elements over. */
static vch_err list_walk(const struct vch_as_vault_seal *s, struct vch_bytes sealed,
                         vch_as_opening_fn fn, void *arg)
{
    struct vch_buf plain = vch_buf_init(OPENINGS_MAX + 64);
    vch_err e = vch_as_vault_unseal(s, sealed, &plain);
    struct vch_cbor c = vch_cbor(vch_buf_get(&plain), VCH_CBOR_STRICT);
    struct vch_bytes item;
    size_t n = 0;

    if (vch_ok(e)) {
        e = vch_cbor_array(&c, &n);
    }
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        e = vch_cbor_bstr(&c, &item);
        if (vch_ok(e)) {
            e = fn(arg, item);
        }
    }
    if (plain.p != NULL) {
        vch_wipe(plain.p, plain.n);
    }
    vch_buf_fini(&plain);
    return e;
}

static vch_err openings_in(struct vch_as_vault *v, struct vch_kv_txn *t,
                           const uint8_t subject[VCH_AS_SUBJECT_LEN], const struct vch_hash *txid,
                           vch_as_opening_fn fn, void *arg)
{
    uint8_t id[VCH_AS_SUBJECT_LEN + VCH_HASH_LEN], key[VCH_AS_KEY_LEN];
    struct vch_as_vault_seal account = {key, "opening", VCH_BYTES_OF(id)};
    struct vch_as_vault_seal ids = {key, "ids", subject_view(subject)};
    struct vch_bytes sealed, sealed_ids;
    struct vch_as_row row;
    vch_err e;

    memcpy(id, subject, VCH_AS_SUBJECT_LEN);
    memcpy(id + VCH_AS_SUBJECT_LEN, txid->b, VCH_HASH_LEN);
    VCH_TRY(vch_as_vault_row_get(v, t, subject, &row, &sealed));
    VCH_CHECK(row.life != VCH_AS_ERASED, AS_ERASED);
    VCH_TRY(vch_kv_get(t, v->opening, VCH_BYTES_OF(id), &sealed));
    VCH_TRY(vch_kv_get(t, v->ids, subject_view(subject), &sealed_ids));
    VCH_TRY(vch_as_slots_get(v->slots, row.slot, subject, key));
    e = list_walk(&account, sealed, fn, arg);
    if (vch_ok(e)) {
        e = list_walk(&ids, sealed_ids, fn, arg);
    }
    vch_wipe(key, sizeof key);
    return e;
}

vch_err vch_as_vault_openings(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                              const struct vch_hash *txid, vch_as_opening_fn fn, void *arg)
{
    struct vch_kv_txn *t;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = openings_in(v, t, subject, txid, fn, arg);
    vch_kv_abort(t);
    return e;
}

/* ---- lists */
vch_err vch_as_vault_walk(struct vch_as_vault *v, struct vch_kv_db db, struct vch_bytes after,
                          size_t cap, vault_list_fn fn, void *ret, size_t *ret_n)
{
    struct vch_bytes k, value;
    struct vch_kv_cursor *c;
    struct vch_kv_txn *t;
    size_t n = 0;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = vch_kv_cursor_open(t, db, &c);
    if (!vch_ok(e)) {
        vch_kv_abort(t);
        return e;
    }
    e = vch_kv_cursor_seek(c, after, &k, &value);
    if (vch_ok(e) && after.n != 0 && vch_bytes_equal(k, after)) {
        e = vch_kv_cursor_next(c, &k, &value);
    }
    while (vch_ok(e) && n < cap) {
        e = fn(ret, n, k, value);
        if (vch_ok(e)) {
            n++;
            e = vch_kv_cursor_next(c, &k, &value);
        }
    }
    vch_kv_cursor_close(c);
    vch_kv_abort(t);
    VCH_TRY(vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e);
    *ret_n = n;
    return VCH_OK;
}

static vch_err take_row(void *ret, size_t at, struct vch_bytes key, struct vch_bytes value)
{
    struct vch_as_row *rows = ret;
    struct vch_bytes sealed;

    VCH_CHECK(key.n == VCH_AS_SUBJECT_LEN, AS_VAULT_DAMAGED);
    return vch_as_vault_row_decode(key.p, value, &rows[at], &sealed);
}

vch_err vch_as_vault_list(struct vch_as_vault *v, const uint8_t *after, struct vch_as_row *ret,
                          size_t cap, size_t *ret_n)
{
    return vch_as_vault_walk(v, v->subject,
                             vch_bytes(after, after == NULL ? 0 : VCH_AS_SUBJECT_LEN), cap,
                             take_row, ret, ret_n);
}

static vch_err take_subject(void *ret, size_t at, struct vch_bytes key, struct vch_bytes value)
{
    uint8_t(*subjects)[VCH_AS_SUBJECT_LEN] = ret;

    (void)value;
    VCH_CHECK(key.n == VCH_AS_SUBJECT_LEN, AS_VAULT_DAMAGED);
    memcpy(subjects[at], key.p, key.n);
    return VCH_OK;
}

vch_err vch_as_vault_list_pending(struct vch_as_vault *v, const uint8_t *after,
                                  uint8_t (*ret)[VCH_AS_SUBJECT_LEN], size_t cap, size_t *ret_n)
{
    return vch_as_vault_walk(v, v->pending,
                             vch_bytes(after, after == NULL ? 0 : VCH_AS_SUBJECT_LEN), cap,
                             take_subject, ret, ret_n);
}
