#include "sort.h"

static void sift_down(const struct sorter *s, size_t at, size_t count)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= count) {
            return;
        }
        if (child + 1 < count && s->less(s->self, child, child + 1)) {
            child++;
        }
        if (!s->less(s->self, at, child)) {
            return;
        }
        s->swap(s->self, at, child);
        at = child;
    }
}

void vch_verify_sort_heap(const struct sorter *s, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(s, i, count);
    }
    for (size_t n = count; n > 1; n--) {
        s->swap(s->self, 0, n - 1);
        sift_down(s, 0, n - 1);
    }
}
