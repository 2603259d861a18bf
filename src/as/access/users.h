/* users.h - the user table as the callers see it: an immutable snapshot with a count of holders. */
#ifndef VOUCH_AS_USERS_H
#define VOUCH_AS_USERS_H

#include <stdatomic.h>

#include <vouch/as/access.h>
#include <vouch/conf/conf.h>
#include <vouch/http/rate.h>

struct entry {
    struct vch_as_user user;
    const char *cn, *san; /* NULL: not asked for */
    struct vch_hash sha;
    bool has_sha, anonymous;
    uint8_t (*subjects)[16];
    struct vch_rate *bucket;
};

struct snapshot {
    struct vch_conf *conf; /* holds the texts */
    struct entry *entries;
    size_t count;
    atomic_uint refs;
};

struct snapshot *vch_as_users_hold(struct vch_as_users *u);
void vch_as_users_drop(struct snapshot *s);

#endif
