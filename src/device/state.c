#include "device_int.h"

static vch_err text_check(const char *text, size_t room)
{
    VCH_CHECK(memchr(text, '\0', room) != NULL && text[0] != '\0', DEVICE_SETUP);
    return VCH_OK;
}

vch_err vch_device_setup_check(const struct vch_device_setup *s)
{
    VCH_TRY(text_check(s->as_id, sizeof(s->as_id)));
    VCH_TRY(text_check(s->as_url, sizeof(s->as_url)));
    VCH_CHECK(memchr(s->entry_url, '\0', sizeof(s->entry_url)) != NULL, DEVICE_SETUP);
    VCH_CHECK(s->as_key_count >= 1 && s->as_key_count <= VCH_DEVICE_AS_KEYS, DEVICE_SETUP);
    VCH_CHECK(s->ledger_count >= 1 && s->ledger_count <= VCH_DEVICE_LEDGERS, DEVICE_SETUP);
    VCH_CHECK(s->device_class >= VCH_CLASS_CONSTRAINED && s->device_class <= VCH_CLASS_OTHER,
              DEVICE_SETUP);
    for (size_t i = 0; i < s->ledger_count; i++) {
        const struct vch_device_ledger *l = &s->ledgers[i];
        struct vch_stmt_address a;

        VCH_TRY(text_check(l->id, sizeof(l->id)));
        VCH_CHECK(l->key_count <= VCH_DEVICE_LEDGER_KEYS, DEVICE_SETUP);
        a = (struct vch_stmt_address){vch_text(l->id), entry_url(s)};
        VCH_TRY(vch_stmt_address_check(&a));
    }
    return VCH_OK;
}

/* A key in a file is no trusted environment (Y.2247 7.2.3), and a policy can refuse it. */
vch_err vch_device_custody_check(const struct vch_device *d)
{
    VCH_CHECK(!d->setup.require_trusted || d->host.signer->custody != VCH_CUSTODY_FILE,
              DEVICE_UNTRUSTED);
    return VCH_OK;
}

static void put_keys(struct vch_writer *w, const struct vch_pubkey *keys, size_t count)
{
    vch_cbor_put_array(w, count);
    for (size_t i = 0; i < count; i++) {
        vch_cose_key_encode(&keys[i], w);
    }
}

/* [version, AS id, AS URL, entry URL, [AS keys], [[ledger id, [keys]]...], class, require trusted,
 *  thumbprint, [openings], phase, reserved seq, registration, subject, txid, seq, ledger, nonce] */
static void put_body(const struct vch_device *d, struct vch_writer *w)
{
    const struct vch_device_setup *s = &d->setup;

    vch_cbor_put_array(w, 18);
    vch_cbor_put_uint(w, STATE_VERSION);
    vch_cbor_put_text(w, s->as_id);
    vch_cbor_put_text(w, s->as_url);
    vch_cbor_put_text(w, s->entry_url);
    put_keys(w, s->as_keys, s->as_key_count);
    vch_cbor_put_array(w, s->ledger_count);
    for (size_t i = 0; i < s->ledger_count; i++) {
        vch_cbor_put_array(w, 2);
        vch_cbor_put_text(w, s->ledgers[i].id);
        put_keys(w, s->ledgers[i].keys, s->ledgers[i].key_count);
    }
    vch_cbor_put_uint(w, s->device_class);
    vch_cbor_put_bool(w, s->require_trusted);
    vch_cbor_put_bstr(w, vch_hash_bytes(&d->thumbprint));
    vch_cbor_put_array(w, d->opening_count);
    for (size_t i = 0; i < d->opening_count; i++) {
        vch_cbor_put_bstr(w, vch_bytes(d->opening[i], d->opening_n[i]));
    }
    vch_cbor_put_uint(w, d->phase);
    vch_cbor_put_uint(w, d->reserved_seq);
    vch_cbor_put_bstr(w, vch_hash_bytes(&d->registration));
    vch_cbor_put_bstr(w, VCH_BYTES_OF(d->subject));
    vch_cbor_put_bstr(w, vch_hash_bytes(&d->txid));
    vch_cbor_put_uint(w, d->seq);
    vch_cbor_put_uint(w, d->ledger);
    vch_cbor_put_bstr(w, vch_bytes(d->nonce, d->nonce_n));
}

/* The tag is bound to the format's name, so that the key's other uses cannot produce one. */
static void tag_of(const struct vch_device_host *host, struct vch_bytes body, struct vch_hash *ret)
{
    struct vch_bytes parts[] = {vch_text("vouch device state"), body};

    vch_hmac_sha256(host->crypto, VCH_BYTES_OF(host->mac_key), parts, VCH_ARRAY_LEN(parts), ret);
}

/* [bstr body, bstr tag] */
vch_err vch_device_save(struct vch_device *d)
{
    uint8_t body_room[VCH_DEVICE_STATE_MAX - 64], room[VCH_DEVICE_STATE_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(body_room));
    struct vch_bytes body, state;
    struct vch_hash tag;

    put_body(d, &w);
    VCH_TRY(vch_writer_finish(&w, &body));
    tag_of(&d->host, body, &tag);
    w = vch_writer(VCH_SPAN_OF(room));
    vch_cbor_put_array(&w, 2);
    vch_cbor_put_bstr(&w, body);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&tag));
    VCH_TRY(vch_writer_finish(&w, &state));
    return d->host.persist(d->host.persist_self, state);
}

static vch_err authentic(const struct vch_device_host *host, struct vch_bytes state,
                         struct vch_bytes *ret_body)
{
    struct vch_cbor c = vch_cbor(state, VCH_CBOR_STRICT);
    struct vch_hash tag;
    struct vch_bytes body, given;

    VCH_TRY(vch_cbor_array_of(&c, 2));
    VCH_TRY(vch_cbor_bstr(&c, &body));
    VCH_TRY(vch_cbor_bstr(&c, &given));
    VCH_TRY(vch_cbor_end(&c));
    tag_of(host, body, &tag);
    VCH_CHECK(vch_equal_ct(given, vch_hash_bytes(&tag)), DEVICE_STATE);
    *ret_body = body;
    return VCH_OK;
}

vch_err vch_device_load(struct vch_device *d, const struct vch_device_host *host,
                        struct vch_bytes state)
{
    struct vch_device n = {.host = *host};
    struct vch_hash own;
    struct vch_bytes body;

    VCH_CHECK(vch_ok(authentic(host, state, &body)), DEVICE_STATE);
    VCH_CHECK(vch_ok(vch_device_state_read(&n, body)), DEVICE_STATE);
    vch_cose_key_thumbprint(host->crypto, &host->signer->pub, &own);
    VCH_CHECK(vch_hash_equal(&own, &n.thumbprint), DEVICE_KEY);
    n.next_seq = n.end_seq = n.reserved_seq;
    *d = n;
    return VCH_OK;
}

vch_err vch_device_reload(struct vch_device *d, struct vch_bytes state)
{
    struct vch_device n;

    VCH_TRY(vch_device_load(&n, &d->host, state));
    n.pointer = d->pointer;
    n.pointed = d->pointed && vch_hash_equal(&n.txid, &d->txid);
    n.next_seq = d->next_seq;
    n.end_seq = d->end_seq;
    *d = n;
    return VCH_OK;
}

static vch_err add_identifier(struct vch_device *d, const struct vch_device_identifier *id)
{
    uint8_t salt[VCH_SALT_LEN];
    struct vch_disclosure disc = {
        .salt = VCH_BYTES_OF(salt), .key = id->key, .value = vch_stmt_disc_text(id->text)};
    struct vch_bytes contents;

    VCH_CHECK(id->key >= VCH_DISC_IMEI && id->key <= VCH_DISC_EID, DEVICE_SETUP);
    VCH_TRY(d->host.random(d->host.random_self, VCH_SPAN_OF(salt)));
    VCH_TRY(
        vch_stmt_disclosure_encode(&disc, VCH_SPAN_OF(d->opening[d->opening_count]), &contents));
    d->opening_n[d->opening_count++] = contents.n;
    return VCH_OK;
}

vch_err vch_device_init(struct vch_device *d, const struct vch_device_host *host,
                        const struct vch_device_setup *setup,
                        const struct vch_device_identifier *identifiers, size_t count)
{
    struct vch_device n = {.host = *host, .setup = *setup};

    VCH_TRY(vch_device_setup_check(setup));
    VCH_TRY(vch_device_custody_check(&n));
    VCH_CHECK(count >= 1 && count <= VCH_DEVICE_IDENTIFIERS, DEVICE_SETUP);
    vch_cose_key_thumbprint(host->crypto, &host->signer->pub, &n.thumbprint);
    for (size_t i = 0; i < count; i++) {
        VCH_TRY(add_identifier(&n, &identifiers[i]));
    }
    VCH_TRY(vch_device_save(&n));
    *d = n;
    return VCH_OK;
}

vch_err vch_device_address(const struct vch_device *d, struct vch_stmt_address *ret)
{
    VCH_CHECK(d->phase >= VCH_DEVICE_ENDORSED, DEVICE_UNREGISTERED);
    *ret =
        (struct vch_stmt_address){vch_text(d->setup.ledgers[d->ledger].id), entry_url(&d->setup)};
    return VCH_OK;
}
