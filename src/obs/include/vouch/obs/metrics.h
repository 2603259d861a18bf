/* vouch/obs/metrics.h - counters, gauges, histograms, and their Prometheus text.
 * Layer 8, thread-safe; adding is lock-free.
 *
 * A registry is made at start and lives as long as its users. Asking again for the same name and
 * label values gives the same metric; with another type or help it is a defect and ends the
 * process. A family has at most VCH_METRICS_SERIES label sets: further ones share the one whose
 * values are all "other", so that a client cannot grow the registry. */
#ifndef VOUCH_OBS_METRICS_H
#define VOUCH_OBS_METRICS_H

#include <vouch/base/buf.h>

#define VCH_METRICS_SERIES 256

struct vch_metrics;
struct vch_counter;
struct vch_gauge;
struct vch_histogram;

struct vch_metrics *vch_metrics_open(void);
void vch_metrics_close(struct vch_metrics *m); /* frees all; NULL is allowed */

/* A label; names are constants of the program, values are copied. */
struct vch_label {
    const char *name;
    const char *value;
};

/* NAME as [a-z_][a-z0-9_]*, counters end in _total; HELP a sentence. */
struct vch_counter *vch_metrics_counter(struct vch_metrics *m, const char *name, const char *help,
                                        const struct vch_label *labels, size_t n);
struct vch_gauge *vch_metrics_gauge(struct vch_metrics *m, const char *name, const char *help,
                                    const struct vch_label *labels, size_t n);
/* BOUNDS: upper bounds of the buckets, ascending, COUNT of at most 32; NULL: 14 bounds fit for
 * seconds, from 0.0005 to 10. */
struct vch_histogram *vch_metrics_histogram(struct vch_metrics *m, const char *name,
                                            const char *help, const double *bounds, size_t count,
                                            const struct vch_label *labels, size_t n);

void vch_counter_add(struct vch_counter *c, uint64_t n);
uint64_t vch_counter_get(const struct vch_counter *c);
void vch_gauge_set(struct vch_gauge *g, int64_t v);
void vch_gauge_add(struct vch_gauge *g, int64_t delta);
int64_t vch_gauge_get(const struct vch_gauge *g);
void vch_histogram_observe(struct vch_histogram *h, double v);
uint64_t vch_histogram_count(const struct vch_histogram *h);

/* A gauge whose value FN gives at exposition. */
void vch_metrics_gauge_fn(struct vch_metrics *m, const char *name, const char *help,
                          double (*fn)(void *user), void *user);

#define VCH_METRICS_MEDIA "text/plain; version=0.0.4; charset=utf-8"
/* The text exposition format of all metrics, in the order of registration. Errors: LIMIT of OUT. */
VCH_CHECKED vch_err vch_metrics_text(struct vch_metrics *m, struct vch_buf *out);

#endif
