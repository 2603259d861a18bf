#include <stdio.h>

#include "svc_int.h"

#define WAIT_MS_MAX     30000
#define WAIT_MS_DEFAULT 10000

/* req: Y.2247-7.2.2-9 (the transaction ID is answered only after the record is durable) */
static void answer(struct vch_http_response *rs, const struct vch_ledger_ack *ack,
                   struct vch_buf *receipt)
{
    char hex[2 * VCH_HASH_LEN + 1], text[160];

    vch_http_reply_take(rs, ack->known ? 200 : 201, SVC_COSE, receipt);
    (void)snprintf(text, sizeof(text), "/ledger/v1/entries/%s",
                   vch_hex_encode(vch_hash_bytes(&ack->entry.txid), VCH_SPAN_OF(hex)));
    vch_http_reply_header(rs, "Location", text);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)ack->entry.index);
    vch_http_reply_header(rs, "Vouch-Index", text);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)ack->entry.batch);
    vch_http_reply_header(rs, "Vouch-Batch", text);
}

static void answer_pending(struct svc_pending *p)
{
    struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);

    if (vch_ok(p->err)) {
        p->err = vch_engine_receipt(p->svc->engine, &p->ack.entry, &receipt);
    }
    if (vch_ok(p->err)) {
        answer(p->rs, &p->ack, &receipt);
    } else {
        vch_http_problem(p->rs, p->err, NULL);
    }
    vch_buf_fini(&receipt);
    vch_http_finish(p->rq);
    vch_mem_free(p);
}

void *vch_svc_ledger_answerer(void *svc)
{
    struct vch_svc_ledger *s = svc;

    (void)pthread_mutex_lock(&s->lock);
    while (!s->end || s->first != NULL) {
        struct svc_pending *p = s->first;

        if (p == NULL) {
            (void)pthread_cond_wait(&s->cond, &s->lock);
            continue;
        }
        s->first = s->last = NULL;
        (void)pthread_mutex_unlock(&s->lock);
        while (p != NULL) {
            struct svc_pending *next = p->next;

            answer_pending(p);
            p = next;
        }
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void done(void *arg, vch_err err, const struct vch_ledger_ack *ack)
{
    struct svc_pending *p = arg;
    struct vch_svc_ledger *s = p->svc;

    p->err = err;
    if (vch_ok(err)) {
        p->ack = *ack;
    }
    (void)pthread_mutex_lock(&s->lock);
    p->next = NULL;
    if (s->last != NULL) {
        s->last->next = p;
    } else {
        s->first = p;
        (void)pthread_cond_signal(&s->cond);
    }
    s->last = p;
    (void)pthread_mutex_unlock(&s->lock);
}

vch_err vch_svc_ledger_submit(void *user, struct vch_http_request *rq, struct vch_http_response *rs)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct vch_svc_ledger *s = user;
    struct vch_ledger_ack ack;
    uint64_t wait_ms;

    VCH_TRY(s->authorise(s->user, rq, VCH_SVC_LEDGER_SUBMIT));
    VCH_TRY(vch_svc_ledger_number(rq, "wait_ms", WAIT_MS_MAX, WAIT_MS_DEFAULT, &wait_ms));
    if (s->engine != NULL) { /* the engine always answers; a slow disk is the client's time-out */
        struct svc_pending *p = vch_mem_alloc(sizeof(*p));

        *p = (struct svc_pending){.svc = s, .rq = rq, .rs = rs};
        vch_http_defer(rq);
        vch_engine_submit(s->engine, rq->body, done, p);
        return VCH_OK;
    }
    VCH_TRY(vch_ledger_submit(s->ledger, rq->body, (uint32_t)wait_ms, &ack, &receipt));
    answer(rs, &ack, &receipt);
    return VCH_OK;
}
