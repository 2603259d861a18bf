/* Configuration: what is read, what is refused and how it is said, what is printed. */
#include <vch_test.h>
#include <vouch/base/buf.h>
#include <vouch/conf/conf.h>

#include "../../../src/conf/near.h"

static const char *const levels[] = {"debug", "info", "warn", NULL};

static const struct vch_conf_option tls[] = {
    {"cert", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "Certificate.", 0, 0, NULL, NULL},
    {"key", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "Key.", 0, 0, NULL, NULL},
    {.key = NULL}};
static const struct vch_conf_option peer[] = {
    {"url", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "Where it is.", 0, 0, NULL, NULL},
    {"weight", VCH_CONF_INT, 0, "1", "How much.", -5, 10, NULL, NULL},
    {"tls", VCH_CONF_SECTION, VCH_CONF_PRESENCE, NULL, "TLS.", 0, 0, NULL, tls},
    {.key = NULL}};
static const struct vch_conf_option limits[] = {
    {"body-max", VCH_CONF_SIZE, 0, "1MiB", "Largest body.", 1, 1 << 30, NULL, NULL},
    {"timeout", VCH_CONF_DURATION, 0, "30s",
     "How long a request may take. "
     "A long explanation follows so that the line has to be broken in two when it is printed here.",
     100, 3600000, NULL, NULL},
    {.key = NULL}};
static const struct vch_conf_option table[] = {
    {"listen", VCH_CONF_STRING, VCH_CONF_REQUIRED, NULL, "Address.", 0, 0, NULL, NULL},
    {"port", VCH_CONF_INT, 0, "8443", "Port.", 1, 65535, NULL, NULL},
    {"verbose", VCH_CONF_BOOL, 0, "false", "Say more.", 0, 0, NULL, NULL},
    {"level", VCH_CONF_ENUM, 0, "info", "What is logged.", 0, 0, levels, NULL},
    {"data", VCH_CONF_PATH, 0, "data", "Folder.", 0, 0, NULL, NULL},
    {"origins", VCH_CONF_STRINGS, 0, "[a, \"b: c\"]", "Names.", 0, 3, NULL, NULL},
    {"note", VCH_CONF_STRING, 0, NULL, "Anything.", 0, 0, NULL, NULL},
    {"limits", VCH_CONF_SECTION, 0, NULL, "Limits.", 0, 0, NULL, limits},
    {"as", VCH_CONF_SECTION, VCH_CONF_PRESENCE, NULL, "The role.", 0, 0, NULL, tls},
    {"peers", VCH_CONF_SECTIONS, 0, NULL, "Others.", 0, 0, NULL, peer},
    {.key = NULL}};

static struct vch_conf *parse(const char *text)
{
    struct vch_buf report = vch_buf_init(65536);
    struct vch_conf *c = NULL;
    const char *why;
    vch_err e = vch_conf_parse("/etc/vouch/v.yaml", vch_text(text), table, &report, &c);

    if (!vch_ok(e)) {
        assert_vch_ok(vch_buf_cstr(&report, &why));
        fail_msg("%s", why);
    }
    assert_int_equal(report.n, 0);
    vch_buf_fini(&report);
    return c;
}

/* Fails unless TEXT is refused with SLUG and exactly the report WANT. */
static void refused(const char *text, vch_err want_err, const char *want)
{
    struct vch_buf report = vch_buf_init(65536);
    struct vch_conf *c = NULL;
    const char *got;
    vch_err e = vch_conf_parse("f", vch_text(text), table, &report, &c);

    assert_vch_ok(vch_buf_cstr(&report, &got));
    if (!vch_err_is(e, want_err) || strcmp(got, want) != 0) {
        fail_msg("%s\n%s:\n%sinstead of\n%s", text, vch_err_info(e)->slug, got, want);
    }
    assert_null(c);
    vch_buf_fini(&report);
}

static void value_refused(const char *text, const char *want)
{
    refused(text, VCH_E(CONF_VALUE), want);
}

static void everything_is_read(void **state)
{
    struct vch_conf *c = parse("# comment\n"
                               "listen: 127.0.0.1:0\n"
                               "port: 70\n"
                               "verbose: true\n"
                               "level: warn\n"
                               "data: ../x\n"
                               "origins:\n  - one\n  - 'two # three'\n"
                               "note: \"\"\n"
                               "limits:\n  timeout: 1500ms\n  body-max: 64KiB\n"
                               "as: {cert: /c.pem, key: k.pem}\n"
                               "peers:\n  - url: https://a\n    weight: -5\n"
                               "  - url: https://b\n    tls: {cert: c, key: d}\n");
    const struct vch_conf_node *r = vch_conf_root(c), *p;

    (void)state;
    assert_string_equal(vch_conf_text(r, "listen"), "127.0.0.1:0");
    assert_int_equal(vch_conf_int(r, "port"), 70);
    assert_true(vch_conf_bool(r, "verbose"));
    assert_string_equal(vch_conf_text(r, "level"), "warn");
    assert_int_equal(vch_conf_choice(r, "level"), 2);
    assert_string_equal(vch_conf_text(r, "data"), "/etc/vouch/../x");
    assert_int_equal(vch_conf_count(r, "origins"), 2);
    assert_string_equal(vch_conf_text_at(r, "origins", 1), "two # three");
    assert_string_equal(vch_conf_text(r, "note"), "");
    assert_int_equal(vch_conf_int(r, "limits.timeout"), 1500);
    assert_int_equal(vch_conf_int(r, "limits.body-max"), 65536);
    assert_string_equal(vch_conf_text(r, "as.cert"), "/c.pem");
    assert_string_equal(vch_conf_text(vch_conf_section(r, "as"), "key"), "/etc/vouch/k.pem");
    assert_int_equal(vch_conf_count(r, "peers"), 2);
    p = vch_conf_at(r, "peers", 0);
    assert_int_equal(vch_conf_int(p, "weight"), -5);
    assert_null(vch_conf_section(p, "tls"));
    p = vch_conf_at(r, "peers", 1);
    assert_int_equal(vch_conf_int(p, "weight"), 1);
    assert_string_equal(vch_conf_text(p, "tls.key"), "/etc/vouch/d");
    vch_conf_close(c);
}

static void defaults_fill_in(void **state)
{
    struct vch_conf *c = parse("listen: x\nlimits:\n");
    const struct vch_conf_node *r = vch_conf_root(c);
    struct vch_buf b = vch_buf_init(256);

    (void)state;
    assert_int_equal(vch_conf_int(r, "port"), 8443);
    assert_false(vch_conf_bool(r, "verbose"));
    assert_int_equal(vch_conf_choice(r, "level"), 1);
    assert_string_equal(vch_conf_text(r, "data"), "/etc/vouch/data");
    assert_int_equal(vch_conf_count(r, "origins"), 2);
    assert_string_equal(vch_conf_text_at(r, "origins", 1), "b: c");
    assert_false(vch_conf_has(r, "note"));
    assert_null(vch_conf_text(r, "note"));
    assert_int_equal(vch_conf_int(r, "limits.body-max"), 1 << 20);
    assert_false(vch_conf_has(r, "as"));
    assert_int_equal(vch_conf_count(r, "peers"), 0);
    assert_vch_ok(vch_conf_where(r, "listen", &b));
    assert_vch_ok(vch_buf_text(&b, " "));
    assert_vch_ok(vch_conf_where(r, "port", &b));
    assert_bytes_equal(vch_buf_get(&b), vch_text("/etc/vouch/v.yaml:1 default"));
    vch_buf_fini(&b);
    vch_conf_close(c);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    value_refused("", "f:1:1: listen is missing\n");
    value_refused("port: 1\n", "f:1:1: listen is missing\n");
    value_refused("listen: x\nlisten: y\n", "f:2:1: listen was given already in line 1\n");
    value_refused("listen: x\nlimitz:\n  timeout: [1]\nport: 2\n",
                  "f:2:1: unknown key \"limitz\"; did you mean \"limits\"?\n");
    value_refused("listen: x\nzebra: {a: [b, {c: d}]}\n", "f:2:1: unknown key \"zebra\"\n");
    value_refused("listen: x\nlimits:\n  tiemout: 1s\n",
                  "f:3:3: unknown key \"limits.tiemout\"; did you mean \"timeout\"?\n");
    value_refused("listen: x\nport: 70000\n", "f:2:7: port must be from 1 to 65535, is 70000\n");
    value_refused("listen: x\nport: 70x\n", "f:2:7: port must be a whole number, is \"70x\"\n");
    value_refused("listen: x\nport: 010\n", "f:2:7: port must be a whole number, is \"010\"\n");
    value_refused("listen: x\nport: 99999999999999999999\n",
                  "f:2:7: port must be a whole number, is \"99999999999999999999\"\n");
    value_refused("listen: x\nport:\n", "f:2:6: port has no value\n");
    value_refused("listen: x\nport: [1]\n", "f:2:7: port must be a single value\n");
    value_refused("listen: x\nverbose: yes\n",
                  "f:2:10: verbose must be true or false, is \"yes\"\n");
    value_refused("listen: x\nverbose: \"true\"\n",
                  "f:2:10: verbose must be true or false, is \"true\"\n");
    value_refused("listen: x\nlevel: wran\n",
                  "f:2:8: level must be one of debug, info, warn; is \"wran\"; did you mean "
                  "\"warn\"?\n");
    value_refused("listen: x\nlimits: {timeout: 30}\n",
                  "f:2:19: limits.timeout must be a number with ms, s, m, h or d, such as 30s, is "
                  "\"30\"\n");
    value_refused("listen: x\nlimits: {timeout: 2h}\n",
                  "f:2:19: limits.timeout must be from 100ms to 1h, is 2h\n");
    value_refused("listen: x\nlimits: {body-max: 9999999TiB}\n",
                  "f:2:20: limits.body-max must be a number of bytes, or with KiB, MiB, GiB, kB, "
                  "MB or GB, such as 4MiB, is \"9999999TiB\"\n");
    value_refused("listen: x\nlimits: 3\n", "f:2:9: limits must be a section of keys and values\n");
    value_refused("listen: x\norigins: a\n",
                  "f:2:10: origins must be a list, each element after \"- \"\n");
    value_refused("listen: x\norigins: [a, b, c, d]\n",
                  "f:2:20: origins has more than 3 elements\n");
    value_refused("listen: x\npeers:\n  - url: a\n  - weight: 3\n",
                  "f:4:5: peers[1].url is missing\n");
    value_refused("listen: x\nas:\n", "f:2:4: as.cert is missing\nf:2:4: as.key is missing\n");
    value_refused("listen: x\ndata: \"\"\n", "f:2:7: data must be a path, is empty\n");
    value_refused("listen: \"a\\nb\"\n",
                  "f:1:9: listen has control characters or more than one line\n");
    value_refused("listen: \"a\\0b\"\n", "f:1:9: the value is too long or has a zero character\n");
    /* all of them at once */
    value_refused("prot: 1\nlevel: x\n", "f:1:1: unknown key \"prot\"; did you mean \"port\"?\n"
                                         "f:2:8: level must be one of debug, info, warn; is "
                                         "\"x\"\nf:1:1: listen is missing\n");
}

static void yaml_that_hides_things_is_refused(void **state)
{
    (void)state;
    refused("listen: &a x\n", VCH_E(CONF_SYNTAX),
            "f:1:9: anchors and aliases are not allowed; repeat the values\n");
    refused("listen: x\npeers:\n  - &p {url: a}\n  - *p\n", VCH_E(CONF_SYNTAX),
            "f:3:5: anchors and aliases are not allowed; repeat the values\n");
    refused("listen: !!str x\n", VCH_E(CONF_SYNTAX), "f:1:9: tags are not allowed\n");
    refused("<<: {listen: x}\n", VCH_E(CONF_SYNTAX),
            "f:1:1: merge keys are not allowed; repeat the values\n");
    refused("listen: x\n---\nlisten: y\n", VCH_E(CONF_SYNTAX),
            "f:2:1: a second document is not allowed\n");
    refused("- a\n", VCH_E(CONF_SYNTAX), "f:1:1: the file must consist of keys and values\n");
    refused("listen: \"x\n", VCH_E(CONF_SYNTAX),
            "f:2:1: found unexpected end of stream while scanning a quoted scalar\n");
    refused("listen: \xff\n", VCH_E(CONF_SYNTAX), "f:1:1: the file is not UTF-8\n");
    value_refused("{listen: x, [a, b]: c}\n", "f:1:13: a key must be a name\n");
}

/* What is printed reads back as the same configuration. */
static void printing_is_stable(void **state)
{
    struct vch_conf *c = parse("listen: \"127.0.0.1:0\"\nnote: \"say \\\"yes\\\" \\\\ no: #\"\n"
                               "limits: {timeout: 90s, body-max: 10MB}\n"
                               "as: {cert: c, key: k}\n"
                               "peers: [{url: \"true\", tls: {cert: a, key: b}}, {url: b}]\n");
    struct vch_buf once = vch_buf_init(65536), twice = vch_buf_init(65536);
    const char *text;

    (void)state;
    assert_vch_ok(vch_conf_print(c, &once));
    vch_conf_close(c);
    assert_vch_ok(vch_buf_cstr(&once, &text));
    assert_non_null(strstr(text, "\n  timeout: 90s\n"));
    assert_non_null(strstr(text, "  body-max: 10MB\n"));
    assert_non_null(strstr(text, "# (integer from 1 to 65535)\nport: 8443\n"));
    assert_non_null(strstr(text, "  # How long a request may take. A long explanation follows so "
                                 "that the line has to be\n  # broken in two"));
    c = parse(text);
    assert_string_equal(vch_conf_text(vch_conf_root(c), "note"), "say \"yes\" \\ no: #");
    assert_string_equal(vch_conf_text(vch_conf_at(vch_conf_root(c), "peers", 0), "url"), "true");
    assert_vch_ok(vch_conf_print(c, &twice));
    assert_bytes_equal(vch_buf_get(&once), vch_buf_get(&twice));
    vch_conf_close(c);
    vch_buf_fini(&once);
    vch_buf_fini(&twice);
}

static void references_are_made_from_the_table(void **state)
{
    struct vch_buf b = vch_buf_init(65536);
    const char *text;

    (void)state;
    assert_vch_ok(vch_conf_man(table, &b));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    assert_non_null(strstr(text, ".TP\n.B limits.body\\-max\n\\fIsize from 1 to 1GiB\\fR.\n"
                                 "\\&Largest body.\nDefault: 1MiB.\n"));
    assert_non_null(strstr(text, ".B peers[].tls.cert\n\\fIpath\\fR, required.\n"));
    vch_buf_reset(&b);
    assert_vch_ok(vch_conf_template(table, &b));
    assert_vch_ok(vch_buf_cstr(&b, &text));
    assert_non_null(strstr(text, "# (integer from 1 to 65535)\n# port: 8443\n"));
    assert_non_null(strstr(text, "\nlisten:\n")); /* required, so not commented out */
    assert_non_null(strstr(text, "\n# as:\n"));
    vch_buf_fini(&b);
}

static void files_are_read(void **state)
{
    struct vch_buf report = vch_buf_init(4096);
    struct vch_conf *c;
    char path[] = "/tmp/vouch-conf-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");

    (void)state;
    assert_non_null(f);
    assert_true(fputs("listen: z\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_vch_ok(vch_conf_read(path, table, &report, &c));
    assert_string_equal(vch_conf_text(vch_conf_root(c), "listen"), "z");
    assert_string_equal(vch_conf_text(vch_conf_root(c), "data"), "/tmp/data");
    vch_conf_close(c);
    assert_int_equal(remove(path), 0);
    assert_vch_err(vch_conf_read(path, table, &report, &c), CONF_FILE);
    assert_true(report.n > 0);
    vch_buf_fini(&report);
}

static void distances(void **state)
{
    unsigned d;

    (void)state;
    assert_int_equal(vch_conf_distance(vch_text(""), vch_text("abc")), 3);
    assert_int_equal(vch_conf_distance(vch_text("listen"), vch_text("listen")), 0);
    assert_int_equal(vch_conf_distance(vch_text("lisetn"), vch_text("listen")), 1); /* a swap */
    assert_int_equal(vch_conf_distance(vch_text("kitten"), vch_text("sitting")), 3);
    assert_true(vch_conf_near(vch_text("prot"), vch_text("port"), &d));
    assert_false(vch_conf_near(vch_text("zebra"), vch_text("port"), &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read), cmocka_unit_test(defaults_fill_in),
        cmocka_unit_test(mistakes_are_named), cmocka_unit_test(yaml_that_hides_things_is_refused),
        cmocka_unit_test(printing_is_stable), cmocka_unit_test(references_are_made_from_the_table),
        cmocka_unit_test(files_are_read),     cmocka_unit_test(distances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
