/* vch_world.h - a small world for tests of statements and of the verifier: two ledgers, an AS with
 * a certificate, devices with fixed keys, and whatever they sign. All times are given by the test.
 * Everything lives until t_world_close. */
#ifndef VCH_WORLD_H
#define VCH_WORLD_H

#include "vch_test.h"

#include <vouch/cose/receipt.h>
#include <vouch/merkle/map.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>
#include <vouch/stmt/ack.h>
#include <vouch/stmt/anchor.h>
#include <vouch/stmt/bundle.h>
#include <vouch/stmt/endorsement.h>
#include <vouch/stmt/item.h>
#include <vouch/stmt/poll.h>

#define T_AS_ID      "as1.op1.example"
#define T_AS_URL     "https://as1.op1.example/rp-ud"
#define T_LEDGER_ID  "ledger.op1.example/divs"
#define T_LEDGER2_ID "ledger.op2.example/divs"
#define T_ENTRIES    512
#define T_DAY        (86400000LL)
#define T_EPOCH      (1790000000000LL) /* 2026-09-21: the day everything begins */

struct t_ledger {
    const char *id;
    struct vch_ossl_key *key;
    struct vch_hash txid[T_ENTRIES]; /* SHA-256 of each entry */
    struct vch_hash leaf[T_ENTRIES];
    uint64_t batch_end[T_ENTRIES]; /* size of the tree after the entry's batch */
    int64_t time_ms[T_ENTRIES];    /* its batch time */
    struct vch_bytes bytes[T_ENTRIES];
    uint64_t size;
    uint64_t batches;
    struct vch_map_pair pair[T_ENTRIES];
    struct vch_bytes value[T_ENTRIES];
    size_t pairs;
};

/* What the AS discloses of an account. T_NULL: null; T_ABSENT: no such disclosure. */
#define T_NULL   INT64_MIN
#define T_ABSENT (INT64_MIN + 1)
struct t_terms {
    int64_t start;
    int64_t end;
    int64_t terminated_at;
    int64_t standing;
};

struct t_record {
    struct vch_bytes statement;
    struct vch_hash txid;
    uint64_t index; /* in the ledger */
    struct vch_bytes disclosures[8];
    size_t disclosure_count;
    uint64_t seq;
};

struct t_device {
    struct vch_ossl_key *key;
    struct vch_bytes registration;
    uint8_t subject[VCH_SUBJECT_LEN];
    struct t_record record[8];
    size_t records;
};

struct t_batch {
    struct vch_bytes item;
    uint8_t seed[VCH_SEED_LEN];
    struct vch_bytes row[16];
    struct vch_hash leaf[16];
    size_t rows;
};

struct t_world {
    const struct vch_crypto *cr;
    struct vch_ossl_key *ca_key, *as_key, *rogue_key, *aggregator_key;
    struct vch_bytes ca_der, as_der, rogue_der; /* rogue: self-signed in the AS's name */
    struct vch_hash as_cert_hash;
    struct t_ledger ledger[2];
    struct t_device device[3];
    uint8_t salt_counter;
    void *memory[4096]; /* freed at the end */
    size_t memories;
};

void t_world_open(struct t_world *w);
void t_world_close(struct t_world *w);
/* Real certificates for the AS, instead of a placeholder (vch_world_cert.c). */
void t_world_certificates(struct t_world *w);
struct vch_bytes t_keep(struct t_world *w, struct vch_bytes b); /* copy that lives as long as W */

/* A registration of KEY for the AS called AUDIENCE. */
struct vch_bytes t_registration(struct t_world *w, struct vch_ossl_key *key, const char *audience);
/* A disclosure that says that the contract is in good standing; the device signed its digest among
 * those of its identifiers. */
struct vch_bytes t_term_of_device(struct t_world *w);
/* Makes and records an endorsement; the first of a device registers it. RET stays in the device. */
struct t_record *t_endorse(struct t_world *w, unsigned dev, enum vch_action action,
                           const struct t_terms *terms, int64_t effective_ms, int64_t batch_ms);
/* Only signs one, by KEY with CERT_HASH. */
void t_endorsement_sign(struct t_world *w, struct vch_ossl_key *key, const char *as_id,
                        const struct vch_hash *cert_hash, unsigned dev, enum vch_action action,
                        uint64_t seq, const struct vch_hash *prev, const struct t_terms *terms,
                        int64_t effective_ms, struct t_record *ret);

uint64_t t_ledger_record(struct t_world *w, unsigned ledger, struct vch_bytes statement,
                         int64_t batch_ms);
struct vch_bytes t_receipt(struct t_world *w, unsigned ledger, uint64_t index);
/* The value of ID or its absence, proved by the newest head. */
struct vch_bytes t_state_proof(struct t_world *w, unsigned ledger, unsigned kind,
                               struct vch_bytes id);
void t_state_put(struct t_world *w, unsigned ledger, unsigned kind, struct vch_bytes id,
                 struct vch_bytes value);
/* A new batch that holds only its state root. */
void t_ledger_tick(struct t_world *w, unsigned ledger, int64_t batch_ms);

struct vch_bytes t_single(struct t_world *w, unsigned dev, const struct t_record *cited,
                          uint64_t seq, int64_t time_ms, struct vch_bytes raw,
                          uint8_t ret_salt[VCH_SALT_LEN]);
void t_batch(struct t_world *w, unsigned dev, const struct t_record *cited, uint64_t seq,
             int64_t time_ms, size_t rows, struct t_batch *ret);
/* An anchor over one item, recorded; returns the index of its entry. */
uint64_t t_anchor(struct t_world *w, unsigned dev, struct vch_bytes item, bool by_aggregator,
                  int64_t batch_ms, struct vch_bytes *ret_statement);

#endif
