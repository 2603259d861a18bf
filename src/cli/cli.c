#include "cli_int.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <vouch/base/text.h>

struct vch_cli_common vch_cli = {.program = "vouch"};

size_t vch_cli_distance(const char *a, const char *b)
{
    size_t row[64];
    size_t na = strlen(a);
    size_t nb = strlen(b);

    if (na >= VCH_ARRAY_LEN(row) || nb >= VCH_ARRAY_LEN(row)) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= nb; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[nb];
}

/* What vch_cli_parse knows besides the options of the command. */
static bool want_help;
static const struct vch_cli_opt common_opts[] = {
    {"json", 0, VCH_CLI_FLAG, &vch_cli.json, NULL, "print JSON for machines"},
    {"quiet", 'q', VCH_CLI_FLAG, &vch_cli.quiet, NULL, "show no progress"},
    {"help", 'h', VCH_CLI_FLAG, &want_help, NULL, "show this help"},
};

static const struct vch_cli_opt *find_opt(const struct vch_cli_opt *opts, size_t n,
                                          const char *name, size_t name_n, char letter)
{
    for (size_t i = 0; i < n; i++) {
        if (letter != 0
                ? opts[i].letter == letter
                : strlen(opts[i].name) == name_n && memcmp(opts[i].name, name, name_n) == 0) {
            return &opts[i];
        }
    }
    return NULL;
}

static int unknown_option(const struct vch_cli_opt *opts, size_t n, const char *given)
{
    const char *nearest = NULL;
    size_t best = 3;

    for (size_t i = 0; i < n; i++) {
        size_t d = given[1] == '-' ? vch_cli_distance(given + 2, opts[i].name) : SIZE_MAX;

        if (d < best) {
            best = d;
            nearest = opts[i].name;
        }
    }
    return nearest == NULL ? vch_cli_usage("unknown option %s", given)
                           : vch_cli_usage("unknown option %s; did you mean --%s?", given, nearest);
}

static vch_err parse_time(const char *value, struct vch_time *ret)
{
    struct timespec ts;

    if (strcmp(value, "now") != 0) {
        return vch_time_parse(vch_text(value), ret);
    }
    VCH_CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0, BUG);
    ret->ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    return VCH_OK;
}

/* Stores VALUE; false with a message if it does not fit. */
static bool store(const struct vch_cli_opt *o, const char *value)
{
    struct vch_cli_list *list = o->out;

    switch (o->kind) {
    case VCH_CLI_FLAG:
        *(bool *)o->out = true;
        return true;
    case VCH_CLI_TEXT:
        *(const char **)o->out = value;
        return true;
    case VCH_CLI_U64:
        if (!vch_ok(vch_u64_parse(vch_text(value), UINT64_MAX, o->out))) {
            vch_cli_usage("--%s wants a number, not '%s'", o->name, value);
            return false;
        }
        return true;
    case VCH_CLI_TIME:
        if (!vch_ok(parse_time(value, o->out))) {
            vch_cli_usage("--%s wants a time such as 2026-11-21T10:00:00Z, not '%s'", o->name,
                          value);
            return false;
        }
        return true;
    case VCH_CLI_LIST:
        if (list->n == VCH_CLI_LIST_MAX) {
            vch_cli_usage("--%s is given more than %d times", o->name, VCH_CLI_LIST_MAX);
            return false;
        }
        list->v[list->n++] = value;
        return true;
    }
    return false;
}

/* Reads the option at ARGV[*I] out of ALL; false with a message if it is wrong. */
static bool take_option(const struct vch_cli_opt *all, size_t n, int argc, char **argv, int *i)
{
    const char *a = argv[*i];
    bool is_long = a[1] == '-';
    const char *eq = is_long ? strchr(a, '=') : NULL;
    const struct vch_cli_opt *o =
        is_long ? find_opt(all, n, a + 2, eq != NULL ? (size_t)(eq - a - 2) : strlen(a + 2), 0)
                : find_opt(all, n, "", 0, a[1]);
    const char *value = eq != NULL ? eq + 1 : NULL;

    if (o == NULL || (!is_long && a[2] != 0)) {
        unknown_option(all, n, a);
        return false;
    }
    if (o->kind == VCH_CLI_FLAG && value != NULL) {
        vch_cli_usage("--%s takes no value", o->name);
        return false;
    }
    if (o->kind != VCH_CLI_FLAG && value == NULL) {
        if (*i + 1 >= argc) {
            vch_cli_usage("--%s wants a value: %s", o->name, o->arg);
            return false;
        }
        value = argv[++*i];
    }
    return store(o, value);
}

bool vch_cli_parse(const struct vch_cli_cmd *cmd, const struct vch_cli_opt *opts, size_t n_opts,
                   int argc, char **argv, int *ret_argc, char ***ret_argv, int *ret_exit)
{
    struct vch_cli_opt all[48];
    size_t n = 0;
    int kept = 0;
    bool options = true;

    VCH_ASSERT(n_opts + VCH_ARRAY_LEN(common_opts) <= VCH_ARRAY_LEN(all));
    for (size_t i = 0; i < n_opts; i++) {
        all[n++] = opts[i];
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(common_opts); i++) {
        all[n++] = common_opts[i];
    }
    want_help = false;
    for (int i = 1; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != 0) {
            if (!take_option(all, n, argc, argv, &i)) {
                *ret_exit = VCH_EXIT_USAGE;
                return false;
            }
        } else {
            argv[1 + kept++] = argv[i];
        }
    }
    vch_cli.color = !vch_cli.json && isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL;
    if (want_help) {
        vch_cli_help_command(cmd, all, n);
        *ret_exit = VCH_EXIT_OK;
        return false;
    }
    *ret_argc = kept;
    *ret_argv = argv + 1;
    return true;
}

static bool names(const struct vch_cli_cmd *c, const char *noun, const char *verb)
{
    return strcmp(c->noun, noun) == 0 &&
           (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0));
}

static int unknown_command(const struct vch_cli_cmd *cmds, size_t n, const char *noun,
                           const char *verb)
{
    const char *nearest = NULL;
    size_t best = 4;
    bool noun_known = false;

    for (size_t i = 0; i < n; i++) {
        noun_known = noun_known || strcmp(cmds[i].noun, noun) == 0;
    }
    for (size_t i = 0; i < n; i++) {
        const char *candidate = noun_known ? cmds[i].verb : cmds[i].noun;
        size_t d = noun_known && (strcmp(cmds[i].noun, noun) != 0 || candidate == NULL)
                       ? SIZE_MAX
                       : vch_cli_distance(candidate, noun_known ? verb : noun);

        if (d < best) {
            best = d;
            nearest = candidate;
        }
    }
    return nearest != NULL ? vch_cli_usage("unknown command '%s'; did you mean '%s'?",
                                           noun_known ? verb : noun, nearest)
                           : vch_cli_usage("unknown command '%s'", noun_known ? verb : noun);
}

/* Whether the mistakes, too, are to be told as JSON: asked before anything is read. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

static int dispatch(const char *tagline, const struct vch_cli_cmd *cmds, size_t n, int argc,
                    char **argv)
{
    const char *noun = argc > 1 ? argv[1] : NULL;
    const char *verb = argc > 2 && argv[2][0] != '-' ? argv[2] : NULL;
    bool noun_known = false;

    if (noun == NULL || strcmp(noun, "--help") == 0 || strcmp(noun, "-h") == 0 ||
        strcmp(noun, "help") == 0) {
        vch_cli_help_overview(tagline, cmds, n, noun != NULL && noun[0] != '-' ? verb : NULL);
        return noun == NULL ? VCH_EXIT_USAGE : VCH_EXIT_OK;
    }
    if (strcmp(noun, "--version") == 0) {
        printf("%s %s\n", vch_cli.program, VOUCH_VERSION);
        return VCH_EXIT_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (names(&cmds[i], noun, verb)) {
            int skip = cmds[i].verb != NULL ? 2 : 1;

            return cmds[i].run(&cmds[i], argc - skip, argv + skip);
        }
        noun_known = noun_known || strcmp(cmds[i].noun, noun) == 0;
    }
    if (noun_known && verb == NULL) {
        if (argc > 2 && strcmp(argv[2], "--help") != 0 && strcmp(argv[2], "-h") != 0) {
            return vch_cli_usage("a command of '%s' comes before its options", noun);
        }
        vch_cli_help_overview(tagline, cmds, n, noun);
        return argc > 2 ? VCH_EXIT_OK : VCH_EXIT_USAGE;
    }
    return unknown_command(cmds, n, noun, verb);
}

int vch_cli_main(const char *program, const char *tagline, const struct vch_cli_cmd *cmds, size_t n,
                 int argc, char **argv)
{
    int status;

    vch_cli.program = program;
    vch_cli.json = wants_json(argc, argv);
    vch_cli.color = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL;
    status = dispatch(tagline, cmds, n, argc, argv);
    /* A verdict that reached nobody is none. */
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == VCH_EXIT_OK) {
        return vch_cli_fail(VCH_E(FILE_IO), "standard output", NULL);
    }
    return status;
}
