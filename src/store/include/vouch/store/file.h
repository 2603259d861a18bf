/* vouch/store/file.h - the durable small files of vouch/file/file.h, for those who use the store.
 * Layer 8, impure. */
#ifndef VOUCH_STORE_FILE_H
#define VOUCH_STORE_FILE_H

#include <vouch/file/file.h>

#endif
