/* vouch/stmt/labels.h - every number and name of the wire formats (docs/formats.md).
 * Layer 4, pure: constants only. Header labels and the limits of statements and items stand in
 * vouch/cose/sign1.h, those of receipts in vouch/cose/receipt.h. */
#ifndef VOUCH_STMT_LABELS_H
#define VOUCH_STMT_LABELS_H

#include <vouch/cose/receipt.h>
#include <vouch/cose/sign1.h>

#define VCH_TYP_REGISTRATION "application/vouch-registration+cose"
#define VCH_TYP_ENDORSEMENT  "application/vouch-endorsement+cose"
#define VCH_TYP_ANCHOR       "application/vouch-anchor+cose"
#define VCH_TYP_POLL         "application/vouch-poll+cose"
#define VCH_MEDIA_BUNDLE     "application/vouch-bundle+cbor"
#define VCH_ANCHOR_SUB       "anchor" /* `sub` of an aggregator's anchor */

enum vch_stmt_type {
    VCH_STMT_OTHER = 0, /* a typ that this module does not know */
    VCH_STMT_REGISTRATION = 1,
    VCH_STMT_ENDORSEMENT = 2,
    VCH_STMT_ANCHOR = 3,
    VCH_STMT_POLL = 4
};

enum vch_action { VCH_ACTION_REGISTER = 1, VCH_ACTION_UPDATE = 2, VCH_ACTION_RETIRE = 3 };

/* How sure the AS is that the key belongs to the identity. */
enum vch_assurance {
    VCH_ASSURANCE_SELF = 1,    /* self-asserted */
    VCH_ASSURANCE_MATCHED = 2, /* the operator's network knows these identifiers together */
    VCH_ASSURANCE_SIM = 3,     /* a secret of the SIM took part */
    VCH_ASSURANCE_ATTESTED = 4 /* the place of the key is attested too */
};

/* What the AS concludes for the key from the account (disclosure 31). */
enum vch_standing { VCH_STANDING_GOOD = 1, VCH_STANDING_SUSPENDED = 2, VCH_STANDING_ENDED = 3 };

enum vch_device_class { VCH_CLASS_CONSTRAINED = 1, VCH_CLASS_GATEWAY = 2, VCH_CLASS_OTHER = 3 };

enum vch_item_mode { VCH_ITEM_SINGLE = 1, VCH_ITEM_BATCH = 2 };

/* Keys of disclosures. */
enum vch_disc_key {
    VCH_DISC_IMEI = 1,
    VCH_DISC_ICCID = 2,
    VCH_DISC_MSISDN = 3,
    VCH_DISC_EID = 4,
    VCH_DISC_STATUS = 16,
    VCH_DISC_START = 17,
    VCH_DISC_END = 18,
    VCH_DISC_TERMINATED_AT = 19,
    VCH_DISC_STATUS_SINCE = 20,
    VCH_DISC_CONTRACT_TYPE = 21,
    VCH_DISC_BIND_STATUS = 22,
    VCH_DISC_BOUND_SINCE = 23,
    VCH_DISC_AREA = 24,
    VCH_DISC_OWNER_REF = 25,
    VCH_DISC_OWNER_SINCE = 26,
    VCH_DISC_DATA_SERVICE = 27,
    VCH_DISC_HISTORY_FROM = 28,
    VCH_DISC_LAST_CHECKED = 29,
    VCH_DISC_REASON = 30,
    VCH_DISC_STANDING = 31
};

/* Kinds of records in a bundle. */
enum vch_rec {
    VCH_REC_HEAD = 0,
    VCH_REC_STATEMENT = 1,
    VCH_REC_DISCLOSURES = 2,
    VCH_REC_CERTIFICATE = 3,
    VCH_REC_STATE_PROOF = 4,
    VCH_REC_ITEM = 5,
    VCH_REC_ROWS = 6,
    VCH_REC_ROW = 7,
    VCH_REC_ANCHOR = 8,
    VCH_REC_GENESIS = 9,
    VCH_REC_FILE = 12,
    VCH_REC_END = 15
};

/* Limits (docs/formats.md section 7), in bytes unless the name says otherwise. */
#define VCH_STATE_PROOF_MAX   24576
#define VCH_DISCLOSURES_COUNT 64 /* disclosures of a statement */
#define VCH_DISCLOSURE_MAX    1024
#define VCH_BATCH_ROWS_COUNT  65536
#define VCH_RAW_MAX           (16u << 20)
#define VCH_CERTIFICATE_MAX   16384
#define VCH_RECEIPTS_COUNT    16 /* receipts beside one statement of a bundle */
#define VCH_PATH_COUNT        64 /* hashes of a Merkle path */
#define VCH_CONTENT_TYPE_MAX  128
#define VCH_FILE_NAME_MAX     255
#define VCH_SALT_LEN          16
#define VCH_SEED_LEN          32
#define VCH_SUBJECT_LEN       16
#define VCH_ITEM_KID_LEN      16
#define VCH_NONCE_MIN         8
#define VCH_NONCE_MAX         64
#define VCH_ALG_LIST_COUNT    4
#define VCH_CURRENT_FORMAT    1
#define VCH_GENESIS_ENTRY_MAX (1u << 20)
/* A record of a bundle: raw data of one record together and the heads of its rows. */
#define VCH_REC_MAX (VCH_RAW_MAX + (1u << 20))

#endif
