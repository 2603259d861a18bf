/* vouch/contract/state.h - the values of the state map (docs/formats.md 4): their kinds, and their
 * encoding to and from strict CBOR.
 * Layer 6, pure, heap-free, thread-safe: no shared state. */
#ifndef VOUCH_CONTRACT_STATE_H
#define VOUCH_CONTRACT_STATE_H

#include <vouch/base/text.h>
#include <vouch/crypto/port.h>

#define VCH_SUBJECT_LEN     16
#define VCH_STATE_VALUE_MAX 512 /* longest value of any kind */
#define VCH_STATE_ID_MAX    64  /* longest id of any kind */

enum vch_state_kind {
    VCH_STATE_TRANSACTION = 1, /* id: transaction ID, 32 bytes */
    VCH_STATE_SUBJECT = 2,     /* id: subject, 16 bytes */
    VCH_STATE_CONTENT = 3,     /* id: content key, 32 bytes */
    VCH_STATE_DEVICE_KEY = 4,  /* id: key thumbprint, 32 bytes */
    VCH_STATE_AUTHORITY = 5    /* id: key thumbprint, 32 bytes */
};

enum vch_role {
    VCH_ROLE_LEDGER = 1,     /* signs receipts */
    VCH_ROLE_AS = 2,         /* signs endorsements */
    VCH_ROLE_AGGREGATOR = 3, /* signs anchors */
    VCH_ROLE_CHECKPOINT = 4  /* Ed25519, signs C2SP checkpoints */
};

enum vch_life { VCH_LIFE_LIVE = 1, VCH_LIFE_RETIRED = 2 };

struct vch_subject {
    uint8_t b[VCH_SUBJECT_LEN];
};

static inline struct vch_bytes vch_subject_bytes(const struct vch_subject *s)
{
    return vch_bytes(s->b, VCH_SUBJECT_LEN);
}

/* Value of kind 1: where a transaction lies. */
struct vch_state_transaction {
    uint64_t index;
    int64_t time_ms; /* of its batch */
};

/* Value of kind 2: the latest endorsement of a lineage. */
struct vch_state_subject {
    struct vch_hash latest; /* transaction ID */
    uint64_t seq;
    uint64_t index; /* of LATEST in the log */
    enum vch_life life;
    struct vch_hash registration; /* SHA-256 of the registration's bytes */
    struct vch_hash as;           /* thumbprint of the key that signed LATEST */
};

/* Value of kind 5, and with a certificate in place of its hash an element of genesis. */
struct vch_state_authority {
    enum vch_role role;
    struct vch_bytes name; /* AS id, aggregator name, ledger id; up to 128 bytes; view */
    struct vch_bytes key;  /* encoded COSE_Key; view */
    bool has_cert;
    struct vch_hash cert; /* SHA-256 of the certificate (DER) */
};

/* Key of the map, SHA-256(kind || id). */
void vch_state_key(const struct vch_crypto *cr, enum vch_state_kind kind, struct vch_bytes id,
                   struct vch_hash *ret);

/* Has ID the length that KIND asks for? A kind outside the enumeration: no. */
VCH_CHECKED bool vch_state_id_check(uint64_t kind, struct vch_bytes id);

void vch_state_transaction_encode(const struct vch_state_transaction *v, struct vch_writer *w);
void vch_state_subject_encode(const struct vch_state_subject *v, struct vch_writer *w);
/* Kinds 3 and 4: an array of one byte string. */
void vch_state_ref_encode(struct vch_bytes ref, struct vch_writer *w);
void vch_state_authority_encode(const struct vch_state_authority *v, struct vch_writer *w);

/* The strict inverses. Errors: those of the strict CBOR reader; CBOR_TYPE for a value out of range.
 * Views lie in VALUE. */
VCH_CHECKED vch_err vch_state_transaction_decode(struct vch_bytes value,
                                                 struct vch_state_transaction *ret);
VCH_CHECKED vch_err vch_state_subject_decode(struct vch_bytes value, struct vch_state_subject *ret);
/* The referred bytes must fill RET. */
VCH_CHECKED vch_err vch_state_ref_decode(struct vch_bytes value, struct vch_span ret);
VCH_CHECKED vch_err vch_state_authority_decode(struct vch_bytes value,
                                               struct vch_state_authority *ret);

#endif
