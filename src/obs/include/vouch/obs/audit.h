/* vouch/obs/audit.h - the audit log: who did what, in a file that shows later changes.
 * Layer 8, thread-safe; one process at a time holds a file (lock).
 *
 * One JSON object a line: {"seq":n,"prev":"<hex>","time":"...","event":"...", fields...}. seq
 * counts from 1; prev is the SHA-256 of the whole line before, without its line feed (zeros in the
 * first), so that a line changed, removed, inserted or moved shows. Lines cut off the end, and a
 * file written anew from some line on, show only against a head kept elsewhere: the services commit
 * heads to the ledger, and vch_audit_verify takes one to compare. */
#ifndef VOUCH_OBS_AUDIT_H
#define VOUCH_OBS_AUDIT_H

#include <vouch/obs/log.h>

enum vch_audit_sync {
    VCH_AUDIT_SYNC_EACH, /* append returns when the line is on disk; concurrent ones share a sync */
    VCH_AUDIT_SYNC_LATER /* on vch_audit_sync and on close */
};

/* The last line: its number and its hash. {0, zeros} with count 0 is an empty log. */
struct vch_audit_head {
    uint64_t count;       /* lines */
    struct vch_hash hash; /* of the last line */
};

struct vch_audit_options {
    const char *path;
    const struct vch_crypto *crypto;
    enum vch_audit_sync sync;
    struct vch_bytes pii_key;      /* as in vch_log_options */
    int64_t (*now_ms)(void *user); /* NULL: the system's clock */
    void *now_user;
};

struct vch_audit;

/* Opens or creates (mode 0600) and continues the chain after checking all of it. An incomplete last
 * line, which a crash leaves and nobody was told of as written, is cut off and recorded as event
 * "audit-recovered" with its length and hash. Errors: OBS_FILE; FILE_LOCKED (another process);
 * AUDIT_CHAIN (the file was changed; nothing is written). */
VCH_CHECKED vch_err vch_audit_open(const struct vch_audit_options *o, struct vch_audit **ret);
void vch_audit_close(struct vch_audit *a); /* syncs; NULL is allowed */
/* Appends one line. RET_HEAD (NULL allowed) gets the head after it. Errors: OBS_FILE (not written
 * or not synced: the audit log then refuses everything further); LIMIT (over 64 KiB). */
VCH_CHECKED vch_err vch_audit_append(struct vch_audit *a, const char *event,
                                     const struct vch_field *fields, size_t n,
                                     struct vch_audit_head *ret_head);
/* Syncs what was appended so far. Errors: OBS_FILE. */
VCH_CHECKED vch_err vch_audit_sync(struct vch_audit *a, struct vch_audit_head *ret_head);

/* Reads a file and checks the chain; with EXPECT also that line number expect->count has that hash
 * (more lines may follow). RETERR_LINE gets the number of the first bad line, from 1.
 * Errors: OBS_FILE; AUDIT_CHAIN (changed, removed, inserted line, or an incomplete last one);
 * AUDIT_SHORT (fewer lines than EXPECT knows: the end was cut off). */
VCH_CHECKED vch_err vch_audit_verify(const char *path, const struct vch_crypto *crypto,
                                     const struct vch_audit_head *expect,
                                     struct vch_audit_head *ret_head, uint64_t *reterr_line);

#endif
