/* Anchors and polls: one input is at most one of them. */
#include <vouch/stmt/anchor.h>
#include <vouch/stmt/poll.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_bytes in = vch_bytes(data, size);
    struct vch_stmt_anchor a;
    struct vch_stmt_poll p;
    bool is_anchor = vch_ok(vch_stmt_anchor_decode(in, &a));
    bool is_poll = vch_ok(vch_stmt_poll_decode(in, &p));

    VCH_ASSERT(!is_anchor || !is_poll);
    VCH_ASSERT(!is_anchor || (a.count >= 1 && a.root.n == VCH_HASH_LEN));
    return 0;
}
