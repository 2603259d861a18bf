#!/usr/bin/env python3
"""The files of the tree, and C text without comments and strings. Shared by the checks.

    tools/tree.py PATTERN...        prints the files that match (git's, or all where git cannot tell)
"""
import fnmatch
import os
import re
import subprocess
import sys

NOT_OURS = re.compile(r"^(build|build-\w+|\.git|node_modules)(/|$)")


def _every_file(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [d for d in folders if not NOT_OURS.match(os.path.relpath(os.path.join(folder, d), root))]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def files(*patterns, root="."):
    """Existing files whose path matches one of the shell PATTERNS (* crosses folders), sorted."""
    git = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True,
                         text=True, check=False)
    paths = git.stdout.splitlines() if git.returncode == 0 and git.stdout else _every_file(root)
    return sorted(p for p in set(paths) if any(fnmatch.fnmatch(p, q) for q in patterns)
                  and os.path.isfile(os.path.join(root, p)))


def read(path, root="."):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def code_only(text):
    """C TEXT with comments gone and strings emptied; lines keep their numbers."""
    def blank(m):
        s = m.group(0)
        return s[0] + "\n" * s.count("\n") + s[-1] if s[0] in "\"'" else "\n" * s.count("\n") or " "
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", blank, text, flags=re.S)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def functions(code):
    """(name, first line, lines, nesting) of each function: braces stand alone in column 0."""
    lines = code.split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{" and start is None:
            start = i
        elif line == "}" and start is not None:
            head = re.split(r"[;}]", " ".join(lines[max(0, start - 8):start]))[-1]
            names = re.findall(r"(\w+)\s*\(", head)
            depth = deepest = 0
            for c in "\n".join(lines[start + 1:i]):
                depth += (c == "{") - (c == "}")
                deepest = max(deepest, depth)
            yield names[0] if names else "?", start + 1, i - start + 1, deepest
            start = None


if __name__ == "__main__":
    print("\n".join(files(*sys.argv[1:])))
