/* Tampering with data, items and pointers. */
#include "vch_tamper_int.h"

/* ---- data */
static void data_byte(struct t_case *c)
{
    t_whole(c);
    c->b.rows[0].row[3] = t_changed(c, c->b.rows[0].row[3], 5, 1);
}

static void single_byte(struct t_case *c)
{
    t_whole(c);
    c->b.rows[1].row[0] = t_changed(c, c->raw, 9, 1);
}

static void rows_swapped(struct t_case *c)
{
    struct vch_bytes t;

    t_whole(c);
    t = c->b.rows[0].row[2];
    c->b.rows[0].row[2] = c->b.rows[0].row[4];
    c->b.rows[0].row[4] = t;
}

static void row_dropped(struct t_case *c)
{
    t_whole(c);
    c->b.rows[0].count--;
}

static void row_added(struct t_case *c)
{
    t_whole(c);
    c->b.rows[0].row[7] = vch_text("meter-0;1;7;99.999");
    c->b.rows[0].count++;
}

static void wrong_seed(struct t_case *c)
{
    t_whole(c);
    c->b.rows[0].salt = t_changed(c, c->b.rows[0].salt, 31, 0x80);
}

static void foreign_rows(struct t_case *c)
{
    struct t_batch other;

    t_whole(c);
    t_batch(&c->w, 1, c->other, 1, SIGNED_AT, 7, &other);
    memcpy(c->b.rows[0].row, other.row, sizeof(other.row));
}

/* The batch as two extracted rows and a stripped one. */
static void extract(struct t_case *c)
{
    struct vch_merkle_leaves leaves = {c->w.cr, c->batch.leaf, 7};
    struct vch_merkle_source src = vch_merkle_leaves_source(&leaves);
    uint8_t salt[VCH_SALT_LEN];

    t_whole(c);
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
    t_put_rows(c, 0, &c->batch);
    c->b.row_sets = 2;
    c->b.single_rows = 1;
}

static void stripped_leaf(struct t_case *c)
{
    extract(c);
    c->b.single_row[2].body = t_changed(c, c->b.single_row[2].body, 0, 1);
}

static void only_digests(struct t_case *c)
{
    t_whole(c);
    c->b.row_sets = 0;
}

/* ---- items and pointers */
static void foreign_item(struct t_case *c)
{
    struct t_batch b;

    t_whole(c);
    t_batch(&c->w, 1, c->r0, 1, SIGNED_AT, 7, &b); /* device 1 signs, citing device 0 */
    c->b.item[0] = b.item;
    c->b.anchoreds = 0;
}

/* The key identifier alone: it no longer begins the pointer. */
static void kid_altered(struct t_case *c)
{
    size_t at = 0;

    t_whole(c);
    while (memcmp(c->b.item[0].p + at, c->r0->txid.b, 16) != 0) {
        at++;
    }
    c->b.item[0] = t_changed(c, c->b.item[0], at, 1);
}

/* The end of the pointer alone: it names a record that does not exist. */
static void pointer_altered(struct t_case *c)
{
    struct vch_bytes tail;

    t_whole(c);
    tail = vch_bytes(c->r0->txid.b + 16, 16);
    c->b.item[0] = t_replaced(c, c->b.item[0], tail, vch_bytes(c->other->txid.b + 16, 16));
}

/* kid and pointer, both to the record of another device, which is at hand. */
static void pointer_foreign(struct t_case *c)
{
    t_whole(c);
    t_put_record(c, c->other);
    for (size_t half = 0; half < 2; half++) {
        c->b.item[0] = t_replaced(c, c->b.item[0], vch_bytes(c->r0->txid.b + 16 * half, 16),
                                  vch_bytes(c->other->txid.b + 16 * half, 16));
    }
}

static void pointer_other_ledger(struct t_case *c)
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_stmt_item it;

    t_whole(c);
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

    t_whole(c);
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

    t_whole(c);
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
    t_whole(c);
}

static void replayed(struct t_case *c)
{
    uint8_t salt[VCH_SALT_LEN];
    struct vch_bytes raw = vch_text("pressure 9.9 bar");

    t_whole(c);
    c->b.item[2] = t_single(&c->w, 0, c->r0, 2, SIGNED_AT + 2000, raw, salt);
    c->b.items = 3;
    t_put_single(c, 2, salt, raw);
}

static void duplicate(struct t_case *c)
{
    t_whole(c);
    c->b.item[2] = c->single;
    c->b.items = 3;
    t_put_single(c, 2, c->salt, c->raw);
}

static void no_items(struct t_case *c)
{
    t_whole(c);
    c->b.items = c->b.row_sets = c->b.anchoreds = 0;
}

const struct t_tamper t_tampers_data[] = {
    {"valid-extract", V(), extract, NULL},
    {"valid-only-digests", V(), only_digests, NULL},
    {"valid-duplicate-item", V(), duplicate, NULL},
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
};
const size_t t_tampers_data_count = VCH_ARRAY_LEN(t_tampers_data);
