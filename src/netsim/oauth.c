/* Signing by the operator (compact JWS, ES256), and access tokens bound to certificates. */
#include <stdlib.h>

#include "cef_int.h"
#include "oauth.h"

#define TYP_TOKEN "at+jwt"

/* RFC 7638: the required members in lexicographic order, without spaces. */
static void kid_of(const struct vch_netsim_cef *cef, char ret[44])
{
    const struct vch_pubkey *pub = &cef->signer->pub;
    char x[VCH_B64_ROOM(32)], y[VCH_B64_ROOM(32)], text[192];
    struct vch_hash h;

    (void)snprintf(text, sizeof text,
                   "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                   vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(pub->x), VCH_SPAN_OF(x)),
                   vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(pub->y), VCH_SPAN_OF(y)));
    vch_sha256_of(cef->crypto, vch_text(text), &h);
    (void)vch_b64_encode(VCH_B64_URL, vch_hash_bytes(&h), vch_span(ret, 44));
}

static vch_err b64_append(struct vch_buf *b, struct vch_bytes in)
{
    struct vch_span room;

    VCH_TRY(vch_buf_room(b, VCH_B64_ROOM(in.n), &room));
    vch_buf_added(b, strlen(vch_b64_encode(VCH_B64_URL, in, room)));
    return VCH_OK;
}

vch_err vch_netsim_sign(const struct vch_netsim_cef *cef, const char *typ, const json_t *obj,
                        char **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(256 * 1024);
    char *payload = json_dumps(obj, JSON_COMPACT | JSON_SORT_KEYS);
    uint8_t sig[VCH_SIG_LEN];
    char kid[44], header[128];
    struct vch_bytes part;
    vch_err e;

    VCH_CHECK(payload != NULL, LIMIT);
    kid_of(cef, kid);
    (void)snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"%s\"}", kid,
                   typ);
    e = b64_append(&b, vch_text(header));
    if (vch_ok(e)) {
        e = vch_buf_text(&b, ".");
    }
    if (vch_ok(e)) {
        e = b64_append(&b, vch_text(payload));
    }
    free(payload);
    VCH_TRY(e);
    part = vch_buf_get(&b);
    VCH_TRY(cef->signer->sign(cef->signer, &part, 1, sig));
    VCH_TRY(vch_buf_text(&b, "."));
    VCH_TRY(b64_append(&b, VCH_BYTES_OF(sig)));
    *ret = vch_mem_text(vch_buf_get(&b));
    return VCH_OK;
}

/* Opens a JWS of our own key and this type. */
static vch_err own_open(const struct vch_netsim_cef *cef, const char *typ, const char *jws,
                        json_t **ret)
{
    const char *dot1 = strchr(jws, '.'), *dot2 = dot1 == NULL ? NULL : strchr(dot1 + 1, '.');
    uint8_t header[256], payload[2048], sig[VCH_SIG_LEN];
    struct vch_bytes h, p, s, signed_part;
    char want[160], kid[44];

    VCH_CHECK(dot2 != NULL, NETSIM_TOKEN);
    signed_part = vch_bytes(jws, (size_t)(dot2 - jws));
    VCH_TRY(
        vch_b64_decode(VCH_B64_URL, vch_bytes(jws, (size_t)(dot1 - jws)), VCH_SPAN_OF(header), &h));
    VCH_TRY(vch_b64_decode(VCH_B64_URL, vch_bytes(dot1 + 1, (size_t)(dot2 - dot1 - 1)),
                           VCH_SPAN_OF(payload), &p));
    VCH_TRY(vch_b64_decode(VCH_B64_URL, vch_text(dot2 + 1), VCH_SPAN_OF(sig), &s));
    /* We wrote the header ourselves: anything else is not ours. */
    kid_of(cef, kid);
    (void)snprintf(want, sizeof want, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"%s\"}", kid,
                   typ);
    VCH_CHECK(vch_bytes_equal(h, vch_text(want)), NETSIM_TOKEN);
    VCH_TRY(cef->crypto->verify(VCH_ALG_ES256, &cef->signer->pub, &signed_part, 1, s));
    *ret = json_loadb((const char *)p.p, p.n, JSON_REJECT_DUPLICATES, NULL);
    VCH_CHECK(*ret != NULL, NETSIM_TOKEN);
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

static json_t *audience(const struct vch_netsim_cef *cef)
{
    return json_sprintf("urn:divs:operator:%s", cef->operator_id);
}

vch_err vch_netsim_token_make(const struct vch_netsim_cef *cef, const struct vch_netsim_token *t,
                              const struct vch_hash *cert, int64_t now_ms, unsigned life_s,
                              char **ret)
{
    char thumb[VCH_B64_ROOM(VCH_HASH_LEN)], jti[33];
    json_t *o;
    vch_err e;

    VCH_TRY(vch_netsim_random_id(cef, jti));
    o = json_pack("{s:o, s:s, s:s, s:o, s:s, s:s, s:I, s:I, s:{s:s}}", "iss", audience(cef), "sub",
                  t->client, "client_id", t->client, "aud", audience(cef), "jti", jti, "scope",
                  t->scopes, "iat", (json_int_t)(now_ms / 1000), "exp",
                  (json_int_t)(now_ms / 1000 + life_s), "cnf", "x5t#S256",
                  vch_b64_encode(VCH_B64_URL, vch_hash_bytes(cert), VCH_SPAN_OF(thumb)));
    VCH_ASSERT(o != NULL);
    e = vch_netsim_sign(cef, TYP_TOKEN, o, ret);
    json_decref(o);
    return e;
}

/* req: Y.2247-8.4-1 (a token serves only over the connection of the certificate it was given to) */
vch_err vch_netsim_token_check(const struct vch_netsim_cef *cef, const char *jwt,
                               const struct vch_hash *cert, int64_t now_ms,
                               struct vch_netsim_token *ret)
{
    char thumb[VCH_B64_ROOM(VCH_HASH_LEN)];
    json_t *o = NULL, *aud;
    const char *iss, *sub, *scope, *x5t;
    json_int_t exp = 0, iat = 0;
    bool ok;

    VCH_CHECK(vch_ok(own_open(cef, TYP_TOKEN, jwt, &o)), NETSIM_TOKEN);
    aud = audience(cef);
    ok = json_unpack(o, "{s:s, s:s, s:s, s:I, s:I, s:{s:s}}", "iss", &iss, "sub", &sub, "scope",
                     &scope, "iat", &iat, "exp", &exp, "cnf", "x5t#S256", &x5t) == 0 &&
         json_equal(json_object_get(o, "aud"), aud) && strcmp(iss, json_string_value(aud)) == 0 &&
         iat * 1000 <= now_ms && now_ms < exp * 1000 && strlen(sub) < sizeof ret->client &&
         strlen(scope) < sizeof ret->scopes &&
         strcmp(x5t, vch_b64_encode(VCH_B64_URL, vch_hash_bytes(cert), VCH_SPAN_OF(thumb))) == 0;
    if (ok) {
        (void)strcpy(ret->client, sub);
        (void)strcpy(ret->scopes, scope);
    }
    json_decref(aud);
    json_decref(o);
    return ok ? VCH_OK : VCH_E(NETSIM_TOKEN);
}

vch_err vch_netsim_jwks(const struct vch_netsim_cef *cef, json_t **ret)
{
    const struct vch_pubkey *pub = &cef->signer->pub;
    char x[VCH_B64_ROOM(32)], y[VCH_B64_ROOM(32)], kid[44];

    kid_of(cef, kid);
    *ret =
        json_pack("{s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:s}]}", "keys", "kty", "EC", "crv", "P-256",
                  "x", vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(pub->x), VCH_SPAN_OF(x)), "y",
                  vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(pub->y), VCH_SPAN_OF(y)), "alg", "ES256",
                  "use", "sig", "kid", kid);
    return *ret == NULL ? VCH_E(MEMORY) : VCH_OK;
}
