#include "json.h"

vch_err vch_jose_json(struct vch_bytes text, json_t **ret)
{
    json_error_t where;
    json_t *j =
        json_loadb(text.n == 0 ? "" : (const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &where);

    if (!json_is_object(j)) {
        json_decref(j);
        return VCH_E(JSON_SYNTAX);
    }
    *ret = j;
    return VCH_OK;
}

void vch_jose_decref(json_t **j)
{
    json_decref(*j);
    *j = NULL;
}

static int append(const char *p, size_t n, void *out)
{
    return vch_ok(vch_buf_append(out, vch_bytes(p, n))) ? 0 : -1;
}

vch_err vch_jose_dump(const json_t *j, struct vch_buf *out)
{
    size_t before = out->n;

    if (json_dump_callback(j, append, out, JSON_COMPACT) != 0) {
        out->n = before;
        return VCH_E(LIMIT);
    }
    return VCH_OK;
}
