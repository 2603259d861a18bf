/* cli_int.h - what the files of this module share. */
#ifndef VCH_CLI_INT_H
#define VCH_CLI_INT_H

#include <vouch/cli/cli.h>

void vch_cli_help_command(const struct vch_cli_cmd *cmd, const struct vch_cli_opt *opts,
                          size_t n_opts);
void vch_cli_help_overview(const char *tagline, const struct vch_cli_cmd *cmds, size_t n,
                           const char *noun);
/* Edit distance, small texts. */
size_t vch_cli_distance(const char *a, const char *b);

#endif
