#include <vouch/obs/metrics.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <vouch/base/text.h>

#define BUCKETS_MAX 32
#define LABELS_MAX  8

enum kind { COUNTER, GAUGE, GAUGE_FN, HISTOGRAM };

struct vch_counter {
    _Atomic uint64_t n;
};

struct vch_gauge {
    _Atomic int64_t v;
};

/* The sum is a double kept by compare-and-swap on its bits. */
struct vch_histogram {
    size_t count;
    double bounds[BUCKETS_MAX];
    _Atomic uint64_t buckets[BUCKETS_MAX + 1];
    _Atomic uint64_t sum_bits;
};

struct series {
    struct series *next;
    char *labels; /* a="b",c="d", escaped */
    union {
        struct vch_counter counter;
        struct vch_gauge gauge;
        struct vch_histogram histogram;
    } m;
};

struct family {
    struct family *next;
    const char *name;
    const char *help;
    enum kind kind;
    double (*fn)(void *user);
    void *user;
    struct series *series, **series_end;
    size_t series_count;
};

struct vch_metrics {
    pthread_mutex_t lock;
    struct family *families, **families_end;
};

static const double seconds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                 0.1,    0.25,  0.5,    1,     2.5,  5,     10};

struct vch_metrics *vch_metrics_open(void)
{
    struct vch_metrics *m = vch_mem_alloc(sizeof(*m));

    VCH_ASSERT(pthread_mutex_init(&m->lock, NULL) == 0);
    m->families_end = &m->families;
    return m;
}

void vch_metrics_close(struct vch_metrics *m)
{
    if (m == NULL) {
        return;
    }
    for (struct family *f = m->families, *fnext; f != NULL; f = fnext) {
        fnext = f->next;
        for (struct series *s = f->series, *snext; s != NULL; s = snext) {
            snext = s->next;
            vch_mem_free(s->labels);
            vch_mem_free(s);
        }
        vch_mem_free(f);
    }
    pthread_mutex_destroy(&m->lock);
    vch_mem_free(m);
}

static bool name_valid(const char *s)
{
    if (!((*s >= 'a' && *s <= 'z') || *s == '_')) {
        return false;
    }
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static struct family *family_get(struct vch_metrics *m, const char *name, const char *help,
                                 enum kind kind)
{
    struct family *f;

    for (f = m->families; f != NULL; f = f->next) {
        if (strcmp(f->name, name) == 0) {
            VCH_ASSERT(f->kind == kind && strcmp(f->help, help) == 0);
            return f;
        }
    }
    VCH_ASSERT(name_valid(name));
    f = vch_mem_alloc(sizeof(*f));
    f->name = name;
    f->help = help;
    f->kind = kind;
    f->series_end = &f->series;
    *m->families_end = f;
    m->families_end = &f->next;
    return f;
}

/* Escapes for a label value: backslash, quote, line feed; other control characters and bytes that
 * are not UTF-8 become '?'. */
static void put_value(struct vch_buf *b, const char *value)
{
    bool utf8 = vch_utf8_check(vch_text(value));

    for (const char *c = value; *c != 0; c++) {
        const char *out = NULL;
        char one[2] = {*c, 0};

        if (*c == '\\') {
            out = "\\\\";
        } else if (*c == '"') {
            out = "\\\"";
        } else if (*c == '\n') {
            out = "\\n";
        } else if ((uint8_t)*c < 0x20 || *c == 0x7f || (!utf8 && (uint8_t)*c >= 0x80)) {
            out = "?";
        }
        vch_ignore(vch_buf_text(b, out != NULL ? out : one));
    }
}

/* a="b",c="d"; with OTHER every value is "other". */
static char *labels_text(const struct vch_label *labels, size_t n, bool other)
{
    struct vch_buf b = vch_buf_init(4096);
    char *text;

    VCH_ASSERT(n <= LABELS_MAX);
    for (size_t i = 0; i < n; i++) {
        VCH_ASSERT(name_valid(labels[i].name));
        vch_ignore(vch_buf_printf(&b, "%s%s=\"", i == 0 ? "" : ",", labels[i].name));
        put_value(&b, other ? "other" : labels[i].value);
        vch_ignore(vch_buf_text(&b, "\""));
    }
    text = vch_mem_text(vch_buf_get(&b));
    vch_buf_fini(&b);
    return text;
}

static struct series *series_find(struct family *f, const char *labels)
{
    struct series *s = f->series;

    while (s != NULL && strcmp(s->labels, labels) != 0) {
        s = s->next;
    }
    return s;
}

static struct series *series_get(struct vch_metrics *m, const char *name, const char *help,
                                 enum kind kind, const struct vch_label *labels, size_t n,
                                 bool *ret_new)
{
    struct family *f;
    struct series *s;
    char *text = labels_text(labels, n, false);

    f = family_get(m, name, help, kind);
    s = series_find(f, text);
    if (s == NULL && f->series_count >= VCH_METRICS_SERIES - 1) {
        vch_mem_free(text);
        text = labels_text(labels, n, true);
        s = series_find(f, text);
    }
    *ret_new = s == NULL;
    if (s != NULL) {
        vch_mem_free(text);
        return s;
    }
    s = vch_mem_alloc(sizeof(*s));
    s->labels = text;
    *f->series_end = s;
    f->series_end = &s->next;
    f->series_count++;
    return s;
}

struct vch_counter *vch_metrics_counter(struct vch_metrics *m, const char *name, const char *help,
                                        const struct vch_label *labels, size_t n)
{
    bool is_new;
    struct series *s;

    pthread_mutex_lock(&m->lock);
    s = series_get(m, name, help, COUNTER, labels, n, &is_new);
    pthread_mutex_unlock(&m->lock);
    return &s->m.counter;
}

struct vch_gauge *vch_metrics_gauge(struct vch_metrics *m, const char *name, const char *help,
                                    const struct vch_label *labels, size_t n)
{
    bool is_new;
    struct series *s;

    pthread_mutex_lock(&m->lock);
    s = series_get(m, name, help, GAUGE, labels, n, &is_new);
    pthread_mutex_unlock(&m->lock);
    return &s->m.gauge;
}

struct vch_histogram *vch_metrics_histogram(struct vch_metrics *m, const char *name,
                                            const char *help, const double *bounds, size_t count,
                                            const struct vch_label *labels, size_t n)
{
    bool is_new;
    struct series *s;
    struct vch_histogram *h;

    if (bounds == NULL) {
        bounds = seconds;
        count = VCH_ARRAY_LEN(seconds);
    }
    VCH_ASSERT(count <= BUCKETS_MAX);
    pthread_mutex_lock(&m->lock);
    s = series_get(m, name, help, HISTOGRAM, labels, n, &is_new);
    h = &s->m.histogram;
    if (is_new) {
        h->count = count;
        memcpy(h->bounds, bounds, count * sizeof(*bounds));
        for (size_t i = 1; i < count; i++) {
            VCH_ASSERT(bounds[i - 1] < bounds[i]);
        }
    }
    pthread_mutex_unlock(&m->lock);
    return h;
}

void vch_metrics_gauge_fn(struct vch_metrics *m, const char *name, const char *help,
                          double (*fn)(void *user), void *user)
{
    struct family *f;

    pthread_mutex_lock(&m->lock);
    f = family_get(m, name, help, GAUGE_FN);
    f->fn = fn;
    f->user = user;
    pthread_mutex_unlock(&m->lock);
}

void vch_counter_add(struct vch_counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->n, n, memory_order_relaxed);
}

uint64_t vch_counter_get(const struct vch_counter *c)
{
    return atomic_load_explicit(&c->n, memory_order_relaxed);
}

void vch_gauge_set(struct vch_gauge *g, int64_t v)
{
    atomic_store_explicit(&g->v, v, memory_order_relaxed);
}

void vch_gauge_add(struct vch_gauge *g, int64_t delta)
{
    atomic_fetch_add_explicit(&g->v, delta, memory_order_relaxed);
}

int64_t vch_gauge_get(const struct vch_gauge *g)
{
    return atomic_load_explicit(&g->v, memory_order_relaxed);
}

static double from_bits(uint64_t bits)
{
    double d;

    memcpy(&d, &bits, sizeof(d));
    return d;
}

void vch_histogram_observe(struct vch_histogram *h, double v)
{
    uint64_t old = atomic_load_explicit(&h->sum_bits, memory_order_relaxed);
    uint64_t sum;
    size_t i = 0;

    if (isnan(v)) {
        return;
    }
    while (i < h->count && v > h->bounds[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    do {
        double d = from_bits(old) + v;

        memcpy(&sum, &d, sizeof(sum));
    } while (!atomic_compare_exchange_weak_explicit(&h->sum_bits, &old, sum, memory_order_relaxed,
                                                    memory_order_relaxed));
}

uint64_t vch_histogram_count(const struct vch_histogram *h)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= h->count; i++) {
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    }
    return n;
}

static vch_err put_histogram(struct vch_buf *out, const struct family *f, const struct series *s)
{
    const struct vch_histogram *h = &s->m.histogram;
    const char *comma = s->labels[0] == 0 ? "" : ",";
    uint64_t n = 0;

    for (size_t i = 0; i <= h->count; i++) {
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        VCH_TRY(vch_buf_printf(out, "%s_bucket{%s%sle=\"", f->name, s->labels, comma));
        VCH_TRY(i < h->count ? vch_buf_printf(out, "%.9g", h->bounds[i])
                             : vch_buf_text(out, "+Inf"));
        VCH_TRY(vch_buf_printf(out, "\"} %llu\n", (unsigned long long)n));
    }
    VCH_TRY(vch_buf_printf(out, "%s_sum%s%s%s %.17g\n", f->name, *comma ? "{" : "", s->labels,
                           *comma ? "}" : "",
                           from_bits(atomic_load_explicit(&h->sum_bits, memory_order_relaxed))));
    return vch_buf_printf(out, "%s_count%s%s%s %llu\n", f->name, *comma ? "{" : "", s->labels,
                          *comma ? "}" : "", (unsigned long long)n);
}

static vch_err put_series(struct vch_buf *out, const struct family *f, const struct series *s)
{
    const char *open = s->labels[0] == 0 ? "" : "{";
    const char *close = s->labels[0] == 0 ? "" : "}";

    if (f->kind == HISTOGRAM) {
        return put_histogram(out, f, s);
    }
    if (f->kind == COUNTER) {
        return vch_buf_printf(out, "%s%s%s%s %llu\n", f->name, open, s->labels, close,
                              (unsigned long long)vch_counter_get(&s->m.counter));
    }
    return vch_buf_printf(out, "%s%s%s%s %lld\n", f->name, open, s->labels, close,
                          (long long)vch_gauge_get(&s->m.gauge));
}

static vch_err put_all(const struct vch_metrics *m, struct vch_buf *out)
{
    static const char *const types[] = {"counter", "gauge", "gauge", "histogram"};

    for (const struct family *f = m->families; f != NULL; f = f->next) {
        VCH_TRY(vch_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
                               types[f->kind]));
        if (f->kind == GAUGE_FN) {
            VCH_TRY(vch_buf_printf(out, "%s %.17g\n", f->name, f->fn(f->user)));
        }
        for (const struct series *s = f->series; s != NULL; s = s->next) {
            VCH_TRY(put_series(out, f, s));
        }
    }
    return VCH_OK;
}

vch_err vch_metrics_text(struct vch_metrics *m, struct vch_buf *out)
{
    vch_err e;

    pthread_mutex_lock(&m->lock);
    e = put_all(m, out);
    pthread_mutex_unlock(&m->lock);
    return e;
}
