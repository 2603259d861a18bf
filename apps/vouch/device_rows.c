/* Data into rows, without altering a byte: a row is everything up to and with its line end. */
#include "device_int.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define PIECE 65536

volatile int device_stop;

static void on_signal(int number)
{
    device_stop = number;
}

void device_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void device_rows_init(struct device_rows *r, int fd, enum device_format format)
{
    *r = (struct device_rows){
        .fd = fd, .format = format, .in = vch_buf_init(2 * (size_t)VCH_RAW_MAX + PIECE)};
}

void device_rows_fini(struct device_rows *r)
{
    vch_buf_fini(&r->in);
}

/* Length of the row at the front with its line end, or 0 while that is not there. In CSV a line end
 * within quotes belongs to the field (RFC 4180); a doubled quote closes and opens again. */
static size_t row_length(struct device_rows *r)
{
    const uint8_t *p = r->in.p + r->at;
    size_t n = r->in.n - r->at;

    if (r->format == DEVICE_LINES) {
        const uint8_t *end = n == r->seen ? NULL : memchr(p + r->seen, '\n', n - r->seen);

        r->seen = n;
        return end == NULL ? 0 : (size_t)(end - p) + 1;
    }
    for (; r->seen < n; r->seen++) {
        if (p[r->seen] == '"') {
            r->quoted = !r->quoted;
        } else if (p[r->seen] == '\n' && !r->quoted) {
            return r->seen + 1;
        }
    }
    return 0;
}

/* Moves what is unread to the front when half of the room is used up. */
static void compact(struct device_rows *r)
{
    if (r->at == r->in.n) {
        r->in.n = r->at = 0;
    } else if (r->at > VCH_RAW_MAX) {
        memmove(r->in.p, r->in.p + r->at, r->in.n - r->at);
        r->in.n -= r->at;
        r->at = 0;
    }
}

static vch_err fill(struct device_rows *r, int wait_ms, bool *ret_idle)
{
    struct pollfd p = {r->fd, POLLIN, 0};
    struct vch_span room;
    ssize_t n;
    int ready;

    *ret_idle = false;
    ready = poll(&p, 1, wait_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
        *ret_idle = true;
        return VCH_OK;
    }
    VCH_CHECK(ready > 0, FILE_READ);
    compact(r);
    VCH_TRY(vch_buf_room(&r->in, PIECE, &room));
    n = read(r->fd, room.p, PIECE);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        *ret_idle = true;
        return VCH_OK;
    }
    VCH_CHECK(n >= 0, FILE_READ);
    r->eof = n == 0;
    vch_buf_added(&r->in, (size_t)n);
    return VCH_OK;
}

static void take(struct device_rows *r, size_t n, struct vch_bytes *ret)
{
    *ret = vch_bytes(r->in.p + r->at, n);
    r->at += n;
    r->seen = 0;
    r->quoted = false;
}

vch_err device_rows_next(struct device_rows *r, int wait_ms, struct vch_bytes *ret,
                         enum device_row_step *ret_step)
{
    bool idle;

    for (;;) {
        size_t n = r->format == DEVICE_RAW ? 0 : row_length(r);

        if (n == 0 && r->eof) {
            n = r->in.n - r->at; /* the last row need not have a line end */
        }
        VCH_CHECK(n <= VCH_RAW_MAX && (n != 0 || r->in.n - r->at <= VCH_RAW_MAX), LIMIT);
        if (n != 0 || r->eof) {
            take(r, n, ret);
            *ret_step = n != 0 ? DEVICE_ROW : DEVICE_EOF;
            return VCH_OK;
        }
        VCH_TRY(fill(r, wait_ms, &idle));
        if (idle) {
            *ret_step = DEVICE_IDLE;
            return VCH_OK;
        }
    }
}
