/* vouchd.h - what the files of the daemon share: the parsed configuration and the opened keys. */
#ifndef VOUCH_APP_VOUCHD_H
#define VOUCH_APP_VOUCHD_H

#include <vouch/as/as.h>
#include <vouch/cli/cli.h>
#include <vouch/conf/conf.h>
#include <vouch/engine/engine.h>
#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

extern const struct vch_conf_option vouchd_options[];

/* The configuration and the names of the files below its data folder. */
struct site {
    struct vch_conf *conf;
    const struct vch_conf_node *root;
    const char *data;
    struct vch_buf passphrase;
};

/* Reads the configuration; says what is wrong with it on standard error.
 * Errors: those of vch_conf_read, and of the passphrase file. */
VCH_CHECKED vch_err site_open(const char *path, bool passphrase, struct site *ret);
void site_fini(struct site *s);

/* DATA/NAME, NUL-terminated in OUT, which is emptied first. */
VCH_CHECKED vch_err site_path(const struct site *s, const char *name, struct vch_buf *out,
                              const char **ret);
/* Loads the key DATA/keys/NAME.key. */
VCH_CHECKED vch_err site_key(const struct site *s, const char *name, struct vch_ossl_key **ret);
/* Reads a certificate file, PEM or DER, into DER. */
VCH_CHECKED vch_err site_cert(const char *path, struct vch_buf *ret_der);
/* The vault's master key, unwrapped by the passphrase; wipe it. */
VCH_CHECKED vch_err site_master_load(const struct site *s, uint8_t ret[32]);
VCH_CHECKED vch_err site_master_make(const struct site *s);

/* Does the configuration ask for this role? */
bool site_has_role(const struct site *s, const char *role);

int cmd_keys(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_init(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_run(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_check(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_print_config(const struct vch_cli_cmd *cmd, int argc, char **argv);
int cmd_export_trust(const struct vch_cli_cmd *cmd, int argc, char **argv);

#endif
