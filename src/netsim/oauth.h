/* oauth.h - the token endpoint's logic: OAuth 2 client credentials, RFC 8705. */
#ifndef NETSIM_OAUTH_H
#define NETSIM_OAUTH_H

#include <vouch/netsim/cef.h>

struct vch_netsim_token {
    char client[65];
    char scopes[257]; /* space-separated */
};

/* The client with this id whose registered certificate has the SHA-256 CERT (lower-case
 * hexadecimal); its scopes. Errors: NETSIM_TOKEN; NETSIM_DB. Inside a transaction. */
VCH_CHECKED vch_err vch_netsim_client_find(struct vch_netsim_db *db, const char *client,
                                           const char *cert, struct vch_netsim_token *ret);
/* Is every word of WANTED among the words of ALLOWED? */
bool vch_netsim_scopes_within(const char *wanted, const char *allowed);

/* An access token for CLIENT, bound to the certificate with the hash CERT. RET: vch_mem_free. */
VCH_CHECKED vch_err vch_netsim_token_make(const struct vch_netsim_cef *cef,
                                          const struct vch_netsim_token *t,
                                          const struct vch_hash *cert, int64_t now_ms,
                                          unsigned life_s, char **ret);
/* Checks signature, issuer, audience, term, and that it was given to the holder of this
 * certificate. Errors: NETSIM_TOKEN. */
VCH_CHECKED vch_err vch_netsim_token_check(const struct vch_netsim_cef *cef, const char *jwt,
                                           const struct vch_hash *cert, int64_t now_ms,
                                           struct vch_netsim_token *ret);
/* The public signing key as a JWK set, appended to OUT. Errors: LIMIT. */
VCH_CHECKED vch_err vch_netsim_jwks(const struct vch_netsim_cef *cef, struct vch_buf *out);

#endif
