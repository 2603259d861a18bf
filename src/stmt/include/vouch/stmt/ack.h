/* vouch/stmt/ack.h - the unsigned envelopes of RP-ud: registration request and acknowledgement.
 * Layer 4, pure, heap-free, thread-safe. docs/formats.md sections 2.2 and 2.6. */
#ifndef VOUCH_STMT_ACK_H
#define VOUCH_STMT_ACK_H

#include <vouch/stmt/entry_address.h>

/* `{1: registration, 2: [+ disclosure contents]}` */
struct vch_stmt_request {
    struct vch_bytes registration;
    struct vch_bytes disclosures[VCH_DISCLOSURES_COUNT]; /* contents */
    size_t disclosure_count;
};

/* Errors: those of vch_cbor_*; LIMIT; CBOR_FIELD; CBOR_LABEL. Contents are not looked into. */
VCH_CHECKED vch_err vch_stmt_request_decode(struct vch_bytes in, struct vch_stmt_request *ret);
/* Errors: NO_ROOM; LIMIT; CBOR_FIELD. */
VCH_CHECKED vch_err vch_stmt_request_encode(const struct vch_stmt_request *r, struct vch_span out,
                                            struct vch_bytes *ret);

/* `{1: endorsement, 2: receipt, 3: entry address, ? 4: nonce}` */
struct vch_stmt_ack {
    struct vch_bytes endorsement;
    struct vch_bytes receipt;
    struct vch_stmt_address address;
    struct vch_bytes nonce; /* of the next request, or empty */
};

/* Errors: those of vch_cbor_*; LIMIT; CBOR_FIELD; CBOR_LABEL; ENTRY_ADDRESS. */
VCH_CHECKED vch_err vch_stmt_ack_decode(struct vch_bytes in, struct vch_stmt_ack *ret);
/* Errors: NO_ROOM; LIMIT; CBOR_FIELD; ENTRY_ADDRESS. */
VCH_CHECKED vch_err vch_stmt_ack_encode(const struct vch_stmt_ack *a, struct vch_span out,
                                        struct vch_bytes *ret);

#endif
