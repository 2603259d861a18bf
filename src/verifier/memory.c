#include "verifier_int.h"

#define CHUNK ((size_t)1 << 20)

void *vch_verifier_arena_take(struct arena *a, size_t n)
{
    size_t size = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct arena_chunk *c = a->head;

    if (c == NULL || c->cap - c->used < size) {
        size_t cap = size > CHUNK ? size : CHUNK;

        c = vch_mem_alloc(sizeof(*c) + cap);
        c->cap = cap;
        c->next = a->head;
        a->head = c;
    }
    c->used += size;
    return (uint8_t *)c->bytes + c->used - size;
}

struct vch_bytes vch_verifier_arena_copy(struct arena *a, struct vch_bytes b)
{
    uint8_t *p = vch_verifier_arena_take(a, b.n == 0 ? 1 : b.n);

    if (b.n != 0) {
        memcpy(p, b.p, b.n);
    }
    return vch_bytes(p, b.n);
}

void vch_verifier_arena_fini(struct arena *a)
{
    while (a->head != NULL) {
        struct arena_chunk *next = a->head->next;

        vch_mem_free(a->head);
        a->head = next;
    }
}

void *vch_verifier_list_add(struct list *l, size_t element)
{
    uint8_t *at;

    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        l->p = vch_mem_realloc(l->p, l->cap * element);
    }
    at = (uint8_t *)l->p + l->n * element;
    memset(at, 0, element);
    l->n++;
    return at;
}
