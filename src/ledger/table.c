#include "table.h"

#define CHUNK_MIN (4u * 1024) /* a batch of one statement */
#define CHUNK_MAX (256u * 1024)

struct vch_ledger_chunk {
    struct vch_ledger_chunk *next;
    size_t used, cap;
    max_align_t bytes[];
};

static void *arena(struct vch_ledger_table *t, size_t n)
{
    struct vch_ledger_chunk *c = t->chunks;
    uint8_t *p;

    n = (n + 15) & ~(size_t)15;
    if (c == NULL || c->cap - c->used < n) {
        size_t cap = t->held < CHUNK_MIN ? CHUNK_MIN : t->held;

        cap = cap > CHUNK_MAX ? CHUNK_MAX : cap;
        cap = cap < n ? n : cap;
        c = vch_mem_alloc(sizeof(*c) + cap);
        c->cap = cap;
        t->held += cap;
        c->next = t->chunks;
        t->chunks = c;
    }
    p = (uint8_t *)c->bytes + c->used;
    c->used += n;
    return p;
}

void vch_ledger_table_reset(struct vch_ledger_table *t)
{
    while (t->chunks != NULL) {
        struct vch_ledger_chunk *c = t->chunks;

        t->chunks = c->next;
        vch_mem_free(c);
    }
    vch_mem_free(t->heads);
    *t = (struct vch_ledger_table){.heads = NULL};
}

void vch_ledger_table_fini(struct vch_ledger_table *t)
{
    vch_ledger_table_reset(t);
}

/* Keys end in bytes of a hash or in the leading bits of one: the last eight tell them apart. */
static size_t hash_of(struct vch_bytes key)
{
    size_t n = key.n < 8 ? key.n : 8;
    uint64_t h = 0;

    memcpy(&h, key.p + key.n - n, n);
    h = (h ^ key.p[0]) * 0x9e3779b97f4a7c15u;
    return (size_t)(h ^ h >> 32);
}

static struct vch_ledger_slot **head_of(const struct vch_ledger_table *t, struct vch_bytes key)
{
    return &t->heads[hash_of(key) & (t->width - 1)];
}

static struct vch_ledger_slot *find(const struct vch_ledger_table *t, struct vch_bytes key)
{
    struct vch_ledger_slot *s;

    if (t->width == 0) {
        return NULL;
    }
    for (s = *head_of(t, key); s != NULL; s = s->next) {
        if (s->key_n == key.n && memcmp(s->key, key.p, key.n) == 0) {
            return s;
        }
    }
    return NULL;
}

static void link_in(struct vch_ledger_table *t, struct vch_ledger_slot *s)
{
    struct vch_ledger_slot **head = head_of(t, vch_bytes(s->key, s->key_n));

    s->next = *head;
    *head = s;
}

static void widen(struct vch_ledger_table *t)
{
    struct vch_ledger_slot **old = t->heads;
    size_t old_width = t->width;

    if (t->count < t->width) {
        return;
    }
    t->width = old_width == 0 ? 64 : old_width * 2;
    t->heads = vch_mem_alloc(t->width * sizeof(struct vch_ledger_slot *));
    for (size_t i = 0; i < old_width; i++) {
        while (old[i] != NULL) {
            struct vch_ledger_slot *s = old[i];

            old[i] = s->next;
            link_in(t, s);
        }
    }
    vch_mem_free(old);
}

void vch_ledger_table_put(struct vch_ledger_table *t, struct vch_bytes key, struct vch_bytes value)
{
    struct vch_ledger_slot *s = find(t, key);

    if (s == NULL) {
        VCH_ASSERT(key.n <= UINT8_MAX);
        widen(t);
        s = arena(t, sizeof(*s) + key.n);
        s->key_n = (uint8_t)key.n;
        memcpy(s->key, key.p, key.n);
        s->cap = 0;
        s->n = 0;
        link_in(t, s);
        t->count++;
    }
    if (s->cap < value.n) {
        s->value = arena(t, value.n);
        s->cap = (uint32_t)value.n;
    }
    s->n = (uint32_t)value.n;
    if (value.n != 0) {
        memcpy(s->value, value.p, value.n);
    }
}

bool vch_ledger_table_get(const struct vch_ledger_table *t, struct vch_bytes key,
                          struct vch_bytes *ret)
{
    const struct vch_ledger_slot *s = find(t, key);

    if (s == NULL) {
        return false;
    }
    *ret = vch_bytes(s->value, s->n);
    return true;
}

void vch_ledger_table_merge(struct vch_ledger_table *into, struct vch_ledger_table *from)
{
    struct vch_ledger_chunk **last = &from->chunks;

    for (size_t i = 0; i < from->width; i++) {
        while (from->heads[i] != NULL) {
            struct vch_ledger_slot *s = from->heads[i];
            struct vch_ledger_slot *old = find(into, vch_bytes(s->key, s->key_n));

            from->heads[i] = s->next;
            if (old != NULL) {
                old->value = s->value;
                old->n = s->n;
                old->cap = s->cap;
                continue;
            }
            widen(into);
            link_in(into, s);
            into->count++;
        }
    }
    while (*last != NULL) { /* the memory goes along */
        last = &(*last)->next;
    }
    *last = into->chunks;
    into->chunks = from->chunks;
    into->held += from->held;
    from->chunks = NULL;
    vch_ledger_table_reset(from);
}

static int slot_cmp(const void *a, const void *b)
{
    const struct vch_ledger_slot *x = *(struct vch_ledger_slot *const *)a;
    const struct vch_ledger_slot *y = *(struct vch_ledger_slot *const *)b;

    return vch_bytes_cmp(vch_bytes(x->key, x->key_n), vch_bytes(y->key, y->key_n));
}

struct vch_ledger_slot **vch_ledger_table_sorted(const struct vch_ledger_table *t)
{
    struct vch_ledger_slot **all = vch_mem_alloc((t->count + 1) * sizeof(struct vch_ledger_slot *));
    size_t n = 0;

    for (size_t i = 0; i < t->width; i++) {
        for (struct vch_ledger_slot *s = t->heads[i]; s != NULL; s = s->next) {
            all[n++] = s;
        }
    }
    VCH_ASSERT(n == t->count);
    qsort(all, n, sizeof(struct vch_ledger_slot *), slot_cmp);
    return all;
}
