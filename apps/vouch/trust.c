/* `vouch trust show`, `add`, `check`: the file that says whom a verifier believes. */
#include "commands.h"
#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <vouch/base/text.h>
#include <vouch/file/file.h>
#include <vouch/jose/jwk.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

/* ---- show, check */
static void fingerprint(const struct vch_hash *h)
{
    char text[2 * VCH_HASH_LEN + 1];

    printf("%s", vch_hex_encode(vch_hash_bytes(h), VCH_SPAN_OF(text)));
}

static void show_keys(const struct vch_verify_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("    key  %s  ", keys[i].pub.curve == VCH_CURVE_P256 ? "P-256  " : "Ed25519");
        fingerprint(&keys[i].thumbprint);
        printf("\n");
    }
}

static void show(const struct vch_trust_file *file)
{
    const struct vch_verify_trust *t = vch_trust_file_get(file);

    for (size_t i = 0; i < t->ledger_count; i++) {
        printf("%sledger%s %.*s\n", vch_cli_bold(), vch_cli_reset(), (int)t->ledgers[i].id.n,
               (const char *)t->ledgers[i].id.p);
        show_keys(t->ledgers[i].keys, t->ledgers[i].key_count);
    }
    for (size_t i = 0; i < t->as_count; i++) {
        const struct vch_verify_as *as = &t->as[i];

        printf("%sapplication server%s %.*s", vch_cli_bold(), vch_cli_reset(), (int)as->id.n,
               (const char *)as->id.p);
        printf(as->url.n > 0 ? "  %.*s\n" : "\n", (int)as->url.n, (const char *)as->url.p);
        show_keys(as->keys, as->key_count);
        for (size_t k = 0; k < vch_trust_file_ca_count(file, i); k++) {
            printf("    CA   SHA-256  ");
            fingerprint(vch_trust_file_ca(file, i, k));
            printf("\n");
        }
        for (size_t k = 0; k < as->ledger_count; k++) {
            printf("    records on %.*s\n", (int)as->ledgers[k].n, (const char *)as->ledgers[k].p);
        }
    }
    for (size_t i = 0; i < t->retired_count; i++) {
        char room[VCH_TIME_TEXT_MAX];

        printf("%s counts for nothing from %s on\n", vch_alg_name(t->retired[i].alg),
               vch_time_text((struct vch_time){t->retired[i].from_ms}, VCH_SPAN_OF(room)));
    }
}

static bool open_named(const struct vch_cli_cmd *cmd, int argc, char **argv,
                       struct vch_trust_file **ret, int *ret_exit)
{
    const char *trust = NULL;
    const struct vch_cli_opt opts[] = {
        {"trust", 't', VCH_CLI_TEXT, &trust, "FILE", "trust file"},
    };
    char **args;
    int n;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, ret_exit)) {
        return false;
    }
    if (n > 1) {
        *ret_exit = vch_cli_usage("name one trust file");
        return false;
    }
    return app_trust_open(n == 1 ? args[0] : trust, ret, ret_exit);
}

int cmd_trust_show(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_trust_file_autoclose) struct vch_trust_file *file = NULL;
    int status;

    if (!open_named(cmd, argc, argv, &file, &status)) {
        return status;
    }
    show(file);
    return VCH_EXIT_OK;
}

int cmd_trust_check(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_trust_file_autoclose) struct vch_trust_file *file = NULL;
    const struct vch_verify_trust *t;
    int status;

    if (!open_named(cmd, argc, argv, &file, &status)) {
        return status;
    }
    t = vch_trust_file_get(file);
    if (vch_cli.json) {
        printf("{\"ledgers\":%zu,\"as\":%zu}\n", t->ledger_count, t->as_count);
    } else {
        printf("good: %zu ledger%s, %zu application server%s\n", t->ledger_count,
               t->ledger_count == 1 ? "" : "s", t->as_count, t->as_count == 1 ? "" : "s");
    }
    return VCH_EXIT_OK;
}

/* ---- add */
struct adding {
    const char *trust, *ledger, *as, *url;
    struct vch_cli_list keys, ca, ledgers;
    const char *tls_ca;
};

/* A key as JWK from a file: a JWK, a public key or a certificate in PEM. */
static vch_err key_json(const char *path, json_t **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init((size_t)1 << 20);
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(65536);
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *cert = NULL;
    struct vch_jwk jwk;

    memset(&jwk, 0, sizeof(jwk));
    VCH_TRY(vch_cli_read_file(path, &text));
    if (vch_ok(vch_cert_open(vch_buf_get(&text), &cert))) {
        jwk.pub = vch_cert_info(cert)->pub;
        VCH_CHECK(jwk.pub.curve != VCH_CURVE_NONE, KEY);
    } else if (!vch_ok(vch_ossl_pubkey_pem_decode(vch_buf_get(&text), &jwk.pub))) {
        VCH_TRY(vch_jwk_decode(vch_ossl_crypto(), vch_buf_get(&text), &jwk));
    }
    VCH_TRY(vch_jwk_encode(&jwk, &out));
    *ret = json_loadb((const char *)out.p, out.n, 0, NULL);
    VCH_CHECK(*ret != NULL, JWK);
    return VCH_OK;
}

static vch_err text_json(const char *path, json_t **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init((size_t)1 << 20);

    VCH_TRY(vch_cli_read_file(path, &text));
    *ret = json_stringn((const char *)text.p, text.n);
    VCH_CHECK(*ret != NULL, TEXT);
    return VCH_OK;
}

/* The entry with that id in the list NAME of DOC; made if it is not there. */
static json_t *entry_of(json_t *doc, const char *name, const char *id)
{
    json_t *list = json_object_get(doc, name), *e;
    size_t i;

    if (list == NULL) {
        list = json_array();
        json_object_set_new(doc, name, list);
    }
    json_array_foreach(list, i, e)
    {
        const char *have = json_string_value(json_object_get(e, "id"));

        if (have != NULL && strcmp(have, id) == 0) {
            return e;
        }
    }
    e = json_object();
    json_object_set_new(e, "id", json_string(id));
    json_array_append_new(list, e);
    return e;
}

static void append_once(json_t *entry, const char *name, json_t *value)
{
    json_t *list = json_object_get(entry, name), *have;
    size_t i;

    if (list == NULL) {
        list = json_array();
        json_object_set_new(entry, name, list);
    }
    json_array_foreach(list, i, have)
    {
        if (json_equal(have, value)) {
            json_decref(value);
            return;
        }
    }
    json_array_append_new(list, value);
}

static vch_err add_entry(json_t *doc, const struct adding *a, const char **reterr_path)
{
    json_t *entry =
        a->ledger != NULL ? entry_of(doc, "ledgers", a->ledger) : entry_of(doc, "as", a->as);
    json_t *value;

    for (size_t i = 0; i < a->keys.n; i++) {
        *reterr_path = a->keys.v[i];
        VCH_TRY(key_json(a->keys.v[i], &value));
        append_once(entry, "keys", value);
    }
    for (size_t i = 0; i < a->ca.n; i++) {
        *reterr_path = a->ca.v[i];
        VCH_TRY(text_json(a->ca.v[i], &value));
        append_once(entry, "ca", value);
    }
    for (size_t i = 0; i < a->ledgers.n; i++) {
        append_once(entry, "ledgers", json_string(a->ledgers.v[i]));
    }
    if (a->url != NULL) {
        json_object_set_new(entry, "url", json_string(a->url));
    }
    if (a->tls_ca != NULL) {
        *reterr_path = a->tls_ca;
        VCH_TRY(text_json(a->tls_ca, &value));
        json_object_set_new(entry, "tls_ca", value);
    }
    return VCH_OK;
}

/* The file as JSON, or an empty one where there is none yet. */
static vch_err load_doc(const char *path, json_t **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(VCH_TRUST_FILE_MAX);
    vch_err e = vch_file_read(path, 0, &text);

    if (vch_err_is(e, VCH_E(FILE_MISSING))) {
        *ret = json_pack("{si}", "version", 1);
        return VCH_OK;
    }
    VCH_TRY(e);
    *ret = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    VCH_CHECK(json_is_object(*ret), TRUST_FILE);
    return VCH_OK;
}

/* The new text is read as a verifier reads it before it takes the place of the old one. */
static int save_doc(const char *path, json_t *doc)
{
    VCH_AUTO(vch_trust_file_autoclose) struct vch_trust_file *file = NULL;
    char detail[VCH_TRUST_DETAIL_MAX] = "";
    char *text = json_dumps(doc, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    vch_err e = text == NULL ? VCH_E(TRUST_FILE) : VCH_OK;

    if (vch_ok(e)) {
        e = vch_trust_file_decode(vch_ossl_crypto(), vch_text(text), &file, detail);
    }
    if (vch_ok(e)) {
        e = vch_file_write_atomic(path, vch_text(text), 0);
    }
    vch_mem_free(text);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, path, detail[0] != 0 ? detail : NULL);
    }
    if (!vch_cli.quiet) {
        show(file);
    }
    return VCH_EXIT_OK;
}

static int add(const struct adding *a)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf room = vch_buf_init(8192);
    const char *path = app_trust_path(a->trust, &room), *at = path;
    json_t *doc = NULL;
    vch_err e = load_doc(path, &doc);
    int status;

    if (vch_ok(e)) {
        e = add_entry(doc, a, &at);
    }
    status = vch_ok(e) ? save_doc(path, doc) : vch_cli_fail(e, "reading", at);
    json_decref(doc);
    return status;
}

int cmd_trust_add(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct adding a;
    const struct vch_cli_opt opts[] = {
        {"trust", 't', VCH_CLI_TEXT, &a.trust, "FILE", "trust file; made if it is not there"},
        {"ledger", 0, VCH_CLI_TEXT, &a.ledger, "ID", "a ledger: its id"},
        {"as", 0, VCH_CLI_TEXT, &a.as, "ID", "an application server: its id"},
        {"url", 0, VCH_CLI_TEXT, &a.url, "URL", "where the AS is asked"},
        {"key", 'k', VCH_CLI_LIST, &a.keys, "FILE",
         "a key of it: JWK, PEM public key or certificate"},
        {"ca", 0, VCH_CLI_LIST, &a.ca, "FILE", "CA that certifies the keys of the AS, PEM"},
        {"on", 0, VCH_CLI_LIST, &a.ledgers, "ID", "a ledger that the AS records on"},
        {"tls-ca", 0, VCH_CLI_TEXT, &a.tls_ca, "FILE", "CA of the AS's TLS certificate, PEM"},
    };
    char **args;
    int n, status;

    memset(&a, 0, sizeof(a));
    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 0 || (a.ledger == NULL) == (a.as == NULL)) {
        return vch_cli_usage("name either --ledger or --as");
    }
    if (a.ledger != NULL && (a.url != NULL || a.ca.n > 0 || a.ledgers.n > 0 || a.tls_ca != NULL)) {
        return vch_cli_usage("a ledger has keys only");
    }
    return add(&a);
}
