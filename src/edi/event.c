/* Events of the operator: notifications and the replay feed. */
#include <stdio.h>

#include "edi_int.h"

#define EVENT_MAX 65536

void vch_edi_event_fini(struct vch_edi_event *ev)
{
    vch_buf_fini(&ev->evidence);
}

/* A text for people, cut where it is too long: it must not make an event unacceptable. */
static void text_cut(const json_t *o, const char *name, char *room, size_t cap)
{
    const char *text = json_string_value(json_object_get(o, name));
    size_t n = text == NULL ? 0 : strlen(text);

    if (n >= cap) {
        n = cap - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0U) == 0x80U) {
            n--; /* not within a character */
        }
    }
    if (n > 0) {
        memcpy(room, text, n);
    }
    room[n] = '\0';
}

/* Details of the change: hints too, so that an unknown word in them is no fault. */
static void change_read(const json_t *data, struct vch_edi_event *ev)
{
    char text[24];

    text_cut(data, "from", text, sizeof text);
    ev->from = vch_edi_status_of(text);
    text_cut(data, "to", text, sizeof text);
    ev->to = vch_edi_status_of(text);
    text_cut(data, ev->type == VCH_EDI_EV_SUBSCRIPTION_ENDED ? "terminationReason" : "reason",
             ev->reason, sizeof ev->reason);
    ev->initial = json_is_true(json_object_get(data, "initial"));
}

static vch_err data_read(const json_t *o, struct vch_edi_event *ev)
{
    const json_t *data = json_object_get(o, "data");
    char version[8];

    VCH_CHECK(json_is_object(data), EDI_ANSWER);
    VCH_TRY(vch_edi_json_text(o, "specversion", version, sizeof version));
    VCH_CHECK(strcmp(version, "1.0") == 0, EDI_ANSWER);
    VCH_TRY(vch_edi_json_text(o, "id", ev->id, sizeof ev->id));
    VCH_TRY(vch_edi_json_text(o, "type", ev->type_name, sizeof ev->type_name));
    VCH_TRY(
        vch_edi_json_text(data, "subscriptionId", ev->subscription_id, sizeof ev->subscription_id));
    VCH_TRY(vch_edi_json_text(data, "accountRef", ev->account_ref, sizeof ev->account_ref));
    VCH_TRY(vch_edi_json_u64(data, "seq", &ev->seq));
    VCH_TRY(vch_edi_json_time(data, "effectiveAt", &ev->effective_at_ms));
    VCH_TRY(vch_edi_json_time(data, "notifiedAt", &ev->notified_at_ms));
    VCH_CHECK(ev->id[0] != '\0' && ev->subscription_id[0] != '\0' && ev->account_ref[0] != '\0' &&
                  ev->type_name[0] != '\0' && ev->seq > 0,
              EDI_ANSWER);
    ev->type = vch_edi_event_of(ev->type_name);
    /* Of an unknown type only what all have in common is understood. */
    if (ev->type != 0) {
        VCH_TRY(vch_edi_ids_read(data, &ev->ids));
        change_read(data, ev);
    }
    return VCH_OK;
}

/* The event in a compact JWS. Errors: EDI_EVIDENCE; EDI_ANSWER for a wrong form. */
static vch_err event_open(const struct vch_edi *e, struct vch_bytes jws, struct vch_edi_event *ret)
{
    VCH_AUTO(vch_edi_json_drop) json_t *o = NULL;
    struct vch_edi_event ev;
    char source[192], want[192];

    memset(&ev, 0, sizeof ev);
    VCH_TRY(vch_edi_jws_open(e, EDI_TYP_EVENT, jws, &o));
    VCH_TRY(vch_edi_json_text(o, "source", source, sizeof source));
    (void)snprintf(want, sizeof want, "urn:divs:operator:%s", e->operator_id);
    VCH_CHECK(strcmp(source, want) == 0, EDI_EVIDENCE);
    VCH_TRY(data_read(o, &ev));
    VCH_TRY(vch_edi_evidence_keep(e, jws, &ev.evidence, &ev.evidence_hash));
    *ret = ev;
    return VCH_OK;
}

static vch_err judge(const struct vch_edi *e, const struct vch_edi_known *known,
                     struct vch_edi_event *ev, bool *ret_gap)
{
    VCH_CHECK(strcmp(known->account_ref, ev->account_ref) == 0, EDI_IDENTITY);
    VCH_CHECK(ev->notified_at_ms <= e->now_ms(e->now_user) + e->skew_ms, EDI_STALE);
    VCH_CHECK(ev->seq > known->last_seq, EDI_EVENT_REPLAY);
    ev->unasked = ev->type != VCH_EDI_EV_SUBSCRIPTION_ENDED && (ev->type & known->types) == 0;
    *ret_gap = ev->seq > known->last_seq + 1;
    return VCH_OK;
}

/* req: Y.2247-8.4-5 (forged, foreign, unknown and replayed notifications have no effect) */
vch_err vch_edi_event_verify(struct vch_edi *e, struct vch_bytes body, const char *x_jws,
                             vch_edi_find_fn find, void *user, struct vch_edi_event *ret,
                             bool *ret_gap)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf jws = vch_buf_init(EVENT_MAX);
    struct vch_edi_known known;
    struct vch_edi_event ev;
    vch_err err;

    memset(&known, 0, sizeof known);
    VCH_TRY(vch_edi_jws_attach(x_jws, body, &jws));
    err = event_open(e, vch_buf_get(&jws), &ev);
    VCH_CHECK(!vch_err_is(err, VCH_E(EDI_ANSWER)), EDI_EVENT);
    VCH_TRY(err);
    err = find(user, ev.subscription_id, &known);
    if (vch_ok(err)) {
        err = judge(e, &known, &ev, ret_gap);
    }
    if (!vch_ok(err)) {
        vch_edi_event_fini(&ev);
        return err;
    }
    *ret = ev;
    return VCH_OK;
}

/* The elements of a feed in their order, without a gap. */
static vch_err feed_read(const struct vch_edi *e, const json_t *list, const char *ref,
                         uint64_t after, struct vch_edi_event *ret, size_t *n)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        VCH_CHECK(json_is_string(item), EDI_ANSWER);
        VCH_TRY(
            event_open(e, vch_bytes(json_string_value(item), json_string_length(item)), &ret[i]));
        *n = i + 1;
        VCH_CHECK(strcmp(ret[i].account_ref, ref) == 0, EDI_IDENTITY);
        VCH_CHECK(ret[i].seq == after + i + 1, EDI_ANSWER);
    }
    return VCH_OK;
}

vch_err vch_edi_events_after(struct vch_edi *e, const char *account_ref, uint64_t after_seq,
                             struct vch_edi_event *ret, size_t cap, size_t *ret_n, bool *ret_more)
{
    VCH_AUTO(vch_edi_json_drop) json_t *answer = NULL;
    char path[256];
    struct vch_edi_call call = {"GET", path, NULL, NULL, NULL, VCH_E(EDI_ANSWER)};
    size_t limit = cap < VCH_EDI_EVENTS_MAX ? cap : VCH_EDI_EVENTS_MAX, n = 0;
    const json_t *list, *more;
    vch_err err;

    VCH_CHECK(cap > 0 && after_seq <= INT64_MAX && account_ref[0] != '\0' &&
                  strlen(account_ref) <= VCH_EDI_REF_MAX &&
                  account_ref[strspn(account_ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                                                  "uvwxyz0123456789-_")] == '\0',
              USAGE);
    (void)snprintf(path, sizeof path, EDI_EVENTS "?accountRef=%s&afterSeq=%llu&limit=%zu",
                   account_ref, (unsigned long long)after_seq, limit);
    VCH_TRY(vch_edi_call(e, &call, &answer, NULL));
    list = json_object_get(answer, "events");
    more = json_object_get(answer, "more");
    VCH_CHECK(json_is_array(list) && json_array_size(list) <= limit && json_is_boolean(more),
              EDI_ANSWER);
    err = feed_read(e, list, account_ref, after_seq, ret, &n);
    if (!vch_ok(err)) {
        while (n > 0) {
            vch_edi_event_fini(&ret[--n]);
        }
        return err;
    }
    *ret_n = n;
    *ret_more = json_is_true(more);
    return VCH_OK;
}
