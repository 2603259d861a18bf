#include <vouch/obs/audit.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <vouch/file/file.h>

#include "line.h"

#define LINE_MAX_BYTES 65536
#define HEX_LEN        (2 * VCH_HASH_LEN)

struct vch_audit {
    pthread_mutex_t lock; /* everything but what sync_lock has */
    int fd;
    struct vch_file_lock file_lock;
    const struct vch_crypto *crypto;
    enum vch_audit_sync sync;
    struct vch_tagger tagger;
    int64_t (*now_ms)(void *user);
    void *now_user;
    struct vch_audit_head head;
    bool failed;
    pthread_mutex_t sync_lock;
    uint64_t synced; /* lines on disk */
};

/* ---- reading and checking */

/* What a pass over a file found. */
struct scan {
    struct vch_audit_head head;
    uint64_t whole;        /* bytes of complete lines */
    struct vch_bytes torn; /* bytes after them; lies in the scan's buffer */
    uint64_t bad_line;     /* with AUDIT_CHAIN */
};

/* Is LINE (without its end) number HEAD.count + 1 of the chain? Lines are of our own making, so the
 * beginning is compared byte by byte. */
static vch_err check_line(const struct vch_crypto *crypto, struct vch_audit_head *head,
                          struct vch_bytes line)
{
    char prev[HEX_LEN + 1], want[128];
    int n;

    (void)vch_hex_encode(vch_hash_bytes(&head->hash), vch_span(prev, sizeof(prev)));
    n = snprintf(want, sizeof(want), "{\"seq\":%llu,\"prev\":\"%s\",",
                 (unsigned long long)head->count + 1, prev);
    VCH_CHECK(line.n > (size_t)n && memcmp(line.p, want, (size_t)n) == 0, AUDIT_CHAIN);
    VCH_CHECK(line.p[line.n - 1] == '}', AUDIT_CHAIN);
    vch_sha256_of(crypto, line, &head->hash);
    head->count++;
    return VCH_OK;
}

/* Checks the complete lines in B, and leaves the rest at its start. */
static vch_err check_lines(const struct vch_crypto *crypto, struct vch_buf *b, struct scan *s,
                           const struct vch_audit_head *expect)
{
    struct vch_bytes left = vch_buf_get(b);
    const uint8_t *end;

    while (left.n > 0 && (end = memchr(left.p, '\n', left.n)) != NULL) {
        size_t n = (size_t)(end - left.p);

        s->bad_line = s->head.count + 1;
        VCH_TRY(check_line(crypto, &s->head, vch_bytes(left.p, n)));
        VCH_CHECK(expect == NULL || expect->count != s->head.count ||
                      vch_hash_equal(&expect->hash, &s->head.hash),
                  AUDIT_CHAIN);
        s->whole += n + 1;
        left = vch_bytes_slice(left, n + 1, left.n);
    }
    if (left.n > 0) {
        memmove(b->p, left.p, left.n);
    }
    b->n = left.n;
    s->bad_line = s->head.count + 1;
    VCH_CHECK(b->n <= LINE_MAX_BYTES, AUDIT_CHAIN);
    return VCH_OK;
}

/* Reads FD from its start. B (empty, with a maximum of two lines and more) holds the torn rest. */
static vch_err scan_file(int fd, const struct vch_crypto *crypto,
                         const struct vch_audit_head *expect, struct vch_buf *b, struct scan *s)
{
    uint64_t at = 0;

    for (;;) {
        struct vch_span room;
        ssize_t n;

        VCH_TRY(vch_buf_room(b, LINE_MAX_BYTES, &room));
        n = pread(fd, room.p, room.cap, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(n >= 0, OBS_FILE);
        if (n == 0) {
            s->torn = vch_buf_get(b);
            return VCH_OK;
        }
        at += (uint64_t)n;
        vch_buf_added(b, (size_t)n);
        VCH_TRY(check_lines(crypto, b, s, expect));
    }
}

static vch_err verify_fd(int fd, const struct vch_crypto *crypto,
                         const struct vch_audit_head *expect, struct scan *s)
{
    struct vch_buf b = vch_buf_init(4 * LINE_MAX_BYTES);
    vch_err e = scan_file(fd, crypto, expect, &b, s);

    if (vch_ok(e) && s->torn.n > 0) {
        e = VCH_E(AUDIT_CHAIN);
    } else if (vch_ok(e) && expect != NULL && s->head.count < expect->count) {
        e = VCH_E(AUDIT_SHORT);
    }
    vch_buf_fini(&b);
    return e;
}

vch_err vch_audit_verify(const char *path, const struct vch_crypto *crypto,
                         const struct vch_audit_head *expect, struct vch_audit_head *ret_head,
                         uint64_t *reterr_line)
{
    struct scan s = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    vch_err e;

    VCH_CHECK(fd >= 0, OBS_FILE);
    e = verify_fd(fd, crypto, expect, &s);
    (void)close(fd);
    if (!vch_ok(e)) {
        *reterr_line = s.bad_line;
        return e;
    }
    *ret_head = s.head;
    return VCH_OK;
}

/* ---- writing */

static int64_t system_ms(void *user)
{
    struct timespec t;

    (void)user;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static vch_err build_line(struct vch_audit *a, const char *event, const struct vch_field *fields,
                          size_t n, struct vch_buf *b)
{
    char prev[HEX_LEN + 1], text[VCH_TIME_TEXT_MAX];
    struct vch_time now = {a->now_ms(a->now_user)};
    bool cut = false;

    (void)vch_hex_encode(vch_hash_bytes(&a->head.hash), vch_span(prev, sizeof(prev)));
    VCH_TRY(vch_buf_printf(b, "{\"seq\":%llu,\"prev\":\"%s\",\"time\":\"%s\",\"event\":",
                           (unsigned long long)a->head.count + 1, prev,
                           vch_time_text(now, vch_span(text, sizeof(text)))));
    VCH_TRY(vch_line_quote(b, vch_text(event)));
    vch_line_fields(b, VCH_LOG_JSON, &a->tagger, fields, n, &cut);
    VCH_CHECK(!cut, LIMIT); /* an audit record is whole or refused */
    return vch_buf_text(b, "}\n");
}

static vch_err write_all(int fd, struct vch_bytes b)
{
    while (b.n > 0) {
        ssize_t n = write(fd, b.p, b.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(n > 0, OBS_FILE);
        b = vch_bytes_slice(b, (size_t)n, b.n);
    }
    return VCH_OK;
}

/* With the lock held. */
static vch_err append(struct vch_audit *a, const char *event, const struct vch_field *fields,
                      size_t n)
{
    struct vch_buf b = vch_buf_init(LINE_MAX_BYTES);
    vch_err e = a->failed ? VCH_E(OBS_FILE) : build_line(a, event, fields, n, &b);

    if (vch_ok(e)) {
        e = write_all(a->fd, vch_buf_get(&b));
        a->failed = !vch_ok(e);
    }
    if (vch_ok(e)) {
        vch_sha256_of(a->crypto, vch_bytes(b.p, b.n - 1), &a->head.hash);
        a->head.count++;
    }
    vch_buf_fini(&b);
    return e;
}

/* Returns when the first COUNT lines are on disk. Whoever waits while another syncs finds that the
 * next sync covers his line too. */
static vch_err sync_lines(struct vch_audit *a, uint64_t count)
{
    vch_err e = VCH_OK;

    pthread_mutex_lock(&a->sync_lock);
    if (a->synced < count) {
        uint64_t written;
        bool failed;

        pthread_mutex_lock(&a->lock);
        written = a->head.count;
        failed = a->failed;
        pthread_mutex_unlock(&a->lock);
        if (failed || fdatasync(a->fd) != 0) {
            pthread_mutex_lock(&a->lock);
            a->failed = true;
            pthread_mutex_unlock(&a->lock);
            e = VCH_E(OBS_FILE);
        } else {
            a->synced = written;
        }
    }
    pthread_mutex_unlock(&a->sync_lock);
    return e;
}

vch_err vch_audit_append(struct vch_audit *a, const char *event, const struct vch_field *fields,
                         size_t n, struct vch_audit_head *ret_head)
{
    struct vch_audit_head head;
    vch_err e;

    pthread_mutex_lock(&a->lock);
    e = append(a, event, fields, n);
    head = a->head;
    pthread_mutex_unlock(&a->lock);
    if (vch_ok(e) && a->sync == VCH_AUDIT_SYNC_EACH) {
        e = sync_lines(a, head.count);
    }
    if (vch_ok(e) && ret_head != NULL) {
        *ret_head = head;
    }
    return e;
}

vch_err vch_audit_sync(struct vch_audit *a, struct vch_audit_head *ret_head)
{
    struct vch_audit_head head;

    pthread_mutex_lock(&a->lock);
    head = a->head;
    pthread_mutex_unlock(&a->lock);
    VCH_TRY(sync_lines(a, head.count));
    if (ret_head != NULL) {
        *ret_head = head;
    }
    return VCH_OK;
}

/* ---- opening */

/* Cuts off an incomplete last line and writes down that it did. */
static vch_err recover(struct vch_audit *a, const struct scan *s)
{
    struct vch_hash hash;
    struct vch_field fields[2];

    vch_sha256_of(a->crypto, s->torn, &hash);
    fields[0] = VCH_F_UINT("bytes", s->torn.n);
    fields[1] = VCH_F_HEX("sha256", vch_hash_bytes(&hash));
    VCH_CHECK(ftruncate(a->fd, (off_t)s->whole) == 0, OBS_FILE);
    return append(a, "audit-recovered", fields, 2);
}

static vch_err load(struct vch_audit *a)
{
    struct vch_buf b = vch_buf_init(4 * LINE_MAX_BYTES);
    struct scan s = {0};
    vch_err e = scan_file(a->fd, a->crypto, NULL, &b, &s);

    if (vch_ok(e)) {
        a->head = s.head;
        e = s.torn.n > 0 ? recover(a, &s) : VCH_OK;
    }
    if (vch_ok(e)) {
        e = fsync(a->fd) == 0 ? VCH_OK : VCH_E(OBS_FILE);
        a->synced = a->head.count;
    }
    vch_buf_fini(&b);
    return e;
}

static vch_err sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash == NULL   ? vch_mem_text(vch_text("."))
                : slash == path ? vch_mem_text(vch_text("/"))
                                : vch_mem_text(vch_bytes(path, (size_t)(slash - path)));
    vch_err e = vch_dir_sync(dir);

    vch_mem_free(dir);
    return vch_ok(e) ? VCH_OK : VCH_E(OBS_FILE);
}

static vch_err open_all(struct vch_audit *a, const char *path)
{
    a->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    VCH_CHECK(a->fd >= 0, OBS_FILE);
    VCH_TRY(vch_file_lock(path, &a->file_lock));
    VCH_TRY(load(a));
    return sync_folder(path);
}

static void free_all(struct vch_audit *a)
{
    if (a->fd >= 0) {
        (void)close(a->fd);
    }
    vch_file_unlock(&a->file_lock);
    pthread_mutex_destroy(&a->lock);
    pthread_mutex_destroy(&a->sync_lock);
    vch_tagger_fini(&a->tagger);
    vch_mem_free(a);
}

vch_err vch_audit_open(const struct vch_audit_options *o, struct vch_audit **ret)
{
    struct vch_audit *a = vch_mem_alloc(sizeof(*a));
    vch_err e;

    VCH_ASSERT(pthread_mutex_init(&a->lock, NULL) == 0);
    VCH_ASSERT(pthread_mutex_init(&a->sync_lock, NULL) == 0);
    a->fd = -1;
    a->crypto = o->crypto;
    a->sync = o->sync;
    a->now_ms = o->now_ms != NULL ? o->now_ms : system_ms;
    a->now_user = o->now_user;
    e = vch_tagger_init(&a->tagger, o->crypto, o->pii_key);
    if (vch_ok(e)) {
        e = open_all(a, o->path);
    }
    if (!vch_ok(e)) {
        free_all(a);
        return e;
    }
    *ret = a;
    return VCH_OK;
}

void vch_audit_close(struct vch_audit *a)
{
    if (a == NULL) {
        return;
    }
    vch_ignore(vch_audit_sync(a, NULL));
    free_all(a);
}
