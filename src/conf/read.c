/* From YAML to the tree, by the events of libyaml. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include <vouch/base/text.h>
#include <vouch/file/file.h>

#include "near.h"

#define FILE_MAX     (1024 * 1024)
#define PROBLEMS_MAX 50

struct reader {
    yaml_parser_t parser;
    yaml_event_t ev; /* the present event */
    bool ev_valid;
    struct vch_conf *conf;
    struct vch_buf *report;
    unsigned problems;
    vch_err err; /* worst so far: CONF_SYNTAX stops everything, CONF_VALUE goes on */
};

size_t vch_conf_table_count(const struct vch_conf_option *table)
{
    size_t n = 0;

    while (table[n].key != NULL) {
        n++;
    }
    return n;
}

struct vch_conf_node *vch_conf_node_new(const struct vch_conf *c,
                                        const struct vch_conf_option *table)
{
    struct vch_conf_node *n = vch_mem_alloc(sizeof(*n));

    n->conf = c;
    n->table = table;
    n->count = vch_conf_table_count(table);
    n->values = vch_mem_alloc(n->count * sizeof(*n->values));
    return n;
}

void vch_conf_node_free(struct vch_conf_node *n)
{
    if (n == NULL) {
        return;
    }
    for (size_t i = 0; i < n->count; i++) {
        vch_conf_value_fini(&n->values[i]);
    }
    vch_mem_free(n->values);
    vch_mem_free(n);
}

/* ---- problems */

static bool stopped(const struct reader *r)
{
    return vch_err_is(r->err, VCH_E(CONF_SYNTAX));
}

static VCH_PRINTF(3, 4) void problem(struct reader *r, yaml_mark_t at, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (stopped(r)) {
        return; /* what follows a syntax error says nothing */
    }
    r->err = VCH_E(CONF_VALUE);
    if (r->problems++ >= PROBLEMS_MAX) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *c = text; *c != 0; c++) {
        *c = (uint8_t)*c < 0x20 || *c == 0x7f ? '?' : *c;
    }
    vch_ignore(vch_buf_printf(r->report, "%s:%zu:%zu: %s\n", r->conf->name, at.line + 1,
                              at.column + 1, text));
}

static void syntax(struct reader *r, yaml_mark_t at, const char *text)
{
    problem(r, at, "%s", text);
    r->err = VCH_E(CONF_SYNTAX);
}

/* ---- events */

static void parser_problem(struct reader *r)
{
    char text[256];

    (void)snprintf(
        text, sizeof(text), "%s%s%s", r->parser.problem != NULL ? r->parser.problem : "not YAML",
        r->parser.context != NULL ? " " : "", r->parser.context != NULL ? r->parser.context : "");
    syntax(r, r->parser.problem_mark, text);
}

/* Neither anchors nor tags: a reader of the file shall see what it says. */
static void check_plainness(struct reader *r)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    switch (r->ev.type) {
    case YAML_ALIAS_EVENT:
        anchor = r->ev.data.alias.anchor;
        break;
    case YAML_SCALAR_EVENT:
        anchor = r->ev.data.scalar.anchor;
        tag = r->ev.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = r->ev.data.sequence_start.anchor;
        tag = r->ev.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = r->ev.data.mapping_start.anchor;
        tag = r->ev.data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor != NULL) {
        syntax(r, r->ev.start_mark, "anchors and aliases are not allowed; repeat the values");
    } else if (tag != NULL) {
        syntax(r, r->ev.start_mark, "tags are not allowed");
    }
}

/* Moves on to the next event; after a syntax error the present one is "nothing". */
static void next(struct reader *r)
{
    if (r->ev_valid) {
        yaml_event_delete(&r->ev);
        r->ev_valid = false;
    }
    r->ev.type = YAML_NO_EVENT;
    if (stopped(r)) {
        return;
    }
    if (yaml_parser_parse(&r->parser, &r->ev) == 0) {
        r->ev.type = YAML_NO_EVENT;
        parser_problem(r);
        return;
    }
    r->ev_valid = true;
    check_plainness(r);
    if (stopped(r)) {
        yaml_event_delete(&r->ev);
        r->ev_valid = false;
        r->ev.type = YAML_NO_EVENT;
    }
}

/* Skips the present node, however deep. */
static void skip(struct reader *r)
{
    unsigned depth = 0;

    do {
        if (r->ev.type == YAML_MAPPING_START_EVENT || r->ev.type == YAML_SEQUENCE_START_EVENT) {
            depth++;
        } else if (r->ev.type == YAML_MAPPING_END_EVENT || r->ev.type == YAML_SEQUENCE_END_EVENT) {
            depth--;
        }
        next(r);
    } while (depth > 0 && !stopped(r));
}

/* The present scalar as text; an inner NUL is refused. */
static bool scalar_text(struct reader *r, const char **ret)
{
    const char *text = (const char *)r->ev.data.scalar.value;

    if (strlen(text) != r->ev.data.scalar.length || r->ev.data.scalar.length > TEXT_MAX) {
        problem(r, r->ev.start_mark, "the value is too long or has a zero character");
        return false;
    }
    *ret = text;
    return true;
}

static bool is_plain(const struct reader *r)
{
    return r->ev.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const struct reader *r)
{
    const char *text = (const char *)r->ev.data.scalar.value;

    return r->ev.type == YAML_SCALAR_EVENT && is_plain(r) &&
           (text[0] == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* ---- values */

/* Where a mapping is, for messages: "as." or "peers[2]." */
struct place {
    char text[160];
};

static void read_mapping(struct reader *r, struct vch_conf_node *node, const struct place *at);
static void complete(struct reader *r, struct vch_conf_node *node, const struct place *at,
                     yaml_mark_t mark);

static void read_scalar(struct reader *r, const struct vch_conf_option *opt, const struct place *at,
                        struct value *v)
{
    struct reason why;
    const char *text;

    if (r->ev.type != YAML_SCALAR_EVENT) {
        problem(r, r->ev.start_mark, "%s%s must be a single value", at->text, opt->key);
        skip(r);
        return;
    }
    if (is_null(r)) {
        problem(r, r->ev.start_mark, "%s%s has no value", at->text, opt->key);
    } else if (scalar_text(r, &text)) {
        if (vch_ok(vch_conf_value_parse(opt, text, is_plain(r), r->conf->dir, v, &why))) {
            v->present = true;
        } else {
            problem(r, r->ev.start_mark, "%s%s %s", at->text, opt->key, why.text);
        }
    }
    next(r);
}

/* A section whose value is empty is a section of defaults. */
static struct vch_conf_node *read_section(struct reader *r, const struct vch_conf_option *opt,
                                          const struct place *at)
{
    struct vch_conf_node *node = vch_conf_node_new(r->conf, opt->sub);
    yaml_mark_t mark = r->ev.start_mark;

    if (is_null(r)) {
        next(r);
        complete(r, node, at, mark);
    } else if (r->ev.type == YAML_MAPPING_START_EVENT) {
        read_mapping(r, node, at);
    } else {
        problem(r, mark, "%.*s must be a section of keys and values", (int)strlen(at->text) - 1,
                at->text);
        skip(r);
    }
    return node;
}

static void read_element(struct reader *r, const struct vch_conf_option *opt,
                         const struct place *at, struct value *v)
{
    struct value one = {0};
    struct place inner;

    (void)snprintf(inner.text, sizeof(inner.text), "%.100s%.40s[%zu].", at->text, opt->key,
                   v->count);
    if (opt->type == VCH_CONF_SECTIONS) {
        v->nodes[v->count++] = read_section(r, opt, &inner);
        return;
    }
    read_scalar(r, opt, at, &one);
    if (one.present) {
        v->texts[v->count++] = one.text;
    }
}

static void read_list(struct reader *r, const struct vch_conf_option *opt, const struct place *at,
                      struct value *v)
{
    size_t max = opt->max != 0 ? (size_t)opt->max : ELEMENTS_MAX;
    yaml_mark_t mark = r->ev.start_mark;

    if (r->ev.type != YAML_SEQUENCE_START_EVENT) {
        problem(r, mark, "%s%s must be a list, each element after \"- \"", at->text, opt->key);
        skip(r);
        return;
    }
    v->present = true;
    if (opt->type == VCH_CONF_SECTIONS) {
        v->nodes = vch_mem_alloc(max * sizeof(struct vch_conf_node *));
    } else {
        v->texts = vch_mem_alloc(max * sizeof(*v->texts));
    }
    next(r);
    while (r->ev.type != YAML_SEQUENCE_END_EVENT && !stopped(r)) {
        if (v->count == max) {
            problem(r, r->ev.start_mark, "%s%s has more than %zu elements", at->text, opt->key,
                    max);
            while (r->ev.type != YAML_SEQUENCE_END_EVENT && !stopped(r)) {
                skip(r);
            }
            break;
        }
        read_element(r, opt, at, v);
    }
    next(r);
    if ((int64_t)v->count < opt->min && !stopped(r)) {
        problem(r, mark, "%s%s must have %lld elements or more", at->text, opt->key,
                (long long)opt->min);
    }
}

static void read_value(struct reader *r, const struct vch_conf_option *opt, const struct place *at,
                       struct value *v)
{
    struct place inner;

    switch (opt->type) {
    case VCH_CONF_SECTION:
        (void)snprintf(inner.text, sizeof(inner.text), "%.100s%.40s.", at->text, opt->key);
        v->nodes = vch_mem_alloc(sizeof(struct vch_conf_node *));
        v->nodes[v->count++] = read_section(r, opt, &inner);
        v->present = true;
        break;
    case VCH_CONF_STRINGS:
    case VCH_CONF_SECTIONS:
        read_list(r, opt, at, v);
        break;
    default:
        read_scalar(r, opt, at, v);
        break;
    }
}

/* ---- mappings */

static void unknown_key(struct reader *r, const struct vch_conf_option *table,
                        const struct place *at, const char *key)
{
    const char *near = NULL;
    unsigned best = UINT32_MAX, d;

    for (const struct vch_conf_option *o = table; o->key != NULL; o++) {
        if (vch_conf_near(vch_text(key), vch_text(o->key), &d) && d < best) {
            best = d;
            near = o->key;
        }
    }
    if (strcmp(key, "<<") == 0) {
        syntax(r, r->ev.start_mark, "merge keys are not allowed; repeat the values");
    } else if (near != NULL) {
        problem(r, r->ev.start_mark, "unknown key \"%s%.60s\"; did you mean \"%s\"?", at->text, key,
                near);
    } else {
        problem(r, r->ev.start_mark, "unknown key \"%s%.60s\"", at->text, key);
    }
}

/* The present event is a key: finds its option and moves on to the value; NULL if the pair is to be
 * passed over (it then has been). */
static struct value *read_key(struct reader *r, struct vch_conf_node *node, const struct place *at,
                              size_t *ret_index)
{
    yaml_mark_t mark = r->ev.start_mark;
    const char *key;
    size_t i = 0;

    if (r->ev.type != YAML_SCALAR_EVENT || !scalar_text(r, &key)) {
        problem(r, mark, "a key must be a name");
        skip(r);
        skip(r);
        return NULL;
    }
    while (i < node->count && strcmp(node->table[i].key, key) != 0) {
        i++;
    }
    if (i == node->count) {
        unknown_key(r, node->table, at, key);
        next(r);
        skip(r);
        return NULL;
    }
    next(r);
    if (node->values[i].line != 0) {
        problem(r, mark, "%s%s was given already in line %u", at->text, node->table[i].key,
                node->values[i].line);
        skip(r);
        return NULL;
    }
    node->values[i].line = (unsigned)mark.line + 1;
    *ret_index = i;
    return &node->values[i];
}

static void read_mapping(struct reader *r, struct vch_conf_node *node, const struct place *at)
{
    yaml_mark_t mark = r->ev.start_mark;

    next(r);
    while (r->ev.type != YAML_MAPPING_END_EVENT && !stopped(r)) {
        size_t i;
        struct value *v = read_key(r, node, at, &i);

        if (v != NULL) {
            read_value(r, &node->table[i], at, v);
        }
    }
    next(r);
    if (!stopped(r)) {
        complete(r, node, at, mark);
    }
}

static void reader_init(struct reader *r, struct vch_conf *c, struct vch_buf *report,
                        struct vch_bytes text)
{
    *r = (struct reader){.conf = c, .report = report};
    VCH_ASSERT(yaml_parser_initialize(&r->parser) == 1);
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, text.p != NULL ? text.p : (const uint8_t *)"", text.n);
}

static void reader_fini(struct reader *r)
{
    if (r->ev_valid) {
        yaml_event_delete(&r->ev);
    }
    yaml_parser_delete(&r->parser);
}

/* Reads the default of OPT as if it stood in a file; a bad one is a defect of the table. */
static void set_default(struct vch_conf *c, const struct vch_conf_option *opt, struct value *v)
{
    struct vch_buf report = vch_buf_init(4096);
    struct place at = {""};
    struct reader r;

    reader_init(&r, c, &report, vch_text(opt->def));
    next(&r); /* stream */
    next(&r); /* document */
    next(&r);
    read_value(&r, opt, &at, v);
    VCH_ASSERT(vch_ok(r.err) && v->present);
    v->line = 0;
    reader_fini(&r);
    vch_buf_fini(&report);
}

/* Fills in what was not given. */
static void complete(struct reader *r, struct vch_conf_node *node, const struct place *at,
                     yaml_mark_t mark)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct vch_conf_option *opt = &node->table[i];
        struct value *v = &node->values[i];
        struct place inner;

        if (v->line != 0) {
            continue;
        }
        if ((opt->flags & VCH_CONF_REQUIRED) != 0) {
            problem(r, mark, "%s%s is missing", at->text, opt->key);
        } else if (opt->def != NULL) {
            set_default(r->conf, opt, v);
        } else if (opt->type == VCH_CONF_SECTION && (opt->flags & VCH_CONF_PRESENCE) == 0) {
            (void)snprintf(inner.text, sizeof(inner.text), "%.100s%.40s.", at->text, opt->key);
            v->nodes = vch_mem_alloc(sizeof(struct vch_conf_node *));
            v->nodes[v->count++] = vch_conf_node_new(r->conf, opt->sub);
            v->present = true;
            complete(r, v->nodes[0], &inner, mark);
        }
    }
}

/* ---- files */

static void read_document(struct reader *r, const struct vch_conf_option *table)
{
    struct vch_conf_node *root = vch_conf_node_new(r->conf, table);
    struct place at = {""};

    r->conf->root = root;
    next(r); /* the stream begins */
    next(r);
    if (r->ev.type == YAML_STREAM_END_EVENT) {
        complete(r, root, &at, r->ev.start_mark); /* an empty file */
        return;
    }
    next(r);
    if (is_null(r)) {
        yaml_mark_t mark = r->ev.start_mark;

        next(r);
        complete(r, root, &at, mark);
    } else if (r->ev.type == YAML_MAPPING_START_EVENT) {
        read_mapping(r, root, &at);
    } else if (!stopped(r)) {
        syntax(r, r->ev.start_mark, "the file must consist of keys and values");
    }
    next(r); /* the document ends */
    if (!stopped(r) && r->ev.type != YAML_STREAM_END_EVENT) {
        syntax(r, r->ev.start_mark, "a second document is not allowed");
    }
}

vch_err vch_conf_parse(const char *name, struct vch_bytes text, const struct vch_conf_option *table,
                       struct vch_buf *reterr_report, struct vch_conf **ret)
{
    struct vch_conf *c = vch_mem_alloc(sizeof(*c));
    const char *slash = strrchr(name, '/');
    struct reader r;
    vch_err e;

    c->name = vch_mem_text(vch_text(name));
    c->dir = vch_mem_text(vch_bytes(name, slash == NULL   ? 0
                                          : slash == name ? 1
                                                          : (size_t)(slash - name)));
    reader_init(&r, c, reterr_report, text);
    if (vch_utf8_check(text)) {
        read_document(&r, table);
    } else {
        syntax(&r, r.ev.start_mark, "the file is not UTF-8");
    }
    if (r.problems > PROBLEMS_MAX) {
        vch_ignore(
            vch_buf_printf(reterr_report, "%s: and %u more\n", name, r.problems - PROBLEMS_MAX));
    }
    e = r.err;
    reader_fini(&r);
    if (!vch_ok(e)) {
        vch_conf_close(c);
        return e;
    }
    *ret = c;
    return VCH_OK;
}

vch_err vch_conf_read(const char *path, const struct vch_conf_option *table,
                      struct vch_buf *reterr_report, struct vch_conf **ret)
{
    struct vch_buf text = vch_buf_init(FILE_MAX);
    vch_err e = vch_file_read(path, 0, &text);

    if (vch_ok(e)) {
        e = vch_conf_parse(path, vch_buf_get(&text), table, reterr_report, ret);
    } else {
        vch_ignore(vch_buf_printf(reterr_report, "%s: %s\n", path, vch_err_info(e)->text));
        e = VCH_E(CONF_FILE);
    }
    vch_buf_fini(&text);
    return e;
}

void vch_conf_close(struct vch_conf *c)
{
    if (c == NULL) {
        return;
    }
    vch_conf_node_free(c->root);
    vch_mem_free(c->name);
    vch_mem_free(c->dir);
    vch_mem_free(c);
}
