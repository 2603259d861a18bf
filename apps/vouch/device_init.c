/* vouch device init: a key, an identity, and whom to believe. */
#include "commands.h"
#include "device_int.h"

#include <stdio.h>

#include <vouch/base/text.h>

#include <vouch/ossl/crypto.h>
#include <vouch/stmt/identity.h>

struct init_args {
    struct device_args common;
    struct device_setup_args setup;
    const char *id[4]; /* IMEI, ICCID, MSISDN, EID */
    const char *alg;
    const char *class_name;
    const char *custody;
    bool require_trusted;
};

struct identity {
    char text[4][VCH_IDENTITY_ROOM];
    struct vch_device_identifier id[4];
    size_t count;
};

/* req: Y.2247-7.2.1-4 (identifiers that fail their format are refused before anything is sent) */
static vch_err read_identity(const struct init_args *a, struct identity *ret)
{
    static const enum vch_disc_key keys[] = {VCH_DISC_IMEI, VCH_DISC_ICCID, VCH_DISC_MSISDN,
                                             VCH_DISC_EID};

    for (size_t i = 0; i < VCH_ARRAY_LEN(keys); i++) {
        struct vch_bytes canon;

        if (a->id[i] == NULL) {
            continue;
        }
        VCH_TRY(vch_stmt_identity_canon(keys[i], vch_text(a->id[i]), VCH_SPAN_OF(ret->text[i]),
                                        &canon));
        ret->id[ret->count++] = (struct vch_device_identifier){keys[i], canon};
    }
    VCH_CHECK(ret->count != 0, DEVICE_SETUP);
    return VCH_OK;
}

static bool read_class(const char *name, enum vch_device_class *ret)
{
    static const char *const names[] = {"constrained", "gateway", "other"};

    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum vch_device_class)(i + 1);
            return true;
        }
    }
    return false;
}

static vch_err read_alg(const char *name, enum vch_alg *ret)
{
    static const enum vch_alg all[] = {VCH_ALG_ES256, VCH_ALG_EDDSA, VCH_ALG_ESP256,
                                       VCH_ALG_ED25519};

    for (size_t i = 0; i < VCH_ARRAY_LEN(all); i++) {
        if (strcmp(name, vch_alg_name(all[i])) == 0) {
            *ret = all[i];
            return VCH_OK;
        }
    }
    return VCH_E(ALG);
}

/* The key is made here and leaves this machine never. req: Y.2247-7.1-3 */
static vch_err make_key(const struct init_args *a, struct device_session *s,
                        struct vch_device_host *ret_host)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(1024);
    char path[DEVICE_PATH_ROOM];
    enum vch_alg alg;
    vch_err e;

    VCH_TRY(read_alg(a->alg, &alg));
    VCH_TRY(device_path(s->dir, "key.pem", VCH_SPAN_OF(path)));
    VCH_TRY(vch_cli_passphrase(a->common.passphrase_file, "passphrase for the device's key",
                               a->common.passphrase_file == NULL, &pass));
    VCH_TRY(vch_ossl_key_generate(alg, &s->key));
    /* replaced only where no state belongs to it */
    e = vch_ossl_key_save(s->key, path, vch_buf_get(&pass), VCH_OSSL_KEY_REPLACE);
    if (vch_ok(e)) {
        e = device_host(s, vch_buf_get(&pass), ret_host);
    }
    vch_wipe(pass.p, pass.n);
    return e;
}

static vch_err create(const struct init_args *a, const struct identity *id,
                      const struct vch_device_setup *setup, struct vch_bytes tls_ca,
                      struct device_session *s)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf old = vch_buf_init(VCH_DEVICE_STATE_MAX);
    char path[DEVICE_PATH_ROOM];
    struct vch_device_host host;
    vch_err e;

    VCH_TRY(vch_dir_make(s->dir, VCH_FILE_SECRET));
    VCH_TRY(device_path(s->dir, "lock", VCH_SPAN_OF(path)));
    VCH_TRY(vch_file_lock(path, &s->lock));
    VCH_TRY(device_path(s->dir, "state", VCH_SPAN_OF(path)));
    e = vch_file_read(path, 0, &old);
    VCH_CHECK(vch_err_is(e, VCH_E(FILE_MISSING)), FILE_EXISTS);
    VCH_TRY(device_path(s->dir, "tls-ca.pem", VCH_SPAN_OF(path)));
    if (tls_ca.n != 0) {
        VCH_TRY(vch_file_write_atomic(path, tls_ca, VCH_FILE_SECRET));
    }
    VCH_TRY(make_key(a, s, &host));
    e = vch_device_init(&s->d, &host, setup, id->id, id->count);
    vch_wipe(host.mac_key, sizeof(host.mac_key));
    return e;
}

static void print_result(const struct device_session *s)
{
    char hex[65], uri[VCH_KEY_URI_ROOM];
    const struct vch_signer *signer = vch_ossl_key_signer(s->key);

    vch_hex_encode(vch_hash_bytes(&s->d.thumbprint), VCH_SPAN_OF(hex));
    (void)vch_key_uri_encode(&s->d.thumbprint, VCH_SPAN_OF(uri));
    if (vch_cli.json) {
        printf("{\"thumbprint\":\"%s\",\"key\":\"%s\",\"algorithm\":\"%s\",\"custody\":\"file\","
               "\"trusted_environment\":false,",
               hex, uri, vch_alg_name(signer->alg));
        device_print_member("as", s->d.setup.as_id);
        printf(",");
        device_print_member("url", s->d.setup.as_url);
        printf("}\n");
        return;
    }
    printf("%sdevice set up%s in %s\n  key        %s (%s)\n  AS         %s, %s\n"
           "  custody    a file, encrypted: no trusted environment; every verdict will say so\n"
           "next: vouch device register --state %s\n",
           vch_cli_green(), vch_cli_reset(), s->dir, uri, vch_alg_name(signer->alg),
           s->d.setup.as_id, s->d.setup.as_url, s->dir);
}

static int run(const struct init_args *a)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf tls_ca = vch_buf_init(1 << 20);
    static struct device_session s;
    static struct vch_device_setup setup;
    struct identity id = {.count = 0};
    char why[256] = "";
    vch_err e;

    e = read_identity(a, &id);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "identifiers", "give --imei, --iccid, --msisdn or --eid");
    }
    setup.require_trusted = a->require_trusted;
    if (!read_class(a->class_name, &setup.device_class)) {
        return vch_cli_usage("--class is constrained, gateway or other");
    }
    e = device_provision(&a->setup, &setup, &tls_ca, why);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "whom the device is to believe", why);
    }
    s.dir = a->common.dir;
    e = create(a, &id, &setup, vch_buf_get(&tls_ca), &s);
    if (vch_ok(e)) {
        print_result(&s);
    }
    device_close(&s);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "set up the device", a->common.dir);
}

int cmd_device_init(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct init_args a = {.common.dir = DEVICE_DIR, .alg = "ES256", .class_name = "gateway"};
    const struct vch_cli_opt opts[] = {
        DEVICE_OPTS(a.common),
        {"trust", 't', VCH_CLI_TEXT, &a.setup.trust, "FILE",
         "trust file with the AS and its ledger"},
        {"as", 0, VCH_CLI_TEXT, &a.setup.as_id, "ID", "id of the AS"},
        {"as-url", 0, VCH_CLI_TEXT, &a.setup.as_url, "URL", "where the AS is reached"},
        {"as-key", 0, VCH_CLI_LIST, &a.setup.as_keys, "FILE",
         "key of the AS: PEM key, certificate or JWK"},
        {"entry-url", 0, VCH_CLI_TEXT, &a.setup.entry_url, "URL",
         "public URL of the AS in entry addresses, if another"},
        {"ledger", 0, VCH_CLI_LIST, &a.setup.ledgers, "ID", "ledger that the AS records on"},
        {"ledger-key", 0, VCH_CLI_LIST, &a.setup.ledger_keys, "FILE", "key of that ledger"},
        {"tls-ca", 0, VCH_CLI_TEXT, &a.setup.tls_ca, "FILE",
         "CA of the AS's TLS certificate (default: the system's)"},
        {"imei", 0, VCH_CLI_TEXT, &a.id[0], "DIGITS", "identity of the device"},
        {"iccid", 0, VCH_CLI_TEXT, &a.id[1], "DIGITS", "identity of its SIM"},
        {"msisdn", 0, VCH_CLI_TEXT, &a.id[2], "+NUMBER", "its telephone number"},
        {"eid", 0, VCH_CLI_TEXT, &a.id[3], "DIGITS", "identity of its eSIM"},
        {"class", 0, VCH_CLI_TEXT, &a.class_name, "NAME",
         "constrained, gateway (default) or other"},
        {"alg", 0, VCH_CLI_TEXT, &a.alg, "NAME", "ES256 (default), ESP256, EdDSA or Ed25519"},
        {"custody", 0, VCH_CLI_TEXT, &a.custody, "PLACE",
         "file: accept that the key lies in an encrypted file"},
        {"require-trusted", 0, VCH_CLI_FLAG, &a.require_trusted, NULL,
         "refuse to sign without a trusted environment"},
    };
    int n, status;
    char **args;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 0) {
        return vch_cli_usage("unexpected argument '%s'", args[0]);
    }
    /* a key in a file only where it is asked for by name (Y.2247 7.1) */
    if (a.custody == NULL || strcmp(a.custody, "file") != 0) {
        return vch_cli_usage("say --custody file: the key will lie in an encrypted file, which is "
                             "no trusted environment, and registration and verdicts say so");
    }
    return run(&a);
}
