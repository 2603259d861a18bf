/* The device against an AS and a ledger: registration, updates in every order, forgeries, power
 * loss, signing. */
#include "device_fixture.h"

#include <vouch/stmt/anchor.h>
#include <vouch/stmt/item.h>
#include <vouch/stmt/poll.h>
#include <vouch/stmt/registration.h>

static struct world w;
static struct vch_device d;
static uint8_t ack_room[ACK_ROOM];

static int setup(void **state)
{
    (void)state;
    world_init(&w, true);
    assert_vch_ok(world_device(&w, &d));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_fini(&w);
    return 0;
}

/* Registers and is acknowledged. */
static void endorse(struct vch_hash *ret_txid)
{
    struct answer a;
    enum vch_device_news news;

    world_register(&w, &d);
    a = answer_first(&w);
    assert_vch_ok(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), ret_txid), &news));
    assert_int_equal(news, VCH_DEVICE_FIRST);
}

/* req-test: Y.2247-7.2.1-2 */
static void test_device__request_states_key_algorithms_custody_and_nonce(void **state)
{
    struct vch_stmt_registration r;
    struct vch_disclosure opened;
    struct vch_stmt_request req;
    struct vch_bytes whole = vch_bytes(w.request, sizeof(w.request));
    static const uint8_t nonce[16] = {9};

    (void)state;
    assert_vch_ok(
        vch_device_register(&d, VCH_BYTES_OF(nonce), NOW, VCH_SPAN_OF(w.request), &whole));
    assert_vch_ok(vch_stmt_request_decode(whole, &req));
    assert_vch_ok(vch_stmt_registration_decode(vch_ossl_crypto(), req.registration, &r));
    assert_vch_ok(vch_stmt_registration_verify(vch_ossl_crypto(), &r));
    assert_true(vch_pubkey_equal(&r.key, &w.host.signer->pub));
    assert_true(vch_stmt_registration_lists(&r, VCH_ALG_ES256));
    assert_true(vch_stmt_registration_lists(&r, VCH_ALG_ESP256));
    assert_false(vch_stmt_registration_lists(&r, VCH_ALG_EDDSA));
    /* a key in a file says so */
    assert_int_equal(r.custody, VCH_CUSTODY_FILE);
    assert_bytes_equal(r.audience, vch_text(AS_ID));
    assert_bytes_equal(r.nonce, VCH_BYTES_OF(nonce));
    assert_int_equal(req.disclosure_count, 1);
    assert_vch_ok(
        vch_stmt_disclosure_open(vch_ossl_crypto(), &r.identifiers, req.disclosures[0], &opened));
    assert_bytes_equal(opened.value.bytes, vch_text("001010000000016"));
}

/* req-test: Y.2247-7.2.1-4 */
static void test_device__identifiers_are_checked(void **state)
{
    struct vch_device_identifier bad = {VCH_DISC_IMEI, vch_text("001010000000011")};
    struct vch_device other;

    (void)state;
    assert_vch_err(vch_device_init(&other, &w.host, &w.setup, &bad, 1), IDENT_IMEI);
    assert_vch_err(vch_device_init(&other, &w.host, &w.setup, &bad, 0), DEVICE_SETUP);
}

/* req-test: Y.2247-7.2.1-1 */
static void test_device__signs_nothing_before_the_acknowledgement(void **state)
{
    struct vch_device_single s;
    struct vch_device_batch b;
    struct vch_hash txid;
    uint8_t out[VCH_ITEM_MAX];
    struct vch_bytes item;

    (void)state;
    assert_vch_err(vch_device_single_begin(&d, &s), DEVICE_UNREGISTERED);
    world_register(&w, &d);
    assert_vch_err(vch_device_single_begin(&d, &s), DEVICE_UNREGISTERED);
    assert_vch_err(vch_device_batch_begin(&d, &b), DEVICE_UNREGISTERED);
    /* not even with a stream begun by force */
    vch_ossl_crypto()->sha256_init(&s.sum);
    assert_vch_err(vch_device_single_sign(&d, &s, vch_bytes(NULL, 0), NOW, VCH_SPAN_OF(out), &item),
                   DEVICE_UNREGISTERED);
    endorse(&txid);
    assert_vch_ok(vch_device_single_begin(&d, &s));
    assert_vch_ok(vch_device_single_sign(&d, &s, vch_bytes(NULL, 0), NOW, VCH_SPAN_OF(out), &item));
}

static struct vch_stmt_item sign_single(const char *raw, uint8_t room[VCH_ITEM_MAX])
{
    struct vch_device_single s;
    struct vch_stmt_item it;
    struct vch_bytes item;

    assert_vch_ok(vch_device_single_begin(&d, &s));
    vch_device_single_add(&d, &s, vch_text(raw));
    assert_vch_ok(vch_device_single_sign(&d, &s, vch_text("text/plain"), NOW,
                                         vch_span(room, VCH_ITEM_MAX), &item));
    assert_vch_ok(vch_stmt_item_decode(item, &it));
    assert_vch_ok(vch_stmt_item_verify(vch_ossl_crypto(), &it, &w.host.signer->pub));
    assert_vch_ok(vch_stmt_item_check_raw(vch_ossl_crypto(), &it, s.salt, vch_text(raw)));
    assert_vch_err(vch_stmt_item_check_raw(vch_ossl_crypto(), &it, s.salt, vch_text("other")),
                   ITEM_DATA);
    return it;
}

/* req-test: Y.2247-7.2.3-2, Y.2247-7.2.3-3 */
static void test_device__singles_carry_the_pointer_once_a_session(void **state)
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_stmt_item it;
    struct vch_hash txid;

    (void)state;
    endorse(&txid);
    it = sign_single("21.5", room);
    assert_int_equal(it.seq, 0);
    assert_true(it.has_pointer);
    assert_bytes_equal(it.pointer_txid, vch_hash_bytes(&txid));
    assert_bytes_equal(it.pointer_address.ledger, vch_text(LEDGER));
    assert_bytes_equal(it.pointer_address.url, vch_text(AS_URL));
    it = sign_single("", room);
    assert_int_equal(it.seq, 1);
    assert_false(it.has_pointer);
    assert_true(vch_stmt_item_cites(&it, &txid));
    d.pointer = VCH_DEVICE_POINTER_INLINE;
    it = sign_single("21.6", room);
    assert_true(it.has_pointer);
}

static void test_device__batch_is_the_tree_of_its_rows(void **state)
{
    static const char *const rows[] = {"a\n", "", "c\r\n", "no end"};
    uint8_t out[VCH_ITEM_MAX], salt[VCH_SALT_LEN];
    struct vch_merkle_frontier f = {0};
    struct vch_device_batch b;
    struct vch_stmt_item it;
    struct vch_hash txid, root;
    struct vch_bytes item;

    (void)state;
    endorse(&txid);
    assert_vch_ok(vch_device_batch_begin(&d, &b));
    assert_vch_err(vch_device_batch_sign(&d, &b, vch_bytes(NULL, 0), VCH_SPAN_OF(out), &item),
                   DEVICE_BATCH);
    for (size_t i = 0; i < VCH_ARRAY_LEN(rows); i++) {
        struct vch_hash leaf;

        /* the clock goes back once: the batch's end does not */
        assert_vch_ok(vch_device_batch_row(&d, &b, vch_text(rows[i]), i == 3 ? NOW : NOW + 5));
        vch_stmt_item_salt(vch_ossl_crypto(), b.seed, i, salt);
        vch_stmt_item_leaf(vch_ossl_crypto(), salt, vch_text(rows[i]), &leaf);
        assert_vch_ok(vch_merkle_frontier_append(vch_ossl_crypto(), &f, &leaf));
    }
    assert_vch_ok(vch_device_batch_sign(&d, &b, vch_text("text/csv; header=present"),
                                        VCH_SPAN_OF(out), &item));
    assert_vch_ok(vch_stmt_item_decode(item, &it));
    assert_vch_ok(vch_stmt_item_verify(vch_ossl_crypto(), &it, &w.host.signer->pub));
    vch_merkle_frontier_root(vch_ossl_crypto(), &f, &root);
    assert_vch_ok(vch_stmt_item_check_root(&it, &root));
    assert_int_equal(it.count, 4);
    assert_int_equal(it.first_time_ms, NOW + 5);
    assert_int_equal(it.time_ms, NOW + 5);
    assert_true(it.has_pointer);
}

/* req-test: Y.2247-8.2-3, Y.2247-8.2-2 */
static void test_device__keeps_the_latest_in_whatever_order_they_come(void **state)
{
    uint8_t room[3][ACK_ROOM], item_room[VCH_ITEM_MAX];
    struct vch_bytes ack[3];
    struct vch_hash txid[3];
    enum vch_device_news news;
    struct vch_stmt_item it;
    struct answer a;

    (void)state;
    endorse(&txid[0]);
    (void)sign_single("first", item_room);
    for (uint64_t i = 1; i < 3; i++) {
        a = answer_first(&w);
        a.action = VCH_ACTION_UPDATE;
        a.seq = i;
        a.prev = &txid[i - 1];
        ack[i] = world_ack(&w, &a, VCH_SPAN_OF(room[i]), &txid[i]);
    }
    assert_vch_ok(vch_device_accept(&d, ack[2], &news));
    assert_int_equal(news, VCH_DEVICE_NEWER);
    assert_vch_err(vch_device_accept(&d, ack[1], &news), DEVICE_ROLLBACK);
    assert_vch_ok(vch_device_accept(&d, ack[2], &news));
    assert_int_equal(news, VCH_DEVICE_SAME);
    assert_true(vch_hash_equal(&d.txid, &txid[2]));
    /* used from the next item on, which carries the new pointer */
    it = sign_single("then", item_room);
    assert_true(it.has_pointer);
    assert_bytes_equal(it.pointer_txid, vch_hash_bytes(&txid[2]));
}

static void test_device__updates_that_contradict_are_refused(void **state)
{
    struct vch_hash txid, other = {{1}}, ignored;
    enum vch_device_news news;
    struct answer a;

    (void)state;
    endorse(&txid);
    a = answer_first(&w);
    a.action = VCH_ACTION_UPDATE;
    a.seq = 1;
    a.prev = &other;
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &ignored), &news),
                   DEVICE_FORK);
    a.prev = &txid;
    a.subject = 8;
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &ignored), &news),
                   DEVICE_LINEAGE);
    a = answer_first(&w);
    a.checked_at = NOW + 1; /* another endorsement of the same number */
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &ignored), &news),
                   DEVICE_FORK);
    a = answer_first(&w);
    a.action = VCH_ACTION_UPDATE;
    a.seq = 1;
    a.prev = &txid;
    a.ledger = LEDGER2; /* provisioned, but not the one it is recorded on */
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &ignored), &news),
                   DEVICE_LEDGER);
    assert_true(vch_hash_equal(&d.txid, &txid));
    assert_int_equal(d.seq, 0);
}

/* req-test: Y.2247-8.2-1 */
static void test_device__answers_of_others_are_refused(void **state)
{
    static const uint8_t nonce[16] = {77};
    uint8_t earlier[VCH_REGISTRATION_MAX], request[VCH_DEVICE_REQUEST_MAX];
    struct vch_bytes first, whole;
    enum vch_device_news news;
    struct vch_hash txid;
    struct answer a;

    (void)state;
    a = answer_first(&w);
    assert_vch_err(vch_device_accept(&d, vch_text("x"), &news), DEVICE_UNREGISTERED);
    world_register(&w, &d);
    a = answer_first(&w);
    a.as_key = w.as_key2;
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &txid), &news),
                   DEVICE_AS);
    a = answer_first(&w);
    a.ledger = "ledger.elsewhere.example/divs";
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &txid), &news),
                   DEVICE_LEDGER);
    a = answer_first(&w);
    a.url = "https://as1.op1.example.attacker.example";
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &txid), &news),
                   DEVICE_ADDRESS);
    /* the answer to an earlier request: another nonce */
    memcpy(earlier, w.registration.p, w.registration.n);
    first = vch_bytes(earlier, w.registration.n);
    assert_vch_ok(vch_device_register(&d, VCH_BYTES_OF(nonce), NOW, VCH_SPAN_OF(request), &whole));
    a = answer_first(&w);
    a.registration = first;
    assert_vch_err(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &txid), &news),
                   DEVICE_OTHER);
    assert_int_equal(d.phase, VCH_DEVICE_REQUESTED);
}

static void test_device__receipts_must_be_of_the_ledger_s_key(void **state)
{
    struct vch_ossl_key *ledger_key = w.ledger_key;
    enum vch_device_news news;
    struct vch_bytes ack;
    struct vch_hash txid;
    struct answer a;

    (void)state;
    world_register(&w, &d);
    a = answer_first(&w);
    w.ledger_key = w.as_key2;
    ack = world_ack(&w, &a, VCH_SPAN_OF(ack_room), &txid);
    w.ledger_key = ledger_key;
    assert_vch_err(vch_device_accept(&d, ack, &news), RECEIPT_KEY);
    /* without a provisioned key its form counts */
    d.setup.ledgers[0].key_count = 0;
    assert_vch_ok(vch_device_accept(&d, ack, &news));
}

static void test_device__no_altered_acknowledgement_is_taken(void **state)
{
    enum vch_device_news news;
    struct vch_stmt_ack parts;
    struct vch_bytes ack;
    struct vch_hash txid;
    struct answer a;

    (void)state;
    world_register(&w, &d);
    a = answer_first(&w);
    ack = world_ack(&w, &a, VCH_SPAN_OF(ack_room), &txid);
    assert_vch_ok(vch_stmt_ack_decode(ack, &parts));
    for (size_t i = 0; i < ack.n; i++) {
        struct vch_bytes cut = t_copy(vch_bytes_slice(ack, 0, i)), flip = t_copy(ack);
        bool in_nonce = ack.p + i >= parts.nonce.p && ack.p + i < parts.nonce.p + parts.nonce.n;

        assert_false(vch_ok(vch_device_accept(&d, cut, &news)));
        ((uint8_t *)(uintptr_t)flip.p)[i] ^= (uint8_t)(1U << (i % 8));
        if (!in_nonce) {
            assert_false(vch_ok(vch_device_accept(&d, flip, &news)));
        }
        free((void *)(uintptr_t)cut.p);
        free((void *)(uintptr_t)flip.p);
    }
    assert_int_equal(d.phase, VCH_DEVICE_REQUESTED);
    assert_vch_ok(vch_device_accept(&d, ack, &news));
}

static void test_device__retired_device_signs_no_more(void **state)
{
    struct vch_device_single s;
    enum vch_device_news news;
    struct vch_hash txid, next;
    struct answer a;

    (void)state;
    endorse(&txid);
    a = answer_first(&w);
    a.action = VCH_ACTION_RETIRE;
    a.seq = 1;
    a.prev = &txid;
    assert_vch_ok(vch_device_accept(&d, world_ack(&w, &a, VCH_SPAN_OF(ack_room), &next), &news));
    assert_vch_err(vch_device_single_begin(&d, &s), DEVICE_RETIRED);
}

static void test_device__policy_can_ask_for_a_trusted_environment(void **state)
{
    struct vch_device_single s;
    struct vch_hash txid;
    struct vch_device other;

    (void)state;
    endorse(&txid);
    d.setup.require_trusted = true;
    assert_vch_err(vch_device_single_begin(&d, &s), DEVICE_UNTRUSTED);
    w.setup.require_trusted = true;
    assert_vch_err(world_device(&w, &other), DEVICE_UNTRUSTED);
}

/* ---- what survives */

static vch_err reload(struct vch_device *ret)
{
    return vch_device_load(ret, &w.host, vch_bytes(w.state, w.state_n));
}

static void test_state__survives_and_shows_any_change(void **state)
{
    struct vch_device back;
    struct vch_hash txid;

    (void)state;
    endorse(&txid);
    assert_vch_ok(reload(&back));
    assert_int_equal(back.phase, VCH_DEVICE_ENDORSED);
    assert_true(vch_hash_equal(&back.txid, &txid));
    assert_string_equal(back.setup.ledgers[1].id, LEDGER2);
    assert_int_equal(back.opening_count, 1);
    for (size_t i = 0; i < w.state_n; i++) {
        struct vch_bytes cut = t_copy(vch_bytes(w.state, i));

        assert_vch_err(vch_device_load(&back, &w.host, cut), DEVICE_STATE);
        free((void *)(uintptr_t)cut.p);
        w.state[i] ^= (uint8_t)(1U << (i % 8));
        assert_vch_err(reload(&back), DEVICE_STATE);
        w.state[i] ^= (uint8_t)(1U << (i % 8));
    }
    w.host.signer = vch_ossl_key_signer(w.as_key);
    assert_vch_err(reload(&back), DEVICE_KEY);
    w.host.mac_key[0] ^= 1;
    assert_vch_err(reload(&back), DEVICE_STATE);
}

static void test_state__nothing_is_taken_that_was_not_persisted(void **state)
{
    uint8_t out[VCH_DEVICE_REQUEST_MAX];
    static const uint8_t nonce[16] = {1};
    enum vch_device_news news;
    struct vch_bytes req, ack;
    struct vch_hash txid;
    struct answer a;

    (void)state;
    w.fail = true;
    assert_vch_err(vch_device_register(&d, VCH_BYTES_OF(nonce), NOW, VCH_SPAN_OF(out), &req),
                   FILE_READ);
    assert_int_equal(d.phase, VCH_DEVICE_NEW);
    w.fail = false;
    world_register(&w, &d);
    a = answer_first(&w);
    ack = world_ack(&w, &a, VCH_SPAN_OF(ack_room), &txid);
    w.fail = true;
    assert_vch_err(vch_device_accept(&d, ack, &news), FILE_READ);
    assert_int_equal(d.phase, VCH_DEVICE_REQUESTED);
}

static void test_state__no_sequence_number_is_used_twice(void **state)
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_device_single s;
    struct vch_stmt_item it;
    struct vch_hash txid;
    struct vch_bytes item;
    uint64_t last = 0;

    (void)state;
    endorse(&txid);
    for (unsigned life = 0; life < 5; life++) {
        for (unsigned i = 0; i < VCH_DEVICE_RESERVE / 2 + 7 * life; i++) {
            it = sign_single("x", room);
            assert_true(it.seq > last || (life == 0 && i == 0));
            last = it.seq;
        }
        /* power loss: what was persisted is all there is */
        assert_vch_ok(reload(&d));
    }
    /* an orderly end gives numbers back, once */
    it = sign_single("x", room);
    assert_vch_ok(vch_device_release(&d));
    assert_vch_ok(reload(&d));
    last = it.seq;
    it = sign_single("x", room);
    assert_int_equal(it.seq, last + 1);
    /* a number cannot be reserved: nothing is signed */
    d.next_seq = d.end_seq;
    w.fail = true;
    assert_vch_ok(vch_device_single_begin(&d, &s));
    assert_vch_err(
        vch_device_single_sign(&d, &s, vch_bytes(NULL, 0), NOW, VCH_SPAN_OF(room), &item),
        FILE_READ);
}

static void test_state__two_sessions_share_a_device(void **state)
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_stmt_item it;
    struct vch_device second;
    struct vch_hash txid;
    uint64_t mine;

    (void)state;
    endorse(&txid);
    it = sign_single("x", room);
    mine = d.end_seq;
    assert_vch_ok(reload(&second));
    assert_vch_ok(vch_device_reserve(&second, 10));
    assert_int_equal(second.next_seq, mine);
    /* the first goes on within what it reserved, and gives nothing back that the second follows */
    assert_vch_ok(vch_device_reload(&d, vch_bytes(w.state, w.state_n)));
    it = sign_single("x", room);
    assert_int_equal(it.seq, 1);
    assert_false(it.has_pointer);
    assert_vch_ok(vch_device_release(&d));
    assert_vch_ok(reload(&d));
    assert_int_equal(d.reserved_seq, mine + 10);
}

static void test_device__poll_and_anchor_are_of_this_device(void **state)
{
    static const uint8_t nonce[16] = {3};
    uint8_t out[2048], receipt[VCH_RECEIPT_MAX];
    struct vch_stmt_anchor a;
    struct vch_stmt_poll p;
    struct vch_hash txid, root = {{4}}, id;
    struct vch_bytes made;
    bool verified;

    (void)state;
    assert_vch_err(vch_device_poll(&d, VCH_BYTES_OF(nonce), NOW, VCH_SPAN_OF(out), &made),
                   DEVICE_UNREGISTERED);
    endorse(&txid);
    assert_vch_ok(vch_device_poll(&d, VCH_BYTES_OF(nonce), NOW, VCH_SPAN_OF(out), &made));
    assert_vch_ok(vch_stmt_poll_decode(made, &p));
    assert_vch_ok(vch_stmt_verify(vch_ossl_crypto(), &p.st, &w.host.signer->pub));
    assert_int_equal(p.seq, 0);
    assert_memory_equal(p.subject, d.subject, sizeof(p.subject));
    assert_vch_ok(vch_device_anchor(&d, &root, 5, NOW, VCH_SPAN_OF(out), &made));
    assert_vch_ok(vch_stmt_anchor_decode(made, &a));
    assert_true(a.by_device);
    assert_int_equal(a.count, 5);
    vch_sha256_of(vch_ossl_crypto(), made, &id);
    assert_vch_ok(vch_device_receipt_check(
        &d, made, t_receipt(&w, LEDGER, &id, VCH_SPAN_OF(receipt)), &verified));
    assert_true(verified);
    assert_vch_err(vch_device_receipt_check(
                       &d, made, t_receipt(&w, LEDGER, &txid, VCH_SPAN_OF(receipt)), &verified),
                   SIGNATURE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_device__request_states_key_algorithms_custody_and_nonce),
        T(test_device__identifiers_are_checked),
        T(test_device__signs_nothing_before_the_acknowledgement),
        T(test_device__singles_carry_the_pointer_once_a_session),
        T(test_device__batch_is_the_tree_of_its_rows),
        T(test_device__keeps_the_latest_in_whatever_order_they_come),
        T(test_device__updates_that_contradict_are_refused),
        T(test_device__answers_of_others_are_refused),
        T(test_device__receipts_must_be_of_the_ledger_s_key),
        T(test_device__no_altered_acknowledgement_is_taken),
        T(test_device__retired_device_signs_no_more),
        T(test_device__policy_can_ask_for_a_trusted_environment),
        T(test_state__survives_and_shows_any_change),
        T(test_state__nothing_is_taken_that_was_not_persisted),
        T(test_state__no_sequence_number_is_used_twice),
        T(test_state__two_sessions_share_a_device),
        T(test_device__poll_and_anchor_are_of_this_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
