#include <vouch/stmt/entry_address.h>

/* Host characters of a name, IPv4 address or, within brackets, IPv6 address. */
static bool is_host_char(uint8_t ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '.' || ch == '-';
}

static bool is_path_char(uint8_t ch)
{
    return is_host_char(ch) || (ch >= 'A' && ch <= 'Z') || ch == '/' || ch == '_' || ch == '~' ||
           ch == '%' || ch == '+' || ch == ':' || ch == '@' || ch == '=';
}

/* Length of the host at the start of TEXT, 0 where there is none. */
static size_t host_len(struct vch_bytes text)
{
    size_t n = 0;

    if (text.n > 0 && text.p[0] == '[') {
        for (n = 1; n < text.n && text.p[n] != ']'; n++) {
            uint8_t ch = text.p[n];

            if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f') || ch == ':' || ch == '.')) {
                return 0;
            }
        }
        return n < text.n && n > 2 ? n + 1 : 0;
    }
    while (n < text.n && is_host_char(text.p[n])) {
        n++;
    }
    return n > 0 && text.p[0] != '.' && text.p[0] != '-' ? n : 0;
}

/* `host[:port][/path]`; the host is given back. Dot segments would make two texts of one place. */
static bool authority_path(struct vch_bytes text, struct vch_bytes *ret_host)
{
    size_t n = host_len(text);
    size_t port_from;

    if (n == 0) {
        return false;
    }
    *ret_host = vch_bytes(text.p, n);
    if (n < text.n && text.p[n] == ':') {
        uint32_t port = 0;

        port_from = ++n;
        while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9' && n - port_from < 5) {
            port = port * 10 + (uint32_t)(text.p[n++] - '0');
        }
        if (n == port_from || port == 0 || port > 65535) {
            return false;
        }
    }
    if (n < text.n && text.p[n] != '/') {
        return false;
    }
    for (size_t i = n; i < text.n; i++) {
        if (!is_path_char(text.p[i])) {
            return false;
        }
        if (text.p[i] == '/' && i + 1 < text.n && (text.p[i + 1] == '.' || text.p[i + 1] == '/')) {
            return false;
        }
    }
    return true;
}

static bool starts_with(struct vch_bytes text, const char *prefix, struct vch_bytes *ret_rest)
{
    size_t n = strlen(prefix);

    if (text.n < n || memcmp(text.p, prefix, n) != 0) {
        return false;
    }
    *ret_rest = vch_bytes(text.p + n, text.n - n);
    return true;
}

/* Only digits and dots after "127.": a name such as 127.example.com is no loopback address. */
static bool is_loopback(struct vch_bytes host)
{
    struct vch_bytes rest;

    if (vch_bytes_equal(host, vch_text("localhost")) || vch_bytes_equal(host, vch_text("[::1]"))) {
        return true;
    }
    if (!starts_with(host, "127.", &rest) || rest.n == 0) {
        return false;
    }
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] != '.' && (rest.p[i] < '0' || rest.p[i] > '9')) {
            return false;
        }
    }
    return true;
}

vch_err vch_stmt_ledger_id_check(struct vch_bytes id)
{
    struct vch_bytes host;

    VCH_CHECK(id.n <= VCH_NAME_MAX, LIMIT);
    VCH_CHECK(authority_path(id, &host), ENTRY_ADDRESS);
    return VCH_OK;
}

vch_err vch_stmt_address_check(const struct vch_stmt_address *a)
{
    struct vch_bytes rest, host;

    VCH_TRY(vch_stmt_ledger_id_check(a->ledger));
    VCH_CHECK(a->url.n <= VCH_URL_MAX, LIMIT);
    if (starts_with(a->url, "https://", &rest)) {
        VCH_CHECK(authority_path(rest, &host), ENTRY_ADDRESS);
        return VCH_OK;
    }
    VCH_CHECK(starts_with(a->url, "http://", &rest), ENTRY_ADDRESS);
    VCH_CHECK(authority_path(rest, &host) && is_loopback(host), ENTRY_ADDRESS);
    return VCH_OK;
}

vch_err vch_stmt_address_decode(struct vch_cbor *c, struct vch_stmt_address *ret)
{
    struct vch_cbor probe = *c;
    struct vch_stmt_address a;

    VCH_TRY(vch_cbor_array_of(&probe, 2));
    VCH_TRY(vch_cbor_tstr(&probe, &a.ledger));
    VCH_TRY(vch_cbor_tstr(&probe, &a.url));
    VCH_TRY(vch_stmt_address_check(&a));
    *c = probe;
    *ret = a;
    return VCH_OK;
}

void vch_stmt_address_put(struct vch_writer *w, const struct vch_stmt_address *a)
{
    vch_err e = vch_stmt_address_check(a);

    if (!vch_ok(e)) {
        vch_writer_fail(w, e);
    }
    vch_cbor_put_array(w, 2);
    vch_cbor_put_tstr(w, a->ledger);
    vch_cbor_put_tstr(w, a->url);
}
