/* The endorsement contract by its table: every state, every action, and what each link must hold.
 * Values of the state and entries of the system: round trips and refusals. */
#include "vch_ledger_kit.h"

#include <vouch/contract/endorse.h>
#include <vouch/contract/system.h>

static struct vch_hash hash_of(uint8_t byte)
{
    struct vch_hash h;

    memset(h.b, byte, sizeof(h.b));
    return h;
}

static struct vch_contract_lineage lineage(enum vch_life life)
{
    return (struct vch_contract_lineage){
        .exists = true,
        .now = {.latest = hash_of(7), .seq = 4, .life = life, .registration = hash_of(8)},
        .as_name = vch_text(K_AS),
        .device_key_known = true};
}

static struct vch_contract_endorsement following(enum vch_action action)
{
    return (struct vch_contract_endorsement){.action = action,
                                             .seq = 5,
                                             .has_prev = true,
                                             .prev = hash_of(7),
                                             .registration = hash_of(8),
                                             .as_name = vch_text(K_AS)};
}

static uint32_t code(const struct vch_contract_lineage *l, const struct vch_contract_endorsement *e,
                     enum vch_life *ret_life)
{
    return vch_contract_endorse(l, e, ret_life).code;
}

/* req-test: Y.2247-7.1-8 */
static void every_state_and_action(void **state)
{
    static const struct {
        int life; /* 0: no lineage */
        enum vch_action action;
        uint32_t refusal;
        enum vch_life next;
    } row[] = {
        {0, VCH_ACTION_UPDATE, VCH_E_SUBJECT_UNKNOWN_CODE, 0},
        {0, VCH_ACTION_RETIRE, VCH_E_SUBJECT_UNKNOWN_CODE, 0},
        {VCH_LIFE_LIVE, VCH_ACTION_REGISTER, VCH_E_SUBJECT_USED_CODE, 0},
        {VCH_LIFE_LIVE, VCH_ACTION_UPDATE, 0, VCH_LIFE_LIVE},
        {VCH_LIFE_LIVE, VCH_ACTION_RETIRE, 0, VCH_LIFE_RETIRED},
        {VCH_LIFE_RETIRED, VCH_ACTION_REGISTER, VCH_E_SUBJECT_USED_CODE, 0},
        {VCH_LIFE_RETIRED, VCH_ACTION_UPDATE, VCH_E_SUBJECT_RETIRED_CODE, 0},
        {VCH_LIFE_RETIRED, VCH_ACTION_RETIRE, VCH_E_SUBJECT_RETIRED_CODE, 0},
    };

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(row); i++) {
        struct vch_contract_lineage l = {.exists = false};
        struct vch_contract_endorsement e = following(row[i].action);
        enum vch_life next = 0;

        if (row[i].life != 0) {
            l = lineage((enum vch_life)row[i].life);
        }
        assert_int_equal(code(&l, &e, &next), row[i].refusal);
        assert_int_equal(next, row[i].next);
    }
}

static void a_registration_begins_a_lineage(void **state)
{
    struct vch_contract_lineage l = {.exists = false};
    struct vch_contract_endorsement e = {.action = VCH_ACTION_REGISTER, .as_name = vch_text(K_AS)};
    enum vch_life next = 0;

    (void)state;
    assert_int_equal(code(&l, &e, &next), 0);
    assert_int_equal(next, VCH_LIFE_LIVE);
    l.device_key_known = true;
    assert_int_equal(code(&l, &e, &next), VCH_E_DEVICE_KEY_USED_CODE);
    l.device_key_known = false;
    e.seq = 1;
    assert_int_equal(code(&l, &e, &next), VCH_E_SEQ_GAP_CODE);
    e.seq = 0;
    e.has_prev = true;
    assert_int_equal(code(&l, &e, &next), VCH_E_PREV_STALE_CODE);
}

/* req-test: Y.2247-7.2.2-16 */
static void every_link_must_hold(void **state)
{
    const struct vch_contract_lineage l = lineage(VCH_LIFE_LIVE);
    enum vch_life next = 0;
    struct vch_contract_endorsement e;

    (void)state;
    for (uint64_t seq = 0; seq < 10; seq++) {
        e = following(VCH_ACTION_UPDATE);
        e.seq = seq;
        assert_int_equal(code(&l, &e, &next), seq < 5    ? VCH_E_SEQ_CONFLICT_CODE
                                              : seq == 5 ? 0
                                                         : VCH_E_SEQ_GAP_CODE);
    }
    e = following(VCH_ACTION_UPDATE);
    e.prev = hash_of(6);
    assert_int_equal(code(&l, &e, &next), VCH_E_PREV_STALE_CODE);
    e = following(VCH_ACTION_UPDATE);
    e.has_prev = false;
    assert_int_equal(code(&l, &e, &next), VCH_E_PREV_STALE_CODE);
    e = following(VCH_ACTION_RETIRE);
    e.registration = hash_of(9);
    assert_int_equal(code(&l, &e, &next), VCH_E_REGISTRATION_CHANGED_CODE);
    e = following(VCH_ACTION_RETIRE);
    e.as_name = vch_text(K_AS2);
    assert_int_equal(code(&l, &e, &next), VCH_E_AS_FOREIGN_CODE);
}

/* req-test: Y.2247-7.2.2-17 */
static void authorities_have_role_name_certificate(void **state)
{
    struct vch_hash cert = hash_of(1), other = hash_of(2);
    struct vch_state_authority a = {
        .role = VCH_ROLE_AS, .name = vch_text(K_AS), .has_cert = true, .cert = cert};

    (void)state;
    assert_vch_ok(vch_contract_authority(&a, VCH_ROLE_AS, vch_text(K_AS), &cert));
    assert_vch_err(vch_contract_authority(&a, VCH_ROLE_AGGREGATOR, vch_text(K_AS), NULL),
                   AUTHORITY_ROLE);
    assert_vch_err(vch_contract_authority(&a, VCH_ROLE_AS, vch_text(K_AS2), &cert), AUTHORITY_NAME);
    assert_vch_err(vch_contract_authority(&a, VCH_ROLE_AS, vch_text(K_AS), &other), AUTHORITY_CERT);
    a.has_cert = false;
    assert_vch_err(vch_contract_authority(&a, VCH_ROLE_AS, vch_text(K_AS), &cert), AUTHORITY_CERT);
}

static void anchors_need_a_live_lineage(void **state)
{
    struct vch_subject own = {{1}}, other = {{2}};
    struct vch_state_subject now = {.life = VCH_LIFE_LIVE};

    (void)state;
    assert_vch_ok(vch_contract_anchor(&own, &own, &now));
    assert_vch_err(vch_contract_anchor(&own, &other, &now), DEVICE_SUBJECT);
    now.life = VCH_LIFE_RETIRED;
    assert_vch_err(vch_contract_anchor(&own, &own, &now), SUBJECT_RETIRED);
}

static vch_err genesis(const struct k_kit *k, const struct vch_genesis_authority *a, size_t n,
                       const char *id)
{
    static uint8_t room[8192];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_genesis g;
    struct vch_bytes out;

    VCH_TRY(vch_genesis_encode(k->cr, vch_text(id), (struct vch_time){K_EPOCH}, a, n, &w));
    VCH_TRY(vch_writer_finish(&w, &out));
    VCH_TRY(vch_genesis_decode(k->cr, out, &g));
    VCH_CHECK(g.count == n && g.time.ms == K_EPOCH && vch_bytes_equal(g.ledger_id, vch_text(id)),
              BUG);
    for (size_t cut = 0; cut < out.n; cut++) { /* no beginning of it is one */
        VCH_CHECK(!vch_ok(vch_genesis_decode(k->cr, vch_bytes(out.p, cut), &g)), BUG);
    }
    return VCH_OK;
}

static void genesis_names_authorities(void **state)
{
    static char long_name[140];
    struct vch_genesis_authority a[K_KEYS + 1];
    struct k_kit k;

    (void)state;
    memset(long_name, 'n', sizeof(long_name) - 1);
    k_open(&k);
    memcpy(a, k.authority, sizeof(k.authority));
    assert_vch_ok(genesis(&k, a, K_KEYS, K_LEDGER_ID));
    assert_vch_ok(genesis(&k, a, 1, K_LEDGER_ID));
    assert_vch_err(genesis(&k, a, K_KEYS, "another.example"), GENESIS); /* the ledger key's name */
    assert_vch_err(genesis(&k, a, 0, K_LEDGER_ID), GENESIS);
    assert_vch_err(genesis(&k, a + 1, K_KEYS - 1, K_LEDGER_ID), GENESIS); /* no ledger key */
    a[K_KEYS] = a[K_AGGREGATOR];
    assert_vch_err(genesis(&k, a, K_KEYS + 1, K_LEDGER_ID), GENESIS); /* a key twice */
    a[K_AS_KEY].cert = vch_bytes(NULL, 0);
    assert_vch_err(genesis(&k, a, K_KEYS, K_LEDGER_ID), GENESIS); /* an AS without certificate */
    memcpy(a, k.authority, sizeof(k.authority));
    a[K_CHECKPOINT].key = a[K_AGGREGATOR].key;
    assert_vch_err(genesis(&k, a, K_CHECKPOINT + 1, K_LEDGER_ID), GENESIS); /* not Ed25519 */
    memcpy(a, k.authority, sizeof(k.authority));
    a[K_AGGREGATOR].name = vch_text(long_name);
    assert_vch_err(genesis(&k, a, K_KEYS, K_LEDGER_ID), GENESIS);
    a[K_AGGREGATOR].name = vch_text("\xff");
    assert_vch_err(genesis(&k, a, K_KEYS, K_LEDGER_ID), GENESIS);
    memcpy(a, k.authority, sizeof(k.authority));
    a[K_AGGREGATOR].key.x[0] ^= 1;
    assert_false(vch_ok(genesis(&k, a, K_KEYS, K_LEDGER_ID))); /* no point of the curve */
    k_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_action),
        cmocka_unit_test(a_registration_begins_a_lineage),
        cmocka_unit_test(every_link_must_hold),
        cmocka_unit_test(authorities_have_role_name_certificate),
        cmocka_unit_test(anchors_need_a_live_lineage),
        cmocka_unit_test(genesis_names_authorities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
