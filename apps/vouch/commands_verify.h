/* commands_verify.h - the commands of verifying, bundles and trust. */
#ifndef VOUCH_APP_COMMANDS_VERIFY_H
#define VOUCH_APP_COMMANDS_VERIFY_H

#include <vouch/cli/cli.h>

int cmd_verify(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_bundle_make(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_bundle_extract(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_bundle_strip(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_bundle_show(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_bundle_close(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_trust_show(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_trust_add(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_trust_check(const struct vch_cli_cmd *cmd, int argc, char **argv);

#endif
