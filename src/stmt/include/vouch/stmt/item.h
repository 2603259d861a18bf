/* vouch/stmt/item.h - signed data of a device: one reading, or a batch of rows under one signature.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md section 3.
 *
 * The payload is always a salted digest, so a holder may pass on proof without data. */
#ifndef VOUCH_STMT_ITEM_H
#define VOUCH_STMT_ITEM_H

#include <vouch/cose/sign1.h>
#include <vouch/stmt/entry_address.h>

struct vch_stmt_item {
    /* decoded only */
    struct vch_sign1 st;
    /* both ways */
    struct vch_bytes kid;          /* 16 bytes: start of the endorsement's transaction ID */
    struct vch_bytes content_type; /* of the raw data; may be empty */
    struct vch_bytes payload;      /* 32 bytes: digest or root */
    enum vch_item_mode mode;
    uint64_t seq;          /* counts items and batches of one key */
    int64_t time_ms;       /* claimed: of the reading, or of the last row */
    uint64_t count;        /* rows of a batch; 1 for a single item */
    int64_t first_time_ms; /* batch: of the first row; single: same as time_ms */
    bool has_pointer;
    struct vch_bytes pointer_txid; /* 32 bytes */
    struct vch_stmt_address pointer_address;
};

/* Signs the fields "both ways" by the device's key into OUT (VCH_ITEM_MAX bytes always suffice).
 * With a pointer, kid may be left empty: it is the start of the pointer.
 * Errors: STMT_FIELD; ITEM_POINTER (kid is not the start of the pointer); ENTRY_ADDRESS; NO_ROOM;
 * those of the signer. req: Y.2247-7.2.3-3 */
VCH_CHECKED vch_err vch_stmt_item_encode(const struct vch_signer *signer,
                                         const struct vch_stmt_item *it, struct vch_span out,
                                         struct vch_bytes *ret);

/* Errors: those of vch_sign1_decode; LIMIT (too many rows); ITEM_FORM; ITEM_POINTER; ENTRY_ADDRESS.
 */
VCH_CHECKED vch_err vch_stmt_item_decode(struct vch_bytes in, struct vch_stmt_item *ret);

/* The device's signature by KEY. Errors: SIGNATURE; ALG (does not fit the key); KEY; CRYPTO. */
VCH_CHECKED vch_err vch_stmt_item_verify(const struct vch_crypto *cr,
                                         const struct vch_stmt_item *it,
                                         const struct vch_pubkey *key);

/* Does KID (of an item) name the endorsement TXID? */
bool vch_stmt_item_cites(const struct vch_stmt_item *it, const struct vch_hash *txid);

/* ---- digests */
/* Single: SHA-256(salt || raw). For raw data that does not fit into memory: sha256_init, update
 * with the salt, then with the data. */
void vch_stmt_item_digest(const struct vch_crypto *cr, const uint8_t salt[VCH_SALT_LEN],
                          struct vch_bytes raw, struct vch_hash *ret);
/* Batch: salt of row IDX from the seed, and its leaf SHA-256(0x00 || salt || raw). */
void vch_stmt_item_salt(const struct vch_crypto *cr, const uint8_t seed[VCH_SEED_LEN], uint64_t idx,
                        uint8_t ret_salt[VCH_SALT_LEN]);
void vch_stmt_item_leaf(const struct vch_crypto *cr, const uint8_t salt[VCH_SALT_LEN],
                        struct vch_bytes raw, struct vch_hash *ret);

/* Raw data of a single item. Errors: ITEM_DATA; ITEM_FORM (not a single item). */
VCH_CHECKED vch_err vch_stmt_item_check_raw(const struct vch_crypto *cr,
                                            const struct vch_stmt_item *it,
                                            const uint8_t salt[VCH_SALT_LEN], struct vch_bytes raw);
/* The root over all leaves of a batch. Errors: ITEM_DATA; ITEM_FORM (not a batch). */
VCH_CHECKED vch_err vch_stmt_item_check_root(const struct vch_stmt_item *it,
                                             const struct vch_hash *root);
/* Row IDX of a batch by its leaf and path (PATH: COUNT hashes from the leaf up).
 * Errors: ITEM_DATA; ITEM_FORM. */
VCH_CHECKED vch_err vch_stmt_item_check_row(const struct vch_crypto *cr,
                                            const struct vch_stmt_item *it, uint64_t idx,
                                            const struct vch_hash *leaf,
                                            const struct vch_hash *path, size_t count);

#endif
