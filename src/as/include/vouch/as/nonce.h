/* vouch/as/nonce.h - nonces that make a device's statement fresh, and good for one use.
 * Layer 11, part "access control". Thread-safe.
 *
 * A nonce is [expiry s, 4 bytes][random, 12 bytes][HMAC-SHA-256 over both, first 16 bytes]. Handing
 * one out stores nothing; only a used one is remembered, until it expires, with the content that it
 * was used for: the same request sent again, because its answer was lost, is no second use. The key
 * lives as long as the process, so nothing used before a restart can be used again after it. */
#ifndef VOUCH_AS_NONCE_H
#define VOUCH_AS_NONCE_H

#include <vouch/base/bytes.h>
#include <vouch/crypto/port.h>

#define VCH_AS_NONCE_LEN 32

struct vch_as_nonces;

/* LIFE_S: how long a nonce is good; USED_MAX: how many used ones are remembered at a time.
 * Errors: CRYPTO (no randomness). */
VCH_CHECKED vch_err vch_as_nonces_open(const struct vch_crypto *cr, vch_random_fn random,
                                       void *random_self, unsigned life_s, size_t used_max,
                                       struct vch_as_nonces **ret);
void vch_as_nonces_close(struct vch_as_nonces *n); /* NULL is allowed */
/* Makes one at NOW_S (Unix time). Errors: CRYPTO. */
VCH_CHECKED vch_err vch_as_nonce_make(struct vch_as_nonces *n, int64_t now_s,
                                      uint8_t ret[VCH_AS_NONCE_LEN]);
/* Is NONCE one of ours and still good? Uses nothing up. Errors: AS_NONCE. */
VCH_CHECKED vch_err vch_as_nonce_check(struct vch_as_nonces *n, struct vch_bytes nonce,
                                       int64_t now_s);
/* Uses NONCE up for the request whose content ID is CONTENT. With REPEAT the same content may come
 * again. Errors: AS_NONCE (not ours, expired); AS_NONCE_USED; AS_BUSY (too many used ones are still
 * unexpired). */
VCH_CHECKED vch_err vch_as_nonce_use(struct vch_as_nonces *n, struct vch_bytes nonce,
                                     const struct vch_hash *content, bool repeat, int64_t now_s);

#endif
