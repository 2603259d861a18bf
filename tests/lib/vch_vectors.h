/* vch_vectors.h - walks the public test vectors of the shared folder; absent, a test is skipped. */
#ifndef VCH_VECTORS_H
#define VCH_VECTORS_H

#include <dirent.h>

#include <jansson.h>

#include "vch_test.h"

/* The folder NAME of the shared vectors; VCH_SHARED_DIR in the environment says where they are. */
static inline const char *t_vectors_dir(const char *name)
{
    static char path[1024];
    const char *env = getenv("VCH_SHARED_DIR");

    assert_in_range(
        snprintf(path, sizeof(path), "%s/vectors/%s", env != NULL ? env : VCH_SHARED_DIR, name), 1,
        sizeof(path) - 1);
    return path;
}

typedef void (*t_vector_fn)(const char *path, json_t *doc);

/* Calls FN for every .json below DIR, in no particular order; returns how many there were. Numbers
 * come as reals: some indices are beyond a signed integer. */
static inline size_t t_vectors_walk(const char *dir, t_vector_fn fn)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t count = 0;
    char path[1024];

    if (d == NULL) {
        return 0;
    }
    while ((e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name);

        if (e->d_name[0] == '.') {
            continue;
        }
        assert_in_range(snprintf(path, sizeof(path), "%s/%s", dir, e->d_name), 1, sizeof(path) - 1);
        if (n > 5 && strcmp(e->d_name + n - 5, ".json") == 0) {
            json_t *doc = json_load_file(path, JSON_DECODE_INT_AS_REAL, NULL);

            assert_non_null(doc);
            fn(path, doc);
            json_decref(doc);
            count++;
        } else {
            count += t_vectors_walk(path, fn);
        }
    }
    closedir(d);
    return count;
}

/* Skips the test if the vectors of DIR are not on this machine. */
static inline void t_vectors_need(const char *dir)
{
    DIR *d = opendir(dir);

    if (d == NULL) {
        print_message("skipped: no vectors at %s\n", dir);
        skip();
    }
    closedir(d);
}

#endif
