/* The permission matrix: what each role may do at all. docs/access.md is rendered from it. */
#include <vouch/as/access.h>

#define BIT(role) (1u << VCH_AS_##role)

struct row {
    const char *name;
    const char *what;
    unsigned roles;
};

/* req: Y.2247-7.2-1, Y.2247-8.1.2-2, Y.2247-8.1.2-4 */
static const struct row matrix[VCH_AS_OP_COUNT] = {
    [VCH_AS_OP_NONCE] = {"nonce", "ask for a nonce", BIT(ANONYMOUS) | BIT(DEVICE)},
    [VCH_AS_OP_REGISTER] = {"register", "register the verification parameters of a device",
                            BIT(ANONYMOUS) | BIT(DEVICE)},
    [VCH_AS_OP_UPDATES] = {"updates", "fetch the endorsements of the device itself",
                           BIT(ANONYMOUS) | BIT(DEVICE)},
    [VCH_AS_OP_ANCHOR] = {"anchor", "submit an anchor",
                          BIT(ANONYMOUS) | BIT(DEVICE) | BIT(AGGREGATOR)},
    [VCH_AS_OP_NOTIFY] = {"notify", "notify a change of a network account",
                          BIT(ANONYMOUS) | BIT(DEVICE) | BIT(OPERATOR)},
    [VCH_AS_OP_RECORDS] = {"records", "endorsed record by transaction ID",
                           BIT(USER) | BIT(AGGREGATOR)},
    [VCH_AS_OP_LATEST] = {"latest", "newest record of the same device, with proof",
                          BIT(USER) | BIT(AGGREGATOR)},
    [VCH_AS_OP_HISTORY] = {"history", "all records of the same device",
                           BIT(USER) | BIT(AGGREGATOR)},
    [VCH_AS_OP_LOOKUP] = {"lookup", "records by identity", BIT(USER)},
    [VCH_AS_OP_CONFIRM] = {"confirm", "does an identity belong to a record?",
                           BIT(USER) | BIT(AGGREGATOR)},
    [VCH_AS_OP_REPORT] = {"report", "report a device key lost, stolen or released", BIT(ADMIN)},
    [VCH_AS_OP_ERASE] = {"erase", "erase what opens the records of a device", BIT(ADMIN)},
    [VCH_AS_OP_STATUS] = {"status", "counters, queues, alarms", BIT(ADMIN)},
    [VCH_AS_OP_KEYS] = {"keys", "public keys of AS and ledger",
                        BIT(ANONYMOUS) | BIT(DEVICE) | BIT(USER) | BIT(AGGREGATOR) | BIT(ADMIN) |
                            BIT(OPERATOR)},
};

static const char *const roles[VCH_AS_ROLE_COUNT] = {
    [VCH_AS_ANONYMOUS] = "anonymous",   [VCH_AS_DEVICE] = "device", [VCH_AS_USER] = "service-user",
    [VCH_AS_AGGREGATOR] = "aggregator", [VCH_AS_ADMIN] = "admin",   [VCH_AS_OPERATOR] = "operator",
};

bool vch_as_matrix_allows(enum vch_as_role role, enum vch_as_op op)
{
    return role < VCH_AS_ROLE_COUNT && op < VCH_AS_OP_COUNT &&
           (matrix[op].roles & (1u << role)) != 0;
}

const char *vch_as_role_name(enum vch_as_role role)
{
    return role < VCH_AS_ROLE_COUNT ? roles[role] : "unknown";
}

const char *vch_as_op_name(enum vch_as_op op)
{
    return op < VCH_AS_OP_COUNT ? matrix[op].name : "unknown";
}

vch_err vch_as_matrix_text(struct vch_buf *out)
{
    VCH_TRY(vch_buf_text(out, "| operation | |"));
    for (size_t r = 0; r < VCH_AS_ROLE_COUNT; r++) {
        VCH_TRY(vch_buf_printf(out, " %s |", roles[r]));
    }
    VCH_TRY(vch_buf_text(out, "\n|---|---|"));
    for (size_t r = 0; r < VCH_AS_ROLE_COUNT; r++) {
        VCH_TRY(vch_buf_text(out, "---|"));
    }
    VCH_TRY(vch_buf_text(out, "\n"));
    for (size_t o = 0; o < VCH_AS_OP_COUNT; o++) {
        VCH_TRY(vch_buf_printf(out, "| %s | %s |", matrix[o].name, matrix[o].what));
        for (size_t r = 0; r < VCH_AS_ROLE_COUNT; r++) {
            VCH_TRY(vch_buf_text(out, (matrix[o].roles & (1u << r)) != 0 ? " yes |" : " |"));
        }
        VCH_TRY(vch_buf_text(out, "\n"));
    }
    return VCH_OK;
}
