#!/usr/bin/env python3
"""Sets the requirement rows of req/*.toml beside their citations in code and tests.

    tools/reqtrace.py [--summary] [--json] [--clause Y.2247-7] [--open]

In code a comment says `req: Y.2247-7.2.3-2`, in a test `req-test: Y.2247-7.2.3-2`; several ids are
separated by commas. It fails on an unknown id, on a row cited in code without a test, and on a
row that req/exceptions.toml calls open although it is demonstrated.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tomllib

ID = r"[XY]\.\d{4}-[\w.]+-\d+"
CITE = re.compile(r"\b(req|req-test):\s*(" + ID + r"(?:\s*(?:\([^)]*\))?\s*,\s*(?:\*\s*)?" + ID + r")*)")
CODE = ("src/", "apps/", "device/", "include/", "demo/", "bench/")
TESTS = ("tests/", "fuzz/")


def read_catalogues(folder):
    rows = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".toml") and name != "exceptions.toml":
            with open(os.path.join(folder, name), "rb") as f:
                for row in tomllib.load(f)["requirement"]:
                    rows[row["id"]] = row
    return rows


def read_exceptions(folder):
    path = os.path.join(folder, "exceptions.toml")
    if not os.path.exists(path):
        return {}
    with open(path, "rb") as f:
        return {e["id"]: e for e in tomllib.load(f).get("exception", [])}


def files(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True,
                         text=True, check=False).stdout.splitlines()
    if not out:
        out = [os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs]
    return [p for p in out if p.startswith(CODE + TESTS)]


def citations(root):
    """(kind, id, place) of every citation. A citation's ids may run over lines of a comment."""
    for path in files(root):
        try:
            with open(os.path.join(root, path), encoding="utf-8") as f:
                text = f.read()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for m in CITE.finditer(text):
            line = text.count("\n", 0, m.start()) + 1
            for i in re.findall(ID, m.group(2)):
                yield m.group(1), i, f"{path}:{line}"


def state_of(code, tests):
    if code and tests:
        return "demonstrated"
    return "code only" if code else "test only" if tests else "open"


def clause_key(row_id):
    return [int(x) if x.isdigit() else x for x in re.split(r"[.-]", row_id)]


def build(root, folder):
    rows, exceptions = read_catalogues(folder), read_exceptions(folder)
    cited = {i: {"req": [], "req-test": []} for i in rows}
    faults = []
    for kind, i, place in citations(root):
        if i not in rows:
            faults.append(f"{place}: unknown id {i}")
            continue
        cited[i][kind].append(place)
        in_tests = place.startswith(TESTS)
        if kind == "req-test" and not in_tests:
            faults.append(f"{place}: req-test outside tests")
    matrix = []
    for i, row in rows.items():
        c, t = cited[i]["req"], cited[i]["req-test"]
        state = state_of(c, t)
        if c and not t:
            faults.append(f"{i} is cited in code ({c[0]}) but in no test")
        if t and not c:
            faults.append(f"{i} is cited in a test ({t[0]}) but in no code")
        if i in exceptions and state == "demonstrated":
            faults.append(f"{i} is demonstrated, but req/exceptions.toml calls it open")
        matrix.append({"id": i, "level": row["level"], "kind": row["kind"], "state": state, "code": c,
                       "tests": t, "text": row["text"], "reason": exceptions.get(i, {}).get("reason", ""),
                       "closes": exceptions.get(i, {}).get("closes", "")})
    faults += [f"req/exceptions.toml: unknown id {i}" for i in exceptions if i not in rows]
    return matrix, faults


def show(matrix, only_open):
    for r in matrix:
        if only_open and r["state"] == "demonstrated":
            continue
        print(f"{r['id']:<20} {r['level']:<12} {r['kind']:<12} {r['state']:<13}"
              + (f" {len(r['code'])} in code, {len(r['tests'])} in tests: {r['code'][0]} / {r['tests'][0]}"
                 if r["state"] == "demonstrated" else f" {r['reason']}" if r["reason"] else ""))


def summary(matrix):
    for family in sorted({r["id"].split("-")[0] for r in matrix}):
        rows = [r for r in matrix if r["id"].startswith(family + "-")]
        done = sum(r["state"] == "demonstrated" for r in rows)
        print(f"{family}: {done} of {len(rows)} rows demonstrated, "
              f"{sum(bool(r['reason']) for r in rows)} open with a stated reason, "
              f"{sum(r['state'] == 'open' and not r['reason'] for r in rows)} open")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--summary", action="store_true")
    p.add_argument("--json", action="store_true")
    p.add_argument("--open", action="store_true")
    p.add_argument("--clause", default="")
    p.add_argument("--root", default=".")
    p.add_argument("--req", default=None)
    a = p.parse_args()
    matrix, faults = build(a.root, a.req or os.path.join(a.root, "req"))
    matrix = sorted((r for r in matrix if r["id"].startswith(a.clause)), key=lambda r: [str(x) for x in clause_key(r["id"])])
    if a.json:
        print(json.dumps({"rows": matrix, "faults": faults}, indent=1))
    else:
        if not a.summary:
            show([r for r in matrix if a.clause or a.open is False or r["state"] != "demonstrated"]
                 if a.clause else [r for r in matrix if r["state"] != "open" or r["reason"]], a.open)
        summary(matrix)
        for f in faults:
            print("FAULT", f)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
