#!/usr/bin/env python3
"""Sets the requirement rows of req/*.toml beside their citations in code and tests.

    tools/reqtrace.py [--summary] [--open] [--all] [--clause 7.2] [--json] [--root FOLDER]

A comment says `req: Y.2247-7.2.3-2` in code and `req-test: Y.2247-7.2.3-2` in a test; several ids are
separated by commas. A row is then demonstrated (both), code only, test only, or open.
req/exceptions.toml gives the reason of an open row, and what closes it. It is an error to cite an
unknown id, to cite a row in code and in no test, or to list a row that is demonstrated as open.
"""
import argparse
import collections
import json
import os
import re
import sys
import textwrap
import tomllib

import tree

# A citation may run over lines of a comment, and an id may be followed by a remark in parentheses.
ONE = r"[XY]\.\d{4}-[\w.-]*\w"
CITE = re.compile(r"(?<![\w-])(req|req-test):\s*(" + ONE + r"(?:\s*(?:\([^)]*\))?\s*,\s*(?:(?:\*|#|//)\s*)?" + ONE + r")*)")
CODE = ("src/", "apps/", "device/", "include/", "demo/", "bench/", "docs/")
TESTS = ("tests/", "fuzz/")
STATES = ("demonstrated", "code only", "test only", "open")


def load(path):
    with open(path, "rb") as f:
        return tomllib.load(f)


def read_catalogues(folder):
    rows = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".toml") and name != "exceptions.toml":
            for row in load(os.path.join(folder, name)).get("requirement", []):
                rows[row["id"]] = row
    return rows


def read_exceptions(folder):
    path = os.path.join(folder, "exceptions.toml")
    return {e["id"]: e for e in load(path).get("exception", [])} if os.path.exists(path) else {}


def citations(root):
    """(kind, id, place) of every citation."""
    for path in tree.files("*", root=root):
        if not path.startswith(CODE + TESTS) or path.startswith("tests/tools/"):
            continue
        try:
            with open(os.path.join(root, path), encoding="utf-8") as f:
                text = f.read()
        except UnicodeDecodeError:
            continue
        for m in CITE.finditer(text):
            for i in re.findall(ONE, re.sub(r"\([^)]*\)", "", m.group(2))):
                yield m.group(1), i, f"{path}:{tree.line_of(text, m.start())}"


def build(root, folder):
    """The matrix, a row each in the order of the catalogues, and what is wrong."""
    rows, exceptions = read_catalogues(folder), read_exceptions(folder)
    cited = {i: {"req": [], "req-test": []} for i in rows}
    faults = [f"req/exceptions.toml: unknown id {i}" for i in exceptions if i not in rows]
    for kind, i, place in citations(root):
        if i not in rows:
            faults.append(f"{place}: unknown id {i}")
            continue
        cited[i][kind].append(place)
        if kind == "req-test" and not place.startswith(TESTS):
            faults.append(f"{place}: req-test outside tests")
    matrix = []
    for i, row in rows.items():
        code, tests = cited[i]["req"], cited[i]["req-test"]
        state = STATES[(0 if tests else 1) if code else (2 if tests else 3)]
        exception = exceptions.get(i, {})
        if state == "code only":
            faults.append(f"{i} is cited in code ({code[0]}) but in no test")
        if exception and state == "demonstrated":
            faults.append(f"{i} is demonstrated, but req/exceptions.toml calls it open")
        matrix.append({"id": i, "level": row["level"], "kind": row["kind"], "state": state, "code": code,
                       "tests": tests, "text": row["text"], "reason": exception.get("reason", ""),
                       "closes": exception.get("closes", "")})
    return matrix, faults


def document(row):
    return row["id"].split("-")[0]


def clause(row):
    return row["id"].split("-")[1]


def in_clause(row, wanted):
    """WANTED is 7, 7.2, Y.2247 or Y.2247-7.2."""
    if re.match(r"[XY]\.", wanted):
        wanted_document, _, wanted = wanted.partition("-")
        if document(row) != wanted_document:
            return False
    return not wanted or clause(row) == wanted or clause(row).startswith(wanted + ".")


def show(rows):
    head = None
    for r in rows:
        if (document(r), clause(r)) != head:
            head = (document(r), clause(r))
            print(f"\n{head[0]} clause {head[1]}")
        line = f"  {r['id']:<18} {r['level']:<11} {r['kind']:<11} {r['state']:<12}"
        if r["state"] == "open":
            print(f"{line} {r['reason']}".rstrip())
        else:
            print(f"{line} {len(r['code'])} in code, {len(r['tests'])} in tests: "
                  + " | ".join((r["code"][:1] + r["tests"][:1])))


def show_open(matrix):
    """The open software rows of the documents that are begun; those without a reason by id only."""
    begun = {document(r) for r in matrix if r["state"] != "open" or r["reason"]}
    left = [r for r in matrix if r["state"] == "open" and r["kind"] == "software" and document(r) in begun]
    for r in left:
        if r["reason"]:
            print(textwrap.fill(f"open {r['id']}: {r['reason']} (closed by: {r['closes']})", 110,
                                subsequent_indent="     "))
    without = [r["id"] for r in left if not r["reason"]]
    if without:
        print(textwrap.fill("open without a stated reason: " + ", ".join(without), 110, subsequent_indent="     ",
                            break_on_hyphens=False))


def summary(matrix):
    for name in sorted({document(r) for r in matrix}):
        rows = [r for r in matrix if document(r) == name]
        count = collections.Counter(r["state"] for r in rows)
        reasons = sum(bool(r["reason"]) for r in rows if r["state"] == "open")
        print(f"{name}: {len(rows)} rows: {count['demonstrated']} demonstrated, {count['code only']} code only, "
              f"{count['test only']} test only, {count['open']} open ({reasons} with a stated reason)")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--summary", action="store_true", help="counts and open rows only")
    p.add_argument("--open", action="store_true", help="only rows that are not demonstrated")
    p.add_argument("--all", action="store_true", help="also every row of documents that are not begun")
    p.add_argument("--clause", default="", help="7, 7.2, Y.2247 or Y.2247-7.2")
    p.add_argument("--json", action="store_true")
    p.add_argument("--root", default=".")
    p.add_argument("--req", help="folder of the catalogues (ROOT/req)")
    a = p.parse_args()
    matrix, faults = build(a.root, a.req or os.path.join(a.root, "req"))
    chosen = [r for r in matrix if in_clause(r, a.clause)]
    if a.open:
        chosen = [r for r in chosen if r["state"] != "demonstrated"]
    if a.json:
        print(json.dumps({"rows": chosen, "faults": faults}, indent=1))
        return bool(faults)
    if a.summary:
        show_open(chosen)
    else:
        begun = {document(r) for r in matrix if r["state"] != "open" or r["reason"]}
        show([r for r in chosen if a.all or a.clause or document(r) in begun])
        print()
    summary([r for r in matrix if in_clause(r, a.clause)])
    for fault in faults:
        print("FAULT", fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
