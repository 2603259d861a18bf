/* vch_objects - makes signed objects with the library for other implementations to check, and
 * checks what they made.
 *
 *   vch_objects emit                     JSON on standard output
 *   vch_objects verify KEY MSG [AAD [PAYLOAD]]   all hexadecimal, KEY a COSE_Key; status 0 or 1
 *   vch_objects receipt KEY MSG ENTRY    a receipt of any RFC 9162 log over ENTRY's SHA-256 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vouch/base/text.h>
#include <vouch/cose/key.h>
#include <vouch/cose/receipt.h>
#include <vouch/merkle/checkpoint.h>
#include <vouch/merkle/map.h>
#include <vouch/merkle/tile.h>
#include <vouch/ossl/crypto.h>
#include <vouch/ossl/key.h>

#define LEAVES 70
#define LEDGER "ledger.op1.example/divs"
#define TIME   1800000000123

static struct vch_ossl_key *keys[2];
static const struct vch_crypto *cr;
static struct vch_hash entry[LEAVES], leaf[LEAVES];

static void must(vch_err e)
{
    if (!vch_ok(e)) {
        fprintf(stderr, "%s\n", vch_err_info(e)->slug);
        exit(2);
    }
}

/* Prints "NAME":"hexadecimal" with a comma before it unless FIRST. */
static void member(const char *name, struct vch_bytes b, bool first)
{
    printf("%s\"%s\":\"", first ? "" : ",", name);
    for (size_t i = 0; i < b.n; i++) {
        printf("%02x", b.p[i]);
    }
    printf("\"");
}

static void print_path(const struct vch_merkle_path *path)
{
    printf(",\"path\":[");
    for (size_t i = 0; i < path->count; i++) {
        printf("%s\"", i == 0 ? "" : ",");
        for (size_t k = 0; k < VCH_HASH_LEN; k++) {
            printf("%02x", path->h[i].b[k]);
        }
        printf("\"");
    }
    printf("]");
}

static struct vch_bytes done(const struct vch_writer *w)
{
    struct vch_bytes b;

    must(vch_writer_finish(w, &b));
    return b;
}

static void emit_statements(void)
{
    static const uint8_t payload[] = {0xa1, 0x01, 0x43, 0x00, 0xff, 0x0a};

    printf("\"statements\":[");
    for (size_t i = 0; i < 2; i++) {
        const struct vch_signer *s = vch_ossl_key_signer(keys[i]);
        uint8_t room[1024], key_room[VCH_COSE_KEY_MAX];
        struct vch_writer w = vch_writer(VCH_SPAN_OF(key_room));
        struct vch_hash thumb, x5t = {{1, 2, 3}};
        struct vch_sign1_head head = {vch_hash_bytes(&thumb),
                                      vch_text("as1.op1.example"),
                                      vch_text("00112233445566778899aabbccddeeff"),
                                      TIME / 1000,
                                      "application/vouch-endorsement+cose",
                                      i == 0 ? &x5t : NULL};
        struct vch_bytes whole;

        vch_cose_key_thumbprint(cr, &s->pub, &thumb);
        vch_cose_key_encode(&s->pub, &w);
        must(vch_sign1_make(s, &head, VCH_BYTES_OF(payload), VCH_SPAN_OF(room), &whole));
        printf("%s{", i == 0 ? "" : ",");
        member("key", done(&w), true);
        member("message", whole, false);
        member("payload", VCH_BYTES_OF(payload), false);
        printf("}");
    }
    printf("]");
}

static void emit_inclusion(struct vch_merkle_source *src, uint64_t size, uint64_t index, bool first)
{
    const struct vch_signer *s = vch_ossl_key_signer(keys[index % 2]);
    struct vch_receipt_head head = {.ledger = vch_text(LEDGER), .size = size, .time_ms = TIME};
    uint8_t prot[VCH_RECEIPT_PROTECTED_MAX], room[VCH_RECEIPT_MAX], sig[VCH_SIG_LEN];
    struct vch_writer pw = vch_writer(VCH_SPAN_OF(prot)), w = vch_writer(VCH_SPAN_OF(room));
    struct vch_merkle_path path;
    struct vch_hash root;
    struct vch_bytes protected_raw;

    vch_cose_key_thumbprint(cr, &s->pub, &head.thumbprint);
    vch_receipt_protected_encode(s->alg, &head, &pw);
    protected_raw = done(&pw);
    must(vch_merkle_root(cr, src, size, &root));
    must(vch_merkle_inclusion(cr, src, index, size, &path));
    must(vch_receipt_sign(s, protected_raw, &root, sig));
    vch_receipt_encode(protected_raw, sig, size, index, &path, &w);
    printf("%s{\"size\":%llu,\"index\":%llu,\"signer\":%d", first ? "" : ",",
           (unsigned long long)size, (unsigned long long)index, (int)(index % 2));
    member("entry", vch_hash_bytes(&entry[index]), false);
    member("root", vch_hash_bytes(&root), false);
    member("receipt", done(&w), false);
    print_path(&path);
    printf("}");
}

static void emit_proofs(void)
{
    static const uint64_t sizes[] = {1, 2, 3, 7, 8, 33, LEAVES};
    struct vch_merkle_leaves l = {cr, leaf, LEAVES};
    struct vch_merkle_source src = vch_merkle_leaves_source(&l);
    bool first = true;

    printf(",\"inclusion\":[");
    for (size_t i = 0; i < VCH_ARRAY_LEN(sizes); i++) {
        for (uint64_t k = 0; k < sizes[i]; k++) {
            emit_inclusion(&src, sizes[i], k, first);
            first = false;
        }
    }
    printf("],\"consistency\":[");
    first = true;
    for (size_t i = 0; i < VCH_ARRAY_LEN(sizes); i++) {
        for (uint64_t m = 1; m <= sizes[i]; m++) {
            struct vch_merkle_path path;
            struct vch_hash root1, root2;

            must(vch_merkle_root(cr, &src, m, &root1));
            must(vch_merkle_root(cr, &src, sizes[i], &root2));
            must(vch_merkle_consistency(cr, &src, m, sizes[i], &path));
            printf("%s{\"size1\":%llu,\"size2\":%llu", first ? "" : ",", (unsigned long long)m,
                   (unsigned long long)sizes[i]);
            member("root1", vch_hash_bytes(&root1), false);
            member("root2", vch_hash_bytes(&root2), false);
            print_path(&path);
            printf("}");
            first = false;
        }
    }
    printf("]");
}

/* A text whose only awkward characters are line ends. */
static void print_text(const char *name, struct vch_bytes text, bool first)
{
    printf("%s\"%s\":\"", first ? "" : ",", name);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n') {
            printf("\\n");
        } else {
            putchar(text.p[i]);
        }
    }
    printf("\"");
}

static void emit_note(void)
{
    const struct vch_signer *s = vch_ossl_key_signer(keys[1]);
    struct vch_checkpoint c = {.origin = vch_text(LEDGER), .size = LEAVES, .root = entry[0]};
    uint8_t room[2048], vkey[VCH_NOTE_VKEY_ROOM];
    struct vch_writer w = vch_writer(VCH_SPAN_OF(room)), vw = vch_writer(VCH_SPAN_OF(vkey));
    struct vch_bytes text;

    vch_checkpoint_encode(&c, &w);
    text = done(&w);
    vch_writer_u8(&w, '\n');
    must(vch_note_sign(cr, s, c.origin, VCH_NOTE_ED25519, text, 0, &w));
    must(vch_note_sign(cr, s, vch_text("witness.example"), VCH_NOTE_COSIGN, text, 1800000000, &w));
    vch_note_vkey_encode(cr, c.origin, VCH_NOTE_ED25519, &s->pub, &vw);
    printf(",\"notes\":[{");
    print_text("vkey", done(&vw), true);
    print_text("note", done(&w), false);
    printf("}]");
}

static void emit_tiles(void)
{
    static const struct vch_tile tiles[] = {
        {0, 0, 256}, {0, 273, 112}, {3, 1234067, 256}, {1, 999, 1}, {2, 1000, 255}};

    printf(",\"tiles\":[");
    for (size_t i = 0; i < VCH_ARRAY_LEN(tiles); i++) {
        char path[VCH_TILE_PATH_ROOM];
        struct vch_bytes ignored;

        must(vch_tile_path_encode(&tiles[i], VCH_SPAN_OF(path), &ignored));
        printf("%s{\"level\":%d,\"index\":%llu,\"width\":%d,\"path\":\"%s\"}", i == 0 ? "" : ",",
               tiles[i].level, (unsigned long long)tiles[i].index, tiles[i].width, path);
    }
    printf("]");
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, VCH_HASH_LEN);
}

/* Proofs about the first 20 entries, of which 15 are in the map. */
static void emit_map(void)
{
    static struct vch_map_proof proof;
    static uint8_t room[VCH_MAP_PROOF_SIZE_MAX];
    struct vch_map_pair pairs[15], asked;
    struct vch_hash root;

    for (size_t i = 0; i < VCH_ARRAY_LEN(pairs); i++) {
        vch_map_key(cr, 2, vch_hash_bytes(&entry[i]), &pairs[i].k);
        vch_map_value(cr, vch_hash_bytes(&entry[i]), &pairs[i].v);
    }
    qsort(pairs, VCH_ARRAY_LEN(pairs), sizeof(pairs[0]), by_key);
    must(vch_map_root(cr, pairs, VCH_ARRAY_LEN(pairs), &root));
    printf(",\"map\":{");
    member("root", vch_hash_bytes(&root), true);
    printf(",\"proofs\":[");
    for (size_t i = 0; i < 20; i++) {
        struct vch_writer w = vch_writer(VCH_SPAN_OF(room));

        vch_map_key(cr, 2, vch_hash_bytes(&entry[i]), &asked.k);
        must(vch_map_prove(cr, pairs, VCH_ARRAY_LEN(pairs), &asked.k, &proof));
        vch_map_proof_encode(&proof, &w);
        printf("%s{\"present\":%s", i == 0 ? "" : ",", i < 15 ? "true" : "false");
        member("id", vch_hash_bytes(&entry[i]), false);
        member("proof", done(&w), false);
        printf("}");
    }
    printf("]}");
}

static int emit(void)
{
    for (uint8_t i = 0; i < LEAVES; i++) {
        vch_sha256_of(cr, vch_bytes(&i, 1), &entry[i]);
        vch_merkle_leaf_entry(cr, &entry[i], &leaf[i]);
    }
    must(vch_ossl_key_generate(VCH_ALG_ES256, &keys[0]));
    must(vch_ossl_key_generate(VCH_ALG_EDDSA, &keys[1]));
    printf("{");
    emit_statements();
    emit_proofs();
    emit_note();
    emit_tiles();
    emit_map();
    printf("}\n");
    vch_ossl_key_close(keys[0]);
    vch_ossl_key_close(keys[1]);
    return 0;
}

static struct vch_bytes from_hex(const char *text, uint8_t *room, size_t cap)
{
    struct vch_bytes b = {NULL, 0};

    if (text != NULL) {
        must(vch_hex_decode(vch_text(text), vch_span(room, cap), &b));
    }
    return b;
}

static int verdict(vch_err e)
{
    printf("%s\n", vch_err_info(e)->slug);
    return vch_ok(e) ? 0 : 1;
}

static int verify(char **args)
{
    static uint8_t room[4][65536];
    struct vch_cbor c = vch_cbor(from_hex(args[0], room[0], sizeof(room[0])), VCH_CBOR_GENERIC);
    struct vch_pubkey key;
    struct vch_cose m;
    vch_err e;

    must(vch_cose_key_decode(cr, &c, &key));
    e = vch_cose_decode(from_hex(args[1], room[1], sizeof(room[1])), &m);
    if (vch_ok(e)) {
        const char *aad = args[2], *payload = aad != NULL ? args[3] : NULL;

        e = vch_cose_verify(cr, &m, &key, from_hex(aad, room[2], sizeof(room[2])),
                            from_hex(payload, room[3], sizeof(room[3])));
    }
    return verdict(e);
}

static int receipt(char **args)
{
    static uint8_t room[3][65536];
    struct vch_cbor c = vch_cbor(from_hex(args[0], room[0], sizeof(room[0])), VCH_CBOR_GENERIC);
    struct vch_receipt_foreign r;
    struct vch_pubkey key;
    struct vch_hash h, l;
    vch_err e;

    must(vch_cose_key_decode(cr, &c, &key));
    vch_sha256_of(cr, from_hex(args[2], room[2], sizeof(room[2])), &h);
    vch_merkle_leaf_entry(cr, &h, &l);
    e = vch_receipt_foreign_decode(from_hex(args[1], room[1], sizeof(room[1])), 0, &r);
    return verdict(vch_ok(e) ? vch_receipt_foreign_verify(cr, &r, &key, &l) : e);
}

int main(int argc, char **argv)
{
    cr = vch_ossl_crypto();
    if (argc == 2 && strcmp(argv[1], "emit") == 0) {
        return emit();
    }
    if (argc >= 4 && strcmp(argv[1], "verify") == 0) {
        return verify(argv + 2);
    }
    if (argc == 5 && strcmp(argv[1], "receipt") == 0) {
        return receipt(argv + 2);
    }
    fprintf(stderr, "usage: vch_objects emit | verify KEY MSG [AAD [PAYLOAD]] | receipt KEY MSG "
                    "ENTRY\n");
    return 64;
}
