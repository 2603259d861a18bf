/* Reading certificates. */
#include "cert.h"

#include <arpa/inet.h>
#include <strings.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "key.h"
#include "pem.h"

#define CERT_MAX (64 * 1024)
#define SANS_MAX 256

vch_err vch_cert_time_of(const ASN1_TIME *t, struct vch_time *ret)
{
    struct tm tm;

    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1) {
        return vch_ossl_fail(VCH_E(CERT_FORM));
    }
    ret->ms = (int64_t)timegm(&tm) * 1000;
    return VCH_OK;
}

vch_err vch_cert_der_of(struct vch_bytes text, const char *label, struct vch_buf *out)
{
    char got[VCH_OSSL_PEM_LABEL_MAX];
    vch_err e;

    VCH_CHECK(text.n > 0 && text.n <= CERT_MAX, CERT_FORM);
    if (text.p[0] == 0x30) {
        vch_buf_reset(out);
        return vch_buf_append(out, text);
    }
    VCH_CHECK(vch_ok(vch_ossl_pem_next(&text, got, out)) && strcmp(got, label) == 0, CERT_FORM);
    {
        VCH_AUTO(vch_buf_fini) struct vch_buf more = vch_buf_init(CERT_MAX);

        e = vch_ossl_pem_next(&text, got, &more);
    }
    VCH_CHECK(vch_err_is(e, VCH_E(NOT_FOUND)), CERT_FORM);
    return VCH_OK;
}

/* Names are shown to people and compared as text: nothing in them may deceive. */
static bool clean(struct vch_bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 0x20 || text.p[i] == 0x7f) {
            return false;
        }
    }
    return vch_utf8_check(text);
}

vch_err vch_cert_common_name(const X509_NAME *name, struct vch_buf *out)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    vch_err e;
    int n;

    if (at < 0) {
        return VCH_OK;
    }
    VCH_CHECK(X509_NAME_get_index_by_NID(name, NID_commonName, at) < 0, CERT_FORM);
    n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (n < 0) {
        return vch_ossl_fail(VCH_E(CERT_FORM));
    }
    e = clean(vch_bytes(utf8, (size_t)n)) ? vch_buf_append(out, vch_bytes(utf8, (size_t)n))
                                          : VCH_E(CERT_FORM);
    OPENSSL_free(utf8);
    return e;
}

static vch_err name_text(const X509_NAME *name, struct vch_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    char *p = NULL;
    vch_err e;
    long n;

    if (bio == NULL || X509_NAME_print_ex(bio, name, 0, flags) < 0) {
        BIO_free(bio);
        return vch_ossl_fail(VCH_E(CERT_FORM));
    }
    n = BIO_get_mem_data(bio, &p);
    e = n <= 0                           ? VCH_OK
        : clean(vch_bytes(p, (size_t)n)) ? vch_buf_append(out, vch_bytes(p, (size_t)n))
                                         : VCH_E(CERT_FORM);
    BIO_free(bio);
    return e;
}

/* ---- alternative names: each appended to the texts, its length noted; the views are made when the
 * buffer no longer moves */
struct san_at {
    enum vch_san_kind kind;
    size_t from, n;
};

static vch_err san_read(const GENERAL_NAME *g, struct vch_buf *out, enum vch_san_kind *ret_kind)
{
    char text[INET6_ADDRSTRLEN];
    const ASN1_STRING *s;
    struct vch_bytes b;

    switch (g->type) {
    case GEN_DNS:
        *ret_kind = VCH_SAN_DNS;
        break;
    case GEN_URI:
        *ret_kind = VCH_SAN_URI;
        break;
    case GEN_EMAIL:
        *ret_kind = VCH_SAN_EMAIL;
        break;
    case GEN_IPADD:
        *ret_kind = VCH_SAN_IP;
        s = g->d.iPAddress;
        VCH_CHECK(ASN1_STRING_length(s) == 4 || ASN1_STRING_length(s) == 16, CERT_FORM);
        VCH_CHECK(inet_ntop(ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6,
                            ASN1_STRING_get0_data(s), text, sizeof(text)) != NULL,
                  CERT_FORM);
        return vch_buf_text(out, text);
    default:
        return VCH_E(NOT_FOUND); /* a kind that nothing here uses */
    }
    s = g->d.ia5;
    b = vch_bytes(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    for (size_t i = 0; i < b.n; i++) {
        VCH_CHECK(b.p[i] > 0x20 && b.p[i] < 0x7f, CERT_FORM);
    }
    return vch_buf_append(out, b);
}

static vch_err sans_fill(struct vch_cert *c, const GENERAL_NAMES *names, struct san_at *at,
                         size_t *ret_n)
{
    size_t n = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        size_t from = c->text.n;
        vch_err e = san_read(sk_GENERAL_NAME_value(names, i), &c->text, &at[n].kind);

        if (vch_err_is(e, VCH_E(NOT_FOUND))) {
            continue;
        }
        VCH_TRY(e);
        at[n].from = from;
        at[n].n = c->text.n - from;
        n++;
    }
    *ret_n = n;
    return VCH_OK;
}

static vch_err sans_read(struct vch_cert *c, struct san_at *at, size_t *ret_n)
{
    int crit = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x, NID_subject_alt_name, &crit, NULL);
    vch_err e;

    if (names == NULL) {
        *ret_n = 0;
        return crit == -1 ? VCH_OK : vch_ossl_fail(VCH_E(CERT_FORM));
    }
    e = sk_GENERAL_NAME_num(names) > SANS_MAX ? VCH_E(CERT_FORM) : sans_fill(c, names, at, ret_n);
    GENERAL_NAMES_free(names);
    return e;
}

static vch_err serial_read(struct vch_cert *c)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(c->x);

    /* A negative serial number is against RFC 5280 and would compare like its positive. */
    VCH_CHECK(ASN1_STRING_type(serial) != V_ASN1_NEG_INTEGER, CERT_FORM);
    return vch_buf_append(
        &c->text, vch_bytes(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

/* Collects all texts, then points the views at them. */
static vch_err texts_read(struct vch_cert *c)
{
    struct vch_cert_info *i = &c->info;
    struct san_at at[SANS_MAX];
    size_t mark[5] = {0};

    VCH_TRY(name_text(X509_get_subject_name(c->x), &c->text));
    mark[1] = c->text.n;
    VCH_TRY(name_text(X509_get_issuer_name(c->x), &c->text));
    mark[2] = c->text.n;
    VCH_TRY(vch_cert_common_name(X509_get_subject_name(c->x), &c->text));
    mark[3] = c->text.n;
    VCH_TRY(serial_read(c));
    mark[4] = c->text.n;
    VCH_TRY(sans_read(c, at, &i->sans_n));
    i->subject = vch_bytes(c->text.p, mark[1]);
    i->issuer = vch_bytes(c->text.p + mark[1], mark[2] - mark[1]);
    i->common_name = vch_bytes(c->text.p + mark[2], mark[3] - mark[2]);
    i->serial = vch_bytes(c->text.p + mark[3], mark[4] - mark[3]);
    c->sans = vch_mem_alloc(i->sans_n * sizeof(*c->sans));
    for (size_t k = 0; k < i->sans_n; k++) {
        c->sans[k].kind = at[k].kind;
        c->sans[k].text = vch_bytes(c->text.p + at[k].from, at[k].n);
    }
    i->sans = c->sans;
    return VCH_OK;
}

static vch_err cert_fill(struct vch_cert *c)
{
    struct vch_cert_info *i = &c->info;
    EVP_PKEY *pkey;

    /* Reads the extensions once, before the object is shared. */
    (void)X509_check_purpose(c->x, -1, 0);
    VCH_CHECK((X509_get_extension_flags(c->x) & EXFLAG_INVALID) == 0, CERT_FORM);
    VCH_TRY(vch_cert_time_of(X509_get0_notBefore(c->x), &i->not_before));
    VCH_TRY(vch_cert_time_of(X509_get0_notAfter(c->x), &i->not_after));
    i->ca = (X509_get_extension_flags(c->x) & EXFLAG_CA) != 0;
    i->der = vch_buf_get(&c->der);
    vch_sha256_of(vch_ossl_crypto(), i->der, &i->sha256);
    VCH_TRY(texts_read(c));
    pkey = X509_get0_pubkey(c->x);
    if (pkey == NULL || !vch_ok(vch_ossl_pkey_pub(pkey, &i->pub))) {
        ERR_clear_error();
        i->pub = (struct vch_pubkey){.curve = VCH_CURVE_NONE};
    }
    return VCH_OK;
}

vch_err vch_cert_open(struct vch_bytes text, struct vch_cert **ret)
{
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *c = vch_mem_alloc(sizeof(*c));
    const unsigned char *p;

    c->text = vch_buf_init(8 * CERT_MAX);
    c->der = vch_buf_init(CERT_MAX);
    VCH_TRY(vch_cert_der_of(text, "CERTIFICATE", &c->der));
    p = c->der.p;
    c->x = d2i_X509(NULL, &p, (long)c->der.n);
    if (c->x == NULL || p != c->der.p + c->der.n) {
        return vch_ossl_fail(VCH_E(CERT_FORM));
    }
    VCH_TRY(cert_fill(c));
    ERR_clear_error();
    *ret = c;
    c = NULL;
    return VCH_OK;
}

void vch_cert_close(struct vch_cert *cert)
{
    if (cert != NULL) {
        X509_free(cert->x);
        vch_buf_fini(&cert->text);
        vch_buf_fini(&cert->der);
        vch_mem_free(cert->sans);
        vch_mem_free(cert);
    }
}

void vch_cert_autoclose(struct vch_cert **cert)
{
    vch_cert_close(*cert);
    *cert = NULL;
}

const struct vch_cert_info *vch_cert_info(const struct vch_cert *cert)
{
    return &cert->info;
}

bool vch_cert_has_san(const struct vch_cert *cert, enum vch_san_kind kind, struct vch_bytes text)
{
    for (size_t i = 0; i < cert->info.sans_n; i++) {
        const struct vch_san *s = &cert->info.sans[i];

        if (s->kind != kind || s->text.n != text.n) {
            continue;
        }
        if (kind == VCH_SAN_DNS
                ? strncasecmp((const char *)s->text.p, (const char *)text.p, text.n) == 0
                : vch_bytes_equal(s->text, text)) {
            return true;
        }
    }
    return false;
}
