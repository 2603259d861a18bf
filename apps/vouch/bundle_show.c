/* `vouch bundle show`: what a bundle holds, record by record, without judging it. */
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vouch/base/text.h>
#include <vouch/cose/receipt.h>
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/anchor.h>
#include <vouch/stmt/bundle.h>
#include <vouch/stmt/endorsement.h>
#include <vouch/stmt/item.h>

struct show {
    const struct vch_crypto *cr;
    bool data; /* print rows */
    uint64_t items;
};

static const char *hex(struct vch_bytes b, size_t n, char room[65])
{
    return vch_hex_encode(vch_bytes_slice(b, 0, n), vch_span(room, 65));
}

static const char *when(int64_t ms, char room[VCH_TIME_TEXT_MAX])
{
    return vch_time_text((struct vch_time){ms}, vch_span(room, VCH_TIME_TEXT_MAX));
}

/* A text that came from outside, with control characters made visible. */
static void put_text(struct vch_bytes b, size_t max)
{
    size_t n = b.n < max ? b.n : max;
    bool text = vch_utf8_check(b);

    for (size_t i = 0; i < n; i++) {
        if (text ? b.p[i] < 0x20 || b.p[i] == 0x7f : b.p[i] < 0x20 || b.p[i] > 0x7e) {
            printf("\\x%02x", b.p[i]);
        } else {
            putchar(b.p[i]);
        }
    }
    if (n < b.n) {
        printf("... (%zu bytes)", b.n);
    }
}

static void show_endorsement(const struct show *s, const struct vch_stmt_bundle_rec *rec)
{
    static const char *const actions[] = {"?", "register", "update", "retire"};
    struct vch_stmt_endorsement e;
    char a[65], t[VCH_TIME_TEXT_MAX];

    if (!vch_ok(vch_stmt_endorsement_decode(s->cr, rec->body, &e))) {
        printf("  malformed endorsement\n");
        return;
    }
    printf("  endorsement: %s, seq %" PRIu64 ", subject %s\n", actions[e.action], e.seq,
           hex(VCH_BYTES_OF(e.subject), 16, a));
    printf("    by %.*s, operator %.*s, assurance %d, effective %s\n", (int)e.st.iss.n,
           (const char *)e.st.iss.p, (int)e.operator_id.n, (const char *)e.operator_id.p,
           e.assurance, when(e.effective_at_ms, t));
    printf("    device key %s, in: %s, algorithms:", hex(e.reg.st.kid, 32, a),
           vch_custody_name(e.reg.custody));
    for (size_t i = 0; i < e.reg.alg_count; i++) {
        printf(" %s", vch_alg_name(e.reg.algs[i]));
    }
    printf("; %zu account digests\n", e.account.count);
}

static void show_receipts(const struct vch_stmt_bundle_rec *rec)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_bytes one;
    struct vch_receipt r;
    char t[VCH_TIME_TEXT_MAX];

    while (vch_stmt_bundle_list_next(&list, &one)) {
        if (vch_ok(vch_receipt_decode(one, &r))) {
            printf("    receipt of %.*s: entry %" PRIu64 " of %" PRIu64 ", recorded %s\n",
                   (int)r.head.ledger.n, (const char *)r.head.ledger.p, r.index, r.head.size,
                   when(r.head.time_ms, t));
        } else {
            printf("    receipt of another form, %zu bytes\n", one.n);
        }
    }
}

static void show_statement(const struct show *s, const struct vch_stmt_bundle_rec *rec)
{
    struct vch_stmt_anchor an;
    struct vch_hash txid;
    struct vch_sign1 st;
    char a[65];

    vch_sha256_of(s->cr, rec->body, &txid);
    printf("statement %s\n", hex(vch_hash_bytes(&txid), 32, a));
    if (!vch_ok(vch_sign1_decode(rec->body, VCH_SIGN1_STATEMENT, &st))) {
        printf("  malformed\n");
    } else if (vch_stmt_type_of(&st) == VCH_STMT_ENDORSEMENT) {
        show_endorsement(s, rec);
    } else if (vch_ok(vch_stmt_anchor_decode(rec->body, &an))) {
        printf("  anchor of %" PRIu64 " items by ", an.count);
        put_text(an.st.iss, 128);
        printf("\n");
    } else {
        printf("  of type ");
        put_text(st.typ, 128);
        printf("\n");
    }
    show_receipts(rec);
}

static void show_disclosures(const struct vch_stmt_bundle_rec *rec)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_disclosure d;
    struct vch_bytes one;
    char a[65];

    printf("disclosures of %s...\n", hex(rec->id, 8, a));
    while (vch_stmt_bundle_list_next(&list, &one)) {
        if (!vch_ok(vch_stmt_disclosure_decode(one, &d))) {
            printf("  malformed\n");
            continue;
        }
        printf("  %s = ", vch_stmt_disc_name(d.key));
        switch (d.value.type) {
        case VCH_DISC_TEXT:
            put_text(d.value.bytes, 256);
            break;
        case VCH_DISC_INT:
            printf("%" PRId64, d.value.num);
            break;
        case VCH_DISC_BOOL:
            printf("%s", d.value.flag ? "true" : "false");
            break;
        case VCH_DISC_BYTES:
            printf("%zu bytes", d.value.bytes.n);
            break;
        case VCH_DISC_NULL:
            printf("null");
            break;
        }
        printf("\n");
    }
}

static void show_item(struct show *s, const struct vch_stmt_bundle_rec *rec)
{
    struct vch_stmt_item it;
    char a[65], t[VCH_TIME_TEXT_MAX];

    printf("item %" PRIu64 ": ", s->items++);
    if (!vch_ok(vch_stmt_item_decode(rec->body, &it))) {
        printf("malformed\n");
        return;
    }
    printf("%s, sequence %" PRIu64 ", claimed %s", it.mode == VCH_ITEM_BATCH ? "batch" : "single",
           it.seq, when(it.time_ms, t));
    if (it.mode == VCH_ITEM_BATCH) {
        printf(", %" PRIu64 " rows from %s", it.count, when(it.first_time_ms, t));
    }
    printf(", %s, type ", vch_alg_name(it.st.alg));
    put_text(it.content_type, 128);
    printf("\n  cites %s", hex(it.kid, 16, a));
    if (it.has_pointer) {
        printf(" at %.*s, %.*s", (int)it.pointer_address.ledger.n,
               (const char *)it.pointer_address.ledger.p, (int)it.pointer_address.url.n,
               (const char *)it.pointer_address.url.p);
    }
    printf("\n");
}

static void show_rows(const struct show *s, const struct vch_stmt_bundle_rec *rec)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_bytes one;
    uint64_t idx = rec->index;

    printf("data of item %" PRIu64 ": rows %" PRIu64 " to %" PRIu64 "\n", rec->item, idx,
           idx + rec->list.count - 1);
    while (s->data && vch_stmt_bundle_list_next(&list, &one)) {
        printf("  %" PRIu64 ": ", idx++);
        put_text(one, 1024);
        printf("\n");
    }
}

static void show_row(const struct show *s, const struct vch_stmt_bundle_rec *rec)
{
    char a[65];

    printf("row %" PRIu64 " of item %" PRIu64 ", path of %zu hashes", rec->index, rec->item,
           rec->list.count);
    if (rec->salt.n == 0) {
        printf(", stripped: %s", hex(rec->body, 32, a));
    } else if (s->data) {
        printf(": ");
        put_text(rec->body, 1024);
    }
    printf("\n");
}

static void show_record(struct show *s, const struct vch_stmt_bundle_rec *rec)
{
    char a[65];

    switch (rec->type) {
    case VCH_REC_HEAD:
        printf("bundle, version %d\n", VCH_CURRENT_FORMAT);
        break;
    case VCH_REC_STATEMENT:
        show_statement(s, rec);
        break;
    case VCH_REC_DISCLOSURES:
        show_disclosures(rec);
        break;
    case VCH_REC_CERTIFICATE: {
        struct vch_hash h;

        vch_sha256_of(s->cr, rec->body, &h);
        printf("certificate %s, %zu bytes\n", hex(vch_hash_bytes(&h), 32, a), rec->body.n);
        break;
    }
    case VCH_REC_STATE_PROOF:
        printf("state proof, %zu bytes\n", rec->body.n);
        break;
    case VCH_REC_GENESIS:
        printf("genesis, %zu bytes\n", rec->body.n);
        show_receipts(rec);
        break;
    case VCH_REC_ITEM:
        show_item(s, rec);
        break;
    case VCH_REC_ROWS:
        show_rows(s, rec);
        break;
    case VCH_REC_ROW:
        show_row(s, rec);
        break;
    case VCH_REC_ANCHOR:
        printf("item %" PRIu64 " is leaf %" PRIu64 " of anchor %s...\n", rec->item, rec->index,
               hex(rec->id, 8, a));
        break;
    case VCH_REC_FILE:
        printf("data of item %" PRIu64 " in a file beside: ", rec->item);
        put_text(rec->body, VCH_FILE_NAME_MAX);
        printf(", %" PRIu64 " bytes\n", rec->index);
        break;
    case VCH_REC_END:
        printf("end after %" PRIu64 " records\n", rec->count);
        break;
    }
}

/* Reads in windows, so that a bundle of any size can be shown. */
static vch_err show_file(struct show *s, FILE *f, bool *ret_ended)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf b = vch_buf_init(2 * (size_t)VCH_REC_MAX);
    struct vch_stmt_bundle_reader r;
    struct vch_stmt_bundle_rec rec;
    enum vch_stmt_bundle_step step;
    struct vch_span room;
    bool last = false;
    size_t pos = 0;

    vch_stmt_bundle_reader_init(&r, s->cr, false);
    for (;;) {
        VCH_TRY(vch_stmt_bundle_next(&r, vch_bytes(b.p + pos, b.n - pos), last, &step, &rec));
        if (step == VCH_BUNDLE_END) {
            *ret_ended = r.ended;
            return VCH_OK;
        }
        if (step == VCH_BUNDLE_RECORD) {
            show_record(s, &rec);
            pos += rec.whole.n;
            continue;
        }
        if (pos > 0) {
            memmove(b.p, b.p + pos, b.n - pos);
            b.n -= pos;
            pos = 0;
        }
        VCH_TRY(vch_buf_room(&b, 65536, &room));
        vch_buf_added(&b, fread(room.p, 1, 65536, f));
        VCH_CHECK(ferror(f) == 0, FILE_READ);
        last = feof(f) != 0;
    }
}

int cmd_bundle_show(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct show s = {.cr = vch_ossl_crypto()};
    const struct vch_cli_opt opts[] = {
        {"data", 0, VCH_CLI_FLAG, &s.data, NULL, "also the data rows"},
    };
    bool ended = false;
    int n, status;
    char **args;
    vch_err e;
    FILE *f;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 1) {
        return vch_cli_usage("name one bundle, or - for standard input");
    }
    f = strcmp(args[0], "-") == 0 ? stdin : fopen(args[0], "rb");
    e = f == NULL ? VCH_E(FILE_OPEN) : show_file(&s, f, &ended);
    if (f != NULL && f != stdin) {
        fclose(f);
    }
    if (!vch_ok(e)) {
        return vch_cli_fail(e, "reading", args[0]);
    }
    if (!ended) {
        printf("no end record: an open stream\n");
    }
    return VCH_EXIT_OK;
}
