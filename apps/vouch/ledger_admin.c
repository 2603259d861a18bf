/* vouch ledger create, fsck, export, stats */
#include "commands.h"
#include "ledger_int.h"

#include <stdio.h>
#include <time.h>

#include <vouch/engine/engine.h>
#include <vouch/file/file.h>
#include <vouch/merkle/checkpoint.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/x509.h>

#define PEM_MAX 65536

/* ---- fsck */

static void fsck_progress(void *arg, uint64_t batch, uint64_t entries)
{
    struct vch_cli_progress *p = arg;

    (void)batch;
    vch_cli_progress_add(p, entries - (uint64_t)atomic_load(&p->done));
    vch_cli_progress_show(p);
}

static void fsck_print(const struct vch_ledger_fsck_report *r)
{
    if (vch_cli.json) {
        printf("{\"clean\":true,");
        ledger_print_head(r->id, &r->head);
        printf(",\"statements\":%llu,\"signatures\":%llu,\"torn_bytes\":%llu,\"view\":%s}\n",
               (unsigned long long)r->statements, (unsigned long long)r->signatures,
               (unsigned long long)r->torn_bytes, r->view_checked ? "true" : "false");
        return;
    }
    printf("%sclean%s\n", vch_cli_green(), vch_cli_reset());
    ledger_print_head(r->id, &r->head);
    printf("statements  %llu\nsignatures  %llu verified\nview        %s\n",
           (unsigned long long)r->statements, (unsigned long long)r->signatures,
           r->view_checked ? "agrees with the log" : "none; the next start makes it");
    if (r->torn_bytes > 0) {
        printf("unfinished  %llu bytes of a batch that was never acknowledged; the next start "
               "cuts them off\n",
               (unsigned long long)r->torn_bytes);
    }
}

/* Opening for writing is what makes the view again. */
static int rebuild(const struct ledger_args *a)
{
    struct vch_ledger_book_options o = {
        .cr = vch_ossl_crypto(), .dir = a->dir, .ledger_id = a->id, .rebuild = true};
    struct vch_ledger_fault fault = {.what = ""};
    struct vch_ledger_book *b;
    vch_err e = vch_ledger_book_open(&o, &b, &fault);

    if (!vch_ok(e)) {
        return ledger_fail(e, a->dir, &fault);
    }
    vch_ledger_book_close(b);
    return VCH_EXIT_OK;
}

static int fsck(const struct ledger_args *a)
{
    struct vch_cli_progress progress;
    struct vch_ledger_fsck_options o = {
        .cr = vch_ossl_crypto(), .dir = a->dir, .progress = fsck_progress, .arg = &progress};
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(PEM_MAX);
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault = {.what = ""};
    struct vch_pubkey key;
    vch_err e;

    if (a->keys.n > 0) {
        e = vch_file_read(a->keys.v[0], 0, &pem);
        if (vch_ok(e)) {
            e = vch_ossl_pubkey_pem_decode(vch_buf_get(&pem), &key);
        }
        if (!vch_ok(e)) {
            return vch_cli_fail(e, a->keys.v[0], NULL);
        }
        o.key = &key;
    }
    vch_cli_progress_init(&progress, "checking entries", 0);
    e = vch_ledger_fsck(&o, &report, &fault);
    vch_cli_progress_fini(&progress);
    if (!vch_ok(e)) {
        return ledger_fail(e, a->dir, &fault);
    }
    fsck_print(&report);
    return VCH_EXIT_OK;
}

int cmd_ledger_fsck(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct ledger_args a = {.dir = NULL};
    const struct vch_cli_opt opts[] = {
        {"rebuild", 0, VCH_CLI_FLAG, &a.rebuild, NULL,
         "make the view and the tree files again from the log first"},
    };
    char **args;
    int n, status;

    if (!ledger_parse(&a, cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (a.dir == NULL || n != 0) {
        return vch_cli_usage("name the ledger's directory by --dir");
    }
    if (a.rebuild) {
        status = rebuild(&a);
        if (status != VCH_EXIT_OK) {
            return status;
        }
    }
    return fsck(&a);
}

/* ---- export */

static void export_progress(void *arg, uint64_t done, uint64_t total)
{
    struct vch_cli_progress *p = arg;

    p->total = total;
    vch_cli_progress_add(p, done - (uint64_t)atomic_load(&p->done));
    vch_cli_progress_show(p);
}

static vch_err export(struct vch_ledger_book *b, const struct ledger_args *a)
{
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    struct vch_cli_progress progress;
    char vkey[VCH_NOTE_VKEY_ROOM + 1];
    uint64_t size;
    vch_err e;

    if (a->checkpoint_key != NULL) {
        VCH_TRY(ledger_key_load(a->checkpoint_key, a->passphrase_file, &key));
    }
    VCH_TRY(vch_ledger_vkey(b, VCH_SPAN_OF(vkey)));
    vch_cli_progress_init(&progress, "writing tiles", 0);
    e = vch_ledger_export(b, a->to, key != NULL ? vch_ossl_key_signer(key) : NULL, export_progress,
                          &progress, &size);
    vch_cli_progress_fini(&progress);
    VCH_TRY(e);
    if (vch_cli.json) {
        printf("{\"size\":%llu,\"vkey\":\"%s\"}\n", (unsigned long long)size, vkey);
    } else {
        printf("exported    %llu entries\nvkey        %s\n", (unsigned long long)size, vkey);
    }
    return VCH_OK;
}

int cmd_ledger_export(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct ledger_args a = {.dir = NULL};
    const struct vch_cli_opt opts[] = {
        {"to", 't', VCH_CLI_TEXT, &a.to, "DIR", "where the tiles go; run again, it goes on"},
        {"checkpoint-key", 0, VCH_CLI_TEXT, &a.checkpoint_key, "FILE",
         "sign the newest head with this key, instead of taking the newest checkpoint"},
        {"passphrase-file", 0, VCH_CLI_TEXT, &a.passphrase_file, "FILE", "of that key"},
    };
    struct vch_ledger_book *b;
    char **args;
    int n, status, tries = 0;
    vch_err e;

    if (!ledger_parse(&a, cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (a.to == NULL || n != 0) {
        return vch_cli_usage("name the directory for the tiles by --to");
    }
    do { /* a running service may have written a newer checkpoint than the log that was opened */
        if (!ledger_open_book(&a, &b, &status)) {
            return status;
        }
        e = export(b, &a);
        vch_ledger_book_close(b);
    } while (vch_err_is(e, VCH_E(LEDGER_ROLLED_BACK)) && ++tries < 5);
    if (vch_err_is(e, VCH_E(LEDGER_NO_ENTRY)) || vch_err_is(e, VCH_E(NOT_FOUND))) {
        return vch_cli_fail(e, a.to, "there is no checkpoint: give --checkpoint-key");
    }
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, a.to, NULL);
}

/* ---- stats */

int cmd_ledger_stats(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct ledger_args a = {.dir = NULL};
    struct vch_ledger_book_stats s;
    struct vch_ledger_book *b;
    char **args;
    int n, status;

    if (!ledger_parse(&a, cmd, NULL, 0, argc, argv, &n, &args, &status) ||
        !ledger_open_book(&a, &b, &status)) {
        return status;
    }
    vch_ledger_book_stats(b, &s);
    if (vch_cli.json) {
        printf("{");
        ledger_print_head(vch_ledger_book_id(b), &s.head);
        printf(",\"log_bytes\":%llu,\"segments\":%llu,\"not_in_view\":%llu,\"torn_bytes\":%llu}\n",
               (unsigned long long)s.log_bytes, (unsigned long long)s.segments,
               (unsigned long long)s.replayed, (unsigned long long)s.torn_bytes);
    } else {
        ledger_print_head(vch_ledger_book_id(b), &s.head);
        printf("log         %llu bytes in %llu segments\nview        %llu batches behind\n",
               (unsigned long long)s.log_bytes, (unsigned long long)s.segments,
               (unsigned long long)s.replayed);
    }
    vch_ledger_book_close(b);
    return VCH_EXIT_OK;
}

/* ---- create */

struct created {
    struct vch_genesis_authority list[VCH_GENESIS_AUTHORITIES];
    struct vch_cert *certs[VCH_CLI_LIST_MAX];
    size_t n, n_certs;
};

/* NAME=FILE; the name is NUL-terminated in place of the sign. */
static vch_err split(const char *text, char *room, size_t cap, const char **ret_file)
{
    const char *eq = strchr(text, '=');

    VCH_CHECK(eq != NULL && eq != text && (size_t)(eq - text) < cap, USAGE);
    memcpy(room, text, (size_t)(eq - text));
    room[eq - text] = 0;
    *ret_file = eq + 1;
    return VCH_OK;
}

static vch_err add_as(struct created *c, const char *text, char name[129])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(PEM_MAX);
    struct vch_cert *cert;
    const char *file;

    VCH_TRY(split(text, name, 129, &file));
    VCH_TRY(vch_file_read(file, 0, &pem));
    VCH_TRY(vch_cert_open(vch_buf_get(&pem), &cert));
    c->certs[c->n_certs++] = cert;
    c->list[c->n++] = (struct vch_genesis_authority){
        VCH_ROLE_AS, vch_text(name), vch_cert_info(cert)->pub, vch_cert_info(cert)->der};
    return VCH_OK;
}

static vch_err add_aggregator(struct created *c, const char *text, char name[129])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pem = vch_buf_init(PEM_MAX);
    struct vch_genesis_authority *a = &c->list[c->n++];
    const char *file;

    VCH_TRY(split(text, name, 129, &file));
    VCH_TRY(vch_file_read(file, 0, &pem));
    *a = (struct vch_genesis_authority){.role = VCH_ROLE_AGGREGATOR, .name = vch_text(name)};
    return vch_ossl_pubkey_pem_decode(vch_buf_get(&pem), &a->key);
}

static vch_err create(const struct ledger_args *a, struct created *c)
{
    static char names[2 * VCH_CLI_LIST_MAX][129];
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *checkpoint = NULL;
    struct vch_engine_options o = {.cr = vch_ossl_crypto(), .dir = a->dir};
    size_t used = 0;

    VCH_TRY(ledger_key_load(a->keys.v[0], a->passphrase_file, &key));
    o.signer = vch_ossl_key_signer(key);
    c->list[c->n++] = (struct vch_genesis_authority){
        .role = VCH_ROLE_LEDGER, .name = vch_text(a->id), .key = o.signer->pub};
    if (a->checkpoint_key != NULL) {
        VCH_TRY(ledger_key_load(a->checkpoint_key, a->passphrase_file, &checkpoint));
        c->list[c->n++] =
            (struct vch_genesis_authority){.role = VCH_ROLE_CHECKPOINT,
                                           .name = vch_text(a->id),
                                           .key = vch_ossl_key_signer(checkpoint)->pub};
    }
    for (size_t i = 0; i < a->as.n; i++) {
        VCH_TRY(add_as(c, a->as.v[i], names[used++]));
    }
    for (size_t i = 0; i < a->aggregators.n; i++) {
        VCH_TRY(add_aggregator(c, a->aggregators.v[i], names[used++]));
    }
    return vch_engine_create(&o, a->id, c->list, c->n, a->segment_mib << 20);
}

int cmd_ledger_create(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct ledger_args a = {.segment_mib = 64};
    const struct vch_cli_opt opts[] = {
        {"dir", 'd', VCH_CLI_TEXT, &a.dir, "DIR", "where the ledger will be"},
        {"id", 0, VCH_CLI_TEXT, &a.id, "ID", "its id, such as ledger.op1.example/divs"},
        {"key", 'k', VCH_CLI_LIST, &a.keys, "FILE", "the private key that signs receipts"},
        {"checkpoint-key", 0, VCH_CLI_TEXT, &a.checkpoint_key, "FILE",
         "private Ed25519 key for C2SP checkpoints"},
        {"passphrase-file", 0, VCH_CLI_TEXT, &a.passphrase_file, "FILE", "of these keys"},
        {"as", 0, VCH_CLI_LIST, &a.as, "NAME=CERT", "an AS and its certificate (PEM)"},
        {"aggregator", 0, VCH_CLI_LIST, &a.aggregators, "NAME=KEY",
         "an aggregator and its public key (PEM)"},
        {"segment-mib", 0, VCH_CLI_U64, &a.segment_mib, "N", "size of a log file (default 64)"},
    };
    struct created c = {.n = 0};
    char **args;
    int n, status;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (a.dir == NULL || a.id == NULL || a.keys.n != 1 || n != 0 || a.segment_mib == 0 ||
        a.segment_mib > 1024) {
        return vch_cli_usage("give --dir, --id and one --key");
    }
    e = create(&a, &c);
    for (size_t i = 0; i < c.n_certs; i++) {
        vch_cert_close(c.certs[i]);
    }
    if (!vch_ok(e)) {
        return vch_cli_fail(e, a.dir, NULL);
    }
    if (vch_cli.json) {
        printf("{\"created\":true,\"authorities\":%zu}\n", c.n);
    } else {
        printf("created     %s with %zu authorities\n", a.id, c.n);
    }
    return VCH_EXIT_OK;
}
