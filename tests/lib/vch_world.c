#include "vch_world.h"

struct vch_bytes t_keep(struct t_world *w, struct vch_bytes b)
{
    struct vch_bytes copy = t_copy(b);

    assert_true(w->memories < VCH_ARRAY_LEN(w->memory));
    w->memory[w->memories++] = (void *)(uintptr_t)copy.p;
    return copy;
}

/* A fixed secret for each name, so that keys are the same in every run. */
static struct vch_ossl_key *key_of(struct t_world *w, const char *name)
{
    struct vch_ossl_key *key;
    struct vch_hash h;

    vch_sha256_of(w->cr, vch_text(name), &h);
    assert_vch_ok(vch_ossl_key_import(VCH_ALG_ES256, vch_hash_bytes(&h), &key));
    return key;
}

static struct vch_bytes fresh_salt(struct t_world *w)
{
    uint8_t salt[VCH_SALT_LEN];

    memset(salt, ++w->salt_counter, sizeof(salt));
    return t_keep(w, VCH_BYTES_OF(salt));
}

void t_world_open(struct t_world *w)
{
    static const char *const devices[] = {"device 0", "device 1", "device 2"};

    memset(w, 0, sizeof(*w));
    w->cr = vch_ossl_crypto();
    w->ca_key = key_of(w, "ca");
    w->as_key = key_of(w, "as");
    w->rogue_key = key_of(w, "rogue");
    w->aggregator_key = key_of(w, "aggregator");
    w->ledger[0].id = T_LEDGER_ID;
    w->ledger[0].key = key_of(w, "ledger 0");
    w->ledger[1].id = T_LEDGER2_ID;
    w->ledger[1].key = key_of(w, "ledger 1");
    for (size_t i = 0; i < VCH_ARRAY_LEN(w->device); i++) {
        w->device[i].key = key_of(w, devices[i]);
        memset(w->device[i].subject, (int)(0xd0 + i), VCH_SUBJECT_LEN);
    }
    w->as_der = vch_text("stands for the certificate of the AS");
    vch_sha256_of(w->cr, w->as_der, &w->as_cert_hash);
    t_ledger_tick(w, 0, T_EPOCH - T_DAY);
    t_ledger_tick(w, 1, T_EPOCH - T_DAY);
}

void t_world_close(struct t_world *w)
{
    vch_ossl_key_close(w->ca_key);
    vch_ossl_key_close(w->as_key);
    vch_ossl_key_close(w->rogue_key);
    vch_ossl_key_close(w->aggregator_key);
    for (size_t i = 0; i < VCH_ARRAY_LEN(w->ledger); i++) {
        vch_ossl_key_close(w->ledger[i].key);
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(w->device); i++) {
        vch_ossl_key_close(w->device[i].key);
    }
    for (size_t i = 0; i < w->memories; i++) {
        free(w->memory[i]);
    }
}

struct vch_bytes t_term_of_device(struct t_world *w)
{
    static const uint8_t salt[VCH_SALT_LEN] = {'p', 'o', 's', 'e'};
    struct vch_disclosure d = {.salt = VCH_BYTES_OF(salt),
                               .key = VCH_DISC_STANDING,
                               .value = vch_stmt_disc_int(VCH_STANDING_GOOD)};
    uint8_t room[128];
    struct vch_bytes out;

    assert_vch_ok(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out));
    return t_keep(w, out);
}

struct vch_bytes t_registration(struct t_world *w, struct vch_ossl_key *key, const char *audience)
{
    static const uint8_t nonce[16] = {1, 2, 3};
    uint8_t room[VCH_REGISTRATION_MAX];
    struct vch_hash digests[2];
    struct vch_bytes out;
    struct vch_stmt_registration r = {.algs = {VCH_ALG_ES256, VCH_ALG_ESP256},
                                      .alg_count = 2,
                                      .hashes = {VCH_ALG_SHA256},
                                      .hash_count = 1,
                                      .audience = vch_text(audience),
                                      .nonce = VCH_BYTES_OF(nonce),
                                      .device_class = VCH_CLASS_GATEWAY,
                                      .custody = VCH_CUSTODY_FILE};

    vch_stmt_disclosure_digest(w->cr, t_term_of_device(w), &digests[0]);
    vch_sha256_of(w->cr, vch_text("identifier b"), &digests[1]);
    vch_stmt_digests_sort(digests, 2);
    assert_vch_ok(vch_stmt_registration_encode(w->cr, vch_ossl_key_signer(key), &r, digests, 2,
                                               T_EPOCH / 1000, VCH_SPAN_OF(room), &out));
    return t_keep(w, out);
}

static void disclose(struct t_world *w, struct t_record *r, struct vch_hash *digests, uint64_t key,
                     int64_t value)
{
    uint8_t room[128];
    struct vch_disclosure d = {.salt = fresh_salt(w), .key = key};
    struct vch_bytes out;

    if (value == T_ABSENT) {
        return;
    }
    d.value = value == T_NULL ? vch_stmt_disc_null() : vch_stmt_disc_int(value);
    assert_vch_ok(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out));
    out = t_keep(w, out);
    vch_stmt_disclosure_digest(w->cr, out, &digests[r->disclosure_count]);
    r->disclosures[r->disclosure_count++] = out;
}

void t_endorsement_sign(struct t_world *w, struct vch_ossl_key *key, const char *as_id,
                        const struct vch_hash *cert_hash, unsigned dev, enum vch_action action,
                        uint64_t seq, const struct vch_hash *prev, const struct t_terms *terms,
                        int64_t effective_ms, struct t_record *ret)
{
    uint8_t room[VCH_STATEMENT_MAX];
    struct vch_hash digests[8], evidence;
    struct t_device *d = &w->device[dev];
    struct vch_stmt_endorsement e = {.action = action,
                                     .seq = seq,
                                     .assurance = VCH_ASSURANCE_MATCHED,
                                     .effective_at_ms = effective_ms,
                                     .checked_at_ms = effective_ms,
                                     .operator_id = vch_text("op1.example")};
    struct vch_bytes out;

    if (d->registration.n == 0) {
        d->registration = t_registration(w, d->key, T_AS_ID);
    }
    memset(ret, 0, sizeof(*ret));
    memcpy(e.subject, d->subject, VCH_SUBJECT_LEN);
    e.prev = prev != NULL ? vch_hash_bytes(prev) : vch_bytes(NULL, 0);
    e.registration = d->registration;
    vch_sha256_of(w->cr, vch_text("network evidence"), &evidence);
    e.evidence = vch_hash_bytes(&evidence);
    disclose(w, ret, digests, VCH_DISC_START, terms->start);
    disclose(w, ret, digests, VCH_DISC_END, terms->end);
    disclose(w, ret, digests, VCH_DISC_TERMINATED_AT, terms->terminated_at);
    disclose(w, ret, digests, VCH_DISC_STANDING, terms->standing);
    vch_stmt_digests_sort(digests, ret->disclosure_count);
    assert_vch_ok(vch_stmt_endorsement_encode(w->cr, vch_ossl_key_signer(key), &e, vch_text(as_id),
                                              cert_hash, digests, ret->disclosure_count,
                                              effective_ms / 1000, VCH_SPAN_OF(room), &out));
    ret->statement = t_keep(w, out);
    ret->seq = seq;
    vch_sha256_of(w->cr, ret->statement, &ret->txid);
}

/* `[latest, seq, index, state, SHA-256(registration), AS thumbprint]` */
static void subject_state(struct t_world *w, unsigned ledger, unsigned dev,
                          const struct t_record *r, enum vch_action action)
{
    uint8_t room[256];
    struct vch_writer wr = vch_writer(VCH_SPAN_OF(room));
    struct vch_hash reg, as;
    struct vch_bytes value;

    vch_sha256_of(w->cr, w->device[dev].registration, &reg);
    vch_cose_key_thumbprint(w->cr, &vch_ossl_key_signer(w->as_key)->pub, &as);
    vch_cbor_put_array(&wr, 6);
    vch_cbor_put_bstr(&wr, vch_hash_bytes(&r->txid));
    vch_cbor_put_uint(&wr, r->seq);
    vch_cbor_put_uint(&wr, r->index);
    vch_cbor_put_uint(&wr, action == VCH_ACTION_RETIRE ? 2 : 1);
    vch_cbor_put_bstr(&wr, vch_hash_bytes(&reg));
    vch_cbor_put_bstr(&wr, vch_hash_bytes(&as));
    assert_vch_ok(vch_writer_finish(&wr, &value));
    t_state_put(w, ledger, 2, vch_bytes(w->device[dev].subject, VCH_SUBJECT_LEN), value);
}

struct t_record *t_endorse(struct t_world *w, unsigned dev, enum vch_action action,
                           const struct t_terms *terms, int64_t effective_ms, int64_t batch_ms)
{
    struct t_device *d = &w->device[dev];
    struct t_record *r = &d->record[d->records];
    const struct vch_hash *prev = d->records > 0 ? &d->record[d->records - 1].txid : NULL;

    assert_true(d->records < VCH_ARRAY_LEN(d->record));
    t_endorsement_sign(w, w->as_key, T_AS_ID, &w->as_cert_hash, dev, action, d->records, prev,
                       terms, effective_ms, r);
    d->records++;
    r->index = w->ledger[0].size;
    subject_state(w, 0, dev, r, action);
    assert_int_equal(t_ledger_record(w, 0, r->statement, batch_ms), r->index);
    return r;
}

static void append(struct t_world *w, struct t_ledger *l, struct vch_bytes entry)
{
    assert_true(l->size < T_ENTRIES);
    l->bytes[l->size] = t_keep(w, entry);
    vch_sha256_of(w->cr, entry, &l->txid[l->size]);
    vch_merkle_leaf_entry(w->cr, &l->txid[l->size], &l->leaf[l->size]);
    l->size++;
}

/* Ends the batch that began at FROM with its state root. */
static void end_batch(struct t_world *w, struct t_ledger *l, uint64_t from, int64_t batch_ms)
{
    uint8_t room[128];
    struct vch_writer wr = vch_writer(VCH_SPAN_OF(room));
    struct vch_hash root;
    struct vch_bytes entry;

    assert_vch_ok(vch_map_root(w->cr, l->pair, l->pairs, &root));
    vch_cbor_put_array(&wr, 5);
    vch_cbor_put_uint(&wr, 1);
    vch_cbor_put_uint(&wr, l->batches++);
    vch_cbor_put_int(&wr, batch_ms);
    vch_cbor_put_uint(&wr, l->pairs);
    vch_cbor_put_bstr(&wr, vch_hash_bytes(&root));
    assert_vch_ok(vch_writer_finish(&wr, &entry));
    append(w, l, entry);
    for (uint64_t i = from; i < l->size; i++) {
        l->batch_end[i] = l->size;
        l->time_ms[i] = batch_ms;
    }
}

void t_ledger_tick(struct t_world *w, unsigned ledger, int64_t batch_ms)
{
    end_batch(w, &w->ledger[ledger], w->ledger[ledger].size, batch_ms);
}

uint64_t t_ledger_record(struct t_world *w, unsigned ledger, struct vch_bytes statement,
                         int64_t batch_ms)
{
    struct t_ledger *l = &w->ledger[ledger];
    uint64_t index = l->size;

    append(w, l, statement);
    end_batch(w, l, index, batch_ms);
    return index;
}

struct vch_bytes t_receipt(struct t_world *w, unsigned ledger, uint64_t index)
{
    struct t_ledger *l = &w->ledger[ledger];
    struct vch_merkle_leaves leaves = {w->cr, l->leaf, l->size};
    struct vch_merkle_source src = vch_merkle_leaves_source(&leaves);
    const struct vch_signer *signer = vch_ossl_key_signer(l->key);
    struct vch_receipt_head head = {
        .ledger = vch_text(l->id), .size = l->batch_end[index], .time_ms = l->time_ms[index]};
    uint8_t prot_room[VCH_RECEIPT_PROTECTED_MAX], room[VCH_RECEIPT_MAX], sig[VCH_SIG_LEN];
    struct vch_writer pw = vch_writer(VCH_SPAN_OF(prot_room));
    struct vch_writer rw = vch_writer(VCH_SPAN_OF(room));
    struct vch_merkle_path path;
    struct vch_bytes prot, out;
    struct vch_hash root;

    vch_cose_key_thumbprint(w->cr, &signer->pub, &head.thumbprint);
    assert_vch_ok(vch_merkle_root(w->cr, &src, head.size, &root));
    assert_vch_ok(vch_merkle_inclusion(w->cr, &src, index, head.size, &path));
    vch_receipt_protected_encode(signer->alg, &head, &pw);
    assert_vch_ok(vch_writer_finish(&pw, &prot));
    assert_vch_ok(vch_receipt_sign(signer, prot, &root, sig));
    vch_receipt_encode(prot, sig, head.size, index, &path, &rw);
    assert_vch_ok(vch_writer_finish(&rw, &out));
    return t_keep(w, out);
}

void t_state_put(struct t_world *w, unsigned ledger, unsigned kind, struct vch_bytes id,
                 struct vch_bytes value)
{
    struct t_ledger *l = &w->ledger[ledger];
    struct vch_map_pair p;
    size_t at = 0;

    vch_map_key(w->cr, (uint8_t)kind, id, &p.k);
    vch_map_value(w->cr, value, &p.v);
    while (at < l->pairs && memcmp(l->pair[at].k.b, p.k.b, VCH_HASH_LEN) < 0) {
        at++;
    }
    if (at == l->pairs || !vch_hash_equal(&l->pair[at].k, &p.k)) {
        assert_true(l->pairs < T_ENTRIES);
        memmove(&l->pair[at + 1], &l->pair[at], (l->pairs - at) * sizeof(l->pair[0]));
        memmove(&l->value[at + 1], &l->value[at], (l->pairs - at) * sizeof(l->value[0]));
        l->pairs++;
    }
    l->pair[at] = p;
    l->value[at] = t_keep(w, value);
}

struct vch_bytes t_state_proof(struct t_world *w, unsigned ledger, unsigned kind,
                               struct vch_bytes id)
{
    static struct vch_map_proof proof;
    struct t_ledger *l = &w->ledger[ledger];
    uint8_t proof_room[VCH_MAP_PROOF_SIZE_MAX], room[VCH_STATE_PROOF_MAX];
    struct vch_writer pw = vch_writer(VCH_SPAN_OF(proof_room));
    struct vch_writer wr = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes encoded, out;
    struct vch_hash k;
    size_t at = 0;

    vch_map_key(w->cr, (uint8_t)kind, id, &k);
    while (at < l->pairs && !vch_hash_equal(&l->pair[at].k, &k)) {
        at++;
    }
    assert_vch_ok(vch_map_prove(w->cr, l->pair, l->pairs, &k, &proof));
    vch_map_proof_encode(&proof, &pw);
    assert_vch_ok(vch_writer_finish(&pw, &encoded));
    vch_cbor_put_array(&wr, 6);
    vch_cbor_put_bstr(&wr, l->bytes[l->size - 1]);
    vch_cbor_put_bstr(&wr, t_receipt(w, ledger, l->size - 1));
    vch_cbor_put_uint(&wr, kind);
    vch_cbor_put_bstr(&wr, id);
    if (at < l->pairs) {
        vch_cbor_put_bstr(&wr, l->value[at]);
    } else {
        vch_cbor_put_null(&wr);
    }
    vch_cbor_put_bstr(&wr, encoded);
    assert_vch_ok(vch_writer_finish(&wr, &out));
    return t_keep(w, out);
}

static void pointer(struct vch_stmt_item *it, const struct t_record *cited)
{
    it->has_pointer = true;
    it->pointer_txid = vch_hash_bytes(&cited->txid);
    it->pointer_address = (struct vch_stmt_address){vch_text(T_LEDGER_ID), vch_text(T_AS_URL)};
}

struct vch_bytes t_single(struct t_world *w, unsigned dev, const struct t_record *cited,
                          uint64_t seq, int64_t time_ms, struct vch_bytes raw,
                          uint8_t ret_salt[VCH_SALT_LEN])
{
    uint8_t room[VCH_ITEM_MAX];
    struct vch_stmt_item it = {.mode = VCH_ITEM_SINGLE, .seq = seq, .time_ms = time_ms};
    struct vch_hash digest;
    struct vch_bytes out;

    memset(ret_salt, (int)(seq + 1), VCH_SALT_LEN);
    vch_stmt_item_digest(w->cr, ret_salt, raw, &digest);
    it.payload = vch_hash_bytes(&digest);
    it.content_type = vch_text("application/octet-stream");
    pointer(&it, cited);
    assert_vch_ok(vch_stmt_item_encode(vch_ossl_key_signer(w->device[dev].key), &it,
                                       VCH_SPAN_OF(room), &out));
    return t_keep(w, out);
}

void t_batch(struct t_world *w, unsigned dev, const struct t_record *cited, uint64_t seq,
             int64_t time_ms, size_t rows, struct t_batch *ret)
{
    struct vch_merkle_frontier f = {.count = 0};
    uint8_t room[VCH_ITEM_MAX], salt[VCH_SALT_LEN];
    struct vch_stmt_item it = {.mode = VCH_ITEM_BATCH,
                               .seq = seq,
                               .time_ms = time_ms,
                               .count = rows,
                               .first_time_ms = time_ms - 1000};
    struct vch_bytes out;
    struct vch_hash root;

    assert_true(rows <= VCH_ARRAY_LEN(ret->row));
    memset(ret->seed, (int)(0x40 + seq), sizeof(ret->seed));
    ret->rows = rows;
    for (size_t i = 0; i < rows; i++) {
        char text[64];

        snprintf(text, sizeof(text), "meter-%u;%llu;%zu;%d.%03d", dev, (unsigned long long)seq, i,
                 (int)i * 3, (int)i * 7);
        ret->row[i] = t_keep(w, vch_text(text));
        vch_stmt_item_salt(w->cr, ret->seed, i, salt);
        vch_stmt_item_leaf(w->cr, salt, ret->row[i], &ret->leaf[i]);
        assert_vch_ok(vch_merkle_frontier_append(w->cr, &f, &ret->leaf[i]));
    }
    vch_merkle_frontier_root(w->cr, &f, &root);
    it.payload = vch_hash_bytes(&root);
    it.content_type = vch_text("text/csv; header=present");
    pointer(&it, cited);
    assert_vch_ok(vch_stmt_item_encode(vch_ossl_key_signer(w->device[dev].key), &it,
                                       VCH_SPAN_OF(room), &out));
    ret->item = t_keep(w, out);
}

uint64_t t_anchor(struct t_world *w, unsigned dev, struct vch_bytes item, bool by_aggregator,
                  int64_t batch_ms, struct vch_bytes *ret_statement)
{
    uint8_t room[VCH_STATEMENT_MAX], uri[VCH_KEY_URI_ROOM], sub[VCH_SUBJECT_TEXT_ROOM];
    struct vch_ossl_key *key = by_aggregator ? w->aggregator_key : w->device[dev].key;
    struct vch_bytes iss = vch_text("agg1.example"), subject = vch_text(VCH_ANCHOR_SUB);
    struct vch_stmt_anchor a = {.count = 1};
    struct vch_hash leaf, thumbprint;
    struct vch_bytes out;

    vch_stmt_anchor_leaf(w->cr, item, &leaf);
    a.root = vch_hash_bytes(&leaf);
    if (!by_aggregator) {
        vch_cose_key_thumbprint(w->cr, &vch_ossl_key_signer(key)->pub, &thumbprint);
        iss = vch_key_uri_encode(&thumbprint, VCH_SPAN_OF(uri));
        subject = vch_text(vch_stmt_subject_text(w->device[dev].subject, VCH_SPAN_OF(sub)));
    }
    assert_vch_ok(vch_stmt_anchor_encode(w->cr, vch_ossl_key_signer(key), &a, iss, subject,
                                         batch_ms / 1000, VCH_SPAN_OF(room), &out));
    *ret_statement = t_keep(w, out);
    return t_ledger_record(w, 0, *ret_statement, batch_ms);
}
