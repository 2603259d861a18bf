/* vouch/verify/record.h - endorsement records: what makes one believable, and all of them in order.
 * Layer 7, pure, heap-free. Functions are thread-safe on different objects; a finished book is
 * read-only. */
#ifndef VOUCH_VERIFY_RECORD_H
#define VOUCH_VERIFY_RECORD_H

#include <vouch/stmt/endorsement.h>
#include <vouch/verify/report.h>
#include <vouch/verify/trust.h>

/* A record as it comes, with what belongs to it. */
struct vch_verify_record_in {
    struct vch_bytes statement;
    const struct vch_bytes *receipts;
    size_t receipt_count;
    const struct vch_bytes *contents; /* of disclosures */
    size_t content_count;
    const struct vch_bytes *certs;      /* all certificates at hand, DER */
    const struct vch_hash *cert_hashes; /* SHA-256 of each */
    size_t cert_count;
};

/* What the account disclosures say. */
struct vch_verify_term {
    bool complete; /* start, end, terminated-at and standing are disclosed, or everything is and the
                      AS did not state the first three */
    vch_err why;   /* if not: TERM_UNDISCLOSED, or DISCLOSURE_FOREIGN for altered ones */
    int64_t start_ms;      /* INT64_MIN: not stated */
    int64_t end_ms;        /* INT64_MAX: open-ended */
    int64_t terminated_ms; /* INT64_MAX: not terminated */
    enum vch_standing standing;
};

struct vch_verify_state;

struct vch_verify_record {
    struct vch_verify_step step[VCH_STEPS]; /* RECEIPT, CERTIFICATE, ENDORSEMENT, POSSESSION */
    bool good;                              /* all four passed */
    struct vch_stmt_endorsement e;          /* views lie in the input */
    struct vch_hash txid;
    struct vch_hash device; /* thumbprint of the device's key */
    size_t as;              /* index in the trust; VCH_VERIFY_NONE: unknown */
    size_t ledger;          /* likewise, of the receipt that counted */
    uint64_t index;         /* in that ledger */
    int64_t time_ms;        /* when it was recorded: the batch time */
    bool pinned;            /* the AS's key is trusted by itself, without a certificate */
    struct vch_verify_term term;
    const struct vch_verify_state *fresh; /* newest proof about its subject, by the book */
};

/* Checks one endorsement. The receipts are tried until one is right: an added bad one never vetoes
 * a good one. Errors: those of vch_stmt_endorsement_decode; then *ret is not written. Everything
 * else is in the steps of *ret. req: Y.2247-7.2.3-7 */
VCH_CHECKED vch_err vch_verify_record_check(const struct vch_verify *v,
                                            const struct vch_verify_record_in *in,
                                            struct vch_verify_record *ret);

/* Tries the receipts of any entry. *RET is PASS with the ledger's index, the entry's index and the
 * batch time; otherwise FAIL (a trusted ledger's receipt does not hold) or UNKNOWN (none, or only
 * of ledgers that are not trusted). With AS not NULL only its ledgers count. */
void vch_verify_receipts(const struct vch_verify *v, const struct vch_verify_as *as,
                         const struct vch_hash *entry, const struct vch_bytes *receipts,
                         size_t count, struct vch_verify_step *ret, size_t *ret_ledger,
                         uint64_t *ret_index, int64_t *ret_time_ms);

/* All records at hand. The caller owns the arrays; each transaction ID occurs once. */
struct vch_verify_book {
    struct vch_verify_record *records;
    uint32_t *by_txid; /* COUNT numbers */
    size_t count;
};

/* Sorts the records by subject and seq, fills by_txid, and gives each record the newest good state
 * proof about its subject from its own ledger (N of STATES). */
void vch_verify_book_sort(struct vch_verify_book *b, const struct vch_verify_state *states,
                          size_t n);
/* The record whose transaction ID begins with PREFIX (16 or 32 bytes), or NULL. */
const struct vch_verify_record *vch_verify_book_find(const struct vch_verify_book *b,
                                                     struct vch_bytes prefix);
/* The records of the same subject as R (of this book): COUNT of them, seq ascending. */
const struct vch_verify_record *vch_verify_book_lineage(const struct vch_verify_book *b,
                                                        const struct vch_verify_record *r,
                                                        size_t *ret_count);

#endif
