/* Several threads verify and sign at once, with the same keys and with different ones. */
#include "vch_test.h"

#include <pthread.h>

#include <vouch/ossl/aead.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

#define KEYS_N    4
#define ROUNDS    60
#define THREADS_N 3

struct shared {
    struct vch_ossl_key *key[KEYS_N];
    uint8_t sig[KEYS_N][VCH_SIG_LEN];
    struct vch_bytes msg;
};

/* Each thread takes the keys in another order; returns how often the answer was wrong. */
static void *work(void *arg)
{
    const struct shared *sh = arg;
    const struct vch_crypto *cr = vch_ossl_crypto();
    uintptr_t bad = 0;

    for (size_t i = 0; i < ROUNDS; i++) {
        size_t k = (i * 7 + (uintptr_t)pthread_self() / 4096) % KEYS_N;
        const struct vch_signer *s = vch_ossl_key_signer(sh->key[k]);
        const struct vch_signer *wrong = vch_ossl_key_signer(sh->key[(k + 2) % KEYS_N]);
        uint8_t sig[VCH_SIG_LEN], sealed[64], plain[64];
        struct vch_bytes a, b;

        bad += !vch_ok(cr->verify(s->alg, &s->pub, &sh->msg, 1, VCH_BYTES_OF(sh->sig[k])));
        bad += vch_ok(cr->verify(wrong->alg, &wrong->pub, &sh->msg, 1, VCH_BYTES_OF(sh->sig[k])));
        bad += !vch_ok(cr->pubkey_check(&wrong->pub));
        bad += !vch_ok(s->sign(s, &sh->msg, 1, sig));
        bad += !vch_ok(cr->verify(s->alg, &s->pub, &sh->msg, 1, VCH_BYTES_OF(sig)));
        bad += !vch_ok(vch_ossl_wrap(s->pub.x, sh->msg, sh->msg, VCH_SPAN_OF(sealed), &a));
        bad += !vch_ok(vch_ossl_unwrap(s->pub.x, sh->msg, a, VCH_SPAN_OF(plain), &b));
    }
    return (void *)bad;
}

static void test_threads__same_answers_as_one(void **state)
{
    struct shared sh = {.msg = vch_text("23.4;0.7")};
    pthread_t t[THREADS_N];

    (void)state;
    for (size_t k = 0; k < KEYS_N; k++) {
        const struct vch_signer *s;

        /* key k and k + 2 are of the same curve */
        assert_vch_ok(
            vch_ossl_key_generate(k % 2 == 0 ? VCH_ALG_ES256 : VCH_ALG_EDDSA, &sh.key[k]));
        s = vch_ossl_key_signer(sh.key[k]);
        assert_vch_ok(s->sign(s, &sh.msg, 1, sh.sig[k]));
    }
    for (size_t i = 0; i < THREADS_N; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, work, &sh), 0);
    }
    for (size_t i = 0; i < THREADS_N; i++) {
        void *bad;

        assert_int_equal(pthread_join(t[i], &bad), 0);
        assert_null(bad);
    }
    for (size_t k = 0; k < KEYS_N; k++) {
        vch_ossl_key_close(sh.key[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads__same_answers_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
