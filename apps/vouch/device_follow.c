/* vouch device follow: updates of the endorsement, asked for once or as they come. */
#include "commands.h"
#include "device_int.h"

#include <stdio.h>
#include <time.h>

#include <vouch/base/text.h>
#include <vouch/cbor/cbor.h>

struct following {
    struct device_session s;
    struct device_link link;
    uint64_t taken, ignored;
    uint64_t limit; /* end after as many, 0: never */
};

static void print_news(const struct following *f, enum vch_device_news news)
{
    char txid[65];

    vch_hex_encode(vch_hash_bytes(&f->s.d.txid), VCH_SPAN_OF(txid));
    if (vch_cli.json) {
        printf("{\"update\":\"%s\",\"seq\":%llu,\"txid\":\"%s\"}\n",
               news == VCH_DEVICE_SAME ? "same" : "newer", (unsigned long long)f->s.d.seq, txid);
    } else {
        printf("%s %llu %s\n", news == VCH_DEVICE_SAME ? "unchanged" : "updated to",
               (unsigned long long)f->s.d.seq, txid);
    }
    fflush(stdout);
}

/* What is not for us, forged or old is ignored, and said so. req: Y.2247-8.2-2 */
static vch_err take(struct following *f, struct vch_bytes ack)
{
    enum vch_device_news news;
    vch_err e = device_take(&f->s, ack, &news);

    switch (vch_err_kind(e)) {
    case VCH_KIND_NONE:
        print_news(f, news);
        f->taken += news == VCH_DEVICE_NEWER;
        return VCH_OK;
    case VCH_KIND_INPUT:
    case VCH_KIND_DENIED:
    case VCH_KIND_CONFLICT:
    case VCH_KIND_EVIDENCE:
    case VCH_KIND_LIMIT:
        f->ignored++;
        (void)vch_cli_fail(e, "an update was ignored", NULL);
        return VCH_OK;
    default:
        return e;
    }
}

static vch_err make_poll(struct following *f, struct vch_span room, struct vch_bytes *ret)
{
    uint8_t nonce_room[VCH_NONCE_MAX];
    struct vch_bytes nonce;

    VCH_TRY(device_link_nonce(&f->link, VCH_SPAN_OF(nonce_room), &nonce));
    VCH_TRY(device_refresh(&f->s));
    return vch_device_poll(&f->s.d, nonce, device_now_ms(), room, ret);
}

/* An array of acknowledgements, each as it is or in a byte string. */
static vch_err follow_once(struct following *f)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf answer = vch_buf_init(4 << 20);
    uint8_t room[2048];
    struct vch_bytes poll, ack;
    struct vch_cbor c;
    size_t n;

    VCH_TRY(make_poll(f, VCH_SPAN_OF(room), &poll));
    VCH_TRY(device_link_post(&f->link, "/rp-ud/v1/updates", "application/vouch-poll+cose",
                             "application/vouch-acks+cbor, application/cbor", poll, &answer));
    c = vch_cbor(vch_buf_get(&answer), VCH_CBOR_STRICT);
    VCH_TRY(vch_cbor_array(&c, &n));
    while (n-- > 0) {
        if (vch_cbor_peek(&c) == VCH_CBOR_BSTR) {
            VCH_TRY(vch_cbor_bstr(&c, &ack));
        } else {
            VCH_TRY(vch_cbor_item(&c, &ack));
        }
        VCH_TRY(take(f, ack));
    }
    return vch_cbor_end(&c);
}

static vch_err on_event(void *self, const struct vch_http_event *ev)
{
    struct following *f = self;
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(DEVICE_ACK_MAX);
    struct vch_span room;
    struct vch_bytes ack;

    VCH_CHECK(device_stop == 0, HTTP_CANCELLED);
    if (ev->data.n == 0) {
        return VCH_OK;
    }
    VCH_TRY(vch_buf_room(&raw, DEVICE_ACK_MAX, &room));
    if (!vch_ok(vch_b64_decode(VCH_B64_STD, ev->data, room, &ack))) {
        f->ignored++;
        (void)vch_cli_fail(VCH_E(TEXT), "an update was ignored", NULL);
        return VCH_OK;
    }
    VCH_TRY(take(f, ack));
    VCH_CHECK(f->limit == 0 || f->taken < f->limit, HTTP_CANCELLED);
    return VCH_OK;
}

static vch_err follow_stream(struct following *f)
{
    struct vch_http_answer answer = {0};
    struct vch_http_events events;
    uint8_t room[2048];
    struct vch_http_call call = {.method = "POST",
                                 .path = "/rp-ud/v1/updates",
                                 .media = "application/vouch-poll+cose",
                                 .accept = "text/event-stream"};
    vch_err e;

    VCH_TRY(make_poll(f, VCH_SPAN_OF(room), &call.body));
    vch_http_events_init(&events, VCH_B64_ROOM(DEVICE_ACK_MAX), on_event, f);
    e = vch_http_call_stream(f->link.http, &call, 90000, vch_http_events_push, &events, &answer);
    if (vch_ok(e)) {
        e = vch_http_answer_check(&answer, VCH_SPAN_OF(f->link.detail));
    }
    vch_http_answer_fini(&answer);
    vch_http_events_fini(&events);
    return e;
}

static bool done(const struct following *f)
{
    return device_stop != 0 || (f->limit != 0 && f->taken >= f->limit);
}

/* Connects again after a break, ever more slowly up to half a minute. */
static vch_err follow(struct following *f)
{
    unsigned pause_s = 1;

    while (!done(f)) {
        uint64_t before = f->taken;
        vch_err e = follow_stream(f);
        struct timespec pause;

        if (done(f)) {
            break;
        }
        if (!vch_ok(e) && vch_err_kind(e) != VCH_KIND_REMOTE && vch_err_kind(e) != VCH_KIND_BUSY) {
            return e;
        }
        pause_s = vch_ok(e) || f->taken != before ? 1 : pause_s >= 16 ? 30 : pause_s * 2;
        pause = (struct timespec){pause_s, 0};
        nanosleep(&pause, NULL);
    }
    return VCH_OK;
}

int cmd_device_follow(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    static struct following f;
    struct device_args a = {.dir = DEVICE_DIR};
    bool once = false;
    const struct vch_cli_opt opts[] = {
        DEVICE_OPTS(a),
        {"once", '1', VCH_CLI_FLAG, &once, NULL, "ask once, then end"},
        {"count", 'n', VCH_CLI_U64, &f.limit, "N", "end after N updates"},
    };
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    device_signals();
    e = device_open(&f.s, &a);
    if (vch_ok(e) && f.s.d.phase < VCH_DEVICE_ENDORSED) {
        e = VCH_E(DEVICE_UNREGISTERED);
    }
    if (vch_ok(e)) {
        e = device_link_open(&f.s, &f.link);
    }
    if (vch_ok(e)) {
        e = once ? follow_once(&f) : follow(&f);
    }
    device_link_close(&f.link);
    device_close(&f.s);
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "follow", f.link.detail[0] != 0 ? f.link.detail : NULL);
    }
    return f.ignored != 0 ? VCH_EXIT_REFUSED : VCH_EXIT_OK;
}
