/* vouch/stmt/statement.h - what all signed statements have in common: the strict COSE_Sign1
 * profile. Layer 4, pure, heap-free, thread-safe: no shared state. docs/formats.md sections 1
 * and 2.
 *
 * Decoding checks form alone and returns views into the input; no signature is looked at until the
 * `_verify` of the type is called. */
#ifndef VOUCH_STMT_STATEMENT_H
#define VOUCH_STMT_STATEMENT_H

#include <vouch/crypto/port.h>
#include <vouch/stmt/labels.h>

/* A decoded statement; all views lie in the input. */
struct vch_stmt {
    struct vch_bytes whole;     /* the tagged COSE_Sign1: what the transaction ID hashes */
    struct vch_bytes protected; /* contents of the protected header's byte string */
    struct vch_bytes payload;
    struct vch_bytes sig;
    enum vch_stmt_type type;
    enum vch_alg alg;
    struct vch_bytes kid; /* 32 bytes: thumbprint of the signing key */
    struct vch_bytes iss;
    struct vch_bytes sub;
    int64_t iat_s;
    struct vch_bytes typ;
    struct vch_bytes cert_hash; /* endorsement: 32 bytes of x5t; empty otherwise */
};

/* Decodes any statement of the strict profile; of an unknown typ the payload is some strict CBOR
 * item. Errors: those of vch_cbor_*; LIMIT (over 16 KiB); STMT_FORM; ALG; SIGNATURE_FORM. */
VCH_CHECKED vch_err vch_stmt_decode(struct vch_bytes in, struct vch_stmt *ret);

/* Checks the signature by KEY, which must also be the key that `kid` names.
 * Errors: STMT_KEY (kid names another key); SIGNATURE; ALG; KEY; CRYPTO. */
VCH_CHECKED vch_err vch_stmt_verify(const struct vch_crypto *cr, const struct vch_stmt *st,
                                    const struct vch_pubkey *key);

/* Transaction ID: SHA-256 of the complete statement. req: Y.2247-7.2.2-10 (the receipt adds the
 * log index) */
void vch_stmt_txid(const struct vch_crypto *cr, struct vch_bytes whole, struct vch_hash *ret);

/* Content ID: SHA-256 of the Sig_structure, the same for every signature over the same content. */
void vch_stmt_content_id(const struct vch_crypto *cr, const struct vch_stmt *st,
                         struct vch_hash *ret);

/* What the signer of a statement states about itself. */
struct vch_stmt_head {
    struct vch_bytes iss; /* up to 128 bytes */
    struct vch_bytes sub; /* up to 128 bytes */
    int64_t iat_s;
    const struct vch_hash *cert_hash; /* endorsement only, else NULL */
};

/* Signs PAYLOAD (deterministic CBOR of the caller) under TYP and writes the statement into OUT.
 * kid is computed from the signer's public key.
 * Errors: NO_ROOM; LIMIT (over 16 KiB); those of the signer. */
VCH_CHECKED vch_err vch_stmt_encode(const struct vch_crypto *cr, const struct vch_signer *signer,
                                    const struct vch_stmt_head *head, const char *typ,
                                    struct vch_bytes payload, struct vch_span out,
                                    struct vch_bytes *ret);

/* The key URI of a thumbprint, NUL-terminated, into room of VCH_KEY_URI_ROOM bytes; the room. */
#define VCH_KEY_URI_ROOM 80
char *vch_stmt_key_uri(const struct vch_hash *thumbprint, struct vch_span out);

/* The thumbprint inside a key URI. Errors: STMT_FORM. */
VCH_CHECKED vch_err vch_stmt_key_uri_parse(struct vch_bytes uri, struct vch_hash *ret);

/* A subject as the text of `sub`: 32 lower-case hexadecimal digits with a NUL into room of 33 bytes
 * or more; and back (lower case only; errors: STMT_FORM). */
char *vch_stmt_subject_text(const uint8_t subject[VCH_SUBJECT_LEN], struct vch_span out);
VCH_CHECKED vch_err vch_stmt_subject_parse(struct vch_bytes text,
                                           uint8_t ret_subject[VCH_SUBJECT_LEN]);

#endif
