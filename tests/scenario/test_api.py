"""docs/api/vouchd.yaml says what the running server does: contract test. req-test: Y.2247-8.4-8"""
import json
import os
import re

import pytest

import cbor
import client
import rig as r

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")

DOC = yaml.safe_load((r.ROOT / "docs/api/vouchd.yaml").read_text())
FOUND = {}  # operations whose answers were seen


def deref(node):
    while "$ref" in node:
        at = DOC
        for part in node["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        node = at
    return node


def operation(method, path):
    for pattern, methods in DOC["paths"].items():
        if re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", pattern), path):
            return methods[method.lower()]
    raise AssertionError(f"{path} is not documented")


def schema_check(schema, value):
    jsonschema.Draft202012Validator({**schema, "components": DOC["components"]}).validate(value)


def answer_check(method, path, answer):
    """Status, media type, body and our headers are as documented."""
    op = operation(method, path)
    FOUND.setdefault(op["operationId"], set()).add(answer.status)
    documented = op["responses"]
    assert str(answer.status) in documented, (path, answer.status, answer.body)
    response = deref(documented[str(answer.status)])
    if not response.get("content"):
        assert answer.body == b""
        return
    assert answer.media in response["content"], (path, answer.media)
    schema = response["content"][answer.media]["schema"]
    if answer.media.endswith("json"):
        schema_check(schema, json.loads(answer.body))
    elif answer.media.endswith("cbor") and answer.media != client.CT_BUNDLE:
        cbor.loads(answer.body)
    for name, value in answer.headers.items():
        if name.startswith("vouch-"):
            header = {k.lower(): v for k, v in response["headers"].items()}[name]
            schema_check(deref(header)["schema"], value)


class Checked(client.Client):
    """Checks every answer, and every JSON request that was accepted."""

    def call(self, method, path, body=None, media=None, accept=None, headers=None):
        answer = super().call(method, path, body, media, accept, headers)
        answer_check(method, path, answer)
        if answer.status == 200 and media == client.CT_JSON:
            schema_check(operation(method, path)["requestBody"]["content"][media]["schema"],
                         json.loads(body))
        return answer


@pytest.fixture
def checked(rig, monkeypatch):
    monkeypatch.setattr(client, "Client", Checked)
    return rig


def test_document():
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(DOC)


def test_devices(checked):
    device = checked.device()
    c = device.client
    assert c.call("POST", "/rp-ud/v1/nonces", accept="application/json").json()["life_s"] == 86400
    request = device.request()
    ack = device.take(client.Ack(cbor.loads(device.send(request).body)))
    device.send(request)
    device.updates()
    device.updates(nonce=ack.nonce)
    device.anchor()
    for body in (b"", b"\xa0", os.urandom(200), request[:-1], b"\x9f" * 300, b"\x81" * 4000):
        device.send(body)
        c.call("POST", "/rp-ud/v1/updates", body, client.CT_POLL)
        c.call("POST", "/rp-ud/v1/anchors", body, client.CT_ANCHOR)
    c.call("POST", "/rp-ud/v1/updates", device.poll(nonce=ack.nonce), client.CT_POLL)
    c.call("POST", "/rp-ud/v1/registrations", request, "text/plain")
    c.call("POST", "/rp-ud/v1/registrations", b"x" * 20000, client.CT_REQUEST)
    other = checked.device({**checked.ids(), "imei": device.ids["imei"]})
    other.send(other.request())
    assert FOUND["register"] >= {200, 201, 400, 403, 413, 415}
    assert FOUND["updates"] >= {200, 400, 403}


def test_recipients(checked):
    device = checked.device()
    txid = device.register().txid.hex()
    for name in ("inspector", "buyer", "nobody", None):
        c = checked.vouchd.client(name)
        for accept in (client.CT_JSON, client.CT_BUNDLE, "image/png"):
            for query in ({"txid": txid}, {"txid": txid, "latest": True}, {"records": [txid, "0" * 64]},
                          {"txid": txid, "history": True, "fields": ["end"]}, {"txid": "0" * 64},
                          {"txid": txid, "fields": ["imei"]}, {"txid": txid, "more": 1}, {}):
                c.post_json("/rp-ds/v1/records", query, accept)
            c.post_json("/rp-ds/v1/lookup", {"identity": {"imei": device.ids["imei"]}}, accept)
            c.post_json("/rp-ds/v1/lookup", {"identity": {}}, accept)
        for query in ({"txid": txid, "identity": {"imei": device.ids["imei"]}},
                      {"txid": txid, "identity": {"imei": "1"}}, {"txid": txid}):
            c.post_json("/rp-ds/v1/confirm", query)
    assert FOUND["records"] >= {200, 400, 401, 403, 404, 406}
    assert FOUND["lookup"] >= {200, 400, 401, 403, 406}
    assert FOUND["confirm"] >= {200, 400, 401, 403}


def test_administrators_and_public(checked):
    device = checked.device()
    device.register()
    for name in ("admin", "buyer", None):
        c = client.Client(checked.vouchd.admin_port, checked.vouchd.pki.ca,
                          checked.vouchd.pki.issue("client", name) if name else None)
        c.call("GET", "/admin/v1/status")
        c.post_json("/admin/v1/reports", {"subject": "0" * 32, "reason": "key-lost"})
        c.post_json("/admin/v1/reports", {"subject": device.subject, "reason": "whim"})
        c.post_json("/admin/v1/erasures", {"subject": device.subject})
        c.post_json("/admin/v1/erasures", {"subject": "x"})
        c.call("GET", "/metrics")
    public = checked.vouchd.client()
    for path in ("/health", "/ready", "/.well-known/vouch-keys"):
        public.call("GET", path)
    assert FOUND["erase"] >= {204, 400, 401, 403} and FOUND["status"] >= {200, 401, 403}


def test_operators(checked):
    c = checked.vouchd.client()
    c.call("POST", "/rp-edi/v1/notifications/" + "0" * 48, b"{}", client.CT_JSON)
    c.call("POST", "/rp-edi/v1/notifications/" + "0" * 48, b"{}", "text/xml")
    assert FOUND["notify"] == {404, 415}


def test_every_route_is_documented(rig):
    """What the server allows on each path is what the document has there, and on no other path anything."""
    for path, methods in DOC["paths"].items():
        at = path.replace("{token}", "x")
        port = rig.vouchd.admin_port if path.startswith("/admin") or path == "/metrics" \
            else rig.vouchd.port
        answer = client.Client(port, rig.vouchd.pki.ca).call("OPTIONS", at)
        allowed = {m.strip() for m in answer.headers["allow"].split(",")} - {"OPTIONS", "HEAD"}
        assert allowed == {m.upper() for m in methods}, path
        assert client.Client(port, rig.vouchd.pki.ca).call("DELETE", at).status == 405
    for path in ("/", "/rp-ud", "/rp-ud/v1", "/rp-ud/v2/nonces", "/rp-ds/v1/records/x", "/admin/v1/users",
                 "/ledger/v1/head", "/.git/config", "/rp-ds/v1/../../etc/passwd"):
        assert rig.vouchd.client().call("GET", path).status in (400, 404), path
