#include "uri.h"

#include <vouch/base/buf.h>
#include <vouch/base/text.h>

/* Decodes the N bytes at IN to *OUT, NUL-terminated, and moves *OUT behind. With PLUS a '+' is a
 * space (query). */
static vch_err decode(const char *in, size_t n, bool plus, char **out, bool *ret_slash)
{
    char *start = *out;
    char *o = start;

    *ret_slash = false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)in[i];

        if (c == '%') {
            struct vch_bytes got;

            VCH_CHECK(n - i > 2, HTTP_URI);
            if (!vch_ok(vch_hex_decode(vch_bytes(in + i + 1, 2), vch_span(&c, 1), &got))) {
                return VCH_E(HTTP_URI);
            }
            i += 2;
            *ret_slash |= c == '/';
        } else if (plus && c == '+') {
            c = ' ';
        }
        VCH_CHECK(c >= 0x20 && c != 0x7f, HTTP_URI);
        *o++ = (char)c;
    }
    VCH_CHECK(vch_utf8_check(vch_bytes(start, (size_t)(o - start))), HTTP_URI);
    *o++ = 0;
    *out = o;
    return VCH_OK;
}

static vch_err parse_query(const char *q, char *out, struct vch_http_target *ret)
{
    bool slash;

    while (*q != 0) {
        size_t n = strcspn(q, "&");
        size_t name_n = strcspn(q, "=&");
        struct vch_http_pair *pair = &ret->query[ret->query_count];

        if (n > 0) {
            VCH_CHECK(ret->query_count < VCH_HTTP_QUERY_MAX, HTTP_URI);
            pair->name = out;
            VCH_TRY(decode(q, name_n, true, &out, &slash));
            pair->value = out;
            if (name_n < n) {
                VCH_TRY(decode(q + name_n + 1, n - name_n - 1, true, &out, &slash));
            } else {
                pair->value = out - 1; /* the NUL of the name: empty */
            }
            ret->query_count++;
        }
        q += n + (q[n] == '&');
    }
    return VCH_OK;
}

vch_err vch_http_target_parse(const char *raw, struct vch_span room, struct vch_http_target *ret)
{
    char *out = (char *)room.p;
    const char *s = raw;

    VCH_ASSERT(room.cap >= strlen(raw) + 2);
    VCH_CHECK(raw[0] == '/', HTTP_URI);
    ret->segment_count = ret->query_count = 0;
    while (*s == '/') {
        size_t n = strcspn(s + 1, "/?");
        size_t i = ret->segment_count;

        VCH_CHECK(i < VCH_HTTP_SEGMENTS_MAX, HTTP_URI);
        ret->segments[i] = out;
        VCH_TRY(decode(s + 1, n, false, &out, &ret->slash[i]));
        VCH_CHECK(strcmp(ret->segments[i], ".") != 0 && strcmp(ret->segments[i], "..") != 0,
                  HTTP_URI);
        ret->segment_count++;
        s += n + 1;
    }
    return *s == '?' ? parse_query(s + 1, out, ret) : VCH_OK;
}

static vch_err compile_segment(struct vch_http_pattern *p, char *seg, bool last)
{
    size_t n = strlen(seg);
    size_t i = p->count;

    VCH_CHECK(!p->rest && i < VCH_HTTP_SEGMENTS_MAX, HTTP_OPTIONS);
    if (seg[0] == '{') {
        VCH_CHECK(n > 2 && seg[n - 1] == '}', HTTP_OPTIONS);
        seg[--n] = 0;
        seg++;
        n--;
        if (seg[n - 1] == '*') {
            VCH_CHECK(last && n > 1, HTTP_OPTIONS);
            seg[n - 1] = 0;
            p->rest = true;
        }
        p->segments[i].param = true;
    }
    VCH_CHECK(strpbrk(seg, "{}*?#%") == NULL, HTTP_OPTIONS);
    p->segments[i].text = seg;
    p->count++;
    return VCH_OK;
}

vch_err vch_http_pattern_compile(const char *pattern, struct vch_http_pattern *ret)
{
    struct vch_http_pattern p = {0};
    size_t params = 0;
    vch_err e = VCH_OK;
    char *seg;

    VCH_CHECK(pattern != NULL && pattern[0] == '/', HTTP_OPTIONS);
    p.text = vch_mem_text(vch_text(pattern));
    for (seg = p.text + 1; seg != NULL && vch_ok(e);) {
        char *slash = strchr(seg, '/');

        if (slash != NULL) {
            *slash = 0;
        }
        e = compile_segment(&p, seg, slash == NULL);
        params += vch_ok(e) && p.segments[p.count - 1].param;
        seg = slash == NULL ? NULL : slash + 1;
    }
    if (vch_ok(e) && params > VCH_HTTP_PARAMS_MAX) {
        e = VCH_E(HTTP_OPTIONS);
    }
    if (!vch_ok(e)) {
        vch_mem_free(p.text);
        return e;
    }
    *ret = p;
    return VCH_OK;
}

void vch_http_pattern_fini(struct vch_http_pattern *p)
{
    vch_mem_free(p->text);
    p->text = NULL;
}

/* The segments from FROM on, joined by '/'; false if one holds a decoded slash, which would make
 * the result ambiguous. */
static bool join(const struct vch_http_target *t, size_t from, struct vch_span room)
{
    size_t at = 0;

    for (size_t i = from; i < t->segment_count; i++) {
        size_t n = strlen(t->segments[i]);

        if (t->slash[i]) {
            return false;
        }
        VCH_ASSERT(at + n + 2 <= room.cap);
        if (i > from) {
            room.p[at++] = '/';
        }
        memcpy(room.p + at, t->segments[i], n);
        at += n;
    }
    room.p[at] = 0;
    return true;
}

bool vch_http_pattern_match(const struct vch_http_pattern *p, const struct vch_http_target *target,
                            struct vch_span rest, struct vch_http_pair *ret, size_t *ret_count)
{
    size_t n = 0;

    if (p->rest ? target->segment_count < p->count : target->segment_count != p->count) {
        return false;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (!p->segments[i].param) {
            if (strcmp(p->segments[i].text, target->segments[i]) != 0) {
                return false;
            }
            continue;
        }
        ret[n].name = p->segments[i].text;
        ret[n].value = target->segments[i];
        if (p->rest && i + 1 == p->count) {
            if (!join(target, i, rest)) {
                return false;
            }
            ret[n].value = (const char *)rest.p;
        } else if (target->segments[i][0] == 0) {
            return false;
        }
        n++;
    }
    *ret_count = n;
    return true;
}

int vch_http_pattern_cmp(const struct vch_http_pattern *a, const struct vch_http_pattern *b)
{
    size_t n = a->count < b->count ? a->count : b->count;

    if (a->rest != b->rest) {
        return a->rest ? 1 : -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (a->segments[i].param != b->segments[i].param) {
            return a->segments[i].param ? 1 : -1;
        }
    }
    return a->count == b->count ? 0 : a->count > b->count ? -1 : 1;
}
