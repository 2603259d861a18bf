/* commands.h - the commands of `vouch`; each file of this folder defines those of one noun. */
#ifndef VOUCH_APP_COMMANDS_H
#define VOUCH_APP_COMMANDS_H

#include <vouch/cli/cli.h>

#include "commands_verify.h"

int cmd_explain(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_pki_ca(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_pki_issue(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_device_init(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_device_register(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_device_sign(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_device_follow(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_device_anchor(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_device_status(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_create(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_head(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_get(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_prove(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_consistency(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_stats(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_fsck(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_ledger_export(const struct vch_cli_cmd *cmd, int argc, char **argv);

#endif
