/* Building bundles, and what all cases have in common. */
#include "vch_tamper_int.h"

const struct t_terms t_normal = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_NULL, VCH_STANDING_GOOD};

/* ---- building */
void t_put_statement(struct t_case *c, struct vch_bytes bytes, struct vch_bytes receipt)
{
    struct t_bundle *b = &c->b;

    b->statement[b->statements].bytes = bytes;
    b->statement[b->statements].receipt[0] = receipt;
    b->statement[b->statements].receipts = receipt.n != 0;
    b->statements++;
}

void t_put_record(struct t_case *c, const struct t_record *r)
{
    struct t_bundle *b = &c->b;

    t_put_statement(c, r->statement, t_receipt(&c->w, 0, r->index));
    b->disclosed[b->discloseds].txid = r->txid;
    memcpy(b->disclosed[b->discloseds].contents, r->disclosures, sizeof(r->disclosures));
    b->disclosed[b->discloseds].count = r->disclosure_count;
    b->discloseds++;
}

void t_put_rows(struct t_case *c, uint64_t item, const struct t_batch *batch)
{
    struct t_bundle *b = &c->b;

    b->rows[b->row_sets].item = item;
    b->rows[b->row_sets].salt = t_keep(&c->w, vch_bytes(batch->seed, VCH_SEED_LEN));
    memcpy(b->rows[b->row_sets].row, batch->row, sizeof(batch->row));
    b->rows[b->row_sets].count = batch->rows;
    b->row_sets++;
}

void t_put_single(struct t_case *c, uint64_t item, const uint8_t salt[VCH_SALT_LEN],
                  struct vch_bytes raw)
{
    struct t_bundle *b = &c->b;

    b->rows[b->row_sets].item = item;
    b->rows[b->row_sets].salt = t_keep(&c->w, vch_bytes(salt, VCH_SALT_LEN));
    b->rows[b->row_sets].row[0] = raw;
    b->rows[b->row_sets].count = 1;
    b->row_sets++;
}

void t_put_anchor(struct t_case *c, uint64_t item, struct vch_bytes anchored, int64_t at_ms)
{
    struct t_bundle *b = &c->b;
    struct vch_bytes statement;
    uint64_t index = t_anchor(&c->w, 0, anchored, false, at_ms, &statement);

    t_put_statement(c, statement, t_receipt(&c->w, 0, index));
    b->anchored[b->anchoreds].item = item;
    b->anchored[b->anchoreds].txid = c->w.ledger[0].txid[index];
    b->anchoreds++;
}

void t_encode(struct t_case *c)
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
void t_make_valid(struct t_case *c, const struct t_terms *terms)
{
    c->r0 = t_endorse(&c->w, 0, VCH_ACTION_REGISTER, terms, T_EPOCH, T_EPOCH);
    c->other = t_endorse(&c->w, 1, VCH_ACTION_REGISTER, &t_normal, T_EPOCH + 1, T_EPOCH + 1);
    c->raw = vch_text("pressure 3.2 bar");
    t_batch(&c->w, 0, c->r0, 1, SIGNED_AT, 7, &c->batch);
    c->single = t_single(&c->w, 0, c->r0, 2, SIGNED_AT + 1000, c->raw, c->salt);
    t_put_record(c, c->r0);
    c->b.cert[c->b.certs++] = c->w.as_der;
    c->b.item[c->b.items++] = c->batch.item;
    c->b.item[c->b.items++] = c->single;
    t_put_rows(c, 0, &c->batch);
    t_put_single(c, 1, c->salt, c->raw);
}

void t_anchor_both(struct t_case *c, int64_t at_ms)
{
    t_put_anchor(c, 0, c->b.item[0], at_ms);
    t_put_anchor(c, 1, c->b.item[1], at_ms + 1000);
}

void t_prove_state(struct t_case *c, int64_t at_ms)
{
    t_ledger_tick(&c->w, 0, at_ms);
    c->b.proof[c->b.proofs++] =
        t_state_proof(&c->w, 0, 2, vch_bytes(c->w.device[0].subject, VCH_SUBJECT_LEN));
}

void t_whole(struct t_case *c)
{
    t_make_valid(c, &t_normal);
    t_anchor_both(c, SIGNED_AT + HOUR);
    t_prove_state(c, T_EPOCH + 9 * T_DAY);
}

struct vch_bytes t_changed(struct t_case *c, struct vch_bytes b, size_t at, uint8_t flip)
{
    struct vch_bytes copy = t_keep(&c->w, b);

    ((uint8_t *)(uintptr_t)copy.p)[at] ^= flip;
    return copy;
}

/* Replaces every occurrence of OLD in B, both of the same length. */
struct vch_bytes t_replaced(struct t_case *c, struct vch_bytes b, struct vch_bytes old,
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

void t_case_open(struct t_case *c, const struct t_tamper *t)
{
    memset(c, 0, sizeof(*c));
    t_world_open(&c->w);
    t_world_certificates(&c->w);
    c->out = vch_buf_init(1 << 20);
    c->at_ms = T_EPOCH + 10 * T_DAY;
    t->make(c);
    t_encode(c);
    if (t->patch != NULL) {
        t->patch(c);
    }
}

void t_case_close(struct t_case *c)
{
    vch_buf_fini(&c->out);
    t_world_close(&c->w);
}

const struct t_tamper *t_tamper_at(size_t i)
{
    if (i < t_tampers_record_count) {
        return &t_tampers_record[i];
    }
    i -= t_tampers_record_count;
    if (i < t_tampers_data_count) {
        return &t_tampers_data[i];
    }
    i -= t_tampers_data_count;
    return i < t_tampers_time_count ? &t_tampers_time[i] : NULL;
}
