/* vouch/verifier/write.h - writes a bundle from what a verifier has read: joined, extracted,
 * stripped. Layer 9. req: Y.2247-10.1-3 (each record keeps its own proof of origin) */
#ifndef VOUCH_VERIFIER_WRITE_H
#define VOUCH_VERIFIER_WRITE_H

#include <vouch/verifier/verifier.h>

/* Numbers from FIRST to LAST, both included. */
struct vch_verifier_range {
    uint64_t first;
    uint64_t last;
};
#define VCH_VERIFIER_RANGES_MAX 64
struct vch_verifier_ranges {
    struct vch_verifier_range v[VCH_VERIFIER_RANGES_MAX];
    size_t n; /* 0: everything */
};

/* Reads "10-20,35,40-": ascending, without overlap. Errors: TEXT; LIMIT (more ranges). */
VCH_CHECKED vch_err vch_verifier_ranges_parse(struct vch_bytes text,
                                              struct vch_verifier_ranges *ret);

struct vch_verifier_choice {
    struct vch_verifier_ranges items; /* numbered over all sources */
    struct vch_verifier_ranges rows; /* numbered over the batches chosen, from 0, header included */
    bool strip;                      /* no data, digests only */
    bool only_valid;                 /* items that the run found valid */
};

/* Where the bytes go. */
typedef vch_err (*vch_verifier_sink_fn)(void *self, struct vch_bytes bytes);

struct vch_verifier_written {
    uint64_t items, rows, bytes;
    uint64_t duplicates; /* items left out because they were there before */
};

/* Writes a closed bundle: the evidence that the chosen items need, then the items, then their data.
 * Rows of a batch that are chosen singly get their own salts and paths, so that nothing is shown of
 * the others. V need not have run.
 * Errors: BUNDLE_CHOICE (an item or row that is not there, or of which only the digest is);
 * ITEM_DATA (rows that are not what was signed); FILE_READ; those of SINK. */
VCH_CHECKED vch_err vch_verifier_write(struct vch_verifier *v,
                                       const struct vch_verifier_choice *choice,
                                       vch_verifier_sink_fn sink, void *self,
                                       struct vch_verifier_written *ret);

#endif
