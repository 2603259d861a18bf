/* Metrics: the text exposition, bounded label sets, threads. */
#include <pthread.h>

#include <vch_test.h>
#include <vouch/obs/metrics.h>

static double twelve(void *user)
{
    (void)user;
    return 12.5;
}

static void exposition(void **state)
{
    static const double bounds[] = {0.1, 1};
    static const struct vch_label labels[] = {{"route", "/a \"b\"\n\\"}, {"code", "200"}};
    struct vch_metrics *m = vch_metrics_open();
    struct vch_buf b = vch_buf_init(65536), tiny = vch_buf_init(10);
    struct vch_counter *c = vch_metrics_counter(m, "vouch_requests_total", "Requests.", labels, 2);
    struct vch_gauge *g = vch_metrics_gauge(m, "vouch_open", "Open.", NULL, 0);
    struct vch_histogram *h =
        vch_metrics_histogram(m, "vouch_seconds", "Time.", bounds, 2, labels + 1, 1);

    (void)state;
    vch_metrics_gauge_fn(m, "vouch_size", "Size.", twelve, NULL);
    vch_counter_add(c, 3);
    vch_counter_add(vch_metrics_counter(m, "vouch_requests_total", "Requests.", labels, 2), 1);
    assert_int_equal(vch_counter_get(c), 4);
    vch_gauge_set(g, 7);
    vch_gauge_add(g, -9);
    vch_histogram_observe(h, 0.1);
    vch_histogram_observe(h, 0.5);
    vch_histogram_observe(h, 2);
    assert_vch_ok(vch_metrics_text(m, &b));
    assert_bytes_equal(
        vch_buf_get(&b),
        vch_text("# HELP vouch_requests_total Requests.\n"
                 "# TYPE vouch_requests_total counter\n"
                 "vouch_requests_total{route=\"/a \\\"b\\\"\\n\\\\\",code=\"200\"} 4\n"
                 "# HELP vouch_open Open.\n"
                 "# TYPE vouch_open gauge\n"
                 "vouch_open -2\n"
                 "# HELP vouch_seconds Time.\n"
                 "# TYPE vouch_seconds histogram\n"
                 "vouch_seconds_bucket{code=\"200\",le=\"0.1\"} 1\n"
                 "vouch_seconds_bucket{code=\"200\",le=\"1\"} 2\n"
                 "vouch_seconds_bucket{code=\"200\",le=\"+Inf\"} 3\n"
                 "vouch_seconds_sum{code=\"200\"} 2.6000000000000001\n"
                 "vouch_seconds_count{code=\"200\"} 3\n"
                 "# HELP vouch_size Size.\n"
                 "# TYPE vouch_size gauge\n"
                 "vouch_size 12.5\n"));
    assert_vch_err(vch_metrics_text(m, &tiny), LIMIT);
    vch_buf_fini(&b);
    vch_buf_fini(&tiny);
    vch_metrics_close(m);
}

/* Values that clients choose do not grow the registry without end. */
static void label_sets_are_bounded(void **state)
{
    struct vch_metrics *m = vch_metrics_open();
    struct vch_counter *c = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char value[16];
        struct vch_label l = {"path", value};

        (void)snprintf(value, sizeof(value), "%d", i);
        c = vch_metrics_counter(m, "x_total", "X.", &l, 1);
        vch_counter_add(c, 1);
    }
    assert_int_equal(vch_counter_get(c), 1000 - (VCH_METRICS_SERIES - 1)); /* the "other" */
    vch_metrics_close(m);
}

#define THREADS 4
#define TIMES   10000

static void *observe(void *arg)
{
    struct vch_metrics *m = arg;
    struct vch_histogram *h = vch_metrics_histogram(m, "h", "H.", NULL, 0, NULL, 0);
    struct vch_counter *c = vch_metrics_counter(m, "c_total", "C.", NULL, 0);

    for (int i = 0; i < TIMES; i++) {
        vch_histogram_observe(h, 0.5);
        vch_counter_add(c, 2);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    struct vch_metrics *m = vch_metrics_open();
    struct vch_buf b = vch_buf_init(65536);
    const char *text;
    pthread_t t[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, observe, m), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
    }
    assert_vch_ok(vch_metrics_text(m, &b));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    assert_non_null(strstr(text, "h_sum 20000\n"));
    assert_non_null(strstr(text, "h_bucket{le=\"0.25\"} 0\nh_bucket{le=\"0.5\"} 40000\n"));
    assert_non_null(strstr(text, "c_total 80000\n"));
    vch_buf_fini(&b);
    vch_metrics_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exposition),
        cmocka_unit_test(label_sets_are_bounded),
        cmocka_unit_test(threads_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
