/* The user table: a YAML file, kept as an immutable snapshot that callers hold while they are
 * served. */
#include "users.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/base/text.h>

#define REFRESH_MS 250

struct vch_as_users {
    char *path;
    pthread_mutex_t lock;
    struct snapshot *now;
    struct stat seen;
    int64_t looked_ms;
};

static const char *const role_choices[] = {"service-user", "aggregator", "admin",
                                           "operator",     "device",     NULL};
static const enum vch_as_role role_of_choice[] = {VCH_AS_USER, VCH_AS_AGGREGATOR, VCH_AS_ADMIN,
                                                  VCH_AS_OPERATOR, VCH_AS_DEVICE};

static const struct vch_conf_option user_table[] = {
    {.key = "name",
     .type = VCH_CONF_STRING,
     .flags = VCH_CONF_REQUIRED,
     .help = "Name of the user, as it stands in the audit log."},
    {.key = "role",
     .type = VCH_CONF_ENUM,
     .flags = VCH_CONF_REQUIRED,
     .choices = role_choices,
     .help = "What kind of caller this is; see the permission matrix."},
    {.key = "certificate-sha256",
     .type = VCH_CONF_STRING,
     .help = "SHA-256 of the client certificate (DER), in hexadecimal."},
    {.key = "common-name",
     .type = VCH_CONF_STRING,
     .help = "Common name of the client certificate's subject."},
    {.key = "san",
     .type = VCH_CONF_STRING,
     .help = "A subject alternative name of the client certificate (DNS name or URI)."},
    {.key = "anonymous",
     .type = VCH_CONF_BOOL,
     .def = "false",
     .help = "This entry is for callers without a certificate."},
    {.key = "suspended",
     .type = VCH_CONF_BOOL,
     .def = "false",
     .help = "Refuse this user for the time being."},
    {.key = "operations",
     .type = VCH_CONF_STRINGS,
     .help = "Operations allowed, of those that the matrix gives the role; all of them if absent."},
    {.key = "fields",
     .type = VCH_CONF_STRINGS,
     .help = "Names of the fields that may be disclosed to this user, or 'all'."},
    {.key = "subjects",
     .type = VCH_CONF_STRINGS,
     .max = 100000,
     .help =
         "The only devices (32 hexadecimal digits each) the user may ask about; every device if "
         "absent."},
    {.key = "batch-max",
     .type = VCH_CONF_INT,
     .def = "100",
     .min = 1,
     .max = 10000,
     .help = "Largest number of records in one request."},
    {.key = "rate-per-second",
     .type = VCH_CONF_INT,
     .def = "1000",
     .min = 1,
     .max = 1000000,
     .help = "Records a second, on average."},
    {.key = "rate-burst",
     .type = VCH_CONF_INT,
     .def = "2000",
     .min = 1,
     .max = 1000000,
     .help = "Records at once."},
    {.key = NULL},
};

static const struct vch_conf_option file_table[] = {
    {.key = "users",
     .type = VCH_CONF_SECTIONS,
     .max = 10000,
     .sub = user_table,
     .help = "The users of the service and their rights."},
    {.key = NULL},
};

static vch_err refuse(struct vch_buf *report, const struct vch_conf_node *n, const char *key,
                      const char *text)
{
    VCH_TRY(vch_conf_where(n, key, report));
    VCH_TRY(vch_buf_printf(report, ": %s: %s\n", key, text));
    return VCH_E(AS_USERS);
}

static unsigned op_by_name(const char *name)
{
    for (unsigned o = 0; o < VCH_AS_OP_COUNT; o++) {
        if (strcmp(name, vch_as_op_name((enum vch_as_op)o)) == 0) {
            return o;
        }
    }
    return VCH_AS_OP_COUNT;
}

static vch_err read_ops(const struct vch_conf_node *n, struct vch_as_user *u,
                        struct vch_buf *report)
{
    size_t count = vch_conf_count(n, "operations");

    for (unsigned o = 0; count == 0 && o < VCH_AS_OP_COUNT; o++) {
        u->ops |= vch_as_matrix_allows(u->role, (enum vch_as_op)o) ? 1u << o : 0;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned o = op_by_name(vch_conf_text_at(n, "operations", i));

        if (o == VCH_AS_OP_COUNT) {
            return refuse(report, n, "operations", "no such operation");
        }
        if (!vch_as_matrix_allows(u->role, (enum vch_as_op)o)) {
            return refuse(report, n, "operations", "the role may not do this; see docs/access.md");
        }
        u->ops |= 1u << o;
    }
    u->ops |= 1u << VCH_AS_OP_KEYS;
    return VCH_OK;
}

static vch_err read_fields(const struct vch_conf_node *n, struct vch_as_user *u,
                           struct vch_buf *report)
{
    for (size_t i = 0; i < vch_conf_count(n, "fields"); i++) {
        const char *name = vch_conf_text_at(n, "fields", i);
        unsigned key = vch_as_field_key(vch_text(name));

        if (strcmp(name, "all") == 0) {
            u->fields = UINT64_MAX;
        } else if (key == 0) {
            return refuse(report, n, "fields", "no such field; docs/formats.md 2.1 lists them");
        } else {
            u->fields |= UINT64_C(1) << key;
        }
    }
    return VCH_OK;
}

static vch_err read_subjects(const struct vch_conf_node *n, struct entry *x, struct vch_buf *report)
{
    size_t count = vch_conf_has(n, "subjects") ? vch_conf_count(n, "subjects") : 0;
    struct vch_bytes b;

    if (count == 0) {
        return VCH_OK;
    }
    x->subjects = vch_mem_alloc(count * 16);
    for (size_t i = 0; i < count; i++) {
        vch_err e = vch_hex_decode(vch_text(vch_conf_text_at(n, "subjects", i)),
                                   vch_span(x->subjects[i], 16), &b);
        if (!vch_ok(e) || b.n != 16) {
            return refuse(report, n, "subjects", "32 hexadecimal digits are needed");
        }
    }
    x->user.subjects = (const uint8_t(*)[16])x->subjects;
    x->user.subject_count = count;
    return VCH_OK;
}

static vch_err read_entry(const struct vch_conf_node *n, struct entry *x, struct vch_buf *report)
{
    const char *sha = vch_conf_text(n, "certificate-sha256");
    struct vch_bytes b;

    x->user.name = vch_conf_text(n, "name");
    x->user.role = role_of_choice[vch_conf_choice(n, "role")];
    x->user.suspended = vch_conf_bool(n, "suspended");
    x->user.batch_max = (size_t)vch_conf_int(n, "batch-max");
    x->cn = vch_conf_text(n, "common-name");
    x->san = vch_conf_text(n, "san");
    x->anonymous = vch_conf_bool(n, "anonymous");
    if (sha != NULL) {
        x->has_sha =
            vch_ok(vch_hex_decode(vch_text(sha), VCH_SPAN_OF(x->sha.b), &b)) && b.n == VCH_HASH_LEN;
        if (!x->has_sha) {
            return refuse(report, n, "certificate-sha256", "64 hexadecimal digits are needed");
        }
    }
    if (!x->has_sha && x->cn == NULL && x->san == NULL && !x->anonymous) {
        return refuse(report, n, "name", "nothing says how this user is recognised");
    }
    if (x->anonymous && (x->has_sha || x->cn != NULL || x->san != NULL ||
                         (x->user.role != VCH_AS_USER && x->user.role != VCH_AS_AGGREGATOR))) {
        return refuse(report, n, "anonymous", "only for a recipient without other credentials");
    }
    VCH_TRY(read_ops(n, &x->user, report));
    VCH_TRY(read_fields(n, &x->user, report));
    VCH_TRY(read_subjects(n, x, report));
    x->bucket = vch_rate_open((double)vch_conf_int(n, "rate-per-second"),
                              (unsigned)vch_conf_int(n, "rate-burst"), 1);
    return VCH_OK;
}

static void snapshot_drop(struct snapshot *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        vch_rate_close(s->entries[i].bucket);
        vch_mem_free(s->entries[i].subjects);
    }
    vch_mem_free(s->entries);
    vch_conf_close(s->conf);
    vch_mem_free(s);
}

/* Somebody who may write the table may give himself every right. */
static vch_err mode_check(const char *path, struct stat *ret, struct vch_buf *report)
{
    if (stat(path, ret) != 0) {
        VCH_TRY(vch_buf_printf(report, "%s: not readable\n", path));
        return VCH_E(AS_USERS);
    }
    if ((ret->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        VCH_TRY(vch_buf_printf(report, "%s: may be written by others than its owner\n", path));
        return VCH_E(AS_USERS);
    }
    return VCH_OK;
}

static vch_err snapshot_read(const char *path, struct vch_buf *report, struct snapshot **ret)
{
    struct snapshot *s = vch_mem_alloc(sizeof *s);
    vch_err e = path == NULL
                    ? vch_conf_parse("users", vch_text("users: []\n"), file_table, report, &s->conf)
                    : vch_conf_read(path, file_table, report, &s->conf);
    const struct vch_conf_node *root;

    atomic_init(&s->refs, 1);
    if (!vch_ok(e)) {
        vch_mem_free(s);
        return VCH_E(AS_USERS);
    }
    root = vch_conf_root(s->conf);
    s->count = vch_conf_count(root, "users");
    s->entries = vch_mem_alloc((s->count + 1) * sizeof *s->entries);
    for (size_t i = 0; vch_ok(e) && i < s->count; i++) {
        e = read_entry(vch_conf_at(root, "users", i), &s->entries[i], report);
    }
    if (!vch_ok(e)) {
        snapshot_drop(s);
        return e;
    }
    *ret = s;
    return VCH_OK;
}

vch_err vch_as_users_open(const char *path, struct vch_buf *reterr_report,
                          struct vch_as_users **ret)
{
    struct vch_as_users *u;
    struct snapshot *s;
    struct stat st;

    memset(&st, 0, sizeof st);
    if (path != NULL) {
        VCH_TRY(mode_check(path, &st, reterr_report));
    }
    VCH_TRY(snapshot_read(path, reterr_report, &s));
    u = vch_mem_alloc(sizeof *u);
    u->path = path == NULL ? NULL : vch_mem_text(vch_text(path));
    u->now = s;
    u->seen = st;
    pthread_mutex_init(&u->lock, NULL);
    *ret = u;
    return VCH_OK;
}

void vch_as_users_close(struct vch_as_users *u)
{
    if (u == NULL) {
        return;
    }
    snapshot_drop(u->now);
    pthread_mutex_destroy(&u->lock);
    vch_mem_free(u->path);
    vch_mem_free(u);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static vch_err refresh_locked(struct vch_as_users *u, struct vch_buf *report, bool *ret_read)
{
    struct snapshot *s;
    struct stat st;

    if (stat(u->path, &st) == 0 && same_file(&st, &u->seen)) {
        return VCH_OK;
    }
    u->seen = st;
    VCH_TRY(mode_check(u->path, &u->seen, report));
    VCH_TRY(snapshot_read(u->path, report, &s));
    snapshot_drop(u->now);
    u->now = s;
    *ret_read = true;
    return VCH_OK;
}

vch_err vch_as_users_refresh(struct vch_as_users *u, int64_t now_ms, struct vch_buf *reterr_report,
                             bool *ret_read)
{
    vch_err e = VCH_OK;
    bool did = false;

    pthread_mutex_lock(&u->lock);
    if (u->path != NULL && (u->looked_ms == 0 || now_ms - u->looked_ms >= REFRESH_MS)) {
        u->looked_ms = now_ms;
        e = refresh_locked(u, reterr_report, &did);
    }
    pthread_mutex_unlock(&u->lock);
    if (vch_ok(e)) {
        *ret_read = did;
    }
    return e;
}

struct snapshot *vch_as_users_hold(struct vch_as_users *u)
{
    struct snapshot *s;

    pthread_mutex_lock(&u->lock);
    s = u->now;
    atomic_fetch_add(&s->refs, 1);
    pthread_mutex_unlock(&u->lock);
    return s;
}

void vch_as_users_drop(struct snapshot *s)
{
    snapshot_drop(s);
}
