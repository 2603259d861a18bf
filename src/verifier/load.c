#include "verifier_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vouch/stmt/statement.h>

#define WINDOW ((size_t)256 << 10)

/* ---- the table of statements */
static size_t slot_of(const struct vch_verifier *v, const struct vch_hash *txid)
{
    uint64_t h;
    size_t at;

    memcpy(&h, txid->b, sizeof(h));
    at = (size_t)h & (v->by_txid_cap - 1);
    while (v->by_txid[at] != NO_INDEX &&
           !vch_hash_equal(&statement_at(v, v->by_txid[at])->txid, txid)) {
        at = (at + 1) & (v->by_txid_cap - 1);
    }
    return at;
}

static void grow_table(struct vch_verifier *v)
{
    size_t cap = v->by_txid_cap == 0 ? 64 : v->by_txid_cap * 2;

    v->by_txid = vch_mem_realloc(v->by_txid, cap * sizeof(v->by_txid[0]));
    v->by_txid_cap = cap;
    memset(v->by_txid, 0xff, cap * sizeof(v->by_txid[0]));
    for (size_t i = 0; i < v->statements.n; i++) {
        v->by_txid[slot_of(v, &statement_at(v, i)->txid)] = (uint32_t)i;
    }
}

struct statement *vch_verifier_statement_of(struct vch_verifier *v, const struct vch_hash *txid,
                                            bool make)
{
    struct statement *s;
    size_t at;

    /* Only a call that may add changes the table: while it runs, threads look things up. */
    if (make && v->statements.n * 2 >= v->by_txid_cap) {
        grow_table(v);
    }
    if (v->by_txid_cap == 0) {
        return NULL;
    }
    at = slot_of(v, txid);
    if (v->by_txid[at] != NO_INDEX) {
        return statement_at(v, v->by_txid[at]);
    }
    if (!make) {
        return NULL;
    }
    s = vch_verifier_list_add(&v->statements, sizeof(*s));
    s->txid = *txid;
    s->result = NO_INDEX;
    v->by_txid[at] = (uint32_t)(v->statements.n - 1);
    return s;
}

static void add_link(struct vch_verifier *v, struct link **head, size_t *count, size_t max,
                     struct vch_bytes bytes)
{
    struct link *l;

    for (l = *head; l != NULL; l = l->next) {
        if (vch_bytes_equal(l->bytes, bytes)) {
            return;
        }
    }
    if (*count == max) {
        return; /* more than any honest evidence has; the rest cannot help */
    }
    l = vch_verifier_arena_take(&v->arena, sizeof(*l));
    l->bytes = vch_verifier_arena_copy(&v->arena, bytes);
    l->next = *head;
    *head = l;
    ++*count;
}

/* ---- records */
static void take_statement(struct vch_verifier *v, struct source *src,
                           const struct vch_stmt_bundle_rec *rec)
{
    struct vch_stmt_bundle_list receipts = rec->list;
    struct vch_bytes one;
    struct vch_sign1 decoded;
    struct vch_hash txid;
    struct statement *s;

    if (!vch_ok(vch_sign1_decode(rec->body, VCH_SIGN1_STATEMENT, &decoded))) {
        src->dropped++;
        return;
    }
    vch_sha256_of(v->o.cr, rec->body, &txid);
    s = vch_verifier_statement_of(v, &txid, true);
    if (s->bytes.n == 0) {
        s->bytes = vch_verifier_arena_copy(&v->arena, rec->body);
        s->type = vch_stmt_type_of(&decoded);
    }
    while (vch_stmt_bundle_list_next(&receipts, &one)) {
        add_link(v, &s->receipts, &s->receipt_count, 4 * VCH_RECEIPTS_COUNT, one);
    }
}

static void take_disclosures(struct vch_verifier *v, const struct vch_stmt_bundle_rec *rec)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct vch_bytes one;
    struct vch_hash txid;
    struct statement *s;

    memcpy(txid.b, rec->id.p, VCH_HASH_LEN);
    s = vch_verifier_statement_of(v, &txid, true);
    while (vch_stmt_bundle_list_next(&list, &one)) {
        add_link(v, &s->contents, &s->content_count, 4 * VCH_DISCLOSURES_COUNT, one);
    }
}

static void add_want(struct vch_verifier *v, struct vch_bytes item)
{
    struct vch_verifier_want *w;
    struct vch_stmt_item it;

    if (!vch_ok(vch_stmt_item_decode(item, &it)) || !it.has_pointer) {
        return;
    }
    for (size_t i = v->wants.n; i-- > 0;) {
        w = (struct vch_verifier_want *)v->wants.p + i;
        if (vch_bytes_equal(vch_hash_bytes(&w->txid), it.pointer_txid) &&
            vch_bytes_equal(w->url, it.pointer_address.url) &&
            vch_bytes_equal(w->ledger, it.pointer_address.ledger)) {
            return;
        }
    }
    w = vch_verifier_list_add(&v->wants, sizeof(*w));
    memcpy(w->txid.b, it.pointer_txid.p, VCH_HASH_LEN);
    w->url = it.pointer_address.url;
    w->ledger = it.pointer_address.ledger;
}

void vch_verifier_add_item(struct vch_verifier *v, struct source *src, struct vch_bytes bytes)
{
    struct item *it = vch_verifier_list_add(&v->items, sizeof(*it));

    it->bytes = vch_verifier_arena_copy(&v->arena, bytes);
    it->source = (uint32_t)(src - source_at(v, 0));
    it->data_first = it->data_last = it->anchor_first = NO_INDEX;
    src->items++;
    add_want(v, it->bytes);
}

static void take_data(struct vch_verifier *v, struct source *src,
                      const struct vch_stmt_bundle_rec *rec, uint64_t offset)
{
    struct item *it = item_at(v, src->first_item + rec->item);
    struct data_ref *d = vch_verifier_list_add(&v->data_refs, sizeof(*d));
    uint32_t idx = (uint32_t)(v->data_refs.n - 1);

    *d = (struct data_ref){.offset = offset,
                           .length = (uint32_t)rec->whole.n,
                           .source = (uint32_t)(src - source_at(v, 0)),
                           .next = NO_INDEX,
                           .type = rec->type};
    if (it->data_first == NO_INDEX) {
        it->data_first = idx;
    } else {
        data_ref_at(v, it->data_last)->next = idx;
    }
    it->data_last = idx;
}

static void take_anchor(struct vch_verifier *v, struct source *src,
                        const struct vch_stmt_bundle_rec *rec)
{
    struct item *it = item_at(v, src->first_item + rec->item);
    struct anchor_ref *a = vch_verifier_list_add(&v->anchor_refs, sizeof(*a));

    memcpy(a->txid.b, rec->id.p, VCH_HASH_LEN);
    a->index = rec->index;
    a->path.items = vch_verifier_arena_copy(&v->arena, rec->list.items);
    a->path.count = rec->list.count;
    a->next = it->anchor_first;
    it->anchor_first = (uint32_t)(v->anchor_refs.n - 1);
}

static void take_certificate(struct vch_verifier *v, struct vch_bytes der)
{
    struct vch_hash h;

    vch_sha256_of(v->o.cr, der, &h);
    for (size_t i = 0; i < v->cert_hashes.n; i++) {
        if (vch_hash_equal((struct vch_hash *)v->cert_hashes.p + i, &h)) {
            return;
        }
    }
    *(struct vch_hash *)vch_verifier_list_add(&v->cert_hashes, sizeof(h)) = h;
    *(struct vch_bytes *)vch_verifier_list_add(&v->certs, sizeof(der)) =
        vch_verifier_arena_copy(&v->arena, der);
}

vch_err vch_verifier_take_record(struct vch_verifier *v, struct source *src,
                                 const struct vch_stmt_bundle_rec *rec, uint64_t offset)
{
    struct vch_stmt_bundle_list list = rec->list;
    struct genesis_in *g;

    switch (rec->type) {
    case VCH_REC_STATEMENT:
        take_statement(v, src, rec);
        break;
    case VCH_REC_DISCLOSURES:
        take_disclosures(v, rec);
        break;
    case VCH_REC_CERTIFICATE:
        take_certificate(v, rec->body);
        break;
    case VCH_REC_STATE_PROOF:
        *(struct vch_bytes *)vch_verifier_list_add(&v->proofs, sizeof(struct vch_bytes)) =
            vch_verifier_arena_copy(&v->arena, rec->body);
        break;
    case VCH_REC_GENESIS:
        g = vch_verifier_list_add(&v->genesis_in, sizeof(*g));
        g->entry = vch_verifier_arena_copy(&v->arena, rec->body);
        VCH_CHECK(vch_stmt_bundle_list_next(&list, &g->receipt), BUNDLE_RECORD);
        g->receipt = vch_verifier_arena_copy(&v->arena, g->receipt);
        break;
    case VCH_REC_ITEM:
        vch_verifier_add_item(v, src, rec->body);
        break;
    case VCH_REC_ROWS:
    case VCH_REC_ROW:
    case VCH_REC_FILE:
        take_data(v, src, rec, offset);
        break;
    case VCH_REC_ANCHOR:
        take_anchor(v, src, rec);
        break;
    case VCH_REC_HEAD:
    case VCH_REC_END:
        break;
    }
    return VCH_OK;
}

/* ---- reading in windows */
struct window {
    const struct source *src;
    struct vch_buf buf; /* of a file; empty for memory */
    uint64_t offset;    /* of its first byte */
    size_t want;
    bool last;
};

/* The bytes from OFFSET on, W->want of them or to the end. */
static vch_err fill(struct window *w, uint64_t offset, struct vch_bytes *ret)
{
    struct vch_span room;

    if (w->src->fd < 0) {
        *ret = vch_bytes_slice(w->src->memory, (size_t)offset, w->want);
        w->last = offset + ret->n == w->src->memory.n;
        return VCH_OK;
    }
    vch_buf_reset(&w->buf);
    w->last = false;
    while (w->buf.n < w->want) {
        ssize_t got;

        VCH_TRY(vch_buf_room(&w->buf, w->want - w->buf.n, &room));
        got = pread(w->src->fd, room.p, room.cap, (off_t)(offset + w->buf.n));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        VCH_CHECK(got >= 0, FILE_READ);
        if (got == 0) {
            w->last = true;
            break;
        }
        vch_buf_added(&w->buf, (size_t)got);
    }
    *ret = vch_buf_get(&w->buf);
    return VCH_OK;
}

/* Goes through the records; what is wrong with the bytes ends it with that error. */
static vch_err read_bundle(struct vch_verifier *v, struct source *src, struct window *w)
{
    struct vch_stmt_bundle_reader r;
    struct vch_stmt_bundle_rec rec;
    enum vch_stmt_bundle_step step;
    struct vch_bytes view;
    size_t pos = 0;

    vch_stmt_bundle_reader_init(&r, v->o.cr, false);
    w->want = WINDOW;
    VCH_TRY(fill(w, 0, &view));
    for (;;) {
        src->err_at = r.offset;
        VCH_TRY(vch_stmt_bundle_next(&r, vch_bytes_slice(view, pos, view.n), w->last, &step, &rec));
        if (step == VCH_BUNDLE_RECORD) {
            VCH_TRY(vch_verifier_take_record(v, src, &rec, r.offset - rec.whole.n));
            pos += rec.whole.n;
        } else if (step == VCH_BUNDLE_MORE) {
            /* Move the window on; where it begins at this record already, make it longer. */
            w->want = pos > 0 ? WINDOW : w->want * 2;
            w->want = w->want > VCH_REC_MAX ? VCH_REC_MAX : w->want;
            VCH_TRY(fill(w, r.offset, &view));
            pos = 0;
        } else {
            src->ended = r.ended;
            return VCH_OK;
        }
    }
}

/* A run of bare items. Whoever signs otherwise than a device gives no proof of origin. */
static vch_err read_bare(struct vch_verifier *v, struct source *src, struct window *w)
{
    struct vch_bytes view, one;
    uint64_t offset = 0;

    src->bare = true;
    w->want = WINDOW;
    VCH_TRY(fill(w, 0, &view));
    while (view.n > 0) {
        struct vch_cbor c = vch_cbor(view, VCH_CBOR_GENERIC);

        src->err_at = offset;
        VCH_CHECK(view.p[0] == 0xd2, TRAILING);
        VCH_TRY(vch_cbor_item(&c, &one));
        vch_verifier_add_item(v, src, one);
        if (one.n > VCH_ITEM_MAX) {
            item_at(v, v->items.n - 1)->broken = VCH_E(NO_ORIGIN);
        }
        offset += one.n;
        VCH_TRY(fill(w, offset, &view));
    }
    return VCH_OK;
}

static void read_source(struct vch_verifier *v, struct source *src)
{
    struct window w = {.src = src, .buf = vch_buf_init(VCH_REC_MAX)};
    struct vch_bytes first;

    src->first_item = (uint32_t)v->items.n;
    w.want = 1;
    src->err = fill(&w, 0, &first);
    if (vch_ok(src->err)) {
        src->err =
            first.n == 1 && first.p[0] == 0xd2 ? read_bare(v, src, &w) : read_bundle(v, src, &w);
    }
    vch_buf_fini(&w.buf);
}

static struct source *add_source(struct vch_verifier *v, const char *name)
{
    struct source *src = vch_verifier_list_add(&v->sources, sizeof(*src));
    size_t n = strlen(name) + 1;

    src->name = (const char *)vch_verifier_arena_copy(&v->arena, vch_bytes(name, n)).p;
    src->fd = -1;
    return src;
}

/* Standard input goes to a file without a name, because it is read twice. */
static vch_err spool(int *ret_fd)
{
    uint8_t room[65536];
    FILE *f = tmpfile();
    int fd;

    VCH_CHECK(f != NULL, FILE_OPEN);
    for (;;) {
        size_t n = fread(room, 1, sizeof(room), stdin);

        if (n == 0) {
            break;
        }
        if (fwrite(room, 1, n, f) != n) {
            fclose(f);
            return VCH_E(FILE_READ);
        }
    }
    fd = ferror(stdin) != 0 || fflush(f) != 0 ? -1 : dup(fileno(f));
    fclose(f);
    VCH_CHECK(fd >= 0, FILE_READ);
    *ret_fd = fd;
    return VCH_OK;
}

vch_err vch_verifier_add_file(struct vch_verifier *v, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    struct source *src;
    int fd;

    if (standard) {
        VCH_TRY(spool(&fd));
    } else {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        VCH_CHECK(fd >= 0, FILE_OPEN);
    }
    src = add_source(v, standard ? "standard input" : path);
    src->fd = fd;
    read_source(v, src);
    return vch_err_is(src->err, VCH_E(FILE_READ)) ? src->err : VCH_OK;
}

vch_err vch_verifier_add_bytes(struct vch_verifier *v, const char *name, struct vch_bytes bytes)
{
    struct source *src = add_source(v, name);

    src->memory = bytes;
    read_source(v, src);
    return VCH_OK;
}

vch_err vch_verifier_add_fragment(struct vch_verifier *v, struct vch_bytes fragment)
{
    struct source nowhere = {.fd = -1};
    struct vch_stmt_bundle_reader r;
    struct vch_stmt_bundle_rec rec;
    enum vch_stmt_bundle_step step;

    vch_stmt_bundle_reader_init(&r, v->o.cr, true);
    for (;;) {
        VCH_TRY(vch_stmt_bundle_next(&r, fragment, true, &step, &rec));
        if (step != VCH_BUNDLE_RECORD) {
            return VCH_OK;
        }
        VCH_CHECK(rec.type != VCH_REC_ITEM, BUNDLE_RECORD);
        VCH_TRY(vch_verifier_take_record(v, &nowhere, &rec, 0));
        fragment = vch_bytes(fragment.p + rec.whole.n, fragment.n - rec.whole.n);
    }
}
