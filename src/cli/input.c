#include "cli_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

static vch_err read_all(int fd, struct vch_buf *ret)
{
    for (;;) {
        struct vch_span room;
        size_t want = ret->max - ret->n < 65536 ? ret->max - ret->n + 1 : 65536;
        ssize_t got;

        if (want == 1) {
            uint8_t probe; /* full: one more byte is one too many */

            got = read(fd, &probe, 1);
            VCH_CHECK(got <= 0, LIMIT);
        } else {
            want = want > 65536 ? 65536 : want;
            VCH_TRY(vch_buf_room(ret, want <= ret->max - ret->n ? want : ret->max - ret->n, &room));
            got = read(fd, room.p, room.cap);
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(got >= 0, FILE_READ);
        if (got == 0) {
            return VCH_OK;
        }
        vch_buf_added(ret, (size_t)got);
    }
}

vch_err vch_cli_read_file(const char *path, struct vch_buf *ret)
{
    int fd;
    vch_err e;

    if (strcmp(path, "-") == 0) {
        return read_all(STDIN_FILENO, ret);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    VCH_CHECK(fd >= 0, FILE_OPEN);
    e = read_all(fd, ret);
    close(fd);
    return e;
}

static void cut_line(struct vch_buf *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->p[i] == '\n' || b->p[i] == '\r') {
            vch_wipe(b->p + i, b->n - i);
            b->n = i;
            return;
        }
    }
}

static vch_err ask(const char *prompt, struct vch_buf *ret)
{
    struct termios old;
    struct termios silent;
    char line[512];
    bool got;

    VCH_CHECK(tcgetattr(STDIN_FILENO, &old) == 0, USAGE);
    silent = old;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s: ", prompt);
    VCH_CHECK(tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0, USAGE);
    got = fgets(line, sizeof(line), stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fprintf(stderr, "\n");
    VCH_CHECK(got, USAGE);
    VCH_TRY(vch_buf_text(ret, line));
    vch_wipe(line, sizeof(line));
    cut_line(ret);
    return VCH_OK;
}

vch_err vch_cli_passphrase(const char *file, const char *prompt, bool confirm, struct vch_buf *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf again = vch_buf_init(1024);
    vch_err e = VCH_OK;

    if (file != NULL) {
        VCH_TRY(vch_cli_read_file(file, ret));
        cut_line(ret);
        return VCH_OK;
    }
    VCH_CHECK(isatty(STDIN_FILENO) == 1, USAGE);
    VCH_TRY(ask(prompt, ret));
    if (confirm) {
        VCH_TRY(ask("the same again", &again));
        if (!vch_equal_ct(vch_buf_get(ret), vch_buf_get(&again))) {
            e = VCH_E(USAGE);
        }
        vch_wipe(again.p, again.n);
    }
    return e;
}
