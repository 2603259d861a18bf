#include "vch_tamper.h"

#define SIGNED_AT (T_EPOCH + T_DAY)
#define HOUR      3600000LL

static const struct t_terms normal = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_NULL,
                                      VCH_STANDING_GOOD};

/* ---- building */
static void put_statement(struct t_case *c, struct vch_bytes bytes, struct vch_bytes receipt)
{
    struct t_bundle *b = &c->b;

    b->statement[b->statements].bytes = bytes;
    b->statement[b->statements].receipt[0] = receipt;
    b->statement[b->statements].receipts = receipt.n != 0;
    b->statements++;
}

static void put_record(struct t_case *c, const struct t_record *r)
{
    struct t_bundle *b = &c->b;

    put_statement(c, r->statement, t_receipt(&c->w, 0, r->index));
    b->disclosed[b->discloseds].txid = r->txid;
    memcpy(b->disclosed[b->discloseds].contents, r->disclosures, sizeof(r->disclosures));
    b->disclosed[b->discloseds].count = r->disclosure_count;
    b->discloseds++;
}

static void put_rows(struct t_case *c, uint64_t item, const struct t_batch *batch)
{
    struct t_bundle *b = &c->b;

    b->rows[b->row_sets].item = item;
    b->rows[b->row_sets].salt = t_keep(&c->w, vch_bytes(batch->seed, VCH_SEED_LEN));
    memcpy(b->rows[b->row_sets].row, batch->row, sizeof(batch->row));
    b->rows[b->row_sets].count = batch->rows;
    b->row_sets++;
}

static void put_single(struct t_case *c, uint64_t item, const uint8_t salt[VCH_SALT_LEN],
                       struct vch_bytes raw)
{
    struct t_bundle *b = &c->b;

    b->rows[b->row_sets].item = item;
    b->rows[b->row_sets].salt = t_keep(&c->w, vch_bytes(salt, VCH_SALT_LEN));
    b->rows[b->row_sets].row[0] = raw;
    b->rows[b->row_sets].count = 1;
    b->row_sets++;
}

static void put_anchor(struct t_case *c, uint64_t item, struct vch_bytes anchored, int64_t at_ms)
{
    struct t_bundle *b = &c->b;
    struct vch_bytes statement;
    uint64_t index = t_anchor(&c->w, 0, anchored, false, at_ms, &statement);

    put_statement(c, statement, t_receipt(&c->w, 0, index));
    b->anchored[b->anchoreds].item = item;
    b->anchored[b->anchoreds].txid = c->w.ledger[0].txid[index];
    b->anchoreds++;
}

static void encode(struct t_case *c)
{
    struct t_bundle *b = &c->b;
    struct vch_stmt_bundle_sum sum;
    uint8_t room[65536];
    struct vch_writer w;
    struct vch_bytes rec;

#define PUT(call)                                                                                  \
    do {                                                                                           \
        w = vch_writer(VCH_SPAN_OF(room));                                                         \
        call;                                                                                      \
        assert_vch_ok(vch_writer_finish(&w, &rec));                                                \
        vch_stmt_bundle_sum_add(&sum, rec);                                                        \
        assert_vch_ok(vch_buf_append(&c->out, rec));                                               \
    } while (0)

    vch_stmt_bundle_sum_init(&sum, c->w.cr);
    PUT(vch_stmt_bundle_put_head(&w));
    for (size_t i = 0; i < b->statements; i++) {
        PUT(vch_stmt_bundle_put_statement(&w, b->statement[i].bytes, b->statement[i].receipt,
                                          b->statement[i].receipts));
    }
    for (size_t i = 0; i < b->discloseds; i++) {
        PUT(vch_stmt_bundle_put_disclosures(&w, &b->disclosed[i].txid, b->disclosed[i].contents,
                                            b->disclosed[i].count));
    }
    for (size_t i = 0; i < b->certs; i++) {
        PUT(vch_stmt_bundle_put_certificate(&w, b->cert[i]));
    }
    for (size_t i = 0; i < b->proofs; i++) {
        PUT(vch_stmt_bundle_put_state_proof(&w, b->proof[i]));
    }
    for (size_t i = 0; i < b->items; i++) {
        PUT(vch_stmt_bundle_put_item(&w, b->item[i]));
    }
    for (size_t i = 0; i < b->anchoreds; i++) {
        PUT(vch_stmt_bundle_put_anchor(&w, b->anchored[i].item, &b->anchored[i].txid, 0, NULL, 0));
    }
    for (size_t i = 0; i < b->row_sets; i++) {
        PUT(vch_stmt_bundle_put_rows(&w, b->rows[i].item, b->rows[i].salt, b->rows[i].first,
                                     b->rows[i].row, b->rows[i].count));
    }
    for (size_t i = 0; i < b->single_rows; i++) {
        PUT(vch_stmt_bundle_put_row(&w, b->single_row[i].item, b->single_row[i].index,
                                    b->single_row[i].salt, b->single_row[i].body,
                                    b->single_row[i].path.h, b->single_row[i].path.count));
    }
    if (!b->open) {
        w = vch_writer(VCH_SPAN_OF(room));
        vch_stmt_bundle_put_end(&w, &sum);
        assert_vch_ok(vch_writer_finish(&w, &rec));
        assert_vch_ok(vch_buf_append(&c->out, rec));
    }
#undef PUT
}

/* The valid bundle: an anchored batch of seven rows and an anchored single reading of device 0. */
static void make_valid(struct t_case *c, const struct t_terms *terms)
{
    c->r0 = t_endorse(&c->w, 0, VCH_ACTION_REGISTER, terms, T_EPOCH, T_EPOCH);
    c->other = t_endorse(&c->w, 1, VCH_ACTION_REGISTER, &normal, T_EPOCH + 1, T_EPOCH + 1);
    c->raw = vch_text("pressure 3.2 bar");
    t_batch(&c->w, 0, c->r0, 1, SIGNED_AT, 7, &c->batch);
    c->single = t_single(&c->w, 0, c->r0, 2, SIGNED_AT + 1000, c->raw, c->salt);
    put_record(c, c->r0);
    c->b.cert[c->b.certs++] = c->w.as_der;
    c->b.item[c->b.items++] = c->batch.item;
    c->b.item[c->b.items++] = c->single;
    put_rows(c, 0, &c->batch);
    put_single(c, 1, c->salt, c->raw);
}

static void anchor_both(struct t_case *c, int64_t at_ms)
{
    put_anchor(c, 0, c->b.item[0], at_ms);
    put_anchor(c, 1, c->b.item[1], at_ms + 1000);
}

static void prove_state(struct t_case *c, int64_t at_ms)
{
    t_ledger_tick(&c->w, 0, at_ms);
    c->b.proof[c->b.proofs++] =
        t_state_proof(&c->w, 0, 2, vch_bytes(c->w.device[0].subject, VCH_SUBJECT_LEN));
}

static void whole(struct t_case *c)
{
    make_valid(c, &normal);
    anchor_both(c, SIGNED_AT + HOUR);
    prove_state(c, T_EPOCH + 9 * T_DAY);
}

static struct vch_bytes changed(struct t_case *c, struct vch_bytes b, size_t at, uint8_t flip)
{
    struct vch_bytes copy = t_keep(&c->w, b);

    ((uint8_t *)(uintptr_t)copy.p)[at] ^= flip;
    return copy;
}

/* Replaces every occurrence of OLD in B, both of the same length. */
static struct vch_bytes replaced(struct t_case *c, struct vch_bytes b, struct vch_bytes old,
                                 struct vch_bytes new)
{
    struct vch_bytes copy = t_keep(&c->w, b);
    uint8_t *p = (uint8_t *)(uintptr_t)copy.p;
    size_t found = 0;

    assert_int_equal(old.n, new.n);
    for (size_t i = 0; i + old.n <= copy.n; i++) {
        if (memcmp(p + i, old.p, old.n) == 0) {
            memcpy(p + i, new.p, new.n);
            found++;
        }
    }
    assert_true(found > 0);
    return copy;
}

/* ---- data */
static void data_byte(struct t_case *c)
{
    whole(c);
    c->b.rows[0].row[3] = changed(c, c->b.rows[0].row[3], 5, 1);
}

static void single_byte(struct t_case *c)
{
    whole(c);
    c->b.rows[1].row[0] = changed(c, c->raw, 9, 1);
}

static void rows_swapped(struct t_case *c)
{
    struct vch_bytes t;

    whole(c);
    t = c->b.rows[0].row[2];
    c->b.rows[0].row[2] = c->b.rows[0].row[4];
    c->b.rows[0].row[4] = t;
}

static void row_dropped(struct t_case *c)
{
    whole(c);
    c->b.rows[0].count--;
}

static void row_added(struct t_case *c)
{
    whole(c);
    c->b.rows[0].row[7] = vch_text("meter-0;1;7;99.999");
    c->b.rows[0].count++;
}

static void wrong_seed(struct t_case *c)
{
    whole(c);
    c->b.rows[0].salt = changed(c, c->b.rows[0].salt, 31, 0x80);
}

static void foreign_rows(struct t_case *c)
{
    struct t_batch other;

    whole(c);
    t_batch(&c->w, 1, c->other, 1, SIGNED_AT, 7, &other);
    memcpy(c->b.rows[0].row, other.row, sizeof(other.row));
}

/* The batch as two extracted rows and a stripped one. */
static void extract(struct t_case *c)
{
    struct vch_merkle_leaves leaves = {c->w.cr, c->batch.leaf, 7};
    struct vch_merkle_source src = vch_merkle_leaves_source(&leaves);
    uint8_t salt[VCH_SALT_LEN];

    whole(c);
    memmove(&c->b.rows[0], &c->b.rows[1], sizeof(c->b.rows[0]));
    c->b.row_sets = 1;
    for (size_t i = 0; i < 3; i++) {
        size_t row = i * 3;

        vch_stmt_item_salt(c->w.cr, c->batch.seed, row, salt);
        c->b.single_row[i].index = row;
        c->b.single_row[i].salt = i == 2 ? vch_bytes(NULL, 0) : t_keep(&c->w, VCH_BYTES_OF(salt));
        c->b.single_row[i].body = i == 2 ? vch_hash_bytes(&c->batch.leaf[row]) : c->batch.row[row];
        assert_vch_ok(vch_merkle_inclusion(c->w.cr, &src, row, 7, &c->b.single_row[i].path));
    }
    c->b.single_rows = 3;
}

static void extract_moved(struct t_case *c)
{
    extract(c);
    c->b.single_row[1].index++;
}

static void extract_repeated(struct t_case *c)
{
    extract(c);
    c->b.single_row[2] = c->b.single_row[1];
}

static void extract_reordered(struct t_case *c)
{
    extract(c);
    c->b.single_row[3] = c->b.single_row[0];
    c->b.single_row[0] = c->b.single_row[1];
    c->b.single_row[1] = c->b.single_row[3];
}

/* Every row, and one of them once more. */
static void row_beside_all(struct t_case *c)
{
    extract(c);
    memmove(&c->b.rows[1], &c->b.rows[0], sizeof(c->b.rows[0]));
    c->b.row_sets = 0;
    put_rows(c, 0, &c->batch);
    c->b.row_sets = 2;
    c->b.single_rows = 1;
}

static void stripped_leaf(struct t_case *c)
{
    extract(c);
    c->b.single_row[2].body = changed(c, c->b.single_row[2].body, 0, 1);
}

static void only_digests(struct t_case *c)
{
    whole(c);
    c->b.row_sets = 0;
}

/* ---- items and pointers */
static void foreign_item(struct t_case *c)
{
    struct t_batch b;

    whole(c);
    t_batch(&c->w, 1, c->r0, 1, SIGNED_AT, 7, &b); /* device 1 signs, citing device 0 */
    c->b.item[0] = b.item;
    c->b.anchoreds = 0;
}

/* The key identifier alone: it no longer begins the pointer. */
static void kid_altered(struct t_case *c)
{
    size_t at = 0;

    whole(c);
    while (memcmp(c->b.item[0].p + at, c->r0->txid.b, 16) != 0) {
        at++;
    }
    c->b.item[0] = changed(c, c->b.item[0], at, 1);
}

/* The end of the pointer alone: it names a record that does not exist. */
static void pointer_altered(struct t_case *c)
{
    struct vch_bytes tail;

    whole(c);
    tail = vch_bytes(c->r0->txid.b + 16, 16);
    c->b.item[0] = replaced(c, c->b.item[0], tail, vch_bytes(c->other->txid.b + 16, 16));
}

/* kid and pointer, both to the record of another device, which is at hand. */
static void pointer_foreign(struct t_case *c)
{
    whole(c);
    put_record(c, c->other);
    for (size_t half = 0; half < 2; half++) {
        c->b.item[0] = replaced(c, c->b.item[0], vch_bytes(c->r0->txid.b + 16 * half, 16),
                                vch_bytes(c->other->txid.b + 16 * half, 16));
    }
}

static void pointer_other_ledger(struct t_case *c)
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_stmt_item it;

    whole(c);
    assert_vch_ok(vch_stmt_item_decode(c->single, &it));
    it.pointer_address.ledger = vch_text(T_LEDGER2_ID);
    assert_vch_ok(vch_stmt_item_encode(vch_ossl_key_signer(c->w.device[0].key), &it,
                                       VCH_SPAN_OF(room), &c->b.item[1]));
    c->b.item[1] = t_keep(&c->w, c->b.item[1]);
}

static void high_s(struct t_case *c)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    struct vch_bytes copy;
    uint8_t *s;
    int borrow = 0;

    whole(c);
    copy = t_keep(&c->w, c->b.item[0]);
    s = (uint8_t *)(uintptr_t)copy.p + copy.n - 32;
    for (size_t i = 32; i-- > 0;) {
        int d = order[i] - s[i] - borrow;

        borrow = d < 0;
        s[i] = (uint8_t)(d + (borrow ? 256 : 0));
    }
    c->b.item[0] = copy;
}

/* The payload's head 58 20 as 59 00 20: the same value, not the shortest form. */
static void long_head(struct t_case *c)
{
    uint8_t room[VCH_ITEM_MAX];
    size_t at;

    whole(c);
    at = c->b.item[0].n - 66 - 34;
    assert_int_equal(c->b.item[0].p[at], 0x58);
    memcpy(room, c->b.item[0].p, at);
    memcpy(room + at, "\x59\x00\x20", 3);
    memcpy(room + at + 3, c->b.item[0].p + at + 2, c->b.item[0].n - at - 2);
    c->b.item[0] = t_keep(&c->w, vch_bytes(room, c->b.item[0].n + 1));
}

static void unlisted_algorithm(struct t_case *c)
{
    uint8_t room[VCH_REGISTRATION_MAX];
    struct vch_stmt_registration r;
    struct vch_hash digest;
    struct vch_bytes reg;

    /* The device registers ES256 alone, and signs under ESP256. */
    reg = t_registration(&c->w, c->w.device[0].key, T_AS_ID);
    assert_vch_ok(vch_stmt_registration_decode(c->w.cr, reg, &r));
    r.alg_count = 1;
    vch_sha256_of(c->w.cr, vch_text("identifier"), &digest);
    assert_vch_ok(vch_stmt_registration_encode(c->w.cr, vch_ossl_key_signer(c->w.device[0].key), &r,
                                               &digest, 1, 1, VCH_SPAN_OF(room), &reg));
    c->w.device[0].registration = t_keep(&c->w, reg);
    assert_vch_ok(vch_ossl_key_alg_set(c->w.device[0].key, VCH_ALG_ESP256));
    whole(c);
}

static void replayed(struct t_case *c)
{
    uint8_t salt[VCH_SALT_LEN];
    struct vch_bytes raw = vch_text("pressure 9.9 bar");

    whole(c);
    c->b.item[2] = t_single(&c->w, 0, c->r0, 2, SIGNED_AT + 2000, raw, salt);
    c->b.items = 3;
    put_single(c, 2, salt, raw);
}

static void duplicate(struct t_case *c)
{
    whole(c);
    c->b.item[2] = c->single;
    c->b.items = 3;
    put_single(c, 2, c->salt, c->raw);
}

static void no_items(struct t_case *c)
{
    whole(c);
    c->b.items = c->b.row_sets = c->b.anchoreds = 0;
}

/* ---- the record */
static void receipt_stripped(struct t_case *c)
{
    whole(c);
    c->b.statement[0].receipts = 0;
}

/* Recorded on a ledger that is trusted, but not for this AS. */
static void receipt_other_ledger(struct t_case *c)
{
    whole(c);
    c->b.statement[0].receipt[0] =
        t_receipt(&c->w, 1, t_ledger_record(&c->w, 1, c->r0->statement, T_EPOCH));
}

static void receipt_unknown_ledger(struct t_case *c)
{
    c->w.ledger[1].id = "ledger.nowhere.example";
    receipt_other_ledger(c);
    c->b.statements = 1;
    c->b.anchoreds = c->b.proofs = 0;
}

static void receipt_of_other_entry(struct t_case *c)
{
    whole(c);
    c->b.statement[0].receipt[0] = t_receipt(&c->w, 0, c->other->index);
}

static void receipt_size(struct t_case *c)
{
    uint8_t prot[VCH_RECEIPT_PROTECTED_MAX], room[VCH_RECEIPT_MAX];
    struct vch_writer pw = vch_writer(VCH_SPAN_OF(prot)), rw = vch_writer(VCH_SPAN_OF(room));
    struct vch_receipt r;
    struct vch_bytes p, out;

    whole(c);
    assert_vch_ok(vch_receipt_decode(c->b.statement[0].receipt[0], &r));
    r.head.size++; /* a path of the same length, another tree */
    vch_receipt_protected_encode(r.alg, &r.head, &pw);
    assert_vch_ok(vch_writer_finish(&pw, &p));
    vch_receipt_encode(p, r.signature.p, r.head.size, r.index, &r.path, &rw);
    assert_vch_ok(vch_writer_finish(&rw, &out));
    c->b.statement[0].receipt[0] = t_keep(&c->w, out);
}

static void receipt_bad_beside(struct t_case *c)
{
    whole(c);
    c->b.statement[0].receipt[1] = changed(c, c->b.statement[0].receipt[0], 60, 1);
    c->b.statement[0].receipt[2] = t_receipt(&c->w, 0, c->other->index);
    c->b.statement[0].receipts = 3;
}

static void record_removed(struct t_case *c)
{
    whole(c);
    c->b.statement[0] = c->b.statement[1];
}

static void record_altered(struct t_case *c)
{
    whole(c);
    c->b.statement[0].bytes = changed(c, c->r0->statement, c->r0->statement.n - 1, 1);
}

/* A record that somebody else signed and even got recorded; a device cites it. */
static void forged(struct t_case *c, const char *as_id, struct vch_ossl_key *key,
                   struct vch_bytes cert, bool with_cert)
{
    struct t_record *r = &c->w.device[0].record[7];
    struct vch_hash hash;
    uint8_t salt[VCH_SALT_LEN];

    vch_sha256_of(c->w.cr, cert, &hash);
    c->w.device[0].registration = t_registration(&c->w, c->w.device[0].key, as_id);
    t_endorsement_sign(&c->w, key, as_id, &hash, 0, VCH_ACTION_REGISTER, 0, NULL, &normal, T_EPOCH,
                       r);
    r->index = t_ledger_record(&c->w, 0, r->statement, T_EPOCH);
    put_record(c, r);
    if (with_cert) {
        c->b.cert[c->b.certs++] = cert;
    }
    c->b.item[c->b.items++] = t_single(&c->w, 0, r, 1, SIGNED_AT, vch_text("x"), salt);
    put_single(c, 0, salt, vch_text("x"));
}

static void unknown_as(struct t_case *c)
{
    forged(c, "as9.nowhere.example", c->w.rogue_key, c->w.rogue_der, true);
}

static void rogue_certificate(struct t_case *c)
{
    forged(c, T_AS_ID, c->w.rogue_key, c->w.rogue_der, true);
}

static void certificate_missing(struct t_case *c)
{
    forged(c, T_AS_ID, c->w.as_key, c->w.as_der, false);
}

/* The real certificate beside a signature by another key. */
static void certificate_foreign(struct t_case *c)
{
    forged(c, T_AS_ID, c->w.rogue_key, c->w.as_der, true);
}

static void certificate_expired(struct t_case *c)
{
    struct t_terms open = {T_EPOCH - T_DAY, T_NULL, T_NULL, VCH_STANDING_GOOD};
    uint8_t salt[VCH_SALT_LEN];
    int64_t late = T_EPOCH + 400 * T_DAY;

    c->r0 = t_endorse(&c->w, 0, VCH_ACTION_REGISTER, &open, late, late);
    put_record(c, c->r0);
    c->b.cert[c->b.certs++] = c->w.as_der;
    c->b.item[c->b.items++] = t_single(&c->w, 0, c->r0, 1, late + HOUR, vch_text("x"), salt);
    c->at_ms = late + T_DAY;
}

/* The AS's certificate has expired since, but was good when the record was made. */
static void certificate_expired_since(struct t_case *c)
{
    whole(c);
    c->at_ms = T_EPOCH + 3650 * T_DAY;
}

static void key_swapped(struct t_case *c)
{
    struct vch_bytes mine, theirs, mixed;

    /* The registration of device 0 with the signature of device 1. */
    mine = t_registration(&c->w, c->w.device[0].key, T_AS_ID);
    theirs = t_registration(&c->w, c->w.device[1].key, T_AS_ID);
    mixed = t_keep(&c->w, mine);
    memcpy((uint8_t *)(uintptr_t)mixed.p + mixed.n - 64, theirs.p + theirs.n - 64, 64);
    c->w.device[0].registration = mixed;
    whole(c);
}

/* ---- disclosures */
static struct vch_bytes later_end(struct t_case *c)
{
    uint8_t room[128];
    struct vch_disclosure d;
    struct vch_bytes out;

    assert_vch_ok(vch_stmt_disclosure_decode(c->r0->disclosures[1], &d));
    assert_int_equal(d.key, VCH_DISC_END);
    d.value = vch_stmt_disc_int(T_EPOCH + 9000 * T_DAY);
    assert_vch_ok(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out));
    return t_keep(&c->w, out);
}

static void disclosure_altered(struct t_case *c)
{
    whole(c);
    c->b.disclosed[0].contents[1] = later_end(c);
}

static void disclosure_foreign(struct t_case *c)
{
    whole(c);
    c->b.disclosed[0].contents[1] = c->other->disclosures[1];
}

static void disclosure_beside(struct t_case *c)
{
    whole(c);
    c->b.disclosed[0].contents[c->b.disclosed[0].count++] = later_end(c);
}

static void disclosures_stripped(struct t_case *c)
{
    whole(c);
    c->b.discloseds = 0;
}

/* The operator named no dates: all that the AS stated is open. */
static void nothing_stated(struct t_case *c)
{
    struct t_terms t = {T_ABSENT, T_ABSENT, T_ABSENT, VCH_STANDING_GOOD};

    make_valid(c, &t);
}

static void disclosure_one_missing(struct t_case *c)
{
    whole(c);
    c->b.disclosed[0].count = 3;
}

/* The AS stated that the account is suspended; the device's own word is shown in its place. */
static void term_by_device(struct t_case *c)
{
    static const struct t_terms t = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_NULL,
                                     VCH_STANDING_SUSPENDED};

    make_valid(c, &t);
    anchor_both(c, SIGNED_AT + HOUR);
    c->b.disclosed[0].contents[3] = t_term_of_device(&c->w); /* the last is standing */
}

/* ---- time and term */
static void ends_at(struct t_case *c, int64_t end_ms, int64_t anchor_ms)
{
    struct t_terms t = {T_EPOCH - T_DAY, end_ms, T_NULL, VCH_STANDING_GOOD};

    make_valid(c, &t);
    if (anchor_ms != 0) {
        anchor_both(c, anchor_ms);
    }
}

static void claimed_after_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT - 1, 0);
}

static void claimed_at_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT, 0);
}

static void claimed_just_before_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT + HOUR, SIGNED_AT + HOUR - 2000);
}

static void anchored_at_end(struct t_case *c)
{
    ends_at(c, SIGNED_AT + HOUR, SIGNED_AT + HOUR);
}

static void time_unproven(struct t_case *c)
{
    ends_at(c, SIGNED_AT + T_DAY, 0);
}

static void time_accepted(struct t_case *c)
{
    time_unproven(c);
    c->accept_claimed = true;
}

static void back_dated(struct t_case *c)
{
    ends_at(c, SIGNED_AT + T_DAY, SIGNED_AT + 3 * T_DAY);
}

static void before_start(struct t_case *c)
{
    struct t_terms t = {SIGNED_AT + T_DAY, T_NULL, T_NULL, VCH_STANDING_GOOD};

    make_valid(c, &t);
}

static void still_in_force(struct t_case *c)
{
    ends_at(c, T_NULL, 0);
}

static void single_at(struct t_case *c, int64_t time_ms)
{
    uint8_t salt[VCH_SALT_LEN];

    whole(c);
    c->b.item[1] = t_single(&c->w, 0, c->r0, 2, time_ms, c->raw, salt);
    c->b.anchoreds = 1;
}

static void before_endorsement(struct t_case *c)
{
    single_at(c, T_EPOCH - 10 * HOUR);
}

static void in_the_future(struct t_case *c)
{
    single_at(c, T_EPOCH + 50 * T_DAY);
}

static void later_than_anchor(struct t_case *c)
{
    single_at(c, SIGNED_AT + 5 * T_DAY);
    put_anchor(c, 1, c->b.item[1], SIGNED_AT + 4 * T_DAY);
}

static void updated(struct t_case *c, enum vch_action action, const struct t_terms *t,
                    int64_t effective_ms, int64_t batch_ms, bool with_record)
{
    struct t_record *r;

    make_valid(c, &normal);
    r = t_endorse(&c->w, 0, action, t, effective_ms, batch_ms);
    if (with_record) {
        put_record(c, r);
    }
    prove_state(c, T_EPOCH + 9 * T_DAY);
}

static const struct t_terms ended_early = {T_EPOCH - T_DAY, T_EPOCH + T_DAY / 2, T_NULL,
                                           VCH_STANDING_GOOD};
static const struct t_terms terminated_early = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY,
                                                T_EPOCH + T_DAY / 2, VCH_STANDING_ENDED};
static const struct t_terms suspended = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_NULL,
                                         VCH_STANDING_SUSPENDED};

static void retired(struct t_case *c)
{
    updated(c, VCH_ACTION_RETIRE, &normal, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

static void terminated_and_told_late(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &terminated_early, T_EPOCH + 5 * T_DAY, T_EPOCH + 5 * T_DAY,
            true);
}

static void shortened(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &ended_early, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

static void while_suspended(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &suspended, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

static void superseded_but_good(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &normal, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2, true);
}

/* Ended on day 3; signed on day 1, anchored on day 1: good for ever. */
static void ended_after_anchor(struct t_case *c)
{
    struct t_terms t = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_EPOCH + 3 * T_DAY,
                        VCH_STANDING_ENDED};

    make_valid(c, &normal);
    anchor_both(c, SIGNED_AT + HOUR);
    put_record(
        c, t_endorse(&c->w, 0, VCH_ACTION_UPDATE, &t, T_EPOCH + 3 * T_DAY, T_EPOCH + 3 * T_DAY));
    prove_state(c, T_EPOCH + 9 * T_DAY);
}

static void update_hidden(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &terminated_early, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2,
            false);
}

static void update_undisclosed(struct t_case *c)
{
    updated(c, VCH_ACTION_UPDATE, &terminated_early, T_EPOCH + T_DAY / 2, T_EPOCH + T_DAY / 2,
            true);
    c->b.discloseds = 1;
}

/* ---- anchors and proofs */
static void anchor_foreign(struct t_case *c)
{
    ends_at(c, SIGNED_AT + T_DAY, 0);
    put_anchor(c, 0, vch_text("another item"), SIGNED_AT + HOUR);
    put_anchor(c, 1, vch_text("a third item"), SIGNED_AT + 2 * HOUR);
}

static void anchor_by_stranger(struct t_case *c)
{
    struct vch_bytes statement;
    uint64_t index;

    ends_at(c, SIGNED_AT + T_DAY, 0);
    c->b.items = 1;
    c->b.row_sets = 1;
    index = t_anchor(&c->w, 0, c->b.item[0], true, SIGNED_AT + HOUR, &statement);
    put_statement(c, statement, t_receipt(&c->w, 0, index));
    c->b.anchored[0].txid = c->w.ledger[0].txid[index];
    c->b.anchoreds = 1;
}

/* The same by an aggregator that the ledger lists. */
static void anchor_by_aggregator(struct t_case *c)
{
    const struct vch_pubkey *key = &vch_ossl_key_signer(c->w.aggregator_key)->pub;
    uint8_t room[256], key_room[VCH_COSE_KEY_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room)), kw = vch_writer(VCH_SPAN_OF(key_room));
    struct vch_bytes value, encoded;
    struct vch_hash thumbprint;

    anchor_by_stranger(c);
    vch_cose_key_encode(key, &kw);
    assert_vch_ok(vch_writer_finish(&kw, &encoded));
    vch_cose_key_thumbprint(c->w.cr, key, &thumbprint);
    vch_cbor_put_array(&w, 4);
    vch_cbor_put_uint(&w, 3);
    vch_cbor_put_text(&w, "agg1.example");
    vch_writer_bytes(&w, encoded);
    vch_cbor_put_null(&w);
    assert_vch_ok(vch_writer_finish(&w, &value));
    t_state_put(&c->w, 0, 5, vch_hash_bytes(&thumbprint), value);
    t_ledger_tick(&c->w, 0, SIGNED_AT + 2 * HOUR);
    c->b.proof[c->b.proofs++] = t_state_proof(&c->w, 0, 5, vch_hash_bytes(&thumbprint));
}

static void anchor_bad_beside(struct t_case *c)
{
    whole(c);
    put_anchor(c, 0, vch_text("another item"), SIGNED_AT + 2 * HOUR);
}

/* The proof of a device's state with the receipt of another head: it counts for nothing. */
static void proof_other_head(struct t_case *c)
{
    struct vch_bytes p;

    whole(c);
    p = c->b.proof[0];
    c->b.proof[0] = changed(c, p, p.n / 2, 1);
}

/* ---- bytes */
static void trailing(struct t_case *c)
{
    assert_vch_ok(vch_buf_append(&c->out, vch_text("\x82\x05\x40")));
}

static void truncated(struct t_case *c)
{
    c->out.n -= 50;
}

static void end_cut(struct t_case *c)
{
    c->out.n -= 37; /* exactly the end record: an open stream remains */
}

static void end_wrong(struct t_case *c)
{
    c->out.p[c->out.n - 1] ^= 1;
}

static void any_byte(struct t_case *c)
{
    c->out.p[c->out.n / 2] ^= 4;
}

static void other_file(struct t_case *c)
{
    vch_buf_reset(&c->out);
    assert_vch_ok(vch_buf_text(&c->out, "{\"reading\": 3.2}\n"));
}

/* A file that only a forwarder signed, with a good signature. */
static void forwarder(struct t_case *c)
{
    vch_buf_reset(&c->out);
    assert_vch_ok(vch_buf_append(&c->out, c->b.statement[1].bytes));
}

#define V(name)       VCH_VERDICT_VALID, 0
#define BAD(name)     VCH_VERDICT_INVALID, VCH_E_##name##_CODE
#define UNKNOWN(name) VCH_VERDICT_UNKNOWN, VCH_E_##name##_CODE

const struct t_tamper t_tampers[] = {
    {"valid", V(), whole, NULL},
    {"valid-open-stream", V(), whole, end_cut},
    {"valid-extract", V(), extract, NULL},
    {"valid-only-digests", V(), only_digests, NULL},
    {"valid-bad-receipt-beside", V(), receipt_bad_beside, NULL},
    {"valid-foreign-disclosure-beside", V(), disclosure_beside, NULL},
    {"valid-bad-anchor-beside", V(), anchor_bad_beside, NULL},
    {"valid-bad-state-proof", V(), proof_other_head, NULL},
    {"valid-duplicate-item", V(), duplicate, NULL},
    {"valid-still-in-force", V(), still_in_force, NULL},
    {"valid-no-dates-stated", V(), nothing_stated, NULL},
    {"valid-just-before-end", V(), claimed_just_before_end, NULL},
    {"valid-claimed-time-accepted", V(), time_accepted, NULL},
    {"valid-superseded", V(), superseded_but_good, NULL},
    {"valid-ended-after-anchor", V(), ended_after_anchor, NULL},
    {"valid-anchored-by-aggregator", V(), anchor_by_aggregator, NULL},
    {"valid-certificate-expired-since", V(), certificate_expired_since, NULL},
    {"data-byte", BAD(ITEM_DATA), data_byte, NULL},
    {"single-byte", BAD(ITEM_DATA), single_byte, NULL},
    {"rows-swapped", BAD(ITEM_DATA), rows_swapped, NULL},
    {"row-dropped", BAD(ITEM_DATA), row_dropped, NULL},
    {"row-added", BAD(ITEM_DATA), row_added, NULL},
    {"wrong-seed", BAD(ITEM_DATA), wrong_seed, NULL},
    {"foreign-rows", BAD(ITEM_DATA), foreign_rows, NULL},
    {"extract-moved", BAD(ITEM_DATA), extract_moved, NULL},
    {"extract-repeated", BAD(ITEM_DATA), extract_repeated, NULL},
    {"extract-reordered", BAD(ITEM_DATA), extract_reordered, NULL},
    {"row-beside-all", BAD(ITEM_DATA), row_beside_all, NULL},
    {"stripped-leaf-altered", BAD(ITEM_DATA), stripped_leaf, NULL},
    {"foreign-item", BAD(SIGNATURE), foreign_item, NULL},
    {"kid-altered", BAD(ITEM_POINTER), kid_altered, NULL},
    {"pointer-altered", UNKNOWN(RECORD_MISSING), pointer_altered, NULL},
    {"pointer-foreign", BAD(SIGNATURE), pointer_foreign, NULL},
    {"pointer-other-ledger", BAD(POINTER_LEDGER), pointer_other_ledger, NULL},
    {"high-s", BAD(SIGNATURE_FORM), high_s, NULL},
    {"cbor-not-shortest", BAD(CBOR_CANON), long_head, NULL},
    {"algorithm-unlisted", BAD(ALG_UNLISTED), unlisted_algorithm, NULL},
    {"sequence-replayed", BAD(SEQ_REPLAYED), replayed, NULL},
    {"no-items", UNKNOWN(NO_ORIGIN), no_items, NULL},
    {"forwarder-only", UNKNOWN(NO_ORIGIN), whole, forwarder},
    {"receipt-stripped", UNKNOWN(RECEIPT_MISSING), receipt_stripped, NULL},
    {"receipt-other-ledger", BAD(RECEIPT_LEDGER), receipt_other_ledger, NULL},
    {"receipt-unknown-ledger", UNKNOWN(LEDGER_UNTRUSTED), receipt_unknown_ledger, NULL},
    {"receipt-other-entry", BAD(SIGNATURE), receipt_of_other_entry, NULL},
    {"receipt-size", BAD(SIGNATURE), receipt_size, NULL},
    {"record-removed", UNKNOWN(RECORD_MISSING), record_removed, NULL},
    {"record-altered", UNKNOWN(RECORD_MISSING), record_altered, NULL},
    {"as-unknown", UNKNOWN(AS_UNTRUSTED), unknown_as, NULL},
    {"certificate-rogue", BAD(CERT), rogue_certificate, NULL},
    {"certificate-missing", UNKNOWN(AS_KEY_UNKNOWN), certificate_missing, NULL},
    {"certificate-foreign", BAD(STMT_KEY), certificate_foreign, NULL},
    {"certificate-expired", BAD(CERT), certificate_expired, NULL},
    {"key-swapped", BAD(POSSESSION), key_swapped, NULL},
    {"disclosure-altered", BAD(DISCLOSURE_FOREIGN), disclosure_altered, NULL},
    {"disclosure-foreign", BAD(DISCLOSURE_FOREIGN), disclosure_foreign, NULL},
    {"disclosures-stripped", UNKNOWN(TERM_UNDISCLOSED), disclosures_stripped, NULL},
    {"disclosure-missing", UNKNOWN(TERM_UNDISCLOSED), disclosure_one_missing, NULL},
    {"term-by-device", UNKNOWN(TERM_UNDISCLOSED), term_by_device, NULL},
    {"claimed-after-end", BAD(OUTSIDE_TERM), claimed_after_end, NULL},
    {"claimed-at-end", BAD(OUTSIDE_TERM), claimed_at_end, NULL},
    {"anchored-at-end", UNKNOWN(TIME_UNPROVEN), anchored_at_end, NULL},
    {"time-unproven", UNKNOWN(TIME_UNPROVEN), time_unproven, NULL},
    {"back-dated", UNKNOWN(TIME_UNPROVEN), back_dated, NULL},
    {"before-start", BAD(OUTSIDE_TERM), before_start, NULL},
    {"before-endorsement", BAD(BEFORE_ENDORSEMENT), before_endorsement, NULL},
    {"in-the-future", BAD(TIME_CONTRADICTED), in_the_future, NULL},
    {"later-than-anchor", BAD(TIME_CONTRADICTED), later_than_anchor, NULL},
    {"device-retired", BAD(OUTSIDE_TERM), retired, NULL},
    {"terminated-told-late", BAD(OUTSIDE_TERM), terminated_and_told_late, NULL},
    {"term-shortened", BAD(OUTSIDE_TERM), shortened, NULL},
    {"while-suspended", BAD(SUSPENDED), while_suspended, NULL},
    {"update-hidden", UNKNOWN(LATER_RECORD_MISSING), update_hidden, NULL},
    {"update-undisclosed", UNKNOWN(TERM_UNDISCLOSED), update_undisclosed, NULL},
    {"anchor-foreign", UNKNOWN(ANCHOR_PATH), anchor_foreign, NULL},
    {"anchor-by-stranger", UNKNOWN(ANCHOR_SIGNER), anchor_by_stranger, NULL},
    {"trailing-bytes", BAD(BUNDLE_END), whole, trailing},
    {"truncated", BAD(TRUNCATED), whole, truncated},
    {"end-wrong", BAD(BUNDLE_END), whole, end_wrong},
    {"any-byte", BAD(BUNDLE_END), whole, any_byte},
    {"other-file", BAD(BUNDLE_HEAD), whole, other_file},
};

const size_t t_tamper_count = VCH_ARRAY_LEN(t_tampers);

void t_case_open(struct t_case *c, const struct t_tamper *t)
{
    memset(c, 0, sizeof(*c));
    t_world_open(&c->w);
    t_world_certificates(&c->w);
    c->out = vch_buf_init(1 << 20);
    c->at_ms = T_EPOCH + 10 * T_DAY;
    t->make(c);
    encode(c);
    if (t->patch != NULL) {
        t->patch(c);
    }
}

void t_case_close(struct t_case *c)
{
    vch_buf_fini(&c->out);
    t_world_close(&c->w);
}
