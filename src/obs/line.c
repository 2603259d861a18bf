#include "line.h"

#include <math.h>
#include <stdio.h>

#define HEX_MAX 64

vch_err vch_tagger_init(struct vch_tagger *t, const struct vch_crypto *crypto, struct vch_bytes key)
{
    *t = (struct vch_tagger){0};
    if (crypto == NULL || key.n == 0) {
        return VCH_OK;
    }
    VCH_CHECK(key.n >= 16 && key.n <= sizeof(t->key), OBS_KEY);
    t->crypto = crypto;
    memcpy(t->key, key.p, key.n);
    t->key_n = key.n;
    return VCH_OK;
}

void vch_tagger_fini(struct vch_tagger *t)
{
    vch_wipe(t, sizeof(*t));
}

const char *vch_tagger_tag(const struct vch_tagger *t, struct vch_bytes value,
                           char out[VCH_TAG_ROOM])
{
    struct vch_hash mac;

    memcpy(out, "pii:hidden", 11);
    if (t->crypto != NULL) {
        vch_hmac_sha256(t->crypto, vch_bytes(t->key, t->key_n), &value, 1, &mac);
        (void)vch_hex_encode(vch_bytes(mac.b, 8), vch_span(out + 4, VCH_TAG_ROOM - 4));
    }
    return out;
}

/* The code point at TEXT's start and its length; U+FFFD of one byte where it is not UTF-8. */
static uint32_t take(struct vch_bytes text, size_t *ret_n)
{
    const uint8_t *p = text.p;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    *ret_n = 1;
    if (n > text.n || !vch_utf8_check(vch_bytes(p, n))) {
        return 0xfffd;
    }
    *ret_n = n;
    switch (n) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    case 3:
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    default:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    }
}

/* Would it end a line or steer a terminal or the order of the characters shown? */
static bool steers(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e || cp == 0x200f || cp == 0x061c ||
           cp == 0xfeff;
}

vch_err vch_line_quote(struct vch_buf *out, struct vch_bytes text)
{
    size_t i = 0, n, clean = 0; /* from CLEAN to I nothing needs escaping */

    VCH_TRY(vch_buf_text(out, "\""));
    while (i < text.n) {
        uint32_t cp = take(vch_bytes(text.p + i, text.n - i), &n);
        bool broken = cp == 0xfffd && n == 1;

        if (broken || steers(cp) || cp == '"' || cp == '\\') {
            VCH_TRY(vch_buf_append(out, vch_bytes_slice(text, clean, i - clean)));
            VCH_TRY(cp == '"' || cp == '\\' ? vch_buf_printf(out, "\\%c", (char)cp)
                                            : vch_buf_printf(out, "\\u%04x", (unsigned)cp));
            clean = i + n;
        }
        i += n;
    }
    VCH_TRY(vch_buf_append(out, vch_bytes_slice(text, clean, i - clean)));
    return vch_buf_text(out, "\"");
}

static vch_err put_hex(struct vch_buf *out, struct vch_bytes b)
{
    char hex[2 * HEX_MAX + 1];
    struct vch_bytes head = vch_bytes_slice(b, 0, HEX_MAX);

    return vch_buf_printf(out, "\"%s%s\"", vch_hex_encode(head, vch_span(hex, sizeof(hex))),
                          b.n > HEX_MAX ? "..." : "");
}

static vch_err put_value(struct vch_buf *out, const struct vch_tagger *tagger,
                         const struct vch_field *f)
{
    char text[VCH_TIME_TEXT_MAX > VCH_TAG_ROOM ? VCH_TIME_TEXT_MAX : VCH_TAG_ROOM];

    switch (f->type) {
    case VCH_FIELD_TEXT:
        return vch_line_quote(out, f->v.bytes);
    case VCH_FIELD_INT:
        return vch_buf_printf(out, "%lld", (long long)f->v.i);
    case VCH_FIELD_UINT:
        return vch_buf_printf(out, "%llu", (unsigned long long)f->v.u);
    case VCH_FIELD_DOUBLE:
        return isfinite(f->v.d) ? vch_buf_printf(out, "%.9g", f->v.d) : vch_buf_text(out, "null");
    case VCH_FIELD_BOOL:
        return vch_buf_text(out, f->v.b ? "true" : "false");
    case VCH_FIELD_HEX:
        return put_hex(out, f->v.bytes);
    case VCH_FIELD_TIME:
        return vch_buf_printf(
            out, "\"%s\"", vch_time_text((struct vch_time){f->v.i}, vch_span(text, sizeof(text))));
    case VCH_FIELD_ERR:
        return vch_buf_printf(out, "\"%s\"", vch_err_info(f->v.err)->slug);
    case VCH_FIELD_PII:
        return vch_buf_printf(out, "\"%s\"", vch_tagger_tag(tagger, f->v.bytes, text));
    }
    return VCH_E(BUG);
}

static vch_err put_field(struct vch_buf *out, enum vch_log_form form,
                         const struct vch_tagger *tagger, const struct vch_field *f)
{
    VCH_TRY(form == VCH_LOG_JSON ? vch_buf_printf(out, ",\"%s\":", f->key)
                                 : vch_buf_printf(out, " %s=", f->key));
    return put_value(out, tagger, f);
}

void vch_line_fields(struct vch_buf *out, enum vch_log_form form, const struct vch_tagger *tagger,
                     const struct vch_field *fields, size_t n, bool *ret_cut)
{
    for (size_t i = 0; i < n && fields[i].key != NULL; i++) {
        size_t before = out->n;

        VCH_ASSERT(fields[i].key[strspn(fields[i].key, "abcdefghijklmnopqrstuvwxyz0123456789_")] ==
                   0);
        if (!vch_ok(put_field(out, form, tagger, &fields[i]))) {
            out->n = before;
            *ret_cut = true;
        }
    }
}
