/* Statements and items: what goes in comes out, and no altered byte is taken. */
#include "vch_world.h"

static struct t_world world;
static const struct t_terms good = {T_EPOCH - T_DAY, T_NULL, T_NULL, VCH_STANDING_GOOD};

static int open_world(void **state)
{
    (void)state;
    t_world_open(&world);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    t_world_close(&world);
    return 0;
}

/* Decodes and verifies IN as a statement or item of kind WHICH. */
enum kind { REGISTRATION, ENDORSEMENT, ANCHOR, POLL, ITEM };

static vch_err take(enum kind which, struct vch_bytes in)
{
    const struct vch_crypto *cr = world.cr;
    const struct vch_pubkey *as = &vch_ossl_key_signer(world.as_key)->pub;
    const struct vch_pubkey *dev = &vch_ossl_key_signer(world.device[0].key)->pub;
    struct vch_stmt_registration r;
    struct vch_stmt_endorsement e;
    struct vch_stmt_anchor a;
    struct vch_stmt_poll p;
    struct vch_stmt_item it;

    switch (which) {
    case REGISTRATION:
        VCH_TRY(vch_stmt_registration_decode(cr, in, &r));
        return vch_stmt_registration_verify(cr, &r);
    case ENDORSEMENT:
        VCH_TRY(vch_stmt_endorsement_decode(cr, in, &e));
        return vch_stmt_endorsement_verify(cr, &e, as);
    case ANCHOR:
        VCH_TRY(vch_stmt_anchor_decode(in, &a));
        return vch_stmt_verify(cr, &a.st, dev);
    case POLL:
        VCH_TRY(vch_stmt_poll_decode(in, &p));
        return vch_stmt_verify(cr, &p.st, dev);
    case ITEM:
        VCH_TRY(vch_stmt_item_decode(in, &it));
        return vch_stmt_item_verify(cr, &it, dev);
    }
    return VCH_E(BUG);
}

/* req-test: Y.2247-7.2.3-2 (flipping any covered bit fails), Y.2247-7.1-5 */
static void every_change_is_refused(enum kind which, struct vch_bytes in)
{
    struct vch_bytes copy = t_copy(in);
    uint8_t *p = (uint8_t *)(uintptr_t)copy.p;

    assert_vch_ok(take(which, copy));
    for (size_t n = 0; n < in.n; n++) {
        struct vch_bytes cut = t_copy(vch_bytes(in.p, n));

        assert_false(vch_ok(take(which, cut)));
        free((void *)(uintptr_t)cut.p);
    }
    for (size_t i = 0; i < in.n; i++) {
        p[i] ^= (uint8_t)(1U << (t_random() % 8));
        if (vch_ok(take(which, copy))) {
            fail_msg("kind %d: byte %zu of %zu may be altered", which, i, in.n);
        }
        p[i] = in.p[i];
    }
    free(p);
}

static void test_registration__round_trip(void **state)
{
    struct vch_bytes in = t_registration(&world, world.device[0].key, T_AS_ID);
    struct vch_stmt_registration r;

    (void)state;
    assert_vch_ok(vch_stmt_registration_decode(world.cr, in, &r));
    assert_vch_ok(vch_stmt_registration_verify(world.cr, &r));
    assert_true(vch_pubkey_equal(&r.key, &vch_ossl_key_signer(world.device[0].key)->pub));
    assert_int_equal(r.alg_count, 2);
    assert_true(vch_stmt_registration_lists(&r, VCH_ALG_ESP256));
    assert_false(vch_stmt_registration_lists(&r, VCH_ALG_EDDSA));
    assert_bytes_equal(r.audience, vch_text(T_AS_ID));
    assert_int_equal(r.identifiers.count, 2);
    assert_int_equal(r.device_class, VCH_CLASS_GATEWAY);
    assert_int_equal(r.custody, VCH_CUSTODY_FILE);
    every_change_is_refused(REGISTRATION, in);
}

static vch_err encode_with(const enum vch_alg *algs, size_t count, const char *audience,
                           size_t nonce_len)
{
    static const uint8_t nonce[80] = {7};
    uint8_t room[VCH_REGISTRATION_MAX];
    struct vch_hash digest;
    struct vch_bytes out;
    struct vch_stmt_registration r = {.alg_count = count,
                                      .hashes = {VCH_ALG_SHA256},
                                      .hash_count = 1,
                                      .audience = vch_text(audience),
                                      .nonce = vch_bytes(nonce, nonce_len),
                                      .device_class = VCH_CLASS_OTHER,
                                      .custody = VCH_CUSTODY_TPM};

    for (size_t i = 0; i < count; i++) {
        r.algs[i] = algs[i];
    }
    vch_sha256_of(world.cr, vch_text("x"), &digest);
    return vch_stmt_registration_encode(world.cr, vch_ossl_key_signer(world.device[0].key), &r,
                                        &digest, 1, 1, VCH_SPAN_OF(room), &out);
}

/* req-test: Y.2247-7.2.1-2 */
static void test_registration__unfit_algorithm_list_is_refused(void **state)
{
    static const enum vch_alg one[] = {VCH_ALG_ES256}, twice[] = {VCH_ALG_ES256, VCH_ALG_ES256},
                              other_curve[] = {VCH_ALG_ES256, VCH_ALG_EDDSA},
                              not_own[] = {VCH_ALG_ESP256};

    (void)state;
    assert_vch_ok(encode_with(one, 1, T_AS_ID, 8));
    assert_vch_err(encode_with(one, 0, T_AS_ID, 8), STMT_FIELD);
    assert_vch_err(encode_with(twice, 2, T_AS_ID, 8), STMT_FIELD);
    assert_vch_err(encode_with(other_curve, 2, T_AS_ID, 8), ALG);
    assert_vch_err(encode_with(not_own, 1, T_AS_ID, 8), ALG);
    assert_vch_err(encode_with(one, 1, "", 8), STMT_FIELD);
    assert_vch_err(encode_with(one, 1, T_AS_ID, 7), STMT_FIELD);
    assert_vch_err(encode_with(one, 1, T_AS_ID, 65), STMT_FIELD);
}

/* req-test: Y.2247-7.2.2-5 (both parts, deterministic, possession can be checked again) */
static void test_endorsement__round_trip(void **state)
{
    struct t_record r0, r1;
    struct vch_stmt_endorsement e0, e1;
    struct vch_hash key0, reg_id;

    (void)state;
    t_endorsement_sign(&world, world.as_key, T_AS_ID, &world.as_cert_hash, 0, VCH_ACTION_REGISTER,
                       0, NULL, &good, T_EPOCH, &r0);
    t_endorsement_sign(&world, world.as_key, T_AS_ID, &world.as_cert_hash, 0, VCH_ACTION_UPDATE, 1,
                       &r0.txid, &good, T_EPOCH + 5, &r1);
    assert_vch_ok(vch_stmt_endorsement_decode(world.cr, r0.statement, &e0));
    assert_vch_ok(vch_stmt_endorsement_decode(world.cr, r1.statement, &e1));
    assert_bytes_equal(e0.registration, world.device[0].registration);
    assert_memory_equal(e0.subject, world.device[0].subject, VCH_SUBJECT_LEN);
    assert_int_equal(e0.account.count, 4);
    assert_int_equal(e1.effective_at_ms, T_EPOCH + 5);
    assert_vch_ok(vch_stmt_registration_verify(world.cr, &e0.reg));
    assert_vch_ok(vch_stmt_endorsement_follows(&e0, &r0.txid, &e1));
    assert_vch_err(vch_stmt_endorsement_follows(&e0, &r1.txid, &e1), STMT_CHAIN);
    assert_vch_err(vch_stmt_endorsement_follows(&e1, &r1.txid, &e0), STMT_CHAIN);
    vch_stmt_endorsement_content_key(world.cr, &e0, &key0);
    vch_sign1_content_id(world.cr, &e0.reg.st, &reg_id);
    assert_true(vch_hash_equal(&key0, &reg_id));
    every_change_is_refused(ENDORSEMENT, r0.statement);
    every_change_is_refused(ENDORSEMENT, r1.statement);
}

static void test_endorsement__wrong_signer_or_audience_is_refused(void **state)
{
    const struct vch_pubkey *as = &vch_ossl_key_signer(world.as_key)->pub;
    uint8_t room[VCH_STATEMENT_MAX];
    struct vch_stmt_endorsement e;
    struct vch_hash digest;
    struct t_record r;
    struct vch_bytes out;

    (void)state;
    t_endorsement_sign(&world, world.rogue_key, T_AS_ID, &world.as_cert_hash, 0,
                       VCH_ACTION_REGISTER, 0, NULL, &good, T_EPOCH, &r);
    assert_vch_ok(vch_stmt_endorsement_decode(world.cr, r.statement, &e));
    assert_vch_err(vch_stmt_endorsement_verify(world.cr, &e, as), STMT_KEY);
    vch_sha256_of(world.cr, vch_text("x"), &digest);
    assert_vch_err(vch_stmt_endorsement_encode(world.cr, vch_ossl_key_signer(world.as_key), &e,
                                               vch_text("as2.op1.example"), &world.as_cert_hash,
                                               &digest, 1, 1, VCH_SPAN_OF(room), &out),
                   STMT_AUDIENCE);
    e.seq = 1;
    assert_vch_err(vch_stmt_endorsement_encode(world.cr, vch_ossl_key_signer(world.as_key), &e,
                                               vch_text(T_AS_ID), &world.as_cert_hash, &digest, 1,
                                               1, VCH_SPAN_OF(room), &out),
                   STMT_CHAIN);
}

static void test_anchor_and_poll__round_trip(void **state)
{
    static const uint8_t nonce[12] = {9};
    uint8_t room[VCH_STATEMENT_MAX];
    struct vch_stmt_poll p = {.nonce = VCH_BYTES_OF(nonce), .seq = 300}, got;
    struct vch_stmt_anchor a;
    struct vch_bytes anchor, by_agg, poll;

    (void)state;
    memcpy(p.subject, world.device[0].subject, VCH_SUBJECT_LEN);
    assert_vch_ok(vch_stmt_poll_encode(world.cr, vch_ossl_key_signer(world.device[0].key), &p, 5,
                                       VCH_SPAN_OF(room), &poll));
    assert_vch_ok(vch_stmt_poll_decode(poll, &got));
    assert_int_equal(got.seq, 300);
    assert_memory_equal(got.subject, p.subject, VCH_SUBJECT_LEN);
    every_change_is_refused(POLL, poll);
    t_anchor(&world, 0, vch_text("item"), false, T_EPOCH + 1, &anchor);
    assert_vch_ok(vch_stmt_anchor_decode(anchor, &a));
    assert_true(a.by_device);
    assert_int_equal(a.count, 1);
    every_change_is_refused(ANCHOR, anchor);
    t_anchor(&world, 0, vch_text("item"), true, T_EPOCH + 2, &by_agg);
    assert_vch_ok(vch_stmt_anchor_decode(by_agg, &a));
    assert_false(a.by_device);
    assert_vch_err(vch_stmt_poll_decode(anchor, &got), STMT_TYPE);
}

/* req-test: Y.2247-7.2.3-3 (the pointer is inside the signed part) */
static void test_item__round_trip(void **state)
{
    struct t_record r = {.seq = 0};
    struct vch_stmt_item it;
    uint8_t salt[VCH_SALT_LEN];
    struct vch_bytes single;
    struct t_batch b;
    struct vch_hash other;

    (void)state;
    vch_sha256_of(world.cr, vch_text("endorsement"), &r.txid);
    vch_sha256_of(world.cr, vch_text("another"), &other);
    single = t_single(&world, 0, &r, 7, T_EPOCH + 10, vch_text("21.5 C"), salt);
    assert_vch_ok(vch_stmt_item_decode(single, &it));
    assert_int_equal(it.mode, VCH_ITEM_SINGLE);
    assert_int_equal(it.seq, 7);
    assert_int_equal(it.first_time_ms, T_EPOCH + 10);
    assert_true(vch_stmt_item_cites(&it, &r.txid));
    assert_false(vch_stmt_item_cites(&it, &other));
    assert_vch_ok(vch_stmt_item_check_raw(world.cr, &it, salt, vch_text("21.5 C")));
    assert_vch_err(vch_stmt_item_check_raw(world.cr, &it, salt, vch_text("21.6 C")), ITEM_DATA);
    salt[3] ^= 1;
    assert_vch_err(vch_stmt_item_check_raw(world.cr, &it, salt, vch_text("21.5 C")), ITEM_DATA);
    assert_vch_err(vch_stmt_item_check_row(world.cr, &it, 0, &other, NULL, 0), ITEM_FORM);
    every_change_is_refused(ITEM, single);
    t_batch(&world, 0, &r, 8, T_EPOCH + 20, 7, &b);
    assert_vch_ok(vch_stmt_item_decode(b.item, &it));
    assert_int_equal(it.count, 7);
    assert_int_equal(it.first_time_ms, T_EPOCH + 20 - 1000);
    every_change_is_refused(ITEM, b.item);
}

/* req-test: Y.2247-7.2.3-8 (an algorithm that does not fit the key) */
static void test_item__other_key_is_refused(void **state)
{
    struct t_record r = {.seq = 0};
    struct vch_stmt_item it;
    uint8_t salt[VCH_SALT_LEN];
    struct vch_bytes single;
    struct vch_ossl_key *ed;

    (void)state;
    single = t_single(&world, 0, &r, 1, T_EPOCH, vch_text("x"), salt);
    assert_vch_ok(vch_stmt_item_decode(single, &it));
    assert_vch_err(
        vch_stmt_item_verify(world.cr, &it, &vch_ossl_key_signer(world.device[1].key)->pub),
        SIGNATURE);
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ED25519, &ed));
    assert_vch_err(vch_stmt_item_verify(world.cr, &it, &vch_ossl_key_signer(ed)->pub), ALG);
    vch_ossl_key_close(ed);
}

/* Rows of every batch size up to 16 verify by their paths, and at no other place. */
static void test_item__each_row_verifies_at_its_place_only(void **state)
{
    struct t_record r = {.seq = 0};
    struct vch_merkle_path path;
    struct vch_stmt_item it;
    struct t_batch b;

    (void)state;
    for (size_t n = 1; n <= 16; n++) {
        struct vch_merkle_leaves leaves = {world.cr, b.leaf, n};
        struct vch_merkle_source src = vch_merkle_leaves_source(&leaves);

        t_batch(&world, 0, &r, n, T_EPOCH, n, &b);
        assert_vch_ok(vch_stmt_item_decode(b.item, &it));
        for (size_t i = 0; i < n; i++) {
            assert_vch_ok(vch_merkle_inclusion(world.cr, &src, i, n, &path));
            for (size_t k = 0; k <= n; k++) {
                vch_err e =
                    vch_stmt_item_check_row(world.cr, &it, k, &b.leaf[i], path.h, path.count);

                assert_int_equal(vch_ok(e), k == i);
            }
        }
    }
}

static void test_ack__round_trip(void **state)
{
    static const uint8_t nonce[16] = {5};
    struct vch_stmt_ack a = {.endorsement = vch_text("endorsement"),
                             .receipt = vch_text("receipt"),
                             .address = {vch_text(T_LEDGER_ID), vch_text(T_AS_URL)},
                             .nonce = VCH_BYTES_OF(nonce)};
    struct vch_stmt_request q = {.registration = vch_text("registration"),
                                 .disclosures = {vch_text("d1"), vch_text("d2")},
                                 .disclosure_count = 2};
    struct vch_stmt_request got_q;
    struct vch_stmt_ack got;
    uint8_t room[1024];
    struct vch_bytes out;

    (void)state;
    assert_vch_ok(vch_stmt_ack_encode(&a, VCH_SPAN_OF(room), &out));
    assert_vch_ok(vch_stmt_ack_decode(out, &got));
    assert_bytes_equal(got.address.url, a.address.url);
    assert_bytes_equal(got.nonce, a.nonce);
    for (size_t n = 0; n < out.n; n++) {
        assert_false(vch_ok(vch_stmt_ack_decode(vch_bytes(out.p, n), &got)));
    }
    assert_vch_ok(vch_stmt_request_encode(&q, VCH_SPAN_OF(room), &out));
    assert_vch_ok(vch_stmt_request_decode(out, &got_q));
    assert_int_equal(got_q.disclosure_count, 2);
    assert_bytes_equal(got_q.disclosures[1], vch_text("d2"));
    q.disclosure_count = 0;
    assert_vch_err(vch_stmt_request_encode(&q, VCH_SPAN_OF(room), &out), CBOR_FIELD);
}

/* req-test: Y.2247-7.2.2-11 */
static void test_entry_address__only_safe_forms_are_taken(void **state)
{
    static const struct {
        const char *ledger, *url;
        bool good;
    } cases[] = {
        {"ledger.op1.example/divs", "https://as1.op1.example", true},
        {"ledger.op1.example:8443/divs", "https://as1.op1.example:8443/a/b", true},
        {"localhost", "http://127.0.0.1:8080", true},
        {"localhost", "http://[::1]:8080/x", true},
        {"localhost", "http://localhost", true},
        {"ledger.op1.example", "http://as1.op1.example", false},
        {"ledger.op1.example", "http://127.as1.example/", false},
        {"ledger.op1.example", "https://user@as1.op1.example", false},
        {"ledger.op1.example", "https://as1.op1.example?x=1", false},
        {"ledger.op1.example", "https://as1.op1.example/#f", false},
        {"ledger.op1.example", "https://as1.op1.example/../x", false},
        {"ledger.op1.example", "https://as1.op1.example:0/", false},
        {"ledger.op1.example", "https://as1.op1.example:65536", false},
        {"ledger.op1.example", "https://", false},
        {"ledger.op1.example", "ftp://as1.op1.example", false},
        {"ledger.op1.example", "file:///etc/passwd", false},
        {"https://ledger.op1.example", "https://as1.op1.example", false},
        {"ledger op1", "https://as1.op1.example", false},
        {"", "https://as1.op1.example", false},
    };

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(cases); i++) {
        struct vch_stmt_address a = {vch_text(cases[i].ledger), vch_text(cases[i].url)};
        bool got = vch_ok(vch_stmt_address_check(&a));

        if (got != cases[i].good) {
            fail_msg("%s %s", cases[i].ledger, cases[i].url);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registration__round_trip),
        cmocka_unit_test(test_registration__unfit_algorithm_list_is_refused),
        cmocka_unit_test(test_endorsement__round_trip),
        cmocka_unit_test(test_endorsement__wrong_signer_or_audience_is_refused),
        cmocka_unit_test(test_anchor_and_poll__round_trip),
        cmocka_unit_test(test_item__round_trip),
        cmocka_unit_test(test_item__other_key_is_refused),
        cmocka_unit_test(test_item__each_row_verifies_at_its_place_only),
        cmocka_unit_test(test_ack__round_trip),
        cmocka_unit_test(test_entry_address__only_safe_forms_are_taken),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
