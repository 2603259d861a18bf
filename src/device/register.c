#include <vouch/stmt/ack.h>
#include <vouch/stmt/poll.h>
#include <vouch/stmt/registration.h>

#include "device_int.h"

/* Every algorithm that the key can sign with: the one of the signer and its other name. */
static void list_algs(const struct vch_signer *s, struct vch_stmt_registration *r)
{
    static const enum vch_alg all[] = {VCH_ALG_ES256, VCH_ALG_ESP256, VCH_ALG_EDDSA,
                                       VCH_ALG_ED25519};

    r->alg_count = 0;
    for (size_t i = 0; i < VCH_ARRAY_LEN(all); i++) {
        if (vch_alg_curve(all[i]) == s->pub.curve) {
            r->algs[r->alg_count++] = all[i];
        }
    }
    r->hashes[0] = VCH_ALG_SHA256;
    r->hash_count = 1;
}

/* Where the key is held is stated in the registration (Y.2247 7.1). */
static vch_err make_registration(const struct vch_device *d, struct vch_bytes nonce, int64_t now_ms,
                                 struct vch_span out, struct vch_bytes *ret)
{
    struct vch_hash digests[VCH_DEVICE_IDENTIFIERS];
    struct vch_stmt_registration r = {
        .audience = vch_text(d->setup.as_id),
        .nonce = nonce,
        .device_class = d->setup.device_class,
        .custody = d->host.signer->custody,
    };

    list_algs(d->host.signer, &r);
    for (size_t i = 0; i < d->opening_count; i++) {
        vch_stmt_disclosure_digest(d->host.crypto, vch_bytes(d->opening[i], d->opening_n[i]),
                                   &digests[i]);
    }
    vch_stmt_digests_sort(digests, d->opening_count);
    return vch_stmt_registration_encode(d->host.crypto, d->host.signer, &r, digests,
                                        d->opening_count, now_ms / 1000, out, ret);
}

vch_err vch_device_register(struct vch_device *d, struct vch_bytes nonce, int64_t now_ms,
                            struct vch_span out, struct vch_bytes *ret)
{
    uint8_t room[VCH_REGISTRATION_MAX];
    struct vch_stmt_request req = {.disclosure_count = d->opening_count};
    struct vch_device before = *d;
    struct vch_bytes whole;
    vch_err e;

    VCH_CHECK(d->phase < VCH_DEVICE_ENDORSED, DEVICE_ENDORSED);
    VCH_TRY(vch_device_custody_check(d));
    VCH_TRY(make_registration(d, nonce, now_ms, VCH_SPAN_OF(room), &req.registration));
    for (size_t i = 0; i < d->opening_count; i++) {
        req.disclosures[i] = vch_bytes(d->opening[i], d->opening_n[i]);
    }
    VCH_TRY(vch_stmt_request_encode(&req, out, &whole));
    vch_sha256_of(d->host.crypto, req.registration, &d->registration);
    d->phase = VCH_DEVICE_REQUESTED;
    d->nonce_n = 0; /* whichever it was, it is used now */
    e = vch_device_save(d);
    if (!vch_ok(e)) {
        *d = before;
        return e;
    }
    *ret = whole;
    return VCH_OK;
}

vch_err vch_device_poll(struct vch_device *d, struct vch_bytes nonce, int64_t now_ms,
                        struct vch_span out, struct vch_bytes *ret)
{
    struct vch_stmt_poll p = {.nonce = nonce, .seq = d->seq};

    VCH_CHECK(d->phase >= VCH_DEVICE_ENDORSED, DEVICE_UNREGISTERED);
    memcpy(p.subject, d->subject, sizeof(p.subject));
    return vch_stmt_poll_encode(d->host.crypto, d->host.signer, &p, now_ms / 1000, out, ret);
}
