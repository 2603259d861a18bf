/* commands.h - the commands of vouchd. */
#ifndef VOUCHD_COMMANDS_H
#define VOUCHD_COMMANDS_H

#include <vouch/cli/cli.h>

int cmd_run(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_check(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_print_config(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_keys(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_init(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_export_trust(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_sinks(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_template(const struct vch_cli_cmd *cmd, int argc, char **argv);

#endif
