/* Geographic restrictions: can a verifier evaluate them? */
#include "edi_int.h"

#define AREAS_MAX 16

static bool number_within(const json_t *o, const char *name, double low, double high)
{
    const json_t *v = json_object_get(o, name);
    double d = json_number_value(v);

    return json_is_number(v) && d >= low && d <= high;
}

static bool point(const json_t *o)
{
    return number_within(o, "latitude", -90, 90) && number_within(o, "longitude", -180, 180);
}

static bool countries(const json_t *list)
{
    json_t *item;
    size_t i;

    if (json_array_size(list) == 0) {
        return false;
    }
    json_array_foreach(list, i, item)
    {
        const char *s = json_string_value(item);

        if (s == NULL || strlen(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z') {
            return false;
        }
    }
    return true;
}

static bool polygon(const json_t *list)
{
    json_t *item;
    size_t i;

    if (json_array_size(list) < 3) {
        return false;
    }
    json_array_foreach(list, i, item)
    {
        if (!point(item)) {
            return false;
        }
    }
    return true;
}

static bool one(const json_t *area)
{
    const char *type = json_string_value(json_object_get(area, "areaType"));

    if (type == NULL) {
        return false;
    }
    if (strcmp(type, "CIRCLE") == 0) {
        return point(json_object_get(area, "center")) && number_within(area, "radius", 1, 20100000);
    }
    if (strcmp(type, "POLYGON") == 0) {
        return polygon(json_object_get(area, "boundary"));
    }
    return strcmp(type, "COUNTRIES") == 0 && countries(json_object_get(area, "countries"));
}

vch_err vch_edi_area_check(const json_t *area)
{
    json_t *item;
    size_t i;

    if (!json_is_array(area)) {
        return one(area) ? VCH_OK : VCH_E(EDI_CONTRADICTION);
    }
    VCH_CHECK(json_array_size(area) > 0 && json_array_size(area) <= AREAS_MAX, EDI_CONTRADICTION);
    json_array_foreach(area, i, item)
    {
        VCH_CHECK(one(item), EDI_CONTRADICTION);
    }
    return VCH_OK;
}
