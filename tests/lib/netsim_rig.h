/* netsim_rig.h - two simulated operators on real sockets, application servers with certificates,
 * and a sink that records what it is notified of. For cmocka tests; everything fails the test.
 *
 * Operators: op1.example tells everything; op2.example matches IMEI and MSISDN only, tells nothing
 * of owners, and its clock is 90 s ahead. Clients as1 (segments meters, trackers of both), as2
 * (meters of op1). Subscribers: 20 each, dealt to meters and trackers in turn. */
#ifndef NETSIM_RIG_H
#define NETSIM_RIG_H

#include <pthread.h>

#include <vouch/edi/edi.h>
#include <vouch/http/client.h>
#include <vouch/http/server.h>
#include <vouch/netsim/netsim.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>
#include <vouch/ossl/x509.h>

#include "vch_test.h"

#define RIG_NOTES 4096

/* One notification as the sink got it. */
struct rig_note {
    char *body;
    char *x_jws;
    char *authorization;
};

struct rig {
    char dir[64];
    struct vch_ossl_key *ca_key;
    struct vch_cert *ca;
    struct vch_conf *conf;
    struct vch_log *log;
    struct vch_netsim *sim;
    uint16_t port1, port2;
    /* the sink of as1 (path /as1/) and as2 (/as2/) */
    struct vch_http_server *sink;
    uint16_t sink_port;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned answer; /* status that the sink gives */
    unsigned refused;
    struct rig_note notes[RIG_NOTES];
    size_t note_count;
};

/* Makes keys, certificates, configuration and databases, and starts all. POLICY is added to the
 * configuration of op1, lines with four spaces, or "". */
struct rig *rig_open(const char *policy);
void rig_close(struct rig *r);
/* Ends and starts the operators, as after a crash; ports stay. */
void rig_restart(struct rig *r);

/* Path of a file of the rig, in a static buffer of four turns. */
const char *rig_path(const struct rig *r, const char *name);
/* A client of the operator on PORT with the certificate NAME. */
struct vch_edi *rig_edi(struct rig *r, const char *operator_id, const char *client);
/* Section of the operator's configuration. */
const struct vch_conf_node *rig_op(struct rig *r, const char *operator_id);
/* The identifiers of the account number INDEX, from 0. */
struct vch_edi_ids rig_ids(struct rig *r, const char *operator_id, size_t index);
/* https://localhost:port/CLIENT/n. */
const char *rig_sink(const struct rig *r, const char *client);
/* A change by the operator's staff, on the number of IDS. */
void rig_change(struct rig *r, enum vch_netsim_op op, const struct vch_edi_ids *ids,
                const char *value);

void rig_sink_answers(struct rig *r, unsigned status);
/* Waits for COUNT notifications in all (or refused ones); fails the test after a minute. */
void rig_wait_notes(struct rig *r, size_t count);
void rig_wait_refused(struct rig *r, unsigned count);

/* One raw call with the certificate NAME (NULL: none); the body is copied to RET. */
struct rig_call {
    const char *cert;
    const char *method, *path, *token, *body, *media, *if_match, *correlator;
    uint16_t port;
};
unsigned rig_raw(struct rig *r, const struct rig_call *c, char *ret, size_t cap);
/* An access token of op1 for CLIENT over its own certificate; static buffer. */
const char *rig_token(struct rig *r, const char *client);

#endif
