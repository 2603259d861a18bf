/* Every option of the configuration file: checks, defaults, --print-config and the manual come from
 * this table. */
#include "vouchd.h"

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const forms[] = {"json", "keyvalue", NULL};
static const char *const mtls[] = {"none", "optional", "required", NULL};
static const char *const replace[] = {"never", "not-good", "always", NULL};

static const struct vch_conf_option aggregator[] = {
    {"name", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "Its name, the issuer of its anchors.", 0, 0,
     NULL, NULL},
    {"pubkey", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "Its public key, PEM.", 0, 0, NULL, NULL},
    {NULL, VCH_CONF_STRING, 0, NULL, NULL, 0, 0, NULL, NULL},
};

static const struct vch_conf_option ledger[] = {
    {"id", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL,
     "Ledger id: a URL without scheme, such as ledger.op1.example/divs.", 0, 0, NULL, NULL},
    {"dir", VCH_CONF_PATH, 0, NULL, "Folder of the ledger. Default: ledger in the data folder.", 0,
     0, NULL, NULL},
    {"seen_file", VCH_CONF_PATH, 0, NULL,
     "Where the newest head is remembered, best on another disk: it shows a rolled-back ledger.", 0,
     0, NULL, NULL},
    {"verify_threads", VCH_CONF_INT, 0, NULL,
     "Threads that verify statements. Default: one a processor.", 1, 256, NULL, NULL},
    {"segment", VCH_CONF_SIZE, 0, "64MiB", "Size of a log file, fixed when the ledger is made.",
     65536, 1073741824, NULL, NULL},
    {"aggregators", VCH_CONF_SECTIONS, 0, NULL,
     "Who may submit anchors besides devices; recorded in genesis.", 0, 64, NULL, aggregator},
    {NULL, VCH_CONF_STRING, 0, NULL, NULL, 0, 0, NULL, NULL},
};

static const struct vch_conf_option operators[] = {
    {"id", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "The operator's id, as it signs its answers.",
     0, 0, NULL, NULL},
    {"url", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "Base URL of its exposure function.", 0, 0,
     NULL, NULL},
    {"client_id", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "Our name at its token endpoint.", 0, 0,
     NULL, NULL},
    {"ca", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "Anchors for its TLS certificate, PEM.", 0, 0,
     NULL, NULL},
    {"cert", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "Our TLS client certificate, PEM.", 0, 0, NULL,
     NULL},
    {"key", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "Its key, PEM, readable by the owner only.", 0,
     0, NULL, NULL},
    {"keys", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL,
     "The keys it signs evidence with: a JWK set, pinned.", 0, 0, NULL, NULL},
    {"resolve", VCH_CONF_STRING, 0, NULL, "Connect to this address instead of looking the name up.",
     0, 0, NULL, NULL},
    {"prefixes", VCH_CONF_STRINGS, 0, NULL,
     "Leading digits of MSISDN (with +) or ICCID it serves; none: what no other operator claims.",
     0, 64, NULL, NULL},
    {"timeout", VCH_CONF_DURATION, 0, "10s", "For one call.", 100, 120000, NULL, NULL},
    {NULL, VCH_CONF_STRING, 0, NULL, NULL, 0, 0, NULL, NULL},
};

static const struct vch_conf_option as[] = {
    {"id", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "AS id: the issuer of endorsements.", 0, 0,
     NULL, NULL},
    {"url", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "URL of this AS, as entry addresses name it.",
     0, 0, NULL, NULL},
    {"certificate", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL,
     "Certificate of the signing key, with the AS id as an alternative name.", 0, 0, NULL, NULL},
    {"users", VCH_CONF_PATH, 0, NULL,
     "Table of service users and their rights; read again when it changes.", 0, 0, NULL, NULL},
    {"operators", VCH_CONF_SECTIONS, VCH_CONF_REQUIRED, NULL,
     "The mobile operators whose accounts are endorsed.", 1, 16, NULL, operators},
    {"check_every", VCH_CONF_DURATION, 0, "1h", "Each live account is read again after this time.",
     1000, 604800000, NULL, NULL},
    {"subscription_life", VCH_CONF_DURATION, 0, "30d", "Of an event subscription, renewed before.",
     60000, 31536000000, NULL, NULL},
    {"nonce_life", VCH_CONF_DURATION, 0, "1d", "How long a nonce may be used.", 1000, 2592000000,
     NULL, NULL},
    {"register_rate", VCH_CONF_INT, 0, "10", "Registrations a second by one caller.", 1, 1000000,
     NULL, NULL},
    {"register_burst", VCH_CONF_INT, 0, "100", "Registrations at once by one caller.", 1, 1000000,
     NULL, NULL},
    {"sim_swap_suspends", VCH_CONF_BOOL, 0, "false",
     "A new ICCID suspends the key until the device registers anew.", 0, 0, NULL, NULL},
    {"replace", VCH_CONF_ENUM, 0, "not-good", "May a new key take over an identity that has one?",
     0, 0, replace, NULL},
    {NULL, VCH_CONF_STRING, 0, NULL, NULL, 0, 0, NULL, NULL},
};

static const struct vch_conf_option listener[] = {
    {"address", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "host:port; port 0 takes a free one.", 0,
     0, NULL, NULL},
    {"points", VCH_CONF_STRINGS, VCH_CONF_REQUIRED, NULL,
     "What is served here: devices, recipients, operators, ledger, admin, public.", 1, 6, NULL,
     NULL},
    {"cert", VCH_CONF_PATH, 0, NULL,
     "TLS certificate with its chain, PEM. Without: plain, loopback only.", 0, 0, NULL, NULL},
    {"key", VCH_CONF_PATH, 0, NULL, "Its key, PEM, readable by the owner only.", 0, 0, NULL, NULL},
    {"client_certificates", VCH_CONF_ENUM, 0, "none", "Whether clients show a certificate.", 0, 0,
     mtls, NULL},
    {"client_ca", VCH_CONF_PATH, 0, NULL, "Anchors for client certificates, PEM.", 0, 0, NULL,
     NULL},
    {"connections", VCH_CONF_INT, 0, "1024", "At most at one time.", 1, 100000, NULL, NULL},
    {"workers", VCH_CONF_INT, 0, "32", "Threads that handle requests.", 1, 1024, NULL, NULL},
    {"rate", VCH_CONF_INT, 0, "0", "Requests a second by one client; 0: no limit.", 0, 1000000,
     NULL, NULL},
    {NULL, VCH_CONF_STRING, 0, NULL, NULL, 0, 0, NULL, NULL},
};

static const struct vch_conf_option log_options[] = {
    {"file", VCH_CONF_PATH, 0, NULL, "Where to log. Default: standard error.", 0, 0, NULL, NULL},
    {"level", VCH_CONF_ENUM, 0, "info", "Least level that is written.", 0, 0, levels, NULL},
    {"form", VCH_CONF_ENUM, 0, "json", "One line an event, in this form.", 0, 0, forms, NULL},
    {NULL, VCH_CONF_STRING, 0, NULL, NULL, 0, 0, NULL, NULL},
};

const struct vch_conf_option vouchd_options[] = {
    {"data", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "Folder of keys, ledger, vault and audit log.",
     0, 0, NULL, NULL},
    {"passphrase_file", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL,
     "File with the passphrase of the keys, readable by the owner only.", 0, 0, NULL, NULL},
    {"ledger", VCH_CONF_SECTION, VCH_CONF_REQUIRED, NULL, "Role ledger: the embedded ledger.", 0, 0,
     NULL, ledger},
    {"as", VCH_CONF_SECTION, VCH_CONF_PRESENCE, NULL, "Role as: the DIVS application server.", 0, 0,
     NULL, as},
    {"listen", VCH_CONF_SECTIONS, VCH_CONF_REQUIRED, NULL, "Where to serve what.", 1, 16, NULL,
     listener},
    {"log", VCH_CONF_SECTION, 0, NULL, "The log.", 0, 0, NULL, log_options},
    {NULL, VCH_CONF_STRING, 0, NULL, NULL, 0, 0, NULL, NULL},
};
