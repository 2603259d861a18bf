/* operator.h - one running operator. */
#ifndef NETSIM_OPERATOR_H
#define NETSIM_OPERATOR_H

#include <pthread.h>
#include <stdatomic.h>

#include <vouch/http/client.h>
#include <vouch/http/server.h>
#include <vouch/netsim/cef.h>
#include <vouch/netsim/netsim.h>
#include <vouch/obs/metrics.h>
#include <vouch/ossl/key.h>

#define VCH_NETSIM_ROUTES   16
#define VCH_NETSIM_SINKS    64
#define VCH_NETSIM_COURIERS 16

struct vch_netsim_operator;

/* What a route does: its scope and its function. */
struct vch_netsim_route {
    struct vch_netsim_operator *op;
    size_t index;
};

/* The client of one sink's authority. */
struct vch_netsim_sink {
    char origin[257];
    struct vch_http_client *client;
};

struct vch_netsim_operator {
    char id[129];
    struct vch_netsim_cef cef;
    struct vch_netsim_usm inner; /* the USM itself; cef.usm counts and times what goes to it */
    struct vch_ossl_key *key;
    struct vch_log *log;
    struct vch_metrics *metrics;
    struct vch_histogram *lookups;
    int64_t clock_offset_ms;
    unsigned token_life_s;
    struct vch_http_server *server;
    struct vch_netsim_route routes[VCH_NETSIM_ROUTES];
    /* delivery */
    char *ca_file, *cert_file, *key_file;
    unsigned timeout_ms;
    int64_t backoff_min_ms, backoff_max_ms;
    struct vch_netsim_sink sinks[VCH_NETSIM_SINKS];
    size_t sink_count;
    pthread_mutex_t lock; /* sinks, the condition */
    pthread_cond_t due;
    unsigned long posted; /* rises with every reason to look at the outbox */
    pthread_t pump, couriers[VCH_NETSIM_COURIERS];
    size_t courier_count;
    bool pumping;
    int wake_fd; /* datagram socket beside the database, written by ctl */
    int stop_fd; /* eventfd: looks at the USM's events, or stops */
    char *wake_path;
    atomic_bool stop;
};

/* Every scope that there is, separated by spaces. */
extern const char vch_netsim_all_scopes[];

VCH_CHECKED vch_err vch_netsim_numbering_read(const struct vch_conf_node *op,
                                              struct vch_netsim_numbering *ret);
VCH_CHECKED vch_err vch_netsim_policy_read(const struct vch_conf_node *op,
                                           struct vch_netsim_cef *cef);
/* Makes the clients in the database those of the configuration. Inside a transaction. */
VCH_CHECKED vch_err vch_netsim_clients_sync(struct vch_netsim_db *db,
                                            const struct vch_conf_node *op);

int64_t vch_netsim_machine_ms(void);
int64_t vch_netsim_operator_ms(const struct vch_netsim_operator *op);

/* The routes of the API, filled in for OP; their number. */
size_t vch_netsim_routes(struct vch_netsim_operator *op, struct vch_http_route *ret);

/* Delivery: threads that take the USM's events and work off the outbox. */
VCH_CHECKED vch_err vch_netsim_delivery_start(struct vch_netsim_operator *op, size_t couriers);
void vch_netsim_delivery_stop(struct vch_netsim_operator *op);
/* There may be something in the outbox. */
void vch_netsim_delivery_post(struct vch_netsim_operator *op);

/* Path of the socket that wakes the operator of this database; vch_mem_free. */
char *vch_netsim_wake_path(const char *database);
/* Tells a running operator that there are events; without effect if none runs. */
void vch_netsim_wake(const char *database);

#endif
