/* vouchd init: makes keys, secrets, vault and the ledger's genesis, once. What is there stays. */
#include "commands.h"

#include <stdio.h>
#include <time.h>

#include <vouch/as/as.h>
#include <vouch/engine/engine.h>
#include <vouch/file/file.h>
#include <vouch/jose/jwk.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

#include "config.h"
#include "keys.h"

#define ENROL_MAX 64
#define CERT_DAYS 1095

static struct vch_time now(void)
{
    struct timespec ts = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (struct vch_time){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000};
}

static vch_err folder(const struct vch_conf_node *root, const char *name)
{
    char path[PATH_ROOM];
    int n = snprintf(path, sizeof path, "%s%s%s", vch_conf_text(root, "state"),
                     name[0] == '\0' ? "" : "/", name);

    VCH_CHECK(n > 0 && (size_t)n < sizeof path, LIMIT);
    return vch_dir_make(path, VCH_FILE_SECRET);
}

static vch_err state_file(const struct vch_conf_node *root, const char *name, struct vch_bytes data)
{
    char path[PATH_ROOM];
    int n = snprintf(path, sizeof path, "%s/%s", vch_conf_text(root, "state"), name);

    VCH_CHECK(n > 0 && (size_t)n < sizeof path, LIMIT);
    return vch_file_write_atomic(path, data, 0);
}

/* The ledger's key, and its public half for those who use the ledger from afar. */
static vch_err make_ledger_key(const struct vch_conf_node *root, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf set = vch_buf_init(65536);
    struct vch_jwk jwk = {.kid = ""};

    VCH_TRY(keys_load_or_make(root, "ledger.key", "keys/ledger.key", VCH_ALG_ES256, ret));
    jwk.pub = vch_ossl_key_signer(*ret)->pub;
    VCH_TRY(vch_jwks_encode(&jwk, 1, &set));
    return state_file(root, "keys/ledger.jwks", vch_buf_get(&set));
}

/* A certificate signed by its own key, for those who have no CA: verifiers then trust the key
 * itself. */
static vch_err make_cert(const struct vch_conf_node *root, const struct vch_ossl_key *key)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(65536);
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(65536);
    const char *id = vch_conf_text(root, "as.id");
    struct vch_san san = {VCH_SAN_DNS, vch_text(id)};
    int64_t t = now().ms;
    struct vch_cert_spec spec = {.common_name = strlen(id) <= 64 ? id : "DIVS AS",
                                 .sans = &san,
                                 .sans_n = 1,
                                 .use = VCH_CERT_SIGNING,
                                 .not_before = {t - 300000},
                                 .not_after = {t + (int64_t)CERT_DAYS * 86400000}};
    char path[PATH_ROOM];
    vch_err e;

    VCH_TRY(config_path(root, "as.cert", "keys/as.crt", path, sizeof path));
    VCH_TRY(vch_cert_self_sign(key, &spec, &der));
    VCH_TRY(vch_ossl_pem_encode("CERTIFICATE", vch_buf_get(&der), &pem));
    e = vch_file_write_atomic(path, vch_buf_get(&pem), VCH_FILE_NEW);
    return vch_err_is(e, VCH_E(FILE_EXISTS)) ? VCH_OK : e;
}

/* The AS's key, and its public half beside it for a CA to certify. */
static vch_err make_as_key(const struct vch_conf_node *root, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(65536);

    VCH_TRY(keys_load_or_make(root, "as.key", "keys/as.key", VCH_ALG_ES256, ret));
    VCH_TRY(vch_ossl_pubkey_pem_encode(&vch_ossl_key_signer(*ret)->pub, &pem));
    return state_file(root, "keys/as.pub", vch_buf_get(&pem));
}

static vch_err init_as(const struct vch_conf_node *root)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    char dir[PATH_ROOM], keys[PATH_ROOM];
    struct vch_as_vault_options o = {.dir = dir,
                                     .keys_path = keys,
                                     .crypto = vch_ossl_crypto(),
                                     .random = vch_ossl_random,
                                     .map_bytes = (size_t)vch_conf_int(root, "as.vault-size"),
                                     .create = true};
    struct vch_as_vault *v = NULL;
    void *master = NULL;
    vch_err e;

    VCH_TRY(make_as_key(root, &key));
    VCH_TRY(make_cert(root, key));
    VCH_TRY(config_path(root, "as.vault", "vault", dir, sizeof dir));
    VCH_TRY(config_path(root, "as.subject-keys", "subjects/keys", keys, sizeof keys));
    if (vch_conf_text(root, "as.subject-keys") == NULL) {
        VCH_TRY(folder(root, "subjects"));
    }
    VCH_TRY(keys_master(root, true, &master));
    o.master = master;
    e = vch_as_vault_open(&o, &v);
    vch_ossl_secret_free(master, 32);
    vch_as_vault_close(v);
    return e;
}

/* ---- genesis */
struct genesis {
    struct vch_genesis_authority list[ENROL_MAX + 3];
    struct vch_cert *certs[ENROL_MAX + 1];
    size_t n, cert_n;
};

static vch_err enrol_cert(struct genesis *g, enum vch_role role, const char *name,
                          struct vch_bytes text)
{
    const struct vch_cert_info *i;

    VCH_CHECK(g->cert_n < VCH_ARRAY_LEN(g->certs), LIMIT);
    VCH_TRY(vch_cert_open(text, &g->certs[g->cert_n]));
    i = vch_cert_info(g->certs[g->cert_n++]);
    g->list[g->n++] = (struct vch_genesis_authority){
        .role = role, .name = vch_text(name), .key = i->pub, .cert = i->der};
    return VCH_OK;
}

static vch_err enrol_all(const struct vch_conf_node *root, struct genesis *g)
{
    size_t count = vch_conf_count(root, "ledger.enrol");

    VCH_CHECK(count <= ENROL_MAX, LIMIT);
    if (config_has_role(root, "as")) {
        VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(65536);

        VCH_TRY(keys_cert(root, &pem));
        VCH_TRY(enrol_cert(g, VCH_ROLE_AS, vch_conf_text(root, "as.id"), vch_buf_get(&pem)));
    }
    for (size_t i = 0; i < count; i++) {
        const struct vch_conf_node *n = vch_conf_at(root, "ledger.enrol", i);
        VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(65536);

        VCH_TRY(vch_file_read(vch_conf_text(n, "cert"), 0, &pem));
        VCH_TRY(enrol_cert(g, vch_conf_choice(n, "role") == 0 ? VCH_ROLE_AS : VCH_ROLE_AGGREGATOR,
                           vch_conf_text(n, "name"), vch_buf_get(&pem)));
    }
    return VCH_OK;
}

static vch_err init_ledger(const struct vch_conf_node *root)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *checkpoint = NULL;
    const char *id = vch_conf_text(root, "ledger.id");
    struct genesis *g = vch_mem_alloc(sizeof *g);
    char dir[PATH_ROOM];
    struct vch_engine_options o = {.cr = vch_ossl_crypto(), .dir = dir};
    vch_err e = config_path(root, "ledger.folder", "ledger", dir, sizeof dir);

    if (vch_ok(e)) {
        e = make_ledger_key(root, &key);
    }
    if (vch_ok(e)) {
        e = keys_load_or_make(root, "ledger.checkpoint-key", "keys/checkpoint.key", VCH_ALG_EDDSA,
                              &checkpoint);
    }
    if (vch_ok(e)) {
        o.signer = vch_ossl_key_signer(key);
        g->list[g->n++] = (struct vch_genesis_authority){
            .role = VCH_ROLE_LEDGER, .name = vch_text(id), .key = o.signer->pub};
        g->list[g->n++] =
            (struct vch_genesis_authority){.role = VCH_ROLE_CHECKPOINT,
                                           .name = vch_text(id),
                                           .key = vch_ossl_key_signer(checkpoint)->pub};
        e = enrol_all(root, g);
    }
    if (vch_ok(e)) {
        e = vch_engine_create(&o, id, g->list, g->n, 0);
    }
    for (size_t i = 0; i < g->cert_n; i++) {
        vch_cert_close(g->certs[i]);
    }
    vch_mem_free(g);
    return e;
}

static vch_err init_keys(const struct vch_conf_node *root, const char **ret_what)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *as = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *ledger = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *checkpoint = NULL;
    bool made;

    *ret_what = "making the folders";
    VCH_TRY(folder(root, ""));
    VCH_TRY(folder(root, "keys"));
    *ret_what = "making the passphrase file";
    VCH_TRY(keys_passphrase_make(root, &made));
    if (made && !vch_cli.json) {
        printf("made a passphrase file: keep a copy of it in a safe place\n");
    }
    *ret_what = "making the keys";
    if (config_has_role(root, "ledger")) {
        VCH_TRY(make_ledger_key(root, &ledger));
        VCH_TRY(keys_load_or_make(root, "ledger.checkpoint-key", "keys/checkpoint.key",
                                  VCH_ALG_EDDSA, &checkpoint));
    }
    return config_has_role(root, "as") ? make_as_key(root, &as) : VCH_OK;
}

static vch_err init_all(const struct vch_conf_node *root, const char **ret_what)
{
    VCH_TRY(init_keys(root, ret_what));
    if (config_has_role(root, "as")) {
        *ret_what = "making the vault of the AS";
        VCH_TRY(init_as(root));
    }
    if (config_has_role(root, "ledger")) {
        *ret_what = "making the ledger";
        VCH_TRY(init_ledger(root));
    }
    return VCH_OK;
}

static int run(const struct vch_cli_cmd *cmd, int argc, char **argv,
               vch_err (*fn)(const struct vch_conf_node *root, const char **ret_what))
{
    const char *path = NULL, *what = "";
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &path, "FILE", "configuration (YAML)"}};
    struct vch_conf *c = NULL;
    int status = 0;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &status) ||
        !config_open(path, &c, &status)) {
        return status;
    }
    e = fn(vch_conf_root(c), &what);
    vch_conf_close(c);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, what, NULL);
}

int cmd_keys(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return run(cmd, argc, argv, init_keys);
}

int cmd_init(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return run(cmd, argc, argv, init_all);
}
