/* vouch/verify/trust.h - what a verifier trusts, and how it is asked to judge.
 * Layer 7, pure, heap-free. Read-only while verifying: share it between threads.
 *
 * req: Y.2247-6.2-2 (a verdict depends on configured anchors alone; nothing that comes inside a
 * bundle is ever one) */
#ifndef VOUCH_VERIFY_TRUST_H
#define VOUCH_VERIFY_TRUST_H

#include <vouch/crypto/port.h>

struct vch_verify_key {
    struct vch_pubkey pub;
    struct vch_hash thumbprint;
};

struct vch_verify_ledger {
    struct vch_bytes id;
    const struct vch_verify_key *keys; /* that sign its receipts */
    size_t key_count;
};

struct vch_verify_as {
    struct vch_bytes id;
    struct vch_bytes url;
    const struct vch_verify_key *keys; /* known by themselves; may be none when has_ca */
    size_t key_count;
    bool has_ca;                     /* certificates may be asked for through the port */
    const struct vch_bytes *ledgers; /* ids of the ledgers it records on */
    size_t ledger_count;
};

/* An algorithm that counts for nothing from a moment on. */
struct vch_verify_retired {
    enum vch_alg alg;
    int64_t from_ms;
};

struct vch_verify_trust {
    const struct vch_verify_ledger *ledgers;
    size_t ledger_count;
    const struct vch_verify_as *as;
    size_t as_count;
    const struct vch_verify_retired *retired;
    size_t retired_count;
    /* Does the certificate DER chain at AT_MS to the CA configured for AS number AS, and carry that
     * AS's id as its subject alternative name? The N others may help and are not trusted. Gives its
     * key. Thread-safe. Errors: CERT, and those of reading it. NULL: no certificate is accepted. */
    vch_err (*certificate)(void *self, size_t as, struct vch_bytes der,
                           const struct vch_bytes *others, size_t n, int64_t at_ms,
                           struct vch_pubkey *ret_key);
    void *self;
};

struct vch_verify_options {
    int64_t at_ms;            /* the moment of the verdict: now, or another one asked for */
    int64_t skew_ms;          /* by how much clocks of devices and ledgers may differ */
    bool accept_claimed_time; /* take the device's word for when it signed */
};

/* Everything that a judgement needs beside the evidence. */
struct vch_verify {
    const struct vch_crypto *cr;
    const struct vch_verify_trust *trust;
    struct vch_verify_options options;
};

#define VCH_VERIFY_NONE SIZE_MAX /* no such index */

/* Index of the AS called ID, of the ledger called ID; VCH_VERIFY_NONE. */
size_t vch_verify_as_find(const struct vch_verify_trust *t, struct vch_bytes id);
size_t vch_verify_ledger_find(const struct vch_verify_trust *t, struct vch_bytes id);
/* Does AS record on the ledger called ID? */
bool vch_verify_as_on_ledger(const struct vch_verify_as *as, struct vch_bytes id);
/* Since when ALG counts for nothing; INT64_MAX: it is good. */
int64_t vch_verify_alg_end(const struct vch_verify_trust *t, enum vch_alg alg);

#endif
