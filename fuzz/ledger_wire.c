/* A far ledger's answers, state proofs, values of the state and entries of the system: decoded or
 * refused, and what was decoded encodes to the same bytes. */
#include <vouch/contract/proof.h>
#include <vouch/ledger/wire.h>
#include <vouch/ossl/crypto.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[1u << 16];

static void same(const struct vch_writer *w, struct vch_bytes in)
{
    struct vch_bytes again;

    VCH_ASSERT(vch_ok(vch_writer_finish(w, &again)) && vch_bytes_equal(again, in));
}

static void wire(struct vch_bytes in)
{
    struct vch_cbor c = vch_cbor(in, VCH_CBOR_STRICT);
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(VCH_LEDGER_PATH_MAX * VCH_HASH_LEN);
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_ledger_wire_entry e;
    struct vch_ledger_wire_head h;

    if (vch_ok(vch_ledger_wire_entry_get(&c, &e))) {
        vch_ledger_wire_entry_put(&e, &w);
        same(&w, vch_bytes(in.p, c.r.pos));
    }
    w = vch_writer(VCH_SPAN_OF(room));
    if (vch_ok(vch_ledger_wire_head_get(in, &h))) {
        vch_ledger_wire_head_put(&h, &w);
        same(&w, in);
    }
    w = vch_writer(VCH_SPAN_OF(room));
    if (vch_ok(vch_ledger_wire_path_get(in, &path))) {
        vch_ledger_wire_path_put(vch_buf_get(&path), &w);
        same(&w, in);
    }
}

static void values(struct vch_bytes in)
{
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_state_transaction t;
    struct vch_state_authority a;
    struct vch_state_subject s;
    struct vch_state_root r;

    if (vch_ok(vch_state_transaction_decode(in, &t))) {
        vch_state_transaction_encode(&t, &w);
        same(&w, in);
    }
    w = vch_writer(VCH_SPAN_OF(room));
    if (vch_ok(vch_state_subject_decode(in, &s))) {
        vch_state_subject_encode(&s, &w);
        same(&w, in);
    }
    w = vch_writer(VCH_SPAN_OF(room));
    if (vch_ok(vch_state_authority_decode(in, &a))) {
        vch_state_authority_encode(&a, &w);
        same(&w, in);
    }
    w = vch_writer(VCH_SPAN_OF(room));
    if (vch_ok(vch_state_root_decode(in, &r))) {
        vch_state_root_encode(&r, &w);
        same(&w, in);
    }
}

static void system_entries(struct vch_bytes in)
{
    static struct vch_state_proof p;
    struct vch_genesis_authority list[VCH_GENESIS_AUTHORITIES];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_genesis g;

    if (vch_ok(vch_genesis_decode(vch_ossl_crypto(), in, &g))) {
        size_t n = g.count;

        for (size_t i = 0; i < n; i++) {
            VCH_ASSERT(vch_ok(vch_genesis_next(vch_ossl_crypto(), &g, &list[i])));
        }
        VCH_ASSERT(vch_ok(vch_genesis_encode(vch_ossl_crypto(), g.ledger_id, g.time, list, n, &w)));
        same(&w, in);
    }
    w = vch_writer(VCH_SPAN_OF(room));
    if (vch_ok(vch_state_proof_decode(in, &p))) {
        vch_state_proof_encode(p.root_entry, p.receipt_raw, p.kind, p.id,
                               p.present ? &p.value : NULL, &p.map, &w);
        same(&w, in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_bytes in = vch_bytes(data, size);

    if (size <= sizeof(room)) {
        wire(in);
        values(in);
        system_entries(in);
    }
    return 0;
}
