/* Looking into answers: headers and problems. */
#include <jansson.h>
#include <stdio.h>
#include <strings.h>

#include <vouch/cbor/cbor.h>
#include <vouch/http/client.h>

void vch_http_answer_fini(struct vch_http_answer *a)
{
    vch_buf_fini(&a->body);
    vch_buf_fini(&a->head);
}

struct vch_bytes vch_http_answer_header(const struct vch_http_answer *a, const char *name)
{
    struct vch_bytes left = vch_buf_get(&a->head);
    size_t name_n = strlen(name);

    while (left.n > 0) {
        const uint8_t *end = memchr(left.p, '\n', left.n);
        size_t n = end != NULL ? (size_t)(end - left.p) + 1 : left.n;
        struct vch_bytes line = vch_bytes_slice(left, 0, n);

        if (n > name_n && line.p[name_n] == ':' &&
            strncasecmp((const char *)line.p, name, name_n) == 0) {
            size_t from = name_n + 1;

            while (n > from && strchr("\r\n \t", line.p[n - 1]) != NULL) {
                n--;
            }
            while (from < n && (line.p[from] == ' ' || line.p[from] == '\t')) {
                from++;
            }
            return vch_bytes_slice(line, from, n - from);
        }
        left = vch_bytes_slice(left, n, left.n);
    }
    return vch_bytes(NULL, 0);
}

/* What a problem answer says; views into the answer or the parsed document. */
struct problem {
    char slug[64];
    char detail[512];
};

static void take(char *out, size_t cap, struct vch_bytes text)
{
    size_t n = text.n < cap ? text.n : cap - 1;

    for (size_t i = 0; i < n; i++) {
        uint8_t c = text.p[i];

        out[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    out[n] = 0;
}

static void read_json(struct vch_bytes body, struct problem *p)
{
    json_t *o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_string_value(json_object_get(o, "code"));
    const char *detail = json_string_value(json_object_get(o, "detail"));
    const char *title = json_string_value(json_object_get(o, "title"));

    if (code != NULL) {
        take(p->slug, sizeof(p->slug), vch_text(code));
    }
    if (detail != NULL || title != NULL) {
        take(p->detail, sizeof(p->detail), vch_text(detail != NULL ? detail : title));
    }
    json_decref(o);
}

static vch_err read_ours(struct vch_cbor *c, struct problem *p)
{
    struct vch_cbor_map m;
    struct vch_bytes key, text;
    bool more;

    VCH_TRY(vch_cbor_map(c, &m));
    for (;;) {
        struct vch_cbor k;

        VCH_TRY(vch_cbor_map_key(c, &m, &key, &more));
        if (!more) {
            return VCH_OK;
        }
        k = vch_cbor(key, VCH_CBOR_GENERIC);
        if (vch_ok(vch_cbor_tstr(&k, &text)) && vch_bytes_equal(text, vch_text("code"))) {
            VCH_TRY(vch_cbor_tstr(c, &text));
            take(p->slug, sizeof(p->slug), text);
        } else {
            VCH_TRY(vch_cbor_item(c, &text));
        }
    }
}

static vch_err read_cbor(struct vch_bytes body, struct problem *p)
{
    struct vch_cbor c = vch_cbor(body, VCH_CBOR_GENERIC);
    struct vch_cbor_map m;
    struct vch_bytes key, text;
    bool more, detail = false;

    VCH_TRY(vch_cbor_map(&c, &m));
    for (;;) {
        struct vch_cbor k;
        int64_t label = 0;

        VCH_TRY(vch_cbor_map_key(&c, &m, &key, &more));
        if (!more) {
            return vch_cbor_end(&c);
        }
        k = vch_cbor(key, VCH_CBOR_GENERIC);
        if (vch_ok(vch_cbor_int(&k, &label)) && (label == -2 || (label == -1 && !detail)) &&
            vch_cbor_peek(&c) == VCH_CBOR_TSTR) {
            VCH_TRY(vch_cbor_tstr(&c, &text));
            take(p->detail, sizeof(p->detail), text);
            detail = label == -2;
        } else if (vch_ok(vch_cbor_tstr(&k, &text)) &&
                   vch_bytes_equal(text, vch_text("urn:vouch:error"))) {
            VCH_TRY(read_ours(&c, p));
        } else {
            VCH_TRY(vch_cbor_item(&c, &text));
        }
    }
}

vch_err vch_http_answer_check(const struct vch_http_answer *a, struct vch_span reterr_detail)
{
    const struct vch_err_info *info = NULL;
    struct problem p = {0};
    vch_err e;

    if (a->status >= 200 && a->status <= 299) {
        return VCH_OK;
    }
    (void)snprintf(p.detail, sizeof(p.detail), "status %u", a->status);
    if (strcmp(a->media, "application/problem+json") == 0) {
        read_json(vch_buf_get(&a->body), &p);
    } else if (strcmp(a->media, "application/concise-problem-details+cbor") == 0) {
        vch_ignore(read_cbor(vch_buf_get(&a->body), &p));
    }
    if (p.slug[0] != 0) {
        info = vch_err_find(p.slug);
    }
    if (reterr_detail.cap > 0) {
        take((char *)reterr_detail.p, reterr_detail.cap, vch_text(p.detail));
    }
    if (info == NULL) {
        return VCH_E(HTTP_STATUS);
    }
    e.code = info->code;
    return e;
}
