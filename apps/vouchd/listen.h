/* listen.h - the listeners of the daemon and what they serve beside the roles: health, metrics. */
#ifndef VOUCHD_LISTEN_H
#define VOUCHD_LISTEN_H

#include "parts.h"

struct listeners;

/* Opens all. On failure p->detail names the one. */
VCH_CHECKED vch_err listeners_open(struct parts *p, struct listeners **ret);
/* Certificates and keys are read again. */
VCH_CHECKED vch_err listeners_reload(struct listeners *l);
/* From now on /ready says no; what was received is answered. NULL is allowed. */
void listeners_close(struct listeners *l, unsigned drain_ms);
/* {"pid":...,"listeners":[{"name":...,"port":...}]} */
VCH_CHECKED vch_err listeners_json(const struct listeners *l, struct vch_buf *out);

#endif
