/* vch_ledger_fill - makes a ledger with fixed keys and N registrations for other implementations to
 * read, and serves it on request.
 *
 *   vch_ledger_fill DIR N          ends when the ledger is closed in order
 *   vch_ledger_fill DIR N serve    prints the port, and serves plain HTTP until standard input ends
 *   vch_ledger_fill FILE N one     only writes the registration of device N */
#include "vch_ledger_kit.h"

#include <unistd.h>

#include <vouch/engine/engine.h>
#include <vouch/file/file.h>
#include <vouch/svc_ledger/svc_ledger.h>

static vch_err everybody(void *user, const struct vch_http_request *rq,
                         enum vch_svc_ledger_right right)
{
    (void)user, (void)rq, (void)right;
    return VCH_OK;
}

static int serve(struct vch_engine *e, const struct vch_ledger *l)
{
    struct vch_svc_ledger_options so = {.ledger = l, .engine = e, .authorise = everybody};
    struct vch_http_server_options ho = {.address = "127.0.0.1:0", .allow_plain = true};
    struct vch_http_server *server;
    struct vch_svc_ledger *svc;
    char c;

    if (!vch_ok(vch_svc_ledger_open(&so, &svc))) {
        return 2;
    }
    ho.route_count = vch_svc_ledger_routes(svc, &ho.routes);
    if (!vch_ok(vch_http_server_open(&ho, &server))) {
        return 2;
    }
    printf("%u\n", vch_http_server_port(server));
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
    vch_svc_ledger_stop(svc);
    vch_http_server_close(server, 1000);
    vch_svc_ledger_close(svc);
    return 0;
}

static int fill(const struct k_kit *k, const char *dir, uint64_t n, bool serving)
{
    struct vch_engine_options o = {.cr = k->cr,
                                   .dir = dir,
                                   .signer = k_signer(k, K_LEDGER),
                                   .checkpoint_signer = k_signer(k, K_CHECKPOINT),
                                   .flush_ms = 20};
    struct vch_engine *e;
    struct vch_ledger l;
    int rc = 0;

    if (!vch_ok(vch_engine_create(&o, K_LEDGER_ID, k->authority, K_KEYS, 1u << 20)) ||
        !vch_ok(vch_engine_open(&o, &e, NULL))) {
        return 2;
    }
    vch_engine_ledger(e, false, &l);
    for (uint64_t i = 0; i < n; i++) {
        struct vch_ledger_ack ack;
        struct k_statement s;

        k_register(k, i, &s);
        if (!vch_ok(vch_ledger_submit(&l, k_bytes(&s), 0, &ack, NULL))) {
            return 1;
        }
    }
    if (serving) {
        rc = serve(e, &l);
    }
    vch_ledger_close(&l); /* the last flush writes the checkpoint of the last head */
    return rc;
}

int main(int argc, char **argv)
{
    static struct k_kit kit;
    struct k_statement s;
    uint64_t n;
    int rc;

    if (argc < 3 || argc > 4 || !vch_ok(vch_u64_parse(vch_text(argv[2]), 1000000, &n))) {
        fprintf(stderr, "usage: vch_ledger_fill DIR N [serve|one]\n");
        return 64;
    }
    k_open(&kit);
    if (argc == 4 && strcmp(argv[3], "one") == 0) {
        k_register(&kit, n, &s);
        rc = vch_ok(vch_file_write_atomic(argv[1], k_bytes(&s), 0)) ? 0 : 2;
    } else {
        rc = fill(&kit, argv[1], n, argc == 4);
    }
    k_close(&kit);
    return rc;
}
