/* Credentials of the server and certificates of its clients. */
#include "internal.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <time.h>

#include <vouch/file/file.h>

#define PEM_MAX  (1024 * 1024)
#define SANS_MAX 32

static vch_err read_pem(const char *path, unsigned flags, char **ret)
{
    struct vch_buf b = vch_buf_init(PEM_MAX);
    vch_err e = vch_file_read(path, flags, &b);

    if (vch_ok(e)) {
        *ret = vch_mem_text(vch_buf_get(&b));
    } else if (!vch_err_is(e, VCH_E(FILE_MODE))) {
        e = VCH_E(HTTP_CREDENTIALS);
    }
    if (b.n > 0) {
        vch_wipe(b.p, b.n);
    }
    vch_buf_fini(&b);
    return e;
}

static gnutls_datum_t datum(const char *text)
{
    union {
        const char *c;
        unsigned char *u;
    } p = {text};

    return (gnutls_datum_t){p.u, (unsigned)strlen(text)};
}

/* Do key and certificate fit, and are there CA certificates? The library tells only by failing to
 * start, or not at all. */
static vch_err check(const struct listener *l)
{
    gnutls_certificate_credentials_t cred;
    gnutls_datum_t key = datum(l->key), cert = datum(l->cert);
    bool ok;

    VCH_CHECK(gnutls_certificate_allocate_credentials(&cred) == 0, MEMORY);
    ok = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM) >= 0;
    if (ok && l->ca != NULL) {
        gnutls_datum_t ca = datum(l->ca);

        ok = gnutls_certificate_set_x509_trust_mem(cred, &ca, GNUTLS_X509_FMT_PEM) > 0;
    }
    gnutls_certificate_free_credentials(cred);
    return ok ? VCH_OK : VCH_E(HTTP_CREDENTIALS);
}

vch_err vch_http_credentials_read(const struct vch_http_server *s, struct listener *l)
{
    VCH_TRY(read_pem(s->key_file, VCH_FILE_SECRET, &l->key));
    VCH_TRY(read_pem(s->cert_file, 0, &l->cert));
    if (s->ca_file != NULL) {
        VCH_TRY(read_pem(s->ca_file, 0, &l->ca));
    }
    return check(l);
}

/* Appends a text with its NUL and returns its offset; texts with control characters or an inner NUL
 * count as absent: nobody shall be taken for the first half of his name. */
static size_t put(struct vch_buf *b, const char *text, size_t n)
{
    size_t at = b->n;

    for (size_t i = 0; i < n; i++) {
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f) {
            n = 0;
        }
    }
    vch_ignore(vch_buf_append(b, vch_bytes(text, n)));
    if (!vch_ok(vch_buf_append(b, vch_bytes("", 1)))) {
        return 0; /* the empty text at the start */
    }
    return at;
}

static void ip_text(const unsigned char *ip, size_t n, char out[40])
{
    size_t at = 0;

    out[0] = 0;
    if (n == 4) {
        (void)snprintf(out, 40, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    }
    for (size_t i = 0; n == 16 && i < 16; i += 2) {
        at += (size_t)snprintf(out + at, 40 - at, "%s%x", i == 0 ? "" : ":",
                               (unsigned)ip[i] << 8 | ip[i + 1]);
    }
}

static size_t read_sans(gnutls_x509_crt_t crt, struct vch_buf *texts,
                        struct vch_http_san sans[SANS_MAX], size_t offsets[SANS_MAX])
{
    size_t count = 0;

    for (unsigned i = 0; count < SANS_MAX; i++) {
        char value[1024], ip[40];
        size_t n = sizeof(value);
        unsigned type = 0;
        int rc = gnutls_x509_crt_get_subject_alt_name2(crt, i, value, &n, &type, NULL);

        if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER) {
            continue;
        }
        if (rc < 0) {
            break;
        }
        switch (type) {
        case GNUTLS_SAN_DNSNAME:
            sans[count].kind = VCH_HTTP_SAN_DNS;
            break;
        case GNUTLS_SAN_URI:
            sans[count].kind = VCH_HTTP_SAN_URI;
            break;
        case GNUTLS_SAN_RFC822NAME:
            sans[count].kind = VCH_HTTP_SAN_EMAIL;
            break;
        case GNUTLS_SAN_IPADDRESS:
            sans[count].kind = VCH_HTTP_SAN_IP;
            ip_text((const unsigned char *)value, n, ip);
            memcpy(value, ip, sizeof(ip));
            n = strlen(ip);
            break;
        default:
            continue;
        }
        offsets[count++] = put(texts, value, n);
    }
    return count;
}

/* Takes what handlers want to know out of the certificate. */
static vch_err describe(struct vch_http_cert *c, char **ret_texts, const gnutls_datum_t *der)
{
    struct vch_buf texts = vch_buf_init(256 * 1024);
    struct vch_http_san sans[SANS_MAX] = {0}, *list;
    size_t offsets[SANS_MAX] = {0};
    char name[1024];
    size_t n = sizeof(name), cn_at = 0, subject_at = 0;
    gnutls_x509_crt_t crt;

    VCH_CHECK(gnutls_x509_crt_init(&crt) == 0, MEMORY);
    if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) < 0 ||
        gnutls_hash_fast(GNUTLS_DIG_SHA256, der->data, der->size, c->sha256.b) < 0) {
        gnutls_x509_crt_deinit(crt);
        return VCH_E(HTTP_CLIENT_CERT);
    }
    (void)put(&texts, "", 0);
    if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &n) >= 0) {
        cn_at = put(&texts, name, n);
    }
    n = sizeof(name);
    if (gnutls_x509_crt_get_dn(crt, name, &n) >= 0) {
        subject_at = put(&texts, name, strnlen(name, n));
    }
    c->san_count = read_sans(crt, &texts, sans, offsets);
    c->not_after_s = (int64_t)gnutls_x509_crt_get_expiration_time(crt);
    gnutls_x509_crt_deinit(crt);

    /* one block: alternative names, texts, DER */
    *ret_texts = vch_mem_alloc(sizeof(sans) + texts.n + der->size);
    list = (struct vch_http_san *)(void *)*ret_texts;
    memcpy(*ret_texts + sizeof(sans), texts.p, texts.n);
    memcpy(*ret_texts + sizeof(sans) + texts.n, der->data, der->size);
    for (size_t i = 0; i < c->san_count; i++) {
        list[i].kind = sans[i].kind;
        list[i].text = *ret_texts + sizeof(sans) + offsets[i];
    }
    c->san = list;
    c->cn = *ret_texts + sizeof(sans) + cn_at;
    c->subject = *ret_texts + sizeof(sans) + subject_at;
    c->der = vch_bytes(*ret_texts + sizeof(sans) + texts.n, der->size);
    vch_buf_fini(&texts);
    return VCH_OK;
}

/* Once per connection: the library asks for a certificate and otherwise leaves it to us. */
static vch_err judge(struct conn *c, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    union {
        const char *c;
        unsigned char *u;
    } purpose = {GNUTLS_KP_TLS_WWW_CLIENT};
    gnutls_typed_vdata_st wanted = {GNUTLS_DT_KEY_PURPOSE_OID, purpose.u, 0};
    const gnutls_datum_t *chain;
    gnutls_session_t session;
    unsigned n = 0, status = 0;

    VCH_CHECK(info != NULL && info->tls_session != NULL, HTTP_CLIENT_CERT);
    session = (gnutls_session_t)info->tls_session;
    chain = gnutls_certificate_get_peers(session, &n);
    if (chain == NULL || n == 0) {
        return VCH_OK;
    }
    c->cert_given = true;
    VCH_CHECK(gnutls_certificate_verify_peers(session, &wanted, 1, &status) == 0 && status == 0,
              HTTP_CLIENT_CERT);
    return describe(&c->cert, &c->cert_texts, &chain[0]);
}

void vch_http_cert_check(struct conn *c, struct MHD_Connection *mhd)
{
    if (!c->cert_checked) {
        c->cert_checked = true;
        c->cert_err = judge(c, mhd);
    }
    /* A connection may outlive its certificate. */
    if (c->cert_given && vch_ok(c->cert_err) && c->cert.not_after_s < (int64_t)time(NULL)) {
        c->cert_err = VCH_E(HTTP_CLIENT_CERT);
    }
}

void vch_http_cert_fini(struct conn *c)
{
    vch_mem_free(c->cert_texts);
}
