/* `vouch bundle make`, `extract`, `strip`, `close`. */
#include "commands.h"
#include "evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <vouch/base/text.h>
#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>
#include <vouch/verifier/write.h>

/* ---- what the commands have in common */
struct options {
    const char *out, *trust, *items, *rows;
    bool offline, strip;
    struct app_online online;
};

static struct vch_verifier *open_all(const struct vch_verify_trust *trust, int argc, char **argv,
                                     int *ret_exit)
{
    struct vch_verifier_options vo = {.cr = vch_ossl_crypto(), .trust = trust};
    struct vch_verifier_source src;
    struct vch_verifier *v;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    vo.judge.at_ms = (int64_t)now.tv_sec * 1000;
    vo.judge.skew_ms = 300000;
    vch_verifier_open(&vo, &v);
    for (int i = 0; i < argc; i++) {
        vch_err e = vch_verifier_add_file(v, argv[i]);

        if (vch_ok(e) && vch_verifier_source(v, (size_t)i, &src)) {
            e = src.err;
        }
        if (!vch_ok(e)) {
            *ret_exit = vch_cli_fail(e, "reading", argv[i]);
            vch_verifier_close(v);
            return NULL;
        }
    }
    return v;
}

static void say_written(const struct vch_verifier_written *w, const char *out)
{
    if (vch_cli.json && out != NULL && strcmp(out, "-") != 0) {
        printf("{\"items\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"duplicates\":%" PRIu64 "}\n",
               w->items, w->rows, w->bytes, w->duplicates);
    } else if (!vch_cli.quiet) {
        fprintf(stderr, "%" PRIu64 " item%s, %" PRIu64 " row%s, %" PRIu64 " bytes", w->items,
                w->items == 1 ? "" : "s", w->rows, w->rows == 1 ? "" : "s", w->bytes);
        fprintf(stderr, w->duplicates > 0 ? "; %" PRIu64 " repeated items left out\n" : "\n",
                w->duplicates);
    }
}

static int write_out(struct vch_verifier *v, const struct options *o,
                     const struct vch_verifier_choice *choice)
{
    struct vch_verifier_written written;
    struct app_output out;
    vch_err e;

    if (o->out == NULL && isatty(STDOUT_FILENO) == 1) {
        return vch_cli_usage("a bundle is binary: name a file by --out, or redirect the output");
    }
    e = app_output_open(o->out, &out);

    if (vch_ok(e)) {
        e = app_output_close(&out, vch_verifier_write(v, choice, app_output_put, &out, &written));
    }
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "writing", o->out);
    }
    say_written(&written, o->out);
    return VCH_EXIT_OK;
}

/* ---- make */
/* Whatever the items point to, with its disclosures, history and newest state. */
static int fetch_all(struct vch_verifier *v, const struct vch_trust_file *trust,
                     const struct options *o)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf answer = vch_buf_init((size_t)64 << 20);
    struct vch_verifier_want w;

    for (size_t i = 0; vch_verifier_want(v, i, &w); i++) {
        char detail[200] = "";
        vch_err e;

        vch_buf_reset(&answer);
        e = app_fetch(trust, &o->online, &w.txid, w.ledger, w.url, &answer, VCH_SPAN_OF(detail));
        if (vch_ok(e)) {
            e = vch_verifier_add_fragment(v, vch_buf_get(&answer));
        }
        if (!vch_ok(e)) {
            return vch_cli_fail(e, "asking the application server", detail[0] ? detail : NULL);
        }
    }
    return VCH_EXIT_OK;
}

/* The bundle may be passed on now; better to learn here than there that it does not verify. */
static void say_verdict(struct vch_verifier *v)
{
    struct vch_verifier_summary s;

    vch_verifier_run(v);
    s = vch_verifier_summary(v);
    if (s.verdict != VCH_VERDICT_VALID || !vch_cli.quiet) {
        fprintf(stderr, "offline verdict: %s%s%s\n", vch_verdict_name(s.verdict),
                vch_ok(s.why) ? "" : ": ", vch_ok(s.why) ? "" : vch_err_info(s.why)->text);
    }
}

int cmd_bundle_make(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_verifier_autoclose) struct vch_verifier *v = NULL;
    VCH_AUTO(vch_trust_file_autoclose) struct vch_trust_file *trust = NULL;
    struct vch_verifier_choice choice = {.strip = false};
    struct options o = {.out = NULL};
    const struct vch_cli_opt opts[] = {
        {"out", 'o', VCH_CLI_TEXT, &o.out, "FILE", "where the bundle goes (standard output)"},
        {"trust", 't', VCH_CLI_TEXT, &o.trust, "FILE", "trust file: whom to ask"},
        {"offline", 0, VCH_CLI_FLAG, &o.offline, NULL, "join only, ask nobody"},
        {"cert", 0, VCH_CLI_TEXT, &o.online.cert, "FILE", "client certificate"},
        {"key", 0, VCH_CLI_TEXT, &o.online.key, "FILE", "its key"},
        {"token", 0, VCH_CLI_TEXT, &o.online.token, "FILE", "access token"},
    };
    int n, status;
    char **args;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n == 0) {
        return vch_cli_usage("name the streams to join");
    }
    if (!app_trust_open(o.trust, &trust, &status)) {
        return status;
    }
    v = open_all(vch_trust_file_get(trust), n, args, &status);
    if (v == NULL) {
        return status;
    }
    if (!o.offline) {
        status = fetch_all(v, trust, &o);
        if (status != VCH_EXIT_OK) {
            return status;
        }
    }
    status = write_out(v, &o, &choice);
    if (status == VCH_EXIT_OK) {
        say_verdict(v);
    }
    return status;
}

/* ---- extract, strip */
static const struct vch_verify_trust no_trust;

static int choose(const struct vch_cli_cmd *cmd, int argc, char **argv, bool strip)
{
    VCH_AUTO(vch_verifier_autoclose) struct vch_verifier *v = NULL;
    struct vch_verifier_choice choice = {.strip = strip};
    struct options o = {.out = NULL};
    const struct vch_cli_opt opts[] = {
        {"out", 'o', VCH_CLI_TEXT, &o.out, "FILE", "where the bundle goes (standard output)"},
        {"item", 'i', VCH_CLI_TEXT, &o.items, "LIST", "items, such as 0,3-5 (all)"},
        {"rows", 'r', VCH_CLI_TEXT, &o.rows, "LIST",
         "rows of the items chosen, such as 10-20,35, counted from 0 through all batches"},
    };
    int n, status;
    char **args;

    if (!vch_cli_parse(cmd, opts, strip ? 2 : 3, argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 1) {
        return vch_cli_usage("name one bundle");
    }
    if (o.items != NULL && !vch_ok(vch_verifier_ranges_parse(vch_text(o.items), &choice.items))) {
        return vch_cli_usage("--item takes a list such as 0,3-5");
    }
    if (o.rows != NULL && !vch_ok(vch_verifier_ranges_parse(vch_text(o.rows), &choice.rows))) {
        return vch_cli_usage("--rows takes a list such as 10-20,35");
    }
    if (!strip && o.items == NULL && o.rows == NULL) {
        return vch_cli_usage("choose by --item or --rows");
    }
    v = open_all(&no_trust, n, args, &status);
    return v == NULL ? status : write_out(v, &o, &choice);
}

int cmd_bundle_extract(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return choose(cmd, argc, argv, false);
}

int cmd_bundle_strip(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return choose(cmd, argc, argv, true);
}

/* ---- close */
int cmd_bundle_close(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_verifier_autoclose) struct vch_verifier *v = NULL;
    struct vch_verifier_choice choice = {.strip = false};
    struct vch_verifier_source src;
    struct options o = {.out = NULL};
    const struct vch_cli_opt opts[] = {
        {"out", 'o', VCH_CLI_TEXT, &o.out, "FILE", "where the bundle goes (in place)"},
    };
    int n, status;
    char **args;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 1) {
        return vch_cli_usage("name one open stream");
    }
    v = open_all(&no_trust, n, args, &status);
    if (v == NULL) {
        return status;
    }
    if (vch_verifier_source(v, 0, &src) && src.ended) {
        return vch_cli_usage("%s has its end record already", args[0]);
    }
    o.out = o.out != NULL ? o.out : args[0];
    return write_out(v, &o, &choice);
}
