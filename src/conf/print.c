/* A configuration and its table as text: YAML with comments, a template, a manual page. */
#include "internal.h"

#define WIDTH 90

static vch_err indent(struct vch_buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        VCH_TRY(vch_buf_text(out, "  "));
    }
    return VCH_OK;
}

/* The help text as comment lines of bounded width. */
static vch_err put_help(struct vch_buf *out, unsigned depth, const char *help)
{
    size_t column = 0; /* 0: no line is begun */

    for (;;) {
        size_t n;

        help += strspn(help, " \n");
        n = strcspn(help, " \n");
        if (column != 0 && (n == 0 || column + 1 + n > WIDTH)) {
            VCH_TRY(vch_buf_text(out, "\n"));
            column = 0;
        }
        if (n == 0) {
            return VCH_OK;
        }
        if (column == 0) {
            VCH_TRY(indent(out, depth));
            VCH_TRY(vch_buf_text(out, "#"));
            column = depth * 2u + 1;
        }
        VCH_TRY(vch_buf_text(out, " "));
        VCH_TRY(vch_buf_append(out, vch_bytes(help, n)));
        column += n + 1;
        help += n;
    }
}

/* The bounds or choices of an option, as a sentence without its end; nothing if it has none. */
static vch_err put_bounds(struct vch_buf *out, const struct vch_conf_option *o)
{
    if (o->type == VCH_CONF_ENUM) {
        for (size_t i = 0; o->choices[i] != NULL; i++) {
            VCH_TRY(vch_buf_printf(out, "%s%s", i == 0 ? "one of " : ", ", o->choices[i]));
        }
        return VCH_OK;
    }
    VCH_TRY(vch_buf_text(out, vch_conf_type_name(o->type)));
    if ((o->type == VCH_CONF_INT || o->type == VCH_CONF_DURATION || o->type == VCH_CONF_SIZE) &&
        (o->min != 0 || o->max != 0)) {
        VCH_TRY(vch_buf_text(out, " from "));
        VCH_TRY(vch_conf_number_print(o->type, o->min, out));
        VCH_TRY(vch_buf_text(out, " to "));
        VCH_TRY(vch_conf_number_print(o->type, o->max, out));
    }
    return VCH_OK;
}

static vch_err put_intro(struct vch_buf *out, unsigned depth, const struct vch_conf_option *o)
{
    VCH_TRY(put_help(out, depth, o->help != NULL ? o->help : ""));
    VCH_TRY(indent(out, depth));
    VCH_TRY(vch_buf_text(out, "# ("));
    VCH_TRY(put_bounds(out, o));
    return vch_buf_text(out, (o->flags & VCH_CONF_REQUIRED) != 0 ? ", required)\n" : ")\n");
}

static vch_err print_node(const struct vch_conf_node *n, unsigned depth, struct vch_buf *out);
static vch_err template(const struct vch_conf_option *table, unsigned depth, bool commented,
                        struct vch_buf *out);

static vch_err print_list(const struct vch_conf_option *o, const struct value *v, unsigned depth,
                          struct vch_buf *out)
{
    if (v->count == 0) {
        return vch_buf_text(out, " []\n");
    }
    VCH_TRY(vch_buf_text(out, "\n"));
    for (size_t i = 0; i < v->count; i++) {
        VCH_TRY(indent(out, depth + 1));
        if (o->type == VCH_CONF_SECTIONS) {
            /* the mapping in lines of its own: its first line may be a comment */
            VCH_TRY(vch_buf_text(out, "-\n"));
            VCH_TRY(print_node(v->nodes[i], depth + 2, out));
        } else {
            VCH_TRY(vch_buf_text(out, "- "));
            VCH_TRY(vch_conf_quote(v->texts[i], out));
            VCH_TRY(vch_buf_text(out, "\n"));
        }
    }
    return VCH_OK;
}

static vch_err print_option(const struct vch_conf_option *o, const struct value *v, unsigned depth,
                            struct vch_buf *out)
{
    VCH_TRY(put_intro(out, depth, o));
    VCH_TRY(indent(out, depth));
    if (!v->present) {
        VCH_TRY(vch_buf_printf(out, "# %s:\n", o->key));
        return o->type == VCH_CONF_SECTION ? template(o->sub, depth + 1, true, out) : VCH_OK;
    }
    VCH_TRY(vch_buf_printf(out, "%s:", o->key));
    switch (o->type) {
    case VCH_CONF_SECTION:
        VCH_TRY(vch_buf_text(out, "\n"));
        return print_node(v->nodes[0], depth + 1, out);
    case VCH_CONF_STRINGS:
    case VCH_CONF_SECTIONS:
        return print_list(o, v, depth, out);
    default:
        VCH_TRY(vch_buf_text(out, " "));
        VCH_TRY(vch_conf_value_print(o, v, out));
        return vch_buf_text(out, "\n");
    }
}

static vch_err print_node(const struct vch_conf_node *n, unsigned depth, struct vch_buf *out)
{
    for (size_t i = 0; i < n->count; i++) {
        VCH_TRY(print_option(&n->table[i], &n->values[i], depth, out));
    }
    return VCH_OK;
}

vch_err vch_conf_print(const struct vch_conf *c, struct vch_buf *out)
{
    return print_node(c->root, 0, out);
}

/* ---- template */

static vch_err template(const struct vch_conf_option *table, unsigned depth, bool commented,
                        struct vch_buf *out)
{
    for (const struct vch_conf_option *o = table; o->key != NULL; o++) {
        bool required = (o->flags & VCH_CONF_REQUIRED) != 0;
        bool section = o->type == VCH_CONF_SECTION || o->type == VCH_CONF_SECTIONS;
        bool off = commented || !required;

        VCH_TRY(put_intro(out, depth, o));
        VCH_TRY(indent(out, depth));
        VCH_TRY(vch_buf_printf(out, "%s%s:%s%s\n", off ? "# " : "", o->key,
                               o->def != NULL ? " " : "", o->def != NULL ? o->def : ""));
        if (section) {
            if (o->type == VCH_CONF_SECTIONS) {
                VCH_TRY(indent(out, depth + 1));
                VCH_TRY(vch_buf_text(out, off ? "# -\n" : "-\n"));
            }
            VCH_TRY(template(o->sub, depth + (o->type == VCH_CONF_SECTIONS ? 2 : 1), off, out));
        }
    }
    return VCH_OK;
}

vch_err vch_conf_template(const struct vch_conf_option *table, struct vch_buf *out)
{
    return template(table, 0, false, out);
}

/* ---- manual page */

static vch_err put_roff(struct vch_buf *out, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '\\') {
            VCH_TRY(vch_buf_text(out, "\\e"));
        } else if (*text == '-') {
            VCH_TRY(vch_buf_text(out, "\\-"));
        } else if (*text == '\n') {
            VCH_TRY(vch_buf_text(out, " "));
        } else {
            VCH_TRY(vch_buf_append(out, vch_bytes(text, 1)));
        }
    }
    return VCH_OK;
}

static vch_err man_option(const struct vch_conf_option *o, const char *name, struct vch_buf *out)
{
    struct vch_buf bounds = vch_buf_init(1024);
    const char *text = "";
    vch_err e;

    VCH_TRY(vch_buf_text(out, ".TP\n.B "));
    VCH_TRY(put_roff(out, name));
    e = put_bounds(&bounds, o);
    if (vch_ok(e)) {
        e = vch_buf_cstr(&bounds, &text);
    }
    if (vch_ok(e)) {
        e = vch_buf_text(out, "\n\\fI");
    }
    if (vch_ok(e)) {
        e = put_roff(out, text);
    }
    vch_buf_fini(&bounds);
    VCH_TRY(e);
    VCH_TRY(vch_buf_text(out, "\\fR"));
    VCH_TRY(vch_buf_text(out, (o->flags & VCH_CONF_REQUIRED) != 0 ? ", required.\n" : ".\n"));
    VCH_TRY(vch_buf_text(out, "\\&"));
    VCH_TRY(put_roff(out, o->help != NULL ? o->help : ""));
    if (o->def != NULL) {
        VCH_TRY(vch_buf_text(out, "\nDefault: "));
        VCH_TRY(put_roff(out, o->def));
        VCH_TRY(vch_buf_text(out, "."));
    }
    return vch_buf_text(out, "\n");
}

static vch_err man(const struct vch_conf_option *table, const char *prefix, struct vch_buf *out)
{
    for (const struct vch_conf_option *o = table; o->key != NULL; o++) {
        struct vch_buf name = vch_buf_init(1024);
        const char *text;
        vch_err e = vch_buf_printf(&name, "%s%s%s", prefix, o->key,
                                   o->type == VCH_CONF_SECTIONS ? "[]" : "");

        if (vch_ok(e)) {
            e = vch_buf_cstr(&name, &text);
        }
        if (vch_ok(e)) {
            e = man_option(o, text, out);
        }
        if (vch_ok(e) && o->sub != NULL) {
            e = vch_buf_text(&name, ".");
            if (vch_ok(e)) {
                e = vch_buf_cstr(&name, &text);
            }
            if (vch_ok(e)) {
                e = man(o->sub, text, out);
            }
        }
        vch_buf_fini(&name);
        VCH_TRY(e);
    }
    return VCH_OK;
}

vch_err vch_conf_man(const struct vch_conf_option *table, struct vch_buf *out)
{
    return man(table, "", out);
}
