/* vouch/svc_ledger/svc_ledger.h - the HTTPS face of a ledger: routes for an HTTP server of the
 * daemon. Layer 11. Thread-safe.
 *
 *     POST /ledger/v1/entries[?wait_ms=]        application/cose; 201 (200: known before) with the
 *                                               receipt, Location, Vouch-Index, Vouch-Batch
 *     GET  /ledger/v1/entries/{txid}            entry and receipt (CBOR, vouch/ledger/wire.h; or
 * JSON) GET  /ledger/v1/entries/{txid}/receipt    application/cose GET
 * /ledger/v1/entries/{txid}/statement  application/cose GET  /ledger/v1/log/{index} as
 * entries/{txid}, for any entry GET  /ledger/v1/log?from=&wait_ms=        entries in order (CBOR),
 * waits for the first GET  /ledger/v1/head                      CBOR or JSON GET
 * /ledger/v1/proof/inclusion?index=&size=       CBOR or JSON GET
 * /ledger/v1/proof/consistency?from=&to=        CBOR or JSON GET  /ledger/v1/state/{kind}/{id}
 * state proof (CBOR); id in hexadecimal GET  /ledger/v1/authorities               JSON; the proven
 * form is entry 0 of the log GET  /checkpoint, /tile/...               C2SP tlog-tiles: text/plain,
 * octets
 *
 * Nobody gets in unless the callback says so. req: Y.2247-8.1.3-1 */
#ifndef VOUCH_SVC_LEDGER_SVC_LEDGER_H
#define VOUCH_SVC_LEDGER_SVC_LEDGER_H

#include <vouch/engine/engine.h>
#include <vouch/http/server.h>

struct vch_svc_ledger;

enum vch_svc_ledger_right {
    VCH_SVC_LEDGER_READ = 1,
    VCH_SVC_LEDGER_SUBMIT = 2,
    VCH_SVC_LEDGER_TILES = 3 /* checkpoint and tiles: hashes only, commonly public */
};

/* VCH_OK lets the request in; the error becomes the answer. */
typedef vch_err (*vch_svc_ledger_authorise_fn)(void *user, const struct vch_http_request *rq,
                                               enum vch_svc_ledger_right right);

struct vch_svc_ledger_options {
    const struct vch_ledger *ledger; /* outlives the service */
    struct vch_engine *engine; /* of LEDGER, if it is embedded: submissions then hold no worker
                                * while they wait; NULL otherwise */
    vch_svc_ledger_authorise_fn authorise; /* required */
    void *user;
};

/* Errors: USAGE (no authorise callback); MEMORY. */
VCH_CHECKED vch_err vch_svc_ledger_open(const struct vch_svc_ledger_options *o,
                                        struct vch_svc_ledger **ret);
/* After the HTTP server was closed. NULL is allowed. */
void vch_svc_ledger_close(struct vch_svc_ledger *s);
/* Ends the waiting of GET /ledger/v1/log and of deferred submissions being answered; call it before
 * the HTTP server is closed. */
void vch_svc_ledger_stop(struct vch_svc_ledger *s);

/* Routes for struct vch_http_server_options; valid until close. Returns their number. */
size_t vch_svc_ledger_routes(struct vch_svc_ledger *s, const struct vch_http_route **ret);

#endif
