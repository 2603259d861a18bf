/* Media types and Accept headers. Pure functions over texts. */
#ifndef VCH_HTTP_MEDIA_H
#define VCH_HTTP_MEDIA_H

#include <vouch/base/bytes.h>

#define VCH_HTTP_MEDIA_MAX 96

/* Copies the type of a Content-Type value, lower case, without parameters; "" if it is absent,
 * malformed or longer than the room. */
void vch_http_media_of(const char *value, char out[VCH_HTTP_MEDIA_MAX]);

/* Is MEDIA (as above) in the comma-separated LIST? */
bool vch_http_media_listed(const char *list, const char *media);

/* Which of the N types OFFERED the Accept header value ACCEPT (NULL: any) likes best; among equals
 * the first. Errors: HTTP_NOT_ACCEPTABLE. */
VCH_CHECKED vch_err vch_http_media_pick(const char *accept, const char *const *offered, size_t n,
                                        size_t *ret);

#endif
