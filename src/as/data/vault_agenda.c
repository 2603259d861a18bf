/* What came in and what is to be done: hints, event numbers, the agenda, certificates. */
#include "vault_int.h"

/* ---- hints */
static vch_err hint_decode(struct vch_bytes key, struct vch_bytes value, struct vch_as_hint *h)
{
    struct vch_cbor c = vch_cbor(value, VCH_CBOR_STRICT);
    struct vch_reader r = vch_reader(key);

    VCH_TRY(vch_reader_u64(&r, &h->number));
    VCH_TRY(vch_cbor_array_of(&c, 5));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(h->subject)));
    VCH_TRY(vch_cbor_uint(&c, &h->from_seq));
    VCH_TRY(vch_cbor_uint(&c, &h->seq));
    VCH_TRY(vch_cbor_int(&c, &h->effective_ms));
    VCH_TRY(vch_cbor_int(&c, &h->notified_ms));
    return vch_cbor_end(&c);
}

static vch_err take_hint(void *ret, size_t at, struct vch_bytes key, struct vch_bytes value)
{
    struct vch_as_hint *hints = ret;

    return vch_ok(hint_decode(key, value, &hints[at])) ? VCH_OK : VCH_E(AS_VAULT_DAMAGED);
}

vch_err vch_as_vault_hint_list(struct vch_as_vault *v, struct vch_as_hint *ret, size_t cap,
                               size_t *ret_n)
{
    return vch_as_vault_walk(v, v->hint, vch_bytes(NULL, 0), cap, take_hint, ret, ret_n);
}

static vch_err u64_decode(struct vch_bytes record, uint64_t *ret)
{
    struct vch_reader r = vch_reader(record);

    VCH_TRY(vch_reader_u64(&r, ret));
    return vch_reader_end(&r);
}

static vch_err seq_read(struct vch_as_vault *v, struct vch_kv_txn *t,
                        const uint8_t subject[VCH_AS_SUBJECT_LEN], uint64_t *ret)
{
    struct vch_bytes record;
    vch_err e = vch_kv_get(t, v->seq, subject_view(subject), &record);

    *ret = 0;
    if (vch_err_is(e, VCH_E(NOT_FOUND))) {
        return VCH_OK;
    }
    VCH_TRY(e);
    return vch_ok(u64_decode(record, ret)) ? VCH_OK : VCH_E(AS_VAULT_DAMAGED);
}

static vch_err seq_write(struct vch_as_vault *v, struct vch_kv_txn *t,
                         const uint8_t subject[VCH_AS_SUBJECT_LEN], uint64_t seq)
{
    uint8_t room[8];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));

    vch_writer_u64(&w, seq);
    return vch_kv_put(t, v->seq, subject_view(subject), VCH_BYTES_OF(room), 0);
}

static vch_err hint_add_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    const struct vch_as_hint *h = arg;
    uint8_t room[96], key[8];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room)), wk = vch_writer(VCH_SPAN_OF(key));
    struct vch_bytes b, k, value;
    struct vch_kv_cursor *c;
    uint64_t number = 0, taken;
    vch_err e;

    VCH_TRY(seq_read(v, t, h->subject, &taken));
    VCH_CHECK(h->seq > taken, EXISTS);
    VCH_TRY(vch_kv_cursor_open(t, v->hint, &c));
    e = vch_kv_cursor_last(c, &k, &value);
    if (vch_ok(e)) {
        struct vch_reader r = vch_reader(k);

        e = vch_reader_u64(&r, &number);
    }
    vch_kv_cursor_close(c);
    VCH_TRY(vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e);
    /* a number never serves twice while the process runs: what was listed stays what it was */
    v->hint_last = (number > v->hint_last ? number : v->hint_last) + 1;
    vch_writer_u64(&wk, v->hint_last);
    vch_cbor_put_array(&w, 5);
    vch_cbor_put_bstr(&w, VCH_BYTES_OF(h->subject));
    vch_cbor_put_uint(&w, taken);
    vch_cbor_put_uint(&w, h->seq);
    vch_cbor_put_int(&w, h->effective_ms);
    vch_cbor_put_int(&w, h->notified_ms);
    VCH_TRY(vch_writer_finish(&w, &b));
    VCH_TRY(vch_kv_put(t, v->hint, VCH_BYTES_OF(key), b, 0));
    return seq_write(v, t, h->subject, h->seq);
}

vch_err vch_as_vault_hint_add(struct vch_as_vault *v, const struct vch_as_hint *h)
{
    struct vch_as_hint copy = *h;
    struct vault_op op = {.apply = hint_add_apply, .arg = &copy};

    return vch_as_vault_run(v, &op);
}

static vch_err hint_done_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    const struct vch_as_hint *done = arg;
    uint64_t numbers[64];
    struct vch_bytes k, value;
    struct vch_kv_cursor *c;
    struct vch_as_hint h;
    size_t n = 0;
    vch_err e;

    VCH_TRY(vch_kv_cursor_open(t, v->hint, &c));
    e = vch_kv_cursor_seek(c, vch_bytes(NULL, 0), &k, &value);
    while (vch_ok(e) && n < VCH_ARRAY_LEN(numbers)) {
        e = take_hint(&h, 0, k, value);
        if (vch_ok(e) && h.number > done->number) {
            break;
        }
        if (vch_ok(e) && memcmp(h.subject, done->subject, sizeof h.subject) == 0) {
            numbers[n++] = h.number;
        }
        if (vch_ok(e)) {
            e = vch_kv_cursor_next(c, &k, &value);
        }
    }
    vch_kv_cursor_close(c);
    VCH_TRY(vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e);
    for (size_t i = 0; i < n; i++) {
        uint8_t key[8];
        struct vch_writer w = vch_writer(VCH_SPAN_OF(key));

        vch_writer_u64(&w, numbers[i]);
        VCH_TRY(vch_kv_del(t, v->hint, VCH_BYTES_OF(key)));
    }
    return VCH_OK;
}

vch_err vch_as_vault_hint_done(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                               uint64_t number)
{
    struct vch_as_hint done = {.number = number};
    struct vault_op op = {.apply = hint_done_apply, .arg = &done};

    memcpy(done.subject, subject, VCH_AS_SUBJECT_LEN);
    return vch_as_vault_run(v, &op);
}

vch_err vch_as_vault_seq_get(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                             uint64_t *ret)
{
    struct vch_kv_txn *t;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = seq_read(v, t, subject, ret);
    vch_kv_abort(t);
    return e;
}

static vch_err seq_raise_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    const struct vch_as_hint *h = arg;
    uint64_t taken;

    VCH_TRY(seq_read(v, t, h->subject, &taken));
    return h->seq > taken ? seq_write(v, t, h->subject, h->seq) : VCH_OK;
}

vch_err vch_as_vault_seq_raise(struct vch_as_vault *v, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                               uint64_t seq)
{
    struct vch_as_hint h = {.seq = seq};
    struct vault_op op = {.apply = seq_raise_apply, .arg = &h};

    memcpy(h.subject, subject, sizeof h.subject);
    return vch_as_vault_run(v, &op);
}

/* ---- the agenda */
#define DUE_LEN (8 + 1 + VCH_AS_SUBJECT_LEN)

static void due_key(const struct vch_as_due *due, uint8_t ret[DUE_LEN])
{
    struct vch_writer w = vch_writer(vch_span(ret, DUE_LEN));

    vch_writer_u64(&w, (uint64_t)due->at_ms);
    vch_writer_u8(&w, (uint8_t)due->kind);
    vch_writer_bytes(&w, subject_view(due->subject));
}

vch_err vch_as_vault_due_put(struct vch_as_vault *v, struct vch_kv_txn *t,
                             const struct vch_as_due *due)
{
    uint8_t of[VCH_AS_SUBJECT_LEN + 1], key[DUE_LEN];
    struct vch_as_due old = *due;
    struct vch_bytes record;
    uint64_t at;
    vch_err e;

    memcpy(of, due->subject, VCH_AS_SUBJECT_LEN);
    of[VCH_AS_SUBJECT_LEN] = (uint8_t)due->kind;
    e = vch_kv_get(t, v->due_of, VCH_BYTES_OF(of), &record);
    if (vch_ok(e)) {
        VCH_CHECK(vch_ok(u64_decode(record, &at)), AS_VAULT_DAMAGED);
        old.at_ms = (int64_t)at;
        due_key(&old, key);
        VCH_TRY(vch_as_vault_del(t, v->due, VCH_BYTES_OF(key)));
    } else if (!vch_err_is(e, VCH_E(NOT_FOUND))) {
        return e;
    }
    if (due->at_ms == 0) {
        return vch_as_vault_del(t, v->due_of, VCH_BYTES_OF(of));
    }
    due_key(due, key);
    VCH_TRY(vch_kv_put(t, v->due, VCH_BYTES_OF(key), vch_bytes(NULL, 0), 0));
    return vch_kv_put(t, v->due_of, VCH_BYTES_OF(of), vch_bytes(key, 8), 0);
}

static vch_err due_set_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    return vch_as_vault_due_put(v, t, arg);
}

vch_err vch_as_vault_due_set(struct vch_as_vault *v, const struct vch_as_due *due)
{
    struct vch_as_due copy = *due;
    struct vault_op op = {.apply = due_set_apply, .arg = &copy};

    return vch_as_vault_run(v, &op);
}

struct due_list {
    int64_t now_ms;
    struct vch_as_due *out;
};

static vch_err take_due(void *ret, size_t at, struct vch_bytes key, struct vch_bytes value)
{
    struct due_list *l = ret;
    struct vch_reader r = vch_reader(key);
    struct vch_bytes subject;
    uint64_t when;
    uint8_t kind;

    (void)value;
    VCH_CHECK(key.n == DUE_LEN, AS_VAULT_DAMAGED);
    VCH_TRY(vch_reader_u64(&r, &when));
    VCH_TRY(vch_reader_u8(&r, &kind));
    VCH_TRY(vch_reader_bytes(&r, VCH_AS_SUBJECT_LEN, &subject));
    if ((int64_t)when > l->now_ms) {
        return VCH_E(NOT_FOUND); /* the rest is later: ends the list */
    }
    l->out[at].at_ms = (int64_t)when;
    l->out[at].kind = (enum vch_as_due_kind)kind;
    memcpy(l->out[at].subject, subject.p, subject.n);
    return VCH_OK;
}

vch_err vch_as_vault_due_list(struct vch_as_vault *v, int64_t now_ms, struct vch_as_due *ret,
                              size_t cap, size_t *ret_n)
{
    struct due_list l = {now_ms, ret};

    return vch_as_vault_walk(v, v->due, vch_bytes(NULL, 0), cap, take_due, &l, ret_n);
}

/* ---- certificates */
static vch_err cert_put_apply(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg)
{
    const struct vch_bytes *der = arg;
    struct vch_hash h;

    vch_sha256_of(v->cr, *der, &h);
    return vch_kv_put(t, v->cert, vch_hash_bytes(&h), *der, 0);
}

vch_err vch_as_vault_cert_put(struct vch_as_vault *v, struct vch_bytes der)
{
    struct vault_op op = {.apply = cert_put_apply, .arg = &der};

    return vch_as_vault_run(v, &op);
}

vch_err vch_as_vault_cert_get(struct vch_as_vault *v, const struct vch_hash *hash,
                              struct vch_buf *ret)
{
    struct vch_bytes record;
    struct vch_kv_txn *t;
    vch_err e;

    VCH_TRY(vch_kv_read(v->kv, &t));
    e = vch_kv_get(t, v->cert, vch_hash_bytes(hash), &record);
    if (vch_ok(e)) {
        e = vch_buf_append(ret, record);
    }
    vch_kv_abort(t);
    return e;
}
