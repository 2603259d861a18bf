#include "config.h"

#include <stdio.h>

#include <vouch/cli/cli.h>

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_forms[] = {"json", "key-value", NULL};
static const char *const client_auths[] = {"none", "optional", "required", NULL};
static const char *const replaces[] = {"never", "not-good", "always", NULL};
static const char *const enrol_roles[] = {"as", "aggregator", NULL};

static const struct vch_conf_option log_options[] = {
    {.key = "file", .type = VCH_CONF_PATH, .help = "Log file; standard error if not given."},
    {.key = "level",
     .type = VCH_CONF_ENUM,
     .def = "info",
     .choices = log_levels,
     .help = "Lowest level written."},
    {.key = "form",
     .type = VCH_CONF_ENUM,
     .def = "json",
     .choices = log_forms,
     .help = "Form of a line."},
    {0}};

static const struct vch_conf_option tls_options[] = {
    {.key = "cert",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "Certificate (PEM with its chain) of the listener."},
    {.key = "key",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "Its private key (PEM)."},
    {.key = "client-ca",
     .type = VCH_CONF_PATH,
     .help = "CA certificates (PEM) that client certificates chain to."},
    {.key = "client-auth",
     .type = VCH_CONF_ENUM,
     .def = "optional",
     .choices = client_auths,
     .help = "Whether clients show a certificate. Devices need none, recipients and administrators "
             "do."},
    {0}};

static const struct vch_conf_option listener_options[] = {
    {.key = "name",
     .type = VCH_CONF_STRING,
     .def = "main",
     .help = "Name in logs and in the port file."},
    {.key = "address",
     .type = VCH_CONF_STRING,
     .def = "127.0.0.1:8443",
     .help = "Address and port; port 0 takes a free one."},
    {.key = "serve",
     .type = VCH_CONF_STRINGS,
     .flags = VCH_CONF_REQUIRED,
     .min = 1,
     .max = 16,
     .help =
         "What is served here: rp-ud (devices), rp-ds (recipients), rp-edi (operators), admin, "
         "keys (public keys), ledger, metrics. Keep admin and metrics on a listener of their own. "
         "Health and readiness are everywhere."},
    {.key = "tls",
     .type = VCH_CONF_SECTION,
     .flags = VCH_CONF_PRESENCE,
     .sub = tls_options,
     .help = "TLS; without it the listener takes plain HTTP, on loopback addresses only."},
    {.key = "rate-per-second",
     .type = VCH_CONF_INT,
     .def = "0",
     .min = 0,
     .max = 1000000,
     .help = "Requests a second of one client (certificate or address); 0 means no limit."},
    {.key = "connections-max",
     .type = VCH_CONF_INT,
     .def = "1024",
     .min = 4,
     .max = 100000,
     .help = "Connections at one time."},
    {.key = "workers",
     .type = VCH_CONF_INT,
     .def = "32",
     .min = 1,
     .max = 1024,
     .help = "Threads that serve requests."},
    {0}};

static const struct vch_conf_option enrol_options[] = {
    {.key = "role",
     .type = VCH_CONF_ENUM,
     .flags = VCH_CONF_REQUIRED,
     .choices = enrol_roles,
     .help = "What the party may submit: endorsements (as) or anchors (aggregator)."},
    {.key = "name",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "Its name: AS id, or name of the aggregator."},
    {.key = "cert",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "Certificate (PEM) of its signing key."},
    {0}};

static const struct vch_conf_option ledger_options[] = {
    {.key = "id",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "Id of the ledger, host and path without scheme, e.g. ledger.op1.example/divs."},
    {.key = "folder",
     .type = VCH_CONF_PATH,
     .help = "Role ledger: its files; STATE/ledger if not given."},
    {.key = "seen-file",
     .type = VCH_CONF_PATH,
     .help =
         "Role ledger: where the newest head is noted, best on another disk: a log older than this "
         "is a roll-back."},
    {.key = "key",
     .type = VCH_CONF_PATH,
     .help = "Role ledger: signing key; STATE/keys/ledger.key if not given."},
    {.key = "checkpoint-key",
     .type = VCH_CONF_PATH,
     .help = "Role ledger: Ed25519 key of checkpoints; STATE/keys/checkpoint.key if not given."},
    {.key = "verify-threads",
     .type = VCH_CONF_INT,
     .def = "0",
     .min = 0,
     .max = 256,
     .help = "Role ledger: threads that verify signatures; 0 means one for each processor."},
    {.key = "enrol",
     .type = VCH_CONF_SECTIONS,
     .sub = enrol_options,
     .help = "Role ledger, at init: further parties in the authority table."},
    {.key = "submitters",
     .type = VCH_CONF_STRINGS,
     .help = "Role ledger: names (CN or SAN) of client certificates that may submit over HTTPS."},
    {.key = "readers",
     .type = VCH_CONF_STRINGS,
     .help = "Role ledger: names of client certificates that may read entries over HTTPS; * means "
             "everybody."},
    {.key = "public-tiles",
     .type = VCH_CONF_BOOL,
     .def = "true",
     .help = "Role ledger: checkpoint and tiles (hashes only) are served to everybody."},
    {.key = "url",
     .type = VCH_CONF_STRING,
     .help = "Without role ledger: https URL of the ledger."},
    {.key = "keys",
     .type = VCH_CONF_PATH,
     .help = "Without role ledger: its receipt keys, a JWK set."},
    {.key = "ca",
     .type = VCH_CONF_PATH,
     .help = "Without role ledger: CA (PEM) of its TLS certificate."},
    {.key = "client-cert",
     .type = VCH_CONF_PATH,
     .help = "Without role ledger: our TLS certificate there."},
    {.key = "client-key", .type = VCH_CONF_PATH, .help = "Without role ledger: its private key."},
    {0}};

static const struct vch_conf_option operator_options[] = {
    {.key = "id",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "Name of the operator, as it names itself in what it signs."},
    {.key = "url",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "https URL of its exposure function."},
    {.key = "client-id",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "Our name at its token endpoint."},
    {.key = "ca",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "CA (PEM) of its TLS certificate."},
    {.key = "cert",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "Our TLS client certificate."},
    {.key = "key",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "Its private key (PEM)."},
    {.key = "keys",
     .type = VCH_CONF_PATH,
     .flags = VCH_CONF_REQUIRED,
     .help = "Its evidence keys: a JWK or JWK set."},
    {.key = "resolve",
     .type = VCH_CONF_STRING,
     .help = "Connect to this address whatever the name says."},
    {.key = "prefixes",
     .type = VCH_CONF_STRINGS,
     .max = 1000,
     .help =
         "Leading digits of its subscribers, MSISDN with + or ICCID; none: whom no other operator "
         "claims."},
    {.key = "timeout",
     .type = VCH_CONF_DURATION,
     .def = "10s",
     .min = 100,
     .max = 120000,
     .help = "For one call."},
    {.key = "max-age",
     .type = VCH_CONF_DURATION,
     .def = "5m",
     .min = 1000,
     .max = 86400000,
     .help = "An answer that the operator checked longer ago counts as stale."},
    {.key = "skew",
     .type = VCH_CONF_DURATION,
     .def = "60s",
     .min = 0,
     .max = 3600000,
     .help = "How far its clock may be off."},
    {0}};

static const struct vch_conf_option register_options[] = {
    {.key = "identifiers",
     .type = VCH_CONF_STRINGS,
     .help = "Identifiers that a registration must open: imei, iccid, msisdn, eid; imei and iccid "
             "if not "
             "given."},
    {.key = "classes",
     .type = VCH_CONF_STRINGS,
     .help = "Device classes admitted: constrained, gateway, other; all if not given."},
    {.key = "custodies",
     .type = VCH_CONF_STRINGS,
     .help = "Key custodies admitted: file, pkcs11, tpm, sim; all if not given."},
    {.key = "replace",
     .type = VCH_CONF_ENUM,
     .def = "not-good",
     .choices = replaces,
     .help =
         "When a new key may take over an identity that has one: never, when the old key is not in "
         "good standing, or always."},
    {.key = "nonce-life",
     .type = VCH_CONF_DURATION,
     .def = "24h",
     .min = 1000,
     .max = 30LL * 86400000,
     .help = "How long a nonce is good."},
    {.key = "rate-per-second",
     .type = VCH_CONF_INT,
     .def = "10",
     .min = 1,
     .max = 1000000,
     .help = "Registrations by one caller."},
    {.key = "rate-burst",
     .type = VCH_CONF_INT,
     .def = "100",
     .min = 1,
     .max = 1000000,
     .help = "Registrations at once by one caller."},
    {0}};

static const struct vch_conf_option account_options[] = {
    {.key = "sim-swap-suspends",
     .type = VCH_CONF_BOOL,
     .def = "true",
     .help = "Another SIM or eSIM suspends the key until the device registers anew."},
    {.key = "check-every",
     .type = VCH_CONF_DURATION,
     .def = "1h",
     .min = 0,
     .max = 30LL * 86400000,
     .help = "How often each account is read again, notified or not; 0 means never by itself."},
    {.key = "subscription-life",
     .type = VCH_CONF_DURATION,
     .def = "30d",
     .min = 2000,
     .max = 3650LL * 86400000,
     .help = "Of event subscriptions; they are renewed in time."},
    {.key = "workers",
     .type = VCH_CONF_INT,
     .def = "4",
     .min = 1,
     .max = 64,
     .help = "Threads that follow up on accounts."},
    {0}};

static const struct vch_conf_option as_options[] = {
    {.key = "id",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "AS id: the name that devices register with and certificates carry, e.g. "
             "as1.op1.example."},
    {.key = "url",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "https URL of this AS, as entry addresses and operators name it."},
    {.key = "key", .type = VCH_CONF_PATH, .help = "Signing key; STATE/keys/as.key if not given."},
    {.key = "cert",
     .type = VCH_CONF_PATH,
     .help = "Its certificate (PEM); STATE/keys/as.crt if not given."},
    {.key = "secrets",
     .type = VCH_CONF_PATH,
     .help = "Master key, under the passphrase; STATE/keys/secrets if not given."},
    {.key = "vault",
     .type = VCH_CONF_PATH,
     .help = "Folder of the vault; STATE/vault if not given."},
    {.key = "subject-keys",
     .type = VCH_CONF_PATH,
     .help = "File of the per-device keys; STATE/subjects/keys if not given. Never in one backup "
             "with the vault."},
    {.key = "vault-size",
     .type = VCH_CONF_SIZE,
     .def = "16GiB",
     .min = 1 << 20,
     .max = INT64_MAX,
     .help = "Most that the vault may take."},
    {.key = "audit", .type = VCH_CONF_PATH, .help = "Audit log; STATE/audit.jsonl if not given."},
    {.key = "users",
     .type = VCH_CONF_PATH,
     .help = "User table (docs/access.md); read again when it changes."},
    {.key = "operators",
     .type = VCH_CONF_SECTIONS,
     .sub = operator_options,
     .help = "Mobile operators."},
    {.key = "registration",
     .type = VCH_CONF_SECTION,
     .sub = register_options,
     .help = "Registration of devices."},
    {.key = "accounts",
     .type = VCH_CONF_SECTION,
     .sub = account_options,
     .help = "Following up on network accounts."},
    {0}};

const struct vch_conf_option vouchd_options[] = {
    {.key = "roles",
     .type = VCH_CONF_STRINGS,
     .flags = VCH_CONF_REQUIRED,
     .min = 1,
     .max = 2,
     .help = "What this process is: ledger, as."},
    {.key = "state",
     .type = VCH_CONF_PATH,
     .def = "state",
     .help = "Folder of everything that has no place of its own (STATE)."},
    {.key = "passphrase-file",
     .type = VCH_CONF_PATH,
     .help = "File whose first line opens keys and secrets; STATE/keys/passphrase if not given. "
             "Mode 0600."},
    {.key = "port-file",
     .type = VCH_CONF_PATH,
     .help = "Written when everything listens: process number and ports, as JSON."},
    {.key = "drain",
     .type = VCH_CONF_DURATION,
     .def = "5s",
     .min = 0,
     .max = 600000,
     .help = "How long requests are waited for when the daemon ends."},
    {.key = "log", .type = VCH_CONF_SECTION, .sub = log_options, .help = "Logging."},
    {.key = "listeners",
     .type = VCH_CONF_SECTIONS,
     .flags = VCH_CONF_REQUIRED,
     .min = 1,
     .max = 16,
     .sub = listener_options,
     .help = "Where requests are taken."},
    {.key = "ledger",
     .type = VCH_CONF_SECTION,
     .flags = VCH_CONF_REQUIRED,
     .sub = ledger_options,
     .help = "The ledger, here or elsewhere."},
    {.key = "as",
     .type = VCH_CONF_SECTION,
     .flags = VCH_CONF_PRESENCE,
     .sub = as_options,
     .help = "The DIVS application server."},
    {0}};

bool config_has_role(const struct vch_conf_node *root, const char *role)
{
    for (size_t i = 0; i < vch_conf_count(root, "roles"); i++) {
        if (strcmp(vch_conf_text_at(root, "roles", i), role) == 0) {
            return true;
        }
    }
    return false;
}

/* What the table alone cannot say. NULL if all is well. */
static const char *contradiction(const struct vch_conf_node *root)
{
    static const char *const points[] = {"rp-ud", "rp-ds",  "rp-edi", "admin",
                                         "keys",  "ledger", "metrics"};
    bool as = config_has_role(root, "as"), ledger = config_has_role(root, "ledger");

    for (size_t i = 0; i < vch_conf_count(root, "roles"); i++) {
        const char *r = vch_conf_text_at(root, "roles", i);

        if (strcmp(r, "as") != 0 && strcmp(r, "ledger") != 0) {
            return "roles: there are ledger and as";
        }
    }
    if (as && vch_conf_section(root, "as") == NULL) {
        return "as: role as needs this section";
    }
    if (!ledger &&
        (vch_conf_text(root, "ledger.url") == NULL || vch_conf_text(root, "ledger.keys") == NULL)) {
        return "ledger: without role ledger, url and keys are needed";
    }
    for (size_t l = 0; l < vch_conf_count(root, "listeners"); l++) {
        const struct vch_conf_node *n = vch_conf_at(root, "listeners", l);

        for (size_t i = 0; i < vch_conf_count(n, "serve"); i++) {
            bool known = false;

            for (size_t k = 0; k < VCH_ARRAY_LEN(points); k++) {
                known = known || strcmp(points[k], vch_conf_text_at(n, "serve", i)) == 0;
            }
            if (!known) {
                return "listeners: serve names something that is not served; see --help";
            }
        }
    }
    return NULL;
}

bool config_open(const char *path, struct vch_conf **ret, int *ret_exit)
{
    struct vch_buf report = vch_buf_init(65536);
    const char *text = "", *wrong;
    struct vch_conf *c = NULL;
    vch_err e;

    if (path == NULL) {
        *ret_exit = vch_cli_usage("--config FILE is needed");
        return false;
    }
    e = vch_conf_read(path, vouchd_options, &report, &c);
    if (!vch_ok(e)) {
        vch_ignore(vch_buf_cstr(&report, &text));
        *ret_exit = vch_cli_fail(e, "reading the configuration", text);
        vch_buf_fini(&report);
        return false;
    }
    vch_buf_fini(&report);
    wrong = contradiction(vch_conf_root(c));
    if (wrong != NULL) {
        vch_conf_close(c);
        *ret_exit = vch_cli_fail(VCH_E(VOUCHD_CONFIG), "reading the configuration", wrong);
        return false;
    }
    *ret = c;
    return true;
}

vch_err config_path(const struct vch_conf_node *root, const char *key, const char *name, char *room,
                    size_t cap)
{
    const char *given = vch_conf_text(root, key);
    int n = given != NULL ? snprintf(room, cap, "%s", given)
                          : snprintf(room, cap, "%s/%s", vch_conf_text(root, "state"), name);

    VCH_CHECK(n > 0 && (size_t)n < cap, LIMIT);
    return VCH_OK;
}
