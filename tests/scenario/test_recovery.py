"""kill -9, restarts, erasure, key rotation: nothing acknowledged is lost, nothing is there twice."""
import os
import random
import signal
import threading
import time

import pytest

import cbor
import client
from rig import until


def test_kill_between_requests(own_rig):
    rig = own_rig
    device = rig.device()
    request = device.request()
    first = client.Ack(cbor.loads(device.send(request).body))
    rig.vouchd.kill()
    rig.vouchd.start()
    again = client.Ack(cbor.loads(device.send(request).body))  # its nonce is of before the restart
    assert again.txid == first.txid and again.endorsement == first.endorsement
    rig.vouchd.verifier().ack(again)
    device.take(first)
    assert device.updates() == []


# eight devices a round, out of the 80 subscribers that a rig has
ROUNDS = min(10, int(os.environ.get("VCH_SOAK_ROUNDS", "3")))


@pytest.mark.soak
def test_kill_in_the_middle(own_rig):
    """req-test: Y.2247-8.1.3-3: at whatever moment the AS dies, afterwards there is no entry or exactly one,
    and the request sent again is completed with that one."""
    rig = own_rig
    devices = [(d, d.request()) for d in (rig.device() for _ in range(8 * ROUNDS))]
    answers = {}

    def register(part):
        for device, request in part:
            try:
                answers[device] = device.send(request)
            except OSError:
                answers[device] = None

    delays = random.Random(2247)
    for round_ in range(ROUNDS):
        delay = (0.004, 0.02, 0.06)[round_] if round_ < 3 else delays.uniform(0.001, 0.1)
        part = devices[round_ * 8:round_ * 8 + 8]
        threads = [threading.Thread(target=register, args=(part[i::4],)) for i in range(4)]
        for t in threads:
            t.start()
        time.sleep(delay)
        rig.vouchd.kill()
        for t in threads:
            t.join()
        rig.vouchd.start()
    subjects = set()
    for device, request in devices:
        before = answers[device]
        answer = device.send(request)
        if answer.code() == "nonce-stale":
            # nothing had been kept of it: the device makes a new request with a new nonce
            assert before is None or before.status >= 400
            answer = device.send(device.request())
        assert answer.status in (200, 201), answer.body
        ack = device.take(client.Ack(cbor.loads(answer.body)))
        if before is not None and before.status == 201:
            assert client.Ack(cbor.loads(before.body)).txid == ack.txid
        subjects.add(ack.subject)
        assert device.updates() == []
    assert len(subjects) == len(devices)
    found = rig.vouchd.client("inspector").post_json(
        "/rp-ds/v1/lookup", {"identity": {"imei": devices[0][0].ids["imei"]}, "history": True})
    assert len([r for r in found.json()["records"] if "txid" in r]) == 1


def test_kill_before_the_update(own_rig):
    """A notification that was acknowledged is acted upon, even if the AS died right after."""
    rig = own_rig
    device = rig.device()
    device.register()
    until("watched", lambda: rig.vouchd.audit("subscribed"))
    rig.netsim.ctl("terminate", device.ids)
    rig.vouchd.kill()
    rig.vouchd.start()
    (ack,) = until("update", device.updates)
    assert ack.action == 3
    rig.vouchd.restart(signal.SIGKILL)
    assert [a.txid for a in device.updates(seq=0)] == [ack.txid]


def test_erasure(own_rig):
    """req-test: Y.2247-11-5: what opens the records goes for good; the records still verify."""
    rig = own_rig
    device = rig.device()
    ack = device.register()
    until("watched", lambda: rig.vouchd.audit("subscribed"))
    answer = rig.vouchd.admin().post_json("/admin/v1/erasures", {"subject": device.subject})
    assert answer.status == 204, answer.body
    for _ in range(2):
        got = rig.vouchd.client("inspector").post_json("/rp-ds/v1/records", {"txid": ack.txid.hex()})
        (record,) = got.json()["records"]
        assert record["fields"] == {} and record["erased"] is True
        rig.vouchd.verifier().endorsement(client.b64url(record["statement"]))
        looked = rig.vouchd.client("inspector").post_json(
            "/rp-ds/v1/lookup", {"identity": {"imei": device.ids["imei"]}})
        assert looked.code() == "record-not-available"
        rig.vouchd.restart()
    new = rig.device(device.ids)  # the identity is free again, for a new key
    assert new.register().subject != device.subject


@pytest.mark.parametrize("reason", ["key-stolen", "key-lost"])
def test_reported_key(own_rig, reason):
    """req-test: Y.2247-11-3: a report ends the key from its time on, and the old key is good for nothing."""
    rig = own_rig
    device = rig.device()
    device.register()
    answer = rig.vouchd.admin().post_json("/admin/v1/reports", {
        "subject": device.subject, "reason": reason, "effective-at": "2026-01-02T03:04:05Z"})
    assert answer.status == 204, answer.body
    (ack,) = device.updates(seq=0)
    assert ack.action == 3 and ack.effective_ms == 1767323045000
    refused = rig.device(rig.ids(), key=device.key)
    assert refused.send(refused.request()).code() == "device-key-registered"
    assert device.anchor()[1].code() == "subject-retired"
    rig.device(device.ids).register()


def test_term_is_graceful(own_rig):
    rig = own_rig
    assert rig.vouchd.stop() == 0
    rig.vouchd.start()
    rig.vouchd.process.child.send_signal(signal.SIGHUP)
    until("reloaded", lambda: "reloaded" in (rig.vouchd.folder / "vouchd-events.log").read_text())
    assert rig.vouchd.client().call("GET", "/ready").status == 200
    rig.device().register()


def test_files_are_private(own_rig):
    """req-test: Y.2247-11-2: keys are encrypted files of the owner; one that others can read is refused."""
    rig = own_rig
    keys = rig.vouchd.folder / "state" / "keys"
    for path in keys.iterdir():
        if path.suffix not in (".crt", ".pub", ".jwks"):
            assert path.stat().st_mode & 0o077 == 0, path
    for path in keys.glob("*.key"):
        assert b"ENCRYPTED" in path.read_bytes()
    rig.vouchd.stop()
    (keys / "as.key").chmod(0o644)
    rig.vouchd.process.start()
    assert rig.vouchd.process.child.wait(60) not in (0, None)
    assert "file-mode" in rig.vouchd.process.tail()
    (keys / "as.key").chmod(0o600)
    rig.vouchd.start()
