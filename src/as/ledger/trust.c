/* The trust file of one AS and its ledger (docs/formats.md 6), from the ledger's own table. */
#include <jansson.h>

#include <vouch/as/chain.h>
#include <vouch/cose/key.h>
#include <vouch/jose/jwk.h>

struct authorities {
    const struct vch_crypto *cr;
    const char *as_id;
    json_t *ledger_keys, *as_keys;
};

static json_t *jwk_json(const struct vch_crypto *cr, const struct vch_pubkey *key)
{
    struct vch_buf text = vch_buf_init(4096);
    struct vch_jwk jwk = {.pub = *key};
    struct vch_hash thumbprint;
    json_t *j = NULL;

    vch_cose_key_thumbprint(cr, key, &thumbprint);
    (void)vch_hex_encode(vch_hash_bytes(&thumbprint), VCH_SPAN_OF(jwk.kid));
    if (vch_ok(vch_jwk_encode(&jwk, &text))) {
        j = json_loadb((const char *)text.p, text.n, 0, NULL);
    }
    vch_buf_fini(&text);
    return j;
}

static vch_err authority_add(void *arg, const struct vch_ledger_authority *a)
{
    struct authorities *x = arg;

    if (a->role == VCH_ROLE_LEDGER) {
        (void)json_array_append_new(x->ledger_keys, jwk_json(x->cr, &a->key));
    } else if (a->role == VCH_ROLE_AS && vch_bytes_equal(a->name, vch_text(x->as_id))) {
        (void)json_array_append_new(x->as_keys, jwk_json(x->cr, &a->key));
    }
    return VCH_OK;
}

static char *render(const struct vch_as_trust *t, const struct authorities *x)
{
    json_t *ledger = json_object(), *as = json_object(), *j = json_object();
    char *text;

    (void)json_object_set_new(ledger, "id", json_string(t->ledger->id));
    (void)json_object_set(ledger, "keys", x->ledger_keys);
    (void)json_object_set_new(as, "id", json_string(t->as_id));
    (void)json_object_set_new(as, "url", json_string(t->as_url));
    (void)json_object_set(as, "keys", x->as_keys);
    (void)json_object_set_new(as, "ledgers", json_pack("[s]", t->ledger->id));
    if (t->tls_ca_pem != NULL) {
        (void)json_object_set_new(as, "tls_ca", json_string(t->tls_ca_pem));
    }
    (void)json_object_set_new(j, "version", json_integer(1));
    (void)json_object_set_new(j, "ledgers", json_pack("[o]", ledger));
    (void)json_object_set_new(j, "as", json_pack("[o]", as));
    text = json_dumps(j, JSON_INDENT(2));
    json_decref(j);
    return text;
}

vch_err vch_as_trust_json(const struct vch_as_trust *t, struct vch_buf *out)
{
    struct authorities x = {t->crypto, t->as_id, json_array(), json_array()};
    vch_err e = vch_ledger_authorities(t->ledger, authority_add, &x);
    char *text = vch_ok(e) ? render(t, &x) : NULL;

    if (vch_ok(e)) {
        e = text == NULL ? VCH_E(MEMORY) : vch_buf_printf(out, "%s\n", text);
    }
    vch_mem_free(text);
    json_decref(x.ledger_keys);
    json_decref(x.as_keys);
    return e;
}
