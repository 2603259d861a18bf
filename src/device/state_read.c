#include "device_int.h"

static vch_err read_text(struct vch_cbor *c, struct vch_span room)
{
    struct vch_bytes b;

    VCH_TRY(vch_cbor_tstr(c, &b));
    VCH_CHECK(b.n < room.cap && (b.n == 0 || memchr(b.p, '\0', b.n) == NULL), DEVICE_STATE);
    if (b.n != 0) {
        memcpy(room.p, b.p, b.n);
    }
    room.p[b.n] = '\0';
    return VCH_OK;
}

static vch_err read_count(struct vch_cbor *c, size_t max, size_t *ret)
{
    size_t n;

    VCH_TRY(vch_cbor_array(c, &n));
    VCH_CHECK(n <= max, DEVICE_STATE);
    *ret = n;
    return VCH_OK;
}

static vch_err read_keys(const struct vch_crypto *cr, struct vch_cbor *c, struct vch_pubkey *keys,
                         size_t max, size_t *ret_count)
{
    size_t n;

    VCH_TRY(read_count(c, max, &n));
    for (size_t i = 0; i < n; i++) {
        VCH_TRY(vch_cose_key_decode(cr, c, &keys[i]));
    }
    *ret_count = n;
    return VCH_OK;
}

static vch_err read_small(struct vch_cbor *c, uint64_t max, int *ret)
{
    uint64_t v;

    VCH_TRY(vch_cbor_uint(c, &v));
    VCH_CHECK(v <= max, DEVICE_STATE);
    *ret = (int)v;
    return VCH_OK;
}

static vch_err read_setup(const struct vch_crypto *cr, struct vch_cbor *c,
                          struct vch_device_setup *s)
{
    int device_class;

    VCH_TRY(read_text(c, VCH_SPAN_OF(s->as_id)));
    VCH_TRY(read_text(c, VCH_SPAN_OF(s->as_url)));
    VCH_TRY(read_text(c, VCH_SPAN_OF(s->entry_url)));
    VCH_TRY(read_keys(cr, c, s->as_keys, VCH_DEVICE_AS_KEYS, &s->as_key_count));
    VCH_TRY(read_count(c, VCH_DEVICE_LEDGERS, &s->ledger_count));
    for (size_t i = 0; i < s->ledger_count; i++) {
        struct vch_device_ledger *l = &s->ledgers[i];

        VCH_TRY(vch_cbor_array_of(c, 2));
        VCH_TRY(read_text(c, VCH_SPAN_OF(l->id)));
        VCH_TRY(read_keys(cr, c, l->keys, VCH_DEVICE_LEDGER_KEYS, &l->key_count));
    }
    VCH_TRY(read_small(c, VCH_CLASS_OTHER, &device_class));
    s->device_class = (enum vch_device_class)device_class;
    VCH_TRY(vch_cbor_bool(c, &s->require_trusted));
    return vch_device_setup_check(s);
}

static vch_err read_bytes(struct vch_cbor *c, struct vch_span room, size_t *ret_n)
{
    struct vch_bytes b;

    VCH_TRY(vch_cbor_bstr(c, &b));
    VCH_CHECK(b.n <= room.cap, DEVICE_STATE);
    if (b.n != 0) {
        memcpy(room.p, b.p, b.n);
    }
    *ret_n = b.n;
    return VCH_OK;
}

vch_err vch_device_state_read(struct vch_device *d, struct vch_bytes body)
{
    struct vch_cbor c = vch_cbor(body, VCH_CBOR_STRICT);
    int version, phase, ledger;

    VCH_TRY(vch_cbor_array_of(&c, 18));
    VCH_TRY(read_small(&c, 255, &version));
    VCH_CHECK(version == STATE_VERSION, DEVICE_STATE);
    VCH_TRY(read_setup(d->host.crypto, &c, &d->setup));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(d->thumbprint.b)));
    VCH_TRY(read_count(&c, VCH_DEVICE_IDENTIFIERS, &d->opening_count));
    for (size_t i = 0; i < d->opening_count; i++) {
        VCH_TRY(read_bytes(&c, VCH_SPAN_OF(d->opening[i]), &d->opening_n[i]));
    }
    VCH_TRY(read_small(&c, VCH_DEVICE_RETIRED, &phase));
    d->phase = (enum vch_device_phase)phase;
    VCH_TRY(vch_cbor_uint(&c, &d->reserved_seq));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(d->registration.b)));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(d->subject)));
    VCH_TRY(vch_cbor_bstr_fixed(&c, VCH_SPAN_OF(d->txid.b)));
    VCH_TRY(vch_cbor_uint(&c, &d->seq));
    VCH_TRY(read_small(&c, VCH_DEVICE_LEDGERS, &ledger));
    d->ledger = (size_t)ledger;
    VCH_CHECK(d->ledger < d->setup.ledger_count, DEVICE_STATE);
    VCH_TRY(read_bytes(&c, VCH_SPAN_OF(d->nonce), &d->nonce_n));
    return vch_cbor_end(&c);
}
