#include "verifier_int.h"

#include <unistd.h>

void vch_verifier_open(const struct vch_verifier_options *o, struct vch_verifier **ret)
{
    struct vch_verifier *v = vch_mem_alloc(sizeof(*v));

    v->o = *o;
    v->judge = (struct vch_verify){o->cr, o->trust, o->judge};
    *ret = v;
}

void vch_verifier_close(struct vch_verifier *v)
{
    if (v == NULL) {
        return;
    }
    for (size_t i = 0; i < v->sources.n; i++) {
        if (source_at(v, i)->fd >= 0) {
            close(source_at(v, i)->fd);
        }
    }
    vch_mem_free(v->sources.p);
    vch_mem_free(v->statements.p);
    vch_mem_free(v->by_txid);
    vch_mem_free(v->certs.p);
    vch_mem_free(v->cert_hashes.p);
    vch_mem_free(v->proofs.p);
    vch_mem_free(v->genesis_in.p);
    vch_mem_free(v->items.p);
    vch_mem_free(v->data_refs.p);
    vch_mem_free(v->anchor_refs.p);
    vch_mem_free(v->wants.p);
    vch_mem_free(v->book.records);
    vch_mem_free(v->book.by_txid);
    vch_mem_free(v->states);
    vch_mem_free(v->genesis);
    vch_mem_free(v->anchors);
    vch_verifier_arena_fini(&v->arena);
    vch_mem_free(v);
}

void vch_verifier_autoclose(struct vch_verifier **v)
{
    vch_verifier_close(*v);
    *v = NULL;
}

const struct vch_verify_trust *vch_verifier_trust(const struct vch_verifier *v)
{
    return v->o.trust;
}

bool vch_verifier_want(struct vch_verifier *v, size_t idx, struct vch_verifier_want *ret)
{
    const struct statement *s;

    if (idx >= v->wants.n) {
        return false;
    }
    *ret = ((struct vch_verifier_want *)v->wants.p)[idx];
    s = vch_verifier_statement_of(v, &ret->txid, false);
    ret->have = s != NULL && s->bytes.n != 0;
    return true;
}

bool vch_verifier_item(const struct vch_verifier *v, size_t idx, struct vch_verifier_item *ret)
{
    const struct item *it;

    if (idx >= v->items.n) {
        return false;
    }
    it = item_at(v, idx);
    *ret = (struct vch_verifier_item){.report = &it->report,
                                      .verdict = it->verdict,
                                      .step = it->step,
                                      .source = it->source,
                                      .number = idx - source_at(v, it->source)->first_item};
    ret->why = !vch_ok(it->broken)    ? it->broken
               : it->step < VCH_STEPS ? it->report.step[it->step].why
                                      : VCH_OK;
    return true;
}

bool vch_verifier_source(const struct vch_verifier *v, size_t idx, struct vch_verifier_source *ret)
{
    const struct source *s;
    enum vch_verdict verdict;

    if (idx >= v->sources.n) {
        return false;
    }
    s = source_at(v, idx);
    verdict = s->items == 0 ? VCH_VERDICT_UNKNOWN : VCH_VERDICT_VALID;
    for (uint64_t i = 0; i < s->items; i++) {
        verdict = vch_verify_worse(verdict, item_at(v, s->first_item + i)->verdict);
    }
    if (!vch_ok(s->err)) {
        verdict = VCH_VERDICT_INVALID;
    }
    *ret = (struct vch_verifier_source){s->name, s->items,  s->ended,   s->bare,
                                        s->err,  s->err_at, s->dropped, verdict};
    return true;
}

struct vch_verifier_summary vch_verifier_summary(const struct vch_verifier *v)
{
    return v->summary;
}
