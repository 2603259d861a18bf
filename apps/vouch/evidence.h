/* evidence.h - what `vouch verify`, `vouch bundle` and `vouch trust` share. */
#ifndef VOUCH_APP_EVIDENCE_H
#define VOUCH_APP_EVIDENCE_H

#include <vouch/cli/cli.h>
#include <vouch/verifier/verifier.h>

/* Options for asking an AS. */
struct app_online {
    const char *cert; /* client certificate and key, PEM files */
    const char *key;
    const char *token; /* file with an access token */
};

/* Opens the trust file PATH or, without one, $VOUCH_TRUST, the user's or the machine's
 * (~/.config/vouch/trust.json, /etc/vouch/trust.json). Reports what is wrong. False: *RET_EXIT. */
bool app_trust_open(const char *path, struct vch_trust_file **ret, int *ret_exit);
/* The path that would be used. */
const char *app_trust_path(const char *path, struct vch_buf *room);

/* Asks the AS for the record TXID at LEDGER and URL, its history, disclosures and newest state; the
 * answer, a run of bundle records, goes to OUT. Only an AS of the trust file is asked.
 * Errors: ENTRY_UNTRUSTED (URL is of no AS in the trust file); those of the HTTP client and the AS.
 * req: Y.2247-7.2.2-11 */
VCH_CHECKED vch_err app_fetch(const struct vch_trust_file *trust, const struct app_online *online,
                              const struct vch_hash *txid, struct vch_bytes ledger,
                              struct vch_bytes url, struct vch_buf *out,
                              struct vch_span reterr_detail);

/* A file that is there whole or not at all; PATH NULL or "-": standard output. */
struct app_output {
    const char *path; /* NULL: standard output */
    char temporary[4096];
    int fd;
};
VCH_CHECKED vch_err app_output_open(const char *path, struct app_output *ret);
VCH_CHECKED vch_err app_output_put(void *self, struct vch_bytes b); /* SELF: the output */
/* Puts the file into its place, or takes it away after a failure E. */
VCH_CHECKED vch_err app_output_close(struct app_output *o, vch_err e);

/* Results of a run, for people and as JSON. */
struct app_show {
    struct vch_verifier *v;
    struct vch_verifier_summary summary;
    int64_t at_ms;
    bool explain;
    bool offline;
    size_t fetch_failed; /* records that could not be asked for */
};
void app_show_text(const struct app_show *s);
void app_show_json(const struct app_show *s);

#endif
