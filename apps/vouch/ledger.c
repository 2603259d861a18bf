#include "ledger_int.h"

#include <stdio.h>

#include <vouch/file/file.h>
#include <vouch/ledger/remote.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

#define OPTS_MAX 24
#define PEM_MAX  65536

bool ledger_parse(struct ledger_args *a, const struct vch_cli_cmd *cmd,
                  const struct vch_cli_opt *more, size_t n_more, int argc, char **argv, int *ret_n,
                  char ***ret_args, int *ret_exit)
{
    const struct vch_cli_opt common[] = {
        {"dir", 'd', VCH_CLI_TEXT, &a->dir, "DIR", "the ledger's directory"},
        {"url", 'u', VCH_CLI_TEXT, &a->url, "URL", "a ledger behind HTTPS instead"},
        {"id", 0, VCH_CLI_TEXT, &a->id, "ID", "ledger id; with --url needed"},
        {"key", 'k', VCH_CLI_LIST, &a->keys, "FILE",
         "the ledger's receipt key (PEM, public); with --url needed"},
        {"ca", 0, VCH_CLI_TEXT, &a->ca, "FILE", "authorities for the server's certificate (PEM)"},
        {"cert", 0, VCH_CLI_TEXT, &a->cert, "FILE", "client certificate (PEM)"},
        {"cert-key", 0, VCH_CLI_TEXT, &a->cert_key, "FILE", "its key (PEM)"},
        {"plain", 0, VCH_CLI_FLAG, &a->plain, NULL, "allow http:// on this machine"},
    };
    struct vch_cli_opt opts[OPTS_MAX];
    size_t n = VCH_ARRAY_LEN(common);

    memcpy(opts, common, sizeof(common));
    for (size_t i = 0; i < n_more; i++) {
        opts[n++] = more[i];
    }
    return vch_cli_parse(cmd, opts, n, argc, argv, ret_n, ret_args, ret_exit);
}

int ledger_fail(vch_err e, const char *dir, const struct vch_ledger_fault *fault)
{
    char detail[sizeof(fault->what) + sizeof(fault->file) + 80];
    bool known = fault != NULL && fault->what[0] != 0 &&
                 (vch_err_is(e, VCH_E(LEDGER_DAMAGED)) || vch_err_is(e, VCH_E(LEDGER_ROLLED_BACK)));

    if (!known) {
        return vch_cli_fail(e, dir, NULL);
    }
    if (fault->index != UINT64_MAX) {
        (void)snprintf(detail, sizeof(detail), "%s: %s at offset %llu, entry %llu", fault->what,
                       fault->file, (unsigned long long)fault->offset,
                       (unsigned long long)fault->index);
    } else {
        (void)snprintf(detail, sizeof(detail), "%s: %s at offset %llu", fault->what, fault->file,
                       (unsigned long long)fault->offset);
    }
    return vch_cli_fail(e, dir, detail);
}

bool ledger_open_book(const struct ledger_args *a, struct vch_ledger_book **ret, int *ret_exit)
{
    struct vch_ledger_book_options o = {
        .cr = vch_ossl_crypto(), .dir = a->dir, .ledger_id = a->id, .read_only = true};
    struct vch_ledger_fault fault = {.what = ""};
    vch_err e;

    if (a->dir == NULL) {
        *ret_exit = vch_cli_usage("name the ledger's directory by --dir");
        return false;
    }
    e = vch_ledger_book_open(&o, ret, &fault);
    if (!vch_ok(e)) {
        *ret_exit = ledger_fail(e, a->dir, &fault);
        return false;
    }
    return true;
}

static vch_err pubkey_load(const char *path, struct vch_pubkey *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(PEM_MAX);
    struct vch_cert *cert;

    VCH_TRY(vch_file_read(path, 0, &pem));
    if (vch_ok(vch_ossl_pubkey_pem_decode(vch_buf_get(&pem), ret))) {
        return VCH_OK;
    }
    VCH_TRY(vch_cert_open(vch_buf_get(&pem), &cert)); /* a certificate serves as well */
    *ret = vch_cert_info(cert)->pub;
    vch_cert_close(cert);
    return VCH_OK;
}

static bool open_url(const struct ledger_args *a, struct vch_ledger *ret, int *ret_exit)
{
    struct vch_pubkey keys[VCH_LEDGER_REMOTE_KEYS];
    struct vch_ledger_remote_options o = {.cr = vch_ossl_crypto(),
                                          .ledger_id = a->id,
                                          .keys = keys,
                                          .key_count = a->keys.n,
                                          .http = {.url = a->url,
                                                   .allow_plain = a->plain,
                                                   .ca_file = a->ca,
                                                   .cert_file = a->cert,
                                                   .key_file = a->cert_key}};
    vch_err e;

    if (a->id == NULL || a->keys.n == 0 || a->keys.n > VCH_LEDGER_REMOTE_KEYS) {
        *ret_exit = vch_cli_usage("--url needs --id and --key: nothing is believed that the "
                                  "ledger's own key does not prove");
        return false;
    }
    for (size_t i = 0; i < a->keys.n; i++) {
        e = pubkey_load(a->keys.v[i], &keys[i]);
        if (!vch_ok(e)) {
            *ret_exit = vch_cli_fail(e, a->keys.v[i], NULL);
            return false;
        }
    }
    e = vch_ledger_remote_open(&o, ret);
    if (!vch_ok(e)) {
        *ret_exit = vch_cli_fail(e, a->url, NULL);
        return false;
    }
    return true;
}

bool ledger_open(const struct ledger_args *a, struct vch_ledger *ret, int *ret_exit)
{
    struct vch_ledger_book *b;

    if ((a->dir != NULL) == (a->url != NULL)) {
        *ret_exit = vch_cli_usage("name the ledger either by --dir or by --url");
        return false;
    }
    if (a->url != NULL) {
        return open_url(a, ret, ret_exit);
    }
    if (!ledger_open_book(a, &b, ret_exit)) {
        return false;
    }
    vch_ledger_book_table(b, ret);
    return true;
}

vch_err ledger_key_load(const char *path, const char *passphrase_file, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(1024);
    vch_err e;

    if (passphrase_file == NULL) {
        e = vch_ossl_key_load(path, vch_bytes(NULL, 0), VCH_OSSL_KEY_PLAIN, ret);
        if (!vch_err_is(e, VCH_E(PASSPHRASE))) {
            return e;
        }
    }
    VCH_TRY(vch_cli_passphrase(passphrase_file, "passphrase of the key", false, &pass));
    e = vch_ossl_key_load(path, vch_buf_get(&pass), VCH_OSSL_KEY_PLAIN, ret);
    vch_wipe(pass.p, pass.n);
    return e;
}

void ledger_print_head(const char *id, const struct vch_ledger_head *h)
{
    char root[2 * VCH_HASH_LEN + 1], map[2 * VCH_HASH_LEN + 1], time[VCH_TIME_TEXT_MAX];
    VCH_AUTO(vch_buf_fini) struct vch_buf name = vch_buf_init(1024);

    vch_hex_encode(vch_hash_bytes(&h->root), VCH_SPAN_OF(root));
    vch_hex_encode(vch_hash_bytes(&h->map_root), VCH_SPAN_OF(map));
    vch_time_text(h->time, VCH_SPAN_OF(time));
    if (vch_cli.json) {
        vch_ignore(vch_cli_json_string(&name, vch_text(id)));
        printf("\"ledger\":%.*s,\"size\":%llu,\"root\":\"%s\",\"batch\":%llu,\"time\":\"%s\","
               "\"state_count\":%llu,\"state_root\":\"%s\"",
               (int)name.n, (const char *)name.p, (unsigned long long)h->size, root,
               (unsigned long long)h->batch, time, (unsigned long long)h->count, map);
        return;
    }
    printf("ledger      %s\nsize        %llu entries\nroot        %s\nbatch       %llu\n"
           "time        %s\nstate       %llu values, root %s\n",
           id, (unsigned long long)h->size, root, (unsigned long long)h->batch, time,
           (unsigned long long)h->count, map);
}
