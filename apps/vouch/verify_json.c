/* The result of a verification as JSON: one document, members in a fixed order. */
#include "evidence.h"

#include <inttypes.h>
#include <stdio.h>

#include <vouch/base/text.h>

/* A text member's value. */
static void put_text(struct vch_bytes text)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init((size_t)1 << 20);

    if (vch_ok(vch_cli_json_string(&b, text))) {
        fwrite(b.p, 1, b.n, stdout);
    } else {
        printf("null");
    }
}

static void put_time(const char *name, int64_t ms)
{
    char room[VCH_TIME_TEXT_MAX];

    printf("\"%s\":\"%s\"", name, vch_time_text((struct vch_time){ms}, VCH_SPAN_OF(room)));
}

static void put_hex(const char *name, struct vch_bytes b)
{
    char room[2 * VCH_HASH_LEN + 1];

    printf("\"%s\":\"%s\"", name, vch_hex_encode(b, VCH_SPAN_OF(room)));
}

static void put_code(vch_err e)
{
    if (vch_ok(e)) {
        printf("null");
    } else {
        printf("\"%s\"", vch_err_info(e)->slug);
    }
}

static void put_notes(unsigned notes)
{
    bool first = true;

    printf("\"notes\":[");
    for (unsigned bit = 1; bit <= VCH_NOTE_UNTRUSTED_PLACE; bit <<= 1) {
        if ((notes & bit) != 0) {
            printf("%s\"%s\"", first ? "" : ",", vch_note_name((enum vch_note)bit));
            first = false;
        }
    }
    printf("]");
}

static void put_steps(const struct vch_verify_report *r)
{
    printf("\"steps\":[");
    for (unsigned i = 0; i < VCH_STEPS; i++) {
        printf("%s{\"step\":\"%s\",\"state\":\"%s\",\"code\":", i == 0 ? "" : ",",
               vch_step_name((enum vch_step)i), vch_step_state_name(r->step[i].state));
        put_code(r->step[i].why);
        printf("}");
    }
    printf("]");
}

static void put_data(const struct vch_verify_data *d)
{
    printf("\"rows\":%" PRIu64 ",\"headers\":%" PRIu64 ",\"stripped\":%" PRIu64
           ",\"bytes\":%" PRIu64,
           d->rows, d->headers, d->stripped, d->bytes);
}

/* What a good record says of the device. */
static void put_record(const struct app_show *s, const struct vch_verify_report *r)
{
    const struct vch_verify_trust *t = vch_verifier_trust(s->v);
    const struct vch_verify_record *rec = r->record;

    printf(",\"record\":{");
    put_hex("transactionId", vch_hash_bytes(&rec->txid));
    printf(",\"ledger\":");
    put_text(t->ledgers[rec->ledger].id);
    printf(",\"index\":%" PRIu64 ",", rec->index);
    put_time("recordedAt", rec->time_ms);
    printf(",\"as\":");
    put_text(rec->e.st.iss);
    printf(",\"operator\":");
    put_text(rec->e.operator_id);
    printf(",");
    put_hex("subject", VCH_BYTES_OF(rec->e.subject));
    printf(",");
    put_hex("deviceKey", vch_hash_bytes(&rec->device));
    printf(",\"seq\":%" PRIu64 ",\"assurance\":%d,\"assuranceText\":\"%s\",\"custody\":\"%s\"",
           rec->e.seq, rec->e.assurance, vch_assurance_name(rec->e.assurance),
           vch_custody_name(rec->e.reg.custody));
    printf(",\"signatureAlgorithm\":\"%s\",\"hashAlgorithm\":\"%s\"", vch_alg_name(r->item.st.alg),
           vch_alg_name(rec->e.reg.hashes[0]));
    if (r->latest != NULL && r->latest != rec) {
        printf(",");
        put_hex("supersededBy", vch_hash_bytes(&r->latest->txid));
    }
    if (rec->term.complete) {
        printf(",\"term\":{");
        printf("\"standing\":%d", rec->term.standing);
        if (rec->term.start_ms != INT64_MIN) {
            printf(",");
            put_time("start", rec->term.start_ms);
        }
        if (rec->term.end_ms != INT64_MAX) {
            printf(",");
            put_time("end", rec->term.end_ms);
        }
        if (rec->term.terminated_ms != INT64_MAX) {
            printf(",");
            put_time("terminatedAt", rec->term.terminated_ms);
        }
        printf("}");
    }
    printf("}");
}

static void put_item(const struct app_show *s, const struct vch_verifier_item *it)
{
    const struct vch_verify_report *r = it->report;

    printf("{\"item\":%" PRIu64 ",\"verdict\":\"%s\",\"code\":", it->number,
           vch_verdict_name(it->verdict));
    put_code(it->why);
    printf(",\"step\":");
    if (it->step < VCH_STEPS) {
        printf("\"%s\"", vch_step_name(it->step));
    } else {
        printf("null");
    }
    printf(",");
    put_hex("sha256", vch_hash_bytes(&r->item_hash));
    if (r->item.mode != 0) {
        printf(",\"mode\":\"%s\",\"seq\":%" PRIu64 ",\"count\":%" PRIu64 ",",
               r->item.mode == VCH_ITEM_BATCH ? "batch" : "single", r->item.seq, r->item.count);
        put_time("claimedAt", r->item.time_ms);
        printf(",");
        put_time("firstAt", r->item.first_time_ms);
        printf(",\"contentType\":");
        put_text(r->item.content_type);
    }
    if (r->record != NULL && r->record->good) {
        printf(",");
        put_time("notBefore", r->lower_ms);
        printf(",");
        put_time("notAfter", r->upper_ms);
        printf(",\"anchored\":%s,", r->anchored ? "true" : "false");
        put_time("freshAsOf", r->fresh_ms);
        put_record(s, r);
    }
    printf(",");
    put_data(&r->data);
    printf(",");
    put_notes(r->notes);
    printf(",");
    put_steps(r);
    printf("}");
}

static void put_source(const struct app_show *s, size_t idx, const struct vch_verifier_source *src,
                       size_t *next_item)
{
    struct vch_verifier_item it;

    printf("{\"file\":");
    put_text(vch_text(src->name));
    printf(",\"verdict\":\"%s\",\"complete\":%s,\"bare\":%s,\"error\":",
           vch_verdict_name(src->verdict), src->ended ? "true" : "false",
           src->bare ? "true" : "false");
    put_code(src->err);
    printf(",\"errorAt\":%" PRIu64 ",\"unknownStatements\":%" PRIu64 ",\"items\":[",
           vch_ok(src->err) ? 0 : src->err_at, src->dropped);
    while (vch_verifier_item(s->v, *next_item, &it) && it.source == idx) {
        printf("%s\n  ", it.number == 0 ? "" : ",");
        put_item(s, &it);
        ++*next_item;
    }
    printf("]}");
}

void app_show_json(const struct app_show *s)
{
    const struct vch_verifier_summary *m = &s->summary;
    struct vch_verifier_source src;
    size_t next_item = 0;

    printf("{\"verdict\":\"%s\",\"exit\":%d,\"code\":", vch_verdict_name(m->verdict),
           m->verdict == VCH_VERDICT_VALID     ? VCH_EXIT_OK
           : m->verdict == VCH_VERDICT_INVALID ? VCH_EXIT_REFUSED
                                               : VCH_EXIT_UNKNOWN);
    put_code(m->why);
    printf(",");
    put_time("at", s->at_ms);
    printf(",\"offline\":%s,\"unreachable\":%zu", s->offline ? "true" : "false", s->fetch_failed);
    printf(",\"items\":%" PRIu64 ",\"valid\":%" PRIu64 ",\"invalid\":%" PRIu64
           ",\"cannotEvaluate\":%" PRIu64 ",",
           m->items, m->valid, m->invalid, m->unknown);
    put_data(&m->data);
    printf(",\"devices\":%" PRIu64 ",\"sequenceGaps\":%" PRIu64 ",\"duplicates\":%" PRIu64
           ",\"openStream\":%s,\"sources\":[",
           m->gaps.devices, m->gaps.missing, m->duplicates, m->open_stream ? "true" : "false");
    for (size_t i = 0; vch_verifier_source(s->v, i, &src); i++) {
        printf("%s\n ", i == 0 ? "" : ",");
        put_source(s, i, &src, &next_item);
    }
    printf("]}\n");
}
