#include <vouch/http/rate.h>

#include <pthread.h>
#include <sys/random.h>

#include <vouch/base/buf.h>

/* A set of WAYS buckets by the key's hash: look-up and eviction look at one set only. The key is
 * kept as a 128-bit value under a random start, which is unique for all practical purposes and
 * which a client cannot steer into one set. */
#define WAYS 8

struct bucket {
    uint64_t id[2]; /* {0, 0}: free */
    int64_t at_ms;
    double tokens;
};

struct vch_rate {
    pthread_mutex_t lock;
    double per_ms;
    double burst;
    uint64_t seed[2];
    size_t sets;
    struct bucket *buckets;
};

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    return h ^ h >> 32;
}

static void identify(const struct vch_rate *r, struct vch_bytes key, uint64_t id[2])
{
    id[0] = r->seed[0];
    id[1] = r->seed[1];
    for (size_t i = 0; i < key.n; i++) {
        id[0] = mix(id[0] + key.p[i] + 1);
        id[1] = mix(id[1] ^ (id[0] + key.p[i]));
    }
    id[0] |= 1;
}

struct vch_rate *vch_rate_open(double per_s, unsigned burst, size_t keys)
{
    struct vch_rate *r = vch_mem_alloc(sizeof(*r));

    VCH_ASSERT(per_s > 0 && burst >= 1 && keys >= 1 &&
               keys <= SIZE_MAX / 2 / sizeof(struct bucket));
    VCH_ASSERT(pthread_mutex_init(&r->lock, NULL) == 0);
    VCH_ASSERT(getrandom(r->seed, sizeof(r->seed), 0) == (ssize_t)sizeof(r->seed));
    r->per_ms = per_s / 1000;
    r->burst = burst;
    r->sets = (keys + WAYS - 1) / WAYS;
    r->buckets = vch_mem_alloc(r->sets * WAYS * sizeof(*r->buckets));
    return r;
}

void vch_rate_close(struct vch_rate *r)
{
    if (r == NULL) {
        return;
    }
    pthread_mutex_destroy(&r->lock);
    vch_mem_free(r->buckets);
    vch_mem_free(r);
}

/* The bucket of ID, or the one of its set to be reused for it, filled up. */
static struct bucket *find(struct vch_rate *r, const uint64_t id[2], int64_t now_ms)
{
    struct bucket *set = &r->buckets[(id[1] % r->sets) * WAYS];
    struct bucket *oldest = set;

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].id[0] == id[0] && set[i].id[1] == id[1]) {
            return &set[i];
        }
        if (set[i].id[0] == 0) {
            oldest = &set[i];
            break;
        }
        if (set[i].at_ms < oldest->at_ms) {
            oldest = &set[i];
        }
    }
    *oldest = (struct bucket){{id[0], id[1]}, now_ms, r->burst};
    return oldest;
}

vch_err vch_rate_take(struct vch_rate *r, struct vch_bytes key, unsigned cost, int64_t now_ms,
                      int64_t *reterr_wait_ms)
{
    uint64_t id[2];
    struct bucket *b;
    vch_err e = VCH_OK;

    identify(r, key, id);
    pthread_mutex_lock(&r->lock);
    b = find(r, id, now_ms);
    if (now_ms > b->at_ms) {
        b->tokens += (double)(now_ms - b->at_ms) * r->per_ms;
        b->tokens = b->tokens > r->burst ? r->burst : b->tokens;
        b->at_ms = now_ms;
    }
    if (b->tokens >= cost) {
        b->tokens -= cost;
    } else {
        *reterr_wait_ms = (int64_t)((cost - b->tokens) / r->per_ms) + 1;
        e = VCH_E(HTTP_RATE);
    }
    pthread_mutex_unlock(&r->lock);
    return e;
}
