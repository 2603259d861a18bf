/* The inside of the ledger's HTTPS face. Private to the module. */
#ifndef VOUCH_SVC_LEDGER_SRC_SVC_INT_H
#define VOUCH_SVC_LEDGER_SRC_SVC_INT_H

#include <pthread.h>

#include <vouch/svc_ledger/svc_ledger.h>

#define SVC_COSE   "application/cose"
#define SVC_CBOR   "application/cbor"
#define SVC_JSON   "application/json"

#define SVC_ROUTES 16

/* A submission whose connection waits for its batch. */
struct svc_pending {
    struct svc_pending *next;
    struct vch_svc_ledger *svc;
    struct vch_http_request *rq;
    struct vch_http_response *rs;
    vch_err err;
    struct vch_ledger_ack ack;
};

struct vch_svc_ledger {
    const struct vch_ledger *ledger;
    struct vch_engine *engine;
    vch_svc_ledger_authorise_fn authorise;
    void *user;
    struct vch_http_route routes[SVC_ROUTES];
    size_t route_count;

    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct svc_pending *first, *last;
    bool end, stopping;
    pthread_t answerer;
};

/* submit.c */
vch_err vch_svc_ledger_submit(void *user, struct vch_http_request *rq,
                              struct vch_http_response *rs);
/* Builds receipts and finishes deferred requests, beside the engine's own threads. */
void *vch_svc_ledger_answerer(void *svc);

/* read.c */
vch_err vch_svc_ledger_entry(void *user, struct vch_http_request *rq, struct vch_http_response *rs);
vch_err vch_svc_ledger_entry_part(void *user, struct vch_http_request *rq,
                                  struct vch_http_response *rs);
vch_err vch_svc_ledger_log(void *user, struct vch_http_request *rq, struct vch_http_response *rs);
vch_err vch_svc_ledger_log_at(void *user, struct vch_http_request *rq,
                              struct vch_http_response *rs);
vch_err vch_svc_ledger_head(void *user, struct vch_http_request *rq, struct vch_http_response *rs);
vch_err vch_svc_ledger_proof(void *user, struct vch_http_request *rq, struct vch_http_response *rs);
vch_err vch_svc_ledger_state(void *user, struct vch_http_request *rq, struct vch_http_response *rs);

/* tiles.c */
vch_err vch_svc_ledger_authorities(void *user, struct vch_http_request *rq,
                                   struct vch_http_response *rs);
vch_err vch_svc_ledger_checkpoint(void *user, struct vch_http_request *rq,
                                  struct vch_http_response *rs);
vch_err vch_svc_ledger_tile(void *user, struct vch_http_request *rq, struct vch_http_response *rs);

/* A number in the query; DEF if absent (UINT64_MAX: required). Errors: TEXT; USAGE. */
vch_err vch_svc_ledger_number(const struct vch_http_request *rq, const char *name, uint64_t max,
                              uint64_t def, uint64_t *ret);

#endif
