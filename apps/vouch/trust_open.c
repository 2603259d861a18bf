/* Finding and opening the trust file. */
#include "evidence.h"

#include <stdlib.h>
#include <unistd.h>

#include <vouch/ossl/crypto.h>

const char *app_trust_path(const char *path, struct vch_buf *room)
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME"), *text;
    vch_err e;

    if (path != NULL) {
        return path;
    }
    if (getenv("VOUCH_TRUST") != NULL) {
        return getenv("VOUCH_TRUST");
    }
    vch_buf_reset(room);
    if (config != NULL && config[0] == '/') {
        e = vch_buf_printf(room, "%s/vouch/trust.json", config);
    } else {
        e = vch_buf_printf(room, "%s/.config/vouch/trust.json", home != NULL ? home : "");
    }
    if (vch_ok(e) && vch_ok(vch_buf_cstr(room, &text)) && access(text, R_OK) == 0) {
        return text;
    }
    return "/etc/vouch/trust.json";
}

bool app_trust_open(const char *path, struct vch_trust_file **ret, int *ret_exit)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf room = vch_buf_init(8192);
    VCH_AUTO(vch_buf_fini) struct vch_buf text = vch_buf_init(VCH_TRUST_FILE_MAX);
    char detail[VCH_TRUST_DETAIL_MAX] = "";
    vch_err e;

    path = app_trust_path(path, &room);
    e = vch_cli_read_file(path, &text);
    if (vch_ok(e)) {
        e = vch_trust_file_decode(vch_ossl_crypto(), vch_buf_get(&text), ret, detail);
    }
    if (!vch_ok(e)) {
        *ret_exit = vch_cli_fail(e, path, detail[0] != 0 ? detail : NULL);
        return false;
    }
    return true;
}
