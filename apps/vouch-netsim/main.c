/* vouch-netsim - simulates the exposure functions of mobile operators. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <vouch/base/text.h>
#include <vouch/cli/cli.h>
#include <vouch/netsim/netsim.h>

#define CONFIG_OPT                                                                                 \
    {                                                                                              \
        "config", 'c', VCH_CLI_TEXT, &o.config, "FILE", "configuration (YAML)"                     \
    }
#define OPERATOR_OPT                                                                               \
    {                                                                                              \
        "operator", 'o', VCH_CLI_TEXT, &o.operator_id, "ID", "one operator; by default the first"  \
    }
#define SELECTOR_OPTS                                                                              \
    {"msisdn", 0, VCH_CLI_TEXT, &o.msisdn, "NUMBER", "the account with this number"},              \
        {"iccid", 0, VCH_CLI_TEXT, &o.iccid, "DIGITS", "... with this SIM"},                       \
        {"eid", 0, VCH_CLI_TEXT, &o.eid, "DIGITS", "... with this eSIM chip"},                     \
    {                                                                                              \
        "imei", 0, VCH_CLI_TEXT, &o.imei, "DIGITS", "... in this device"                           \
    }

static struct {
    const char *config, *operator_id;
    const char *msisdn, *iccid, *eid, *imei;
    const char *to, *reason, *area, *client, *segment;
    struct vch_time effective, until;
    uint64_t limit;
    bool lift, open_ended, check;
} o;

static void conf_drop(struct vch_conf **c)
{
    vch_conf_close(*c);
}

/* Reads the configuration; on failure says what is wrong and gives the exit status. */
static bool conf_open(struct vch_conf **ret, int *ret_exit)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf report = vch_buf_init(65536);
    const char *text = "";
    vch_err e;

    if (o.config == NULL) {
        *ret_exit = vch_cli_usage("--config FILE is needed");
        return false;
    }
    e = vch_conf_read(o.config, vch_netsim_options(), &report, ret);
    if (vch_ok(e)) {
        return true;
    }
    vch_ignore(vch_buf_cstr(&report, &text));
    *ret_exit = vch_cli_fail(e, "reading the configuration", text);
    return false;
}

static int cmd_template(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(1U << 20);
    int code = 0;
    vch_err e;

    if (!vch_cli_parse(cmd, NULL, 0, argc, argv, &argc, &argv, &code)) {
        return code;
    }
    e = vch_conf_template(vch_netsim_options(), &b);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, NULL, NULL);
    }
    (void)fwrite(b.p, 1, b.n, stdout);
    return 0;
}

static int cmd_init(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const struct vch_cli_opt opts[] = {CONFIG_OPT, OPERATOR_OPT};
    VCH_AUTO(conf_drop) struct vch_conf *c = NULL;
    int code = 0;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &code) ||
        !conf_open(&c, &code)) {
        return code;
    }
    for (size_t i = 0; i < vch_conf_count(vch_conf_root(c), "operators"); i++) {
        const struct vch_conf_node *op = vch_conf_at(vch_conf_root(c), "operators", i);
        vch_err e;

        if (o.operator_id != NULL && strcmp(o.operator_id, vch_conf_text(op, "id")) != 0) {
            continue;
        }
        e = vch_netsim_init(op);
        if (!vch_ok(e)) {
            return vch_cli_fail(e, "making the database", vch_conf_text(op, "database"));
        }
        if (!vch_cli.quiet) {
            (void)printf("%s: %lld invented subscribers in %s\n", vch_conf_text(op, "id"),
                         (long long)vch_conf_int(op, "subscribers"), vch_conf_text(op, "database"));
        }
    }
    return 0;
}

static int run(const struct vch_conf *c, const sigset_t *set)
{
    const struct vch_conf_node *root = vch_conf_root(c);
    const struct vch_log_options options = {
        .form = VCH_LOG_KEYVALUE,
        .program = "vouch-netsim",
        .path = vch_conf_text(root, "log.file"),
        .level = (enum vch_log_level)vch_conf_choice(root, "log.level")};
    struct vch_netsim *n = NULL;
    struct vch_log *log = NULL;
    char who[64] = "";
    int number = 0;
    vch_err e = vch_log_open(&options, &log);

    if (vch_ok(e)) {
        e = vch_netsim_open(c, log, who, &n);
    }
    if (!vch_ok(e)) {
        vch_log_close(log);
        return vch_cli_fail(e, "starting the operators", who);
    }
    (void)sigwait(set, &number);
    vch_log(log, VCH_LOG_INFO, "stopping", VCH_F_INT("signal", number));
    vch_netsim_close(n);
    vch_log_close(log);
    return 0;
}

static int cmd_run(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const struct vch_cli_opt opts[] = {
        CONFIG_OPT, {"check", 0, VCH_CLI_FLAG, &o.check, NULL, "only check the configuration"}};
    VCH_AUTO(conf_drop) struct vch_conf *c = NULL;
    sigset_t set;
    int code = 0;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &code) ||
        !conf_open(&c, &code)) {
        return code;
    }
    if (o.check) {
        return 0;
    }
    /* Blocked before any thread begins, so that sigwait is the only one to see them. */
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return run(c, &set);
}

/* How many selectors are given, and the last of them. */
static unsigned selector(enum vch_netsim_kind *ret_kind, const char **ret_text)
{
    const struct {
        enum vch_netsim_kind kind;
        const char *text;
    } all[] = {{VCH_NETSIM_MSISDN, o.msisdn},
               {VCH_NETSIM_ICCID, o.iccid},
               {VCH_NETSIM_EID, o.eid},
               {VCH_NETSIM_IMEI, o.imei}};
    unsigned n = 0;

    for (size_t i = 0; i < VCH_ARRAY_LEN(all); i++) {
        if (all[i].text != NULL) {
            *ret_kind = all[i].kind;
            *ret_text = all[i].text;
            n++;
        }
    }
    return n;
}

static int print_json(json_t *j)
{
    (void)json_dumpf(j, stdout, JSON_INDENT(2));
    (void)printf("\n");
    json_decref(j);
    return 0;
}

static const struct {
    const char *verb;
    enum vch_netsim_op op;
    const char **value;
} changes[] = {{"terminate", VCH_NETSIM_TERMINATE, NULL},
               {"suspend", VCH_NETSIM_SUSPEND, NULL},
               {"resume", VCH_NETSIM_RESUME, NULL},
               {"renew", VCH_NETSIM_RENEW, NULL},
               {"swap-sim", VCH_NETSIM_SWAP_SIM, &o.to},
               {"swap-device", VCH_NETSIM_SWAP_DEVICE, &o.to},
               {"change-number", VCH_NETSIM_CHANGE_NUMBER, &o.to},
               {"change-owner", VCH_NETSIM_CHANGE_OWNER, NULL},
               {"restrict-area", VCH_NETSIM_RESTRICT_AREA, &o.area},
               {"revoke-consent", VCH_NETSIM_REVOKE_CONSENT, &o.client}};

/* What is missing for this operation; NULL if nothing. */
static const char *missing(enum vch_netsim_op op)
{
    if (op == VCH_NETSIM_RENEW && o.until.ms == 0 && !o.open_ended) {
        return "--until TIME or --open-ended is needed";
    }
    if (op == VCH_NETSIM_RESTRICT_AREA && (o.area == NULL) == !o.lift) {
        return "either --area JSON or --lift is needed";
    }
    return op == VCH_NETSIM_REVOKE_CONSENT && o.client == NULL ? "--client ID is needed" : NULL;
}

/* The order that the options make; false with a usage error said. */
static bool order_of(const char *verb, struct vch_netsim_order *ret, int *ret_exit)
{
    const char *fault;
    size_t i = 0;

    while (strcmp(changes[i].verb, verb) != 0) {
        i++;
        VCH_ASSERT(i < VCH_ARRAY_LEN(changes));
    }
    *ret = (struct vch_netsim_order){.op = changes[i].op,
                                     .effective_ms =
                                         o.effective.ms == 0 ? VCH_NETSIM_NEVER : o.effective.ms,
                                     .time_ms = o.open_ended ? VCH_NETSIM_NEVER : o.until.ms,
                                     .value = changes[i].value == NULL ? NULL : *changes[i].value,
                                     .reason = o.reason};
    fault = selector(&ret->kind, &ret->text) == 1
                ? missing(ret->op)
                : "exactly one of --msisdn, --iccid, --eid, --imei is needed";
    if (fault != NULL) {
        *ret_exit = vch_cli_usage("%s", fault);
        return false;
    }
    return true;
}

static int cmd_ctl(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const struct vch_cli_opt opts[] = {
        CONFIG_OPT,
        OPERATOR_OPT,
        SELECTOR_OPTS,
        {"effective-at", 0, VCH_CLI_TIME, &o.effective, "TIME", "when it takes effect (now)"},
        {"reason", 0, VCH_CLI_TEXT, &o.reason, "TEXT", "a word on why, part of the event"},
        {"to", 0, VCH_CLI_TEXT, &o.to, "ID", "new identifier; an invented one if not given"},
        {"until", 0, VCH_CLI_TIME, &o.until, "TIME", "new end of the contract"},
        {"open-ended", 0, VCH_CLI_FLAG, &o.open_ended, NULL, "the contract gets no end"},
        {"area", 0, VCH_CLI_TEXT, &o.area, "JSON", "where the device may be used"},
        {"lift", 0, VCH_CLI_FLAG, &o.lift, NULL, "no restriction any more"},
        {"client", 0, VCH_CLI_TEXT, &o.client, "ID", "from whom the consent is withdrawn"}};
    VCH_AUTO(conf_drop) struct vch_conf *c = NULL;
    const struct vch_conf_node *op = NULL;
    struct vch_netsim_order order;
    int code = 0;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &code) ||
        !order_of(cmd->verb, &order, &code) || !conf_open(&c, &code)) {
        return code;
    }
    e = vch_netsim_operator_conf(c, o.operator_id, &op);
    if (vch_ok(e)) {
        e = vch_netsim_ctl_change(op, &order);
    }
    return vch_ok(e) ? 0 : vch_cli_fail(e, cmd->verb, NULL);
}

static int cmd_add(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const struct vch_cli_opt opts[] = {
        CONFIG_OPT,
        OPERATOR_OPT,
        {"segment", 0, VCH_CLI_TEXT, &o.segment, "NAME", "segment; the first if not given"}};
    VCH_AUTO(conf_drop) struct vch_conf *c = NULL;
    const struct vch_conf_node *op = NULL;
    json_t *j = NULL;
    int code = 0;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &code) ||
        !conf_open(&c, &code)) {
        return code;
    }
    e = vch_netsim_operator_conf(c, o.operator_id, &op);
    if (vch_ok(e)) {
        e = vch_netsim_ctl_add(op, o.segment, &j);
    }
    return vch_ok(e) ? print_json(j) : vch_cli_fail(e, "adding a subscriber", NULL);
}

static int cmd_show(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const struct vch_cli_opt opts[] = {
        CONFIG_OPT,
        OPERATOR_OPT,
        SELECTOR_OPTS,
        {"limit", 'n', VCH_CLI_U64, &o.limit, "N", "without an identifier: the first N (10)"}};
    VCH_AUTO(conf_drop) struct vch_conf *c = NULL;
    const struct vch_conf_node *op = NULL;
    enum vch_netsim_kind kind = VCH_NETSIM_MSISDN;
    const char *text = NULL;
    json_t *j = NULL;
    int code = 0;
    vch_err e;

    o.limit = 10;
    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &code) ||
        !conf_open(&c, &code)) {
        return code;
    }
    if (selector(&kind, &text) > 1) {
        return vch_cli_usage("at most one of --msisdn, --iccid, --eid, --imei is taken");
    }
    e = vch_netsim_operator_conf(c, o.operator_id, &op);
    if (vch_ok(e)) {
        e = text != NULL
                ? vch_netsim_ctl_show(op, kind, text, &j)
                : vch_netsim_ctl_list(op, 0, o.limit > 100000 ? 100000 : (unsigned)o.limit, &j);
    }
    return vch_ok(e) ? print_json(j) : vch_cli_fail(e, "show", NULL);
}

static const char ctl_about[] =
    "Works on the operator's database whether vouch-netsim runs or not: one transaction with the "
    "history and the event for those who subscribed. A running operator notifies at once.";

#define CTL(verb, what, more)                                                                      \
    {                                                                                              \
        "ctl", verb, "", what, ctl_about,                                                          \
            "  $ vouch-netsim ctl " verb " --config netsim.yaml --operator op1.example"            \
            " --msisdn +999012345678" more,                                                        \
            cmd_ctl                                                                                \
    }

static const struct vch_cli_cmd commands[] = {
    {"template", NULL, "", "print a commented configuration", NULL,
     "  $ vouch-netsim template > netsim.yaml", cmd_template},
    {"init", NULL, "", "make the databases with their subscribers",
     "All identifiers are invented: country code 999, MCC 999, issuer 89999, test TACs. Only their "
     "check digits are right. The same seed gives the same identifiers.",
     "  $ vouch-netsim init --config netsim.yaml\n"
     "  $ vouch-netsim init --config netsim.yaml --operator op1.example",
     cmd_init},
    {"run", NULL, "", "run the operators until SIGINT or SIGTERM", NULL,
     "  $ vouch-netsim run --config netsim.yaml\n"
     "  $ vouch-netsim run --config netsim.yaml --check",
     cmd_run},
    CTL("terminate", "end a contract", " --effective-at 2027-01-01T00:00:00Z --reason fraud"),
    CTL("suspend", "suspend a contract", ""),
    CTL("resume", "resume a suspended contract", ""),
    CTL("renew", "give a contract a new end", " --until 2030-01-01T00:00:00Z"),
    CTL("swap-sim", "another SIM for the number", ""),
    CTL("swap-device", "the SIM in another device", ""),
    CTL("change-number", "another number for the SIM", ""),
    CTL("change-owner", "another customer owns the account", ""),
    CTL("restrict-area", "restrict where the device may be used",
        " --area '{\"areaType\":\"COUNTRIES\",\"countries\":[\"CH\"]}'"),
    CTL("revoke-consent", "tell a client nothing more of the account", " --client as1"),
    {"ctl", "add-subscriber", "", "add a subscriber with invented identifiers", ctl_about,
     "  $ vouch-netsim ctl add-subscriber --config netsim.yaml --segment meters", cmd_add},
    {"ctl", "show", "", "show an account, or the first ones", NULL,
     "  $ vouch-netsim ctl show --config netsim.yaml --limit 3\n"
     "  $ vouch-netsim ctl show --config netsim.yaml --msisdn +999012345678",
     cmd_show},
};

int main(int argc, char **argv)
{
    return vch_cli_main("vouch-netsim",
                        "a simulator of mobile operators: what an application server asks, "
                        "subscribes to and is notified of, with invented subscribers",
                        commands, VCH_ARRAY_LEN(commands), argc, argv);
}
