/* vouch/ossl/x509.h - certificates: read, verify at a given time, make.
 * Layer 7, impure (heap, randomness for serial numbers; no files, no clock, no system store).
 * Objects are immutable once opened: sharing them between threads is safe. */
#ifndef VOUCH_OSSL_X509_H
#define VOUCH_OSSL_X509_H

#include <vouch/base/text.h>
#include <vouch/ossl/key.h>

enum vch_san_kind {
    VCH_SAN_DNS = 1,
    VCH_SAN_URI = 2,
    VCH_SAN_IP = 3,   /* text form, "127.0.0.1", "2001:db8::1" */
    VCH_SAN_EMAIL = 4 /* RFC 822 name */
};

/* A subject alternative name; the text has no control character. */
struct vch_san {
    enum vch_san_kind kind;
    struct vch_bytes text;
};

/* What a certificate is good for. */
enum vch_cert_use {
    VCH_CERT_SIGNING = 1, /* signs statements (AS, ledger, operator), not for TLS */
    VCH_CERT_SERVER = 2,  /* TLS server */
    VCH_CERT_CLIENT = 3,  /* TLS client */
    VCH_CERT_PEER = 4,    /* TLS server and client: services that talk both ways */
    VCH_CERT_CA = 5       /* issues certificates and revocation lists */
};

/* ---- reading */
struct vch_cert; /* a certificate; opaque, closed by vch_cert_close */

/* All views live until the certificate is closed. */
struct vch_cert_info {
    struct vch_bytes der;
    struct vch_bytes subject;     /* RFC 2253 text */
    struct vch_bytes issuer;      /* RFC 2253 text */
    struct vch_bytes common_name; /* of the subject, empty if it has none */
    struct vch_bytes serial;      /* big-endian */
    const struct vch_san *sans;
    size_t sans_n;
    struct vch_time not_before;
    struct vch_time not_after;
    struct vch_pubkey pub;  /* curve NONE for a key type that statements cannot use, e.g. RSA */
    struct vch_hash sha256; /* of the DER: x5t#S256, x5t */
    bool ca;
};

/* Reads exactly one certificate, DER or PEM. Errors: CERT_FORM. */
VCH_CHECKED vch_err vch_cert_open(struct vch_bytes text, struct vch_cert **ret);
void vch_cert_close(struct vch_cert *cert); /* NULL is accepted */
void vch_cert_autoclose(struct vch_cert **cert);
const struct vch_cert_info *vch_cert_info(const struct vch_cert *cert);
/* Does it have the name KIND TEXT, exactly (DNS without regard to case)? */
bool vch_cert_has_san(const struct vch_cert *cert, enum vch_san_kind kind, struct vch_bytes text);

/* ---- verifying */
/* Why a certificate is refused. */
enum vch_cert_fault {
    VCH_CERT_FAULT_NONE = 0,
    VCH_CERT_FAULT_EXPIRED = 1,   /* it, or one above it, at the time asked for */
    VCH_CERT_FAULT_NOT_YET = 2,   /* not yet valid at that time */
    VCH_CERT_FAULT_UNTRUSTED = 3, /* no chain to a configured anchor */
    VCH_CERT_FAULT_SIGNATURE = 4, /* a signature in the chain is wrong */
    VCH_CERT_FAULT_REVOKED = 5,   /* revoked at or before that time */
    VCH_CERT_FAULT_NO_CRL = 6,    /* a revocation list is required, and missing or too old */
    VCH_CERT_FAULT_USE = 7,       /* not for this use, or a CA that may not be one */
    VCH_CERT_FAULT_OTHER = 8
};
const char *vch_cert_fault_text(enum vch_cert_fault f); /* one static sentence */

struct vch_cert_trust; /* anchors and revocation lists; opaque, closed by vch_cert_trust_close */

/* ANCHORS: one certificate or more as PEM; each is trusted as it is, self-signed or not. CRLS: none
 * or more "X509 CRL" as PEM. With CRL_REQUIRED each issuer in a chain must have a list that is
 * current at the time asked for. The machine's own store is never used.
 * Errors: CERT_FORM; CRYPTO. */
VCH_CHECKED vch_err vch_cert_trust_open(struct vch_bytes anchors, struct vch_bytes crls,
                                        bool crl_required, struct vch_cert_trust **ret);
void vch_cert_trust_close(struct vch_cert_trust *t); /* NULL is accepted */
void vch_cert_trust_autoclose(struct vch_cert_trust **t);

/* Does CERT chain to an anchor at the time AT, for USE? The N certificates of CHAIN may help and
 * are not trusted. A revocation counts from its date (or the earlier invalidity date) on, so that
 * what was signed before stays good; a list made later than AT is accepted as knowing more.
 * Errors: CERT, with the reason in reterr_fault (may be NULL); CRYPTO. */
VCH_CHECKED vch_err vch_cert_verify(const struct vch_cert_trust *t, const struct vch_cert *cert,
                                    struct vch_cert *const *chain, size_t n, enum vch_cert_use use,
                                    struct vch_time at, enum vch_cert_fault *reterr_fault);

/* ---- making */
struct vch_cert_spec {
    const char *common_name;  /* 1 to 64 characters */
    const char *organisation; /* or NULL */
    const struct vch_san *sans;
    size_t sans_n;
    enum vch_cert_use use;
    struct vch_time not_before;
    struct vch_time not_after;
};

/* A self-signed certificate (a CA if spec says so), as DER appended to OUT.
 * Errors: USAGE (names, times); LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_cert_self_sign(const struct vch_ossl_key *key,
                                       const struct vch_cert_spec *spec, struct vch_buf *out);
/* A certificate for SUBJECT_KEY, issued by CA with its key. Errors: USAGE (also: CA is no CA, or
 * the key is not the CA's); KEY; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_cert_issue(const struct vch_ossl_key *ca_key, const struct vch_cert *ca,
                                   const struct vch_pubkey *subject_key,
                                   const struct vch_cert_spec *spec, struct vch_buf *out);

/* A revocation as it stands in a list. */
struct vch_cert_revocation {
    struct vch_bytes serial; /* big-endian */
    struct vch_time at;
};
/* A revocation list as DER appended to OUT. Errors: USAGE; LIMIT; CRYPTO. */
VCH_CHECKED vch_err vch_crl_make(const struct vch_ossl_key *ca_key, const struct vch_cert *ca,
                                 const struct vch_cert_revocation *list, size_t n, uint64_t number,
                                 struct vch_time this_update, struct vch_time next_update,
                                 struct vch_buf *out);

/* A certificate request (PKCS#10) as DER appended to OUT, signed by any signer: the key never
 * leaves its place. Only names and use are taken of SPEC.
 * Errors: USAGE; KEY; LIMIT; CRYPTO and those of the signer. */
VCH_CHECKED vch_err vch_csr_make(const struct vch_signer *signer, const struct vch_cert_spec *spec,
                                 struct vch_buf *out);
/* Checks the request's own signature and gives the key and the common name it asks for; whether the
 * name is due is for the CA to decide. COMMON_NAME is NUL-terminated.
 * Errors: CERT_FORM; SIGNATURE; KEY. */
VCH_CHECKED vch_err vch_csr_open(struct vch_bytes text, struct vch_pubkey *ret_key,
                                 char ret_common_name[65]);

#endif
