/* vouchd export-trust: what verifiers are to trust, as docs/formats.md 6 says. */
#include "vouchd.h"

#include <stdio.h>

#include <vouch/jose/jwk.h>

static vch_err jwk_of(const struct site *s, const char *name, struct vch_buf *out)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(4096);
    struct vch_jwk jwk = {.kid = ""};
    const char *p;

    VCH_TRY(vch_buf_printf(&path, "%s/keys/%s.pub", s->data, name));
    VCH_TRY(vch_buf_cstr(&path, &p));
    VCH_TRY(vch_file_read(p, 0, &pem));
    VCH_TRY(vch_ossl_pubkey_pem_decode(vch_buf_get(&pem), &jwk.pub));
    return vch_jwk_encode(&jwk, out);
}

static vch_err pem_file(const char *path, struct vch_buf *out)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(1u << 18);

    VCH_TRY(vch_file_read(path, 0, &pem));
    return vch_cli_json_string(out, vch_buf_get(&pem));
}

static vch_err trust_json(const struct site *s, const char *ca, const char *tls_ca,
                          struct vch_buf *out)
{
    const char *ledger = vch_conf_text(s->root, "ledger.id");

    VCH_TRY(vch_buf_printf(out,
                           "{\n  \"version\": 1,\n  \"ledgers\": [\n    {\"id\": \"%s\",\n"
                           "     \"keys\": [",
                           ledger));
    VCH_TRY(jwk_of(s, "ledger", out));
    VCH_TRY(vch_buf_text(out, "]}\n  ],\n  \"as\": ["));
    if (site_has_role(s, "as")) {
        VCH_TRY(vch_buf_printf(out,
                               "\n    {\"id\": \"%s\",\n     \"url\": \"%s\",\n"
                               "     \"ledgers\": [\"%s\"],\n     \"keys\": [",
                               vch_conf_text(s->root, "as.id"), vch_conf_text(s->root, "as.url"),
                               ledger));
        VCH_TRY(jwk_of(s, "as", out));
        VCH_TRY(vch_buf_text(out, "]"));
        if (ca != NULL) {
            VCH_TRY(vch_buf_text(out, ",\n     \"ca\": ["));
            VCH_TRY(pem_file(ca, out));
            VCH_TRY(vch_buf_text(out, "]"));
        }
        if (tls_ca != NULL) {
            VCH_TRY(vch_buf_text(out, ",\n     \"tls_ca\": "));
            VCH_TRY(pem_file(tls_ca, out));
        }
        VCH_TRY(vch_buf_text(out, "}\n  "));
    }
    return vch_buf_text(out, "]\n}\n");
}

int cmd_export_trust(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1u << 20);
    const char *config = NULL, *ca = NULL, *tls_ca = NULL;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &config, "FILE", "configuration file"},
        {"ca", 0, VCH_CLI_TEXT, &ca, "FILE", "trust AS certificates of this authority too"},
        {"tls-ca", 0, VCH_CLI_TEXT, &tls_ca, "FILE", "anchor of the AS's TLS certificate"},
    };
    struct site s;
    const char *text = "";
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (config == NULL || n != 0) {
        return vch_cli_usage("--config FILE is needed");
    }
    e = site_open(config, false, &s);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "export-trust", config);
    }
    e = trust_json(&s, ca, tls_ca, &out);
    if (vch_ok(e)) {
        e = vch_buf_cstr(&out, &text);
    }
    site_fini(&s);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "export-trust", NULL);
    }
    fputs(text, stdout);
    return VCH_EXIT_OK;
}
