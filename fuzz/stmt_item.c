/* Whatever is taken as an item cites what its pointer names. */
#include <vouch/stmt/item.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_stmt_item it;
    struct vch_hash txid;

    if (vch_ok(vch_stmt_item_decode(vch_bytes(data, size), &it))) {
        VCH_ASSERT(it.payload.n == VCH_HASH_LEN && it.count >= 1 &&
                   it.count <= VCH_BATCH_ROWS_COUNT);
        VCH_ASSERT(it.mode == VCH_ITEM_SINGLE || it.has_pointer);
        if (it.has_pointer) {
            memcpy(txid.b, it.pointer_txid.p, VCH_HASH_LEN);
            VCH_ASSERT(vch_stmt_item_cites(&it, &txid));
            VCH_ASSERT(vch_ok(vch_stmt_address_check(&it.pointer_address)));
        }
    }
    return 0;
}
