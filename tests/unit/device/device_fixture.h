/* A device with an AS and a ledger around it, in one process. */
#ifndef DEVICE_FIXTURE_H
#define DEVICE_FIXTURE_H

#include "vch_test.h"

#include <vouch/device/device.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>
#include <vouch/stmt/ack.h>
#include <vouch/stmt/endorsement.h>

#define AS_ID   "as1.op1.example"
#define AS_URL  "https://as1.op1.example"
#define LEDGER  "ledger.op1.example/divs"
#define LEDGER2 "ledger.op2.example/divs"
#define NOW     1800000000000

struct world {
    struct vch_ossl_key *device_key, *as_key, *as_key2, *ledger_key;
    struct vch_device_host host;
    struct vch_device_setup setup;
    /* what the host persisted last; with `fail` set it persists nothing */
    uint8_t state[VCH_DEVICE_STATE_MAX];
    size_t state_n;
    unsigned persisted;
    bool fail;
    uint8_t request[VCH_DEVICE_REQUEST_MAX];
    struct vch_bytes registration; /* a view into request */
};

/* What the AS and the ledger put into an acknowledgement. */
struct answer {
    enum vch_action action;
    uint64_t seq;
    const struct vch_hash *prev; /* NULL for seq 0 */
    uint8_t subject;             /* each of its bytes */
    const struct vch_ossl_key *as_key;
    const char *as_id, *ledger, *url;
    struct vch_bytes registration;
    int64_t checked_at; /* makes endorsements differ */
};

static inline vch_err t_persist(void *self, struct vch_bytes state)
{
    struct world *w = self;

    VCH_CHECK(!w->fail, FILE_READ);
    memcpy(w->state, state.p, state.n);
    w->state_n = state.n;
    w->persisted++;
    return VCH_OK;
}

static inline void t_text(char *room, size_t cap, const char *text)
{
    assert_in_range(snprintf(room, cap, "%s", text), 0, cap - 1);
}

static inline void world_init(struct world *w, bool ledger_key)
{
    memset(w, 0, sizeof(*w));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w->device_key));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w->as_key));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w->as_key2));
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &w->ledger_key));
    w->host = (struct vch_device_host){.crypto = vch_ossl_crypto(),
                                       .signer = vch_ossl_key_signer(w->device_key),
                                       .random = vch_ossl_random,
                                       .persist = t_persist,
                                       .persist_self = w,
                                       .mac_key = {1, 2, 3}};
    t_text(w->setup.as_id, sizeof(w->setup.as_id), AS_ID);
    t_text(w->setup.as_url, sizeof(w->setup.as_url), AS_URL);
    w->setup.as_keys[w->setup.as_key_count++] = vch_ossl_key_signer(w->as_key)->pub;
    w->setup.ledger_count = 2;
    t_text(w->setup.ledgers[0].id, sizeof(w->setup.ledgers[0].id), LEDGER);
    t_text(w->setup.ledgers[1].id, sizeof(w->setup.ledgers[1].id), LEDGER2);
    if (ledger_key) {
        for (size_t i = 0; i < 2; i++) {
            w->setup.ledgers[i].keys[0] = vch_ossl_key_signer(w->ledger_key)->pub;
            w->setup.ledgers[i].key_count = 1;
        }
    }
    w->setup.device_class = VCH_CLASS_GATEWAY;
}

static inline void world_fini(struct world *w)
{
    vch_ossl_key_close(w->device_key);
    vch_ossl_key_close(w->as_key);
    vch_ossl_key_close(w->as_key2);
    vch_ossl_key_close(w->ledger_key);
}

/* A new device with a fictitious IMEI. */
static inline vch_err world_device(struct world *w, struct vch_device *d)
{
    struct vch_device_identifier id = {VCH_DISC_IMEI, vch_text("001010000000016")};

    return vch_device_init(d, &w->host, &w->setup, &id, 1);
}

/* Makes a request and keeps its registration. */
static inline void world_register(struct world *w, struct vch_device *d)
{
    static const uint8_t nonce[16] = {9};
    struct vch_stmt_request req;
    struct vch_bytes out;

    assert_vch_ok(vch_device_register(d, VCH_BYTES_OF(nonce), NOW, VCH_SPAN_OF(w->request), &out));
    assert_vch_ok(vch_stmt_request_decode(out, &req));
    w->registration = req.registration;
}

static inline struct answer answer_first(const struct world *w)
{
    return (struct answer){.action = VCH_ACTION_REGISTER,
                           .subject = 7,
                           .as_key = w->as_key,
                           .as_id = AS_ID,
                           .ledger = LEDGER,
                           .url = AS_URL,
                           .registration = w->registration,
                           .checked_at = NOW};
}

static inline struct vch_bytes t_endorse(const struct answer *a, struct vch_span room)
{
    static const uint8_t evidence[32] = {5};
    struct vch_hash digest = {{6}}, cert = {{8}};
    struct vch_stmt_endorsement e = {.action = a->action,
                                     .seq = a->seq,
                                     .registration = a->registration,
                                     .assurance = VCH_ASSURANCE_MATCHED,
                                     .evidence = VCH_BYTES_OF(evidence),
                                     .effective_at_ms = NOW,
                                     .checked_at_ms = a->checked_at,
                                     .operator_id = vch_text("op1.example")};
    struct vch_bytes out;

    if (a->prev != NULL) {
        e.prev = vch_hash_bytes(a->prev);
    }
    memset(e.subject, a->subject, sizeof(e.subject));
    assert_vch_ok(vch_stmt_endorsement_encode(vch_ossl_crypto(), vch_ossl_key_signer(a->as_key), &e,
                                              vch_text(a->as_id), &cert, &digest, 1, NOW / 1000,
                                              room, &out));
    return out;
}

/* A receipt for the entry as leaf 2 of 3, signed by the ledger. */
static inline struct vch_bytes t_receipt(const struct world *w, const char *ledger,
                                         const struct vch_hash *entry_hash, struct vch_span room)
{
    const struct vch_signer *s = vch_ossl_key_signer(w->ledger_key);
    struct vch_hash leaf[3] = {{{1}}, {{2}}}, root;
    struct vch_merkle_leaves l = {vch_ossl_crypto(), leaf, 3};
    struct vch_merkle_source src = vch_merkle_leaves_source(&l);
    struct vch_receipt_head head = {.ledger = vch_text(ledger), .size = 3, .time_ms = NOW};
    uint8_t prot[VCH_RECEIPT_PROTECTED_MAX], sig[VCH_SIG_LEN];
    struct vch_writer pw = vch_writer(VCH_SPAN_OF(prot)), rw = vch_writer(room);
    struct vch_merkle_path path;
    struct vch_bytes protected_raw, out;

    vch_merkle_leaf_entry(vch_ossl_crypto(), entry_hash, &leaf[2]);
    vch_cose_key_thumbprint(vch_ossl_crypto(), &s->pub, &head.thumbprint);
    vch_receipt_protected_encode(s->alg, &head, &pw);
    assert_vch_ok(vch_writer_finish(&pw, &protected_raw));
    assert_vch_ok(vch_merkle_root(vch_ossl_crypto(), &src, 3, &root));
    assert_vch_ok(vch_merkle_inclusion(vch_ossl_crypto(), &src, 2, 3, &path));
    assert_vch_ok(vch_receipt_sign(s, protected_raw, &root, sig));
    vch_receipt_encode(protected_raw, sig, 3, 2, &path, &rw);
    assert_vch_ok(vch_writer_finish(&rw, &out));
    return out;
}

/* The acknowledgement of A, and its transaction ID. */
static inline struct vch_bytes world_ack(const struct world *w, const struct answer *a,
                                         struct vch_span room, struct vch_hash *ret_txid)
{
    static const uint8_t nonce[16] = {11};
    uint8_t endorsement[VCH_STATEMENT_MAX], receipt[VCH_RECEIPT_MAX];
    struct vch_stmt_ack ack = {.address = {vch_text(a->ledger), vch_text(a->url)},
                               .nonce = VCH_BYTES_OF(nonce)};
    struct vch_bytes out;

    ack.endorsement = t_endorse(a, VCH_SPAN_OF(endorsement));
    vch_sha256_of(vch_ossl_crypto(), ack.endorsement, ret_txid);
    ack.receipt = t_receipt(w, a->ledger, ret_txid, VCH_SPAN_OF(receipt));
    assert_vch_ok(vch_stmt_ack_encode(&ack, room, &out));
    return out;
}

#define ACK_ROOM (VCH_STATEMENT_MAX + VCH_RECEIPT_MAX + 1024)

#endif
