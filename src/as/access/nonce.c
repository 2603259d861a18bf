#include <vouch/as/nonce.h>

#include <pthread.h>

#include <vouch/base/buf.h>

/* A used nonce: open addressing by its random part, which the MAC makes unforgeable. */
struct used {
    uint32_t expiry_s; /* 0: free */
    uint8_t random[12];
    struct vch_hash content;
};

struct vch_as_nonces {
    const struct vch_crypto *cr;
    vch_random_fn random;
    void *random_self;
    uint8_t key[32];
    unsigned life_s;
    pthread_mutex_t lock;
    struct used *slots;
    size_t slot_count; /* a power of two */
    size_t used;       /* taken slots, expired ones included until the next sweep */
    size_t used_max;
};

vch_err vch_as_nonces_open(const struct vch_crypto *cr, vch_random_fn random, void *random_self,
                           unsigned life_s, size_t used_max, struct vch_as_nonces **ret)
{
    struct vch_as_nonces *n = vch_mem_alloc(sizeof *n);
    size_t count = 16;
    vch_err e;

    while (count < used_max * 2) {
        count *= 2;
    }
    n->cr = cr;
    n->random = random;
    n->random_self = random_self;
    n->life_s = life_s;
    n->used_max = used_max;
    n->slot_count = count;
    n->slots = vch_mem_alloc(count * sizeof *n->slots);
    pthread_mutex_init(&n->lock, NULL);
    e = random(random_self, VCH_SPAN_OF(n->key));
    if (!vch_ok(e)) {
        vch_as_nonces_close(n);
        return e;
    }
    *ret = n;
    return VCH_OK;
}

void vch_as_nonces_close(struct vch_as_nonces *n)
{
    if (n == NULL) {
        return;
    }
    pthread_mutex_destroy(&n->lock);
    vch_mem_free(n->slots);
    vch_wipe(n->key, sizeof n->key);
    vch_mem_free(n);
}

static void mac(const struct vch_as_nonces *n, const uint8_t *head, struct vch_hash *ret)
{
    struct vch_bytes parts[] = {vch_text("vouch nonce 1"), vch_bytes(head, 16)};

    vch_hmac_sha256(n->cr, VCH_BYTES_OF(n->key), parts, VCH_ARRAY_LEN(parts), ret);
}

vch_err vch_as_nonce_make(struct vch_as_nonces *n, int64_t now_s, uint8_t ret[VCH_AS_NONCE_LEN])
{
    uint8_t out[VCH_AS_NONCE_LEN];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(out));
    struct vch_hash h;

    vch_writer_u32(&w, (uint32_t)(now_s + n->life_s));
    VCH_TRY(n->random(n->random_self, vch_span(out + 4, 12)));
    mac(n, out, &h);
    memcpy(out + 16, h.b, 16);
    memcpy(ret, out, sizeof out);
    return VCH_OK;
}

vch_err vch_as_nonce_check(struct vch_as_nonces *n, struct vch_bytes nonce, int64_t now_s)
{
    struct vch_reader r = vch_reader(nonce);
    struct vch_hash h;
    uint32_t expiry_s;

    VCH_CHECK(nonce.n == VCH_AS_NONCE_LEN, AS_NONCE);
    mac(n, nonce.p, &h);
    VCH_CHECK(vch_equal_ct(vch_bytes(h.b, 16), vch_bytes(nonce.p + 16, 16)), AS_NONCE);
    VCH_TRY(vch_reader_u32(&r, &expiry_s));
    VCH_CHECK(now_s < (int64_t)expiry_s, AS_NONCE);
    return VCH_OK;
}

static size_t slot_of(const struct vch_as_nonces *n, const uint8_t random[12])
{
    size_t v;

    memcpy(&v, random, sizeof v);
    return v & (n->slot_count - 1);
}

/* The slot of RANDOM, or the free one where it belongs. */
static struct used *slot_find(struct vch_as_nonces *n, const uint8_t random[12])
{
    size_t at = slot_of(n, random);

    while (n->slots[at].expiry_s != 0 && memcmp(n->slots[at].random, random, 12) != 0) {
        at = (at + 1) & (n->slot_count - 1);
    }
    return &n->slots[at];
}

/* Rebuilds the table without what has expired. */
static void sweep(struct vch_as_nonces *n, int64_t now_s)
{
    struct used *old = n->slots;

    n->slots = vch_mem_alloc(n->slot_count * sizeof *n->slots);
    n->used = 0;
    for (size_t i = 0; i < n->slot_count; i++) {
        if (old[i].expiry_s != 0 && now_s < (int64_t)old[i].expiry_s) {
            *slot_find(n, old[i].random) = old[i];
            n->used++;
        }
    }
    vch_mem_free(old);
}

static vch_err use_locked(struct vch_as_nonces *n, struct vch_bytes nonce,
                          const struct vch_hash *content, bool repeat, int64_t now_s)
{
    struct vch_reader r = vch_reader(nonce);
    struct used *s;
    uint32_t expiry_s;

    VCH_TRY(vch_reader_u32(&r, &expiry_s));
    s = slot_find(n, nonce.p + 4);
    if (s->expiry_s != 0) {
        VCH_CHECK(repeat && vch_hash_equal(&s->content, content), AS_NONCE_USED);
        return VCH_OK;
    }
    if (n->used >= n->used_max) {
        sweep(n, now_s);
        VCH_CHECK(n->used < n->used_max, AS_BUSY);
        s = slot_find(n, nonce.p + 4);
    }
    s->expiry_s = expiry_s;
    memcpy(s->random, nonce.p + 4, 12);
    s->content = *content;
    n->used++;
    return VCH_OK;
}

vch_err vch_as_nonce_use(struct vch_as_nonces *n, struct vch_bytes nonce,
                         const struct vch_hash *content, bool repeat, int64_t now_s)
{
    vch_err e;

    VCH_TRY(vch_as_nonce_check(n, nonce, now_s));
    pthread_mutex_lock(&n->lock);
    e = use_locked(n, nonce, content, repeat, now_s);
    pthread_mutex_unlock(&n->lock);
    return e;
}
