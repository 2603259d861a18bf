#ifndef VCH_OSSL_PEM_INT_H
#define VCH_OSSL_PEM_INT_H

#include <openssl/bio.h>
#include <openssl/err.h>

#include <vouch/base/buf.h>

/* Appends what was written to a memory BIO. Errors: LIMIT; CRYPTO (nothing was written). */
VCH_CHECKED vch_err vch_ossl_bio_take(BIO *bio, struct vch_buf *out);

#endif
