#!/usr/bin/env python3
"""Checks that a module includes only headers of modules that it uses, directly or through others.

    tools/check_layers.py BUILD [--root FOLDER]

The compiler holds this too, as long as nobody adds an include folder by hand; this check names the
module that is missing. Programs, tests and benchmarks are free.
"""
import argparse
import re
import sys

import tree

INCLUDE = re.compile(r'(?m)^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_modules(build):
    """Module name to (layer, modules it names)."""
    out = {}
    with open(f"{build}/modules.txt", encoding="utf-8") as f:
        for line in filter(None, map(str.strip, f)):
            name, layer, _, uses, _ = line.split("|")
            out[name] = (int(layer), set(filter(None, uses.split(","))))
    return out


def reach(modules, name):
    seen, left = {name}, [name]
    while left:
        for m in modules[left.pop()][1] - seen:
            seen.add(m)
            left.append(m)
    return seen


def check(build, root):
    modules = read_modules(build)
    faults = [f"{n} (layer {layer}) uses {u} (layer {modules[u][0]})"
              for n, (layer, uses) in modules.items() for u in uses if modules[u][0] >= layer]
    for path in tree.files("src/*.c", "src/*.h", root=root):
        module = path.split("/")[1]
        if module not in modules:
            faults.append(f"{path}: folder src/{module} declares no module")
            continue
        text = tree.read(path, root)
        for m in INCLUDE.finditer(text):
            at = f"{path}:{tree.line_of(text, m.start(2))}"
            named = re.match(r"vouch/(\w+)/", m[2])
            if named and named[1] not in reach(modules, module):
                faults.append(f"{at}: {module} does not use {named[1]}")
            if m[1] == '"' and (m[2].startswith("..") or "vouch/" in m[2]):
                faults.append(f"{at}: private headers are those of the own module")
    return faults


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("--root", default=".")
    a = p.parse_args()
    faults = check(a.build, a.root)
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
