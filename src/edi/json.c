/* Between JSON and the structures. */
#include <vouch/stmt/identity.h>

#include "edi_int.h"

static const struct {
    const char *object;
    const char *member;
    enum vch_edi_kind kind;
    enum vch_disc_key key;
} kinds[] = {{"device", "phoneNumber", VCH_EDI_MSISDN, VCH_DISC_MSISDN},
             {"sim", "iccid", VCH_EDI_ICCID, VCH_DISC_ICCID},
             {"sim", "eid", VCH_EDI_EID, VCH_DISC_EID},
             {"equipment", "imei", VCH_EDI_IMEI, VCH_DISC_IMEI}};

static char *ids_room(struct vch_edi_ids *ids, enum vch_edi_kind kind, size_t *ret_cap)
{
    switch (kind) {
    case VCH_EDI_MSISDN:
        *ret_cap = sizeof ids->msisdn;
        return ids->msisdn;
    case VCH_EDI_ICCID:
        *ret_cap = sizeof ids->iccid;
        return ids->iccid;
    case VCH_EDI_EID:
        *ret_cap = sizeof ids->eid;
        return ids->eid;
    default:
        *ret_cap = sizeof ids->imei;
        return ids->imei;
    }
}

void vch_edi_set(char *room, size_t cap, const char *text)
{
    size_t n = strlen(text);

    VCH_ASSERT(n < cap);
    memcpy(room, text, n + 1);
}

char *vch_edi_dump(const json_t *o)
{
    size_t n = json_dumpb(o, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS);
    char *text;

    if (n == 0) {
        return NULL;
    }
    text = vch_mem_alloc(n + 1);
    VCH_ASSERT(json_dumpb(o, text, n, JSON_COMPACT | JSON_SORT_KEYS) == n);
    return text;
}

vch_err vch_edi_json_text(const json_t *o, const char *name, char *room, size_t cap)
{
    const json_t *v = json_object_get(o, name);
    const char *text = json_string_value(v);

    room[0] = '\0';
    if (v == NULL) {
        return VCH_OK;
    }
    VCH_CHECK(text != NULL && json_string_length(v) < cap && strlen(text) == json_string_length(v),
              EDI_ANSWER);
    vch_edi_set(room, cap, text);
    return VCH_OK;
}

vch_err vch_edi_json_when(const json_t *o, const char *name, struct vch_edi_when *ret)
{
    const json_t *v = json_object_get(o, name);
    struct vch_time t;

    *ret = (struct vch_edi_when){.p = VCH_EDI_ABSENT};
    if (v == NULL) {
        return VCH_OK;
    }
    if (json_is_null(v)) {
        ret->p = VCH_EDI_NULL;
        return VCH_OK;
    }
    VCH_CHECK(json_is_string(v) && vch_ok(vch_time_parse(vch_text(json_string_value(v)), &t)),
              EDI_ANSWER);
    *ret = (struct vch_edi_when){VCH_EDI_GIVEN, t.ms};
    return VCH_OK;
}

vch_err vch_edi_json_time(const json_t *o, const char *name, int64_t *ret_ms)
{
    struct vch_edi_when w;

    VCH_TRY(vch_edi_json_when(o, name, &w));
    VCH_CHECK(w.p == VCH_EDI_GIVEN, EDI_ANSWER);
    *ret_ms = w.ms;
    return VCH_OK;
}

vch_err vch_edi_json_u64(const json_t *o, const char *name, uint64_t *ret)
{
    const json_t *v = json_object_get(o, name);

    VCH_CHECK(json_is_integer(v) && json_integer_value(v) >= 0, EDI_ANSWER);
    *ret = (uint64_t)json_integer_value(v);
    return VCH_OK;
}

json_t *vch_edi_time_json(int64_t ms)
{
    char text[VCH_TIME_TEXT_MAX];

    return json_string(vch_time_text((struct vch_time){ms}, VCH_SPAN_OF(text)));
}

vch_err vch_edi_selector_check(const struct vch_edi_selector *sel)
{
    size_t n = strnlen(sel->text, sizeof sel->text);

    VCH_CHECK(n > 0 && n < sizeof sel->text, EDI_IDENTIFIER);
    if (sel->kind == VCH_EDI_ACCOUNT) {
        return VCH_OK;
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind == sel->kind) {
            VCH_CHECK(vch_ok(vch_stmt_identity_check(kinds[i].key, vch_bytes(sel->text, n))),
                      EDI_IDENTIFIER);
            return VCH_OK;
        }
    }
    return VCH_E(EDI_IDENTIFIER);
}

static void member_put(json_t *o, const char *object, const char *member, const char *text)
{
    json_t *inner = json_object_get(o, object);

    if (inner == NULL) {
        inner = json_object();
        json_object_set_new(o, object, inner);
    }
    json_object_set_new(inner, member, json_string(text));
}

void vch_edi_selector_put(const struct vch_edi_selector *sel, json_t *o)
{
    if (sel->kind == VCH_EDI_ACCOUNT) {
        member_put(o, "account", "accountRef", sel->text);
        return;
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind == sel->kind) {
            member_put(o, kinds[i].object, kinds[i].member, sel->text);
        }
    }
}

vch_err vch_edi_ids_put(const struct vch_edi_ids *ids, json_t *o, unsigned *ret_asked)
{
    struct vch_edi_ids copy = *ids;
    unsigned asked = 0;

    for (size_t i = 0; i < VCH_ARRAY_LEN(kinds); i++) {
        size_t cap = 0;
        const char *text = ids_room(&copy, kinds[i].kind, &cap);
        size_t n = strnlen(text, cap);

        VCH_CHECK(n < cap, EDI_IDENTIFIER);
        if (n > 0) {
            VCH_CHECK(vch_ok(vch_stmt_identity_check(kinds[i].key, vch_bytes(text, n))),
                      EDI_IDENTIFIER);
            member_put(o, kinds[i].object, kinds[i].member, text);
            asked |= kinds[i].kind;
        }
    }
    VCH_CHECK(asked != 0, EDI_IDENTIFIER);
    *ret_asked = asked;
    return VCH_OK;
}

vch_err vch_edi_ids_read(const json_t *o, struct vch_edi_ids *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < VCH_ARRAY_LEN(kinds); i++) {
        const json_t *inner = json_object_get(o, kinds[i].object);
        size_t cap = 0;
        char *room = ids_room(ret, kinds[i].kind, &cap);

        VCH_CHECK(inner == NULL || json_is_object(inner), EDI_ANSWER);
        VCH_TRY(vch_edi_json_text(inner, kinds[i].member, room, cap));
    }
    return VCH_OK;
}
