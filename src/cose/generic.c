#include <vouch/cose/generic.h>

#include <vouch/cose/sign1.h>

/* Labels whose meaning this library processes or hands to its caller: crit may name them. */
static bool is_known(int64_t label)
{
    static const int64_t known[] = {
        VCH_LABEL_ALG, 3 /* content type */, VCH_LABEL_KID,           VCH_LABEL_CLAIMS,
        VCH_LABEL_TYP, VCH_LABEL_HASH_ALG,   VCH_LABEL_PREIMAGE_TYPE, VCH_LABEL_VDS};

    for (size_t i = 0; i < VCH_ARRAY_LEN(known); i++) {
        if (known[i] == label) {
            return true;
        }
    }
    return false;
}

vch_err vch_cose_header(struct vch_bytes map, int64_t label, struct vch_bytes *ret)
{
    struct vch_cbor c = vch_cbor(map, VCH_CBOR_GENERIC);
    struct vch_bytes key, value, found = {NULL, 0};
    struct vch_cbor_map m;
    bool more;

    VCH_CHECK(map.n != 0, COSE_ABSENT);
    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        struct vch_cbor k;
        int64_t v;

        VCH_TRY(vch_cbor_map_key(&c, &m, &key, &more));
        if (!more) {
            break;
        }
        VCH_TRY(vch_cbor_item(&c, &value));
        k = vch_cbor(key, VCH_CBOR_GENERIC);
        if (vch_ok(vch_cbor_int(&k, &v)) && v == label) {
            /* the same number in two encodings */
            VCH_CHECK(found.n == 0, CBOR_DUP);
            found = value;
        }
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(found.n != 0, COSE_ABSENT);
    *ret = found;
    return VCH_OK;
}

/* Labels are integers or texts, and none of OTHER's. */
static vch_err labels_check(struct vch_bytes map, struct vch_bytes other)
{
    struct vch_cbor c = vch_cbor(map, VCH_CBOR_GENERIC);
    struct vch_bytes key, value, found;
    struct vch_cbor_map m;
    bool more;

    if (map.n == 0) {
        return VCH_OK;
    }
    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        struct vch_cbor k;
        int64_t label;
        vch_err e;

        VCH_TRY(vch_cbor_map_key(&c, &m, &key, &more));
        if (!more) {
            return vch_cbor_end(&c);
        }
        VCH_TRY(vch_cbor_item(&c, &value));
        k = vch_cbor(key, VCH_CBOR_GENERIC);
        if (vch_cbor_peek(&k) == VCH_CBOR_TSTR) {
            continue;
        }
        VCH_CHECK(vch_ok(vch_cbor_int(&k, &label)), COSE_HEADER);
        /* also finds the same number twice in MAP */
        VCH_TRY(vch_cose_header(map, label, &value));
        e = vch_cose_header(other, label, &found);
        VCH_CHECK(vch_err_is(e, VCH_E(COSE_ABSENT)), COSE_HEADER);
    }
}

static vch_err crit_check(const struct vch_cose *m)
{
    struct vch_bytes crit, there;
    struct vch_cbor c;
    vch_err e;
    size_t n;

    e = vch_cose_header(m->unprotected, VCH_LABEL_CRIT, &crit);
    VCH_CHECK(vch_err_is(e, VCH_E(COSE_ABSENT)), COSE_CRIT);
    e = vch_cose_header(m->protected_raw, VCH_LABEL_CRIT, &crit);
    if (vch_err_is(e, VCH_E(COSE_ABSENT))) {
        return VCH_OK;
    }
    VCH_TRY(e);
    c = vch_cbor(crit, VCH_CBOR_GENERIC);
    VCH_CHECK(vch_ok(vch_cbor_array(&c, &n)) && n != 0, COSE_CRIT);
    while (n-- > 0) {
        int64_t label;

        VCH_CHECK(vch_ok(vch_cbor_int(&c, &label)) && is_known(label), COSE_CRIT);
        VCH_CHECK(vch_ok(vch_cose_header(m->protected_raw, label, &there)), COSE_CRIT);
    }
    return VCH_OK;
}

/* The value of LABEL from either header, nothing if it is in none. */
static vch_err either(const struct vch_cose *m, int64_t label, struct vch_bytes *ret,
                      bool *ret_protected)
{
    vch_err e = vch_cose_header(m->protected_raw, label, ret);

    *ret_protected = vch_ok(e);
    if (vch_err_is(e, VCH_E(COSE_ABSENT))) {
        e = vch_cose_header(m->unprotected, label, ret);
        if (vch_err_is(e, VCH_E(COSE_ABSENT))) {
            *ret = vch_bytes(NULL, 0);
            e = VCH_OK;
        }
    }
    return e;
}

static vch_err read_headers(struct vch_cose *m)
{
    struct vch_bytes item;
    struct vch_cbor c;
    bool is_protected;
    int64_t id;

    VCH_TRY(labels_check(m->protected_raw, vch_bytes(NULL, 0)));
    VCH_TRY(labels_check(m->unprotected, m->protected_raw));
    VCH_TRY(crit_check(m));
    VCH_TRY(either(m, VCH_LABEL_ALG, &item, &m->alg_protected));
    m->alg = VCH_ALG_NONE;
    if (item.n != 0) {
        c = vch_cbor(item, VCH_CBOR_GENERIC);
        if (vch_cbor_peek(&c) != VCH_CBOR_TSTR) {
            VCH_CHECK(vch_ok(vch_cbor_int(&c, &id)), COSE_HEADER);
            m->alg = vch_alg_of(id);
        }
    }
    VCH_TRY(either(m, VCH_LABEL_KID, &item, &is_protected));
    m->kid = vch_bytes(NULL, 0);
    if (item.n != 0) {
        c = vch_cbor(item, VCH_CBOR_GENERIC);
        VCH_CHECK(vch_ok(vch_cbor_bstr(&c, &m->kid)), COSE_HEADER);
    }
    return VCH_OK;
}

/* The map in the protected byte string; an empty one is nothing at all, however it is encoded. */
static vch_err read_protected(struct vch_bytes raw, struct vch_bytes *ret)
{
    struct vch_cbor c = vch_cbor(raw, VCH_CBOR_GENERIC);
    struct vch_cbor_map m;

    if (raw.n != 0) {
        VCH_CHECK(vch_cbor_peek(&c) == VCH_CBOR_MAP, COSE_HEADER);
        VCH_TRY(vch_cbor_map(&c, &m));
        if (m.left == 0) {
            VCH_TRY(vch_cbor_end(&c));
            raw = vch_bytes(NULL, 0);
        }
    }
    *ret = raw;
    return VCH_OK;
}

vch_err vch_cose_decode(struct vch_bytes in, struct vch_cose *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_GENERIC);
    struct vch_cose m = {0};
    struct vch_bytes raw;
    uint64_t tag;

    if (vch_cbor_peek(&c) == VCH_CBOR_TAG) {
        VCH_TRY(vch_cbor_tag(&c, &tag));
        VCH_CHECK(tag == 18, COSE_TAG);
        m.tagged = true;
    }
    VCH_TRY(vch_cbor_array_of(&c, 4));
    VCH_TRY(vch_cbor_bstr(&c, &raw));
    VCH_TRY(read_protected(raw, &m.protected_raw));
    VCH_CHECK(vch_cbor_peek(&c) == VCH_CBOR_MAP, COSE_HEADER);
    VCH_TRY(vch_cbor_item(&c, &m.unprotected));
    m.detached = vch_cbor_is_null(&c);
    if (m.detached) {
        VCH_TRY(vch_cbor_null(&c));
    } else {
        VCH_TRY(vch_cbor_bstr(&c, &m.payload));
    }
    VCH_TRY(vch_cbor_bstr(&c, &m.signature));
    VCH_TRY(vch_cbor_end(&c));
    VCH_TRY(read_headers(&m));
    *ret = m;
    return VCH_OK;
}

static struct vch_bytes bstr_head(uint8_t *room, size_t cap, size_t at, size_t n)
{
    struct vch_writer w = vch_writer(vch_span(room + at, cap - at));
    struct vch_bytes head;

    vch_cbor_put_bstr_head(&w, n);
    VCH_ASSERT(vch_ok(vch_writer_finish(&w, &head)));
    return vch_bytes(room, at + head.n);
}

void vch_cose_tbs(struct vch_cose_tbs *t, struct vch_bytes protected_raw, struct vch_bytes aad,
                  struct vch_bytes payload)
{
    static const uint8_t context[] = {0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1'};

    memcpy(t->head, context, sizeof(context));
    t->part[0] = bstr_head(t->head, sizeof(t->head), sizeof(context), protected_raw.n);
    t->part[1] = protected_raw;
    t->part[2] = bstr_head(t->aad_head, sizeof(t->aad_head), 0, aad.n);
    t->part[3] = aad;
    t->part[4] = bstr_head(t->payload_head, sizeof(t->payload_head), 0, payload.n);
    t->part[5] = payload;
}

vch_err vch_cose_verify(const struct vch_crypto *cr, const struct vch_cose *m,
                        const struct vch_pubkey *key, struct vch_bytes aad,
                        struct vch_bytes detached)
{
    struct vch_cose_tbs t;

    VCH_CHECK(m->alg != VCH_ALG_NONE && vch_alg_curve(m->alg) == key->curve, ALG);
    vch_cose_tbs(&t, m->protected_raw, aad, m->detached ? detached : m->payload);
    return cr->verify(m->alg, key, t.part, VCH_COSE_TBS_PARTS, m->signature);
}
