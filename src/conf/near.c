#include "near.h"

#define LONGEST 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

unsigned vch_conf_distance(struct vch_bytes a, struct vch_bytes b)
{
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];

    if (a.n > LONGEST || b.n > LONGEST) {
        return LONGEST;
    }
    for (size_t j = 0; j <= b.n; j++) {
        last[j] = (unsigned)j;
        before[j] = 0;
    }
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *spare = before;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned change = a.p[i - 1] == b.p[j - 1] ? 0 : 1;

            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b.n];
}

bool vch_conf_near(struct vch_bytes a, struct vch_bytes b, unsigned *ret_distance)
{
    unsigned d = vch_conf_distance(a, b);
    size_t longer = a.n > b.n ? a.n : b.n;

    if (d > 3 || d > (longer + 2) / 3) {
        return false;
    }
    *ret_distance = d;
    return true;
}
