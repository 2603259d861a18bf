"""Devices, aggregator and consumers of the demo's world, over the command line: the roles and steps of
clause 10.1, and the demo itself. Real processes on loopback."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "demo"))
import forge  # noqa: E402
from world import World  # noqa: E402

BUILD = os.environ.get("VCH_BUILD", str(ROOT / "build"))
PASS = ["-p", "pass"]
SHARED = pathlib.Path(os.environ.get("VCH_SHARED_DIR", ROOT.parent / "shared")) / "data"


class Fleet:
    """A world with two endorsed devices, and the commands that the tests repeat."""

    def __init__(self, folder):
        self.w = World(str(folder), BUILD, operators=2, log_level="debug")
        self.w.make()
        os.makedirs(self.w.path("devices"))
        self.w.write("pass", "test passphrase\n", 0o600)
        self.w.start_netsim()
        self.w.pin_operator_keys()
        self.w.init_vouchd()
        self.w.start_vouchd()
        self.register("one", 0, 0)
        self.register("two", 1, 0)

    def init(self, name, operator, account):
        a = self.w.accounts(self.w.operators[operator], 10)[account]
        self.w.run("vouch", "device", "init", "-s", f"devices/{name}", *PASS, "--trust", "trust.json", "--imei",
                   a["imei"], "--iccid", a["iccid"], "--msisdn", a["msisdn"], "--custody", "file")
        return a

    def register(self, name, operator, account):
        self.init(name, operator, account)
        self.w.run("vouch", "device", "register", "-s", f"devices/{name}", *PASS)

    def sign(self, name, data, out, *more, check=True):
        return self.w.run("vouch", "device", "sign", "-s", f"devices/{name}", *PASS, *more, "-o", out,
                          stdin=data, check=check)

    def share(self, out, *files):
        self.w.run("vouch", "bundle", "make", "--trust", "trust.json", "--cert", "pki/aggregator.crt", "--key",
                   "pki/aggregator.key", "-o", out, *files)

    def verify(self, *files, more=("--offline",)):
        p = self.w.run("vouch", "verify", "--json", "--trust", "trust.json", *more, *files, check=False)
        return p.returncode, json.loads(p.stdout)

    def bytes(self, name):
        return pathlib.Path(self.w.path(name)).read_bytes()

    def put(self, name, data):
        pathlib.Path(self.w.path(name)).write_bytes(data)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    f = Fleet(tmp_path_factory.mktemp("world"))
    yield f
    f.w.stop_all()


def test_only_an_endorsed_device_sends(fleet):
    """req-test: Y.2247-10.1-1: the scenario goes on with an endorsed device and stops without."""
    fleet.sign("one", "a\nb\n", "endorsed.vouch")
    assert fleet.verify("endorsed.vouch", more=("--cert", "pki/consumer-a.crt", "--key", "pki/consumer-a.key"))[0] == 0
    fleet.init("unregistered", 0, 3)
    p = fleet.sign("unregistered", "a\n", "unendorsed.vouch", check=False)
    assert p.returncode == 1 and "[device-unregistered]" in p.stderr
    assert not os.path.exists(fleet.w.path("unendorsed.vouch"))


def test_aggregator_sees_gaps_and_takes_nothing_unsigned(fleet):
    """req-test: Y.2247-10.1-2: items are stored unaltered, a lost one shows by its sequence number, and what is
    not signed by a device is recognised."""
    fleet.sign("one", "".join(f"row {i}\n" for i in range(12)), "stream.vouch", "--batch", "3")
    fleet.share("all.vouch", "stream.vouch")
    code, whole = fleet.verify("all.vouch")
    assert code == 0 and whole["rows"] == 12 and whole["sequenceGaps"] == 0
    recs = forge.records(fleet.bytes("all.vouch"))
    items = [i for i, r in enumerate(recs) if r[0] == 5]
    lost = items[1]
    kept = [r for i, r in enumerate(recs) if i != lost and not (r[0] in (6, 7, 8, 12) and r[1] == 1)]
    renumbered = [[r[0], r[1] - (r[1] > 1)] + r[2:] if r[0] in (6, 7, 8, 12) else r for r in kept]
    fleet.put("lost.vouch", forge.join(renumbered))
    code, v = fleet.verify("lost.vouch")
    assert code == 0 and v["rows"] == 9 and v["sequenceGaps"] == 1
    fleet.put("unsigned.vouch", forge.change(fleet.bytes("all.vouch"), 5,
                                             lambda r: [5, forge.edit_cose(r[1], 3, lambda s: bytes(64))]))
    code, v = fleet.verify("unsigned.vouch")
    assert code == 1 and v["invalid"] == 1


def test_consumer_verifies_by_itself(fleet):
    """req-test: Y.2247-10.1-4: with the aggregator gone the consumer asks the AS, about once for each device."""
    for name in ("one", "two"):
        fleet.sign(name, "".join(f"{name} {i}\n" for i in range(200)), f"{name}.vouch", "--batch", "4")
    log = pathlib.Path(fleet.w.path("vouchd.log"))
    before = log.read_text().count("/rp-ds/v1/records")
    code, v = fleet.verify("one.vouch", "two.vouch", more=("--cert", "pki/consumer-a.crt", "--key",
                                                           "pki/consumer-a.key"))
    asked = log.read_text().count("/rp-ds/v1/records") - before
    assert code == 0 and v["rows"] == 400 and v["items"] == 100 and v["devices"] == 2
    assert 1 <= asked <= 4


def test_several_aggregators(fleet):
    """req-test: Y.2247-10.1-8: overlapping sets merge, duplicates are recognised, and of one record with two
    contents only the signed one counts."""
    for n in (1, 2, 3):
        fleet.sign("one", f"set {n}\n" * 4, f"set{n}.vouch", "--batch", "4")
    fleet.sign("two", "other\n" * 4, "other.vouch", "--batch", "4")
    fleet.share("from-a.vouch", "set1.vouch", "set2.vouch", "other.vouch")
    fleet.share("from-b.vouch", "set2.vouch", "set3.vouch")
    code, v = fleet.verify("from-a.vouch", "from-b.vouch")
    assert code == 0 and v["duplicates"] == 1 and v["devices"] == 2
    fleet.put("from-c.vouch", forge.change(
        fleet.bytes("from-b.vouch"), 6, lambda r: forge.with_rows(r, lambda rows: [b"forged\n"] + rows[1:])))
    code, v = fleet.verify("from-a.vouch", "from-c.vouch")
    assert code == 1 and v["invalid"] == 1
    assert [s["verdict"] for s in v["sources"]] == ["valid", "invalid"]


def test_record_fails_first(fleet):
    """req-test: Y.2247-7.2.3-7: where the record does not hold, the data's signature is not even looked at."""
    fleet.sign("one", "x\n", "first.vouch")
    fleet.share("first-share.vouch", "first.vouch")
    bad = forge.change(fleet.bytes("first-share.vouch"), 1,
                       lambda r: [1, r[1], [forge.edit_cose(r[2][0], 3, lambda s: forge.flip(s, 3))]])
    fleet.put("bad-record.vouch", bad)
    code, v = fleet.verify("bad-record.vouch")
    steps = {s["step"]: s["state"] for s in v["sources"][0]["items"][0]["steps"]}
    assert code == 1 and steps["receipt"] == "fail" and steps["origin-signature"] == "not-checked"


def test_anchor_is_configured_not_carried(fleet):
    """req-test: Y.2247-6.2-2: the verdict rests on the trust file alone; the same bundle under another operator's
    anchors cannot be evaluated, and an anchor offered inside the bundle counts for nothing."""
    fleet.sign("one", "x\n", "anchor.vouch")
    fleet.share("anchor-share.vouch", "anchor.vouch")
    trust = json.loads(fleet.bytes("trust.json"))
    other = json.loads(json.dumps(trust))
    other["as"][0]["keys"] = other["ledgers"][0]["keys"]
    fleet.w.write("other-as.json", json.dumps(other))
    none = {"version": 1, "ledgers": [], "as": []}
    fleet.w.write("nobody.json", json.dumps(none))
    for name, want in (("trust.json", (0,)), ("other-as.json", (1, 2)), ("nobody.json", (2,))):
        p = fleet.w.run("vouch", "verify", "--offline", "--trust", name, "anchor-share.vouch", check=False)
        assert p.returncode in want, (name, p.stdout)


def test_record_names_its_algorithms(fleet):
    """req-test: Y.2247-6.2-1: key, signature and hash algorithm and the time of endorsement are in the answer."""
    fleet.sign("one", "x\n", "meta.vouch")
    fleet.share("meta-share.vouch", "meta.vouch")
    record = fleet.verify("meta-share.vouch")[1]["sources"][0]["items"][0]["record"]
    assert record["signatureAlgorithm"] == "ES256" and record["hashAlgorithm"] == "SHA-256"
    assert len(record["deviceKey"]) == 64 and record["recordedAt"].endswith("Z")


def test_every_way_in_is_one_parser(fleet):
    """req-test: Y.2247-8.3-1: file, pipe and a relayed bundle give the same verdict; trailing bytes and missing
    parts are refused."""
    fleet.sign("one", "x\n", "way.vouch")
    fleet.share("way-share.vouch", "way.vouch")
    data = fleet.bytes("way-share.vouch")
    p = subprocess.run([os.path.join(fleet.w.apps, "vouch"), "verify", "--json", "--offline", "--trust", "trust.json",
                        "-"], input=data, capture_output=True, cwd=fleet.w.folder, check=False)
    assert p.returncode == 0 and json.loads(p.stdout)["rows"] == 1
    for name, bad in (("trailing", data + b"\0"), ("short", data[:-1]), ("empty", b"")):
        fleet.put(f"{name}.vouch", bad)
        assert fleet.verify(f"{name}.vouch")[0] in (1, 2), name


def test_only_the_changed_device_has_a_new_entry(fleet):
    """req-test: Y.2247-7.1-6: records state the contract that they were endorsed with; a change of one contract
    appends to that device's lineage and to no other."""
    accounts = {n: fleet.init(f"{n}-again", i, 5) for i, n in enumerate(("one", "two"))}
    for n in accounts:
        fleet.w.run("vouch", "device", "register", "-s", f"devices/{n}-again", *PASS)
    size = json.loads(fleet.w.run("vouch", "ledger", "head", "--dir", "state/ledger", "--json").stdout)["size"]
    fleet.w.ctl(fleet.w.operators[1], "suspend", accounts["two"]["iccid"])
    fleet.w.run("vouch", "device", "follow", "-s", "devices/two-again", *PASS, "-n", "1", timeout=30)
    status = {n: json.loads(fleet.w.run("vouch", "device", "status", "-s", f"devices/{n}-again", *PASS,
                                        "--json").stdout) for n in accounts}
    assert status["two"]["seq"] == 1 and status["one"]["seq"] == 0
    fleet.w.run("vouch", "device", "follow", "-s", "devices/one-again", *PASS, "--once")
    again = json.loads(fleet.w.run("vouch", "device", "status", "-s", "devices/one-again", *PASS, "--json").stdout)
    assert again["txid"] == status["one"]["txid"]
    after = json.loads(fleet.w.run("vouch", "ledger", "head", "--dir", "state/ledger", "--json").stdout)["size"]
    assert after == size + 2  # the update and the state root of its batch


def test_device_talks_only_to_its_own_as(fleet):
    """req-test: Y.2247-8.4-6: another certificate than the AS's, or plain HTTP, carries no registration."""
    fleet.w.run("vouch", "pki", "ca", "--name", "Another root", "--plain", "--out", "pki/another")
    trust = json.loads(fleet.bytes("trust.json"))
    trust["as"][0]["tls_ca"] = fleet.bytes("pki/another.crt").decode()
    fleet.w.write("wrong-tls.json", json.dumps(trust))
    a = fleet.w.accounts(fleet.w.operators[0], 10)[6]
    ids = ["--imei", a["imei"], "--iccid", a["iccid"], "--msisdn", a["msisdn"], "--custody", "file"]
    fleet.w.run("vouch", "device", "init", "-s", "devices/wrong-tls", *PASS, "--trust", "wrong-tls.json", *ids)
    p = fleet.w.run("vouch", "device", "register", "-s", "devices/wrong-tls", *PASS, check=False)
    assert p.returncode == 2 and "[http-tls]" in p.stderr, p.stderr
    trust["as"][0]["url"] = "http://as.demo.example"
    fleet.w.write("plain.json", json.dumps(trust))
    p = fleet.w.run("vouch", "device", "init", "-s", "devices/plain", *PASS, "--trust", "plain.json", *ids,
                    check=False)
    assert p.returncode != 0


def test_signalling_reaches_keys_and_ledger_through_data_management_only():
    """req-test: Y.2247-8-1: the object code of the signalling part refers to no signing key, key store, vault
    database or ledger write."""
    objects = sorted(pathlib.Path(BUILD).glob("src/as/CMakeFiles/vch_as.dir/signal/*.o"))
    if not objects:
        pytest.skip("no object files in this build")
    out = subprocess.run(["nm", "-u", *map(str, objects)], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in out.splitlines() if " U " in line}
    assert any(n.startswith("vch_as_data_") for n in names)
    assert not [n for n in names if n.startswith(("vch_ossl_key", "vch_kv_", "vch_engine_", "vch_as_slots_"))]


def run_demo(tmp_path, *args):
    env = dict(os.environ, OUT=str(tmp_path / "out"), BUILD=BUILD, PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run(["sh", str(ROOT / "demo" / "run.sh"), *args], capture_output=True, text=True, env=env,
                          timeout=300, check=False)


def test_demo_with_live_readings(tmp_path):
    p = run_demo(tmp_path)
    assert p.returncode == 0, p.stdout[-3000:] + p.stderr
    assert "Everything went as it should" in p.stdout


@pytest.mark.parametrize("name, rows", [("solar-home-2011-2012.csv", 17568), ("obd-vehicles.csv", 8261),
                                        ("industrial-valve.csv", 1147)])
def test_demo_with_real_data(tmp_path, name, rows):
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not present")
    p = run_demo(tmp_path, str(SHARED / name))
    assert p.returncode == 0, p.stdout[-3000:] + p.stderr
    said = " ".join(p.stdout.split())  # the table wraps its cells
    assert f"all {rows:,} data rows" in said and "every byte of the file" in said
