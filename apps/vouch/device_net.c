/* Calls to the AS over RP-ud. */
#include "device_int.h"

#include <unistd.h>

#include <vouch/cbor/cbor.h>

vch_err device_link_open(const struct device_session *s, struct device_link *ret)
{
    char ca[DEVICE_PATH_ROOM];
    struct vch_http_client_options o = {.url = s->d.setup.as_url, .allow_plain = true};

    memset(ret, 0, sizeof(*ret));
    VCH_TRY(device_path(s->dir, "tls-ca.pem", VCH_SPAN_OF(ca)));
    if (access(ca, R_OK) == 0) {
        o.ca_file = ca;
    }
    return vch_http_client_open(&o, &ret->http);
}

void device_link_close(struct device_link *l)
{
    vch_http_client_close(l->http);
    l->http = NULL;
}

vch_err device_link_post(struct device_link *l, const char *path, const char *media,
                         const char *accept, struct vch_bytes body, struct vch_buf *ret)
{
    struct vch_http_call call = {
        .method = "POST", .path = path, .media = media, .accept = accept, .body = body};
    struct vch_http_answer answer = {0};
    vch_err e = vch_http_call(l->http, &call, &answer);

    l->detail[0] = '\0';
    if (vch_ok(e)) {
        e = vch_http_answer_check(&answer, VCH_SPAN_OF(l->detail));
    }
    if (vch_ok(e)) {
        e = vch_buf_append(ret, vch_buf_get(&answer.body));
    }
    vch_http_answer_fini(&answer);
    return e;
}

/* `{1: nonce}`, or the nonce alone. */
static vch_err read_nonce(struct vch_bytes body, struct vch_bytes *ret)
{
    struct vch_cbor c = vch_cbor(body, VCH_CBOR_STRICT);
    struct vch_cbor_map m;
    int64_t label;
    bool more;

    if (vch_cbor_peek(&c) == VCH_CBOR_MAP) {
        VCH_TRY(vch_cbor_map(&c, &m));
        VCH_TRY(vch_cbor_map_label(&c, &m, &label, &more));
        VCH_CHECK(more && label == 1, CBOR_FIELD);
    }
    VCH_TRY(vch_cbor_bstr(&c, ret));
    VCH_CHECK(ret->n >= VCH_NONCE_MIN && ret->n <= VCH_NONCE_MAX, CBOR_TYPE);
    return VCH_OK;
}

vch_err device_link_nonce(struct device_link *l, struct vch_span room, struct vch_bytes *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(4096);
    struct vch_bytes nonce;

    VCH_TRY(device_link_post(l, "/rp-ud/v1/nonces", "application/cbor", "application/cbor",
                             vch_bytes(NULL, 0), &body));
    VCH_TRY(read_nonce(vch_buf_get(&body), &nonce));
    VCH_CHECK(nonce.n <= room.cap, NO_ROOM);
    memcpy(room.p, nonce.p, nonce.n);
    *ret = vch_bytes(room.p, nonce.n);
    return VCH_OK;
}
