/* Scalars: texts of a file to values and back. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

#include <vouch/base/text.h>

#include "near.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first: printing takes the first that divides. */
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {
    {"TiB", INT64_C(1) << 40},      {"GiB", 1 << 30},   {"MiB", 1 << 20}, {"KiB", 1 << 10},
    {"TB", INT64_C(1000000000000)}, {"GB", 1000000000}, {"MB", 1000000},  {"kB", 1000}};

const char *vch_conf_type_name(enum vch_conf_type type)
{
    static const char *const names[] = {"string",  "boolean",         "integer", "duration",
                                        "size",    "one of",          "path",    "list of strings",
                                        "section", "list of sections"};

    return names[type];
}

static VCH_PRINTF(2, 3) vch_err because(struct reason *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(r->text, sizeof(r->text), fmt, ap);
    va_end(ap);
    return VCH_E(CONF_VALUE);
}

static void units_of(enum vch_conf_type type, const struct unit **ret, size_t *ret_count)
{
    *ret = type == VCH_CONF_DURATION ? durations : sizes;
    *ret_count = type == VCH_CONF_DURATION ? VCH_ARRAY_LEN(durations)
                 : type == VCH_CONF_SIZE   ? VCH_ARRAY_LEN(sizes)
                                           : 0;
}

vch_err vch_conf_number_print(enum vch_conf_type type, int64_t n, struct vch_buf *out)
{
    const struct unit *u;
    size_t count;

    units_of(type, &u, &count);
    for (size_t i = 0; i < count && n != 0; i++) {
        /* decimal sizes only when they are the shorter way */
        if (n % u[i].factor == 0) {
            return vch_buf_printf(out, "%lld%s", (long long)(n / u[i].factor), u[i].name);
        }
    }
    return vch_buf_printf(out, "%lld", (long long)n);
}

static const char *example(enum vch_conf_type type)
{
    return type == VCH_CONF_DURATION ? "a number with ms, s, m, h or d, such as 30s"
           : type == VCH_CONF_SIZE
               ? "a number of bytes, or with KiB, MiB, GiB, kB, MB or GB, such as 4MiB"
               : "a whole number";
}

/* The number TEXT, without its bounds. */
static bool number(enum vch_conf_type type, const char *text, int64_t *ret)
{
    bool minus = type == VCH_CONF_INT && text[0] == '-';
    const char *digits = text + minus;
    size_t n = strspn(digits, "0123456789");
    const struct unit *u;
    size_t count;
    uint64_t v;

    if (n == 0 || (n > 1 && digits[0] == '0') ||
        !vch_ok(vch_u64_parse(vch_bytes(digits, n), INT64_MAX, &v))) {
        return false;
    }
    *ret = minus ? -(int64_t)v : (int64_t)v;
    if (digits[n] == 0) {
        return type != VCH_CONF_DURATION || v == 0;
    }
    units_of(type, &u, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(digits + n, u[i].name) == 0) {
            return !__builtin_mul_overflow(*ret, u[i].factor, ret);
        }
    }
    return false;
}

static vch_err parse_number(const struct vch_conf_option *opt, const char *text, int64_t *ret,
                            struct reason *why)
{
    int64_t min = opt->min, max = opt->max, v;

    if (min == 0 && max == 0) {
        min = opt->type == VCH_CONF_INT ? INT64_MIN : 0;
        max = INT64_MAX;
    }
    if (!number(opt->type, text, &v)) {
        return because(why, "must be %s, is \"%.60s\"", example(opt->type), text);
    }
    if (v < min || v > max) {
        struct vch_buf b = vch_buf_init(200);
        const char *bounds = "";

        vch_ignore(vch_conf_number_print(opt->type, min, &b));
        vch_ignore(vch_buf_text(&b, " to "));
        vch_ignore(vch_conf_number_print(opt->type, max, &b));
        vch_ignore(vch_buf_cstr(&b, &bounds));
        (void)because(why, "must be from %s, is %.60s", bounds, text);
        vch_buf_fini(&b);
        return VCH_E(CONF_VALUE);
    }
    *ret = v;
    return VCH_OK;
}

static vch_err parse_choice(const struct vch_conf_option *opt, const char *text, struct value *v,
                            struct reason *why)
{
    struct vch_buf list = vch_buf_init(160);
    const char *near = NULL, *names = "";
    unsigned best = UINT32_MAX, d;

    for (size_t i = 0; opt->choices[i] != NULL; i++) {
        if (strcmp(opt->choices[i], text) == 0) {
            v->i = (int64_t)i;
            v->text = vch_mem_text(vch_text(text));
            vch_buf_fini(&list);
            return VCH_OK;
        }
        if (vch_conf_near(vch_text(text), vch_text(opt->choices[i]), &d) && d < best) {
            best = d;
            near = opt->choices[i];
        }
        vch_ignore(vch_buf_printf(&list, "%s%s", i == 0 ? "" : ", ", opt->choices[i]));
    }
    vch_ignore(vch_buf_cstr(&list, &names));
    (void)because(why, "must be one of %s; is \"%.40s\"%s%s%s", names, text,
                  near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                  near != NULL ? "\"?" : "");
    vch_buf_fini(&list);
    return VCH_E(CONF_VALUE);
}

static vch_err parse_path(const char *text, const char *dir, struct value *v, struct reason *why)
{
    struct vch_buf b = vch_buf_init(2 * TEXT_MAX);
    vch_err e;

    if (text[0] == 0) {
        return because(why, "must be a path, is empty");
    }
    e = text[0] == '/' || dir[0] == 0 ? vch_buf_text(&b, text)
                                      : vch_buf_printf(&b, "%s/%s", dir, text);
    if (vch_ok(e)) {
        v->text = vch_mem_text(vch_buf_get(&b));
    }
    vch_buf_fini(&b);
    return vch_ok(e) ? VCH_OK : because(why, "is too long");
}

static bool has_control(const char *text)
{
    for (; *text != 0; text++) {
        if ((uint8_t)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

vch_err vch_conf_value_parse(const struct vch_conf_option *opt, const char *text, bool plain,
                             const char *dir, struct value *ret, struct reason *reterr)
{
    if (has_control(text)) {
        return because(reterr, "has control characters or more than one line");
    }
    switch (opt->type) {
    case VCH_CONF_STRING:
    case VCH_CONF_STRINGS: /* one element */
        ret->text = vch_mem_text(vch_text(text));
        return VCH_OK;
    case VCH_CONF_BOOL:
        if (!plain || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)) {
            return because(reterr, "must be true or false, is \"%.60s\"", text);
        }
        ret->b = text[0] == 't';
        return VCH_OK;
    case VCH_CONF_INT:
    case VCH_CONF_DURATION:
    case VCH_CONF_SIZE:
        return parse_number(opt, text, &ret->i, reterr);
    case VCH_CONF_ENUM:
        return parse_choice(opt, text, ret, reterr);
    case VCH_CONF_PATH:
        return parse_path(text, dir, ret, reterr);
    default:
        return because(reterr, "must be a %s", vch_conf_type_name(opt->type));
    }
}

void vch_conf_value_fini(struct value *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->texts != NULL) {
            vch_mem_free(v->texts[i]);
        }
        if (v->nodes != NULL) {
            vch_conf_node_free(v->nodes[i]);
        }
    }
    vch_mem_free(v->texts);
    vch_mem_free(v->nodes);
    vch_mem_free(v->text);
    *v = (struct value){0};
}

/* ---- back to text */

/* Would TEXT, written plainly, be read as this very text by any YAML reader? */
static bool plain_safe(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "null",
                                        "True", "False", "Yes", "No", "On", "Off", "Null",
                                        "TRUE", "FALSE", "YES", "NO", "ON", "OFF", "NULL",
                                        "y",    "n",     "Y",   "N"};
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.:+@-";
    size_t n = strlen(text);

    for (size_t i = 0; i < VCH_ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            return false;
        }
    }
    return n > 0 && text[strspn(text, safe)] == 0 && strchr("-+.:@0123456789", text[0]) == NULL &&
           text[n - 1] != ':';
}

vch_err vch_conf_quote(const char *text, struct vch_buf *out)
{
    if (plain_safe(text)) {
        return vch_buf_text(out, text);
    }
    VCH_TRY(vch_buf_text(out, "\""));
    for (; *text != 0; text++) {
        VCH_TRY(vch_buf_printf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text));
    }
    return vch_buf_text(out, "\"");
}

vch_err vch_conf_value_print(const struct vch_conf_option *opt, const struct value *v,
                             struct vch_buf *out)
{
    switch (opt->type) {
    case VCH_CONF_BOOL:
        return vch_buf_text(out, v->b ? "true" : "false");
    case VCH_CONF_INT:
    case VCH_CONF_DURATION:
    case VCH_CONF_SIZE:
        return vch_conf_number_print(opt->type, v->i, out);
    default:
        return vch_conf_quote(v->text, out);
    }
}
