/* vouch - the command line of the project: device, verifier, bundles, ledger. */
#include "commands.h"

static const struct vch_cli_cmd commands[] = {
    {"pki", "ca", "", "make a certificate authority for a trial or a private network", NULL,
     "  $ vouch pki ca --name 'Trial root' --out pki/ca --passphrase-file ca.pass", cmd_pki_ca},
    {"pki", "issue", "server|client|peer|signing", "issue a certificate",
     "Uses: server and client for TLS, peer for services that talk both ways, signing for the key "
     "of\n"
     "an application server. TLS keys are left unencrypted with --plain; signing keys should not "
     "be.",
     "  $ vouch pki issue server --ca pki/ca --name as1 --dns as1.example --plain --out pki/as1\n"
     "  $ vouch pki issue signing --ca pki/ca --name as1.example --dns as1.example \\\n"
     "        --pubkey as1.pub --out pki/as1-signing",
     cmd_pki_issue},
    {"explain", NULL, "[CODE]", "explain an error code, its cause and its remedy", NULL,
     "  $ vouch explain signature-invalid\n  $ vouch explain --json", cmd_explain},
};

int main(int argc, char **argv)
{
    return vch_cli_main("vouch",
                        "proves where data came from, that nobody changed it, and that it was "
                        "shared as its owner allowed",
                        commands, VCH_ARRAY_LEN(commands), argc, argv);
}
