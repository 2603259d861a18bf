#include <vouch/merkle/checkpoint.h>

#include "decimal.h"

/* Is B one line of printable UTF-8, without its end? */
static bool is_line(struct vch_bytes b)
{
    for (size_t i = 0; i < b.n; i++) {
        if (b.p[i] < 0x20 || b.p[i] == 0x7f) {
            return false;
        }
    }
    return b.n != 0 && vch_utf8_check(b);
}

/* Takes the line before the next \n off REST. */
static bool next_line(struct vch_bytes *rest, struct vch_bytes *ret)
{
    const uint8_t *end = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
    size_t n;

    if (end == NULL) {
        return false;
    }
    n = (size_t)(end - rest->p);
    *ret = vch_bytes(rest->p, n);
    *rest = vch_bytes_slice(*rest, n + 1, SIZE_MAX);
    return is_line(*ret);
}

static bool extension_ok(struct vch_bytes rest)
{
    struct vch_bytes line;

    while (rest.n != 0) {
        if (!next_line(&rest, &line)) {
            return false;
        }
    }
    return true;
}

void vch_checkpoint_encode(const struct vch_checkpoint *c, struct vch_writer *w)
{
    char root[VCH_B64_ROOM(VCH_HASH_LEN)];

    if (!is_line(c->origin) || !extension_ok(c->extension)) {
        vch_writer_fail(w, VCH_E(CHECKPOINT));
        return;
    }
    vch_writer_bytes(w, c->origin);
    vch_writer_u8(w, '\n');
    put_decimal(w, c->size);
    vch_writer_u8(w, '\n');
    vch_writer_bytes(
        w, vch_text(vch_b64_encode(VCH_B64_STD, vch_hash_bytes(&c->root), VCH_SPAN_OF(root))));
    vch_writer_u8(w, '\n');
    vch_writer_bytes(w, c->extension);
}

vch_err vch_checkpoint_decode(struct vch_bytes body, struct vch_checkpoint *ret)
{
    struct vch_bytes rest = body, size, root64, root;
    struct vch_checkpoint c = {0};

    VCH_CHECK(next_line(&rest, &c.origin), CHECKPOINT);
    VCH_CHECK(next_line(&rest, &size) && read_decimal(size, UINT64_MAX, &c.size), CHECKPOINT);
    VCH_CHECK(next_line(&rest, &root64), CHECKPOINT);
    VCH_CHECK(vch_ok(vch_b64_decode(VCH_B64_STD, root64, VCH_SPAN_OF(c.root.b), &root)) &&
                  root.n == VCH_HASH_LEN,
              CHECKPOINT);
    VCH_CHECK(extension_ok(rest), CHECKPOINT);
    c.extension = rest;
    *ret = c;
    return VCH_OK;
}
