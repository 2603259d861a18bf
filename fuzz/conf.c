/* What is accepted prints as a text that reads back and prints the same. */
#include <vouch/conf/conf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {"one", "two", NULL};
static const struct vch_conf_option inner[] = {
    {"path", VCH_CONF_PATH, VCH_CONF_REQUIRED, NULL, "A path.", 0, 0, NULL, NULL},
    {"size", VCH_CONF_SIZE, 0, "1MiB", NULL, 0, 0, NULL, NULL},
    {.key = NULL}};
static const struct vch_conf_option table[] = {
    {"s", VCH_CONF_STRING, 0, "x", "Text.", 0, 0, NULL, NULL},
    {"b", VCH_CONF_BOOL, 0, NULL, "Truth.", 0, 0, NULL, NULL},
    {"i", VCH_CONF_INT, 0, "3", "Number.", -9, 9, NULL, NULL},
    {"d", VCH_CONF_DURATION, 0, NULL, "Time.", 0, 0, NULL, NULL},
    {"e", VCH_CONF_ENUM, 0, "two", "Choice.", 0, 0, words, NULL},
    {"l", VCH_CONF_STRINGS, 0, "[]", "List.", 0, 0, NULL, NULL},
    {"in", VCH_CONF_SECTION, VCH_CONF_PRESENCE, NULL, "Section.", 0, 0, NULL, inner},
    {"many", VCH_CONF_SECTIONS, 0, NULL, "Sections.", 0, 0, NULL, inner},
    {.key = NULL}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vch_buf report = vch_buf_init(1 << 20), one = vch_buf_init(1 << 22),
                   two = vch_buf_init(1 << 22);
    struct vch_conf *c;

    if (vch_ok(vch_conf_parse("/f", vch_bytes(data, size), table, &report, &c))) {
        VCH_ASSERT(report.n == 0 && vch_ok(vch_conf_print(c, &one)));
        vch_conf_close(c);
        VCH_ASSERT(vch_ok(vch_conf_parse("/f", vch_buf_get(&one), table, &report, &c)));
        VCH_ASSERT(vch_ok(vch_conf_print(c, &two)));
        VCH_ASSERT(vch_bytes_equal(vch_buf_get(&one), vch_buf_get(&two)));
        vch_conf_close(c);
    } else {
        VCH_ASSERT(report.n > 0);
    }
    vch_buf_fini(&report);
    vch_buf_fini(&one);
    vch_buf_fini(&two);
    return 0;
}
