/* What programs ask of a configuration. A wrong question is a defect of theirs. */
#include "internal.h"

const struct vch_conf_node *vch_conf_root(const struct vch_conf *c)
{
    return c->root;
}

/* The option and value that the dotted KEY names from NODE on. */
static const struct value *find(const struct vch_conf_node *node, const char *key,
                                const struct vch_conf_option **ret)
{
    for (;;) {
        size_t n = strcspn(key, ".");
        size_t i = 0;
        const struct value *v;

        while (i < node->count &&
               (strncmp(node->table[i].key, key, n) != 0 || node->table[i].key[n] != 0)) {
            i++;
        }
        VCH_ASSERT(i < node->count);
        v = &node->values[i];
        if (key[n] == 0) {
            *ret = &node->table[i];
            return v;
        }
        VCH_ASSERT(node->table[i].type == VCH_CONF_SECTION && v->present);
        node = v->nodes[0];
        key += n + 1;
    }
}

static const struct value *find_type(const struct vch_conf_node *n, const char *key, unsigned types)
{
    const struct vch_conf_option *opt;
    const struct value *v = find(n, key, &opt);

    VCH_ASSERT((types & 1u << opt->type) != 0);
    return v;
}

bool vch_conf_has(const struct vch_conf_node *n, const char *key)
{
    const struct vch_conf_option *opt;

    return find(n, key, &opt)->present;
}

const char *vch_conf_text(const struct vch_conf_node *n, const char *key)
{
    return find_type(n, key, 1u << VCH_CONF_STRING | 1u << VCH_CONF_PATH | 1u << VCH_CONF_ENUM)
        ->text;
}

bool vch_conf_bool(const struct vch_conf_node *n, const char *key)
{
    return find_type(n, key, 1u << VCH_CONF_BOOL)->b;
}

int64_t vch_conf_int(const struct vch_conf_node *n, const char *key)
{
    return find_type(n, key, 1u << VCH_CONF_INT | 1u << VCH_CONF_DURATION | 1u << VCH_CONF_SIZE)->i;
}

size_t vch_conf_choice(const struct vch_conf_node *n, const char *key)
{
    const struct vch_conf_option *opt;
    const struct value *v = find(n, key, &opt);
    size_t count = 0;

    VCH_ASSERT(opt->type == VCH_CONF_ENUM);
    while (!v->present && opt->choices[count] != NULL) {
        count++;
    }
    return v->present ? (size_t)v->i : count;
}

size_t vch_conf_count(const struct vch_conf_node *n, const char *key)
{
    return find_type(n, key, 1u << VCH_CONF_STRINGS | 1u << VCH_CONF_SECTIONS)->count;
}

const char *vch_conf_text_at(const struct vch_conf_node *n, const char *key, size_t idx)
{
    const struct value *v = find_type(n, key, 1u << VCH_CONF_STRINGS);

    VCH_ASSERT(idx < v->count);
    return v->texts[idx];
}

const struct vch_conf_node *vch_conf_at(const struct vch_conf_node *n, const char *key, size_t idx)
{
    const struct value *v = find_type(n, key, 1u << VCH_CONF_SECTIONS);

    VCH_ASSERT(idx < v->count);
    return v->nodes[idx];
}

const struct vch_conf_node *vch_conf_section(const struct vch_conf_node *n, const char *key)
{
    const struct value *v = find_type(n, key, 1u << VCH_CONF_SECTION);

    return v->present ? v->nodes[0] : NULL;
}

vch_err vch_conf_where(const struct vch_conf_node *n, const char *key, struct vch_buf *out)
{
    const struct vch_conf_option *opt;
    const struct value *v = find(n, key, &opt);

    return v->line == 0 ? vch_buf_text(out, "default")
                        : vch_buf_printf(out, "%s:%u", n->conf->name, v->line);
}
