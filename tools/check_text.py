#!/usr/bin/env python3
"""Checks the texts of the tree: sizes, nesting, labels, must-check results, words that do not belong.

    tools/check_text.py [--root FOLDER]
"""
import argparse
import re
import sys

import tree

FILE_LINES, FUNCTION_LINES, NESTING = 600, 60, 4
# Written in two pieces each, so that this file passes its own check.
WORDS = {
    "unfinished work": r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b",
    "path of one machine": r"(?<![\w.>])/(?:wo" r"rk|ro" r"ot|ho" r"me)/",
    "host of a package registry": r"https?://(?:\w+[.])*(?:regis" r"try|pyp" r"i|pythonhos" r"ted|np" r"mjs|"
                                  r"deb[.]debi" r"an|proxy[.]gol" r"ang|cra" r"tes)[.]",
}
SIZED = (".c", ".h", ".py", ".ts", ".js", ".sh", ".go")
TEXTS = ("*.c", "*.h", "*.def", "*.py", "*.sh", "*.ts", "*.js", "*.go", "*.md", "*.cmake", "*.toml", "*.yaml",
         "*.yml", "*.css", "*.html", "*CMakeLists.txt", "Makefile", "*/Makefile", ".ci/*")
PUBLIC_RESULT = re.compile(r"(?m)^(?P<before>[^\n;]*\n)?(?P<head>(?:static inline |extern )?[\w ]*\bvch_err) (?P<name>vch_\w+)\(")
MAKES_ERRORS = re.compile(r"^vch_err_\w+$")


def check_c(path, text, faults):
    code = tree.code_only(text)
    for name, line, lines, nesting in tree.functions(code):
        if lines > FUNCTION_LINES:
            faults.append(f"{path}:{line}: function {name} has {lines} lines, at most {FUNCTION_LINES}")
        if nesting > NESTING:
            faults.append(f"{path}:{line}: function {name} nests {nesting} deep, at most {NESTING}")
    for m in re.finditer(r"\bgoto\s+(?!fail;|out;)(\w+)", code):
        faults.append(f"{path}:{tree.line_of(code, m.start())}: label {m.group(1)}: only fail or out")
    for m in re.finditer(r"(?m)^\s*#\s*if\s+0\b", code):
        faults.append(f"{path}:{tree.line_of(code, m.start())}: dead code behind #if 0")
    for m in re.finditer(r"\btypedef\s+(struct|union|enum)\b", code):
        if path != "src/base/include/vouch/base/err.h":
            faults.append(f"{path}:{tree.line_of(code, m.start())}: typedef of a {m.group(1)}")
    if path.endswith(".h") and "/include/vouch/" in path:
        for m in PUBLIC_RESULT.finditer(code):
            inline = "static inline" in m["head"] or "static inline" in (m["before"] or "")
            if "VCH_CHECKED" not in m["head"] + (m["before"] or "") and not inline \
                    and not MAKES_ERRORS.match(m["name"]):
                faults.append(f"{path}:{tree.line_of(code, m.start('name'))}: {m['name']} is not VCH_CHECKED")


def check(root):
    faults = []
    for path in tree.files(*TEXTS, root=root):
        text = tree.read(path, root)
        if path.endswith(SIZED) and text.count("\n") > FILE_LINES:
            faults.append(f"{path}: {text.count(chr(10))} lines, at most {FILE_LINES}")
        for what, pattern in WORDS.items():
            faults += [f"{path}:{tree.line_of(text, m.start())}: {what}: {m.group(0)}"
                       for m in re.finditer(pattern, text)]
        if path.endswith((".c", ".h")):
            check_c(path, text, faults)
    return faults


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--root", default=".")
    faults = check(p.parse_args().root)
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
