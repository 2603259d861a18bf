#!/usr/bin/env python3
"""Checks src/base/include/vouch/base/errors.def: unique names, slugs and numbers, each number in the
hundred of its heading, texts of the right form, and every error in use."""
import re
import subprocess
import sys

TABLE = "src/base/include/vouch/base/errors.def"
ROW = re.compile(r'VCH_ERROR\(\s*(\w+),\s*"([^"]*)",\s*(\w+),\s*(\d+),\s*(\d+),\s*(\d+),\s*(.*?)\)\n(?=\n|VCH|/\*|$)',
                 re.S)


def strings(text):
    """The C string literals of TEXT, joined where only white space lies between."""
    out, after = [], None
    for m in re.finditer(r'"((?:[^"\\]|\\.)*)"|,', text):
        if m.group(0) == ",":
            after = None
        elif after is None:
            out.append(m.group(1))
            after = True
        else:
            out[-1] += m.group(1)
    return out


def main():
    with open(TABLE, encoding="utf-8") as f:
        text = f.read()
    faults, seen = [], {"name": {}, "slug": {}, "number": {}}
    used = subprocess.run(["git", "grep", "-hoE", r"(VCH_E\(\w+|VCH_CHECK\([^;]*, ?\w+\)|\b[A-Z][A-Z0-9_]+\b)",
                           "--", "src/**/*.c", "src/**/*.h", "apps/**/*.c", "apps/**/*.h"],
                          capture_output=True, text=True, check=False).stdout
    words = set(re.findall(r"[A-Z][A-Z0-9_]+", used))
    hundred = None
    for part in re.split(r"(?m)^(?=/\* ---- )", text)[1:]:
        heading = re.match(r"/\* ---- ([\w, +]+): (\d+)", part)
        if not heading:
            faults.append(f"a heading without its numbers: {part.splitlines()[0]}")
            continue
        hundred = int(heading.group(2))
        for m in ROW.finditer(part + "\n"):
            name, slug, _, number, _, _, rest = m.groups()
            for kind, value in (("name", name), ("slug", slug), ("number", number)):
                if value in seen[kind]:
                    faults.append(f"{kind} {value} stands twice: {name} and {seen[kind][value]}")
                seen[kind][value] = name
            if int(number) // 100 != hundred // 100:
                faults.append(f"{name}: number {number} is outside the heading's hundred {hundred}")
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
                faults.append(f"{name}: slug {slug}")
            texts = strings(rest)
            if len(texts) != 3 or any(not t.strip() or t.endswith(".") for t in texts):
                faults.append(f"{name}: wants text, cause and remedy, each without a full stop")
            if name not in words:
                faults.append(f"{name} is never used")
    count = len(re.findall(r"^VCH_ERROR\(", text, re.M))
    if count != len(seen["name"]):
        faults.append(f"{count} rows, but {len(seen['name'])} understood")
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
