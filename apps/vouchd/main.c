/* vouchd - the daemon: a ledger, an application server, or both, by one configuration file. */
#include "commands.h"

#include <string.h>

static const struct vch_cli_cmd commands[] = {
    {"run", NULL, "[FILE]", "serve until told to end",
     "SIGTERM and SIGINT end it after what was received is answered; SIGHUP reads certificates and "
     "the "
     "signing key again and reopens the log.",
     "  $ vouchd --config vouchd.yaml\n  $ vouchd --check vouchd.yaml", cmd_run},
    {"check", NULL, "[FILE]", "check a configuration file", NULL, "  $ vouchd check vouchd.yaml",
     cmd_check},
    {"print-config", NULL, "[FILE]", "print a configuration with every option", NULL,
     "  $ vouchd print-config vouchd.yaml", cmd_print_config},
    {"keys", NULL, "", "make the keys that are missing, no more",
     "For an AS whose certificate comes from a CA: have STATE/keys/as.pub certified, put the "
     "certificate "
     "at as.cert, then run init. Without, init makes a certificate signed by the key itself.",
     "  $ vouchd keys --config vouchd.yaml\n"
     "  $ vouch pki issue signing --ca pki/ca --name as1.op1.example --dns as1.op1.example \\\n"
     "        --pubkey state/keys/as.pub --out state/keys/as",
     cmd_keys},
    {"init", NULL, "", "make keys, vault and ledger for a configuration",
     "Makes what is missing: passphrase file, keys, master key, vault, and the ledger with its "
     "table of "
     "authorities. A ledger is made once.",
     "  $ vouchd init --config vouchd.yaml", cmd_init},
    {"export-trust", NULL, "", "write the trust file for verifiers",
     "The keys come from the ledger's own table. Hand it to verifiers by a way they trust.",
     "  $ vouchd export-trust --config vouchd.yaml --out trust.json", cmd_export_trust},
    {"sinks", NULL, "", "print where operators are to send notifications", NULL,
     "  $ vouchd sinks --config vouchd.yaml", cmd_sinks},
    {"template", NULL, "", "print a configuration file with every option", NULL,
     "  $ vouchd template > vouchd.yaml", cmd_template},
};

/* Without a command it runs: `vouchd --config FILE`. */
static bool is_run(int argc, char **argv)
{
    return argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--help") != 0 &&
           strcmp(argv[1], "-h") != 0 && strcmp(argv[1], "--version") != 0;
}

int main(int argc, char **argv)
{
    char name[] = "run";

    if (is_run(argc, argv)) {
        argv[0] = name; /* a command's arguments begin with its name */
        return cmd_run(&commands[0], argc, argv);
    }
    return vch_cli_main("vouchd", "serves a Vouch ledger and the DIVS application server", commands,
                        VCH_ARRAY_LEN(commands), argc, argv);
}
