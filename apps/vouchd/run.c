/* vouchd run: from the configuration to a daemon that serves, until it is told to end. */
#include "commands.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>

#include "config.h"
#include "keys.h"
#include "listen.h"

static atomic_bool fatal;

/* The ledger cannot record any more: what was acknowledged is safe, nothing more can be. */
static void on_fatal(void *user, vch_err e)
{
    struct parts *p = user;

    vch_log(p->log, VCH_LOG_ERROR, "ledger-stopped", VCH_F_ERR("code", e));
    atomic_store(&fatal, true);
    (void)kill(getpid(), SIGTERM);
}

/* A process with keys in it leaves no picture of its memory behind. req: Y.2247-11-2 */
static void harden(void)
{
    struct rlimit none = {0, 0};

    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)umask(077);
}

static void signals_block(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGTERM);
    (void)sigaddset(ret, SIGINT);
    (void)sigaddset(ret, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, ret, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static vch_err open_log(struct parts *p)
{
    struct vch_log_options o = {.path = vch_conf_text(p->root, "log.file"),
                                .level = (enum vch_log_level)vch_conf_choice(p->root, "log.level"),
                                .form = (enum vch_log_form)vch_conf_choice(p->root, "log.form"),
                                .program = "vouchd",
                                .crypto = vch_ossl_crypto()};

    p->what = "opening the log";
    return vch_log_open(&o, &p->log);
}

static vch_err open_all(struct parts *p, struct listeners **ret)
{
    VCH_TRY(open_log(p));
    p->metrics = vch_metrics_open();
    VCH_TRY(parts_ledger(p, false, on_fatal, p));
    if (config_has_role(p->root, "as")) {
        VCH_TRY(parts_as(p));
    }
    return listeners_open(p, ret);
}

static vch_err write_port_file(const struct parts *p, const struct listeners *l)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(16384);
    const char *path = vch_conf_text(p->root, "port-file");

    if (path == NULL) {
        return VCH_OK;
    }
    VCH_TRY(listeners_json(l, &out));
    return vch_file_write_atomic(path, vch_buf_get(&out), 0);
}

static void reload(struct parts *p, struct listeners *l)
{
    vch_err tls = listeners_reload(l);
    vch_err key = p->as == NULL ? VCH_OK : parts_as_key(p);
    vch_err log = vch_log_reopen(p->log);

    vch_log(p->log, VCH_LOG_INFO, "reloaded", VCH_F_ERR("tls", tls), VCH_F_ERR("as_key", key),
            VCH_F_ERR("log", log));
}

/* The words of who is kept apart from whom belong in the log of a start. */
static void announce(const struct parts *p)
{
    vch_log(p->log, VCH_LOG_INFO, "started", VCH_F_STR("version", VOUCH_VERSION),
            VCH_F_STR("ledger", p->ledger.id), VCH_F_BOOL("ledger_here", p->engine != NULL),
            VCH_F_BOOL("as", p->as != NULL), VCH_F_UINT("operators", p->operator_count));
    if (p->engine != NULL) {
        vch_log(p->log, VCH_LOG_INFO, "assurance",
                VCH_F_STR("note", "a single node orders this ledger: no protection against its own "
                                  "operator beyond witnesses, no continuous availability"));
    }
}

static int serve(const struct vch_conf_node *root)
{
    struct parts *p = vch_mem_alloc(sizeof *p);
    struct listeners *l = NULL;
    sigset_t set;
    int got = 0, status = VCH_EXIT_OK;
    vch_err e;

    p->root = root;
    harden();
    signals_block(&set);
    e = open_all(p, &l);
    if (vch_ok(e)) {
        p->what = "writing the port file";
        e = write_port_file(p, l);
    }
    if (!vch_ok(e)) {
        status = vch_cli_fail(e, p->what, p->detail[0] == '\0' ? NULL : p->detail);
    } else {
        announce(p);
        do {
            (void)sigwait(&set, &got);
            if (got == SIGHUP) {
                reload(p, l);
            }
        } while (got == SIGHUP);
        vch_log(p->log, VCH_LOG_INFO, "ending", VCH_F_INT("signal", got));
        status = atomic_load(&fatal) ? VCH_EXIT_UNKNOWN : VCH_EXIT_OK;
    }
    listeners_close(l, (unsigned)vch_conf_int(root, "drain"));
    parts_close(p);
    vch_mem_free(p);
    return status;
}

enum wish { SERVE, CHECK, PRINT };

static int with_config(const char *path, enum wish wish)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf out = vch_buf_init(1 << 20);
    struct vch_conf *c = NULL;
    int status = VCH_EXIT_OK;
    vch_err e = VCH_OK;

    if (!config_open(path, &c, &status)) {
        return status;
    }
    if (wish == PRINT) {
        e = vch_conf_print(c, &out);
        (void)fwrite(out.p, 1, out.n, stdout);
    } else if (wish == CHECK) {
        printf("%s is right\n", path);
    } else {
        status = serve(vch_conf_root(c));
    }
    vch_conf_close(c);
    return vch_ok(e) ? status : vch_cli_fail(e, NULL, NULL);
}

int cmd_run(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    const char *path = NULL;
    bool check = false, print = false;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &path, "FILE", "configuration (YAML)"},
        {"check", 0, VCH_CLI_FLAG, &check, NULL, "check the configuration and end"},
        {"print-config", 0, VCH_CLI_FLAG, &print, NULL,
         "print every option with its value and end"}};
    int status = 0;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &status)) {
        return status;
    }
    return with_config(path == NULL && argc > 0 ? argv[0] : path, print   ? PRINT
                                                                  : check ? CHECK
                                                                          : SERVE);
}

static int config_command(const struct vch_cli_cmd *cmd, int argc, char **argv, enum wish wish)
{
    const char *path = NULL;
    const struct vch_cli_opt opts[] = {
        {"config", 'c', VCH_CLI_TEXT, &path, "FILE", "configuration (YAML)"}};
    int status = 0;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &argc, &argv, &status)) {
        return status;
    }
    return with_config(path == NULL && argc > 0 ? argv[0] : path, wish);
}

int cmd_check(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return config_command(cmd, argc, argv, CHECK);
}

int cmd_print_config(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    return config_command(cmd, argc, argv, PRINT);
}
