/* Asking operators about accounts. */
#include "as_int.h"

const struct operator_of *vch_as_operator_by_id(const struct vch_as *as, const char *id)
{
    for (size_t i = 0; i < as->o.operator_count; i++) {
        if (strcmp(as->operators[i].op.id, id) == 0) {
            return &as->operators[i];
        }
    }
    return NULL;
}

static size_t prefix_length(const struct operator_of *op, const char *identity)
{
    size_t best = 0;

    for (size_t i = 0; i < op->op.prefix_count; i++) {
        size_t n = strlen(op->op.prefixes[i]);

        if (n > best && strncmp(op->op.prefixes[i], identity, n) == 0) {
            best = n;
        }
    }
    return best;
}

/* The longest claim wins; without one, the first operator that claims nothing in particular. */
const struct operator_of *vch_as_operator_for(const struct vch_as *as,
                                              const struct vch_edi_ids *ids)
{
    const struct operator_of *best = NULL;
    size_t best_n = 0;

    VCH_ASSERT(as->operators != NULL);
    for (size_t i = 0; i < as->o.operator_count; i++) {
        const struct operator_of *op = &as->operators[i];
        size_t by_number = prefix_length(op, ids->msisdn), by_sim = prefix_length(op, ids->iccid);
        size_t n = by_number > by_sim ? by_number : by_sim;

        if (n > best_n || (best == NULL && op->op.prefix_count == 0)) {
            best = op;
            best_n = n;
        }
    }
    return best;
}

struct vch_edi_selector vch_as_selector(enum vch_edi_kind kind, const char *text)
{
    struct vch_edi_selector s = {.kind = kind};
    size_t n = strnlen(text, sizeof s.text - 1);

    memcpy(s.text, text, n);
    return s;
}

vch_err vch_as_network_compare(const struct operator_of *op, const struct vch_edi_ids *ids,
                               const struct vch_edi_status *status, unsigned *ret_mismatched)
{
    unsigned mismatched = vch_as_ids_differ(ids, status);
    unsigned withheld = vch_as_ids_withheld(ids, status);
    struct vch_edi_match m;
    vch_err e;

    if (withheld != 0) {
        memset(&m, 0, sizeof m);
        vch_counter_add(op->asked, 1);
        e = op->op.cef->match(op->op.self, ids, &m);
        if (vch_ok(e)) {
            mismatched |= m.asked & ~m.matched;
            if (strcmp(m.account_ref, status->account_ref) != 0) {
                mismatched |= withheld; /* it speaks of another account */
            }
        }
        vch_edi_match_fini(&m);
        VCH_TRY(e);
    }
    *ret_mismatched = mismatched;
    return VCH_OK;
}

vch_err vch_as_network_ask(const struct operator_of *op, const struct vch_edi_selector *sel,
                           const struct vch_edi_ids *ids, struct vch_edi_status *ret,
                           unsigned *ret_mismatched)
{
    vch_err e;

    memset(ret, 0, sizeof *ret);
    vch_counter_add(op->asked, 1);
    e = op->op.cef->retrieve(op->op.self, sel, VCH_EDI_F_ALL, ret);
    if (vch_ok(e)) {
        e = vch_as_network_compare(op, ids, ret, ret_mismatched);
        if (!vch_ok(e)) {
            vch_edi_status_fini(ret);
        }
    }
    if (vch_err_kind(e) == VCH_KIND_REMOTE || vch_err_kind(e) == VCH_KIND_BUSY) {
        vch_counter_add(op->unreachable, 1);
    }
    return e;
}
