/* Whom the device believes: from a trust file, or from single options. */
#include "device_int.h"

#include <jansson.h>
#include <stdio.h>

#include <vouch/jose/jwk.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

#define FILE_MAX (1u << 20)

static vch_err say(char why[256], const char *what, const char *name)
{
    snprintf(why, 256, "%s%s%s", what, name != NULL ? ": " : "", name != NULL ? name : "");
    return VCH_E(DEVICE_SETUP);
}

static vch_err copy_text(const char *from, struct vch_span room, char why[256])
{
    if (from == NULL || strlen(from) >= room.cap) {
        return say(why, "a name or URL is missing or too long", from);
    }
    memcpy(room.p, from, strlen(from) + 1);
    return VCH_OK;
}

static vch_err add_key(const struct vch_pubkey *key, struct vch_pubkey *keys, size_t max,
                       size_t *count, char why[256])
{
    for (size_t i = 0; i < *count; i++) {
        if (vch_pubkey_equal(&keys[i], key)) {
            return VCH_OK;
        }
    }
    if (*count == max) {
        return say(why, "more keys than a device can hold", NULL);
    }
    keys[(*count)++] = *key;
    return VCH_OK;
}

/* Keys of a JSON array of JWKs. */
static vch_err json_keys(const json_t *list, struct vch_pubkey *keys, size_t max, size_t *count,
                         char why[256])
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        char *text = json_dumps(v, JSON_COMPACT);
        struct vch_jwk jwk;
        vch_err e = text == NULL ? VCH_E(TRUST_FILE)
                                 : vch_jwk_decode(vch_ossl_crypto(), vch_text(text), &jwk);

        free(text);
        if (!vch_ok(e)) {
            snprintf(why, 256, "a key of the trust file: %s", vch_err_info(e)->text);
            return e;
        }
        VCH_TRY(add_key(&jwk.pub, keys, max, count, why));
    }
    return VCH_OK;
}

static const json_t *find(const json_t *list, const char *id)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        const char *name = json_string_value(json_object_get(v, "id"));

        if (name != NULL && strcmp(name, id) == 0) {
            return v;
        }
    }
    return NULL;
}

static vch_err add_ledger(const json_t *all, const char *id, struct vch_device_setup *setup,
                          char why[256])
{
    struct vch_device_ledger *l = &setup->ledgers[setup->ledger_count];

    if (setup->ledger_count == VCH_DEVICE_LEDGERS) {
        return say(why, "more ledgers than a device can hold", NULL);
    }
    VCH_TRY(copy_text(id, VCH_SPAN_OF(l->id), why));
    setup->ledger_count++;
    return json_keys(json_object_get(find(all, id), "keys"), l->keys, VCH_DEVICE_LEDGER_KEYS,
                     &l->key_count, why);
}

static vch_err use_as(const json_t *root, const json_t *as, struct vch_device_setup *setup,
                      struct vch_buf *tls_ca, char why[256])
{
    const char *ca = json_string_value(json_object_get(as, "tls_ca"));
    const json_t *v;
    size_t i;

    VCH_TRY(
        copy_text(json_string_value(json_object_get(as, "id")), VCH_SPAN_OF(setup->as_id), why));
    VCH_TRY(
        copy_text(json_string_value(json_object_get(as, "url")), VCH_SPAN_OF(setup->as_url), why));
    VCH_TRY(json_keys(json_object_get(as, "keys"), setup->as_keys, VCH_DEVICE_AS_KEYS,
                      &setup->as_key_count, why));
    json_array_foreach(json_object_get(as, "ledgers"), i, v)
    {
        VCH_TRY(add_ledger(json_object_get(root, "ledgers"), json_string_value(v), setup, why));
    }
    return ca == NULL ? VCH_OK : vch_buf_text(tls_ca, ca);
}

vch_err device_trust_read(const char *file, const char *as_id, struct vch_device_setup *setup,
                          struct vch_buf *tls_ca, char why[256])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(FILE_MAX);
    const json_t *list, *as;
    json_error_t at;
    json_t *root;
    vch_err e;

    VCH_TRY(vch_cli_read_file(file, &text));
    root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &at);
    if (root == NULL) {
        snprintf(why, 256, "%s, line %d: %s", file, at.line, at.text);
        return VCH_E(TRUST_FILE);
    }
    list = json_object_get(root, "as");
    as = as_id != NULL ? find(list, as_id) : json_array_get(list, 0);
    if (as == NULL) {
        e = say(why, "the trust file does not have this AS", as_id);
    } else if (as_id == NULL && json_array_size(list) != 1) {
        e = say(why, "the trust file has several AS: choose one by --as", NULL);
    } else {
        e = use_as(root, as, setup, tls_ca, why);
    }
    json_decref(root);
    return e;
}

/* A public key from PEM (key or certificate) or JWK. */
static vch_err key_file(const char *file, struct vch_pubkey *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(FILE_MAX);
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *cert = NULL;
    struct vch_jwk jwk;

    VCH_TRY(vch_cli_read_file(file, &text));
    if (text.n != 0 && text.p[0] == '{') {
        VCH_TRY(vch_jwk_decode(vch_ossl_crypto(), vch_buf_get(&text), &jwk));
        *ret = jwk.pub;
        return VCH_OK;
    }
    if (vch_ok(vch_ossl_pubkey_pem_decode(vch_buf_get(&text), ret))) {
        return VCH_OK;
    }
    VCH_TRY(vch_cert_open(vch_buf_get(&text), &cert));
    VCH_CHECK(vch_cert_info(cert)->pub.curve != VCH_CURVE_NONE, KEY);
    *ret = vch_cert_info(cert)->pub;
    return VCH_OK;
}

static vch_err key_files(const struct vch_cli_list *files, struct vch_pubkey *keys, size_t max,
                         size_t *count, char why[256])
{
    for (size_t i = 0; i < files->n; i++) {
        struct vch_pubkey key;
        vch_err e = key_file(files->v[i], &key);

        if (!vch_ok(e)) {
            snprintf(why, 256, "%s", files->v[i]);
            return e;
        }
        VCH_TRY(add_key(&key, keys, max, count, why));
    }
    return VCH_OK;
}

vch_err device_provision(const struct device_setup_args *a, struct vch_device_setup *setup,
                         struct vch_buf *tls_ca, char why[256])
{
    if (a->trust != NULL) {
        VCH_TRY(device_trust_read(a->trust, a->as_id, setup, tls_ca, why));
    } else if (a->as_id == NULL || a->as_url == NULL || a->as_keys.n == 0 || a->ledgers.n == 0) {
        return say(why, "give --trust, or --as, --as-url, --as-key and --ledger", NULL);
    } else {
        VCH_TRY(copy_text(a->as_id, VCH_SPAN_OF(setup->as_id), why));
    }
    if (a->as_url != NULL) {
        VCH_TRY(copy_text(a->as_url, VCH_SPAN_OF(setup->as_url), why));
    }
    if (a->entry_url != NULL) {
        VCH_TRY(copy_text(a->entry_url, VCH_SPAN_OF(setup->entry_url), why));
    }
    VCH_TRY(key_files(&a->as_keys, setup->as_keys, VCH_DEVICE_AS_KEYS, &setup->as_key_count, why));
    for (size_t i = 0; i < a->ledgers.n; i++) {
        VCH_TRY(add_ledger(NULL, a->ledgers.v[i], setup, why));
    }
    if (a->ledger_keys.n != 0 && setup->ledger_count != 1) {
        return say(why, "--ledger-key is for one ledger; use a trust file for several", NULL);
    }
    VCH_TRY(key_files(&a->ledger_keys, setup->ledgers[0].keys, VCH_DEVICE_LEDGER_KEYS,
                      &setup->ledgers[0].key_count, why));
    if (setup->as_key_count == 0) {
        return say(why, "no key of the AS is known: give --as-key", NULL);
    }
    if (a->tls_ca != NULL) {
        vch_buf_reset(tls_ca);
        VCH_TRY(vch_cli_read_file(a->tls_ca, tls_ca));
    }
    return VCH_OK;
}
