/* parts.h - what a vouchd is made of, opened from its configuration and closed in the reverse
 * order. */
#ifndef VOUCHD_PARTS_H
#define VOUCHD_PARTS_H

#include <vouch/as/as.h>
#include <vouch/conf/conf.h>
#include <vouch/engine/engine.h>
#include <vouch/ossl/key.h>
#include <vouch/svc_ledger/svc_ledger.h>

struct parts {
    const struct vch_conf_node *root;
    struct vch_log *log;
    struct vch_metrics *metrics;
    const char *what; /* was being done when it failed */
    char detail[1024];

    struct vch_ossl_key *ledger_key, *checkpoint_key;
    struct vch_engine *engine; /* role ledger */
    struct vch_ledger ledger;
    struct vch_svc_ledger *svc_ledger;

    struct vch_audit *audit;
    struct vch_as_vault *vault;
    void *master;
    struct vch_edi **edi;
    struct vch_as_operator *operators;
    const char **prefixes; /* of all operators, one after the other */
    size_t operator_count;
    struct vch_as *as; /* role as */
};

/* The ledger alone: with READ_ONLY beside a running vouchd. */
VCH_CHECKED vch_err parts_ledger(struct parts *p, bool read_only,
                                 void (*on_fatal)(void *user, vch_err e), void *user);
VCH_CHECKED vch_err parts_vault(struct parts *p);
VCH_CHECKED vch_err parts_as(struct parts *p);
/* Reads key and certificate of the AS again. */
VCH_CHECKED vch_err parts_as_key(struct parts *p);
void parts_close(struct parts *p);

#endif
