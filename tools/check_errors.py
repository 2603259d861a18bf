#!/usr/bin/env python3
"""Checks the table of errors: unique names, slugs and numbers, each number in the hundred of its
heading, texts of the right form, known kinds and exit statuses, and every error in use.

    tools/check_errors.py [--root FOLDER]
"""
import argparse
import re
import sys

import tree

TABLE = "src/base/include/vouch/base/errors.def"
ROW = re.compile(r'VCH_ERROR\(\s*(\w+),\s*"([^"]*)",\s*(\w+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(.*?)\)\s*(?=\Z|VCH_ERROR|/\*)',
                 re.S)
HEADING = re.compile(r"/\* ---- ([\w, +]+): (\d+)")
EXITS = {"1", "2", "64", "70"}


def strings(text):
    """The C string literals of TEXT, joined where only white space lies between."""
    out, apart = [], True
    for m in re.finditer(r'"((?:[^"\\]|\\.)*)"|,', text):
        if m.group(0) == ",":
            apart = True
        elif apart:
            out.append(m.group(1))
            apart = False
        else:
            out[-1] += m.group(1)
    return out


def words_in_code(root):
    """Words of upper case outside comments and strings, outside the table. Tests count: one may stand for the
    other side of an interface that no program of ours implements."""
    words = set()
    for path in tree.files("src/*.c", "src/*.h", "src/*.def", "apps/*.c", "apps/*.h", "tests/*.c", root=root):
        if path != TABLE:
            words |= {re.sub(r"^VCH_E_(\w+)_CODE$", r"\1", word) for word in
                      re.findall(r"\b[A-Z][A-Z0-9_]*\b", tree.code_only(tree.read(path, root)))}
    return words


def check_row(row, hundred, faults):
    name, slug, kind, number, http, status, rest = row
    if int(number) // 100 != hundred // 100:
        faults.append(f"{name}: number {number} is outside the heading's hundred {hundred}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        faults.append(f"{name}: slug {slug} is not of the form word-word")
    if not 400 <= int(http) <= 599:
        faults.append(f"{name}: HTTP status {http} is no failure")
    if status not in EXITS:
        faults.append(f"{name}: exit status {status} is none of {', '.join(sorted(EXITS, key=int))}")
    if (kind == "BUG") != (status == "70"):
        faults.append(f"{name}: exit status 70 belongs to kind BUG and to no other")
    texts = strings(rest)
    if len(texts) != 3:
        faults.append(f"{name}: wants text, cause and remedy")
    for what, text in zip(("text", "cause", "remedy"), texts):
        if not text.strip() or text.rstrip().endswith("."):
            faults.append(f"{name}: the {what} is empty or ends with a full stop")


def check(root):
    text = tree.read(TABLE, root)
    faults, seen, hundreds = [], {"name": {}, "slug": {}, "number": {}}, {}
    used = words_in_code(root)
    for part in re.split(r"(?m)^(?=/\* ---- )", text)[1:]:
        heading = HEADING.match(part)
        if not heading:
            faults.append(f"a heading without its numbers: {part.splitlines()[0]}")
            continue
        hundred = int(heading.group(2))
        if hundred in hundreds:
            faults.append(f"the hundred {hundred} has two headings: {hundreds[hundred]}, {heading.group(1)}")
        hundreds[hundred] = heading.group(1)
        for m in ROW.finditer(part):
            for kind, value in zip(("name", "slug", "number"), (m[1], m[2], m[4])):
                if value in seen[kind]:
                    faults.append(f"{kind} {value} stands twice: {m[1]} and {seen[kind][value]}")
                seen[kind][value] = m[1]
            check_row(m.groups(), hundred, faults)
            if m[1] not in used:
                faults.append(f"{m[1]} is never used")
    count = len(re.findall(r"^VCH_ERROR\(", text, re.M))
    if count != len(seen["name"]):
        faults.append(f"{count} rows, but {len(seen['name'])} understood")
    return faults


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--root", default=".")
    faults = check(p.parse_args().root)
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
