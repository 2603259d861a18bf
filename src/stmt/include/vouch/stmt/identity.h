/* vouch/stmt/identity.h - identifiers of devices, brought to one form and checked before they are
 * digested, so that the same device always gives the same digest for the same salt.
 * Layer 4, pure, heap-free, thread-safe.
 *
 * req: Y.2247-7.2.1-4 (format and check-digit rules) */
#ifndef VOUCH_STMT_IDENTITY_H
#define VOUCH_STMT_IDENTITY_H

#include <vouch/base/bytes.h>
#include <vouch/stmt/labels.h>

#define VCH_IDENTITY_ROOM 40 /* the longest canonical form and its NUL */

/* Canonical form of the identifier KEY (VCH_DISC_IMEI, _ICCID, _MSISDN, _EID) of TEXT,
 * NUL-terminated in OUT, *ret without the NUL. Spaces, hyphens, dots and slashes between digits are
 * dropped.
 *
 * IMEI    15 digits with their Luhn check digit (3GPP TS 23.003 6.2.1). An IMEISV of 16 digits is
 *         mapped to its IMEI: the software version goes, the check digit is computed. Prefixes
 *         "imei-", "imeisv-" (3GPP PEI) and "urn:gsma:imei:" (RFC 7254, without parameters) go too.
 *         Errors: IDENT_IMEI.
 * ICCID   19 or 20 digits beginning with 89 (ITU-T E.118), the last one Luhn over all; a filler F
 *         after 19 digits goes. Errors: IDENT_ICCID.
 * MSISDN  "+" and 5 to 15 digits, no leading zero (ITU-T E.164); also written "tel:+..." and
 *         "msisdn-..." (3GPP GPSI). National forms are refused: they name no country.
 *         Errors: IDENT_MSISDN.
 * EID     32 digits beginning with 89, number mod 97 = 1 (GSMA SGP.02 2.2.2). Errors: IDENT_EID.
 *
 * Errors: also USAGE (another KEY); NO_ROOM. */
VCH_CHECKED vch_err vch_stmt_identity_canon(enum vch_disc_key key, struct vch_bytes text,
                                            struct vch_span out, struct vch_bytes *ret);

/* Is TEXT already in canonical form? Errors: as above. */
VCH_CHECKED vch_err vch_stmt_identity_check(enum vch_disc_key key, struct vch_bytes text);

#endif
