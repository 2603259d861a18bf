/* vouch/as/access.h - access control of the AS (Y.2247 clause 8.1.2): roles, the permission matrix,
 * the table of users with their rights, who a caller is.
 * Layer 11, part "access control". Thread-safe unless a line says otherwise.
 *
 * Devices prove themselves by their signatures (clause 7.2.1); everybody else by a TLS client
 * certificate that the user table names. What a role may do at all is fixed in the matrix; what one
 * user may do of that, which fields it sees, of which devices, and how often, is in the user table,
 * which is read again when it changes. */
#ifndef VOUCH_AS_ACCESS_H
#define VOUCH_AS_ACCESS_H

#include <vouch/base/buf.h>
#include <vouch/http/server.h>

/* req: Y.2247-7.2-1 (collectors, recipients and servers are distinguished throughout) */
enum vch_as_role {
    VCH_AS_ANONYMOUS, /* no credential */
    VCH_AS_DEVICE, /* a collector: signs its requests, or a certificate of its maker or gateway */
    VCH_AS_USER,   /* a recipient: asks for verification data */
    VCH_AS_AGGREGATOR, /* a recipient that also submits anchors of what it collected */
    VCH_AS_ADMIN,      /* administrator of this AS */
    VCH_AS_OPERATOR,   /* exposure function of a mobile network */
    VCH_AS_ROLE_COUNT
};

enum vch_as_op {
    VCH_AS_OP_NONCE,    /* ask for a nonce */
    VCH_AS_OP_REGISTER, /* register the parameters of a device */
    VCH_AS_OP_UPDATES,  /* fetch the endorsements of the device itself */
    VCH_AS_OP_ANCHOR,   /* submit an anchor */
    VCH_AS_OP_NOTIFY,   /* notify a change of an account */
    VCH_AS_OP_RECORDS,  /* endorsed record by transaction ID */
    VCH_AS_OP_LATEST,   /* with the newest record of the same device and its proof */
    VCH_AS_OP_HISTORY,  /* with all records of the same device */
    VCH_AS_OP_LOOKUP,   /* records by identity */
    VCH_AS_OP_CONFIRM,  /* does this identity belong to that record? */
    VCH_AS_OP_REPORT,   /* report a device key lost, stolen or released */
    VCH_AS_OP_ERASE,    /* erase what opens the records of a device */
    VCH_AS_OP_STATUS,   /* counters and queues of the AS */
    VCH_AS_OP_KEYS,     /* public keys of AS and ledger */
    VCH_AS_OP_COUNT
};

/* May ROLE do OP at all? */
bool vch_as_matrix_allows(enum vch_as_role role, enum vch_as_op op);
/* "service-user", "register"...; static. */
const char *vch_as_role_name(enum vch_as_role role);
const char *vch_as_op_name(enum vch_as_op op);
/* The matrix as a Markdown table; docs/access.md holds this text. Errors: LIMIT of OUT. */
VCH_CHECKED vch_err vch_as_matrix_text(struct vch_buf *out);

/* The rights of one entry of the user table. Views are valid while its caller is held. */
struct vch_as_user {
    const char *name;
    enum vch_as_role role;
    bool suspended;
    uint32_t ops;    /* bit 1 << enum vch_as_op */
    uint64_t fields; /* bit 1 << disclosure key (docs/formats.md 2.1) */
    size_t batch_max;
    const uint8_t (*subjects)[16]; /* the only devices, NULL: every device */
    size_t subject_count;
};

struct vch_as_users; /* the table, with its file */

/* Reads the table PATH (NULL: an empty one). REPORT gets a line for each problem.
 * Errors: AS_USERS (not readable, writable by others than its owner, or wrong); those of conf. */
VCH_CHECKED vch_err vch_as_users_open(const char *path, struct vch_buf *reterr_report,
                                      struct vch_as_users **ret);
void vch_as_users_close(struct vch_as_users *u); /* NULL is allowed; no caller may be held */

/* Has the file changed since it was last read? Then reads it again: *RET_READ says whether it did.
 * A table with an error is not taken, the old one stays. Cheap enough for every request (one stat,
 * at most every 250 ms of NOW_MS, a monotonic clock). Errors: AS_USERS. */
VCH_CHECKED vch_err vch_as_users_refresh(struct vch_as_users *u, int64_t now_ms,
                                         struct vch_buf *reterr_report, bool *ret_read);

/* Who asks. A role of DEVICE here means: a TLS client certificate that the table does not name, and
 * that device certificates chain to; the signature of the statement says which device. */
struct vch_as_caller {
    enum vch_as_role role;
    struct vch_as_user user; /* of the table; name "" for others */
    void *held;              /* of the table, until vch_as_caller_fini */
    void *bucket;
};

/* Finds the caller of a connection with the verified certificate CERT (NULL: none presented).
 * Entries match by SHA-256 of the certificate, common name or subject alternative name. */
void vch_as_caller_init(struct vch_as_users *u, const struct vch_http_cert *cert,
                        struct vch_as_caller *ret);
void vch_as_caller_fini(struct vch_as_caller *c);

/* May the caller do OP? The one gate of every operation.
 * Errors: AS_CALLER (no credential where one is needed); AS_DENIED (the role or the user may not,
 * or the user is suspended). */
VCH_CHECKED vch_err vch_as_caller_check(const struct vch_as_caller *c, enum vch_as_op op);
/* Takes COST of the caller's own rate. Errors: HTTP_RATE, and then when to come back. */
VCH_CHECKED vch_err vch_as_caller_take(const struct vch_as_caller *c, unsigned cost, int64_t now_ms,
                                       int64_t *reterr_wait_ms);
/* Is SUBJECT (16 bytes) among the caller's devices? */
bool vch_as_caller_sees(const struct vch_as_caller *c, const uint8_t subject[16]);

/* Disclosure key of a field name, 0 if there is none. */
unsigned vch_as_field_key(struct vch_bytes name);
/* Name of a disclosure key, NULL if there is none. */
const char *vch_as_field_name(unsigned key);

#endif
