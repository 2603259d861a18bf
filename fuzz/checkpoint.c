/* Notes, checkpoints, verifier keys and tile paths: texts from outside. A checkpoint has one form.
 */
#include <vouch/merkle/checkpoint.h>
#include <vouch/merkle/tile.h>
#include <vouch/ossl/crypto.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void checkpoint(struct vch_bytes body)
{
    static uint8_t room[VCH_NOTE_MAX];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_checkpoint c;
    struct vch_bytes again;

    if (body.n <= sizeof(room) && vch_ok(vch_checkpoint_decode(body, &c))) {
        vch_checkpoint_encode(&c, &w);
        VCH_ASSERT(vch_ok(vch_writer_finish(&w, &again)) && vch_bytes_equal(again, body));
    }
}

static void tile(struct vch_bytes path)
{
    char room[VCH_TILE_PATH_ROOM];
    struct vch_bytes again;
    struct vch_tile t;

    if (vch_ok(vch_tile_path_decode(path, &t))) {
        VCH_ASSERT(vch_ok(vch_tile_path_encode(&t, VCH_SPAN_OF(room), &again)));
        VCH_ASSERT(vch_bytes_equal(again, path));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_bytes in = vch_bytes(data, size), name;
    struct vch_note_signature s;
    enum vch_note_type type;
    struct vch_pubkey key = {.curve = VCH_CURVE_ED25519};
    struct vch_note n;
    uint64_t time_s;

    checkpoint(in);
    tile(in);
    vch_ignore(vch_note_vkey_decode(cr, in, &name, &type, &key));
    if (vch_ok(vch_note_decode(in, &n))) {
        checkpoint(n.text);
        for (size_t i = 0; i < n.count; i++) {
            VCH_ASSERT(vch_ok(vch_note_signature(&n, i, &s)));
        }
        VCH_ASSERT(vch_err_is(vch_note_signature(&n, n.count, &s), VCH_E(NOTE)));
        vch_ignore(vch_note_verify(cr, &n, vch_text("o"), VCH_NOTE_COSIGN, &key, &time_s));
    }
    return 0;
}
