/* world.h - an AS beside an embedded ledger, with a test double of the operator: what it says,
 * counts and forgets is in the hands of the test. Requests go through a real HTTP server on a
 * loopback port. */
#ifndef AS_WORLD_H
#define AS_WORLD_H

#include <pthread.h>

#include <vouch/as/as.h>
#include <vouch/engine/engine.h>
#include <vouch/http/client.h>

#include "vch_test.h"

#define W_OPERATOR "op1.example"
#define W_AS       "as1.test.example"
#define W_LEDGER   "ledger.test.example/divs"
#define W_ACCOUNTS 8
#define W_EVENTS   16

/* One account of the operator, found by any of its identifiers or its reference. */
struct account {
    struct vch_edi_status status;
    struct vch_edi_event feed[W_EVENTS]; /* seq 1, 2, ... */
    size_t feed_n;
    struct vch_edi_sub sub;
    bool subscribed;
};

struct operator_double {
    pthread_mutex_t lock;
    struct account accounts[W_ACCOUNTS];
    size_t n;
    vch_err fail; /* what every call answers while it is not VCH_OK */
    unsigned retrieved, matched, subscribed, modified, cancelled, pulled, batches;
    unsigned pulled_after;
    bool duplicate; /* the next subscribe finds an old one */
};

struct world {
    struct operator_double op;
    const struct vch_crypto *cr;
    struct vch_ossl_key *ledger_key, *as_key;
    struct vch_engine *engine;
    struct vch_ledger ledger;
    struct vch_as_vault *vault;
    struct vch_audit *audit;
    struct vch_metrics *metrics;
    struct vch_as_options options;
    struct vch_as *as;
    struct vch_http_server *server;
    struct vch_http_client *client;
    char sink[128]; /* path of the notifications */
    char audit_path[4096];
};

/* All its files lie in a new folder within FOLDER. */
void w_open(struct world *w, const char *folder, void (*change)(struct vch_as_options *o));
void w_close(struct world *w);

/* A new account, number IDX, in force. */
struct account *w_account(struct world *w, unsigned idx);
/* Appends an event to the account's feed. */
struct vch_edi_event *w_event(struct account *a, unsigned type);
/* Delivers event number SEQ of the account; the status of the answer. */
unsigned w_notify(struct world *w, const struct account *a, uint64_t seq);
unsigned w_notify_as(struct world *w, const char *sub_id, uint64_t seq, unsigned type,
                     const struct vch_edi_ids *ids);

/* Registers a device with the identifiers of the account; RET_SUBJECT is its lineage. */
void w_register(struct world *w, const struct account *a, uint8_t ret_subject[16]);

/* Number of endorsements of the lineage, and the reason and standing in the newest. */
uint64_t w_seq(struct world *w, const uint8_t subject[16]);
/* Waits until the lineage has SEQ. */
void w_until_seq(struct world *w, const uint8_t subject[16], uint64_t seq);
/* Waits until nothing is to be done any more. */
void w_settled(struct world *w);
/* Waits until the audit log has N events of that name. */
void w_until_audit(struct world *w, const char *event, size_t n);
void w_pause(void); /* between two looks at something */
size_t w_audit(struct world *w, const char *event);

#endif
