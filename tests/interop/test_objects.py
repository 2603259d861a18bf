"""Our signed objects before other implementations, and theirs before ours."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import program

cbor2 = pytest.importorskip("cbor2")
pytest.importorskip("cryptography")
import wire  # noqa: E402


@pytest.fixture(scope="session")
def tool():
    return program("tests/interop/vch_objects")


@pytest.fixture(scope="session")
def objects(tool):
    return json.loads(subprocess.run([tool, "emit"], check=True, capture_output=True).stdout)


def pycose_key(key):
    from pycose.keys import EC2Key, OKPKey

    if key[1] == 2:
        return EC2Key(crv="P_256", x=key[-2], y=key[-3], optional_params={})
    return OKPKey(crv="ED25519", x=key[-2], optional_params={})


def test_statements_before_pycose(objects):
    messages = pytest.importorskip("pycose.messages")
    for s in objects["statements"]:
        m = messages.Sign1Message.decode(bytes.fromhex(s["message"]))
        m.key = pycose_key(cbor2.loads(bytes.fromhex(s["key"])))
        assert m.verify_signature()
        assert m.payload == bytes.fromhex(s["payload"])
        m.payload += b"\0"
        assert not m.verify_signature()


def test_statements_are_deterministic(objects):
    for s in objects["statements"]:
        header, unprotected, payload, signed, signature = wire.open1(bytes.fromhex(s["message"]))
        key = cbor2.loads(bytes.fromhex(s["key"]))
        assert unprotected == {} and header[4] == wire.sha256(wire.dumps(key))
        assert wire.verify(key, signed, signature)


def test_receipts_before_pycose(objects):
    messages = pytest.importorskip("pycose.messages")
    keys = [cbor2.loads(bytes.fromhex(s["key"])) for s in objects["statements"]]
    for r in objects["inclusion"]:
        m = messages.Sign1Message.decode(bytes.fromhex(r["receipt"]))
        m.key = pycose_key(keys[r["signer"]])
        assert m.verify_signature(detached_payload=bytes.fromhex(r["root"]))
        size, index, path = cbor2.loads(m.uhdr[396][-1][0])
        leaf = wire.leaf_hash(bytes.fromhex(r["entry"]))
        assert wire.root_from_path(leaf, index, size, path) == bytes.fromhex(r["root"])
        assert (size, index) == (r["size"], r["index"])


def test_proofs_and_notes_before_go(objects, tmp_path):
    """transparency-dev/merkle and golang.org/x/mod/sumdb."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go compiler")
    folder = tmp_path / "go"
    shutil.copytree(pathlib.Path(__file__).parent / "go", folder)
    built = subprocess.run([go, "build", "-o", folder / "verify", "."], cwd=folder,
                           capture_output=True, text=True, timeout=600)
    if built.returncode != 0 and "dial tcp" in built.stderr + built.stdout:
        pytest.skip("the Go packages cannot be fetched")
    assert built.returncode == 0, built.stderr
    (tmp_path / "objects.json").write_text(json.dumps(objects))
    done = subprocess.run([folder / "verify", tmp_path / "objects.json"], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("124 inclusion, 124 consistency, 1 notes, 5 tiles")
    # and it does refuse: one hash of one proof exchanged
    objects = json.loads(json.dumps(objects))
    objects["consistency"][40]["path"][0] = "00" * 32
    (tmp_path / "objects.json").write_text(json.dumps(objects))
    done = subprocess.run([folder / "verify", tmp_path / "objects.json"], capture_output=True,
                          timeout=120)
    assert done.returncode == 1


def map_root(proof, k, v):
    """The root that a state map proof leads to."""
    siblings, terminal = proof
    if terminal is True:
        h = wire.sha256(b"\2" + k + v)
    elif terminal is None:
        h = bytes(32)
    else:
        assert terminal[0] != k
        h = wire.sha256(b"\2" + terminal[0] + terminal[1])
    for d in reversed(range(len(siblings))):
        other = siblings[d] or bytes(32)
        bit = k[d // 8] >> (7 - d % 8) & 1
        h = wire.sha256(b"\3" + (other + h if bit else h + other))
    return h


def test_map_proofs(objects):
    root = bytes.fromhex(objects["map"]["root"])
    for p in objects["map"]["proofs"]:
        ident = bytes.fromhex(p["id"])
        proof = cbor2.loads(bytes.fromhex(p["proof"]))
        assert (proof[1] is True) == p["present"]
        assert map_root(proof, wire.sha256(b"\2" + ident), wire.sha256(ident)) == root


def judge(tool, *args):
    done = subprocess.run([tool, *args], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1)
    return done.stdout.strip()


def test_messages_of_pycose_before_ours(tool):
    messages = pytest.importorskip("pycose.messages")
    from pycose.algorithms import EdDSA, Es256
    from pycose.headers import KID, Algorithm
    from pycose.keys import EC2Key, OKPKey

    for alg, key in ((Es256, EC2Key.generate_key(crv="P_256")),
                     (EdDSA, OKPKey.generate_key(crv="ED25519"))):
        public = {1: 2, -1: 1, -2: key.x, -3: key.y} if alg is Es256 else {1: 1, -1: 6, -2: key.x}
        public = wire.dumps(public).hex()
        for aad, detached in ((b"", False), (b"external", False), (b"", True), (b"e", True)):
            m = messages.Sign1Message(phdr={Algorithm: alg}, uhdr={KID: b"\1\2"}, payload=b"data",
                                      external_aad=aad)
            m.key = key
            message = m.encode()
            if detached:
                tag = cbor2.loads(message)
                message = cbor2.dumps(cbor2.CBORTag(18, tag.value[:2] + [None] + tag.value[3:]))
            payload = [b"data".hex()] if detached else []
            assert judge(tool, "verify", public, message.hex(), aad.hex(), *payload) == "ok"
            other = [b"date".hex()] if detached else []
            assert judge(tool, "verify", public, message.hex(), (aad + b"x").hex(),
                         *payload) == "signature-invalid"
            if detached:
                assert judge(tool, "verify", public, message.hex(), aad.hex(),
                             *other) == "signature-invalid"


def test_receipts_made_elsewhere_before_ours(tool):
    key = wire.Key()
    public = wire.dumps(key.cose()).hex()
    entries = [os.urandom(20) for _ in range(11)]
    leaves = [wire.leaf_hash(wire.sha256(e)) for e in entries]
    for index, e in enumerate(entries):
        r = wire.receipt(key, "log.example", leaves, index, 1800000000000)
        assert judge(tool, "receipt", public, r.hex(), e.hex()) == "ok"
        assert judge(tool, "receipt", public, r.hex(), (e + b"x").hex()) == "signature-invalid"
    # the least that RFC 9942 asks for, not deterministic, with the root attached
    proof = cbor2.dumps([11, 4, wire.inclusion_path(4, leaves)])
    plain = wire.sign1(key, {395: 1}, wire.tree_root(leaves), {396: {-1: [proof]}})
    assert judge(tool, "receipt", public, plain.hex(), entries[4].hex()) == "ok"
    assert judge(tool, "receipt", public, plain.hex(), entries[5].hex()) == "merkle-root"
