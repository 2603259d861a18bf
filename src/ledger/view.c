#include "view.h"

#include <vouch/cbor/cbor.h>

#define TAG_MAX 192
static const uint8_t tag_key[] = {0xff};

struct vch_bytes vch_ledger_view_key(uint8_t kind, struct vch_bytes id,
                                     uint8_t room[VCH_LEDGER_KEY_MAX])
{
    VCH_ASSERT(id.n < VCH_LEDGER_KEY_MAX);
    room[0] = kind;
    memcpy(room + 1, id.p, id.n);
    return vch_bytes(room, id.n + 1);
}

static vch_err tag_encode(const struct vch_ledger_tag *t, struct vch_span room,
                          struct vch_bytes *ret)
{
    struct vch_writer w = vch_writer(room);

    vch_cbor_put_array(&w, 8);
    vch_cbor_put_uint(&w, t->head.batch);
    vch_cbor_put_int(&w, t->head.time.ms);
    vch_cbor_put_uint(&w, t->head.size);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&t->head.root));
    vch_cbor_put_uint(&w, t->head.count);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&t->head.map_root));
    vch_cbor_put_uint(&w, t->commit_pos);
    vch_cbor_put_uint(&w, t->end_pos);
    return vch_writer_finish(&w, ret);
}

static vch_err tag_decode(struct vch_bytes in, struct vch_ledger_tag *t)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);

    t->present = true;
    VCH_TRY(vch_cbor_array_of(&c, 8));
    VCH_TRY(vch_cbor_uint(&c, &t->head.batch));
    VCH_TRY(vch_cbor_int(&c, &t->head.time.ms));
    VCH_TRY(vch_cbor_uint(&c, &t->head.size));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(t->head.root.b)));
    VCH_TRY(vch_cbor_uint(&c, &t->head.count));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(t->head.map_root.b)));
    VCH_TRY(vch_cbor_uint(&c, &t->commit_pos));
    VCH_TRY(vch_cbor_uint(&c, &t->end_pos));
    return vch_cbor_end(&c);
}

static vch_err db_open(struct vch_ledger_view *v, bool read_only, struct vch_ledger_tag *ret_tag)
{
    VCH_AUTO(vch_kv_autoabort) struct vch_kv_txn *t = NULL;
    struct vch_ledger_tag tag = {.present = false};
    struct vch_bytes value;
    vch_err e;

    VCH_TRY(read_only ? vch_kv_read(v->kv, &t) : vch_kv_write(v->kv, &t));
    VCH_TRY(vch_kv_db_open(t, "view", &v->db));
    e = vch_kv_get(t, v->db, VCH_BYTES_OF(tag_key), &value);
    if (vch_ok(e)) {
        VCH_CHECK(vch_ok(tag_decode(value, &tag)), LEDGER_DAMAGED);
    } else if (!vch_err_is(e, VCH_E(NOT_FOUND))) {
        return e;
    }
    *ret_tag = tag;
    if (read_only) {
        v->pinned = t;
        v->pin_lock = vch_mem_alloc(sizeof(*v->pin_lock));
        (void)pthread_mutex_init(v->pin_lock, NULL);
        t = NULL;
        return VCH_OK;
    }
    {
        struct vch_kv_txn *done = t;

        t = NULL;
        return vch_kv_commit(done);
    }
}

vch_err vch_ledger_view_open(const char *path, size_t map_bytes, bool read_only,
                             struct vch_ledger_view *ret, struct vch_ledger_tag *ret_tag)
{
    struct vch_kv_options o = {
        .map_bytes = map_bytes, .readers_max = 512, .flags = read_only ? VCH_KV_RDONLY : 0};
    struct vch_ledger_view v = {.kv = NULL};
    vch_err e;

    VCH_TRY(vch_kv_open(path, &o, &v.kv));
    e = db_open(&v, read_only, ret_tag);
    if (!vch_ok(e)) {
        vch_kv_close(v.kv);
        return e;
    }
    *ret = v;
    return VCH_OK;
}

void vch_ledger_view_close(struct vch_ledger_view *v)
{
    vch_ledger_table_fini(&v->batch);
    vch_ledger_table_fini(&v->active);
    vch_ledger_table_fini(&v->flushing);
    if (v->pinned != NULL) {
        vch_kv_abort(v->pinned);
        (void)pthread_mutex_destroy(v->pin_lock);
        vch_mem_free(v->pin_lock);
        v->pinned = NULL;
    }
    vch_kv_close(v->kv);
    v->kv = NULL;
}

static vch_err db_get(struct vch_ledger_view *v, struct vch_bytes key, struct vch_buf *out)
{
    VCH_AUTO(vch_kv_autoabort) struct vch_kv_txn *t = NULL;
    struct vch_bytes value;
    vch_err e;

    VCH_CHECK(v->kv != NULL, NOT_FOUND);
    if (v->pinned != NULL) {
        (void)pthread_mutex_lock(v->pin_lock);
        e = vch_kv_get(v->pinned, v->db, key, &value);
        (void)pthread_mutex_unlock(v->pin_lock);
        VCH_TRY(e);
    } else {
        VCH_TRY(vch_kv_read(v->kv, &t));
        VCH_TRY(vch_kv_get(t, v->db, key, &value));
    }
    return vch_buf_append(out, value);
}

vch_err vch_ledger_view_get(struct vch_ledger_view *v, struct vch_bytes key, struct vch_buf *out)
{
    struct vch_bytes value;

    vch_buf_reset(out);
    if (vch_ledger_table_get(&v->active, key, &value) ||
        vch_ledger_table_get(&v->flushing, key, &value)) {
        VCH_CHECK(value.n > 0, NOT_FOUND);
        return vch_buf_append(out, value);
    }
    return db_get(v, key, out);
}

/* Every record but the tag, while KIND (its first byte) is at most MAX. */
static vch_err each(struct vch_ledger_view *v, uint8_t max, bool with_kind, vch_ledger_bucket_fn fn,
                    void *arg)
{
    VCH_AUTO(vch_kv_autoabort) struct vch_kv_txn *t = NULL;
    struct vch_kv_cursor *c = NULL;
    struct vch_bytes key, value;
    vch_err e;

    if (v->kv == NULL) {
        return VCH_OK;
    }
    if (v->pinned == NULL) {
        VCH_TRY(vch_kv_read(v->kv, &t));
    }
    VCH_TRY(vch_kv_cursor_open(v->pinned != NULL ? v->pinned : t, v->db, &c));
    e = vch_kv_cursor_seek(c, vch_bytes(NULL, 0), &key, &value);
    while (vch_ok(e) && key.p[0] <= max) {
        e = fn(arg, with_kind ? key : vch_bytes(key.p + 1, key.n - 1), value);
        if (vch_ok(e)) {
            e = vch_kv_cursor_next(c, &key, &value);
        }
    }
    vch_kv_cursor_close(c);
    return vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
}

vch_err vch_ledger_view_buckets(struct vch_ledger_view *v, vch_ledger_bucket_fn fn, void *arg)
{
    return each(v, 0, false, fn, arg);
}

vch_err vch_ledger_view_each(struct vch_ledger_view *v, vch_ledger_bucket_fn fn, void *arg)
{
    return each(v, 0xfe, true, fn, arg);
}

bool vch_ledger_view_flush_begin(struct vch_ledger_view *v)
{
    VCH_ASSERT(v->flushing.count == 0);
    if (v->active.count == 0) {
        return false;
    }
    v->flushing = v->active;
    v->active = (struct vch_ledger_table){.heads = NULL};
    return true;
}

static vch_err put_all(struct vch_ledger_view *v, struct vch_kv_txn *t)
{
    struct vch_ledger_slot **all = vch_ledger_table_sorted(&v->flushing);
    vch_err e = VCH_OK;

    for (size_t i = 0; i < v->flushing.count && vch_ok(e); i++) {
        struct vch_bytes key = vch_bytes(all[i]->key, all[i]->key_n);

        if (all[i]->n == 0) {
            e = vch_kv_del(t, v->db, key);
            e = vch_err_is(e, VCH_E(NOT_FOUND)) ? VCH_OK : e;
        } else {
            e = vch_kv_put(t, v->db, key, vch_bytes(all[i]->value, all[i]->n), 0);
        }
    }
    vch_mem_free(all);
    return e;
}

vch_err vch_ledger_view_flush_write(struct vch_ledger_view *v, const struct vch_ledger_tag *tag)
{
    struct vch_kv_txn *t;
    uint8_t room[TAG_MAX];
    struct vch_bytes value;
    vch_err e;

    VCH_TRY(tag_encode(tag, VCH_SPAN_OF(room), &value));
    VCH_TRY(vch_kv_write(v->kv, &t));
    e = put_all(v, t);
    if (vch_ok(e)) {
        e = vch_kv_put(t, v->db, VCH_BYTES_OF(tag_key), value, 0);
    }
    if (!vch_ok(e)) {
        vch_kv_abort(t);
        return e;
    }
    return vch_kv_commit(t);
}

void vch_ledger_view_flush_end(struct vch_ledger_view *v)
{
    vch_ledger_table_reset(&v->flushing);
}
