/* Calls to the operator: the token, the errors, the bodies. */
#include <stdlib.h>

#include "edi_int.h"

#define TOKEN_MARGIN_MS 10000 /* a token is renewed this long before its end */

/* Whatever keeps us from an answer is "try later". */
static vch_err transport(vch_err e)
{
    if (vch_err_is(e, VCH_E(HTTP_UNREACHABLE)) || vch_err_is(e, VCH_E(HTTP_TIMEOUT)) ||
        vch_err_is(e, VCH_E(HTTP_TLS))) {
        return VCH_E(EDI_UNREACHABLE);
    }
    if (vch_err_is(e, VCH_E(HTTP_PROTOCOL)) || vch_err_is(e, VCH_E(HTTP_ANSWER_TOO_LARGE)) ||
        vch_err_is(e, VCH_E(HTTP_REDIRECT))) {
        return VCH_E(EDI_ANSWER);
    }
    return e;
}

static json_t *body_json(const struct vch_http_answer *a)
{
    struct vch_bytes b = vch_buf_get(&a->body);

    return json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
}

static vch_err token_new(struct vch_edi *e, char **ret, int64_t *ret_until_ms)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    VCH_AUTO(vch_edi_json_drop) json_t *o = NULL;
    char form[160];
    struct vch_http_call call = {.method = "POST",
                                 .path = "/oauth2/token",
                                 .accept = "application/json",
                                 .media = "application/x-www-form-urlencoded",
                                 .answer_max = 65536};
    const char *token, *type;
    json_int_t life;
    int64_t now;

    (void)snprintf(form, sizeof form, "grant_type=client_credentials&client_id=%s", e->client_id);
    call.body = vch_text(form);
    now = e->now_ms(e->now_user);
    VCH_TRY(transport(vch_http_call(e->http, &call, &a)));
    VCH_CHECK(a.status != 429 && a.status != 503, EDI_BUSY);
    VCH_CHECK(a.status < 500, EDI_UNREACHABLE);
    VCH_CHECK(a.status != 400 && a.status != 401 && a.status != 403, EDI_REFUSED);
    VCH_CHECK(a.status == 200, EDI_ANSWER);
    o = body_json(&a);
    token = json_string_value(json_object_get(o, "access_token"));
    type = json_string_value(json_object_get(o, "token_type"));
    life = json_integer_value(json_object_get(o, "expires_in"));
    VCH_CHECK(token != NULL && type != NULL && strcmp(type, "Bearer") == 0 && life > 0 &&
                  life <= 86400 && strlen(token) < 8192 &&
                  strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~+/=") == strlen(token),
              EDI_ANSWER);
    *ret = vch_mem_text(vch_text(token));
    *ret_until_ms = now + life * 1000 - TOKEN_MARGIN_MS;
    return VCH_OK;
}

/* "Bearer ..." appended to OUT; FRESH: not the cached one. */
static vch_err authorization(struct vch_edi *e, bool fresh, struct vch_buf *out)
{
    vch_err err = VCH_OK;

    /* Held during the call for a token: others would only ask for the same. */
    pthread_mutex_lock(&e->lock);
    if (e->token == NULL || fresh || e->now_ms(e->now_user) >= e->token_until_ms) {
        char *token = NULL;

        err = token_new(e, &token, &e->token_until_ms);
        if (vch_ok(err)) {
            if (e->token != NULL) {
                vch_wipe(e->token, strlen(e->token));
                vch_mem_free(e->token);
            }
            e->token = token;
        }
    }
    if (vch_ok(err)) {
        err = vch_buf_printf(out, "Bearer %s", e->token);
    }
    pthread_mutex_unlock(&e->lock);
    return err;
}

/* What an answer that is no 2xx means. */
static vch_err refusal(const struct vch_http_answer *a, vch_err missing)
{
    VCH_AUTO(vch_edi_json_drop) json_t *o = body_json(a);
    const char *code = json_string_value(json_object_get(o, "code"));

    switch (a->status) {
    case 401:
    case 403:
        return VCH_E(EDI_REFUSED);
    case 404:
        VCH_CHECK(code != NULL, EDI_ANSWER);
        return strcmp(code, "IDENTIFIER_NOT_FOUND") == 0 ? VCH_E(EDI_UNKNOWN) : missing;
    case 409:
        return code != NULL && strcmp(code, "ALREADY_EXISTS") == 0 ? VCH_E(EDI_DUPLICATE)
                                                                   : VCH_E(EDI_SUBSCRIPTION);
    case 412:
    case 428:
        return VCH_E(EDI_VERSION);
    case 422:
        return code != NULL && strcmp(code, "SUBSCRIPTION_MISMATCH") == 0 ? VCH_E(EDI_IDENTITY)
                                                                          : VCH_E(EDI_REQUEST);
    case 429:
    case 503:
        return VCH_E(EDI_BUSY);
    default:
        return a->status >= 500                       ? VCH_E(EDI_UNREACHABLE)
               : a->status >= 400 && a->status <= 499 ? VCH_E(EDI_REQUEST)
                                                      : VCH_E(EDI_ANSWER);
    }
}

static vch_err once(struct vch_edi *e, const struct vch_edi_call *call, struct vch_bytes body,
                    bool fresh, struct vch_http_answer *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf auth = vch_buf_init(16384);
    struct vch_http_field fields[2];
    struct vch_http_call h = {.method = call->method,
                              .path = call->path,
                              .accept = "application/json",
                              .media = call->media,
                              .body = body,
                              .headers = fields,
                              .header_count = 1,
                              .timeout_ms = e->timeout_ms};
    vch_err err;

    VCH_TRY(authorization(e, fresh, &auth));
    fields[0].name = "Authorization";
    VCH_TRY(vch_buf_cstr(&auth, &fields[0].value));
    if (call->if_match != NULL) {
        fields[h.header_count].name = "If-Match";
        fields[h.header_count++].value = call->if_match;
    }
    err = transport(vch_http_call(e->http, &h, ret));
    vch_wipe(auth.p, auth.n);
    return err;
}

static void etag_copy(const struct vch_http_answer *a, char *ret_etag)
{
    struct vch_bytes tag = vch_http_answer_header(a, "ETag");
    size_t n = tag.n < 24 ? tag.n : 0;

    if (n > 0) {
        memcpy(ret_etag, tag.p, n);
    }
    ret_etag[n] = '\0';
}

vch_err vch_edi_call(struct vch_edi *e, const struct vch_edi_call *call, json_t **ret,
                     char *ret_etag)
{
    VCH_AUTO(vch_http_answer_fini) struct vch_http_answer a = {0};
    char *text = call->body == NULL ? NULL : vch_edi_dump(call->body);
    struct vch_bytes body = text == NULL ? vch_bytes(NULL, 0) : vch_text(text);
    json_t *o = NULL;
    vch_err err = once(e, call, body, false, &a);

    if (vch_ok(err) && a.status == 401) {
        /* The token may have ended early, for instance with a new key there: once more. */
        vch_http_answer_fini(&a);
        a = (struct vch_http_answer){0};
        err = once(e, call, body, true, &a);
    }
    if (text != NULL) {
        vch_wipe(text, strlen(text));
        vch_mem_free(text);
    }
    VCH_TRY(err);
    if (a.status < 200 || a.status > 299) {
        return refusal(&a, call->missing);
    }
    if (a.status != 204) {
        VCH_CHECK(strcmp(a.media, "application/json") == 0, EDI_ANSWER);
        o = body_json(&a);
        VCH_CHECK(o != NULL, EDI_ANSWER);
    }
    if (ret_etag != NULL) {
        etag_copy(&a, ret_etag);
    }
    *ret = o;
    return VCH_OK;
}
