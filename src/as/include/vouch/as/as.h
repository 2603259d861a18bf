/* vouch/as/as.h - the DIVS application server (Y.2247 clause 8.1): the routes of its reference
 * points, and the work that goes on behind them. Layer 11. Thread-safe unless a line says
 * otherwise.
 *
 * Four parts, as clause 8.1 names them, each with headers of its own:
 *   signalling process  as.h, cef.h            all messages to and from device, operator, service
 * user access control      access.h, nonce.h      who may do what data management     data.h,
 * vault.h, ...   signing key, vault, endorsements, standing ledger access       chain.h the only
 * part that calls the ledger The first has no link to signing key, vault file or ledger but through
 * the third (tests/check holds that).
 *
 * req: Y.2247-8-1 */
#ifndef VOUCH_AS_AS_H
#define VOUCH_AS_AS_H

#include <vouch/as/access.h>
#include <vouch/as/cef.h>
#include <vouch/as/data.h>
#include <vouch/obs/audit.h>
#include <vouch/obs/log.h>
#include <vouch/obs/metrics.h>

/* Reference points: each listener serves some of them. */
enum {
    VCH_AS_POINT_UD = 1,     /* devices */
    VCH_AS_POINT_DS = 2,     /* recipients */
    VCH_AS_POINT_EDI = 4,    /* operators' notifications */
    VCH_AS_POINT_ADMIN = 8,  /* administrators */
    VCH_AS_POINT_PUBLIC = 16 /* well-known keys */
};

/* Zero in a number means the default beside it. */
struct vch_as_options {
    const char *as_id;
    const char *url;            /* of this AS, as entry addresses and operators name it */
    struct vch_as_vault *vault; /* these stay the caller's, open until vch_as_close */
    const struct vch_ledger *ledger;
    struct vch_log *log; /* NULL: none */
    struct vch_audit *audit;
    struct vch_metrics *metrics;
    const struct vch_crypto *crypto;
    vch_random_fn random;
    void *random_self;
    int64_t (*now_ms)(void *user); /* Unix time; NULL: the system's clock */
    void *now_user;

    const struct vch_as_operator *operators;
    size_t operator_count;
    const char *users_path; /* user table, NULL: no users */

    struct vch_as_policy policy;
    enum vch_as_replace replace;
    uint64_t
        ids_required;   /* bits 1 << disclosure key that a registration must open; 0: IMEI, ICCID */
    unsigned classes;   /* bits 1 << enum vch_device_class admitted; 0: all */
    unsigned custodies; /* bits 1 << enum vch_custody admitted; 0: all */
    unsigned nonce_life_s;   /* 86400 */
    size_t nonce_used_max;   /* 262144 */
    double register_per_s;   /* registrations by one caller: 10 */
    unsigned register_burst; /* 100 */
    unsigned ledger_wait_ms; /* 10000 */
    unsigned check_every_s;  /* accounts read again: 3600; UINT_MAX: never by itself */
    unsigned sub_life_s;     /* of an event subscription: 30 days */
    unsigned watchers_max;   /* event streams of devices: 10000 */
    unsigned workers;        /* threads that follow up on accounts: 4 */
};

struct vch_as;

/* Opens and starts working off what is on the agenda. Nothing is signed before vch_as_key_set.
 * Errors: AS_OPTIONS; AS_USERS, with lines in REPORT; CRYPTO; those of the vault. */
VCH_CHECKED vch_err vch_as_open(const struct vch_as_options *o, struct vch_buf *reterr_report,
                                struct vch_as **ret);
/* Stops the work; no handler may be running any more. NULL is allowed. */
void vch_as_close(struct vch_as *as);

/* As vch_as_data_key_set. */
VCH_CHECKED vch_err vch_as_key_set(struct vch_as *as, const struct vch_signer *signer,
                                   struct vch_bytes cert, void (*close)(void *arg),
                                   void *close_arg);
/* Can it serve: is there a key that the ledger takes, and is nothing of before the start undone?
 * Errors: AS_KEY_UNFIT; AS_PENDING; those of the ledger. */
VCH_CHECKED vch_err vch_as_ready(struct vch_as *as);

/* The routes of POINTS, for a server that is closed before AS; views until vch_as_close. */
VCH_CHECKED vch_err vch_as_routes(struct vch_as *as, unsigned points, struct vch_http_route *ret,
                                  size_t cap, size_t *ret_n);
#define VCH_AS_ROUTES_MAX 32

/* Where operator number IDX is to send its notifications: a URL that is hard to guess, the same at
 * every start. NUL-terminated. Errors: NO_ROOM. */
VCH_CHECKED vch_err vch_as_sink_url(struct vch_as *as, size_t idx, struct vch_span out);
/* The same without an open AS, from the vault's master key, for the configuration of operators. */
VCH_CHECKED vch_err vch_as_sink_url_of(const uint8_t master[32], const struct vch_crypto *cr,
                                       const char *as_url, const char *operator_id,
                                       struct vch_span out);

#endif
