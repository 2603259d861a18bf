#include "suite.h"

static struct vch_buf receipt_buf(void)
{
    return vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
}

static void receipt_holds(const struct k_kit *k, const struct vch_ledger *l, struct vch_bytes raw,
                          const struct vch_ledger_entry *entry)
{
    struct vch_receipt r;

    assert_vch_ok(vch_receipt_decode(raw, &r));
    assert_int_equal(r.index, entry->index);
    assert_int_equal(r.head.time_ms, entry->time.ms);
    assert_vch_ok(
        vch_receipt_verify(k->cr, &r, vch_text(l->id), &k_signer(k, K_LEDGER)->pub, &entry->txid));
}

/* req-test: Y.2247-7.2.2-9 */
void suite_submit(const struct k_kit *k, const struct vch_ledger *l, uint64_t base)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = receipt_buf();
    VCH_AUTO(vch_buf_fini) struct vch_buf again = receipt_buf();
    VCH_AUTO(vch_buf_fini) struct vch_buf bytes = vch_buf_init(VCH_LEDGER_STATEMENT_MAX);
    struct k_statement s, resigned;
    struct vch_ledger_ack ack, ack2;
    struct vch_ledger_entry entry;
    struct vch_hash none = {{1}};

    k_register(k, base, &s);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&s), 0, &ack, &receipt));
    assert_false(ack.known);
    assert_true(vch_hash_equal(&ack.entry.txid, &s.txid));
    receipt_holds(k, l, vch_buf_get(&receipt), &ack.entry);

    /* The same bytes: the same transaction, the same receipt. */
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&s), 0, &ack2, &again));
    assert_true(ack2.known);
    assert_int_equal(ack2.entry.index, ack.entry.index);
    assert_bytes_equal(vch_buf_get(&again), vch_buf_get(&receipt));

    /* The same registration endorsed once more: the first transaction is answered. */
    k_endorse(k,
              &(struct k_endorsement){
                  .device = base, .action = VCH_ACTION_REGISTER, .checked_at_ms = K_EPOCH + 5},
              &resigned);
    assert_false(vch_hash_equal(&resigned.txid, &s.txid));
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&resigned), 0, &ack2, &again));
    assert_true(ack2.known);
    assert_true(vch_hash_equal(&ack2.entry.txid, &s.txid));
    assert_int_equal(ack2.entry.index, ack.entry.index);
    assert_bytes_equal(vch_buf_get(&again), vch_buf_get(&receipt));

    assert_vch_ok(vch_ledger_get(l, &s.txid, &entry, &bytes, &again));
    assert_bytes_equal(vch_buf_get(&bytes), k_bytes(&s));
    assert_int_equal(entry.index, ack.entry.index);
    assert_int_equal(entry.time.ms, ack.entry.time.ms);
    assert_false(entry.is_system);
    receipt_holds(k, l, vch_buf_get(&again), &entry);
    assert_vch_ok(vch_ledger_entry_at(l, ack.entry.index, &entry, &bytes, NULL));
    assert_true(vch_hash_equal(&entry.txid, &s.txid));
    assert_vch_err(vch_ledger_get(l, &none, &entry, &bytes, NULL), LEDGER_NO_ENTRY);
    assert_vch_err(vch_ledger_get(l, &resigned.txid, &entry, &bytes, NULL), LEDGER_NO_ENTRY);
    assert_vch_err(vch_ledger_entry_at(l, UINT64_C(1) << 40, &entry, &bytes, NULL),
                   LEDGER_NO_ENTRY);
}

struct walked {
    const struct k_kit *k;
    struct vch_hash txid[8];
    size_t n;
};

static vch_err walk_one(void *arg, const struct vch_ledger_entry *entry, struct vch_bytes bytes)
{
    struct walked *w = arg;
    struct vch_hash h;

    vch_sha256_of(w->k->cr, bytes, &h);
    assert_true(vch_hash_equal(&h, &entry->txid));
    assert_true(w->n < VCH_ARRAY_LEN(w->txid));
    w->txid[w->n++] = entry->txid;
    return VCH_OK;
}

/* req-test: Y.2247-7.1-8 */
void suite_lineage(const struct k_kit *k, const struct vch_ledger *l, uint64_t base)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    struct vch_ledger_head before, after;
    struct vch_state_subject state;
    struct walked walked = {.k = k};
    struct k_statement s[4];
    struct vch_ledger_ack ack;
    struct vch_subject subject, unknown;

    for (unsigned i = 0; i < 4; i++) {
        struct k_endorsement e = {.device = base,
                                  .action = i == 0 ? VCH_ACTION_REGISTER : VCH_ACTION_UPDATE,
                                  .seq = i,
                                  .prev = i == 0 ? NULL : &s[i - 1].txid};

        assert_vch_ok(vch_ledger_head(l, &before, NULL, NULL));
        k_endorse(k, &e, &s[i]);
        assert_vch_ok(vch_ledger_submit(l, k_bytes(&s[i]), 0, &ack, NULL));
        assert_vch_ok(vch_ledger_head(l, &after, NULL, NULL));
        assert_vch_ok(vch_ledger_consistency(l, before.size, after.size, &path));
        assert_vch_ok(vch_merkle_consistency_verify(
            k->cr, before.size, &before.root, after.size, &after.root,
            (const struct vch_hash *)(const void *)path.p, path.n / VCH_HASH_LEN));
    }
    k_subject(base, &subject);
    assert_vch_ok(vch_ledger_latest(l, &subject, &state));
    assert_true(vch_hash_equal(&state.latest, &s[3].txid));
    assert_int_equal(state.seq, 3);
    assert_int_equal(state.index, ack.entry.index);
    assert_int_equal(state.life, VCH_LIFE_LIVE);
    assert_vch_ok(vch_ledger_history(k->cr, l, &subject, walk_one, &walked));
    assert_int_equal(walked.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(vch_hash_equal(&walked.txid[i], &s[3 - i].txid));
    }
    k_subject(UINT64_MAX, &unknown);
    assert_vch_err(vch_ledger_latest(l, &unknown, &state), LEDGER_NO_ENTRY);
}

static void refused(const struct k_kit *k, const struct vch_ledger *l, struct k_endorsement e,
                    uint32_t code)
{
    struct vch_ledger_head before, after;
    struct vch_ledger_ack ack;
    struct k_statement s;
    vch_err err;

    k_endorse(k, &e, &s);
    assert_vch_ok(vch_ledger_head(l, &before, NULL, NULL));
    err = vch_ledger_submit(l, k_bytes(&s), 0, &ack, NULL);
    if (err.code != code) {
        fail_msg("%s instead of %s", vch_err_info(err)->slug, vch_err_info((vch_err){code})->slug);
    }
    assert_vch_ok(vch_ledger_head(l, &after, NULL, NULL));
    assert_int_equal(after.size, before.size); /* nothing was appended */
}

/* NEXT is a good update of the lineage. */
static void successors(const struct k_kit *k, const struct vch_ledger *l, uint64_t base,
                       struct k_endorsement next)
{
    struct k_statement first, second;
    struct vch_ledger_ack ack;
    struct k_endorsement e;

    /* The AS's second key of the same name is an authorised successor. */
    e = next, e.signer = K_AS_KEY2;
    k_endorse(k, &e, &first);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&first), 0, &ack, NULL));
    e = (struct k_endorsement){
        .device = base, .action = VCH_ACTION_RETIRE, .seq = 3, .prev = &first.txid};
    k_endorse(k, &e, &second);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&second), 0, &ack, NULL));
    e.action = VCH_ACTION_UPDATE, e.seq = 4, e.prev = &second.txid;
    refused(k, l, e, VCH_E_SUBJECT_RETIRED_CODE);
    e.action = VCH_ACTION_RETIRE;
    refused(k, l, e, VCH_E_SUBJECT_RETIRED_CODE);
    e = (struct k_endorsement){.device = base, .nonce = 9, .action = VCH_ACTION_REGISTER};
    refused(k, l, e, VCH_E_SUBJECT_USED_CODE);
}

static void malformed(const struct k_kit *k, const struct vch_ledger *l, uint64_t base)
{
    struct vch_ledger_ack ack;
    struct k_statement bad;

    /* A broken signature, something that is no statement, an entry of the system's own. */
    k_register(k, base + 5, &bad);
    bad.room[bad.n - 1] ^= 1;
    assert_vch_err(vch_ledger_submit(l, k_bytes(&bad), 0, &ack, NULL), SIGNATURE);
    assert_false(vch_ok(vch_ledger_submit(l, vch_text("text"), 0, &ack, NULL)));
    assert_vch_err(vch_ledger_submit(l, vch_bytes("\x85\x01\x01\x01\x00\x40", 6), 0, &ack, NULL),
                   SYSTEM_ENTRY);
    {
        static uint8_t large[VCH_LEDGER_STATEMENT_MAX + 1];

        assert_false(vch_ok(vch_ledger_submit(l, VCH_BYTES_OF(large), 0, &ack, NULL)));
    }
}

/* req-test: Y.2247-7.2.2-16, Y.2247-7.2.2-17 */
void suite_refusals(const struct k_kit *k, const struct vch_ledger *l, uint64_t base)
{
    struct k_statement first, second;
    struct vch_ledger_ack ack;
    struct vch_hash wrong = {{9}};
    struct k_endorsement next = {
        .device = base, .action = VCH_ACTION_UPDATE, .seq = 2, .prev = &second.txid};
    struct k_endorsement e;

    k_register(k, base, &first);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&first), 0, &ack, NULL));
    k_endorse(k,
              &(struct k_endorsement){
                  .device = base, .action = VCH_ACTION_UPDATE, .seq = 1, .prev = &first.txid},
              &second);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&second), 0, &ack, NULL));

    e = next, e.seq = 1, e.prev = &first.txid, e.checked_at_ms = K_EPOCH + 1;
    refused(k, l, e, VCH_E_SEQ_CONFLICT_CODE);
    e = next, e.prev = &first.txid;
    refused(k, l, e, VCH_E_PREV_STALE_CODE);
    e = next, e.seq = 3;
    refused(k, l, e, VCH_E_SEQ_GAP_CODE);
    e = next, e.nonce = 7; /* another registration of the same key */
    refused(k, l, e, VCH_E_REGISTRATION_CHANGED_CODE);
    e = next, e.device = base + 1, e.subject = base; /* another key */
    refused(k, l, e, VCH_E_REGISTRATION_CHANGED_CODE);
    e = next, e.signer = K_AS_OTHER, e.iss = K_AS2, e.cert = &k->cert_hash_other;
    refused(k, l, e, VCH_E_AS_FOREIGN_CODE);
    e = next, e.cert = &wrong;
    refused(k, l, e, VCH_E_AUTHORITY_CERT_CODE);
    e = next, e.signer = K_AS_OTHER;
    refused(k, l, e, VCH_E_AUTHORITY_NAME_CODE);
    e = next, e.signer = K_AGGREGATOR;
    refused(k, l, e, VCH_E_AUTHORITY_ROLE_CODE);
    e = next, e.device = base + 2, e.subject = base + 2;
    refused(k, l, e, VCH_E_SUBJECT_UNKNOWN_CODE);
    e = (struct k_endorsement){.device = base + 3, .subject = base, .action = VCH_ACTION_REGISTER};
    refused(k, l, e, VCH_E_SUBJECT_USED_CODE);
    e = (struct k_endorsement){
        .device = base, .subject = base + 4, .nonce = 3, .action = VCH_ACTION_REGISTER};
    refused(k, l, e, VCH_E_DEVICE_KEY_USED_CODE);

    successors(k, l, base, next);
    malformed(k, l, base);
}

static void anchors(const struct k_kit *k, const struct vch_ledger *l, uint64_t base)
{
    struct vch_ossl_key *device = k_device(base), *stranger = k_device(base + 77);
    struct vch_subject subject, other;
    struct vch_ledger_ack ack;
    struct k_statement s;

    k_subject(base, &subject);
    k_subject(base + 1, &other);
    k_anchor(k, device, &subject, base, &s);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&s), 0, &ack, NULL));
    k_anchor(k, NULL, NULL, base, &s);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&s), 0, &ack, NULL));
    k_anchor(k, stranger, &subject, base, &s);
    assert_vch_err(vch_ledger_submit(l, k_bytes(&s), 0, &ack, NULL), DEVICE_UNKNOWN);
    k_anchor(k, device, &other, base, &s);
    assert_vch_err(vch_ledger_submit(l, k_bytes(&s), 0, &ack, NULL), DEVICE_SUBJECT);
    vch_ossl_key_close(device);
    vch_ossl_key_close(stranger);
}

static void state_proofs(const struct k_kit *k, const struct vch_ledger *l, uint64_t device,
                         bool present)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(VCH_LEDGER_PROOF_MAX);
    struct vch_state_proof *p = vch_mem_alloc(sizeof(*p));
    struct vch_state_subject state;
    struct vch_subject subject;

    k_subject(device, &subject);
    assert_vch_ok(vch_ledger_state_proof(l, VCH_STATE_SUBJECT, vch_subject_bytes(&subject), &raw));
    assert_vch_ok(vch_state_proof_decode(vch_buf_get(&raw), p));
    assert_int_equal(p->present, present);
    assert_vch_ok(vch_state_proof_verify(k->cr, p, vch_text(l->id), &k_signer(k, K_LEDGER)->pub));
    if (present) {
        assert_vch_ok(vch_state_subject_decode(p->value, &state));
        assert_int_equal(state.seq, 0);
    }
    p->present = !p->present; /* the opposite is not shown */
    assert_false(
        vch_ok(vch_state_proof_verify(k->cr, p, vch_text(l->id), &k_signer(k, K_LEDGER)->pub)));
    vch_mem_free(p);
    assert_vch_err(vch_ledger_state_proof(l, VCH_STATE_SUBJECT, vch_text("short"), &raw), USAGE);
}

struct roles {
    unsigned count[5];
    unsigned with_cert;
};

static vch_err role_count(void *arg, const struct vch_ledger_authority *a)
{
    struct roles *r = arg;

    r->count[a->role]++;
    r->with_cert += a->cert.n > 0 ? 1 : 0;
    return VCH_OK;
}

void suite_proofs(const struct k_kit *k, const struct vch_ledger *l, uint64_t base)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf note = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = receipt_buf();
    struct vch_ledger_head head;
    struct vch_checkpoint cp;
    struct vch_note n;
    struct vch_receipt r;
    struct roles roles = {{0}, 0};
    struct vch_ledger_ack ack;
    struct k_statement s;
    struct vch_hash leaf;
    uint64_t time_s;

    k_register(k, base, &s);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&s), 0, &ack, NULL));
    anchors(k, l, base);
    assert_vch_ok(vch_ledger_head(l, &head, &note, &raw));
    assert_vch_ok(vch_ledger_inclusion(l, ack.entry.index, head.size, &path));
    vch_merkle_leaf_entry(k->cr, &s.txid, &leaf);
    assert_vch_ok(vch_merkle_inclusion_verify(k->cr, &leaf, ack.entry.index, head.size,
                                              (const struct vch_hash *)(const void *)path.p,
                                              path.n / VCH_HASH_LEN, &head.root));
    assert_vch_err(vch_ledger_inclusion(l, head.size, head.size, &path), USAGE);
    assert_vch_err(vch_ledger_inclusion(l, 0, head.size + 1000000, &path), USAGE);
    assert_vch_err(vch_ledger_consistency(l, 0, head.size, &path), USAGE);
    assert_vch_err(vch_ledger_consistency(l, 2, 1, &path), USAGE);

    assert_vch_ok(vch_receipt_decode(vch_buf_get(&raw), &r));
    assert_int_equal(r.index, head.size - 1);
    assert_int_equal(r.head.size, head.size);
    assert_vch_ok(vch_note_decode(vch_buf_get(&note), &n));
    assert_vch_ok(vch_note_verify(k->cr, &n, vch_text(l->id), VCH_NOTE_ED25519,
                                  &k_signer(k, K_CHECKPOINT)->pub, &time_s));
    assert_vch_ok(vch_checkpoint_decode(n.text, &cp));
    assert_int_equal(cp.size, head.size);
    assert_true(vch_hash_equal(&cp.root, &head.root));

    state_proofs(k, l, base, true);
    state_proofs(k, l, base + 50, false);
    assert_vch_ok(vch_ledger_authorities(l, role_count, &roles));
    assert_int_equal(roles.count[VCH_ROLE_LEDGER], 1);
    assert_int_equal(roles.count[VCH_ROLE_AS], 3);
    assert_int_equal(roles.count[VCH_ROLE_AGGREGATOR], 1);
    assert_int_equal(roles.count[VCH_ROLE_CHECKPOINT], 1);
    assert_int_equal(roles.with_cert, 3);
}

struct followed {
    uint64_t next;
    uint64_t stop_at; /* UINT64_MAX: never */
    uint64_t statements;
};

static vch_err follow_one(void *arg, const struct vch_ledger_entry *entry, struct vch_bytes bytes)
{
    struct followed *f = arg;

    assert_int_equal(entry->index, f->next);
    assert_true(bytes.n > 0);
    if (entry->index == f->stop_at) {
        return VCH_E(USAGE);
    }
    f->statements += entry->is_system ? 0 : 1;
    f->next++;
    return VCH_OK;
}

void suite_follow(const struct k_kit *k, const struct vch_ledger *l, uint64_t base)
{
    struct followed f = {0, UINT64_MAX, 0};
    struct vch_ledger_head head;
    struct vch_ledger_ack ack;
    struct k_statement s;
    uint64_t next = 0;

    k_register(k, base, &s);
    assert_vch_ok(vch_ledger_submit(l, k_bytes(&s), 0, &ack, NULL));
    assert_vch_ok(vch_ledger_head(l, &head, NULL, NULL));
    while (next < head.size) {
        assert_vch_ok(vch_ledger_follow(l, next, 1000, follow_one, &f, &next));
        assert_int_equal(next, f.next);
    }
    assert_int_equal(next, head.size);
    assert_true(f.statements > 0);
    assert_vch_ok(vch_ledger_follow(l, next, 1, follow_one, &f, &next)); /* nothing new */
    assert_int_equal(next, head.size);
    f = (struct followed){0, 1, 0};
    assert_vch_err(vch_ledger_follow(l, 0, 0, follow_one, &f, &next), USAGE);
    assert_int_equal(next, 1);
}

void suite_all(const struct k_kit *k, const struct vch_ledger *l)
{
    suite_submit(k, l, 1000);
    suite_lineage(k, l, 2000);
    suite_refusals(k, l, 3000);
    suite_proofs(k, l, 4000);
    suite_follow(k, l, 5000);
}
