/* vouch/conf/conf.h - configuration files: YAML read through a table of options.
 * Layer 8, on libyaml. Reading allocates; a read configuration is immutable and thread-safe.
 *
 * The table says everything about an option: name, type, bounds, default, help. From it come the
 * checks, the defaults, --print-config and the reference in the manual page. Anchors, aliases,
 * tags, merge keys, several documents, duplicate and unknown keys are errors, reported with line,
 * column and the nearest known name. */
#ifndef VOUCH_CONF_CONF_H
#define VOUCH_CONF_CONF_H

#include <vouch/base/buf.h>

enum vch_conf_type {
    VCH_CONF_STRING,
    VCH_CONF_BOOL,     /* true, false */
    VCH_CONF_INT,      /* min..max */
    VCH_CONF_DURATION, /* "250ms", "10s", "5m", "2h", "7d"; value and bounds in ms */
    VCH_CONF_SIZE,     /* "4096", "64KiB", "1MiB", "2GiB", "10kB", "10MB"; bytes */
    VCH_CONF_ENUM,     /* one of choices; the value is its index too */
    VCH_CONF_PATH,     /* relative ones count from the folder of the configuration file */
    VCH_CONF_STRINGS,  /* list of strings */
    VCH_CONF_SECTION,  /* mapping described by sub */
    VCH_CONF_SECTIONS  /* list of such mappings */
};

enum {
    VCH_CONF_REQUIRED = 1, /* must be given (in a section: if the section is) */
    VCH_CONF_PRESENCE = 2  /* SECTION: absent means absent; otherwise it means all defaults */
};

/* One option; a table ends with a row whose key is NULL. Rows are static data of the program. */
struct vch_conf_option {
    const char *key; /* lower case, digits, '-' or '_' */
    enum vch_conf_type type;
    unsigned flags;
    const char *def;            /* as it would be written in the file; NULL: none */
    const char *help;           /* sentences without markup */
    int64_t min, max;           /* INT, DURATION, SIZE; both 0: no bounds but those of the type;
                                 * STRINGS, SECTIONS: number of elements, max 0: 64 */
    const char *const *choices; /* ENUM: texts, NULL-terminated */
    const struct vch_conf_option *sub; /* SECTION, SECTIONS */
};

struct vch_conf;      /* a whole file */
struct vch_conf_node; /* one mapping of it */

/* Reads the file PATH, or the TEXT as if it were a file named NAME. All problems are collected:
 * REPORT gets a line "file:line:column: text" for each (append; untouched on success).
 * Errors: CONF_FILE (not readable, over 1 MiB); CONF_SYNTAX (no YAML of the kind above); CONF_VALUE
 * (unknown or missing key, bad value, duplicate). */
VCH_CHECKED vch_err vch_conf_read(const char *path, const struct vch_conf_option *table,
                                  struct vch_buf *reterr_report, struct vch_conf **ret);
VCH_CHECKED vch_err vch_conf_parse(const char *name, struct vch_bytes text,
                                   const struct vch_conf_option *table,
                                   struct vch_buf *reterr_report, struct vch_conf **ret);
void vch_conf_close(struct vch_conf *c); /* NULL is allowed */
const struct vch_conf_node *vch_conf_root(const struct vch_conf *c);

/* Values by dotted key from a node ("tls.cert"). Asking for a key or a type that the table lacks,
 * or through a presence section that is absent, is a defect of the caller and ends the process.
 * Views are valid until the configuration is closed. */
/* Is there a value, given or by default? For sections: do they exist? */
bool vch_conf_has(const struct vch_conf_node *n, const char *key);
/* STRING, PATH, ENUM; NULL if there is no value. */
const char *vch_conf_text(const struct vch_conf_node *n, const char *key);
bool vch_conf_bool(const struct vch_conf_node *n, const char *key);   /* false without value */
int64_t vch_conf_int(const struct vch_conf_node *n, const char *key); /* INT, DURATION (ms), SIZE;
                                                                       * 0 without value */
size_t vch_conf_choice(const struct vch_conf_node *n,
                       const char *key);                               /* ENUM: index; the number
                                                                        * of choices without value */
size_t vch_conf_count(const struct vch_conf_node *n, const char *key); /* STRINGS, SECTIONS */
const char *vch_conf_text_at(const struct vch_conf_node *n, const char *key, size_t idx);
const struct vch_conf_node *vch_conf_at(const struct vch_conf_node *n, const char *key, size_t idx);
/* SECTION; NULL if it is a presence section and absent. */
const struct vch_conf_node *vch_conf_section(const struct vch_conf_node *n, const char *key);
/* "file:line" of the value, or of the default ("default"), for messages of the caller. */
VCH_CHECKED vch_err vch_conf_where(const struct vch_conf_node *n, const char *key,
                                   struct vch_buf *out);

/* --print-config: every option with its value and its help as a comment, valid YAML that reads back
 * as the same configuration. Errors: LIMIT of OUT. */
VCH_CHECKED vch_err vch_conf_print(const struct vch_conf *c, struct vch_buf *out);
/* A commented template of the table alone: defaults, required ones marked. Errors: LIMIT. */
VCH_CHECKED vch_err vch_conf_template(const struct vch_conf_option *table, struct vch_buf *out);
/* The reference of all options for a manual page, in man(7) macros. Errors: LIMIT. */
VCH_CHECKED vch_err vch_conf_man(const struct vch_conf_option *table, struct vch_buf *out);

#endif
