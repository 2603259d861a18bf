/* Who is meant, and may this client know? */
#include "cef_int.h"

vch_err vch_netsim_fail(struct vch_netsim_fault *f, unsigned status, const char *code,
                        const char *message, vch_err e)
{
    *f = (struct vch_netsim_fault){status, code, message};
    return e;
}

struct vch_netsim_fault vch_netsim_fault_of(vch_err e)
{
    static const struct {
        vch_err err;
        struct vch_netsim_fault fault;
    } table[] = {
        {{VCH_E_NETSIM_ARGUMENT_CODE}, {400, "INVALID_ARGUMENT", "the request is malformed"}},
        {{VCH_E_NETSIM_UNKNOWN_CODE}, {404, "IDENTIFIER_NOT_FOUND", "no such device"}},
        {{VCH_E_NETSIM_TOKEN_CODE}, {401, "UNAUTHENTICATED", "a valid access token is needed"}},
        {{VCH_E_NETSIM_SCOPE_CODE}, {403, "PERMISSION_DENIED", "the client lacks the scope"}},
        {{VCH_E_NETSIM_DUPLICATE_CODE},
         {409, "ALREADY_EXISTS", "an active subscription covers this already"}},
        {{VCH_E_NETSIM_VERSION_CODE},
         {412, "PRECONDITION_FAILED", "the subscription was changed since"}},
        {{VCH_E_NETSIM_SINK_CODE}, {400, "INVALID_SINK", "the sink is not registered"}},
        {{VCH_E_NETSIM_USM_CODE}, {504, "TIMEOUT", "the network does not answer"}},
        {{VCH_E_NETSIM_DB_CODE}, {503, "UNAVAILABLE", "try again later"}},
        {{VCH_E_LIMIT_CODE}, {400, "OUT_OF_RANGE", "more than is allowed"}},
    };

    for (size_t i = 0; i < VCH_ARRAY_LEN(table); i++) {
        if (vch_err_is(table[i].err, e)) {
            return table[i].fault;
        }
    }
    return (struct vch_netsim_fault){500, "INTERNAL", "the server failed"};
}

bool vch_netsim_known(const json_t *obj, const char *const *known)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)obj, key, value)
    {
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            return false;
        }
    }
    return true;
}

static const struct {
    const char *object;
    const char *member;
    enum vch_netsim_kind kind;
} selectors[] = {{"device", "phoneNumber", VCH_NETSIM_MSISDN},
                 {"sim", "iccid", VCH_NETSIM_ICCID},
                 {"sim", "eid", VCH_NETSIM_EID},
                 {"equipment", "imei", VCH_NETSIM_IMEI},
                 {"account", "accountRef", VCH_NETSIM_REF}};

static char *names_room(struct vch_netsim_names *n, enum vch_netsim_kind kind, size_t *ret_cap)
{
    switch (kind) {
    case VCH_NETSIM_MSISDN:
        *ret_cap = sizeof n->ids.msisdn;
        return n->ids.msisdn;
    case VCH_NETSIM_ICCID:
        *ret_cap = sizeof n->ids.iccid;
        return n->ids.iccid;
    case VCH_NETSIM_EID:
        *ret_cap = sizeof n->ids.eid;
        return n->ids.eid;
    case VCH_NETSIM_IMEI:
        *ret_cap = sizeof n->ids.imei;
        return n->ids.imei;
    case VCH_NETSIM_REF:
        *ret_cap = sizeof n->ref;
        return n->ref;
    }
    return NULL;
}

static vch_err name_read(struct vch_netsim_names *n, enum vch_netsim_kind kind, const json_t *value,
                         struct vch_netsim_fault *f)
{
    const char *text = json_string_value(value);
    size_t cap = 0;
    char *room = names_room(n, kind, &cap);
    bool ok = text != NULL && strlen(text) == json_string_length(value);

    if (ok && kind == VCH_NETSIM_REF) {
        ok = strlen(text) == cap - 1;
        if (ok) {
            memcpy(room, text, cap);
        }
    } else if (ok) {
        ok = vch_ok(vch_netsim_canon(kind, text, room, cap));
    }
    if (!ok) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "an identifier is malformed",
                               VCH_E(NETSIM_ARGUMENT));
    }
    n->given |= kind;
    return VCH_OK;
}

/* The members of one object; what CAMARA knows and this operator does not is told apart. */
static vch_err object_read(struct vch_netsim_names *n, const char *name, const json_t *obj,
                           struct vch_netsim_fault *f)
{
    const char *key;
    json_t *value;

    if (!json_is_object(obj) || json_object_size(obj) == 0) {
        return vch_netsim_fail(f, 400, "INVALID_ARGUMENT", "an object without an identifier",
                               VCH_E(NETSIM_ARGUMENT));
    }
    json_object_foreach((json_t *)(uintptr_t)obj, key, value)
    {
        size_t i = 0;

        while (i < VCH_ARRAY_LEN(selectors) &&
               (strcmp(selectors[i].object, name) != 0 || strcmp(selectors[i].member, key) != 0)) {
            i++;
        }
        if (i == VCH_ARRAY_LEN(selectors)) {
            bool camara = strcmp(name, "device") == 0 &&
                          (strcmp(key, "networkAccessIdentifier") == 0 ||
                           strcmp(key, "ipv4Address") == 0 || strcmp(key, "ipv6Address") == 0);

            return camara
                       ? vch_netsim_fail(f, 422, "UNSUPPORTED_IDENTIFIER",
                                         "this kind of identifier is not served",
                                         VCH_E(NETSIM_ARGUMENT))
                       : vch_netsim_fail(f, 400, "INVALID_ARGUMENT",
                                         "an unknown kind of identifier", VCH_E(NETSIM_ARGUMENT));
        }
        VCH_TRY(name_read(n, selectors[i].kind, value, f));
    }
    return VCH_OK;
}

vch_err vch_netsim_names_read(const json_t *obj, struct vch_netsim_names *ret,
                              struct vch_netsim_fault *reterr)
{
    static const char *const objects[] = {"device", "sim", "equipment", "account"};
    struct vch_netsim_names n = {0};

    for (size_t i = 0; i < VCH_ARRAY_LEN(objects); i++) {
        const json_t *o = json_object_get(obj, objects[i]);

        if (o != NULL) {
            VCH_TRY(object_read(&n, objects[i], o, reterr));
        }
    }
    if (n.given == 0) {
        return vch_netsim_fail(reterr, 422, "MISSING_IDENTIFIER", "an identifier is needed",
                               VCH_E(NETSIM_ARGUMENT));
    }
    *ret = n;
    return VCH_OK;
}

const char *vch_netsim_names_text(const struct vch_netsim_names *n, unsigned kind)
{
    switch (kind) {
    case VCH_NETSIM_MSISDN:
        return n->ids.msisdn;
    case VCH_NETSIM_ICCID:
        return n->ids.iccid;
    case VCH_NETSIM_EID:
        return n->ids.eid;
    case VCH_NETSIM_IMEI:
        return n->ids.imei;
    default:
        return n->ref;
    }
}

void vch_netsim_names_put(const struct vch_netsim_names *n, json_t *obj)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(selectors); i++) {
        if ((n->given & selectors[i].kind) != 0) {
            json_t *o = json_object_get(obj, selectors[i].object);

            if (o == NULL) {
                o = json_object();
                json_object_set_new(obj, selectors[i].object, o);
            }
            json_object_set_new(o, selectors[i].member,
                                json_string(vch_netsim_names_text(n, selectors[i].kind)));
        }
    }
}

static vch_err find_ref(const struct vch_netsim_cef *cef, const char *client, const char *ref,
                        int64_t *ret_account)
{
    struct vch_netsim_q q =
        vch_netsim_q(cef->db, "SELECT account FROM account_ref WHERE ref = ? AND client = ?");
    int64_t account = 0;

    vch_netsim_q_text(&q, ref);
    vch_netsim_q_text(&q, client);
    if (vch_netsim_q_row(&q)) {
        account = vch_netsim_q_get_int(&q, 0);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    VCH_CHECK(account != 0, NETSIM_UNKNOWN);
    *ret_account = account;
    return VCH_OK;
}

vch_err vch_netsim_entitled(const struct vch_netsim_cef *cef, const char *client,
                            const struct vch_netsim_account *a)
{
    struct vch_netsim_q q = vch_netsim_q(cef->db, "SELECT 1 FROM client_segment WHERE client = ?"
                                                  " AND segment IN (?, '*')");
    bool yes, consent = false;

    vch_netsim_q_text(&q, client);
    vch_netsim_q_text(&q, a->segment);
    yes = vch_netsim_q_row(&q);
    VCH_TRY(vch_netsim_q_end(&q));
    VCH_TRY(cef->usm.consent(cef->usm.self, a->id, client, &consent));
    VCH_CHECK(yes && consent, NETSIM_UNKNOWN);
    return VCH_OK;
}

vch_err vch_netsim_account_find(const struct vch_netsim_cef *cef, const char *client,
                                int64_t now_ms, const struct vch_netsim_names *n,
                                struct vch_netsim_account *ret, struct vch_netsim_fault *reterr)
{
    static const unsigned order[] = {VCH_NETSIM_MSISDN, VCH_NETSIM_ICCID, VCH_NETSIM_EID,
                                     VCH_NETSIM_IMEI, VCH_NETSIM_REF};

    for (size_t i = 0; i < VCH_ARRAY_LEN(order); i++) {
        const char *text = vch_netsim_names_text(n, order[i]);
        int64_t account = 0;
        vch_err e;

        if ((n->given & order[i]) == 0) {
            continue;
        }
        e = order[i] == VCH_NETSIM_REF
                ? find_ref(cef, client, text, &account)
                : cef->usm.find(cef->usm.self, (enum vch_netsim_kind)order[i], text, now_ms,
                                &account);
        if (vch_ok(e)) {
            e = cef->usm.read(cef->usm.self, account, now_ms, ret);
        }
        if (vch_ok(e)) {
            e = vch_netsim_entitled(cef, client, ret);
        }
        if (!vch_err_is(e, VCH_E(NETSIM_UNKNOWN))) {
            *reterr = vch_netsim_fault_of(e);
            return e;
        }
    }
    *reterr = vch_netsim_fault_of(VCH_E(NETSIM_UNKNOWN));
    return VCH_E(NETSIM_UNKNOWN);
}

vch_err vch_netsim_random_id(const struct vch_netsim_cef *cef, char ret[33])
{
    uint8_t b[16];

    VCH_TRY(cef->random(cef->random_self, VCH_SPAN_OF(b)));
    (void)vch_hex_encode(VCH_BYTES_OF(b), vch_span(ret, 33));
    return VCH_OK;
}

/* The reference that SELECT finds for the client and the id, or a new one that INSERT keeps. */
static vch_err pairwise(const struct vch_netsim_cef *cef, const char *select, const char *insert,
                        const char *client, int64_t id, char ret[33])
{
    struct vch_netsim_q q = vch_netsim_q(cef->db, select);
    bool found;

    vch_netsim_q_text(&q, client);
    vch_netsim_q_int(&q, id);
    found = vch_netsim_q_row(&q);
    if (found) {
        vch_netsim_q_copy(&q, 0, ret, 33);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    if (found) {
        return VCH_OK;
    }
    VCH_TRY(vch_netsim_random_id(cef, ret));
    q = vch_netsim_q(cef->db, insert);
    vch_netsim_q_text(&q, client);
    vch_netsim_q_int(&q, id);
    vch_netsim_q_text(&q, ret);
    return vch_netsim_q_run(&q);
}

vch_err vch_netsim_account_ref(const struct vch_netsim_cef *cef, const char *client,
                               int64_t account, char ret[33])
{
    return pairwise(cef, "SELECT ref FROM account_ref WHERE client = ? AND account = ?",
                    "INSERT INTO account_ref(client, account, ref) VALUES(?, ?, ?)", client,
                    account, ret);
}

vch_err vch_netsim_owner_ref(const struct vch_netsim_cef *cef, const char *client, int64_t customer,
                             char ret[33])
{
    return pairwise(cef, "SELECT ref FROM owner_ref WHERE client = ? AND customer = ?",
                    "INSERT INTO owner_ref(client, customer, ref) VALUES(?, ?, ?)", client,
                    customer, ret);
}
