/* vouch/as/data.h - data management of the AS (Y.2247 clause 8.1.3): endorses parameters together
 * with the account, keeps the signing key, the vault and what each device's state is. Layer 11,
 * part "data management". Thread-safe.
 *
 * The signalling part calls this and never touches the signing key or the ledger itself. */
#ifndef VOUCH_AS_DATA_H
#define VOUCH_AS_DATA_H

#include <vouch/as/chain.h>
#include <vouch/as/standing.h>
#include <vouch/as/vault.h>
#include <vouch/stmt/anchor.h>

struct vch_as_data;

/* May a new key take over an identity that has one already? */
enum vch_as_replace {
    VCH_AS_REPLACE_NEVER,    /* the old lineage must have ended */
    VCH_AS_REPLACE_NOT_GOOD, /* if the old key is not in good standing */
    VCH_AS_REPLACE_ALWAYS    /* whoever proves to the operator's satisfaction */
};

struct vch_as_data_options {
    const char *as_id;
    const struct vch_ledger *ledger; /* stays the caller's, open until close */
    uint32_t ledger_wait_ms;         /* 0: 10 s */
    struct vch_as_vault *vault;      /* stays the caller's */
    const struct vch_crypto *crypto;
    vch_random_fn random;
    void *random_self;
    struct vch_as_policy policy;
    enum vch_as_replace replace;
    uint32_t check_every_s;        /* how often each account is read again; 0: never by itself */
    int64_t (*now_ms)(void *user); /* Unix time; NULL: the system's clock */
    void *now_user;
    /* An endorsement of SUBJECT was recorded. From any thread; must not block. NULL: none. */
    void (*on_record)(void *user, const uint8_t subject[16]);
    /* The agenda has a new first entry. As above. */
    void (*on_due)(void *user);
    void *on_user;
};

VCH_CHECKED vch_err vch_as_data_open(const struct vch_as_data_options *o, struct vch_as_data **ret);
void vch_as_data_close(struct vch_as_data *d); /* NULL is allowed */
int64_t vch_as_data_now_ms(const struct vch_as_data *d);
const char *vch_as_data_id(const struct vch_as_data *d);
const char *vch_as_data_ledger_id(const struct vch_as_data *d);

/* ---- the signing key (8.1.3-2) */

/* Signs from now on with SIGNER, whose certificate is CERT (DER). CLOSE(CLOSE_ARG) is called when
 * the signer is not used any more: at the next call, at close, or when this call fails. Errors:
 * AS_KEY_UNFIT (the certificate is for another key, not of this AS id, or not valid now). req:
 * Y.2247-7.2.2-6 */
VCH_CHECKED vch_err vch_as_data_key_set(struct vch_as_data *d, const struct vch_signer *signer,
                                        struct vch_bytes cert, void (*close)(void *arg),
                                        void *close_arg);
/* Is the present key enrolled at the ledger? Errors: AS_KEY_UNFIT; those of the ledger. */
VCH_CHECKED vch_err vch_as_data_key_check(struct vch_as_data *d);
/* Seconds until the certificate of the signing key expires; negative afterwards. */
int64_t vch_as_data_key_left_s(struct vch_as_data *d);
/* Public key and certificate in use; the certificate is appended to RET_CERT. */
VCH_CHECKED vch_err vch_as_data_key_get(struct vch_as_data *d, struct vch_pubkey *ret_key,
                                        struct vch_buf *ret_cert);

/* ---- registering */

/* A registration whose signature, nonce, audience and openings were found right. */
struct vch_as_candidate {
    const struct vch_stmt_registration *reg;
    struct vch_hash content;          /* content ID of the registration */
    const struct vch_bytes *openings; /* contents of its disclosures */
    size_t opening_count;
    struct vch_edi_ids ids;
    enum vch_assurance assurance;
};

/* What the operator said. */
struct vch_as_network {
    const char *operator_id;
    const struct vch_edi_status *account;
    struct vch_hash evidence;
    unsigned mismatched; /* registered identifiers that the account lacks */
    bool hinted;         /* an event led here */
    int64_t hint_effective_ms;
    int64_t hint_notified_ms;
};

/* The record of a registration sent before, completed if it was cut short. What is answered for one
 * content never changes. Errors: NOT_FOUND (not seen before); AS_PENDING or the ledger's (not yet
 * recorded; send again). req: Y.2247-7.2.1-5 */
VCH_CHECKED vch_err vch_as_data_resend(struct vch_as_data *d, const struct vch_hash *content,
                                       struct vch_as_record *ret);
/* Is the device key free, or that of the same content? Errors: AS_KEY_USED. */
VCH_CHECKED vch_err vch_as_data_key_free(struct vch_as_data *d, const struct vch_hash *thumbprint);
/* Endorses and records. Returns with the record, or has recorded nothing that a repetition would
 * not find again. Errors: AS_IDENTITY (RETERR_WHY says in a word why, for the audit log);
 * AS_KEY_USED; AS_KEY_UNFIT; those of vault and ledger. req: Y.2247-7.2.2-5, Y.2247-7.2.2-6,
 * Y.2247-7.2.2-7, Y.2247-7.2.2-9 */
VCH_CHECKED vch_err vch_as_data_register(struct vch_as_data *d, const struct vch_as_candidate *c,
                                         const struct vch_as_network *net,
                                         struct vch_as_record *ret, const char **reterr_why);

/* ---- maintaining */

/* Compares what the operator says now with what was last endorsed, and endorses the difference.
 * RET_VERDICT->changed says whether there was any. Errors: AS_NO_SUBJECT; AS_ERASED; AS_PENDING;
 * those of vault and ledger.
 * req: Y.2247-7.2.2-12, Y.2247-7.2.2-16, Y.2247-7.2.2-17 */
VCH_CHECKED vch_err vch_as_data_apply(struct vch_as_data *d, const uint8_t subject[16],
                                      const struct vch_as_network *net,
                                      struct vch_as_verdict *ret_verdict);
/* Ends the lineage on the word of an administrator. REASON is a static word. A lineage that has
 * ended already is no error. Errors: AS_NO_SUBJECT; AS_ERASED; those of vault and ledger. req:
 * Y.2247-11-3 */
VCH_CHECKED vch_err vch_as_data_retire(struct vch_as_data *d, const uint8_t subject[16],
                                       const char *reason, int64_t effective_ms);
/* Retires, then destroys what opens the records. Errors: as above. */
VCH_CHECKED vch_err vch_as_data_erase(struct vch_as_data *d, const uint8_t subject[16]);
/* Brings what is pending of SUBJECT to an end. Errors: AS_PENDING, or the ledger's: later again. */
VCH_CHECKED vch_err vch_as_data_settle(struct vch_as_data *d, const uint8_t subject[16]);
/* Puts all that a crash left pending on the agenda. */
VCH_CHECKED vch_err vch_as_data_recover(struct vch_as_data *d, size_t *ret_pending);
/* Writes the subscription of SUBJECT: id "" for none. Errors: AS_NO_SUBJECT; AS_ERASED; AS_PENDING.
 */
VCH_CHECKED vch_err vch_as_data_sub_set(struct vch_as_data *d, const uint8_t subject[16],
                                        const char *sub_id, int64_t expires_ms);

/* Records an anchor of a device or aggregator; the ledger judges who signed it.
 * Errors: those of vch_ledger_submit. */
VCH_CHECKED vch_err vch_as_data_anchor(struct vch_as_data *d, const struct vch_stmt_anchor *a,
                                       struct vch_as_record *ret);

/* ---- reading */

/* The lineage and the public key of the device key with that thumbprint (32 bytes), as the ledger
 * has it. Errors: NOT_FOUND; AS_PENDING (its registration is not recorded yet); those of the
 * ledger. */
VCH_CHECKED vch_err vch_as_data_device_key(struct vch_as_data *d, struct vch_bytes thumbprint,
                                           uint8_t ret_subject[16], struct vch_pubkey *ret_key);

/* The endorsement TXID. Errors: AS_RECORD (none); AS_NOT_ENDORSEMENT; those of the ledger. */
VCH_CHECKED vch_err vch_as_data_record(struct vch_as_data *d, const struct vch_hash *txid,
                                       struct vch_as_record *ret,
                                       struct vch_stmt_endorsement *ret_e);
/* The transaction IDs of SUBJECT after AFTER_SEQ (-1: all), the oldest first. */
VCH_CHECKED vch_err vch_as_data_lineage(struct vch_as_data *d, const uint8_t subject[16],
                                        int64_t after_seq, struct vch_hash *ret, size_t cap,
                                        size_t *ret_n);
VCH_CHECKED vch_err vch_as_data_proof(struct vch_as_data *d, const uint8_t subject[16],
                                      struct vch_buf *ret);
/* Disclosures of an endorsement whose keys are in FIELDS, checked against its digests and those of
 * the registration: calls FN for each. Errors: AS_ERASED; AS_VAULT_DAMAGED; those of FN. */
VCH_CHECKED vch_err vch_as_data_openings(
    struct vch_as_data *d, const struct vch_stmt_endorsement *e, const struct vch_hash *txid,
    uint64_t fields, vch_err (*fn)(void *arg, const struct vch_disclosure *disc), void *arg);
/* As vch_as_trust_json. */
VCH_CHECKED vch_err vch_as_data_trust(struct vch_as_data *d, const char *url, struct vch_buf *out);
/* The certificate that an endorsement names, appended to RET. Errors: NOT_FOUND. */
VCH_CHECKED vch_err vch_as_data_cert(struct vch_as_data *d, const struct vch_hash *hash,
                                     struct vch_buf *ret);

#endif
