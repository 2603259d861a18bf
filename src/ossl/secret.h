#ifndef VCH_OSSL_SECRET_H
#define VCH_OSSL_SECRET_H

/* Sets up the locked heap for private keys, once; called before the first key is made. */
void vch_ossl_secret_heap(void);

#endif
