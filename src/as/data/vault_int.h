/* vault_int.h - the parts of the vault among themselves. */
#ifndef VOUCH_AS_VAULT_INT_H
#define VOUCH_AS_VAULT_INT_H

#include <pthread.h>

#include <vouch/as/vault.h>
#include <vouch/cbor/cbor.h>
#include <vouch/store/kv.h>

#define SEALED_MAX   (24 * 1024)
#define ROW_MAX      256
#define STATE_MAX    4096
#define OPENINGS_MAX (VCH_DISCLOSURES_COUNT * (VCH_DISCLOSURE_MAX + 8))

/* A change, run within the commit that it shares with others. APPLY makes all its checks before its
 * first write. */
struct vault_op {
    vch_err (*apply)(struct vch_as_vault *v, struct vch_kv_txn *t, void *arg);
    void *arg;
    bool sync_slots; /* a key was written: it must be durable before what refers to it */
    vch_err result;
    bool done;
    struct vault_op *next;
};

struct vch_as_vault {
    struct vch_kv *kv;
    struct vch_as_slots *slots;
    const struct vch_crypto *cr;
    vch_random_fn random;
    void *random_self;
    uint8_t master[32], index_key[32];
    uint8_t id[VCH_AS_VAULT_ID];
    struct vch_kv_db meta, subject, ids, index, opening, pending, content, key, sub, hint, seq, due,
        due_of, cert;
    pthread_mutex_t lock; /* the queue of changes */
    pthread_cond_t changed;
    struct vault_op *head, *tail;
    bool leading;       /* a thread is committing */
    uint64_t hint_last; /* number given last; used within commits only */
};

/* Runs the change together with those that wait; returns when it is durable. */
vch_err vch_as_vault_run(struct vch_as_vault *v, struct vault_op *op);

/* A text of a stored record into ROOM, with its NUL. Errors: CBOR_...; AS_VAULT_DAMAGED. */
vch_err vch_as_vault_text(struct vch_cbor *c, char *room, size_t cap);

/* One plain row, to and from its record; the view is the sealed state. */
vch_err vch_as_vault_row_encode(const struct vch_as_row *row, struct vch_bytes sealed,
                                struct vch_buf *out);
vch_err vch_as_vault_row_decode(const uint8_t subject[VCH_AS_SUBJECT_LEN], struct vch_bytes record,
                                struct vch_as_row *ret, struct vch_bytes *ret_sealed);
/* Seals under the key of a subject, for the purpose NAME and the id of what it is. */
struct vch_as_vault_seal {
    const uint8_t *key;
    const char *name;
    struct vch_bytes id;
};
vch_err vch_as_vault_seal(const struct vch_as_vault_seal *s, struct vch_bytes plain,
                          struct vch_buf *out);
vch_err vch_as_vault_unseal(const struct vch_as_vault_seal *s, struct vch_bytes sealed,
                            struct vch_buf *out);
vch_err vch_as_vault_state_seal(const uint8_t key[32], const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                const struct vch_as_state *state, struct vch_buf *out);
vch_err vch_as_vault_state_unseal(const uint8_t key[32], const uint8_t subject[VCH_AS_SUBJECT_LEN],
                                  struct vch_bytes sealed, struct vch_as_state *ret);
/* A list of byte strings as CBOR, sealed. */
vch_err vch_as_vault_list_seal(const struct vch_as_vault_seal *s, const struct vch_bytes *list,
                               size_t n, struct vch_buf *out);

void vch_as_vault_index_key(const struct vch_as_vault *v, enum vch_disc_key kind,
                            struct vch_bytes identity, const uint8_t *subject,
                            uint8_t ret[VCH_HASH_LEN + VCH_AS_SUBJECT_LEN]);
void vch_as_vault_sub_key(const struct vch_as_vault *v, const char *operator_id, const char *sub_id,
                          struct vch_hash *ret);
/* The row and the record of a subject within a transaction. Errors: AS_NO_SUBJECT. */
vch_err vch_as_vault_row_get(struct vch_as_vault *v, struct vch_kv_txn *t,
                             const uint8_t subject[VCH_AS_SUBJECT_LEN], struct vch_as_row *ret,
                             struct vch_bytes *ret_sealed);

/* Walks the records of a database after the key AFTER (NULL: from the first), up to CAP. */
typedef vch_err (*vault_list_fn)(void *ret, size_t at, struct vch_bytes key,
                                 struct vch_bytes value);
vch_err vch_as_vault_walk(struct vch_as_vault *v, struct vch_kv_db db, struct vch_bytes after,
                          size_t cap, vault_list_fn fn, void *ret, size_t *ret_n);
/* Removes a record that may be absent. */
vch_err vch_as_vault_del(struct vch_kv_txn *t, struct vch_kv_db db, struct vch_bytes key);
/* The agenda within a transaction. */
vch_err vch_as_vault_due_put(struct vch_as_vault *v, struct vch_kv_txn *t,
                             const struct vch_as_due *due);

static inline struct vch_bytes subject_view(const uint8_t subject[VCH_AS_SUBJECT_LEN])
{
    return vch_bytes(subject, VCH_AS_SUBJECT_LEN);
}

#endif
