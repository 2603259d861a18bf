/* What a client is told of an account: retrieve, batch, match. */
#include "cef_int.h"

#define TYP_STATUS "divs-status+jws"
#define TYP_MATCH  "divs-match+jws"

static const struct {
    const char *name;
    unsigned group;
} groups[] = {{"contract", VCH_NETSIM_G_CONTRACT},
              {"services", VCH_NETSIM_G_SERVICES},
              {"binding", VCH_NETSIM_G_BINDING},
              {"area", VCH_NETSIM_G_AREA},
              {"owner", VCH_NETSIM_G_OWNER},
              {"assurance", VCH_NETSIM_G_ASSURANCE},
              {"historyAvailableFrom", VCH_NETSIM_G_HISTORY}};

static const struct {
    const char *name;
    enum vch_netsim_kind kind;
} kinds[] = {{"msisdn", VCH_NETSIM_MSISDN},
             {"iccid", VCH_NETSIM_ICCID},
             {"eid", VCH_NETSIM_EID},
             {"imei", VCH_NETSIM_IMEI}};

char *vch_netsim_dump(const json_t *obj)
{
    size_t n = json_dumpb(obj, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS);
    char *text;

    if (n == 0) {
        return NULL;
    }
    text = vch_mem_alloc(n + 1);
    VCH_ASSERT(json_dumpb(obj, text, n, JSON_COMPACT | JSON_SORT_KEYS) == n);
    return text;
}

json_t *vch_netsim_time_json(int64_t ms)
{
    char text[VCH_TIME_TEXT_MAX];

    return ms == VCH_NETSIM_NEVER
               ? json_null()
               : json_string(vch_time_text((struct vch_time){ms}, VCH_SPAN_OF(text)));
}

/* Members of the groups, "binding.imei" and the like, that can be asked for one by one. */
static const char *const members[] = {
    "contract.status",       "contract.type",        "contract.startDate", "contract.endDate",
    "contract.terminatedAt", "contract.statusSince", "services.data",      "binding.imei",
    "binding.tac",           "binding.iccid",        "binding.eid",        "binding.msisdn",
    "binding.bindStatus",    "binding.since",        "owner.ownerRef",     "owner.since",
    "area.areaLimitStatus",  "area.limitArea",       "assurance.method"};

/* The wish list: groups as bits, single members as the strings of the request. */
struct wish {
    unsigned groups;    /* asked whole */
    const json_t *list; /* NULL: everything */
};

static vch_err wish_read(const json_t *fields, struct wish *ret, struct vch_netsim_fault *f)
{
    struct wish w = {VCH_NETSIM_G_ALL, NULL};
    json_t *item;
    size_t i;

    if (fields != NULL) {
        w = (struct wish){0, fields};
        if (!json_is_array(fields) || json_array_size(fields) == 0) {
            return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "fields must be a list of names",
                                   VCH_E(NETSIM_ARGUMENT));
        }
        json_array_foreach(fields, i, item)
        {
            const char *name = json_string_value(item);
            bool known = false;

            for (size_t k = 0; name != NULL && k < VCH_ARRAY_LEN(groups); k++) {
                if (strcmp(groups[k].name, name) == 0) {
                    w.groups |= groups[k].group;
                    known = true;
                }
            }
            for (size_t k = 0; name != NULL && k < VCH_ARRAY_LEN(members); k++) {
                known = known || strcmp(members[k], name) == 0;
            }
            if (!known) {
                return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "fields has an unknown name",
                                       VCH_E(NETSIM_ARGUMENT));
            }
        }
    }
    *ret = w;
    return VCH_OK;
}

static bool wished(const struct wish *w, unsigned group, const char *path)
{
    json_t *item;
    size_t i;

    if ((w->groups & group) != 0) {
        return true;
    }
    json_array_foreach(w->list, i, item)
    {
        if (strcmp(json_string_value(item), path) == 0) {
            return true;
        }
    }
    return false;
}

/* Puts VALUE as group.name into the answer where it is wished and the policy allows it. */
struct answer {
    const struct vch_netsim_cef *cef;
    const struct wish *wish;
    json_t *obj, *withheld;
};

static void put(struct answer *a, unsigned group, const char *name, json_t *value)
{
    const char *outer = "";
    char path[64];
    json_t *o;

    for (size_t i = 0; i < VCH_ARRAY_LEN(groups); i++) {
        outer = groups[i].group == group ? groups[i].name : outer;
    }
    (void)snprintf(path, sizeof path, "%s.%s", outer, name);
    if (!wished(a->wish, group, path)) {
        json_decref(value);
        return;
    }
    if ((a->cef->groups & group) == 0) {
        json_array_append_new(a->withheld, json_string(path));
        json_decref(value);
        return;
    }
    o = json_object_get(a->obj, outer);
    if (o == NULL) {
        o = json_object();
        json_object_set_new(a->obj, outer, o);
    }
    json_object_set_new(o, name, value);
}

static void put_id(struct answer *a, enum vch_netsim_kind kind, const char *name, const char *text)
{
    char path[32];

    if (text[0] == '\0') {
        return;
    }
    if ((a->cef->match_only & kind) == 0) {
        put(a, VCH_NETSIM_G_BINDING, name, json_string(text));
        return;
    }
    (void)snprintf(path, sizeof path, "binding.%s", name);
    if (wished(a->wish, VCH_NETSIM_G_BINDING, path)) {
        json_array_append_new(a->withheld, json_string(path));
    }
}

static void put_area(struct answer *a, const char *area)
{
    put(a, VCH_NETSIM_G_AREA, "areaLimitStatus",
        json_string(area[0] == '\0' ? "UNRESTRICTED" : "RESTRICTED"));
    if (area[0] != '\0') {
        put(a, VCH_NETSIM_G_AREA, "limitArea", json_loads(area, 0, NULL));
    }
}

static void put_account(struct answer *a, const struct vch_netsim_account *acc, const char *owner)
{
    char tac[9] = "";

    put(a, VCH_NETSIM_G_CONTRACT, "status", json_string(acc->status));
    put(a, VCH_NETSIM_G_CONTRACT, "type", json_string(acc->type));
    put(a, VCH_NETSIM_G_CONTRACT, "startDate", vch_netsim_time_json(acc->start_ms));
    put(a, VCH_NETSIM_G_CONTRACT, "endDate", vch_netsim_time_json(acc->end_ms));
    put(a, VCH_NETSIM_G_CONTRACT, "terminatedAt", vch_netsim_time_json(acc->terminated_ms));
    put(a, VCH_NETSIM_G_CONTRACT, "statusSince", vch_netsim_time_json(acc->since_ms));
    put(a, VCH_NETSIM_G_SERVICES, "data", json_string(acc->data_service));
    put_id(a, VCH_NETSIM_MSISDN, "msisdn", acc->ids.msisdn);
    put_id(a, VCH_NETSIM_ICCID, "iccid", acc->ids.iccid);
    put_id(a, VCH_NETSIM_EID, "eid", acc->ids.eid);
    put_id(a, VCH_NETSIM_IMEI, "imei", acc->ids.imei);
    (void)memcpy(tac, acc->ids.imei, 8);
    put_id(a, VCH_NETSIM_IMEI, "tac", tac);
    put(a, VCH_NETSIM_G_BINDING, "bindStatus", json_string(acc->bind_status));
    put(a, VCH_NETSIM_G_BINDING, "since", vch_netsim_time_json(acc->bound_ms));
    put_area(a, acc->area);
    put(a, VCH_NETSIM_G_OWNER, "ownerRef", json_string(owner));
    put(a, VCH_NETSIM_G_OWNER, "since", vch_netsim_time_json(acc->owner_ms));
    /* Nothing proves here that the device holds the SIM: what is told is what the contract says. */
    put(a, VCH_NETSIM_G_ASSURANCE, "method", json_string("SELF_ASSERTED"));
    if ((a->wish->groups & a->cef->groups & VCH_NETSIM_G_HISTORY) != 0) {
        json_object_set_new(a->obj, "historyAvailableFrom", vch_netsim_time_json(acc->history_ms));
    }
}

/* What every signed answer begins with. */
static json_t *head(const struct vch_netsim_cef *cef, const char *client,
                    const struct vch_netsim_names *n, const char *ref, int64_t now_ms)
{
    json_t *o = json_object(), *request = json_object();

    json_object_set_new(o, "issuer", json_string(cef->operator_id));
    json_object_set_new(o, "audience", json_string(client));
    vch_netsim_names_put(n, request);
    json_object_set_new(o, "request", request);
    json_object_set_new(o, "accountRef", json_string(ref));
    json_object_set_new(o, "lastChecked", vch_netsim_time_json(now_ms));
    return o;
}

/* Signs the object and puts the signature into it. On failure OBJ is given back. */
static vch_err seal(const struct vch_netsim_cef *cef, const char *typ, json_t *obj, json_t **ret,
                    struct vch_netsim_fault *f)
{
    char *jws = NULL;
    vch_err e = vch_netsim_sign(cef, typ, obj, &jws);

    if (!vch_ok(e)) {
        *f = vch_netsim_fault_of(e);
        json_decref(obj);
        return e;
    }
    json_object_set_new(obj, "evidence", json_string(jws));
    vch_mem_free(jws);
    *ret = obj;
    return VCH_OK;
}

static vch_err retrieve_one(const struct vch_netsim_cef *cef, const char *client, int64_t now_ms,
                            const json_t *request, const struct wish *wish, json_t **ret,
                            struct vch_netsim_fault *f)
{
    struct vch_netsim_names n;
    struct vch_netsim_account acc;
    struct answer a = {cef, wish, NULL, NULL};
    char ref[33], owner[33];

    VCH_TRY(vch_netsim_names_read(request, &n, f));
    if ((n.given & (n.given - 1)) != 0) {
        return vch_netsim_fail(f, 422, "UNNECESSARY_IDENTIFIER", "exactly one identifier is taken",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(vch_netsim_account_find(cef, client, now_ms, &n, &acc, f));
    *f = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    VCH_TRY(vch_netsim_account_ref(cef, client, acc.id, ref));
    VCH_TRY(vch_netsim_owner_ref(cef, client, acc.customer, owner));
    a.obj = head(cef, client, &n, ref, now_ms);
    a.withheld = json_array();
    put_account(&a, &acc, owner);
    json_object_set_new(a.obj, "withheld", a.withheld);
    return seal(cef, TYP_STATUS, a.obj, ret, f);
}

vch_err vch_netsim_cef_retrieve(const struct vch_netsim_cef *cef, const char *client,
                                int64_t now_ms, const json_t *request, json_t **ret,
                                struct vch_netsim_fault *reterr)
{
    static const char *const known[] = {"device", "sim", "equipment", "account", "fields", NULL};
    struct wish wish;

    if (!json_is_object(request) || !vch_netsim_known(request, known)) {
        return vch_netsim_fail(reterr, 400, "INVALID_ARGUMENT", "an unknown member",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(wish_read(json_object_get(request, "fields"), &wish, reterr));
    return retrieve_one(cef, client, now_ms, request, &wish, ret, reterr);
}

vch_err vch_netsim_cef_batch(const struct vch_netsim_cef *cef, const char *client, int64_t now_ms,
                             const json_t *request, json_t **ret, struct vch_netsim_fault *reterr)
{
    static const char *const known[] = {"requests", "fields", NULL};
    static const char *const known_one[] = {"device", "sim", "equipment", "account", NULL};
    const json_t *list = json_object_get(request, "requests");
    json_t *results, *item;
    struct wish wish;
    size_t i;

    if (!json_is_object(request) || !vch_netsim_known(request, known) || !json_is_array(list) ||
        json_array_size(list) == 0) {
        return vch_netsim_fail(reterr, 400, "INVALID_ARGUMENT", "requests must be a list",
                               VCH_E(NETSIM_ARGUMENT));
    }
    if (json_array_size(list) > cef->batch_max) {
        return vch_netsim_fail(reterr, 400, "OUT_OF_RANGE", "too many requests in one batch",
                               VCH_E(LIMIT));
    }
    VCH_TRY(wish_read(json_object_get(request, "fields"), &wish, reterr));
    results = json_array();
    json_array_foreach(list, i, item)
    {
        struct vch_netsim_fault f = {400, "INVALID_ARGUMENT", "an unknown member"};
        json_t *one = NULL;
        vch_err e = json_is_object(item) && vch_netsim_known(item, known_one)
                        ? retrieve_one(cef, client, now_ms, item, &wish, &one, &f)
                        : VCH_E(NETSIM_ARGUMENT);

        /* A failure of the operator is one of the whole: no partial answer. */
        if (!vch_ok(e) && f.status >= 500) {
            *reterr = f;
            json_decref(results);
            return e;
        }
        json_array_append_new(results, vch_ok(e)
                                           ? one
                                           : json_pack("{s:i, s:s, s:s}", "status", (int)f.status,
                                                       "code", f.code, "message", f.message));
    }
    *ret = json_pack("{s:o}", "results", results);
    return VCH_OK;
}

vch_err vch_netsim_cef_match(const struct vch_netsim_cef *cef, const char *client, int64_t now_ms,
                             const json_t *request, json_t **ret, struct vch_netsim_fault *reterr)
{
    static const char *const known[] = {"device", "sim", "equipment", "account", NULL};
    struct vch_netsim_names n, has = {0};
    struct vch_netsim_account acc;
    json_t *obj, *match;
    char ref[33];

    if (!json_is_object(request) || !vch_netsim_known(request, known)) {
        return vch_netsim_fail(reterr, 400, "INVALID_ARGUMENT", "an unknown member",
                               VCH_E(NETSIM_ARGUMENT));
    }
    VCH_TRY(vch_netsim_names_read(request, &n, reterr));
    VCH_TRY(vch_netsim_account_find(cef, client, now_ms, &n, &acc, reterr));
    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_DB));
    VCH_TRY(vch_netsim_account_ref(cef, client, acc.id, ref));
    has.ids = acc.ids;
    obj = head(cef, client, &n, ref, now_ms);
    match = json_object();
    for (size_t i = 0; i < VCH_ARRAY_LEN(kinds); i++) {
        if ((n.given & kinds[i].kind) != 0) {
            bool same = strcmp(vch_netsim_names_text(&n, kinds[i].kind),
                               vch_netsim_names_text(&has, kinds[i].kind)) == 0;

            json_object_set_new(match, kinds[i].name, json_boolean(same));
        }
    }
    json_object_set_new(obj, "match", match);
    return seal(cef, TYP_MATCH, obj, ret, reterr);
}
