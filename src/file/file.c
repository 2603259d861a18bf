#include <vouch/file/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

vch_err vch_file_errno(int err)
{
    switch (err) {
    case ENOENT:
    case ENOTDIR:
        return VCH_E(FILE_MISSING);
    case EEXIST:
        return VCH_E(FILE_EXISTS);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return VCH_E(STORE_FULL);
    case ENOMEM:
        return VCH_E(MEMORY);
    default:
        return VCH_E(FILE_IO);
    }
}

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

/* Keeps the descriptor from being closed by VCH_AUTO. */
static int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

vch_err vch_dir_sync(const char *dir)
{
    VCH_AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0) {
        return vch_file_errno(errno);
    }
    return VCH_OK;
}

/* Syncs the directory that PATH lies in. */
static vch_err parent_sync(const char *path)
{
    const char *slash = strrchr(path, '/');
    VCH_AUTO(vch_mem_autofree) char *dir = NULL;

    if (slash == NULL) {
        return vch_dir_sync(".");
    }
    dir = vch_mem_text(vch_bytes(path, slash == path ? 1 : (size_t)(slash - path)));
    return vch_dir_sync(dir);
}

vch_err vch_dir_make(const char *path, unsigned flags)
{
    struct stat st;

    if (mkdir(path, (flags & VCH_FILE_SECRET) != 0 ? 0700 : 0750) != 0) {
        int err = errno;

        if (err != EEXIST || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
            return vch_file_errno(err);
        }
        return VCH_OK;
    }
    return parent_sync(path);
}

/* Opens the file TMP alone: its lock is held, and it still has this name (the writer before us may
 * have renamed it away while we waited). */
static vch_err tmp_open(const char *tmp, mode_t mode, int *ret)
{
    for (;;) {
        VCH_AUTO(fd_close)
        int fd = open(tmp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
        struct stat a, b;

        if (fd < 0) {
            return vch_file_errno(errno);
        }
        while (flock(fd, LOCK_EX) != 0) {
            if (errno != EINTR) {
                return vch_file_errno(errno);
            }
        }
        if (fstat(fd, &a) != 0) {
            return vch_file_errno(errno);
        }
        VCH_CHECK(S_ISREG(a.st_mode), FILE_IO);
        if (stat(tmp, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev) {
            *ret = fd_take(&fd);
            return VCH_OK;
        }
    }
}

static vch_err write_all(int fd, struct vch_bytes data)
{
    while (data.n > 0) {
        ssize_t n = write(fd, data.p, data.n);

        if (n < 0 && errno != EINTR) {
            return vch_file_errno(errno);
        }
        if (n > 0) {
            data = vch_bytes_slice(data, (size_t)n, data.n);
        }
    }
    return VCH_OK;
}

static vch_err tmp_fill(int fd, struct vch_bytes data, mode_t mode)
{
    /* The mode first: what an earlier writer left may be wider than a secret allows. */
    if (fchmod(fd, mode) != 0 || ftruncate(fd, 0) != 0) {
        return vch_file_errno(errno);
    }
    VCH_TRY(write_all(fd, data));
    return fsync(fd) == 0 ? VCH_OK : vch_file_errno(errno);
}

/* Gives the filled file its name. */
static vch_err tmp_name(const char *tmp, const char *path, unsigned flags)
{
    if ((flags & VCH_FILE_NEW) == 0) {
        return rename(tmp, path) == 0 ? VCH_OK : vch_file_errno(errno);
    }
    if (link(tmp, path) != 0) {
        return vch_file_errno(errno);
    }
    unlink(tmp);
    return VCH_OK;
}

vch_err vch_file_write_atomic(const char *path, struct vch_bytes data, unsigned flags)
{
    mode_t mode = (flags & VCH_FILE_SECRET) != 0 ? 0600 : 0640;
    VCH_AUTO(fd_close) int fd = -1;
    VCH_AUTO(vch_mem_autofree) char *tmp = NULL;
    size_t n = strlen(path);
    vch_err e;

    tmp = vch_mem_alloc(n + sizeof(".tmp"));
    snprintf(tmp, n + sizeof(".tmp"), "%s.tmp", path);
    VCH_TRY(tmp_open(tmp, mode, &fd));
    e = tmp_fill(fd, data, mode);
    if (vch_ok(e)) {
        e = tmp_name(tmp, path, flags);
    }
    if (!vch_ok(e)) {
        unlink(tmp); /* ours: the lock is held */
        return e;
    }
    return parent_sync(path);
}

/* May the secret in the open file be trusted to have been read and written by its owner only? */
static vch_err secret_check(const struct stat *st)
{
    VCH_CHECK((st->st_mode & (S_IRWXG | S_IRWXO)) == 0, FILE_MODE);
    VCH_CHECK(st->st_uid == geteuid() || st->st_uid == 0, FILE_MODE);
    return VCH_OK;
}

vch_err vch_file_read(const char *path, unsigned flags, struct vch_buf *out)
{
    VCH_AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    size_t before = out->n;
    struct vch_span room;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        return vch_file_errno(errno);
    }
    VCH_CHECK(S_ISREG(st.st_mode), FILE_IO);
    if ((flags & VCH_FILE_SECRET) != 0) {
        VCH_TRY(secret_check(&st));
    }
    VCH_CHECK(st.st_size >= 0 && (uintmax_t)st.st_size <= out->max - out->n, LIMIT);
    /* All room at once: growing later would leave copies of a secret on the heap. */
    VCH_TRY(vch_buf_room(out, (size_t)st.st_size, &room));
    for (;;) {
        uint8_t chunk[4096];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        vch_err e = VCH_OK;

        if (n > 0) {
            e = vch_buf_append(out, vch_bytes(chunk, (size_t)n));
        } else if (n < 0 && errno != EINTR) {
            e = vch_file_errno(errno);
        }
        vch_wipe(chunk, (flags & VCH_FILE_SECRET) != 0 ? sizeof(chunk) : 0);
        if (!vch_ok(e)) {
            out->n = before;
            return e;
        }
        if (n == 0) {
            return VCH_OK;
        }
    }
}

vch_err vch_file_lock(const char *path, struct vch_file_lock *ret)
{
    VCH_AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

    if (fd < 0) {
        return vch_file_errno(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? VCH_E(FILE_LOCKED) : vch_file_errno(errno);
    }
    ret->held = fd_take(&fd) + 1;
    return VCH_OK;
}

void vch_file_unlock(struct vch_file_lock *lock)
{
    int fd = lock->held - 1;

    fd_close(&fd);
    lock->held = 0;
}
