/* vouch/stmt/statement.h - what all signed statements have in common beyond the strict COSE_Sign1
 * profile (vouch/cose/sign1.h): types, and who the names in them mean.
 * Layer 4, pure, heap-free, thread-safe: no shared state. docs/formats.md sections 1 and 2.
 *
 * Decoding checks form alone and returns views into the input; no signature is looked at until the
 * `_verify` of the type is called. */
#ifndef VOUCH_STMT_STATEMENT_H
#define VOUCH_STMT_STATEMENT_H

#include <vouch/cose/key.h>
#include <vouch/cose/sign1.h>
#include <vouch/stmt/labels.h>

/* The type that a statement's typ names. */
enum vch_stmt_type vch_stmt_type_of(const struct vch_sign1 *s);

/* Checks the signature by KEY, which must also be the key that `kid` names.
 * Errors: STMT_KEY (kid names another key); SIGNATURE; ALG; KEY; CRYPTO. */
VCH_CHECKED vch_err vch_stmt_verify(const struct vch_crypto *cr, const struct vch_sign1 *s,
                                    const struct vch_pubkey *key);

/* A subject as the text of `sub`: 32 lower-case hexadecimal digits with a NUL into room of 33 bytes
 * or more; and back (lower case only; errors: STMT_NAMES). */
#define VCH_SUBJECT_TEXT_ROOM 33
char *vch_stmt_subject_text(const uint8_t subject[VCH_SUBJECT_LEN], struct vch_span out);
VCH_CHECKED vch_err vch_stmt_subject_parse(struct vch_bytes text,
                                           uint8_t ret_subject[VCH_SUBJECT_LEN]);

#endif
