/* Account status: retrieve, batch, match; what is believed of an answer. */
#include <stdlib.h>

#include "edi_int.h"

static const struct {
    const char *name;
    unsigned bit;
} groups[] = {{"contract", VCH_EDI_F_CONTRACT},
              {"services", VCH_EDI_F_SERVICES},
              {"binding", VCH_EDI_F_BINDING},
              {"area", VCH_EDI_F_AREA},
              {"owner", VCH_EDI_F_OWNER},
              {"assurance", VCH_EDI_F_ASSURANCE},
              {"historyAvailableFrom", VCH_EDI_F_HISTORY}};

static const struct {
    const char *name;
    unsigned bit;
} ids[] = {{"msisdn", VCH_EDI_MSISDN},
           {"iccid", VCH_EDI_ICCID},
           {"eid", VCH_EDI_EID},
           {"imei", VCH_EDI_IMEI}};

void vch_edi_status_fini(struct vch_edi_status *s)
{
    vch_buf_fini(&s->evidence);
}

void vch_edi_match_fini(struct vch_edi_match *m)
{
    vch_buf_fini(&m->evidence);
}

/* The signed answer to REQUEST: signature, operator, audience, identity, freshness. RET_JWS lies in
 * ANSWER.
 *
 * req: Y.2247-8.4-1 (signed, of the identity asked for, not older than the bound) */
static vch_err believe(struct vch_edi *e, const char *typ, json_t *answer, const json_t *request,
                       json_t **ret, const char **ret_jws, int64_t *ret_checked_ms)
{
    VCH_AUTO(vch_edi_json_drop) json_t *signed_obj = NULL;
    VCH_AUTO(vch_edi_json_drop) json_t *rest = NULL;
    const json_t *evidence = json_object_get(answer, "evidence");
    const char *issuer, *audience;
    int64_t now = e->now_ms(e->now_user);

    VCH_CHECK(json_is_object(answer), EDI_ANSWER);
    VCH_CHECK(json_is_string(evidence), EDI_EVIDENCE);
    VCH_TRY(vch_edi_jws_open(
        e, typ, vch_bytes(json_string_value(evidence), json_string_length(evidence)), &signed_obj));
    /* Only what is signed counts; what stands beside it must not say anything else. */
    rest = json_copy(answer);
    VCH_CHECK(json_object_del(rest, "evidence") == 0 && json_equal(rest, signed_obj), EDI_EVIDENCE);
    issuer = json_string_value(json_object_get(signed_obj, "issuer"));
    audience = json_string_value(json_object_get(signed_obj, "audience"));
    VCH_CHECK(issuer != NULL && strcmp(issuer, e->operator_id) == 0 && audience != NULL &&
                  strcmp(audience, e->client_id) == 0,
              EDI_EVIDENCE);
    VCH_CHECK(json_equal(json_object_get(signed_obj, "request"), request), EDI_IDENTITY);
    VCH_TRY(vch_edi_json_time(signed_obj, "lastChecked", ret_checked_ms));
    VCH_CHECK(*ret_checked_ms >= now - e->max_age_ms - e->skew_ms &&
                  *ret_checked_ms <= now + e->skew_ms,
              EDI_STALE);
    *ret = signed_obj;
    signed_obj = NULL;
    *ret_jws = json_string_value(evidence);
    return VCH_OK;
}

static vch_err withheld_read(const json_t *o, struct vch_edi_withheld *ret)
{
    const json_t *list = json_object_get(o, "withheld");
    json_t *item;
    size_t i;

    *ret = (struct vch_edi_withheld){0};
    VCH_CHECK(list == NULL || json_is_array(list), EDI_ANSWER);
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        bool id = false;

        VCH_CHECK(text != NULL, EDI_ANSWER);
        for (size_t k = 0; k < VCH_ARRAY_LEN(ids); k++) {
            if (strncmp(text, "binding.", 8) == 0 && strcmp(text + 8, ids[k].name) == 0) {
                ret->ids |= ids[k].bit;
                id = true;
            }
        }
        for (size_t k = 0; k < VCH_ARRAY_LEN(groups) && !id && strcmp(text, "binding.tac") != 0;
             k++) {
            size_t n = strlen(groups[k].name);

            if (strncmp(text, groups[k].name, n) == 0 && (text[n] == '.' || text[n] == '\0')) {
                ret->groups |= groups[k].bit;
            }
        }
    }
    return VCH_OK;
}

static vch_err one_of(const char *text, const char *const *words)
{
    for (; text[0] != '\0' && *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            return VCH_OK;
        }
    }
    return text[0] == '\0' ? VCH_OK : VCH_E(EDI_ANSWER);
}

static vch_err contract_read(const json_t *o, struct vch_edi_status *s)
{
    char status[24];

    VCH_CHECK(o == NULL || json_is_object(o), EDI_ANSWER);
    VCH_TRY(vch_edi_json_text(o, "status", status, sizeof status));
    s->status = vch_edi_status_of(status);
    VCH_CHECK(status[0] == '\0' || s->status != VCH_EDI_STATUS_ABSENT, EDI_ANSWER);
    VCH_TRY(vch_edi_json_text(o, "type", s->contract_type, sizeof s->contract_type));
    VCH_TRY(vch_edi_json_when(o, "startDate", &s->start));
    VCH_TRY(vch_edi_json_when(o, "endDate", &s->end));
    VCH_TRY(vch_edi_json_when(o, "terminatedAt", &s->terminated_at));
    VCH_TRY(vch_edi_json_when(o, "statusSince", &s->status_since));
    VCH_CHECK(s->start.p != VCH_EDI_NULL && s->status_since.p != VCH_EDI_NULL, EDI_ANSWER);
    return VCH_OK;
}

static vch_err binding_read(const json_t *o, struct vch_edi_status *s)
{
    static const char *const words[] = {"BOUND", "UNBOUND", NULL};
    VCH_AUTO(vch_edi_json_drop) json_t *names = json_object();
    unsigned asked = 0;

    VCH_CHECK(o == NULL || json_is_object(o), EDI_ANSWER);
    VCH_TRY(vch_edi_json_text(o, "msisdn", s->ids.msisdn, sizeof s->ids.msisdn));
    VCH_TRY(vch_edi_json_text(o, "iccid", s->ids.iccid, sizeof s->ids.iccid));
    VCH_TRY(vch_edi_json_text(o, "eid", s->ids.eid, sizeof s->ids.eid));
    VCH_TRY(vch_edi_json_text(o, "imei", s->ids.imei, sizeof s->ids.imei));
    VCH_TRY(vch_edi_json_text(o, "bindStatus", s->bind_status, sizeof s->bind_status));
    VCH_TRY(one_of(s->bind_status, words));
    VCH_TRY(vch_edi_json_when(o, "since", &s->bound_since));
    VCH_CHECK(s->bound_since.p != VCH_EDI_NULL, EDI_ANSWER);
    /* What the operator tells must be as canonical as what we ask. */
    if (s->ids.msisdn[0] != '\0' || s->ids.iccid[0] != '\0' || s->ids.eid[0] != '\0' ||
        s->ids.imei[0] != '\0') {
        VCH_CHECK(vch_ok(vch_edi_ids_put(&s->ids, names, &asked)), EDI_ANSWER);
    }
    return VCH_OK;
}

static vch_err area_read(const json_t *o, struct vch_edi_status *s)
{
    const json_t *limit = json_object_get(o, "limitArea");
    char status[24];
    char *text;
    bool fits;

    VCH_CHECK(o == NULL || json_is_object(o), EDI_ANSWER);
    VCH_TRY(vch_edi_json_text(o, "areaLimitStatus", status, sizeof status));
    if (status[0] == '\0') {
        return VCH_OK;
    }
    VCH_CHECK(strcmp(status, "RESTRICTED") == 0 || strcmp(status, "UNRESTRICTED") == 0, EDI_ANSWER);
    s->area_p = limit == NULL ? VCH_EDI_NULL : VCH_EDI_GIVEN;
    VCH_CHECK((strcmp(status, "RESTRICTED") == 0) == (limit != NULL), EDI_CONTRADICTION);
    if (limit == NULL) {
        return VCH_OK;
    }
    VCH_TRY(vch_edi_area_check(limit));
    text = vch_edi_dump(limit);
    fits = text != NULL && strlen(text) < sizeof s->area;
    if (fits) {
        vch_edi_set(s->area, sizeof s->area, text);
    }
    vch_mem_free(text);
    return fits ? VCH_OK : VCH_E(EDI_ANSWER);
}

static vch_err others_read(const json_t *o, struct vch_edi_status *s)
{
    static const char *const words[] = {"active", "suspended", "throttled", NULL};
    const json_t *owner = json_object_get(o, "owner"), *services = json_object_get(o, "services");

    VCH_TRY(vch_edi_json_text(services, "data", s->data_service, sizeof s->data_service));
    VCH_TRY(one_of(s->data_service, words));
    VCH_TRY(vch_edi_json_text(owner, "ownerRef", s->owner_ref, sizeof s->owner_ref));
    VCH_TRY(vch_edi_json_when(owner, "since", &s->owner_since));
    VCH_TRY(vch_edi_json_text(json_object_get(o, "assurance"), "method", s->assurance,
                              sizeof s->assurance));
    VCH_TRY(vch_edi_json_when(o, "historyAvailableFrom", &s->history_from));
    return withheld_read(o, &s->withheld);
}

/* Does the account contradict itself?
 *
 * req: Y.2247-7.2.2-3 (contradictory data blocks the endorsement) */
static vch_err sane(const struct vch_edi *e, const struct vch_edi_status *s)
{
    int64_t now = s->last_checked_ms;
    bool ended = s->status == VCH_EDI_TERMINATED;
    bool has_end = s->terminated_at.p == VCH_EDI_GIVEN;
    bool started = s->start.p == VCH_EDI_GIVEN;

    VCH_CHECK(!started || s->end.p != VCH_EDI_GIVEN || s->end.ms > s->start.ms, EDI_CONTRADICTION);
    VCH_CHECK(!started || !has_end || s->terminated_at.ms >= s->start.ms, EDI_CONTRADICTION);
    VCH_CHECK(!ended || (has_end && s->terminated_at.ms <= now + e->skew_ms), EDI_CONTRADICTION);
    VCH_CHECK(s->status != VCH_EDI_PENDING_TERMINATE || has_end, EDI_CONTRADICTION);
    VCH_CHECK(s->status != VCH_EDI_ACTIVE || !has_end || s->terminated_at.ms > now,
              EDI_CONTRADICTION);
    VCH_CHECK(s->status != VCH_EDI_ACTIVE || !started || s->start.ms <= now + e->skew_ms,
              EDI_CONTRADICTION);
    VCH_CHECK(s->status_since.p != VCH_EDI_GIVEN || s->status_since.ms <= now + e->skew_ms,
              EDI_CONTRADICTION);
    VCH_CHECK(s->bound_since.p != VCH_EDI_GIVEN || s->bound_since.ms <= now + e->skew_ms,
              EDI_CONTRADICTION);
    return VCH_OK;
}

/* An answer that names identifiers must name the one asked for. */
static vch_err same_identity(const struct vch_edi_selector *sel, const struct vch_edi_status *s)
{
    const char *got = sel->kind == VCH_EDI_MSISDN  ? s->ids.msisdn
                      : sel->kind == VCH_EDI_ICCID ? s->ids.iccid
                      : sel->kind == VCH_EDI_EID   ? s->ids.eid
                      : sel->kind == VCH_EDI_IMEI  ? s->ids.imei
                                                   : s->account_ref;

    VCH_CHECK(got[0] == '\0' || strcmp(got, sel->text) == 0, EDI_IDENTITY);
    return VCH_OK;
}

static vch_err status_read(struct vch_edi *e, const struct vch_edi_selector *sel, json_t *answer,
                           struct vch_edi_status *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *request = json_object();
    VCH_AUTO(vch_edi_json_drop) json_t *o = NULL;
    struct vch_edi_status s;
    const char *jws = NULL;

    memset(&s, 0, sizeof s);
    vch_edi_selector_put(sel, request);
    VCH_TRY(believe(e, EDI_TYP_STATUS, answer, request, &o, &jws, &s.last_checked_ms));
    VCH_TRY(vch_edi_json_text(o, "accountRef", s.account_ref, sizeof s.account_ref));
    VCH_CHECK(s.account_ref[0] != '\0', EDI_ANSWER);
    VCH_TRY(contract_read(json_object_get(o, "contract"), &s));
    VCH_TRY(binding_read(json_object_get(o, "binding"), &s));
    VCH_TRY(area_read(json_object_get(o, "area"), &s));
    VCH_TRY(others_read(o, &s));
    VCH_TRY(same_identity(sel, &s));
    VCH_TRY(sane(e, &s));
    VCH_TRY(vch_edi_evidence_keep(e, vch_text(jws), &s.evidence, &s.evidence_hash));
    *ret = s;
    return VCH_OK;
}

static json_t *fields_json(unsigned fields)
{
    json_t *list = json_array();

    for (size_t i = 0; i < VCH_ARRAY_LEN(groups); i++) {
        if ((fields & groups[i].bit) != 0) {
            json_array_append_new(list, json_string(groups[i].name));
        }
    }
    return list;
}

vch_err vch_edi_retrieve(struct vch_edi *e, const struct vch_edi_selector *sel, unsigned fields,
                         struct vch_edi_status *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *body = json_object();
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    struct vch_edi_call call = {"POST", EDI_API "/retrieve", body, "application/json",
                                NULL,   VCH_E(EDI_ANSWER)};

    VCH_CHECK(fields != 0 && (fields & ~(unsigned)VCH_EDI_F_ALL) == 0, USAGE);
    VCH_TRY(vch_edi_selector_check(sel));
    vch_edi_selector_put(sel, body);
    json_object_set_new(body, "fields", fields_json(fields));
    VCH_TRY(vch_edi_call(e, &call, &answer, NULL));
    return status_read(e, sel, answer, ret);
}

/* The error of one element of a batch. */
static vch_err element_error(const json_t *o)
{
    const char *code = json_string_value(json_object_get(o, "code"));

    VCH_CHECK(code != NULL, EDI_ANSWER);
    return strcmp(code, "IDENTIFIER_NOT_FOUND") == 0 ? VCH_E(EDI_UNKNOWN) : VCH_E(EDI_REQUEST);
}

vch_err vch_edi_retrieve_batch(struct vch_edi *e, const struct vch_edi_selector *sels, size_t n,
                               unsigned fields, vch_err *ret_errs, struct vch_edi_status *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *body = json_object();
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    struct vch_edi_call call = {"POST", EDI_API "/retrieve-batch", body, "application/json",
                                NULL,   VCH_E(EDI_ANSWER)};
    json_t *list = json_array(), *results;

    json_object_set_new(body, "requests", list);
    json_object_set_new(body, "fields", fields_json(fields));
    VCH_CHECK(fields != 0 && (fields & ~(unsigned)VCH_EDI_F_ALL) == 0, USAGE);
    VCH_CHECK(n >= 1 && n <= VCH_EDI_BATCH_MAX, LIMIT);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();

        json_array_append_new(list, one);
        VCH_TRY(vch_edi_selector_check(&sels[i]));
        vch_edi_selector_put(&sels[i], one);
    }
    VCH_TRY(vch_edi_call(e, &call, &answer, NULL));
    results = json_object_get(answer, "results");
    VCH_CHECK(json_array_size(results) == n, EDI_ANSWER);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_array_get(results, i);

        memset(&ret[i], 0, sizeof ret[i]);
        ret_errs[i] = json_object_get(one, "evidence") == NULL
                          ? element_error(one)
                          : status_read(e, &sels[i], one, &ret[i]);
    }
    return VCH_OK;
}

vch_err vch_edi_match(struct vch_edi *e, const struct vch_edi_ids *asked_ids,
                      struct vch_edi_match *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *body = json_object();
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    VCH_AUTO(vch_edi_json_drop) json_t *o = NULL;
    struct vch_edi_call call = {"POST", EDI_API "/match", body, "application/json",
                                NULL,   VCH_E(EDI_ANSWER)};
    struct vch_edi_match m;
    const json_t *match;
    const char *jws = NULL;

    memset(&m, 0, sizeof m);
    VCH_TRY(vch_edi_ids_put(asked_ids, body, &m.asked));
    VCH_TRY(vch_edi_call(e, &call, &answer, NULL));
    VCH_TRY(believe(e, EDI_TYP_MATCH, answer, body, &o, &jws, &m.last_checked_ms));
    VCH_TRY(vch_edi_json_text(o, "accountRef", m.account_ref, sizeof m.account_ref));
    match = json_object_get(o, "match");
    for (size_t i = 0; i < VCH_ARRAY_LEN(ids); i++) {
        const json_t *v = json_object_get(match, ids[i].name);

        /* Exactly what was asked is answered: an answer left out must not pass for a match. */
        VCH_CHECK((v != NULL) == ((m.asked & ids[i].bit) != 0) && (v == NULL || json_is_boolean(v)),
                  EDI_ANSWER);
        m.matched |= json_is_true(v) ? ids[i].bit : 0;
    }
    VCH_CHECK(m.account_ref[0] != '\0' && m.matched != 0, EDI_ANSWER);
    VCH_TRY(vch_edi_evidence_keep(e, vch_text(jws), &m.evidence, &m.evidence_hash));
    *ret = m;
    return VCH_OK;
}
