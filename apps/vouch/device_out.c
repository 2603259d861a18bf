/* Bundles that a device writes, record by record. */
#include "device_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <vouch/ossl/crypto.h>

static vch_err write_all(int fd, struct vch_bytes b)
{
    while (b.n != 0) {
        ssize_t n = write(fd, b.p, b.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return vch_file_errno(errno);
        }
        b = vch_bytes_slice(b, (size_t)n, SIZE_MAX);
    }
    return VCH_OK;
}

vch_err device_out_record(struct device_out *o, struct vch_bytes record)
{
    VCH_TRY(write_all(o->fd, record));
    vch_stmt_bundle_sum_add(&o->sum, record);
    o->bytes += record.n;
    return VCH_OK;
}

/* Room for N bytes of a record, and a writer onto it. */
static vch_err begin(struct device_out *o, size_t n, struct vch_writer *ret)
{
    struct vch_span room;

    vch_buf_reset(&o->record);
    VCH_TRY(vch_buf_room(&o->record, n, &room));
    *ret = vch_writer(room);
    return VCH_OK;
}

static vch_err finish(struct device_out *o, const struct vch_writer *w)
{
    struct vch_bytes record;

    VCH_TRY(vch_writer_finish(w, &record));
    return device_out_record(o, record);
}

vch_err device_out_open(struct device_out *o, const char *path)
{
    struct vch_writer w;

    memset(o, 0, sizeof(*o));
    o->record = vch_buf_init(VCH_REC_MAX);
    o->path = path == NULL || strcmp(path, "-") == 0 ? NULL : path;
    o->fd = STDOUT_FILENO;
    if (o->path != NULL) {
        o->fd = open(o->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        if (o->fd < 0) {
            return vch_file_errno(errno);
        }
    }
    vch_stmt_bundle_sum_init(&o->sum, vch_ossl_crypto());
    VCH_TRY(begin(o, 64, &w));
    vch_stmt_bundle_put_head(&w);
    return finish(o, &w);
}

vch_err device_out_end(struct device_out *o)
{
    struct vch_writer w;
    struct vch_bytes record;

    VCH_TRY(begin(o, 64, &w));
    vch_stmt_bundle_put_end(&w, &o->sum);
    VCH_TRY(vch_writer_finish(&w, &record));
    VCH_TRY(write_all(o->fd, record));
    o->bytes += record.n;
    if (o->path != NULL && fsync(o->fd) != 0 && errno != EINVAL) {
        return vch_file_errno(errno); /* EINVAL: a pipe or device, which cannot be synced */
    }
    return VCH_OK;
}

void device_out_close(struct device_out *o)
{
    if (o->path != NULL && o->fd >= 0) {
        close(o->fd);
    }
    vch_buf_fini(&o->record);
    o->fd = -1;
}

vch_err device_out_evidence(struct device_out *o, const struct device_session *s)
{
    struct vch_bytes endorsement, receipt;
    struct vch_writer w;

    if (o->has_cited && vch_hash_equal(&o->cited, &s->d.txid)) {
        return VCH_OK;
    }
    o->cited = s->d.txid;
    o->has_cited = true;
    if (!device_evidence(s, &endorsement, &receipt)) {
        return VCH_OK; /* verifiers fetch it from the entry address */
    }
    VCH_TRY(begin(o, endorsement.n + receipt.n + 64, &w));
    vch_stmt_bundle_put_statement(&w, endorsement, &receipt, 1);
    return finish(o, &w);
}

vch_err device_out_item(struct device_out *o, struct vch_bytes item)
{
    struct vch_writer w;

    VCH_TRY(begin(o, item.n + 16, &w));
    vch_stmt_bundle_put_item(&w, item);
    VCH_TRY(finish(o, &w));
    o->items++;
    return VCH_OK;
}

vch_err device_out_rows(struct device_out *o, struct vch_bytes salt, uint64_t first,
                        const struct vch_bytes *raws, size_t count)
{
    size_t total = 128;
    struct vch_writer w;

    for (size_t i = 0; i < count; i++) {
        total += raws[i].n + 9;
    }
    VCH_TRY(begin(o, total, &w));
    vch_stmt_bundle_put_rows(&w, o->items - 1, salt, first, raws, count);
    return finish(o, &w);
}

vch_err device_out_file(struct device_out *o, struct vch_bytes salt, uint64_t length,
                        const char *name)
{
    struct vch_writer w;

    VCH_TRY(begin(o, VCH_FILE_NAME_MAX + 64, &w));
    vch_stmt_bundle_put_file(&w, o->items - 1, salt, length, vch_text(name));
    return finish(o, &w);
}
