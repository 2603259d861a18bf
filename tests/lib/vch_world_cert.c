#include "vch_world.h"

#include <vouch/ossl/x509.h>

void t_world_certificates(struct t_world *w)
{
    struct vch_san san = {VCH_SAN_DNS, vch_text(T_AS_ID)};
    struct vch_cert_spec ca = {.common_name = "Op1 CA",
                               .use = VCH_CERT_CA,
                               .not_before = {T_EPOCH - 400 * T_DAY},
                               .not_after = {T_EPOCH + 4000 * T_DAY}};
    struct vch_cert_spec as = {.common_name = "AS 1",
                               .sans = &san,
                               .sans_n = 1,
                               .use = VCH_CERT_SIGNING,
                               .not_before = {T_EPOCH - 10 * T_DAY},
                               .not_after = {T_EPOCH + 365 * T_DAY}};
    struct vch_buf b = vch_buf_init(8192);
    struct vch_cert *ca_cert;

    assert_vch_ok(vch_cert_self_sign(w->ca_key, &ca, &b));
    w->ca_der = t_keep(w, vch_buf_get(&b));
    assert_vch_ok(vch_cert_open(w->ca_der, &ca_cert));
    vch_buf_reset(&b);
    assert_vch_ok(
        vch_cert_issue(w->ca_key, ca_cert, &vch_ossl_key_signer(w->as_key)->pub, &as, &b));
    w->as_der = t_keep(w, vch_buf_get(&b));
    vch_sha256_of(w->cr, w->as_der, &w->as_cert_hash);
    vch_buf_reset(&b);
    assert_vch_ok(vch_cert_self_sign(w->rogue_key, &as, &b));
    w->rogue_der = t_keep(w, vch_buf_get(&b));
    vch_cert_close(ca_cert);
    vch_buf_fini(&b);
}
