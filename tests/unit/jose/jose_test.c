/* Tokens and keys in JSON: known answers of others, and what must be refused. */
#include "vch_test.h"

#include <vouch/jose/jws.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

/* The key and the token of RFC 7515 A.3. */
#define JWK_TEXT                                                                                   \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"use\":\"sig\",\"alg\":\"ES256\","     \
    "\"kid\":\"k1\"}"
#define JWK_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
#define A3_INPUT                                                                                   \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"        \
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define A3_SIG                                                                                     \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
/* Made with the same key by PyJWT 2.6; its S is high, which JOSE allows. */
#define PYJWT                                                                                      \
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiYXQrand0In0."                                     \
    "eyJpc3MiOiJvcDEuZXhhbXBsZSIsImF1ZCI6WyJhcy5leGFtcGxlIiwieCJdLCJleHAiOjE3NjcyMjU5MDAsImlhdCI6" \
    "MTc2NzIyNTYwMCwianRpIjoiajEiLCJzY29wZSI6ImRpdnM6cmVhZCBkaXZzOnN1YnNjcmliZSJ9."                \
    "yEbI-xd1Y9Pkk2sry8bWW5X_Htf991wIcRXx7Ceno4zV43VGd5T38zRsSb4qu-UDW9WOScJaHQjxW26r1mHsMA"

static const struct vch_crypto *cr;
static struct vch_jwks set;
static struct vch_ossl_key *key;

static int setup(void **state)
{
    uint8_t d[32];
    struct vch_bytes b;

    (void)state;
    cr = vch_ossl_crypto();
    assert_vch_ok(vch_jwks_decode(cr, vch_text("{\"keys\":[" JWK_TEXT "]}"), &set));
    assert_int_equal(set.n, 1);
    assert_vch_ok(vch_b64_decode(VCH_B64_URL, vch_text(JWK_D), VCH_SPAN_OF(d), &b));
    assert_vch_ok(vch_ossl_key_import(VCH_ALG_ES256, b, &key));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vch_ossl_key_close(key);
    vch_jwks_fini(&set);
    vch_jwks_fini(&set);
    return 0;
}

/* ---- keys */
static void test_jwk__round_trip(void **state)
{
    static const enum vch_alg algs[] = {VCH_ALG_ES256, VCH_ALG_EDDSA};
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    struct vch_jwk jwk = {0}, again;

    (void)state;
    assert_vch_ok(vch_jwk_decode(cr, vch_text(JWK_TEXT), &again));
    assert_true(vch_pubkey_equal(&again.pub, &vch_ossl_key_signer(key)->pub));
    assert_string_equal(again.kid, "k1");
    assert_vch_ok(vch_jwk_encode(&again, &b));
    assert_bytes_equal(vch_buf_get(&b), vch_text(JWK_TEXT));
    for (size_t i = 0; i < VCH_ARRAY_LEN(algs); i++) {
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *k = NULL;

        assert_vch_ok(vch_ossl_key_generate(algs[i], &k));
        jwk.pub = vch_ossl_key_signer(k)->pub;
        snprintf(jwk.kid, sizeof(jwk.kid), "%s", i == 0 ? "" : "a \"quoted\" kid");
        vch_buf_reset(&b);
        assert_vch_ok(vch_jwk_encode(&jwk, &b));
        assert_vch_ok(vch_jwk_decode(cr, vch_buf_get(&b), &again));
        assert_true(vch_pubkey_equal(&jwk.pub, &again.pub));
        assert_string_equal(jwk.kid, again.kid);
    }
    snprintf(jwk.kid, sizeof(jwk.kid), "\xff");
    assert_vch_err(vch_jwk_encode(&jwk, &b), JWK);
    jwk.pub.curve = VCH_CURVE_NONE;
    assert_vch_err(vch_jwk_encode(&jwk, &b), KEY);
}

static void assert_thumbprint(const char *jwk_text, const char *want)
{
    char text[VCH_B64_ROOM(VCH_HASH_LEN)];
    struct vch_hash h;
    struct vch_jwk jwk;

    assert_vch_ok(vch_jwk_decode(cr, vch_text(jwk_text), &jwk));
    assert_vch_ok(vch_jwk_thumbprint(cr, &jwk.pub, &h));
    assert_string_equal(vch_b64_encode(VCH_B64_URL, vch_hash_bytes(&h), VCH_SPAN_OF(text)), want);
}

/* RFC 8037 A.3; RFC 9449 4.3 and 6.1. */
static void test_jwk__thumbprints_of_others(void **state)
{
    (void)state;
    assert_thumbprint("{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                      "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                      "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_thumbprint("{\"kty\":\"EC\",\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\","
                      "\"y\":\"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\",\"crv\":\"P-256\"}",
                      "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#define XY                                                                                         \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_"                             \
    "FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""

static void test_jwk__refusals(void **state)
{
    static const struct {
        const char *text;
        vch_err want;
    } cases[] = {
        {"", {VCH_E_JSON_SYNTAX_CODE}},
        {"[]", {VCH_E_JSON_SYNTAX_CODE}},
        {"{\"kty\":\"EC\",\"kty\":\"EC\",\"crv\":\"P-256\"," XY "}", {VCH_E_JSON_SYNTAX_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," XY "} x", {VCH_E_JSON_SYNTAX_CODE}},
        {"{" XY "}", {VCH_E_JWK_CODE}},
        {"{\"kty\":7,\"crv\":\"P-256\"," XY "}", {VCH_E_JWK_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\"," XY "}", {VCH_E_ALG_CODE}},
        {"{\"kty\":\"OKP\",\"crv\":\"P-256\"," XY "}", {VCH_E_ALG_CODE}},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", {VCH_E_ALG_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," XY ",\"alg\":\"ES384\"}", {VCH_E_ALG_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," XY ",\"use\":\"enc\"}", {VCH_E_JWK_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," XY ",\"key_ops\":[\"sign\"]}", {VCH_E_JWK_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," XY ",\"d\":\"" JWK_D "\"}", {VCH_E_JWK_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," XY ",\"kid\":1}", {VCH_E_JWK_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
         {VCH_E_JWK_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", {VCH_E_JWK_CODE}},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"x\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
         {VCH_E_KEY_CODE}},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
         "\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         {VCH_E_KEY_CODE}},
    };
    struct vch_jwk jwk;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        vch_err e = vch_jwk_decode(cr, vch_text(cases[i].text), &jwk);

        if (!vch_err_is(e, cases[i].want)) {
            fail_msg("%s: %s instead of %s", cases[i].text, vch_err_info(e)->slug,
                     vch_err_info(cases[i].want)->slug);
        }
    }
}

static void test_jwks__leaves_out_what_is_not_ours(void **state)
{
    struct vch_jwks s = {0};

    (void)state;
    assert_vch_ok(vch_jwks_decode(
        cr,
        vch_text("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\"},{\"kty\":\"EC\",\"crv\":\"P-256\","
                 "\"use\":\"enc\"," XY "}," JWK_TEXT ",{\"kty\":\"EC\",\"crv\":\"P-256\"," XY
                 "}]}"),
        &s));
    assert_int_equal(s.n, 2);
    assert_ptr_equal(vch_jwks_find(&s, vch_text("k1")), &s.keys[0]);
    assert_null(vch_jwks_find(&s, vch_text("r")));
    assert_null(vch_jwks_find(&s, vch_text("")));
    assert_null(vch_jwks_find(&s, vch_text("k")));
    vch_jwks_fini(&s);
    assert_vch_err(vch_jwks_decode(cr, vch_text("{\"keys\":[" JWK_TEXT "," JWK_TEXT "]}"), &s),
                   JWK);
    assert_vch_err(vch_jwks_decode(cr, vch_text("{\"keys\":{}}"), &s), JWK);
    assert_vch_err(vch_jwks_decode(cr, vch_text("{\"keys\":[7]}"), &s), JWK);
    assert_vch_err(
        vch_jwks_decode(
            cr, vch_text("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}]}"), &s),
        JWK);
    assert_vch_ok(vch_jwks_decode(cr, vch_text("{\"keys\":[]}"), &s));
    assert_int_equal(s.n, 0);
    vch_jwks_fini(&s);
}

static void test_jwks__round_trip(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    struct vch_jwks s = {0};

    (void)state;
    assert_vch_ok(vch_jwks_encode(set.keys, set.n, &b));
    assert_bytes_equal(vch_buf_get(&b), vch_text("{\"keys\":[" JWK_TEXT "]}"));
    assert_vch_ok(vch_jwks_decode(cr, vch_buf_get(&b), &s));
    assert_int_equal(s.n, 1);
    vch_jwks_fini(&s);
}

/* ---- signatures */
static void test_jws__signature_of_rfc7515(void **state)
{
    uint8_t room[VCH_SIG_LEN];
    struct vch_bytes sig, input = vch_text(A3_INPUT);

    (void)state;
    assert_vch_ok(vch_b64_decode(VCH_B64_URL, vch_text(A3_SIG), VCH_SPAN_OF(room), &sig));
    assert_vch_ok(cr->verify(VCH_ALG_ES256, &set.keys[0].pub, &input, 1, sig));
}

static void test_jws__token_of_pyjwt(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    struct vch_jwt_rules rules = {
        .iss = "op1.example", .aud = "as.example", .now = {1767225700000}, .lifetime_max_s = 300};
    const struct vch_jwk *by;
    VCH_AUTO(vch_jwt_fini) struct vch_jwt jwt = {0};

    (void)state;
    assert_vch_ok(vch_jws_verify(cr, &set, "at+jwt", vch_text(PYJWT), &b, &by));
    assert_ptr_equal(by, &set.keys[0]);
    assert_vch_ok(vch_jwt_check(vch_buf_get(&b), &rules, &jwt));
    assert_string_equal(jwt.jti, "j1");
    assert_null(jwt.sub);
    assert_int_equal(jwt.exp_s, 1767225900);
    assert_true(vch_jwt_has_scope(&jwt, "divs:read"));
    assert_true(vch_jwt_has_scope(&jwt, "divs:subscribe"));
    assert_false(vch_jwt_has_scope(&jwt, "divs"));
    assert_false(vch_jwt_has_scope(&jwt, ""));
    assert_vch_err(vch_jws_verify(cr, &set, "logout+jwt", vch_text(PYJWT), &b, NULL), JWS);
}

static void test_jws__round_trip_and_every_changed_byte(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1 << 16);

    (void)state;
    assert_vch_ok(vch_jws_sign(vch_ossl_key_signer(key), "k1", "JWT", vch_text("{\"a\":1}"), &b));
    assert_vch_ok(vch_jws_verify(cr, &set, "jwt", vch_buf_get(&b), &out, NULL));
    assert_bytes_equal(vch_buf_get(&out), vch_text("{\"a\":1}"));
    vch_buf_reset(&out);
    for (size_t i = 0; i < b.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b.p[i] ^= (uint8_t)(1u << bit);
            assert_false(vch_ok(vch_jws_verify(cr, &set, NULL, vch_buf_get(&b), &out, NULL)));
            b.p[i] ^= (uint8_t)(1u << bit);
        }
    }
    for (size_t n = 0; n < b.n; n++) {
        struct vch_bytes cut = t_copy(vch_bytes(b.p, n));

        assert_false(vch_ok(vch_jws_verify(cr, &set, NULL, cut, &out, NULL)));
        free((void *)(uintptr_t)cut.p);
    }
    assert_int_equal(out.n, 0);
}

/* A token with HEAD, properly signed by the key. */
static vch_err verify_head(const char *head)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1 << 16);
    const struct vch_signer *s = vch_ossl_key_signer(key);
    char text[1024];
    uint8_t sig[VCH_SIG_LEN];
    struct vch_bytes input;

    vch_b64_encode(VCH_B64_URL, vch_text(head), VCH_SPAN_OF(text));
    assert_vch_ok(vch_buf_printf(&b, "%s.e30", text));
    input = vch_buf_get(&b);
    assert_vch_ok(s->sign(s, &input, 1, sig));
    vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(sig), VCH_SPAN_OF(text));
    assert_vch_ok(vch_buf_printf(&b, ".%s", text));
    return vch_jws_verify(cr, &set, NULL, vch_buf_get(&b), &out, NULL);
}

static void test_jws__header_refusals(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1 << 16);

    (void)state;
    assert_vch_ok(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\"}"));
    assert_vch_ok(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\",\"x-unknown\":1}"));
    assert_vch_err(verify_head("{\"alg\":\"none\",\"kid\":\"k1\"}"), ALG);
    assert_vch_err(verify_head("{\"alg\":\"HS256\",\"kid\":\"k1\"}"), ALG);
    assert_vch_err(verify_head("{\"alg\":\"es256\",\"kid\":\"k1\"}"), ALG);
    assert_vch_err(verify_head("{\"alg\":7,\"kid\":\"k1\"}"), JWS);
    assert_vch_err(verify_head("{\"kid\":\"k1\"}"), JWS);
    assert_vch_err(verify_head("{\"alg\":\"ES256\"}"), JWS_KEY);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"\"}"), JWS_KEY);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"k2\"}"), JWS_KEY);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":[\"k1\"]}"), JWS_KEY);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\",\"kid\":\"k1\"}"), JWS);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[\"x\"]}"), JWS);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\",\"b64\":false}"), JWS);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\",\"jwk\":" JWK_TEXT "}"), JWS);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\",\"jku\":\"https://x\"}"), JWS);
    assert_vch_err(verify_head("{\"alg\":\"ES256\",\"kid\":\"k1\",\"x5c\":[]}"), JWS);
    assert_vch_err(verify_head("[]"), JWS);
    assert_vch_err(vch_jws_verify(cr, &set, NULL, vch_text(A3_INPUT "." A3_SIG), &out, NULL),
                   JWS_KEY);
    assert_vch_err(vch_jws_verify(cr, &set, NULL, vch_text(""), &out, NULL), JWS);
    assert_vch_err(vch_jws_verify(cr, &set, NULL, vch_text(".."), &out, NULL), JWS);
    assert_vch_err(vch_jws_verify(cr, &set, NULL, vch_text(PYJWT "."), &out, NULL), JWS);
    assert_vch_err(vch_jws_verify(cr, &set, NULL, vch_text(PYJWT "="), &out, NULL), JWS);
    assert_vch_err(vch_jws_verify(cr, &set, NULL, vch_text(" " PYJWT), &out, NULL), JWS);
}

static void test_jws__other_keys_do_not_sign(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1 << 16);
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *other = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *ed = NULL;
    struct vch_jwk ed_jwk = {.kid = "k1"};
    struct vch_jwks ed_set = {&ed_jwk, 1};

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &other));
    assert_vch_ok(vch_jws_sign(vch_ossl_key_signer(other), "k1", NULL, vch_text("{}"), &b));
    assert_vch_err(vch_jws_verify(cr, &set, NULL, vch_buf_get(&b), &out, NULL), SIGNATURE);
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_EDDSA, &ed));
    assert_vch_err(vch_jws_sign(vch_ossl_key_signer(ed), "k1", NULL, vch_text("{}"), &b), ALG);
    assert_vch_err(vch_jws_sign(vch_ossl_key_signer(key), "", NULL, vch_text("{}"), &b), JWS);
    assert_vch_err(vch_jws_sign(vch_ossl_key_signer(key), "\xff", NULL, vch_text("{}"), &b), JWS);
    ed_jwk.pub = vch_ossl_key_signer(ed)->pub;
    assert_vch_err(vch_jws_verify(cr, &ed_set, NULL, vch_text(PYJWT), &out, NULL), ALG);
    assert_int_equal(out.n, 0);
}

/* ---- claims */
static vch_err check(const char *payload, const struct vch_jwt_rules *rules)
{
    VCH_AUTO(vch_jwt_fini) struct vch_jwt jwt = {0};

    return vch_jwt_check(vch_text(payload), rules, &jwt);
}

static void test_jwt__times(void **state)
{
    struct vch_jwt_rules r = {.now = {1000000}, .leeway_s = 10};

    (void)state;
    assert_vch_ok(check("{\"exp\":1001}", &r));
    assert_vch_ok(check("{\"exp\":991}", &r));
    assert_vch_err(check("{\"exp\":990}", &r), TOKEN_EXPIRED);
    assert_vch_err(check("{\"exp\":1}", &r), TOKEN_EXPIRED);
    assert_vch_ok(check("{\"exp\":1001.5}", &r));
    assert_vch_err(check("{}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":\"1001\"}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":-1}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1e300}", &r), TOKEN_CLAIM);
    assert_vch_ok(check("{\"exp\":1100,\"nbf\":1010}", &r));
    assert_vch_err(check("{\"exp\":1100,\"nbf\":1011}", &r), TOKEN_EXPIRED);
    assert_vch_ok(check("{\"exp\":1100,\"iat\":1010}", &r));
    assert_vch_err(check("{\"exp\":1100,\"iat\":1011}", &r), TOKEN_CLAIM);
    r.lifetime_max_s = 300;
    assert_vch_ok(check("{\"exp\":1300,\"iat\":1000}", &r));
    assert_vch_err(check("{\"exp\":1301,\"iat\":1000}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1100}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1100", &r), JSON_SYNTAX);
}

static void test_jwt__issuer_and_audience(void **state)
{
    struct vch_jwt_rules r = {.now = {1000000}, .iss = "a", .aud = "b"};

    (void)state;
    assert_vch_ok(check("{\"exp\":1001,\"iss\":\"a\",\"aud\":\"b\"}", &r));
    assert_vch_ok(check("{\"exp\":1001,\"iss\":\"a\",\"aud\":[\"c\",\"b\"]}", &r));
    assert_vch_err(check("{\"exp\":1001,\"iss\":\"a\",\"aud\":[\"c\",7]}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1001,\"iss\":\"a\",\"aud\":\"bb\"}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1001,\"iss\":\"a\",\"aud\":{\"b\":\"b\"}}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1001,\"iss\":\"a\"}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1001,\"iss\":\"A\",\"aud\":\"b\"}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1001,\"iss\":[\"a\"],\"aud\":\"b\"}", &r), TOKEN_CLAIM);
    assert_vch_err(check("{\"exp\":1001,\"aud\":\"b\"}", &r), TOKEN_CLAIM);
}

static void test_jwt__is_bound_to_its_certificate(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    struct vch_hash mine = {{1}}, other = {{2}};
    struct vch_jwt_claims claims = {.iss = "a",
                                    .sub = "c",
                                    .aud = "b",
                                    .jti = "j",
                                    .client_id = "c",
                                    .scope = "x y",
                                    .iat_s = 1000,
                                    .nbf_s = 1000,
                                    .exp_s = 1300,
                                    .cert = &mine};
    struct vch_jwt_rules r = {
        .now = {1000000}, .iss = "a", .aud = "b", .lifetime_max_s = 300, .cert = &mine};
    VCH_AUTO(vch_jwt_fini) struct vch_jwt jwt = {0};

    (void)state;
    assert_vch_ok(vch_jwt_encode(&claims, &b));
    assert_vch_ok(vch_jwt_check(vch_buf_get(&b), &r, &jwt));
    assert_true(jwt.bound);
    assert_string_equal(jwt.iss, "a");
    assert_string_equal(jwt.sub, "c");
    assert_string_equal(jwt.client_id, "c");
    assert_string_equal(jwt.scope, "x y");
    assert_int_equal(jwt.iat_s, 1000);
    vch_jwt_fini(&jwt);
    r.cert = &other;
    assert_vch_err(vch_jwt_check(vch_buf_get(&b), &r, &jwt), TOKEN_BINDING);
    r.cert = NULL; /* a stolen token over a connection without certificate */
    assert_vch_err(vch_jwt_check(vch_buf_get(&b), &r, &jwt), TOKEN_BINDING);
    r.cert = &mine;
    vch_buf_reset(&b);
    claims.cert = NULL;
    assert_vch_ok(vch_jwt_encode(&claims, &b));
    assert_vch_ok(vch_jwt_check(vch_buf_get(&b), &r, &jwt));
    assert_false(jwt.bound);
    vch_jwt_fini(&jwt);
    r.cert_required = true;
    assert_vch_err(vch_jwt_check(vch_buf_get(&b), &r, &jwt), TOKEN_BINDING);
    r = (struct vch_jwt_rules){.now = {1000000}, .cert = &mine};
    assert_vch_err(check("{\"exp\":1300,\"cnf\":{\"jkt\":\"x\"}}", &r), TOKEN_BINDING);
    assert_vch_err(check("{\"exp\":1300,\"cnf\":{\"x5t#S256\":\"AQ\"}}", &r), TOKEN_BINDING);
    assert_vch_err(check("{\"exp\":1300,\"cnf\":\"x\"}", &r), TOKEN_BINDING);
    claims.iss = "\xff";
    assert_vch_err(vch_jwt_encode(&claims, &b), TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jwk__round_trip),
        cmocka_unit_test(test_jwk__thumbprints_of_others),
        cmocka_unit_test(test_jwk__refusals),
        cmocka_unit_test(test_jwks__leaves_out_what_is_not_ours),
        cmocka_unit_test(test_jwks__round_trip),
        cmocka_unit_test(test_jws__signature_of_rfc7515),
        cmocka_unit_test(test_jws__token_of_pyjwt),
        cmocka_unit_test(test_jws__round_trip_and_every_changed_byte),
        cmocka_unit_test(test_jws__header_refusals),
        cmocka_unit_test(test_jws__other_keys_do_not_sign),
        cmocka_unit_test(test_jwt__times),
        cmocka_unit_test(test_jwt__issuer_and_audience),
        cmocka_unit_test(test_jwt__is_bound_to_its_certificate),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
