#!/usr/bin/env python3
"""Checks the archives of the modules: names, declarations, purity, homes of foreign libraries.

    tools/check_symbols.py BUILD [--root FOLDER]

 - every global symbol that a module defines begins with vch_ and is declared in a header of that module;
 - a PURE module refers only to itself, to pure modules, to base without its heap, and to a short list
   of functions of the C library;
 - a symbol of a foreign library is used only in the modules that are its home.
"""
import argparse
import re
import subprocess
import sys

import tree

PURE_LIBC = re.compile(
    r"^(mem(cpy|set|cmp|move|chr)|strlen|__stack_chk_fail|__mem\w+_chk|_GLOBAL_OFFSET_TABLE_|"
    r"__(asan|ubsan|tsan|sanitizer|gcov)_\w+)$")
BASE_HEAP = re.compile(r"^vch_(mem|buf)_")
HOMES = {  # shared library: modules that may refer to its symbols
    "crypto": {"ossl"},
    "ssl": {"ossl"},
    "gnutls": {"http"},
    "microhttpd": {"http"},
    "curl": {"http"},
    "lmdb": {"store"},
    "sqlite3": {"netsim"},
    "yaml": {"conf"},
    "jansson": None,  # JSON is spoken at every edge: any module above the pure layers
}
JSON_LAYER = 8


def nm(path, *flags):
    out = subprocess.run(["nm", *flags, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()
            if line and not line.endswith(":") and len(line.split()) > 1}


def library_symbols(name):
    path = subprocess.run(["gcc", f"-print-file-name=lib{name}.so"], capture_output=True, text=True,
                          check=True).stdout.strip()
    if "/" not in path:
        return set()  # not installed: then nothing can link it either
    return {s for s in nm(path, "-D", "--defined-only") if not s.startswith("_")}


def read_modules(build):
    modules = {}
    with open(f"{build}/modules.txt", encoding="utf-8") as f:
        for line in filter(None, map(str.strip, f)):
            name, layer, pure, _, archive = line.split("|")
            modules[name] = {"layer": int(layer), "pure": pure == "TRUE",
                             "defined": nm(archive, "-g", "--defined-only"), "undefined": nm(archive, "-u")}
    return modules


def check_names(name, module, root):
    declared = set()
    for path in tree.files(f"src/{name}/*.h", root=root):
        declared |= set(re.findall(r"\bvch_\w+", tree.code_only(tree.read(path, root))))
    for s in sorted(module["defined"]):
        if not s.startswith("vch_"):
            yield f"{name}: global symbol {s} does not begin with vch_"
        elif s not in declared:
            yield f"{name}: {s} is in no header of the module; declare it or make it static"


def check_purity(name, outside, allowed):
    for s in sorted(outside):
        if s not in allowed and not PURE_LIBC.match(s):
            yield f"{name} is pure, but refers to {s}"


def check_homes(name, layer, outside, foreign):
    for library, symbols in foreign.items():
        homes = HOMES[library]
        if (layer >= JSON_LAYER) if homes is None else (name in homes):
            continue
        where = f"layers {JSON_LAYER} and above" if homes is None else ", ".join(sorted(homes))
        for s in sorted(outside & symbols):
            yield f"{name} refers to {s}: lib{library} belongs to {where}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("--root", default=".")
    a = p.parse_args()
    modules = read_modules(a.build)
    foreign = {library: library_symbols(library) for library in HOMES}
    allowed = set().union(*(m["defined"] for m in modules.values() if m["pure"]))
    allowed |= {s for s in modules["base"]["defined"] if not BASE_HEAP.match(s)}
    faults = []
    for name, m in modules.items():
        outside = m["undefined"] - m["defined"]
        faults += check_names(name, m, a.root)
        if m["pure"]:
            faults += check_purity(name, outside, allowed)
        faults += check_homes(name, m["layer"], outside, foreign)
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
