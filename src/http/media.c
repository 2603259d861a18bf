#include "media.h"

#include <stdlib.h>
#include <strings.h>

static const char blanks[] = " \t";
/* Characters of a token, RFC 9110 section 5.6.2, and the slash. */
static const char type_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~/";

void vch_http_media_of(const char *value, char out[VCH_HTTP_MEDIA_MAX])
{
    size_t n = 0;

    out[0] = 0;
    if (value == NULL) {
        return;
    }
    value += strspn(value, blanks);
    while (value[n] != 0 && strchr("; \t", value[n]) == NULL) {
        char c = value[n];

        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (n + 1 >= VCH_HTTP_MEDIA_MAX || strchr(type_chars, c) == NULL) {
            out[0] = 0;
            return;
        }
        out[n++] = c;
    }
    out[n] = 0;
    if (strchr(out, '/') == NULL) {
        out[0] = 0;
    }
}

bool vch_http_media_listed(const char *list, const char *media)
{
    size_t n = strlen(media);

    while (n > 0 && *list != 0) {
        size_t len;

        list += strspn(list, ", \t");
        len = strcspn(list, ", \t");
        if (len == n && strncasecmp(list, media, n) == 0) {
            return true;
        }
        list += len;
    }
    return false;
}

/* How closely the range of N bytes at R names TYPE: 0 not at all, 1 by "*" and "/" and "*", 2 by
 * its first half, 3 wholly. */
static int range_fits(const char *r, size_t n, const char *type)
{
    size_t half = strcspn(type, "/") + 1;

    if (n == 3 && memcmp(r, "*/*", 3) == 0) {
        return 1;
    }
    if (n == half + 1 && r[n - 1] == '*' && strncasecmp(r, type, half) == 0) {
        return 2;
    }
    return n == strlen(type) && strncasecmp(r, type, n) == 0 ? 3 : 0;
}

/* The q parameter, in thousandths, of the parameters at P, which end at END; 1000 without one, 0 if
 * malformed. */
static int quality(const char *p, const char *end)
{
    while (p < end) {
        p += strspn(p, "; \t");
        if (p + 2 < end && (*p == 'q' || *p == 'Q') && p[1] == '=') {
            int q = 0, unit = 1000;

            for (p += 2; p < end && strchr("; \t", *p) == NULL; p++) {
                if (*p == '.' && unit == 100) {
                    continue;
                }
                if (*p < '0' || *p > '9' || unit == 0) {
                    return 0;
                }
                q += unit * (*p - '0');
                unit /= 10;
            }
            return q > 1000 ? 0 : q;
        }
        while (p < end && *p != ';') {
            p++;
        }
    }
    return 1000;
}

/* The quality that ACCEPT gives TYPE: that of the closest range. */
static int quality_of(const char *accept, const char *type)
{
    int best_fit = 0, q = 0;

    while (*accept != 0) {
        const char *end;
        size_t n;
        int fit;

        accept += strspn(accept, ", \t");
        end = accept + strcspn(accept, ",");
        n = strcspn(accept, ",; \t");
        fit = range_fits(accept, n, type);
        if (fit > best_fit) {
            best_fit = fit;
            q = quality(accept + n, end);
        }
        accept = end;
    }
    return q;
}

vch_err vch_http_media_pick(const char *accept, const char *const *offered, size_t n, size_t *ret)
{
    int best = 0;
    size_t idx = 0;

    VCH_CHECK(n > 0, HTTP_NOT_ACCEPTABLE);
    if (accept == NULL || accept[strspn(accept, blanks)] == 0) {
        *ret = 0;
        return VCH_OK;
    }
    for (size_t i = 0; i < n; i++) {
        int q = quality_of(accept, offered[i]);

        if (q > best) {
            best = q;
            idx = i;
        }
    }
    VCH_CHECK(best > 0, HTTP_NOT_ACCEPTABLE);
    *ret = idx;
    return VCH_OK;
}
