/* The ledger behind HTTP: the same suite as for the embedded engine, and what a dishonest or wrong
 * server gets. */
#include "../engine/suite.h"
#include "vch_tmp.h"

#include <vouch/ledger/remote.h>
#include <vouch/svc_ledger/svc_ledger.h>

static struct k_kit kit;

/* One served ledger. */
struct site {
    struct vch_engine *engine;
    struct vch_ledger local;
    struct vch_svc_ledger *svc;
    struct vch_http_server *server;
    char url[64];
    vch_err verdict; /* of the authorise callback */
    unsigned asked[4];
};

static vch_err authorise(void *user, const struct vch_http_request *rq,
                         enum vch_svc_ledger_right right)
{
    struct site *s = user;

    (void)rq;
    __atomic_fetch_add(&s->asked[right], 1, __ATOMIC_SEQ_CST);
    return s->verdict;
}

static void site_open(struct site *s, const char *name, bool defer)
{
    struct vch_engine_options eo = {.cr = kit.cr,
                                    .dir = t_tmp_path(name),
                                    .signer = k_signer(&kit, K_LEDGER),
                                    .checkpoint_signer = k_signer(&kit, K_CHECKPOINT),
                                    .flush_ms = 20};
    struct vch_svc_ledger_options so = {.ledger = &s->local, .authorise = authorise, .user = s};
    struct vch_http_server_options ho = {
        .address = "127.0.0.1:0", .allow_plain = true, .workers = 4, .io_threads = 1};

    *s = (struct site){.verdict = VCH_OK};
    assert_vch_ok(vch_engine_create(&eo, K_LEDGER_ID, kit.authority, K_KEYS, 1u << 20));
    assert_vch_ok(vch_engine_open(&eo, &s->engine, NULL));
    vch_engine_ledger(s->engine, true, &s->local);
    so.engine = defer ? s->engine : NULL;
    assert_vch_ok(vch_svc_ledger_open(&so, &s->svc));
    ho.route_count = vch_svc_ledger_routes(s->svc, &ho.routes);
    assert_vch_ok(vch_http_server_open(&ho, &s->server));
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", vch_http_server_port(s->server));
}

static void site_close(struct site *s)
{
    vch_svc_ledger_stop(s->svc);
    vch_http_server_close(s->server, 2000);
    vch_svc_ledger_close(s->svc);
    vch_engine_close(s->engine);
}

static struct vch_ledger remote(const struct site *s, int key)
{
    struct vch_pubkey pub = k_signer(&kit, key)->pub;
    struct vch_ledger_remote_options o = {.cr = kit.cr,
                                          .ledger_id = K_LEDGER_ID,
                                          .keys = &pub,
                                          .key_count = 1,
                                          .http = {.url = s->url, .allow_plain = true}};
    struct vch_ledger l;

    assert_vch_ok(vch_ledger_remote_open(&o, &l));
    return l;
}

static void the_suite_holds_from_afar(void **state)
{
    struct vch_ledger l;
    struct site s;

    (void)state;
    site_open(&s, "remote", true);
    l = remote(&s, K_LEDGER);
    suite_all(&kit, &l);
    vch_ledger_close(&l);
    assert_true(s.asked[VCH_SVC_LEDGER_READ] > 0);
    assert_true(s.asked[VCH_SVC_LEDGER_SUBMIT] > 0);
    site_close(&s);
}

static void the_suite_holds_without_deferring(void **state)
{
    struct vch_ledger l;
    struct site s;

    (void)state;
    site_open(&s, "blocking", false);
    l = remote(&s, K_LEDGER);
    suite_all(&kit, &l);
    vch_ledger_close(&l);
    site_close(&s);
}

/* With another key configured than the ledger signs by, nothing is believed. */
static void a_wrong_key_proves_nothing(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(VCH_LEDGER_PROOF_MAX);
    struct vch_state_subject latest;
    struct vch_ledger_entry entry;
    struct vch_ledger_head head;
    struct vch_ledger_ack ack;
    struct vch_subject subject;
    struct k_statement st;
    struct vch_ledger l;
    struct site s;

    (void)state;
    site_open(&s, "wrong", true);
    l = remote(&s, K_AS_KEY);
    k_register(&kit, 1, &st);
    k_subject(1, &subject);
    assert_vch_err(vch_ledger_submit(&l, k_bytes(&st), 0, &ack, NULL), LEDGER_ANSWER);
    assert_vch_err(vch_ledger_get(&l, &st.txid, &entry, NULL, NULL), LEDGER_ANSWER);
    assert_vch_err(vch_ledger_head(&l, &head, NULL, NULL), LEDGER_ANSWER);
    assert_vch_err(vch_ledger_latest(&l, &subject, &latest), LEDGER_ANSWER);
    assert_vch_err(vch_ledger_state_proof(&l, VCH_STATE_SUBJECT, vch_subject_bytes(&subject), &raw),
                   LEDGER_ANSWER);
    vch_ledger_close(&l);
    site_close(&s);
}

/* Another history under the same name and key is noticed by whoever saw a head of the first.
 * req-test: Y.2247-7.1-7 */
static void another_history_is_noticed(void **state)
{
    struct vch_ledger first_local;
    struct vch_ledger_head head;
    struct vch_ledger_ack ack;
    struct k_statement st;
    struct site a, b;
    struct vch_ledger l;

    (void)state;
    site_open(&a, "first", false);
    site_open(&b, "second", false);
    l = remote(&a, K_LEDGER);
    for (unsigned i = 0; i < 3; i++) {
        k_register(&kit, 10 + i, &st);
        assert_vch_ok(vch_ledger_submit(&a.local, k_bytes(&st), 0, &ack, NULL));
    }
    assert_vch_ok(vch_ledger_head(&l, &head, NULL, NULL));
    first_local = a.local;
    a.local = b.local; /* the server now shows the other one: shorter, then longer */
    assert_vch_err(vch_ledger_head(&l, &head, NULL, NULL), LEDGER_FORK);
    for (unsigned i = 0; i < 6; i++) {
        k_register(&kit, 20 + i, &st);
        assert_vch_ok(vch_ledger_submit(&b.local, k_bytes(&st), 0, &ack, NULL));
        assert_vch_err(vch_ledger_head(&l, &head, NULL, NULL), LEDGER_FORK);
    }
    a.local = first_local;
    assert_vch_ok(vch_ledger_head(&l, &head, NULL, NULL));
    vch_ledger_close(&l);
    site_close(&a);
    site_close(&b);
}

static unsigned get(const struct site *s, const char *path, const char *accept,
                    struct vch_http_answer *ret)
{
    struct vch_http_client_options o = {.url = s->url, .allow_plain = true};
    struct vch_http_call call = {.path = path, .accept = accept};
    struct vch_http_client *c;
    unsigned status;

    assert_vch_ok(vch_http_client_open(&o, &c));
    assert_vch_ok(vch_http_call(c, &call, ret));
    status = ret->status;
    vch_http_client_close(c);
    return status;
}

static void get_is(const struct site *s, const char *path, const char *accept, unsigned status,
                   const char *media)
{
    struct vch_http_answer a;

    if (get(s, path, accept, &a) != status || strcmp(a.media, media) != 0) {
        fail_msg("%s: %u %s", path, a.status, a.media);
    }
    vch_http_answer_fini(&a);
}

/* The faces for people and for other programs' tools. */
static void routes_answer(void **state)
{
    static const char problem[] = "application/problem+json";
    char path[160], hex[65];
    struct vch_http_answer a;
    struct vch_ledger_ack ack;
    struct k_statement st;
    struct site s;

    (void)state;
    site_open(&s, "routes", true);
    k_register(&kit, 1, &st);
    assert_vch_ok(vch_ledger_submit(&s.local, k_bytes(&st), 0, &ack, NULL));
    vch_hex_encode(vch_hash_bytes(&st.txid), VCH_SPAN_OF(hex));
    get_is(&s, "/ledger/v1/head", "application/json", 200, "application/json");
    get_is(&s, "/ledger/v1/head", NULL, 200, "application/cbor");
    get_is(&s, "/ledger/v1/authorities", NULL, 200, "application/json");
    get_is(&s, "/ledger/v1/proof/inclusion?index=1&size=2", "application/json", 200,
           "application/json");
    get_is(&s, "/ledger/v1/proof/consistency?from=2&to=4", NULL, 200, "application/cbor");
    get_is(&s, "/ledger/v1/proof/consistency?from=2", NULL, 400, problem);
    get_is(&s, "/ledger/v1/proof/other?from=2", NULL, 404, problem);
    get_is(&s, "/ledger/v1/log/0", "application/json", 200, "application/json");
    get_is(&s, "/ledger/v1/log/99", NULL, 404, problem);
    get_is(&s, "/ledger/v1/log?from=0", NULL, 200, "application/cbor");
    get_is(&s, "/ledger/v1/state/2/00", NULL, 400, problem);
    get_is(&s, "/ledger/v1/entries/00", NULL, 400, problem);
    snprintf(path, sizeof(path), "/ledger/v1/entries/%s/receipt", hex);
    get_is(&s, path, NULL, 200, "application/cose");
    snprintf(path, sizeof(path), "/ledger/v1/entries/%s/statement", hex);
    get_is(&s, path, NULL, 200, "application/cose");
    snprintf(path, sizeof(path), "/ledger/v1/entries/%s/other", hex);
    get_is(&s, path, NULL, 404, problem);
    get_is(&s, "/tile/0/000.p/4", NULL, 200, "application/octet-stream");
    get_is(&s, "/tile/0/000.p/5", NULL, 404, problem);
    get_is(&s, "/tile/0/0", NULL, 404, problem);
    assert_int_equal(get(&s, "/tile/entries/000.p/4", NULL, &a), 200);
    assert_int_equal(a.body.n, 4 * (2 + VCH_HASH_LEN));
    assert_memory_equal(a.body.p + 2 * (2 + VCH_HASH_LEN) + 2, st.txid.b, VCH_HASH_LEN);
    vch_http_answer_fini(&a);
    assert_int_equal(get(&s, "/checkpoint", NULL, &a), 200);
    assert_memory_equal(a.body.p, K_LEDGER_ID "\n4\n", sizeof(K_LEDGER_ID "\n4\n") - 1);
    vch_http_answer_fini(&a);
    s.verdict = VCH_E(HTTP_CLIENT_CERT); /* nobody gets in without the callback's word */
    get_is(&s, "/ledger/v1/head", NULL, 403, problem);
    get_is(&s, "/ledger/v1/log?from=0", NULL, 403, problem);
    get_is(&s, "/checkpoint", NULL, 403, problem);
    get_is(&s, path, NULL, 403, problem);
    s.verdict = VCH_OK;
    site_close(&s);
}

static void an_absent_server_is_unreachable(void **state)
{
    struct vch_pubkey pub = k_signer(&kit, K_LEDGER)->pub;
    struct vch_ledger_remote_options o = {
        .cr = kit.cr,
        .ledger_id = K_LEDGER_ID,
        .keys = &pub,
        .key_count = 1,
        .http = {.url = "http://127.0.0.1:1", .allow_plain = true}};
    struct vch_ledger_head head;
    struct vch_ledger l;

    (void)state;
    assert_vch_ok(vch_ledger_remote_open(&o, &l));
    assert_vch_err(vch_ledger_head(&l, &head, NULL, NULL), HTTP_UNREACHABLE);
    vch_ledger_close(&l);
    o.key_count = 0;
    assert_vch_err(vch_ledger_remote_open(&o, &l), USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suite_holds_from_afar),
        cmocka_unit_test(the_suite_holds_without_deferring),
        cmocka_unit_test(a_wrong_key_proves_nothing),
        cmocka_unit_test(another_history_is_noticed),
        cmocka_unit_test(routes_answer),
        cmocka_unit_test(an_absent_server_is_unreachable),
    };
    int rc;

    k_open(&kit);
    rc = cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
    k_close(&kit);
    return rc;
}
