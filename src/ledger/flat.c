#include "flat.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

vch_err vch_ledger_flat_open(const char *path, size_t item, uint64_t count, bool read_only,
                             struct vch_ledger_flat *ret)
{
    struct stat st;
    int fd = -1;

    if (path != NULL) {
        fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        VCH_CHECK(fd >= 0, LEDGER_DAMAGED);
        if (fstat(fd, &st) != 0 || (uint64_t)st.st_size / item < count) {
            close(fd);
            return VCH_E(LEDGER_DAMAGED);
        }
    }
    *ret = (struct vch_ledger_flat){.fd = fd,
                                    .item = item,
                                    .flushed = count,
                                    .count = count,
                                    .tail = vch_buf_init(SIZE_MAX / 2),
                                    .staged = vch_buf_init(SIZE_MAX / 2)};
    return VCH_OK;
}

vch_err vch_ledger_flat_make(const char *path, struct vch_ledger_flat *f)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

    VCH_CHECK(fd >= 0, LEDGER_FAILED);
    f->fd = fd;
    return VCH_OK;
}

void vch_ledger_flat_close(struct vch_ledger_flat *f)
{
    if (f->item == 0) {
        return;
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
    vch_buf_fini(&f->tail);
    vch_buf_fini(&f->staged);
    *f = (struct vch_ledger_flat){.fd = -1};
}

void vch_ledger_flat_stage(struct vch_ledger_flat *f, struct vch_bytes item)
{
    VCH_ASSERT(item.n == f->item && vch_ok(vch_buf_append(&f->staged, item)));
}

void vch_ledger_flat_unstage(struct vch_ledger_flat *f)
{
    vch_buf_reset(&f->staged);
}

void vch_ledger_flat_publish(struct vch_ledger_flat *f)
{
    f->count += f->staged.n / f->item;
    VCH_ASSERT(vch_ok(vch_buf_append(&f->tail, vch_buf_get(&f->staged))));
    vch_buf_reset(&f->staged);
}

vch_err vch_ledger_flat_file(const struct vch_ledger_flat *f, uint64_t idx, size_t n, uint8_t *ret)
{
    size_t done = 0, want = n * f->item;

    while (done < want) {
        ssize_t k = pread(f->fd, ret + done, want - done, (off_t)(idx * f->item + done));

        if (k < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(k > 0, LEDGER_DAMAGED);
        done += (size_t)k;
    }
    return VCH_OK;
}

vch_err vch_ledger_flat_range(const struct vch_ledger_flat *f, uint64_t idx, size_t n, uint8_t *ret)
{
    size_t in_file = 0;

    VCH_CHECK(idx <= f->count && n <= f->count - idx, LEDGER_DAMAGED);
    if (idx < f->flushed) {
        in_file = f->flushed - idx < n ? (size_t)(f->flushed - idx) : n;
        VCH_TRY(vch_ledger_flat_file(f, idx, in_file, ret));
    }
    if (n > in_file) {
        memcpy(ret + in_file * f->item, f->tail.p + (idx + in_file - f->flushed) * f->item,
               (n - in_file) * f->item);
    }
    return VCH_OK;
}

vch_err vch_ledger_flat_get(const struct vch_ledger_flat *f, uint64_t idx, uint8_t *ret)
{
    return vch_ledger_flat_range(f, idx, 1, ret);
}

vch_err vch_ledger_flat_tail(const struct vch_ledger_flat *f, struct vch_buf *out)
{
    vch_buf_reset(out);
    return vch_buf_append(out, vch_buf_get(&f->tail));
}

vch_err vch_ledger_flat_write(const struct vch_ledger_flat *f, struct vch_bytes items)
{
    uint64_t off = f->flushed * f->item;

    if (items.n == 0) {
        return VCH_OK;
    }
    while (items.n > 0) {
        ssize_t k = pwrite(f->fd, items.p, items.n, (off_t)off);

        if (k < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(k > 0, LEDGER_FAILED);
        items = vch_bytes(items.p + k, items.n - (size_t)k);
        off += (uint64_t)k;
    }
    VCH_CHECK(fdatasync(f->fd) == 0, LEDGER_FAILED);
    return VCH_OK;
}

void vch_ledger_flat_flushed(struct vch_ledger_flat *f, size_t bytes)
{
    if (f->tail.n > bytes) {
        memmove(f->tail.p, f->tail.p + bytes, f->tail.n - bytes);
    }
    f->tail.n -= bytes;
    f->flushed += bytes / f->item;
}
