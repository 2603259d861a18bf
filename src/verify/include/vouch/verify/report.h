/* vouch/verify/report.h - the steps of a verification, and the verdict that follows from them.
 * Layer 7, pure, heap-free, thread-safe. */
#ifndef VOUCH_VERIFY_REPORT_H
#define VOUCH_VERIFY_REPORT_H

#include <vouch/stmt/item.h>
#include <vouch/stmt/labels.h>

enum vch_step_state {
    VCH_STEP_NOT_CHECKED = 0, /* not reached, or nothing there to check */
    VCH_STEP_PASS = 1,
    VCH_STEP_FAIL = 2,   /* shown to be wrong */
    VCH_STEP_UNKNOWN = 3 /* trust or evidence is missing */
};

struct vch_verify_step {
    enum vch_step_state state;
    vch_err why; /* of FAIL and UNKNOWN */
};

/* In the order in which they are taken. The record (2 to 5) comes first: only from a record that
 * passed all of them are the device's key and algorithms taken.
 * req: Y.2247-7.2.3-7 */
enum vch_step {
    VCH_STEP_POINTER = 0, /* the record that the item cites is at hand */
    VCH_STEP_RECEIPT,     /* a trusted ledger confirms that it holds the record */
    VCH_STEP_CERTIFICATE, /* the key of the AS is trusted at the time of recording */
    VCH_STEP_ENDORSEMENT, /* the AS signed the record */
    VCH_STEP_POSSESSION,  /* the device signed its registration inside */
    VCH_STEP_ORIGIN,      /* the device signed the item, by an algorithm it registered */
    VCH_STEP_DATA,        /* the data at hand is what was signed */
    VCH_STEP_SEQUENCE,    /* no two items of one key under the same number */
    VCH_STEP_FRESHNESS,   /* later records of the same device were taken into account */
    VCH_STEP_TIME,        /* when it was signed */
    VCH_STEP_TERM,        /* the key was entitled then */
    VCH_STEP_ASSURANCE,   /* how sure the AS was of the identity */
    VCH_STEPS
};

/* What qualifies a verdict. */
enum vch_note {
    VCH_NOTE_SUPERSEDED = 1,       /* a later record existed when the item says it was signed */
    VCH_NOTE_IN_FORCE = 2,         /* no upper bound of the signing time, but still entitled */
    VCH_NOTE_FRESHNESS = 4,        /* the device's status is known up to fresh_ms only */
    VCH_NOTE_CLAIMED_TIME = 8,     /* the device's claim of the time was accepted */
    VCH_NOTE_NO_DATA = 16,         /* only digests are at hand */
    VCH_NOTE_PARTIAL_DATA = 32,    /* some rows of a batch, or some of them stripped */
    VCH_NOTE_DUPLICATE = 64,       /* the same item occurs more than once */
    VCH_NOTE_EARLY_ROWS = 128,     /* the first row claims a time before the endorsement */
    VCH_NOTE_UNTRUSTED_PLACE = 256 /* the device's key lies in a file, no trusted environment */
};

/* What was found in the data of an item. */
struct vch_verify_data {
    uint64_t rows;     /* verified data rows, header lines not counted; 1 of a single item */
    uint64_t headers;  /* verified header lines */
    uint64_t stripped; /* rows of which only the digest is at hand */
    uint64_t bytes;    /* verified */
};

enum vch_verdict {
    VCH_VERDICT_UNKNOWN = 0, /* cannot evaluate */
    VCH_VERDICT_VALID = 1,
    VCH_VERDICT_INVALID = 2
};

struct vch_verify_record;

struct vch_verify_report {
    struct vch_verify_step step[VCH_STEPS];
    unsigned notes; /* enum vch_note */
    struct vch_stmt_item item;
    struct vch_hash item_hash; /* SHA-256 of the item */
    struct vch_hash content;   /* its content ID: the same however often it is signed again */
    const struct vch_verify_record *record; /* that it cites, NULL if not at hand */
    const struct vch_verify_record *latest; /* of the same device, as far as known */
    struct vch_hash device;                 /* thumbprint of its key, if the record is good */
    int64_t lower_ms;                       /* signing time: not before */
    int64_t upper_ms;                       /* not after: proven if ANCHORED, else of the verdict */
    bool anchored;
    int64_t fresh_ms; /* up to here the device's status is known */
    struct vch_verify_data data;
};

/* The verdict: invalid if a step failed; otherwise cannot evaluate if one is unknown or a necessary
 * one was not taken; otherwise valid. *RET_STEP is the step that decided, VCH_STEPS for valid.
 * req: Y.2247-7.2.3-5 (missing trust or evidence never yields valid) */
enum vch_verdict vch_verify_verdict(const struct vch_verify_report *r, enum vch_step *ret_step);

/* The worse of two: invalid, then cannot evaluate, then valid. */
enum vch_verdict vch_verify_worse(enum vch_verdict a, enum vch_verdict b);

/* "valid", "invalid", "cannot evaluate". Static. */
const char *vch_verdict_name(enum vch_verdict v);
/* "origin-signature"..., for machines. Static. */
const char *vch_step_name(enum vch_step s);
/* One sentence of what is shown when the step passes. Static. */
const char *vch_step_text(enum vch_step s);
const char *vch_step_state_name(enum vch_step_state s);
/* Name of one note (a single bit), and its sentence. Static. */
const char *vch_note_name(enum vch_note n);
const char *vch_note_text(enum vch_note n);
/* "self-asserted", "matched by the network"... Static. */
const char *vch_assurance_name(enum vch_assurance a);

#endif
