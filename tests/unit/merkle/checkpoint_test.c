/* Checkpoints, notes and cosignatures: what we sign verifies, nothing altered does. The first
 * note is the example of the Go package golang.org/x/mod/sumdb/note, made by another program. */
#include "vch_test.h"

#include <vouch/merkle/checkpoint.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char note[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/"
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static void test_note__verifies_what_another_program_signed(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    char out[VCH_NOTE_VKEY_ROOM];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(out));
    struct vch_bytes name, text;
    enum vch_note_type type;
    struct vch_pubkey key;
    struct vch_note n;
    uint64_t time_s;

    (void)state;
    assert_vch_ok(vch_note_vkey_decode(cr, vch_text(vkey), &name, &type, &key));
    assert_int_equal(type, VCH_NOTE_ED25519);
    assert_vch_ok(vch_note_decode(vch_text(note), &n));
    assert_int_equal(n.count, 1);
    assert_vch_ok(vch_note_verify(cr, &n, name, type, &key, &time_s));
    assert_vch_err(vch_note_verify(cr, &n, vch_text("other"), type, &key, &time_s), NOTE_UNSIGNED);
    vch_note_vkey_encode(cr, name, type, &key, &w);
    assert_vch_ok(vch_writer_finish(&w, &text));
    assert_bytes_equal(text, vch_text(vkey));
}

static void test_note__damage_is_refused(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    char copy[sizeof(note)];
    struct vch_bytes name;
    enum vch_note_type type;
    struct vch_pubkey key;
    struct vch_note n;
    uint64_t time_s;

    (void)state;
    assert_vch_ok(vch_note_vkey_decode(cr, vch_text(vkey), &name, &type, &key));
    for (size_t i = 0; i + 1 < sizeof(note); i++) {
        struct vch_bytes cut = t_copy(vch_bytes(note, i));

        assert_false(vch_ok(vch_note_decode(cut, &n)) &&
                     vch_ok(vch_note_verify(cr, &n, name, type, &key, &time_s)));
        free((void *)(uintptr_t)cut.p);
        memcpy(copy, note, sizeof(note));
        copy[i] = (char)(copy[i] ^ 1);
        assert_false(vch_ok(vch_note_decode(vch_bytes(copy, sizeof(note) - 1), &n)) &&
                     vch_ok(vch_note_verify(cr, &n, name, type, &key, &time_s)));
    }
}

static void test_checkpoint__signed_and_cosigned(void **state)
{
    const struct vch_crypto *cr = vch_ossl_crypto();
    struct vch_bytes origin = vch_text("ledger.op1.example/divs");
    struct vch_checkpoint c = {.origin = origin, .size = 70000, .root = {{1, 2, 3}}}, back;
    VCH_AUTO(vch_ossl_key_autoclose) struct vch_ossl_key *key = NULL;
    const struct vch_signer *signer;
    uint8_t room[1024];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room));
    struct vch_bytes text, whole;
    struct vch_note n;
    uint64_t time_s = 1;

    (void)state;
    assert_vch_ok(vch_ossl_key_generate(VCH_ALG_ED25519, &key));
    signer = vch_ossl_key_signer(key);
    vch_checkpoint_encode(&c, &w);
    assert_vch_ok(vch_writer_finish(&w, &text));
    vch_writer_u8(&w, '\n');
    assert_vch_ok(vch_note_sign(cr, signer, origin, VCH_NOTE_ED25519, text, 0, &w));
    assert_vch_ok(vch_note_sign(cr, signer, origin, VCH_NOTE_COSIGN, text, 1800000000, &w));
    assert_vch_ok(vch_writer_finish(&w, &whole));
    assert_vch_ok(vch_note_decode(whole, &n));
    assert_int_equal(n.count, 2);
    assert_bytes_equal(n.text, text);
    assert_vch_ok(vch_note_verify(cr, &n, origin, VCH_NOTE_ED25519, &signer->pub, &time_s));
    assert_int_equal(time_s, 0);
    assert_vch_ok(vch_note_verify(cr, &n, origin, VCH_NOTE_COSIGN, &signer->pub, &time_s));
    assert_int_equal(time_s, 1800000000);
    assert_vch_ok(vch_checkpoint_decode(n.text, &back));
    assert_int_equal(back.size, 70000);
    assert_bytes_equal(back.origin, origin);
    assert_true(vch_hash_equal(&back.root, &c.root));
    room[0] ^= 1;
    assert_vch_ok(vch_note_decode(whole, &n));
    assert_vch_err(vch_note_verify(cr, &n, origin, VCH_NOTE_ED25519, &signer->pub, &time_s),
                   SIGNATURE);
}

static void test_checkpoint__other_forms_are_refused(void **state)
{
#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    static const char *const good[] = {"o\n0\n" ROOT "\n", "o\n18446744073709551615\n" ROOT "\n",
                                       "o\n7\n" ROOT "\nextension\n"};
    static const char *const bad[] = {
        "",
        "o\n",
        "o\n7\n",
        "o\n7\n" ROOT,
        "\n7\n" ROOT "\n",
        "o\n07\n" ROOT "\n",
        "o\n-7\n" ROOT "\n",
        "o\n18446744073709551616\n" ROOT "\n",
        "o\n7\nAAAA\n",
        "o\n7\n" ROOT "\n\n",
        "o\n7\n" ROOT "\nextension",
        "o\r\n7\n" ROOT "\n",
    };
    struct vch_checkpoint c;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(good); i++) {
        assert_vch_ok(vch_checkpoint_decode(vch_text(good[i]), &c));
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        assert_vch_err(vch_checkpoint_decode(vch_text(bad[i]), &c), CHECKPOINT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note__verifies_what_another_program_signed),
        cmocka_unit_test(test_note__damage_is_refused),
        cmocka_unit_test(test_checkpoint__signed_and_cosigned),
        cmocka_unit_test(test_checkpoint__other_forms_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
