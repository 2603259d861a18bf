/* vouch/ledger/remote.h - a ledger behind HTTPS, through the same function table.
 * Layer 9. Thread-safe.
 *
 * Nothing that comes back is believed: every entry, head and value of the state is checked by its
 * receipt against the configured keys of that ledger, and each newer head must continue the one
 * seen before (LEDGER_FORK otherwise; the memory lasts as long as the object). */
#ifndef VOUCH_LEDGER_REMOTE_H
#define VOUCH_LEDGER_REMOTE_H

#include <vouch/http/client.h>
#include <vouch/ledger/ledger.h>

#define VCH_LEDGER_REMOTE_KEYS 16

struct vch_ledger_remote_options {
    const struct vch_crypto *cr;
    const char *ledger_id;
    const struct vch_pubkey *keys; /* receipt keys of that ledger, 1 to 16; copied */
    size_t key_count;
    struct vch_http_client_options http; /* url: where /ledger/v1/... lies */
    const char *token; /* bearer token to send along; NULL: none, as with a client certificate */
};

/* Opens without asking anything yet. Errors: LEDGER_ID (too long), USAGE (keys); those of
 * vch_http_client_open. */
VCH_CHECKED vch_err vch_ledger_remote_open(const struct vch_ledger_remote_options *o,
                                           struct vch_ledger *ret);

#endif
