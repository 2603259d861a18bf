/* A bundle read whole and read in windows of one more byte each gives the same records. */
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/bundle.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads on until something is wrong; a hash-free sum of types and lengths. */
static uint64_t read_all(struct vch_bytes in, size_t step_size, bool fragment)
{
    struct vch_stmt_bundle_reader r;
    struct vch_stmt_bundle_rec rec;
    enum vch_stmt_bundle_step step;
    size_t from = 0, window = step_size;
    uint64_t sum = 0;

    vch_stmt_bundle_reader_init(&r, vch_ossl_crypto(), fragment);
    for (;;) {
        struct vch_bytes view;

        window = window > in.n - from ? in.n - from : window;
        view = vch_bytes(in.p + from, window);
        if (!vch_ok(vch_stmt_bundle_next(&r, view, from + window == in.n, &step, &rec)) ||
            step == VCH_BUNDLE_END) {
            return sum;
        }
        if (step == VCH_BUNDLE_MORE) {
            window += step_size;
            continue;
        }
        for (struct vch_bytes one; vch_stmt_bundle_list_next(&rec.list, &one);) {
            sum = sum * 31 + one.n;
        }
        sum = sum * 31 + (uint64_t)rec.type * 65537 + rec.whole.n;
        from += rec.whole.n;
        window = step_size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_bytes in = vch_bytes(data, size);

    VCH_ASSERT(read_all(in, size + 1, false) == read_all(in, 97, false));
    VCH_ASSERT(read_all(in, size + 1, true) == read_all(in, 97, true));
    return 0;
}
