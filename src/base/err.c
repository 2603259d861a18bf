#include <vouch/base/err.h>

#include <string.h>

static const struct vch_err_info table[] = {
#define VCH_ERROR(name, slug, kind, number, http, exit, text, cause, remedy)                       \
    {slug, text, cause, remedy, VCH_E_##name##_CODE, http, exit},
#include <vouch/base/errors.def>
#undef VCH_ERROR
};

static const char *const names[] = {
#define VCH_ERROR(name, slug, kind, number, http, exit, text, cause, remedy) #name,
#include <vouch/base/errors.def>
#undef VCH_ERROR
};

static const struct vch_err_info info_ok = {"ok", "done", "", "", 0, 200, 0};
static const struct vch_err_info info_unknown = {
    "unknown",
    "an error without a row in the table",
    "a defect in this program",
    "report it with the version and the command that shows it",
    UINT32_MAX,
    500,
    70};

const struct vch_err_info *vch_err_info(vch_err e)
{
    if (vch_ok(e)) {
        return &info_ok;
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(table); i++) {
        if (table[i].code == e.code) {
            return &table[i];
        }
    }
    return &info_unknown;
}

const struct vch_err_info *vch_err_at(size_t idx)
{
    return idx < VCH_ARRAY_LEN(table) ? &table[idx] : NULL;
}

const struct vch_err_info *vch_err_find(const char *text)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(table); i++) {
        if (strcmp(table[i].slug, text) == 0 || strcmp(names[i], text) == 0) {
            return &table[i];
        }
    }
    return NULL;
}
