/* device_queue.h - rows that were collected before the device was endorsed: a file in its
 * directory. A frame: time in ms (8 bytes), length (4 bytes), raw. */
#ifndef VOUCH_APP_DEVICE_QUEUE_H
#define VOUCH_APP_DEVICE_QUEUE_H

#include "device_int.h"

/* Appends the rows of N inputs (none: standard input), durable when it returns. */
VCH_CHECKED vch_err device_queue_add(const char *dir, enum device_format format, int n, char **args,
                                     uint64_t *ret_rows);

struct device_queue {
    int fd;
    char path[DEVICE_PATH_ROOM];
    struct vch_buf row;
};
/* Takes the queue for signing. Errors: FILE_MISSING (there is none); FILE_IO. */
VCH_CHECKED vch_err device_queue_open(struct device_queue *q, const char *dir);
/* The next row; a view until the next call. A frame that a power loss cut off is the end.
 * Errors: FILE_READ; LIMIT. */
VCH_CHECKED vch_err device_queue_next(struct device_queue *q, struct vch_bytes *ret_raw,
                                      int64_t *ret_time_ms, bool *ret_first, bool *ret_more);
/* DONE: all rows were signed and written, the file goes. */
void device_queue_close(struct device_queue *q, bool done);

#endif
