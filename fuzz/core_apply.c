/* Any sequence of verified statements leaves a state that obeys the contract: a lineage grows by
 * one at its end, its registration never changes, a device key belongs to one subject for ever, and
 * a refused or known statement changes nothing. Eight bytes of input make one statement. */
#include <vouch/core/core.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PUTS_MAX 512
#define STEP     8

struct world {
    struct vch_core_put put[PUTS_MAX];
    size_t count;
    uint64_t index;
};

static struct vch_core_put *find(struct world *w, enum vch_state_kind kind, struct vch_bytes id)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->put[i].kind == kind && vch_bytes_equal(vch_core_put_id(&w->put[i]), id)) {
            return &w->put[i];
        }
    }
    return NULL;
}

static vch_err get(void *self, enum vch_state_kind kind, struct vch_bytes id, struct vch_span out,
                   struct vch_bytes *ret, bool *ret_found)
{
    const struct vch_core_put *p = find(self, kind, id);

    *ret_found = p != NULL;
    if (p != NULL) {
        VCH_ASSERT(p->value_n <= out.cap);
        memcpy(out.p, p->value, p->value_n);
        *ret = vch_bytes(out.p, p->value_n);
    }
    return VCH_OK;
}

static void fill(struct vch_hash *h, uint8_t what, uint8_t byte)
{
    memset(h->b, byte, sizeof(h->b));
    h->b[0] = what;
}

/* Two servers with a key each (0, 1), a second key of the first (2), an aggregator (3). */
static void authorities(struct world *w)
{
    static const char *const names[] = {"as1", "as2", "as1", "agg"};
    static const uint8_t key[] = {0xa0};

    for (uint8_t i = 0; i < 4; i++) {
        struct vch_core_put *p = &w->put[w->count++];
        struct vch_state_authority a = {.role = i == 3 ? VCH_ROLE_AGGREGATOR : VCH_ROLE_AS,
                                        .name = vch_text(names[i]),
                                        .key = VCH_BYTES_OF(key),
                                        .has_cert = i != 3};
        struct vch_writer wr = vch_writer(VCH_SPAN_OF(p->value));
        struct vch_hash id;

        fill(&a.cert, 'c', (uint8_t)(i & 1));
        fill(&id, 'k', i);
        p->kind = VCH_STATE_AUTHORITY;
        p->id_n = VCH_HASH_LEN;
        memcpy(p->id, id.b, VCH_HASH_LEN);
        vch_state_authority_encode(&a, &wr);
        p->value_n = (uint8_t)wr.len;
    }
}

static struct vch_core_facts facts_of(const uint8_t *in, size_t number)
{
    static const char *const names[] = {"as1", "as2", "as1", "agg"};
    struct vch_core_facts f = {.type = in[0] & 1 ? VCH_STMT_ANCHOR : VCH_STMT_ENDORSEMENT,
                               .action = (enum vch_action)(1 + in[1] % 3),
                               .seq = in[2] % 5,
                               .has_prev = in[2] % 5 > 0,
                               .by_device = (in[0] & 3) == 3};
    uint8_t signer = in[3] % 4;

    memset(f.subject.b, in[4] % 3, sizeof(f.subject.b));
    fill(&f.signer, 'k', signer);
    fill(&f.cert, 'c', (uint8_t)(signer & 1));
    fill(&f.device, 'd', in[5] % 4);
    if (f.by_device) {
        f.signer = f.device;
    }
    fill(&f.registration, 'r', (uint8_t)(in[5] % 4 + (in[5] & 0x80)));
    fill(&f.prev, 't', in[6]);
    fill(&f.txid, 't', (uint8_t)(in[7] & 0x80 ? in[7] & 3 : number));
    fill(&f.content, 'o', f.action == VCH_ACTION_REGISTER ? in[5] : (uint8_t)number);
    f.iss_n = 3;
    memcpy(f.iss, names[signer], 3);
    return f;
}

static bool lineage(struct world *w, const struct vch_subject *s, struct vch_state_subject *ret)
{
    const struct vch_core_put *p = find(w, VCH_STATE_SUBJECT, vch_subject_bytes(s));

    if (p != NULL) {
        VCH_ASSERT(vch_ok(vch_state_subject_decode(vch_core_put_value(p), ret)));
    }
    return p != NULL;
}

static void record(struct world *w, const struct vch_core_effects *e)
{
    for (size_t i = 0; i < e->count; i++) {
        struct vch_core_put *old = find(w, e->put[i].kind, vch_core_put_id(&e->put[i]));

        /* Only the head of a lineage is ever replaced. */
        VCH_ASSERT(old == NULL || old->kind == VCH_STATE_SUBJECT);
        *(old != NULL ? old : &w->put[w->count++]) = e->put[i];
    }
    w->index++;
}

static void obeys(const struct vch_core_facts *f, bool had, const struct vch_state_subject *before,
                  bool has, const struct vch_state_subject *after)
{
    if (f->type == VCH_STMT_ANCHOR) {
        VCH_ASSERT(had == has);
        VCH_ASSERT(!f->by_device || (had && before->life == VCH_LIFE_LIVE));
        return;
    }
    VCH_ASSERT(has && vch_hash_equal(&after->latest, &f->txid) && after->seq == f->seq);
    VCH_ASSERT(had == (f->action != VCH_ACTION_REGISTER));
    if (had) {
        VCH_ASSERT(before->life == VCH_LIFE_LIVE && after->seq == before->seq + 1 &&
                   vch_hash_equal(&f->prev, &before->latest) &&
                   vch_hash_equal(&before->registration, &after->registration));
    } else {
        VCH_ASSERT(after->seq == 0);
    }
    VCH_ASSERT((after->life == VCH_LIFE_RETIRED) == (f->action == VCH_ACTION_RETIRE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct vch_core_state state = {get, &w};

    w.count = 0;
    w.index = 0;
    authorities(&w);
    for (size_t i = 0; i + STEP <= size && w.count + VCH_CORE_PUTS <= PUTS_MAX; i += STEP) {
        struct vch_core_facts f = facts_of(data + i, i / STEP);
        struct vch_state_subject before, after;
        struct vch_core_effects e;
        bool had = lineage(&w, &f.subject, &before), has;
        vch_err err = vch_core_apply(&state, &f, w.index, (struct vch_time){(int64_t)i}, &e);

        if (!vch_ok(err) || e.known) {
            VCH_ASSERT(!vch_err_is(err, VCH_E(BUG)) && (!vch_ok(err) || e.count == 0));
            continue;
        }
        record(&w, &e);
        has = lineage(&w, &f.subject, &after);
        obeys(&f, had, &before, has, &after);
    }
    return 0;
}
