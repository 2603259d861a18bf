#include "device_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FRAME_HEAD 12
#define FIRST      0x80000000u

static vch_err write_all(int fd, const uint8_t *p, size_t n)
{
    while (n != 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return vch_file_errno(errno);
        }
        p += done;
        n -= (size_t)done;
    }
    return VCH_OK;
}

/* False at the end, also within a frame. */
static bool read_all(int fd, uint8_t *p, size_t n)
{
    while (n != 0) {
        ssize_t done = read(fd, p, n);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static vch_err add_row(int fd, struct vch_bytes row, bool first)
{
    uint8_t head[FRAME_HEAD];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(head));

    vch_writer_u64(&w, (uint64_t)device_now_ms());
    vch_writer_u32(&w, (uint32_t)row.n | (first ? FIRST : 0));
    VCH_TRY(w.err);
    VCH_TRY(write_all(fd, head, sizeof(head)));
    return write_all(fd, row.p, row.n);
}

static vch_err add_input(int out, enum device_format format, const char *path, uint64_t *rows)
{
    bool std = strcmp(path, "-") == 0;
    int fd = std ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    enum device_row_step step = DEVICE_ROW;
    struct device_rows r;
    struct vch_bytes row;
    bool first = true;
    vch_err e = VCH_OK;

    VCH_CHECK(fd >= 0, FILE_OPEN);
    device_rows_init(&r, fd, format);
    while (vch_ok(e) && step != DEVICE_EOF && device_stop == 0) {
        e = device_rows_next(&r, -1, &row, &step);
        if (vch_ok(e) && step == DEVICE_ROW) {
            e = add_row(out, row, first);
            first = false;
            (*rows)++;
        }
    }
    device_rows_fini(&r);
    if (!std) {
        close(fd);
    }
    return e;
}

vch_err device_queue_add(const char *dir, enum device_format format, int n, char **args,
                         uint64_t *ret_rows)
{
    char path[DEVICE_PATH_ROOM];
    uint64_t rows = 0;
    vch_err e = VCH_OK;
    int fd;

    VCH_TRY(device_path(dir, "queue", VCH_SPAN_OF(path)));
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return vch_file_errno(errno);
    }
    if (n == 0) {
        e = add_input(fd, format, "-", &rows);
    }
    for (int i = 0; i < n && vch_ok(e); i++) {
        e = add_input(fd, format, args[i], &rows);
    }
    if (fsync(fd) != 0 && vch_ok(e)) {
        e = vch_file_errno(errno);
    }
    close(fd);
    VCH_TRY(e);
    *ret_rows = rows;
    return vch_dir_sync(dir);
}

vch_err device_queue_open(struct device_queue *q, const char *dir)
{
    VCH_TRY(device_path(dir, "queue", VCH_SPAN_OF(q->path)));
    q->fd = open(q->path, O_RDONLY | O_CLOEXEC);
    if (q->fd < 0) {
        return vch_file_errno(errno);
    }
    q->row = vch_buf_init(VCH_RAW_MAX);
    return VCH_OK;
}

vch_err device_queue_next(struct device_queue *q, struct vch_bytes *ret_raw, int64_t *ret_time_ms,
                          bool *ret_first, bool *ret_more)
{
    uint8_t head[FRAME_HEAD];
    struct vch_reader r = vch_reader(VCH_BYTES_OF(head));
    struct vch_span room;
    uint64_t time_ms;
    uint32_t n;

    *ret_more = false;
    if (!read_all(q->fd, head, sizeof(head))) {
        return VCH_OK;
    }
    VCH_TRY(vch_reader_u64(&r, &time_ms));
    VCH_TRY(vch_reader_u32(&r, &n));
    *ret_first = (n & FIRST) != 0;
    n &= ~FIRST;
    VCH_CHECK(n <= VCH_RAW_MAX && time_ms <= INT64_MAX, LIMIT);
    vch_buf_reset(&q->row);
    VCH_TRY(vch_buf_room(&q->row, n, &room));
    if (!read_all(q->fd, room.p, n)) {
        return VCH_OK;
    }
    vch_buf_added(&q->row, n);
    *ret_raw = vch_buf_get(&q->row);
    *ret_time_ms = (int64_t)time_ms;
    *ret_more = true;
    return VCH_OK;
}

void device_queue_close(struct device_queue *q, bool done)
{
    if (done) {
        (void)unlink(q->path);
    }
    close(q->fd);
    vch_buf_fini(&q->row);
}
