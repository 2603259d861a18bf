/* Writes the tampering corpus: tamper_corpus FOLDER makes one NAME.vouch for each kind, trust.json,
 * and expected.tsv with name, verdict, code, moment of the verdict (ms) and options. */
#include "vch_tamper.h"

#include "vch_trust.h"

static void write_file(const char *folder, const char *name, const char *suffix,
                       struct vch_bytes bytes)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
    f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static const char *folder_name;

static void write_corpus(void **state)
{
    static struct t_case c;
    struct vch_buf expected = vch_buf_init(1 << 20), trust = vch_buf_init(1 << 20);

    (void)state;
    const struct t_tamper *t;

    for (size_t i = 0; (t = t_tamper_at(i)) != NULL; i++) {

        t_case_open(&c, t);
        write_file(folder_name, t->name, ".vouch", vch_buf_get(&c.out));
        assert_vch_ok(vch_buf_printf(
            &expected, "%s\t%s\t%s\t%lld\t%s\n", t->name, vch_verdict_name(t->verdict),
            t->code == 0 ? "-" : vch_err_info((vch_err){t->code})->slug, (long long)c.at_ms,
            c.accept_claimed ? "--accept-claimed-time" : "-"));
        if (i == 0) {
            t_trust_text(&c.w, &trust);
        }
        t_case_close(&c);
    }
    write_file(folder_name, "expected", ".tsv", vch_buf_get(&expected));
    write_file(folder_name, "trust", ".json", vch_buf_get(&trust));
    vch_buf_fini(&expected);
    vch_buf_fini(&trust);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest steps[] = {cmocka_unit_test(write_corpus)};

    if (argc != 2) {
        fprintf(stderr, "usage: tamper_corpus FOLDER\n");
        return 64;
    }
    folder_name = argv[1];
    return cmocka_run_group_tests(steps, NULL, NULL);
}
