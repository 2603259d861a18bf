/* vouch/http/rate.h - token buckets by key, in bounded memory.
 * Layer 8, thread-safe.
 *
 * A table of at most KEYS buckets; when it is full, the bucket longest untouched among a few
 * candidates makes room, so that a flood of new keys costs memory nothing and can at worst let an
 * idle key start with a full bucket again. */
#ifndef VOUCH_HTTP_RATE_H
#define VOUCH_HTTP_RATE_H

#include <vouch/base/bytes.h>

struct vch_rate;

/* PER_S tokens a second (> 0), at most BURST (>= 1) saved up, KEYS buckets (>= 1). */
struct vch_rate *vch_rate_open(double per_s, unsigned burst, size_t keys);
void vch_rate_close(struct vch_rate *r); /* NULL is allowed */
/* Takes COST tokens of KEY at NOW_MS of a monotonic clock. On refusal nothing is taken and
 * RETERR_WAIT_MS says when as many will be there. Errors: HTTP_RATE. */
VCH_CHECKED vch_err vch_rate_take(struct vch_rate *r, struct vch_bytes key, unsigned cost,
                                  int64_t now_ms, int64_t *reterr_wait_ms);

#endif
