/* RP-ds: does an identity belong to a record? The recipient says what it believes; only what is
 * right is opened, so that it can check the answer against the record itself. req: Y.2247-I.3-2 */
#include "ds.h"

struct confirming {
    const struct vch_edi_ids *ids;
    json_t *match, *openings;
};

static const char *claimed(const struct vch_edi_ids *ids, uint64_t key)
{
    switch (key) {
    case VCH_DISC_IMEI:
        return ids->imei;
    case VCH_DISC_ICCID:
        return ids->iccid;
    case VCH_DISC_MSISDN:
        return ids->msisdn;
    case VCH_DISC_EID:
        return ids->eid;
    default:
        return "";
    }
}

static vch_err compare(void *arg, const struct vch_disclosure *d)
{
    struct confirming *x = arg;
    const char *text = claimed(x->ids, d->key);
    char b64[VCH_B64_ROOM(VCH_DISCLOSURE_MAX)];

    if (text[0] == '\0' || d->value.type != VCH_DISC_TEXT) {
        return VCH_OK;
    }
    if (vch_bytes_equal(d->value.bytes, vch_text(text))) {
        (void)json_object_set_new(x->match, vch_stmt_disc_name(d->key), json_true());
        (void)json_array_append_new(
            x->openings, json_string(vch_b64_encode(VCH_B64_URL, d->contents, VCH_SPAN_OF(b64))));
    }
    return VCH_OK;
}

static void expect_none(const struct vch_edi_ids *ids, json_t *match)
{
    for (uint64_t key = VCH_DISC_IMEI; key <= VCH_DISC_EID; key++) {
        if (claimed(ids, key)[0] != '\0') {
            (void)json_object_set_new(match, vch_stmt_disc_name(key), json_false());
        }
    }
}

static vch_err look(struct call *c, const struct vch_hash *txid, struct confirming *x)
{
    const uint64_t ids = UINT64_C(1) << VCH_DISC_IMEI | UINT64_C(1) << VCH_DISC_ICCID |
                         UINT64_C(1) << VCH_DISC_MSISDN | UINT64_C(1) << VCH_DISC_EID;
    struct vch_stmt_endorsement e;
    struct vch_as_record r;
    vch_err err;

    vch_as_record_init(&r);
    err = vch_as_data_record(c->as->data, txid, &r, &e);
    if (vch_ok(err) && !vch_as_caller_sees(&c->caller, e.subject)) {
        c->why = "out-of-scope";
        err = VCH_E(AS_RECORD);
    }
    if (vch_ok(err)) {
        vch_as_call_subject(c, e.subject);
        err = vch_as_data_openings(c->as->data, &e, txid, ids, compare, x);
    }
    vch_as_record_fini(&r);
    return err;
}

static vch_err confirm_of(struct call *c, const json_t *j, struct confirming *x)
{
    static const char *const known[] = {"txid", "entry", "identity", NULL};
    struct vch_edi_ids ids;
    struct vch_hash txid;
    char *text;
    json_t *out;
    vch_err e;

    VCH_TRY(vch_as_ds_members(j, known));
    VCH_TRY(vch_as_ds_txid(json_object_get(j, "txid"), &txid));
    VCH_TRY(vch_as_ds_entry(c, j));
    vch_as_call_txid(c, &txid);
    VCH_TRY(vch_as_ds_identity(j, &ids));
    x->ids = &ids;
    expect_none(&ids, x->match);
    e = look(c, &txid, x);
    x->ids = NULL;
    vch_wipe(&ids, sizeof ids);
    VCH_TRY(e);
    out = json_pack("{sOsO}", "match", x->match, "disclosures", x->openings);
    text = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    VCH_CHECK(text != NULL, MEMORY);
    vch_http_reply(c->rs, 200, MEDIA_JSON, vch_text(text));
    vch_mem_free(text);
    return VCH_OK;
}

/* POST /rp-ds/v1/confirm */
vch_err vch_as_ds_confirm(struct call *c)
{
    struct confirming x = {.match = json_object(), .openings = json_array()};
    json_t *j;
    vch_err e = vch_as_ds_parse(c->rq->body, &j);

    if (vch_ok(e)) {
        c->event = "identity-confirmed";
        e = confirm_of(c, j, &x);
        json_decref(j);
    }
    json_decref(x.match);
    json_decref(x.openings);
    return e;
}
