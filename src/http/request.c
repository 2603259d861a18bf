/* What a handler asks of its request. */
#include "internal.h"

const char *vch_http_method_name(enum vch_http_method m)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

    return (size_t)m < VCH_ARRAY_LEN(names) ? names[m] : "?";
}

const char *vch_http_param(const struct vch_http_request *rq, const char *name)
{
    const struct exchange *ex = (const struct exchange *)rq;

    for (size_t i = 0; i < ex->param_count; i++) {
        if (strcmp(ex->params[i].name, name) == 0) {
            return ex->params[i].value;
        }
    }
    return NULL;
}

const char *vch_http_query(const struct vch_http_request *rq, const char *name)
{
    const struct exchange *ex = (const struct exchange *)rq;

    for (size_t i = 0; i < ex->target.query_count; i++) {
        if (strcmp(ex->target.query[i].name, name) == 0) {
            return ex->target.query[i].value;
        }
    }
    return NULL;
}

bool vch_http_query_at(const struct vch_http_request *rq, size_t idx, const char **ret_name,
                       const char **ret_value)
{
    const struct exchange *ex = (const struct exchange *)rq;

    if (idx >= ex->target.query_count) {
        return false;
    }
    *ret_name = ex->target.query[idx].name;
    *ret_value = ex->target.query[idx].value;
    return true;
}

const char *vch_http_header(const struct vch_http_request *rq, const char *name)
{
    const struct exchange *ex = (const struct exchange *)rq;

    return MHD_lookup_connection_value(ex->mhd, MHD_HEADER_KIND, name);
}

vch_err vch_http_accept(const struct vch_http_request *rq, const char *const *offered, size_t n,
                        size_t *ret_index)
{
    return vch_http_media_pick(vch_http_header(rq, "Accept"), offered, n, ret_index);
}
