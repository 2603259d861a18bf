#include "verifier_int.h"

#include <vouch/cose/sign1.h>

/* ---- evidence first */
static void job_state(struct vch_verifier *v, size_t idx, struct vch_buf *room)
{
    struct vch_state_proof *scratch = vch_mem_alloc(sizeof(*scratch));

    (void)room;
    vch_verify_state_check(&v->judge, ((struct vch_bytes *)v->proofs.p)[idx], scratch,
                           &v->states[idx]);
    vch_mem_free(scratch);
}

/* The links of a list as an array in the order of the file. */
static size_t flatten(const struct link *l, size_t count, struct vch_bytes **ret)
{
    *ret = vch_mem_alloc((count == 0 ? 1 : count) * sizeof(**ret));
    for (size_t i = count; l != NULL; l = l->next) {
        (*ret)[--i] = l->bytes;
    }
    return count;
}

static void job_record(struct vch_verifier *v, size_t idx, struct vch_buf *room)
{
    struct statement *s = statement_at(v, idx);
    struct vch_verify_record_in in = {.statement = s->bytes,
                                      .certs = v->certs.p,
                                      .cert_hashes = v->cert_hashes.p,
                                      .cert_count = v->certs.n};
    struct vch_bytes *receipts, *contents;

    (void)room;
    if (s->result == NO_INDEX || s->type != VCH_STMT_ENDORSEMENT) {
        return;
    }
    in.receipt_count = flatten(s->receipts, s->receipt_count, &receipts);
    in.content_count = flatten(s->contents, s->content_count, &contents);
    in.receipts = receipts;
    in.contents = contents;
    if (!vch_ok(vch_verify_record_check(&v->judge, &in, &v->book.records[s->result]))) {
        s->result = NO_INDEX; /* of a form that is none: it is not there */
    }
    vch_mem_free(receipts);
    vch_mem_free(contents);
}

static void job_anchor(struct vch_verifier *v, size_t idx, struct vch_buf *room)
{
    struct statement *s = statement_at(v, idx);
    struct vch_bytes *receipts;

    (void)room;
    if (s->result == NO_INDEX || s->type != VCH_STMT_ANCHOR) {
        return;
    }
    (void)flatten(s->receipts, s->receipt_count, &receipts);
    if (!vch_ok(vch_verify_anchor_check(&v->judge, s->bytes, receipts, s->receipt_count, &v->book,
                                        v->states, v->proofs.n, v->genesis, v->genesis_in.n,
                                        &v->anchors[s->result]))) {
        s->result = NO_INDEX;
    }
    vch_mem_free(receipts);
}

/* Gives each statement of a known type its place among the results. */
static void assign(struct vch_verifier *v)
{
    size_t records = 0;

    for (size_t i = 0; i < v->statements.n; i++) {
        struct statement *s = statement_at(v, i);

        s->result = NO_INDEX;
        if (s->bytes.n != 0 && s->type == VCH_STMT_ENDORSEMENT) {
            s->result = (uint32_t)records++;
        } else if (s->bytes.n != 0 && s->type == VCH_STMT_ANCHOR) {
            s->result = (uint32_t)v->anchor_count++;
        }
    }
    v->book.records = vch_mem_alloc((records + 1) * sizeof(v->book.records[0]));
    v->book.by_txid = vch_mem_alloc((records + 1) * sizeof(v->book.by_txid[0]));
    v->book.count = records;
    v->anchors = vch_mem_alloc((v->anchor_count + 1) * sizeof(v->anchors[0]));
    v->states = vch_mem_alloc((v->proofs.n + 1) * sizeof(v->states[0]));
    v->genesis = vch_mem_alloc((v->genesis_in.n + 1) * sizeof(v->genesis[0]));
}

/* Closes the gaps that statements of no form left. */
static void compact(struct vch_verifier *v)
{
    size_t kept = 0;

    for (size_t i = 0; i < v->statements.n; i++) {
        struct statement *s = statement_at(v, i);

        if (s->type == VCH_STMT_ENDORSEMENT && s->result != NO_INDEX) {
            v->book.records[kept++] = v->book.records[s->result];
        }
    }
    v->book.count = kept;
}

static void check_evidence(struct vch_verifier *v)
{
    assign(v);
    for (size_t i = 0; i < v->genesis_in.n; i++) {
        struct genesis_in *g = (struct genesis_in *)v->genesis_in.p + i;

        vch_verify_genesis_check(&v->judge, g->entry, g->receipt, &v->genesis[i]);
    }
    vch_verifier_run_parallel(v, v->proofs.n, job_state, false);
    vch_verifier_run_parallel(v, v->statements.n, job_record, false);
    compact(v);
    vch_verify_book_sort(&v->book, v->states, v->proofs.n);
    vch_verifier_run_parallel(v, v->statements.n, job_anchor, false);
}

/* ---- items */
static const struct vch_verify_anchor *anchor_of(struct vch_verifier *v,
                                                 const struct vch_hash *txid)
{
    const struct statement *s = vch_verifier_statement_of(v, txid, false);

    return s == NULL || s->type != VCH_STMT_ANCHOR || s->result == NO_INDEX
               ? NULL
               : &v->anchors[s->result];
}

static void job_item(struct vch_verifier *v, size_t idx, struct vch_buf *room)
{
    struct vch_verify_anchoring list[16];
    struct item *it = item_at(v, idx);
    struct vch_sign1 any;
    size_t n = 0;

    if (vch_ok(it->broken) && source_at(v, it->source)->bare &&
        !vch_ok(vch_sign1_decode(it->bytes, VCH_SIGN1_ITEM, &any))) {
        it->broken = VCH_E(NO_ORIGIN);
    }
    if (!vch_ok(it->broken)) {
        it->verdict = VCH_VERDICT_UNKNOWN;
        it->step = VCH_STEP_ORIGIN;
        it->report.step[VCH_STEP_ORIGIN] = (struct vch_verify_step){VCH_STEP_UNKNOWN, it->broken};
        return;
    }
    for (uint32_t a = it->anchor_first; a != NO_INDEX && n < VCH_ARRAY_LEN(list);
         a = anchor_ref_at(v, a)->next) {
        struct anchor_ref *ref = anchor_ref_at(v, a);
        const struct vch_verify_anchor *anchor = anchor_of(v, &ref->txid);

        if (anchor != NULL) {
            list[n++] = (struct vch_verify_anchoring){anchor, ref->index, ref->path};
        }
    }
    vch_verify_item_check(&v->judge, it->bytes, &v->book, list, n, &it->report);
    vch_verifier_check_data(v, it, room);
}

static void check_sequence(struct vch_verifier *v)
{
    struct vch_verify_seq *list = vch_mem_alloc((v->items.n + 1) * sizeof(*list));
    size_t n = 0;

    for (size_t i = 0; i < v->items.n; i++) {
        const struct vch_verify_report *r = &item_at(v, i)->report;

        if (r->step[VCH_STEP_ORIGIN].state == VCH_STEP_PASS) {
            list[n++] = (struct vch_verify_seq){.device = r->device,
                                                .item = r->content,
                                                .seq = r->item.seq,
                                                .position = (uint32_t)i};
        }
    }
    /* req: Y.2247-10.1-2 (what was lost on the way shows by its number) */
    vch_verify_sequence(list, n, &v->summary.gaps);
    for (size_t i = 0; i < n; i++) {
        struct vch_verify_report *r = &item_at(v, list[i].position)->report;

        r->step[VCH_STEP_SEQUENCE] = list[i].step;
        if (list[i].duplicate) {
            r->notes |= VCH_NOTE_DUPLICATE;
            v->summary.duplicates++;
        }
    }
    vch_mem_free(list);
}

static void sum_up(struct vch_verifier *v)
{
    struct vch_verifier_summary *s = &v->summary;

    s->items = v->items.n;
    for (size_t i = 0; i < v->items.n; i++) {
        struct item *it = item_at(v, i);

        it->verdict = vch_verify_verdict(&it->report, &it->step);
        s->valid += it->verdict == VCH_VERDICT_VALID;
        s->invalid += it->verdict == VCH_VERDICT_INVALID;
        s->unknown += it->verdict == VCH_VERDICT_UNKNOWN;
        if (it->verdict == VCH_VERDICT_VALID && (it->report.notes & VCH_NOTE_DUPLICATE) == 0) {
            s->data.rows += it->report.data.rows;
            s->data.headers += it->report.data.headers;
            s->data.stripped += it->report.data.stripped;
            s->data.bytes += it->report.data.bytes;
        }
        if (it->step < VCH_STEPS &&
            (vch_ok(s->why) || (it->verdict == VCH_VERDICT_INVALID && s->invalid == 1))) {
            s->why = it->report.step[it->step].why;
        }
    }
}

void vch_verifier_run(struct vch_verifier *v)
{
    struct vch_verifier_source src;

    check_evidence(v);
    vch_verifier_run_parallel(v, v->items.n, job_item, true);
    check_sequence(v);
    sum_up(v);
    v->summary.verdict = v->sources.n == 0 ? VCH_VERDICT_UNKNOWN : VCH_VERDICT_VALID;
    for (size_t i = 0; vch_verifier_source(v, i, &src); i++) {
        v->summary.verdict = vch_verify_worse(v->summary.verdict, src.verdict);
        v->summary.open_stream |= !src.ended && !src.bare;
        if (!vch_ok(src.err)) {
            v->summary.why = src.err;
        } else if (src.items == 0 && vch_ok(v->summary.why)) {
            v->summary.why = VCH_E(NO_ORIGIN);
        }
    }
}
