#include "parts.h"

#include <stdio.h>

#include <vouch/edi/edi.h>
#include <vouch/file/file.h>
#include <vouch/jose/jwk.h>
#include <vouch/ledger/book.h>
#include <vouch/ledger/remote.h>
#include <vouch/ossl/crypto.h>

#include "config.h"
#include "keys.h"

/* ---- the ledger */
static vch_err open_engine(struct parts *p, void (*on_fatal)(void *user, vch_err e), void *user)
{
    char dir[PATH_ROOM];
    struct vch_ledger_fault fault;
    struct vch_engine_options o = {.cr = vch_ossl_crypto(),
                                   .dir = dir,
                                   .ledger_id = vch_conf_text(p->root, "ledger.id"),
                                   .seen_file = vch_conf_text(p->root, "ledger.seen-file"),
                                   .verify_threads =
                                       (unsigned)vch_conf_int(p->root, "ledger.verify-threads"),
                                   .on_fatal = on_fatal,
                                   .user = user};
    vch_err e;

    p->what = "opening the ledger";
    VCH_TRY(config_path(p->root, "ledger.folder", "ledger", dir, sizeof dir));
    VCH_TRY(keys_load(p->root, "ledger.key", "keys/ledger.key", &p->ledger_key));
    e = keys_load(p->root, "ledger.checkpoint-key", "keys/checkpoint.key", &p->checkpoint_key);
    VCH_TRY(vch_err_is(e, VCH_E(FILE_MISSING)) ? VCH_OK : e);
    o.signer = vch_ossl_key_signer(p->ledger_key);
    o.checkpoint_signer = p->checkpoint_key == NULL ? NULL : vch_ossl_key_signer(p->checkpoint_key);
    memset(&fault, 0, sizeof fault);
    e = vch_engine_open(&o, &p->engine, &fault);
    if (!vch_ok(e)) {
        (void)snprintf(p->detail, sizeof p->detail, "%s%s%s", fault.file,
                       fault.file[0] != '\0' ? ": " : "", fault.what);
        return e;
    }
    vch_engine_ledger(p->engine, true, &p->ledger);
    return VCH_OK;
}

static vch_err open_book(struct parts *p)
{
    char dir[PATH_ROOM];
    struct vch_ledger_book_options o = {.cr = vch_ossl_crypto(),
                                        .dir = dir,
                                        .ledger_id = vch_conf_text(p->root, "ledger.id"),
                                        .seen_file = vch_conf_text(p->root, "ledger.seen-file"),
                                        .read_only = true};
    struct vch_ledger_fault fault;
    struct vch_ledger_book *b;

    p->what = "reading the ledger";
    VCH_TRY(config_path(p->root, "ledger.folder", "ledger", dir, sizeof dir));
    VCH_TRY(vch_ledger_book_open(&o, &b, &fault));
    vch_ledger_book_table(b, &p->ledger);
    return VCH_OK;
}

static vch_err open_remote(struct parts *p)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(VCH_JWK_TEXT_MAX);
    struct vch_pubkey keys[VCH_LEDGER_REMOTE_KEYS];
    struct vch_jwks set = {.keys = NULL};
    struct vch_ledger_remote_options o = {
        .cr = vch_ossl_crypto(),
        .ledger_id = vch_conf_text(p->root, "ledger.id"),
        .keys = keys,
        .http = {.url = vch_conf_text(p->root, "ledger.url"),
                 .allow_plain = true,
                 .ca_file = vch_conf_text(p->root, "ledger.ca"),
                 .cert_file = vch_conf_text(p->root, "ledger.client-cert"),
                 .key_file = vch_conf_text(p->root, "ledger.client-key"),
                 .user_agent = "vouchd"}};
    vch_err e;

    p->what = "opening the far ledger";
    VCH_TRY(vch_file_read(vch_conf_text(p->root, "ledger.keys"), 0, &text));
    VCH_TRY(vch_jwks_decode(vch_ossl_crypto(), vch_buf_get(&text), &set));
    for (size_t i = 0; i < set.n && o.key_count < VCH_LEDGER_REMOTE_KEYS; i++) {
        keys[o.key_count++] = set.keys[i].pub;
    }
    e = vch_ledger_remote_open(&o, &p->ledger);
    vch_jwks_fini(&set);
    return e;
}

vch_err parts_ledger(struct parts *p, bool read_only, void (*on_fatal)(void *user, vch_err e),
                     void *user)
{
    if (!config_has_role(p->root, "ledger")) {
        return open_remote(p);
    }
    return read_only ? open_book(p) : open_engine(p, on_fatal, user);
}

/* ---- the application server */
vch_err parts_vault(struct parts *p)
{
    char dir[PATH_ROOM], keys[PATH_ROOM];
    struct vch_as_vault_options o = {.dir = dir,
                                     .keys_path = keys,
                                     .crypto = vch_ossl_crypto(),
                                     .random = vch_ossl_random,
                                     .map_bytes = (size_t)vch_conf_int(p->root, "as.vault-size")};

    p->what = "opening the vault";
    VCH_TRY(config_path(p->root, "as.vault", "vault", dir, sizeof dir));
    VCH_TRY(config_path(p->root, "as.subject-keys", "subjects/keys", keys, sizeof keys));
    VCH_TRY(keys_master(p->root, false, &p->master));
    o.master = p->master;
    return vch_as_vault_open(&o, &p->vault);
}

static vch_err open_audit(struct parts *p)
{
    char path[PATH_ROOM];
    uint8_t tag_key[32];
    struct vch_audit_options o = {.path = path,
                                  .crypto = vch_ossl_crypto(),
                                  .sync = VCH_AUDIT_SYNC_LATER,
                                  .pii_key = VCH_BYTES_OF(tag_key)};
    vch_err e;

    p->what = "opening the audit log";
    VCH_TRY(config_path(p->root, "as.audit", "audit.jsonl", path, sizeof path));
    VCH_TRY(vch_as_vault_derive(p->vault, "audit tags", tag_key));
    e = vch_audit_open(&o, &p->audit);
    vch_wipe(tag_key, sizeof tag_key);
    return e;
}

static vch_err open_operator(struct parts *p, size_t idx, size_t *prefix_n)
{
    const struct vch_conf_node *n = vch_conf_at(p->root, "as.operators", idx);
    struct vch_edi_options o = {.operator_id = vch_conf_text(n, "id"),
                                .client_id = vch_conf_text(n, "client-id"),
                                .url = vch_conf_text(n, "url"),
                                .ca_file = vch_conf_text(n, "ca"),
                                .cert_file = vch_conf_text(n, "cert"),
                                .key_file = vch_conf_text(n, "key"),
                                .keys_file = vch_conf_text(n, "keys"),
                                .resolve_addr = vch_conf_text(n, "resolve"),
                                .crypto = vch_ossl_crypto(),
                                .max_age_s = (unsigned)(vch_conf_int(n, "max-age") / 1000),
                                .skew_s = (unsigned)(vch_conf_int(n, "skew") / 1000),
                                .timeout_ms = (unsigned)vch_conf_int(n, "timeout")};
    struct vch_as_operator *op = &p->operators[idx];
    vch_err e = vch_edi_open(&o, &p->edi[idx]);

    if (!vch_ok(e)) {
        (void)snprintf(p->detail, sizeof p->detail, "operator %s", o.operator_id);
        return e;
    }
    *op = (struct vch_as_operator){.id = o.operator_id,
                                   .cef = &vch_as_cef_edi,
                                   .self = p->edi[idx],
                                   .prefixes = p->prefixes + *prefix_n};
    for (size_t i = 0; i < vch_conf_count(n, "prefixes"); i++) {
        p->prefixes[(*prefix_n)++] = vch_conf_text_at(n, "prefixes", i);
        op->prefix_count++;
    }
    return VCH_OK;
}

static vch_err open_operators(struct parts *p)
{
    size_t prefixes = 0, prefix_n = 0;

    p->what = "opening the operators";
    p->operator_count = vch_conf_count(p->root, "as.operators");
    for (size_t i = 0; i < p->operator_count; i++) {
        prefixes += vch_conf_count(vch_conf_at(p->root, "as.operators", i), "prefixes");
    }
    p->edi = vch_mem_alloc((p->operator_count + 1) * sizeof(struct vch_edi *));
    p->operators = vch_mem_alloc((p->operator_count + 1) * sizeof *p->operators);
    p->prefixes = vch_mem_alloc((prefixes + 1) * sizeof(const char *));
    for (size_t i = 0; i < p->operator_count; i++) {
        VCH_TRY(open_operator(p, i, &prefix_n));
    }
    return VCH_OK;
}

/* Names of a list as a set of bits by their place among CHOICES, beginning with bit FIRST. */
static vch_err name_bits(struct parts *p, const char *key, const char *const *choices,
                         unsigned first, uint64_t *ret)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < vch_conf_count(p->root, key); i++) {
        const char *name = vch_conf_text_at(p->root, key, i);
        unsigned k = 0;

        while (choices[k] != NULL && strcmp(choices[k], name) != 0) {
            k++;
        }
        if (choices[k] == NULL) {
            (void)snprintf(p->detail, sizeof p->detail, "%s: %s", key, name);
            return VCH_E(VOUCHD_CONFIG);
        }
        bits |= UINT64_C(1) << (first + k);
    }
    *ret = bits;
    return VCH_OK;
}

static vch_err admission(struct parts *p, struct vch_as_options *o)
{
    static const char *const ids[] = {"imei", "iccid", "msisdn", "eid", NULL};
    static const char *const classes[] = {"constrained", "gateway", "other", NULL};
    static const char *const custodies[] = {"file", "pkcs11", "tpm", "sim", NULL};
    uint64_t bits;

    VCH_TRY(name_bits(p, "as.registration.identifiers", ids, VCH_DISC_IMEI, &o->ids_required));
    VCH_TRY(name_bits(p, "as.registration.classes", classes, VCH_CLASS_CONSTRAINED, &bits));
    o->classes = (unsigned)bits;
    VCH_TRY(name_bits(p, "as.registration.custodies", custodies, VCH_CUSTODY_FILE, &bits));
    o->custodies = (unsigned)bits;
    return VCH_OK;
}

static vch_err open_as(struct parts *p)
{
    int64_t check_ms = vch_conf_int(p->root, "as.accounts.check-every");
    VCH_AUTO(vch_buf_fini) struct vch_buf report = vch_buf_init(65536);
    struct vch_as_options o = {
        .as_id = vch_conf_text(p->root, "as.id"),
        .url = vch_conf_text(p->root, "as.url"),
        .vault = p->vault,
        .ledger = &p->ledger,
        .log = p->log,
        .audit = p->audit,
        .metrics = p->metrics,
        .crypto = vch_ossl_crypto(),
        .random = vch_ossl_random,
        .operators = p->operators,
        .operator_count = p->operator_count,
        .users_path = vch_conf_text(p->root, "as.users"),
        .policy = {.sim_swap_suspends = vch_conf_bool(p->root, "as.accounts.sim-swap-suspends")},
        .replace = (enum vch_as_replace)vch_conf_choice(p->root, "as.registration.replace"),
        .nonce_life_s = (unsigned)(vch_conf_int(p->root, "as.registration.nonce-life") / 1000),
        .register_per_s = (double)vch_conf_int(p->root, "as.registration.rate-per-second"),
        .register_burst = (unsigned)vch_conf_int(p->root, "as.registration.rate-burst"),
        .check_every_s = check_ms == 0 ? UINT32_MAX : (unsigned)((check_ms + 999) / 1000),
        .sub_life_s = (unsigned)(vch_conf_int(p->root, "as.accounts.subscription-life") / 1000),
        .workers = (unsigned)vch_conf_int(p->root, "as.accounts.workers")};
    const char *text = "";
    vch_err e;

    p->what = "opening the application server";
    VCH_TRY(admission(p, &o));
    e = vch_as_open(&o, &report, &p->as);
    if (!vch_ok(e)) {
        vch_ignore(vch_buf_cstr(&report, &text));
        (void)snprintf(p->detail, sizeof p->detail, "%s", text);
    }
    return e;
}

static void key_close(void *arg)
{
    vch_ossl_key_close(arg);
}

vch_err parts_as_key(struct parts *p)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf cert = vch_buf_init(65536);
    struct vch_ossl_key *key = NULL;

    p->what = "loading the signing key of the AS";
    VCH_TRY(keys_cert(p->root, &cert));
    VCH_TRY(keys_load(p->root, "as.key", "keys/as.key", &key));
    return vch_as_key_set(p->as, vch_ossl_key_signer(key), vch_buf_get(&cert), key_close, key);
}

vch_err parts_as(struct parts *p)
{
    VCH_TRY(parts_vault(p));
    VCH_TRY(open_audit(p));
    VCH_TRY(open_operators(p));
    VCH_TRY(open_as(p));
    return parts_as_key(p);
}

void parts_close(struct parts *p)
{
    vch_as_close(p->as);
    for (size_t i = 0; i < p->operator_count && p->edi != NULL; i++) {
        vch_edi_close(p->edi[i]);
    }
    vch_mem_free(p->edi);
    vch_mem_free(p->operators);
    vch_mem_free(p->prefixes);
    vch_audit_close(p->audit);
    vch_as_vault_close(p->vault);
    vch_ossl_secret_free(p->master, 32);
    vch_svc_ledger_close(p->svc_ledger);
    vch_ledger_close(&p->ledger);
    vch_engine_close(p->engine);
    vch_ossl_key_close(p->ledger_key);
    vch_ossl_key_close(p->checkpoint_key);
    vch_metrics_close(p->metrics);
    vch_log_close(p->log);
}
