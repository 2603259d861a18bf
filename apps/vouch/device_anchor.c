/* vouch device anchor: has the ledger record that the items of a bundle existed by now. */
#include "commands.h"
#include "device_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/base/text.h>
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/anchor.h>

/* Reads a bundle record by record from a file of any size. */
struct source {
    int fd;
    struct vch_buf in;
    size_t at;
    bool eof;
    struct vch_stmt_bundle_reader reader;
};

static vch_err source_open(struct source *s, const char *path)
{
    memset(s, 0, sizeof(*s));
    s->in = vch_buf_init(2 * (size_t)VCH_REC_MAX);
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    VCH_CHECK(s->fd >= 0, FILE_OPEN);
    vch_stmt_bundle_reader_init(&s->reader, vch_ossl_crypto(), false);
    return VCH_OK;
}

static void source_close(struct source *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    vch_buf_fini(&s->in);
    s->fd = -1;
}

static vch_err more(struct source *s)
{
    struct vch_span room;
    ssize_t n;

    if (s->at != 0) {
        memmove(s->in.p, s->in.p + s->at, s->in.n - s->at);
        s->in.n -= s->at;
        s->at = 0;
    }
    VCH_TRY(vch_buf_room(&s->in, 1 << 20, &room));
    do {
        n = read(s->fd, room.p, 1 << 20);
    } while (n < 0 && errno == EINTR);
    VCH_CHECK(n >= 0, FILE_READ);
    s->eof = n == 0;
    vch_buf_added(&s->in, (size_t)n);
    return VCH_OK;
}

static vch_err next(struct source *s, struct vch_stmt_bundle_rec *ret, bool *ret_more)
{
    for (;;) {
        struct vch_bytes window = vch_bytes_slice(vch_buf_get(&s->in), s->at, SIZE_MAX);
        enum vch_stmt_bundle_step step;

        VCH_TRY(vch_stmt_bundle_next(&s->reader, window, s->eof, &step, ret));
        if (step == VCH_BUNDLE_RECORD) {
            s->at += ret->whole.n;
            *ret_more = true;
            return VCH_OK;
        }
        if (step == VCH_BUNDLE_END && s->eof) {
            *ret_more = false;
            return VCH_OK;
        }
        VCH_TRY(more(s));
    }
}

/* Leaf of every item. */
static vch_err collect(const char *path, struct vch_buf *leaves)
{
    struct vch_stmt_bundle_rec rec;
    struct source src;
    bool there = true;
    vch_err e = source_open(&src, path);

    while (vch_ok(e) && there) {
        struct vch_hash leaf;

        e = next(&src, &rec, &there);
        if (vch_ok(e) && there && rec.type == VCH_REC_ITEM) {
            vch_stmt_anchor_leaf(vch_ossl_crypto(), rec.body, &leaf);
            e = vch_buf_append(leaves, vch_hash_bytes(&leaf));
        }
    }
    source_close(&src);
    return e;
}

/* All complete nodes of the tree over the items, level after level: paths cost no hashing then. */
struct tree {
    struct vch_hash *node[VCH_MERKLE_LEVELS]; /* of each level, within one allocation */
    uint64_t count;
};

static void keep_node(void *self, unsigned level, uint64_t index, const struct vch_hash *hash)
{
    struct tree *t = self;

    t->node[level][index] = *hash;
}

static vch_err get_node(void *self, unsigned level, uint64_t index, struct vch_hash *ret)
{
    const struct tree *t = self;

    VCH_CHECK(index < t->count >> level, MERKLE_RANGE);
    *ret = t->node[level][index];
    return VCH_OK;
}

static vch_err tree_init(struct tree *t, const struct vch_buf *leaves)
{
    struct vch_merkle_frontier f = {0};
    struct vch_hash leaf, *all;

    t->count = leaves->n / VCH_HASH_LEN;
    all = vch_mem_alloc((size_t)t->count * 2 * sizeof(*all) + 1);
    for (unsigned level = 0; level < VCH_MERKLE_LEVELS; level++) {
        t->node[level] = all;
        all += t->count >> level;
    }
    for (uint64_t i = 0; i < t->count; i++) {
        memcpy(leaf.b, leaves->p + i * VCH_HASH_LEN, VCH_HASH_LEN);
        VCH_TRY(vch_merkle_frontier_append_emit(vch_ossl_crypto(), &f, &leaf, keep_node, t));
    }
    return VCH_OK;
}

static void tree_fini(struct tree *t)
{
    vch_mem_free(t->node[0]);
    t->node[0] = NULL;
}

struct anchored {
    uint8_t room[2048];
    struct vch_bytes statement;
    struct vch_hash txid;
    struct vch_buf receipt;
    bool verified;
};

static vch_err record(struct device_session *s, struct tree *t, struct device_link *link,
                      struct anchored *ret)
{
    struct vch_merkle_source src = {get_node, t};
    struct vch_hash root;

    VCH_TRY(vch_merkle_root(vch_ossl_crypto(), &src, t->count, &root));
    VCH_TRY(vch_device_anchor(&s->d, &root, t->count, device_now_ms(), VCH_SPAN_OF(ret->room),
                              &ret->statement));
    vch_sha256_of(vch_ossl_crypto(), ret->statement, &ret->txid);
    VCH_TRY(device_link_open(s, link));
    VCH_TRY(device_link_post(link, "/rp-ud/v1/anchors", "application/vouch-anchor+cose",
                             "application/vouch-receipt+cose", ret->statement, &ret->receipt));
    return vch_device_receipt_check(&s->d, ret->statement, vch_buf_get(&ret->receipt),
                                    &ret->verified);
}

static vch_err put(struct device_out *o, struct vch_writer *w)
{
    struct vch_bytes rec;

    VCH_TRY(vch_writer_finish(w, &rec));
    return device_out_record(o, rec);
}

static vch_err append_anchor(struct device_out *o, struct tree *t, const struct anchored *a)
{
    static uint8_t room[VCH_STATEMENT_MAX + VCH_RECEIPT_MAX + 64];
    struct vch_merkle_source src = {get_node, t};
    struct vch_bytes receipt = vch_buf_get(&a->receipt);
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));

    vch_stmt_bundle_put_statement(&w, a->statement, &receipt, 1);
    VCH_TRY(put(o, &w));
    for (uint64_t i = 0; i < t->count; i++) {
        struct vch_merkle_path path;

        VCH_TRY(vch_merkle_inclusion(vch_ossl_crypto(), &src, i, t->count, &path));
        w = vch_writer(VCH_SPAN_OF(room));
        vch_stmt_bundle_put_anchor(&w, i, &a->txid, i, path.h, path.count);
        VCH_TRY(put(o, &w));
    }
    return VCH_OK;
}

/* The bundle with the anchor behind its records, in a file beside, which then takes its place. */
static vch_err rewrite(const char *path, const char *out, struct tree *t, const struct anchored *a)
{
    char temporary[DEVICE_PATH_ROOM];
    struct vch_stmt_bundle_rec rec;
    struct device_out o;
    struct source src;
    bool there = true;
    struct stat st;
    vch_err e;

    /* Written beside and renamed: a device or pipe would be replaced. */
    VCH_CHECK(stat(out, &st) != 0 || S_ISREG(st.st_mode), FILE_IO);
    VCH_CHECK(snprintf(temporary, sizeof(temporary), "%s.tmp", out) < (int)sizeof(temporary),
              NO_ROOM);
    VCH_TRY(source_open(&src, path));
    e = device_out_open(&o, temporary); /* writes the head record */
    while (vch_ok(e)) {
        e = next(&src, &rec, &there);
        if (!vch_ok(e) || !there) {
            break;
        }
        if (rec.type != VCH_REC_HEAD && rec.type != VCH_REC_END) {
            e = device_out_record(&o, rec.whole);
        }
    }
    if (vch_ok(e)) {
        e = append_anchor(&o, t, a);
    }
    if (vch_ok(e)) {
        e = device_out_end(&o);
    }
    device_out_close(&o);
    source_close(&src);
    if (vch_ok(e) && rename(temporary, out) != 0) {
        e = vch_file_errno(errno);
    }
    if (!vch_ok(e)) {
        (void)unlink(temporary);
    }
    return e;
}

static void print_result(const struct anchored *a, uint64_t items)
{
    char txid[65];

    vch_hex_encode(vch_hash_bytes(&a->txid), VCH_SPAN_OF(txid));
    if (vch_cli.json) {
        printf("{\"txid\":\"%s\",\"items\":%llu,\"receipt_verified\":%s}\n", txid,
               (unsigned long long)items, a->verified ? "true" : "false");
    } else {
        printf("%sanchored%s %llu items: %s%s\n", vch_cli_green(), vch_cli_reset(),
               (unsigned long long)items, txid,
               a->verified ? "" : " (no key of the ledger is provisioned: receipt not verified)");
    }
}

static vch_err anchor(struct device_session *s, struct device_link *link, const char *path,
                      const char *out, struct vch_buf *leaves, struct tree *t, struct anchored *a)
{
    vch_err e;

    VCH_TRY(vch_device_ready(&s->d));
    VCH_TRY(collect(path, leaves));
    VCH_CHECK(leaves->n != 0, DEVICE_BATCH);
    e = tree_init(t, leaves);
    if (vch_ok(e)) {
        e = record(s, t, link, a);
    }
    if (vch_ok(e)) {
        e = rewrite(path, out != NULL ? out : path, t, a);
    }
    VCH_TRY(e);
    print_result(a, t->count);
    return VCH_OK;
}

int cmd_device_anchor(const struct vch_cli_cmd *cmd, int argc, char **argv)
{
    struct device_args a = {.dir = DEVICE_DIR};
    const char *out = NULL;
    const struct vch_cli_opt opts[] = {
        DEVICE_OPTS(a),
        {"out", 'o', VCH_CLI_TEXT, &out, "FILE",
         "write the anchored bundle there (default: in place)"},
    };
    VCH_AUTO(vch_buf_fini) struct vch_buf leaves = vch_buf_init((size_t)1 << 30);
    static struct anchored made;
    static struct tree tree;
    static struct device_session s;
    struct device_link link = {NULL, ""};
    int n, status;
    char **args;
    vch_err e;

    if (!vch_cli_parse(cmd, opts, VCH_ARRAY_LEN(opts), argc, argv, &n, &args, &status)) {
        return status;
    }
    if (n != 1) {
        return vch_cli_usage("name one bundle");
    }
    made.receipt = vch_buf_init(VCH_RECEIPT_MAX);
    e = device_open(&s, &a);
    if (vch_ok(e)) {
        e = anchor(&s, &link, args[0], out, &leaves, &tree, &made);
    }
    vch_buf_fini(&made.receipt);
    tree_fini(&tree);
    device_link_close(&link);
    device_close(&s);
    return vch_ok(e) ? VCH_EXIT_OK
                     : vch_cli_fail(e, "anchor", link.detail[0] != 0 ? link.detail : args[0]);
}
