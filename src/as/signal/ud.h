/* ud.h - the handlers of RP-ud that have files of their own. */
#ifndef VOUCH_AS_UD_H
#define VOUCH_AS_UD_H

#include "as_int.h"

vch_err vch_as_ud_register(struct call *c);
vch_err vch_as_ud_updates(struct call *c);

#endif
