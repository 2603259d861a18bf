"""`vouch verify` and `vouch bundle` with a device, an AS, a ledger and an operator: online and offline, before and
after the contract's end."""
import json
import subprocess
import time

import pytest

import rig as r

ROWS = 1000


class Party:
    """A device of its own with a signed day, and a buyer with a trust file."""

    def __init__(self, rig, pki, folder):
        self.rig, self.folder = rig, folder
        trust = rig.vouchd.trust()
        trust["as"][0]["tls_ca"] = pki.ca.read_text()
        self.trust = folder / "trust.json"
        self.trust.write_text(json.dumps(trust))
        (folder / "pass").write_text("a passphrase\n")
        buyer = pki.issue("client", "buyer")
        self.online = ["--trust", self.trust, "--cert", f"{buyer}.crt", "--key", f"{buyer}.key"]
        self.ids = rig.ids()
        self.device("init", "--trust", self.trust, "--imei", self.ids["imei"], "--iccid", self.ids["iccid"],
                    "--msisdn", self.ids["msisdn"], "--custody", "file")
        self.device("register")
        (folder / "day.csv").write_text("time,value\n" + "".join(f"{i},{i * 3}\n" for i in range(ROWS)))
        self.device("sign", "--format", "csv", folder / "day.csv", "-o", folder / "day.vouch")

    def device(self, verb, *args):
        return r.run(r.program("vouch"), "device", verb, "--state", self.folder / "device", "--passphrase-file",
                     self.folder / "pass", *args)

    def vouch(self, *args):
        return subprocess.run([str(a) for a in (r.program("vouch"), *args)], cwd=self.folder, capture_output=True,
                              timeout=60)

    def verify(self, *args):
        done = self.vouch("verify", "--json", *args)
        doc = json.loads(done.stdout)
        assert doc["exit"] == done.returncode
        return doc

    def offline(self, name, *args):
        return self.verify("--offline", "--trust", self.trust, *args, name)

    def make(self, name="made.vouch"):
        done = self.vouch("bundle", "make", *self.online, "-o", name, "day.vouch")
        assert done.returncode == 0, done.stderr
        return name


@pytest.fixture
def party(rig, pki, tmp_path):
    return Party(rig, pki, tmp_path)


def test_missing_evidence_is_fetched_from_the_as_that_is_trusted(party):
    """req-test: Y.2247-7.2.3-6, Y.2247-10.1-4"""
    assert party.offline("day.vouch")["code"] == "term-undisclosed"
    doc = party.verify(*party.online, "day.vouch")
    assert doc["verdict"] == "valid" and (doc["rows"], doc["headers"]) == (ROWS, 1)
    record = doc["sources"][0]["items"][0]["record"]
    assert record["assurance"] >= 1 and record["hashAlgorithm"] == "SHA-256"


def test_an_as_that_is_not_in_the_trust_file_is_not_asked(party):
    """req-test: Y.2247-7.2.2-11: the address inside a bundle is no trust."""
    trust = json.loads(party.trust.read_text())
    trust["as"][0]["url"] = "https://127.0.0.1:9"
    party.trust.write_text(json.dumps(trust))
    calls = party.rig.vouchd.audit("records-served")
    done = party.vouch("verify", *party.online, "day.vouch")
    assert done.returncode == 2 and b"is of no AS in the trust file" in done.stderr
    assert party.rig.vouchd.audit("records-served") == calls


def test_a_made_bundle_needs_nobody(party):
    """req-test: Y.2247-7.2.3-1, Y.2247-10.1-7: whoever holds it verifies it, without its earlier holders."""
    made = party.make()
    assert party.offline(made)["verdict"] == "valid"
    for verb, name, *choice in (("extract", "rows.vouch", "--rows", "0,300-310"), ("strip", "proof.vouch")):
        assert party.vouch("bundle", verb, *choice, "-o", name, made).returncode == 0
        assert party.offline(name)["verdict"] == "valid"
    assert party.offline("rows.vouch")["rows"] == 11
    data = bytearray((party.folder / made).read_bytes())
    at = data.find(b"500,1500")
    data[at] ^= 1
    (party.folder / "altered.vouch").write_bytes(data)
    doc = party.offline("altered.vouch")
    assert doc["verdict"] == "invalid"
    assert "data-altered" in [i["code"] for s in doc["sources"] for i in s["items"]]


def test_end_of_contract(party):
    """req-test: Y.2247-7.2.3-9, Y.2247-7.1-2: what was anchored before stays good; what was not is unproven."""
    made = party.make()
    (party.folder / "anchored.vouch").write_bytes((party.folder / made).read_bytes())
    party.device("anchor", party.folder / "anchored.vouch")
    assert party.offline("anchored.vouch")["sources"][0]["items"][0]["anchored"]
    time.sleep(0.05)
    before = party.rig.vouchd.recorded()
    party.rig.netsim.ctl("terminate", party.ids)
    r.until("the end is recorded", lambda: party.rig.vouchd.recorded() > before)
    assert party.offline(made)["verdict"] == "valid"  # knows the status up to when it was made
    assert party.verify(*party.online, made)["code"] == "time-unproven"
    doc = party.verify(*party.online, "--accept-claimed-time", made)
    assert doc["verdict"] == "valid" and "claimed-time-accepted" in doc["sources"][0]["items"][0]["notes"]
    assert party.verify(*party.online, "anchored.vouch")["verdict"] == "valid"


def test_without_credentials_nothing_is_valid_by_default(party):
    """req-test: Y.2247-7.2.3-5: an AS that refuses us is not taken for a good sign."""
    doc = party.verify("--trust", party.trust, "day.vouch")
    assert doc["verdict"] == "cannot evaluate" and doc["unreachable"] == 1
