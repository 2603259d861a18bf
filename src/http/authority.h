/* Scheme, host and port of a URL. */
#ifndef VCH_HTTP_AUTHORITY_H
#define VCH_HTTP_AUTHORITY_H

#include <vouch/base/bytes.h>

struct vch_http_authority {
    bool https;
    char host[256]; /* lower case, IPv6 in brackets */
    uint16_t port;
};

/* Of an absolute http or https URL without user information.
 * Errors: HTTP_OPTIONS. */
VCH_CHECKED vch_err vch_http_authority_parse(const char *url, struct vch_http_authority *ret);
bool vch_http_authority_equal(const struct vch_http_authority *a,
                              const struct vch_http_authority *b);
/* A loopback address or "localhost"? */
bool vch_http_authority_local(const struct vch_http_authority *a);

#endif
