/* vouch/obs/log.h - structured logging: one line an event, typed fields.
 * Layer 8, thread-safe. Library code of layers up to 10 does not log; it returns errors.
 *
 *     vch_log(log, VCH_LOG_INFO, "endorsed", VCH_F_UINT("index", idx), VCH_F_PII("imei", imei));
 *
 * The event and the keys are constants of the program, values come from anywhere: every one is
 * escaped, so that no value can begin a line or a field. Personal identifiers go in as VCH_F_PII
 * and come out as a tag under the log's key: equal values give equal tags within one log, and
 * nobody without the key can test a guess. */
#ifndef VOUCH_OBS_LOG_H
#define VOUCH_OBS_LOG_H

#include <vouch/base/buf.h>
#include <vouch/base/text.h>
#include <vouch/crypto/port.h>

enum vch_log_level { VCH_LOG_DEBUG, VCH_LOG_INFO, VCH_LOG_WARN, VCH_LOG_ERROR };
enum vch_log_form { VCH_LOG_JSON, VCH_LOG_KEYVALUE };

/* A personal identifier: no printer takes it but the tag of a log. */
struct vch_pii {
    struct vch_bytes value;
};
static inline struct vch_pii vch_pii(struct vch_bytes value)
{
    return (struct vch_pii){value};
}

enum vch_field_type {
    VCH_FIELD_TEXT,
    VCH_FIELD_INT,
    VCH_FIELD_UINT,
    VCH_FIELD_DOUBLE,
    VCH_FIELD_BOOL,
    VCH_FIELD_HEX,  /* bytes as hexadecimal, cut after 64 bytes */
    VCH_FIELD_TIME, /* struct vch_time */
    VCH_FIELD_ERR,  /* slug of a vch_err */
    VCH_FIELD_PII
};
struct vch_field {
    const char *key;
    enum vch_field_type type;
    union {
        struct vch_bytes bytes;
        int64_t i;
        uint64_t u;
        double d;
        bool b;
        vch_err err;
    } v;
};
#define VCH_F_TEXT(k, bytes_) ((struct vch_field){(k), VCH_FIELD_TEXT, {.bytes = (bytes_)}})
#define VCH_F_STR(k, s)       ((struct vch_field){(k), VCH_FIELD_TEXT, {.bytes = vch_text(s)}})
#define VCH_F_INT(k, i_)      ((struct vch_field){(k), VCH_FIELD_INT, {.i = (i_)}})
#define VCH_F_UINT(k, u_)     ((struct vch_field){(k), VCH_FIELD_UINT, {.u = (u_)}})
#define VCH_F_DOUBLE(k, d_)   ((struct vch_field){(k), VCH_FIELD_DOUBLE, {.d = (d_)}})
#define VCH_F_BOOL(k, b_)     ((struct vch_field){(k), VCH_FIELD_BOOL, {.b = (b_)}})
#define VCH_F_HEX(k, bytes_)  ((struct vch_field){(k), VCH_FIELD_HEX, {.bytes = (bytes_)}})
#define VCH_F_TIME(k, t)      ((struct vch_field){(k), VCH_FIELD_TIME, {.i = (t).ms}})
#define VCH_F_ERR(k, e)       ((struct vch_field){(k), VCH_FIELD_ERR, {.err = (e)}})
#define VCH_F_PII(k, pii_)    ((struct vch_field){(k), VCH_FIELD_PII, {.bytes = (pii_).value}})

struct vch_log_options {
    const char *path;         /* appended to, mode 0600; NULL: standard error */
    enum vch_log_level level; /* lower ones are dropped */
    enum vch_log_form form;
    const char *program;             /* field "program", NULL: none */
    const struct vch_crypto *crypto; /* for tags; NULL: personal fields print as "pii:hidden" */
    struct vch_bytes pii_key;        /* copied; 16 bytes or more; empty: "pii:hidden" */
};

struct vch_log;

/* Errors: OBS_FILE (path); OBS_KEY (a key shorter than 16 bytes). */
VCH_CHECKED vch_err vch_log_open(const struct vch_log_options *o, struct vch_log **ret);
void vch_log_close(struct vch_log *l); /* NULL is allowed */
/* Opens the path again, after a rotation. Errors: OBS_FILE, and the old file stays in use. */
VCH_CHECKED vch_err vch_log_reopen(struct vch_log *l);
void vch_log_level_set(struct vch_log *l, enum vch_log_level level);
bool vch_log_enabled(const struct vch_log *l, enum vch_log_level level);
/* Lines that could not be written since the start (disk full), for a metric. */
uint64_t vch_log_lost(const struct vch_log *l);

/* Writes one line. EVENT is a short constant name. A NULL log drops it. A line is cut at 16 KiB by
 * leaving out fields, which it then says. */
void vch_log_write(struct vch_log *l, enum vch_log_level level, const char *event,
                   const struct vch_field *fields, size_t n);
#define vch_log(l, level, ...) VCH_LOG_(l, level, __VA_ARGS__, VCH_F_END)
/* The last element ends the list, so that an event without fields works too. */
#define VCH_F_END ((struct vch_field){NULL, VCH_FIELD_TEXT, {.i = 0}})
#define VCH_LOG_(l, level, event, ...)                                                             \
    vch_log_write((l), (level), (event), (const struct vch_field[]){__VA_ARGS__}, SIZE_MAX)

/* "debug"...; static. */
const char *vch_log_level_name(enum vch_log_level level);
/* The tag of VALUE in this log, NUL-terminated, for answers that must correlate with it.
 * The room has 24 bytes or more. */
const char *vch_log_pii_tag(const struct vch_log *l, struct vch_pii value, struct vch_span room);

#endif
