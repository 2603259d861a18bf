#include <vouch/verify/item.h>

#include "sort.h"
#include "step.h"

bool vch_verify_row_is_header(const struct vch_stmt_item *it, uint64_t idx)
{
    static const char word[] = "header=present";
    size_t n = sizeof(word) - 1;

    for (size_t i = 0; idx == 0 && i + n <= it->content_type.n; i++) {
        if (memcmp(it->content_type.p + i, word, n) == 0) {
            return true;
        }
    }
    return false;
}

void vch_verify_rows_init(struct vch_verify_rows *r)
{
    memset(r, 0, sizeof(*r));
}

static void count_row(const struct vch_stmt_item *it, uint64_t idx, struct vch_bytes raw,
                      struct vch_verify_data *data)
{
    data->headers += vch_verify_row_is_header(it, idx);
    data->rows += !vch_verify_row_is_header(it, idx);
    data->bytes += raw.n;
}

vch_err vch_verify_rows_add(const struct vch_crypto *cr, struct vch_verify_rows *r,
                            const struct vch_stmt_item *it, struct vch_bytes seed, uint64_t first,
                            struct vch_stmt_bundle_list rows)
{
    uint8_t salt[VCH_SALT_LEN];
    struct vch_hash leaf;
    struct vch_bytes raw;

    VCH_CHECK(it->mode == VCH_ITEM_BATCH && seed.n == VCH_SEED_LEN, ITEM_FORM);
    VCH_CHECK(first == r->frontier.count && rows.count <= it->count - first, ITEM_DATA);
    if (first == 0) {
        memcpy(r->seed, seed.p, VCH_SEED_LEN);
    }
    VCH_CHECK(memcmp(r->seed, seed.p, VCH_SEED_LEN) == 0, ITEM_DATA);
    while (vch_stmt_bundle_list_next(&rows, &raw)) {
        vch_stmt_item_salt(cr, r->seed, r->frontier.count, salt);
        vch_stmt_item_leaf(cr, salt, raw, &leaf);
        count_row(it, r->frontier.count, raw, &r->data);
        VCH_TRY(vch_merkle_frontier_append(cr, &r->frontier, &leaf));
    }
    return VCH_OK;
}

vch_err vch_verify_rows_end(const struct vch_crypto *cr, const struct vch_verify_rows *r,
                            const struct vch_stmt_item *it)
{
    struct vch_hash root;

    VCH_CHECK(r->frontier.count == it->count, ITEM_DATA);
    vch_merkle_frontier_root(cr, &r->frontier, &root);
    return vch_stmt_item_check_root(it, &root);
}

vch_err vch_verify_row(const struct vch_crypto *cr, const struct vch_stmt_item *it,
                       const struct vch_stmt_bundle_rec *rec, struct vch_verify_data *data)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_hash path[VCH_PATH_COUNT], leaf;
    struct vch_bytes one;
    size_t n = 0;

    VCH_CHECK(rec->type == VCH_REC_ROW, ITEM_FORM);
    while (n < VCH_PATH_COUNT && vch_stmt_bundle_list_next(&list, &one)) {
        memcpy(path[n++].b, one.p, VCH_HASH_LEN);
    }
    if (rec->salt.n == 0) {
        memcpy(leaf.b, rec->body.p, VCH_HASH_LEN);
    } else {
        vch_stmt_item_leaf(cr, rec->salt.p, rec->body, &leaf);
    }
    VCH_TRY(vch_stmt_item_check_row(cr, it, rec->index, &leaf, path, n));
    if (rec->salt.n == 0) {
        data->stripped++;
    } else {
        count_row(it, rec->index, rec->body, data);
    }
    return VCH_OK;
}

void vch_verify_report_data(struct vch_verify_report *r, vch_err e,
                            const struct vch_verify_data *data, bool complete)
{
    if (data == NULL) {
        r->notes |= VCH_NOTE_NO_DATA;
        return;
    }
    r->step[VCH_STEP_DATA] = step_of(e);
    if (!vch_ok(e)) {
        return;
    }
    r->data = *data;
    if (data->rows + data->headers == 0) {
        r->notes |= VCH_NOTE_NO_DATA;
    }
    if (!complete) {
        r->notes |= VCH_NOTE_PARTIAL_DATA;
    }
}

static int seq_cmp(const struct vch_verify_seq *a, const struct vch_verify_seq *b)
{
    int c = memcmp(a->device.b, b->device.b, VCH_HASH_LEN);

    if (c == 0 && a->seq != b->seq) {
        c = a->seq < b->seq ? -1 : 1;
    }
    if (c == 0) {
        c = memcmp(a->item.b, b->item.b, VCH_HASH_LEN);
    }
    if (c == 0) {
        c = a->position < b->position ? -1 : a->position > b->position;
    }
    return c;
}

static int seq_less(const void *self, size_t a, size_t b)
{
    const struct vch_verify_seq *const *list = self;

    return seq_cmp(&(*list)[a], &(*list)[b]) < 0;
}

static void seq_swap(const void *self, size_t a, size_t b)
{
    struct vch_verify_seq *const *list = self;
    struct vch_verify_seq t = (*list)[a];

    (*list)[a] = (*list)[b];
    (*list)[b] = t;
}

void vch_verify_sequence(struct vch_verify_seq *list, size_t count, struct vch_verify_gaps *ret)
{
    struct sorter s = {seq_less, seq_swap, &list};
    struct vch_verify_gaps gaps = {0, 0};

    vch_verify_sort_heap(&s, count);
    for (size_t i = 0; i < count; i++) {
        struct vch_verify_seq *now = &list[i], *before = i > 0 ? &list[i - 1] : NULL;
        bool same_device = before != NULL && vch_hash_equal(&before->device, &now->device);

        now->step = step_pass();
        gaps.devices += !same_device;
        if (same_device && before->seq == now->seq) {
            now->duplicate = vch_hash_equal(&before->item, &now->item);
            if (!now->duplicate || before->step.state == VCH_STEP_FAIL) {
                now->step = step_fail(VCH_E(SEQ_REPLAYED));
            }
        } else if (same_device) {
            gaps.missing += now->seq - before->seq - 1;
        }
    }
    /* Backwards, so that every item of a number that was used twice is marked. */
    for (size_t i = count; i-- > 1;) {
        if (list[i].step.state == VCH_STEP_FAIL &&
            vch_hash_equal(&list[i].device, &list[i - 1].device) &&
            list[i].seq == list[i - 1].seq) {
            list[i - 1].step = list[i].step;
        }
    }
    *ret = gaps;
}
