/* The tree behind a configuration. */
#ifndef VCH_CONF_INTERNAL_H
#define VCH_CONF_INTERNAL_H

#include <vouch/conf/conf.h>

#define ELEMENTS_MAX 64
#define TEXT_MAX     4096

/* The value of one option in one mapping. */
struct value {
    bool present;  /* given or by default */
    unsigned line; /* 0: by default */
    char *text;    /* STRING, PATH, ENUM */
    bool b;
    int64_t i;    /* INT, DURATION, SIZE; ENUM: index */
    size_t count; /* STRINGS, SECTIONS */
    char **texts;
    struct vch_conf_node **nodes; /* SECTIONS; SECTION: one */
};

struct vch_conf_node {
    const struct vch_conf *conf;
    const struct vch_conf_option *table;
    size_t count; /* options */
    struct value *values;
};

struct vch_conf {
    char *name; /* of the file */
    char *dir;  /* relative paths count from here */
    struct vch_conf_node *root;
};

/* What is wrong with a value, for the report. */
struct reason {
    char text[256];
};

/* Reads the scalar TEXT (NUL-terminated) as OPT's type into RET. PLAIN: it was not quoted.
 * Errors: CONF_VALUE with RETERR. */
VCH_CHECKED vch_err vch_conf_value_parse(const struct vch_conf_option *opt, const char *text,
                                         bool plain, const char *dir, struct value *ret,
                                         struct reason *reterr);
void vch_conf_value_fini(struct value *v);

/* Texts of values as a file would have them. */
vch_err vch_conf_value_print(const struct vch_conf_option *opt, const struct value *v,
                             struct vch_buf *out);
vch_err vch_conf_quote(const char *text, struct vch_buf *out);
vch_err vch_conf_number_print(enum vch_conf_type type, int64_t n, struct vch_buf *out);
/* "integer", "duration"... */
const char *vch_conf_type_name(enum vch_conf_type type);

struct vch_conf_node *vch_conf_node_new(const struct vch_conf *c,
                                        const struct vch_conf_option *table);
void vch_conf_node_free(struct vch_conf_node *n);
size_t vch_conf_table_count(const struct vch_conf_option *table);

#endif
