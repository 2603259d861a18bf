/* scripted.h - an operator that fails, errs or lies as a test tells it: on a real socket, with the
 * right certificate and the right signing key. */
#ifndef EDI_SCRIPTED_H
#define EDI_SCRIPTED_H

#include "netsim_rig.h"

#define SCRIPTED_MSISDN "+999011234567"
#define SCRIPTED_DAY    86400000LL

/* What the next answers are. */
struct script {
    unsigned status;
    const char *media, *body;  /* body NULL: the true answer, changed as follows */
    void (*before)(json_t *o); /* before signing */
    void (*after)(json_t *o);  /* after it */
    bool wrong_key, swapped;
    const char *typ;
    unsigned delay_ms;
    unsigned token_status;
    const char *token_body;
    unsigned tokens, calls;
};
extern struct script script;
/* Everything true again. */
void script_reset(void);

/* Group setup and teardown of cmocka. */
int scripted_setup(void **state);
int scripted_teardown(void **state);
/* The client of the group, and another one with a time-out of its own. */
extern struct vch_edi *scripted_edi;
struct vch_edi *scripted_client(unsigned timeout_ms);

/* Now and SHIFT_MS, as JSON. */
json_t *scripted_time(int64_t shift_ms);
/* A feed of N events as the operator would sign them, into script.body; each is the data of an
 * event (borrowed) of TYPE, to which the common members are added where they are missing. */
void scripted_feed(const char *type, json_t *const *data, size_t n);
/* Retrieves the account, as a result and as an error alone. */
vch_err scripted_ask(struct vch_edi *e, struct vch_edi_status *ret);
vch_err scripted_asked(void);

#endif
