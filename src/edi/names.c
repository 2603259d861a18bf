/* Words of the wire. */
#include "edi_int.h"

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

enum vch_edi_contract_status vch_edi_status_of(const char *name)
{
    for (size_t i = 1; i < VCH_ARRAY_LEN(statuses); i++) {
        if (strcmp(statuses[i], name) == 0) {
            return (enum vch_edi_contract_status)i;
        }
    }
    /* The published schema of TMF637 has this word with a trailing space. */
    return strcmp(name, "aborted ") == 0 ? VCH_EDI_ABORTED : VCH_EDI_STATUS_ABSENT;
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

unsigned vch_edi_event_of(const char *type)
{
    if (strncmp(type, EDI_TYPE, sizeof EDI_TYPE - 1) != 0) {
        return 0;
    }
    for (size_t i = 0; i < VCH_ARRAY_LEN(events); i++) {
        if (strcmp(type + sizeof EDI_TYPE - 1, events[i]) == 0) {
            return 1U << i;
        }
    }
    return 0;
}
