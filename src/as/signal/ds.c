/* RP-ds: recipients ask for endorsed verification data (Y.2247 clause 7.2.3). */
#include "ds.h"

#include <stdio.h>

static vch_err take_many(struct call *c, size_t n)
{
    return n > 1 ? vch_as_caller_take(&c->caller, (unsigned)(n - 1), vch_as_mono_ms(), &c->wait_ms)
                 : VCH_OK;
}

/* One element of "records": a transaction ID, or {"txid", "entry"}. */
static vch_err read_one(struct call *c, const json_t *j, struct vch_hash *ret)
{
    static const char *const known[] = {"txid", "entry", NULL};

    if (json_is_string(j)) {
        return vch_as_ds_txid(j, ret);
    }
    VCH_TRY(vch_as_ds_members(j, known));
    VCH_TRY(vch_as_ds_txid(json_object_get(j, "txid"), ret));
    return vch_as_ds_entry(c, j);
}

static vch_err read_all(struct call *c, const json_t *list, struct vch_hash *txids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        VCH_TRY(read_one(c, json_array_get(list, i), &txids[i]));
    }
    return VCH_OK;
}

static vch_err wishes(struct call *c, const json_t *j, struct answer *a)
{
    VCH_TRY(vch_as_ds_bool(j, "latest", &a->latest));
    VCH_TRY(vch_as_ds_bool(j, "history", &a->history));
    VCH_TRY(!a->latest ? VCH_OK : vch_as_caller_check(&c->caller, VCH_AS_OP_LATEST));
    VCH_TRY(!a->history ? VCH_OK : vch_as_caller_check(&c->caller, VCH_AS_OP_HISTORY));
    return vch_as_ds_fields(c, j, &a->fields);
}

/* One record that is not there is an error; of many, those that are there are answered. */
static vch_err collect(struct answer *a, const struct vch_hash *txids, size_t n)
{
    size_t missing = 0;
    char text[24];

    for (size_t i = 0; i < n; i++) {
        vch_err e = vch_as_answer_record(a, &txids[i]);
        bool none = vch_err_is(e, VCH_E(AS_RECORD)) || vch_err_is(e, VCH_E(AS_NOT_ENDORSEMENT));

        if (none && n > 1 && missing + 1 < n) {
            missing++;
            vch_as_answer_missing(a, &txids[i], e);
            continue;
        }
        VCH_TRY(e);
    }
    if (missing != 0) {
        (void)snprintf(text, sizeof text, "%zu", missing);
        vch_http_reply_header(a->c->rs, "Vouch-Missing", text);
    }
    return vch_as_answer_send(a);
}

static vch_err records_of(struct call *c, const json_t *j)
{
    static const char *const known[] = {"records", "txid",    "entry", "fields",
                                        "latest",  "history", NULL};
    const json_t *list = json_object_get(j, "records");
    bool many = list != NULL;
    size_t n = many ? json_array_size(list) : 1;
    struct vch_hash *txids;
    struct answer a;
    vch_err e;

    VCH_TRY(vch_as_ds_members(j, known));
    VCH_CHECK(!many || (json_is_array(list) && json_object_get(j, "txid") == NULL &&
                        json_object_get(j, "entry") == NULL && n > 0),
              AS_QUERY);
    VCH_CHECK(n <= c->caller.user.batch_max, LIMIT);
    VCH_TRY(take_many(c, n));
    VCH_TRY(vch_as_answer_init(&a, c));
    txids = vch_mem_alloc(n * sizeof *txids);
    e = wishes(c, j, &a);
    if (vch_ok(e)) {
        e = many ? read_all(c, list, txids, n) : vch_as_ds_txid(json_object_get(j, "txid"), txids);
    }
    if (vch_ok(e) && !many) {
        e = vch_as_ds_entry(c, j);
        vch_as_call_txid(c, txids);
    }
    if (vch_ok(e)) {
        e = collect(&a, txids, n);
    }
    vch_mem_free(txids);
    vch_as_answer_fini(&a);
    return e;
}

/* POST /rp-ds/v1/records. req: Y.2247-7.2.3-6, Y.2247-8.4-8 */
vch_err vch_as_ds_records(struct call *c)
{
    json_t *j;
    vch_err e;

    VCH_TRY(vch_as_ds_parse(c->rq->body, &j));
    c->event = "records-served";
    e = records_of(c, j);
    json_decref(j);
    return e;
}

/* ---- by identity */
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

#define FOUND_MAX 64

/* Lineages that have all the identifiers given, and that the caller may see. */
static vch_err find_all(struct call *c, const struct vch_edi_ids *ids, uint8_t (*found)[16],
                        size_t *ret_n)
{
    uint8_t more[FOUND_MAX][16];
    struct id_view list[4];
    size_t n = 0, m;
    bool first = true;

    ids_list(ids, list);
    for (size_t i = 0; i < 4; i++) {
        size_t keep = 0;

        if (list[i].text[0] == '\0') {
            continue;
        }
        VCH_TRY(vch_as_vault_by_identity(c->as->o.vault, list[i].kind, vch_text(list[i].text), more,
                                         FOUND_MAX, &m));
        if (first) {
            memcpy(found, more, m * 16);
            n = m;
        }
        for (size_t k = 0; k < n; k++) {
            bool also = false;

            for (size_t x = 0; x < m; x++) {
                also = also || memcmp(found[k], more[x], 16) == 0;
            }
            if (also && vch_as_caller_sees(&c->caller, found[k])) {
                memmove(found[keep++], found[k], 16);
            }
        }
        n = keep;
        first = false;
    }
    *ret_n = n;
    return VCH_OK;
}

static vch_err lookup_of(struct call *c, const json_t *j, struct answer *a)
{
    static const char *const known[] = {"identity", "fields", "latest", "history", NULL};
    uint8_t found[FOUND_MAX][16];
    struct vch_edi_ids ids;
    struct vch_as_row row;
    size_t n = 0, put = 0;
    vch_err e;

    VCH_TRY(vch_as_ds_members(j, known));
    VCH_TRY(wishes(c, j, a));
    VCH_TRY(vch_as_ds_identity(j, &ids));
    e = find_all(c, &ids, found, &n);
    vch_wipe(&ids, sizeof ids);
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        e = vch_as_vault_row(c->as->o.vault, found[i], &row);
        if (vch_ok(e) && (row.life == VCH_AS_LIVE || row.life == VCH_AS_RETIRED)) {
            e = vch_as_answer_record(a, &row.latest);
            put++;
        }
    }
    VCH_TRY(e);
    VCH_CHECK(put > 0, AS_RECORD);
    return vch_as_answer_send(a);
}

/* POST /rp-ds/v1/lookup */
vch_err vch_as_ds_lookup(struct call *c)
{
    struct answer a;
    json_t *j;
    vch_err e;

    VCH_TRY(vch_as_answer_init(&a, c));
    e = vch_as_ds_parse(c->rq->body, &j);
    if (vch_ok(e)) {
        c->event = "identity-looked-up";
        e = lookup_of(c, j, &a);
        json_decref(j);
    }
    vch_as_answer_fini(&a);
    return e;
}

const struct route vch_as_routes_ds[] = {
    {VCH_HTTP_POST, "/rp-ds/v1/records", MEDIA_JSON, 1 << 20, VCH_AS_POINT_DS, VCH_AS_OP_RECORDS,
     vch_as_ds_records},
    {VCH_HTTP_POST, "/rp-ds/v1/lookup", MEDIA_JSON, 16384, VCH_AS_POINT_DS, VCH_AS_OP_LOOKUP,
     vch_as_ds_lookup},
    {VCH_HTTP_POST, "/rp-ds/v1/confirm", MEDIA_JSON, 16384, VCH_AS_POINT_DS, VCH_AS_OP_CONFIRM,
     vch_as_ds_confirm},
};
const size_t vch_as_routes_ds_n = VCH_ARRAY_LEN(vch_as_routes_ds);
