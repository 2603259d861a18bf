/* Bodies of the northbound API, into a database in memory: the first byte chooses the call. */
#include <string.h>

#include <vouch/netsim/cef.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

#define NOW 1800000000000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vch_netsim_db *db;
static struct vch_netsim_cef cef;
static char sub_id[33];

static void run(const char *text)
{
    struct vch_netsim_q q = vch_netsim_q(db, text);

    VCH_ASSERT(vch_ok(vch_netsim_q_run(&q)));
}

static void prepare(void)
{
    static const struct vch_netsim_numbering n = {"999", "01", "+99901", "8999901", "0010010"};
    struct vch_netsim_subscriber s = {
        .segment = "meters", .type = "PAYM", .start_ms = NOW - 1000, .end_ms = VCH_NETSIM_NEVER};
    struct vch_netsim_tx tx = {0};
    struct vch_ossl_key *key = NULL;
    struct vch_netsim_fault f;
    int64_t account;
    json_t *rq, *o = NULL;

    VCH_ASSERT(vch_ok(vch_netsim_db_create(":memory:", &db)));
    VCH_ASSERT(vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key)));
    cef = (struct vch_netsim_cef){.operator_id = "op1.example",
                                  .db = db,
                                  .usm = vch_netsim_usm(db),
                                  .crypto = vch_ossl_crypto(),
                                  .signer = vch_ossl_key_signer(key),
                                  .random = vch_ossl_random,
                                  .groups = VCH_NETSIM_G_ALL,
                                  .batch_max = 4};
    VCH_ASSERT(vch_ok(vch_netsim_tx_begin(&tx, db)));
    vch_netsim_line(&n, 1, 0, &s.ids);
    VCH_ASSERT(vch_ok(vch_netsim_usm_add(db, NOW, &s, &account)));
    run("INSERT INTO client(id, scopes, active) VALUES('as1', '', 1)");
    run("INSERT INTO client_segment(client, segment) VALUES('as1', '*')");
    run("INSERT INTO client_sink(client, prefix) VALUES('as1', 'https://as1.example/')");
    rq = json_pack("{s:s, s:s, s:[s], s:{s:{s:{s:s}}}}", "protocol", "HTTP", "sink",
                   "https://as1.example/n", "types", "int.divs.account-status.v0.owner-changed",
                   "config", "subscriptionDetail", "device", "phoneNumber", s.ids.msisdn);
    VCH_ASSERT(vch_ok(vch_netsim_cef_subscribe(&cef, "as1", NOW, rq, &o, &f)));
    vch_netsim_set(sub_id, sizeof sub_id, json_string_value(json_object_get(o, "id")));
    json_decref(o);
    json_decref(rq);
    VCH_ASSERT(vch_ok(vch_netsim_tx_commit(&tx)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VCH_AUTO(vch_netsim_tx_end) struct vch_netsim_tx tx = {0};
    struct vch_netsim_fault f = {0};
    json_t *rq, *o = NULL;
    vch_err e = VCH_OK;

    if (db == NULL) {
        prepare();
    }
    if (size == 0) {
        return 0;
    }
    rq = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
    VCH_ASSERT(vch_ok(vch_netsim_tx_begin(&tx, db)));
    switch (data[0] % 5) {
    case 0:
        e = vch_netsim_cef_retrieve(&cef, "as1", NOW, rq, &o, &f);
        break;
    case 1:
        e = vch_netsim_cef_match(&cef, "as1", NOW, rq, &o, &f);
        break;
    case 2:
        e = vch_netsim_cef_batch(&cef, "as1", NOW, rq, &o, &f);
        break;
    case 3:
        e = vch_netsim_cef_subscribe(&cef, "as1", NOW, rq, &o, &f);
        break;
    default:
        e = vch_netsim_cef_patch(&cef, "as1", NOW, sub_id, "\"1\"", rq, &o, &f);
        break;
    }
    /* An answer or a fault, never both or none. */
    VCH_ASSERT(vch_ok(e) == (o != NULL));
    VCH_ASSERT(vch_ok(e) || (f.status >= 400 && f.code != NULL && f.message != NULL));
    json_decref(o);
    json_decref(rq);
    return 0; /* rolled back */
}
