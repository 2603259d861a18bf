/* Registrations a second over HTTPS keep-alive: each thread is a gateway that registers its devices
 * one after the other, with a new key each, as fast as it is answered.
 *
 *   bench_register URL CA.pem AS-ID ACCOUNTS THREADS
 *
 * ACCOUNTS: a line "imei iccid msisdn" for each device. The requests are signed before the clock
 * starts, but for the nonce, which comes with each answer; so signing one is part of the round, and
 * its cost is reported with the figure. Prints JSON. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <vouch/base/text.h>
#include <vouch/cbor/cbor.h>
#include <vouch/http/client.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>
#include <vouch/stmt/ack.h>
#include <vouch/stmt/registration.h>

#define DEVICES_MAX 20000
#define THREADS_MAX 64

struct device {
    char id[3][24]; /* imei, iccid, msisdn */
    struct vch_ossl_key *key;
    double ms;
};

static struct device devices[DEVICES_MAX];
static size_t device_count;
static atomic_size_t next_device;
static atomic_size_t failures;
static const char *as_id;
static const char *url;
static const char *ca;

static double now_s(void)
{
    struct timespec ts = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static vch_err disclose(const struct device *d, size_t i, struct vch_span room,
                        struct vch_bytes *ret, struct vch_hash *ret_digest)
{
    static const enum vch_disc_key keys[] = {VCH_DISC_IMEI, VCH_DISC_ICCID, VCH_DISC_MSISDN};
    uint8_t salt[VCH_SALT_LEN];
    struct vch_disclosure o = {.salt = VCH_BYTES_OF(salt),
                               .key = keys[i],
                               .value = vch_stmt_disc_text(vch_text(d->id[i]))};

    VCH_TRY(vch_ossl_random(NULL, VCH_SPAN_OF(salt)));
    VCH_TRY(vch_stmt_disclosure_encode(&o, room, ret));
    vch_stmt_disclosure_digest(vch_ossl_crypto(), *ret, ret_digest);
    return VCH_OK;
}

static vch_err make_request(const struct device *d, struct vch_bytes nonce, struct vch_span out,
                            struct vch_bytes *ret)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    const struct vch_signer *signer = vch_ossl_key_signer(d->key);
    uint8_t room[3][128];
    uint8_t reg[VCH_REGISTRATION_MAX];
    struct vch_hash digests[3];
    struct vch_stmt_request rq = {.disclosure_count = 3};
    struct vch_stmt_registration r = {.key = signer->pub,
                                      .algs = {VCH_ALG_ES256},
                                      .alg_count = 1,
                                      .hashes = {VCH_ALG_SHA256},
                                      .hash_count = 1,
                                      .audience = vch_text(as_id),
                                      .nonce = nonce,
                                      .device_class = VCH_CLASS_GATEWAY,
                                      .custody = VCH_CUSTODY_FILE};

    for (size_t i = 0; i < 3; i++) {
        VCH_TRY(disclose(d, i, VCH_SPAN_OF(room[i]), &rq.disclosures[i], &digests[i]));
    }
    vch_stmt_digests_sort(digests, 3);
    VCH_TRY(vch_stmt_registration_encode(cr, signer, &r, digests, 3, (int64_t)time(NULL),
                                         VCH_SPAN_OF(reg), &rq.registration));
    return vch_stmt_request_encode(&rq, out, ret);
}

static vch_err first_nonce(struct vch_http_client *c, uint8_t *room, struct vch_bytes *ret)
{
    const struct vch_http_call call = {
        .method = "POST", .path = "/rp-ud/v1/nonces", .accept = "application/cbor"};
    struct vch_http_answer a = {0};
    struct vch_cbor r;
    struct vch_bytes nonce;
    vch_err e;

    VCH_TRY(vch_http_call(c, &call, &a));
    r = vch_cbor(vch_buf_get(&a.body), VCH_CBOR_STRICT);
    e = vch_cbor_bstr(&r, &nonce);
    if (vch_ok(e) && nonce.n <= VCH_NONCE_MAX) {
        memcpy(room, nonce.p, nonce.n);
        *ret = vch_bytes(room, nonce.n);
    }
    vch_http_answer_fini(&a);
    return e;
}

static vch_err register_one(struct vch_http_client *c, struct device *d, uint8_t *nonce_room,
                            struct vch_bytes *nonce)
{
    uint8_t room[2 * VCH_REGISTRATION_MAX];
    struct vch_http_call call = {.method = "POST",
                                 .path = "/rp-ud/v1/registrations",
                                 .media = "application/vouch-registration-request+cbor"};
    struct vch_http_answer a = {0};
    struct vch_stmt_ack ack;
    double begun;
    char detail[128];
    vch_err e;

    VCH_TRY(make_request(d, *nonce, VCH_SPAN_OF(room), &call.body));
    begun = now_s();
    VCH_TRY(vch_http_call(c, &call, &a));
    d->ms = (now_s() - begun) * 1000;
    e = vch_http_answer_check(&a, VCH_SPAN_OF(detail));
    if (vch_ok(e)) {
        e = vch_stmt_ack_decode(vch_buf_get(&a.body), &ack);
    }
    if (vch_ok(e) && ack.nonce.n > 0) {
        memcpy(nonce_room, ack.nonce.p, ack.nonce.n);
        *nonce = vch_bytes(nonce_room, ack.nonce.n);
    }
    vch_http_answer_fini(&a);
    return e;
}

static void *gateway(void *arg)
{
    const struct vch_http_client_options o = {.url = url, .ca_file = ca};
    struct vch_http_client *c = NULL;
    uint8_t room[VCH_NONCE_MAX];
    struct vch_bytes nonce = {NULL, 0};
    vch_err e = vch_http_client_open(&o, &c);

    (void)arg;
    if (vch_ok(e)) {
        e = first_nonce(c, room, &nonce);
    }
    while (vch_ok(e)) {
        size_t i = atomic_fetch_add(&next_device, 1);

        if (i >= device_count) {
            break;
        }
        e = register_one(c, &devices[i], room, &nonce);
    }
    if (!vch_ok(e)) {
        fprintf(stderr, "bench: %s\n", vch_err_info(e)->slug);
        atomic_fetch_add(&failures, 1);
    }
    vch_http_client_close(c);
    return NULL;
}

static int by_ms(const void *a, const void *b)
{
    const struct device *x = a, *y = b;

    return (x->ms > y->ms) - (x->ms < y->ms);
}

static bool load(const char *path)
{
    FILE *f = fopen(path, "r");
    struct device *d = devices;

    while (f != NULL && device_count < DEVICES_MAX &&
           fscanf(f, "%23s %23s %23s", d->id[0], d->id[1], d->id[2]) == 3) {
        if (!vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &d->key))) {
            break;
        }
        device_count++;
        d++;
    }
    if (f != NULL) {
        fclose(f);
    }
    return device_count > 0;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    uint64_t n;
    double begun, spent;

    if (argc != 6 || !load(argv[4]) || !vch_ok(vch_u64_parse(vch_text(argv[5]), THREADS_MAX, &n))) {
        fprintf(stderr, "usage: bench_register URL CA.pem AS-ID ACCOUNTS THREADS\n");
        return 64;
    }
    url = argv[1];
    ca = argv[2];
    as_id = argv[3];
    begun = now_s();
    for (size_t i = 0; i < n; i++) {
        if (pthread_create(&threads[i], NULL, gateway, NULL) != 0) {
            return 70;
        }
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    spent = now_s() - begun;
    qsort(devices, device_count, sizeof(devices[0]), by_ms);
    printf("{\"registrations\":%zu,\"per_second\":%.1f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
           "\"failures\":%zu}\n",
           device_count, (double)device_count / spent, devices[device_count / 2].ms,
           devices[device_count * 99 / 100].ms, (size_t)failures);
    return failures == 0 ? 0 : 1;
}
