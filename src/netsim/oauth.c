/* Signing by the operator (compact JWS, ES256), and access tokens bound to certificates. */
#include <stdlib.h>

#include "cef_int.h"
#include "oauth.h"

#include <vouch/jose/jws.h>

#define TYP_TOKEN        "at+jwt"
#define TOKEN_LIFE_MAX_S 3600
#define SIGNED_MAX       (256 * 1024)

/* The name of our key: its thumbprint (RFC 7638). */
static vch_err own_key(const struct vch_netsim_cef *cef, struct vch_jwk *ret)
{
    struct vch_hash h;

    *ret = (struct vch_jwk){.pub = cef->signer->pub};
    VCH_TRY(vch_jwk_thumbprint(cef->crypto, &ret->pub, &h));
    (void)vch_b64_encode(VCH_B64_URL, vch_hash_bytes(&h), VCH_SPAN_OF(ret->kid));
    return VCH_OK;
}

vch_err vch_netsim_sign(const struct vch_netsim_cef *cef, const char *typ, const json_t *obj,
                        char **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(SIGNED_MAX);
    char *payload = vch_netsim_dump(obj);
    struct vch_jwk key;
    vch_err e;

    VCH_CHECK(payload != NULL, LIMIT);
    e = own_key(cef, &key);
    if (vch_ok(e)) {
        e = vch_jws_sign(cef->signer, key.kid, typ, vch_text(payload), &b);
    }
    vch_mem_free(payload);
    VCH_TRY(e);
    *ret = vch_mem_text(vch_buf_get(&b));
    return VCH_OK;
}

vch_err vch_netsim_client_find(struct vch_netsim_db *db, const char *client, const char *cert,
                               struct vch_netsim_token *ret)
{
    struct vch_netsim_q q =
        vch_netsim_q(db, "SELECT c.id, c.scopes FROM client c JOIN client_cert x ON x.client = c.id"
                         " WHERE c.id = ? AND c.active = 1 AND x.sha256 = ?");
    bool found;

    vch_netsim_q_text(&q, client);
    vch_netsim_q_text(&q, cert);
    found = vch_netsim_q_row(&q);
    if (found) {
        vch_netsim_q_copy(&q, 0, ret->client, sizeof ret->client);
        vch_netsim_q_copy(&q, 1, ret->scopes, sizeof ret->scopes);
    }
    VCH_TRY(vch_netsim_q_end(&q));
    VCH_CHECK(found, NETSIM_TOKEN);
    return VCH_OK;
}

bool vch_netsim_scopes_within(const char *wanted, const char *allowed)
{
    while (*wanted != '\0') {
        size_t n = strcspn(wanted, " ");
        const char *p = allowed;
        bool found = n == 0;

        while (!found && *p != '\0') {
            size_t m = strcspn(p, " ");

            found = m == n && strncmp(p, wanted, n) == 0;
            p += m + (p[m] == ' ' ? 1 : 0);
        }
        if (!found) {
            return false;
        }
        wanted += n + (wanted[n] == ' ' ? 1 : 0);
    }
    return true;
}

/* Issuer and audience of the tokens: this operator. */
static void self_name(const struct vch_netsim_cef *cef, char ret[192])
{
    (void)snprintf(ret, 192, "urn:divs:operator:%s", cef->operator_id);
}

vch_err vch_netsim_token_make(const struct vch_netsim_cef *cef, const struct vch_netsim_token *t,
                              const struct vch_hash *cert, int64_t now_ms, unsigned life_s,
                              char **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf payload = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf jwt = vch_buf_init(8192);
    char jti[33], self[192];
    struct vch_jwt_claims c = {.iss = self,
                               .sub = t->client,
                               .aud = self,
                               .jti = jti,
                               .client_id = t->client,
                               .scope = t->scopes,
                               .iat_s = now_ms / 1000,
                               .exp_s = now_ms / 1000 + life_s,
                               .cert = cert};
    struct vch_jwk key;

    self_name(cef, self);
    VCH_TRY(own_key(cef, &key));
    VCH_TRY(vch_netsim_random_id(cef, jti));
    VCH_TRY(vch_jwt_encode(&c, &payload));
    VCH_TRY(vch_jws_sign(cef->signer, key.kid, TYP_TOKEN, vch_buf_get(&payload), &jwt));
    *ret = vch_mem_text(vch_buf_get(&jwt));
    return VCH_OK;
}

/* req: Y.2247-8.4-1 (a token serves only over the connection of the certificate it was given to) */
vch_err vch_netsim_token_check(const struct vch_netsim_cef *cef, const char *jwt,
                               const struct vch_hash *cert, int64_t now_ms,
                               struct vch_netsim_token *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf payload = vch_buf_init(4096);
    VCH_AUTO(vch_jwt_fini) struct vch_jwt t = {0};
    char self[192];
    struct vch_jwk key;
    const struct vch_jwks set = {&key, 1};
    const struct vch_jwt_rules rules = {.iss = self,
                                        .aud = self,
                                        .now = {now_ms},
                                        .lifetime_max_s = TOKEN_LIFE_MAX_S,
                                        .cert = cert,
                                        .cert_required = true};

    self_name(cef, self);
    VCH_TRY(own_key(cef, &key));
    VCH_CHECK(vch_ok(vch_jws_verify(cef->crypto, &set, TYP_TOKEN, vch_text(jwt), &payload, NULL)) &&
                  vch_ok(vch_jwt_check(vch_buf_get(&payload), &rules, &t)) && t.bound &&
                  t.sub != NULL && t.scope != NULL && strlen(t.sub) < sizeof ret->client &&
                  strlen(t.scope) < sizeof ret->scopes,
              NETSIM_TOKEN);
    vch_netsim_set(ret->client, sizeof ret->client, t.sub);
    vch_netsim_set(ret->scopes, sizeof ret->scopes, t.scope);
    return VCH_OK;
}

vch_err vch_netsim_jwks(const struct vch_netsim_cef *cef, struct vch_buf *out)
{
    struct vch_jwk key;

    VCH_TRY(own_key(cef, &key));
    return vch_jwks_encode(&key, 1, out);
}
