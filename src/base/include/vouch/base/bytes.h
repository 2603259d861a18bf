/* vouch/base/bytes.h - views, output room, the reader and the writer through which all parsing and
 * emitting goes.
 * Layer 0, pure, heap-free, thread-safe: no shared state. */
#ifndef VOUCH_BASE_BYTES_H
#define VOUCH_BASE_BYTES_H

#include <stddef.h>
#include <string.h>

#include <vouch/base/err.h>

/* A read-only view; somebody else owns the bytes, the function's comment says until when. Never
 * NUL-dependent. A text is the same view; its UTF-8 is checked where it enters. {NULL, 0} is empty.
 */
struct vch_bytes {
    const uint8_t *p;
    size_t n;
};

/* Output room of the caller. */
struct vch_span {
    uint8_t *p;
    size_t cap;
};

static inline struct vch_bytes vch_bytes(const void *p, size_t n)
{
    return (struct vch_bytes){(const uint8_t *)p, n};
}

/* View of a NUL-terminated text without its end. */
static inline struct vch_bytes vch_text(const char *s)
{
    return (struct vch_bytes){(const uint8_t *)s, strlen(s)};
}

static inline struct vch_span vch_span(void *p, size_t cap)
{
    return (struct vch_span){(uint8_t *)p, cap};
}

/* View of a whole array variable. */
#define VCH_BYTES_OF(array) vch_bytes((array), sizeof(array))
/* Room of a whole array variable. */
#define VCH_SPAN_OF(array) vch_span((array), sizeof(array))

static inline bool vch_bytes_equal(struct vch_bytes a, struct vch_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Copies the bytes to ROOM, which has place for them. Unlike memcpy it takes the empty {NULL, 0}.
 */
static inline void vch_bytes_copy(void *room, struct vch_bytes b)
{
    if (b.n > 0) {
        memcpy(room, b.p, b.n);
    }
}

/* Lexicographic order of the bytes, a prefix first: negative, zero or positive. */
int vch_bytes_cmp(struct vch_bytes a, struct vch_bytes b);

/* The N bytes from FROM on, cut to what is there. */
struct vch_bytes vch_bytes_slice(struct vch_bytes b, size_t from, size_t n);

/* Equality without a data-dependent branch, for secrets and authentication values. */
VCH_CHECKED bool vch_equal_ct(struct vch_bytes a, struct vch_bytes b);

/* Overwrites N bytes; the compiler may not leave it out. */
void vch_wipe(void *p, size_t n);

/* ---- reader: a cursor over a view */
struct vch_reader {
    struct vch_bytes in;
    size_t pos; /* offset of the next unread byte; pos <= in.n */
};

static inline struct vch_reader vch_reader(struct vch_bytes in)
{
    return (struct vch_reader){in, 0};
}

static inline size_t vch_reader_left(const struct vch_reader *r)
{
    return r->in.n - r->pos;
}

/* Big-endian integers and byte runs; a returned view lies in the input.
 * Errors: TRUNCATED, and then nothing is consumed. */
VCH_CHECKED vch_err vch_reader_u8(struct vch_reader *r, uint8_t *ret);
VCH_CHECKED vch_err vch_reader_u16(struct vch_reader *r, uint16_t *ret);
VCH_CHECKED vch_err vch_reader_u32(struct vch_reader *r, uint32_t *ret);
VCH_CHECKED vch_err vch_reader_u64(struct vch_reader *r, uint64_t *ret);
VCH_CHECKED vch_err vch_reader_bytes(struct vch_reader *r, size_t n, struct vch_bytes *ret);
/* Errors: TRAILING unless everything is read. */
VCH_CHECKED vch_err vch_reader_end(const struct vch_reader *r);

/* ---- writer: sticky; write on, check once at the finish.
 * With room {NULL, 0} nothing is written and the length is counted: the size pass runs the same
 * code. */
struct vch_writer {
    struct vch_span out;
    size_t len;  /* bytes written, or that would have been */
    vch_err err; /* the first failure */
    bool size_pass;
};

struct vch_writer vch_writer(struct vch_span out);
void vch_writer_u8(struct vch_writer *w, uint8_t v);
void vch_writer_u16(struct vch_writer *w, uint16_t v);
void vch_writer_u32(struct vch_writer *w, uint32_t v);
void vch_writer_u64(struct vch_writer *w, uint64_t v);
void vch_writer_bytes(struct vch_writer *w, struct vch_bytes b);
/* Makes the writer fail with E unless it failed before. */
void vch_writer_fail(struct vch_writer *w, vch_err e);
/* The bytes written, a view of the room (in a size pass p is NULL and n the length needed).
 * Errors: NO_ROOM, or what vch_writer_fail set. */
VCH_CHECKED vch_err vch_writer_finish(const struct vch_writer *w, struct vch_bytes *ret);

#endif
