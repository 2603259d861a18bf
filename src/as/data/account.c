#include <vouch/as/account.h>

#include "vault_int.h"

/* Keys of the stored map beside those of the disclosures. */
enum { K_REF = 0, K_WITHHELD_IDS = 40, K_WITHHELD_GROUPS = 41, K_ASSURANCE = 42 };

static void put_text(struct vch_writer *w, uint64_t key, const char *text)
{
    vch_cbor_put_uint(w, key);
    vch_cbor_put_text(w, text);
}

/* absent: 0, null: null, given: the time in an array, so that a time of zero stays a time */
static void put_when(struct vch_writer *w, uint64_t key, const struct vch_edi_when *when)
{
    vch_cbor_put_uint(w, key);
    if (when->p == VCH_EDI_ABSENT) {
        vch_cbor_put_uint(w, 0);
    } else if (when->p == VCH_EDI_NULL) {
        vch_cbor_put_null(w);
    } else {
        vch_cbor_put_array(w, 1);
        vch_cbor_put_int(w, when->ms);
    }
}

static void put_uint(struct vch_writer *w, uint64_t key, uint64_t v)
{
    vch_cbor_put_uint(w, key);
    vch_cbor_put_uint(w, v);
}

static void put_area(struct vch_writer *w, const struct vch_edi_status *a)
{
    vch_cbor_put_uint(w, VCH_DISC_AREA);
    if (a->area_p == VCH_EDI_ABSENT) {
        vch_cbor_put_uint(w, 0);
    } else if (a->area_p == VCH_EDI_NULL) {
        vch_cbor_put_null(w);
    } else {
        vch_cbor_put_text(w, a->area);
    }
}

void vch_as_account_encode(const struct vch_edi_status *a, struct vch_writer *w)
{
    vch_cbor_put_map(w, 22);
    put_text(w, K_REF, a->account_ref);
    put_text(w, VCH_DISC_IMEI, a->ids.imei);
    put_text(w, VCH_DISC_ICCID, a->ids.iccid);
    put_text(w, VCH_DISC_MSISDN, a->ids.msisdn);
    put_text(w, VCH_DISC_EID, a->ids.eid);
    put_uint(w, VCH_DISC_STATUS, a->status);
    put_when(w, VCH_DISC_START, &a->start);
    put_when(w, VCH_DISC_END, &a->end);
    put_when(w, VCH_DISC_TERMINATED_AT, &a->terminated_at);
    put_when(w, VCH_DISC_STATUS_SINCE, &a->status_since);
    put_text(w, VCH_DISC_CONTRACT_TYPE, a->contract_type);
    put_text(w, VCH_DISC_BIND_STATUS, a->bind_status);
    put_when(w, VCH_DISC_BOUND_SINCE, &a->bound_since);
    put_area(w, a);
    put_text(w, VCH_DISC_OWNER_REF, a->owner_ref);
    put_when(w, VCH_DISC_OWNER_SINCE, &a->owner_since);
    put_text(w, VCH_DISC_DATA_SERVICE, a->data_service);
    put_when(w, VCH_DISC_HISTORY_FROM, &a->history_from);
    vch_cbor_put_uint(w, VCH_DISC_LAST_CHECKED);
    vch_cbor_put_int(w, a->last_checked_ms);
    put_uint(w, K_WITHHELD_IDS, a->withheld.ids);
    put_uint(w, K_WITHHELD_GROUPS, a->withheld.groups);
    put_text(w, K_ASSURANCE, a->assurance);
}

#define GET_TEXT(c, array) vch_as_vault_text((c), (array), sizeof(array))

static vch_err get_when(struct vch_cbor *c, struct vch_edi_when *ret)
{
    uint64_t zero;

    *ret = (struct vch_edi_when){.p = VCH_EDI_ABSENT};
    if (vch_cbor_is_null(c)) {
        ret->p = VCH_EDI_NULL;
        return vch_cbor_null(c);
    }
    if (vch_cbor_peek(c) == VCH_CBOR_UINT) {
        VCH_TRY(vch_cbor_uint(c, &zero));
        VCH_CHECK(zero == 0, AS_VAULT_DAMAGED);
        return VCH_OK;
    }
    VCH_TRY(vch_cbor_array_of(c, 1));
    VCH_TRY(vch_cbor_int(c, &ret->ms));
    ret->p = VCH_EDI_GIVEN;
    return VCH_OK;
}

static vch_err get_uint(struct vch_cbor *c, uint64_t max, unsigned *ret)
{
    uint64_t v;

    VCH_TRY(vch_cbor_uint(c, &v));
    VCH_CHECK(v <= max, AS_VAULT_DAMAGED);
    *ret = (unsigned)v;
    return VCH_OK;
}

static vch_err get_area(struct vch_cbor *c, struct vch_edi_status *a)
{
    unsigned zero;

    if (vch_cbor_is_null(c)) {
        a->area_p = VCH_EDI_NULL;
        return vch_cbor_null(c);
    }
    if (vch_cbor_peek(c) == VCH_CBOR_UINT) {
        return get_uint(c, 0, &zero);
    }
    a->area_p = VCH_EDI_GIVEN;
    return GET_TEXT(c, a->area);
}

static vch_err get_contract(struct vch_cbor *c, int64_t key, struct vch_edi_status *a)
{
    unsigned v;

    switch (key) {
    case VCH_DISC_STATUS:
        VCH_TRY(get_uint(c, VCH_EDI_ABORTED, &v));
        a->status = (enum vch_edi_contract_status)v;
        return VCH_OK;
    case VCH_DISC_START:
        return get_when(c, &a->start);
    case VCH_DISC_END:
        return get_when(c, &a->end);
    case VCH_DISC_TERMINATED_AT:
        return get_when(c, &a->terminated_at);
    case VCH_DISC_STATUS_SINCE:
        return get_when(c, &a->status_since);
    case VCH_DISC_CONTRACT_TYPE:
        return GET_TEXT(c, a->contract_type);
    case VCH_DISC_BIND_STATUS:
        return GET_TEXT(c, a->bind_status);
    case VCH_DISC_BOUND_SINCE:
        return get_when(c, &a->bound_since);
    default:
        return VCH_E(AS_VAULT_DAMAGED);
    }
}

static vch_err get_member(struct vch_cbor *c, int64_t key, struct vch_edi_status *a)
{
    switch (key) {
    case K_REF:
        return GET_TEXT(c, a->account_ref);
    case VCH_DISC_IMEI:
        return GET_TEXT(c, a->ids.imei);
    case VCH_DISC_ICCID:
        return GET_TEXT(c, a->ids.iccid);
    case VCH_DISC_MSISDN:
        return GET_TEXT(c, a->ids.msisdn);
    case VCH_DISC_EID:
        return GET_TEXT(c, a->ids.eid);
    case VCH_DISC_AREA:
        return get_area(c, a);
    case VCH_DISC_OWNER_REF:
        return GET_TEXT(c, a->owner_ref);
    case VCH_DISC_OWNER_SINCE:
        return get_when(c, &a->owner_since);
    case VCH_DISC_DATA_SERVICE:
        return GET_TEXT(c, a->data_service);
    case VCH_DISC_HISTORY_FROM:
        return get_when(c, &a->history_from);
    case VCH_DISC_LAST_CHECKED:
        return vch_cbor_int(c, &a->last_checked_ms);
    case K_WITHHELD_IDS:
        return get_uint(c, UINT32_MAX, &a->withheld.ids);
    case K_WITHHELD_GROUPS:
        return get_uint(c, UINT32_MAX, &a->withheld.groups);
    case K_ASSURANCE:
        return GET_TEXT(c, a->assurance);
    default:
        return get_contract(c, key, a);
    }
}

vch_err vch_as_account_decode(struct vch_bytes in, struct vch_edi_status *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_edi_status a;
    struct vch_cbor_map m;
    int64_t key;
    bool more;

    memset(&a, 0, sizeof a);
    VCH_TRY(vch_cbor_map(&c, &m));
    VCH_CHECK(m.left == 22, AS_VAULT_DAMAGED);
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &key, &more));
        if (!more) {
            break;
        }
        VCH_TRY(get_member(&c, key, &a));
    }
    VCH_TRY(vch_cbor_end(&c));
    *ret = a;
    return VCH_OK;
}

struct values {
    struct vch_as_value *v;
    size_t n;
};

static void add(struct values *l, uint64_t key, struct vch_disc_value value)
{
    l->v[l->n++] = (struct vch_as_value){key, value};
}

static void add_text(struct values *l, uint64_t key, const char *text)
{
    if (text[0] != '\0') {
        add(l, key, vch_stmt_disc_text(vch_text(text)));
    }
}

static void add_when(struct values *l, uint64_t key, const struct vch_edi_when *when)
{
    bool may_be_null = key == VCH_DISC_END || key == VCH_DISC_TERMINATED_AT;

    if (when->p == VCH_EDI_GIVEN) {
        add(l, key, vch_stmt_disc_int(when->ms));
    } else if (when->p == VCH_EDI_NULL && may_be_null) {
        add(l, key, vch_stmt_disc_null());
    }
}

size_t vch_as_account_values(const struct vch_edi_status *a, enum vch_standing standing,
                             const char *reason, struct vch_as_value ret[VCH_AS_ACCOUNT_VALUES])
{
    struct values l = {ret, 0};

    add_text(&l, VCH_DISC_STATUS, vch_edi_status_name(a->status));
    add_when(&l, VCH_DISC_START, &a->start);
    add_when(&l, VCH_DISC_END, &a->end);
    add_when(&l, VCH_DISC_TERMINATED_AT, &a->terminated_at);
    add_when(&l, VCH_DISC_STATUS_SINCE, &a->status_since);
    add_text(&l, VCH_DISC_CONTRACT_TYPE, a->contract_type);
    add_text(&l, VCH_DISC_BIND_STATUS, a->bind_status);
    add_when(&l, VCH_DISC_BOUND_SINCE, &a->bound_since);
    if (a->area_p == VCH_EDI_NULL) {
        add(&l, VCH_DISC_AREA, vch_stmt_disc_null());
    } else if (a->area_p == VCH_EDI_GIVEN) {
        add_text(&l, VCH_DISC_AREA, a->area);
    }
    add_text(&l, VCH_DISC_OWNER_REF, a->owner_ref);
    add_when(&l, VCH_DISC_OWNER_SINCE, &a->owner_since);
    add_text(&l, VCH_DISC_DATA_SERVICE, a->data_service);
    add_when(&l, VCH_DISC_HISTORY_FROM, &a->history_from);
    add(&l, VCH_DISC_LAST_CHECKED, vch_stmt_disc_int(a->last_checked_ms));
    add_text(&l, VCH_DISC_REASON, reason);
    add(&l, VCH_DISC_STANDING, vch_stmt_disc_int(standing));
    return l.n;
}

vch_err vch_as_openings_make(const struct vch_crypto *cr, vch_random_fn random, void *random_self,
                             const struct vch_as_value *values, size_t n,
                             struct vch_as_openings *ret)
{
    uint8_t salt[VCH_SALT_LEN], room[VCH_DISCLOSURE_MAX];
    struct vch_as_openings o;
    struct vch_bytes b;
    vch_err e = VCH_OK;

    VCH_CHECK(n <= VCH_DISCLOSURES_COUNT, LIMIT);
    memset(&o, 0, sizeof o);
    for (size_t i = 0; vch_ok(e) && i < n; i++) {
        struct vch_disclosure d = {
            .salt = VCH_BYTES_OF(salt), .key = values[i].key, .value = values[i].value};

        o.contents[i] = vch_buf_init(VCH_DISCLOSURE_MAX);
        o.count = i + 1;
        e = random(random_self, VCH_SPAN_OF(salt));
        if (vch_ok(e)) {
            e = vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &b);
        }
        if (vch_ok(e)) {
            vch_stmt_disclosure_digest(cr, b, &o.digests[i]);
            e = vch_buf_append(&o.contents[i], b);
        }
    }
    vch_wipe(salt, sizeof salt);
    vch_wipe(room, sizeof room);
    if (!vch_ok(e)) {
        vch_as_openings_fini(&o);
        return e;
    }
    vch_stmt_digests_sort(o.digests, o.count);
    *ret = o;
    return VCH_OK;
}

void vch_as_openings_fini(struct vch_as_openings *o)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->contents[i].p != NULL) {
            vch_wipe(o->contents[i].p, o->contents[i].n);
        }
        vch_buf_fini(&o->contents[i]);
    }
    o->count = 0;
}

vch_err vch_as_ids_add(struct vch_edi_ids *ids, const struct vch_disclosure *d)
{
    struct {
        uint64_t key;
        char *room;
        size_t cap;
    } const rows[] = {{VCH_DISC_IMEI, ids->imei, sizeof ids->imei},
                      {VCH_DISC_ICCID, ids->iccid, sizeof ids->iccid},
                      {VCH_DISC_MSISDN, ids->msisdn, sizeof ids->msisdn},
                      {VCH_DISC_EID, ids->eid, sizeof ids->eid}};

    for (size_t i = 0; i < VCH_ARRAY_LEN(rows); i++) {
        if (rows[i].key == d->key) {
            VCH_CHECK(d->value.type == VCH_DISC_TEXT && d->value.bytes.n < rows[i].cap &&
                          rows[i].room[0] == '\0',
                      AS_OPENING);
            vch_bytes_copy(rows[i].room, d->value.bytes);
            rows[i].room[d->value.bytes.n] = '\0';
            return VCH_OK;
        }
    }
    return VCH_E(AS_OPENING);
}
