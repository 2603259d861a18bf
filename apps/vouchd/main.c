/* vouchd - the daemon: ledger and DIVS application server, by configuration. */
#include "vouchd.h"

#include <stdio.h>

static int print_conf(const struct vch_cli_cmd *cmd, int argc, char **argv, bool print)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1u << 20);
    const char *config = NULL;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &config, "FILE", "configuration file"},
    };
    struct site s;
    const char *text = "";
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    config = config == NULL && n == 1 ? args[0] : config;
    if (config == NULL && print) {
        e = vch_conf_template(vouchd_options, &out);
    } else if (config == NULL) {
        return vch_cli_usage("--config FILE is needed");
    } else {
        e = site_open(config, false, &s);
        if (vch_ok(e)) {
            e = print ? vch_conf_print(s.conf, &out)
                      : vch_buf_printf(&out, "%s is right\n", config);
            site_fini(&s);
        }
    }
    if (vch_ok(e)) {
        e = vch_buf_cstr(&out, &text);
    }
    if (!vch_ok(e)) {
        return vch_cli_fail(e, cmd->noun, config);
    }
    fputs(text, stdout);
    return VCH_EXIT_OK;
}

int cmd_check(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return print_conf(cmd, argc, argv, false);
}

int cmd_print_config(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return print_conf(cmd, argc, argv, true);
}

static const struct vch_cli_cmd commands[] = {
    {"run", NULL, "", "serve until SIGTERM; SIGHUP reads certificates again and reopens the log",
     NULL, "  $ vouchd run --config vouchd.yaml", cmd_run},
    {"keys", NULL, "", "make the keys that are missing",
     "Makes ledger, checkpoint, AS and vault key in the data folder, encrypted under the "
     "passphrase.\n"
     "Have keys/as.pub certified (vouch pki issue signing), then run init.",
     "  $ vouchd keys --config vouchd.yaml\n"
     "  $ vouch pki issue signing --ca pki/ca --name as1.example --dns as1.example \\\n"
     "        --pubkey var/keys/as.pub --out pki/as-signing",
     cmd_keys},
    {"init", NULL, "", "make ledger and vault", NULL, "  $ vouchd init --config vouchd.yaml",
     cmd_init},
    {"check", NULL, "[FILE]", "check a configuration file", NULL, "  $ vouchd check vouchd.yaml",
     cmd_check},
    {"print-config", NULL, "[FILE]", "print the configuration with defaults, or a template", NULL,
     "  $ vouchd print-config > vouchd.yaml", cmd_print_config},
    {"export-trust", NULL, "", "print the trust file for verifiers", NULL,
     "  $ vouchd export-trust --config vouchd.yaml > trust.json", cmd_export_trust},
};

int main(int argc, char **argv)
{
    static char check[] = "check", print[] = "print-config";

    if (argc > 1 && strcmp(argv[1], "--check") == 0) {
        argv[1] = check;
    } else if (argc > 1 && strcmp(argv[1], "--print-config") == 0) {
        argv[1] = print;
    }
    return vch_cli_main("vouchd", "ledger and DIVS application server of Vouch", commands,
                        VCH_ARRAY_LEN(commands), argc, argv);
}
