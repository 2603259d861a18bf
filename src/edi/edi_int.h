/* edi_int.h - between the files of the client. */
#ifndef EDI_INT_H
#define EDI_INT_H

#include <jansson.h>
#include <pthread.h>

#include <vouch/edi/edi.h>
#include <vouch/http/client.h>
#include <vouch/jose/jws.h>

#define EDI_TYP_STATUS "divs-status+jws"
#define EDI_TYP_MATCH  "divs-match+jws"
#define EDI_TYP_EVENT  "divs-event+jws"
#define EDI_TYPE       "int.divs.account-status.v0."
#define EDI_API        "/divs-account-status/v0"
#define EDI_SUBS       "/divs-account-status-subscriptions/v0/subscriptions"
#define EDI_EVENTS     "/divs-account-status-subscriptions/v0/events"

struct vch_edi {
    char operator_id[129];
    char client_id[65];
    const struct vch_crypto *crypto;
    int64_t (*now_ms)(void *user);
    void *now_user;
    int64_t max_age_ms, skew_ms;
    unsigned timeout_ms;
    struct vch_http_client *http;
    struct vch_jwks keys;
    pthread_mutex_t lock; /* of the token */
    char *token;
    int64_t token_until_ms;
};

/* Reads a JWK or a JWK set into the handle. Errors: EDI_OPTIONS. */
VCH_CHECKED vch_err vch_edi_keys_read(struct vch_edi *e, struct vch_bytes text);
/* Opens a compact JWS of the operator, of this type. RET is the payload, a new object.
 * Errors: EDI_EVIDENCE. */
VCH_CHECKED vch_err vch_edi_jws_open(const struct vch_edi *e, const char *typ, struct vch_bytes jws,
                                     json_t **ret);
/* The compact form of a detached signature and its payload, appended to OUT.
 * Errors: EDI_EVIDENCE, LIMIT. */
VCH_CHECKED vch_err vch_edi_jws_attach(const char *x_jws, struct vch_bytes body,
                                       struct vch_buf *out);

/* One call with a token. BODY (borrowed) may be NULL. RET: a new reference, or NULL for an answer
 * without body; RET_ETAG (NULL allowed) 24 bytes. MISSING is the error for 404 of anything but an
 * identity. Errors: the remote errors; EDI_UNKNOWN; MISSING; EDI_DUPLICATE, EDI_VERSION,
 * EDI_IDENTITY, EDI_SUBSCRIPTION. */
struct vch_edi_call {
    const char *method;
    const char *path;
    const json_t *body;
    const char *media;
    const char *if_match;
    vch_err missing;
};
VCH_CHECKED vch_err vch_edi_call(struct vch_edi *e, const struct vch_edi_call *call, json_t **ret,
                                 char *ret_etag);

/* ---- reading JSON; a wrong type or length is EDI_ANSWER, absent is "" or ABSENT */
VCH_CHECKED vch_err vch_edi_json_text(const json_t *o, const char *name, char *room, size_t cap);
VCH_CHECKED vch_err vch_edi_json_when(const json_t *o, const char *name, struct vch_edi_when *ret);
/* A time that must be there. */
VCH_CHECKED vch_err vch_edi_json_time(const json_t *o, const char *name, int64_t *ret_ms);
VCH_CHECKED vch_err vch_edi_json_u64(const json_t *o, const char *name, uint64_t *ret);
/* Text of a time for the wire; static room of the caller, VCH_TIME_TEXT_MAX. */
json_t *vch_edi_time_json(int64_t ms);

/* Canonical? Errors: EDI_IDENTIFIER. */
VCH_CHECKED vch_err vch_edi_selector_check(const struct vch_edi_selector *sel);
/* Adds the member that names the account. */
void vch_edi_selector_put(const struct vch_edi_selector *sel, json_t *o);
/* All identifiers given in IDS; asked bits. Errors: EDI_IDENTIFIER. */
VCH_CHECKED vch_err vch_edi_ids_put(const struct vch_edi_ids *ids, json_t *o, unsigned *ret_asked);
/* The identifiers in the members device, sim and equipment of O. Errors: EDI_ANSWER. */
VCH_CHECKED vch_err vch_edi_ids_read(const json_t *o, struct vch_edi_ids *ret);
/* Status of a TMF637 name; ABSENT if unknown. */
enum vch_edi_contract_status vch_edi_status_of(const char *name);
/* Bit of a full event type; 0 if unknown. */
unsigned vch_edi_event_of(const char *type);
/* Keeps the JWS TEXT as evidence with its hash. */
VCH_CHECKED vch_err vch_edi_evidence_keep(const struct vch_edi *e, struct vch_bytes text,
                                          struct vch_buf *ret, struct vch_hash *ret_hash);
/* Is the restriction one that can be evaluated? Errors: EDI_CONTRADICTION. */
VCH_CHECKED vch_err vch_edi_area_check(const json_t *area);

/* Copies TEXT with its NUL; one that does not fit is a defect. */
void vch_edi_set(char *room, size_t cap, const char *text);
/* Compact text with sorted keys; vch_mem_free. NULL for an object that cannot be text. */
char *vch_edi_dump(const json_t *o);

/* Finisher for VCH_AUTO. */
void vch_edi_json_drop(json_t **o);

#endif
