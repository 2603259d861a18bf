/* Answers to recipients: what the ledger holds, with its proofs, and the openings they may see.
 * req: Y.2247-7.2.3-10, Y.2247-7.2.3-11, Y.2247-7.2.3-12, Y.2247-7.2.2-19 */
#include "ds.h"

#include <vouch/stmt/bundle.h>

#define ANSWER_MAX ((size_t)64 << 20)

vch_err vch_as_answer_init(struct answer *a, struct call *c)
{
    static const char *const offered[] = {VCH_MEDIA_BUNDLE, MEDIA_JSON};
    size_t form;

    VCH_TRY(vch_http_accept(c->rq, offered, 2, &form));
    *a = (struct answer){.c = c, .json = form == 1, .out = vch_buf_init(ANSWER_MAX)};
    if (a->json) {
        a->records = json_array();
        a->missing = json_array();
    }
    return VCH_OK;
}

void vch_as_answer_fini(struct answer *a)
{
    vch_buf_fini(&a->out);
    json_decref(a->records);
    json_decref(a->missing);
    vch_mem_free(a->done);
}

static bool is_done(const struct answer *a, const struct vch_hash *txid)
{
    for (size_t i = 0; i < a->done_n; i++) {
        if (vch_hash_equal(&a->done[i], txid)) {
            return true;
        }
    }
    return false;
}

static void set_done(struct answer *a, const struct vch_hash *txid)
{
    if (a->done_n == a->done_cap) {
        a->done_cap = a->done_cap == 0 ? 16 : a->done_cap * 2;
        a->done = vch_mem_realloc(a->done, a->done_cap * sizeof *a->done);
    }
    a->done[a->done_n++] = *txid;
}

/* ---- as bundle records: the same call counts the bytes first */
struct opened {
    struct vch_buf contents[VCH_DISCLOSURES_COUNT];
    size_t n;
    json_t *json; /* NULL: not wanted */
};

static vch_err opened_add(void *arg, const struct vch_disclosure *d)
{
    struct opened *o = arg;

    if (o->json != NULL) {
        (void)json_object_set_new(o->json, vch_stmt_disc_name(d->key), vch_as_ds_value(d));
        return VCH_OK;
    }
    VCH_CHECK(o->n < VCH_DISCLOSURES_COUNT, LIMIT);
    o->contents[o->n] = vch_buf_init(VCH_DISCLOSURE_MAX);
    return vch_buf_append(&o->contents[o->n++], d->contents);
}

static void opened_fini(struct opened *o)
{
    for (size_t i = 0; i < o->n; i++) {
        vch_wipe(o->contents[i].p, o->contents[i].n);
        vch_buf_fini(&o->contents[i]);
    }
    o->n = 0;
}

static vch_err put(struct answer *a, size_t room_n,
                   void (*fn)(struct vch_writer *w, const void *what), const void *what)
{
    struct vch_span room;
    struct vch_writer w;
    struct vch_bytes b;

    VCH_TRY(vch_buf_room(&a->out, room_n, &room));
    w = vch_writer(room);
    fn(&w, what);
    VCH_TRY(vch_writer_finish(&w, &b));
    vch_buf_added(&a->out, b.n);
    return VCH_OK;
}

static void put_statement(struct vch_writer *w, const void *what)
{
    const struct vch_as_record *r = what;
    struct vch_bytes receipt = vch_buf_get(&r->receipt);

    vch_stmt_bundle_put_statement(w, vch_buf_get(&r->statement), &receipt, 1);
}

struct openings_of {
    const struct vch_hash *txid;
    const struct opened *o;
};

static void put_openings(struct vch_writer *w, const void *what)
{
    const struct openings_of *x = what;
    struct vch_bytes list[VCH_DISCLOSURES_COUNT];

    for (size_t i = 0; i < x->o->n; i++) {
        list[i] = vch_buf_get(&x->o->contents[i]);
    }
    vch_stmt_bundle_put_disclosures(w, x->txid, list, x->o->n);
}

static void put_cert(struct vch_writer *w, const void *what)
{
    vch_stmt_bundle_put_certificate(w, vch_buf_get(what));
}

static void put_proof(struct vch_writer *w, const void *what)
{
    vch_stmt_bundle_put_state_proof(w, vch_buf_get(what));
}

/* The certificate that the endorsement names, once in an answer. */
static vch_err cert_records(struct answer *a, const struct vch_stmt_endorsement *e)
{
    struct vch_buf der = vch_buf_init(VCH_CERTIFICATE_MAX);
    struct vch_hash h = {{0}};
    vch_err err;

    memcpy(h.b, e->st.x5t.p, sizeof h.b);
    for (size_t i = 0; i < a->cert_n; i++) {
        if (vch_hash_equal(&a->certs[i], &h)) {
            return VCH_OK;
        }
    }
    if (a->cert_n < DS_CERTS_MAX) {
        a->certs[a->cert_n++] = h;
    }
    err = vch_as_data_cert(a->c->as->data, &h, &der);
    if (vch_ok(err)) {
        err = put(a, der.n + 32, put_cert, &der);
    }
    vch_buf_fini(&der);
    return vch_err_is(err, VCH_E(NOT_FOUND)) ? VCH_OK : err; /* the verifier has keys of its own */
}

static vch_err bundle_one(struct answer *a, const struct vch_hash *txid,
                          const struct vch_as_record *r, const struct vch_stmt_endorsement *e)
{
    struct opened o = {.n = 0};
    struct openings_of x = {txid, &o};
    vch_err err;

    VCH_TRY(put(a, r->statement.n + r->receipt.n + 64, put_statement, r));
    err = vch_as_data_openings(a->c->as->data, e, txid, a->fields, opened_add, &o);
    if (vch_err_is(err, VCH_E(AS_ERASED)) || vch_err_is(err, VCH_E(AS_NO_SUBJECT))) {
        err = VCH_OK; /* the record stands without openings */
        opened_fini(&o);
    }
    if (vch_ok(err) && o.n > 0) {
        err = put(a, o.n * (VCH_DISCLOSURE_MAX + 8) + 64, put_openings, &x);
    }
    opened_fini(&o);
    return vch_ok(err) ? cert_records(a, e) : err;
}

/* ---- as JSON */
json_t *vch_as_ds_value(const struct vch_disclosure *d)
{
    switch (d->value.type) {
    case VCH_DISC_TEXT:
        return json_stringn((const char *)d->value.bytes.p, d->value.bytes.n);
    case VCH_DISC_INT:
        return json_integer(d->value.num);
    case VCH_DISC_BOOL:
        return json_boolean(d->value.flag);
    case VCH_DISC_BYTES:
    case VCH_DISC_NULL:
        break;
    }
    return json_null();
}

static json_t *b64_json(struct vch_bytes b)
{
    struct vch_buf text = vch_buf_init(VCH_B64_ROOM(b.n));
    struct vch_span room;
    json_t *j = NULL;

    if (vch_ok(vch_buf_room(&text, VCH_B64_ROOM(b.n), &room))) {
        j = json_string(vch_b64_encode(VCH_B64_URL, b, room));
    }
    vch_buf_fini(&text);
    return j;
}

static json_t *hex_json(struct vch_bytes b)
{
    char text[2 * VCH_HASH_LEN + 1];

    return json_string(vch_hex_encode(b, VCH_SPAN_OF(text)));
}

static json_t *time_json(int64_t ms)
{
    char text[VCH_TIME_TEXT_MAX];

    return json_string(vch_time_text((struct vch_time){ms}, VCH_SPAN_OF(text)));
}

static json_t *text_json(struct vch_bytes b)
{
    return json_stringn((const char *)b.p, b.n);
}

static const char *action_name(enum vch_action a)
{
    return a == VCH_ACTION_REGISTER ? "register" : a == VCH_ACTION_UPDATE ? "update" : "retire";
}

static json_t *algs_json(const enum vch_alg *algs, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        (void)json_array_append_new(list, json_string(vch_alg_name(algs[i])));
    }
    return list;
}

/* req: Y.2247-6.2-1 (key, algorithms and times are named, never guessed) */
static json_t *record_json(const struct answer *a, const struct vch_hash *txid,
                           const struct vch_as_record *r, const struct vch_stmt_endorsement *e)
{
    json_t *j = json_object();

    (void)json_object_set_new(j, "txid", hex_json(vch_hash_bytes(txid)));
    (void)json_object_set_new(j, "entry", json_pack("[ss]", a->c->as->o.ledger->id, a->c->as->url));
    (void)json_object_set_new(j, "index", json_integer((json_int_t)r->entry.index));
    (void)json_object_set_new(j, "recorded-at", time_json(r->entry.time.ms));
    (void)json_object_set_new(j, "issuer", text_json(e->st.iss));
    (void)json_object_set_new(j, "subject", text_json(e->st.sub));
    (void)json_object_set_new(j, "action", json_string(action_name(e->action)));
    (void)json_object_set_new(j, "seq", json_integer((json_int_t)e->seq));
    (void)json_object_set_new(j, "assurance", json_integer(e->assurance));
    (void)json_object_set_new(j, "effective-at", time_json(e->effective_at_ms));
    (void)json_object_set_new(j, "checked-at", time_json(e->checked_at_ms));
    (void)json_object_set_new(j, "operator", text_json(e->operator_id));
    (void)json_object_set_new(j, "key", hex_json(e->reg.st.kid));
    (void)json_object_set_new(j, "algorithms", algs_json(e->reg.algs, e->reg.alg_count));
    (void)json_object_set_new(j, "hashes", algs_json(e->reg.hashes, e->reg.hash_count));
    (void)json_object_set_new(j, "statement", b64_json(vch_buf_get(&r->statement)));
    (void)json_object_set_new(j, "receipt", b64_json(vch_buf_get(&r->receipt)));
    return j;
}

static vch_err json_one(struct answer *a, const struct vch_hash *txid,
                        const struct vch_as_record *r, const struct vch_stmt_endorsement *e)
{
    json_t *j = record_json(a, txid, r, e), *fields = json_object();
    struct opened o = {.json = fields};
    vch_err err = vch_as_data_openings(a->c->as->data, e, txid, a->fields, opened_add, &o);

    if (vch_err_is(err, VCH_E(AS_ERASED)) || vch_err_is(err, VCH_E(AS_NO_SUBJECT))) {
        (void)json_object_set_new(j, "erased", json_true());
        err = VCH_OK;
    }
    (void)json_object_set_new(j, "fields", fields);
    (void)json_array_append_new(a->records, j);
    return err;
}

/* ---- both */
static vch_err put_one(struct answer *a, const struct vch_hash *txid, const struct vch_as_record *r,
                       const struct vch_stmt_endorsement *e)
{
    if (is_done(a, txid)) {
        return VCH_OK;
    }
    set_done(a, txid);
    return a->json ? json_one(a, txid, r, e) : bundle_one(a, txid, r, e);
}

static vch_err put_by_id(struct answer *a, const struct vch_hash *txid)
{
    struct vch_stmt_endorsement e;
    struct vch_as_record r;
    vch_err err;

    vch_as_record_init(&r);
    err = vch_as_data_record(a->c->as->data, txid, &r, &e);
    if (vch_ok(err)) {
        err = put_one(a, txid, &r, &e);
    }
    vch_as_record_fini(&r);
    return err;
}

/* The newest of the device, with the proof that it is. */
static vch_err put_latest(struct answer *a, const uint8_t subject[16], const struct vch_hash *asked)
{
    struct vch_buf proof = vch_buf_init(VCH_STATE_PROOF_MAX);
    struct vch_hash txid[LINEAGE_MAX];
    size_t n = 0;
    vch_err err = vch_as_data_lineage(a->c->as->data, subject, -1, txid, LINEAGE_MAX, &n);

    for (size_t i = a->history ? 0 : n - 1; vch_ok(err) && n > 0 && i < n; i++) {
        err = put_by_id(a, &txid[i]);
    }
    if (vch_ok(err) && a->latest) {
        err = vch_as_data_proof(a->c->as->data, subject, &proof);
    }
    if (vch_ok(err) && a->latest && !a->json) {
        err = put(a, proof.n + 32, put_proof, &proof);
    }
    if (vch_ok(err) && a->latest && a->json) {
        json_t *latest = json_object();

        (void)json_object_set_new(latest, "asked", hex_json(vch_hash_bytes(asked)));
        (void)json_object_set_new(latest, "latest", hex_json(vch_hash_bytes(&txid[n - 1])));
        (void)json_object_set_new(latest, "superseded",
                                  json_boolean(!vch_hash_equal(&txid[n - 1], asked)));
        (void)json_object_set_new(latest, "proof", b64_json(vch_buf_get(&proof)));
        (void)json_array_append_new(a->records, json_pack("{so}", "state", latest));
    }
    vch_buf_fini(&proof);
    return err;
}

vch_err vch_as_answer_record(struct answer *a, const struct vch_hash *txid)
{
    struct vch_stmt_endorsement e;
    struct vch_as_record r;
    uint8_t subject[16];
    vch_err err;

    vch_as_record_init(&r);
    err = vch_as_data_record(a->c->as->data, txid, &r, &e);
    if (vch_ok(err) && !vch_as_caller_sees(&a->c->caller, e.subject)) {
        a->c->why = "out-of-scope";
        err = VCH_E(AS_RECORD); /* as if there were none */
    }
    if (vch_ok(err)) {
        memcpy(subject, e.subject, sizeof subject);
        err = put_one(a, txid, &r, &e);
    }
    vch_as_record_fini(&r);
    if (vch_ok(err) && (a->latest || a->history)) {
        err = put_latest(a, subject, txid);
    }
    return err;
}

void vch_as_answer_missing(struct answer *a, const struct vch_hash *txid, vch_err e)
{
    if (a->json) {
        json_t *j = json_object();

        (void)json_object_set_new(j, "txid", hex_json(vch_hash_bytes(txid)));
        (void)json_object_set_new(j, "code", json_string(vch_err_info(e)->slug));
        (void)json_array_append_new(a->missing, j);
    }
}

vch_err vch_as_answer_send(struct answer *a)
{
    json_t *j;
    char *text;

    if (!a->json) {
        vch_http_reply_take(a->c->rs, 200, VCH_MEDIA_BUNDLE, &a->out);
        return VCH_OK;
    }
    j = json_pack("{sOsO}", "records", a->records, "missing", a->missing);
    text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    VCH_CHECK(text != NULL, MEMORY);
    vch_http_reply(a->c->rs, 200, MEDIA_JSON, vch_text(text));
    vch_mem_free(text);
    return VCH_OK;
}
