/* Rates of the pure paths on one core, as JSON: what tools/bench.py sets in proportion to
 * `openssl speed` of the same run. Each figure is the best of several slices, so that a noisy
 * neighbour does not count against it. */
#include <stdio.h>
#include <time.h>

#include <vouch/merkle/tree.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>
#include <vouch/stmt/item.h>

#define ROWS_MAX 1024
#define SLICES   5

struct world {
    const struct vch_crypto *cr;
    struct vch_ossl_key *key;
    const struct vch_signer *signer;
    uint8_t txid[VCH_HASH_LEN]; /* of an endorsement; its start is the items' kid */
    uint8_t seed[VCH_SEED_LEN];
    uint8_t room[VCH_ITEM_MAX];
    struct vch_stmt_item item; /* what the next call signs or verifies */
    struct vch_bytes encoded;
    uint64_t seq;
    size_t rows;
};

static const char reading[] = "2026-07-01 12:30:00,0.392,0.418\n"; /* about what a meter sends */

static double now_s(void)
{
    struct timespec ts = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Calls per second of FN, each call doing UNITS. */
static double rate(vch_err (*fn)(struct world *), struct world *w, double units)
{
    double best = 0;

    for (int s = 0; s < SLICES; s++) {
        double begun = now_s();
        double spent;
        unsigned long n = 0;

        do {
            for (int i = 0; i < 8; i++, n++) {
                vch_err e = fn(w);

                if (!vch_ok(e)) {
                    fprintf(stderr, "bench: %s\n", vch_err_info(e)->slug);
                    exit(1);
                }
            }
            spent = now_s() - begun;
        } while (spent < 0.25);
        if ((double)n * units / spent > best) {
            best = (double)n * units / spent;
        }
    }
    return best;
}

static void fill(struct world *w, enum vch_item_mode mode, const struct vch_hash *payload,
                 uint64_t count)
{
    w->item = (struct vch_stmt_item){.kid = vch_bytes(w->txid, VCH_ITEM_KID_LEN),
                                     .content_type = vch_text("text/csv; header=absent"),
                                     .payload = vch_hash_bytes(payload),
                                     .mode = mode,
                                     .seq = ++w->seq,
                                     .time_ms = 1790000000000 + (int64_t)w->seq,
                                     .count = count,
                                     .first_time_ms = 1790000000000 + (int64_t)w->seq,
                                     .has_pointer = mode == VCH_ITEM_BATCH,
                                     .pointer_txid = VCH_BYTES_OF(w->txid),
                                     .pointer_address = {vch_text("ledger.op1.example/divs"),
                                                         vch_text("https://as1.op1.example")}};
}

static vch_err sign_single(struct world *w)
{
    static const uint8_t salt[VCH_SALT_LEN] = {1};
    struct vch_hash digest;

    vch_stmt_item_digest(w->cr, salt, vch_text(reading), &digest);
    fill(w, VCH_ITEM_SINGLE, &digest, 1);
    return vch_stmt_item_encode(w->signer, &w->item, VCH_SPAN_OF(w->room), &w->encoded);
}

static vch_err batch_root(struct world *w, struct vch_hash *ret)
{
    struct vch_merkle_frontier f = {0};

    for (size_t i = 0; i < w->rows; i++) {
        uint8_t salt[VCH_SALT_LEN];
        struct vch_hash leaf;

        vch_stmt_item_salt(w->cr, w->seed, i, salt);
        vch_stmt_item_leaf(w->cr, salt, vch_text(reading), &leaf);
        VCH_TRY(vch_merkle_frontier_append(w->cr, &f, &leaf));
    }
    vch_merkle_frontier_root(w->cr, &f, ret);
    return VCH_OK;
}

static vch_err sign_batch(struct world *w)
{
    struct vch_hash root;

    VCH_TRY(batch_root(w, &root));
    fill(w, VCH_ITEM_BATCH, &root, w->rows);
    return vch_stmt_item_encode(w->signer, &w->item, VCH_SPAN_OF(w->room), &w->encoded);
}

static vch_err verify_single(struct world *w)
{
    static const uint8_t salt[VCH_SALT_LEN] = {1};
    struct vch_stmt_item it;

    VCH_TRY(vch_stmt_item_decode(w->encoded, &it));
    VCH_TRY(vch_stmt_item_verify(w->cr, &it, &w->signer->pub));
    return vch_stmt_item_check_raw(w->cr, &it, salt, vch_text(reading));
}

static vch_err verify_batch(struct world *w)
{
    struct vch_stmt_item it;
    struct vch_hash root;

    VCH_TRY(vch_stmt_item_decode(w->encoded, &it));
    VCH_TRY(vch_stmt_item_verify(w->cr, &it, &w->signer->pub));
    VCH_TRY(batch_root(w, &root));
    return vch_stmt_item_check_root(&it, &root);
}

int main(void)
{
    struct world w = {.cr = vch_ossl_crypto(), .rows = 64};
    size_t overhead;
    vch_err e = vch_ossl_key_generate(VCH_ALG_ES256, &w.key);

    if (!vch_ok(e)) {
        fprintf(stderr, "bench: %s\n", vch_err_info(e)->slug);
        return 1;
    }
    w.signer = vch_ossl_key_signer(w.key);
    printf("{\"sign_single\":%.0f", rate(sign_single, &w, 1));
    overhead = w.encoded.n;
    printf(",\"single_bytes\":%zu,\"verify_single\":%.0f", overhead, rate(verify_single, &w, 1));
    printf(",\"sign_batch64_rows\":%.0f", rate(sign_batch, &w, 64));
    printf(",\"batch64_bytes_per_row\":%.2f", (double)(w.encoded.n + VCH_SEED_LEN) / 64);
    w.rows = ROWS_MAX;
    e = sign_batch(&w);
    if (vch_ok(e)) {
        printf(",\"verify_batch1024_rows\":%.0f}\n", rate(verify_batch, &w, ROWS_MAX));
    }
    vch_ossl_key_close(w.key);
    return vch_ok(e) ? 0 : 1;
}
