/* vouchd export-trust, sinks, template. */
#include "commands.h"

#include <stdio.h>

#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>

#include "config.h"
#include "keys.h"
#include "parts.h"

static vch_err trust_text(struct parts *p, const char *tls_ca, struct vch_buf *out)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf ca = vch_buf_init(1 << 20);
    struct vch_as_trust t = {.ledger = &p->ledger, .crypto = vch_ossl_crypto()};

    VCH_CHECK(vch_conf_section(p->root, "as") != NULL, VOUCHD_CONFIG);
    t.as_id = vch_conf_text(p->root, "as.id");
    t.as_url = vch_conf_text(p->root, "as.url");
    if (tls_ca != NULL) {
        p->what = "reading the CA";
        VCH_TRY(vch_file_read(tls_ca, 0, &ca));
        VCH_TRY(vch_buf_cstr(&ca, &t.tls_ca_pem));
    }
    VCH_TRY(parts_ledger(p, true, NULL, NULL));
    p->what = "writing the trust file";
    return vch_as_trust_json(&t, out);
}

int cmd_export_trust(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const char *path = NULL, *out_path = NULL, *tls_ca = NULL;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &path, "FILE", "configuration (YAML)"},
        {"out", 'o', VCH_CLI_TEXT, &out_path, "FILE",
         "where to write it; standard output if not given"},
        {"tls-ca", 0, VCH_CLI_TEXT, &tls_ca, "FILE",
         "CA (PEM) of the AS's TLS certificate, to be put in"}};
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(4 << 20);
    struct parts *p;
    struct vch_conf *c = NULL;
    int status = 0;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &status) ||
        !config_open(path, &c, &status)) {
        return status;
    }
    p = vch_mem_alloc(sizeof *p);
    p->root = vch_conf_root(c);
    e = trust_text(p, tls_ca, &out);
    if (vch_ok(e) && out_path != NULL) {
        e = vch_file_write_atomic(out_path, vch_buf_get(&out), 0);
    } else if (vch_ok(e)) {
        (void)fwrite(out.p, 1, out.n, stdout);
    }
    status = vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, p->what, NULL);
    parts_close(p);
    vch_mem_free(p);
    vch_conf_close(c);
    return status;
}

/* Where each operator is to send its notifications: what it has to register for us. */
int cmd_sinks(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const char *path = NULL;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &path, "FILE", "configuration (YAML)"}};
    char url[VCH_EDI_URL_MAX + 1];
    struct parts *p;
    struct vch_conf *c = NULL;
    int status = 0;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &status) ||
        !config_open(path, &c, &status)) {
        return status;
    }
    p = vch_mem_alloc(sizeof *p);
    p->root = vch_conf_root(c);
    p->what = "reading the secrets";
    e = vch_conf_section(p->root, "as") != NULL ? keys_master(p->root, false, &p->master)
                                                : VCH_E(VOUCHD_CONFIG);
    for (size_t i = 0; vch_ok(e) && i < vch_conf_count(p->root, "as.operators"); i++) {
        const char *id = vch_conf_text(vch_conf_at(p->root, "as.operators", i), "id");

        e = vch_as_sink_url_of(p->master, vch_ossl_crypto(), vch_conf_text(p->root, "as.url"), id,
                               VCH_SPAN_OF(url));
        if (vch_ok(e)) {
            printf("%s %s\n", id, url);
        }
    }
    status = vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, p->what, NULL);
    parts_close(p);
    vch_mem_free(p);
    vch_conf_close(c);
    return status;
}

int cmd_template(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1 << 20);
    bool man = false;
    const struct vch_cli_opt opts[] = {
        {"man", 0, VCH_CLI_FLAG, &man, NULL, "as a section of the manual page"}};
    int status = 0;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &status)) {
        return status;
    }
    e = man ? vch_conf_man(vouchd_options, &out) : vch_conf_template(vouchd_options, &out);
    (void)fwrite(out.p, 1, out.n, stdout);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, NULL, NULL);
}
