#include <vouch/stmt/identity.h>

static bool is_digit(uint8_t ch)
{
    return ch >= '0' && ch <= '9';
}

static uint8_t lower(uint8_t ch)
{
    return ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch + 32) : ch;
}

/* Drops PREFIX (lower case) from the front of *TEXT; says whether it was there. */
static bool drop_prefix(struct vch_bytes *text, const char *prefix)
{
    size_t n = strlen(prefix);

    if (text->n < n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (lower(text->p[i]) != (uint8_t)prefix[i]) {
            return false;
        }
    }
    *text = vch_bytes(text->p + n, text->n - n);
    return true;
}

/* The digits of TEXT, separators dropped, at most CAP; false where anything else occurs. A
 * separator stands between digits only. */
static bool take_digits(struct vch_bytes text, char *out, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    bool after_digit = false;

    for (size_t i = 0; i < text.n; i++) {
        uint8_t ch = text.p[i];

        if (is_digit(ch)) {
            if (n == cap) {
                return false;
            }
            out[n++] = (char)ch;
            after_digit = true;
        } else if ((ch == ' ' || ch == '-' || ch == '.' || ch == '/') && after_digit) {
            after_digit = false;
        } else {
            return false;
        }
    }
    *ret_n = n;
    return after_digit;
}

/* Luhn sum modulo 10 of N digits, the last of which counts single (ISO/IEC 7812-1 annex B). */
static unsigned luhn_sum(const char *digits, size_t n)
{
    unsigned sum = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[i] - '0');

        if ((n - i) % 2 == 0) {
            d *= 2;
            d = d > 9 ? d - 9 : d;
        }
        sum += d;
    }
    return sum % 10;
}

static bool all_zero(const char *digits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (digits[i] != '0') {
            return false;
        }
    }
    return true;
}

static vch_err canon_imei(struct vch_bytes text, char *out, size_t *ret_n)
{
    bool sv = drop_prefix(&text, "imeisv-");
    bool plain = !sv && (drop_prefix(&text, "imei-") || drop_prefix(&text, "urn:gsma:imei:"));
    char d[16];
    size_t n;

    VCH_CHECK(take_digits(text, d, sizeof(d), &n), IDENT_IMEI);
    VCH_CHECK((n == 15 && !sv) || (n == 16 && !plain), IDENT_IMEI);
    if (n == 16) {
        d[14] = '0';
        d[14] = (char)('0' + (10 - luhn_sum(d, 15)) % 10);
    }
    VCH_CHECK(luhn_sum(d, 15) == 0 && !all_zero(d, 14), IDENT_IMEI);
    memcpy(out, d, 15);
    *ret_n = 15;
    return VCH_OK;
}

static vch_err canon_iccid(struct vch_bytes text, char *out, size_t *ret_n)
{
    char d[20];
    size_t n;
    bool filled = text.n > 0 && lower(text.p[text.n - 1]) == 'f';

    text.n -= filled ? 1 : 0;
    VCH_CHECK(take_digits(text, d, sizeof(d), &n), IDENT_ICCID);
    VCH_CHECK(n == 19 || (n == 20 && !filled), IDENT_ICCID);
    VCH_CHECK(d[0] == '8' && d[1] == '9' && luhn_sum(d, n) == 0, IDENT_ICCID);
    memcpy(out, d, n);
    *ret_n = n;
    return VCH_OK;
}

static vch_err canon_msisdn(struct vch_bytes text, char *out, size_t *ret_n)
{
    char d[15];
    size_t n;

    if (!drop_prefix(&text, "msisdn-")) {
        (void)drop_prefix(&text, "tel:");
        VCH_CHECK(drop_prefix(&text, "+"), IDENT_MSISDN);
    }
    VCH_CHECK(take_digits(text, d, sizeof(d), &n), IDENT_MSISDN);
    VCH_CHECK(n >= 5 && d[0] != '0', IDENT_MSISDN);
    out[0] = '+';
    memcpy(out + 1, d, n);
    *ret_n = n + 1;
    return VCH_OK;
}

static vch_err canon_eid(struct vch_bytes text, char *out, size_t *ret_n)
{
    char d[32];
    size_t n;
    unsigned rest = 0;

    VCH_CHECK(take_digits(text, d, sizeof(d), &n), IDENT_EID);
    VCH_CHECK(n == 32 && d[0] == '8' && d[1] == '9', IDENT_EID);
    for (size_t i = 0; i < n; i++) {
        rest = (rest * 10 + (unsigned)(d[i] - '0')) % 97;
    }
    VCH_CHECK(rest == 1, IDENT_EID);
    memcpy(out, d, n);
    *ret_n = n;
    return VCH_OK;
}

vch_err vch_stmt_identity_canon(enum vch_disc_key key, struct vch_bytes text, struct vch_span out,
                                struct vch_bytes *ret)
{
    char form[VCH_IDENTITY_ROOM];
    size_t n = 0;

    switch (key) {
    case VCH_DISC_IMEI:
        VCH_TRY(canon_imei(text, form, &n));
        break;
    case VCH_DISC_ICCID:
        VCH_TRY(canon_iccid(text, form, &n));
        break;
    case VCH_DISC_MSISDN:
        VCH_TRY(canon_msisdn(text, form, &n));
        break;
    case VCH_DISC_EID:
        VCH_TRY(canon_eid(text, form, &n));
        break;
    default:
        return VCH_E(USAGE);
    }
    VCH_CHECK(n < out.cap, NO_ROOM);
    memcpy(out.p, form, n);
    out.p[n] = 0;
    *ret = vch_bytes(out.p, n);
    vch_wipe(form, sizeof(form));
    return VCH_OK;
}

/* A form of its own right, but not the canonical one, is refused with the error of its kind. */
static vch_err kind_error(enum vch_disc_key key)
{
    switch (key) {
    case VCH_DISC_IMEI:
        return VCH_E(IDENT_IMEI);
    case VCH_DISC_ICCID:
        return VCH_E(IDENT_ICCID);
    case VCH_DISC_MSISDN:
        return VCH_E(IDENT_MSISDN);
    default:
        return VCH_E(IDENT_EID);
    }
}

vch_err vch_stmt_identity_check(enum vch_disc_key key, struct vch_bytes text)
{
    uint8_t room[VCH_IDENTITY_ROOM];
    struct vch_bytes canon;
    bool same;

    VCH_TRY(vch_stmt_identity_canon(key, text, VCH_SPAN_OF(room), &canon));
    same = vch_bytes_equal(canon, text);
    vch_wipe(room, sizeof(room));
    return same ? VCH_OK : kind_error(key);
}
