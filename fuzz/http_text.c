/* What clients and servers of others write: targets, Accept headers, event streams, problems. The
 * first byte chooses. */
#include <vouch/http/client.h>

#include "../src/http/media.h"
#include "../src/http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void target(const char *text)
{
    struct vch_http_pattern p;
    struct vch_http_target t;
    struct vch_http_pair params[VCH_HTTP_PARAMS_MAX];
    char *room = vch_mem_alloc(strlen(text) + 2), *rest = vch_mem_alloc(strlen(text) + 2);
    size_t n;

    VCH_ASSERT(vch_ok(vch_http_pattern_compile("/a/{b}/{c*}", &p)));
    if (vch_ok(vch_http_target_parse(text, vch_span(room, strlen(text) + 2), &t))) {
        VCH_ASSERT(t.segment_count > 0);
        if (vch_http_pattern_match(&p, &t, vch_span(rest, strlen(text) + 2), params, &n)) {
            VCH_ASSERT(n == 2 && params[0].value[0] != 0);
        }
    }
    vch_http_pattern_fini(&p);
    if (vch_ok(vch_http_pattern_compile(text, &p))) {
        vch_http_pattern_fini(&p);
    }
    vch_mem_free(room);
    vch_mem_free(rest);
}

static void accept(const char *text)
{
    static const char *const offered[] = {"application/json", "application/cbor"};
    char media[VCH_HTTP_MEDIA_MAX];
    size_t i;

    if (vch_ok(vch_http_media_pick(text, offered, 2, &i))) {
        VCH_ASSERT(i < 2);
    }
    vch_http_media_of(text, media);
    (void)vch_http_media_listed(text, "application/cbor");
}

static vch_err on_event(void *self, const struct vch_http_event *ev)
{
    size_t *sum = self;

    *sum += ev->id.n + ev->event.n + ev->data.n + 1;
    return VCH_OK;
}

/* The same events come out however the stream is cut. */
static void events(struct vch_bytes in)
{
    struct vch_http_events a, b;
    size_t sum_a = 0, sum_b = 0;
    vch_err ea, eb = VCH_OK;

    vch_http_events_init(&a, 256, on_event, &sum_a);
    vch_http_events_init(&b, 256, on_event, &sum_b);
    ea = vch_http_events_push(&a, in);
    for (size_t i = 0; i < in.n && vch_ok(eb); i++) {
        eb = vch_http_events_push(&b, vch_bytes_slice(in, i, 1));
    }
    VCH_ASSERT(vch_err_is(ea, eb) && sum_a == sum_b);
    vch_http_events_fini(&a);
    vch_http_events_fini(&b);
}

static void problem(struct vch_bytes in, const char *media)
{
    struct vch_http_answer a = {.status = 400, .body = vch_buf_init(in.n)};
    char detail[64];

    memcpy(a.media, media, strlen(media) + 1);
    VCH_ASSERT(vch_ok(vch_buf_append(&a.body, in)));
    VCH_ASSERT(!vch_ok(vch_http_answer_check(&a, vch_span(detail, sizeof(detail)))));
    VCH_ASSERT(memchr(detail, 0, sizeof(detail)) != NULL);
    vch_http_answer_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_bytes in = size > 0 ? vch_bytes(data + 1, size - 1) : vch_bytes(NULL, 0);
    char *text = vch_mem_text(in);

    switch (size > 0 ? data[0] : 0) {
    case 't':
        target(text);
        break;
    case 'a':
        accept(text);
        break;
    case 'e':
        events(in);
        break;
    case 'j':
        problem(in, "application/problem+json");
        break;
    case 'c':
        problem(in, "application/concise-problem-details+cbor");
        break;
    default:
        break;
    }
    vch_mem_free(text);
    return 0;
}
