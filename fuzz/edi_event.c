/* Notifications of an operator: the first line is the x-jws header, the rest the body. Signatures
 * always hold here, so that what lies behind them is reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vouch/edi/edi.h>
#include <vouch/jose/jwk.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>
#include <vouch/ossl/x509.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vch_edi *edi;
static struct vch_crypto trusting;

static vch_err always(enum vch_alg alg, const struct vch_pubkey *key, const struct vch_bytes *parts,
                      size_t n, struct vch_bytes sig)
{
    (void)alg;
    (void)key;
    (void)parts;
    (void)n;
    (void)sig;
    return VCH_OK;
}

static void put(const char *path, const struct vch_buf *b)
{
    FILE *f = fopen(path, "wb");

    VCH_ASSERT(f != NULL && fwrite(b->p, 1, b->n, f) == b->n && fclose(f) == 0);
}

static void prepare(void)
{
    struct vch_buf pem = vch_buf_init(65536), der = vch_buf_init(65536), jwk = vch_buf_init(65536);
    const struct vch_cert_spec spec = {.common_name = "fuzz",
                                       .use = VCH_CERT_CA,
                                       .not_before = {0},
                                       .not_after = {4000000000000LL}};
    struct vch_edi_options o = {.operator_id = "op1.example",
                                .client_id = "as1",
                                .url = "https://localhost:1",
                                .crypto = &trusting};
    struct vch_ossl_key *key = NULL;
    struct vch_jwk k = {.kid = "k"};
    char dir[] = "/tmp/fuzz-edi-XXXXXX", cert[64], priv[64], keys[64];

    VCH_ASSERT(mkdtemp(dir) != NULL);
    snprintf(cert, sizeof cert, "%s/c.pem", dir);
    snprintf(priv, sizeof priv, "%s/k.pem", dir);
    snprintf(keys, sizeof keys, "%s/j.json", dir);
    trusting = *vch_ossl_crypto();
    trusting.verify = always;
    VCH_ASSERT(vch_ok(vch_ossl_key_generate(VCH_ALG_ES256, &key)));
    VCH_ASSERT(vch_ok(vch_cert_self_sign(key, &spec, &der)));
    VCH_ASSERT(vch_ok(vch_ossl_pem_encode("CERTIFICATE", vch_buf_get(&der), &pem)));
    put(cert, &pem);
    VCH_ASSERT(vch_ok(vch_ossl_key_save(key, priv, vch_bytes(NULL, 0), VCH_OSSL_KEY_PLAIN)));
    k.pub = vch_ossl_key_signer(key)->pub;
    VCH_ASSERT(vch_ok(vch_jwk_encode(&k, &jwk)));
    put(keys, &jwk);
    o.ca_file = o.cert_file = cert;
    o.key_file = priv;
    o.keys_file = keys;
    VCH_ASSERT(vch_ok(vch_edi_open(&o, &edi)));
    unlink(cert);
    unlink(priv);
    unlink(keys);
    rmdir(dir);
    vch_ossl_key_close(key);
    vch_buf_fini(&pem);
    vch_buf_fini(&der);
    vch_buf_fini(&jwk);
}

static vch_err find(void *user, const char *id, struct vch_edi_known *ret)
{
    (void)user;
    (void)id;
    memset(ret, 0, sizeof *ret);
    memcpy(ret->account_ref, "ref1", 5);
    ret->types = VCH_EDI_EV_ALL;
    return VCH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    struct vch_edi_event ev;
    struct vch_bytes body;
    bool gap = false;
    char *header;

    if (edi == NULL) {
        prepare();
    }
    if (line == NULL) {
        return 0;
    }
    header = vch_mem_text(vch_bytes(data, (size_t)(line - data)));
    body = vch_bytes(line + 1, size - (size_t)(line - data) - 1);
    if (vch_ok(vch_edi_event_verify(edi, body, header, find, NULL, &ev, &gap))) {
        VCH_ASSERT(ev.seq > 0 && strcmp(ev.account_ref, "ref1") == 0 && ev.evidence.n > body.n);
        VCH_ASSERT(gap == (ev.seq > 1));
        vch_edi_event_fini(&ev);
    }
    vch_mem_free(header);
    return 0;
}
