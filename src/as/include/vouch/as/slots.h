/* vouch/as/slots.h - the key file: one key for each subject, in slots of fixed place.
 * Layer 11, part "data management". Thread-safe.
 *
 * What opens the records of a device is encrypted under a key of its own, and these keys lie here
 * and nowhere else: never in the vault's database, whose pages are copied on every write, and never
 * in the same backup. Erasing a device is overwriting its slot, in place, and syncing: every copy
 * of the vault loses its meaning for that device at once.
 *
 * The file: a header of 64 bytes ["VOUCHSK1"][version u32][slot length u32][vault id 16][zeros],
 * then slots of 64 bytes [state u8: 0 free, 1 used, 2 erased][generation u24][nonce 12][key 32][tag
 * 16]; the key is wrapped by AES-256-GCM under the vault's key, bound to vault, slot, generation
 * and subject. Integers are big-endian. Mode 0600.
 *
 * On media that move written blocks (SSD, copy-on-write file systems) an overwritten slot may
 * survive below the file system; docs/security.md says what follows from that. */
#ifndef VOUCH_AS_SLOTS_H
#define VOUCH_AS_SLOTS_H

#include <vouch/base/bytes.h>
#include <vouch/crypto/port.h>

#define VCH_AS_KEY_LEN     32
#define VCH_AS_SUBJECT_LEN 16
#define VCH_AS_VAULT_ID    16

struct vch_as_slots;

/* Opens the key file PATH under the vault key KEK (copied), or makes it if it is missing and
 * CREATE. Errors: FILE_MISSING; FILE_MODE (others may read or write it); FILE_LOCKED;
 * AS_VAULT_DAMAGED (no key file, or of another vault); FILE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_as_slots_open(const char *path, const uint8_t kek[VCH_AS_KEY_LEN],
                                      const uint8_t vault_id[VCH_AS_VAULT_ID], bool create,
                                      vch_random_fn random, void *random_self,
                                      struct vch_as_slots **ret);
void vch_as_slots_close(struct vch_as_slots *s); /* NULL is allowed */

/* Says that slot NUMBER is referred to by the vault. The vault tells all of them after opening;
 * then vch_as_slots_settle frees those in use that nothing refers to: a crash left them. Errors:
 * AS_VAULT_DAMAGED (no such slot). */
VCH_CHECKED vch_err vch_as_slots_mark(struct vch_as_slots *s, uint32_t number);
/* Errors: FILE_IO. */
VCH_CHECKED vch_err vch_as_slots_settle(struct vch_as_slots *s, size_t *ret_freed);

/* A new key for SUBJECT in a free slot; written but durable only after vch_as_slots_sync.
 * Errors: CRYPTO; FILE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_as_slots_new(struct vch_as_slots *s,
                                     const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                     uint32_t *ret_number, uint8_t ret_key[VCH_AS_KEY_LEN]);
/* Gives a slot back that never became durable, because the registration failed. */
void vch_as_slots_undo(struct vch_as_slots *s, uint32_t number);
VCH_CHECKED vch_err vch_as_slots_sync(struct vch_as_slots *s);
/* The key of SUBJECT. Wipe it after use.
 * Errors: AS_ERASED; AS_VAULT_DAMAGED (no such slot, of another subject, or changed); FILE_IO. */
VCH_CHECKED vch_err vch_as_slots_get(struct vch_as_slots *s, uint32_t number,
                                     const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                     uint8_t ret_key[VCH_AS_KEY_LEN]);
/* Overwrites the slot with random bytes, syncs, marks it erased, syncs. Repeating is no error.
 * Errors: AS_VAULT_DAMAGED (no such slot); CRYPTO; FILE_IO. */
VCH_CHECKED vch_err vch_as_slots_erase(struct vch_as_slots *s, uint32_t number);

#endif
