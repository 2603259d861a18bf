/* Heap sort without heap memory; for the files of this module only. */
#ifndef VCH_VERIFY_SORT_H
#define VCH_VERIFY_SORT_H

#include <stddef.h>

struct sorter {
    /* Is element A less than B? */
    int (*less)(const void *self, size_t a, size_t b);
    void (*swap)(const void *self, size_t a, size_t b);
    const void *self;
};

void vch_verify_sort_heap(const struct sorter *s, size_t count);

#endif
