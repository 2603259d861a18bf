/* The verifier against every kind of tampering: each gets its own verdict and its own code.
 *
 * req-test: Y.2247-6.1-1, Y.2247-6.2-2, Y.2247-7.1-2, Y.2247-7.2.2-19, Y.2247-7.2.3-5
 *
 * req-test: Y.2247-7.2.3-7, Y.2247-7.2.3-8, Y.2247-7.2.3-9, Y.2247-8.3-1, Y.2247-10.1-3
 */
#include "vch_tamper.h"

#include <unistd.h>

#include <vouch/ossl/x509.h>
#include <vouch/verifier/verifier.h>

#include "vch_trust.h"

static struct t_case c;

static struct vch_verifier *verify(struct vch_trust_file *trust, unsigned threads)
{
    struct vch_verifier_options o = {.cr = c.w.cr,
                                     .trust = vch_trust_file_get(trust),
                                     .judge = {c.at_ms, 300000, c.accept_claimed},
                                     .threads = threads};
    struct vch_verifier *v;

    vch_verifier_open(&o, &v);
    assert_vch_ok(vch_verifier_add_bytes(v, "bundle", vch_buf_get(&c.out)));
    vch_verifier_run(v);
    return v;
}

static void test_verifier__each_tampering_has_its_verdict_and_code(void **state)
{
    size_t wrong = 0;

    (void)state;
    const struct t_tamper *t;

    for (size_t i = 0; (t = t_tamper_at(i)) != NULL; i++) {
        struct vch_trust_file *trust;
        struct vch_verifier *v;
        struct vch_verifier_summary s;

        t_case_open(&c, t);
        trust = t_trust_open(&c.w);
        v = verify(trust, 1 + (unsigned)(i % 3));
        s = vch_verifier_summary(v);
        if (s.verdict != t->verdict || s.why.code != t->code) {
            fail_msg("%s: %s, %s", t->name, vch_verdict_name(s.verdict), vch_err_info(s.why)->slug);
        }
        vch_verifier_close(v);
        vch_trust_file_close(trust);
        t_case_close(&c);
    }
    assert_int_equal(wrong, 0);
}

static const struct t_tamper *tamper_named(const char *name)
{
    const struct t_tamper *t;

    for (size_t i = 0; (t = t_tamper_at(i)) != NULL; i++) {
        if (strcmp(t->name, name) == 0) {
            return t;
        }
    }
    fail_msg("no tampering is called %s", name);
    return NULL;
}

/* Opens NAME, verifies it, gives the report of item IDX. */
static struct vch_verifier *look_at(const char *name, size_t idx, struct vch_trust_file **ret_trust,
                                    struct vch_verifier_item *ret)
{
    struct vch_verifier *v;

    t_case_open(&c, tamper_named(name));
    *ret_trust = t_trust_open(&c.w);
    v = verify(*ret_trust, 2);
    assert_true(vch_verifier_item(v, idx, ret));
    return v;
}

static void done(struct vch_verifier *v, struct vch_trust_file *trust)
{
    vch_verifier_close(v);
    vch_trust_file_close(trust);
    t_case_close(&c);
}

/* The record is judged before the item's signature is looked at. */
static void test_verifier__nothing_is_taken_from_a_bad_record(void **state)
{
    static const char *const names[] = {
        "as-unknown",  "certificate-rogue",   "receipt-stripped",   "receipt-size",
        "key-swapped", "certificate-expired", "certificate-foreign"};
    struct vch_verifier_item it;
    struct vch_trust_file *trust;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(names); i++) {
        struct vch_verifier *v = look_at(names[i], 0, &trust, &it);

        assert_int_equal(it.report->step[VCH_STEP_ORIGIN].state, VCH_STEP_NOT_CHECKED);
        assert_int_equal(it.report->step[VCH_STEP_DATA].state, VCH_STEP_NOT_CHECKED);
        done(v, trust);
    }
}

static void test_verifier__counts_rows_and_header_lines(void **state)
{
    struct vch_verifier_summary s;
    struct vch_verifier_item it;
    struct vch_trust_file *trust;
    struct vch_verifier *v = look_at("valid", 0, &trust, &it);

    (void)state;
    s = vch_verifier_summary(v);
    assert_int_equal(it.report->data.rows, 6);
    assert_int_equal(it.report->data.headers, 1);
    assert_int_equal(s.data.rows, 7); /* with the single reading */
    assert_int_equal(s.items, 2);
    assert_int_equal(s.gaps.devices, 1);
    assert_int_equal(s.gaps.missing, 0);
    assert_false(s.open_stream);
    assert_true(it.report->anchored);
    assert_int_equal(it.report->notes, VCH_NOTE_UNTRUSTED_PLACE);
    done(v, trust);
    v = look_at("valid-extract", 0, &trust, &it);
    assert_int_equal(it.report->data.rows, 1);
    assert_int_equal(it.report->data.headers, 1);
    assert_int_equal(it.report->data.stripped, 1);
    assert_true((it.report->notes & VCH_NOTE_PARTIAL_DATA) != 0);
    done(v, trust);
}

static void test_verifier__notes_say_what_qualifies_a_verdict(void **state)
{
    static const struct {
        const char *name;
        unsigned note;
    } cases[] = {
        {"valid-still-in-force", VCH_NOTE_IN_FORCE | VCH_NOTE_FRESHNESS},
        {"valid-claimed-time-accepted", VCH_NOTE_CLAIMED_TIME},
        {"valid-superseded", VCH_NOTE_SUPERSEDED},
        {"valid-only-digests", VCH_NOTE_NO_DATA},
        {"valid-bad-state-proof", 0},
    };
    struct vch_verifier_item it;
    struct vch_trust_file *trust;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        struct vch_verifier *v = look_at(cases[i].name, 0, &trust, &it);

        if ((it.report->notes & cases[i].note) != cases[i].note) {
            fail_msg("%s: notes %x", cases[i].name, it.report->notes);
        }
        done(v, trust);
    }
}

/* Whatever one byte of the whole bundle becomes, it is never valid. */
static void test_verifier__no_flipped_byte_passes(void **state)
{
    struct vch_trust_file *trust;
    size_t step;

    (void)state;
    t_case_open(&c, tamper_named("valid"));
    trust = t_trust_open(&c.w);
    step = c.out.n / 400 + 1;
    for (size_t i = t_random() % step; i < c.out.n; i += step) {
        struct vch_verifier *v;

        c.out.p[i] ^= (uint8_t)(1U << (t_random() % 8));
        v = verify(trust, 1);
        assert_int_not_equal(vch_verifier_summary(v).verdict, VCH_VERDICT_VALID);
        vch_verifier_close(v);
        v = NULL;
        vch_trust_file_close(trust);
        t_case_close(&c);
        t_case_open(&c, tamper_named("valid"));
        trust = t_trust_open(&c.w);
    }
    vch_trust_file_close(trust);
    t_case_close(&c);
}

/* Files and memory, one and many threads: the same verdicts. */
static void test_verifier__files_are_read_like_memory(void **state)
{
    char path[] = "/tmp/vouch-test-XXXXXX";
    struct vch_verifier_options o;
    struct vch_verifier_source src;
    struct vch_trust_file *trust;
    struct vch_verifier *v;
    int fd;

    (void)state;
    t_case_open(&c, tamper_named("valid"));
    trust = t_trust_open(&c.w);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, c.out.p, c.out.n), c.out.n);
    close(fd);
    o = (struct vch_verifier_options){
        .cr = c.w.cr, .trust = vch_trust_file_get(trust), .judge = {c.at_ms, 300000, false}};
    vch_verifier_open(&o, &v);
    assert_vch_ok(vch_verifier_add_file(v, path));
    assert_vch_err(vch_verifier_add_file(v, "/nonexistent/file"), FILE_OPEN);
    vch_verifier_run(v);
    assert_true(vch_verifier_source(v, 0, &src));
    assert_int_equal(src.verdict, VCH_VERDICT_VALID);
    assert_true(src.ended);
    assert_int_equal(src.items, 2);
    assert_int_equal(vch_verifier_summary(v).data.rows, 7);
    unlink(path);
    done(v, trust);
}

/* Items without a bundle, their evidence from an AS: the same verdict as from the bundle.
 * req-test: Y.2247-7.2.3-1, Y.2247-7.2.3-6 */
static void test_verifier__bare_items_with_fetched_evidence(void **state)
{
    struct vch_stmt_bundle_reader r;
    struct vch_stmt_bundle_rec rec;
    enum vch_stmt_bundle_step step;
    struct vch_buf bare, fragment;
    struct vch_verifier_want want;
    struct vch_verifier_item it;
    struct vch_verifier_options o;
    struct vch_trust_file *trust;
    struct vch_verifier *v;
    size_t at = 0;

    (void)state;
    t_case_open(&c, tamper_named("valid"));
    trust = t_trust_open(&c.w);
    bare = vch_buf_init(1 << 20);
    fragment = vch_buf_init(1 << 20);
    vch_stmt_bundle_reader_init(&r, c.w.cr, false);
    for (;;) {
        assert_vch_ok(
            vch_stmt_bundle_next(&r, vch_bytes(c.out.p + at, c.out.n - at), true, &step, &rec));
        if (step == VCH_BUNDLE_END) {
            break;
        }
        at += rec.whole.n;
        if (rec.type == VCH_REC_ITEM) {
            assert_vch_ok(vch_buf_append(&bare, rec.body));
        } else if (rec.type >= VCH_REC_STATEMENT && rec.type <= VCH_REC_STATE_PROOF) {
            assert_vch_ok(vch_buf_append(&fragment, rec.whole));
        }
    }
    o = (struct vch_verifier_options){
        .cr = c.w.cr, .trust = vch_trust_file_get(trust), .judge = {c.at_ms, 300000, false}};
    vch_verifier_open(&o, &v);
    assert_vch_ok(vch_verifier_add_bytes(v, "items", vch_buf_get(&bare)));
    assert_true(vch_verifier_want(v, 0, &want));
    assert_false(want.have);
    assert_true(vch_hash_equal(&want.txid, &c.r0->txid));
    assert_bytes_equal(want.url, vch_text(T_AS_URL));
    assert_false(vch_verifier_want(v, 1, &want));
    assert_vch_ok(vch_verifier_add_fragment(v, vch_buf_get(&fragment)));
    /* An AS that sends items of its own is not listened to. */
    assert_vch_err(vch_verifier_add_fragment(v, vch_bytes(c.out.p + 9, c.out.n - 9)),
                   BUNDLE_RECORD);
    vch_verifier_run(v);
    assert_int_equal(vch_verifier_summary(v).verdict, VCH_VERDICT_VALID);
    assert_true(vch_verifier_item(v, 1, &it));
    assert_true((it.report->notes & VCH_NOTE_NO_DATA) != 0);
    vch_buf_fini(&bare);
    vch_buf_fini(&fragment);
    done(v, trust);
}

/* The trust file of the case with INSERT put before PLACE. */
static struct vch_trust_file *trust_with(const char *place, const char *insert)
{
    struct vch_buf text = vch_buf_init(1 << 20), out = vch_buf_init(1 << 20);
    char detail[VCH_TRUST_DETAIL_MAX] = "";
    struct vch_trust_file *t = NULL;
    const char *all, *at;
    vch_err e;

    t_trust_text(&c.w, &text);
    assert_vch_ok(vch_buf_cstr(&text, &all));
    at = strstr(all, place);
    assert_non_null(at);
    assert_vch_ok(vch_buf_append(&out, vch_bytes(all, (size_t)(at - all))));
    assert_vch_ok(vch_buf_text(&out, insert));
    assert_vch_ok(vch_buf_text(&out, at));
    e = vch_trust_file_decode(c.w.cr, vch_buf_get(&out), &t, detail);
    if (!vch_ok(e)) {
        fail_msg("%s: %s", vch_err_info(e)->slug, detail);
    }
    vch_buf_fini(&text);
    vch_buf_fini(&out);
    return t;
}

static void expect_with(const char *name, struct vch_trust_file *trust, enum vch_verdict verdict,
                        uint32_t code)
{
    struct vch_verifier *v = verify(trust, 2);
    struct vch_verifier_summary s = vch_verifier_summary(v);

    if (s.verdict != verdict || s.why.code != code) {
        fail_msg("%s: %s, %s", name, vch_verdict_name(s.verdict), vch_err_info(s.why)->slug);
    }
    done(v, trust);
}

/* req-test: Y.2247-7.1-2 (an algorithm broken before the trusted signing time: its own reason) */
static void test_verifier__retired_algorithm_counts_only_where_anchored_before(void **state)
{
    (void)state;
    /* The world's times: endorsed on 2026-09-21, signed and anchored on the 22nd. */
    t_case_open(&c, tamper_named("valid"));
    expect_with("anchored before",
                trust_with("\"as\":", "\"retired\":[{\"alg\":\"ES256\","
                                      "\"from\":\"2026-09-25\"}],"),
                VCH_VERDICT_VALID, 0);
    t_case_open(&c, tamper_named("valid"));
    expect_with("anchored after",
                trust_with("\"as\":", "\"retired\":[{\"alg\":\"ES256\","
                                      "\"from\":\"2026-09-22\"}],"),
                VCH_VERDICT_UNKNOWN, VCH_E_ALG_RETIRED_CODE);
    t_case_open(&c, tamper_named("valid-still-in-force"));
    expect_with("not anchored",
                trust_with("\"as\":", "\"retired\":[{\"alg\":\"ES256\","
                                      "\"from\":\"2026-09-25\"}],"),
                VCH_VERDICT_UNKNOWN, VCH_E_ALG_RETIRED_CODE);
    t_case_open(&c, tamper_named("valid"));
    expect_with("record after",
                trust_with("\"as\":", "\"retired\":[{\"alg\":\"ES256\","
                                      "\"from\":\"2026-09-01\"}],"),
                VCH_VERDICT_INVALID, VCH_E_ALG_RETIRED_CODE);
}

/* A revocation list of the CA that revokes the AS's certificate at AT. */
static struct vch_trust_file *trust_revoked(int64_t at_ms)
{
    struct vch_buf der = vch_buf_init(65536), pem = vch_buf_init(65536), text = vch_buf_init(65536);
    struct vch_cert *ca, *as;
    struct vch_cert_revocation revoked;
    struct vch_trust_file *trust;
    const char *member;

    assert_vch_ok(vch_cert_open(c.w.ca_der, &ca));
    assert_vch_ok(vch_cert_open(c.w.as_der, &as));
    revoked = (struct vch_cert_revocation){vch_cert_info(as)->serial, {at_ms}};
    assert_vch_ok(vch_crl_make(c.w.ca_key, ca, &revoked, 1, 1, (struct vch_time){at_ms},
                               (struct vch_time){T_EPOCH + 900 * T_DAY}, &der));
    assert_vch_ok(vch_ossl_pem_encode("X509 CRL", vch_buf_get(&der), &pem));
    assert_vch_ok(vch_buf_text(&text, "\"crls\":[\""));
    for (size_t i = 0; i < pem.n; i++) {
        assert_vch_ok(pem.p[i] == '\n' ? vch_buf_text(&text, "\\n")
                                       : vch_buf_append(&text, vch_bytes(&pem.p[i], 1)));
    }
    assert_vch_ok(vch_buf_text(&text, "\"],"));
    assert_vch_ok(vch_buf_cstr(&text, &member));
    trust = trust_with("\"url\":", member);
    vch_cert_close(ca);
    vch_cert_close(as);
    vch_buf_fini(&der);
    vch_buf_fini(&pem);
    vch_buf_fini(&text);
    return trust;
}

/* req-test: Y.2247-7.2.3-7 (a revoked AS) */
static void test_verifier__revoked_as_counts_until_its_revocation(void **state)
{
    (void)state;
    t_case_open(&c, tamper_named("valid"));
    expect_with("revoked before", trust_revoked(T_EPOCH - T_DAY), VCH_VERDICT_INVALID,
                VCH_E_CERT_CODE);
    t_case_open(&c, tamper_named("valid"));
    expect_with("revoked later", trust_revoked(T_EPOCH + 5 * T_DAY), VCH_VERDICT_VALID, 0);
}

/* Nothing inside a bundle is an anchor: without trust there is no verdict. */
static void test_verifier__without_trust_nothing_is_valid(void **state)
{
    static const struct vch_verify_trust none;
    struct vch_verifier_options o;
    struct vch_verifier *v;

    (void)state;
    t_case_open(&c, tamper_named("valid"));
    o = (struct vch_verifier_options){.cr = c.w.cr, .trust = &none, .judge = {c.at_ms, 0, true}};
    vch_verifier_open(&o, &v);
    assert_vch_ok(vch_verifier_add_bytes(v, "bundle", vch_buf_get(&c.out)));
    vch_verifier_run(v);
    assert_int_equal(vch_verifier_summary(v).verdict, VCH_VERDICT_UNKNOWN);
    vch_verifier_close(v);
    t_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verifier__each_tampering_has_its_verdict_and_code),
        cmocka_unit_test(test_verifier__nothing_is_taken_from_a_bad_record),
        cmocka_unit_test(test_verifier__counts_rows_and_header_lines),
        cmocka_unit_test(test_verifier__notes_say_what_qualifies_a_verdict),
        cmocka_unit_test(test_verifier__no_flipped_byte_passes),
        cmocka_unit_test(test_verifier__files_are_read_like_memory),
        cmocka_unit_test(test_verifier__bare_items_with_fetched_evidence),
        cmocka_unit_test(test_verifier__retired_algorithm_counts_only_where_anchored_before),
        cmocka_unit_test(test_verifier__revoked_as_counts_until_its_revocation),
        cmocka_unit_test(test_verifier__without_trust_nothing_is_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
