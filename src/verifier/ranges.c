#include <vouch/base/text.h>
#include <vouch/verifier/write.h>

/* "10-20", "35" or "40-". */
static vch_err range_parse(struct vch_bytes part, struct vch_verifier_range *ret)
{
    const uint8_t *dash = part.n > 0 ? memchr(part.p, '-', part.n) : NULL;
    size_t left = dash == NULL ? part.n : (size_t)(dash - part.p);
    struct vch_bytes right = vch_bytes_slice(part, left + 1, SIZE_MAX);

    VCH_TRY(vch_u64_parse(vch_bytes(part.p, left), UINT64_MAX - 1, &ret->first));
    ret->last = ret->first;
    if (dash != NULL && right.n == 0) {
        ret->last = UINT64_MAX;
    } else if (dash != NULL) {
        VCH_TRY(vch_u64_parse(right, UINT64_MAX - 1, &ret->last));
    }
    VCH_CHECK(ret->last >= ret->first, TEXT);
    return VCH_OK;
}

vch_err vch_verifier_ranges_parse(struct vch_bytes text, struct vch_verifier_ranges *ret)
{
    struct vch_verifier_ranges r = {.n = 0};
    size_t from = 0;

    for (size_t i = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != ',') {
            continue;
        }
        VCH_CHECK(r.n < VCH_VERIFIER_RANGES_MAX, LIMIT);
        VCH_TRY(range_parse(vch_bytes_slice(text, from, i - from), &r.v[r.n]));
        VCH_CHECK(r.n == 0 || r.v[r.n].first > r.v[r.n - 1].last, TEXT);
        r.n++;
        from = i + 1;
    }
    *ret = r;
    return VCH_OK;
}
