/* vouch/cbor/cbor.h - CBOR (RFC 8949): a reader over a view and puts onto a writer.
 * Layer 1, pure, heap-free, thread-safe: no shared state.
 *
 * Two modes of reading. VCH_CBOR_STRICT is the deterministic encoding of section 4.2.1: shortest
 * heads, definite lengths, map keys ascending bytewise, no duplicate; and as no format of ours has
 * them, no floats and no simple values but false, true and null. VCH_CBOR_GENERIC takes any
 * well-formed definite-length encoding, for messages that others made; duplicate keys are refused
 * there too. Indefinite lengths are refused in both (CBOR_CANON).
 *
 * Every read consumes nothing when it fails. Texts are checked to be UTF-8. */
#ifndef VOUCH_CBOR_CBOR_H
#define VOUCH_CBOR_CBOR_H

#include <vouch/base/bytes.h>

enum vch_cbor_mode { VCH_CBOR_STRICT, VCH_CBOR_GENERIC };

enum vch_cbor_type {
    VCH_CBOR_UINT = 0, /* the major types */
    VCH_CBOR_NINT = 1,
    VCH_CBOR_BSTR = 2,
    VCH_CBOR_TSTR = 3,
    VCH_CBOR_ARRAY = 4,
    VCH_CBOR_MAP = 5,
    VCH_CBOR_TAG = 6,
    VCH_CBOR_SIMPLE = 7, /* false, true, null, other simple values, floats */
    VCH_CBOR_NONE = 8    /* the end of the input */
};

#define VCH_CBOR_DEPTH_MAX 16
#define VCH_CBOR_GENERIC_PAIRS                                                                     \
    64 /* longest map in generic mode: its duplicate check is quadratic */

struct vch_cbor {
    struct vch_reader r;
    enum vch_cbor_mode mode;
};

static inline struct vch_cbor vch_cbor(struct vch_bytes in, enum vch_cbor_mode mode)
{
    return (struct vch_cbor){vch_reader(in), mode};
}

/* Type of the next item, without consuming it. */
enum vch_cbor_type vch_cbor_peek(const struct vch_cbor *c);
/* Is the next item null? */
bool vch_cbor_is_null(const struct vch_cbor *c);

/* Each reads one item or head. Views lie in the input. Common errors: TRUNCATED, CBOR, CBOR_CANON,
 * CBOR_TYPE (another type, or an integer outside the range of the result), TEXT (not UTF-8). */
VCH_CHECKED vch_err vch_cbor_uint(struct vch_cbor *c, uint64_t *ret);
VCH_CHECKED vch_err vch_cbor_int(struct vch_cbor *c, int64_t *ret);
VCH_CHECKED vch_err vch_cbor_bstr(struct vch_cbor *c, struct vch_bytes *ret);
VCH_CHECKED vch_err vch_cbor_tstr(struct vch_cbor *c, struct vch_bytes *ret);
VCH_CHECKED vch_err vch_cbor_bool(struct vch_cbor *c, bool *ret);
VCH_CHECKED vch_err vch_cbor_null(struct vch_cbor *c);
VCH_CHECKED vch_err vch_cbor_tag(struct vch_cbor *c, uint64_t *ret);
/* A byte string of exactly N bytes, copied out. Errors: also CBOR_TYPE for another length. */
VCH_CHECKED vch_err vch_cbor_bstr_fixed(struct vch_cbor *c, struct vch_span ret);
/* Heads: the number of elements that follow, which never exceeds the bytes left. */
VCH_CHECKED vch_err vch_cbor_array(struct vch_cbor *c, size_t *ret_count);
/* An array of exactly COUNT elements. Errors: also CBOR_TYPE for another count. */
VCH_CHECKED vch_err vch_cbor_array_of(struct vch_cbor *c, size_t count);
/* Skips one whole item of any type, checking all of it; the view covers its encoding.
 * Errors: also CBOR_DEPTH, CBOR_DUP. */
VCH_CHECKED vch_err vch_cbor_item(struct vch_cbor *c, struct vch_bytes *ret);
/* Errors: TRAILING unless everything is read. */
VCH_CHECKED vch_err vch_cbor_end(const struct vch_cbor *c);

/* Maps: begin, then next until *ret_more is false, reading the value after each key.
 *
 *     VCH_TRY(vch_cbor_map(&c, &m));
 *     for (;;) {
 *         VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
 *         if (!more) break;
 *         switch (label) { case 1: VCH_TRY(vch_cbor_uint(&c, &v)); break;
 *                          default: return VCH_E(CBOR_LABEL); }
 *     } */
struct vch_cbor_map {
    size_t left;           /* pairs not yet begun */
    size_t start;          /* offset of the first key */
    struct vch_bytes prev; /* encoding of the previous key */
};
VCH_CHECKED vch_err vch_cbor_map(struct vch_cbor *c, struct vch_cbor_map *ret);
/* The encoding of the next key, of any type. Errors: CBOR_CANON (order), CBOR_DUP. */
VCH_CHECKED vch_err vch_cbor_map_key(struct vch_cbor *c, struct vch_cbor_map *m,
                                     struct vch_bytes *ret_key, bool *ret_more);
/* The next key, which must be an integer. Errors: also CBOR_TYPE. */
VCH_CHECKED vch_err vch_cbor_map_label(struct vch_cbor *c, struct vch_cbor_map *m,
                                       int64_t *ret_label, bool *ret_more);

/* ---- writing: deterministic, except that map keys are put in ascending order by the caller
 * (integers: 0, 1, ..., then -1, -2, ... within one head length; vch_cbor_item in strict mode
 * checks). */
void vch_cbor_put_uint(struct vch_writer *w, uint64_t v);
void vch_cbor_put_int(struct vch_writer *w, int64_t v);
void vch_cbor_put_bstr(struct vch_writer *w, struct vch_bytes b);
void vch_cbor_put_tstr(struct vch_writer *w, struct vch_bytes b);
void vch_cbor_put_text(struct vch_writer *w, const char *s);
void vch_cbor_put_bool(struct vch_writer *w, bool v);
void vch_cbor_put_null(struct vch_writer *w);
void vch_cbor_put_array(struct vch_writer *w, size_t count);
void vch_cbor_put_map(struct vch_writer *w, size_t pairs);
void vch_cbor_put_tag(struct vch_writer *w, uint64_t tag);
/* The head of a byte string whose N bytes the caller writes next. */
void vch_cbor_put_bstr_head(struct vch_writer *w, uint64_t n);

/* Diagnostic notation (RFC 8949 section 8) of exactly one item, indented by two spaces a level, for
 * people. Control characters are escaped. Errors: those of vch_cbor_item; TRAILING; the writer
 * keeps its own. */
VCH_CHECKED vch_err vch_cbor_diag(struct vch_bytes item, struct vch_writer *w);

#endif
