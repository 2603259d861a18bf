/* vouch/merkle/checkpoint.h - C2SP signed notes (v1.0.0), checkpoints (tlog-checkpoint v1.0.0) and
 * Ed25519 cosignatures (tlog-cosignature v1).
 * Layer 2, pure, heap-free, thread-safe: no shared state. Views lie in the input. */
#ifndef VOUCH_MERKLE_CHECKPOINT_H
#define VOUCH_MERKLE_CHECKPOINT_H

#include <vouch/merkle/tree.h>

#define VCH_NOTE_MAX      65536
#define VCH_NOTE_SIGS_MAX 64
#define VCH_NOTE_NAME_MAX 256
/* Room for the text of one signature line, and for a verifier key text with its NUL. */
#define VCH_NOTE_LINE_ROOM (VCH_NOTE_NAME_MAX + 128)
#define VCH_NOTE_VKEY_ROOM (VCH_NOTE_NAME_MAX + 64)

enum vch_note_type {
    VCH_NOTE_ED25519 = 1, /* a signature of the note's text */
    VCH_NOTE_COSIGN = 4   /* Ed25519 cosignature with a time */
};

struct vch_checkpoint {
    struct vch_bytes origin; /* one line, not empty */
    uint64_t size;
    struct vch_hash root;
    struct vch_bytes extension; /* further lines, each not empty and ended by \n; or nothing */
};
/* Appends the body: origin, size, root, extension. Errors are left in W: CHECKPOINT if a field does
 * not have its form. */
void vch_checkpoint_encode(const struct vch_checkpoint *c, struct vch_writer *w);
/* Reads a whole body, such as the text of a note. Errors: CHECKPOINT. */
VCH_CHECKED vch_err vch_checkpoint_decode(struct vch_bytes body, struct vch_checkpoint *ret);

struct vch_note {
    struct vch_bytes text;       /* what is signed: with its last \n */
    struct vch_bytes signatures; /* the signature lines */
    size_t count;                /* of them */
};
/* Splits a note and checks its form. Errors: NOTE; LIMIT (over VCH_NOTE_MAX or VCH_NOTE_SIGS_MAX).
 */
VCH_CHECKED vch_err vch_note_decode(struct vch_bytes in, struct vch_note *ret);

struct vch_note_signature {
    struct vch_bytes name;
    struct vch_bytes base64; /* of key ID (4 bytes) and signature */
    uint8_t key_id[4];
};
/* Signature number IDX of a decoded note. Errors: NOTE. */
VCH_CHECKED vch_err vch_note_signature(const struct vch_note *n, size_t idx,
                                       struct vch_note_signature *ret);

/* Key ID: first bytes of SHA-256(name || \n || type || key). */
void vch_note_key_id(const struct vch_crypto *cr, struct vch_bytes name, enum vch_note_type type,
                     const struct vch_pubkey *key, uint8_t ret[4]);
/* Does NAME sign the note by the Ed25519 KEY? Of a cosignature *ret_time_s is its time in seconds,
 * otherwise 0. Signatures of other keys are no obstacle.
 * Errors: NOTE_UNSIGNED if there is none of that name and key, SIGNATURE, NOTE, KEY, CRYPTO. */
VCH_CHECKED vch_err vch_note_verify(const struct vch_crypto *cr, const struct vch_note *n,
                                    struct vch_bytes name, enum vch_note_type type,
                                    const struct vch_pubkey *key, uint64_t *ret_time_s);
/* Appends the signature line of SIGNER (Ed25519) for TEXT to W; TIME_S counts for a cosignature
 * only. The blank line between text and signatures is the caller's.
 * Errors: KEY unless it is an Ed25519 key; NOTE (name); the signer's. */
VCH_CHECKED vch_err vch_note_sign(const struct vch_crypto *cr, const struct vch_signer *signer,
                                  struct vch_bytes name, enum vch_note_type type,
                                  struct vch_bytes text, uint64_t time_s, struct vch_writer *w);
/* Verifier key text "name+hex8+base64(type || key)". Errors are left in W. */
void vch_note_vkey_encode(const struct vch_crypto *cr, struct vch_bytes name,
                          enum vch_note_type type, const struct vch_pubkey *key,
                          struct vch_writer *w);
/* Errors: NOTE; ALG (a type that is no Ed25519). The name is a view of the text. */
VCH_CHECKED vch_err vch_note_vkey_decode(const struct vch_crypto *cr, struct vch_bytes text,
                                         struct vch_bytes *ret_name, enum vch_note_type *ret_type,
                                         struct vch_pubkey *ret_key);

#endif
