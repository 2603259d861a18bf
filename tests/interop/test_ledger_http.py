"""The ledger's HTTP face against its interface document, by a client written here."""
import base64
import hashlib
import json
import re
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import ROOT, program

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")
cbor2 = pytest.importorskip("cbor2")

DOC = yaml.safe_load((ROOT / "docs/api/ledger.yaml").read_text())
seen = set()


def resolve(node):
    while "$ref" in node:
        target = DOC
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


def validate(schema, value):
    jsonschema.Draft202012Validator({**schema, "components": DOC["components"]},
                                    format_checker=jsonschema.FormatChecker()).validate(value)


def operation(method, path):
    path = path.split("?")[0]
    for pattern, item in DOC["paths"].items():
        last = r"\{path\}$"
        expression = re.sub(r"\{\w+\}", "[^/]+", re.sub(last, ".+", pattern))
        if re.fullmatch(expression, path) and method.lower() in item:
            return pattern, item[method.lower()]
    raise AssertionError(f"{method} {path} is not in the document")


class Site:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path, accept=None, body=None, media="application/cose"):
        """Every answer is held against the document."""
        method = "GET" if body is None else "POST"
        rq = urllib.request.Request(self.url + path, data=body, method=method)
        if accept:
            rq.add_header("Accept", accept)
        if body is not None:
            rq.add_header("Content-Type", media)
        try:
            with urllib.request.urlopen(rq, timeout=60) as answer:
                status, headers, data = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            status, headers, data = e.code, e.headers, e.read()
        pattern, op = operation(method, path)
        assert str(status) in op["responses"], f"{method} {path} answered {status}: {data[:200]}"
        seen.add((method, pattern, status))
        response = resolve(op["responses"][str(status)])
        for name, header in response.get("headers", {}).items():
            validate(resolve(header)["schema"], headers[name])
        got = headers["Content-Type"].split(";")[0]
        assert got in response["content"], got
        if "json" in got:
            validate(response["content"][got]["schema"], json.loads(data))
            return status, json.loads(data), headers
        if got == "text/plain":
            validate(response["content"][got]["schema"], data.decode())
        return status, data, headers


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger") / "divs"
    served = subprocess.Popen([program("tests/interop/vch_ledger_fill"), folder, "70", "serve"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield Site(int(served.stdout.readline()))
    served.stdin.close()
    assert served.wait(timeout=30) == 0


def registration(tmp_path, number):
    file = tmp_path / "statement"
    subprocess.run([program("tests/interop/vch_ledger_fill"), file, str(number), "one"], check=True)
    return file.read_bytes()


def leaf(entry):
    return hashlib.sha256(b"\0" + hashlib.sha256(entry).digest()).digest()


def root_from(path, h, index, size):
    """RFC 9162, 2.1.3.2."""
    last = size - 1
    for p in path:
        assert last > 0
        if index & 1 or index == last:
            h = hashlib.sha256(b"\1" + p + h).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            h = hashlib.sha256(b"\1" + h + p).digest()
        index, last = index >> 1, last >> 1
    assert last == 0
    return h


def test_submit(site, tmp_path):
    statement = registration(tmp_path, 5000)
    status, receipt, headers = site.ask("/ledger/v1/entries", body=statement)
    assert status == 201
    txid = hashlib.sha256(statement).hexdigest()
    assert headers["Location"].endswith(txid)
    status, again, _ = site.ask("/ledger/v1/entries?wait_ms=1000", body=statement)
    assert status == 200 and again == receipt
    size, index, path = cbor2.loads(cbor2.loads(receipt).value[1][396][-1][0])
    assert index == int(headers["Vouch-Index"])
    _, entry, _ = site.ask(f"/ledger/v1/entries/{txid}", "application/json")
    assert base64.b64decode(entry["entry"]) == statement and base64.b64decode(entry["receipt"]) == receipt
    assert site.ask(f"/ledger/v1/entries/{txid}/statement")[1] == statement
    assert site.ask(f"/ledger/v1/entries/{txid}/receipt")[1] == receipt
    _, head, _ = site.ask("/ledger/v1/head", "application/json")
    assert head["size"] == size and root_from(path, leaf(statement), index, size).hex() == head["root"]


def test_refused(site, tmp_path):
    statement = bytearray(registration(tmp_path, 5001))
    statement[-1] ^= 1
    assert site.ask("/ledger/v1/entries", body=bytes(statement))[1]["code"] == "signature-invalid"
    assert site.ask("/ledger/v1/entries", body=b"\x85\0\1\0\0\0")[1]["code"] == "system-entry-refused"
    assert site.ask("/ledger/v1/entries", body=b"text")[0] == 400
    assert site.ask("/ledger/v1/entries", body=b"{}", media="application/json")[0] == 415
    assert site.ask("/ledger/v1/entries", body=b"x" * 16385)[0] == 413
    assert site.ask("/ledger/v1/entries/" + "0" * 64)[0] == 404
    assert site.ask("/ledger/v1/entries/zz")[0] == 400
    assert site.ask("/ledger/v1/entries/" + "0" * 64 + "/other")[0] == 404
    assert site.ask("/ledger/v1/head", "image/png")[0] == 406


def test_log_and_tiles(site):
    entries = []
    while True:
        _, data, _ = site.ask(f"/ledger/v1/log?from={len(entries)}&wait_ms=1")
        more = cbor2.loads(data)
        if not more:
            break
        assert [e[0] for e in more] == list(range(len(entries), len(entries) + len(more)))
        entries += [e[2] for e in more]
    _, head, _ = site.ask("/ledger/v1/head", "application/json")
    assert len(entries) == head["size"] > 140
    _, tile, _ = site.ask(f"/tile/0/000.p/{len(entries)}")
    assert tile == b"".join(leaf(e) for e in entries)
    _, bundle, _ = site.ask(f"/tile/entries/000.p/{len(entries)}")
    assert bundle == b"".join(b"\0\x20" + hashlib.sha256(e).digest() for e in entries)
    _, note, _ = site.ask("/checkpoint")
    origin, size, root = note.decode().split("\n")[:3]
    assert origin == head["ledger"] and int(size) == head["size"]
    assert base64.b64decode(root).hex() == head["root"]
    _, path, _ = site.ask(f"/ledger/v1/proof/inclusion?index=7&size={size}")
    assert root_from(cbor2.loads(path), leaf(entries[7]), 7, int(size)).hex() == head["root"]
    site.ask(f"/ledger/v1/proof/consistency?from=4&to={size}", "application/json")
    assert site.ask("/tile/0/000.p/256")[0] == 404
    assert site.ask("/ledger/v1/proof/inclusion?index=7")[0] == 400
    assert site.ask("/ledger/v1/proof/consistency?from=9&to=4")[0] == 400
    assert site.ask("/ledger/v1/log?from=x")[0] == 400


def test_state_and_authorities(site):
    _, data, _ = site.ask("/ledger/v1/log/0")
    genesis = cbor2.loads(cbor2.loads(data)[2])
    _, listed, _ = site.ask("/ledger/v1/authorities")
    assert [a["name"] for a in listed] == [a[1] for a in genesis[4]]
    _, proof, _ = site.ask(f"/ledger/v1/state/5/{listed[0]['thumbprint']}")
    root_entry, _, kind, _, value, _ = cbor2.loads(proof)
    assert kind == 5 and cbor2.loads(value)[1] == listed[0]["name"]
    assert cbor2.loads(root_entry)[0] == 1
    _, proof, _ = site.ask("/ledger/v1/state/2/" + "00" * 16)
    assert cbor2.loads(proof)[4] is None
    assert site.ask("/ledger/v1/state/2/00")[0] == 400
    assert site.ask("/ledger/v1/log/999999")[0] == 404
    assert site.ask("/ledger/v1/log/x")[0] == 400


def test_every_operation_was_asked():
    operations = {(m.upper(), p) for p, item in DOC["paths"].items() for m in item}
    assert operations == {(m, p) for m, p, _ in seen}
