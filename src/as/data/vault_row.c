/* The records of the vault, to and from bytes, sealed and open. */
#include "vault_int.h"

#include <vouch/ossl/aead.h>

#define AAD_MAX 80

static vch_err aad_make(const struct vch_as_vault_seal *s, uint8_t room[AAD_MAX],
                        struct vch_bytes *ret)
{
    struct vch_writer w = vch_writer(vch_span(room, AAD_MAX));

    vch_cbor_put_array(&w, 2);
    vch_cbor_put_text(&w, s->name);
    vch_cbor_put_bstr(&w, s->id);
    return vch_writer_finish(&w, ret);
}

vch_err vch_as_vault_seal(const struct vch_as_vault_seal *s, struct vch_bytes plain,
                          struct vch_buf *out)
{
    uint8_t room[AAD_MAX];
    struct vch_bytes aad, sealed;
    struct vch_span span;

    VCH_TRY(aad_make(s, room, &aad));
    VCH_TRY(vch_buf_room(out, plain.n + VCH_WRAP_OVERHEAD, &span));
    VCH_TRY(vch_ossl_wrap(s->key, aad, plain, span, &sealed));
    vch_buf_added(out, sealed.n);
    return VCH_OK;
}

vch_err vch_as_vault_unseal(const struct vch_as_vault_seal *s, struct vch_bytes sealed,
                            struct vch_buf *out)
{
    uint8_t room[AAD_MAX];
    struct vch_bytes aad, plain;
    struct vch_span span;
    vch_err e;

    VCH_CHECK(sealed.n >= VCH_WRAP_OVERHEAD, AS_VAULT_DAMAGED);
    VCH_TRY(aad_make(s, room, &aad));
    VCH_TRY(vch_buf_room(out, sealed.n, &span));
    e = vch_ossl_unwrap(s->key, aad, sealed, span, &plain);
    VCH_CHECK(!vch_err_is(e, VCH_E(DECRYPT)), AS_VAULT_DAMAGED);
    VCH_TRY(e);
    vch_buf_added(out, plain.n);
    return VCH_OK;
}

vch_err vch_as_vault_list_seal(const struct vch_as_vault_seal *s, const struct vch_bytes *list,
                               size_t n, struct vch_buf *out)
{
    struct vch_buf plain = vch_buf_init(OPENINGS_MAX);
    struct vch_writer w;
    struct vch_span room;
    struct vch_bytes b;
    vch_err e = vch_buf_room(&plain, OPENINGS_MAX, &room);

    if (vch_ok(e)) {
        w = vch_writer(room);
        vch_cbor_put_array(&w, n);
        for (size_t i = 0; i < n; i++) {
            vch_cbor_put_bstr(&w, list[i]);
        }
        e = vch_writer_finish(&w, &b);
    }
    if (vch_ok(e)) {
        e = vch_as_vault_seal(s, b, out);
        vch_wipe(room.p, b.n);
    }
    vch_buf_fini(&plain);
    return e;
}

vch_err vch_as_vault_row_encode(const struct vch_as_row *row, struct vch_bytes sealed,
                                struct vch_buf *out)
{
    struct vch_span room;
    struct vch_writer w;
    struct vch_bytes b;

    VCH_TRY(vch_buf_room(out, ROW_MAX + sealed.n, &room));
    w = vch_writer(room);
    vch_cbor_put_array(&w, 7);
    vch_cbor_put_uint(&w, row->slot);
    vch_cbor_put_uint(&w, row->life);
    vch_cbor_put_uint(&w, row->seq);
    vch_cbor_put_bstr(&w, vch_hash_bytes(&row->latest));
    vch_cbor_put_bstr(&w, vch_hash_bytes(&row->key));
    vch_cbor_put_int(&w, row->made_ms);
    vch_cbor_put_bstr(&w, sealed);
    VCH_TRY(vch_writer_finish(&w, &b));
    vch_buf_added(out, b.n);
    return VCH_OK;
}

static vch_err row_read(struct vch_cbor *c, struct vch_as_row *row, struct vch_bytes *sealed)
{
    uint64_t slot, life;

    VCH_TRY(vch_cbor_array_of(c, 7));
    VCH_TRY(vch_cbor_uint(c, &slot));
    VCH_TRY(vch_cbor_uint(c, &life));
    VCH_TRY(vch_cbor_uint(c, &row->seq));
    VCH_TRY(vch_cbor_bstr_fixed(c, VCH_SPAN_OF(row->latest.b)));
    VCH_TRY(vch_cbor_bstr_fixed(c, VCH_SPAN_OF(row->key.b)));
    VCH_TRY(vch_cbor_int(c, &row->made_ms));
    VCH_TRY(vch_cbor_bstr(c, sealed));
    VCH_TRY(vch_cbor_end(c));
    VCH_CHECK(slot <= UINT32_MAX && life <= VCH_AS_ERASED, AS_VAULT_DAMAGED);
    row->slot = (uint32_t)slot;
    row->life = (enum vch_as_life)life;
    return VCH_OK;
}

vch_err vch_as_vault_row_decode(const uint8_t subject[VCH_AS_SUBJECT_LEN], struct vch_bytes record,
                                struct vch_as_row *ret, struct vch_bytes *ret_sealed)
{
    struct vch_cbor c = vch_cbor(record, VCH_CBOR_STRICT);

    memcpy(ret->subject, subject, VCH_AS_SUBJECT_LEN);
    return vch_ok(row_read(&c, ret, ret_sealed)) ? VCH_OK : VCH_E(AS_VAULT_DAMAGED);
}

static void ids_put(struct vch_writer *w, const struct vch_edi_ids *ids)
{
    vch_cbor_put_array(w, 4);
    vch_cbor_put_text(w, ids->imei);
    vch_cbor_put_text(w, ids->iccid);
    vch_cbor_put_text(w, ids->msisdn);
    vch_cbor_put_text(w, ids->eid);
}

vch_err vch_as_vault_text(struct vch_cbor *c, char *room, size_t cap)
{
    struct vch_bytes b;

    VCH_TRY(vch_cbor_tstr(c, &b));
    VCH_CHECK(b.n < cap, AS_VAULT_DAMAGED);
    vch_bytes_copy(room, b);
    room[b.n] = '\0';
    return VCH_OK;
}
#define TEXT_GET(c, array) vch_as_vault_text((c), (array), sizeof(array))

static vch_err ids_get(struct vch_cbor *c, struct vch_edi_ids *ids)
{
    VCH_TRY(vch_cbor_array_of(c, 4));
    VCH_TRY(TEXT_GET(c, ids->imei));
    VCH_TRY(TEXT_GET(c, ids->iccid));
    VCH_TRY(TEXT_GET(c, ids->msisdn));
    return TEXT_GET(c, ids->eid);
}

vch_err vch_as_vault_state_seal(const uint8_t key[32], const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                const struct vch_as_state *state, struct vch_buf *out)
{
    uint8_t account[STATE_MAX], room[STATE_MAX + 1024];
    struct vch_as_vault_seal s = {key, "state", subject_view(subject)};
    struct vch_writer wa = vch_writer(VCH_SPAN_OF(account)), w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes b;
    vch_err e;

    vch_as_account_encode(&state->account, &wa);
    VCH_TRY(vch_writer_finish(&wa, &b));
    vch_cbor_put_array(&w, 8);
    ids_put(&w, &state->ids);
    vch_cbor_put_text(&w, state->operator_id);
    vch_cbor_put_uint(&w, state->assurance);
    vch_cbor_put_uint(&w, state->standing);
    vch_cbor_put_bool(&w, state->broken);
    vch_cbor_put_bstr(&w, b);
    vch_cbor_put_text(&w, state->sub_id);
    vch_cbor_put_int(&w, state->sub_expires_ms);
    e = vch_writer_finish(&w, &b);
    if (vch_ok(e)) {
        e = vch_as_vault_seal(&s, b, out);
    }
    vch_wipe(account, sizeof account);
    vch_wipe(room, sizeof room);
    return e;
}

static vch_err state_read(struct vch_cbor *c, struct vch_as_state *st)
{
    struct vch_bytes account;
    uint64_t assurance, standing;

    VCH_TRY(vch_cbor_array_of(c, 8));
    VCH_TRY(ids_get(c, &st->ids));
    VCH_TRY(TEXT_GET(c, st->operator_id));
    VCH_TRY(vch_cbor_uint(c, &assurance));
    VCH_TRY(vch_cbor_uint(c, &standing));
    VCH_TRY(vch_cbor_bool(c, &st->broken));
    VCH_TRY(vch_cbor_bstr(c, &account));
    VCH_TRY(vch_as_account_decode(account, &st->account));
    VCH_TRY(TEXT_GET(c, st->sub_id));
    VCH_TRY(vch_cbor_int(c, &st->sub_expires_ms));
    VCH_TRY(vch_cbor_end(c));
    VCH_CHECK(assurance >= VCH_ASSURANCE_SELF && assurance <= VCH_ASSURANCE_ATTESTED &&
                  standing >= VCH_STANDING_GOOD && standing <= VCH_STANDING_ENDED,
              AS_VAULT_DAMAGED);
    st->assurance = (enum vch_assurance)assurance;
    st->standing = (enum vch_standing)standing;
    return VCH_OK;
}

vch_err vch_as_vault_state_unseal(const uint8_t key[32], const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                  struct vch_bytes sealed, struct vch_as_state *ret)
{
    struct vch_as_vault_seal s = {key, "state", subject_view(subject)};
    struct vch_buf plain = vch_buf_init(SEALED_MAX);
    struct vch_as_state st;
    struct vch_cbor c;
    vch_err e = vch_as_vault_unseal(&s, sealed, &plain);

    memset(&st, 0, sizeof st);
    if (vch_ok(e)) {
        c = vch_cbor(vch_buf_get(&plain), VCH_CBOR_STRICT);
        e = vch_ok(state_read(&c, &st)) ? VCH_OK : VCH_E(AS_VAULT_DAMAGED);
        vch_wipe(plain.p, plain.n);
    }
    vch_buf_fini(&plain);
    if (vch_ok(e)) {
        *ret = st;
    }
    return e;
}

/* SUBJECT NULL: only the part that all lineages of the identity share. */
void vch_as_vault_index_key(const struct vch_as_vault *v, enum vch_disc_key kind,
                            struct vch_bytes identity, const uint8_t *subject,
                            uint8_t ret[VCH_HASH_LEN + VCH_AS_SUBJECT_LEN])
{
    const uint8_t k = (uint8_t)kind;
    struct vch_bytes parts[] = {vch_bytes(&k, 1), identity};
    struct vch_hash h;

    vch_hmac_sha256(v->cr, VCH_BYTES_OF(v->index_key), parts, VCH_ARRAY_LEN(parts), &h);
    memcpy(ret, h.b, VCH_HASH_LEN);
    if (subject != NULL) {
        memcpy(ret + VCH_HASH_LEN, subject, VCH_AS_SUBJECT_LEN);
    }
}

void vch_as_vault_sub_key(const struct vch_as_vault *v, const char *operator_id, const char *sub_id,
                          struct vch_hash *ret)
{
    static const uint8_t kind = 0xff; /* no kind of identity */
    struct vch_bytes parts[] = {vch_bytes(&kind, 1),
                                vch_bytes(operator_id, strlen(operator_id) + 1), vch_text(sub_id)};

    vch_hmac_sha256(v->cr, VCH_BYTES_OF(v->index_key), parts, VCH_ARRAY_LEN(parts), ret);
}

vch_err vch_as_vault_row_get(struct vch_as_vault *v, struct vch_kv_txn *t,
                             const uint8_t subject[VCH_AS_SUBJECT_LEN], struct vch_as_row *ret,
                             struct vch_bytes *ret_sealed)
{
    struct vch_bytes record;
    vch_err e = vch_kv_get(t, v->subject, subject_view(subject), &record);

    VCH_CHECK(!vch_err_is(e, VCH_E(NOT_FOUND)), AS_NO_SUBJECT);
    VCH_TRY(e);
    return vch_as_vault_row_decode(subject, record, ret, ret_sealed);
}
