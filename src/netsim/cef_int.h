/* cef_int.h - between the files of the CEF. */
#ifndef NETSIM_CEF_INT_H
#define NETSIM_CEF_INT_H

#include <vouch/base/text.h>
#include <vouch/netsim/cef.h>

/* Fills the fault and gives the error. */
vch_err vch_netsim_fail(struct vch_netsim_fault *f, unsigned status, const char *code,
                        const char *message, vch_err e);

/* The names of an account in a request. */
struct vch_netsim_names {
    unsigned given; /* bits of enum vch_netsim_kind */
    struct vch_netsim_ids ids;
    char ref[33];
};
/* Reads device, sim, equipment and account of OBJ. Errors: NETSIM_ARGUMENT. */
VCH_CHECKED vch_err vch_netsim_names_read(const json_t *obj, struct vch_netsim_names *ret,
                                          struct vch_netsim_fault *reterr);
/* The same members, canonical, added to OBJ. */
void vch_netsim_names_put(const struct vch_netsim_names *n, json_t *obj);
/* Text of the name KIND. */
const char *vch_netsim_names_text(const struct vch_netsim_names *n, unsigned kind);
/* Are all members of OBJ in the NULL-terminated list KNOWN? */
bool vch_netsim_known(const json_t *obj, const char *const *known);

/* The account of the names that CLIENT may see: the first in the order MSISDN, ICCID, EID, IMEI,
 * reference that names one. Errors: NETSIM_UNKNOWN in all cases that the client must not tell
 * apart. */
VCH_CHECKED vch_err vch_netsim_account_find(const struct vch_netsim_cef *cef, const char *client,
                                            int64_t now_ms, const struct vch_netsim_names *n,
                                            struct vch_netsim_account *ret,
                                            struct vch_netsim_fault *reterr);
/* Does CLIENT serve accounts like A, and may it be told of this one? Errors: NETSIM_UNKNOWN. */
VCH_CHECKED vch_err vch_netsim_entitled(const struct vch_netsim_cef *cef, const char *client,
                                        const struct vch_netsim_account *a);
/* The pairwise references, made at first use. */
VCH_CHECKED vch_err vch_netsim_account_ref(const struct vch_netsim_cef *cef, const char *client,
                                           int64_t account, char ret[33]);
VCH_CHECKED vch_err vch_netsim_owner_ref(const struct vch_netsim_cef *cef, const char *client,
                                         int64_t customer, char ret[33]);
VCH_CHECKED vch_err vch_netsim_random_id(const struct vch_netsim_cef *cef, char ret[33]);

/* Time as RFC 3339, or null. */
json_t *vch_netsim_time_json(int64_t ms);

/* Compact text with sorted keys; vch_mem_free. NULL for an object that cannot be text. */
char *vch_netsim_dump(const json_t *obj);
/* Compact JWS, ES256, over OBJ as compact JSON with sorted keys. RET: vch_mem_free.
 * Errors: CRYPTO, LIMIT. */
VCH_CHECKED vch_err vch_netsim_sign(const struct vch_netsim_cef *cef, const char *typ,
                                    const json_t *obj, char **ret);

/* A subscription as stored. */
struct vch_netsim_sub {
    char id[33];
    char client[65];
    int64_t account;
    char selector[257];
    unsigned types;
    char sink[257];
    char token[513];
    int64_t starts_ms, expires_ms; /* NEVER: none */
    int64_t events_max;            /* 0: no limit */
    int64_t events_left;
    char status[9];
    int64_t version;
};
VCH_CHECKED vch_err vch_netsim_sub_load(struct vch_netsim_db *db, const char *id,
                                        struct vch_netsim_sub *ret);
/* Adds one event to the feed of the account for the client and puts it to the outbox. DATA is
 * borrowed and holds what is special to the event. */
VCH_CHECKED vch_err vch_netsim_event_make(const struct vch_netsim_cef *cef,
                                          const struct vch_netsim_sub *s, unsigned kind,
                                          int64_t effective_ms, int64_t now_ms, json_t *data);
/* Ends it: status, event subscription-ended with REASON, and the watch of the USM if it was the
 * last one of its account. */
VCH_CHECKED vch_err vch_netsim_sub_end(const struct vch_netsim_cef *cef,
                                       const struct vch_netsim_sub *s, const char *status,
                                       const char *reason, int64_t now_ms);
/* Stops watching the account unless another active subscription needs it. */
VCH_CHECKED vch_err vch_netsim_unwatch_unneeded(const struct vch_netsim_cef *cef, int64_t account);

#endif
