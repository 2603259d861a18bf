#include <vouch/verifier/trust_file.h>

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include <vouch/base/text.h>
#include <vouch/cose/key.h>
#include <vouch/jose/jwk.h>
#include <vouch/ossl/x509.h>
#include <vouch/stmt/entry_address.h>

#define ENTRIES_MAX 1024 /* of any list in the file */

struct memory {
    struct memory *next;
    max_align_t bytes[];
};

struct as_more {
    struct vch_cert_trust *ca; /* NULL: none */
    struct vch_hash *ca_hashes;
    size_t ca_count;
    const char *tls_ca;
};

struct vch_trust_file {
    json_t *doc; /* texts are views of it */
    const struct vch_crypto *cr;
    struct vch_verify_trust trust;
    struct as_more *more;
    struct memory *memory; /* of everything above */
};

/* Where in the file we are; one for the whole reading. */
struct place {
    struct vch_trust_file *t;
    char *detail;
    char at[96];
};

static vch_err wrong(const struct place *p, vch_err e, const char *what)
{
    snprintf(p->detail, VCH_TRUST_DETAIL_MAX, "%s: %s", p->at[0] != 0 ? p->at : "file", what);
    return e;
}

static void *keep(struct vch_trust_file *t, size_t n)
{
    struct memory *m = vch_mem_alloc(sizeof(*m) + n);

    m->next = t->memory;
    t->memory = m;
    return m->bytes;
}

/* Refuses members beside those of the list, which ends with NULL. */
static vch_err members_check(const struct place *p, json_t *obj, const char *const *known)
{
    const char *key;
    json_t *value;

    if (!json_is_object(obj)) {
        return wrong(p, VCH_E(TRUST_FILE), "must be an object");
    }
    json_object_foreach(obj, key, value)
    {
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            char text[128];

            snprintf(text, sizeof(text), "unknown member \"%.64s\"", key);
            return wrong(p, VCH_E(TRUST_FILE), text);
        }
    }
    return VCH_OK;
}

static vch_err text_of(const struct place *p, json_t *obj, const char *name, bool needed,
                       struct vch_bytes *ret)
{
    json_t *v = json_object_get(obj, name);
    char text[96];

    *ret = vch_bytes(NULL, 0);
    if (v == NULL && !needed) {
        return VCH_OK;
    }
    if (!json_is_string(v) || json_string_length(v) == 0 ||
        strlen(json_string_value(v)) != json_string_length(v)) {
        snprintf(text, sizeof(text), "\"%s\" must be a text", name);
        return wrong(p, VCH_E(TRUST_FILE), text);
    }
    *ret = vch_bytes(json_string_value(v), json_string_length(v));
    return VCH_OK;
}

/* A list that may be missing; *RET NULL then. */
static vch_err list_of(const struct place *p, json_t *obj, const char *name, json_t **ret,
                       size_t *ret_count)
{
    json_t *v = json_object_get(obj, name);
    char text[96];

    if (v != NULL && (!json_is_array(v) || json_array_size(v) > ENTRIES_MAX)) {
        snprintf(text, sizeof(text), "\"%s\" must be a list", name);
        return wrong(p, VCH_E(TRUST_FILE), text);
    }
    *ret = v;
    *ret_count = json_array_size(v);
    return VCH_OK;
}

static vch_err read_keys(struct place *p, json_t *obj, const struct vch_verify_key **ret,
                         size_t *ret_count)
{
    struct vch_verify_key *keys;
    size_t count, base = strlen(p->at);
    json_t *list;

    VCH_TRY(list_of(p, obj, "keys", &list, &count));
    keys = keep(p->t, count * sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        char *text = json_dumps(json_array_get(list, i), JSON_ENCODE_ANY);
        struct vch_jwk jwk;
        vch_err e;

        snprintf(p->at + base, sizeof(p->at) - base, ".keys[%zu]", i);
        if (text == NULL) {
            return wrong(p, VCH_E(TRUST_FILE), "not a JSON web key");
        }
        e = vch_jwk_decode(p->t->cr, vch_text(text), &jwk);
        vch_mem_free(text);
        if (!vch_ok(e)) {
            return wrong(p, e, vch_err_info(e)->text);
        }
        keys[i].pub = jwk.pub;
        vch_cose_key_thumbprint(p->t->cr, &jwk.pub, &keys[i].thumbprint);
        p->at[base] = 0;
    }
    *ret = keys;
    *ret_count = count;
    return VCH_OK;
}

static vch_err read_ledger(struct place *p, json_t *obj, struct vch_verify_ledger *l)
{
    static const char *const known[] = {"id", "keys", "name", NULL};

    VCH_TRY(members_check(p, obj, known));
    VCH_TRY(text_of(p, obj, "id", true, &l->id));
    if (!vch_ok(vch_stmt_ledger_id_check(l->id))) {
        return wrong(p, VCH_E(TRUST_FILE), "\"id\" is no ledger id");
    }
    VCH_TRY(read_keys(p, obj, &l->keys, &l->key_count));
    if (l->key_count == 0) {
        return wrong(p, VCH_E(TRUST_FILE), "\"keys\" must name a key");
    }
    return VCH_OK;
}

/* The texts of a list of PEM blocks, one after the other. */
static vch_err join_pem(const struct place *p, json_t *obj, const char *name, struct vch_buf *out)
{
    json_t *list;
    size_t count;

    VCH_TRY(list_of(p, obj, name, &list, &count));
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text == NULL) {
            return wrong(p, VCH_E(TRUST_FILE), "certificates and revocation lists are PEM texts");
        }
        VCH_TRY(vch_buf_text(out, text));
        VCH_TRY(vch_buf_text(out, "\n"));
    }
    return VCH_OK;
}

static vch_err ca_hashes(struct place *p, struct vch_bytes pem, struct as_more *m)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf der = vch_buf_init(1 << 20);
    char label[VCH_OSSL_PEM_LABEL_MAX];

    m->ca_hashes = keep(p->t, ENTRIES_MAX * sizeof(m->ca_hashes[0]));
    while (m->ca_count < ENTRIES_MAX && vch_ok(vch_ossl_pem_next(&pem, label, &der))) {
        vch_sha256_of(p->t->cr, vch_buf_get(&der), &m->ca_hashes[m->ca_count++]);
    }
    return VCH_OK;
}

static vch_err read_ca(struct place *p, json_t *obj, struct vch_verify_as *as, struct as_more *m)
{
    VCH_AUTO(vch_buf_fini) struct vch_buf ca = vch_buf_init(VCH_TRUST_FILE_MAX);
    VCH_AUTO(vch_buf_fini) struct vch_buf crls = vch_buf_init(VCH_TRUST_FILE_MAX);
    vch_err e;

    VCH_TRY(join_pem(p, obj, "ca", &ca));
    VCH_TRY(join_pem(p, obj, "crls", &crls));
    as->has_ca = ca.n != 0;
    if (!as->has_ca) {
        return VCH_OK;
    }
    e = vch_cert_trust_open(vch_buf_get(&ca), vch_buf_get(&crls), false, &m->ca);
    if (!vch_ok(e)) {
        return wrong(p, e, "\"ca\" or \"crls\" is not what it should be");
    }
    return ca_hashes(p, vch_buf_get(&ca), m);
}

static vch_err read_as(struct place *p, json_t *obj, struct vch_verify_as *as, struct as_more *m)
{
    static const char *const known[] = {"id",   "url",     "keys",   "ca",
                                        "crls", "ledgers", "tls_ca", NULL};
    struct vch_bytes tls_ca, *ledgers;
    json_t *list;

    VCH_TRY(members_check(p, obj, known));
    VCH_TRY(text_of(p, obj, "id", true, &as->id));
    VCH_TRY(text_of(p, obj, "url", false, &as->url));
    VCH_TRY(text_of(p, obj, "tls_ca", false, &tls_ca));
    m->tls_ca = (const char *)tls_ca.p;
    VCH_TRY(read_keys(p, obj, &as->keys, &as->key_count));
    VCH_TRY(read_ca(p, obj, as, m));
    if (as->key_count == 0 && !as->has_ca) {
        return wrong(p, VCH_E(TRUST_FILE), "\"keys\" or \"ca\" is needed");
    }
    VCH_TRY(list_of(p, obj, "ledgers", &list, &as->ledger_count));
    ledgers = keep(p->t, as->ledger_count * sizeof(*ledgers));
    for (size_t i = 0; i < as->ledger_count; i++) {
        json_t *v = json_array_get(list, i);

        ledgers[i] = vch_bytes(json_string_value(v), json_string_length(v));
        if (!json_is_string(v) ||
            vch_verify_ledger_find(&p->t->trust, ledgers[i]) == VCH_VERIFY_NONE) {
            return wrong(p, VCH_E(TRUST_FILE), "\"ledgers\" names a ledger that is not listed");
        }
    }
    as->ledgers = ledgers;
    if (as->ledger_count == 0) {
        return wrong(p, VCH_E(TRUST_FILE), "\"ledgers\" must name a ledger");
    }
    return VCH_OK;
}

static vch_err read_retired(struct place *p, json_t *obj, struct vch_verify_retired *r)
{
    static const enum vch_alg algs[] = {VCH_ALG_ES256, VCH_ALG_ESP256, VCH_ALG_EDDSA,
                                        VCH_ALG_ED25519};
    static const char *const known[] = {"alg", "from", NULL};
    struct vch_bytes alg, from;
    struct vch_time t;

    VCH_TRY(members_check(p, obj, known));
    VCH_TRY(text_of(p, obj, "alg", true, &alg));
    VCH_TRY(text_of(p, obj, "from", true, &from));
    for (size_t i = 0; i < VCH_ARRAY_LEN(algs); i++) {
        if (vch_bytes_equal(alg, vch_text(vch_alg_name(algs[i])))) {
            r->alg = algs[i];
        }
    }
    if (r->alg == VCH_ALG_NONE || !vch_ok(vch_time_parse(from, &t))) {
        return wrong(p, VCH_E(TRUST_FILE), "an algorithm's name and a time are needed");
    }
    r->from_ms = t.ms;
    return VCH_OK;
}

static vch_err read_ledgers(struct place *p, json_t *doc)
{
    struct vch_verify_ledger *ledgers;
    json_t *list;
    size_t n;

    VCH_TRY(list_of(p, doc, "ledgers", &list, &n));
    ledgers = keep(p->t, n * sizeof(*ledgers));
    for (size_t i = 0; i < n; i++) {
        snprintf(p->at, sizeof(p->at), "ledgers[%zu]", i);
        VCH_TRY(read_ledger(p, json_array_get(list, i), &ledgers[i]));
        if (vch_verify_ledger_find(&p->t->trust, ledgers[i].id) != VCH_VERIFY_NONE) {
            return wrong(p, VCH_E(TRUST_FILE), "this ledger is listed twice");
        }
        p->t->trust.ledgers = ledgers;
        p->t->trust.ledger_count = i + 1;
    }
    p->at[0] = 0;
    return VCH_OK;
}

static vch_err read_all_as(struct place *p, json_t *doc)
{
    struct vch_verify_as *as;
    json_t *list;
    size_t n;

    VCH_TRY(list_of(p, doc, "as", &list, &n));
    as = keep(p->t, n * sizeof(*as));
    p->t->more = keep(p->t, n * sizeof(*p->t->more));
    p->t->trust.as = as;
    for (size_t i = 0; i < n; i++) {
        snprintf(p->at, sizeof(p->at), "as[%zu]", i);
        p->t->trust.as_count = i + 1; /* so that what was opened is closed again */
        VCH_TRY(read_as(p, json_array_get(list, i), &as[i], &p->t->more[i]));
        for (size_t k = 0; k < i; k++) {
            if (vch_bytes_equal(as[k].id, as[i].id)) {
                return wrong(p, VCH_E(TRUST_FILE), "this AS is listed twice");
            }
        }
    }
    p->at[0] = 0;
    return VCH_OK;
}

static vch_err read_doc(struct place *p, json_t *doc)
{
    static const char *const known[] = {"version", "ledgers", "as", "retired", "comment", NULL};
    struct vch_verify_retired *retired;
    json_t *list;

    VCH_TRY(members_check(p, doc, known));
    if (json_integer_value(json_object_get(doc, "version")) != 1) {
        return wrong(p, VCH_E(TRUST_FILE), "\"version\" must be 1");
    }
    VCH_TRY(read_ledgers(p, doc));
    VCH_TRY(read_all_as(p, doc));
    VCH_TRY(list_of(p, doc, "retired", &list, &p->t->trust.retired_count));
    retired = keep(p->t, p->t->trust.retired_count * sizeof(*retired));
    for (size_t i = 0; i < p->t->trust.retired_count; i++) {
        snprintf(p->at, sizeof(p->at), "retired[%zu]", i);
        VCH_TRY(read_retired(p, json_array_get(list, i), &retired[i]));
    }
    p->t->trust.retired = retired;
    return VCH_OK;
}

/* The chain port: to the AS's own CA, and for its own name. */
static vch_err certificate(void *self, size_t as, struct vch_bytes der,
                           const struct vch_bytes *others, size_t n, int64_t at_ms,
                           struct vch_pubkey *ret_key)
{
    struct vch_trust_file *t = self;
    VCH_AUTO(vch_cert_autoclose) struct vch_cert *cert = NULL;
    struct vch_cert *chain[8];
    size_t chain_n = 0;
    vch_err e;

    VCH_CHECK(t->more[as].ca != NULL, AS_KEY_UNKNOWN);
    VCH_TRY(vch_cert_open(der, &cert));
    for (size_t i = 0; i < n && chain_n < VCH_ARRAY_LEN(chain); i++) {
        if (!vch_bytes_equal(others[i], der) && vch_ok(vch_cert_open(others[i], &chain[chain_n]))) {
            chain_n++;
        }
    }
    e = vch_cert_verify(t->more[as].ca, cert, chain, chain_n, VCH_CERT_SIGNING,
                        (struct vch_time){at_ms}, NULL);
    for (size_t i = 0; i < chain_n; i++) {
        vch_cert_close(chain[i]);
    }
    VCH_TRY(e);
    VCH_CHECK(vch_cert_has_san(cert, VCH_SAN_DNS, t->trust.as[as].id) ||
                  vch_cert_has_san(cert, VCH_SAN_URI, t->trust.as[as].id),
              CERT);
    VCH_CHECK(vch_cert_info(cert)->pub.curve != VCH_CURVE_NONE, CERT);
    *ret_key = vch_cert_info(cert)->pub;
    return VCH_OK;
}

vch_err vch_trust_file_decode(const struct vch_crypto *cr, struct vch_bytes text,
                              struct vch_trust_file **ret, char reterr_detail[VCH_TRUST_DETAIL_MAX])
{
    VCH_AUTO(vch_trust_file_autoclose) struct vch_trust_file *t = vch_mem_alloc(sizeof(*t));
    struct place p = {.t = t, .detail = reterr_detail};
    json_error_t error;

    t->cr = cr;
    t->trust.certificate = certificate;
    t->trust.self = t;
    if (text.n > VCH_TRUST_FILE_MAX) {
        return wrong(&p, VCH_E(LIMIT), "larger than 4 MiB");
    }
    t->doc = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (t->doc == NULL) {
        snprintf(reterr_detail, VCH_TRUST_DETAIL_MAX, "line %d: %s", error.line, error.text);
        return VCH_E(TRUST_FILE);
    }
    VCH_TRY(read_doc(&p, t->doc));
    *ret = t;
    t = NULL;
    return VCH_OK;
}

void vch_trust_file_close(struct vch_trust_file *t)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; t->more != NULL && i < t->trust.as_count; i++) {
        vch_cert_trust_close(t->more[i].ca);
    }
    while (t->memory != NULL) {
        struct memory *next = t->memory->next;

        vch_mem_free(t->memory);
        t->memory = next;
    }
    json_decref(t->doc);
    vch_mem_free(t);
}

void vch_trust_file_autoclose(struct vch_trust_file **t)
{
    vch_trust_file_close(*t);
    *t = NULL;
}

const struct vch_verify_trust *vch_trust_file_get(const struct vch_trust_file *t)
{
    return &t->trust;
}

const char *vch_trust_file_tls_ca(const struct vch_trust_file *t, size_t as)
{
    return t->more[as].tls_ca;
}

size_t vch_trust_file_ca_count(const struct vch_trust_file *t, size_t as)
{
    return t->more[as].ca_count;
}

const struct vch_hash *vch_trust_file_ca(const struct vch_trust_file *t, size_t as, size_t idx)
{
    return &t->more[as].ca_hashes[idx];
}
