/* Subscriptions: made, changed, cancelled, listed. */
#include <stdlib.h>

#include "cef_int.h"

#define TYPE_PREFIX "int.divs.account-status.v0."

vch_err vch_netsim_sub_load(struct vch_netsim_db *db, const char *id, struct vch_netsim_sub *ret)
{
    struct vch_netsim_q q = vch_netsim_q(
        db, "SELECT id, client, account, selector, types, sink, sink_token, starts_ms, expires_ms,"
            " events_max, events_left, status, version FROM subscription WHERE id = ?");
    struct vch_netsim_sub s = {0};
    bool found;

    vch_netsim_q_text(&q, id);
    found = vch_netsim_q_row(&q);
    if (found) {
        vch_netsim_q_copy(&q, 0, s.id, sizeof s.id);
        vch_netsim_q_copy(&q, 1, s.client, sizeof s.client);
        s.account = vch_netsim_q_get_int(&q, 2);
        vch_netsim_q_copy(&q, 3, s.selector, sizeof s.selector);
        s.types = (unsigned)vch_netsim_q_get_int(&q, 4);
        vch_netsim_q_copy(&q, 5, s.sink, sizeof s.sink);
        vch_netsim_q_copy(&q, 6, s.token, sizeof s.token);
        s.starts_ms = vch_netsim_q_get_int(&q, 7);
        s.expires_ms = vch_netsim_q_is_null(&q, 8) ? VCH_NETSIM_NEVER : vch_netsim_q_get_int(&q, 8);
        s.events_max = vch_netsim_q_get_int(&q, 9);
        s.events_left = vch_netsim_q_get_int(&q, 10);
        vch_netsim_q_copy(&q, 11, s.status, sizeof s.status);
        s.version = vch_netsim_q_get_int(&q, 12);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    VCH_CHECK(found, NETSIM_UNKNOWN);
    *ret = s;
    return VCH_OK;
}

/* A subscription of this very client; another's is as unknown as none. */
static vch_err own(const struct vch_netsim_cef *cef, const char *client, const char *id,
                   struct vch_netsim_sub *ret, struct vch_netsim_fault *f)
{
    vch_err e = vch_netsim_sub_load(cef->db, id, ret);

    if (vch_ok(e) && strcmp(ret->client, client) != 0) {
        e = VCH_E(NETSIM_UNKNOWN);
    }
    if (vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
        return vch_netsim_fail(f, 404, "NOT_FOUND", "no such subscription", e);
    }
    *f = vch_netsim_fault_of(e);
    return e;
}

/* The subscription as JSON. */
static vch_err show(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s, json_t **ret)
{
    struct vch_netsim_q q = vch_netsim_q(
        cef->db, "SELECT ref, last_seq FROM account_ref WHERE client = ? AND account = ?");
    json_t *o = json_object(), *types = json_array(), *config = json_object();
    vch_err e;

    for (unsigned bit = 1; bit <= VCH_NETSIM_EV_ALL; bit <<= 1) {
        if ((s->types & bit) != 0) {
            json_array_append_new(types,
                                  json_sprintf(TYPE_PREFIX "%s", vch_netsim_event_name(bit)));
        }
    }
    json_object_set_new(config, "subscriptionDetail", json_loads(s->selector, 0, NULL));
    if (s->expires_ms != VCH_NETSIM_NEVER) {
        json_object_set_new(config, "subscriptionExpireTime", vch_netsim_time_json(s->expires_ms));
    }
    if (s->events_max != 0) {
        json_object_set_new(config, "subscriptionMaxEvents", json_integer(s->events_max));
    }
    json_object_set_new(o, "id", json_string(s->id));
    json_object_set_new(o, "protocol", json_string("HTTP"));
    json_object_set_new(o, "sink", json_string(s->sink));
    json_object_set_new(o, "types", types);
    json_object_set_new(o, "config", config);
    json_object_set_new(o, "startsAt", vch_netsim_time_json(s->starts_ms));
    json_object_set_new(o, "expiresAt", vch_netsim_time_json(s->expires_ms));
    json_object_set_new(o, "status", json_string(s->status));
    json_object_set_new(o, "version", json_integer(s->version));
    vch_netsim_q_text(&q, s->client);
    vch_netsim_q_int(&q, s->account);
    if (vch_netsim_q_row(&q)) {
        json_object_set_new(o, "accountRef", json_string(vch_netsim_q_get_text(&q, 0)));
        json_object_set_new(o, "lastSeq", json_integer(vch_netsim_q_get_int(&q, 1)));
    }
    e = vch_netsim_q_end(&q);
    if (!vch_ok(e)) {
        json_decref(o);
        return e;
    }
    *ret = o;
    return VCH_OK;
}

static vch_err types_read(const json_t *list, unsigned *ret, struct vch_netsim_fault *f)
{
    unsigned types = 0;
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        unsigned bit = 1;

        if (text == NULL || strncmp(text, TYPE_PREFIX, sizeof TYPE_PREFIX - 1) != 0) {
            bit = VCH_NETSIM_EV_ENDED;
        }
        while (bit <= VCH_NETSIM_EV_ALL &&
               strcmp(vch_netsim_event_name(bit), text + sizeof TYPE_PREFIX - 1) != 0) {
            bit <<= 1;
        }
        if (bit > VCH_NETSIM_EV_ALL || (types & bit) != 0) {
            return vch_netsim_fail(f, 400, "INVALID_ARGUMENT",
                                   "types has an unknown or double name", VCH_E(NETSIM_ARGUMENT));
        }
        types |= bit;
    }
    if (types == 0) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "types must be a list of event types",
                               VCH_E(NETSIM_ARGUMENT));
    }
    *ret = types;
    return VCH_OK;
}

/* A URL that can only mean what it says: https, no user, no fragment, no dot segments. */
static bool sink_form(const char *s)
{
    if (strncmp(s, "https://", 8) != 0 || strlen(s) > 256 || strstr(s, "/.") != NULL ||
        strstr(s, "%2e") != NULL || strstr(s, "%2E") != NULL) {
        return false;
    }
    for (const char *p = s; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}@#", *p) != NULL) {
            return false;
        }
    }
    return true;
}

/* req: Y.2247-8.4-2 (a callback outside the registered set is refused) */
static vch_err sink_check(const struct vch_netsim_cef *cef, const char *client, const char *sink,
                          struct vch_netsim_fault *f)
{
    struct vch_netsim_q q =
        vch_netsim_q(cef->db, "SELECT prefix FROM client_sink WHERE client = ?");
    bool ok = false;

    vch_netsim_q_text(&q, client);
    while (vch_netsim_q_row(&q)) {
        const char *prefix = vch_netsim_q_get_text(&q, 0);
        size_t n = strlen(prefix);

        ok = ok || (n > 0 && prefix[n - 1] == '/' ? strncmp(sink, prefix, n) == 0
                                                  : strcmp(sink, prefix) == 0);
    }
    *f = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    VCH_TRY(vch_netsim_q_end(&q));
    if (!ok || !sink_form(sink)) {
        *f = vch_netsim_fault_of(VCH_E(NETSIM_SINK));
        return VCH_E(NETSIM_SINK);
    }
    return VCH_OK;
}

static vch_err token_read(const json_t *cred, struct vch_netsim_sub *s, struct vch_netsim_fault *f)
{
    const char *type = json_string_value(json_object_get(cred, "credentialType"));
    const char *bearer = json_string_value(json_object_get(cred, "accessTokenType"));
    const char *token = json_string_value(json_object_get(cred, "accessToken"));

    if (type == NULL || strcmp(type, "ACCESSTOKEN") != 0) {
        return vch_netsim_fail(f, 400, "INVALID_CREDENTIAL", "only ACCESSTOKEN is taken",
                               VCH_E(NETSIM_ARGUMENT));
    }
    if (bearer == NULL || strcmp(bearer, "bearer") != 0 || token == NULL || token[0] == '\0' ||
        strlen(token) >= sizeof s->token ||
        strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                      "nopqrstuvwxyz0123456789-._~+/=") != strlen(token)) {
        return vch_netsim_fail(f, 400, "INVALID_TOKEN", "a bearer token of up to 512 characters",
                               VCH_E(NETSIM_ARGUMENT));
    }
    vch_netsim_set(s->token, sizeof s->token, token);
    return VCH_OK;
}

static vch_err selector_read(const struct vch_netsim_cef *cef, const json_t *detail, int64_t now_ms,
                             struct vch_netsim_sub *s, struct vch_netsim_fault *f)
{
    static const char *const known[] = {"device", "sim", "equipment", "account", NULL};
    struct vch_netsim_names n;
    struct vch_netsim_account acc;
    json_t *o;
    char *text;

    if (!json_is_object(detail) || !vch_netsim_known(detail, known)) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "subscriptionDetail is malformed",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(vch_netsim_names_read(detail, &n, f));
    if ((n.given & (n.given - 1)) != 0) {
        return vch_netsim_fail(f, 422, "UNNECESSARY_IDENTIFIER", "exactly one identifier is taken",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(vch_netsim_account_find(cef, s->client, now_ms, &n, &acc, f));
    if (s->account != 0 && s->account != acc.id) {
        return vch_netsim_fail(f, 422, "SUBSCRIPTION_MISMATCH", "another account",
                               VCH_E(NETSIM_ARGUMENT));
    }
    s->account = acc.id;
    o = json_object();
    vch_netsim_names_put(&n, o);
    text = vch_netsim_dump(o);
    json_decref(o);
    VCH_ASSERT(text != NULL && strlen(text) < sizeof s->selector);
    vch_netsim_set(s->selector, sizeof s->selector, text);
    vch_mem_free(text);
    return VCH_OK;
}

static vch_err config_read(const struct vch_netsim_cef *cef, const json_t *config, int64_t now_ms,
                           struct vch_netsim_sub *s, struct vch_netsim_fault *f)
{
    static const char *const known[] = {"subscriptionDetail", "subscriptionExpireTime",
                                        "subscriptionMaxEvents", "initialEvent", NULL};
    const json_t *expire = json_object_get(config, "subscriptionExpireTime");
    const json_t *max = json_object_get(config, "subscriptionMaxEvents");
    const json_t *detail = json_object_get(config, "subscriptionDetail");
    const json_t *initial = json_object_get(config, "initialEvent");
    struct vch_time t;

    if (!json_is_object(config) || !vch_netsim_known(config, known) ||
        (initial != NULL && !json_is_boolean(initial))) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "config is malformed",
                               VCH_E(NETSIM_ARGUMENT));
    }
    if (detail != NULL) {
        VCH_TRY(selector_read(cef, detail, now_ms, s, f));
    }
    if (json_is_null(expire)) {
        s->expires_ms = VCH_NETSIM_NEVER;
    } else if (expire != NULL) {
        const char *text = json_string_value(expire);

        if (text == NULL || !vch_ok(vch_time_parse(vch_text(text), &t)) || t.ms <= now_ms) {
            return vch_netsim_fail(f, 400, "INVALID_ARGUMENT",
                                   "subscriptionExpireTime must be a time to come",
                                   VCH_E(NETSIM_ARGUMENT));
        }
        s->expires_ms = t.ms;
    }
    if (max != NULL) {
        if (!json_is_null(max) && (!json_is_integer(max) || json_integer_value(max) < 1 ||
                                   json_integer_value(max) > 1000000000)) {
            return vch_netsim_fail(f, 400, "OUT_OF_RANGE",
                                   "subscriptionMaxEvents must be 1 or more",
                                   VCH_E(NETSIM_ARGUMENT));
        }
        s->events_max = s->events_left = json_integer_value(max);
    }
    return VCH_OK;
}

/* The members that POST and PATCH share, into S. */
static vch_err body_read(const struct vch_netsim_cef *cef, const json_t *body, int64_t now_ms,
                         struct vch_netsim_sub *s, struct vch_netsim_fault *f)
{
    const json_t *sink = json_object_get(body, "sink"), *cred, *types, *config;

    if (sink != NULL) {
        const char *text = json_string_value(sink);

        if (text == NULL || strlen(text) >= sizeof s->sink) {
            *f = vch_netsim_fault_of(VCH_E(NETSIM_SINK));
            return VCH_E(NETSIM_SINK);
        }
        VCH_TRY(sink_check(cef, s->client, text, f));
        vch_netsim_set(s->sink, sizeof s->sink, text);
    }
    cred = json_object_get(body, "sinkCredential");
    if (cred != NULL) {
        VCH_TRY(token_read(cred, s, f));
    }
    types = json_object_get(body, "types");
    if (types != NULL) {
        VCH_TRY(types_read(types, &s->types, f));
    }
    config = json_object_get(body, "config");
    if (config != NULL) {
        VCH_TRY(config_read(cef, config, now_ms, s, f));
    }
    if (cef->subscription_max_ms > 0 &&
        (s->expires_ms == VCH_NETSIM_NEVER || s->expires_ms > now_ms + cef->subscription_max_ms)) {
        s->expires_ms = now_ms + cef->subscription_max_ms;
    }
    return VCH_OK;
}

/* req: Y.2247-8.4-2 (a second subscription for the same is refused) */
static vch_err duplicate_check(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                               struct vch_netsim_fault *f)
{
    struct vch_netsim_q q = vch_netsim_q(
        cef->db, "SELECT 1 FROM subscription WHERE client = ? AND account = ? AND"
                 " status = 'ACTIVE' AND (types & ?) <> 0 AND id <> COALESCE(?, '') LIMIT 1");
    bool twice;

    vch_netsim_q_text(&q, s->client);
    vch_netsim_q_int(&q, s->account);
    vch_netsim_q_int(&q, s->types);
    vch_netsim_q_text(&q, s->id);
    twice = vch_netsim_q_row(&q);
    *f = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    VCH_TRY(vch_netsim_q_end(&q));
    if (twice) {
        *f = vch_netsim_fault_of(VCH_E(NETSIM_DUPLICATE));
        return VCH_E(NETSIM_DUPLICATE);
    }
    return VCH_OK;
}

static vch_err store(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s)
{
    struct vch_netsim_q q = vch_netsim_q(
        cef->db, "INSERT INTO subscription(id, client, account, selector, types, sink, sink_token,"
                 " starts_ms, expires_ms, events_max, events_left, status, version)"
                 " VALUES(?,?,?,?,?,?,?,?,?,?,?,'ACTIVE',?) ON CONFLICT(id) DO UPDATE SET"
                 " selector = excluded.selector, types = excluded.types, sink = excluded.sink,"
                 " sink_token = excluded.sink_token, expires_ms = excluded.expires_ms,"
                 " events_max = excluded.events_max, events_left = excluded.events_left,"
                 " version = excluded.version");

    vch_netsim_q_text(&q, s->id);
    vch_netsim_q_text(&q, s->client);
    vch_netsim_q_int(&q, s->account);
    vch_netsim_q_text(&q, s->selector);
    vch_netsim_q_int(&q, s->types);
    vch_netsim_q_text(&q, s->sink);
    vch_netsim_q_text(&q, s->token);
    vch_netsim_q_int(&q, s->starts_ms);
    if (s->expires_ms == VCH_NETSIM_NEVER) {
        vch_netsim_q_null(&q);
    } else {
        vch_netsim_q_int(&q, s->expires_ms);
    }
    vch_netsim_q_int(&q, s->events_max);
    vch_netsim_q_int(&q, s->events_left);
    vch_netsim_q_int(&q, s->version);
    return vch_netsim_q_run(&q);
}

/* The state as it is, as an event of the first type, so that the client starts from something. */
static vch_err initial(const struct vch_netsim_cef *cef, const struct vch_netsim_sub *s,
                       int64_t now_ms)
{
    json_t *data = json_pack("{s:b}", "initial", 1);
    vch_err e = vch_netsim_event_make(cef, s, s->types & -s->types, now_ms, now_ms, data);

    json_decref(data);
    return e;
}

/* req: Y.2247-9.1-3 (a subscription northbound has its watch at the USM) */
vch_err vch_netsim_cef_subscribe(const struct vch_netsim_cef *cef, const char *client,
                                 int64_t now_ms, const json_t *request, json_t **ret,
                                 struct vch_netsim_fault *reterr)
{
    static const char *const known[] = {"sink",  "protocol", "sinkCredential",
                                        "types", "config",   NULL};
    const char *protocol = json_string_value(json_object_get(request, "protocol"));
    const json_t *config = json_object_get(request, "config");
    struct vch_netsim_sub s = {
        .starts_ms = now_ms, .expires_ms = VCH_NETSIM_NEVER, .status = "ACTIVE", .version = 1};
    char ref[33];

    if (!json_is_object(request) || !vch_netsim_known(request, known)) {
        return vch_netsim_fail(reterr, 400, "INVALID_ARGUMENT", "an unknown member",
                               VCH_E(NETSIM_ARGUMENT));
    }
    if (protocol == NULL || strcmp(protocol, "HTTP") != 0) {
        return vch_netsim_fail(reterr, 400, "INVALID_PROTOCOL", "only HTTP is served",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_ASSERT(strlen(client) < sizeof s.client);
    vch_netsim_set(s.client, sizeof s.client, client);
    VCH_TRY(body_read(cef, request, now_ms, &s, reterr));
    if (s.account == 0 || s.types == 0 || s.sink[0] == '\0') {
        return vch_netsim_fail(reterr, 400, "INVALID_ARGUMENT",
                               "sink, types and config.subscriptionDetail are needed",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(duplicate_check(cef, &s, reterr));
    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    VCH_TRY(vch_netsim_random_id(cef, s.id));
    VCH_TRY(vch_netsim_account_ref(cef, client, s.account, ref));
    VCH_TRY(store(cef, &s));
    VCH_TRY(cef->usm.watch(cef->usm.self, s.account, now_ms));
    if (json_is_true(json_object_get(config, "initialEvent"))) {
        VCH_TRY(initial(cef, &s, now_ms));
    }
    return show(cef, &s, ret);
}

/* req: Y.2247-8.4-3 (modified only by its owner, only from the version it has seen) */
vch_err vch_netsim_cef_patch(const struct vch_netsim_cef *cef, const char *client, int64_t now_ms,
                             const char *id, const char *if_match, const json_t *request,
                             json_t **ret, struct vch_netsim_fault *reterr)
{
    static const char *const known[] = {"sink", "sinkCredential", "types", "config", NULL};
    struct vch_netsim_sub s;
    char tag[32];

    VCH_TRY(own(cef, client, id, &s, reterr));
    if (if_match == NULL) {
        return vch_netsim_fail(reterr, 428, "PRECONDITION_REQUIRED", "If-Match is needed",
                               VCH_E(NETSIM_VERSION));
    }
    (void)snprintf(tag, sizeof tag, "\"%lld\"", (long long)s.version);
    if (strcmp(tag, if_match) != 0) {
        *reterr = vch_netsim_fault_of(VCH_E(NETSIM_VERSION));
        return VCH_E(NETSIM_VERSION);
    }
    if (strcmp(s.status, "ACTIVE") != 0) {
        return vch_netsim_fail(reterr, 409, "CONFLICT", "the subscription has ended",
                               VCH_E(NETSIM_STATE));
    }
    if (!json_is_object(request) || json_object_size(request) == 0 ||
        !vch_netsim_known(request, known) ||
        json_object_get(json_object_get(request, "config"), "initialEvent") != NULL) {
        return vch_netsim_fail(reterr, 400, "INVALID_ARGUMENT", "an unknown member",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(body_read(cef, request, now_ms, &s, reterr));
    VCH_TRY(duplicate_check(cef, &s, reterr));
    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    s.version++;
    VCH_TRY(store(cef, &s));
    return show(cef, &s, ret);
}

/* req: Y.2247-8.4-4 (cancelled only by its owner; others of the same account go on) */
vch_err vch_netsim_cef_cancel(const struct vch_netsim_cef *cef, const char *client, const char *id,
                              struct vch_netsim_fault *reterr)
{
    struct vch_netsim_sub s;
    struct vch_netsim_q q;

    VCH_TRY(own(cef, client, id, &s, reterr));
    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    q = vch_netsim_q(cef->db, "DELETE FROM outbox WHERE subscription = ?");
    vch_netsim_q_text(&q, s.id);
    VCH_TRY(vch_netsim_q_run(&q));
    q = vch_netsim_q(cef->db, "DELETE FROM subscription WHERE id = ?");
    vch_netsim_q_text(&q, s.id);
    VCH_TRY(vch_netsim_q_run(&q));
    return vch_netsim_unwatch_unneeded(cef, s.account);
}

vch_err vch_netsim_cef_get(const struct vch_netsim_cef *cef, const char *client, const char *id,
                           json_t **ret, struct vch_netsim_fault *reterr)
{
    struct vch_netsim_sub s;

    VCH_TRY(own(cef, client, id, &s, reterr));
    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    return show(cef, &s, ret);
}

vch_err vch_netsim_cef_list(const struct vch_netsim_cef *cef, const char *client, const char *after,
                            unsigned limit, json_t **ret, struct vch_netsim_fault *reterr)
{
    json_t *list = json_array();
    char id[33] = "";
    vch_err e = VCH_OK;

    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    if (after != NULL && strlen(after) < sizeof id) {
        vch_netsim_set(id, sizeof id, after);
    }
    while (vch_ok(e) && json_array_size(list) < limit) {
        struct vch_netsim_q q = vch_netsim_q(
            cef->db, "SELECT id FROM subscription WHERE client = ? AND id > COALESCE(?, '')"
                     " ORDER BY id LIMIT 1");
        struct vch_netsim_sub s;
        json_t *one = NULL;
        bool found;

        vch_netsim_q_text(&q, client);
        vch_netsim_q_text(&q, id);
        found = vch_netsim_q_row(&q);
        if (found) {
            vch_netsim_q_copy(&q, 0, id, sizeof id);
        }
        e = vch_netsim_q_end(&q);
        if (!vch_ok(e) || !found) {
            break;
        }
        e = vch_netsim_sub_load(cef->db, id, &s);
        if (vch_ok(e)) {
            e = show(cef, &s, &one);
        }
        if (vch_ok(e)) {
            json_array_append_new(list, one);
        }
    }
    if (!vch_ok(e)) {
        json_decref(list);
        return e;
    }
    *ret = list;
    return VCH_OK;
}
