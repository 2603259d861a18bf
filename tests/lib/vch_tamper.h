/* vch_tamper.h - a valid bundle, and every way of tampering with it that the verifier must notice,
 * each with the outcome expected. Used by the unit test and by the program that writes them as
 * files. */
#ifndef VCH_TAMPER_H
#define VCH_TAMPER_H

#include "vch_world.h"

#include <vouch/base/buf.h>
#include <vouch/verify/report.h>

/* A bundle in pieces. */
struct t_bundle {
    struct {
        struct vch_bytes bytes;
        struct vch_bytes receipt[4];
        size_t receipts;
    } statement[6];
    size_t statements;
    struct {
        struct vch_hash txid;
        struct vch_bytes contents[8];
        size_t count;
    } disclosed[6];
    size_t discloseds;
    struct vch_bytes cert[4];
    size_t certs;
    struct vch_bytes proof[4];
    size_t proofs;
    struct vch_bytes item[6];
    size_t items;
    struct {
        uint64_t item;
        struct vch_bytes salt;
        uint64_t first;
        struct vch_bytes row[16];
        size_t count;
    } rows[6];
    size_t row_sets;
    struct {
        uint64_t item, index;
        struct vch_bytes salt, body;
        struct vch_merkle_path path;
    } single_row[4];
    size_t single_rows;
    struct {
        uint64_t item;
        struct vch_hash txid;
    } anchored[6];
    size_t anchoreds;
    bool open; /* no end record */
};

/* What the cases need beside: one world for all of them. */
struct t_case {
    struct t_world w;
    struct t_record *r0; /* of device 0: the contract runs from T_EPOCH - 1 day to + 100 days */
    struct t_record *other;
    struct t_batch batch;
    uint8_t salt[VCH_SALT_LEN];
    struct vch_bytes single, raw;
    int64_t at_ms; /* moment of the verdict */
    bool accept_claimed;
    struct t_bundle b;
    struct vch_buf out; /* the bundle's bytes */
};

struct t_tamper {
    const char *name;
    enum vch_verdict verdict;
    uint32_t code;                   /* of the deciding step, 0 for valid */
    void (*make)(struct t_case *c);  /* changes c->b before, NULL: nothing */
    void (*patch)(struct t_case *c); /* changes c->out afterwards, NULL: nothing */
};

/* Number I, NULL past the end. */
const struct t_tamper *t_tamper_at(size_t i);

/* Makes the world, the valid bundle and the change of T; the result is in c->out. */
void t_case_open(struct t_case *c, const struct t_tamper *t);
void t_case_close(struct t_case *c);

#endif
