/* config.h - the configuration of vouchd. */
#ifndef VOUCHD_CONFIG_H
#define VOUCHD_CONFIG_H

#include <vouch/conf/conf.h>

extern const struct vch_conf_option vouchd_options[];

/* Reads PATH. On failure says what is wrong on standard error; RET_EXIT is the exit status. */
VCH_CHECKED bool config_open(const char *path, struct vch_conf **ret, int *ret_exit);

bool config_has_role(const struct vch_conf_node *root, const char *role);
/* Path of an option, or STATE/NAME where it is not given. Errors: LIMIT. */
VCH_CHECKED vch_err config_path(const struct vch_conf_node *root, const char *key, const char *name,
                                char *room, size_t cap);

#endif
