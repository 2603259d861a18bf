/* The directory of a device: its key, its state, what it was told. */
#include "device_int.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <vouch/ossl/aead.h>
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/ack.h>

int64_t device_now_ms(void)
{
    struct timespec ts = {0, 0};

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void device_print_member(const char *name, const char *text)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(8192);
    const char *quoted = "";

    if (vch_ok(vch_cli_json_string(&b, vch_text(text)))) {
        vch_ignore(vch_buf_cstr(&b, &quoted));
    }
    printf("\"%s\":%s", name, quoted);
}

vch_err device_path(const char *dir, const char *name, struct vch_span room)
{
    int n = snprintf((char *)room.p, room.cap, "%s/%s", dir, name);

    VCH_CHECK(n > 0 && (size_t)n < room.cap, NO_ROOM);
    return VCH_OK;
}

static vch_err write_in(const char *dir, const char *name, struct vch_bytes data)
{
    char path[DEVICE_PATH_ROOM];

    VCH_TRY(device_path(dir, name, VCH_SPAN_OF(path)));
    return vch_file_write_atomic(path, data, VCH_FILE_SECRET);
}

static vch_err read_in(const char *dir, const char *name, struct vch_buf *out)
{
    char path[DEVICE_PATH_ROOM];

    vch_buf_reset(out);
    VCH_TRY(device_path(dir, name, VCH_SPAN_OF(path)));
    return vch_file_read(path, VCH_FILE_SECRET, out);
}

/* The acknowledgement goes first: with it alone the state can be brought up to date, see
 * device_open; the other way round the evidence would be lost. */
static vch_err persist(void *self, struct vch_bytes state)
{
    struct device_session *s = self;

    if (s->ack_pending.n != 0) {
        VCH_TRY(write_in(s->dir, "ack", s->ack_pending));
    }
    return write_in(s->dir, "state", state);
}

vch_err device_host(struct device_session *s, struct vch_bytes passphrase,
                    struct vch_device_host *ret)
{
    const struct vch_signer *signer = vch_ossl_key_signer(s->key);
    struct vch_device_host host = {.crypto = vch_ossl_crypto(),
                                   .signer = signer,
                                   .random = vch_ossl_random,
                                   .persist = persist,
                                   .persist_self = s};
    struct vch_hash salt;

    /* the key of the state follows from the passphrase, not from the key file, which could be
     * exchanged; each device has its own salt */
    vch_cose_key_thumbprint(host.crypto, &signer->pub, &salt);
    VCH_TRY(vch_ossl_scrypt(passphrase, vch_hash_bytes(&salt), VCH_SCRYPT_LOG2_N, VCH_SCRYPT_P,
                            VCH_SPAN_OF(host.mac_key)));
    *ret = host;
    return VCH_OK;
}

/* What tells one version of the state file from another. */
static void state_id(const char *dir, uint64_t ret[3])
{
    char path[DEVICE_PATH_ROOM];
    struct stat st;

    memset(ret, 0, 3 * sizeof(ret[0]));
    if (vch_ok(device_path(dir, "state", VCH_SPAN_OF(path))) && stat(path, &st) == 0) {
        ret[0] = st.st_ino;
        ret[1] = (uint64_t)st.st_mtim.tv_sec;
        ret[2] = (uint64_t)st.st_mtim.tv_nsec;
    }
}

static vch_err ack_txid(struct vch_bytes ack, struct vch_hash *ret)
{
    struct vch_stmt_ack parts;

    VCH_TRY(vch_stmt_ack_decode(ack, &parts));
    vch_sha256_of(vch_ossl_crypto(), parts.endorsement, ret);
    return VCH_OK;
}

/* A power loss between the two files: the acknowledgement is newer than the state. */
static void catch_up(struct device_session *s)
{
    enum vch_device_news news;
    struct vch_hash txid;

    if (s->ack.n != 0 && vch_ok(ack_txid(vch_buf_get(&s->ack), &txid)) &&
        !vch_hash_equal(&txid, &s->d.txid)) {
        vch_ignore(vch_device_accept(&s->d, vch_buf_get(&s->ack), &news));
    }
}

static vch_err load(struct device_session *s, const struct vch_device_host *host)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf state = vch_buf_init(VCH_DEVICE_STATE_MAX);
    vch_err e;

    state_id(s->dir, s->state_id);
    VCH_TRY(read_in(s->dir, "state", &state));
    if (host != NULL) {
        VCH_TRY(vch_device_load(&s->d, host, vch_buf_get(&state)));
    } else {
        VCH_TRY(vch_device_reload(&s->d, vch_buf_get(&state)));
    }
    e = read_in(s->dir, "ack", &s->ack);
    return vch_err_is(e, VCH_E(FILE_MISSING)) ? VCH_OK : e;
}

static vch_err lock(struct device_session *s)
{
    const struct timespec pause = {0, 20 * 1000000};
    char path[DEVICE_PATH_ROOM];
    vch_err e;

    VCH_TRY(device_path(s->dir, "lock", VCH_SPAN_OF(path)));
    for (unsigned tries = 0;; tries++) {
        e = vch_file_lock(path, &s->lock);
        if (!vch_err_is(e, VCH_E(FILE_LOCKED)) || tries == 500) {
            return e;
        }
        nanosleep(&pause, NULL);
    }
}

vch_err device_open(struct device_session *s, const struct device_args *a)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf pass = vch_buf_init(1024);
    struct vch_device_host host;
    char path[DEVICE_PATH_ROOM];
    vch_err e;

    memset(s, 0, sizeof(*s));
    s->dir = a->dir;
    s->ack = vch_buf_init(DEVICE_ACK_MAX);
    VCH_TRY(device_path(a->dir, "key.pem", VCH_SPAN_OF(path)));
    VCH_TRY(vch_cli_passphrase(a->passphrase_file, "passphrase of the device's key", false, &pass));
    e = vch_ossl_key_load(path, vch_buf_get(&pass), 0, &s->key);
    if (vch_ok(e)) {
        e = device_host(s, vch_buf_get(&pass), &host);
    }
    vch_wipe(pass.p, pass.n);
    VCH_TRY(e);
    e = lock(s);
    if (vch_ok(e)) {
        e = load(s, &host);
    }
    vch_wipe(host.mac_key, sizeof(host.mac_key));
    if (vch_ok(e)) {
        catch_up(s);
    }
    device_end(s);
    return e;
}

void device_close(struct device_session *s)
{
    device_end(s);
    vch_ossl_key_close(s->key);
    vch_buf_fini(&s->ack);
    vch_wipe(&s->d, sizeof(s->d));
    s->key = NULL;
}

/* Under the lock: state and acknowledgement are two files that belong together. */
static vch_err load_if_changed(struct device_session *s)
{
    uint64_t id[3];

    state_id(s->dir, id);
    return memcmp(id, s->state_id, sizeof(id)) == 0 ? VCH_OK : load(s, NULL);
}

vch_err device_begin(struct device_session *s)
{
    vch_err e;

    VCH_TRY(lock(s));
    e = load_if_changed(s);
    if (!vch_ok(e)) {
        device_end(s);
    }
    return e;
}

vch_err device_refresh(struct device_session *s)
{
    uint64_t id[3];

    state_id(s->dir, id);
    if (memcmp(id, s->state_id, sizeof(id)) != 0) {
        VCH_TRY(device_begin(s));
        device_end(s);
    }
    return VCH_OK;
}

void device_end(struct device_session *s)
{
    if (s->lock.held != 0) {
        state_id(s->dir, s->state_id);
        vch_file_unlock(&s->lock);
    }
}

vch_err device_take(struct device_session *s, struct vch_bytes ack, enum vch_device_news *ret)
{
    enum vch_device_news news = VCH_DEVICE_SAME;
    vch_err e;

    VCH_TRY(device_begin(s));
    s->ack_pending = ack;
    e = vch_device_accept(&s->d, ack, &news);
    s->ack_pending = vch_bytes(NULL, 0);
    if (vch_ok(e)) {
        vch_buf_reset(&s->ack);
        e = vch_buf_append(&s->ack, ack);
        *ret = news;
    }
    device_end(s);
    return e;
}

bool device_evidence(const struct device_session *s, struct vch_bytes *ret_endorsement,
                     struct vch_bytes *ret_receipt)
{
    struct vch_stmt_ack parts;
    struct vch_hash txid;

    if (s->ack.n == 0 || !vch_ok(vch_stmt_ack_decode(vch_buf_get(&s->ack), &parts))) {
        return false;
    }
    vch_sha256_of(vch_ossl_crypto(), parts.endorsement, &txid);
    *ret_endorsement = parts.endorsement;
    *ret_receipt = parts.receipt;
    return vch_hash_equal(&txid, &s->d.txid);
}
