/* Problem answers: RFC 9457 in JSON, RFC 9290 in CBOR. */
#include "internal.h"

#include <jansson.h>
#include <stdio.h>

#include <vouch/base/text.h>
#include <vouch/cbor/cbor.h>

static const char *const offered[] = {"application/problem+json",
                                      "application/concise-problem-details+cbor",
                                      "application/cbor", "application/json"};

static int put_json(const char *p, size_t n, void *out)
{
    return vch_ok(vch_buf_append(out, vch_bytes(p, n))) ? 0 : -1;
}

static vch_err encode_json(unsigned status, const struct vch_err_info *info, const char *detail,
                           struct vch_buf *out)
{
    char type[96];
    json_t *o;
    int rc;

    (void)snprintf(type, sizeof(type), "urn:vouch:error:%s", info->slug);
    o = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title", info->text, "status",
                  (int)status, "code", info->slug, "remedy", info->remedy);
    VCH_CHECK(o != NULL, MEMORY);
    if (detail != NULL) {
        /* A detail that is not UTF-8 is left out. */
        (void)json_object_set_new(o, "detail", json_string(detail));
    }
    rc = json_dump_callback(o, put_json, out, JSON_COMPACT);
    json_decref(o);
    return rc == 0 ? VCH_OK : VCH_E(LIMIT);
}

static vch_err encode_cbor(unsigned status, const struct vch_err_info *info, const char *detail,
                           struct vch_buf *out)
{
    struct vch_span room;
    struct vch_bytes done;
    struct vch_writer w;

    VCH_TRY(vch_buf_room(out, out->max - out->n, &room));
    w = vch_writer(room);
    vch_cbor_put_map(&w, detail != NULL ? 3 : 2);
    vch_cbor_put_int(&w, -1);
    vch_cbor_put_text(&w, info->text);
    if (detail != NULL) {
        vch_cbor_put_int(&w, -2);
        vch_cbor_put_text(&w, detail);
    }
    vch_cbor_put_text(&w, "urn:vouch:error");
    vch_cbor_put_map(&w, 3);
    vch_cbor_put_text(&w, "code");
    vch_cbor_put_text(&w, info->slug);
    vch_cbor_put_text(&w, "remedy");
    vch_cbor_put_text(&w, info->remedy);
    vch_cbor_put_text(&w, "status");
    vch_cbor_put_uint(&w, status);
    VCH_TRY(vch_writer_finish(&w, &done));
    vch_buf_added(out, done.n);
    return VCH_OK;
}

void vch_http_problem_status(struct vch_http_response *rs, unsigned status, vch_err e,
                             const char *detail)
{
    const struct vch_err_info *info = vch_err_info(e);
    struct vch_buf body = vch_buf_init(8192);
    size_t pick = 0;
    vch_err bad;

    rs->broken = false;
    if (detail != NULL && (strlen(detail) > 1024 || !vch_utf8_check(vch_text(detail)))) {
        detail = NULL;
    }
    /* A client that accepts none of these still gets the problem, as RFC 9110 section 15.5.7 leaves
     * to the server: in CBOR if it reads COSE. */
    if (!vch_ok(vch_http_accept(&rs->ex->rq, offered, VCH_ARRAY_LEN(offered), &pick))) {
        const char *accept = vch_http_header(&rs->ex->rq, "Accept");

        pick = accept != NULL && strstr(accept, "cose") != NULL ? 1 : 0;
    }
    bad = pick == 1 || pick == 2 ? encode_cbor(status, info, detail, &body)
                                 : encode_json(status, info, detail, &body);
    if (vch_ok(bad)) {
        vch_http_reply_take(rs, status, offered[pick == 2 ? 1 : pick == 3 ? 0 : pick], &body);
    } else {
        vch_http_reply_status(rs, status);
    }
    vch_buf_fini(&body);
}

void vch_http_problem(struct vch_http_response *rs, vch_err e, const char *detail)
{
    vch_http_problem_status(rs, vch_err_info(e)->http, e, detail);
}
