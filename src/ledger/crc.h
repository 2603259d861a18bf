/* CRC-32C (Castagnoli), reflected, as in RFC 3720 appendix B.4. Private to the module. */
#ifndef VOUCH_LEDGER_SRC_CRC_H
#define VOUCH_LEDGER_SRC_CRC_H

#include <vouch/base/bytes.h>

/* Continues CRC (0 at first) over B. */
uint32_t vch_ledger_crc32c(uint32_t crc, struct vch_bytes b);

#endif
