/* Tampering with records, receipts, certificates, disclosures, and with the bytes of a bundle. */
#include "vch_tamper_int.h"

/* ---- the record */
static void receipt_stripped(struct t_case *c)
{
    t_whole(c);
    c->b.statement[0].receipts = 0;
}

/* Recorded on a ledger that is trusted, but not for this AS. */
static void receipt_other_ledger(struct t_case *c)
{
    t_whole(c);
    c->b.statement[0].receipt[0] =
        t_receipt(&c->w, 1, t_ledger_record(&c->w, 1, c->r0->statement, T_EPOCH));
}

static void receipt_unknown_ledger(struct t_case *c)
{
    c->w.ledger[1].id = "ledger.nowhere.example";
    receipt_other_ledger(c);
    c->b.statements = 1;
    c->b.anchoreds = c->b.proofs = 0;
}

static void receipt_of_other_entry(struct t_case *c)
{
    t_whole(c);
    c->b.statement[0].receipt[0] = t_receipt(&c->w, 0, c->other->index);
}

static void receipt_size(struct t_case *c)
{
    uint8_t prot[VCH_RECEIPT_PROTECTED_MAX], room[VCH_RECEIPT_MAX];
    struct vch_writer pw = vch_writer(VCH_SPAN_OF(prot)), rw = vch_writer(VCH_SPAN_OF(room));
    struct vch_receipt r;
    struct vch_bytes p, out;

    t_whole(c);
    assert_vch_ok(vch_receipt_decode(c->b.statement[0].receipt[0], &r));
    r.head.size++; /* a path of the same length, another tree */
    vch_receipt_protected_encode(r.alg, &r.head, &pw);
    assert_vch_ok(vch_writer_finish(&pw, &p));
    vch_receipt_encode(p, r.signature.p, r.head.size, r.index, &r.path, &rw);
    assert_vch_ok(vch_writer_finish(&rw, &out));
    c->b.statement[0].receipt[0] = t_keep(&c->w, out);
}

static void receipt_bad_beside(struct t_case *c)
{
    t_whole(c);
    c->b.statement[0].receipt[1] = t_changed(c, c->b.statement[0].receipt[0], 60, 1);
    c->b.statement[0].receipt[2] = t_receipt(&c->w, 0, c->other->index);
    c->b.statement[0].receipts = 3;
}

static void record_removed(struct t_case *c)
{
    t_whole(c);
    c->b.statement[0] = c->b.statement[1];
}

static void record_altered(struct t_case *c)
{
    t_whole(c);
    c->b.statement[0].bytes = t_changed(c, c->r0->statement, c->r0->statement.n - 1, 1);
}

/* A record that somebody else signed and even got recorded; a device cites it. */
static void forged(struct t_case *c, const char *as_id, struct vch_ossl_key *key,
                   struct vch_bytes cert, bool with_cert)
{
    struct t_record *r = &c->w.device[0].record[7];
    struct vch_hash hash;
    uint8_t salt[VCH_SALT_LEN];

    vch_sha256_of(c->w.cr, cert, &hash);
    c->w.device[0].registration = t_registration(&c->w, c->w.device[0].key, as_id);
    t_endorsement_sign(&c->w, key, as_id, &hash, 0, VCH_ACTION_REGISTER, 0, NULL, &t_normal,
                       T_EPOCH, r);
    r->index = t_ledger_record(&c->w, 0, r->statement, T_EPOCH);
    t_put_record(c, r);
    if (with_cert) {
        c->b.cert[c->b.certs++] = cert;
    }
    c->b.item[c->b.items++] = t_single(&c->w, 0, r, 1, SIGNED_AT, vch_text("x"), salt);
    t_put_single(c, 0, salt, vch_text("x"));
}

static void unknown_as(struct t_case *c)
{
    forged(c, "as9.nowhere.example", c->w.rogue_key, c->w.rogue_der, true);
}

static void rogue_certificate(struct t_case *c)
{
    forged(c, T_AS_ID, c->w.rogue_key, c->w.rogue_der, true);
}

static void certificate_missing(struct t_case *c)
{
    forged(c, T_AS_ID, c->w.as_key, c->w.as_der, false);
}

/* The real certificate beside a signature by another key. */
static void certificate_foreign(struct t_case *c)
{
    forged(c, T_AS_ID, c->w.rogue_key, c->w.as_der, true);
}

static void certificate_expired(struct t_case *c)
{
    struct t_terms open = {T_EPOCH - T_DAY, T_NULL, T_NULL, VCH_STANDING_GOOD};
    uint8_t salt[VCH_SALT_LEN];
    int64_t late = T_EPOCH + 400 * T_DAY;

    c->r0 = t_endorse(&c->w, 0, VCH_ACTION_REGISTER, &open, late, late);
    t_put_record(c, c->r0);
    c->b.cert[c->b.certs++] = c->w.as_der;
    c->b.item[c->b.items++] = t_single(&c->w, 0, c->r0, 1, late + HOUR, vch_text("x"), salt);
    c->at_ms = late + T_DAY;
}

/* The AS's certificate has expired since, but was good when the record was made. */
static void certificate_expired_since(struct t_case *c)
{
    t_whole(c);
    c->at_ms = T_EPOCH + 3650 * T_DAY;
}

static void key_swapped(struct t_case *c)
{
    struct vch_bytes mine, theirs, mixed;

    /* The registration of device 0 with the signature of device 1. */
    mine = t_registration(&c->w, c->w.device[0].key, T_AS_ID);
    theirs = t_registration(&c->w, c->w.device[1].key, T_AS_ID);
    mixed = t_keep(&c->w, mine);
    memcpy((uint8_t *)(uintptr_t)mixed.p + mixed.n - 64, theirs.p + theirs.n - 64, 64);
    c->w.device[0].registration = mixed;
    t_whole(c);
}

/* ---- disclosures */
static struct vch_bytes later_end(struct t_case *c)
{
    uint8_t room[128];
    struct vch_disclosure d;
    struct vch_bytes out;

    assert_vch_ok(vch_stmt_disclosure_decode(c->r0->disclosures[1], &d));
    assert_int_equal(d.key, VCH_DISC_END);
    d.value = vch_stmt_disc_int(T_EPOCH + 9000 * T_DAY);
    assert_vch_ok(vch_stmt_disclosure_encode(&d, VCH_SPAN_OF(room), &out));
    return t_keep(&c->w, out);
}

static void disclosure_altered(struct t_case *c)
{
    t_whole(c);
    c->b.disclosed[0].contents[1] = later_end(c);
}

static void disclosure_foreign(struct t_case *c)
{
    t_whole(c);
    c->b.disclosed[0].contents[1] = c->other->disclosures[1];
}

static void disclosure_beside(struct t_case *c)
{
    t_whole(c);
    c->b.disclosed[0].contents[c->b.disclosed[0].count++] = later_end(c);
}

static void disclosures_stripped(struct t_case *c)
{
    t_whole(c);
    c->b.discloseds = 0;
}

/* The operator named no dates: all that the AS stated is open. */
static void nothing_stated(struct t_case *c)
{
    struct t_terms t = {T_ABSENT, T_ABSENT, T_ABSENT, VCH_STANDING_GOOD};

    t_make_valid(c, &t);
}

static void disclosure_one_missing(struct t_case *c)
{
    t_whole(c);
    c->b.disclosed[0].count = 3;
}

/* The AS stated that the account is suspended; the device's own word is shown in its place. */
static void term_by_device(struct t_case *c)
{
    static const struct t_terms t = {T_EPOCH - T_DAY, T_EPOCH + 100 * T_DAY, T_NULL,
                                     VCH_STANDING_SUSPENDED};

    t_make_valid(c, &t);
    t_anchor_both(c, SIGNED_AT + HOUR);
    c->b.disclosed[0].contents[3] = t_term_of_device(&c->w); /* the last is standing */
}

/* ---- bytes */
static void trailing(struct t_case *c)
{
    assert_vch_ok(vch_buf_append(&c->out, vch_text("\x82\x05\x40")));
}

static void truncated(struct t_case *c)
{
    c->out.n -= 50;
}

static void end_cut(struct t_case *c)
{
    c->out.n -= 37; /* exactly the end record: an open stream remains */
}

static void end_wrong(struct t_case *c)
{
    c->out.p[c->out.n - 1] ^= 1;
}

static void any_byte(struct t_case *c)
{
    c->out.p[c->out.n / 2] ^= 4;
}

static void other_file(struct t_case *c)
{
    vch_buf_reset(&c->out);
    assert_vch_ok(vch_buf_text(&c->out, "{\"reading\": 3.2}\n"));
}

/* A file that only a forwarder signed, with a good signature. */
static void forwarder(struct t_case *c)
{
    vch_buf_reset(&c->out);
    assert_vch_ok(vch_buf_append(&c->out, c->b.statement[1].bytes));
}

const struct t_tamper t_tampers_record[] = {
    {"valid", V(), t_whole, NULL},
    {"valid-open-stream", V(), t_whole, end_cut},
    {"valid-bad-receipt-beside", V(), receipt_bad_beside, NULL},
    {"valid-foreign-disclosure-beside", V(), disclosure_beside, NULL},
    {"valid-no-dates-stated", V(), nothing_stated, NULL},
    {"valid-certificate-expired-since", V(), certificate_expired_since, NULL},
    {"forwarder-only", UNKNOWN(NO_ORIGIN), t_whole, forwarder},
    {"receipt-stripped", UNKNOWN(RECEIPT_MISSING), receipt_stripped, NULL},
    {"receipt-other-ledger", BAD(RECEIPT_LEDGER), receipt_other_ledger, NULL},
    {"receipt-unknown-ledger", UNKNOWN(LEDGER_UNTRUSTED), receipt_unknown_ledger, NULL},
    {"receipt-other-entry", BAD(SIGNATURE), receipt_of_other_entry, NULL},
    {"receipt-size", BAD(SIGNATURE), receipt_size, NULL},
    {"record-removed", UNKNOWN(RECORD_MISSING), record_removed, NULL},
    {"record-altered", UNKNOWN(RECORD_MISSING), record_altered, NULL},
    {"as-unknown", UNKNOWN(AS_UNTRUSTED), unknown_as, NULL},
    {"certificate-rogue", BAD(CERT), rogue_certificate, NULL},
    {"certificate-missing", UNKNOWN(AS_KEY_UNKNOWN), certificate_missing, NULL},
    {"certificate-foreign", BAD(STMT_KEY), certificate_foreign, NULL},
    {"certificate-expired", BAD(CERT), certificate_expired, NULL},
    {"key-swapped", BAD(POSSESSION), key_swapped, NULL},
    {"disclosure-altered", BAD(DISCLOSURE_FOREIGN), disclosure_altered, NULL},
    {"disclosure-foreign", BAD(DISCLOSURE_FOREIGN), disclosure_foreign, NULL},
    {"disclosures-stripped", UNKNOWN(TERM_UNDISCLOSED), disclosures_stripped, NULL},
    {"disclosure-missing", UNKNOWN(TERM_UNDISCLOSED), disclosure_one_missing, NULL},
    {"term-by-device", UNKNOWN(TERM_UNDISCLOSED), term_by_device, NULL},
    {"trailing-bytes", BAD(BUNDLE_END), t_whole, trailing},
    {"truncated", BAD(TRUNCATED), t_whole, truncated},
    {"end-wrong", BAD(BUNDLE_END), t_whole, end_wrong},
    {"any-byte", BAD(BUNDLE_END), t_whole, any_byte},
    {"other-file", BAD(BUNDLE_HEAD), t_whole, other_file},
};
const size_t t_tampers_record_count = VCH_ARRAY_LEN(t_tampers_record);
