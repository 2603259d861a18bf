/* vouch/core/core.h - the deterministic core: what may be recorded, and what recording changes.
 * Layer 7, pure, heap-free: no I/O, clock, randomness. Thread-safe: no shared state.
 *
 *     check(statement, keys) -> facts      in parallel; every signature is verified here
 *     apply(state, facts, place) -> effects  in the order of the log; hashes only
 *
 * apply checks again that the keys which check used still hold in the state it applies to, so facts
 * may be cached by transaction ID. Two engines that apply the same statements in the same batches
 * with the same times get the same roots. */
#ifndef VOUCH_CORE_CORE_H
#define VOUCH_CORE_CORE_H

#include <vouch/contract/endorse.h>
#include <vouch/contract/system.h>
#include <vouch/stmt/statement.h>

/* What apply needs to know of a verified statement; of fixed size, without views. */
struct vch_core_facts {
    struct vch_hash txid;
    struct vch_hash content; /* content key: idempotency goes by it */
    struct vch_hash signer;  /* thumbprint of the key whose signature was verified */
    enum vch_stmt_type type; /* endorsement or anchor */
    bool by_device;          /* anchor: the signer is a device, otherwise an authority */
    uint8_t iss_n;
    uint8_t iss[VCH_NAME_MAX];
    struct vch_subject subject; /* endorsement, anchor of a device */
    /* endorsement */
    enum vch_action action;
    uint64_t seq;
    bool has_prev;
    struct vch_hash prev;
    struct vch_hash cert;         /* SHA-256 of the certificate named */
    struct vch_hash registration; /* SHA-256 of its bytes */
    struct vch_hash device;       /* thumbprint of the key registered */
};

/* The keys that check verifies with; a snapshot of the state serves, as apply checks again. */
struct vch_core_keys {
    /* The value of kind authority under THUMBPRINT, into OUT; *ret_found false: none. */
    vch_err (*authority)(void *self, const struct vch_hash *thumbprint, struct vch_span out,
                         struct vch_bytes *ret_value, bool *ret_found);
    /* The key of an endorsed device, from its registration. It is believed only if it has that
     * thumbprint. */
    vch_err (*device)(void *self, const struct vch_hash *thumbprint, struct vch_pubkey *ret,
                      bool *ret_found);
    void *self;
};

/* Form, signer and signatures of one statement; an endorsement's registration is verified too.
 * Errors: SYSTEM_ENTRY; TYPE_REFUSED; those of the statement decoders and of vch_stmt_verify;
 * POSSESSION; AUTHORITY_UNKNOWN, AUTHORITY_ROLE, AUTHORITY_NAME, AUTHORITY_CERT; DEVICE_UNKNOWN;
 * those of the callbacks.
 * req: Y.2247-7.2.2-17 (the AS signs with a key and certificate that are enrolled) */
VCH_CHECKED vch_err vch_core_check(const struct vch_crypto *cr, struct vch_bytes statement,
                                   const struct vch_core_keys *keys, struct vch_core_facts *ret);

/* The same facts without verifying any signature: for replaying entries that were checked before
 * they were recorded. Errors: SYSTEM_ENTRY; TYPE_REFUSED; those of the statement decoders. */
VCH_CHECKED vch_err vch_core_read(const struct vch_crypto *cr, struct vch_bytes statement,
                                  struct vch_core_facts *ret);

/* The state as apply sees it, with the effects of the statements before. */
struct vch_core_state {
    /* The value under (KIND, ID), into OUT (VCH_STATE_VALUE_MAX); *ret_found false: none. */
    vch_err (*get)(void *self, enum vch_state_kind kind, struct vch_bytes id, struct vch_span out,
                   struct vch_bytes *ret_value, bool *ret_found);
    void *self;
};

#define VCH_CORE_PUTS      4
#define VCH_CORE_VALUE_MAX 160

struct vch_core_put {
    enum vch_state_kind kind;
    uint8_t id_n, value_n;
    uint8_t id[VCH_HASH_LEN];
    uint8_t value[VCH_CORE_VALUE_MAX];
};

static inline struct vch_bytes vch_core_put_id(const struct vch_core_put *p)
{
    return vch_bytes(p->id, p->id_n);
}

static inline struct vch_bytes vch_core_put_value(const struct vch_core_put *p)
{
    return vch_bytes(p->value, p->value_n);
}

/* What recording a statement does. The entry is the statement's bytes. */
struct vch_core_effects {
    bool known;           /* the content was recorded before: nothing changes */
    struct vch_hash txid; /* of the transaction that holds the content */
    uint64_t index;
    struct vch_time time;
    size_t count;
    struct vch_core_put put[VCH_CORE_PUTS];
};

/* The effects of recording the statement as entry INDEX in a batch of that time.
 * Errors: AUTHORITY_UNKNOWN, AUTHORITY_ROLE, AUTHORITY_NAME, AUTHORITY_CERT; DEVICE_UNKNOWN,
 * DEVICE_SUBJECT; those of vch_contract_endorse; those of the callback.
 * req: Y.2247-7.1-8 */
VCH_CHECKED vch_err vch_core_apply(const struct vch_core_state *state,
                                   const struct vch_core_facts *facts, uint64_t index,
                                   struct vch_time time, struct vch_core_effects *ret);

/* The state that one authority of genesis puts: kind authority, in its own room. */
struct vch_core_genesis_put {
    struct vch_hash thumbprint;
    size_t value_n;
    uint8_t value[VCH_STATE_VALUE_MAX];
};
VCH_CHECKED vch_err vch_core_genesis_apply(const struct vch_crypto *cr,
                                           const struct vch_genesis_authority *a,
                                           struct vch_core_genesis_put *ret);

#endif
