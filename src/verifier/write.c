#include "verifier_int.h"

#include <vouch/verifier/write.h>

struct out {
    struct vch_verifier *v;
    const struct vch_verifier_choice *choice;
    vch_verifier_sink_fn sink;
    void *self;
    struct vch_stmt_bundle_sum sum;
    struct vch_buf record, room;
    uint32_t *number;    /* of each item in the new bundle; NO_INDEX: left out */
    uint64_t *first_row; /* of each batch, where rows are chosen */
    uint64_t rows_due;   /* rows chosen */
    bool *needed;        /* of each statement */
    struct vch_verifier_written done;
};

static bool in_ranges(const struct vch_verifier_ranges *r, uint64_t n)
{
    for (size_t i = 0; i < r->n; i++) {
        if (n >= r->v[i].first && n <= r->v[i].last) {
            return true;
        }
    }
    return r->n == 0;
}

/* ---- records to the sink */
static vch_err put_bytes(struct out *o, struct vch_bytes record)
{
    vch_stmt_bundle_sum_add(&o->sum, record);
    o->done.bytes += record.n;
    return o->sink(o->self, record);
}

/* A writer with room for N bytes. */
static vch_err begin(struct out *o, size_t n, struct vch_writer *ret)
{
    struct vch_span room;

    vch_buf_reset(&o->record);
    VCH_TRY(vch_buf_room(&o->record, n, &room));
    *ret = vch_writer(room);
    return VCH_OK;
}

static vch_err finish(struct out *o, const struct vch_writer *w)
{
    struct vch_bytes record;

    VCH_TRY(vch_writer_finish(w, &record));
    return put_bytes(o, record);
}

/* ---- evidence */
static size_t to_array(const struct link *l, struct vch_bytes *list, size_t max, size_t count)
{
    size_t n = count < max ? count : max;

    /* The list runs backwards; the newest links come first and go to the end. */
    for (size_t i = count; l != NULL; l = l->next) {
        if (--i < n) {
            list[i] = l->bytes;
        }
    }
    return n;
}

static vch_err put_statement(struct out *o, const struct statement *s)
{
    struct vch_bytes receipts[VCH_RECEIPTS_COUNT], contents[VCH_DISCLOSURES_COUNT];
    size_t receipt_n = to_array(s->receipts, receipts, VCH_RECEIPTS_COUNT, s->receipt_count);
    size_t content_n = to_array(s->contents, contents, VCH_DISCLOSURES_COUNT, s->content_count);
    struct vch_writer w;

    VCH_TRY(begin(o, VCH_STATEMENT_MAX + receipt_n * (VCH_RECEIPT_MAX + 8) + 64, &w));
    vch_stmt_bundle_put_statement(&w, s->bytes, receipts, receipt_n);
    VCH_TRY(finish(o, &w));
    if (content_n > 0) {
        VCH_TRY(begin(o, content_n * (VCH_DISCLOSURE_MAX + 8) + 64, &w));
        vch_stmt_bundle_put_disclosures(&w, &s->txid, contents, content_n);
        VCH_TRY(finish(o, &w));
    }
    return VCH_OK;
}

/* Proofs about devices that are left out tell of nobody here. */
static bool proof_needed(struct out *o, struct vch_bytes proof)
{
    struct vch_state_proof *p = vch_mem_alloc(sizeof(*p));
    bool needed = true;

    if (vch_ok(vch_state_proof_decode(proof, p)) && p->kind == VCH_STATE_SUBJECT) {
        uint8_t sub[VCH_SUBJECT_TEXT_ROOM];
        struct vch_sign1 s;

        vch_stmt_subject_text(p->id.p, VCH_SPAN_OF(sub));
        needed = false;
        for (size_t i = 0; !needed && i < o->v->statements.n; i++) {
            needed =
                o->needed[i] &&
                vch_ok(vch_sign1_decode(statement_at(o->v, i)->bytes, VCH_SIGN1_STATEMENT, &s)) &&
                vch_bytes_equal(s.sub, vch_text((char *)sub));
        }
    }
    vch_mem_free(p);
    return needed;
}

static vch_err put_evidence(struct out *o)
{
    struct vch_verifier *v = o->v;
    struct vch_writer w;

    for (size_t i = 0; i < v->genesis_in.n; i++) {
        const struct genesis_in *g = (struct genesis_in *)v->genesis_in.p + i;

        VCH_TRY(begin(o, g->entry.n + g->receipt.n + 64, &w));
        vch_stmt_bundle_put_genesis(&w, g->entry, g->receipt);
        VCH_TRY(finish(o, &w));
    }
    for (size_t i = 0; i < v->certs.n; i++) {
        VCH_TRY(begin(o, VCH_CERTIFICATE_MAX + 16, &w));
        vch_stmt_bundle_put_certificate(&w, ((struct vch_bytes *)v->certs.p)[i]);
        VCH_TRY(finish(o, &w));
    }
    for (size_t i = 0; i < v->statements.n; i++) {
        if (statement_at(v, i)->bytes.n != 0 && o->needed[i]) {
            VCH_TRY(put_statement(o, statement_at(v, i)));
        }
    }
    for (size_t i = 0; i < v->proofs.n; i++) {
        if (!proof_needed(o, ((struct vch_bytes *)v->proofs.p)[i])) {
            continue;
        }
        VCH_TRY(begin(o, VCH_STATE_PROOF_MAX + 16, &w));
        vch_stmt_bundle_put_state_proof(&w, ((struct vch_bytes *)v->proofs.p)[i]);
        VCH_TRY(finish(o, &w));
    }
    return VCH_OK;
}

/* ---- items */
static vch_err put_anchors(struct out *o, const struct item *it, uint32_t number)
{
    struct vch_hash path[VCH_PATH_COUNT];
    struct vch_writer w;

    for (uint32_t a = it->anchor_first; a != NO_INDEX; a = anchor_ref_at(o->v, a)->next) {
        const struct anchor_ref *ref = anchor_ref_at(o->v, a);
        struct vch_stmt_bundle_list list = ref->path;
        struct vch_bytes one;
        size_t n = 0;

        while (n < VCH_PATH_COUNT && vch_stmt_bundle_list_next(&list, &one)) {
            memcpy(path[n++].b, one.p, VCH_HASH_LEN);
        }
        VCH_TRY(begin(o, VCH_PATH_COUNT * 34 + 128, &w));
        vch_stmt_bundle_put_anchor(&w, number, &ref->txid, ref->index, path, n);
        VCH_TRY(finish(o, &w));
    }
    return VCH_OK;
}

/* The earlier item with the same bytes, or IDX itself. Joined streams repeat items. */
static size_t first_same(const struct vch_verifier *v, const uint32_t *slots, size_t cap,
                         size_t idx, size_t *ret_slot)
{
    struct vch_bytes b = item_at(v, idx)->bytes;
    uint64_t h = 1469598103934665603ULL;

    for (size_t i = 0; i < b.n; i++) {
        h = (h ^ b.p[i]) * 1099511628211ULL;
    }
    for (size_t at = (size_t)h & (cap - 1);; at = (at + 1) & (cap - 1)) {
        if (slots[at] == NO_INDEX || vch_bytes_equal(item_at(v, slots[at])->bytes, b)) {
            *ret_slot = at;
            return slots[at] == NO_INDEX ? idx : slots[at];
        }
    }
}

/* What a repeated item has beyond the first one goes to the first. */
static void merge(struct vch_verifier *v, struct item *first, struct item *again)
{
    uint32_t last = again->anchor_first;

    if (first->data_first == NO_INDEX) {
        first->data_first = again->data_first;
        first->data_last = again->data_last;
    }
    if (last == NO_INDEX) {
        return;
    }
    while (anchor_ref_at(v, last)->next != NO_INDEX) {
        last = anchor_ref_at(v, last)->next;
    }
    anchor_ref_at(v, last)->next = first->anchor_first;
    first->anchor_first = again->anchor_first;
    again->anchor_first = NO_INDEX;
}

static void number_items(struct out *o)
{
    struct vch_verifier *v = o->v;
    size_t cap = 64, slot;
    uint32_t next = 0, *slots;

    while (cap < v->items.n * 2) {
        cap *= 2;
    }
    slots = vch_mem_alloc(cap * sizeof(*slots));
    memset(slots, 0xff, cap * sizeof(*slots));
    o->number = vch_mem_alloc((v->items.n + 1) * sizeof(*o->number));
    for (size_t i = 0; i < v->items.n; i++) {
        size_t same = first_same(v, slots, cap, i, &slot);

        o->number[i] = NO_INDEX;
        if (!in_ranges(&o->choice->items, i) ||
            (o->choice->only_valid && item_at(v, i)->verdict != VCH_VERDICT_VALID)) {
            continue;
        }
        if (same != i) {
            merge(v, item_at(v, same), item_at(v, i));
            o->done.duplicates++;
            continue;
        }
        slots[slot] = (uint32_t)i;
        o->number[i] = next++;
    }
    vch_mem_free(slots);
}

static vch_err put_items(struct out *o)
{
    struct vch_writer w;

    for (size_t i = 0; i < o->v->items.n; i++) {
        const struct item *it = item_at(o->v, i);

        if (o->number[i] == NO_INDEX) {
            continue;
        }
        VCH_TRY(begin(o, it->bytes.n + 16, &w));
        vch_stmt_bundle_put_item(&w, it->bytes);
        VCH_TRY(finish(o, &w));
        VCH_TRY(put_anchors(o, it, o->number[i]));
        o->done.items++;
    }
    return VCH_OK;
}

/* ---- data */
static vch_err copy_rows(struct out *o, const struct vch_stmt_bundle_rec *rec, uint32_t number)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_bytes *raws = vch_mem_alloc(rec->list.count * sizeof(*raws));
    struct vch_writer w;
    size_t n = 0;
    vch_err e;

    while (vch_stmt_bundle_list_next(&list, &raws[n])) {
        n++;
    }
    e = begin(o, rec->whole.n + 16, &w);
    if (vch_ok(e)) {
        vch_stmt_bundle_put_rows(&w, number, rec->salt, rec->index, raws, n);
        e = finish(o, &w);
    }
    vch_mem_free(raws);
    o->done.rows += n;
    return e;
}

static vch_err copy_row(struct out *o, const struct vch_stmt_bundle_rec *rec, uint32_t number)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_hash path[VCH_PATH_COUNT];
    struct vch_bytes one;
    struct vch_writer w;
    size_t n = 0;

    while (n < VCH_PATH_COUNT && vch_stmt_bundle_list_next(&list, &one)) {
        memcpy(path[n++].b, one.p, VCH_HASH_LEN);
    }
    VCH_TRY(begin(o, rec->whole.n + 16, &w));
    vch_stmt_bundle_put_row(&w, number, rec->index, rec->salt, rec->body, path, n);
    o->done.rows++;
    return finish(o, &w);
}

static vch_err copy_file(struct out *o, const struct vch_stmt_bundle_rec *rec, uint32_t number)
{
    struct vch_writer w;

    VCH_TRY(begin(o, rec->whole.n + 16, &w));
    vch_stmt_bundle_put_file(&w, number, rec->salt, rec->index, rec->body);
    return finish(o, &w);
}

/* All data of an item as it is. */
static vch_err copy_data(struct out *o, const struct item *it, uint32_t number)
{
    struct vch_stmt_bundle_rec rec;

    for (uint32_t d = it->data_first; d != NO_INDEX; d = data_ref_at(o->v, d)->next) {
        VCH_TRY(vch_verifier_read_again(o->v, data_ref_at(o->v, d), &o->room, &rec));
        if (rec.type == VCH_REC_ROWS) {
            VCH_TRY(copy_rows(o, &rec, number));
        } else if (rec.type == VCH_REC_ROW) {
            VCH_TRY(copy_row(o, &rec, number));
        } else {
            VCH_TRY(copy_file(o, &rec, number));
        }
    }
    return VCH_OK;
}

/* The leaves of a whole batch, checked against the root that was signed. */
static vch_err all_leaves(struct out *o, const struct item *it, const struct vch_stmt_item *si,
                          struct vch_hash *leaves)
{
    const struct vch_crypto *cr = o->v->o.cr;
    struct vch_merkle_frontier f = {.count = 0};
    struct vch_stmt_bundle_rec rec;
    uint8_t salt[VCH_SALT_LEN];
    struct vch_bytes raw;
    struct vch_hash root;

    for (uint32_t d = it->data_first; d != NO_INDEX; d = data_ref_at(o->v, d)->next) {
        if (data_ref_at(o->v, d)->type != VCH_REC_ROWS) {
            continue;
        }
        VCH_TRY(vch_verifier_read_again(o->v, data_ref_at(o->v, d), &o->room, &rec));
        VCH_CHECK(rec.salt.n == VCH_SEED_LEN && rec.index == f.count, ITEM_DATA);
        while (vch_stmt_bundle_list_next(&rec.list, &raw)) {
            VCH_CHECK(f.count < si->count, ITEM_DATA);
            vch_stmt_item_salt(cr, rec.salt.p, f.count, salt);
            vch_stmt_item_leaf(cr, salt, raw, &leaves[f.count]);
            VCH_TRY(vch_merkle_frontier_append(cr, &f, &leaves[f.count]));
        }
    }
    VCH_CHECK(f.count == si->count, BUNDLE_CHOICE);
    vch_merkle_frontier_root(cr, &f, &root);
    return vch_stmt_item_check_root(si, &root);
}

/* Row IDX with its own salt and path. */
static vch_err extract_row(struct out *o, const struct vch_merkle_source *src,
                           const struct vch_stmt_item *si, uint32_t number, uint64_t idx,
                           struct vch_bytes seed, struct vch_bytes raw)
{
    const struct vch_crypto *cr = o->v->o.cr;
    uint8_t salt[VCH_SALT_LEN];
    struct vch_merkle_path path;
    struct vch_writer w;

    vch_stmt_item_salt(cr, seed.p, idx, salt);
    VCH_TRY(vch_merkle_inclusion(cr, src, idx, si->count, &path));
    VCH_TRY(begin(o, raw.n + path.count * 34 + 128, &w));
    vch_stmt_bundle_put_row(&w, number, idx, VCH_BYTES_OF(salt), raw, path.h, path.count);
    o->done.rows++;
    return finish(o, &w);
}

/* Chosen rows of a batch of which all rows are there; FIRST is the number of its row 0. */
static vch_err extract_whole(struct out *o, const struct item *it, const struct vch_stmt_item *si,
                             uint32_t number, uint64_t first)
{
    struct vch_hash *leaves = vch_mem_alloc((size_t)si->count * sizeof(*leaves));
    struct vch_merkle_leaves all = {o->v->o.cr, leaves, si->count};
    struct vch_merkle_source src = vch_merkle_leaves_source(&all);
    struct vch_stmt_bundle_rec rec;
    struct vch_bytes raw;
    uint64_t idx = 0;
    vch_err e = all_leaves(o, it, si, leaves);

    for (uint32_t d = it->data_first; vch_ok(e) && d != NO_INDEX; d = data_ref_at(o->v, d)->next) {
        if (data_ref_at(o->v, d)->type != VCH_REC_ROWS) {
            continue;
        }
        e = vch_verifier_read_again(o->v, data_ref_at(o->v, d), &o->room, &rec);
        while (vch_ok(e) && vch_stmt_bundle_list_next(&rec.list, &raw)) {
            if (in_ranges(&o->choice->rows, first + idx)) {
                e = extract_row(o, &src, si, number, idx, rec.salt, raw);
            }
            idx++;
        }
    }
    vch_mem_free(leaves);
    return e;
}

/* Rows that stand singly already. */
static vch_err extract_single(struct out *o, const struct item *it, uint32_t number, uint64_t first)
{
    struct vch_stmt_bundle_rec rec;

    for (uint32_t d = it->data_first; d != NO_INDEX; d = data_ref_at(o->v, d)->next) {
        if (data_ref_at(o->v, d)->type == VCH_REC_ROW) {
            VCH_TRY(vch_verifier_read_again(o->v, data_ref_at(o->v, d), &o->room, &rec));
            if (in_ranges(&o->choice->rows, first + rec.index)) {
                VCH_TRY(copy_row(o, &rec, number));
            }
        }
    }
    return VCH_OK;
}

static bool any_chosen(const struct vch_verifier_ranges *r, uint64_t first, uint64_t count)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->v[i].first < first + count && r->v[i].last >= first) {
            return true;
        }
    }
    return false;
}

static vch_err extract(struct out *o, const struct item *it, uint32_t number, uint64_t first)
{
    struct vch_stmt_item si;

    VCH_TRY(vch_stmt_item_decode(it->bytes, &si));
    VCH_CHECK(it->data_first != NO_INDEX, BUNDLE_CHOICE);
    return data_ref_at(o->v, it->data_first)->type == VCH_REC_ROWS
               ? extract_whole(o, it, &si, number, first)
               : extract_single(o, it, number, first);
}

/* Where rows are chosen, a batch without any of them is left out. */
static vch_err drop_unchosen(struct out *o)
{
    uint64_t first = 0;
    uint32_t next = 0;

    o->first_row = vch_mem_alloc((o->v->items.n + 1) * sizeof(*o->first_row));

    for (size_t i = 0; i < o->v->items.n; i++) {
        struct vch_stmt_item si;

        if (o->number[i] == NO_INDEX) {
            continue;
        }
        VCH_TRY(vch_stmt_item_decode(item_at(o->v, i)->bytes, &si));
        o->first_row[i] = first;
        if (si.mode != VCH_ITEM_BATCH || !any_chosen(&o->choice->rows, first, si.count)) {
            o->number[i] = NO_INDEX;
        } else {
            o->number[i] = next++;
        }
        first += si.mode == VCH_ITEM_BATCH ? si.count : 0;
    }
    VCH_CHECK(next > 0, BUNDLE_CHOICE);
    for (size_t i = 0; i < o->choice->rows.n; i++) {
        const struct vch_verifier_range *r = &o->choice->rows.v[i];

        VCH_CHECK(r->first < first && (r->last < first || r->last == UINT64_MAX), BUNDLE_CHOICE);
        o->rows_due += (r->last < first ? r->last + 1 : first) - r->first;
    }
    return VCH_OK;
}

static vch_err put_data(struct out *o)
{
    for (size_t i = 0; i < o->v->items.n; i++) {
        const struct item *it = item_at(o->v, i);

        if (o->number[i] != NO_INDEX) {
            VCH_TRY(o->choice->rows.n == 0 ? copy_data(o, it, o->number[i])
                                           : extract(o, it, o->number[i], o->first_row[i]));
        }
    }
    VCH_CHECK(o->choice->rows.n == 0 || o->done.rows == o->rows_due, BUNDLE_CHOICE);
    return VCH_OK;
}

/* ---- what of the evidence the items need */
/* The statement that an item cites, or NULL. */
static const struct statement *cited(const struct vch_verifier *v, const struct vch_stmt_item *si)
{
    for (size_t i = 0; i < v->statements.n; i++) {
        if (vch_stmt_item_cites(si, &statement_at(v, i)->txid)) {
            return statement_at(v, i);
        }
    }
    return NULL;
}

/* Marks all records of the device of S: later ones count as well. */
static void need_device(struct out *o, const struct statement *s)
{
    struct vch_sign1 mine, other;

    if (o->needed[s - statement_at(o->v, 0)] ||
        !vch_ok(vch_sign1_decode(s->bytes, VCH_SIGN1_STATEMENT, &mine))) {
        return;
    }
    for (size_t i = 0; i < o->v->statements.n; i++) {
        const struct statement *t = statement_at(o->v, i);

        if (t->bytes.n != 0 && t->type == VCH_STMT_ENDORSEMENT &&
            vch_ok(vch_sign1_decode(t->bytes, VCH_SIGN1_STATEMENT, &other)) &&
            vch_bytes_equal(mine.sub, other.sub)) {
            o->needed[i] = true;
        }
    }
}

static void mark_needed(struct out *o)
{
    struct vch_verifier *v = o->v;
    bool all = o->choice->items.n == 0 && o->choice->rows.n == 0 && !o->choice->only_valid;

    o->needed = vch_mem_alloc(v->statements.n + 1);
    memset(o->needed, all, v->statements.n);
    for (size_t i = 0; !all && i < v->items.n; i++) {
        const struct item *it = item_at(v, i);
        const struct statement *s;
        struct vch_stmt_item si;

        if (o->number[i] == NO_INDEX || !vch_ok(vch_stmt_item_decode(it->bytes, &si))) {
            continue;
        }
        s = cited(v, &si);
        if (s != NULL && s->bytes.n != 0) {
            need_device(o, s);
        }
        for (uint32_t a = it->anchor_first; a != NO_INDEX; a = anchor_ref_at(v, a)->next) {
            s = vch_verifier_statement_of(v, &anchor_ref_at(v, a)->txid, false);
            if (s != NULL) {
                o->needed[s - statement_at(v, 0)] = true;
            }
        }
    }
}

static vch_err write_all(struct out *o)
{
    struct vch_writer w;
    struct vch_bytes end;

    number_items(o);
    if (o->choice->rows.n > 0) {
        VCH_TRY(drop_unchosen(o));
    }
    mark_needed(o);
    vch_stmt_bundle_sum_init(&o->sum, o->v->o.cr);
    VCH_TRY(begin(o, 64, &w));
    vch_stmt_bundle_put_head(&w);
    VCH_TRY(finish(o, &w));
    VCH_TRY(put_evidence(o));
    VCH_TRY(put_items(o));
    VCH_CHECK(o->done.items > 0 || o->choice->items.n == 0, BUNDLE_CHOICE);
    if (!o->choice->strip) {
        VCH_TRY(put_data(o));
    }
    VCH_TRY(begin(o, 64, &w));
    vch_stmt_bundle_put_end(&w, &o->sum);
    VCH_TRY(vch_writer_finish(&w, &end));
    o->done.bytes += end.n;
    return o->sink(o->self, end);
}

vch_err vch_verifier_write(struct vch_verifier *v, const struct vch_verifier_choice *choice,
                           vch_verifier_sink_fn sink, void *self, struct vch_verifier_written *ret)
{
    struct out o = {.v = v,
                    .choice = choice,
                    .sink = sink,
                    .self = self,
                    .record = vch_buf_init(2 * (size_t)VCH_REC_MAX),
                    .room = vch_buf_init(VCH_REC_MAX)};
    vch_err e = write_all(&o);

    vch_buf_fini(&o.record);
    vch_buf_fini(&o.room);
    vch_mem_free(o.number);
    vch_mem_free(o.first_row);
    vch_mem_free(o.needed);
    VCH_TRY(e);
    *ret = o.done;
    return VCH_OK;
}
