#include "cli_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *color(const char *code)
{
    return vch_cli.color ? code : "";
}

const char *vch_cli_green(void)
{
    return color("\033[32m");
}

const char *vch_cli_red(void)
{
    return color("\033[31m");
}

const char *vch_cli_yellow(void)
{
    return color("\033[33m");
}

const char *vch_cli_bold(void)
{
    return color("\033[1m");
}

const char *vch_cli_dim(void)
{
    return color("\033[2m");
}

const char *vch_cli_reset(void)
{
    return color("\033[0m");
}

vch_err vch_cli_json_string(struct vch_buf *b, struct vch_bytes text)
{
    VCH_TRY(vch_buf_text(b, "\""));
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];

        if (c == '"' || c == '\\') {
            VCH_TRY(vch_buf_printf(b, "\\%c", c));
        } else if (c < 0x20 || c == 0x7f) {
            VCH_TRY(vch_buf_printf(b, "\\u%04x", c));
        } else {
            VCH_TRY(vch_buf_append(b, vch_bytes(&text.p[i], 1)));
        }
    }
    return vch_buf_text(b, "\"");
}

/* One member of the JSON error object; empty texts are left out. */
static void json_member(struct vch_buf *b, const char *name, const char *value)
{
    if (value != NULL && value[0] != 0) {
        vch_ignore(vch_buf_printf(b, ",\"%s\":", name));
        vch_ignore(vch_cli_json_string(b, vch_text(value)));
    }
}

int vch_cli_fail(vch_err e, const char *what, const char *detail)
{
    const struct vch_err_info *info = vch_err_info(e);

    if (vch_cli.json) {
        VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(65536);
        const char *text = "";

        vch_ignore(
            vch_buf_printf(&b, "{\"error\":\"%s\",\"title\":\"%s\"", info->slug, info->text));
        json_member(&b, "what", what);
        json_member(&b, "detail", detail);
        json_member(&b, "cause", info->cause);
        json_member(&b, "remedy", info->remedy);
        vch_ignore(vch_buf_text(&b, "}"));
        vch_ignore(vch_buf_cstr(&b, &text));
        fprintf(stderr, "%s\n", text);
        return info->exit;
    }
    fprintf(stderr, "%s: %s%s%s%s%s [%s]\n", vch_cli.program, what != NULL ? what : "",
            what != NULL ? ": " : "", info->text, detail != NULL ? ": " : "",
            detail != NULL ? detail : "", info->slug);
    if (info->cause[0] != 0) {
        fprintf(stderr, "  cause:  %s\n  remedy: %s\n", info->cause, info->remedy);
    }
    return info->exit;
}

int vch_cli_usage(const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (vch_cli.json) {
        VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(65536);
        const char *json = "";

        vch_ignore(vch_buf_text(&b, "{\"error\":\"usage\""));
        json_member(&b, "title", text);
        vch_ignore(vch_buf_printf(&b, ",\"remedy\":\"%s --help\"}", vch_cli.program));
        vch_ignore(vch_buf_cstr(&b, &json));
        fprintf(stderr, "%s\n", json);
        return VCH_EXIT_USAGE;
    }
    fprintf(stderr, "%s: %s\nTry '%s --help'.\n", vch_cli.program, text, vch_cli.program);
    return VCH_EXIT_USAGE;
}

static int64_t mono_ms(void)
{
    struct timespec ts = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void vch_cli_progress_init(struct vch_cli_progress *p, const char *what, uint64_t total)
{
    p->what = what;
    p->total = total;
    atomic_init(&p->done, 0);
    p->begun_ms = mono_ms();
    p->shown_ms = p->begun_ms;
    p->on = isatty(STDERR_FILENO) == 1 && !vch_cli.quiet && !vch_cli.json;
}

void vch_cli_progress_add(struct vch_cli_progress *p, uint64_t n)
{
    atomic_fetch_add_explicit(&p->done, n, memory_order_relaxed);
}

void vch_cli_progress_show(struct vch_cli_progress *p)
{
    unsigned long long done = atomic_load_explicit(&p->done, memory_order_relaxed);
    int64_t now = mono_ms();
    int64_t rate = (int64_t)done * 1000 / (now > p->begun_ms ? now - p->begun_ms : 1);

    if (!p->on || now - p->shown_ms < 100) {
        return;
    }
    p->shown_ms = now;
    if (p->total != 0) {
        fprintf(stderr, "\r\033[K%s %3llu %% (%llu of %llu, %lld/s)", p->what,
                done * 100 / p->total, done, (unsigned long long)p->total, (long long)rate);
    } else {
        fprintf(stderr, "\r\033[K%s %llu (%lld/s)", p->what, done, (long long)rate);
    }
}

void vch_cli_progress_fini(struct vch_cli_progress *p)
{
    if (p->on && p->shown_ms != p->begun_ms) {
        fprintf(stderr, "\r\033[K");
    }
}
