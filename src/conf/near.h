/* The nearest known name for a mistyped one. */
#ifndef VCH_CONF_NEAR_H
#define VCH_CONF_NEAR_H

#include <vouch/base/bytes.h>

/* Number of single insertions, removals, changes and swaps of neighbours between A and B, or a
 * number over 3 if there are more, or one of them is longer than 64 bytes. */
unsigned vch_conf_distance(struct vch_bytes a, struct vch_bytes b);

/* Is B near enough to A to be offered as a correction: at most a third of its length away? */
bool vch_conf_near(struct vch_bytes a, struct vch_bytes b, unsigned *ret_distance);

#endif
