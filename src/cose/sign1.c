#include <vouch/cose/sign1.h>

#include "envelope.h"

enum {
    HAS_ALG = 1,
    HAS_KID = 2,
    HAS_CLAIMS = 4,
    HAS_TYP = 8,
    HAS_HASH_ALG = 16,
    HAS_ITEM = 32,
    NEEDS_STATEMENT = HAS_ALG | HAS_KID | HAS_CLAIMS | HAS_TYP,
    NEEDS_ITEM = HAS_ALG | HAS_KID | HAS_HASH_ALG | HAS_ITEM
};

static vch_err read_name(struct vch_cbor *c, struct vch_bytes *ret)
{
    struct vch_bytes b;

    VCH_TRY(vch_cbor_tstr(c, &b));
    VCH_CHECK(b.n != 0 && b.n <= VCH_NAME_MAX, COSE_HEADER);
    *ret = b;
    return VCH_OK;
}

static vch_err read_claims(struct vch_cbor *c, struct vch_sign1 *s)
{
    struct vch_cbor_map m;
    unsigned has = 0;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(c, &m, &label, &more));
        if (!more) {
            break;
        }
        switch (label) {
        case 1:
            VCH_TRY(read_name(c, &s->iss));
            break;
        case 2:
            VCH_TRY(read_name(c, &s->sub));
            break;
        case 6:
            VCH_TRY(vch_cbor_int(c, &s->iat_s));
            VCH_CHECK(s->iat_s >= 0 && s->iat_s <= INT64_MAX / 1000, COSE_HEADER);
            break;
        default:
            return VCH_E(CBOR_LABEL);
        }
        has |= 1U << label;
    }
    VCH_CHECK(has == (1U << 1 | 1U << 2 | 1U << 6), CBOR_FIELD);
    return VCH_OK;
}

static vch_err read_hash_alg(struct vch_cbor *c)
{
    int64_t id;

    VCH_TRY(vch_cbor_int(c, &id));
    VCH_CHECK(id == VCH_ALG_SHA256, ALG);
    return VCH_OK;
}

static vch_err read_x5t(struct vch_cbor *c, struct vch_bytes *ret)
{
    struct vch_bytes b;

    VCH_TRY(vch_cbor_array_of(c, 2));
    VCH_TRY(read_hash_alg(c));
    VCH_TRY(vch_cbor_bstr(c, &b));
    VCH_CHECK(b.n == VCH_HASH_LEN, COSE_HEADER);
    *ret = b;
    return VCH_OK;
}

static vch_err read_statement_label(struct vch_cbor *c, int64_t label, struct vch_sign1 *s,
                                    unsigned *has)
{
    switch (label) {
    case VCH_LABEL_CLAIMS:
        *has |= HAS_CLAIMS;
        return read_claims(c, s);
    case VCH_LABEL_TYP:
        *has |= HAS_TYP;
        return read_name(c, &s->typ);
    case VCH_LABEL_X5T:
        return read_x5t(c, &s->x5t);
    default:
        return VCH_E(CBOR_LABEL);
    }
}

static vch_err read_item_label(struct vch_cbor *c, int64_t label, struct vch_sign1 *s,
                               unsigned *has)
{
    switch (label) {
    case VCH_LABEL_HASH_ALG:
        *has |= HAS_HASH_ALG;
        return read_hash_alg(c);
    case VCH_LABEL_PREIMAGE_TYPE:
        return read_name(c, &s->preimage_type);
    case VCH_LABEL_ITEM:
        *has |= HAS_ITEM;
        return vch_cbor_item(c, &s->item);
    case VCH_LABEL_POINTER:
        return vch_cbor_item(c, &s->pointer);
    default:
        return VCH_E(CBOR_LABEL);
    }
}

static vch_err read_protected(enum vch_sign1_profile profile, struct vch_sign1 *s)
{
    struct vch_cbor c = vch_cbor(s->protected_raw, VCH_CBOR_STRICT);
    bool statement = profile == VCH_SIGN1_STATEMENT;
    struct vch_cbor_map m;
    unsigned has = 0;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        if (!more) {
            break;
        }
        if (label == VCH_LABEL_ALG) {
            has |= HAS_ALG;
            VCH_TRY(envelope_alg(&c, &s->alg));
        } else if (label == VCH_LABEL_KID) {
            has |= HAS_KID;
            VCH_TRY(vch_cbor_bstr(&c, &s->kid));
            VCH_CHECK(s->kid.n == (statement ? 32U : 16U), COSE_HEADER);
        } else if (statement) {
            VCH_TRY(read_statement_label(&c, label, s, &has));
        } else {
            VCH_TRY(read_item_label(&c, label, s, &has));
        }
    }
    VCH_TRY(vch_cbor_end(&c));
    VCH_CHECK(has == (statement ? NEEDS_STATEMENT : NEEDS_ITEM), CBOR_FIELD);
    return VCH_OK;
}

/* A statement's payload is one deterministic CBOR item, an item's payload a digest. */
static vch_err payload_check(enum vch_sign1_profile profile, struct vch_bytes payload)
{
    struct vch_cbor c = vch_cbor(payload, VCH_CBOR_STRICT);
    struct vch_bytes item;

    if (profile == VCH_SIGN1_ITEM) {
        VCH_CHECK(payload.n == VCH_HASH_LEN, COSE_PROFILE);
        return VCH_OK;
    }
    VCH_TRY(vch_cbor_item(&c, &item));
    return vch_cbor_end(&c);
}

vch_err vch_sign1_decode(struct vch_bytes in, enum vch_sign1_profile profile, struct vch_sign1 *ret)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    struct vch_sign1 s = {.whole = in};
    struct vch_cbor_map m;

    VCH_CHECK(in.n <= (profile == VCH_SIGN1_STATEMENT ? VCH_STATEMENT_MAX : VCH_ITEM_MAX), LIMIT);
    VCH_TRY(envelope_open(&c, &s.protected_raw));
    VCH_TRY(vch_cbor_map(&c, &m));
    VCH_CHECK(m.left == 0, COSE_PROFILE);
    VCH_CHECK(!vch_cbor_is_null(&c), COSE_PROFILE);
    VCH_TRY(vch_cbor_bstr(&c, &s.payload));
    VCH_TRY(read_protected(profile, &s));
    VCH_TRY(envelope_close(&c, s.alg, &s.signature));
    VCH_TRY(payload_check(profile, s.payload));
    *ret = s;
    return VCH_OK;
}

vch_err vch_sign1_typ_check(const struct vch_sign1 *s, const char *typ)
{
    VCH_CHECK(vch_bytes_equal(s->typ, vch_text(typ)), COSE_TYP);
    return VCH_OK;
}

vch_err vch_sign1_verify(const struct vch_crypto *cr, const struct vch_sign1 *s,
                         const struct vch_pubkey *key)
{
    struct vch_cose_tbs t;

    VCH_CHECK(vch_alg_curve(s->alg) == key->curve, ALG);
    vch_cose_tbs(&t, s->protected_raw, vch_bytes(NULL, 0), s->payload);
    return cr->verify(s->alg, key, t.part, VCH_COSE_TBS_PARTS, s->signature);
}

void vch_sign1_content_id(const struct vch_crypto *cr, const struct vch_sign1 *s,
                          struct vch_hash *ret)
{
    struct vch_cose_tbs t;

    vch_cose_tbs(&t, s->protected_raw, vch_bytes(NULL, 0), s->payload);
    vch_sha256_parts(cr, t.part, VCH_COSE_TBS_PARTS, ret);
}

void vch_sign1_txid(const struct vch_crypto *cr, const struct vch_sign1 *s, struct vch_hash *ret)
{
    vch_sha256_of(cr, s->whole, ret);
}
