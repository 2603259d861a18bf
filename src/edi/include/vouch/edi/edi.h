/* vouch/edi/edi.h - RP-edi, the AS's side: asks a mobile operator's exposure function (CEF) about
 * accounts, keeps event subscriptions there, and checks the notifications that it sends.
 * Layer 10, on http, jose and jansson. It never logs and reads no clock but the one given.
 *
 * One handle is one operator; any number of threads may use it. The wire is the interface
 * `divs-account-status` of docs/api/netsim.yaml: JSON over HTTPS with mutual TLS, access tokens of
 * OAuth 2 client credentials bound to our certificate (RFC 8705), and every answer and every event
 * signed by the operator (JWS, ES256) with a key pinned in our configuration.
 *
 * What an operator says counts only if its signature holds, it speaks of the very identity asked
 * for, and it is fresh. Everything that keeps us from knowing (no connection, time-out, 5xx, a TLS
 * peer that is not the configured CEF, an unreadable answer) is an error of the kind REMOTE or BUSY
 * with exit status 2: try later. None of it is ever a success.
 *
 * Errors that every call to the operator may return, "the remote errors" below:
 *   EDI_UNREACHABLE  no connection, time-out, TLS, 5xx
 *   EDI_BUSY         429 or 503: try later
 *   EDI_REFUSED      401 or 403: our certificate, client id or scopes are not accepted there
 *   EDI_ANSWER       not the answer that the interface promises
 *   EDI_REQUEST      400 or 422: the operator takes the request for wrong
 *
 * req: Y.2247-8.4-1 (retrieve), Y.2247-8.4-2 (subscribe), Y.2247-8.4-3 (modify),
 *      Y.2247-8.4-4 (cancel), Y.2247-8.4-5 (notifications) */
#ifndef VOUCH_EDI_EDI_H
#define VOUCH_EDI_EDI_H

#include <vouch/base/buf.h>
#include <vouch/base/text.h>
#include <vouch/crypto/port.h>

#define VCH_EDI_REF_MAX    64  /* bytes of an account reference, owner reference, subscription id */
#define VCH_EDI_URL_MAX    256 /* bytes of a sink */
#define VCH_EDI_AREA_MAX   1024
#define VCH_EDI_BATCH_MAX  64
#define VCH_EDI_EVENTS_MAX 100 /* events in one answer of the replay feed */

struct vch_edi;

/* Texts are copied. Zero in a number means the default beside it. */
struct vch_edi_options {
    const char *operator_id; /* as the operator names itself in what it signs */
    const char *client_id;   /* our name at its token endpoint */
    const char *url;         /* "https://cef.op1.example:7443" */
    const char *ca_file;     /* PEM: the only anchors for its TLS certificate */
    const char *cert_file;   /* ours */
    const char *key_file;
    const char *keys_file;    /* its evidence keys: a JWK or JWK set, public parts only */
    const char *resolve_addr; /* as in vch_http_client_options; NULL: look the name up */
    const struct vch_crypto *crypto;
    int64_t (*now_ms)(void *user); /* Unix time; NULL: the system's clock */
    void *now_user;
    unsigned max_age_s;  /* 300: an answer checked longer ago is EDI_STALE */
    unsigned skew_s;     /* 60: how far the operator's clock may be off ours */
    unsigned timeout_ms; /* 10000 for one call */
};

/* Errors: EDI_OPTIONS (a text is missing or too long, a keys file without a usable P-256 key);
 * HTTP_OPTIONS, HTTP_CREDENTIALS. Nothing is sent yet. */
VCH_CHECKED vch_err vch_edi_open(const struct vch_edi_options *o, struct vch_edi **ret);
/* No call may be running. NULL is allowed. */
void vch_edi_close(struct vch_edi *e);
/* Borrowed until close. */
const char *vch_edi_operator_id(const struct vch_edi *e);

/* ---- identities */

/* Canonical forms (vouch/stmt/identity.h); "" means not given. */
struct vch_edi_ids {
    char msisdn[17]; /* '+' and up to 15 digits */
    char iccid[21];  /* 19 or 20 digits */
    char eid[33];    /* 32 digits */
    char imei[16];   /* 15 digits */
};

enum vch_edi_kind {
    VCH_EDI_MSISDN = 1,
    VCH_EDI_ICCID = 2,
    VCH_EDI_EID = 4,
    VCH_EDI_IMEI = 8,
    VCH_EDI_ACCOUNT = 16 /* the account reference of an earlier answer */
};

/* Exactly one name of one account. */
struct vch_edi_selector {
    enum vch_edi_kind kind;
    char text[VCH_EDI_REF_MAX + 1];
};

/* ---- account status */

/* A member that may be absent (the operator does not tell), null, or a value. */
enum vch_edi_presence { VCH_EDI_ABSENT = 0, VCH_EDI_NULL, VCH_EDI_GIVEN };
struct vch_edi_when {
    enum vch_edi_presence p;
    int64_t ms; /* with GIVEN */
};

enum vch_edi_contract_status {
    VCH_EDI_STATUS_ABSENT = 0,
    VCH_EDI_CREATED,
    VCH_EDI_PENDING_ACTIVE,
    VCH_EDI_ACTIVE,
    VCH_EDI_SUSPENDED,
    VCH_EDI_PENDING_TERMINATE,
    VCH_EDI_TERMINATED,
    VCH_EDI_CANCELLED,
    VCH_EDI_ABORTED
};
/* "active"... (TMF637); "" for ABSENT. Static. */
const char *vch_edi_status_name(enum vch_edi_contract_status s);

/* Field groups to ask for. Others that the operator withholds by its policy come as absent. */
enum {
    VCH_EDI_F_CONTRACT = 1, /* status, type, start, end, terminated-at, status-since */
    VCH_EDI_F_SERVICES = 2,
    VCH_EDI_F_BINDING = 4, /* the identifiers, bind status, since */
    VCH_EDI_F_AREA = 8,
    VCH_EDI_F_OWNER = 16,
    VCH_EDI_F_ASSURANCE = 32,
    VCH_EDI_F_HISTORY = 64,
    VCH_EDI_F_ALL = 127
};

/* What the operator keeps back though it was asked for: bits of enum vch_edi_kind for identifiers
 * (to be asked by vch_edi_match), and whole groups. */
struct vch_edi_withheld {
    unsigned ids;
    unsigned groups; /* VCH_EDI_F_ */
};

/* One account at one moment; the members of docs/formats.md 2.1. Texts are "" when absent.
 * req: Y.2247-7.2.2-3 (contract, device, period, restrictions) */
struct vch_edi_status {
    char account_ref[VCH_EDI_REF_MAX + 1]; /* pairwise: of this operator for us */
    int64_t last_checked_ms;               /* 29 */
    enum vch_edi_contract_status status;   /* 16 */
    struct vch_edi_when start;             /* 17 */
    struct vch_edi_when end;               /* 18; NULL: open-ended */
    struct vch_edi_when terminated_at;     /* 19; NULL: not terminated */
    struct vch_edi_when status_since;      /* 20 */
    char contract_type[16];                /* 21: PAYG, PAYM, Business */
    struct vch_edi_ids ids;                /* 1, 2, 3, 4: those that the operator tells */
    char bind_status[16];                  /* 22: BOUND, UNBOUND */
    struct vch_edi_when bound_since;       /* 23 */
    enum vch_edi_presence area_p;          /* 24; NULL: unrestricted */
    char area[VCH_EDI_AREA_MAX + 1];       /* compact JSON with sorted keys */
    char owner_ref[VCH_EDI_REF_MAX + 1];   /* 25 */
    struct vch_edi_when owner_since;       /* 26 */
    char data_service[16];                 /* 27: active, suspended, throttled */
    struct vch_edi_when history_from;      /* 28 */
    char assurance[24];                    /* AKMA, NETWORK_IP, SIM_CERT, SELF_ASSERTED... */
    struct vch_edi_withheld withheld;
    struct vch_hash evidence_hash; /* SHA-256 of the JWS */
    struct vch_buf evidence;       /* the operator's compact JWS over this answer */
};
void vch_edi_status_fini(struct vch_edi_status *s); /* frees the evidence; idempotent */

/* Reads the account that SEL names. RET belongs to the caller: vch_edi_status_fini.
 * Errors: the remote errors; EDI_UNKNOWN (no such account, or we are not entitled to it: operators
 * do not tell which); EDI_EVIDENCE (signature, operator id, audience); EDI_IDENTITY (an answer
 * about another identity than asked); EDI_STALE; EDI_CONTRADICTION (end before start, terminated
 * without a time, restrictions that are none...: nothing may be endorsed on it); EDI_IDENTIFIER
 * (SEL is no canonical identifier: nothing was sent). */
VCH_CHECKED vch_err vch_edi_retrieve(struct vch_edi *e, const struct vch_edi_selector *sel,
                                     unsigned fields, struct vch_edi_status *ret);

/* Reads N accounts (1 to VCH_EDI_BATCH_MAX) in one call. RET_ERRS and RET have N elements:
 * RET_ERRS[i] is the result for SELS[i] as of vch_edi_retrieve, and RET[i] is set where that is
 * VCH_OK (zeroed elsewhere). Errors: the remote errors, LIMIT, EDI_IDENTIFIER: about the whole. */
VCH_CHECKED vch_err vch_edi_retrieve_batch(struct vch_edi *e, const struct vch_edi_selector *sels,
                                           size_t n, unsigned fields, vch_err *ret_errs,
                                           struct vch_edi_status *ret);

/* Do these identifiers belong to one account? The operator reveals nothing that it was not told. */
struct vch_edi_match {
    char account_ref[VCH_EDI_REF_MAX + 1];
    int64_t last_checked_ms;
    unsigned asked;   /* bits of enum vch_edi_kind */
    unsigned matched; /* those of them that the account has; all did: matched == asked */
    struct vch_hash evidence_hash;
    struct vch_buf evidence;
};
void vch_edi_match_fini(struct vch_edi_match *m);

/* The account is the one that the first of MSISDN, ICCID, EID, IMEI given in IDS names and that we
 * serve; the others are compared with it. Errors: those of vch_edi_retrieve; EDI_IDENTIFIER also if
 * none is given. A mismatch is no error: look at RET. */
VCH_CHECKED vch_err vch_edi_match(struct vch_edi *e, const struct vch_edi_ids *ids,
                                  struct vch_edi_match *ret);

/* ---- subscriptions */

/* Event types, `int.divs.account-status.v0.` and the name. */
enum {
    VCH_EDI_EV_CONTRACT_TERMINATED = 1,
    VCH_EDI_EV_CONTRACT_STATUS_CHANGED = 2, /* suspended, resumed, renewed, expired */
    VCH_EDI_EV_IMEI_CHANGED = 4,            /* another device */
    VCH_EDI_EV_SIM_CHANGED = 8,             /* another SIM, profile or number */
    VCH_EDI_EV_OWNER_CHANGED = 16,
    VCH_EDI_EV_AREA_CHANGED = 32,
    VCH_EDI_EV_SUBSCRIPTION_ENDED = 64, /* always sent, never asked for */
    VCH_EDI_EV_ALL = 63                 /* all that can be asked for */
};
/* "contract-terminated"... of one bit; "" otherwise. Static. */
const char *vch_edi_event_name(unsigned type);

enum vch_edi_sub_state {
    VCH_EDI_SUB_REQUESTED = 1,
    VCH_EDI_SUB_ACTIVE,
    VCH_EDI_SUB_INACTIVE,
    VCH_EDI_SUB_EXPIRED,
    VCH_EDI_SUB_DELETED
};

struct vch_edi_sub {
    char id[VCH_EDI_REF_MAX + 1];
    char version[24]; /* for vch_edi_modify; changes with every modification */
    char account_ref[VCH_EDI_REF_MAX + 1];
    unsigned types;
    char sink[VCH_EDI_URL_MAX + 1];
    enum vch_edi_sub_state state;
    int64_t starts_ms;
    struct vch_edi_when expires; /* NULL: none */
    uint64_t events_max;         /* 0: no limit */
    uint64_t last_seq;           /* highest seq that the account's feed had then */
};

struct vch_edi_sub_request {
    struct vch_edi_selector account;
    unsigned types;         /* one or more of VCH_EDI_EV_ALL */
    const char *sink;       /* https URL, registered for us at the operator */
    const char *sink_token; /* the operator sends it as a bearer token; NULL: none */
    int64_t expires_ms;     /* 0: none asked; operators may shorten it */
    uint64_t events_max;    /* 0: no limit */
    bool initial_event;     /* one event at once with the present state, of the first type */
};

/* Errors: the remote errors; EDI_UNKNOWN; EDI_DUPLICATE (we have an active subscription of that
 * account for one of these types: list and modify it); EDI_IDENTIFIER. */
VCH_CHECKED vch_err vch_edi_subscribe(struct vch_edi *e, const struct vch_edi_sub_request *rq,
                                      struct vch_edi_sub *ret);

/* What to change; others stay. */
struct vch_edi_sub_change {
    unsigned types;                   /* 0: keep */
    const char *sink;                 /* NULL: keep */
    const char *sink_token;           /* NULL: keep */
    struct vch_edi_when expires;      /* ABSENT: keep */
    bool events_max_set;              /* otherwise keep */
    uint64_t events_max;              /* further events from now on; 0: no limit */
    struct vch_edi_selector selector; /* kind 0: keep; another name of the same account, after a
                                       * change of number */
};
/* Changes the subscription only if it still is at VERSION. Events recorded before follow the old
 * setting where they were already on their way, none is lost or sent twice by the change.
 * Errors: the remote errors; EDI_VERSION (somebody changed it since); EDI_SUBSCRIPTION (none of
 * ours with that id); EDI_DUPLICATE; EDI_UNKNOWN, EDI_IDENTITY (the selector names another or no
 * account). */
VCH_CHECKED vch_err vch_edi_modify(struct vch_edi *e, const char *id, const char *version,
                                   const struct vch_edi_sub_change *change,
                                   struct vch_edi_sub *ret);
/* Errors: the remote errors; EDI_SUBSCRIPTION (also after it was cancelled). */
VCH_CHECKED vch_err vch_edi_cancel(struct vch_edi *e, const char *id);
VCH_CHECKED vch_err vch_edi_sub_get(struct vch_edi *e, const char *id, struct vch_edi_sub *ret);
/* Our subscriptions in the order of their ids, after AFTER ("" or NULL: from the first): up to CAP;
 * RET_MORE tells whether there are others. Errors: the remote errors. */
VCH_CHECKED vch_err vch_edi_list(struct vch_edi *e, const char *after, struct vch_edi_sub *ret,
                                 size_t cap, size_t *ret_n, bool *ret_more);

/* ---- events: a hint to read again, never the new state itself */

struct vch_edi_event {
    char id[VCH_EDI_REF_MAX + 1]; /* of the CloudEvent; unique at this operator */
    char subscription_id[VCH_EDI_REF_MAX + 1];
    char account_ref[VCH_EDI_REF_MAX + 1];
    unsigned type;           /* one VCH_EDI_EV_; 0: a type that we do not know */
    char type_name[96];      /* as received */
    bool unasked;            /* of a type that the subscription does not name (any more) */
    uint64_t seq;            /* from 1 without gap in each account's feed */
    int64_t effective_at_ms; /* when it took or will take effect */
    int64_t notified_at_ms;  /* when the operator made the event */
    struct vch_edi_ids ids;  /* the identity under which we subscribed, as it then was; or none */
    char reason[64];         /* of a termination; terminationReason of subscription-ended */
    enum vch_edi_contract_status from, to; /* of contract-status-changed */
    bool initial;                          /* the first event that initial_event asked for */
    struct vch_hash evidence_hash;
    struct vch_buf evidence; /* compact JWS: body and signature in one */
};
void vch_edi_event_fini(struct vch_edi_event *ev);

/* What the AS knows of a subscription that a notification names. */
struct vch_edi_known {
    char account_ref[VCH_EDI_REF_MAX + 1];
    uint64_t last_seq; /* highest seq of the account already taken */
    unsigned types;    /* as subscribed now */
};
/* Finds a live subscription of ours. Errors: EDI_EVENT_UNKNOWN (none, or cancelled); its own. */
typedef vch_err (*vch_edi_find_fn)(void *user, const char *subscription_id,
                                   struct vch_edi_known *ret);

/* Checks a notification: BODY is the CloudEvent as received, X_JWS the header of that name with the
 * detached signature (RFC 7515 appendix F). RET_GAP: events before this one are missing, pull them
 * by vch_edi_events_after. The signature comes first, the form after it.
 *
 * An event of an unknown type (ret->type 0) is a success all the same: it has its number in the
 * feed, and the operator repeats it until it is accepted. Keep it and have people look at it.
 *
 * Errors, and what to answer the operator:
 *   EDI_EVIDENCE       403  the signature, key or operator is not right
 *   EDI_EVENT          400  no event of the interface
 *   EDI_EVENT_UNKNOWN  410  no such subscription of ours
 *   EDI_IDENTITY       403  it speaks of another account than the subscription
 *   EDI_EVENT_REPLAY   204  already taken; no effect
 *   EDI_STALE          403  notified in the future of our clock
 * and errors of FIND. */
VCH_CHECKED vch_err vch_edi_event_verify(struct vch_edi *e, struct vch_bytes body,
                                         const char *x_jws, vch_edi_find_fn find, void *user,
                                         struct vch_edi_event *ret, bool *ret_gap);

/* The events of an account after AFTER_SEQ in their order, up to CAP (at most VCH_EDI_EVENTS_MAX),
 * each with its signature verified; a gap or disorder in them is EDI_ANSWER. RET_MORE: ask again
 * after the last. Those set belong to the caller: vch_edi_event_fini each.
 * Errors: the remote errors; EDI_UNKNOWN; EDI_EVIDENCE; EDI_IDENTITY. */
VCH_CHECKED vch_err vch_edi_events_after(struct vch_edi *e, const char *account_ref,
                                         uint64_t after_seq, struct vch_edi_event *ret, size_t cap,
                                         size_t *ret_n, bool *ret_more);

#endif
