/* Names of the fields that rights and requests speak of. */
#include <vouch/as/access.h>
#include <vouch/stmt/disclosure.h>

#define KEY_MAX 63 /* rights are a set of 64 bits */

unsigned vch_as_field_key(struct vch_bytes name)
{
    uint64_t key = vch_stmt_disc_key_of(name);

    return key <= KEY_MAX ? (unsigned)key : 0;
}

const char *vch_as_field_name(unsigned key)
{
    const char *name = vch_stmt_disc_name(key);

    return key == 0 || strcmp(name, "unknown") == 0 ? NULL : name;
}
