/* vouch/cli/cli.h - what every command of the programs shares: options and --help from one table,
 * errors with cause and remedy, JSON output, progress, colours.
 * Layer 8. For programs only: it writes to standard output and error. Not thread-safe, except
 * vch_cli_progress_add.
 *
 * Exit statuses: 0 done or valid, 1 refused or invalid, 2 cannot be evaluated or unreachable, 64
 * usage, 70 a defect. */
#ifndef VOUCH_CLI_CLI_H
#define VOUCH_CLI_CLI_H

#include <stdatomic.h>

#include <vouch/base/buf.h>
#include <vouch/base/err.h>

enum vch_cli_exit {
    VCH_EXIT_OK = 0,
    VCH_EXIT_REFUSED = 1,
    VCH_EXIT_UNKNOWN = 2,
    VCH_EXIT_USAGE = 64,
    VCH_EXIT_BUG = 70
};

/* What an option's value is and where it goes. */
enum vch_cli_kind {
    VCH_CLI_FLAG, /* bool *: set to true */
    VCH_CLI_TEXT, /* const char **: the argument itself */
    VCH_CLI_U64,  /* uint64_t *: decimal */
    VCH_CLI_TIME, /* struct vch_time *: RFC 3339, or "now" */
    VCH_CLI_LIST  /* struct vch_cli_list *: may be given several times */
};

#define VCH_CLI_LIST_MAX 64
struct vch_cli_list {
    const char *v[VCH_CLI_LIST_MAX];
    size_t n;
};

struct vch_cli_opt {
    const char *name; /* without dashes: "trust" */
    char letter;      /* short form, or 0 */
    enum vch_cli_kind kind;
    void *out;
    const char *arg;  /* name of the argument in the help, NULL for flags */
    const char *help; /* one line */
};

/* A command: `vouch noun verb`. */
struct vch_cli_cmd {
    const char *noun;
    const char *verb;     /* NULL: the noun is the command */
    const char *args;     /* positional arguments in the help: "FILE..." or "" */
    const char *summary;  /* one line */
    const char *about;    /* paragraphs, or NULL */
    const char *examples; /* lines "$ command", or NULL */
    int (*run)(const struct vch_cli_cmd *cmd, int argc, char **argv); /* argv[0] is the verb */
};

/* Options that every command has; set by vch_cli_parse. */
struct vch_cli_common {
    const char *program; /* "vouch" */
    bool json;           /* --json */
    bool quiet;          /* --quiet: no progress */
    bool color;          /* standard output is a terminal, NO_COLOR is not set, no --json */
};
extern struct vch_cli_common vch_cli;

/* Runs the command that ARGV names out of N. Prints an overview for --help or nothing given, the
 * version for --version; an unknown name gets the nearest one. Returns the exit status. */
int vch_cli_main(const char *program, const char *tagline, const struct vch_cli_cmd *cmds, size_t n,
                 int argc, char **argv);

/* Reads the options of ARGV into N_OPTS targets. "--" ends the options; "--name=value" and "--name
 * value" are the same. With --help it prints the help of CMD and returns false with *ret_exit 0;
 * with a wrong option it says so, and *ret_exit is 64. On true, *ret_argc and *ret_argv are the
 * positional arguments (ARGV is reordered). */
VCH_CHECKED bool vch_cli_parse(const struct vch_cli_cmd *cmd, const struct vch_cli_opt *opts,
                               size_t n_opts, int argc, char **argv, int *ret_argc,
                               char ***ret_argv, int *ret_exit);

/* Reports E on standard error (as JSON with --json): what was being done, the detail, the error's
 * text, cause and remedy. WHAT and DETAIL may be NULL. Returns the exit status of E. */
int vch_cli_fail(vch_err e, const char *what, const char *detail);
/* A usage error in words; returns 64. */
VCH_PRINTF(1, 2) int vch_cli_usage(const char *fmt, ...);

/* Colours for standard output; empty texts when colours are off. */
const char *vch_cli_green(void);
const char *vch_cli_red(void);
const char *vch_cli_yellow(void);
const char *vch_cli_bold(void);
const char *vch_cli_dim(void);
const char *vch_cli_reset(void);

/* TEXT as a JSON string with its quotes. Errors: LIMIT of the buffer. */
VCH_CHECKED vch_err vch_cli_json_string(struct vch_buf *b, struct vch_bytes text);

/* Progress on standard error, if that is a terminal and neither --quiet nor --json is given. */
struct vch_cli_progress {
    const char *what;
    uint64_t total; /* 0: unknown */
    atomic_ullong done;
    int64_t shown_ms;
    int64_t begun_ms;
    bool on;
};
void vch_cli_progress_init(struct vch_cli_progress *p, const char *what, uint64_t total);
void vch_cli_progress_add(struct vch_cli_progress *p, uint64_t n); /* any thread */
void vch_cli_progress_show(
    struct vch_cli_progress *p); /* one thread: draws at most 10 times a second */
void vch_cli_progress_fini(struct vch_cli_progress *p); /* clears the line */

/* A whole file or, for "-", standard input. Errors: FILE_OPEN, FILE_READ, LIMIT. */
VCH_CHECKED vch_err vch_cli_read_file(const char *path, struct vch_buf *ret);
/* A passphrase: the first line of FILE, or typed at the terminal without echo when FILE is NULL;
 * with CONFIRM typed twice. The caller wipes it. Errors: FILE_OPEN, FILE_READ, LIMIT, USAGE (no
 * terminal, or the two differ). */
VCH_CHECKED vch_err vch_cli_passphrase(const char *file, const char *prompt, bool confirm,
                                       struct vch_buf *ret);

#endif
