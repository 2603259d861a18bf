#!/usr/bin/env python3
"""Makes the manual pages from the programs' own --help, so that they cannot differ from it.

    tools/mkman.py PROGRAM OUTDIR     one page: PROGRAM.1, or .8 for daemons
"""
import os
import re
import subprocess
import sys

SECTION = {"vouch": "1", "vouchd": "8", "vouch-netsim": "8"}
SEE_ALSO = {
    "vouch": "vouchd(8), vouch-netsim(8), docs/formats.md",
    "vouchd": "vouch(1), vouch-netsim(8), docs/architecture.md",
    "vouch-netsim": "vouchd(8), vouch(1)",
}


def run(*args):
    env = dict(os.environ, NO_COLOR="1")
    return subprocess.run(args, capture_output=True, text=True, env=env, check=False).stdout


def roff(text):
    """TEXT for roff: backslashes, and a leading dot or quote, are not requests."""
    lines = []
    for line in text.replace("\\", "\\e").replace("-", "\\-").split("\n"):
        lines.append("\\&" + line if line[:1] in (".", "'") else line)
    return "\n".join(lines)


def commands(overview):
    """(name, summary) of each command in an overview."""
    found = []
    for line in overview.splitlines():
        m = re.match(r"^  ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)?)  +(\S.*)$", line)
        if m:
            found.append((m.group(1), m.group(2)))
    return found


def section_of(help_text):
    """Splits a command's help into its parts: usage, about, options, examples."""
    parts = {"usage": "", "about": [], "options": [], "examples": []}
    where = "about"
    for line in help_text.splitlines()[1:]:
        if line.startswith("Usage: "):
            parts["usage"] = line[len("Usage: "):]
        elif line in ("Options", "Examples"):
            where = line.lower()
        elif line.startswith("Exit status:"):
            continue
        else:
            parts[where].append(line)
    return parts


def option_lines(lines):
    out = []
    for line in lines:
        m = re.match(r"^  (?:    )?(-\S.*?)  +(\S.*)$", line)
        if m:
            out.append(f".TP\n.B {roff(m.group(1).strip())}\n{roff(m.group(2))}")
    return "\n".join(out)


def paragraphs(lines):
    return "\n.PP\n".join(roff(p) for p in re.split(r"\n\n+", "\n".join(lines).strip()) if p)


def page(program_path):
    program = os.path.basename(program_path)
    overview = run(program_path, "--help")
    version = run(program_path, "--version").split()[-1:] or [""]
    tagline = overview.splitlines()[0].split(" - ", 1)[-1]
    out = [f'.TH {program.upper()} {SECTION.get(program, "1")} "" "vouch {version[0]}" "Vouch"',
           ".SH NAME", f"{roff(program)} \\- {roff(tagline)}", ".SH SYNOPSIS",
           f".B {roff(program)}", ".I command", "[options] ...", ".SH DESCRIPTION"]
    known = commands(overview)
    if not known:
        out += [".nf", roff(overview), ".fi"]
    for name, summary in known:
        parts = section_of(run(program_path, *name.split(), "--help"))
        out += [f".SS {roff(program)} {roff(name)}", roff(summary[0].upper() + summary[1:] + "."),
                ".PP", f".B {roff(parts['usage'])}"]
        about = paragraphs(parts["about"])
        if about:
            out += [".PP", about]
        out.append(option_lines(parts["options"]))
        examples = "\n".join(parts["examples"]).strip("\n")
        if examples:
            out += [".PP", "Examples:", ".PP", ".nf", ".RS", roff(examples), ".RE", ".fi"]
    out += [".SH EXIT STATUS", "0 done or valid, 1 refused or invalid, 2 cannot be evaluated or",
            "unreachable, 64 usage, 70 a defect.", ".SH SEE ALSO", roff(SEE_ALSO.get(program, ""))]
    return "\n".join(line for line in out if line) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program = os.path.basename(sys.argv[1])
    os.makedirs(sys.argv[2], exist_ok=True)
    path = os.path.join(sys.argv[2], f"{program}.{SECTION.get(program, '1')}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(page(sys.argv[1]))


if __name__ == "__main__":
    main()
