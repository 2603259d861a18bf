/* Making certificates, requests and revocation lists. */
#include "cert.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "key.h"

#define NAME_MAX_CHARS 64
#define SANS_MAX       32

/* ---- what a specification may say */
static bool plain_text(const char *s)
{
    struct vch_bytes b = vch_text(s);
    size_t chars = 0;

    for (size_t i = 0; i < b.n; i++) {
        if (b.p[i] < 0x20 || b.p[i] == 0x7f) {
            return false;
        }
        chars += (b.p[i] & 0xc0) != 0x80;
    }
    return chars >= 1 && chars <= NAME_MAX_CHARS && vch_utf8_check(b);
}

static vch_err names_check(const struct vch_cert_spec *spec)
{
    VCH_CHECK(spec->common_name != NULL && plain_text(spec->common_name), USAGE);
    VCH_CHECK(spec->organisation == NULL || plain_text(spec->organisation), USAGE);
    VCH_CHECK(spec->sans_n <= SANS_MAX, USAGE);
    for (size_t i = 0; i < spec->sans_n; i++) {
        struct vch_bytes b = spec->sans[i].text;

        VCH_CHECK(b.n > 0 && b.n <= 1024, USAGE);
        for (size_t k = 0; k < b.n; k++) {
            VCH_CHECK(b.p[k] > 0x20 && b.p[k] < 0x7f, USAGE);
        }
    }
    return VCH_OK;
}

static bool name_fill(X509_NAME *name, const struct vch_cert_spec *spec)
{
    return (spec->organisation == NULL ||
            X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
                                       (const unsigned char *)spec->organisation, -1, -1,
                                       0) == 1) &&
           X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)spec->common_name, -1, -1, 0) == 1;
}

/* ---- alternative names */
static GENERAL_NAME *san_make(const struct vch_san *san)
{
    static const int kinds[] = {[VCH_SAN_DNS] = GEN_DNS,
                                [VCH_SAN_URI] = GEN_URI,
                                [VCH_SAN_IP] = GEN_IPADD,
                                [VCH_SAN_EMAIL] = GEN_EMAIL};
    GENERAL_NAME *g = GENERAL_NAME_new();
    VCH_AUTO(vch_mem_autofree) char *text = vch_mem_text(san->text);
    ASN1_STRING *s = NULL;

    if (san->kind == VCH_SAN_IP) {
        s = a2i_IPADDRESS(text);
    } else if (san->kind >= VCH_SAN_DNS && san->kind <= VCH_SAN_EMAIL) {
        s = ASN1_IA5STRING_new();
        if (s != NULL && ASN1_STRING_set(s, text, (int)san->text.n) != 1) {
            ASN1_STRING_free(s);
            s = NULL;
        }
    }
    if (g == NULL || s == NULL) {
        GENERAL_NAME_free(g);
        ASN1_STRING_free(s);
        return NULL;
    }
    GENERAL_NAME_set0_value(g, kinds[san->kind], s);
    return g;
}

/* NULL if there are none, or with *RET_OK false on failure. */
static X509_EXTENSION *sans_make(const struct vch_cert_spec *spec, bool *ret_ok)
{
    GENERAL_NAMES *names;
    X509_EXTENSION *ext = NULL;

    *ret_ok = true;
    if (spec->sans_n == 0) {
        return NULL;
    }
    names = GENERAL_NAMES_new();
    *ret_ok = names != NULL;
    for (size_t i = 0; *ret_ok && i < spec->sans_n; i++) {
        GENERAL_NAME *g = san_make(&spec->sans[i]);

        if (g == NULL || sk_GENERAL_NAME_push(names, g) == 0) {
            GENERAL_NAME_free(g);
            *ret_ok = false;
        }
    }
    if (*ret_ok) {
        ext = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
        *ret_ok = ext != NULL;
    }
    GENERAL_NAMES_free(names);
    return ext;
}

/* ---- certificates */

static bool ext_add(X509 *x, X509V3_CTX *ctx, int nid, const char *text)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, text);
    bool ok = ext != NULL && X509_add_ext(x, ext, -1) == 1;

    X509_EXTENSION_free(ext);
    return ok;
}

/* id-kp-documentSigning (RFC 9336) keeps TLS from accepting a signer of statements. */
static const char *eku_of(enum vch_cert_use use)
{
    switch (use) {
    case VCH_CERT_SIGNING:
        return "1.3.6.1.5.5.7.3.36";
    case VCH_CERT_SERVER:
        return "serverAuth";
    case VCH_CERT_CLIENT:
        return "clientAuth";
    case VCH_CERT_PEER:
        return "serverAuth,clientAuth";
    case VCH_CERT_CA:
        break;
    }
    return NULL;
}

static bool exts_add(X509 *x, X509 *issuer, const struct vch_cert_spec *spec)
{
    bool ca = spec->use == VCH_CERT_CA, ok;
    const char *eku = eku_of(spec->use);
    X509_EXTENSION *sans = sans_make(spec, &ok);
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    ok = ok &&
         ext_add(x, &ctx, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         ext_add(x, &ctx, NID_key_usage,
                 ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
         (eku == NULL || ext_add(x, &ctx, NID_ext_key_usage, eku)) &&
         ext_add(x, &ctx, NID_subject_key_identifier, "hash") &&
         /* A self-signed certificate gets its own identifier, just added. */
         ext_add(x, &ctx, NID_authority_key_identifier, "keyid:always") &&
         (sans == NULL || X509_add_ext(x, sans, -1) == 1);
    X509_EXTENSION_free(sans);
    return ok;
}

/* 16 random bytes, positive. */
static vch_err serial_set(ASN1_INTEGER *serial)
{
    uint8_t b[16];
    BIGNUM *bn;
    bool ok;

    VCH_TRY(vch_ossl_random(NULL, VCH_SPAN_OF(b)));
    b[0] = (uint8_t)((b[0] & 0x7f) | 0x40);
    bn = BN_bin2bn(b, sizeof(b), NULL);
    ok = bn != NULL && BN_to_ASN1_INTEGER(bn, serial) != NULL;
    BN_free(bn);
    return ok ? VCH_OK : VCH_E(CRYPTO);
}

static const EVP_MD *digest_of(const struct vch_ossl_key *key)
{
    return key->signer.pub.curve == VCH_CURVE_ED25519 ? NULL : EVP_sha256();
}

static bool time_set(ASN1_TIME *t, struct vch_time v)
{
    return ASN1_TIME_set(t, (time_t)(v.ms / 1000)) != NULL;
}

/* Everything but the issuer's name and the signature. */
static vch_err cert_fill(X509 *x, const struct vch_cert_spec *spec, const struct vch_pubkey *key)
{
    EVP_PKEY *pkey;
    bool ok;

    VCH_TRY(vch_ossl_pkey_of(key, &pkey));
    ok = X509_set_version(x, 2) == 1 && name_fill(X509_get_subject_name(x), spec) &&
         time_set(X509_getm_notBefore(x), spec->not_before) &&
         time_set(X509_getm_notAfter(x), spec->not_after) && X509_set_pubkey(x, pkey) == 1;
    EVP_PKEY_free(pkey);
    VCH_CHECK(ok, CRYPTO);
    return serial_set(X509_get_serialNumber(x));
}

static vch_err der_append(int n, unsigned char *der, struct vch_buf *out)
{
    vch_err e;

    VCH_CHECK(n > 0, CRYPTO);
    e = vch_buf_append(out, vch_bytes(der, (size_t)n));
    OPENSSL_free(der);
    return e;
}

/* ISSUER is NULL for a self-signed one. */
static vch_err cert_sign(const struct vch_ossl_key *key, X509 *issuer,
                         const struct vch_pubkey *subject_key, const struct vch_cert_spec *spec,
                         X509 *x, struct vch_buf *out)
{
    unsigned char *der = NULL;
    int n;

    VCH_TRY(names_check(spec));
    VCH_CHECK(spec->use >= VCH_CERT_SIGNING && spec->use <= VCH_CERT_CA, USAGE);
    VCH_CHECK(spec->not_before.ms / 1000 < spec->not_after.ms / 1000, USAGE);
    VCH_TRY(cert_fill(x, spec, subject_key));
    VCH_CHECK(X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x)) == 1 &&
                  exts_add(x, issuer != NULL ? issuer : x, spec) &&
                  X509_sign(x, key->pkey, digest_of(key)) > 0,
              CRYPTO);
    n = i2d_X509(x, &der);
    return der_append(n, der, out);
}

static void x509_free(X509 **x)
{
    X509_free(*x);
}

vch_err vch_cert_self_sign(const struct vch_ossl_key *key, const struct vch_cert_spec *spec,
                           struct vch_buf *out)
{
    VCH_AUTO(x509_free) X509 *x = X509_new();
    vch_err e;

    VCH_CHECK(x != NULL, CRYPTO);
    e = cert_sign(key, NULL, &key->signer.pub, spec, x, out);
    return vch_ok(e) ? e : vch_ossl_fail(e);
}

static vch_err ca_check(const struct vch_ossl_key *ca_key, const struct vch_cert *ca,
                        uint32_t usage)
{
    VCH_CHECK(ca->info.ca && (X509_get_key_usage(ca->x) & usage) != 0, USAGE);
    VCH_CHECK(vch_pubkey_equal(&ca->info.pub, &ca_key->signer.pub), USAGE);
    return VCH_OK;
}

vch_err vch_cert_issue(const struct vch_ossl_key *ca_key, const struct vch_cert *ca,
                       const struct vch_pubkey *subject_key, const struct vch_cert_spec *spec,
                       struct vch_buf *out)
{
    VCH_AUTO(x509_free) X509 *x = X509_new();
    vch_err e;

    VCH_CHECK(x != NULL, CRYPTO);
    VCH_TRY(ca_check(ca_key, ca, KU_KEY_CERT_SIGN));
    /* It could not be verified outside its CA's time. */
    VCH_CHECK(spec->not_before.ms >= ca->info.not_before.ms &&
                  spec->not_after.ms / 1000 <= ca->info.not_after.ms / 1000,
              USAGE);
    e = cert_sign(ca_key, ca->x, subject_key, spec, x, out);
    return vch_ok(e) ? e : vch_ossl_fail(e);
}

/* ---- revocation lists */
static bool crl_entry_add(X509_CRL *crl, const struct vch_cert_revocation *r)
{
    X509_REVOKED *rev = X509_REVOKED_new();
    ASN1_TIME *at = ASN1_TIME_new();
    BIGNUM *bn = BN_bin2bn(r->serial.p, (int)r->serial.n, NULL);
    ASN1_INTEGER *serial = bn == NULL ? NULL : BN_to_ASN1_INTEGER(bn, NULL);
    bool ok = rev != NULL && at != NULL && serial != NULL && time_set(at, r->at) &&
              X509_REVOKED_set_serialNumber(rev, serial) == 1 &&
              X509_REVOKED_set_revocationDate(rev, at) == 1 && X509_CRL_add0_revoked(crl, rev) == 1;

    if (!ok) {
        X509_REVOKED_free(rev);
    }
    ASN1_TIME_free(at);
    ASN1_INTEGER_free(serial);
    BN_free(bn);
    return ok;
}

static bool crl_exts_add(X509_CRL *crl, X509 *issuer, uint64_t number)
{
    ASN1_INTEGER *num = ASN1_INTEGER_new();
    X509_EXTENSION *aki;
    X509V3_CTX ctx;
    bool ok;

    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    aki = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    ok = num != NULL && ASN1_INTEGER_set_uint64(num, number) == 1 && aki != NULL &&
         X509_CRL_add_ext(crl, aki, -1) == 1 &&
         X509_CRL_add1_ext_i2d(crl, NID_crl_number, num, 0, 0) == 1;
    X509_EXTENSION_free(aki);
    ASN1_INTEGER_free(num);
    return ok;
}

static bool crl_fill(X509_CRL *crl, const struct vch_cert *ca, struct vch_time this_update,
                     struct vch_time next_update)
{
    ASN1_TIME *t = ASN1_TIME_new();
    bool ok = t != NULL && X509_CRL_set_version(crl, 1) == 1 &&
              X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x)) == 1 &&
              time_set(t, this_update) && X509_CRL_set1_lastUpdate(crl, t) == 1 &&
              time_set(t, next_update) && X509_CRL_set1_nextUpdate(crl, t) == 1;

    ASN1_TIME_free(t);
    return ok;
}

static void crl_free(X509_CRL **crl)
{
    X509_CRL_free(*crl);
}

vch_err vch_crl_make(const struct vch_ossl_key *ca_key, const struct vch_cert *ca,
                     const struct vch_cert_revocation *list, size_t n, uint64_t number,
                     struct vch_time this_update, struct vch_time next_update, struct vch_buf *out)
{
    VCH_AUTO(crl_free) X509_CRL *crl = X509_CRL_new();
    unsigned char *der = NULL;
    bool ok = crl != NULL;
    int len;

    VCH_TRY(ca_check(ca_key, ca, KU_CRL_SIGN));
    VCH_CHECK(this_update.ms < next_update.ms, USAGE);
    ok = ok && crl_fill(crl, ca, this_update, next_update);
    for (size_t i = 0; ok && i < n; i++) {
        VCH_CHECK(list[i].serial.n > 0 && list[i].serial.n <= 32, USAGE);
        ok = crl_entry_add(crl, &list[i]);
    }
    ok = ok && crl_exts_add(crl, ca->x, number) && X509_CRL_sort(crl) == 1 &&
         X509_CRL_sign(crl, ca_key->pkey, digest_of(ca_key)) > 0;
    if (!ok) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    len = i2d_X509_CRL(crl, &der);
    return der_append(len, der, out);
}

/* ---- requests */
static void req_free(X509_REQ **req)
{
    X509_REQ_free(*req);
}

static vch_err req_fill(X509_REQ *req, const struct vch_signer *signer,
                        const struct vch_cert_spec *spec)
{
    STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
    EVP_PKEY *pkey = NULL;
    X509_EXTENSION *sans;
    vch_err e = vch_ossl_pkey_of(&signer->pub, &pkey);
    bool ok;

    sans = sans_make(spec, &ok);
    ok = ok && vch_ok(e) && exts != NULL && X509_REQ_set_version(req, 0) == 1 &&
         name_fill(X509_REQ_get_subject_name(req), spec) && X509_REQ_set_pubkey(req, pkey) == 1 &&
         (sans == NULL ||
          (sk_X509_EXTENSION_push(exts, sans) > 0 && X509_REQ_add_extensions(req, exts) == 1));
    X509_EXTENSION_free(sans);
    sk_X509_EXTENSION_free(exts);
    EVP_PKEY_free(pkey);
    VCH_TRY(e);
    VCH_CHECK(ok, CRYPTO);
    return VCH_OK;
}

/* The raw signature in the form that PKCS#10 wants. */
static vch_err req_signature_set(X509_REQ *req, const struct vch_signer *signer,
                                 const uint8_t raw[VCH_SIG_LEN])
{
    bool p256 = signer->pub.curve == VCH_CURVE_P256;
    uint8_t room[VCH_OSSL_SIG_DER_MAX];
    struct vch_bytes sig = vch_bytes(raw, VCH_SIG_LEN);
    ASN1_BIT_STRING *bits;
    X509_ALGOR *algor;
    bool ok;

    if (p256) {
        VCH_TRY(vch_ossl_sig_der_encode(raw, VCH_SPAN_OF(room), &sig));
    }
    algor = X509_ALGOR_new();
    bits = ASN1_BIT_STRING_new();
    ok = algor != NULL && bits != NULL &&
         X509_ALGOR_set0(algor, OBJ_nid2obj(p256 ? NID_ecdsa_with_SHA256 : NID_ED25519),
                         V_ASN1_UNDEF, NULL) == 1 &&
         ASN1_STRING_set(bits, sig.p, (int)sig.n) == 1 &&
         X509_REQ_set1_signature_algo(req, algor) == 1;
    X509_ALGOR_free(algor);
    if (!ok) {
        ASN1_BIT_STRING_free(bits);
        return VCH_E(CRYPTO);
    }
    bits->flags &= ~(long)(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
    bits->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* whole bytes: no bit is unused */
    X509_REQ_set0_signature(req, bits);
    return VCH_OK;
}

vch_err vch_csr_make(const struct vch_signer *signer, const struct vch_cert_spec *spec,
                     struct vch_buf *out)
{
    VCH_AUTO(req_free) X509_REQ *req = X509_REQ_new();
    uint8_t raw[VCH_SIG_LEN];
    unsigned char *der = NULL;
    struct vch_bytes tbs;
    vch_err e;
    int n;

    VCH_CHECK(req != NULL, CRYPTO);
    VCH_TRY(names_check(spec));
    e = req_fill(req, signer, spec);
    if (!vch_ok(e)) {
        return vch_ossl_fail(e);
    }
    n = i2d_re_X509_REQ_tbs(req, &der);
    VCH_CHECK(n > 0, CRYPTO);
    tbs = vch_bytes(der, (size_t)n);
    e = signer->sign(signer, &tbs, 1, raw);
    OPENSSL_free(der);
    VCH_TRY(e);
    VCH_TRY(req_signature_set(req, signer, raw));
    der = NULL;
    n = i2d_X509_REQ(req, &der);
    return der_append(n, der, out);
}

static vch_err req_read(X509_REQ *req, struct vch_pubkey *ret_key, char ret_common_name[65])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf cn = vch_buf_init(64);
    EVP_PKEY *pkey = X509_REQ_get0_pubkey(req);
    struct vch_pubkey key;

    VCH_CHECK(pkey != NULL, KEY);
    VCH_TRY(vch_ossl_pkey_pub(pkey, &key));
    VCH_CHECK(X509_REQ_verify(req, pkey) == 1, SIGNATURE);
    VCH_CHECK(vch_ok(vch_cert_common_name(X509_REQ_get_subject_name(req), &cn)), CERT_FORM);
    if (cn.n > 0) {
        memcpy(ret_common_name, cn.p, cn.n);
    }
    ret_common_name[cn.n] = 0;
    *ret_key = key;
    return VCH_OK;
}

vch_err vch_csr_open(struct vch_bytes text, struct vch_pubkey *ret_key, char ret_common_name[65])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(64 * 1024);
    VCH_AUTO(req_free) X509_REQ *req = NULL;
    const unsigned char *p;
    vch_err e;

    VCH_TRY(vch_cert_der_of(text, "CERTIFICATE REQUEST", &der));
    p = der.p;
    req = d2i_X509_REQ(NULL, &p, (long)der.n);
    if (req == NULL || p != der.p + der.n) {
        return vch_ossl_fail(VCH_E(CERT_FORM));
    }
    e = req_read(req, ret_key, ret_common_name);
    return vch_ok(e) ? e : vch_ossl_fail(e);
}
