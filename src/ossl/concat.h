/* Ed25519 reads its message twice, so parts are joined first. */
#ifndef VCH_OSSL_CONCAT_H
#define VCH_OSSL_CONCAT_H

#include <vouch/base/buf.h>

/* The concatenation of N PARTS: the part itself if there is one, otherwise in ROOM.
 * Errors: LIMIT. */
VCH_CHECKED static inline vch_err vch_ossl_concat(const struct vch_bytes *parts, size_t n,
                                                  struct vch_buf *room, struct vch_bytes *ret)
{
    if (n == 1) {
        *ret = parts[0];
        return VCH_OK;
    }
    for (size_t i = 0; i < n; i++) {
        VCH_TRY(vch_buf_append(room, parts[i]));
    }
    *ret = vch_buf_get(room);
    return VCH_OK;
}

#endif
