#!/usr/bin/env python3
"""The program `vouch verify` over the tampering corpus: verdict, code, exit status, in JSON and in words.

req-test: Y.2247-7.2.3-5 (exit status and machine-readable reasons), Y.2247-7.1-12
"""
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

EXIT = {"valid": 0, "invalid": 1, "cannot evaluate": 2}


def main():
    vouch, make = sys.argv[1:3]
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([make, folder], check=True, capture_output=True)
        rows = [r.split("\t") for r in (folder / "expected.tsv").read_text().splitlines()]
        assert len(rows) >= 25
        for name, verdict, code, at_ms, option in rows:
            at = datetime.datetime.fromtimestamp(int(at_ms) / 1000, datetime.timezone.utc)
            command = [vouch, "verify", "--offline", "--trust", folder / "trust.json",
                       "--at", at.strftime("%Y-%m-%dT%H:%M:%SZ"), folder / (name + ".vouch")]
            if option != "-":
                command.insert(2, option)
            got = subprocess.run(command + ["--json"], capture_output=True, text=True, timeout=60)
            doc = json.loads(got.stdout)
            words = subprocess.run(command, capture_output=True, text=True, timeout=60)
            last = words.stdout.splitlines()[-1]
            if (doc["verdict"], doc["code"] or "-", got.returncode) != (verdict, code, EXIT[verdict]):
                wrong.append(f"{name}: {doc['verdict']} {doc['code']} exit {got.returncode}")
            if words.returncode != EXIT[verdict] or not last.startswith(verdict):
                wrong.append(f"{name}: exit {words.returncode}: {last}")
            if verdict != "valid" and code not in words.stdout:
                wrong.append(f"{name}: the code is not named")
            if "\x1b" in words.stdout:
                wrong.append(f"{name}: colours without a terminal")
        # The same through standard input.
        data = (folder / "valid.vouch").read_bytes()
        at = "2026-10-01T00:00:00Z"
        got = subprocess.run([vouch, "verify", "--offline", "--trust", folder / "trust.json", "--at", at, "-"],
                             input=data, capture_output=True, timeout=60)
        if got.returncode != 0:
            wrong.append(f"standard input: exit {got.returncode} {got.stdout.decode()}")
        # Several files: the worst counts.
        got = subprocess.run([vouch, "verify", "--offline", "--trust", folder / "trust.json", "--at", at,
                              folder / "valid.vouch", folder / "data-byte.vouch"], capture_output=True, timeout=60)
        if got.returncode != 1:
            wrong.append(f"several files: exit {got.returncode}")
        # No trust, no file, no sense.
        for arguments, status in ((["--trust", "/nonexistent"], 2), ([], 64), (["--frobnicate"], 64)):
            command = [vouch, "verify", "--offline", *arguments]
            if status != 64:
                command.append(folder / "valid.vouch")
            got = subprocess.run(command, capture_output=True, timeout=60)
            if got.returncode == 0 or (status == 64 and got.returncode != 64):
                wrong.append(f"{arguments}: exit {got.returncode}")
    print("\n".join(wrong))
    return bool(wrong)


sys.exit(main())
