/* What the `vouch ledger` commands share: which ledger, and how it is opened. */
#ifndef VOUCH_APP_LEDGER_INT_H
#define VOUCH_APP_LEDGER_INT_H

#include <vouch/cli/cli.h>
#include <vouch/ledger/book.h>
#include <vouch/ledger/fsck.h>
#include <vouch/ledger/ledger.h>
#include <vouch/ossl/key.h>

struct ledger_args {
    const char *dir;
    const char *url;
    const char *id;
    const char *ca, *cert, *cert_key;
    struct vch_cli_list keys; /* PEM files of receipt keys */
    bool plain;
    const char *out, *receipt;
    const char *subject;
    const char *checkpoint_key, *key, *passphrase_file;
    const char *to;
    struct vch_cli_list as, aggregators;
    uint64_t index, segment_mib;
    bool rebuild;
};

/* Options that every command has; MORE are its own. */
bool ledger_parse(struct ledger_args *a, const struct vch_cli_cmd *cmd,
                  const struct vch_cli_opt *more, size_t n_more, int argc, char **argv, int *ret_n,
                  char ***ret_args, int *ret_exit);
/* The ledger that the arguments name, for reading. Says itself what is wrong; false: *ret_exit. */
bool ledger_open(const struct ledger_args *a, struct vch_ledger *ret, int *ret_exit);
/* The local one. */
bool ledger_open_book(const struct ledger_args *a, struct vch_ledger_book **ret, int *ret_exit);
/* Reports an error of the local ledger with the damaged place. */
int ledger_fail(vch_err e, const char *dir, const struct vch_ledger_fault *fault);
vch_err ledger_key_load(const char *path, const char *passphrase_file, struct vch_ossl_key **ret);
void ledger_print_head(const char *id, const struct vch_ledger_head *h);

#endif
