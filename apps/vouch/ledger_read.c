/* vouch ledger head, get, prove, consistency */
#include "commands.h"
#include "ledger_int.h"

#include <stdio.h>

#include <vouch/contract/proof.h>
#include <vouch/file/file.h>
#include <vouch/merkle/tree.h>
#include <vouch/ossl/crypto.h>

int cmd_ledger_head(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf note = vch_buf_init(65536);
    struct ledger_args a = {.dir = NULL};
    struct vch_ledger_head h;
    struct vch_ledger l;
    char **args;
    int n, status;
    vch_err e;

    if (!ledger_parse(&a, cmd, NULL, 0, argc, argv, &n, &args, &status) ||
        !ledger_open(&a, &l, &status)) {
        return status;
    }
    e = vch_ledger_head(&l, &h, &note, NULL);
    if (!vch_ok(e)) {
        vch_ledger_close(&l);
        return vch_cli_fail(e, "head", NULL);
    }
    if (vch_cli.json) {
        printf("{");
        ledger_print_head(l.id, &h);
        printf("}\n");
    } else {
        ledger_print_head(l.id, &h);
        if (note.n > 0) {
            printf("checkpoint\n%.*s", (int)note.n, (const char *)note.p);
        }
    }
    vch_ledger_close(&l);
    return VCH_EXIT_OK;
}

/* ---- get */

static void entry_print(const struct vch_ledger_entry *e, size_t n)
{
    char txid[2 * VCH_HASH_LEN + 1], time[VCH_TIME_TEXT_MAX];

    vch_hex_encode(vch_hash_bytes(&e->txid), VCH_SPAN_OF(txid));
    vch_time_text(e->time, VCH_SPAN_OF(time));
    if (vch_cli.json) {
        printf("{\"txid\":\"%s\",\"index\":%llu,\"batch\":%llu,\"time\":\"%s\",\"system\":%s,"
               "\"bytes\":%zu}\n",
               txid, (unsigned long long)e->index, (unsigned long long)e->batch, time,
               e->is_system ? "true" : "false", n);
        return;
    }
    printf("transaction %s\nindex       %llu\nbatch       %llu\ntime        %s\n"
           "entry       %s, %zu bytes\n",
           txid, (unsigned long long)e->index, (unsigned long long)e->batch, time,
           e->is_system ? "of the ledger itself" : "statement", n);
}

static vch_err save(const char *path, const struct vch_buf *b)
{
    return path == NULL ? VCH_OK : vch_file_write_atomic(path, vch_buf_get(b), 0);
}

static vch_err history_one(void *arg, const struct vch_ledger_entry *e, struct vch_bytes bytes)
{
    (void)arg;
    entry_print(e, bytes.n);
    return VCH_OK;
}

static vch_err history(const struct vch_ledger *l, const char *text)
{
    struct vch_subject s;
    struct vch_bytes b;

    VCH_TRY(vch_hex_decode(vch_text(text), VCH_SPAN_OF(s.b), &b));
    VCH_CHECK(b.n == VCH_SUBJECT_LEN, TEXT);
    return vch_ledger_history(vch_ossl_crypto(), l, &s, history_one, NULL);
}

static vch_err get(const struct vch_ledger *l, const struct ledger_args *a, const char *txid)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf bytes = vch_buf_init(2u << 20);
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct vch_ledger_entry e;
    struct vch_hash id;
    struct vch_bytes b;

    if (txid != NULL) {
        VCH_TRY(vch_hex_decode(vch_text(txid), VCH_SPAN_OF(id.b), &b));
        VCH_CHECK(b.n == VCH_HASH_LEN, TEXT);
        VCH_TRY(vch_ledger_get(l, &id, &e, &bytes, &receipt));
    } else {
        VCH_TRY(vch_ledger_entry_at(l, a->index, &e, &bytes, &receipt));
    }
    VCH_TRY(save(a->out, &bytes));
    VCH_TRY(save(a->receipt, &receipt));
    entry_print(&e, bytes.n);
    return VCH_OK;
}

int cmd_ledger_get(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct ledger_args a = {.index = UINT64_MAX};
    const struct vch_cli_opt opts[] = {
        {"out", 'o', VCH_CLI_TEXT, &a.out, "FILE", "write the entry's bytes there"},
        {"receipt", 'r', VCH_CLI_TEXT, &a.receipt, "FILE", "write its receipt there"},
        {"index", 'i', VCH_CLI_U64, &a.index, "N", "the entry at this place of the log"},
        {"subject", 's', VCH_CLI_TEXT, &a.subject, "HEX", "all of a lineage, the newest first"},
    };
    struct vch_ledger l;
    char **args;
    int n, status;
    vch_err e;

    if (!ledger_parse(&a, cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if ((n == 1) + (a.index != UINT64_MAX) + (a.subject != NULL) != 1 || n > 1) {
        return vch_cli_usage("give a transaction ID, --index or --subject");
    }
    if (!ledger_open(&a, &l, &status)) {
        return status;
    }
    e = a.subject != NULL ? history(&l, a.subject) : get(&l, &a, n == 1 ? args[0] : NULL);
    vch_ledger_close(&l);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "get", NULL);
}

/* ---- prove */

static const char *const kinds[] = {"",        "transaction", "subject",
                                    "content", "device-key",  "authority"};

static enum vch_state_kind kind_of(const char *text)
{
    for (size_t i = 1; i < VCH_ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i], text) == 0) {
            return (enum vch_state_kind)i;
        }
    }
    return (enum vch_state_kind)0;
}

static vch_err proof_print(struct vch_bytes raw)
{
    struct vch_state_proof *p = vch_mem_alloc(sizeof(*p));
    char time[VCH_TIME_TEXT_MAX], text[2048];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(text));
    struct vch_bytes shown = vch_text("none");
    vch_err e = vch_state_proof_decode(raw, p);

    if (vch_ok(e) && p->present && vch_ok(vch_cbor_diag(p->value, &w))) {
        e = vch_writer_finish(&w, &shown);
    }
    if (vch_ok(e)) {
        vch_time_text(p->root.time, VCH_SPAN_OF(time));
        if (vch_cli.json) {
            printf("{\"present\":%s,\"size\":%llu,\"time\":\"%s\",\"bytes\":%zu}\n",
                   p->present ? "true" : "false", (unsigned long long)p->receipt.head.size, time,
                   raw.n);
        } else {
            printf(
                "%s\nvalue       %.*s\nat size     %llu\ntime        %s\nproof       %zu bytes\n",
                p->present ? "proven: the ledger holds this value"
                           : "proven: the ledger holds nothing there",
                (int)shown.n, (const char *)shown.p, (unsigned long long)p->receipt.head.size, time,
                raw.n);
        }
    }
    vch_mem_free(p);
    return e;
}

static vch_err prove(const struct vch_ledger *l, const struct ledger_args *a,
                     enum vch_state_kind kind, const char *hex)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf raw = vch_buf_init(VCH_LEDGER_PROOF_MAX);
    uint8_t room[VCH_STATE_ID_MAX];
    struct vch_bytes id;

    VCH_TRY(vch_hex_decode(vch_text(hex), VCH_SPAN_OF(room), &id));
    VCH_TRY(vch_ledger_state_proof(l, kind, id, &raw));
    VCH_TRY(save(a->out, &raw));
    return proof_print(vch_buf_get(&raw));
}

int cmd_ledger_prove(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct ledger_args a = {.dir = NULL};
    const struct vch_cli_opt opts[] = {
        {"out", 'o', VCH_CLI_TEXT, &a.out, "FILE", "write the proof (CBOR) there"},
    };
    struct vch_ledger l;
    char **args;
    int n, status;
    vch_err e;

    if (!ledger_parse(&a, cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 2 || kind_of(args[0]) == 0) {
        return vch_cli_usage("give what to prove (transaction, subject, content, device-key, "
                             "authority) and its id in hexadecimal");
    }
    if (!ledger_open(&a, &l, &status)) {
        return status;
    }
    e = prove(&l, &a, kind_of(args[0]), args[1]);
    vch_ledger_close(&l);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "prove", NULL);
}

/* ---- consistency */

/* OLD is a size, and with its root the beginning that the caller holds. */
static vch_err consistency(const struct vch_ledger *l, uint64_t old, const char *root_hex)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf path = vch_buf_init(VCH_LEDGER_PATH_MAX * VCH_HASH_LEN);
    struct vch_ledger_head h;
    struct vch_hash root;
    struct vch_bytes b;

    VCH_TRY(vch_hex_decode(vch_text(root_hex), VCH_SPAN_OF(root.b), &b));
    VCH_CHECK(b.n == VCH_HASH_LEN, TEXT);
    VCH_TRY(vch_ledger_head(l, &h, NULL, NULL));
    VCH_CHECK(old <= h.size, LEDGER_FORK); /* it once was longer */
    VCH_TRY(vch_ledger_consistency(l, old, h.size, &path));
    VCH_CHECK(vch_ok(vch_merkle_consistency_verify(vch_ossl_crypto(), old, &root, h.size, &h.root,
                                                   (const struct vch_hash *)(const void *)path.p,
                                                   path.n / VCH_HASH_LEN)),
              LEDGER_FORK);
    if (vch_cli.json) {
        printf("{\"consistent\":true,\"from\":%llu,", (unsigned long long)old);
        ledger_print_head(l->id, &h);
        printf("}\n");
    } else {
        printf("consistent: the log of %llu entries is the beginning of that of %llu\n",
               (unsigned long long)old, (unsigned long long)h.size);
    }
    return VCH_OK;
}

int cmd_ledger_consistency(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct ledger_args a = {.dir = NULL};
    struct vch_ledger l;
    uint64_t old;
    char **args;
    int n, status;
    vch_err e;

    if (!ledger_parse(&a, cmd, NULL, 0, argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 2 || !vch_ok(vch_u64_parse(vch_text(args[0]), UINT64_MAX - 1, &old)) || old == 0) {
        return vch_cli_usage("give the size and the root (hexadecimal) of an earlier head");
    }
    if (!ledger_open(&a, &l, &status)) {
        return status;
    }
    e = consistency(&l, old, args[1]);
    vch_ledger_close(&l);
    return vch_ok(e) ? VCH_EXIT_OK : vch_cli_fail(e, "consistency", NULL);
}
