/* Whatever is changed on the disk is found, at the start, at the query, or by the check; what a
 * crash leaves behind is mended, and nothing else is.
 *
 * req-test: Y.2247-7.1-7 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "vch_ledger_kit.h"
#include "vch_tmp.h"

#include <vouch/ledger/book.h>
#include <vouch/ledger/fsck.h>

enum { BATCHES = 30, EACH = 5, SEGMENT = 65536, ROOM = PATH_MAX + 64 };

static struct k_kit kit;
static struct vch_hash txids[(BATCHES + 1) * EACH];

static struct vch_ledger_book_options options(const char *dir)
{
    return (struct vch_ledger_book_options){.cr = kit.cr, .dir = dir};
}

/* Runs a shell line with the variables A and B. */
static void run(const char *line, const char *a, const char *b)
{
    assert_int_equal(setenv("A", a, 1), 0);
    assert_int_equal(setenv("B", b, 1), 0);
    assert_int_equal(system(line), 0);
}

static void copy(const char *from, const char *to)
{
    run("rm -rf \"$B\" && cp -a \"$A\" \"$B\"", from, to);
}

static void add_batch(struct vch_ledger_book *b, unsigned batch)
{
    struct vch_ledger_head head;
    static struct k_statement s[EACH];

    assert_vch_ok(vch_ledger_book_begin(b, (struct vch_time){K_EPOCH + 1000 * (batch + 1)}));
    for (unsigned i = 0; i < EACH; i++) {
        struct vch_core_keys keys = vch_ledger_book_keys(b);
        struct vch_core_effects effects;
        struct vch_core_facts facts;

        k_register(&kit, batch * EACH + i, &s[i]);
        txids[batch * EACH + i] = s[i].txid;
        assert_vch_ok(vch_core_check(kit.cr, k_bytes(&s[i]), &keys, &facts));
        assert_vch_ok(vch_ledger_book_add(b, k_bytes(&s[i]), &facts, &effects));
    }
    assert_vch_ok(vch_ledger_book_seal(b, &head));
    assert_vch_ok(vch_ledger_book_commit(b, k_signer(&kit, K_LEDGER)));
}

/* "base": closed in order. "late": one batch more in the log than the view has seen. */
static int setup(void **state)
{
    struct vch_ledger_book *b;
    char base[ROOM], late[ROOM];
    struct vch_ledger_book_options o;

    (void)t_tmp_setup(state);
    snprintf(base, sizeof(base), "%s", t_tmp_path("base"));
    snprintf(late, sizeof(late), "%s", t_tmp_path("late"));
    o = options(base);
    assert_vch_ok(vch_ledger_book_create(&o, K_LEDGER_ID, (struct vch_time){K_EPOCH}, kit.authority,
                                         K_KEYS, SEGMENT, k_signer(&kit, K_LEDGER)));
    assert_vch_ok(vch_ledger_book_open(&o, &b, NULL));
    for (unsigned i = 0; i < BATCHES; i++) {
        add_batch(b, i);
    }
    vch_ledger_book_close(b);
    copy(base, late);
    o = options(late);
    assert_vch_ok(vch_ledger_book_open(&o, &b, NULL));
    add_batch(b, BATCHES);
    run("rm -rf \"$A.log\" && cp -a \"$A/log\" \"$A.log\"", late, "");
    vch_ledger_book_close(b);
    copy(base, late);
    run("rm -rf \"$A/log\" && mv \"$A.log\" \"$A/log\"", late, "");
    return 0;
}

static vch_err check(const char *dir, struct vch_ledger_fsck_report *report,
                     struct vch_ledger_fault *fault)
{
    struct vch_ledger_fsck_options o = {
        .cr = kit.cr, .dir = dir, .key = &k_signer(&kit, K_LEDGER)->pub};

    *fault = (struct vch_ledger_fault){.what = ""};
    return vch_ledger_fsck(&o, report, fault);
}

/* Opens and asks for everything; true if each answer was right. Wrong answers fail the test. */
static bool serves(const char *dir, unsigned devices)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf bytes = vch_buf_init(VCH_LEDGER_RECORD_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf receipt = vch_buf_init(VCH_LEDGER_RECEIPT_MAX);
    struct vch_ledger_book_options o = options(dir);
    struct vch_ledger_book *b;
    bool all = true;

    if (!vch_ok(vch_ledger_book_open(&o, &b, NULL))) {
        return false;
    }
    for (unsigned i = 0; i < devices; i++) {
        struct vch_state_subject latest;
        struct vch_ledger_entry e;
        struct vch_subject subject;
        struct vch_receipt r;
        struct vch_hash h;

        k_subject(i, &subject);
        if (vch_ok(vch_ledger_book_get(b, &txids[i], &e, &bytes, &receipt))) {
            vch_sha256_of(kit.cr, vch_buf_get(&bytes), &h);
            assert_true(vch_hash_equal(&h, &txids[i]));
            all = vch_ok(vch_receipt_decode(vch_buf_get(&receipt), &r)) &&
                  vch_ok(vch_receipt_verify(kit.cr, &r, vch_text(K_LEDGER_ID),
                                            &k_signer(&kit, K_LEDGER)->pub, &h)) &&
                  all;
        } else {
            all = false;
        }
        if (vch_ok(vch_ledger_book_latest(b, &subject, &latest))) {
            assert_true(vch_hash_equal(&latest.latest, &txids[i]));
        } else {
            all = false;
        }
    }
    vch_ledger_book_close(b);
    return all;
}

static void flip(const char *dir, const char *file, uint64_t offset, uint8_t mask)
{
    char path[2 * ROOM];
    uint8_t byte;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

static uint64_t size_of(const char *dir, const char *file)
{
    char path[2 * ROOM];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static void whole_is_clean(void **state)
{
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault;

    (void)state;
    assert_vch_ok(check(t_tmp_path("base"), &report, &fault));
    assert_int_equal(report.statements, BATCHES * EACH);
    assert_int_equal(report.signatures, 2 * BATCHES * EACH + BATCHES + 1);
    assert_true(report.view_checked);
    assert_int_equal(report.torn_bytes, 0);
    assert_string_equal(report.id, K_LEDGER_ID);
    assert_true(serves(t_tmp_path("base"), BATCHES * EACH));
    {
        struct vch_ledger_fsck_options o = {
            .cr = kit.cr, .dir = t_tmp_path("base"), .key = &k_signer(&kit, K_AS_KEY)->pub};

        assert_vch_err(vch_ledger_fsck(&o, &report, &fault), LEDGER_KEY);
    }
}

/* One bit anywhere in what is written of the log: the check names the segment, and nothing wrong is
 * ever served. */
static void a_flipped_bit_in_the_log_is_found(void **state)
{
    char base[ROOM], work[ROOM], name[64];
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault;

    (void)state;
    snprintf(base, sizeof(base), "%s", t_tmp_path("base"));
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    for (unsigned round = 0; round < 40; round++) {
        unsigned segment = (unsigned)(t_random() % 2);
        uint64_t offset = round < 4 ? round * 16 : t_random() % 60000;
        vch_err e;

        copy(base, work);
        snprintf(name, sizeof(name), "log/%08x.vlog", segment);
        flip(work, name, offset, (uint8_t)(1u << t_random() % 8));
        e = check(work, &report, &fault);
        if (!vch_err_is(e, VCH_E(LEDGER_DAMAGED)) || strcmp(fault.file, name) != 0) {
            fail_msg("%s at %llu: %s, %s in %s", name, (unsigned long long)offset,
                     vch_err_info(e)->slug, fault.what, fault.file);
        }
        if (offset >= VCH_LEDGER_SEGMENT_HEAD) {
            assert_true(fault.offset <= offset);
        }
        (void)serves(work, BATCHES * EACH);
    }
}

static void a_flipped_bit_in_derived_files_is_found(void **state)
{
    static const char *const files[] = {"tree/level-00", "tree/level-01",  "tree/level-03",
                                        "tree/level-07", "tree/positions", "tree/batches",
                                        "seen"};
    char base[ROOM], work[ROOM];
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault;

    (void)state;
    snprintf(base, sizeof(base), "%s", t_tmp_path("base"));
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    for (unsigned round = 0; round < 4 * VCH_ARRAY_LEN(files); round++) {
        const char *file = files[round % VCH_ARRAY_LEN(files)];

        copy(base, work);
        flip(work, file, t_random() % size_of(work, file), (uint8_t)(1u << t_random() % 8));
        assert_vch_err(check(work, &report, &fault), LEDGER_DAMAGED);
        assert_string_equal(fault.file, file);
        (void)serves(work, BATCHES * EACH);
    }
}

/* Pages of the database that hold nothing may change unnoticed; then every answer is still right.
 * req-test: Y.2247-7.2.3-11 */
static void a_changed_view_never_answers_wrongly(void **state)
{
    char base[ROOM], work[ROOM];
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault;
    unsigned found = 0;

    (void)state;
    snprintf(base, sizeof(base), "%s", t_tmp_path("base"));
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    for (unsigned round = 0; round < 24; round++) {
        uint64_t size;
        vch_err e;

        copy(base, work);
        size = size_of(work, "view/data.mdb");
        /* The two meta pages and the page headers are LMDB's own; values are what matters here. */
        flip(work, "view/data.mdb",
             8192 + t_random() % (size - 8192) / 4096 * 4096 + 2048 + t_random() % 2000, 0x40);
        e = check(work, &report, &fault);
        if (vch_ok(e)) {
            assert_true(serves(work, BATCHES * EACH));
        } else {
            found++;
            assert_string_equal(fault.file, "view/data.mdb");
            (void)serves(work, BATCHES * EACH);
        }
    }
    assert_true(found > 0);
}

static void a_damaged_view_is_made_again(void **state)
{
    char work[ROOM];
    struct vch_ledger_book_options o;
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault;
    struct vch_ledger_book *b;

    (void)state;
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    copy(t_tmp_path("base"), work);
    flip(work, "tree/level-07", 3, 1); /* a node of every proof */
    o = options(work);
    assert_vch_err(vch_ledger_book_open(&o, &b, &fault), LEDGER_DAMAGED);
    assert_string_equal(fault.file, "tree");
    o.rebuild = true;
    assert_vch_ok(vch_ledger_book_open(&o, &b, &fault));
    vch_ledger_book_close(b);
    assert_vch_ok(check(work, &report, &fault));
    assert_true(report.view_checked);
    assert_true(serves(work, BATCHES * EACH));
    run("rm -rf \"$A/view\" \"$A/tree\"", work, "");
    assert_true(serves(work, BATCHES * EACH));
    assert_vch_ok(check(work, &report, &fault));
}

/* The newest entries taken away, in several ways. req-test: Y.2247-7.2.2-8 */
static void a_roll_back_is_found(void **state)
{
    char base[ROOM], work[ROOM], old[ROOM];
    struct vch_ledger_book_options o;
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault;
    struct vch_ledger_book *b;
    uint64_t end;

    (void)state;
    snprintf(base, sizeof(base), "%s", t_tmp_path("base"));
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    snprintf(old, sizeof(old), "%s", t_tmp_path("late"));

    /* The last segment is gone. */
    copy(base, work);
    run("rm \"$A/log/00000002.vlog\"", work, "");
    o = options(work);
    assert_vch_err(vch_ledger_book_open(&o, &b, &fault), LEDGER_ROLLED_BACK);
    assert_vch_err(check(work, &report, &fault), LEDGER_ROLLED_BACK);
    /* A middle one. */
    copy(base, work);
    run("rm \"$A/log/00000001.vlog\"", work, "");
    assert_vch_err(vch_ledger_book_open(&o, &b, &fault), LEDGER_DAMAGED);
    assert_string_equal(fault.file, "log/00000001.vlog");
    /* The last batch overwritten with zeros. */
    copy(old, work);
    assert_vch_ok(vch_ledger_book_open(&o, &b, &fault));
    vch_ledger_book_close(b); /* the view has seen it now */
    run("rm -rf \"$B/log\" && cp -a \"$A/log\" \"$B/log\"", base, work);
    assert_vch_err(vch_ledger_book_open(&o, &b, &fault), LEDGER_ROLLED_BACK);
    assert_vch_err(check(work, &report, &fault), LEDGER_ROLLED_BACK);
    /* With an older view and tree too: the mark, kept elsewhere, knows better. */
    o.seen_file = t_tmp_path("seen");
    run("cp \"$A/seen\" \"$B\"", work, o.seen_file);
    copy(base, work);
    end = size_of(work, "seen");
    assert_true(end > 0);
    assert_vch_err(vch_ledger_book_open(&o, &b, &fault), LEDGER_ROLLED_BACK);
    o.seen_file = NULL;
    assert_vch_ok(vch_ledger_book_open(&o, &b, &fault)); /* nothing local tells */
    vch_ledger_book_close(b);
}

/* An entry replaced by another one that is validly signed, under a right CRC. */
static void a_replaced_entry_is_found(void **state)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf bytes = vch_buf_init(VCH_LEDGER_RECORD_MAX);
    char work[ROOM], path[2 * ROOM];
    static uint8_t segment[SEGMENT], room[32768];
    struct vch_ledger_record r;
    struct vch_ledger_fsck_report report;
    struct vch_ledger_fault fault;
    struct vch_ledger_book_options o;
    struct vch_ledger_entry entry;
    struct vch_ledger_book *b;
    struct k_statement other;
    uint64_t pos = VCH_LEDGER_SEGMENT_HEAD;
    unsigned seen = 0;
    int fd;

    (void)state;
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    copy(t_tmp_path("base"), work);
    snprintf(path, sizeof(path), "%s/log/00000000.vlog", work);
    fd = open(path, O_RDWR);
    assert_int_equal(read(fd, segment, sizeof(segment)), sizeof(segment));
    for (;;) { /* the third statement */
        assert_vch_ok(
            vch_ledger_record_decode(vch_bytes(segment + pos, sizeof(segment) - pos), pos, &r));
        if (r.kind == VCH_LEDGER_STATEMENT && ++seen == 3) {
            break;
        }
        pos += r.room;
    }
    do {
        k_endorse(&kit,
                  &(struct k_endorsement){
                      .device = 2, .action = VCH_ACTION_REGISTER, .checked_at_ms = K_EPOCH + 1},
                  &other);
    } while (other.n != r.bytes.n);
    {
        struct vch_writer w = vch_writer(VCH_SPAN_OF(room));

        vch_ledger_record_encode(VCH_LEDGER_STATEMENT, k_bytes(&other), pos, &w);
        assert_int_equal(pwrite(fd, room, w.len, (off_t)pos), (ssize_t)w.len);
    }
    close(fd);
    assert_vch_err(check(work, &report, &fault), LEDGER_DAMAGED);
    assert_string_equal(fault.file, "log/00000000.vlog");
    o = options(work);
    assert_vch_ok(vch_ledger_book_open(&o, &b, &fault));
    assert_vch_err(vch_ledger_book_get(b, &txids[2], &entry, &bytes, NULL), LEDGER_DAMAGED);
    assert_vch_ok(vch_ledger_book_get(b, &txids[3], &entry, &bytes, NULL));
    vch_ledger_book_close(b);
    o.rebuild = true;
    assert_vch_err(vch_ledger_book_open(&o, &b, &fault), LEDGER_DAMAGED);
}

/* The last batch of "late" begins where the log of "base" ends. */
static void batch_bounds(uint64_t *ret_segment, uint64_t *ret_from, uint64_t *ret_to)
{
    struct vch_ledger_book_options o = options(t_tmp_path("base"));
    struct vch_ledger_book_stats stats;
    struct vch_ledger_book *b;

    assert_vch_ok(vch_ledger_book_open(&o, &b, NULL));
    vch_ledger_book_stats(b, &stats);
    vch_ledger_book_close(b);
    *ret_segment = stats.log_bytes / SEGMENT;
    *ret_from = stats.log_bytes % SEGMENT;
    copy(t_tmp_path("late"), t_tmp_path("bounds"));
    o = options(t_tmp_path("bounds"));
    assert_vch_ok(vch_ledger_book_open(&o, &b, NULL));
    vch_ledger_book_stats(b, &stats);
    assert_int_equal(stats.replayed, 1);
    assert_int_equal(stats.torn_bytes, 0);
    vch_ledger_book_close(b);
    *ret_to = stats.log_bytes % SEGMENT;
    assert_int_equal(stats.log_bytes / SEGMENT, *ret_segment);
}

/* A crash leaves any part of the last batch: it is cut off, and the ledger goes on. */
static void a_torn_batch_is_cut(void **state)
{
    char late[ROOM], work[ROOM], path[2 * ROOM];
    uint64_t segment, from, to;
    static uint8_t zero[SEGMENT];

    (void)state;
    snprintf(late, sizeof(late), "%s", t_tmp_path("late"));
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    batch_bounds(&segment, &from, &to);
    snprintf(path, sizeof(path), "%s/log/%08llx.vlog", work, (unsigned long long)segment);
    for (unsigned round = 0; round < 24; round++) {
        uint64_t cut = round == 0 ? from + 1 : from + t_random() % (to - from - 8);
        uint64_t hole = round % 3 == 2 ? cut - (cut - from) / 2 : from; /* pages lost in between */
        struct vch_ledger_book_options o = options(work);
        struct vch_ledger_book_stats stats;
        struct vch_ledger_fault fault = {.what = ""};
        struct vch_ledger_book *b;
        int fd;

        copy(late, work);
        fd = open(path, O_RDWR);
        assert_true(fd >= 0);
        assert_true(pwrite(fd, zero, SEGMENT - cut, (off_t)cut) > 0);
        if (hole > from) {
            assert_true(pwrite(fd, zero, (hole - from) / 2, (off_t)from) >= 0);
        }
        close(fd);
        assert_vch_ok(vch_ledger_book_open(&o, &b, &fault));
        vch_ledger_book_stats(b, &stats);
        assert_int_equal(stats.replayed, 0);
        assert_int_equal(stats.head.batch, BATCHES);
        add_batch(b, BATCHES);
        vch_ledger_book_close(b);
        {
            struct vch_ledger_fsck_report report;

            assert_vch_ok(check(work, &report, &fault));
            assert_int_equal(report.torn_bytes, 0);
            assert_int_equal(report.head.batch, BATCHES + 1);
        }
        assert_true(serves(work, (BATCHES + 1) * EACH));
    }
}

/* The same bytes damaged, but with the commit record in place: no torn batch, and never cut. */
static void a_committed_batch_is_never_cut(void **state)
{
    char late[ROOM], work[ROOM], name[64];
    uint64_t segment, from, to;

    (void)state;
    snprintf(late, sizeof(late), "%s", t_tmp_path("late"));
    snprintf(work, sizeof(work), "%s", t_tmp_path("work"));
    batch_bounds(&segment, &from, &to);
    snprintf(name, sizeof(name), "log/%08llx.vlog", (unsigned long long)segment);
    for (unsigned round = 0; round < 12; round++) {
        struct vch_ledger_book_options o = options(work);
        struct vch_ledger_fault fault = {.what = ""};
        struct vch_ledger_book *b;

        copy(late, work);
        flip(work, name, from + t_random() % (to - from - 700), (uint8_t)(1u << t_random() % 8));
        assert_vch_err(vch_ledger_book_open(&o, &b, &fault), LEDGER_DAMAGED);
        assert_string_equal(fault.file, name);
        assert_true(fault.offset >= from && fault.offset < to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_is_clean),
        cmocka_unit_test(a_flipped_bit_in_the_log_is_found),
        cmocka_unit_test(a_flipped_bit_in_derived_files_is_found),
        cmocka_unit_test(a_changed_view_never_answers_wrongly),
        cmocka_unit_test(a_damaged_view_is_made_again),
        cmocka_unit_test(a_roll_back_is_found),
        cmocka_unit_test(a_replaced_entry_is_found),
        cmocka_unit_test(a_torn_batch_is_cut),
        cmocka_unit_test(a_committed_batch_is_never_cut),
    };
    int rc;

    k_open(&kit);
    rc = cmocka_run_group_tests(tests, setup, t_tmp_teardown);
    k_close(&kit);
    return rc;
}
