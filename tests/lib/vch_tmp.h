/* vch_tmp.h - a directory for one test program, removed with its contents at the end. */
#ifndef VCH_TMP_H
#define VCH_TMP_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char t_tmp_dir[PATH_MAX];

static inline int t_tmp_remove_one(const char *path, const struct stat *st, int kind,
                                   struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* Group setup and teardown for cmocka_run_group_tests. */
static inline int t_tmp_setup(void **state)
{
    const char *base = getenv("TMPDIR");

    (void)state;
    snprintf(t_tmp_dir, sizeof(t_tmp_dir), "%s/vouch-test-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(t_tmp_dir) == NULL ? -1 : 0;
}

static inline int t_tmp_teardown(void **state)
{
    (void)state;
    return nftw(t_tmp_dir, t_tmp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "<directory>/NAME" in one of four static rooms, used in turn. */
static inline const char *t_tmp_path(const char *name)
{
    static char room[4][PATH_MAX + 64];
    static unsigned turn;
    char *p = room[turn++ % 4];

    snprintf(p, sizeof(room[0]), "%s/%s", t_tmp_dir, name);
    return p;
}

#endif
