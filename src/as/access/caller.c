/* Who asks, and the one gate that every operation passes. */
#include "users.h"

static bool entry_fits(const struct entry *x, const struct vch_http_cert *cert)
{
    bool san_fits = x->san == NULL;

    if (cert == NULL || x->anonymous) {
        return cert == NULL && x->anonymous;
    }
    for (size_t i = 0; !san_fits && i < cert->san_count; i++) {
        san_fits = strcmp(cert->san[i].text, x->san) == 0;
    }
    return san_fits && (!x->has_sha || vch_hash_equal(&x->sha, &cert->sha256)) &&
           (x->cn == NULL || strcmp(x->cn, cert->cn) == 0);
}

/* req: Y.2247-8.1.2-1 (recipients are recognised by the certificate of their connection) */
void vch_as_caller_init(struct vch_as_users *u, const struct vch_http_cert *cert,
                        struct vch_as_caller *ret)
{
    struct snapshot *s = vch_as_users_hold(u);

    *ret = (struct vch_as_caller){
        .role = cert == NULL ? VCH_AS_ANONYMOUS : VCH_AS_DEVICE, .user = {.name = ""}, .held = s};
    for (size_t i = 0; i < s->count; i++) {
        if (entry_fits(&s->entries[i], cert)) {
            ret->user = s->entries[i].user;
            ret->role = cert == NULL ? VCH_AS_ANONYMOUS : ret->user.role;
            ret->bucket = s->entries[i].bucket;
            return;
        }
    }
}

void vch_as_caller_fini(struct vch_as_caller *c)
{
    if (c->held != NULL) {
        vch_as_users_drop(c->held);
    }
    *c = (struct vch_as_caller){.role = VCH_AS_ANONYMOUS, .user = {.name = ""}};
}

/* req: Y.2247-8.1.2-2, Y.2247-8.1.2-4 */
vch_err vch_as_caller_check(const struct vch_as_caller *c, enum vch_as_op op)
{
    bool named = c->user.name[0] != '\0';

    /* A caller without credential does what needs none, as a device does; what else it may do, an
     * anonymous entry of the table must say. */
    if (c->role == VCH_AS_ANONYMOUS && vch_as_matrix_allows(VCH_AS_ANONYMOUS, op)) {
        return VCH_OK;
    }
    VCH_CHECK(named || c->role != VCH_AS_ANONYMOUS, AS_CALLER);
    VCH_CHECK(vch_as_matrix_allows(named ? c->user.role : c->role, op), AS_DENIED);
    VCH_CHECK(!named || (!c->user.suspended && (c->user.ops & (1u << op)) != 0), AS_DENIED);
    return VCH_OK;
}

vch_err vch_as_caller_take(const struct vch_as_caller *c, unsigned cost, int64_t now_ms,
                           int64_t *reterr_wait_ms)
{
    return c->bucket == NULL
               ? VCH_OK
               : vch_rate_take(c->bucket, vch_text("own"), cost, now_ms, reterr_wait_ms);
}

bool vch_as_caller_sees(const struct vch_as_caller *c, const uint8_t subject[16])
{
    for (size_t i = 0; i < c->user.subject_count; i++) {
        if (memcmp(c->user.subjects[i], subject, 16) == 0) {
            return true;
        }
    }
    return c->user.subjects == NULL;
}
