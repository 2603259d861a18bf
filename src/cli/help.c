#include "cli_int.h"

#include <stdio.h>

static void print_opt(const struct vch_cli_opt *o)
{
    char left[64];
    char letter[8] = "    ";

    if (o->letter != 0) {
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    }
    snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg != NULL ? " " : "",
             o->arg != NULL ? o->arg : "");
    printf("  %-30s %s\n", left, o->help);
}

void vch_cli_help_command(const struct vch_cli_cmd *cmd, const struct vch_cli_opt *opts,
                          size_t n_opts)
{
    printf("%s%s %s%s%s%s - %s\n\n", vch_cli_bold(), vch_cli.program, cmd->noun,
           cmd->verb != NULL ? " " : "", cmd->verb != NULL ? cmd->verb : "", vch_cli_reset(),
           cmd->summary);
    printf("Usage: %s %s%s%s [options]%s%s\n", vch_cli.program, cmd->noun,
           cmd->verb != NULL ? " " : "", cmd->verb != NULL ? cmd->verb : "",
           cmd->args != NULL && cmd->args[0] != 0 ? " " : "", cmd->args != NULL ? cmd->args : "");
    if (cmd->about != NULL) {
        printf("\n%s\n", cmd->about);
    }
    printf("\n%sOptions%s\n", vch_cli_bold(), vch_cli_reset());
    for (size_t i = 0; i < n_opts; i++) {
        print_opt(&opts[i]);
    }
    if (cmd->examples != NULL) {
        printf("\n%sExamples%s\n%s\n", vch_cli_bold(), vch_cli_reset(), cmd->examples);
    }
    printf("\nExit status: 0 done or valid, 1 refused or invalid, 2 cannot be evaluated or "
           "unreachable, 64 usage.\n");
}

void vch_cli_help_overview(const char *tagline, const struct vch_cli_cmd *cmds, size_t n,
                           const char *noun)
{
    const char *last = "";

    printf("%s%s%s - %s\n", vch_cli_bold(), vch_cli.program, vch_cli_reset(), tagline);
    for (size_t i = 0; i < n; i++) {
        char name[64];

        if (noun != NULL && strcmp(noun, cmds[i].noun) != 0) {
            continue;
        }
        if (strcmp(last, cmds[i].noun) != 0) {
            printf("\n");
            last = cmds[i].noun;
        }
        snprintf(name, sizeof(name), "%s%s%s", cmds[i].noun, cmds[i].verb != NULL ? " " : "",
                 cmds[i].verb != NULL ? cmds[i].verb : "");
        printf("  %-24s %s\n", name, cmds[i].summary);
    }
    printf("\n%s COMMAND --help explains a command with examples; --json everywhere.\n",
           vch_cli.program);
}
