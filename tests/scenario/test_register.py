"""RP-ud: registration, its refusals, and what is never asked or told on the way."""
import http.client
import os
import socket
import ssl
import threading

import pytest

import cbor
import client
import p256

# nobody's identity, in the right form
NOBODY = {"imei": client.luhn("49015420323751"), "iccid": client.luhn("899990199999999999"),
          "msisdn": "+999019999999"}


def refused(rig, device, code, request=None, status=None, calls=0):
    """The request is refused with CODE after CALLS questions to the operator, and nothing is recorded."""
    vouchd = rig.vouchd
    before = vouchd.operator_calls(), vouchd.recorded(), len(vouchd.audit("refused"))
    answer = device.send(request if request is not None else device.request())
    assert answer.code() == code, answer.body
    assert status is None or answer.status == status
    assert vouchd.operator_calls() - before[0] == calls
    assert vouchd.recorded() == before[1]
    events = vouchd.audit("refused")[before[2]:]
    assert [e["code"] for e in events] == [code]
    return events[0]


def test_registration(rig):
    """req-test: Y.2247-7.2.2-5, Y.2247-7.2.2-6, Y.2247-7.2.2-7, Y.2247-7.2.2-9, Y.2247-7.1-5"""
    before = rig.vouchd.operator_calls()
    device = rig.device()
    ack = device.register()
    assert ack.action == 1 and ack.seq == 0 and ack.prev is None
    assert ack.issuer == rig.vouchd.as_id and ack.operator == "op1.example" and ack.assurance == 2
    assert ack.address == [rig.vouchd.ledger_id, rig.vouchd.url]
    assert len(ack.nonce) == 32
    rig.vouchd.verifier().ack(ack)
    # req-test: Y.2247-7.2.2-2 (one question, about this identity)
    assert rig.vouchd.metric('vouch_as_operator_calls_total{operator="op1.example"}') - before == 1


def test_resend(rig):
    """req-test: Y.2247-7.2.1-5: one entry, one transaction ID, however often it is sent."""
    device = rig.device()
    request = device.request()
    first = device.send(request)
    assert first.status == 201
    before = rig.vouchd.operator_calls(), rig.vouchd.recorded()
    again = [device.send(request) for _ in range(3)]
    assert [a.status for a in again] == [200] * 3
    acks = [client.Ack(cbor.loads(a.body)) for a in [first, *again]]
    assert len({(a.endorsement, a.receipt[:0], a.txid) for a in acks}) == 1
    assert (rig.vouchd.operator_calls(), rig.vouchd.recorded()) == before


def test_nonce_from_acknowledgement(rig):
    """The nonce of an answer is good for the next request, once."""
    device = rig.device()
    ack = device.register()
    assert device.updates(nonce=ack.nonce) == []
    a = device.client.call("POST", "/rp-ud/v1/updates", device.poll(nonce=ack.nonce), client.CT_POLL)
    assert a.code() == "nonce-used"
    assert len(client.b64url(a.headers["vouch-nonce"])) == 32


# ---- refusals before anything is asked (req-test: Y.2247-7.2.2-1)
def test_bad_signature(rig):
    device = rig.device()
    request = cbor.loads(device.request())
    tag = cbor.loads(request[1])
    for at in (0, 31, 32, 63):
        broken = bytearray(tag.value[3])
        broken[at] ^= 1
        bad = cbor.dumps({1: cbor.dumps(cbor.Tag(18, [*tag.value[:3], bytes(broken)])), 2: request[2]})
        code = device.send(bad).code()
        assert code in ("signature-invalid", "signature-form")
    assert refused(rig, device, "signature-invalid", cbor.dumps({
        1: cbor.dumps(cbor.Tag(18, [*tag.value[:3], p256.Key().sign(b"something else")])),
        2: request[2]}))


@pytest.mark.parametrize("signature", [b"", b"\0" * 63, b"\0" * 64, b"\xff" * 64])
def test_malformed_signature(rig, signature):
    device = rig.device(NOBODY)
    request = cbor.loads(device.request())
    tag = cbor.loads(request[1])
    bad = cbor.dumps({1: cbor.dumps(cbor.Tag(18, [*tag.value[:3], signature])), 2: request[2]})
    before = rig.vouchd.operator_calls()
    answer = device.send(bad)
    assert answer.status in (400, 403) and answer.code()
    assert rig.vouchd.operator_calls() == before


def test_high_s(rig):
    device = rig.device(NOBODY)
    refused(rig, device, "signature-form", device.request(low=False))


def test_nothing_else_is_taken(rig):
    """req-test: Y.2247-7.1-1: no field for application data, on any level, and nothing of it is kept."""
    device = rig.device(NOBODY)
    canary = os.urandom(16).hex().encode()
    openings = device.openings()
    registration = device.registration(device.nonce(), openings)
    for request in ({1: registration, 2: openings, 3: canary},
                    {1: device.registration(device.nonce(), openings, payload={77: canary}),
                     2: openings},
                    {1: registration, 2: [*openings, cbor.dumps([os.urandom(16), canary, 99])]},
                    {1: registration + canary, 2: openings}):
        answer = device.send(cbor.dumps(request))
        assert answer.status in (400, 403), answer.body
    assert device.send(cbor.dumps({1: registration, 2: openings}) + canary).status == 400
    big = cbor.dumps({1: registration, 2: [*openings, os.urandom(20000)]})
    assert device.send(big).status == 413
    for path in rig.vouchd.folder.rglob("*"):
        assert not path.is_file() or canary not in path.read_bytes(), path


def test_stale_and_foreign_nonces(rig):
    device = rig.device(NOBODY)
    openings = device.openings()
    for nonce in (os.urandom(32), os.urandom(8), bytes(32)):
        bad = cbor.dumps({1: device.registration(nonce, openings), 2: openings})
        refused(rig, device, "nonce-stale", bad, 403)


def test_other_audience(rig):
    device = rig.device(NOBODY)
    refused(rig, device, "audience-other", device.request(payload={4: "as2.op1.example"}))


def test_openings(rig):
    device = rig.device(NOBODY)
    request = cbor.loads(device.request())
    changed = [cbor.dumps([os.urandom(16), "356938035643809", 1]), request[2][1]]
    refused(rig, device, "openings-mismatch", cbor.dumps({1: request[1], 2: changed}))
    refused(rig, device, "openings-mismatch", cbor.dumps({1: request[1], 2: request[2][:1]}))
    few = rig.device({"imei": NOBODY["imei"]})
    refused(rig, few, "openings-mismatch")


@pytest.mark.parametrize("kind,text", [
    ("imei", NOBODY["imei"][:-1] + "0"), ("imei", "1" * 15), ("iccid", NOBODY["iccid"][:-1] + "0"),
    ("iccid", "12"), ("msisdn", "0123456"), ("msisdn", "+" + "9" * 16)])
def test_identifier_form(rig, kind, text):
    """req-test: Y.2247-7.2.1-4: a wrong check digit never reaches the operator."""
    refused(rig, rig.device({**NOBODY, kind: text}), f"{kind}-invalid", status=400)


# ---- refusals of the identity: one code outside, the reason in the audit log
def test_mismatched_identity(rig):
    """req-test: Y.2247-7.2.2-4"""
    a, b = rig.ids(), rig.ids()
    event = refused(rig, rig.device({**a, "imei": b["imei"]}), "identity-refused", calls=1)
    assert event["why"] == "imei-mismatch"
    event = refused(rig, rig.device({**a, "iccid": b["iccid"]}), "identity-refused", calls=1)
    assert event["why"] == "identifier-mismatch"


def test_unknown_suspended_terminated(rig):
    answers = []
    suspended, ended = rig.ids(), rig.ids()
    rig.netsim.ctl("suspend", suspended)
    rig.netsim.ctl("terminate", ended)
    for ids, why in ((NOBODY, "account-unknown"), (suspended, "account-suspended"),
                     (ended, None)):
        device = rig.device(ids)
        event = refused(rig, device, "identity-refused", calls=1)
        assert why is None or event["why"] == why
        answers.append(device.send(device.request()))
    # req-test: Y.2247-7.2.2-2 (nobody learns which of these it was)
    assert len({(a.status, a.body) for a in answers}) == 1


def test_one_key_two_devices(rig):
    first = rig.device()
    first.register()
    refused(rig, rig.device(key=first.key), "device-key-registered")


def test_one_identity_two_keys(rig):
    """Who knows the identifiers but has not the key does not take the identity over."""
    device = rig.device()
    device.register()
    event = refused(rig, rig.device(device.ids), "identity-refused", calls=1)
    assert event["why"] == "identity-held"


def test_recipient_may_not_register(rig):
    """req-test: Y.2247-7.2-1"""
    device = rig.device(cert="buyer")
    refused(rig, device, "access-denied", b"\xa0", 403)


# ---- the device's own
def test_other_devices_updates(rig):
    """req-test: Y.2247-8.1.2-4: a device gets what is its own."""
    a, b = rig.device(), rig.device()
    a.register()
    b.register()
    answer = a.client.call("POST", "/rp-ud/v1/updates", a.poll(subject=b.subject), client.CT_POLL)
    assert answer.code() == "access-denied"
    stranger = rig.device({"imei": NOBODY["imei"]})
    stranger.subject, stranger.seq = a.subject, 0
    answer = stranger.client.call("POST", "/rp-ud/v1/updates", stranger.poll(), client.CT_POLL)
    assert answer.code() == "access-denied"


def test_anchor(rig):
    device = rig.device()
    device.register()
    statement, answer = device.anchor()
    assert answer.status == 201 and answer.media == "application/vouch-receipt+cose"
    assert answer.headers["vouch-transaction"] == client.sha256(statement).hex()
    assert rig.vouchd.verifier().receipt(statement, answer.body) == int(answer.headers["vouch-index"])
    stranger = rig.device({"imei": NOBODY["imei"]})
    stranger.subject = device.subject
    assert stranger.anchor()[1].code() == "device-key-unknown"


# ---- the way there
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_transport(rig):
    """req-test: Y.2247-8.4-6: confidential, to the right server only, no old versions."""
    ids = rig.ids()
    plain = client.Client(rig.vouchd.port)
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.call("POST", "/rp-ud/v1/nonces")
    with pytest.raises(ssl.SSLCertVerificationError):
        other = client.Client(rig.vouchd.port, rig.vouchd.pki.ca)
        other.context = ssl.create_default_context()
        other.call("POST", "/rp-ud/v1/nonces")
    with pytest.raises(ssl.SSLCertVerificationError):
        other = client.Client(rig.vouchd.port, rig.vouchd.pki.ca)
        with socket.create_connection(("127.0.0.1", rig.vouchd.port)) as s:
            other.context.wrap_socket(s, server_hostname="as2.op1.example")
    old = ssl.create_default_context(cafile=str(rig.vouchd.pki.ca))
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        with socket.create_connection(("127.0.0.1", rig.vouchd.port)) as s:
            old.wrap_socket(s, server_hostname="127.0.0.1")
    device = rig.device(ids)
    with Tap(rig.vouchd.port) as tap:  # what an eavesdropper sees of a registration
        device.client.port = tap.port
        device.register()
    seen = bytes(tap.seen)
    assert len(seen) > 1000
    assert not any(text.strip("+").encode() in seen for text in ids.values())


class Tap:
    """Passes bytes on, both ways, and keeps them."""

    def __init__(self, port):
        self.seen, self.to = bytearray(), port
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.server.close()

    def accept(self):
        while True:
            try:
                a, _ = self.server.accept()
            except OSError:
                return
            b = socket.create_connection(("127.0.0.1", self.to))
            for x, y in ((a, b), (b, a)):
                threading.Thread(target=self.copy, args=(x, y), daemon=True).start()

    def copy(self, x, y):
        try:
            while data := x.recv(65536):
                self.seen += data
                y.sendall(data)
            y.shutdown(socket.SHUT_WR)
        except OSError:
            pass
