#include <vouch/cose/key.h>

#include <vouch/base/text.h>

/* prefix and 32 bytes in base64url */
#define URI_LEN (sizeof(VCH_KEY_URI_PREFIX) - 1 + 43)

enum { KTY_OKP = 1, KTY_EC2 = 2, OP_VERIFY = 2 };

void vch_cose_key_encode(const struct vch_pubkey *key, struct vch_writer *w)
{
    bool ec = key->curve == VCH_CURVE_P256;

    if (!ec && key->curve != VCH_CURVE_ED25519) {
        vch_writer_fail(w, VCH_E(KEY));
        return;
    }
    vch_cbor_put_map(w, ec ? 4 : 3);
    vch_cbor_put_int(w, 1);
    vch_cbor_put_int(w, ec ? KTY_EC2 : KTY_OKP);
    vch_cbor_put_int(w, -1);
    vch_cbor_put_int(w, key->curve);
    vch_cbor_put_int(w, -2);
    vch_cbor_put_bstr(w, VCH_BYTES_OF(key->x));
    if (ec) {
        vch_cbor_put_int(w, -3);
        vch_cbor_put_bstr(w, VCH_BYTES_OF(key->y));
    }
}

struct fields {
    uint64_t kty;
    int64_t crv;
    enum vch_alg alg;
    bool has_kty, has_crv, has_x, has_y, has_alg;
    bool compressed, y_odd;
    uint8_t x[32], y[32];
};

static vch_err read_ops(struct vch_cbor *c)
{
    bool verify = false;
    size_t n;

    VCH_TRY(vch_cbor_array(c, &n));
    while (n-- > 0) {
        struct vch_bytes op;
        int64_t v;

        if (vch_cbor_peek(c) == VCH_CBOR_TSTR) {
            VCH_TRY(vch_cbor_tstr(c, &op));
            continue;
        }
        VCH_TRY(vch_cbor_int(c, &v));
        verify = verify || v == OP_VERIFY;
    }
    VCH_CHECK(verify, ALG);
    return VCH_OK;
}

static vch_err read_alg(struct vch_cbor *c, struct fields *f)
{
    int64_t id;

    VCH_CHECK(vch_cbor_peek(c) != VCH_CBOR_TSTR, ALG);
    VCH_TRY(vch_cbor_int(c, &id));
    f->alg = vch_alg_of(id);
    VCH_CHECK(f->alg != VCH_ALG_NONE, ALG);
    f->has_alg = true;
    return VCH_OK;
}

/* Labels that only the generic reader takes. */
static vch_err read_extra(struct vch_cbor *c, int64_t label, struct fields *f)
{
    struct vch_bytes ignored;

    switch (label) {
    case 2: /* kid */
    case 5: /* base IV */
        return vch_cbor_bstr(c, &ignored);
    case 3:
        return read_alg(c, f);
    case 4:
        return read_ops(c);
    case -4: /* private part: not ours to keep */
        return vch_cbor_bstr(c, &ignored);
    default:
        return VCH_E(CBOR_LABEL);
    }
}

static vch_err read_field(struct vch_cbor *c, int64_t label, struct fields *f)
{
    switch (label) {
    case 1:
        f->has_kty = true;
        VCH_CHECK(vch_cbor_peek(c) != VCH_CBOR_TSTR, ALG);
        return vch_cbor_uint(c, &f->kty);
    case -1:
        f->has_crv = true;
        VCH_CHECK(vch_cbor_peek(c) != VCH_CBOR_TSTR, ALG);
        return vch_cbor_int(c, &f->crv);
    case -2:
        f->has_x = true;
        return vch_cbor_bstr_fixed(c, VCH_SPAN_OF(f->x));
    case -3:
        f->has_y = true;
        if (c->mode == VCH_CBOR_GENERIC && vch_cbor_peek(c) == VCH_CBOR_SIMPLE) {
            f->compressed = true;
            return vch_cbor_bool(c, &f->y_odd);
        }
        return vch_cbor_bstr_fixed(c, VCH_SPAN_OF(f->y));
    default:
        VCH_CHECK(c->mode == VCH_CBOR_GENERIC, CBOR_LABEL);
        return read_extra(c, label, f);
    }
}

static vch_err assemble(const struct vch_crypto *cr, const struct fields *f, struct vch_pubkey *ret)
{
    struct vch_pubkey key = {.curve = VCH_CURVE_NONE};

    VCH_CHECK(f->has_kty && f->has_crv && f->has_x, CBOR_FIELD);
    if (f->kty == KTY_EC2 && f->crv == VCH_CURVE_P256) {
        VCH_CHECK(f->has_y, CBOR_FIELD);
        key.curve = VCH_CURVE_P256;
    } else {
        VCH_CHECK(f->kty == KTY_OKP && f->crv == VCH_CURVE_ED25519, ALG);
        VCH_CHECK(!f->has_y, CBOR_LABEL);
        key.curve = VCH_CURVE_ED25519;
    }
    VCH_CHECK(!f->has_alg || vch_alg_curve(f->alg) == key.curve, ALG);
    memcpy(key.x, f->x, sizeof(key.x));
    if (f->compressed) {
        VCH_TRY(cr->pubkey_expand(f->x, f->y_odd, &key));
    } else if (f->has_y) {
        memcpy(key.y, f->y, sizeof(key.y));
    }
    VCH_TRY(cr->pubkey_check(&key));
    *ret = key;
    return VCH_OK;
}

vch_err vch_cose_key_decode(const struct vch_crypto *cr, struct vch_cbor *c, struct vch_pubkey *ret)
{
    struct vch_cbor probe = *c;
    struct fields f = {0};
    struct vch_cbor_map m;
    int64_t label;
    bool more;

    VCH_TRY(vch_cbor_map(&probe, &m));
    for (;;) {
        VCH_TRY(vch_cbor_map_label(&probe, &m, &label, &more));
        if (!more) {
            break;
        }
        VCH_TRY(read_field(&probe, label, &f));
    }
    VCH_TRY(assemble(cr, &f, ret));
    *c = probe;
    return VCH_OK;
}

void vch_cose_key_thumbprint(const struct vch_crypto *cr, const struct vch_pubkey *key,
                             struct vch_hash *ret)
{
    uint8_t room[VCH_COSE_KEY_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes encoded;

    vch_cose_key_encode(key, &w);
    VCH_ASSERT(vch_ok(vch_writer_finish(&w, &encoded)));
    vch_sha256_of(cr, encoded, ret);
}

struct vch_bytes vch_key_uri_encode(const struct vch_hash *thumbprint, struct vch_span out)
{
    size_t n = sizeof(VCH_KEY_URI_PREFIX) - 1;

    VCH_ASSERT(out.cap >= VCH_KEY_URI_ROOM);
    memcpy(out.p, VCH_KEY_URI_PREFIX, n);
    vch_b64_encode(VCH_B64_URL, vch_hash_bytes(thumbprint), vch_span(out.p + n, out.cap - n));
    return vch_bytes(out.p, URI_LEN);
}

vch_err vch_key_uri_decode(struct vch_bytes uri, struct vch_hash *ret_thumbprint)
{
    size_t n = sizeof(VCH_KEY_URI_PREFIX) - 1;
    struct vch_bytes raw;
    struct vch_hash h;

    VCH_CHECK(uri.n == URI_LEN && memcmp(uri.p, VCH_KEY_URI_PREFIX, n) == 0, KEY_URI);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_URL, vch_bytes_slice(uri, n, SIZE_MAX),
                                    VCH_SPAN_OF(h.b), &raw)) &&
                  raw.n == VCH_HASH_LEN,
              KEY_URI);
    *ret_thumbprint = h;
    return VCH_OK;
}
