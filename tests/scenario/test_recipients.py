"""RP-ds: recipients ask for endorsed verification data, each within its rights."""
import json
import os
import threading

import pytest

import cbor
import client
from rig import USERS, until


@pytest.fixture(scope="module")
def device(rig):
    d = rig.device()
    d.ack = d.register()
    return d


def records(rig, name, query, accept=client.CT_BUNDLE):
    return rig.vouchd.client(name).post_json("/rp-ds/v1/records", query, accept)


def by_kind(answer):
    assert answer.status == 200, answer.body
    assert answer.media == client.CT_BUNDLE
    out = {}
    for r in cbor.sequence(answer.body):
        out.setdefault(r[0], []).append(r)
    return out


def test_record(rig, device):
    """req-test: Y.2247-7.2.3-6: the pair of transaction ID and entry address gives record and proof."""
    got = by_kind(records(rig, "buyer", {"txid": device.ack.txid.hex(),
                                         "entry": [rig.vouchd.ledger_id, rig.vouchd.url]}))
    ((_, statement, receipts),) = got[1]
    assert statement == device.ack.endorsement
    v = rig.vouchd.verifier()
    v.endorsement(statement)
    assert all(v.receipt(statement, r) >= 0 for r in receipts)
    ((_, certificate),) = got[3]
    assert client.open1(statement)[0][34] == [-16, client.sha256(certificate)]


def test_only_rightful_fields(rig, device):
    """req-test: Y.2247-7.2.3-12, Y.2247-8.1.2-2: what is disclosed verifies, and is no more than allowed."""
    seen = {}
    for name in ("buyer", "inspector", "reader"):
        got = by_kind(records(rig, name, {"txid": device.ack.txid.hex()}))
        ((_, txid, contents),) = got[2]
        assert txid == device.ack.txid
        seen[name] = dict(client.Verifier.opens(device.ack.endorsement, c) for c in contents)
    assert set(seen["reader"]) == {18}
    assert set(seen["buyer"]) <= {16, 17, 18, 19, 30, 31} and seen["buyer"][31] == 1
    assert seen["inspector"][1] == device.ids["imei"] and seen["inspector"][3] == device.ids["msisdn"]


def test_selection_is_smaller(rig, device):
    query = {"txid": device.ack.txid.hex()}
    whole = records(rig, "inspector", query)
    part = records(rig, "inspector", {**query, "fields": ["end"]})
    none = records(rig, "inspector", {**query, "fields": []})
    assert len(none.body) < len(part.body) < len(whole.body)
    assert 2 not in by_kind(none)
    ((_, _, (contents,)),) = by_kind(part)[2]
    key, _ = client.Verifier.opens(device.ack.endorsement, contents)
    assert key == 18
    other = rig.device().register()
    with pytest.raises(AssertionError):
        client.Verifier.opens(other.endorsement, contents)


def test_fields_beyond_the_right(rig, device):
    answer = records(rig, "buyer", {"txid": device.ack.txid.hex(), "fields": ["imei"]})
    assert (answer.status, answer.code()) == (403, "fields-denied")


def test_distinct_errors(rig, device):
    txid = device.ack.txid.hex()
    _, anchored = device.anchor()
    cases = [("buyer", {"txid": os.urandom(32).hex()}, "record-not-available"),
             ("buyer", {"txid": txid, "entry": ["ledger.other.example/x", rig.vouchd.url]},
              "entry-address-other"),
             ("buyer", {"txid": txid, "entry": [rig.vouchd.ledger_id, "https://elsewhere.example"]},
              "entry-address-other"),
             ("buyer", {"txid": anchored.headers["vouch-transaction"]}, "not-an-endorsement"),
             ("buyer", {"txid": "zz"}, "query-malformed"),
             ("buyer", {}, "query-malformed"),
             ("buyer", {"txid": txid, "payload": "23.5 C"}, "query-malformed"),
             ("buyer", {"txid": txid, "fields": ["colour"]}, "query-malformed"),
             ("buyer", [], "query-malformed"),
             ("nobody", {"txid": txid}, "access-denied"),
             (None, {"txid": txid}, "credential-missing"),
             ("reader", {"txid": txid, "latest": True}, "access-denied")]
    for name, query, code in cases:
        before = len(rig.vouchd.audit("refused"))
        answer = records(rig, name, query, client.CT_JSON)
        assert answer.code() == code, (query, answer.body)
        (event,) = rig.vouchd.audit("refused")[before:]
        assert event["code"] == code and event["op"] in ("records",)
    assert records(rig, "buyer", {"txid": txid}, "image/png").status == 406
    garbage = rig.vouchd.client("buyer").call("POST", "/rp-ds/v1/records", b"\xff" * 100,
                                              client.CT_JSON)
    assert garbage.code() == "query-malformed"


def test_other_interfaces(rig, device):
    """req-test: Y.2247-8.1.1-1: each reference point takes its own messages only."""
    buyer, admin = rig.vouchd.client("buyer"), rig.vouchd.admin()
    request = device.request()
    for path in ("/rp-ds/v1/records", "/rp-edi/v1/notifications/x"):
        assert buyer.call("POST", path, request, client.CT_REQUEST).status in (404, 415)
    assert buyer.call("POST", "/admin/v1/erasures", b"{}", client.CT_JSON).status == 404
    assert admin.call("POST", "/rp-ds/v1/records", b"{}", client.CT_JSON).status == 404
    assert admin.call("GET", "/admin/v1/status").json()["ready"] is True
    for name in ("buyer", "nobody", "inspector"):
        answer = rig.vouchd.admin(name).call("GET", "/admin/v1/status")
        assert answer.code() == "access-denied"


def test_superseded(rig):
    """req-test: Y.2247-7.2.2-19: the earlier pair resolves to its own record, and says what came after."""
    d = rig.device()
    first = d.register()
    until("watched", lambda: [e for e in rig.vouchd.audit("subscribed") if e["subject"] == d.subject])
    rig.netsim.ctl("suspend", d.ids)
    (second,) = until("update", d.updates)
    plain = by_kind(records(rig, "buyer", {"txid": first.txid.hex()}))
    assert [r[1] for r in plain[1]] == [first.endorsement] and 4 not in plain
    got = by_kind(records(rig, "buyer", {"txid": first.txid.hex(), "latest": True}))
    assert [r[1] for r in got[1]] == [first.endorsement, second.endorsement]
    (state_root, receipt, kind, subject, value, _) = cbor.loads(got[4][0][1])
    assert (kind, subject.hex()) == (2, d.subject)
    assert cbor.loads(value)[0] == second.txid
    index = rig.vouchd.verifier().receipt(state_root, receipt)
    size = client.open1(receipt)[0][15][-70101]
    assert index == size - 1
    people = records(rig, "buyer", {"txid": first.txid.hex(), "latest": True}, client.CT_JSON).json()
    (state,) = [r["state"] for r in people["records"] if "state" in r]
    assert state["superseded"] is True and state["latest"] == second.txid.hex()
    everything = by_kind(records(rig, "buyer", {"txid": second.txid.hex(), "history": True}))
    assert {r[1] for r in everything[1]} == {first.endorsement, second.endorsement}


def test_mapping_over_time(rig):
    """req-test: Y.2247-7.1-6: each record states the contract it was made under, the history is dated, and
    nobody else's record changes."""
    a, b = rig.device(), rig.device()
    a.register()
    b.register()
    until("watched", lambda: {a.subject, b.subject} <= {
        e["subject"] for e in rig.vouchd.audit("subscribed")})
    rig.netsim.ctl("renew", a.ids, "--until", "2041-01-01T00:00:00Z")
    until("update", a.updates)
    history = {}
    for d in (a, b):
        answer = rig.vouchd.client("inspector").post_json(
            "/rp-ds/v1/lookup", {"identity": {"imei": d.ids["imei"]}, "history": True})
        # the newest comes first as what was asked for, then the others
        history[d] = sorted(answer.json()["records"], key=lambda r: r["seq"])
    assert [r["fields"]["status"] for r in history[a]] == ["active", "active"]
    ends = [r["fields"]["end"] for r in history[a]]
    assert ends[1] == 2240611200000 and ends[0] != ends[1]
    assert history[a][0]["recorded-at"] < history[a][1]["recorded-at"]
    assert len(history[b]) == 1
    # the account part of one record under the other fails both signatures
    one, two = (client.b64url(history[d][0]["statement"]) for d in (a, b))
    tag, other = cbor.loads(one), cbor.loads(two)
    payload = cbor.loads(tag.value[2])
    payload[5] = cbor.loads(other.value[2])[5]
    swapped = cbor.dumps(cbor.Tag(18, [tag.value[0], {}, cbor.dumps(payload), tag.value[3]]))
    rig.vouchd.verifier().endorsement(one)
    with pytest.raises(AssertionError):
        rig.vouchd.verifier().endorsement(swapped)


def test_batch(rig, device):
    ids = [device.ack.txid.hex()] + [rig.device().register().txid.hex() for _ in range(4)]
    got = by_kind(records(rig, "buyer", {"records": ids}))
    assert [client.sha256(r[1]).hex() for r in got[1]] == ids and len(got[3]) == 1
    missing = os.urandom(32).hex()
    answer = records(rig, "buyer", {"records": [ids[0], {"txid": missing}, ids[1]]}, client.CT_JSON)
    assert answer.headers["vouch-missing"] == "1"
    assert answer.json()["missing"] == [{"txid": missing, "code": "record-not-available"}]
    assert records(rig, "reader", {"records": ids}).code() == "limit-exceeded"


def test_scope(make_rig):
    """req-test: Y.2247-8.1.2-2: a device outside the user's scope does not exist for it; the table counts as
    soon as it is changed."""
    rig = make_rig()
    a, b = rig.device(), rig.device()
    ack_a, ack_b = a.register(), b.register()
    user = ("  - name: narrow\n    role: service-user\n    common-name: narrow\n    fields: [all]\n"
            f"    subjects: ['{a.subject}']\n")
    rig.vouchd.users.write_text(USERS + user)
    until("the table is read", lambda: rig.vouchd.audit("user-table-read") or records(
        rig, "narrow", {"txid": ack_a.txid.hex()}) and rig.vouchd.audit("user-table-read"))
    assert records(rig, "narrow", {"txid": ack_a.txid.hex()}).status == 200
    out, none = (records(rig, "narrow", {"txid": t}, client.CT_JSON)
                 for t in (ack_b.txid.hex(), os.urandom(32).hex()))
    assert (out.status, out.body) == (none.status, none.body) and out.code() == "record-not-available"
    for query in ({"identity": {"imei": b.ids["imei"]}}, {"identity": {"imei": "490154203237518"}}):
        answer = rig.vouchd.client("narrow").post_json("/rp-ds/v1/lookup", query)
        assert answer.code() == "record-not-available"
    rig.vouchd.users.write_text("users: [{name: x}]\n")
    until("the bad table is refused", lambda: records(rig, "narrow", {"txid": ack_a.txid.hex()}) and
          rig.vouchd.audit("user-table-refused"))
    assert records(rig, "narrow", {"txid": ack_a.txid.hex()}).status == 200
    rig.vouchd.users.write_text(USERS)
    until("the right is gone", lambda: records(
        rig, "narrow", {"txid": ack_a.txid.hex()}, client.CT_JSON).code() == "access-denied")


def test_lookup(rig, device):
    buyer = rig.vouchd.client("inspector")
    for kind in ("imei", "iccid", "msisdn"):
        answer = buyer.post_json("/rp-ds/v1/lookup", {"identity": {kind: device.ids[kind]}})
        assert answer.json()["records"][0]["txid"] == device.ack.txid.hex()
    spaced = device.ids["imei"][:8] + "-" + device.ids["imei"][8:]
    assert buyer.post_json("/rp-ds/v1/lookup", {"identity": {"imei": spaced}}).status == 200
    mixed = {"imei": device.ids["imei"], "msisdn": rig.unused["op1.example"][-1]["msisdn"]}
    assert buyer.post_json("/rp-ds/v1/lookup", {"identity": mixed}).code() == "record-not-available"
    answer = rig.vouchd.client("reader").post_json("/rp-ds/v1/lookup",
                                                   {"identity": {"imei": device.ids["imei"]}})
    assert answer.code() == "access-denied"


def test_confirm(rig, device):
    """req-test: Y.2247-I.3-2: the binding of key, terminal and SIM is confirmed, and can be checked."""
    buyer = rig.vouchd.client("buyer")
    right = {k: device.ids[k] for k in ("imei", "iccid")}
    answer = buyer.post_json("/rp-ds/v1/confirm", {"txid": device.ack.txid.hex(), "identity": right})
    assert answer.json()["match"] == {"imei": True, "iccid": True}
    opened = dict(client.Verifier.opens(device.ack.endorsement, client.b64url(t))
                  for t in answer.json()["disclosures"])
    assert opened == {1: right["imei"], 2: right["iccid"]}
    wrong = {**right, "imei": rig.unused["op1.example"][-1]["imei"]}
    answer = buyer.post_json("/rp-ds/v1/confirm", {"txid": device.ack.txid.hex(), "identity": wrong})
    assert answer.json()["match"] == {"imei": False, "iccid": True}
    assert len(answer.json()["disclosures"]) == 1


def test_rate_is_each_users_own(make_rig):
    """req-test: Y.2247-7.2.3-10: a flood of one caller is throttled and harms nobody else."""
    slow = ("  - name: slow\n    role: service-user\n    common-name: slow\n    fields: [end]\n"
            "    rate-per-second: 1\n    rate-burst: 3\n")
    rig = make_rig(users=USERS + slow)
    txid = rig.device().register().txid.hex()
    answers = [records(rig, "slow", {"txid": txid}, client.CT_JSON) for _ in range(8)]
    throttled = [a for a in answers if a.status == 429]
    assert throttled and answers[0].status == 200
    assert int(throttled[0].headers["retry-after"]) >= 1
    assert all(records(rig, "buyer", {"txid": txid}).status == 200 for _ in range(5))


def test_many_at_once(rig, device):
    """req-test: Y.2247-7.2.3-10: right answers for many callers while registrations run."""
    wrong, verifier = [], rig.vouchd.verifier()

    def ask():
        for _ in range(10):
            answer = records(rig, "buyer", {"txid": device.ack.txid.hex()})
            got = by_kind(answer)[1][0][1] if answer.status == 200 else answer.body
            if got != device.ack.endorsement:
                wrong.append(got)

    def register():
        for _ in range(3):
            rig.device().register()

    threads = [threading.Thread(target=f) for f in [ask] * 6 + [register] * 2]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    verifier.ack(device.ack)


def test_public_keys(rig):
    answer = rig.vouchd.client().call("GET", "/.well-known/vouch-keys")
    assert answer.status == 200 and answer.json() == rig.vouchd.trust()
    assert json.loads(answer.body)["as"][0]["id"] == rig.vouchd.as_id
