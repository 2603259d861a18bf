/* vouch/device/device.h - the device's side of data integrity verification: it registers its key,
 * keeps the latest endorsement's transaction ID and entry address, and signs what it measures.
 * Layer 8, but fit for the smallest host: no heap, threads, sockets, files or clock. Bytes go in,
 * bytes come out; the host transports them. A device is about 4 KB in the caller's memory.
 *
 * One thread at a time per device. Everything that must survive a power loss goes through the
 * host's `persist` before anything that depends on it leaves the library.
 *
 * The order of things:
 *   vch_device_init or vch_device_load
 *   vch_device_register    nonce of the AS in -> registration request out
 *   vch_device_accept      acknowledgement in; only now may data be signed
 *   vch_device_single_*, vch_device_batch_*   data in -> signed item out
 *   vch_device_poll        nonce in -> poll out; its answers go to vch_device_accept
 *
 * What the state cannot show: that an old copy of it was put back. A host that fears this keeps the
 * state where old copies cannot be restored. */
#ifndef VOUCH_DEVICE_DEVICE_H
#define VOUCH_DEVICE_DEVICE_H

#include <vouch/merkle/tree.h>
#include <vouch/stmt/disclosure.h>
#include <vouch/stmt/entry_address.h>
#include <vouch/stmt/statement.h>

#define VCH_DEVICE_AS_KEYS     4
#define VCH_DEVICE_LEDGERS     4
#define VCH_DEVICE_LEDGER_KEYS 4
#define VCH_DEVICE_IDENTIFIERS 4
#define VCH_DEVICE_OPENING_MAX 80   /* bytes of a disclosed identifier */
#define VCH_DEVICE_STATE_MAX   4096 /* bytes of an encoded state */
#define VCH_DEVICE_REQUEST_MAX (VCH_REGISTRATION_MAX + VCH_DEVICE_IDENTIFIERS * 96 + 32)
#define VCH_DEVICE_RESERVE     64 /* sequence numbers reserved at once */

/* What the device's platform provides. */
struct vch_device_host {
    const struct vch_crypto *crypto;
    const struct vch_signer *signer; /* the device's key */
    vch_random_fn random;
    void *random_self;
    /* Makes STATE durable, replacing the last one whole: after a power loss at any moment the one
     * or the other is there. */
    vch_err (*persist)(void *self, struct vch_bytes state);
    void *persist_self;
    /* Authenticates the state; of this device alone, from where its key is kept. */
    uint8_t mac_key[32];
};

/* A ledger whose receipts the device takes. Without keys its receipts are checked for their form
 * and their ledger id only. */
struct vch_device_ledger {
    char id[VCH_NAME_MAX + 1];
    struct vch_pubkey keys[VCH_DEVICE_LEDGER_KEYS];
    size_t key_count;
};

/* What is provisioned: whom the device believes, and what it says of itself. */
struct vch_device_setup {
    char as_id[VCH_NAME_MAX + 1];
    char as_url[VCH_URL_MAX + 1];    /* where the host sends what comes out */
    char entry_url[VCH_URL_MAX + 1]; /* the AS URL of entry addresses; "": the same */
    struct vch_pubkey as_keys[VCH_DEVICE_AS_KEYS];
    size_t as_key_count; /* 1 or more */
    struct vch_device_ledger ledgers[VCH_DEVICE_LEDGERS];
    size_t ledger_count; /* 1 or more */
    enum vch_device_class device_class;
    bool require_trusted; /* refuse to register and to sign with a key in a file */
};

enum vch_device_phase {
    VCH_DEVICE_NEW = 0,       /* nothing was sent yet */
    VCH_DEVICE_REQUESTED = 1, /* a registration was made, no acknowledgement has come */
    VCH_DEVICE_ENDORSED = 2,  /* data may be signed */
    VCH_DEVICE_RETIRED = 3    /* the AS has ended the endorsement */
};

/* Which items carry the whole pointer; batches always do. */
enum vch_device_pointer {
    VCH_DEVICE_POINTER_SESSION = 0, /* the first single item since start and after an update */
    VCH_DEVICE_POINTER_INLINE = 1   /* every item */
};

/* A device. The members are for reading only, except `pointer`. */
struct vch_device {
    struct vch_device_host host;
    struct vch_hash thumbprint; /* of the device's key */
    enum vch_device_pointer pointer;
    bool pointed; /* a single item of this session has carried the pointer */
    /* sequence numbers that this session may use */
    uint64_t next_seq;
    uint64_t end_seq;
    /* ---- persisted */
    struct vch_device_setup setup;
    uint8_t opening[VCH_DEVICE_IDENTIFIERS][VCH_DEVICE_OPENING_MAX]; /* contents of disclosures */
    size_t opening_n[VCH_DEVICE_IDENTIFIERS];
    size_t opening_count;
    enum vch_device_phase phase;
    uint64_t reserved_seq;        /* no session may use a number below without having reserved it */
    struct vch_hash registration; /* SHA-256 of the registration; from REQUESTED on */
    /* from ENDORSED on */
    uint8_t subject[VCH_SUBJECT_LEN];
    struct vch_hash txid; /* latest transaction ID */
    uint64_t seq;         /* of the latest endorsement */
    size_t ledger;        /* index in setup.ledgers of the entry address */
    /* nonce for the next request, from the last acknowledgement */
    uint8_t nonce[VCH_NONCE_MAX];
    size_t nonce_n;
};

/* ---- state */

/* A new device. IDENTIFIERS (1 to 4, TEXT in canonical form) are salted here; the device's key
 * exists already in HOST->signer. Persists.
 * Errors: DEVICE_SETUP (a count or text out of its range); DEVICE_UNTRUSTED; ENTRY_ADDRESS;
 * IDENT_*; CRYPTO; those of persist. req: Y.2247-7.2.1-4 */
struct vch_device_identifier {
    enum vch_disc_key key;
    struct vch_bytes text;
};
VCH_CHECKED vch_err vch_device_init(struct vch_device *d, const struct vch_device_host *host,
                                    const struct vch_device_setup *setup,
                                    const struct vch_device_identifier *identifiers, size_t count);
/* A device from its persisted STATE. Errors: DEVICE_STATE (altered, of another device or version);
 * DEVICE_KEY (the signer is not the state's key); those of vch_cbor reads do not leave: any damage
 * is DEVICE_STATE: parameters that were changed are detected at start (Y.2247 7.1). */
VCH_CHECKED vch_err vch_device_load(struct vch_device *d, const struct vch_device_host *host,
                                    struct vch_bytes state);
/* Takes over a state that another process of the same device has persisted since; sequence numbers
 * reserved by this session stay. Errors: as vch_device_load, and D is as before. */
VCH_CHECKED vch_err vch_device_reload(struct vch_device *d, struct vch_bytes state);
/* Persists the present state. Errors: those of persist. */
VCH_CHECKED vch_err vch_device_save(struct vch_device *d);

/* Entry address of the latest endorsement; views of D. Errors: DEVICE_UNREGISTERED. */
VCH_CHECKED vch_err vch_device_address(const struct vch_device *d, struct vch_stmt_address *ret);

/* ---- registration and updates */

/* Makes the registration request for a nonce of the AS and remembers it; the earlier one, if any,
 * is forgotten. OUT has VCH_DEVICE_REQUEST_MAX bytes or more.
 * Errors: DEVICE_ENDORSED (done before); DEVICE_UNTRUSTED; NO_ROOM; STMT_FIELD (nonce); the
 * signer's; those of persist. req: Y.2247-7.2.1-2, Y.2247-7.2.1-4 */
VCH_CHECKED vch_err vch_device_register(struct vch_device *d, struct vch_bytes nonce,
                                        int64_t now_ms, struct vch_span out, struct vch_bytes *ret);

enum vch_device_news {
    VCH_DEVICE_SAME = 0, /* known already */
    VCH_DEVICE_FIRST = 1,
    VCH_DEVICE_NEWER = 2
};
/* Judges an acknowledgement (the answer to a request, or an update) and takes it if it is the AS's,
 * of this device's own registration, of its subject and ledger, and not older than what it holds.
 * Persists. On any error nothing changes.
 * Errors: decoding errors; DEVICE_OTHER (another registration: not the bytes sent, so another key
 * or nonce); DEVICE_AS (another AS, or a key that is not pinned); DEVICE_LEDGER (a ledger not
 * provisioned, or another one than before); DEVICE_ADDRESS (another AS URL); DEVICE_LINEAGE
 * (another subject); DEVICE_ROLLBACK (older); DEVICE_FORK (two endorsements of one number, or one
 * that does not follow); DEVICE_UNREGISTERED (nothing was asked for); SIGNATURE, POSSESSION;
 * RECEIPT*; those of persist. req: Y.2247-8.2-1, Y.2247-8.2-2, Y.2247-8.2-3 */
VCH_CHECKED vch_err vch_device_accept(struct vch_device *d, struct vch_bytes ack,
                                      enum vch_device_news *ret);

/* A poll for newer endorsements, under a nonce of the AS. Errors: DEVICE_UNREGISTERED; NO_ROOM;
 * STMT_FIELD; the signer's. */
VCH_CHECKED vch_err vch_device_poll(struct vch_device *d, struct vch_bytes nonce, int64_t now_ms,
                                    struct vch_span out, struct vch_bytes *ret);

/* ---- signing. Nothing is signed before an endorsement is confirmed: DEVICE_UNREGISTERED; after
 * its end: DEVICE_RETIRED; with a key in a file against the policy: DEVICE_UNTRUSTED. req:
 * Y.2247-7.2.1-1 */

/* May data be signed now? Errors: as above. */
VCH_CHECKED vch_err vch_device_ready(const struct vch_device *d);

/* Reserves COUNT sequence numbers for this session, durably, in place of those it had left.
 * Signing does so by itself (VCH_DEVICE_RESERVE at a time) when none is left; hosts that share a
 * state among processes call it under their lock, after a reload.
 * Errors: DEVICE_SEQ (none left in 2^63); those of persist. */
VCH_CHECKED vch_err vch_device_reserve(struct vch_device *d, uint64_t count);
/* Gives back what the session did not use, if nobody reserved since. Errors: those of persist. */
VCH_CHECKED vch_err vch_device_release(struct vch_device *d);

/* A single reading as a stream: begin, add its bytes in pieces, sign. The salt goes beside the
 * data.
 */
struct vch_device_single {
    uint8_t salt[VCH_SALT_LEN];
    struct vch_sha256 sum;
};
/* Errors: as vch_device_ready; CRYPTO. */
VCH_CHECKED vch_err vch_device_single_begin(struct vch_device *d, struct vch_device_single *s);
void vch_device_single_add(const struct vch_device *d, struct vch_device_single *s,
                           struct vch_bytes piece);
/* The item into OUT (VCH_ITEM_MAX bytes suffice). Errors: as vch_device_ready; as
 * vch_device_reserve; STMT_FIELD (time, content type); NO_ROOM; the signer's.
 * req: Y.2247-7.2.3-2, Y.2247-7.2.3-3 */
VCH_CHECKED vch_err vch_device_single_sign(struct vch_device *d, struct vch_device_single *s,
                                           struct vch_bytes content_type, int64_t time_ms,
                                           struct vch_span out, struct vch_bytes *ret);

/* A batch: rows are hashed as they come and not kept. The seed goes beside the data; the salt of
 * row i is made from it (vch_stmt_item_salt). 2.3 KB. */
struct vch_device_batch {
    uint8_t seed[VCH_SEED_LEN];
    struct vch_merkle_frontier rows;
    struct vch_sha256 row; /* the row being added */
    int64_t first_ms, last_ms;
};
/* Errors: as vch_device_ready; CRYPTO. */
VCH_CHECKED vch_err vch_device_batch_begin(struct vch_device *d, struct vch_device_batch *b);
/* A whole row, measured at TIME_MS. Errors: LIMIT (VCH_BATCH_ROWS_COUNT rows are in it). */
VCH_CHECKED vch_err vch_device_batch_row(const struct vch_device *d, struct vch_device_batch *b,
                                         struct vch_bytes raw, int64_t time_ms);
/* A row in pieces: open, add..., close. */
void vch_device_batch_row_open(const struct vch_device *d, struct vch_device_batch *b);
void vch_device_batch_row_add(const struct vch_device *d, struct vch_device_batch *b,
                              struct vch_bytes piece);
VCH_CHECKED vch_err vch_device_batch_row_close(const struct vch_device *d,
                                               struct vch_device_batch *b, int64_t time_ms);
/* Signs the rows so far; the batch is to be begun anew afterwards. Errors: DEVICE_BATCH (no row);
 * as vch_device_single_sign. req: Y.2247-7.2.3-2, Y.2247-7.2.3-3 */
VCH_CHECKED vch_err vch_device_batch_sign(struct vch_device *d, struct vch_device_batch *b,
                                          struct vch_bytes content_type, struct vch_span out,
                                          struct vch_bytes *ret);

/* An anchor over COUNT items whose tree (vch_stmt_anchor_leaf) has ROOT. Errors: as
 * vch_device_ready; STMT_FIELD; NO_ROOM; the signer's. */
VCH_CHECKED vch_err vch_device_anchor(struct vch_device *d, const struct vch_hash *root,
                                      uint64_t count, int64_t now_ms, struct vch_span out,
                                      struct vch_bytes *ret);
/* Does RECEIPT show that the device's ledger recorded STATEMENT? *ret_verified says whether by a
 * provisioned key; without one the form alone was checked. Errors: those of vch_receipt_decode and
 * vch_receipt_verify; DEVICE_UNREGISTERED. */
VCH_CHECKED vch_err vch_device_receipt_check(const struct vch_device *d, struct vch_bytes statement,
                                             struct vch_bytes receipt, bool *ret_verified);

#endif
