"""`vouch ledger` on a ledger of some hundred entries, and its export read by Go's transparency log
packages."""
import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import program

GO = pathlib.Path(__file__).parent / "go"
ID = "ledger.test.example/divs"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger") / "divs"
    subprocess.run([program("tests/interop/vch_ledger_fill"), folder, "280"], check=True, timeout=120)
    return folder


def run(*args, status=0):
    done = subprocess.run([program("apps/vouch"), "ledger", *args, "--json"], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    if status == 64:
        return done.stderr
    return json.loads(done.stdout.splitlines()[0] if status == 0 else done.stderr)


def test_fsck_is_clean(ledger):
    report = run("fsck", "--dir", ledger)
    assert report["clean"] and report["statements"] == 280 and report["ledger"] == ID
    assert report["view"] and report["torn_bytes"] == 0


def test_entries_and_proofs(ledger, tmp_path):
    entry = run("get", "--dir", ledger, "--index", "2", "--out", tmp_path / "e", "--receipt", tmp_path / "r")
    assert not entry["system"] and (tmp_path / "r").stat().st_size > 100
    again = run("get", "--dir", ledger, entry["txid"])
    assert again == entry
    assert run("prove", "--dir", ledger, "transaction", entry["txid"])["present"]
    assert not run("prove", "--dir", ledger, "transaction", "00" * 32)["present"]
    run("get", "--dir", ledger, "00" * 32, status=1)
    run("get", "--dir", ledger, status=64)
    run("prove", "--dir", ledger, "nothing", "00", status=64)


def test_consistency(ledger):
    head = run("head", "--dir", ledger)
    size, root = str(head["size"]), head["root"]
    assert run("consistency", "--dir", ledger, size, root)["consistent"]
    run("consistency", "--dir", ledger, size, "00" * 32, status=1)
    run("consistency", "--dir", ledger, str(head["size"] + 1), root, status=1)


def test_damage_is_named(ledger, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(ledger, copy)
    segment = copy / "log" / "00000000.vlog"
    data = bytearray(segment.read_bytes())
    data[5000] ^= 4
    segment.write_bytes(data)
    problem = run("fsck", "--dir", copy, status=2)
    assert "log/00000000.vlog" in json.dumps(problem)


def test_export_with_go(ledger, tmp_path):
    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    tool = tmp_path / "export"
    folder = tmp_path / "go"
    shutil.copytree(GO, folder)
    built = subprocess.run(["go", "build", "-o", tool, "./export"], cwd=folder, capture_output=True, text=True,
                           timeout=300)
    if built.returncode != 0:
        if "main.go" in built.stderr:
            pytest.fail(built.stderr)
        pytest.skip(f"the Go modules are not to be had: {built.stderr[-300:]}")
    tiles = tmp_path / "tiles"
    done = run("export", "--dir", ledger, "--to", tiles)
    assert done["size"] > 280
    read = subprocess.run([tool, tiles, done["vkey"]], capture_output=True, text=True, timeout=120)
    assert read.returncode == 0, read.stderr
    assert read.stdout.startswith(f"{done['size']} records")
    assert run("export", "--dir", ledger, "--to", tiles) == done  # again: nothing changes
    full = tiles / "tile" / "0" / "000"
    assert full.stat().st_size == 8192
    changed = bytearray(full.read_bytes())
    changed[40] ^= 1
    full.write_bytes(changed)
    assert subprocess.run([tool, tiles, done["vkey"]], capture_output=True, timeout=120).returncode == 1
