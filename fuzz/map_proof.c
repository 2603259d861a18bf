/* What is read encodes to the same bytes: a proof has one form. */
#include <vouch/merkle/map.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[VCH_MAP_PROOF_SIZE_MAX];
    static struct vch_map_proof p;
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes again;

    if (vch_ok(vch_map_proof_decode(vch_bytes(data, size), &p))) {
        vch_map_proof_encode(&p, &w);
        VCH_ASSERT(vch_ok(vch_writer_finish(&w, &again)));
        VCH_ASSERT(vch_bytes_equal(again, vch_bytes(data, size)));
    }
    return 0;
}
