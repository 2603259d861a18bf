/* Verifying certificates at a given time, with configured anchors only. */
#include "cert.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "key.h"

#define TRUST_MAX (16 * 1024 * 1024)

struct vch_cert_trust {
    X509_STORE *store;
    STACK_OF(X509_CRL) * crls;
    bool crl_required;
};

const char *vch_cert_fault_text(enum vch_cert_fault f)
{
    switch (f) {
    case VCH_CERT_FAULT_NONE:
        return "nothing is wrong";
    case VCH_CERT_FAULT_EXPIRED:
        return "the certificate, or one above it, had expired";
    case VCH_CERT_FAULT_NOT_YET:
        return "the certificate, or one above it, was not yet valid";
    case VCH_CERT_FAULT_UNTRUSTED:
        return "the certificate does not chain to a configured anchor";
    case VCH_CERT_FAULT_SIGNATURE:
        return "a signature in the certificate chain is wrong";
    case VCH_CERT_FAULT_REVOKED:
        return "the certificate, or one above it, was revoked";
    case VCH_CERT_FAULT_NO_CRL:
        return "no current revocation list of an issuer is at hand";
    case VCH_CERT_FAULT_USE:
        return "the certificate is not made for this use";
    case VCH_CERT_FAULT_OTHER:
        break;
    }
    return "the certificate is not acceptable";
}

/* ---- anchors and lists */
static vch_err anchor_add(struct vch_cert_trust *t, struct vch_bytes der)
{
    const unsigned char *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    bool ok = x != NULL && p == der.p + der.n && X509_STORE_add_cert(t->store, x) == 1;

    X509_free(x);
    return ok ? VCH_OK : vch_ossl_fail(VCH_E(CERT_FORM));
}

static vch_err crl_add(struct vch_cert_trust *t, struct vch_bytes der)
{
    const unsigned char *p = der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.n);

    if (crl == NULL || p != der.p + der.n || sk_X509_CRL_push(t->crls, crl) == 0) {
        X509_CRL_free(crl);
        return vch_ossl_fail(VCH_E(CERT_FORM));
    }
    return VCH_OK;
}

static vch_err each_block(struct vch_cert_trust *t, struct vch_bytes pem, const char *label,
                          vch_err (*add)(struct vch_cert_trust *t, struct vch_bytes der),
                          size_t *ret_n)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(TRUST_MAX);
    size_t n = 0;

    VCH_CHECK(pem.n <= TRUST_MAX, CERT_FORM);
    for (;;) {
        char got[VCH_OSSL_PEM_LABEL_MAX];
        vch_err e = vch_ossl_pem_next(&pem, got, &der);

        if (vch_err_is(e, VCH_E(NOT_FOUND))) {
            *ret_n = n;
            return VCH_OK;
        }
        VCH_CHECK(vch_ok(e) && strcmp(got, label) == 0, CERT_FORM);
        VCH_TRY(add(t, vch_buf_get(&der)));
        n++;
    }
}

vch_err vch_cert_trust_open(struct vch_bytes anchors, struct vch_bytes crls, bool crl_required,
                            struct vch_cert_trust **ret)
{
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *t = vch_mem_alloc(sizeof(*t));
    size_t n;

    t->store = X509_STORE_new(); /* empty: nobody's default anchors */
    t->crls = sk_X509_CRL_new_null();
    t->crl_required = crl_required;
    if (t->store == NULL || t->crls == NULL) {
        return vch_ossl_fail(VCH_E(CRYPTO));
    }
    VCH_TRY(each_block(t, anchors, "CERTIFICATE", anchor_add, &n));
    VCH_CHECK(n > 0, CERT_FORM);
    VCH_TRY(each_block(t, crls, "X509 CRL", crl_add, &n));
    ERR_clear_error();
    *ret = t;
    t = NULL;
    return VCH_OK;
}

void vch_cert_trust_close(struct vch_cert_trust *t)
{
    if (t != NULL) {
        X509_STORE_free(t->store);
        sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
        vch_mem_free(t);
    }
}

void vch_cert_trust_autoclose(struct vch_cert_trust **t)
{
    vch_cert_trust_close(*t);
    *t = NULL;
}

/* ---- revocation. The library's own check ignores when a certificate was revoked, and prefers an
 * old list to a newer one that knows more; so the lists are looked through here. */
static bool crl_usable(X509_CRL *crl, X509 *issuer)
{
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0 ||
        (X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0 ||
        X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1) {
        return false;
    }
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        /* Delta, indirect and partitioned lists: they do not speak for all certificates. */
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i))) {
            return false;
        }
    }
    return true;
}

/* Since when a revocation counts. */
static bool revoked_since(const X509_REVOKED *rev, struct vch_time *ret)
{
    ASN1_GENERALIZEDTIME *invalid = X509_REVOKED_get_ext_d2i(rev, NID_invalidity_date, NULL, NULL);
    struct vch_time date, earlier;
    bool ok = vch_ok(vch_cert_time_of(X509_REVOKED_get0_revocationDate(rev), &date));

    if (ok && invalid != NULL && vch_ok(vch_cert_time_of(invalid, &earlier)) &&
        earlier.ms < date.ms) {
        date = earlier;
    }
    ASN1_GENERALIZEDTIME_free(invalid);
    *ret = date;
    return ok;
}

/* Does the list hold still at AT, or was it made later? */
static bool crl_current(const X509_CRL *crl, struct vch_time at)
{
    struct vch_time next;

    return X509_CRL_get0_nextUpdate(crl) != NULL &&
           vch_ok(vch_cert_time_of(X509_CRL_get0_nextUpdate(crl), &next)) && at.ms <= next.ms;
}

static enum vch_cert_fault revocation(const struct vch_cert_trust *t, X509 *x, X509 *issuer,
                                      struct vch_time at)
{
    bool current = false;

    for (int i = 0; i < sk_X509_CRL_num(t->crls); i++) {
        X509_CRL *crl = sk_X509_CRL_value(t->crls, i);
        X509_REVOKED *rev = NULL;
        struct vch_time since;

        if (!crl_usable(crl, issuer)) {
            continue;
        }
        if (X509_CRL_get0_by_serial(crl, &rev, X509_get_serialNumber(x)) == 1 &&
            (!revoked_since(rev, &since) || since.ms <= at.ms)) {
            return VCH_CERT_FAULT_REVOKED;
        }
        current = current || crl_current(crl, at);
    }
    return t->crl_required && !current ? VCH_CERT_FAULT_NO_CRL : VCH_CERT_FAULT_NONE;
}

/* ---- the chain */
static enum vch_cert_fault fault_of(int err)
{
    switch (err) {
    case X509_V_OK:
        return VCH_CERT_FAULT_NONE;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return VCH_CERT_FAULT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return VCH_CERT_FAULT_NOT_YET;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_SUBJECT_ISSUER_MISMATCH:
    case X509_V_ERR_AKID_SKID_MISMATCH:
    case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
        return VCH_CERT_FAULT_UNTRUSTED;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
        return VCH_CERT_FAULT_SIGNATURE;
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
        return VCH_CERT_FAULT_USE;
    default:
        return VCH_CERT_FAULT_OTHER;
    }
}

/* Is X made for USE? */
static bool use_fits(X509 *x, enum vch_cert_use use)
{
    uint32_t eku = X509_get_extended_key_usage(x); /* all ones if the extension is absent */
    bool ca = (X509_get_extension_flags(x) & EXFLAG_CA) != 0;

    switch (use) {
    case VCH_CERT_SIGNING:
        /* The certificate of a TLS end must not pass for that of a signer of statements. */
        return !ca && (X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE) != 0 &&
               (eku == UINT32_MAX || (eku & (XKU_SSL_SERVER | XKU_SSL_CLIENT)) == 0);
    case VCH_CERT_SERVER:
        return X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0) == 1;
    case VCH_CERT_CLIENT:
        return X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0) == 1;
    case VCH_CERT_PEER:
        return X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0) == 1 &&
               X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0) == 1;
    case VCH_CERT_CA:
        return ca && (X509_get_key_usage(x) & KU_KEY_CERT_SIGN) != 0;
    }
    return false;
}

static enum vch_cert_fault chain_fault(const struct vch_cert_trust *t, X509_STORE_CTX *ctx,
                                       struct vch_time at)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    enum vch_cert_fault f = VCH_CERT_FAULT_NONE;

    /* The last one is an anchor, which its owner trusts as it is. */
    for (int i = 0; f == VCH_CERT_FAULT_NONE && i + 1 < sk_X509_num(chain); i++) {
        f = revocation(t, sk_X509_value(chain, i), sk_X509_value(chain, i + 1), at);
    }
    return f;
}

static bool ctx_setup(X509_STORE_CTX *ctx, const struct vch_cert_trust *t, X509 *x,
                      STACK_OF(X509) * helpers, struct vch_time at)
{
    X509_VERIFY_PARAM *param;
    /* Whole seconds, rounded down also before 1970, as certificates count them. */
    int64_t s = at.ms / 1000 - (at.ms % 1000 < 0 ? 1 : 0);

    if (X509_STORE_CTX_init(ctx, t->store, x, helpers) != 1) {
        return false;
    }
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)s);
    X509_VERIFY_PARAM_set_depth(param, 8);
    return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

vch_err vch_cert_verify(const struct vch_cert_trust *t, const struct vch_cert *cert,
                        struct vch_cert *const *chain, size_t n, enum vch_cert_use use,
                        struct vch_time at, enum vch_cert_fault *reterr_fault)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *helpers = sk_X509_new_null();
    enum vch_cert_fault f = VCH_CERT_FAULT_NONE;
    bool ok = ctx != NULL && helpers != NULL;

    for (size_t i = 0; ok && i < n; i++) {
        ok = sk_X509_push(helpers, chain[i]->x) > 0;
    }
    ok = ok && ctx_setup(ctx, t, cert->x, helpers, at);
    if (ok) {
        if (X509_verify_cert(ctx) != 1) {
            f = fault_of(X509_STORE_CTX_get_error(ctx));
            f = f == VCH_CERT_FAULT_NONE ? VCH_CERT_FAULT_OTHER : f;
        } else if (!use_fits(cert->x, use)) {
            f = VCH_CERT_FAULT_USE;
        } else {
            f = chain_fault(t, ctx, at);
        }
    }
    sk_X509_free(helpers);
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    VCH_CHECK(ok, CRYPTO);
    if (f != VCH_CERT_FAULT_NONE) {
        if (reterr_fault != NULL) {
            *reterr_fault = f;
        }
        return VCH_E(CERT);
    }
    return VCH_OK;
}
