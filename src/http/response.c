#include "internal.h"

#include <unistd.h>

void vch_http_response_init(struct vch_http_response *rs, const struct exchange *ex)
{
    *rs = (struct vch_http_response){.status = 204, .fd = -1, .ex = ex};
}

/* Drops the body, whatever its kind. */
static void drop_body(struct vch_http_response *rs)
{
    vch_buf_fini(&rs->body);
    if (rs->fd >= 0) {
        close(rs->fd);
        rs->fd = -1;
    }
    if (rs->stream != NULL) {
        vch_http_stream_drop(rs->stream);
        rs->stream = NULL;
    }
    rs->media[0] = 0;
}

void vch_http_response_fini(struct vch_http_response *rs)
{
    drop_body(rs);
    for (size_t i = 0; i < rs->header_count; i++) {
        vch_mem_free(rs->headers[i].name);
        vch_mem_free(rs->headers[i].value);
    }
    rs->header_count = 0;
}

static void begin(struct vch_http_response *rs, unsigned status, const char *media)
{
    VCH_ASSERT(status >= 200 && status <= 599);
    drop_body(rs);
    rs->status = status;
    if (media != NULL) {
        VCH_ASSERT(strlen(media) < sizeof(rs->media));
        memcpy(rs->media, media, strlen(media) + 1);
    }
}

void vch_http_reply(struct vch_http_response *rs, unsigned status, const char *media,
                    struct vch_bytes body)
{
    begin(rs, status, media);
    rs->body = vch_buf_init(body.n);
    vch_ignore(vch_buf_append(&rs->body, body)); /* its maximum is its size */
}

void vch_http_reply_take(struct vch_http_response *rs, unsigned status, const char *media,
                         struct vch_buf *body)
{
    begin(rs, status, media);
    rs->body = *body;
    body->p = NULL;
    body->n = body->cap = 0;
}

void vch_http_reply_file(struct vch_http_response *rs, unsigned status, const char *media, int fd,
                         uint64_t from, uint64_t n)
{
    begin(rs, status, media);
    rs->fd = fd;
    rs->fd_from = from;
    rs->fd_size = n;
}

void vch_http_reply_status(struct vch_http_response *rs, unsigned status)
{
    begin(rs, status, NULL);
}

static bool header_valid(const char *name, const char *value)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    for (const char *c = value; *c != 0; c++) {
        if (((uint8_t)*c < 0x20 && *c != '\t') || *c == 0x7f) {
            return false;
        }
    }
    return name[0] != 0 && name[strspn(name, token)] == 0;
}

void vch_http_reply_header(struct vch_http_response *rs, const char *name, const char *value)
{
    if (!header_valid(name, value) || rs->header_count == HEADERS_MAX) {
        rs->broken = true;
        return;
    }
    rs->headers[rs->header_count].name = vch_mem_text(vch_text(name));
    rs->headers[rs->header_count].value = vch_mem_text(vch_text(value));
    rs->header_count++;
}

unsigned vch_http_response_status(const struct vch_http_response *rs)
{
    return rs->status;
}

/* The library's response for ours; takes the body over. */
static struct MHD_Response *make(struct vch_http_response *rs, struct exchange *ex)
{
    struct MHD_Response *r;

    if (rs->stream != NULL) {
        r = vch_http_stream_response(rs->stream, ex);
        rs->stream = NULL;
    } else if (rs->fd >= 0) {
        r = MHD_create_response_from_fd_at_offset64(rs->fd_size, rs->fd, rs->fd_from);
        if (r != NULL) {
            rs->fd = -1;
        }
    } else if (rs->body.n == 0) {
        r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    } else {
        r = MHD_create_response_from_buffer_with_free_callback(rs->body.n, rs->body.p,
                                                               vch_mem_free);
        if (r != NULL) {
            rs->body = vch_buf_init(0);
        }
    }
    return r;
}

static bool add(struct MHD_Response *r, const char *name, const char *value)
{
    return MHD_add_response_header(r, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *r, const struct vch_http_response *rs)
{
    bool ok = rs->media[0] == 0 || add(r, MHD_HTTP_HEADER_CONTENT_TYPE, rs->media);

    if (strcmp(rs->media, "text/event-stream") == 0) {
        ok = ok && add(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    }
    if (rs->close) {
        ok = ok && add(r, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    for (size_t i = 0; i < rs->header_count; i++) {
        ok = ok && add(r, rs->headers[i].name, rs->headers[i].value);
    }
    return ok;
}

enum MHD_Result vch_http_response_send(struct exchange *ex)
{
    struct vch_http_response *rs = &ex->rs;
    struct MHD_Response *r;
    enum MHD_Result result = MHD_NO;
    int64_t seconds = ex->server->o.request_timeout_s + (int64_t)(rs->body.n / 16384) +
                      (int64_t)(rs->fd_size / 16384);

    if (rs->broken) {
        vch_http_problem(rs, VCH_E(BUG), NULL);
    }
    rs->close = rs->close || atomic_load(&ex->conn->listener->retired);
    atomic_store(&ex->conn->deadline_ms,
                 rs->stream != NULL ? 0 : vch_http_now_ms() + seconds * 1000);
    rs->sent_bytes = rs->fd >= 0 ? rs->fd_size : rs->body.n;
    r = make(rs, ex);
    if (r == NULL) {
        return MHD_NO;
    }
    if (add_headers(r, rs)) {
        result = MHD_queue_response(ex->mhd, rs->status, r);
    }
    MHD_destroy_response(r);
    ex->phase = SENT;
    return result;
}
