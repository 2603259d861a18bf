/* vouch/ledger/record.h - the bytes of the log files, which are the truth of a ledger: everything
 * else on its disk can be made again from them.
 * Layer 9; the functions here are pure and heap-free.
 *
 * The log is a row of segment files log/<number, 8 hexadecimal digits>.vlog of one fixed size. A
 * position is segment number * segment size + offset in the segment; it is a multiple of 8.
 *
 * Segment header, 64 bytes, integers big-endian:
 *     0 "VOUCHLOG" | 8 version u32 = 1 | 12 CRC u32 of the other 60 bytes | 16 number u64
 *     24 segment size u64 | 32 number of its first batch u64 | 40 index of its first entry u64
 *     48 first 16 bytes of SHA-256(ledger id)
 * Record: length u32 of the contents | CRC u32 | kind u8 | three zero bytes | contents | zero bytes
 * up to the next multiple of 8. The CRC (Castagnoli) covers the position as u64, the length, the
 * kind with the zero bytes, and the contents: a record copied to another place is not valid there.
 * A length of zero ends the segment: only zero bytes follow.
 *
 * A batch is its entries in order and a commit record; it never spans two segments. The commit
 * record is the signed head of the batch. One sync makes the batch durable. */
#ifndef VOUCH_LEDGER_RECORD_H
#define VOUCH_LEDGER_RECORD_H

#include <vouch/crypto/port.h>

#define VCH_LEDGER_SEGMENT_HEAD 64
#define VCH_LEDGER_RECORD_HEAD  12
#define VCH_LEDGER_RECORD_MAX   (1u << 20) /* longest contents; genesis is the longest entry */

enum vch_ledger_kind {
    VCH_LEDGER_STATEMENT = 1,
    VCH_LEDGER_SYSTEM = 2, /* genesis, state root */
    VCH_LEDGER_COMMIT = 3
};

struct vch_ledger_record {
    enum vch_ledger_kind kind;
    struct vch_bytes bytes; /* contents */
    uint64_t pos;
    size_t room; /* bytes on disk with head and filling */
};

/* Room of a record with contents of N bytes. */
size_t vch_ledger_record_room(size_t n);
/* Writes the record for position POS. */
void vch_ledger_record_encode(enum vch_ledger_kind kind, struct vch_bytes contents, uint64_t pos,
                              struct vch_writer *w);
/* Reads the record at the start of IN, which lies at position POS; RET's view lies in IN.
 * Errors: LEDGER_NO_ENTRY (a length of zero: the end); TRUNCATED (IN ends within the record);
 * LEDGER_RECORD (anything else). */
VCH_CHECKED vch_err vch_ledger_record_decode(struct vch_bytes in, uint64_t pos,
                                             struct vch_ledger_record *ret);

/* Contents of a commit record, the strict CBOR array [batch, time, size, root, protected,
 * signature]: a receipt's protected header and its signature over ROOT serve all receipts of the
 * batch. */
struct vch_ledger_commit {
    uint64_t batch;
    int64_t time_ms;
    uint64_t size; /* of the log with this batch */
    struct vch_hash root;
    struct vch_bytes protected_header;
    struct vch_bytes sig;
};
#define VCH_LEDGER_COMMIT_MAX 1024
void vch_ledger_commit_encode(const struct vch_ledger_commit *c, struct vch_writer *w);
/* Errors: LEDGER_RECORD. */
VCH_CHECKED vch_err vch_ledger_commit_decode(struct vch_bytes in, struct vch_ledger_commit *ret);

struct vch_ledger_segment {
    uint64_t number;
    uint64_t size;
    uint64_t first_batch;
    uint64_t first_index;
    uint8_t id[16];
};
void vch_ledger_segment_encode(const struct vch_ledger_segment *s,
                               uint8_t ret[VCH_LEDGER_SEGMENT_HEAD]);
/* Errors: LEDGER_RECORD; LEDGER_VERSION. */
VCH_CHECKED vch_err vch_ledger_segment_decode(const uint8_t in[VCH_LEDGER_SEGMENT_HEAD],
                                              struct vch_ledger_segment *ret);

/* Where stored data contradicts itself, for people. */
struct vch_ledger_fault {
    char file[96];   /* relative to the ledger's directory, "" if the fault is in no one file */
    uint64_t offset; /* in that file */
    uint64_t index;  /* of the entry concerned, UINT64_MAX if none is known */
    char what[128];  /* one sentence */
};

#endif
