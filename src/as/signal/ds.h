/* ds.h - RP-ds among its files: requests read, answers put together. */
#ifndef VOUCH_AS_DS_H
#define VOUCH_AS_DS_H

#include <jansson.h>

#include "as_int.h"

#define DS_BATCH_MAX 10000
#define DS_CERTS_MAX 64

/* ---- requests: JSON objects without unknown members.
 * Errors of all: AS_QUERY (not of the form). */
vch_err vch_as_ds_parse(struct vch_bytes body, json_t **ret);
/* Errors unless all members of OBJECT are among the names of KNOWN (NULL-terminated). */
vch_err vch_as_ds_members(const json_t *object, const char *const *known);
vch_err vch_as_ds_bool(const json_t *object, const char *name, bool *ret); /* false if absent */
vch_err vch_as_ds_txid(const json_t *text, struct vch_hash *ret);
/* The fields asked for, or all that the caller may see. Errors: also AS_FIELDS. */
vch_err vch_as_ds_fields(struct call *c, const json_t *object, uint64_t *ret);
/* The entry address, which must be of this ledger and this AS. Errors: also AS_ENTRY_ADDRESS. */
vch_err vch_as_ds_entry(struct call *c, const json_t *object);
/* Identifiers in their canonical form; one at least. Errors: also IDENT_*. */
vch_err vch_as_ds_identity(const json_t *object, struct vch_edi_ids *ret);

/* ---- answers */
struct answer {
    struct call *c;
    bool json; /* for people; otherwise a run of bundle records */
    uint64_t fields;
    bool latest, history;
    struct vch_buf out;
    json_t *records, *missing;
    struct vch_hash *done; /* records put so far */
    size_t done_n, done_cap;
    struct vch_hash certs[DS_CERTS_MAX];
    size_t cert_n;
};
vch_err vch_as_answer_init(struct answer *a, struct call *c);
void vch_as_answer_fini(struct answer *a);
/* Puts the record TXID with what the request wants beside it. Errors: AS_RECORD;
 * AS_NOT_ENDORSEMENT; those of the ledger. */
vch_err vch_as_answer_record(struct answer *a, const struct vch_hash *txid);
void vch_as_answer_missing(struct answer *a, const struct vch_hash *txid, vch_err e);
/* Sends it. Errors: LIMIT. */
vch_err vch_as_answer_send(struct answer *a);
/* The value of a disclosure as JSON. */
json_t *vch_as_ds_value(const struct vch_disclosure *d);

vch_err vch_as_ds_records(struct call *c);
vch_err vch_as_ds_lookup(struct call *c);
vch_err vch_as_ds_confirm(struct call *c);

#endif
