/* vouch/base/attrs.h - the compiler attributes this code relies on (gcc 12, clang 14).
 * Layer 0, pure. */
#ifndef VOUCH_BASE_ATTRS_H
#define VOUCH_BASE_ATTRS_H

/* The result must be looked at. Deliberate ignoring is written vch_ignore(f()). */
#define VCH_CHECKED          __attribute__((warn_unused_result))
#define VCH_NORETURN         __attribute__((noreturn))
#define VCH_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define VCH_UNUSED           __attribute__((unused))

/* VCH_AUTO(vch_buf_fini) struct vch_buf b = ...; runs vch_buf_fini(&b) when B leaves scope. The
 * finisher takes a pointer to the variable and accepts a zeroed or already finished object. */
#define VCH_AUTO(fini)   __attribute__((cleanup(fini)))

#define VCH_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
