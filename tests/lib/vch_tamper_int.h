/* vch_tamper_int.h - building the bundles of vch_tamper.h; for its files only. */
#ifndef VCH_TAMPER_INT_H
#define VCH_TAMPER_INT_H

#include "vch_tamper.h"

#define SIGNED_AT     (T_EPOCH + T_DAY)
#define HOUR          3600000LL

#define V(name)       VCH_VERDICT_VALID, 0
#define BAD(name)     VCH_VERDICT_INVALID, VCH_E_##name##_CODE
#define UNKNOWN(name) VCH_VERDICT_UNKNOWN, VCH_E_##name##_CODE

extern const struct t_terms t_normal; /* from T_EPOCH - 1 day to T_EPOCH + 100 days */

extern const struct t_tamper t_tampers_data[], t_tampers_record[], t_tampers_time[];
extern const size_t t_tampers_data_count, t_tampers_record_count, t_tampers_time_count;

void t_put_statement(struct t_case *c, struct vch_bytes bytes, struct vch_bytes receipt);
void t_put_record(struct t_case *c, const struct t_record *r);
void t_put_rows(struct t_case *c, uint64_t item, const struct t_batch *batch);
void t_put_single(struct t_case *c, uint64_t item, const uint8_t salt[VCH_SALT_LEN],
                  struct vch_bytes raw);
void t_put_anchor(struct t_case *c, uint64_t item, struct vch_bytes anchored, int64_t at_ms);
void t_encode(struct t_case *c);
void t_make_valid(struct t_case *c, const struct t_terms *terms);
void t_anchor_both(struct t_case *c, int64_t at_ms);
void t_prove_state(struct t_case *c, int64_t at_ms);
void t_whole(struct t_case *c);
struct vch_bytes t_changed(struct t_case *c, struct vch_bytes b, size_t at, uint8_t flip);
struct vch_bytes t_replaced(struct t_case *c, struct vch_bytes b, struct vch_bytes old,
                            struct vch_bytes new);

#endif
