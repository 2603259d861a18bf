/* The table of operators over the client of RP-edi. */
#include <vouch/as/cef.h>

static vch_err retrieve(void *self, const struct vch_edi_selector *sel, unsigned fields,
                        struct vch_edi_status *ret)
{
    return vch_edi_retrieve(self, sel, fields, ret);
}

static vch_err retrieve_batch(void *self, const struct vch_edi_selector *sels, size_t n,
                              unsigned fields, vch_err *ret_errs, struct vch_edi_status *ret)
{
    return vch_edi_retrieve_batch(self, sels, n, fields, ret_errs, ret);
}

static vch_err match(void *self, const struct vch_edi_ids *ids, struct vch_edi_match *ret)
{
    return vch_edi_match(self, ids, ret);
}

static vch_err subscribe(void *self, const struct vch_edi_sub_request *rq, struct vch_edi_sub *ret)
{
    return vch_edi_subscribe(self, rq, ret);
}

static vch_err modify(void *self, const char *id, const char *version,
                      const struct vch_edi_sub_change *change, struct vch_edi_sub *ret)
{
    return vch_edi_modify(self, id, version, change, ret);
}

static vch_err cancel(void *self, const char *id)
{
    return vch_edi_cancel(self, id);
}

static vch_err sub_get(void *self, const char *id, struct vch_edi_sub *ret)
{
    return vch_edi_sub_get(self, id, ret);
}

static vch_err list(void *self, const char *after, struct vch_edi_sub *ret, size_t cap,
                    size_t *ret_n, bool *ret_more)
{
    return vch_edi_list(self, after, ret, cap, ret_n, ret_more);
}

static vch_err event_verify(void *self, struct vch_bytes body, const char *x_jws,
                            vch_edi_find_fn find, void *user, struct vch_edi_event *ret,
                            bool *ret_gap)
{
    return vch_edi_event_verify(self, body, x_jws, find, user, ret, ret_gap);
}

static vch_err events_after(void *self, const char *account_ref, uint64_t after_seq,
                            struct vch_edi_event *ret, size_t cap, size_t *ret_n, bool *ret_more)
{
    return vch_edi_events_after(self, account_ref, after_seq, ret, cap, ret_n, ret_more);
}

const struct vch_as_cef vch_as_cef_edi = {
    .retrieve = retrieve,
    .retrieve_batch = retrieve_batch,
    .match = match,
    .subscribe = subscribe,
    .modify = modify,
    .cancel = cancel,
    .sub_get = sub_get,
    .list = list,
    .event_verify = event_verify,
    .events_after = events_after,
};
