/* Request targets and route patterns. Pure functions over texts. */
#ifndef VCH_HTTP_URI_H
#define VCH_HTTP_URI_H

#include <vouch/base/bytes.h>

#define VCH_HTTP_SEGMENTS_MAX 24
#define VCH_HTTP_QUERY_MAX    64
#define VCH_HTTP_PARAMS_MAX   8

struct vch_http_pair {
    const char *name;
    const char *value;
};

/* A request target taken apart: decoded segments of its path and decoded query parameters. The
 * texts lie in the room that the parser was given. */
struct vch_http_target {
    const char *segments[VCH_HTTP_SEGMENTS_MAX]; /* "/a/b" is two; "/" is one empty one */
    bool slash[VCH_HTTP_SEGMENTS_MAX];           /* the segment holds a decoded '/' */
    size_t segment_count;
    struct vch_http_pair query[VCH_HTTP_QUERY_MAX];
    size_t query_count;
};

/* Takes RAW ("/path?query") apart. ROOM holds RAW's length + 2 bytes or more. Errors: HTTP_URI
 * (does not begin with '/', bad percent encoding, control characters, not UTF-8, dot segments, too
 * many parts). */
VCH_CHECKED vch_err vch_http_target_parse(const char *raw, struct vch_span room,
                                          struct vch_http_target *ret);

/* A compiled route pattern. */
struct vch_http_pattern {
    char *text; /* segments, each ended by NUL */
    struct {
        const char *text; /* literal, or name of the parameter */
        bool param;
    } segments[VCH_HTTP_SEGMENTS_MAX];
    size_t count;
    bool rest; /* the last parameter takes all remaining segments */
};

/* Errors: HTTP_OPTIONS (malformed). */
VCH_CHECKED vch_err vch_http_pattern_compile(const char *pattern, struct vch_http_pattern *ret);
void vch_http_pattern_fini(struct vch_http_pattern *p);

/* Does TARGET match? Parameters go to RET (room for VCH_HTTP_PARAMS_MAX); the value of a rest
 * parameter is the slash-joined segments, written to REST (as long as the raw target). */
bool vch_http_pattern_match(const struct vch_http_pattern *p, const struct vch_http_target *target,
                            struct vch_span rest, struct vch_http_pair *ret, size_t *ret_count);
/* Order in which patterns are tried: negative if A is more specific. */
int vch_http_pattern_cmp(const struct vch_http_pattern *a, const struct vch_http_pattern *b);

#endif
