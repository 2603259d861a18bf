#!/usr/bin/env python3
"""Finds calls that we do not make, each with what to use instead.

Exceptions stand in tools/banned.toml: file, call, count, reason. One whose count is not what the tree
has, or that nothing needs any more, is a fault too.

    tools/check_banned.py [--root FOLDER]
"""
import argparse
import os
import re
import sys
import tomllib

import tree

COPY = "use vch_writer, vch_buf or snprintf with its result checked"
CLOCK = "use gmtime_r"
NUMBER = "use vch_u64_parse, which refuses what is no number"
HEAP = "use vch_mem_* or vch_buf of base"
ENV = "changes the whole process; pass an argument"
EVERYWHERE = {
    **dict.fromkeys(("sprintf", "vsprintf", "gets", "stpcpy"), COPY),
    "alloca": "the stack is not checked; give room as an argument",
    "mktemp": "a race; use mkstemp", "tmpnam": "a race; use mkstemp",
}
PRODUCT = {
    **dict.fromkeys(("strcpy", "strcat", "strncpy", "strncat"), COPY),
    **dict.fromkeys(("atoi", "atol", "atoll", "atof"), NUMBER),
    **dict.fromkeys(("gmtime", "localtime", "ctime", "asctime"), CLOCK),
    "strtok": "keeps hidden state; use vch_reader or strtok_r",
    "system": "no shell; use posix_spawn", "popen": "no shell; use posix_spawn",
    **dict.fromkeys(("malloc", "calloc", "realloc", "free", "strdup", "strndup", "asprintf"), HEAP),
    **dict.fromkeys(("strtol", "strtoul", "strtoll", "strtoull", "sscanf", "strtod"), NUMBER),
    **dict.fromkeys(("rand", "srand", "drand48"), "use the random function of the crypto port"),
    **dict.fromkeys(("setenv", "putenv", "unsetenv", "setlocale"), ENV),
    "assert": "use VCH_ASSERT, which release builds keep",
}
SECRET = re.compile(r"\w*(?:key|mac|secret|tag|token|passphrase)\w*")
TIMELESS_LAYER = 7


def layers(root):
    """Module name to layer, from the declarations."""
    out = {}
    for path in tree.files("src/*/CMakeLists.txt", root=root):
        m = re.search(r"vch_module\(\s*(\w+)\s+LAYER\s+(\d+)", tree.read(path, root))
        if m:
            out[m.group(1)] = int(m.group(2))
    return out


def argument_text(code, at):
    """What stands between the parentheses that open at or after AT."""
    start = i = code.index("(", at)
    depth = 0
    while i < len(code):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            break
        i += 1
    return code[start:i]


def calls(path, code, layer_of):
    """(call, offset, advice) of every banned call."""
    tests = path.startswith(("tests/", "fuzz/", "bench/"))
    banned = dict(EVERYWHERE)
    if not tests:
        banned.update(PRODUCT)
        if path.startswith("src/base/"):
            banned = {k: v for k, v in banned.items() if v is not HEAP}
        module = path.split("/")[1] if path.startswith("src/") else ""
        if layer_of.get(module, 99) <= TIMELESS_LAYER:
            banned.update(dict.fromkeys(("time", "clock_gettime", "gettimeofday"), "time is an argument here"))
    for m in re.finditer(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(", code):
        yield m.group(1), m.start(), banned[m.group(1)]
    if not tests:
        for m in re.finditer(r"\bmemcmp\s*\(", code):
            if SECRET.search(argument_text(code, m.start())):
                yield "memcmp", m.start(), "secrets take vch_equal_ct; if this is none, waive it"


def check(root):
    hits = {}
    layer_of = layers(root)
    for path in tree.files("*.c", "*.h", root=root):
        code = tree.code_only(tree.read(path, root))
        for call, at, advice in calls(path, code, layer_of):
            hits.setdefault((path, call), []).append((tree.line_of(code, at), advice))
    faults = []
    waivers = {}
    if os.path.exists(os.path.join(root, "tools/banned.toml")):
        with open(os.path.join(root, "tools/banned.toml"), "rb") as f:
            waivers = tomllib.load(f)
    for w in waivers.get("waiver", []):
        found = hits.pop((w["file"], w["call"]), [])
        if len(found) != w["count"]:
            faults.append(f"tools/banned.toml: {w['file']}: {w['call']} is waived {w['count']} times, "
                          f"found {len(found)} times")
        if len(w.get("reason", "")) < 10:
            faults.append(f"tools/banned.toml: {w['file']}: {w['call']} is waived without a reason")
    for (path, call), places in sorted(hits.items()):
        faults += [f"{path}:{line}: {call} is banned: {advice}" for line, advice in places]
    return faults


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--root", default=".")
    faults = check(p.parse_args().root)
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
