/* Shared by the files of this module. */
#ifndef VCH_DEVICE_INT_H
#define VCH_DEVICE_INT_H

#include <vouch/device/device.h>

#define STATE_VERSION 1

/* Fills the persisted members of D from an authenticated body. Errors: those of CBOR reads,
 * DEVICE_STATE. */
VCH_CHECKED vch_err vch_device_state_read(struct vch_device *d, struct vch_bytes body);
/* Ranges of a setup. Errors: DEVICE_SETUP; ENTRY_ADDRESS; LIMIT. */
VCH_CHECKED vch_err vch_device_setup_check(const struct vch_device_setup *s);
/* Does the signer satisfy the policy? Errors: DEVICE_UNTRUSTED. */
VCH_CHECKED vch_err vch_device_custody_check(const struct vch_device *d);
/* Receipt of the entry with ENTRY_HASH by ledger number LEDGER. */
VCH_CHECKED vch_err vch_device_entry_receipt_check(const struct vch_device *d, size_t ledger,
                                                   const struct vch_hash *entry_hash,
                                                   struct vch_bytes receipt, bool *ret_verified);

static inline struct vch_bytes entry_url(const struct vch_device_setup *s)
{
    return vch_text(s->entry_url[0] != '\0' ? s->entry_url : s->as_url);
}

#endif
