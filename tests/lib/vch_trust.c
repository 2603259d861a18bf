#include "vch_trust.h"

#include <vouch/jose/jwk.h>

static void ledger_text(struct t_world *w, unsigned ledger, struct vch_buf *out)
{
    struct vch_jwk jwk = {.pub = vch_ossl_key_signer(w->ledger[ledger].key)->pub};

    assert_vch_ok(
        vch_buf_printf(out, "{\"id\":\"%s\",\"keys\":[", ledger == 0 ? T_LEDGER_ID : T_LEDGER2_ID));
    assert_vch_ok(vch_jwk_encode(&jwk, out));
    assert_vch_ok(vch_buf_text(out, "]}"));
}

void t_trust_text(struct t_world *w, struct vch_buf *out)
{
    struct vch_buf pem = vch_buf_init(65536);

    assert_vch_ok(vch_ossl_pem_encode("CERTIFICATE", w->ca_der, &pem));
    assert_vch_ok(vch_buf_text(out, "{\"version\":1,\"ledgers\":["));
    ledger_text(w, 0, out);
    assert_vch_ok(vch_buf_text(out, ","));
    ledger_text(w, 1, out);
    assert_vch_ok(vch_buf_text(out, "],\"as\":[{\"id\":\"" T_AS_ID "\",\"url\":\"" T_AS_URL
                                    "\",\"ledgers\":[\"" T_LEDGER_ID "\"],\"ca\":[\""));
    for (size_t i = 0; i < pem.n; i++) {
        assert_vch_ok(pem.p[i] == '\n' ? vch_buf_text(out, "\\n")
                                       : vch_buf_append(out, vch_bytes(&pem.p[i], 1)));
    }
    assert_vch_ok(vch_buf_text(out, "\"]}]}"));
    vch_buf_fini(&pem);
}

struct vch_trust_file *t_trust_open(struct t_world *w)
{
    struct vch_buf text = vch_buf_init(1 << 20);
    char detail[VCH_TRUST_DETAIL_MAX] = "";
    struct vch_trust_file *t = NULL;
    vch_err e;

    t_trust_text(w, &text);
    e = vch_trust_file_decode(w->cr, vch_buf_get(&text), &t, detail);
    if (!vch_ok(e)) {
        fail_msg("%s: %s", vch_err_info(e)->slug, detail);
    }
    vch_buf_fini(&text);
    return t;
}
