#include <vouch/edi/edi.h>

static const char *const statuses[] = {"",           "created",   "pendingActive",
                                       "active",     "suspended", "pendingTerminate",
                                       "terminated", "cancelled", "aborted"};

static const char *const events[] = {"contract-terminated", "contract-status-changed",
                                     "imei-changed",        "sim-changed",
                                     "owner-changed",       "area-changed",
                                     "subscription-ended"};

const char *vch_edi_status_name(enum vch_edi_contract_status s)
{
    return (size_t)s < VCH_ARRAY_LEN(statuses) ? statuses[s] : "";
}

const char *vch_edi_event_name(unsigned type)
{
    for (size_t i = 0; i < VCH_ARRAY_LEN(events); i++) {
        if (type == 1U << i) {
            return events[i];
        }
    }
    return "";
}
