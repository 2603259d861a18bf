#include <vouch/verify/trust.h>

size_t vch_verify_as_find(const struct vch_verify_trust *t, struct vch_bytes id)
{
    for (size_t i = 0; i < t->as_count; i++) {
        if (vch_bytes_equal(t->as[i].id, id)) {
            return i;
        }
    }
    return VCH_VERIFY_NONE;
}

size_t vch_verify_ledger_find(const struct vch_verify_trust *t, struct vch_bytes id)
{
    for (size_t i = 0; i < t->ledger_count; i++) {
        if (vch_bytes_equal(t->ledgers[i].id, id)) {
            return i;
        }
    }
    return VCH_VERIFY_NONE;
}

bool vch_verify_as_on_ledger(const struct vch_verify_as *as, struct vch_bytes id)
{
    for (size_t i = 0; i < as->ledger_count; i++) {
        if (vch_bytes_equal(as->ledgers[i], id)) {
            return true;
        }
    }
    return false;
}

int64_t vch_verify_alg_end(const struct vch_verify_trust *t, enum vch_alg alg)
{
    int64_t end = INT64_MAX;

    for (size_t i = 0; i < t->retired_count; i++) {
        if (t->retired[i].alg == alg && t->retired[i].from_ms < end) {
            end = t->retired[i].from_ms;
        }
    }
    return end;
}
