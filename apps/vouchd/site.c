/* The configuration, the folder it names, and the keys in it. */
#include "vouchd.h"

#include <stdio.h>

#include <vouch/ossl/aead.h>
#include <vouch/ossl/x509.h>

#define PEM_MAX       65536
#define SALT_LEN      16
#define MASTER_LEN    32
#define MASTER_SEALED (MASTER_LEN + VCH_WRAP_OVERHEAD)

static void trim_line(struct vch_buf *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->p[i] == '\n' || b->p[i] == '\r') {
            vch_wipe(b->p + i, b->n - i);
            b->n = i;
        }
    }
}

vch_err site_open(const char *path, bool passphrase, struct site *ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf report = vch_buf_init(65536);
    struct site s = {.passphrase = vch_buf_init(1024)};
    const char *text = "";
    vch_err e = vch_conf_read(path, vouchd_options, &report, &s.conf);

    if (!vch_ok(e)) {
        vch_ignore(vch_buf_cstr(&report, &text));
        fputs(text, stderr);
        return e;
    }
    s.root = vch_conf_root(s.conf);
    s.data = vch_conf_text(s.root, "data");
    if (passphrase) {
        e = vch_file_read(vch_conf_text(s.root, "passphrase_file"), VCH_FILE_SECRET, &s.passphrase);
        trim_line(&s.passphrase);
        if (vch_ok(e) && s.passphrase.n == 0) {
            e = VCH_E(USAGE);
        }
    }
    if (!vch_ok(e)) {
        site_fini(&s);
        return e;
    }
    *ret = s;
    return VCH_OK;
}

void site_fini(struct site *s)
{
    vch_wipe(s->passphrase.p, s->passphrase.n);
    vch_buf_fini(&s->passphrase);
    vch_conf_close(s->conf);
    s->conf = NULL;
}

vch_err site_path(const struct site *s, const char *name, struct vch_buf *out, const char **ret)
{
    vch_buf_reset(out);
    VCH_TRY(vch_buf_printf(out, "%s/%s", s->data, name));
    return vch_buf_cstr(out, ret);
}

vch_err site_key(const struct site *s, const char *name, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    const char *p;

    VCH_TRY(vch_buf_printf(&path, "%s/keys/%s.key", s->data, name));
    VCH_TRY(vch_buf_cstr(&path, &p));
    return vch_ossl_key_load(p, vch_buf_get(&s->passphrase), 0, ret);
}

vch_err site_cert(const char *path, struct vch_buf *ret_der)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(PEM_MAX);
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *cert = NULL;

    VCH_TRY(vch_file_read(path, 0, &text));
    VCH_TRY(vch_cert_open(vch_buf_get(&text), &cert));
    vch_buf_reset(ret_der);
    return vch_buf_append(ret_der, vch_cert_info(cert)->der);
}

/* File layout: salt 16 || wrapped master key, under a key that scrypt makes of the passphrase. */
static vch_err master_kek(const struct site *s, const uint8_t salt[SALT_LEN], uint8_t ret[32])
{
    return vch_ossl_scrypt(vch_buf_get(&s->passphrase), vch_bytes(salt, SALT_LEN),
                           VCH_SCRYPT_LOG2_N, VCH_SCRYPT_P, vch_span(ret, 32));
}

vch_err site_master_make(const struct site *s)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    uint8_t file[SALT_LEN + MASTER_SEALED];
    uint8_t master[MASTER_LEN];
    uint8_t kek[32];
    struct vch_bytes sealed;
    const char *p;
    vch_err e;

    VCH_TRY(site_path(s, "keys/vault.key", &path, &p));
    VCH_TRY(vch_ossl_random(NULL, vch_span(file, SALT_LEN)));
    VCH_TRY(vch_ossl_random(NULL, VCH_SPAN_OF(master)));
    VCH_TRY(master_kek(s, file, kek));
    e = vch_ossl_wrap(kek, vch_text("vouch vault key"), VCH_BYTES_OF(master),
                      vch_span(file + SALT_LEN, MASTER_SEALED), &sealed);
    vch_wipe(master, sizeof(master));
    vch_wipe(kek, sizeof(kek));
    VCH_TRY(e);
    return vch_file_write_atomic(p, VCH_BYTES_OF(file), VCH_FILE_SECRET);
}

vch_err site_master_load(const struct site *s, uint8_t ret[32])
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(4096);
    VCH_AUTO(vch_buf_fini) struct vch_buf file = vch_buf_init(SALT_LEN + MASTER_SEALED);
    uint8_t kek[32];
    struct vch_bytes plain;
    const char *p;
    vch_err e;

    VCH_TRY(site_path(s, "keys/vault.key", &path, &p));
    VCH_TRY(vch_file_read(p, VCH_FILE_SECRET, &file));
    VCH_CHECK(file.n == SALT_LEN + MASTER_SEALED, TRUNCATED);
    VCH_TRY(master_kek(s, file.p, kek));
    e = vch_ossl_unwrap(kek, vch_text("vouch vault key"),
                        vch_bytes(file.p + SALT_LEN, MASTER_SEALED), vch_span(ret, MASTER_LEN),
                        &plain);
    vch_wipe(kek, sizeof(kek));
    return e;
}

bool site_has_role(const struct site *s, const char *role)
{
    return vch_conf_section(s->root, role) != NULL;
}
