#include <vouch/stmt/anchor.h>
#include <vouch/stmt/item.h>

#include "device_int.h"

/* req: Y.2247-7.2.1-1 (no data leaves before its endorsement is confirmed) */
vch_err vch_device_ready(const struct vch_device *d)
{
    /* req: Y.2247-10.1-1 (the scenarios start from a completed endorsement) */
    VCH_CHECK(d->phase >= VCH_DEVICE_ENDORSED, DEVICE_UNREGISTERED);
    VCH_CHECK(d->phase == VCH_DEVICE_ENDORSED, DEVICE_RETIRED);
    return vch_device_custody_check(d);
}

vch_err vch_device_reserve(struct vch_device *d, uint64_t count)
{
    uint64_t from = d->reserved_seq;
    vch_err e;

    VCH_CHECK(count >= 1 && from <= INT64_MAX && count <= (uint64_t)INT64_MAX - from, DEVICE_SEQ);
    d->reserved_seq = from + count;
    e = vch_device_save(d);
    if (!vch_ok(e)) {
        /* it may have been written all the same: these numbers are not used again */
        return e;
    }
    d->next_seq = from;
    d->end_seq = from + count;
    return VCH_OK;
}

vch_err vch_device_release(struct vch_device *d)
{
    if (d->next_seq != d->end_seq && d->end_seq == d->reserved_seq) {
        d->reserved_seq = d->next_seq;
        d->end_seq = d->next_seq;
        return vch_device_save(d);
    }
    d->end_seq = d->next_seq;
    return VCH_OK;
}

/* A number is spent when taken, whatever becomes of the item. */
static vch_err take_seq(struct vch_device *d, uint64_t *ret)
{
    if (d->next_seq == d->end_seq) {
        VCH_TRY(vch_device_reserve(d, VCH_DEVICE_RESERVE));
    }
    *ret = d->next_seq++;
    return VCH_OK;
}

/* Completes and signs IT, which has mode, times, count, type and payload. */
static vch_err sign_item(struct vch_device *d, struct vch_stmt_item *it, struct vch_span out,
                         struct vch_bytes *ret)
{
    VCH_TRY(vch_device_ready(d));
    VCH_TRY(take_seq(d, &it->seq));
    it->kid = vch_bytes(d->txid.b, VCH_ITEM_KID_LEN);
    it->has_pointer =
        it->mode == VCH_ITEM_BATCH || !d->pointed || d->pointer == VCH_DEVICE_POINTER_INLINE;
    if (it->has_pointer) {
        it->pointer_txid = vch_hash_bytes(&d->txid);
        VCH_TRY(vch_device_address(d, &it->pointer_address));
    }
    VCH_TRY(vch_stmt_item_encode(d->host.signer, it, out, ret));
    d->pointed = d->pointed || it->mode == VCH_ITEM_SINGLE;
    return VCH_OK;
}

vch_err vch_device_single_begin(struct vch_device *d, struct vch_device_single *s)
{
    VCH_TRY(vch_device_ready(d));
    VCH_TRY(d->host.random(d->host.random_self, VCH_SPAN_OF(s->salt)));
    d->host.crypto->sha256_init(&s->sum);
    d->host.crypto->sha256_update(&s->sum, VCH_BYTES_OF(s->salt));
    return VCH_OK;
}

void vch_device_single_add(const struct vch_device *d, struct vch_device_single *s,
                           struct vch_bytes piece)
{
    d->host.crypto->sha256_update(&s->sum, piece);
}

vch_err vch_device_single_sign(struct vch_device *d, struct vch_device_single *s,
                               struct vch_bytes content_type, int64_t time_ms, struct vch_span out,
                               struct vch_bytes *ret)
{
    struct vch_hash digest;
    struct vch_stmt_item it = {.mode = VCH_ITEM_SINGLE,
                               .content_type = content_type,
                               .payload = vch_hash_bytes(&digest),
                               .time_ms = time_ms,
                               .first_time_ms = time_ms,
                               .count = 1};

    d->host.crypto->sha256_final(&s->sum, &digest);
    return sign_item(d, &it, out, ret);
}

vch_err vch_device_batch_begin(struct vch_device *d, struct vch_device_batch *b)
{
    VCH_TRY(vch_device_ready(d));
    VCH_TRY(d->host.random(d->host.random_self, VCH_SPAN_OF(b->seed)));
    b->rows.count = 0;
    b->first_ms = b->last_ms = 0;
    return VCH_OK;
}

void vch_device_batch_row_open(const struct vch_device *d, struct vch_device_batch *b)
{
    static const uint8_t leaf = 0x00;
    uint8_t salt[VCH_SALT_LEN];

    vch_stmt_item_salt(d->host.crypto, b->seed, b->rows.count, salt);
    d->host.crypto->sha256_init(&b->row);
    d->host.crypto->sha256_update(&b->row, vch_bytes(&leaf, 1));
    d->host.crypto->sha256_update(&b->row, VCH_BYTES_OF(salt));
}

void vch_device_batch_row_add(const struct vch_device *d, struct vch_device_batch *b,
                              struct vch_bytes piece)
{
    d->host.crypto->sha256_update(&b->row, piece);
}

vch_err vch_device_batch_row_close(const struct vch_device *d, struct vch_device_batch *b,
                                   int64_t time_ms)
{
    struct vch_hash leaf;

    VCH_CHECK(b->rows.count < VCH_BATCH_ROWS_COUNT, LIMIT);
    d->host.crypto->sha256_final(&b->row, &leaf);
    /* a clock set back may not make the batch end before it began */
    b->last_ms = b->rows.count == 0 || time_ms > b->last_ms ? time_ms : b->last_ms;
    b->first_ms = b->rows.count == 0 ? time_ms : b->first_ms;
    return vch_merkle_frontier_append(d->host.crypto, &b->rows, &leaf);
}

vch_err vch_device_batch_row(const struct vch_device *d, struct vch_device_batch *b,
                             struct vch_bytes raw, int64_t time_ms)
{
    vch_device_batch_row_open(d, b);
    vch_device_batch_row_add(d, b, raw);
    return vch_device_batch_row_close(d, b, time_ms);
}

vch_err vch_device_batch_sign(struct vch_device *d, struct vch_device_batch *b,
                              struct vch_bytes content_type, struct vch_span out,
                              struct vch_bytes *ret)
{
    struct vch_hash root;
    struct vch_stmt_item it = {.mode = VCH_ITEM_BATCH,
                               .content_type = content_type,
                               .payload = vch_hash_bytes(&root),
                               .time_ms = b->last_ms,
                               .first_time_ms = b->first_ms,
                               .count = b->rows.count};

    VCH_CHECK(b->rows.count != 0, DEVICE_BATCH);
    vch_merkle_frontier_root(d->host.crypto, &b->rows, &root);
    return sign_item(d, &it, out, ret);
}

vch_err vch_device_anchor(struct vch_device *d, const struct vch_hash *root, uint64_t count,
                          int64_t now_ms, struct vch_span out, struct vch_bytes *ret)
{
    char uri[VCH_KEY_URI_ROOM], subject[VCH_SUBJECT_TEXT_ROOM];
    struct vch_stmt_anchor a = {.root = vch_hash_bytes(root), .count = count};

    VCH_TRY(vch_device_ready(d));
    return vch_stmt_anchor_encode(
        d->host.crypto, d->host.signer, &a, vch_key_uri_encode(&d->thumbprint, VCH_SPAN_OF(uri)),
        vch_text(vch_stmt_subject_text(d->subject, VCH_SPAN_OF(subject))), now_ms / 1000, out, ret);
}
