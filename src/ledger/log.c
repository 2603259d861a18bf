#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/file/file.h>

#define PATH_ROOM   4096
#define SEGMENT_MIN 65536 /* any one statement fits */
#define FIRST_READ  1024  /* most statements are read with one call */

void vch_ledger_log_name(uint64_t number, char ret[VCH_LEDGER_SEGMENT_NAME])
{
    (void)snprintf(ret, VCH_LEDGER_SEGMENT_NAME, "log/%08llx.vlog", (unsigned long long)number);
}

void vch_ledger_log_fault(const struct vch_ledger_log *log, uint64_t pos, const char *what,
                          struct vch_ledger_fault *reterr)
{
    char name[VCH_LEDGER_SEGMENT_NAME];

    if (reterr == NULL) {
        return;
    }
    *reterr = (struct vch_ledger_fault){.index = UINT64_MAX};
    vch_ledger_log_name(pos / log->seg_size, name);
    (void)snprintf(reterr->file, sizeof(reterr->file), "%s", name);
    (void)snprintf(reterr->what, sizeof(reterr->what), "%s", what);
    reterr->offset = pos % log->seg_size;
}

static void segment_path(const char *dir, uint64_t number, const char *suffix, char ret[PATH_ROOM])
{
    char name[VCH_LEDGER_SEGMENT_NAME];

    vch_ledger_log_name(number, name);
    (void)snprintf(ret, PATH_ROOM, "%s/%s%s", dir, name, suffix);
}

static vch_err errno_err(int err)
{
    if (err == ENOSPC || err == EDQUOT || err == EFBIG) {
        return VCH_E(LEDGER_DISK_FULL);
    }
    return err == ENOENT ? VCH_E(LEDGER_ABSENT) : VCH_E(LEDGER_FAILED);
}

static vch_err write_all(int fd, struct vch_bytes b, uint64_t off)
{
    while (b.n > 0) {
        ssize_t n = pwrite(fd, b.p, b.n, (off_t)off);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return errno_err(n < 0 ? errno : ENOSPC);
        }
        b = vch_bytes(b.p + n, b.n - (size_t)n);
        off += (uint64_t)n;
    }
    return VCH_OK;
}

/* Reads up to N bytes; fewer only at the end of the file. */
static vch_err read_upto(int fd, uint8_t *p, size_t n, uint64_t off, size_t *ret)
{
    size_t done = 0;

    while (done < n) {
        ssize_t k = pread(fd, p + done, n - done, (off_t)(off + done));

        if (k < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(k >= 0, LEDGER_DAMAGED);
        if (k == 0) {
            break;
        }
        done += (size_t)k;
    }
    *ret = done;
    return VCH_OK;
}

static vch_err dir_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    VCH_CHECK(fd >= 0, LEDGER_FAILED);
    rc = fsync(fd);
    close(fd);
    VCH_CHECK(rc == 0, LEDGER_FAILED);
    return VCH_OK;
}

/* The file appears under its name only when its head and its room are durable. */
static vch_err segment_fill(int fd, const struct vch_ledger_segment *s)
{
    uint8_t head[VCH_LEDGER_SEGMENT_HEAD];
    int rc = posix_fallocate(fd, 0, (off_t)s->size);

    if (rc != 0) {
        return errno_err(rc);
    }
    vch_ledger_segment_encode(s, head);
    VCH_TRY(write_all(fd, VCH_BYTES_OF(head), 0));
    VCH_CHECK(fsync(fd) == 0, LEDGER_FAILED);
    return VCH_OK;
}

static vch_err segment_make(const char *dir, const struct vch_ledger_segment *s)
{
    char tmp[PATH_ROOM], path[PATH_ROOM];
    vch_err e;
    int fd;

    segment_path(dir, s->number, ".tmp", tmp);
    segment_path(dir, s->number, "", path);
    fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
        return errno_err(errno);
    }
    e = segment_fill(fd, s);
    close(fd);
    if (!vch_ok(e)) {
        (void)unlink(tmp);
        return e;
    }
    VCH_CHECK(rename(tmp, path) == 0, LEDGER_FAILED);
    (void)snprintf(path, sizeof(path), "%s/log", dir);
    return dir_sync(path);
}

vch_err vch_ledger_log_create(const char *dir, uint64_t seg_size, const uint8_t id[16])
{
    struct vch_ledger_segment s = {.size = seg_size};
    char path[PATH_ROOM];

    VCH_CHECK(seg_size % 8 == 0 && seg_size >= SEGMENT_MIN, USAGE);
    memcpy(s.id, id, sizeof(s.id));
    (void)snprintf(path, sizeof(path), "%s/log", dir);
    if (mkdir(path, 0750) != 0) {
        return errno == EEXIST ? VCH_E(LEDGER_EXISTS) : errno_err(errno);
    }
    VCH_TRY(segment_make(dir, &s));
    return dir_sync(dir);
}

static vch_err segment_read_head(struct vch_ledger_log *log, uint64_t number, int fd,
                                 struct vch_ledger_fault *reterr)
{
    uint8_t head[VCH_LEDGER_SEGMENT_HEAD];
    uint64_t pos = number * log->seg_size;
    struct vch_ledger_segment s;
    struct stat st;
    size_t n;
    vch_err e;

    VCH_TRY(read_upto(fd, head, sizeof(head), 0, &n));
    e = n == sizeof(head) ? vch_ledger_segment_decode(head, &s) : VCH_E(LEDGER_RECORD);
    if (!vch_ok(e)) {
        vch_ledger_log_fault(log, pos, "the head of the segment is damaged", reterr);
        return vch_err_is(e, VCH_E(LEDGER_VERSION)) ? e : VCH_E(LEDGER_DAMAGED);
    }
    if (number == 0) {
        log->seg_size = s.size;
        memcpy(log->id, s.id, sizeof(log->id));
    }
    if (s.number != number || s.size != log->seg_size || memcmp(s.id, log->id, 16) != 0 ||
        fstat(fd, &st) != 0 || (uint64_t)st.st_size != s.size) {
        vch_ledger_log_fault(log, pos, "the segment is of another log, misplaced or cut", reterr);
        return VCH_E(LEDGER_DAMAGED);
    }
    return VCH_OK;
}

static void fds_push(struct vch_ledger_log *log, int fd)
{
    (void)pthread_mutex_lock(&log->lock);
    log->fds = vch_mem_realloc(log->fds, (log->count + 1) * sizeof(*log->fds));
    log->fds[log->count++] = fd;
    (void)pthread_mutex_unlock(&log->lock);
}

/* Opens segment number log->count. Errors: LEDGER_ABSENT if there is none. */
static vch_err segment_open(struct vch_ledger_log *log, struct vch_ledger_fault *reterr)
{
    char path[PATH_ROOM];
    vch_err e;
    int fd;

    segment_path(log->dir, log->count, "", path);
    fd = open(path, (log->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? VCH_E(LEDGER_ABSENT) : vch_file_errno(errno);
    }
    e = segment_read_head(log, log->count, fd, reterr);
    if (!vch_ok(e)) {
        close(fd);
        return e;
    }
    fds_push(log, fd);
    return VCH_OK;
}

/* A gap in the numbers hides the segments after it: look one further. */
static vch_err gap_check(const struct vch_ledger_log *log, struct vch_ledger_fault *reterr)
{
    char path[PATH_ROOM];

    for (uint64_t i = 1; i <= 16; i++) {
        segment_path(log->dir, log->count + i, "", path);
        if (access(path, F_OK) == 0) {
            vch_ledger_log_fault(log, log->count * log->seg_size, "a segment file is missing",
                                 reterr);
            return VCH_E(LEDGER_DAMAGED);
        }
    }
    return VCH_OK;
}

vch_err vch_ledger_log_open(const char *dir, bool read_only, struct vch_ledger_log *ret,
                            struct vch_ledger_fault *reterr)
{
    struct vch_ledger_log log = {.read_only = read_only, .seg_size = 1};
    vch_err e = VCH_OK;

    VCH_CHECK(strlen(dir) + VCH_LEDGER_SEGMENT_NAME + 8 < PATH_ROOM, USAGE);
    log.dir = vch_mem_text(vch_text(dir));
    log.out = vch_buf_init(SIZE_MAX / 2);
    (void)pthread_mutex_init(&log.lock, NULL);
    while (vch_ok(e)) {
        e = segment_open(&log, reterr);
    }
    if (vch_err_is(e, VCH_E(LEDGER_ABSENT)) && (log.count > 0 || vch_ok(gap_check(&log, reterr)))) {
        e = log.count == 0 ? VCH_E(LEDGER_ABSENT) : gap_check(&log, reterr);
    } else if (vch_err_is(e, VCH_E(LEDGER_ABSENT))) {
        e = VCH_E(LEDGER_DAMAGED);
    }
    if (!vch_ok(e)) {
        vch_ledger_log_close(&log);
        return e;
    }
    *ret = log;
    return VCH_OK;
}

void vch_ledger_log_close(struct vch_ledger_log *log)
{
    if (log->dir == NULL) {
        return;
    }
    for (uint64_t i = 0; i < log->count; i++) {
        close(log->fds[i]);
    }
    vch_mem_free(log->fds);
    vch_mem_free(log->dir);
    vch_buf_fini(&log->out);
    (void)pthread_mutex_destroy(&log->lock);
    *log = (struct vch_ledger_log){.dir = NULL};
}

/* The descriptor of a segment; a reader beside the writer's process opens new ones as they appear.
 */
static vch_err segment_fd(struct vch_ledger_log *log, uint64_t number, int *ret)
{
    (void)pthread_mutex_lock(&log->lock);
    *ret = number < log->count ? log->fds[number] : -1;
    (void)pthread_mutex_unlock(&log->lock);
    VCH_CHECK(*ret >= 0, LEDGER_RECORD);
    return VCH_OK;
}

vch_err vch_ledger_log_read(struct vch_ledger_log *log, uint64_t pos, struct vch_buf *buf,
                            struct vch_ledger_record *ret)
{
    uint64_t off = pos % log->seg_size;
    struct vch_span room;
    size_t want = FIRST_READ, n;
    vch_err e;
    int fd;

    VCH_CHECK(off >= VCH_LEDGER_SEGMENT_HEAD && off % 8 == 0, LEDGER_RECORD);
    VCH_TRY(segment_fd(log, pos / log->seg_size, &fd));
    for (;;) {
        if (want > log->seg_size - off) {
            want = log->seg_size - off;
        }
        vch_buf_reset(buf);
        VCH_TRY(vch_buf_room(buf, want, &room));
        VCH_TRY(read_upto(fd, room.p, want, off, &n));
        vch_buf_added(buf, n);
        e = vch_ledger_record_decode(vch_buf_get(buf), pos, ret);
        if (!vch_err_is(e, VCH_E(TRUNCATED)) || n < want || want == log->seg_size - off) {
            break;
        }
        {
            size_t len = (size_t)buf->p[0] << 24 | (size_t)buf->p[1] << 16 |
                         (size_t)buf->p[2] << 8 | buf->p[3];

            want = vch_ledger_record_room(len); /* decode has bounded the length */
        }
    }
    return vch_ok(e) ? VCH_OK : VCH_E(LEDGER_RECORD);
}

static vch_err segment_next(struct vch_ledger_log *log, uint64_t batch, uint64_t first_index)
{
    struct vch_ledger_segment s = {log->count, log->seg_size, batch, first_index, {0}};

    memcpy(s.id, log->id, sizeof(s.id));
    VCH_TRY(segment_make(log->dir, &s));
    VCH_TRY(segment_open(log, NULL));
    log->end = s.number * log->seg_size + VCH_LEDGER_SEGMENT_HEAD;
    return VCH_OK;
}

static vch_err batch_encode(struct vch_ledger_log *log, struct vch_ledger_record *recs, size_t n,
                            size_t total)
{
    struct vch_span room;
    struct vch_writer w;
    struct vch_bytes all;

    vch_buf_reset(&log->out);
    VCH_TRY(vch_buf_room(&log->out, total, &room));
    w = vch_writer(room);
    for (size_t i = 0; i < n; i++) {
        recs[i].pos = log->end + w.len;
        vch_ledger_record_encode(recs[i].kind, recs[i].bytes, recs[i].pos, &w);
    }
    VCH_TRY(vch_writer_finish(&w, &all));
    vch_buf_added(&log->out, all.n);
    return VCH_OK;
}

vch_err vch_ledger_log_append(struct vch_ledger_log *log, struct vch_ledger_record *recs, size_t n,
                              uint64_t batch, uint64_t first_index)
{
    size_t total = 0;
    vch_err e;
    int fd;

    VCH_CHECK(!log->failed && !log->read_only, LEDGER_FAILED);
    for (size_t i = 0; i < n; i++) {
        recs[i].room = vch_ledger_record_room(recs[i].bytes.n);
        total += recs[i].room;
    }
    VCH_CHECK(total <= log->seg_size - VCH_LEDGER_SEGMENT_HEAD, LIMIT);
    if (log->end + total > log->count * log->seg_size) {
        VCH_TRY(segment_next(log, batch, first_index));
    }
    VCH_TRY(batch_encode(log, recs, n, total));
    VCH_TRY(segment_fd(log, log->end / log->seg_size, &fd));
    e = write_all(fd, vch_buf_get(&log->out), log->end % log->seg_size);
    /* After a failed sync the kernel may have dropped the pages: trying again would prove nothing.
     */
    if (!vch_ok(e) || fdatasync(fd) != 0) {
        log->failed = true;
        return VCH_E(LEDGER_FAILED);
    }
    log->end += total;
    return VCH_OK;
}
