/* The changes of the vault. */
#include "vault_int.h"

struct id_view {
    enum vch_disc_key kind;
    const char *text;
};

static void ids_list(const struct vch_edi_ids *ids, struct id_view ret[4])
{
    ret[0] = (struct id_view){VCH_DISC_IMEI, ids->imei};
    ret[1] = (struct id_view){VCH_DISC_ICCID, ids->iccid};
    ret[2] = (struct id_view){VCH_DISC_MSISDN, ids->msisdn};
    ret[3] = (struct id_view){VCH_DISC_EID, ids->eid};
}

#define INDEX_LEN (VCH_HASH_LEN + VCH_AS_SUBJECT_LEN)

static void index_of(const struct vch_as_vault *v, const struct id_view *id, const uint8_t *subject,
                     uint8_t ret[INDEX_LEN])
{
    vch_as_vault_index_key(v, id->kind, vch_text(id->text), subject, ret);
}

static void opening_key(const uint8_t subject[VCH_AS_SUBJECT_LEN], const struct vch_hash *txid,
                        uint8_t ret[VCH_AS_SUBJECT_LEN + VCH_HASH_LEN])
{
    memcpy(ret, subject, VCH_AS_SUBJECT_LEN);
    memcpy(ret + VCH_AS_SUBJECT_LEN, txid->b, VCH_HASH_LEN);
}

/* Sealed forms of an entry, made before the transaction. */
struct sealed {
    struct vch_buf state, openings, pending;
};

static void sealed_fini(struct sealed *s)
{
    vch_buf_fini(&s->state);
    vch_buf_fini(&s->openings);
    vch_buf_fini(&s->pending);
}

static vch_err pending_encode(const struct vch_as_entry *en, struct vch_bytes state,
                              const struct vch_hash *content, struct vch_buf *out)
{
    struct vch_span room;
    struct vch_writer w;
    struct vch_bytes b;

    VCH_TRY(vch_buf_room(out, en->endorsement.n + state.n + 256, &room));
    w = vch_writer(room);
    vch_cbor_put_array(&w, 5);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&en->txid));
    vch_cbor_put_bstr(&w, en->endorsement);
    vch_cbor_put_bstr(&w, state);
    vch_cbor_put_bstr(&w, content == NULL ? vch_bytes(NULL, 0) : vch_hash_bytes(content));
    vch_cbor_put_array(&w, en->due_n);
    for (size_t i = 0; i < en->due_n; i++) {
        vch_cbor_put_array(&w, 2);
        vch_cbor_put_uint(&w, en->due[i].kind);
        vch_cbor_put_int(&w, en->due[i].at_ms);
    }
    VCH_TRY(vch_writer_finish(&w, &b));
    vch_buf_added(out, b.n);
    return VCH_OK;
}

static vch_err seal_entry(const uint8_t key[32], const uint8_t subject[VCH_AS_SUBJECT_LEN],
                          const struct vch_as_entry *en, const struct vch_hash *content,
                          struct sealed *ret)
{
    uint8_t id[VCH_AS_SUBJECT_LEN + VCH_HASH_LEN];
    struct vch_bytes list[VCH_DISCLOSURES_COUNT];
    struct vch_as_vault_seal s = {key, "opening", VCH_BYTES_OF(id)};

    ret->state = vch_buf_init(SEALED_MAX);
    ret->openings = vch_buf_init(OPENINGS_MAX + 64);
    ret->pending = vch_buf_init(SEALED_MAX + VCH_STATEMENT_MAX + 256);
    opening_key(subject, &en->txid, id);
    for (size_t i = 0; i < en->account->count; i++) {
        list[i] = vch_buf_get(&en->account->contents[i]);
    }
    VCH_TRY(vch_as_vault_state_seal(key, subject, en->after, &ret->state));
    VCH_TRY(vch_as_vault_list_seal(&s, list, en->account->count, &ret->openings));
    return pending_encode(en, vch_buf_get(&ret->state), content, &ret->pending);
}

/* ---- a new lineage */
struct add_arg {
    struct vch_as_row row;
    const struct vch_hash *content;
    const struct vch_as_entry *entry;
    struct sealed sealed;
    struct vch_buf ids, record;
    uint8_t holder[VCH_AS_SUBJECT_LEN];
};

/* Is there another lineage of the identity, in force or about to be? */
static vch_err identity_free(struct vch_as_vault *v, struct vch_kv_txn *t, const struct id_view *id,
                             uint8_t holder[VCH_AS_SUBJECT_LEN])
{
    uint8_t key[INDEX_LEN];
    struct vch_kv_cursor *c;
    struct vch_bytes k, value, sealed;
    struct vch_as_row row;
    vch_err e;

    index_of(v, id, NULL, key);
    VCH_TRY(vch_kv_cursor_open(t, v->index, &c));
    e = vch_kv_cursor_seek(c, vch_bytes(key, VCH_HASH_LEN), &k, &value);
    while (vch_ok(e) && k.n == INDEX_LEN && memcmp(k.p, key, VCH_HASH_LEN) == 0) {
        e = vch_as_vault_row_get(v, t, k.p + VCH_HASH_LEN, &row, &sealed);
        if (vch_ok(e) && (row.life == VCH_AS_LIVE || row.life == VCH_AS_PENDING)) {
            memcpy(holder, row.subject, VCH_AS_SUBJECT_LEN);
            e = VCH_E(AS_IDENTITY_HELD);
        }
        if (vch_ok(e)) {
            e = vch_kv_cursor_next(c, &k, &value);
        }
    }
    vch_kv_cursor_close(c);
    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

static vch_err absent(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key,
                      vch_err there)
{
    struct vch_bytes value;
    vch_err e = vch_kv_get(t, db, key, &value);

    return vch_ok(e) ? there : vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

static vch_err put_new(struct vch_as_vault *v, struct vch_kv_txn *t, struct add_arg *a)
{
    uint8_t key[VCH_AS_SUBJECT_LEN + VCH_HASH_LEN], place[64];
    struct vch_bytes subject = subject_view(a->row.subject), b;
    struct vch_writer w = vch_writer(VCH_SPAN_OF(place));

    vch_cbor_put_array(&w, 2);
    vch_cbor_put_bstr(&w, subject);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&a->entry->txid));
    VCH_TRY(vch_writer_finish(&w, &b));
    opening_key(a->row.subject, &a->entry->txid, key);
    VCH_TRY(vch_kv_put(t, v->content, vch_hash_bytes(a->content), b, VCH_KV_NEW));
    VCH_TRY(vch_kv_put(t, v->key, vch_hash_bytes(&a->row.key), subject, VCH_KV_NEW));
    VCH_TRY(vch_kv_put(t, v->subject, subject, vch_buf_get(&a->record), VCH_KV_NEW));
    VCH_TRY(vch_kv_put(t, v->ids, subject, vch_buf_get(&a->ids), 0));
    VCH_TRY(vch_kv_put(t, v->opening, VCH_BYTES_OF(key), vch_buf_get(&a->sealed.openings), 0));
    return vch_kv_put(t, v->pending, subject, vch_buf_get(&a->sealed.pending), 0);
}

static vch_err add_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    struct add_arg *a = arg;
    struct id_view ids[4];
    uint8_t key[INDEX_LEN];

    ids_list(&a->entry->after->ids, ids);
    VCH_TRY(absent(t, v->content, vch_hash_bytes(a->content), VCH_E(EXISTS)));
    VCH_TRY(absent(t, v->key, vch_hash_bytes(&a->row.key), VCH_E(AS_KEY_USED)));
    for (size_t i = 0; i < 4; i++) {
        if (ids[i].text[0] != '\0') {
            VCH_TRY(identity_free(v, t, &ids[i], a->holder));
        }
    }
    for (size_t i = 0; i < 4; i++) {
        if (ids[i].text[0] != '\0') {
            index_of(v, &ids[i], a->row.subject, key);
            VCH_TRY(vch_kv_put(t, v->index, VCH_BYTES_OF(key), vch_bytes(NULL, 0), 0));
        }
    }
    return put_new(v, t, a);
}

static vch_err add_prepare(const uint8_t key[32], struct add_arg *a, const struct vch_bytes *ids,
                           size_t id_count)
{
    struct vch_as_vault_seal s = {key, "ids", subject_view(a->row.subject)};

    VCH_TRY(seal_entry(key, a->row.subject, a->entry, a->content, &a->sealed));
    VCH_TRY(vch_as_vault_list_seal(&s, ids, id_count, &a->ids));
    return vch_as_vault_row_encode(&a->row, vch_buf_get(&a->sealed.state), &a->record);
}

vch_err vch_as_vault_add(struct vch_as_vault *v, const struct vch_as_row *row,
                         const struct vch_hash *content, const struct vch_bytes *ids,
                         size_t id_count, const struct vch_as_entry *entry,
                         uint8_t reterr_holder[VCH_AS_SUBJECT_LEN])
{
    struct add_arg a = {.row = *row,
                        .content = content,
                        .entry = entry,
                        .ids = vch_buf_init(OPENINGS_MAX + 64),
                        .record = vch_buf_init(SEALED_MAX + ROW_MAX)};
    struct vault_op op = {.apply = add_apply, .arg = &a, .sync_slots = true};
    uint8_t key[VCH_AS_KEY_LEN];
    vch_err e;

    VCH_TRY(vch_as_slots_new(v->slots, row->subject, &a.row.slot, key));
    a.row.life = VCH_AS_PENDING;
    a.row.seq = 0;
    memset(&a.row.latest, 0, sizeof a.row.latest);
    e = add_prepare(key, &a, ids, id_count);
    vch_wipe(key, sizeof key);
    if (vch_ok(e)) {
        e = vch_as_vault_run(v, &op);
    }
    if (!vch_ok(e)) {
        vch_as_slots_undo(v->slots, a.row.slot);
        memcpy(reterr_holder, a.holder, sizeof a.holder);
    }
    sealed_fini(&a.sealed);
    vch_buf_fini(&a.ids);
    vch_buf_fini(&a.record);
    return e;
}

/* ---- the next endorsement of a lineage */
struct stage_arg {
    const uint8_t *subject;
    const struct vch_hash *txid;
    struct sealed *sealed;
};

static vch_err stage_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    struct stage_arg *a = arg;
    uint8_t key[VCH_AS_SUBJECT_LEN + VCH_HASH_LEN];
    struct vch_as_row row;
    struct vch_bytes sealed;

    VCH_TRY(vch_as_vault_row_get(v, t, a->subject, &row, &sealed));
    VCH_CHECK(row.life != VCH_AS_ERASED, AS_ERASED);
    VCH_TRY(absent(t, v->pending, subject_view(a->subject), VCH_E(AS_PENDING)));
    opening_key(a->subject, a->txid, key);
    VCH_TRY(vch_kv_put(t, v->opening, VCH_BYTES_OF(key), vch_buf_get(&a->sealed->openings), 0));
    return vch_kv_put(t, v->pending, subject_view(a->subject), vch_buf_get(&a->sealed->pending), 0);
}

static vch_err subject_key(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                           uint8_t ret_key[VCH_AS_KEY_LEN])
{
    struct vch_as_row row;

    VCH_TRY(vch_as_vault_row(v, subject, &row));
    VCH_CHECK(row.life != VCH_AS_ERASED, AS_ERASED);
    return vch_as_slots_get(v->slots, row.slot, subject, ret_key);
}

vch_err vch_as_vault_stage(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                           const struct vch_as_entry *entry)
{
    struct sealed sealed = {{0}, {0}, {0}};
    struct stage_arg a = {subject, &entry->txid, &sealed};
    struct vault_op op = {.apply = stage_apply, .arg = &a};
    uint8_t key[VCH_AS_KEY_LEN];
    vch_err e;

    VCH_TRY(subject_key(v, subject, key));
    e = seal_entry(key, subject, entry, NULL, &sealed);
    vch_wipe(key, sizeof key);
    if (vch_ok(e)) {
        e = vch_as_vault_run(v, &op);
    }
    sealed_fini(&sealed);
    return e;
}

/* ---- settling */
struct pending {
    struct vch_hash txid;
    struct vch_bytes endorsement, state, content;
    struct vch_as_due due[VCH_AS_DUE_KINDS];
    size_t due_n;
};

static vch_err due_read(struct vch_cbor *c, struct pending *p)
{
    uint64_t kind;

    VCH_TRY(vch_cbor_array(c, &p->due_n));
    VCH_CHECK(p->due_n <= VCH_AS_DUE_KINDS, AS_VAULT_DAMAGED);
    for (size_t i = 0; i < p->due_n; i++) {
        VCH_TRY(vch_cbor_array_of(c, 2));
        VCH_TRY(vch_cbor_uint(c, &kind));
        VCH_TRY(vch_cbor_int(c, &p->due[i].at_ms));
        VCH_CHECK(kind >= VCH_AS_DUE_WATCH && kind <= VCH_AS_DUE_SETTLE, AS_VAULT_DAMAGED);
        p->due[i].kind = (enum vch_as_due_kind)kind;
    }
    return VCH_OK;
}

static vch_err pending_read(struct vch_bytes record, struct pending *p)
{
    struct vch_cbor c = vch_cbor(record, VCH_CBOR_STRICT);

    VCH_TRY(vch_cbor_array_of(&c, 5));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(p->txid.b)));
    VCH_TRY(vch_cbor_bstr(&c, &p->endorsement));
    VCH_TRY(vch_cbor_bstr(&c, &p->state));
    VCH_TRY(vch_cbor_bstr(&c, &p->content));
    VCH_TRY(due_read(&c, p));
    return vch_cbor_end(&c);
}

static vch_err pending_get(struct vch_as_vault *v, struct vch_kv_txn *t,
                           const uint8_t subject[VCH_AS_SUBJECT_LEN], struct pending *ret)
{
    struct vch_bytes record;

    VCH_TRY(vch_kv_get(t, v->pending, subject_view(subject), &record));
    return vch_ok(pending_read(record, ret)) ? VCH_OK : VCH_E(AS_VAULT_DAMAGED);
}

vch_err vch_as_vault_pending(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                             struct vch_buf *ret, struct vch_hash *ret_txid)
{
    struct vch_kv_txn *t;
    struct pending p;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = pending_get(v, t, subject, &p);
    if (vch_ok(e)) {
        e = vch_buf_append(ret, p.endorsement);
    }
    if (vch_ok(e)) {
        *ret_txid = p.txid;
    }
    vch_kv_abort(t);
    return e;
}

struct confirm_arg {
    const uint8_t *subject;
    uint64_t seq;
    enum vch_as_life life;
};

static vch_err row_put(struct vch_as_vault *v, struct vch_kv_txn *t, const struct vch_as_row *row,
                       struct vch_bytes sealed)
{
    struct vch_buf record = vch_buf_init(SEALED_MAX + ROW_MAX);
    vch_err e = vch_as_vault_row_encode(row, sealed, &record);

    if (vch_ok(e)) {
        e = vch_kv_put(t, v->subject, subject_view(row->subject), vch_buf_get(&record), 0);
    }
    vch_buf_fini(&record);
    return e;
}

static vch_err confirm_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    struct confirm_arg *a = arg;
    struct vch_as_row row;
    struct vch_bytes sealed;
    struct pending p;
    vch_err e = pending_get(v, t, a->subject, &p);

    if (vch_err_is(e, VCH_E(NOT_FOUND))) {
        return VCH_OK;
    }
    VCH_TRY(e);
    VCH_TRY(vch_as_vault_row_get(v, t, a->subject, &row, &sealed));
    if (row.life != VCH_AS_ERASED) {
        row.life = a->life;
        row.seq = a->seq;
        row.latest = p.txid;
        VCH_TRY(row_put(v, t, &row, p.state));
        for (size_t i = 0; i < p.due_n;
             i++) { /* of P only what was copied out is used from here on */
            memcpy(p.due[i].subject, a->subject, VCH_AS_SUBJECT_LEN);
            VCH_TRY(vch_as_vault_due_put(v, t, &p.due[i]));
        }
    }
    return vch_kv_del(t, v->pending, subject_view(a->subject));
}

vch_err vch_as_vault_confirm(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                             uint64_t seq, enum vch_as_life life)
{
    struct confirm_arg a = {subject, seq, life};
    struct vault_op op = {.apply = confirm_apply, .arg = &a};

    return vch_as_vault_run(v, &op);
}

/* ---- forgetting */
struct forget_arg {
    const uint8_t *subject;
    const struct vch_as_state *state; /* to find what it is indexed by */
    bool was_new;
    uint32_t slot;
};

vch_err vch_as_vault_del(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key)
{
    vch_err e = vch_kv_del(t, db, key);

    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

static vch_err del_index(struct vch_as_vault *v, struct vch_kv_txn *t,
                         const uint8_t subject[VCH_AS_SUBJECT_LEN],
                         const struct vch_as_state *state)
{
    struct id_view ids[4];
    uint8_t key[INDEX_LEN];
    struct vch_hash sub;

    ids_list(&state->ids, ids);
    for (size_t i = 0; i < 4; i++) {
        if (ids[i].text[0] != '\0') {
            index_of(v, &ids[i], subject, key);
            VCH_TRY(vch_as_vault_del(t, v->index, VCH_BYTES_OF(key)));
        }
    }
    vch_as_vault_sub_key(v, state->operator_id, state->sub_id, &sub);
    return vch_as_vault_del(t, v->sub, vch_hash_bytes(&sub));
}

/* Nothing remains to be done for SUBJECT. */
static vch_err del_due(struct vch_as_vault *v, struct vch_kv_txn *t,
                       const uint8_t subject[VCH_AS_SUBJECT_LEN])
{
    struct vch_as_due due = {.at_ms = 0};

    memcpy(due.subject, subject, sizeof due.subject);
    for (int kind = VCH_AS_DUE_WATCH; kind <= VCH_AS_DUE_SETTLE; kind++) {
        due.kind = (enum vch_as_due_kind)kind;
        VCH_TRY(vch_as_vault_due_put(v, t, &due));
    }
    return VCH_OK;
}

static vch_err drop_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    struct forget_arg *a = arg;
    uint8_t key[VCH_AS_SUBJECT_LEN + VCH_HASH_LEN];
    struct vch_as_row row;
    struct vch_bytes sealed;
    struct vch_hash content;
    struct pending p;

    VCH_TRY(pending_get(v, t, a->subject, &p));
    VCH_TRY(vch_as_vault_row_get(v, t, a->subject, &row, &sealed));
    opening_key(a->subject, &p.txid, key);
    a->was_new = row.life == VCH_AS_PENDING && p.content.n == VCH_HASH_LEN;
    a->slot = row.slot;
    if (a->was_new) {
        memcpy(content.b, p.content.p, VCH_HASH_LEN); /* the view ends with the first change */
        VCH_TRY(del_index(v, t, a->subject, a->state));
        VCH_TRY(vch_as_vault_del(t, v->content, vch_hash_bytes(&content)));
        VCH_TRY(vch_as_vault_del(t, v->key, vch_hash_bytes(&row.key)));
        VCH_TRY(vch_as_vault_del(t, v->ids, subject_view(a->subject)));
        VCH_TRY(vch_as_vault_del(t, v->subject, subject_view(a->subject)));
        VCH_TRY(del_due(v, t, a->subject));
    }
    VCH_TRY(vch_as_vault_del(t, v->opening, VCH_BYTES_OF(key)));
    return vch_as_vault_del(t, v->pending, subject_view(a->subject));
}

vch_err vch_as_vault_drop(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN])
{
    struct vch_as_row row;
    struct vch_as_state state;
    struct forget_arg a = {.subject = subject, .state = &state};
    struct vault_op op = {.apply = drop_apply, .arg = &a};
    vch_err e;

    VCH_TRY(vch_as_vault_state(v, subject, &row, &state));
    e = vch_as_vault_run(v, &op);
    vch_wipe(&state, sizeof state);
    if (vch_ok(e) && a.was_new) {
        vch_as_slots_undo(v->slots, a.slot);
    }
    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

/* ---- the state alone */
struct touch_arg {
    const uint8_t *subject;
    struct vch_buf sealed;
    struct vch_hash sub_old, sub_new;
    bool has_old, has_new;
};

static vch_err touch_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    struct touch_arg *a = arg;
    struct vch_as_row row;
    struct vch_bytes sealed;

    VCH_TRY(vch_as_vault_row_get(v, t, a->subject, &row, &sealed));
    VCH_CHECK(row.life != VCH_AS_ERASED, AS_ERASED);
    VCH_TRY(absent(t, v->pending, subject_view(a->subject), VCH_E(AS_PENDING)));
    VCH_TRY(row_put(v, t, &row, vch_buf_get(&a->sealed)));
    if (a->has_old) {
        VCH_TRY(vch_as_vault_del(t, v->sub, vch_hash_bytes(&a->sub_old)));
    }
    return a->has_new
               ? vch_kv_put(t, v->sub, vch_hash_bytes(&a->sub_new), subject_view(a->subject), 0)
               : VCH_OK;
}

vch_err vch_as_vault_touch(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                           const struct vch_as_state *state)
{
    struct touch_arg a = {.subject = subject, .sealed = vch_buf_init(SEALED_MAX)};
    struct vault_op op = {.apply = touch_apply, .arg = &a};
    uint8_t key[VCH_AS_KEY_LEN];
    struct vch_as_state was;
    struct vch_as_row row;
    vch_err e;

    VCH_TRY(vch_as_vault_state(v, subject, &row, &was));
    VCH_TRY(vch_as_slots_get(v->slots, row.slot, subject, key));
    a.has_old = was.sub_id[0] != '\0';
    a.has_new = state->sub_id[0] != '\0';
    vch_as_vault_sub_key(v, was.operator_id, was.sub_id, &a.sub_old);
    vch_as_vault_sub_key(v, state->operator_id, state->sub_id, &a.sub_new);
    e = vch_as_vault_state_seal(key, subject, state, &a.sealed);
    if (vch_ok(e)) {
        e = vch_as_vault_run(v, &op);
    }
    vch_wipe(key, sizeof key);
    vch_wipe(&was, sizeof was);
    vch_buf_fini(&a.sealed);
    return e;
}

/* ---- erasure */
static vch_err del_openings(struct vch_as_vault *v, struct vch_kv_txn *t,
                            const uint8_t subject[VCH_AS_SUBJECT_LEN])
{
    struct vch_bytes k, value;
    struct vch_kv_cursor *c;
    uint8_t key[VCH_AS_SUBJECT_LEN + VCH_HASH_LEN];
    vch_err e;

    for (;;) {
        bool ours;

        VCH_TRY(vch_kv_cursor_open(t, v->opening, &c));
        e = vch_kv_cursor_seek(c, subject_view(subject), &k, &value);
        ours = vch_ok(e) && k.n == sizeof key && memcmp(k.p, subject, VCH_AS_SUBJECT_LEN) == 0;
        if (ours) {
            memcpy(key, k.p, sizeof key);
        }
        vch_kv_cursor_close(c);
        if (!ours) {
            return vch_ok(e) || vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
        }
        VCH_TRY(vch_kv_del(t, v->opening, VCH_BYTES_OF(key)));
    }
}

static vch_err erase_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    struct forget_arg *a = arg;
    struct vch_as_row row;
    struct vch_bytes sealed;

    VCH_TRY(vch_as_vault_row_get(v, t, a->subject, &row, &sealed));
    row.life = VCH_AS_ERASED;
    a->slot = row.slot;
    if (a->state != NULL) {
        VCH_TRY(del_index(v, t, a->subject, a->state));
    }
    VCH_TRY(row_put(v, t, &row, vch_bytes(NULL, 0)));
    VCH_TRY(del_due(v, t, a->subject));
    VCH_TRY(vch_as_vault_del(t, v->seq, subject_view(a->subject)));
    VCH_TRY(vch_as_vault_del(t, v->ids, subject_view(a->subject)));
    VCH_TRY(vch_as_vault_del(t, v->pending, subject_view(a->subject)));
    return del_openings(v, t, a->subject);
}

vch_err vch_as_vault_erase(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN])
{
    struct vch_as_row row;
    struct vch_as_state state;
    struct forget_arg a = {.subject = subject, .state = &state};
    struct vault_op op = {.apply = erase_apply, .arg = &a};
    vch_err e = vch_as_vault_state(v, subject, &row, &state);

    if (vch_err_is(e, VCH_E(AS_ERASED))) {
        a.state = NULL;
    } else {
        VCH_TRY(e);
    }
    /* the database first: after a crash in between the row says what remains to be done */
    e = vch_as_vault_run(v, &op);
    vch_wipe(&state, sizeof state);
    return vch_ok(e) ? vch_as_slots_erase(v->slots, a.slot) : e;
}
