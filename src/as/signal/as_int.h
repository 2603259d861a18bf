/* as_int.h - the signalling part among its files. */
#ifndef VOUCH_AS_INT_H
#define VOUCH_AS_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include <vouch/as/as.h>
#include <vouch/as/nonce.h>
#include <vouch/http/rate.h>
#include <vouch/stmt/ack.h>

#define SINK_TOKEN_ROOM 49 /* 48 hexadecimal digits and a NUL */
#define MEDIA_ACK       "application/vouch-ack+cbor"
#define MEDIA_ACKS      "application/vouch-acks+cbor"
#define MEDIA_RECEIPT   "application/vouch-receipt+cose"
#define MEDIA_JSON      "application/json"
#define ACK_MAX         (VCH_LEDGER_STATEMENT_MAX + VCH_LEDGER_RECEIPT_MAX + 1024)
#define LINEAGE_MAX     256 /* endorsements of one device in one answer */

struct care;
struct hub;
struct call;

struct route {
    enum vch_http_method method;
    const char *pattern;
    const char *media; /* of the body, NULL: none is taken */
    size_t body_max;
    unsigned point;
    enum vch_as_op op;
    vch_err (*run)(struct call *c);
};

/* What a handler registered at the server is called with. */
struct bound {
    struct vch_as *as;
    const struct route *route;
    struct vch_counter *ok, *refused, *failed;
};

struct operator_of {
    struct vch_as_operator op;
    char sink_token[SINK_TOKEN_ROOM];
    struct vch_counter *asked, *unreachable;
};

struct vch_as {
    struct vch_as_options o;
    char url[VCH_URL_MAX + 1];
    struct vch_as_data *data;
    struct vch_as_users *users;
    struct vch_as_nonces *nonces;
    struct vch_rate *register_rate;
    struct operator_of *operators;
    struct care *care;
    struct hub *hub;
    struct bound *bound;
    struct vch_counter *alarms, *endorsed, *notified, *erased;
};

/* One request being served. */
struct call {
    struct vch_as *as;
    const struct route *route;
    struct vch_http_request *rq;
    struct vch_http_response *rs;
    struct vch_as_caller caller;
    int64_t now_ms; /* Unix time */
    const char
        *why; /* for the audit log only: which rule refused; static; NULL: the code says it */
    const char *event; /* for the audit log when it succeeds; NULL: not worth an event */
    bool has_subject;  /* for the audit log */
    uint8_t subject[16];
    bool has_txid;
    struct vch_hash txid;
    int64_t wait_ms; /* for Retry-After */
};

/* ---- routes (the tables of each reference point) */
extern const struct route vch_as_routes_ud[], vch_as_routes_ds[], vch_as_routes_edi[],
    vch_as_routes_admin[];
extern const size_t vch_as_routes_ud_n, vch_as_routes_ds_n, vch_as_routes_edi_n,
    vch_as_routes_admin_n;

/* ---- shared */
int64_t vch_as_now_ms(const struct vch_as *as);
int64_t vch_as_mono_ms(void);
/* An event that people have to look at: log, audit, metric. */
void vch_as_alarm(struct vch_as *as, const char *event, const uint8_t *subject, vch_err e);
void vch_as_audit(struct vch_as *as, const char *event, const struct vch_field *fields, size_t n);
/* The acknowledgement of R as of docs/formats.md 2.6, with a fresh nonce if NONCE is given. */
vch_err vch_as_ack_encode(struct vch_as *as, const struct vch_as_record *r, const uint8_t *nonce,
                          struct vch_buf *out);
vch_err vch_as_nonce(struct vch_as *as, uint8_t ret[VCH_AS_NONCE_LEN]);
/* Puts a fresh nonce into the header Vouch-Nonce. */
void vch_as_nonce_header(struct call *c);
void vch_as_call_subject(struct call *c, const uint8_t subject[16]);
void vch_as_call_txid(struct call *c, const struct vch_hash *txid);

/* ---- operators */
const struct operator_of *vch_as_operator_by_id(const struct vch_as *as, const char *id);
/* The one that serves the identity; NULL if none does. */
const struct operator_of *vch_as_operator_for(const struct vch_as *as,
                                              const struct vch_edi_ids *ids);
/* Reads the account SEL and compares it with the registered identifiers IDS, asking for a match of
 * those that the operator withholds. STATUS is to be finished by vch_edi_status_fini. Errors: those
 * of vch_edi_retrieve and vch_edi_match. */
vch_err vch_as_network_ask(const struct operator_of *op, const struct vch_edi_selector *sel,
                           const struct vch_edi_ids *ids, struct vch_edi_status *ret,
                           unsigned *ret_mismatched);
/* The same for an account read already. */
vch_err vch_as_network_compare(const struct operator_of *op, const struct vch_edi_ids *ids,
                               const struct vch_edi_status *status, unsigned *ret_mismatched);
struct vch_edi_selector vch_as_selector(enum vch_edi_kind kind, const char *text);

/* ---- follow-up work on accounts */
vch_err vch_as_care_open(struct vch_as *as, struct care **ret);
void vch_as_care_close(struct care *c);
void vch_as_care_wake(struct care *c);    /* there may be something to do */
bool vch_as_care_settled(struct care *c); /* is nothing of before the start pending any more? */
size_t vch_as_care_waiting(struct care *c);

/* ---- pushing to devices */
struct hub *vch_as_hub_open(struct vch_as *as);
void vch_as_hub_close(struct hub *h);
void vch_as_hub_notify(struct hub *h, const uint8_t subject[16]); /* never blocks for long */
/* Answers the call with an event stream of the acknowledgements of SUBJECT after AFTER_SEQ. */
vch_err vch_as_hub_stream(struct call *c, const uint8_t subject[16], int64_t after_seq);
size_t vch_as_hub_count(struct hub *h);

#endif
