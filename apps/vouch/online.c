/* Asking an AS for what is recorded. */
#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <vouch/base/text.h>
#include <vouch/http/client.h>
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/labels.h>

#define PATH_RECORDS "/rp-ds/v1/records"
#define ANSWER_MAX   ((size_t)64 << 20)

/* Scheme, host and port of a URL: what decides whom we talk to. */
static struct vch_bytes authority_of(struct vch_bytes url)
{
    size_t n = 0, slashes = 0;

    while (n < url.n && (url.p[n] != '/' || ++slashes < 3)) {
        n++;
    }
    return vch_bytes(url.p, n);
}

/* The AS of the trust file behind URL; it must also record on LEDGER. */
static size_t as_behind(const struct vch_verify_trust *t, struct vch_bytes ledger,
                        struct vch_bytes url)
{
    for (size_t i = 0; i < t->as_count; i++) {
        if (t->as[i].url.n != 0 && vch_bytes_equal(authority_of(t->as[i].url), authority_of(url)) &&
            vch_verify_as_on_ledger(&t->as[i], ledger)) {
            return i;
        }
    }
    return VCH_VERIFY_NONE;
}

static vch_err open_client(const struct vch_trust_file *trust, size_t as,
                           const struct app_online *online, struct vch_http_client **ret)
{
    const struct vch_verify_as *a = &vch_trust_file_get(trust)->as[as];
    struct vch_bytes base = authority_of(a->url);
    const char *tls_ca = vch_trust_file_tls_ca(trust, as);
    char url[VCH_URL_MAX + 1];
    struct vch_http_client_options o = {.url = url,
                                        .allow_plain = true, /* on loopback addresses alone */
                                        .ca_pem = tls_ca,
                                        .cert_file = online->cert,
                                        .key_file = online->key,
                                        .answer_max = ANSWER_MAX};

    VCH_CHECK(base.n < sizeof(url), LIMIT);
    memcpy(url, base.p, base.n);
    url[base.n] = 0;
    return vch_http_client_open(&o, ret);
}

static vch_err bearer(const struct app_online *online, struct vch_buf *room,
                      struct vch_http_field *field, size_t *ret_count)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf token = vch_buf_init(16384);
    const char *text;

    *ret_count = 0;
    if (online->token == NULL) {
        return VCH_OK;
    }
    VCH_TRY(vch_cli_read_file(online->token, &token));
    while (token.n > 0 && (token.p[token.n - 1] == '\n' || token.p[token.n - 1] == '\r')) {
        token.n--;
    }
    VCH_TRY(vch_buf_text(room, "Bearer "));
    VCH_TRY(vch_buf_append(room, vch_buf_get(&token)));
    VCH_TRY(vch_buf_cstr(room, &text));
    *field = (struct vch_http_field){"Authorization", text};
    *ret_count = 1;
    return VCH_OK;
}

/* req: Y.2247-10.1-4, Y.2247-10.1-7 (each holder asks the AS itself, once a missing record) */
static vch_err ask(struct vch_http_client *client, const struct app_online *online,
                   struct vch_bytes body, struct vch_buf *out, struct vch_span reterr_detail)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf auth = vch_buf_init(20000);
    struct vch_http_field field;
    struct vch_http_call call = {.method = "POST",
                                 .path = PATH_RECORDS,
                                 .accept = VCH_MEDIA_BUNDLE,
                                 .media = "application/json",
                                 .body = body,
                                 .headers = &field};
    struct vch_http_answer answer;
    vch_err e;

    VCH_TRY(bearer(online, &auth, &field, &call.header_count));
    VCH_TRY(vch_http_call(client, &call, &answer));
    e = vch_http_answer_check(&answer, reterr_detail);
    if (vch_ok(e) && strcmp(answer.media, VCH_MEDIA_BUNDLE) != 0) {
        e = VCH_E(HTTP_PROTOCOL);
    }
    if (vch_ok(e)) {
        e = vch_buf_append(out, vch_buf_get(&answer.body));
    }
    vch_http_answer_fini(&answer);
    return e;
}

vch_err app_fetch(const struct vch_trust_file *trust, const struct app_online *online,
                  const struct vch_hash *txid, struct vch_bytes ledger, struct vch_bytes url,
                  struct vch_buf *out, struct vch_span reterr_detail)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf body = vch_buf_init(4096);
    size_t as = as_behind(vch_trust_file_get(trust), ledger, url);
    char hex[2 * VCH_HASH_LEN + 1];
    struct vch_http_client *client;
    vch_err e;

    VCH_CHECK(as != VCH_VERIFY_NONE, ENTRY_UNTRUSTED);
    VCH_TRY(vch_buf_printf(&body, "{\"txid\":\"%s\",\"entry\":[",
                           vch_hex_encode(vch_hash_bytes(txid), VCH_SPAN_OF(hex))));
    VCH_TRY(vch_cli_json_string(&body, ledger));
    VCH_TRY(vch_buf_text(&body, ","));
    VCH_TRY(vch_cli_json_string(&body, url));
    VCH_TRY(vch_buf_text(&body, "],\"fields\":[\"start\",\"end\",\"terminated-at\",\"standing\"],"
                                "\"latest\":true,\"history\":true}"));
    VCH_TRY(open_client(trust, as, online, &client));
    e = ask(client, online, vch_buf_get(&body), out, reterr_detail);
    vch_http_client_close(client);
    return e;
}
