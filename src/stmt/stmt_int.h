/* Shared by the files of this module only. */
#ifndef VCH_STMT_INT_H
#define VCH_STMT_INT_H

#include <vouch/cbor/cbor.h>
#include <vouch/stmt/statement.h>

/* A name of 1 to 128 bytes of UTF-8 without control characters. */
bool vch_stmt_name_ok(struct vch_bytes name);

/* An unsigned number as an enumeration; its range is checked afterwards. Errors: CBOR_...;
 * STMT_FIELD. */
vch_err vch_stmt_small(struct vch_cbor *c, int *ret);

/* Decodes a statement and checks its type and names.
 * Errors: those of vch_sign1_decode; STMT_TYPE; STMT_FIELD. */
vch_err vch_stmt_open(struct vch_bytes in, enum vch_stmt_type type, struct vch_sign1 *ret);

/* Is IF the key URI of the thumbprint KID? Errors: STMT_NAMES. */
vch_err vch_stmt_key_uri_check(struct vch_bytes iss, struct vch_bytes kid);

/* Signs PAYLOAD (what W holds) under TYP into OUT; iss empty: the signer's key URI; sub empty: the
 * same as iss. */
vch_err vch_stmt_make(const struct vch_crypto *cr, const struct vch_signer *signer,
                      struct vch_bytes iss, struct vch_bytes sub, int64_t iat_s, const char *typ,
                      const struct vch_hash *x5t, struct vch_bytes payload, struct vch_span out,
                      struct vch_bytes *ret);

#endif
