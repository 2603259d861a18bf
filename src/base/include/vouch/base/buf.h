/* vouch/base/buf.h - the growable buffer, and the only door to the heap.
 * Layer 0. Pure modules (layers 2 to 7) never use it: they write into room that the caller gives.
 */
#ifndef VOUCH_BASE_BUF_H
#define VOUCH_BASE_BUF_H

#include <vouch/base/bytes.h>

/* Heap memory, zeroed. Sizes are bounded by the caller first; when the machine has none left the
 * process ends: the ledger survives a crash by design. vch_mem_free accepts NULL, and what a
 * foreign library allocated for its caller to free (json_dumps). */
void *vch_mem_alloc(size_t n);
void *vch_mem_realloc(void *p, size_t n);
void vch_mem_free(void *p);
/* NUL-terminated heap copy of a view; vch_mem_free it. */
char *vch_mem_text(struct vch_bytes b);
/* Finisher for VCH_AUTO on a pointer variable. */
void vch_mem_autofree(void *pp);

/* Growable bytes. {0} is empty with the maximum 0: set the maximum by vch_buf_init. */
struct vch_buf {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t max; /* growing beyond it is the error LIMIT */
};

struct vch_buf vch_buf_init(size_t max);
void vch_buf_fini(struct vch_buf *b);  /* frees; idempotent */
void vch_buf_reset(struct vch_buf *b); /* empties, keeps the memory */
static inline struct vch_bytes vch_buf_get(const struct vch_buf *b)
{
    return vch_bytes(b->p, b->n);
}
VCH_CHECKED vch_err vch_buf_append(struct vch_buf *b, struct vch_bytes more);
VCH_CHECKED vch_err vch_buf_text(struct vch_buf *b, const char *text);
VCH_CHECKED VCH_PRINTF(2, 3) vch_err vch_buf_printf(struct vch_buf *b, const char *fmt, ...);
/* Room for N more bytes at the end; call vch_buf_added with what was used. */
VCH_CHECKED vch_err vch_buf_room(struct vch_buf *b, size_t n, struct vch_span *ret);
void vch_buf_added(struct vch_buf *b, size_t n);
/* Ends the text with a NUL that does not count, and returns it; valid until the next change. */
VCH_CHECKED vch_err vch_buf_cstr(struct vch_buf *b, const char **ret);

#endif
