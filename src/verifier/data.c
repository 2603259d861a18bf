#include "verifier_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

vch_err vch_verifier_read_again(struct vch_verifier *v, const struct data_ref *d,
                                struct vch_buf *room, struct vch_stmt_bundle_rec *ret)
{
    const struct source *src = source_at(v, d->source);
    struct vch_stmt_bundle_reader r;
    enum vch_stmt_bundle_step step;
    struct vch_bytes view;
    struct vch_span span;

    if (src->fd < 0) {
        view = vch_bytes_slice(src->memory, (size_t)d->offset, d->length);
    } else {
        vch_buf_reset(room);
        VCH_TRY(vch_buf_room(room, d->length, &span));
        while (room->n < d->length) {
            ssize_t got = pread(src->fd, room->p + room->n, d->length - room->n,
                                (off_t)(d->offset + room->n));

            if (got < 0 && errno == EINTR) {
                continue;
            }
            VCH_CHECK(got > 0, FILE_READ);
            vch_buf_added(room, (size_t)got);
        }
        view = vch_buf_get(room);
    }
    vch_stmt_bundle_reader_init(&r, v->o.cr, true);
    r.items = UINT64_MAX; /* its place was checked when it was read first */
    VCH_TRY(vch_stmt_bundle_next(&r, view, true, &step, ret));
    VCH_CHECK(step == VCH_BUNDLE_RECORD && ret->type == d->type, BUNDLE_RECORD);
    return VCH_OK;
}

/* ---- data in a file beside */
static int open_beside(const struct source *src, struct vch_bytes name)
{
    const char *slash = src->fd >= 0 ? strrchr(src->name, '/') : NULL;
    char path[4096];
    int n =
        snprintf(path, sizeof(path), "%.*s%.*s", slash == NULL ? 0 : (int)(slash - src->name + 1),
                 src->name, (int)name.n, (const char *)name.p);

    if (src->fd < 0 || n < 0 || (size_t)n >= sizeof(path)) {
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The file given for NAME: the one so called, or the only one given; otherwise beside the bundle.
 */
static int open_data(const struct vch_verifier *v, const struct source *src, struct vch_bytes name)
{
    for (size_t i = 0; i < v->o.data_count; i++) {
        const char *slash = strrchr(v->o.data[i], '/');
        const char *base = slash == NULL ? v->o.data[i] : slash + 1;

        if (vch_bytes_equal(vch_text(base), name)) {
            return open(v->o.data[i], O_RDONLY | O_CLOEXEC);
        }
    }
    if (v->o.data_count == 1) {
        return open(v->o.data[0], O_RDONLY | O_CLOEXEC);
    }
    return open_beside(src, name);
}

static vch_err hash_file(struct vch_verifier *v, int fd, const struct vch_stmt_bundle_rec *rec,
                         struct vch_buf *room, struct vch_hash *ret)
{
    struct vch_sha256 ctx;
    struct vch_span span;
    uint64_t total = 0;

    v->o.cr->sha256_init(&ctx);
    v->o.cr->sha256_update(&ctx, rec->salt);
    for (;;) {
        ssize_t got;

        vch_buf_reset(room);
        VCH_TRY(vch_buf_room(room, (size_t)1 << 20, &span));
        got = read(fd, span.p, span.cap);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(got >= 0, FILE_READ);
        if (got == 0) {
            break;
        }
        total += (uint64_t)got;
        v->o.cr->sha256_update(&ctx, vch_bytes(span.p, (size_t)got));
    }
    v->o.cr->sha256_final(&ctx, ret);
    VCH_CHECK(total == rec->index, ITEM_DATA);
    return VCH_OK;
}

static vch_err check_file(struct vch_verifier *v, struct item *it,
                          const struct vch_stmt_bundle_rec *rec, struct vch_verify_data *data)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf room = vch_buf_init((size_t)1 << 20);
    const struct vch_stmt_item *si = &it->report.item;
    struct vch_hash digest;
    vch_err e;
    int fd;

    VCH_CHECK(si->mode == VCH_ITEM_SINGLE, ITEM_FORM);
    fd = open_data(v, source_at(v, it->source), rec->body);
    VCH_CHECK(fd >= 0, DATA_MISSING);
    e = hash_file(v, fd, rec, &room, &digest);
    close(fd);
    VCH_TRY(e);
    VCH_CHECK(vch_bytes_equal(vch_hash_bytes(&digest), si->payload), ITEM_DATA);
    data->rows = 1;
    data->bytes = rec->index;
    return VCH_OK;
}

/* ---- data in the bundle */
static vch_err check_single(struct vch_verifier *v, const struct vch_stmt_item *si,
                            const struct vch_stmt_bundle_rec *rec, struct vch_verify_data *data)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_bytes raw;

    VCH_CHECK(rec->salt.n == VCH_SALT_LEN && rec->index == 0 && list.count == 1, ITEM_DATA);
    VCH_CHECK(vch_stmt_bundle_list_next(&list, &raw), ITEM_DATA);
    VCH_TRY(vch_stmt_item_check_raw(v->o.cr, si, rec->salt.p, raw));
    data->rows = 1;
    data->bytes = raw.n;
    return VCH_OK;
}

/* Everything that was recorded as data of IT. Rows come whole (type 6) or one by one (type 7), each
 * at most once and in the order in which the device signed them.
 * req: Y.2247-10.1-3 (a row that is repeated or moved is revealed) */
static vch_err check_all(struct vch_verifier *v, struct item *it, struct vch_buf *room,
                         struct vch_verify_data *data, bool *ret_complete)
{
    const struct vch_stmt_item *si = &it->report.item;
    struct vch_verify_rows rows;
    struct vch_stmt_bundle_rec rec;
    uint64_t next = 0; /* of the rows that come one by one */
    bool whole = false;

    vch_verify_rows_init(&rows);
    for (uint32_t d = it->data_first; d != NO_INDEX; d = data_ref_at(v, d)->next) {
        VCH_TRY(vch_verifier_read_again(v, data_ref_at(v, d), room, &rec));
        if (rec.type == VCH_REC_FILE) {
            VCH_TRY(check_file(v, it, &rec, data));
            whole = true;
        } else if (rec.type == VCH_REC_ROW) {
            VCH_CHECK(rec.index >= next && rows.frontier.count == 0, ITEM_DATA);
            VCH_TRY(vch_verify_row(v->o.cr, si, &rec, data));
            next = rec.index + 1; /* below the count of the batch, so that it cannot wrap */
        } else if (si->mode == VCH_ITEM_SINGLE) {
            VCH_TRY(check_single(v, si, &rec, data));
            whole = true;
        } else {
            VCH_CHECK(next == 0, ITEM_DATA);
            VCH_TRY(vch_verify_rows_add(v->o.cr, &rows, si, rec.salt, rec.index, rec.list));
        }
    }
    if (rows.frontier.count > 0) {
        VCH_TRY(vch_verify_rows_end(v->o.cr, &rows, si));
        data->rows += rows.data.rows;
        data->headers += rows.data.headers;
        data->bytes += rows.data.bytes;
        whole = true;
    }
    *ret_complete = whole || data->rows + data->headers == si->count;
    return VCH_OK;
}

void vch_verifier_check_data(struct vch_verifier *v, struct item *it, struct vch_buf *room)
{
    struct vch_verify_data data = {0, 0, 0, 0};
    bool complete = false;
    vch_err e;

    if (it->report.step[VCH_STEP_ORIGIN].state != VCH_STEP_PASS) {
        return;
    }
    if (it->data_first == NO_INDEX) {
        vch_verify_report_data(&it->report, VCH_OK, NULL, false);
        return;
    }
    e = check_all(v, it, room, &data, &complete);
    vch_verify_report_data(&it->report, e, &data, complete);
}
