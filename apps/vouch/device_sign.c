/* vouch device sign: data in, a bundle out. */
#include "commands.h"
#include "device_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device_queue.h"

#define FLUSH_BYTES (8u << 20) /* a batch is closed when its rows have as many bytes */

struct sign_args {
    struct device_args common;
    const char *format_name;
    const char *type;
    const char *pointer;
    const char *out;
    const char *name;
    uint64_t batch;
    uint64_t max_age_ms;
    bool no_header;
    bool queue;
    enum device_format format;
};

/* The batch that is being filled. */
struct signing {
    const struct sign_args *a;
    struct device_session *s;
    struct device_out out;
    struct vch_device_batch batch;
    struct vch_buf data; /* rows one after the other */
    size_t *ends;        /* end of each in data */
    size_t rows;
    int64_t begun_ms;
    bool header; /* the batch begins with a CSV header */
    uint64_t total_rows, total_bytes;
    struct vch_cli_progress progress; /* bytes read */
};

/* Sequence numbers under the lock, for several processes may sign for one device. */
static vch_err ready(struct device_session *s)
{
    vch_err e = VCH_OK;

    VCH_TRY(device_refresh(s));
    VCH_TRY(vch_device_ready(&s->d));
    if (s->d.next_seq == s->d.end_seq) {
        VCH_TRY(device_begin(s));
        e = vch_device_reserve(&s->d, VCH_DEVICE_RESERVE);
        device_end(s);
    }
    return e;
}

static struct vch_bytes content_type(const struct signing *g)
{
    static const char *const defaults[] = {"text/plain", "text/csv", "application/octet-stream"};

    if (g->a->type != NULL) {
        return vch_text(g->a->type);
    }
    if (g->a->format == DEVICE_CSV) {
        return vch_text(g->header ? "text/csv; header=present" : "text/csv; header=absent");
    }
    return vch_text(defaults[g->a->format]);
}

/* Rows of one record have VCH_RAW_MAX bytes at most. */
static vch_err put_rows(struct signing *g, struct vch_bytes salt)
{
    struct vch_bytes *raws = vch_mem_alloc(g->rows * sizeof(*raws));
    size_t from = 0;
    vch_err e = VCH_OK;

    for (size_t i = 0; i < g->rows; i++) {
        size_t at = i == 0 ? 0 : g->ends[i - 1];

        raws[i] = vch_bytes(g->data.p + at, g->ends[i] - at);
    }
    while (from < g->rows && vch_ok(e)) {
        size_t bytes = raws[from].n, n = 1;

        while (from + n < g->rows && bytes + raws[from + n].n <= VCH_RAW_MAX) {
            bytes += raws[from + n++].n;
        }
        e = device_out_rows(&g->out, salt, from, raws + from, n);
        from += n;
    }
    vch_mem_free(raws);
    return e;
}

static vch_err close_batch(struct signing *g)
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_bytes item;

    if (g->rows == 0) {
        return VCH_OK;
    }
    VCH_TRY(ready(g->s));
    VCH_TRY(vch_device_batch_sign(&g->s->d, &g->batch, content_type(g), VCH_SPAN_OF(room), &item));
    VCH_TRY(device_out_evidence(&g->out, g->s));
    VCH_TRY(device_out_item(&g->out, item));
    VCH_TRY(put_rows(g, VCH_BYTES_OF(g->batch.seed)));
    g->rows = 0;
    g->header = false;
    vch_buf_reset(&g->data);
    return VCH_OK;
}

static vch_err sign_single(struct signing *g, struct vch_bytes raw, int64_t time_ms)
{
    struct vch_device_single one;
    uint8_t room[VCH_ITEM_MAX];
    struct vch_bytes item;

    VCH_TRY(ready(g->s));
    VCH_TRY(vch_device_single_begin(&g->s->d, &one));
    vch_device_single_add(&g->s->d, &one, raw);
    VCH_TRY(
        vch_device_single_sign(&g->s->d, &one, content_type(g), time_ms, VCH_SPAN_OF(room), &item));
    VCH_TRY(device_out_evidence(&g->out, g->s));
    VCH_TRY(device_out_item(&g->out, item));
    VCH_TRY(device_out_rows(&g->out, VCH_BYTES_OF(one.salt), 0, &raw, 1));
    g->total_rows++;
    g->total_bytes += raw.n;
    g->header = false;
    return VCH_OK;
}

static vch_err add_row(struct signing *g, struct vch_bytes raw, int64_t time_ms)
{
    if (g->a->batch == 1) {
        return sign_single(g, raw, time_ms);
    }
    if (g->rows != 0 && g->data.n + raw.n > FLUSH_BYTES) {
        VCH_TRY(close_batch(g));
    }
    if (g->rows == 0) {
        VCH_TRY(vch_device_batch_begin(&g->s->d, &g->batch));
        g->begun_ms = device_now_ms();
    }
    VCH_TRY(vch_device_batch_row(&g->s->d, &g->batch, raw, time_ms));
    VCH_TRY(vch_buf_append(&g->data, raw));
    g->ends[g->rows++] = g->data.n;
    g->total_rows++;
    g->total_bytes += raw.n;
    return g->rows == g->a->batch ? close_batch(g) : VCH_OK;
}

/* How long to wait for the next row before the batch is too old; -1: for ever. */
static int patience(const struct signing *g)
{
    int64_t left;

    if (g->rows == 0 || g->a->max_age_ms == 0) {
        return -1;
    }
    left = g->begun_ms + (int64_t)g->a->max_age_ms - device_now_ms();
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void show(struct signing *g, size_t n)
{
    vch_cli_progress_add(&g->progress, n);
    vch_cli_progress_show(&g->progress);
}

/* Each input has batches of its own, for each CSV file has a header of its own. */
static vch_err begin_input(struct signing *g)
{
    VCH_TRY(close_batch(g));
    g->header = g->a->format == DEVICE_CSV && !g->a->no_header;
    return VCH_OK;
}

static vch_err sign_rows(struct signing *g, int fd)
{
    struct device_rows r;
    enum device_row_step step = DEVICE_ROW;
    struct vch_bytes row;
    vch_err e = begin_input(g);

    device_rows_init(&r, fd, g->a->format);
    while (vch_ok(e) && step != DEVICE_EOF && device_stop == 0) {
        e = device_rows_next(&r, patience(g), &row, &step);
        if (vch_ok(e) && step == DEVICE_ROW) {
            e = add_row(g, row, device_now_ms());
            show(g, row.n);
        }
        if (vch_ok(e) && g->rows != 0 && patience(g) == 0) {
            e = close_batch(g);
        }
    }
    if (vch_ok(e)) {
        e = close_batch(g);
    }
    device_rows_fini(&r);
    return e;
}

/* Data of any size that stays beside the bundle: only its digest passes through.
 * req: Y.2247-7.2.3-2 */
static vch_err sign_beside(struct signing *g, int fd, const char *name)
{
    uint8_t piece[65536], room[VCH_ITEM_MAX];
    struct vch_device_single one;
    struct vch_bytes item;
    uint64_t length = 0;

    VCH_TRY(ready(g->s));
    VCH_TRY(vch_device_single_begin(&g->s->d, &one));
    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));

        if (n < 0 && errno == EINTR) {
            VCH_CHECK(device_stop == 0, FILE_READ);
            continue;
        }
        VCH_CHECK(n >= 0, FILE_READ);
        if (n == 0) {
            break;
        }
        vch_device_single_add(&g->s->d, &one, vch_bytes(piece, (size_t)n));
        length += (uint64_t)n;
        show(g, (size_t)n);
    }
    VCH_TRY(vch_device_single_sign(&g->s->d, &one, content_type(g), device_now_ms(),
                                   VCH_SPAN_OF(room), &item));
    VCH_TRY(device_out_evidence(&g->out, g->s));
    VCH_TRY(device_out_item(&g->out, item));
    g->total_rows++;
    g->total_bytes += length;
    return device_out_file(&g->out, VCH_BYTES_OF(one.salt), length, name);
}

static vch_err sign_raw(struct signing *g, int fd)
{
    struct device_rows r;
    enum device_row_step step = DEVICE_IDLE;
    struct vch_bytes raw = {NULL, 0};
    vch_err e = VCH_OK;

    device_rows_init(&r, fd, DEVICE_RAW);
    while (vch_ok(e) && step == DEVICE_IDLE && device_stop == 0) {
        e = device_rows_next(&r, -1, &raw, &step);
    }
    if (vch_ok(e) && step != DEVICE_IDLE) {
        e = sign_single(g, raw, device_now_ms());
    }
    device_rows_fini(&r);
    return e;
}

/* 0 for what has no size, such as a pipe. */
static uint64_t size_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static vch_err sign_input(struct signing *g, const char *path)
{
    bool std = strcmp(path, "-") == 0;
    int fd = std ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const char *name = g->a->name;
    vch_err e;

    VCH_CHECK(fd >= 0, FILE_OPEN);
    vch_cli_progress_init(&g->progress, base_name(path), std ? 0 : size_of(fd));
    if (g->a->format == DEVICE_RAW && name == NULL && !std && size_of(fd) > VCH_RAW_MAX) {
        name = base_name(path);
    }
    if (g->a->format != DEVICE_RAW) {
        e = sign_rows(g, fd);
    } else {
        e = name != NULL ? sign_beside(g, fd, name) : sign_raw(g, fd);
    }
    if (!std) {
        close(fd);
    }
    vch_cli_progress_fini(&g->progress);
    return e;
}

/* What was collected before the device was endorsed comes first. */
static vch_err drain_queue(struct signing *g)
{
    struct device_queue q;
    struct vch_bytes raw;
    int64_t time_ms;
    bool more, first;
    vch_err e;

    e = device_queue_open(&q, g->s->dir);
    if (vch_err_is(e, VCH_E(FILE_MISSING))) {
        return VCH_OK;
    }
    VCH_TRY(e);
    for (;;) {
        e = device_queue_next(&q, &raw, &time_ms, &first, &more);
        if (!vch_ok(e) || !more) {
            break;
        }
        e = first ? begin_input(g) : VCH_OK;
        if (vch_ok(e)) {
            e = add_row(g, raw, time_ms);
        }
        if (!vch_ok(e)) {
            break;
        }
    }
    if (vch_ok(e)) {
        e = close_batch(g);
    }
    device_queue_close(&q, vch_ok(e));
    return e;
}

static vch_err sign_all(struct signing *g, int n, char **args)
{
    static char dash[] = "-";
    static char *std[] = {dash};

    if (n == 0) {
        n = 1;
        args = std;
    }
    VCH_TRY(device_out_open(&g->out, g->a->out));
    VCH_TRY(drain_queue(g));
    for (int i = 0; i < n && device_stop == 0; i++) {
        VCH_TRY(sign_input(g, args[i]));
    }
    return device_out_end(&g->out);
}

static void print_result(const struct signing *g)
{
    FILE *to = g->out.path == NULL ? stderr : stdout;

    if (vch_cli.json) {
        fprintf(to, "{\"items\":%llu,\"rows\":%llu,\"data_bytes\":%llu,\"bundle_bytes\":%llu}\n",
                (unsigned long long)g->out.items, (unsigned long long)g->total_rows,
                (unsigned long long)g->total_bytes, (unsigned long long)g->out.bytes);
    } else if (!vch_cli.quiet) {
        fprintf(to, "%llu rows, %llu bytes of data signed in %llu items\n",
                (unsigned long long)g->total_rows, (unsigned long long)g->total_bytes,
                (unsigned long long)g->out.items);
    }
}

static int sign(const struct sign_args *a, struct device_session *s, int n, char **args)
{
    struct signing g = {.a = a, .s = s, .data = vch_buf_init(2 * (size_t)VCH_RAW_MAX)};
    vch_err e, released;

    g.ends = vch_mem_alloc((size_t)a->batch * sizeof(*g.ends));
    g.out.fd = -1;
    e = sign_all(&g, n, args);
    released = device_begin(s);
    if (vch_ok(released)) {
        vch_ignore(vch_device_release(&s->d));
        device_end(s);
    }
    if (vch_ok(e)) {
        print_result(&g);
    }
    device_out_close(&g.out);
    vch_buf_fini(&g.data);
    vch_mem_free(g.ends);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "sign", a->out);
}

/* Unendorsed: the rows wait in the directory, nothing goes out. req: Y.2247-7.2.1-1 */
static int collect(const struct sign_args *a, struct device_session *s, int n, char **args)
{
    uint64_t rows = 0;
    vch_err e = a->format == DEVICE_RAW ? VCH_E(DEVICE_UNREGISTERED)
                                        : device_queue_add(s->dir, a->format, n, args, &rows);

    if (!vch_ok(e)) {
        return vch_cli_fail(e, "queue", s->dir);
    }
    if (vch_cli.json) {
        printf("{\"queued\":%llu}\n", (unsigned long long)rows);
    } else {
        fprintf(stderr, "%llu rows wait in %s until the device is endorsed\n",
                (unsigned long long)rows, s->dir);
    }
    return VCH_EXIT_OK;
}

static bool check_args(struct sign_args *a)
{
    static const char *const formats[] = {"lines", "csv", "raw"};
    bool known = false;

    for (size_t i = 0; i < VCH_ARRAY_LEN(formats); i++) {
        if (strcmp(a->format_name, formats[i]) == 0) {
            a->format = (enum device_format)i;
            known = true;
        }
    }
    if (!known) {
        vch_cli_usage("--format is lines, csv or raw");
    } else if (a->batch < 1 || a->batch > VCH_BATCH_ROWS_COUNT) {
        vch_cli_usage("--batch is from 1 to %d", VCH_BATCH_ROWS_COUNT);
    } else if (strcmp(a->pointer, "inline") != 0 && strcmp(a->pointer, "session") != 0) {
        vch_cli_usage("--pointer is inline or session");
    } else if (a->name != NULL && a->format != DEVICE_RAW) {
        vch_cli_usage("--name is for --format raw");
    } else {
        return true;
    }
    return false;
}

int cmd_device_sign(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct sign_args a = {.common.dir = DEVICE_DIR,
                          .format_name = "lines",
                          .pointer = "session",
                          .batch = 256,
                          .max_age_ms = 1000};
    const struct vch_cli_opt opts[] = {
        DEVICE_OPTS(a.common),
        {"format", 'f', VCH_CLI_TEXT, &a.format_name, "FORMAT", "lines (default), csv or raw"},
        {"batch", 'b', VCH_CLI_U64, &a.batch, "N",
         "rows under one signature (default 256; 1: each row by itself)"},
        {"max-age", 0, VCH_CLI_U64, &a.max_age_ms, "MS",
         "sign at the latest after this time (default 1000; 0: only full batches)"},
        {"pointer", 0, VCH_CLI_TEXT, &a.pointer, "WHERE",
         "single rows carry the whole pointer: session (once, default) or inline (all)"},
        {"type", 0, VCH_CLI_TEXT, &a.type, "TYPE", "content type of the data"},
        {"no-header", 0, VCH_CLI_FLAG, &a.no_header, NULL, "the CSV has no header line"},
        {"name", 0, VCH_CLI_TEXT, &a.name, "NAME",
         "raw data stays beside the bundle, as a file of this name"},
        {"queue", 0, VCH_CLI_FLAG, &a.queue, NULL,
         "keep the rows for later if the device is not endorsed yet"},
        {"out", 'o', VCH_CLI_TEXT, &a.out, "FILE",
         "write the bundle there, not to standard output"},
    };
    static struct device_session s;
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (!check_args(&a)) {
        return VCH_EXIT_USAGE;
    }
    device_signals();
    e = device_open(&s, &a.common);
    if (vch_ok(e)) {
        s.d.pointer = strcmp(a.pointer, "inline") == 0 ? VCH_DEVICE_POINTER_INLINE
                                                       : VCH_DEVICE_POINTER_SESSION;
        e = vch_device_ready(&s.d);
    }
    if (vch_ok(e)) {
        status = sign(&a, &s, n, args);
    } else if (a.queue && vch_err_is(e, VCH_E(DEVICE_UNREGISTERED))) {
        status = collect(&a, &s, n, args);
    } else {
        status = vch_cli_fail(e, "sign", a.common.dir);
    }
    device_close(&s);
    return status;
}
