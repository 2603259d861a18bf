/* Identifiers: canonical forms, check digits, and what is refused. All numbers are fictitious.
 * req-test: Y.2247-7.2.1-4 */
#include "vch_test.h"

#include <vouch/stmt/identity.h>

static void expect(enum vch_disc_key key, const char *text, const char *canon)
{
    uint8_t room[VCH_IDENTITY_ROOM];
    struct vch_bytes got;

    assert_vch_ok(vch_stmt_identity_canon(key, vch_text(text), VCH_SPAN_OF(room), &got));
    assert_string_equal((const char *)room, canon);
    assert_vch_ok(vch_stmt_identity_check(key, vch_text(canon)));
}

static void test_identity__written_forms_give_one_canonical_form(void **state)
{
    (void)state;
    expect(VCH_DISC_IMEI, "352099001761481", "352099001761481");
    expect(VCH_DISC_IMEI, "35-209900-176148-1", "352099001761481");
    expect(VCH_DISC_IMEI, "35 209900 176148 1", "352099001761481");
    expect(VCH_DISC_IMEI, "35-209900-176148-23", "352099001761481"); /* IMEISV */
    expect(VCH_DISC_IMEI, "imeisv-3520990017614823", "352099001761481");
    expect(VCH_DISC_IMEI, "imei-352099001761481", "352099001761481");
    expect(VCH_DISC_IMEI, "urn:gsma:imei:35209900-176148-1", "352099001761481");
    expect(VCH_DISC_ICCID, "8944 5000 0000 0000 006", "8944500000000000006");
    expect(VCH_DISC_ICCID, "8944500000000000006F", "8944500000000000006");
    expect(VCH_DISC_ICCID, "89445000000000000019", "89445000000000000019");
    expect(VCH_DISC_MSISDN, "+44 7700 900123", "+447700900123");
    expect(VCH_DISC_MSISDN, "tel:+44-7700-900123", "+447700900123");
    expect(VCH_DISC_MSISDN, "msisdn-447700900123", "+447700900123");
    expect(VCH_DISC_EID, "89049032123451234512345678901235", "89049032123451234512345678901235");
}

static void test_identity__malformed_identifier_is_refused(void **state)
{
    static const struct {
        enum vch_disc_key key;
        const char *text;
        uint32_t code;
    } bad[] = {
        {VCH_DISC_IMEI, "352099001761482", VCH_E_IDENT_IMEI_CODE}, /* check digit */
        {VCH_DISC_IMEI, "35209900176148", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_IMEI, "000000000000000", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_IMEI, "imei-3520990017614823", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_IMEI, "35--209900-176148-1", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_IMEI, "-352099001761481", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_IMEI, "352099001761481 ", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_IMEI, "35209900176148a", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_IMEI, "", VCH_E_IDENT_IMEI_CODE},
        {VCH_DISC_ICCID, "8944500000000000008", VCH_E_IDENT_ICCID_CODE},
        {VCH_DISC_ICCID, "7944500000000000009", VCH_E_IDENT_ICCID_CODE},
        {VCH_DISC_ICCID, "894450000000000000", VCH_E_IDENT_ICCID_CODE},
        {VCH_DISC_ICCID, "89445000000000000019F", VCH_E_IDENT_ICCID_CODE},
        {VCH_DISC_MSISDN, "07700900123", VCH_E_IDENT_MSISDN_CODE},
        {VCH_DISC_MSISDN, "447700900123", VCH_E_IDENT_MSISDN_CODE},
        {VCH_DISC_MSISDN, "+04477009001", VCH_E_IDENT_MSISDN_CODE},
        {VCH_DISC_MSISDN, "+4477", VCH_E_IDENT_MSISDN_CODE},
        {VCH_DISC_MSISDN, "+4477009001234567", VCH_E_IDENT_MSISDN_CODE},
        {VCH_DISC_MSISDN, "+44(0)7700900123", VCH_E_IDENT_MSISDN_CODE},
        {VCH_DISC_EID, "89049032123451234512345678901236", VCH_E_IDENT_EID_CODE},
        {VCH_DISC_EID, "8904903212345123451234567890123", VCH_E_IDENT_EID_CODE},
        {VCH_DISC_STATUS, "active", VCH_E_USAGE_CODE},
    };
    uint8_t room[VCH_IDENTITY_ROOM];
    struct vch_bytes got;

    (void)state;
    for (size_t i = 0; i < VCH_ARRAY_LEN(bad); i++) {
        vch_err e =
            vch_stmt_identity_canon(bad[i].key, vch_text(bad[i].text), VCH_SPAN_OF(room), &got);

        if (e.code != bad[i].code) {
            fail_msg("%s: %s", bad[i].text, vch_err_info(e)->slug);
        }
    }
}

static void test_identity__one_wrong_digit_is_always_seen(void **state)
{
    char text[] = "352099001761481";

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char was = text[i];

        for (char ch = '0'; ch <= '9'; ch++) {
            text[i] = ch;
            assert_int_equal(vch_ok(vch_stmt_identity_check(VCH_DISC_IMEI, vch_text(text))),
                             ch == was);
        }
        text[i] = was;
    }
}

static void test_identity__what_is_not_canonical_is_told_apart(void **state)
{
    (void)state;
    assert_vch_err(vch_stmt_identity_check(VCH_DISC_IMEI, vch_text("35-209900-176148-1")),
                   IDENT_IMEI);
    assert_vch_err(vch_stmt_identity_check(VCH_DISC_MSISDN, vch_text("msisdn-447700900123")),
                   IDENT_MSISDN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity__written_forms_give_one_canonical_form),
        cmocka_unit_test(test_identity__malformed_identifier_is_refused),
        cmocka_unit_test(test_identity__one_wrong_digit_is_always_seen),
        cmocka_unit_test(test_identity__what_is_not_canonical_is_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
