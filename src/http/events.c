/* Server-sent events: WHATWG HTML, section 9.2.6. */
#include <string.h>

#include <vouch/base/text.h>
#include <vouch/http/client.h>

#define NAME_MAX_BYTES 4096

void vch_http_events_init(struct vch_http_events *p, size_t data_max, vch_http_event_fn fn,
                          void *self)
{
    *p = (struct vch_http_events){.fn = fn, .self = self};
    p->line = vch_buf_init(data_max + 16);
    p->data = vch_buf_init(data_max + 1);
    p->event = vch_buf_init(NAME_MAX_BYTES);
    p->id = vch_buf_init(NAME_MAX_BYTES);
}

void vch_http_events_fini(struct vch_http_events *p)
{
    vch_buf_fini(&p->line);
    vch_buf_fini(&p->data);
    vch_buf_fini(&p->event);
    vch_buf_fini(&p->id);
}

static vch_err dispatch(struct vch_http_events *p)
{
    struct vch_http_event ev = {vch_buf_get(&p->id), vch_buf_get(&p->event), vch_buf_get(&p->data)};
    vch_err e = VCH_OK;

    if (ev.data.n > 0) {
        ev.data.n--; /* the last line feed */
        if (ev.event.n == 0) {
            ev.event = vch_text("message");
        }
        e = p->fn(p->self, &ev);
    }
    vch_buf_reset(&p->data);
    vch_buf_reset(&p->event);
    return e;
}

static vch_err set(struct vch_buf *b, struct vch_bytes value)
{
    vch_buf_reset(b);
    return vch_buf_append(b, value);
}

static vch_err field(struct vch_http_events *p, struct vch_bytes name, struct vch_bytes value)
{
    uint64_t ms;

    if (vch_bytes_equal(name, vch_text("data"))) {
        VCH_TRY(vch_buf_append(&p->data, value));
        return vch_buf_append(&p->data, vch_text("\n"));
    }
    if (vch_bytes_equal(name, vch_text("event"))) {
        return set(&p->event, value);
    }
    if (vch_bytes_equal(name, vch_text("id")) &&
        (value.n == 0 || memchr(value.p, 0, value.n) == NULL)) {
        return set(&p->id, value);
    }
    if (vch_bytes_equal(name, vch_text("retry")) && vch_ok(vch_u64_parse(value, 86400000, &ms))) {
        p->retry_ms = (unsigned)ms;
    }
    return VCH_OK;
}

static vch_err line_done(struct vch_http_events *p)
{
    struct vch_bytes line = vch_buf_get(&p->line);
    const uint8_t *colon;
    size_t n;

    if (!p->started) {
        p->started = true;
        if (line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0) {
            line = vch_bytes_slice(line, 3, line.n);
        }
    }
    vch_buf_reset(&p->line);
    if (line.n == 0) {
        return dispatch(p);
    }
    VCH_CHECK(vch_utf8_check(line), TEXT);
    colon = memchr(line.p, ':', line.n);
    n = colon != NULL ? (size_t)(colon - line.p) : line.n;
    if (colon != NULL && n == 0) {
        return VCH_OK; /* a comment */
    }
    if (n + 1 < line.n && line.p[n + 1] == ' ') {
        return field(p, vch_bytes_slice(line, 0, n), vch_bytes_slice(line, n + 2, line.n));
    }
    return field(p, vch_bytes_slice(line, 0, n), vch_bytes_slice(line, n + 1, line.n));
}

vch_err vch_http_events_push(void *parser, struct vch_bytes piece)
{
    struct vch_http_events *p = parser;
    size_t i = 0;

    while (i < piece.n) {
        size_t n = 0;

        if (p->cr && piece.p[i] == '\n') {
            i++;
        }
        p->cr = false;
        while (i + n < piece.n && piece.p[i + n] != '\n' && piece.p[i + n] != '\r') {
            n++;
        }
        VCH_TRY(vch_buf_append(&p->line, vch_bytes_slice(piece, i, n)));
        i += n;
        if (i < piece.n) {
            p->cr = piece.p[i] == '\r';
            i++;
            VCH_TRY(line_done(p));
        }
    }
    return VCH_OK;
}
