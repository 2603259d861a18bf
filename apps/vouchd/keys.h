/* keys.h - the key files of the daemon: passphrase, signing keys, master key. */
#ifndef VOUCHD_KEYS_H
#define VOUCHD_KEYS_H

#include <vouch/conf/conf.h>
#include <vouch/ossl/key.h>

#define PATH_ROOM 4096

/* First line of the passphrase file. Wipe it. Errors: VOUCHD_PASSPHRASE. */
VCH_CHECKED vch_err keys_passphrase(const struct vch_conf_node *root, struct vch_buf *ret);
/* Makes it with random text unless it is there. */
VCH_CHECKED vch_err keys_passphrase_make(const struct vch_conf_node *root, bool *ret_made);

/* The key at the option KEY (or STATE/NAME). Errors: those of vch_ossl_key_load; VOUCHD_PASSPHRASE.
 */
VCH_CHECKED vch_err keys_load(const struct vch_conf_node *root, const char *key, const char *name,
                              struct vch_ossl_key **ret);
/* The same, made if it is missing. */
VCH_CHECKED vch_err keys_load_or_make(const struct vch_conf_node *root, const char *key,
                                      const char *name, enum vch_alg alg,
                                      struct vch_ossl_key **ret);
/* The 32-byte master key of the vault: ["VOUCHSE1"][salt 16][wrapped under scrypt of the
 * passphrase]. RET is from vch_ossl_secret_alloc. Errors: AS_SECRETS; VOUCHD_PASSPHRASE. */
VCH_CHECKED vch_err keys_master(const struct vch_conf_node *root, bool create, void **ret);
/* A certificate file, PEM or DER, appended as it is. */
VCH_CHECKED vch_err keys_cert(const struct vch_conf_node *root, struct vch_buf *ret);

#endif
