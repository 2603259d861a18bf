#include <vouch/stmt/bundle.h>

/* Limits of one list: bytes of each element, and how many. */
struct list_rule {
    size_t exact; /* length of every element, 0: up to MAX */
    size_t max;
    size_t count_min;
    size_t count_max;
};

static const struct list_rule receipts_rule = {0, VCH_RECEIPT_MAX, 0, VCH_RECEIPTS_COUNT};
static const struct list_rule contents_rule = {0, VCH_DISCLOSURE_MAX, 1, VCH_DISCLOSURES_COUNT};
static const struct list_rule rows_rule = {0, VCH_RAW_MAX, 1, VCH_BATCH_ROWS_COUNT};
static const struct list_rule path_rule = {VCH_HASH_LEN, VCH_HASH_LEN, 0, VCH_PATH_COUNT};

bool vch_stmt_bundle_list_next(struct vch_stmt_bundle_list *l, struct vch_bytes *ret)
{
    struct vch_cbor c = vch_cbor(l->items, VCH_CBOR_STRICT);

    if (l->count == 0 || !vch_ok(vch_cbor_bstr(&c, ret))) {
        return false;
    }
    l->items = vch_bytes(l->items.p + c.r.pos, l->items.n - c.r.pos);
    l->count--;
    return true;
}

static vch_err read_list(struct vch_cbor *c, const struct list_rule *rule,
                         struct vch_stmt_bundle_list *ret)
{
    struct vch_bytes one;
    size_t count, from;

    VCH_TRY(vch_cbor_array(c, &count));
    VCH_CHECK(count >= rule->count_min && count <= rule->count_max, LIMIT);
    from = c->r.pos;
    for (size_t i = 0; i < count; i++) {
        VCH_TRY(vch_cbor_bstr(c, &one));
        VCH_CHECK(one.n <= rule->max && (rule->exact == 0 || one.n == rule->exact), LIMIT);
    }
    *ret = (struct vch_stmt_bundle_list){vch_bytes(c->r.in.p + from, c->r.pos - from), count};
    return VCH_OK;
}

static vch_err read_bytes(struct vch_cbor *c, size_t min, size_t max, struct vch_bytes *ret)
{
    VCH_TRY(vch_cbor_bstr(c, ret));
    VCH_CHECK(ret->n >= min && ret->n <= max, LIMIT);
    return VCH_OK;
}

static vch_err read_hash(struct vch_cbor *c, struct vch_bytes *ret)
{
    return read_bytes(c, VCH_HASH_LEN, VCH_HASH_LEN, ret);
}

/* One receipt as a list, for type 9. */
static vch_err read_receipt(struct vch_cbor *c, struct vch_stmt_bundle_list *ret)
{
    struct vch_bytes one;
    size_t from = c->r.pos;

    VCH_TRY(read_bytes(c, 1, VCH_RECEIPT_MAX, &one));
    *ret = (struct vch_stmt_bundle_list){vch_bytes(c->r.in.p + from, c->r.pos - from), 1};
    return VCH_OK;
}

static vch_err read_row(struct vch_cbor *c, struct vch_stmt_bundle_rec *r)
{
    VCH_TRY(vch_cbor_uint(c, &r->item));
    VCH_TRY(vch_cbor_uint(c, &r->index));
    if (vch_cbor_is_null(c)) {
        VCH_TRY(vch_cbor_null(c));
        VCH_TRY(read_hash(c, &r->body));
    } else {
        VCH_TRY(read_bytes(c, VCH_SALT_LEN, VCH_SALT_LEN, &r->salt));
        VCH_TRY(read_bytes(c, 0, VCH_RAW_MAX, &r->body));
    }
    return read_list(c, &path_rule, &r->list);
}

static vch_err read_rows(struct vch_cbor *c, struct vch_stmt_bundle_rec *r)
{
    VCH_TRY(vch_cbor_uint(c, &r->item));
    VCH_TRY(read_bytes(c, VCH_SALT_LEN, VCH_SEED_LEN, &r->salt));
    VCH_CHECK(r->salt.n == VCH_SALT_LEN || r->salt.n == VCH_SEED_LEN, BUNDLE_RECORD);
    VCH_TRY(vch_cbor_uint(c, &r->index));
    VCH_CHECK(r->index < VCH_BATCH_ROWS_COUNT, LIMIT);
    return read_list(c, &rows_rule, &r->list);
}

static vch_err read_file(struct vch_cbor *c, struct vch_stmt_bundle_rec *r)
{
    VCH_TRY(vch_cbor_uint(c, &r->item));
    VCH_TRY(read_bytes(c, VCH_SALT_LEN, VCH_SALT_LEN, &r->salt));
    VCH_TRY(vch_cbor_uint(c, &r->index));
    VCH_TRY(vch_cbor_tstr(c, &r->body));
    VCH_CHECK(r->body.n >= 1 && r->body.n <= VCH_FILE_NAME_MAX, LIMIT);
    /* A name alone: what comes in a bundle never chooses a folder. */
    VCH_CHECK(memchr(r->body.p, '/', r->body.n) == NULL &&
                  memchr(r->body.p, '\\', r->body.n) == NULL &&
                  memchr(r->body.p, 0, r->body.n) == NULL && r->body.p[0] != '.',
              BUNDLE_RECORD);
    return VCH_OK;
}

static vch_err read_head(struct vch_cbor *c)
{
    struct vch_bytes magic;
    uint64_t version;

    VCH_TRY(vch_cbor_tstr(c, &magic));
    VCH_CHECK(vch_bytes_equal(magic, vch_text("vouch")), BUNDLE_HEAD);
    VCH_TRY(vch_cbor_uint(c, &version));
    VCH_CHECK(version == VCH_CURRENT_FORMAT, BUNDLE_HEAD);
    return VCH_OK;
}

/* Elements of the array of each type, its head's own number included; 0: no such type. */
static size_t elements_of(uint64_t type)
{
    static const uint8_t elements[16] = {
        [VCH_REC_HEAD] = 3,        [VCH_REC_STATEMENT] = 3,   [VCH_REC_DISCLOSURES] = 3,
        [VCH_REC_CERTIFICATE] = 2, [VCH_REC_STATE_PROOF] = 2, [VCH_REC_ITEM] = 2,
        [VCH_REC_ROWS] = 5,        [VCH_REC_ROW] = 6,         [VCH_REC_ANCHOR] = 5,
        [VCH_REC_GENESIS] = 3,     [VCH_REC_FILE] = 5,        [VCH_REC_END] = 3};

    return type < VCH_ARRAY_LEN(elements) ? elements[type] : 0;
}

static vch_err read_body(struct vch_cbor *c, struct vch_stmt_bundle_rec *r)
{
    switch (r->type) {
    case VCH_REC_HEAD:
        return read_head(c);
    case VCH_REC_STATEMENT:
        VCH_TRY(read_bytes(c, 1, VCH_STATEMENT_MAX, &r->body));
        return read_list(c, &receipts_rule, &r->list);
    case VCH_REC_DISCLOSURES:
        VCH_TRY(read_hash(c, &r->id));
        return read_list(c, &contents_rule, &r->list);
    case VCH_REC_CERTIFICATE:
        return read_bytes(c, 1, VCH_CERTIFICATE_MAX, &r->body);
    case VCH_REC_STATE_PROOF:
        return read_bytes(c, 1, VCH_STATE_PROOF_MAX, &r->body);
    case VCH_REC_ITEM:
        return read_bytes(c, 1, VCH_ITEM_MAX, &r->body);
    case VCH_REC_ROWS:
        return read_rows(c, r);
    case VCH_REC_ROW:
        return read_row(c, r);
    case VCH_REC_ANCHOR:
        VCH_TRY(vch_cbor_uint(c, &r->item));
        VCH_TRY(read_hash(c, &r->id));
        VCH_TRY(vch_cbor_uint(c, &r->index));
        return read_list(c, &path_rule, &r->list);
    case VCH_REC_GENESIS:
        VCH_TRY(read_bytes(c, 1, VCH_GENESIS_ENTRY_MAX, &r->body));
        return read_receipt(c, &r->list);
    case VCH_REC_FILE:
        return read_file(c, r);
    case VCH_REC_END:
        VCH_TRY(vch_cbor_uint(c, &r->count));
        return read_hash(c, &r->id);
    }
    return VCH_E(BUNDLE_RECORD);
}

/* The record at the start of WINDOW. TRUNCATED: the window may merely be too short. */
static vch_err parse(struct vch_bytes window, struct vch_stmt_bundle_rec *ret)
{
    struct vch_cbor c = vch_cbor(window, VCH_CBOR_STRICT);
    struct vch_stmt_bundle_rec r = {.type = VCH_REC_HEAD};
    uint64_t type;
    uint8_t head;

    /* The array's head is one byte; vch_cbor_array would take a short window for a short array. */
    VCH_TRY(vch_reader_u8(&c.r, &head));
    VCH_TRY(vch_cbor_uint(&c, &type));
    VCH_CHECK(elements_of(type) != 0 && head == (0x80 | elements_of(type)), BUNDLE_RECORD);
    r.type = (enum vch_rec)type;
    VCH_TRY(read_body(&c, &r));
    VCH_CHECK(c.r.pos <= VCH_REC_MAX, LIMIT);
    r.whole = vch_bytes(window.p, c.r.pos);
    *ret = r;
    return VCH_OK;
}

/* Its place in the stream. */
static vch_err place_check(const struct vch_stmt_bundle_reader *r,
                           const struct vch_stmt_bundle_rec *rec)
{
    struct vch_sha256 fork = r->sum;
    struct vch_hash sum;

    VCH_CHECK((rec->type == VCH_REC_HEAD) == (r->records == 0 && !r->fragment), BUNDLE_HEAD);
    switch (rec->type) {
    case VCH_REC_ROWS:
    case VCH_REC_ROW:
    case VCH_REC_ANCHOR:
    case VCH_REC_FILE:
        VCH_CHECK(rec->item < r->items, BUNDLE_ITEM);
        return VCH_OK;
    case VCH_REC_END:
        VCH_CHECK(!r->fragment, BUNDLE_RECORD);
        r->cr->sha256_final(&fork, &sum);
        VCH_CHECK(rec->count == r->records && vch_bytes_equal(rec->id, vch_hash_bytes(&sum)),
                  BUNDLE_END);
        return VCH_OK;
    default:
        return VCH_OK;
    }
}

void vch_stmt_bundle_reader_init(struct vch_stmt_bundle_reader *r, const struct vch_crypto *cr,
                                 bool fragment)
{
    *r = (struct vch_stmt_bundle_reader){.cr = cr, .fragment = fragment};
    cr->sha256_init(&r->sum);
}

vch_err vch_stmt_bundle_next(struct vch_stmt_bundle_reader *r, struct vch_bytes window, bool last,
                             enum vch_stmt_bundle_step *ret_step, struct vch_stmt_bundle_rec *ret)
{
    struct vch_stmt_bundle_rec rec;
    vch_err e;

    if (window.n == 0) {
        VCH_CHECK(!last || r->records > 0 || r->fragment, BUNDLE_HEAD);
        *ret_step = last ? VCH_BUNDLE_END : VCH_BUNDLE_MORE;
        return VCH_OK;
    }
    VCH_CHECK(!r->ended, BUNDLE_END);
    e = parse(window, &rec);
    if (vch_err_is(e, VCH_E(TRUNCATED))) {
        VCH_CHECK(!last, TRUNCATED);
        VCH_CHECK(window.n < VCH_REC_MAX, LIMIT);
        *ret_step = VCH_BUNDLE_MORE;
        return VCH_OK;
    }
    if (!vch_ok(e) && !vch_err_is(e, VCH_E(LIMIT))) {
        /* At the very start it is rather another kind of file than a damaged bundle. */
        return r->records == 0 && !r->fragment ? VCH_E(BUNDLE_HEAD) : VCH_E(BUNDLE_RECORD);
    }
    VCH_TRY(e);
    VCH_TRY(place_check(r, &rec));
    r->cr->sha256_update(&r->sum, rec.whole);
    r->offset += rec.whole.n;
    r->records++;
    r->items += rec.type == VCH_REC_ITEM;
    r->ended = rec.type == VCH_REC_END;
    *ret_step = VCH_BUNDLE_RECORD;
    *ret = rec;
    return VCH_OK;
}
