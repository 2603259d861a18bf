/* `vouch verify`. req: Y.2247-7.2.3-5, Y.2247-10.1-4 */
#include "commands.h"
#include "evidence.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <vouch/base/text.h>
#include <vouch/ossl/crypto.h>
#include <vouch/verifier/write.h>

#define SKEW_DEFAULT_S 300

struct options {
    const char *trust, *valid_to;
    struct vch_time at;
    bool offline, explain, accept_claimed;
    uint64_t skew_s, threads;
    struct vch_cli_list data;
    struct app_online online;
};

static void tick(void *self, uint64_t items_done)
{
    struct vch_cli_progress *p = self;
    uint64_t before = atomic_load(&p->done);

    if (items_done > before) {
        vch_cli_progress_add(p, items_done - before);
    }
    vch_cli_progress_show(p);
}

/* Asks for what is not at hand, and for what came later. The bundle's own evidence suffices where
 * an AS cannot be reached: the verdict then says up to when it holds. */
static size_t go_online(struct vch_verifier *v, const struct vch_trust_file *trust,
                        const struct options *o)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf answer = vch_buf_init((size_t)64 << 20);
    struct vch_verifier_want w;
    size_t failed = 0;

    for (size_t i = 0; vch_verifier_want(v, i, &w); i++) {
        char detail[200] = "", txid[2 * VCH_HASH_LEN + 1];
        vch_err e;

        vch_buf_reset(&answer);
        e = app_fetch(trust, &o->online, &w.txid, w.ledger, w.url, &answer, VCH_SPAN_OF(detail));
        if (vch_ok(e)) {
            e = vch_verifier_add_fragment(v, vch_buf_get(&answer));
        }
        if (!vch_ok(e)) {
            failed++;
            vch_hex_encode(vch_bytes(w.txid.b, 8), VCH_SPAN_OF(txid));
            fprintf(stderr, "vouch: record %s... at %.*s: %s%s%s\n", txid, (int)w.url.n,
                    (const char *)w.url.p, vch_err_info(e)->text, detail[0] != 0 ? ": " : "",
                    detail);
        }
    }
    return failed;
}

/* Whoever goes on with the data takes this file: what is not valid is not in it. Without a valid
 * item there is no file. */
static vch_err write_valid(struct vch_verifier *v, const char *path)
{
    struct vch_verifier_choice choice = {.strip = false};
    struct vch_verifier_written written;
    struct app_output out;

    choice.only_valid = true;
    if (vch_verifier_summary(v).valid == 0) {
        return VCH_OK;
    }
    VCH_TRY(app_output_open(path, &out));
    return app_output_close(&out, vch_verifier_write(v, &choice, app_output_put, &out, &written));
}

static int verify(const struct options *o, int argc, char **argv,
                  const struct vch_trust_file *trust)
{
    VCH_AUTO(vch_verifier_autoclose) struct vch_verifier *v = NULL;
    struct vch_cli_progress progress;
    struct vch_verifier_options vo = {
        .cr = vch_ossl_crypto(),
        .trust = vch_trust_file_get(trust),
        .judge = {o->at.ms, (int64_t)o->skew_s * 1000, o->accept_claimed},
        .threads = (unsigned)o->threads,
        .data = o->data.v,
        .data_count = o->data.n,
        .tick = tick,
        .self = &progress};
    struct app_show show = {.at_ms = o->at.ms, .explain = o->explain, .offline = o->offline};
    struct vch_verifier_item it;
    uint64_t items = 0;

    vch_verifier_open(&vo, &v);
    for (int i = 0; i < argc; i++) {
        vch_err e = vch_verifier_add_file(v, argv[i]);

        if (!vch_ok(e)) {
            return vch_cli_fail(e, "reading", argv[i]);
        }
    }
    if (!o->offline) {
        show.fetch_failed = go_online(v, trust, o);
    }
    while (vch_verifier_item(v, items, &it)) {
        items++;
    }
    vch_cli_progress_init(&progress, "items verified", items);
    vch_verifier_run(v);
    vch_cli_progress_fini(&progress);
    show.v = v;
    show.summary = vch_verifier_summary(v);
    if (vch_cli.json) {
        app_show_json(&show);
    } else {
        app_show_text(&show);
    }
    if (o->valid_to != NULL) {
        vch_err e = write_valid(v, o->valid_to);

        if (!vch_ok(e)) {
            return vch_cli_fail(e, "writing", o->valid_to);
        }
    }
    switch (show.summary.verdict) {
    case VCH_VERDICT_VALID:
        return VCH_EXIT_OK;
    case VCH_VERDICT_INVALID:
        return VCH_EXIT_REFUSED;
    default:
        return VCH_EXIT_UNKNOWN;
    }
}

int cmd_verify(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_trust_file_autoclose) struct vch_trust_file *trust = NULL;
    struct options o = {.skew_s = SKEW_DEFAULT_S};
    const struct vch_cli_opt opts[] = {
        {"trust", 't', VCH_CLI_TEXT, &o.trust, "FILE",
         "trust file: ledgers and application servers"},
        {"offline", 0, VCH_CLI_FLAG, &o.offline, NULL, "ask nobody; judge by what the files hold"},
        {"at", 0, VCH_CLI_TIME, &o.at, "TIME", "the moment of the verdict (now)"},
        {"accept-claimed-time", 0, VCH_CLI_FLAG, &o.accept_claimed, NULL,
         "believe the device's own time where no evidence bounds it"},
        {"data", 0, VCH_CLI_LIST, &o.data, "FILE", "the data, where it lies outside the bundle"},
        {"valid-to", 0, VCH_CLI_TEXT, &o.valid_to, "FILE",
         "write a bundle of the valid items alone, for what comes next"},
        {"explain", 0, VCH_CLI_FLAG, &o.explain, NULL, "every step of every item"},
        {"skew", 0, VCH_CLI_U64, &o.skew_s, "SECONDS", "by how much clocks may differ (300)"},
        {"threads", 0, VCH_CLI_U64, &o.threads, "N", "threads (one for each processor)"},
        {"cert", 0, VCH_CLI_TEXT, &o.online.cert, "FILE", "client certificate for asking an AS"},
        {"key", 0, VCH_CLI_TEXT, &o.online.key, "FILE", "its key"},
        {"token", 0, VCH_CLI_TEXT, &o.online.token, "FILE", "access token for asking an AS"},
    };
    struct timespec now;
    int n, status;
    char **args;

    clock_gettime(CLOCK_REALTIME, &now);
    o.at.ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n == 0) {
        return vch_cli_usage("name a file to verify, or - for standard input");
    }
    if (o.valid_to != NULL && strcmp(o.valid_to, "-") == 0) {
        return vch_cli_usage("--valid-to takes a file: standard output has the result");
    }
    if (o.skew_s > 86400 || o.threads > 64) {
        return vch_cli_usage("--skew is at most 86400 seconds, --threads at most 64");
    }
    if (!app_trust_open(o.trust, &trust, &status)) {
        return status;
    }
    return verify(&o, n, args, trust);
}
