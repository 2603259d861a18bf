/* The configuration of the simulator. */
#include <string.h>

#include "operator.h"

static const char *const ids[] = {"msisdn", "iccid", "eid", "imei", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

static const struct vch_conf_option tls_options[] = {
    {.key = "cert",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "Certificate (PEM with its chain) of the listener; also presented to sinks."},
    {.key = "key", .type = VCH_CONF_PATH, .flags = VCH_CONF_REQUIRED, .help = "Its private key."},
    {.key = "client-ca",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "CA certificates (PEM) of the clients."},
    {0}};

static const struct vch_conf_option numbering_options[] = {
    {.key = "mcc",
     .type = VCH_CONF_STRING,
     .def = "999",
     .help = "Mobile country code of invented IMSIs; 999 is for internal use."},
    {.key = "mnc", .type = VCH_CONF_STRING, .def = "01", .help = "Mobile network code."},
    {.key = "msisdn-prefix",
     .type = VCH_CONF_STRING,
     .def = "+99901",
     .help = "Beginning of invented numbers, up to 8 characters; seven digits follow."},
    {.key = "iccid-prefix",
     .type = VCH_CONF_STRING,
     .def = "8999901",
     .help = "Beginning of invented ICCIDs and EIDs, 89 and up to 9 digits."},
    {.key = "tac-prefix",
     .type = VCH_CONF_STRING,
     .def = "0010010",
     .help = "First seven digits of invented IMEIs."},
    {0}};

static const struct vch_conf_option policy_options[] = {
    {.key = "match-only",
     .type = VCH_CONF_STRINGS,
     .help = "Identifiers that are matched but never told: msisdn, iccid, eid, imei."},
    {.key = "withhold",
     .type = VCH_CONF_STRINGS,
     .help = "Groups that are never told: contract, services, binding, area, owner, assurance, "
             "historyAvailableFrom."},
    {.key = "subscription-max",
     .type = VCH_CONF_DURATION,
     .def = "365d",
     .min = 1000,
     .max = 3650LL * 86400000,
     .help = "Longest life of a subscription."},
    {.key = "batch-max",
     .type = VCH_CONF_INT,
     .def = "64",
     .min = 1,
     .max = 1000,
     .help = "Accounts in one batch."},
    {0}};

static const struct vch_conf_option delivery_options[] = {
    {.key = "ca",
     .type = VCH_CONF_PATH,
     .help = "CA certificates (PEM) of the sinks; by default those of the clients."},
    {.key = "timeout",
     .type = VCH_CONF_DURATION,
     .def = "5s",
     .min = 100,
     .max = 60000,
     .help = "Time for one delivery."},
    {.key = "backoff-min",
     .type = VCH_CONF_DURATION,
     .def = "1s",
     .min = 10,
     .max = 3600000,
     .help = "Wait after the first failure; doubles with each, with jitter."},
    {.key = "backoff-max",
     .type = VCH_CONF_DURATION,
     .def = "5m",
     .min = 10,
     .max = 86400000,
     .help = "Longest wait."},
    {.key = "workers",
     .type = VCH_CONF_INT,
     .def = "2",
     .min = 1,
     .max = 16,
     .help = "Deliveries at one time."},
    {0}};

static const struct vch_conf_option client_options[] = {
    {.key = "id",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "Name of the client at the token endpoint."},
    {.key = "certs",
     .type = VCH_CONF_STRINGS,
     .flags = VCH_CONF_REQUIRED,
     .min = 1,
     .max = 8,
     .help = "Its certificates: PEM files, relative to this file, or SHA-256 in hexadecimal."},
    {.key = "scopes", .type = VCH_CONF_STRINGS, .help = "Scopes; none given means all."},
    {.key = "sinks",
     .type = VCH_CONF_STRINGS,
     .help = "https URLs that it may have notified; one that ends in / covers all below it."},
    {.key = "segments",
     .type = VCH_CONF_STRINGS,
     .flags = VCH_CONF_REQUIRED,
     .min = 1,
     .help = "Segments of subscribers that it serves; * means all."},
    {0}};

static const struct vch_conf_option operator_options[] = {
    {.key = "id",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "Name of the operator, as in everything that it signs."},
    {.key = "listen",
     .type = VCH_CONF_STRING,
     .def = "127.0.0.1:7443",
     .help = "Address and port."},
    {.key = "database",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "SQLite file, made by vouch-netsim init."},
    {.key = "signing-key",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "P-256 private key (PEM, unencrypted) for tokens, evidence and events."},
    {.key = "tls",
     .type = VCH_CONF_SECTION,
     .flags = VCH_CONF_REQUIRED,
     .sub = tls_options,
     .help = "The listener, with mutual TLS."},
    {.key = "clock-offset-ms",
     .type = VCH_CONF_INT,
     .def = "0",
     .min = -86400000,
     .max = 86400000,
     .help = "How far this operator's clock is ahead of the machine's."},
    {.key = "subscribers",
     .type = VCH_CONF_INT,
     .def = "100",
     .min = 0,
     .max = 1000000,
     .help = "Subscribers that init makes."},
    {.key = "seed",
     .type = VCH_CONF_INT,
     .def = "1",
     .min = 0,
     .max = INT64_MAX,
     .help = "Where the invented identifiers begin."},
    {.key = "segments",
     .type = VCH_CONF_STRINGS,
     .help = "Segments that init deals the subscribers to; none given means one, \"default\"."},
    {.key = "token-life",
     .type = VCH_CONF_DURATION,
     .def = "5m",
     .min = 1000,
     .max = 3600000,
     .help = "Life of an access token."},
    {.key = "rate-per-s",
     .type = VCH_CONF_INT,
     .def = "0",
     .min = 0,
     .max = 1000000,
     .help = "Requests a second of one client; 0 means no limit."},
    {.key = "numbering",
     .type = VCH_CONF_SECTION,
     .sub = numbering_options,
     .help = "Invented identifiers; check digits are right, nothing else."},
    {.key = "policy",
     .type = VCH_CONF_SECTION,
     .sub = policy_options,
     .help = "What clients are told."},
    {.key = "delivery",
     .type = VCH_CONF_SECTION,
     .sub = delivery_options,
     .help = "Notifications."},
    {.key = "clients",
     .type = VCH_CONF_SECTIONS,
     .sub = client_options,
     .help = "Application servers."},
    {0}};

static const struct vch_conf_option log_options[] = {
    {.key = "file", .type = VCH_CONF_PATH, .help = "Log file; standard error if not given."},
    {.key = "level",
     .type = VCH_CONF_ENUM,
     .def = "info",
     .choices = levels,
     .help = "Lowest level written."},
    {0}};

static const struct vch_conf_option options[] = {
    {.key = "log", .type = VCH_CONF_SECTION, .sub = log_options, .help = "Logging."},
    {.key = "operators",
     .type = VCH_CONF_SECTIONS,
     .flags = VCH_CONF_REQUIRED,
     .min = 1,
     .max = 16,
     .sub = operator_options,
     .help = "The simulated operators."},
    {0}};

const struct vch_conf_option *vch_netsim_options(void)
{
    return options;
}

vch_err vch_netsim_operator_conf(const struct vch_conf *c, const char *id,
                                 const struct vch_conf_node **ret)
{
    const struct vch_conf_node *root = vch_conf_root(c);

    for (size_t i = 0; i < vch_conf_count(root, "operators"); i++) {
        const struct vch_conf_node *op = vch_conf_at(root, "operators", i);

        if (id == NULL || id[0] == '\0' || strcmp(vch_conf_text(op, "id"), id) == 0) {
            *ret = op;
            return VCH_OK;
        }
    }
    return VCH_E(NETSIM_CONFIG);
}

static bool digits(const char *s, size_t min, size_t max)
{
    size_t n = strlen(s);

    return n >= min && n <= max && strspn(s, "0123456789") == n;
}

vch_err vch_netsim_numbering_read(const struct vch_conf_node *op, struct vch_netsim_numbering *ret)
{
    const char *mcc = vch_conf_text(op, "numbering.mcc"), *mnc = vch_conf_text(op, "numbering.mnc");
    const char *msisdn = vch_conf_text(op, "numbering.msisdn-prefix");
    const char *iccid = vch_conf_text(op, "numbering.iccid-prefix");
    const char *tac = vch_conf_text(op, "numbering.tac-prefix");

    VCH_CHECK(digits(mcc, 3, 3) && digits(mnc, 2, 3) && msisdn[0] == '+' &&
                  digits(msisdn + 1, 1, 7) && msisdn[1] != '0' && digits(iccid, 2, 11) &&
                  strncmp(iccid, "89", 2) == 0 && digits(tac, 7, 7),
              NETSIM_CONFIG);
    vch_netsim_set(ret->mcc, sizeof ret->mcc, mcc);
    vch_netsim_set(ret->mnc, sizeof ret->mnc, mnc);
    vch_netsim_set(ret->msisdn_prefix, sizeof ret->msisdn_prefix, msisdn);
    vch_netsim_set(ret->iccid_prefix, sizeof ret->iccid_prefix, iccid);
    vch_netsim_set(ret->tac_prefix, sizeof ret->tac_prefix, tac);
    return VCH_OK;
}

vch_err vch_netsim_policy_read(const struct vch_conf_node *op, struct vch_netsim_cef *cef)
{
    static const char *const groups[] = {
        "contract", "services", "binding", "area", "owner", "assurance", "historyAvailableFrom",
        NULL};

    cef->match_only = 0;
    cef->groups = VCH_NETSIM_G_ALL;
    for (size_t i = 0; i < vch_conf_count(op, "policy.match-only"); i++) {
        size_t k = 0;

        while (ids[k] != NULL &&
               strcmp(ids[k], vch_conf_text_at(op, "policy.match-only", i)) != 0) {
            k++;
        }
        VCH_CHECK(ids[k] != NULL, NETSIM_CONFIG);
        cef->match_only |= 1U << k;
    }
    for (size_t i = 0; i < vch_conf_count(op, "policy.withhold"); i++) {
        size_t k = 0;

        while (groups[k] != NULL &&
               strcmp(groups[k], vch_conf_text_at(op, "policy.withhold", i)) != 0) {
            k++;
        }
        VCH_CHECK(groups[k] != NULL, NETSIM_CONFIG);
        cef->groups &= ~(1U << k);
    }
    cef->subscription_max_ms = vch_conf_int(op, "policy.subscription-max");
    cef->batch_max = (unsigned)vch_conf_int(op, "policy.batch-max");
    return VCH_OK;
}
