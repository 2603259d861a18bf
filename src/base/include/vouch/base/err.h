/* vouch/base/err.h - the one error type.
 * Layer 0, pure, thread-safe: no shared state.
 *
 * Every function that can fail returns vch_err; what cannot fail returns void or a value. A code is
 * kind << 16 | number. The table base/errors.def gives each code its name, text, cause, remedy,
 * HTTP status and exit status; enum, texts, problem documents and `vouch explain` all come from it.
 *
 * Outputs (ret_...) are written only on success, failure details (reterr_...) only on failure. */
#ifndef VOUCH_BASE_ERR_H
#define VOUCH_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <vouch/base/attrs.h>

/* A one-word structure, so that a failure can never be taken for a truth value. */
typedef struct {
    uint32_t code;
} vch_err;

enum vch_err_kind {
    VCH_KIND_NONE = 0,
    VCH_KIND_BUG = 1,      /* an invariant of ours is broken */
    VCH_KIND_USAGE = 2,    /* the caller's arguments or configuration */
    VCH_KIND_INPUT = 3,    /* malformed or unsupported bytes from outside */
    VCH_KIND_DENIED = 4,   /* well formed, but proof or right is missing or wrong */
    VCH_KIND_STATE = 5,    /* not possible in the present state */
    VCH_KIND_MISSING = 6,  /* no such thing */
    VCH_KIND_CONFLICT = 7, /* contradicts what is recorded */
    VCH_KIND_LIMIT = 8,    /* larger or more than allowed */
    VCH_KIND_BUSY = 9,     /* try again later */
    VCH_KIND_IO = 10,      /* file system or network of this machine */
    VCH_KIND_CRYPTO = 11,  /* cryptographic library or key store failed */
    VCH_KIND_REMOTE = 12,  /* another service failed or answered wrongly */
    VCH_KIND_EVIDENCE = 13 /* cannot be evaluated: trust or evidence is missing */
};

enum {
    VCH_E_OK_CODE = 0,
#define VCH_ERROR(name, slug, kind, number, http, exit, text, cause, remedy)                       \
    VCH_E_##name##_CODE = (VCH_KIND_##kind << 16) | (number),
#include <vouch/base/errors.def>
#undef VCH_ERROR
};

#define VCH_OK ((vch_err){0})
/* VCH_E(SIGNATURE) is the error named SIGNATURE in errors.def. */
#define VCH_E(name) ((vch_err){VCH_E_##name##_CODE})

/* What the table says of one error. All strings are static. */
struct vch_err_info {
    const char *slug;   /* stable, for machines: "signature-invalid" */
    const char *text;   /* one sentence */
    const char *cause;  /* what usually brings it about */
    const char *remedy; /* what to do */
    uint32_t code;
    uint16_t http; /* status of an HTTP answer */
    uint8_t
        exit; /* exit status: 1 invalid or refused, 2 cannot evaluate or unreachable, 64 usage */
};

static inline bool vch_ok(vch_err e)
{
    return e.code == 0;
}

static inline bool vch_err_is(vch_err a, vch_err b)
{
    return a.code == b.code;
}

static inline enum vch_err_kind vch_err_kind(vch_err e)
{
    return (enum vch_err_kind)(e.code >> 16);
}

/* The row of E. A code that the table lacks, or success, gives the row of its own ("unknown",
 * "ok"). */
const struct vch_err_info *vch_err_info(vch_err e);

/* Row number IDX of the table in the order of errors.def, NULL past its end. */
const struct vch_err_info *vch_err_at(size_t idx);

/* The row whose slug or name is TEXT (NUL-terminated), or NULL. */
const struct vch_err_info *vch_err_find(const char *text);

/* Deliberately drops a result (a close after a failure, a best-effort hint). */
static inline void vch_ignore(vch_err e)
{
    (void)e;
}

/* Returns from the present function with the error of EXPR, if any. */
#define VCH_TRY(expr)                                                                              \
    do {                                                                                           \
        vch_err vch_try_err_ = (expr);                                                             \
        if (vch_try_err_.code != 0) {                                                              \
            return vch_try_err_;                                                                   \
        }                                                                                          \
    } while (0)

/* Judges input: returns VCH_E(name) from the present function unless COND holds. */
#define VCH_CHECK(cond, name)                                                                      \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            return VCH_E(name);                                                                    \
        }                                                                                          \
    } while (0)

/* An invariant of our own code; kept in release builds, ends the process. Never for input. */
#define VCH_ASSERT(cond)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

#endif
