/* vouch/netsim/usm.h - the user subscription management of the simulated operator: subscribers,
 * SIMs, devices, contracts and their history.
 * Layer 11. Every function runs inside a transaction of the caller (vch_netsim_tx_begin).
 *
 * The CEF knows the USM only through struct vch_netsim_usm: look-ups, watching an account, and the
 * events of watched accounts. Behind that table lies this module's database; a test may put a USM
 * there that does not answer.
 *
 * All identifiers in here are invented: country code 999, MCC 999, issuer 89999, test TACs; only
 * their check digits are right.
 *
 * req: Y.2247-9.1-1, Y.2247-9.1-2, Y.2247-9.1-3 */
#ifndef VOUCH_NETSIM_USM_H
#define VOUCH_NETSIM_USM_H

#include <vouch/netsim/db.h>

/* By what an account is named. Numbers are bits, as in the client. */
enum vch_netsim_kind {
    VCH_NETSIM_MSISDN = 1,
    VCH_NETSIM_ICCID = 2,
    VCH_NETSIM_EID = 4,
    VCH_NETSIM_IMEI = 8,
    VCH_NETSIM_REF = 16 /* pairwise reference; known to the CEF only */
};

struct vch_netsim_ids {
    char msisdn[17];
    char iccid[21];
    char eid[33];
    char imei[16];
    char imsi[16]; /* never leaves the operator */
};

#define VCH_NETSIM_AREA_MAX   1000
#define VCH_NETSIM_REASON_MAX 63
#define VCH_NETSIM_NEVER      INT64_MIN /* in a time: null */

/* One account as it stands at a time. */
struct vch_netsim_account {
    int64_t id;
    char segment[33];
    struct vch_netsim_ids ids;
    char bind_status[9];
    int64_t bound_ms;
    char status[17]; /* TMF637: active, suspended, pendingTerminate, terminated */
    char type[9];    /* PAYG, PAYM, Business */
    int64_t start_ms;
    int64_t end_ms;        /* NEVER: open-ended */
    int64_t terminated_ms; /* NEVER: not */
    int64_t since_ms;
    char data_service[11];
    int64_t customer;
    int64_t owner_ms;
    char area[VCH_NETSIM_AREA_MAX + 1]; /* "" none */
    int64_t history_ms;
};

/* What happened to an account; the numbers are the bits of the event types northbound. */
enum vch_netsim_event_kind {
    VCH_NETSIM_EV_TERMINATED = 1,
    VCH_NETSIM_EV_STATUS = 2,
    VCH_NETSIM_EV_IMEI = 4,
    VCH_NETSIM_EV_SIM = 8,
    VCH_NETSIM_EV_OWNER = 16,
    VCH_NETSIM_EV_AREA = 32,
    VCH_NETSIM_EV_ENDED = 64, /* of a subscription; made by the CEF */
    VCH_NETSIM_EV_ALL = 63,
    VCH_NETSIM_EV_CONSENT = 128 /* revoked; between USM and CEF only */
};

struct vch_netsim_usm_event {
    int64_t id; /* ascending */
    int64_t account;
    unsigned kind;
    char client[65];  /* EV_CONSENT: whose */
    char detail[512]; /* JSON object; identifiers in it are for the CEF to filter */
    int64_t effective_ms;
    int64_t recorded_ms;
};

/* The interface of the USM towards the CEF. Errors of all: NETSIM_DB, or NETSIM_USM for a USM that
 * does not answer. */
struct vch_netsim_usm {
    void *self;
    /* The account that the identifier names at NOW; a live one goes before a terminated one
     * (numbers are recycled). Errors: also NETSIM_UNKNOWN. */
    vch_err (*find)(void *self, enum vch_netsim_kind kind, const char *text, int64_t now_ms,
                    int64_t *ret_account);
    vch_err (*read)(void *self, int64_t account, int64_t now_ms, struct vch_netsim_account *ret);
    /* Has the subscriber not withdrawn the consent to tell CLIENT? */
    vch_err (*consent)(void *self, int64_t account, const char *client, bool *ret);
    /* Events of this account shall be recorded from now on, or no longer. Idempotent. One watch
     * serves all clients of the CEF: it counts them, not the USM. */
    vch_err (*watch)(void *self, int64_t account, int64_t now_ms);
    vch_err (*unwatch)(void *self, int64_t account);
    /* The first event after number AFTER. Errors: also NETSIM_UNKNOWN (none yet). */
    vch_err (*next)(void *self, int64_t after, struct vch_netsim_usm_event *ret);
};
/* The USM of the database DB; DB outlives it. */
struct vch_netsim_usm vch_netsim_usm(struct vch_netsim_db *db);

/* ---- numbering: how this operator's invented identifiers look */
struct vch_netsim_numbering {
    char mcc[4], mnc[4];
    char msisdn_prefix[9]; /* "+99901" */
    char iccid_prefix[12]; /* "8999901" */
    char tac_prefix[8];    /* 7 digits: the first of the type allocation code */
};
/* The identifiers of line INDEX (0 to 9999999); distinct for distinct indexes of one seed. */
void vch_netsim_line(const struct vch_netsim_numbering *n, uint64_t seed, uint64_t index,
                     struct vch_netsim_ids *ret);

/* Canonical form of TEXT as KIND. Errors: NETSIM_ARGUMENT. */
VCH_CHECKED vch_err vch_netsim_canon(enum vch_netsim_kind kind, const char *text, char *room,
                                     size_t cap);

/* ---- changes, each with its history row and, if the account is watched, its event */
enum vch_netsim_op {
    VCH_NETSIM_TERMINATE,
    VCH_NETSIM_SUSPEND,
    VCH_NETSIM_RESUME,
    VCH_NETSIM_RENEW,         /* time: the new end, NEVER for open-ended */
    VCH_NETSIM_SWAP_SIM,      /* ids.iccid, ids.eid ("" allowed), ids.imsi */
    VCH_NETSIM_SWAP_DEVICE,   /* ids.imei */
    VCH_NETSIM_CHANGE_NUMBER, /* ids.msisdn */
    VCH_NETSIM_CHANGE_OWNER,
    VCH_NETSIM_RESTRICT_AREA,  /* text: JSON, "" lifts the restriction */
    VCH_NETSIM_REVOKE_CONSENT, /* text: the client */
    VCH_NETSIM_EXPIRE          /* the end has come */
};

struct vch_netsim_change {
    enum vch_netsim_op op;
    int64_t account;
    int64_t effective_ms; /* when it takes effect; before the newest change of its sort: refused */
    int64_t time_ms;
    const char *text;
    const char *reason; /* UTF-8 of up to REASON_MAX bytes; NULL: none */
    struct vch_netsim_ids ids;
};
/* Errors: NETSIM_UNKNOWN (account); NETSIM_STATE (terminated, not suspended..., effective in the
 * past of an earlier change); NETSIM_EXISTS (the new identifier belongs to a live account);
 * NETSIM_ARGUMENT; NETSIM_DB. */
VCH_CHECKED vch_err vch_netsim_usm_change(struct vch_netsim_db *db, int64_t now_ms,
                                          const struct vch_netsim_change *c);

/* A new subscriber. Errors: NETSIM_EXISTS (an identifier is in use by a live account, or the SIM
 * was used before); NETSIM_ARGUMENT; NETSIM_DB. */
struct vch_netsim_subscriber {
    struct vch_netsim_ids ids;
    const char *segment;
    const char *type;
    int64_t start_ms;
    int64_t end_ms; /* NEVER: open-ended */
};
VCH_CHECKED vch_err vch_netsim_usm_add(struct vch_netsim_db *db, int64_t now_ms,
                                       const struct vch_netsim_subscriber *s, int64_t *ret_account);

/* Ends the contracts whose end has come, at most LIMIT; RET_N of them. Errors: NETSIM_DB. */
VCH_CHECKED vch_err vch_netsim_usm_expire(struct vch_netsim_db *db, int64_t now_ms, size_t limit,
                                          size_t *ret_n);

/* "contract-terminated"... of one event kind; "" otherwise. */
const char *vch_netsim_event_name(unsigned kind);

#endif
