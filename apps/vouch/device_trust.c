/* Whom the device believes: from a trust file, or from single options. */
#include "device_int.h"

#include <stdio.h>

#include <vouch/jose/jwk.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>
#include <vouch/verifier/trust_file.h>

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

static vch_err copy_view(struct vch_bytes from, struct vch_span room, char why[256])
{
    if (from.n == 0 || from.n >= room.cap) {
        return say(why, "a name or URL is missing or too long", NULL);
    }
    memcpy(room.p, from.p, from.n);
    room.p[from.n] = '\0';
    return VCH_OK;
}

static vch_err add_keys(const struct vch_verify_key *list, size_t n, struct vch_pubkey *keys,
                        size_t max, size_t *count, char why[256])
{
    for (size_t i = 0; i < n; i++) {
        VCH_TRY(add_key(&list[i].pub, keys, max, count, why));
    }
    return VCH_OK;
}

static vch_err add_ledger(const struct vch_verify_trust *t, struct vch_bytes id,
                          struct vch_device_setup *setup, char why[256])
{
    struct vch_device_ledger *l = &setup->ledgers[setup->ledger_count];
    size_t at = t == NULL ? VCH_VERIFY_NONE : vch_verify_ledger_find(t, id);

    if (setup->ledger_count == VCH_DEVICE_LEDGERS) {
        return say(why, "more ledgers than a device can hold", NULL);
    }
    VCH_TRY(copy_view(id, VCH_SPAN_OF(l->id), why));
    setup->ledger_count++;
    return at == VCH_VERIFY_NONE ? VCH_OK
                                 : add_keys(t->ledgers[at].keys, t->ledgers[at].key_count, l->keys,
                                            VCH_DEVICE_LEDGER_KEYS, &l->key_count, why);
}

static vch_err use_as(const struct vch_verify_trust *t, const struct vch_verify_as *as,
                      struct vch_device_setup *setup, char why[256])
{
    VCH_TRY(copy_view(as->id, VCH_SPAN_OF(setup->as_id), why));
    VCH_TRY(copy_view(as->url, VCH_SPAN_OF(setup->as_url), why));
    VCH_TRY(add_keys(as->keys, as->key_count, setup->as_keys, VCH_DEVICE_AS_KEYS,
                     &setup->as_key_count, why));
    for (size_t i = 0; i < as->ledger_count; i++) {
        VCH_TRY(add_ledger(t, as->ledgers[i], setup, why));
    }
    return VCH_OK;
}

static vch_err trust_file(const char *path, const char *as_id, struct vch_device_setup *setup,
                          struct vch_buf *tls_ca, char why[256])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(VCH_TRUST_FILE_MAX);
    VCH_AUTO(vch_trust_file_autoclose) struct vch_trust_file *file = NULL;
    const struct vch_verify_trust *t;
    const char *ca;
    size_t at = 0;

    VCH_TRY(vch_cli_read_file(path, &text));
    VCH_TRY(vch_trust_file_decode(vch_ossl_crypto(), vch_buf_get(&text), &file, why));
    t = vch_trust_file_get(file);
    if (as_id != NULL) {
        at = vch_verify_as_find(t, vch_text(as_id));
    } else if (t->as_count != 1) {
        return say(why, "the trust file does not have exactly one AS: choose by --as", NULL);
    }
    if (at == VCH_VERIFY_NONE) {
        return say(why, "the trust file does not have this AS", as_id);
    }
    VCH_TRY(use_as(t, &t->as[at], setup, why));
    ca = vch_trust_file_tls_ca(file, at);
    return ca == NULL ? VCH_OK : vch_buf_text(tls_ca, ca);
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
        VCH_TRY(trust_file(a->trust, a->as_id, setup, tls_ca, why));
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
        VCH_TRY(add_ledger(NULL, vch_text(a->ledgers.v[i]), setup, why));
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
