#include <stdio.h>
#include <string.h>
#include <time.h>

#include "edi_int.h"

#define KEYS_FILE_MAX 65536

static int64_t system_now(void *user)
{
    struct timespec t;

    (void)user;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static vch_err keys_file(struct vch_edi *e, const char *path)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(KEYS_FILE_MAX);
    struct vch_span room;
    FILE *f = fopen(path, "rb");
    size_t n;

    VCH_CHECK(f != NULL, EDI_OPTIONS);
    VCH_ASSERT(vch_ok(vch_buf_room(&b, KEYS_FILE_MAX, &room)));
    n = fread(room.p, 1, KEYS_FILE_MAX, f);
    (void)fclose(f);
    VCH_CHECK(n > 0 && n < KEYS_FILE_MAX, EDI_OPTIONS);
    vch_buf_added(&b, n);
    return vch_edi_keys_read(e, vch_buf_get(&b));
}

/* Words that go into a form unescaped. */
static bool plain(const char *s)
{
    return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")] ==
           '\0';
}

vch_err vch_edi_open(const struct vch_edi_options *o, struct vch_edi **ret)
{
    struct vch_http_client_options h = {.url = o->url,
                                        .ca_file = o->ca_file,
                                        .cert_file = o->cert_file,
                                        .key_file = o->key_file,
                                        .resolve_addr = o->resolve_addr,
                                        .timeout_ms = o->timeout_ms,
                                        .user_agent = "vouch-edi"};
    struct vch_edi *e;
    vch_err err;

    VCH_CHECK(o->operator_id != NULL && o->client_id != NULL && o->url != NULL &&
                  o->ca_file != NULL && o->cert_file != NULL && o->key_file != NULL &&
                  o->keys_file != NULL && o->crypto != NULL,
              EDI_OPTIONS);
    VCH_CHECK(o->operator_id[0] != '\0' && strlen(o->operator_id) < sizeof e->operator_id &&
                  o->client_id[0] != '\0' && strlen(o->client_id) < sizeof e->client_id &&
                  plain(o->client_id) && strncmp(o->url, "https://", 8) == 0,
              EDI_OPTIONS);
    e = vch_mem_alloc(sizeof *e);
    vch_edi_set(e->operator_id, sizeof e->operator_id, o->operator_id);
    vch_edi_set(e->client_id, sizeof e->client_id, o->client_id);
    e->crypto = o->crypto;
    e->now_ms = o->now_ms != NULL ? o->now_ms : system_now;
    e->now_user = o->now_user;
    e->max_age_ms = 1000LL * (o->max_age_s != 0 ? o->max_age_s : 300);
    e->skew_ms = 1000LL * (o->skew_s != 0 ? o->skew_s : 60);
    e->timeout_ms = o->timeout_ms != 0 ? o->timeout_ms : 10000;
    h.timeout_ms = e->timeout_ms;
    pthread_mutex_init(&e->lock, NULL);
    err = keys_file(e, o->keys_file);
    if (vch_ok(err)) {
        err = vch_http_client_open(&h, &e->http);
    }
    if (!vch_ok(err)) {
        vch_edi_close(e);
        return err;
    }
    *ret = e;
    return VCH_OK;
}

void vch_edi_close(struct vch_edi *e)
{
    if (e == NULL) {
        return;
    }
    vch_http_client_close(e->http);
    if (e->token != NULL) {
        vch_wipe(e->token, strlen(e->token));
        vch_mem_free(e->token);
    }
    vch_jwks_fini(&e->keys);
    pthread_mutex_destroy(&e->lock);
    vch_mem_free(e);
}

const char *vch_edi_operator_id(const struct vch_edi *e)
{
    return e->operator_id;
}
