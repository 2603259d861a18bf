#include <vouch/crypto/port.h>

bool vch_pubkey_equal(const struct vch_pubkey *a, const struct vch_pubkey *b)
{
    return a->curve == b->curve && memcmp(a->x, b->x, 32) == 0 && memcmp(a->y, b->y, 32) == 0;
}

static const struct {
    enum vch_alg alg;
    enum vch_curve curve;
    const char *name;
} algs[] = {
    {VCH_ALG_ES256, VCH_CURVE_P256, "ES256"},
    {VCH_ALG_ESP256, VCH_CURVE_P256, "ESP256"},
    {VCH_ALG_EDDSA, VCH_CURVE_ED25519, "EdDSA"},
    {VCH_ALG_ED25519, VCH_CURVE_ED25519, "Ed25519"},
};

enum vch_curve vch_alg_curve(enum vch_alg alg)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(algs); i++) {
        if (algs[i].alg == alg) {
            return algs[i].curve;
        }
    }
    return VCH_CURVE_NONE;
}

enum vch_alg vch_alg_of(int64_t cose_id)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(algs); i++) {
        if ((int64_t)algs[i].alg == cose_id) {
            return algs[i].alg;
        }
    }
    return VCH_ALG_NONE;
}

const char *vch_alg_name(enum vch_alg alg)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(algs); i++) {
        if (algs[i].alg == alg) {
            return algs[i].name;
        }
    }
    return alg == VCH_ALG_SHA256 ? "SHA-256" : "unsupported";
}

const char *vch_custody_name(enum vch_custody c)
{
    switch (c) {
    case VCH_CUSTODY_FILE:
        return "file";
    case VCH_CUSTODY_PKCS11:
        return "PKCS#11";
    case VCH_CUSTODY_TPM:
        return "TPM";
    case VCH_CUSTODY_SIM:
        return "SIM";
    }
    return "unknown";
}

void vch_sha256_parts(const struct vch_crypto *cr, const struct vch_bytes *parts, size_t n,
                      struct vch_hash *ret)
{
    struct vch_sha256 ctx;

    cr->sha256_init(&ctx);
    for (size_t i = 0; i < n; i++) {
        cr->sha256_update(&ctx, parts[i]);
    }
    cr->sha256_final(&ctx, ret);
}

void vch_sha256_of(const struct vch_crypto *cr, struct vch_bytes b, struct vch_hash *ret)
{
    vch_sha256_parts(cr, &b, 1, ret);
}

void vch_hmac_sha256(const struct vch_crypto *cr, struct vch_bytes key,
                     const struct vch_bytes *parts, size_t n, struct vch_hash *ret)
{
    uint8_t pad[64] = {0};
    struct vch_sha256 ctx;
    struct vch_hash inner;

    if (key.n > sizeof(pad)) {
        vch_sha256_of(cr, key, &inner);
        memcpy(pad, inner.b, sizeof(inner.b));
    } else if (key.n != 0) {
        memcpy(pad, key.p, key.n);
    }
    for (size_t i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36;
    }
    cr->sha256_init(&ctx);
    cr->sha256_update(&ctx, VCH_BYTES_OF(pad));
    for (size_t i = 0; i < n; i++) {
        cr->sha256_update(&ctx, parts[i]);
    }
    cr->sha256_final(&ctx, &inner);
    for (size_t i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    cr->sha256_init(&ctx);
    cr->sha256_update(&ctx, VCH_BYTES_OF(pad));
    cr->sha256_update(&ctx, vch_hash_bytes(&inner));
    cr->sha256_final(&ctx, ret);
    vch_wipe(pad, sizeof(pad));
    vch_wipe(&inner, sizeof(inner));
    vch_wipe(&ctx, sizeof(ctx));
}

/* The order of P-256 and half of it, rounded down (SEC 2, 2.4.2). */
static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t half[32] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
                                 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

vch_err vch_es256_form_check(struct vch_bytes sig)
{
    static const uint8_t zero[32];

    VCH_CHECK(sig.n == VCH_SIG_LEN, SIGNATURE_FORM);
    VCH_CHECK(memcmp(sig.p, zero, 32) != 0 && memcmp(sig.p, order, 32) < 0, SIGNATURE_FORM);
    VCH_CHECK(memcmp(sig.p + 32, zero, 32) != 0 && memcmp(sig.p + 32, half, 32) <= 0,
              SIGNATURE_FORM);
    return VCH_OK;
}

void vch_es256_normalise(uint8_t sig[VCH_SIG_LEN])
{
    int borrow = 0;

    if (memcmp(sig + 32, half, 32) <= 0) {
        return;
    }
    for (size_t i = 32; i-- > 0;) {
        int d = order[i] - sig[32 + i] - borrow;

        borrow = d < 0;
        sig[32 + i] = (uint8_t)(d + (borrow ? 256 : 0));
    }
}
