#include <vouch/obs/log.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "line.h"

#define LINE_MAX_BYTES 16384
#define LINE_END_ROOM  32 /* for the mark that fields were left out, and the end */

struct vch_log {
    pthread_mutex_t lock;
    int fd;
    char *path; /* NULL: standard error */
    _Atomic int level;
    enum vch_log_form form;
    char *program;
    struct vch_tagger tagger;
    _Atomic uint64_t lost;
};

static vch_err open_file(const char *path, int *ret)
{
    *ret = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    return *ret >= 0 ? VCH_OK : VCH_E(OBS_FILE);
}

vch_err vch_log_open(const struct vch_log_options *o, struct vch_log **ret)
{
    struct vch_tagger tagger;
    int fd = STDERR_FILENO;
    struct vch_log *l;

    VCH_TRY(vch_tagger_init(&tagger, o->crypto, o->pii_key));
    if (o->path != NULL) {
        VCH_TRY(open_file(o->path, &fd));
    }
    l = vch_mem_alloc(sizeof(*l));
    VCH_ASSERT(pthread_mutex_init(&l->lock, NULL) == 0);
    l->fd = fd;
    l->path = o->path == NULL ? NULL : vch_mem_text(vch_text(o->path));
    atomic_store(&l->level, (int)o->level);
    l->form = o->form;
    l->program = o->program == NULL ? NULL : vch_mem_text(vch_text(o->program));
    l->tagger = tagger;
    vch_tagger_fini(&tagger);
    *ret = l;
    return VCH_OK;
}

void vch_log_close(struct vch_log *l)
{
    if (l == NULL) {
        return;
    }
    if (l->path != NULL) {
        (void)close(l->fd);
    }
    pthread_mutex_destroy(&l->lock);
    vch_tagger_fini(&l->tagger);
    vch_mem_free(l->path);
    vch_mem_free(l->program);
    vch_mem_free(l);
}

vch_err vch_log_reopen(struct vch_log *l)
{
    int fd;

    if (l->path == NULL) {
        return VCH_OK;
    }
    VCH_TRY(open_file(l->path, &fd));
    pthread_mutex_lock(&l->lock);
    (void)close(l->fd);
    l->fd = fd;
    pthread_mutex_unlock(&l->lock);
    return VCH_OK;
}

void vch_log_level_set(struct vch_log *l, enum vch_log_level level)
{
    atomic_store(&l->level, (int)level);
}

bool vch_log_enabled(const struct vch_log *l, enum vch_log_level level)
{
    return l != NULL && (int)level >= atomic_load(&l->level);
}

uint64_t vch_log_lost(const struct vch_log *l)
{
    return atomic_load(&l->lost);
}

const char *vch_log_level_name(enum vch_log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return (size_t)level < VCH_ARRAY_LEN(names) ? names[level] : "?";
}

static vch_err put_head(struct vch_log *l, struct vch_buf *b, const char *level, const char *event)
{
    char time_text[VCH_TIME_TEXT_MAX];
    struct timespec t;
    struct vch_time now;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    now.ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    (void)vch_time_text(now, vch_span(time_text, sizeof(time_text)));
    if (l->form == VCH_LOG_JSON) {
        VCH_TRY(vch_buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\"", time_text, level));
        VCH_TRY(vch_buf_text(b, l->program != NULL ? ",\"program\":" : ""));
    } else {
        VCH_TRY(vch_buf_printf(b, "time=%s level=%s", time_text, level));
        VCH_TRY(vch_buf_text(b, l->program != NULL ? " program=" : ""));
    }
    if (l->program != NULL) {
        VCH_TRY(vch_line_quote(b, vch_text(l->program)));
    }
    VCH_TRY(vch_buf_text(b, l->form == VCH_LOG_JSON ? ",\"event\":" : " event="));
    return vch_line_quote(b, vch_text(event));
}

static bool write_all(int fd, struct vch_bytes b)
{
    while (b.n > 0) {
        ssize_t n = write(fd, b.p, b.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        b = vch_bytes_slice(b, (size_t)n, b.n);
    }
    return true;
}

void vch_log_write(struct vch_log *l, enum vch_log_level level, const char *event,
                   const struct vch_field *fields, size_t n)
{
    struct vch_buf b = vch_buf_init(LINE_MAX_BYTES - LINE_END_ROOM);
    bool cut = false, ok;

    if (!vch_log_enabled(l, level)) {
        return;
    }
    ok = vch_ok(put_head(l, &b, vch_log_level_name(level), event));
    vch_line_fields(&b, l->form, &l->tagger, fields, n, &cut);
    b.max = LINE_MAX_BYTES;
    if (cut) {
        ok =
            ok && vch_ok(vch_buf_text(&b, l->form == VCH_LOG_JSON ? ",\"cut\":true" : " cut=true"));
    }
    ok = ok && vch_ok(vch_buf_text(&b, l->form == VCH_LOG_JSON ? "}\n" : "\n"));
    if (ok) {
        pthread_mutex_lock(&l->lock);
        ok = write_all(l->fd, vch_buf_get(&b));
        pthread_mutex_unlock(&l->lock);
    }
    if (!ok) {
        atomic_fetch_add(&l->lost, 1);
    }
    vch_buf_fini(&b);
}

const char *vch_log_pii_tag(const struct vch_log *l, struct vch_pii value, struct vch_span room)
{
    VCH_ASSERT(room.cap >= VCH_TAG_ROOM);
    return vch_tagger_tag(&l->tagger, value.value, (char *)room.p);
}
