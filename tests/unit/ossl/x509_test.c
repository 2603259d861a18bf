/* Certificates: made, read, verified at a given time; checked against the openssl command too. */
#include "vch_run.h"
#include "vch_test.h"
#include "vch_tmp.h"

#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

#define DAY_MS 86400000LL
#define T0_MS  1767225600000LL /* 2026-01-01T00:00:00Z */

/* A small world: a CA, another with the same name, and what the first has issued. */
static struct world {
    struct vch_ossl_key *ca_key, *other_key, *key;
    struct vch_cert *ca, *other, *leaf;
    struct vch_cert_trust *trust;
} w;

static struct vch_time day(int64_t n)
{
    return (struct vch_time){T0_MS + n * DAY_MS};
}

static struct vch_cert_spec spec_of(const char *cn, enum vch_cert_use use, int64_t from, int64_t to)
{
    return (struct vch_cert_spec){
        .common_name = cn, .use = use, .not_before = day(from), .not_after = day(to)};
}

static struct vch_cert *ca_make(const struct vch_ossl_key *key, const char *cn)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);
    struct vch_cert_spec s = spec_of(cn, VCH_CERT_CA, 0, 3650);
    struct vch_cert *c = NULL;

    assert_vch_ok(vch_cert_self_sign(key, &s, &der));
    assert_vch_ok(vch_cert_open(vch_buf_get(&der), &c));
    return c;
}

static struct vch_cert *issue(const struct vch_ossl_key *ca_key, const struct vch_cert *ca,
                              const struct vch_ossl_key *key, const struct vch_cert_spec *s)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);
    struct vch_cert *c = NULL;

    assert_vch_ok(vch_cert_issue(ca_key, ca, &vch_ossl_key_signer(key)->pub, s, &der));
    assert_vch_ok(vch_cert_open(vch_buf_get(&der), &c));
    return c;
}

static void pem_of(const struct vch_cert *c, struct vch_buf *out)
{
    assert_vch_ok(vch_ossl_pem_encode("CERTIFICATE", vch_cert_info(c)->der, out));
}

static struct vch_cert_trust *trust_of(const struct vch_cert *anchor, struct vch_bytes crls,
                                       bool crl_required)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(1 << 16);
    struct vch_cert_trust *t = NULL;

    pem_of(anchor, &pem);
    assert_vch_ok(vch_cert_trust_open(vch_buf_get(&pem), crls, crl_required, &t));
    return t;
}

static int setup(void **state)
{
    struct vch_cert_spec s = spec_of("as.example", VCH_CERT_SIGNING, 10, 375);

    if (t_tmp_setup(state) != 0) {
        return -1;
    }
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w.ca_key));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w.other_key));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w.key));
    w.ca = ca_make(w.ca_key, "Test CA");
    w.other = ca_make(w.other_key, "Test CA");
    w.leaf = issue(w.ca_key, w.ca, w.key, &s);
    w.trust = trust_of(w.ca, vch_text(""), false);
    return 0;
}

static int teardown(void **state)
{
    vch_cert_trust_close(w.trust);
    vch_cert_close(w.leaf);
    vch_cert_close(w.ca);
    vch_cert_close(w.other);
    vch_ossl_key_close(w.key);
    vch_ossl_key_close(w.ca_key);
    vch_ossl_key_close(w.other_key);
    return t_tmp_teardown(state);
}

static enum vch_cert_fault fault(const struct vch_cert_trust *t, const struct vch_cert *c,
                                 enum vch_cert_use use, struct vch_time at)
{
    enum vch_cert_fault f = VCH_CERT_FAULT_NONE;
    vch_err e = vch_cert_verify(t, c, NULL, 0, use, at, &f);

    if (f != VCH_CERT_FAULT_NONE) {
        assert_true(vch_err_is(e, VCH_E(CERT)));
        assert_non_null(vch_cert_fault_text(f));
    } else {
        assert_vch_ok(e);
    }
    return f;
}

static void test_info__is_what_was_asked_for(void **state)
{
    static const struct vch_san sans[] = {
        {VCH_SAN_DNS, {(const uint8_t *)"as.example", 10}},
        {VCH_SAN_URI, {(const uint8_t *)"https://as.example/divs", 23}},
        {VCH_SAN_IP, {(const uint8_t *)"127.0.0.1", 9}},
        {VCH_SAN_IP, {(const uint8_t *)"2001:db8::1", 11}},
        {VCH_SAN_EMAIL, {(const uint8_t *)"ops@as.example", 14}},
    };
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *c = NULL;
    struct vch_cert_spec s = spec_of("AS \xc3\xa9preuve, Inc", VCH_CERT_PEER, 1, 2);
    const struct vch_cert_info *i;
    struct vch_hash h;

    (void)state;
    s.organisation = "Operator \"One\"";
    s.sans = sans;
    s.sans_n = VCH_ARRAY_LEN(sans);
    c = issue(w.ca_key, w.ca, w.key, &s);
    i = vch_cert_info(c);
    assert_bytes_equal(i->common_name, vch_text("AS \xc3\xa9preuve, Inc"));
    assert_bytes_equal(i->subject, vch_text("CN=AS \xc3\xa9preuve\\, Inc,O=Operator \\\"One\\\""));
    assert_bytes_equal(i->issuer, vch_text("CN=Test CA"));
    assert_int_equal(i->serial.n, 16);
    assert_true(i->not_before.ms == day(1).ms && i->not_after.ms == day(2).ms);
    assert_true(vch_pubkey_equal(&i->pub, &vch_ossl_key_signer(w.key)->pub));
    assert_false(i->ca);
    assert_true(vch_cert_info(w.ca)->ca);
    vch_sha256_of(vch_ossl_crypto(), i->der, &h);
    assert_true(vch_hash_equal(&h, &i->sha256));
    assert_int_equal(i->sans_n, VCH_ARRAY_LEN(sans));
    for (size_t k = 0; k < i->sans_n; k++) {
        assert_int_equal(i->sans[k].kind, sans[k].kind);
        assert_bytes_equal(i->sans[k].text, sans[k].text);
    }
    assert_true(vch_cert_has_san(c, VCH_SAN_DNS, vch_text("AS.Example")));
    assert_false(vch_cert_has_san(c, VCH_SAN_DNS, vch_text("as.example.")));
    assert_false(vch_cert_has_san(c, VCH_SAN_URI, vch_text("as.example")));
    assert_true(vch_cert_has_san(c, VCH_SAN_URI, vch_text("https://as.example/divs")));
}

static void test_verify__holds_only_in_its_time(void **state)
{
    (void)state;
    assert_int_equal(fault(w.trust, w.leaf, VCH_CERT_SIGNING, day(11)), VCH_CERT_FAULT_NONE);
    assert_int_equal(fault(w.trust, w.leaf, VCH_CERT_SIGNING, day(9)), VCH_CERT_FAULT_NOT_YET);
    assert_int_equal(fault(w.trust, w.leaf, VCH_CERT_SIGNING, (struct vch_time){day(10).ms - 1}),
                     VCH_CERT_FAULT_NOT_YET);
    assert_int_equal(fault(w.trust, w.leaf, VCH_CERT_SIGNING, day(10)), VCH_CERT_FAULT_NONE);
    assert_int_equal(
        fault(w.trust, w.leaf, VCH_CERT_SIGNING, (struct vch_time){day(375).ms - 1000}),
        VCH_CERT_FAULT_NONE);
    assert_int_equal(
        fault(w.trust, w.leaf, VCH_CERT_SIGNING, (struct vch_time){day(375).ms + 1000}),
        VCH_CERT_FAULT_EXPIRED);
}

static void test_verify__refuses_other_anchors(void **state)
{
    VCH_AUTO(vch_cert_trust_autoclose)
    struct vch_cert_trust *other = trust_of(w.other, vch_text(""), false);
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *self = NULL;
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);
    struct vch_cert_spec s = spec_of("as.example", VCH_CERT_SIGNING, 10, 375);
    enum vch_cert_fault f = VCH_CERT_FAULT_NONE;

    (void)state;
    /* same name, another key */
    assert_int_not_equal(fault(other, w.leaf, VCH_CERT_SIGNING, day(11)), VCH_CERT_FAULT_NONE);
    assert_vch_ok(vch_cert_self_sign(w.key, &s, &der));
    assert_vch_ok(vch_cert_open(vch_buf_get(&der), &self));
    assert_int_equal(fault(w.trust, self, VCH_CERT_SIGNING, day(11)), VCH_CERT_FAULT_UNTRUSTED);
    /* the true issuer offered by the sender does not make it trusted */
    assert_vch_err(vch_cert_verify(other, w.leaf, &w.ca, 1, VCH_CERT_SIGNING, day(11), &f), CERT);
    assert_int_equal(f, VCH_CERT_FAULT_UNTRUSTED);
    /* the certificate itself as anchor */
    {
        VCH_AUTO(vch_cert_trust_autoclose)
        struct vch_cert_trust *pinned = trust_of(w.leaf, vch_text(""), false);

        assert_int_equal(fault(pinned, w.leaf, VCH_CERT_SIGNING, day(11)), VCH_CERT_FAULT_NONE);
        assert_int_not_equal(fault(pinned, self, VCH_CERT_SIGNING, day(11)), VCH_CERT_FAULT_NONE);
    }
}

static void test_verify__refuses_every_changed_byte(void **state)
{
    struct vch_bytes der = vch_cert_info(w.leaf)->der;
    VCH_AUTO(vch_buf_fini) struct vch_buf copy = vch_buf_init(1 << 16);
    size_t opened = 0, wrong_signature = 0;

    (void)state;
    for (size_t i = 0; i < der.n; i++) {
        VCH_AUTO(vch_cert_autoclose) struct vch_cert *c = NULL;
        enum vch_cert_fault f = VCH_CERT_FAULT_NONE;

        vch_buf_reset(&copy);
        assert_vch_ok(vch_buf_append(&copy, der));
        copy.p[i] ^= 0x01;
        if (!vch_ok(vch_cert_open(vch_buf_get(&copy), &c))) {
            continue;
        }
        opened++;
        assert_vch_err(vch_cert_verify(w.trust, c, NULL, 0, VCH_CERT_SIGNING, day(11), &f), CERT);
        wrong_signature += f == VCH_CERT_FAULT_SIGNATURE;
    }
    assert_true(opened > 100 && wrong_signature > 50);
}

static void test_verify__use_must_fit(void **state)
{
    static const enum vch_cert_use uses[] = {VCH_CERT_SIGNING, VCH_CERT_SERVER, VCH_CERT_CLIENT,
                                             VCH_CERT_PEER, VCH_CERT_CA};
    /* row: made for; column: asked for */
    static const bool fits[5][5] = {
        {1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 1, 1, 1, 0}, {0, 0, 0, 0, 1},
    };

    (void)state;
    for (size_t made = 0; made < 5; made++) {
        struct vch_cert_spec s = spec_of("x", uses[made], 1, 100);
        VCH_AUTO(vch_cert_autoclose) struct vch_cert *c = issue(w.ca_key, w.ca, w.key, &s);

        for (size_t asked = 0; asked < 5; asked++) {
            enum vch_cert_fault f = fault(w.trust, c, uses[asked], day(2));

            if (fits[made][asked]) {
                assert_int_equal(f, VCH_CERT_FAULT_NONE);
            } else {
                assert_int_equal(f, VCH_CERT_FAULT_USE);
            }
        }
    }
}

static void test_verify__chain_through_intermediate(void **state)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *mid_key = NULL;
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *mid = NULL;
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *leaf = NULL;
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *mid_trust = NULL;
    struct vch_cert_spec ms = spec_of("Mid CA", VCH_CERT_CA, 0, 1000);
    struct vch_cert_spec ls = spec_of("leaf", VCH_CERT_CLIENT, 0, 100);
    enum vch_cert_fault f = VCH_CERT_FAULT_NONE;
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_EDDSA, &mid_key));
    mid = issue(w.ca_key, w.ca, mid_key, &ms);
    leaf = issue(mid_key, mid, w.key, &ls);
    assert_vch_err(vch_cert_verify(w.trust, leaf, NULL, 0, VCH_CERT_CLIENT, day(1), &f), CERT);
    assert_int_equal(f, VCH_CERT_FAULT_UNTRUSTED);
    assert_vch_ok(vch_cert_verify(w.trust, leaf, &mid, 1, VCH_CERT_CLIENT, day(1), NULL));
    mid_trust = trust_of(mid, vch_text(""), false);
    assert_vch_ok(vch_cert_verify(mid_trust, leaf, NULL, 0, VCH_CERT_CLIENT, day(1), NULL));
    /* a leaf may not issue */
    assert_vch_err(vch_cert_issue(w.key, w.leaf, &vch_ossl_key_signer(w.key)->pub, &ls, &der),
                   USAGE);
    assert_vch_err(vch_cert_issue(w.other_key, w.ca, &vch_ossl_key_signer(w.key)->pub, &ls, &der),
                   USAGE);
}

static void crl_pem(const struct vch_ossl_key *key, const struct vch_cert *ca,
                    const struct vch_cert_revocation *list, size_t n, int64_t from, int64_t to,
                    struct vch_buf *out)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);

    assert_vch_ok(vch_crl_make(key, ca, list, n, 1, day(from), day(to), &der));
    assert_vch_ok(vch_ossl_pem_encode("X509 CRL", vch_buf_get(&der), out));
}

static void test_verify__revocation_counts_from_its_date(void **state)
{
    struct vch_cert_revocation rev = {vch_cert_info(w.leaf)->serial, day(50)};
    VCH_AUTO(vch_buf_fini) struct vch_buf crls = vch_buf_init(1 << 16);
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *t = NULL;
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *forged = NULL;

    (void)state;
    /* an older empty list and a newer one that knows of it: the newer must be seen */
    crl_pem(w.ca_key, w.ca, NULL, 0, 40, 70, &crls);
    crl_pem(w.ca_key, w.ca, &rev, 1, 60, 90, &crls);
    t = trust_of(w.ca, vch_buf_get(&crls), true);
    assert_int_equal(fault(t, w.leaf, VCH_CERT_SIGNING, day(49)), VCH_CERT_FAULT_NONE);
    assert_int_equal(fault(t, w.leaf, VCH_CERT_SIGNING, day(50)), VCH_CERT_FAULT_REVOKED);
    assert_int_equal(fault(t, w.leaf, VCH_CERT_SIGNING, day(65)), VCH_CERT_FAULT_REVOKED);
    assert_int_equal(fault(t, w.leaf, VCH_CERT_SIGNING, day(200)), VCH_CERT_FAULT_REVOKED);
    /* a list under the CA's name, signed by another key, is nothing */
    vch_buf_reset(&crls);
    crl_pem(w.other_key, w.other, &rev, 1, 40, 90, &crls);
    forged = trust_of(w.ca, vch_buf_get(&crls), false);
    assert_int_equal(fault(forged, w.leaf, VCH_CERT_SIGNING, day(60)), VCH_CERT_FAULT_NONE);
}

static void test_verify__required_list_must_be_current(void **state)
{
    struct vch_cert_revocation rev = {vch_text("\x01\x02"), day(20)};
    VCH_AUTO(vch_buf_fini) struct vch_buf crls = vch_buf_init(1 << 16);
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *none = NULL;
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *t = NULL;
    VCH_AUTO(vch_cert_trust_autoclose) struct vch_cert_trust *lax = NULL;

    (void)state;
    none = trust_of(w.ca, vch_text(""), true);
    assert_int_equal(fault(none, w.leaf, VCH_CERT_SIGNING, day(60)), VCH_CERT_FAULT_NO_CRL);
    crl_pem(w.ca_key, w.ca, &rev, 1, 40, 70, &crls);
    t = trust_of(w.ca, vch_buf_get(&crls), true);
    assert_int_equal(fault(t, w.leaf, VCH_CERT_SIGNING, day(60)), VCH_CERT_FAULT_NONE);
    assert_int_equal(fault(t, w.leaf, VCH_CERT_SIGNING, day(20)), VCH_CERT_FAULT_NONE);
    assert_int_equal(fault(t, w.leaf, VCH_CERT_SIGNING, day(71)), VCH_CERT_FAULT_NO_CRL);
    lax = trust_of(w.ca, vch_buf_get(&crls), false);
    assert_int_equal(fault(lax, w.leaf, VCH_CERT_SIGNING, day(71)), VCH_CERT_FAULT_NONE);
}

static void test_open__strict(void **state)
{
    struct vch_bytes der = vch_cert_info(w.leaf)->der;
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *c = NULL;
    struct vch_cert *none = NULL;
    struct vch_cert_trust *t = NULL;

    (void)state;
    for (size_t n = 0; n < der.n; n++) {
        struct vch_bytes cut = t_copy(vch_bytes(der.p, n));

        assert_vch_err(vch_cert_open(cut, &none), CERT_FORM);
        free((void *)(uintptr_t)cut.p);
    }
    assert_vch_ok(vch_buf_append(&b, der));
    assert_vch_ok(vch_buf_text(&b, "x"));
    assert_vch_err(vch_cert_open(vch_buf_get(&b), &none), CERT_FORM);
    vch_buf_reset(&b);
    pem_of(w.leaf, &b);
    assert_vch_ok(vch_cert_open(vch_buf_get(&b), &c));
    assert_bytes_equal(vch_cert_info(c)->der, der);
    pem_of(w.ca, &b); /* two: which is meant? */
    assert_vch_err(vch_cert_open(vch_buf_get(&b), &none), CERT_FORM);
    assert_vch_err(vch_cert_trust_open(vch_text(""), vch_text(""), false, &t), CERT_FORM);
    assert_vch_err(vch_cert_trust_open(vch_text("no PEM"), vch_text(""), false, &t), CERT_FORM);
    assert_vch_err(vch_cert_trust_open(vch_buf_get(&b), vch_buf_get(&b), false, &t), CERT_FORM);
    assert_null(none);
    assert_null(t);
}

static void test_make__refuses_bad_specifications(void **state)
{
    static const char *const names[] = {
        "", "line\nbreak", "\xff",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    static const struct vch_san sans[] = {
        {VCH_SAN_DNS, {(const uint8_t *)"", 0}},
        {VCH_SAN_DNS, {(const uint8_t *)"a b", 3}},
        {VCH_SAN_DNS, {(const uint8_t *)"a\0b", 3}},
    };
    struct vch_san bad_ip = {VCH_SAN_IP, vch_text("300.1.1.1")};
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);
    const struct vch_pubkey *pub = &vch_ossl_key_signer(w.key)->pub;
    struct vch_pubkey broken = *pub;
    struct vch_cert_spec s;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        s = spec_of(names[i], VCH_CERT_SERVER, 1, 2);
        assert_vch_err(vch_cert_issue(w.ca_key, w.ca, pub, &s, &der), USAGE);
        assert_vch_err(vch_csr_make(vch_ossl_key_signer(w.key), &s, &der), USAGE);
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(sans); i++) {
        s = spec_of("x", VCH_CERT_SERVER, 1, 2);
        s.sans = &sans[i];
        s.sans_n = 1;
        assert_vch_err(vch_cert_issue(w.ca_key, w.ca, pub, &s, &der), USAGE);
    }
    s.sans = &bad_ip;
    assert_false(vch_ok(vch_cert_issue(w.ca_key, w.ca, pub, &s, &der)));
    s = spec_of("x", VCH_CERT_SERVER, 2, 2);
    assert_vch_err(vch_cert_issue(w.ca_key, w.ca, pub, &s, &der), USAGE);
    s = spec_of("x", VCH_CERT_SERVER, 1, 5000); /* longer than the CA */
    assert_vch_err(vch_cert_issue(w.ca_key, w.ca, pub, &s, &der), USAGE);
    s = spec_of("x", VCH_CERT_SERVER, 1, 2);
    broken.y[31] ^= 1;
    assert_vch_err(vch_cert_issue(w.ca_key, w.ca, &broken, &s, &der), KEY);
    assert_int_equal(der.n, 0);
}

static void test_csr__proves_possession(void **state)
{
    static const enum vch_alg algs[] = {VCH_ALG_ES256, VCH_ALG_EDDSA};
    struct vch_san san = {VCH_SAN_DNS, vch_text("as.example")};

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(algs); i++) {
        VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
        VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 16);
        VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(1 << 16);
        struct vch_cert_spec s = spec_of("as.example", VCH_CERT_SIGNING, 0, 1);
        struct vch_pubkey pub;
        char cn[65];

        s.sans = &san;
        s.sans_n = 1;
        assert_vch_ok(vch_ossl_key_generate(algs[i], &key));
        assert_vch_ok(vch_csr_make(vch_ossl_key_signer(key), &s, &der));
        assert_vch_ok(vch_csr_open(vch_buf_get(&der), &pub, cn));
        assert_string_equal(cn, "as.example");
        assert_true(vch_pubkey_equal(&pub, &vch_ossl_key_signer(key)->pub));
        assert_vch_ok(vch_ossl_pem_encode("CERTIFICATE REQUEST", vch_buf_get(&der), &pem));
        assert_vch_ok(vch_csr_open(vch_buf_get(&pem), &pub, cn));
        assert_vch_ok(vch_file_write_atomic(t_tmp_path("r.pem"), vch_buf_get(&pem), 0));
        if (t_run("openssl version") == 0) {
            assert_int_equal(t_run("openssl req -in %s -verify -noout", t_tmp_path("r.pem")), 0);
        }
        der.p[der.n - 1] ^= 1;
        assert_vch_err(vch_csr_open(vch_buf_get(&der), &pub, cn), SIGNATURE);
        assert_vch_err(vch_csr_open(vch_bytes(der.p, der.n - 1), &pub, cn), CERT_FORM);
    }
}

static void test_openssl__agrees_on_our_certificates(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf ca = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf other = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf leaf = vch_buf_init(1 << 16);
    VCH_AUTO(vch_buf_fini) struct vch_buf all = vch_buf_init(1 << 16);
    struct vch_cert_revocation rev = {vch_cert_info(w.leaf)->serial, day(50)};

    (void)state;
    if (t_run("openssl version") != 0) {
        skip();
    }
    pem_of(w.ca, &ca);
    pem_of(w.other, &other);
    pem_of(w.leaf, &leaf);
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("ca.pem"), vch_buf_get(&ca), 0));
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("other.pem"), vch_buf_get(&other), 0));
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("leaf.pem"), vch_buf_get(&leaf), 0));
    assert_int_equal(
        t_run("openssl verify -x509_strict -no-CApath -no-CAstore -attime %lld -CAfile "
              "%s %s",
              (long long)day(11).ms / 1000, t_tmp_path("ca.pem"), t_tmp_path("leaf.pem")),
        0);
    assert_int_not_equal(t_run("openssl verify -no-CApath -no-CAstore -attime %lld -CAfile %s %s",
                               (long long)day(11).ms / 1000, t_tmp_path("other.pem"),
                               t_tmp_path("leaf.pem")),
                         0);
    assert_vch_ok(vch_buf_append(&all, vch_buf_get(&ca)));
    crl_pem(w.ca_key, w.ca, &rev, 1, 40, 70, &all);
    assert_vch_ok(vch_file_write_atomic(t_tmp_path("all.pem"), vch_buf_get(&all), 0));
    assert_int_not_equal(t_run("openssl verify -crl_check -no-CApath -no-CAstore -attime %lld "
                               "-CAfile %s %s",
                               (long long)day(60).ms / 1000, t_tmp_path("all.pem"),
                               t_tmp_path("leaf.pem")),
                         0);
}

static void test_openssl__its_certificates_are_read(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1 << 16);
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *ec = NULL;
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *rsa = NULL;

    (void)state;
    if (t_run("openssl version") != 0) {
        skip();
    }
    assert_int_equal(
        t_run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s -out "
            "%s -subj /O=Example/CN=host.example -addext subjectAltName=DNS:host.example "
            "-days 30",
            t_tmp_path("k.pem"), t_tmp_path("c.pem")),
        0);
    assert_vch_ok(vch_file_read(t_tmp_path("c.pem"), 0, &b));
    assert_vch_ok(vch_cert_open(vch_buf_get(&b), &ec));
    assert_bytes_equal(vch_cert_info(ec)->subject, vch_text("CN=host.example,O=Example"));
    assert_true(vch_cert_has_san(ec, VCH_SAN_DNS, vch_text("host.example")));
    assert_int_equal(vch_cert_info(ec)->pub.curve, VCH_CURVE_P256);
    assert_true(vch_cert_info(ec)->not_after.ms - vch_cert_info(ec)->not_before.ms == 30 * DAY_MS);
    vch_buf_reset(&b);
    assert_int_equal(t_run("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s -out %s -subj "
                           "/CN=rsa.example -days 30",
                           t_tmp_path("k.pem"), t_tmp_path("c.pem")),
                     0);
    assert_vch_ok(vch_file_read(t_tmp_path("c.pem"), 0, &b));
    assert_vch_ok(vch_cert_open(vch_buf_get(&b), &rsa));
    assert_int_equal(vch_cert_info(rsa)->pub.curve, VCH_CURVE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info__is_what_was_asked_for),
        cmocka_unit_test(test_verify__holds_only_in_its_time),
        cmocka_unit_test(test_verify__refuses_other_anchors),
        cmocka_unit_test(test_verify__refuses_every_changed_byte),
        cmocka_unit_test(test_verify__use_must_fit),
        cmocka_unit_test(test_verify__chain_through_intermediate),
        cmocka_unit_test(test_verify__revocation_counts_from_its_date),
        cmocka_unit_test(test_verify__required_list_must_be_current),
        cmocka_unit_test(test_open__strict),
        cmocka_unit_test(test_make__refuses_bad_specifications),
        cmocka_unit_test(test_csr__proves_possession),
        cmocka_unit_test(test_openssl__agrees_on_our_certificates),
        cmocka_unit_test(test_openssl__its_certificates_are_read),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
