/* Files that are there whole or not at all. */
#include "evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/file/file.h>

vch_err app_output_open(const char *path, struct app_output *ret)
{
    struct stat st;
    int n;

    *ret = (struct app_output){.fd = STDOUT_FILENO};
    if (path == NULL || strcmp(path, "-") == 0) {
        return VCH_OK;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        /* a device or pipe is written to, not replaced */
        ret->fd = open(path, O_WRONLY | O_CLOEXEC);
        ret->path = path;
        return ret->fd >= 0 ? VCH_OK : vch_file_errno(errno);
    }
    n = snprintf(ret->temporary, sizeof(ret->temporary), "%s.part", path);
    VCH_CHECK(n > 0 && (size_t)n < sizeof(ret->temporary), LIMIT);
    ret->path = path;
    ret->fd = open(ret->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return ret->fd >= 0 ? VCH_OK : vch_file_errno(errno);
}

vch_err app_output_put(void *self, struct vch_bytes b)
{
    struct app_output *o = self;

    while (b.n > 0) {
        ssize_t n = write(o->fd, b.p, b.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return vch_file_errno(errno);
        }
        b = vch_bytes(b.p + n, b.n - (size_t)n);
    }
    return VCH_OK;
}

/* Puts the file into its place, or takes it away after a failure E. */
vch_err app_output_close(struct app_output *o, vch_err e)
{
    if (o->path == NULL) {
        return e;
    }
    if (o->temporary[0] == 0) {
        return close(o->fd) != 0 && vch_ok(e) ? vch_file_errno(errno) : e;
    }
    if (vch_ok(e) && fsync(o->fd) != 0) {
        e = vch_file_errno(errno);
    }
    close(o->fd);
    if (vch_ok(e) && rename(o->temporary, o->path) != 0) {
        e = vch_file_errno(errno);
    }
    if (!vch_ok(e)) {
        unlink(o->temporary);
    }
    return e;
}
