#include "commands.h"

#include <stdio.h>

static void print_json(const struct vch_err_info *i, bool first)
{
    printf("%s{\"code\":\"%s\",\"number\":%u,\"text\":\"%s\",\"cause\":\"%s\",\"remedy\":\"%s\","
           "\"http\":%u,\"exit\":%u}",
           first ? "" : ",\n ", i->slug, i->code & 0xffff, i->text, i->cause, i->remedy, i->http,
           i->exit);
}

static void print_text(const struct vch_err_info *i)
{
    printf(
        "%s%s%s (%u)\n  what:   %s\n  cause:  %s\n  remedy: %s\n  HTTP status %u, exit status %u\n",
        vch_cli_bold(), i->slug, vch_cli_reset(), i->code & 0xffff, i->text, i->cause, i->remedy,
        i->http, i->exit);
}

static void print_all(void)
{
    const struct vch_err_info *i;

    if (vch_cli.json) {
        printf("[");
    }
    for (size_t k = 0; (i = vch_err_at(k)) != NULL; k++) {
        if (vch_cli.json) {
            print_json(i, k == 0);
        } else {
            printf("%-28s %s\n", i->slug, i->text);
        }
    }
    if (vch_cli.json) {
        printf("]\n");
    }
}

int cmd_explain(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const struct vch_err_info *i;
    int n, status;
    char **args;

    if (!vch_cli_parse(cmd, NULL, 0, argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n == 0) {
        print_all();
        return VCH_EXIT_OK;
    }
    for (int k = 0; k < n; k++) {
        i = vch_err_find(args[k]);
        if (i == NULL) {
            return vch_cli_usage("no error is called '%s'; `vouch explain` lists them", args[k]);
        }
        if (vch_cli.json) {
            print_json(i, true);
            printf("\n");
        } else {
            print_text(i);
        }
    }
    return VCH_EXIT_OK;
}
