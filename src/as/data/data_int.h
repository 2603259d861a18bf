/* data_int.h - data management among its files. */
#ifndef VOUCH_AS_DATA_INT_H
#define VOUCH_AS_DATA_INT_H

#include <pthread.h>

#include <vouch/as/data.h>

#define LOCK_COUNT 256 /* one subject always has the same lock */

struct vch_as_data {
    struct vch_as_data_options o;
    char as_id[VCH_NAME_MAX + 1];
    struct vch_as_chain chain;
    pthread_mutex_t locks[LOCK_COUNT];
    pthread_rwlock_t key_lock; /* what follows: read to sign, write to change */
    const struct vch_signer *signer;
    struct vch_buf cert;
    struct vch_hash cert_hash, thumbprint;
    int64_t cert_from_ms, cert_until_ms;
    void (*key_close)(void *arg);
    void *key_close_arg;
};

/* What one endorsement says. */
struct draft {
    const uint8_t *subject;
    enum vch_action action;
    uint64_t seq;
    const struct vch_hash *prev; /* NULL for the first */
    struct vch_bytes registration;
    const struct vch_edi_status *account;
    enum vch_standing standing;
    const char *reason;
    enum vch_assurance assurance;
    struct vch_hash evidence;
    int64_t effective_ms;
    bool has_notified;
    int64_t notified_ms;
    const char *operator_id;
};

/* Signs the draft; STATEMENT and OPENINGS are the caller's to finish. Errors: AS_KEY_UNFIT; those
 * of vch_stmt_endorsement_encode. */
vch_err vch_as_data_endorse(struct vch_as_data *d, const struct draft *dr,
                            struct vch_buf *statement, struct vch_as_openings *openings,
                            struct vch_hash *ret_txid);

void vch_as_data_lock(struct vch_as_data *d, const uint8_t subject[16]);
void vch_as_data_unlock(struct vch_as_data *d, const uint8_t subject[16]);
/* With the subject locked: submits what is pending, confirms or drops it. RET (NULL allowed) gets
 * the record. Errors: NOT_FOUND (nothing is pending). */
vch_err vch_as_data_settle_locked(struct vch_as_data *d, const uint8_t subject[16],
                                  struct vch_as_record *ret);
/* Puts an entry on the agenda, after DELAY_MS. */
vch_err vch_as_data_due(struct vch_as_data *d, const uint8_t subject[16], enum vch_as_due_kind kind,
                        int64_t delay_ms);
/* What is to be done, and when, once an endorsement is recorded that was made from ACCOUNT.
 * Returns the number of entries, without their subject. */
size_t vch_as_data_agenda(const struct vch_as_data *d, enum vch_action action,
                          const struct vch_edi_status *account,
                          struct vch_as_due ret[VCH_AS_DUE_KINDS]);
vch_err vch_as_data_retire_locked(struct vch_as_data *d, const uint8_t subject[16],
                                  const char *reason, int64_t effective_ms);

#endif
