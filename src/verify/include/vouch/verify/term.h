/* vouch/verify/term.h - when a device's key is entitled to sign: the contract terms of its records.
 * Layer 7, pure, heap-free, thread-safe. req: Y.2247-7.2.3-9 */
#ifndef VOUCH_VERIFY_TERM_H
#define VOUCH_VERIFY_TERM_H

#include <vouch/verify/record.h>

/* A cited record and the good later ones of the same device, seq ascending; all their terms are
 * complete. LINEAGE and COUNT as vch_verify_book_lineage gives them. */
struct vch_verify_chain {
    const struct vch_verify_record *cited;
    const struct vch_verify_record *lineage;
    size_t count;
};

/* Does R count in this chain: good, the cited one or later, same ledger and registration? */
bool vch_verify_chain_has(const struct vch_verify_chain *c, const struct vch_verify_record *r);

/* Is the key entitled at T? The record of the highest seq that is in effect at T governs; each also
 * ends what lies before it when it ends the contract at an earlier moment. A moment equal to an end
 * is outside. Errors: OUTSIDE_TERM; SUSPENDED. */
VCH_CHECKED vch_err vch_verify_term_at(const struct vch_verify_chain *c, int64_t t_ms);

enum vch_term_over { VCH_TERM_ALL, VCH_TERM_PART, VCH_TERM_NOWHERE };

/* The same over all moments from LO to HI, both included. */
enum vch_term_over vch_verify_term_over(const struct vch_verify_chain *c, int64_t lo_ms,
                                        int64_t hi_ms);

#endif
