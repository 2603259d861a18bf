/* vouch/netsim/netsim.h - the simulator of mobile operators as a whole: configuration, databases,
 * the running operators, and what people do to their subscribers.
 * Layer 11.
 *
 * One process simulates any number of operators. Each has its own database, TLS listener, token
 * endpoint, signing key, policy and clock. `ctl` works on a database file while the operator runs
 * or not: every change is one transaction with its event, and a running operator is woken. */
#ifndef VOUCH_NETSIM_NETSIM_H
#define VOUCH_NETSIM_NETSIM_H

#include <jansson.h>

#include <vouch/conf/conf.h>
#include <vouch/netsim/usm.h>
#include <vouch/obs/log.h>

/* The options of the configuration file. */
const struct vch_conf_option *vch_netsim_options(void);

/* The section of operator ID; NULL or "" means the only or first one.
 * Errors: NETSIM_CONFIG (no such operator). */
VCH_CHECKED vch_err vch_netsim_operator_conf(const struct vch_conf *c, const char *id,
                                             const struct vch_conf_node **ret);

/* Makes the database of an operator with its subscribers. Errors: NETSIM_EXISTS; NETSIM_DB;
 * NETSIM_CONFIG; NETSIM_ARGUMENT. Nothing is left behind on failure. */
VCH_CHECKED vch_err vch_netsim_init(const struct vch_conf_node *op);

/* ---- running */
struct vch_netsim;
/* Starts all operators. Clients in the databases become those of the configuration.
 * RETERR_WHO (64 bytes) names the operator that failed. Errors: NETSIM_DB, NETSIM_CONFIG, those of
 * vch_ossl_key_load, vch_cert_open and vch_http_server_open. */
VCH_CHECKED vch_err vch_netsim_open(const struct vch_conf *c, struct vch_log *log,
                                    char reterr_who[64], struct vch_netsim **ret);
/* Answers what was received, then stops. NULL is allowed. */
void vch_netsim_close(struct vch_netsim *n);
/* Port of the operator's listener; 0 for an unknown operator. */
uint16_t vch_netsim_port(const struct vch_netsim *n, const char *operator_id);

/* ---- changes by the staff of the operator */
struct vch_netsim_order {
    enum vch_netsim_op op;
    enum vch_netsim_kind kind; /* of the selector */
    const char *text;          /* the selector */
    int64_t effective_ms;      /* NEVER: now */
    int64_t time_ms;           /* RENEW */
    const char *value;         /* a new identifier (NULL: the next invented one), area or client */
    const char *reason;
};
/* Errors: those of vch_netsim_usm_change and of the look-up. */
VCH_CHECKED vch_err vch_netsim_ctl_change(const struct vch_conf_node *op,
                                          const struct vch_netsim_order *o);
/* Adds one subscriber with the next invented identifiers. RET: as of ctl_show. */
VCH_CHECKED vch_err vch_netsim_ctl_add(const struct vch_conf_node *op, const char *segment,
                                       json_t **ret);
/* An account with its identifiers, for the operator's own staff; a new object. */
VCH_CHECKED vch_err vch_netsim_ctl_show(const struct vch_conf_node *op, enum vch_netsim_kind kind,
                                        const char *text, json_t **ret);
/* The accounts after number AFTER, at most LIMIT, as an array. */
VCH_CHECKED vch_err vch_netsim_ctl_list(const struct vch_conf_node *op, int64_t after,
                                        unsigned limit, json_t **ret);

#endif
