/* vch_ledger_kit.h - keys, authorities and statements for tests of the ledger: as many devices as
 * wanted, each with a key and a subject of its number. */
#ifndef VCH_LEDGER_KIT_H
#define VCH_LEDGER_KIT_H

#include "vch_test.h"

#include <pthread.h>

#include <vouch/core/core.h>
#include <vouch/cose/key.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>
#include <vouch/stmt/anchor.h>
#include <vouch/stmt/endorsement.h>

#define K_LEDGER_ID "ledger.test.example/divs"
#define K_AS        "as1.test.example"
#define K_AS2       "as2.test.example"
#define K_AGG       "aggregator.test.example"
#define K_EPOCH     1790000000000LL

enum { K_LEDGER, K_CHECKPOINT, K_AS_KEY, K_AS_KEY2, K_AS_OTHER, K_AGGREGATOR, K_KEYS };

struct k_kit {
    const struct vch_crypto *cr;
    struct vch_ossl_key *key[K_KEYS];
    struct vch_genesis_authority authority[K_KEYS];
    struct vch_hash cert_hash; /* of the AS called K_AS, both keys */
    struct vch_hash cert_hash_other;
};

/* A statement in its own room. */
struct k_statement {
    uint8_t room[VCH_STATEMENT_MAX];
    size_t n;
    struct vch_hash txid;
};

static inline struct vch_bytes k_bytes(const struct k_statement *s)
{
    return vch_bytes(s->room, s->n);
}

static inline struct vch_ossl_key *k_key(enum vch_alg alg, const char *name, uint64_t number)
{
    char text[64];
    struct vch_ossl_key *key;
    struct vch_hash h;

    snprintf(text, sizeof(text), "%s %llu", name, (unsigned long long)number);
    vch_sha256_of(vch_ossl_crypto(), vch_text(text), &h);
    assert_vch_ok(vch_ossl_key_import(alg, vch_hash_bytes(&h), &key));
    return key;
}

static inline const struct vch_signer *k_signer(const struct k_kit *k, int which)
{
    return vch_ossl_key_signer(k->key[which]);
}

static inline void k_open(struct k_kit *k)
{
    static const struct {
        enum vch_role role;
        const char *name, *cert;
    } row[K_KEYS] = {
        [K_LEDGER] = {VCH_ROLE_LEDGER, K_LEDGER_ID, ""},
        [K_CHECKPOINT] = {VCH_ROLE_CHECKPOINT, K_LEDGER_ID, ""},
        [K_AS_KEY] = {VCH_ROLE_AS, K_AS, "certificate of the first AS"},
        [K_AS_KEY2] = {VCH_ROLE_AS, K_AS, "certificate of the first AS"},
        [K_AS_OTHER] = {VCH_ROLE_AS, K_AS2, "certificate of the second AS"},
        [K_AGGREGATOR] = {VCH_ROLE_AGGREGATOR, K_AGG, ""},
    };

    k->cr = vch_ossl_crypto();
    for (int i = 0; i < K_KEYS; i++) {
        k->key[i] =
            k_key(i == K_CHECKPOINT ? VCH_ALG_ED25519 : VCH_ALG_ES256, "authority", (uint64_t)i);
        k->authority[i] = (struct vch_genesis_authority){
            row[i].role, vch_text(row[i].name), k_signer(k, i)->pub, vch_text(row[i].cert)};
    }
    vch_sha256_of(k->cr, vch_text(row[K_AS_KEY].cert), &k->cert_hash);
    vch_sha256_of(k->cr, vch_text(row[K_AS_OTHER].cert), &k->cert_hash_other);
}

static inline void k_close(struct k_kit *k)
{
    for (int i = 0; i < K_KEYS; i++) {
        vch_ossl_key_close(k->key[i]);
    }
}

static inline void k_subject(uint64_t number, struct vch_subject *ret)
{
    struct vch_hash h;

    vch_sha256_of(vch_ossl_crypto(), vch_bytes(&number, sizeof(number)), &h);
    memcpy(ret->b, h.b, sizeof(ret->b));
}

static inline struct vch_ossl_key *k_device(uint64_t number)
{
    return k_key(VCH_ALG_ES256, "device", number);
}

static inline void k_registration_sign(const struct k_kit *k, uint64_t device, const char *audience,
                                       uint8_t nonce_byte, struct k_statement *ret)
{
    struct vch_ossl_key *key = k_device(device);
    struct vch_hash digest;
    uint8_t nonce[16];
    struct vch_bytes out;
    struct vch_stmt_registration r = {.algs = {VCH_ALG_ES256},
                                      .alg_count = 1,
                                      .hashes = {VCH_ALG_SHA256},
                                      .hash_count = 1,
                                      .audience = vch_text(audience),
                                      .nonce = VCH_BYTES_OF(nonce),
                                      .device_class = VCH_CLASS_GATEWAY,
                                      .custody = VCH_CUSTODY_FILE};

    memset(nonce, nonce_byte, sizeof(nonce));
    vch_sha256_of(k->cr, vch_bytes(&device, sizeof(device)), &digest);
    assert_vch_ok(vch_stmt_registration_encode(k->cr, vch_ossl_key_signer(key), &r, &digest, 1,
                                               K_EPOCH / 1000, VCH_SPAN_OF(ret->room), &out));
    ret->n = out.n;
    vch_ossl_key_close(key);
}

#define K_CACHE 8192

/* A registration is signed once in the program's life: signatures differ from time to time, and an
 * update must carry the very bytes. */
static inline struct vch_bytes k_registration(const struct k_kit *k, uint64_t device,
                                              const char *audience, uint8_t nonce_byte)
{
    static struct k_cached {
        uint64_t device;
        const char *audience;
        uint8_t nonce;
        size_t n;
        uint8_t *p;
    } cache[K_CACHE];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    size_t at = (size_t)(device * 31 + nonce_byte) % K_CACHE;
    struct vch_bytes out;

    (void)pthread_mutex_lock(&lock);
    while (cache[at].p != NULL && (cache[at].device != device || cache[at].nonce != nonce_byte ||
                                   strcmp(cache[at].audience, audience) != 0)) {
        at = (at + 1) % K_CACHE;
    }
    if (cache[at].p == NULL) {
        static struct k_statement s;

        k_registration_sign(k, device, audience, nonce_byte, &s);
        cache[at].p = malloc(s.n);
        assert_non_null(cache[at].p);
        memcpy(cache[at].p, s.room, s.n);
        cache[at].n = s.n;
        cache[at].device = device;
        cache[at].nonce = nonce_byte;
        cache[at].audience = audience;
    }
    out = vch_bytes(cache[at].p, cache[at].n);
    (void)pthread_mutex_unlock(&lock);
    return out;
}

/* What an endorsement says; zero fields have the usual value. */
struct k_endorsement {
    uint64_t device;
    uint64_t subject; /* number; 0: that of the device */
    enum vch_action action;
    uint64_t seq;
    const struct vch_hash *prev;
    int signer;                  /* 0: K_AS_KEY */
    const char *iss;             /* K_AS */
    const char *audience;        /* K_AS */
    const struct vch_hash *cert; /* that of K_AS */
    uint8_t nonce;               /* of the registration */
    int64_t checked_at_ms;       /* K_EPOCH */
};

static inline void k_endorse(const struct k_kit *k, const struct k_endorsement *in,
                             struct k_statement *ret)
{
    struct vch_stmt_endorsement e = {.action = in->action,
                                     .seq = in->seq,
                                     .assurance = VCH_ASSURANCE_MATCHED,
                                     .effective_at_ms = K_EPOCH,
                                     .checked_at_ms =
                                         in->checked_at_ms != 0 ? in->checked_at_ms : K_EPOCH,
                                     .operator_id = vch_text("op1.example")};
    struct vch_hash digest, evidence;
    struct vch_subject subject;
    struct vch_bytes out;

    k_subject(in->subject != 0 ? in->subject : in->device, &subject);
    memcpy(e.subject, subject.b, sizeof(e.subject));
    e.prev = in->prev != NULL ? vch_hash_bytes(in->prev) : vch_bytes(NULL, 0);
    e.registration =
        k_registration(k, in->device, in->audience != NULL ? in->audience : K_AS, in->nonce);
    vch_sha256_of(k->cr, vch_text("evidence"), &evidence);
    e.evidence = vch_hash_bytes(&evidence);
    vch_sha256_of(k->cr, vch_text("account"), &digest);
    assert_vch_ok(vch_stmt_endorsement_encode(
        k->cr, k_signer(k, in->signer != 0 ? in->signer : K_AS_KEY), &e,
        vch_text(in->iss != NULL ? in->iss : K_AS), in->cert != NULL ? in->cert : &k->cert_hash,
        &digest, 1, K_EPOCH / 1000, VCH_SPAN_OF(ret->room), &out));
    ret->n = out.n;
    vch_sha256_of(k->cr, out, &ret->txid);
}

static inline void k_register(const struct k_kit *k, uint64_t device, struct k_statement *ret)
{
    struct k_endorsement e = {.device = device, .action = VCH_ACTION_REGISTER};

    k_endorse(k, &e, ret);
}

/* An anchor by a device under SUBJECT, or (KEY NULL) by the aggregator. */
static inline void k_anchor(const struct k_kit *k, struct vch_ossl_key *key,
                            const struct vch_subject *subject, uint64_t number,
                            struct k_statement *ret)
{
    char uri[VCH_KEY_URI_ROOM], sub[VCH_SUBJECT_TEXT_ROOM];
    struct vch_hash root, thumbprint;
    struct vch_stmt_anchor a = {.count = 1};
    struct vch_bytes out, iss = vch_text(K_AGG), sub_text = vch_text(VCH_ANCHOR_SUB);

    vch_sha256_of(k->cr, vch_bytes(&number, sizeof(number)), &root);
    a.root = vch_hash_bytes(&root);
    if (key != NULL) {
        vch_cose_key_thumbprint(k->cr, &vch_ossl_key_signer(key)->pub, &thumbprint);
        iss = vch_key_uri_encode(&thumbprint, VCH_SPAN_OF(uri));
        sub_text = vch_text(vch_stmt_subject_text(subject->b, VCH_SPAN_OF(sub)));
    }
    assert_vch_ok(vch_stmt_anchor_encode(
        k->cr, key != NULL ? vch_ossl_key_signer(key) : k_signer(k, K_AGGREGATOR), &a, iss,
        sub_text, K_EPOCH / 1000, VCH_SPAN_OF(ret->room), &out));
    ret->n = out.n;
    vch_sha256_of(k->cr, out, &ret->txid);
}

#endif
