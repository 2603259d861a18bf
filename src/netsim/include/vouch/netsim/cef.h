/* vouch/netsim/cef.h - the exposure function of the simulated operator: who may ask, what it is
 * told, subscriptions, and the events made of the USM's.
 * Layer 11. Bodies are JSON objects of docs/api/netsim.yaml. Every function runs inside a
 * transaction of the caller on the operator's database.
 *
 * A failure fills a fault: the HTTP status, the CAMARA code and a message without identifiers. An
 * identity that does not exist and one that the client is not entitled to give the very same fault.
 *
 * req: Y.2247-9.1-1, Y.2247-9.1-2, Y.2247-9.1-3, Y.2247-7.2.2-2 */
#ifndef VOUCH_NETSIM_CEF_H
#define VOUCH_NETSIM_CEF_H

#include <jansson.h>

#include <vouch/crypto/port.h>
#include <vouch/netsim/usm.h>

/* Groups of an answer, bits of a policy. */
enum {
    VCH_NETSIM_G_CONTRACT = 1,
    VCH_NETSIM_G_SERVICES = 2,
    VCH_NETSIM_G_BINDING = 4,
    VCH_NETSIM_G_AREA = 8,
    VCH_NETSIM_G_OWNER = 16,
    VCH_NETSIM_G_ASSURANCE = 32,
    VCH_NETSIM_G_HISTORY = 64,
    VCH_NETSIM_G_ALL = 127
};

struct vch_netsim_cef {
    const char *operator_id;
    struct vch_netsim_db *db;
    struct vch_netsim_usm usm;
    const struct vch_crypto *crypto;
    const struct vch_signer *signer; /* ES256 */
    vch_random_fn random;
    void *random_self;
    /* policy */
    unsigned match_only;         /* bits of enum vch_netsim_kind: matched, never told */
    unsigned groups;             /* groups told */
    int64_t subscription_max_ms; /* longest life; longer wishes are cut */
    unsigned batch_max;
};

struct vch_netsim_fault {
    unsigned status;
    const char *code;    /* "INVALID_ARGUMENT"... */
    const char *message; /* static */
};
/* The fault of an error that carries none of its own. */
struct vch_netsim_fault vch_netsim_fault_of(vch_err e);

/* POST /retrieve, /match, /retrieve-batch. RET is a new object. Errors: NETSIM_ARGUMENT,
 * NETSIM_UNKNOWN, NETSIM_SCOPE, NETSIM_USM, NETSIM_DB, CRYPTO. */
VCH_CHECKED vch_err vch_netsim_cef_retrieve(const struct vch_netsim_cef *cef, const char *client,
                                            int64_t now_ms, const json_t *request, json_t **ret,
                                            struct vch_netsim_fault *reterr);
VCH_CHECKED vch_err vch_netsim_cef_match(const struct vch_netsim_cef *cef, const char *client,
                                         int64_t now_ms, const json_t *request, json_t **ret,
                                         struct vch_netsim_fault *reterr);
VCH_CHECKED vch_err vch_netsim_cef_batch(const struct vch_netsim_cef *cef, const char *client,
                                         int64_t now_ms, const json_t *request, json_t **ret,
                                         struct vch_netsim_fault *reterr);

/* Subscriptions. IF_MATCH is the header's value or NULL. Errors: also NETSIM_DUPLICATE,
 * NETSIM_SINK, NETSIM_VERSION; NETSIM_UNKNOWN also for another client's subscription. */
VCH_CHECKED vch_err vch_netsim_cef_subscribe(const struct vch_netsim_cef *cef, const char *client,
                                             int64_t now_ms, const json_t *request, json_t **ret,
                                             struct vch_netsim_fault *reterr);
VCH_CHECKED vch_err vch_netsim_cef_patch(const struct vch_netsim_cef *cef, const char *client,
                                         int64_t now_ms, const char *id, const char *if_match,
                                         const json_t *request, json_t **ret,
                                         struct vch_netsim_fault *reterr);
VCH_CHECKED vch_err vch_netsim_cef_cancel(const struct vch_netsim_cef *cef, const char *client,
                                          const char *id, struct vch_netsim_fault *reterr);
VCH_CHECKED vch_err vch_netsim_cef_get(const struct vch_netsim_cef *cef, const char *client,
                                       const char *id, json_t **ret,
                                       struct vch_netsim_fault *reterr);
/* An array, by id after AFTER, at most LIMIT. */
VCH_CHECKED vch_err vch_netsim_cef_list(const struct vch_netsim_cef *cef, const char *client,
                                        const char *after, unsigned limit, json_t **ret,
                                        struct vch_netsim_fault *reterr);
/* The replay feed. */
VCH_CHECKED vch_err vch_netsim_cef_events(const struct vch_netsim_cef *cef, const char *client,
                                          const char *ref, uint64_t after_seq, unsigned limit,
                                          json_t **ret, struct vch_netsim_fault *reterr);

/* Takes up to LIMIT events of the USM and makes signed events and outbox rows for every
 * subscription that covers them; RET_N of them were taken. Errors: NETSIM_DB, NETSIM_USM, CRYPTO.
 */
VCH_CHECKED vch_err vch_netsim_cef_fan_out(const struct vch_netsim_cef *cef, int64_t now_ms,
                                           size_t limit, size_t *ret_n);
/* Ends subscriptions whose time is over, at most LIMIT. */
VCH_CHECKED vch_err vch_netsim_cef_expire(const struct vch_netsim_cef *cef, int64_t now_ms,
                                          size_t limit, size_t *ret_n);

/* ---- outbox: due deliveries by subscription, the oldest first */
struct vch_netsim_delivery {
    int64_t event;
    char subscription[33];
    char sink[257];
    char token[513]; /* "" none */
    unsigned attempts;
    char *jws; /* vch_mem_free */
};
/* The next subscription with something due at NOW (of the machine's clock) is taken: nobody else
 * gets it until LEASE_MS have passed or a result was recorded. Errors: NETSIM_UNKNOWN (nothing is
 * due), NETSIM_DB. */
VCH_CHECKED vch_err vch_netsim_outbox_take(struct vch_netsim_db *db, int64_t now_ms,
                                           int64_t lease_ms, struct vch_netsim_delivery *ret);
/* It was accepted: the next of this subscription is due at once. */
VCH_CHECKED vch_err vch_netsim_outbox_done(struct vch_netsim_db *db, int64_t now_ms,
                                           const struct vch_netsim_delivery *d);
/* It was not; try again at NEXT_MS. */
VCH_CHECKED vch_err vch_netsim_outbox_failed(struct vch_netsim_db *db, int64_t next_ms,
                                             const struct vch_netsim_delivery *d);
/* The sink is gone (410): the subscription ends and its outbox is emptied; events stay in the feed.
 */
VCH_CHECKED vch_err vch_netsim_outbox_gone(const struct vch_netsim_cef *cef,
                                           const struct vch_netsim_delivery *d);
/* When the next delivery is due; VCH_NETSIM_NEVER: none waits. */
VCH_CHECKED vch_err vch_netsim_outbox_next(struct vch_netsim_db *db, int64_t *ret_ms);

#endif
