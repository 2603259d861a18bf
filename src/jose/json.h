/* What the files of this module share about JSON. */
#ifndef VCH_JOSE_JSON_H
#define VCH_JOSE_JSON_H

#include <jansson.h>

#include <vouch/base/buf.h>

/* One JSON object, no member twice. Errors: JSON_SYNTAX. */
VCH_CHECKED vch_err vch_jose_json(struct vch_bytes text, json_t **ret);
/* Finisher for VCH_AUTO. */
void vch_jose_decref(json_t **j);
/* Compact text of J appended to OUT. Errors: LIMIT. */
VCH_CHECKED vch_err vch_jose_dump(const json_t *j, struct vch_buf *out);

#endif
