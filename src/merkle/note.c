#include <vouch/merkle/checkpoint.h>

#include "decimal.h"

/* U+2014 and a space begin a signature line. */
static const char dash[] = "\xe2\x80\x94 ";

static bool name_ok(struct vch_bytes name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] <= 0x20 || name.p[i] == '+' || name.p[i] == 0x7f) {
            return false;
        }
    }
    return name.n != 0 && name.n <= VCH_NOTE_NAME_MAX && vch_utf8_check(name);
}

static bool text_ok(struct vch_bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < 0x20 && text.p[i] != '\n') {
            return false;
        }
    }
    return text.n != 0 && text.p[text.n - 1] == '\n' && vch_utf8_check(text);
}

/* Reads the line at the start of *REST and takes it off. */
static vch_err read_line(struct vch_bytes *rest, struct vch_note_signature *ret)
{
    const uint8_t *end = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
    const uint8_t *space;
    struct vch_bytes line, id;
    struct vch_note_signature s;
    size_t from = sizeof(dash) - 1;
    uint8_t head[6];

    VCH_CHECK(end != NULL, NOTE);
    line = vch_bytes(rest->p, (size_t)(end - rest->p));
    VCH_CHECK(line.n > from && memcmp(line.p, dash, from) == 0, NOTE);
    space = memchr(line.p + from, ' ', line.n - from);
    VCH_CHECK(space != NULL, NOTE);
    s.name = vch_bytes(line.p + from, (size_t)(space - line.p) - from);
    s.base64 = vch_bytes_slice(line, (size_t)(space - line.p) + 1, SIZE_MAX);
    /* the first 8 characters are 6 bytes: the key ID and the beginning of the signature */
    VCH_CHECK(name_ok(s.name) && s.base64.n >= 8, NOTE);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_STD, vch_bytes_slice(s.base64, 0, 8), VCH_SPAN_OF(head),
                                    &id)) &&
                  id.n > 4,
              NOTE);
    memcpy(s.key_id, head, 4);
    *rest = vch_bytes_slice(*rest, line.n + 1, SIZE_MAX);
    *ret = s;
    return VCH_OK;
}

vch_err vch_note_decode(struct vch_bytes in, struct vch_note *ret)
{
    struct vch_note n = {0};
    struct vch_note_signature s;
    struct vch_bytes rest;
    size_t at;

    VCH_CHECK(in.n <= VCH_NOTE_MAX, LIMIT);
    for (at = in.n; at >= 2 && (in.p[at - 1] != '\n' || in.p[at - 2] != '\n'); at--) {
    }
    VCH_CHECK(at >= 2, NOTE);
    n.text = vch_bytes(in.p, at - 1);
    n.signatures = vch_bytes_slice(in, at, SIZE_MAX);
    VCH_CHECK(text_ok(n.text) && n.signatures.n != 0, NOTE);
    for (rest = n.signatures; rest.n != 0; n.count++) {
        VCH_CHECK(n.count < VCH_NOTE_SIGS_MAX, LIMIT);
        VCH_TRY(read_line(&rest, &s));
    }
    *ret = n;
    return VCH_OK;
}

vch_err vch_note_signature(const struct vch_note *n, size_t idx, struct vch_note_signature *ret)
{
    struct vch_bytes rest = n->signatures;
    struct vch_note_signature s;

    do {
        VCH_TRY(read_line(&rest, &s));
    } while (idx-- > 0);
    *ret = s;
    return VCH_OK;
}

void vch_note_key_id(const struct vch_crypto *cr, struct vch_bytes name, enum vch_note_type type,
                     const struct vch_pubkey *key, uint8_t ret[4])
{
    uint8_t sep[2] = {'\n', (uint8_t)type};
    struct vch_bytes parts[] = {name, VCH_BYTES_OF(sep), VCH_BYTES_OF(key->x)};
    struct vch_hash h;

    vch_sha256_parts(cr, parts, VCH_ARRAY_LEN(parts), &h);
    memcpy(ret, h.b, 4);
}

/* What a signature of TYPE signs: for a cosignature a head with the time, then the text. */
static struct vch_bytes message_head(enum vch_note_type type, uint64_t time_s, struct vch_span room)
{
    struct vch_writer w = vch_writer(room);
    struct vch_bytes head;

    if (type == VCH_NOTE_COSIGN) {
        vch_writer_bytes(&w, vch_text("cosignature/v1\ntime "));
        put_decimal(&w, time_s);
        vch_writer_u8(&w, '\n');
    }
    VCH_ASSERT(vch_ok(vch_writer_finish(&w, &head)));
    return head;
}

static vch_err verify_one(const struct vch_crypto *cr, const struct vch_note *n,
                          struct vch_bytes base64, enum vch_note_type type,
                          const struct vch_pubkey *key, uint64_t *ret_time_s)
{
    uint8_t raw[4 + 8 + VCH_SIG_LEN], head[64];
    struct vch_bytes blob, id, parts[2];
    struct vch_reader r;
    uint64_t time_s = 0;

    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_STD, base64, VCH_SPAN_OF(raw), &blob)), NOTE);
    r = vch_reader(blob);
    VCH_CHECK(vch_ok(vch_reader_bytes(&r, 4, &id)), NOTE);
    if (type == VCH_NOTE_COSIGN) {
        VCH_CHECK(vch_ok(vch_reader_u64(&r, &time_s)), NOTE);
    }
    VCH_CHECK(vch_reader_left(&r) == VCH_SIG_LEN, NOTE);
    parts[0] = message_head(type, time_s, VCH_SPAN_OF(head));
    parts[1] = n->text;
    VCH_TRY(cr->verify(VCH_ALG_ED25519, key, parts, 2, vch_bytes_slice(blob, r.pos, VCH_SIG_LEN)));
    *ret_time_s = time_s;
    return VCH_OK;
}

vch_err vch_note_verify(const struct vch_crypto *cr, const struct vch_note *n,
                        struct vch_bytes name, enum vch_note_type type,
                        const struct vch_pubkey *key, uint64_t *ret_time_s)
{
    struct vch_bytes rest = n->signatures;
    struct vch_note_signature s;
    uint8_t key_id[4];

    VCH_CHECK(key->curve == VCH_CURVE_ED25519, KEY);
    vch_note_key_id(cr, name, type, key, key_id);
    while (rest.n != 0) {
        VCH_TRY(read_line(&rest, &s));
        if (vch_bytes_equal(s.name, name) && memcmp(s.key_id, key_id, 4) == 0) {
            return verify_one(cr, n, s.base64, type, key, ret_time_s);
        }
    }
    return VCH_E(NOTE_UNSIGNED);
}

vch_err vch_note_sign(const struct vch_crypto *cr, const struct vch_signer *signer,
                      struct vch_bytes name, enum vch_note_type type, struct vch_bytes text,
                      uint64_t time_s, struct vch_writer *w)
{
    uint8_t raw[4 + 8 + VCH_SIG_LEN], head[64];
    char base64[VCH_B64_ROOM(sizeof(raw))];
    struct vch_bytes parts[2], blob;
    struct vch_writer rw = vch_writer(VCH_SPAN_OF(raw));
    uint8_t sig[VCH_SIG_LEN], key_id[4];

    VCH_CHECK(signer->pub.curve == VCH_CURVE_ED25519, KEY);
    VCH_CHECK(name_ok(name) && text_ok(text), NOTE);
    vch_note_key_id(cr, name, type, &signer->pub, key_id);
    parts[0] = message_head(type, time_s, VCH_SPAN_OF(head));
    parts[1] = text;
    VCH_TRY(signer->sign(signer, parts, 2, sig));
    vch_writer_bytes(&rw, VCH_BYTES_OF(key_id));
    if (type == VCH_NOTE_COSIGN) {
        vch_writer_u64(&rw, time_s);
    }
    vch_writer_bytes(&rw, VCH_BYTES_OF(sig));
    VCH_TRY(vch_writer_finish(&rw, &blob));
    vch_writer_bytes(w, vch_text(dash));
    vch_writer_bytes(w, name);
    vch_writer_u8(w, ' ');
    vch_writer_bytes(w, vch_text(vch_b64_encode(VCH_B64_STD, blob, VCH_SPAN_OF(base64))));
    vch_writer_u8(w, '\n');
    return w->err;
}

void vch_note_vkey_encode(const struct vch_crypto *cr, struct vch_bytes name,
                          enum vch_note_type type, const struct vch_pubkey *key,
                          struct vch_writer *w)
{
    uint8_t raw[33], key_id[4];
    char hex[9], base64[VCH_B64_ROOM(sizeof(raw))];

    if (!name_ok(name) || key->curve != VCH_CURVE_ED25519) {
        vch_writer_fail(w, VCH_E(NOTE));
        return;
    }
    vch_note_key_id(cr, name, type, key, key_id);
    raw[0] = (uint8_t)type;
    memcpy(raw + 1, key->x, 32);
    vch_writer_bytes(w, name);
    vch_writer_u8(w, '+');
    vch_writer_bytes(w, vch_text(vch_hex_encode(VCH_BYTES_OF(key_id), VCH_SPAN_OF(hex))));
    vch_writer_u8(w, '+');
    vch_writer_bytes(w,
                     vch_text(vch_b64_encode(VCH_B64_STD, VCH_BYTES_OF(raw), VCH_SPAN_OF(base64))));
}

vch_err vch_note_vkey_decode(const struct vch_crypto *cr, struct vch_bytes text,
                             struct vch_bytes *ret_name, enum vch_note_type *ret_type,
                             struct vch_pubkey *ret_key)
{
    const uint8_t *plus = text.n == 0 ? NULL : memchr(text.p, '+', text.n);
    struct vch_bytes name, rest, id, blob;
    struct vch_pubkey key = {.curve = VCH_CURVE_ED25519};
    uint8_t raw[36], hex[4], key_id[4];

    VCH_CHECK(plus != NULL, NOTE);
    name = vch_bytes(text.p, (size_t)(plus - text.p));
    rest = vch_bytes_slice(text, name.n + 1, SIZE_MAX);
    VCH_CHECK(name_ok(name) && rest.n > 9 && rest.p[8] == '+', NOTE);
    VCH_CHECK(vch_ok(vch_hex_decode(vch_bytes_slice(rest, 0, 8), VCH_SPAN_OF(hex), &id)), NOTE);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_STD, vch_bytes_slice(rest, 9, SIZE_MAX),
                                    VCH_SPAN_OF(raw), &blob)) &&
                  blob.n != 0,
              NOTE);
    VCH_CHECK(blob.p[0] == VCH_NOTE_ED25519 || blob.p[0] == VCH_NOTE_COSIGN, ALG);
    VCH_CHECK(blob.n == 33, NOTE);
    memcpy(key.x, blob.p + 1, 32);
    vch_note_key_id(cr, name, (enum vch_note_type)blob.p[0], &key, key_id);
    VCH_CHECK(memcmp(key_id, hex, 4) == 0, NOTE);
    *ret_name = name;
    *ret_type = (enum vch_note_type)blob.p[0];
    *ret_key = key;
    return VCH_OK;
}
