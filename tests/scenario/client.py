"""Clients of vouchd written from docs/formats.md and docs/api/vouchd.yaml alone: a device and a recipient.
Standard library only."""
import base64
import hashlib
import http.client
import json
import os
import ssl
import time

import cbor
import p256

CT_REQUEST = "application/vouch-registration-request+cbor"
CT_POLL = "application/vouch-poll+cose"
CT_ANCHOR = "application/vouch-anchor+cose"
CT_BUNDLE = "application/vouch-bundle+cbor"
CT_JSON = "application/json"
KEYS = {"imei": 1, "iccid": 2, "msisdn": 3, "eid": 4}


def luhn(digits):
    """DIGITS and their check digit."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        n = int(c) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return digits + str(-total % 10)


def sha256(b):
    return hashlib.sha256(b).digest()


def thumbprint(key):
    return sha256(cbor.dumps({1: 2, -1: 1, -2: key.x, -3: key.y}))


def key_uri(key):
    b64 = base64.urlsafe_b64encode(thumbprint(key)).rstrip(b"=").decode()
    return "urn:ietf:params:oauth:ckt:sha-256:" + b64


def to_be_signed(protected, payload):
    return cbor.dumps(["Signature1", protected, b"", payload])


def sign1(key, typ, iss, sub, payload, low=True, **more):
    protected = cbor.dumps({1: -7, 4: thumbprint(key), 15: {1: iss, 2: sub, 6: int(time.time())},
                            16: typ, **more})
    raw = cbor.dumps(payload)
    signature = key.sign(to_be_signed(protected, raw), low)
    return cbor.dumps(cbor.Tag(18, [protected, {}, raw, signature]))


def open1(statement):
    """Protected header, payload (decoded if there is one), what was signed but for the payload, signature."""
    tag = cbor.loads(statement)
    assert tag.number == 18
    protected, unprotected, payload, signature = tag.value
    return cbor.loads(protected), unprotected, payload, protected, signature


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.media = self.headers.get("content-type", "").split(";")[0]
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["code"] if self.media == "application/problem+json" else None


class Client:
    """One caller: with the certificate STEM.crt/.key, or without."""

    def __init__(self, port, ca=None, stem=None, host="127.0.0.1"):
        self.port, self.host, self.context = port, host, None
        if ca is not None:
            self.context = ssl.create_default_context(cafile=str(ca))
            if stem is not None:
                self.context.load_cert_chain(f"{stem}.crt", f"{stem}.key")

    def connect(self, timeout=30):
        if self.context is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout,
                                           context=self.context)

    def call(self, method, path, body=None, media=None, accept=None, headers=None):
        fields = dict(headers or {})
        if media is not None:
            fields["Content-Type"] = media
        if accept is not None:
            fields["Accept"] = accept
        connection = self.connect()
        try:
            connection.request(method, path, body, fields)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def post_json(self, path, value, accept=CT_JSON):
        return self.call("POST", path, json.dumps(value), CT_JSON, accept)


class Ack:
    def __init__(self, value):
        self.endorsement, self.receipt, self.address = value[1], value[2], value[3]
        self.nonce = value.get(4)
        self.txid = sha256(self.endorsement)
        header, _, payload, _, _ = open1(self.endorsement)
        claims = cbor.loads(payload)
        self.subject, self.issuer = header[15][2], header[15][1]
        self.action, self.seq, self.prev = claims[1], claims[2], claims.get(3)
        self.registration, self.digests = claims[4], claims[5]
        self.assurance, self.effective_ms, self.notified_ms = claims[6], claims[8], claims.get(9)
        self.checked_ms, self.operator = claims[10], claims[11]


class Device:
    def __init__(self, client, as_id, ids, key=None):
        self.client, self.as_id, self.ids = client, as_id, dict(ids)
        self.key = key or p256.Key()
        self.subject, self.seq = None, None

    def nonce(self):
        a = self.client.call("POST", "/rp-ud/v1/nonces", accept="application/cbor")
        assert a.status == 200, a.body
        return cbor.loads(a.body)

    def openings(self):
        return [cbor.dumps([os.urandom(16), v, KEYS[k]]) for k, v in sorted(self.ids.items())]

    def registration(self, nonce, openings, low=True, **changes):
        payload = {1: {1: 2, -1: 1, -2: self.key.x, -3: self.key.y}, 2: [-7], 3: [-16],
                   4: self.as_id, 5: nonce,
                   6: sorted(sha256(cbor.dumps(o)) for o in openings), 7: 1, 8: 1}
        payload.update(changes.get("payload", {}))
        uri = key_uri(self.key)
        return sign1(self.key, "application/vouch-registration+cose", uri, uri, payload, low)

    def request(self, **changes):
        openings = self.openings()
        return cbor.dumps({1: self.registration(self.nonce(), openings, **changes), 2: openings})

    def send(self, request):
        return self.client.call("POST", "/rp-ud/v1/registrations", request, CT_REQUEST)

    def register(self):
        answer = self.send(self.request())
        assert answer.status == 201, (answer.status, answer.body)
        return self.take(Ack(cbor.loads(answer.body)))

    def take(self, ack):
        self.subject, self.seq = ack.subject, ack.seq
        return ack

    def poll(self, seq=None, subject=None, nonce=None):
        payload = {1: nonce or self.nonce(), 2: self.seq if seq is None else seq}
        return sign1(self.key, CT_POLL, key_uri(self.key), subject or self.subject, payload)

    def updates(self, **changes):
        a = self.client.call("POST", "/rp-ud/v1/updates", self.poll(**changes), CT_POLL)
        assert a.status == 200, (a.status, a.body)
        return [Ack(v) for v in cbor.loads(a.body)]

    def stream(self, timeout=30, **changes):
        """Yields acknowledgements as they are pushed."""
        connection = self.client.connect(timeout)
        connection.request("POST", "/rp-ud/v1/updates", self.poll(**changes),
                           {"Content-Type": CT_POLL, "Accept": "text/event-stream"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        try:
            while True:
                line = response.readline()
                if not line:
                    return
                if line.startswith(b"data: "):
                    yield Ack(cbor.loads(base64.b64decode(line[6:].strip())))
        finally:
            connection.close()

    def anchor(self, root=None):
        statement = sign1(self.key, CT_ANCHOR, key_uri(self.key), self.subject,
                          {1: root or os.urandom(32), 2: 1})
        return statement, self.client.call("POST", "/rp-ud/v1/anchors", statement, CT_ANCHOR)


# ---- what a recipient can check with the trust file alone
def root_from_path(leaf, index, size, path):
    """RFC 9162, 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        assert sn > 0
        if fn & 1 or fn == sn:
            r = sha256(b"\1" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\1" + r + p)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


def b64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Verifier:
    def __init__(self, trust):
        self.ledgers = {l["id"]: [(b64url(k["x"]), b64url(k["y"])) for k in l["keys"]]
                        for l in trust["ledgers"]}
        self.servers = {a["id"]: [(b64url(k["x"]), b64url(k["y"])) for k in a["keys"]]
                        for a in trust["as"]}

    def receipt(self, statement, receipt):
        header, unprotected, payload, protected, signature = open1(receipt)
        assert payload is None and header[395] == 1
        (proof,) = unprotected[396][-1]
        size, index, path = cbor.loads(proof)
        assert size == header[15][-70101]
        root = root_from_path(sha256(b"\0" + sha256(statement)), index, size, path)
        signed = to_be_signed(protected, root)
        assert any(p256.verify(x, y, signed, signature) for x, y in self.ledgers[header[15][1]])
        return index

    def endorsement(self, statement):
        header, _, payload, protected, signature = open1(statement)
        signed = to_be_signed(protected, payload)
        assert any(p256.verify(x, y, signed, signature) for x, y in self.servers[header[15][1]])
        _, _, reg_payload, reg_protected, reg_signature = open1(cbor.loads(payload)[4])
        reg = cbor.loads(reg_payload)
        assert p256.verify(reg[1][-2], reg[1][-3], to_be_signed(reg_protected, reg_payload),
                           reg_signature), "possession"

    def ack(self, ack):
        self.endorsement(ack.endorsement)
        return self.receipt(ack.endorsement, ack.receipt)

    @staticmethod
    def opens(statement, contents):
        """The disclosed value, if STATEMENT commits to it."""
        claims = cbor.loads(open1(statement)[2])
        reg = cbor.loads(open1(claims[4])[2])
        assert sha256(cbor.dumps(contents)) in claims[5] + reg[6], "foreign disclosure"
        _, value, key = cbor.loads(contents)
        return key, value
