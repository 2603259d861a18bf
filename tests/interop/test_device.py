"""`vouch device` with an AS, a ledger and a verifier that share no code with it."""
import hashlib
import hmac
import json
import os
import subprocess
import threading

import pytest

cbor2 = pytest.importorskip("cbor2")
pytest.importorskip("cryptography")
import wire  # noqa: E402
from conftest import Device  # noqa: E402


def leaf_of(seed, i, raw):
    salt = hmac.new(seed, i.to_bytes(8, "big"), hashlib.sha256).digest()[:16]
    return wire.sha256(b"\0" + salt + raw)


def items_of(server, bundle):
    """Verifies all that a bundle holds; [(item header, rows)]."""
    (line,) = server.lineages.values()
    statements, items, rows, files = {}, [], {}, {}
    for rec in wire.bundle_check(bundle):
        if rec[0] == 1:
            for r in rec[2]:
                wire.receipt_check(r, rec[1], server.ledger_key, server.ledger_id)
            statements[wire.sha256(rec[1])] = rec[1]
        elif rec[0] == 5:
            header, unprotected, payload, signed, signature = wire.open1(rec[1])
            assert unprotected == {} and header[258] == -16
            assert wire.verify(line.key, signed, signature)
            assert any(t[:16] == header[4] for t in statements), "cites no endorsement at hand"
            items.append((header, payload, rec[1]))
        elif rec[0] == 6:
            have = rows.setdefault(rec[1], (rec[2], []))
            assert have[0] == rec[2] and rec[3] == len(have[1])
            have[1].extend(rec[4])
        elif rec[0] == 12:
            files[rec[1]] = rec[2:]
    out = []
    for i, (header, payload, whole) in enumerate(items):
        salt, raws = rows.get(i, (None, []))
        if header[wire.ITEM][0] == 2:
            assert header[wire.ITEM][3] == len(raws)
            assert wire.tree_root([leaf_of(salt, k, raw) for k, raw in enumerate(raws)]) == payload
        elif i in files:
            raws = files[i]
        else:
            assert wire.sha256(salt + raws[0]) == payload
        out.append((header, raws, whole))
    seqs = [h[wire.ITEM][1] for h, _, _ in out]
    assert seqs == sorted(set(seqs))
    return out


def registered(device, server):
    device.init(server)
    device.run("register")
    return device


# req-test: Y.2247-7.2.1-1
def test_nothing_is_signed_before_the_endorsement(device, server):
    device.init(server)
    refused = device.run("sign", "--json", data=b"1\n2\n", status=1)
    assert refused.stdout == b""
    assert json.loads(refused.stderr)["error"] == "device-unregistered"
    # with --queue the rows wait, and come first once the device is endorsed
    assert json.loads(device.run("sign", "--queue", "--json", data=b"1\n2\n").stdout) == {"queued": 2}
    device.run("register")
    items = items_of(server, device.run("sign", data=b"3\n").stdout)
    assert [raw for _, raws, _ in items for raw in raws] == [b"1\n", b"2\n", b"3\n"]
    items = items_of(server, device.run("sign", data=b"4\n").stdout)
    assert [raw for _, raws, _ in items for raw in raws] == [b"4\n"]


def test_queued_csv_keeps_its_header_first(device, server):
    device.init(server)
    device.run("sign", "--queue", "--format", "csv", data=b"a,b\n1,2\n")
    device.run("sign", "--queue", "--format", "csv", data=b"a,b\n3,4\n")
    device.run("register")
    items = items_of(server, device.run("sign", "--format", "csv", data=b"").stdout)
    assert [(h[259], raws) for h, raws, _ in items] == [
        ("text/csv; header=present", [b"a,b\n", b"1,2\n"]),
        ("text/csv; header=present", [b"a,b\n", b"3,4\n"])]


# req-test: Y.2247-7.1-3
def test_each_device_makes_its_own_key_without_the_network(vouch, tmp_path, server):
    keys = set()
    for i, alg in enumerate(["ES256", "ES256", "EdDSA", "EdDSA", "Ed25519", "ESP256"]):
        (tmp_path / str(i)).mkdir()
        d = Device(vouch, tmp_path / str(i) / "device")
        keys.add(json.loads(d.init(server, "--alg", alg, "--json").stdout)["thumbprint"])
    assert len(keys) == 6 and not server.nonces and not server.requests


def test_ed25519_device(vouch, tmp_path, server):
    d = Device(vouch, tmp_path / "device")
    d.init(server, "--alg", "EdDSA")
    d.run("register")
    items_of(server, d.run("sign", data=b"1\n2\n").stdout)


# req-test: Y.2247-7.2.1-4
@pytest.mark.parametrize("option", [("--imei", "001010000000017"), ("--msisdn", "0123456789"),
                                    ("--iccid", "8900100000000000000")])
def test_identifiers_that_cannot_be_are_refused(vouch, tmp_path, option):
    done = subprocess.run([vouch, "device", "init", "--state", tmp_path / "d", "--custody", "file",
                           *option], capture_output=True, timeout=60)
    assert done.returncode == 1 and not (tmp_path / "d").exists()
    assert option[1].encode() not in done.stderr


def test_custody_is_asked_for_and_shown(device, server, vouch):
    done = subprocess.run([vouch, "device", "init", "--state", device.folder, "--imei",
                           "001010000000016"], capture_output=True, timeout=60)
    assert done.returncode == 64 and b"no trusted environment" in done.stderr
    assert not device.folder.exists()
    device.init(server)
    status = json.loads(device.run("status", "--json").stdout)
    assert status["custody"] == "file" and status["trusted_environment"] is False
    key = (device.folder / "key.pem").read_text()
    assert "ENCRYPTED" in key
    assert oct((device.folder / "key.pem").stat().st_mode & 0o777) == "0o600"


def test_policy_that_asks_for_hardware_refuses_a_file(device, server):
    done = device.init(server, "--require-trusted", "--json", status=1)
    assert json.loads(done.stderr)["error"] == "device-untrusted"


def test_state_that_was_changed_is_detected(device, server):
    registered(device, server)
    state = device.folder / "state"
    good = state.read_bytes()
    for at in range(0, len(good), 97):
        state.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        done = device.run("status", "--json", status=1)
        assert json.loads(done.stderr)["error"] == "device-state-altered"
    state.write_bytes(good)
    device.run("status")


def test_identifiers_are_in_no_output(device, server):
    registered(device, server)
    for verb in (["status"], ["status", "--json"], ["follow", "--once"]):
        done = device.run(*verb)
        assert b"001010000000016" not in done.stdout + done.stderr


# req-test: Y.2247-8.2-1
def test_lost_answer_is_repeated_with_the_same_request(device, server):
    device.init(server)
    server.drop_answers = 2  # the client tries a kept connection once more by itself
    assert device.run("register", status=2).stdout == b""
    done = device.run("register", "--json")
    assert len(server.lineages) == 1
    assert server.requests[0] == server.requests[-1]
    (line,) = server.lineages.values()
    assert json.loads(done.stdout)["txid"] == line.txid.hex()


def test_answer_of_another_as_is_refused(device, server):
    device.init(server)
    server.as_key = wire.Key()
    done = device.run("register", "--json", status=1)
    assert json.loads(done.stderr)["error"] == "device-as-other"
    assert json.loads(device.run("status", "--json").stdout)["phase"] == "requested"


NASTY = [b"", b"\n", b"\0\n", b"a\r\n", b"\xff\xfe\n", b"x" * 1_500_000 + b"\n", b"no end"]


# req-test: Y.2247-7.2.3-2, Y.2247-7.2.3-3
@pytest.mark.parametrize("batch", ["1", "3", "1000"])
def test_lines_keep_every_byte(device, server, batch):
    registered(device, server)
    data = b"".join(NASTY)
    items = items_of(server, device.run("sign", "--batch", batch, data=data).stdout)
    raws = [raw for _, raws, _ in items for raw in raws]
    assert b"".join(raws) == data
    assert all(raw.count(b"\n") == 1 for raw in raws[:-1])
    assert items[0][0][wire.POINTER][1:] == [server.ledger_id, server.url]


def test_csv_has_its_header_once_and_keeps_quoted_line_ends(device, server):
    registered(device, server)
    data = b'time,text\r\n1,"two\nlines"\r\n2,"a ""quoted"" word"\r\n3,end'
    items = items_of(server, device.run("sign", "--format", "csv", "--batch", "2", data=data).stdout)
    assert [raws for _, raws, _ in items] == [
        [b"time,text\r\n", b'1,"two\nlines"\r\n'], [b'2,"a ""quoted"" word"\r\n', b"3,end"]]
    assert [h[259] for h, _, _ in items] == ["text/csv; header=present", "text/csv; header=absent"]


def test_raw_files_of_any_size(device, server, tmp_path):
    registered(device, server)
    small, big, empty = tmp_path / "small", tmp_path / "big.bin", tmp_path / "empty"
    small.write_bytes(bytes(range(256)))
    empty.write_bytes(b"")
    with open(big, "wb") as f:
        f.truncate(40 << 20)
    out = tmp_path / "out.vouch"
    device.run("sign", "--format", "raw", "-o", out, small, big, empty)
    items = items_of(server, out.read_bytes())
    assert items[0][1] == [small.read_bytes()] and items[2][1] == [b""]
    salt, length, name = items[1][1]
    assert (length, name) == (40 << 20, "big.bin")
    payload = wire.open1(items[1][2])[2]
    assert hashlib.sha256(salt + big.read_bytes()).digest() == payload


def test_pointer_inline_or_once(device, server):
    registered(device, server)
    once = items_of(server, device.run("sign", "-b", "1", data=b"1\n2\n3\n").stdout)
    assert [wire.POINTER in h for h, _, _ in once] == [True, False, False]
    inline = items_of(server,
                      device.run("sign", "-b", "1", "--pointer", "inline", data=b"1\n2\n").stdout)
    assert [wire.POINTER in h for h, _, _ in inline] == [True, True]


# req-test: Y.2247-8.2-2, Y.2247-8.2-3
def test_updates_are_taken_and_rollbacks_refused(device, server):
    registered(device, server)
    server.update()
    latest = server.update()
    done = device.run("follow", "--once", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["txid"] == wire.sha256(latest[1]).hex()
    items = items_of(server, device.run("sign", data=b"x\n").stdout)
    assert items[0][0][wire.POINTER][0] == wire.sha256(latest[1])
    # the AS answers with an older one, and with one of another subject
    (line,) = server.lineages.values()
    server.update()
    for ack in (line.acks[1], forged(server, line)):
        server.mend = lambda _, ack=ack: ack
        refused = device.run("follow", "--once", "--json", status=1)
        assert json.loads(refused.stderr)["error"] in ("device-rollback", "device-lineage-other")
    assert json.loads(device.run("status", "--json").stdout)["seq"] == 2


# req-test: Y.2247-8.2-1
def test_power_loss_between_acknowledgement_and_state(device, server):
    """The acknowledgement is written first: with it alone the device comes up to date."""
    registered(device, server)
    before = (device.folder / "state").read_bytes()
    latest = server.update()
    device.run("follow", "--once")
    (device.folder / "state").write_bytes(before)
    assert json.loads(device.run("status", "--json").stdout)["txid"] == wire.sha256(latest[1]).hex()
    # and a torn file of an interrupted write is no obstacle
    (device.folder / "state.tmp").write_bytes(before[:100])
    items_of(server, device.run("sign", data=b"x\n").stdout)


def forged(server, line):
    """An endorsement of the same registration under another subject."""
    import copy

    other = copy.copy(line)
    other.subject, other.acks = os.urandom(16), list(line.acks)
    return server.endorse(other, 2)


def test_updates_are_pushed(device, server):
    registered(device, server)
    later = threading.Timer(0.5, server.update)
    later.start()
    done = device.run("follow", "--count", "1", "--json")
    later.join()
    assert json.loads(done.stdout)["seq"] == 1
    assert json.loads(device.run("status", "--json").stdout)["seq"] == 1


def test_retired_device_stops(device, server):
    registered(device, server)
    server.update(3)
    device.run("follow", "--once")
    done = device.run("sign", "--json", data=b"x\n", status=1)
    assert done.stdout == b"" and json.loads(done.stderr)["error"] == "device-retired"


def test_anchor_covers_every_item(device, server, tmp_path):
    registered(device, server)
    out = tmp_path / "readings.vouch"
    device.run("sign", "-b", "1", "-o", out, data=b"1\n2\n3\n4\n5\n")
    before = out.read_bytes()
    done = json.loads(device.run("anchor", "--json", out).stdout)
    assert done["items"] == 5 and done["receipt_verified"]
    (claims,) = server.anchors
    recs = wire.bundle_check(out.read_bytes())
    assert wire.bundle_check(before) == recs[:len(wire.bundle_check(before))]
    items = [r[1] for r in recs if r[0] == 5]
    assert wire.tree_root([wire.leaf_hash(wire.sha256(i)) for i in items]) == claims[1]
    places = [r for r in recs if r[0] == 8]
    assert [r[1] for r in places] == [0, 1, 2, 3, 4]
    for _, item, txid, index, path in places:
        assert txid.hex() == done["txid"]
        leaf = wire.leaf_hash(wire.sha256(items[item]))
        assert wire.root_from_path(leaf, index, claims[2], path) == claims[1]


def test_killed_while_signing_no_number_is_used_twice(device, server):
    registered(device, server)
    seen = set()
    for _ in range(5):
        p = subprocess.Popen([device.vouch, "device", "sign", "-b", "1", "--state", device.folder,
                              "-p", device.passphrase], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        p.stdin.write(b"row\n" * 40)
        p.stdin.flush()
        bundle = b""
        while bundle.count(b"row\n") < 40:
            bundle += os.read(p.stdout.fileno(), 65536)
        p.kill()
        p.wait()
        p.stdin.close()
        p.stdout.close()
        for value, _ in wire.records(bundle):
            if value[0] == 5:
                seq = wire.open1(value[1])[0][wire.ITEM][1]
                assert seq not in seen
                seen.add(seq)
    assert len(seen) == 200


def test_two_processes_share_a_device(device, server, tmp_path):
    registered(device, server)
    outs = [tmp_path / f"{i}.vouch" for i in range(3)]
    ps = [subprocess.Popen([device.vouch, "device", "sign", "-b", "1", "--state", device.folder, "-p",
                            device.passphrase, "-o", out], stdin=subprocess.PIPE) for out in outs]
    for p in ps:
        p.stdin.write(b"row\n" * 150)
    for p in ps:
        p.stdin.close()
        assert p.wait(timeout=60) == 0
    seqs = [h[wire.ITEM][1] for out in outs for h, _, _ in items_of(server, out.read_bytes())]
    assert len(seqs) == len(set(seqs)) == 450


def test_old_rows_are_signed_without_waiting_for_more(device, server):
    registered(device, server)
    p = subprocess.Popen([device.vouch, "device", "sign", "-b", "1000", "--max-age", "200", "--state",
                          device.folder, "-p", device.passphrase], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
    p.stdin.write(b"lonely\n")
    p.stdin.flush()
    bundle = b""
    while b"lonely\n" not in bundle:
        bundle += os.read(p.stdout.fileno(), 65536)
    p.stdin.close()
    bundle += p.stdout.read()
    assert p.wait(timeout=30) == 0
    items_of(server, bundle)
