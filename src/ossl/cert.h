/* What the certificate files of this module share. */
#ifndef VCH_OSSL_CERT_INT_H
#define VCH_OSSL_CERT_INT_H

#include <openssl/x509.h>

#include <vouch/ossl/x509.h>

struct vch_cert {
    X509 *x;
    struct vch_cert_info info;
    struct vch_buf text; /* everything that the views of INFO show, but the DER and the SANs */
    struct vch_buf der;
    struct vch_san *sans;
};

/* Milliseconds of an ASN.1 time. Errors: CERT_FORM. */
VCH_CHECKED vch_err vch_cert_time_of(const ASN1_TIME *t, struct vch_time *ret);
/* The DER of TEXT, either DER itself or exactly one PEM block labelled LABEL. Errors: CERT_FORM. */
VCH_CHECKED vch_err vch_cert_der_of(struct vch_bytes text, const char *label, struct vch_buf *out);
/* The common name of NAME as UTF-8 appended to OUT; nothing if it has none.
 * Errors: CERT_FORM (control characters, two of them). */
VCH_CHECKED vch_err vch_cert_common_name(const X509_NAME *name, struct vch_buf *out);

#endif
