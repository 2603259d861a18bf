#!/usr/bin/env python3
"""Checks the source text: banned calls, must-check results, sizes, words that do not belong.

Waivers are in tools/waivers.toml: rule, file, count, reason. A waiver that is not needed any more, or
whose count is wrong, is a fault too.
"""
import re
import subprocess
import sys
import tomllib

BANNED = {
    "unsafe text call": r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|strncpy|strncat)\s*\(",
    "hidden state": r"\b(gmtime|localtime|ctime|asctime|rand|srand|setlocale|setenv|putenv)\s*\(",
    "shell": r"\b(system|popen)\s*\(",
    "stack allocation": r"\balloca\s*\(",
    "heap outside base": r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup)\s*\(",
    "assert": r"(?<!\w)assert\s*\(",
    "secret compared by memcmp": r"\bmemcmp\s*\([^;]*\b\w*(mac|secret|token|passphrase)\w*\b",
}
WORDS = {
    "unfinished work": r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b",
    "machine path": r"(?<![\w.])/(wo" r"rk|ro" r"ot|ho" r"me)/",
    "registry host": r"https?://(reg" r"istry|pro" r"xy|de" r"b|fi" r"les|ind" r"ex)\.",
    "dead code": r"^\s*#\s*if\s+0\b",
}
FILE_LINES, FUNCTION_LINES = 600, 60


def git_files(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns],
                         capture_output=True, text=True, check=True).stdout
    return [p for p in out.splitlines()]


def code_only(text):
    """TEXT with comments and strings blanked, lines kept."""
    def blank(m):
        s = m.group(0)
        return s[0] + "\n" * s.count("\n") + s[-1] if s[0] in "\"'" else "\n" * s.count("\n")
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", blank, text, flags=re.S)


def functions(code):
    """(name, first line, lines) of each function body."""
    lines = code.split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{" and start is None:
            start = i
        elif line == "}" and start is not None:
            head = " ".join(lines[max(0, start - 6):start])
            names = re.findall(r"(\w+)\s*\(", head.split(";")[-1].split("}")[-1])
            yield (names[0] if names else "?"), start, i - start + 1
            start = None


def check_file(path, found):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    lines = text.count("\n")
    if lines > FILE_LINES:
        found.append(("file too long", path, 1, f"{lines} lines"))
    for rule, pattern in WORDS.items():
        for m in re.finditer(pattern, text, re.M):
            found.append((rule, path, text.count("\n", 0, m.start()) + 1, m.group(0)))
    if not path.endswith((".c", ".h")):
        return
    code = code_only(text)
    in_tests = path.startswith(("tests/", "fuzz/"))
    for rule, pattern in BANNED.items():
        if in_tests and rule in ("heap outside base", "assert", "secret compared by memcmp", "hidden state",
                                  "unsafe text call"):
            continue
        if path.startswith("src/base/") and rule == "heap outside base":
            continue
        for m in re.finditer(pattern, code):
            found.append((rule, path, code.count("\n", 0, m.start()) + 1, m.group(0)))
    for name, at, n in functions(code):
        if n > FUNCTION_LINES and not in_tests:
            found.append(("function too long", path, at + 1, f"{name}: {n} lines"))
    if path.endswith(".h") and "/include/" in path:
        for m in re.finditer(r"(?m)^(?!.*VCH_CHECKED)(?:static inline )?vch_err (vch_\w+)\(", code):
            before = code[:m.start()].rstrip().split("\n")[-1]
            if "VCH_CHECKED" not in before and m.group(1) not in ("vch_err_at",):
                found.append(("result not must-check", path, code.count("\n", 0, m.start()) + 1, m.group(1)))


def main():
    found = []
    for path in git_files("*.c", "*.h", "*.py", "*.sh", "*.ts", "*.md", "*.cmake", "Makefile", "*.toml",
                          "*.yaml", "*.go"):
        if not path.startswith("req/") or not path.endswith(".toml"):
            check_file(path, found)
    with open("tools/waivers.toml", "rb") as f:
        waivers = tomllib.load(f).get("waiver", [])
    faults = []
    for w in waivers:
        hits = [x for x in found if x[0] == w["rule"] and x[1] == w["file"]]
        if len(hits) != w["count"]:
            faults.append(f"{w['file']}: waiver for '{w['rule']}' says {w['count']}, found {len(hits)}")
        found = [x for x in found if x not in hits]
    faults += [f"{path}:{line}: {rule}: {what}" for rule, path, line, what in found]
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
