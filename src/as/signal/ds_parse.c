/* Requests of recipients, strictly. req: Y.2247-8.4-8 */
#include "ds.h"

#include <vouch/stmt/identity.h>

vch_err vch_as_ds_parse(struct vch_bytes body, json_t **ret)
{
    json_t *j = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(j)) {
        json_decref(j);
        return VCH_E(AS_QUERY);
    }
    *ret = j;
    return VCH_OK;
}

vch_err vch_as_ds_members(const json_t *object, const char *const *known)
{
    const char *name;
    json_t *value;

    VCH_CHECK(json_is_object(object), AS_QUERY);
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], name) != 0) {
            i++;
        }
        VCH_CHECK(known[i] != NULL, AS_QUERY);
    }
    return VCH_OK;
}

vch_err vch_as_ds_bool(const json_t *object, const char *name, bool *ret)
{
    const json_t *v = json_object_get(object, name);

    VCH_CHECK(v == NULL || json_is_boolean(v), AS_QUERY);
    *ret = json_is_true(v);
    return VCH_OK;
}

vch_err vch_as_ds_txid(const json_t *text, struct vch_hash *ret)
{
    struct vch_bytes b;

    VCH_CHECK(json_is_string(text) && json_string_length(text) == 2 * sizeof ret->b, AS_QUERY);
    VCH_CHECK(vch_ok(vch_hex_decode(vch_text(json_string_value(text)), VCH_SPAN_OF(ret->b), &b)),
              AS_QUERY);
    return VCH_OK;
}

/* req: Y.2247-7.2.3-12 */
vch_err vch_as_ds_fields(struct call *c, const json_t *object, uint64_t *ret)
{
    const json_t *list = json_object_get(object, "fields");
    uint64_t fields = 0;

    if (list == NULL) {
        *ret = c->caller.user.fields;
        return VCH_OK;
    }
    VCH_CHECK(json_is_array(list), AS_QUERY);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        unsigned key;

        VCH_CHECK(json_is_string(name), AS_QUERY);
        key = vch_as_field_key(vch_text(json_string_value(name)));
        VCH_CHECK(key != 0, AS_QUERY);
        fields |= UINT64_C(1) << key;
    }
    VCH_CHECK((fields & ~c->caller.user.fields) == 0, AS_FIELDS);
    *ret = fields;
    return VCH_OK;
}

/* req: Y.2247-7.2.3-6 */
vch_err vch_as_ds_entry(struct call *c, const json_t *object)
{
    const json_t *entry = json_object_get(object, "entry");
    const json_t *ledger = json_array_get(entry, 0), *url = json_array_get(entry, 1);

    if (entry == NULL) {
        return VCH_OK;
    }
    VCH_CHECK(json_is_array(entry) && json_array_size(entry) == 2 && json_is_string(ledger) &&
                  json_is_string(url),
              AS_QUERY);
    VCH_CHECK(strcmp(json_string_value(ledger), c->as->o.ledger->id) == 0 &&
                  strcmp(json_string_value(url), c->as->url) == 0,
              AS_ENTRY_ADDRESS);
    return VCH_OK;
}

vch_err vch_as_ds_identity(const json_t *object, struct vch_edi_ids *ret)
{
    static const char *const known[] = {"imei", "iccid", "msisdn", "eid", NULL};
    const json_t *id = json_object_get(object, "identity");
    char room[VCH_IDENTITY_ROOM];
    struct vch_disclosure d;
    struct vch_bytes canon;
    size_t n = 0;

    memset(ret, 0, sizeof *ret);
    VCH_TRY(vch_as_ds_members(id, known));
    for (size_t i = 0; known[i] != NULL; i++) {
        const json_t *v = json_object_get(id, known[i]);

        if (v == NULL) {
            continue;
        }
        VCH_CHECK(json_is_string(v), AS_QUERY);
        d.key = vch_as_field_key(vch_text(known[i]));
        VCH_TRY(vch_stmt_identity_canon((enum vch_disc_key)d.key, vch_text(json_string_value(v)),
                                        VCH_SPAN_OF(room), &canon));
        d.value = vch_stmt_disc_text(canon);
        VCH_TRY(vch_as_ids_add(ret, &d));
        n++;
    }
    VCH_CHECK(n > 0, AS_QUERY);
    return VCH_OK;
}
