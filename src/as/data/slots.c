#include <vouch/as/slots.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vouch/base/buf.h>
#include <vouch/file/file.h>
#include <vouch/ossl/aead.h>

#define MAGIC      "VOUCHSK1"
#define SLOT_LEN   64
#define GROW_SLOTS 1024 /* the file grows by that many at a time */
#define AAD_LEN    (8 + VCH_AS_VAULT_ID + 4 + 4 + VCH_AS_SUBJECT_LEN)

enum state { FREE = 0, USED = 1, ERASED = 2 };

struct slot {
    uint8_t state;
    bool marked;         /* the vault refers to it */
    uint32_t generation; /* 24 bits; grows with every use of the slot */
};

struct vch_as_slots {
    int fd;
    pthread_mutex_t lock;
    uint8_t kek[VCH_AS_KEY_LEN];
    uint8_t vault_id[VCH_AS_VAULT_ID];
    vch_random_fn random;
    void *random_self;
    struct vch_file_lock file_lock;
    struct slot *slots;
    uint32_t count;
    uint32_t next; /* where the search for a free one begins */
};

static off_t offset_of(uint32_t number)
{
    return (off_t)SLOT_LEN * ((off_t)number + 1);
}

static vch_err write_at(int fd, const void *p, size_t n, off_t at)
{
    const uint8_t *from = p;

    while (n > 0) {
        ssize_t k = pwrite(fd, from, n, at);

        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            return vch_file_errno(k < 0 ? errno : EIO);
        }
        from += k;
        at += k;
        n -= (size_t)k;
    }
    return VCH_OK;
}

static vch_err read_at(int fd, void *p, size_t n, off_t at)
{
    uint8_t *to = p;

    while (n > 0) {
        ssize_t k = pread(fd, to, n, at);

        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k < 0) {
            return vch_file_errno(errno);
        }
        VCH_CHECK(k > 0, AS_VAULT_DAMAGED);
        to += k;
        at += k;
        n -= (size_t)k;
    }
    return VCH_OK;
}

static vch_err sync_fd(int fd)
{
    return fdatasync(fd) == 0 ? VCH_OK : vch_file_errno(errno);
}

static void aad_make(const struct vch_as_slots *s, uint32_t number, uint32_t generation,
                     const uint8_t subject[VCH_AS_SUBJECT_LEN], uint8_t out[AAD_LEN])
{
    struct vch_writer w = vch_writer(vch_span(out, AAD_LEN));

    vch_writer_bytes(&w, vch_text(MAGIC));
    vch_writer_bytes(&w, VCH_BYTES_OF(s->vault_id));
    vch_writer_u32(&w, number);
    vch_writer_u32(&w, generation);
    vch_writer_bytes(&w, vch_bytes(subject, VCH_AS_SUBJECT_LEN));
}

/* Room for GROW_SLOTS more, on disk and here. */
static vch_err grow(struct vch_as_slots *s)
{
    static const uint8_t zeros[SLOT_LEN * 64];
    uint32_t count = s->count + GROW_SLOTS;

    for (uint32_t i = 0; i < GROW_SLOTS; i += 64) {
        VCH_TRY(write_at(s->fd, zeros, sizeof zeros, offset_of(s->count + i)));
    }
    VCH_TRY(fsync(s->fd) == 0 ? VCH_OK : vch_file_errno(errno));
    s->slots = vch_mem_realloc(s->slots, count * sizeof *s->slots);
    memset(s->slots + s->count, 0, GROW_SLOTS * sizeof *s->slots);
    s->count = count;
    return VCH_OK;
}

static vch_err create_file(struct vch_as_slots *s)
{
    uint8_t head[SLOT_LEN] = {0};
    struct vch_writer w = vch_writer(VCH_SPAN_OF(head));

    vch_writer_bytes(&w, vch_text(MAGIC));
    vch_writer_u32(&w, 1);
    vch_writer_u32(&w, SLOT_LEN);
    vch_writer_bytes(&w, VCH_BYTES_OF(s->vault_id));
    VCH_TRY(write_at(s->fd, head, sizeof head, 0));
    return grow(s);
}

static vch_err load(struct vch_as_slots *s, off_t size)
{
    uint8_t block[SLOT_LEN * 64], want[32];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(want));
    uint32_t count = (uint32_t)(size / SLOT_LEN) - 1;

    vch_writer_bytes(&w, vch_text(MAGIC));
    vch_writer_u32(&w, 1);
    vch_writer_u32(&w, SLOT_LEN);
    vch_writer_bytes(&w, VCH_BYTES_OF(s->vault_id));
    VCH_TRY(read_at(s->fd, block, SLOT_LEN, 0));
    VCH_CHECK(memcmp(block, want, sizeof want) == 0, AS_VAULT_DAMAGED);
    s->count = count;
    s->slots = vch_mem_alloc((count + 1) * sizeof *s->slots);
    for (uint32_t i = 0; i < count; i += 64) {
        uint32_t n = count - i < 64 ? count - i : 64;

        VCH_TRY(read_at(s->fd, block, n * SLOT_LEN, offset_of(i)));
        for (uint32_t k = 0; k < n; k++) {
            const uint8_t *b = block + k * SLOT_LEN;

            s->slots[i + k] =
                (struct slot){.state = b[0], .generation = (uint32_t)b[1] << 16 | b[2] << 8 | b[3]};
            VCH_CHECK(b[0] <= ERASED, AS_VAULT_DAMAGED);
        }
    }
    return VCH_OK;
}

static vch_err open_file(struct vch_as_slots *s, const char *path, bool create)
{
    struct stat st;

    s->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        return vch_file_errno(errno);
    }
    VCH_CHECK(S_ISREG(st.st_mode) && (st.st_mode & 077) == 0, FILE_MODE);
    if (st.st_size == 0) {
        VCH_CHECK(create, AS_VAULT_DAMAGED);
        return create_file(s);
    }
    /* a crash while the file grew may have left a part of a slot, never a used one */
    VCH_CHECK(st.st_size >= SLOT_LEN, AS_VAULT_DAMAGED);
    return load(s, st.st_size - st.st_size % SLOT_LEN);
}

vch_err vch_as_slots_open(const char *path, const uint8_t kek[VCH_AS_KEY_LEN],
                          const uint8_t vault_id[VCH_AS_VAULT_ID], bool create,
                          vch_random_fn random, void *random_self, struct vch_as_slots **ret)
{
    struct vch_as_slots *s = vch_mem_alloc(sizeof *s);
    struct vch_buf lock_path = vch_buf_init(8192);
    const char *lock_text;
    vch_err e;

    s->fd = -1;
    s->random = random;
    s->random_self = random_self;
    memcpy(s->kek, kek, sizeof s->kek);
    memcpy(s->vault_id, vault_id, sizeof s->vault_id);
    pthread_mutex_init(&s->lock, NULL);
    e = vch_buf_printf(&lock_path, "%s.lock", path);
    if (vch_ok(e)) {
        e = vch_buf_cstr(&lock_path, &lock_text);
    }
    if (vch_ok(e)) {
        e = vch_file_lock(lock_text, &s->file_lock);
    }
    if (vch_ok(e)) {
        e = open_file(s, path, create);
    }
    vch_buf_fini(&lock_path);
    if (!vch_ok(e)) {
        vch_as_slots_close(s);
        return e;
    }
    *ret = s;
    return VCH_OK;
}

void vch_as_slots_close(struct vch_as_slots *s)
{
    if (s == NULL) {
        return;
    }
    if (s->fd >= 0) {
        close(s->fd);
    }
    vch_file_unlock(&s->file_lock);
    pthread_mutex_destroy(&s->lock);
    vch_wipe(s->kek, sizeof s->kek);
    vch_mem_free(s->slots);
    vch_mem_free(s);
}

vch_err vch_as_slots_mark(struct vch_as_slots *s, uint32_t number)
{
    VCH_CHECK(number < s->count, AS_VAULT_DAMAGED);
    s->slots[number].marked = true;
    return VCH_OK;
}

/* Random bytes over the whole slot first, its new head afterwards: no moment leaves the key
 * readable under a state that forbids to use it. */
static vch_err overwrite(struct vch_as_slots *s, uint32_t number, enum state state)
{
    uint8_t block[SLOT_LEN];
    uint32_t g = s->slots[number].generation;

    VCH_TRY(s->random(s->random_self, VCH_SPAN_OF(block)));
    block[0] = USED;
    VCH_TRY(write_at(s->fd, block, sizeof block, offset_of(number)));
    VCH_TRY(sync_fd(s->fd));
    memset(block, 0, sizeof block);
    block[0] = (uint8_t)state;
    block[1] = (uint8_t)(g >> 16);
    block[2] = (uint8_t)(g >> 8);
    block[3] = (uint8_t)g;
    VCH_TRY(write_at(s->fd, block, sizeof block, offset_of(number)));
    VCH_TRY(sync_fd(s->fd));
    s->slots[number].state = (uint8_t)state;
    return VCH_OK;
}

vch_err vch_as_slots_settle(struct vch_as_slots *s, size_t *ret_freed)
{
    vch_err e = VCH_OK;
    size_t freed = 0;

    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; vch_ok(e) && i < s->count; i++) {
        if (s->slots[i].state == USED && !s->slots[i].marked) {
            e = overwrite(s, i, FREE);
            freed++;
        }
    }
    pthread_mutex_unlock(&s->lock);
    if (vch_ok(e)) {
        *ret_freed = freed;
    }
    return e;
}

static vch_err new_locked(struct vch_as_slots *s, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                          uint32_t *ret_number, uint8_t key[VCH_AS_KEY_LEN])
{
    uint8_t block[SLOT_LEN], aad[AAD_LEN];
    struct vch_bytes wrapped;
    uint32_t i, g;

    while (s->next < s->count && s->slots[s->next].state != FREE) {
        s->next++;
    }
    if (s->next == s->count) {
        VCH_TRY(grow(s));
    }
    i = s->next;
    g = (s->slots[i].generation + 1) & 0xffffff;
    VCH_TRY(s->random(s->random_self, vch_span(key, VCH_AS_KEY_LEN)));
    aad_make(s, i, g, subject, aad);
    VCH_TRY(vch_ossl_wrap(s->kek, VCH_BYTES_OF(aad), vch_bytes(key, VCH_AS_KEY_LEN),
                          vch_span(block + 4, SLOT_LEN - 4), &wrapped));
    block[0] = USED;
    block[1] = (uint8_t)(g >> 16);
    block[2] = (uint8_t)(g >> 8);
    block[3] = (uint8_t)g;
    VCH_TRY(write_at(s->fd, block, sizeof block, offset_of(i)));
    s->slots[i] = (struct slot){.state = USED, .marked = true, .generation = g};
    *ret_number = i;
    return VCH_OK;
}

vch_err vch_as_slots_new(struct vch_as_slots *s, const uint8_t subject[VCH_AS_SUBJECT_LEN],
                         uint32_t *ret_number, uint8_t ret_key[VCH_AS_KEY_LEN])
{
    uint8_t key[VCH_AS_KEY_LEN];
    vch_err e;

    pthread_mutex_lock(&s->lock);
    e = new_locked(s, subject, ret_number, key);
    pthread_mutex_unlock(&s->lock);
    if (vch_ok(e)) {
        memcpy(ret_key, key, sizeof key);
    }
    vch_wipe(key, sizeof key);
    return e;
}

void vch_as_slots_undo(struct vch_as_slots *s, uint32_t number)
{
    pthread_mutex_lock(&s->lock);
    if (number < s->count && vch_ok(overwrite(s, number, FREE)) && number < s->next) {
        s->next = number;
    }
    pthread_mutex_unlock(&s->lock);
}

vch_err vch_as_slots_sync(struct vch_as_slots *s)
{
    return sync_fd(s->fd);
}

vch_err vch_as_slots_get(struct vch_as_slots *s, uint32_t number,
                         const uint8_t subject[VCH_AS_SUBJECT_LEN], uint8_t ret_key[VCH_AS_KEY_LEN])
{
    uint8_t block[SLOT_LEN], aad[AAD_LEN], key[VCH_AS_KEY_LEN];
    struct vch_bytes got;
    uint32_t g;
    vch_err e;

    pthread_mutex_lock(&s->lock);
    e = number < s->count ? read_at(s->fd, block, sizeof block, offset_of(number))
                          : VCH_E(AS_VAULT_DAMAGED);
    pthread_mutex_unlock(&s->lock);
    VCH_TRY(e);
    VCH_CHECK(block[0] != ERASED, AS_ERASED);
    VCH_CHECK(block[0] == USED, AS_VAULT_DAMAGED);
    g = (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
    aad_make(s, number, g, subject, aad);
    e = vch_ossl_unwrap(s->kek, VCH_BYTES_OF(aad), vch_bytes(block + 4, SLOT_LEN - 4),
                        VCH_SPAN_OF(key), &got);
    if (!vch_ok(e) || got.n != sizeof key) {
        return VCH_E(AS_VAULT_DAMAGED);
    }
    memcpy(ret_key, key, sizeof key);
    vch_wipe(key, sizeof key);
    return VCH_OK;
}

vch_err vch_as_slots_erase(struct vch_as_slots *s, uint32_t number)
{
    vch_err e;

    pthread_mutex_lock(&s->lock);
    if (number >= s->count) {
        e = VCH_E(AS_VAULT_DAMAGED);
    } else {
        e = s->slots[number].state == ERASED ? VCH_OK : overwrite(s, number, ERASED);
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}
