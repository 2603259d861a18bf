/* vouch/verifier/verifier.h - verifies files: bundles, open streams and bare items, of any size, on
 * all cores. The command line, scripts in C and tests use the same.
 * Layer 9. One thread uses an object; it starts its own threads while it runs.
 *
 * Files are read twice, in windows: once for what is evidence, which is kept in memory, and once,
 * by several threads, for the data, which is not. So data may be larger than memory.
 *
 * req: Y.2247-7.1-12, Y.2247-7.2.3-1 (the same whoever it came from), Y.2247-8.3-1 */
#ifndef VOUCH_VERIFIER_VERIFIER_H
#define VOUCH_VERIFIER_VERIFIER_H

#include <vouch/verifier/trust_file.h>
#include <vouch/verify/item.h>

struct vch_verifier; /* opaque, closed by vch_verifier_close */

struct vch_verifier_options {
    const struct vch_crypto *cr;
    const struct vch_verify_trust *trust; /* lives longer than the verifier */
    struct vch_verify_options judge;
    unsigned threads;        /* 0: one for each processor */
    const char *const *data; /* files that may be the detached data of an item */
    size_t data_count;
    void (*tick)(void *self, uint64_t items_done); /* now and then while running; or NULL */
    void *self;
};

void vch_verifier_open(const struct vch_verifier_options *o, struct vch_verifier **ret);
void vch_verifier_close(struct vch_verifier *v); /* NULL is accepted */
void vch_verifier_autoclose(struct vch_verifier **v);

/* Reads a file, "-" for standard input. What is malformed in it becomes part of the result (see
 * vch_verifier_source), it is no failure of this call. Errors: FILE_OPEN; FILE_READ. */
VCH_CHECKED vch_err vch_verifier_add_file(struct vch_verifier *v, const char *path);
/* The same from memory, which lives longer than the verifier. */
VCH_CHECKED vch_err vch_verifier_add_bytes(struct vch_verifier *v, const char *name,
                                           struct vch_bytes bytes);
/* Records without head and end, as an AS answers. Only statements, disclosures, certificates, state
 * proofs and genesis are taken. Errors: those of vch_stmt_bundle_next; BUNDLE_RECORD (an item). */
VCH_CHECKED vch_err vch_verifier_add_fragment(struct vch_verifier *v, struct vch_bytes fragment);

/* What the items read so far point to, each place once. */
struct vch_verifier_want {
    struct vch_hash txid;
    struct vch_bytes ledger;
    struct vch_bytes url;
    bool have; /* the record itself is at hand */
};
/* Number IDX, false past the end. */
bool vch_verifier_want(struct vch_verifier *v, size_t idx, struct vch_verifier_want *ret);

/* Verifies everything that was added. Call it once. */
void vch_verifier_run(struct vch_verifier *v);

/* ---- results */
struct vch_verifier_item {
    const struct vch_verify_report *report;
    enum vch_verdict verdict;
    enum vch_step step; /* that decided, VCH_STEPS for valid */
    vch_err why;        /* of that step */
    size_t source;      /* index */
    uint64_t number;    /* of the item in its source, from 0 */
};
bool vch_verifier_item(const struct vch_verifier *v, size_t idx, struct vch_verifier_item *ret);

struct vch_verifier_source {
    const char *name;
    uint64_t items;
    bool ended;               /* it has an end record, which is right */
    bool bare;                /* items without a bundle */
    vch_err err;              /* why reading it stopped early, or success */
    uint64_t err_at;          /* offset in bytes */
    uint64_t dropped;         /* statements of a form that is none; they count for nothing */
    enum vch_verdict verdict; /* over all of it */
};
bool vch_verifier_source(const struct vch_verifier *v, size_t idx, struct vch_verifier_source *ret);

struct vch_verifier_summary {
    enum vch_verdict verdict; /* the worst of all sources; unknown when there is no item at all */
    vch_err why;              /* what decided, success for valid */
    uint64_t items, valid, invalid, unknown;
    struct vch_verify_data data; /* of valid items only */
    struct vch_verify_gaps gaps;
    uint64_t duplicates;
    bool open_stream; /* a source has no end record: that it is complete is not shown */
};
struct vch_verifier_summary vch_verifier_summary(const struct vch_verifier *v);

/* What it trusts, as given when it was opened. */
const struct vch_verify_trust *vch_verifier_trust(const struct vch_verifier *v);

#endif
