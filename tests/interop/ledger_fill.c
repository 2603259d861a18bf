/* vch_ledger_fill - makes a ledger with fixed keys and N registrations for other implementations to
 * read.
 *
 *   vch_ledger_fill DIR N */
#include "vch_ledger_kit.h"

#include <vouch/engine/engine.h>

int main(int argc, char **argv)
{
    struct vch_engine_options o = {.flush_ms = 20};
    static struct k_kit kit;
    struct vch_engine *e;
    struct vch_ledger l;
    uint64_t n;

    if (argc != 3 || !vch_ok(vch_u64_parse(vch_text(argv[2]), 100000, &n))) {
        fprintf(stderr, "usage: vch_ledger_fill DIR N\n");
        return 64;
    }
    k_open(&kit);
    o.cr = kit.cr;
    o.dir = argv[1];
    o.signer = k_signer(&kit, K_LEDGER);
    o.checkpoint_signer = k_signer(&kit, K_CHECKPOINT);
    if (!vch_ok(vch_engine_create(&o, K_LEDGER_ID, kit.authority, K_KEYS, 1u << 20)) ||
        !vch_ok(vch_engine_open(&o, &e, NULL))) {
        return 2;
    }
    vch_engine_ledger(e, false, &l);
    for (uint64_t i = 0; i < n; i++) {
        struct vch_ledger_ack ack;
        struct k_statement s;

        k_register(&kit, i, &s);
        if (!vch_ok(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL))) {
            return 1;
        }
    }
    vch_ledger_close(&l); /* the last flush writes the checkpoint of the last head */
    k_close(&kit);
    return 0;
}
