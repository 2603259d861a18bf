/* Subscriptions at the operator. */
#include <stdio.h>

#include "edi_int.h"

static json_t *types_json(unsigned types)
{
    json_t *list = json_array();

    for (unsigned bit = 1; bit <= VCH_EDI_EV_ALL; bit <<= 1) {
        if ((types & bit) != 0) {
            json_array_append_new(list, json_sprintf(EDI_TYPE "%s", vch_edi_event_name(bit)));
        }
    }
    return list;
}

static json_t *credential_json(const char *token)
{
    return json_pack("{s:s, s:s, s:s}", "credentialType", "ACCESSTOKEN", "accessTokenType",
                     "bearer", "accessToken", token);
}

static vch_err state_read(const json_t *o, enum vch_edi_sub_state *ret)
{
    static const char *const names[] = {"ACTIVATION_REQUESTED", "ACTIVE", "INACTIVE", "EXPIRED",
                                        "DELETED"};
    char text[24];

    VCH_TRY(vch_edi_json_text(o, "status", text, sizeof text));
    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *ret = (enum vch_edi_sub_state)(i + 1);
            return VCH_OK;
        }
    }
    return VCH_E(EDI_ANSWER);
}

static vch_err sub_read(const json_t *o, const char *etag, struct vch_edi_sub *ret)
{
    const json_t *types = json_object_get(o, "types"), *config = json_object_get(o, "config");
    const json_t *version = json_object_get(o, "version");
    struct vch_edi_sub s;
    json_t *item;
    size_t i;

    memset(&s, 0, sizeof s);
    VCH_CHECK(json_is_object(o) && json_is_array(types) && json_is_integer(version), EDI_ANSWER);
    VCH_TRY(vch_edi_json_text(o, "id", s.id, sizeof s.id));
    VCH_TRY(vch_edi_json_text(o, "sink", s.sink, sizeof s.sink));
    VCH_TRY(vch_edi_json_text(o, "accountRef", s.account_ref, sizeof s.account_ref));
    VCH_CHECK(s.id[0] != '\0' && s.account_ref[0] != '\0', EDI_ANSWER);
    json_array_foreach(types, i, item)
    {
        VCH_CHECK(json_is_string(item), EDI_ANSWER);
        s.types |= vch_edi_event_of(json_string_value(item));
    }
    VCH_TRY(state_read(o, &s.state));
    VCH_TRY(vch_edi_json_time(o, "startsAt", &s.starts_ms));
    VCH_TRY(vch_edi_json_when(o, "expiresAt", &s.expires));
    VCH_TRY(vch_edi_json_u64(o, "lastSeq", &s.last_seq));
    if (json_object_get(config, "subscriptionMaxEvents") != NULL) {
        VCH_TRY(vch_edi_json_u64(config, "subscriptionMaxEvents", &s.events_max));
    }
    (void)snprintf(s.version, sizeof s.version, "\"%lld\"", (long long)json_integer_value(version));
    VCH_CHECK(etag == NULL || strcmp(etag, s.version) == 0, EDI_ANSWER);
    *ret = s;
    return VCH_OK;
}

/* An id of the operator becomes part of a path only if it needs no escape. */
static vch_err sub_path(const char *id, char *room, size_t cap)
{
    size_t n = strlen(id);

    VCH_CHECK(n > 0 && n <= VCH_EDI_REF_MAX &&
                  strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
                      n,
              EDI_SUBSCRIPTION);
    (void)snprintf(room, cap, "%s/%s", EDI_SUBS, id);
    return VCH_OK;
}

/* req: Y.2247-8.4-2 */
vch_err vch_edi_subscribe(struct vch_edi *e, const struct vch_edi_sub_request *rq,
                          struct vch_edi_sub *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *body = json_object();
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    struct vch_edi_call call = {"POST", EDI_SUBS,         body, "application/json",
                                NULL,   VCH_E(EDI_ANSWER)};
    json_t *config = json_object(), *detail = json_object();
    char etag[24];

    json_object_set_new(body, "config", config);
    json_object_set_new(config, "subscriptionDetail", detail);
    VCH_CHECK(rq->types != 0 && (rq->types & ~(unsigned)VCH_EDI_EV_ALL) == 0 && rq->sink != NULL &&
                  strlen(rq->sink) <= VCH_EDI_URL_MAX && rq->events_max <= INT64_MAX,
              USAGE);
    VCH_TRY(vch_edi_selector_check(&rq->account));
    vch_edi_selector_put(&rq->account, detail);
    json_object_set_new(body, "protocol", json_string("HTTP"));
    json_object_set_new(body, "sink", json_string(rq->sink));
    json_object_set_new(body, "types", types_json(rq->types));
    if (rq->sink_token != NULL) {
        json_object_set_new(body, "sinkCredential", credential_json(rq->sink_token));
    }
    if (rq->expires_ms != 0) {
        json_object_set_new(config, "subscriptionExpireTime", vch_edi_time_json(rq->expires_ms));
    }
    if (rq->events_max != 0) {
        json_object_set_new(config, "subscriptionMaxEvents",
                            json_integer((json_int_t)rq->events_max));
    }
    if (rq->initial_event) {
        json_object_set_new(config, "initialEvent", json_true());
    }
    VCH_TRY(vch_edi_call(e, &call, &answer, etag));
    return sub_read(answer, etag, ret);
}

/* req: Y.2247-8.4-3 */
vch_err vch_edi_modify(struct vch_edi *e, const char *id, const char *version,
                       const struct vch_edi_sub_change *change, struct vch_edi_sub *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *body = json_object();
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    json_t *config = json_object();
    char path[160], etag[24];
    struct vch_edi_call call = {
        "PATCH", path, body, "application/merge-patch+json", version, VCH_E(EDI_SUBSCRIPTION)};

    json_object_set_new(body, "config", config);
    VCH_CHECK((change->types & ~(unsigned)VCH_EDI_EV_ALL) == 0 && version[0] != '\0', USAGE);
    VCH_TRY(sub_path(id, path, sizeof path));
    if (change->types != 0) {
        json_object_set_new(body, "types", types_json(change->types));
    }
    if (change->sink != NULL) {
        json_object_set_new(body, "sink", json_string(change->sink));
    }
    if (change->sink_token != NULL) {
        json_object_set_new(body, "sinkCredential", credential_json(change->sink_token));
    }
    if (change->expires.p != VCH_EDI_ABSENT) {
        json_object_set_new(config, "subscriptionExpireTime",
                            change->expires.p == VCH_EDI_NULL
                                ? json_null()
                                : vch_edi_time_json(change->expires.ms));
    }
    if (change->events_max_set) {
        json_object_set_new(config, "subscriptionMaxEvents",
                            change->events_max == 0 ? json_null()
                                                    : json_integer((json_int_t)change->events_max));
    }
    if (change->selector.kind != 0) {
        json_t *detail = json_object();

        json_object_set_new(config, "subscriptionDetail", detail);
        VCH_TRY(vch_edi_selector_check(&change->selector));
        vch_edi_selector_put(&change->selector, detail);
    }
    if (json_object_size(config) == 0) {
        json_object_del(body, "config");
    }
    VCH_CHECK(json_object_size(body) > 0, USAGE);
    VCH_TRY(vch_edi_call(e, &call, &answer, etag));
    return sub_read(answer, etag, ret);
}

/* req: Y.2247-8.4-4 */
vch_err vch_edi_cancel(struct vch_edi *e, const char *id)
{
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    char path[160];
    struct vch_edi_call call = {"DELETE", path, NULL, NULL, NULL, VCH_E(EDI_SUBSCRIPTION)};

    VCH_TRY(sub_path(id, path, sizeof path));
    return vch_edi_call(e, &call, &answer, NULL);
}

vch_err vch_edi_sub_get(struct vch_edi *e, const char *id, struct vch_edi_sub *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    char path[160], etag[24];
    struct vch_edi_call call = {"GET", path, NULL, NULL, NULL, VCH_E(EDI_SUBSCRIPTION)};

    VCH_TRY(sub_path(id, path, sizeof path));
    VCH_TRY(vch_edi_call(e, &call, &answer, etag));
    return sub_read(answer, etag, ret);
}

vch_err vch_edi_list(struct vch_edi *e, const char *after, struct vch_edi_sub *ret, size_t cap,
                     size_t *ret_n, bool *ret_more)
{
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    char path[256], check[160];
    struct vch_edi_call call = {"GET", path, NULL, NULL, NULL, VCH_E(EDI_ANSWER)};
    size_t want = cap < 100 ? cap : 100, n;
    const char *from = after == NULL ? "" : after;

    VCH_CHECK(cap > 0, USAGE);
    if (from[0] != '\0') {
        VCH_TRY(sub_path(from, check, sizeof check));
    }
    /* one more than wanted tells whether there are others */
    (void)snprintf(path, sizeof path, EDI_SUBS "?limit=%zu&after=%s", want + 1, from);
    VCH_TRY(vch_edi_call(e, &call, &answer, NULL));
    VCH_CHECK(json_is_array(answer) && json_array_size(answer) <= want + 1, EDI_ANSWER);
    n = json_array_size(answer) < want ? json_array_size(answer) : want;
    for (size_t i = 0; i < n; i++) {
        VCH_TRY(sub_read(json_array_get(answer, i), NULL, &ret[i]));
    }
    *ret_n = n;
    *ret_more = json_array_size(answer) > want;
    return VCH_OK;
}
