/* vouch/as/vault.h - the erasable vault: what opens the records on the ledger, and what the AS
 * knows of each device beside them. Layer 11, part "data management". Thread-safe; changes of one
 * subject are serialised by the caller.
 *
 * An LMDB environment and, elsewhere, the key file (vouch/as/slots.h). Everything about a device is
 * sealed by AES-256-GCM under the device's own key; identities are found by HMAC-SHA-256 under the
 * index key, so that the database names nobody. Every change is on disk when its call returns;
 * concurrent changes share one commit and one sync.
 *
 * | database | key | value |
 * |---|---|---|
 * | meta | "id" | vault id |
 * | subject | subject | [slot, life, seq, latest txid, key thumbprint, made at, sealed state] |
 * | ids | subject | sealed [+ identifier disclosure contents] |
 * | index | HMAC(kind, identity), subject | empty |
 * | opening | subject, txid | sealed [+ account disclosure contents] |
 * | pending | subject | [txid, endorsement, sealed state after it, content ID / empty, [* [kind,
 * time]]] | | content | content ID of a registration | [subject, txid] | | key | thumbprint of a
 * device key | subject | | sub | HMAC(operator, subscription) | subject | | hint | number |
 * [subject, seq before, seq, effective at, notified at] | | seq | subject | number of the last
 * event of its account that was taken | | due | time, kind, subject | empty: what is to be done
 * next, and when | | due-of | subject, kind | that time | | cert | SHA-256 | an AS certificate that
 * endorsements name |
 *
 * The order of things: the openings and the signed endorsement are durable here before the
 * endorsement is submitted to the ledger; when the ledger has it, `confirm` makes the state after
 * it the state. After a crash `pending` says what may or may not be on the ledger; sending the same
 * bytes again settles it (Y.2247 8.1.3-3). *
 * req: Y.2247-11-4 (status and contract data are sealed in store and open to the entitled only) */
#ifndef VOUCH_AS_VAULT_H
#define VOUCH_AS_VAULT_H

#include <vouch/as/account.h>
#include <vouch/as/slots.h>

struct vch_as_vault;

struct vch_as_vault_options {
    const char *dir;       /* of the database */
    const char *keys_path; /* of the key file: not in DIR */
    const uint8_t *master; /* 32 bytes, read during open: all keys are derived from it */
    const struct vch_crypto *crypto;
    vch_random_fn random;
    void *random_self;
    size_t map_bytes; /* 0: 16 GiB of address space */
    bool create;      /* make what is missing */
};

/* Opens and settles what a crash left: slots that nothing refers to are overwritten, erasures begun
 * are finished. Errors: those of vch_kv_open and vch_as_slots_open; AS_VAULT_DAMAGED. */
VCH_CHECKED vch_err vch_as_vault_open(const struct vch_as_vault_options *o,
                                      struct vch_as_vault **ret);
void vch_as_vault_close(struct vch_as_vault *v); /* NULL is allowed */
/* 32 bytes derived from the master key for PURPOSE, for keys of other parts.
 * Errors: CRYPTO. */
VCH_CHECKED vch_err vch_as_vault_derive(const struct vch_as_vault *v, const char *purpose,
                                        uint8_t ret[32]);

/* The same from the master key alone. */
VCH_CHECKED vch_err vch_as_master_derive(const uint8_t master[32], const char *purpose,
                                         uint8_t ret[32]);

enum vch_as_life {
    VCH_AS_PENDING = 0, /* its registration may or may not be on the ledger */
    VCH_AS_LIVE = 1,
    VCH_AS_RETIRED = 2,
    VCH_AS_ERASED = 3
};

/* What is known of a lineage, without what says who it is. */
struct vch_as_row {
    uint8_t subject[VCH_AS_SUBJECT_LEN];
    uint32_t slot;
    enum vch_as_life life;
    uint64_t seq;           /* of LATEST */
    struct vch_hash latest; /* transaction ID of the newest endorsement that the ledger confirmed;
                             * zero while life is PENDING */
    struct vch_hash key;    /* thumbprint of the device key */
    int64_t made_ms;
};

/* The sealed part. */
struct vch_as_state {
    struct vch_edi_ids ids; /* as registered */
    char operator_id[VCH_NAME_MAX + 1];
    enum vch_assurance assurance;
    enum vch_standing standing;       /* as last endorsed */
    bool broken;                      /* see vouch/as/standing.h */
    struct vch_edi_status account;    /* as last endorsed, without evidence */
    char sub_id[VCH_EDI_REF_MAX + 1]; /* event subscription, "" for none */
    int64_t sub_expires_ms;           /* 0: none */
};

/* What is to be done next for a subject, and when: one entry of each kind at most. */
enum vch_as_due_kind {
    VCH_AS_DUE_WATCH = 1, /* make, renew or cancel the event subscription */
    VCH_AS_DUE_CHECK = 2, /* read the account again */
    VCH_AS_DUE_SETTLE = 3 /* bring a pending endorsement to the ledger */
};
#define VCH_AS_DUE_KINDS 3
struct vch_as_due {
    int64_t at_ms;
    enum vch_as_due_kind kind;
    uint8_t subject[VCH_AS_SUBJECT_LEN];
};

/* Everything that a new endorsement writes before it is submitted. */
struct vch_as_entry {
    struct vch_bytes endorsement; /* signed */
    struct vch_hash txid;
    const struct vch_as_openings *account; /* of its account disclosures */
    const struct vch_as_state *after;      /* the state once it is recorded */
    const struct vch_as_due *due;          /* goes onto the agenda then; at_ms 0 removes */
    size_t due_n;                          /* up to VCH_AS_DUE_KINDS */
};

/* ---- changes. Common errors: those of vch_kv_commit; FILE_IO and STORE_FULL of the key file;
 * CRYPTO. */

/* A new lineage: row->subject, key and made_ms are given; its slot is made here. CONTENT: content
 * ID of the registration. IDS: contents of its identifier disclosures. Errors: AS_KEY_USED (the
 * device key belongs to a lineage already); AS_IDENTITY_HELD (an identity of it has a live or
 * pending lineage: RETERR_HOLDER is its subject); EXISTS (the same content). */
VCH_CHECKED vch_err vch_as_vault_add(struct vch_as_vault *v, const struct vch_as_row *row,
                                     const struct vch_hash *content, const struct vch_bytes *ids,
                                     size_t id_count, const struct vch_as_entry *entry,
                                     uint8_t reterr_holder[VCH_AS_SUBJECT_LEN]);
/* The next endorsement of a lineage. Errors: AS_NO_SUBJECT; AS_ERASED; AS_PENDING (one waits
 * still). */
VCH_CHECKED vch_err vch_as_vault_stage(struct vch_as_vault *v,
                                       const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                       const struct vch_as_entry *entry);
/* The ledger has the pending endorsement, at SEQ; LIFE is LIVE or RETIRED. Its entries of the
 * agenda take effect. Without one pending nothing happens. */
VCH_CHECKED vch_err vch_as_vault_confirm(struct vch_as_vault *v,
                                         const uint8_t subject[VCH_AS_SUBJECT_LEN], uint64_t seq,
                                         enum vch_as_life life);
/* The ledger refused the pending endorsement for good: forgets it, and the whole lineage if that
 * was its registration. */
VCH_CHECKED vch_err vch_as_vault_drop(struct vch_as_vault *v,
                                      const uint8_t subject[VCH_AS_SUBJECT_LEN]);
/* Writes the state anew (its subscription).
 * Errors: AS_NO_SUBJECT; AS_ERASED; AS_PENDING (settle that first: it carries a state of its own).
 */
VCH_CHECKED vch_err vch_as_vault_touch(struct vch_as_vault *v,
                                       const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                       const struct vch_as_state *state);
/* Destroys the subject's key and with it everything sealed; what the ledger holds stays and
 * verifies. Errors: AS_NO_SUBJECT. req: Y.2247-11-5 */
VCH_CHECKED vch_err vch_as_vault_erase(struct vch_as_vault *v,
                                       const uint8_t subject[VCH_AS_SUBJECT_LEN]);

/* ---- reading. Common errors: STORE_*; AS_VAULT_DAMAGED. */

VCH_CHECKED vch_err vch_as_vault_row(struct vch_as_vault *v,
                                     const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                     struct vch_as_row *ret); /* Errors: AS_NO_SUBJECT */
/* Errors: AS_NO_SUBJECT; AS_ERASED. */
VCH_CHECKED vch_err vch_as_vault_state(struct vch_as_vault *v,
                                       const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                       struct vch_as_row *ret_row, struct vch_as_state *ret_state);
/* The endorsement that waits, appended to RET, and its transaction ID. Errors: NOT_FOUND. */
VCH_CHECKED vch_err vch_as_vault_pending(struct vch_as_vault *v,
                                         const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                         struct vch_buf *ret, struct vch_hash *ret_txid);
/* The lineage of the registration with that content ID. Errors: NOT_FOUND. */
VCH_CHECKED vch_err vch_as_vault_by_content(struct vch_as_vault *v, const struct vch_hash *content,
                                            uint8_t ret_subject[VCH_AS_SUBJECT_LEN],
                                            struct vch_hash *ret_txid);
/* Errors: NOT_FOUND. */
VCH_CHECKED vch_err vch_as_vault_by_key(struct vch_as_vault *v, const struct vch_hash *thumbprint,
                                        uint8_t ret_subject[VCH_AS_SUBJECT_LEN]);
VCH_CHECKED vch_err vch_as_vault_by_sub(struct vch_as_vault *v, const char *operator_id,
                                        const char *sub_id,
                                        uint8_t ret_subject[VCH_AS_SUBJECT_LEN]);
/* Lineages of the identity (canonical), whatever their life, up to CAP, in no order.
 * req: Y.2247-7.2.2-15 */
VCH_CHECKED vch_err vch_as_vault_by_identity(struct vch_as_vault *v, enum vch_disc_key kind,
                                             struct vch_bytes identity,
                                             uint8_t (*ret)[VCH_AS_SUBJECT_LEN], size_t cap,
                                             size_t *ret_n);
/* Calls FN for the contents of every disclosure that opens the account part of the endorsement TXID
 * of SUBJECT, then for those of the identifiers in its registration. Errors: AS_NO_SUBJECT;
 * NOT_FOUND (no such endorsement of it); AS_ERASED; those of FN. */
typedef vch_err (*vch_as_opening_fn)(void *arg, struct vch_bytes contents);
VCH_CHECKED vch_err vch_as_vault_openings(struct vch_as_vault *v,
                                          const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                          const struct vch_hash *txid, vch_as_opening_fn fn,
                                          void *arg);
/* Rows after AFTER (NULL: from the first) in the order of subjects, up to CAP. */
VCH_CHECKED vch_err vch_as_vault_list(struct vch_as_vault *v, const uint8_t *after,
                                      struct vch_as_row *ret, size_t cap, size_t *ret_n);
/* Subjects with a pending endorsement after AFTER. */
VCH_CHECKED vch_err vch_as_vault_list_pending(struct vch_as_vault *v, const uint8_t *after,
                                              uint8_t (*ret)[VCH_AS_SUBJECT_LEN], size_t cap,
                                              size_t *ret_n);

/* ---- hints: notifications taken but not yet acted upon */
struct vch_as_hint {
    uint64_t number; /* set by the vault, ascending */
    uint8_t subject[VCH_AS_SUBJECT_LEN];
    uint64_t from_seq; /* the event taken before it; set by the vault */
    uint64_t seq;      /* of the account's feed */
    int64_t effective_ms;
    int64_t notified_ms;
};
/* Durable when it returns, and its seq is taken. Errors: EXISTS (that seq or a higher one was taken
 * before: nothing changes). */
VCH_CHECKED vch_err vch_as_vault_hint_add(struct vch_as_vault *v, const struct vch_as_hint *h);
VCH_CHECKED vch_err vch_as_vault_hint_list(struct vch_as_vault *v, struct vch_as_hint *ret,
                                           size_t cap, size_t *ret_n);
/* Removes all hints of SUBJECT up to NUMBER. */
VCH_CHECKED vch_err vch_as_vault_hint_done(struct vch_as_vault *v,
                                           const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                           uint64_t number);
/* The highest event taken, 0 if none was. */
VCH_CHECKED vch_err vch_as_vault_seq_get(struct vch_as_vault *v,
                                         const uint8_t subject[VCH_AS_SUBJECT_LEN], uint64_t *ret);
/* Sets where the feed begins for a new subscription; never lowers it. */
VCH_CHECKED vch_err vch_as_vault_seq_raise(struct vch_as_vault *v,
                                           const uint8_t subject[VCH_AS_SUBJECT_LEN], uint64_t seq);

/* ---- the agenda */
/* Moves the entry to at_ms, or removes it (at_ms 0). */
VCH_CHECKED vch_err vch_as_vault_due_set(struct vch_as_vault *v, const struct vch_as_due *due);
/* Those due at NOW_MS, the earliest first. */
VCH_CHECKED vch_err vch_as_vault_due_list(struct vch_as_vault *v, int64_t now_ms,
                                          struct vch_as_due *ret, size_t cap, size_t *ret_n);

/* ---- AS certificates, kept for as long as records name them */
VCH_CHECKED vch_err vch_as_vault_cert_put(struct vch_as_vault *v, struct vch_bytes der);
/* Appended to RET. Errors: NOT_FOUND. */
VCH_CHECKED vch_err vch_as_vault_cert_get(struct vch_as_vault *v, const struct vch_hash *hash,
                                          struct vch_buf *ret);

#endif
