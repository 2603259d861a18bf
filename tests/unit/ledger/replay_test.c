/* The same statements in the same batches with the same times give the same roots, whoever applies
 * them; the map's root depends on the set of its values alone; proofs hold at every size. */
#include <sys/wait.h>

#include "vch_ledger_kit.h"
#include "vch_tmp.h"

#include <vouch/contract/proof.h>
#include <vouch/ledger/book.h>
#include <vouch/merkle/map.h>

enum { DEVICES = 260, STATEMENTS = 2 * DEVICES };

static struct k_kit kit;
static struct k_statement *statement; /* registrations, then updates */

static struct vch_ledger_book *create(const char *name)
{
    struct vch_ledger_book_options o = {.cr = kit.cr, .dir = t_tmp_path(name)};
    struct vch_ledger_book *b;

    assert_vch_ok(vch_ledger_book_create(&o, K_LEDGER_ID, (struct vch_time){K_EPOCH}, kit.authority,
                                         K_KEYS, 1u << 20, k_signer(&kit, K_LEDGER)));
    assert_vch_ok(vch_ledger_book_open(&o, &b, NULL));
    return b;
}

/* Values of the state in the order of their keys, as the effects say. */
struct pairs {
    struct vch_map_pair pair[4 * STATEMENTS + K_KEYS];
    size_t n;
};

static void put(struct pairs *p, enum vch_state_kind kind, struct vch_bytes id,
                struct vch_bytes value)
{
    struct vch_map_pair new;
    size_t i = 0;

    vch_state_key(kit.cr, kind, id, &new.k);
    vch_map_value(kit.cr, value, &new.v);
    while (i < p->n && memcmp(p->pair[i].k.b, new.k.b, VCH_HASH_LEN) < 0) {
        i++;
    }
    if (i == p->n || !vch_hash_equal(&p->pair[i].k, &new.k)) {
        memmove(&p->pair[i + 1], &p->pair[i], (p->n - i) * sizeof(p->pair[0]));
        p->n++;
    }
    p->pair[i] = new;
}

static void apply(struct vch_ledger_book *b, size_t from, size_t to, int64_t time_ms,
                  struct pairs *p, struct vch_ledger_head *ret)
{
    assert_vch_ok(vch_ledger_book_begin(b, (struct vch_time){time_ms}));
    for (size_t i = from; i < to; i++) {
        struct vch_core_keys keys = vch_ledger_book_keys(b);
        struct vch_core_effects e;
        struct vch_core_facts f;

        assert_vch_ok(vch_core_check(kit.cr, k_bytes(&statement[i]), &keys, &f));
        assert_vch_ok(vch_ledger_book_add(b, k_bytes(&statement[i]), &f, &e));
        for (size_t k = 0; k < e.count && p != NULL; k++) {
            put(p, e.put[k].kind, vch_core_put_id(&e.put[k]), vch_core_put_value(&e.put[k]));
        }
    }
    assert_vch_ok(vch_ledger_book_seal(b, ret));
    assert_vch_ok(vch_ledger_book_commit(b, k_signer(&kit, K_LEDGER)));
}

static void two_instances_agree(void **state)
{
    struct vch_ledger_book *a = create("a"), *b = create("b");
    struct vch_ledger_head ha, hb;
    size_t done = 0;

    (void)state;
    for (unsigned batch = 1; done < STATEMENTS; batch++) {
        size_t n = 1 + t_random() % 40;

        n = n > STATEMENTS - done ? STATEMENTS - done : n;
        apply(a, done, done + n, K_EPOCH + batch * 10, NULL, &ha);
        apply(b, done, done + n, K_EPOCH + batch * 10, NULL, &hb);
        assert_int_equal(ha.size, hb.size);
        assert_true(vch_hash_equal(&ha.root, &hb.root));
        assert_true(vch_hash_equal(&ha.map_root, &hb.map_root));
        if (batch % 3 == 0) {
            assert_vch_ok(vch_ledger_book_flush(b)); /* when the view is written does not matter */
        }
        done += n;
    }
    vch_ledger_book_close(a);
    vch_ledger_book_close(b);
}

/* Against the plain definition over the whole sorted set. */
static void the_map_is_that_of_its_values(void **state)
{
    static struct pairs p;
    struct vch_ledger_book *b = create("map");
    struct vch_ledger_head h;
    struct vch_hash root;

    (void)state;
    for (int i = 0; i < K_KEYS; i++) {
        struct vch_core_genesis_put g;

        assert_vch_ok(vch_core_genesis_apply(kit.cr, &kit.authority[i], &g));
        put(&p, VCH_STATE_AUTHORITY, vch_hash_bytes(&g.thumbprint), vch_bytes(g.value, g.value_n));
    }
    for (size_t i = 0; i < STATEMENTS; i += 20) {
        apply(b, i, i + 20, K_EPOCH + 1 + (int64_t)i, &p, &h);
        assert_vch_ok(vch_map_root(kit.cr, p.pair, p.n, &root));
        assert_int_equal(h.count, p.n);
        assert_true(vch_hash_equal(&h.map_root, &root));
        if (i % 100 == 60) {
            assert_vch_ok(vch_ledger_book_flush(b));
        }
    }
    vch_ledger_book_close(b);
}

static void proof_is(struct vch_ledger_book *b, enum vch_state_kind kind, struct vch_bytes id,
                     bool present)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(VCH_LEDGER_PROOF_MAX);
    static struct vch_state_proof p;

    assert_vch_ok(vch_ledger_book_state_proof(b, kind, id, &raw));
    assert_vch_ok(vch_state_proof_decode(vch_buf_get(&raw), &p));
    assert_int_equal(p.present, present);
    assert_vch_ok(
        vch_state_proof_verify(kit.cr, &p, vch_text(K_LEDGER_ID), &k_signer(&kit, K_LEDGER)->pub));
    /* Another state root under the same receipt, or a head that is none, is refused. */
    p.root.map_root.b[0] ^= 1;
    assert_false(vch_ok(
        vch_state_proof_verify(kit.cr, &p, vch_text(K_LEDGER_ID), &k_signer(&kit, K_LEDGER)->pub)));
    p.root.map_root.b[0] ^= 1;
    p.receipt.index--;
    assert_vch_err(
        vch_state_proof_verify(kit.cr, &p, vch_text(K_LEDGER_ID), &k_signer(&kit, K_LEDGER)->pub),
        STATE_PROOF);
}

static void every_value_is_proven(void **state)
{
    struct vch_ledger_book *b = create("proofs");
    struct vch_ledger_head h;

    (void)state;
    apply(b, 0, DEVICES, K_EPOCH + 1, NULL, &h);
    for (uint64_t i = 0; i < DEVICES; i += 7) {
        struct vch_subject s;
        struct vch_hash h2;

        if (i == 140) {
            assert_vch_ok(vch_ledger_book_flush(b));
        }
        k_subject(i, &s);
        proof_is(b, VCH_STATE_SUBJECT, vch_subject_bytes(&s), true);
        proof_is(b, VCH_STATE_TRANSACTION, vch_hash_bytes(&statement[i].txid), true);
        proof_is(b, VCH_STATE_TRANSACTION, vch_hash_bytes(&statement[DEVICES + i].txid), false);
        vch_sha256_of(kit.cr, vch_subject_bytes(&s), &h2);
        proof_is(b, VCH_STATE_DEVICE_KEY, vch_hash_bytes(&h2), false);
    }
    vch_ledger_book_close(b);
}

/* A batch that is dropped leaves nothing behind. */
static void an_aborted_batch_leaves_nothing(void **state)
{
    struct vch_ledger_book *a = create("whole"), *b = create("aborted");
    struct vch_ledger_head ha, hb, none;

    (void)state;
    apply(a, 0, 50, K_EPOCH + 10, NULL, &ha);
    apply(b, 0, 50, K_EPOCH + 10, NULL, &hb);
    assert_vch_ok(vch_ledger_book_begin(b, (struct vch_time){K_EPOCH + 11}));
    for (size_t i = 50; i < 90; i++) {
        struct vch_core_effects e;
        struct vch_core_facts f;

        assert_vch_ok(vch_core_read(kit.cr, k_bytes(&statement[i]), &f));
        assert_vch_ok(vch_ledger_book_add(b, k_bytes(&statement[i]), &f, &e));
    }
    assert_vch_ok(vch_ledger_book_seal(b, &none));
    vch_ledger_book_abort(b);
    vch_ledger_book_head(b, &hb);
    assert_int_equal(hb.size, ha.size);
    apply(a, 50, 80, K_EPOCH + 20, NULL, &ha);
    apply(b, 50, 80, K_EPOCH + 20, NULL, &hb);
    assert_true(vch_hash_equal(&ha.root, &hb.root));
    assert_vch_err(vch_ledger_book_begin(b, (struct vch_time){K_EPOCH + 20}), LEDGER_CLOCK);
    vch_ledger_book_close(a);
    vch_ledger_book_close(b);
}

/* A second process may read while the first one writes; it sees what was there when it opened. */
static void a_reader_beside_the_writer(void **state)
{
    struct vch_ledger_book *b = create("beside");
    struct vch_ledger_head h;
    char dir[PATH_MAX + 64];

    (void)state;
    snprintf(dir, sizeof(dir), "%s", t_tmp_path("beside"));
    apply(b, 0, 30, K_EPOCH + 10, NULL, &h);
    assert_vch_ok(vch_ledger_book_flush(b));
    apply(b, 30, 60, K_EPOCH + 20, NULL, &h); /* not in the view */
    {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) { /* a process of its own, so far as the database is concerned */
            struct vch_ledger_book_options o = {.cr = kit.cr, .dir = dir, .read_only = true};
            struct vch_ledger_book *r;
            struct vch_ledger_head seen;
            struct vch_ledger l;
            struct vch_ledger_ack ack;

            if (!vch_ok(vch_ledger_book_open(&o, &r, NULL))) {
                _exit(2);
            }
            vch_ledger_book_table(r, &l);
            if (!vch_ok(vch_ledger_head(&l, &seen, NULL, NULL)) || seen.size != h.size) {
                _exit(3);
            }
            if (!vch_err_is(vch_ledger_submit(&l, k_bytes(&statement[0]), 0, &ack, NULL),
                            VCH_E(LEDGER_READ_ONLY))) {
                _exit(4);
            }
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    vch_ledger_book_close(b);
}

static int setup(void **state)
{
    statement = calloc(STATEMENTS, sizeof(*statement));
    assert_non_null(statement);
    for (size_t i = 0; i < DEVICES; i++) {
        k_register(&kit, i, &statement[i]);
        k_endorse(
            &kit,
            &(struct k_endorsement){
                .device = i, .action = VCH_ACTION_UPDATE, .seq = 1, .prev = &statement[i].txid},
            &statement[DEVICES + i]);
    }
    return t_tmp_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_instances_agree),
        cmocka_unit_test(the_map_is_that_of_its_values),
        cmocka_unit_test(every_value_is_proven),
        cmocka_unit_test(an_aborted_batch_leaves_nothing),
        cmocka_unit_test(a_reader_beside_the_writer),
    };
    int rc;

    k_open(&kit);
    rc = cmocka_run_group_tests(tests, setup, t_tmp_teardown);
    free(statement);
    k_close(&kit);
    return rc;
}
