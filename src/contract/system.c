#include <vouch/contract/system.h>

#include <vouch/cbor/cbor.h>
#include <vouch/cose/key.h>

#define NAME_LEN_MAX 128
#define CERT_LEN_MAX 16384
#define VERSION      1
enum { GENESIS = 0, STATE_ROOT = 1 };

static vch_err authority_check(const struct vch_genesis_authority *a, struct vch_bytes ledger_id)
{
    VCH_CHECK(a->role >= VCH_ROLE_LEDGER && a->role <= VCH_ROLE_CHECKPOINT, GENESIS);
    VCH_CHECK(a->name.n >= 1 && a->name.n <= NAME_LEN_MAX && vch_utf8_check(a->name), GENESIS);
    VCH_CHECK(a->cert.n <= CERT_LEN_MAX, GENESIS);
    VCH_CHECK(a->role != VCH_ROLE_AS || a->cert.n > 0, GENESIS);
    VCH_CHECK(a->role != VCH_ROLE_CHECKPOINT || a->key.curve == VCH_CURVE_ED25519, GENESIS);
    VCH_CHECK((a->role != VCH_ROLE_LEDGER && a->role != VCH_ROLE_CHECKPOINT) ||
                  vch_bytes_equal(a->name, ledger_id),
              GENESIS);
    return VCH_OK;
}

static void authority_encode(const struct vch_genesis_authority *a, struct vch_writer *w)
{
    vch_cbor_put_array(w, 4);
    vch_cbor_put_uint(w, (uint64_t)a->role);
    vch_cbor_put_tstr(w, a->name);
    vch_cose_key_encode(&a->key, w);
    if (a->cert.n > 0) {
        vch_cbor_put_bstr(w, a->cert);
    } else {
        vch_cbor_put_null(w);
    }
}

static vch_err authority_decode(const struct vch_crypto *cr, struct vch_cbor *c,
                                struct vch_genesis_authority *ret)
{
    uint64_t role;

    VCH_TRY(vch_cbor_array_of(c, 4));
    VCH_TRY(vch_cbor_uint(c, &role));
    VCH_CHECK(role >= VCH_ROLE_LEDGER && role <= VCH_ROLE_CHECKPOINT, GENESIS);
    ret->role = (enum vch_role)role;
    VCH_TRY(vch_cbor_tstr(c, &ret->name));
    VCH_TRY(vch_cose_key_decode(cr, c, &ret->key));
    ret->cert = vch_bytes(NULL, 0);
    if (vch_cbor_is_null(c)) {
        return vch_cbor_null(c);
    }
    VCH_TRY(vch_cbor_bstr(c, &ret->cert));
    VCH_CHECK(ret->cert.n > 0, GENESIS);
    return VCH_OK;
}

vch_err vch_genesis_encode(const struct vch_crypto *cr, struct vch_bytes ledger_id,
                           struct vch_time time, const struct vch_genesis_authority *a, size_t n,
                           struct vch_writer *w)
{
    bool ledger = false;

    VCH_CHECK(ledger_id.n >= 1 && ledger_id.n <= NAME_LEN_MAX && vch_utf8_check(ledger_id),
              GENESIS);
    VCH_CHECK(n >= 1 && n <= VCH_GENESIS_AUTHORITIES && time.ms >= 0, GENESIS);
    for (size_t i = 0; i < n; i++) {
        VCH_TRY(authority_check(&a[i], ledger_id));
        VCH_TRY(cr->pubkey_check(&a[i].key));
        ledger = ledger || a[i].role == VCH_ROLE_LEDGER;
        for (size_t j = 0; j < i; j++) {
            VCH_CHECK(!vch_pubkey_equal(&a[i].key, &a[j].key), GENESIS);
        }
    }
    VCH_CHECK(ledger, GENESIS);
    vch_cbor_put_array(w, 5);
    vch_cbor_put_uint(w, GENESIS);
    vch_cbor_put_uint(w, VERSION);
    vch_cbor_put_tstr(w, ledger_id);
    vch_cbor_put_int(w, time.ms);
    vch_cbor_put_array(w, n);
    for (size_t i = 0; i < n; i++) {
        authority_encode(&a[i], w);
    }
    return VCH_OK;
}

vch_err vch_genesis_next(const struct vch_crypto *cr, struct vch_genesis *g,
                         struct vch_genesis_authority *ret)
{
    struct vch_cbor c = vch_cbor(g->list, VCH_CBOR_STRICT);
    struct vch_genesis_authority a;

    VCH_CHECK(g->list.n > 0, NOT_FOUND);
    VCH_TRY(authority_decode(cr, &c, &a));
    VCH_TRY(authority_check(&a, g->ledger_id));
    g->list = vch_bytes(g->list.p + c.r.pos, g->list.n - c.r.pos);
    *ret = a;
    return VCH_OK;
}

/* Every authority in its form, a ledger key among them, no key twice. */
static vch_err list_check(const struct vch_crypto *cr, struct vch_genesis g)
{
    struct vch_genesis_authority a, b;
    bool ledger = false;

    for (size_t i = 0; i < g.count; i++) {
        struct vch_genesis rest;

        VCH_TRY(vch_genesis_next(cr, &g, &a));
        ledger = ledger || a.role == VCH_ROLE_LEDGER;
        rest = g;
        while (vch_ok(vch_genesis_next(cr, &rest, &b))) {
            VCH_CHECK(!vch_pubkey_equal(&a.key, &b.key), GENESIS);
        }
    }
    VCH_CHECK(g.list.n == 0, TRAILING);
    VCH_CHECK(ledger, GENESIS);
    return VCH_OK;
}

vch_err vch_genesis_decode(const struct vch_crypto *cr, struct vch_bytes entry,
                           struct vch_genesis *ret)
{
    struct vch_cbor c = vch_cbor(entry, VCH_CBOR_STRICT);
    struct vch_genesis g;
    uint64_t type, version;

    VCH_CHECK(entry.n <= VCH_GENESIS_MAX, LIMIT);
    VCH_TRY(vch_cbor_array_of(&c, 5));
    VCH_TRY(vch_cbor_uint(&c, &type));
    VCH_TRY(vch_cbor_uint(&c, &version));
    VCH_CHECK(type == GENESIS && version == VERSION, GENESIS);
    VCH_TRY(vch_cbor_tstr(&c, &g.ledger_id));
    VCH_CHECK(g.ledger_id.n >= 1 && g.ledger_id.n <= NAME_LEN_MAX, GENESIS);
    VCH_TRY(vch_cbor_int(&c, &g.time.ms));
    VCH_CHECK(g.time.ms >= 0, GENESIS);
    VCH_TRY(vch_cbor_array(&c, &g.count));
    VCH_CHECK(g.count >= 1 && g.count <= VCH_GENESIS_AUTHORITIES, GENESIS);
    g.list = vch_bytes(entry.p + c.r.pos, entry.n - c.r.pos);
    VCH_TRY(list_check(cr, g));
    *ret = g;
    return VCH_OK;
}

void vch_state_root_encode(const struct vch_state_root *r, struct vch_writer *w)
{
    vch_cbor_put_array(w, 5);
    vch_cbor_put_uint(w, STATE_ROOT);
    vch_cbor_put_uint(w, r->batch);
    vch_cbor_put_int(w, r->time.ms);
    vch_cbor_put_uint(w, r->count);
    vch_cbor_put_bstr(w, vch_hash_bytes(&r->map_root));
}

vch_err vch_state_root_decode(struct vch_bytes entry, struct vch_state_root *ret)
{
    struct vch_cbor c = vch_cbor(entry, VCH_CBOR_STRICT);
    struct vch_state_root r;
    uint64_t type;

    VCH_TRY(vch_cbor_array_of(&c, 5));
    VCH_TRY(vch_cbor_uint(&c, &type));
    VCH_CHECK(type == STATE_ROOT, CBOR_TYPE);
    VCH_TRY(vch_cbor_uint(&c, &r.batch));
    VCH_TRY(vch_cbor_int(&c, &r.time.ms));
    VCH_TRY(vch_cbor_uint(&c, &r.count));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(r.map_root.b)));
    VCH_TRY(vch_cbor_end(&c));
    *ret = r;
    return VCH_OK;
}
