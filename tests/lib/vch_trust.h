/* vch_trust.h - the trust file of the test world: both ledgers, the AS by its CA on the first. */
#ifndef VCH_TRUST_H
#define VCH_TRUST_H

#include "vch_world.h"

#include <vouch/base/buf.h>
#include <vouch/verifier/trust_file.h>

/* Its JSON, appended to OUT. */
void t_trust_text(struct t_world *w, struct vch_buf *out);
struct vch_trust_file *t_trust_open(struct t_world *w);

#endif
