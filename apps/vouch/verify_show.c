/* The result of a verification, for people. */
#include "evidence.h"

#include <inttypes.h>
#include <stdio.h>

#include <vouch/base/text.h>

#define PROBLEMS_SHOWN 20 /* items beyond it are counted only */

static const char *time_text(int64_t ms, char room[VCH_TIME_TEXT_MAX])
{
    return vch_time_text((struct vch_time){ms}, vch_span(room, VCH_TIME_TEXT_MAX));
}

/* 17568 as "17,568". */
static const char *grouped(uint64_t n, char room[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), o = 0;

    for (int i = 0; i < len; i++) {
        room[o++] = digits[i];
        if ((len - i - 1) % 3 == 0 && i + 1 < len) {
            room[o++] = ',';
        }
    }
    room[o] = 0;
    return room;
}

static const char *mark(enum vch_step_state s, const char **ret_color)
{
    switch (s) {
    case VCH_STEP_PASS:
        *ret_color = vch_cli_green();
        return "ok  ";
    case VCH_STEP_FAIL:
        *ret_color = vch_cli_red();
        return "FAIL";
    case VCH_STEP_UNKNOWN:
        *ret_color = vch_cli_yellow();
        return "?   ";
    default:
        *ret_color = vch_cli_dim();
        return "-   ";
    }
}

/* What is particular about a step that passed. */
static void step_detail(const struct app_show *s, const struct vch_verify_report *r,
                        enum vch_step i)
{
    const struct vch_verify_trust *t = vch_verifier_trust(s->v);
    char a[VCH_TIME_TEXT_MAX], b[VCH_TIME_TEXT_MAX];
    const struct vch_verify_record *rec = r->record;

    switch (i) {
    case VCH_STEP_RECEIPT:
        printf(" (%.*s, entry %" PRIu64 ", recorded %s)", (int)t->ledgers[rec->ledger].id.n,
               (const char *)t->ledgers[rec->ledger].id.p, rec->index, time_text(rec->time_ms, a));
        break;
    case VCH_STEP_CERTIFICATE:
        printf(" (%.*s%s)", (int)rec->e.st.iss.n, (const char *)rec->e.st.iss.p,
               rec->pinned ? ", key pinned" : "");
        break;
    case VCH_STEP_POSSESSION:
        printf(" (key in: %s)", vch_custody_name(rec->e.reg.custody));
        break;
    case VCH_STEP_ORIGIN:
        printf(" (%s, sequence %" PRIu64 ")", vch_alg_name(r->item.st.alg), r->item.seq);
        break;
    case VCH_STEP_FRESHNESS:
        printf(" (known up to %s)", time_text(r->fresh_ms, a));
        break;
    case VCH_STEP_TIME:
        printf(" (claimed %s;", time_text(r->item.time_ms, a));
        printf(" not before %s,", time_text(r->lower_ms, b));
        printf(r->anchored ? " anchored by %s)" : " no anchor; verdict of %s)",
               time_text(r->upper_ms, a));
        break;
    case VCH_STEP_ASSURANCE:
        printf(" (level %d, %s; operator %.*s)", rec->e.assurance,
               vch_assurance_name(rec->e.assurance), (int)rec->e.operator_id.n,
               (const char *)rec->e.operator_id.p);
        break;
    default:
        break;
    }
}

static void show_steps(const struct app_show *s, const struct vch_verify_report *r)
{
    for (unsigned i = 0; i < VCH_STEPS; i++) {
        const struct vch_verify_step *st = &r->step[i];
        const char *color;
        const char *m = mark(st->state, &color);

        printf("    %s%s%s %-23s ", color, m, vch_cli_reset(), vch_step_name((enum vch_step)i));
        if (st->state == VCH_STEP_PASS) {
            printf("%s", vch_step_text((enum vch_step)i));
            step_detail(s, r, (enum vch_step)i);
        } else if (st->state == VCH_STEP_NOT_CHECKED) {
            printf("%snot checked%s", vch_cli_dim(), vch_cli_reset());
        } else {
            printf("%s [%s]", vch_err_info(st->why)->text, vch_err_info(st->why)->slug);
        }
        printf("\n");
    }
}

static void show_notes(const char *indent, unsigned notes, const struct vch_verify_report *r)
{
    char a[VCH_TIME_TEXT_MAX];

    for (unsigned bit = 1; bit <= VCH_NOTE_UNTRUSTED_PLACE; bit <<= 1) {
        if ((notes & bit) == 0) {
            continue;
        }
        printf("%snote: %s", indent, vch_note_text((enum vch_note)bit));
        if (bit == VCH_NOTE_FRESHNESS && r != NULL) {
            printf(" (%s)", time_text(r->fresh_ms, a));
        }
        printf("\n");
    }
}

static const char *verdict_color(enum vch_verdict v)
{
    return v == VCH_VERDICT_VALID     ? vch_cli_green()
           : v == VCH_VERDICT_INVALID ? vch_cli_red()
                                      : vch_cli_yellow();
}

static void show_item(const struct app_show *s, const struct vch_verifier_item *it, bool steps,
                      vch_err *explained)
{
    const struct vch_verify_report *r = it->report;
    char n[32];

    printf("  item %" PRIu64 ": %s%s%s", it->number, verdict_color(it->verdict),
           vch_verdict_name(it->verdict), vch_cli_reset());
    if (r->item.mode == VCH_ITEM_BATCH) {
        printf(", batch of %s rows", grouped(r->item.count, n));
    }
    if (it->verdict != VCH_VERDICT_VALID) {
        printf(": %s [%s at %s]", vch_err_info(it->why)->text, vch_err_info(it->why)->slug,
               vch_step_name(it->step));
    }
    printf("\n");
    if (steps) {
        show_steps(s, r);
        show_notes("    ", r->notes, r);
    }
    if (it->verdict != VCH_VERDICT_VALID && !vch_ok(it->why) && !vch_err_is(it->why, *explained)) {
        *explained = it->why; /* once for a run of items with the same problem */
        printf("    %scause: %s; remedy: %s%s\n", vch_cli_dim(), vch_err_info(it->why)->cause,
               vch_err_info(it->why)->remedy, vch_cli_reset());
    }
}

/* All items when few or asked for; otherwise those with a problem. Gives all notes of valid ones,
 * the lowest assurance and the earliest bound of freshness. */
static void show_items(const struct app_show *s, unsigned *ret_notes, int *ret_assurance,
                       const struct vch_verify_report **ret_least_fresh)
{
    struct vch_verifier_item it;
    size_t source = SIZE_MAX, shown = 0, left = 0;
    vch_err explained = VCH_OK;

    for (size_t i = 0; vch_verifier_item(s->v, i, &it); i++) {
        bool good = it.verdict == VCH_VERDICT_VALID;

        if (good) {
            *ret_notes |= it.report->notes;
            if (*ret_assurance == 0 || (int)it.report->record->e.assurance < *ret_assurance) {
                *ret_assurance = (int)it.report->record->e.assurance;
            }
            if (*ret_least_fresh == NULL || it.report->fresh_ms < (*ret_least_fresh)->fresh_ms) {
                *ret_least_fresh = it.report;
            }
        }
        if (!s->explain && s->summary.items > 1 && (good || shown >= PROBLEMS_SHOWN)) {
            left += !good;
            continue;
        }
        if (it.source != source) {
            struct vch_verifier_source src;

            source = it.source;
            if (vch_verifier_source(s->v, source, &src)) {
                printf("%s%s%s\n", vch_cli_bold(), src.name, vch_cli_reset());
            }
        }
        show_item(s, &it, s->explain || s->summary.items == 1, &explained);
        shown += !good;
    }
    if (left > 0) {
        printf("  and %zu more items with a problem; --explain shows all\n", left);
    }
}

static void show_sources(const struct app_show *s)
{
    struct vch_verifier_source src;

    for (size_t i = 0; vch_verifier_source(s->v, i, &src); i++) {
        if (!vch_ok(src.err)) {
            printf("%s%s%s: %s at byte %" PRIu64 " [%s]\n", vch_cli_bold(), src.name,
                   vch_cli_reset(), vch_err_info(src.err)->text, src.err_at,
                   vch_err_info(src.err)->slug);
        } else if (src.items == 0) {
            printf("%s%s%s: holds no item of a device\n", vch_cli_bold(), src.name,
                   vch_cli_reset());
        } else if (!src.ended && !src.bare) {
            printf(
                "%s%s%s: an open stream; what it holds is verified, that it is complete is not\n",
                vch_cli_bold(), src.name, vch_cli_reset());
        }
        if (src.dropped > 0) {
            printf("  %" PRIu64 " statements in it are of no known form and count for nothing\n",
                   src.dropped);
        }
    }
}

static void show_counts(const struct vch_verifier_summary *m)
{
    char a[32], b[32];

    printf("%s item%s of %s device%s", grouped(m->items, a), m->items == 1 ? "" : "s",
           grouped(m->gaps.devices, b), m->gaps.devices == 1 ? "" : "s");
    if (m->items > 1) {
        printf(": %s valid", grouped(m->valid, a));
        printf(", %s invalid", grouped(m->invalid, a));
        printf(", %s cannot be evaluated", grouped(m->unknown, a));
    }
    printf("\n%s data row%s verified", grouped(m->data.rows, a), m->data.rows == 1 ? "" : "s");
    if (m->data.headers > 0) {
        printf(", %s header line%s", grouped(m->data.headers, a), m->data.headers == 1 ? "" : "s");
    }
    if (m->data.stripped > 0) {
        printf(", %s row%s by digest only", grouped(m->data.stripped, a),
               m->data.stripped == 1 ? "" : "s");
    }
    printf(" (%s bytes)\n", grouped(m->data.bytes, a));
    if (m->gaps.missing > 0) {
        printf(
            "%s sequence number%s between the first and the last item of a device do not occur\n",
            grouped(m->gaps.missing, a), m->gaps.missing == 1 ? "" : "s");
    }
}

void app_show_text(const struct app_show *s)
{
    const struct vch_verify_report *least_fresh = NULL;
    const struct vch_verifier_summary *m = &s->summary;
    unsigned notes = 0;
    int assurance = 0;

    show_items(s, &notes, &assurance, &least_fresh);
    show_sources(s);
    if (m->items > 0) {
        show_counts(m);
    }
    if (m->items > 1 || !s->explain) {
        show_notes("", m->items == 1 ? 0 : notes, least_fresh);
    }
    if (least_fresh != NULL) {
        char at[VCH_TIME_TEXT_MAX];

        printf("status of the device%s known up to %s\n",
               m->gaps.devices == 1 ? "" : "s, at the earliest,",
               time_text(least_fresh->fresh_ms, at));
    }
    if (assurance != 0 && m->items > 1) {
        printf("identity assurance: level %d, %s%s\n", assurance,
               vch_assurance_name((enum vch_assurance)assurance),
               m->items > 1 ? " (the lowest of all)" : "");
    }
    printf("%s%s%s%s", vch_cli_bold(), verdict_color(m->verdict), vch_verdict_name(m->verdict),
           vch_cli_reset());
    if (m->verdict != VCH_VERDICT_VALID && !vch_ok(m->why)) {
        printf(": %s [%s]", vch_err_info(m->why)->text, vch_err_info(m->why)->slug);
    }
    printf("\n");
}
