/* Decimal numbers onto a writer and their canonical reading; of this module only. */
#ifndef VCH_MERKLE_DECIMAL_H
#define VCH_MERKLE_DECIMAL_H

#include <vouch/base/text.h>

static inline void put_decimal(struct vch_writer *w, uint64_t v)
{
    uint8_t d[20];
    size_t at = sizeof(d);

    do {
        d[--at] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    vch_writer_bytes(w, vch_bytes(d + at, sizeof(d) - at));
}

/* No sign, no leading zero. */
static inline bool read_decimal(struct vch_bytes text, uint64_t max, uint64_t *ret)
{
    return (text.n <= 1 || text.p[0] != '0') && vch_ok(vch_u64_parse(text, max, ret));
}

#endif
