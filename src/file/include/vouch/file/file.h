/* vouch/file/file.h - small files that are whole and durable, or untouched.
 * Layer 1, impure (files). Thread-safe; paths are NUL-terminated. */
#ifndef VOUCH_FILE_FILE_H
#define VOUCH_FILE_FILE_H

#include <vouch/base/buf.h>

enum vch_file_flag {
    VCH_FILE_NEW = 1,   /* writing: FILE_EXISTS if the file is there */
    VCH_FILE_SECRET = 2 /* writing: mode 0600; reading: refuse what group or others may touch */
};

/* Writes DATA to "PATH.tmp", syncs it, renames it to PATH and syncs the directory: after a crash at
 * any moment PATH has either the old contents or the new, whole. Writers of one path wait for each
 * other; what a killed one left is overwritten by the next. Mode 0640, or 0600 with SECRET.
 * Errors: FILE_EXISTS; FILE_MISSING (the directory); STORE_FULL; FILE_IO. */
VCH_CHECKED vch_err vch_file_write_atomic(const char *path, struct vch_bytes data, unsigned flags);

/* Appends the contents of the regular file PATH to OUT. With SECRET the file must be free of group
 * and other permissions and belong to this user or root.
 * Errors: FILE_MISSING; FILE_MODE; LIMIT (more than fits into OUT); FILE_IO. */
VCH_CHECKED vch_err vch_file_read(const char *path, unsigned flags, struct vch_buf *out);

/* Makes what was created, renamed or removed in DIR durable. Errors: FILE_MISSING; FILE_IO. */
VCH_CHECKED vch_err vch_dir_sync(const char *dir);
/* Makes the directory PATH (mode 0750, or 0700 with SECRET) unless it exists, durable.
 * Errors: FILE_MISSING (its parent); FILE_EXISTS (as something else); FILE_IO; STORE_FULL. */
VCH_CHECKED vch_err vch_dir_make(const char *path, unsigned flags);

/* A lock that one process holds at a time; the system drops it when the process ends. */
struct vch_file_lock {
    int held; /* the descriptor + 1; 0: not held */
};
/* Takes the lock of the file PATH, made if missing, without waiting.
 * Errors: FILE_LOCKED; FILE_MISSING (the directory); FILE_IO. */
VCH_CHECKED vch_err vch_file_lock(const char *path, struct vch_file_lock *ret);
void vch_file_unlock(struct vch_file_lock *lock); /* idempotent */

/* The error of an errno value of file operations. */
VCH_CHECKED vch_err vch_file_errno(int err);

#endif
