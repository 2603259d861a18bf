/* Invented identifiers with right check digits. */
#include <stdio.h>

#include <vouch/netsim/usm.h>
#include <vouch/stmt/identity.h>

#define SERIALS 10000000U

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static char luhn_digit(const char *digits)
{
    unsigned sum = 0;
    size_t n = strlen(digits);

    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0');

        if (i % 2 == 0) {
            d *= 2;
            d = d > 9 ? d - 9 : d;
        }
        sum += d;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

/* PREFIX and then SERIAL with leading zeros, WANT digits in all. */
static void fill(char *room, const char *prefix, size_t want, uint64_t serial)
{
    size_t n = strlen(prefix);

    VCH_ASSERT(n <= want);
    memcpy(room, prefix, n);
    room[want] = '\0';
    for (size_t i = want; i > n; i--) {
        room[i - 1] = (char)('0' + serial % 10);
        serial /= 10;
    }
}

void vch_netsim_line(const struct vch_netsim_numbering *n, uint64_t seed, uint64_t index,
                     struct vch_netsim_ids *ret)
{
    /* The step has no factor in common with the count, so that indexes never meet. */
    uint64_t serial = (mix(seed) % SERIALS + index % SERIALS * 3456789U) % SERIALS;
    char text[48], mccmnc[8];
    unsigned rest = 0;

    fill(ret->msisdn, n->msisdn_prefix, strlen(n->msisdn_prefix) + 7, serial);
    (void)snprintf(mccmnc, sizeof mccmnc, "%s%s", n->mcc, n->mnc);
    fill(ret->imsi, mccmnc, 15, serial);
    fill(ret->iccid, n->iccid_prefix, 18, serial);
    ret->iccid[18] = luhn_digit(ret->iccid);
    ret->iccid[19] = '\0';
    fill(ret->imei, n->tac_prefix, 14, serial);
    ret->imei[14] = luhn_digit(ret->imei);
    ret->imei[15] = '\0';
    fill(text, n->iccid_prefix, 30, serial);
    for (const char *p = text; *p != '\0'; p++) {
        rest = (rest * 10 + (unsigned)(*p - '0')) % 97;
    }
    rest = 98 - rest * 100 % 97; /* the whole number is then 1 modulo 97 */
    (void)snprintf(ret->eid, sizeof ret->eid, "%.30s%02u", text, rest);
}

vch_err vch_netsim_canon(enum vch_netsim_kind kind, const char *text, char *room, size_t cap)
{
    enum vch_disc_key key = kind == VCH_NETSIM_MSISDN  ? VCH_DISC_MSISDN
                            : kind == VCH_NETSIM_ICCID ? VCH_DISC_ICCID
                            : kind == VCH_NETSIM_EID   ? VCH_DISC_EID
                                                       : VCH_DISC_IMEI;
    uint8_t out[VCH_IDENTITY_ROOM];
    struct vch_bytes got;

    VCH_CHECK(vch_ok(vch_stmt_identity_canon(key, vch_text(text), VCH_SPAN_OF(out), &got)),
              NETSIM_ARGUMENT);
    VCH_CHECK(got.n < cap, NETSIM_ARGUMENT);
    memcpy(room, got.p, got.n);
    room[got.n] = '\0';
    return VCH_OK;
}
