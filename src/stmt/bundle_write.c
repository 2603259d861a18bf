#include <vouch/stmt/bundle.h>

static void put_type(struct vch_writer *w, enum vch_rec type, size_t elements)
{
    vch_cbor_put_array(w, elements);
    vch_cbor_put_uint(w, (uint64_t)type);
}

static void put_list(struct vch_writer *w, const struct vch_bytes *items, size_t count)
{
    vch_cbor_put_array(w, count);
    for (size_t i = 0; i < count; i++) {
        vch_cbor_put_bstr(w, items[i]);
    }
}

static void put_path(struct vch_writer *w, const struct vch_hash *path, size_t count)
{
    vch_cbor_put_array(w, count);
    for (size_t i = 0; i < count; i++) {
        vch_cbor_put_bstr(w, vch_hash_bytes(&path[i]));
    }
}

void vch_stmt_bundle_put_head(struct vch_writer *w)
{
    put_type(w, VCH_REC_HEAD, 3);
    vch_cbor_put_text(w, "vouch");
    vch_cbor_put_uint(w, VCH_CURRENT_FORMAT);
}

void vch_stmt_bundle_put_statement(struct vch_writer *w, struct vch_bytes statement,
                                   const struct vch_bytes *receipts, size_t count)
{
    put_type(w, VCH_REC_STATEMENT, 3);
    vch_cbor_put_bstr(w, statement);
    put_list(w, receipts, count);
}

void vch_stmt_bundle_put_disclosures(struct vch_writer *w, const struct vch_hash *txid,
                                     const struct vch_bytes *contents, size_t count)
{
    put_type(w, VCH_REC_DISCLOSURES, 3);
    vch_cbor_put_bstr(w, vch_hash_bytes(txid));
    put_list(w, contents, count);
}

void vch_stmt_bundle_put_certificate(struct vch_writer *w, struct vch_bytes der)
{
    put_type(w, VCH_REC_CERTIFICATE, 2);
    vch_cbor_put_bstr(w, der);
}

void vch_stmt_bundle_put_state_proof(struct vch_writer *w, struct vch_bytes proof)
{
    put_type(w, VCH_REC_STATE_PROOF, 2);
    vch_cbor_put_bstr(w, proof);
}

void vch_stmt_bundle_put_item(struct vch_writer *w, struct vch_bytes item)
{
    put_type(w, VCH_REC_ITEM, 2);
    vch_cbor_put_bstr(w, item);
}

void vch_stmt_bundle_put_rows(struct vch_writer *w, uint64_t item, struct vch_bytes salt,
                              uint64_t first, const struct vch_bytes *raws, size_t count)
{
    put_type(w, VCH_REC_ROWS, 5);
    vch_cbor_put_uint(w, item);
    vch_cbor_put_bstr(w, salt);
    vch_cbor_put_uint(w, first);
    put_list(w, raws, count);
}

void vch_stmt_bundle_put_row(struct vch_writer *w, uint64_t item, uint64_t index,
                             struct vch_bytes salt, struct vch_bytes raw_or_leaf,
                             const struct vch_hash *path, size_t count)
{
    put_type(w, VCH_REC_ROW, 6);
    vch_cbor_put_uint(w, item);
    vch_cbor_put_uint(w, index);
    if (salt.n == 0) {
        vch_cbor_put_null(w);
    } else {
        vch_cbor_put_bstr(w, salt);
    }
    vch_cbor_put_bstr(w, raw_or_leaf);
    put_path(w, path, count);
}

void vch_stmt_bundle_put_anchor(struct vch_writer *w, uint64_t item, const struct vch_hash *txid,
                                uint64_t index, const struct vch_hash *path, size_t count)
{
    put_type(w, VCH_REC_ANCHOR, 5);
    vch_cbor_put_uint(w, item);
    vch_cbor_put_bstr(w, vch_hash_bytes(txid));
    vch_cbor_put_uint(w, index);
    put_path(w, path, count);
}

void vch_stmt_bundle_put_genesis(struct vch_writer *w, struct vch_bytes entry,
                                 struct vch_bytes receipt)
{
    put_type(w, VCH_REC_GENESIS, 3);
    vch_cbor_put_bstr(w, entry);
    vch_cbor_put_bstr(w, receipt);
}

void vch_stmt_bundle_put_file(struct vch_writer *w, uint64_t item, struct vch_bytes salt,
                              uint64_t length, struct vch_bytes name)
{
    put_type(w, VCH_REC_FILE, 5);
    vch_cbor_put_uint(w, item);
    vch_cbor_put_bstr(w, salt);
    vch_cbor_put_uint(w, length);
    vch_cbor_put_tstr(w, name);
}

void vch_stmt_bundle_sum_init(struct vch_stmt_bundle_sum *s, const struct vch_crypto *cr)
{
    s->cr = cr;
    s->records = 0;
    cr->sha256_init(&s->ctx);
}

void vch_stmt_bundle_sum_add(struct vch_stmt_bundle_sum *s, struct vch_bytes record)
{
    s->cr->sha256_update(&s->ctx, record);
    s->records++;
}

void vch_stmt_bundle_put_end(struct vch_writer *w, const struct vch_stmt_bundle_sum *s)
{
    struct vch_sha256 fork = s->ctx;
    struct vch_hash sum;

    s->cr->sha256_final(&fork, &sum);
    put_type(w, VCH_REC_END, 3);
    vch_cbor_put_uint(w, s->records);
    vch_cbor_put_bstr(w, vch_hash_bytes(&sum));
}
