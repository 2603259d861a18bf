/* Building one line of a log: fields to text, everything escaped. */
#ifndef VCH_OBS_LINE_H
#define VCH_OBS_LINE_H

#include <vouch/obs/log.h>

/* Makes tags of personal values. */
struct vch_tagger {
    const struct vch_crypto *crypto; /* NULL: every value is "pii:hidden" */
    uint8_t key[64];
    size_t key_n;
};
/* Errors: OBS_KEY (1 to 15 bytes, or over 64). */
VCH_CHECKED vch_err vch_tagger_init(struct vch_tagger *t, const struct vch_crypto *crypto,
                                    struct vch_bytes key);
void vch_tagger_fini(struct vch_tagger *t);
#define VCH_TAG_ROOM 24
const char *vch_tagger_tag(const struct vch_tagger *t, struct vch_bytes value,
                           char out[VCH_TAG_ROOM]);

/* TEXT between quotes: control characters (also of the upper half), the separators and direction
 * marks of Unicode, quote and backslash as JSON escapes; bytes that are not UTF-8 as U+FFFD. */
VCH_CHECKED vch_err vch_line_quote(struct vch_buf *out, struct vch_bytes text);

/* The fields, each with its separator in front. N may be SIZE_MAX: up to the first without key. A
 * field that no longer fits is left out, and RET_CUT set. */
void vch_line_fields(struct vch_buf *out, enum vch_log_form form, const struct vch_tagger *tagger,
                     const struct vch_field *fields, size_t n, bool *ret_cut);

#endif
