/* vouch/as/cef.h - a mobile operator's exposure function as the signalling part sees it: a table,
 * so that another kind of network, or a test, can take the place of vouch/edi/edi.h. Layer 11, part
 * "signalling". The functions mean what those of the same names in edi.h say. */
#ifndef VOUCH_AS_CEF_H
#define VOUCH_AS_CEF_H

#include <vouch/edi/edi.h>

struct vch_as_cef {
    vch_err (*retrieve)(void *self, const struct vch_edi_selector *sel, unsigned fields,
                        struct vch_edi_status *ret);
    vch_err (*retrieve_batch)(void *self, const struct vch_edi_selector *sels, size_t n,
                              unsigned fields, vch_err *ret_errs, struct vch_edi_status *ret);
    vch_err (*match)(void *self, const struct vch_edi_ids *ids, struct vch_edi_match *ret);
    vch_err (*subscribe)(void *self, const struct vch_edi_sub_request *rq, struct vch_edi_sub *ret);
    vch_err (*modify)(void *self, const char *id, const char *version,
                      const struct vch_edi_sub_change *change, struct vch_edi_sub *ret);
    vch_err (*cancel)(void *self, const char *id);
    vch_err (*sub_get)(void *self, const char *id, struct vch_edi_sub *ret);
    vch_err (*list)(void *self, const char *after, struct vch_edi_sub *ret, size_t cap,
                    size_t *ret_n, bool *ret_more);
    vch_err (*event_verify)(void *self, struct vch_bytes body, const char *x_jws,
                            vch_edi_find_fn find, void *user, struct vch_edi_event *ret,
                            bool *ret_gap);
    vch_err (*events_after)(void *self, const char *account_ref, uint64_t after_seq,
                            struct vch_edi_event *ret, size_t cap, size_t *ret_n, bool *ret_more);
};

/* The table over vch_edi_*; its self is a struct vch_edi. */
extern const struct vch_as_cef vch_as_cef_edi;

/* One operator. Texts and list stay the caller's until vch_as_close. */
struct vch_as_operator {
    const char *id;
    const struct vch_as_cef *cef;
    void *self;
    /* Leading digits of the identities it serves, MSISDN with '+' ("+99901") or ICCID ("89999");
     * none: those that no other operator claims. */
    const char *const *prefixes;
    size_t prefix_count;
};

#endif
