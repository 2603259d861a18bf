/* vouch device register, status */
#include "commands.h"
#include "device_int.h"

#include <stdio.h>
#include <unistd.h>

#include <vouch/base/text.h>
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/ack.h>

/* The request that waits for its acknowledgement, if the state still knows it. */
static bool pending(const struct device_session *s, struct vch_buf *ret)
{
    char path[DEVICE_PATH_ROOM];
    struct vch_stmt_request req;
    struct vch_hash h;

    vch_buf_reset(ret);
    if (s->d.phase != VCH_DEVICE_REQUESTED ||
        !vch_ok(device_path(s->dir, "request", VCH_SPAN_OF(path))) ||
        !vch_ok(vch_file_read(path, VCH_FILE_SECRET, ret)) ||
        !vch_ok(vch_stmt_request_decode(vch_buf_get(ret), &req))) {
        return false;
    }
    vch_sha256_of(vch_ossl_crypto(), req.registration, &h);
    return vch_hash_equal(&h, &s->d.registration);
}

static vch_err make_request(struct device_session *s, struct device_link *l, struct vch_buf *ret)
{
    uint8_t room[VCH_DEVICE_REQUEST_MAX], nonce_room[VCH_NONCE_MAX];
    char path[DEVICE_PATH_ROOM];
    struct vch_bytes nonce, request;
    vch_err e;

    VCH_TRY(device_link_nonce(l, VCH_SPAN_OF(nonce_room), &nonce));
    VCH_TRY(device_begin(s));
    e = vch_device_register(&s->d, nonce, device_now_ms(), VCH_SPAN_OF(room), &request);
    if (vch_ok(e)) {
        e = device_path(s->dir, "request", VCH_SPAN_OF(path));
    }
    if (vch_ok(e)) {
        e = vch_file_write_atomic(path, request, VCH_FILE_SECRET);
    }
    device_end(s);
    VCH_TRY(e);
    vch_buf_reset(ret);
    return vch_buf_append(ret, request);
}

static vch_err post(struct device_link *l, struct vch_bytes request, struct vch_buf *ret)
{
    vch_buf_reset(ret);
    return device_link_post(
        l, "/rp-ud/v1/registrations", "application/vouch-registration-request+cbor",
        "application/vouch-ack+cbor, application/vouch-acknowledgement+cbor", request, ret);
}

/* Sends the pending request again (the AS answers a known one with the same acknowledgement), and
 * makes a new one where there is none or the AS no longer takes it. */
static vch_err do_register(struct device_session *s, struct device_link *l)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf request = vch_buf_init(VCH_DEVICE_REQUEST_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf ack = vch_buf_init(DEVICE_ACK_MAX);
    char path[DEVICE_PATH_ROOM];
    enum vch_device_news news;
    vch_err e = VCH_E(AS_NONCE);

    if (pending(s, &request)) {
        e = post(l, vch_buf_get(&request), &ack);
    }
    if (vch_err_is(e, VCH_E(AS_NONCE)) || vch_err_is(e, VCH_E(AS_NONCE_USED))) {
        VCH_TRY(make_request(s, l, &request));
        e = post(l, vch_buf_get(&request), &ack);
    }
    VCH_TRY(e);
    VCH_TRY(device_take(s, vch_buf_get(&ack), &news));
    VCH_TRY(device_path(s->dir, "request", VCH_SPAN_OF(path)));
    (void)unlink(path); /* it holds the identifiers once more, and is of no use now */
    return VCH_OK;
}

static const char *phase_name(enum vch_device_phase p)
{
    static const char *const names[] = {"new", "requested", "endorsed", "retired"};

    return names[p];
}

static void print_pointer_text(const struct device_session *s, const char *txid)
{
    struct vch_stmt_address a;

    if (!vch_ok(vch_device_address(&s->d, &a))) {
        return;
    }
    printf("  transaction ID  %s\n  sequence        %llu\n  entry address   %.*s, %.*s\n", txid,
           (unsigned long long)s->d.seq, (int)a.ledger.n, (const char *)a.ledger.p, (int)a.url.n,
           (const char *)a.url.p);
}

static void print_status(const struct device_session *s)
{
    char txid[65], subject[VCH_SUBJECT_TEXT_ROOM], uri[VCH_KEY_URI_ROOM];
    bool endorsed = s->d.phase >= VCH_DEVICE_ENDORSED;
    enum vch_custody custody = s->d.host.signer->custody;

    vch_hex_encode(vch_hash_bytes(&s->d.txid), VCH_SPAN_OF(txid));
    vch_stmt_subject_text(s->d.subject, VCH_SPAN_OF(subject));
    (void)vch_key_uri_encode(&s->d.thumbprint, VCH_SPAN_OF(uri));
    if (!vch_cli.json) {
        printf("%s%s%s\n  key             %s (%s)\n  custody         %s%s\n  AS              %s\n",
               endorsed ? vch_cli_green() : vch_cli_yellow(), phase_name(s->d.phase),
               vch_cli_reset(), uri, vch_alg_name(s->d.host.signer->alg), vch_custody_name(custody),
               custody == VCH_CUSTODY_FILE ? ": no trusted environment" : "", s->d.setup.as_id);
        print_pointer_text(s, txid);
        return;
    }
    printf("{\"phase\":\"%s\",\"key\":\"%s\",\"algorithm\":\"%s\",\"custody\":\"%s\","
           "\"trusted_environment\":%s,",
           phase_name(s->d.phase), uri, vch_alg_name(s->d.host.signer->alg),
           vch_custody_name(custody), custody == VCH_CUSTODY_FILE ? "false" : "true");
    device_print_member("as", s->d.setup.as_id);
    printf(",");
    device_print_member("url", s->d.setup.as_url);
    if (endorsed) {
        printf(",\"subject\":\"%s\",\"txid\":\"%s\",\"seq\":%llu,", subject, txid,
               (unsigned long long)s->d.seq);
        device_print_member("ledger", s->d.setup.ledgers[s->d.ledger].id);
    }
    printf(",\"next_item\":%llu}\n", (unsigned long long)s->d.reserved_seq);
}

int cmd_device_register(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct device_args a = {.dir = DEVICE_DIR};
    const struct vch_cli_opt opts[] = {DEVICE_OPTS(a)};
    static struct device_session s;
    struct device_link l = {NULL, ""};
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    e = device_open(&s, &a);
    if (vch_ok(e) && s.d.phase < VCH_DEVICE_ENDORSED) {
        e = device_link_open(&s, &l);
        if (vch_ok(e)) {
            e = do_register(&s, &l);
        }
    }
    if (vch_ok(e)) {
        print_status(&s);
    }
    device_link_close(&l);
    device_close(&s);
    return vch_ok(e) ? VCH_EXIT_OK
                     : vch_cli_fail(e, "register the device", l.detail[0] != 0 ? l.detail : NULL);
}

int cmd_device_status(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct device_args a = {.dir = DEVICE_DIR};
    const struct vch_cli_opt opts[] = {DEVICE_OPTS(a)};
    static struct device_session s;
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    e = device_open(&s, &a);
    if (vch_ok(e)) {
        print_status(&s);
    }
    device_close(&s);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "read the device", a.dir);
}
