"""RP-edi: what becomes of a network account becomes of the endorsement."""
import json
import threading

import pytest

import cbor
import client
from rig import LONG, program, run, until


def registered(rig, **more):
    device = rig.device(**more)
    device.register()
    until("subscribed", lambda: subscribed(rig, device))
    return device


def subscribed(rig, device):
    return any(e["subject"] == device.subject for e in rig.vouchd.audit("subscribed"))


def next_update(device, seq=None):
    return until("update", lambda: device.updates(seq=seq))


@pytest.mark.parametrize("verb,args,reason,standing,action", [
    ("suspend", (), "contract-suspended", 2, 2),
    ("renew", ("--until", "2039-01-01T00:00:00Z"), "contract-renewed", 1, 2),
    ("swap-device", (), "imei-changed", 2, 2),
    ("swap-sim", (), "sim-changed", 2, 2),
    ("change-number", (), "number-changed", 2, 2),
    ("change-owner", (), "owner-changed", 2, 2),
    ("restrict-area", ("--area",
                       '{"areaType":"CIRCLE","center":{"latitude":10.5,"longitude":20.5},"radius":5000}'),
     "area-changed", 1, 2),
    ("terminate", (), "contract-terminated", 3, 3)])
def test_change(rig, verb, args, reason, standing, action):
    """req-test: Y.2247-7.2.2-12, Y.2247-7.2.2-13, Y.2247-7.2.2-14, Y.2247-7.2.2-16, Y.2247-7.2.2-17:
    one entry for each change, linked to its predecessor, with the same registration."""
    device = registered(rig)
    first = device.updates(seq=0)
    assert first == []
    original = rig.vouchd.client("inspector").post_json(
        "/rp-ds/v1/lookup", {"identity": {"iccid": device.ids["iccid"]}}).json()["records"][0]
    rig.netsim.ctl(verb, device.ids, *args)
    (ack,) = next_update(device)
    assert (ack.seq, ack.action) == (1, action)
    assert ack.prev.hex() == original["txid"]
    assert ack.notified_ms is not None and ack.checked_ms >= ack.effective_ms - 60000
    rig.vouchd.verifier().ack(ack)
    (record,) = [r for r in rig.vouchd.client("inspector").post_json(
        "/rp-ds/v1/records", {"txid": ack.txid.hex()}).json()["records"]]
    assert record["fields"]["reason"] == reason
    assert record["fields"]["standing"] == standing
    registration = cbor.loads(client.open1(client.b64url(original["statement"]))[2])[4]
    assert ack.registration == registration


def test_suspend_and_resume(rig):
    device = registered(rig)
    rig.netsim.ctl("suspend", device.ids)
    next_update(device)
    rig.netsim.ctl("resume", device.ids)
    acks = until("two", lambda: (lambda a: a if len(a) == 2 else None)(device.updates(seq=0)))
    assert [a.seq for a in acks] == [1, 2] and acks[1].prev == acks[0].txid
    assert acks[1].effective_ms >= acks[0].effective_ms


def test_within_two_seconds(rig):
    """From the operator's record of the change to the record on the ledger."""
    device = registered(rig)
    rig.netsim.ctl("terminate", device.ids)
    (ack,) = next_update(device)
    _, _, payload, _, _ = client.open1(ack.receipt)
    assert payload is None
    recorded_ms = client.open1(ack.receipt)[0][15][-70102]
    assert recorded_ms - ack.effective_ms < 2000, "the machine is overloaded, or something waits"


def test_after_device_swap_a_new_key(rig):
    """The key in the old device is suspended; the identity is taken over by a registration of the new."""
    device = registered(rig)
    rig.netsim.ctl("swap-device", device.ids)
    next_update(device)
    ids = [i for i in rig.netsim.accounts() if i["msisdn"] == device.ids["msisdn"]][0]
    stale = rig.device(device.ids)
    assert stale.send(stale.request()).code() == "identity-refused"
    new = rig.device(ids)
    new.register()
    assert new.subject != device.subject
    old = device.updates(seq=1)
    assert [a.action for a in old] == [3]  # the old lineage ended


def test_push(rig):
    """req-test: Y.2247-7.2.2-18, Y.2247-8.4-7: at once while the device listens, and only what is its own."""
    device, other = registered(rig), registered(rig)
    got, stranger = [], []
    a, b = device.stream(LONG), other.stream(LONG)

    def listen(stream, into):
        into.append(next(stream))

    threads = [threading.Thread(target=listen, args=x, daemon=True)
               for x in ((a, got), (b, stranger))]
    for t in threads:
        t.start()
    until("streams", lambda: rig.vouchd.metric("vouch_as_watchers") >= 2)
    rig.netsim.ctl("suspend", device.ids)
    threads[0].join(LONG)
    assert [x.seq for x in got] == [1] and stranger == []
    rig.netsim.ctl("suspend", other.ids)
    threads[1].join(LONG)
    assert [x.subject for x in stranger] == [other.subject]


def test_stream_catches_up(rig):
    """What was recorded while nobody listened comes first."""
    device = registered(rig)
    rig.netsim.ctl("suspend", device.ids)
    next_update(device)
    stream = device.stream(LONG)
    assert next(stream).seq == 1
    rig.netsim.ctl("resume", device.ids)
    assert next(stream).seq == 2
    stream.close()


# ---- notifications that nobody should have sent
def sink(rig):
    """Path of the address that the operator was told."""
    line = run(program("vouchd"), "sinks", "--config", rig.vouchd.config).decode().split()
    return line[1][len(rig.vouchd.url):]


def test_forged_notification(rig):
    device = registered(rig)
    path = sink(rig)
    before = rig.vouchd.recorded(), len(rig.vouchd.audit("refused"))
    body = json.dumps({"specversion": "1.0", "id": "1", "source": "op1.example",
                       "type": "int.divs.account-status.v0.contract-terminated",
                       "time": "2026-01-01T00:00:00Z", "data": {}})
    c = rig.vouchd.client()
    media = "application/cloudevents+json"
    for headers in ({}, {"x-jws": "e30..AAAA"}, {"x-jws": "x" * 4000}):
        answer = c.call("POST", path, body, media, headers=headers)
        assert answer.status in (400, 403), answer.body
    assert c.call("POST", path[:-1] + "_", body, media).status == 404
    events = rig.vouchd.audit("refused")[before[1]:]
    assert len(events) == 4 and all(e["op"] == "notify" for e in events)
    assert rig.vouchd.recorded() == before[0]
    assert device.updates() == []


def test_sweep_finds_what_was_not_notified(make_rig):
    """A change of which no notification ever comes is found by reading again."""
    rig = make_rig(accounts="check-every: 1s")
    device = registered(rig)
    rig.netsim.stop()
    text = rig.netsim.config.read_text()
    rig.netsim.config.write_text(text.replace("/rp-edi/'", "/nowhere/'"))
    rig.netsim.ctl("suspend", device.ids)
    rig.netsim.start()
    (ack,) = next_update(device)
    assert ack.action == 2 and ack.seq == 1


def test_contract_end_is_not_forgotten(make_rig):
    """An operator that is away: the event waits there, and comes when it is back."""
    rig = make_rig()
    device = registered(rig)
    rig.vouchd.stop()
    rig.netsim.ctl("terminate", device.ids)
    rig.vouchd.start()
    (ack,) = next_update(device)
    assert ack.action == 3
    until("cancelled", lambda: rig.vouchd.metric("vouch_as_work_waiting") == 0)


def test_operator_down(make_rig):
    """req-test: Y.2247-7.2.2-2: no status, no endorsement; the same request succeeds later."""
    rig = make_rig()
    device = rig.device()
    request = device.request()
    rig.netsim.stop()
    answer = device.send(request)
    assert answer.status == 503 and answer.code() == "operator-unreachable"
    assert int(answer.headers["retry-after"]) >= 1
    assert rig.vouchd.recorded() == 0
    rig.netsim.start()
    assert until("registered", lambda: device.send(request).status == 201)
    assert rig.vouchd.recorded() == 1


def test_withheld_identifiers(make_rig):
    """An operator that tells no IMEI is asked whether it matches."""
    rig = make_rig(policy="    policy: {match-only: [imei, msisdn], withhold: [owner]}\n")
    good = rig.device()
    ack = good.register()
    assert ack.assurance == 2
    other = rig.ids()
    bad = rig.device({**rig.ids(), "imei": other["imei"]})
    assert bad.send(bad.request()).code() == "identity-refused"
    assert rig.vouchd.audit("refused")[-1]["why"] == "imei-mismatch"


def test_two_operators(make_rig):
    """req-test: Y.2247-7.1-9: each identity is asked at its own operator."""
    rig = make_rig(operators=("op1.example", "op2.example"))
    for op in ("op1.example", "op2.example"):
        device = rig.device(rig.ids(op))
        assert device.register().operator == op
