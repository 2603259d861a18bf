/* vouch/verifier/trust_file.h - the trust file (docs/formats.md section 6): what a verifier trusts,
 * as JSON. Layer 9. A read trust file is immutable: share it between threads. */
#ifndef VOUCH_VERIFIER_TRUST_FILE_H
#define VOUCH_VERIFIER_TRUST_FILE_H

#include <vouch/base/buf.h>
#include <vouch/verify/trust.h>

#define VCH_TRUST_FILE_MAX   ((size_t)4 << 20)
#define VCH_TRUST_DETAIL_MAX 256

struct vch_trust_file; /* opaque, closed by vch_trust_file_close */

/* Reads TEXT. Every member is checked, unknown ones are refused: a misspelt name must not leave
 * something out unnoticed. Errors: TRUST_FILE; those of vch_jwk_decode and vch_cert_trust_open;
 * LIMIT; with the place in DETAIL (VCH_TRUST_DETAIL_MAX, NUL-terminated), such as "as[0].keys[1]".
 */
VCH_CHECKED vch_err vch_trust_file_decode(const struct vch_crypto *cr, struct vch_bytes text,
                                          struct vch_trust_file **ret,
                                          char reterr_detail[VCH_TRUST_DETAIL_MAX]);
void vch_trust_file_close(struct vch_trust_file *t); /* NULL is accepted */
void vch_trust_file_autoclose(struct vch_trust_file **t);

/* For the judgement; lives as long as T. */
const struct vch_verify_trust *vch_trust_file_get(const struct vch_trust_file *t);
/* PEM of the CA that AS number IDX presents in TLS, or NULL: those of the system. */
const char *vch_trust_file_tls_ca(const struct vch_trust_file *t, size_t as);
/* CA certificates of AS number IDX, in the order of the file: SHA-256 of the DER. */
size_t vch_trust_file_ca_count(const struct vch_trust_file *t, size_t as);
const struct vch_hash *vch_trust_file_ca(const struct vch_trust_file *t, size_t as, size_t idx);

#endif
