/* vouchd keys, vouchd init: what is made once. */
#include "vouchd.h"

#include <stdio.h>
#include <sys/stat.h>

#include <vouch/contract/system.h>

#define AUTHORITIES_MAX 70

static bool exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

/* Makes DATA/keys/NAME.key and NAME.pub unless the key is there. */
static vch_err make_key(const struct site *s, const char *name, enum vch_alg alg)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(4096);
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    const char *p;

    VCH_TRY(vch_buf_printf(&path, "%s/keys/%s.key", s->data, name));
    VCH_TRY(vch_buf_cstr(&path, &p));
    if (exists(p)) {
        return VCH_OK;
    }
    VCH_TRY(vch_ossl_key_generate(alg, &key));
    VCH_TRY(vch_ossl_key_save(key, p, vch_buf_get(&s->passphrase), 0));
    vch_buf_reset(&path);
    VCH_TRY(vch_buf_printf(&path, "%s/keys/%s.pub", s->data, name));
    VCH_TRY(vch_buf_cstr(&path, &p));
    VCH_TRY(vch_ossl_pubkey_pem_encode(&vch_ossl_key_signer(key)->pub, &pem));
    VCH_TRY(vch_file_write_atomic(p, vch_buf_get(&pem), 0));
    if (!vch_cli.quiet) {
        printf("made %s\n", p);
    }
    return VCH_OK;
}

static vch_err make_keys(const struct site *s)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    const char *p;

    VCH_TRY(vch_dir_make(s->data, VCH_FILE_SECRET));
    VCH_TRY(site_path(s, "keys", &path, &p));
    VCH_TRY(vch_dir_make(p, VCH_FILE_SECRET));
    VCH_TRY(make_key(s, "ledger", VCH_ALG_ES256));
    VCH_TRY(make_key(s, "checkpoint", VCH_ALG_ED25519));
    if (site_has_role(s, "as")) {
        VCH_TRY(make_key(s, "as", VCH_ALG_ES256));
        VCH_TRY(site_path(s, "keys/vault.key", &path, &p));
        if (!exists(p)) {
            VCH_TRY(site_master_make(s));
        }
    }
    return VCH_OK;
}

/* The public key of DATA/keys/NAME.key, or of the PEM file NAME with FILE. */
static vch_err public_key(const struct site *s, const char *name, bool file, struct vch_pubkey *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(4096);
    const char *p = name;

    if (!file) {
        VCH_TRY(vch_buf_printf(&path, "%s/keys/%s.pub", s->data, name));
        VCH_TRY(vch_buf_cstr(&path, &p));
    }
    VCH_TRY(vch_file_read(p, 0, &pem));
    return vch_ossl_pubkey_pem_decode(vch_buf_get(&pem), ret);
}

static vch_err collect(const struct site *s, struct vch_buf *cert, struct vch_genesis_authority *a,
                       size_t *ret_n)
{
    struct vch_bytes ledger_id = vch_text(vch_conf_text(s->root, "ledger.id"));
    size_t n = 0;

    a[n] = (struct vch_genesis_authority){.role = VCH_ROLE_LEDGER, .name = ledger_id};
    VCH_TRY(public_key(s, "ledger", false, &a[n++].key));
    a[n] = (struct vch_genesis_authority){.role = VCH_ROLE_CHECKPOINT, .name = ledger_id};
    VCH_TRY(public_key(s, "checkpoint", false, &a[n++].key));
    if (site_has_role(s, "as")) {
        VCH_TRY(site_cert(vch_conf_text(s->root, "as.certificate"), cert));
        a[n] = (struct vch_genesis_authority){.role = VCH_ROLE_AS,
                                              .name = vch_text(vch_conf_text(s->root, "as.id")),
                                              .cert = vch_buf_get(cert)};
        VCH_TRY(public_key(s, "as", false, &a[n++].key));
    }
    for (size_t i = 0; i < vch_conf_count(s->root, "ledger.aggregators"); i++) {
        const struct vch_conf_node *node = vch_conf_at(s->root, "ledger.aggregators", i);

        a[n] = (struct vch_genesis_authority){.role = VCH_ROLE_AGGREGATOR,
                                              .name = vch_text(vch_conf_text(node, "name"))};
        VCH_TRY(public_key(s, vch_conf_text(node, "pubkey"), true, &a[n++].key));
    }
    *ret_n = n;
    return VCH_OK;
}

static vch_err make_ledger(const struct site *s)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf cert = vch_buf_init(65536);
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    struct vch_genesis_authority a[AUTHORITIES_MAX];
    struct vch_engine_options o = {.cr = vch_ossl_crypto(),
                                   .dir = vch_conf_text(s->root, "ledger.dir")};
    size_t n;

    if (o.dir == NULL) {
        VCH_TRY(site_path(s, "ledger", &path, &o.dir));
    }
    VCH_TRY(site_key(s, "ledger", &key));
    o.signer = vch_ossl_key_signer(key);
    VCH_TRY(collect(s, &cert, a, &n));
    return vch_engine_create(&o, vch_conf_text(s->root, "ledger.id"), a, n,
                             (uint64_t)vch_conf_int(s->root, "ledger.segment"));
}

static vch_err make_vault(const struct site *s)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf dir = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf keys = vch_buf_init(4096);
    struct vch_as_vault *vault = NULL;
    struct vch_as_vault_options o = {
        .crypto = vch_ossl_crypto(), .random = vch_ossl_random, .create = true};
    uint8_t master[32];
    vch_err e;

    VCH_TRY(site_path(s, "vault", &dir, &o.dir));
    VCH_TRY(site_path(s, "keys/subjects", &keys, &o.keys_path));
    VCH_TRY(vch_dir_make(o.dir, VCH_FILE_SECRET));
    VCH_TRY(site_master_load(s, master));
    o.master = master;
    e = vch_as_vault_open(&o, &vault);
    vch_wipe(master, sizeof(master));
    vch_as_vault_close(vault);
    return e;
}

static int with_config(const struct vch_cli_cmd *cmd, int argc, char **argv, struct site *ret,
                       bool *ret_go)
{
    const char *config = NULL;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &config, "FILE", "configuration file"},
    };
    int n, status;
    char **args;
    vch_err e;

    *ret_go = false;
    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (config == NULL || n != 0) {
        return vch_cli_usage("--config FILE is needed");
    }
    e = site_open(config, true, ret);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, cmd->noun, config);
    }
    *ret_go = true;
    return VCH_EXIT_OK;
}

int cmd_keys(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct site s;
    bool go;
    int status = with_config(cmd, argc, argv, &s, &go);
    vch_err e;

    if (!go) {
        return status;
    }
    e = make_keys(&s);
    site_fini(&s);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "keys", NULL);
}

int cmd_init(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct site s;
    bool go;
    int status = with_config(cmd, argc, argv, &s, &go);
    vch_err e;

    if (!go) {
        return status;
    }
    e = make_keys(&s);
    if (vch_ok(e)) {
        e = make_ledger(&s);
    }
    if (vch_ok(e) && site_has_role(&s, "as")) {
        e = make_vault(&s);
    }
    if (vch_ok(e) && !vch_cli.quiet) {
        printf("ledger %s is made\n", vch_conf_text(s.root, "ledger.id"));
    }
    site_fini(&s);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "init", NULL);
}
