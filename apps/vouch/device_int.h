/* device_int.h - what the verbs of `vouch device` share: the device's directory, its AS. */
#ifndef VOUCH_APP_DEVICE_INT_H
#define VOUCH_APP_DEVICE_INT_H

#include <vouch/cli/cli.h>
#include <vouch/device/device.h>
#include <vouch/file/file.h>
#include <vouch/http/client.h>
#include <vouch/ossl/key.h>
#include <vouch/stmt/bundle.h>

#define DEVICE_DIR     "device" /* where --state does not say another */
#define DEVICE_ACK_MAX (VCH_STATEMENT_MAX + VCH_RECEIPT_MAX + 1024)

/* Options that every verb has. */
struct device_args {
    const char *dir;
    const char *passphrase_file;
};
#define DEVICE_OPTS(a)                                                                             \
    {"state", 's', VCH_CLI_TEXT, &(a).dir, "DIR", "the device's directory (default: device)"},     \
    {                                                                                              \
        "passphrase-file", 'p', VCH_CLI_TEXT, &(a).passphrase_file, "FILE",                        \
            "the first line opens the key; asked for otherwise"                                    \
    }

int64_t device_now_ms(void);
/* Prints "NAME":"TEXT", for JSON. */
void device_print_member(const char *name, const char *text);

/* ---- the directory: key.pem, state, ack (the latest acknowledgement), request (the registration
 * that waits for one), tls-ca.pem, queue, lock. Several processes may work with one directory: each
 * change happens under the lock, on the newest state. */
struct device_session {
    const char *dir;
    struct vch_ossl_key *key;
    struct vch_device d;
    struct vch_buf ack;           /* contents of the file, empty if there is none */
    struct vch_bytes ack_pending; /* written before the state that depends on it */
    struct vch_file_lock lock;
    uint64_t state_id[3]; /* identifies the version of the state file that was read */
};

/* Path of NAME in the directory, NUL-terminated in ROOM. Errors: NO_ROOM. */
VCH_CHECKED vch_err device_path(const char *dir, const char *name, struct vch_span room);
#define DEVICE_PATH_ROOM 4096

/* Opens the key with the passphrase and reads the state. Finish with device_close. */
VCH_CHECKED vch_err device_open(struct device_session *s, const struct device_args *a);
void device_close(struct device_session *s);
/* The host table for a signer whose state key follows from the passphrase. */
VCH_CHECKED vch_err device_host(struct device_session *s, struct vch_bytes passphrase,
                                struct vch_device_host *ret);

/* Takes the lock (waiting up to ten seconds) and the newest state. Errors: FILE_LOCKED; those of
 * reading. */
VCH_CHECKED vch_err device_begin(struct device_session *s);
void device_end(struct device_session *s);
/* Takes over what another process has changed, if anything. */
VCH_CHECKED vch_err device_refresh(struct device_session *s);
/* Judges an acknowledgement and keeps it, under the lock. */
VCH_CHECKED vch_err device_take(struct device_session *s, struct vch_bytes ack,
                                enum vch_device_news *ret);
/* Endorsement and receipt of the state's transaction ID; false if they are not at hand. */
bool device_evidence(const struct device_session *s, struct vch_bytes *ret_endorsement,
                     struct vch_bytes *ret_receipt);

/* ---- provisioning: whom the device believes */
struct device_setup_args {
    const char *trust; /* trust file (JSON) */
    const char *as_id; /* which AS of it, or without one its id */
    const char *as_url;
    const char *entry_url;
    struct vch_cli_list as_keys; /* files: PEM public key, certificate or JWK */
    struct vch_cli_list ledgers; /* ids */
    struct vch_cli_list ledger_keys;
    const char *tls_ca; /* file */
};
/* Fills the AS's and ledgers' part of SETUP; TLS_CA gets PEM text, or stays empty. WHY (room of 256
 * bytes) says what is wrong. */
VCH_CHECKED vch_err device_provision(const struct device_setup_args *a,
                                     struct vch_device_setup *setup, struct vch_buf *tls_ca,
                                     char why[256]);

/* ---- the AS. DETAIL (room of 256 bytes) gets what the AS says of an error. */
struct device_link {
    struct vch_http_client *http;
    char detail[256];
};
VCH_CHECKED vch_err device_link_open(const struct device_session *s, struct device_link *ret);
void device_link_close(struct device_link *l);
/* A nonce into ROOM. */
VCH_CHECKED vch_err device_link_nonce(struct device_link *l, struct vch_span room,
                                      struct vch_bytes *ret);
/* Posts BODY of type MEDIA and appends the answer's body to RET. */
VCH_CHECKED vch_err device_link_post(struct device_link *l, const char *path, const char *media,
                                     const char *accept, struct vch_bytes body,
                                     struct vch_buf *ret);

/* ---- bundles out */
struct device_out {
    int fd;
    const char *path; /* NULL: standard output */
    struct vch_stmt_bundle_sum sum;
    struct vch_buf record; /* the record being made */
    uint64_t items;
    uint64_t bytes;
    struct vch_hash cited; /* endorsement that was written last */
    bool has_cited;
};
/* Begins a bundle. PATH NULL or "-" is standard output. */
VCH_CHECKED vch_err device_out_open(struct device_out *o, const char *path);
/* The end record, then closes; a file is durable then. */
VCH_CHECKED vch_err device_out_end(struct device_out *o);
void device_out_close(struct device_out *o);
/* The state's endorsement with its receipt, unless it was the last one written. */
VCH_CHECKED vch_err device_out_evidence(struct device_out *o, const struct device_session *s);
VCH_CHECKED vch_err device_out_item(struct device_out *o, struct vch_bytes item);
VCH_CHECKED vch_err device_out_rows(struct device_out *o, struct vch_bytes salt, uint64_t first,
                                    const struct vch_bytes *raws, size_t count);
VCH_CHECKED vch_err device_out_file(struct device_out *o, struct vch_bytes salt, uint64_t length,
                                    const char *name);
/* A record that stands as it is. */
VCH_CHECKED vch_err device_out_record(struct device_out *o, struct vch_bytes record);

/* ---- data in */
enum device_format { DEVICE_LINES, DEVICE_CSV, DEVICE_RAW };
enum device_row_step {
    DEVICE_ROW,  /* a row is complete */
    DEVICE_IDLE, /* none came within the time */
    DEVICE_EOF
};
struct device_rows {
    int fd;
    enum device_format format;
    struct vch_buf in; /* unread bytes */
    size_t at;         /* first of them */
    size_t seen;       /* bytes of the present row that were searched for its end */
    bool quoted;       /* within quotes of a CSV field */
    bool eof;
};
void device_rows_init(struct device_rows *r, int fd, enum device_format format);
void device_rows_fini(struct device_rows *r);
/* The next row with its line end, if it has one; a view until the next call. WAIT_MS < 0: for ever.
 * Errors: LIMIT (a row over 16 MiB); FILE_READ. Ends with IDLE when a signal came. */
VCH_CHECKED vch_err device_rows_next(struct device_rows *r, int wait_ms, struct vch_bytes *ret,
                                     enum device_row_step *ret_step);

/* SIGINT and SIGTERM set this, once caught by device_signals. */
extern volatile int device_stop;
void device_signals(void);

#endif
