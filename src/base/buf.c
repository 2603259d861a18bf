#include <vouch/base/buf.h>

#include <stdarg.h>
#include <stdio.h>

void *vch_mem_alloc(size_t n)
{
    void *p = calloc(1, n == 0 ? 1 : n);

    if (p == NULL) {
        abort();
    }
    return p;
}

void *vch_mem_realloc(void *p, size_t n)
{
    void *q = realloc(p, n == 0 ? 1 : n);

    if (q == NULL) {
        abort();
    }
    return q;
}

void vch_mem_free(void *p)
{
    free(p);
}

char *vch_mem_text(struct vch_bytes b)
{
    char *s = vch_mem_alloc(b.n + 1);

    if (b.n != 0) {
        memcpy(s, b.p, b.n);
    }
    return s;
}

void vch_mem_autofree(void *pp)
{
    void **p = pp;

    free(*p);
    *p = NULL;
}

struct vch_buf vch_buf_init(size_t max)
{
    return (struct vch_buf){NULL, 0, 0, max};
}

void vch_buf_fini(struct vch_buf *b)
{
    free(b->p);
    b->p = NULL;
    b->n = b->cap = 0;
}

void vch_buf_reset(struct vch_buf *b)
{
    b->n = 0;
}

vch_err vch_buf_room(struct vch_buf *b, size_t n, struct vch_span *ret)
{
    VCH_CHECK(n <= b->max && b->n <= b->max - n, LIMIT);
    if (b->cap - b->n < n) {
        size_t cap = b->cap < 64 ? 64 : b->cap;

        while (cap < b->n + n) {
            cap = cap > SIZE_MAX / 2 ? b->n + n : cap * 2;
        }
        if (cap > b->max) {
            cap = b->max;
        }
        b->p = vch_mem_realloc(b->p, cap);
        b->cap = cap;
    }
    *ret = vch_span(b->p + b->n, n);
    return VCH_OK;
}

void vch_buf_added(struct vch_buf *b, size_t n)
{
    VCH_ASSERT(n <= b->cap - b->n);
    b->n += n;
}

vch_err vch_buf_append(struct vch_buf *b, struct vch_bytes more)
{
    struct vch_span room;

    if (more.n == 0) {
        return VCH_OK;
    }
    VCH_TRY(vch_buf_room(b, more.n, &room));
    memcpy(room.p, more.p, more.n);
    b->n += more.n;
    return VCH_OK;
}

vch_err vch_buf_text(struct vch_buf *b, const char *text)
{
    return vch_buf_append(b, vch_text(text));
}

vch_err vch_buf_printf(struct vch_buf *b, const char *fmt, ...)
{
    struct vch_span room;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    VCH_CHECK(n >= 0, BUG);
    VCH_TRY(vch_buf_room(b, (size_t)n + 1, &room));
    va_start(ap, fmt);
    n = vsnprintf((char *)room.p, room.cap, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return VCH_OK;
}

vch_err vch_buf_cstr(struct vch_buf *b, const char **ret)
{
    struct vch_span room;

    VCH_TRY(vch_buf_room(b, 1, &room));
    room.p[0] = 0;
    *ret = (const char *)b->p;
    return VCH_OK;
}
