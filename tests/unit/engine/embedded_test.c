/* The embedded engine: the suite, restart, clock, concurrent submission. */
#include <pthread.h>

#include "suite.h"
#include "vch_tmp.h"

#include <vouch/engine/engine.h>

static struct k_kit kit;

static struct vch_engine *open_engine(const char *name, bool create, struct vch_engine_options *o)
{
    struct vch_engine *e;
    struct vch_ledger_fault fault = {.what = ""};
    vch_err err;

    o->cr = kit.cr;
    o->dir = t_tmp_path(name);
    o->signer = k_signer(&kit, K_LEDGER);
    o->checkpoint_signer = k_signer(&kit, K_CHECKPOINT);
    if (create) {
        assert_vch_ok(vch_engine_create(o, K_LEDGER_ID, kit.authority, K_KEYS, 1u << 20));
        assert_vch_err(vch_engine_create(o, K_LEDGER_ID, kit.authority, K_KEYS, 1u << 20),
                       LEDGER_EXISTS);
    }
    err = vch_engine_open(o, &e, &fault);
    if (!vch_ok(err)) {
        fail_msg("%s: %s in %s at %llu", vch_err_info(err)->slug, fault.what, fault.file,
                 (unsigned long long)fault.offset);
    }
    return e;
}

static void the_suite_holds(void **state)
{
    struct vch_engine_options o = {.flush_ms = 20};
    struct vch_ledger l;

    (void)state;
    vch_engine_ledger(open_engine("suite", true, &o), false, &l);
    suite_all(&kit, &l);
    vch_ledger_close(&l);
}

/* A start replays what the view lacks; everything acknowledged is there, under the same ID. */
static void restart_keeps_everything(void **state)
{
    struct vch_engine_options o = {.flush_ms = 5};
    struct vch_hash root = {{0}};
    uint64_t index[60];

    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        struct vch_engine *e = open_engine("restart", round == 0, &o);
        struct vch_ledger_head head;
        struct vch_ledger l;

        vch_engine_ledger(e, false, &l);
        assert_vch_ok(vch_ledger_head(&l, &head, NULL, NULL));
        assert_true(round == 0 || vch_hash_equal(&head.root, &root));
        for (unsigned i = 0; i < (round + 1) * 15; i++) {
            struct vch_ledger_ack ack;
            struct k_statement s;

            k_register(&kit, i, &s);
            assert_vch_ok(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL));
            assert_int_equal(ack.known, i < round * 15);
            assert_true(!ack.known || index[i] == ack.entry.index);
            index[i] = ack.entry.index;
        }
        assert_vch_ok(vch_ledger_head(&l, &head, NULL, NULL));
        root = head.root;
        vch_ledger_close(&l);
        o.rebuild = round == 1; /* the view is made again from the log */
        o.flush_ms = round == 2 ? 100000 : 5;
    }
}

static void one_process_writes(void **state)
{
    struct vch_engine_options o = {.flush_ms = 5}, other;
    struct vch_engine *e = open_engine("locked", true, &o), *second;

    (void)state;
    other = o;
    assert_vch_err(vch_engine_open(&other, &second, NULL), LEDGER_LOCKED);
    vch_engine_close(e);
    other.ledger_id = "another.example";
    assert_vch_err(vch_engine_open(&other, &second, NULL), LEDGER_ID);
    other = o;
    other.signer = k_signer(&kit, K_AS_KEY);
    assert_vch_err(vch_engine_open(&other, &second, NULL), LEDGER_KEY);
    other.dir = t_tmp_path("nowhere");
    assert_vch_err(vch_engine_open(&other, &second, NULL), LEDGER_ABSENT);
}

static int64_t test_clock(void *arg)
{
    return __atomic_load_n((int64_t *)arg, __ATOMIC_SEQ_CST);
}

/* Batch time strictly increases; a clock over a second behind is not believed. */
static void the_clock_is_watched(void **state)
{
    int64_t now = K_EPOCH;
    struct vch_engine_options o = {.clock = test_clock, .clock_arg = &now, .flush_ms = 5};
    struct vch_engine *e = open_engine("clock", true, &o);
    struct vch_ledger_ack ack;
    struct k_statement s, recorded;
    struct vch_ledger l;

    (void)state;
    vch_engine_ledger(e, false, &l);
    k_register(&kit, 1, &s);
    assert_vch_ok(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL));
    assert_int_equal(ack.entry.time.ms, K_EPOCH + 1); /* genesis had K_EPOCH */
    __atomic_store_n(&now, K_EPOCH - 900, __ATOMIC_SEQ_CST);
    k_register(&kit, 2, &recorded);
    assert_vch_ok(vch_ledger_submit(&l, k_bytes(&recorded), 0, &ack, NULL));
    assert_int_equal(ack.entry.time.ms, K_EPOCH + 2);
    __atomic_store_n(&now, K_EPOCH - 1500, __ATOMIC_SEQ_CST);
    k_register(&kit, 3, &s);
    assert_vch_err(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL), LEDGER_CLOCK);
    /* What is recorded is answered all the same. */
    assert_vch_ok(vch_ledger_submit(&l, k_bytes(&recorded), 0, &ack, NULL));
    assert_true(ack.known);
    __atomic_store_n(&now, K_EPOCH + 5000, __ATOMIC_SEQ_CST);
    k_register(&kit, 3, &s);
    assert_vch_ok(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL));
    assert_int_equal(ack.entry.time.ms, K_EPOCH + 5000);
    vch_ledger_close(&l);
}

enum { THREADS = 4, EACH = 60 };

struct client {
    struct vch_ledger l;
    unsigned number;
    unsigned recorded, known;
};

/* Two clients each submit the same devices: exactly one of each pair is new. */
static void *client_main(void *arg)
{
    struct client *c = arg;

    for (unsigned i = 0; i < EACH; i++) {
        VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
        struct vch_ledger_ack ack;
        struct vch_receipt r;
        struct k_statement s;

        k_register(&kit, c->number / 2 * 1000 + i, &s);
        assert_vch_ok(vch_ledger_submit(&c->l, k_bytes(&s), 60000, &ack, &receipt));
        assert_vch_ok(vch_receipt_decode(vch_buf_get(&receipt), &r));
        assert_vch_ok(vch_receipt_verify(kit.cr, &r, vch_text(c->l.id),
                                         &k_signer(&kit, K_LEDGER)->pub, &ack.entry.txid));
        c->recorded += ack.known ? 0 : 1;
        c->known += ack.known ? 1 : 0;
    }
    return NULL;
}

static void *reader_main(void *arg)
{
    struct client *c = arg;
    uint64_t next = 0;

    while (__atomic_load_n(&c->number, __ATOMIC_SEQ_CST) != 0) {
        VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(VCH_LEDGER_PROOF_MAX);
        struct vch_state_proof *p = vch_mem_alloc(sizeof(*p));
        struct vch_subject subject;

        k_subject(next++ % EACH, &subject);
        assert_vch_ok(
            vch_ledger_state_proof(&c->l, VCH_STATE_SUBJECT, vch_subject_bytes(&subject), &raw));
        assert_vch_ok(vch_state_proof_decode(vch_buf_get(&raw), p));
        assert_vch_ok(
            vch_state_proof_verify(kit.cr, p, vch_text(c->l.id), &k_signer(&kit, K_LEDGER)->pub));
        vch_mem_free(p);
    }
    return NULL;
}

static void concurrent_submits_are_recorded_once(void **state)
{
    struct vch_engine_options o = {.flush_ms = 10};
    struct vch_engine *e = open_engine("threads", true, &o);
    struct client c[THREADS], reader = {.number = 1};
    pthread_t thread[THREADS], reading;
    unsigned recorded = 0, known = 0;
    struct vch_engine_stats stats;

    (void)state;
    vch_engine_ledger(e, true, &reader.l);
    assert_int_equal(pthread_create(&reading, NULL, reader_main, &reader), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        c[i] = (struct client){.number = i};
        vch_engine_ledger(e, true, &c[i].l);
        assert_int_equal(pthread_create(&thread[i], NULL, client_main, &c[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        recorded += c[i].recorded;
        known += c[i].known;
    }
    __atomic_store_n(&reader.number, 0, __ATOMIC_SEQ_CST);
    assert_int_equal(pthread_join(reading, NULL), 0);
    assert_int_equal(recorded, THREADS / 2 * EACH);
    assert_int_equal(known, THREADS / 2 * EACH);
    vch_engine_stats(e, &stats);
    assert_int_equal(stats.under_way, 0);
    assert_int_equal(stats.book.head.size, 2 + recorded + stats.batches);
    vch_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suite_holds),
        cmocka_unit_test(restart_keeps_everything),
        cmocka_unit_test(one_process_writes),
        cmocka_unit_test(the_clock_is_watched),
        cmocka_unit_test(concurrent_submits_are_recorded_once),
    };
    int rc;

    k_open(&kit);
    rc = cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
    k_close(&kit);
    return rc;
}
