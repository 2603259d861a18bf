#!/usr/bin/env python3
"""`vouch bundle` and `vouch trust`: what is joined, extracted, stripped or closed still verifies.

req-test: Y.2247-10.1-3 (each record keeps its own proof), Y.2247-7.2.3-1, Y.2247-10.1-7
"""
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

VOUCH, MAKE = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
AT = "2026-10-01T00:00:00Z"
wrong = []


def run(folder, *args, data=None):
    return subprocess.run([VOUCH, *args], cwd=folder, input=data, capture_output=True, timeout=60)


def verify(folder, name):
    got = run(folder, "verify", "--offline", "--trust", "trust.json", "--at", AT, "--json", name)
    return got.returncode, json.loads(got.stdout)


def expect(condition, what):
    if not condition:
        wrong.append(what)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([MAKE, folder], check=True, capture_output=True)

        got = run(folder, "bundle", "extract", "--rows", "0,2-3", "-o", "rows.vouch", "valid.vouch")
        expect(got.returncode == 0, f"extract: {got.stderr}")
        code, doc = verify(folder, "rows.vouch")
        expect(code == 0 and (doc["rows"], doc["headers"]) == (2, 1), f"rows: {doc}")
        expect("partial-data" in doc["sources"][0]["items"][0]["notes"], "rows: no note")
        whole = (folder / "valid.vouch").read_bytes()
        rows = (folder / "rows.vouch").read_bytes()
        expect(b"meter-0;1;5;" in whole and b"meter-0;1;5;" not in rows, "a row not chosen is shown")
        expect(b"\x41" * 32 in whole and b"\x41" * 32 not in rows, "the seed opens all rows")

        got = run(folder, "bundle", "extract", "--rows", "2", "rows.vouch")
        (folder / "one.vouch").write_bytes(got.stdout)
        code, doc = verify(folder, "one.vouch")
        expect(code == 0 and doc["rows"] == 1, f"one: {doc}")
        for choice in ("1", "0,5", "7", "3-99"):
            got = run(folder, "bundle", "extract", "--rows", choice, "-o", "no.vouch", "rows.vouch")
            expect(got.returncode == 64 and not (folder / "no.vouch").exists(), f"rows {choice}: {got}")
        got = run(folder, "bundle", "extract", "--rows", "1", "-o", "no.vouch", "data-byte.vouch")
        expect(got.returncode == 1 and b"data-altered" in got.stderr, f"altered: {got}")

        got = run(folder, "bundle", "extract", "--item", "1", "-o", "item.vouch", "valid.vouch")
        code, doc = verify(folder, "item.vouch")
        expect(code == 0 and doc["items"] == 1 and doc["rows"] == 1, f"item: {doc}")

        got = run(folder, "bundle", "strip", "-o", "strip.vouch", "valid.vouch")
        code, doc = verify(folder, "strip.vouch")
        expect(code == 0 and doc["items"] == 2 and doc["bytes"] == 0, f"strip: {doc}")
        expect(b"meter-0" not in (folder / "strip.vouch").read_bytes(), "stripped data is shown")

        code, doc = verify(folder, "valid-open-stream.vouch")
        expect(code == 0 and doc["openStream"], f"open: {doc}")
        got = run(folder, "bundle", "close", "valid-open-stream.vouch")
        code, doc = verify(folder, "valid-open-stream.vouch")
        expect(code == 0 and not doc["openStream"], f"close: {doc}")
        expect(run(folder, "bundle", "close", "valid-open-stream.vouch").returncode == 64, "closed twice")
        expect(run(folder, "bundle", "close", "truncated.vouch").returncode == 1, "a damaged one closed")

        got = run(folder, "bundle", "make", "--offline", "--trust", "trust.json", "-o", "joined.vouch",
                  "rows.vouch", "item.vouch", "item.vouch")
        expect(got.returncode == 0 and b"1 repeated" in got.stderr, f"make: {got.stderr}")
        code, doc = verify(folder, "joined.vouch")
        expect(code == 0 and doc["items"] == 2 and doc["rows"] == 3, f"make: {doc}")

        # What is no regular file is written to and stays what it is.
        os.mkfifo(folder / "fifo")
        reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        got = run(folder, "bundle", "strip", "-o", "fifo", "valid.vouch")
        expect(got.returncode == 0 and stat.S_ISFIFO((folder / "fifo").stat().st_mode), f"fifo: {got}")
        expect(os.read(reader, 1 << 20) == (folder / "strip.vouch").read_bytes(), "fifo: other bytes")
        os.close(reader)

        # A verdict that cannot be written is no success.
        with open("/dev/full", "wb") as full:
            got = subprocess.run([VOUCH, "verify", "--offline", "--trust", "trust.json", "--at", AT,
                                  "valid.vouch"], cwd=folder, stdout=full, stderr=subprocess.PIPE, timeout=60)
        expect(got.returncode == 2, f"full: {got}")

        # Mistakes are told as JSON, too, wherever --json stands.
        for mistake in (["verify", "--frobnicate", "--json"], ["bundle", "--json"], ["--json", "nonsense"],
                        ["nonsense", "--json"], ["bundle", "make", "--json"]):
            got = run(folder, *mistake)
            expect(got.returncode == 64 and json.loads(got.stderr)["error"] == "usage", f"{mistake}: {got}")
        got = run(folder, "bundle", "--frobnicate")
        expect(got.returncode == 64, f"option before the command: {got}")

        shown = run(folder, "bundle", "show", "--data", "valid.vouch").stdout.decode()
        for part in ("endorsement: register, seq 0", "standing = 1", "0: meter-0;1;0;0.000", "end after"):
            expect(part in shown, f"show: {part}")
        expect(run(folder, "bundle", "show", "any-byte.vouch").returncode == 1, "show: damage unnoticed")

        # What goes on is valid alone; the verdict over everything stays what it is.
        got = run(folder, "verify", "--offline", "--trust", "trust.json", "--at", AT, "--valid-to", "good.vouch",
                  "data-byte.vouch")
        expect(got.returncode == 1, f"valid-to: {got}")
        code, doc = verify(folder, "good.vouch")
        expect(code == 0 and doc["items"] == 1, f"valid-to: {doc}")
        expect(b"meter-0" not in (folder / "good.vouch").read_bytes(), "altered data went on")
        for bad in ("key-swapped.vouch", "receipt-stripped.vouch"):
            got = run(folder, "verify", "--offline", "--trust", "trust.json", "--at", AT, "--valid-to", "none.vouch", bad)
            expect(got.returncode != 0 and not (folder / "none.vouch").exists(), f"valid-to {bad}")

        # Trust files.
        expect(run(folder, "trust", "check", "trust.json").returncode == 0, "trust check")
        text = (folder / "trust.json").read_text()
        doc = json.loads(text)
        pem = doc["as"][0]["ca"][0]
        (folder / "ca.pem").write_text(pem)
        (folder / "ledger.jwk").write_text(json.dumps(doc["ledgers"][0]["keys"][0]))
        got = run(folder, "trust", "add", "-t", "new.json", "--ledger", doc["ledgers"][0]["id"], "--key", "ledger.jwk")
        expect(got.returncode == 0, f"trust add: {got.stderr}")
        got = run(folder, "trust", "add", "-t", "new.json", "--as", doc["as"][0]["id"], "--url", doc["as"][0]["url"],
                  "--ca", "ca.pem", "--on", doc["ledgers"][0]["id"])
        expect(got.returncode == 0, f"trust add: {got.stderr}")
        got = run(folder, "verify", "--offline", "--trust", "new.json", "--at", AT, "valid.vouch")
        expect(got.returncode == 0, f"new trust: {got.stdout}")
        got = run(folder, "trust", "add", "-t", "new.json", "--as", "as2.example", "--on", "nowhere.example", "--ca", "ca.pem")
        expect(got.returncode == 64, "an AS on an unknown ledger was added")
        expect(run(folder, "trust", "check", "new.json").returncode == 0, "a refused addition changed the file")
        for old, new in (('"version":1', '"version":2'), ('"ledgers":["', '"ledgres":["'), ('"crv":"P-256"', '"crv":"P-999"'),
                         ('"kty"', '"d":"AA","kty"'), ("{", "", )):
            (folder / "bad.json").write_text(text.replace(old, new, 1))
            got = run(folder, "trust", "check", "bad.json")
            expect(got.returncode != 0, f"trust: {old} -> {new}")
    print("\n".join(wrong))
    return bool(wrong)


sys.exit(main())
