#include "keys.h"

#include <vouch/base/text.h>
#include <vouch/file/file.h>
#include <vouch/ossl/aead.h>
#include <vouch/ossl/crypto.h>

#include "config.h"

#define MAGIC     "VOUCHSE1"
#define MAGIC_LEN 8
#define SALT_LEN  16
#define AAD       "vouchd master key"

vch_err keys_passphrase(const struct vch_conf_node *root, struct vch_buf *ret)
{
    char path[PATH_ROOM];
    size_t n = 0;

    VCH_TRY(config_path(root, "passphrase-file", "keys/passphrase", path, sizeof path));
    VCH_CHECK(vch_ok(vch_file_read(path, VCH_FILE_SECRET, ret)), VOUCHD_PASSPHRASE);
    while (n < ret->n && ret->p[n] != '\n' && ret->p[n] != '\r') {
        n++;
    }
    ret->n = n;
    VCH_CHECK(n > 0, VOUCHD_PASSPHRASE);
    return VCH_OK;
}

vch_err keys_passphrase_make(const struct vch_conf_node *root, bool *ret_made)
{
    char path[PATH_ROOM], text[VCH_B64_ROOM(33) + 1];
    uint8_t random[33];
    size_t n;
    vch_err e;

    VCH_TRY(config_path(root, "passphrase-file", "keys/passphrase", path, sizeof path));
    VCH_TRY(vch_ossl_random(NULL, VCH_SPAN_OF(random)));
    (void)vch_b64_encode(VCH_B64_URL, VCH_BYTES_OF(random), VCH_SPAN_OF(text));
    n = strlen(text);
    text[n++] = '\n';
    e = vch_file_write_atomic(path, vch_bytes(text, n), VCH_FILE_NEW | VCH_FILE_SECRET);
    vch_wipe(random, sizeof random);
    vch_wipe(text, sizeof text);
    *ret_made = vch_ok(e);
    return vch_err_is(e, VCH_E(FILE_EXISTS)) ? VCH_OK : e;
}

vch_err keys_load(const struct vch_conf_node *root, const char *key, const char *name,
                  struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(4096);
    char path[PATH_ROOM];
    vch_err e;

    VCH_TRY(config_path(root, key, name, path, sizeof path));
    VCH_TRY(keys_passphrase(root, &pass));
    e = vch_ossl_key_load(path, vch_buf_get(&pass), 0, ret);
    vch_wipe(pass.p, pass.n);
    return e;
}

vch_err keys_load_or_make(const struct vch_conf_node *root, const char *key, const char *name,
                          enum vch_alg alg, struct vch_ossl_key **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(4096);
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *made = NULL;
    char path[PATH_ROOM];
    vch_err e = keys_load(root, key, name, ret);

    if (!vch_err_is(e, VCH_E(FILE_MISSING))) {
        return e;
    }
    VCH_TRY(config_path(root, key, name, path, sizeof path));
    VCH_TRY(keys_passphrase(root, &pass));
    VCH_TRY(vch_ossl_key_generate(alg, &made));
    e = vch_ossl_key_save(made, path, vch_buf_get(&pass), 0);
    vch_wipe(pass.p, pass.n);
    VCH_TRY(e);
    return keys_load(root, key, name, ret);
}

static vch_err master_unwrap(const struct vch_conf_node *root, struct vch_bytes file,
                             uint8_t *master)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(4096);
    uint8_t kek[32];
    struct vch_bytes b;
    vch_err e;

    VCH_CHECK(file.n > MAGIC_LEN + SALT_LEN && memcmp(file.p, MAGIC, MAGIC_LEN) == 0, AS_SECRETS);
    VCH_TRY(keys_passphrase(root, &pass));
    e = vch_ossl_scrypt(vch_buf_get(&pass), vch_bytes_slice(file, MAGIC_LEN, SALT_LEN),
                        VCH_SCRYPT_LOG2_N, VCH_SCRYPT_P, VCH_SPAN_OF(kek));
    vch_wipe(pass.p, pass.n);
    VCH_TRY(e);
    e = vch_ossl_unwrap(kek, vch_text(AAD), vch_bytes_slice(file, MAGIC_LEN + SALT_LEN, file.n),
                        vch_span(master, 32), &b);
    vch_wipe(kek, sizeof kek);
    return vch_ok(e) && b.n == 32 ? VCH_OK : VCH_E(AS_SECRETS);
}

static vch_err master_make(const struct vch_conf_node *root, const char *path)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(4096);
    uint8_t master[32], kek[32], file[MAGIC_LEN + SALT_LEN + 32 + VCH_WRAP_OVERHEAD];
    struct vch_bytes b;
    vch_err e;

    memcpy(file, MAGIC, MAGIC_LEN);
    VCH_TRY(vch_ossl_random(NULL, vch_span(file + MAGIC_LEN, SALT_LEN)));
    VCH_TRY(vch_ossl_random(NULL, VCH_SPAN_OF(master)));
    VCH_TRY(keys_passphrase(root, &pass));
    e = vch_ossl_scrypt(vch_buf_get(&pass), vch_bytes(file + MAGIC_LEN, SALT_LEN),
                        VCH_SCRYPT_LOG2_N, VCH_SCRYPT_P, VCH_SPAN_OF(kek));
    vch_wipe(pass.p, pass.n);
    if (vch_ok(e)) {
        e = vch_ossl_wrap(kek, vch_text(AAD), VCH_BYTES_OF(master),
                          vch_span(file + MAGIC_LEN + SALT_LEN, 32 + VCH_WRAP_OVERHEAD), &b);
    }
    if (vch_ok(e)) {
        e = vch_file_write_atomic(path, VCH_BYTES_OF(file), VCH_FILE_NEW | VCH_FILE_SECRET);
    }
    vch_wipe(master, sizeof master);
    vch_wipe(kek, sizeof kek);
    return vch_err_is(e, VCH_E(FILE_EXISTS)) ? VCH_OK : e;
}

vch_err keys_master(const struct vch_conf_node *root, bool create, void **ret)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf file = vch_buf_init(4096);
    char path[PATH_ROOM];
    void *master;
    vch_err e;

    VCH_TRY(config_path(root, "as.secrets", "keys/secrets", path, sizeof path));
    if (create) {
        VCH_TRY(master_make(root, path));
    }
    e = vch_file_read(path, VCH_FILE_SECRET, &file);
    VCH_CHECK(!vch_err_is(e, VCH_E(FILE_MISSING)), AS_SECRETS);
    VCH_TRY(e);
    VCH_TRY(vch_ossl_secret_alloc(32, &master));
    e = master_unwrap(root, vch_buf_get(&file), master);
    if (!vch_ok(e)) {
        vch_ossl_secret_free(master, 32);
        return e;
    }
    *ret = master;
    return VCH_OK;
}

vch_err keys_cert(const struct vch_conf_node *root, struct vch_buf *ret)
{
    char path[PATH_ROOM];

    VCH_TRY(config_path(root, "as.cert", "keys/as.crt", path, sizeof path));
    return vch_file_read(path, 0, ret);
}
