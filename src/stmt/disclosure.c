#include <vouch/stmt/disclosure.h>

#include <vouch/base/text.h>
#include <vouch/stmt/identity.h>

#define DIGEST_ENCODED 34 /* 0x58 0x20 and 32 bytes */

/* Types that a key admits, as bits. */
enum { T_TEXT = 1 << VCH_DISC_TEXT, T_INT = 1 << VCH_DISC_INT, T_NULL = 1 << VCH_DISC_NULL };

static const struct {
    enum vch_disc_key key;
    unsigned types;
    const char *name;
} keys[] = {
    {VCH_DISC_IMEI, T_TEXT, "imei"},
    {VCH_DISC_ICCID, T_TEXT, "iccid"},
    {VCH_DISC_MSISDN, T_TEXT, "msisdn"},
    {VCH_DISC_EID, T_TEXT, "eid"},
    {VCH_DISC_STATUS, T_TEXT, "status"},
    {VCH_DISC_START, T_INT, "start"},
    {VCH_DISC_END, T_INT | T_NULL, "end"},
    {VCH_DISC_TERMINATED_AT, T_INT | T_NULL, "terminated-at"},
    {VCH_DISC_STATUS_SINCE, T_INT, "status-since"},
    {VCH_DISC_CONTRACT_TYPE, T_TEXT, "contract-type"},
    {VCH_DISC_BIND_STATUS, T_TEXT, "bind-status"},
    {VCH_DISC_BOUND_SINCE, T_INT, "bound-since"},
    {VCH_DISC_AREA, T_TEXT | T_NULL, "area"},
    {VCH_DISC_OWNER_REF, T_TEXT, "owner-ref"},
    {VCH_DISC_OWNER_SINCE, T_INT, "owner-since"},
    {VCH_DISC_DATA_SERVICE, T_TEXT, "data-service"},
    {VCH_DISC_HISTORY_FROM, T_INT, "history-from"},
    {VCH_DISC_LAST_CHECKED, T_INT, "last-checked"},
    {VCH_DISC_REASON, T_TEXT, "reason"},
    {VCH_DISC_STANDING, T_INT, "standing"},
};

const char *vch_stmt_disc_name(uint64_t key)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(keys); i++) {
        if ((uint64_t)keys[i].key == key) {
            return keys[i].name;
        }
    }
    return "unknown";
}

uint64_t vch_stmt_disc_key_of(struct vch_bytes name)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(keys); i++) {
        if (vch_bytes_equal(vch_text(keys[i].name), name)) {
            return keys[i].key;
        }
    }
    return 0;
}

static vch_err value_check(uint64_t key, const struct vch_disc_value *v)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(keys); i++) {
        if ((uint64_t)keys[i].key == key) {
            VCH_CHECK((keys[i].types >> v->type & 1) != 0, DISCLOSURE);
        }
    }
    if (key >= VCH_DISC_IMEI && key <= VCH_DISC_EID) {
        return vch_stmt_identity_check((enum vch_disc_key)key, v->bytes);
    }
    if (key == VCH_DISC_STANDING) {
        VCH_CHECK(v->num >= VCH_STANDING_GOOD && v->num <= VCH_STANDING_ENDED, DISCLOSURE);
    }
    return VCH_OK;
}

static void put_value(struct vch_writer *w, const struct vch_disc_value *v)
{
    switch (v->type) {
    case VCH_DISC_NULL:
        vch_cbor_put_null(w);
        return;
    case VCH_DISC_TEXT:
        if (!vch_utf8_check(v->bytes)) {
            vch_writer_fail(w, VCH_E(TEXT));
        }
        vch_cbor_put_tstr(w, v->bytes);
        return;
    case VCH_DISC_INT:
        vch_cbor_put_int(w, v->num);
        return;
    case VCH_DISC_BOOL:
        vch_cbor_put_bool(w, v->flag);
        return;
    case VCH_DISC_BYTES:
        vch_cbor_put_bstr(w, v->bytes);
        return;
    }
    vch_writer_fail(w, VCH_E(DISCLOSURE));
}

vch_err vch_stmt_disclosure_encode(const struct vch_disclosure *d, struct vch_span out,
                                   struct vch_bytes *ret_contents)
{
    struct vch_writer w = vch_writer(out);
    struct vch_bytes made;

    VCH_CHECK(d->salt.n == VCH_SALT_LEN, DISCLOSURE);
    VCH_TRY(value_check(d->key, &d->value));
    vch_cbor_put_array(&w, 3);
    vch_cbor_put_bstr(&w, d->salt);
    put_value(&w, &d->value);
    vch_cbor_put_uint(&w, d->key);
    VCH_TRY(vch_writer_finish(&w, &made));
    VCH_CHECK(made.n <= VCH_DISCLOSURE_MAX, LIMIT);
    *ret_contents = made;
    return VCH_OK;
}

static vch_err read_value(struct vch_cbor *c, struct vch_disc_value *ret)
{
    struct vch_disc_value v = {.type = VCH_DISC_NULL};

    switch (vch_cbor_peek(c)) {
    case VCH_CBOR_TSTR:
        v.type = VCH_DISC_TEXT;
        VCH_TRY(vch_cbor_tstr(c, &v.bytes));
        break;
    case VCH_CBOR_BSTR:
        v.type = VCH_DISC_BYTES;
        VCH_TRY(vch_cbor_bstr(c, &v.bytes));
        break;
    case VCH_CBOR_UINT:
    case VCH_CBOR_NINT:
        v.type = VCH_DISC_INT;
        VCH_TRY(vch_cbor_int(c, &v.num));
        break;
    case VCH_CBOR_SIMPLE:
        if (vch_cbor_is_null(c)) {
            VCH_TRY(vch_cbor_null(c));
        } else {
            v.type = VCH_DISC_BOOL;
            VCH_TRY(vch_cbor_bool(c, &v.flag));
        }
        break;
    case VCH_CBOR_NONE:
        return VCH_E(TRUNCATED);
    default:
        return VCH_E(DISCLOSURE);
    }
    *ret = v;
    return VCH_OK;
}

vch_err vch_stmt_disclosure_decode(struct vch_bytes contents, struct vch_disclosure *ret)
{
    struct vch_cbor c = vch_cbor(contents, VCH_CBOR_STRICT);
    struct vch_disclosure d = {.contents = contents};

    VCH_CHECK(contents.n <= VCH_DISCLOSURE_MAX, LIMIT);
    VCH_TRY(vch_cbor_array_of(&c, 3));
    VCH_TRY(vch_cbor_bstr(&c, &d.salt));
    VCH_CHECK(d.salt.n == VCH_SALT_LEN, DISCLOSURE);
    VCH_TRY(read_value(&c, &d.value));
    VCH_TRY(vch_cbor_uint(&c, &d.key));
    VCH_TRY(vch_cbor_end(&c));
    VCH_TRY(value_check(d.key, &d.value));
    *ret = d;
    return VCH_OK;
}

void vch_stmt_disclosure_digest(const struct vch_crypto *cr, struct vch_bytes contents,
                                struct vch_hash *ret)
{
    uint8_t room[9];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes parts[2] = {vch_bytes(NULL, 0), contents};

    vch_cbor_put_bstr_head(&w, contents.n);
    vch_ignore(vch_writer_finish(&w, &parts[0]));
    vch_sha256_parts(cr, parts, 2, ret);
}

struct vch_bytes vch_stmt_digests_get(const struct vch_stmt_digests *l, size_t idx)
{
    VCH_ASSERT(idx < l->count);
    return vch_bytes(l->items.p + idx * DIGEST_ENCODED + 2, VCH_HASH_LEN);
}

bool vch_stmt_digests_has(const struct vch_stmt_digests *l, const struct vch_hash *digest)
{
    for (size_t i = 0; i < l->count; i++) {
        if (vch_bytes_equal(vch_stmt_digests_get(l, i), vch_hash_bytes(digest))) {
            return true;
        }
    }
    return false;
}

vch_err vch_stmt_digests_decode(struct vch_cbor *c, struct vch_stmt_digests *ret)
{
    struct vch_cbor probe = *c;
    struct vch_bytes prev = {NULL, 0}, one;
    size_t count, from;

    VCH_TRY(vch_cbor_array(&probe, &count));
    VCH_CHECK(count >= 1, DIGESTS);
    VCH_CHECK(count <= VCH_DISCLOSURES_COUNT, LIMIT);
    from = probe.r.pos;
    for (size_t i = 0; i < count; i++) {
        VCH_TRY(vch_cbor_bstr(&probe, &one));
        VCH_CHECK(one.n == VCH_HASH_LEN, CBOR_TYPE);
        VCH_CHECK(i == 0 || vch_bytes_cmp(prev, one) < 0, DIGESTS);
        prev = one;
    }
    *ret = (struct vch_stmt_digests){vch_bytes(probe.r.in.p + from, probe.r.pos - from), count};
    *c = probe;
    return VCH_OK;
}

void vch_stmt_digests_put(struct vch_writer *w, const struct vch_hash *digests, size_t count)
{
    if (count == 0 || count > VCH_DISCLOSURES_COUNT) {
        vch_writer_fail(w, count == 0 ? VCH_E(DIGESTS) : VCH_E(LIMIT));
        return;
    }
    vch_cbor_put_array(w, count);
    for (size_t i = 0; i < count; i++) {
        if (i != 0 && memcmp(digests[i - 1].b, digests[i].b, VCH_HASH_LEN) >= 0) {
            vch_writer_fail(w, VCH_E(DIGESTS));
            return;
        }
        vch_cbor_put_bstr(w, vch_hash_bytes(&digests[i]));
    }
}

void vch_stmt_digests_sort(struct vch_hash *digests, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct vch_hash h = digests[i];
        size_t k = i;

        for (; k > 0 && memcmp(digests[k - 1].b, h.b, VCH_HASH_LEN) > 0; k--) {
            digests[k] = digests[k - 1];
        }
        digests[k] = h;
    }
}

vch_err vch_stmt_disclosure_open(const struct vch_crypto *cr, const struct vch_stmt_digests *list,
                                 struct vch_bytes contents, struct vch_disclosure *ret)
{
    struct vch_disclosure d;
    struct vch_hash digest;

    VCH_TRY(vch_stmt_disclosure_decode(contents, &d));
    vch_stmt_disclosure_digest(cr, contents, &digest);
    VCH_CHECK(vch_stmt_digests_has(list, &digest), DISCLOSURE_FOREIGN);
    *ret = d;
    return VCH_OK;
}
