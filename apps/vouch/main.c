/* vouch - the command line of the project: device, verifier, bundles, ledger. */
#include "commands.h"

static const struct vch_cli_cmd commands[] = {
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
