/* The vault: durable, sealed, erasable, one live lineage for each identity. */
#include <vouch/as/standing.h>
#include <vouch/as/vault.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/file/file.h>
#include <vouch/ossl/crypto.h>

#include "vch_test.h"
#include "vch_tmp.h"

static const uint8_t master[32] = {1, 2, 3};
static int vault_number;
static char dir[PATH_MAX], keys[PATH_MAX + 8];

static struct vch_as_vault *open_again(bool create)
{
    struct vch_as_vault_options o = {.dir = dir,
                                     .keys_path = keys,
                                     .master = master,
                                     .crypto = vch_ossl_crypto(),
                                     .random = vch_ossl_random,
                                     .map_bytes = 64 << 20,
                                     .create = create};
    struct vch_as_vault *v = NULL;

    assert_vch_ok(vch_as_vault_open(&o, &v));
    return v;
}

static struct vch_as_vault *open_new(void)
{
    char name[32];

    (void)snprintf(name, sizeof name, "vault%d", ++vault_number);
    (void)snprintf(dir, sizeof dir, "%s", t_tmp_path(name));
    (void)snprintf(keys, sizeof keys, "%s.keys", dir);
    return open_again(true);
}

/* A device that differs from others by C. */
struct device {
    struct vch_as_row row;
    struct vch_as_state after;
    struct vch_as_openings openings;
    struct vch_as_entry entry;
    struct vch_hash content;
    struct vch_bytes ids[2];
    uint8_t endorsement[64];
};

static void device_make(struct device *d, uint8_t c)
{
    struct vch_as_value value = {VCH_DISC_STATUS, vch_stmt_disc_text(vch_text("active"))};

    memset(d, 0, sizeof *d);
    memset(d->row.subject, c, sizeof d->row.subject);
    memset(d->row.key.b, c, sizeof d->row.key.b);
    memset(d->content.b, c, sizeof d->content.b);
    memset(d->entry.txid.b, c, sizeof d->entry.txid.b);
    memset(d->endorsement, c, sizeof d->endorsement);
    (void)snprintf(d->after.ids.imei, sizeof d->after.ids.imei, "49015420323%04u", c);
    (void)snprintf(d->after.ids.msisdn, sizeof d->after.ids.msisdn, "+999123450%u", c);
    (void)strcpy(d->after.operator_id, "op1.example");
    (void)strcpy(d->after.sub_id, "sub");
    d->after.sub_id[3] = (char)('a' + c);
    d->after.assurance = VCH_ASSURANCE_MATCHED;
    d->after.standing = VCH_STANDING_GOOD;
    d->after.account.status = VCH_EDI_ACTIVE;
    d->after.account.end = (struct vch_edi_when){VCH_EDI_GIVEN, 0};
    (void)strcpy(d->after.account.account_ref, "acct");
    assert_vch_ok(
        vch_as_openings_make(vch_ossl_crypto(), vch_ossl_random, NULL, &value, 1, &d->openings));
    d->entry.endorsement = VCH_BYTES_OF(d->endorsement);
    d->entry.account = &d->openings;
    d->entry.after = &d->after;
    d->ids[0] = vch_text("opening of the IMEI");
    d->ids[1] = vch_text("opening of the number");
}

static void device_free(struct device *d)
{
    vch_as_openings_fini(&d->openings);
}

static vch_err add(struct vch_as_vault *v, const struct device *d, uint8_t holder[16])
{
    return vch_as_vault_add(v, &d->row, &d->content, d->ids, 2, &d->entry, holder);
}

static vch_err count_opening(void *arg, struct vch_bytes contents)
{
    size_t *n = arg;

    assert_true(contents.n > 0);
    ++*n;
    return VCH_OK;
}

static void test_add_and_confirm(void **state)
{
    struct vch_as_vault *v = open_new();
    struct device d;
    struct vch_as_row row;
    struct vch_as_state st;
    struct vch_buf pending = vch_buf_init(1024);
    struct vch_hash txid;
    uint8_t holder[16], subject[16], found[4][16];
    size_t n = 0;

    (void)state;
    device_make(&d, 7);
    assert_vch_ok(add(v, &d, holder));
    assert_vch_err(add(v, &d, holder), EXISTS);
    assert_vch_ok(vch_as_vault_pending(v, d.row.subject, &pending, &txid));
    assert_bytes_equal(vch_buf_get(&pending), d.entry.endorsement);

    vch_as_vault_close(v); /* as after a crash: nothing of it is lost */
    v = open_again(false);
    assert_vch_ok(vch_as_vault_by_content(v, &d.content, subject, &txid));
    assert_memory_equal(subject, d.row.subject, 16);
    assert_vch_ok(vch_as_vault_state(v, subject, &row, &st));
    assert_int_equal(row.life, VCH_AS_PENDING);

    assert_vch_ok(vch_as_vault_confirm(v, subject, 0, VCH_AS_LIVE));
    assert_vch_ok(vch_as_vault_confirm(v, subject, 0, VCH_AS_LIVE));
    assert_vch_ok(vch_as_vault_state(v, subject, &row, &st));
    assert_int_equal(row.life, VCH_AS_LIVE);
    assert_true(vch_hash_equal(&row.latest, &d.entry.txid));
    assert_string_equal(st.ids.imei, d.after.ids.imei);
    assert_int_equal(st.account.end.p, VCH_EDI_GIVEN);
    assert_true(vch_as_account_same(&st.account, &d.after.account));
    vch_buf_reset(&pending);
    assert_vch_err(vch_as_vault_pending(v, subject, &pending, &txid), NOT_FOUND);
    assert_vch_ok(
        vch_as_vault_by_identity(v, VCH_DISC_MSISDN, vch_text(d.after.ids.msisdn), found, 4, &n));
    assert_int_equal(n, 1);
    assert_vch_ok(
        vch_as_vault_by_identity(v, VCH_DISC_IMEI, vch_text(d.after.ids.msisdn), found, 4, &n));
    assert_int_equal(n, 0);
    assert_vch_ok(vch_as_vault_openings(v, subject, &d.entry.txid, count_opening, &n));
    assert_int_equal(n, 3);
    vch_as_vault_close(v);
    vch_buf_fini(&pending);
    device_free(&d);
}

/* One live lineage for each identity, one lineage for each key. */
static void test_unique(void **state)
{
    struct vch_as_vault *v = open_new();
    struct device a, b;
    uint8_t holder[16];

    (void)state;
    device_make(&a, 1);
    device_make(&b, 2);
    assert_vch_ok(add(v, &a, holder));
    (void)strcpy(b.after.ids.msisdn, a.after.ids.msisdn);
    assert_vch_err(add(v, &b, holder), AS_IDENTITY_HELD);
    assert_memory_equal(holder, a.row.subject, 16);
    assert_vch_ok(vch_as_vault_confirm(v, a.row.subject, 0, VCH_AS_LIVE));
    assert_vch_err(add(v, &b, holder), AS_IDENTITY_HELD);
    b.row.key = a.row.key;
    assert_vch_err(add(v, &b, holder), AS_KEY_USED);
    memset(b.row.key.b, 9, sizeof b.row.key.b);

    /* the old lineage ends: the identity is free again */
    memset(a.entry.txid.b, 0x33, 32);
    assert_vch_ok(vch_as_vault_stage(v, a.row.subject, &a.entry));
    assert_vch_err(vch_as_vault_stage(v, a.row.subject, &a.entry), AS_PENDING);
    assert_vch_err(vch_as_vault_touch(v, a.row.subject, &a.after), AS_PENDING);
    assert_vch_ok(vch_as_vault_confirm(v, a.row.subject, 1, VCH_AS_RETIRED));
    assert_vch_ok(add(v, &b, holder));
    vch_as_vault_close(v);
    device_free(&a);
    device_free(&b);
}

static void test_drop(void **state)
{
    struct vch_as_vault *v = open_new();
    struct vch_as_row row;
    struct device d;
    uint8_t holder[16], subject[16], found[4][16];
    struct vch_hash txid;
    size_t n;

    (void)state;
    device_make(&d, 5);
    assert_vch_ok(add(v, &d, holder));
    assert_vch_ok(vch_as_vault_drop(v, d.row.subject));
    assert_vch_err(vch_as_vault_row(v, d.row.subject, &row), AS_NO_SUBJECT);
    assert_vch_err(vch_as_vault_by_content(v, &d.content, subject, &txid), NOT_FOUND);
    assert_vch_ok(
        vch_as_vault_by_identity(v, VCH_DISC_IMEI, vch_text(d.after.ids.imei), found, 4, &n));
    assert_int_equal(n, 0);
    assert_vch_ok(add(v, &d, holder)); /* as if it had never been */
    assert_vch_ok(vch_as_vault_confirm(v, d.row.subject, 0, VCH_AS_LIVE));
    memset(d.entry.txid.b, 0x44, 32);
    assert_vch_ok(vch_as_vault_stage(v, d.row.subject, &d.entry));
    assert_vch_ok(vch_as_vault_drop(v, d.row.subject)); /* the update only */
    assert_vch_ok(vch_as_vault_row(v, d.row.subject, &row));
    assert_int_equal(row.life, VCH_AS_LIVE);
    assert_int_equal(row.seq, 0);
    vch_as_vault_close(v);
    device_free(&d);
}

static bool file_has(const char *path, const void *what, size_t n)
{
    struct vch_buf b = vch_buf_init((size_t)256 << 20);
    bool found = false;

    assert_vch_ok(vch_file_read(path, 0, &b));
    for (size_t i = 0; !found && i + n <= b.n; i++) {
        found = memcmp(b.p + i, what, n) == 0;
    }
    vch_buf_fini(&b);
    return found;
}

/* req-test: Y.2247-11-5 (what opens the records is gone, everywhere, and no identifier was ever
 * there in clear) */
static void test_erase(void **state)
{
    struct vch_as_vault *v = open_new();
    char data[PATH_MAX + 16];
    struct vch_as_state st;
    struct vch_as_row row;
    struct device d, e;
    uint8_t holder[16], found[4][16], slot[64];
    size_t n;
    int fd;

    (void)state;
    device_make(&d, 3);
    device_make(&e, 4);
    assert_vch_ok(add(v, &d, holder));
    assert_vch_ok(add(v, &e, holder));
    assert_vch_ok(vch_as_vault_confirm(v, d.row.subject, 0, VCH_AS_LIVE));
    assert_vch_ok(vch_as_vault_row(v, d.row.subject, &row));
    fd = open(keys, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, slot, sizeof slot, 64 * (row.slot + 1)), 64);
    assert_int_equal(slot[0], 1);

    assert_vch_ok(vch_as_vault_erase(v, d.row.subject));
    assert_vch_ok(vch_as_vault_erase(v, d.row.subject));
    assert_false(file_has(keys, slot + 16, 48));
    assert_vch_err(vch_as_vault_state(v, d.row.subject, &row, &st), AS_ERASED);
    assert_vch_err(vch_as_vault_openings(v, d.row.subject, &d.entry.txid, count_opening, &n),
                   AS_ERASED);
    assert_vch_ok(
        vch_as_vault_by_identity(v, VCH_DISC_IMEI, vch_text(d.after.ids.imei), found, 4, &n));
    assert_int_equal(n, 0);
    assert_vch_ok(vch_as_vault_state(v, e.row.subject, &row, &st));
    vch_as_vault_close(v);
    (void)close(fd);

    (void)snprintf(data, sizeof data, "%s/data.mdb", dir);
    assert_false(file_has(data, d.after.ids.imei, 15));
    assert_false(file_has(data, e.after.ids.imei, 15));
    assert_false(file_has(data, e.after.ids.msisdn, strlen(e.after.ids.msisdn)));
    assert_false(file_has(data, "opening of the IMEI", 19));
    v = open_again(false);
    assert_vch_err(vch_as_vault_state(v, d.row.subject, &row, &st), AS_ERASED);
    assert_vch_ok(vch_as_vault_state(v, e.row.subject, &row, &st));
    vch_as_vault_close(v);
    device_free(&d);
    device_free(&e);
}

/* A vault restored beside the key file of another, or with a changed slot, opens nothing. */
static void test_damage(void **state)
{
    struct vch_as_vault *v = open_new();
    struct vch_as_vault_options o = {.dir = dir,
                                     .keys_path = keys,
                                     .master = master,
                                     .crypto = vch_ossl_crypto(),
                                     .random = vch_ossl_random,
                                     .map_bytes = 64 << 20};
    static const uint8_t other_master[32] = {9};
    struct vch_as_vault *w;
    struct vch_as_state st;
    struct vch_as_row row;
    struct device d;
    uint8_t holder[16], byte;
    int fd;

    (void)state;
    device_make(&d, 6);
    assert_vch_ok(add(v, &d, holder));
    assert_vch_ok(vch_as_vault_row(v, d.row.subject, &row));
    vch_as_vault_close(v);

    o.master = other_master;
    assert_vch_ok(vch_as_vault_open(&o, &w));
    assert_vch_err(vch_as_vault_state(w, d.row.subject, &row, &st), AS_VAULT_DAMAGED);
    vch_as_vault_close(w);

    fd = open(keys, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, 64 * (row.slot + 1) + 20), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 64 * (row.slot + 1) + 20), 1);
    v = open_again(false);
    assert_vch_err(vch_as_vault_state(v, d.row.subject, &row, &st), AS_VAULT_DAMAGED);
    vch_as_vault_close(v);

    assert_int_equal(pwrite(fd, "VOUCHSK9", 8, 0), 8);
    o.master = master;
    assert_vch_err(vch_as_vault_open(&o, &w), AS_VAULT_DAMAGED);
    (void)close(fd);
    assert_int_equal(chmod(keys, 0644), 0);
    assert_vch_err(vch_as_vault_open(&o, &w), FILE_MODE);
    device_free(&d);
}

static void test_hints(void **state)
{
    struct vch_as_vault *v = open_new();
    struct vch_as_hint h = {.seq = 5, .effective_ms = -1, .notified_ms = 2}, got[8];
    size_t n;

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        h.subject[0] = i % 2;
        h.seq = 5u + i;
        assert_vch_ok(vch_as_vault_hint_add(v, &h));
    }
    vch_as_vault_close(v);
    v = open_again(false);
    assert_vch_ok(vch_as_vault_hint_list(v, got, 8, &n));
    assert_int_equal(n, 3);
    assert_int_equal(got[0].effective_ms, -1);
    assert_vch_ok(vch_as_vault_hint_done(v, got[0].subject, got[2].number));
    assert_vch_ok(vch_as_vault_hint_list(v, got, 8, &n));
    assert_int_equal(n, 1);
    assert_int_equal(got[0].subject[0], 1);
    vch_as_vault_close(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_confirm),
        cmocka_unit_test(test_unique),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_erase),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_hints),
    };
    return cmocka_run_group_tests(tests, t_tmp_setup, t_tmp_teardown);
}
