#include <vouch/stmt/item.h>

#include <vouch/base/text.h>
#include <vouch/merkle/tree.h>

static vch_err fields_check(const struct vch_stmt_item *it)
{
    VCH_CHECK(it->mode == VCH_ITEM_SINGLE || it->mode == VCH_ITEM_BATCH, STMT_FIELD);
    VCH_CHECK(it->payload.n == VCH_HASH_LEN, STMT_FIELD);
    VCH_CHECK(it->content_type.n <= VCH_CONTENT_TYPE_MAX && vch_utf8_check(it->content_type),
              STMT_FIELD);
    VCH_CHECK(it->time_ms >= 0, STMT_FIELD);
    if (it->mode == VCH_ITEM_BATCH) {
        VCH_CHECK(it->count >= 1, STMT_FIELD);
        VCH_CHECK(it->count <= VCH_BATCH_ROWS_COUNT, LIMIT);
        VCH_CHECK(it->first_time_ms >= 0 && it->first_time_ms <= it->time_ms, STMT_FIELD);
        VCH_CHECK(it->has_pointer, ITEM_POINTER);
    }
    return VCH_OK;
}

static vch_err pointer_check(const struct vch_stmt_item *it)
{
    VCH_CHECK(it->kid.n == VCH_ITEM_KID_LEN, ITEM_POINTER);
    if (it->has_pointer) {
        VCH_CHECK(it->pointer_txid.n == VCH_HASH_LEN, ITEM_POINTER);
        VCH_CHECK(vch_bytes_equal(vch_bytes_slice(it->pointer_txid, 0, VCH_ITEM_KID_LEN), it->kid),
                  ITEM_POINTER);
        VCH_TRY(vch_stmt_address_check(&it->pointer_address));
    }
    return VCH_OK;
}

/* Labels in the order of their encodings: 1, 4, 258, 259, -70001, -70002. */
static void put_protected(struct vch_writer *w, enum vch_alg alg, const struct vch_stmt_item *it)
{
    vch_cbor_put_map(w, 4 + (size_t)(it->content_type.n != 0) + (size_t)it->has_pointer);
    vch_cbor_put_int(w, VCH_LABEL_ALG);
    vch_cbor_put_int(w, alg);
    vch_cbor_put_int(w, VCH_LABEL_KID);
    vch_cbor_put_bstr(w, it->kid);
    vch_cbor_put_int(w, VCH_LABEL_HASH_ALG);
    vch_cbor_put_int(w, VCH_ALG_SHA256);
    if (it->content_type.n != 0) {
        vch_cbor_put_int(w, VCH_LABEL_PREIMAGE_TYPE);
        vch_cbor_put_tstr(w, it->content_type);
    }
    vch_cbor_put_int(w, VCH_LABEL_ITEM);
    vch_cbor_put_array(w, it->mode == VCH_ITEM_BATCH ? 5 : 3);
    vch_cbor_put_uint(w, it->mode);
    vch_cbor_put_uint(w, it->seq);
    vch_cbor_put_int(w, it->time_ms);
    if (it->mode == VCH_ITEM_BATCH) {
        vch_cbor_put_uint(w, it->count);
        vch_cbor_put_int(w, it->first_time_ms);
    }
    if (it->has_pointer) {
        vch_cbor_put_int(w, VCH_LABEL_POINTER);
        vch_cbor_put_array(w, 3);
        vch_cbor_put_bstr(w, it->pointer_txid);
        vch_cbor_put_tstr(w, it->pointer_address.ledger);
        vch_cbor_put_tstr(w, it->pointer_address.url);
    }
}

vch_err vch_stmt_item_encode(const struct vch_signer *signer, const struct vch_stmt_item *it,
                             struct vch_span out, struct vch_bytes *ret)
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_stmt_item own = *it;
    struct vch_bytes prot;

    if (own.kid.n == 0 && own.has_pointer) {
        own.kid = vch_bytes_slice(own.pointer_txid, 0, VCH_ITEM_KID_LEN);
    }
    VCH_TRY(fields_check(&own));
    VCH_TRY(pointer_check(&own));
    put_protected(&w, signer->alg, &own);
    VCH_TRY(vch_writer_finish(&w, &prot));
    return vch_sign1_sign(signer, prot, own.payload, out, ret);
}

static vch_err read_item(struct vch_stmt_item *it)
{
    struct vch_cbor c = vch_cbor(it->st.item, VCH_CBOR_STRICT);
    uint64_t mode;
    size_t n;

    VCH_TRY(vch_cbor_array(&c, &n));
    VCH_TRY(vch_cbor_uint(&c, &mode));
    VCH_CHECK((mode == VCH_ITEM_SINGLE && n == 3) || (mode == VCH_ITEM_BATCH && n == 5), ITEM_FORM);
    it->mode = (enum vch_item_mode)mode;
    VCH_TRY(vch_cbor_uint(&c, &it->seq));
    VCH_TRY(vch_cbor_int(&c, &it->time_ms));
    it->count = 1;
    it->first_time_ms = it->time_ms;
    if (n == 5) {
        VCH_TRY(vch_cbor_uint(&c, &it->count));
        VCH_TRY(vch_cbor_int(&c, &it->first_time_ms));
    }
    return vch_cbor_end(&c);
}

static vch_err read_pointer(struct vch_stmt_item *it)
{
    struct vch_cbor c = vch_cbor(it->st.pointer, VCH_CBOR_STRICT);

    VCH_TRY(vch_cbor_array_of(&c, 3));
    VCH_TRY(vch_cbor_bstr(&c, &it->pointer_txid));
    VCH_TRY(vch_cbor_tstr(&c, &it->pointer_address.ledger));
    VCH_TRY(vch_cbor_tstr(&c, &it->pointer_address.url));
    return vch_cbor_end(&c);
}

vch_err vch_stmt_item_decode(struct vch_bytes in, struct vch_stmt_item *ret)
{
    struct vch_stmt_item it = {.count = 0};
    vch_err e;

    VCH_TRY(vch_sign1_decode(in, VCH_SIGN1_ITEM, &it.st));
    it.kid = it.st.kid;
    it.content_type = it.st.preimage_type;
    it.payload = it.st.payload;
    it.has_pointer = it.st.pointer.n != 0;
    VCH_TRY(read_item(&it));
    if (it.has_pointer) {
        VCH_TRY(read_pointer(&it));
    }
    e = fields_check(&it);
    VCH_CHECK(!vch_err_is(e, VCH_E(STMT_FIELD)), ITEM_FORM);
    VCH_TRY(e);
    VCH_TRY(pointer_check(&it));
    *ret = it;
    return VCH_OK;
}

vch_err vch_stmt_item_verify(const struct vch_crypto *cr, const struct vch_stmt_item *it,
                             const struct vch_pubkey *key)
{
    return vch_sign1_verify(cr, &it->st, key);
}

bool vch_stmt_item_cites(const struct vch_stmt_item *it, const struct vch_hash *txid)
{
    if (it->has_pointer) {
        return vch_bytes_equal(it->pointer_txid, vch_hash_bytes(txid));
    }
    return vch_bytes_equal(it->kid, vch_bytes(txid->b, VCH_ITEM_KID_LEN));
}

void vch_stmt_item_digest(const struct vch_crypto *cr, const uint8_t salt[VCH_SALT_LEN],
                          struct vch_bytes raw, struct vch_hash *ret)
{
    struct vch_bytes parts[2] = {vch_bytes(salt, VCH_SALT_LEN), raw};

    vch_sha256_parts(cr, parts, 2, ret);
}

void vch_stmt_item_salt(const struct vch_crypto *cr, const uint8_t seed[VCH_SEED_LEN], uint64_t idx,
                        uint8_t ret_salt[VCH_SALT_LEN])
{
    uint8_t number[8];
    struct vch_bytes part = VCH_BYTES_OF(number);
    struct vch_hash mac;

    for (size_t i = 0; i < sizeof(number); i++) {
        number[i] = (uint8_t)(idx >> (56 - 8 * i));
    }
    vch_hmac_sha256(cr, vch_bytes(seed, VCH_SEED_LEN), &part, 1, &mac);
    memcpy(ret_salt, mac.b, VCH_SALT_LEN);
}

void vch_stmt_item_leaf(const struct vch_crypto *cr, const uint8_t salt[VCH_SALT_LEN],
                        struct vch_bytes raw, struct vch_hash *ret)
{
    struct vch_bytes parts[2] = {vch_bytes(salt, VCH_SALT_LEN), raw};

    vch_merkle_leaf(cr, parts, 2, ret);
}

vch_err vch_stmt_item_check_raw(const struct vch_crypto *cr, const struct vch_stmt_item *it,
                                const uint8_t salt[VCH_SALT_LEN], struct vch_bytes raw)
{
    struct vch_hash digest;

    VCH_CHECK(it->mode == VCH_ITEM_SINGLE, ITEM_FORM);
    vch_stmt_item_digest(cr, salt, raw, &digest);
    VCH_CHECK(vch_bytes_equal(vch_hash_bytes(&digest), it->payload), ITEM_DATA);
    return VCH_OK;
}

vch_err vch_stmt_item_check_root(const struct vch_stmt_item *it, const struct vch_hash *root)
{
    VCH_CHECK(it->mode == VCH_ITEM_BATCH, ITEM_FORM);
    VCH_CHECK(vch_bytes_equal(vch_hash_bytes(root), it->payload), ITEM_DATA);
    return VCH_OK;
}

vch_err vch_stmt_item_check_row(const struct vch_crypto *cr, const struct vch_stmt_item *it,
                                uint64_t idx, const struct vch_hash *leaf,
                                const struct vch_hash *path, size_t count)
{
    struct vch_hash root;

    VCH_CHECK(it->mode == VCH_ITEM_BATCH, ITEM_FORM);
    VCH_CHECK(vch_ok(vch_merkle_inclusion_root(cr, leaf, idx, it->count, path, count, &root)),
              ITEM_DATA);
    return vch_stmt_item_check_root(it, &root);
}
