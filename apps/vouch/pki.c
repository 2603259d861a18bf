/* vouch pki - a small certificate authority for trials and private networks. */
#include "commands.h"

#include <stdio.h>
#include <time.h>

#include <vouch/file/file.h>
#include <vouch/ossl/x509.h>

#define PEM_MAX 65536

struct pki_args {
    const char *name;
    const char *organisation;
    const char *out;
    const char *ca;
    const char *pubkey;
    const char *passphrase_file;
    const char *ca_passphrase_file;
    struct vch_cli_list dns;
    struct vch_cli_list uri;
    struct vch_cli_list ip;
    uint64_t days;
    bool plain;
};

static struct vch_time now(void)
{
    struct timespec ts = {0, 0};

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct vch_time){(int64_t)ts.tv_sec * 1000};
}

static vch_err path_of(struct vch_buf *b, const char *stem, const char *suffix, const char **ret)
{
    VCH_TRY(vch_buf_text(b, stem));
    VCH_TRY(vch_buf_text(b, suffix));
    return vch_buf_cstr(b, ret);
}

/* Writes DER as PEM to STEM.crt. */
static vch_err save_cert(const char *stem, struct vch_bytes der)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(PEM_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    const char *p;

    VCH_TRY(path_of(&path, stem, ".crt", &p));
    VCH_TRY(vch_ossl_pem_encode("CERTIFICATE", der, &pem));
    return vch_file_write_atomic(p, vch_buf_get(&pem), 0);
}

static vch_err passphrase_of(const char *file, bool plain, const char *prompt, struct vch_buf *ret)
{
    if (file == NULL && plain) {
        return VCH_OK;
    }
    return vch_cli_passphrase(file, prompt, file == NULL, ret);
}

static vch_err save_key(const struct pki_args *a, const struct vch_ossl_key *key)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(1024);
    const char *p;
    vch_err e;

    VCH_TRY(path_of(&path, a->out, ".key", &p));
    VCH_TRY(passphrase_of(a->passphrase_file, a->plain, "passphrase for the new key", &pass));
    e = vch_ossl_key_save(key, p, vch_buf_get(&pass), a->plain ? VCH_OSSL_KEY_PLAIN : 0);
    vch_wipe(pass.p, pass.n);
    return e;
}

static size_t collect(const struct pki_args *a, struct vch_san *sans)
{
    const struct {
        const struct vch_cli_list *list;
        enum vch_san_kind kind;
    } kinds[] = {{&a->dns, VCH_SAN_DNS}, {&a->uri, VCH_SAN_URI}, {&a->ip, VCH_SAN_IP}};
    size_t n = 0;

    for (size_t k = 0; k < VCH_ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < kinds[k].list->n; i++) {
            sans[n++] = (struct vch_san){kinds[k].kind, vch_text(kinds[k].list->v[i])};
        }
    }
    return n;
}

static struct vch_cert_spec spec_of(const struct pki_args *a, enum vch_cert_use use,
                                    const struct vch_san *sans, size_t sans_n)
{
    struct vch_time t = now();

    return (struct vch_cert_spec){.common_name = a->name,
                                  .organisation = a->organisation,
                                  .sans = sans,
                                  .sans_n = sans_n,
                                  .use = use,
                                  .not_before = {t.ms - 300000}, /* clocks differ by minutes */
                                  .not_after = {t.ms + (int64_t)a->days * 86400000}};
}

static vch_err make_ca(const struct pki_args *a)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(PEM_MAX);
    struct vch_cert_spec spec = spec_of(a, VCH_CERT_CA, NULL, 0);

    VCH_TRY(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    VCH_TRY(vch_cert_self_sign(key, &spec, &der));
    VCH_TRY(save_key(a, key));
    return save_cert(a->out, vch_buf_get(&der));
}

/* The CA's certificate and key from STEM.crt and STEM.key. */
static vch_err open_ca(const struct pki_args *a, struct vch_cert **ret_cert,
                       struct vch_ossl_key **ret_key)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf crt = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf key = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(PEM_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(1024);
    const char *p;
    vch_err e;

    VCH_TRY(path_of(&crt, a->ca, ".crt", &p));
    VCH_TRY(vch_file_read(p, 0, &pem));
    VCH_TRY(vch_cert_open(vch_buf_get(&pem), ret_cert));
    VCH_TRY(path_of(&key, a->ca, ".key", &p));
    e = a->ca_passphrase_file == NULL
            ? vch_ossl_key_load(p, vch_bytes(NULL, 0), VCH_OSSL_KEY_PLAIN, ret_key)
            : VCH_E(DECRYPT);
    if (vch_ok(e)) {
        return e;
    }
    VCH_TRY(vch_cli_passphrase(a->ca_passphrase_file, "passphrase of the CA's key", false, &pass));
    e = vch_ossl_key_load(p, vch_buf_get(&pass), VCH_OSSL_KEY_PLAIN, ret_key);
    vch_wipe(pass.p, pass.n);
    return e;
}

/* The key that the certificate is for: a given public key, or a new pair whose half is saved. */
static vch_err subject_key(const struct pki_args *a, struct vch_pubkey *ret)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(PEM_MAX);

    if (a->pubkey != NULL) {
        VCH_TRY(vch_file_read(a->pubkey, 0, &pem));
        return vch_ossl_pubkey_pem_decode(vch_buf_get(&pem), ret);
    }
    VCH_TRY(vch_ossl_key_generate(VCH_ALG_ES256, &key));
    *ret = vch_ossl_key_signer(key)->pub;
    return save_key(a, key);
}

static vch_err issue(const struct pki_args *a, enum vch_cert_use use)
{
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *ca = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *ca_key = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(PEM_MAX);
    struct vch_san sans[3 * VCH_CLI_LIST_MAX];
    struct vch_cert_spec spec = spec_of(a, use, sans, collect(a, sans));
    struct vch_pubkey pub;

    VCH_TRY(open_ca(a, &ca, &ca_key));
    VCH_TRY(subject_key(a, &pub));
    VCH_TRY(vch_cert_issue(ca_key, ca, &pub, &spec, &der));
    return save_cert(a->out, vch_buf_get(&der));
}

static bool parse(struct pki_args *a, const struct vch_cli_cmd *cmd, int argc, char **argv, int *n,
                  char ***args, int *status)
{
    const struct vch_cli_opt opts[] = {
        {"name", 'n', VCH_CLI_TEXT, &a->name, "NAME", "common name of the certificate"},
        {"organisation", 0, VCH_CLI_TEXT, &a->organisation, "NAME", "organisation"},
        {"out", 'o', VCH_CLI_TEXT, &a->out, "STEM", "write STEM.crt and STEM.key"},
        {"ca", 0, VCH_CLI_TEXT, &a->ca, "STEM", "the authority's STEM.crt and STEM.key"},
        {"dns", 0, VCH_CLI_LIST, &a->dns, "HOST", "host name of a server (several times)"},
        {"ip", 0, VCH_CLI_LIST, &a->ip, "ADDRESS", "address of a server (several times)"},
        {"uri", 0, VCH_CLI_LIST, &a->uri, "URI", "URI as an alternative name"},
        {"pubkey", 0, VCH_CLI_TEXT, &a->pubkey, "FILE", "certify this public key (PEM); make none"},
        {"days", 0, VCH_CLI_U64, &a->days, "N", "validity in days (default 825)"},
        {"passphrase-file", 0, VCH_CLI_TEXT, &a->passphrase_file, "FILE", "encrypts the new key"},
        {"plain", 0, VCH_CLI_FLAG, &a->plain, NULL, "leave the new key unencrypted (TLS keys)"},
        {"ca-passphrase-file", 0, VCH_CLI_TEXT, &a->ca_passphrase_file, "FILE", "of the CA's key"},
    };

    return vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, n, args, status);
}

static int done(const struct pki_args *a)
{
    if (vch_cli.json) {
        printf("{\"certificate\":\"%s.crt\"}\n", a->out);
    } else {
        printf("%s.crt\n", a->out);
    }
    return VCH_EXIT_OK;
}

int cmd_pki_ca(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct pki_args a = {.days = 3650};
    int n, status;
    char **args;
    vch_err e;

    if (!parse(&a, cmd, argc, argv, &n, &args, &status)) {
        return status;
    }
    if (a.name == NULL || a.out == NULL || n != 0) {
        return vch_cli_usage("--name and --out are needed");
    }
    e = make_ca(&a);
    return vch_ok(e) ? done(&a) : vch_cli_fail(e, "pki ca", a.out);
}

int cmd_pki_issue(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    static const struct {
        const char *name;
        enum vch_cert_use use;
    } uses[] = {{"server", VCH_CERT_SERVER},
                {"client", VCH_CERT_CLIENT},
                {"peer", VCH_CERT_PEER},
                {"signing", VCH_CERT_SIGNING}};
    struct pki_args a = {.days = 825};
    int n, status;
    char **args;
    vch_err e;

    if (!parse(&a, cmd, argc, argv, &n, &args, &status)) {
        return status;
    }
    if (a.name == NULL || a.out == NULL || a.ca == NULL || n != 1) {
        return vch_cli_usage("a use, --ca, --name and --out are needed");
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(uses); i++) {
        if (strcmp(args[0], uses[i].name) == 0) {
            e = issue(&a, uses[i].use);
            return vch_ok(e) ? done(&a) : vch_cli_fail(e, "pki issue", a.out);
        }
    }
    return vch_cli_usage("'%s' is none of server, client, peer, signing", args[0]);
}
