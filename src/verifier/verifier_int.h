/* Inside of the verifier: what was read, and what became of it. */
#ifndef VCH_VERIFIER_INT_H
#define VCH_VERIFIER_INT_H

#include <vouch/verifier/verifier.h>

#define NO_INDEX UINT32_MAX

/* Memory that lives as long as the verifier. */
struct arena_chunk {
    struct arena_chunk *next;
    size_t used, cap;
    max_align_t bytes[];
};
struct arena {
    struct arena_chunk *head;
};
void *vch_verifier_arena_take(struct arena *a, size_t n);
struct vch_bytes vch_verifier_arena_copy(struct arena *a, struct vch_bytes b);
void vch_verifier_arena_fini(struct arena *a);

/* An array that grows. */
struct list {
    void *p;
    size_t n, cap;
};
void *vch_verifier_list_add(struct list *l, size_t element); /* zeroed */

struct source {
    const char *name;
    int fd;                  /* -1: in memory */
    struct vch_bytes memory; /* then */
    uint64_t items, dropped, err_at;
    uint32_t first_item;
    bool ended, bare;
    vch_err err;
};

/* A view list for receipts or disclosures of a statement. */
struct link {
    struct link *next;
    struct vch_bytes bytes;
};

struct statement {
    struct vch_hash txid;
    struct vch_bytes bytes; /* empty: only named so far, by its disclosures */
    enum vch_stmt_type type;
    struct link *receipts;
    struct link *contents;
    size_t receipt_count, content_count;
    uint32_t result; /* index of the record or anchor made from it, NO_INDEX for none */
};

/* A record with data of an item, left in its file. */
struct data_ref {
    uint64_t offset;
    uint32_t length;
    uint32_t source;
    uint32_t next;
    enum vch_rec type;
};

struct anchor_ref {
    struct vch_hash txid;
    uint64_t index;
    struct vch_stmt_bundle_list path;
    uint32_t next;
};

struct item {
    struct vch_bytes bytes;
    uint32_t source;
    uint32_t data_first, data_last;
    uint32_t anchor_first;
    struct vch_verify_report report;
    enum vch_verdict verdict;
    enum vch_step step;
    vch_err broken; /* no item at all: NO_ORIGIN */
};

struct genesis_in {
    struct vch_bytes entry, receipt;
};

struct vch_verifier {
    struct vch_verifier_options o;
    struct vch_verify judge;
    struct arena arena;
    struct list sources;    /* struct source */
    struct list statements; /* struct statement */
    uint32_t *by_txid;      /* open addressing over the statements */
    size_t by_txid_cap;
    struct list certs, cert_hashes; /* struct vch_bytes, struct vch_hash */
    struct list proofs;             /* struct vch_bytes */
    struct list genesis_in;         /* struct genesis_in */
    struct list items;              /* struct item */
    struct list data_refs, anchor_refs;
    struct list wants; /* struct vch_verifier_want */
    /* results */
    struct vch_verify_book book;
    struct vch_verify_state *states;
    struct vch_verify_genesis *genesis;
    struct vch_verify_anchor *anchors;
    size_t anchor_count;
    struct vch_verifier_summary summary;
    uint64_t items_done; /* under the pool's lock */
};

static inline struct source *source_at(const struct vch_verifier *v, size_t i)
{
    return (struct source *)v->sources.p + i;
}

static inline struct statement *statement_at(const struct vch_verifier *v, size_t i)
{
    return (struct statement *)v->statements.p + i;
}

static inline struct item *item_at(const struct vch_verifier *v, size_t i)
{
    return (struct item *)v->items.p + i;
}

static inline struct data_ref *data_ref_at(const struct vch_verifier *v, size_t i)
{
    return (struct data_ref *)v->data_refs.p + i;
}

static inline struct anchor_ref *anchor_ref_at(const struct vch_verifier *v, size_t i)
{
    return (struct anchor_ref *)v->anchor_refs.p + i;
}

/* The statement of that transaction ID; made if it is not there and MAKE says so, otherwise NULL.
 */
struct statement *vch_verifier_statement_of(struct vch_verifier *v, const struct vch_hash *txid,
                                            bool make);

/* Takes one record that is no data. Errors: BUNDLE_RECORD (a disclosure or item where none may be).
 */
vch_err vch_verifier_take_record(struct vch_verifier *v, struct source *src,
                                 const struct vch_stmt_bundle_rec *rec, uint64_t offset);

/* Enters an item into V. */
void vch_verifier_add_item(struct vch_verifier *v, struct source *src, struct vch_bytes bytes);

/* The data of item IT: reads it from its source and enters the outcome into its report. ROOM is the
 * thread's own buffer. */
void vch_verifier_check_data(struct vch_verifier *v, struct item *it, struct vch_buf *room);

/* The data record of D again, from its source; its views lie in the source or in ROOM. */
vch_err vch_verifier_read_again(struct vch_verifier *v, const struct data_ref *d,
                                struct vch_buf *room, struct vch_stmt_bundle_rec *ret);

/* Calls FN for 0 .. COUNT - 1 by all threads; each has its own buffer. Between its own jobs the
 * calling thread ticks when TICK is set. */
typedef void (*job_fn)(struct vch_verifier *v, size_t idx, struct vch_buf *room);
void vch_verifier_run_parallel(struct vch_verifier *v, size_t count, job_fn fn, bool tick);

#endif
