/* suite.h - what every ledger must do, whatever stands behind its function table.
 *
 * req-test: Y.2247-8.1.3-1 */
#ifndef ENGINE_SUITE_H
#define ENGINE_SUITE_H

#include "vch_ledger_kit.h"

#include <vouch/contract/proof.h>
#include <vouch/ledger/ledger.h>
#include <vouch/merkle/checkpoint.h>
#include <vouch/merkle/tree.h>

/* Each takes numbers of devices from BASE on, so that they can run on one ledger. */
void suite_submit(const struct k_kit *k, const struct vch_ledger *l, uint64_t base);
void suite_lineage(const struct k_kit *k, const struct vch_ledger *l, uint64_t base);
void suite_refusals(const struct k_kit *k, const struct vch_ledger *l, uint64_t base);
void suite_proofs(const struct k_kit *k, const struct vch_ledger *l, uint64_t base);
void suite_follow(const struct k_kit *k, const struct vch_ledger *l, uint64_t base);
void suite_all(const struct k_kit *k, const struct vch_ledger *l);

#endif
