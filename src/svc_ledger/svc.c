#include "svc_int.h"

vch_err vch_svc_ledger_number(const struct vch_http_request *rq, const char *name, uint64_t max,
                              uint64_t def, uint64_t *ret)
{
    const char *text = vch_http_query(rq, name);

    if (text == NULL) {
        VCH_CHECK(def != UINT64_MAX, USAGE);
        *ret = def;
        return VCH_OK;
    }
    return vch_u64_parse(vch_text(text), max, ret);
}

static void route(struct vch_svc_ledger *s, enum vch_http_method method, const char *pattern,
                  vch_http_handler_fn fn)
{
    struct vch_http_route r = {.method = method, .pattern = pattern, .handler = fn, .user = s};

    VCH_ASSERT(s->route_count < SVC_ROUTES);
    if (method == VCH_HTTP_POST) {
        r.body_max = VCH_LEDGER_STATEMENT_MAX;
        r.media = SVC_COSE;
    }
    s->routes[s->route_count++] = r;
}

vch_err vch_svc_ledger_open(const struct vch_svc_ledger_options *o, struct vch_svc_ledger **ret)
{
    struct vch_svc_ledger *s;

    VCH_CHECK(o->authorise != NULL && o->ledger != NULL, USAGE);
    s = vch_mem_alloc(sizeof(*s));
    s->ledger = o->ledger;
    s->engine = o->engine;
    s->authorise = o->authorise;
    s->user = o->user;
    route(s, VCH_HTTP_POST, "/ledger/v1/entries", vch_svc_ledger_submit);
    route(s, VCH_HTTP_GET, "/ledger/v1/entries/{txid}", vch_svc_ledger_entry);
    route(s, VCH_HTTP_GET, "/ledger/v1/entries/{txid}/{part}", vch_svc_ledger_entry_part);
    route(s, VCH_HTTP_GET, "/ledger/v1/log", vch_svc_ledger_log);
    route(s, VCH_HTTP_GET, "/ledger/v1/log/{index}", vch_svc_ledger_log_at);
    route(s, VCH_HTTP_GET, "/ledger/v1/head", vch_svc_ledger_head);
    route(s, VCH_HTTP_GET, "/ledger/v1/proof/{what}", vch_svc_ledger_proof);
    route(s, VCH_HTTP_GET, "/ledger/v1/state/{kind}/{id}", vch_svc_ledger_state);
    route(s, VCH_HTTP_GET, "/ledger/v1/authorities", vch_svc_ledger_authorities);
    route(s, VCH_HTTP_GET, "/checkpoint", vch_svc_ledger_checkpoint);
    route(s, VCH_HTTP_GET, "/tile/{rest*}", vch_svc_ledger_tile);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->cond, NULL);
    if (pthread_create(&s->answerer, NULL, vch_svc_ledger_answerer, s) != 0) {
        vch_mem_free(s);
        return VCH_E(MEMORY);
    }
    *ret = s;
    return VCH_OK;
}

void vch_svc_ledger_stop(struct vch_svc_ledger *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_mutex_unlock(&s->lock);
}

void vch_svc_ledger_close(struct vch_svc_ledger *s)
{
    if (s == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&s->lock);
    s->end = true;
    (void)pthread_cond_signal(&s->cond);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->answerer, NULL);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->cond);
    vch_mem_free(s);
}

size_t vch_svc_ledger_routes(struct vch_svc_ledger *s, const struct vch_http_route **ret)
{
    *ret = s->routes;
    return s->route_count;
}
