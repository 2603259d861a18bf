/* vouch/base/text.h - texts at the edge: hexadecimal, base64, UTF-8, decimal numbers, UTC times.
 * Layer 0, pure, heap-free. Everything is strict: what is not exactly of the form is TEXT. */
#ifndef VOUCH_BASE_TEXT_H
#define VOUCH_BASE_TEXT_H

#include <vouch/base/bytes.h>

/* Milliseconds since 1970-01-01T00:00:00Z, without leap seconds. */
struct vch_time {
    int64_t ms;
};
#define VCH_TIME_TEXT_MAX 32 /* room for vch_time_text, with the NUL */

VCH_CHECKED bool vch_utf8_check(struct vch_bytes text);

/* Lower-case hexadecimal with a NUL; the room has 2n + 1 bytes or more. Returns the room's start.
 */
char *vch_hex_encode(struct vch_bytes in, struct vch_span out);
/* Either case. Errors: TEXT; NO_ROOM. */
VCH_CHECKED vch_err vch_hex_decode(struct vch_bytes text, struct vch_span out,
                                   struct vch_bytes *ret);

enum vch_b64 {
    VCH_B64_STD, /* RFC 4648 section 4, padded */
    VCH_B64_URL  /* section 5, without padding */
};
/* Text with a NUL; the room has VCH_B64_ROOM(n) bytes or more. Returns the room's start. */
#define VCH_B64_ROOM(n) (((n) + 2) / 3 * 4 + 1)
char *vch_b64_encode(enum vch_b64 kind, struct vch_bytes in, struct vch_span out);
/* Only the canonical form. Errors: TEXT; NO_ROOM. */
VCH_CHECKED vch_err vch_b64_decode(enum vch_b64 kind, struct vch_bytes text, struct vch_span out,
                                   struct vch_bytes *ret);

/* Decimal digits only, no sign, no space, at most MAX. Errors: TEXT. */
VCH_CHECKED vch_err vch_u64_parse(struct vch_bytes text, uint64_t max, uint64_t *ret);

/* RFC 3339 in UTC with milliseconds, "2026-11-21T08:40:35.123Z", NUL-terminated. Times outside the
 * years 0 to 9999 give "out of range". The room has VCH_TIME_TEXT_MAX bytes or more. */
char *vch_time_text(struct vch_time t, struct vch_span out);
/* RFC 3339 with any offset and up to nine digits of fraction (cut to milliseconds), or a date alone
 * (midnight UTC). A leap second counts as the second after it. Errors: TEXT. */
VCH_CHECKED vch_err vch_time_parse(struct vch_bytes text, struct vch_time *ret);

#endif
