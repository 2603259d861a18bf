/* vouch/stmt/entry_address.h - where a record is kept: the ledger's id and the URL of an AS.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md section 1.
 * req: Y.2247-7.2.2-11 */
#ifndef VOUCH_STMT_ENTRY_ADDRESS_H
#define VOUCH_STMT_ENTRY_ADDRESS_H

#include <vouch/cbor/cbor.h>
#include <vouch/stmt/labels.h>

struct vch_stmt_address {
    struct vch_bytes ledger; /* ledger id: host and path, lower-case host, no scheme */
    struct vch_bytes url;    /* https URL of the AS; http only for a loopback address */
};

/* Form of both parts: the ledger id is `host[:port][/path]` without scheme, query, fragment or
 * white space; the URL is `https://host[:port][/path]`, or `http://` for localhost, 127.0.0.0/8 and
 * [::1] (trials on one machine), without user, query or fragment.
 * Errors: ENTRY_ADDRESS; LIMIT. */
VCH_CHECKED vch_err vch_stmt_address_check(const struct vch_stmt_address *a);
/* `[ledger id, AS URL]`. Errors: those of vch_cbor_*; ENTRY_ADDRESS; LIMIT. */
VCH_CHECKED vch_err vch_stmt_address_decode(struct vch_cbor *c, struct vch_stmt_address *ret);
void vch_stmt_address_put(struct vch_writer *w, const struct vch_stmt_address *a);

/* Does the ledger id have its form? Errors: ENTRY_ADDRESS; LIMIT. */
VCH_CHECKED vch_err vch_stmt_ledger_id_check(struct vch_bytes id);

#endif
