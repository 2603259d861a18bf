#include <vouch/base/text.h>

bool vch_utf8_check(struct vch_bytes text)
{
    size_t i = 0;

    while (i < text.n) {
        uint8_t b = text.p[i];
        size_t more = b < 0x80 ? 0 : b < 0xc2 ? 9 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : b < 0xf5 ? 3 : 9;
        uint32_t cp = more == 0 ? b : more == 1 ? b & 0x1fu : more == 2 ? b & 0x0fu : b & 0x07u;

        if (more == 9 || more > text.n - i - 1) {
            return false;
        }
        for (size_t k = 1; k <= more; k++) {
            if ((text.p[i + k] & 0xc0) != 0x80) {
                return false;
            }
            cp = cp << 6 | (text.p[i + k] & 0x3fu);
        }
        if ((more == 2 && (cp < 0x800 || (cp >= 0xd800 && cp <= 0xdfff))) ||
            (more == 3 && (cp < 0x10000 || cp > 0x10ffff))) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

char *vch_hex_encode(struct vch_bytes in, struct vch_span out)
{
    static const char digits[] = "0123456789abcdef";

    VCH_ASSERT(out.cap >= 2 * in.n + 1);
    for (size_t i = 0; i < in.n; i++) {
        out.p[2 * i] = (uint8_t)digits[in.p[i] >> 4];
        out.p[2 * i + 1] = (uint8_t)digits[in.p[i] & 15];
    }
    out.p[2 * in.n] = 0;
    return (char *)out.p;
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

vch_err vch_hex_decode(struct vch_bytes text, struct vch_span out, struct vch_bytes *ret)
{
    VCH_CHECK(text.n % 2 == 0, TEXT);
    VCH_CHECK(text.n / 2 <= out.cap, NO_ROOM);
    for (size_t i = 0; i < text.n; i += 2) {
        int hi = hex_value(text.p[i]);
        int lo = hex_value(text.p[i + 1]);

        VCH_CHECK(hi >= 0 && lo >= 0, TEXT);
        out.p[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    *ret = vch_bytes(out.p, text.n / 2);
    return VCH_OK;
}

static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *vch_b64_encode(enum vch_b64 kind, struct vch_bytes in, struct vch_span out)
{
    const char *digits = kind == VCH_B64_STD ? b64_std : b64_url;
    size_t o = 0;

    VCH_ASSERT(out.cap >= VCH_B64_ROOM(in.n));
    for (size_t i = 0; i < in.n; i += 3) {
        size_t have = in.n - i < 3 ? in.n - i : 3;
        uint32_t v = (uint32_t)in.p[i] << 16 | (have > 1 ? (uint32_t)in.p[i + 1] << 8 : 0) |
                     (have > 2 ? in.p[i + 2] : 0);

        for (size_t k = 0; k < 4; k++) {
            if (k <= have) {
                out.p[o++] = (uint8_t)digits[v >> (18 - 6 * k) & 63];
            } else if (kind == VCH_B64_STD) {
                out.p[o++] = '=';
            }
        }
    }
    out.p[o] = 0;
    return (char *)out.p;
}

static int b64_value(enum vch_b64 kind, uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == (kind == VCH_B64_STD ? '+' : '-')) {
        return 62;
    }
    return c == (kind == VCH_B64_STD ? '/' : '_') ? 63 : -1;
}

vch_err vch_b64_decode(enum vch_b64 kind, struct vch_bytes text, struct vch_span out,
                       struct vch_bytes *ret)
{
    size_t n = text.n;
    size_t o = 0;

    if (kind == VCH_B64_STD) {
        VCH_CHECK(n % 4 == 0, TEXT);
        for (int k = 0; k < 2 && n > 0 && text.p[n - 1] == '='; k++) {
            n--;
        }
    }
    VCH_CHECK(n % 4 != 1, TEXT);
    VCH_CHECK(n / 4 * 3 + (n % 4 == 0 ? 0 : n % 4 - 1) <= out.cap, NO_ROOM);
    for (size_t i = 0; i < n; i += 4) {
        size_t have = n - i < 4 ? n - i : 4;
        uint32_t v = 0;

        for (size_t k = 0; k < 4; k++) {
            int d = k < have ? b64_value(kind, text.p[i + k]) : 0;

            VCH_CHECK(d >= 0, TEXT);
            v = v << 6 | (uint32_t)d;
        }
        VCH_CHECK((have != 2 || (v & 0xffff) == 0) && (have != 3 || (v & 0xff) == 0), TEXT);
        for (size_t k = 0; k + 1 < have; k++) {
            out.p[o++] = (uint8_t)(v >> (16 - 8 * k));
        }
    }
    *ret = vch_bytes(out.p, o);
    return VCH_OK;
}

vch_err vch_u64_parse(struct vch_bytes text, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;

    VCH_CHECK(text.n > 0, TEXT);
    for (size_t i = 0; i < text.n; i++) {
        uint8_t d = (uint8_t)(text.p[i] - '0');

        VCH_CHECK(d <= 9 && v <= (max - d) / 10 && d <= max, TEXT);
        v = v * 10 + d;
    }
    *ret = v;
    return VCH_OK;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, counted in years that begin
 * in March, so that the leap day is the last day of its year. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    int64_t era;
    int64_t yoe;
    int64_t doy;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void put_digits(uint8_t *p, int64_t v, size_t n)
{
    while (n-- > 0) {
        p[n] = (uint8_t)('0' + v % 10);
        v /= 10;
    }
}

char *vch_time_text(struct vch_time t, struct vch_span out)
{
    static const int64_t first = -62167219200000; /* 0000-01-01 */
    static const int64_t last = 253402300799999;  /* 9999-12-31 */
    int64_t days, ms, era, doe, yoe, doy, mp, m;

    VCH_ASSERT(out.cap >= VCH_TIME_TEXT_MAX);
    if (t.ms < first || t.ms > last) {
        memcpy(out.p, "out of range", sizeof("out of range"));
        return (char *)out.p;
    }
    days = (t.ms - first) / 86400000;
    ms = (t.ms - first) % 86400000;
    days -= 60; /* from 0000-03-01 on */
    era = days < 0 ? -1 : days / 146097;
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    m = mp < 10 ? mp + 3 : mp - 9;
    memcpy(out.p, "0000-00-00T00:00:00.000Z", 25);
    put_digits(out.p, yoe + era * 400 + (m <= 2), 4);
    put_digits(out.p + 5, m, 2);
    put_digits(out.p + 8, doy - (153 * mp + 2) / 5 + 1, 2);
    put_digits(out.p + 11, ms / 3600000, 2);
    put_digits(out.p + 14, ms / 60000 % 60, 2);
    put_digits(out.p + 17, ms / 1000 % 60, 2);
    put_digits(out.p + 20, ms % 1000, 3);
    return (char *)out.p;
}

/* Reads N digits at *POS of TEXT, then the character AFTER (0: none). */
static vch_err take_digits(struct vch_bytes text, size_t *pos, size_t n, uint8_t after,
                           int64_t *ret)
{
    uint64_t v;

    VCH_CHECK(text.n - *pos >= n, TEXT);
    VCH_TRY(vch_u64_parse(vch_bytes_slice(text, *pos, n), 9999, &v));
    *pos += n;
    if (after != 0) {
        VCH_CHECK(*pos < text.n && text.p[*pos] == after, TEXT);
        *pos += 1;
    }
    *ret = (int64_t)v;
    return VCH_OK;
}

static vch_err take_zone(struct vch_bytes text, size_t *pos, int64_t *ret_minutes)
{
    int64_t h, m;
    int64_t sign;

    VCH_CHECK(*pos < text.n, TEXT);
    if (text.p[*pos] == 'Z' || text.p[*pos] == 'z') {
        *pos += 1;
        *ret_minutes = 0;
        return VCH_OK;
    }
    VCH_CHECK(text.p[*pos] == '+' || text.p[*pos] == '-', TEXT);
    sign = text.p[*pos] == '-' ? -1 : 1;
    *pos += 1;
    VCH_TRY(take_digits(text, pos, 2, ':', &h));
    VCH_TRY(take_digits(text, pos, 2, 0, &m));
    VCH_CHECK(h <= 23 && m <= 59, TEXT);
    *ret_minutes = sign * (h * 60 + m);
    return VCH_OK;
}

vch_err vch_time_parse(struct vch_bytes text, struct vch_time *ret)
{
    static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t y, mo, d, h = 0, mi = 0, s = 0, ms = 0, zone = 0;
    size_t pos = 0;

    VCH_TRY(take_digits(text, &pos, 4, '-', &y));
    VCH_TRY(take_digits(text, &pos, 2, '-', &mo));
    VCH_TRY(take_digits(text, &pos, 2, 0, &d));
    VCH_CHECK(mo >= 1 && mo <= 12 && d >= 1 && d <= month_days[mo - 1], TEXT);
    VCH_CHECK(mo != 2 || d <= 28 || (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)), TEXT);
    if (pos < text.n) {
        VCH_CHECK(text.p[pos] == 'T' || text.p[pos] == 't' || text.p[pos] == ' ', TEXT);
        pos++;
        VCH_TRY(take_digits(text, &pos, 2, ':', &h));
        VCH_TRY(take_digits(text, &pos, 2, ':', &mi));
        VCH_TRY(take_digits(text, &pos, 2, 0, &s));
        VCH_CHECK(h <= 23 && mi <= 59 && s <= 60, TEXT);
        if (pos < text.n && text.p[pos] == '.') {
            size_t start = ++pos;

            for (int64_t unit = 100; pos < text.n && text.p[pos] >= '0' && text.p[pos] <= '9';
                 unit /= 10) {
                ms += unit * (text.p[pos++] - '0');
            }
            VCH_CHECK(pos > start && pos - start <= 9, TEXT);
        }
        VCH_TRY(take_zone(text, &pos, &zone));
        VCH_CHECK(pos == text.n, TEXT);
    }
    ret->ms = ((days_of(y, mo, d) * 24 + h) * 60 + mi - zone) * 60000 + s * 1000 + ms;
    return VCH_OK;
}
