/* vouch/stmt/disclosure.h - salted values whose digests stand in statements (the shape of SD-CWT),
 * and lists of such digests.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md section 2.1. */
#ifndef VOUCH_STMT_DISCLOSURE_H
#define VOUCH_STMT_DISCLOSURE_H

#include <vouch/cbor/cbor.h>
#include <vouch/crypto/port.h>
#include <vouch/stmt/labels.h>

enum vch_disc_type {
    VCH_DISC_NULL = 0,
    VCH_DISC_TEXT = 1,
    VCH_DISC_INT = 2,
    VCH_DISC_BOOL = 3,
    VCH_DISC_BYTES = 4
};

struct vch_disc_value {
    enum vch_disc_type type;
    struct vch_bytes bytes; /* of TEXT and BYTES */
    int64_t num;            /* of INT */
    bool flag;              /* of BOOL */
};

struct vch_disclosure {
    struct vch_bytes salt; /* 16 bytes */
    uint64_t key;          /* enum vch_disc_key, or one this version does not know */
    struct vch_disc_value value;
    struct vch_bytes contents; /* after decoding: the contents of its byte string */
};

static inline struct vch_disc_value vch_stmt_disc_text(struct vch_bytes text)
{
    return (struct vch_disc_value){.type = VCH_DISC_TEXT, .bytes = text};
}

static inline struct vch_disc_value vch_stmt_disc_int(int64_t num)
{
    return (struct vch_disc_value){.type = VCH_DISC_INT, .num = num};
}

static inline struct vch_disc_value vch_stmt_disc_null(void)
{
    return (struct vch_disc_value){.type = VCH_DISC_NULL};
}

/* Writes the contents `[salt, value, key]`, to be carried in a byte string.
 * Errors: DISCLOSURE (a value that does not fit its key, salt not of 16 bytes); IDENT_* (an
 * identifier not in canonical form); LIMIT (over 1 KiB); NO_ROOM. */
VCH_CHECKED vch_err vch_stmt_disclosure_encode(const struct vch_disclosure *d, struct vch_span out,
                                               struct vch_bytes *ret_contents);

/* Decodes contents. The value of a known key has the type that docs/formats.md gives it, and an
 * identifier its canonical form; a key this version does not know may hold any value.
 * Errors: those of vch_cbor_*; DISCLOSURE; IDENT_*; LIMIT. */
VCH_CHECKED vch_err vch_stmt_disclosure_decode(struct vch_bytes contents,
                                               struct vch_disclosure *ret);

/* SHA-256 over the byte string, head included, whose contents these are. */
void vch_stmt_disclosure_digest(const struct vch_crypto *cr, struct vch_bytes contents,
                                struct vch_hash *ret);

/* ---- lists of digests: ascending, without duplicates, as a view of their encoding */
struct vch_stmt_digests {
    struct vch_bytes items; /* COUNT byte strings of 32 bytes with their heads */
    size_t count;
};

/* Digest number IDX (below count), a view of 32 bytes. */
struct vch_bytes vch_stmt_digests_get(const struct vch_stmt_digests *l, size_t idx);
bool vch_stmt_digests_has(const struct vch_stmt_digests *l, const struct vch_hash *digest);
/* Reads `[+ bstr32]`. Errors: those of vch_cbor_*; DIGESTS (none, out of order, twice); LIMIT. */
VCH_CHECKED vch_err vch_stmt_digests_decode(struct vch_cbor *c, struct vch_stmt_digests *ret);
/* Puts an ascending array; the writer fails with DIGESTS or LIMIT where it is not one. */
void vch_stmt_digests_put(struct vch_writer *w, const struct vch_hash *digests, size_t count);
/* Sorts in place; duplicates stay and are refused when put. */
void vch_stmt_digests_sort(struct vch_hash *digests, size_t count);

/* Decodes CONTENTS and finds its digest in LIST.
 * Errors: those of vch_stmt_disclosure_decode; DISCLOSURE_FOREIGN (not in the list).
 * req: Y.2247-7.2.3-12 (a selection of fields still verifies) */
VCH_CHECKED vch_err vch_stmt_disclosure_open(const struct vch_crypto *cr,
                                             const struct vch_stmt_digests *list,
                                             struct vch_bytes contents, struct vch_disclosure *ret);

/* "imei", "terminated-at"...; "unknown" otherwise. Static. */
const char *vch_stmt_disc_name(uint64_t key);
/* The key of a name, 0 for none. */
uint64_t vch_stmt_disc_key_of(struct vch_bytes name);

#endif
