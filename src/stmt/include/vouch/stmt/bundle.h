/* vouch/stmt/bundle.h - the bundle (.vouch): a CBOR sequence of records, written and read as a
 * stream.
 * Layer 4, pure, heap-free. docs/formats.md section 5.
 *
 * Not thread-safe per object; different objects are independent. */
#ifndef VOUCH_STMT_BUNDLE_H
#define VOUCH_STMT_BUNDLE_H

#include <vouch/cbor/cbor.h>
#include <vouch/crypto/port.h>
#include <vouch/stmt/labels.h>

/* A list of N byte strings as a view of their encoding. */
struct vch_stmt_bundle_list {
    struct vch_bytes items;
    size_t count;
};

/* Walks a list: the next element of *L, which shrinks. False at its end. */
bool vch_stmt_bundle_list_next(struct vch_stmt_bundle_list *l, struct vch_bytes *ret);

/* One record; which members are set depends on its type. Views lie in the window given. */
struct vch_stmt_bundle_rec {
    enum vch_rec type;
    struct vch_bytes whole; /* its encoding */
    uint64_t item;          /* 6, 7, 8, 12: number of the item, from 0 */
    uint64_t index;         /* 6: first row; 7: row; 8: leaf of the anchor; 12: length in bytes */
    struct vch_bytes body;  /* 1 statement, 3 certificate, 4 state proof, 5 item, 9 genesis entry,
                               7 raw or leaf, 12 name of the file */
    struct vch_bytes id;    /* 2, 8: transaction ID; 15: SHA-256 */
    struct vch_bytes salt;  /* 6: seed (32) or salt (16); 7: salt or empty (stripped); 12: salt */
    struct vch_stmt_bundle_list list; /* 1 receipts, 2 disclosure contents, 6 raw rows, 7 and 8
                                    path; 9: the one receipt */
    uint64_t count;                   /* 15: records before */
};

/* ---- reading */
struct vch_stmt_bundle_reader {
    const struct vch_crypto *cr;
    struct vch_sha256 sum; /* of all bytes before the present record */
    uint64_t offset;       /* bytes of the records returned */
    uint64_t records;
    uint64_t items;
    bool fragment; /* no head is required: the answer of an AS */
    bool ended;    /* the end record was read and is right */
};

/* FRAGMENT: a run of records without the first and the last one. */
void vch_stmt_bundle_reader_init(struct vch_stmt_bundle_reader *r, const struct vch_crypto *cr,
                                 bool fragment);

enum vch_stmt_bundle_step {
    VCH_BUNDLE_MORE,   /* the window ends within a record: give a longer one from the same place */
    VCH_BUNDLE_RECORD, /* *ret is a record; go on rec.whole.n bytes later */
    VCH_BUNDLE_END     /* the window is empty at the end of the stream */
};

/* The record at the start of WINDOW; LAST says that no byte follows the window.
 * A window of VCH_REC_MAX bytes is always enough.
 * Errors: BUNDLE_HEAD (no bundle, or a newer version); BUNDLE_RECORD (malformed, or of an unknown
 * type); BUNDLE_ITEM (a record of an item that did not come before); BUNDLE_END (wrong count or
 * hash, bytes after the end); TRUNCATED (the stream ends within a record); LIMIT. */
VCH_CHECKED vch_err vch_stmt_bundle_next(struct vch_stmt_bundle_reader *r, struct vch_bytes window,
                                         bool last, enum vch_stmt_bundle_step *ret_step,
                                         struct vch_stmt_bundle_rec *ret);

/* ---- writing: each puts one record; the caller passes what was written to
 * vch_stmt_bundle_sum_add. */
void vch_stmt_bundle_put_head(struct vch_writer *w);
void vch_stmt_bundle_put_statement(struct vch_writer *w, struct vch_bytes statement,
                                   const struct vch_bytes *receipts, size_t count);
void vch_stmt_bundle_put_disclosures(struct vch_writer *w, const struct vch_hash *txid,
                                     const struct vch_bytes *contents, size_t count);
void vch_stmt_bundle_put_certificate(struct vch_writer *w, struct vch_bytes der);
void vch_stmt_bundle_put_state_proof(struct vch_writer *w, struct vch_bytes proof);
void vch_stmt_bundle_put_item(struct vch_writer *w, struct vch_bytes item);
void vch_stmt_bundle_put_rows(struct vch_writer *w, uint64_t item, struct vch_bytes salt,
                              uint64_t first, const struct vch_bytes *raws, size_t count);
/* SALT empty: stripped, RAW_OR_LEAF is the leaf hash. */
void vch_stmt_bundle_put_row(struct vch_writer *w, uint64_t item, uint64_t index,
                             struct vch_bytes salt, struct vch_bytes raw_or_leaf,
                             const struct vch_hash *path, size_t count);
void vch_stmt_bundle_put_anchor(struct vch_writer *w, uint64_t item, const struct vch_hash *txid,
                                uint64_t index, const struct vch_hash *path, size_t count);
void vch_stmt_bundle_put_genesis(struct vch_writer *w, struct vch_bytes entry,
                                 struct vch_bytes receipt);
void vch_stmt_bundle_put_file(struct vch_writer *w, uint64_t item, struct vch_bytes salt,
                              uint64_t length, struct vch_bytes name);

/* Running sum for the end record. */
struct vch_stmt_bundle_sum {
    const struct vch_crypto *cr;
    struct vch_sha256 ctx;
    uint64_t records;
};
void vch_stmt_bundle_sum_init(struct vch_stmt_bundle_sum *s, const struct vch_crypto *cr);
/* RECORD: the encoding of exactly one record. */
void vch_stmt_bundle_sum_add(struct vch_stmt_bundle_sum *s, struct vch_bytes record);
/* Puts the end record over all that was added. */
void vch_stmt_bundle_put_end(struct vch_writer *w, const struct vch_stmt_bundle_sum *s);

#endif
