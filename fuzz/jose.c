/* JSON web keys and tokens. What verifies under the fixed key is what was signed with it; a key
 * that is read is a key, and reads the same after writing. */
#include <vouch/jose/jws.h>
#include <vouch/ossl/crypto.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char keys[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                           "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
                           "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"kid\":\"k1\"}]}";
/* The payload of corpus/jose/token. */
static const char payload[] =
    "{\"iss\":\"op1.example\",\"aud\":[\"as.example\",\"x\"],\"exp\":1767225900,\"iat\":1767225600,"
    "\"jti\":\"j1\",\"scope\":\"divs:read divs:subscribe\"}";

static void token(const struct vch_crypto *cr, struct vch_bytes in)
{
    VCH_AUTO(vch_jwks_fini) struct vch_jwks set = {0};
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(VCH_JWS_MAX);

    VCH_ASSERT(vch_ok(vch_jwks_decode(cr, vch_text(keys), &set)));
    if (vch_ok(vch_jws_verify(cr, &set, NULL, in, &out, NULL))) {
        VCH_ASSERT(vch_bytes_equal(vch_buf_get(&out), vch_text(payload)));
    }
}

static void jwk(const struct vch_crypto *cr, struct vch_bytes in)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(VCH_JWK_TEXT_MAX);
    struct vch_jwk a, b;

    if (vch_ok(vch_jwk_decode(cr, in, &a))) {
        VCH_ASSERT(vch_ok(cr->pubkey_check(&a.pub)));
        VCH_ASSERT(vch_ok(vch_jwk_encode(&a, &out)));
        VCH_ASSERT(vch_ok(vch_jwk_decode(cr, vch_buf_get(&out), &b)));
        VCH_ASSERT(vch_pubkey_equal(&a.pub, &b.pub) && strcmp(a.kid, b.kid) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_bytes in = vch_bytes(data, size);
    VCH_AUTO(vch_jwks_fini) struct vch_jwks set = {0};
    VCH_AUTO(vch_jwt_fini) struct vch_jwt jwt = {0};
    struct vch_hash cert = {{0}};
    struct vch_jwt_rules rules = {
        .now = {1767225700000}, .aud = "as.example", .lifetime_max_s = 300, .cert = &cert};

    token(cr, in);
    jwk(cr, in);
    vch_ignore(vch_jwks_decode(cr, in, &set));
    if (vch_ok(vch_jwt_check(in, &rules, &jwt))) {
        VCH_ASSERT(jwt.exp_s - jwt.iat_s <= 300);
    }
    return 0;
}
