/* vouch/cose/sign1.h - the strict profile of COSE_Sign1 in which Vouch's statements and device
 * items are written (docs/formats.md): tag 18, deterministic CBOR, empty unprotected map, attached
 * payload, nothing behind, low S.
 * Layer 3, pure, heap-free, thread-safe: no shared state. Views lie in the input.
 *
 * Decoding never implies verifying: what vch_sign1_decode gives is claimed until vch_sign1_verify
 * has said yes. */
#ifndef VOUCH_COSE_SIGN1_H
#define VOUCH_COSE_SIGN1_H

#include <vouch/cose/generic.h>

#define VCH_STATEMENT_MAX    16384
#define VCH_REGISTRATION_MAX 4096
#define VCH_ITEM_MAX         1024
#define VCH_NAME_MAX         128 /* AS id, ledger id, operator id */
#define VCH_URL_MAX          256

/* Labels (docs/formats.md 1) */
enum {
    VCH_LABEL_ALG = 1,
    VCH_LABEL_CRIT = 2,
    VCH_LABEL_KID = 4,
    VCH_LABEL_CLAIMS = 15,
    VCH_LABEL_TYP = 16,
    VCH_LABEL_X5T = 34,
    VCH_LABEL_HASH_ALG = 258,
    VCH_LABEL_PREIMAGE_TYPE = 259,
    VCH_LABEL_RECEIPTS = 394,
    VCH_LABEL_VDS = 395,
    VCH_LABEL_VDP = 396,
    VCH_LABEL_ITEM = -70001,
    VCH_LABEL_POINTER = -70002
};

/* Which labels the protected header has, all others being refused. */
enum vch_sign1_profile {
    VCH_SIGN1_STATEMENT, /* alg, kid (32 bytes), claims, typ; may have x5t */
    VCH_SIGN1_ITEM       /* alg, kid (16 bytes), hash alg SHA-256, item; may have preimage type,
                            pointer; payload of 32 bytes */
};

struct vch_sign1 {
    struct vch_bytes whole; /* all of it, tag included: its SHA-256 is the transaction ID */
    struct vch_bytes protected_raw;
    enum vch_alg alg;
    struct vch_bytes kid;
    struct vch_bytes payload;
    struct vch_bytes signature; /* VCH_SIG_LEN bytes */
    /* statements */
    struct vch_bytes iss;
    struct vch_bytes sub;
    int64_t iat_s;
    struct vch_bytes typ;
    struct vch_bytes x5t; /* 32 bytes, nothing if absent */
    /* items: preimage type is the text; the other two are encoded CBOR, nothing if absent */
    struct vch_bytes preimage_type;
    struct vch_bytes item;
    struct vch_bytes pointer;
};

/* Reads a whole statement or item, checking everything but the signature's truth.
 * Errors: those of vch_cbor reads, TRAILING; LIMIT; COSE_TAG; COSE_PROFILE (a deviation from the
 * profile that is valid COSE); CBOR_LABEL, CBOR_FIELD; COSE_HEADER; ALG; SIGNATURE_FORM. */
VCH_CHECKED vch_err vch_sign1_decode(struct vch_bytes in, enum vch_sign1_profile profile,
                                     struct vch_sign1 *ret);
/* Errors: COSE_TYP unless the statement's typ is TYP. */
VCH_CHECKED vch_err vch_sign1_typ_check(const struct vch_sign1 *s, const char *typ);
/* Does KEY sign S? Errors: ALG (not for this key), SIGNATURE, KEY, CRYPTO. */
VCH_CHECKED vch_err vch_sign1_verify(const struct vch_crypto *cr, const struct vch_sign1 *s,
                                     const struct vch_pubkey *key);
/* Content ID: SHA-256 of the Sig_structure; the same for every signature of the same content. */
void vch_sign1_content_id(const struct vch_crypto *cr, const struct vch_sign1 *s,
                          struct vch_hash *ret);
/* Transaction ID: SHA-256 of the complete statement. */
void vch_sign1_txid(const struct vch_crypto *cr, const struct vch_sign1 *s, struct vch_hash *ret);

/* ---- making */
struct vch_sign1_head {
    struct vch_bytes kid; /* the 32-byte thumbprint of the signing key */
    struct vch_bytes iss;
    struct vch_bytes sub;
    int64_t iat_s; /* 0 or more */
    const char *typ;
    const struct vch_hash *x5t; /* SHA-256 of the certificate, NULL for none */
};
/* The contents of a statement's protected header onto W. */
void vch_sign1_protected_encode(enum vch_alg alg, const struct vch_sign1_head *head,
                                struct vch_writer *w);

/* Room that a statement of these parts needs. */
#define VCH_SIGN1_ROOM(protected_n, payload_n) ((protected_n) + (payload_n) + VCH_SIG_LEN + 16)
/* Signs and writes the complete message into OUT. PROTECTED_RAW names the signer's alg.
 * PAYLOAD and PROTECTED_RAW may not overlap OUT. Errors: NO_ROOM; the signer's. */
VCH_CHECKED vch_err vch_sign1_sign(const struct vch_signer *signer, struct vch_bytes protected_raw,
                                   struct vch_bytes payload, struct vch_span out,
                                   struct vch_bytes *ret);
/* Both in one: header of at most 1 KiB, then the signature. Errors: NO_ROOM; the signer's. */
VCH_CHECKED vch_err vch_sign1_make(const struct vch_signer *signer,
                                   const struct vch_sign1_head *head, struct vch_bytes payload,
                                   struct vch_span out, struct vch_bytes *ret);

#endif
