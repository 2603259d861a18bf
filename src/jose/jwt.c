/* The claims of tokens. */
#include <vouch/jose/jws.h>

#include "json.h"

#define SECONDS_MAX ((int64_t)1 << 53)

/* ---- making */
static int number_set(json_t *j, const char *name, int64_t v)
{
    return v == 0 ? 0 : json_object_set_new(j, name, json_integer(v));
}

vch_err vch_jwt_encode(const struct vch_jwt_claims *claims, struct vch_buf *out)
{
    char x5t[VCH_B64_ROOM(VCH_HASH_LEN)];
    /* "s*" leaves a NULL out; a text that is not UTF-8 makes the call fail. */
    VCH_AUTO(vch_jose_decref)
    json_t *j = json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "iss", claims->iss, "sub",
                          claims->sub, "aud", claims->aud, "jti", claims->jti, "client_id",
                          claims->client_id, "scope", claims->scope);

    VCH_CHECK(j != NULL, TEXT);
    VCH_CHECK(number_set(j, "iat", claims->iat_s) == 0 &&
                  number_set(j, "nbf", claims->nbf_s) == 0 &&
                  number_set(j, "exp", claims->exp_s) == 0,
              MEMORY);
    if (claims->cert != NULL) {
        vch_b64_encode(VCH_B64_URL, vch_hash_bytes(claims->cert), VCH_SPAN_OF(x5t));
        VCH_CHECK(json_object_set_new(j, "cnf", json_pack("{s:s}", "x5t#S256", x5t)) == 0, MEMORY);
    }
    return vch_jose_dump(j, out);
}

/* ---- checking */
static vch_err text_claim(const json_t *j, const char *name, const char **ret)
{
    const json_t *m = json_object_get(j, name);

    VCH_CHECK(m == NULL || json_is_string(m), TOKEN_CLAIM);
    *ret = m == NULL ? NULL : json_string_value(m);
    return VCH_OK;
}

/* Seconds, cut to whole ones; *RET_FOUND tells an absent claim. */
static vch_err time_claim(const json_t *j, const char *name, int64_t *ret, bool *ret_found)
{
    const json_t *m = json_object_get(j, name);
    double v;

    *ret_found = m != NULL;
    *ret = 0;
    if (m == NULL) {
        return VCH_OK;
    }
    VCH_CHECK(json_is_number(m), TOKEN_CLAIM);
    v = json_number_value(m);
    VCH_CHECK(v >= 0 && v < (double)SECONDS_MAX, TOKEN_CLAIM);
    *ret = (int64_t)v;
    return VCH_OK;
}

static bool audience_fits(const json_t *aud, const char *want)
{
    size_t i;
    json_t *one;

    if (json_is_string(aud)) {
        return strcmp(json_string_value(aud), want) == 0;
    }
    json_array_foreach(aud, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), want) == 0) {
            return true;
        }
    }
    return false;
}

static vch_err times_check(const json_t *j, const struct vch_jwt_rules *rules, struct vch_jwt *jwt)
{
    int64_t now_s = rules->now.ms / 1000, nbf_s;
    bool exp, nbf, iat;

    VCH_TRY(time_claim(j, "exp", &jwt->exp_s, &exp));
    VCH_TRY(time_claim(j, "nbf", &nbf_s, &nbf));
    VCH_TRY(time_claim(j, "iat", &jwt->iat_s, &iat));
    VCH_CHECK(exp, TOKEN_CLAIM);
    VCH_CHECK(now_s < jwt->exp_s + rules->leeway_s, TOKEN_EXPIRED);
    VCH_CHECK(!nbf || nbf_s <= now_s + rules->leeway_s, TOKEN_EXPIRED);
    VCH_CHECK(!iat || jwt->iat_s <= now_s + rules->leeway_s, TOKEN_CLAIM);
    if (rules->lifetime_max_s != 0) {
        VCH_CHECK(iat && jwt->exp_s - jwt->iat_s <= rules->lifetime_max_s, TOKEN_CLAIM);
    }
    return VCH_OK;
}

/* RFC 8705 section 3.1. */
static vch_err binding_check(const json_t *j, const struct vch_jwt_rules *rules,
                             struct vch_jwt *jwt)
{
    const json_t *cnf = json_object_get(j, "cnf"), *x5t;
    uint8_t room[VCH_HASH_LEN];
    struct vch_bytes b;

    if (cnf == NULL) {
        VCH_CHECK(!rules->cert_required, TOKEN_BINDING);
        return VCH_OK;
    }
    x5t = json_object_get(cnf, "x5t#S256");
    /* A binding of another kind cannot be checked here, so the token counts for nothing. */
    VCH_CHECK(json_is_string(x5t) && rules->cert != NULL, TOKEN_BINDING);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_URL, vch_text(json_string_value(x5t)),
                                    VCH_SPAN_OF(room), &b)),
              TOKEN_BINDING);
    VCH_CHECK(vch_equal_ct(b, vch_hash_bytes(rules->cert)), TOKEN_BINDING);
    jwt->bound = true;
    return VCH_OK;
}

vch_err vch_jwt_check(struct vch_bytes payload, const struct vch_jwt_rules *rules,
                      struct vch_jwt *ret)
{
    VCH_AUTO(vch_jose_decref) json_t *j = NULL;
    struct vch_jwt jwt = {0};

    VCH_TRY(vch_jose_json(payload, &j));
    VCH_TRY(text_claim(j, "iss", &jwt.iss));
    VCH_TRY(text_claim(j, "sub", &jwt.sub));
    VCH_TRY(text_claim(j, "jti", &jwt.jti));
    VCH_TRY(text_claim(j, "client_id", &jwt.client_id));
    VCH_TRY(text_claim(j, "scope", &jwt.scope));
    VCH_CHECK(rules->iss == NULL || (jwt.iss != NULL && strcmp(jwt.iss, rules->iss) == 0),
              TOKEN_CLAIM);
    VCH_CHECK(rules->aud == NULL || audience_fits(json_object_get(j, "aud"), rules->aud),
              TOKEN_CLAIM);
    VCH_TRY(times_check(j, rules, &jwt));
    VCH_TRY(binding_check(j, rules, &jwt));
    jwt.doc = j;
    j = NULL;
    *ret = jwt;
    return VCH_OK;
}

void vch_jwt_fini(struct vch_jwt *jwt)
{
    json_decref(jwt->doc);
    *jwt = (struct vch_jwt){0};
}

bool vch_jwt_has_scope(const struct vch_jwt *jwt, const char *name)
{
    const char *p = jwt->scope;
    size_t n = strlen(name);

    while (p != NULL && n > 0) {
        const char *end = strchrnul(p, ' ');

        if ((size_t)(end - p) == n && memcmp(p, name, n) == 0) {
            return true;
        }
        p = *end == 0 ? NULL : end + 1;
    }
    return false;
}
