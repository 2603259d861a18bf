/* The administrator's operations, and the public keys. Each listener serves them only where it is
 * told to. req: Y.2247-11-2 (apart from the service interfaces), Y.2247-11-3 */
#include "care.h"
#include "ds.h"

#include <vouch/stmt/statement.h>

/* The device that the request names by "subject" or by the "txid" of one of its records. */
static vch_err named_subject(struct call *c, const json_t *j, uint8_t ret[16])
{
    const json_t *subject = json_object_get(j, "subject");
    struct vch_stmt_endorsement e;
    struct vch_as_record r;
    struct vch_hash txid;
    vch_err err;

    if (subject != NULL) {
        VCH_CHECK(json_is_string(subject) && json_object_get(j, "txid") == NULL, AS_QUERY);
        VCH_CHECK(vch_ok(vch_stmt_subject_parse(vch_text(json_string_value(subject)), ret)),
                  AS_QUERY);
        return VCH_OK;
    }
    VCH_TRY(vch_as_ds_txid(json_object_get(j, "txid"), &txid));
    vch_as_record_init(&r);
    err = vch_as_data_record(c->as->data, &txid, &r, &e);
    if (vch_ok(err)) {
        memcpy(ret, e.subject, 16);
    }
    vch_as_record_fini(&r);
    return err;
}

static const char *report_reason(const json_t *j)
{
    static const char *const reasons[] = {"key-lost", "key-stolen", "key-released",
                                          "device-retired"};
    const json_t *v = json_object_get(j, "reason");

    for (size_t i = 0; json_is_string(v) && i < VCH_ARRAY_LEN(reasons); i++) {
        if (strcmp(json_string_value(v), reasons[i]) == 0) {
            return reasons[i];
        }
    }
    return NULL;
}

static vch_err report_of(struct call *c, const json_t *j)
{
    static const char *const known[] = {"subject", "txid", "reason", "effective-at", NULL};
    const json_t *when = json_object_get(j, "effective-at");
    const char *reason = report_reason(j);
    struct vch_time at = {c->now_ms};
    uint8_t subject[16];

    VCH_TRY(vch_as_ds_members(j, known));
    VCH_CHECK(reason != NULL && (when == NULL || json_is_string(when)), AS_QUERY);
    if (when != NULL) {
        VCH_CHECK(vch_ok(vch_time_parse(vch_text(json_string_value(when)), &at)) &&
                      at.ms <= c->now_ms,
                  AS_QUERY);
    }
    VCH_TRY(named_subject(c, j, subject));
    vch_as_call_subject(c, subject);
    c->event = reason;
    VCH_TRY(vch_as_data_retire(c->as->data, subject, reason, at.ms));
    vch_http_reply_status(c->rs, 204);
    return VCH_OK;
}

/* The subscription goes while its id is still known. */
static vch_err erase_of(struct call *c, const json_t *j)
{
    static const char *const known[] = {"subject", "txid", NULL};
    uint8_t subject[16];

    VCH_TRY(vch_as_ds_members(j, known));
    VCH_TRY(named_subject(c, j, subject));
    vch_as_call_subject(c, subject);
    c->event = "erased";
    VCH_TRY(vch_as_data_retire(c->as->data, subject, "erased", c->now_ms));
    vch_ignore(vch_as_care_watch(c->as, subject));
    VCH_TRY(vch_as_data_erase(c->as->data, subject));
    vch_counter_add(c->as->erased, 1);
    vch_http_reply_status(c->rs, 204);
    return VCH_OK;
}

static vch_err with_json(struct call *c, vch_err (*fn)(struct call *c, const json_t *j))
{
    json_t *j;
    vch_err e;

    VCH_TRY(vch_as_ds_parse(c->rq->body, &j));
    e = fn(c, j);
    json_decref(j);
    return e;
}

static vch_err reports(struct call *c)
{
    return with_json(c, report_of);
}

static vch_err erasures(struct call *c)
{
    return with_json(c, erase_of);
}

static vch_err status(struct call *c)
{
    struct vch_buf out = vch_buf_init(4096);
    vch_err ready = vch_as_ready(c->as);
    vch_err e = vch_buf_printf(
        &out,
        "{\"ready\":%s,\"code\":\"%s\",\"alarms\":%llu,\"waiting\":%zu,\"watchers\":%zu,"
        "\"certificate-days-left\":%lld}\n",
        vch_ok(ready) ? "true" : "false", vch_err_info(ready)->slug,
        (unsigned long long)vch_counter_get(c->as->alarms), vch_as_care_waiting(c->as->care),
        vch_as_hub_count(c->as->hub), (long long)(vch_as_data_key_left_s(c->as->data) / 86400));

    if (vch_ok(e)) {
        vch_http_reply_take(c->rs, 200, MEDIA_JSON, &out);
    }
    vch_buf_fini(&out);
    return e;
}

/* GET /.well-known/vouch-keys: in the form of a trust file, which whoever takes it from here must
 * compare with what the operator publishes elsewhere. */
static vch_err keys(struct call *c)
{
    struct vch_buf out = vch_buf_init(1 << 20);
    vch_err e = vch_as_data_trust(c->as->data, c->as->url, &out);

    if (vch_ok(e)) {
        vch_http_reply_take(c->rs, 200, MEDIA_JSON, &out);
    }
    vch_buf_fini(&out);
    return e;
}

const struct route vch_as_routes_admin[] = {
    {VCH_HTTP_POST, "/admin/v1/reports", MEDIA_JSON, 4096, VCH_AS_POINT_ADMIN, VCH_AS_OP_REPORT,
     reports},
    {VCH_HTTP_POST, "/admin/v1/erasures", MEDIA_JSON, 4096, VCH_AS_POINT_ADMIN, VCH_AS_OP_ERASE,
     erasures},
    {VCH_HTTP_GET, "/admin/v1/status", NULL, 0, VCH_AS_POINT_ADMIN, VCH_AS_OP_STATUS, status},
    {VCH_HTTP_GET, "/.well-known/vouch-keys", NULL, 0, VCH_AS_POINT_PUBLIC, VCH_AS_OP_KEYS, keys},
};
const size_t vch_as_routes_admin_n = VCH_ARRAY_LEN(vch_as_routes_admin);
