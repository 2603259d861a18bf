#include "authority.h"

#include <arpa/inet.h>
#include <curl/curl.h>

static bool part(CURLU *u, CURLUPart what, unsigned flags, char *out, size_t cap)
{
    char *text = NULL;
    bool ok = curl_url_get(u, what, &text, flags) == CURLUE_OK && strlen(text) < cap;

    if (ok) {
        memcpy(out, text, strlen(text) + 1);
    }
    curl_free(text);
    return ok;
}

static bool absent(CURLU *u, CURLUPart what)
{
    char *text = NULL;
    bool gone = curl_url_get(u, what, &text, 0) != CURLUE_OK;

    curl_free(text);
    return gone;
}

static bool parse(CURLU *u, const char *url, struct vch_http_authority *a)
{
    char scheme[8], port[8];

    if (curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        !part(u, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
        !part(u, CURLUPART_HOST, 0, a->host, sizeof(a->host)) ||
        !part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
        !absent(u, CURLUPART_FRAGMENT)) {
        return false;
    }
    a->https = strcmp(scheme, "https") == 0;
    a->port = (uint16_t)strtoul(port, NULL, 10);
    for (char *c = a->host; *c != 0; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    return a->https || strcmp(scheme, "http") == 0;
}

vch_err vch_http_authority_parse(const char *url, struct vch_http_authority *ret)
{
    struct vch_http_authority a = {0};
    CURLU *u = curl_url();
    bool ok;

    VCH_CHECK(u != NULL, MEMORY);
    ok = parse(u, url, &a);
    curl_url_cleanup(u);
    VCH_CHECK(ok, HTTP_OPTIONS);
    *ret = a;
    return VCH_OK;
}

bool vch_http_authority_equal(const struct vch_http_authority *a,
                              const struct vch_http_authority *b)
{
    return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool vch_http_authority_local(const struct vch_http_authority *a)
{
    struct in_addr in;

    if (inet_pton(AF_INET, a->host, &in) == 1) {
        return ntohl(in.s_addr) >> 24 == 127;
    }
    return strcmp(a->host, "localhost") == 0 || strcmp(a->host, "[::1]") == 0;
}
