/* vouch/jose/jws.h - compact JSON web signatures (RFC 7515) with ES256, and the claims of tokens
 * (RFC 7519, 8725, 8705).
 * Layer 8. Thread-safe: no shared state; the clock is the caller's. */
#ifndef VOUCH_JOSE_JWS_H
#define VOUCH_JOSE_JWS_H

#include <vouch/base/text.h>
#include <vouch/jose/jwk.h>

#define VCH_JWS_MAX ((size_t)1 << 20) /* of a compact JWS */

/* Appends the compact JWS of PAYLOAD with the header {"alg": "ES256", "typ", "kid"}; TYP may be
 * NULL. Errors: ALG (the signer's key is not P-256); JWS (kid empty or not UTF-8); LIMIT; those of
 * the signer. */
VCH_CHECKED vch_err vch_jws_sign(const struct vch_signer *signer, const char *kid, const char *typ,
                                 struct vch_bytes payload, struct vch_buf *out);

/* Verifies TEXT with the key of SET that its kid names; nothing that came with the token is
 * trusted. The algorithm must be ES256; a header with crit, b64, jwk, jku, x5u or x5c is refused.
 * TYP, unless NULL, must be the header's typ (with or without "application/", case ignored). The
 * payload is appended to OUT; RET_KEY (may be NULL) is the key, valid as long as the set.
 * Errors: JWS; ALG; JWS_KEY; SIGNATURE; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_jws_verify(const struct vch_crypto *cr, const struct vch_jwks *set,
                                   const char *typ, struct vch_bytes text, struct vch_buf *out,
                                   const struct vch_jwk **ret_key);

/* ---- claims */
/* What a token is made of; NULL or zero leaves a claim out. */
struct vch_jwt_claims {
    const char *iss, *sub, *aud, *jti;
    const char *client_id, *scope;
    int64_t iat_s, nbf_s, exp_s;
    const struct vch_hash *cert; /* cnf x5t#S256, RFC 8705 */
};
/* Appends them as JSON. Errors: TEXT (not UTF-8); LIMIT. */
VCH_CHECKED vch_err vch_jwt_encode(const struct vch_jwt_claims *claims, struct vch_buf *out);

/* What a token must fulfil. */
struct vch_jwt_rules {
    const char *iss; /* exactly; NULL: any */
    const char *aud; /* the audience, or one of them; NULL: any, also none */
    struct vch_time now;
    int64_t leeway_s;            /* by which the clocks may differ */
    int64_t lifetime_max_s;      /* iat is required and exp - iat at most this; 0: no bound */
    const struct vch_hash *cert; /* SHA-256 of the caller's certificate, NULL: it showed none */
    bool cert_required;          /* a token that is not bound to a certificate is refused */
};

/* A payload that was checked; finished by vch_jwt_fini. Texts are valid until then; an absent one
 * is NULL. */
struct vch_jwt {
    const char *iss, *sub, *jti, *client_id, *scope;
    int64_t exp_s;
    int64_t iat_s; /* 0: absent */
    bool bound;    /* to the caller's certificate */
    void *doc;     /* the parsed payload */
};

/* Checks the claims of a payload that vch_jws_verify gave. exp is required; a token bound to a
 * certificate counts only with that certificate.
 * Errors: JSON_SYNTAX; TOKEN_EXPIRED (exp, nbf); TOKEN_CLAIM (iss, aud, iat, lifetime, a claim of
 * the wrong type); TOKEN_BINDING. */
VCH_CHECKED vch_err vch_jwt_check(struct vch_bytes payload, const struct vch_jwt_rules *rules,
                                  struct vch_jwt *ret);
void vch_jwt_fini(struct vch_jwt *jwt); /* idempotent; accepts a zeroed one */
/* Is NAME one of the scopes, which spaces separate? */
bool vch_jwt_has_scope(const struct vch_jwt *jwt, const char *name);

#endif
