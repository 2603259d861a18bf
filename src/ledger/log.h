/* The segment files of the log: append a batch, read a record, walk the batches, cut a torn tail.
 * Private to the module. One thread appends; any number read. */
#ifndef VOUCH_LEDGER_SRC_LOG_H
#define VOUCH_LEDGER_SRC_LOG_H

#include <pthread.h>

#include <vouch/base/buf.h>
#include <vouch/ledger/record.h>

#define VCH_LEDGER_SEGMENT_SIZE (64u << 20)

struct vch_ledger_log {
    char *dir;
    bool read_only;
    bool failed; /* a write or sync failed: what is on the disk is unknown */
    uint64_t seg_size;
    uint8_t id[16];
    pthread_mutex_t lock; /* guards fds and count */
    int *fds;
    uint64_t count;
    uint64_t end; /* position of the next batch; set by the owner after its walk */
    struct vch_buf out;
};

/* Makes DIR/log with an empty first segment. Errors: LEDGER_EXISTS; LEDGER_DISK_FULL; FILE_IO... */
VCH_CHECKED vch_err vch_ledger_log_create(const char *dir, uint64_t seg_size, const uint8_t id[16]);
/* Opens the segments and checks their heads. END is not yet known. Errors: LEDGER_ABSENT;
 * LEDGER_DAMAGED; LEDGER_VERSION. */
VCH_CHECKED vch_err vch_ledger_log_open(const char *dir, bool read_only, struct vch_ledger_log *ret,
                                        struct vch_ledger_fault *reterr);
void vch_ledger_log_close(struct vch_ledger_log *log);

/* Appends the records as one batch with one sync, fills in their positions, and moves END.
 * Errors: LEDGER_DISK_FULL (nothing was written, the log goes on); LEDGER_FAILED (for good). */
VCH_CHECKED vch_err vch_ledger_log_append(struct vch_ledger_log *log,
                                          struct vch_ledger_record *recs, size_t n, uint64_t batch,
                                          uint64_t first_index);
/* The record at POS; its contents replace those of BUF. Errors: LEDGER_RECORD. */
VCH_CHECKED vch_err vch_ledger_log_read(struct vch_ledger_log *log, uint64_t pos,
                                        struct vch_buf *buf, struct vch_ledger_record *ret);

/* A walk over the batches, one segment in memory at a time. */
struct vch_ledger_walk {
    struct vch_ledger_log *log;
    uint64_t pos;                   /* of the next batch */
    uint64_t loaded;                /* number of the segment in memory + 1; 0: none */
    struct vch_buf seg;             /* the segment */
    struct vch_ledger_record *recs; /* of the batch: entries, then the commit record */
    size_t n, cap;
    struct vch_ledger_commit commit;
    uint64_t torn; /* bytes of an unfinished batch at the end of the log, 0: none */
};
/* From the batch at POS (0: the first). */
void vch_ledger_walk_init(struct vch_ledger_walk *w, struct vch_ledger_log *log, uint64_t pos);
void vch_ledger_walk_fini(struct vch_ledger_walk *w);
/* The next batch in w->recs, w->n, w->commit; their views are valid until the next call.
 * Errors: LEDGER_NO_ENTRY (the end; w->pos is the log's end, w->torn what follows it);
 * LEDGER_DAMAGED (damage that is no torn tail). */
VCH_CHECKED vch_err vch_ledger_walk_next(struct vch_ledger_walk *w,
                                         struct vch_ledger_fault *reterr);
/* Overwrites the torn tail behind the walk's end with zeros, durable. Errors: LEDGER_FAILED. */
VCH_CHECKED vch_err vch_ledger_walk_cut(struct vch_ledger_walk *w);

/* Name of a segment file relative to the ledger's directory. */
#define VCH_LEDGER_SEGMENT_NAME 32
void vch_ledger_log_name(uint64_t number, char ret[VCH_LEDGER_SEGMENT_NAME]);
/* Fills the fault; POS counts as in the log. */
void vch_ledger_log_fault(const struct vch_ledger_log *log, uint64_t pos, const char *what,
                          struct vch_ledger_fault *reterr);

#endif
